"""How often an attempt may be made. Pure.

An attempt is counted twice: strictly by account and client together, and loosely by account alone.

    one client, one account     at most N in a window, then none until there is room again
    all clients, one account    from M in a window on, each client has to wait before an attempt, for at most a minute

So an attacker who guesses from many addresses is slowed down, and cannot lock the owner out: each client has a wait of
its own. Accounts that do not exist are counted like any other.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator

from cloudretail.errors import Refusal
from cloudretail.model import Model

WAIT = 60_000
"""Milliseconds that a client has to wait before an attempt at an account that has many attempts."""

WAITED_FOR = 600_000
"""Milliseconds after a wait in which the attempt may be made."""


@dataclass(frozen=True)
class Rate:
    """How many attempts may be made.

    Attributes:
        by_client: attempts of one client at one account in any window.
        by_all: attempts of all clients at one account in a window, before each client has to wait.
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
"""A `Rate` in an environment variable, such as 10/50/900."""


@dataclass(frozen=True)
class RateLimit:
    """What is limited.

    Attributes:
        name: stable name, for clients.
        detail: one sentence for a user who has reached the limit.
        rate: how many attempts may be made.
    """

    name: str
    detail: str
    rate: Rate


class Limited(Refusal):
    """An attempt was refused, as there were too many.

    Args:
        limit: the limit that was reached.
        until: when the next attempt may be made, aware.
    """

    def __init__(self, limit: RateLimit, until: datetime) -> None:
        super().__init__(
            "too-many-requests", limit.detail, extra={"limit": limit.name, "until": until.astimezone(UTC).isoformat()}
        )
        self.until = until


class Tries(Model):
    """What is stored of one client's attempts at one account, in milliseconds since 1970.

    Attributes:
        booked_until: end of the time that attempts have booked. Each attempt books its share of a window after it, and
            none may book more than one window ahead of now. This is the generic cell rate algorithm: it needs one
            number, and does not allow twice as many attempts around the edge of a window. Source: ITU-T I.371.
        waits_until: when a client that has to wait may make its attempt; 0 if it does not have to wait.
    """

    booked_until: int = 0
    waits_until: int = 0


@dataclass(frozen=True)
class Verdict:
    """The outcome of an attempt.

    Attributes:
        tries: what is to be stored.
        until: when the next attempt may be made, in milliseconds since 1970; None if this one may be made.
    """

    tries: Tries
    until: int | None = None


def attempt(rate: Rate, tries: Tries, *, crowded: bool, now: int) -> Verdict:
    """Whether an attempt may be made now.

    Args:
        rate: how many attempts may be made.
        tries: this client's at this account so far.
        crowded: whether all clients together have made more attempts than `rate.by_all`.
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
