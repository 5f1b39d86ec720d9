"""The answers of the orders API: an order as its shopper sees it, and as staff see it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from cloudretail.model import Model, RequestModel, asks
from cloudretail.money import Money
from cloudretail.text import Line
from contract.values import (
    CodRefusal,
    OrderItem,
    OrderStatus,
    Parcel,
    PaymentMethod,
    ReturnReason,
    ReturnRefusal,
    ShippingCharge,
    StockLine,
    Tax,
)
from orders.address_book import AddressBook
from orders.domain import HistoryEntry, Order, RecordedEntry
from orders.returns import Return, ReturnStatus


class ShippingAddress(RequestModel):
    """Where the goods go."""

    name: Annotated[str, Line(max_length=100), asks("Enter your full name.")]
    line1: Annotated[str, Line(max_length=200), asks("Enter your street and number.")]
    line2: Annotated[str, Line(max_length=200, min_length=0)] | None = None
    city: Annotated[str, Line(max_length=100), asks("Enter your city.")]
    state: Annotated[str, Line(max_length=100, min_length=0)] | None = None
    postal_code: Annotated[str, Line(max_length=20, min_length=0)] | None = None
    country: Annotated[
        str,
        Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["SG"]),
        asks("Choose a country."),
    ]
    phone: Annotated[str, Line(max_length=30, min_length=0)] | None = None


class NewAddress(RequestModel):
    """An address to be kept, under the names that checkout has for its fields.

    Attributes:
        shipping_address: where goods go.
        is_default: whether checkout begins with it from now on.
    """

    shipping_address: ShippingAddress
    is_default: Annotated[bool, Field(strict=True)] = False


class KeptAddress(Model):
    """An address that the account keeps.

    Attributes:
        shipping_address: where goods go.
        is_default: whether checkout begins with it.
    """

    address_id: str
    shipping_address: ShippingAddress
    is_default: bool


class KeptAddresses(Model):
    """All addresses that the account keeps, in the order in which they were first saved."""

    items: tuple[KeptAddress, ...]

    @classmethod
    def of(cls, book: AddressBook) -> "KeptAddresses":
        return cls(
            items=tuple(
                KeptAddress(
                    address_id=each.address_id,
                    shipping_address=ShippingAddress.model_validate(each.address.model_dump()),
                    is_default=each.address_id == book.default_id,
                )
                for each in book.addresses
            )
        )


class OrderSummary(Model):
    """An order in the list."""

    order_id: str
    status: OrderStatus
    items: tuple[OrderItem, ...]
    total: Money
    created_at: datetime


class ReturnView(Model):
    """A return.

    Attributes:
        lines: what the shopper sends back.
        taken: what the shop has accepted of it.
        amount: what is owed for that; null until it is known.
        refusal: why nothing was accepted.
        note: what the shop writes about it to the shopper.
    """

    return_id: str
    lines: tuple[StockLine, ...]
    taken: tuple[StockLine, ...]
    reason: ReturnReason
    status: ReturnStatus
    requested_at: datetime
    amount: Money | None
    refusal: ReturnRefusal | None
    note: str | None


class OrderView(OrderSummary):
    """An order with its story.

    Attributes:
        shipping: how it is sent, and what that costs.
        tax: that the total includes; null where prices include none.
        cancellable: whether it can be cancelled; once it is confirmed, that is a request, as its parcel may have gone.
        parcel: once it was handed to the carrier.
        returnable_until: until when something can be sent back; null before it is delivered.
        returnable: how many pieces of each product can be sent back now.
        returns: what was sent back, oldest first.
        cod_refusal: why it cannot be paid in cash on delivery; null where it can.
        reserved_until: until when the goods are held; only while the order is RESERVED.
        story: what happened, oldest first.
    """

    shipping: ShippingCharge
    tax: Tax | None
    shipping_address: ShippingAddress
    payment_method: PaymentMethod | None
    cod_refusal: CodRefusal | None
    reserved_until: datetime | None
    cancellable: bool
    parcel: Parcel | None
    delivered_at: datetime | None
    returnable_until: datetime | None
    returnable: tuple[StockLine, ...]
    returns: tuple[ReturnView, ...]
    story: tuple[HistoryEntry, ...]


class StaffAction(StrEnum):
    """What staff can ask of orders; the last part of the route's path."""

    CANCEL = "cancel"


class StaffOrderSummary(Model):
    """An order in the back office's list.

    Attributes:
        number: what people call it.
        email: of its shopper.
        name, country: of the delivery address.
        pieces: of all its products.
        payment_method: null until one is chosen.
        disputed: whether the shopper's bank has taken the money back, and has not decided yet.
    """

    order_id: str
    number: str
    status: OrderStatus
    placed_at: datetime
    email: str
    name: str
    country: str
    pieces: int
    total: Money
    payment_method: PaymentMethod | None
    disputed: bool


class StaffOrder(StaffOrderSummary):
    """An order with its story, as staff see it. `actions` are those of orders only; shipments and payments have theirs.

    Attributes:
        shipping: how it is sent, and what that costs.
        tax: that the total includes; null where prices include none.
        cod_refusal: why it cannot be paid in cash on delivery; null where it can.
        reserved_until: until when the goods are held; only while the order is RESERVED.
        parcel: once it was handed to the carrier.
        collected: what the courier has taken in cash; null until that is known.
        returnable_until: until when something can be sent back; null before it is delivered.
        returns: what was sent back, oldest first.
        story: what happened and who did it, oldest first.
        actions: what can be done with the order now.
    """

    items: tuple[OrderItem, ...]
    shipping: ShippingCharge
    tax: Tax | None
    shipping_address: ShippingAddress
    cod_refusal: CodRefusal | None
    reserved_until: datetime | None
    parcel: Parcel | None
    delivered_at: datetime | None
    collected: Money | None
    returnable_until: datetime | None
    returns: tuple[ReturnView, ...]
    story: tuple[RecordedEntry, ...]
    actions: tuple[StaffAction, ...]


class Customer(Model):
    """The orders of an e-mail address, which may have none.

    Attributes:
        name: of the newest delivery address among these orders; null without any.
        orders: newest first, a page of them.
    """

    email: str
    name: str | None
    orders: tuple[StaffOrderSummary, ...]
    next_cursor: str | None = None


def view(order: Order) -> OrderView:
    """The order as its shopper sees it."""
    return OrderView(
        order_id=order.order_id,
        status=order.status,
        items=order.items,
        total=order.total,
        created_at=order.created_at,
        shipping=order.shipping,
        tax=order.tax,
        shipping_address=_address(order),
        payment_method=order.payment_method,
        cod_refusal=order.cod_refusal,
        reserved_until=order.reserved_until,
        cancellable=order.cancellable,
        parcel=order.parcel,
        delivered_at=order.delivered_at,
        returnable_until=order.returnable_until,
        returnable=tuple(
            StockLine(product_id=product_id, quantity=quantity)
            for product_id, quantity in order.returnable_at(datetime.now(UTC)).items()
        ),
        returns=tuple(_return_view(order, each) for each in order.returns),
        # A shopper does not see which member of staff did something: HistoryEntry has no `by`.
        story=tuple(HistoryEntry.model_validate(step.model_dump()) for step in order.history),
    )


def staff_summary(order: Order) -> StaffOrderSummary:
    """The order in the back office's list."""
    return StaffOrderSummary(
        order_id=order.order_id,
        number=order.number,
        status=order.status,
        placed_at=order.created_at,
        email=order.user_email,
        name=order.shipping_address.name,
        country=order.shipping_address.country,
        pieces=sum(item.quantity for item in order.items),
        total=order.total,
        payment_method=order.payment_method,
        disputed=order.is_disputed,
    )


def staff_view(order: Order) -> StaffOrder:
    """The order as staff see it."""
    return StaffOrder(
        **staff_summary(order).model_dump(),
        items=order.items,
        shipping=order.shipping,
        tax=order.tax,
        shipping_address=_address(order),
        cod_refusal=order.cod_refusal,
        reserved_until=order.reserved_until,
        parcel=order.parcel,
        delivered_at=order.delivered_at,
        collected=None if order.collected is None else Money(amount=order.collected, currency=order.currency),
        returnable_until=order.returnable_until,
        returns=tuple(_return_view(order, each) for each in order.returns),
        story=order.history,
        actions=(StaffAction.CANCEL,) if order.cancellable else (),
    )


def _address(order: Order) -> ShippingAddress:
    return ShippingAddress.model_validate(order.shipping_address.model_dump())


def _return_view(order: Order, each: Return) -> ReturnView:
    return ReturnView(
        return_id=each.return_id,
        lines=each.lines,
        taken=tuple(StockLine(product_id=line.product_id, quantity=line.quantity) for line in each.taken),
        reason=each.reason,
        status=each.status,
        requested_at=each.requested_at,
        amount=None if each.amount is None else Money(amount=each.amount, currency=order.currency),
        refusal=each.refusal,
        note=each.note,
    )
