"""The orders API: check out, look at one's orders, call one off."""

from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail.decider import Decision
from cloudretail.errors import Conflict, LostRace, NotFound, Problem, Transient, invalid
from cloudretail.http import Api, Cursor, IdempotencyKey, IdInPath, Limit, Page, answers, decode_cursor, encode_cursor
from cloudretail.identity import Caller
from cloudretail.model import Model
from cloudretail.money import Money
from cloudretail.repository import transact
from cloudretail.settings import load
from cloudretail.telemetry import record
from contract.values import OrderItem, PaymentMethod
from orders.domain import (
    CancelByShopper,
    Checkout,
    HistoryEntry,
    Order,
    OrderStatus,
    ShippingAddress,
    decide,
    order_id_of,
    place,
)
from orders.store import CheckoutSettings, CheckoutStore, OwnedOrders

api = Api()


class PlacedOrder(Model):
    """The order is taken; what becomes of it, its page tells."""

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
        reserved_until: until when the goods are held; only while the order is RESERVED.
        story: what happened, oldest first.
    """

    shipping_address: ShippingAddress
    payment_method: PaymentMethod | None
    reserved_until: datetime | None
    story: tuple[HistoryEntry, ...]


@cache
def _settings() -> CheckoutSettings:
    return load(CheckoutSettings)


def _orders_of(caller: Caller) -> OwnedOrders:
    return OwnedOrders(_settings().orders_table, caller.user_id)


@api.post(
    "/api/orders",
    status_code=HTTPStatus.ACCEPTED,
    summary="Check out",
    tags=["Orders"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT),
)
def check_out(checkout: Checkout, idempotency_key: IdempotencyKey) -> PlacedOrder:
    caller = api.caller
    order_id = order_id_of(caller.user_id, idempotency_key)
    store = CheckoutStore(_settings(), caller.user_id)
    # The second time round finds the order that a request with the same key has placed at the same moment.
    for _ in range(2):
        existing, cart = store.order_and_cart(order_id)
        if existing:
            return _repeated(existing, checkout)
        now = datetime.now(UTC)
        basket = store.basket(cart)
        change = place(
            checkout,
            basket.cart,
            basket.products,
            basket.available,
            order_id=order_id,
            user_id=caller.user_id,
            user_email=caller.email,
            cause=api.cause.id,
            now=now,
        )
        try:
            store.place(change, checkout.cart_version, api.cause, now)
        except LostRace:
            continue
        record(change, message="Checkout", event_id=api.cause.id, keys={"order_id": order_id})
        return PlacedOrder(order_id=order_id, status=OrderStatus.PENDING)
    raise Transient("the order was placed, but cannot be read yet")


def _repeated(order: Order, checkout: Checkout) -> PlacedOrder:
    """The same answer to the same request; a key may not be used for another one."""
    if order.fingerprint != checkout.fingerprint:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "You have already placed an order from this page. You can find it in your orders.",
            errors=[{"field": "Idempotency-Key", "message": "You have already placed an order from this page."}],
        )
    return PlacedOrder(order_id=order.order_id, status=OrderStatus.PENDING)


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
    cause, now = api.cause, datetime.now(UTC)

    def answer(order: Order | None) -> Decision[Order]:
        if order is None:
            raise NotFound("order")
        return decide(order, CancelByShopper(), cause.id, now)

    settled = transact(_orders_of(api.caller), order_id, answer, cause, now)
    record(settled.decision, message="CancelByShopper", event_id=cause.id, keys={"order_id": order_id})
    if settled.state is None:
        raise NotFound("order")
    # An order that is cancelled already is what was asked for.
    if settled.state.status is not OrderStatus.CANCELLED:
        status = settled.state.status
        raise Conflict("not-cancellable", "This order can no longer be cancelled.", orderStatus=status)
    return _view(settled.state)


def _view(order: Order) -> OrderView:
    return OrderView(
        order_id=order.order_id,
        status=order.status,
        items=order.items,
        total=order.total,
        created_at=order.created_at,
        shipping_address=order.shipping_address,
        payment_method=order.payment_method,
        reserved_until=order.reserved_until,
        story=order.history,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
