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
    """What every event of the orders service carries, so that nobody has to ask back.

    `total` is that of the items and of `shipping`; `tax` is a part of it.
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
    """The order was called off; stock and money go back to where they came from.

    `written_off` does not go back on the shelf. `note` is for the shopper.
    """

    event_type = EventType("orders", "OrderCancelled")

    reason: CancelReason
    note: str | None = None
    paid: Paid | None = None
    written_off: tuple[StockLine, ...] = ()


class CancellationRequested(OrderEvent):
    """The order is to be called off, if its parcel has not gone yet. `note` is for the shopper."""

    event_type = EventType("orders", "CancellationRequested")

    reason: CancelReason
    note: str | None = None


class ReturnRequested(WholeOrderEvent):
    """The shopper sends `lines` of a delivered order back."""

    event_type = EventType("orders", "ReturnRequested")

    return_id: ReturnId
    lines: Annotated[tuple[StockLine, ...], Field(min_length=1)]
    reason: ReturnReason


class ReturnWithdrawn(WholeOrderEvent):
    """The shopper keeps `lines` after all. What arrives of them nevertheless is still taken back."""

    event_type = EventType("orders", "ReturnWithdrawn")

    return_id: ReturnId
    lines: Annotated[tuple[StockLine, ...], Field(min_length=1)]
    reason: ReturnReason


class ReturnAccepted(OrderEvent):
    """What arrived of a return is taken back, and `amount` is owed for it, of which `tax` is a part."""

    event_type = EventType("orders", "ReturnAccepted")

    return_id: ReturnId
    lines: Annotated[tuple[InspectedLine, ...], Field(min_length=1)]
    amount: Money
    tax: Money | None = None
