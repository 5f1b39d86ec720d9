"""The SQS consumer: whole batches in, partial responses out, and every failure left where an operator finds it.

A message is acknowledged only when its reaction is committed or has decided, on a consistent read, that there is
nothing to do. What is unknown or invalid fails: it goes to the dead-letter queue and is never acknowledged away.

    delivery 1   2        3            4                        5            dead-letter queue
    |--- 2 s ----|-- 4 s -|--- 8 s ----|--------- 16 s ---------|---- 0 s ---|      a failure that may pass
    |0|0|0|0|                                                                       one that repeating cannot mend
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import aws
from cloudretail.envelope import Event, parse
from cloudretail.errors import InvalidEvent, Permanent
from cloudretail.events import EventData
from cloudretail.failures import DynamoDBFailureLog, Failure, where
from cloudretail.model import Model
from cloudretail.repository import BatchRepository, ReadOnce, Repository
from cloudretail.settings import Settings, load
from cloudretail.telemetry import count, flush, logger

MAX_RECEIVES = 5
"""Deliveries before a message goes to the dead-letter queue: maxReceiveCount of every queue in the template."""


class ConsumerSettings(Settings):
    """What every queue consumer needs: its own queue, and the table of failures."""

    queue_url: str
    failures_table: str


@dataclass(frozen=True)
class Delivery:
    """An event, and what its queue says of this delivery.

    Attributes:
        event: what happened.
        attempt: which delivery of the message this is, from 1.
    """

    event: Event
    attempt: int


type Reaction = Callable[[Sequence[Delivery]], Sequence[Exception | None]]
"""Takes a batch and returns for each delivery, in order, None or why it failed."""


def one_by_one(react: Callable[[Delivery], object]) -> Callable[[Sequence[Delivery]], list[Exception | None]]:
    """A reaction that takes each delivery by itself: what one raises fails that one only."""

    def reaction(deliveries: Sequence[Delivery]) -> list[Exception | None]:
        outcomes: list[Exception | None] = []
        for delivery in deliveries:
            try:
                react(delivery)
                outcomes.append(None)
            except Exception as error:
                outcomes.append(error)
        return outcomes

    return reaction


def reading_ahead[S: Model](
    rows: BatchRepository[S], key_of: Callable[[str], str], react: Callable[[Repository[S], Delivery], object]
) -> Reaction:
    """As `one_by_one`, for reactions that each change one row: those of the whole batch are read in one round trip.

    Args:
        rows: where they are kept.
        key_of: the row's key for an order id.
        react: the reaction, on the rows as they were read.
    """

    def reaction(deliveries: Sequence[Delivery]) -> list[Exception | None]:
        once = ReadOnce(rows, [key_of(delivery.event.data.order_id) for delivery in deliveries])
        return one_by_one(lambda delivery: react(once, delivery))(deliveries)

    return reaction


def consume(
    event: Mapping[str, Any],
    context: LambdaContext,
    *,
    consumer: str,
    takes: Collection[type[EventData]],
    react: Reaction,
) -> PartialItemFailureResponse:
    """Handle one invocation by SQS.

    Args:
        event: the invocation's payload: `{"Records": [...]}`.
        context: of the invocation.
        consumer: name under which failures are kept.
        takes: the events that this consumer reacts to; any other one fails.
        react: the reaction to those.

    Returns:
        The ids of the messages that failed, for SQS to deliver again: all, where the reaction itself raises.

    Raises:
        MissingSetting: as `respond`.
    """
    records: list[dict[str, Any]] = event["Records"]
    outcomes: dict[str, Exception | None] = {}
    deliveries: dict[str, Delivery] = {}
    for record in records:
        try:
            deliveries[record["messageId"]] = _delivery(record, takes)
        except InvalidEvent as error:
            outcomes[record["messageId"]] = error
    if deliveries:
        try:
            outcomes |= dict(zip(deliveries, react(list(deliveries.values())), strict=True))
        except Exception as error:
            outcomes |= dict.fromkeys(deliveries, error)
    events = {message_id: delivery.event for message_id, delivery in deliveries.items()}
    return respond(records, outcomes, context, consumer=consumer, events=events)


def respond(
    records: list[dict[str, Any]],
    outcomes: Mapping[str, Exception | None],
    context: LambdaContext,
    *,
    consumer: str,
    events: Mapping[str, Event],
) -> PartialItemFailureResponse:
    """Answer SQS for a batch, and leave every failure where an operator finds it.

    Args:
        records: of the invocation.
        outcomes: by message id, why the message failed, or None.
        context: of the invocation.
        consumer: name under which failures are kept.
        events: by message id, for the messages that are events of the shop.

    Returns:
        The ids of the messages that failed, for SQS to deliver again.

    Raises:
        MissingSetting: the function's environment lacks one of ConsumerSettings.
    """
    settings = load(ConsumerSettings)  # At every call, so that a missing one shows before something else fails.

    def outcome(record: SQSRecord) -> None:
        failure = outcomes[record.message_id]
        if failure:
            raise failure

    # An exception out of the handler would end a warm worker; the partial response says the same without that.
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    with processor(records, handler=outcome, lambda_context=context):
        processor.process()
    failed = [record for record in records if outcomes[record["messageId"]]]
    if failed:
        _report(settings, consumer, failed, outcomes, events, context)
    flush()
    return processor.response()


def _delivery(record: Mapping[str, Any], takes: Collection[type[EventData]]) -> Delivery:
    event = parse(record["body"])
    if type(event.data) not in takes:
        raise InvalidEvent(f"this consumer does not take {event.data.event_type.type}")
    return Delivery(event, _attempt(record))


def _attempt(record: Mapping[str, Any]) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


def _report(
    settings: ConsumerSettings,
    consumer: str,
    records: Sequence[Mapping[str, Any]],
    outcomes: Mapping[str, Exception | None],
    events: Mapping[str, Event],
    context: LambdaContext,
) -> None:
    """Keep the causes and set when each message comes again; neither may hide the failures themselves."""
    kept = DynamoDBFailureLog(settings.failures_table)
    for record in records:
        error = outcomes[record["messageId"]]
        assert error is not None
        event = events.get(record["messageId"])
        failure = Failure(
            consumer=consumer,
            event_id=event.id if event else record["messageId"],
            exception=type(error).__name__,
            message=str(error),
            where=where(error),
            function=context.function_name,
            request_id=context.aws_request_id,
            attempt=_attempt(record),
            message_id=record["messageId"],
            body=record["body"],
            order_id=event.data.order_id if event else None,
            event_name=event.data.event_type.name if event else None,
        )
        count("Failed")
        logger.error(
            "Reaction failed",
            exc_info=error,
            order_id=failure.order_id,
            event_id=failure.event_id,
            message_name=failure.event_name,
            attempt=failure.attempt,
        )
        try:
            kept.keep(failure)
        except Exception:
            logger.exception("The cause of a failure could not be kept", event_id=failure.event_id)
        permanent = isinstance(error, InvalidEvent | Permanent)
        try:
            # One by one: failures are rare, and the batch call is refused by emulators that take it for a permission
            # of its own.
            aws.sqs().change_message_visibility(
                QueueUrl=settings.queue_url,
                ReceiptHandle=record["receiptHandle"],
                VisibilityTimeout=backoff(failure.attempt, permanent=permanent),
            )
        except Exception:
            # The queue's own visibility timeout then says when it comes again.
            logger.exception("The next delivery could not be set", event_id=failure.event_id)


def backoff(attempt: int, *, permanent: bool) -> int:
    """Seconds until a failed message comes again: 2^attempt; none where waiting cannot help."""
    return 0 if permanent or attempt >= MAX_RECEIVES else 2**attempt
