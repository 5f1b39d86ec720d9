"""The events that orders publish."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from cloudretail.event import EventType
from cloudretail.money import Money
from contract.values import CancelReason, Email, OrderEvent, OrderItem, PaymentMethod, RefusalReason, Shortage


class WholeOrderEvent(OrderEvent):
    """What every event of the orders service carries, so that nobody has to ask back."""

    user_id: str
    user_email: Email
    items: Annotated[tuple[OrderItem, ...], Field(min_length=1)]
    total: Money


class OrderPlaced(WholeOrderEvent):
    """A shopper checked out. Inventory reserves all lines or none until `place_by`, and refuses afterwards."""

    event_type = EventType("orders", "OrderPlaced")

    placed_at: datetime
    place_by: datetime
    payment_method: PaymentMethod | None = None


class OrderConfirmed(WholeOrderEvent):
    """The order is paid."""

    event_type = EventType("orders", "OrderConfirmed")

    payment_method: PaymentMethod


class OrderRejected(WholeOrderEvent):
    """The order could not be reserved; nothing was charged."""

    event_type = EventType("orders", "OrderRejected")

    reason: RefusalReason
    shortages: tuple[Shortage, ...] = ()


class OrderCancelled(WholeOrderEvent):
    """The order was called off; stock and money go back to where they came from."""

    event_type = EventType("orders", "OrderCancelled")

    reason: CancelReason
