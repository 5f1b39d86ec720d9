"""A flash sale: far more orders for one product than there are pieces of it, while DynamoDB raises its conflicts."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from bench.counts import Ledger
from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.shop import Shop
from tests.support.shoppers import Shopper, eventually, new_product, new_shopper, row, stock, unique

SHOPPERS = 40
"""Who order at the same time."""

TRANSACTION_SECONDS = 0.02
"""How long a transaction lasts, and is in the way of others at the same product."""


@dataclass(frozen=True)
class Sale:
    """What a flash sale came to.

    Attributes:
        orders: that shoppers tried to place.
        pieces: that there were.
        confirmed, rejected: orders that were placed, by what they came to.
        refused: tries that cart or checkout refused, since by then nothing was left.
        unanswered: orders that came to nothing.
        oversold: pieces sold that were not there.
        hot_writes: writes of the product's row, done and refused.
        conflicts: of them, those that DynamoDB refused for a conflict.
        placing, seconds: until the last order was placed, and until the last one was answered.
    """

    orders: int
    pieces: int
    confirmed: int
    rejected: int
    refused: int
    unanswered: int
    oversold: int
    hot_writes: int
    conflicts: int
    placing: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As it is recorded."""
        return asdict(self)


TRIES = 5
"""Of a shopper who gets no answer."""

TRANSACTION = "dynamodb TransactWriteItems"


def run(local: LocalShop, orders: int, pieces: int, note: Callable[[str], None]) -> Sale:
    """Let shoppers order, each as fast as they get answers.

    Args:
        local: a counted shop whose transactions last.
        orders: how many in all.
        pieces: of the product.
        note: is told how far it is.
    """
    shop = local.read()
    ledger = Ledger(shop, local.calls.read_text)
    with ThreadPoolExecutor(8) as pool:
        shoppers = list(pool.map(lambda _: new_shopper(shop), range(SHOPPERS)))
    product = new_product(shoppers[0], stock=pieces)
    ledger.skip()
    note(f"{orders} orders for {pieces} pieces")
    began = time.monotonic()
    with ThreadPoolExecutor(SHOPPERS) as pool:
        shares = pool.map(lambda shopper: _order(shopper, product, orders // SHOPPERS), shoppers)
        placed = [order_id for share in shares for order_id in share]
    placing = time.monotonic() - began
    ids = [order_id for order_id in placed if order_id]
    ended = Counter(_ended(shop, order_id) for order_id in ids)
    seconds = time.monotonic() - began
    _, _, sold, _ = eventually(lambda: stock(shop, product), lambda it: it[2] == ended["CONFIRMED"])
    lines = [it for it in ledger.take() if (it["caller"], it.get("call")) == ("InventoryReactions", TRANSACTION)]
    hot = [it for it in lines if "InventoryTable" in it.get("writes", {})]
    return Sale(
        orders=len(placed),
        pieces=pieces,
        confirmed=ended["CONFIRMED"],
        rejected=ended["REJECTED"],
        refused=len(placed) - len(ids),
        unanswered=len(ids) - ended["CONFIRMED"] - ended["REJECTED"],
        oversold=max(0, sold - pieces),
        hot_writes=len(hot),
        conflicts=sum("refused" in it for it in lines),
        placing=placing,
        seconds=seconds,
    )


def _order(shopper: Shopper, product: str, count: int) -> list[str | None]:
    """Order a piece so many times; returns each order's id, None where the shop refused it."""
    return [_placed(shopper, product) for _ in range(count)]


def _placed(shopper: Shopper, product: str) -> str | None:
    """Order a piece; again, with the same key, where the answer is lost."""
    key = unique("sale")
    for _ in range(TRIES):
        with suppress(httpx.HTTPError):
            cart = shopper.call("PUT", f"/cart/items/{product}", {"quantity": 1})
            if not cart.is_success:
                return None
            answer = shopper.check_out(key, method="COD", version=cart.json()["version"])
            return str(answer.json()["orderId"]) if answer.is_success else None
    raise AssertionError(f"no answer after {TRIES} tries")


def _ended(shop: Shop, order_id: str) -> str:
    def status() -> str:
        return str(row(shop, "OrdersTable", orderId=order_id)["status"])

    try:
        return eventually(status, ("CONFIRMED", "REJECTED").__contains__, patience=180)
    except AssertionError:
        return status()
