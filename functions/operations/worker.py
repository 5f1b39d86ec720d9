"""The replay worker: carries out what the API or the command has recorded, where that takes longer than a request.

It is invoked asynchronously and directly: Lambda itself keeps the invocation, tries it three times, and sends it to a
dead-letter queue then. A queue of its own before it would need a visibility timeout of 90 minutes, and keep nothing
that the record does not. Its next invocation continues where the record says. What takes longer than one invocation is
continued by another.

Dry runs run here only: in the deployed code, with the environment that every consumer's ports find theirs in.
"""

import json
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail.settings import load
from cloudretail.telemetry import count, flush, logger
from operations.clock import REAL_TIME
from operations.consumers import CONSUMERS, subscribers
from operations.replays.domain import Action, Replay, ReplayState
from operations.replays.dry_run import DryRun
from operations.replays.targets import LambdaInvoker
from operations.wiring import ReplaySettings, open_dead_letters, open_replayer, open_replays

RESERVE = 30
"""Seconds before its end at which an invocation stops, and invokes another."""


@cache
def _settings() -> ReplaySettings:
    return load(ReplaySettings)


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Invoked asynchronously with `{"replayId": ...}`, by the API, by the command and by itself."""
    settings = _settings()
    if "replayId" not in event:
        return  # A warm-up.
    try:
        replay = _carry_out(open_replays(settings).get(event["replayId"]), settings, context)
        for outcome, number in replay.outcomes.items():
            count(f"Replay{outcome.title().replace('_', '')}", number)
        logger.info("Replay", replay_id=replay.replay_id, state=replay.state, outcomes=dict(replay.outcomes))
        if replay.state is ReplayState.RUNNING:
            LambdaInvoker(context.function_name).start(json.dumps(event))
    finally:
        flush()


def _carry_out(replay: Replay, settings: ReplaySettings, context: LambdaContext) -> Replay:
    if replay.action is Action.DRY_RUN:
        return DryRun(open_dead_letters(settings), open_replays(settings).log, CONSUMERS).run(replay)
    until = REAL_TIME.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE
    return open_replayer(settings, context.function_name, subscribers()).run(replay, until=until)
