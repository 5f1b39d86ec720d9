"""Every invariant across the tables is noticed when it breaks, and by the row that breaks it."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudretail import aws
from cloudretail.errors import Conflict
from cloudretail.settings import load
from contract.values import InspectedLine, StockLine
from operations.clock import Clock
from operations.diagnosis.tables import (
    TABLES,
    AccountRow,
    BookedRow,
    ChargeRow,
    MailRow,
    OrderRow,
    PaymentRow,
    RefundRow,
    ReservationRow,
    ReturnRow,
    ShipmentRow,
    Step,
    StockRow,
    TableSettings,
)
from operations.reconciliation.domain import (
    EXPORT_AGE,
    EXPORT_BEYOND,
    ROWS_PER_PART,
    JobState,
    Reconciliation,
    Subject,
    TableSize,
    cost_of,
)
from operations.reconciliation.exports import ExportFailed, S3Exporter
from operations.reconciliation.job import AT_ONCE, Reconciliations
from operations.reconciliation.rules import SETTLED_AFTER, SHOULD_HAVE_ENDED, Violation
from operations.reconciliation.store import DynamoDBWholeTables
from operations.replays.domain import STALE_AFTER, Action, Outcome, Replay, ReplayedMessage
from tests.support.dead_letters import InMemoryReplayLog, Killed, Killer
from tests.support.examples import NOW
from tests.support.tables import items_of, shop_tables
from tests.support.whole_tables import (
    InMemoryExporter,
    InMemoryReconciliationLog,
    InMemoryWholeTables,
    exported,
)
from tests.support.wire import Wire

LATER = NOW + timedelta(hours=20)


type Rows = dict[str, dict[str, Any]]

TWO_LAMPS = (StockLine(product_id="lamp", quantity=2),)


def sound() -> Rows:
    """A shop with one order in each state that an order can rest in.

    Of two pieces each, paid by card, but for `ord_7`, which was paid in cash: of it one piece came back, broken.
    """
    states = {
        "ord_1": ("CONFIRMED", "COMMITTED", "SUCCEEDED", "TO_SHIP"),
        "ord_2": ("CANCELLED", "RELEASED", "SUCCEEDED", "CANCELLED"),
        "ord_3": ("REJECTED", "REFUSED", "VOIDED", None),
        "ord_4": ("RESERVED", "HELD", "OPEN", None),
        "ord_5": ("SHIPPED", "COMMITTED", "SUCCEEDED", "SHIPPED"),
        "ord_6": ("CANCELLED", "RELEASED", "SUCCEEDED", "RETURNED"),
        "ord_7": ("DELIVERED", "COMMITTED", "SUCCEEDED", "DELIVERED"),
    }
    rows: Rows = {
        name: {} for name in ("orders", "reservations", "payments", "shipments", "stock", "charges", "accounts")
    }
    for order_id, (order, reservation, payment, shipment) in states.items():
        rows["orders"][order_id] = _order(order_id, order)
        rows["reservations"][order_id] = ReservationRow(order_id=order_id, status=reservation, lines=TWO_LAMPS)
        rows["payments"][order_id] = PaymentRow(
            payment_id=order_id.replace("ord", "pay"), order_id=order_id, status=payment, amount=10, currency="SGD",
            method="CARD", attempts=1, created_at=NOW,
        )  # fmt: skip
        if shipment:
            rows["shipments"][order_id] = ShipmentRow(order_id=order_id, status=shipment)
    given_back = RefundRow(refund_id="cancellation", amount=10, attempt=1, status="DONE", provider="sandbox")
    change("payments", "ord_2", refunds=(given_back,))(rows)
    change("payments", "ord_6", refunds=(given_back,))(rows)
    # A lamp of the parcel that came back was broken.
    change("reservations", "ord_6", written_off=(StockLine(product_id="lamp", quantity=1),))(rows)
    cash(rows, "ord_7")
    rows["accounts"]["user-1"] = AccountRow.model_validate({"userId": "user-1", "version": 9, "ord_4": {"pieces": 2}})
    rows["stock"]["lamp"] = StockRow(
        product_id="lamp",
        available_qty=4,
        reserved_qty=2,
        sold_qty=5,
        written_off_qty=2,
        received_qty=12,
        adjusted_qty=1,
    )
    for key in ("pay_1:1", "pay_2:1", "pay_5:1", "pay_6:1", "pay_2:refund:cancellation", "pay_6:refund:cancellation"):
        rows["charges"][key] = ChargeRow(charge_key=key, outcome="ACCEPTED", amount=10, currency="SGD")
    return rows


def cash(rows: Rows, order_id: str) -> None:
    """A delivered order, paid in cash: of its two lamps one came back broken, and was paid for by hand."""
    returned = ReturnRow(return_id="ret_1", status="ACCEPTED", requested_at=NOW)
    story = [
        Step(event="OrderPlaced", at=NOW, caused_by="request", status="DELIVERED"),
        Step(event="ReturnReceived", at=NOW, caused_by="event", status="DELIVERED", about="ret_1"),
    ]
    sold = {"payment_method": "COD", "collected": 10}
    change("orders", order_id, **sold, returns=(returned,), history=tuple(story))(rows)
    line = InspectedLine(product_id="lamp", write_off=1)
    change("reservations", order_id, returns=(BookedRow(return_id="ret_1", lines=(line,)),))(rows)
    received = ReturnRow(return_id="ret_1", status="RECEIVED", requested_at=NOW)
    change("shipments", order_id, returns=(received,))(rows)
    by_hand = RefundRow(refund_id="ret_1", amount=5, attempt=1, status="PAID_BY_HAND")
    change("payments", order_id, method="COD", collected=10, refunds=(by_hand,))(rows)


class Shop:
    """Reconciliations of a shop's rows, at a time that stands still.

    Args:
        rows: by table and key.
        now: the time.
        size: rows that each table claims to have.
    """

    def __init__(self, rows: Rows, now: datetime = LATER, size: int = 1) -> None:
        self.now = now
        self.tables = InMemoryWholeTables(lambda: [row for table in rows.values() for row in table.values()], size)
        self.exporter = InMemoryExporter(self.tables)
        self.log = InMemoryReconciliationLog()
        self.replays = InMemoryReplayLog()

    @property
    def jobs(self) -> Reconciliations:
        clock = Clock(lambda: 0.0, lambda seconds: None, lambda: self.now)
        return Reconciliations(self.tables, self.log, self.replays, clock, self.exporter)

    def reconciled(self, **asked: Any) -> Reconciliation:
        return self.jobs.run(self.jobs.start(by="operator", reason="to see", **asked))


def violations(rows: Rows, now: datetime = LATER, size: int = 1, **asked: Any) -> list[Violation]:
    """What a reconciliation finds."""
    shop = Shop(rows, now, size)
    done = shop.reconciled(**asked)
    assert done.state is JobState.DONE
    found = shop.log.violations(done.reconciliation_id)
    assert (done.violations > 0) == bool(found)
    return found


def _order(order_id: str, status: str) -> OrderRow:
    return OrderRow(
        order_id=order_id, user_id="user-1", status=status, total_amount=10, currency="SGD", created_at=NOW,
        reserved_until=LATER if status == "RESERVED" else None,
        history=(Step(event="OrderPlaced", at=NOW, caused_by="request", status=status),),
    )  # fmt: skip


def change(table: str, key: str, **values: Any) -> Callable[[Rows], None]:
    def apply(rows: Rows) -> None:
        rows[table][key] = rows[table][key].model_copy(update=values)

    return apply


def remove(table: str, key: str) -> Callable[[Rows], None]:
    return lambda rows: rows[table].pop(key) and None


def refund(refund_id: str, status: str, amount: int = 10, attempt: int = 1, **values: Any) -> RefundRow:
    known = {"refund_id": refund_id, "status": status, "amount": amount, "attempt": attempt, **values}
    return RefundRow.model_validate({"provider": "sandbox", **known})


def moved(*keys: str, amount: int = 10) -> Callable[[Rows], None]:
    """Charges and refunds that the provider made."""

    def apply(rows: Rows) -> None:
        for key in keys:
            rows["charges"][key] = ChargeRow(charge_key=key, outcome="ACCEPTED", amount=amount, currency="SGD")

    return apply


def unexpected(status: str) -> Callable[[Rows], None]:
    """The provider took the first attempt of `ord_3`, which nothing waited for, and the payment knows."""

    def apply(rows: Rows) -> None:
        moved("pay_3:1")(rows)
        change("payments", "ord_3", refunds=(refund("attempt:1", status),))(rows)

    return apply


def all_of(*changes: Callable[[Rows], None]) -> Callable[[Rows], None]:
    def apply(rows: Rows) -> None:
        for each in changes:
            each(rows)

    return apply


def hold(*order_ids: str) -> Callable[[Rows], None]:
    """The account says that these are its open orders."""

    def apply(rows: Rows) -> None:
        held = {order_id: {"pieces": 2, "cash": 0} for order_id in order_ids}
        rows["accounts"]["user-1"] = AccountRow.model_validate({"userId": "user-1", **held})

    return apply


@pytest.mark.parametrize(
    "change_",
    [
        all_of(unexpected("DONE"), moved("pay_3:refund:attempt:1")),
        unexpected("REQUESTED"),
        all_of(unexpected("REQUESTED"), moved("pay_3:refund:attempt:1")),
        unexpected("TO_PAY_BY_HAND"),
        all_of(
            change("payments", "ord_5", refunds=(refund("ret_1", "DONE", 4), refund("ret_2", "DONE", 6))),
            moved("pay_5:refund:ret_1", amount=4),
            moved("pay_5:refund:ret_2", amount=6),
        ),
        change("payments", "ord_5", refunds=(refund("ret_1", "DONE", 0),)),
        change("payments", "ord_4", provider="stripe", status="SUBMITTED"),
        all_of(change("payments", "ord_4", provider="sandbox", status="SUBMITTED"), moved("pay_4:1")),
        change("payments", "ord_4", provider="sandbox", status="SUBMITTED"),
    ],
    ids=[
        "given back",
        "to be given back",
        "given back a moment ago",
        "to be paid by hand",
        "two returns",
        "a refund of nothing",
        "at a provider that keeps its own books",
        "taken a moment ago",
        "not taken yet",
    ],
)
def test_what_is_given_back_in_parts_and_what_is_on_its_way_breaks_nothing(change_: Callable[[Rows], None]) -> None:
    rows = sound()
    change_(rows)
    assert violations(rows, LATER) == []


def test_a_sound_shop_breaks_nothing() -> None:
    assert violations(sound(), LATER) == []


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (change("stock", "lamp", available_qty=7), [("stock-equation", "lamp")]),
        (change("stock", "lamp", adjusted_qty=0), [("stock-equation", "lamp")]),
        (change("stock", "lamp", available_qty=-1, received_qty=7), [("stock-equation", "lamp")]),
        (change("stock", "lamp", reserved_qty=1, available_qty=5), [("stock-reserved", "lamp")]),
        (change("stock", "lamp", sold_qty=6, available_qty=3), [("stock-sold", "lamp")]),
        (change("stock", "lamp", written_off_qty=1, available_qty=5), [("stock-written-off", "lamp")]),
        (
            change("reservations", "ord_7", returns=()),
            [("return-not-booked", "ord_7"), ("stock-sold", "lamp")],
        ),
        (
            change("reservations", "ord_2", status="COMMITTED"),
            [("reservation-of-order", "ord_2"), ("stock-sold", "lamp")],
        ),
        (change("reservations", "ord_3", status="RELEASED"), [("reservation-of-order", "ord_3")]),
        (remove("reservations", "ord_3"), [("reservation-of-order", "ord_3")]),
        (remove("orders", "ord_3"), [("payment-of-order", "pay_3"), ("reservation-of-order", "ord_3")]),
        (remove("payments", "ord_3"), [("payment-of-order", "ord_3")]),
        (change("payments", "ord_1", amount=11), [("charged-once", "pay_1"), ("payment-of-order", "pay_1")]),
        (change("payments", "ord_3", status="OPEN"), [("payment-of-order", "pay_3")]),
        (change("payments", "ord_2", refunds=()), [("payment-of-order", "pay_2"), ("refunded", "pay_2")]),
        (moved("pay_1:2"), [("charged-once", "pay_1")]),
        (moved("pay_1:1", amount=20), [("charged-once", "pay_1")]),
        (moved("pay_3:1"), [("charged-once", "pay_3")]),
        (moved("pay_9:1"), [("charged-once", "pay_9")]),
        (moved("pay_9:refund:cancellation"), [("charged-once", "pay_9")]),
        (remove("charges", "pay_1:1"), [("charged-once", "pay_1")]),
        (remove("charges", "pay_2:refund:cancellation"), [("refunded", "pay_2")]),
        (moved("pay_2:refund:cancellation", amount=4), [("refunded", "pay_2")]),
        (moved("pay_1:refund:ret_1", amount=4), [("refunded", "pay_1")]),
        (change("payments", "ord_5", refunds=(refund("ret_1", "DONE", 4),)), [("refunded", "pay_5")]),
        (unexpected("DONE"), [("refunded", "pay_3")]),
        (
            change("payments", "ord_7", refunds=(refund("ret_1", "PAID_BY_HAND", 11, provider=None),)),
            [("refunded", "pay_7")],
        ),
        (change("payments", "ord_1", method="COD"), [("charged-once", "pay_1")]),
        (change("shipments", "ord_1", status="DELIVERED"), [("shipment-of-order", "ord_1")]),
        (change("shipments", "ord_2", status="SHIPPED"), [("shipment-of-order", "ord_2")]),
        (remove("shipments", "ord_1"), [("shipment-of-order", "ord_1")]),
        (change("orders", "ord_4", status="PENDING"), [("should-have-ended", "ord_4")]),
        (change("orders", "ord_4", reserved_until=NOW), [("should-have-ended", "ord_4")]),
        (remove("accounts", "user-1"), [("account-holds", "user-1")]),
        (hold("ord_1"), [("account-holds", "user-1")]),
        (hold("ord_9", "ord_4"), [("account-holds", "user-1")]),
        (change("orders", "ord_1", payment_method="COD"), [("account-holds", "user-1")]),
    ],
)
def test_what_breaks_is_named_by_its_rule_and_row(
    spoil: Callable[[Rows], None], expected: list[tuple[str, str]]
) -> None:
    rows = sound()
    spoil(rows)
    found = violations(rows, LATER)
    assert violations(rows, LATER, size=3 * ROWS_PER_PART) == found, "in one part or in three"
    assert violations(rows, LATER, from_export=True) == found, "in the tables or in their export"
    assert sorted({(each.rule, each.key) for each in found}) == sorted(expected)
    of_orders = [each for each in found if each.table in ("Orders", "Reservations", "Payments", "Shipments")]
    unknown = [each for each in of_orders if each.key == "pay_9"]
    assert [each for each in of_orders if "Next: cloudretail " not in each.text] == unknown


def returned(
    order_status: str, shipment_status: str | None, refunds: tuple[RefundRow, ...] = ()
) -> Callable[[Rows], None]:
    """A return of the delivered order that was paid in cash, as orders and as fulfilment know it."""
    known = [ReturnRow(return_id="ret_1", status=status, requested_at=NOW) for status in (shipment_status,) if status]
    return all_of(
        change("orders", "ord_7", returns=(ReturnRow(return_id="ret_1", status=order_status, requested_at=NOW),)),
        change("shipments", "ord_7", returns=tuple(known)),
        change("payments", "ord_7", refunds=refunds),
    )


BY_HAND = refund("ret_1", "TO_PAY_BY_HAND", 5, provider=None)
NUDGE = "cloudretail orders nudge"
MOMENT, DAY = timedelta(minutes=15), timedelta(days=1)


@pytest.mark.parametrize(
    ("patience", "spoil", "rule", "next_"),
    [
        (
            2 * DAY,
            lambda rows: None,
            "not-shipped",
            "cloudretail shipments ship ord_1 --carrier CARRIER --tracking NUMBER",
        ),
        (14 * DAY, lambda rows: None, "not-delivered", "cloudretail shipments show ord_5"),
        (MOMENT, change("orders", "ord_1", status="CANCELLING"), "cancelling", f"{NUDGE} ord_1"),
        (MOMENT, change("orders", "ord_7", collected=None), "cash-not-collected", f"{NUDGE} ord_7"),
        (MOMENT, change("payments", "ord_7", collected=None), "cash-not-collected", f"{NUDGE} ord_7"),
        (MOMENT, returned("REQUESTED", None), "return-not-received", f"{NUDGE} ord_7"),
        (21 * DAY, returned("REQUESTED", "EXPECTED"), "return-not-received", "cloudretail returns receive ord_7 ret_1"),
        (MOMENT, returned("REQUESTED", "RECEIVED"), "return-not-settled", f"{NUDGE} ord_7"),
        (MOMENT, returned("REQUESTED", "REFUSED"), "return-not-settled", f"{NUDGE} ord_7"),
        (MOMENT, returned("WITHDRAWN", "EXPECTED"), "return-not-settled", f"{NUDGE} ord_7"),
        (MOMENT, change("reservations", "ord_7", returns=()), "return-not-booked", f"{NUDGE} ord_7"),
        (MOMENT, returned("ACCEPTED", "RECEIVED"), "return-not-refunded", f"{NUDGE} ord_7"),
        (
            3 * DAY,
            returned("ACCEPTED", "RECEIVED", (BY_HAND,)),
            "refund-by-hand",
            "cloudretail refunds paid ord_7 ret_1 --reference REFERENCE",
        ),
        (DAY, unexpected("REQUESTED"), "refund-requested", f"{NUDGE} ord_3"),
    ],
)
def test_what_waits_for_too_long_is_named_with_the_next_command(
    patience: timedelta, spoil: Callable[[Rows], None], rule: str, next_: str
) -> None:
    rows = sound()
    spoil(rows)
    found = violations(rows, NOW + patience)
    assert [each.text.partition("Next: ")[2] for each in found if each.rule == rule] == [next_]
    early = violations(rows, NOW + patience - timedelta(seconds=1))
    assert rule not in [each.rule for each in early]


def test_an_order_on_its_way_need_not_agree_with_the_others_yet() -> None:
    rows = sound()
    change("reservations", "ord_3", status="RELEASED")(rows)
    change("orders", "ord_4", status="PENDING")(rows)
    assert violations(rows, NOW + SETTLED_AFTER) == []
    assert len(violations(rows, NOW + SHOULD_HAVE_ENDED)) == 1


def test_what_is_wrong_for_a_moment_only_is_no_violation() -> None:
    rows = sound()
    shop = Shop(rows)
    change("reservations", "ord_3", status="RELEASED")(rows)

    def agrees_again(seconds: float) -> None:
        change("reservations", "ord_3", status="REFUSED")(rows)

    clock = Clock(lambda: 0.0, agrees_again, lambda: LATER)
    jobs = Reconciliations(shop.tables, shop.log, shop.replays, clock)
    assert jobs.run(jobs.start(by="operator", reason="to see")).violations == 0


def test_a_product_that_is_sold_while_its_reservations_are_read_is_compared_another_time() -> None:
    rows = sound()
    change("stock", "lamp", sold_qty=6, available_qty=3)(rows)
    shop = Shop(rows)
    shop.tables.changed_at = {"lamp": LATER}
    done = shop.reconciled()
    assert (done.violations, done.unsettled) == (0, 1)
    change("stock", "lamp", available_qty=7)(rows)
    done = shop.reconciled()
    assert [each.rule for each in shop.log.violations(done.reconciliation_id)] == ["stock-equation"]


def test_only_what_has_changed_since_is_looked_at() -> None:
    rows = sound()
    change("reservations", "ord_3", status="RELEASED")(rows)
    change("orders", "ord_4", history=(Step(event="Late", at=LATER, caused_by="event", status="RESERVED"),))(rows)
    shop = Shop(rows)
    done = shop.reconciled(changed_since=LATER)
    assert (done.rows, done.violations) == (1, 0)
    assert shop.reconciled(changed_since=NOW).violations == 1


def test_however_many_orders_there_are_few_are_looked_at_together() -> None:
    rows = sound()
    for number in range(100, 100 + 3 * AT_ONCE):
        rows["orders"][f"ord_{number}"] = _order(f"ord_{number}", "REJECTED")
    shop = Shop(rows, NOW)
    shop.reconciled()
    assert shop.tables.most_at_once <= AT_ONCE


def test_a_worker_that_is_killed_at_any_write_is_followed_by_one_that_finds_the_same() -> None:
    rows = sound()
    change("reservations", "ord_2", status="COMMITTED")(rows)
    change("stock", "lamp", available_qty=7)(rows)
    whole = Shop(rows, size=2 * ROWS_PER_PART)
    expected = whole.reconciled()
    for at in range(1, 60):
        shop = Shop(rows, size=2 * ROWS_PER_PART)
        started = shop.jobs.start(by="operator", reason="to see")
        shop.log.step = Killer(at)
        try:
            shop.jobs.run(started)
        except Killed:
            shop.log.step = lambda: None
        found = shop.jobs.run(shop.jobs.get(started.reconciliation_id))
        assert (found.state, found.violations, found.rows) == (JobState.DONE, expected.violations, expected.rows)
        kept = shop.log.violations(started.reconciliation_id)
        assert kept == whole.log.violations(expected.reconciliation_id)


def test_one_that_is_cancelled_stops_and_goes_on_when_it_is_resumed() -> None:
    shop = Shop(sound(), size=2 * ROWS_PER_PART)
    started = shop.jobs.start(by="operator", reason="to see")
    shop.jobs.cancel(started.reconciliation_id, "operator")
    stopped = shop.jobs.run(started)
    assert (stopped.state, stopped.done) == (JobState.CANCELLED, 0)
    with pytest.raises(Conflict, match="nothing to cancel"):
        shop.jobs.cancel(started.reconciliation_id, "operator")
    resumed = shop.jobs.run(shop.jobs.resume(started.reconciliation_id))
    assert (resumed.state, resumed.done) == (JobState.DONE, resumed.parts)
    with pytest.raises(Conflict, match="cannot be resumed"):
        shop.jobs.resume(started.reconciliation_id)


def test_one_whose_time_is_over_is_running_still_and_the_next_worker_goes_on() -> None:
    shop = Shop(sound(), size=2 * ROWS_PER_PART)
    started = shop.jobs.start(by="operator", reason="to see")
    assert shop.jobs.run(started, until=-1.0).state is JobState.RUNNING


def test_one_whose_worker_is_silent_is_interrupted() -> None:
    shop = Shop(sound())
    started = shop.jobs.start(by="operator", reason="to see")
    shop.now = LATER + STALE_AFTER
    assert shop.jobs.get(started.reconciliation_id).state is JobState.QUEUED
    shop.now += timedelta(seconds=1)
    assert shop.jobs.get(started.reconciliation_id).state is JobState.INTERRUPTED


def replayed(shop: Shop, *order_ids: str) -> str:
    replay = Replay(replay_id="rpl_1", action=Action.REPLAY, by="operator", reason="mended", target="all", at=NOW)
    shop.replays.save(replay)
    known: dict[str, Any] = {"replay_id": "rpl_1", "queue": "OrdersDlq", "outcome": Outcome.REPLAYED, "at": NOW}
    shop.replays.save_messages([ReplayedMessage(message_id=each, order_id=each, **known) for each in order_ids])
    return replay.replay_id


def test_a_replay_did_no_harm_if_its_orders_go_on_and_their_shoppers_were_told() -> None:
    rows = sound()
    rows["mails"] = {"1": MailRow(mail="OrderConfirmed", status="SENT")}
    change("reservations", "ord_3", status="RELEASED")(rows)  # Of another order.
    shop = Shop(rows)
    done = shop.reconciled(replay_id=replayed(shop, "ord_1"))
    assert (done.rows, done.violations) == (1, 0)


def test_what_a_replay_has_left_waiting_untold_or_unmade_is_named() -> None:
    rows = sound()
    rows["mails"] = {"1": MailRow(mail="OrderConfirmed", status="CLAIMED")}
    change("payments", "ord_4", status="SUCCEEDED")(rows)
    shop = Shop(rows, NOW + timedelta(minutes=1))
    done = shop.reconciled(replay_id=replayed(shop, "ord_1", "ord_4", "ord_8"))
    found = {(each.rule, each.key): each.text for each in shop.log.violations(done.reconciliation_id)}
    rules = {"ord_1": "mailed-once", "ord_4": "goes-on", "ord_8": "gone", "pay_4": "charged-once"}
    assert found.keys() == {(rule, key) for key, rule in rules.items()}
    assert "orders to consume PaymentSucceeded" in found["goes-on", "ord_4"]


def test_an_export_says_only_where_to_look_and_what_is_mended_meanwhile_is_no_violation() -> None:
    rows = sound()
    change("reservations", "ord_3", status="RELEASED")(rows)
    change("reservations", "ord_2", status="RELEASED")(rows)
    shop = Shop(rows)
    started = shop.jobs.start(by="operator", reason="to see", from_export=True)
    assert shop.jobs.run(started, until=-1.0).state is JobState.RUNNING
    change("reservations", "ord_3", status="REFUSED")(rows)
    done = shop.jobs.run(shop.jobs.get(started.reconciliation_id))
    assert (done.state, done.violations) == (JobState.DONE, 0)


def test_a_product_that_is_sold_while_its_export_is_made_is_compared_all_the_same() -> None:
    rows = sound()
    change("stock", "lamp", sold_qty=6, available_qty=3)(rows)
    shop = Shop(rows)
    shop.tables.changed_at = {"lamp": LATER - EXPORT_AGE - timedelta(minutes=2)}
    done = shop.reconciled(from_export=True)
    assert (done.violations, done.unsettled) == (1, 0)
    shop.tables.changed_at = {"lamp": LATER - EXPORT_AGE}
    done = shop.reconciled(from_export=True)
    assert (done.violations, done.unsettled) == (0, 1), "its own second is not told apart"


def test_an_export_is_read_in_chunks_and_its_orders_are_checked_in_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.reconciliation.exports.ROWS_PER_CHUNK", 2)
    monkeypatch.setattr("operations.reconciliation.domain.ORDERS_PER_SHARE", 2)
    rows = sound()
    change("reservations", "ord_2", status="COMMITTED")(rows)
    change("stock", "lamp", available_qty=7)(rows)
    whole = Shop(rows).reconciled()
    expected = whole.violations
    for at in range(1, 80):
        shop = Shop(rows)
        started = shop.jobs.start(by="operator", reason="to see", from_export=True)
        shop.log.step = Killer(at)
        try:
            shop.jobs.run(started)
        except Killed:
            shop.log.step = lambda: None
        found = shop.jobs.run(shop.jobs.get(started.reconciliation_id))
        assert (found.state, found.violations, found.rows) == (JobState.DONE, expected, whole.rows)
        assert len(shop.exporter.begun) == len(shop.tables.names()), "each table is exported once"
    assert found.parts is not None
    assert found.parts > 20


def test_an_export_is_awaited_and_can_be_cancelled_meanwhile() -> None:
    shop = Shop(sound())
    shop.exporter.looks = 3
    assert shop.reconciled(from_export=True).state is JobState.DONE
    shop.exporter.looks = 1000
    started = shop.jobs.start(by="operator", reason="to see", from_export=True)
    shop.jobs.cancel(started.reconciliation_id, "operator")
    stopped = shop.jobs.run(started)
    assert (stopped.state, stopped.parts) == (JobState.CANCELLED, None)


def test_an_export_that_failed_interrupts_it_and_when_it_is_resumed_all_is_exported_again() -> None:
    shop = Shop(sound())
    shop.exporter.fails = True
    started = shop.jobs.start(by="operator", reason="to see", from_export=True)
    with pytest.raises(ExportFailed, match="could not export OrdersTable: The bucket is gone"):
        shop.jobs.run(started)
    assert shop.jobs.get(started.reconciliation_id).state is JobState.INTERRUPTED
    shop.exporter.fails = False
    shop.now += timedelta(minutes=1)
    assert shop.jobs.run(shop.jobs.resume(started.reconciliation_id)).state is JobState.DONE
    assert len(shop.exporter.begun) == 2 * len(shop.tables.names())


def test_a_data_file_that_is_not_whole_is_no_answer() -> None:
    shop = Shop(sound())
    started = shop.jobs.start(by="operator", reason="to see", from_export=True)
    shop.jobs.run(started, until=-1.0)
    torn = next(key for key in shop.exporter.objects if "data/aaaa" in key)
    shop.exporter.objects[torn] = gzip.compress(b"")
    with pytest.raises(ExportFailed, match="has not the"):
        shop.jobs.run(shop.jobs.get(started.reconciliation_id))
    assert shop.jobs.get(started.reconciliation_id).state is JobState.INTERRUPTED


def test_tables_beyond_a_size_are_exported_and_a_stage_without_a_bucket_says_that_it_cannot() -> None:
    rows_each = EXPORT_BEYOND // 7
    assert not Shop(sound(), size=rows_each).jobs.cost().exported
    large = Shop(sound(), size=rows_each + 1)
    assert large.jobs.start(by="schedule", reason="every night").from_export
    assert not large.jobs.start(by="operator", reason="to see", from_export=False).from_export
    assert not large.jobs.start(by="operator", reason="to see", changed_since=NOW).from_export
    without = replace(large.jobs, exporter=None)
    assert not without.start(by="schedule", reason="every night").from_export
    with pytest.raises(Conflict, match="exports no tables"):
        without.start(by="operator", reason="to see", from_export=True)


def test_the_cost_is_told_by_the_tables_sizes() -> None:
    sizes = [TableSize(table=Subject.ORDERS, rows=1000, bytes=4_096_000)]
    whole = cost_of(sizes, whole=True)
    assert (whole.rows, whole.units) == (1000, 2000), "scanned, and looked at"
    assert cost_of(sizes, whole=False).units == 1000
    exported = cost_of(sizes, whole=True, exported=True)
    assert (exported.units, round(exported.dollars, 6)) == (0, 0.00041), "0.10 US dollars for each GB"


def test_an_export_as_aws_lays_it_out_says_of_the_recorded_rows_what_the_tables_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """moto lays its exports out in another way, and the emulator's never end."""
    names = [f"{table.name}Table" for table in TABLES]
    now = datetime(2101, 1, 1, tzinfo=UTC)  # A year after what was recorded.
    recorded = json.loads((Path(__file__).parents[3] / "events" / "rows.json").read_text())
    with shop_tables(monkeypatch, *names):
        aws.s3().create_bucket(Bucket="exports", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
        for table in recorded.keys() & set(names):
            for item in recorded[table]:
                aws.dynamodb().put_item(TableName=table, Item=item)

        def export(asked: dict[str, Any]) -> dict[str, Any]:
            assert (asked["ExportTime"], asked["ExportFormat"]) == (now - EXPORT_AGE, "DYNAMODB_JSON")
            table = asked["TableArn"].rpartition("/")[2]
            folder = f"{asked['S3Prefix']}/AWSDynamoDB/01695353076000-{table}"
            for key, content in exported(folder, items_of(table)).items():
                aws.s3().put_object(Bucket=asked["S3Bucket"], Key=key, Body=content)
            return {"ExportDescription": {"ExportArn": f"{asked['TableArn']}/export/01695353076000-{table}"}}

        wire = Wire(monkeypatch)
        wire.stubs("ExportTableToPointInTime", export)
        wire.stubs("DescribeExport", {"ExportDescription": {"ExportStatus": "COMPLETED"}})
        log, clock = InMemoryReconciliationLog(), Clock(lambda: 0.0, lambda seconds: None, lambda: now)
        tables = DynamoDBWholeTables(load(TableSettings))
        jobs = Reconciliations(tables, log, InMemoryReplayLog(), clock, S3Exporter("exports"))
        of_tables = jobs.run(jobs.start(by="operator", reason="to see", from_export=False))
        of_export = jobs.run(jobs.start(by="operator", reason="to see", from_export=True))
        assert of_export.rows == of_tables.rows > 40
        found = log.violations(of_export.reconciliation_id)
        assert found == log.violations(of_tables.reconciliation_id)
        assert len(found) > 10, "the recorded rows are of orders in the middle of their way"
