"""What an order waits for, and for how long it may. Pure.

A consumer's step takes seconds; what staff, a carrier or a shopper does has a patience of days. One list of waits is
read in two ways: an order with a wait that is over its patience is stuck, and reconciling names the wait's rule.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloudretail.model import Model
from operations.dead_letters.domain import DeadLetter
from operations.diagnosis.tables import (
    OrderRow,
    OrderRows,
    PaymentRow,
    RefundRow,
    ReservationRow,
    ReturnRow,
    ShipmentRow,
    TableSnapshot,
)

TO_SHIP_WITHIN = timedelta(days=2)
"""Of staff, to give a parcel to the carrier."""

DELIVERED_WITHIN = timedelta(days=14)
"""Of a carrier, to hand a parcel over or bring it back."""

RETURNED_WITHIN = timedelta(days=21)
"""Of a shopper and a carrier, to bring back what a shopper has announced."""

REFUNDED_WITHIN = timedelta(days=1)
"""Of a provider, to give money back: an outage has healed by then, or the event is a dead letter."""

PAID_BY_HAND_WITHIN = timedelta(days=3)
"""Of staff, to give back what no provider does."""

AT_ONCE = timedelta(0)
"""Of a consumer: all that it may take is what `older_than` says."""


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


@dataclass(frozen=True)
class Wait:
    """Something that an order waits for.

    Attributes:
        since: when it began.
        patience: how long it may take; AT_ONCE where no person has to do anything.
        blocker: what it is.
        rule: that it breaks once it is over its patience; None where another rule compares these rows already.
    """

    since: datetime
    patience: timedelta
    blocker: Blocker
    rule: str | None = None

    def overdue(self, now: datetime, older_than: timedelta) -> bool:
        """Whether it takes too long, by its own patience, and longer than `older_than`."""
        return now - self.since >= max(self.patience, older_than)


def stuck_orders(
    snapshot: TableSnapshot, dead: Sequence[DeadLetter], now: datetime, older_than: timedelta
) -> list[StuckOrder]:
    """The orders that are stuck, the longest first.

    Args:
        snapshot: all rows.
        dead: all dead letters.
        now: aware.
        older_than: an order that waits for less than this is only on its way.
    """
    letters: dict[str, list[DeadLetter]] = {}
    for letter in dead:
        letters.setdefault(letter.order_id or "", []).append(letter)
    found = [
        stuck
        for order in snapshot.all(OrderRow)
        if (stuck := stuck_order(snapshot.of_order(order.order_id), letters.get(order.order_id, ()), now, older_than))
    ]
    return sorted(found, key=lambda each: each.since)


def stuck_order(
    rows: OrderRows, dead: Sequence[DeadLetter], now: datetime, older_than: timedelta = AT_ONCE
) -> StuckOrder | None:
    """An order with what it waits for, the dead letters first, then what it waits for the longest; None where nothing
    is overdue."""
    order = rows.order
    if order is None:
        return None
    waits = [*_dead(order, dead), *sorted(waits_of(rows, now), key=lambda wait: wait.since)]
    for wait in waits:
        if wait.overdue(now, older_than):
            return StuckOrder(order_id=order.order_id, status=order.status, since=wait.since, blocker=wait.blocker)
    return None


def _dead(order: OrderRow, dead: Sequence[DeadLetter]) -> Iterator[Wait]:
    for letter in dead:
        text = f"{letter.event_name or 'a message'} in {letter.queue}: {letter.cause.code}"
        replay = f"cloudretail dlq replay {letter.queue} --order {order.order_id}"
        yield Wait(order.since, AT_ONCE, Blocker(waits_for=text, command=replay))


def waits_of(rows: OrderRows, now: datetime) -> list[Wait]:
    """All that an order waits for, overdue or not, but for dead letters.

    Args:
        rows: about the order.
        now: aware.
    """
    order = rows.order
    if order is None:
        return []
    reservation, payment = rows.one(ReservationRow), rows.one(PaymentRow)
    waits = [*_of_status(order, rows, now)]
    if payment:
        waits += [wait for refund in payment.refunds if (wait := _of_refund(order, refund))]
    if order.status == "DELIVERED":
        waits += _of_cash(order, payment)
        shipment = rows.one(ShipmentRow)
        for each in order.returns:
            waits += _of_return(order, each, shipment, reservation, payment)
    return waits


def _event(order: OrderRow, waits_for: str, since: datetime | None = None, rule: str | None = None) -> Wait:
    """A wait for an event: a nudge brings it again."""
    blocker = Blocker(waits_for=waits_for, command=f"cloudretail orders nudge {order.order_id}")
    return Wait(since or order.since, AT_ONCE, blocker, rule)


def _of_status(order: OrderRow, rows: OrderRows, now: datetime) -> Iterator[Wait]:
    """What the order's own status waits for."""
    reservation, payment, shipment = rows.one(ReservationRow), rows.one(PaymentRow), rows.one(ShipmentRow)
    held = reservation.status if reservation else None
    sent = shipment.status if shipment else None
    if order.status in ("CONFIRMED", "CANCELLING", "SHIPPED", "DELIVERED") and held == "HELD":
        yield _event(order, "inventory to consume OrderConfirmed")
    match order.status, sent:
        case "PENDING", _:
            yield _event(order, _while_pending(held))
        case "RESERVED", _:
            if missing := _while_reserved(order, payment, now):
                yield _event(order, missing)
        case "REJECTED", _ if payment is None or payment.status == "OPEN":
            yield _event(order, "payments to consume InventoryReservationFailed")
        case "CANCELLED", _ if held in (None, "HELD", "COMMITTED"):
            yield _event(order, "inventory to consume OrderCancelled")
        case "CANCELLED", _:
            if missing := _while_cancelled(payment):
                yield _event(order, missing)
        case "CONFIRMED", None:
            yield _event(order, "fulfilment to consume OrderConfirmed")
        case "CONFIRMED", "TO_SHIP":
            command = f"cloudretail shipments ship {order.order_id} --carrier CARRIER --tracking NUMBER"
            blocker = Blocker(waits_for="staff to ship its parcel", command=command)
            yield Wait(order.entered, TO_SHIP_WITHIN, blocker, "not-shipped")
        case "CANCELLING", (None | "TO_SHIP"):
            yield _event(order, "fulfilment to consume CancellationRequested", rule="cancelling")
        case "SHIPPED", "SHIPPED":
            command = f"cloudretail shipments show {order.order_id}"
            blocker = Blocker(waits_for="its carrier, or staff to say what became of the parcel", command=command)
            yield Wait(order.entered, DELIVERED_WITHIN, blocker, "not-delivered")
        case (("CONFIRMED" | "CANCELLING" | "SHIPPED"), str(status)) if status in _PUBLISHED:
            rule = "cancelling" if order.status == "CANCELLING" else None
            yield _event(order, f"orders to consume {_PUBLISHED[status]}", rule=rule)
        case _:
            pass


_PUBLISHED = {
    "CANCELLED": "ShipmentCancelled",
    "SHIPPED": "ShipmentDispatched",
    "DELIVERED": "ShipmentDelivered",
    "RETURNED": "ShipmentReturned",
}
"""By a shipment's status, the event that tells orders."""


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
        case PaymentRow(status="CHALLENGED", attempts=attempt):
            return f"the provider to end attempt {attempt}, which the shopper's bank never answered" if over else None
        case PaymentRow(status="SUCCEEDED"):
            return "orders to consume PaymentSucceeded"
        case PaymentRow(status="FAILED"):
            return "orders to consume PaymentFailed"
        case _:
            return "the event that its payment was voided for"


def _while_cancelled(payment: PaymentRow | None) -> str | None:
    match payment:
        case PaymentRow(status="SUBMITTED" | "CHALLENGED", cancelled=True):
            return "the provider's answer, which says whether there is anything to refund"
        case None | PaymentRow(status="OPEN" | "SUBMITTED" | "CHALLENGED"):
            return "payments to consume OrderCancelled"
        case PaymentRow(status="SUCCEEDED", method="COD", collected=None):
            return "payments to consume OrderCancelled"
        case PaymentRow(status="SUCCEEDED") if payment.left > 0:
            return "payments to consume OrderCancelled"
        case _:
            return None


def _of_refund(order: OrderRow, refund: RefundRow) -> Wait | None:
    """What a refund waits for; since when, only the order's story tells."""
    asked = order.last("ReturnReceived", refund.refund_id) or order.entered
    match refund.status:
        case "REQUESTED":
            waits_for = f"the provider to give the refund {refund.refund_id} back"
            command = f"cloudretail orders nudge {order.order_id}"
            return Wait(asked, REFUNDED_WITHIN, Blocker(waits_for=waits_for, command=command), "refund-requested")
        case "TO_PAY_BY_HAND":
            since = order.last("PaymentRefundFailed", refund.refund_id) or asked
            waits_for = f"staff to pay the refund {refund.refund_id} by hand"
            command = f"cloudretail refunds paid {order.order_id} {refund.refund_id} --reference REFERENCE"
            return Wait(since, PAID_BY_HAND_WITHIN, Blocker(waits_for=waits_for, command=command), "refund-by-hand")
        case _:
            return None


def _of_cash(order: OrderRow, payment: PaymentRow | None) -> Iterator[Wait]:
    """The cash of a delivered order, which the delivery has named."""
    if payment and payment.method == "COD" and payment.status == "SUCCEEDED":
        if payment.collected is None:
            yield _event(order, "payments to consume ShipmentDelivered", order.entered, "cash-not-collected")
        elif order.collected is None:
            yield _event(order, "orders to consume PaymentCollected", order.entered, "cash-not-collected")


def _of_return(
    order: OrderRow,
    each: ReturnRow,
    shipment: ShipmentRow | None,
    reservation: ReservationRow | None,
    payment: PaymentRow | None,
) -> Iterator[Wait]:
    """What a return of a delivered order waits for."""
    expected = shipment.find_return(each.return_id) if shipment else None
    at = expected.status if expected else None
    match each.status, at:
        case "REQUESTED", None:
            yield _event(order, "fulfilment to consume ReturnRequested", each.requested_at, "return-not-received")
        case "REQUESTED", "EXPECTED":
            waits_for = f"the return {each.return_id} to arrive, or staff to refuse it"
            command = f"cloudretail returns receive {order.order_id} {each.return_id}"
            blocker = Blocker(waits_for=waits_for, command=command)
            yield Wait(each.requested_at, RETURNED_WITHIN, blocker, "return-not-received")
        case (("REQUESTED" | "WITHDRAWN"), "RECEIVED"):
            yield _event(order, "orders to consume ReturnReceived", rule="return-not-settled")
        case "REQUESTED", "REFUSED":
            yield _event(order, "orders to consume ReturnRefused", rule="return-not-settled")
        case "WITHDRAWN", (None | "EXPECTED"):
            withdrawn = order.last("ReturnWithdrawn", each.return_id)
            yield _event(order, "fulfilment to consume ReturnWithdrawn", withdrawn, "return-not-settled")
        case "ACCEPTED", _:
            accepted = order.last("ReturnReceived", each.return_id)
            if reservation is None or not reservation.has_booked(each.return_id):
                yield _event(order, "inventory to consume ReturnAccepted", accepted, "return-not-booked")
            if payment is None or not payment.gives_back(each.return_id):
                yield _event(order, "payments to consume ReturnAccepted", accepted, "return-not-refunded")
        case _:
            pass
