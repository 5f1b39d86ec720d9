"""The record of replays: who did what, when and why, and the outcome of each message."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cloudretail import aws, dynamodb
from cloudretail.repository import MAX_TRIES, pause_before_retry
from operations.clock import Clock
from operations.dead_letters.sqs import NotAccepted
from operations.replays.domain import Replay, ReplayedMessage, ReplayState, counted

HEADER = "-"
"""Sort key of a replay's own row, beside the rows of its messages."""

CANCEL = "+cancel"
"""Sort key of the row by which an operator stops a replay. It sorts before the header, and is never a message's key."""

ALL_REPLAYS = "replays"
"""Topic of every replay's own row. No order id has this form."""

KEPT_FOR = timedelta(days=400)
"""How long a record of operations is kept: a year and a month, to compare it with the year before."""


class ReplayLog(Protocol):
    """The record of replays."""

    def save(self, replay: Replay) -> None:
        """Write the replay's own row."""
        ...

    def save_messages(self, messages: Sequence[ReplayedMessage]) -> None:
        """Write the outcomes of messages, over earlier ones."""
        ...

    def find(self, replay_id: str) -> Replay | None: ...

    def messages(self, replay_id: str) -> list[ReplayedMessage]:
        """The messages of one replay, in any order."""
        ...

    def recent(self, limit: int, before: str | None = None) -> list[Replay]:
        """The latest first; those before a time, as their JSON has it, where one is given."""
        ...

    def cancel(self, replay_id: str, by: str) -> None:
        """Note that a replay has to stop."""
        ...

    def uncancel(self, replay_id: str) -> None:
        """Note that a replay may continue."""
        ...

    def cancelled(self, replay_id: str) -> bool:
        """Whether a replay has to stop."""
        ...

    def of_order(self, order_id: str) -> list[ReplayedMessage]:
        """The replayed messages about an order."""
        ...


def cancel_key(replay_id: str) -> dict[str, Any]:
    """The key of the row that stops a replay. It is a row of its own, as the worker keeps writing the replay's row."""
    return {"replayId": {"S": replay_id}, "messageId": {"S": CANCEL}}


@contextmanager
def interruption_recorded(log: ReplayLog, replay_id: str, clock: Clock) -> Iterator[None]:
    """Record a replay as INTERRUPTED if the block ends with an exception, such as by Ctrl-C."""
    try:
        yield
    except BaseException:
        try:
            if last := log.find(replay_id):
                changes = {
                    "state": ReplayState.INTERRUPTED,
                    "ended_at": clock.now(),
                    "outcomes": counted(log.messages(replay_id)),
                }
                log.save(last.model_copy(update=changes))
        except (ClientError, BotoCoreError):
            pass  # The original exception says more.
        raise


class DynamoDBReplayLog:
    """A ReplayLog on the replays table."""

    def __init__(self, table: str) -> None:
        self._table = table

    def save(self, replay: Replay) -> None:
        item = replay.model_dump(mode="json", exclude_none=True)
        # As text: DynamoDB has no floating point numbers.
        item |= {"rate": str(replay.rate), "messageId": HEADER, "topic": ALL_REPLAYS}
        aws.dynamodb().put_item(TableName=self._table, Item=dynamodb.to_item(_expiring(item)))

    def save_messages(self, messages: Sequence[ReplayedMessage]) -> None:
        puts: list[Any] = [{"PutRequest": {"Item": dynamodb.to_item(self._item(each))}} for each in messages]
        for begin in range(0, len(puts), 25):
            self._write({self._table: puts[begin : begin + 25]})

    def _item(self, message: ReplayedMessage) -> dict[str, Any]:
        item = message.model_dump(mode="json", exclude_none=True)
        if message.order_id:
            item["topic"] = message.order_id
        return _expiring(item)

    def _write(self, rest: Mapping[str, Any]) -> None:
        for attempt in range(MAX_TRIES):
            rest = aws.dynamodb().batch_write_item(RequestItems=rest).get("UnprocessedItems", {})
            if not rest:
                return
            pause_before_retry(attempt)
        raise NotAccepted("DynamoDB leaves writes unprocessed")

    def find(self, replay_id: str) -> Replay | None:
        key = {"replayId": {"S": replay_id}, "messageId": {"S": HEADER}}
        found = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return Replay.model_validate(dynamodb.from_item(found["Item"])) if "Item" in found else None

    def messages(self, replay_id: str) -> list[ReplayedMessage]:
        pages = (
            aws.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=self._table,
                KeyConditionExpression="replayId = :replay AND messageId > :header",
                ExpressionAttributeValues={":replay": {"S": replay_id}, ":header": {"S": HEADER}},
                ConsistentRead=True,
            )
        )
        return [ReplayedMessage.model_validate(dynamodb.from_item(item)) for page in pages for item in page["Items"]]

    def recent(self, limit: int, before: str | None = None) -> list[Replay]:
        return [Replay.model_validate(item) for item in self._about(ALL_REPLAYS, limit, before)]

    def cancel(self, replay_id: str, by: str) -> None:
        item = _expiring({"replayId": replay_id, "messageId": CANCEL, "by": by})
        aws.dynamodb().put_item(TableName=self._table, Item=dynamodb.to_item(item))

    def uncancel(self, replay_id: str) -> None:
        aws.dynamodb().delete_item(TableName=self._table, Key=cancel_key(replay_id))

    def cancelled(self, replay_id: str) -> bool:
        found = aws.dynamodb().get_item(TableName=self._table, Key=cancel_key(replay_id), ConsistentRead=True)
        return "Item" in found

    def of_order(self, order_id: str) -> list[ReplayedMessage]:
        return [ReplayedMessage.model_validate(item) for item in self._about(order_id, 1000)]

    def _about(self, topic: str, limit: int, before: str | None = None) -> list[dict[str, Any]]:
        condition: Any = {"KeyConditionExpression": "topic = :topic"}
        values = {":topic": topic}
        if before:
            condition = {
                "KeyConditionExpression": "topic = :topic AND #at < :before",
                "ExpressionAttributeNames": {"#at": "at"},
            }
            values[":before"] = before
        page = aws.dynamodb().query(
            TableName=self._table,
            IndexName="topic-at",
            **condition,
            ExpressionAttributeValues=dynamodb.to_item(values),
            ScanIndexForward=False,
            Limit=limit,
        )
        return [dynamodb.from_item(item) for item in page["Items"]]


def _expiring(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"expiresAt": int(time.time() + KEPT_FOR.total_seconds())}
