"""What an order waits for, and for how long it may. Pure.

A consumer's step takes seconds. Waits for staff, a carrier or a shopper have limits of days. The list of waits is used
twice: an order with a wait over its limit is stuck, and reconciling names the rule of such a wait.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, get_args

from cloudretail.errors import Held
from cloudretail.failures import FailureRow, FailureState, next_generation
from cloudretail.model import Model
from cloudretail.retries import longest_pause
from operations.diagnosis.tables import (
    OrderRow,
    OrderRows,
    PaymentRow,
    RefundRow,
    ReservationRow,
    ReturnRow,
    ShipmentRow,
)
from operations.queues import ConsumerQueue

TO_SHIP_WITHIN = timedelta(days=2)
"""For staff, to give a parcel to the carrier."""

DELIVERED_WITHIN = timedelta(days=14)
"""For a carrier, to hand a parcel over or bring it back."""

RETURNED_WITHIN = timedelta(days=21)
"""For a shopper and a carrier, until a requested return arrives."""

DISPUTED_WITHIN = timedelta(days=120)
"""How long a bank may take to decide a dispute: card networks give it two to three months."""

REFUNDED_WITHIN = timedelta(days=1)
"""For a provider, to make a refund. By then an outage is over, or the event is a dead letter."""

PAID_BY_HAND_WITHIN = timedelta(days=3)
"""For staff, to pay a refund by hand."""

AT_ONCE = timedelta(0)
"""For a consumer: only `older_than` limits the wait."""


RELAY = "relay"

type WaitedFor = Literal["orders", "inventory", "payments", "payment-window", "payment-worker", "fulfilment"]
"""A consumer that an order can wait for. Orders do not wait for mails."""

WAITED_FOR = frozenset({*get_args(WaitedFor.__value__), RELAY})
"""The consumers whose failures block an order, and the relay."""


class Remedy(StrEnum):
    """What an operator can do at once."""

    REPLAY = "REPLAY"
    NUDGE = "NUDGE"


class Blocker(Model):
    """What an order waits for.

    Attributes:
        waits_for: in words.
        command: the command after which the order goes on; None if no command helps.
        remedy: what the command does, if it is one of operations' own.
        queue: the dead-letter queue whose messages about the order have to be replayed.
    """

    waits_for: str
    command: str | None
    remedy: Remedy | None = None
    queue: str | None = None


class StuckOrder(Model):
    """An order that does not go on.

    Attributes:
        status: of the order.
        since: when the order's history changed last.
        blocker: what it waits for.
    """

    order_id: str
    status: str
    since: datetime
    blocker: Blocker


@dataclass(frozen=True)
class AwaitedStep:
    """Something that an order waits for.

    Attributes:
        since: when it began.
        patience: its limit; AT_ONCE if it is not a wait for a person.
        blocker: what the order waits for.
        rule: the rule that it breaks over its limit; None if another rule compares these rows already.
        consumer: the consumer that has to act; None for a person.
        events: names of the events that the consumer has to consume.
        failed: whether a failure causes it.
    """

    since: datetime
    patience: timedelta
    blocker: Blocker
    rule: str | None = None
    consumer: WaitedFor | None = None
    events: tuple[str, ...] = ()
    failed: bool = False

    def overdue(self, now: datetime, older_than: timedelta) -> bool:
        """Whether it is over its limit, and has lasted for longer than `older_than`."""
        return now - self.since >= max(self.patience, older_than)

    def is_held_up_by(self, failure: FailureRow) -> bool:
        """Whether this failure causes it: a failure of the consumer, or of the relay, which publishes its events."""
        if failure.event_name not in self.events:
            return False
        return failure.consumer in (self.consumer, RELAY)


def stuck_order(
    rows: OrderRows, failures: Sequence[FailureRow], now: datetime, older_than: timedelta = AT_ONCE
) -> StuckOrder | None:
    """An order with its longest overdue wait; None if none is overdue.

    Args:
        rows: about the order.
        failures: about the order. A failure that causes a wait is what the order waits for.
        now: aware.
        older_than: a shorter wait is not overdue.
    """
    order = rows.order
    if order is None:
        return None
    found = [_explained(order, wait, failures, now) for wait in waits_of(rows, now)]
    overdue = [wait for wait in found if wait.overdue(now, older_than)]
    if not overdue:
        return None
    # A failure comes before a long wait: it is the reason for it, or can be mended at once.
    first = min(overdue, key=lambda wait: (not wait.failed, wait.since))
    return StuckOrder(order_id=order.order_id, status=order.status, since=first.since, blocker=first.blocker)


def _explained(order: OrderRow, wait: AwaitedStep, failures: Iterable[FailureRow], now: datetime) -> AwaitedStep:
    """The wait with the failure that causes it, which is overdue at once."""
    blocker = _held_up(order, wait, failures, now)
    return replace(wait, blocker=blocker, patience=AT_ONCE, failed=True) if blocker else wait


def _held_up(order: OrderRow, wait: AwaitedStep, failures: Iterable[FailureRow], now: datetime) -> Blocker | None:
    """The failure that causes a wait, if there is one. A dead letter comes before a message that is being retried."""
    own = [failure for failure in failures if wait.is_held_up_by(failure)]
    for failure in own:
        queue = ConsumerQueue.of(failure.consumer).dead_letter_queue
        if next_generation(failure, int(now.timestamp())) is not None:
            return Blocker(
                waits_for=f"{failure.event_name} in {queue}: {failure.cause.code}",
                command=f"cloudretail dlq replay {queue} --order {order.order_id}",
                remedy=Remedy.REPLAY,
                queue=queue,
            )
    for failure in own:
        if failure.state is FailureState.FAILING:
            return Blocker(waits_for=_retried(failure, now), command=None)
        if failure.state in (FailureState.REPLAYING, FailureState.REPLAYED):
            queue = ConsumerQueue.of(failure.consumer).queue
            return Blocker(waits_for=f"{failure.event_name}, whose copy is in {queue}", command=None)
    return None


def _retried(failure: FailureRow, now: datetime) -> str:
    """Such as "OrderPlaced: 38 s in InventoryQueue, attempt 3, next within 8 s, because of AccessDenied on PutItem"."""
    seconds = now.timestamp() - (failure.failing_since or failure.first_failed_at)
    left = max(0, failure.last_failed_at + longest_pause(failure.failures) - now.timestamp())
    attempt = failure.cause.attempt or failure.failures
    where = ConsumerQueue.of(failure.consumer).queue
    if failure.cause.exception == Held.__name__:
        return f"{failure.event_name}: {seconds:.0f} s in {where}, as {failure.cause.message}"
    retry = f"attempt {attempt} failed, the next comes within {left:.0f} s"
    return f"{failure.event_name}: {seconds:.0f} s in {where}, {retry}, because of {failure.cause.code}"


def waits_of(rows: OrderRows, now: datetime) -> list[AwaitedStep]:
    """Everything that an order waits for, overdue or not.

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
        waits += [wait for refund in payment.refunds if (wait := _of_refund(order, payment, refund))]
    if order.status == "DELIVERED":
        waits += _of_cash(order, payment)
        shipment = rows.one(ShipmentRow)
        for each in order.returns:
            waits += _of_return(order, each, shipment, reservation, payment)
    return waits


def _event(
    order: OrderRow,
    consumer: WaitedFor,
    *events: str,
    since: datetime | None = None,
    rule: str | None = None,
    waits_for: str | None = None,
) -> AwaitedStep:
    """A wait for a consumer to consume events. A nudge publishes them again."""
    words = waits_for or f"{consumer} to consume {' and '.join(events)}"
    return AwaitedStep(since or order.since, AT_ONCE, _nudge(order, words), rule, consumer, events)


def _nudge(order: OrderRow, waits_for: str) -> Blocker:
    command = f"cloudretail orders nudge {order.order_id}"
    return Blocker(waits_for=waits_for, command=command, remedy=Remedy.NUDGE)


def _of_status(order: OrderRow, rows: OrderRows, now: datetime) -> Iterator[AwaitedStep]:
    """The waits that follow from the order's own status."""
    reservation, payment, shipment = rows.one(ReservationRow), rows.one(PaymentRow), rows.one(ShipmentRow)
    held = reservation.status if reservation else None
    sent = shipment.status if shipment else None
    if order.status in ("CONFIRMED", "CANCELLING", "SHIPPED", "DELIVERED") and held == "HELD":
        yield _event(order, "inventory", "OrderConfirmed")
    match order.status, sent:
        case "PENDING", _:
            yield _while_pending(order, held)
        case "RESERVED", _:
            if missing := _while_reserved(order, payment, now):
                yield missing
        case "REJECTED", _ if payment is None or payment.status == "OPEN":
            yield _event(order, "payments", "InventoryReservationFailed")
        case "CANCELLED", _ if held in (None, "HELD", "COMMITTED"):
            yield _event(order, "inventory", "OrderCancelled")
        case "CANCELLED", _:
            if missing := _while_cancelled(order, payment):
                yield missing
        case "CONFIRMED", None:
            yield _event(order, "fulfilment", "OrderConfirmed")
        case "CONFIRMED", "TO_SHIP":
            command = f"cloudretail shipments ship {order.order_id} --carrier CARRIER --tracking NUMBER"
            blocker = Blocker(waits_for="staff to ship its parcel", command=command)
            yield AwaitedStep(order.entered, TO_SHIP_WITHIN, blocker, "not-shipped")
        case "CANCELLING", (None | "TO_SHIP"):
            yield _event(order, "fulfilment", "CancellationRequested", rule="cancelling")
        case "SHIPPED", "SHIPPED":
            command = f"cloudretail shipments show {order.order_id}"
            blocker = Blocker(waits_for="its carrier, or staff to say what became of the parcel", command=command)
            yield AwaitedStep(order.entered, DELIVERED_WITHIN, blocker, "not-delivered")
        case (("CONFIRMED" | "CANCELLING" | "SHIPPED"), str(status)) if status in _PUBLISHED:
            rule = "cancelling" if order.status == "CANCELLING" else None
            yield _event(order, "orders", _PUBLISHED[status], rule=rule)
        case _:
            pass


_PUBLISHED = {
    "CANCELLED": "ShipmentCancelled",
    "SHIPPED": "ShipmentDispatched",
    "DELIVERED": "ShipmentDelivered",
    "RETURNED": "ShipmentReturned",
}
"""The event that orders receive about a shipment's status."""


def _while_pending(order: OrderRow, held: str | None) -> AwaitedStep:
    match held:
        case None:
            return _event(order, "inventory", "OrderPlaced")
        case "REFUSED":
            return _event(order, "orders", "InventoryReservationFailed")
        case _:
            return _event(order, "orders", "InventoryReserved")


def _while_reserved(order: OrderRow, payment: PaymentRow | None, now: datetime) -> AwaitedStep | None:
    over = order.reserved_until is not None and now > order.reserved_until
    match payment:
        case None:
            return _event(order, "payments", "OrderPlaced", "InventoryReserved")
        case PaymentRow(status="OPEN", amount=None):
            return _event(order, "payments", "OrderPlaced")
        case PaymentRow(status="OPEN", reserved=False):
            return _event(order, "payments", "InventoryReserved")
        case PaymentRow(status="OPEN"):
            closing = "payments to close the payment window"
            return _event(order, "payment-window", "InventoryReserved", waits_for=closing) if over else None
        case PaymentRow(status="SUBMITTED", attempts=attempt):
            return _answer(order, f"the provider's answer to attempt {attempt}")
        case PaymentRow(status="CHALLENGED", attempts=attempt):
            ending = f"the provider to end attempt {attempt}, which the shopper's bank never answered"
            return _event(order, "payment-worker", "ChargeCancellationRequested", waits_for=ending) if over else None
        case PaymentRow(status="SUCCEEDED"):
            return _event(order, "orders", "PaymentSucceeded")
        case PaymentRow(status="FAILED"):
            return _event(order, "orders", "PaymentFailed")
        case _:
            ends = ("InventoryReservationFailed", "PaymentFailed")
            return _event(order, "orders", *ends, waits_for="the event that its payment was voided for")


def _answer(order: OrderRow, waits_for: str) -> AwaitedStep:
    return _event(order, "payment-worker", "PaymentSubmitted", waits_for=waits_for)


def _while_cancelled(order: OrderRow, payment: PaymentRow | None) -> AwaitedStep | None:
    match payment:
        case PaymentRow(status="SUBMITTED" | "CHALLENGED", cancelled=True):
            return _answer(order, "the provider's answer, which says whether there is anything to refund")
        case None | PaymentRow(status="OPEN" | "SUBMITTED" | "CHALLENGED"):
            return _event(order, "payments", "OrderCancelled")
        case PaymentRow(status="SUCCEEDED", method="COD", collected=None):
            return _event(order, "payments", "OrderCancelled")
        case PaymentRow(status="SUCCEEDED") if payment.left > 0:
            return _event(order, "payments", "OrderCancelled")
        case _:
            return None


def _of_refund(order: OrderRow, payment: PaymentRow, refund: RefundRow) -> AwaitedStep | None:
    """The wait for a refund. The time since when is in the order's history."""
    asked = order.last("ReturnReceived", refund.refund_id) or order.entered
    if payment.is_disputed(refund.attempt) and refund.status in ("REQUESTED", "TO_PAY_BY_HAND"):
        bank = Blocker(
            waits_for="the shopper's bank to decide its dispute", command=f"cloudretail orders trace {order.order_id}"
        )
        return AwaitedStep(asked, DISPUTED_WITHIN, bank, "refund-disputed")
    match refund.status:
        case "REQUESTED":
            waits_for = f"the provider to give the refund {refund.refund_id} back"
            blocker, events = _nudge(order, waits_for), ("RefundRequested",)
            return AwaitedStep(asked, REFUNDED_WITHIN, blocker, "refund-requested", "payment-worker", events)
        case "TO_PAY_BY_HAND":
            since = order.last("PaymentRefundFailed", refund.refund_id) or asked
            waits_for = f"staff to pay the refund {refund.refund_id} by hand"
            command = f"cloudretail refunds paid {order.order_id} {refund.refund_id} --reference REFERENCE"
            return AwaitedStep(
                since, PAID_BY_HAND_WITHIN, Blocker(waits_for=waits_for, command=command), "refund-by-hand"
            )
        case _:
            return None


def _of_cash(order: OrderRow, payment: PaymentRow | None) -> Iterator[AwaitedStep]:
    """The wait for the cash of a delivered order."""
    if payment and payment.method == "COD" and payment.status == "SUCCEEDED":
        if payment.collected is None:
            yield _event(order, "payments", "ShipmentDelivered", since=order.entered, rule="cash-not-collected")
        elif order.collected is None:
            yield _event(order, "orders", "PaymentCollected", since=order.entered, rule="cash-not-collected")


def _of_return(
    order: OrderRow,
    each: ReturnRow,
    shipment: ShipmentRow | None,
    reservation: ReservationRow | None,
    payment: PaymentRow | None,
) -> Iterator[AwaitedStep]:
    """What a return of a delivered order waits for."""
    expected = shipment.find_return(each.return_id) if shipment else None
    at = expected.status if expected else None
    match each.status, at:
        case "REQUESTED", None:
            yield _event(order, "fulfilment", "ReturnRequested", since=each.requested_at, rule="return-not-received")
        case "REQUESTED", "EXPECTED":
            waits_for = f"the return {each.return_id} to arrive, or staff to refuse it"
            command = f"cloudretail returns receive {order.order_id} {each.return_id}"
            blocker = Blocker(waits_for=waits_for, command=command)
            yield AwaitedStep(each.requested_at, RETURNED_WITHIN, blocker, "return-not-received")
        case (("REQUESTED" | "WITHDRAWN"), "RECEIVED"):
            yield _event(order, "orders", "ReturnReceived", rule="return-not-settled")
        case "REQUESTED", "REFUSED":
            yield _event(order, "orders", "ReturnRefused", rule="return-not-settled")
        case "WITHDRAWN", (None | "EXPECTED"):
            withdrawn = order.last("ReturnWithdrawn", each.return_id)
            yield _event(order, "fulfilment", "ReturnWithdrawn", since=withdrawn, rule="return-not-settled")
        case "ACCEPTED", _:
            accepted = order.last("ReturnReceived", each.return_id)
            if reservation is None or not reservation.has_booked(each.return_id):
                yield _event(order, "inventory", "ReturnAccepted", since=accepted, rule="return-not-booked")
            if payment is None or not payment.gives_back(each.return_id):
                yield _event(order, "payments", "ReturnAccepted", since=accepted, rule="return-not-refunded")
        case _:
            pass
