"""Repositories of aggregates: a port of two methods, DynamoDB behind it, and `transact` around every decider."""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.decider import Change, Decision, Nothing
from cloudretail.envelope import Cause
from cloudretail.errors import Contention, LostRace, Transient
from cloudretail.model import Model
from cloudretail.outbox import Aggregate, Row


class Repository[S: Model](Protocol):
    """Rows of one kind, read consistently and written conditionally."""

    def load(self, key: str) -> Row[S] | None:
        """The row as it is now, or None if there is none; always a consistent read."""
        ...

    def commit(self, key: str, read: Row[S] | None, change: Change[S], cause: Cause, now: datetime) -> Row[S]:
        """Write the state and its events in one write; raises LostRace if the row has changed since `read`."""
        ...


class BatchRepository[S: Model](Repository[S], Protocol):
    """A Repository that reads many rows at once."""

    def load_all(self, keys: Iterable[str]) -> dict[str, Row[S] | None]:
        """The rows of at most 100 different keys as they are now, None if there is none; a consistent read."""
        ...


class DynamoDBRepository[S: Model]:
    """A BatchRepository on one table.

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

    def load_all(self, keys: Iterable[str]) -> dict[str, Row[S] | None]:
        rows: dict[str, Row[S] | None] = dict.fromkeys(keys)
        wanted = [{self._aggregate.key: {"S": key}} for key in rows]
        for item in batch_get({self._table: {"Keys": wanted, "ConsistentRead": True}})[self._table]:
            rows[item[self._aggregate.key]] = self._aggregate.from_item(item)
        return rows

    def commit(self, key: str, read: Row[S] | None, change: Change[S], cause: Cause, now: datetime) -> Row[S]:
        row = self._aggregate.after(key, read, change, cause, now)
        try:
            aws.dynamodb().put_item(**conditional_put(self._table, self._aggregate, row))  # type: ignore[arg-type]
        except ClientError as error:
            # A conflict means that a transaction is writing this row, such as a checkout a cart: it is about to change.
            if dynamodb.is_condition_failed(error) or dynamodb.code(error) in dynamodb.CONFLICTS:
                raise LostRace(f"{self._aggregate.name} {key}") from error
            raise
        return row

    def page(
        self,
        index: str,
        key: tuple[str, str],
        sort: str,
        limit: int,
        after: Mapping[str, Any] | None,
        *,
        descending: bool = False,
    ) -> tuple[list[Row[S]], dict[str, Any] | None]:
        """A page of the rows of an index, in the order of the sort key; each row is as it is now.

        Args:
            index: its name; it projects keys only.
            key: name and value of its partition key.
            sort: name of its sort key.
            limit: how many rows at most, up to 100.
            after: the position that the previous page returned.
            descending: whether the largest sort key comes first.

        Returns:
            The rows, without those that have left the index since, and the position of the next page; None at the end.
        """
        (name, value), own = key, self._aggregate.key
        start = {"ExclusiveStartKey": dynamodb.to_item({**after, name: value})} if after else {}
        found = aws.dynamodb().query(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression="#key = :key",
            ExpressionAttributeNames={"#key": name},
            ExpressionAttributeValues={":key": {"S": value}},
            Limit=limit,
            ScanIndexForward=not descending,
            **start,  # type: ignore[arg-type]
        )
        last = dynamodb.from_item(found["LastEvaluatedKey"]) if "LastEvaluatedKey" in found else None
        keys = [dynamodb.from_item(item)[own] for item in found["Items"]]
        rows = self.load_all(keys) if keys else {}
        return [row for row in rows.values() if row], {own: last[own], sort: last[sort]} if last else None


class ReadOnly[S: Model]:
    """A BatchRepository for dry runs: it reads, and writes nothing. A race is lost as by a write."""

    def __init__(self, rows: BatchRepository[S]) -> None:
        self._rows = rows

    def load(self, key: str) -> Row[S] | None:
        return self._rows.load(key)

    def load_all(self, keys: Iterable[str]) -> dict[str, Row[S] | None]:
        return self._rows.load_all(keys)

    def commit(self, key: str, read: Row[S] | None, change: Change[S], cause: Cause, now: datetime) -> Row[S]:
        del cause, now
        version = read.version if read else 0
        found = self._rows.load_all([key])[key]
        if (found.version if found else 0) != version:
            raise LostRace(key)
        return Row(change.state, version + 1)


class ReadOnce[S: Model]:
    """A Repository for one invocation: it reads each row once, and again only after a lost race.

        load 6    (another writes 7)    commit 7 if 6: LostRace, forgotten    load 7    commit 8 if 7: holds

    A remembered row may be out of date. A change decided on it is then refused by the conditional write. A decision
    that nothing is to do was right when the row was read, which was after the message had arrived.

    Args:
        rows: the repository behind it.
        ahead: rows by key that `load_all` has just read in one round trip.
    """

    def __init__(self, rows: Repository[S], ahead: Mapping[str, Row[S] | None] | None = None) -> None:
        self._rows = rows
        self._read = dict(ahead or {})

    def load(self, key: str) -> Row[S] | None:
        if key not in self._read:
            self._read[key] = self._rows.load(key)
        return self._read[key]

    def commit(self, key: str, read: Row[S] | None, change: Change[S], cause: Cause, now: datetime) -> Row[S]:
        self._read.pop(key, None)
        row = self._rows.commit(key, read, change, cause, now)
        self._read[key] = row
        return row


def conditional_put[S: Model](table: str, aggregate: Aggregate[S], row: Row[S]) -> dict[str, object]:
    """The parameters of a Put that succeeds only if the row is still as it was read.

    read version 6    another writes version 7    our put of version 7: version = 6 does not hold -> LostRace
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
"""Lost races in a row after which the message is given back. Its next delivery begins anew."""


def pause_before_retry(attempt: int) -> None:
    """Pause with full jitter, at most 25 ms, 50 ms, ... 400 ms: two writers that collided do not collide again."""
    time.sleep(random.uniform(0, 0.025 * 2 ** min(attempt, 4)))  # noqa: S311


MAX_TRIES = 5
"""Tries within one invocation of a call that is throttled, collides or is partly done."""


def batch_get(request: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Repeat BatchGetItem until no keys are unprocessed.

    Args:
        request: `RequestItems`, at most 100 keys in all.

    Returns:
        The items found, as JSON types, by table.

    Raises:
        Transient: keys are still unprocessed after MAX_TRIES calls.
    """
    found: dict[str, list[dict[str, Any]]] = {table: [] for table in request}
    rest = request
    for attempt in range(MAX_TRIES):
        answer = aws.dynamodb().batch_get_item(RequestItems=rest)
        for table, items in answer["Responses"].items():
            found[table] += [dynamodb.from_item(item) for item in items]
        rest = answer.get("UnprocessedKeys", {})
        if not rest:
            return found
        pause_before_retry(attempt)
    raise Transient("DynamoDB leaves keys unprocessed")


@dataclass(frozen=True)
class Settled[S: Model]:
    """The outcome of a message.

    Attributes:
        decision: the change that was committed, or Nothing, decided on a consistent read.
        state: the row's state afterwards; None if there is no row.
    """

    decision: Decision[S]
    state: S | None


def transact[S: Model](
    repository: Repository[S],
    key: str,
    decide: Callable[[S | None], Decision[S]],
    cause: Cause,
    now: datetime,
    *,
    begins: bool = False,
) -> Settled[S]:
    """Load, decide, write conditionally; after a lost race, load again.

    A message that begins a row finds none, but for its repetitions. So nothing is loaded first: the write holds only if
    there is no row, and that there is nothing to do is decided on a load only.

        decide on no row    commit: holds
        (a repetition)      commit: LostRace    load, decide, commit

    Args:
        repository: where the row is.
        key: of the row.
        decide: the rule, from the state as it is now, or None, to a decision.
        cause: the event or request that the decision answers.
        now: time of the change, aware.
        begins: whether the message is the first one about its row, if all goes well.

    Returns:
        The decision, and the state after it.

    Raises:
        Contention: MAX_RACES lost races in a row.
    """
    for attempt in range(MAX_RACES):
        assumed = begins and attempt == 0
        read = None if assumed else repository.load(key)
        decision = decide(read.state if read else None)
        if isinstance(decision, Nothing):
            if assumed:
                continue
            return Settled(decision, read.state if read else None)
        try:
            repository.commit(key, read, decision, cause, now)
        except LostRace:
            pause_before_retry(attempt)
        else:
            return Settled(decision, decision.state)
    raise Contention(f"{key}: lost {MAX_RACES} races in a row")
