"""The SQS consumer: whole batches in, partial responses out, and every failure left where an operator finds it.

A message is acknowledged only when its reaction is committed or has decided, on a consistent read, that there is
nothing to do. What is unknown or invalid fails: it goes to the dead-letter queue and is never acknowledged away.

    delivery 1   2        3            4                        5            dead-letter queue
    |--- 2 s ----|-- 4 s -|--- 8 s ----|--------- 16 s ---------|---- 0 s ---|      a failure that may pass
    |0|0|0|0|                                                                       one that repeating cannot mend
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import aws
from cloudretail.decider import Done, Result, WouldAct
from cloudretail.envelope import Event, EventTypes, by_type, parse
from cloudretail.errors import InvalidEvent, Permanent
from cloudretail.event import EventData
from cloudretail.failures import DynamoDBFailureLog, Failure, where
from cloudretail.model import Model
from cloudretail.repository import BatchRepository, ReadOnce, Repository
from cloudretail.settings import Settings, load
from cloudretail.telemetry import count, flush, logger, record

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


type Outcome = Result[Any] | Exception
"""What a delivery came to, or why it failed."""

type Reaction[P] = Callable[[P, Sequence[Delivery], datetime], Sequence[Outcome]]
"""Takes ports, a batch and the time (aware), and returns an outcome for each delivery, in order."""


def one_by_one[P](react: Callable[[P, Delivery, datetime], Result[Any]]) -> Reaction[P]:
    """A reaction that takes each delivery by itself: what one raises fails that one only."""

    def reaction(ports: P, deliveries: Sequence[Delivery], now: datetime) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for delivery in deliveries:
            try:
                outcomes.append(react(ports, delivery, now))
            except Exception as error:
                outcomes.append(error)
        return outcomes

    return reaction


def row_by_row[S: Model](
    key_of: Callable[[str], str], react: Callable[[Repository[S], Delivery, datetime], Result[Any]]
) -> Reaction[BatchRepository[S]]:
    """As `one_by_one`, for reactions that each change one row: those of the whole batch are read in one round trip.

    Args:
        key_of: the row's key, from what the event is about.
        react: the reaction, on the rows as they were read.
    """

    def reaction(rows: BatchRepository[S], deliveries: Sequence[Delivery], now: datetime) -> Sequence[Outcome]:
        once = ReadOnce(rows, rows.load_all(key_of(delivery.event.data.subject) for delivery in deliveries))
        return one_by_one(react)(once, deliveries, now)

    return reaction


@dataclass(frozen=True)
class Consumer[P]:
    """A queue of events and the reaction to them, declared once: all else about it is derived from this.

    Attributes:
        name: such as `payment-window`. The template knows it as `PaymentWindow`.
        subscribes_to: the events that it reacts to; any other one fails.
        react: the reaction, over its ports.
        ports: opens the ports of this function's own environment.
        read_only: opens the same ports for a dry run: they read the same, and change nothing. A port that would have
            to ask somebody else raises WouldAct.
        observe: is shown what each delivery came to, for metrics of its own; not in a dry run.
    """

    name: str
    subscribes_to: tuple[type[EventData], ...]
    react: Reaction[P]
    ports: Callable[[], P]
    read_only: Callable[[], P]
    observe: Callable[[Delivery, Result[Any], datetime], None] | None = None

    @cached_property
    def _types(self) -> EventTypes:
        return by_type(self.subscribes_to)

    def handler(self, event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
        """Handle one invocation by SQS: the Lambda function.

        Args:
            event: the invocation's payload: `{"Records": [...]}`.
            context: of the invocation.

        Returns:
            The ids of the messages that failed, for SQS to deliver again: all, where the reaction itself raises.

        Raises:
            MissingSetting: as `respond`.
        """
        records: list[dict[str, Any]] = event["Records"]
        outcomes: dict[str, Exception | None] = {}
        deliveries: dict[str, Delivery] = {}
        for each in records:
            try:
                deliveries[each["messageId"]] = Delivery(parse(each["body"], self._types), _attempt(each))
            except InvalidEvent as error:
                outcomes[each["messageId"]] = error
        if deliveries:
            outcomes |= self._outcomes(deliveries)
        events = {message_id: delivery.event for message_id, delivery in deliveries.items()}
        return respond(records, outcomes, context, consumer=self.name, events=events)

    def _outcomes(self, deliveries: Mapping[str, Delivery]) -> dict[str, Exception | None]:
        """Why each message failed, or None; what the others came to is logged and counted."""
        now = datetime.now(UTC)
        try:
            results = dict(zip(deliveries, self.react(self.ports(), list(deliveries.values()), now), strict=True))
        except Exception as error:
            return dict.fromkeys(deliveries, error)
        for message_id, result in results.items():
            if not isinstance(result, Exception):
                self._record(deliveries[message_id], result, now)
        return {name: result if isinstance(result, Exception) else None for name, result in results.items()}

    def _record(self, delivery: Delivery, result: Result[Any], now: datetime) -> None:
        event = delivery.event
        keys = {"consumer": self.name, **event.data.keys}
        record(result, message=event.data.event_type.name, event_id=event.id, keys=keys)
        if self.observe:
            self.observe(delivery, result, now)

    def dry_run(self, document: str) -> Outcome:
        """What the reaction to a message would come to now, as a first delivery; nothing is changed.

        Args:
            document: the message's body.

        Returns:
            The outcome. It cannot know whether the function may do what it would do, or how somebody else answers.
        """
        try:
            delivery = Delivery(parse(document, self._types), attempt=1)
            (outcome,) = self.react(self.read_only(), [delivery], datetime.now(UTC))
        except Exception as error:  # Whatever the reaction raises is its answer.
            outcome = error
        return Done(outcome.what) if isinstance(outcome, WouldAct) else outcome


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

    # Powertools hands it over by this name.
    def outcome(record: SQSRecord) -> None:
        failure = outcomes[record.message_id]
        if failure:
            raise failure

    # An exception out of the handler would end a warm worker; the partial response says the same without that.
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    with processor(records, handler=outcome, lambda_context=context):
        processor.process()
    failed = [each for each in records if outcomes[each["messageId"]]]
    if failed:
        _report(settings, consumer, failed, outcomes, events, context)
    flush()
    return processor.response()


def _attempt(message: Mapping[str, Any]) -> int:
    return int(message["attributes"]["ApproximateReceiveCount"])


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
    for message in records:
        error = outcomes[message["messageId"]]
        assert error is not None
        event = events.get(message["messageId"])
        failure = Failure(
            consumer=consumer,
            event_id=event.id if event else message["messageId"],
            exception=type(error).__name__,
            message=str(error),
            where=where(error),
            function=context.function_name,
            request_id=context.aws_request_id,
            attempt=_attempt(message),
            message_id=message["messageId"],
            body=message["body"],
            keys=event.data.keys if event else {},
            event_name=event.data.event_type.name if event else None,
        )
        count("Failed")
        logger.error(
            "Reaction failed",
            exc_info=error,
            event_id=failure.event_id,
            message_name=failure.event_name,
            attempt=failure.attempt,
            extra=failure.keys,
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
                ReceiptHandle=message["receiptHandle"],
                VisibilityTimeout=backoff(failure.attempt, permanent=permanent),
            )
        except Exception:
            # The queue's own visibility timeout then says when it comes again.
            logger.exception("The next delivery could not be set", event_id=failure.event_id)


def backoff(attempt: int, *, permanent: bool) -> int:
    """Seconds until a failed message comes again: 2^attempt; none where waiting cannot help."""
    return 0 if permanent or attempt >= MAX_RECEIVES else 2**attempt
