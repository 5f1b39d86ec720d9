"""The rules of the cart.

A line carries the unit price that the shopper accepted when they put it there. Checkout compares it with the price of
that moment, so that nobody pays a price they have not seen; putting the item again accepts the new one.
"""

from datetime import datetime, timedelta

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
