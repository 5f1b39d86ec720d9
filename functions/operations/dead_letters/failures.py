"""Why messages failed, as their consumers kept it in the failures table."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cloudretail import aws, dynamodb
from cloudretail.repository import batch_get
from operations.dead_letters.domain import DeadMessage, FailureRow
from operations.queues import QueueNames


class Failures(Protocol):
    """The kept failures."""

    def of(self, messages: Sequence[DeadMessage]) -> Mapping[str, FailureRow]:
        """The rows of those messages that have one, by message id."""
        ...

    def of_order(self, order_id: str) -> Sequence[FailureRow]:
        """What failed of an order, oldest first."""
        ...


class DynamoDBFailures:
    """Failures on the failures table.

    Args:
        table: its name.
        names: says whose messages a dead-letter queue holds.
    """

    def __init__(self, table: str, names: QueueNames) -> None:
        self._table = table
        self._names = names

    def of(self, messages: Sequence[DeadMessage]) -> dict[str, FailureRow]:
        keys = {message.message.id: self._keys(message) for message in messages}
        rows = self._rows(list(dict.fromkeys(key for each in keys.values() for key in each)))
        found = {message_id: [rows[key] for key in each if key in rows] for message_id, each in keys.items()}
        return {message_id: each[0] for message_id, each in found.items() if each}

    def _keys(self, message: DeadMessage) -> list[tuple[str, str]]:
        consumer = self._names.consumer_of(message.queue)
        return [(consumer.consumer, key) for key in message.failure_keys] if consumer else []

    def _rows(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], FailureRow]:
        rows: dict[tuple[str, str], FailureRow] = {}
        for begin in range(0, len(keys), 100):
            wanted = [{"consumer": {"S": c}, "eventId": {"S": e}} for c, e in keys[begin : begin + 100]]
            for row in batch_get({self._table: {"Keys": wanted}})[self._table]:
                rows[row["consumer"], row["eventId"]] = row
        return rows

    def of_order(self, order_id: str) -> list[FailureRow]:
        pages = (
            aws.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=self._table,
                IndexName="orderId-lastFailedAt",
                KeyConditionExpression="orderId = :order",
                ExpressionAttributeValues={":order": {"S": order_id}},
            )
        )
        return [dynamodb.from_item(item) for page in pages for item in page["Items"]]
