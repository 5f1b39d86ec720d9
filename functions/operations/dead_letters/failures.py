"""The failures table for operations: its rows by state, cause, event, order and account, and bodies of dead letters."""

import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

from pydantic import BeforeValidator

from cloudretail import aws, dynamodb
from cloudretail.failure_log import DynamoDBFailureRows, FailureRows, Key, item_key
from cloudretail.failures import OPEN_ORDERS, FailureRow, FailureState, open_state
from cloudretail.model import Model
from cloudretail.repository import batch_get
from operations.dead_letters.domain import DeadMessage

MAX_BODY = 250_000
"""Bytes of a compressed body in its row; a longer one is in the bucket. Source: an item has 400 kB, DynamoDB quotas."""


class OpenFailure(Model):
    """A failure of an order, as an index has it."""

    consumer: str
    event_id: str
    order_id: str
    since: Annotated[datetime, BeforeValidator(lambda seconds: datetime.fromtimestamp(seconds, UTC))]


class Failures(FailureRows, Protocol):
    """Rows of failures by the questions of operators, and the bodies of dead letters."""

    def open(
        self, consumer: str, state: FailureState, since: datetime | None = None, until: datetime | None = None
    ) -> list[FailureRow]:
        """A consumer's rows in an open state that they reached between these times; oldest first."""
        ...

    def count(self, consumer: str, state: FailureState, until: datetime | None = None) -> int:
        """The number of such rows."""
        ...

    def of_order(self, order_id: str) -> list[FailureRow]:
        """The failures of an order, in every state; the earliest first."""
        ...

    def with_cause(self, consumer: str, state: FailureState, cause: str) -> list[FailureRow]:
        """As `open`, with this fingerprint."""
        ...

    def of_event(self, consumer: str, state: FailureState, event_name: str) -> list[FailureRow]:
        """As `open`, with this event."""
        ...

    def of_account(self, user_id: str) -> list[FailureRow]:
        """As `of_order`, for all orders of an account. Only failures that were dead letters once are among them."""
        ...

    def of_orders(self) -> list["OpenFailure"]:
        """The open failures of all orders, oldest first: those of one call."""
        ...

    def beginning(self, consumer: str, prefix: str) -> list[str]:
        """The first few ids of a consumer's failures with this prefix."""
        ...

    def bodies(self, keys: Iterable[Key]) -> dict[Key, str]:
        """The bodies of at most 100 dead letters. A message that is only being retried has none."""
        ...

    def keep_long(self, place: str, body: str) -> None:
        """Store a body that is too long for its row."""
        ...


class DynamoDBFailures(DynamoDBFailureRows):
    """Failures on one table.

    Args:
        table: its name.
        bucket: has the bodies that are too long for the table.
    """

    def __init__(self, table: str, bucket: str) -> None:
        super().__init__(table)
        self._bucket = bucket

    def open(
        self, consumer: str, state: FailureState, since: datetime | None = None, until: datetime | None = None
    ) -> list[FailureRow]:
        return _rows(self._in_state(consumer, state, since, until))

    def with_cause(self, consumer: str, state: FailureState, cause: str) -> list[FailureRow]:
        values = {":open": f"{open_state(state, consumer)}#{cause}"}
        return _rows(self._query("openCause-since", "openCause = :open", values, {}))

    def of_event(self, consumer: str, state: FailureState, event_name: str) -> list[FailureRow]:
        values = {":open": f"{open_state(state, consumer)}#{event_name}"}
        return _rows(self._query("openEvent-since", "openEvent = :open", values, {}))

    def count(self, consumer: str, state: FailureState, until: datetime | None = None) -> int:
        return sum(page["Count"] for page in self._in_state(consumer, state, None, until, Select="COUNT"))

    def _in_state(
        self, consumer: str, state: FailureState, since: datetime | None, until: datetime | None, **request: Any
    ) -> Iterable[Mapping[str, Any]]:
        values = {
            ":open": open_state(state, consumer),
            ":since": int(since.timestamp()) if since else 0,
            ":until": int(until.timestamp()) if until else 2**40,
        }
        return self._query("openState-since", "openState = :open AND since BETWEEN :since AND :until", values, request)

    def of_order(self, order_id: str) -> list[FailureRow]:
        return _rows(self._query("orderId-lastFailedAt", "orderId = :order", {":order": order_id}, {}))

    def of_account(self, user_id: str) -> list[FailureRow]:
        return _rows(self._query("userId-lastFailedAt", "userId = :user", {":user": user_id}, {}))

    def of_orders(self) -> list[OpenFailure]:
        values = {":open": OPEN_ORDERS}
        page = next(iter(self._query("openOrders-since", "openOrders = :open", values, {})))
        return [OpenFailure.model_validate(dynamodb.from_item(item)) for item in page["Items"]]

    def beginning(self, consumer: str, prefix: str) -> list[str]:
        found = aws.dynamodb().query(
            TableName=self._table,
            KeyConditionExpression="consumer = :consumer AND begins_with(eventId, :prefix)",
            ExpressionAttributeValues={":consumer": {"S": consumer}, ":prefix": {"S": prefix}},
            ProjectionExpression="eventId",
            Limit=3,
        )["Items"]
        return [item["eventId"]["S"] for item in found]

    def _query(
        self, index: str, condition: str, values: Mapping[str, Any], request: Mapping[str, Any]
    ) -> Iterable[Mapping[str, Any]]:
        return (
            aws.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=self._table,
                IndexName=index,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=dynamodb.to_item(values),
                **request,
            )
        )

    def bodies(self, keys: Iterable[Key]) -> dict[Key, str]:
        wanted = [item_key(key) for key in dict.fromkeys(keys)]
        if not wanted:
            return {}
        asked: dict[str, Any] = {
            "Keys": wanted,
            "ConsistentRead": True,
            "ProjectionExpression": "consumer, eventId, body, bodyAt",
        }
        items = batch_get({self._table: asked})[self._table]
        return {(item["consumer"], item["eventId"]): self._body(item) for item in items}

    def _body(self, item: Mapping[str, Any]) -> str:
        if "bodyAt" in item:
            return aws.s3().get_object(Bucket=self._bucket, Key=item["bodyAt"])["Body"].read().decode()
        return zlib.decompress(bytes(item["body"])).decode() if "body" in item else ""

    def keep_long(self, place: str, body: str) -> None:
        aws.s3().put_object(Bucket=self._bucket, Key=place, Body=body.encode())

    def set_aside(self, dead: DeadMessage, why: str) -> None:
        """Store a message that the table refuses in the bucket."""
        content = {
            "queue": dead.queue,
            "messageId": dead.message.id,
            "sentAt": dead.message.sent_at.isoformat(),
            "attributes": dict(dead.message.attributes),
            "body": dead.message.body,
            "why": why,
        }
        self.keep_long(f"unstored/{dead.queue}/{dead.message.id}.json", json.dumps(content))


def _rows(pages: Iterable[Mapping[str, Any]]) -> list[FailureRow]:
    return [FailureRow.model_validate(dynamodb.from_item(item)) for page in pages for item in page["Items"]]


def packed(body: str) -> bytes:
    """A body as its row stores it: compressed."""
    return zlib.compress(body.encode())
