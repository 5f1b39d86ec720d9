"""Reads the shop's tables."""

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from cloudretail import aws, dynamodb
from cloudretail.model import Model
from cloudretail.repository import batch_get
from operations.diagnosis.keys import OPEN_REFUNDS, Waiting, charge_keys, order_id_of
from operations.diagnosis.tables import (
    TABLES,
    ChargeRow,
    OrderPart,
    OrderRow,
    OrderRows,
    PaymentRow,
    ShipmentRow,
    Table,
    TableSettings,
    refund_keys_of,
    table_of,
)

MAX_PAGES = 5
"""The most pages that are read of one partition of an index. A page has some 8,000 keys."""


type Since = Mapping[str, datetime]
"""Orders in an index by id, with the time since when they are in it. At most MAX_PAGES of them, the oldest first."""


class Tables(Protocol):
    """The shop's tables, read-only."""

    def of_order(self, order_id: str) -> OrderRows:
        """The rows about an order as they are now."""
        ...

    def numbered(self, number: str) -> str | None:
        """The id of the order with this number; of several, the newest."""
        ...

    def own_rows(self, order_ids: Collection[str]) -> dict[str, OrderRows]:
        """The rows of at most 25 orders as they are now, without mails and the provider's charges."""
        ...

    def waiting(self, what: Waiting, before: datetime) -> Since:
        """The orders that have waited for this since before that time."""
        ...

    def parcels(self, open_as: str) -> Since:
        """The orders whose parcel waits for this."""
        ...

    def refunds(self) -> Since:
        """The orders with an unfinished refund."""
        ...


class DynamoDBTables:
    """The services' own tables.

    Args:
        settings: their names.
    """

    def __init__(self, settings: TableSettings) -> None:
        names = {table: getattr(settings, setting_of(table)) for table in TABLES}
        self._names: dict[Table, str] = {table: name for table, name in names.items() if name}

    def of_order(self, order_id: str) -> OrderRows:
        tables = {table: table.keys_of(order_id) for table in self._names if table.keys_of}
        rows = self._get({table: keys for table, keys in tables.items() if not table.several})
        for table, keys in tables.items():
            if table.several:
                rows += [
                    table.row.model_validate(item)
                    for key in keys
                    for item in _query(self._names[table], table.key, key)
                ]
        found = OrderRows(rows)
        further = {table: table.further_keys(found) for table in self._names if table.further_keys}
        return OrderRows([*rows, *self._get({table: keys for table, keys in further.items() if keys})])

    def numbered(self, number: str) -> str | None:
        found = aws.dynamodb().query(
            TableName=self._name_of(OrderRow),
            IndexName="number-createdAt",
            KeyConditionExpression="#number = :number",
            ExpressionAttributeNames={"#number": "number"},
            ExpressionAttributeValues={":number": {"S": "".join(number.split()).upper()}},
            ScanIndexForward=False,
            Limit=1,
        )["Items"]
        return found[0]["orderId"]["S"] if found else None

    def own_rows(self, order_ids: Collection[str]) -> dict[str, OrderRows]:
        tables = [table for table in self._names if issubclass(table.row, OrderPart) and table.keys_of]
        wanted = {table: [key for each in order_ids for key in table.keys_of(each)] for table in tables}  # type: ignore[misc]
        found: dict[str, list[Model]] = {order_id: [] for order_id in order_ids}
        for row in self._get(wanted) if order_ids else []:
            if isinstance(row, OrderPart):
                found[row.order_id].append(row)
        return {order_id: OrderRows(rows) for order_id, rows in found.items()}

    def rows_of(self, row: type[Model], keys: Sequence[str]) -> list[Model]:
        """The rows of a table with these keys, at most 100; empty for a table that this stage does not have."""
        table = table_of(row)
        return self._get({table: keys}) if keys and table in self._names else []

    def charges_of(self, orders: Sequence[tuple[str, OrderRows]]) -> list[Model]:
        """The sandbox's charges and refunds of these orders."""
        keys = [key for order_id, rows in orders for key in (*charge_keys(order_id), *refund_keys_of(rows))]
        batches = itertools.batched(keys, 100, strict=False)
        return [row for batch in batches for row in self.rows_of(ChargeRow, batch)]

    def _get(self, wanted: Mapping[Table, Sequence[str]]) -> list[Model]:
        """The rows with these keys, in one call; without keys, in none."""
        if not wanted:
            return []
        found = batch_get(
            {
                self._names[table]: {"Keys": [{table.key: {"S": key}} for key in keys], "ConsistentRead": True}
                for table, keys in wanted.items()
            }
        )
        return [table.row.model_validate(item) for table in wanted for item in found[self._names[table]]]

    def waiting(self, what: Waiting, before: datetime) -> Since:
        table = self._name_of(OrderRow)
        found = [_open(table, "openAs", partition, "openSince", "orderId", before) for partition in what.partitions]
        return {key: at for keys in found for key, at in keys.items()}

    def parcels(self, open_as: str) -> Since:
        return _open(self._name_of(ShipmentRow), "openAs", open_as, "openSince", "orderId")

    def refunds(self) -> Since:
        found = _open(self._name_of(PaymentRow), "openRefunds", OPEN_REFUNDS, "openRefundsSince", "paymentId")
        return {order_id_of(payment): at for payment, at in found.items()}

    def _name_of(self, row: type[Model]) -> str:
        return self._names[table_of(row)]


def _open(table: str, key: str, value: str, sort: str, of: str, before: datetime | None = None) -> Since:
    """The orders in one partition of a sparse index, the oldest first.

    Args:
        table: its name.
        key: name of the partition key, which the index's name begins with.
        value: of the partition key.
        sort: name of the sort key, a time.
        of: name of the table's own key.
        before: only rows that are older.
    """
    # In the form of the rows, which has no fraction of a second if that is 0. So an order that has waited for exactly
    # this long may be found a second later.
    until = before.astimezone(UTC).isoformat().replace("+00:00", "Z") if before else "9"
    pages = (
        aws.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=table,
            IndexName=f"{key}-{sort}",
            KeyConditionExpression="#key = :value AND #sort <= :until",
            ExpressionAttributeNames={"#key": key, "#sort": sort},
            ExpressionAttributeValues={":value": {"S": value}, ":until": {"S": until}},
        )
    )
    return {
        item[of]["S"]: datetime.fromisoformat(item[sort]["S"])
        for page in itertools.islice(pages, MAX_PAGES)
        for item in page["Items"]
    }


def setting_of(table: Table) -> str:
    """The field of TableSettings that has a table's name."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", f"{table.name}Table").lower()


def _query(table: str, key: str, value: str) -> Iterator[dict[str, Any]]:
    for page in (
        aws.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=table,
            ConsistentRead=True,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues={":value": {"S": value}},
        )
    ):
        yield from map(dynamodb.from_item, page["Items"])
