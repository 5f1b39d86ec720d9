"""The catalogue API: anybody looks, operators change."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from itertools import batched
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field, StringConstraints

from catalog import commands, domain
from catalog.domain import (
    MAX_ID,
    MAX_IMAGE_BYTES,
    Position,
    Product,
    Sort,
    is_position,
    position,
    select,
)
from catalog.store import MAX_KEYS, CatalogSettings, Catalogue, Pictures
from cloudretail.errors import invalid
from cloudretail.http import Api, Cursor, IdInPath, Limit, Page, answers, decode_cursor, encode_cursor
from cloudretail.model import Model, RequestModel
from cloudretail.money import MAX_PRICE, Currency, Money
from cloudretail.settings import load
from cloudretail.text import Line

api = Api()

Label = Annotated[str, Line(max_length=120)]


class Price(RequestModel):
    """A price in minor units of the shop's currency."""

    amount: Annotated[int, Field(strict=True, ge=1, le=MAX_PRICE, examples=[1990])]
    currency: Currency


class ProductText(RequestModel):
    """What an operator writes of a product."""

    name: Label
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
    category: Label
    price: Price

    @property
    def text(self) -> domain.ProductText:
        return domain.ProductText(
            name=self.name,
            description=self.description,
            category=self.category,
            price=Money(amount=self.price.amount, currency=self.price.currency),
        )


class NewProduct(ProductText):
    """A new product. Without an id it has one made of its name."""

    product_id: (
        Annotated[str, Field(max_length=MAX_ID, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", examples=["canvas-backpack"])]
        | None
    ) = None


class NewImage(RequestModel):
    """The kind of picture that is to be uploaded."""

    content_type: Literal["image/webp", "image/png", "image/jpeg"]


class ProductView(Model):
    """A product as shoppers see it.

    Attributes:
        image_url: valid for a few minutes; None for a product without a picture.
        available: how many can be had now.
    """

    product_id: str
    name: str
    description: str
    category: str
    price: Money
    image_url: str | None
    available: int
    created_at: datetime


class CategoryView(Model):
    """A category, and how many products are in it."""

    category: str
    count: int


class UploadTicket(Model):
    """A presigned POST: send the fields and then the `file` as multipart/form-data to the URL.

    Attributes:
        fields: of the form, before its `file`.
        max_bytes: of the file.
    """

    url: str
    fields: dict[str, str]
    max_bytes: int


@cache
def _settings() -> CatalogSettings:
    return load(CatalogSettings)


@cache
def _catalogue() -> Catalogue:
    return Catalogue(_settings().products_table, _settings().inventory_table)


def _ports() -> commands.Ports:
    return commands.Ports(_catalogue(), _settings().currency)


@cache
def _pictures() -> Pictures:
    return Pictures(_settings().images_bucket)


@api.get(
    "/api/products",
    summary="Products, a page at a time",
    tags=["Catalog"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNPROCESSABLE_ENTITY),
)
def list_products(
    category: Annotated[str | None, Query(max_length=120, description="Exactly this one.")] = None,
    q: Annotated[str, Query(max_length=100, description="Words that name, description or category contain.")] = "",
    in_stock: Annotated[bool, Query(alias="inStock", description="Only what can be had now.")] = False,
    sort: Annotated[Sort, Query(description="The order; a minus means the largest first.")] = Sort.NAME,
    limit: Limit = 24,
    cursor: Cursor = None,
) -> Page[ProductView]:
    candidates = select(_catalogue().listed(category or None), words=q, sort=sort, after=_after(cursor, sort))
    # One more than is shown tells whether there is a next page.
    found = _stocked(candidates, limit + 1, only_in_stock=in_stock)
    return Page(
        items=tuple(_view(product, available) for product, available in found[:limit]),
        next_cursor=_cursor(found[limit - 1][0], sort) if len(found) > limit else None,
    )


def _stocked(candidates: Iterable[Product], enough: int, *, only_in_stock: bool) -> list[tuple[Product, int]]:
    """The first `enough` of `candidates`, and how many can be had. Most can, so that mostly one read is enough."""
    found: list[tuple[Product, int]] = []
    for products in batched(candidates, MAX_KEYS, strict=False):
        wanted = products if only_in_stock else products[: enough - len(found)]
        available = _catalogue().available(product.product_id for product in wanted)
        stocked = ((product, available[product.product_id]) for product in wanted)
        found += (each for each in stocked if each[1] > 0 or not only_in_stock)
        if len(found) >= enough:
            break
    return found[:enough]


def _after(cursor: str | None, sort: Sort) -> Position | None:
    place = decode_cursor(cursor, "sort", "value", "id")
    if place is None:
        return None
    if place["sort"] != sort or not is_position(place["value"], place["id"], sort):
        raise invalid("cursor", "is not a cursor of this list")
    return place["value"], place["id"]


def _cursor(last: Product, sort: Sort) -> str | None:
    value, product_id = position(last, sort)
    return encode_cursor({"sort": sort, "value": value, "id": product_id})


@api.get("/api/categories", summary="Categories, by name", tags=["Catalog"], responses=answers(HTTPStatus.OK))
def list_categories() -> Page[CategoryView]:
    counts = Counter(product.category for product in _catalogue().listed(None))
    return Page(items=tuple(CategoryView(category=name, count=count) for name, count in sorted(counts.items())))


@api.get(
    "/api/products/<product_id>",
    summary="A product",
    tags=["Catalog"],
    responses=answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
)
def get_product(product_id: IdInPath) -> ProductView:
    return _view(*_catalogue().get(product_id))


@api.post(
    "/api/products",
    status_code=HTTPStatus.CREATED,
    summary="Add a product (operators)",
    tags=["Catalog"],
    responses=answers(
        HTTPStatus.CREATED,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ),
)
def add_product(new: NewProduct) -> ProductView:
    _ = api.operator
    product = commands.add_product(_ports(), new.product_id, new.text, datetime.now(UTC))
    return _view(product, _catalogue().available([product.product_id])[product.product_id])


@api.put(
    "/api/products/<product_id>",
    summary="Replace what is written of a product (operators)",
    tags=["Catalog"],
    responses=answers(
        HTTPStatus.OK,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ),
)
def replace_product(product_id: IdInPath, text: ProductText) -> ProductView:
    _ = api.operator
    product = commands.replace_product(_ports(), product_id, text.text)
    return _view(product, _catalogue().available([product_id])[product_id])


@api.post(
    "/api/products/<product_id>/image",
    status_code=HTTPStatus.CREATED,
    summary="A ticket to upload a picture (operators); the product shows it once it has arrived",
    tags=["Catalog"],
    responses=answers(
        HTTPStatus.CREATED,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ),
)
def upload_image(product_id: IdInPath, image: NewImage) -> UploadTicket:
    _ = api.operator
    _catalogue().get(product_id)
    ticket = _pictures().ticket(product_id, image.content_type)
    return UploadTicket(url=ticket["url"], fields=ticket["fields"], max_bytes=MAX_IMAGE_BYTES)


def _view(product: Product, available: int) -> ProductView:
    return ProductView(
        product_id=product.product_id,
        name=product.name,
        description=product.description,
        category=product.category,
        price=product.price,
        image_url=_pictures().url(product.image_key),
        available=available,
        created_at=product.created_at,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
