"""The consumer of events from a queue: declared once, with its subscription, its reaction and its dry run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import deadline
from cloudretail.batch import About, BatchResponse, GivenBack, Received, work_off
from cloudretail.decider import Done, Result, WouldAct
from cloudretail.envelope import Event, EventTypes, by_type, parse
from cloudretail.errors import InvalidEvent
from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.repository import BatchRepository, ReadOnce, Repository
from cloudretail.telemetry import record


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
"""The outcome of a delivery, or why it failed."""

type Reaction[P] = Callable[[P, Sequence[Delivery], datetime], Sequence[Outcome]]
"""Takes ports, a batch and the time (aware), and returns an outcome for each delivery, in order."""


def one_by_one[P](react: Callable[[P, Delivery, datetime], Result[Any]]) -> Reaction[P]:
    """A reaction that takes each delivery by itself: what one raises fails that one only.

    Where time runs out, the deliveries that are not handled yet are given back.
    """

    def reaction(ports: P, deliveries: Sequence[Delivery], now: datetime) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for delivery in deliveries:
            if deadline.passed():
                outcomes.append(GivenBack("no time was left for it"))
                continue
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
        observe: called with the outcome of each delivery, for metrics of its own; not in a dry run.
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

    def handler(self, event: dict[str, Any], context: LambdaContext) -> BatchResponse:
        """Handle one invocation by SQS: the Lambda function.

        Args:
            event: the invocation's payload: `{"Records": [...]}`.
            context: of the invocation.

        Returns:
            The ids of the messages that SQS is to deliver again: all, where the reaction itself raises.

        Raises:
            MissingSetting: as `work_off`.
        """
        return work_off(event, context, consumer=self.name, work=self._work, about=self._about)

    def _about(self, message: Received) -> About:
        try:
            event = parse(message.body, self._types)
        except InvalidEvent:
            return About()
        return About(event.id, event.data.event_type.name, event.data.keys)

    def _work(self, messages: Sequence[Received]) -> Mapping[str, Exception | None]:
        """Why each message failed, or None; the outcomes of the others are logged and counted."""
        failed: dict[str, Exception | None] = {}
        deliveries: dict[str, Delivery] = {}
        for message in messages:
            try:
                deliveries[message.id] = Delivery(parse(message.body, self._types), message.attempt)
            except InvalidEvent as error:
                failed[message.id] = error
        if not deliveries:
            return failed
        now = datetime.now(UTC)
        try:
            outcomes = dict(zip(deliveries, self.react(self.ports(), list(deliveries.values()), now), strict=True))
        except Exception as error:
            return {**failed, **dict.fromkeys(deliveries, error)}
        for message_id, outcome in outcomes.items():
            if isinstance(outcome, Exception):
                failed[message_id] = outcome
            else:
                failed[message_id] = None
                self._record(deliveries[message_id], outcome, now)
        return failed

    def _record(self, delivery: Delivery, result: Result[Any], now: datetime) -> None:
        event = delivery.event
        keys = {"consumer": self.name, **event.data.keys}
        record(result, message=event.data.event_type.name, event_id=event.id, keys=keys)
        if self.observe:
            self.observe(delivery, result, now)

    def dry_run(self, document: str) -> Outcome:
        """The outcome that a message would have now, as a first delivery; nothing is changed.

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
