"""What may happen to the parcel of an order, and to what its shopper sends back. Pure.

    (none) ──OrderConfirmed──> TO_SHIP ──staff ships──> SHIPPED ──staff: delivered──> DELIVERED
       │                          │                        └──staff: came back, lost──> RETURNED
       └──CancellationRequested───┴──> CANCELLED

A request to cancel that comes before the confirmation leaves a tombstone: the late OrderConfirmed ships nothing.

    return: EXPECTED ──staff receives it──> RECEIVED        WITHDRAWN by its shopper: it can still arrive, and then it
                └──────staff refuses it───> REFUSED         is received; it can never be refused

Actions are idempotent: a repeated action succeeds again, and one with another content is refused.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import computed_field

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.errors import Conflict, InvalidInput, NotFound, Refusal
from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.money import Money
from contract.fulfilment import (
    ReturnReceived,
    ReturnRefused,
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentReturned,
)
from contract.orders import CancellationRequested, OrderConfirmed, ReturnRequested, ReturnWithdrawn
from contract.values import (
    ERASED,
    Address,
    CancelReason,
    InspectedLine,
    OrderItem,
    OrderStatus,
    Parcel,
    ParcelReturn,
    PaymentMethod,
    ReturnReason,
    ReturnRefusal,
    ShippingCharge,
    StockLine,
    Tax,
)
from fulfilment.carriers import tracking_url


class ShipmentStatus(StrEnum):
    """The status of a parcel. All but TO_SHIP and SHIPPED are final."""

    TO_SHIP = "TO_SHIP"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    RETURNED = "RETURNED"
    CANCELLED = "CANCELLED"


class ReturnStatus(StrEnum):
    """The status of a return. RECEIVED and REFUSED are final."""

    EXPECTED = "EXPECTED"
    WITHDRAWN = "WITHDRAWN"
    RECEIVED = "RECEIVED"
    REFUSED = "REFUSED"


class Step(Model):
    """Something that happened to the shipment.

    Attributes:
        what: name of the event or of the action.
        by: user id of the member of staff; None for an event.
        about: id of the return that it is about.
    """

    what: str
    at: datetime
    by: str | None = None
    about: str | None = None


class Return(Model):
    """What a shopper sends back.

    Attributes:
        lines: what the shopper wants to send.
        received: what arrived.
        refusal: why the shop refused it.
        note: what the shop writes to the shopper.
    """

    return_id: str
    lines: tuple[StockLine, ...]
    reason: ReturnReason
    status: ReturnStatus
    requested_at: datetime
    received: tuple[InspectedLine, ...] = ()
    refusal: ReturnRefusal | None = None
    note: str | None = None

    @property
    def open(self) -> bool:
        """Whether it can still be received."""
        return self.status in (ReturnStatus.EXPECTED, ReturnStatus.WITHDRAWN)


class Shipment(Model):
    """The parcel of an order as it is stored. A tombstone has only the order's id.

    Attributes:
        total: of the order; None for a tombstone.
        payment_method: how the order is paid. For cash, the courier collects the total.
        shipping: how it is to be sent, and what that costs.
        tax: that the total includes.
        parcel: carrier and tracking number, once it was shipped.
        cash: what the courier collected; None if nothing was due, or it is not delivered.
        came_back: why it came back, or will not arrive.
        inspected: what was found in it then.
        returns: what its shopper sends back.
        cancel_reason, cancel_note: of the cancellation because of which nothing was shipped.
        story: each step, oldest first.
    """

    order_id: str
    status: ShipmentStatus
    user_id: str | None = None
    user_email: str | None = None
    items: tuple[OrderItem, ...] = ()
    total: Money | None = None
    payment_method: PaymentMethod | None = None
    shipping_address: Address | None = None
    shipping: ShippingCharge | None = None
    tax: Tax | None = None
    parcel: Parcel | None = None
    delivered_at: datetime | None = None
    cash: Money | None = None
    came_back: ParcelReturn | None = None
    inspected: tuple[InspectedLine, ...] = ()
    returns: tuple[Return, ...] = ()
    cancel_reason: CancelReason | None = None
    cancel_note: str | None = None
    story: tuple[Step, ...] = ()

    @property
    def cash_due(self) -> Money | None:
        """What the courier has to collect; None if nothing."""
        return self.total if self.payment_method is PaymentMethod.COD else None

    @property
    def sent(self) -> bool:
        """Whether there is a parcel, or will be one. Only then can something come back."""
        return self.status is not ShipmentStatus.CANCELLED

    @property
    def pieces(self) -> Counter[str]:
        """How many pieces of each product are in the parcel."""
        return Counter({item.product_id: item.quantity for item in self.items})

    def find_return(self, return_id: str) -> Return | None:
        """The return with this id."""
        return next((each for each in self.returns if each.return_id == return_id), None)

    @computed_field
    def open_as(self) -> str | None:
        """What staff still have to do, which is the key of the index: TO_SHIP, SHIPPED, RETURN; None for nothing."""
        if self.status in (ShipmentStatus.TO_SHIP, ShipmentStatus.SHIPPED):
            return str(self.status)
        return "RETURN" if any(each.status is ReturnStatus.EXPECTED for each in self.returns) else None

    @computed_field
    def open_since(self) -> datetime | None:
        """Since when staff have to do that."""
        if self.open_as is None or not self.story:
            return None
        expected = [each.requested_at for each in self.returns if each.status is ReturnStatus.EXPECTED]
        return min(expected, default=self.story[-1].at)


# --- events of other services -------------------------------------------------------------------------------------


type Message = OrderConfirmed | CancellationRequested | ReturnRequested | ReturnWithdrawn


def decide(shipment: Shipment | None, message: EventData, context: Context) -> Decision[Shipment]:
    """Decide what an event changes in the shipment of its order.

    Args:
        shipment: as it is now; None if fulfilment has received nothing about the order.
        message: an event that the consumer subscribes to.
        context: its subject is the order.
    """
    match message, shipment:
        case OrderConfirmed(), None:
            return Change(_to_ship(message, context))
        case CancellationRequested(), None:
            tombstone = Shipment(order_id=message.order_id, status=ShipmentStatus.CANCELLED)
            return _not_shipped(tombstone, message, context)
        case CancellationRequested(), Shipment(status=ShipmentStatus.TO_SHIP):
            return _not_shipped(shipment, message, context)
        case ((ReturnRequested() | ReturnWithdrawn()), Shipment(sent=True)):
            return _announced(shipment, message, context)
        case _, None:
            return Nothing("there is no shipment")
        case _:
            return Nothing(f"the shipment is {shipment.status}")


def _to_ship(confirmed: OrderConfirmed, context: Context) -> Shipment:
    return Shipment(
        order_id=confirmed.order_id,
        status=ShipmentStatus.TO_SHIP,
        user_id=confirmed.user_id,
        user_email=confirmed.user_email,
        items=confirmed.items,
        total=confirmed.total,
        payment_method=confirmed.payment_method,
        shipping_address=confirmed.shipping_address,
        shipping=confirmed.shipping,
        tax=confirmed.tax,
        story=(Step(what="OrderConfirmed", at=context.now),),
    )


def _not_shipped(shipment: Shipment, request: CancellationRequested, context: Context) -> Change[Shipment]:
    step = Step(what="ShipmentCancelled", at=context.now)
    cancelled = _with(
        shipment, step, status=ShipmentStatus.CANCELLED, cancel_reason=request.reason, cancel_note=request.note
    )
    return Change(cancelled, [_cancelled_event(cancelled)])


def _announced(shipment: Shipment, message: ReturnRequested | ReturnWithdrawn, context: Context) -> Decision[Shipment]:
    """A return was requested or withdrawn. The withdrawal may be the first event about it that arrives."""
    withdrawn = isinstance(message, ReturnWithdrawn)
    known = shipment.find_return(message.return_id)
    step = Step(what=message.event_type.name, at=context.now, about=message.return_id)
    if known is None:
        announced = Return(
            return_id=message.return_id,
            lines=message.lines,
            reason=message.reason,
            status=ReturnStatus.WITHDRAWN if withdrawn else ReturnStatus.EXPECTED,
            requested_at=context.now,
        )
        return Change(_with(shipment, step, returns=(*shipment.returns, announced)))
    if withdrawn and known.status is ReturnStatus.EXPECTED:
        return Change(_with_return(shipment, step, known, status=ReturnStatus.WITHDRAWN))
    return Nothing(f"the return is {known.status}")


# --- what staff do ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ship:
    """The parcel was given to a carrier.

    Attributes:
        tracking_url: the carrier's page about the parcel; None for the page in the list of carriers.
    """

    carrier: str
    tracking_number: str
    tracking_url: str | None = None


@dataclass(frozen=True)
class Deliver:
    """The parcel was handed over. `cash` is what the courier collected; None if the order was paid before."""

    cash: Money | None = None


@dataclass(frozen=True)
class CameBack:
    """The parcel came back. `lines` say how many pieces of each product can be sold again."""

    reason: ParcelReturn
    lines: tuple[InspectedLine, ...]


@dataclass(frozen=True)
class Lose:
    """The parcel is lost: none of its pieces can be sold again."""


@dataclass(frozen=True)
class ReceiveReturn:
    """A return has arrived."""

    return_id: str
    lines: tuple[InspectedLine, ...]


@dataclass(frozen=True)
class RefuseReturn:
    """The shop refuses a return as a whole, or it never arrived. `note` is for the shopper."""

    return_id: str
    reason: ReturnRefusal
    note: str | None = None


type Command = Ship | Deliver | CameBack | Lose | ReceiveReturn | RefuseReturn


def act(
    shipment: Shipment | None, command: Command, by: str, context: Context, order_status: Callable[[], str]
) -> Decision[Shipment]:
    """Decide on a command of staff about a shipment.

    Args:
        shipment: as it is now; None if there is none.
        command: what the member of staff did.
        by: user id of the member of staff.
        context: its subject is the order.
        order_status: reads the present OrderStatus of the order, consistently. It is called only before shipping.

    Returns:
        The change; Nothing if the same command was carried out before.

    Raises:
        NotFound: there is no such shipment or return.
        Conflict: the state does not allow it, or the command was carried out before with another content.
        InvalidInput: the lines or the cash do not fit the order.
    """
    if shipment is None:
        raise NotFound("shipment")
    step = Step(what=type(command).__name__, at=context.now, by=by)
    match command:
        case Ship():
            return _ship(shipment, command, step, order_status)
        case Deliver():
            return _deliver(shipment, command, step)
        case CameBack():
            _require_all_of("lines", command.lines, shipment.pieces)
            return _came_back(shipment, command.reason, command.lines, step)
        case Lose():
            lost = tuple(InspectedLine(product_id=product, write_off=n) for product, n in shipment.pieces.items())
            return _came_back(shipment, ParcelReturn.LOST, lost, step)
        case ReceiveReturn():
            return _receive(shipment, command, step)
        case RefuseReturn():
            return _refuse(shipment, command, step)


class ParcelAction(StrEnum):
    """What staff may do with a parcel; the last part of the route's path."""

    SHIP = "ship"
    DELIVER = "deliver"
    CAME_BACK = "came-back"
    LOST = "lost"


class ReturnAction(StrEnum):
    """What staff may do with a return; the last part of the route's path."""

    RECEIVE = "receive"
    REFUSE = "refuse"


def actions_on(shipment: Shipment, now: datetime) -> tuple[ParcelAction, ...]:
    """What staff may do with the parcel now: the rule itself is asked.

    Shipping can still be refused afterwards, if the order is being cancelled: the order's status is not read here.
    """
    whole = tuple(InspectedLine(product_id=product, restock=n) for product, n in shipment.pieces.items())
    examples: Mapping[ParcelAction, Command] = {
        ParcelAction.SHIP: Ship("carrier", "number"),
        ParcelAction.DELIVER: Deliver(shipment.cash_due),
        ParcelAction.CAME_BACK: CameBack(ParcelReturn.REFUSED, whole),
        ParcelAction.LOST: Lose(),
    }
    return tuple(action for action, command in examples.items() if _allows(shipment, command, now))


def actions_on_return(shipment: Shipment, return_: Return, now: datetime) -> tuple[ReturnAction, ...]:
    """What staff may do with a return of the shipment now: the rule itself is asked."""
    pieces = ((InspectedLine(product_id=line.product_id, restock=1),) for line in return_.lines)
    receive = any(_allows(shipment, ReceiveReturn(return_.return_id, piece), now) for piece in pieces)
    refuse = _allows(shipment, RefuseReturn(return_.return_id, ReturnRefusal.OTHER), now)
    possible = {ReturnAction.RECEIVE: receive, ReturnAction.REFUSE: refuse}
    return tuple(action for action, allowed in possible.items() if allowed)


def _allows(shipment: Shipment, command: Command, now: datetime) -> bool:
    context = Context(shipment.order_id, "", now)
    try:
        return isinstance(act(shipment, command, "", context, lambda: OrderStatus.CONFIRMED), Change)
    except Refusal:
        return False


def _ship(shipment: Shipment, command: Ship, step: Step, order_status: Callable[[], str]) -> Decision[Shipment]:
    parcel = Parcel(
        carrier=command.carrier,
        tracking_number=command.tracking_number,
        tracking_url=command.tracking_url or tracking_url(command.carrier, command.tracking_number),
    )
    if shipment.parcel is not None:
        return _repeated(shipment.parcel == parcel, "shipped", f"It was shipped with {_in_words(shipment.parcel)}.")
    if shipment.status is not ShipmentStatus.TO_SHIP:
        raise Conflict("order-cancelled", "This order was cancelled. Do not ship it.", shipmentStatus=shipment.status)
    status = order_status()
    if status != OrderStatus.CONFIRMED:
        # The request to cancel is on its way to fulfilment.
        raise Conflict("cancellation-requested", "This order is being cancelled. Do not ship it.", orderStatus=status)
    shipped = _with(shipment, step, status=ShipmentStatus.SHIPPED, parcel=parcel)
    return Change(shipped, [_dispatched_event(shipped)])


def _in_words(parcel: Parcel) -> str:
    return f"{parcel.carrier}, {parcel.tracking_number}"


def _deliver(shipment: Shipment, command: Deliver, step: Step) -> Decision[Shipment]:
    cash = _cash_of(shipment, command.cash)
    if shipment.status is ShipmentStatus.DELIVERED:
        said = f"It was delivered, with {shipment.cash} collected." if cash is not None else ""
        return _repeated(shipment.cash == cash, "delivered", said or "It was delivered.")
    _require_shipped(shipment)
    delivered = _with(shipment, step, status=ShipmentStatus.DELIVERED, delivered_at=step.at, cash=cash)
    return Change(delivered, [_delivered_event(delivered)])


def _cash_of(shipment: Shipment, cash: Money | None) -> Money | None:
    """What was collected; None if nothing was due.

    Raises:
        InvalidInput: cash is due and none is given; or none is due and some is given; or it is more than is due.
    """
    due = shipment.cash_due
    if due is None:
        if cash is not None:
            raise InvalidInput("cash", "has to be left out: this order was paid by card")
        return None
    if cash is None:
        raise InvalidInput("cash", f"is needed: {due} is due in cash. Say 0 if nothing was collected.")
    if cash.currency != due.currency or cash.amount > due.amount:
        raise InvalidInput("cash", f"can be at most {due}")
    return cash


def _came_back(
    shipment: Shipment, reason: ParcelReturn, lines: tuple[InspectedLine, ...], step: Step
) -> Decision[Shipment]:
    if shipment.status is ShipmentStatus.RETURNED:
        same = (shipment.came_back, _counted(shipment.inspected)) == (reason, _counted(lines))
        return _repeated(same, "returned", f"It was booked as {shipment.came_back} before.")
    _require_shipped(shipment)
    returned = _with(shipment, step, status=ShipmentStatus.RETURNED, came_back=reason, inspected=lines)
    return Change(returned, [_returned_event(returned)])


def _receive(shipment: Shipment, command: ReceiveReturn, step: Step) -> Decision[Shipment]:
    known = _return_of(shipment, command.return_id)
    lines = tuple(line for line in command.lines if line.quantity)
    if known.status is ReturnStatus.RECEIVED:
        return _repeated(_counted(known.received) == _counted(lines), "return-received", "It was received before.")
    if not known.open:
        raise Conflict("return-settled", "This return was refused.", returnStatus=known.status)
    if not lines:
        raise InvalidInput("lines", "name nothing that arrived. Refuse the return where nothing is taken.")
    _require_at_most(lines, known, shipment)
    received = _with_return(shipment, step, known, status=ReturnStatus.RECEIVED, received=lines)
    return Change(received, [_received_event(received, command.return_id)])


def _refuse(shipment: Shipment, command: RefuseReturn, step: Step) -> Decision[Shipment]:
    known = _return_of(shipment, command.return_id)
    if known.status is ReturnStatus.REFUSED:
        same = (known.refusal, known.note) == (command.reason, command.note)
        return _repeated(same, "return-refused", "It was refused for another reason.")
    if not known.open:
        raise Conflict("return-settled", "This return was received.", returnStatus=known.status)
    refused = _with_return(
        shipment, step, known, status=ReturnStatus.REFUSED, refusal=command.reason, note=command.note
    )
    return Change(refused, [_refused_event(refused, command.return_id)])


def _return_of(shipment: Shipment, return_id: str) -> Return:
    known = shipment.find_return(return_id)
    if known is None:
        raise NotFound("return")
    return known


def _repeated(same: bool, done: str, said: str) -> Nothing:
    if not same:
        raise Conflict(f"{done}-otherwise", said)
    return Nothing("it was done before")


def _require_shipped(shipment: Shipment) -> None:
    if shipment.status is not ShipmentStatus.SHIPPED:
        raise Conflict(
            "not-under-way",
            f"This parcel is not on its way: it is {shipment.status}.",
            shipmentStatus=shipment.status,
        )


def _require_all_of(field: str, lines: Sequence[InspectedLine], pieces: Mapping[str, int]) -> None:
    """Raise InvalidInput unless the lines account for every piece of the parcel."""
    found = _counted(lines)
    for product, number in pieces.items():
        count = sum(found.pop(product, (0, 0)))
        if count != number:
            raise InvalidInput(field, f"have to account for {number} of {product}, and name {count}")
    for product in found:
        raise InvalidInput(field, f"name {product}, which is not in this order")


def _require_at_most(lines: Sequence[InspectedLine], known: Return, shipment: Shipment) -> None:
    """Raise InvalidInput unless every piece is part of the return, and was not received before."""
    announced = {line.product_id: line.quantity for line in known.lines}
    left = shipment.pieces
    for each in shipment.returns:
        left.subtract({line.product_id: line.quantity for line in each.received})
    for index, line in enumerate(lines):
        if line.product_id not in announced:
            raise InvalidInput(f"lines.{index}.productId", "is not in this return")
    for product, found in _counted(lines).items():
        most = min(announced[product], left[product])
        if sum(found) > most:
            raise Conflict(
                "more-than-announced",
                f"{sum(found)} of {product} cannot be received: {announced[product]} were announced, "
                f"and {max(0, left[product])} are still out.",
                productId=product,
                most=max(0, most),
            )


def _counted(lines: Sequence[InspectedLine]) -> dict[str, tuple[int, int]]:
    """Pieces to restock and to write off, by product."""
    found: dict[str, tuple[int, int]] = {}
    for line in lines:
        restock, write_off = found.get(line.product_id, (0, 0))
        found[line.product_id] = restock + line.restock, write_off + line.write_off
    return found


def _with(shipment: Shipment, step: Step, **changes: Any) -> Shipment:
    return shipment.model_copy(update={**changes, "story": (*shipment.story, step)})


def _with_return(shipment: Shipment, step: Step, known: Return, **changes: Any) -> Shipment:
    changed = known.model_copy(update=changes)
    returns = tuple(changed if each is known else each for each in shipment.returns)
    return _with(shipment, step.model_copy(update={"about": known.return_id}), returns=returns)


# --- events -------------------------------------------------------------------------------------------------------


def _whole(shipment: Shipment) -> dict[str, Any]:
    """The data that every event about a whole order carries."""
    return {
        "order_id": shipment.order_id,
        "user_id": shipment.user_id,
        "user_email": shipment.user_email,
        "items": shipment.items,
        "shipping": shipment.shipping,
        "tax": shipment.tax,
        "total": shipment.total,
    }


def _cancelled_event(shipment: Shipment) -> ShipmentCancelled:
    reason = shipment.cancel_reason or CancelReason.OTHER
    return ShipmentCancelled(order_id=shipment.order_id, reason=reason, note=shipment.cancel_note)


def _dispatched_event(shipment: Shipment) -> ShipmentDispatched:
    assert shipment.parcel, "it was shipped"
    return ShipmentDispatched(
        **_whole(shipment),
        carrier=shipment.parcel.carrier,
        tracking_number=shipment.parcel.tracking_number,
        tracking_url=shipment.parcel.tracking_url,
        shipping_address=shipment.shipping_address,
        cash_due=shipment.cash_due,
    )


def _delivered_event(shipment: Shipment) -> ShipmentDelivered:
    return ShipmentDelivered(**_whole(shipment), delivered_at=shipment.delivered_at, cash=shipment.cash)


def _returned_event(shipment: Shipment) -> ShipmentReturned:
    reason = shipment.came_back or ParcelReturn.OTHER
    return ShipmentReturned(order_id=shipment.order_id, reason=reason, lines=shipment.inspected)


def _received_event(shipment: Shipment, return_id: str) -> ReturnReceived:
    lines = _return_of(shipment, return_id).received
    return ReturnReceived(**_whole(shipment), return_id=return_id, lines=lines)


def _refused_event(shipment: Shipment, return_id: str) -> ReturnRefused:
    known = _return_of(shipment, return_id)
    reason = known.refusal or ReturnRefusal.OTHER
    return ReturnRefused(**_whole(shipment), return_id=return_id, reason=reason, note=known.note)


def awaited(shipment: Shipment) -> tuple[EventData, ...]:
    """The events that a consumer may still wait for while the shipment is in this state."""
    events: list[EventData] = []
    match shipment.status:
        case ShipmentStatus.CANCELLED:
            events.append(_cancelled_event(shipment))
        case ShipmentStatus.SHIPPED:
            events.append(_dispatched_event(shipment))
        case ShipmentStatus.DELIVERED:
            events += [_dispatched_event(shipment), _delivered_event(shipment)]
        case ShipmentStatus.RETURNED:
            events += [_dispatched_event(shipment), _returned_event(shipment)]
        case ShipmentStatus.TO_SHIP:
            pass
    for each in shipment.returns:
        if each.status is ReturnStatus.RECEIVED:
            events.append(_received_event(shipment, each.return_id))
        elif each.status is ReturnStatus.REFUSED:
            events.append(_refused_event(shipment, each.return_id))
    return tuple(events)


# --- somebody leaves ----------------------------------------------------------------------------------------------


def erased(shipment: Shipment | None, context: Context) -> Decision[Shipment]:
    """The shipment without its person. Where there is none, a tombstone: an `OrderConfirmed` that comes after all ships
    nothing, and does not say where to.

    Args:
        shipment: None where fulfilment has heard nothing of the order.
        context: its subject is the order.
    """
    if shipment is None:
        shipment = Shipment(order_id=context.subject, status=ShipmentStatus.CANCELLED)
    elif shipment.user_email == ERASED:
        return Nothing("the person is erased")
    changes = {
        "user_email": ERASED,
        "shipping_address": None,
        "parcel": None,
        "cancel_note": None,
        "returns": tuple(each.model_copy(update={"note": None}) for each in shipment.returns),
    }
    return Change(shipment.model_copy(update=changes), forgets=True)
