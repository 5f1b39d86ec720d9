"""What an order waits for, and which orders are stuck. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cloudretail.model import Model
from operations.dead_letters.domain import DeadLetter
from operations.diagnosis.tables import OrderRow, OrderRows, PaymentRow, ReservationRow, TableSnapshot


class Blocker(Model):
    """What an order waits for.

    Attributes:
        waits_for: in words.
        command: that would let the order go on; None where no command can.
    """

    waits_for: str
    command: str | None


class StuckOrder(Model):
    """An order that does not go on.

    Attributes:
        status: of the order.
        since: when the order changed last, or learned something.
        blocker: what it waits for.
    """

    order_id: str
    status: str
    since: datetime
    blocker: Blocker


def stuck_orders(
    snapshot: TableSnapshot, dead: Sequence[DeadLetter], now: datetime, older_than: timedelta
) -> list[StuckOrder]:
    """The orders that are stuck, the longest first.

    Args:
        snapshot: all rows.
        dead: all dead letters.
        now: aware.
        older_than: an order that changed since is only on its way.
    """
    letters: dict[str, list[DeadLetter]] = {}
    for letter in dead:
        letters.setdefault(letter.order_id or "", []).append(letter)
    found = [
        stuck
        for order in snapshot.all(OrderRow)
        if now - order.since >= older_than
        and (stuck := stuck_order(snapshot.of_order(order.order_id), letters.get(order.order_id, ()), now))
    ]
    return sorted(found, key=lambda each: each.since)


def stuck_order(rows: OrderRows, dead: Sequence[DeadLetter], now: datetime) -> StuckOrder | None:
    """An order with what it waits for; None where that is nothing."""
    order = rows.order
    blocker = blocker_of(rows, dead, now)
    if order is None or blocker is None:
        return None
    return StuckOrder(order_id=order.order_id, status=order.status, since=order.since, blocker=blocker)


def blocker_of(rows: OrderRows, dead: Sequence[DeadLetter], now: datetime) -> Blocker | None:
    """What an order waits for, and the command that lets it go on; None where it waits for nothing.

    Args:
        rows: about the order.
        dead: dead letters about the order.
        now: aware.
    """
    order, payment = rows.order, rows.one(PaymentRow)
    if order is None:
        return None
    if dead:
        letter = dead[0]
        return Blocker(
            waits_for=f"{letter.event_name or 'a message'} in {letter.queue}: {letter.cause.code}",
            command=f"cloudretail dlq replay {letter.queue} --order {order.order_id}",
        )
    if payment and payment.refund_refused:
        text = "a person: the provider refused the refund for good. docs/operations.md#refunds"
        return Blocker(waits_for=text, command=None)
    missing = _missing(order, rows.one(ReservationRow), payment, now)
    return Blocker(waits_for=missing, command=f"cloudretail orders nudge {order.order_id}") if missing else None


def _missing(
    order: OrderRow, reservation: ReservationRow | None, payment: PaymentRow | None, now: datetime
) -> str | None:
    held = reservation.status if reservation else None
    paid = payment.status if payment else None
    match order.status:
        case "PENDING":
            return _while_pending(held)
        case "RESERVED":
            return _while_reserved(order, payment, now)
        case "CONFIRMED":
            return "inventory to consume OrderConfirmed" if held == "HELD" else None
        case "REJECTED":
            return "payments to consume InventoryReservationFailed" if paid in (None, "OPEN") else None
        case "CANCELLED" if held in (None, "HELD", "COMMITTED"):
            return "inventory to consume OrderCancelled"
        case "CANCELLED":
            return _while_cancelled(payment)
        case _:
            return None


def _while_pending(held: str | None) -> str:
    match held:
        case None:
            return "inventory to consume OrderPlaced"
        case "REFUSED":
            return "orders to consume InventoryReservationFailed"
        case _:
            return "orders to consume InventoryReserved"


def _while_reserved(order: OrderRow, payment: PaymentRow | None, now: datetime) -> str | None:
    over = order.reserved_until is not None and now > order.reserved_until
    match payment:
        case None:
            return "payments to consume OrderPlaced and InventoryReserved"
        case PaymentRow(status="OPEN", amount=None):
            return "payments to consume OrderPlaced"
        case PaymentRow(status="OPEN", reserved=False):
            return "payments to consume InventoryReserved"
        case PaymentRow(status="OPEN"):
            return "payments to close the payment window" if over else None
        case PaymentRow(status="SUBMITTED", attempts=attempt):
            return f"the provider's answer to attempt {attempt}"
        case PaymentRow(status="SUCCEEDED"):
            return "orders to consume PaymentSucceeded"
        case PaymentRow(status="FAILED"):
            return "orders to consume PaymentFailed"
        case _:
            return "the event that its payment was voided for"


def _while_cancelled(payment: PaymentRow | None) -> str | None:
    match payment:
        case PaymentRow(status="SUBMITTED", cancelled=True):
            return "the provider's answer, which says whether there is anything to refund"
        case None | PaymentRow(status="OPEN" | "SUBMITTED" | "SUCCEEDED"):
            return "payments to consume OrderCancelled"
        case PaymentRow(status="REFUNDING"):
            return "the provider to refund"
        case _:
            return None
