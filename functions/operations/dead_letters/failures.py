"""The failures table, as operations uses it: its rows by state and by order, and the bodies of dead letters."""

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
    """What an index knows of a failure of an order."""

    consumer: str
    event_id: str
    order_id: str
    since: Annotated[datetime, BeforeValidator(lambda seconds: datetime.fromtimestamp(seconds, UTC))]


class Failures(FailureRows, Protocol):
    """Rows of failures, found by what operators ask for, and the bodies of those that are dead letters."""

    def open(
        self, consumer: str, state: FailureState, since: datetime | None = None, until: datetime | None = None
    ) -> list[FailureRow]:
        """A consumer's rows that are in a state which is no end, since a time between these; oldest first."""
        ...

    def count(self, consumer: str, state: FailureState, until: datetime | None = None) -> int:
        """How many those are."""
        ...

    def of_order(self, order_id: str) -> list[FailureRow]:
        """What failed of an order, in every state; the one that failed first comes first."""
        ...

    def with_cause(self, consumer: str, state: FailureState, cause: str) -> list[FailureRow]:
        """As `open`, of this fingerprint."""
        ...

    def of_event(self, consumer: str, state: FailureState, event_name: str) -> list[FailureRow]:
        """As `open`, of this event."""
        ...

    def of_account(self, user_id: str) -> list[FailureRow]:
        """What failed of an account's orders, and has died at least once; as `of_order`."""
        ...

    def of_orders(self) -> list["OpenFailure"]:
        """What has failed of any order and has not ended; oldest first, as much as one call answers."""
        ...

    def beginning(self, consumer: str, prefix: str) -> list[str]:
        """The ids of a consumer's failures that begin so, the first few."""
        ...

    def bodies(self, keys: Iterable[Key]) -> dict[Key, str]:
        """The bodies of at most 100 dead letters; of what is only being retried there is none."""
        ...

    def keep_long(self, place: str, body: str) -> None:
        """Keep a body that is too long for its row."""
        ...


class DynamoDBFailures(DynamoDBFailureRows):
    """Failures on one table.

    Args:
        table: its name.
        bucket: where bodies are that are too long for it.
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
        """Keep a message whole in the bucket that the table does not take."""
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
    """A body as its row has it."""
    return zlib.compress(body.encode())
