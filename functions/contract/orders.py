"""The events that orders publish."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from cloudretail.event import EventType
from cloudretail.money import Money
from contract.values import (
    Address,
    CancelReason,
    Email,
    InspectedLine,
    OrderEvent,
    OrderItem,
    Paid,
    PaymentMethod,
    RefusalReason,
    ReturnId,
    ReturnReason,
    ShippingCharge,
    Shortage,
    StockLine,
    Tax,
)


class WholeOrderEvent(OrderEvent):
    """The data of an event about a whole order, so that no consumer has to read the order.

    `total` is the sum of the items and `shipping`. `tax` is a part of it.
    """

    user_id: str
    user_email: Email
    items: Annotated[tuple[OrderItem, ...], Field(min_length=1)]
    shipping: ShippingCharge | None = None
    tax: Tax | None = None
    total: Money


class OrderPlaced(WholeOrderEvent):
    """A shopper checked out. Inventory reserves all lines or none until `place_by`, and refuses afterwards."""

    event_type = EventType("orders", "OrderPlaced")

    placed_at: datetime
    place_by: datetime
    payment_method: PaymentMethod | None = None
    shipping_address: Address | None = None


class OrderConfirmed(WholeOrderEvent):
    """The order is paid, or its cash will be collected: it can be shipped."""

    event_type = EventType("orders", "OrderConfirmed")

    payment_method: PaymentMethod
    shipping_address: Address | None = None


class OrderRejected(WholeOrderEvent):
    """The order could not be reserved; nothing was charged."""

    event_type = EventType("orders", "OrderRejected")

    reason: RefusalReason
    shortages: tuple[Shortage, ...] = ()


class OrderCancelled(WholeOrderEvent):
    """The order was cancelled. Its stock is released, and its payment is refunded.

    The pieces in `written_off` do not go back on the shelf. `note` is for the shopper.
    """

    event_type = EventType("orders", "OrderCancelled")

    reason: CancelReason
    note: str | None = None
    paid: Paid | None = None
    written_off: tuple[StockLine, ...] = ()


class CancellationRequested(OrderEvent):
    """The order is to be cancelled, if its parcel has not left yet. `note` is for the shopper."""

    event_type = EventType("orders", "CancellationRequested")

    reason: CancelReason
    note: str | None = None


class ReturnRequested(WholeOrderEvent):
    """The shopper wants to send `lines` of a delivered order back."""

    event_type = EventType("orders", "ReturnRequested")

    return_id: ReturnId
    lines: Annotated[tuple[StockLine, ...], Field(min_length=1)]
    reason: ReturnReason


class ReturnWithdrawn(WholeOrderEvent):
    """The shopper keeps `lines` after all. If they arrive nevertheless, they are still taken back."""

    event_type = EventType("orders", "ReturnWithdrawn")

    return_id: ReturnId
    lines: Annotated[tuple[StockLine, ...], Field(min_length=1)]
    reason: ReturnReason


class ReturnAccepted(OrderEvent):
    """The shop takes back what arrived of a return, and owes `amount` for it. `tax` is a part of the amount."""

    event_type = EventType("orders", "ReturnAccepted")

    return_id: ReturnId
    lines: Annotated[tuple[InspectedLine, ...], Field(min_length=1)]
    amount: Money
    tax: Money | None = None
