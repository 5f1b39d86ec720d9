"""The back office: a day's work of those who sell, pack, ship and take back, in a browser."""

import io
import re
from typing import Any, Literal

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from retail_ops.stack.shop import Shop
from tests.e2e.test_every_page import violations
from tests.e2e.visitor import Visitor
from tests.support.shoppers import Person, Shopper, eventually, new_product, new_shopper, stock, unique
from tests.support.staff import Staff

PRICE = 1990
PARCEL = {"carrier": "SingPost", "trackingNumber": "SP123456789SG"}


@pytest.fixture
def staff(shop: Shop) -> Staff:
    return Staff(shop)


@pytest.fixture
def at_work(visitor: Visitor, shop: Shop) -> Visitor:
    """The visitor is a member of staff, and has come to the back office."""
    visitor.log_in(new_shopper(shop, "staff"), "/admin/orders")
    visitor.sees("Orders")
    return visitor


@pytest.fixture
def product(operator: Person) -> str:
    return new_product(operator, stock=20, price=PRICE)


def number_of(order_id: str) -> str:
    return order_id.removeprefix("ord_")[:10].upper()


def cash(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "SGD"}


def go(visitor: Visitor, place: str) -> None:
    """By the side bar."""
    visitor.page.get_by_role("navigation", name="Back office").get_by_role("link", name=place).click()
    visitor.sees(place)


def row_of(visitor: Visitor, text: str) -> Locator:
    return visitor.page.get_by_role("row").filter(has_text=text)


def ask(visitor: Visitor, button: str) -> Locator:
    """Press a button that asks once; returns what it asks in."""
    visitor.page.get_by_role("main").get_by_role("button", name=re.compile(rf"^{button} …")).click()
    return visitor.page.get_by_role("dialog")


def to_ship(shopper: Shopper, staff: Staff, product: str, pieces: int = 1) -> str:
    """An order that is paid in cash, and whose parcel waits to be sent."""
    order_id = shopper.order(product, pieces, method="COD")
    shopper.sees(order_id, "CONFIRMED")
    eventually(lambda: staff.api.call("GET", f"/admin/shipments/{order_id}", accept=(404,)).is_success)
    return order_id


def delivered(shopper: Shopper, staff: Staff, product: str, pieces: int = 1) -> str:
    order_id = to_ship(shopper, staff, product, pieces)
    staff.does(order_id, "ship", **PARCEL)
    staff.does(order_id, "deliver", cash=cash(pieces * PRICE))
    shopper.sees(order_id, "DELIVERED")
    return order_id


def send_back(shopper: Shopper, order_id: str, product: str, pieces: int = 1) -> str:
    lines = [{"productId": product, "quantity": pieces}]
    body = {"lines": lines, "reason": "DAMAGED"}
    shopper.ok("POST", f"/orders/{order_id}/returns", body, Idempotency_Key=f"return-{order_id}")
    return_id: str = shopper.ok("GET", f"/orders/{order_id}")["returns"][0]["returnId"]
    return return_id


def test_five_orders_are_picked_packed_with_a_slip_each_and_handed_over_together(
    at_work: Visitor, shopper: Shopper, staff: Staff, product: str
) -> None:
    page = at_work.page
    orders = [to_ship(shopper, staff, product, pieces) for pieces in (1, 2, 1, 1, 3)]
    go(at_work, "To ship")
    for order_id in orders:
        page.get_by_label(f"Choose {number_of(order_id)}", exact=True).check()
    at_work.button("Pick and pack 5").click()

    at_work.sees("Pick and pack")
    expect(row_of(at_work, product)).to_contain_text("8")
    expect(row_of(at_work, product)).to_contain_text(f"3 for {number_of(orders[4])}")

    at_work.link("Packing slips").click()
    expect(page.get_by_role("article")).to_have_count(5)
    first = page.get_by_role("article", name=number_of(orders[0]))
    expect(first).to_contain_text("1 Market Street")
    expect(first).to_contain_text("SGD 19.90")
    assert sheets(page) == [(105, 148)] * 5
    page.get_by_label("Paper").select_option("A4")
    expect(page.locator(".slip-a4")).to_have_count(5)
    assert sheets(page) == [(210, 297)] * 5

    at_work.link("Hand over").click()
    at_work.field("Carrier").fill("SingPost")
    # The shopper of the third one was faster.
    shopper.ok("POST", f"/orders/{orders[2]}/cancel")
    for at, order_id in enumerate(orders):
        box = at_work.field(f"Tracking number of {number_of(order_id)}")
        if at:
            expect(box).to_be_focused()
        else:
            box.focus()
        page.keyboard.type(f"SP{at}00000000SG")
        page.keyboard.press("Enter")
    at_work.reads("4 parcels shipped.")
    refused = at_work.field(f"Tracking number of {number_of(orders[2])}")
    expect(refused).to_have_accessible_description(re.compile("Do not ship it"))
    for at, order_id in enumerate(orders):
        order = shopper.sees(order_id, "CANCELLED" if at == 2 else "SHIPPED")
        assert at == 2 or order["parcel"]["trackingNumber"] == f"SP{at}00000000SG"


def sheets(page: Page) -> list[tuple[int, int]]:
    """Width and height of each printed sheet, in millimetres."""
    printed = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", printed)
    return [(round(float(width) / 72 * 25.4), round(float(height) / 72 * 25.4)) for width, height in boxes]


def test_an_order_is_found_shipped_and_delivered_and_the_page_shows_what_comes_of_it(
    at_work: Visitor, shopper: Shopper, staff: Staff, product: str
) -> None:
    order_id = to_ship(shopper, staff, product, 2)
    at_work.field("Number, id or e-mail address").fill(number_of(order_id).lower())
    at_work.page.keyboard.press("Enter")
    at_work.link(number_of(order_id)).click()
    at_work.sees(f"Order {number_of(order_id)}")

    dialog = ask(at_work, "Ship")
    dialog.get_by_label("Carrier").fill("SingPost")
    dialog.get_by_role("button", name="Ship").click()
    expect(dialog.get_by_label("Tracking number")).to_be_focused()
    dialog.get_by_label("Tracking number").fill("SP123456789SG")
    dialog.get_by_role("button", name="Ship").click()
    expect(dialog).to_have_count(0)
    expect(row_of(at_work, "Gave the parcel to the carrier")).to_contain_text("You")
    expect(row_of(at_work, "Shipped")).to_be_visible()

    dialog = ask(at_work, "Delivered")
    due = dialog.get_by_label("Cash that was collected, in SGD")
    expect(due).to_have_value("39.80")
    due.fill("a lot")
    dialog.get_by_role("button", name="It was delivered").click()
    expect(due).to_have_attribute("aria-invalid", "true")
    due.fill("39.80")
    dialog.get_by_role("button", name="It was delivered").click()
    expect(row_of(at_work, "Cash collected")).to_contain_text("SGD 39.80")
    assert shopper.sees(order_id, "DELIVERED")["status"] == "DELIVERED"


def test_a_return_is_taken_and_the_cash_is_paid_back_by_hand(
    at_work: Visitor, shop: Shop, shopper: Shopper, staff: Staff, product: str
) -> None:
    order_id = delivered(shopper, staff, product, 2)
    return_id = send_back(shopper, order_id, product, 2)
    go(at_work, "Returns")
    expected = row_of(at_work, number_of(order_id))
    expect(expected).to_contain_text("Damaged")
    expected.get_by_role("button", name="Receive").click()
    dialog = at_work.page.get_by_role("dialog")
    dialog.get_by_label(re.compile("^Back on the shelf")).fill("1")
    dialog.get_by_label(re.compile("^Written off")).fill("1")
    dialog.get_by_role("button", name="Receive").click()
    expect(row_of(at_work, number_of(order_id))).to_have_count(0)

    go(at_work, "Refunds")
    owed = row_of(at_work, number_of(order_id))
    expect(owed).to_contain_text("SGD 39.80")
    expect(owed).to_contain_text("To pay by hand")
    owed.get_by_role("button", name="Paid back").click()
    dialog = at_work.page.get_by_role("dialog")
    dialog.get_by_role("button", name="It was paid back").click()
    expect(dialog.get_by_label("Reference")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Reference").fill("FT-42")
    dialog.get_by_role("button", name="It was paid back").click()
    expect(row_of(at_work, number_of(order_id))).to_have_count(0)

    shopper.sees_event(order_id, "PaymentRefunded")
    eventually(lambda: stock(shop, product), lambda seen: seen == (19, 0, 0, 1))
    at_work.open(f"/admin/orders/{order_id}", f"Order {number_of(order_id)}")
    at_work.reads("FT-42")
    assert return_id.removeprefix("ret_")[:10].upper() in at_work.page.get_by_role("main").inner_text()


def test_a_customer_is_found_by_the_address_in_their_mail(
    at_work: Visitor, shopper: Shopper, staff: Staff, product: str
) -> None:
    order_id = to_ship(shopper, staff, product)
    go(at_work, "Customers")
    at_work.field("E-mail address").fill(shopper.email.upper())
    at_work.page.keyboard.press("Enter")
    expect(row_of(at_work, number_of(order_id))).to_contain_text("Cash")
    at_work.field("E-mail address").fill("nobody@cloudretail.example")
    at_work.button("Find").click()
    at_work.reads("Nobody has ordered with nobody@cloudretail.example.")


def test_an_order_is_cancelled_for_a_reason_that_its_shopper_reads(
    at_work: Visitor, shopper: Shopper, staff: Staff, product: str
) -> None:
    order_id = to_ship(shopper, staff, product)
    at_work.open(f"/admin/orders/{order_id}", f"Order {number_of(order_id)}")
    dialog = ask(at_work, "Cancel the order")
    dialog.get_by_role("button", name="Cancel the order").click()
    note = dialog.get_by_label("Why, for the shopper")
    expect(note).to_be_focused()
    note.fill("The last one was broken")
    dialog.get_by_role("button", name="Cancel the order").click()
    expect(row_of(at_work, "Not shipped any more")).to_be_visible()
    expect(at_work.page.get_by_role("main").get_by_role("button", name="Ship")).to_have_count(0)
    (entry,) = shopper.sees_event(order_id, "CancellationRequested")
    assert entry["note"] == "The last one was broken"


def test_rates_that_somebody_else_has_changed_meanwhile_are_not_overwritten_unasked(
    at_work: Visitor, staff: Staff
) -> None:
    page = at_work.page
    stored = staff.api.call("GET", "/admin/shipping-rates").json()
    go(at_work, "Shipping rates")
    price = at_work.field("Price, method 1 of zone 1")
    before = price.input_value()
    staff.api.call("PUT", "/admin/shipping-rates", {"version": stored["version"], "zones": stored["zones"]})

    price.fill("free")
    at_work.button("Save").click()
    expect(price).to_be_focused()
    expect(price).to_have_accessible_description(re.compile("."))
    price.fill(before)
    at_work.button("Save").click()
    at_work.reads("Somebody else has changed the rates meanwhile.")
    at_work.button("Save mine in place of theirs").click()
    at_work.reads("The shipping rates are saved.")
    assert staff.api.call("GET", "/admin/shipping-rates").json()["zones"] == stored["zones"]
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_tax_rate_is_added_and_removed_again(at_work: Visitor, staff: Staff) -> None:
    stored = staff.api.call("GET", "/admin/tax-rates").json()["rates"]
    last = len(stored) + 1
    go(at_work, "Tax rates")
    at_work.button("Add a country").click()
    at_work.field(f"Country of row {last}").fill("lu")
    at_work.field(f"Name of the tax of row {last}").fill("TVA")
    at_work.field(f"Per cent of row {last}").fill("16.25")
    at_work.button("Save").click()
    at_work.reads("The tax rates are saved.")
    added = {"country": "LU", "name": "TVA", "basisPoints": 1625}
    assert staff.api.call("GET", "/admin/tax-rates").json()["rates"] == [*stored, added]
    at_work.button("Remove Luxembourg").click()
    with at_work.page.expect_response("**/api/admin/tax-rates"):
        at_work.button("Save").click()
    eventually(lambda: staff.api.call("GET", "/admin/tax-rates").json()["rates"], lambda rates: rates == stored)


def test_all_of_it_can_be_done_by_keyboard(at_work: Visitor, shopper: Shopper, staff: Staff, product: str) -> None:
    page = at_work.page
    orders = [to_ship(shopper, staff, product) for _ in range(2)]
    page.keyboard.press("g")
    page.keyboard.press("s")
    at_work.sees("To ship")
    page.keyboard.press("/")
    expect(at_work.field("Find in this list")).to_be_focused()
    page.keyboard.type(number_of(orders[0]))
    expect(row_of(at_work, number_of(orders[1]))).to_have_count(0)
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    row_of(at_work, number_of(orders[0])).get_by_role("link").focus()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(at_work.button("Pick and pack 2")).to_be_visible()
    page.keyboard.press("Enter")
    at_work.sees("Order")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    dialog.get_by_label("Single keys are shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(dialog).to_have_count(0)


def test_rows_are_sorted_by_the_heading_that_is_pressed(
    at_work: Visitor, shopper: Shopper, staff: Staff, product: str
) -> None:
    orders = {pieces: to_ship(shopper, staff, product, pieces) for pieces in (2, 1, 3)}
    at_work.open(f"/admin/customers?email={shopper.email}", "Customers")
    numbers = at_work.page.locator("tbody th")
    expect(numbers).to_have_text([number_of(orders[pieces]) for pieces in (3, 1, 2)])
    at_work.button("Pieces").click()
    expect(at_work.page.get_by_role("columnheader", name="Pieces")).to_have_attribute("aria-sort", "ascending")
    expect(numbers).to_have_text([number_of(orders[pieces]) for pieces in (1, 2, 3)])
    at_work.button("Pieces").click()
    expect(numbers).to_have_text([number_of(orders[pieces]) for pieces in (3, 2, 1)])


def test_the_side_bar_counts_what_waits(at_work: Visitor, shopper: Shopper, staff: Staff, product: str) -> None:
    link = at_work.page.get_by_role("navigation", name="Back office").get_by_role("link", name="To ship")
    order_id = to_ship(shopper, staff, product)
    at_work.page.reload()
    expect(link).to_contain_text("parcels wait")
    at_work.open(f"/admin/orders/{order_id}", "Order")
    counted = link.inner_text()
    dialog = ask(at_work, "Ship")
    dialog.get_by_label("Carrier").fill("SingPost")
    dialog.get_by_label("Tracking number").fill("SP1")
    with at_work.page.expect_response("**/api/admin/shipments?open=TO_SHIP*"):
        dialog.get_by_role("button", name="Ship").click()
    if "+" not in counted:
        expect(link).not_to_have_text(counted)


@pytest.mark.parametrize("path", ["/admin", "/admin/orders/ord_1", "/admin/shipping"])
@pytest.mark.parametrize("group", [None, "operators"])
def test_nobody_but_staff_gets_a_back_office(visitor: Visitor, shop: Shop, path: str, group: str | None) -> None:
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url) if "/api/admin" in request.url else None)
    visitor.log_in(new_shopper(shop, *([group] if group else [])))
    visitor.open(path, "Page not found")
    visitor.button("your account").click()
    expect(visitor.page.get_by_role("link", name="Back office")).to_have_count(0)
    assert asked == []


def test_a_page_says_that_it_is_behind_while_the_shop_cannot_be_reached(at_work: Visitor) -> None:
    at_work.page.route("**/api/admin/**", lambda route: route.abort())
    go(at_work, "Refunds")
    at_work.reads("The shop cannot be reached just now")
    at_work.page.unroute("**/api/admin/**")
    at_work.button("Try now").click()
    expect(at_work.page.get_by_text("The shop cannot be reached just now")).to_have_count(0)


def test_the_back_office_can_be_used_by_everybody(
    at_work: Visitor, shopper: Shopper, staff: Staff, product: str
) -> None:
    page = at_work.page
    waiting = to_ship(shopper, staff, product)
    returned = delivered(shopper, staff, product)
    send_back(shopper, returned, product)
    refunded = delivered(shopper, staff, product)
    return_id = send_back(shopper, refunded, product)
    staff.does(refunded, f"returns/{return_id}/receive", lines=[{"productId": product, "restock": 1}])
    eventually(lambda: staff.api.call("GET", "/admin/refunds").json()["items"])
    pages = {
        "/admin/orders": "Orders",
        "/admin/orders?q=nobody@cloudretail.example": "Orders",
        f"/admin/orders/{waiting}": "Order",
        f"/admin/orders/{refunded}": "Order",
        "/admin/to-ship": "To ship",
        "/admin/on-their-way": "On their way",
        f"/admin/batch?orders={waiting}": "Pick and pack",
        f"/admin/batch?orders={waiting}&view=slips": "Pick and pack",
        f"/admin/batch?orders={waiting},{returned}&view=ship": "Pick and pack",
        "/admin/batch": "Pick and pack",
        "/admin/returns": "Returns",
        "/admin/refunds": "Refunds",
        "/admin/customers": "Customers",
        f"/admin/customers?email={shopper.email}": "Customers",
        "/admin/shipping": "Shipping rates",
        "/admin/tax": "Tax rates",
    }
    assert unusable(at_work, pages) == {}
    at_work.open("/admin/returns", "Returns")
    at_work.button("Receive").first.click()
    assert violations(page) == []


def unusable(visitor: Visitor, pages: dict[str, str]) -> dict[str, Any]:
    """What is wrong with some pages: what axe finds, wide and narrow, in light and dark, and what scrolls sideways."""
    page = visitor.page
    page.emulate_media(reduced_motion="reduce")
    found: dict[str, list[str]] = {}
    schemes: list[Literal["light", "dark"]] = ["light", "dark"]
    for path, heading in pages.items():
        page.set_viewport_size({"width": 1280, "height": 900})
        visitor.open(path, heading)
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            found[f"{path} {scheme}"] = violations(page)
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found[f"{path} at {width} px"] = ["it scrolls sideways"]
        found[f"{path} narrow"] = violations(page)
    return {where: what for where, what in found.items() if what}


def test_goods_are_received_a_count_is_corrected_and_what_runs_low_is_seen(
    at_work: Visitor, shop: Shop, product: str
) -> None:
    page = at_work.page
    at_work.open(f"/admin/stock/{product}", "Thing")
    dialog = ask(at_work, "Receive")
    dialog.get_by_label("Pieces that have arrived").fill("a few")
    dialog.get_by_role("button", name="Receive").click()
    expect(dialog.get_by_label("Pieces that have arrived")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Pieces that have arrived").fill("5")
    dialog.get_by_role("button", name="Receive").click()
    expect(row_of(at_work, "Received").filter(has_text="20 → 25")).to_contain_text("You")

    dialog = ask(at_work, "Correct")
    dialog.get_by_label("How many more").fill("-26")
    dialog.get_by_role("button", name="Correct").click()
    expect(dialog.get_by_role("alert")).to_contain_text("25")
    dialog.get_by_label("How many more").fill("-3")
    expect(dialog).to_contain_text("25 are available; 22 will be")
    dialog.get_by_label("Note").fill("Behind the shelf")
    dialog.get_by_role("button", name="Correct").click()
    expect(row_of(at_work, "Count corrected")).to_contain_text("Behind the shelf")

    dialog = ask(at_work, "Threshold")
    dialog.get_by_label("From how many available ones on").fill("22")
    dialog.get_by_role("button", name="Save").click()
    expect(row_of(at_work, "Threshold changed")).to_contain_text("none → 22")
    go(at_work, "Stock")
    at_work.link("Running low").click()
    expect(page.locator(f"a[href='/admin/stock/{product}']")).to_be_visible()
    assert unusable(at_work, {"/admin/stock": "Stock", f"/admin/stock/{product}": "Thing"}) == {}


def picture(color: str) -> bytes:
    """A picture of one colour."""
    content = io.BytesIO()
    Image.new("RGB", (1400, 900), color).save(content, "PNG")
    return content.getvalue()


def files(*colors: str) -> list[FilePayload]:
    return [{"name": f"{color}.png", "mimeType": "image/png", "buffer": picture(color)} for color in colors]


def test_a_product_with_three_pictures_is_filled_in_and_seen_in_the_shop(at_work: Visitor) -> None:
    page = at_work.page
    name = f"Lantern {unique('no')[-6:]}"
    go(at_work, "Products")
    at_work.link("New product").click()
    at_work.sees("New product")
    at_work.button("Create").click()
    expect(at_work.field("Name")).to_be_focused()
    at_work.field("Name").fill(name)
    at_work.field("Category").fill("Tests")
    at_work.field("Price, in SGD").fill("49.90")
    at_work.field("Description").fill("It gives light.")
    at_work.button("Create").click()
    at_work.sees(name)
    at_work.reads("Not on sale")
    product_id = page.url.rsplit("/", 1)[1]

    at_work.field("Add pictures").set_input_files(files("red", "green", "blue"))
    at_work.reads("3 pictures uploaded.")
    expect(page.get_by_text("Shown", exact=True)).to_have_count(3)
    for at, text in enumerate(("A red lantern", "A green lantern", "A blue lantern"), start=1):
        at_work.field(f"What is to be seen on picture {at}").fill(text)
    at_work.button("Up picture 3").click()
    at_work.button("Save the pictures").click()
    expect(at_work.button("Save the pictures")).to_have_count(0)
    at_work.field("Add pictures").set_input_files(FilePayload(name="x.png", mimeType="image/png", buffer=b"not one"))
    expect(page.get_by_text("Failed", exact=True)).to_be_visible()
    at_work.button("Remove picture 4").click()
    at_work.button("Save the pictures").click()
    expect(page.get_by_text("Failed", exact=True)).to_have_count(0)
    assert unusable(at_work, {f"/admin/products/{product_id}": name, "/admin/products": "Products"}) == {}

    page.set_viewport_size({"width": 1280, "height": 900})
    at_work.open(f"/admin/products/{product_id}", name)
    ask(at_work, "Put on sale").get_by_role("button", name="Put it on sale").click()
    at_work.link("See it in the shop").click()
    at_work.sees(name)
    expect(page.get_by_role("main").get_by_alt_text("A red lantern").first).to_be_visible()


def test_the_second_of_two_who_edit_a_product_is_told_with_both_versions(
    at_work: Visitor, staff: Staff, product: str
) -> None:
    page = at_work.page
    at_work.open(f"/admin/products/{product}", "Thing")
    at_work.field("Name").fill("Mine")
    stored = staff.api.call("GET", f"/admin/products/{product}").json()
    theirs = {name: stored[name] for name in ("category", "description", "price", "version")} | {"name": "Theirs"}
    staff.api.call("PUT", f"/admin/products/{product}", theirs)
    at_work.button("Save").click()
    both = page.get_by_role("table", name="Both versions")
    expect(both.get_by_role("row", name="Name Theirs Mine")).to_be_visible()
    assert staff.api.call("GET", f"/admin/products/{product}").json()["name"] == "Theirs"
    assert violations(page) == []
    at_work.button("Save yours in place of theirs").click()
    at_work.sees("Mine")
    expect(row_of(at_work, "Theirs → Mine")).to_contain_text("You")
    assert staff.api.call("GET", f"/admin/products/{product}").json()["name"] == "Mine"


def test_a_product_is_taken_off_sale_and_put_on_sale_again(
    at_work: Visitor, shopper: Shopper, staff: Staff, product: str
) -> None:
    at_work.open(f"/admin/products/{product}", "Thing")
    ask(at_work, "Take off sale").get_by_role("button", name="Take it off sale").click()
    at_work.reads("Nobody but staff sees it.")
    assert shopper.ok("GET", f"/products/{product}")["listed"] is False
    at_work.open("/admin/products?listed=false", "Products")
    expect(at_work.page.locator(f"a[href='/admin/products/{product}']")).to_be_visible()
    at_work.open(f"/admin/products/{product}", "Thing")
    ask(at_work, "Put on sale").get_by_role("button", name="Put it on sale").click()
    expect(row_of(at_work, "Put on sale")).to_contain_text("no → yes")
    assert shopper.ok("GET", f"/products/{product}")["listed"] is True


def test_a_payment_that_a_bank_disputes_is_flagged_wherever_its_parcel_could_leave(
    at_work: Visitor, shopper: Shopper, product: str
) -> None:
    order_id = shopper.order(product)
    shopper.pay(order_id, "tok_dispute")
    shopper.sees(order_id, "CONFIRMED")
    shopper.sees_event(order_id, "PaymentDisputed")

    at_work.open("/admin/orders", "Orders")
    expect(row_of(at_work, number_of(order_id))).to_contain_text("Disputed")
    go(at_work, "To ship")
    expect(row_of(at_work, number_of(order_id))).to_contain_text("Disputed")
    row_of(at_work, number_of(order_id)).get_by_role("link").click()

    at_work.sees(f"Order {number_of(order_id)}")
    expect(at_work.page.get_by_role("region", name="Parcel")).to_contain_text("Better hold the parcel")
    payment = at_work.page.get_by_role("region", name="Payment")
    expect(payment).to_contain_text("Dispute about SGD\xa019.90")
    assert violations(at_work.page) == []
