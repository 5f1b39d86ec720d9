"""The orders queue's handler in process: batches of events as their producers send them."""

from typing import Any

import pytest

from cloudretail.decider import Change
from cloudretail.envelope import Event
from cloudretail.event import EventData
from cloudretail.repository import DynamoDBRepository
from contract import parse
from contract.orders import OrderConfirmed, OrderPlaced
from orders.domain import Order
from orders.reactions import CONSUMER, handler
from orders.store import ORDERS
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, event_of, name_of
from tests.support.queue import Queue
from tests.support.wire import Wire, everything_printed, refused
from tests.unit.orders.conftest import Shop
from tests.unit.orders.test_rules import order

ID = str(ORDER["order_id"])
TABLE: DynamoDBRepository[Order] = DynamoDBRepository("OrdersTable", ORDERS)
BY_NAME = {name_of(data): data for data in EXAMPLES}


def an_event(name: str, order_id: str = ID) -> Event:
    data: EventData = BY_NAME[name].model_copy(update={"order_id": order_id})
    return event_of(data, f"event:{name}:{order_id}")


@pytest.fixture
def queue(wire: Wire) -> Queue:
    return Queue(handler, wire)


@pytest.fixture
def pending(shop: Shop) -> Shop:
    TABLE.commit(ID, None, Change(order("PENDING")), CAUSE, NOW)
    return shop


def the_order() -> Order:
    row = TABLE.load(ID)
    assert row
    return row.state


def test_an_event_moves_its_order_and_says_what_it_was_caused_by(pending: Shop, queue: Queue) -> None:
    assert queue.deliver(an_event("InventoryReserved"), an_event("PaymentSucceeded")) == []

    (row,) = pending.orders()
    assert [step.caused_by for step in row.state.history[1:]] == [
        f"event:InventoryReserved:{ID}",
        f"event:PaymentSucceeded:{ID}",
    ]
    assert row.outbox
    confirmed = parse(row.outbox.events[0])
    assert (confirmed.id, confirmed.causation_id) == (f"orders:{ID}:3:0", f"event:PaymentSucceeded:{ID}")
    assert isinstance(confirmed.data, OrderConfirmed)


def test_a_second_delivery_of_the_same_event_changes_nothing(pending: Shop, queue: Queue) -> None:
    for name in ("InventoryReserved", "PaymentDeclined"):
        queue.deliver(an_event(name))
        with pending.unchanged():
            assert queue.deliver(an_event(name)) == []
            assert queue.deliver(an_event(name), an_event(name)) == []


def test_an_event_that_comes_too_late_is_taken_and_changes_nothing(pending: Shop, queue: Queue) -> None:
    queue.deliver(an_event("PaymentFailed"))

    with pending.unchanged():
        assert queue.deliver(an_event("PaymentSucceeded"), an_event("InventoryReserved")) == []


def test_why_nothing_was_done_is_logged(pending: Shop, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.deliver(an_event("PaymentFailed"))
    printed = everything_printed(monkeypatch)

    queue.deliver(an_event("PaymentSucceeded"))

    assert '"reason":"the order is CANCELLED"' in printed.getvalue()


def test_how_long_a_confirmation_took_is_counted_once(
    pending: Shop, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = everything_printed(monkeypatch)

    queue.deliver(an_event("InventoryReserved"), an_event("PaymentDeclined"))
    assert "PlacedToConfirmed" not in printed.getvalue()
    queue.deliver(an_event("PaymentSucceeded"))
    queue.deliver(an_event("PaymentSucceeded"), an_event("PaymentRefunded"))

    assert printed.getvalue().count('"PlacedToConfirmed":[') == 1


def test_an_event_of_an_order_that_does_not_exist_goes_to_the_dead_letter_queue_at_once(
    pending: Shop, queue: Queue
) -> None:
    failed = queue.deliver(an_event("InventoryReserved"), an_event("InventoryReserved", "ord_unknown"))

    assert failed == ["message-1"]
    assert queue.given_up == [an_event("InventoryReserved", "ord_unknown").to_json()]
    assert the_order().status == "RESERVED"
    (cause,) = pending.rows("FailuresTable")
    assert (cause["consumer"], cause["eventId"]) == ("orders", "event:InventoryReserved:ord_unknown")
    assert (cause["cause"]["exception"], cause["cause"]["message"]) == ("Permanent", "there is no order ord_unknown")


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_queue_takes_what_the_choreography_sends_it_and_nothing_else(
    pending: Shop, queue: Queue, name: str
) -> None:
    takes = {data.event_type.name for data in CONSUMER.subscribes_to}

    assert queue.deliver(an_event(name)) == ([] if name in takes else ["message-0"])


@pytest.mark.parametrize("body", ["", "hello", "{}", "[]"])
def test_what_is_no_event_goes_to_the_dead_letter_queue_and_holds_nobody_up(
    pending: Shop, queue: Queue, body: str
) -> None:
    assert queue.deliver(body, an_event("InventoryReserved")) == ["message-0"]

    assert queue.given_up == [body]
    assert the_order().status == "RESERVED"
    (cause,) = pending.rows("FailuresTable")
    assert (cause["eventId"], cause["cause"]["exception"]) == ("message-0", "InvalidEvent")


def test_a_failure_that_may_pass_comes_again_later_and_later(pending: Shop, queue: Queue, wire: Wire) -> None:
    for attempt, seconds in enumerate((2, 4, 8, 16, 32), 1):
        wire.refuses("PutItem", refused("ThrottlingException"), table="OrdersTable")

        assert queue.deliver(an_event("InventoryReserved"), attempt=attempt) == ["message-0"]

        assert queue.delays == {"receipt-0": seconds}
        assert the_order().status == "PENDING"
        (cause,) = pending.rows("FailuresTable")
        assert (cause["cause"]["exception"], cause["cause"]["attempt"]) == ("ClientError", attempt)
    assert queue.given_up == []


def test_a_failed_message_succeeds_when_it_comes_again(pending: Shop, queue: Queue, wire: Wire) -> None:
    wire.refuses("BatchGetItem", refused("InternalServerError"), table="OrdersTable")
    assert queue.deliver(an_event("InventoryReserved")) == ["message-0"]

    assert queue.deliver(an_event("InventoryReserved"), attempt=2) == []

    assert the_order().status == "RESERVED"


def test_a_write_whose_answer_was_lost_is_not_done_twice(pending: Shop, queue: Queue, wire: Wire) -> None:
    wire.loses_the_answer("PutItem", refused("InternalServerError"), table="OrdersTable")
    assert queue.deliver(an_event("PaymentDeclined")) == ["message-0"]

    assert queue.deliver(an_event("PaymentDeclined"), attempt=2) == []

    assert [step.event for step in the_order().history] == ["OrderPlaced", "PaymentDeclined"]


def test_a_lost_race_is_decided_again_on_the_row_as_it_is_then(pending: Shop, queue: Queue, wire: Wire) -> None:
    def called_off() -> None:
        row = TABLE.load(ID)
        TABLE.commit(ID, row, Change(order("CANCELLED")), CAUSE, NOW)

    wire.before("TransactWriteItems", called_off, table="OrdersTable")

    assert queue.deliver(an_event("PaymentSucceeded")) == []

    assert the_order().status == "CANCELLED"


def test_a_cause_that_cannot_be_kept_hides_no_failure(pending: Shop, queue: Queue, wire: Wire) -> None:
    wire.refuses("UpdateItem", refused("ThrottlingException"), table="FailuresTable")

    assert queue.deliver(an_event("InventoryReserved", "ord_unknown")) == ["message-0"]
    assert len(queue.given_up) == 1


def test_a_whole_batch_of_one_orders_story_ends_as_the_story_does(pending: Shop, queue: Queue) -> None:
    story: list[Any] = ["InventoryReserved", "PaymentDeclined", "PaymentSucceeded", "PaymentFailed", "PaymentRefunded"]

    assert queue.deliver(*(an_event(name) for name in story)) == []

    assert [step.event for step in the_order().history] == [
        "OrderPlaced",
        "InventoryReserved",
        "PaymentDeclined",
        "PaymentSucceeded",
        "PaymentRefunded",
    ]


def test_an_order_event_that_strays_here_is_kept_for_the_operator(pending: Shop, queue: Queue) -> None:
    assert isinstance(BY_NAME["OrderPlaced"], OrderPlaced)
    queue.deliver(an_event("OrderPlaced"))

    (cause,) = pending.rows("FailuresTable")
    assert cause["cause"]["message"] == "event type 'cloudretail.orders.OrderPlaced.v1' is not expected here"
