"""The inventory API: anybody sees what can be had, operators all counters, and receive goods."""

from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from cloudretail.errors import NotFound
from cloudretail.http import Api, IdempotencyKey, IdInPath, answers
from cloudretail.model import Model, RequestModel
from cloudretail.settings import load
from inventory import commands
from inventory.receipts import ReceiptSettings, Stock, Warehouse

api = Api()


class Availability(Model):
    """How many of a product can be had now."""

    product_id: str
    available: int


class NewReceipt(RequestModel):
    """Goods that arrived."""

    quantity: Annotated[int, Field(strict=True, ge=1, le=100_000)]


class ReceiptView(Model):
    """Goods that were received, and are counted."""

    receipt_id: str
    product_id: str
    quantity: int
    received_at: datetime


@cache
def _warehouse() -> Warehouse:
    return Warehouse(load(ReceiptSettings))


@api.get(
    "/api/inventory/<product_id>",
    summary="The stock of a product: what can be had for anybody, every counter for operators",
    tags=["Inventory"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND),
)
def get_stock(product_id: IdInPath) -> Stock | Availability:
    caller = api.optional_caller
    stock = _warehouse().stock(product_id)
    if stock is None:
        raise NotFound("product in stock")
    if caller and caller.is_operator:
        return stock
    return Availability(product_id=product_id, available=stock.available)


@api.post(
    "/api/inventory/<product_id>/receipts",
    status_code=HTTPStatus.CREATED,
    summary="Receive goods (operators); a request with the same key is counted once",
    tags=["Inventory"],
    responses=answers(
        HTTPStatus.CREATED,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ),
)
def receive_goods(product_id: IdInPath, new: NewReceipt, idempotency_key: IdempotencyKey) -> ReceiptView:
    by, now = api.operator.user_id, datetime.now(UTC)
    receipt = commands.receive_goods(_warehouse(), product_id, idempotency_key, new.quantity, by, now)
    return ReceiptView(
        receipt_id=receipt.receipt_id,
        product_id=receipt.product_id,
        quantity=receipt.quantity,
        received_at=receipt.at,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
