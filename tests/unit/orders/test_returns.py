"""What a shopper can send back, until when, and what is owed for it."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudretail.decider import Change, Context, Nothing
from cloudretail.errors import Conflict, InvalidInput, NotFound, Refusal
from cloudretail.event import EventData
from contract.fulfilment import ReturnReceived, ReturnRefused
from contract.orders import ReturnAccepted, ReturnRequested, ReturnWithdrawn
from contract.values import InspectedLine, OrderItem, ReturnReason, ReturnRefusal, StockLine
from fulfilment import domain as fulfilment
from orders.domain import Order, RequestReturn, decide, request_return, withdraw_return
from orders.rates import tax_in
from orders.returns import MAX_RETURNS, ReturnStatus, return_id_of
from payments import domain as payments
from tests.support.examples import NOW, ORDER, VALUES, sgd
from tests.unit.fulfilment.test_rules import shipment
from tests.unit.orders.test_rules import LATER, MESSAGES, STATES, a_return, changed, order
from tests.unit.payments.test_rules import payment

DELIVERED = order("DELIVERED")
"""Two backpacks at 59.90 and a lamp at 34.50; nothing for shipping."""
LAST_MOMENT = NOW + timedelta(days=30)
ID = VALUES["return_id"]


def wants(return_id: str = "ret_1", reason: ReturnReason = ReturnReason.CHANGED_MIND, **pieces: int) -> RequestReturn:
    """These pieces back, by product."""
    lines = tuple(StockLine(product_id=name.replace("_", "-"), quantity=n) for name, n in pieces.items())
    return RequestReturn(return_id=return_id, lines=lines, reason=reason)


def asked(state: Order, command: RequestReturn, now: datetime = NOW) -> Change[Order] | Nothing:
    decision = request_return(state, command, Context(state.order_id, "request-1", now))
    assert isinstance(decision, Change | Nothing)
    return decision


def requested(state: Order, command: RequestReturn) -> Order:
    change = asked(state, command)
    assert isinstance(change, Change)
    return change.state


def refusal(state: Order, command: RequestReturn, now: datetime = NOW) -> Refusal:
    with pytest.raises(Refusal) as refused:
        asked(state, command, now)
    return refused.value


def received(state: Order, return_id: str, *lines: InspectedLine) -> tuple[Order, int]:
    """The order after that return has arrived, and the amount that is owed for it."""
    change = decide(state, ReturnReceived(**ORDER, return_id=return_id, lines=lines), Context("", "event-1", NOW))
    assert isinstance(change, Change)
    (accepted,) = change.events
    assert isinstance(accepted, ReturnAccepted)
    return change.state, accepted.amount.amount


def test_a_return_tells_fulfilment_and_the_shopper_what_is_sent_back() -> None:
    change = asked(DELIVERED, wants(ID, canvas_backpack=1))

    assert isinstance(change, Change)
    lines = (StockLine(product_id="canvas-backpack", quantity=1),)
    told: dict[str, Any] = {"return_id": ID, "lines": lines, "reason": ReturnReason.CHANGED_MIND}
    assert change.events == [ReturnRequested(**ORDER, **told)]
    withdrawn = withdraw_return(change.state, ID, Context("", "request-2", NOW))
    assert isinstance(withdrawn, Change)
    assert withdrawn.events == [ReturnWithdrawn(**ORDER, **told)]


def test_the_same_request_again_is_the_same_return_and_another_with_its_key_is_refused() -> None:
    once = requested(DELIVERED, wants(canvas_backpack=1))

    assert isinstance(asked(once, wants(canvas_backpack=1)), Nothing)
    # An answer that was lost is found again, whatever has become of the return or of the period.
    assert isinstance(asked(once, wants(canvas_backpack=1), LAST_MOMENT + timedelta(days=300)), Nothing)
    for other in (wants(canvas_backpack=2), wants(reason=ReturnReason.DAMAGED, canvas_backpack=1)):
        refused = refusal(once, other)
        assert isinstance(refused, InvalidInput)
        assert refused.type == "idempotency-key-reused"


def test_a_returns_id_follows_from_its_order_and_its_key() -> None:
    ids = {return_id_of(order_id, key) for order_id in ("ord_1", "ord_2") for key in ("key-1", "key-2")}

    assert len(ids) == 4
    assert return_id_of("ord_1", "key-1") in ids
    assert all(len(each) == 24 and each.startswith("ret_") for each in ids)


# --- when ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [state for state in STATES if not state.startswith(("DELIVERED", "return"))])
def test_only_what_was_delivered_can_be_sent_back(state: str) -> None:
    refused = refusal(order(state), wants(canvas_backpack=1))

    assert (refused.type, refused.extra) == ("not-returnable", {"orderStatus": order(state).status})
    assert order(state).returnable_at(NOW) == {}


def test_the_period_ends_to_the_microsecond_and_begins_with_the_delivery() -> None:
    after = LAST_MOMENT + timedelta(microseconds=1)

    assert isinstance(asked(DELIVERED, wants(canvas_backpack=1), LAST_MOMENT), Change)
    assert DELIVERED.returnable_at(LAST_MOMENT) == {"canvas-backpack": 2, "desk-lamp": 1}
    assert refusal(DELIVERED, wants(canvas_backpack=1), after).type == "return-period-over"
    assert DELIVERED.returnable_at(after) == {}


def test_the_period_is_that_of_the_day_of_the_order_and_the_refusal_says_until_when_it_was() -> None:
    short = order("DELIVERED", return_days=14)

    refused = refusal(short, wants(canvas_backpack=1), NOW + timedelta(days=15))

    assert "within 14 days" in refused.detail
    assert "16 January 2026" in refused.detail
    assert refused.extra == {"until": (NOW + timedelta(days=14)).isoformat()}


def test_the_period_counts_from_the_delivery_even_if_orders_hears_of_it_late() -> None:
    known = changed(order("SHIPPED"), MESSAGES["ShipmentDelivered"]).state

    assert known.returnable_until == NOW + timedelta(days=30)
    assert known.returnable_until < LATER + timedelta(days=30)


# --- what ----------------------------------------------------------------------------------------------------------


def test_more_than_was_bought_is_refused_line_by_line() -> None:
    refused = refusal(DELIVERED, wants(canvas_backpack=3, desk_lamp=2))

    assert isinstance(refused, Conflict)
    assert (refused.type, refused.extra) == (
        "more-than-bought",
        {
            "lines": [
                {"productId": "canvas-backpack", "requested": 3, "returnable": 2},
                {"productId": "desk-lamp", "requested": 2, "returnable": 1},
            ]
        },
    )


def test_what_was_not_bought_is_named() -> None:
    refused = refusal(DELIVERED, wants(canvas_backpack=1, another_lamp=1))

    assert isinstance(refused, InvalidInput)
    assert [error["field"] for error in refused.errors] == ["lines.1.productId"]


@pytest.mark.parametrize(
    "status, left",
    [
        (ReturnStatus.REQUESTED, 0),
        (ReturnStatus.ACCEPTED, 0),
        (ReturnStatus.REFUSED, 2),
        (ReturnStatus.WITHDRAWN, 2),
    ],
)
def test_a_piece_is_taken_up_by_a_return_until_that_is_refused_or_withdrawn(status: ReturnStatus, left: int) -> None:
    state = order(f"return {status}")

    assert state.returnable["canvas-backpack"] == left
    if left:
        assert isinstance(asked(state, wants("ret_again", canvas_backpack=2)), Change)
    else:
        assert refusal(state, wants("ret_again", canvas_backpack=1)).type == "more-than-bought"


def test_an_accepted_return_takes_up_what_was_taken_and_not_what_was_announced() -> None:
    once = requested(DELIVERED, wants(canvas_backpack=2))

    one_came, _ = received(once, "ret_1", InspectedLine(product_id="canvas-backpack", restock=1))

    assert one_came.returnable["canvas-backpack"] == 1


def test_an_order_has_up_to_20_returns_whatever_became_of_them() -> None:
    returns = tuple(a_return(ReturnStatus.WITHDRAWN, return_id=f"ret_{n}") for n in range(MAX_RETURNS))
    full = order("DELIVERED", returns=returns)

    assert refusal(full, wants("ret_more", canvas_backpack=1)).type == "too-many-returns"
    assert full.returnable_at(NOW) == {}
    assert isinstance(asked(order("DELIVERED", returns=returns[:-1]), wants("ret_more", canvas_backpack=1)), Change)


# --- withdrawing ---------------------------------------------------------------------------------------------------


def withdrawn(state: Order, return_id: str = ID) -> Change[Order] | Nothing:
    decision = withdraw_return(state, return_id, Context(state.order_id, "request-2", NOW))
    assert isinstance(decision, Change | Nothing)
    return decision


def test_a_return_is_withdrawn_once_and_nobody_elses_is() -> None:
    change = withdrawn(order("return REQUESTED"))

    assert isinstance(change, Change)
    assert isinstance(withdrawn(change.state), Nothing)
    with pytest.raises(NotFound):
        withdrawn(change.state, "ret_unknown")


@pytest.mark.parametrize("status", ["ACCEPTED", "REFUSED"])
def test_a_return_that_is_settled_cannot_be_withdrawn(status: str) -> None:
    with pytest.raises(Conflict) as refused:
        withdrawn(order(f"return {status}"))

    assert (refused.value.type, refused.value.extra) == ("return-settled", {"returnStatus": status})


def test_a_withdrawn_return_that_arrives_is_paid_for_since_the_goods_are_kept() -> None:
    late, owed = received(order("return WITHDRAWN"), ID, InspectedLine(product_id="canvas-backpack", restock=2))

    assert (owed, late.returns[0].status) == (11980, ReturnStatus.ACCEPTED)


# --- what is owed --------------------------------------------------------------------------------------------------

BACKPACK = InspectedLine(product_id="canvas-backpack", restock=1)
LAMP = InspectedLine(product_id="desk-lamp", restock=1)


@pytest.mark.parametrize("refunded, last", [(True, 3450 + 490), (False, 3450)])
def test_the_return_that_brings_the_last_piece_gives_back_the_shipping_where_the_shop_does(
    refunded: bool, last: int
) -> None:
    state = order("DELIVERED", total_amount=15430 + 490, shipping_refunded=refunded)
    state = requested(requested(state, wants("ret_1", canvas_backpack=2)), wants("ret_2", desk_lamp=1))

    state, first = received(state, "ret_1", BACKPACK.model_copy(update={"restock": 2}))
    state, second = received(state, "ret_2", LAMP)

    assert (first, second) == (11980, last)


def test_two_concurrent_returns_come_to_the_same_whichever_arrives_first() -> None:
    state = order("DELIVERED", total_amount=15430 + 490)
    state = requested(requested(state, wants("ret_1", canvas_backpack=2)), wants("ret_2", desk_lamp=1))
    both = {"ret_1": BACKPACK.model_copy(update={"restock": 2}), "ret_2": LAMP}

    for order_of_arrival in (("ret_1", "ret_2"), ("ret_2", "ret_1")):
        after, owed = state, []
        for return_id in order_of_arrival:
            after, amount = received(after, return_id, both[return_id])
            owed.append(amount)
        assert sum(owed) == 15430 + 490
        assert (
            owed[-1] == both[order_of_arrival[-1]].quantity * (3450 if order_of_arrival[-1] == "ret_2" else 5990) + 490
        )


def test_a_broken_piece_is_owed_as_a_whole_one() -> None:
    state = requested(DELIVERED, wants(canvas_backpack=2))

    _, owed = received(state, "ret_1", InspectedLine(product_id="canvas-backpack", restock=1, write_off=1))

    assert owed == 11980


# --- the whole way of goods and money ---------------------------------------------------------------------------------

PRODUCTS = ("bag", "lamp")


class Sold:
    """A delivered order with its parcel and its payment, each by its own rules, and the events between them."""

    def __init__(self, bought: dict[str, tuple[int, int]], shipping: int, refunded: bool) -> None:
        items = tuple(
            OrderItem(product_id=product, name=product, quantity=quantity, unit_price=sgd(price))
            for product, (quantity, price) in bought.items()
        )
        self.bought, self.refunded = bought, refunded
        self.goods = sum(quantity * price for quantity, price in bought.values())
        self.total = self.goods + shipping
        paid: dict[str, Any] = {"items": items, "total_amount": self.total}
        self.order = order("DELIVERED", shipping_refunded=refunded, **paid)
        self.shipment = shipment("DELIVERED", **paid)
        self.payment = payment("ARK", "SUCCEEDED", attempts=1).model_copy(update={"amount": self.total})
        self.events: list[EventData] = []
        self.heard: set[int] = set()

    def catches_up(self) -> None:
        """Every event arrives that has not arrived yet."""
        while missing := set(range(len(self.events))) - self.heard:
            self.delivers(min(missing))

    def asks(self, return_id: str, pieces: dict[str, int]) -> None:
        lines = tuple(
            StockLine(product_id=product, quantity=n) for product, n in pieces.items() if product in self.bought
        )
        if not lines:
            return
        command = RequestReturn(return_id=return_id, lines=lines, reason=ReturnReason.OTHER)
        self._orders(lambda context: request_return(self.order, command, context))

    def withdraws(self, return_id: str) -> None:
        self._orders(lambda context: withdraw_return(self.order, return_id, context))

    def receives(self, return_id: str, most: int) -> None:
        """All that was announced, or so many pieces of each product."""
        if announced := self.shipment.find_return(return_id):
            lines = tuple(
                InspectedLine(product_id=line.product_id, restock=min(most, line.quantity)) for line in announced.lines
            )
            self._acts(fulfilment.ReceiveReturn(return_id, lines))

    def refuses(self, return_id: str) -> None:
        self._acts(fulfilment.RefuseReturn(return_id, ReturnRefusal.USED))

    def delivers(self, number: int) -> None:
        """Any event that was ever published, once more or for the first time."""
        if not self.events:
            return
        self.heard.add(number % len(self.events))
        event = self.events[number % len(self.events)]
        context = Context(self.order.order_id, f"event-{number % len(self.events)}", NOW)
        match event:
            case ReturnRequested() | ReturnWithdrawn():
                self.shipment = self._taken(fulfilment.decide(self.shipment, event, context), self.shipment)
            case ReturnReceived() | ReturnRefused():
                self.order = self._taken(decide(self.order, event, context), self.order)
            case ReturnAccepted():
                self.payment = self._taken(payments.decide(self.payment, event, context), self.payment)
            case _:
                pass

    def _orders(self, asked: Any) -> None:
        try:
            self.order = self._taken(asked(Context(self.order.order_id, "request", NOW)), self.order)
        except Refusal:
            return

    def _acts(self, command: fulfilment.Command) -> None:
        context = Context(self.order.order_id, "request", NOW)
        try:
            decision = fulfilment.act(self.shipment, command, "staff-1", context, lambda: "DELIVERED")
        except Refusal:
            return
        self.shipment = self._taken(decision, self.shipment)

    def _taken(self, decision: Any, before: Any) -> Any:
        if isinstance(decision, Nothing):
            return before
        self.events += decision.events
        return decision.state

    def pieces(self, *statuses: ReturnStatus) -> Counter[str]:
        found: Counter[str] = Counter()
        for each in self.order.returns:
            if each.status in statuses:
                found.update(each.pieces)
        return found


BOUGHT = st.dictionaries(
    st.sampled_from(PRODUCTS), st.tuples(st.integers(1, 2), st.integers(1, 9999)), min_size=1, max_size=2
)
RETURNS = st.sampled_from(["ret_1", "ret_2", "ret_3"])
ASKS = st.tuples(
    st.just("asks"), RETURNS, st.dictionaries(st.sampled_from(PRODUCTS), st.integers(1, 2), min_size=1, max_size=2)
)
RECEIVES = st.tuples(st.just("receives"), RETURNS, st.sampled_from([1, 2]))
STEPS = st.lists(
    st.one_of(
        ASKS,
        ASKS,
        RECEIVES,
        RECEIVES,
        st.tuples(st.just("withdraws"), RETURNS),
        st.tuples(st.just("refuses"), RETURNS),
        st.tuples(st.just("catches_up")),
        st.tuples(st.just("catches_up")),
        st.tuples(st.just("delivers"), st.integers(0, 50)),
    ),
    min_size=10,
    max_size=40,
)


@settings(max_examples=500)
@given(BOUGHT, st.sampled_from([0, 490]), st.booleans(), STEPS)
def test_whatever_is_sent_back_in_whichever_order_money_is_owed_for_just_what_was_taken(
    bought: dict[str, tuple[int, int]], shipping: int, refunded: bool, steps: list[tuple[Any, ...]]
) -> None:
    sold = Sold(bought, shipping, refunded)
    for what, *about in steps:
        before = len(sold.order.returns)
        getattr(sold, what)(*about)
        for requested_now in sold.order.returns[before:]:
            # Another product may be over: a withdrawn return of it has arrived after it was asked for once more.
            held = sold.pieces(ReturnStatus.REQUESTED, ReturnStatus.ACCEPTED)
            assert all(held[line.product_id] <= bought[line.product_id][0] for line in requested_now.lines)
    # In the end, each event has arrived, and once more.
    sold.catches_up()
    for number in range(len(sold.events)):
        sold.delivers(number)

    back = sold.pieces(ReturnStatus.ACCEPTED)
    assert all(back[product] <= quantity for product, (quantity, _) in bought.items())
    everything = all(back[product] == quantity for product, (quantity, _) in bought.items())
    owed = sum(count * bought[product][1] for product, count in back.items())
    owed += sold.total - sold.goods if everything and refunded else 0
    accepted = [each for each in sold.order.returns if each.status is ReturnStatus.ACCEPTED]
    assert sum(each.amount or 0 for each in accepted) == owed <= sold.total
    assert sum(refund.amount for refund in sold.payment.refunds) == owed
    # The tax in it: never more than the order's, and all of it where all was given back.
    assert all(each.tax is not None and 0 <= each.tax <= (each.amount or 0) for each in accepted)
    rate = ORDER["tax"].basis_points
    assert sum(each.tax or 0 for each in accepted) == tax_in(sold.total, rate) - tax_in(sold.total - owed, rate)
    # What fulfilment has taken, orders has accepted, and the other way round.
    taken = {each.return_id for each in sold.shipment.returns if each.status is fulfilment.ReturnStatus.RECEIVED}
    assert taken == {each.return_id for each in sold.order.returns if each.status is ReturnStatus.ACCEPTED}
