"""The rules of an order, every state against every message, as the contract's tables say."""

from typing import Any

import pytest

from cloudretail.decider import Change, Context, Decision, Nothing
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
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.notifications import MailFeedbackReceived
from contract.orders import CancellationRequested, OrderCancelled, OrderConfirmed, OrderRejected
from contract.payments import (
    PaymentCollected,
    PaymentDeclined,
    PaymentDisputeClosed,
    PaymentDisputed,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSucceeded,
)
from contract.values import (
    Address,
    CancelReason,
    InspectedLine,
    MailFeedback,
    OrderStatus,
    Paid,
    Parcel,
    ParcelReturn,
    PaymentFailure,
    PaymentMethod,
    RefusalReason,
    ReturnReason,
    Shortage,
    StockLine,
)
from orders.domain import Cancel, Message, Order, RecordedEntry, awaited, decide
from orders.reactions import CONSUMER
from orders.returns import Return, ReturnStatus
from orders.store import ORDERS
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, PAYMENT, VALUES, name_of, sgd

ADDRESS = Address(name="A Shopper", line1="1 Main Street", city="Singapore", postal_code="049315", country="SG")
UNTIL = NOW.replace(minute=19)
LATER = NOW.replace(minute=10)
PARCEL = Parcel(carrier="SingPost", tracking_number="RR123456785SG")

STATES = [
    *("PENDING", "RESERVED", "CONFIRMED", "CANCELLING", "SHIPPED", "DELIVERED", "REJECTED", "CANCELLED"),
    # What is learned of a parcel before its dispatch.
    *("DELIVERED, dispatch unknown", "CANCELLED, came back"),
    *("return REQUESTED", "return WITHDRAWN", "return ACCEPTED", "return REFUSED"),
]


def order(state: str, **changes: Any) -> Order:
    """An order in this state, that has come there somehow; a return's state is one of a delivered order."""
    status, _, detail = state.partition(", ")
    returns: tuple[Return, ...] = ()
    if state.startswith("return "):
        status = "DELIVERED"
        returns = (a_return(ReturnStatus(state.removeprefix("return "))),)
    paid = status in ("CONFIRMED", "CANCELLING", "SHIPPED", "DELIVERED")
    story: tuple[RecordedEntry, ...] = (
        RecordedEntry(event="OrderPlaced", at=NOW, caused_by="request-1", status=OrderStatus.PENDING),
    )
    if status == "CANCELLING":
        asked = {"event": "CancellationRequested", "at": NOW, "caused_by": "request-2"}
        reason = CancelReason.BY_SHOPPER
        story = (*story, RecordedEntry(**asked, status=OrderStatus.CANCELLING, reason=reason))
    return Order(
        order_id=ORDER["order_id"],
        user_id=ORDER["user_id"],
        user_email=ORDER["user_email"],
        status=OrderStatus(status),
        items=ORDER["items"],
        shipping=ORDER["shipping"],
        tax=ORDER["tax"],
        total_amount=15430,
        currency="SGD",
        created_at=NOW,
        place_by=NOW.replace(day=3),
        shipping_address=ADDRESS,
        payment_method=PaymentMethod.CARD if paid else None,
        reserved_until=UNTIL if status == "RESERVED" else None,
        parcel=PARCEL if detail == "came back" or (status in ("SHIPPED", "DELIVERED") and not detail) else None,
        delivered_at=NOW if status == "DELIVERED" else None,
        returns=returns,
        fingerprint="f" * 64,
        history=story,
    ).model_copy(update=changes)


def a_return(status: ReturnStatus, **changes: Any) -> Return:
    """The return of the examples, of both backpacks."""
    accepted = status is ReturnStatus.ACCEPTED
    return Return(
        return_id=VALUES["return_id"],
        lines=(StockLine(product_id="canvas-backpack", quantity=2),),
        reason=ReturnReason.CHANGED_MIND,
        status=status,
        requested_at=NOW,
        taken=(InspectedLine(product_id="canvas-backpack", restock=2),) if accepted else (),
        amount=11980 if accepted else None,
    ).model_copy(update=changes)


MESSAGES: dict[str, Message] = {**{name_of(data): data for data in EXAMPLES}, "Cancel": Cancel()}

NOTED = (
    "PaymentDeclined",
    "PaymentCollected",
    "PaymentRefunded",
    "PaymentRefundFailed",
    "PaymentDisputed",
    "PaymentDisputeClosed",
    "MailFeedbackReceived",
)
"""These only join the story, whenever they come."""


def status_of(state: str) -> str:
    return order(state).status


RULES: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("PENDING", "InventoryReserved"): ("RESERVED", []),
    ("PENDING", "InventoryReservationFailed"): ("REJECTED", ["OrderRejected"]),
    ("PENDING", "PaymentSucceeded"): ("CONFIRMED", ["OrderConfirmed"]),
    ("PENDING", "PaymentFailed"): ("CANCELLED", ["OrderCancelled"]),
    ("PENDING", "Cancel"): ("CANCELLED", ["OrderCancelled"]),
    ("RESERVED", "PaymentSucceeded"): ("CONFIRMED", ["OrderConfirmed"]),
    ("RESERVED", "PaymentFailed"): ("CANCELLED", ["OrderCancelled"]),
    ("RESERVED", "Cancel"): ("CANCELLED", ["OrderCancelled"]),
    ("CONFIRMED", "Cancel"): ("CANCELLING", ["CancellationRequested"]),
    ("CONFIRMED", "ShipmentCancelled"): ("CANCELLED", ["OrderCancelled"]),
    ("CONFIRMED", "ShipmentDispatched"): ("SHIPPED", []),
    ("CONFIRMED", "ShipmentDelivered"): ("DELIVERED", []),
    ("CONFIRMED", "ShipmentReturned"): ("CANCELLED", ["OrderCancelled"]),
    ("CANCELLING", "ShipmentCancelled"): ("CANCELLED", ["OrderCancelled"]),
    ("CANCELLING", "ShipmentDispatched"): ("SHIPPED", []),
    ("CANCELLING", "ShipmentDelivered"): ("DELIVERED", []),
    ("CANCELLING", "ShipmentReturned"): ("CANCELLED", ["OrderCancelled"]),
    ("SHIPPED", "ShipmentDelivered"): ("DELIVERED", []),
    ("SHIPPED", "ShipmentReturned"): ("CANCELLED", ["OrderCancelled"]),
    ("return REQUESTED", "ReturnReceived"): ("DELIVERED", ["ReturnAccepted"]),
    ("return REQUESTED", "ReturnRefused"): ("DELIVERED", []),
    # Goods that came are paid for, whatever their shopper wanted meanwhile.
    ("return WITHDRAWN", "ReturnReceived"): ("DELIVERED", ["ReturnAccepted"]),
    # A dispatch that is heard of late, or twice, or of an order that never had a parcel, only joins the story.
    **{
        (state, "ShipmentDispatched"): (status_of(state), [])
        for state in ("PENDING", "RESERVED", "REJECTED", "CANCELLED", "DELIVERED, dispatch unknown")
    },
    **{(state, name): (status_of(state), []) for state in STATES for name in NOTED},
}


def answer(state: Order, message: Message, cause: str = "event-1") -> Decision[Order]:
    return decide(state, message, Context(state.order_id, cause, LATER))


def changed(state: Order, message: Message, cause: str = "event-1") -> Change[Order]:
    decision = answer(state, message, cause)
    assert isinstance(decision, Change)
    return decision


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("state", STATES)
def test_an_order_answers_as_the_table_says_and_nothing_else_changes_it(state: str, name: str) -> None:
    decision = answer(order(state), MESSAGES[name])

    if (state, name) not in RULES:
        assert isinstance(decision, Nothing)
        assert decision.reason
        return
    assert isinstance(decision, Change)
    assert (decision.state.status, [name_of(event) for event in decision.events]) == RULES[state, name]


STEPS = {
    ("PENDING", "Cancel"): "CancelledByShopper",
    ("RESERVED", "Cancel"): "CancelledByShopper",
    ("CONFIRMED", "Cancel"): "CancellationRequested",
}
"""Of the story, where they are not named like the message."""


@pytest.mark.parametrize("state, name", RULES)
def test_each_answer_adds_one_step_to_the_story_and_keeps_those_before(state: str, name: str) -> None:
    before = order(state)

    after = changed(before, MESSAGES[name]).state

    assert after.history[:-1] == before.history
    step = after.history[-1]
    assert (step.at, step.caused_by, step.status) == (LATER, "event-1", after.status)
    assert step.event == STEPS.get((state, name), name)


@pytest.mark.parametrize("state, name", RULES)
def test_the_same_message_again_is_nothing_whatever_its_id(state: str, name: str) -> None:
    after = changed(order(state), MESSAGES[name]).state

    assert isinstance(answer(after, MESSAGES[name]), Nothing)
    # The same fact can be published again under another id, when a lost message is nudged.
    assert isinstance(answer(after, MESSAGES[name], "event-2"), Nothing)


MOVES: dict[str, set[str]] = {
    "PaymentSucceeded": {"payment_method"},
    "ShipmentDispatched": {"parcel"},
    "ShipmentDelivered": {"delivered_at"},
    "PaymentCollected": {"collected"},
    "ReturnReceived": {"returns"},
    "ReturnRefused": {"returns"},
}
"""What each message changes beside the state and the story."""


@pytest.mark.parametrize("state, name", RULES)
def test_an_answer_touches_only_what_moves(state: str, name: str) -> None:
    before = order(state)

    after = changed(before, MESSAGES[name]).state

    may_move = {"status", "history", "reserved_until", *Order.model_computed_fields} | MOVES.get(name, set())
    assert after.model_dump(exclude=may_move) == before.model_dump(exclude=may_move)


@pytest.mark.parametrize("state, name", RULES)
def test_the_row_that_an_answer_leads_to_reads_back_as_it_was_written(state: str, name: str) -> None:
    row = ORDERS.after(ORDER["order_id"], None, changed(order(state), MESSAGES[name]), CAUSE, NOW)

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
        PaymentCollected,
        PaymentDisputed,
        PaymentDisputeClosed,
        ShipmentCancelled,
        ShipmentDispatched,
        ShipmentDelivered,
        ShipmentReturned,
        ReturnReceived,
        ReturnRefused,
        MailFeedbackReceived,
        AccountDeletionRequested,
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


def test_each_mail_that_comes_back_is_a_step_of_the_story_and_says_which_it_was() -> None:
    bounced = MailFeedbackReceived(order_id=ORDER["order_id"], mail="OrderPlaced", feedback=MailFeedback.BOUNCE)
    once = changed(order("RESERVED"), bounced, "ses:1").state
    twice = changed(once, bounced.model_copy(update={"mail": "ShipmentDispatched"}), "ses:2").state
    complained = changed(twice, bounced.model_copy(update={"feedback": MailFeedback.COMPLAINT}), "ses:3").state

    assert [(step.about, step.reason) for step in complained.history[1:]] == [
        ("OrderPlaced", "Bounce"),
        ("ShipmentDispatched", "Bounce"),
        ("OrderPlaced", "Complaint"),
    ]
    assert isinstance(answer(complained, bounced, "ses:4"), Nothing)


def test_a_reserved_order_says_until_when_and_no_other_does() -> None:
    reserved = changed(order("PENDING"), MESSAGES["InventoryReserved"]).state
    assert reserved.reserved_until == UNTIL
    noted = changed(reserved, MESSAGES["PaymentDeclined"], "event-2").state
    assert noted.reserved_until == UNTIL

    for ends in ("PaymentSucceeded", "PaymentFailed", "Cancel"):
        assert changed(reserved, MESSAGES[ends]).state.reserved_until is None


COMMON: dict[str, Any] = ORDER


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

    assert confirmed.events == [
        OrderConfirmed(**COMMON, payment_method=PaymentMethod(paid_with), shipping_address=ADDRESS)
    ]
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

    assert cancelled.events == [OrderCancelled(**COMMON, reason=reason, paid=Paid.NO)]
    assert cancelled.state.history[-1].reason == reason


@pytest.mark.parametrize("status", ["PENDING", "RESERVED"])
@pytest.mark.parametrize(
    "command, step",
    [
        (Cancel(), "CancelledByShopper"),
        (Cancel(CancelReason.BY_SHOP, "The last one was broken."), "CancelledByShop"),
    ],
)
def test_an_order_that_is_called_off_before_its_payment_says_by_whom_and_that_money_may_be_under_way(
    status: str, command: Cancel, step: str
) -> None:
    cancelled = changed(order(status), command)

    assert cancelled.events == [OrderCancelled(**COMMON, reason=command.reason, note=command.note, paid=Paid.UNKNOWN)]
    last = cancelled.state.history[-1]
    assert (last.event, last.reason, last.note) == (step, command.reason, command.note)


@pytest.mark.parametrize(
    "command", [Cancel(), Cancel(CancelReason.BY_SHOP, "The last one was broken.")], ids=["shopper", "shop"]
)
def test_calling_off_a_confirmed_order_is_a_request_that_keeps_its_reason_to_the_end(command: Cancel) -> None:
    asked = changed(order("CONFIRMED"), command)

    request = CancellationRequested(order_id=ORDER["order_id"], reason=command.reason, note=command.note)
    assert (asked.state.status, asked.events) == (OrderStatus.CANCELLING, [request])
    no_parcel = ShipmentCancelled(order_id=ORDER["order_id"], reason=command.reason, note=command.note)
    cancelled = changed(asked.state, no_parcel, "event-2")
    assert cancelled.events == [OrderCancelled(**COMMON, reason=command.reason, note=command.note, paid=Paid.YES)]


def test_a_parcel_that_was_faster_than_the_request_is_on_its_way_and_the_story_says_both() -> None:
    shipped = changed(order("CANCELLING"), MESSAGES["ShipmentDispatched"]).state

    assert shipped.status is OrderStatus.SHIPPED
    assert [step.event for step in shipped.history[1:]] == ["CancellationRequested", "ShipmentDispatched"]
    assert not shipped.cancellable


@pytest.mark.parametrize(
    "method, collected, paid",
    [(PaymentMethod.CARD, None, Paid.YES), (PaymentMethod.COD, None, Paid.NO), (PaymentMethod.COD, 15430, Paid.YES)],
)
@pytest.mark.parametrize(
    "why, reason",
    [
        (ParcelReturn.REFUSED, CancelReason.PARCEL_REFUSED),
        (ParcelReturn.UNDELIVERABLE, CancelReason.PARCEL_UNDELIVERABLE),
        (ParcelReturn.LOST, CancelReason.PARCEL_LOST),
        (ParcelReturn.OTHER, CancelReason.OTHER),
    ],
)
def test_a_parcel_that_came_back_cancels_the_order_and_writes_off_what_is_broken(
    why: ParcelReturn, reason: CancelReason, method: PaymentMethod, collected: int | None, paid: Paid
) -> None:
    found = (
        InspectedLine(product_id="canvas-backpack", restock=1, write_off=1),
        InspectedLine(product_id="desk-lamp", restock=1),
    )
    returned = ShipmentReturned(order_id=ORDER["order_id"], reason=why, lines=found)

    cancelled = changed(order("SHIPPED", payment_method=method, collected=collected), returned)

    broken = (StockLine(product_id="canvas-backpack", quantity=1),)
    assert cancelled.events == [OrderCancelled(**COMMON, reason=reason, paid=paid, written_off=broken)]


def test_the_day_of_delivery_is_the_events_and_not_that_of_its_arrival_here() -> None:
    delivered = changed(order("SHIPPED"), MESSAGES["ShipmentDelivered"]).state

    assert delivered.delivered_at == NOW
    assert delivered.history[-1].at == LATER


def test_the_story_of_a_late_dispatch_brings_the_tracking_to_an_order_that_has_arrived() -> None:
    told = changed(order("DELIVERED, dispatch unknown"), MESSAGES["ShipmentDispatched"]).state

    assert (told.status, told.delivered_at) == (OrderStatus.DELIVERED, NOW)
    assert told.parcel


def test_the_refunds_of_two_returns_are_two_steps_of_the_story() -> None:
    refunded: dict[str, Any] = {**PAYMENT, "user_email": ORDER["user_email"], "method": PaymentMethod.CARD}
    first = PaymentRefunded(**refunded, refund_id="ret_1", amount=sgd(5990))
    second = PaymentRefunded(**refunded, refund_id="ret_2", amount=sgd(3450))

    once = changed(order("DELIVERED"), first).state
    twice = changed(once, second, "event-2").state

    assert [(step.about, step.amount) for step in twice.history[1:]] == [("ret_1", sgd(5990)), ("ret_2", sgd(3450))]


def test_cash_is_collected_once_and_0_is_an_amount() -> None:
    nothing = PaymentCollected(**PAYMENT, amount=sgd(0), due=sgd(15430))
    everything = PaymentCollected(**PAYMENT, amount=sgd(15430), due=sgd(15430))

    known = changed(order("DELIVERED", payment_method=PaymentMethod.COD), nothing).state

    assert (known.collected, known.paid) == (0, Paid.NO)
    assert isinstance(answer(known, everything, "event-2"), Nothing)


# --- what others wait for ------------------------------------------------------------------------------------------

AWAITED: dict[str, list[str]] = {
    "PENDING": ["OrderPlaced"],
    "RESERVED": ["OrderPlaced"],
    "CONFIRMED": ["OrderConfirmed"],
    "CANCELLING": ["OrderConfirmed", "CancellationRequested"],
    "SHIPPED": ["OrderConfirmed"],
    "DELIVERED": ["OrderConfirmed"],
    "DELIVERED, dispatch unknown": ["OrderConfirmed"],
    "return REQUESTED": ["OrderConfirmed", "ReturnRequested"],
    "return WITHDRAWN": ["OrderConfirmed", "ReturnWithdrawn"],
    "return ACCEPTED": ["OrderConfirmed", "ReturnAccepted"],
    "return REFUSED": ["OrderConfirmed"],
}


@pytest.mark.parametrize("state", STATES)
def test_an_order_knows_what_others_may_still_wait_for(state: str) -> None:
    assert [name_of(event) for event in awaited(order(state))] == AWAITED.get(state, [])


def test_what_is_published_again_is_what_was_published_first() -> None:
    asked = changed(order("CONFIRMED"), Cancel(CancelReason.BY_SHOP, "The last one was broken."))
    confirmed = changed(order("RESERVED"), MESSAGES["PaymentSucceeded"])
    accepted = changed(order("return REQUESTED"), MESSAGES["ReturnReceived"])

    assert awaited(confirmed.state) == tuple(confirmed.events)
    assert awaited(asked.state)[1:] == tuple(asked.events)
    assert awaited(accepted.state)[1:] == tuple(accepted.events)


def test_a_refund_in_the_story_has_no_reason_and_a_refused_one_has() -> None:
    refunded: EventData = PaymentRefunded(
        **PAYMENT, user_email=ORDER["user_email"], amount=sgd(15430), method=PaymentMethod.CARD
    )
    refused: EventData = PaymentRefundFailed(
        **PAYMENT, user_email=ORDER["user_email"], amount=sgd(15430), method=PaymentMethod.CARD, reason="closed"
    )

    assert changed(order("CANCELLED"), refunded).state.history[-1].reason is None
    assert changed(order("CANCELLED"), refused).state.history[-1].reason == "closed"


def test_a_refund_that_failed_after_it_was_done_is_told_again_when_a_person_has_paid_it() -> None:
    common = {**PAYMENT, "user_email": ORDER["user_email"], "amount": sgd(15430), "method": PaymentMethod.CARD}
    refunded = PaymentRefunded(**common)
    once = changed(order("CANCELLED"), refunded).state
    failed = answer(once, PaymentRefundFailed(**common, reason="closed"), "event-2")
    assert isinstance(failed, Change)
    by_hand = PaymentRefunded(**common, reference="transfer-1")
    paid = answer(failed.state, by_hand, "event-3")

    assert isinstance(paid, Change)
    assert [(step.event, step.reference) for step in paid.state.history[-3:]] == [
        ("PaymentRefunded", None),
        ("PaymentRefundFailed", None),
        ("PaymentRefunded", "transfer-1"),
    ]
    assert isinstance(answer(paid.state, by_hand, "event-4"), Nothing)


def test_an_order_is_disputed_until_the_bank_has_decided_whichever_is_heard_of_first() -> None:
    opened = changed(order("CONFIRMED"), MESSAGES["PaymentDisputed"]).state
    closed = answer(opened, MESSAGES["PaymentDisputeClosed"], "event-2")
    assert isinstance(closed, Change)
    early = changed(order("CONFIRMED"), MESSAGES["PaymentDisputeClosed"]).state
    late = answer(early, MESSAGES["PaymentDisputed"], "event-2")
    assert isinstance(late, Change)

    assert [state.is_disputed for state in (opened, closed.state, late.state)] == [True, False, False]
