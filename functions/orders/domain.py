"""What may happen to an order. Pure: the rules of the contract, and nothing that reads or writes.

PENDING ──InventoryReserved──> RESERVED ──PaymentSucceeded──> CONFIRMED
   │ └──────────────────────PaymentSucceeded──────────────────────┘│
   │                              │                                │
   ├──InventoryReservationFailed──┼──> REJECTED                    │
   └──PaymentFailed, shopper ─────┴──PaymentFailed, shopper ──> CANCELLED <── shopper
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from cloudretail.decider import Change, Decision, Nothing
from cloudretail.errors import Conflict
from cloudretail.event import EventData
from cloudretail.model import Model, RequestModel, asks
from cloudretail.money import Money, total
from cloudretail.text import Line
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected
from contract.payments import PaymentDeclined, PaymentFailed, PaymentRefunded, PaymentRefundFailed, PaymentSucceeded
from contract.values import CancelReason, OrderItem, PaymentFailure, PaymentMethod, RefusalReason, Shortage

PLACE_WITHIN = timedelta(hours=24)
"""How long inventory may take to hear of an order: a replay next week must not surprise a shopper."""

MAX_LINES = 50
"""Lines of an order: with its reservation they fit into one transaction of 100 items."""


class OrderStatus(StrEnum):
    """Where an order stands; REJECTED and CANCELLED are final."""

    PENDING = "PENDING"
    RESERVED = "RESERVED"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class ShippingAddress(RequestModel):
    """Where the goods go."""

    name: Annotated[str, Line(max_length=100), asks("Enter your full name.")]
    line1: Annotated[str, Line(max_length=200), asks("Enter your street and number.")]
    line2: Annotated[str, Line(max_length=200, min_length=0)] | None = None
    city: Annotated[str, Line(max_length=100), asks("Enter your city.")]
    postal_code: Annotated[str, Line(max_length=20), asks("Enter your postal code.")]
    country: Annotated[
        str,
        Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["SG"]),
        asks("Choose a country."),
    ]


class HistoryEntry(Model):
    """One step of the order's story.

    Attributes:
        event: name of what happened.
        at: when the order heard of it.
        caused_by: id of the event or request.
        status: of the order afterwards.
        reason: where there is one to tell.
        attempt: for a declined payment, which one.
        shortages: for a rejected order, what was missing.
    """

    event: str
    at: datetime
    caused_by: str
    status: OrderStatus
    reason: str | None = None
    attempt: int | None = None
    shortages: tuple[Shortage, ...] = ()


class Order(Model):
    """An order as it is stored.

    Attributes:
        total_amount: minor units of `currency`.
        place_by: until when inventory may reserve it.
        payment_method: chosen at checkout (COD), or the one that succeeded.
        reserved_until: while it is RESERVED.
        fingerprint: of the request that placed it, to tell a repetition from another request with its key.
        history: each transition and each fact worth telling.
    """

    order_id: str
    user_id: str
    user_email: str
    status: OrderStatus
    items: tuple[OrderItem, ...]
    total_amount: int
    currency: str
    created_at: datetime
    place_by: datetime
    shipping_address: ShippingAddress
    payment_method: PaymentMethod | None = None
    reserved_until: datetime | None = None
    fingerprint: str
    history: tuple[HistoryEntry, ...]

    @property
    def total(self) -> Money:
        return Money(amount=self.total_amount, currency=self.currency)

    def heard_of(self, cause: str) -> bool:
        """Whether the event or request `cause` is part of the story already."""
        return any(entry.caused_by == cause for entry in self.history)


@dataclass(frozen=True)
class CancelByShopper:
    """The shopper asks to call the order off."""


type Message = EventData | CancelByShopper


def decide(order: Order, message: Message, cause: str, now: datetime) -> Decision[Order]:
    """What `message` means for `order`.

    Args:
        order: as it is now.
        message: an event that the consumer subscribes to, or the shopper's command.
        cause: id of the event or request.
        now: aware.

    Returns:
        The change, or Nothing where the order's state does not listen to it.
    """
    match message, order.status:
        case InventoryReserved(until=until), OrderStatus.PENDING:
            return Change(_moved(order, OrderStatus.RESERVED, "InventoryReserved", cause, now, until=until))
        case InventoryReservationFailed(reason=refusal, shortages=shortages), OrderStatus.PENDING:
            rejected = _moved(
                order,
                OrderStatus.REJECTED,
                "InventoryReservationFailed",
                cause,
                now,
                reason=refusal,
                shortages=shortages,
            )
            return Change(rejected, [_rejected(rejected, refusal, shortages)])
        case PaymentSucceeded(method=method), (OrderStatus.PENDING | OrderStatus.RESERVED):
            confirmed = _moved(order, OrderStatus.CONFIRMED, "PaymentSucceeded", cause, now, method=method)
            return Change(confirmed, [OrderConfirmed(**_common(confirmed), payment_method=method)])
        case PaymentFailed(reason=failure), (OrderStatus.PENDING | OrderStatus.RESERVED):
            return _cancelled(order, "PaymentFailed", _CANCEL_REASONS[failure], cause, now)
        case CancelByShopper(), (OrderStatus.PENDING | OrderStatus.RESERVED | OrderStatus.CONFIRMED):
            return _cancelled(order, "CancelledByShopper", CancelReason.BY_SHOPPER, cause, now)
        case (PaymentDeclined() | PaymentRefunded() | PaymentRefundFailed()) as told, _:
            return _noted(order, told, cause, now)
        case _:
            return Nothing(f"the order is {order.status}")


_CANCEL_REASONS = {
    PaymentFailure.DECLINED: CancelReason.PAYMENT_DECLINED,
    PaymentFailure.WINDOW_CLOSED: CancelReason.PAYMENT_WINDOW_CLOSED,
    PaymentFailure.OTHER: CancelReason.OTHER,
}


def _moved(
    order: Order,
    status: OrderStatus,
    event: str,
    cause: str,
    now: datetime,
    *,
    until: datetime | None = None,
    method: PaymentMethod | None = None,
    reason: str | None = None,
    shortages: Sequence[Shortage] = (),
) -> Order:
    entry = HistoryEntry(event=event, at=now, caused_by=cause, status=status, reason=reason, shortages=tuple(shortages))
    return order.model_copy(
        update={
            "status": status,
            "reserved_until": until,
            "payment_method": method or order.payment_method,
            "history": (*order.history, entry),
        }
    )


def _cancelled(order: Order, event: str, reason: CancelReason, cause: str, now: datetime) -> Decision[Order]:
    cancelled = _moved(order, OrderStatus.CANCELLED, event, cause, now, reason=reason)
    return Change(cancelled, [OrderCancelled(**_common(cancelled), reason=reason)])


def _rejected(order: Order, reason: RefusalReason, shortages: Sequence[Shortage]) -> OrderRejected:
    return OrderRejected(**_common(order), reason=reason, shortages=tuple(shortages))


def _noted(
    order: Order,
    told: PaymentDeclined | PaymentRefunded | PaymentRefundFailed,
    cause: str,
    now: datetime,
) -> Decision[Order]:
    """A fact for the story that moves nothing. Told twice, it is noted once."""
    if order.heard_of(cause):
        return Nothing("noted already")
    entry = HistoryEntry(
        event=told.event_type.name,
        at=now,
        caused_by=cause,
        status=order.status,
        reason=None if isinstance(told, PaymentRefunded) else told.reason,
        attempt=told.attempt if isinstance(told, PaymentDeclined) else None,
    )
    return Change(order.model_copy(update={"history": (*order.history, entry)}))


def _common(order: Order) -> dict[str, Any]:
    """What every event of an order carries."""
    return {
        "order_id": order.order_id,
        "user_id": order.user_id,
        "user_email": order.user_email,
        "items": order.items,
        "total": order.total,
    }


# --- checkout ---------------------------------------------------------------------------------------------------


class PaymentChoice(StrEnum):
    """What may be chosen at checkout already; a card is paid with afterwards, when the goods are held."""

    COD = "COD"


class Checkout(RequestModel):
    """The shopper's order.

    Attributes:
        shipping_address: where the goods go.
        cart_version: of the cart that the shopper saw.
        payment_method: COD, or None to choose later.
    """

    shipping_address: ShippingAddress
    cart_version: Annotated[int, Field(strict=True, ge=0)]
    payment_method: PaymentChoice | None = None

    @property
    def fingerprint(self) -> str:
        """Two requests with the same content have the same one."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()


class Listed(Model):
    """What checkout needs to know of a product today."""

    product_id: str
    name: str
    price: Money


class CartLine(Model):
    """A line of the cart, with the price that the shopper accepted."""

    product_id: str
    quantity: int
    unit_price: Money


class Cart(Model):
    """The cart as the cart service stored it; a cart that was never filled has version 0."""

    items: tuple[CartLine, ...] = ()
    version: int = 0


def order_id_of(user_id: str, idempotency_key: str) -> str:
    """The id of the order that this user places with this key: the same request is the same order.

    Derived, so that a repetition finds it without a second record that could expire; 100 bits of SHA-256, in base 32.
    """
    digest = hashlib.sha256(f"{user_id}\0{idempotency_key}".encode()).digest()
    return "ord_" + base64.b32encode(digest).decode()[:20].lower()


def place(
    checkout: Checkout,
    cart: Cart,
    products: Mapping[str, Listed],
    available: Mapping[str, int],
    *,
    order_id: str,
    user_id: str,
    user_email: str,
    cause: str,
    now: datetime,
) -> Change[Order]:
    """The order that `checkout` makes of `cart`.

    Args:
        checkout: the request.
        cart: as it is now.
        products: today's name and price by product id; a product that is gone is missing.
        available: units that can be reserved, by product id.
        order_id: derived by `order_id_of`.
        user_id: the owner.
        user_email: verified address of the owner.
        cause: id of the request.
        now: aware.

    Raises:
        Conflict: the cart is not the one that the shopper saw, is empty or too long, a price or the stock is no longer
            what was accepted; `lines` tells which and how.
    """
    if cart.version != checkout.cart_version:
        raise Conflict(
            "cart-changed",
            "Your cart has changed since you last saw it. Please check it and place your order again.",
            cartVersion=cart.version,
        )
    if not cart.items:
        raise Conflict("cart-empty", "Your cart is empty.")
    if len(cart.items) > MAX_LINES:
        raise Conflict("too-many-lines", f"An order can have up to {MAX_LINES} different products. Please remove some.")
    _require_unchanged(cart, products, available)
    items = tuple(
        OrderItem(
            product_id=line.product_id,
            name=products[line.product_id].name,
            quantity=line.quantity,
            unit_price=line.unit_price,
        )
        for line in cart.items
    )
    sum_ = total((item.unit_price * item.quantity for item in items), items[0].unit_price.currency)
    method = PaymentMethod(checkout.payment_method) if checkout.payment_method else None
    order = Order(
        order_id=order_id,
        user_id=user_id,
        user_email=user_email,
        status=OrderStatus.PENDING,
        items=items,
        total_amount=sum_.amount,
        currency=sum_.currency,
        created_at=now,
        place_by=now + PLACE_WITHIN,
        shipping_address=checkout.shipping_address,
        payment_method=method,
        fingerprint=checkout.fingerprint,
        history=(HistoryEntry(event="OrderPlaced", at=now, caused_by=cause, status=OrderStatus.PENDING),),
    )
    placed = OrderPlaced(**_common(order), placed_at=now, place_by=order.place_by, payment_method=order.payment_method)
    return Change(order, [placed])


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
