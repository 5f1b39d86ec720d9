"""What the end of a reservation's window does, in a shop that holds goods for three seconds only."""

from collections.abc import Iterator

import pytest

from retail_ops.stack.shop import Shop
from tests.conftest import NewShop
from tests.support.shoppers import Person, Shopper, counters, eventually, new_product, new_shopper, row

WINDOW_SECONDS = 3


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


def test_a_challenge_that_nobody_answers_ends_with_the_window_and_charges_nothing(
    hasty_shop: Shop, hasty_operator: Person, hasty_shopper: Shopper
) -> None:
    product = new_product(hasty_operator, stock=1)
    order_id = hasty_shopper.order(product)
    hasty_shopper.pay(order_id, "tok_3ds")

    cancelled = hasty_shopper.sees(order_id, "CANCELLED")

    assert cancelled["story"][-1]["reason"] == "PAYMENT_WINDOW_CLOSED"
    assert hasty_shopper.sees_payment(order_id, "FAILED")["challenge"] is None
    eventually(lambda: counters(hasty_shop, product), lambda seen: seen == (1, 0, 0))
    charge = row(hasty_shop, "SandboxChargesTable", chargeKey=f"{order_id.replace('ord_', 'pay_')}:1")
    assert charge["outcome"] == "ENDED"
