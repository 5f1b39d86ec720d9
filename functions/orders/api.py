"""The orders API. Shoppers check out, read and cancel their orders, return goods, and keep addresses for the next
checkout. Staff see the orders of all."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AfterValidator, Field

from cloudretail.errors import NotFound
from cloudretail.http import Api, Cursor, IdempotencyKey, IdInPath, Limit, Page, answers, decode_place, encode_cursor
from cloudretail.identity import Caller
from cloudretail.model import Model, RequestModel, asks
from cloudretail.money import Money
from cloudretail.repository import DynamoDBRepository
from cloudretail.settings import load
from cloudretail.text import Line
from contract.values import Address, CancelReason, OrderStatus, ProductId, each_product_once
from orders import commands
from orders.address_book import AddressBook
from orders.domain import MAX_LINES, Cancel, PlaceOrder, RequestReturn, Shopper, order_id_of
from orders.returns import return_id_of
from orders.search import EVERYTHING, by_email, sought
from orders.store import (
    ADDRESS_BOOKS,
    CheckoutSettings,
    CheckoutStore,
    DynamoDBOrders,
    EveryonesOrders,
    OwnedOrders,
)
from orders.views import (
    Customer,
    KeptAddresses,
    NewAddress,
    OrderSummary,
    OrderView,
    ShippingAddress,
    StaffOrder,
    StaffOrderSummary,
    staff_summary,
    staff_view,
    view,
)

api = Api()


class PaymentChoice(StrEnum):
    """The payment methods of checkout. Cards are not among them: a shopper pays by card once the goods are reserved."""

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


class ReturnChoice(StrEnum):
    """The reasons for a return that a shopper can choose from."""

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
    """Why the shop cancels an order.

    Attributes:
        note: for the shopper, who reads it in a mail and on the order's page.
    """

    note: Annotated[str, Line(max_length=500), asks("Enter what the shopper is to read.")]


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
    return view(row.state)


@api.post(
    "/api/orders/<order_id>/cancel",
    status_code=HTTPStatus.ACCEPTED,
    summary="Call an order off",
    tags=["Orders"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def cancel_order(order_id: IdInPath) -> OrderView:
    settled = commands.cancel(_orders_of(api.caller), order_id, Cancel(), api.cause, datetime.now(UTC))
    return view(api.recorded(settled, command="CancelByShopper", order_id=order_id))


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
    return view(api.recorded(settled, command="RequestReturn", order_id=order_id))


@api.post(
    "/api/orders/<order_id>/returns/<return_id>/withdraw",
    status_code=HTTPStatus.ACCEPTED,
    summary="Call a return off",
    tags=["Orders"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def withdraw_return(order_id: IdInPath, return_id: IdInPath) -> OrderView:
    settled = commands.withdraw(_orders_of(api.caller), order_id, return_id, api.cause, datetime.now(UTC))
    return view(api.recorded(settled, command="WithdrawReturn", order_id=order_id))


@cache
def _address_books() -> DynamoDBRepository[AddressBook]:
    return DynamoDBRepository(_settings().addresses_table, ADDRESS_BOOKS)


@api.get(
    "/api/account/addresses",
    summary="The addresses that the caller keeps for the next checkout",
    tags=["Account"],
    responses=answers(HTTPStatus.OK),
)
def list_addresses() -> KeptAddresses:
    return KeptAddresses.of(commands.addresses(_address_books(), api.caller.user_id))


@api.put(
    "/api/account/addresses/<address_id>",
    summary="Keep an address, under an id of the client's choice; answers all of them",
    tags=["Account"],
    responses=answers(HTTPStatus.OK, HTTPStatus.CONFLICT),
)
def save_address(address_id: IdInPath, new: NewAddress) -> KeptAddresses:
    address = Address.model_validate(new.shipping_address.model_dump())
    book = commands.save_address(
        _address_books(),
        api.caller.user_id,
        address_id,
        address,
        is_default=new.is_default,
        cause=api.cause,
        now=datetime.now(UTC),
    )
    return KeptAddresses.of(book)


@api.delete(
    "/api/account/addresses/<address_id>",
    summary="Keep an address no longer; answers those that are left",
    tags=["Account"],
    responses=answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
)
def remove_address(address_id: IdInPath) -> KeptAddresses:
    book = commands.remove_address(_address_books(), api.caller.user_id, address_id, api.cause, datetime.now(UTC))
    return KeptAddresses.of(book)


@api.get(
    "/api/admin/orders",
    summary="Everybody's orders, newest first (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def find_orders(
    status: Annotated[OrderStatus | None, Query(description="Only those in this state.")] = None,
    q: Annotated[
        str | None, Query(max_length=254, description="An order's number or id, or the e-mail address of its shopper.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[StaffOrderSummary]:
    after = decode_place(cursor, "orderId", "createdAt")
    wanted = sought(q) if q and q.strip() else ("status", status) if status else EVERYTHING
    rows, position = EveryonesOrders(_settings()).newest(wanted, limit, after)
    # The index may be behind: an order whose status has changed since is not in this list any more.
    found = tuple(staff_summary(row.state) for row in rows if status in (None, row.state.status))
    return Page(items=found, next_cursor=encode_cursor(position))


@api.get(
    "/api/admin/orders/<order_id>",
    summary="Anybody's order, with its story (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def get_staff_order(order_id: IdInPath) -> StaffOrder:
    row = EveryonesOrders(_settings()).load(order_id)
    if row is None:
        raise NotFound("order")
    return staff_view(row.state)


@api.get(
    "/api/admin/customers",
    summary="Who has ordered with an e-mail address, and what (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def find_customer(
    email: Annotated[str, Query(min_length=3, max_length=254, pattern="@")], limit: Limit = 20, cursor: Cursor = None
) -> Customer:
    after = decode_place(cursor, "orderId", "createdAt")
    key = by_email(email)
    rows, position = EveryonesOrders(_settings()).newest(key, limit, after)
    return Customer(
        email=key[1],
        name=rows[0].state.shipping_address.name if rows else None,
        orders=tuple(staff_summary(row.state) for row in rows),
        next_cursor=encode_cursor(position),
    )


@api.post(
    "/api/admin/orders/<order_id>/cancel",
    status_code=HTTPStatus.ACCEPTED,
    summary="Call an order off for the shop (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def cancel_for_shop(order_id: IdInPath, cancellation: Cancellation) -> StaffOrder:
    command = Cancel(CancelReason.BY_SHOP, cancellation.note, api.staff.user_id)
    settled = commands.cancel(DynamoDBOrders(_settings()), order_id, command, api.cause, datetime.now(UTC))
    return staff_view(api.recorded(settled, command="CancelByShop", order_id=order_id))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
