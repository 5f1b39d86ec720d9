"""A batch of orders at the warehouse: settled together, and each with an answer of its own."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudretail.envelope import Event
from cloudretail.errors import Contention, Permanent, Transient
from cloudretail.outbox import Row
from cloudretail.repository import MAX_RACES, MAX_TRIES
from contract import parse
from contract.inventory import InventoryReservationFailed
from contract.values import RefusalReason, Shortage
from inventory.domain import Reservation
from inventory.reactions import Batch
from inventory.store import RESERVATIONS, StockRepository
from tests.support.examples import NOW
from tests.support.stock import Counters, InMemoryStockRepository
from tests.support.wire import Wire, cancelled, refused
from tests.unit.inventory.conftest import WINDOW, Warehouse
from tests.unit.inventory.orders import called_off, confirmed, decided, delivered, expired, placed


def settle(stock: StockRepository, *events: Event) -> list[type[Exception] | None]:
    """React to one batch; for each event why it failed, if it did."""
    outcomes = Batch(stock, WINDOW, NOW).settle(delivered(*events))
    return [type(outcome) if isinstance(outcome, Exception) else None for outcome in outcomes]


def refusals(reservations: Mapping[str, Row[Reservation]]) -> dict[str, tuple[Shortage, ...]]:
    """What was short, by the orders that were refused_orders that it is sold out."""
    refused_orders = {}
    for order_id, row in reservations.items():
        event = parse(row.outbox.events[0]).data if row.outbox else None
        if isinstance(event, InventoryReservationFailed) and event.reason is RefusalReason.SOLD_OUT:
            refused_orders[order_id] = event.shortages
    return refused_orders


# --- together -------------------------------------------------------------------------------------------------------


def test_a_batch_is_one_read_and_one_write(warehouse: Warehouse, wire: Wire) -> None:
    warehouse.receives(bag=100)
    held = warehouse.stock.commit([decided(placed(f"old_{n}", bag=1)) for n in range(2)], NOW)
    wire.calls.clear()

    outcomes = settle(
        warehouse.stock,
        *(placed(f"ord_{n}", bag=2) for n in range(6)),
        confirmed("old_0", bag=1),
        called_off("old_1", bag=1),
        called_off("unheard", bag=5),
        expired("late", bag=5),
    )

    assert outcomes == [None] * 10
    assert [name for name, _ in wire.calls] == ["BatchGetItem", "TransactWriteItems"]
    (call,) = wire.made("TransactWriteItems")
    assert len([item for item in call["TransactItems"] if "Update" in item]) == 1
    assert warehouse.counters()["bag"] == Counters(87, 12, 1, 100)
    assert warehouse.statuses() == {f"ord_{n}": "HELD" for n in range(6)} | {
        "old_0": "COMMITTED",
        "old_1": "RELEASED",
        "unheard": "RELEASED",
        "late": "REFUSED",
    }
    assert held.keys() <= warehouse.statuses().keys()


def test_a_batch_that_changes_nothing_writes_nothing(warehouse: Warehouse, wire: Wire) -> None:
    outcomes = settle(warehouse.stock, confirmed("ord_1", bag=1), confirmed("ord_2", bag=1))

    assert outcomes == [None, None]
    assert [name for name, _ in wire.calls] == ["BatchGetItem"]


def test_an_empty_batch_asks_nobody(warehouse: Warehouse, wire: Wire) -> None:
    assert settle(warehouse.stock) == []
    assert wire.calls == []


# --- the same order more than once ----------------------------------------------------------------------------------


def test_a_duplicate_in_the_same_batch_reserves_nothing_more(warehouse: Warehouse) -> None:
    warehouse.receives(bag=10)

    assert settle(warehouse.stock, placed("ord_1", bag=2), placed("ord_1", bag=2), placed("ord_1", bag=2)) == [None] * 3

    assert warehouse.counters()["bag"] == Counters(8, 2, 0, 10)
    assert warehouse.reservations()["ord_1"].version == 1


@pytest.mark.parametrize(
    "story, status, left",
    [
        ("placed, called off", "RELEASED", Counters(10, 0, 0, 10)),
        ("called off, placed", "RELEASED", Counters(10, 0, 0, 10)),
        ("placed, confirmed", "COMMITTED", Counters(8, 0, 2, 10)),
        ("confirmed, placed", "HELD", Counters(8, 2, 0, 10)),
        ("placed, confirmed, called off", "RELEASED", Counters(10, 0, 0, 10)),
        ("placed, placed, called off, placed", "RELEASED", Counters(10, 0, 0, 10)),
        ("called off, called off, placed, confirmed", "RELEASED", Counters(10, 0, 0, 10)),
    ],
)
def test_an_orders_messages_in_one_batch_are_taken_in_their_sequence(
    warehouse: Warehouse, story: str, status: str, left: Counters
) -> None:
    warehouse.receives(bag=10)
    tell: dict[str, Callable[..., Event]] = {"placed": placed, "confirmed": confirmed, "called off": called_off}
    messages = [tell[name]("ord_1", bag=2) for name in story.split(", ")]

    assert settle(warehouse.stock, *messages) == [None] * len(messages)

    assert warehouse.statuses() == {"ord_1": status}
    assert warehouse.counters()["bag"] == left


def test_orders_side_by_side_are_settled_round_by_round(warehouse: Warehouse, wire: Wire) -> None:
    warehouse.receives(bag=10)
    wire.calls.clear()

    settle(
        warehouse.stock,
        placed("ord_1", bag=1),
        placed("ord_2", bag=1),
        called_off("ord_1", bag=1),
        confirmed("ord_2", bag=1),
        placed("ord_3", bag=1),
    )

    # The first round begins reservations, which are not read before.
    assert [name for name, _ in wire.calls] == ["TransactWriteItems", "BatchGetItem", "TransactWriteItems"]
    assert warehouse.statuses() == {"ord_1": "RELEASED", "ord_2": "COMMITTED", "ord_3": "HELD"}
    assert warehouse.counters()["bag"] == Counters(8, 1, 1, 10)


# --- sold out -------------------------------------------------------------------------------------------------------


def test_when_there_is_not_enough_for_all_who_came_first_is_served_first(warehouse: Warehouse) -> None:
    warehouse.receives(bag=5)

    outcomes = settle(warehouse.stock, *(placed(f"ord_{n}", bag=2) for n in range(4)))

    assert outcomes == [None] * 4
    assert warehouse.statuses() == {"ord_0": "HELD", "ord_1": "HELD", "ord_2": "REFUSED", "ord_3": "REFUSED"}
    assert warehouse.counters()["bag"] == Counters(1, 4, 0, 5)
    short = Shortage(product_id="bag", requested=2, available=1)
    assert refusals(warehouse.reservations()) == {"ord_2": (short,), "ord_3": (short,)}


def test_who_wants_less_may_still_get_it_after_one_who_wanted_too_much(warehouse: Warehouse) -> None:
    warehouse.receives(bag=3)

    settle(warehouse.stock, placed("ord_1", bag=4), placed("ord_2", bag=3), placed("ord_3", bag=1))

    assert warehouse.statuses() == {"ord_1": "REFUSED", "ord_2": "HELD", "ord_3": "REFUSED"}
    assert refusals(warehouse.reservations()) == {
        "ord_1": (Shortage(product_id="bag", requested=4, available=3),),
        "ord_3": (Shortage(product_id="bag", requested=1, available=0),),
    }


def test_an_order_that_is_short_of_one_product_takes_none_of_the_others(warehouse: Warehouse) -> None:
    warehouse.receives(bag=10, lamp=1)

    settle(warehouse.stock, placed("ord_1", bag=3, lamp=2), placed("ord_2", bag=1, lamp=1))

    assert warehouse.statuses() == {"ord_1": "REFUSED", "ord_2": "HELD"}
    assert warehouse.counters() == {"bag": Counters(9, 1, 0, 10), "lamp": Counters(0, 1, 0, 1)}


def test_who_is_in_the_batch_for_something_else_is_not_harmed_by_a_shortage(warehouse: Warehouse) -> None:
    warehouse.receives(bag=10, lamp=1)
    settle(warehouse.stock, placed("old", bag=2))

    outcomes = settle(
        warehouse.stock,
        placed("short", lamp=2),
        confirmed("old", bag=2),
        called_off("unheard", bag=1),
        expired("late", bag=1),
        placed("fine", bag=1),
    )

    assert outcomes == [None] * 5
    assert warehouse.statuses() == {
        "short": "REFUSED",
        "old": "COMMITTED",
        "unheard": "RELEASED",
        "late": "REFUSED",
        "fine": "HELD",
    }


def test_a_product_that_was_never_received_is_sold_out_and_no_failure(warehouse: Warehouse) -> None:
    assert settle(warehouse.stock, placed("ord_1", unheard=1)) == [None]

    assert refusals(warehouse.reservations()) == {
        "ord_1": (Shortage(product_id="unheard", requested=1, available=0),),
    }


def test_a_refusal_stands_when_goods_have_come_in_since(warehouse: Warehouse) -> None:
    settle(warehouse.stock, placed("ord_1", bag=1))
    warehouse.receives(bag=10)

    with warehouse.unchanged():
        assert settle(warehouse.stock, placed("ord_1", bag=1)) == [None]


# --- in the way -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "passing",
    [
        cancelled("None", "None", "TransactionConflict"),
        cancelled("TransactionConflict", "None", "ConditionalCheckFailed"),
        refused("ThrottlingException"),
    ],
    ids=["a conflict", "a conflict beside a failed condition", "a throttle"],
)
def test_somebody_in_the_way_refuses_nobody(warehouse: Warehouse, wire: Wire, passing: Exception) -> None:
    warehouse.receives(bag=2)
    wire.refuses("TransactWriteItems", passing, times=2)

    assert settle(warehouse.stock, placed("ord_1", bag=1), placed("ord_2", bag=1)) == [None, None]

    assert warehouse.statuses() == {"ord_1": "HELD", "ord_2": "HELD"}


def test_somebody_who_stays_in_the_way_fails_the_batch_and_changes_nothing(warehouse: Warehouse, wire: Wire) -> None:
    warehouse.receives(bag=2)
    wire.refuses("TransactWriteItems", cancelled("None", "None", "TransactionConflict"), times=MAX_TRIES)

    with warehouse.unchanged():
        outcomes = settle(warehouse.stock, placed("ord_1", bag=1), confirmed("unheard", bag=1), placed("ord_2", bag=1))

    assert outcomes == [Transient, None, Transient]


def test_a_read_that_fails_fails_the_batch(warehouse: Warehouse, wire: Wire) -> None:
    error = refused("ProvisionedThroughputExceededException")
    wire.refuses("BatchGetItem", error)

    assert settle(warehouse.stock, confirmed("ord_1", bag=1), placed("ord_2", bag=1)) == [type(error)] * 2


def test_a_lost_race_is_decided_again_on_the_row_as_it_is_then(warehouse: Warehouse, wire: Wire) -> None:
    """Another worker has the same order's cancellation, and is faster."""
    warehouse.receives(bag=10)
    elsewhere = warehouse.stock
    wire.before("TransactWriteItems", lambda: settle(elsewhere, called_off("ord_1", bag=1)))

    outcomes = settle(warehouse.stock, placed("ord_1", bag=1), placed("ord_2", bag=1))

    assert outcomes == [None, None]
    assert warehouse.statuses() == {"ord_1": "RELEASED", "ord_2": "HELD"}
    assert warehouse.counters()["bag"] == Counters(9, 1, 0, 10)


def test_a_race_that_is_lost_again_and_again_is_given_back(warehouse: Warehouse, wire: Wire) -> None:
    wire.refuses("TransactWriteItems", cancelled("ConditionalCheckFailed", "None"), times=MAX_RACES)

    with warehouse.unchanged():
        assert settle(warehouse.stock, placed("ord_1", bag=1)) == [Contention]


def test_a_race_that_is_lost_after_the_shortage_is_decided_again(warehouse: Warehouse, wire: Wire) -> None:
    """Sold out a moment ago; before the refusal is written, another worker cancels the order."""
    warehouse.receives(bag=0)
    elsewhere = warehouse.stock
    calls = 0

    def another_worker() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            settle(elsewhere, called_off("ord_1", bag=1))

    wire.before("TransactWriteItems", another_worker, times=2)

    assert settle(warehouse.stock, placed("ord_1", bag=1)) == [None]

    assert warehouse.statuses() == {"ord_1": "RELEASED"}


def test_one_order_that_can_never_be_settled_takes_no_other_with_it(warehouse: Warehouse) -> None:
    """Somebody has been at the lamp's counters by hand."""
    warehouse.receives(bag=10, lamp=10)
    settle(warehouse.stock, placed("ord_1", lamp=5))
    warehouse.counts(lamp=Counters(10, 0, 0, 10))

    outcomes = settle(
        warehouse.stock, placed("ord_2", bag=1), confirmed("ord_1", lamp=5), placed("ord_3", bag=1, lamp=1)
    )

    assert outcomes == [None, Permanent, None]
    assert warehouse.statuses() == {"ord_1": "HELD", "ord_2": "HELD", "ord_3": "HELD"}


def test_what_failed_in_one_round_does_not_stop_the_next(warehouse: Warehouse, wire: Wire) -> None:
    """The cancellation goes through although the order could not be written: its tombstone keeps the order out."""
    warehouse.receives(bag=10)
    wire.refuses("TransactWriteItems", refused("AccessDeniedException"))

    first, second = settle(warehouse.stock, placed("ord_1", bag=1), called_off("ord_1", bag=1))
    assert (first is not None, second) == (True, None)

    assert settle(warehouse.stock, placed("ord_1", bag=1)) == [None]
    assert warehouse.statuses() == {"ord_1": "RELEASED"}
    assert warehouse.counters()["bag"] == Counters(10, 0, 0, 10)


def test_more_orders_than_fit_into_one_transaction_are_several(warehouse: Warehouse, wire: Wire) -> None:
    warehouse.receives(**{f"p{n}": 10 for n in range(120)})
    wire.calls.clear()
    orders = [placed(f"ord_{n}", **{f"p{12 * n + line}": 1 for line in range(12)}) for n in range(10)]

    assert settle(warehouse.stock, *orders) == [None] * 10

    assert [len(call["TransactItems"]) for call in wire.made("TransactWriteItems")] == [7 * 13, 3 * 13]


def test_a_shortage_in_one_transaction_leaves_the_other_as_it_is(warehouse: Warehouse, wire: Wire) -> None:
    warehouse.receives(**{f"p{n}": 10 for n in range(119)})
    orders = [placed(f"ord_{n}", **{f"p{12 * n + line}": 1 for line in range(12)}) for n in range(10)]

    assert settle(warehouse.stock, *orders) == [None] * 10

    assert warehouse.statuses() == {f"ord_{n}": "HELD" for n in range(9)} | {"ord_9": "REFUSED"}


# --- whatever comes -------------------------------------------------------------------------------------------------

MESSAGE = st.tuples(st.sampled_from([placed, confirmed, called_off, expired]), st.integers(0, 4))


@given(st.lists(st.lists(MESSAGE, max_size=10), max_size=6), st.integers(0, 6))
def test_however_messages_are_batched_nothing_is_oversold_and_nothing_lost(
    batches: list[list[tuple[Callable[..., Event], int]]], received: int
) -> None:
    stock = InMemoryStockRepository({"bag": received, "lamp": 2})

    for batch in batches:
        events = [tell(f"ord_{n}", bag=1 + n % 2, **({"lamp": 1} if n == 3 else {})) for tell, n in batch]
        assert settle(stock, *events) == [None] * len(events)

    rows = {order_id: RESERVATIONS.from_item(item) for order_id, item in stock.items.items()}
    assert all(counters.conserved and not counters.negative for counters in stock.counters.values())
    for status, counted in (("HELD", "reserved"), ("COMMITTED", "sold")):
        lines = [line for row in rows.values() if row.state.status == status for line in row.state.lines]
        for product, counters in stock.counters.items():
            assert getattr(counters, counted) == sum(line.quantity for line in lines if line.product_id == product)
