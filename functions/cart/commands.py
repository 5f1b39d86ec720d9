"""The use cases of the cart: over ports, without HTTP. The API and the simulation call the same functions."""

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
"""Reads the shop's offers of at most 50 products, consistently."""


@dataclass(frozen=True)
class Ports:
    """The ports of the commands.

    Attributes:
        carts: the repository of carts, by user id.
        offers_of: reads the catalogue and the stock.
    """

    carts: Repository[Cart]
    offers_of: OffersOf


@dataclass(frozen=True)
class Merged:
    """The result of a merge.

    Attributes:
        cart: the cart afterwards.
        offers: the offers of the wanted products, as they were read for the merge.
        skipped: products that could not be added.
        capped: products of which fewer are available than were wanted.
    """

    cart: Cart
    offers: Offers
    skipped: tuple[Skipped, ...]
    capped: tuple[Capped, ...]


def load(carts: Repository[Cart], user_id: str) -> Cart:
    """The shopper's cart as it is now; an empty one with version 0 if there is no row."""
    row = carts.load(user_id)
    return row.state if row else Cart(user_id=user_id)


def put(
    ports: Ports, user_id: str, product_id: str, quantity: int, seen: Money | None, cause: Cause, now: datetime
) -> tuple[Cart, Offers]:
    """Set the quantity of a product in the cart.

    Args:
        ports: carts and offers.
        user_id: whose cart.
        product_id: of the product.
        quantity: from 1 to MAX_QUANTITY.
        seen: the unit price that the shopper saw; None means today's.
        cause: the request.
        now: aware.

    Returns:
        The cart, and the product's offer as it was read.

    Raises:
        NotFound: the shop does not sell the product.
        Refusal: as `cart.domain.put`.
        Contention: too many lost races in a row.
    """
    offers = ports.offers_of([product_id])
    if product_id not in offers:
        raise NotFound("product")
    offer = offers[product_id]
    return change(
        ports.carts, user_id, lambda cart: domain.put(cart, offer, quantity, now, seen=seen), cause, now
    ), offers


def remove(ports: Ports, user_id: str, product_id: str, cause: Cause, now: datetime) -> Cart:
    """Take a product out of the cart."""
    return change(ports.carts, user_id, lambda cart: domain.remove(cart, product_id, now), cause, now)


def clear(ports: Ports, user_id: str, cause: Cause, now: datetime) -> Cart:
    """Empty the cart."""
    return change(ports.carts, user_id, lambda cart: domain.clear(cart, now), cause, now)


def merge(
    ports: Ports, user_id: str, merge_id: str, wanted: Mapping[str, Wanted], cause: Cause, now: datetime
) -> Merged:
    """Add what a visitor collected before signing in, once for each merge id.

    Args:
        ports: carts and offers.
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
    """Read the cart, decide, write the change, and return the cart afterwards.

    tab A    read 4                     put 5 if 4: holds
    tab B           read 4                                 put 5 if 4: lost -> read 5, put 6 if 5: holds
    """
    settled = transact(carts, user_id, lambda cart: decide(cart or Cart(user_id=user_id)), cause, now)
    return settled.state or Cart(user_id=user_id)
