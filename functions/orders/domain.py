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
from typing import Any

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.errors import Conflict
from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.money import Money, total
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected
from contract.payments import PaymentDeclined, PaymentFailed, PaymentRefunded, PaymentRefundFailed, PaymentSucceeded
from contract.values import (
    CancelReason,
    CodRefusal,
    OrderItem,
    OrderStatus,
    PaymentFailure,
    PaymentMethod,
    RefusalReason,
    Shortage,
)

PLACE_WITHIN = timedelta(hours=24)
"""How long an order may take to reach inventory: a replay next week must not surprise a shopper."""

MAX_LINES = 50
"""Lines of an order: with its reservation they fit into one transaction of 100 items."""


class Address(Model):
    """Where the goods go.

    Attributes:
        country: ISO 3166-1 alpha-2.
    """

    name: str
    line1: str
    line2: str | None = None
    city: str
    postal_code: str
    country: str


class HistoryEntry(Model):
    """One step of the order's story.

    Attributes:
        event: name of what happened.
        at: when the order learned of it.
        caused_by: id of the event or request.
        status: of the order afterwards.
        reason: where there is one.
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


class Held(Model):
    """What one order counts towards the limits of its account.

    Attributes:
        pieces: of all its products.
        cash: minor units that are, or may become, due on delivery.
    """

    pieces: int
    cash: int


class Order(Model):
    """An order as it is stored.

    Attributes:
        total_amount: minor units of `currency`.
        place_by: until when inventory may reserve it.
        payment_method: chosen at checkout (COD), or the one that succeeded.
        cod_refusal: why it cannot be paid in cash; None where it can.
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
    shipping_address: Address
    payment_method: PaymentMethod | None = None
    cod_refusal: CodRefusal | None = None
    reserved_until: datetime | None = None
    fingerprint: str
    history: tuple[HistoryEntry, ...]

    @property
    def total(self) -> Money:
        return Money(amount=self.total_amount, currency=self.currency)

    @property
    def held(self) -> Held | None:
        """What its account holds by it: nothing once it is paid by card, or has ended."""
        paid = self.status is OrderStatus.CONFIRMED and self.payment_method is not PaymentMethod.COD
        if paid or self.status in (OrderStatus.REJECTED, OrderStatus.CANCELLED):
            return None
        # Which method will be chosen is not known yet: as long as it may be cash, it counts as cash.
        return Held(pieces=sum(item.quantity for item in self.items), cash=0 if self.cod_refusal else self.total_amount)

    def has_noted(self, cause: str) -> bool:
        """Whether the event or request `cause` is part of the story already."""
        return any(entry.caused_by == cause for entry in self.history)


@dataclass(frozen=True)
class CancelByShopper:
    """The shopper asks to call the order off."""


type Message = EventData | CancelByShopper


def decide(order: Order, message: Message, context: Context) -> Decision[Order]:
    """What `message` means for `order`.

    Args:
        order: as it is now.
        message: an event that the consumer subscribes to, or the shopper's command.
        context: of the message.

    Returns:
        The change, or Nothing where the order's state does not listen to it.
    """
    match message, order.status:
        case InventoryReserved(until=until), OrderStatus.PENDING:
            return Change(_moved(order, OrderStatus.RESERVED, "InventoryReserved", context, until=until))
        case InventoryReservationFailed(reason=refusal, shortages=shortages), OrderStatus.PENDING:
            rejected = _moved(
                order,
                OrderStatus.REJECTED,
                "InventoryReservationFailed",
                context,
                reason=refusal,
                shortages=shortages,
            )
            return Change(rejected, [_rejected(rejected, refusal, shortages)])
        case PaymentSucceeded(method=method), (OrderStatus.PENDING | OrderStatus.RESERVED):
            confirmed = _moved(order, OrderStatus.CONFIRMED, "PaymentSucceeded", context, method=method)
            return Change(confirmed, [OrderConfirmed(**_common(confirmed), payment_method=method)])
        case PaymentFailed(reason=failure), (OrderStatus.PENDING | OrderStatus.RESERVED):
            return _cancelled(order, "PaymentFailed", _CANCEL_REASONS[failure], context)
        case CancelByShopper(), (OrderStatus.PENDING | OrderStatus.RESERVED | OrderStatus.CONFIRMED):
            return _cancelled(order, "CancelledByShopper", CancelReason.BY_SHOPPER, context)
        case (PaymentDeclined() | PaymentRefunded() | PaymentRefundFailed()) as fact, _:
            return _noted(order, fact, context)
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
    context: Context,
    *,
    until: datetime | None = None,
    method: PaymentMethod | None = None,
    reason: str | None = None,
    shortages: Sequence[Shortage] = (),
) -> Order:
    entry = HistoryEntry(
        event=event,
        at=context.now,
        caused_by=context.cause,
        status=status,
        reason=reason,
        shortages=tuple(shortages),
    )
    return order.model_copy(
        update={
            "status": status,
            "reserved_until": until,
            "payment_method": method or order.payment_method,
            "history": (*order.history, entry),
        }
    )


def _cancelled(order: Order, event: str, reason: CancelReason, context: Context) -> Decision[Order]:
    cancelled = _moved(order, OrderStatus.CANCELLED, event, context, reason=reason)
    return Change(cancelled, [OrderCancelled(**_common(cancelled), reason=reason)])


def _rejected(order: Order, reason: RefusalReason, shortages: Sequence[Shortage]) -> OrderRejected:
    return OrderRejected(**_common(order), reason=reason, shortages=tuple(shortages))


def _noted(
    order: Order, fact: PaymentDeclined | PaymentRefunded | PaymentRefundFailed, context: Context
) -> Decision[Order]:
    """A fact for the story that moves nothing. A duplicate is noted once."""
    if order.has_noted(context.cause):
        return Nothing("noted already")
    entry = HistoryEntry(
        event=fact.event_type.name,
        at=context.now,
        caused_by=context.cause,
        status=order.status,
        reason=None if isinstance(fact, PaymentRefunded) else fact.reason,
        attempt=fact.attempt if isinstance(fact, PaymentDeclined) else None,
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


class PlaceOrder(Model):
    """The shopper's command.

    Attributes:
        shipping_address: where the goods go.
        cart_version: of the cart that the shopper saw.
        payment_method: cash on delivery, or None to choose later, when the goods are held.
    """

    shipping_address: Address
    cart_version: int
    payment_method: PaymentMethod | None = None

    @property
    def fingerprint(self) -> str:
        """Two commands with the same content have the same one."""
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


@dataclass(frozen=True)
class Basket:
    """What checkout decides on.

    Attributes:
        cart: the shopper's, as it is now.
        products: today's name and price by product id; a product that is gone is missing.
        available: units that can be reserved, by product id.
    """

    cart: Cart
    products: Mapping[str, Listed]
    available: Mapping[str, int]


class HoldingLimits(Model):
    """What an account may hold at a time, in orders that are neither paid by card, nor collected, nor ended.

    Attributes:
        orders: how many.
        pieces: of all products.
        cash: minor units that may be due on delivery.
    """

    orders: int
    pieces: int
    cash: int


@dataclass(frozen=True)
class Account:
    """What a shopper's account holds.

    Attributes:
        held: by the order's id.
        limits: what it may hold.
        version: counts the changes of `held`.
    """

    held: Mapping[str, Held]
    limits: HoldingLimits
    version: int = 0

    def refusal_of_cash(self, amount: int) -> CodRefusal | None:
        """Why another order of so many minor units cannot be paid in cash."""
        due = sum(held.cash for held in self.held.values())
        return CodRefusal.TOO_MUCH_OPEN if due + amount > self.limits.cash else None

    def require_room_for(self, pieces: int) -> None:
        """Raises Conflict if the account may hold no other order, or not so many more pieces."""
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


def order_id_of(user_id: str, idempotency_key: str) -> str:
    """The id of the order that this user places with this key: the same request is the same order.

    Derived, so that a repetition finds it without a second record that could expire; 100 bits of SHA-256, in base 32.
    """
    digest = hashlib.sha256(f"{user_id}\0{idempotency_key}".encode()).digest()
    return "ord_" + base64.b32encode(digest).decode()[:20].lower()


def place(command: PlaceOrder, basket: Basket, account: Account, shopper: Shopper, context: Context) -> Change[Order]:
    """The order that `command` makes of a basket.

    Args:
        command: the shopper's.
        basket: as it is now.
        account: what the shopper holds already.
        shopper: who orders.
        context: its subject is the order's id, derived by `order_id_of`.

    Raises:
        Conflict: the cart is not the one that the shopper saw, is empty or too long, a price or the stock is no longer
            what was accepted (`lines` says which and how), or the account may not hold another such order.
    """
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
    sum_ = total((item.unit_price * item.quantity for item in items), items[0].unit_price.currency)
    cod_refusal = account.refusal_of_cash(sum_.amount)
    if cod_refusal and command.payment_method is PaymentMethod.COD:
        raise Conflict("cod-refused", cod_refusal.detail, codRefusal=cod_refusal, limit=account.limits.cash)
    order = Order(
        order_id=context.subject,
        user_id=shopper.user_id,
        user_email=shopper.email,
        status=OrderStatus.PENDING,
        items=items,
        total_amount=sum_.amount,
        currency=sum_.currency,
        created_at=now,
        place_by=now + PLACE_WITHIN,
        shipping_address=command.shipping_address,
        payment_method=command.payment_method,
        cod_refusal=cod_refusal,
        fingerprint=command.fingerprint,
        history=(HistoryEntry(event="OrderPlaced", at=now, caused_by=context.cause, status=OrderStatus.PENDING),),
    )
    placed = OrderPlaced(**_common(order), placed_at=now, place_by=order.place_by, payment_method=order.payment_method)
    return Change(order, [placed])


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
