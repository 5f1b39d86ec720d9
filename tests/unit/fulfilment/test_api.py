"""The back office's API of parcels and returns: what staff are answered, and that a refused request changes nothing."""

from collections.abc import Mapping
from typing import Any

import pytest

from cloudretail.http import encode_cursor
from cloudretail.repository import MAX_RACES
from contract import parse
from tests.support.examples import name_of
from tests.support.http import Answer
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS
from tests.support.wire import Wire, everything_printed, refused
from tests.unit.fulfilment.conftest import ORDER_ID, RETURN_ID, Depot

SINGPOST = {"carrier": "SingPost", "trackingNumber": "SP123456789SG"}
DUE = {"amount": 15430, "currency": "SGD"}
PAID = {"cash": DUE}
RECEIVE, REFUSE = f"returns/{RETURN_ID}/receive", f"returns/{RETURN_ID}/refuse"


def found(restock: int = 0, write_off: int = 0, product_id: str = "canvas-backpack") -> dict[str, Any]:
    return {"productId": product_id, "restock": restock, "writeOff": write_off}


ARRIVED = {"lines": [found(restock=1)]}
CAME_BACK = {"reason": "REFUSED", "lines": [found(1, 1), found(restock=1, product_id="desk-lamp")]}
NOT_OURS = {"reason": "NOT_OURS", "note": "This is another shop's backpack."}


@pytest.fixture
def to_ship(depot: Depot) -> Depot:
    """A parcel that was paid by card."""
    depot.confirms()
    return depot


@pytest.fixture
def shipped(to_ship: Depot) -> Depot:
    assert to_ship.does("ship", SINGPOST).status == 202
    return to_ship


@pytest.fixture
def shipped_cod(depot: Depot) -> Depot:
    """A parcel whose cash is to be collected."""
    depot.confirms(cash=True)
    assert depot.does("ship", SINGPOST).status == 202
    return depot


@pytest.fixture
def delivered(shipped: Depot) -> Depot:
    assert shipped.does("deliver", {}).status == 202
    return shipped


@pytest.fixture
def expected(delivered: Depot) -> Depot:
    """One of the two backpacks is coming back."""
    delivered.announces_a_return()
    return delivered


def published(depot: Depot) -> list[str]:
    """The names of the events that the last change was written with."""
    outbox = depot.row().outbox
    return [name_of(parse(document).data) for document in outbox.events] if outbox else []


# --- shipping -------------------------------------------------------------------------------------------------------


def test_a_parcel_is_shipped_with_the_carriers_page_and_its_event(to_ship: Depot) -> None:
    answer = to_ship.does("ship", SINGPOST)

    assert (answer.status, answer.body["status"], answer.body["openAs"]) == (202, "SHIPPED", "SHIPPED")
    assert answer.body["parcel"] == {
        **SINGPOST,
        "trackingUrl": "https://www.singpost.com/track-items?trackNums=SP123456789SG",
    }
    assert [(step["what"], step["by"]) for step in answer.body["story"]] == [
        ("OrderConfirmed", None),
        ("Ship", "staff-1"),
    ]
    assert published(to_ship) == ["ShipmentDispatched"]


def test_a_carrier_that_the_shop_does_not_know_may_have_a_page_of_its_own(to_ship: Depot) -> None:
    answer = to_ship.does("ship", {**SINGPOST, "carrier": "Corner Courier", "trackingUrl": "https://courier.example/1"})

    assert answer.body["parcel"]["trackingUrl"] == "https://courier.example/1"


def test_shipping_again_with_another_tracking_number_is_refused_and_names_the_first(shipped: Depot) -> None:
    with shipped.unchanged():
        answer = shipped.does("ship", {**SINGPOST, "trackingNumber": "SP000000000SG"})

    assert (answer.status, answer.problem) == (409, "shipped-otherwise")
    assert answer.body["detail"] == "It was shipped with SingPost, SP123456789SG."


def test_a_cancelled_order_is_not_shipped(to_ship: Depot) -> None:
    to_ship.is_asked_to_cancel()

    with to_ship.unchanged():
        answer = to_ship.does("ship", SINGPOST)

    assert (answer.status, answer.problem) == (409, "order-cancelled")
    assert "Do not ship it." in answer.body["detail"]


def test_an_order_whose_shopper_has_asked_to_cancel_is_not_shipped_although_fulfilment_has_not_heard_of_it(
    to_ship: Depot,
) -> None:
    to_ship.orders_has(ORDER_ID, "CANCELLING")

    with to_ship.unchanged():
        answer = to_ship.does("ship", SINGPOST)

    assert (answer.status, answer.problem) == (409, "cancellation-requested")
    assert answer.body["orderStatus"] == "CANCELLING"


def test_a_cancellation_that_arrives_in_between_is_stronger(to_ship: Depot, wire: Wire) -> None:
    wire.before("PutItem", to_ship.is_asked_to_cancel)

    answer = to_ship.does("ship", SINGPOST)

    assert (answer.status, answer.problem) == (409, "order-cancelled")
    assert published(to_ship) == ["ShipmentCancelled"]


# --- delivering -----------------------------------------------------------------------------------------------------


def test_an_order_by_card_is_delivered_without_cash(shipped: Depot) -> None:
    answer = shipped.does("deliver", {})

    assert (answer.status, answer.body["status"], answer.body["openAs"], answer.body["cash"]) == (
        202,
        "DELIVERED",
        None,
        None,
    )
    assert published(shipped) == ["ShipmentDelivered"]


@pytest.mark.parametrize("amount", [15430, 10000, 0], ids=["all of it", "some", "nothing"])
def test_cash_is_what_the_courier_collected(shipped_cod: Depot, amount: int) -> None:
    answer = shipped_cod.does("deliver", {"cash": {"amount": amount, "currency": "SGD"}})

    assert (answer.status, answer.body["cash"]) == (202, {"amount": amount, "currency": "SGD"})
    assert answer.body["cashDue"] == DUE


@pytest.mark.parametrize(
    "body",
    [{}, {"cash": {"amount": 15431, "currency": "SGD"}}, {"cash": {"amount": 15430, "currency": "USD"}}],
    ids=["without an amount", "too much", "in another currency"],
)
def test_cash_that_does_not_fit_the_order_is_refused(shipped_cod: Depot, body: dict[str, Any]) -> None:
    with shipped_cod.unchanged():
        answer = shipped_cod.does("deliver", body)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["cash"])
    assert "154.30" in answer.body["errors"][0]["message"]


def test_cash_for_an_order_that_was_paid_by_card_is_refused(shipped: Depot) -> None:
    with shipped.unchanged():
        answer = shipped.does("deliver", PAID)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["cash"])


def test_the_same_parcel_with_another_amount_is_refused(shipped_cod: Depot) -> None:
    shipped_cod.does("deliver", PAID)

    with shipped_cod.unchanged():
        answer = shipped_cod.does("deliver", {"cash": {"amount": 0, "currency": "SGD"}})

    assert (answer.status, answer.problem) == (409, "delivered-otherwise")


@pytest.mark.parametrize("action, body", [("deliver", {}), ("came-back", CAME_BACK), ("lost", None)])
def test_what_was_not_shipped_neither_arrives_nor_comes_back_nor_is_lost(
    to_ship: Depot, action: str, body: object
) -> None:
    with to_ship.unchanged():
        answer = to_ship.does(action, body)

    assert (answer.status, answer.problem) == (409, "not-under-way")
    # The problem's own `status` is the HTTP status (RFC 9457).
    assert answer.body["status"] == 409
    assert answer.body["shipmentStatus"] == "TO_SHIP"


# --- a parcel that does not arrive ------------------------------------------------------------------------------------


def test_a_parcel_comes_back_half_broken(shipped: Depot) -> None:
    answer = shipped.does("came-back", CAME_BACK)

    assert (answer.status, answer.body["status"], answer.body["cameBack"]) == (202, "RETURNED", "REFUSED")
    assert answer.body["inspected"] == CAME_BACK["lines"]
    assert published(shipped) == ["ShipmentReturned"]


def test_a_lost_parcel_is_written_off(shipped: Depot) -> None:
    answer = shipped.does("lost")

    assert (answer.status, answer.body["status"], answer.body["cameBack"]) == (202, "RETURNED", "LOST")
    assert answer.body["inspected"] == [found(write_off=2), found(write_off=1, product_id="desk-lamp")]


@pytest.mark.parametrize(
    "lines",
    [
        [found(restock=2)],
        [found(restock=1), found(restock=1, product_id="desk-lamp")],
        [found(2, 1), found(restock=1, product_id="desk-lamp")],
        [found(restock=2), found(restock=1, product_id="desk-lamp"), found(restock=1, product_id="tea-pot")],
    ],
    ids=["a product too few", "a piece too few", "a piece too many", "a product too many"],
)
def test_every_piece_of_a_parcel_that_came_back_is_accounted_for(shipped: Depot, lines: list[dict[str, Any]]) -> None:
    with shipped.unchanged():
        answer = shipped.does("came-back", {**CAME_BACK, "lines": lines})

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["lines"])


def test_a_delivered_parcel_is_not_lost(delivered: Depot) -> None:
    with delivered.unchanged():
        answer = delivered.does("lost")

    assert (answer.status, answer.problem, answer.body["shipmentStatus"]) == (409, "not-under-way", "DELIVERED")


# --- returns --------------------------------------------------------------------------------------------------------


def test_a_return_is_received(expected: Depot) -> None:
    answer = expected.does(RECEIVE, ARRIVED)

    (received,) = answer.body["returns"]
    assert (answer.status, received["status"], received["received"]) == (202, "RECEIVED", ARRIVED["lines"])
    assert answer.body["openAs"] is None
    assert published(expected) == ["ReturnReceived"]


def test_a_return_is_refused_with_the_reason_and_a_note(expected: Depot) -> None:
    answer = expected.does(REFUSE, NOT_OURS)

    (refusal,) = answer.body["returns"]
    assert (answer.status, refusal["status"], refusal["refusal"], refusal["note"]) == (
        202,
        "REFUSED",
        "NOT_OURS",
        "This is another shop's backpack.",
    )
    assert published(expected) == ["ReturnRefused"]


def test_more_than_was_announced_is_not_received(expected: Depot) -> None:
    with expected.unchanged():
        answer = expected.does(RECEIVE, {"lines": [found(restock=2)]})

    assert (answer.status, answer.problem) == (409, "more-than-announced")
    assert (answer.body["productId"], answer.body["most"]) == ("canvas-backpack", 1)


def test_a_product_that_was_not_announced_is_not_received(expected: Depot) -> None:
    with expected.unchanged():
        answer = expected.does(RECEIVE, {"lines": [found(restock=1, product_id="desk-lamp")]})

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["lines.0.productId"])


def test_a_return_of_nothing_is_refused_and_not_received(expected: Depot) -> None:
    with expected.unchanged():
        answer = expected.does(RECEIVE, {"lines": [found()]})

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["lines"])
    assert "Refuse the return" in answer.body["errors"][0]["message"]


def test_what_arrives_although_its_return_was_withdrawn_is_received(expected: Depot) -> None:
    expected.withdraws_the_return()

    answer = expected.does(RECEIVE, ARRIVED)

    assert (answer.status, answer.body["returns"][0]["status"]) == (202, "RECEIVED")


@pytest.mark.parametrize(
    "first, second",
    [((RECEIVE, ARRIVED), (REFUSE, NOT_OURS)), ((REFUSE, NOT_OURS), (RECEIVE, ARRIVED))],
    ids=["received", "refused"],
)
def test_a_return_ends_once(expected: Depot, first: tuple[str, Any], second: tuple[str, Any]) -> None:
    expected.does(*first)

    with expected.unchanged():
        answer = expected.does(*second)

    assert (answer.status, answer.problem) == (409, "return-settled")


@pytest.mark.parametrize("action, body", [("receive", ARRIVED), ("refuse", NOT_OURS)])
def test_a_return_that_nobody_announced_is_not_found(delivered: Depot, action: str, body: Any) -> None:
    with delivered.unchanged():
        answer = delivered.does(f"returns/ret_nobodys/{action}", body)

    assert (answer.status, answer.problem) == (404, "not-found")


# --- again, and in vain -----------------------------------------------------------------------------------------------

STEPS: Mapping[str, tuple[str, str, Any]] = {
    "ship": ("to_ship", "ship", SINGPOST),
    "deliver": ("shipped", "deliver", {}),
    "deliver with cash": ("shipped_cod", "deliver", PAID),
    "come back": ("shipped", "came-back", CAME_BACK),
    "lose": ("shipped", "lost", None),
    "receive": ("expected", RECEIVE, ARRIVED),
    "refuse": ("expected", REFUSE, NOT_OURS),
}
"""What can be done, and where to begin."""

each_step = pytest.mark.parametrize("begin, action, body", STEPS.values(), ids=STEPS)


@each_step
def test_the_same_again_after_a_lost_answer_is_the_same_answer(
    request: pytest.FixtureRequest, begin: str, action: str, body: Any
) -> None:
    depot: Depot = request.getfixturevalue(begin)
    first = depot.does(action, body)

    with depot.unchanged():
        assert depot.does(action, body) == first
    assert first.status == 202


@each_step
@pytest.mark.parametrize(
    "error, times",
    [(refused("ConditionalCheckFailedException"), MAX_RACES), (refused("ThrottlingException"), 1)],
    ids=["always too late", "throttled"],
)
def test_a_shop_that_is_too_busy_says_so_and_has_changed_nothing(
    request: pytest.FixtureRequest, wire: Wire, error: Exception, times: int, begin: str, action: str, body: Any
) -> None:
    depot: Depot = request.getfixturevalue(begin)
    wire.refuses("PutItem", error, times=times, table="ShipmentsTable")

    with depot.unchanged():
        answer = depot.does(action, body)

    assert (answer.status, answer.problem) == (503, "try-again")
    assert depot.does(action, body).status == 202


@pytest.mark.parametrize("action, body", [step[1:] for step in STEPS.values()], ids=STEPS)
def test_an_order_that_has_no_shipment_is_not_found(depot: Depot, action: str, body: Any) -> None:
    with depot.unchanged():
        answer = depot.does(action, body, order_id="ord_nobodys")

    assert (answer.status, answer.problem) == (404, "not-found")


INVALID: list[tuple[str, str, Any, list[str]]] = [
    ("no carrier", "ship", {"trackingNumber": "1"}, ["carrier"]),
    ("a carrier of blanks", "ship", {**SINGPOST, "carrier": " "}, ["carrier"]),
    ("a tracking number in two lines", "ship", {**SINGPOST, "trackingNumber": "1\n2"}, ["trackingNumber"]),
    ("a tracking number too long", "ship", {**SINGPOST, "trackingNumber": "1" * 61}, ["trackingNumber"]),
    ("a page that is a script", "ship", {**SINGPOST, "trackingUrl": "javascript:alert(1)"}, ["trackingUrl"]),
    ("an unknown field", "ship", {**SINGPOST, "weight": 3}, ["weight"]),
    ("cash as a number", "deliver", {"cash": 15430}, ["cash"]),
    ("negative cash", "deliver", {"cash": {"amount": -1, "currency": "SGD"}}, ["cash.amount"]),
    ("cash that is no integer", "deliver", {"cash": {"amount": 154.3, "currency": "SGD"}}, ["cash.amount"]),
    ("cash of no currency", "deliver", {"cash": {"amount": 15430}}, ["cash.currency"]),
    ("no reason", "came-back", {"lines": CAME_BACK["lines"]}, ["reason"]),
    ("lost by a reason", "came-back", {**CAME_BACK, "reason": "LOST"}, ["reason"]),
    ("no lines", "came-back", {**CAME_BACK, "lines": []}, ["lines"]),
    ("a product twice", "came-back", {**CAME_BACK, "lines": [found(1), found(1)]}, ["lines"]),
    ("a negative number", RECEIVE, {"lines": [found(-1)]}, ["lines.0.restock"]),
    ("a number as text", RECEIVE, {"lines": [{"productId": "a", "writeOff": "1"}]}, ["lines.0.writeOff"]),
    ("far too many", RECEIVE, {"lines": [found(1_000_000)]}, ["lines.0.restock"]),
    ("an unknown refusal", REFUSE, {"reason": "BAD_MOOD"}, ["reason"]),
    ("a note too long", REFUSE, {**NOT_OURS, "note": "n" * 501}, ["note"]),
]


@pytest.mark.parametrize("action, body, fields", [case[1:] for case in INVALID], ids=[case[0] for case in INVALID])
def test_invalid_input_is_refused_with_an_entry_for_each_field(
    expected: Depot, action: str, body: Any, fields: list[str]
) -> None:
    with expected.unchanged():
        answer = expected.does(action, body)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", fields)


# --- looking ----------------------------------------------------------------------------------------------------------


def listed(depot: Depot, open_as: str, **query: str) -> Answer:
    return depot.call("GET", "/shipments", query={"open": open_as, **query})


def test_what_waits_is_listed_the_oldest_first_page_by_page(depot: Depot) -> None:
    for number, hour in ((1, 9), (2, 7), (3, 8)):
        depot.confirms(f"ord_{number}", hour=hour)

    first = listed(depot, "TO_SHIP", limit="2")
    second = listed(depot, "TO_SHIP", limit="2", cursor=first.body["nextCursor"])

    assert [each["orderId"] for each in first.body["items"]] == ["ord_2", "ord_3"]
    assert [each["orderId"] for each in second.body["items"]] == ["ord_1"]


def test_a_parcel_is_in_the_list_of_what_is_to_be_done_with_it_and_in_no_other(expected: Depot) -> None:
    expected.confirms("ord_1")
    expected.confirms("ord_2")
    expected.does("ship", SINGPOST, order_id="ord_2")

    lists = {name: listed(expected, name).body["items"] for name in ("TO_SHIP", "SHIPPED", "RETURN")}

    assert {name: [each["orderId"] for each in found] for name, found in lists.items()} == {
        "TO_SHIP": ["ord_1"],
        "SHIPPED": ["ord_2"],
        "RETURN": [ORDER_ID],
    }


def test_a_parcel_that_was_shipped_waits_since_then(shipped: Depot) -> None:
    (listed_one,) = listed(shipped, "SHIPPED").body["items"]

    assert listed_one["openSince"] == listed_one["story"][-1]["at"]


def test_a_parcel_with_nothing_to_do_is_in_no_list(delivered: Depot) -> None:
    assert [listed(delivered, name).body["items"] for name in ("TO_SHIP", "SHIPPED", "RETURN")] == [[], [], []]


@pytest.mark.parametrize(
    "query, field",
    [
        ({}, "open"),
        ({"open": "LOST"}, "open"),
        ({"open": "TO_SHIP", "limit": "0"}, "limit"),
        ({"open": "TO_SHIP", "cursor": "no-cursor"}, "cursor"),
        ({"open": "TO_SHIP", "cursor": encode_cursor({"orderId": 1, "openSince": None})}, "cursor"),
        ({"open": "TO_SHIP", "cursor": encode_cursor({"orderId": "", "openSince": ""})}, "cursor"),
    ],
    ids=["no list", "no such list", "no items", "no cursor", "a cursor of no text", "an empty cursor"],
)
def test_a_list_that_cannot_be_is_refused(to_ship: Depot, query: dict[str, str], field: str) -> None:
    answer = to_ship.call("GET", "/shipments", query=query)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", [field])


def test_one_parcel_is_shown_with_what_comes_back_of_it(expected: Depot) -> None:
    answer = expected.call("GET", f"/shipments/{ORDER_ID}")

    assert (answer.status, answer.body["status"], answer.body["openAs"]) == (200, "DELIVERED", "RETURN")
    assert [each["returnId"] for each in answer.body["returns"]] == [RETURN_ID]


def test_a_parcel_that_is_not_there_is_not_found(depot: Depot) -> None:
    answer = depot.call("GET", "/shipments/ord_nobodys")

    assert (answer.status, answer.problem) == (404, "not-found")


# --- what can be done now ---------------------------------------------------------------------------------------------

ACTIONS: Mapping[str, tuple[str, Any]] = {
    "ship": ("ship", SINGPOST),
    "deliver": ("deliver", {}),
    "came-back": ("came-back", CAME_BACK),
    "lost": ("lost", None),
    "receive": (RECEIVE, ARRIVED),
    "refuse": (REFUSE, NOT_OURS),
}


@pytest.mark.parametrize("begin", ["to_ship", "shipped", "delivered", "expected", "cancelled", "withdrawn", "settled"])
@pytest.mark.parametrize("action, request_", ACTIONS.items(), ids=ACTIONS)
def test_what_is_offered_is_just_what_is_accepted(
    request: pytest.FixtureRequest, begin: str, action: str, request_: tuple[str, Any]
) -> None:
    depot: Depot = request.getfixturevalue(
        {"cancelled": "to_ship", "withdrawn": "expected", "settled": "expected"}.get(begin, begin)
    )
    if begin == "cancelled":
        depot.is_asked_to_cancel()
    if begin == "withdrawn":
        depot.withdraws_the_return()
    if begin == "settled":
        depot.does(RECEIVE, ARRIVED)
    before = depot.row()
    shown = depot.call("GET", f"/shipments/{ORDER_ID}").body
    offered = [*shown["actions"], *(each for return_ in shown["returns"] for each in return_["actions"])]

    answer = depot.does(*request_)

    assert (action in offered) == (answer.status == 202 and depot.row().version > before.version)


# --- who is asking ----------------------------------------------------------------------------------------------------

ROUTES: Mapping[str, tuple[str, str, Any]] = {
    "list": ("GET", "/shipments", None),
    "look": ("GET", f"/shipments/{ORDER_ID}", None),
    **{name: ("POST", f"/orders/{ORDER_ID}/{step[1]}", step[2]) for name, step in STEPS.items()},
}
each_route = pytest.mark.parametrize("method, path, body", ROUTES.values(), ids=ROUTES)


@each_route
@pytest.mark.parametrize("claims", [SHOPPER_CLAIMS, OPERATOR_CLAIMS], ids=["a shopper", "an operator"])
@pytest.mark.parametrize("sent", [True, False], ids=["a good request", "a bad request"])
def test_nobody_but_staff_learns_anything(
    expected: Depot, method: str, path: str, body: Any, claims: Mapping[str, str], sent: bool
) -> None:
    with expected.unchanged():
        answer = expected.call(method, path, body if sent else {"no": "field"}, claims=claims)

    assert (answer.status, answer.problem) == (403, "staff-only")


@each_route
@pytest.mark.parametrize("claims", [None, {}], ids=["nobody", "no claims"])
def test_a_stranger_is_asked_to_sign_in(expected: Depot, method: str, path: str, body: Any, claims: Any) -> None:
    with expected.unchanged():
        answer = expected.call(method, path, body, claims=claims)

    assert (answer.status, answer.problem) == (401, "unauthorized")


def test_what_is_logged_says_which_order_and_nothing_of_the_shopper(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = everything_printed(monkeypatch)

    depot.confirms(cash=True)
    depot.does("ship", SINGPOST)
    depot.does("deliver", PAID)

    lines = printed.getvalue()
    assert ORDER_ID in lines
    assert "shopper@" not in lines
    assert "Main Street" not in lines
