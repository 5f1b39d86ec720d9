"""A consumer of events from a queue, declared once: its subscription, its reaction and its dry run."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """One delivery of an event by its queue.

    Attributes:
        event: what happened.
        attempt: which delivery of the message this is, from 1.
    """

    event: Event
    attempt: int


type Outcome = Result[Any] | Exception
"""What a delivery has led to, or why it failed."""

type Reaction[P] = Callable[[P, Sequence[Delivery], datetime], Sequence[Outcome]]
"""Takes ports, a batch and the time (aware), and returns an outcome for each delivery, in order."""


def one_by_one[P](react: Callable[[P, Delivery, datetime], Result[Any]]) -> Reaction[P]:
    """A reaction that handles each delivery by itself. An exception fails only the delivery that raised it.

    When time runs out, the remaining deliveries are given back to the queue.
    """

    def reaction(ports: P, deliveries: Sequence[Delivery], now: datetime) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for delivery in deliveries:
            if deadline.passed():
                outcomes.append(GivenBack("no time was left to handle it"))
                continue
            try:
                outcomes.append(react(ports, delivery, now))
            except Exception as error:
                outcomes.append(error)
        return outcomes

    return reaction


def row_by_row[S: Model](
    key_of: Callable[[str], str],
    react: Callable[[Repository[S], Delivery, datetime], Result[Any]],
    begins: tuple[type[EventData], ...] = (),
) -> Reaction[BatchRepository[S]]:
    """As `one_by_one`, for reactions that change one row each. One round trip reads the rows of the whole batch.

    Args:
        key_of: the row's key, from what the event is about.
        react: the reaction, over the rows that were read.
        begins: events that begin a row, which is not read: `react` tells `transact` so.
    """

    def reaction(rows: BatchRepository[S], deliveries: Sequence[Delivery], now: datetime) -> Sequence[Outcome]:
        known = [delivery.event.data.subject for delivery in deliveries if not isinstance(delivery.event.data, begins)]
        once = ReadOnce(rows, rows.load_all(map(key_of, known)) if known else None)
        return one_by_one(react)(once, deliveries, now)

    return reaction


def nothing_else[P](ports: P, deliveries: Sequence[Delivery], now: datetime) -> Sequence[Outcome]:
    """The reaction of a consumer that has effects only."""
    del ports, now
    return [InvalidEvent(f"{delivery.event.data.event_type.type} has no reaction") for delivery in deliveries]


@dataclass(frozen=True)
class Effect:
    """A reaction beside a consumer's own, with ports of its own: to an event that is not about one of its rows.

    Attributes:
        react: raises as any reaction.
        what: it does, in the infinitive: all that a dry run says.
    """

    react: Callable[[Delivery, datetime], Result[Any]]
    what: str


@dataclass(frozen=True)
class Consumer[P]:
    """A queue of events and the reaction to them, declared once. Everything else about it is derived from this.

    Attributes:
        name: such as `payment-window`. The template calls it `PaymentWindow`.
        subscribes_to: the events that it reacts to. Any other event fails.
        react: the reaction, over its ports.
        ports: opens the ports by this function's environment.
        read_only: opens the same ports for a dry run. They read the same data, and change nothing. A port that would
            call another system raises WouldAct.
        effects: reactions to some of those events, in the place of `react`.
        observe: is called with the outcome of each delivery, to count metrics. A dry run does not call it.
    """

    name: str
    subscribes_to: tuple[type[EventData], ...]
    react: Reaction[P]
    ports: Callable[[], P]
    read_only: Callable[[], P]
    effects: Mapping[type[EventData], Effect] = field(default_factory=dict)
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
            The ids of the messages that SQS has to deliver again. These are all of them if the reaction itself raises.

        Raises:
            MissingSetting: as `work_off`.
        """
        return work_off(event, context, consumer=self.name, work=self._work, about=self._about)

    def _about(self, message: Received) -> About:
        try:
            event = parse(message.body, self._types)
        except InvalidEvent:
            return About(keys=_said_of(message.body))
        return About(event.id, event.data.event_type.name, event.data.keys)

    def _work(self, messages: Sequence[Received]) -> Mapping[str, Exception | None]:
        """Handle messages; returns why each one failed, or None. Other outcomes are logged and counted."""
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
        own = {id: each for id, each in deliveries.items() if type(each.event.data) not in self.effects}
        others = {id: each for id, each in deliveries.items() if id not in own}
        outcomes: dict[str, Outcome] = {}
        try:
            if own:
                outcomes |= zip(own, self.react(self.ports(), list(own.values()), now), strict=True)
        except Exception as error:
            outcomes |= dict.fromkeys(own, error)
        outcomes |= zip(others, one_by_one(self._affect)(None, list(others.values()), now), strict=True)
        for message_id, outcome in outcomes.items():
            if isinstance(outcome, Exception):
                failed[message_id] = outcome
            else:
                failed[message_id] = None
                self._record(deliveries[message_id], outcome, now)
        return failed

    def _affect(self, ports: None, delivery: Delivery, now: datetime) -> Result[Any]:
        del ports
        return self.effects[type(delivery.event.data)].react(delivery, now)

    def _record(self, delivery: Delivery, result: Result[Any], now: datetime) -> None:
        event = delivery.event
        keys = {"consumer": self.name, **event.data.keys}
        record(result, message=event.data.event_type.name, event_id=event.id, keys=keys)
        if self.observe:
            self.observe(delivery, result, now)

    def dry_run(self, document: str) -> Outcome:
        """The outcome that a first delivery of a message would have now. It changes nothing.

        Args:
            document: the message's body.

        Returns:
            The outcome. A dry run knows neither the function's own permissions nor the answers of other systems.
        """
        try:
            delivery = Delivery(parse(document, self._types), attempt=1)
            if effect := self.effects.get(type(delivery.event.data)):
                return Done(effect.what)
            (outcome,) = self.react(self.read_only(), [delivery], datetime.now(UTC))
        except Exception as error:  # An exception of the reaction is its outcome.
            outcome = error
        return Done(outcome.what) if isinstance(outcome, WouldAct) else outcome


MAX_SUBJECT = 64
"""Characters that are logged of the subject of a message that is no event of the shop."""


def _said_of(body: str) -> dict[str, str]:
    """What a message that is no valid event says it is about, so that its log lines are found by an order's id."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    subject = content.get("subject") if isinstance(content, dict) else None
    return {"subject": subject[:MAX_SUBJECT]} if isinstance(subject, str) else {}
