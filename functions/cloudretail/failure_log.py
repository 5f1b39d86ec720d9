"""The table of failures. A row is read, a rule decides, and the row is written only if it has not changed since."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError
from pydantic.alias_generators import to_camel

from cloudretail import aws, dynamodb
from cloudretail.errors import Contention, LostRace
from cloudretail.failures import Failure, FailureRow, History, failed, resolved
from cloudretail.repository import MAX_RACES, batch_get, pause_before_retry

type Key = tuple[str, str]
"""Consumer and event id."""

type Rule = Callable[[FailureRow | None], FailureRow | None]
"""Takes the row as it is; returns the new row, or None where nothing changes."""


class FailureRows(Protocol):
    """Rows of failures, read consistently and written conditionally."""

    def read(self, keys: Iterable[Key]) -> dict[Key, FailureRow]:
        """The rows that exist, by key, without their bodies."""
        ...

    def write(self, read: FailureRow | None, row: FailureRow, body: bytes | None = None) -> FailureRow:
        """Write what has changed, and return the row with its new revision.

        Args:
            read: the row as it was read; None if there was none.
            row: the new row.
            body: the message's body, compressed; None leaves the stored body as it is.

        Raises:
            LostRace: the row is no longer as it was read.
        """
        ...


def change(
    rows: FailureRows, key: Key, rule: Rule, *, known: FailureRow | None = None, body: bytes | None = None
) -> FailureRow | None:
    """Read, decide, write; after a lost race, read again.

    Args:
        rows: the table.
        key: of the row.
        rule: decides what becomes of the row.
        known: the row, if it was read just now.
        body: as in `FailureRows.write`.

    Returns:
        The row as it is afterwards, whether the rule has changed it or not; None if there is none.

    Raises:
        Contention: too many lost races in a row.
    """
    for attempt in range(MAX_RACES):
        read = known or rows.read([key]).get(key)
        known = None
        row = rule(read)
        if row is None:
            return read
        try:
            return rows.write(read, row, body)
        except LostRace:
            pause_before_retry(attempt)
    raise Contention(f"{key}: lost {MAX_RACES} races in a row")


_NAMES = {f"#{number}": to_camel(name) for number, name in enumerate(FailureRow.model_fields)}
"""Placeholders for all attributes of a row but its body. Some names are reserved words of DynamoDB."""


class DynamoDBFailureRows:
    """FailureRows on one table, keyed by consumer and event id.

    Args:
        table: its name.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def read(self, keys: Iterable[Key]) -> dict[Key, FailureRow]:
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, FailureRow] = {}
        for begin in range(0, len(wanted), 100):
            asked: dict[str, Any] = {
                "Keys": [item_key(key) for key in wanted[begin : begin + 100]],
                "ConsistentRead": True,
                "ProjectionExpression": ", ".join(_NAMES),
                "ExpressionAttributeNames": _NAMES,
            }
            for item in batch_get({self._table: asked})[self._table]:
                row = FailureRow.model_validate(item)
                found[row.key] = row
        return found

    def write(self, read: FailureRow | None, row: FailureRow, body: bytes | None = None) -> FailureRow:
        row = row.model_copy(update={"revision": (read.revision if read else 0) + 1})
        before, after = _item(read) if read else {}, _item(row)
        sets: dict[str, Any] = {name: value for name, value in after.items() if before.get(name) != value}
        if body is not None:
            sets["body"] = body
        gone = before.keys() - after.keys()
        values = {f":{name}": value for name, value in sets.items()}
        names = {*sets, *gone, "revision"}
        if read:
            values[":read"] = read.revision
        try:
            aws.dynamodb().update_item(
                TableName=self._table,
                Key=item_key(row.key),
                UpdateExpression=f"SET {', '.join(f'#{name} = :{name}' for name in sets)}"
                + (f" REMOVE {', '.join(f'#{name}' for name in sorted(gone))}" if gone else ""),
                ConditionExpression="#revision = :read" if read else "attribute_not_exists(#revision)",
                ExpressionAttributeNames={f"#{name}": name for name in names},
                ExpressionAttributeValues=dynamodb.to_item(values),
            )
        except ClientError as error:
            if dynamodb.is_condition_failed(error):
                raise LostRace(f"failure {row.consumer} {row.event_id}") from error
            raise
        return row


def _item(row: FailureRow) -> Mapping[str, Any]:
    """The attributes of a row that are not its key."""
    item = row.model_dump(mode="json", exclude_defaults=True, exclude={"consumer", "event_id"})
    indexed = {
        "openState": row.open_state,
        "openCause": row.open_cause,
        "openEvent": row.open_event,
        "openOrders": row.open_orders,
    }
    return item | {name: value for name, value in indexed.items() if value}


def item_key(key: Key) -> dict[str, Any]:
    """The key of a row of the failures table."""
    consumer, event_id = key
    return {"consumer": {"S": consumer}, "eventId": {"S": event_id}}


class FailureLog:
    """A consumer's access to the table of failures.

    Args:
        rows: the table.
    """

    def __init__(self, rows: FailureRows) -> None:
        self._rows = rows

    def keep(self, failure: Failure) -> History:
        """Note a failed delivery; returns the message's history."""
        key, now = (failure.consumer, failure.event_id), int(time.time())
        row = change(self._rows, key, lambda row: failed(row, failure, now))
        assert row, "a failure always counts"
        return row.history

    def resolve(self, consumer: str, event_id: str, generation: int) -> None:
        """Note that a message that had failed has succeeded. For a message that never failed, nothing is written."""
        now = int(time.time())
        change(self._rows, (consumer, event_id), lambda row: resolved(row, generation, now))

    def known(self, consumer: str, event_ids: Collection[str]) -> set[str]:
        """The ids among `event_ids`, at most 100, for which a cause is kept."""
        return {event_id for _, event_id in self._rows.read((consumer, event_id) for event_id in event_ids)}
