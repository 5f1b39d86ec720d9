"""What may happen to an order. Pure: rules only, no I/O.

PENDING ──InventoryReserved──> RESERVED ──PaymentSucceeded──> CONFIRMED ──cancelled by shopper or shop──> CANCELLING
   │ └──────────────────────PaymentSucceeded──────────────────────┘│ └──────ShipmentDispatched──────┐        │ │ │
   ├──InventoryReservationFailed──> REJECTED │                     │                                v        │ │ │
   │                                         │             ShipmentCancelled                     SHIPPED <───┘ │ │
   └──PaymentFailed, cancelled───────────────┴────────> CANCELLED <┴───────ShipmentReturned─────────┤          │ │
                                                            ^                                       │          │ │
                                                            └─ShipmentCancelled, ShipmentReturned───┼──────────┘ │
                                                          DELIVERED <──────ShipmentDelivered────────┴────────────┘

Cancelling a confirmed order is a request: only fulfilment knows whether the parcel has gone. Events arrive in any
sequence, so orders may consume ShipmentDelivered or ShipmentReturned before ShipmentDispatched.

A delivered order has returns, each REQUESTED, then ACCEPTED, REFUSED or WITHDRAWN; the order stays DELIVERED.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import computed_field

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.errors import Conflict, InvalidInput, NotFound
from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.money import Money, total
from contract.fulfilment import (
    ReturnReceived,
    ReturnRefused,
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentReturned,
)
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.notifications import MailFeedbackReceived
from contract.orders import (
    CancellationRequested,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderRejected,
    ReturnAccepted,
    ReturnRequested,
    ReturnWithdrawn,
)
from contract.payments import (
    PaymentCollected,
    PaymentDeclined,
    PaymentDisputeClosed,
    PaymentDisputed,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSucceeded,
)
from contract.values import (
    ERASED,
    Address,
    CancelReason,
    CodRefusal,
    OrderItem,
    OrderStatus,
    Paid,
    Parcel,
    ParcelReturn,
    PaymentFailure,
    PaymentMethod,
    ReturnReason,
    ShippingCharge,
    Shortage,
    StockLine,
    Tax,
    order_number,
)
from orders.addresses import checked
from orders.rates import Quote, Rates, quote, tax_in
from orders.returns import MAX_RETURNS, Return, ReturnStatus, amount_owed, returnable
from orders.waiting import wait_of

PLACE_WITHIN = timedelta(hours=24)
"""How long an order may take to reach inventory. An event replayed next week must not reserve, and charge, any more."""

RETURN_DAYS = 30
"""Days after delivery within which goods can be sent back, unless the shop's settings say otherwise."""

EVERY_ORDER = "ORDER"
"""Partition key of the index of all orders."""

MAX_LINES = 50
"""Lines of an order. The stock of all of them and the reservation fit into one transaction of 100 items."""


class HistoryEntry(Model):
    """One step of the order's story, as its shopper reads it.

    Attributes:
        event: name of what happened.
        at: when the order learned of it.
        caused_by: id of the event or request.
        status: of the order afterwards.
        reason: where there is one.
        note: what the shop writes about it to the shopper.
        attempt: for a declined payment, which one.
        shortages: for a rejected order, what was missing.
        about: id of the return, refund or dispute that the step is about; for a mail, the name of its event.
        amount: money that was collected, is owed for a return, was given back, or is disputed.
        reference: of the transfer by which a person has given money back.
    """

    event: str
    at: datetime
    caused_by: str
    status: OrderStatus
    reason: str | None = None
    note: str | None = None
    attempt: int | None = None
    shortages: tuple[Shortage, ...] = ()
    about: str | None = None
    amount: Money | None = None
    reference: str | None = None


class RecordedEntry(HistoryEntry):
    """One step of the order's story as it is stored, and as staff read it.

    Attributes:
        by: user id of the member of staff who did it; None where its shopper or an event did.
    """

    by: str | None = None


class Held(Model):
    """What one order counts towards the limits of its account.

    Attributes:
        pieces: units of all products together.
        cash: minor units that are, or may become, due on delivery.
    """

    pieces: int
    cash: int


class Order(Model):
    """An order as it is stored.

    Attributes:
        shipping: how it is sent, and what that costs.
        tax: that the total includes; None where prices include none.
        total_amount: minor units of `currency`: of its items and of shipping.
        place_by: until when inventory may reserve it.
        payment_method: chosen at checkout (COD), or the one that succeeded.
        cod_refusal: why it cannot be paid in cash; None where it can.
        return_days: how long after its delivery something can be sent back; fixed when it was placed.
        shipping_refunded: whether shipping is given back with the last piece; likewise.
        reserved_until: while it is RESERVED.
        parcel: once it was dispatched.
        delivered_at: when it was handed over.
        collected: minor units of cash that the courier has taken; None until that is known.
        returns: what was sent back.
        fingerprint: of the request that placed it, to tell a repetition from another request with its key.
        history: every transition, and every fact that its shopper or staff should see.
    """

    order_id: str
    user_id: str
    user_email: str
    status: OrderStatus
    items: tuple[OrderItem, ...]
    shipping: ShippingCharge
    tax: Tax | None = None
    total_amount: int
    currency: str
    created_at: datetime
    place_by: datetime
    shipping_address: Address
    payment_method: PaymentMethod | None = None
    cod_refusal: CodRefusal | None = None
    return_days: int = RETURN_DAYS
    shipping_refunded: bool = True
    reserved_until: datetime | None = None
    parcel: Parcel | None = None
    delivered_at: datetime | None = None
    collected: int | None = None
    returns: tuple[Return, ...] = ()
    fingerprint: str
    history: tuple[RecordedEntry, ...]

    @computed_field
    def kind(self) -> str:
        """The partition key in the index of all orders."""
        return EVERY_ORDER

    @computed_field
    def number(self) -> str:
        """The short number that people use for the order; the key of an index."""
        return order_number(self.order_id)

    @property
    def total(self) -> Money:
        return Money(amount=self.total_amount, currency=self.currency)

    @property
    def held(self) -> Held | None:
        """What it counts towards its account's limits: None once it is paid by card, its cash is collected, or it has
        ended."""
        over = self.status in (OrderStatus.REJECTED, OrderStatus.CANCELLED)
        if over or self.paid is Paid.YES or self.collected is not None:
            return None
        # The payment method may not be chosen yet. As long as it can be cash, the order counts as cash.
        return Held(pieces=sum(item.quantity for item in self.items), cash=0 if self.cod_refusal else self.total_amount)

    @property
    def paid(self) -> Paid:
        """Whether money was taken for it, as far as the orders service knows."""
        if self.status in (OrderStatus.PENDING, OrderStatus.RESERVED):
            return Paid.UNKNOWN
        if self.status in (OrderStatus.REJECTED, OrderStatus.CANCELLED):
            return Paid.NO
        return Paid.NO if self.payment_method is PaymentMethod.COD and not self.collected else Paid.YES

    @property
    def returnable_until(self) -> datetime | None:
        """The end of the return period; None before delivery."""
        return self.delivered_at + timedelta(days=self.return_days) if self.delivered_at else None

    @property
    def returnable(self) -> Mapping[str, int]:
        """How many pieces of each product can still be sent back, without regard to the period."""
        return returnable(self.items, self.returns)

    def returnable_at(self, now: datetime) -> Mapping[str, int]:
        """How many pieces of each product can be sent back at `now`. Products with no such pieces are left out."""
        until = self.returnable_until
        if self.status is not OrderStatus.DELIVERED or until is None or now > until or len(self.returns) >= MAX_RETURNS:
            return {}
        return {product: count for product, count in self.returnable.items() if count > 0}

    @computed_field
    def disputed(self) -> bool | None:
        """True while it is disputed, which fulfilment reads; None otherwise."""
        return self.is_disputed or None

    @property
    def is_disputed(self) -> bool:
        """Whether the shopper's bank has taken back what was paid, and has not decided yet."""
        closed = {entry.about for entry in self.history if entry.event == "PaymentDisputeClosed"}
        return any(entry.event == "PaymentDisputed" and entry.about not in closed for entry in self.history)

    @property
    def cancellable(self) -> bool:
        """Whether it can be cancelled: the rule itself is asked."""
        return isinstance(decide(self, Cancel(), Context(self.order_id, "", self.created_at)), Change)

    @computed_field
    def open_as(self) -> str | None:
        """What it waits for, as the partition key in the index of open orders; None once it waits for nothing."""
        wait = wait_of(self)
        return wait[0].partition_of(self.order_id) if wait else None

    @computed_field
    def open_since(self) -> datetime | None:
        """Since when it waits, as the sort key of that index."""
        wait = wait_of(self)
        return wait[1] if wait else None

    def find_return(self, return_id: str) -> Return | None:
        """The return with this id."""
        return next((each for each in self.returns if each.return_id == return_id), None)

    def has_noted(self, cause: str) -> bool:
        """Whether the history has an entry of the event or request `cause` already."""
        return any(entry.caused_by == cause for entry in self.history)


@dataclass(frozen=True)
class Cancel:
    """The command to cancel the order.

    Attributes:
        reason: BY_SHOPPER or BY_SHOP.
        note: what the shop writes to the shopper.
        by: user id of the member of staff; None where the shopper cancels.
    """

    reason: CancelReason = CancelReason.BY_SHOPPER
    note: str | None = None
    by: str | None = None


type Message = EventData | Cancel

_BEFORE_PAYMENT = (OrderStatus.PENDING, OrderStatus.RESERVED)
_BEFORE_PARCEL = (OrderStatus.CONFIRMED, OrderStatus.CANCELLING)
_UNDER_WAY = (*_BEFORE_PARCEL, OrderStatus.SHIPPED)


def decide(order: Order, message: Message, context: Context) -> Decision[Order]:
    """Decide what `message` changes in `order`.

    Args:
        order: as it is now.
        message: an event that the consumer subscribes to, or the command to cancel the order.
        context: of the message.

    Returns:
        The change, or Nothing where the message has no effect in the order's state.
    """
    match message:
        case InventoryReserved() | InventoryReservationFailed() | PaymentSucceeded() | PaymentFailed():
            return _before_payment(order, message, context)
        case Cancel():
            return _called_off(order, message, context)
        case ShipmentCancelled() | ShipmentDispatched() | ShipmentDelivered() | ShipmentReturned():
            return _shipped(order, message, context)
        case ReturnReceived() | ReturnRefused():
            return _return_settled(order, message, context)
        case (
            PaymentDeclined()
            | PaymentCollected()
            | PaymentRefunded()
            | PaymentRefundFailed()
            | PaymentDisputed()
            | PaymentDisputeClosed()
            | MailFeedbackReceived()
        ):
            return _noted(order, message, context)
        case _:
            return _ignored(order)


def _ignored(order: Order) -> Nothing:
    return Nothing(f"the order is {order.status}")


def _before_payment(
    order: Order,
    message: InventoryReserved | InventoryReservationFailed | PaymentSucceeded | PaymentFailed,
    context: Context,
) -> Decision[Order]:
    match message, order.status:
        case InventoryReserved(until=until), OrderStatus.PENDING:
            return Change(_moved(order, OrderStatus.RESERVED, context, "InventoryReserved", reserved_until=until))
        case InventoryReservationFailed(reason=refusal, shortages=shortages), OrderStatus.PENDING:
            entry = {"reason": refusal, "shortages": shortages}
            rejected = _moved(order, OrderStatus.REJECTED, context, "InventoryReservationFailed", entry)
            return Change(rejected, [OrderRejected(**_common(rejected), reason=refusal, shortages=shortages)])
        case PaymentSucceeded(method=method), (OrderStatus.PENDING | OrderStatus.RESERVED):
            confirmed = _moved(order, OrderStatus.CONFIRMED, context, "PaymentSucceeded", payment_method=method)
            return Change(confirmed, [_confirmed_event(confirmed)])
        case PaymentFailed(reason=failure), (OrderStatus.PENDING | OrderStatus.RESERVED):
            return _cancelled(order, context, "PaymentFailed", _FAILURES[failure], paid=Paid.NO)
        case _:
            return _ignored(order)


_FAILURES = {
    PaymentFailure.DECLINED: CancelReason.PAYMENT_DECLINED,
    PaymentFailure.WINDOW_CLOSED: CancelReason.PAYMENT_WINDOW_CLOSED,
    PaymentFailure.OTHER: CancelReason.OTHER,
}


def _called_off(order: Order, command: Cancel, context: Context) -> Decision[Order]:
    event = "CancelledByShop" if command.reason is CancelReason.BY_SHOP else "CancelledByShopper"
    if order.status in _BEFORE_PAYMENT:
        return _cancelled(order, context, event, command.reason, command.note, by=command.by)
    if order.status is OrderStatus.CONFIRMED:
        entry = {"reason": command.reason, "note": command.note, "by": command.by}
        cancelling = _moved(order, OrderStatus.CANCELLING, context, "CancellationRequested", entry)
        return Change(cancelling, [_cancellation_event(cancelling)])
    return _ignored(order)


def _shipped(
    order: Order,
    message: ShipmentCancelled | ShipmentDispatched | ShipmentDelivered | ShipmentReturned,
    context: Context,
) -> Decision[Order]:
    match message:
        case ShipmentCancelled() if order.status in _BEFORE_PARCEL:
            return _cancelled(order, context, "ShipmentCancelled", message.reason, message.note)
        # The tracking number is erased with the person, and no late event brings it back.
        case ShipmentDispatched() if order.parcel is None and order.user_email != ERASED:
            # A late event: where the parcel is known to have arrived or come back, only the history grows.
            status = OrderStatus.SHIPPED if order.status in _BEFORE_PARCEL else order.status
            parcel = Parcel(
                carrier=message.carrier, tracking_number=message.tracking_number, tracking_url=message.tracking_url
            )
            return Change(_moved(order, status, context, "ShipmentDispatched", parcel=parcel))
        case ShipmentDelivered(delivered_at=delivered_at) if order.status in _UNDER_WAY:
            delivered = _moved(order, OrderStatus.DELIVERED, context, "ShipmentDelivered", delivered_at=delivered_at)
            return Change(delivered)
        case ShipmentReturned(lines=lines) if order.status in _UNDER_WAY:
            written_off = tuple(
                StockLine(product_id=line.product_id, quantity=line.write_off) for line in lines if line.write_off
            )
            reason = _PARCEL_RETURNS[message.reason]
            return _cancelled(order, context, "ShipmentReturned", reason, written_off=written_off)
        case _:
            return _ignored(order)


_PARCEL_RETURNS = {
    ParcelReturn.REFUSED: CancelReason.PARCEL_REFUSED,
    ParcelReturn.UNDELIVERABLE: CancelReason.PARCEL_UNDELIVERABLE,
    ParcelReturn.LOST: CancelReason.PARCEL_LOST,
    ParcelReturn.OTHER: CancelReason.OTHER,
}


def _moved(
    order: Order,
    status: OrderStatus,
    context: Context,
    event: str,
    entry: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Order:
    """The order in its next state, with a new step in its history.

    Args:
        order: as it was.
        status: the next one.
        context: of the message.
        event: name of the step.
        entry: further fields of the step.
        fields: further fields of the order that change.
    """
    step = RecordedEntry(event=event, at=context.now, caused_by=context.cause, status=status, **(entry or {}))
    changes = {"status": status, "reserved_until": None, **fields, "history": (*order.history, step)}
    return order.model_copy(update=changes)


def _with_step(order: Order, context: Context, event: str, entry: Mapping[str, Any], **fields: Any) -> Order:
    """The order with a new step in its history and the same status."""
    return _moved(order, order.status, context, event, entry, reserved_until=order.reserved_until, **fields)


def _cancelled(
    order: Order,
    context: Context,
    event: str,
    reason: CancelReason,
    note: str | None = None,
    *,
    by: str | None = None,
    paid: Paid | None = None,
    written_off: tuple[StockLine, ...] = (),
) -> Change[Order]:
    cancelled = _moved(order, OrderStatus.CANCELLED, context, event, {"reason": reason, "note": note, "by": by})
    event_ = OrderCancelled(
        **_common(cancelled), reason=reason, note=note, paid=paid or order.paid, written_off=written_off
    )
    return Change(cancelled, [event_])


def _noted(
    order: Order,
    fact: PaymentDeclined
    | PaymentCollected
    | PaymentRefunded
    | PaymentRefundFailed
    | PaymentDisputed
    | PaymentDisputeClosed
    | MailFeedbackReceived,
    context: Context,
) -> Decision[Order]:
    """A fact that joins the history and changes no status. A duplicate is noted once."""
    name = fact.event_type.name
    match fact:
        case PaymentCollected(amount=amount):
            known, fields = order.collected is not None, {"collected": amount.amount}
            entry: dict[str, Any] = {"amount": amount}
        case PaymentDeclined(attempt=attempt, reason=reason):
            known, fields = any(each.event == name and each.attempt == attempt for each in order.history), {}
            entry = {"attempt": attempt, "reason": reason}
        case PaymentRefunded(refund_id=refund, reference=reference):
            # A provider's refund that failed after all is paid by a person later.
            noted_refund = (name, refund, reference)
            known = any((each.event, each.about, each.reference) == noted_refund for each in order.history)
            fields, entry = {}, {"about": refund, "amount": fact.amount, "reference": reference}
        case PaymentRefundFailed(refund_id=about, reason=reason) | PaymentDisputed(dispute_id=about, reason=reason):
            known, fields = any((each.event, each.about) == (name, about) for each in order.history), {}
            entry = {"about": about, "amount": fact.amount, "reason": reason}
        case PaymentDisputeClosed(dispute_id=about, outcome=outcome):
            known, fields = any((each.event, each.about) == (name, about) for each in order.history), {}
            entry = {"about": about, "amount": fact.amount, "reason": outcome}
        case MailFeedbackReceived(mail=mail, feedback=feedback):
            noted = (name, mail, feedback)
            known, fields = any((each.event, each.about, each.reason) == noted for each in order.history), {}
            entry = {"about": mail, "reason": feedback}
    if known or order.has_noted(context.cause):
        return Nothing("noted already")
    return Change(_with_step(order, context, name, entry, **fields))


def _common(order: Order) -> dict[str, Any]:
    """The data that every event about a whole order carries."""
    return {
        "order_id": order.order_id,
        "user_id": order.user_id,
        "user_email": order.user_email,
        "items": order.items,
        "shipping": order.shipping,
        "tax": order.tax,
        "total": order.total,
    }


def _confirmed_event(order: Order) -> OrderConfirmed:
    assert order.payment_method, "it was paid somehow"
    return OrderConfirmed(
        **_common(order),
        payment_method=order.payment_method,
        shipping_address=order.shipping_address,
    )


def _cancellation_event(order: Order) -> CancellationRequested:
    step = next(each for each in reversed(order.history) if each.event == "CancellationRequested")
    reason = CancelReason(step.reason or CancelReason.OTHER)
    return CancellationRequested(order_id=order.order_id, reason=reason, note=step.note)


# --- returns ----------------------------------------------------------------------------------------------------------


class RequestReturn(Model):
    """The shopper's command.

    Attributes:
        return_id: derived by `return_id_of`.
        lines: what is sent back, one for each product.
    """

    return_id: str
    lines: tuple[StockLine, ...]
    reason: ReturnReason


def request_return(order: Order, command: RequestReturn, context: Context) -> Decision[Order]:
    """Request a return.

    Returns:
        The change; Nothing where the same return was requested before.

    Raises:
        InvalidInput: the id belongs to a return with other lines, or a line names a product that was not bought.
        Conflict: the order is not delivered, the period is over, there are too many returns, or a line has more pieces
            than can still be sent back (`lines` says which and how many).
    """
    known = order.find_return(command.return_id)
    if known:
        if (known.lines, known.reason) != (command.lines, command.reason):
            raise InvalidInput(
                "Idempotency-Key",
                "was used for another return",
                type="idempotency-key-reused",
                detail="You have already asked for a return from this page. You can find it on your order's page.",
            )
        return Nothing("the return was requested")
    _require_returnable(order, command, context.now)
    requested = Return(
        return_id=command.return_id,
        lines=command.lines,
        reason=command.reason,
        status=ReturnStatus.REQUESTED,
        requested_at=context.now,
    )
    entry = {"about": command.return_id, "reason": command.reason}
    after = _with_step(order, context, "ReturnRequested", entry, returns=(*order.returns, requested))
    return Change(after, [_requested_event(after, requested)])


def _require_returnable(order: Order, command: RequestReturn, now: datetime) -> None:
    until = order.returnable_until
    if order.status is not OrderStatus.DELIVERED or until is None:
        raise Conflict(
            "not-returnable", "You can send items back once they have been delivered.", orderStatus=order.status
        )
    if now > until:
        raise Conflict(
            "return-period-over",
            f"Items could be sent back within {order.return_days} days of delivery. That was until {until:%-d %B %Y}.",
            until=until.isoformat(),
        )
    if len(order.returns) >= MAX_RETURNS:
        raise Conflict("too-many-returns", f"An order can have up to {MAX_RETURNS} returns.", limit=MAX_RETURNS)
    left = order.returnable
    for index, line in enumerate(command.lines):
        if line.product_id not in left:
            raise InvalidInput(f"lines.{index}.productId", "is not in this order")
    short = [
        {"productId": line.product_id, "requested": line.quantity, "returnable": max(0, left[line.product_id])}
        for line in command.lines
        if line.quantity > left[line.product_id]
    ]
    if short:
        raise Conflict(
            "more-than-bought", "You are sending back more than is left of this order to send back.", lines=short
        )


def withdraw_return(order: Order, return_id: str, context: Context) -> Decision[Order]:
    """Withdraw a return that is not settled yet.

    Raises:
        NotFound: the order has no such return.
        Conflict: the return was accepted or refused.
    """
    known = order.find_return(return_id)
    if known is None:
        raise NotFound("return")
    if known.status is ReturnStatus.WITHDRAWN:
        return Nothing("the return was withdrawn")
    if known.status is not ReturnStatus.REQUESTED:
        raise Conflict(
            "return-settled",
            "We have already dealt with this return, so it can't be withdrawn.",
            returnStatus=known.status,
        )
    withdrawn = known.model_copy(update={"status": ReturnStatus.WITHDRAWN})
    after = _with_step(order, context, "ReturnWithdrawn", {"about": return_id}, returns=_replaced(order, withdrawn))
    return Change(after, [_withdrawn_event(after, withdrawn)])


def _return_settled(order: Order, message: ReturnReceived | ReturnRefused, context: Context) -> Decision[Order]:
    known = order.find_return(message.return_id)
    if known is None:
        return Nothing("the order has no such return")
    match message, known.status:
        case ReturnReceived(lines=lines), (ReturnStatus.REQUESTED | ReturnStatus.WITHDRAWN):
            others = [each for each in order.returns if each is not known]
            amount = amount_owed(order.items, order.total_amount, order.shipping_refunded, others, lines)
            tax = _tax_given_back(order, amount)
            settled = known.model_copy(
                update={"status": ReturnStatus.ACCEPTED, "taken": lines, "amount": amount, "tax": tax}
            )
            entry: dict[str, Any] = {"about": known.return_id, "amount": Money(amount=amount, currency=order.currency)}
            after = _with_step(order, context, "ReturnReceived", entry, returns=_replaced(order, settled))
            return Change(after, [_accepted_event(after, settled)])
        case ReturnRefused(reason=refusal, note=note), ReturnStatus.REQUESTED:
            settled = known.model_copy(update={"status": ReturnStatus.REFUSED, "refusal": refusal, "note": note})
            entry = {"about": known.return_id, "reason": refusal, "note": note}
            return Change(_with_step(order, context, "ReturnRefused", entry, returns=_replaced(order, settled)))
        case _:
            return Nothing(f"the return is {known.status}")


def _tax_given_back(order: Order, amount: int) -> int | None:
    """The tax in a refund: the tax of what was kept before, less that of what is kept after. So the taxes of all
    refunds add up to the order's tax."""
    if order.tax is None:
        return None
    before = order.total_amount - sum(each.amount or 0 for each in order.returns)
    rate = order.tax.basis_points
    return tax_in(before, rate) - tax_in(before - amount, rate)


def _replaced(order: Order, changed: Return) -> tuple[Return, ...]:
    return tuple(changed if each.return_id == changed.return_id else each for each in order.returns)


def _requested_event(order: Order, return_: Return) -> ReturnRequested:
    about = {"return_id": return_.return_id, "lines": return_.lines, "reason": return_.reason}
    return ReturnRequested(**_common(order), **about)


def _withdrawn_event(order: Order, return_: Return) -> ReturnWithdrawn:
    about = {"return_id": return_.return_id, "lines": return_.lines, "reason": return_.reason}
    return ReturnWithdrawn(**_common(order), **about)


def _accepted_event(order: Order, return_: Return) -> ReturnAccepted:
    return ReturnAccepted(
        order_id=order.order_id,
        return_id=return_.return_id,
        lines=return_.taken,
        amount=Money(amount=return_.amount or 0, currency=order.currency),
        tax=None if return_.tax is None else Money(amount=return_.tax, currency=order.currency),
    )


# --- what others wait for -----------------------------------------------------------------------------------------


def awaited(order: Order) -> tuple[EventData, ...]:
    """The events that a consumer may still wait for while the order is in this state. A consumer that has received one
    of them ignores it.

    The events of an order's end are not among them: no later change overwrites them, so they are in the row's outbox.
    """
    match order.status:
        case OrderStatus.PENDING | OrderStatus.RESERVED:
            # A RESERVED order shows that inventory has received this. Payments may not have.
            return (_placed_event(order),)
        case OrderStatus.CONFIRMED | OrderStatus.SHIPPED:
            # A dispatched parcel shows that fulfilment has received this. Inventory may not have.
            return (_confirmed_event(order),)
        case OrderStatus.CANCELLING:
            return (_confirmed_event(order), _cancellation_event(order))
        case OrderStatus.DELIVERED:
            returns = (event for each in order.returns for event in _awaited_of_return(order, each))
            return (_confirmed_event(order), *returns)
        case OrderStatus.REJECTED | OrderStatus.CANCELLED:
            return ()


def _awaited_of_return(order: Order, return_: Return) -> tuple[EventData, ...]:
    match return_.status:
        case ReturnStatus.REQUESTED:
            return (_requested_event(order, return_),)
        case ReturnStatus.WITHDRAWN:
            return (_withdrawn_event(order, return_),)
        case ReturnStatus.ACCEPTED:
            return (_accepted_event(order, return_),)
        case _:
            return ()


# --- somebody leaves ----------------------------------------------------------------------------------------------

NOBODY = Address(name="Erased", line1="Erased", city="Erased", country="ZZ")
"""In the place of a person's address. The country stays: the tax of the order was that country's."""


def erased(order: Order) -> Decision[Order]:
    """The order without its person: its lines, amounts and dates are what the law wants kept."""
    if order.user_email == ERASED:
        return Nothing("the person is erased")
    changes = {
        "user_email": ERASED,
        "shipping_address": NOBODY.model_copy(update={"country": order.shipping_address.country}),
        # What the carrier knows of it leads to the person.
        "parcel": None,
        "fingerprint": "erased",
        "returns": tuple(each.model_copy(update={"note": None}) for each in order.returns),
        "history": tuple(each.model_copy(update={"note": None}) for each in order.history),
    }
    return Change(order.model_copy(update=changes), forgets=True)


# --- checkout ---------------------------------------------------------------------------------------------------


class PlaceOrder(Model):
    """The shopper's command.

    Attributes:
        shipping_address: where the goods go.
        shipping_method: id of the chosen method.
        total: that the shopper saw.
        cart_version: of the cart that the shopper saw.
        payment_method: cash on delivery, or None to choose once the goods are reserved.
    """

    shipping_address: Address
    shipping_method: str
    total: Money
    cart_version: int
    payment_method: PaymentMethod | None = None

    @property
    def fingerprint(self) -> str:
        """A hash of the command: two commands with the same content have the same fingerprint."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class Shopper:
    """Who orders.

    Attributes:
        user_id: the owner of the order.
        email: verified.
    """

    user_id: str
    email: str


class Listed(Model):
    """What checkout needs to know of a product: its name and price today."""

    product_id: str
    name: str
    price: Money


class CartLine(Model):
    """A line of the cart, with the price that the shopper accepted."""

    product_id: str
    quantity: int
    unit_price: Money


class Cart(Model):
    """The cart as the cart service stores it. A cart that was never filled has version 0."""

    items: tuple[CartLine, ...] = ()
    version: int = 0


@dataclass(frozen=True)
class ReturnPolicy:
    """What the shop takes back.

    Attributes:
        days: days after delivery within which goods can be sent back.
        shipping_refunded: whether the outward shipping is given back with the last piece.
    """

    days: int = RETURN_DAYS
    shipping_refunded: bool = True


@dataclass(frozen=True)
class Basket:
    """What checkout decides on.

    Attributes:
        cart: the shopper's, as it is now.
        products: today's name and price by product id, without products that are no longer sold.
        available: units that can be reserved, by product id.
        returns: the shop's return policy today.
    """

    cart: Cart
    products: Mapping[str, Listed]
    available: Mapping[str, int]
    returns: ReturnPolicy = ReturnPolicy()


class HoldingLimits(Model):
    """The most that an account may have in unpaid orders at a time: those that are neither paid by card, nor collected,
    nor ended.

    Attributes:
        orders: number of orders.
        pieces: units of all products together.
        cash: minor units that may be due on delivery.
    """

    orders: int
    pieces: int
    cash: int


@dataclass(frozen=True)
class Account:
    """A shopper's account: its unpaid orders, and how many it may have.

    Attributes:
        held: what each unpaid order counts towards the limits, by the order's id.
        limits: the most that it may hold.
        version: counts the changes of `held`.
    """

    held: Mapping[str, Held]
    limits: HoldingLimits
    version: int = 0

    def refusal_of_cash(self, amount: int) -> CodRefusal | None:
        """Why one more order of `amount` minor units cannot be paid in cash; None if it can."""
        due = sum(held.cash for held in self.held.values())
        return CodRefusal.TOO_MUCH_OPEN if due + amount > self.limits.cash else None

    def require_room_for(self, pieces: int) -> None:
        """Raise Conflict if the account may not hold one more order, or not so many more pieces."""
        if len(self.held) >= self.limits.orders:
            raise Conflict(
                "too-many-open-orders",
                f"You have {len(self.held)} open orders, which is as many as you can have. "
                "Please pay or cancel one of them first.",
                limit=self.limits.orders,
            )
        already = sum(held.pieces for held in self.held.values())
        if already + pieces > self.limits.pieces:
            raise Conflict(
                "too-many-open-pieces",
                f"You can have {self.limits.pieces} items in open orders, and you have {already}. "
                "Please order fewer, or pay or cancel an open order first.",
                limit=self.limits.pieces,
                held=already,
            )


@dataclass(frozen=True)
class Look:
    """The state that a checkout begins with, as it is now.

    Attributes:
        order: the order that an earlier delivery of this request has placed; None if there is none.
        cart: the shopper's.
        account: the shopper's unpaid orders and limits.
        rates: of shipping and tax.
    """

    order: Order | None
    cart: Cart
    account: Account
    rates: Rates


def order_id_of(user_id: str, idempotency_key: str) -> str:
    """The id of the order that this user places with this key: the same request is the same order.

    It is derived, so a repeated request finds the order without a second record that could expire. It has 100 bits of
    SHA-256, in base 32.
    """
    digest = hashlib.sha256(f"{user_id}\0{idempotency_key}".encode()).digest()
    return "ord_" + base64.b32encode(digest).decode()[:20].lower()


def place(
    command: PlaceOrder, basket: Basket, account: Account, rates: Rates, shopper: Shopper, context: Context
) -> Change[Order]:
    """Place the order that `command` asks for.

    Args:
        command: the shopper's.
        basket: the cart with today's prices and stock.
        account: the shopper's unpaid orders and limits.
        rates: today's rates of shipping and tax.
        shopper: who orders.
        context: its subject is the order's id, derived by `order_id_of`.

    Raises:
        Conflict: the cart is not the one that the shopper saw, is empty or has too many lines; a price has changed or
            the stock is too low (`lines` says where); the total differs by today's rates; the order cannot be paid in
            cash; or the account may not hold one more such order.
        InvalidInput: the shop does not ship to the country, or not by this method; or the address lacks a field that
            its country needs.
    """
    cash = command.payment_method is PaymentMethod.COD
    address = checked(command.shipping_address, phone_required=cash)
    cart, products, now = basket.cart, basket.products, context.now
    if cart.version != command.cart_version:
        raise cart_changed(cartVersion=cart.version)
    if not cart.items:
        raise Conflict("cart-empty", "Your cart is empty.")
    if len(cart.items) > MAX_LINES:
        raise Conflict("too-many-lines", f"An order can have up to {MAX_LINES} different products. Please remove some.")
    _require_unchanged(cart, products, basket.available)
    items = tuple(
        OrderItem(
            product_id=line.product_id,
            name=products[line.product_id].name,
            quantity=line.quantity,
            unit_price=line.unit_price,
        )
        for line in cart.items
    )
    account.require_room_for(sum(item.quantity for item in items))
    subtotal = total((item.unit_price * item.quantity for item in items), items[0].unit_price.currency)
    costs = quote(rates, address.country, command.shipping_method, subtotal)
    if costs.total != command.total:
        raise total_changed(command.total, costs)
    cod_refusal = _refusal_of_cash(address, costs.total.amount, rates, account)
    if cod_refusal and cash:
        raise Conflict("cod-refused", cod_refusal.detail, codRefusal=cod_refusal)
    order = Order(
        order_id=context.subject,
        user_id=shopper.user_id,
        user_email=shopper.email,
        status=OrderStatus.PENDING,
        items=items,
        shipping=costs.shipping,
        tax=costs.tax,
        total_amount=costs.total.amount,
        currency=costs.total.currency,
        created_at=now,
        place_by=now + PLACE_WITHIN,
        shipping_address=address,
        payment_method=command.payment_method,
        cod_refusal=cod_refusal,
        return_days=basket.returns.days,
        shipping_refunded=basket.returns.shipping_refunded,
        fingerprint=command.fingerprint,
        history=(RecordedEntry(event="OrderPlaced", at=now, caused_by=context.cause, status=OrderStatus.PENDING),),
    )
    return Change(order, [_placed_event(order)])


def _refusal_of_cash(address: Address, amount: int, rates: Rates, account: Account) -> CodRefusal | None:
    """Why the order cannot be paid in cash, at checkout or later; None if it can."""
    if refusal := rates.zone_of(address.country).refusal_of_cash(amount):
        return refusal
    return account.refusal_of_cash(amount) or (None if address.phone else CodRefusal.NO_PHONE)


def total_changed(seen: Money, costs: Quote) -> Conflict:
    """The refusal of a checkout whose total is no longer the one that the shopper saw."""
    return Conflict(
        "total-changed",
        f"The total of your order is now {costs.total}. Please check it and place your order again.",
        seen=seen.model_dump(mode="json"),
        total=costs.total.model_dump(mode="json"),
        shipping=costs.shipping.model_dump(mode="json", by_alias=True),
        tax=costs.tax.model_dump(mode="json", by_alias=True) if costs.tax else None,
    )


def _placed_event(order: Order) -> OrderPlaced:
    return OrderPlaced(
        **_common(order),
        placed_at=order.created_at,
        place_by=order.place_by,
        # Only the choice made at checkout is known here. Payments knows a later one.
        payment_method=order.payment_method,
        shipping_address=order.shipping_address,
    )


def cart_changed(**facts: Any) -> Conflict:
    """The refusal of a checkout whose cart is no longer the one that the shopper saw."""
    return Conflict(
        "cart-changed",
        "Your cart has changed since you last saw it. Please check it and place your order again.",
        **facts,
    )


def _require_unchanged(cart: Cart, products: Mapping[str, Listed], available: Mapping[str, int]) -> None:
    gone = [line.product_id for line in cart.items if line.product_id not in products]
    if gone:
        raise Conflict(
            "product-unavailable",
            "An item in your cart is no longer available.",
            lines=[{"productId": product_id} for product_id in gone],
        )
    repriced = [
        {
            "productId": line.product_id,
            "seen": line.unit_price.model_dump(mode="json"),
            "current": products[line.product_id].price.model_dump(mode="json"),
        }
        for line in cart.items
        if line.unit_price != products[line.product_id].price
    ]
    if repriced:
        raise Conflict(
            "price-changed", "A price has changed since you last saw it. Please check your cart.", lines=repriced
        )
    short = [
        {"productId": line.product_id, "requested": line.quantity, "available": available.get(line.product_id, 0)}
        for line in cart.items
        if available.get(line.product_id, 0) < line.quantity
    ]
    if short:
        raise Conflict("insufficient-stock", "There are not enough left of an item in your cart.", lines=short)
