"""The replay worker carries out what the API or the command has recorded, if that takes longer than a request.

It is invoked asynchronously and without a queue: Lambda keeps the invocation, tries it three times, and then sends it
to a dead-letter queue. A queue in front of it would need a visibility timeout of 90 minutes, and would hold nothing
that the record does not have. Each invocation continues where the record says. Work that takes longer than one
invocation is continued by another one.

Dry runs run here only: in the deployed code, whose environment has the settings of every consumer's ports.
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
"""Seconds before its time-out at which an invocation stops, and invokes the next one."""


@cache
def _settings() -> WorkerSettings:
    return load(WorkerSettings)


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Invoked asynchronously by the API, the command, a schedule and itself.

    `{"replayId": ...}` or `{"reconciliationId": ...}` names the record to carry out. `{"reconcile": why}` starts a new
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
    """Carry out a replay; returns whether something is left to do."""
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
    """Carry out a reconciliation; returns whether something is left to do."""
    reconciliations = open_reconciliations(settings)
    done = reconciliations.run(reconciliations.get(reconciliation_id), until)
    how_far = {"parts": done.parts, "done": done.done, "rows": done.rows, "violations": done.violations}
    logger.info("Reconciliation", reconciliation_id=reconciliation_id, state=done.state, progress=how_far)
    if done.state is JobState.DONE:
        count("Violations", done.violations)
    return done.state is JobState.RUNNING
