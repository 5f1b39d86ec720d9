"""An account and what it keeps, in a browser."""

import json
from pathlib import Path

from playwright.sync_api import expect

from retail_ops.stack.catalogue import Product
from tests.e2e.visitor import Visitor
from tests.support.shoppers import ADDRESS, PASSWORD, Shopper, eventually

NEW_PASSWORD = "Another-2026"


def test_an_address_is_kept_at_checkout_and_offered_at_the_next_one(
    visitor: Visitor, shopper: Shopper, catalogue: list[Product]
) -> None:
    shopper.put(catalogue[0].id)
    visitor.log_in(shopper)
    visitor.check_out(cash=True)
    visitor.page.get_by_label("Keep this address for next time").check()
    visitor.place_order()
    eventually(lambda: shopper.ok("GET", "/account/addresses")["items"])

    shopper.put(catalogue[0].id)
    visitor.open("/checkout", "Checkout")
    expect(visitor.page.get_by_label("A. Shopper")).to_be_checked()
    expect(visitor.field("Street and number")).to_have_count(0)
    visitor.page.get_by_label("Another address").check()
    expect(visitor.field("Street and number")).to_have_value("")
    visitor.page.get_by_label("A. Shopper").check()
    order = visitor.place_order()
    assert shopper.ok("GET", f"/orders/{order}")["shippingAddress"]["line1"] == ADDRESS["line1"]


def test_addresses_are_added_changed_and_removed(visitor: Visitor, shopper: Shopper, catalogue: list[Product]) -> None:
    visitor.log_in(shopper)
    visitor.button("your account").click()
    visitor.page.get_by_role("link", name="Your account").click()
    visitor.sees("Your account")
    visitor.link("Addresses").click()
    visitor.button("Add an address").click()
    visitor.fill_address()
    visitor.button("Save").click()
    visitor.reads("1 Market Street")
    visitor.button("Add an address").click()
    visitor.fill_address({**ADDRESS, "line1": "2 Market Street"})
    visitor.page.get_by_label("Use it as my default").check()
    visitor.button("Save").click()
    visitor.reads("2 Market Street")
    first, second = (
        visitor.page.get_by_role("main").get_by_role("listitem").filter(has=visitor.page.locator("address")).all()
    )
    expect(second).to_contain_text("Default")
    first.get_by_role("button", name="Make it my default").click()
    expect(first).to_contain_text("Default")
    second.get_by_role("button", name="Remove").click()
    expect(visitor.page.locator("address")).to_have_count(1)
    visitor.button("Change").click()
    visitor.page.get_by_label("Postal code").fill("12")
    visitor.button("Save").click()
    visitor.reads("This is not a postal code of this country.")
    visitor.button("Not now").click()
    (kept,) = shopper.ok("GET", "/account/addresses")["items"]
    assert (kept["shippingAddress"]["line1"], kept["isDefault"]) == ("1 Market Street", True)


def test_somebody_changes_name_and_password_and_logs_out_everywhere(visitor: Visitor, shopper: Shopper) -> None:
    visitor.log_in(shopper)
    visitor.open("/account", "Your account")
    visitor.field("Name").fill("Ngũgĩ")
    visitor.button("Save").click()
    expect(visitor.button("your account")).to_contain_text("Ngũgĩ")
    visitor.link("Security").click()
    visitor.sees("Security")
    visitor.field("Your password").fill("Wrong-2026")
    visitor.field("New password").fill(NEW_PASSWORD)
    visitor.button("Change password").click()
    visitor.reads("This is not your password.")
    visitor.field("Your password").fill(PASSWORD)
    visitor.button("Change password").click()
    visitor.reads("Your password is changed.")
    visitor.page.reload()
    visitor.sees("Security")

    visitor.button("Log out everywhere").click()
    visitor.sees("Well-made things")
    visitor.open("/account", "Log in")
    visitor.enter(shopper.email, NEW_PASSWORD)
    visitor.sees("Your account")


def test_somebody_takes_a_copy_of_their_data_and_leaves_and_is_told_what_that_waits_for(
    visitor: Visitor, shopper: Shopper, catalogue: list[Product]
) -> None:
    order = shopper.order(catalogue[0].id, method="COD")
    shopper.sees(order, "CONFIRMED")
    visitor.log_in(shopper)
    visitor.open("/account/data", "Your data")
    with visitor.page.expect_download() as download:
        visitor.button("Download").click()
    copy = json.loads(Path(download.value.path()).read_text())
    assert (copy["account"]["email"], copy["orders"][0]["orderId"]) == (shopper.email, order)

    visitor.reads("is on its way, or being returned")
    visitor.field("Your password").fill("Wrong-2026")
    visitor.button("Delete my account").click()
    visitor.reads("This is not your password.")
    visitor.field("Your password").fill(PASSWORD)
    visitor.button("Delete my account").click()
    visitor.sees("Your account is closed")
    visitor.reads("is on its way, or being returned")
    visitor.open("/account/data", "Log in")
    visitor.enter(shopper.email)
    visitor.reads("That e-mail address and password do not match.")
