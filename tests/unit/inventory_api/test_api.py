from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from cloudretail.http import encode_cursor
from cloudretail.repository import MAX_RACES
from inventory import api, warehouse
from inventory.commands import change_stock
from inventory.movements import Receive, Request
from tests.support.http import Answer
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS
from tests.support.wire import Wire, cancelled
from tests.unit.inventory_api.conftest import Pool, Shop

NONE = {"available": 0, "reserved": 0, "sold": 0, "received": 0, "writtenOff": 0, "adjusted": 0, "lowAt": None}


def levels(**counters: int | None) -> dict[str, int | None]:
    """Counters as the API shows them: these, and nothing else."""
    return {**NONE, **counters}


def stock_of(shop: Shop, product_id: str = "bag") -> dict[str, Any]:
    answer = shop.does("GET", f"/{product_id}")
    assert answer.status == 200
    body = dict(answer.body)
    equation = body["available"] + body["reserved"] + body["sold"] + body["writtenOff"]
    assert equation == body["received"] + body["adjusted"]
    return body


# --- receiving --------------------------------------------------------------------------------------------------------


def test_goods_received_can_be_had(shop: Shop) -> None:
    answer = shop.receive("bag", 10)

    assert answer.status == 201
    assert {key: answer.body[key] for key in ("movementId", "productId", "kind", "delta")} == {
        "movementId": "bag#delivery-1",
        "productId": "bag",
        "kind": "RECEIPT",
        "delta": 10,
    }
    assert shop.stock("bag").body == {"productId": "bag", "available": 10}


def test_a_second_delivery_adds_to_the_first_and_leaves_what_is_reserved_and_sold(shop: Shop) -> None:
    shop.receive("bag", 10)
    shop.sells("bag", reserved=2, sold=3)

    shop.receive("bag", 7, key="delivery-2")

    expected = levels(available=12, reserved=2, sold=3, received=17)
    assert stock_of(shop) == {"productId": "bag", "name": "Bag", **expected}


def test_a_movement_says_who_did_what_when_and_the_counters_before_and_after(shop: Shop) -> None:
    answer = shop.receive("bag", 10)

    assert {key: answer.body[key] for key in ("by", "note", "before", "after")} == {
        "by": "staff-1",
        "note": None,
        "before": NONE,
        "after": levels(available=10, received=10),
    }
    (movement,) = shop.movements
    assert (movement["at"], movement["by"]) == (answer.body["at"], "staff-1")


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
    assert (shop.counters, shop.movements) == ([], [])


# --- adjusting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "delta, reason, after",
    [
        (-2, "COUNT", levels(available=8, received=10, adjusted=-2)),
        (3, "COUNT", levels(available=13, received=10, adjusted=3)),
        (-10, "COUNT", levels(available=0, received=10, adjusted=-10)),
        (-2, "DAMAGE", levels(available=8, received=10, writtenOff=2)),
        (-10, "DAMAGE", levels(available=0, received=10, writtenOff=10)),
    ],
)
def test_a_count_corrects_what_came_in_and_damage_is_written_off(
    shop: Shop, delta: int, reason: str, after: dict[str, Any]
) -> None:
    shop.receive("bag", 10)

    answer = shop.adjust("bag", delta, reason, note=" Found it on the floor. ")

    assert (answer.status, answer.body["kind"], answer.body["delta"]) == (201, reason, delta)
    assert answer.body["note"] == "Found it on the floor."
    assert (answer.body["before"], answer.body["after"]) == (levels(available=10, received=10), after)
    assert stock_of(shop) == {"productId": "bag", "name": "Bag", **after}


@pytest.mark.parametrize("reason", ["COUNT", "DAMAGE"])
def test_what_is_not_available_cannot_be_taken_off_and_the_answer_says_how_many_there_are(
    shop: Shop, reason: str
) -> None:
    shop.receive("bag", 10)
    shop.sells("bag", reserved=4, sold=3)

    answer = shop.adjust("bag", -4, reason)

    assert (answer.status, answer.problem, answer.body["available"]) == (409, "not-enough-stock", 3)
    assert "only 3 available" in answer.body["detail"]
    assert (stock_of(shop)["available"], len(shop.movements)) == (3, 1)


def test_an_order_that_takes_the_last_one_in_between_is_seen(shop: Shop, wire: Wire) -> None:
    shop.receive("bag", 1)
    wire.before("TransactWriteItems", lambda: shop.sells("bag", reserved=1, sold=0))

    answer = shop.adjust("bag", -1, "DAMAGE")

    assert (answer.status, answer.problem, answer.body["available"]) == (409, "not-enough-stock", 0)
    assert stock_of(shop)["writtenOff"] == 0


def test_an_order_in_between_is_in_the_counters_of_before(shop: Shop, wire: Wire) -> None:
    shop.receive("bag", 10)
    wire.before("TransactWriteItems", lambda: shop.sells("bag", reserved=2, sold=1))

    answer = shop.adjust("bag", -1, "DAMAGE")

    assert answer.body["before"] == levels(available=7, reserved=2, sold=1, received=10)
    assert answer.body["after"] == levels(available=6, reserved=2, sold=1, received=10, writtenOff=1)


def test_the_same_adjustment_told_twice_is_counted_once(shop: Shop) -> None:
    shop.receive("bag", 10)
    first = shop.adjust("bag", -10)

    assert shop.adjust("bag", -10) == first
    assert stock_of(shop)["adjusted"] == -10


@pytest.mark.parametrize("other", [{"delta": -3}, {"reason": "DAMAGE"}, {"note": "Another one."}, {"delta": -99}])
def test_the_same_key_for_another_adjustment_is_refused(shop: Shop, other: dict[str, Any]) -> None:
    shop.receive("bag", 10)
    shop.adjust("bag", -2)

    answer = shop.adjust("bag", **{"delta": -2, **other})

    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
    assert stock_of(shop)["available"] == 8


@pytest.mark.parametrize(
    "body, field",
    [
        ({"delta": 0, "reason": "COUNT"}, "delta"),
        ({"delta": 0, "reason": "DAMAGE"}, "delta"),
        ({"delta": 1, "reason": "DAMAGE"}, "delta"),
        ({"delta": 1.5, "reason": "COUNT"}, "delta"),
        ({"delta": "2", "reason": "COUNT"}, "delta"),
        ({"delta": 100_001, "reason": "COUNT"}, "delta"),
        ({"delta": -100_001, "reason": "COUNT"}, "delta"),
        ({"reason": "COUNT"}, "delta"),
        ({"delta": 1}, "reason"),
        ({"delta": 1, "reason": "THEFT"}, "reason"),
        ({"delta": 1, "reason": "COUNT", "note": "n" * 501}, "note"),
        ({"delta": 1, "reason": "COUNT", "note": "two\nlines"}, "note"),
        ({"delta": 1, "reason": "COUNT", "by": "me"}, "by"),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused_by_the_fields_name(
    shop: Shop, body: dict[str, Any], field: str
) -> None:
    shop.receive("bag", 10)

    answer = shop.does("POST", "/bag/adjustments", body, key="adjustment-1")

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", [field])
    assert len(shop.movements) == 1


# --- thresholds and lists ---------------------------------------------------------------------------------------------


def listed(shop: Shop, **query: str) -> list[str]:
    answer = shop.does("GET", query=query)
    assert answer.status == 200, answer.body
    return [each["productId"] for each in answer.body["items"]]


def all_pages(shop: Shop, **query: str) -> list[str]:
    """All pages of a list, one product each at the most."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = shop.does("GET", query={"limit": "1", **query, **cursor})
        found += [each["productId"] for each in answer.body["items"]]
        if answer.body["nextCursor"] is None:
            return found
        cursor = {"cursor": answer.body["nextCursor"]}


def test_all_stock_is_listed_with_the_catalogues_names(shop: Shop) -> None:
    shop.receive("mug", 1)
    shop.receive("bag", 2)

    (bag, mug) = shop.does("GET").body["items"]

    assert bag == {"productId": "bag", "name": "Bag", **levels(available=2, received=2)}
    assert mug == {"productId": "mug", "name": "Mug", **levels(available=1, received=1)}
    assert all_pages(shop) == ["bag", "mug"]


@pytest.mark.parametrize("available, is_low", [(4, True), (5, True), (6, False)])
def test_a_product_at_or_under_its_threshold_runs_low(shop: Shop, available: int, is_low: bool) -> None:
    shop.receive("bag", available)
    shop.receive("mug", 1)

    answer = shop.watch("bag", 5)

    assert (answer.status, answer.body["lowAt"]) == (200, 5)
    assert listed(shop, low="true") == (["bag"] if is_low else [])
    assert listed(shop, low="false") == ["bag", "mug"]


def test_what_orders_take_makes_a_product_run_low(shop: Shop) -> None:
    shop.receive("bag", 10)
    shop.watch("bag", 5)
    assert listed(shop, low="true") == []

    shop.sells("bag", reserved=5, sold=0)

    assert listed(shop, low="true") == ["bag"]


def test_the_list_of_what_runs_low_comes_page_by_page_and_leaves_nothing_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse, "MAX_PAGE", 1)
    monkeypatch.setattr(warehouse, "LOOKED_AT", 1)
    shop.receive("bag", 10)
    shop.watch("bag", 5)
    shop.watch("mug", 0)

    # Of the first page everything has enough: it is empty, and the list goes on.
    assert listed(shop, low="true", limit="1") == []
    assert all_pages(shop, low="true") == ["mug"]


def test_without_a_threshold_nothing_runs_low_again(shop: Shop) -> None:
    shop.watch("bag", 5)
    assert listed(shop, low="true") == ["bag"]

    assert shop.watch("bag", None).body["lowAt"] is None

    assert listed(shop, low="true") == []
    assert stock_of(shop)["lowAt"] is None


def test_a_threshold_is_recorded_with_what_it_was_before_and_the_same_again_is_not(shop: Shop) -> None:
    shop.watch("bag", 5)
    shop.watch("bag", 7)
    shop.watch("bag", 7)

    movements = shop.does("GET", "/bag/movements").body["items"]

    assert [(each["kind"], each["before"]["lowAt"], each["after"]["lowAt"]) for each in movements] == [
        ("THRESHOLD", 5, 7),
        ("THRESHOLD", None, 5),
    ]


def test_goods_that_arrive_leave_a_threshold_that_is_set_in_between(shop: Shop, wire: Wire) -> None:
    shop.receive("bag", 10)
    wire.before("TransactWriteItems", lambda: shop.watch("bag", 5))

    answer = shop.receive("bag", 1, key="delivery-2")

    assert answer.body["before"] == levels(available=10, received=10, lowAt=5)
    assert stock_of(shop)["lowAt"] == 5


def test_a_row_that_lacks_a_counter_is_one_with_none_of_it(shop: Shop) -> None:
    shop.put("InventoryTable", {"productId": "bag", "availableQty": 5, "receivedQty": 5})

    assert shop.adjust("bag", -2, "DAMAGE").status == 201

    assert stock_of(shop) == {"productId": "bag", "name": "Bag", **levels(available=3, received=5, writtenOff=2)}


@pytest.mark.parametrize("body", [{}, {"lowAt": -1}, {"lowAt": 1.5}, {"lowAt": "5"}, {"lowAt": 100_001}])
def test_a_threshold_that_cannot_be_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    answer = shop.does("PUT", "/bag/threshold", body)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["lowAt"])
    assert shop.counters == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"low": "perhaps"}, "low"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": encode_cursor({"productId": 1})}, "cursor"),
    ],
)
def test_a_list_that_cannot_be_is_refused(shop: Shop, query: dict[str, str], field: str) -> None:
    answer = shop.does("GET", query=query)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", [field])


def test_no_list_reads_a_whole_table(shop: Shop, wire: Wire) -> None:
    shop.receive("bag", 1)
    for path, query in (("", {}), ("", {"low": "true"}), ("/bag/movements", {})):
        assert shop.does("GET", path, query=query).status == 200

    assert not wire.made("Scan")


# --- the history ------------------------------------------------------------------------------------------------------


def test_the_history_is_the_newest_first_with_what_orders_did_in_between(shop: Shop) -> None:
    shop.receive("bag", 10)
    shop.sells("bag", reserved=2, sold=1)
    shop.adjust("bag", -1, "DAMAGE")
    shop.adjust("bag", 2, "COUNT", key="adjustment-2")

    movements = shop.does("GET", "/bag/movements").body["items"]

    orders = {"available": -3, "reserved": 2, "sold": 1, "writtenOff": 0}
    assert [(each["kind"], each["delta"], each["ordersBefore"]) for each in movements] == [
        ("COUNT", 2, None),
        ("DAMAGE", -1, orders),
        ("RECEIPT", 10, None),
    ]


def test_the_history_comes_page_by_page_and_is_the_same(shop: Shop) -> None:
    shop.receive("bag", 10)
    shop.sells("bag", reserved=2, sold=1)
    for number in range(3):
        shop.adjust("bag", -1, "DAMAGE", key=f"adjustment-{number}")
    whole = shop.does("GET", "/bag/movements").body["items"]

    pages: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        body = shop.does("GET", "/bag/movements", query={"limit": "1", **cursor}).body
        pages += body["items"]
        if body["nextCursor"] is None:
            break
        cursor = {"cursor": body["nextCursor"]}

    assert pages == whole
    assert len(whole) == 4


def test_the_history_of_one_product_is_not_that_of_another(shop: Shop) -> None:
    shop.receive("bag", 10)

    assert shop.does("GET", "/mug/movements").body == {"items": [], "nextCursor": None}


# --- who sees what ----------------------------------------------------------------------------------------------------


def test_operators_see_every_counter_and_shoppers_only_what_can_be_had(shop: Shop, pool: Pool) -> None:
    shop.receive("bag", 10)
    shop.sells("bag", reserved=2, sold=3)

    operator = shop.stock("bag", pool.token(OPERATOR_CLAIMS))
    shopper = shop.stock("bag", pool.token(SHOPPER_CLAIMS))

    assert operator.body == {"productId": "bag", **levels(available=5, reserved=2, sold=3, received=10)}
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


def test_staff_see_that_nothing_was_received_of_a_product_that_the_catalogue_has(shop: Shop) -> None:
    assert stock_of(shop) == {"productId": "bag", "name": "Bag", **NONE}
    answer = shop.does("GET", "/bagg")
    assert (answer.status, answer.problem) == (404, "not-found")


ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("GET", "/bag", None),
    ("GET", "/bag/movements", None),
    ("POST", "/bag/receipts", {"quantity": 1}),
    ("POST", "/bag/adjustments", {"delta": 1, "reason": "COUNT"}),
    ("PUT", "/bag/threshold", {"lowAt": 1}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES, ids=[f"{each[0]} {each[1]}" for each in ROUTES])
@pytest.mark.parametrize(
    ("claims", "status", "problem"),
    [
        (None, 401, "unauthorized"),
        ({**OPERATOR_CLAIMS, "token_use": "access"}, 401, "unauthorized"),
        (SHOPPER_CLAIMS, 403, "staff-only"),
        (OPERATOR_CLAIMS, 403, "staff-only"),
    ],
    ids=["a stranger", "an access token", "a shopper", "an operator"],
)
def test_only_staff_see_and_change_the_stock(
    shop: Shop, method: str, path: str, body: Any, claims: dict[str, str] | None, status: int, problem: str
) -> None:
    answer = shop.does(method, path, body, key="a-key", claims=claims)

    assert (answer.status, answer.problem) == (status, problem)
    assert (shop.counters, shop.movements) == ([], [])


# --- what is no request -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "quantity", ["0", "-5", "100001", "1.5", "1.0", '"7"', "true", "null", "1e9", "[1]"], ids=lambda text: text
)
def test_a_quantity_that_is_not_a_whole_number_of_1_to_100000_is_refused_by_name(shop: Shop, quantity: str) -> None:
    answer = shop.receive("bag", raw_body=f'{{"quantity": {quantity}}}')

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["quantity"])
    assert (shop.counters, shop.movements) == ([], [])


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
    assert (shop.counters, shop.movements) == ([], [])


def receive(shop: Shop, key: str | None) -> Answer:
    return shop.receive("bag", key=key)


def adjust(shop: Shop, key: str | None) -> Answer:
    return shop.adjust("bag", 1, key=key)


@pytest.mark.parametrize("deed", [receive, adjust])
@pytest.mark.parametrize("key", [None, "", "k" * 129, "with space", "naïve"])
def test_without_a_proper_idempotency_key_nothing_is_changed(
    shop: Shop, deed: Callable[[Shop, str | None], Answer], key: str | None
) -> None:
    answer = deed(shop, key)

    assert (answer.status, [field.lower() for field in answer.fields]) == (422, ["idempotency-key"])
    assert (shop.counters, shop.movements) == ([], [])


# --- races and failures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_a_conflict_with_a_reservation_is_tried_again(shop: Shop, wire: Wire, reason: str) -> None:
    wire.refuses("TransactWriteItems", cancelled("None", reason), times=MAX_RACES - 1)

    assert shop.receive("bag", 10).status == 201
    assert [row["receivedQty"] for row in shop.counters] == [10]


def test_conflicts_without_end_are_answered_as_busy_and_change_nothing(shop: Shop, wire: Wire) -> None:
    wire.refuses("TransactWriteItems", cancelled("None", "TransactionConflict"), times=MAX_RACES)

    answer = shop.receive("bag", 10)

    assert (answer.status, answer.problem) == (503, "try-again")
    assert (shop.counters, shop.movements) == ([], [])


def test_a_failure_that_is_no_conflict_is_not_tried_again(shop: Shop, wire: Wire) -> None:
    wire.refuses("TransactWriteItems", cancelled("None", "ValidationError"))

    answer = shop.receive("bag", 10)

    assert (answer.status, answer.problem) == (500, "internal-error")
    assert len(wire.made("TransactWriteItems")) == 1


def test_a_receipt_whose_answer_was_lost_is_answered_when_it_is_told_again(shop: Shop, wire: Wire) -> None:
    wire.loses_the_answer("TransactWriteItems", ConnectionClosedError(endpoint_url="https://dynamodb"))

    first = shop.receive("bag", 10)
    again = shop.receive("bag", 10)

    assert {first.status, again.status} <= {201, 503}
    assert again.status == 201
    assert [row["receivedQty"] for row in shop.counters] == [10]


def test_a_receipt_that_is_told_twice_at_the_same_moment_is_counted_once(shop: Shop, wire: Wire) -> None:
    twin = Request("bag#delivery-1", "bag", "staff-2", datetime.now(UTC))
    wire.before("TransactWriteItems", lambda: change_stock(api._warehouse(), Receive(10), twin))

    assert shop.receive("bag", 10).status == 201

    assert [row["receivedQty"] for row in shop.counters] == [10]
    assert [row["by"] for row in shop.movements] == ["staff-2"]
