"""Shoppers who order as fast as they can, and what became of every one of their orders."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle, islice
from typing import Any

from retail_ops.stack.shop import Shop
from tests.support.shoppers import Person, Shopper, eventually, new_product, new_shopper, row

WARM_UP = 10
"""Orders that each client places before anything is measured, until every worker that the load needs has started."""

FINAL = ("CONFIRMED", "REJECTED", "CANCELLED")


@dataclass(frozen=True)
class Run:
    """One measured load.

    Attributes:
        orders: how many were placed.
        lost: how many of them did not end.
        seconds: from the first call to the last confirmation.
        checkout: milliseconds of each checkout call, as its client saw it.
        to_confirmed: milliseconds from each order's creation to its confirmation, by the shop's own clock.
    """

    orders: int
    lost: int
    seconds: float
    checkout: Sequence[float]
    to_confirmed: Sequence[float]

    @property
    def orders_per_second(self) -> float:
        return self.orders / self.seconds


def run(shop: Shop, *, clients: int, orders: int, products: int, note: Callable[[str], None]) -> Run:
    """Let `clients` shoppers place `orders` in all, paid in cash, over `products` products.

    Args:
        shop: a running one.
        clients: shoppers at the same time, each with one request under way.
        orders: how many in all; WARM_UP for each client come before.
        products: over how many the orders are spread; 1 makes it hot.
        note: is told how far it is.
    """
    operator: Person = new_shopper(shop, "operators")
    catalogue = [new_product(operator, stock=orders + WARM_UP * clients) for _ in range(products)]
    shoppers = [new_shopper(shop) for _ in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda shopper: _order(shopper, catalogue, WARM_UP), shoppers))
        note(f"{orders} orders by {clients} clients")
        shares = [orders // clients + (index < orders % clients) for index in range(clients)]
        started = time.time()
        placed = list(pool.map(lambda shopper, share: _order(shopper, catalogue, share), shoppers, shares))
    calls = [call for share in placed for call in share]
    note("waiting for the last confirmation")
    ended = [_ended(shop, order_id) for order_id, _ in calls]
    confirmed = [order for order in ended if order["status"] == "CONFIRMED"]
    last = max(_confirmed_at(order) for order in confirmed)
    return Run(
        orders=len(calls),
        lost=len(calls) - len([order for order in ended if order["status"] in FINAL]),
        seconds=last.timestamp() - started,
        checkout=[milliseconds for _, milliseconds in calls],
        to_confirmed=[(_confirmed_at(order) - _time(order["createdAt"])).total_seconds() * 1000 for order in confirmed],
    )


def _order(shopper: Shopper, catalogue: Sequence[str], count: int) -> list[tuple[str, float]]:
    """Order `count` times; returns each order's id and how long the checkout call took, in milliseconds."""
    calls = []
    for product in islice(cycle(catalogue), count):
        version = shopper.put(product)["version"]
        started = time.perf_counter()
        answer = shopper.check_out(method="COD", version=version)
        took = (time.perf_counter() - started) * 1000
        assert answer.status_code == 202, answer.text
        calls.append((answer.json()["orderId"], took))
    return calls


def _ended(shop: Shop, order_id: str) -> dict[str, Any]:
    """The order's row once it has ended; as it is after two minutes, when it has not."""

    def look() -> dict[str, Any]:
        return row(shop, "OrdersTable", orderId=order_id)

    try:
        return eventually(look, lambda order: order["status"] in FINAL, patience=120)
    except AssertionError:
        return look()


def _confirmed_at(order: dict[str, Any]) -> datetime:
    """When the order was confirmed."""
    return next(_time(entry["at"]) for entry in order["history"] if entry["event"] == "PaymentSucceeded")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
