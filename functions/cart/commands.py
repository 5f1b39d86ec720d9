"""What a shopper can ask of their cart: over ports, without HTTP. The API and the simulation call the same code."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cart import domain
from cart.domain import Capped, Cart, Offers, Skipped, Wanted
from cloudretail.decider import Decision
from cloudretail.envelope import Cause
from cloudretail.errors import NotFound
from cloudretail.money import Money
from cloudretail.repository import Repository, transact

type OffersOf = Callable[[Iterable[str]], Offers]
"""What the shop says of these products now; a consistent read of at most 50."""


@dataclass(frozen=True)
class Ports:
    """What the commands work on.

    Attributes:
        carts: by user id.
        offers_of: reads the catalogue and the stock.
    """

    carts: Repository[Cart]
    offers_of: OffersOf


@dataclass(frozen=True)
class Merged:
    """The result of a merge.

    Attributes:
        cart: as it is afterwards.
        offers: of what was wanted, as they were read for the merge.
        skipped: products that could not be added.
        capped: products of which there are fewer than were wanted.
    """

    cart: Cart
    offers: Offers
    skipped: tuple[Skipped, ...]
    capped: tuple[Capped, ...]


def load(carts: Repository[Cart], user_id: str) -> Cart:
    """The shopper's cart as it is now; an untouched one where there is no row."""
    row = carts.load(user_id)
    return row.state if row else Cart(user_id=user_id)


def put(
    ports: Ports, user_id: str, product_id: str, quantity: int, seen: Money | None, cause: Cause, now: datetime
) -> tuple[Cart, Offers]:
    """Have so many of a product in the cart.

    Args:
        ports: as above.
        user_id: whose cart.
        product_id: of the product.
        quantity: from 1 to MAX_QUANTITY.
        seen: the unit price that the shopper saw; today's where it is None.
        cause: the request.
        now: aware.

    Returns:
        The cart, and the product's offer as it was read.

    Raises:
        NotFound: the shop does not sell it.
        Refusal: as `cart.domain.put`.
        Contention: the race was lost again and again.
    """
    offers = ports.offers_of([product_id])
    if product_id not in offers:
        raise NotFound("product")
    offer = offers[product_id]
    return change(
        ports.carts, user_id, lambda cart: domain.put(cart, offer, quantity, now, seen=seen), cause, now
    ), offers


def remove(ports: Ports, user_id: str, product_id: str, cause: Cause, now: datetime) -> Cart:
    """Have none of a product in the cart."""
    return change(ports.carts, user_id, lambda cart: domain.remove(cart, product_id, now), cause, now)


def clear(ports: Ports, user_id: str, cause: Cause, now: datetime) -> Cart:
    """Have nothing in the cart."""
    return change(ports.carts, user_id, lambda cart: domain.clear(cart, now), cause, now)


def merge(
    ports: Ports, user_id: str, merge_id: str, wanted: Mapping[str, Wanted], cause: Cause, now: datetime
) -> Merged:
    """Add what a visitor collected before signing in, once for each merge id.

    Args:
        ports: as above.
        user_id: whose cart.
        merge_id: chosen by the client.
        wanted: by product id, at most MAX_LINES.
        cause: the request.
        now: aware.
    """
    offers = ports.offers_of(wanted)
    cart = change(ports.carts, user_id, lambda cart: domain.merge(cart, merge_id, wanted, offers, now), cause, now)
    return Merged(cart, offers, *domain.left_out(cart, wanted, offers))


def change(
    carts: Repository[Cart], user_id: str, decide: Callable[[Cart], Decision[Cart]], cause: Cause, now: datetime
) -> Cart:
    """Decide on the cart as it is, write what was decided, and return the cart that this led to.

    tab A    read 4                     put 5 if 4: holds
    tab B           read 4                                 put 5 if 4: lost -> read 5, put 6 if 5: holds
    """
    settled = transact(carts, user_id, lambda cart: decide(cart or Cart(user_id=user_id)), cause, now)
    return settled.state or Cart(user_id=user_id)
