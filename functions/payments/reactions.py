"""How payments reacts to orders, inventory and fulfilment."""

from collections.abc import Sequence
from datetime import datetime

from cloudretail.consumer import Consumer, Delivery, row_by_row
from cloudretail.decider import Change, Context, Decision, Nothing, Result
from cloudretail.envelope import Cause, Event
from cloudretail.event import EventData
from cloudretail.repository import BatchRepository, ReadOnly, Repository, Settled, transact
from cloudretail.settings import load
from contract.auth import AccountDeletionRequested, Eraser
from contract.erasure import erase_rows, erasing, orders_of
from contract.fulfilment import ShipmentDelivered
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderPlaced, ReturnAccepted
from payments.domain import Message, Payment, decide, erased, payment_id_of
from payments.store import PaymentSettings, open_payments

BEGINS = (OrderPlaced,)
"""The events that may be the first about an order."""


def apply(
    payments: Repository[Payment], event: Event, message: Message, now: datetime, *, order_id: str | None = None
) -> Settled[Payment]:
    """Decide on `message`, which came with `event`, and commit the change of the payment.

    Args:
        payments: the repository of payments.
        event: the event that the message came with.
        message: what is decided on.
        now: aware.
        order_id: of the order that is paid, if the event itself is not about it.
    """
    return apply_all(payments, event, [message], now, order_id=order_id)


def apply_all(
    payments: Repository[Payment],
    event: Event,
    messages: Sequence[Message],
    now: datetime,
    *,
    order_id: str | None = None,
) -> Settled[Payment]:
    """As `apply`, for several messages one after the other, with one write."""
    about = order_id or event.data.subject

    def answer(payment: Payment | None) -> Decision[Payment]:
        became, events, why = payment, list[EventData](), "there is nothing to decide"
        for message in messages:
            decision = decide(became, message, Context(about, event.id, now))
            if isinstance(decision, Nothing):
                why = decision.reason
            else:
                became = decision.state
                events += decision.events
        return Nothing(why) if became is payment or became is None else Change(became, events)

    begins = isinstance(messages[0], BEGINS)
    return transact(payments, payment_id_of(about), answer, event.cause, now, begins=begins)


def react(payments: Repository[Payment], delivery: Delivery, now: datetime) -> Result[Payment]:
    """React to an event about the order, its goods, its end or its cash."""
    return apply(payments, delivery.event, delivery.event.data, now).decision


class ErasureSettings(PaymentSettings):
    """What erasing a person needs."""

    orders_table: str


def erase(user_id: str, cause: Cause, now: datetime) -> None:
    """Erase a person on the payments of all their orders."""

    def decide_erased(order_id: str, payment: Payment | None) -> Decision[Payment]:
        return erased(payment, Context(order_id, cause.id, now))

    order_ids = orders_of(load(ErasureSettings).orders_table, user_id)
    erase_rows(open_payments(), order_ids, decide_erased, cause, now, payment_id_of)


CONSUMER: Consumer[BatchRepository[Payment]] = Consumer(
    name="payments",
    subscribes_to=(
        OrderPlaced,
        InventoryReserved,
        InventoryReservationFailed,
        OrderCancelled,
        ShipmentDelivered,
        ReturnAccepted,
        AccountDeletionRequested,
    ),
    react=row_by_row(payment_id_of, react, BEGINS),
    ports=open_payments,
    read_only=lambda: ReadOnly(open_payments()),
    effects={AccountDeletionRequested: erasing(Eraser.PAYMENTS, erase)},
)
handler = CONSUMER.handler
