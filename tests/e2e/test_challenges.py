"""A card whose bank wants to be asked first, in a browser: agreed, refused, left alone, answered from an old tab."""

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.test_every_page import violations
from tests.e2e.visitor import Visitor
from tests.support.shoppers import Person, Shopper, new_product

ASKED_FIRST = "4000 0027 6000 3184"
LATE = "4000 0025 0000 3155"
VISA = "4242 4242 4242 4242"


@pytest.fixture
def order_id(visitor: Visitor, shopper: Shopper, operator: Person) -> str:
    """An order of the visitor's whose bank has been asked."""
    shopper.put(new_product(operator, stock=5, price=1250), 1)
    visitor.log_in(shopper)
    visitor.check_out()
    order_id = visitor.place_order()
    visitor.pay_by_card(ASKED_FIRST)
    expect(visitor.page.get_by_role("region", name="Confirm with your bank")).to_be_visible()
    return order_id


def test_a_payment_that_the_bank_agrees_to_confirms_the_order(
    visitor: Visitor, shopper: Shopper, order_id: str
) -> None:
    expect(visitor.page.get_by_role("region", name="Confirm with your bank")).to_be_focused()
    visitor.button("Confirm the payment").click()

    visitor.sees("Thank you, your order is confirmed")
    payment = shopper.sees_payment(order_id, "SUCCEEDED")
    assert (payment["attempts"], payment["challenge"]) == (1, None)


def test_a_payment_that_the_bank_refuses_can_be_tried_with_another_card(
    visitor: Visitor, shopper: Shopper, order_id: str
) -> None:
    visitor.button("Refuse it").click()

    alert = visitor.page.get_by_role("alert").filter(has_text="2 attempts left")
    expect(alert).to_contain_text("your bank did not agree")
    expect(alert).to_contain_text("You were not charged")
    visitor.pay_by_card(VISA)
    visitor.sees("Thank you, your order is confirmed")
    assert shopper.sees_payment(order_id, "SUCCEEDED")["attempts"] == 2


def test_a_challenge_is_still_there_after_the_tab_was_closed(visitor: Visitor, order_id: str) -> None:
    visitor.open("/", "Well-made things")
    visitor.open(f"/orders/{order_id}/pay", "Payment")

    visitor.button("Confirm the payment").click()

    visitor.sees("Thank you, your order is confirmed")


def test_a_payment_that_is_answered_from_an_old_tab_after_the_order_was_cancelled_is_not_taken(
    visitor: Visitor, shopper: Shopper, order_id: str
) -> None:
    shopper.ok("POST", f"/orders/{order_id}/cancel")
    shopper.sees_payment(order_id, "VOIDED")

    # The page asks the shop now and then: it may know already.
    if visitor.button("Confirm the payment").is_visible():
        visitor.button("Confirm the payment").click()

    visitor.reads("You cancelled this order.")
    assert shopper.sees_payment(order_id, "VOIDED")["refunds"] == []


def test_a_bank_that_is_slow_to_answer_is_waited_for_with_the_time_that_is_left(
    visitor: Visitor, shopper: Shopper, operator: Person
) -> None:
    shopper.put(new_product(operator, stock=5, price=1250), 1)
    visitor.log_in(shopper)
    visitor.check_out()
    order_id = visitor.place_order()
    visitor.pay_by_card(LATE)
    visitor.button("Confirm the payment").click()

    visitor.reads("Your bank has not answered yet.")
    expect(visitor.page.get_by_role("status").filter(has_text="you are not charged")).to_be_visible()
    assert shopper.sees_payment(order_id, "SUCCEEDED")["attempts"] == 1
    visitor.sees("Thank you, your order is confirmed")


STRIPE_JS = """
window.Stripe = (key) => ({
  elements: () => ({
    create: () => ({
      mount: (host) => { host.innerHTML = '<input aria-label="Card number">'; },
      destroy() {},
      on() {},
    }),
  }),
  createPaymentMethod: async () =>
    document.querySelector('[aria-label="Card number"]').value
      ? { paymentMethod: { id: `pm_of_${key}` } }
      : { error: { message: 'Your card number is incomplete.' } },
});
"""
"""As much of Stripe.js as the page uses to take a card."""


def test_where_stripe_takes_cards_its_own_form_does_and_the_shop_gets_what_it_makes_of_the_card(
    visitor: Visitor, shopper: Shopper, operator: Person
) -> None:
    def let_stripe_in(route: Route) -> None:
        # As on a stage with Stripe, whose policy lets its form in.
        answer = route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name != "content-security-policy"}
        route.fulfill(response=answer, headers=headers)

    methods = {"methods": ["CARD", "COD"], "cardGateway": "stripe", "publishableKey": "pk_test_1"}
    visitor.page.route(lambda url: "/api/" not in url and "." not in url.rpartition("/")[2], let_stripe_in)
    visitor.page.route("**/api/payment-methods", lambda route: route.fulfill(json=methods))
    visitor.page.route("https://js.stripe.com/**", lambda route: route.fulfill(body=STRIPE_JS))
    order_id = shopper.reserved(new_product(operator, stock=5, price=1250))
    visitor.log_in(shopper)
    visitor.open(f"/orders/{order_id}/pay", "Payment")
    pay = visitor.page.get_by_role("button", name="Pay SGD")

    pay.click()
    visitor.reads("Your card number is incomplete.")
    visitor.page.get_by_role("group", name="Card").get_by_role("textbox").fill("4242")
    assert violations(visitor.page) == []
    pay.click()

    # The sandbox has never heard of what Stripe makes: that it says so shows that it got it.
    expect(visitor.page.get_by_role("alert").filter(has_text="the card is unknown")).to_be_visible()
    assert shopper.sees_payment(order_id, "OPEN")["attempts"] == 1
