"""Carts in DynamoDB, and what they read of the catalogue and the stock."""

from collections.abc import Iterable

from cart.domain import Cart, Offer, Offers
from cloudretail.money import Currency
from cloudretail.outbox import Aggregate
from cloudretail.repository import DynamoDBRepository, Repository, batch_get
from cloudretail.settings import Settings

CARTS = Aggregate("cart", "userId", Cart)
"""A cart is an aggregate that publishes nothing: its row never has an outbox."""


class CartSettings(Settings):
    """What the cart's function needs."""

    cart_table: str
    products_table: str
    inventory_table: str
    currency: Currency


def dynamodb_carts(settings: CartSettings) -> Repository[Cart]:
    return DynamoDBRepository(settings.cart_table, CARTS)


def offers_of(settings: CartSettings, product_ids: Iterable[str]) -> Offers:
    """What the shop says of these products now, in one round trip.

    What is not listed is not sold, and neither is a product that was priced before the shop changed its currency, until
    staff price it anew.

    Args:
        settings: the tables.
        product_ids: at most 50, so that both tables' keys fit into one BatchGetItem.
    """
    products, inventory = settings.products_table, settings.inventory_table
    keys = [{"productId": {"S": product_id}} for product_id in dict.fromkeys(product_ids)]
    if not keys:
        return {}
    # Consistent, so that a price that was answered as changed is the one that is stamped next.
    found = batch_get({table: {"Keys": keys, "ConsistentRead": True} for table in (products, inventory)})
    available = {row["productId"]: row["availableQty"] for row in found[inventory]}
    return {
        row["productId"]: Offer.model_validate({**row, "available": available.get(row["productId"], 0)})
        for row in found[products]
        if row["listed"] and row["price"]["currency"] == settings.currency
    }
