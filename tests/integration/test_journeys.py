"""What can become of an order, from the click to the mail, on the deployed template."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from retail_ops.recording import ses
from retail_ops.stack.shop import Shop
from tests.support.shoppers import (
    Person,
    Shopper,
    counters,
    eventually,
    new_product,
    new_shopper,
    row,
)


def test_an_order_paid_in_cash_is_confirmed_sold_and_mailed(shop: Shop, operator: Person, shopper: Shopper) -> None:
    product = new_product(operator, stock=5, price=1250)
    order_id = shopper.order(product, 2)
    reserved = shopper.sees(order_id, "RESERVED")
    assert reserved["reservedUntil"] is not None
    assert counters(shop, product) == (3, 2, 0)

    assert shopper.pay(order_id).status_code == 202
    confirmed = shopper.sees(order_id, "CONFIRMED")

    assert confirmed["total"] == {"amount": 2500, "currency": "SGD"}
    assert confirmed["paymentMethod"] == "COD"
    assert confirmed["reservedUntil"] is None
    assert [entry["event"] for entry in confirmed["story"]] == ["OrderPlaced", "InventoryReserved", "PaymentSucceeded"]
    eventually(lambda: counters(shop, product), lambda seen: seen == (3, 0, 2))
    assert row(shop, "ReservationsTable", orderId=order_id)["status"] == "COMMITTED"
    assert shopper.ok("GET", "/cart")["items"] == []
    bodies = [mail.text + str(mail.html) for mail in shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed")]
    assert all(order_id in body for body in bodies), "each mail links to the order"
    assert any("25.00" in body for body in bodies)


def test_cash_chosen_at_checkout_needs_no_further_word_of_the_shopper(operator: Person, shopper: Shopper) -> None:
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    assert shopper.sees(order_id, "CONFIRMED")["paymentMethod"] == "COD"


def test_a_card_is_charged_once_and_its_token_forgotten(shop: Shop, operator: Person, shopper: Shopper) -> None:
    order_id = shopper.reserved(new_product(operator, stock=1, price=4200))
    assert shopper.pay(order_id, "tok_visa").status_code == 202
    shopper.sees(order_id, "CONFIRMED")
    payment_id = order_id.replace("ord_", "pay_")
    payment = row(shop, "PaymentsTable", paymentId=payment_id)
    assert payment["status"] == "SUCCEEDED"
    assert "tok_visa" not in str(payment)
    assert row(shop, "SandboxChargesTable", chargeKey=f"{payment_id}:1")["amount"] == 4200


def test_a_declined_card_leaves_the_goods_held_and_the_next_one_pays(operator: Person, shopper: Shopper) -> None:
    order_id = shopper.reserved(new_product(operator, stock=1))
    shopper.pay(order_id, "tok_declined")
    declined = shopper.sees_event(order_id, "PaymentDeclined")[0]
    assert (declined["attempt"], declined["status"]) == (1, "RESERVED")
    assert shopper.pay(order_id, "tok_visa").status_code == 202
    confirmed = shopper.sees(order_id, "CONFIRMED")
    assert shopper.ok("GET", f"/orders/{order_id}/payment")["attempts"] == 2
    assert confirmed["paymentMethod"] == "CARD"


def test_three_declined_attempts_cancel_the_order_and_give_the_goods_back(
    shop: Shop, operator: Person, shopper: Shopper
) -> None:
    product = new_product(operator, stock=1)
    order_id = shopper.reserved(product)
    for attempt in (1, 2):
        shopper.pay(order_id, "tok_declined")
        shopper.sees_event(order_id, "PaymentDeclined", attempt)
    shopper.pay(order_id, "tok_declined")
    cancelled = shopper.sees(order_id, "CANCELLED")
    assert cancelled["story"][-1]["reason"] == "PAYMENT_DECLINED"
    eventually(lambda: counters(shop, product), lambda seen: seen == (1, 0, 0))
    shopper.mailed_about(order_id, "OrderPlaced", "OrderCancelled")


@pytest.mark.parametrize("token", ["tok_timeout", "tok_flaky"])
def test_a_provider_in_trouble_charges_once_in_the_end(
    shop: Shop, operator: Person, shopper: Shopper, token: str
) -> None:
    order_id = shopper.reserved(new_product(operator, stock=1))
    shopper.pay(order_id, token)
    shopper.sees(order_id, "CONFIRMED")
    payment = shopper.ok("GET", f"/orders/{order_id}/payment")
    assert (payment["status"], payment["attempts"]) == ("SUCCEEDED", 1)
    charge = row(shop, "SandboxChargesTable", chargeKey=f"{order_id.replace('ord_', 'pay_')}:1")
    assert charge["outcome"] == "ACCEPTED"


def test_an_order_cancelled_between_a_providers_failures_is_never_charged(
    shop: Shop, operator: Person, shopper: Shopper
) -> None:
    order_id = shopper.reserved(new_product(operator, stock=1))
    shopper.pay(order_id, "tok_flaky")
    key = f"{order_id.replace('ord_', 'pay_')}:1"
    eventually(lambda: row(shop, "SandboxChargesTable", chargeKey=key), lambda charge: "calls" in charge)
    assert shopper.call("POST", f"/orders/{order_id}/cancel").status_code == 202
    shopper.sees_payment(order_id, "VOIDED")
    assert row(shop, "SandboxChargesTable", chargeKey=key)["outcome"] == "ENDED"


def test_an_order_cancelled_while_held_gives_the_goods_back(shop: Shop, operator: Person, shopper: Shopper) -> None:
    product = new_product(operator, stock=2)
    order_id = shopper.reserved(product)
    assert shopper.call("POST", f"/orders/{order_id}/cancel").status_code == 202
    assert shopper.sees(order_id, "CANCELLED")["story"][-1]["reason"] == "BY_SHOPPER"
    eventually(lambda: counters(shop, product), lambda seen: seen == (2, 0, 0))
    assert shopper.sees_payment(order_id, "VOIDED")["attempts"] == 0


def test_a_paid_order_that_is_cancelled_is_restocked_and_refunded(
    shop: Shop, operator: Person, shopper: Shopper
) -> None:
    product = new_product(operator, stock=1)
    order_id = shopper.reserved(product)
    shopper.pay(order_id, "tok_visa")
    shopper.sees(order_id, "CONFIRMED")
    eventually(lambda: counters(shop, product), lambda seen: seen == (0, 0, 1))
    shopper.call("POST", f"/orders/{order_id}/cancel")
    shopper.sees_event(order_id, "PaymentRefunded")
    (given_back,) = shopper.sees_payment(order_id, "SUCCEEDED")["refunds"]
    assert given_back["status"] == "DONE"
    eventually(lambda: counters(shop, product), lambda seen: seen == (1, 0, 0))
    refund = row(shop, "SandboxChargesTable", chargeKey=f"{order_id.replace('ord_', 'pay_')}:refund:cancellation")
    assert refund["outcome"] == "ACCEPTED"
    shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed", "OrderCancelled", "PaymentRefunded#cancellation")


def test_a_refund_that_the_provider_refuses_is_told_to_the_shopper_and_kept_for_a_person(
    operator: Person, shopper: Shopper
) -> None:
    order_id = shopper.reserved(new_product(operator, stock=1))
    shopper.pay(order_id, "tok_norefund")
    shopper.sees(order_id, "CONFIRMED")
    shopper.call("POST", f"/orders/{order_id}/cancel")
    assert shopper.sees_event(order_id, "PaymentRefundFailed")
    (owed,) = shopper.sees_payment(order_id, "SUCCEEDED")["refunds"]
    assert owed["status"] == "TO_PAY_BY_HAND"
    shopper.mailed_about(
        order_id, "OrderPlaced", "OrderConfirmed", "OrderCancelled", "PaymentRefundFailed#cancellation"
    )


def test_cash_of_a_cancelled_order_is_simply_not_collected(operator: Person, shopper: Shopper) -> None:
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    shopper.call("POST", f"/orders/{order_id}/cancel")
    assert shopper.sees_payment(order_id, "VOIDED")


def test_a_mail_that_comes_back_is_part_of_its_orders_story_once(
    shop: Shop, operator: Person, shopper: Shopper
) -> None:
    order_id = shopper.order(new_product(operator, stock=5), 1, method="COD")
    shopper.sees(order_id, "CONFIRMED")
    mail = {"email": shopper.email, "message_id": "0100-1", "at": "2026-01-02T03:04:05Z"}
    mail |= {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}

    for kind in ("Bounce", "Bounce", "Complaint"):
        ses.say(shop, kind, order_id=order_id, **mail)

    def steps() -> list[tuple[str, str]]:
        story = shopper.ok("GET", f"/orders/{order_id}")["story"]
        return [(each["about"], each["reason"]) for each in story if each["event"] == "MailFeedbackReceived"]

    eventually(steps, lambda found: len(found) == 2)
    assert sorted(steps()) == [("OrderConfirmed", "Bounce"), ("OrderConfirmed", "Complaint")]


def test_fifty_shoppers_at_once_get_exactly_the_three_that_there_are(shop: Shop, operator: Person) -> None:
    product = new_product(operator, stock=3)
    with ThreadPoolExecutor(max_workers=8) as pool:
        shoppers = list(pool.map(lambda _: new_shopper(shop), range(50)))
        for shopper in shoppers:
            shopper.put(product)
        answers = list(pool.map(lambda shopper: shopper.check_out(), shoppers))
        placed = [
            (shopper, answer.json()["orderId"])
            for shopper, answer in zip(shoppers, answers, strict=True)
            if answer.status_code == 202
        ]
        refused = [answer for answer in answers if answer.status_code != 202]
        # Who comes when all three are held is told at once; who came a moment before is told by the order.
        assert {answer.json()["type"] for answer in refused} <= {"urn:cloudretail:problem:insufficient-stock"}
        orders = list(pool.map(lambda each: each[0].sees(each[1], "RESERVED", "REJECTED"), placed))
    assert len([order for order in orders if order["status"] == "RESERVED"]) == 3
    assert counters(shop, product) == (0, 3, 0)
    for order in orders:
        if order["status"] == "REJECTED":
            assert order["story"][-1]["reason"] == "SOLD_OUT"
            assert order["story"][-1]["shortages"] == [{"productId": product, "requested": 1, "available": 0}]


def test_the_same_click_twice_at_the_same_moment_is_one_order(shop: Shop, operator: Person, shopper: Shopper) -> None:
    product = new_product(operator, stock=9)
    version = shopper.put(product)["version"]
    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(lambda _: shopper.check_out("one-click", version=version), range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["orderId"] for answer in answers}) == 1
    shopper.sees(answers[0].json()["orderId"], "RESERVED")
    assert counters(shop, product) == (8, 1, 0)
    assert len(shopper.ok("GET", "/orders")["items"]) == 1
