"""What staff make of a product, as shoppers see it."""

from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import Route, expect

from retail_ops.stack import catalogue as stocked
from retail_ops.stack.api import Api
from retail_ops.stack.catalogue import Product
from retail_ops.stack.seed import STAFF, seed, seed_stock
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
    images = [
        add_picture(shop, product, other.image.read_bytes(), f"View {number}")
        for number, other in enumerate(catalogue[:3], 1)
    ]
    for image in images:
        assert (image["state"], [size["width"] for size in image["sizes"]]) == ("READY", [320, 640, 800])
    page = visitor.page
    visitor.open(f"/products/{product}", "Thing")

    large = page.get_by_role("article").get_by_role("img").first
    expect(large).to_have_attribute("alt", "View 1")
    assert large.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    visitor.button("Larger picture").press("Enter")
    dialog = page.get_by_role("dialog", name="Thing")
    expect(dialog.get_by_role("img")).to_have_attribute("alt", "View 1")
    filling = dialog.get_by_role("img").evaluate("image => image.decode().then(() => image.currentSrc)")
    assert filling.endswith(images[0]["sizes"][-1]["url"])
    page.keyboard.press("Escape")
    expect(visitor.button("Larger picture")).to_be_focused()
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


@pytest.fixture
def boots(shop: Shop, catalogue: list[Product]) -> list[Product]:
    """The sample catalogue's boots in three sizes, one of them sold out."""
    sizes = [replace(each, stock=each.stock if each.id[-2:] != "41" else 0) for each in stocked.load()]
    some = [each for each in sizes if each.variant and each.variant["value"] in ("41", "42", "43")]
    with Api(shop.api_url) as api, httpx.Client(timeout=30, trust_env=False) as uploads:
        api.login(STAFF.email, STAFF.password)
        seed(api, some, lambda _: None, uploads=uploads)
        seed_stock(api, some)
    return some


def test_boots_in_size_42_from_the_list_to_the_order(
    visitor: Visitor, shop: Shop, shopper: Shopper, boots: list[Product]
) -> None:
    page = visitor.page
    visitor.log_in(shopper)
    visitor.open("/products?q=boots", "boots")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="Leather Hiking Boots"))
    expect(card).to_have_count(1)
    expect(card).to_contain_text("Choose size")
    card.get_by_role("link", name="Leather Hiking Boots").click()

    # The first one is sold out: the list has led to another one.
    visitor.sees("Leather Hiking Boots")
    sizes = page.get_by_role("group", name="Size")
    expect(sizes.get_by_role("radio")).to_have_count(3)
    expect(sizes.get_by_role("radio", name="41, sold out")).not_to_be_checked()
    expect(sizes.get_by_role("radio", name="42")).to_be_checked()
    on_its_way: list[Route] = []
    page.route("**/api/products/leather-hiking-boots-43", lambda route: on_its_way.append(route))
    with page.expect_request("**/api/products/leather-hiking-boots-43"):
        sizes.get_by_role("radio", name="42").press("ArrowRight")
    # Until the size that was chosen is there, the one before cannot be bought in its place.
    buy = page.locator(".product-buy")
    expect(buy.get_by_role("button", name="Add to cart")).to_have_accessible_name(
        "Add to cart Leather Hiking Boots, size 42"
    )
    expect(buy).to_have_attribute("inert", "")
    on_its_way[0].continue_()
    page.wait_for_url("**/products/leather-hiking-boots-43")
    expect(sizes.get_by_role("radio", name="43")).to_be_focused()
    expect(buy).not_to_have_attribute("inert", "")
    sizes.get_by_role("radio", name="42").check()
    expect(buy.get_by_role("button", name="Add to cart")).to_have_accessible_name(
        "Add to cart Leather Hiking Boots, size 42"
    )
    page.get_by_role("article").get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="View cart").click()
    visitor.sees("Your cart")
    visitor.reads("Leather Hiking Boots, size 42")
    visitor.check_out(cash=True)
    order_id = visitor.place_order()

    assert [item["productId"] for item in shopper.ok("GET", f"/orders/{order_id}")["items"]] == [
        "leather-hiking-boots-42"
    ]


def test_staff_write_another_size_of_a_product(visitor: Visitor, shop: Shop, boots: list[Product]) -> None:
    page = visitor.page
    visitor.open("/login?next=/admin/products/leather-hiking-boots-42", "Log in")
    visitor.enter(STAFF.email, STAFF.password)
    visitor.sees("Leather Hiking Boots, size 42")
    variants = page.get_by_role("region", name="Variants")
    expect(variants.get_by_role("row")).to_have_count(4)
    page.get_by_role("link", name="Add a variant").click()
    visitor.sees("New product")
    expect(visitor.field("Variant of")).to_have_value("Leather Hiking Boots")
    visitor.field("Name").fill("Leather Hiking Boots, size 44½")
    visitor.field("This one (42, red)").fill("44½")
    visitor.button("Create, not yet on sale").click()

    visitor.sees("Leather Hiking Boots, size 44½")
    expect(variants.get_by_role("row").last).to_contain_text("44½")
