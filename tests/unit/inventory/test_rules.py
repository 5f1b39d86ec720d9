"""The rules of a reservation, every state against every message, and what each does to stock."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudretail.decider import Context, Nothing
from cloudretail.event import EventData
from contract.inventory import (
    InventoryCommitted,
    InventoryReleased,
    InventoryReservationFailed,
    InventoryReserved,
    InventoryRestocked,
)
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced, ReturnAccepted
from contract.values import CancelReason, InspectedLine, RefusalReason, Shortage, StockLine
from inventory.domain import (
    BookedReturn,
    Delta,
    Reservation,
    ReservationStatus,
    StockChange,
    awaited,
    decide,
    message_of,
    summed,
)
from inventory.reactions import CONSUMER
from inventory.store import RESERVATIONS
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, name_of, sgd

WINDOW = timedelta(minutes=15)
IN_TIME = NOW + timedelta(hours=24)
"""The examples' order is worth a day: the last moment of it."""
TOO_LATE = IN_TIME + timedelta(microseconds=1)
LAMP = InspectedLine(product_id="desk-lamp", restock=1)
LINES = (StockLine(product_id="canvas-backpack", quantity=2), StockLine(product_id="desk-lamp", quantity=1))
SHORT = (Shortage(product_id="canvas-backpack", requested=2, available=1),)


def reservation(state: str) -> Reservation | None:
    """`COMMITTED, returned`: the return of the examples is booked."""
    if state == "none":
        return None
    status, _, returned = state.partition(", ")
    booked = (BookedReturn(return_id=RETURN.return_id, lines=RETURN.lines),) if returned else ()
    return Reservation(
        order_id=ORDER["order_id"],
        status=ReservationStatus(status),
        lines=LINES,
        until=NOW + WINDOW,
        returns=booked,
    )


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
RETURN = BY_NAME["ReturnAccepted"]
"""Of the two backpacks, one is broken."""
CANCELLED = BY_NAME["OrderCancelled"].model_copy(update={"written_off": ()})
BROKEN = (StockLine(product_id="canvas-backpack", quantity=1),)
LOST = LINES
CASES: dict[str, Case] = {name: Case(data) for name, data in BY_NAME.items()} | {
    "OrderPlaced at the last moment": Case(BY_NAME["OrderPlaced"], IN_TIME),
    "OrderPlaced too late": Case(BY_NAME["OrderPlaced"], TOO_LATE),
    "OrderPlaced, short": Case(BY_NAME["OrderPlaced"], NOW, SHORT),
    "OrderPlaced too late, short": Case(BY_NAME["OrderPlaced"], TOO_LATE, SHORT),
    "OrderCancelled": Case(CANCELLED),
    "OrderCancelled, one is broken": Case(CANCELLED.model_copy(update={"written_off": BROKEN})),
    "OrderCancelled, lost": Case(CANCELLED.model_copy(update={"written_off": LOST})),
    "ReturnAccepted, another": Case(RETURN.model_copy(update={"return_id": "ret_another", "lines": (LAMP,)})),
}
STATES = ["none", "HELD", "COMMITTED", "COMMITTED, returned", "RELEASED", "REFUSED"]

TAKE = {"canvas-backpack": Delta(available=-2, reserved=2), "desk-lamp": Delta(available=-1, reserved=1)}
GIVE_BACK = {"canvas-backpack": Delta(available=2, reserved=-2), "desk-lamp": Delta(available=1, reserved=-1)}
SELL = {"canvas-backpack": Delta(reserved=-2, sold=2), "desk-lamp": Delta(reserved=-1, sold=1)}
RESTOCK = {"canvas-backpack": Delta(available=2, sold=-2), "desk-lamp": Delta(available=1, sold=-1)}
TAKE_BACK = {"canvas-backpack": Delta(available=1, written_off=1, sold=-2)}
TAKE_LAMP_BACK = {"desk-lamp": Delta(available=1, sold=-1)}

RELEASE = ["InventoryReleased"]
RULES: dict[tuple[str, str], tuple[str, list[str], dict[str, Delta]]] = {
    ("none", "OrderPlaced"): ("HELD", ["InventoryReserved"], TAKE),
    ("none", "OrderPlaced at the last moment"): ("HELD", ["InventoryReserved"], TAKE),
    ("none", "OrderPlaced too late"): ("REFUSED", ["InventoryReservationFailed"], {}),
    ("none", "OrderPlaced, short"): ("REFUSED", ["InventoryReservationFailed"], {}),
    ("none", "OrderPlaced too late, short"): ("REFUSED", ["InventoryReservationFailed"], {}),
    ("none", "OrderCancelled"): ("RELEASED", [], {}),
    ("none", "OrderCancelled, one is broken"): ("RELEASED", [], {}),
    ("none", "OrderCancelled, lost"): ("RELEASED", [], {}),
    ("HELD", "OrderCancelled"): ("RELEASED", RELEASE, GIVE_BACK),
    # The parcel was sent, although inventory has not received the confirmation yet.
    ("HELD", "OrderCancelled, one is broken"): (
        "RELEASED",
        RELEASE,
        GIVE_BACK | {"canvas-backpack": Delta(available=1, written_off=1, reserved=-2)},
    ),
    ("HELD", "OrderCancelled, lost"): (
        "RELEASED",
        RELEASE,
        {"canvas-backpack": Delta(written_off=2, reserved=-2), "desk-lamp": Delta(written_off=1, reserved=-1)},
    ),
    ("HELD", "OrderConfirmed"): ("COMMITTED", ["InventoryCommitted"], SELL),
    ("HELD", "ReturnAccepted"): (
        "COMMITTED",
        ["InventoryCommitted", "InventoryRestocked"],
        SELL | {"canvas-backpack": Delta(available=1, written_off=1, reserved=-2)},
    ),
    ("HELD", "ReturnAccepted, another"): (
        "COMMITTED",
        ["InventoryCommitted", "InventoryRestocked"],
        SELL | {"desk-lamp": Delta(available=1, reserved=-1)},
    ),
    ("COMMITTED", "ReturnAccepted"): ("COMMITTED", ["InventoryRestocked"], TAKE_BACK),
    ("COMMITTED", "ReturnAccepted, another"): ("COMMITTED", ["InventoryRestocked"], TAKE_LAMP_BACK),
    ("COMMITTED, returned", "ReturnAccepted, another"): ("COMMITTED", ["InventoryRestocked"], TAKE_LAMP_BACK),
    ("COMMITTED", "OrderCancelled"): ("RELEASED", RELEASE, RESTOCK),
    ("COMMITTED", "OrderCancelled, one is broken"): (
        "RELEASED",
        RELEASE,
        RESTOCK | {"canvas-backpack": Delta(available=1, written_off=1, sold=-2)},
    ),
    ("COMMITTED", "OrderCancelled, lost"): (
        "RELEASED",
        RELEASE,
        {"canvas-backpack": Delta(written_off=2, sold=-2), "desk-lamp": Delta(written_off=1, sold=-1)},
    ),
}
MEETINGS = [
    (state, name)
    for state in STATES
    for name in CASES
    # Orders never cancels what was delivered, and takes nothing back of what was cancelled.
    if not (state == "COMMITTED, returned" and name.startswith("OrderCancelled"))
]


def changed(status: str, name: str) -> StockChange:
    decision = CASES[name].decide(reservation(status))
    assert isinstance(decision, StockChange)
    return decision


@pytest.mark.parametrize("status, name", MEETINGS)
def test_a_reservation_answers_as_the_table_says_and_nothing_else_changes_it(status: str, name: str) -> None:
    decision = CASES[name].decide(reservation(status))

    if (status, name) not in RULES:
        assert isinstance(decision, Nothing)
        assert decision.reason
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
        assert delta.available + delta.reserved + delta.sold + delta.written_off == 0


def test_inventory_takes_exactly_the_events_that_the_choreography_sends_it() -> None:
    assert set(CONSUMER.subscribes_to) == {OrderPlaced, OrderConfirmed, OrderCancelled, ReturnAccepted}


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


@given(
    st.sampled_from(
        [
            # What orders publishes of one order: it is called off, or it is delivered and something comes back.
            ("OrderPlaced", "OrderConfirmed", "OrderCancelled", "OrderCancelled, one is broken"),
            ("OrderPlaced", "OrderConfirmed", "ReturnAccepted", "ReturnAccepted, another"),
            ("OrderPlaced", "OrderPlaced too late", "OrderPlaced, short", "OrderConfirmed", "OrderCancelled, lost"),
        ]
    ).flatmap(lambda names: st.lists(st.sampled_from(names), max_size=12))
)
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

    assert {product: delta for product, delta in moved.items() if delta != Delta()} == counted(state)


def counted(state: Reservation | None) -> dict[str, Delta]:
    """What a reservation has moved since it began, as its row says: by product, those that moved."""
    if state is None or state.status is ReservationStatus.REFUSED:
        return {}
    if state.status is ReservationStatus.HELD:
        return TAKE
    if state.status is ReservationStatus.RELEASED:
        # A tombstone has no stock to write off.
        return {
            line.product_id: Delta(available=-line.quantity, written_off=line.quantity) for line in state.written_off
        }
    counters = {line.product_id: Delta(available=-line.quantity, sold=line.quantity) for line in state.lines}
    for line in (line for each in state.returns for line in each.lines):
        back = Delta(available=line.restock, written_off=line.write_off, sold=-line.quantity)
        counters[line.product_id] += back
    return {product: delta for product, delta in counters.items() if delta != Delta()}


@pytest.mark.parametrize("status", ["HELD", "COMMITTED"])
def test_a_parcel_that_came_back_half_broken_is_half_sold_again_and_the_event_says_which(status: str) -> None:
    released = changed(status, "OrderCancelled, one is broken")

    assert released.events == [InventoryReleased(order_id=ORDER["order_id"], lines=LINES, written_off=BROKEN)]
    assert released.state.written_off == BROKEN


def test_a_return_that_is_heard_of_before_the_confirmation_books_both_and_the_late_confirmation_nothing() -> None:
    booked = changed("HELD", "ReturnAccepted")

    assert booked.events == [
        InventoryCommitted(order_id=ORDER["order_id"], lines=LINES),
        InventoryRestocked(order_id=ORDER["order_id"], return_id=RETURN.return_id, lines=RETURN.lines),
    ]
    assert isinstance(CASES["OrderConfirmed"].decide(booked.state), Nothing)


def test_two_returns_of_one_order_are_each_booked_once() -> None:
    one = changed("COMMITTED", "ReturnAccepted").state
    two = CASES["ReturnAccepted, another"].decide(one)

    assert isinstance(two, StockChange)
    assert [each.return_id for each in two.state.returns] == [RETURN.return_id, "ret_another"]
    for name in ("ReturnAccepted", "ReturnAccepted, another"):
        assert isinstance(CASES[name].decide(two.state), Nothing)


AWAITED = {
    "HELD": ["InventoryReserved"],
    "COMMITTED": ["InventoryReserved"],
    "COMMITTED, returned": ["InventoryReserved"],
}
"""Payments may not have received that the goods are held, whatever orders has learned."""


@pytest.mark.parametrize("state", [state for state in STATES if state != "none"])
def test_a_reservation_knows_what_others_may_still_wait_for(state: str) -> None:
    known = reservation(state)
    assert known

    assert [name_of(event) for event in awaited(known)] == AWAITED.get(state, [])


def test_what_is_published_again_is_what_was_published_first() -> None:
    held = changed("none", "OrderPlaced")

    assert awaited(held.state) == tuple(held.events)


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
