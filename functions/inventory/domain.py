"""What may happen to a reservation, and how that changes stock. Pure.

The stock of a product is six counters: `available + reserved + sold + writtenOff = received + adjusted`, always.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cloudretail.decider import Change, Context, Nothing
from cloudretail.event import EventData
from cloudretail.model import Model
from contract.inventory import (
    InventoryCommitted,
    InventoryReleased,
    InventoryReservationFailed,
    InventoryReserved,
    InventoryRestocked,
)
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced, ReturnAccepted, WholeOrderEvent
from contract.values import InspectedLine, RefusalReason, Shortage, StockLine


class ReservationStatus(StrEnum):
    """Where the goods of an order are.

    HELD: reserved. COMMITTED: sold. RELEASED: back in stock, or a tombstone, so that a late OrderPlaced reserves
    nothing. REFUSED: never reserved.
    """

    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    REFUSED = "REFUSED"


class BookedReturn(Model):
    """A return whose pieces are in the counters again."""

    return_id: str
    lines: tuple[InspectedLine, ...]


class Reservation(Model):
    """A reservation as it is stored.

    Attributes:
        lines: one for each product.
        until: until when the stock is held at least.
        written_off: of a RELEASED one, the pieces that did not go back on the shelf.
        returns: of a COMMITTED one, the returns that came back.
    """

    order_id: str
    status: ReservationStatus
    lines: tuple[StockLine, ...]
    until: datetime | None = None
    written_off: tuple[StockLine, ...] = ()
    returns: tuple[BookedReturn, ...] = ()

    def has_booked(self, return_id: str) -> bool:
        """Whether the pieces of this return are in the counters again."""
        return any(each.return_id == return_id for each in self.returns)


class Receipt(Model):
    """Goods that arrived, as they are stored.

    Attributes:
        receipt_id: product id and idempotency key.
        quantity: units.
        by: user id of the operator who booked it.
    """

    receipt_id: str
    product_id: str
    quantity: int
    by: str
    at: datetime


@dataclass(frozen=True)
class Delta:
    """A change of a product's counters, in units."""

    available: int = 0
    reserved: int = 0
    sold: int = 0
    written_off: int = 0

    def __add__(self, other: "Delta") -> "Delta":
        return Delta(
            self.available + other.available,
            self.reserved + other.reserved,
            self.sold + other.sold,
            self.written_off + other.written_off,
        )


@dataclass(frozen=True)
class StockChange(Change[Reservation]):
    """A change of a reservation and of the stock that belongs to it, in one transaction.

    Attributes:
        stock: the changes of counters, by product id.
    """

    stock: Mapping[str, Delta] = field(default_factory=dict)


@dataclass(frozen=True)
class Reserve:
    """The message to reserve the goods of an order.

    Attributes:
        placed: the event.
        window: how long stock is held for a payment.
        shortages: the products that are short, once the transaction of a first decision was refused for them.
    """

    placed: OrderPlaced
    window: timedelta
    shortages: Sequence[Shortage] = ()


type Message = Reserve | EventData


def message_of(event: EventData, window: timedelta, shortages: Sequence[Shortage] = ()) -> Message:
    """The message that an event is to inventory; `window` and `shortages` as in Reserve."""
    return Reserve(event, window, shortages) if isinstance(event, OrderPlaced) else event


def decide(reservation: Reservation | None, message: Message, context: Context) -> StockChange | Nothing:
    """Decide what `message` changes in the order's reservation.

    The stock is not read before the decision. The transaction's condition finds whether it is enough. If it is not,
    this decides once more, with the shortages that the transaction found.

    Args:
        reservation: as it is now; None if inventory has received nothing about the order.
        message: made by `message_of`.
        context: its subject is the order.
    """
    match message, reservation:
        case Reserve(), None:
            return _reserved(message, context.now)
        case OrderCancelled(), None:
            tombstone = Reservation(order_id=message.order_id, status=ReservationStatus.RELEASED, lines=_lines(message))
            return StockChange(tombstone)
        case OrderCancelled(), Reservation(status=ReservationStatus.HELD | ReservationStatus.COMMITTED):
            return _released(reservation, message)
        case OrderConfirmed(), Reservation(status=ReservationStatus.HELD):
            return _committed(reservation)
        case ReturnAccepted(), Reservation(status=ReservationStatus.HELD | ReservationStatus.COMMITTED):
            return _taken_back(reservation, message)
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
    return StockChange(held, [_reserved_event(held)], reserved)


def _released(reservation: Reservation, cancelled: OrderCancelled) -> StockChange:
    """Release everything but the pieces that are written off."""
    written_off = {line.product_id: line.quantity for line in cancelled.written_off}
    held = reservation.status is ReservationStatus.HELD
    back = {}
    for line in reservation.lines:
        lost = min(line.quantity, written_off.get(line.product_id, 0))
        taken = {"reserved" if held else "sold": -line.quantity}
        back[line.product_id] = Delta(available=line.quantity - lost, written_off=lost, **taken)
    released = reservation.model_copy(
        update={"status": ReservationStatus.RELEASED, "written_off": cancelled.written_off}
    )
    event = InventoryReleased(order_id=reservation.order_id, lines=reservation.lines, written_off=cancelled.written_off)
    return StockChange(released, [event], back)


def _committed(reservation: Reservation) -> StockChange:
    committed = reservation.model_copy(update={"status": ReservationStatus.COMMITTED})
    sold = {line.product_id: Delta(reserved=-line.quantity, sold=line.quantity) for line in reservation.lines}
    return StockChange(committed, [_committed_event(committed)], sold)


def _taken_back(reservation: Reservation, accepted: ReturnAccepted) -> StockChange | Nothing:
    """Put what came back on the shelf, or write it off, once for each return.

    Only a delivered order has returns. If inventory has not received its OrderConfirmed yet, the sale is booked too.
    """
    if reservation.has_booked(accepted.return_id):
        return Nothing("the return is booked")
    before: StockChange | None = _committed(reservation) if reservation.status is ReservationStatus.HELD else None
    booked = BookedReturn(return_id=accepted.return_id, lines=accepted.lines)
    state = before.state if before else reservation
    after = state.model_copy(update={"returns": (*reservation.returns, booked)})
    back = dict(before.stock) if before else {}
    for line in accepted.lines:
        delta = Delta(available=line.restock, written_off=line.write_off, sold=-line.quantity)
        back[line.product_id] = back.get(line.product_id, Delta()) + delta
    events = [*(before.events if before else ()), _restocked_event(after, booked)]
    return StockChange(after, events, back)


def _reserved_event(reservation: Reservation) -> InventoryReserved:
    assert reservation.until, "every held reservation has an end"
    return InventoryReserved(order_id=reservation.order_id, lines=reservation.lines, until=reservation.until)


def _committed_event(reservation: Reservation) -> InventoryCommitted:
    return InventoryCommitted(order_id=reservation.order_id, lines=reservation.lines)


def _restocked_event(reservation: Reservation, booked: BookedReturn) -> InventoryRestocked:
    return InventoryRestocked(order_id=reservation.order_id, return_id=booked.return_id, lines=booked.lines)


def awaited(reservation: Reservation) -> tuple[EventData, ...]:
    """The events that a consumer may still wait for while the reservation is in this state."""
    if reservation.status in (ReservationStatus.HELD, ReservationStatus.COMMITTED) and reservation.until:
        return (_reserved_event(reservation),)
    # The events of a refusal or a release are in the row's outbox, as no later change overwrites them.
    return ()


def _lines(order: WholeOrderEvent) -> tuple[StockLine, ...]:
    """The lines, summed up by product: a transaction may not write an item twice."""
    quantities: dict[str, int] = {}
    for item in order.items:
        quantities[item.product_id] = quantities.get(item.product_id, 0) + item.quantity
    return tuple(StockLine(product_id=product, quantity=n) for product, n in quantities.items())


def summed(changes: Sequence[StockChange]) -> dict[str, Delta]:
    """The sum of several changes by product: one write per product, however hot it is."""
    result: dict[str, Delta] = {}
    for change in changes:
        for product, delta in change.stock.items():
            result[product] = result.get(product, Delta()) + delta
    return result
