"""The worker at the provider: it acts only while somebody wants it, and nobody is charged twice, or for nothing."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloudretail import settings
from cloudretail.consumer import Delivery
from cloudretail.decider import Change, Nothing, Result
from cloudretail.envelope import Event
from cloudretail.errors import Permanent
from cloudretail.money import Money
from cloudretail.outbox import Row
from contract import parse
from contract.orders import OrderCancelled
from contract.payments import AttemptReported, ChargeCancellationRequested, PaymentSubmitted, RefundRequested
from contract.values import CANCELLATION, PaymentMethod
from payments.domain import Payment, PaymentStatus
from payments.providers import (
    SANDBOX,
    Accepted,
    Answer,
    Challenged,
    Ended,
    GivenBack,
    Pending,
    Provider,
    ProviderTimeout,
    ProviderUnavailable,
    RefundAnswer,
    Refused,
    ReportedDispute,
    Sandbox,
)
from payments.reactions import react
from payments.store import PAYMENTS, WorkerSettings
from payments.worker import CONSUMER, Gateways, Ports, work
from tests.support.examples import CAUSE, EXAMPLES, NOW, PAYMENT, event_of, name_of, sgd
from tests.support.repositories import InMemoryRepository
from tests.unit.payments.conftest import Till
from tests.unit.payments.test_rules import payment

ID = str(PAYMENT["payment_id"])


class Gateway:
    """A provider that notes what it is asked, and answers what it is told to.

    Args:
        answers: to what moves or ends money, in order; an exception is raised.
        found: what `find` says.
        found_refund: what `find_refund` says.
        disputed: the disputes that it knows.
    """

    def __init__(
        self,
        *answers: Answer | RefundAnswer | Exception,
        found: Answer | None = None,
        found_refund: RefundAnswer | None = None,
        disputed: Sequence[ReportedDispute] = (),
    ) -> None:
        self.answers, self.found = list(answers), found
        self.found_refund, self.disputed = found_refund, tuple(disputed)
        self.asked: list[tuple[str, ...]] = []

    def create(self, key: str, amount: Money, token: str) -> str:
        self.asked.append(("create", key, str(amount), token))
        return f"ref of {key}"

    def confirm(self, reference: str) -> Answer:
        answer: Answer = self._answer("confirm", reference)
        return answer

    def cancel(self, reference: str) -> Answer:
        answer: Answer = self._answer("cancel", reference)
        return answer

    def find(self, reference: str) -> Answer | None:
        self.asked.append(("find", reference))
        return self.found

    def key_of(self, reference: str) -> str | None:
        return reference.removeprefix("ref of ") or None

    def refund(self, key: str, reference: str, amount: Money) -> RefundAnswer:
        answer: RefundAnswer = self._answer("refund", key, reference, str(amount))
        return answer

    def find_refund(self, key: str, reference: str) -> RefundAnswer | None:
        self.asked.append(("find refund", key))
        return self.found_refund

    def disputes(self, reference: str) -> tuple[ReportedDispute, ...]:
        return self.disputed

    def _answer(self, *asked: str) -> Any:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


REFERENCE = f"ref of {ID}:1"
CREATE = ("create", f"{ID}:1", "SGD 154.30", "tok_visa")
CONFIRM, CANCEL, FIND = ("confirm", REFERENCE), ("cancel", REFERENCE), ("find", REFERENCE)
KNOWN = f"{ID}:1"
"""The reference of an attempt that was sent before the test begins."""
FIND_REFUND = ("find refund", f"{ID}:refund:cancellation")
REFUND = ("refund", f"{ID}:refund:cancellation", KNOWN, "SGD 154.30")


class WorkerAtWork:
    """The worker with payments in memory.

    Attributes:
        payable: whether the order still waits for its payment.
    """

    def __init__(self, state: Payment | None = None) -> None:
        self.payments = InMemoryRepository(PAYMENTS)
        self.payable = True
        if state:
            self.becomes(state)

    def becomes(self, state: Payment) -> None:
        self.payments.commit(ID, self.payments.load(ID), Change(state), CAUSE, NOW)

    @property
    def row(self) -> Row[Payment]:
        row = self.payments.load(ID)
        assert row
        return row

    @property
    def stands(self) -> str:
        """The payment's status, and those of its refunds."""
        state = self.row.state
        return " ".join([state.status, *(refund.status for refund in state.refunds)])

    @property
    def published(self) -> list[str]:
        """The events of the row's latest transition that had any."""
        return [name_of(parse(event).data) for event in self.row.outbox.events] if self.row.outbox else []

    def works(
        self, gateway: Provider, event: Event, *, now: datetime = NOW, gateways: Gateways | None = None
    ) -> Result[Payment]:
        ports = Ports(self.payments, lambda order_id: self.payable, gateways or Gateways(SANDBOX, {SANDBOX: gateway}))
        return work(ports, Delivery(event, attempt=1), now)


def submitted(attempt: int = 1) -> Event:
    data = PaymentSubmitted(**PAYMENT, attempt=attempt, amount=sgd(15430), method=PaymentMethod.CARD)
    return event_of(data, f"payments:{ID}:{attempt}:0")


def refund_requested(refund_id: str = CANCELLATION) -> Event:
    data = RefundRequested(**PAYMENT, refund_id=refund_id, attempt=1, amount=sgd(15430), method=PaymentMethod.CARD)
    return event_of(data, f"payments:{ID}:9:0")


def running(attempt: int = 1, remembers: str = "..", *, sent: bool = False) -> Payment:
    return payment("ARK", "SUBMITTED", attempts=attempt, remembers=remembers, sent=sent)


REFUNDING = payment("ARK", "SUCCEEDED", attempts=1, refund="REQUESTED")


# --- charging -------------------------------------------------------------------------------------------------------


def test_the_reference_is_in_the_row_before_money_can_move() -> None:
    at_work = WorkerAtWork(running())

    class Watching(Gateway):
        def confirm(self, reference: str) -> Answer:
            assert (at_work.row.state.reference, at_work.row.state.provider) == (reference, SANDBOX)
            return super().confirm(reference)

    gateway = Watching(Accepted())
    at_work.works(gateway, submitted())

    assert gateway.asked == [CREATE, CONFIRM]
    assert (at_work.row.state.status, at_work.published) == ("SUCCEEDED", ["PaymentSucceeded"])


def test_a_declined_charge_may_be_tried_again() -> None:
    at_work = WorkerAtWork(running())

    at_work.works(Gateway(Refused("no money"), Ended()), submitted())

    assert (at_work.row.state.status, at_work.row.state.decline_reason, at_work.published) == (
        "OPEN",
        "no money",
        ["PaymentDeclined"],
    )


def test_the_third_declined_charge_is_the_last() -> None:
    at_work = WorkerAtWork(running(3))

    at_work.works(Gateway(Refused("no money"), Ended()), submitted(3))

    assert (at_work.row.state.status, at_work.published) == ("FAILED", ["PaymentFailed"])


def test_each_attempt_is_charged_under_its_own_key() -> None:
    gateway = Gateway(Accepted())

    WorkerAtWork(running(2)).works(gateway, submitted(2))

    assert gateway.asked[0][1] == f"{ID}:2"


@pytest.mark.parametrize(
    "state, event",
    [
        (None, submitted()),
        (payment("AR."), submitted()),
        (running(2), submitted(1)),
        (running(1), submitted(2)),
        (payment("ARK", "SUCCEEDED", attempts=1), submitted()),
        (REFUNDING, submitted()),
        (payment("ARK", "SUCCEEDED", attempts=1, refund="DONE"), submitted()),
        (payment("AR.", "VOIDED", attempts=1), submitted()),
        (payment("AR.", "FAILED", attempts=3), submitted(3)),
        (None, refund_requested()),
        (running(), refund_requested()),
        (payment("ARK", "SUCCEEDED", attempts=1), refund_requested()),
        (payment("ARK", "SUCCEEDED", attempts=1, refund="DONE"), refund_requested()),
        (payment("ARK", "SUCCEEDED", attempts=1, refund="TO_PAY_BY_HAND"), refund_requested()),
        (payment("AR.", "VOIDED", attempts=1), refund_requested()),
        (REFUNDING, refund_requested("ret_1")),
    ],
)
def test_a_payment_that_does_not_wait_for_it_is_left_alone_and_the_provider_too(
    state: Payment | None, event: Event
) -> None:
    at_work, gateway = WorkerAtWork(state), Gateway()
    before = dict(at_work.payments.items)

    assert isinstance(at_work.works(gateway, event), Nothing)

    assert gateway.asked == []
    assert at_work.payments.items == before


@pytest.mark.parametrize("age", [timedelta(0), timedelta(hours=7), timedelta(days=1), timedelta(days=10)])
def test_a_repetition_goes_by_the_reference_in_the_row_and_by_no_key_that_a_provider_forgets(age: timedelta) -> None:
    at_work, gateway = WorkerAtWork(running(sent=True)), Gateway(Accepted())

    at_work.works(gateway, submitted(), now=NOW + age)

    assert gateway.asked == [("confirm", KNOWN)]
    assert at_work.row.state.status == "SUCCEEDED"


def test_after_a_timeout_it_asks_and_takes_the_answer() -> None:
    at_work, gateway = WorkerAtWork(running()), Gateway(ProviderTimeout("too late"), found=Accepted())

    at_work.works(gateway, submitted())

    assert gateway.asked == [CREATE, CONFIRM, FIND]
    assert at_work.row.state.status == "SUCCEEDED"


def test_after_a_timeout_that_nobody_knows_of_the_message_comes_again() -> None:
    at_work, gateway = WorkerAtWork(running()), Gateway(ProviderTimeout("too late"), Accepted(), found=None)

    with pytest.raises(ProviderTimeout):
        at_work.works(gateway, submitted())
    assert (at_work.row.state.status, at_work.row.state.reference) == ("SUBMITTED", REFERENCE)

    at_work.works(gateway, submitted())
    assert gateway.asked == [CREATE, CONFIRM, FIND, CONFIRM]
    assert at_work.row.state.status == "SUCCEEDED"


def test_a_provider_out_of_reach_changes_nothing_but_that_it_may_have_heard_of_the_attempt() -> None:
    at_work = WorkerAtWork(running())

    with pytest.raises(ProviderUnavailable):
        at_work.works(Gateway(ProviderUnavailable("down")), submitted())

    assert at_work.row.state.status == "SUBMITTED"
    assert at_work.row.state.sent


def test_two_workers_that_create_at_once_confirm_the_one_reference_that_is_in_the_row() -> None:
    at_work = WorkerAtWork(running())

    class Overtaken(Gateway):
        def create(self, key: str, amount: Money, token: str) -> str:
            at_work.becomes(running(sent=True))
            return super().create(key, amount, token)

    gateway = Overtaken(Accepted())
    at_work.works(gateway, submitted())

    assert gateway.asked == [CREATE, ("confirm", KNOWN)]


# --- nobody wants it any more ---------------------------------------------------------------------------------------

UNWANTED = [(".c", True, "VOIDED", []), ("w.", True, "FAILED", ["PaymentFailed"]), ("..", False, "VOIDED", [])]
"""What the row remembers, whether the order still waits, how the payment ends, and what it tells."""


@pytest.mark.parametrize("remembers, status", [(".c", "VOIDED"), ("wc", "VOIDED"), ("w.", "FAILED")])
def test_an_attempt_that_no_provider_has_heard_of_ends_without_one(remembers: str, status: str) -> None:
    at_work, gateway = WorkerAtWork(running(remembers=remembers)), Gateway()

    at_work.works(gateway, submitted())

    assert gateway.asked == []
    assert (at_work.row.state.status, at_work.row.state.card_token) == (status, None)


def test_the_order_itself_is_looked_at_before_money_can_move() -> None:
    """Its cancellation has not come to payments yet."""
    at_work, gateway = WorkerAtWork(running()), Gateway(Ended())
    at_work.payable = False

    at_work.works(gateway, submitted())

    assert gateway.asked == [CREATE, CANCEL]
    assert (at_work.row.state.status, at_work.published) == ("VOIDED", [])


@pytest.mark.parametrize("remembers, payable, status, told", UNWANTED)
def test_an_attempt_that_a_provider_may_have_heard_of_is_ended_there(
    remembers: str, payable: bool, status: str, told: list[str]
) -> None:
    at_work, gateway = WorkerAtWork(running(remembers=remembers, sent=True)), Gateway(Ended())
    at_work.payable = payable

    at_work.works(gateway, submitted())

    assert gateway.asked == [("cancel", KNOWN)]
    assert (at_work.row.state.status, at_work.published) == (status, told)


@pytest.mark.parametrize(
    "remembers, payable, status",
    [(".c", True, "SUCCEEDED REQUESTED"), ("w.", True, "SUCCEEDED"), ("..", False, "SUCCEEDED")],
)
def test_what_turns_out_to_have_been_taken_counts_as_taken(remembers: str, payable: bool, status: str) -> None:
    """Where the order is over and payments has not heard of it, OrderCancelled makes a refund of it."""
    at_work = WorkerAtWork(running(remembers=remembers, sent=True))
    at_work.payable = payable

    at_work.works(Gateway(Accepted()), submitted())

    assert at_work.stands == status


def test_that_a_provider_cannot_be_asked_to_end_it_concludes_nothing() -> None:
    at_work = WorkerAtWork(running(remembers=".c", sent=True))

    with pytest.raises(ProviderTimeout):
        at_work.works(Gateway(ProviderTimeout("no answer"), found=None), submitted())

    assert at_work.row.state == running(remembers=".c", sent=True)


def test_that_it_was_never_sent_is_not_believed_where_another_worker_has_just_sent_it() -> None:
    at_work, gateway = WorkerAtWork(running(remembers=".c")), Gateway(Ended())
    sent = running(remembers=".c", sent=True)
    first = True

    def sends(point: str, key: str) -> None:
        nonlocal first
        if point == "commit" and first:
            first = False
            at_work.becomes(sent)

    at_work.payments.hook = sends
    at_work.works(gateway, submitted())

    assert gateway.asked == [("cancel", KNOWN)]
    assert at_work.row.state.status == "VOIDED"


def test_an_attempt_that_ended_while_it_was_created_is_not_confirmed() -> None:
    at_work = WorkerAtWork(running())

    class Ending(Gateway):
        def create(self, key: str, amount: Money, token: str) -> str:
            at_work.becomes(payment("AR.", "VOIDED", attempts=1))
            return super().create(key, amount, token)

    gateway = Ending()
    assert isinstance(at_work.works(gateway, submitted()), Nothing)

    assert gateway.asked == [CREATE]


def test_without_an_order_nothing_is_charged(till: Till) -> None:
    from payments.store import is_payable

    with pytest.raises(Permanent, match="there is no order ord_none"):
        is_payable("OrdersTable", "ord_none")


# --- which provider -------------------------------------------------------------------------------------------------


def test_a_stage_without_a_gateway_takes_no_card_and_says_so() -> None:
    at_work = WorkerAtWork(running())

    at_work.works(Gateway(), submitted(), gateways=Gateways(None, {}))

    assert (at_work.row.state.status, at_work.row.state.decline_reason) == ("OPEN", "cards are not taken here")


@pytest.mark.parametrize("state, event", [(running(sent=True), submitted()), (REFUNDING, refund_requested())])
def test_what_a_provider_has_that_this_stage_does_not_is_a_case_for_a_person(state: Payment, event: Event) -> None:
    at_work = WorkerAtWork(state)

    with pytest.raises(Permanent, match="no payment provider sandbox"):
        at_work.works(Gateway(), event, gateways=Gateways(None, {}))

    assert at_work.row.state == state


@pytest.mark.parametrize("state, event", [(running(sent=True), submitted()), (REFUNDING, refund_requested())])
def test_whoever_takes_cards_today_an_attempt_and_its_refund_stay_with_the_provider_that_has_it(
    state: Payment, event: Event
) -> None:
    before, today = Gateway(Accepted()), Gateway()

    WorkerAtWork(state).works(before, event, gateways=Gateways("stripe", {SANDBOX: before, "stripe": today}))

    assert before.asked
    assert today.asked == []


def test_a_stage_that_is_not_local_cannot_have_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAYMENTS_TABLE", "ORDERS_TABLE", "SANDBOX_CHARGES_TABLE"):
        monkeypatch.setenv(name, name)
    monkeypatch.setenv("STAGE", "prod")
    monkeypatch.setenv("CARD_GATEWAY", "sandbox")
    with pytest.raises(settings.MissingSetting, match=r"CARD_GATEWAY \(.*the sandbox takes no money"):
        settings.load(WorkerSettings)

    monkeypatch.setenv("CARD_GATEWAY", "")
    monkeypatch.delenv("SANDBOX_CHARGES_TABLE")
    gateways = Gateways.of(settings.load(WorkerSettings))
    assert (gateways.cards, gateways.by_name) == (None, {})


# --- meanwhile ------------------------------------------------------------------------------------------------------


class Meanwhile(Gateway):
    """While it is asked, something else happens to the payment."""

    def __init__(self, at_work: WorkerAtWork, state: Payment, *answers: Answer) -> None:
        super().__init__(*answers)
        self._desk, self._state = at_work, state

    def _answer(self, *asked: str) -> Any:
        self._desk.becomes(self._state)
        return super()._answer(*asked)


def test_what_is_accepted_after_the_order_was_cancelled_is_given_back() -> None:
    at_work = WorkerAtWork(running())

    at_work.works(Meanwhile(at_work, running(remembers=".c", sent=True), Accepted()), submitted())

    assert (at_work.stands, at_work.published) == ("SUCCEEDED REQUESTED", ["RefundRequested"])


def test_what_is_declined_after_the_order_was_cancelled_is_over() -> None:
    at_work = WorkerAtWork(running())

    at_work.works(Meanwhile(at_work, running(remembers=".c", sent=True), Refused("no money"), Ended()), submitted())

    assert (at_work.row.state.status, at_work.published) == ("VOIDED", [])


def test_what_is_accepted_after_the_window_closed_is_accepted() -> None:
    at_work = WorkerAtWork(running())

    at_work.works(Meanwhile(at_work, running(remembers="w.", sent=True), Accepted()), submitted())

    assert at_work.row.state.status == "SUCCEEDED"


def test_what_is_declined_after_the_window_closed_has_failed() -> None:
    at_work = WorkerAtWork(running())

    at_work.works(Meanwhile(at_work, running(remembers="w.", sent=True), Refused("no money"), Ended()), submitted())

    assert (at_work.row.state.status, at_work.published) == ("FAILED", ["PaymentFailed"])


def test_an_answer_that_another_worker_has_written_already_is_not_written_again() -> None:
    at_work = WorkerAtWork(running())
    succeeded = payment("ARK", "SUCCEEDED", attempts=1)

    decision = at_work.works(Meanwhile(at_work, succeeded, Accepted()), submitted())

    assert isinstance(decision, Nothing)
    assert at_work.row.state == succeeded


def test_what_is_accepted_after_the_payment_has_ended_is_given_back() -> None:
    """A provider that does not keep its word: another worker was told that the attempt had ended."""
    at_work = WorkerAtWork(running())
    gateway = Meanwhile(at_work, payment("ARK", "VOIDED", attempts=1), Accepted())

    at_work.works(gateway, submitted())
    assert (at_work.row.state.status, at_work.published) == ("VOIDED", ["RefundRequested"])

    back = Gateway(GivenBack(15430))
    at_work.works(back, refund_requested("attempt:1"))
    key = f"{ID}:refund:attempt:1"
    assert back.asked == [("find refund", key), ("refund", key, REFERENCE, "SGD 154.30")]
    assert (at_work.row.state.status, at_work.published) == ("VOIDED", ["PaymentRefunded"])
    assert isinstance(at_work.works(Gateway(), refund_requested("attempt:1")), Nothing)


# --- giving back ----------------------------------------------------------------------------------------------------


def test_a_refund_is_of_the_charge_that_succeeded() -> None:
    at_work, gateway = WorkerAtWork(REFUNDING), Gateway(GivenBack(15430))

    at_work.works(gateway, refund_requested())

    assert gateway.asked == [FIND_REFUND, REFUND]
    assert (at_work.stands, at_work.published) == ("SUCCEEDED DONE", ["PaymentRefunded"])


def test_a_refused_refund_is_told_for_a_person_to_act() -> None:
    at_work = WorkerAtWork(REFUNDING)

    at_work.works(Gateway(Refused("closed")), refund_requested())

    assert (at_work.stands, at_work.published) == ("SUCCEEDED TO_PAY_BY_HAND", ["PaymentRefundFailed"])


@pytest.mark.parametrize("error", [ProviderUnavailable("down"), ProviderTimeout("too late")])
def test_a_refund_that_did_not_get_through_is_looked_for_and_asked_for_again_under_the_same_key(
    error: Exception,
) -> None:
    at_work, gateway = WorkerAtWork(REFUNDING), Gateway(error, GivenBack(15430))

    with pytest.raises(type(error)):
        at_work.works(gateway, refund_requested())
    assert at_work.row.state == REFUNDING
    at_work.works(gateway, refund_requested())

    assert gateway.asked == [FIND_REFUND, REFUND] * 2
    assert at_work.stands == "SUCCEEDED DONE"


@pytest.mark.parametrize(
    "found, status",
    [
        (GivenBack(15430), "SUCCEEDED DONE"),
        (Refused("closed"), "SUCCEEDED TO_PAY_BY_HAND"),
        (Pending(), "SUCCEEDED REQUESTED"),
    ],
)
def test_a_refund_that_is_known_is_not_asked_for_again(found: RefundAnswer, status: str) -> None:
    at_work, gateway = WorkerAtWork(REFUNDING), Gateway(found_refund=found)

    at_work.works(gateway, refund_requested())

    assert gateway.asked == [FIND_REFUND]
    assert at_work.stands == status


def test_a_refund_that_is_pending_waits_for_its_report() -> None:
    at_work = WorkerAtWork(REFUNDING)

    assert isinstance(at_work.works(Gateway(Pending()), refund_requested()), Nothing)
    at_work.works(Gateway(found=Accepted(), found_refund=GivenBack(15430)), reported(KNOWN))

    assert (at_work.stands, at_work.published) == ("SUCCEEDED DONE", ["PaymentRefunded"])


def test_a_refund_that_fails_after_it_was_done_is_for_a_person_once() -> None:
    at_work = WorkerAtWork(payment("ARK", "SUCCEEDED", attempts=1, refund="DONE"))
    gateway = Gateway(found=Accepted(), found_refund=Refused("the account is closed"))

    assert isinstance(at_work.works(gateway, reported(KNOWN)), Change)
    assert isinstance(at_work.works(gateway, reported(KNOWN)), Nothing)

    assert (at_work.stands, at_work.published) == ("SUCCEEDED TO_PAY_BY_HAND", ["PaymentRefundFailed"])


@pytest.mark.parametrize("taken", [sgd(15431), Money(amount=15430, currency="USD")])
def test_another_amount_than_was_asked_for_is_a_case_for_a_person_whoever_tells_it(taken: Money) -> None:
    by_call, by_report = WorkerAtWork(running()), WorkerAtWork(challenged())

    with pytest.raises(Permanent, match=r"in place of SGD 154\.30"):
        by_call.works(Gateway(Accepted(taken)), submitted())
    with pytest.raises(Permanent, match=r"in place of SGD 154\.30"):
        by_report.works(Gateway(found=Accepted(taken)), reported())

    assert (by_call.stands, by_report.stands) == ("SUBMITTED", "CHALLENGED")


# --- disputes ---------------------------------------------------------------------------------------------------------


def disputed(won: bool | None = None, amount: int = 15430) -> Gateway:
    """A gateway where the charge is disputed."""
    return Gateway(found=Accepted(), disputed=[ReportedDispute("du_1", sgd(amount), won, "fraudulent")])


def test_a_dispute_is_told_once_and_holds_the_refund_back() -> None:
    at_work = WorkerAtWork(REFUNDING)

    at_work.works(disputed(), reported(KNOWN))
    assert at_work.published == ["PaymentDisputed"]
    assert isinstance(at_work.works(disputed(), reported(KNOWN)), Nothing)
    waiting = Gateway()
    assert isinstance(at_work.works(waiting, refund_requested()), Nothing)

    assert (waiting.asked, at_work.stands) == ([FIND_REFUND], "SUCCEEDED REQUESTED")


def test_a_dispute_that_is_won_lets_the_refund_go_on() -> None:
    at_work = WorkerAtWork(REFUNDING)
    at_work.works(disputed(), reported(KNOWN))

    at_work.works(disputed(won=True), reported(KNOWN))
    assert at_work.published == ["PaymentDisputeClosed", "RefundRequested"]
    at_work.works(Gateway(GivenBack(15430)), refund_requested())

    assert at_work.stands == "SUCCEEDED DONE"


@pytest.mark.parametrize("lost, asked_for, given", [(15430, [], 0), (10000, ["SGD 54.30"], 5430)])
def test_of_a_refund_only_what_a_lost_dispute_has_not_given_back_is_asked_for(
    lost: int, asked_for: list[str], given: int
) -> None:
    at_work, gateway = WorkerAtWork(REFUNDING), Gateway(GivenBack(given))
    at_work.works(disputed(won=False, amount=lost), reported(KNOWN))

    at_work.works(gateway, refund_requested())

    assert [asked[-1] for asked in gateway.asked if asked[0] == "refund"] == asked_for
    assert (at_work.stands, at_work.row.state.refunds[0].amount) == ("SUCCEEDED DONE", given)
    assert at_work.published[-1] == ("PaymentRefunded" if given else "RefundRequested")


def test_a_dispute_of_a_charge_that_payments_has_not_heard_of_yet_is_told_with_it() -> None:
    at_work = WorkerAtWork(challenged())

    at_work.works(disputed(), reported())

    assert at_work.published == ["PaymentSucceeded", "PaymentDisputed"]


# --- challenges -------------------------------------------------------------------------------------------------------


SECRET = Challenged("the browser's secret")


def challenged(remembers: str = "..") -> Payment:
    return running(remembers=remembers, sent=True).model_copy(
        update={"status": PaymentStatus.CHALLENGED, "challenge": SECRET.challenge, "reference": REFERENCE}
    )


def reported(reference: str = REFERENCE) -> Event:
    return event_of(AttemptReported(provider=SANDBOX, reference=reference), "sandbox:report-1")


def called_off() -> Event:
    return event_of(ChargeCancellationRequested(**PAYMENT, attempt=1), f"payments:{ID}:5:0")


def test_a_challenge_is_kept_for_the_shopper_and_put_into_no_event() -> None:
    at_work = WorkerAtWork(running())

    at_work.works(Gateway(SECRET), submitted())

    assert (at_work.row.state.status, at_work.row.state.challenge) == ("CHALLENGED", SECRET.challenge)
    assert at_work.published == []
    assert SECRET.challenge not in repr(at_work.row.state)


def test_a_second_delivery_does_not_ask_the_bank_again() -> None:
    at_work, gateway = WorkerAtWork(challenged()), Gateway()

    assert isinstance(at_work.works(gateway, submitted()), Nothing)
    assert gateway.asked == []


@pytest.mark.parametrize("remembers, event", [(".c", ".c"), ("w.", "w.")])
def test_a_challenge_that_comes_too_late_is_called_off_and_shown_to_nobody(remembers: str, event: str) -> None:
    at_work = WorkerAtWork(running(sent=True))

    at_work.works(Meanwhile(at_work, running(remembers=event, sent=True), SECRET), submitted())

    assert (at_work.row.state.status, at_work.row.state.challenge) == ("CHALLENGED", None)
    assert at_work.published == ["ChargeCancellationRequested"]


@pytest.mark.parametrize(
    "found, asked, stands, published",
    [
        (Accepted(), [FIND], "SUCCEEDED", "PaymentSucceeded"),
        (Refused("your bank did not agree"), [FIND, CANCEL], "OPEN", "PaymentDeclined"),
        (Ended(), [FIND], "OPEN", "PaymentDeclined"),
    ],
)
def test_what_the_gateway_reports_is_asked_of_the_gateway(
    found: Answer, asked: list[tuple[str, ...]], stands: str, published: str
) -> None:
    at_work, gateway = WorkerAtWork(challenged()), Gateway(Ended(), found=found)

    at_work.works(gateway, reported())
    at_work.works(gateway, reported())

    assert gateway.asked[: len(asked)] == asked
    assert (at_work.stands, at_work.published, at_work.row.state.challenge) == (stands, [published], None)


def test_a_refused_challenge_that_an_old_tab_has_agreed_to_meanwhile_is_paid() -> None:
    at_work = WorkerAtWork(challenged())

    at_work.works(Gateway(Accepted(), found=Refused("your bank did not agree")), reported())

    assert at_work.stands == "SUCCEEDED"


def test_a_report_of_an_attempt_that_nothing_waits_for_is_given_back() -> None:
    at_work = WorkerAtWork(payment("ARK", "VOIDED", attempts=1))

    at_work.works(Gateway(found=Accepted()), reported())

    assert (at_work.stands, at_work.published) == ("VOIDED REQUESTED", ["RefundRequested"])


def test_a_report_before_the_bank_has_answered_changes_nothing() -> None:
    at_work = WorkerAtWork(challenged())

    assert isinstance(at_work.works(Gateway(found=SECRET), reported()), Nothing)


@pytest.mark.parametrize("remembers, stands", [(".c", "VOIDED"), ("w.", "FAILED"), ("wc", "VOIDED")])
def test_a_challenge_that_is_called_off_ends_at_the_gateway(remembers: str, stands: str) -> None:
    at_work, gateway = WorkerAtWork(challenged(remembers)), Gateway(Ended())

    at_work.works(gateway, called_off())

    assert (gateway.asked, at_work.stands) == ([CANCEL], stands)


def test_the_bank_that_was_faster_than_the_cancellation_is_paid_back() -> None:
    at_work = WorkerAtWork(challenged(".c"))

    at_work.works(Gateway(Accepted()), called_off())

    assert (at_work.stands, at_work.published) == ("SUCCEEDED REQUESTED", ["RefundRequested"])


# --- with the sandbox: nothing is kept of an order that is over -------------------------------------------------------


@pytest.fixture
def sandbox(till: Till) -> Sandbox:
    return Sandbox("SandboxChargesTable")


class Slow(Sandbox):
    """The sandbox behind a line on which the first confirmation is given up, and lands when the test says so."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.on_its_way: list[str] = []
        self.up = False

    def confirm(self, reference: str) -> Answer:
        if self.up:
            return super().confirm(reference)
        self.up = True
        self.on_its_way.append(reference)
        raise ProviderTimeout("no answer in time")

    def lands(self) -> None:
        for reference in self.on_its_way:
            super().confirm(reference)
        self.on_its_way.clear()


CANCELLED = event_of(next(data for data in EXAMPLES if isinstance(data, OrderCancelled)), "event:OrderCancelled")


@pytest.mark.parametrize("lands", ["before", "between", "after"])
@pytest.mark.parametrize("heard", [True, False], ids=["payments has heard", "only the order knows"])
@pytest.mark.parametrize("age", [timedelta(0), timedelta(hours=7), timedelta(days=1), timedelta(days=10)])
@pytest.mark.parametrize("delivery", [1, 2])
def test_nothing_is_kept_of_a_cancelled_order(
    till: Till, delivery: int, age: timedelta, heard: bool, lands: str
) -> None:
    """At delivery 1 a message is new to the worker; at 2 it has tried before, and got no answer to its confirmation,
    which lands before the order is cancelled, between that and the next delivery, or after the worker is done."""
    gateway = Slow("SandboxChargesTable")
    at_work = WorkerAtWork(running())
    if delivery == 2:
        with pytest.raises(ProviderTimeout):
            at_work.works(gateway, submitted())
    if lands == "before":
        gateway.lands()
    at_work.payable = False
    if heard:
        react(at_work.payments, Delivery(CANCELLED, attempt=1), NOW)
    if lands == "between":
        gateway.lands()

    at_work.works(gateway, submitted(), now=NOW + age)
    react(
        at_work.payments, Delivery(CANCELLED, attempt=1), NOW + age
    )  # It comes, sooner or later; a second one is nothing.
    gateway.lands()
    if at_work.published == ["RefundRequested"]:
        at_work.works(gateway, refund_requested(), now=NOW + age)

    taken = till.charges().get(f"{ID}:1") == "ACCEPTED"
    assert till.charges().get(f"{ID}:refund:cancellation") == ("ACCEPTED" if taken else None)
    assert at_work.stands == ("SUCCEEDED DONE" if taken else "VOIDED")
    assert taken == (delivery == 2 and lands != "after")


def test_a_flaky_card_of_an_order_that_is_cancelled_between_its_failures_is_never_charged(
    till: Till, sandbox: Sandbox
) -> None:
    at_work = WorkerAtWork(running().model_copy(update={"card_token": "tok_flaky"}))
    with pytest.raises(ProviderUnavailable):
        at_work.works(sandbox, submitted())
    react(at_work.payments, Delivery(CANCELLED, attempt=1), NOW)

    at_work.works(sandbox, submitted())

    assert (at_work.row.state.status, till.charges()) == ("VOIDED", {f"{ID}:1": "ENDED"})


# --- dying in between, with the sandbox ------------------------------------------------------------------------------


class WorkerDied(BaseException):
    """Nothing of the worker's own code runs any more."""


def dies_at(point: str, nth: int) -> Callable[[str, str], None]:
    """A hook of the repository: "commit" is before the nth write, "committed" after it."""
    passed = 0

    def hook(where: str, key: str) -> None:
        nonlocal passed
        passed += where == point
        if where == point and passed == nth:
            raise WorkerDied

    return hook


def lives_on(where: str, key: str) -> None:
    """A hook that does nothing."""


@pytest.mark.parametrize("token", ["tok_visa", "tok_timeout", "tok_declined"])
@pytest.mark.parametrize("write", [1, 2], ids=["of the reference", "of the answer"])
@pytest.mark.parametrize("point", ["commit", "committed"])
def test_a_worker_that_dies_around_a_write_charges_once(
    till: Till, sandbox: Sandbox, token: str, write: int, point: str
) -> None:
    at_work = WorkerAtWork(running().model_copy(update={"card_token": token}))
    at_work.payments.hook = dies_at(point, write)
    with pytest.raises(WorkerDied):
        at_work.works(sandbox, submitted())
    assert (till.charges()[f"{ID}:1"] == "") == (write == 1), "no money moves before its reference is in the row"
    at_work.payments.hook = lives_on
    at_work.works(sandbox, submitted())

    assert list(till.charges()) == [f"{ID}:1"]
    assert at_work.row.state.status == ("OPEN" if token == "tok_declined" else "SUCCEEDED")


def test_a_flaky_card_succeeds_at_the_third_delivery(till: Till, sandbox: Sandbox) -> None:
    at_work = WorkerAtWork(running().model_copy(update={"card_token": "tok_flaky"}))

    for _ in (1, 2):
        with pytest.raises(ProviderUnavailable):
            at_work.works(sandbox, submitted())
    at_work.works(sandbox, submitted())

    assert at_work.row.state.status == "SUCCEEDED"
    assert till.charges() == {f"{ID}:1": "ACCEPTED"}


def test_a_worker_that_dies_around_its_write_gives_back_once(till: Till, sandbox: Sandbox) -> None:
    sandbox.confirm(sandbox.create(f"{ID}:1", sgd(15430), "tok_visa"))
    for point in ("commit", "committed"):
        at_work = WorkerAtWork(REFUNDING)
        at_work.payments.hook = dies_at(point, 1)
        with pytest.raises(WorkerDied):
            at_work.works(sandbox, refund_requested())
        at_work.payments.hook = lives_on
        with till.unchanged("SandboxChargesTable"):
            at_work.works(sandbox, refund_requested())
        assert at_work.stands == "SUCCEEDED DONE"

    assert till.charges() == {f"{ID}:1": "ACCEPTED", f"{ID}:refund:cancellation": "ACCEPTED"}


def test_the_worker_subscribes_to_exactly_the_events_that_ask_for_the_provider() -> None:
    assert set(CONSUMER.subscribes_to) == {
        PaymentSubmitted,
        ChargeCancellationRequested,
        AttemptReported,
        RefundRequested,
    }
