"""Where aggregates are kept: a port of two methods, DynamoDB behind it, and the shell around every decider."""

import random
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.decider import Change, Decision, Nothing
from cloudretail.envelope import Cause
from cloudretail.errors import Contention, LostRace
from cloudretail.model import Model
from cloudretail.outbox import Aggregate, Row


class Repository[S: Model](Protocol):
    """Rows of one kind, read consistently and written conditionally."""

    def load(self, key: str) -> Row[S] | None:
        """The row as it is now, or None where there is none; always a consistent read."""
        ...

    def commit(self, key: str, read: Row[S] | None, change: Change[S], cause: Cause, now: datetime) -> Row[S]:
        """Write the state and its events as one; raises LostRace when the row is no longer as `read`."""
        ...


class DynamoDBRepository[S: Model]:
    """A Repository on one table.

    Args:
        table: the table's name.
        aggregate: how its rows are written and read.
    """

    def __init__(self, table: str, aggregate: Aggregate[S]) -> None:
        self._table = table
        self._aggregate = aggregate

    def load(self, key: str) -> Row[S] | None:
        found = aws.dynamodb().get_item(
            TableName=self._table, Key={self._aggregate.key: {"S": key}}, ConsistentRead=True
        )
        return self._aggregate.from_item(dynamodb.from_item(found["Item"])) if "Item" in found else None

    def commit(self, key: str, read: Row[S] | None, change: Change[S], cause: Cause, now: datetime) -> Row[S]:
        row = self._aggregate.after(key, read, change, cause, now)
        try:
            aws.dynamodb().put_item(**conditional_put(self._table, self._aggregate, row))  # type: ignore[arg-type]
        except ClientError as error:
            if dynamodb.is_condition_failed(error):
                raise LostRace(f"{self._aggregate.name} {key}") from error
            raise
        return row


def conditional_put[S: Model](table: str, aggregate: Aggregate[S], row: Row[S]) -> dict[str, object]:
    """The parameters of a Put that holds only if the row is still as it was read.

    read version 6    somebody writes version 7    our put of version 7: version = 6 does not hold -> LostRace
    """
    put: dict[str, object] = {
        "TableName": table,
        "Item": dynamodb.to_item(aggregate.to_item(row)),
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": aggregate.key},
    }
    if row.version > 1:
        put["ConditionExpression"] = "#version = :read"
        put["ExpressionAttributeNames"] = {"#version": "version"}
        put["ExpressionAttributeValues"] = {":read": {"N": str(row.version - 1)}}
    return put


MAX_RACES = 8
"""Races lost in a row before the message is given back: its next delivery starts afresh."""


def pause_before_retry(attempt: int) -> None:
    """Full jitter, at most 25 ms, 50 ms, ... 400 ms: two that collided do not collide again in step."""
    time.sleep(random.uniform(0, 0.025 * 2 ** min(attempt, 4)))  # noqa: S311


def transact[S: Model](
    repository: Repository[S],
    key: str,
    decide: Callable[[S | None], Decision[S]],
    cause: Cause,
    now: datetime,
) -> Decision[S]:
    """Load, decide, write conditionally; on a lost race, again from the load.

    Args:
        repository: where the row is.
        key: of the row.
        decide: the rule, given the state as it is now or None.
        cause: the event or request that is answered.
        now: time of the change, aware.

    Returns:
        The decision that was committed, or Nothing, which was made on a consistent read.

    Raises:
        Contention: the race was lost MAX_RACES times.
    """
    for attempt in range(MAX_RACES):
        read = repository.load(key)
        decision = decide(read.state if read else None)
        if isinstance(decision, Nothing):
            return decision
        try:
            repository.commit(key, read, decision, cause, now)
        except LostRace:
            pause_before_retry(attempt)
        else:
            return decision
    raise Contention(f"{key}: lost {MAX_RACES} races in a row")
