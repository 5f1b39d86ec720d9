from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ConnectionClosedError

from cloudretail.repository import MAX_TRIES
from inventory import api
from inventory.domain import Receipt
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS
from tests.support.wire import Wire, cancelled
from tests.unit.inventory_api.conftest import Pool, Shop


def test_goods_received_can_be_had(shop: Shop) -> None:
    answer = shop.receive("bag", 10)

    assert answer.status == 201
    assert {key: answer.body[key] for key in ("receiptId", "productId", "quantity")} == {
        "receiptId": "bag#delivery-1",
        "productId": "bag",
        "quantity": 10,
    }
    assert shop.stock("bag").body == {"productId": "bag", "available": 10}


def test_a_second_delivery_adds_to_the_first_and_leaves_what_is_reserved_and_sold(shop: Shop) -> None:
    shop.receive("bag", 10)
    shop.sells("bag", reserved=2, sold=3)

    shop.receive("bag", 7, key="delivery-2")

    assert shop.counters == [
        {"productId": "bag", "availableQty": 12, "reservedQty": 2, "soldQty": 3, "receivedQty": 17}
    ]


def test_the_receipt_says_how_many_came_when_and_who_told_of_them(shop: Shop) -> None:
    answer = shop.receive("bag", 10)

    (receipt,) = shop.receipts
    assert receipt.pop("at") == answer.body["receivedAt"]
    assert receipt == {"receiptId": "bag#delivery-1", "productId": "bag", "quantity": 10, "by": "operator-1"}


def test_the_same_delivery_told_twice_is_counted_once_and_answered_the_same(shop: Shop) -> None:
    first = shop.receive("bag", 10)

    assert shop.receive("bag", 10) == first
    assert [row["receivedQty"] for row in shop.counters] == [10]


def test_the_same_key_for_another_quantity_is_refused(shop: Shop) -> None:
    shop.receive("bag", 10)

    answer = shop.receive("bag", 11)

    assert (answer.status, answer.problem, answer.fields) == (422, "idempotency-key-reused", ["Idempotency-Key"])
    assert [row["receivedQty"] for row in shop.counters] == [10]


def test_the_same_key_for_another_product_is_another_delivery(shop: Shop) -> None:
    assert (shop.receive("bag", 10).status, shop.receive("mug", 3).status) == (201, 201)


def test_goods_that_the_catalogue_does_not_know_are_refused(shop: Shop) -> None:
    refused = shop.receive("bagg", 10)
    assert (refused.status, refused.problem) == (404, "not-found")
    assert (shop.counters, shop.receipts) == ([], [])


def test_operators_see_every_counter_and_shoppers_only_what_can_be_had(shop: Shop, pool: Pool) -> None:
    shop.receive("bag", 10)
    shop.sells("bag", reserved=2, sold=3)

    operator = shop.stock("bag", pool.token(OPERATOR_CLAIMS))
    shopper = shop.stock("bag", pool.token(SHOPPER_CLAIMS))

    assert operator.body == {"productId": "bag", "available": 5, "reserved": 2, "sold": 3, "received": 10}
    assert shopper.body == {"productId": "bag", "available": 5}


@pytest.mark.parametrize(
    "forged",
    [
        lambda pool: "not.a.token",
        lambda pool: Pool().token(OPERATOR_CLAIMS),
        lambda pool: pool.token(OPERATOR_CLAIMS, exp=1),
        lambda pool: pool.token(OPERATOR_CLAIMS, aud="another-client"),
        lambda pool: pool.token(OPERATOR_CLAIMS, iss="https://elsewhere.example"),
        lambda pool: pool.token(OPERATOR_CLAIMS, token_use="access"),
    ],
    ids=["no token", "another pool's", "expired", "another audience's", "another issuer's", "an access token"],
)
def test_a_bad_token_is_refused_and_not_taken_for_a_stranger(
    shop: Shop, pool: Pool, forged: Callable[[Pool], str]
) -> None:
    shop.receive("bag", 10)

    answer = shop.stock("bag", forged(pool))

    assert (answer.status, answer.problem) == (401, "unauthorized")
    assert "available" not in answer.body


def test_the_stock_of_what_was_never_received_is_not_found(shop: Shop) -> None:
    answer = shop.stock("bag")

    assert (answer.status, answer.problem) == (404, "not-found")


@pytest.mark.parametrize(
    "quantity", ["0", "-5", "100001", "1.5", "1.0", '"7"', "true", "null", "1e9", "[1]"], ids=lambda text: text
)
def test_a_quantity_that_is_not_a_whole_number_of_1_to_100000_is_refused_by_name(shop: Shop, quantity: str) -> None:
    answer = shop.receive("bag", raw_body=f'{{"quantity": {quantity}}}')

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["quantity"])
    assert (shop.counters, shop.receipts) == ([], [])


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ("{}", 422, ["quantity"]),
        ('{"quantity": 1, "productId": "mug"}', 422, ["productId"]),
        ("[1]", 422, ["body"]),
        ("", 422, ["body"]),
        ('{"quantity": ', 400, ["body"]),
    ],
)
def test_a_body_that_is_not_what_is_asked_for_is_refused(shop: Shop, body: str, status: int, fields: list[str]) -> None:
    answer = shop.receive("bag", raw_body=body)

    assert (answer.status, answer.fields) == (status, fields)
    assert (shop.counters, shop.receipts) == ([], [])


@pytest.mark.parametrize("key", [None, "", "k" * 129, "with space", "naïve"])
def test_without_a_proper_idempotency_key_nothing_is_received(shop: Shop, key: str | None) -> None:
    answer = shop.receive("bag", key=key)

    assert (answer.status, [field.lower() for field in answer.fields]) == (422, ["idempotency-key"])
    assert (shop.counters, shop.receipts) == ([], [])


@pytest.mark.parametrize(
    ("claims", "status", "problem"),
    [
        (None, 401, "unauthorized"),
        ({**OPERATOR_CLAIMS, "token_use": "access"}, 401, "unauthorized"),
        (SHOPPER_CLAIMS, 403, "operators-only"),
    ],
)
def test_only_operators_receive_goods(shop: Shop, claims: dict[str, str] | None, status: int, problem: str) -> None:
    answer = shop.receive("bag", claims=claims)

    assert (answer.status, answer.problem) == (status, problem)
    assert (shop.counters, shop.receipts) == ([], [])


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_a_conflict_with_a_reservation_is_tried_again(shop: Shop, wire: Wire, reason: str) -> None:
    wire.refuses("TransactWriteItems", cancelled("None", reason), times=MAX_TRIES - 1)

    assert shop.receive("bag", 10).status == 201
    assert [row["receivedQty"] for row in shop.counters] == [10]


def test_conflicts_without_end_are_answered_as_busy_and_change_nothing(shop: Shop, wire: Wire) -> None:
    wire.refuses("TransactWriteItems", cancelled("None", "TransactionConflict"), times=MAX_TRIES)

    answer = shop.receive("bag", 10)

    assert (answer.status, answer.problem) == (503, "try-again")
    assert (shop.counters, shop.receipts) == ([], [])


def test_a_failure_that_is_no_conflict_is_not_tried_again(shop: Shop, wire: Wire) -> None:
    wire.refuses("TransactWriteItems", cancelled("None", "ValidationError"))

    answer = shop.receive("bag", 10)

    assert (answer.status, answer.problem) == (500, "internal-error")
    assert len(wire.made("TransactWriteItems")) == 1


def test_a_receipt_whose_answer_was_lost_is_answered_when_it_is_told_again(shop: Shop, wire: Wire) -> None:
    wire.loses_the_answer("TransactWriteItems", ConnectionClosedError(endpoint_url="https://dynamodb"))

    assert shop.receive("bag", 10).status == 503
    assert shop.receive("bag", 10).status == 201
    assert [row["receivedQty"] for row in shop.counters] == [10]


def test_a_receipt_that_is_told_twice_at_the_same_moment_is_counted_once(shop: Shop, wire: Wire) -> None:
    twin = Receipt(receipt_id="bag#delivery-1", product_id="bag", quantity=10, by="operator-2", at=datetime.now(UTC))
    wire.before("TransactWriteItems", lambda: api._warehouse().receive(twin))

    assert shop.receive("bag", 10).status == 201

    assert [row["receivedQty"] for row in shop.counters] == [10]
    assert [row["by"] for row in shop.receipts] == ["operator-2"]
