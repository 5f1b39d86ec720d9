"""The orders API: what each request is answered, and that a refused one has changed nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudretail.decider import Change, Context
from cloudretail.http import MAX_BODY, encode_cursor
from cloudretail.repository import MAX_RACES, MAX_TRIES, DynamoDBRepository
from cloudretail.settings import load
from contract import parse
from contract.orders import CancellationRequested, OrderCancelled
from orders import api
from orders.domain import Order, Shopper, decide, order_id_of, place
from orders.store import ORDERS, CheckoutSettings, CheckoutStore
from tests.support.examples import CAUSE, EXAMPLES, NOW, name_of
from tests.support.http import Answer, call
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS, STAFF_CLAIMS
from tests.support.wire import Wire, cancelled, everything_printed, refused
from tests.unit.orders.conftest import ADDRESS, Shop, command
from tests.unit.orders.test_rules import order

OTHER_CLAIMS = {**SHOPPER_CLAIMS, "sub": "user-2", "email": "other@cloudretail.example"}
CONFIRMED = ("InventoryReserved", "PaymentSucceeded")
TABLE: DynamoDBRepository[Order] = DynamoDBRepository("OrdersTable", ORDERS)


def happened(order_id: str, *names: str, **changes: Any) -> None:
    """These events reach the order, with these fields changed."""
    for name in names:
        row = TABLE.load(order_id)
        assert row
        message = next(data for data in EXAMPLES if name_of(data) == name).model_copy(update=changes)
        change = decide(row.state, message, Context(order_id, f"event-{name}", NOW))
        assert isinstance(change, Change)
        TABLE.commit(order_id, row, change, CAUSE, NOW)


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """Two bags and a lamp are in the cart, at version 3."""
    shop.sells("bag", price=1990, available=10)
    shop.sells("lamp", price=1990, available=10)
    shop.fills_a_cart(("bag", 2), ("lamp", 1), version=3)
    return shop


# --- checking out -------------------------------------------------------------------------------------------------


def test_checking_out_takes_the_order_and_empties_the_cart(filled: Shop) -> None:
    answer = filled.checks_out()

    order_id = order_id_of("user-1", "key-1")
    assert (answer.status, answer.body) == (202, {"orderId": order_id, "status": "PENDING"})
    (row,) = filled.orders()
    assert (row.state.order_id, row.state.user_email, row.state.total_amount) == (
        order_id,
        "shopper@cloudretail.example",
        5970,
    )
    assert (filled.cart()["items"], filled.cart()["version"]) == ([], 4)


def test_cash_on_delivery_can_be_chosen_at_checkout(filled: Shop) -> None:
    filled.checks_out(paymentMethod="COD")

    (row,) = filled.orders()
    assert row.state.payment_method == "COD"


def test_blanks_around_an_address_mean_nothing(filled: Shop) -> None:
    first = filled.checks_out(shippingAddress={**ADDRESS, "city": " Singapore "})

    assert first == filled.checks_out()
    (row,) = filled.orders()
    assert row.state.shipping_address.city == "Singapore"


def test_the_same_request_again_is_answered_the_same_and_changes_nothing(filled: Shop) -> None:
    first = filled.checks_out()

    with filled.unchanged():
        assert filled.checks_out() == first


def test_the_same_request_is_answered_the_same_even_when_the_order_has_moved_on_and_the_cart_is_full_again(
    filled: Shop,
) -> None:
    first = filled.checks_out()
    happened(first.body["orderId"], "InventoryReserved", "PaymentSucceeded")
    filled.fills_a_cart(("bag", 1), version=5)

    with filled.unchanged():
        assert filled.checks_out(total={"amount": 5970, "currency": "SGD"}) == first


@pytest.mark.parametrize(
    "other",
    [{"version": 4}, {"paymentMethod": "COD"}, {"shippingAddress": {**ADDRESS, "city": "Johor Bahru"}}],
    ids=["another cart", "another method", "another address"],
)
def test_a_key_cannot_be_used_for_another_order(filled: Shop, other: dict[str, Any]) -> None:
    filled.checks_out()

    with filled.unchanged():
        answer = filled.checks_out(**other)

    assert (answer.status, answer.problem, answer.fields) == (422, "idempotency-key-reused", ["Idempotency-Key"])


def test_two_shoppers_may_have_the_same_key(filled: Shop) -> None:
    first = filled.checks_out("key-1")
    filled.fills_a_cart(("bag", 1), user="user-2")

    second = filled.checks_out("key-1", claims=OTHER_CLAIMS)

    assert (first.status, second.status) == (202, 202)
    assert {row.state.user_id for row in filled.orders()} == {"user-1", "user-2"}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Idempotency-Key": ""}, {"Idempotency-Key": "k" * 129}, {"Idempotency-Key": "two words"}],
    ids=["no key", "an empty key", "a key too long", "a key with a blank"],
)
def test_an_order_needs_a_key(filled: Shop, headers: dict[str, str]) -> None:
    body = {**DELIVERY, "shippingAddress": ADDRESS, "cartVersion": 3}

    with filled.unchanged():
        answer = filled.call("POST", body=body, headers=headers)

    assert (answer.status, answer.problem) == (422, "invalid-input")
    assert [field.lower() for field in answer.fields] == ["idempotency-key"]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Enter your full name."),
        ("line1", " ", "Enter your street and number."),
        ("city", "", "Enter your city."),
        ("postalCode", "\t", "Enter your postal code."),
        ("country", "", "Choose a country."),
        ("city", "c" * 101, "Use at most 100 characters."),
    ],
)
def test_what_is_wrong_with_the_address_is_said_in_a_whole_sentence(
    filled: Shop, field: str, value: str, sentence: str
) -> None:
    answer = filled.checks_out(shippingAddress={**ADDRESS, field: value})

    assert answer.body["errors"] == [{"field": f"shippingAddress.{field}", "message": sentence}]


DELIVERY = {"shippingMethod": "standard", "total": {"amount": 5970, "currency": "SGD"}}

INVALID: list[tuple[str, dict[str, Any], list[str]]] = [
    ("no cart version", {"shippingAddress": ADDRESS}, ["cartVersion"]),
    ("a cart version as text", {"shippingAddress": ADDRESS, "cartVersion": "3"}, ["cartVersion"]),
    ("a cart version that is no integer", {"shippingAddress": ADDRESS, "cartVersion": 3.5}, ["cartVersion"]),
    ("a cart version that is a truth", {"shippingAddress": ADDRESS, "cartVersion": True}, ["cartVersion"]),
    ("a negative cart version", {"shippingAddress": ADDRESS, "cartVersion": -1}, ["cartVersion"]),
    ("no address", {"cartVersion": 3}, ["shippingAddress"]),
    ("an address as text", {"shippingAddress": "1 Main Street", "cartVersion": 3}, ["shippingAddress"]),
    ("an unknown field", {"shippingAddress": ADDRESS, "cartVersion": 3, "gift": True}, ["gift"]),
    (
        "an unknown field of the address",
        {"shippingAddress": {**ADDRESS, "planet": "Earth"}, "cartVersion": 3},
        ["shippingAddress.planet"],
    ),
    (
        "a missing field of the address",
        {"shippingAddress": {key: ADDRESS[key] for key in ADDRESS if key != "city"}, "cartVersion": 3},
        ["shippingAddress.city"],
    ),
    (
        "an empty name",
        {"shippingAddress": {**ADDRESS, "name": ""}, "cartVersion": 3},
        ["shippingAddress.name"],
    ),
    (
        "a name of blanks",
        {"shippingAddress": {**ADDRESS, "name": " \t "}, "cartVersion": 3},
        ["shippingAddress.name"],
    ),
    (
        "a name too long",
        {"shippingAddress": {**ADDRESS, "name": "n" * 101}, "cartVersion": 3},
        ["shippingAddress.name"],
    ),
    (
        "a country that is no code",
        {"shippingAddress": {**ADDRESS, "country": "Singapore"}, "cartVersion": 3},
        ["shippingAddress.country"],
    ),
    (
        "a number for a name",
        {"shippingAddress": {**ADDRESS, "name": 7}, "cartVersion": 3},
        ["shippingAddress.name"],
    ),
    (
        "a method that has to wait",
        {"shippingAddress": ADDRESS, "cartVersion": 3, "paymentMethod": "CARD"},
        ["paymentMethod"],
    ),
    (
        "an unknown method",
        {"shippingAddress": ADDRESS, "cartVersion": 3, "paymentMethod": "BARTER"},
        ["paymentMethod"],
    ),
    (
        "several things at once",
        {"shippingAddress": {**ADDRESS, "line1": "", "country": "sg"}, "cartVersion": None},
        ["shippingAddress.line1", "shippingAddress.country", "cartVersion"],
    ),
]


@pytest.mark.parametrize("body, fields", [case[1:] for case in INVALID], ids=[case[0] for case in INVALID])
def test_invalid_input_is_refused_with_an_entry_for_each_field(
    filled: Shop, body: dict[str, Any], fields: list[str]
) -> None:
    with filled.unchanged():
        answer = filled.call("POST", body={**DELIVERY, **body}, headers={"Idempotency-Key": "key-1"})

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", fields)


def test_a_checkout_of_nothing_names_everything_that_it_lacks(filled: Shop) -> None:
    answer = filled.call("POST", body={}, headers={"Idempotency-Key": "key-1"})

    assert answer.fields == ["shippingAddress", "shippingMethod", "total", "cartVersion"]


@pytest.mark.parametrize(
    "raw_body, content_type, status, problem",
    [
        ('{"cartVersion": 3', "application/json", 400, "malformed-json"),
        ("cartVersion=3", "application/json", 400, "malformed-json"),
        ('{"cartVersion": 3}', "text/plain", 415, "unsupported-media-type"),
        ("cartVersion=3", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (f'{{"cartVersion": 3, "note": "{"n" * MAX_BODY}"}}', "application/json", 413, "body-too-large"),
        ("[1, 2]", "application/json", 422, "invalid-input"),
        ('"order"', "application/json", 422, "invalid-input"),
        ("null", "application/json", 422, "invalid-input"),
    ],
    ids=["cut off", "no JSON", "as text", "as a form", "too large", "a list", "a text", "null"],
)
def test_a_body_that_is_no_order_is_refused(
    filled: Shop, raw_body: str, content_type: str, status: int, problem: str
) -> None:
    headers = {"Idempotency-Key": "key-1", "Content-Type": content_type}

    with filled.unchanged():
        answer = filled.call("POST", raw_body=raw_body, headers=headers)

    assert (answer.status, answer.problem) == (status, problem)


def test_no_body_at_all_is_refused(filled: Shop) -> None:
    with filled.unchanged():
        answer = filled.call("POST", headers={"Idempotency-Key": "key-1"})

    assert (answer.status, answer.problem) == (422, "invalid-input")


def test_another_cart_than_the_one_seen_is_refused(filled: Shop) -> None:
    with filled.unchanged():
        answer = filled.checks_out(version=2)

    assert (answer.status, answer.problem, answer.body["cartVersion"]) == (409, "cart-changed", 3)


def test_an_empty_cart_is_refused(filled: Shop) -> None:
    filled.fills_a_cart(version=4)

    with filled.unchanged():
        answer = filled.checks_out(version=4)

    assert (answer.status, answer.problem) == (409, "cart-empty")


def test_a_shopper_without_a_cart_is_refused(shop: Shop) -> None:
    with shop.unchanged():
        answer = shop.checks_out(version=0)

    assert (answer.status, answer.problem) == (409, "cart-empty")


def test_a_price_that_changed_since_is_refused_and_named(filled: Shop) -> None:
    filled.sells("bag", price=2490)

    with filled.unchanged():
        answer = filled.checks_out()

    assert (answer.status, answer.problem) == (409, "price-changed")
    assert answer.body["lines"] == [
        {
            "productId": "bag",
            "seen": {"amount": 1990, "currency": "SGD"},
            "current": {"amount": 2490, "currency": "SGD"},
        }
    ]


def test_a_product_that_was_priced_before_the_currency_changed_is_not_sold(filled: Shop) -> None:
    filled.fills_a_cart(("bag", 2), ("hat", 1))
    filled.sells("hat", currency="USD")
    with filled.unchanged():
        answer = filled.checks_out()

    assert (answer.status, answer.problem) == (409, "product-unavailable")
    assert answer.body["lines"] == [{"productId": "hat"}]


def test_stock_that_cannot_cover_the_cart_is_refused_and_named(filled: Shop) -> None:
    filled.sells("bag", available=1)

    with filled.unchanged():
        answer = filled.checks_out()

    assert (answer.status, answer.problem) == (409, "insufficient-stock")
    assert answer.body["lines"] == [{"productId": "bag", "requested": 2, "available": 1}]


@pytest.mark.parametrize("unlisted", [True, False], ids=["unlisted", "unknown"])
def test_a_product_that_is_no_longer_sold_is_refused_and_named(filled: Shop, unlisted: bool) -> None:
    filled.fills_a_cart(("bag", 2), ("gone", 1))
    if unlisted:
        filled.sells("gone", listed=False)

    with filled.unchanged():
        answer = filled.checks_out()

    assert (answer.status, answer.problem) == (409, "product-unavailable")
    assert answer.body["lines"] == [{"productId": "gone"}]


@pytest.mark.parametrize("lines, status", [(50, 202), (51, 409)])
def test_an_order_has_fifty_lines_at_the_most(shop: Shop, lines: int, status: int) -> None:
    products = [f"product-{n}" for n in range(lines)]
    for product in products:
        shop.sells(product)
    shop.fills_a_cart(*((product, 1) for product in products))

    answer = shop.checks_out()

    assert answer.status == status
    assert len(shop.orders()) == (1 if status == 202 else 0)
    if status == 409:
        assert answer.problem == "too-many-lines"


def another_process_places(order_id: str) -> None:
    store = CheckoutStore(load(CheckoutSettings), "user-1")
    look = store.look(order_id)
    cart, account = look.cart, look.account
    request = command(cart.version, sum(line.quantity * line.unit_price.amount for line in cart.items))
    shopper = Shopper("user-1", "shopper@cloudretail.example")
    change = place(request, store.basket(cart), account, look.rates, shopper, Context(order_id, "request-0", NOW))
    store.place(change, cart.version, account, CAUSE, datetime.now(UTC))


def test_a_second_click_that_arrives_in_between_gets_the_order_of_the_first(filled: Shop, wire: Wire) -> None:
    order_id = order_id_of("user-1", "key-1")
    wire.before("TransactWriteItems", lambda: another_process_places(order_id))

    answer = filled.checks_out()

    assert (answer.status, answer.body) == (202, {"orderId": order_id, "status": "PENDING"})
    (row,) = filled.orders()
    assert row.state.history[0].caused_by == "request-0"


def test_another_tab_that_checks_out_the_cart_in_between_leaves_nothing_to_order(filled: Shop, wire: Wire) -> None:
    wire.before("TransactWriteItems", lambda: another_process_places("ord_other"))

    answer = filled.checks_out()

    assert (answer.status, answer.problem) == (409, "cart-changed")
    assert [row.state.order_id for row in filled.orders()] == ["ord_other"]


@pytest.mark.parametrize("passing", [cancelled("TransactionConflict", "None"), refused("ThrottlingException")])
def test_a_collision_that_passes_is_not_seen(filled: Shop, wire: Wire, passing: Exception) -> None:
    wire.refuses("TransactWriteItems", passing, times=2)

    assert filled.checks_out().status == 202
    assert len(filled.orders()) == 1


@pytest.mark.parametrize(
    "operation, error, times",
    [
        ("TransactWriteItems", cancelled("TransactionConflict", "None"), MAX_TRIES),
        ("TransactWriteItems", cancelled("None", "ThrottlingError"), MAX_TRIES),
        ("BatchGetItem", refused("ProvisionedThroughputExceededException"), 1),
    ],
    ids=["in conflict", "throttled", "throttled at the read"],
)
def test_a_shop_that_is_too_busy_says_so_and_has_changed_nothing(
    filled: Shop, wire: Wire, operation: str, error: Exception, times: int
) -> None:
    wire.refuses(operation, error, times=times)

    with filled.unchanged():
        answer = filled.checks_out()

    assert (answer.status, answer.problem) == (503, "try-again")
    assert filled.checks_out().status == 202


def test_an_answer_of_the_database_that_is_lost_costs_no_second_order(filled: Shop, wire: Wire) -> None:
    wire.loses_the_answer("TransactWriteItems", refused("InternalServerError"))

    assert filled.checks_out().status == 202

    assert len(filled.orders()) == 1
    assert filled.cart()["version"] == 4


def test_a_failure_on_our_side_says_nothing_of_the_inside(filled: Shop, wire: Wire) -> None:
    wire.refuses("TransactWriteItems", refused("AccessDeniedException"))

    with filled.unchanged():
        answer = filled.checks_out()

    assert (answer.status, answer.problem) == (500, "internal-error")
    assert "AccessDenied" not in str(answer.body)


# --- looking --------------------------------------------------------------------------------------------------------


def test_an_order_shows_what_was_ordered_and_its_story(filled: Shop) -> None:
    order_id = filled.checks_out(paymentMethod="COD").body["orderId"]

    answer = filled.call("GET", f"/{order_id}")

    assert answer.status == 200
    assert answer.body["orderId"] == order_id
    assert answer.body["status"] == "PENDING"
    assert answer.body["total"] == {"amount": 5970, "currency": "SGD"}
    assert answer.body["items"][0] == {
        "productId": "bag",
        "name": "Bag",
        "quantity": 2,
        "unitPrice": {"amount": 1990, "currency": "SGD"},
    }
    assert answer.body["shippingAddress"] == {**ADDRESS, "line2": None, "state": None}
    assert (answer.body["paymentMethod"], answer.body["reservedUntil"]) == ("COD", None)
    assert [step["event"] for step in answer.body["story"]] == ["OrderPlaced"]


def test_an_order_says_until_when_it_is_reserved_only_while_it_is(shop: Shop) -> None:
    order_id = shop.has_an_order()

    happened(order_id, "InventoryReserved")
    assert shop.call("GET", f"/{order_id}").body["reservedUntil"] == "2026-01-02T03:19:05Z"

    happened(order_id, "PaymentDeclined", "PaymentSucceeded")
    answer = shop.call("GET", f"/{order_id}")
    assert (answer.body["status"], answer.body["reservedUntil"]) == ("CONFIRMED", None)
    assert [step["event"] for step in answer.body["story"]] == [
        "OrderPlaced",
        "InventoryReserved",
        "PaymentDeclined",
        "PaymentSucceeded",
    ]


def test_a_rejected_order_says_what_was_short(shop: Shop) -> None:
    order_id = shop.has_an_order()
    happened(order_id, "InventoryReservationFailed")

    step = shop.call("GET", f"/{order_id}").body["story"][-1]

    assert (step["status"], step["reason"]) == ("REJECTED", "SOLD_OUT")
    assert step["shortages"] == [{"productId": "canvas-backpack", "requested": 2, "available": 1}]


def test_no_answer_shows_what_is_only_ours(shop: Shop) -> None:
    order_id = shop.has_an_order()

    for answer in (shop.call("GET"), shop.call("GET", f"/{order_id}"), shop.call("POST", f"/{order_id}/cancel")):
        assert not {"fingerprint", "outbox", "version", "userId", "userEmail"} & set(answer.body)
        assert "fingerprint" not in str(answer.body)


@pytest.mark.parametrize("method, path", [("GET", "/{}"), ("POST", "/{}/cancel")])
def test_another_shoppers_order_does_not_exist(shop: Shop, method: str, path: str) -> None:
    order_id = shop.has_an_order()

    with shop.unchanged():
        answer = shop.call(method, path.format(order_id), claims=OTHER_CLAIMS)
        unknown = shop.call(method, path.format("ord_unknown"), claims=OTHER_CLAIMS)

    assert (answer.status, answer.problem) == (404, "not-found")
    assert answer == unknown


def test_operators_have_no_back_door_here(shop: Shop) -> None:
    order_id = shop.has_an_order()

    answer = shop.call("GET", f"/{order_id}", claims={**OTHER_CLAIMS, "cognito:groups": "[operators]"})

    assert answer.status == 404


@pytest.mark.parametrize("order_id", ["ord_1!", "a" * 65], ids=["another character", "too long"])
@pytest.mark.parametrize("method, path", [("GET", "/{}"), ("POST", "/{}/cancel")])
def test_what_is_no_order_id_is_refused(shop: Shop, method: str, path: str, order_id: str) -> None:
    answer = shop.call(method, path.format(order_id))

    assert (answer.status, answer.fields) == (422, ["order_id"])


def test_the_list_is_paged_from_the_newest_to_the_oldest(shop: Shop) -> None:
    for n in range(5):
        placed = order("PENDING", order_id=f"ord_{n}", created_at=NOW + timedelta(minutes=n))
        TABLE.commit(placed.order_id, None, Change(placed), CAUSE, NOW)
    other = order("PENDING", order_id="ord_other", user_id="user-2")
    TABLE.commit("ord_other", None, Change(other), CAUSE, NOW)

    first = shop.call("GET", query={"limit": "2"})
    second = shop.call("GET", query={"limit": "2", "cursor": first.body["nextCursor"]})
    third = shop.call("GET", query={"limit": "2", "cursor": second.body["nextCursor"]})

    assert [[item["orderId"] for item in page.body["items"]] for page in (first, second, third)] == [
        ["ord_4", "ord_3"],
        ["ord_2", "ord_1"],
        ["ord_0"],
    ]
    assert third.body["nextCursor"] is None
    assert set(first.body["items"][0]) == {"orderId", "status", "items", "total", "createdAt"}
    assert first.body["items"][0]["total"] == {"amount": 15430, "currency": "SGD"}


def test_a_shopper_who_ordered_nothing_has_an_empty_list(shop: Shop) -> None:
    answer = shop.call("GET")

    assert (answer.status, answer.body) == (200, {"items": [], "nextCursor": None})


@pytest.mark.parametrize(
    "query, field",
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "c" * 1025}, "cursor"),
        ({"cursor": encode_cursor({"orderId": "ord_1"}) or ""}, "cursor"),
        ({"cursor": encode_cursor({"orderId": 1, "createdAt": "2026-01-01"}) or ""}, "cursor"),
        ({"cursor": encode_cursor({"orderId": 1.5, "createdAt": None}) or ""}, "cursor"),
        ({"cursor": encode_cursor({"orderId": "ord_1", "createdAt": {"S": "2026"}}) or ""}, "cursor"),
        ({"cursor": encode_cursor({"orderId": "", "createdAt": ""}) or ""}, "cursor"),
    ],
)
def test_a_list_that_cannot_be_asked_for_is_refused(shop: Shop, query: dict[str, str], field: str) -> None:
    answer = shop.call("GET", query=query)

    assert (answer.status, answer.fields) == (422, [field])


def test_a_cursor_of_somebody_elses_list_shows_nothing_of_it(shop: Shop) -> None:
    for n in range(3):
        theirs = order("PENDING", order_id=f"ord_{n}", user_id="user-2", created_at=NOW + timedelta(minutes=n))
        TABLE.commit(theirs.order_id, None, Change(theirs), CAUSE, NOW)
    cursor = shop.call("GET", query={"limit": "1"}, claims=OTHER_CLAIMS).body["nextCursor"]

    assert shop.call("GET", query={"cursor": cursor}).body["items"] == []


def test_what_has_no_price_in_the_shops_currency_is_not_sold(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop has changed it since: whoever ordered in the old one would be charged by nobody's price list."""
    shop.sells("bag")
    shop.fills_a_cart(("bag", 1))
    settings = api._settings().model_copy(update={"currency": "EUR"})
    monkeypatch.setattr(api, "_settings", lambda: settings)

    with shop.unchanged():
        answer = shop.checks_out()

    assert (answer.status, answer.problem) == (409, "product-unavailable")


# --- cancelling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [[], ["InventoryReserved"]], ids=["PENDING", "RESERVED"])
def test_an_order_can_be_called_off_at_once_until_it_is_confirmed(shop: Shop, events: list[str]) -> None:
    order_id = shop.has_an_order()
    happened(order_id, *events)

    answer = shop.call("POST", f"/{order_id}/cancel")

    assert (answer.status, answer.body["status"]) == (202, "CANCELLED")
    (row,) = shop.orders()
    assert row.state.status == "CANCELLED"
    assert row.outbox
    assert "OrderCancelled.v1" in row.outbox.events[0]


def test_a_confirmed_order_is_asked_to_be_called_off_as_its_parcel_may_have_gone(shop: Shop) -> None:
    order_id = shop.has_an_order()
    happened(order_id, *CONFIRMED)

    answer = shop.call("POST", f"/{order_id}/cancel")

    assert (answer.status, answer.body["status"], answer.body["cancellable"]) == (202, "CANCELLING", False)
    (row,) = shop.orders()
    assert row.outbox
    assert "CancellationRequested.v1" in row.outbox.events[0]
    with shop.unchanged():
        assert shop.call("POST", f"/{order_id}/cancel") == answer


@pytest.mark.parametrize(
    "events, word",
    [(["ShipmentDispatched"], "on its way"), (["ShipmentDispatched", "ShipmentDelivered"], "delivered")],
    ids=["SHIPPED", "DELIVERED"],
)
def test_an_order_that_was_shipped_can_be_sent_back_and_not_called_off(
    shop: Shop, events: list[str], word: str
) -> None:
    order_id = shop.has_an_order()
    happened(order_id, *CONFIRMED, *events)

    with shop.unchanged():
        answer = shop.call("POST", f"/{order_id}/cancel")

    assert (answer.status, answer.problem) == (409, "not-cancellable")
    assert word in answer.body["detail"]
    assert "send" in answer.body["detail"]


@pytest.mark.parametrize("events", [[], ["PaymentFailed"]], ids=["by the shopper", "for want of a payment"])
def test_an_order_that_is_cancelled_already_is_what_was_asked_for(shop: Shop, events: list[str]) -> None:
    order_id = shop.has_an_order()
    happened(order_id, *events)
    shop.call("POST", f"/{order_id}/cancel")

    with shop.unchanged():
        answer = shop.call("POST", f"/{order_id}/cancel")

    assert (answer.status, answer.body["status"]) == (202, "CANCELLED")


def test_a_rejected_order_cannot_be_called_off(shop: Shop) -> None:
    order_id = shop.has_an_order()
    happened(order_id, "InventoryReservationFailed")

    with shop.unchanged():
        answer = shop.call("POST", f"/{order_id}/cancel")

    assert (answer.status, answer.problem) == (409, "not-cancellable")
    # The problem's own `status` is the HTTP status (RFC 9457).
    assert (answer.body["status"], answer.body["orderStatus"]) == (409, "REJECTED")


def test_a_payment_that_succeeds_in_between_does_not_keep_the_order(shop: Shop, wire: Wire) -> None:
    order_id = shop.has_an_order()
    happened(order_id, "InventoryReserved")
    wire.before("TransactWriteItems", lambda: happened(order_id, "PaymentSucceeded"))

    answer = shop.call("POST", f"/{order_id}/cancel")

    assert (answer.status, answer.body["status"]) == (202, "CANCELLING")
    assert [step["event"] for step in answer.body["story"]][-2:] == ["PaymentSucceeded", "CancellationRequested"]


@pytest.mark.parametrize(
    "error, times",
    [(cancelled("ConditionalCheckFailed", "None"), MAX_RACES), (refused("ThrottlingException"), 1)],
    ids=["always too late", "throttled"],
)
def test_a_cancellation_that_the_shop_is_too_busy_for_changes_nothing(
    shop: Shop, wire: Wire, error: Exception, times: int
) -> None:
    order_id = shop.has_an_order()
    wire.refuses("TransactWriteItems", error, times=times)

    with shop.unchanged():
        answer = shop.call("POST", f"/{order_id}/cancel")

    assert (answer.status, answer.problem) == (503, "try-again")


# --- sending back -----------------------------------------------------------------------------------------------------


@pytest.fixture
def delivered(shop: Shop) -> str:
    """Two bags were delivered just now; this is the order's id."""
    return has_delivered(shop, datetime.now(UTC))


def has_delivered(shop: Shop, at: datetime) -> str:
    order_id = shop.has_an_order()
    happened(order_id, *CONFIRMED, "ShipmentDispatched")
    happened(order_id, "ShipmentDelivered", delivered_at=at)
    return order_id


def sends_back(shop: Shop, order_id: str, quantity: int = 1, key: str = "return-1", **fields: Any) -> Answer:
    body = {"lines": [{"productId": "bag", "quantity": quantity}], "reason": "DAMAGED", **fields}
    return shop.call("POST", f"/{order_id}/returns", body, headers={"Idempotency-Key": key})


def test_a_piece_of_a_delivered_order_can_be_sent_back(shop: Shop, delivered: str) -> None:
    answer = sends_back(shop, delivered)

    (requested,) = answer.body["returns"]
    assert (answer.status, requested["status"], requested["amount"]) == (202, "REQUESTED", None)
    assert requested["lines"] == [{"productId": "bag", "quantity": 1}]
    assert answer.body["returnable"] == [{"productId": "bag", "quantity": 1}]
    outbox = shop.orders()[0].outbox
    assert outbox
    assert "ReturnRequested.v1" in outbox.events[0]


def test_the_same_return_again_is_the_same_return(shop: Shop, delivered: str) -> None:
    first = sends_back(shop, delivered)

    with shop.unchanged():
        assert sends_back(shop, delivered) == first


def test_a_key_cannot_be_used_for_another_return(shop: Shop, delivered: str) -> None:
    sends_back(shop, delivered)

    with shop.unchanged():
        answer = sends_back(shop, delivered, 2)

    assert (answer.status, answer.problem, answer.fields) == (422, "idempotency-key-reused", ["Idempotency-Key"])


def test_what_was_sent_back_is_not_sent_back_twice(shop: Shop, delivered: str) -> None:
    sends_back(shop, delivered, 2)

    with shop.unchanged():
        answer = sends_back(shop, delivered, 1, "return-2")

    assert (answer.status, answer.problem) == (409, "more-than-bought")
    assert answer.body["lines"] == [{"productId": "bag", "requested": 1, "returnable": 0}]


def test_more_than_was_bought_is_not_sent_back(shop: Shop, delivered: str) -> None:
    with shop.unchanged():
        answer = sends_back(shop, delivered, 3)

    assert (answer.status, answer.problem) == (409, "more-than-bought")
    assert answer.body["lines"] == [{"productId": "bag", "requested": 3, "returnable": 2}]


def test_the_period_that_was_promised_at_checkout_begins_with_the_delivery(shop: Shop) -> None:
    order_id = has_delivered(shop, datetime.now(UTC) - timedelta(days=30, minutes=1))

    with shop.unchanged():
        answer = sends_back(shop, order_id)

    assert (answer.status, answer.problem) == (409, "return-period-over")
    assert "within 30 days" in answer.body["detail"]


def test_what_has_not_arrived_is_not_sent_back(shop: Shop) -> None:
    order_id = shop.has_an_order()
    happened(order_id, *CONFIRMED, "ShipmentDispatched")

    with shop.unchanged():
        answer = sends_back(shop, order_id)

    assert (answer.status, answer.problem, answer.body["orderStatus"]) == (409, "not-returnable", "SHIPPED")


@pytest.mark.parametrize(
    "fields, wrong",
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"productId": "bag", "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"productId": "bag", "quantity": "1"}]}, "lines.0.quantity"),
        ({"lines": [{"productId": "lamp", "quantity": 1}]}, "lines.0.productId"),
        ({"lines": [{"productId": "bag", "quantity": 1}] * 2}, "lines"),
        ({"reason": "BORED"}, "reason"),
        ({"reason": None}, "reason"),
        ({"amount": 1}, "amount"),
    ],
    ids=["nothing", "no piece", "a text", "another product", "a product twice", "no such reason", "none", "an amount"],
)
def test_a_return_that_cannot_be_names_the_field(
    shop: Shop, delivered: str, fields: dict[str, Any], wrong: str
) -> None:
    with shop.unchanged():
        answer = sends_back(shop, delivered, **fields)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", [wrong])


def test_a_return_can_be_called_off_while_it_is_open(shop: Shop, delivered: str) -> None:
    (requested,) = sends_back(shop, delivered).body["returns"]
    path = f"/{delivered}/returns/{requested['returnId']}/withdraw"

    answer = shop.call("POST", path)

    assert (answer.status, answer.body["returns"][0]["status"]) == (202, "WITHDRAWN")
    with shop.unchanged():
        assert shop.call("POST", path) == answer


def test_a_return_that_was_refused_cannot_be_called_off(shop: Shop, delivered: str) -> None:
    (requested,) = sends_back(shop, delivered).body["returns"]
    happened(delivered, "ReturnRefused", return_id=requested["returnId"])

    with shop.unchanged():
        answer = shop.call("POST", f"/{delivered}/returns/{requested['returnId']}/withdraw")

    assert (answer.status, answer.problem) == (409, "return-settled")
    assert (answer.body["status"], answer.body["returnStatus"]) == (409, "REFUSED")


@pytest.mark.parametrize("path", ["/{}/returns", "/{}/returns/ret_1/withdraw"])
def test_nothing_of_another_shoppers_order_is_sent_back(shop: Shop, delivered: str, path: str) -> None:
    body = {"lines": [{"productId": "bag", "quantity": 1}], "reason": "OTHER"} if "withdraw" not in path else None

    with shop.unchanged():
        answer = shop.call(
            "POST", path.format(delivered), body, claims=OTHER_CLAIMS, headers={"Idempotency-Key": "return-1"}
        )

    assert (answer.status, answer.problem) == (404, "not-found")


# --- the shop calls an order off --------------------------------------------------------------------------------------

SORRY = {"note": "Our last bag has a tear, sorry."}


def called_off(order_id: str, body: object = SORRY, claims: Any = STAFF_CLAIMS) -> Answer:
    return call(api.handler, "POST", f"/api/admin/orders/{order_id}/cancel", body, claims=claims)


@pytest.mark.parametrize(
    "events, status",
    [((), "CANCELLED"), (("InventoryReserved",), "CANCELLED"), (CONFIRMED, "CANCELLING")],
    ids=["PENDING", "RESERVED", "CONFIRMED"],
)
def test_staff_call_any_shoppers_order_off_with_a_note_for_the_shopper(
    shop: Shop, events: tuple[str, ...], status: str
) -> None:
    order_id = shop.has_an_order()
    happened(order_id, *events)

    answer = called_off(order_id)

    assert (answer.status, answer.body["status"]) == (202, status)
    outbox = shop.orders()[0].outbox
    assert outbox
    data = parse(outbox.events[0]).data
    assert isinstance(data, OrderCancelled | CancellationRequested)
    assert (data.reason, data.note) == ("BY_SHOP", SORRY["note"])
    with shop.unchanged():
        assert called_off(order_id) == answer


def test_staff_cannot_call_off_what_is_on_its_way(shop: Shop) -> None:
    order_id = shop.has_an_order()
    happened(order_id, *CONFIRMED, "ShipmentDispatched")

    with shop.unchanged():
        answer = called_off(order_id)

    assert (answer.status, answer.problem, answer.body["orderStatus"]) == (409, "not-cancellable", "SHIPPED")


@pytest.mark.parametrize("body", [{}, {"note": " "}, {"note": "n" * 501}], ids=["none", "blanks", "too long"])
def test_the_shop_says_why_it_calls_an_order_off(shop: Shop, body: object) -> None:
    order_id = shop.has_an_order()

    with shop.unchanged():
        answer = called_off(order_id, body)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["note"])


def test_an_order_that_is_not_there_cannot_be_called_off_by_staff(shop: Shop) -> None:
    answer = called_off("ord_nobodys")

    assert (answer.status, answer.problem) == (404, "not-found")


@pytest.mark.parametrize("claims", [SHOPPER_CLAIMS, OPERATOR_CLAIMS], ids=["its shopper", "an operator"])
@pytest.mark.parametrize("body", [SORRY, {}], ids=["a good request", "a bad request"])
def test_nobody_but_staff_calls_orders_off_for_the_shop(shop: Shop, claims: Any, body: object) -> None:
    order_id = shop.has_an_order()

    with shop.unchanged():
        answer = called_off(order_id, body, claims)

    assert (answer.status, answer.problem) == (403, "staff-only")


# --- who is asking --------------------------------------------------------------------------------------------------

ROUTES: list[Callable[[Shop, Any], Answer]] = [
    lambda shop, claims: shop.checks_out(claims=claims),
    lambda shop, claims: shop.call("GET", claims=claims),
    lambda shop, claims: shop.call("GET", "/ord_1", claims=claims),
    lambda shop, claims: shop.call("POST", "/ord_1/cancel", claims=claims),
]
ROUTE_NAMES = ["check out", "list", "look", "cancel"]


@pytest.mark.parametrize(
    "claims",
    [
        None,
        {},
        {**SHOPPER_CLAIMS, "token_use": "access"},
        {key: value for key, value in SHOPPER_CLAIMS.items() if key != "token_use"},
        {**SHOPPER_CLAIMS, "email_verified": "false"},
    ],
    ids=["nobody", "no claims", "an access token", "a token of no kind", "an unverified address"],
)
@pytest.mark.parametrize("route", ROUTES, ids=ROUTE_NAMES)
def test_only_a_signed_in_shopper_is_answered(
    filled: Shop, route: Callable[[Shop, Any], Answer], claims: dict[str, str] | None
) -> None:
    with filled.unchanged():
        answer = route(filled, claims)

    assert (answer.status, answer.problem) == (401, "unauthorized")


@pytest.mark.parametrize("method, path", [("DELETE", ""), ("PUT", "/ord_1"), ("GET", "/ord_1/cancel")])
def test_other_routes_there_are_none(shop: Shop, method: str, path: str) -> None:
    answer = shop.call(method, path)

    assert (answer.status, answer.problem) == (404, "not-found")


def test_what_is_logged_says_which_order_and_nothing_of_the_shopper(
    filled: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = everything_printed(monkeypatch)

    order_id = filled.checks_out().body["orderId"]
    filled.checks_out(shippingAddress={**ADDRESS, "country": "Nowhere"})
    filled.call("POST", f"/{order_id}/cancel")

    lines = printed.getvalue()
    assert order_id in lines
    assert '"OrderPlaced":[1.0]' in lines.replace(" ", "")
    assert "shopper@" not in lines
    assert "Main Street" not in lines
