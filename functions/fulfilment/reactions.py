"""How fulfilment reacts to orders."""

from datetime import datetime

from cloudretail.consumer import Consumer, Delivery, row_by_row
from cloudretail.decider import Context, Decision, Result
from cloudretail.envelope import Cause
from cloudretail.errors import Permanent
from cloudretail.repository import BatchRepository, ReadOnly, Repository, transact
from cloudretail.settings import load
from contract.auth import AccountDeletionRequested, Eraser
from contract.erasure import erase_rows, erasing, orders_of
from contract.orders import CancellationRequested, OrderConfirmed, ReturnRequested, ReturnWithdrawn
from fulfilment.domain import Shipment, decide, erased
from fulfilment.store import ShipmentSettings, open_shipments

BEGINS = (OrderConfirmed,)
"""What fulfilment hears of an order first."""


def react(shipments: Repository[Shipment], delivery: Delivery, now: datetime) -> Result[Shipment]:
    """React to one event.

    Raises:
        Permanent: a return is about an order that was never shipped. Orders allow returns only after delivery, so a
            retry cannot help.
    """
    event = delivery.event
    order_id = event.data.subject

    def answer(shipment: Shipment | None) -> Decision[Shipment]:
        of_return = isinstance(event.data, ReturnRequested | ReturnWithdrawn)
        if of_return and (shipment is None or not shipment.sent):
            raise Permanent(f"nothing was shipped of {order_id}")
        return decide(shipment, event.data, Context(order_id, event.id, now))

    begins = isinstance(event.data, BEGINS)
    return transact(shipments, order_id, answer, event.cause, now, begins=begins).decision


class ErasureSettings(ShipmentSettings):
    """What erasing a person needs."""

    orders_table: str


def erase(user_id: str, cause: Cause, now: datetime) -> None:
    """Erase a person on the shipments of all their orders."""

    def decide_erased(order_id: str, shipment: Shipment | None) -> Decision[Shipment]:
        return erased(shipment, Context(order_id, cause.id, now))

    order_ids = orders_of(load(ErasureSettings).orders_table, user_id)
    erase_rows(open_shipments(), order_ids, decide_erased, cause, now)


CONSUMER: Consumer[BatchRepository[Shipment]] = Consumer(
    name="fulfilment",
    subscribes_to=(OrderConfirmed, CancellationRequested, ReturnRequested, ReturnWithdrawn, AccountDeletionRequested),
    react=row_by_row(str, react, BEGINS),
    ports=open_shipments,
    read_only=lambda: ReadOnly(open_shipments()),
    effects={AccountDeletionRequested: erasing(Eraser.FULFILMENT, erase)},
)
handler = CONSUMER.handler
