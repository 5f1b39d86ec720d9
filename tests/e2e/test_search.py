"""Somebody who does not know how a thing is spelt finds it, with the keyboard too."""

import re

from playwright.sync_api import Route, expect

from retail_ops.stack.catalogue import Product
from tests.e2e.visitor import Visitor


def test_a_misspelt_search_by_keyboard_suggests_what_was_meant(visitor: Visitor, catalogue: list[Product]) -> None:
    page, keys = visitor.page, visitor.page.keyboard
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visitor.open("/", "Well-made things")
    # The home page brings along what it shows.
    expect(page.locator("#categories")).to_contain_text(catalogue[0].category)
    assert not [url for url in asked if "/api/products" in url or "/api/categories" in url]
    field = page.get_by_role("banner").get_by_label("Search for products")
    field.focus()
    expect(field).to_have_role("combobox")

    keys.type("bakpac")
    suggestions = page.get_by_role("listbox", name="Suggestions")
    option = suggestions.get_by_role("option", name="Canvas Backpack")
    expect(option).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")

    # Escape closes and keeps the text; the arrow asks again. The focus stays in the field.
    keys.press("Escape")
    expect(suggestions).to_be_hidden()
    expect(field).to_have_value("bakpac")
    keys.press("ArrowDown")
    expect(option).to_be_visible()
    keys.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    active = field.get_attribute("aria-activedescendant")
    assert active and active == option.get_attribute("id")
    keys.press("ArrowDown")
    expect(suggestions.get_by_role("option", name="See all results")).to_have_attribute("aria-selected", "true")
    keys.press("Enter")

    visitor.sees("Results for “bakpac”")
    visitor.reads("Nothing here is called “bakpac”. This comes close.")
    field.focus()
    keys.press("ControlOrMeta+A")
    keys.type("HEADPHONE")
    expect(suggestions.get_by_role("option", name="Studio Headphones")).to_be_visible()
    keys.press("ArrowDown")
    keys.press("Enter")
    visitor.sees("Studio Headphones")


def test_what_is_typed_before_the_scripts_have_come_is_searched_for(visitor: Visitor) -> None:
    page, held = visitor.page, list[Route]()
    page.route(re.compile(r"/main-\w+\.js$"), lambda route: held.append(route), times=1)
    page.goto("/", wait_until="commit")
    field = page.get_by_role("banner").get_by_label("Search for products")
    field.fill("headphone")
    held[0].continue_()
    expect(page.get_by_role("banner").get_by_role("link", name="Log in")).to_be_visible()
    expect(field).to_have_value("headphone")
    expect(field).to_be_focused()
    field.press("Enter")
    visitor.sees("Results for “headphone”")


def test_a_category_is_suggested_too_and_chosen_by_keyboard(visitor: Visitor) -> None:
    page, keys = visitor.page, visitor.page.keyboard
    visitor.open("/", "Well-made things")
    page.get_by_role("banner").get_by_label("Search for products").focus()
    keys.type("elec")
    option = page.get_by_role("listbox", name="Suggestions").get_by_role("option").first
    expect(option).to_have_text("All in Electronics")
    keys.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    keys.press("Enter")
    visitor.sees("Electronics")
    assert page.url.endswith("/products?category=Electronics")


def test_filters_say_what_they_leave_and_their_list_has_an_address(visitor: Visitor, catalogue: list[Product]) -> None:
    page = visitor.page
    bags = [product for product in catalogue if product.category == "Bags"]
    cheap = [product for product in bags if product.price <= 10000]
    visitor.open("/products", "All products")
    category = page.get_by_label("Category")
    expect(category.get_by_role("option", name=f"Bags ({len(bags)})")).to_be_attached()

    page.get_by_label("Highest price", exact=True).fill("100")
    page.get_by_label("Highest price", exact=True).press("Enter")
    expect(category.get_by_role("option", name=f"Bags ({len(cheap)})")).to_be_attached()
    category.select_option("Bags")
    visitor.sees("Bags")
    expect(page.get_by_role("status").filter(has_text="product")).to_have_text(f"{len(cheap)} products")
    assert "maxPrice=10000" in page.url

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    visitor.sees("Bags")
    expect(page.get_by_label("Highest price", exact=True)).to_have_value("100")
    expect(page.get_by_role("main").locator(".card-link")).to_have_count(len(cheap))
    # The page brings along what it shows.
    assert not [url for url in asked if "/api/products" in url or "/api/categories" in url]
    page.go_back()
    visitor.sees("All products")
