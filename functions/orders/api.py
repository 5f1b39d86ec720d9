"""The orders API: check out, look at one's orders, call one off."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from cloudretail.errors import NotFound, invalid
from cloudretail.http import Api, Cursor, IdempotencyKey, IdInPath, Limit, Page, answers, decode_cursor, encode_cursor
from cloudretail.identity import Caller
from cloudretail.model import Model, RequestModel, asks
from cloudretail.money import Money
from cloudretail.settings import load
from cloudretail.text import Line
from contract.values import CodRefusal, OrderItem, OrderStatus, PaymentMethod
from orders import commands
from orders.domain import Cancel, HistoryEntry, Order, PlaceOrder, Shopper, order_id_of
from orders.store import CheckoutSettings, CheckoutStore, OwnedOrders

api = Api()


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


class OrderView(OrderSummary):
    """An order with its story.

    Attributes:
        cod_refusal: why it cannot be paid in cash on delivery; null where it can.
        reserved_until: until when the goods are held; only while the order is RESERVED.
        story: what happened, oldest first.
    """

    shipping_address: ShippingAddress
    payment_method: PaymentMethod | None
    cod_refusal: CodRefusal | None
    reserved_until: datetime | None
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
    items, position = _orders_of(api.caller).history(limit, _after(cursor))
    summaries = tuple(
        OrderSummary.model_validate({**item, "total": {"amount": item["totalAmount"], "currency": item["currency"]}})
        for item in items
    )
    return Page(items=summaries, next_cursor=encode_cursor(position))


def _after(cursor: str | None) -> dict[str, Any] | None:
    position = decode_cursor(cursor, "orderId", "createdAt")
    if position and not all(isinstance(value, str) and value for value in position.values()):
        raise invalid("cursor", "is not a cursor of this list")
    return position


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


def _view(order: Order) -> OrderView:
    return OrderView(
        order_id=order.order_id,
        status=order.status,
        items=order.items,
        total=order.total,
        created_at=order.created_at,
        shipping_address=ShippingAddress.model_validate(order.shipping_address.model_dump()),
        payment_method=order.payment_method,
        cod_refusal=order.cod_refusal,
        reserved_until=order.reserved_until,
        story=order.history,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
