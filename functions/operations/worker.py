"""The replay worker: carries out what the API has recorded, since that outlasts a request.

It is invoked asynchronously and directly: Lambda itself keeps the invocation, tries it three times, and hands it to a
dead-letter queue then. A queue of its own before it would need a visibility timeout of 90 minutes and keep nothing
that the record does not. Whatever cuts it off, its next invocation goes on where the record says. What takes longer
than one invocation goes on in another.
"""

import json
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail.settings import load
from cloudretail.telemetry import count, flush, logger
from operations.domain import CONSUMERS, ReplayState
from operations.rehearsal import RehearsalSettings, rehearse, takers
from operations.replays import Clock, Replayer
from operations.service import Desk
from operations.store import EventBridgeBus, LambdaInvoker, QueueSettings, SqsQueue

RESERVE = 30
"""Seconds before its end at which an invocation stops, and lets another go on."""


class ReplaySettings(QueueSettings, RehearsalSettings):
    """What it takes to carry out a replay, and to say beforehand what it would do."""

    event_bus_name: str
    failures_table: str
    replays_table: str


def replayer(settings: ReplaySettings, desk: Desk, worker: str) -> Replayer:
    """A replayer of this shop.

    Args:
        settings: its queues and tables.
        desk: whose dead letters and records they are.
        worker: name of the function of this module.
    """
    return Replayer(
        letters=desk.letters,
        queues={consumer.queue: SqsQueue(settings.url(consumer.queue)) for consumer in CONSUMERS},
        bus=EventBridgeBus(settings.event_bus_name),
        worker=LambdaInvoker(worker),
        journal=desk.journal,
        takers=takers(),
        rehearse=partial(rehearse, settings),
    )


@cache
def _settings() -> ReplaySettings:
    return load(ReplaySettings)


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Invoked asynchronously with `{"replayId": ...}`, by the API and by itself."""
    settings = _settings()
    if "replayId" not in event:
        return  # A warm-up.
    desk = Desk(settings, settings.failures_table, settings.replays_table)
    try:
        until = Clock().monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE
        replay = replayer(settings, desk, context.function_name).run(desk.replay(event["replayId"]), until=until)
        for outcome, number in replay.outcomes.items():
            count(f"Replay{outcome.title().replace('_', '')}", number)
        logger.info("Replay", replay_id=replay.replay_id, state=replay.state, outcomes=dict(replay.outcomes))
        if replay.state is ReplayState.RUNNING:
            LambdaInvoker(context.function_name).start(json.dumps(event))
    finally:
        flush()
