"""A batch of SQS messages: each is acknowledged once it is done, and each failure is retried or shown to an operator.

A message is acknowledged in three cases only: its reaction is committed; its reaction has found, on a consistent read,
that there is nothing to do; or its dead-letter queue has accepted it.

A message that ends its worker's process leaves no cause. From its 6th delivery on it is handled alone:

    [a, b, killer]    a and b are handled, and deleted here and now    then the killer by itself    10th: given up
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import aws, deadline
from cloudretail.causes import code_of, where
from cloudretail.errors import Held, Permanent, Transient
from cloudretail.failure_log import DynamoDBFailureRows, FailureLog
from cloudretail.failures import FAILURE, Failure, History, Kind
from cloudretail.retries import CONDEMNED, SUSPECT, GiveUp, Retry, kind_of, next_step
from cloudretail.settings import Settings, load
from cloudretail.telemetry import count, flush, logger

MAX_FAILURE = 1024
"""Characters of the attribute FAILURE of a dead letter, ASCII."""


class ConsumerSettings(Settings):
    """What every queue consumer needs: its queue, its dead-letter queue, and the table of failures."""

    queue_url: str
    dlq_url: str
    failures_table: str


class GivenBack(Transient):
    """The message was not begun, since there was no time left. It did not fail."""


class KilledWorker(Permanent):
    """A message that was delivered many times without an outcome: it times out, or ends its process."""


class BatchResponse(TypedDict):
    """The function's answer to Lambda. Source: Lambda developer guide, "Implementing partial batch responses"."""

    batchItemFailures: list[dict[str, str]]


@dataclass(frozen=True)
class About:
    """What a message is about, as far as it can be read.

    Attributes:
        event_id: id of the event; None if the message is not an event.
        event_name: name of the event; None if the message is not an event.
        keys: what the event is about, such as `{"order_id": ...}`; of any other message, what its lines are found by.
    """

    event_id: str | None = None
    event_name: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """A message of the batch.

    Attributes:
        record: as Lambda passes it.
    """

    record: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["messageId"])

    @property
    def body(self) -> str:
        return str(self.record["body"])

    @property
    def attempt(self) -> int:
        """Which delivery this is, from 1."""
        return int(self.record["attributes"]["ApproximateReceiveCount"])

    @property
    def first_received(self) -> datetime:
        milliseconds = self.record["attributes"].get("ApproximateFirstReceiveTimestamp", 0)
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)

    @property
    def attributes(self) -> dict[str, str]:
        """The message attributes that are text."""
        given = self.record.get("messageAttributes") or {}
        return {name: each["stringValue"] for name, each in given.items() if each.get("stringValue") is not None}

    @property
    def failure(self) -> dict[str, Any]:
        """The attribute FAILURE that a copy of a dead letter carries; empty for any other message."""
        try:
            content = json.loads(self.attributes.get(FAILURE, "{}"))
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def generation(self) -> int:
        """How often it was replayed."""
        generation = self.failure.get("generation")
        return generation if isinstance(generation, int) else 0

    @property
    def first_id(self) -> str:
        """SQS's id of this message; of a copy, that of the first message."""
        return str(self.failure.get("messageId") or self.id)


def now() -> datetime:
    """The time, aware. A function of its own, so that tests can set it."""
    return datetime.now(UTC)


type Work = Callable[[Sequence[Received]], Mapping[str, Exception | None]]
"""Handles messages; returns for each message id why it failed, or None."""


def work_off(
    event: Mapping[str, Any],
    context: LambdaContext,
    *,
    consumer: str,
    work: Work,
    about: Callable[[Received], About] = lambda message: About(),  # noqa: ARG005
) -> BatchResponse:
    """Handle one invocation by SQS.

    Args:
        event: the invocation's payload: `{"Records": [...]}`.
        context: of the invocation.
        consumer: name under which failures are kept.
        work: handles messages.
        about: reads what a message is about.

    Returns:
        The ids of the messages that SQS has to deliver again.

    Raises:
        MissingSetting: the function's environment lacks one of ConsumerSettings.
    """
    settings = load(ConsumerSettings)  # At every call, so that a missing variable shows before anything else fails.
    with deadline.of(context):
        try:
            batch = _Batch(settings, context, consumer, work, about)
            again = batch.work_off([Received(record) for record in event["Records"]])
        finally:
            flush()
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in again]}


class _Batch:
    def __init__(
        self,
        settings: ConsumerSettings,
        context: LambdaContext,
        consumer: str,
        work: Work,
        about: Callable[[Received], About],
    ) -> None:
        self._settings = settings
        self._context = context
        self._consumer = consumer
        self._work = work
        self._about = about
        self._log = FailureLog(DynamoDBFailureRows(settings.failures_table))

    def work_off(self, messages: Sequence[Received]) -> list[str]:
        """Handle all of them; returns the ids of those that have to be delivered again."""
        suspects = self._suspects(messages)
        if not suspects:
            return self._handled(messages)
        others = [message for message in messages if message not in suspects]
        again = self._handled(others)
        self._acknowledge(message for message in others if message.id not in again)
        for suspect in suspects:
            again += self._handled([suspect])
        return again

    def _suspects(self, messages: Sequence[Received]) -> list[Received]:
        """The messages that were delivered often and have left no cause."""
        often = [message for message in messages if message.attempt >= SUSPECT]
        if not often:
            return []
        try:
            known = self._log.known(self._consumer, [self._key(message) for message in often])
        except Exception:
            logger.exception("Could not read whether messages have left a cause")
            return []
        return [message for message in often if self._key(message) not in known]

    def _handled(self, messages: Sequence[Received]) -> list[str]:
        """Handle messages together; returns the ids of those that have to be delivered again."""
        if not messages:
            return []
        outcomes: Mapping[str, Exception | None]
        if len(messages) == 1 and messages[0].attempt >= CONDEMNED and self._suspects(messages):
            text = f"{messages[0].attempt} deliveries without an outcome: it times out, or ends its process"
            outcomes = {messages[0].id: KilledWorker(text)}
        else:
            outcomes = self._work(messages)
        again = []
        for message in messages:
            error = outcomes[message.id]
            settled = self._resolved(message) if error is None else self._settled(message, error)
            if not settled:
                again.append(message.id)
        return again

    def _key(self, message: Received) -> str:
        """The key under which the message's failures are kept. A copy has the key of its first message."""
        return str(message.failure.get("key") or self._about(message).event_id or message.id)

    def _resolved(self, message: Received) -> bool:
        """Note that a message that had failed before has succeeded.

        The message is acknowledged only after this note. Otherwise its row could stay FAILING or REPLAYED for ever.
        """
        if message.attempt == 1 and not message.failure:
            return True
        try:
            self._log.resolve(self._consumer, self._key(message), message.generation)
        except Exception:
            logger.exception("Could not note that a message has succeeded", event_id=self._key(message))
            return False
        return True

    def _settled(self, message: Received, error: Exception) -> bool:
        """Keep the cause, and retry or give up; True where the dead-letter queue has the message now."""
        if isinstance(error, GivenBack):
            self._hide(message, 0)
            return False
        failure = self._failure(message, error)
        if isinstance(error, Held):
            logger.info("Held", why=str(error), event_id=failure.event_id, after=error.after, extra=failure.keys)
            # Kept as what it waits for: a message without a cause would be taken for one that kills its worker.
            self._history(message, failure)
            self._hide(message, error.after)
            return False
        count("Failed")
        logger.error(
            "Reaction failed",
            exc_info=error,
            event_id=failure.event_id,
            message_name=failure.event_name,
            attempt=failure.attempt,
            # The cause of a dead letter names it, by which this line is found.
            request_id=failure.request_id,
            extra=failure.keys,
        )
        match next_step(failure.kind, self._history(message, failure), now()):
            case Retry(after=seconds):
                self._hide(message, seconds)
                return False
            case GiveUp():
                return self._give_up(message, failure)

    def _failure(self, message: Received, error: Exception) -> Failure:
        about = self._about(message)
        return Failure(
            consumer=self._consumer,
            event_id=self._key(message),
            kind=kind_of(error),
            code=code_of(error),
            exception=type(error).__name__,
            message=str(error),
            where=where(error),
            function=self._context.function_name,
            version=self._context.function_version,
            request_id=self._context.aws_request_id,
            attempt=message.attempt,
            message_id=message.first_id,
            generation=message.generation,
            keys=about.keys,
            event_name=about.event_name,
        )

    def _history(self, message: Received, failure: Failure) -> History:
        """The message's history from the table. If the table fails, it is made of SQS's count of deliveries."""
        try:
            return self._log.keep(failure)
        except Exception:
            logger.exception("Could not keep the cause of a failure", event_id=failure.event_id)
            unexpected = message.attempt if failure.kind is Kind.UNEXPECTED else 0
            return History(message.first_received, message.attempt, unexpected)

    def _give_up(self, message: Received, failure: Failure) -> bool:
        """Send the message to the dead-letter queue; True once that queue has accepted it."""
        attributes = {**message.attributes, FAILURE: _described(failure)}
        try:
            answer = aws.sqs().send_message(
                QueueUrl=self._settings.dlq_url,
                MessageBody=message.body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
            digest = hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest()
            accepted = answer["MD5OfMessageBody"] == digest
        except Exception:
            logger.exception("Could not send a message to its dead-letter queue", event_id=failure.event_id)
            accepted = False
        if not accepted:
            # It stays in its queue, and is given up at its next delivery.
            self._hide(message, 60)
            return False
        # The collector reads that queue, and notes that the message is dead.
        count("DeadLettered")
        return True

    def _hide(self, message: Received, seconds: int) -> None:
        try:
            # One message per call: cloudretail/emulator.py says why. Failures are rare.
            aws.sqs().change_message_visibility(
                QueueUrl=self._settings.queue_url,
                ReceiptHandle=str(message.record["receiptHandle"]),
                VisibilityTimeout=seconds,
            )
        except Exception:
            # The message is then delivered again after the queue's own visibility timeout.
            logger.exception("Could not set the time of the next delivery", message_id=message.id)

    def _acknowledge(self, messages: Iterable[Received]) -> None:
        """Delete messages at once. SQS would delete them only at the end of this invocation, which may not come."""
        for message in messages:
            try:
                aws.sqs().delete_message(
                    QueueUrl=self._settings.queue_url, ReceiptHandle=str(message.record["receiptHandle"])
                )
            except Exception:
                logger.exception("Could not delete a message at once", message_id=message.id)


def _described(failure: Failure) -> str:
    """The attribute FAILURE of a dead letter. A cause that is too long is cut."""
    said = {
        "key": failure.event_id,
        "code": failure.code.encode("ascii", "replace").decode()[:200],
        "generation": failure.generation,
        "messageId": failure.message_id,
        "requestId": failure.request_id,
    }
    room = MAX_FAILURE - len(json.dumps({**said, "cause": ""}))
    cause = failure.cause.encode("ascii", "replace").decode()[:room]
    # A quote or a line break takes two characters in JSON.
    while len(json.dumps(cause)) - 2 > room:
        cause = cause[:-1]
    return json.dumps({"cause": cause, **said})
