"""What may happen to a reservation, and what that does to stock. Pure.

Stock is four counters a product: `available + reserved + sold = received`, always.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cloudretail.decider import Change, Nothing
from cloudretail.event import EventData
from cloudretail.model import Model
from contract.inventory import InventoryCommitted, InventoryReleased, InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced, WholeOrderEvent
from contract.values import RefusalReason, Shortage, StockLine


class ReservationStatus(StrEnum):
    """Where the goods of an order are.

    HELD: reserved. COMMITTED: sold. RELEASED: given back, or never to be taken (a tombstone for a late OrderPlaced).
    REFUSED: never taken.
    """

    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    REFUSED = "REFUSED"


class Reservation(Model):
    """A reservation as it is stored.

    Attributes:
        lines: one for each product.
        until: how long it was promised to be held.
    """

    order_id: str
    status: ReservationStatus
    lines: tuple[StockLine, ...]
    until: datetime | None = None


@dataclass(frozen=True)
class Delta:
    """What changes in a product's counters, in units."""

    available: int = 0
    reserved: int = 0
    sold: int = 0

    def __add__(self, other: "Delta") -> "Delta":
        return Delta(self.available + other.available, self.reserved + other.reserved, self.sold + other.sold)


@dataclass(frozen=True)
class StockChange(Change[Reservation]):
    """A change of a reservation that moves stock with it, in one transaction.

    Attributes:
        stock: what changes, by product id.
    """

    stock: Mapping[str, Delta] = field(default_factory=dict)


def decide(
    reservation: Reservation | None,
    message: EventData,
    now: datetime,
    window: timedelta,
    shortages: Sequence[Shortage] = (),
) -> StockChange | Nothing:
    """What `message` means for the order's reservation.

    Whether there is enough stock is not read beforehand: the transaction's own condition says so, and then this is
    asked once more with the `shortages` that it found.

    Args:
        reservation: as it is now; None where inventory has not heard of the order.
        message: an event that the consumer subscribes to.
        now: aware.
        window: how long stock is held for a payment.
        shortages: what the stock could not cover, when the write of the first decision was refused for it.
    """
    match message, reservation:
        case OrderPlaced(), None:
            return _placed(message, now, window, shortages)
        case OrderCancelled(), None:
            tombstone = Reservation(order_id=message.order_id, status=ReservationStatus.RELEASED, lines=_lines(message))
            return StockChange(tombstone)
        case OrderCancelled(), Reservation(status=ReservationStatus.HELD, lines=lines):
            released = reservation.model_copy(update={"status": ReservationStatus.RELEASED})
            back = {line.product_id: Delta(available=line.quantity, reserved=-line.quantity) for line in lines}
            return StockChange(released, [InventoryReleased(order_id=message.order_id, lines=lines)], back)
        case OrderCancelled(), Reservation(status=ReservationStatus.COMMITTED, lines=lines):
            released = reservation.model_copy(update={"status": ReservationStatus.RELEASED})
            back = {line.product_id: Delta(available=line.quantity, sold=-line.quantity) for line in lines}
            return StockChange(released, [InventoryReleased(order_id=message.order_id, lines=lines)], back)
        case OrderConfirmed(), Reservation(status=ReservationStatus.HELD, lines=lines):
            committed = reservation.model_copy(update={"status": ReservationStatus.COMMITTED})
            sold = {line.product_id: Delta(reserved=-line.quantity, sold=line.quantity) for line in lines}
            return StockChange(committed, [InventoryCommitted(order_id=message.order_id, lines=lines)], sold)
        case _, None:
            return Nothing("there is no reservation")
        case _:
            return Nothing(f"the reservation is {reservation.status}")


def _placed(placed: OrderPlaced, now: datetime, window: timedelta, shortages: Sequence[Shortage]) -> StockChange:
    """Hold all lines or none."""
    lines = _lines(placed)
    expired = now > placed.place_by
    if expired or shortages:
        refused = Reservation(order_id=placed.order_id, status=ReservationStatus.REFUSED, lines=lines)
        failed = InventoryReservationFailed(
            order_id=placed.order_id,
            reason=RefusalReason.EXPIRED if expired else RefusalReason.SOLD_OUT,
            shortages=() if expired else tuple(shortages),
        )
        return StockChange(refused, [failed])
    until = now + window
    held = Reservation(order_id=placed.order_id, status=ReservationStatus.HELD, lines=lines, until=until)
    taken = {line.product_id: Delta(available=-line.quantity, reserved=line.quantity) for line in lines}
    return StockChange(held, [InventoryReserved(order_id=placed.order_id, lines=lines, until=until)], taken)


def _lines(order: WholeOrderEvent) -> tuple[StockLine, ...]:
    """One line a product: a transaction may not touch an item twice."""
    quantities: dict[str, int] = {}
    for item in order.items:
        quantities[item.product_id] = quantities.get(item.product_id, 0) + item.quantity
    return tuple(StockLine(product_id=product, quantity=n) for product, n in quantities.items())


def summed(changes: Sequence[StockChange]) -> dict[str, Delta]:
    """The effect of several changes on each product: one write per product, however hot it is."""
    result: dict[str, Delta] = {}
    for change in changes:
        for product, delta in change.stock.items():
            result[product] = result.get(product, Delta()) + delta
    return result
