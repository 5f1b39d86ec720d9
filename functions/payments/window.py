"""How payments reacts to the end of a reservation's window.

The queue delays each InventoryReserved for as long as the window is open, so its delivery is the end of the window.
"""

from datetime import datetime

from cloudretail.consumer import Consumer, Delivery, row_by_row
from cloudretail.decider import Change, Result
from cloudretail.errors import Transient
from cloudretail.repository import BatchRepository, ReadOnly, Repository
from contract.inventory import InventoryReserved
from payments.domain import Payment, PaymentStatus, WindowClosed, payment_id_of
from payments.reactions import apply, react
from payments.store import open_payments


def close_window(payments: Repository[Payment], delivery: Delivery, now: datetime) -> Result[Payment]:
    """Close the window of a payment that was not made in time.

    The window is closed only if payments has received OrderPlaced and InventoryReserved before. If not, the reservation
    is noted, and the window closes at a later delivery. A method that was chosen long ago can then still be charged.

    Raises:
        Transient: the window is not closed yet.
    """
    event = delivery.event
    if isinstance(react(payments, delivery, now), Change):
        raise Transient("payments learned of the reservation only now: its window closes later")
    settled = apply(payments, event, WindowClosed(), now)
    if settled.state and settled.state.status is PaymentStatus.OPEN:
        raise Transient("payments does not know the order yet: its window closes later")
    return settled.decision


CONSUMER: Consumer[BatchRepository[Payment]] = Consumer(
    name="payment-window",
    subscribes_to=(InventoryReserved,),
    react=row_by_row(payment_id_of, close_window),
    ports=open_payments,
    read_only=lambda: ReadOnly(open_payments()),
)
handler = CONSUMER.handler
