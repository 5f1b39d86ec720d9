"""The inventory queue's handler in process: batches of events as their producers send them."""

from datetime import UTC, datetime, timedelta

import pytest

from cloudretail.event import EventData
from cloudretail.repository import MAX_TRIES
from contract import parse
from contract.inventory import InventoryReserved
from inventory.reactions import handler
from tests.support.examples import EXAMPLES, event_of, name_of
from tests.support.queue import Queue
from tests.support.stock import Counters
from tests.support.wire import Wire, cancelled, everything_printed, refused
from tests.unit.inventory.conftest import Warehouse
from tests.unit.inventory.orders import called_off, confirmed, expired, placed


@pytest.fixture
def queue(wire: Wire) -> Queue:
    return Queue(handler, wire)


def test_a_batch_is_settled_and_acknowledged(warehouse: Warehouse, queue: Queue) -> None:
    warehouse.receives(bag=10)

    assert queue.deliver(placed("ord_1", bag=1), placed("ord_2", bag=20), called_off("ord_3", bag=1)) == []

    assert warehouse.statuses() == {"ord_1": "HELD", "ord_2": "REFUSED", "ord_3": "RELEASED"}
    assert warehouse.counters()["bag"] == Counters(9, 1, 0, 10)


def test_a_reservation_is_promised_for_as_long_as_the_environment_says_and_names_its_cause(
    warehouse: Warehouse, queue: Queue
) -> None:
    warehouse.receives(bag=1)
    before = datetime.now(UTC)

    queue.deliver(placed("ord_1", bag=1))

    row = warehouse.reservations()["ord_1"]
    assert row.outbox
    event = parse(row.outbox.events[0])
    assert (event.id, event.causation_id) == ("inventory:ord_1:1:0", "orders:ord_1:1:0")
    assert isinstance(event.data, InventoryReserved)
    assert before <= event.data.until - timedelta(minutes=15) <= datetime.now(UTC)


def test_a_second_delivery_of_the_same_batch_changes_nothing(warehouse: Warehouse, queue: Queue) -> None:
    warehouse.receives(bag=2)
    batch = [placed("ord_1", bag=1), placed("ord_2", bag=2), expired("ord_3", bag=1), called_off("ord_4", bag=1)]
    queue.deliver(*batch)

    with warehouse.unchanged():
        assert queue.deliver(*batch, attempt=2) == []
        assert queue.deliver(*reversed(batch), attempt=3) == []


def test_a_replay_of_last_week_changes_nothing(warehouse: Warehouse, queue: Queue) -> None:
    warehouse.receives(bag=10)
    story = [placed("ord_1", bag=1), confirmed("ord_1", bag=1), called_off("ord_1", bag=1)]
    queue.deliver(*story)

    with warehouse.unchanged():
        for event in story:
            assert queue.deliver(event) == []


def test_what_is_no_event_fails_alone_and_the_rest_is_settled(warehouse: Warehouse, queue: Queue) -> None:
    warehouse.receives(bag=10)

    failed = queue.deliver("hello", placed("ord_1", bag=1), "{}", placed("ord_2", bag=1))

    assert failed == ["message-0", "message-2"]
    assert queue.given_up == ["hello", "{}"]
    assert warehouse.statuses() == {"ord_1": "HELD", "ord_2": "HELD"}
    assert {
        (row["consumer"], row["eventId"], row["cause"]["exception"]) for row in warehouse.rows("FailuresTable")
    } == {
        ("inventory", "message-0", "InvalidEvent"),
        ("inventory", "message-2", "InvalidEvent"),
    }


@pytest.mark.parametrize("data", EXAMPLES, ids=name_of)
def test_the_queue_takes_what_the_choreography_sends_it_and_nothing_else(
    warehouse: Warehouse, queue: Queue, data: EventData
) -> None:
    failed = queue.deliver(event_of(data))

    taken = name_of(data) in {"OrderPlaced", "OrderConfirmed", "OrderCancelled", "ReturnAccepted"}
    assert failed == ([] if taken else ["message-0"])


def test_a_conflict_that_does_not_pass_comes_again_and_is_not_sold_out(
    warehouse: Warehouse, queue: Queue, wire: Wire
) -> None:
    warehouse.receives(bag=10)
    wire.refuses("TransactWriteItems", cancelled("None", "None", "TransactionConflict"), times=MAX_TRIES)
    batch = [placed("ord_1", bag=1), confirmed("unheard", bag=1), placed("ord_2", bag=1)]

    assert queue.deliver(*batch, attempt=2) == ["message-0", "message-2"]

    assert queue.delays == {"receipt-0": 2, "receipt-2": 2}
    assert warehouse.statuses() == {}
    assert {(row["eventId"], row["cause"]["exception"], row["orderId"]) for row in warehouse.rows("FailuresTable")} == {
        ("orders:ord_1:1:0", "Transient", "ord_1"),
        ("orders:ord_2:1:0", "Transient", "ord_2"),
    }
    assert queue.deliver(*batch, attempt=3) == []
    assert warehouse.statuses() == {"ord_1": "HELD", "ord_2": "HELD"}


def test_a_broken_invariant_names_the_product_and_goes_to_the_dead_letter_queue_at_once(
    warehouse: Warehouse, queue: Queue
) -> None:
    warehouse.receives(bag=10)
    queue.deliver(placed("ord_1", bag=4))
    warehouse.counts(bag=Counters(10, 0, 0, 10))

    assert queue.deliver(confirmed("ord_1", bag=4), placed("ord_2", bag=1)) == ["message-0"]

    assert queue.given_up == [confirmed("ord_1", bag=4).to_json()]
    (cause,) = warehouse.rows("FailuresTable")
    assert (cause["cause"]["exception"], cause["orderId"]) == ("Permanent", "ord_1")
    assert "the counters of bag do not cover" in cause["cause"]["message"]


def test_an_answer_that_was_lost_is_not_done_twice(warehouse: Warehouse, queue: Queue, wire: Wire) -> None:
    """The worker dies after the write: SQS delivers the batch again."""
    warehouse.receives(bag=10)
    wire.loses_the_answer("TransactWriteItems", RuntimeError("the worker died"))
    batch = [placed("ord_1", bag=1), placed("ord_2", bag=1)]
    assert queue.deliver(*batch) == ["message-0", "message-1"]

    with warehouse.unchanged():
        assert queue.deliver(*batch, attempt=2) == []

    assert warehouse.counters()["bag"] == Counters(8, 2, 0, 10)


def test_what_a_batch_came_to_is_counted_by_what_it_told(
    warehouse: Warehouse, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.receives(bag=2)
    printed = everything_printed(monkeypatch)

    queue.deliver(placed("ord_1", bag=1), placed("ord_2", bag=9), placed("ord_3", bag=1), confirmed("unheard", bag=1))

    lines = printed.getvalue().replace(" ", "")
    assert '"InventoryReserved":[1.0,1.0]' in lines
    assert '"InventoryReservationFailed":[1.0]' in lines
    assert "shopper@" not in lines


def test_a_failure_is_counted_and_says_which_order(
    warehouse: Warehouse, queue: Queue, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.refuses("TransactWriteItems", refused("AccessDeniedException"))
    printed = everything_printed(monkeypatch)

    queue.deliver(placed("ord_1", bag=1))

    lines = printed.getvalue().replace(" ", "")
    assert '"Failed":[1.0]' in lines
    assert '"order_id":"ord_1"' in lines
