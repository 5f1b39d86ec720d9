"""Checkout kept in memory, by the same port and under the same conditions as on DynamoDB."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from cart import domain as carts
from cloudretail.decider import Change
from cloudretail.envelope import Cause
from cloudretail.errors import LostRace
from cloudretail.outbox import Row
from orders.domain import Account, Basket, Cart, HoldingLimits, Listed, Look, Order, cart_changed
from orders.store import ORDERS
from tests.support.rates import FREE
from tests.support.repositories import InMemoryRepository

ROOMY = HoldingLimits(orders=1000, pieces=1_000_000, cash=1_000_000_000)
"""Limits that nobody meets."""

NOTHING_HELD = Account({}, ROOMY)


class InMemoryOrders(InMemoryRepository[Order]):
    """Orders, and what their accounts hold by them: by user, by order."""

    def __init__(self, hook: Callable[[str, str], None] = lambda point, key: None) -> None:
        super().__init__(ORDERS, hook)
        self.accounts: dict[str, Account] = {}

    def account_of(self, user_id: str) -> Account:
        return self.accounts.get(user_id, NOTHING_HELD)

    def _in_the_same_transaction(self, read: Row[Order] | None, change: Change[Order]) -> None:
        order = change.state
        if read and read.state.held and not order.held:
            account = self.account_of(order.user_id)
            rest = {key: held for key, held in account.held.items() if key != order.order_id}
            self.accounts[order.user_id] = replace(account, held=rest, version=account.version + 1)


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
        orders: InMemoryOrders,
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

    def order(self, order_id: str) -> Order | None:
        self._hook("load", order_id)
        order = self.orders.items.get(order_id)
        mine = order is not None and order["userId"] == self.user_id
        return ORDERS.from_item(order).state if order and mine else None

    def look(self, order_id: str) -> Look:
        order = self.order(order_id)
        # A batch of consistent reads is no snapshot.
        self._hook("load", f"cart of {self.user_id}")
        cart = self.carts.items.get(self.user_id)
        self._hook("load", f"account of {self.user_id}")
        account = self.orders.account_of(self.user_id)
        return Look(order, Cart.model_validate(cart) if cart else Cart(), account, FREE)

    def basket(self, cart: Cart) -> Basket:
        self._hook("load", f"basket of {self.user_id}")
        return Basket(cart, self._products, self._available())

    def place(self, change: Change[Order], cart_version: int, account: Account, cause: Cause, now: datetime) -> None:
        order_id = change.state.order_id
        self._hook("commit", order_id)
        self._require_new(order_id)
        self._require_cart(cart_version)
        self._take_hold(change.state, account)
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

    def _take_hold(self, order: Order, read: Account) -> None:
        account = self.orders.account_of(self.user_id)
        if account.version != read.version:
            raise LostRace(f"the account of {self.user_id}")
        assert order.held
        held = {**account.held, order.order_id: order.held}
        self.orders.accounts[self.user_id] = replace(account, held=held, version=account.version + 1)

    def _empty_cart(self, version: int, now: datetime) -> None:
        cart = {**self.carts.items[self.user_id], "items": [], "version": version + 1, "updatedAt": now.isoformat()}
        self.carts.items[self.user_id] = cart
        self.carts.images.append(dict(cart))
