"""What delivery costs and what an address has to say, by country, in a browser."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Locator, Route, expect

from retail_ops.stack import catalogue
from retail_ops.stack.shop import Shop
from tests.e2e.visitor import Visitor
from tests.support.shoppers import ADDRESS, Person, Shopper, new_product, new_shopper

VISA = "4242 4242 4242 4242"

HONG_KONG = {
    "name": "Ada Lovelace",
    "line1": "1 Queen's Road",
    "city": "Central",
    "state": "Hong Kong Island",
    "country": "HK",
    "phone": "+85221234567",
}
AMERICA = {
    "name": "Ada Lovelace",
    "line1": "1 Infinite Loop",
    "city": "Cupertino",
    "state": "CA",
    "postalCode": "95014",
    "country": "US",
    "phone": "+14089961010",
}


def ships(staff: Person, zones: list[dict[str, Any]], tax_rates: list[dict[str, Any]]) -> None:
    """Have the shop ship so, as staff do in the back office."""
    version = staff.ok("GET", "/admin/shipping-rates")["version"]
    version = staff.ok("PUT", "/admin/shipping-rates", {"version": version, "zones": zones})["version"]
    staff.ok("PUT", "/admin/tax-rates", {"version": version, "rates": tax_rates})


@pytest.fixture(scope="session")
def staff(shop: Shop) -> Person:
    """Somebody of the group staff."""
    return new_shopper(shop, "staff")


@pytest.fixture
def zones(staff: Person) -> Iterator[list[dict[str, Any]]]:
    """The shop has the rates of the sample shop, and takes up to 500 dollars in cash in Singapore.

    Afterwards it has those that it had before, as other tests go by them.
    """
    before = staff.ok("GET", "/admin/shipping-rates")["zones"], staff.ok("GET", "/admin/tax-rates")["rates"]
    sample_zones, sample_tax_rates = catalogue.load_rates()
    sample_zones[0]["cashUpTo"] = {"amount": 50_000, "currency": "SGD"}
    ships(staff, sample_zones, sample_tax_rates)
    yield copy.deepcopy(sample_zones)
    ships(staff, *before)


@pytest.fixture
def product(operator: Person) -> str:
    """The id of a product of 45 dollars."""
    return new_product(operator, stock=20, price=4500)


@pytest.fixture
def customer(visitor: Visitor, zones: list[dict[str, Any]], shopper: Shopper, product: str) -> Shopper:
    """The visitor is logged in, with one of the product in the cart."""
    shopper.put(product)
    visitor.log_in(shopper)
    return shopper


def summary(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("complementary")


def test_a_cart_shows_the_cheapest_delivery_to_where_the_visitor_is_and_that_it_becomes_free(
    visitor: Visitor, customer: Shopper
) -> None:
    visitor.open("/cart", "Your cart")
    for words in (
        "Delivery to Singapore",
        "SGD 4.00",
        "Free from SGD 60.00",
        "SGD 49.00",
        "Includes 9% GST of SGD 4.05",
    ):
        expect(summary(visitor)).to_contain_text(words)
    visitor.button("One more").click()
    expect(summary(visitor)).to_contain_text("Free")
    expect(summary(visitor)).not_to_contain_text("Free from")
    for words in ("2 items", "SGD 90.00", "Includes 9% GST of SGD 7.43"):
        expect(summary(visitor)).to_contain_text(words)


def test_a_press_on_check_out_is_not_lost_when_the_delivery_price_comes(
    visitor: Visitor, customer: Shopper, product: str
) -> None:
    # Of two the delivery is free, so that no line about how it becomes free comes with the price.
    customer.put(product, 2)
    page, on_its_way = visitor.page, list[Route]()
    page.route("**/api/shipping*", lambda route: on_its_way.append(route), times=1)
    with page.expect_request("**/api/shipping*"):
        visitor.open("/cart", "Your cart")
    expect(summary(visitor)).to_contain_text("2 items")
    link = visitor.link("Check out")
    before = link.bounding_box()
    assert before
    page.mouse.move(before["x"] + before["width"] / 2, before["y"] + 4)
    page.mouse.down()
    on_its_way[0].continue_()
    expect(summary(visitor)).to_contain_text("Includes 9% GST of SGD 7.43")
    assert link.bounding_box() == before
    page.mouse.up()
    visitor.sees("Checkout")


def test_an_order_within_singapore_costs_what_its_review_said(visitor: Visitor, customer: Shopper) -> None:
    visitor.check_out()
    page = visitor.page
    expect(page.get_by_role("radio", name="Standard delivery")).to_be_checked()
    page.get_by_role("radio", name="Next day").check()
    expect(page.get_by_role("radio", name="Next day")).to_have_accessible_name(re.compile("Arrives in 1 working day"))
    for words in ("SGD 9.00", "SGD 54.00", "Includes 9% GST of SGD 4.46"):
        expect(summary(visitor)).to_contain_text(words)
    order_id = visitor.place_order()
    for words in ("Next day", "SGD 9.00", "SGD 54.00", "Includes 9% GST of SGD 4.46"):
        expect(summary(visitor)).to_contain_text(words)
    visitor.pay_by_card(VISA)
    visitor.sees("Thank you")

    visitor.open(f"/orders/{order_id}", "Your order")
    for words in ("SGD 45.00", "Next day", "SGD 9.00", "SGD 54.00", "Includes 9% GST of SGD 4.46", ADDRESS["phone"]):
        expect(summary(visitor)).to_contain_text(words)
    for mail in customer.mailed_about(order_id, "OrderConfirmed"):
        assert "Delivery (Next day): SGD 9.00" in mail.text
        assert "Total: SGD 54.00" in mail.text
        assert "Includes 9% GST of SGD 4.46" in mail.text


def test_an_address_in_hong_kong_has_an_area_and_no_postal_code(visitor: Visitor, customer: Shopper) -> None:
    visitor.check_out()
    visitor.field("Country").select_option("HK")
    expect(visitor.page.get_by_label(re.compile("^Postal code"))).to_have_count(0)
    expect(visitor.field("Area")).to_be_visible()
    visitor.fill_address(HONG_KONG)
    expect(summary(visitor)).to_contain_text("SGD 63.00")
    expect(summary(visitor)).not_to_contain_text("Includes")
    order_id = visitor.place_order()

    visitor.open(f"/orders/{order_id}", "Your order")
    expect(summary(visitor)).to_contain_text(re.compile("Central Hong Kong Island *Hong Kong"))
    address = customer.ok("GET", f"/orders/{order_id}")["shippingAddress"]
    assert (address["state"], address.get("postalCode")) == ("Hong Kong Island", None)


def test_an_address_in_the_united_states_has_a_state_and_a_zip_code(visitor: Visitor, customer: Shopper) -> None:
    visitor.check_out()
    visitor.field("Country").select_option("US")
    zip_code = visitor.field("ZIP code")
    expect(zip_code).to_be_visible()
    visitor.fill_address({**AMERICA, "postalCode": "hello"})
    zip_code.blur()
    expect(zip_code).to_have_accessible_description(re.compile("This is not a ZIP code of this country"))
    zip_code.fill("95014")
    expect(zip_code).to_have_attribute("aria-invalid", "false")
    visitor.page.locator("select[name=state]").select_option("")
    visitor.button("Place order").click()
    expect(visitor.field("State")).to_be_focused()
    expect(visitor.field("State")).to_have_accessible_description("Choose your state.")
    visitor.field("State").select_option("California")
    order_id = visitor.place_order()

    visitor.open(f"/orders/{order_id}", "Your order")
    expect(summary(visitor)).to_contain_text(re.compile("Cupertino CA 95014 *United States"))
    expect(summary(visitor)).to_contain_text("SGD 73.00")


def test_only_countries_that_the_shop_ships_to_are_offered(visitor: Visitor, customer: Shopper) -> None:
    visitor.check_out()
    offered = visitor.field("Country").locator("option").all_inner_texts()
    assert "Singapore" in offered
    assert "Brazil" not in offered
    assert offered == sorted(offered)


def test_cash_is_not_offered_where_it_is_not_collected_and_above_its_limit(
    visitor: Visitor, customer: Shopper, zones: list[dict[str, Any]], operator: Person
) -> None:
    cash = visitor.page.get_by_role("radio", name="Cash on delivery")
    visitor.check_out(cash=True)
    visitor.field("Country").select_option("US")
    visitor.reads("Cash on delivery is not available where this order goes to.")
    expect(cash).to_have_count(0)
    expect(visitor.page.get_by_role("radio", name="Card")).to_be_checked()

    customer.put(new_product(operator, stock=2, price=49_000))
    visitor.check_out()
    visitor.reads("Cash on delivery is available up to SGD 500.00.")
    expect(cash).to_have_count(0)


def test_cash_takes_a_phone_number(visitor: Visitor, customer: Shopper) -> None:
    visitor.check_out(cash=True)
    phone = visitor.field("Phone")
    phone.fill("")
    visitor.button("Place order").click()
    expect(phone).to_be_focused()
    expect(phone).to_have_accessible_description(re.compile("Enter a phone number: the courier calls"))
    phone.fill(ADDRESS["phone"])
    visitor.place_order()
    visitor.sees("Thank you, your order is confirmed")


def test_rates_that_change_between_review_and_order_are_shown_and_asked_about(
    visitor: Visitor, customer: Shopper, zones: list[dict[str, Any]], staff: Person
) -> None:
    visitor.check_out()
    expect(summary(visitor)).to_contain_text("SGD 49.00")
    zones[0]["methods"][0]["price"]["amount"] = 650
    version = staff.ok("GET", "/admin/shipping-rates")["version"]
    staff.ok("PUT", "/admin/shipping-rates", {"version": version, "zones": zones})
    visitor.button("Place order").click()

    notice = visitor.page.get_by_role("status").filter(has_text="The total of your order has changed.")
    expect(notice).to_contain_text("SGD 49.00")
    expect(notice).to_contain_text("SGD 51.50")
    expect(notice.locator("[tabindex]")).to_be_focused()
    expect(summary(visitor)).to_contain_text("SGD 6.50")
    assert customer.ok("GET", "/orders")["items"] == []
    visitor.button("Place order").click()
    expect(notice.locator("[tabindex]")).to_be_focused()

    visitor.button("Accept new total").click()
    expect(notice).to_have_count(0)
    order_id = visitor.place_order()
    order = customer.ok("GET", f"/orders/{order_id}")
    assert (order["total"]["amount"], order["shipping"]["price"]["amount"]) == (5150, 650)


def test_a_quote_that_cannot_be_had_is_told_and_asked_for_again(visitor: Visitor, customer: Shopper) -> None:
    visitor.page.route("**/api/shipping*", lambda route: route.abort())
    visitor.open("/checkout", "Checkout")
    visitor.reads("We cannot reach the shop right now.")
    expect(visitor.button("Place order")).to_be_disabled()
    visitor.page.unroute("**/api/shipping*")
    visitor.button("Try again").click()
    expect(visitor.page.get_by_role("radio", name="Standard delivery")).to_be_checked()
    expect(visitor.button("Place order")).to_be_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_filled_checkout_is_for_everybody(visitor: Visitor, customer: Shopper, scheme: Any, width: int) -> None:
    page = visitor.page
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    visitor.check_out()
    visitor.field("Country").select_option("US")
    expect(visitor.field("ZIP code")).to_be_visible()
    visitor.reads("International delivery")
    results = Axe().run(page)
    assert results.response["violations"] == [], results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
