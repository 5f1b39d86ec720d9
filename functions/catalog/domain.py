"""The rules of the catalogue: what a product is, what a page shows and in which order, which picture is newest."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from urllib.parse import unquote_plus

from pydantic import AwareDatetime, Field, ValidationError

from cloudretail.errors import InvalidEvent
from cloudretail.model import Model
from cloudretail.money import Money

MAX_ID = 64
MAX_IMAGE_BYTES = 5 * 1024 * 1024

IMAGE_TYPES = {"image/webp": "webp", "image/png": "png", "image/jpeg": "jpg"}
"""What a picture may be, and how its key ends."""


class ProductText(Model):
    """What an operator writes of a product."""

    name: str
    description: str
    category: str
    price: Money


class Product(ProductText):
    """A product, as it is stored.

    Attributes:
        image_key: of its picture in the bucket; None as long as there is none.
    """

    product_id: str
    image_key: str | None = None
    created_at: datetime


def slug_of(name: str) -> str:
    """The id of a product that was given none. The same name has the same one, so that a repeated request is refused.

    >>> slug_of("Crème brûlée torch")
    'creme-brulee-torch'
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name)[:MAX_ID].strip("-")
    return slug or f"product-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


class Sort(StrEnum):
    """The order of a list; a minus means: the largest first."""

    NAME = "name"
    PRICE = "price"
    PRICE_DESCENDING = "-price"
    NEWEST = "newest"

    @property
    def descending(self) -> bool:
        return self in (Sort.PRICE_DESCENDING, Sort.NEWEST)


type Position = tuple[str | int, str]
"""Where a product stands in a list: the value that it is sorted by, and its id, which settles ties."""


def position(product: Product, sort: Sort) -> Position:
    """Where `product` stands when the list is sorted so."""
    match sort:
        case Sort.NAME:
            # Cut, so that a cursor has an upper bound.
            return product.name.casefold()[:60], product.product_id
        case Sort.PRICE | Sort.PRICE_DESCENDING:
            return product.price.amount, product.product_id
        case Sort.NEWEST:
            return int(product.created_at.timestamp() * 1_000_000), product.product_id


def is_position(value: object, product_id: object, sort: Sort) -> bool:
    """Whether these two can be a Position in a list that is sorted so."""
    kind = str if sort is Sort.NAME else int
    return type(value) is kind and isinstance(product_id, str)


def select(products: Iterable[Product], *, words: str, sort: Sort, after: Position | None) -> list[Product]:
    """What is left of a list, in order.

    Args:
        products: all there are.
        words: each of them must stand in name, description or category, in whatever case.
        sort: the order.
        after: of the last product that was shown; where that one is now, or whether it still is, does not matter.
    """
    wanted = words.casefold().split()
    found = [product for product in products if _mentions(product, wanted)]
    found.sort(key=lambda product: position(product, sort), reverse=sort.descending)
    if after is None:
        return found
    if sort.descending:
        return [product for product in found if position(product, sort) < after]
    return [product for product in found if position(product, sort) > after]


def _mentions(product: Product, words: Sequence[str]) -> bool:
    text = f"{product.name}\n{product.description}\n{product.category}".casefold()
    return all(word in text for word in words)


class _Object(Model):
    key: str


class _Entity(Model):
    object: _Object


class _Notification(Model):
    event_name: Annotated[str, Field(pattern=r"^(s3:)?ObjectCreated:")]
    event_time: AwareDatetime
    s3: _Entity


class _Notifications(Model):
    records: Annotated[tuple[_Notification, ...], Field(alias="Records", min_length=1)]


class _TestEvent(Model):
    event: Annotated[str, Field(alias="Event", pattern="^s3:TestEvent$")]


class Upload(Model):
    """A picture that has arrived in the bucket.

    Attributes:
        product_id: whose it is.
        key: the object's.
        order: which of two uploads is the newer one, by comparison as texts.
    """

    product_id: str
    key: str
    order: str


_KEY = re.compile(r"^products/([A-Za-z0-9_-]{1,64})/[^/]+$")


def uploads_of(message: str) -> list[Upload]:
    """What S3 says has been uploaded.

    S3's `sequencer` orders only the events of one and the same key, and every upload has a key of its own: what orders
    those is the time at which S3 had the object, and where that is the same, the key, so that whatever order
    they arrive in, the same one stays. Source: S3 user guide, "Event message structure".

    Args:
        message: S3's notification, JSON; its keys are URL-encoded.

    Returns:
        The uploads; none for the test event that S3 sends when notifications are switched on.

    Raises:
        InvalidEvent: it is no such notification, or not about a picture of a product.
    """
    try:
        notified = _Notifications.model_validate_json(message).records
    except ValidationError as error:
        if _is_test(message):
            return []
        fields = ", ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise InvalidEvent(f"not a notification of S3 about a new object: {fields}") from None
    return [_upload(each) for each in notified]


def _is_test(message: str) -> bool:
    try:
        _TestEvent.model_validate_json(message)
    except ValidationError:
        return False
    return True


def _upload(notified: _Notification) -> Upload:
    key = unquote_plus(notified.s3.object.key)
    found = _KEY.match(key)
    if not found:
        raise InvalidEvent(f"{key!r} is not the key of a product's picture")
    time = notified.event_time.astimezone(UTC).isoformat(timespec="milliseconds")
    return Upload(product_id=found[1], key=key, order=f"{time} {key}")
