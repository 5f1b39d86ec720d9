"""What staff make of a product, as shoppers see it."""

import pytest
from playwright.sync_api import expect

from retail_ops.stack.catalogue import Product
from retail_ops.stack.shop import Shop
from tests.e2e.visitor import Visitor
from tests.support.shoppers import Person, Shopper, add_picture, new_product, unlist_product


@pytest.fixture
def product(operator: Person) -> str:
    """The id of a product that only this test sells."""
    return new_product(operator, stock=5)


def test_a_product_with_three_pictures_shows_the_one_that_is_chosen(
    visitor: Visitor, shop: Shop, catalogue: list[Product], product: str
) -> None:
    for number, other in enumerate(catalogue[:3], 1):
        image = add_picture(shop, product, other.image.read_bytes(), f"View {number}")
        assert (image["state"], [size["width"] for size in image["sizes"]]) == ("READY", [256])
    page = visitor.page
    visitor.open(f"/products/{product}", "Thing")

    large = page.get_by_role("article").get_by_role("img").first
    expect(large).to_have_attribute("alt", "View 1")
    assert large.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    visitor.button("Picture 3 of 3: View 3").press("Enter")

    expect(large).to_have_attribute("alt", "View 3")
    expect(visitor.button("Picture 3 of 3: View 3")).to_have_attribute("aria-pressed", "true")
    assert large.evaluate("image => image.currentSrc").startswith(f"{shop.storefront_url}/pictures/")


def test_a_picture_that_is_none_is_shown_to_staff_with_the_reason_and_to_nobody_else(
    visitor: Visitor, shop: Shop, product: str
) -> None:
    image = add_picture(shop, product, b"<svg xmlns='http://www.w3.org/2000/svg'/>")

    assert (image["state"], image["why"]) == ("FAILED", "The file is no WebP, PNG or JPEG picture.")
    visitor.open(f"/products/{product}", "Thing")
    expect(visitor.page.get_by_role("article").get_by_role("img")).to_have_count(0)


def test_what_is_no_longer_sold_says_so_on_its_page_and_in_carts_and_cannot_be_ordered(
    visitor: Visitor, shop: Shop, shopper: Shopper, product: str, operator: Person
) -> None:
    other = new_product(operator, stock=5)
    shopper.put(product)
    shopper.put(other)
    visitor.log_in(shopper)
    visitor.check_out(cash=True)
    unlist_product(shop, product)
    visitor.button("Place order").click()

    visitor.reads("is no longer available.")
    assert shopper.ok("GET", "/orders")["items"] == []
    visitor.open(f"/products/{product}", "Thing")
    visitor.reads("We no longer sell this.")
    expect(visitor.page.get_by_role("article").get_by_role("button", name="Add to cart")).to_have_count(0)
    visitor.open("/cart", "Your cart")
    visitor.reads("No longer available. Please remove it.")
    expect(visitor.link("Check out")).to_have_count(0)
    visitor.page.get_by_role("button", name="Remove").first.click()
    expect(visitor.link("Check out")).to_be_visible()


def test_a_guests_cart_says_what_is_no_longer_sold(visitor: Visitor, shop: Shop, product: str) -> None:
    visitor.open(f"/products/{product}", "Thing")
    visitor.page.get_by_role("article").get_by_role("button", name="Add to cart").click()
    visitor.reads("is in your cart.")
    unlist_product(shop, product)

    visitor.open("/cart", "Your cart")

    visitor.reads("No longer available. Please remove it.")
    expect(visitor.link("Check out")).to_have_count(0)
