"""Checkout kept in memory, by the same port and under the same conditions as on DynamoDB."""

from collections.abc import Callable, Mapping
from datetime import datetime

from cart import domain as carts
from cloudretail.decider import Change
from cloudretail.envelope import Cause
from cloudretail.errors import LostRace
from orders.domain import Basket, Cart, Listed, Order, cart_changed
from orders.store import ORDERS
from tests.support.repositories import InMemoryRepository


class InMemoryCheckouts:
    """Checkouts of one shopper over two InMemoryRepositories.

    Args:
        orders: of everybody.
        carts: of everybody.
        products: what is for sale.
        available: says how many of each product can be reserved.
        user_id: whose cart and orders.
        hook: called with "load", "commit" or "committed" and the order id before each read, before the transaction and
            after it; what it raises is what the caller gets.
    """

    def __init__(
        self,
        orders: InMemoryRepository[Order],
        carts: InMemoryRepository[carts.Cart],
        products: Mapping[str, Listed],
        available: Callable[[], Mapping[str, int]],
        user_id: str,
        hook: Callable[[str, str], None] = lambda point, key: None,
    ) -> None:
        self.orders = orders
        self.carts = carts
        self._products = products
        self._available = available
        self.user_id = user_id
        self._hook = hook

    def order_and_cart(self, order_id: str) -> tuple[Order | None, Cart]:
        self._hook("load", order_id)
        order = self.orders.items.get(order_id)
        # A batch of consistent reads is no snapshot.
        self._hook("load", f"cart of {self.user_id}")
        cart = self.carts.items.get(self.user_id)
        mine = order is not None and order["userId"] == self.user_id
        return (
            ORDERS.from_item(order).state if order and mine else None,
            Cart.model_validate(cart) if cart else Cart(),
        )

    def basket(self, cart: Cart) -> Basket:
        self._hook("load", f"basket of {self.user_id}")
        return Basket(cart, self._products, self._available())

    def place(self, change: Change[Order], cart_version: int, cause: Cause, now: datetime) -> None:
        order_id = change.state.order_id
        self._hook("commit", order_id)
        self._require_new(order_id)
        self._require_cart(cart_version)
        item = ORDERS.to_item(ORDERS.after(order_id, None, change, cause, now))
        self.orders.items[order_id] = item
        self.orders.images.append(dict(item))
        self._empty_cart(cart_version, now)
        self._hook("committed", order_id)

    def _require_new(self, order_id: str) -> None:
        if order_id in self.orders.items:
            raise LostRace(f"orders {order_id}")

    def _require_cart(self, version: int) -> None:
        cart = self.carts.items.get(self.user_id)
        if cart is None or cart["version"] != version:
            raise cart_changed()

    def _empty_cart(self, version: int, now: datetime) -> None:
        cart = {**self.carts.items[self.user_id], "items": [], "version": version + 1, "updatedAt": now.isoformat()}
        self.carts.items[self.user_id] = cart
        self.carts.images.append(dict(cart))
