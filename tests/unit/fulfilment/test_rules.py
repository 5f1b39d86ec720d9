"""The rules of a shipment, every state against every event and every action of staff, as the contract's table says."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.errors import Refusal
from cloudretail.event import EventData
from contract.auth import AccountDeletionRequested
from contract.fulfilment import (
    ReturnReceived,
    ReturnRefused,
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentReturned,
)
from contract.orders import CancellationRequested, OrderConfirmed, ReturnRequested, ReturnWithdrawn
from contract.values import (
    Address,
    CancelReason,
    InspectedLine,
    Parcel,
    ParcelReturn,
    PaymentMethod,
    ReturnReason,
    ReturnRefusal,
    StockLine,
)
from fulfilment.carriers import CARRIERS, tracking_url
from fulfilment.domain import (
    CameBack,
    Command,
    Deliver,
    Lose,
    ReceiveReturn,
    RefuseReturn,
    Return,
    ReturnStatus,
    Ship,
    Shipment,
    ShipmentStatus,
    Step,
    act,
    awaited,
    decide,
)
from fulfilment.reactions import CONSUMER
from fulfilment.store import SHIPMENTS
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, VALUES, name_of, sgd

RETURN_ID = VALUES["return_id"]
LATER = NOW.replace(hour=9)
ADDRESS = Address(name="A Shopper", line1="1 Main Street", city="Singapore", postal_code="049315", country="SG")
NUMBER = "RR123456785SG"
PARCEL = Parcel(carrier="SingPost", tracking_number=NUMBER, tracking_url=tracking_url("SingPost", NUMBER))
ALL_GOOD = (InspectedLine(product_id="canvas-backpack", restock=2), InspectedLine(product_id="desk-lamp", restock=1))
HALF_BROKEN = (
    InspectedLine(product_id="canvas-backpack", restock=1, write_off=1),
    InspectedLine(product_id="desk-lamp", restock=1),
)
ALL_LOST = (
    InspectedLine(product_id="canvas-backpack", write_off=2),
    InspectedLine(product_id="desk-lamp", write_off=1),
)
ANNOUNCED = (StockLine(product_id="canvas-backpack", quantity=2),)
ARRIVED = (InspectedLine(product_id="canvas-backpack", restock=1, write_off=1),)

STATES = [
    *("none", "tombstone", "TO_SHIP", "SHIPPED", "DELIVERED", "RETURNED", "CANCELLED"),
    *("return EXPECTED", "return WITHDRAWN", "return RECEIVED", "return REFUSED"),
]


def shipment(state: str, method: PaymentMethod = PaymentMethod.CARD, **changes: Any) -> Shipment:
    """A shipment in this state; a return's state is one of a delivered parcel."""
    if state == "tombstone":
        reason = CancelReason.BY_SHOPPER
        story = (Step(what="ShipmentCancelled", at=NOW),)
        cancelled = ShipmentStatus.CANCELLED
        return Shipment(order_id=ORDER["order_id"], status=cancelled, cancel_reason=reason, story=story)
    of_return = state.startswith("return ")
    status = ShipmentStatus("DELIVERED" if of_return else state)
    delivered = status is ShipmentStatus.DELIVERED
    returned = status is ShipmentStatus.RETURNED
    return Shipment(
        order_id=ORDER["order_id"],
        status=status,
        user_id=ORDER["user_id"],
        user_email=ORDER["user_email"],
        items=ORDER["items"],
        shipping=ORDER["shipping"],
        tax=ORDER["tax"],
        total=sgd(15430),
        payment_method=method,
        shipping_address=ADDRESS,
        parcel=None if status in ("TO_SHIP", "CANCELLED") else PARCEL,
        delivered_at=NOW if delivered else None,
        cash=sgd(15430) if delivered and method is PaymentMethod.COD else None,
        came_back=ParcelReturn.REFUSED if returned else None,
        inspected=HALF_BROKEN if returned else (),
        returns=(a_return(ReturnStatus(state.removeprefix("return "))),) if of_return else (),
        cancel_reason=CancelReason.BY_SHOPPER if status is ShipmentStatus.CANCELLED else None,
        story=(Step(what="OrderConfirmed", at=NOW),),
    ).model_copy(update=changes)


def a_return(status: ReturnStatus, **changes: Any) -> Return:
    """The return of the examples, of both backpacks, one of which was broken."""
    refused = status is ReturnStatus.REFUSED
    return Return(
        return_id=RETURN_ID,
        lines=ANNOUNCED,
        reason=ReturnReason.CHANGED_MIND,
        status=status,
        requested_at=NOW,
        received=ARRIVED if status is ReturnStatus.RECEIVED else (),
        refusal=ReturnRefusal.USED if refused else None,
        note="It has been worn." if refused else None,
    ).model_copy(update=changes)


def state_of(state: str) -> Shipment | None:
    return None if state == "none" else shipment(state)


CONTEXT = Context(ORDER["order_id"], "event-1", LATER)


# --- what orders publish -------------------------------------------------------------------------------------------

EVENTS: dict[str, EventData] = {name_of(data): data for data in EXAMPLES}
ANOTHER_RETURN = {"ReturnRequested, another", "ReturnWithdrawn, another"}
EVENTS |= {
    name: EVENTS[name.split(",")[0]].model_copy(update={"return_id": "ret_another"}) for name in sorted(ANOTHER_RETURN)
}
ON_THE_WAY = ["TO_SHIP", "SHIPPED", "DELIVERED", "RETURNED"]
OF_RETURNS = ["return EXPECTED", "return WITHDRAWN", "return RECEIVED", "return REFUSED"]

REACTIONS: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("none", "OrderConfirmed"): ("TO_SHIP", []),
    ("none", "CancellationRequested"): ("CANCELLED", ["ShipmentCancelled"]),
    ("TO_SHIP", "CancellationRequested"): ("CANCELLED", ["ShipmentCancelled"]),
    # Only a delivered order has returns, and the events of a return do not ask how fulfilment sees that.
    **{
        (state, name): ("DELIVERED" if state in OF_RETURNS else state, [])
        for state in [*ON_THE_WAY, *OF_RETURNS]
        for name in EVENTS
        if name.startswith(("ReturnRequested", "ReturnWithdrawn")) and (state in ON_THE_WAY or name in ANOTHER_RETURN)
    },
    ("return EXPECTED", "ReturnWithdrawn"): ("DELIVERED", []),
}


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("state", STATES)
def test_a_shipment_answers_events_as_the_table_says_and_nothing_else_changes_it(state: str, name: str) -> None:
    decision = decide(state_of(state), EVENTS[name], CONTEXT)

    if (state, name) not in REACTIONS:
        assert isinstance(decision, Nothing)
        assert decision.reason
        return
    assert isinstance(decision, Change)
    assert (decision.state.status, [name_of(event) for event in decision.events]) == REACTIONS[state, name]


def changed(state: Shipment | None, message: EventData) -> Change[Shipment]:
    decision = decide(state, message, CONTEXT)
    assert isinstance(decision, Change)
    return decision


@pytest.mark.parametrize("state, name", REACTIONS)
def test_the_same_event_again_is_nothing(state: str, name: str) -> None:
    after = changed(state_of(state), EVENTS[name]).state

    assert isinstance(decide(after, EVENTS[name], CONTEXT), Nothing)


@pytest.mark.parametrize("state, name", REACTIONS)
def test_each_reaction_adds_one_step_and_reads_back_as_it_was_written(state: str, name: str) -> None:
    before, change = state_of(state), changed(state_of(state), EVENTS[name])

    assert change.state.story[:-1] == (before.story if before else ())
    assert (change.state.story[-1].at, change.state.story[-1].by) == (LATER, None)
    row = SHIPMENTS.after(ORDER["order_id"], None, change, CAUSE, NOW)
    assert SHIPMENTS.from_item(SHIPMENTS.to_item(row)) == row


def test_fulfilment_takes_exactly_the_events_that_the_choreography_sends_it() -> None:
    of_orders = {OrderConfirmed, CancellationRequested, ReturnRequested, ReturnWithdrawn}
    assert set(CONSUMER.subscribes_to) == {*of_orders, AccountDeletionRequested}


def test_a_shipment_knows_all_that_staff_need_to_send_it() -> None:
    told = {"shipping_address": ADDRESS, "shipping": ORDER["shipping"]}
    confirmed = EVENTS["OrderConfirmed"].model_copy(update=told)

    to_ship = changed(None, confirmed).state

    assert (to_ship.items, to_ship.total, to_ship.user_email) == (ORDER["items"], ORDER["total"], ORDER["user_email"])
    assert (to_ship.shipping_address, to_ship.shipping) == (ADDRESS, ORDER["shipping"])


@pytest.mark.parametrize("state", ["none", "TO_SHIP"])
def test_a_cancellation_gives_back_the_reason_and_the_note_of_its_request(state: str) -> None:
    order_id = ORDER["order_id"]
    asked = CancellationRequested(order_id=order_id, reason=CancelReason.BY_SHOP, note="The last one was broken.")

    cancelled = changed(state_of(state), asked)

    told = ShipmentCancelled(order_id=order_id, reason=CancelReason.BY_SHOP, note="The last one was broken.")
    assert cancelled.events == [told]


def test_after_a_tombstone_the_late_confirmation_ships_nothing() -> None:
    tombstone = changed(None, EVENTS["CancellationRequested"]).state

    assert isinstance(decide(tombstone, EVENTS["OrderConfirmed"], CONTEXT), Nothing)
    with pytest.raises(Refusal) as refused:
        acted(tombstone, SHIP)
    assert refused.value.type == "order-cancelled"


def test_a_withdrawal_that_is_heard_of_before_its_return_leaves_nobody_waiting() -> None:
    withdrawn = changed(shipment("DELIVERED"), EVENTS["ReturnWithdrawn"]).state

    assert [each.status for each in withdrawn.returns] == [ReturnStatus.WITHDRAWN]
    assert isinstance(decide(withdrawn, EVENTS["ReturnRequested"], CONTEXT), Nothing)
    assert open_as(withdrawn) is None


# --- what staff do -------------------------------------------------------------------------------------------------

SHIP = Ship("SingPost", NUMBER)
RECEIVE = ReceiveReturn(RETURN_ID, ARRIVED)
REFUSE = RefuseReturn(RETURN_ID, ReturnRefusal.USED, "It has been worn.")
COMMANDS: dict[str, Command] = {
    "ship": SHIP,
    "ship otherwise": Ship("SingPost", "RR000000000SG"),
    "deliver": Deliver(),
    "came back": CameBack(ParcelReturn.REFUSED, HALF_BROKEN),
    "came back otherwise": CameBack(ParcelReturn.REFUSED, ALL_GOOD),
    "lose": Lose(),
    "receive": RECEIVE,
    "receive otherwise": ReceiveReturn(RETURN_ID, (InspectedLine(product_id="canvas-backpack", restock=2),)),
    "refuse": REFUSE,
    "refuse otherwise": RefuseReturn(RETURN_ID, ReturnRefusal.NOT_OURS),
}

ACTIONS: dict[tuple[str, str], tuple[str, str] | str] = {
    ("TO_SHIP", "ship"): ("SHIPPED", "ShipmentDispatched"),
    ("TO_SHIP", "ship otherwise"): ("SHIPPED", "ShipmentDispatched"),
    ("SHIPPED", "deliver"): ("DELIVERED", "ShipmentDelivered"),
    ("SHIPPED", "came back"): ("RETURNED", "ShipmentReturned"),
    ("SHIPPED", "came back otherwise"): ("RETURNED", "ShipmentReturned"),
    ("SHIPPED", "lose"): ("RETURNED", "ShipmentReturned"),
    **{
        (state, name): ("DELIVERED", "ReturnReceived" if name.startswith("receive") else "ReturnRefused")
        for state in ("return EXPECTED", "return WITHDRAWN")
        for name in ("receive", "receive otherwise", "refuse", "refuse otherwise")
    },
    # The same again is the same answer.
    **{(state, "ship"): "again" for state in ("SHIPPED", "DELIVERED", "RETURNED", *OF_RETURNS)},
    **{(state, "deliver"): "again" for state in ("DELIVERED", *OF_RETURNS)},
    ("RETURNED", "came back"): "again",
    ("return RECEIVED", "receive"): "again",
    ("return REFUSED", "refuse"): "again",
    # And anything else is refused.
    **{(state, name): "order-cancelled" for state in ("CANCELLED", "tombstone") for name in ("ship", "ship otherwise")},
    **{(state, "ship otherwise"): "shipped-otherwise" for state in ("SHIPPED", "DELIVERED", "RETURNED", *OF_RETURNS)},
    **{
        (state, name): "not-under-way"
        for state in ("TO_SHIP", "CANCELLED", "DELIVERED", *OF_RETURNS)
        for name in ("deliver", "came back", "came back otherwise", "lose")
        if (state, name) not in {(each, "deliver") for each in ("DELIVERED", *OF_RETURNS)}
    },
    ("tombstone", "deliver"): "not-under-way",
    ("tombstone", "lose"): "not-under-way",
    # A tombstone has no pieces that could come back.
    ("tombstone", "came back"): "invalid-input",
    ("tombstone", "came back otherwise"): "invalid-input",
    ("RETURNED", "deliver"): "not-under-way",
    ("RETURNED", "came back otherwise"): "returned-otherwise",
    ("RETURNED", "lose"): "returned-otherwise",
    ("return RECEIVED", "receive otherwise"): "return-received-otherwise",
    ("return RECEIVED", "refuse"): "return-settled",
    ("return RECEIVED", "refuse otherwise"): "return-settled",
    ("return REFUSED", "receive"): "return-settled",
    ("return REFUSED", "receive otherwise"): "return-settled",
    ("return REFUSED", "refuse otherwise"): "return-refused-otherwise",
}
"""The next state and what is told; `again` for Nothing; else the type of the problem.

What is not in it does not exist: no shipment, or no such return.
"""


def acted(
    state: Shipment | None, command: Command, order_status: Callable[[], str] = lambda: "CONFIRMED"
) -> Decision[Shipment]:
    return act(state, command, "staff-1", CONTEXT, order_status)


def done(state: Shipment, command: Command) -> Change[Shipment]:
    decision = acted(state, command)
    assert isinstance(decision, Change)
    return decision


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("state", STATES)
def test_staff_can_do_what_the_table_says_and_are_told_why_where_they_cannot(state: str, name: str) -> None:
    outcome = ACTIONS.get((state, name), "not-found")

    if isinstance(outcome, str) and outcome != "again":
        with pytest.raises(Refusal) as refused:
            acted(state_of(state), COMMANDS[name])
        assert refused.value.type == outcome
        return
    decision = acted(state_of(state), COMMANDS[name])
    if outcome == "again":
        assert isinstance(decision, Nothing)
        return
    assert isinstance(decision, Change)
    assert (decision.state.status, *(name_of(event) for event in decision.events)) == outcome


TAKEN = [key for key, outcome in ACTIONS.items() if isinstance(outcome, tuple)]


@pytest.mark.parametrize("state, name", TAKEN)
def test_an_action_that_is_sent_again_is_the_same_answer(state: str, name: str) -> None:
    after = done(shipment(state), COMMANDS[name]).state

    assert isinstance(acted(after, COMMANDS[name]), Nothing)


@pytest.mark.parametrize("state, name", TAKEN)
def test_each_action_says_who_did_it_and_reads_back_as_it_was_written(state: str, name: str) -> None:
    change = done(shipment(state), COMMANDS[name])

    step = change.state.story[-1]
    assert (step.what, step.by, step.at) == (type(COMMANDS[name]).__name__, "staff-1", LATER)
    assert step.about == (RETURN_ID if state.startswith("return") else None)
    row = SHIPMENTS.after(ORDER["order_id"], None, change, CAUSE, NOW)
    assert SHIPMENTS.from_item(SHIPMENTS.to_item(row)) == row


@pytest.mark.parametrize("order_status", ["CANCELLING", "CANCELLED", "PENDING", "SHIPPED"])
def test_a_parcel_is_not_sent_while_its_order_is_being_cancelled(order_status: str) -> None:
    with pytest.raises(Refusal) as refused:
        acted(shipment("TO_SHIP"), SHIP, lambda: order_status)

    assert (refused.value.type, refused.value.extra) == ("cancellation-requested", {"orderStatus": order_status})


def test_the_order_is_read_only_where_its_state_decides() -> None:
    def unread() -> str:
        raise AssertionError("nothing depends on it")

    assert isinstance(acted(shipment("SHIPPED"), SHIP, unread), Nothing)
    assert isinstance(acted(shipment("SHIPPED"), Deliver(), unread), Change)


@pytest.mark.parametrize("method, due", [(PaymentMethod.CARD, None), (PaymentMethod.COD, sgd(15430))])
def test_the_dispatch_tells_how_to_follow_the_parcel_and_what_the_courier_collects(
    method: PaymentMethod, due: Any
) -> None:
    shipped = done(shipment("TO_SHIP", method), SHIP)

    assert shipped.events == [
        ShipmentDispatched(
            **ORDER,
            carrier="SingPost",
            tracking_number=NUMBER,
            tracking_url=PARCEL.tracking_url,
            shipping_address=ADDRESS,
            cash_due=due,
        )
    ]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_known_carrier_has_a_page_for_the_parcel_and_no_number_breaks_out_of_its_address(carrier: str) -> None:
    url = tracking_url(carrier, "A/1 &x=2#?")

    assert url
    assert url.startswith("https://")
    assert url.endswith("A%2F1%20%26x%3D2%23%3F")


def test_a_page_that_staff_give_counts_more_than_the_carriers_and_an_unknown_carrier_has_none() -> None:
    given = Ship("SingPost", NUMBER, "https://example.com/parcels/1")
    unknown = Ship("A bicycle", "1")

    for command, url in ((given, "https://example.com/parcels/1"), (unknown, None)):
        parcel = done(shipment("TO_SHIP"), command).state.parcel
        assert parcel
        assert parcel.tracking_url == url


# --- cash ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [15430, 10000, 0])
def test_a_delivery_in_cash_tells_what_was_collected(amount: int) -> None:
    delivered = done(shipment("SHIPPED", PaymentMethod.COD), Deliver(sgd(amount)))

    assert delivered.events == [ShipmentDelivered(**ORDER, delivered_at=LATER, cash=sgd(amount))]


@pytest.mark.parametrize("state", ["SHIPPED", "DELIVERED"])
@pytest.mark.parametrize(
    "method, cash",
    [
        (PaymentMethod.COD, None),
        (PaymentMethod.COD, sgd(15431)),
        (PaymentMethod.COD, sgd(0).model_copy(update={"currency": "USD"})),
        (PaymentMethod.CARD, sgd(15430)),
        (PaymentMethod.CARD, sgd(0)),
    ],
    ids=["not named", "more than is due", "another currency", "paid by card", "0, paid by card"],
)
def test_cash_that_does_not_fit_the_order_is_refused_with_its_field(
    state: str, method: PaymentMethod, cash: Any
) -> None:
    with pytest.raises(Refusal) as refused:
        acted(shipment(state, method), Deliver(cash))

    assert (refused.value.type, [error["field"] for error in refused.value.errors]) == ("invalid-input", ["cash"])


def test_a_delivery_that_is_repeated_with_other_cash_says_what_was_booked() -> None:
    with pytest.raises(Refusal, match=r"154\.30") as refused:
        acted(shipment("DELIVERED", PaymentMethod.COD), Deliver(sgd(0)))

    assert refused.value.type == "delivered-otherwise"


# --- what comes back -----------------------------------------------------------------------------------------------


def test_a_lost_parcel_is_written_off_whole() -> None:
    lost = done(shipment("SHIPPED"), Lose())

    assert lost.events == [ShipmentReturned(order_id=ORDER["order_id"], reason=ParcelReturn.LOST, lines=ALL_LOST)]
    assert isinstance(acted(lost.state, Lose()), Nothing)


def test_a_parcel_comes_back_line_by_line() -> None:
    returned = done(shipment("SHIPPED"), CameBack(ParcelReturn.UNDELIVERABLE, HALF_BROKEN))

    told = ShipmentReturned(order_id=ORDER["order_id"], reason=ParcelReturn.UNDELIVERABLE, lines=HALF_BROKEN)
    assert returned.events == [told]


def test_the_order_of_the_lines_is_no_other_content() -> None:
    returned = done(shipment("SHIPPED"), CameBack(ParcelReturn.REFUSED, HALF_BROKEN)).state

    assert isinstance(acted(returned, CameBack(ParcelReturn.REFUSED, HALF_BROKEN[::-1])), Nothing)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        HALF_BROKEN[:1],
        (*HALF_BROKEN, InspectedLine(product_id="desk-lamp", restock=1)),
        (*HALF_BROKEN, InspectedLine(product_id="another-lamp", restock=1)),
        (*HALF_BROKEN, InspectedLine(product_id="another-lamp")),
    ],
    ids=["nothing", "a line is missing", "a piece too many", "another product", "no piece of another product"],
)
def test_a_parcel_that_came_back_accounts_for_each_of_its_pieces(lines: tuple[InspectedLine, ...]) -> None:
    with pytest.raises(Refusal) as refused:
        acted(shipment("SHIPPED"), CameBack(ParcelReturn.REFUSED, lines))

    assert (refused.value.type, [error["field"] for error in refused.value.errors]) == ("invalid-input", ["lines"])


def test_a_return_is_received_as_it_was_found() -> None:
    received = done(shipment("return EXPECTED"), RECEIVE)

    assert received.events == [ReturnReceived(**ORDER, return_id=RETURN_ID, lines=ARRIVED)]


def test_some_of_a_return_can_be_received_and_a_line_of_nothing_is_none() -> None:
    one = InspectedLine(product_id="canvas-backpack", restock=1)
    nothing = InspectedLine(product_id="desk-lamp")

    received = done(shipment("return EXPECTED"), ReceiveReturn(RETURN_ID, (one, nothing)))

    assert received.events == [ReturnReceived(**ORDER, return_id=RETURN_ID, lines=(one,))]


def test_a_refusal_tells_the_shopper_why() -> None:
    refused = done(shipment("return EXPECTED"), REFUSE)

    told = ReturnRefused(**ORDER, return_id=RETURN_ID, reason=ReturnRefusal.USED, note="It has been worn.")
    assert refused.events == [told]


@pytest.mark.parametrize(
    "lines, problem, field",
    [
        ((), "invalid-input", "lines"),
        ((InspectedLine(product_id="canvas-backpack"),), "invalid-input", "lines"),
        ((*ARRIVED, InspectedLine(product_id="desk-lamp", restock=1)), "invalid-input", "lines.1.productId"),
        ((InspectedLine(product_id="canvas-backpack", restock=3),), "more-than-announced", None),
        ((*ARRIVED, *ARRIVED), "more-than-announced", None),
    ],
    ids=["nothing", "no piece", "what was not announced", "a piece too many", "a line twice"],
)
@pytest.mark.parametrize("state", ["return EXPECTED", "return WITHDRAWN"])
def test_nothing_is_received_that_was_not_announced(
    state: str, lines: tuple[InspectedLine, ...], problem: str, field: str | None
) -> None:
    with pytest.raises(Refusal) as refused:
        acted(shipment(state), ReceiveReturn(RETURN_ID, lines))

    assert refused.value.type == problem
    assert [error["field"] for error in refused.value.errors] == ([field] if field else [])


def test_a_withdrawn_return_that_arrives_with_another_of_the_same_pieces_is_received_once() -> None:
    again = a_return(ReturnStatus.EXPECTED, return_id="ret_again")
    both = shipment("DELIVERED", returns=(a_return(ReturnStatus.WITHDRAWN), again))

    received = done(both, RECEIVE).state

    with pytest.raises(Refusal, match="0 are still out") as refused:
        acted(received, ReceiveReturn("ret_again", ARRIVED))
    assert refused.value.type == "more-than-announced"
    assert isinstance(acted(received, RefuseReturn("ret_again", ReturnRefusal.NEVER_ARRIVED)), Change)


PIECES = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ret_1", "ret_2", "ret_3"]),
            st.sampled_from(["request", "withdraw", "receive", "refuse"]),
            PIECES,
        ),
        max_size=20,
    )
)
def test_whatever_staff_say_no_more_comes_back_than_was_sent(steps: list[tuple[str, str, tuple[int, int]]]) -> None:
    state = shipment("DELIVERED")
    told: list[EventData] = []
    for return_id, what, (backpacks, lamps) in steps:
        found = {"canvas-backpack": backpacks, "desk-lamp": lamps}
        lines = tuple(StockLine(product_id=product, quantity=n) for product, n in found.items() if n)
        announced = {**ORDER, "return_id": return_id, "lines": lines or ANNOUNCED, "reason": ReturnReason.DAMAGED}
        try:
            match what:
                case "request":
                    decision = decide(state, ReturnRequested(**announced), CONTEXT)
                case "withdraw":
                    decision = decide(state, ReturnWithdrawn(**announced), CONTEXT)
                case "receive":
                    inspected = tuple(InspectedLine(product_id=product, restock=n) for product, n in found.items())
                    decision = acted(state, ReceiveReturn(return_id, inspected))
                case _:
                    decision = acted(state, RefuseReturn(return_id, ReturnRefusal.USED))
        except Refusal:
            continue
        if isinstance(decision, Change):
            state, told = decision.state, [*told, *decision.events]

    back = [line for event in told if isinstance(event, ReturnReceived) for line in event.lines]
    for product, sent in state.pieces.items():
        assert sum(line.quantity for line in back if line.product_id == product) <= sent
    settled = [event.return_id for event in told if isinstance(event, ReturnReceived | ReturnRefused)]
    assert len(set(settled)) == len(settled), "a return ends once"


# --- what staff still have to do, and what others wait for ------------------------------------------------------------


def open_as(state: Shipment) -> Any:
    """The key of the index as the row has it; None where the row is not in it."""
    return SHIPMENTS.to_item(SHIPMENTS.after(state.order_id, None, Change(state), CAUSE, NOW)).get("openAs")


@pytest.mark.parametrize("state", [state for state in STATES if state != "none"])
def test_the_index_of_staff_holds_exactly_what_waits_for_them(state: str) -> None:
    item = SHIPMENTS.to_item(SHIPMENTS.after(ORDER["order_id"], None, Change(shipment(state)), CAUSE, NOW))

    waits = {"TO_SHIP": "TO_SHIP", "SHIPPED": "SHIPPED", "return EXPECTED": "RETURN"}.get(state)
    assert item.get("openAs") == waits
    assert ("openSince" in item) == bool(waits)


AWAITED = {
    "tombstone": ["ShipmentCancelled"],
    "CANCELLED": ["ShipmentCancelled"],
    "SHIPPED": ["ShipmentDispatched"],
    "RETURNED": ["ShipmentDispatched", "ShipmentReturned"],
    "DELIVERED": ["ShipmentDispatched", "ShipmentDelivered"],
    "return EXPECTED": ["ShipmentDispatched", "ShipmentDelivered"],
    "return WITHDRAWN": ["ShipmentDispatched", "ShipmentDelivered"],
    "return RECEIVED": ["ShipmentDispatched", "ShipmentDelivered", "ReturnReceived"],
    "return REFUSED": ["ShipmentDispatched", "ShipmentDelivered", "ReturnRefused"],
}


@pytest.mark.parametrize("state", [state for state in STATES if state != "none"])
def test_a_shipment_knows_what_others_may_still_wait_for(state: str) -> None:
    assert [name_of(event) for event in awaited(shipment(state))] == AWAITED.get(state, [])


@pytest.mark.parametrize("state, name", TAKEN)
def test_what_is_published_again_is_what_was_published_first(state: str, name: str) -> None:
    change = done(shipment(state), COMMANDS[name])

    assert awaited(change.state)[-1:] == tuple(change.events)
