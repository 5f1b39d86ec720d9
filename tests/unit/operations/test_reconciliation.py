"""Every invariant across the tables is noticed when it breaks, and by the row that breaks it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contract.values import StockLine
from operations.diagnosis.reconciliation import SETTLED_AFTER, SHOULD_HAVE_ENDED, violations
from operations.diagnosis.tables import (
    AccountRow,
    ChargeRow,
    OrderRow,
    PaymentRow,
    RefundRow,
    ReservationRow,
    Step,
    StockRow,
    TableSnapshot,
)
from tests.support.examples import NOW

LATER = NOW + timedelta(days=1)

type Rows = dict[str, dict[str, Any]]


def sound() -> Rows:
    """A shop with one order in each state that an order can rest in; `ord_1` is confirmed and paid by card."""
    states = {
        "ord_1": ("CONFIRMED", "COMMITTED", "SUCCEEDED"),
        "ord_2": ("CANCELLED", "RELEASED", "REFUNDED"),
        "ord_3": ("REJECTED", "REFUSED", "VOIDED"),
        "ord_4": ("RESERVED", "HELD", "OPEN"),
    }
    rows: Rows = {"orders": {}, "reservations": {}, "payments": {}, "stock": {}, "charges": {}, "accounts": {}}
    for order_id, (order, reservation, payment) in states.items():
        rows["orders"][order_id] = _order(order_id, order)
        rows["reservations"][order_id] = ReservationRow(
            order_id=order_id, status=reservation, lines=(StockLine(product_id="lamp", quantity=2),)
        )
        rows["payments"][order_id] = PaymentRow(
            payment_id=order_id.replace("ord", "pay"), order_id=order_id, status=payment, amount=10, currency="SGD",
            method="CARD", created_at=NOW,
        )  # fmt: skip
    rows["accounts"]["user-1"] = AccountRow.model_validate({"userId": "user-1", "version": 9, "ord_4": {"pieces": 2}})
    rows["stock"]["lamp"] = StockRow(product_id="lamp", available_qty=6, reserved_qty=2, sold_qty=2, received_qty=10)
    for key in ("pay_1:1", "pay_2:1", "pay_2:refund"):
        rows["charges"][key] = ChargeRow(charge_key=key, outcome="ACCEPTED", amount=10, currency="SGD")
    return rows


def snapshot_of(rows: Rows) -> TableSnapshot:
    return TableSnapshot(row for table in rows.values() for row in table.values())


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


def add_charge(*keys: str, refund: str | None = None) -> Callable[[Rows], None]:
    """Charges and refunds at the provider, and where the refund stands of which payment `ord_3` knows, if of any."""

    def apply(rows: Rows) -> None:
        for key in keys:
            rows["charges"][key] = ChargeRow(charge_key=key, outcome="ACCEPTED")
        if refund:
            refunds = (RefundRow(status=refund),)
            rows["payments"]["ord_3"] = rows["payments"]["ord_3"].model_copy(update={"refunds": refunds})

    return apply


def hold(*order_ids: str) -> Callable[[Rows], None]:
    """The account says that these are its open orders."""

    def apply(rows: Rows) -> None:
        held = {order_id: {"pieces": 2, "cash": 0} for order_id in order_ids}
        rows["accounts"]["user-1"] = AccountRow.model_validate({"userId": "user-1", **held})

    return apply


REFUND = ("refund", "pay_3")


@pytest.mark.parametrize(
    "taken",
    [
        add_charge("pay_3:1", "pay_3:attempt:1", refund="DONE"),
        add_charge("pay_3:1", refund="REQUESTED"),
        add_charge("pay_3:1", "pay_3:attempt:1", refund="REQUESTED"),
        change("payments", "ord_4", provider="stripe", status="SUBMITTED"),
    ],
    ids=["given back", "to be given back", "given back a moment ago", "at a provider that keeps its own books"],
)
def test_what_is_given_back_beside_the_payment_and_what_others_took_breaks_nothing(
    taken: Callable[[Rows], None],
) -> None:
    rows = sound()
    taken(rows)
    assert violations(snapshot_of(rows), LATER) == []


def test_a_sound_shop_breaks_nothing() -> None:
    assert violations(snapshot_of(sound()), LATER) == []


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (change("stock", "lamp", available_qty=7), [("stock-equation", "lamp")]),
        (change("stock", "lamp", available_qty=-1, received_qty=3), [("stock-equation", "lamp")]),
        (change("stock", "lamp", reserved_qty=1, available_qty=7), [("stock-reserved", "lamp")]),
        (change("stock", "lamp", sold_qty=1, available_qty=7), [("stock-sold", "lamp")]),
        (
            change("reservations", "ord_2", status="COMMITTED"),
            [("reservation-of-order", "ord_2"), ("stock-sold", "lamp")],
        ),
        (change("reservations", "ord_3", status="RELEASED"), [("reservation-of-order", "ord_3")]),
        (remove("reservations", "ord_3"), [("reservation-of-order", "ord_3")]),
        (remove("orders", "ord_3"), [("payment-of-order", "pay_3"), ("reservation-of-order", "ord_3")]),
        (remove("payments", "ord_3"), [("payment-of-order", "ord_3")]),
        (change("payments", "ord_1", amount=11), [("payment-of-order", "pay_1")]),
        (change("payments", "ord_3", status="OPEN"), [("payment-of-order", "pay_3")]),
        (change("payments", "ord_2", status="SUCCEEDED"), [("charged-once", "pay_2"), ("payment-of-order", "pay_2")]),
        (change("payments", "ord_2", status="REFUND_FAILED"), [("charged-once", "pay_2"), ("refund", "pay_2")]),
        (add_charge("pay_1:2"), [("charged-once", "pay_1")]),
        (add_charge("pay_3:1"), [("charged-once", "pay_3")]),
        (add_charge("pay_9:1"), [("charged-once", "pay_9")]),
        (remove("charges", "pay_1:1"), [("charged-once", "pay_1")]),
        (remove("charges", "pay_2:refund"), [("charged-once", "pay_2")]),
        (change("payments", "ord_1", method="COD"), [("charged-once", "pay_1")]),
        (change("payments", "ord_3", refunds=(RefundRow(status="REFUSED"),)), [("charged-once", "pay_3"), REFUND]),
        (add_charge("pay_3:1", refund="REFUSED"), [REFUND]),
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
    assert sorted({(each.rule, each.key) for each in violations(snapshot_of(rows), LATER)}) == sorted(expected)


def test_an_order_on_its_way_need_not_agree_with_the_others_yet() -> None:
    rows = sound()
    change("reservations", "ord_3", status="RELEASED")(rows)
    change("orders", "ord_4", status="PENDING")(rows)
    assert violations(snapshot_of(rows), NOW + SETTLED_AFTER) == []
    assert len(violations(snapshot_of(rows), NOW + SHOULD_HAVE_ENDED)) == 1
