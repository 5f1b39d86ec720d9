"""The public contract: every event that the shop publishes, by its explicit name and version.

A name is a constant, never derived from a class: renaming a class must not rename a contract. Version 2 of an event
stands beside version 1 until no consumer reads the old one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from cloudretail.model import Model
from cloudretail.money import Money

type OrderId = Annotated[str, Field(min_length=1, max_length=64, examples=["ord_3f5xk2m7qa"])]
type ProductId = Annotated[str, Field(min_length=1, max_length=64, examples=["canvas-backpack"])]
type PaymentId = Annotated[str, Field(min_length=1, max_length=64, examples=["pay_3f5xk2m7qa"])]
type Email = Annotated[str, Field(min_length=3, max_length=254)]
type Quantity = Annotated[int, Field(ge=1)]
type Attempt = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class EventType:
    """The name under which an event is known outside.

    Attributes:
        service: the producer.
        name: EventBridge's detail-type.
        version: of the data's schema.
    """

    service: str
    name: str
    version: int = 1

    @property
    def source(self) -> str:
        return f"cloudretail.{self.service}"

    @property
    def type(self) -> str:
        return f"cloudretail.{self.service}.{self.name}.v{self.version}"

    @property
    def dataschema(self) -> str:
        return f"urn:cloudretail:schema:{self.service}:{self.name}:v{self.version}"


class PaymentMethod(StrEnum):
    """How a shopper pays: cash on delivery, or a card."""

    COD = "COD"
    CARD = "CARD"


class RefusalReason(StrEnum):
    """Why stock was not reserved: not enough of it, or the order was too old when it was heard of."""

    SOLD_OUT = "SOLD_OUT"
    EXPIRED = "EXPIRED"


class PaymentFailure(StrEnum):
    """Why a payment failed for good: declined three times, or the reservation's window closed."""

    DECLINED = "DECLINED"
    WINDOW_CLOSED = "WINDOW_CLOSED"


class CancelReason(StrEnum):
    """Why an order was cancelled."""

    BY_SHOPPER = "BY_SHOPPER"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    PAYMENT_WINDOW_CLOSED = "PAYMENT_WINDOW_CLOSED"


class OrderItem(Model):
    """One line of an order, as the shopper saw it when ordering."""

    product_id: ProductId
    name: str
    quantity: Quantity
    unit_price: Money


class StockLine(Model):
    """A quantity of one product."""

    product_id: ProductId
    quantity: Quantity


class Shortage(Model):
    """A product that could not be reserved, and how many were left."""

    product_id: ProductId
    requested: Quantity
    available: Annotated[int, Field(ge=0)]


class EventData(Model):
    """The data of an event; every event is about an order."""

    event_type: ClassVar[EventType]

    order_id: OrderId


class OrderEventData(EventData):
    """What every event of the orders service carries, so that nobody has to ask back."""

    user_id: str
    user_email: Email
    items: Annotated[tuple[OrderItem, ...], Field(min_length=1)]
    total: Money


class OrderPlaced(OrderEventData):
    """A shopper checked out. Inventory reserves all lines or none until `place_by`, and refuses afterwards."""

    event_type = EventType("orders", "OrderPlaced")

    placed_at: datetime
    place_by: datetime
    payment_method: PaymentMethod | None = None


class OrderConfirmed(OrderEventData):
    """The order is paid."""

    event_type = EventType("orders", "OrderConfirmed")

    payment_method: PaymentMethod


class OrderRejected(OrderEventData):
    """The order could not be reserved; nothing was charged."""

    event_type = EventType("orders", "OrderRejected")

    reason: RefusalReason
    shortages: tuple[Shortage, ...] = ()


class OrderCancelled(OrderEventData):
    """The order was called off; stock and money go back to where they came from."""

    event_type = EventType("orders", "OrderCancelled")

    reason: CancelReason


class InventoryReserved(EventData):
    """All lines of the order are held for it."""

    event_type = EventType("inventory", "InventoryReserved")

    lines: tuple[StockLine, ...]
    until: datetime


class InventoryReservationFailed(EventData):
    """No line of the order is held."""

    event_type = EventType("inventory", "InventoryReservationFailed")

    reason: RefusalReason
    shortages: tuple[Shortage, ...] = ()


class InventoryReleased(EventData):
    """What was held or sold for the order is available again."""

    event_type = EventType("inventory", "InventoryReleased")

    lines: tuple[StockLine, ...]


class InventoryCommitted(EventData):
    """What was held for the order is sold."""

    event_type = EventType("inventory", "InventoryCommitted")

    lines: tuple[StockLine, ...]


class PaymentEventData(EventData):
    """What every event of the payments service carries."""

    payment_id: PaymentId


class PaymentSubmitted(PaymentEventData):
    """Attempt `attempt` is to be made at the provider."""

    event_type = EventType("payments", "PaymentSubmitted")

    attempt: Attempt
    amount: Money
    method: PaymentMethod


class PaymentSucceeded(PaymentEventData):
    """The provider accepted attempt `attempt`."""

    event_type = EventType("payments", "PaymentSucceeded")

    attempt: Attempt
    amount: Money
    method: PaymentMethod


class PaymentDeclined(PaymentEventData):
    """The provider declined attempt `attempt` of `max_attempts`; the shopper may try again."""

    event_type = EventType("payments", "PaymentDeclined")

    attempt: Attempt
    max_attempts: Attempt
    reason: str


class PaymentFailed(PaymentEventData):
    """The order will not be paid."""

    event_type = EventType("payments", "PaymentFailed")

    reason: PaymentFailure


class RefundRequested(PaymentEventData):
    """The money of a successful attempt is to be given back by the provider."""

    event_type = EventType("payments", "RefundRequested")

    attempt: Attempt
    amount: Money
    method: PaymentMethod


class PaymentRefunded(PaymentEventData):
    """The provider gave the money back."""

    event_type = EventType("payments", "PaymentRefunded")

    user_email: Email
    amount: Money
    method: PaymentMethod


class PaymentRefundFailed(PaymentEventData):
    """The provider refused the refund for good: a person must act."""

    event_type = EventType("payments", "PaymentRefundFailed")

    user_email: Email
    amount: Money
    method: PaymentMethod
    reason: str


EVENTS: tuple[type[EventData], ...] = (
    OrderPlaced,
    OrderConfirmed,
    OrderRejected,
    OrderCancelled,
    InventoryReserved,
    InventoryReservationFailed,
    InventoryReleased,
    InventoryCommitted,
    PaymentSubmitted,
    PaymentSucceeded,
    PaymentDeclined,
    PaymentFailed,
    RefundRequested,
    PaymentRefunded,
    PaymentRefundFailed,
)

BY_TYPE: dict[str, type[EventData]] = {event.event_type.type: event for event in EVENTS}
