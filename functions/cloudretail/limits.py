"""How often somebody may try something. Pure.

An attempt is counted by account and client together, strictly, and by account alone, loosely:

    one client, one account     at most so many in a window, then until there is room again
    all clients, one account    beyond so many in a window each client has to wait before an attempt, a minute at most

An attacker who guesses from many addresses is slowed down, and cannot lock the owner out: each wait is between the
account and one client. Accounts that do not exist are counted like any other.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator

from cloudretail.errors import Refusal
from cloudretail.model import Model

WAIT = 60_000
"""Milliseconds that a client waits before an attempt at an account that many try to get into."""

WAITED_FOR = 600_000
"""Milliseconds after a wait in which the attempt may be made."""


@dataclass(frozen=True)
class Rate:
    """How many attempts there may be.

    Attributes:
        by_client: of one account, from one client, in any window.
        by_all: of one account, from all clients, in a window, before each of them has to wait.
        window: seconds.
    """

    by_client: int
    by_all: int
    window: int


def _rate(value: object) -> object:
    if isinstance(value, str):
        if not (numbers := re.fullmatch(r"([1-9]\d*)/([1-9]\d*)/([1-9]\d*)", value)):
            raise ValueError('has to be like "10/50/900": by one client, by all, and the window in seconds')
        return Rate(*map(int, numbers.groups()))
    return value


type RateSetting = Annotated[Rate, BeforeValidator(_rate)]
"""A `Rate` as a variable of the environment, such as 10/50/900."""


@dataclass(frozen=True)
class RateLimit:
    """What is limited.

    Attributes:
        name: stable, for programs.
        detail: one sentence for somebody who has reached it.
        rate: how many attempts there may be.
    """

    name: str
    detail: str
    rate: Rate


class Limited(Refusal):
    """Somebody has tried something too often.

    Args:
        limit: which one was reached.
        until: when there may be another attempt, aware.
    """

    def __init__(self, limit: RateLimit, until: datetime) -> None:
        super().__init__(
            "too-many-requests", limit.detail, extra={"limit": limit.name, "until": until.astimezone(UTC).isoformat()}
        )
        self.until = until


class Tries(Model):
    """What is remembered of one client's attempts at one account, in milliseconds since 1970.

    Attributes:
        booked_until: each attempt books its share of the window from here on; more than one window ahead nothing is
            free. (The generic cell rate algorithm: one number, and no edge of a window at which the double passes.
            Source: ITU-T I.371.)
        waits_until: when a client that was asked to wait may make its attempt; 0 where it was not asked.
    """

    booked_until: int = 0
    waits_until: int = 0


@dataclass(frozen=True)
class Verdict:
    """The outcome of an attempt.

    Attributes:
        tries: what is to be remembered.
        until: when there may be another attempt, in milliseconds since 1970; None where this one may be made.
    """

    tries: Tries
    until: int | None = None


def attempt(rate: Rate, tries: Tries, *, crowded: bool, now: int) -> Verdict:
    """Whether an attempt may be made now.

    Args:
        rate: how many there may be.
        tries: of this client at this account so far.
        crowded: whether all clients together have tried more often than `rate.by_all`.
        now: milliseconds since 1970.
    """
    window = rate.window * 1000
    booked_until = max(tries.booked_until, now) + window // rate.by_client
    if booked_until > now + window:
        return Verdict(tries, booked_until - window)
    if crowded:
        if now > tries.waits_until + WAITED_FOR:
            tries = tries.model_copy(update={"waits_until": now + WAIT})
        if now < tries.waits_until:
            return Verdict(tries, tries.waits_until)
    return Verdict(Tries(booked_until=booked_until))
