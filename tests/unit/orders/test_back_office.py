"""The back office's orders: everybody's, found by what a mail or a caller says; and whom they are for."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloudretail import aws, dynamodb
from cloudretail.outbox import Row
from contract.values import OrderStatus, order_number
from orders import api
from orders.search import sought
from orders.store import ORDERS
from tests.support.examples import NOW
from tests.support.http import Answer, call
from tests.support.invocations import STAFF_CLAIMS
from tests.support.wire import Wire
from tests.unit.orders.conftest import Shop
from tests.unit.orders.test_api import CONFIRMED, OTHER_CLAIMS, SORRY, called_off, happened
from tests.unit.orders.test_rules import order


def ask(path: str = "", **query: str) -> Answer:
    return call(api.handler, "GET", f"/api/admin/orders{path}", claims=STAFF_CLAIMS, query=query)


def customer(**query: str) -> Answer:
    return call(api.handler, "GET", "/api/admin/customers", claims=STAFF_CLAIMS, query=query)


def stored(order_id: str, placed_at: datetime, **changes: Any) -> str:
    """Have an order in the table, as orders has written it; returns its id."""
    state = order("PENDING", order_id=order_id, created_at=placed_at, **changes)
    aws.dynamodb().put_item(TableName="OrdersTable", Item=dynamodb.to_item(ORDERS.to_item(Row(state, 1))))
    return order_id


@pytest.fixture
def three(shop: Shop) -> list[str]:
    """Three orders of two shoppers and two years, the newest first."""
    return [
        stored("ord_cccccccccccccccccccc", NOW),
        stored("ord_aaaaaaaaaaaaaaaaaaaa", NOW - timedelta(hours=1), user_email="other@cloudretail.example"),
        stored("ord_bbbbbbbbbbbbbbbbbbbb", NOW - timedelta(days=400), status=OrderStatus.CANCELLED),
    ]


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [each["orderId"] for each in answer.body["items"]]


def pages(**query: str) -> Iterator[list[str]]:
    cursor: dict[str, str] = {}
    while True:
        answer = ask(**query, **cursor)
        yield ids(answer)
        if answer.body["nextCursor"] is None:
            return
        cursor = {"cursor": answer.body["nextCursor"]}


def test_everybodys_orders_are_listed_the_newest_first_page_by_page(three: list[str]) -> None:
    assert ids(ask()) == three
    assert [each for page in pages(limit="1") for each in page] == three


def test_a_line_of_the_list_says_what_staff_look_for(shop: Shop) -> None:
    order_id = shop.has_an_order()
    happened(order_id, *CONFIRMED)

    (line,) = ask().body["items"]

    placed_at = line.pop("placedAt")
    assert datetime.fromisoformat(placed_at) == shop.orders()[0].state.created_at
    assert line == {
        "orderId": order_id,
        "number": order_number(order_id),
        "status": "CONFIRMED",
        "email": "shopper@cloudretail.example",
        "name": "A Shopper",
        "country": "SG",
        "pieces": 2,
        "total": {"amount": 3980, "currency": "SGD"},
        "paymentMethod": "CARD",
        "disputed": False,
    }


def test_orders_are_found_by_their_state(three: list[str]) -> None:
    assert ids(ask(status="PENDING")) == three[:2]
    assert ids(ask(status="CANCELLED")) == three[2:]
    assert ids(ask(status="SHIPPED")) == []


def test_an_order_that_moves_on_while_it_is_listed_is_in_no_list_that_it_has_left(shop: Shop, wire: Wire) -> None:
    order_id = shop.has_an_order()
    wire.before("BatchGetItem", lambda: happened(order_id, "InventoryReserved"))

    assert ids(ask(status="PENDING")) == []


@pytest.mark.parametrize(
    "typed",
    ["AAAAAAAAAA", "aaaaaaaaaa", " aaaaa aaaaa\t", "ord_aaaaaaaaaaaaaaaaaaaa", " ORD_AAAAAAAAAAAAAAAAAAAA "],
)
def test_an_order_is_found_by_its_number_or_id_in_any_case_and_with_any_blanks(three: list[str], typed: str) -> None:
    assert ids(ask(q=typed)) == ["ord_aaaaaaaaaaaaaaaaaaaa"]


@pytest.mark.parametrize("typed", ["other@cloudretail.example", " Other@CloudRetail.example "])
def test_an_order_is_found_by_the_address_of_its_shopper(three: list[str], typed: str) -> None:
    assert ids(ask(q=typed)) == ["ord_aaaaaaaaaaaaaaaaaaaa"]


def test_what_is_found_can_be_narrowed_to_a_state(three: list[str]) -> None:
    address = "shopper@cloudretail.example"
    assert ids(ask(q=address)) == [three[0], three[2]]
    assert ids(ask(q=address, status="CANCELLED")) == [three[2]]
    assert ids(ask(q="aaaaaaaaaa", status="CANCELLED")) == []


def test_blanks_look_for_nothing_in_particular(three: list[str]) -> None:
    assert ids(ask(q="  ")) == three


@pytest.mark.parametrize("typed", ["backpack", "AAAAAAAAA", "AAAAAAAAAAA", "ord_", "ord-aaaaaaaaaa", "#AAAAAAAAAA"])
def test_what_is_neither_number_nor_id_nor_address_is_refused_with_what_can_be_looked_for(
    three: list[str], typed: str
) -> None:
    answer = ask(q=typed)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["q"])
    assert "number of ten characters" in answer.body["detail"]


def test_a_number_that_no_order_has_finds_nothing(three: list[str]) -> None:
    assert ids(ask(q="zzzzzzzzzz")) == []
    assert ids(ask(q="ord_zzzzzzzzzzzzzzzzzzzz")) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "LOST"}, "status"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_list_that_cannot_be_is_refused(shop: Shop, query: dict[str, str], field: str) -> None:
    answer = ask(**query)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", [field])


def test_no_list_reads_a_whole_table(three: list[str], wire: Wire) -> None:
    for query in ({}, {"status": "PENDING"}, {"q": "aaaaaaaaaa"}, {"q": "other@cloudretail.example"}):
        ask(**query)

    assert not wire.made("Scan")


def test_an_order_is_shown_with_its_story_and_who_did_what(shop: Shop) -> None:
    order_id = shop.has_an_order()
    called_off(order_id)

    shown = ask(f"/{order_id}").body

    assert [(step["event"], step["by"]) for step in shown["story"]] == [
        ("OrderPlaced", None),
        ("CancelledByShop", "staff-1"),
    ]
    assert (shown["story"][1]["note"], shown["shippingAddress"]["name"]) == (SORRY["note"], "A Shopper")
    assert shown["total"] == {"amount": 3980, "currency": "SGD"}


def test_a_shopper_does_not_learn_who_of_the_staff_did_it(shop: Shop) -> None:
    order_id = shop.has_an_order()
    called_off(order_id)

    answer = shop.call("GET", f"/{order_id}")

    assert answer.body["story"][1]["note"] == SORRY["note"]
    assert "staff-1" not in str(answer.body)


@pytest.mark.parametrize("status", list(OrderStatus))
def test_staff_are_offered_to_call_off_just_what_can_be_called_off(shop: Shop, status: OrderStatus) -> None:
    order_id = order(status).order_id
    item = ORDERS.to_item(Row(order(status), 1))
    aws.dynamodb().put_item(TableName="OrdersTable", Item=dynamodb.to_item(item))

    offered = ask(f"/{order_id}").body["actions"]
    with_it_done = called_off(order_id)

    # What is called off already is what was asked for, and is not offered again.
    ended = status in (OrderStatus.CANCELLED, OrderStatus.CANCELLING)
    assert (offered == ["cancel"]) == (with_it_done.status == 202 and not ended)


def test_an_order_that_is_not_there_is_not_found(shop: Shop) -> None:
    answer = ask("/ord_nobodys")

    assert (answer.status, answer.problem) == (404, "not-found")


def test_a_customer_is_who_ordered_with_an_address(shop: Shop) -> None:
    mine = shop.has_an_order("key-1")
    others = shop.has_an_order("key-1", claims=OTHER_CLAIMS)

    found = customer(email=" Other@CloudRetail.example").body

    assert (found["email"], found["name"]) == ("other@cloudretail.example", "A Shopper")
    assert [each["orderId"] for each in found["orders"]] == [others]
    assert mine not in str(found)


def test_the_orders_of_a_customer_come_page_by_page(shop: Shop) -> None:
    orders = [stored(f"ord_{letter * 20}", NOW - timedelta(days=day)) for day, letter in enumerate("abc")]
    first = customer(email="shopper@cloudretail.example", limit="2").body
    second = customer(email="shopper@cloudretail.example", limit="2", cursor=first["nextCursor"]).body

    assert [each["orderId"] for each in (*first["orders"], *second["orders"])] == orders


def test_an_address_that_nobody_has_ordered_with_is_an_empty_answer(shop: Shop) -> None:
    answer = customer(email="nobody@cloudretail.example")

    assert (answer.status, answer.body) == (
        200,
        {"email": "nobody@cloudretail.example", "name": None, "orders": [], "nextCursor": None},
    )


@pytest.mark.parametrize("query", [{}, {"email": "shopper"}, {"email": "@" * 255}], ids=["none", "no address", "long"])
def test_what_is_no_address_is_no_customer(shop: Shop, query: dict[str, str]) -> None:
    answer = customer(**query)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["email"])


def test_the_number_that_is_looked_for_is_the_number_that_the_mail_says() -> None:
    order_id = "ord_3f5xk2m7qa2b4c6dabcd"

    assert sought(order_number(order_id)) == (
        "number",
        ORDERS.to_item(Row(order("PENDING", order_id=order_id), 1))["number"],
    )
