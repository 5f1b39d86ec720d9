"""Why a message failed, kept for the operator: a dead-letter queue keeps the message but not its cause."""

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic.alias_generators import to_camel

from cloudretail import aws, dynamodb

_OWN_CODE = str(Path(__file__).parents[1])

KEPT_FOR = 90 * 24 * 3600
"""Seconds: longer than a dead-letter queue (14 days) and the archive keep the message itself."""


@dataclass(frozen=True)
class Failure:
    """One failed delivery.

    Attributes:
        consumer: which reaction failed.
        event_id: id of the event; of the message where the body is no event.
        exception: class of the exception.
        message: its text.
        where: file, line and function in which it was raised.
        function: name of the Lambda function.
        request_id: of the invocation, with which its log lines are found.
        attempt: which delivery of the message this was, from 1.
        message_id: SQS's id of the message.
        body: the whole message body.
        keys: what the event is about, such as `{"order_id": ...}`; empty where the body is none.
        event_name: where the body is an event.
    """

    consumer: str
    event_id: str
    exception: str
    message: str
    where: str
    function: str
    request_id: str
    attempt: int
    message_id: str
    body: str
    keys: Mapping[str, str] = field(default_factory=dict)
    event_name: str | None = None


class FailureLog(Protocol):
    """Keeps the latest failure of each event by consumer."""

    def keep(self, failure: Failure) -> None: ...


class DynamoDBFailureLog:
    """A FailureLog on one table, keyed by consumer and event id."""

    def __init__(self, table: str) -> None:
        self._table = table

    def keep(self, failure: Failure) -> None:
        now = int(time.time())
        values = {
            "exception": failure.exception,
            "message": failure.message[:2000],
            "where": failure.where,
            "function": failure.function,
            "requestId": failure.request_id,
            "attempt": failure.attempt,
            "messageId": failure.message_id,
            "body": failure.body,
            "lastFailedAt": now,
            "expiresAt": now + KEPT_FOR,
        }
        values |= {to_camel(name): key for name, key in failure.keys.items()}
        if failure.event_name:
            values |= {"eventName": failure.event_name}
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        aws.dynamodb().update_item(
            TableName=self._table,
            Key={"consumer": {"S": failure.consumer}, "eventId": {"S": failure.event_id}},
            UpdateExpression=f"SET {sets}, #firstFailedAt = if_not_exists(#firstFailedAt, :lastFailedAt)",
            ExpressionAttributeNames={f"#{name}": name for name in [*values, "firstFailedAt"]},
            ExpressionAttributeValues=dynamodb.to_item({f":{name}": value for name, value in values.items()}),
        )


def where(error: BaseException) -> str:
    """The innermost place in which `error` was raised, as `file:line in function`."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    # The innermost frame of our own says more than one deep inside a library, wherever this machine has those.
    own = [frame for frame in frames if frame.filename.startswith(_OWN_CODE)] or frames
    frame = own[-1]
    return f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} in {frame.name}"
