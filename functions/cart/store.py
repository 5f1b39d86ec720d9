"""Carts in DynamoDB, and the offers, which are read from the catalogue and the stock."""

from collections.abc import Iterable

from cart.domain import Cart, Offer, Offers
from cloudretail.money import Currency
from cloudretail.outbox import Aggregate
from cloudretail.repository import DynamoDBRepository, Repository, batch_get
from cloudretail.settings import Settings

CARTS = Aggregate("cart", "userId", Cart)
"""A cart is an aggregate that publishes nothing: its row never has an outbox."""


class CartTableSettings(Settings):
    """What every function of the cart needs."""

    cart_table: str


class CartSettings(CartTableSettings):
    """What the cart's API needs besides."""

    products_table: str
    inventory_table: str
    currency: Currency


def dynamodb_carts(settings: CartSettings) -> Repository[Cart]:
    return DynamoDBRepository(settings.cart_table, CARTS)


def offers_of(settings: CartSettings, product_ids: Iterable[str]) -> Offers:
    """The shop's present offers of these products, in one round trip.

    A product that is not listed is not sold. Neither is a product with a price in the shop's former currency, until
    staff set a new price.

    Args:
        settings: the tables.
        product_ids: at most 50, so that both tables' keys fit into one BatchGetItem.
    """
    products, inventory = settings.products_table, settings.inventory_table
    keys = [{"productId": {"S": product_id}} for product_id in dict.fromkeys(product_ids)]
    if not keys:
        return {}
    # A consistent read, so that the price that an answer showed is the one that the next request stores.
    found = batch_get({table: {"Keys": keys, "ConsistentRead": True} for table in (products, inventory)})
    available = {row["productId"]: row["availableQty"] for row in found[inventory]}
    return {
        row["productId"]: Offer.model_validate({**row, "available": available.get(row["productId"], 0)})
        for row in found[products]
        if row["listed"] and row["price"]["currency"] == settings.currency
    }
