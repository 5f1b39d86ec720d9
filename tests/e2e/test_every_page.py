"""What holds for every page: WCAG by axe, in light and dark, and no scrolling sideways on the smallest screen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Route, StorageState, expect

from retail_ops.stack.shop import Shop
from tests.e2e.visitor import Visitor
from tests.support.shoppers import (
    ADDRESS,
    PASSWORD,
    PATIENCE,
    Person,
    Shopper,
    add_picture,
    new_product,
    unlist_product,
)

type Deed = Callable[[Visitor], object]


@dataclass(frozen=True)
class Look:
    """A page in one of its states.

    Args:
        path: of the page; `{confirmed}`, `{reserved}` and `{cancelled}` are orders of the regular.
        heading: which says that it is there.
        text: which says that it is complete.
        deeds: what the visitor does there first.
        known: whether somebody is logged in.
    """

    path: str
    heading: str
    text: str = ""
    deeds: tuple[Deed, ...] = ()
    known: bool = False


def press(name: str) -> Deed:
    """Press the button of this name."""
    return lambda visitor: visitor.button(name).click()


def be_told(visitor: Visitor) -> None:
    """Wait until the form says what is wrong."""
    expect(visitor.page.locator(".field-error:not(:empty), form [role=alert]:not(:empty)").first).to_be_visible()


def begin_to_search(visitor: Visitor) -> None:
    """Type something that is suggested, and go to the first suggestion."""
    visitor.field("Search for products").press_sequentially("thing")
    visitor.page.get_by_role("option").first.wait_for()
    visitor.page.keyboard.press("ArrowDown")


def open_the_cart(visitor: Visitor) -> None:
    """Open it beside the page."""
    visitor.page.get_by_role("banner").get_by_role("button", name="Cart").click()
    visitor.page.get_by_role("dialog").get_by_role("link", name="Check out").wait_for()


def have_a_cart_that_has_changed(visitor: Visitor) -> None:
    """One line has too few left, another one a new price."""

    def change(route: Route) -> None:
        answer = route.fetch()
        cart = answer.json()
        cart["items"][0] |= {"available": 1}
        cart["items"][1] |= {"priceChanged": True, "currentPrice": {"amount": 1, "currency": "SGD"}}
        route.fulfill(response=answer, json=cart)

    visitor.page.route("**/api/cart", change)
    visitor.page.reload()
    visitor.reads("A price has changed")


def have_kept_addresses(visitor: Visitor) -> None:
    """Two of them; the rest of the shop stays as it is."""
    kept = [
        {"addressId": name, "shippingAddress": {**ADDRESS, "name": name}, "isDefault": name == "Home"}
        for name in ("Home", "The office of a very long name in a very long street")
    ]
    visitor.page.route("**/api/account/addresses", lambda route: route.fulfill(json={"items": kept}))
    visitor.page.reload()
    visitor.reads("Default")


def get_no_categories(visitor: Visitor) -> None:
    """They do not come, and that is said."""
    visitor.gets_no_categories()
    visitor.page.reload()
    visitor.reads("We cannot reach the shop right now.")


def have_changed_a_checkout_too_late(visitor: Visitor) -> None:
    """The first order stands."""
    visitor.page.evaluate("history.replaceState({...history.state, asEntered: false}, '')")
    visitor.page.reload()
    visitor.reads("Your first order went through")


LOOKS = {
    "home": Look("/", "Well-made things", "New in the shop"),
    "home without categories": Look("/", "Well-made things", deeds=(get_no_categories,)),
    "products": Look("/products", "All products", "In stock only"),
    "search with suggestions": Look("/products", "All products", deeds=(begin_to_search,)),
    "what resembles a search": Look("/products?q=thang", "thang", "close."),
    "nothing found": Look("/products?q=unobtainium", "unobtainium", "No products found"),
    "product": Look("/products/{product}", "{name}", "Cancel before we send it"),
    "product with several pictures": Look("/products/{pictured}", "Thing", "Cancel before we send it"),
    "product that is no longer sold": Look("/products/{unlisted}", "Thing", "We no longer sell this."),
    "no such product": Look("/products/unobtainium", "We could not find this product"),
    "terms": Look("/terms", "Terms of sale", "Who sells"),
    "imprint": Look("/imprint", "Imprint", "1 Example Road"),
    "shipping and returns": Look("/shipping", "Shipping and returns", "Sending back"),
    "log in": Look("/login", "Log in"),
    "wrong password": Look("/login", "Log in", deeds=(lambda visitor: visitor.enter("a@cloudretail.example"), be_told)),
    "register": Look("/register", "Create an account"),
    "register, nothing filled in": Look("/register", "Create an account", deeds=(press("Send code"), be_told)),
    "confirm e-mail": Look("/confirm-email", "Check your inbox"),
    "confirm e-mail, nothing filled in": Look(
        "/confirm-email", "Check your inbox", deeds=(press("Create account"), be_told)
    ),
    "forgot password": Look("/forgot-password", "Forgot your password?"),
    "reset password": Look("/reset-password", "Choose a new password"),
    "second factor": Look("/second-factor", "Protect your account", known=True),
    "second factor, begun": Look(
        "/second-factor",
        "Protect your account",
        deeds=(
            lambda visitor: visitor.field("Your password").fill(PASSWORD),
            press("Continue"),
            lambda visitor: visitor.reads("enter this key"),
        ),
        known=True,
    ),
    "account": Look("/account", "Your account", "You log in with", known=True),
    "addresses": Look("/account/addresses", "Your addresses", deeds=(have_kept_addresses,), known=True),
    "no addresses": Look("/account/addresses", "Your addresses", "You have not kept an address yet", known=True),
    "checkout with kept addresses": Look("/checkout", "Checkout", deeds=(have_kept_addresses,), known=True),
    "address, nothing filled in": Look(
        "/account/addresses",
        "Your addresses",
        deeds=(press("Add an address"), press("Save"), be_told),
        known=True,
    ),
    "your data": Look("/account/data", "Your data", "We can only erase these once they are done", known=True),
    "security": Look("/account/security", "Security", "Log out everywhere", known=True),
    "empty cart": Look("/cart", "Your cart", "Your cart is empty"),
    "cart": Look("/cart", "Your cart", "Order summary", known=True),
    "cart, changed": Look("/cart", "Your cart", deeds=(have_a_cart_that_has_changed,), known=True),
    "checkout, changed": Look("/checkout", "Checkout", deeds=(have_a_cart_that_has_changed,), known=True),
    "cart beside the page": Look("/products", "All products", deeds=(open_the_cart,), known=True),
    "account menu": Look("/orders", "Your orders", deeds=(press("your account"),), known=True),
    "checkout": Look("/checkout", "Checkout", "Delivery address", known=True),
    "checkout, nothing filled in": Look(
        "/checkout",
        "Checkout",
        deeds=(lambda visitor: visitor.field("Full name").fill(""), press("Place order"), be_told),
        known=True,
    ),
    "payment": Look("/orders/{reserved}/pay", "Payment", "Test mode", known=True),
    "payment, nothing filled in": Look(
        "/orders/{reserved}/pay", "Payment", deeds=(press("Pay SGD"), be_told), known=True
    ),
    "confirmation": Look("/orders/{confirmed}/confirmation", "Thank you", "What happens next", known=True),
    "receipt": Look("/orders/{confirmed}/receipt", "Receipt", "To be paid in cash on delivery.", known=True),
    "orders": Look("/orders", "Your orders", "Confirmed", known=True),
    "order, confirmed": Look("/orders/{confirmed}", "Your order", "Order confirmed", known=True),
    "order, reserved": Look("/orders/{reserved}", "Your order", "Waiting for your payment", known=True),
    "order, cancelled": Look("/orders/{cancelled}", "Your order", "Put these items back", known=True),
    "order that stands": Look(
        "/orders/{reserved}", "Your order", deeds=(have_changed_a_checkout_too_late,), known=True
    ),
    "payment, over": Look("/orders/{cancelled}/pay", "Payment", "Put these items back", known=True),
    "confirmation, over": Look("/orders/{cancelled}/confirmation", "Order cancelled", known=True),
    "cancel an order": Look("/orders/{reserved}", "Your order", deeds=(press("Cancel order"),), known=True),
    "no such order": Look("/orders/ord_nobodys", "Page not found", known=True),
    "no such page": Look("/no/such/page", "Page not found"),
    "error": Look("/error", "This page could not be opened"),
}


@pytest.fixture(scope="module")
def special(shop: Shop, operator: Person, catalogue: list[Any]) -> dict[str, str]:
    """Products that are not like the others, by what they are."""
    pictured, unlisted = new_product(operator, stock=5), new_product(operator, stock=5)
    for product in catalogue[:3]:
        add_picture(shop, pictured, product.image.read_bytes(), f"A picture of {product.name}")
    unlist_product(shop, unlisted)
    return {"pictured": pictured, "unlisted": unlisted}


@pytest.fixture
def places(regular: Shopper, catalogue: list[Any], special: dict[str, str]) -> dict[str, str]:
    """What stands for the names in the paths."""
    orders = {order["status"].lower(): order["orderId"] for order in regular.ok("GET", "/orders")["items"]}
    return {**orders, **special, "product": catalogue[0].id, "name": catalogue[0].name}


@pytest.fixture
def onlooker(
    browser: Browser,
    browser_context_args: dict[str, Any],
    regular_is_known: StorageState,
    shop: Shop,
    look: Look,
) -> Iterator[Visitor]:
    """A stranger or the regular, as the page needs it, who does not care for movement."""
    state = regular_is_known if look.known else None
    with browser.new_context(**browser_context_args, storage_state=state, reduced_motion="reduce") as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        onlooker = Visitor(page, shop)
        yield onlooker
        assert onlooker.complaints == []
        assert onlooker.secrets() == []


def painted(page: Page) -> None:
    """Wait for two frames: the first one after a change of the screen may still show what was before."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def violations(page: Page) -> list[str]:
    """What axe finds, each with the elements that it is about, once nothing fades any longer."""
    painted(page)
    page.evaluate("Promise.allSettled(document.getAnimations().map(each => each.finished))")
    return [
        f"{each['id']}: {[(node['html'][:160], node['failureSummary']) for node in each['nodes']]}"
        for each in Axe().run(page).response["violations"]
    ]


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_a_page_can_be_used_by_everybody(onlooker: Visitor, places: dict[str, str], look: Look) -> None:
    page = onlooker.page
    onlooker.open(look.path.format(**places), look.heading.format(**places))
    if look.text:
        onlooker.reads(look.text)
    expect(page.locator("[aria-busy=true]:not(.button)")).to_have_count(0)
    for deed in look.deeds:
        deed(onlooker)
    found = {}
    schemes: list[Literal["light", "dark"]] = ["light", "dark"]
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        found[scheme] = violations(page)
    assert found == {"light": [], "dark": []}

    page.set_viewport_size({"width": 320, "height": 640})
    painted(page)
    # The body is what a scroll bar at its side leaves of the screen.
    too_wide = page.evaluate("document.documentElement.scrollWidth - Math.ceil(document.body.clientWidth)")
    assert too_wide <= 0, f"{too_wide} px too wide for a screen of 320 px"
    assert violations(page) == [], "on a screen of 320 px, in the dark"
