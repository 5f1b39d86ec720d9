"""What a stuck order waits for, and the time-line of everything that is known of an order."""

from datetime import timedelta
from typing import Any

import pytest

from cloudretail.failures import Cause, FailureRow, FailureState
from cloudretail.outbox import Outbox
from contract.orders import OrderConfirmed
from contract.values import OrderStatus
from inventory.domain import ReservationStatus
from operations.dead_letters.domain import DeadLetter
from operations.diagnosis.store import setting_of
from operations.diagnosis.stuck import blocker_of, stuck_orders
from operations.diagnosis.tables import (
    TABLES,
    ChargeRow,
    MailRow,
    OrderRow,
    OrderRows,
    PaymentRow,
    ReservationRow,
    Step,
    Table,
    TableSettings,
    TableSnapshot,
)
from operations.diagnosis.trace import EntryKind, trace
from operations.replays.domain import Outcome, ReplayedMessage
from payments.domain import PaymentStatus
from retail_ops.stack.template import Template
from tests.support.examples import EXAMPLES, NOW, event_of

ORDER_ID = "ord_1"
CAUSE_OF_DEATH = Cause(
    code="KeyError in decide (inventory/domain.py)", fingerprint="x", exception="KeyError", message="x",
    where="a.py:1 in b", request_id="r", attempt=5,
)  # fmt: skip


def order(status: str, **others: Any) -> OrderRow:
    story = (Step(event="OrderPlaced", at=NOW, caused_by="request-1", status=status),)
    return OrderRow(
        order_id=ORDER_ID, status=status, total_amount=1, currency="SGD", created_at=NOW, history=story, **others
    )


def rows(
    status: str,
    reservation: str | None = None,
    payment: str | None = None,
    *,
    until: timedelta | None = None,
    **paid: Any,
) -> OrderRows:
    held = ReservationRow(order_id=ORDER_ID, status=reservation, lines=()) if reservation else None
    facts = {"payment_id": "pay_1", "order_id": ORDER_ID, "created_at": NOW, "amount": 1, "reserved": True, **paid}
    row = PaymentRow(status=payment, **facts) if payment else None
    found = (order(status, reserved_until=NOW + until if until else None), held, row)
    return OrderRows(each for each in found if each)


def letter(queue: str = "InventoryDlq") -> DeadLetter:
    return DeadLetter(
        queue=queue,
        found_in=queue,
        message_id="orders:ord_1:1:0",
        event_id="orders:ord_1:1:0",
        event_name="OrderPlaced",
        order_id=ORDER_ID,
        state=FailureState.DEAD,
        since=NOW,
        generation=0,
        cause=CAUSE_OF_DEATH,
        first_failed_at=NOW,
        last_failed_at=NOW,
        replays=(),
    )


LATER = NOW + timedelta(hours=1)
WINDOW = timedelta(minutes=15)
NUDGE = f"cloudretail orders nudge {ORDER_ID}"


@pytest.mark.parametrize(
    ("found", "waits_for"),
    [
        (rows("PENDING"), "inventory to consume OrderPlaced"),
        (rows("PENDING", "HELD", "OPEN"), "orders to consume InventoryReserved"),
        (rows("PENDING", "REFUSED"), "orders to consume InventoryReservationFailed"),
        (rows("RESERVED", "HELD"), "payments to consume OrderPlaced and InventoryReserved"),
        (rows("RESERVED", "HELD", "OPEN", amount=None), "payments to consume OrderPlaced"),
        (rows("RESERVED", "HELD", "OPEN", reserved=False), "payments to consume InventoryReserved"),
        (
            rows("RESERVED", "HELD", "OPEN", until=WINDOW),
            "payments to close the payment window",
        ),
        (rows("RESERVED", "HELD", "SUBMITTED", attempts=2), "the provider's answer to attempt 2"),
        (rows("RESERVED", "HELD", "SUCCEEDED"), "orders to consume PaymentSucceeded"),
        (rows("RESERVED", "HELD", "FAILED"), "orders to consume PaymentFailed"),
        (rows("CONFIRMED", "HELD", "SUCCEEDED"), "inventory to consume OrderConfirmed"),
        (rows("REJECTED", "REFUSED", "OPEN"), "payments to consume InventoryReservationFailed"),
        (rows("REJECTED", "REFUSED"), "payments to consume InventoryReservationFailed"),
        (rows("CANCELLED", "HELD", "VOIDED"), "inventory to consume OrderCancelled"),
        (rows("CANCELLED", "COMMITTED", "REFUNDED"), "inventory to consume OrderCancelled"),
        (rows("CANCELLED", None, "VOIDED"), "inventory to consume OrderCancelled"),
        (rows("CANCELLED", "RELEASED"), "payments to consume OrderCancelled"),
        (rows("CANCELLED", "RELEASED", "SUCCEEDED"), "payments to consume OrderCancelled"),
        (rows("CANCELLED", "RELEASED", "REFUNDING"), "the provider to refund"),
        (
            rows("CANCELLED", "RELEASED", "SUBMITTED", cancelled=True),
            "the provider's answer, which says whether there is anything to refund",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_is_named_and_a_nudge_brings_it_again(found: OrderRows, waits_for: str) -> None:
    blocker = blocker_of(found, [], LATER)
    assert blocker is not None
    assert (blocker.waits_for, blocker.command) == (waits_for, NUDGE)


@pytest.mark.parametrize(
    "found",
    [
        rows("RESERVED", "HELD", "OPEN", until=timedelta(hours=2)),
        rows("CONFIRMED", "COMMITTED", "SUCCEEDED"),
        rows("REJECTED", "REFUSED", "VOIDED"),
        rows("CANCELLED", "RELEASED", "VOIDED"),
        rows("CANCELLED", "REFUSED", "VOIDED"),
        rows("CANCELLED", "RELEASED", "FAILED"),
        rows("CANCELLED", "RELEASED", "REFUNDED"),
        OrderRows([]),
    ],
    ids=lambda found: found.order.status if found.order else "no order",
)
def test_an_order_that_has_ended_or_whose_shopper_has_time_waits_for_nothing(found: OrderRows) -> None:
    assert blocker_of(found, [], LATER) is None


def test_a_dead_letter_is_what_an_order_waits_for_and_its_replay_what_moves_it() -> None:
    blocker = blocker_of(rows("PENDING"), [letter()], LATER)
    assert blocker is not None
    assert blocker.waits_for == "OrderPlaced in InventoryDlq: KeyError in decide (inventory/domain.py)"
    assert blocker.command == f"cloudretail dlq replay InventoryDlq --order {ORDER_ID}"


def test_a_refund_that_was_refused_for_good_waits_for_a_person_and_no_command() -> None:
    blocker = blocker_of(rows("CANCELLED", "RELEASED", "REFUND_FAILED"), [], LATER)
    assert blocker is not None
    assert blocker.waits_for.startswith("a person")
    assert blocker.command is None


def test_orders_that_moved_a_moment_ago_do_not_stand_still() -> None:
    snapshot = TableSnapshot([order("PENDING")])
    quarter = timedelta(minutes=15)
    assert stuck_orders(snapshot, [], NOW + timedelta(minutes=14), quarter) == []
    assert [each.order_id for each in stuck_orders(snapshot, [letter()], NOW + quarter, quarter)] == [ORDER_ID]


def test_a_time_line_tells_everything_in_order_and_what_has_no_time_at_the_end() -> None:
    confirmed = event_of(next(data for data in EXAMPLES if isinstance(data, OrderConfirmed)))
    row = order("CONFIRMED", outbox=Outbox(version=2, events=(confirmed.to_json(),)))
    at = int(NOW.timestamp()) + 1
    failure = FailureRow(
        consumer="inventory", event_id="orders:ord_1:1:0", event_name="OrderPlaced", cause=CAUSE_OF_DEATH,
        state=FailureState.DEAD, since=at, first_failed_at=at, last_failed_at=at,
    )  # fmt: skip
    replayed = ReplayedMessage(
        replay_id="rpl_1", message_id="m", queue="InventoryDlq", event_name="OrderPlaced", outcome=Outcome.REPLAYED,
        text="to InventoryQueue", at=NOW + timedelta(seconds=2),
    )  # fmt: skip
    found = trace(
        ORDER_ID,
        OrderRows(
            [
                row,
                MailRow(mail_id="ord_1#OrderPlaced", status="SENT", sent_at=NOW + timedelta(seconds=3)),
                ChargeRow(charge_key="pay_1:1", outcome="ACCEPTED", amount=1990, currency="SGD"),
            ]
        ),
        failures=[failure],
        replays=[replayed],
        stuck=None,
    )
    kinds = [EntryKind.STATE, EntryKind.EVENT, EntryKind.FAILURE, EntryKind.REPLAY, EntryKind.MAIL, EntryKind.PAYMENT]
    assert [entry.kind for entry in found.entries] == kinds
    assert [entry.what for entry in found.entries] == [
        "OrderPlaced: new -> CONFIRMED",
        "publishes OrderConfirmed",
        "failed on OrderPlaced, attempt 5",
        "replayed: OrderPlaced from InventoryDlq",
        "mail about OrderPlaced sent",
        "charge pay_1:1: accepted",
    ]
    assert found.entries[1].caused_by == confirmed.causation_id
    assert found.entries[2].detail == "KeyError: x at a.py:1 in b, request r (dead)"
    assert found.entries[-1].at is None


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_of_the_list_is_read_by_the_key_that_the_template_gives_it(table: Table) -> None:
    assert setting_of(table) in TableSettings.model_fields
    declared = Template.load().properties("AWS::DynamoDB::Table")[f"{table.name}Table"]
    assert [each["AttributeName"] for each in declared["KeySchema"]] == [table.key]
    assert set(table.at_rest) <= set(OrderStatus)


def test_what_a_row_of_an_order_may_be_is_a_status_of_its_service() -> None:
    statuses = {"reservation": ReservationStatus, "payment": PaymentStatus}
    known = {table.row_name: set().union(*table.at_rest.values()) for table in TABLES if table.at_rest}
    assert known.keys() == statuses.keys()
    assert all(known[name] <= set(statuses[name]) for name in known)
