"""What a stuck order waits for, and the time-line of everything that is known of an order."""

from datetime import timedelta
from typing import Any

import pytest

from cloudretail.failures import Cause, FailureRow, FailureState
from cloudretail.money import Money
from cloudretail.outbox import Outbox
from contract.orders import OrderConfirmed
from contract.values import OrderStatus
from fulfilment.domain import ShipmentStatus
from inventory.domain import ReservationStatus
from operations.consumers import CONSUMERS
from operations.diagnosis.keys import charge_keys, refund_id_of, refund_keys
from operations.diagnosis.store import setting_of
from operations.diagnosis.stuck import (
    AT_ONCE,
    DELIVERED_WITHIN,
    PAID_BY_HAND_WITHIN,
    REFUNDED_WITHIN,
    RETURNED_WITHIN,
    TO_SHIP_WITHIN,
    WAITED_FOR,
    Remedy,
    stuck_order,
    waits_of,
)
from operations.diagnosis.tables import (
    ABSENT,
    TABLES,
    BookedRow,
    ChargeRow,
    MailRow,
    OrderRow,
    OrderRows,
    PaymentRow,
    RefundRow,
    ReservationRow,
    ReturnRow,
    ShipmentRow,
    ShipmentStep,
    Step,
    Table,
    TableSettings,
)
from operations.diagnosis.trace import EntryKind, trace
from operations.replays.domain import Outcome, ReplayedMessage
from payments.domain import Payment, PaymentStatus, Refund
from retail_ops.stack.template import Template
from tests.support.examples import EXAMPLES, NOW, event_of

ORDER_ID = "ord_1"
LATER = NOW + timedelta(hours=1)
WINDOW = timedelta(minutes=15)
NUDGE = f"cloudretail orders nudge {ORDER_ID}"
REFUND = RefundRow(refund_id="cancellation", amount=1, attempt=1, status="DONE", provider="sandbox")
REFUNDED = (REFUND,)
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
    shipment: str | None = None,
    **paid: Any,
) -> OrderRows:
    held = ReservationRow(order_id=ORDER_ID, status=reservation, lines=()) if reservation else None
    facts = {"payment_id": "pay_1", "order_id": ORDER_ID, "created_at": NOW, "amount": 1, "reserved": True, **paid}
    row = PaymentRow(status=payment, **facts) if payment else None
    parcel = ShipmentRow(order_id=ORDER_ID, status=shipment) if shipment else None
    found = (order(status, reserved_until=NOW + until if until else None), held, row, parcel)
    return OrderRows(each for each in found if each)


def returned(there: str, here: str | None, returned: bool = False, paid: bool = False) -> OrderRows:
    """A delivered order whose return is `there` at orders and `here` at fulfilment, booked and paid for or not."""
    known = {"return_id": "ret_1", "requested_at": NOW}
    at_fulfilment = (ReturnRow(status=here, **known),) if here else ()
    booked = (BookedRow(return_id="ret_1", lines=()),) if returned else ()
    return OrderRows(
        [
            order("DELIVERED", returns=(ReturnRow(status=there, **known),)),
            ShipmentRow(order_id=ORDER_ID, status="DELIVERED", returns=at_fulfilment),
            ReservationRow(order_id=ORDER_ID, status="COMMITTED", lines=(), returns=booked),
            PaymentRow(
                payment_id="pay_1", order_id=ORDER_ID, status="SUCCEEDED", amount=1, method="CARD", created_at=NOW,
                refunds=(RefundRow(refund_id="ret_1", amount=1, attempt=1, status="DONE"),) if paid else (),
            ),
        ]
    )  # fmt: skip


def failure(consumer: str = "inventory", event: str = "OrderPlaced", **others: Any) -> FailureRow:
    at = int(NOW.timestamp())
    facts: dict[str, Any] = {
        "consumer": consumer, "event_id": "orders:ord_1:1:0", "event_name": event, "order_id": ORDER_ID,
        "state": FailureState.DEAD, "since": at, "cause": CAUSE_OF_DEATH, "first_failed_at": at, "last_failed_at": at,
    }  # fmt: skip
    return FailureRow(**facts | others)


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
        (rows("CANCELLED", "COMMITTED", "SUCCEEDED", refunds=REFUNDED), "inventory to consume OrderCancelled"),
        (rows("CANCELLED", None, "VOIDED"), "inventory to consume OrderCancelled"),
        (rows("CANCELLED", "RELEASED"), "payments to consume OrderCancelled"),
        (rows("CANCELLED", "RELEASED", "SUCCEEDED"), "payments to consume OrderCancelled"),
        (
            rows("CANCELLED", "RELEASED", "SUBMITTED", cancelled=True),
            "the provider's answer, which says whether there is anything to refund",
        ),
        (rows("CANCELLED", "RELEASED", "SUCCEEDED", method="COD"), "payments to consume OrderCancelled"),
        (rows("CONFIRMED", "COMMITTED", "SUCCEEDED"), "fulfilment to consume OrderConfirmed"),
        (rows("CONFIRMED", "COMMITTED", "SUCCEEDED", shipment="SHIPPED"), "orders to consume ShipmentDispatched"),
        (rows("CONFIRMED", "COMMITTED", "SUCCEEDED", shipment="CANCELLED"), "orders to consume ShipmentCancelled"),
        (rows("CANCELLING", "COMMITTED", "SUCCEEDED"), "fulfilment to consume CancellationRequested"),
        (
            rows("CANCELLING", "COMMITTED", "SUCCEEDED", shipment="TO_SHIP"),
            "fulfilment to consume CancellationRequested",
        ),
        (rows("CANCELLING", "COMMITTED", "SUCCEEDED", shipment="CANCELLED"), "orders to consume ShipmentCancelled"),
        (rows("CANCELLING", "COMMITTED", "SUCCEEDED", shipment="RETURNED"), "orders to consume ShipmentReturned"),
        (rows("SHIPPED", "COMMITTED", "SUCCEEDED", shipment="DELIVERED"), "orders to consume ShipmentDelivered"),
        (rows("SHIPPED", "COMMITTED", "SUCCEEDED", shipment="RETURNED"), "orders to consume ShipmentReturned"),
        (rows("SHIPPED", "HELD", "SUCCEEDED", shipment="SHIPPED"), "inventory to consume OrderConfirmed"),
        (
            rows("DELIVERED", "COMMITTED", "SUCCEEDED", shipment="DELIVERED", method="COD"),
            "payments to consume ShipmentDelivered",
        ),
        (
            rows("DELIVERED", "COMMITTED", "SUCCEEDED", shipment="DELIVERED", method="COD", collected=0),
            "orders to consume PaymentCollected",
        ),
        (returned("REQUESTED", None), "fulfilment to consume ReturnRequested"),
        (returned("REQUESTED", "RECEIVED"), "orders to consume ReturnReceived"),
        (returned("WITHDRAWN", "RECEIVED"), "orders to consume ReturnReceived"),
        (returned("REQUESTED", "REFUSED"), "orders to consume ReturnRefused"),
        (returned("WITHDRAWN", "EXPECTED"), "fulfilment to consume ReturnWithdrawn"),
        (returned("WITHDRAWN", None), "fulfilment to consume ReturnWithdrawn"),
        (returned("ACCEPTED", "RECEIVED", paid=True), "inventory to consume ReturnAccepted"),
        (returned("ACCEPTED", "RECEIVED", returned=True), "payments to consume ReturnAccepted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_is_named_and_a_nudge_brings_it_again(found: OrderRows, waits_for: str) -> None:
    stuck = stuck_order(found, [], LATER)
    assert stuck is not None
    assert (stuck.blocker.waits_for, stuck.blocker.command) == (waits_for, NUDGE)


@pytest.mark.parametrize(
    "found",
    [
        rows("RESERVED", "HELD", "OPEN", until=timedelta(hours=2)),
        rows("CONFIRMED", "COMMITTED", "SUCCEEDED", shipment="TO_SHIP"),
        rows("SHIPPED", "COMMITTED", "SUCCEEDED", shipment="SHIPPED"),
        rows("DELIVERED", "COMMITTED", "SUCCEEDED", shipment="DELIVERED"),
        returned("REQUESTED", "EXPECTED"),
        returned("REFUSED", "REFUSED"),
        returned("WITHDRAWN", "WITHDRAWN"),
        returned("ACCEPTED", "RECEIVED", returned=True, paid=True),
        rows("REJECTED", "REFUSED", "VOIDED"),
        rows("CANCELLED", "RELEASED", "VOIDED"),
        rows("CANCELLED", "REFUSED", "VOIDED"),
        rows("CANCELLED", "RELEASED", "FAILED"),
        rows("CANCELLED", "RELEASED", "SUCCEEDED", refunds=REFUNDED),
        OrderRows([]),
    ],
    ids=lambda found: found.order.status if found.order else "no order",
)
def test_an_order_that_has_ended_or_whose_shopper_has_time_waits_for_nothing(found: OrderRows) -> None:
    # Payments tells orders of the cash a moment later.
    waits = [wait for wait in waits_of(found, LATER) if wait.overdue(LATER, AT_ONCE)]
    assert [wait.blocker.waits_for for wait in waits] == []


def test_the_dead_letter_that_a_wait_is_for_is_what_an_order_waits_for_and_its_replay_what_moves_it() -> None:
    stuck = stuck_order(rows("PENDING"), [failure()], LATER)
    assert stuck is not None
    assert stuck.blocker.waits_for == "OrderPlaced in InventoryDlq: KeyError in decide (inventory/domain.py)"
    assert stuck.blocker.command == f"cloudretail dlq replay InventoryDlq --order {ORDER_ID}"
    assert (stuck.blocker.remedy, stuck.blocker.queue) == (Remedy.REPLAY, "InventoryDlq")


@pytest.mark.parametrize(
    "other", [failure("notifications"), failure("payments"), failure("inventory", "OrderConfirmed")]
)
def test_a_dead_letter_that_the_order_does_not_wait_for_is_not_what_it_waits_for(other: FailureRow) -> None:
    stuck = stuck_order(rows("PENDING"), [other], LATER)
    assert stuck is not None
    assert stuck.blocker.waits_for == "inventory to consume OrderPlaced"
    done = rows("DELIVERED", "COMMITTED", "SUCCEEDED", shipment="DELIVERED")
    assert stuck_order(done, [failure("notifications", "ShipmentDelivered")], LATER) is None


def test_an_event_that_the_relay_parked_is_what_its_consumer_waits_for() -> None:
    stuck = stuck_order(rows("PENDING"), [failure("relay")], LATER)
    assert stuck is not None
    assert stuck.blocker.command == f"cloudretail dlq replay RelayDlq --order {ORDER_ID}"


def test_what_is_being_retried_says_for_how_long_and_when_it_comes_again() -> None:
    began, last = int(LATER.timestamp()) - 38, int(LATER.timestamp()) - 4
    failing = failure(state=FailureState.FAILING, failing_since=began, last_failed_at=last, failures=3)
    stuck = stuck_order(rows("PENDING"), [failing], LATER)
    assert stuck is not None
    assert stuck.blocker.waits_for == (
        "OrderPlaced: 38 s in InventoryQueue, attempt 5 failed, the next comes within 4 s, "
        "because of KeyError in decide (inventory/domain.py)"
    )
    assert stuck.blocker.command is None


def test_a_copy_that_is_under_way_needs_nobody() -> None:
    sent = failure(state=FailureState.REPLAYED)
    stuck = stuck_order(rows("PENDING"), [sent], LATER)
    assert stuck is not None
    assert (stuck.blocker.waits_for, stuck.blocker.command) == ("OrderPlaced, whose copy is in InventoryQueue", None)


def test_nobody_needs_patience_for_what_has_failed() -> None:
    refund = REFUND.model_copy(update={"status": "REQUESTED"})
    found = rows("CANCELLED", "RELEASED", "SUCCEEDED", refunds=(refund,))
    assert stuck_order(found, [], LATER) is None
    stuck = stuck_order(found, [failure("payment-worker", "RefundRequested")], LATER)
    assert stuck is not None
    assert stuck.blocker.queue == "PaymentWorkerDlq"


def test_whom_an_order_can_wait_for_is_a_consumer_of_the_shop_or_the_relay() -> None:
    assert WAITED_FOR - {"relay"} < {each.name for each in CONSUMERS}


@pytest.mark.parametrize(
    ("found", "patience", "waits_for", "command"),
    [
        (
            rows("CONFIRMED", "COMMITTED", "SUCCEEDED", shipment="TO_SHIP"),
            TO_SHIP_WITHIN,
            "staff to ship its parcel",
            f"cloudretail shipments ship {ORDER_ID} --carrier CARRIER --tracking NUMBER",
        ),
        (
            rows("SHIPPED", "COMMITTED", "SUCCEEDED", shipment="SHIPPED"),
            DELIVERED_WITHIN,
            "its carrier, or staff to say what became of the parcel",
            f"cloudretail shipments show {ORDER_ID}",
        ),
        (
            returned("REQUESTED", "EXPECTED"),
            RETURNED_WITHIN,
            "the return ret_1 to arrive, or staff to refuse it",
            f"cloudretail returns receive {ORDER_ID} ret_1",
        ),
        (
            rows("CANCELLED", "RELEASED", "SUCCEEDED", refunds=(REFUND.model_copy(update={"status": "REQUESTED"}),)),
            REFUNDED_WITHIN,
            "the provider to give the refund cancellation back",
            NUDGE,
        ),
        (
            rows(
                "CANCELLED", "RELEASED", "SUCCEEDED", refunds=(REFUND.model_copy(update={"status": "TO_PAY_BY_HAND"}),)
            ),
            PAID_BY_HAND_WITHIN,
            "staff to pay the refund cancellation by hand",
            f"cloudretail refunds paid {ORDER_ID} cancellation --reference REFERENCE",
        ),
    ],
    ids=["to ship", "shipped", "return", "refund", "refund by hand"],
)
def test_what_people_do_is_waited_for_as_long_as_it_may_take(
    found: OrderRows, patience: timedelta, waits_for: str, command: str
) -> None:
    assert stuck_order(found, [], NOW + patience - timedelta(seconds=1)) is None
    stuck = stuck_order(found, [], NOW + patience)
    assert stuck is not None
    assert (stuck.blocker.waits_for, stuck.blocker.command, stuck.since) == (waits_for, command, NOW)
    assert stuck_order(found, [], NOW + patience, older_than=2 * patience) is None


def test_a_note_in_the_story_does_not_start_the_patience_anew() -> None:
    later = Step(event="PaymentCollected", at=NOW + timedelta(days=1), caused_by="event", status="SHIPPED")
    before = Step(event="PaymentSucceeded", at=NOW - timedelta(days=5), caused_by="event", status="CONFIRMED")
    found = order("SHIPPED").model_copy(update={"history": (before, *order("SHIPPED").history, later)})
    assert (found.entered, found.since) == (NOW, NOW + timedelta(days=1))


def test_a_time_line_tells_everything_in_order_and_what_has_no_time_at_the_end() -> None:
    confirmed = event_of(next(data for data in EXAMPLES if isinstance(data, OrderConfirmed)))
    row = order("CONFIRMED", outbox=Outbox(version=2, events=(confirmed.to_json(),)))
    at = int(NOW.timestamp()) + 1
    failed = failure(since=at, first_failed_at=at, last_failed_at=at)
    replayed = ReplayedMessage(
        replay_id="rpl_1", message_id="m", queue="InventoryDlq", event_name="OrderPlaced", outcome=Outcome.REPLAYED,
        text="to InventoryQueue", at=NOW + timedelta(seconds=2),
    )  # fmt: skip
    found = trace(
        ORDER_ID,
        OrderRows(
            [
                row,
                MailRow(mail="OrderPlaced", status="SENT", sent_at=NOW + timedelta(seconds=3)),
                ChargeRow(charge_key="pay_1:1", outcome="ACCEPTED", amount=1990, currency="SGD"),
            ]
        ),
        failures=[failed],
        replays=[replayed, replayed.model_copy(update={"outcome": Outcome.WOULD_FAIL})],
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
    assert found.entries[2].waited == 1.0, "since the order was placed"
    assert found.entries[-1].at is None


def test_a_time_line_tells_what_staff_did_with_the_parcel_and_its_returns() -> None:
    shipped = ShipmentStep(what="Ship", at=NOW + timedelta(hours=1), by="staff-1")
    received = ShipmentStep(what="ReceiveReturn", at=NOW + timedelta(days=9), by="staff-2", about="ret_1")
    prepared = ShipmentStep(what="OrderConfirmed", at=NOW)
    found = returned("ACCEPTED", "RECEIVED", returned=True, paid=True)
    refunded = Step(
        event="PaymentRefunded", at=NOW, caused_by="event", status="DELIVERED", about="ret_1",
        amount=Money(amount=1990, currency="SGD"),
    )  # fmt: skip
    rows = [row for table in TABLES for row in found.all(table.row) if not isinstance(row, ShipmentRow)]
    parcel = found.all(ShipmentRow)[0].model_copy(update={"story": (prepared, shipped, received)})
    told = trace(ORDER_ID, OrderRows([*rows, parcel]), failures=[], replays=[], stuck=None)
    told_of_money = trace(
        ORDER_ID, OrderRows([order("DELIVERED").model_copy(update={"history": (refunded,)})]),
        failures=[], replays=[], stuck=None,
    )  # fmt: skip
    assert told_of_money.entries[0].detail == "ret_1, SGD 19.90"
    assert [(each.what, each.detail) for each in told.entries if each.service == "fulfilment"] == [
        ("OrderConfirmed", None),
        ("staff: Ship", "by staff-1"),
        ("staff: ReceiveReturn", "ret_1, by staff-2"),
    ]
    assert told.statuses == {
        "order": "DELIVERED",
        "reservation": "COMMITTED",
        "payment": "SUCCEEDED",
        "shipment": "DELIVERED",
        "return ret_1": "ACCEPTED, RECEIVED at fulfilment",
        "refund ret_1": "DONE",
    }


def test_what_the_provider_keeps_is_found_by_the_keys_that_the_payment_gives_it() -> None:
    refunds = [Refund(refund_id=name, amount=1, attempt=1) for name in ("cancellation", "attempt:3", "ret_1")]
    payment = Payment(payment_id="pay_1", order_id=ORDER_ID, attempts=2, refunds=tuple(refunds), created_at=NOW)
    keys = [payment.attempt_key, *map(payment.refund_key, refunds)]
    assert {keys[0], *keys[1:3]} <= set(charge_keys(ORDER_ID))
    assert refund_keys(ORDER_ID, ["ret_1"]) == keys[3:]
    assert [refund_id_of(key) for key in keys] == [None, "cancellation", "attempt:3", "ret_1"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_of_the_list_is_read_by_the_key_that_the_template_gives_it(table: Table) -> None:
    assert setting_of(table) in TableSettings.model_fields
    declared = Template.load().properties("AWS::DynamoDB::Table")[f"{table.name}Table"]
    partition_key, *sort_key = [each["AttributeName"] for each in declared["KeySchema"]]
    assert (partition_key, bool(sort_key)) == (table.key, table.several)
    assert set(table.at_rest) <= set(OrderStatus)


def test_what_a_row_of_an_order_may_be_is_a_status_of_its_service() -> None:
    statuses = {"reservation": ReservationStatus, "payment": PaymentStatus, "shipment": ShipmentStatus}
    known = {table.row_name: set().union(*table.at_rest.values()) for table in TABLES if table.at_rest}
    assert known.keys() == statuses.keys()
    assert all(known[name] - {ABSENT} <= set(statuses[name]) for name in known)
