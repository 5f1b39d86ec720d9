"""The rules of an order, every state against every message, as the contract's tables say."""

from typing import Any

import pytest

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.event import EventData
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderConfirmed, OrderRejected
from contract.payments import PaymentDeclined, PaymentFailed, PaymentRefunded, PaymentRefundFailed, PaymentSucceeded
from contract.values import CancelReason, OrderStatus, PaymentFailure, PaymentMethod, RefusalReason, Shortage
from orders.domain import (
    Address,
    CancelByShopper,
    HistoryEntry,
    Message,
    Order,
    decide,
)
from orders.reactions import CONSUMER
from orders.store import ORDERS
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, PAYMENT, name_of, sgd

ADDRESS = Address(name="A Shopper", line1="1 Main Street", city="Singapore", postal_code="049315", country="SG")
UNTIL = NOW.replace(minute=19)
LATER = NOW.replace(minute=10)


def order(status: str, **changes: Any) -> Order:
    """An order in this state, that has come there somehow."""
    return Order(
        order_id=ORDER["order_id"],
        user_id=ORDER["user_id"],
        user_email=ORDER["user_email"],
        status=OrderStatus(status),
        items=ORDER["items"],
        total_amount=15430,
        currency="SGD",
        created_at=NOW,
        place_by=NOW.replace(day=3),
        shipping_address=ADDRESS,
        reserved_until=UNTIL if status == "RESERVED" else None,
        fingerprint="f" * 64,
        history=(HistoryEntry(event="OrderPlaced", at=NOW, caused_by="request-1", status=OrderStatus.PENDING),),
    ).model_copy(update=changes)


MESSAGES: dict[str, Message] = {**{name_of(data): data for data in EXAMPLES}, "CancelByShopper": CancelByShopper()}
STATES = ["PENDING", "RESERVED", "CONFIRMED", "REJECTED", "CANCELLED"]

RULES: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("PENDING", "InventoryReserved"): ("RESERVED", []),
    ("PENDING", "InventoryReservationFailed"): ("REJECTED", ["OrderRejected"]),
    ("PENDING", "PaymentSucceeded"): ("CONFIRMED", ["OrderConfirmed"]),
    ("PENDING", "PaymentFailed"): ("CANCELLED", ["OrderCancelled"]),
    ("PENDING", "CancelByShopper"): ("CANCELLED", ["OrderCancelled"]),
    ("RESERVED", "PaymentSucceeded"): ("CONFIRMED", ["OrderConfirmed"]),
    ("RESERVED", "PaymentFailed"): ("CANCELLED", ["OrderCancelled"]),
    ("RESERVED", "CancelByShopper"): ("CANCELLED", ["OrderCancelled"]),
    ("CONFIRMED", "CancelByShopper"): ("CANCELLED", ["OrderCancelled"]),
    # These three only join the story, whenever they come.
    ("PENDING", "PaymentDeclined"): ("PENDING", []),
    ("RESERVED", "PaymentDeclined"): ("RESERVED", []),
    ("CONFIRMED", "PaymentDeclined"): ("CONFIRMED", []),
    ("REJECTED", "PaymentDeclined"): ("REJECTED", []),
    ("CANCELLED", "PaymentDeclined"): ("CANCELLED", []),
    ("PENDING", "PaymentRefunded"): ("PENDING", []),
    ("RESERVED", "PaymentRefunded"): ("RESERVED", []),
    ("CONFIRMED", "PaymentRefunded"): ("CONFIRMED", []),
    ("REJECTED", "PaymentRefunded"): ("REJECTED", []),
    ("CANCELLED", "PaymentRefunded"): ("CANCELLED", []),
    ("PENDING", "PaymentRefundFailed"): ("PENDING", []),
    ("RESERVED", "PaymentRefundFailed"): ("RESERVED", []),
    ("CONFIRMED", "PaymentRefundFailed"): ("CONFIRMED", []),
    ("REJECTED", "PaymentRefundFailed"): ("REJECTED", []),
    ("CANCELLED", "PaymentRefundFailed"): ("CANCELLED", []),
}


def answer(state: Order, message: Message, cause: str = "event-1") -> Decision[Order]:
    return decide(state, message, Context(state.order_id, cause, LATER))


def changed(state: Order, message: Message, cause: str = "event-1") -> Change[Order]:
    decision = answer(state, message, cause)
    assert isinstance(decision, Change)
    return decision


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("status", STATES)
def test_an_order_answers_as_the_table_says_and_nothing_else_changes_it(status: str, name: str) -> None:
    decision = answer(order(status), MESSAGES[name])

    if (status, name) not in RULES:
        assert decision == Nothing(f"the order is {status}")
        return
    assert isinstance(decision, Change)
    assert (decision.state.status, [name_of(event) for event in decision.events]) == RULES[status, name]


@pytest.mark.parametrize("status, name", RULES)
def test_each_answer_adds_one_step_to_the_story_and_keeps_those_before(status: str, name: str) -> None:
    before = order(status)

    after = changed(before, MESSAGES[name]).state

    assert after.history[:-1] == before.history
    step = after.history[-1]
    assert (step.at, step.caused_by, step.status) == (LATER, "event-1", after.status)
    assert step.event == {"CancelByShopper": "CancelledByShopper"}.get(name, name)


@pytest.mark.parametrize("status, name", RULES)
def test_the_same_message_again_is_nothing(status: str, name: str) -> None:
    after = changed(order(status), MESSAGES[name]).state

    assert isinstance(answer(after, MESSAGES[name]), Nothing)


@pytest.mark.parametrize("status, name", RULES)
def test_an_answer_touches_only_what_moves(status: str, name: str) -> None:
    before = order(status)

    after = changed(before, MESSAGES[name]).state

    may_move = {"status", "history", "reserved_until", "payment_method"}
    assert after.model_dump(exclude=may_move) == before.model_dump(exclude=may_move)


@pytest.mark.parametrize("status, name", RULES)
def test_the_row_that_an_answer_leads_to_reads_back_as_it_was_written(status: str, name: str) -> None:
    row = ORDERS.after(ORDER["order_id"], None, changed(order(status), MESSAGES[name]), CAUSE, NOW)

    assert ORDERS.from_item(ORDERS.to_item(row)) == row


def test_orders_take_exactly_the_events_that_the_choreography_sends_them() -> None:
    assert set(CONSUMER.subscribes_to) == {
        InventoryReserved,
        InventoryReservationFailed,
        PaymentSucceeded,
        PaymentDeclined,
        PaymentFailed,
        PaymentRefunded,
        PaymentRefundFailed,
    }


def test_two_declined_attempts_are_two_steps_of_the_story() -> None:
    first = PaymentDeclined(**PAYMENT, attempt=1, max_attempts=3, reason="the card was declined")
    second = PaymentDeclined(**PAYMENT, attempt=2, max_attempts=3, reason="the card is unknown")

    once = answer(order("RESERVED"), first, "event-1")
    assert isinstance(once, Change)
    twice = answer(once.state, second, "event-2")
    assert isinstance(twice, Change)

    assert [(step.attempt, step.reason) for step in twice.state.history[1:]] == [
        (1, "the card was declined"),
        (2, "the card is unknown"),
    ]
    assert isinstance(answer(twice.state, first, "event-1"), Nothing)


def test_a_reserved_order_says_until_when_and_no_other_does() -> None:
    reserved = changed(order("PENDING"), MESSAGES["InventoryReserved"]).state
    assert reserved.reserved_until == UNTIL
    noted = changed(reserved, MESSAGES["PaymentDeclined"], "event-2").state
    assert noted.reserved_until == UNTIL

    for ends in ("PaymentSucceeded", "PaymentFailed", "CancelByShopper"):
        assert changed(reserved, MESSAGES[ends]).state.reserved_until is None


COMMON: dict[str, Any] = {name: ORDER[name] for name in ("order_id", "user_id", "user_email", "items", "total")}


def test_a_rejected_order_tells_what_was_short() -> None:
    shortages = (Shortage(product_id="canvas-backpack", requested=2, available=1),)
    failed = InventoryReservationFailed(order_id=ORDER["order_id"], reason=RefusalReason.SOLD_OUT, shortages=shortages)

    rejected = changed(order("PENDING"), failed)

    assert rejected.events == [OrderRejected(**COMMON, reason=RefusalReason.SOLD_OUT, shortages=shortages)]
    assert (rejected.state.history[-1].reason, rejected.state.history[-1].shortages) == ("SOLD_OUT", shortages)


def test_an_order_that_was_heard_of_too_late_is_rejected_as_expired() -> None:
    failed = InventoryReservationFailed(order_id=ORDER["order_id"], reason=RefusalReason.EXPIRED)

    rejected = changed(order("PENDING"), failed)

    assert rejected.events == [OrderRejected(**COMMON, reason=RefusalReason.EXPIRED)]


@pytest.mark.parametrize("chosen, paid_with", [(None, "CARD"), (None, "COD"), ("COD", "CARD"), ("COD", "COD")])
def test_a_confirmed_order_tells_how_it_was_paid_whatever_was_chosen_at_checkout(
    chosen: str | None, paid_with: str
) -> None:
    at_checkout = PaymentMethod(chosen) if chosen else None
    paid = PaymentSucceeded(**PAYMENT, attempt=1, amount=sgd(15430), method=PaymentMethod(paid_with))

    confirmed = changed(order("RESERVED", payment_method=at_checkout), paid)

    assert confirmed.events == [OrderConfirmed(**COMMON, payment_method=PaymentMethod(paid_with))]
    assert confirmed.state.payment_method == paid_with


@pytest.mark.parametrize(
    "failure, reason",
    [
        (PaymentFailure.DECLINED, CancelReason.PAYMENT_DECLINED),
        (PaymentFailure.WINDOW_CLOSED, CancelReason.PAYMENT_WINDOW_CLOSED),
    ],
)
def test_an_order_that_was_not_paid_is_cancelled_for_the_reason_that_payments_gave(
    failure: PaymentFailure, reason: CancelReason
) -> None:
    cancelled = changed(order("RESERVED"), PaymentFailed(**PAYMENT, reason=failure))

    assert cancelled.events == [OrderCancelled(**COMMON, reason=reason)]
    assert cancelled.state.history[-1].reason == reason


def test_an_order_that_its_shopper_calls_off_says_so() -> None:
    cancelled = changed(order("CONFIRMED"), CancelByShopper())

    assert cancelled.events == [OrderCancelled(**COMMON, reason=CancelReason.BY_SHOPPER)]


def test_a_refund_in_the_story_has_no_reason_and_a_refused_one_has() -> None:
    refunded: EventData = PaymentRefunded(
        **PAYMENT, user_email=ORDER["user_email"], amount=sgd(15430), method=PaymentMethod.CARD
    )
    refused: EventData = PaymentRefundFailed(
        **PAYMENT, user_email=ORDER["user_email"], amount=sgd(15430), method=PaymentMethod.CARD, reason="closed"
    )

    assert changed(order("CANCELLED"), refunded).state.history[-1].reason is None
    assert changed(order("CANCELLED"), refused).state.history[-1].reason == "closed"
