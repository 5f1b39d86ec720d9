"""Every invariant across the tables is noticed when it breaks, and by the row that breaks it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contract.values import InspectedLine, StockLine
from operations.diagnosis.reconciliation import SETTLED_AFTER, SHOULD_HAVE_ENDED, violations
from operations.diagnosis.tables import (
    AccountRow,
    BookedRow,
    ChargeRow,
    OrderRow,
    PaymentRow,
    RefundRow,
    ReservationRow,
    ReturnRow,
    ShipmentRow,
    Step,
    StockRow,
    TableSnapshot,
)
from tests.support.examples import NOW

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
    assert violations(snapshot_of(rows), LATER) == []


def test_a_sound_shop_breaks_nothing() -> None:
    assert violations(snapshot_of(sound()), LATER) == []


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
    found = violations(snapshot_of(rows), LATER)
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
    found = violations(snapshot_of(rows), NOW + patience)
    assert [each.text.partition("Next: ")[2] for each in found if each.rule == rule] == [next_]
    early = violations(snapshot_of(rows), NOW + patience - timedelta(seconds=1))
    assert rule not in [each.rule for each in early]


def test_an_order_on_its_way_need_not_agree_with_the_others_yet() -> None:
    rows = sound()
    change("reservations", "ord_3", status="RELEASED")(rows)
    change("orders", "ord_4", status="PENDING")(rows)
    assert violations(snapshot_of(rows), NOW + SETTLED_AFTER) == []
    assert len(violations(snapshot_of(rows), NOW + SHOULD_HAVE_ENDED)) == 1
