"""What may happen to a reservation, and what that does to stock. Pure.

Stock is four counters a product: `available + reserved + sold = received`, always.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cloudretail.decider import Change, Context, Nothing
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


class Receipt(Model):
    """Goods that arrived, as they are stored.

    Attributes:
        receipt_id: product id and idempotency key.
        quantity: units.
        by: user id of the operator who reported it.
    """

    receipt_id: str
    product_id: str
    quantity: int
    by: str
    at: datetime


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


@dataclass(frozen=True)
class Reserve:
    """An order asks for its goods.

    Attributes:
        placed: the event.
        window: how long stock is held for a payment.
        shortages: what the stock could not cover, when the write of a first decision was refused for it.
    """

    placed: OrderPlaced
    window: timedelta
    shortages: Sequence[Shortage] = ()


type Message = Reserve | EventData


def message_of(event: EventData, window: timedelta, shortages: Sequence[Shortage] = ()) -> Message:
    """What an event asks of inventory; `window` and `shortages` as in Reserve."""
    return Reserve(event, window, shortages) if isinstance(event, OrderPlaced) else event


def decide(reservation: Reservation | None, message: Message, context: Context) -> StockChange | Nothing:
    """What `message` means for the order's reservation.

    Whether there is enough stock is not read beforehand: the transaction's own condition says so, and then this is
    asked once more with the shortages that it found.

    Args:
        reservation: as it is now; None where inventory has received nothing about the order.
        message: made by `message_of`.
        context: its subject is the order.
    """
    match message, reservation:
        case Reserve(), None:
            return _reserved(message, context.now)
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


def _reserved(message: Reserve, now: datetime) -> StockChange:
    """Hold all lines or none."""
    placed, shortages = message.placed, message.shortages
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
    until = now + message.window
    held = Reservation(order_id=placed.order_id, status=ReservationStatus.HELD, lines=lines, until=until)
    reserved = {line.product_id: Delta(available=-line.quantity, reserved=line.quantity) for line in lines}
    return StockChange(held, [InventoryReserved(order_id=placed.order_id, lines=lines, until=until)], reserved)


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
