"""Reads the shop's tables part by part, and stores the record of reconciliations."""

import itertools
import json
import time
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from cloudretail import aws, dynamodb
from cloudretail.model import Model
from cloudretail.repository import batch_get
from operations.diagnosis.keys import order_id_of
from operations.diagnosis.store import DynamoDBTables, setting_of
from operations.diagnosis.tables import (
    AccountRow,
    OrderRows,
    ReservationRow,
    StockRow,
    TableSettings,
    TableSnapshot,
)
from operations.reconciliation.domain import (
    MOST_KEPT,
    TABLES_READ,
    Part,
    PartResult,
    Reconciliation,
    Subject,
    TableSize,
)
from operations.reconciliation.rules import Violation
from operations.replays.log import HEADER, KEPT_FOR

PAGE = 250
"""Rows of one page."""


class WholeTables(Protocol):
    """The shop's tables, read page by page with consistent reads."""

    def names(self) -> Mapping[Subject, str]:
        """The names of the tables that this stage has."""
        ...

    def sizes(self) -> list[TableSize]:
        """The size of each table."""
        ...

    def keys(self, part: Part) -> Iterator[list[str]]:
        """The keys of a part's rows, in pages."""
        ...

    def changed(self, part: Part, since: datetime) -> Iterator[list[str]]:
        """The ids of a part's orders that have changed since then, in pages."""
        ...

    def reservations(self, part: Part) -> Iterator[list[ReservationRow]]:
        """A part's reservations, in pages."""
        ...

    def accounts(self, part: Part) -> Iterator[list[AccountRow]]:
        """A part's accounts, in pages."""
        ...

    def stock(self) -> Iterator[list[tuple[StockRow, datetime | None]]]:
        """All counters with the time of their latest change, in pages."""
        ...

    def of_orders(self, order_ids: Collection[str]) -> TableSnapshot:
        """All rows about at most 25 orders, without mails."""
        ...

    def existing(self, subject: Subject, keys: Iterable[str]) -> set[str]:
        """The keys among these that exist in a table."""
        ...

    def with_mails(self, order_id: str) -> OrderRows:
        """All rows about one order, including mails."""
        ...


class DynamoDBWholeTables:
    """The services' own tables.

    Args:
        settings: their names.
    """

    def __init__(self, settings: TableSettings) -> None:
        names = {table: getattr(settings, setting_of(table)) for table in TABLES_READ}
        self._names = {Subject(table.name): str(name) for table, name in names.items() if name}
        self._keys = {Subject(table.name): table.key for table in TABLES_READ}
        self._orders = DynamoDBTables(settings)

    def names(self) -> Mapping[Subject, str]:
        return self._names

    def sizes(self) -> list[TableSize]:
        described = {each: aws.dynamodb().describe_table(TableName=name)["Table"] for each, name in self._names.items()}
        return [
            TableSize(table=each, rows=table.get("ItemCount", 0), bytes=table.get("TableSizeBytes", 0))
            for each, table in described.items()
        ]

    def keys(self, part: Part) -> Iterator[list[str]]:
        key = self._keys[part.subject]
        for page in self._pages(part, key):
            yield [item[key] for item in page]

    def changed(self, part: Part, since: datetime) -> Iterator[list[str]]:
        for page in self._pages(part, "orderId", "history"):
            changed = ((item["orderId"], datetime.fromisoformat(item["history"][-1]["at"])) for item in page)
            yield [order_id for order_id, at in changed if at >= since]

    def reservations(self, part: Part) -> Iterator[list[ReservationRow]]:
        return self._rows(part, ReservationRow)

    def accounts(self, part: Part) -> Iterator[list[AccountRow]]:
        # An account's orders are the names of its attributes, so the projection has to be all attributes.
        for page in self._pages(part):
            yield [AccountRow.model_validate(item) for item in page]

    def stock(self) -> Iterator[list[tuple[StockRow, datetime | None]]]:
        for page in self._pages(Part(subject=Subject.STOCK)):
            times = [datetime.fromisoformat(item["updatedAt"]) if "updatedAt" in item else None for item in page]
            yield list(zip([StockRow.model_validate(item) for item in page], times, strict=True))

    def _rows[R: Model](self, part: Part, row: type[R]) -> Iterator[list[R]]:
        fields = row.model_fields
        wanted = [field.alias or name for name, field in fields.items() if name != "outbox"]
        for page in self._pages(part, *wanted):
            yield [row.model_validate(item) for item in page]

    def _pages(self, part: Part, *attributes: str) -> Iterator[list[dict[str, Any]]]:
        """A part's items with these attributes, or all. The outbox is most of a row, and is seldom needed."""
        names = {f"#{number}": name for number, name in enumerate(attributes)}
        asked: dict[str, Any] = {"TableName": self._names[part.subject], "ConsistentRead": True}
        if names:
            asked |= {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
        if part.of > 1:
            asked |= {"Segment": part.segment, "TotalSegments": part.of}
        pages = aws.dynamodb().get_paginator("scan").paginate(**asked)
        for page in pages:
            for items in itertools.batched(page["Items"], PAGE, strict=False):
                yield [dynamodb.from_item(item) for item in items]

    def of_orders(self, order_ids: Collection[str]) -> TableSnapshot:
        own = self._orders.own_rows(order_ids)
        rows: list[Model] = [row for each in own.values() for row in each.parts.values()]
        accounts = {order.user_id for order in (each.order for each in own.values()) if order and order.user_id}
        rows += self._orders.rows_of(AccountRow, sorted(accounts))
        rows += self._orders.charges_of(list(own.items()))
        return TableSnapshot(rows)

    def existing(self, subject: Subject, keys: Iterable[str]) -> set[str]:
        table, key = self._names[subject], self._keys[subject]
        found: set[str] = set()
        for wanted in itertools.batched(dict.fromkeys(keys), 100, strict=False):
            asked = {
                "Keys": [{key: {"S": each}} for each in wanted],
                "ConsistentRead": True,
                "ProjectionExpression": "#key",
                "ExpressionAttributeNames": {"#key": key},
            }
            found |= {item[key] for item in batch_get({table: asked})[table]}
        return found

    def with_mails(self, order_id: str) -> OrderRows:
        return self._orders.of_order(order_id)


class ReconciliationLog(Protocol):
    """The record of reconciliations."""

    def save(self, reconciliation: Reconciliation) -> None: ...

    def find(self, reconciliation_id: str) -> Reconciliation | None: ...

    def recent(self, limit: int) -> list[Reconciliation]:
        """The latest reconciliations first."""
        ...

    def save_part(self, reconciliation_id: str, result: PartResult, violations: Sequence[Violation]) -> None:
        """Write the result of a part, over that of an earlier try."""
        ...

    def parts(self, reconciliation_id: str) -> list[PartResult]:
        """The parts that are done."""
        ...

    def violations(self, reconciliation_id: str) -> list[Violation]:
        """The stored violations, by rule and key."""
        ...


TOPIC = "reconciliations"
"""Topic of every reconciliation's own row."""

_PART, _VIOLATION = "part#", "violation#"


class DynamoDBReconciliationLog:
    """A ReconciliationLog on the table of replays.

    Args:
        table: its name.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def save(self, reconciliation: Reconciliation) -> None:
        item = reconciliation.model_dump(mode="json", exclude_none=True)
        if reconciliation.cost:
            # As text: DynamoDB has no floating point numbers.
            item["cost"] = reconciliation.cost.model_dump_json()
        if "replayId" in item:
            item["ofReplay"] = item["replayId"]
        self._put(reconciliation.reconciliation_id, HEADER, item | {"topic": TOPIC})

    def find(self, reconciliation_id: str) -> Reconciliation | None:
        key = {"replayId": {"S": reconciliation_id}, "messageId": {"S": HEADER}}
        found = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _reconciliation(dynamodb.from_item(found["Item"])) if "Item" in found else None

    def recent(self, limit: int) -> list[Reconciliation]:
        page = aws.dynamodb().query(
            TableName=self._table,
            IndexName="topic-at",
            KeyConditionExpression="topic = :topic",
            ExpressionAttributeValues={":topic": {"S": TOPIC}},
            ScanIndexForward=False,
            Limit=limit,
        )
        return [_reconciliation(dynamodb.from_item(item)) for item in page["Items"]]

    def save_part(self, reconciliation_id: str, result: PartResult, violations: Sequence[Violation]) -> None:
        for violation in violations[:MOST_KEPT]:
            name = f"{_VIOLATION}{violation.rule}#{violation.key}"
            self._put(reconciliation_id, name, violation.model_dump(mode="json"))
        # The part's own row is written last: without it, the part is read again.
        packed = zlib.compress(json.dumps(result.model_dump(mode="json")).encode())
        self._put(reconciliation_id, f"{_PART}{result.name}", {"result": packed})

    def parts(self, reconciliation_id: str) -> list[PartResult]:
        items = self._query(reconciliation_id, _PART)
        return [PartResult.model_validate_json(zlib.decompress(bytes(item["result"]))) for item in items]

    def violations(self, reconciliation_id: str) -> list[Violation]:
        items = itertools.islice(self._query(reconciliation_id, _VIOLATION), MOST_KEPT)
        return [Violation.model_validate(item) for item in items]

    def _put(self, reconciliation_id: str, name: str, item: Mapping[str, Any]) -> None:
        expires = int(time.time() + KEPT_FOR.total_seconds())
        keyed = {**item, "replayId": reconciliation_id, "messageId": name, "expiresAt": expires}
        aws.dynamodb().put_item(TableName=self._table, Item=dynamodb.to_item(keyed))

    def _query(self, reconciliation_id: str, prefix: str) -> Iterator[dict[str, Any]]:
        pages = (
            aws.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=self._table,
                KeyConditionExpression="replayId = :id AND begins_with(messageId, :prefix)",
                ExpressionAttributeValues={":id": {"S": reconciliation_id}, ":prefix": {"S": prefix}},
                ConsistentRead=True,
            )
        )
        return (dynamodb.from_item(item) for page in pages for item in page["Items"])


def _reconciliation(item: Mapping[str, Any]) -> Reconciliation:
    """The reconciliation of a stored item. The table's key is called `replayId` for it, too."""
    cost = {"cost": json.loads(item["cost"])} if "cost" in item else {}
    return Reconciliation.model_validate({**item, **cost, "replayId": item.get("ofReplay")})


def order_of(subject: Subject, key: str) -> str:
    """The order that a row of a table is about, by the row's key."""
    match subject:
        case Subject.PAYMENTS:
            return order_id_of(key)
        case Subject.CHARGES:
            return order_id_of(key.partition(":")[0])
        case _:
            return key
