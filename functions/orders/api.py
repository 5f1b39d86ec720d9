"""The orders API: check out, look at one's orders, call one off, send back what was delivered."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AfterValidator, Field

from cloudretail.errors import NotFound
from cloudretail.http import Api, Cursor, IdempotencyKey, IdInPath, Limit, Page, answers, decode_place, encode_cursor
from cloudretail.identity import Caller
from cloudretail.model import Model, RequestModel, asks
from cloudretail.money import Money
from cloudretail.settings import load
from cloudretail.text import Line
from contract.values import (
    CancelReason,
    CodRefusal,
    OrderItem,
    OrderStatus,
    Parcel,
    PaymentMethod,
    ProductId,
    ReturnReason,
    ReturnRefusal,
    ShippingCharge,
    StockLine,
    Tax,
    each_product_once,
)
from orders import commands
from orders.domain import (
    MAX_LINES,
    Cancel,
    HistoryEntry,
    Order,
    PlaceOrder,
    RequestReturn,
    Shopper,
    order_id_of,
)
from orders.returns import Return, ReturnStatus, return_id_of
from orders.store import CheckoutSettings, CheckoutStore, DynamoDBOrders, OwnedOrders

api = Api()


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


class PaymentChoice(StrEnum):
    """What may be chosen at checkout already; a card is paid with afterwards, when the goods are held."""

    COD = "COD"


class Checkout(RequestModel):
    """The shopper's order.

    Attributes:
        shipping_address: where the goods go.
        shipping_method: one of those that `GET /shipping` offers for it.
        total: of items and shipping, that the shopper saw.
        cart_version: of the cart that the shopper saw.
        payment_method: COD, or None to choose later.
    """

    shipping_address: ShippingAddress
    shipping_method: Annotated[str, Field(min_length=1, max_length=40), asks("Choose a delivery.")]
    total: Money
    cart_version: Annotated[int, Field(strict=True, ge=0)]
    payment_method: PaymentChoice | None = None


class PlacedOrder(Model):
    """An order was placed; its page shows what happens to it."""

    order_id: str
    status: OrderStatus


class OrderSummary(Model):
    """An order in the list."""

    order_id: str
    status: OrderStatus
    items: tuple[OrderItem, ...]
    total: Money
    created_at: datetime


class ReturnChoice(StrEnum):
    """Why something is sent back, as it can be chosen."""

    CHANGED_MIND = "CHANGED_MIND"
    DAMAGED = "DAMAGED"
    WRONG_ITEM = "WRONG_ITEM"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    OTHER = "OTHER"


class ReturnLine(RequestModel):
    """How many pieces of a product are sent back."""

    product_id: ProductId
    quantity: Annotated[int, Field(strict=True, ge=1)]


class NewReturn(RequestModel):
    """What is sent back of a delivered order.

    Attributes:
        lines: one for each product.
    """

    lines: Annotated[
        tuple[ReturnLine, ...],
        Field(min_length=1, max_length=MAX_LINES),
        asks("Choose at least one item."),
        AfterValidator(each_product_once),
    ]
    reason: Annotated[ReturnChoice, asks("Choose a reason.")]


class Cancellation(RequestModel):
    """Why the shop calls an order off.

    Attributes:
        note: for the shopper, who reads it in a mail and on the order's page.
    """

    note: Annotated[str, Line(max_length=500), asks("Enter what the shopper is to read.")]


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
        cancellable: whether it can be called off; once it is confirmed, that is a request, as its parcel may have gone.
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


@cache
def _settings() -> CheckoutSettings:
    return load(CheckoutSettings)


def _orders_of(caller: Caller) -> OwnedOrders:
    return OwnedOrders(_settings(), caller.user_id)


@api.post(
    "/api/orders",
    status_code=HTTPStatus.ACCEPTED,
    summary="Check out",
    tags=["Orders"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT),
)
def check_out(checkout: Checkout, idempotency_key: IdempotencyKey) -> PlacedOrder:
    shopper = Shopper(api.caller.user_id, api.caller.email)
    order_id = order_id_of(shopper.user_id, idempotency_key)
    command = PlaceOrder.model_validate(checkout.model_dump())
    checkouts = CheckoutStore(_settings(), shopper.user_id)
    settled = commands.check_out(checkouts, order_id, command, shopper, api.cause, datetime.now(UTC))
    api.recorded(settled, command="Checkout", order_id=order_id)
    return PlacedOrder(order_id=order_id, status=OrderStatus.PENDING)


@api.get(
    "/api/orders",
    summary="The caller's orders, newest first",
    tags=["Orders"],
    responses=answers(HTTPStatus.OK),
)
def list_orders(limit: Limit = 20, cursor: Cursor = None) -> Page[OrderSummary]:
    after = decode_place(cursor, "orderId", "createdAt")
    items, position = _orders_of(api.caller).history(limit, after)
    summaries = tuple(
        OrderSummary.model_validate({**item, "total": {"amount": item["totalAmount"], "currency": item["currency"]}})
        for item in items
    )
    return Page(items=summaries, next_cursor=encode_cursor(position))


@api.get(
    "/api/orders/<order_id>",
    summary="One of the caller's orders, with its story",
    tags=["Orders"],
    responses=answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
)
def get_order(order_id: IdInPath) -> OrderView:
    row = _orders_of(api.caller).load(order_id)
    if row is None:
        raise NotFound("order")
    return _view(row.state)


@api.post(
    "/api/orders/<order_id>/cancel",
    status_code=HTTPStatus.ACCEPTED,
    summary="Call an order off",
    tags=["Orders"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def cancel_order(order_id: IdInPath) -> OrderView:
    settled = commands.cancel(_orders_of(api.caller), order_id, Cancel(), api.cause, datetime.now(UTC))
    return _view(api.recorded(settled, command="CancelByShopper", order_id=order_id))


@api.post(
    "/api/orders/<order_id>/returns",
    status_code=HTTPStatus.ACCEPTED,
    summary="Announce what is sent back of a delivered order",
    tags=["Orders"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def request_return(order_id: IdInPath, new: NewReturn, idempotency_key: IdempotencyKey) -> OrderView:
    command = RequestReturn.model_validate({**new.model_dump(), "return_id": return_id_of(order_id, idempotency_key)})
    settled = commands.send_back(_orders_of(api.caller), order_id, command, api.cause, datetime.now(UTC))
    return _view(api.recorded(settled, command="RequestReturn", order_id=order_id))


@api.post(
    "/api/orders/<order_id>/returns/<return_id>/withdraw",
    status_code=HTTPStatus.ACCEPTED,
    summary="Call a return off",
    tags=["Orders"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def withdraw_return(order_id: IdInPath, return_id: IdInPath) -> OrderView:
    settled = commands.withdraw(_orders_of(api.caller), order_id, return_id, api.cause, datetime.now(UTC))
    return _view(api.recorded(settled, command="WithdrawReturn", order_id=order_id))


@api.post(
    "/api/admin/orders/<order_id>/cancel",
    status_code=HTTPStatus.ACCEPTED,
    summary="Call an order off for the shop (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def cancel_for_shop(order_id: IdInPath, cancellation: Cancellation) -> OrderView:
    command = Cancel(CancelReason.BY_SHOP, cancellation.note)
    settled = commands.cancel(DynamoDBOrders(_settings()), order_id, command, api.cause, datetime.now(UTC))
    return _view(api.recorded(settled, command="CancelByShop", order_id=order_id))


def _view(order: Order) -> OrderView:
    return OrderView(
        order_id=order.order_id,
        status=order.status,
        items=order.items,
        total=order.total,
        created_at=order.created_at,
        shipping=order.shipping,
        tax=order.tax,
        shipping_address=ShippingAddress.model_validate(order.shipping_address.model_dump()),
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
        story=order.history,
    )


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


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
