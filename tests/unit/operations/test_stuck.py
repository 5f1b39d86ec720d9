"""Which orders are stuck is asked of indexes: it takes a few calls, however many orders there are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudretail import aws, dynamodb
from cloudretail.decider import Change
from cloudretail.failures import FailureRow, FailureState
from cloudretail.repository import DynamoDBRepository
from contract.values import OrderStatus, PaymentMethod
from fulfilment.domain import ShipmentStatus
from fulfilment.store import SHIPMENTS
from operations.clock import Clock
from operations.dead_letters.failures import DynamoDBFailures
from operations.dead_letters.service import DeadLetters
from operations.diagnosis.service import MOST_READ, Diagnosis
from operations.diagnosis.store import DynamoDBTables
from operations.diagnosis.tables import TableSettings
from operations.replays.log import DynamoDBReplayLog
from orders.domain import Order, RecordedEntry
from orders.store import ORDERS
from payments.domain import Payment, PaymentStatus, Refund, RefundStatus
from payments.store import PAYMENTS
from tests.support.dead_letters import NAMES
from tests.support.examples import CAUSE
from tests.support.tables import shop_tables
from tests.support.wire import Wire
from tests.unit.fulfilment.test_rules import shipment
from tests.unit.operations.test_diagnosis import CAUSE_OF_DEATH
from tests.unit.orders.test_rules import order

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
TABLES = ("Orders", "Reservations", "Payments", "Shipments", "SentMails", "SandboxCharges", "Limits", "Inventory")
MOST_CALLS = 20


@pytest.fixture
def shop() -> Iterator["Shop"]:
    names = [f"{name}Table" for name in (*TABLES, "Failures", "Replays")]
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *names):
        yield Shop(environment)


class Shop:
    """Rows as the services write them, and the question which orders are stuck."""

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        settings = TableSettings.model_validate({f"{_snake(name)}_table": f"{name}Table" for name in TABLES})
        self._failures = DynamoDBFailures("FailuresTable", "bucket")
        clock = Clock(now=lambda: NOW)
        letters = DeadLetters(NAMES, {}, self._failures, clock)
        self.diagnosis = Diagnosis(letters, DynamoDBTables(settings), DynamoDBReplayLog("ReplaysTable"), clock)
        self._wire = Wire(environment)

    def order(self, number: int, state: str, age: timedelta, **others: Any) -> str:
        """An order that came to this state so long ago."""
        order_id = f"ord_{number:05d}"
        step = {"event": "Something", "at": NOW - age, "caused_by": "event", "status": OrderStatus(state)}
        placed = order(state, order_id=order_id, history=(RecordedEntry(**step),), reserved_until=None, **others)
        DynamoDBRepository[Order]("OrdersTable", ORDERS).commit(order_id, None, Change(placed), CAUSE, NOW - age)
        return order_id

    def parcel(self, order_id: str, status: str) -> None:
        row = shipment(status).model_copy(update={"order_id": order_id, "status": ShipmentStatus(status)})
        DynamoDBRepository("ShipmentsTable", SHIPMENTS).commit(order_id, None, Change(row), CAUSE, NOW)

    def refund(self, order_id: str, age: timedelta, status: RefundStatus = RefundStatus.REQUESTED) -> None:
        payment_id = order_id.replace("ord_", "pay_")
        refund = Refund(refund_id="cancellation", amount=1, attempt=1, status=status, requested_at=NOW - age)
        row = Payment(
            payment_id=payment_id, order_id=order_id, status=PaymentStatus.SUCCEEDED, amount=1, currency="SGD",
            method=PaymentMethod.CARD, attempts=1, refunds=(refund,), created_at=NOW - age,
        )  # fmt: skip
        DynamoDBRepository("PaymentsTable", PAYMENTS).commit(payment_id, None, Change(row), CAUSE, NOW - age)

    def reservation(self, order_id: str, status: str) -> None:
        item = {"orderId": order_id, "status": status, "lines": [], "version": 1}
        aws.dynamodb().put_item(TableName="ReservationsTable", Item=dynamodb.to_item(item))

    def failure(
        self,
        order_id: str,
        consumer: str,
        event: str,
        state: FailureState = FailureState.DEAD,
        age: timedelta = timedelta(hours=1),
    ) -> None:
        at = int((NOW - age).timestamp())
        row = FailureRow(
            consumer=consumer, event_id=f"{order_id}:{event}", event_name=event, order_id=order_id, state=state,
            since=at, cause=CAUSE_OF_DEATH, first_failed_at=at, last_failed_at=at,
            failing_since=at, failures=3,
        )  # fmt: skip
        self._failures.write(None, row)

    def stuck(self, older_than: timedelta = QUARTER, limit: int = 50) -> dict[str, str]:
        """What each stuck order waits for; asserts that not too much was asked."""
        before = len(self._wire.calls)
        found = self.diagnosis.stuck(older_than, limit)
        asked = self._wire.calls[before:]
        assert len(asked) <= MOST_CALLS
        assert {operation for operation, _ in asked} <= {"Query", "BatchGetItem"}
        self.unread = found.unread
        return {each.order_id: each.blocker.waits_for for each in found.items}

    def calls(self) -> int:
        return len(self._wire.calls)


def _snake(name: str) -> str:
    return {"SentMails": "sent_mails", "SandboxCharges": "sandbox_charges"}.get(name, name.lower())


def test_only_what_has_waited_for_longer_than_asked_is_stuck(shop: Shop) -> None:
    old, _ = shop.order(1, "PENDING", QUARTER), shop.order(2, "PENDING", QUARTER - timedelta(seconds=1))
    assert shop.stuck() == {old: "inventory to consume OrderPlaced"}


def test_a_parcel_that_fulfilment_does_not_know_is_missed_at_once_and_one_that_it_knows_after_its_patience(
    shop: Shop,
) -> None:
    lost, known, late = (shop.order(number, "CONFIRMED", age) for number, age in ((1, DAY), (2, DAY), (3, 2 * DAY)))
    for order_id in (lost, known, late):
        shop.reservation(order_id, "COMMITTED")
    for order_id in (known, late):
        shop.parcel(order_id, "TO_SHIP")
    assert shop.stuck() == {late: "staff to ship its parcel", lost: "fulfilment to consume OrderConfirmed"}


def test_a_parcel_of_which_the_order_has_not_learned_is_found(shop: Shop) -> None:
    delivered, under_way = shop.order(1, "SHIPPED", DAY), shop.order(2, "SHIPPED", DAY)
    for order_id in (delivered, under_way):
        shop.reservation(order_id, "COMMITTED")
    shop.parcel(delivered, "DELIVERED")
    shop.parcel(under_way, "SHIPPED")
    assert shop.stuck() == {delivered: "orders to consume ShipmentDelivered"}


def test_a_refund_that_payments_does_not_know_is_missed_at_once_and_one_that_it_knows_after_its_patience(
    shop: Shop,
) -> None:
    paid = {"payment_method": PaymentMethod.CARD}
    fresh, old = shop.order(1, "CANCELLED", DAY / 2, **paid), shop.order(2, "CANCELLED", DAY, **paid)
    for order_id, age in ((fresh, DAY / 2), (old, DAY)):
        shop.reservation(order_id, "RELEASED")
        shop.refund(order_id, age)
    lost = shop.order(3, "CANCELLED", DAY / 2, **paid)
    shop.reservation(lost, "RELEASED")
    assert shop.stuck() == {
        old: "the provider to give the refund cancellation back",
        lost: "payments to consume OrderCancelled",
    }


def test_an_order_that_has_ended_is_found_by_the_failure_of_whom_it_still_waits_for(shop: Shop) -> None:
    ended = shop.order(1, "CANCELLED", DAY)
    shop.failure(ended, "inventory", "OrderCancelled")
    untold = shop.order(2, "REJECTED", DAY)
    shop.failure(untold, "notifications", "OrderRejected")
    assert shop.stuck() == {ended: "OrderCancelled in InventoryDlq: KeyError in decide (inventory/domain.py)"}


def test_however_many_orders_there_are_it_takes_the_same_calls(shop: Shop) -> None:
    for number in range(MOST_READ + 50):
        shop.order(number, "PENDING", DAY - timedelta(seconds=number))
    found = shop.stuck(limit=10)
    assert list(found) == [f"ord_{number:05d}" for number in range(10)], "the oldest first"
    assert len(found) + shop.unread == MOST_READ + 50
    assert len(shop.stuck(limit=100)) == MOST_READ
    assert shop.unread == 50


def test_an_order_is_traced_by_its_number_in_a_few_calls(shop: Shop) -> None:
    order_id = shop.order(7, "PENDING", DAY)
    shop.failure(order_id, "inventory", "OrderPlaced", FailureState.FAILING, age=timedelta(0))
    before = shop.calls()
    traced = shop.diagnosis.trace("00 007")
    assert shop.calls() - before <= 12
    assert traced.order_id == order_id
    assert traced.stuck
    assert "attempt 5 failed, the next comes within 8 s" in traced.stuck.blocker.waits_for


def test_of_an_order_that_is_gone_its_trace_tells_what_is_left(shop: Shop) -> None:
    shop.reservation("ord_gone", "HELD")
    assert shop.diagnosis.trace("ord_gone").statuses == {"reservation": "HELD"}
