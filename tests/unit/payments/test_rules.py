"""The rules of a payment, every state with every combination of facts against every message.

The tables are the contract's, written out. A fact is a letter: A the amount is known (OrderPlaced), R the goods are
reserved (InventoryReserved), C or K the shopper chose cash or card; a dot is a fact that is missing. While an attempt
runs, w remembers that the window closed and c that the order was cancelled. A dash is Nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.event import EventData
from contract.auth import AccountDeletionRequested
from contract.fulfilment import ShipmentDelivered
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderPlaced, ReturnAccepted
from contract.payments import (
    PaymentCollected,
    PaymentDeclined,
    PaymentDisputeClosed,
    PaymentDisputed,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSubmitted,
    PaymentSucceeded,
    RefundRequested,
)
from contract.values import CANCELLATION, InspectedLine, PaymentFailure, PaymentMethod
from payments.domain import (
    CASH,
    AttemptSent,
    AttemptUnsent,
    ChargeAccepted,
    ChargeDeclined,
    ChargeEnded,
    ChooseMethod,
    Dispute,
    DisputeReported,
    DisputeStatus,
    Message,
    Owed,
    Payment,
    PaymentStatus,
    Refund,
    RefundDone,
    RefundPaid,
    RefundRefused,
    RefundStatus,
    WindowClosed,
    awaited,
    decide,
    payment_id_of,
)
from payments.reactions import CONSUMER
from payments.store import PAYMENTS
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, PAYMENT, VALUES, name_of, sgd

OPEN = """
           | placed     | placed, COD | reserved    | COD        | CARD        | not reserved | cancelled | closes
none       | A..        | A.C         | .R.         | ..C        | ..K         | VOIDED       | VOIDED    | -
A..        | -          | -           | AR.         | A.C        | A.K         | VOIDED       | VOIDED    | -
.R.        | AR.        | SUCCEEDED C | -           | .RC        | .RK         | VOIDED       | VOIDED    | -
..C        | A.C        | A.C         | .RC         | ..C        | ..K         | VOIDED       | VOIDED    | -
..K        | A.K        | A.K         | .RK         | ..C        | ..K         | VOIDED       | VOIDED    | -
AR.        | -          | -           | -           | SUCCEEDED C| SUBMITTED K | VOIDED       | VOIDED    | FAILED
A.C        | -          | -           | SUCCEEDED C | A.C        | A.K         | VOIDED       | VOIDED    | -
A.K        | -          | -           | SUBMITTED K | A.C        | A.K         | VOIDED       | VOIDED    | -
.RC        | SUCCEEDED C| SUCCEEDED C | -           | .RC        | .RK         | VOIDED       | VOIDED    | -
.RK        | SUBMITTED K| SUBMITTED K | -           | .RC        | .RK         | VOIDED       | VOIDED    | -
AR. 1      | -          | -           | -           | SUCCEEDED C| SUBMITTED K | VOIDED       | VOIDED    | FAILED
AR. 2      | -          | -           | -           | SUCCEEDED C| SUBMITTED K | VOIDED       | VOIDED    | FAILED
"""
"""OPEN by its facts, and how many attempts were declined; everything else is Nothing here."""

ATTEMPT = """
           | accepted   | declined             | ended, unsent        | ended, over | cancelled | closes
K 1 ..     | SUCCEEDED  | AR. 1                | AR. 1                | VOIDED      | K 1 .c    | K 1 w.
K 1 w.     | SUCCEEDED  | FAILED WINDOW_CLOSED | FAILED WINDOW_CLOSED | VOIDED      | K 1 wc    | -
K 1 .c     | ALL BACK   | VOIDED               | VOIDED               | VOIDED      | -         | K 1 wc
K 1 wc     | ALL BACK   | VOIDED               | VOIDED               | VOIDED      | -         | -
K 2 ..     | SUCCEEDED  | AR. 2                | AR. 2                | VOIDED      | K 2 .c    | K 2 w.
K 2 w.     | SUCCEEDED  | FAILED WINDOW_CLOSED | FAILED WINDOW_CLOSED | VOIDED      | K 2 wc    | -
K 2 .c     | ALL BACK   | VOIDED               | VOIDED               | VOIDED      | -         | K 2 wc
K 2 wc     | ALL BACK   | VOIDED               | VOIDED               | VOIDED      | -         | -
K 3 ..     | SUCCEEDED  | FAILED DECLINED      | FAILED DECLINED      | VOIDED      | K 3 .c    | K 3 w.
K 3 w.     | SUCCEEDED  | FAILED DECLINED      | FAILED WINDOW_CLOSED | VOIDED      | K 3 wc    | -
K 3 .c     | ALL BACK   | VOIDED               | VOIDED               | VOIDED      | -         | K 3 wc
K 3 wc     | ALL BACK   | VOIDED               | VOIDED               | VOIDED      | -         | -
"""
"""SUBMITTED by its method, the attempt that runs, and what it remembers; everything else is Nothing here.

Of an attempt that its provider has taken in (sent), the same holds, but for two messages: it is sent only once, and
that it was never sent is not believed any more.
"""

ALL_BACK = "SUCCEEDED K; cancellation 15430 REQUESTED"
"""In the tables, ALL BACK: it was accepted, and all of it is given back."""

PAID: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("SUCCEEDED K", "cancelled"): (ALL_BACK, ["RefundRequested"]),
    ("SUCCEEDED K", "returned"): ("SUCCEEDED K; return 11980 REQUESTED", ["RefundRequested"]),
    # Of a card's payment.
    (ALL_BACK, "refund done"): ("SUCCEEDED K; cancellation 15430 DONE", ["PaymentRefunded"]),
    (ALL_BACK, "refund refused"): ("SUCCEEDED K; cancellation 15430 TO_PAY_BY_HAND", ["PaymentRefundFailed"]),
    (ALL_BACK, "returned"): (f"{ALL_BACK}; return 0 DONE", []),
    # A provider can take its word back.
    ("SUCCEEDED K; cancellation 15430 DONE", "refund refused"): (
        "SUCCEEDED K; cancellation 15430 TO_PAY_BY_HAND",
        ["PaymentRefundFailed"],
    ),
    ("SUCCEEDED K; cancellation 15430 DONE", "returned"): ("SUCCEEDED K; cancellation 15430 DONE; return 0 DONE", []),
    ("SUCCEEDED K; cancellation 15430 TO_PAY_BY_HAND", "paid by hand"): (
        "SUCCEEDED K; cancellation 15430 PAID_BY_HAND",
        ["PaymentRefunded"],
    ),
    ("SUCCEEDED K; cancellation 15430 TO_PAY_BY_HAND", "returned"): (
        "SUCCEEDED K; cancellation 15430 TO_PAY_BY_HAND; return 0 DONE",
        [],
    ),
    ("SUCCEEDED K; cancellation 15430 PAID_BY_HAND", "returned"): (
        "SUCCEEDED K; cancellation 15430 PAID_BY_HAND; return 0 DONE",
        [],
    ),
    ("SUCCEEDED K; return 11980 REQUESTED", "refund done"): ("SUCCEEDED K; return 11980 DONE", ["PaymentRefunded"]),
    ("SUCCEEDED K; return 11980 REQUESTED", "refund refused"): (
        "SUCCEEDED K; return 11980 TO_PAY_BY_HAND",
        ["PaymentRefundFailed"],
    ),
    ("SUCCEEDED K; return 11980 REQUESTED", "cancelled"): (
        "SUCCEEDED K; return 11980 REQUESTED; cancellation 3450 REQUESTED",
        ["RefundRequested"],
    ),
    # Cash: what was not collected is not collected, and what was is paid back by a person.
    ("SUCCEEDED C", "cancelled"): ("VOIDED", []),
    ("SUCCEEDED C", "delivered"): ("SUCCEEDED C took 15430", ["PaymentCollected"]),
    ("SUCCEEDED C", "delivered, 0"): ("SUCCEEDED C took 0", ["PaymentCollected"]),
    ("SUCCEEDED C", "delivered, some"): ("SUCCEEDED C took 10000", ["PaymentCollected"]),
    ("SUCCEEDED C", "returned"): ("SUCCEEDED C owes", []),
    ("SUCCEEDED C owes", "cancelled"): ("VOIDED", []),
    ("SUCCEEDED C owes", "delivered"): (
        "SUCCEEDED C took 15430; return 11980 TO_PAY_BY_HAND",
        ["PaymentCollected", "PaymentRefundFailed"],
    ),
    ("SUCCEEDED C owes", "delivered, some"): (
        "SUCCEEDED C took 10000; return 10000 TO_PAY_BY_HAND",
        ["PaymentCollected", "PaymentRefundFailed"],
    ),
    ("SUCCEEDED C owes", "delivered, 0"): ("SUCCEEDED C took 0; return 0 DONE", ["PaymentCollected"]),
    ("SUCCEEDED C took 15430", "cancelled"): (
        "SUCCEEDED C took 15430; cancellation 15430 TO_PAY_BY_HAND",
        ["PaymentRefundFailed"],
    ),
    ("SUCCEEDED C took 15430", "returned"): (
        "SUCCEEDED C took 15430; return 11980 TO_PAY_BY_HAND",
        ["PaymentRefundFailed"],
    ),
    ("SUCCEEDED C took 10000", "cancelled"): (
        "SUCCEEDED C took 10000; cancellation 10000 TO_PAY_BY_HAND",
        ["PaymentRefundFailed"],
    ),
    ("SUCCEEDED C took 10000", "returned"): (
        "SUCCEEDED C took 10000; return 10000 TO_PAY_BY_HAND",
        ["PaymentRefundFailed"],
    ),
    ("SUCCEEDED C took 0", "returned"): ("SUCCEEDED C took 0; return 0 DONE", []),
    ("SUCCEEDED C took 15430; return 11980 TO_PAY_BY_HAND", "paid by hand"): (
        "SUCCEEDED C took 15430; return 11980 PAID_BY_HAND",
        ["PaymentRefunded"],
    ),
    ("SUCCEEDED C took 15430; return 11980 TO_PAY_BY_HAND", "cancelled"): (
        "SUCCEEDED C took 15430; return 11980 TO_PAY_BY_HAND; cancellation 3450 TO_PAY_BY_HAND",
        ["PaymentRefundFailed"],
    ),
}
"""SUCCEEDED by its method, the cash that was taken, whether a return waits for the cash, and its refunds.

What is answered by nothing but Nothing is an end: these, and an acceptance that nothing waited for.
"""
ENDS = ["VOIDED", "FAILED"]

REASON = "the card was declined"
METHODS = {"C": PaymentMethod.COD, "K": PaymentMethod.CARD, ".": None}


def cells(table: str) -> dict[tuple[str, str], str]:
    """By state and message, what the table says."""
    head, *rows = table.strip("\n").splitlines()
    names = [cell.strip() for cell in head.split("|")[1:]]
    result = {}
    for row in rows:
        state, *outcomes = (cell.strip() for cell in row.split("|"))
        result.update({(state, name): outcome for name, outcome in zip(names, outcomes, strict=True)})
    return result


def attempts() -> dict[tuple[str, str], str]:
    """ATTEMPT before the attempt was sent and after it."""
    result: dict[tuple[str, str], str] = {}
    for (state, name), outcome in cells(ATTEMPT).items():
        after = f"{outcome} sent" if outcome.startswith("K") else outcome
        if name == "ended, unsent":
            result |= {(state, "ended"): outcome, (f"{state} sent", "ended"): outcome, (state, "unsent"): outcome}
        else:
            result |= {(state, name): outcome, (f"{state} sent", name): after}
        result[state, "sent"] = f"{state} sent"
    return result


TABLES = {**cells(OPEN), **attempts(), **{key: state for key, (state, _) in PAID.items()}}
RULES = {key: outcome for key, outcome in TABLES.items() if outcome != "-"}
STATES = [*dict.fromkeys(state for state, _ in TABLES), *ENDS]


def payment(
    facts: str,
    status: str = "OPEN",
    *,
    attempts: int = 0,
    remembers: str = "..",
    sent: bool | None = None,
    refund: str | None = None,
) -> Payment:
    """A payment that has heard of these facts; an attempt by card that is over was sent.

    Args:
        refund: where the refund of all of it stands, of an order that was cancelled.
    """
    amount, reserved, method = list(facts)
    if sent is None:
        sent = method == "K" and status not in ("OPEN", "SUBMITTED")
    return Payment(
        payment_id=PAYMENT["payment_id"],
        order_id=ORDER["order_id"],
        status=PaymentStatus(status),
        user_id=ORDER["user_id"] if amount == "A" else None,
        user_email=ORDER["user_email"] if amount == "A" else None,
        amount=15430 if amount == "A" else None,
        currency="SGD" if amount == "A" else None,
        reserved=reserved == "R",
        method=METHODS[method],
        card_token="tok_visa" if method == "K" and not sent else None,
        attempts=attempts,
        provider="sandbox" if sent else None,
        reference=f"{PAYMENT['payment_id']}:{attempts}" if sent else None,
        decline_reason="the card was declined" if attempts > (status != "OPEN") else None,
        window_closed=remembers[0] == "w",
        cancelled=remembers[1] == "c",
        refunds=(a_refund(CANCELLATION, 15430, refund, attempts),) if refund else (),
        created_at=NOW,
    )


def a_refund(refund_id: str, amount: int, status: str, attempt: int = 1, *, cash: bool = False) -> Refund:
    """The way back of money of this attempt."""
    by_hand = status in ("TO_PAY_BY_HAND", "PAID_BY_HAND")
    return Refund(
        refund_id=refund_id,
        amount=amount,
        attempt=attempt,
        status=RefundStatus(status),
        provider=None if cash else "sandbox",
        reference=None if cash else f"{PAYMENT['payment_id']}:{attempt}",
        requested_at=NOW,
        reason=(CASH if cash else NO_REFUNDS) if by_hand else None,
        paid_reference="transfer-1" if status == "PAID_BY_HAND" else None,
        paid_by="staff-1" if status == "PAID_BY_HAND" else None,
    )


RETURN_ID = VALUES["return_id"]
NO_REFUNDS = "this card takes no refunds"


def paid(name: str) -> Payment:
    """SUCCEEDED, as PAID names it."""
    head, *refunds = name.split("; ")
    _, method, *cash = head.split()
    state = payment(f"AR{method}", "SUCCEEDED", attempts=1)
    if cash == ["owes"]:
        return state.model_copy(update={"owed": (Owed(return_id=RETURN_ID, amount=11980),)})
    back = []
    for refund in refunds:
        about, amount, status = refund.split()
        refund_id = RETURN_ID if about == "return" else about
        back.append(a_refund(refund_id, int(amount), status, cash=method == "C"))
    return state.model_copy(update={"collected": int(cash[1]) if cash else None, "refunds": tuple(back)})


def name_of_paid(state: Payment) -> str:
    head = "SUCCEEDED " + ("C" if state.method is PaymentMethod.COD else "K")
    head += " owes" if state.owed else ""
    head += "" if state.collected is None else f" took {state.collected}"
    about = {RETURN_ID: "return"}
    return "; ".join(
        [head, *(f"{about.get(each.refund_id, each.refund_id)} {each.amount} {each.status}" for each in state.refunds)]
    )


def state_of(name: str) -> Payment | None:
    """The state that a row of the tables stands for."""
    match name.split():
        case ["none"]:
            return None
        case ["VOIDED" | "FAILED" as status]:
            return payment("AR.", status)
        case ["SUCCEEDED", *_]:
            return paid(name)
        case [method, attempt, remembers, *sent]:
            return payment(f"AR{method}", "SUBMITTED", attempts=int(attempt), remembers=remembers, sent=bool(sent))
        case [facts, declined]:
            return payment(facts, attempts=int(declined))
        case [facts]:
            return payment(facts)
    raise AssertionError(name)


def name_of_state(state: Payment | None) -> str:
    """The row of the tables that a state is, as the tables write it."""
    if state is None:
        return "none"
    method = {PaymentMethod.COD: "C", PaymentMethod.CARD: "K", None: "."}[state.method]
    match state.status:
        case PaymentStatus.OPEN:
            facts = ("." if state.amount is None else "A") + ("R" if state.reserved else ".") + method
            return f"{facts} {state.attempts}" if state.attempts else facts
        case PaymentStatus.SUBMITTED:
            remembers = ("w" if state.window_closed else ".") + ("c" if state.cancelled else ".")
            return f"{method} {state.attempts} {remembers}{' sent' if state.sent else ''}"
        case PaymentStatus.SUCCEEDED:
            return name_of_paid(state)
        case status:
            return status.value


EVENTS = {name_of(data): data for data in EXAMPLES}
PLACED = EVENTS["OrderPlaced"]
MESSAGES: dict[str, Message] = {
    **{name: data for name, data in EVENTS.items() if type(data) not in CONSUMER.subscribes_to},
    "placed": PLACED,
    "placed, COD": PLACED.model_copy(update={"payment_method": PaymentMethod.COD}),
    "reserved": EVENTS["InventoryReserved"],
    "not reserved": EVENTS["InventoryReservationFailed"],
    "cancelled": EVENTS["OrderCancelled"],
    "delivered, by card": EVENTS["ShipmentDelivered"],
    "delivered": EVENTS["ShipmentDelivered"].model_copy(update={"cash": sgd(15430)}),
    "delivered, some": EVENTS["ShipmentDelivered"].model_copy(update={"cash": sgd(10000)}),
    "delivered, 0": EVENTS["ShipmentDelivered"].model_copy(update={"cash": sgd(0)}),
    "returned": EVENTS["ReturnAccepted"].model_copy(update={"amount": sgd(11980)}),
    "COD": ChooseMethod(PaymentMethod.COD),
    "CARD": ChooseMethod(PaymentMethod.CARD, "tok_visa"),
    "closes": WindowClosed(),
}
OF_AN_ATTEMPT: dict[str, Callable[[int], Message]] = {
    "sent": lambda attempt: AttemptSent(attempt, "sandbox", f"{PAYMENT['payment_id']}:{attempt}"),
    "unsent": lambda attempt: AttemptUnsent(attempt, REASON),
    "accepted": lambda attempt: ChargeAccepted(attempt, "sandbox", f"{PAYMENT['payment_id']}:{attempt}"),
    "declined": lambda attempt: ChargeDeclined(attempt, REASON),
    "ended": lambda attempt: ChargeEnded(attempt, order_over=False),
    "ended, over": lambda attempt: ChargeEnded(attempt, order_over=True),
}
OF_A_REFUND: dict[str, Callable[[str, int], Message]] = {
    "refund done": RefundDone,
    "refund refused": lambda refund_id, amount: RefundRefused(refund_id, NO_REFUNDS),
    "paid by hand": lambda refund_id, amount: RefundPaid(refund_id, "transfer-1", "staff-1"),
}
"""About the latest refund, or, of a payment without one, about that of its cancellation."""
ANSWERS = [name + which for name in OF_AN_ATTEMPT for which in ("", " before", " after")]
"""About the attempt that runs (or ran last), about the one before and about one that was never made."""


NAMES = [*MESSAGES, *ANSWERS, *OF_A_REFUND]


def message(name: str, state: Payment | None) -> Message:
    if name in OF_A_REFUND:
        latest = state.refunds[-1] if state and state.refunds else None
        return OF_A_REFUND[name](latest.refund_id, latest.amount) if latest else OF_A_REFUND[name](CANCELLATION, 15430)
    if name not in ANSWERS:
        return MESSAGES[name]
    about, before, after = name, name.removesuffix(" before"), name.removesuffix(" after")
    attempt = state.attempts if state else 0
    if before != name:
        about, attempt = before, attempt - 1
    elif after != name:
        about, attempt = after, attempt + 1
    return OF_AN_ATTEMPT[about](attempt)


def unexpected(state: Payment | None, name: str) -> bool:
    """Whether it is an acceptance that the payment does not wait for: no table's, but a refund of its own."""
    said = message(name, state)
    return isinstance(said, ChargeAccepted) and not (state and state.runs(said.attempt))


CONTEXT = Context(ORDER["order_id"], "event-1", NOW)


def answer_to(state: Payment | None, name: str) -> Decision[Payment]:
    return decide(state, message(name, state), CONTEXT)


def changed(state: str, name: str) -> Change[Payment]:
    decision = answer_to(state_of(state), name)
    assert isinstance(decision, Change)
    return decision


def becomes(before: Payment | None, outcome: str) -> str:
    """The row of the tables that an outcome leads to."""
    match outcome.split():
        case ["SUBMITTED", method]:
            return f"{method} {before.attempts + 1 if before else 1} .."
        case ["SUCCEEDED"]:
            return "SUCCEEDED K"
        case ["ALL", "BACK"]:
            return ALL_BACK
        case ["FAILED", _]:
            return "FAILED"
        case _:
            return outcome


def expected_events(before: Payment | None, outcome: str, name: str) -> list[EventData]:
    """What the contract says is told when the payment becomes that."""
    attempt = (before.attempts if before else 0) or 1
    charge = {**PAYMENT, "amount": sgd(15430)}
    match outcome.split():
        case ["SUBMITTED", _]:
            made = before.attempts + 1 if before else 1
            return [PaymentSubmitted(**charge, method=PaymentMethod.CARD, attempt=made)]
        case ["SUCCEEDED", "C"]:  # From OPEN: what is paid already, PAID tells of.
            made = before.attempts + 1 if before else 1
            return [PaymentSucceeded(**charge, method=PaymentMethod.COD, attempt=made)]
        case ["SUCCEEDED"]:
            return [PaymentSucceeded(**charge, method=PaymentMethod.CARD, attempt=attempt)]
        case ["ALL", "BACK"]:
            return [RefundRequested(**charge, method=PaymentMethod.CARD, attempt=attempt)]
        case ["FAILED", reason]:
            return [PaymentFailed(**PAYMENT, reason=PaymentFailure(reason))]
        case ["FAILED"]:
            return [PaymentFailed(**PAYMENT, reason=PaymentFailure.WINDOW_CLOSED)]
        case ["AR.", _] if name in ("declined", "unsent", "ended"):
            reason = "the payment was called off" if name == "ended" else REASON
            return [PaymentDeclined(**PAYMENT, attempt=attempt, max_attempts=3, reason=reason)]
        case _:
            return []


@pytest.mark.parametrize("state", STATES)
def test_a_payment_answers_as_the_tables_say_and_nothing_else_changes_it(state: str) -> None:
    before = state_of(state)
    for name in NAMES:
        if unexpected(before, name):
            continue
        decision = answer_to(before, name)
        outcome = RULES.get((state, name))
        if outcome is None:
            assert isinstance(decision, Nothing), name
            continue
        assert isinstance(decision, Change), name
        assert name_of_state(decision.state) == becomes(before, outcome), name
        if (state, name) in PAID:
            assert [name_of(event) for event in decision.events] == PAID[state, name][1], name
        else:
            assert list(decision.events) == expected_events(before, outcome, name), name


@pytest.mark.parametrize("state, name", [key for key in RULES if key[1] not in ("COD", "CARD")])
def test_the_same_message_again_is_nothing(state: str, name: str) -> None:
    said = message(name, state_of(state))

    assert isinstance(decide(changed(state, name).state, said, CONTEXT), Nothing)


@pytest.mark.parametrize("state", ["none", "A..", ".R.", "..C", "..K", "A.C", "A.K", ".RC", ".RK"])
@pytest.mark.parametrize("method", ["COD", "CARD"])
def test_the_same_choice_again_is_taken_and_is_the_same(state: str, method: str) -> None:
    chosen = changed(state, method).state

    assert answer_to(chosen, method) == Change(chosen)


@pytest.mark.parametrize("state, name", RULES)
def test_a_payment_reads_back_as_it_was_written(state: str, name: str) -> None:
    row = PAYMENTS.after(PAYMENT["payment_id"], None, changed(state, name), CAUSE, NOW)

    assert PAYMENTS.from_item(PAYMENTS.to_item(row)) == row


@pytest.mark.parametrize("state, name", RULES)
def test_a_card_token_is_kept_only_while_an_attempt_needs_it_and_is_never_told(state: str, name: str) -> None:
    change = changed(state, name)

    needed = change.state.method is PaymentMethod.CARD and name_of_state(change.state) in (
        *("..K", "A.K", ".RK"),
        *(f"K {attempt} {remembers}" for attempt in (1, 2, 3) for remembers in ("..", "w.", ".c", "wc")),
    )
    assert change.state.card_token == ("tok_visa" if needed else None)
    assert "tok_" not in "".join(event.model_dump_json() for event in change.events)
    assert "tok_" not in repr(change.state)


def reachable() -> Iterator[Payment | None]:
    """Every state that any sequence of messages leads to, up to its success."""
    seen: list[Payment | None] = [None]
    for state in seen:
        yield state
        if state and state.status is PaymentStatus.SUCCEEDED:
            continue
        for name in NAMES:
            if unexpected(state, name):
                continue
            decision = answer_to(state, name)
            if isinstance(decision, Change) and decision.state not in seen:
                seen.append(decision.state)


def test_the_tables_know_every_state_that_can_be_reached_and_the_rules_raise_in_none() -> None:
    states = list(reachable())

    begins = {"SUCCEEDED K", "SUCCEEDED C", ALL_BACK}
    assert {name_of_state(state) for state in states} == {
        name for name in STATES if name in begins or not name.startswith("SUCCEEDED")
    }
    # States that differ in what no rule looks at (an old reason, an old attempt) do as the tables say, too.
    for state in states:
        for name in NAMES:
            if unexpected(state, name):
                continue
            took = isinstance(answer_to(state, name), Change)
            assert took == ((name_of_state(state), name) in RULES), (state, name)


def test_every_order_of_the_three_facts_leads_to_the_same_attempt() -> None:
    ends = []
    for facts in permutations(["placed", "reserved", "CARD"]):
        state: Payment | None = None
        told: list[EventData] = []
        for fact in facts:
            decision = answer_to(state, fact)
            assert isinstance(decision, Change)
            state, told = decision.state, [*told, *decision.events]
        ends.append((state, told))

    assert all(end == ends[0] for end in ends)
    assert [name_of(event) for event in ends[0][1]] == ["PaymentSubmitted"]


def test_a_choice_after_checkout_is_newer_than_the_one_at_checkout_whenever_that_is_heard_of() -> None:
    assert changed("..K", "placed, COD").state.method is PaymentMethod.CARD
    assert changed("A.C", "CARD").state.method is PaymentMethod.CARD
    assert changed("A.K", "COD").state.method is PaymentMethod.COD


def test_another_card_takes_the_place_of_the_first_and_cash_forgets_it() -> None:
    other = decide(state_of("A.K"), ChooseMethod(PaymentMethod.CARD, "tok_declined"), CONTEXT)

    assert isinstance(other, Change)
    assert other.state.card_token == "tok_declined"
    assert changed("A.K", "COD").state.card_token is None


def test_cash_is_at_no_provider_and_a_card_only_once_one_has_taken_it_in() -> None:
    assert changed("AR.", "COD").state.provider is None
    assert changed("AR.", "CARD").state.provider is None
    assert changed("K 1 ..", "sent").state.provider == "sandbox"


def test_a_new_attempt_knows_nothing_of_the_reference_of_the_last_one() -> None:
    again = changed("AR. 1", "CARD").state

    assert not changed("K 1 .. sent", "declined").state.sent
    assert not again.sent


# --- an acceptance that nothing waited for -------------------------------------------------------------------------

UNEXPECTED = [
    *((state, "accepted") for state in ("AR. 1", "AR. 2")),
    *((state, "accepted before") for state in ("AR. 2", "K 2 ..", "K 3 wc", "K 2 .. sent")),
    *((state, "accepted after") for state in ("AR. 1", "K 1 ..", "SUCCEEDED K", ALL_BACK, "SUCCEEDED C took 15430")),
]


def accepted_anyway(state: str, name: str) -> tuple[Payment, Change[Payment]]:
    before, change = state_of(state), changed(state, name)
    assert before
    return before, change


def after_the_end(status: str) -> Payment:
    return payment("ARK", status, attempts=2)


@pytest.mark.parametrize("state, name", UNEXPECTED)
def test_what_another_attempt_takes_is_given_back_and_the_payment_stays_what_it_is(state: str, name: str) -> None:
    before, change = accepted_anyway(state, name)
    refund = change.state.refunds[-1]

    assert change.state.model_copy(update={"refunds": before.refunds}) == before
    assert change.state.refunds[:-1] == before.refunds
    assert change.state.left == before.left, "it is no part of what the payment has taken"
    assert (refund.refund_id, refund.reference) == (
        f"attempt:{refund.attempt}",
        f"{PAYMENT['payment_id']}:{refund.attempt}",
    )
    charge = {**PAYMENT, "amount": sgd(15430), "method": PaymentMethod.CARD}
    assert change.events == [RefundRequested(**charge, refund_id=refund.refund_id, attempt=refund.attempt)]


@pytest.mark.parametrize("status", ["VOIDED", "FAILED"])
def test_what_is_taken_after_the_end_is_given_back_too(status: str) -> None:
    ended = after_the_end(status)

    decision = answer_to(ended, "accepted")

    assert isinstance(decision, Change)
    assert (decision.state.status, [name_of(event) for event in decision.events]) == (status, ["RefundRequested"])
    assert isinstance(answer_to(decision.state, "accepted"), Nothing), "it is given back once"


@pytest.mark.parametrize(
    "name, status, told",
    [("refund done", "DONE", "PaymentRefunded"), ("refund refused", "TO_PAY_BY_HAND", "PaymentRefundFailed")],
)
def test_what_became_of_that_refund_is_told_once_and_moves_the_payment_nowhere(
    name: str, status: str, told: str
) -> None:
    taken = answer_to(after_the_end("FAILED"), "accepted")
    assert isinstance(taken, Change)

    settled = answer_to(taken.state, name)

    assert isinstance(settled, Change)
    assert [name_of(event) for event in settled.events] == [told]
    assert ([refund.status for refund in settled.state.refunds], settled.state.status) == ([status], "FAILED")
    assert isinstance(answer_to(settled.state, name), Nothing)
    assert isinstance(answer_to(settled.state, "accepted"), Nothing)


def test_the_refund_of_another_attempt_is_not_the_payments_own() -> None:
    """The second attempt was paid and called off; the first took money, too."""
    both = answer_to(payment("ARK", "SUCCEEDED", attempts=2, refund="REQUESTED"), "accepted before")
    assert isinstance(both, Change)
    own, other = both.state.refunds

    first = decide(both.state, RefundDone(other.refund_id, other.amount), CONTEXT)
    second = decide(both.state, RefundDone(CANCELLATION, own.amount), CONTEXT)

    assert isinstance(first, Change)
    assert isinstance(second, Change)
    assert [refund.status for refund in first.state.refunds] == ["REQUESTED", "DONE"]
    assert [refund.status for refund in second.state.refunds] == ["DONE", "REQUESTED"]
    assert both.state.refund_key(own) != both.state.refund_key(other)


@pytest.mark.parametrize("refund", [None, *RefundStatus])
def test_an_acceptance_that_is_known_is_not_given_back(refund: str | None) -> None:
    assert isinstance(answer_to(payment("ARK", "SUCCEEDED", attempts=2, refund=refund), "accepted"), Nothing)


def test_each_attempt_has_a_key_of_its_own_and_each_refund_too() -> None:
    state = paid("SUCCEEDED K; return 11980 DONE; cancellation 3450 REQUESTED")
    keys = {
        *(payment("ARK", "SUBMITTED", attempts=attempt).attempt_key for attempt in (1, 2, 3)),
        *(state.refund_key(refund) for refund in state.refunds),
    }

    about = (1, 2, 3, f"refund:{RETURN_ID}", "refund:cancellation")
    assert keys == {f"{PAYMENT['payment_id']}:{what}" for what in about}


def test_a_refund_is_of_the_attempt_that_succeeded_at_the_provider_that_took_it() -> None:
    (refund,) = changed("K 2 .c sent", "accepted").state.refunds

    assert (refund.attempt, refund.provider, refund.reference) == (2, "sandbox", f"{PAYMENT['payment_id']}:2")


# --- money on its way back ------------------------------------------------------------------------------------------

COMMON = {**PAYMENT, "user_email": ORDER["user_email"]}


def test_what_a_provider_refuses_and_a_person_pays_is_told_with_the_reference_of_the_transfer() -> None:
    refused = changed(ALL_BACK, "refund refused")
    by_hand = answer_to(refused.state, "paid by hand")
    assert isinstance(by_hand, Change)

    money = {**COMMON, "refund_id": CANCELLATION, "amount": sgd(15430), "method": PaymentMethod.CARD}
    assert refused.events == [PaymentRefundFailed(**money, reason=NO_REFUNDS)]
    assert by_hand.events == [PaymentRefunded(**money, reference="transfer-1")]
    (refund,) = by_hand.state.refunds
    assert (refund.paid_reference, refund.paid_by) == ("transfer-1", "staff-1")


def test_a_refund_that_is_paid_by_hand_is_final_whatever_the_provider_says_later() -> None:
    done = changed("SUCCEEDED K; cancellation 15430 TO_PAY_BY_HAND", "paid by hand").state

    for name in OF_A_REFUND:
        assert isinstance(answer_to(done, name), Nothing)
    assert isinstance(decide(done, RefundPaid(CANCELLATION, "another transfer", "staff-2"), CONTEXT), Nothing)


@pytest.mark.parametrize("name, amount", [("delivered", 15430), ("delivered, some", 10000), ("delivered, 0", 0)])
def test_cash_is_told_beside_what_was_due_and_is_known_once(name: str, amount: int) -> None:
    collected = changed("SUCCEEDED C", name)

    assert collected.events == [PaymentCollected(**PAYMENT, amount=sgd(amount), due=sgd(15430))]
    for again in ("delivered", "delivered, some", "delivered, 0"):
        assert isinstance(answer_to(collected.state, again), Nothing)


def test_cash_has_no_provider_and_a_person_is_asked_at_once() -> None:
    asked = changed("SUCCEEDED C took 15430", "returned")

    (refund,) = asked.state.refunds
    assert (refund.provider, refund.reference, refund.reason) == (None, None, CASH)
    money = {**COMMON, "refund_id": RETURN_ID, "amount": sgd(11980), "method": PaymentMethod.COD}
    assert asked.events == [PaymentRefundFailed(**money, reason=CASH)]


def returned(return_id: str, amount: int) -> ReturnAccepted:
    line = InspectedLine(product_id="desk-lamp", restock=1)
    return ReturnAccepted(order_id=ORDER["order_id"], return_id=return_id, lines=(line,), amount=sgd(amount))


STEPS = st.one_of(
    st.sampled_from(["cancelled", "delivered", "delivered, some", "delivered, 0", "accepted after"]),
    st.builds(returned, st.sampled_from(["ret_1", "ret_2", "ret_3"]), st.integers(0, 20000)),
    st.builds(
        lambda make, refund_id: make(refund_id, 0),
        st.sampled_from(list(OF_A_REFUND.values())),
        st.sampled_from(["ret_1", "ret_2", "ret_3", CANCELLATION, "attempt:2"]),
    ),
)


@given(st.sampled_from(["SUCCEEDED K", "SUCCEEDED C"]), st.lists(STEPS, max_size=15))
def test_whatever_comes_a_payment_gives_back_no_more_than_it_took(begins: str, steps: list[str | Message]) -> None:
    state = paid(begins)
    told: list[EventData] = []
    for step in steps:
        if isinstance(step, RefundDone) and (refund := state.refund(step.refund_id)):
            step = replace(step, amount=refund.amount)
        decision = answer_to(state, step) if isinstance(step, str) else decide(state, step, CONTEXT)
        if not isinstance(decision, Change):
            continue
        before, state = state, decision.state
        told += decision.events
        # What was decided of a refund stays decided: only its status moves on.
        for old, new in zip(before.refunds, state.refunds, strict=False):
            assert (old.refund_id, old.amount, old.attempt) == (new.refund_id, new.amount, new.attempt)
        assert PAYMENTS.from_item(PAYMENTS.to_item(PAYMENTS.after("pay_1", None, decision, CAUSE, NOW))).state == state

    own = [refund for refund in state.refunds if not refund.unexpected]
    taken = state.collected or 0 if state.method is PaymentMethod.COD else state.amount or 0
    assert 0 <= sum(refund.amount for refund in own) <= taken
    assert all(refund.amount >= 0 for refund in own)
    assert len({refund.refund_id for refund in state.refunds}) == len(state.refunds)
    # Each refund is asked for once, of the provider or of a person, and told once when it is done.
    asked = [each for each in told if isinstance(each, RefundRequested)]
    done = [each for each in told if isinstance(each, PaymentRefunded)]
    assert len({each.refund_id for each in asked}) == len(asked)
    failed = {each.refund_id for each in told if isinstance(each, PaymentRefundFailed)}
    settled = {
        refund.refund_id
        for refund in state.refunds
        if refund.amount and refund.status in (RefundStatus.DONE, RefundStatus.PAID_BY_HAND)
    }
    assert settled <= {each.refund_id for each in done} <= settled | failed
    assert len({(each.refund_id, each.reference) for each in done}) == len(done)


AMOUNTS = st.lists(st.integers(0, 9000), min_size=1, max_size=4)


@given(AMOUNTS, st.sampled_from([0, 1, 10000, 15430]), st.integers(0, 4))
def test_returns_of_cash_come_to_the_same_whenever_the_cash_is_heard_of(
    amounts: list[int], cash: int, heard_after: int
) -> None:
    state = paid("SUCCEEDED C")
    messages: list[EventData] = [returned(f"ret_{number}", amount) for number, amount in enumerate(amounts)]
    delivered = EVENTS["ShipmentDelivered"].model_copy(update={"cash": sgd(cash)})
    for each in [*messages[:heard_after], delivered, *messages[heard_after:]]:
        decision = decide(state, each, CONTEXT)
        assert isinstance(decision, Change)
        state = decision.state

    left, expected = cash, []
    for amount in amounts:
        expected.append(min(amount, left))
        left -= expected[-1]
    assert ([refund.amount for refund in state.refunds], state.left, state.owed) == (expected, left, ())


OPEN_REFUNDS = {
    "SUCCEEDED K": None,
    ALL_BACK: NOW,
    "SUCCEEDED K; cancellation 15430 DONE": None,
    "SUCCEEDED K; cancellation 15430 TO_PAY_BY_HAND": NOW,
    "SUCCEEDED K; cancellation 15430 PAID_BY_HAND": None,
    "SUCCEEDED C took 15430; return 11980 TO_PAY_BY_HAND": NOW,
    "SUCCEEDED C owes": None,
}


@pytest.mark.parametrize("state", OPEN_REFUNDS)
def test_a_payment_is_found_by_its_open_refunds_as_long_as_it_has_some(state: str) -> None:
    since = OPEN_REFUNDS[state]

    row = paid(state).model_dump()
    assert (row["openRefunds"], row["openRefundsSince"]) == ("OPEN" if since else None, since)


def test_a_refund_is_owed_since_it_was_asked_for_and_stays_so_when_the_provider_refuses_it() -> None:
    later = Context(ORDER["order_id"], "event-2", NOW.replace(day=9))
    asked = changed("SUCCEEDED K", "cancelled").state

    refused = decide(asked, RefundRefused(CANCELLATION, NO_REFUNDS), later)

    assert isinstance(refused, Change)
    assert refused.state.model_dump()["openRefundsSince"] == NOW


# --- what others wait for -------------------------------------------------------------------------------------------

AWAITED = {
    "SUCCEEDED K": ["PaymentSucceeded"],
    "SUCCEEDED C": ["PaymentSucceeded"],
    "SUCCEEDED C owes": ["PaymentSucceeded"],
    "SUCCEEDED C took 0": ["PaymentSucceeded", "PaymentCollected"],
    ALL_BACK: ["PaymentSucceeded", "RefundRequested"],
    "SUCCEEDED K; cancellation 15430 DONE": ["PaymentSucceeded", "PaymentRefunded"],
    "SUCCEEDED K; cancellation 15430 TO_PAY_BY_HAND": ["PaymentSucceeded", "PaymentRefundFailed"],
    "SUCCEEDED K; cancellation 15430 PAID_BY_HAND": ["PaymentSucceeded", "PaymentRefunded"],
    "SUCCEEDED C took 0; return 0 DONE": ["PaymentSucceeded", "PaymentCollected"],
    "K 1 ..": ["PaymentSubmitted"],
    "K 2 wc sent": ["PaymentSubmitted"],
    "AR. 1": [],
    "VOIDED": [],
    "FAILED": [],
}


@pytest.mark.parametrize("state", AWAITED)
def test_a_payment_knows_what_others_may_still_wait_for(state: str) -> None:
    known = state_of(state)
    assert known

    assert [name_of(event) for event in awaited(known)] == AWAITED[state]


@pytest.mark.parametrize("state, name", [("AR.", "CARD"), ("K 1 .. sent", "accepted"), ("SUCCEEDED C", "delivered")])
def test_what_is_published_again_is_what_was_published_first(state: str, name: str) -> None:
    change = changed(state, name)

    assert awaited(change.state)[-1:] == tuple(change.events)


def test_an_order_has_one_payment_whose_id_follows_from_its_own() -> None:
    assert payment_id_of("ord_abc") == "pay_abc"
    assert changed("none", "reserved").state.payment_id == payment_id_of(ORDER["order_id"])


def test_a_payment_that_does_not_know_its_amount_has_no_money() -> None:
    with pytest.raises(ValueError, match="does not know its amount yet"):
        _ = payment(".RK").money


def test_payments_learn_exactly_the_events_that_the_choreography_sends_them() -> None:
    assert set(CONSUMER.subscribes_to) == {
        OrderPlaced,
        InventoryReserved,
        InventoryReservationFailed,
        OrderCancelled,
        ShipmentDelivered,
        ReturnAccepted,
        AccountDeletionRequested,
    }


# --- disputes -------------------------------------------------------------------------------------------------------


def dispute(status: str, amount: int = 15430, dispute_id: str = "du_1") -> DisputeReported:
    return DisputeReported(
        Dispute(
            dispute_id=dispute_id, attempt=1, amount=amount, status=DisputeStatus(status), reason="product_not_received"
        )
    )


def after(state: Payment, *messages: Message) -> Change[Payment]:
    """What the last of these messages makes of it."""
    change: Change[Payment] = Change(state)
    for said in messages:
        decision = decide(change.state, said, CONTEXT)
        assert isinstance(decision, Change), said
        change = decision
    return change


@pytest.mark.parametrize("status", ["SUCCEEDED", "VOIDED", "FAILED"])
def test_a_dispute_is_told_once_whatever_became_of_the_payment(status: str) -> None:
    opened = after(payment("ARK", status, attempts=1), dispute("OPEN"))

    about = {**PAYMENT, "dispute_id": "du_1", "attempt": 1, "amount": sgd(15430)}
    assert list(opened.events) == [PaymentDisputed(**about, reason="product_not_received")]
    assert (opened.state.status, opened.state.disputes[0].reported_at) == (status, NOW)
    assert isinstance(decide(opened.state, dispute("OPEN"), CONTEXT), Nothing)


@pytest.mark.parametrize("outcome, left", [("WON", 15430), ("LOST", 0)])
def test_what_is_lost_counts_as_given_back_and_a_decision_stands(outcome: str, left: int) -> None:
    closed = after(paid("SUCCEEDED K"), dispute("OPEN"), dispute(outcome))

    assert [name_of(event) for event in closed.events] == ["PaymentDisputeClosed"]
    assert closed.state.left == left
    for later in ("OPEN", "WON", "LOST"):
        assert isinstance(decide(closed.state, dispute(later), CONTEXT), Nothing)


def test_a_decision_that_is_the_first_that_is_heard_of_a_dispute_tells_both() -> None:
    told = after(paid("SUCCEEDED K"), dispute("LOST")).events

    assert [type(event) for event in told] == [PaymentDisputed, PaymentDisputeClosed]


def test_a_return_after_a_lost_dispute_is_owed_nothing_but_what_was_not_lost() -> None:
    lost = after(paid("SUCCEEDED K"), dispute("LOST", amount=10000)).state

    assert name_of_paid(after(lost, message("returned", lost)).state) == "SUCCEEDED K; return 5430 REQUESTED"


def test_refunds_that_waited_are_asked_for_once_no_dispute_is_open() -> None:
    two = after(paid(ALL_BACK), dispute("OPEN", 5000), dispute("OPEN", 6000, "du_2")).state

    first = after(two, dispute("WON", 5000))
    assert [name_of(event) for event in first.events] == ["PaymentDisputeClosed"]
    second = after(first.state, dispute("LOST", 6000, "du_2"))

    assert [name_of(event) for event in second.events] == ["PaymentDisputeClosed", "RefundRequested"]
    assert second.state.owed_of(second.state.refunds[0]) == 9430


def test_of_several_refunds_that_waited_the_earlier_goes_first() -> None:
    waiting = paid("SUCCEEDED K; return 11980 REQUESTED; cancellation 3450 REQUESTED")
    lost = after(waiting, dispute("LOST", amount=5000)).state

    assert [lost.owed_of(refund) for refund in lost.refunds] == [10430, 0]


@pytest.mark.parametrize(
    "amount, left_to_pay", [(15430, "cancellation 0 DONE"), (15000, "cancellation 430 TO_PAY_BY_HAND")]
)
def test_a_person_waits_for_the_bank_and_pays_what_it_has_not_given_back(amount: int, left_to_pay: str) -> None:
    by_hand = paid("SUCCEEDED K; cancellation 15430 TO_PAY_BY_HAND")
    disputed = after(by_hand, dispute("OPEN", amount)).state

    assert isinstance(answer_to(disputed, "paid by hand"), Nothing)
    assert name_of_paid(after(disputed, dispute("LOST", amount)).state) == f"SUCCEEDED K; {left_to_pay}"
    won = after(disputed, dispute("WON", amount)).state
    assert isinstance(answer_to(won, "paid by hand"), Change)


def test_a_dispute_is_published_again_as_long_as_somebody_may_wait_for_it() -> None:
    closed = after(paid("SUCCEEDED K"), dispute("LOST")).state

    assert {PaymentDisputed, PaymentDisputeClosed} <= {type(event) for event in awaited(closed)}
