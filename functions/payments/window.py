"""How payments reacts to the end of a reservation's window.

The queue holds each InventoryReserved back for as long as the window is open: its delivery is the end.
"""

from datetime import datetime

from cloudretail.consumer import Consumer, Delivery, row_by_row
from cloudretail.decider import Result
from cloudretail.repository import BatchRepository, ReadOnly, Repository
from contract.inventory import InventoryReserved
from payments.domain import Payment, WindowClosed, payment_id_of
from payments.reactions import apply
from payments.store import open_payments


def close_window(payments: Repository[Payment], delivery: Delivery, now: datetime) -> Result[Payment]:
    """End what was not paid in time."""
    return apply(payments, delivery.event, WindowClosed(), now)


CONSUMER: Consumer[BatchRepository[Payment]] = Consumer(
    name="payment-window",
    subscribes_to=(InventoryReserved,),
    react=row_by_row(payment_id_of, close_window),
    ports=open_payments,
    read_only=lambda: ReadOnly(open_payments()),
)
handler = CONSUMER.handler
