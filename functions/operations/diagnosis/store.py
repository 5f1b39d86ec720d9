"""Reading the shop's tables."""

import re
from collections.abc import Iterator
from typing import Any, Protocol

from cloudretail import aws, dynamodb
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
        wanted = {
            name: [{table.key: {"S": key}} for key in table.keys_of(order_id)]
            for table, name in self._names.items()
            if table.keys_of and not table.several
        }
        found = batch_get({name: {"Keys": keys, "ConsistentRead": True} for name, keys in wanted.items()})
        for table, name in self._names.items():
            if table.keys_of and table.several:
                found[name] = [item for key in table.keys_of(order_id) for item in _query(name, table.key, key)]
        return OrderRows(
            table.row.model_validate(item) for table, name in self._names.items() for item in found.get(name, [])
        )

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
