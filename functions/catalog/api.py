"""The catalogue API: everybody reads it, and staff change it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from itertools import batched
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field, StringConstraints

from catalog import commands, domain, pages
from catalog.domain import (
    MAX_ID,
    MAX_IMAGE_BYTES,
    MAX_IMAGES,
    ChangeKind,
    Editor,
    Facts,
    ImageState,
    Picture,
    Position,
    PriceRange,
    Product,
    ProductChanged,
    ProductImage,
    Sort,
    Variant,
    Wanted,
    is_position,
    position,
    select,
)
from catalog.filters import Filters
from catalog.store import MAX_KEYS, CatalogSettings, Catalogue, Pictures, Shelf, Storefront
from cloudretail.errors import NotFound, Problem, invalid
from cloudretail.http import (
    Api,
    Cursor,
    IdInPath,
    Limit,
    Page,
    answers,
    decode_cursor,
    encode_cursor,
    problem_response,
)
from cloudretail.model import Model, RequestModel
from cloudretail.money import MAX_PRICE, Currency, Money
from cloudretail.settings import load
from cloudretail.text import Line

api = Api()

Label = Annotated[str, Line(max_length=120)]


Category = Annotated[str | None, Query(max_length=120, description="Exactly this one.")]
Words = Annotated[
    str,
    Query(
        max_length=100,
        description="Words of name, description or category, or how they begin; else what resembles them.",
    ),
]
Order = Annotated[
    Sort | None,
    Query(description="A minus means the largest first. If it is missing: relevance for a search, else the name."),
]


class Price(RequestModel):
    """A price in minor units of the shop's currency."""

    amount: Annotated[int, Field(strict=True, ge=1, le=MAX_PRICE, examples=[1990])]
    currency: Currency


class NewVariant(RequestModel):
    """Which one of a group a product is.

    Attributes:
        group: what all of them are called; the same for each of them.
        attribute: in what they differ.
        value: what this one has of it.
    """

    group: Annotated[Label, Field(examples=["Leather Hiking Boots"])]
    attribute: Annotated[str, Line(max_length=40), Field(examples=["Size"])]
    value: Annotated[str, Line(max_length=40), Field(examples=["42"])]


class ProductText(RequestModel):
    """What staff write of a product.

    Attributes:
        variant: null for a product that is the only one of its kind.
    """

    name: Label
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
    category: Label
    price: Price
    variant: NewVariant | None = None

    @property
    def text(self) -> domain.ProductText:
        return domain.ProductText(
            name=self.name,
            description=self.description,
            category=self.category,
            price=Money(amount=self.price.amount, currency=self.price.currency),
            variant=Variant(**dict(self.variant)) if self.variant else None,
        )


Version = Annotated[int, Field(strict=True, ge=1, description="Of the product that the caller has seen.")]
Alt = Annotated[str, Line(max_length=200, min_length=0)]


class ChangedText(ProductText):
    """What staff write of a product of which they have seen this version."""

    version: Version


class NewProduct(ProductText):
    """A new product.

    Attributes:
        product_id: made of the name where it is missing.
        listed: whether it is sold from now on. Until a product is listed, only staff see it.
    """

    listed: bool = True

    product_id: (
        Annotated[str, Field(max_length=MAX_ID, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", examples=["canvas-backpack"])]
        | None
    ) = None


class SeenProduct(RequestModel):
    """Which version of a product the caller has seen."""

    version: Version


class NewImage(RequestModel):
    """The picture that is to be uploaded.

    Attributes:
        alt: what is to be seen on it.
    """

    content_type: Literal["image/webp", "image/png", "image/jpeg"]
    alt: Alt = ""


class PutImage(RequestModel):
    """A picture of the product, and what is to be seen on it."""

    image_id: Annotated[str, Field(min_length=1, max_length=64)]
    alt: Alt = ""


class PutImages(SeenProduct):
    """All pictures that a product is to have, in the order in which they are shown. Others are removed."""

    images: Annotated[tuple[PutImage, ...], Field(max_length=MAX_IMAGES)]


class SizeView(Model):
    """A picture in one size.

    Attributes:
        width: in pixels.
        url: path at this shop. What is behind it never changes.
    """

    width: int
    url: str


class PictureView(Model):
    """A picture of a product.

    Attributes:
        alt: what is to be seen on it; empty where nobody has said.
        sizes: in which it can be had, the smallest first; never empty for shoppers.
    """

    alt: str
    sizes: tuple[SizeView, ...]


class StaffPicture(PictureView):
    """A picture of a product, as staff see it.

    Attributes:
        state: WAITING until the upload has arrived, then READY or FAILED.
        why: it has failed; null for others.
    """

    image_id: str
    state: ImageState
    why: str | None


class VariantView(Model):
    """A product of a group, to be chosen from it.

    Attributes:
        value: what it has of the group's attribute.
        available: how many can be had now.
    """

    product_id: str
    value: str
    price: Money
    available: int


class GroupView(Model):
    """What products are shown as one.

    Attributes:
        name: of all of them.
        attribute: in what they differ.
        variants: each of them, the one that is shown among them.
    """

    name: str
    attribute: str
    variants: tuple[VariantView, ...]


class ProductView(Model):
    """A product as shoppers see it.

    Attributes:
        group: of which it is a variant; null for a product that is the only one of its kind.
        images: the first one stands for the product.
        available: how many can be had now.
        listed: false for what is no longer sold, which no list shows.
    """

    product_id: str
    name: str
    description: str
    category: str
    price: Money
    images: tuple[PictureView, ...]
    available: int
    listed: bool
    group: GroupView | None = None
    created_at: datetime


class StaffProduct(Model):
    """A product as staff see it.

    Attributes:
        images: in the order in which they are shown.
        listed: whether it is sold.
        version: counts the changes by staff; to be sent with the next one.
        available: how many can be had now.
        updated_at: of the last change by staff.
    """

    product_id: str
    name: str
    description: str
    category: str
    price: Money
    variant: Variant | None = None
    images: tuple[StaffPicture, ...]
    listed: bool
    version: int
    available: int
    created_at: datetime
    updated_at: datetime


class ProductChangeView(Model):
    """What a member of staff did to a product.

    Attributes:
        version: of the product afterwards.
        by: user id of the member of staff.
        before: null for a new product.
    """

    product_id: str
    version: int
    kind: ChangeKind
    by: str
    at: datetime
    before: Facts | None
    after: Facts


class PriceSpan(Model):
    """From the cheapest to the dearest."""

    lowest: Money
    highest: Money


class CategoryCount(Model):
    """A category, and how many products are in it."""

    category: str
    count: int


class CategoryView(CategoryCount):
    """A category that can be chosen.

    Attributes:
        picture: of its newest product that has one; null where none has.
    """

    picture: PictureView | None


class ProductPage(Page[ProductView]):
    """Products, and what a shopper can choose from.

    Attributes:
        total: how many the filters let through, in stock or not.
        exact: false where no product has one of the words that were searched for, and what resembles it is shown.
        categories: those in which something is left, whichever is chosen now, by name.
        prices: of what is left, whatever it may cost now; null where nothing is.
    """

    total: int
    exact: bool
    categories: tuple[CategoryCount, ...]
    prices: PriceSpan | None


class UploadTicket(Model):
    """A presigned POST: send the fields and then the `file` as multipart/form-data to the URL.

    Attributes:
        image_id: of the picture, which the product has by now, waiting for its file.
        version: of the product by now. It is one more than the caller's unless somebody else has changed it.
        fields: of the form, before its `file`.
        max_bytes: of the file.
    """

    image_id: str
    version: int
    url: str
    fields: dict[str, str]
    max_bytes: int


@cache
def _settings() -> CatalogSettings:
    return load(CatalogSettings)


@cache
def _catalogue() -> Catalogue:
    return Catalogue(_settings().products_table, _settings().changes_table, _settings().inventory_table)


def _ports() -> commands.Ports:
    return commands.Ports(_catalogue(), _settings().currency)


@cache
def _pictures() -> Pictures:
    return Pictures(_settings().images_bucket)


@cache
def _storefront() -> Storefront:
    return Storefront(_settings().storefront_bucket)


def _product_changed(changed: ProductChanged) -> Response[Any]:
    """The problem has the product as it is now, so that the author of the change can compare."""
    present = _of(changed.present).model_dump(mode="json")
    return problem_response(Problem(HTTPStatus.CONFLICT, changed.type, changed.detail, extra={"product": present}))


api.exception_handler(ProductChanged)(_product_changed)


@api.get(
    "/api/products",
    summary="Products, a page at a time",
    tags=["Catalog"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNPROCESSABLE_ENTITY),
)
def list_products(
    category: Category = None,
    q: Words = "",
    in_stock: Annotated[bool, Query(alias="inStock", description="Only what can be had now.")] = False,
    min_price: Annotated[int | None, Query(alias="minPrice", description="In minor units.", ge=0, le=MAX_PRICE)] = None,
    max_price: Annotated[int | None, Query(alias="maxPrice", description="In minor units.", ge=0, le=MAX_PRICE)] = None,
    sort: Order = None,
    limit: Limit = 24,
    cursor: Cursor = None,
) -> ProductPage:
    if min_price is not None and max_price is not None and min_price > max_price:
        raise invalid("maxPrice", "is less than minPrice")
    shelf, sort = _catalogue().listed(), sort or _usual_order(q)
    search = shelf.index.find(q) if q.strip() else None
    wanted = Wanted(category or None, PriceRange(min_price, max_price), search.ranks if search else None)
    candidates = select(shelf.products, wanted, sort=sort, after=_after(cursor, sort), grouped=True)
    # One more than is shown tells whether there is a next page.
    found = _stocked(_with_variants(shelf, candidates), limit + 1, only_in_stock=in_stock)
    choices = domain.choices(shelf.products, wanted)
    return ProductPage(
        items=tuple(_view(*each) for each in found[:limit]),
        next_cursor=_next(found, limit, wanted, sort),
        total=choices.total,
        exact=search is None or search.exact,
        categories=tuple(CategoryCount(category=name, count=count) for name, count in choices.categories.items()),
        prices=PriceSpan(lowest=_money(choices.prices[0]), highest=_money(choices.prices[1]))
        if choices.prices
        else None,
    )


def _usual_order(words: str) -> Sort:
    return Sort.RELEVANCE if words.strip() else Sort.NAME


def _money(amount: int) -> Money:
    return Money(amount=amount, currency=_settings().currency)


type WithVariants = tuple[Product, Sequence[Product]]
"""What a list shows, and all variants of its group, itself among them; without a group, itself."""

type Stocked = tuple[Product, Sequence[Product], Mapping[str, int]]
"""As above, and how many of each can be had, by product id."""


def _with_variants(shelf: Shelf, products: Iterable[Product]) -> list[WithVariants]:
    return [(product, shelf.kinds[product.kind]) for product in products]


def _next(found: Sequence[Stocked], limit: int, wanted: Wanted, sort: Sort) -> str | None:
    """The cursor behind the last product that is shown."""
    if len(found) <= limit:
        return None
    value, product_id = position(found[limit - 1][0], sort, wanted.ranks)
    return encode_cursor({"sort": sort, "value": value, "id": product_id})


def _stocked(candidates: Iterable[WithVariants], enough: int, *, only_in_stock: bool) -> list[Stocked]:
    """The first `enough` of `candidates`. Most can be had, so that mostly one read is enough."""
    found: list[Stocked] = []
    for some in batched(candidates, MAX_KEYS, strict=False):
        wanted = some if only_in_stock else some[: enough - len(found)]
        available = _catalogue().available(each.product_id for _, variants in wanted for each in variants)
        found += (
            (product, variants, available)
            for product, variants in wanted
            if not only_in_stock or any(available[each.product_id] > 0 for each in variants)
        )
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


@api.get("/api/categories", summary="Categories, by name", tags=["Catalog"], responses=answers(HTTPStatus.OK))
def list_categories() -> Page[CategoryView]:
    sold = _catalogue().listed().products
    newest = {each.category: each.shown[0] for each in sorted(sold, key=lambda each: each.created_at) if each.shown}
    counts = domain.count_categories(sold).items()
    return Page(
        items=tuple(
            CategoryView(category=name, count=count, picture=_picture(*newest[name]) if name in newest else None)
            for name, count in counts
        )
    )


@api.get(
    "/api/products/<product_id>",
    summary="A product",
    tags=["Catalog"],
    responses=answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
)
def get_product(product_id: IdInPath) -> ProductView:
    product, available = _catalogue().get(product_id)
    if not product.released:
        raise NotFound("product")
    if product.variant is None:
        return _view(product, [product], {product_id: available})
    others = [each for each in _catalogue().listed().products if each.product_id != product_id]
    variants = domain.by_kind([product, *others])[product.kind]
    stock = _catalogue().available(each.product_id for each in variants)
    return _view(product, variants, {**stock, product_id: available})


# ------------------------------------------------------------------------------------------------------------- pages


TEXTS = ("/", "/contact", "/imprint", "/privacy", "/shipping", "/terms")
"""Pages of the storefront that are not about products, and may be found."""

AT_THE_EDGE = "max-age=0, s-maxage=60, stale-if-error=86400"
"""Cache-Control of the home page, which is the same for everybody: CloudFront answers with one of the last minute, and
with an older one while the catalogue does not answer."""


@api.get("/", include_in_schema=False)
def show_home() -> Response[str]:
    newest = list_products(in_stock=True, sort=Sort.NEWEST, limit=pages.HEROES + pages.FEATURED)
    return _html(pages.home_page(_json(newest), _json(list_categories())), AT_THE_EDGE)


@api.get("/products/<product_id>", include_in_schema=False)
def show_product(product_id: str) -> Response[str]:
    try:
        product = get_product(product_id)
    except NotFound:
        return _html(pages.missing_page())
    related = list_products(category=product.category, in_stock=True, limit=pages.RELATED + 1)
    return _html(pages.product_page(_json(product), _json(related), _json(list_categories())))


@api.get("/products", include_in_schema=False)
def show_products() -> Response[str]:
    filters = Filters.of(api.current_event.query_string_parameters)
    products = list_products(
        category=filters.category,
        q=filters.q,
        in_stock=filters.in_stock,
        min_price=filters.min_price,
        max_price=filters.max_price,
        sort=filters.sort,
        limit=filters.limit,
    )
    return _html(pages.list_page(_json(products), _json(list_categories()), filters))


def _json(answer: Model) -> dict[str, Any]:
    """What the API answers."""
    return answer.model_dump(mode="json", by_alias=True)


@api.get("/sitemap.xml", include_in_schema=False)
def show_sitemap() -> Response[str]:
    sold = _catalogue().listed().products
    body = pages.sitemap(
        sorted((product.product_id, product.updated_at.date().isoformat()) for product in sold),
        domain.count_categories(sold),
        TEXTS,
        _settings().storefront_url,
    )
    return Response(HTTPStatus.OK, "application/xml", body)


def _html(page: pages.Page, cached: str = "no-cache") -> Response[str]:
    status = HTTPStatus.OK if page.found else HTTPStatus.NOT_FOUND
    body = page.filled(_storefront().index, _settings().storefront_url)
    return Response(status, "text/html; charset=utf-8", body, headers={"Cache-Control": cached})


# ------------------------------------------------------------------------------------------------------- back office

LOOK = answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
LIST = answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY)
CHANGE = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)


@api.get(
    "/api/admin/products",
    summary="Products, sold or not, a page at a time (staff)",
    tags=["Back office"],
    responses=LIST,
)
def list_staff_products(
    q: Words = "",
    category: Category = None,
    listed: Annotated[bool | None, Query(description="Only what is sold, or only what is not.")] = None,
    sort: Order = None,
    limit: Limit = 24,
    cursor: Cursor = None,
) -> Page[StaffProduct]:
    shelf, sort = _catalogue().all(), sort or _usual_order(q)
    search = shelf.index.find(q) if q.strip() else None
    products = [each for each in shelf.products if listed is None or each.listed is listed]
    wanted = Wanted(category or None, ranks=search.ranks if search else None)
    candidates = select(products, wanted, sort=sort, after=_after(cursor, sort))
    found = _stocked([(product, [product]) for product in candidates], limit + 1, only_in_stock=False)
    return Page(
        items=tuple(_staff_view(product, available[product.product_id]) for product, _, available in found[:limit]),
        next_cursor=_next(found, limit, wanted, sort),
    )


@api.post(
    "/api/admin/products",
    status_code=HTTPStatus.CREATED,
    summary="Add a product (staff)",
    tags=["Back office"],
    responses=answers(
        HTTPStatus.CREATED,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ),
)
def add_product(new: NewProduct) -> StaffProduct:
    return _of(commands.add_product(_ports(), new.product_id, new.text, listed=new.listed, editor=_editor()))


@api.get(
    "/api/admin/products/<product_id>",
    summary="A product as it is, sold or not (staff)",
    tags=["Back office"],
    responses=LOOK,
)
def get_staff_product(product_id: IdInPath) -> StaffProduct:
    return _staff_view(*_catalogue().get(product_id))


@api.put(
    "/api/admin/products/<product_id>",
    summary="Replace what is written of a product (staff); the problem of an older version has the product as it is",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, *CHANGE),
)
def replace_product(product_id: IdInPath, new: ChangedText) -> StaffProduct:
    return _of(commands.replace_text(_ports(), product_id, new.text, new.version, _editor()))


@api.post(
    "/api/admin/products/<product_id>/list",
    summary="Sell a product (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, *CHANGE),
)
def list_product(product_id: IdInPath, seen: SeenProduct) -> StaffProduct:
    return _of(commands.set_listed(_ports(), product_id, seen.version, listed=True, editor=_editor()))


@api.post(
    "/api/admin/products/<product_id>/unlist",
    summary="Sell a product no longer (staff); carts that hold it say so",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, *CHANGE),
)
def unlist_product(product_id: IdInPath, seen: SeenProduct) -> StaffProduct:
    return _of(commands.set_listed(_ports(), product_id, seen.version, listed=False, editor=_editor()))


@api.post(
    "/api/admin/products/<product_id>/images",
    status_code=HTTPStatus.CREATED,
    summary="A ticket to upload one picture more (staff); the product shows it once it has arrived",
    tags=["Back office"],
    responses=answers(HTTPStatus.CREATED, *CHANGE),
)
def upload_image(product_id: IdInPath, new: NewImage) -> UploadTicket:
    image = ProductImage(image_id=uuid.uuid4().hex, alt=new.alt)
    product = commands.add_image(_ports(), product_id, image, _editor())
    ticket = _pictures().ticket(product_id, image.image_id, new.content_type)
    return UploadTicket(
        image_id=image.image_id,
        version=product.version,
        url=ticket["url"],
        fields=ticket["fields"],
        max_bytes=MAX_IMAGE_BYTES,
    )


@api.put(
    "/api/admin/products/<product_id>/images",
    summary="Show these of a product's pictures, in this order, and remove the others (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, *CHANGE),
)
def put_images(product_id: IdInPath, new: PutImages) -> StaffProduct:
    images = [ProductImage(image_id=image.image_id, alt=image.alt) for image in new.images]
    return _of(commands.put_images(_ports(), product_id, images, new.version, _editor()))


@api.get(
    "/api/admin/products/<product_id>/changes",
    summary="What staff did to a product, newest first (staff)",
    tags=["Back office"],
    responses=LIST,
)
def list_product_changes(product_id: IdInPath, limit: Limit = 20, cursor: Cursor = None) -> Page[ProductChangeView]:
    place = decode_cursor(cursor, "version")
    if place and (type(place["version"]) is not int or not 0 < place["version"] < 2**53):
        raise invalid("cursor", "is not a cursor of this list")
    # One more than is shown, to know whether there is a next page.
    found = _catalogue().changes(product_id, limit + 1, place["version"] if place else None)
    last = {"version": found[limit - 1].version} if len(found) > limit else None
    views = (ProductChangeView.model_validate(each.model_dump()) for each in found[:limit])
    return Page(items=tuple(views), next_cursor=encode_cursor(last))


def _editor() -> Editor:
    return Editor(api.staff.user_id, datetime.now(UTC))


def _of(product: Product) -> StaffProduct:
    return _staff_view(product, _catalogue().available([product.product_id])[product.product_id])


def _staff_view(product: Product, available: int) -> StaffProduct:
    pictures = [(image, product.pictures.get(image.image_id, Picture())) for image in product.images]
    return StaffProduct(
        product_id=product.product_id,
        name=product.name,
        description=product.description,
        category=product.category,
        price=product.price,
        images=tuple(
            StaffPicture(
                image_id=image.image_id,
                alt=image.alt,
                state=picture.state,
                sizes=_sizes(picture),
                why=picture.why,
            )
            for image, picture in pictures
        ),
        variant=product.variant,
        listed=product.listed,
        version=product.version,
        available=available,
        created_at=product.created_at,
        updated_at=product.updated_at,
    )


def _view(product: Product, variants: Sequence[Product], available: Mapping[str, int]) -> ProductView:
    images = tuple(_picture(image, picture) for image, picture in product.shown)
    return ProductView(
        product_id=product.product_id,
        name=product.name,
        description=product.description,
        category=product.category,
        price=product.price,
        images=images,
        available=available[product.product_id],
        listed=product.listed,
        group=_group(product.variant, variants, available) if product.variant else None,
        created_at=product.created_at,
    )


def _group(variant: Variant, variants: Sequence[Product], available: Mapping[str, int]) -> GroupView:
    found = [
        VariantView(
            product_id=each.product_id,
            value=each.variant.value,
            price=each.price,
            available=available[each.product_id],
        )
        for each in variants
        if each.variant
    ]
    return GroupView(name=variant.group, attribute=variant.attribute, variants=tuple(found))


def _picture(image: ProductImage, picture: Picture) -> PictureView:
    return PictureView(alt=image.alt, sizes=_sizes(picture))


def _sizes(picture: Picture) -> tuple[SizeView, ...]:
    return tuple(SizeView(width=size.width, url=f"/{size.key}") for size in picture.sizes)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
