"""The rules of the cart.

A line carries the unit price that the shopper saw when they added it. Checkout compares it with the current price, so a
shopper never pays a price that they have not seen. Only the shopper can accept another price, by putting the item again
with that price. A change of the quantity does not accept it, and neither does a merge.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from cloudretail.decider import Change, Decision, Nothing
from cloudretail.errors import Conflict, InvalidInput
from cloudretail.model import Model
from cloudretail.money import Money

MAX_LINES = 50
"""Lines of a cart, and so of an order."""

MAX_QUANTITY = 99
"""Pieces of one product in a cart."""

KEPT_FOR = timedelta(days=90)
"""How long a cart is kept after its last change."""

REMEMBERED_MERGES = 20
"""How many merges are remembered, to recognise a repeated one. A client repeats one within minutes, if at all."""


class CartLine(Model):
    """A product in a cart, at the unit price that the shopper accepted."""

    product_id: str
    name: str
    quantity: int
    unit_price: Money


class Cart(Model):
    """A cart, as it is stored.

    Attributes:
        user_id: the owner.
        items: in the order in which they were first added.
        version: counts the changes; 0 is a cart that was never changed, for which there is no row.
        merge_ids: of the latest merges, the newest last.
        updated_at: of the last change.
        expires_at: seconds since the epoch, at which DynamoDB may delete the row.
    """

    user_id: str
    items: tuple[CartLine, ...] = ()
    version: int = 0
    merge_ids: tuple[str, ...] = ()
    updated_at: datetime | None = None
    expires_at: int | None = None

    def line(self, product_id: str) -> CartLine | None:
        return next((line for line in self.items if line.product_id == product_id), None)


class Offer(Model):
    """The shop's present offer of a product: its price and its available units."""

    product_id: str
    name: str
    price: Money
    available: int

    def line(self, quantity: int, seen: Money | None) -> CartLine:
        """A line with this quantity, at the unit price that the shopper has seen; None means today's price."""
        return CartLine(product_id=self.product_id, name=self.name, quantity=quantity, unit_price=seen or self.price)


type Offers = Mapping[str, Offer]
"""Offers by product id. A product that is missing is not sold."""


class Wanted(Model):
    """How many of a product a visitor collected, and the unit price that they saw; None if that is not known."""

    quantity: int
    seen: Money | None = None


class Skip(StrEnum):
    """Why a merge left a product out."""

    UNKNOWN_PRODUCT = "unknown-product"
    SOLD_OUT = "sold-out"
    CART_FULL = "cart-full"


class Skipped(Model):
    """A product that a merge left out."""

    product_id: str
    reason: Skip


class Capped(Model):
    """A product of which a merge added fewer than were wanted, because no more are available."""

    product_id: str
    requested: int
    quantity: int


def put(cart: Cart, offer: Offer, quantity: int, now: datetime, *, seen: Money | None = None) -> Change[Cart]:
    """Set the quantity of a product in the cart.

    Args:
        cart: the shopper's.
        offer: of the product.
        quantity: from 1 to MAX_QUANTITY. A lower quantity than before is never refused, even if it is not available.
        now: time of the change.
        seen: the unit price that the shopper saw; None means today's.

    Raises:
        Conflict: `insufficient-stock`, with how many are `available`; or `cart-full`, for one line too many.
        InvalidInput: the price that was seen is in another currency.
    """
    if seen and seen.currency != offer.price.currency:
        raise InvalidInput("unitPrice.currency", f"The price is in {offer.price.currency}.")
    line = cart.line(offer.product_id)
    if quantity > max(offer.available, line.quantity if line else 0):
        raise Conflict(
            "insufficient-stock",
            f"Only {offer.available} left of {offer.name}." if offer.available else f"{offer.name} is sold out.",
            available=offer.available,
        )
    if line is None and len(cart.items) >= MAX_LINES:
        raise Conflict("cart-full", f"Your cart is full: it holds up to {MAX_LINES} different products.")
    return _changed(cart, _with(cart.items, offer.line(quantity, seen)), now)


def remove(cart: Cart, product_id: str, now: datetime) -> Decision[Cart]:
    """Take a product out of the cart."""
    rest = tuple(line for line in cart.items if line.product_id != product_id)
    return Nothing("not in the cart") if rest == cart.items else _changed(cart, rest, now)


def clear(cart: Cart, now: datetime) -> Decision[Cart]:
    """Empty the cart. Its row stays, as the version must not begin anew while a checkout page is open."""
    return _changed(cart, (), now) if cart.items else Nothing("empty already")


def merge(cart: Cart, merge_id: str, wanted: Mapping[str, Wanted], offers: Offers, now: datetime) -> Decision[Cart]:
    """Add what a visitor collected before signing in, once for each merge id.

    For a product in both, the larger quantity counts: at most what is available, and never fewer than the shopper has.
    The line has the price that the visitor saw. If the price has risen or its currency has changed since, the shopper
    still has to accept the new one.

    Args:
        cart: the shopper's.
        merge_id: chosen by the client.
        wanted: by product id.
        offers: of these products.
        now: time of the change.
    """
    if not wanted:
        return Nothing("nothing to merge")
    if merge_id in cart.merge_ids:
        return Nothing("merged already")
    items = cart.items
    for product_id, each in wanted.items():
        offer, line = offers.get(product_id), cart.line(product_id)
        quantity = min(each.quantity, offer.available) if offer else 0
        fits = line is not None or len(items) < MAX_LINES
        if offer and fits and quantity > (line.quantity if line else 0):
            items = _with(items, offer.line(quantity, each.seen or (line.unit_price if line else None)))
    return _changed(cart, items, now, merge_ids=(*cart.merge_ids, merge_id)[-REMEMBERED_MERGES:])


def left_out(
    cart: Cart, wanted: Mapping[str, Wanted], offers: Offers
) -> tuple[tuple[Skipped, ...], tuple[Capped, ...]]:
    """The products that a merge left out, and those of which it added fewer than were wanted."""
    skipped: list[Skipped] = []
    capped: list[Capped] = []
    for product_id, each in wanted.items():
        offer, line, requested = offers.get(product_id), cart.line(product_id), each.quantity
        if offer is None:
            skipped.append(Skipped(product_id=product_id, reason=Skip.UNKNOWN_PRODUCT))
        elif line and line.quantity < requested and offer.available < requested:
            capped.append(Capped(product_id=product_id, requested=requested, quantity=line.quantity))
        elif line is None and offer.available == 0:
            skipped.append(Skipped(product_id=product_id, reason=Skip.SOLD_OUT))
        elif line is None and len(cart.items) >= MAX_LINES:
            skipped.append(Skipped(product_id=product_id, reason=Skip.CART_FULL))
    return tuple(skipped), tuple(capped)


def _with(items: tuple[CartLine, ...], new: CartLine) -> tuple[CartLine, ...]:
    """The items with this line: in the place of the product's line before, or at the end."""
    if any(line.product_id == new.product_id for line in items):
        return tuple(new if line.product_id == new.product_id else line for line in items)
    return (*items, new)


def _changed(
    cart: Cart, items: tuple[CartLine, ...], now: datetime, *, merge_ids: tuple[str, ...] | None = None
) -> Change[Cart]:
    return Change(
        Cart(
            user_id=cart.user_id,
            items=items,
            version=cart.version + 1,
            merge_ids=cart.merge_ids if merge_ids is None else merge_ids,
            updated_at=now,
            expires_at=int((now + KEPT_FOR).timestamp()),
        )
    )
