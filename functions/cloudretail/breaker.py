"""A circuit breaker for a system that reactions call. While that is unavailable, messages wait instead of failing.

    closed ──(OPENS_AT failures in a row, no two further apart than WINDOW)──> open
    open ──(a message comes, and nobody has asked for ASK_EVERY)──> it asks ──> answered: closed
                                                                           └──> away: open
    open ──(any other message)──> Held: it is delivered again later; it has not failed

The state is a row of the failures table, in a partition of its own: FAILING while calls fail, RESOLVED once one is
answered. Its cause says why, `failing_since` since when, and `asked_at` when a message asked last.
"""

import random
import time
from collections.abc import Callable
from typing import Any

from cloudretail.causes import code_of, where
from cloudretail.errors import Held, LostRace
from cloudretail.failure_log import FailureRows, Key, change
from cloudretail.failures import Cause, FailureRow, FailureState, fingerprint, resolved
from cloudretail.retries import may_pass
from cloudretail.telemetry import logger

AWAY = "away"
"""Partition of the breakers' rows in the failures table. No consumer has this name."""

OPENS_AT = 5
"""Failures in a row that open a breaker."""

WINDOW = 120
"""The most seconds between two failures in a row."""

ASK_EVERY = 30
"""Seconds between two messages that ask whether the other system is available again."""

LONGEST_HOLD = 600
"""The most seconds until a held message is delivered again. Its 1000 receives (maxReceiveCount) last for five days."""

TRUSTED_FOR = 10.0
"""Seconds for which a process takes a closed breaker for closed, without reading it again."""


def is_open(row: FailureRow | None) -> bool:
    """Whether the breaker is open, so that messages wait."""
    return row is not None and row.state is FailureState.FAILING and row.failures >= OPENS_AT


def away(row: FailureRow | None, key: Key, cause: Cause, now: int) -> FailureRow:
    """A call has failed.

    Args:
        row: of the breaker; None if it was never open.
        key: of the row.
        cause: of the failure.
        now: seconds since 1970.
    """
    consumer, event_id = key
    goes_on = row and row.state is FailureState.FAILING and (is_open(row) or now - row.last_failed_at <= WINDOW)
    begun = row.failing_since if row and goes_on and row.failing_since is not None else now
    known = row or FailureRow(
        consumer=consumer,
        event_id=event_id,
        state=FailureState.FAILING,
        since=now,
        cause=cause,
        first_failed_at=now,
        last_failed_at=now,
    )
    counts = {"failures": known.failures + 1 if goes_on else 1, "failing_since": begun, "since": begun}
    return known.now(FailureState.FAILING, now, cause=cause, last_failed_at=now, **counts)


def asks(row: FailureRow | None, now: int) -> FailureRow | None:
    """A message asks whether the system is available again; None if another message has just asked, or none has to."""
    if row is None or not is_open(row):
        return None
    asked = max(row.last_failed_at, row.asked_at or 0)
    return row.model_copy(update={"asked_at": now}) if now - asked >= ASK_EVERY else None


def hold(row: FailureRow, now: int, chance: float) -> int:
    """Seconds until a held message is delivered again. They grow with the outage, and spread the messages.

    Args:
        row: of the breaker.
        now: seconds since 1970.
        chance: a number from 0 to 1.
    """
    age = now - (row.failing_since or now)
    return max(1, round(min(max(age / 2, ASK_EVERY), LONGEST_HOLD) * (0.5 + chance / 2)))


class Breaker:
    """A breaker on the failures table.

    Args:
        rows: of that table.
        consumer: name of the consumer whose messages wait.
        name: name of the system that it calls.
        function: name of the Lambda function, to find its log.
        clock: seconds since 1970.
        chance: a number from 0 to 1, which spreads messages that are held together.
    """

    def __init__(
        self,
        rows: FailureRows,
        consumer: str,
        name: str,
        function: str = "",
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._rows = rows
        self._key = (AWAY, f"{consumer}/{name}")
        self._name = name
        self._function = function
        self._clock = clock
        self._chance = chance
        self._closed_until = 0.0
        self._asks_until = 0.0

    def call[T](self, ask: Callable[[], T], *, proves: bool = True) -> T:
        """Call the system, unless it is unavailable.

        Args:
            ask: the call.
            proves: whether an answer proves that the system is available again. A read may succeed while writes fail.

        Returns:
            The system's answer.

        Raises:
            Held: the system is unavailable, and another message asks it.
            Exception: whatever the call raises.
        """
        row = self._let_through()
        try:
            answer = ask()
        except Exception as error:
            if may_pass(error):
                self._note(self._failure_of(error))
            raise
        if proves and row and row.state is FailureState.FAILING:
            self._note(lambda row, now: resolved(row, row.generation, now) if row else None)
        return answer

    def _let_through(self) -> FailureRow | None:
        """The row as it is; raises Held if this message has to wait. If the table cannot be read, the call is made."""
        now = self._clock()
        if now < self._closed_until:
            return None
        try:
            row = self._rows.read([self._key]).get(self._key)
        except Exception:
            logger.exception("Whether a breaker is open could not be read", breaker=self._name)
            return None
        if not is_open(row):
            if row is None or row.state is not FailureState.FAILING:
                self._closed_until = now + TRUSTED_FOR
            return row
        assert row, "only a row is open"
        if self._may_ask(row, int(now)):
            return row
        why = f"{self._name} is away: {row.cause.exception}: {row.cause.message}"
        raise Held(why, hold(row, int(now), self._chance()))

    def _may_ask(self, row: FailureRow, now: int) -> bool:
        """Whether this message is the one that asks. It may make all calls that it needs."""
        if now < self._asks_until:
            return True
        asking = asks(row, now)
        if asking is None:
            return False
        try:
            self._rows.write(row, asking)
        except LostRace:
            return False
        self._asks_until = now + ASK_EVERY
        return True

    def _note(self, rule: Callable[[FailureRow | None, int], FailureRow | None]) -> None:
        """Write the outcome of a call. A failure to write it must not change that outcome."""
        self._closed_until = self._asks_until = 0.0
        now = int(self._clock())
        try:
            change(self._rows, self._key, lambda row: rule(row, now))
        except Exception:
            logger.exception("A breaker's state could not be kept", breaker=self._name)

    def _failure_of(self, error: Exception) -> Callable[[FailureRow | None, int], FailureRow]:
        code = code_of(error)
        said: dict[str, Any] = {"message": str(error)[:2000], "where": where(error), "function": self._function or None}
        cause = Cause(code=code, fingerprint=fingerprint(AWAY, code), exception=type(error).__name__, **said)
        return lambda row, now: away(row, self._key, cause, now)
