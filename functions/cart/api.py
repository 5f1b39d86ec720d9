"""The cart API. Every answer is the whole cart, with today's prices and stock beside the accepted prices."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from cart import commands
from cart.commands import Ports
from cart.domain import MAX_LINES, MAX_QUANTITY, Capped, Cart, CartLine, Offer, Offers, Skipped, Wanted
from cart.store import CartSettings, dynamodb_carts, offers_of
from cloudretail.http import Api, IdInPath, answers
from cloudretail.model import Model, RequestModel
from cloudretail.money import MAX_PRICE, Currency, Money, total
from cloudretail.repository import Repository
from cloudretail.settings import load

api = Api()

Quantity = Annotated[int, Field(strict=True, ge=1, le=MAX_QUANTITY)]


class SeenPrice(RequestModel):
    """A unit price, as the shopper saw it."""

    amount: Annotated[int, Field(strict=True, ge=0, le=MAX_PRICE, examples=[1990])]
    currency: Currency

    @property
    def money(self) -> Money:
        return Money(amount=self.amount, currency=self.currency)


class WantedQuantity(RequestModel):
    """How many of a product the cart shall hold.

    Attributes:
        unit_price: that the shopper saw, and so accepts; today's where it is missing.
    """

    quantity: Quantity
    unit_price: SeenPrice | None = None


class WantedItem(WantedQuantity):
    """A product that a visitor collected before signing in."""

    product_id: Annotated[str, Field(min_length=1, max_length=64)]


class Merge(RequestModel):
    """What a visitor collected before signing in."""

    merge_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
    items: Annotated[tuple[WantedItem, ...], Field(max_length=MAX_LINES)]

    @property
    def wanted(self) -> dict[str, Wanted]:
        """What is wanted by product id. For a product that is named twice, the larger quantity counts."""
        wanted: dict[str, Wanted] = {}
        for item in self.items:
            if item.product_id not in wanted or wanted[item.product_id].quantity < item.quantity:
                seen = item.unit_price.money if item.unit_price else None
                wanted[item.product_id] = Wanted(quantity=item.quantity, seen=seen)
        return wanted


class LineView(CartLine):
    """A line, and what the shop says of its product now.

    Attributes:
        current_price: None where the product is no longer sold.
        price_changed: the current price is not the `unitPrice` that the shopper saw; putting it again accepts that one.
        available: how many can be had now.
        discontinued: the product is no longer sold.
        line_total: at the accepted price.
    """

    current_price: Money | None
    price_changed: bool
    available: int
    discontinued: bool
    line_total: Money


class CartView(Model):
    """A cart.

    Attributes:
        items: in the order in which they were first put in.
        total: at the accepted prices; of one in a currency that the shop no longer sells in, nothing is added.
        version: to be sent with the checkout, which refuses a cart that changed since.
    """

    items: tuple[LineView, ...]
    total: Money
    version: int


class MergedCart(CartView):
    """A cart after a merge.

    Attributes:
        skipped: products that could not be taken over, and why.
        capped: products of which there are fewer than were asked for.
    """

    skipped: tuple[Skipped, ...]
    capped: tuple[Capped, ...]


@cache
def _settings() -> CartSettings:
    return load(CartSettings)


@cache
def _carts() -> Repository[Cart]:
    return dynamodb_carts(_settings())


def _ports() -> Ports:
    return Ports(_carts(), _offers_of)


def _offers_of(product_ids: Iterable[str]) -> Offers:
    return offers_of(_settings(), product_ids)


@api.get(
    "/api/cart",
    summary="The caller's cart",
    tags=["Cart"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED),
)
def get_cart() -> CartView:
    return _view(commands.load(_carts(), api.caller.user_id), {})


@api.put(
    "/api/cart/items/<product_id>",
    summary="Have so many of a product in the cart, at the price that the shopper saw",
    tags=["Cart"],
    responses=answers(
        HTTPStatus.OK,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ),
)
def put_item(product_id: IdInPath, wanted: WantedQuantity) -> CartView:
    seen = wanted.unit_price.money if wanted.unit_price else None
    user_id, now = api.caller.user_id, datetime.now(UTC)
    return _view(*commands.put(_ports(), user_id, product_id, wanted.quantity, seen, api.cause, now))


@api.delete(
    "/api/cart/items/<product_id>",
    summary="Take a product out of the cart",
    tags=["Cart"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED),
)
def remove_item(product_id: IdInPath) -> CartView:
    return _view(commands.remove(_ports(), api.caller.user_id, product_id, api.cause, datetime.now(UTC)), {})


@api.delete(
    "/api/cart",
    summary="Empty the cart",
    tags=["Cart"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED),
)
def clear_cart() -> CartView:
    return _view(commands.clear(_ports(), api.caller.user_id, api.cause, datetime.now(UTC)), {})


@api.post(
    "/api/cart/merge",
    summary="Take over what was collected before signing in, once for each mergeId; the larger quantity wins",
    tags=["Cart"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY),
)
def merge_cart(visitor: Merge) -> MergedCart:
    user_id, now = api.caller.user_id, datetime.now(UTC)
    merged = commands.merge(_ports(), user_id, visitor.merge_id, visitor.wanted, api.cause, now)
    view = _view(merged.cart, merged.offers)
    return MergedCart(
        items=view.items, total=view.total, version=view.version, skipped=merged.skipped, capped=merged.capped
    )


def _view(cart: Cart, known: Offers) -> CartView:
    """The cart beside the shop's offers now. Those in `known` are not read again."""
    unknown = [line.product_id for line in cart.items if line.product_id not in known]
    offers = {**known, **offers_of(_settings(), unknown)}
    items = tuple(_line(line, offers.get(line.product_id)) for line in cart.items)
    currency = _settings().currency
    # Checkout refuses a line in an old currency until today's price is accepted.
    addable = (line.line_total for line in items if line.line_total.currency == currency)
    return CartView(items=items, total=total(addable, currency), version=cart.version)


def _line(line: CartLine, offer: Offer | None) -> LineView:
    return LineView(
        product_id=line.product_id,
        name=offer.name if offer else line.name,
        quantity=line.quantity,
        unit_price=line.unit_price,
        current_price=offer.price if offer else None,
        price_changed=offer is not None and offer.price != line.unit_price,
        available=offer.available if offer else 0,
        discontinued=offer is None,
        line_total=line.unit_price * line.quantity,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
