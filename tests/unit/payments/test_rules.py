"""The rules of a payment, every state with every combination of facts against every message.

The tables are the contract's, written out. A fact is a letter: A the amount is known (OrderPlaced), R the goods are
reserved (InventoryReserved), C or K the shopper chose cash or card; a dot is a fact that is missing. While an attempt
runs, w remembers that the window closed and c that the order was cancelled. A dash is Nothing.
"""

from collections.abc import Callable, Iterator
from itertools import permutations

import pytest

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.event import EventData
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderPlaced
from contract.payments import (
    PaymentDeclined,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSubmitted,
    PaymentSucceeded,
    RefundRequested,
)
from contract.values import PaymentFailure, PaymentMethod
from payments.domain import (
    AttemptSent,
    AttemptUnsent,
    ChargeAccepted,
    ChargeDeclined,
    ChargeEnded,
    ChooseMethod,
    Message,
    Payment,
    PaymentStatus,
    RefundDone,
    RefundRefused,
    WindowClosed,
    decide,
    payment_id_of,
)
from payments.reactions import CONSUMER
from payments.store import PAYMENTS
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, PAYMENT, name_of, sgd

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
K 1 .c     | REFUNDING  | VOIDED               | VOIDED               | VOIDED      | -         | K 1 wc
K 1 wc     | REFUNDING  | VOIDED               | VOIDED               | VOIDED      | -         | -
K 2 ..     | SUCCEEDED  | AR. 2                | AR. 2                | VOIDED      | K 2 .c    | K 2 w.
K 2 w.     | SUCCEEDED  | FAILED WINDOW_CLOSED | FAILED WINDOW_CLOSED | VOIDED      | K 2 wc    | -
K 2 .c     | REFUNDING  | VOIDED               | VOIDED               | VOIDED      | -         | K 2 wc
K 2 wc     | REFUNDING  | VOIDED               | VOIDED               | VOIDED      | -         | -
K 3 ..     | SUCCEEDED  | FAILED DECLINED      | FAILED DECLINED      | VOIDED      | K 3 .c    | K 3 w.
K 3 w.     | SUCCEEDED  | FAILED DECLINED      | FAILED WINDOW_CLOSED | VOIDED      | K 3 wc    | -
K 3 .c     | REFUNDING  | VOIDED               | VOIDED               | VOIDED      | -         | K 3 wc
K 3 wc     | REFUNDING  | VOIDED               | VOIDED               | VOIDED      | -         | -
"""
"""SUBMITTED by its method, the attempt that runs, and what it remembers; everything else is Nothing here.

Of an attempt that its provider has taken in (sent), the same holds, but for two messages: it is sent only once, and
that it was never sent is not believed any more.
"""

PAID = """
             | cancelled  | refunded   | refund refused
SUCCEEDED K  | REFUNDING  | -          | -
SUCCEEDED C  | VOIDED     | -          | -
REFUNDING    | -          | REFUNDED   | REFUND_FAILED
REFUNDED     | -          | -          | -
REFUND_FAILED| -          | -          | -
VOIDED       | -          | -          | -
FAILED       | -          | -          | -
"""
"""The others; everything else is Nothing here, but for an acceptance that nothing waited for."""

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


TABLES = {**cells(OPEN), **attempts(), **cells(PAID)}
RULES = {key: outcome for key, outcome in TABLES.items() if outcome != "-"}
STATES = list(dict.fromkeys(state for state, _ in TABLES))


def payment(
    facts: str, status: str = "OPEN", *, attempts: int = 0, remembers: str = "..", sent: bool | None = None
) -> Payment:
    """A payment that has heard of these facts; an attempt by card that is over was sent."""
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
        created_at=NOW,
    )


def state_of(name: str) -> Payment | None:
    """The state that a row of the tables stands for."""
    match name.split():
        case ["none"]:
            return None
        case ["REFUNDING" | "REFUNDED" | "REFUND_FAILED" as status]:
            return payment("ARK", status, attempts=1)
        case ["VOIDED" | "FAILED" as status]:
            return payment("AR.", status)
        case ["SUCCEEDED", method]:
            return payment(f"AR{method}", "SUCCEEDED", attempts=1)
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
            return f"SUCCEEDED {method}"
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
    "refunded": RefundDone,
    "refund refused": lambda attempt: RefundRefused(attempt, "this card takes no refunds"),
}
ANSWERS = [name + which for name in OF_AN_ATTEMPT for which in ("", " before", " after")]
"""About the attempt that runs (or ran last), about the one before and about one that was never made."""


def message(name: str, state: Payment | None) -> Message:
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
        case ["SUCCEEDED", "C"]:
            made = before.attempts + 1 if before else 1
            return [PaymentSucceeded(**charge, method=PaymentMethod.COD, attempt=made)]
        case ["SUCCEEDED"]:
            return [PaymentSucceeded(**charge, method=PaymentMethod.CARD, attempt=attempt)]
        case ["REFUNDING"]:
            return [RefundRequested(**charge, method=PaymentMethod.CARD, attempt=attempt)]
        case ["REFUNDED"]:
            return [PaymentRefunded(**charge, user_email=ORDER["user_email"], method=PaymentMethod.CARD)]
        case ["REFUND_FAILED"]:
            return [
                PaymentRefundFailed(
                    **charge,
                    user_email=ORDER["user_email"],
                    method=PaymentMethod.CARD,
                    reason="this card takes no refunds",
                )
            ]
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
    for name in [*MESSAGES, *ANSWERS]:
        if unexpected(before, name):
            continue
        decision = answer_to(before, name)
        outcome = RULES.get((state, name))
        if outcome is None:
            assert isinstance(decision, Nothing), name
            continue
        assert isinstance(decision, Change), name
        assert name_of_state(decision.state) == becomes(before, outcome), name
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
    """Every state that any sequence of messages leads to."""
    seen: list[Payment | None] = [None]
    for state in seen:
        yield state
        for name in [*MESSAGES, *ANSWERS]:
            if unexpected(state, name):
                continue
            decision = answer_to(state, name)
            if isinstance(decision, Change) and decision.state not in seen:
                seen.append(decision.state)


def test_the_tables_know_every_state_that_can_be_reached_and_the_rules_raise_in_none() -> None:
    states = list(reachable())

    assert {name_of_state(state) for state in states} == set(STATES)
    # States that differ in what no rule looks at (an old reason, an old attempt) do as the tables say, too.
    for state in states:
        for name in [*MESSAGES, *ANSWERS]:
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
    *((state, "accepted after") for state in ("AR. 1", "K 1 ..", "SUCCEEDED K", "REFUNDED")),
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
    (refund,) = change.state.refunds

    assert change.state == before.model_copy(update={"refunds": (refund,)})
    assert (refund.id, refund.reference) == (f"attempt:{refund.attempt}", f"{PAYMENT['payment_id']}:{refund.attempt}")
    charge = {**PAYMENT, "amount": sgd(15430), "method": PaymentMethod.CARD}
    assert change.events == [RefundRequested(**charge, attempt=refund.attempt)]


@pytest.mark.parametrize("status", ["VOIDED", "FAILED"])
def test_what_is_taken_after_the_end_is_given_back_too(status: str) -> None:
    ended = after_the_end(status)

    decision = answer_to(ended, "accepted")

    assert isinstance(decision, Change)
    assert (decision.state.status, [name_of(event) for event in decision.events]) == (status, ["RefundRequested"])
    assert isinstance(answer_to(decision.state, "accepted"), Nothing), "it is given back once"


@pytest.mark.parametrize(
    "name, status, told",
    [("refunded", "DONE", "PaymentRefunded"), ("refund refused", "REFUSED", "PaymentRefundFailed")],
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
    refunding = payment("ARK", "REFUNDING", attempts=2)
    both = answer_to(refunding, "accepted before")
    assert isinstance(both, Change)

    first = answer_to(both.state, "refunded before")
    second = answer_to(both.state, "refunded")

    assert isinstance(first, Change)
    assert isinstance(second, Change)
    assert (first.state.status, second.state.status) == ("REFUNDING", "REFUNDED")
    assert both.state.refund_key(both.state.refunds[0]) != both.state.refund_key()


@pytest.mark.parametrize("status", ["SUCCEEDED", "REFUNDING", "REFUNDED", "REFUND_FAILED"])
def test_an_acceptance_that_is_known_is_not_given_back(status: str) -> None:
    assert isinstance(answer_to(payment("ARK", status, attempts=2), "accepted"), Nothing)


def test_each_attempt_has_a_key_of_its_own_and_the_refund_too() -> None:
    keys = {
        *(payment("ARK", "SUBMITTED", attempts=attempt).attempt_key for attempt in (1, 2, 3)),
        payment("ARK", "REFUNDING", attempts=3).refund_key(),
    }

    assert keys == {f"{PAYMENT['payment_id']}:{what}" for what in (1, 2, 3, "refund")}


def test_a_refund_is_of_the_attempt_that_succeeded() -> None:
    """Its reference is that of the latest attempt, which no message changes once it has succeeded."""
    accepted = changed("K 2 .c sent", "accepted").state

    assert accepted.reference == f"{PAYMENT['payment_id']}:2"
    assert changed("REFUNDING", "refunded").state.reference == f"{PAYMENT['payment_id']}:1"


def test_an_order_has_one_payment_whose_id_follows_from_its_own() -> None:
    assert payment_id_of("ord_abc") == "pay_abc"
    assert changed("none", "reserved").state.payment_id == payment_id_of(ORDER["order_id"])


def test_a_payment_that_does_not_know_its_amount_has_no_money() -> None:
    with pytest.raises(ValueError, match="does not know its amount yet"):
        _ = payment(".RK").money


def test_payments_learn_exactly_the_events_that_the_choreography_sends_them() -> None:
    assert set(CONSUMER.subscribes_to) == {OrderPlaced, InventoryReserved, InventoryReservationFailed, OrderCancelled}
