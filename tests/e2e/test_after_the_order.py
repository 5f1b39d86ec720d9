"""After the order, in a browser: where the parcel is, what is sent back, and where the money goes."""

from collections import Counter

import pytest
from playwright.sync_api import expect

from retail_ops.stack.shop import Shop
from tests.e2e.test_every_page import violations
from tests.e2e.visitor import Visitor
from tests.support.shoppers import Person, Shopper, eventually, new_product, stock
from tests.support.staff import Staff

PRICE = 1990
CARD = "tok_visa"
PARCEL = {"carrier": "SingPost", "trackingNumber": "SP123456789SG"}


@pytest.fixture
def staff(shop: Shop) -> Staff:
    return Staff(shop)


@pytest.fixture
def product(operator: Person) -> str:
    return new_product(operator, stock=5, price=PRICE)


def cash(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "SGD"}


def open_order(visitor: Visitor, shopper: Shopper, order_id: str) -> None:
    # What is going on breathes for ever, and axe waits for whatever moves.
    visitor.page.emulate_media(reduced_motion="reduce")
    visitor.log_in(shopper, "/orders")
    visitor.open(f"/orders/{order_id}", "Your order")


def ask_for_return(visitor: Visitor, product: str, quantity: int) -> None:
    visitor.button("Send items back").click()
    visitor.page.locator(f"#return-{product}").select_option(str(quantity))
    visitor.field("Why do you send it back?").select_option("DAMAGED")
    visitor.button("Request return").click()
    visitor.reads("Awaiting your parcel")


def mails(shopper: Shopper) -> Counter[str]:
    return Counter(mail.subject.partition(" ")[2].partition(" ")[2] for mail in shopper.mails())


def test_one_of_two_pieces_that_were_paid_in_cash_goes_back(
    visitor: Visitor, shopper: Shopper, staff: Staff, shop: Shop, product: str
) -> None:
    order_id = shopper.order(product, 2, method="COD")
    shopper.sees(order_id, "CONFIRMED")
    open_order(visitor, shopper, order_id)
    visitor.reads("Packing your order")

    staff.does(order_id, "ship", **PARCEL)
    visitor.reads("Already on its way")
    visitor.reads("Please have SGD")
    expect(visitor.button("Cancel order")).to_have_count(0)
    tracking = visitor.link("Track your parcel")
    expect(tracking).to_have_attribute("href", "https://www.singpost.com/track-items?trackNums=SP123456789SG")
    assert violations(visitor.page) == []

    staff.does(order_id, "deliver", cash=cash(2 * PRICE))
    visitor.reads("You paid the courier")
    visitor.button("Send items back").click()
    visitor.button("Request return").click()
    visitor.reads("Choose at least one item.")
    visitor.reads("Choose a reason.")
    assert violations(visitor.page) == []
    visitor.button("Not now").click()

    ask_for_return(visitor, product, 1)
    assert violations(visitor.page) == []
    (announced,) = shopper.ok("GET", f"/orders/{order_id}")["returns"]
    return_id = announced["returnId"]
    staff.does(order_id, f"returns/{return_id}/receive", lines=[{"productId": product, "writeOff": 1}])
    visitor.reads("We owe you SGD")
    staff.does(order_id, f"refunds/{return_id}/paid", reference="FT-42")
    visitor.reads("We paid SGD")

    assert stock(shop, product) == (3, 0, 1, 1)
    shopper.mailed_about(
        order_id,
        *("OrderPlaced", "OrderConfirmed", "ShipmentDispatched", "ShipmentDelivered"),
        *(f"{kind}#{return_id}" for kind in ("ReturnRequested", "ReturnReceived", "PaymentRefundFailed")),
        f"PaymentRefunded#{return_id}:by-hand",
    )
    assert set(mails(shopper).values()) == {1}


def test_a_return_is_withdrawn_and_its_pieces_can_be_sent_back_again(
    visitor: Visitor, shopper: Shopper, staff: Staff, product: str
) -> None:
    order_id = shopper.order(product, method="COD")
    staff.does(order_id, "ship", **PARCEL)
    staff.does(order_id, "deliver", cash=cash(PRICE))
    shopper.sees(order_id, "DELIVERED")
    open_order(visitor, shopper, order_id)
    ask_for_return(visitor, product, 1)
    expect(visitor.button("Send items back")).to_have_count(0)
    visitor.button("Keep the items").click()
    visitor.reads("Withdrawn")
    expect(visitor.button("Send items back")).to_be_visible()


def test_an_order_that_was_paid_by_card_is_cancelled_before_it_is_shipped(
    visitor: Visitor, shopper: Shopper, shop: Shop, product: str
) -> None:
    order_id = shopper.reserved(product)
    shopper.pay(order_id, CARD)
    shopper.sees(order_id, "CONFIRMED")
    open_order(visitor, shopper, order_id)
    visitor.button("Cancel order").click()
    visitor.reads("If your parcel has not left yet, we refund the full amount to your card.")
    visitor.button("Yes, cancel order").click()
    visitor.reads("Refund on its way")
    eventually(lambda: stock(shop, product), lambda seen: seen[0] == 5)
    assert violations(visitor.page) == []


def test_an_order_cannot_be_cancelled_once_its_parcel_has_left(
    visitor: Visitor, shopper: Shopper, staff: Staff, product: str
) -> None:
    order_id = shopper.order(product, method="COD")
    shopper.sees(order_id, "CONFIRMED")
    open_order(visitor, shopper, order_id)
    # The page has not learned of it yet when the button is pressed.
    with visitor.page.expect_response(f"**/orders/{order_id}/cancel") as answered:
        visitor.button("Cancel order").click()
        visitor.page.route(f"**/api/orders/{order_id}", lambda route: route.abort())
        staff.does(order_id, "ship", **PARCEL)
        shopper.sees(order_id, "SHIPPED")
        visitor.button("Yes, cancel order").click()
    assert answered.value.status == 409
    visitor.reads("Your order is already on its way, so it can no longer be cancelled.")
    visitor.page.unroute_all()


@pytest.mark.parametrize(
    ("action", "words", "expected"),
    [
        ("lost", "Parcel lost", (3, 0, 0, 2)),
        ("came-back", "Parcel came back", (4, 0, 0, 1)),
    ],
    ids=["lost", "half broken"],
)
def test_a_parcel_that_does_not_arrive_ends_the_order(
    visitor: Visitor,
    shopper: Shopper,
    staff: Staff,
    shop: Shop,
    product: str,
    action: str,
    words: str,
    expected: tuple[int, int, int, int],
) -> None:
    order_id = shopper.order(product, 2, method="COD")
    staff.does(order_id, "ship", **PARCEL)
    half_broken = {"reason": "REFUSED", "lines": [{"productId": product, "restock": 1, "writeOff": 1}]}
    staff.does(order_id, action, **({} if action == "lost" else half_broken))
    shopper.sees(order_id, "CANCELLED")
    open_order(visitor, shopper, order_id)
    visitor.reads(words)
    visitor.reads("You were not charged.")
    eventually(lambda: stock(shop, product), lambda seen: seen == expected)
