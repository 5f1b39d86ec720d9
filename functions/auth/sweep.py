"""Goes on with deletions that wait: for a token to run out, or for an order."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from auth import commands
from auth.deletion import OPEN, AwaitedOrder, Deletion
from auth.identity_provider import CognitoUsers
from auth.store import WaitSettings, open_deletions, waits_of
from cloudretail.envelope import Cause
from cloudretail.settings import load
from cloudretail.telemetry import count, flush, logger
from cloudretail.tracing import root

PAGE = 25
"""Deletions of one look."""


class SweepSettings(WaitSettings):
    """What this function needs.

    Attributes:
        token_seconds: how long an ID token lives.
    """

    token_seconds: int

    @property
    def token_life(self) -> timedelta:
        return timedelta(seconds=self.token_seconds)


@cache
def _settings() -> SweepSettings:
    return load(SweepSettings)


def handler(event: Mapping[str, Any], context: LambdaContext) -> None:
    """Invoked every minute."""
    del event
    now, cause = datetime.now(UTC), Cause(context.aws_request_id, root(context.aws_request_id, None))
    settings = _settings()
    deletions = open_deletions(settings)

    def waits(user_id: str) -> list[AwaitedOrder]:
        return waits_of(settings, user_id, now)

    ports = commands.DeletionPorts(deletions, CognitoUsers(settings.user_pool_id), waits)
    after: dict[str, Any] | None = None
    try:
        while True:
            rows, after = deletions.page("openAs-requestedAt", ("openAs", OPEN), "requestedAt", PAGE, after)
            for row in rows:
                _go_on(ports, row.state, cause, now)
            if after is None:
                return
    finally:
        flush()


def _go_on(ports: "commands.DeletionPorts", deletion: Deletion, cause: Cause, now: datetime) -> None:
    """One that cannot go on now holds up no other."""
    try:
        waited_for = commands.go_on(ports, deletion, _settings().token_life, cause, now)
    except Exception:
        logger.exception("A deletion could not go on; it is tried again in a minute", user_id=deletion.user_id)
        count("DeletionsFailed")
    else:
        logger.info("A deletion", user_id=deletion.user_id, waits_for=len(waited_for))
