"""What the end of a reservation's window does, in a shop that holds goods for twelve seconds only."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from retail_ops.stack.shop import Shop
from tests.conftest import NewShop
from tests.e2e.visitor import Visitor
from tests.support.shoppers import Person, Shopper, counters, eventually, new_product, new_shopper, row

WINDOW_SECONDS = 12
"""Time enough to come to the page."""


@pytest.fixture(scope="module")
def hasty_shop(new_shop: NewShop) -> Iterator[Shop]:
    """A second shop beside the first."""
    with new_shop("hasty", parameters={"PaymentWindowSeconds": str(WINDOW_SECONDS)}) as local:
        yield local.read()


@pytest.fixture
def hasty_shopper(hasty_shop: Shop) -> Shopper:
    return new_shopper(hasty_shop)


@pytest.fixture(scope="module")
def hasty_operator(hasty_shop: Shop) -> Person:
    return new_shopper(hasty_shop, "operators")


def _windows_are_closed(shop: Shop) -> None:
    """Wait until no message waits for the end of a window."""

    def waiting() -> int:
        attributes = shop.sqs.get_queue_attributes(QueueUrl=shop.queues["PaymentWindowQueue"], AttributeNames=["All"])[
            "Attributes"
        ]
        return sum(int(count) for name, count in attributes.items() if name.startswith("ApproximateNumberOf"))

    eventually(waiting, lambda count: count == 0)


def test_an_order_that_nobody_pays_is_cancelled_and_its_goods_are_free_again(
    hasty_shop: Shop, hasty_operator: Person, hasty_shopper: Shopper
) -> None:
    product = new_product(hasty_operator, stock=1)
    order_id = hasty_shopper.order(product)
    cancelled = hasty_shopper.sees(order_id, "CANCELLED")
    assert [entry["event"] for entry in cancelled["story"]] == ["OrderPlaced", "InventoryReserved", "PaymentFailed"]
    assert cancelled["story"][-1]["reason"] == "PAYMENT_WINDOW_CLOSED"
    eventually(lambda: counters(hasty_shop, product), lambda seen: seen == (1, 0, 0))
    assert hasty_shopper.pay(order_id).status_code == 409
    assert hasty_shopper.ok("GET", f"/orders/{order_id}/payment")["status"] == "FAILED"


def test_an_order_that_was_paid_in_time_stays_confirmed(
    hasty_shop: Shop, hasty_operator: Person, hasty_shopper: Shopper
) -> None:
    order_id = hasty_shopper.order(new_product(hasty_operator, stock=1), method="COD")
    hasty_shopper.sees(order_id, "CONFIRMED")
    _windows_are_closed(hasty_shop)
    assert hasty_shopper.ok("GET", f"/orders/{order_id}")["status"] == "CONFIRMED"


def test_a_window_that_closes_while_the_provider_is_away_ends_the_attempt_and_nobody_is_charged(
    hasty_shop: Shop, hasty_operator: Person, hasty_shopper: Shopper
) -> None:
    product = new_product(hasty_operator, stock=1)
    order_id = hasty_shopper.reserved(product)
    attempt = f"{order_id.replace('ord_', 'pay_')}:1"
    # A hundred times more often unavailable than the card by itself: nobody is quicker than the window.
    hasty_shop.dynamodb.put_item(
        TableName=hasty_shop.tables["SandboxChargesTable"], Item={"chargeKey": {"S": attempt}, "calls": {"N": "-100"}}
    )
    hasty_shopper.pay(order_id, "tok_flaky")
    assert hasty_shopper.sees(order_id, "CANCELLED")["story"][-1]["reason"] == "PAYMENT_WINDOW_CLOSED"
    charge = row(hasty_shop, "SandboxChargesTable", chargeKey=attempt)
    assert charge["outcome"] == "ENDED"
    eventually(lambda: counters(hasty_shop, product), lambda seen: seen == (1, 0, 0))


def test_a_card_declined_as_the_window_closes_is_the_end(
    hasty_shop: Shop, hasty_operator: Person, hasty_shopper: Shopper
) -> None:
    product = new_product(hasty_operator, stock=1)
    order_id = hasty_shopper.reserved(product)
    hasty_shopper.pay(order_id, "tok_declined")
    assert hasty_shopper.sees(order_id, "CANCELLED")["story"][-1]["reason"] == "PAYMENT_WINDOW_CLOSED"
    eventually(lambda: counters(hasty_shop, product), lambda seen: seen == (1, 0, 0))


@pytest.fixture
def hasty_visitor(
    browser: Browser, browser_context_args: dict[str, Any], hasty_shop: Shop, hasty_shopper: Shopper
) -> Iterator[Visitor]:
    """The shopper, logged in with a browser."""
    with browser.new_context(**browser_context_args | {"base_url": hasty_shop.storefront_url}) as context:
        visitor = Visitor(context.new_page(), hasty_shop)
        visitor.log_in(hasty_shopper)
        yield visitor
        assert visitor.complaints == []
        assert visitor.secrets() == []


@pytest.fixture
def product(hasty_operator: Person) -> str:
    """The id of a product of which there is one piece."""
    return new_product(hasty_operator, stock=1)


@pytest.fixture
def challenged(hasty_shopper: Shopper, hasty_visitor: Visitor, product: str) -> str:
    """The id of an order of that piece, whose shopper sees that the bank is waiting."""
    order_id = hasty_shopper.reserved(product)
    hasty_shopper.pay(order_id, "tok_3ds")
    hasty_visitor.open(f"/orders/{order_id}/pay", "Payment")
    expect(hasty_visitor.page.get_by_role("region", name="Confirm with your bank")).to_be_visible()
    return order_id


def _outcome(shop: Shop, order_id: str) -> str:
    """What the provider says of an order's first attempt."""
    return str(row(shop, "SandboxChargesTable", chargeKey=f"{order_id.replace('ord_', 'pay_')}:1")["outcome"])


def test_a_challenge_that_nobody_answers_ends_with_the_window_and_charges_nothing(
    hasty_shop: Shop, hasty_shopper: Shopper, hasty_visitor: Visitor, product: str, challenged: str
) -> None:
    expect(hasty_visitor.page.get_by_role("alert").filter(has_text="Not paid in time")).to_contain_text(
        "You were not charged."
    )

    assert hasty_shopper.sees(challenged, "CANCELLED")["story"][-1]["reason"] == "PAYMENT_WINDOW_CLOSED"
    assert hasty_shopper.sees_payment(challenged, "FAILED")["challenge"] is None
    eventually(lambda: counters(hasty_shop, product), lambda seen: seen == (1, 0, 0))
    assert _outcome(hasty_shop, challenged) == "ENDED"


def test_an_answer_in_the_last_second_is_charged_and_kept_or_neither(
    hasty_shop: Shop, hasty_shopper: Shopper, hasty_visitor: Visitor, product: str, challenged: str
) -> None:
    expect(hasty_visitor.page.get_by_role("timer")).to_have_text("0:01")
    hasty_visitor.button("Confirm the payment").click()

    ended = hasty_shopper.sees(challenged, "CONFIRMED", "CANCELLED")["status"]

    hasty_visitor.sees("Thank you" if ended == "CONFIRMED" else "Payment")
    if ended == "CANCELLED":
        hasty_visitor.reads("Not paid in time")
    kept = ended == "CONFIRMED"
    eventually(lambda: counters(hasty_shop, product), lambda seen: seen == ((0, 0, 1) if kept else (1, 0, 0)))
    refunds = hasty_shopper.sees_payment(challenged, "SUCCEEDED" if kept else "FAILED")["refunds"]
    # An answer that the bank had given before the shop could call it off is given back.
    assert (_outcome(hasty_shop, challenged) == "ACCEPTED") == kept or [each["refundId"] for each in refunds] == [
        "attempt:1"
    ]
