"""The inventory API. Everybody sees what is available, operators see all counters, and staff change and watch stock."""

import uuid
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from cloudretail.errors import NotFound
from cloudretail.http import Api, Cursor, IdempotencyKey, IdInPath, Limit, Page, answers, decode_place, encode_cursor
from cloudretail.model import Model, RequestModel, asks
from cloudretail.settings import load
from cloudretail.text import Line
from inventory.commands import change_stock
from inventory.movements import (
    Command,
    Count,
    Damage,
    Levels,
    Movement,
    MovementKind,
    OrdersEffect,
    Receive,
    Request,
    Watch,
    effects_before,
)
from inventory.warehouse import DynamoDBWarehouse, WarehouseSettings

api = Api()

MAX_UNITS = 100_000
"""The most units of a product in one movement: it catches typing errors."""


class Availability(Model):
    """How many of a product are available now."""

    product_id: str
    available: int


class Stock(Model):
    """The counters of a product: available + reserved + sold + writtenOff = received + adjusted, always.

    Attributes:
        low_at: the threshold: stock is low at so many available, or fewer; null for no threshold.
    """

    product_id: str
    available: int
    reserved: int
    sold: int
    received: int
    written_off: int
    adjusted: int
    low_at: int | None


class StaffStock(Stock):
    """The stock of a product in the back office; `name` is what the catalogue calls it."""

    name: str


class NewReceipt(RequestModel):
    """Goods that arrived."""

    quantity: Annotated[int, Field(strict=True, ge=1, le=MAX_UNITS), asks("Enter how many have arrived.")]


class AdjustmentReason(StrEnum):
    """Why there are more or fewer on the shelf than the counters say.

    COUNT: they were counted. DAMAGE: they cannot be sold.
    """

    COUNT = "COUNT"
    DAMAGE = "DAMAGE"


class NewAdjustment(RequestModel):
    """A correction of the counters by what is on the shelf.

    Attributes:
        delta: how many more are available; negative for fewer.
        note: for readers of the history.
    """

    delta: Annotated[
        int, Field(strict=True, ge=-MAX_UNITS, le=MAX_UNITS), asks("Enter how many there are more, or fewer.")
    ]
    reason: Annotated[AdjustmentReason, asks("Choose a reason.")]
    note: Annotated[str, Line(max_length=500, min_length=0)] | None = None


class NewThreshold(RequestModel):
    """The threshold of a product: its stock is low at so many available, or fewer; null for no threshold."""

    low_at: Annotated[int, Field(strict=True, ge=0, le=MAX_UNITS)] | None


class MovementView(Model):
    """What a member of staff did to the stock of a product.

    Attributes:
        delta: how many more were available afterwards.
        by: user id of the member of staff.
        before, after: the counters.
    """

    movement_id: str
    product_id: str
    kind: MovementKind
    delta: int
    note: str | None
    by: str
    at: datetime
    before: Levels
    after: Levels


class HistoryMovement(MovementView):
    """As MovementView, and what orders have changed since the previous movement; null for nothing."""

    orders_before: OrdersEffect | None


@cache
def _warehouse() -> DynamoDBWarehouse:
    return DynamoDBWarehouse(load(WarehouseSettings))


@api.get(
    "/api/inventory/<product_id>",
    summary="The stock of a product: what can be had for anybody, every counter for operators",
    tags=["Inventory"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND),
)
def get_stock(product_id: IdInPath) -> Stock | Availability:
    caller = api.optional_caller
    levels = _warehouse().levels(product_id)
    if levels is None:
        raise NotFound("product in stock")
    if caller and caller.is_operator:
        return Stock(product_id=product_id, **levels.model_dump(by_alias=False))
    return Availability(product_id=product_id, available=levels.available)


@api.get(
    "/api/admin/stock",
    summary="The stock of all products that were ever received or watched, by product id (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_stock(
    low: Annotated[bool, Query(description="Only what is at its threshold or under it.")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[StaffStock]:
    after = decode_place(cursor, "productId")
    warehouse = _warehouse()
    found, position = warehouse.low(limit, after) if low else warehouse.page(limit, after)
    names = warehouse.names(found)
    items = tuple(_staff_stock(product_id, names[product_id], levels) for product_id, levels in found.items())
    return Page(items=items, next_cursor=encode_cursor(position))


@api.get(
    "/api/admin/stock/<product_id>",
    summary="The stock of a product (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def get_staff_stock(product_id: IdInPath) -> StaffStock:
    levels, _ = _warehouse().look(product_id)
    return _named(product_id, levels)


CHANGE = answers(
    HTTPStatus.CREATED,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)


@api.post(
    "/api/admin/stock/<product_id>/receipts",
    status_code=HTTPStatus.CREATED,
    summary="Receive goods (staff); a request with the same key is counted once",
    tags=["Back office"],
    responses=CHANGE,
)
def receive_goods(product_id: IdInPath, new: NewReceipt, idempotency_key: IdempotencyKey) -> MovementView:
    return _moved(product_id, Receive(new.quantity), idempotency_key)


@api.post(
    "/api/admin/stock/<product_id>/adjustments",
    status_code=HTTPStatus.CREATED,
    summary="Correct the counters by what is on the shelf (staff); a request with the same key is counted once",
    tags=["Back office"],
    responses=CHANGE,
)
def adjust_stock(product_id: IdInPath, new: NewAdjustment, idempotency_key: IdempotencyKey) -> MovementView:
    kind = Count if new.reason is AdjustmentReason.COUNT else Damage
    return _moved(product_id, kind(new.delta, new.note or None), idempotency_key)


@api.put(
    "/api/admin/stock/<product_id>/threshold",
    summary="Say from how many on a product runs low (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def put_threshold(product_id: IdInPath, new: NewThreshold) -> StaffStock:
    # Setting the same threshold again changes nothing, so a client needs no idempotency key.
    return _named(product_id, _change(product_id, Watch(new.low_at), uuid.uuid4().hex).after)


@api.get(
    "/api/admin/stock/<product_id>/movements",
    summary="What staff did to the stock of a product, newest first, and what orders did in between (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_movements(product_id: IdInPath, limit: Limit = 20, cursor: Cursor = None) -> Page[HistoryMovement]:
    after = decode_place(cursor, "movementId", "at")
    # One more than is shown, as what orders did before a movement is its difference to the previous one.
    found, _ = _warehouse().movements(product_id, limit + 1, after)
    effects = effects_before(found)
    shown = found[:limit]
    items = tuple(
        HistoryMovement(**_view(each).model_dump(by_alias=False), orders_before=effect)
        for each, effect in zip(shown, effects, strict=False)
    )
    last = shown[-1].model_dump(mode="json", include={"movement_id", "at"}) if len(found) > limit else None
    return Page(items=items, next_cursor=encode_cursor(last))


def _moved(product_id: str, command: Command, key: str) -> MovementView:
    return _view(_change(product_id, command, key))


def _change(product_id: str, command: Command, key: str) -> Movement:
    request = Request(f"{product_id}#{key}", product_id, api.staff.user_id, datetime.now(UTC))
    return change_stock(_warehouse(), command, request)


def _view(movement: Movement) -> MovementView:
    return MovementView.model_validate(movement.model_dump())


def _named(product_id: str, levels: Levels) -> StaffStock:
    return _staff_stock(product_id, _warehouse().names([product_id])[product_id], levels)


def _staff_stock(product_id: str, name: str, levels: Levels) -> StaffStock:
    return StaffStock(product_id=product_id, name=name, **levels.model_dump(by_alias=False))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
