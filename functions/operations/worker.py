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
from operations.reconciliation.domain import JobState
from operations.replays.domain import Action, ReplayState
from operations.replays.dry_run import DryRun
from operations.replays.targets import LambdaInvoker
from operations.wiring import (
    WorkerSettings,
    open_dead_letters,
    open_reconciliations,
    open_replayer,
    open_replays,
)

RESERVE = 30
"""Seconds before its end at which an invocation stops, and invokes another."""


@cache
def _settings() -> WorkerSettings:
    return load(WorkerSettings)


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Invoked asynchronously, by the API, the command, a schedule and itself.

    With `{"replayId": ...}` or `{"reconciliationId": ...}`: what that record says. With `{"reconcile": why}`: a new
    reconciliation.
    """
    settings = _settings()
    until = REAL_TIME.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE
    try:
        match event:
            case {"replayId": str(replay_id)}:
                goes_on = _replay(replay_id, settings, context, until)
            case {"reconciliationId": str(reconciliation_id)}:
                goes_on = _reconcile(reconciliation_id, settings, until)
            case {"reconcile": str(reason)}:
                started = open_reconciliations(settings).start(by="schedule", reason=reason)
                event, goes_on = {"reconciliationId": started.reconciliation_id}, True
            case _:
                return  # A warm-up.
        if goes_on:
            LambdaInvoker(context.function_name).start(json.dumps(event))
    finally:
        flush()


def _replay(replay_id: str, settings: WorkerSettings, context: LambdaContext, until: float) -> bool:
    """Carry a replay out; whether something is left to do."""
    found = open_replays(settings).get(replay_id)
    found = found.model_copy(update={"version": context.function_version})
    if found.action is Action.DRY_RUN:
        replay = DryRun(open_dead_letters(settings), open_replays(settings).log, CONSUMERS).run(found)
    else:
        replay = open_replayer(settings, context.function_name, subscribers()).run(found, until=until)
    for outcome, number in replay.outcomes.items():
        count(f"Replay{outcome.title().replace('_', '')}", number)
    logger.info("Replay", replay_id=replay.replay_id, state=replay.state, outcomes=dict(replay.outcomes))
    return replay.state is ReplayState.RUNNING


def _reconcile(reconciliation_id: str, settings: WorkerSettings, until: float) -> bool:
    """Carry a reconciliation out; whether something is left to do."""
    reconciliations = open_reconciliations(settings)
    done = reconciliations.run(reconciliations.get(reconciliation_id), until)
    how_far = {"parts": done.parts, "done": done.done, "rows": done.rows, "violations": done.violations}
    logger.info("Reconciliation", reconciliation_id=reconciliation_id, state=done.state, progress=how_far)
    if done.state is JobState.DONE:
        count("Violations", done.violations)
    return done.state is JobState.RUNNING
