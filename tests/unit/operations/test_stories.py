"""What an order that stands still waits for, and the time-line of everything that is known of one."""

from datetime import timedelta
from typing import Any

import pytest

from cloudretail.outbox import Outbox
from contract.orders import OrderConfirmed
from operations.domain import BoxName, Cause, DeadLetter, Outcome, ReplayedMessage
from operations.rows import Books, ChargeRow, Dossier, MailRow, OrderRow, PaymentRow, ReservationRow, Step
from operations.story import Kind, stuck, trace, wait_of
from tests.support.examples import EXAMPLES, NOW, event_of

ORDER_ID = "ord_1"


def order(status: str, **others: Any) -> OrderRow:
    story = (Step(event="OrderPlaced", at=NOW, caused_by="request-1", status=status),)
    return OrderRow(
        order_id=ORDER_ID, status=status, total_amount=1, currency="SGD", created_at=NOW, history=story, **others
    )


def dossier(
    status: str,
    reservation: str | None = None,
    payment: str | None = None,
    *,
    until: timedelta | None = None,
    **paid: Any,
) -> Dossier:
    held = ReservationRow(order_id=ORDER_ID, status=reservation, lines=()) if reservation else None
    facts = {"payment_id": "pay_1", "order_id": ORDER_ID, "created_at": NOW, "amount": 1, "reserved": True, **paid}
    row = PaymentRow(status=payment, **facts) if payment else None
    return Dossier(order(status, reserved_until=NOW + until if until else None), held, row)


def letter(box: BoxName = BoxName.INVENTORY) -> DeadLetter:
    return DeadLetter(
        queue=box,
        message_id="message-1",
        event_id="orders:ord_1:1:0",
        event_name="OrderPlaced",
        order_id=ORDER_ID,
        sent_at=NOW,
        expires_at=NOW + timedelta(days=14),
        cause=Cause(exception="KeyError", where="inventory/domain.py:1 in decide"),
        replays=(),
    )


LATER = NOW + timedelta(hours=1)
WINDOW = timedelta(minutes=15)
NUDGE = f"cloudretail orders nudge {ORDER_ID}"


@pytest.mark.parametrize(
    ("rows", "waits_for"),
    [
        (dossier("PENDING"), "inventory to hear OrderPlaced"),
        (dossier("PENDING", "HELD", "OPEN"), "orders to hear InventoryReserved"),
        (dossier("PENDING", "REFUSED"), "orders to hear InventoryReservationFailed"),
        (dossier("RESERVED", "HELD"), "payments to hear OrderPlaced and InventoryReserved"),
        (dossier("RESERVED", "HELD", "OPEN", amount=None), "payments to hear OrderPlaced"),
        (dossier("RESERVED", "HELD", "OPEN", reserved=False), "payments to hear InventoryReserved"),
        (
            dossier("RESERVED", "HELD", "OPEN", until=WINDOW),
            "payments to hear that the payment window has closed",
        ),
        (dossier("RESERVED", "HELD", "SUBMITTED", attempts=2), "the provider's answer to attempt 2"),
        (dossier("RESERVED", "HELD", "SUCCEEDED"), "orders to hear PaymentSucceeded"),
        (dossier("RESERVED", "HELD", "FAILED"), "orders to hear PaymentFailed"),
        (dossier("CONFIRMED", "HELD", "SUCCEEDED"), "inventory to hear OrderConfirmed"),
        (dossier("REJECTED", "REFUSED", "OPEN"), "payments to hear InventoryReservationFailed"),
        (dossier("REJECTED", "REFUSED"), "payments to hear InventoryReservationFailed"),
        (dossier("CANCELLED", "HELD", "VOIDED"), "inventory to hear OrderCancelled"),
        (dossier("CANCELLED", "COMMITTED", "REFUNDED"), "inventory to hear OrderCancelled"),
        (dossier("CANCELLED", None, "VOIDED"), "inventory to hear OrderCancelled"),
        (dossier("CANCELLED", "RELEASED"), "payments to hear OrderCancelled"),
        (dossier("CANCELLED", "RELEASED", "SUCCEEDED"), "payments to hear OrderCancelled"),
        (dossier("CANCELLED", "RELEASED", "REFUNDING"), "the provider to pay back"),
        (
            dossier("CANCELLED", "RELEASED", "SUBMITTED", cancelled=True),
            "the provider's answer, to know whether there is anything to pay back",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_is_named_and_a_nudge_brings_it_again(rows: Dossier, waits_for: str) -> None:
    wait = wait_of(rows, [], LATER)
    assert wait is not None
    assert (wait.waits_for, wait.command) == (waits_for, NUDGE)


@pytest.mark.parametrize(
    "rows",
    [
        dossier("RESERVED", "HELD", "OPEN", until=timedelta(hours=2)),
        dossier("CONFIRMED", "COMMITTED", "SUCCEEDED"),
        dossier("REJECTED", "REFUSED", "VOIDED"),
        dossier("CANCELLED", "RELEASED", "VOIDED"),
        dossier("CANCELLED", "REFUSED", "VOIDED"),
        dossier("CANCELLED", "RELEASED", "FAILED"),
        dossier("CANCELLED", "RELEASED", "REFUNDED"),
        Dossier(None, None, None),
    ],
    ids=lambda rows: rows.order.status if rows.order else "no order",
)
def test_an_order_that_has_ended_or_whose_shopper_has_time_waits_for_nothing(rows: Dossier) -> None:
    assert wait_of(rows, [], LATER) is None


def test_a_dead_letter_is_what_an_order_waits_for_and_its_replay_what_moves_it() -> None:
    wait = wait_of(dossier("PENDING"), [letter()], LATER)
    assert wait is not None
    assert wait.waits_for == "OrderPlaced in InventoryDlq: KeyError at inventory/domain.py:1 in decide"
    assert wait.command == f"cloudretail dlq replay InventoryDlq --order {ORDER_ID}"


def test_a_refund_that_was_refused_for_good_waits_for_a_person_and_no_command() -> None:
    wait = wait_of(dossier("CANCELLED", "RELEASED", "REFUND_FAILED"), [], LATER)
    assert wait is not None
    assert wait.waits_for.startswith("a person")
    assert wait.command is None


def test_orders_that_moved_a_moment_ago_do_not_stand_still() -> None:
    books = Books(orders={ORDER_ID: order("PENDING")})
    quarter = timedelta(minutes=15)
    assert stuck(books, [], NOW + timedelta(minutes=14), quarter) == []
    assert [wait.order_id for wait in stuck(books, [letter()], NOW + quarter, quarter)] == [ORDER_ID]


def test_a_time_line_tells_everything_in_order_and_what_has_no_time_at_the_end() -> None:
    confirmed = event_of(next(data for data in EXAMPLES if isinstance(data, OrderConfirmed)))
    row = order("CONFIRMED", outbox=Outbox(version=2, events=(confirmed.to_json(),)))
    failure = {
        "consumer": "inventory", "eventId": "orders:ord_1:1:0", "eventName": "OrderPlaced", "exception": "KeyError",
        "message": "x", "where": "a.py:1 in b", "requestId": "r", "attempt": 5,
        "lastFailedAt": int(NOW.timestamp()) + 1,
    }  # fmt: skip
    replayed = ReplayedMessage(
        replay_id="rpl_1", message_id="m", queue="InventoryDlq", event_name="OrderPlaced", outcome=Outcome.REPLAYED,
        text="to InventoryQueue", at=NOW + timedelta(seconds=2),
    )  # fmt: skip
    told = trace(
        ORDER_ID,
        Dossier(row, None, None),
        mails=[MailRow(mail_id="ord_1#OrderPlaced", status="SENT", sent_at=NOW + timedelta(seconds=3))],
        charges=[ChargeRow(charge_key="pay_1:1", outcome="ACCEPTED", amount=1990, currency="SGD")],
        failures=[failure],
        replays=[replayed],
        waits_for=None,
    )
    kinds = [Kind.STATE, Kind.EVENT, Kind.FAILURE, Kind.REPLAY, Kind.MAIL, Kind.PAYMENT]
    assert [entry.kind for entry in told.entries] == kinds
    assert [entry.what for entry in told.entries] == [
        "OrderPlaced: new -> CONFIRMED",
        "tells OrderConfirmed",
        "failed over OrderPlaced, attempt 5",
        "replayed: OrderPlaced of InventoryDlq",
        "mail about OrderPlaced sent",
        "charge pay_1:1: accepted",
    ]
    assert told.entries[1].caused_by == confirmed.causation_id
    assert told.entries[-1].at is None
