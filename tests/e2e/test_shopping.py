"""From the first look at the shop to the things that are ordered, in a browser."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Route, expect

from retail_ops.stack.catalogue import Product
from retail_ops.stack.seed import Account
from retail_ops.stack.shop import Shop
from tests.e2e.visitor import Visitor
from tests.support.shoppers import (
    PASSWORD,
    Person,
    Shopper,
    change_product,
    eventually,
    new_product,
    new_shopper,
    sign_in,
    unique,
)

VISA = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
NO_REFUND = "4000 0000 0000 5126"


def number_of(order_id: str) -> str:
    """What pages and mails call the order."""
    return order_id.removeprefix("ord_")[:10].upper()


def orders_of(shopper: Shopper) -> list[str]:
    return [order["orderId"] for order in shopper.ok("GET", "/orders")["items"]]


@pytest.fixture
def product(operator: Person) -> str:
    """The id of a product that only this test sells."""
    return new_product(operator, stock=5, price=1250)


@pytest.fixture
def customer(visitor: Visitor, shopper: Shopper, product: str) -> Shopper:
    """The visitor is logged in, with two of the product in the cart."""
    shopper.put(product, 2)
    visitor.log_in(shopper)
    return shopper


def test_a_stranger_registers_buys_pays_in_cash_and_is_written_to(
    visitor: Visitor, shop: Shop, catalogue: list[Product]
) -> None:
    page, email, wanted = visitor.page, f"{unique('visitor')}@cloudretail.example", catalogue[0]
    visitor.open("/", "Well-made things")
    page.get_by_role("banner").get_by_role("link", name="Log in").click()
    visitor.link("Create an account").click()
    visitor.sees("Create an account")
    visitor.field("E-mail address").fill(email)
    visitor.button("Send code").click()
    visitor.sees("Check your inbox")
    visitor.fill_registration(visitor.code_from_mail(email))
    visitor.button("Create account").click()
    visitor.sees("Well-made things")
    visitor.log_out()
    page.get_by_role("banner").get_by_role("link", name="Log in").click()
    visitor.sees("Log in")
    visitor.enter(email)
    visitor.sees("Well-made things")

    page.get_by_label("Search for products").fill(wanted.name)
    page.keyboard.press("Enter")
    visitor.sees(f"“{wanted.name}”")
    visitor.page.get_by_role("main").get_by_role("link", name=wanted.name, exact=True).click()
    visitor.sees(wanted.name)
    page.get_by_role("article").get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="View cart").click()
    visitor.sees("Your cart")
    visitor.button("One more").click()
    expect(page.get_by_role("complementary")).to_contain_text("2 items")
    visitor.link("Check out").click()
    visitor.sees("Checkout")
    visitor.fill_address()
    page.get_by_label("Cash on delivery").check()
    order_id = visitor.place_order()

    visitor.sees("Thank you, your order is confirmed")
    visitor.reads(number_of(order_id))
    visitor.reads("in cash when it arrives")
    page.get_by_role("contentinfo").get_by_role("link", name="Your orders").click()
    visitor.sees("Your orders")
    row = page.get_by_role("listitem").filter(has_text=number_of(order_id))
    expect(row).to_contain_text("Confirmed")
    row.get_by_role("link", name=wanted.name).click()
    visitor.reads("Order placed")
    visitor.reads("You pay in cash when it arrives.")
    account = sign_in(shop, Account(email, "Vera Visitor", PASSWORD))
    mails = account.mailed_about(order_id, "OrderPlaced", "OrderConfirmed")
    assert all(mail.to == (email,) for mail in mails)
    assert all(f"Order {number_of(order_id)} " in mail.subject for mail in mails if order_id in mail.text)


def test_a_declined_card_is_recovered_in_place(visitor: Visitor, customer: Shopper) -> None:
    visitor.check_out()
    order_id = visitor.place_order()
    visitor.pay_by_card(DECLINED)

    alert = visitor.page.get_by_role("alert").filter(has_text="2 attempts left")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("You were not charged")
    visitor.pay_by_card(VISA)

    visitor.sees("Thank you, your order is confirmed")
    payment = customer.sees_payment(order_id, "SUCCEEDED")
    assert (payment["attempts"], payment["method"]) == (2, "CARD")


def test_a_card_declined_three_times_ends_the_order_and_says_so(visitor: Visitor, customer: Shopper) -> None:
    visitor.check_out()
    visitor.place_order()
    for left in ("2 attempts left", "one attempt left"):
        visitor.pay_by_card(DECLINED)
        visitor.reads(left)
    visitor.pay_by_card(DECLINED)

    visitor.reads("There were no attempts left, so the order was cancelled. You were not charged.")


def test_a_card_that_is_no_test_card_is_refused_here_and_sent_to_nobody(visitor: Visitor, customer: Shopper) -> None:
    sent: list[str] = []
    visitor.page.on("request", lambda request: sent.append(request.url + (request.post_data or "")))
    visitor.check_out()
    order_id = visitor.place_order()
    visitor.field("Card number").fill("5555555555554444")
    visitor.field("Expiry date").fill("13/20")
    visitor.button("Pay SGD").click()

    expect(visitor.field("Card number")).to_be_focused()
    expect(visitor.field("Card number")).to_have_accessible_description(re.compile("Only the test cards below work"))
    expect(visitor.field("Expiry date")).to_have_accessible_description(re.compile("Enter the expiry date"))
    visitor.pay_by_card(VISA)
    visitor.sees("Thank you")
    assert [each for each in sent if re.search(r"5555|4242", each)] == []
    assert any("tok_visa" in each for each in sent if order_id in each)


def test_what_is_wrong_with_the_address_stands_beside_its_field(visitor: Visitor, customer: Shopper) -> None:
    visitor.check_out()
    visitor.field("Street and number").fill("  ")
    visitor.field("City").fill("")
    visitor.button("Place order").click()

    expect(visitor.field("Street and number")).to_be_focused()
    for label in ("Street and number", "City"):
        expect(visitor.field(label)).to_have_accessible_description(f"Enter your {label.lower()}.")
    expect(visitor.field("Postal code")).to_have_attribute("aria-invalid", "false")
    assert orders_of(customer) == []


def test_sold_out_between_cart_and_checkout(visitor: Visitor, shop: Shop, shopper: Shopper, operator: Person) -> None:
    last = new_product(operator, stock=1)
    shopper.put(last)
    visitor.log_in(shopper)
    visitor.check_out()
    new_shopper(shop).reserved(last)
    visitor.button("Place order").click()

    visitor.reads("is sold out.")
    visitor.link("Edit your cart").click()
    visitor.reads("Sold out. Please remove it.")
    expect(visitor.link("Check out")).to_have_count(0)
    visitor.button("Remove").click()
    visitor.reads("Your cart is empty.")
    assert orders_of(shopper) == []


def test_sold_out_a_moment_before_is_told_honestly(visitor: Visitor, shop: Shop, operator: Person) -> None:
    def both_order_the_last() -> list[tuple[Shopper, str]]:
        last = new_product(operator, stock=1)
        rivals = [new_shopper(shop), new_shopper(shop)]
        for rival in rivals:
            rival.put(last)
        with ThreadPoolExecutor() as pool:
            answers = list(pool.map(lambda rival: rival.check_out(), rivals))
        pairs = zip(rivals, answers, strict=True)
        placed = [(rival, answer.json()["orderId"]) for rival, answer in pairs if answer.status_code == 202]
        return [
            (who, order) for who, order in placed if who.sees(order, "RESERVED", "REJECTED")["status"] == "REJECTED"
        ]

    # Whoever is refused at checkout already was too late for this test.
    [(loser, order_id)] = eventually(both_order_the_last)
    visitor.log_in(loser, f"/orders/{order_id}")

    visitor.reads("Someone else was a moment faster.")
    visitor.reads("You were not charged.")
    expect(visitor.button("Cancel order")).to_have_count(0)


def test_a_changed_price_is_called_out_and_paid_only_once_it_is_agreed_to(
    visitor: Visitor, customer: Shopper, product: str, shop: Shop
) -> None:
    visitor.check_out(cash=True)
    change_product(shop, product, price={"amount": 1499, "currency": "SGD"})
    visitor.button("Place order").click()

    notice = visitor.page.get_by_role("status").filter(has_text="A price has changed since you last looked.")
    expect(notice).to_contain_text("was SGD\u00a012.50")
    expect(notice).to_contain_text("is now SGD\u00a014.99")
    assert orders_of(customer) == []
    expect(visitor.page.locator("shop-price-changes .notice")).to_be_focused()
    visitor.button("Accept new price").click()
    expect(notice).to_have_count(0)
    expect(visitor.page.get_by_role("alert")).to_have_count(0)
    expect(visitor.page.get_by_role("complementary")).to_contain_text("SGD\u00a029.98")
    order_id = visitor.place_order()
    visitor.sees("Thank you, your order is confirmed")
    assert customer.ok("GET", f"/orders/{order_id}")["total"]["amount"] == 2998


def test_a_double_click_makes_one_order(visitor: Visitor, customer: Shopper) -> None:
    visitor.check_out()
    visitor.button("Place order").dblclick()
    order_id = visitor.ordered()
    visitor.button("Pay SGD").wait_for()
    assert orders_of(customer) == [order_id]


@pytest.mark.parametrize("then", ["presses again", "reloads"])
def test_an_answer_that_got_lost_makes_no_second_order(visitor: Visitor, customer: Shopper, then: str) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    visitor.check_out()
    visitor.page.route("**/api/orders", lose, times=1)
    visitor.button("Place order").click()
    visitor.reads("we will not place the order twice")
    placed = orders_of(customer)
    if then == "reloads":
        visitor.page.reload()
    else:
        visitor.button("Place order").click()

    assert [visitor.ordered()] == placed == orders_of(customer)
    visitor.page.wait_for_url("**/pay")


def test_what_was_entered_at_checkout_survives_a_reload_and_not_the_shopper(
    visitor: Visitor, customer: Shopper
) -> None:
    visitor.check_out(cash=True)
    visitor.page.reload()
    expect(visitor.field("Street and number")).to_have_value("1 Market Street")
    expect(visitor.page.get_by_label("Cash on delivery")).to_be_checked()

    visitor.log_out()
    assert "Market" not in str(visitor.page.evaluate("[{...localStorage}, {...sessionStorage}]"))


def test_back_after_paying_leads_nowhere_harmful(visitor: Visitor, customer: Shopper) -> None:
    visitor.check_out()
    order_id = visitor.place_order()
    visitor.pay_by_card(VISA)
    visitor.sees("Thank you, your order is confirmed")

    visitor.page.go_back()
    visitor.sees("Your cart")
    visitor.reads("Your cart is empty.")
    visitor.open("/checkout", "Your cart")
    visitor.reads("Your cart is empty")
    visitor.page.goto(f"/orders/{order_id}/pay")
    visitor.sees("Thank you, your order is confirmed")
    assert orders_of(customer) == [order_id]
    assert customer.ok("GET", f"/orders/{order_id}/payment")["attempts"] == 1


@pytest.mark.parametrize("tail", ["", "/pay", "/confirmation"], ids=["order", "payment", "confirmation"])
def test_anothers_order_is_not_there(visitor: Visitor, shop: Shop, shopper: Shopper, product: str, tail: str) -> None:
    theirs = new_shopper(shop).order(product)
    visitor.log_in(shopper)
    visitor.open(f"/orders/{theirs}{tail}", "Page not found")


def test_an_order_page_follows_the_order_by_itself(visitor: Visitor, shopper: Shopper, product: str) -> None:
    order_id = shopper.reserved(product)
    visitor.log_in(shopper, f"/orders/{order_id}")
    visitor.reads("Waiting for your payment")
    assert shopper.pay(order_id, "tok_declined").status_code == 202
    visitor.reads("Card declined (attempt 1)")
    assert shopper.pay(order_id, "tok_visa").status_code == 202
    visitor.reads("Order confirmed")


def test_a_paid_order_is_cancelled_and_the_money_comes_back(visitor: Visitor, shopper: Shopper, product: str) -> None:
    order_id = shopper.reserved(product)
    shopper.pay(order_id, "tok_visa")
    shopper.sees(order_id, "CONFIRMED")
    visitor.log_in(shopper, f"/orders/{order_id}")
    visitor.button("Cancel order").click()
    expect(visitor.button("Keep order")).to_be_focused()
    visitor.reads("If your parcel has not left yet, we refund the full amount to your card.")
    visitor.button("Yes, cancel order").click()

    visitor.reads("Your parcel had not left yet.")
    visitor.reads("Refund on its way")
    (refund,) = shopper.ok("GET", f"/orders/{order_id}/payment")["refunds"]
    assert (refund["refundId"], refund["status"]) == ("cancellation", "DONE")


def test_a_refund_that_cannot_be_made_is_owned_up_to(visitor: Visitor, shopper: Shopper, product: str) -> None:
    order_id = shopper.reserved(product)
    shopper.pay(order_id, "tok_norefund")
    shopper.sees(order_id, "CONFIRMED")
    visitor.log_in(shopper, f"/orders/{order_id}")
    visitor.button("Cancel order").click()
    visitor.button("Yes, cancel order").click()
    visitor.reads("Refund delayed")
    visitor.reads("We owe you SGD")


def test_an_order_page_says_when_the_shop_cannot_be_reached_and_when_it_can(
    visitor: Visitor, shopper: Shopper, product: str
) -> None:
    order_id = shopper.reserved(product)
    visitor.log_in(shopper, f"/orders/{order_id}")
    visitor.reads("Waiting for your payment")
    visitor.page.route("**/api/orders/**", lambda route: route.abort())
    visitor.reads("We cannot reach the shop right now")
    visitor.reads("Waiting for your payment")
    visitor.page.unroute_all()
    expect(visitor.page.get_by_text("We cannot reach the shop right now")).to_have_count(0)
