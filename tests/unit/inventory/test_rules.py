"""The rules of a reservation, every state against every message, and what each does to stock."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudretail.decider import Context, Nothing
from cloudretail.event import EventData
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced
from contract.values import CancelReason, RefusalReason, Shortage, StockLine
from inventory.domain import Delta, Reservation, ReservationStatus, StockChange, decide, message_of, summed
from inventory.reactions import CONSUMER
from inventory.store import RESERVATIONS
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, name_of, sgd

WINDOW = timedelta(minutes=15)
IN_TIME = NOW + timedelta(hours=24)
"""The examples' order is worth a day: the last moment of it."""
TOO_LATE = IN_TIME + timedelta(microseconds=1)
LINES = (StockLine(product_id="canvas-backpack", quantity=2), StockLine(product_id="desk-lamp", quantity=1))
SHORT = (Shortage(product_id="canvas-backpack", requested=2, available=1),)


def reservation(status: str) -> Reservation | None:
    if status == "none":
        return None
    return Reservation(order_id=ORDER["order_id"], status=ReservationStatus(status), lines=LINES, until=NOW + WINDOW)


def decided(
    state: Reservation | None, event: EventData, now: datetime = NOW, shortages: tuple[Shortage, ...] = ()
) -> StockChange | Nothing:
    return decide(state, message_of(event, WINDOW, shortages), Context(event.subject, "event-1", now))


class Case:
    """A message as it reaches inventory: when, and with what the stock said to a first decision."""

    def __init__(self, message: EventData, now: datetime = NOW, shortages: tuple[Shortage, ...] = ()) -> None:
        self.message, self.now, self.shortages = message, now, shortages

    def decide(self, state: Reservation | None) -> StockChange | Nothing:
        return decided(state, self.message, self.now, self.shortages)


BY_NAME = {name_of(data): data for data in EXAMPLES}
CASES: dict[str, Case] = {name: Case(data) for name, data in BY_NAME.items()} | {
    "OrderPlaced at the last moment": Case(BY_NAME["OrderPlaced"], IN_TIME),
    "OrderPlaced too late": Case(BY_NAME["OrderPlaced"], TOO_LATE),
    "OrderPlaced, short": Case(BY_NAME["OrderPlaced"], NOW, SHORT),
    "OrderPlaced too late, short": Case(BY_NAME["OrderPlaced"], TOO_LATE, SHORT),
}
STATES = ["none", "HELD", "COMMITTED", "RELEASED", "REFUSED"]

TAKE = {"canvas-backpack": Delta(available=-2, reserved=2), "desk-lamp": Delta(available=-1, reserved=1)}
GIVE_BACK = {"canvas-backpack": Delta(available=2, reserved=-2), "desk-lamp": Delta(available=1, reserved=-1)}
SELL = {"canvas-backpack": Delta(reserved=-2, sold=2), "desk-lamp": Delta(reserved=-1, sold=1)}
RESTOCK = {"canvas-backpack": Delta(available=2, sold=-2), "desk-lamp": Delta(available=1, sold=-1)}

RULES: dict[tuple[str, str], tuple[str, list[str], dict[str, Delta]]] = {
    ("none", "OrderPlaced"): ("HELD", ["InventoryReserved"], TAKE),
    ("none", "OrderPlaced at the last moment"): ("HELD", ["InventoryReserved"], TAKE),
    ("none", "OrderPlaced too late"): ("REFUSED", ["InventoryReservationFailed"], {}),
    ("none", "OrderPlaced, short"): ("REFUSED", ["InventoryReservationFailed"], {}),
    ("none", "OrderPlaced too late, short"): ("REFUSED", ["InventoryReservationFailed"], {}),
    ("none", "OrderCancelled"): ("RELEASED", [], {}),
    ("HELD", "OrderCancelled"): ("RELEASED", ["InventoryReleased"], GIVE_BACK),
    ("HELD", "OrderConfirmed"): ("COMMITTED", ["InventoryCommitted"], SELL),
    ("COMMITTED", "OrderCancelled"): ("RELEASED", ["InventoryReleased"], RESTOCK),
}


def changed(status: str, name: str) -> StockChange:
    decision = CASES[name].decide(reservation(status))
    assert isinstance(decision, StockChange)
    return decision


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("status", STATES)
def test_a_reservation_answers_as_the_table_says_and_nothing_else_changes_it(status: str, name: str) -> None:
    decision = CASES[name].decide(reservation(status))

    if (status, name) not in RULES:
        reason = "there is no reservation" if status == "none" else f"the reservation is {status}"
        assert decision == Nothing(reason)
        return
    assert isinstance(decision, StockChange)
    events = [name_of(event) for event in decision.events]
    assert (decision.state.status, events, decision.stock) == RULES[status, name]


@pytest.mark.parametrize("status, name", RULES)
def test_the_same_message_again_is_nothing(status: str, name: str) -> None:
    assert isinstance(CASES[name].decide(changed(status, name).state), Nothing)


@pytest.mark.parametrize("status, name", RULES)
def test_a_reservation_keeps_its_lines_and_reads_back_as_it_was_written(status: str, name: str) -> None:
    change = changed(status, name)
    row = RESERVATIONS.after(ORDER["order_id"], None, change, CAUSE, NOW)

    assert (change.state.order_id, change.state.lines) == (ORDER["order_id"], LINES)
    assert RESERVATIONS.from_item(RESERVATIONS.to_item(row)) == row


@pytest.mark.parametrize("status, name", RULES)
def test_nothing_is_lost_and_nothing_comes_from_nowhere(status: str, name: str) -> None:
    for delta in changed(status, name).stock.values():
        assert delta.available + delta.reserved + delta.sold == 0


def test_inventory_takes_exactly_the_events_that_the_choreography_sends_it() -> None:
    assert set(CONSUMER.subscribes_to) == {OrderPlaced, OrderConfirmed, OrderCancelled}


def test_a_reservation_is_promised_until_the_window_closes() -> None:
    held = changed("none", "OrderPlaced")

    assert held.events == [InventoryReserved(order_id=ORDER["order_id"], lines=LINES, until=NOW + WINDOW)]
    assert held.state.until == NOW + WINDOW


def test_a_refusal_says_what_was_short() -> None:
    assert changed("none", "OrderPlaced, short").events == [
        InventoryReservationFailed(order_id=ORDER["order_id"], reason=RefusalReason.SOLD_OUT, shortages=SHORT)
    ]


@pytest.mark.parametrize("name", ["OrderPlaced too late", "OrderPlaced too late, short"])
def test_an_order_that_is_heard_of_too_late_is_refused_for_that_and_not_for_the_stock(name: str) -> None:
    assert changed("none", name).events == [
        InventoryReservationFailed(order_id=ORDER["order_id"], reason=RefusalReason.EXPIRED)
    ]


def test_after_a_cancellation_a_late_order_reserves_nothing() -> None:
    tombstone = changed("none", "OrderCancelled").state

    assert isinstance(CASES["OrderPlaced"].decide(tombstone), Nothing)
    assert isinstance(CASES["OrderConfirmed"].decide(tombstone), Nothing)


def test_two_lines_of_one_product_are_one_line_of_stock() -> None:
    placed = BY_NAME["OrderPlaced"]
    assert isinstance(placed, OrderPlaced)
    twice = placed.model_copy(update={"items": (*placed.items, *placed.items)})

    held = decided(None, twice)

    assert isinstance(held, StockChange)
    assert [(line.product_id, line.quantity) for line in held.state.lines] == [("canvas-backpack", 4), ("desk-lamp", 2)]
    assert held.stock["canvas-backpack"] == Delta(available=-4, reserved=4)


MESSAGES = st.lists(st.sampled_from(sorted(CASES)), max_size=12)


@given(MESSAGES)
def test_whatever_comes_in_whichever_order_the_counters_are_what_the_reservation_says(names: list[str]) -> None:
    state: Reservation | None = None
    moved: dict[str, Delta] = {}
    for name in names:
        decision = CASES[name].decide(state)
        if isinstance(decision, StockChange):
            state = decision.state
            moved = {
                product: moved.get(product, Delta()) + decision.stock.get(product, Delta())
                for product in moved | dict(decision.stock)
            }

    status = state.status if state else "none"
    assert {product: delta for product, delta in moved.items() if delta != Delta()} == {
        "none": {},
        "HELD": TAKE,
        "COMMITTED": {
            "canvas-backpack": Delta(available=-2, sold=2),
            "desk-lamp": Delta(available=-1, sold=1),
        },
        "RELEASED": {},
        "REFUSED": {},
    }[status]


def placed(order_id: str, **quantities: int) -> OrderPlaced:
    items: Any = [
        {"product_id": product, "name": product, "quantity": quantity, "unit_price": sgd(100)}
        for product, quantity in quantities.items()
    ]
    return OrderPlaced.model_validate(
        {**ORDER, "order_id": order_id, "items": items, "placed_at": NOW, "place_by": IN_TIME}
    )


ORDERS = st.lists(
    st.dictionaries(st.sampled_from(["bag", "lamp", "mug"]), st.integers(1, 9), min_size=1), min_size=1, max_size=10
)


@given(ORDERS)
def test_the_sum_of_several_changes_is_what_they_do_to_each_product_together(orders: list[dict[str, int]]) -> None:
    changes = []
    for number, quantities in enumerate(orders):
        change = decided(None, placed(f"ord_{number}", **quantities))
        assert isinstance(change, StockChange)
        changes.append(change)

    wanted = {product: sum(order.get(product, 0) for order in orders) for order in orders for product in order}
    assert summed(changes) == {product: Delta(available=-n, reserved=n) for product, n in wanted.items()}


@pytest.mark.parametrize("reason", CancelReason)
def test_what_was_held_goes_back_whoever_called_the_order_off(reason: CancelReason) -> None:
    decision = decided(reservation("HELD"), OrderCancelled(**ORDER, reason=reason))

    assert isinstance(decision, StockChange)
    assert decision.stock == GIVE_BACK
