"""The rules of the cart.

A line carries the unit price that the shopper saw when they put it there. Checkout compares it with the current
price, so that a shopper never pays a price that they have not seen. Only the shopper can accept another price, by
putting the item again with it. A change of the quantity does not accept it, and neither does a merge.
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
"""After its last change a cart is forgotten."""

REMEMBERED_MERGES = 20
"""The latest merges whose repetition is noticed; a client repeats one within minutes, if at all."""


class CartLine(Model):
    """A product in a cart, at the unit price that the shopper accepted."""

    product_id: str
    name: str
    quantity: int
    unit_price: Money


class Cart(Model):
    """A cart, as it is stored.

    Attributes:
        user_id: whose it is.
        items: in the order in which they were first put in.
        version: counts the changes; 0 is the cart that nobody has touched yet, for which there is no row.
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
    """What the shop says of a product now: its price, and how many can be had."""

    product_id: str
    name: str
    price: Money
    available: int

    def line(self, quantity: int, seen: Money | None) -> CartLine:
        """So many of it, at the unit price that the shopper has seen; at today's where nobody says which that was."""
        return CartLine(product_id=self.product_id, name=self.name, quantity=quantity, unit_price=seen or self.price)


type Offers = Mapping[str, Offer]
"""By product id; what is not there, the shop does not sell."""


class Wanted(Model):
    """What a visitor collected of a product, and at which unit price they saw it; None where nobody says."""

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
    """A product of which a merge put in fewer than were asked for, because there are no more."""

    product_id: str
    requested: int
    quantity: int


def put(cart: Cart, offer: Offer, quantity: int, now: datetime, *, seen: Money | None = None) -> Change[Cart]:
    """Have `quantity` of a product in the cart.

    Args:
        cart: the shopper's.
        offer: of the product.
        quantity: from 1 to MAX_QUANTITY. Fewer than before is never refused: it is a step towards what there is.
        now: time of the change.
        seen: the unit price that the shopper saw; today's where it is None.

    Raises:
        Conflict: `insufficient-stock` with how many are `available`; `cart-full` for one line too many.
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
    """Have none of a product in the cart."""
    rest = tuple(line for line in cart.items if line.product_id != product_id)
    return Nothing("not in the cart") if rest == cart.items else _changed(cart, rest, now)


def clear(cart: Cart, now: datetime) -> Decision[Cart]:
    """Have nothing in the cart. The row stays: its version must not begin anew under a checkout that is open."""
    return _changed(cart, (), now) if cart.items else Nothing("empty already")


def merge(cart: Cart, merge_id: str, wanted: Mapping[str, Wanted], offers: Offers, now: datetime) -> Decision[Cart]:
    """Add what a visitor collected before signing in, once for each merge id.

    Of a product in both, the larger quantity wins; never more than there are, and never fewer than the shopper has.
    The price comes along as it was seen, so that a rise since then still has to be accepted, and so has a price in
    another currency than the one that the shop sold in then.

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
    """What a merge that led to `cart` could not add: the products left out, and those there are too few of."""
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
    """`items` with the line of this product replaced in its place, or added at the end."""
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
