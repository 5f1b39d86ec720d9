"""Who is logged in, and what becomes of the cart when that changes, in a browser."""

import pytest
from playwright.sync_api import Route, expect

from retail_ops.recording.totp import totp
from retail_ops.stack.catalogue import Product
from tests.e2e.visitor import Visitor
from tests.support.shoppers import PASSWORD, Shopper


@pytest.fixture
def thing(catalogue: list[Product]) -> Product:
    """A product with an image."""
    return catalogue[-1]


def collect(visitor: Visitor, thing: Product, times: int) -> None:
    """Put a product into the cart, so many times, from its page."""
    visitor.open(f"/products/{thing.id}", thing.name)
    for pieces in range(1, times + 1):
        visitor.page.get_by_role("article").get_by_role("button", name="Add to cart").click()
        expect(visitor.page.get_by_role("banner").get_by_role("button", name="Cart")).to_contain_text(str(pieces))


def in_cart(shopper: Shopper) -> list[int]:
    return [line["quantity"] for line in shopper.ok("GET", "/cart")["items"]]


def test_a_session_survives_a_reload(visitor: Visitor, shopper: Shopper) -> None:
    visitor.log_in(shopper, "/orders")
    visitor.page.reload()
    visitor.reads("You have not ordered anything yet.")


def test_a_token_that_has_run_out_is_renewed_once_and_nobody_notices(visitor: Visitor, shopper: Shopper) -> None:
    visitor.log_in(shopper)
    refreshes = visitor.answers("/api/auth/refresh")
    # As the gateway refuses a token that has run out.
    visitor.page.route(
        "**/api/orders*",
        lambda route: route.fallback() if refreshes else route.fulfill(status=401, json={"message": "Unauthorized"}),
    )
    visitor.page.get_by_role("contentinfo").get_by_role("link", name="Your orders").click()
    visitor.reads("You have not ordered anything yet.")
    assert [answer.status for answer in refreshes] == [200]


def test_a_session_that_is_over_asks_to_log_in_and_leads_back(visitor: Visitor, shopper: Shopper) -> None:
    visitor.log_in(shopper)
    visitor.page.context.clear_cookies()
    visitor.page.route("**/api/orders*", lambda route: route.fulfill(status=401, json={}), times=1)
    visitor.page.get_by_role("contentinfo").get_by_role("link", name="Your orders").click()
    visitor.sees("Log in")
    visitor.reads("Your session has ended. Please log in again.")
    visitor.enter(shopper.email)
    visitor.reads("You have not ordered anything yet.")


def test_a_guarded_page_comes_back_to_where_the_visitor_wanted_to_go(visitor: Visitor, shopper: Shopper) -> None:
    visitor.open("/orders/ord_nobodys/pay", "Log in")
    visitor.enter(shopper.email)
    visitor.sees("Page not found")
    assert visitor.page.url.endswith("/orders/ord_nobodys/pay")


def test_a_strangers_cart_goes_over_to_the_account_once(visitor: Visitor, shopper: Shopper, thing: Product) -> None:
    collect(visitor, thing, 2)
    visitor.log_in(shopper)
    expect(visitor.field(f"Quantity of {thing.name}").last).to_have_value("2")
    assert in_cart(shopper) == [2]

    visitor.log_out()
    expect(visitor.page.get_by_role("banner").get_by_role("button", name="Cart")).not_to_contain_text("2")
    shopper.put(thing.id, 1)
    visitor.log_in(shopper)
    expect(visitor.field(f"Quantity of {thing.name}").last).to_have_value("1")
    assert in_cart(shopper) == [1]


def test_a_merge_whose_answer_got_lost_is_not_made_twice(visitor: Visitor, shopper: Shopper, thing: Product) -> None:
    broken = True

    def lose(route: Route) -> None:
        if not broken:
            return route.fallback()
        route.fetch()
        return route.abort()

    collect(visitor, thing, 2)
    visitor.page.route("**/api/cart/merge", lose)
    visitor.log_in(shopper)
    visitor.reads("We cannot reach the shop")
    assert in_cart(shopper) == [2]
    shopper.put(thing.id, 1)
    broken = False
    visitor.button("Try again").click()

    expect(visitor.field(f"Quantity of {thing.name}").last).to_have_value("1")
    assert in_cart(shopper) == [1]


def test_logging_out_leaves_nothing_behind(visitor: Visitor, shopper: Shopper, thing: Product) -> None:
    shopper.put(thing.id)
    visitor.log_in(shopper)
    visitor.reads(thing.name)
    visitor.log_out()
    assert visitor.page.evaluate("[{...localStorage}, {...sessionStorage}]") == [{}, {}]
    visitor.open("/cart", "Your cart")
    visitor.reads("Your cart is empty.")
    visitor.open("/orders", "Log in")


def test_two_pages_of_one_browser_refresh_one_after_the_other(visitor: Visitor, shopper: Shopper) -> None:
    visitor.log_in(shopper, "/orders")
    context, under_way, most = visitor.page.context, 0, 0

    def count(route: Route) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        answer = route.fetch()
        under_way -= 1
        route.fulfill(response=answer)

    context.route("**/api/auth/refresh", count)
    pages = [visitor.page, *(context.new_page() for _ in range(2))]
    for page in pages:
        # Each begins before any of them has an answer.
        page.goto("/orders", wait_until="commit")
    for page in pages:
        expect(page.get_by_text("You have not ordered anything yet.")).to_be_visible()
    assert most == 1


def test_an_account_with_a_second_factor_asks_for_the_code_of_the_app(visitor: Visitor, shopper: Shopper) -> None:
    visitor.log_in(shopper, "/second-factor")
    visitor.field("Your password").fill(PASSWORD)
    visitor.button("Continue").click()
    key = visitor.page.locator("strong.secret").inner_text().replace(" ", "")
    visitor.field("Code that the app shows").fill(totp(key))
    visitor.button("Protect my account").click()
    visitor.reads("Your account is protected.")
    visitor.log_out()
    visitor.open("/login", "Log in")
    visitor.enter(shopper.email)
    visitor.reads("Enter the code that it shows.")
    code = totp(key)
    visitor.field("Code of your authenticator app").fill(f"{code[:3]} {code[3:]}")
    visitor.page.get_by_role("main").get_by_role("button", name="Log in").click()
    visitor.sees("Well-made things")
