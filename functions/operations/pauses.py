"""Consumers that an operator has paused. Their messages wait in the queue, and no delivery is used up."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from cloudretail import aws, dynamodb
from cloudretail.model import Model
from operations.replays.log import KEPT_FOR

ALL_PAUSES = "pauses"
"""Partition of all pauses in the table of replays. No id of a replay has this form."""


class Pause(Model):
    """The pause of a consumer.

    Attributes:
        consumer: such as `payment-worker`.
        by: the operator who has paused it.
        reason: why, in the operator's words.
        at: when the pause began.
    """

    consumer: str
    by: str
    reason: str
    at: datetime


class Pauses(Protocol):
    """The pauses of consumers."""

    def all(self) -> Mapping[str, Pause]:
        """All pauses, by consumer."""
        ...

    def add(self, pause: Pause) -> None: ...

    def remove(self, consumer: str) -> None: ...


class DynamoDBPauses:
    """Pauses in the table of replays.

    Args:
        table: its name.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def all(self) -> Mapping[str, Pause]:
        found = aws.dynamodb().query(
            TableName=self._table,
            KeyConditionExpression="replayId = :pauses",
            ExpressionAttributeValues={":pauses": {"S": ALL_PAUSES}},
            ConsistentRead=True,
        )["Items"]
        pauses = [Pause.model_validate(dynamodb.from_item(item)) for item in found]
        return {pause.consumer: pause for pause in pauses}

    def add(self, pause: Pause) -> None:
        item = pause.model_dump(mode="json") | {"replayId": ALL_PAUSES, "messageId": pause.consumer}
        item["expiresAt"] = int(time.time() + KEPT_FOR.total_seconds())
        aws.dynamodb().put_item(TableName=self._table, Item=dynamodb.to_item(item))

    def remove(self, consumer: str) -> None:
        key = {"replayId": {"S": ALL_PAUSES}, "messageId": {"S": consumer}}
        aws.dynamodb().delete_item(TableName=self._table, Key=key)
