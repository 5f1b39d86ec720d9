"""Stock on DynamoDB: what goes over the wire, and what its refusals mean."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudretail.errors import LostRace, Permanent, Transient
from cloudretail.repository import MAX_TRIES
from inventory.store import MAX_TRANSACTION_ITEMS, OutOfStock, Write, packed
from tests.support.examples import NOW
from tests.support.stock import Counters
from tests.support.wire import Wire, cancelled, refused
from tests.unit.inventory.conftest import Warehouse
from tests.unit.inventory.orders import called_off, confirmed, decided, placed


def items(wire: Wire) -> list[list[dict[str, Any]]]:
    """Of each transaction."""
    return [call["TransactItems"] for call in wire.made("TransactWriteItems")]


def product_updates(transaction: list[dict[str, Any]]) -> list[str]:
    return [item["Update"]["Key"]["productId"]["S"] for item in transaction if "Update" in item]


# --- one write ------------------------------------------------------------------------------------------------------


def test_a_hot_product_is_written_once_however_many_orders_want_it(warehouse: Warehouse, wire: Wire) -> None:
    warehouse.receives(bag=100, lamp=100)
    wire.calls.clear()

    warehouse.stock.commit([decided(placed(f"ord_{n}", bag=2, lamp=1)) for n in range(10)], NOW)

    assert [name for name, _ in wire.calls] == ["TransactWriteItems"]
    ((*transaction,),) = items(wire)
    assert len(transaction) == 12
    assert product_updates(transaction) == ["bag", "lamp"]
    assert warehouse.counters() == {"bag": Counters(80, 20, 0, 100), "lamp": Counters(90, 10, 0, 100)}


def test_reservations_are_read_consistently_and_in_one_call(warehouse: Warehouse, wire: Wire) -> None:
    warehouse.stock.load(["ord_1", "ord_2", "ord_1"])

    (request,) = wire.made("BatchGetItem")
    table = request["RequestItems"]["ReservationsTable"]
    assert table["ConsistentRead"] is True
    assert table["Keys"] == [{"orderId": {"S": "ord_1"}}, {"orderId": {"S": "ord_2"}}]


def test_a_product_that_is_given_back_as_often_as_it_is_taken_is_not_written(warehouse: Warehouse, wire: Wire) -> None:
    warehouse.receives(lamp=1)
    held = warehouse.stock.commit([decided(placed("ord_1", lamp=1))], NOW)["ord_1"]
    wire.calls.clear()

    warehouse.stock.commit([decided(called_off("ord_1", lamp=1), held), decided(placed("ord_2", lamp=1))], NOW)

    ((*transaction,),) = items(wire)
    assert product_updates(transaction) == []


def test_a_row_says_when_its_counters_moved(warehouse: Warehouse) -> None:
    warehouse.receives(bag=1)

    warehouse.stock.commit([decided(placed("ord_1", bag=1))], NOW)

    (row,) = warehouse.rows("InventoryTable")
    assert row["updatedAt"] == NOW.isoformat()


# --- packing --------------------------------------------------------------------------------------------------------


def needed(group: list[Write]) -> int:
    """Items of the transaction that a group is."""
    return len(group) + len({product for write in group for product in write.products})


def test_orders_of_one_product_fill_a_transaction_up_to_its_last_item() -> None:
    writes = [decided(placed(f"ord_{n}", bag=1)) for n in range(250)]

    groups = packed(writes)

    assert [len(group) for group in groups] == [99, 99, 52]
    assert [write for group in groups for write in group] == writes


def test_orders_of_fifty_products_each_are_together_as_long_as_they_want_the_same() -> None:
    fifty = {f"product-{n}": 1 for n in range(50)}
    others = {f"other-{n}": 1 for n in range(50)}

    same = packed([decided(placed(f"ord_{n}", **fifty)) for n in range(51)])
    different = packed([decided(placed("ord_1", **fifty)), decided(placed("ord_2", **others))])

    assert [len(group) for group in same] == [50, 1]
    assert [len(group) for group in different] == [1, 1]


def test_nothing_to_write_is_no_transaction() -> None:
    assert packed([]) == []


BATCHES = st.lists(st.sets(st.integers(0, 120), max_size=50), max_size=120)


@given(BATCHES)
def test_no_group_is_too_large_and_no_order_is_lost_doubled_or_overtaken(orders: list[set[int]]) -> None:
    writes = [
        decided(placed(f"ord_{number}", **{f"product-{n}": 1 for n in products or {0}}))
        for number, products in enumerate(orders)
    ]

    groups = packed(writes)

    assert [write for group in groups for write in group] == writes
    assert all(0 < needed(group) <= MAX_TRANSACTION_ITEMS for group in groups)
    # And none could have been taken into the group before.
    for group, following in pairwise(groups):
        assert needed([*group, following[0]]) > MAX_TRANSACTION_ITEMS


def test_a_group_that_is_as_large_as_can_be_is_taken_by_the_database(warehouse: Warehouse) -> None:
    warehouse.receives(bag=99)
    writes = [decided(placed(f"ord_{n}", bag=1)) for n in range(99)]

    warehouse.stock.commit(writes, NOW)

    assert warehouse.counters()["bag"] == Counters(0, 99, 0, 99)


# --- refusals -------------------------------------------------------------------------------------------------------

FAILED = "ConditionalCheckFailed"
PASSING = {
    "a conflict at the stock": cancelled("None", "TransactionConflict"),
    "a conflict at the reservation": cancelled("TransactionConflict", "None"),
    "a throttle at the stock": cancelled("None", "ThrottlingError"),
    "a throttle by capacity": cancelled("None", "ProvisionedThroughputExceeded"),
    "a throttle of the whole call": refused("ThrottlingException"),
    "a transaction in progress": refused("TransactionInProgressException"),
    "a conflict of the whole call": refused("TransactionConflictException"),
    "a conflict beside a failed condition at the stock": cancelled("TransactionConflict", FAILED),
    "a failed condition at the reservation beside a conflict": cancelled(FAILED, "TransactionConflict"),
    "a failed condition at the reservation beside a throttle": cancelled(FAILED, "ThrottlingError"),
}
"""By what is wrong; the first item is the reservation, the second the stock."""


@pytest.mark.parametrize("passing", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_tried_again_and_is_never_sold_out(
    warehouse: Warehouse, wire: Wire, passing: Exception
) -> None:
    warehouse.receives(bag=1)
    wire.refuses("TransactWriteItems", passing, times=MAX_TRIES - 1)

    warehouse.stock.commit([decided(placed("ord_1", bag=1))], NOW)

    assert warehouse.counters()["bag"] == Counters(0, 1, 0, 1)
    assert len(items(wire)) == MAX_TRIES


@pytest.mark.parametrize("passing", PASSING.values(), ids=PASSING)
def test_what_does_not_pass_is_raised_as_that_and_nothing_is_changed(
    warehouse: Warehouse, wire: Wire, passing: Exception
) -> None:
    warehouse.receives(bag=1)
    wire.refuses("TransactWriteItems", passing, times=MAX_TRIES)

    with warehouse.unchanged(), pytest.raises(Transient):
        warehouse.stock.commit([decided(placed("ord_1", bag=1))], NOW)

    assert len(items(wire)) == MAX_TRIES


def test_between_two_tries_there_is_a_pause_that_grows(
    warehouse: Warehouse, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []
    monkeypatch.setattr("inventory.store.pause_before_retry", pauses.append)
    wire.refuses("TransactWriteItems", cancelled("None", "TransactionConflict"), times=MAX_TRIES)

    with pytest.raises(Transient):
        warehouse.stock.commit([decided(placed("ord_1", bag=1))], NOW)

    assert pauses == list(range(MAX_TRIES))


def test_a_failed_condition_at_the_reservation_is_a_lost_race_even_if_the_stock_is_short_too(
    warehouse: Warehouse, wire: Wire
) -> None:
    wire.refuses("TransactWriteItems", cancelled(FAILED, FAILED))

    with pytest.raises(LostRace):
        warehouse.stock.commit([decided(placed("ord_1", bag=1))], NOW)


def test_what_is_left_is_read_from_the_very_moment_of_the_refusal(warehouse: Warehouse, wire: Wire) -> None:
    warehouse.receives(bag=3)

    with pytest.raises(OutOfStock) as short:
        warehouse.stock.commit([decided(placed("ord_1", bag=5))], NOW)

    assert short.value.available == {"bag": 3}
    assert len(items(wire)) == 1
    assert wire.made("GetItem") == wire.made("BatchGetItem") == []


@pytest.mark.parametrize("code", ["ValidationError", "ItemCollectionSizeLimitExceeded"])
def test_any_other_reason_is_raised_as_it_is(warehouse: Warehouse, wire: Wire, code: str) -> None:
    warehouse.receives(bag=1)
    error = cancelled("None", code)
    wire.refuses("TransactWriteItems", error)

    with warehouse.unchanged(), pytest.raises(type(error)) as raised:
        warehouse.stock.commit([decided(placed("ord_1", bag=1))], NOW)

    assert raised.value is error


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"])
def test_a_call_that_is_refused_for_good_is_not_repeated(warehouse: Warehouse, wire: Wire, code: str) -> None:
    error = refused(code)
    wire.refuses("TransactWriteItems", error)

    with pytest.raises(type(error)) as raised:
        warehouse.stock.commit([decided(placed("ord_1", bag=1))], NOW)

    assert raised.value is error
    assert len(items(wire)) == 1


@pytest.mark.parametrize(
    "counters, event",
    [
        (Counters(10, 0, 0, 10), confirmed("ord_1", bag=1)),
        (Counters(10, 0, 0, 10), called_off("ord_1", bag=1)),
        (Counters(10, 0, 0, 10), called_off("ord_2", bag=1)),
    ],
    ids=["selling what is not held", "giving back what is not held", "restocking what was not sold"],
)
def test_counters_that_do_not_show_what_a_reservation_says_are_a_case_for_a_person(
    warehouse: Warehouse, counters: Counters, event: Any
) -> None:
    warehouse.receives(bag=10)
    rows = warehouse.stock.commit([decided(placed("ord_1", bag=1)), decided(placed("ord_2", bag=1))], NOW)
    rows |= warehouse.stock.commit([decided(confirmed("ord_2", bag=1), rows["ord_2"])], NOW)
    warehouse.counts(bag=counters)

    with warehouse.unchanged(), pytest.raises(Permanent, match="the counters of bag"):
        warehouse.stock.commit([decided(event, rows[event.data.subject])], NOW)


def test_what_is_available_to_the_last_piece_is_not_what_was_short(warehouse: Warehouse) -> None:
    warehouse.receives(bag=10)
    held = warehouse.stock.commit([decided(placed("ord_1", bag=3))], NOW)["ord_1"]
    warehouse.counts(bag=Counters(1, 0, 0, 10))

    with pytest.raises(Permanent):
        warehouse.stock.commit([decided(placed("ord_2", bag=1)), decided(confirmed("ord_1", bag=3), held)], NOW)


def test_a_lost_answer_is_a_lost_race_at_the_next_try_and_counts_once(warehouse: Warehouse, wire: Wire) -> None:
    warehouse.receives(bag=10)
    wire.loses_the_answer("TransactWriteItems", refused("InternalServerError"))

    with pytest.raises(LostRace):
        warehouse.stock.commit([decided(placed("ord_1", bag=1))], NOW)

    assert warehouse.counters()["bag"] == Counters(9, 1, 0, 10)
