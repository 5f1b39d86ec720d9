"""Limits of attempts to get into an account, or to have mails sent to it."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from cloudretail import aws
from cloudretail.attempts import Attempts, AttemptSettings
from cloudretail.limits import RateLimit, RateSetting

KNOWN_FOR = 180 * 24 * 3600
"""Seconds for which a device is known after a login on it."""


class AccountLimits(AttemptSettings):
    """The limits. Their rates are parameters of the template."""

    registration_limit: RateSetting
    code_limit: RateSetting
    code_entry_limit: RateSetting
    log_in_limit: RateSetting

    @property
    def registration(self) -> RateLimit:
        detail = "You have tried to register this e-mail address too often."
        return RateLimit("registration", detail, self.registration_limit)

    @property
    def code(self) -> RateLimit:
        return RateLimit("code", "You have asked for a code too often.", self.code_limit)

    @property
    def code_entry(self) -> RateLimit:
        return RateLimit("code-entry", "You have entered too many codes.", self.code_entry_limit)

    @property
    def log_in(self) -> RateLimit:
        return RateLimit("log-in", "You have tried to log in too often.", self.log_in_limit)


class Devices(Protocol):
    """Stores the browsers on which an account has logged in, by the token in a cookie."""

    def knows(self, email: str, device: str) -> bool: ...

    def remember(self, email: str, device: str) -> None: ...


@dataclass(frozen=True)
class Door:
    """Counts the attempts of one request.

    Attributes:
        attempts: counts by account and client.
        devices: those that have logged in before.
        client: the address of the request.
        device: the token in the request's cookie; None if there is none.
    """

    attempts: Attempts
    devices: Devices
    client: str
    device: str | None = None

    def knock(self, limit: RateLimit, email: str) -> None:
        """Count an attempt, whatever its outcome; raises Limited."""
        self.attempts.count(limit, email, self.client)

    @contextmanager
    def attempt(self, limit: RateLimit, email: str) -> Iterator[None]:
        """Count an attempt before it is made, and delete the count if it succeeds; raises Limited.

        On a device that has logged in before, only its own attempts count: an attack from elsewhere does not delay its
        owner.
        """
        known = self.device is not None and self.devices.knows(email, self.device)
        client = f"device {self.device}" if known else self.client
        self.attempts.count(limit, email, client, known=known)
        yield
        self.attempts.forget(limit, email, client)

    def let_in(self, email: str) -> str:
        """Store the device as known for this account; returns its token."""
        device = self.device or secrets.token_urlsafe(32)
        self.devices.remember(email, device)
        return device


class DynamoDBDevices:
    """Devices in the table of attempts, as hashes.

    Args:
        table: with the partition key `counter`, and `expiresAt` for its time to live.
        clock: seconds since 1970.
    """

    def __init__(self, table: str, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def knows(self, email: str, device: str) -> bool:
        found = aws.dynamodb().get_item(TableName=self._table, Key={"counter": {"S": _key(email, device)}})
        # DynamoDB may take days to delete expired rows.
        return "Item" in found and int(found["Item"]["expiresAt"]["N"]) > self._clock()

    def remember(self, email: str, device: str) -> None:
        expires_at = int(self._clock()) + KNOWN_FOR
        item = {"counter": {"S": _key(email, device)}, "expiresAt": {"N": str(expires_at)}}
        aws.dynamodb().put_item(TableName=self._table, Item=item)


def _key(email: str, device: str) -> str:
    return hashlib.sha256("\0".join(("device", email, device)).encode()).hexdigest()
