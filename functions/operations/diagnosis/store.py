"""Reading the shop's tables."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from cloudretail import aws, dynamodb
from cloudretail.model import Model
from cloudretail.repository import batch_get
from operations.diagnosis.tables import TABLES, OrderRows, Table, TableSettings, TableSnapshot


class Tables(Protocol):
    """The shop's tables, read only."""

    def of_order(self, order_id: str) -> OrderRows:
        """The rows about an order as they are now."""
        ...

    def snapshot(self) -> TableSnapshot:
        """All rows, table by table."""
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

    def _get(self, wanted: Mapping[Table, Sequence[str]]) -> list[Model]:
        """The rows that have these keys, by one call; by none where there are no keys."""
        if not wanted:
            return []
        found = batch_get(
            {
                self._names[table]: {"Keys": [{table.key: {"S": key}} for key in keys], "ConsistentRead": True}
                for table, keys in wanted.items()
            }
        )
        return [table.row.model_validate(item) for table in wanted for item in found[self._names[table]]]

    def snapshot(self) -> TableSnapshot:
        return TableSnapshot(
            table.row.model_validate(item)
            for table, name in self._names.items()
            if table.in_snapshot
            for item in _scan(name)
        )


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


def _scan(table: str) -> Iterator[dict[str, Any]]:
    for page in aws.dynamodb().get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from map(dynamodb.from_item, page["Items"])
