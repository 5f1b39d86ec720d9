"""The rules of the catalogue: what a product is, how staff change it, what a page shows and in which order.

staff      text, list, unlist, which pictures in which order     each change is a version, with who and when
pictures   WAITING -> READY | FAILED, FAILED -> READY            the outcome of an upload: no version, and so no
                                                                 conflict with a change by staff
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Annotated
from urllib.parse import unquote_plus

from pydantic import Field, ValidationError

from cloudretail.errors import Conflict, InvalidEvent, InvalidInput, Refusal
from cloudretail.model import Model
from cloudretail.money import Money

MAX_ID = 64
MAX_IMAGE_BYTES = 5 * 1024 * 1024

MAX_IMAGES = 12
"""Pictures of a product."""

IMAGE_TYPES = {"image/webp": "webp", "image/png": "png", "image/jpeg": "jpg"}
"""The media types of pictures, and the endings of their keys."""


class ImageState(StrEnum):
    """The state of a picture."""

    WAITING = "WAITING"
    READY = "READY"
    FAILED = "FAILED"


class Size(Model):
    """A picture in one size.

    Attributes:
        width: in pixels.
        key: of the object in the bucket; also the path at which the shop serves it.
    """

    width: int
    key: str


class Picture(Model):
    """The outcome of an upload.

    Attributes:
        state: WAITING until the file has arrived and was processed.
        sizes: the sizes that it has, the smallest first; empty unless it is READY.
        why: the reason for FAILED, as a sentence for the member of staff who uploaded it.
    """

    state: ImageState = ImageState.WAITING
    sizes: tuple[Size, ...] = ()
    why: str | None = None


class ProductImage(Model):
    """A picture and its text by staff.

    Attributes:
        image_id: of the upload.
        alt: what it shows, for people who do not see it.
    """

    image_id: str
    alt: str = ""


class Variant(Model):
    """Which one of a group a product is. It is a product all the same: with its own price, pictures and stock.

    Attributes:
        group: what all of them are called: "Leather Hiking Boots".
        attribute: in what they differ: "Size".
        value: what this one has of it: "42".
    """

    group: str
    attribute: str
    value: str


class ProductText(Model):
    """What staff write about a product.

    Attributes:
        variant: None for a product that is the only one of its kind.
    """

    name: str
    description: str
    category: str
    price: Money
    variant: Variant | None = None


class Facts(ProductText):
    """Everything about a product that staff decide.

    Attributes:
        images: in the order in which they are shown.
        listed: whether it is sold.
    """

    images: tuple[ProductImage, ...] = ()
    listed: bool = True


class Product(Facts):
    """A product, as it is stored.

    Attributes:
        pictures: the outcome of the upload of each of its `images`, by image id.
        released: whether it was ever listed. Only staff see a product that never was.
        version: counts the changes by staff.
    """

    product_id: str
    pictures: Mapping[str, Picture] = {}
    released: bool = True
    version: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def facts(self) -> Facts:
        return Facts(**{name: getattr(self, name) for name in Facts.model_fields})

    @property
    def kind(self) -> str:
        """What products that lists show as one have in common: the name of their group, or the product's own id."""
        return f"group {self.variant.group.casefold()}" if self.variant else self.product_id

    @property
    def shown(self) -> tuple[tuple[ProductImage, Picture], ...]:
        """The pictures that shoppers see, in order."""
        found = ((image, self.pictures[image.image_id]) for image in self.images)
        return tuple((image, picture) for image, picture in found if picture.state is ImageState.READY)


class ChangeKind(StrEnum):
    """The kind of a change by staff."""

    CREATED = "CREATED"
    TEXT = "TEXT"
    LISTED = "LISTED"
    UNLISTED = "UNLISTED"
    IMAGE_ADDED = "IMAGE_ADDED"
    IMAGES = "IMAGES"


class ProductChange(Model):
    """A change of a product by a member of staff, as it is stored.

    Attributes:
        version: of the product afterwards.
        by: user id of the member of staff.
        before: None for a new product.
    """

    product_id: str
    version: int
    kind: ChangeKind
    by: str
    at: datetime
    before: Facts | None = None
    after: Facts


@dataclass(frozen=True)
class Editor:
    """Who changes a product, and when.

    Attributes:
        user_id: of the member of staff.
        now: aware.
    """

    user_id: str
    now: datetime


class ProductChanged(Conflict):
    """The product has changed since it was read.

    Args:
        present: the product as it is now.
    """

    def __init__(self, present: Product) -> None:
        super().__init__("product-changed", "Somebody has changed this product meanwhile. Compare, and save again.")
        self.present = present


type Rule = Callable[[Product], Mapping[str, object]]
"""A change by staff: takes the product as it is, and returns the new values of Facts, by name."""


def create(product_id: str, text: ProductText, *, listed: bool, editor: Editor) -> tuple[Product, ProductChange]:
    """A new product, and the record of its creation."""
    product = Product(
        **dict(text),
        product_id=product_id,
        listed=listed,
        released=listed,
        created_at=editor.now,
        updated_at=editor.now,
    )
    return product, _recorded(ChangeKind.CREATED, None, product, editor)


def edit(
    product: Product, kind: ChangeKind, rule: Rule, version: int | None, editor: Editor
) -> tuple[Product, ProductChange] | None:
    """Apply a change by staff to a product.

    Args:
        product: as it is now.
        kind: of the change.
        rule: the change.
        version: the version that the author has seen; None if the change does not depend on it.
        editor: the author.

    Returns:
        The product afterwards, and the record of the change. None if the product has these values already, such as
        after a repeated request.

    Raises:
        ProductChanged: the product is no longer at the version that the author has seen.
        Refusal: whatever the rule raises.
    """
    if version is not None and version != product.version and not _is_so(product, rule):
        raise ProductChanged(product)
    after = _after(product, rule)
    if after.facts == product.facts:
        return None
    kept = {image.image_id: product.pictures.get(image.image_id, Picture()) for image in after.images}
    changed = after.model_copy(
        update={
            "pictures": kept,
            "released": product.released or after.listed,
            "version": product.version + 1,
            "updated_at": editor.now,
        }
    )
    return changed, _recorded(kind, product, changed, editor)


def _after(product: Product, rule: Rule) -> Product:
    return product.model_copy(update=dict(rule(product)))


def _is_so(product: Product, rule: Rule) -> bool:
    """Whether the product already has the values that the rule asks for, though its version is a later one."""
    try:
        return _after(product, rule).facts == product.facts
    except Refusal:
        return False


def _recorded(kind: ChangeKind, before: Product | None, after: Product, editor: Editor) -> ProductChange:
    return ProductChange(
        product_id=after.product_id,
        version=after.version,
        kind=kind,
        by=editor.user_id,
        at=editor.now,
        before=before.facts if before else None,
        after=after.facts,
    )


def with_text(text: ProductText) -> Rule:
    """Replace what is written about the product by `text`."""
    return lambda _product: dict(text)


def with_listing(listed: bool) -> Rule:
    """List or unlist the product."""
    return lambda _product: {"listed": listed}


def with_new_image(image: ProductImage) -> Rule:
    """Add a picture that waits for its upload; raises Conflict `too-many-images`."""

    def rule(product: Product) -> Mapping[str, object]:
        if len(product.images) >= MAX_IMAGES:
            raise Conflict("too-many-images", f"A product can have up to {MAX_IMAGES} pictures. Remove some first.")
        return {"images": (*product.images, image)}

    return rule


def with_images(images: Sequence[ProductImage]) -> Rule:
    """Show these of the product's pictures, in this order, and remove the others.

    Raises:
        InvalidInput: the product has no such picture, or one is named twice.
    """

    def rule(product: Product) -> Mapping[str, object]:
        for n, image in enumerate(images):
            if image.image_id not in product.pictures:
                raise InvalidInput(f"images.{n}.imageId", "This product has no such picture.")
            if image.image_id in {earlier.image_id for earlier in images[:n]}:
                raise InvalidInput(f"images.{n}.imageId", "Name each picture once.")
        return {"images": tuple(images)}

    return rule


def slug_of(name: str) -> str:
    """The id of a product that is added without one. The same name gives the same id, so a repeated request is refused.

    >>> slug_of("Crème brûlée torch")
    'creme-brulee-torch'
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name)[:MAX_ID].strip("-")
    return slug or f"product-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


class Sort(StrEnum):
    """The order of a list. A minus means the largest first."""

    NAME = "name"
    PRICE = "price"
    PRICE_DESCENDING = "-price"
    NEWEST = "newest"
    RELEVANCE = "relevance"

    @property
    def descending(self) -> bool:
        return self in (Sort.PRICE_DESCENDING, Sort.NEWEST)


type Position = tuple[str | int, str]
"""The position of a product in a list: the value that it is sorted by, and its id, which breaks ties."""


type Ranks = Mapping[str, int]
"""The rank of each product that a search has found, by id. The best matches have the lowest rank."""


def position(product: Product, sort: Sort, ranks: Ranks | None = None) -> Position:
    """The position of `product` in a list of this order. Without a search, all products have the same rank."""
    # The name is cut, so that the length of a cursor is limited.
    name = product.name.casefold()[:60]
    match sort:
        case Sort.NAME:
            return name, product.product_id
        case Sort.PRICE | Sort.PRICE_DESCENDING:
            return product.price.amount, product.product_id
        case Sort.NEWEST:
            return int(product.created_at.timestamp() * 1_000_000), product.product_id
        case Sort.RELEVANCE:
            rank = ranks[product.product_id] if ranks is not None else 0
            return f"{rank:04} {name}", product.product_id


def is_position(value: object, product_id: object, sort: Sort) -> bool:
    """Whether these two are a valid Position in a list of this order."""
    kind = str if sort in (Sort.NAME, Sort.RELEVANCE) else int
    return type(value) is kind and isinstance(product_id, str)


@dataclass(frozen=True)
class PriceRange:
    """A range of prices in minor units, including both ends.

    Attributes:
        lowest: None for no lower limit.
        highest: None for no upper limit.
    """

    lowest: int | None = None
    highest: int | None = None

    def __contains__(self, amount: int) -> bool:
        return (self.lowest is None or self.lowest <= amount) and (self.highest is None or amount <= self.highest)


@dataclass(frozen=True)
class Wanted:
    """The filters of a list.

    Attributes:
        category: exactly this one; None for all.
        prices: the range of prices.
        ranks: the ranks of the products that a search has found; None without a search.
    """

    category: str | None = None
    prices: PriceRange = PriceRange()
    ranks: Ranks | None = None

    def includes(self, product: Product) -> bool:
        return self.is_found(product) and self.is_in_category(product) and product.price.amount in self.prices

    def is_found(self, product: Product) -> bool:
        return self.ranks is None or product.product_id in self.ranks

    def is_in_category(self, product: Product) -> bool:
        return self.category is None or product.category == self.category


@dataclass(frozen=True)
class Choices:
    """The choices of each filter, while the other filters stay as they are.

    Attributes:
        total: products that match all filters, in stock or not.
        categories: number of products in each category, by name, without regard to the chosen one.
        prices: lowest and highest price, without regard to the chosen range; None if there is no product.
    """

    total: int
    categories: Mapping[str, int]
    prices: tuple[int, int] | None


def choices(products: Iterable[Product], wanted: Wanted) -> Choices:
    """The choices of a list's filters. The variants of a group count as one product."""
    found = [product for product in products if wanted.is_found(product)]
    affordable = {
        (product.category, product.kind): product for product in found if product.price.amount in wanted.prices
    }.values()
    amounts = [product.price.amount for product in found if wanted.is_in_category(product)]
    return Choices(
        total=len({product.kind for product in affordable if wanted.is_in_category(product)}),
        categories=count_categories(affordable),
        prices=(min(amounts), max(amounts)) if amounts else None,
    )


def count_categories(products: Iterable[Product]) -> Mapping[str, int]:
    """The number of products in each category, by name. The variants of a group count as one."""
    kinds = {(product.category, product.kind) for product in products}
    return dict(sorted(Counter(category for category, _ in kinds).items()))


def select(
    products: Iterable[Product], wanted: Wanted, *, sort: Sort, after: Position | None, grouped: bool = False
) -> list[Product]:
    """The products that match, in order, after a position.

    Args:
        products: all of them.
        wanted: the filters.
        sort: the order.
        after: the position of the last product shown. The product itself may have moved or gone since.
        grouped: whether only the first variant of each group is taken.
    """
    placed = [(position(product, sort, wanted.ranks), product) for product in products if wanted.includes(product)]
    placed.sort(key=itemgetter(0), reverse=sort.descending)
    if grouped:
        first: dict[str, tuple[Position, Product]] = {}
        for place, product in placed:
            first.setdefault(product.kind, (place, product))
        placed = list(first.values())
    if after is None:
        return [product for _, product in placed]
    if sort.descending:
        return [product for place, product in placed if place < after]
    return [product for place, product in placed if place > after]


def by_kind(products: Iterable[Product]) -> Mapping[str, Sequence[Product]]:
    """The products by their `kind`: the variants of each group, in the order of sizes, and single products alone."""
    kinds: dict[str, list[Product]] = {}
    for product in products:
        kinds.setdefault(product.kind, []).append(product)
    return {kind: sorted(variants, key=_variant_order) for kind, variants in kinds.items()}


LETTER_SIZES = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL")


def _variant_order(product: Product) -> tuple[int, float, str]:
    """The sort key of a variant: numbers and sizes such as S, M, L by their size, everything else by the alphabet."""
    value = product.variant.value if product.variant else ""
    if value.upper() in LETTER_SIZES:
        return 1, LETTER_SIZES.index(value.upper()), value
    number = re.match(r"\d+(\.\d+)?", value)
    return (0, float(number[0]), value) if number else (2, 0, value.casefold())


class _Object(Model):
    key: str


class _Entity(Model):
    object: _Object


class _Notification(Model):
    event_name: Annotated[str, Field(pattern=r"^(s3:)?ObjectCreated:")]
    s3: _Entity


class _Notifications(Model):
    records: Annotated[tuple[_Notification, ...], Field(alias="Records", min_length=1)]


class _TestEvent(Model):
    event: Annotated[str, Field(alias="Event", pattern="^s3:TestEvent$")]


class Upload(Model):
    """A picture that has arrived in the bucket.

    Attributes:
        product_id: of the product that it belongs to.
        image_id: which of the product's pictures it is.
        key: key of the object.
    """

    product_id: str
    image_id: str
    key: str


_KEY = re.compile(r"^products/([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_-]{1,64})\.[a-z]+$")


def upload_key(product_id: str, image_id: str, content_type: str) -> str:
    """The key that a picture is uploaded under."""
    return f"products/{product_id}/{image_id}.{IMAGE_TYPES[content_type]}"


def uploads_of(message: str) -> list[Upload]:
    """The uploads in a notification of S3.

    Args:
        message: S3's notification, JSON; its keys are URL-encoded. Source: S3 user guide, "Event message structure".

    Returns:
        The uploads; none for the test event that S3 sends when notifications are switched on.

    Raises:
        InvalidEvent: the message is not such a notification, or not about a picture of a product.
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
    return Upload(product_id=found[1], image_id=found[2], key=key)
