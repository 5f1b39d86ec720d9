"""An order without an account, in a browser: from the search on a phone to the account that takes it over."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from retail_ops.local.mails import read_mails
from retail_ops.stack.catalogue import Product
from retail_ops.stack.shop import Shop
from tests.e2e.test_every_page import violations
from tests.e2e.test_shopping import VISA
from tests.e2e.visitor import Visitor
from tests.support.shoppers import ADDRESS, PATIENCE, Person, eventually, new_product, unique

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def link_in_mail(shop: Shop, email: str, kind: str) -> str:
    """The address in the mail whose subject ends like this."""

    def links() -> list[str]:
        mails = [mail for mail in read_mails(shop, email) if mail.subject.endswith(kind)]
        return [link for mail in mails for link in re.findall(r"http\S+/order-link#\S+", mail.text)]

    return eventually(links)[-1]


@pytest.fixture
def phone(browser: Browser, browser_context_args: dict[str, Any], shop: Shop) -> Iterator[Visitor]:
    """Somebody new, with a phone."""
    with browser.new_context(**{**browser_context_args, **PHONE}) as context:
        context.set_default_timeout(PATIENCE * 1000)
        visitor = Visitor(context.new_page(), shop)
        yield visitor
        context.unroute_all(behavior="wait")
        assert visitor.complaints == []
        assert visitor.secrets() == []


def can_be_used(visitor: Visitor) -> None:
    """axe has nothing against the page, and it does not scroll sideways."""
    expect(visitor.page.locator("[aria-busy=true]:not(.button)")).to_have_count(0)
    assert violations(visitor.page) == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def orders_as_guest(visitor: Visitor, product: str, email: str) -> str:
    """Put one of the product into the cart and order it without an account; returns the order's id."""
    page = visitor.page
    page.goto(f"/products/{product}")
    visitor.page.get_by_role("article").get_by_role("button", name="Add to cart").click()
    expect(visitor.badge).to_contain_text("1")
    visitor.open("/cart", "Your cart")
    visitor.link("Check out").click()
    visitor.sees("Log in")
    visitor.button("Check out as a guest").click()
    visitor.sees("Checkout")
    visitor.field("E-mail address").fill(email)
    visitor.fill_address()
    return visitor.place_order()


def test_from_the_search_on_a_phone_to_the_account_that_takes_the_order_over(
    phone: Visitor, browser: Browser, browser_context_args: dict[str, Any], shop: Shop, catalogue: list[Product]
) -> None:
    page, wanted, email = phone.page, catalogue[0], f"{unique('guest')}@cloudretail.example"
    phone.open("/", "Well-made things")
    field = page.get_by_label("Search for products").locator("visible=true").first
    field.fill(wanted.name)
    field.press("Enter")
    page.get_by_role("main").get_by_role("link", name=wanted.name).first.click()
    phone.sees(wanted.name)
    phone.page.get_by_role("article").get_by_role("button", name="Add to cart").click()
    expect(phone.badge).to_contain_text("1")

    phone.open("/cart", "Your cart")
    phone.link("Check out").click()
    phone.sees("Log in")
    can_be_used(phone)
    phone.button("Check out as a guest").click()
    phone.sees("Checkout")
    phone.reads("Cash on delivery needs an account")
    phone.fill_address()
    phone.button("Place order").click()
    phone.reads("Enter your e-mail address, like name@example.com.")
    can_be_used(phone)
    phone.field("E-mail address").fill(email)
    page.reload()
    phone.sees("Checkout")
    expect(phone.field("E-mail address")).to_have_value(email)
    expect(phone.field("Street and number")).to_have_value(ADDRESS["line1"])
    order_id = phone.place_order()
    phone.pay_by_card(VISA)
    phone.sees("Thank you, your order is confirmed")
    phone.reads(ADDRESS["line1"])
    can_be_used(phone)
    phone.link("View order").click()
    phone.sees("Your order")
    phone.reads("Keep this order in an account")
    can_be_used(phone)
    # It is still theirs after a reload.
    page.reload()
    phone.reads(ADDRESS["line1"])

    # Whoever reads the mail, elsewhere, sees the order and not where it goes to; once.
    link = link_in_mail(shop, email, "received")
    with browser.new_context(**browser_context_args) as elsewhere:
        reader = Visitor(elsewhere.new_page(), shop)
        reader.page.goto(link)
        reader.sees("Your order")
        reader.reads("Not shown here, so that a mistyped e-mail address tells nobody where you live.")
        assert f"/orders/{order_id}" in reader.page.url
        assert ADDRESS["line1"] not in reader.page.content()
        can_be_used(reader)
        assert reader.complaints == []
    with browser.new_context(**browser_context_args) as third:
        late = Visitor(third.new_page(), shop)
        late.page.goto(link)
        late.reads("This link was used before.")
        can_be_used(late)

    # The same person makes an account, and says that the order is theirs.
    phone.link("Create an account").click()
    phone.sees("Create an account")
    phone.field("E-mail address").fill(email)
    phone.button("Send code").click()
    phone.sees("Check your inbox")
    phone.fill_registration(phone.code_from_mail(email))
    phone.button("Create account").click()
    phone.sees("Your orders")
    phone.reads("Orders without an account")
    can_be_used(phone)
    page.get_by_label(wanted.name).check()
    phone.button("Add to your account").click()
    phone.reads("The order is in your account now.")
    page.get_by_role("main").get_by_role("link", name=wanted.name).click()
    phone.sees("Your order")
    phone.reads("You took this order over into your account.")
    expect(page.get_by_role("heading", name="Orders without an account")).to_have_count(0)


def test_whoever_got_the_mail_cancels_the_order(
    phone: Visitor, browser: Browser, browser_context_args: dict[str, Any], shop: Shop, operator: Person
) -> None:
    product, email = new_product(operator, stock=5, price=1250), f"{unique('guest')}@cloudretail.example"
    order_id = orders_as_guest(phone, product, email)
    with browser.new_context(**browser_context_args) as elsewhere:
        reader = Visitor(elsewhere.new_page(), shop)
        reader.page.goto(link_in_mail(shop, email, "received"))
        reader.sees("Your order")
        reader.button("Cancel order").click()
        reader.button("Yes, cancel order").click()
        reader.reads("Cancelled")
    phone.open(f"/orders/{order_id}", "Your order")
    phone.reads("Cancelled")


def test_a_guest_who_logs_in_takes_the_cart_along(phone: Visitor, shopper: Any, operator: Person) -> None:
    product = new_product(operator, stock=5, price=1250)
    phone.page.goto(f"/products/{product}")
    phone.page.get_by_role("article").get_by_role("button", name="Add to cart").click()
    expect(phone.badge).to_contain_text("1")
    phone.open("/login?next=/checkout", "Log in")
    phone.button("Check out as a guest").click()
    phone.sees("Checkout")
    phone.link("Log in").click()
    phone.sees("Log in")
    phone.enter(shopper.email)
    phone.sees("Checkout")
    phone.reads(shopper.email)
    eventually(lambda: shopper.ok("GET", "/cart")["items"])
