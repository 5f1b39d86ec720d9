"""The table that counts attempts. Its keys are hashes, so it does not reveal which account was tried from where."""

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.limits import WAITED_FOR, Limited, RateLimit, Tries, attempt
from cloudretail.repository import batch_get, pause_before_retry
from cloudretail.settings import Settings

MOST_AT_ONCE = 4
"""Concurrent attempts of one client at one account that may collide. A person makes two, by a double click."""


class AttemptSettings(Settings):
    """What a function needs to count attempts."""

    attempts_table: str


class Attempts(Protocol):
    """Counts attempts at what is limited."""

    def count(self, limit: RateLimit, account: str, client: str, *, known: bool = False) -> None:
        """Count an attempt before it is made.

        Args:
            limit: what is tried.
            account: the account that is tried, whether it exists or not.
            client: where the attempt comes from.
            known: whether `client` has logged in to this account before. If so, only its own attempts count.

        Raises:
            Limited: the attempt may not be made now. It is not counted.
        """
        ...

    def forget(self, limit: RateLimit, account: str, client: str) -> None:
        """Delete the count of `client`, once it has logged in to the account."""
        ...


class DynamoDBAttempts:
    """Attempts in DynamoDB.

        one client     read    decide    write if unchanged, else begin again    so twenty at once are all counted
        all clients    read              add 1                                   so no client waits for another one

    Args:
        table: with the partition key `counter`, and `expiresAt` for its time to live.
        clock: seconds since 1970.
    """

    def __init__(self, table: str, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def count(self, limit: RateLimit, account: str, client: str, *, known: bool = False) -> None:
        for race in range(MOST_AT_ONCE):
            now = int(self._clock() * 1000)
            mine, everybodys = _key(limit, account, client), self._window(limit, account, now)
            found = self._read(mine, everybodys)
            read = found.get(mine)
            crowded = not known and found.get(everybodys, {}).get("tries", 0) >= limit.rate.by_all
            before = Tries.model_validate(read) if read else Tries()
            verdict = attempt(limit.rate, before, crowded=crowded, now=now)
            if verdict.tries == before or self._write(mine, read, verdict.tries, limit, now):
                if verdict.until is not None:
                    raise Limited(limit, _moment(verdict.until))
                self._add(everybodys, 1, limit, now)
                return
            pause_before_retry(race)
        raise Limited(limit, _moment(now + 1000))

    def forget(self, limit: RateLimit, account: str, client: str) -> None:
        now = int(self._clock() * 1000)
        aws.dynamodb().delete_item(TableName=self._table, Key={"counter": {"S": _key(limit, account, client)}})
        self._add(self._window(limit, account, now), -1, limit, now)

    def _window(self, limit: RateLimit, account: str, now: int) -> str:
        return _key(limit, account, "", str(now // (limit.rate.window * 1000)))

    def _read(self, *keys: str) -> dict[str, dict[str, int]]:
        request = {self._table: {"Keys": [{"counter": {"S": key}} for key in keys], "ConsistentRead": True}}
        return {item["counter"]: item for item in batch_get(request)[self._table]}

    def _write(self, key: str, read: dict[str, int] | None, tries: Tries, limit: RateLimit, now: int) -> bool:
        """Write the row if it is as it was read; False if not. Every write changes one of the two numbers."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(bookedUntil)"}
        if read:
            condition = {
                "ConditionExpression": "bookedUntil = :booked AND waitsUntil = :waits",
                "ExpressionAttributeValues": dynamodb.to_item(
                    {":booked": read["bookedUntil"], ":waits": read["waitsUntil"]}
                ),
            }
        item = {"counter": key, **tries.model_dump(), "expiresAt": self._expires_at(limit, now)}
        try:
            aws.dynamodb().put_item(TableName=self._table, Item=dynamodb.to_item(item), **condition)
        except ClientError as error:
            if dynamodb.is_condition_failed(error):
                return False
            raise
        return True

    def _add(self, key: str, number: int, limit: RateLimit, now: int) -> None:
        aws.dynamodb().update_item(
            TableName=self._table,
            Key={"counter": {"S": key}},
            UpdateExpression="ADD tries :number SET expiresAt = :end",
            ExpressionAttributeValues=dynamodb.to_item({":number": number, ":end": self._expires_at(limit, now)}),
        )

    @staticmethod
    def _expires_at(limit: RateLimit, now: int) -> int:
        """The time after which a counter has no effect any more, in seconds since 1970."""
        return (now + WAITED_FOR) // 1000 + 2 * limit.rate.window


def _key(limit: RateLimit, *parts: str) -> str:
    return hashlib.sha256("\0".join((limit.name, *parts)).encode()).hexdigest()


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
