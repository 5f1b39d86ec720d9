"""The back office on a running shop: what `--demo` brings about is what staff then find."""

from collections import Counter
from typing import Any

import httpx

from retail_ops.stack import catalogue
from retail_ops.stack.api import Api
from retail_ops.stack.demo import ADJUSTMENTS, CUSTOMERS, STORIES, THRESHOLDS, demonstrate
from retail_ops.stack.seed import STAFF, create_accounts, seed, seed_stock
from retail_ops.stack.shop import Shop
from tests.support.shoppers import eventually, ships_for_nothing

STATES = {
    "RESERVED": 2,
    "CONFIRMED": 5,
    "SHIPPED": 2,
    "DELIVERED": 3,
    "CANCELLED": 4,
}
"""Where the demo's orders come to rest, as long as nobody is late to pay."""


def test_the_demo_is_found_by_staff_and_doing_it_again_changes_nothing(shop: Shop) -> None:
    create_accounts(shop, [STAFF])
    ships_for_nothing(shop)
    wanted = {product for story in STORIES for product in story.lines} | set(THRESHOLDS) | set(ADJUSTMENTS)
    products = [product for product in catalogue.load() if product.id in wanted]
    with Api(shop.api_url) as api, httpx.Client(timeout=30, trust_env=False) as uploads:
        api.login(STAFF.email, STAFF.password)
        seed(api, products, lambda _: None, uploads=uploads)
        seed_stock(api, products)
        # Others of this shop may be about to buy the same.
        others = sum(each["reserved"] for each in _counters(api, wanted))

        demonstrate(shop, lambda _: None)
        eventually(lambda: Counter(_orders(api).values()), STATES.__eq__)
        eventually(lambda: sum(each["reserved"] for each in _counters(api, wanted)), (others + 2).__eq__)
        before = _orders(api), _counters(api, wanted)
        demonstrate(shop, lambda _: None)

        assert (_orders(api), _counters(api, wanted)) == before
        low = api.call("GET", "/admin/stock?low=true&limit=100").json()["items"]
        assert {"antique-violin", "hand-bound-journal"} <= {item["productId"] for item in low}
        by_hand = api.call("GET", "/admin/refunds?limit=100").json()["items"]
        assert any(item["status"] == "TO_PAY_BY_HAND" for item in by_hand)


def _orders(api: Api) -> dict[str, str]:
    """The states of the demo's orders, found as staff find them."""
    found = {}
    for account in CUSTOMERS:
        customer = api.call("GET", f"/admin/customers?email={account.email}&limit=100").json()
        assert customer["name"] == account.name
        for order in customer["orders"]:
            (same,) = api.call("GET", f"/admin/orders?q={order['number'].lower()}").json()["items"]
            found[same["orderId"]] = same["status"]
    return found


def _counters(api: Api, products: set[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [api.call("GET", f"/admin/stock/{product}").json() for product in sorted(products)]
    for each in found:
        came_in = each["received"] + each["adjusted"]
        assert each["available"] + each["reserved"] + each["sold"] + each["writtenOff"] == came_in
    return found
