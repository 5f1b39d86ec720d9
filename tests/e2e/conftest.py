"""The storefront in a real browser, in front of the same shop that the integration tests talk to."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from retail_ops.stack import catalogue as stocked
from retail_ops.stack.api import Api
from retail_ops.stack.catalogue import Product
from retail_ops.stack.seed import OPERATOR, STAFF, create_accounts, seed, seed_stock
from retail_ops.stack.shop import PROJECT, Shop
from tests.e2e.visitor import Visitor
from tests.support.shoppers import PATIENCE, Person, Shopper, new_shopper, ships_for_nothing

expect.set_options(timeout=PATIENCE * 1000)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last of all: Playwright keeps an event loop in this thread, and no test after it could run one of its own."""
    items.sort(key=lambda item: "e2e" in item.path.parts)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The browser of this machine."""
    found = subprocess.run([PROJECT / "ops" / "browser.sh"], check=True, stdout=subprocess.PIPE, text=True)
    # A web site that is not the shop's, without a DNS: tests/e2e/test_foreign_pages.py.
    args = ["--host-resolver-rules=MAP evil.test 127.0.0.1", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return {**browser_type_launch_args, "executable_path": found.stdout.strip().splitlines()[-1], "args": args}


@pytest.fixture(scope="session")
def base_url(shop: Shop) -> str:
    """What a path is added to."""
    return shop.storefront_url


AT_HOME: Mapping[str, Any] = {
    "locale": "en-SG",
    "timezone_id": "Asia/Singapore",
    "viewport": {"width": 1280, "height": 900},
}
"""Where a visitor sits."""


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Of a visitor of the shop of all tests."""
    return {**browser_context_args, **AT_HOME}


@pytest.fixture(scope="session")
def catalogue(shop: Shop) -> list[Product]:
    """Some products with images, as `make up` has them all, and somewhere to send them to."""
    ships_for_nothing(shop)
    create_accounts(shop, [OPERATOR, STAFF])
    some = [product for product in stocked.load() if product.stock > 20][:8]
    with Api(shop.api_url) as api, httpx.Client(timeout=30, trust_env=False) as uploads:
        api.login(STAFF.email, STAFF.password)
        seed(api, some, lambda _: None, uploads=uploads)
        seed_stock(api, some)
    return some


@pytest.fixture
def visitor(page: Page, shop: Shop) -> Iterator[Visitor]:
    """Somebody new with a browser of their own, who leaves without a complaint of it and without a secret in it."""
    page.set_default_timeout(PATIENCE * 1000)
    visitor = Visitor(page, shop)
    yield visitor
    # A page asks again and again: what is on its way through a test's own hands ends before the browser does.
    page.unroute_all(behavior="wait")
    page.context.unroute_all(behavior="wait")
    assert visitor.complaints == []
    assert visitor.secrets() == []


@pytest.fixture(scope="session")
def regular(shop: Shop, operator: Person, catalogue: list[Product]) -> Shopper:
    """Somebody with things in the cart, an order that is confirmed, one that is cancelled, and one that waits."""
    regular = new_shopper(shop)
    confirmed = regular.order(catalogue[0].id, 2, method="COD")
    regular.sees(confirmed, "CONFIRMED")
    regular.ok("POST", f"/orders/{regular.reserved(catalogue[4].id)}/cancel")
    regular.reserved(catalogue[1].id)
    regular.put(catalogue[2].id, 2)
    regular.put(catalogue[3].id)
    return regular


@pytest.fixture(scope="session")
def regular_is_known(
    browser: Browser, browser_context_args: dict[str, Any], shop: Shop, regular: Shopper
) -> StorageState:
    """What a browser keeps in which the regular is logged in."""
    with browser.new_context(**browser_context_args) as context:
        Visitor(context.new_page(), shop).log_in(regular)
        return context.storage_state()
