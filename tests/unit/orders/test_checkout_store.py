"""Checkout on DynamoDB: the order and the emptied cart are one write, whoever else is at them."""

from datetime import UTC, datetime, timedelta

import pytest

from cloudretail.decider import Change, Context
from cloudretail.errors import Conflict, LostRace, Transient
from cloudretail.repository import MAX_TRIES
from cloudretail.settings import load
from contract import parse
from orders.domain import Cart, Order, Shopper, place
from orders.store import CheckoutSettings, CheckoutStore
from tests.support.checkouts import NOTHING_HELD
from tests.support.examples import CAUSE
from tests.support.rates import FREE
from tests.support.wire import Wire, cancelled, refused
from tests.unit.orders.conftest import Shop, command

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def store(shop: Shop) -> CheckoutStore:
    shop.sells("bag", price=1990, available=10)
    shop.sells("lamp", price=1990, available=1)
    shop.fills_a_cart(("bag", 2), ("lamp", 1), version=3)
    return CheckoutStore(load(CheckoutSettings), "user-1")


def decided(store: CheckoutStore, order_id: str = "ord_1") -> Change[Order]:
    return place(
        command(3, 5970),
        store.basket(store.look(order_id).cart),
        NOTHING_HELD,
        FREE,
        Shopper("user-1", "shopper@cloudretail.example"),
        Context(order_id, CAUSE.id, NOW),
    )


def test_the_cart_the_prices_and_the_stock_are_read_as_the_others_wrote_them(store: CheckoutStore) -> None:
    look = store.look("ord_1")
    order, cart = look.order, look.cart
    basket = store.basket(cart)

    assert order is None
    assert [(line.product_id, line.quantity) for line in cart.items] == [("bag", 2), ("lamp", 1)]
    assert {name: product.price.amount for name, product in basket.products.items()} == {"bag": 1990, "lamp": 1990}
    assert basket.available == {"bag": 10, "lamp": 1}


def test_a_shopper_without_a_cart_has_an_empty_one_and_nothing_is_asked_about_it(shop: Shop, wire: Wire) -> None:
    store = CheckoutStore(load(CheckoutSettings), "user-2")

    look = store.look("ord_1")
    order, cart = look.order, look.cart
    basket = store.basket(cart)

    assert (order, cart) == (None, Cart())
    assert (basket.products, basket.available) == ({}, {})
    assert len(wire.made("BatchGetItem")) == 1


def test_the_order_and_the_cart_are_read_consistently(store: CheckoutStore, wire: Wire) -> None:
    store.look("ord_1")

    (request,) = wire.made("BatchGetItem")
    assert [table["ConsistentRead"] for table in request["RequestItems"].values()] == [True] * 4


def test_placing_puts_the_order_with_its_event_and_empties_the_cart(store: CheckoutStore, shop: Shop) -> None:
    change = decided(store)

    store.place(change, 3, NOTHING_HELD, CAUSE, NOW)

    (row,) = shop.orders()
    assert (row.state, row.version) == (change.state, 1)
    assert row.outbox
    (event,) = [parse(document) for document in row.outbox.events]
    assert (event.id, event.causation_id, event.data) == ("orders:ord_1:1:0", CAUSE.id, change.events[0])
    cart = shop.cart()
    assert (cart["items"], cart["version"], cart["updatedAt"]) == ([], 4, NOW.isoformat())


def test_a_placed_order_is_found_again(store: CheckoutStore) -> None:
    change = decided(store)
    store.place(change, 3, NOTHING_HELD, CAUSE, NOW)

    look = store.look("ord_1")
    assert (look.order, look.cart) == (change.state, Cart(items=(), version=4))


def test_an_order_of_that_id_that_belongs_to_somebody_else_is_not_found(store: CheckoutStore, shop: Shop) -> None:
    store.place(decided(store), 3, NOTHING_HELD, CAUSE, NOW)

    look = CheckoutStore(load(CheckoutSettings), "user-2").look("ord_1")
    assert (look.order, look.cart) == (None, Cart())


def test_a_cart_that_changed_between_the_read_and_the_write_is_not_ordered(store: CheckoutStore, shop: Shop) -> None:
    change = decided(store)
    shop.fills_a_cart(("bag", 9), version=4)

    with shop.unchanged(), pytest.raises(Conflict) as refusal:
        store.place(change, 3, NOTHING_HELD, CAUSE, NOW)

    assert refusal.value.type == "cart-changed"


def test_a_cart_that_vanished_between_the_read_and_the_write_is_not_ordered(store: CheckoutStore, shop: Shop) -> None:
    change = decided(store)
    shop.put("CartTable", {"userId": "user-1", "items": []})

    with shop.unchanged(), pytest.raises(Conflict):
        store.place(change, 3, NOTHING_HELD, CAUSE, NOW)


def test_an_order_that_is_there_already_is_a_lost_race_and_not_a_changed_cart(store: CheckoutStore, shop: Shop) -> None:
    change = decided(store)
    store.place(change, 3, NOTHING_HELD, CAUSE, NOW)

    with shop.unchanged(), pytest.raises(LostRace):
        store.place(change, 3, NOTHING_HELD, CAUSE, NOW + timedelta(seconds=1))


@pytest.mark.parametrize(
    "passing",
    [
        cancelled("TransactionConflict", "None", "None"),
        cancelled("None", "TransactionConflict", "None"),
        cancelled("ThrottlingError", "None", "None"),
        refused("TransactionInProgressException"),
        refused("ProvisionedThroughputExceededException"),
    ],
    ids=["conflict at the order", "conflict at the cart", "throttled in part", "in progress", "throttled"],
)
def test_what_may_pass_is_tried_again(store: CheckoutStore, shop: Shop, wire: Wire, passing: Exception) -> None:
    change = decided(store)
    wire.refuses("TransactWriteItems", passing, times=MAX_TRIES - 1)

    store.place(change, 3, NOTHING_HELD, CAUSE, NOW)

    assert [row.state for row in shop.orders()] == [change.state]
    assert len(wire.made("TransactWriteItems")) == MAX_TRIES


def test_a_conflict_that_does_not_pass_is_given_up_and_nothing_is_changed(
    store: CheckoutStore, shop: Shop, wire: Wire
) -> None:
    change = decided(store)
    wire.refuses("TransactWriteItems", cancelled("TransactionConflict", "None", "None"), times=MAX_TRIES)

    with shop.unchanged(), pytest.raises(Transient):
        store.place(change, 3, NOTHING_HELD, CAUSE, NOW)


def test_a_conflict_hides_whether_the_cart_is_really_another(store: CheckoutStore, shop: Shop, wire: Wire) -> None:
    """An order that was placed a moment ago is being confirmed, and its cart is empty by now: the order is there."""
    change = decided(store)
    store.place(change, 3, NOTHING_HELD, CAUSE, NOW)
    wire.refuses("TransactWriteItems", cancelled("TransactionConflict", "ConditionalCheckFailed", "None"))

    with pytest.raises(LostRace):
        store.place(change, 3, NOTHING_HELD, CAUSE, NOW)


def test_what_will_not_pass_is_not_tried_again(store: CheckoutStore, shop: Shop, wire: Wire) -> None:
    change = decided(store)
    error = cancelled("ValidationError", "None", "None")
    wire.refuses("TransactWriteItems", error, times=2)

    with shop.unchanged(), pytest.raises(type(error)) as raised:
        store.place(change, 3, NOTHING_HELD, CAUSE, NOW)

    assert raised.value is error
    assert len(wire.made("TransactWriteItems")) == 1


def test_an_answer_that_was_lost_is_found_by_the_next_request(store: CheckoutStore, shop: Shop, wire: Wire) -> None:
    change = decided(store)
    wire.loses_the_answer("TransactWriteItems", refused("InternalServerError"))

    with pytest.raises(LostRace):
        store.place(change, 3, NOTHING_HELD, CAUSE, NOW)

    assert store.look("ord_1").order == change.state


@pytest.mark.parametrize("table", ["OrdersTable", "CartTable"])
def test_either_row_alone_is_never_written(store: CheckoutStore, shop: Shop, table: str) -> None:
    change = decided(store)
    if table == "CartTable":
        shop.put("OrdersTable", {"orderId": "ord_1", "userId": "somebody", "createdAt": "2026-01-01T00:00:00Z"})
    else:
        shop.fills_a_cart(("bag", 1), version=5)

    with shop.unchanged(), pytest.raises((LostRace, Conflict)):
        store.place(change, 3, NOTHING_HELD, CAUSE, NOW)
