"""How payments reacts to orders and inventory, and to the end of a reservation's window."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail.consumer import Delivery, Reaction, consume, reading_ahead
from cloudretail.decider import Change, Decision
from cloudretail.envelope import Event
from cloudretail.errors import Transient
from cloudretail.events import InventoryReserved
from cloudretail.repository import DynamoDBRepository, Repository, Settled, transact
from cloudretail.settings import load
from cloudretail.telemetry import record
from payments.domain import LEARNED, Message, Payment, PaymentStatus, WindowClosed, decide, payment_id_of
from payments.store import PaymentSettings, repository


@cache
def _payments() -> DynamoDBRepository[Payment]:
    return repository(load(PaymentSettings))


def react(payments: Repository[Payment], event: Event, message: Message, now: datetime) -> Settled[Payment]:
    """Decide what `message`, which came with `event`, means for the payment of the event's order."""
    order_id = event.data.order_id

    def answer(payment: Payment | None) -> Decision[Payment]:
        return decide(payment, message, order_id, now)

    return transact(payments, payment_id_of(order_id), answer, event.cause, now)


def learn(payments: Repository[Payment], event: Event, now: datetime) -> Settled[Payment]:
    """React to one of LEARNED."""
    return react(payments, event, event.data, now)


def close_window(payments: Repository[Payment], event: Event, now: datetime) -> Settled[Payment]:
    """React to an InventoryReserved that the payment-window queue held back for as long as the window is open.

    It closes what payments has heard of, only. What it is the first to tell is noted, and the window closes at a later
    delivery: what was chosen to be paid long ago can be paid meanwhile, and what is declined then still ends.

    Raises:
        Transient: the window is not closed yet.
    """
    if isinstance(learn(payments, event, now).decision, Change):
        raise Transient("payments heard of the reservation only now: its window closes later")
    settled = react(payments, event, WindowClosed(), now)
    if settled.state and settled.state.status is PaymentStatus.OPEN:
        raise Transient("payments has not heard of the order yet: its window closes later")
    return settled


def _reaction(
    answer: Callable[[Repository[Payment], Event, datetime], Settled[Payment]], name: str | None = None
) -> Reaction:
    def react_and_record(payments: Repository[Payment], delivery: Delivery) -> None:
        event = delivery.event
        settled = answer(payments, event, datetime.now(UTC))
        message = name or event.data.event_type.name
        record(settled.decision, message=message, order_id=event.data.order_id, event_id=event.id)

    return reading_ahead(_payments(), payment_id_of, react_and_record)


def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Invoked by the payments queue."""
    return consume(event, context, consumer="payments", takes=LEARNED, react=_reaction(learn))


def window_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Invoked by the payment-window queue."""
    return consume(
        event,
        context,
        consumer="payment-window",
        takes=(InventoryReserved,),
        react=_reaction(close_window, "WindowClosed"),
    )
