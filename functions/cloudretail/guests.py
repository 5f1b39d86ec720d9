"""Guests, who order with an e-mail address and without an account, and the tokens by which they are known.

    POST /api/guest          ──> a session: a cookie with a new guest's id ──> cart, checkout, payment, order
    a link in an order's mail ──> POST /api/guest/links/exchange
                             ──> a cookie for this one order, which it lets somebody see and cancel

Each token is an HMAC over whose it is, what it is about, and its purpose: none can be used for another purpose. The
key is a secret of the shop, so nobody can choose which guest they are.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.settings import Settings, load
from cloudretail.telemetry import logger
from cloudretail.user_ids import GUEST_PREFIX

SESSION_LASTS = timedelta(days=30)
"""How long a browser is the same guest."""

VISIT_LASTS = timedelta(hours=12)
"""How long a browser may see and cancel the order of a link."""

LINK_LASTS = timedelta(days=90)
"""How long a link in a mail can be used: as long as most orders take, their returns included."""

FRESH_FOR = 300
"""Seconds after which the keys are read again."""

READ_AGAIN_AFTER = 10
"""Seconds between two reads of the keys because of tokens that none of them has signed. Such a token may be signed by a
new key, so it causes a read; a flood of forged ones must not cause many."""


class Purpose(StrEnum):
    """What a token may be used for."""

    SESSION = "guest-session"
    VISIT = "order-visit"
    SHOW_ORDER = "show-order"


class GuestSettings(Settings):
    """What a function needs that signs or verifies tokens of guests.

    Attributes:
        guest_key: ARN of the secret with the key.
    """

    guest_key: str


@dataclass(frozen=True)
class Guest:
    """Who asks without an account.

    Attributes:
        guest_id: user id of the guest, with GUEST_PREFIX.
        email: the address that this guest has proved to be theirs; None before that.
    """

    guest_id: str
    email: str | None = None


@dataclass(frozen=True)
class Visit:
    """What the link of a mail leads to.

    Attributes:
        guest_id: the owner of the order.
        order_id: the only order that it is about.
        mail: name of the mail that had the link.
    """

    guest_id: str
    order_id: str
    mail: str = ""


class Keys:
    """The keys that sign tokens: the current one first. While a new one is being rolled out, tokens by the previous one
    are valid too.

    Args:
        read: reads the keys.
        clock: monotonic seconds.
    """

    def __init__(self, read: Callable[[], tuple[str, ...]], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._keys: tuple[str, ...] = ()
        self._read_at = float("-inf")

    @property
    def current(self) -> str:
        """The key that signs. Raises what `read` raises where it was never read."""
        self._refresh(FRESH_FOR)
        return self._keys[0]

    def find[T](self, opened: Callable[[str], T | None]) -> T | None:
        """What `opened` makes of the first key with which it makes anything; None if there is no such key."""
        self._refresh(FRESH_FOR)
        found = self._first(opened)
        if found is None and self._refresh(READ_AGAIN_AFTER):
            found = self._first(opened)
        return found

    def _first[T](self, opened: Callable[[str], T | None]) -> T | None:
        return next((found for key in self._keys if (found := opened(key)) is not None), None)

    def _refresh(self, seconds: float) -> bool:
        """Read the keys if they are as old as that; says whether they were read."""
        if self._clock() - self._read_at < seconds:
            return False
        try:
            self._keys = self._read()
        except Exception:
            # An outage of Secrets Manager must not send guests away.
            if not self._keys:
                raise
            logger.exception("Could not read the guests' key again")
            return False
        self._read_at = self._clock()
        return True


def read_keys(secret_id: str) -> tuple[str, ...]:
    """The current and the previous value of a secret in Secrets Manager. The first value has no previous one."""
    current = aws.secrets().get_secret_value(SecretId=secret_id)["SecretString"]
    try:
        previous = aws.secrets().get_secret_value(SecretId=secret_id, VersionStage="AWSPREVIOUS")["SecretString"]
    except ClientError as error:
        if dynamodb.code(error) != "ResourceNotFoundException":
            raise
        return (current,)
    return (current, previous)


@cache
def keys() -> Keys:
    """The keys of this function's environment, once per process."""
    secret_id = load(GuestSettings).guest_key
    return Keys(lambda: read_keys(secret_id))


def new_guest() -> Guest:
    """A guest whom nobody has been before."""
    return Guest(GUEST_PREFIX + secrets.token_urlsafe(24))


def session_of(guest: Guest, keys: Keys, now: datetime) -> str:
    """The token of a guest's browser."""
    claims = {"sub": guest.guest_id, **({"email": guest.email} if guest.email else {})}
    return _signed(keys, Purpose.SESSION, claims, now + SESSION_LASTS)


def guest_of(token: str, keys: Keys) -> Guest | None:
    """The guest of a session; None where it is none, or has run out."""
    claims = _opened(keys, Purpose.SESSION, token)
    return Guest(claims["sub"], claims.get("email")) if claims else None


def link_of(visit: Visit, keys: Keys, now: datetime) -> str:
    """The token in a link of a mail."""
    return _visiting(visit, keys, Purpose.SHOW_ORDER, now + LINK_LASTS)


def linked(token: str, keys: Keys) -> Visit | None:
    """What the link of a mail leads to; None where it is none, is for another purpose, or has run out."""
    return _visited(token, keys, Purpose.SHOW_ORDER)


def visit_token(visit: Visit, keys: Keys, now: datetime) -> str:
    """The token that a browser gets for a link."""
    return _visiting(visit, keys, Purpose.VISIT, now + VISIT_LASTS)


def visit_of(token: str, keys: Keys) -> Visit | None:
    """What a browser may see that came by a link; None where it is none, or has run out."""
    return _visited(token, keys, Purpose.VISIT)


def _visiting(visit: Visit, keys: Keys, purpose: Purpose, until: datetime) -> str:
    return _signed(keys, purpose, {"sub": visit.guest_id, "order": visit.order_id, "mail": visit.mail}, until)


def _visited(token: str, keys: Keys, purpose: Purpose) -> Visit | None:
    claims = _opened(keys, purpose, token)
    return Visit(claims["sub"], claims["order"], claims["mail"]) if claims else None


def _signed(keys: Keys, purpose: Purpose, claims: dict[str, Any], until: datetime) -> str:
    # Here, as requests of accounts need no token of this kind, and the package takes a while to be imported.
    import jwt

    return jwt.encode({**claims, "aud": str(purpose), "exp": int(until.timestamp())}, keys.current, algorithm="HS256")


def _opened(keys: Keys, purpose: Purpose, token: str) -> dict[str, Any] | None:
    import jwt

    def opened(key: str) -> dict[str, Any] | None:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=["HS256"], audience=str(purpose), options={"require": ["exp", "aud", "sub"]}
            )
        except jwt.InvalidTokenError:
            return None
        return claims

    return keys.find(opened)
