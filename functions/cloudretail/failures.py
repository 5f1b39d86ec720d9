"""Why a message failed, kept for the operator: a queue keeps the message but not its cause.

    FAILING    it is being retried; how often it failed, and since when, decides when it is given up
    DEAD       it was given up, and is in the dead-letter queue; from here on its body is kept too
    RESOLVED   a later delivery, or a replay, has done what it asked for

A row's generation counts the replays of its message: a copy carries its own. What becomes of a copy counts only if the
row has not gone on to a later one: an older copy that succeeds or fails late says nothing about that.
"""

import hashlib
import re
import time
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError
from pydantic.alias_generators import to_camel

from cloudretail import aws, dynamodb
from cloudretail.repository import batch_get
from cloudretail.retries import History, Kind

_OWN_CODE = str(Path(__file__).parents[1])

KEPT_FOR = 90 * 24 * 3600
"""Seconds: longer than a dead-letter queue (14 days) and the archive keep the message itself."""

_COUNTS = ("failingSince", "failures", "unexpected")
"""What is counted as long as a message is being retried."""


class FailureState(StrEnum):
    """See the module's table."""

    FAILING = "FAILING"
    DEAD = "DEAD"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True)
class Failure:
    """One failed delivery.

    Attributes:
        consumer: which reaction failed.
        event_id: id of the event; of the message where the body is no event.
        kind: whether repeating can help.
        code: what failures of one cause have in common, as `code_of` makes it.
        exception: class of the exception.
        message: its text.
        where: file, line and function in which it was raised.
        function: name of the Lambda function.
        version: of that function.
        request_id: of the invocation, with which its log lines are found.
        attempt: which delivery of the message this was, from 1.
        message_id: SQS's id of the message; of a copy, that of the first message.
        generation: how often it was replayed.
        keys: what the event is about, such as `{"order_id": ...}`; empty where the body is none.
        event_name: where the body is an event.
    """

    consumer: str
    event_id: str
    kind: Kind
    code: str
    exception: str
    message: str
    where: str
    function: str
    version: str
    request_id: str
    attempt: int
    message_id: str
    generation: int = 0
    keys: Mapping[str, str] = field(default_factory=dict)
    event_name: str | None = None

    @property
    def cause(self) -> str:
        """In one line."""
        return f"{self.exception}: {self.message} at {self.where}"


class FailureLog(Protocol):
    """Keeps the latest failure of each event by consumer, and how often it failed."""

    def keep(self, failure: Failure) -> History:
        """Note a failed delivery; returns how the message has fared."""
        ...

    def give_up(self, consumer: str, event_id: str, generation: int, body: str) -> None:
        """Note that the message is in the dead-letter queue."""
        ...

    def resolve(self, consumer: str, event_id: str, generation: int) -> None:
        """Note that a message that had failed has succeeded; nothing for one that never failed."""
        ...

    def known(self, consumer: str, event_ids: Collection[str]) -> set[str]:
        """Those of at most 100 events of which a cause is kept."""
        ...


_NOT_OLDER = "(attribute_not_exists(#generation) OR #generation <= :generation)"
"""The row has not gone on to a later copy than this one."""


class DynamoDBFailureLog:
    """A FailureLog on one table, keyed by consumer and event id."""

    def __init__(self, table: str) -> None:
        self._table = table

    def keep(self, failure: Failure) -> History:
        try:
            return self._keep(failure, becomes_failing=True)
        except ClientError as error:
            if not dynamodb.is_condition_failed(error):
                raise
        # The state stays that of a later copy. The cause is the newest that is known, and this copy's retries count it.
        return self._keep(failure, becomes_failing=False)

    def _keep(self, failure: Failure, *, becomes_failing: bool) -> History:
        now = int(time.time())
        values: dict[str, Any] = {
            "code": failure.code,
            "fingerprint": fingerprint(failure.consumer, failure.code),
            "exception": failure.exception,
            "message": failure.message[:2000],
            "where": failure.where,
            "function": failure.function,
            "version": failure.version,
            "requestId": failure.request_id,
            "attempt": failure.attempt,
            "messageId": failure.message_id,
            "lastFailedAt": now,
            "expiresAt": now + KEPT_FOR,
            **{to_camel(name): key for name, key in failure.keys.items()},
        }
        if failure.event_name:
            values["eventName"] = failure.event_name
        further: dict[str, Any] = {"one": 1, "bugs": int(failure.kind is Kind.UNEXPECTED)}
        request: dict[str, Any] = {}
        if becomes_failing:
            values["state"] = FailureState.FAILING.value
            values["generation"] = failure.generation
            request["ConditionExpression"] = _NOT_OLDER
        sets = [f"#{name} = :{name}" for name in values]
        sets += [f"#{name} = if_not_exists(#{name}, :lastFailedAt)" for name in ("firstFailedAt", "failingSince")]
        names = (*values, "firstFailedAt", *_COUNTS)
        answer = aws.dynamodb().update_item(
            TableName=self._table,
            Key=_key(failure.consumer, failure.event_id),
            UpdateExpression=f"SET {', '.join(sets)} ADD #failures :one, #unexpected :bugs",
            ExpressionAttributeNames={f"#{name}": name for name in names},
            ExpressionAttributeValues=dynamodb.to_item({f":{k}": v for k, v in {**values, **further}.items()}),
            ReturnValues="ALL_NEW",
            **request,
        )
        row = dynamodb.from_item(answer["Attributes"])
        began = datetime.fromtimestamp(row["failingSince"], UTC)
        return History(since=began, failures=row["failures"], unexpected=row["unexpected"])

    def give_up(self, consumer: str, event_id: str, generation: int, body: str) -> None:
        self._end(consumer, event_id, generation, FailureState.DEAD, {"body": body})

    def resolve(self, consumer: str, event_id: str, generation: int) -> None:
        self._end(consumer, event_id, generation, FailureState.RESOLVED, {})

    def _end(
        self, consumer: str, event_id: str, generation: int, state: FailureState, further: Mapping[str, str]
    ) -> None:
        """The counts begin anew: a replay of the message has the same patience as a new one."""
        values = {"state": state.value, "generation": generation, **further}
        try:
            aws.dynamodb().update_item(
                TableName=self._table,
                Key=_key(consumer, event_id),
                UpdateExpression=(
                    f"SET {', '.join(f'#{name} = :{name}' for name in values)}"
                    f" REMOVE {', '.join(f'#{name}' for name in _COUNTS)}"
                ),
                ConditionExpression=f"attribute_exists(eventId) AND {_NOT_OLDER}",
                ExpressionAttributeNames={f"#{name}": name for name in (*values, *_COUNTS)},
                ExpressionAttributeValues=dynamodb.to_item({f":{name}": value for name, value in values.items()}),
            )
        except ClientError as error:
            if not dynamodb.is_condition_failed(error):
                raise

    def known(self, consumer: str, event_ids: Collection[str]) -> set[str]:
        keys = [_key(consumer, event_id) for event_id in dict.fromkeys(event_ids)]
        request: dict[str, Any] = {self._table: {"Keys": keys, "ConsistentRead": True}}
        return {row["eventId"] for row in batch_get(request)[self._table]} if keys else set()


def _key(consumer: str, event_id: str) -> dict[str, Any]:
    """The key of a row of the failures table."""
    return {"consumer": {"S": consumer}, "eventId": {"S": event_id}}


def code_of(error: Exception) -> str:
    """What failures of one cause have in common, whichever line they were raised in.

    Of a call to AWS its error and operation (`AccessDenied on dynamodb:PutItem`), of anything else the exception and
    the function that raised it (`KeyError in decide (inventory/domain.py)`).
    """
    if isinstance(error, ClientError):
        said = re.search(r"not authorized to perform: ([\w-]+:\w+)", str(error))
        return f"{dynamodb.code(error).removesuffix('Exception')} on {said[1] if said else error.operation_name}"
    file, _, function = where(error).partition(" in ")
    return f"{type(error).__name__} in {function} ({file.partition(':')[0]})" if function else type(error).__name__


def fingerprint(consumer: str, code: str) -> str:
    """A short name of a cause, for filters: eight hexadecimal digits of consumer and code."""
    return hashlib.sha256(f"{consumer}|{code}".encode()).hexdigest()[:8]


def where(error: BaseException) -> str:
    """The innermost place in which `error` was raised, as `file:line in function`."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    # The innermost frame of our own says more than one deep inside a library, wherever this machine has those.
    own = [frame for frame in frames if frame.filename.startswith(_OWN_CODE)] or frames
    frame = own[-1]
    return f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} in {frame.name}"
