"""What the events of several services have in common: ids, lines, reasons.

A reason is open text on the bus. A consumer reads an unknown reason as OTHER, so a producer may add reasons without a
new version.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Protocol, Self

from pydantic import Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.money import Money

type OrderId = Annotated[str, Field(min_length=1, max_length=64, examples=["ord_3f5xk2m7qa"])]
type ProductId = Annotated[str, Field(min_length=1, max_length=64, examples=["canvas-backpack"])]
type PaymentId = Annotated[str, Field(min_length=1, max_length=64, examples=["pay_3f5xk2m7qa"])]
type ReturnId = Annotated[str, Field(min_length=1, max_length=64, examples=["ret_9c4hd81xwe"])]
type RefundId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="What it gives back: a return (its id), the whole order, or an attempt that nothing waited for",
        examples=["ret_9c4hd81xwe", "cancellation", "attempt:2"],
    ),
]
CANCELLATION = "cancellation"
"""Id of the refund of a cancelled order, which is all that is left of its payment."""

type DisputeId = Annotated[str, Field(min_length=1, max_length=255, examples=["du_1MtJUT2eZvKYlo2CNaw2HvEv"])]

type UserId = Annotated[str, Field(min_length=1, max_length=64, examples=["7f0f6b1e-2c61-4f0c-8c68-3d2f0c1a9e57"])]
type Email = Annotated[str, Field(min_length=3, max_length=254)]
type Quantity = Annotated[int, Field(ge=1)]
type Attempt = Annotated[int, Field(ge=1)]


ERASED = "erased@invalid"
"""In the place of an e-mail address whose owner has left. No mail server can have it (RFC 2606)."""


def order_number(order_id: str) -> str:
    """The number of an order for people: the ten characters after the prefix, as on the order's page."""
    return _number(order_id.removeprefix("ord_"))


def return_number(return_id: str) -> str:
    """The number of a return for people: the shopper writes it on a note in the parcel."""
    return _number(return_id.removeprefix("ret_"))


def _number(random_part: str) -> str:
    return "".join(filter(str.isalnum, random_part))[:10].upper()


class OrderEvent(EventData):
    """The data of an event about an order."""

    order_id: OrderId

    @property
    def subject(self) -> str:
        return self.order_id

    @property
    def keys(self) -> Mapping[str, str]:
        return {"order_id": self.order_id}


class Reason(StrEnum):
    """Base of reasons. Every subclass needs a member OTHER, as which an unknown text is read."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("OTHER") if isinstance(value, str) else None

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        del schema, handler
        known = [member.value for member in cls if member.value != "OTHER"]
        said = f"{(cls.__doc__ or '').strip()} Take one that you do not know as OTHER."
        return {"type": "string", "title": cls.__name__, "description": said, "examples": known}


class PaymentMethod(StrEnum):
    """How a shopper pays: cash on delivery, or a card."""

    COD = "COD"
    CARD = "CARD"


class OrderStatus(StrEnum):
    """The status of an order. REJECTED and CANCELLED are final; a DELIVERED order can still have returns.

    CANCELLING: shopper or shop wants to cancel it, and only fulfilment knows whether the parcel has left.
    """

    PENDING = "PENDING"
    RESERVED = "RESERVED"
    CONFIRMED = "CONFIRMED"
    CANCELLING = "CANCELLING"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class Paid(Reason):
    """Whether money was taken for an order when it ended; UNKNOWN where an attempt may still be running."""

    YES = "YES"
    NO = "NO"
    UNKNOWN = "UNKNOWN"
    OTHER = "OTHER"


class DisputeOutcome(StrEnum):
    """How a dispute about a charge ended, for the shop."""

    WON = "WON"
    LOST = "LOST"


class RefusalReason(Reason):
    """Why stock was not reserved: there was not enough, or the order was too old when its event arrived."""

    SOLD_OUT = "SOLD_OUT"
    EXPIRED = "EXPIRED"
    OTHER = "OTHER"


class PaymentFailure(Reason):
    """Why a payment failed for good: declined three times, or the reservation's window closed."""

    DECLINED = "DECLINED"
    WINDOW_CLOSED = "WINDOW_CLOSED"
    OTHER = "OTHER"


class CancelReason(Reason):
    """Why an order was cancelled. The last three before OTHER are about a parcel that came back, or never arrived."""

    BY_SHOPPER = "BY_SHOPPER"
    BY_SHOP = "BY_SHOP"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    PAYMENT_WINDOW_CLOSED = "PAYMENT_WINDOW_CLOSED"
    PARCEL_REFUSED = "PARCEL_REFUSED"
    PARCEL_UNDELIVERABLE = "PARCEL_UNDELIVERABLE"
    PARCEL_LOST = "PARCEL_LOST"
    OTHER = "OTHER"


class ParcelReturn(Reason):
    """Why a parcel came back, or will not arrive."""

    REFUSED = "REFUSED"
    UNDELIVERABLE = "UNDELIVERABLE"
    LOST = "LOST"
    OTHER = "OTHER"


class ReturnReason(Reason):
    """Why a shopper sends something back."""

    CHANGED_MIND = "CHANGED_MIND"
    DAMAGED = "DAMAGED"
    WRONG_ITEM = "WRONG_ITEM"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    OTHER = "OTHER"


class ReturnRefusal(Reason):
    """Why the shop takes nothing of a return back."""

    NEVER_ARRIVED = "NEVER_ARRIVED"
    NOT_OURS = "NOT_OURS"
    USED = "USED"
    OTHER = "OTHER"


class MailFeedback(Reason):
    """What SES reports about a mail that it had accepted. The values are those of `eventType` in its events."""

    BOUNCE = "Bounce"
    COMPLAINT = "Complaint"
    OTHER = "OTHER"


class CodRefusal(Reason):
    """Why an order cannot be paid in cash on delivery. Checkout writes it on the order, and it holds for good."""

    TOO_MUCH_OPEN = "TOO_MUCH_OPEN"
    TOO_EXPENSIVE = "TOO_EXPENSIVE"
    NOT_OFFERED_HERE = "NOT_OFFERED_HERE"
    NO_PHONE = "NO_PHONE"
    OTHER = "OTHER"

    @property
    def detail(self) -> str:
        """A sentence for the shopper."""
        why = _WHY_NO_CASH.get(self)
        return f"You can't pay this order in cash{f': {why}' if why else ''}. Please choose another way to pay."


_WHY_NO_CASH = {
    CodRefusal.TOO_MUCH_OPEN: "with your other open orders it comes to more than we can hand over unpaid",
    CodRefusal.TOO_EXPENSIVE: "it comes to more than our couriers collect",
    CodRefusal.NOT_OFFERED_HERE: "our couriers do not collect cash where it goes to",
    CodRefusal.NO_PHONE: "our couriers call before they collect cash, and it has no phone number",
}


class OrderItem(Model):
    """One line of an order, as the shopper saw it when ordering."""

    product_id: ProductId
    name: str
    quantity: Quantity
    unit_price: Money


class AboutProduct(Protocol):
    """A line about one product."""

    @property
    def product_id(self) -> str: ...


def each_product_once[L: AboutProduct](lines: tuple[L, ...]) -> tuple[L, ...]:
    """The lines; raises ValueError if two lines have the same product."""
    if len({line.product_id for line in lines}) < len(lines):
        raise ValueError("have to name each product once")
    return lines


class StockLine(Model):
    """A quantity of one product."""

    product_id: ProductId
    quantity: Quantity


class InspectedLine(Model):
    """What was found of one product at its inspection after coming back, in pieces.

    Attributes:
        restock: good enough to be sold again.
        write_off: broken, or not there at all.
    """

    product_id: ProductId
    restock: Annotated[int, Field(ge=0)] = 0
    write_off: Annotated[int, Field(ge=0)] = 0

    @property
    def quantity(self) -> int:
        return self.restock + self.write_off


class Address(Model):
    """Where the goods go.

    Attributes:
        state: for countries whose couriers need one.
        postal_code: for countries that have postal codes.
        country: ISO 3166-1 alpha-2.
        phone: E.164; the courier calls before they collect cash.
    """

    name: str
    line1: str
    line2: str | None = None
    city: str
    state: str | None = None
    postal_code: str | None = None
    country: str
    phone: str | None = None


class ShippingCharge(Model):
    """How an order is sent, and what that costs.

    Attributes:
        method_id: id of the method in the shop's rates when the order was placed.
        name: the method's name for the shopper, likewise.
    """

    method_id: str
    name: str
    price: Money


class Tax(Model):
    """The tax that a total includes.

    Attributes:
        name: the destination country's name for it.
        basis_points: hundredths of a per cent of the price before tax.
    """

    name: str
    basis_points: int
    amount: Money


class Parcel(Model):
    """What the carrier has of an order.

    Attributes:
        tracking_url: the carrier's page about the parcel; None if it is not known.
    """

    carrier: str
    tracking_number: str
    tracking_url: str | None = None


class Shortage(Model):
    """A product that could not be reserved, and how many were left."""

    product_id: ProductId
    requested: Quantity
    available: Annotated[int, Field(ge=0)]
