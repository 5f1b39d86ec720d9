"""The worker at the provider: it acts only while the payment waits for it, and nobody is charged twice."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from cloudretail.consumer import Delivery
from cloudretail.decider import Change, Nothing, Result
from cloudretail.envelope import Event
from cloudretail.errors import Permanent
from cloudretail.money import Money
from cloudretail.outbox import Row
from contract import parse
from contract.payments import PaymentSubmitted, RefundRequested
from contract.values import PaymentMethod
from payments.domain import Payment, PaymentStatus
from payments.providers import Accepted, Answer, Provider, ProviderTimeout, ProviderUnavailable, Refused, Sandbox
from payments.store import PAYMENTS
from payments.worker import CONSUMER, Ports, work
from tests.support.examples import CAUSE, NOW, PAYMENT, event_of, name_of, sgd
from tests.support.repositories import InMemoryRepository
from tests.unit.payments.conftest import Till
from tests.unit.payments.test_rules import payment

ID = str(PAYMENT["payment_id"])


class Gateway:
    """A provider that notes what it is asked, and answers what it is told to.

    Args:
        answers: of the charges and refunds to come, in order; an exception is raised.
        found: what `find` says.
    """

    def __init__(self, *answers: Answer | Exception, found: Answer | None = None) -> None:
        self.answers, self.found = list(answers), found
        self.asked: list[tuple[str, ...]] = []

    def charge(self, key: str, amount: Money, token: str | None) -> Answer:
        return self._answer("charge", key, str(amount), str(token))

    def find(self, key: str) -> Answer | None:
        self.asked.append(("find", key))
        return self.found

    def refund(self, key: str, charge_key: str, amount: Money) -> Answer:
        return self._answer("refund", key, charge_key, str(amount))

    def _answer(self, *asked: str) -> Answer:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


CHARGE = ("charge", f"{ID}:1", "SGD 154.30", "tok_visa")
FIND = ("find", f"{ID}:1")
FIND_REFUND = ("find", f"{ID}:refund")
REFUND = ("refund", f"{ID}:refund", f"{ID}:1", "SGD 154.30")


class Desk:
    """The worker with payments in memory."""

    def __init__(self, state: Payment | None = None) -> None:
        self.payments = InMemoryRepository(PAYMENTS)
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
    def told(self) -> list[str]:
        """The events of the row's latest transition that had any."""
        return [name_of(parse(event).data) for event in self.row.outbox.events] if self.row.outbox else []

    def works(self, gateway: Provider, event: Event, *, delivery: int = 1, now: datetime = NOW) -> Result[Payment]:
        return work(Ports(self.payments, {PaymentMethod.CARD: gateway}), Delivery(event, delivery), now)


def submitted(attempt: int = 1) -> Event:
    data = PaymentSubmitted(**PAYMENT, attempt=attempt, amount=sgd(15430), method=PaymentMethod.CARD)
    return event_of(data, f"payments:{ID}:{attempt}:0")


def refund_requested() -> Event:
    data = RefundRequested(**PAYMENT, attempt=1, amount=sgd(15430), method=PaymentMethod.CARD)
    return event_of(data, f"payments:{ID}:9:0")


def running(attempt: int = 1, remembers: str = "..", facts: str = "ARK") -> Payment:
    return payment(facts, "SUBMITTED", attempts=attempt, remembers=remembers)


REFUNDING = payment("ARK", "REFUNDING", attempts=1, token=False)


# --- charging -------------------------------------------------------------------------------------------------------


def test_a_first_delivery_charges_without_asking() -> None:
    desk, gateway = Desk(running()), Gateway(Accepted())

    desk.works(gateway, submitted())

    assert gateway.asked == [CHARGE]
    assert (desk.row.state.status, desk.told) == ("SUCCEEDED", ["PaymentSucceeded"])


def test_a_declined_charge_may_be_tried_again() -> None:
    desk = Desk(running())

    desk.works(Gateway(Refused("no money")), submitted())

    assert (desk.row.state.status, desk.row.state.decline_reason, desk.told) == (
        "OPEN",
        "no money",
        ["PaymentDeclined"],
    )


def test_the_third_declined_charge_is_the_last() -> None:
    desk = Desk(running(3))

    desk.works(Gateway(Refused("no money")), submitted(3))

    assert (desk.row.state.status, desk.told) == ("FAILED", ["PaymentFailed"])


def test_each_attempt_is_charged_under_its_own_key() -> None:
    gateway = Gateway(Accepted())

    Desk(running(2)).works(gateway, submitted(2))

    assert gateway.asked[0][1] == f"{ID}:2"


@pytest.mark.parametrize(
    "state, event",
    [
        (None, submitted()),
        (payment("AR."), submitted()),
        (running(2), submitted(1)),
        (running(1), submitted(2)),
        (payment("ARK", "SUCCEEDED", attempts=1, token=False), submitted()),
        (REFUNDING, submitted()),
        (payment("ARK", "REFUNDED", attempts=1, token=False), submitted()),
        (payment("AR.", "VOIDED", attempts=1), submitted()),
        (payment("AR.", "FAILED", attempts=3), submitted(3)),
        (None, refund_requested()),
        (running(), refund_requested()),
        (payment("ARK", "SUCCEEDED", attempts=1, token=False), refund_requested()),
        (payment("ARK", "REFUNDED", attempts=1, token=False), refund_requested()),
        (payment("ARK", "REFUND_FAILED", attempts=1, token=False), refund_requested()),
        (payment("AR.", "VOIDED", attempts=1), refund_requested()),
    ],
)
def test_a_payment_that_does_not_wait_for_it_is_left_alone_and_the_provider_too(
    state: Payment | None, event: Event
) -> None:
    desk, gateway = Desk(state), Gateway()
    before = dict(desk.payments.items)

    assert isinstance(desk.works(gateway, event), Nothing)

    assert gateway.asked == []
    assert desk.payments.items == before


@pytest.mark.parametrize("delivery", [2, 5])
@pytest.mark.parametrize("found", [Accepted(), Refused("no money")])
def test_a_later_delivery_asks_first_and_does_not_charge_what_is_known(delivery: int, found: Answer) -> None:
    desk, gateway = Desk(running()), Gateway(found=found)

    desk.works(gateway, submitted(), delivery=delivery)

    assert gateway.asked == [FIND]
    assert desk.row.state.status == ("SUCCEEDED" if found == Accepted() else "OPEN")


def test_a_later_delivery_charges_what_is_not_known() -> None:
    desk, gateway = Desk(running()), Gateway(Accepted(), found=None)

    desk.works(gateway, submitted(), delivery=2)

    assert gateway.asked == [FIND, CHARGE]


@pytest.mark.parametrize("age, asks", [(timedelta(days=1), False), (timedelta(days=1, microseconds=1), True)])
def test_a_message_older_than_a_day_asks_first(age: timedelta, asks: bool) -> None:
    desk, gateway = Desk(running()), Gateway(Accepted(), found=None)

    desk.works(gateway, submitted(), now=NOW + age)

    assert gateway.asked == ([FIND] if asks else []) + [CHARGE]
    assert desk.row.state.status == "SUCCEEDED"


def test_after_a_timeout_it_asks_and_takes_the_answer() -> None:
    desk, gateway = Desk(running()), Gateway(ProviderTimeout("too late"), found=Accepted())

    desk.works(gateway, submitted())

    assert gateway.asked == [CHARGE, FIND]
    assert desk.row.state.status == "SUCCEEDED"


def test_after_a_timeout_that_nobody_knows_of_the_message_comes_again() -> None:
    desk, gateway = Desk(running()), Gateway(ProviderTimeout("too late"), found=None)

    with pytest.raises(ProviderTimeout):
        desk.works(gateway, submitted())
    assert desk.row.state == running()

    gateway.found = Accepted()
    desk.works(gateway, submitted(), delivery=2)
    assert gateway.asked == [CHARGE, FIND, FIND]
    assert desk.row.state.status == "SUCCEEDED"


def test_a_provider_out_of_reach_changes_nothing() -> None:
    desk = Desk(running())

    with pytest.raises(ProviderUnavailable):
        desk.works(Gateway(ProviderUnavailable("down")), submitted())

    assert desk.row.state == running()


def test_a_payment_without_a_method_is_a_case_for_a_person() -> None:
    broken = running().model_copy(update={"method": None})

    with pytest.raises(Permanent, match="has no method"):
        Desk(broken).works(Gateway(), submitted())


# --- meanwhile ------------------------------------------------------------------------------------------------------


class Meanwhile(Gateway):
    """While it is asked, something else happens to the payment."""

    def __init__(self, desk: Desk, state: Payment, *answers: Answer) -> None:
        super().__init__(*answers)
        self._desk, self._state = desk, state

    def _answer(self, *asked: str) -> Answer:
        self._desk.becomes(self._state)
        return super()._answer(*asked)


def test_what_is_accepted_after_the_order_was_cancelled_is_given_back() -> None:
    desk = Desk(running())

    desk.works(Meanwhile(desk, running(remembers=".c"), Accepted()), submitted())

    assert (desk.row.state.status, desk.told) == ("REFUNDING", ["RefundRequested"])


def test_what_is_declined_after_the_order_was_cancelled_is_over() -> None:
    desk = Desk(running())

    desk.works(Meanwhile(desk, running(remembers=".c"), Refused("no money")), submitted())

    assert (desk.row.state.status, desk.told) == ("VOIDED", [])


def test_what_is_accepted_after_the_window_closed_is_accepted() -> None:
    desk = Desk(running())

    desk.works(Meanwhile(desk, running(remembers="w."), Accepted()), submitted())

    assert desk.row.state.status == "SUCCEEDED"


def test_what_is_declined_after_the_window_closed_has_failed() -> None:
    desk = Desk(running())

    desk.works(Meanwhile(desk, running(remembers="w."), Refused("no money")), submitted())

    assert (desk.row.state.status, desk.told) == ("FAILED", ["PaymentFailed"])


def test_an_answer_that_another_worker_has_written_already_is_not_written_again() -> None:
    desk = Desk(running())
    succeeded = payment("ARK", "SUCCEEDED", attempts=1, token=False)

    decision = desk.works(Meanwhile(desk, succeeded, Accepted()), submitted())

    assert isinstance(decision, Nothing)
    assert desk.row.state == succeeded


# --- giving back ----------------------------------------------------------------------------------------------------


def test_a_refund_is_of_the_charge_that_succeeded() -> None:
    desk, gateway = Desk(REFUNDING), Gateway(Accepted())

    desk.works(gateway, refund_requested())

    assert gateway.asked == [REFUND]
    assert (desk.row.state.status, desk.told) == ("REFUNDED", ["PaymentRefunded"])


def test_a_refused_refund_is_told_for_a_person_to_act() -> None:
    desk = Desk(REFUNDING)

    desk.works(Gateway(Refused("closed")), refund_requested())

    assert (desk.row.state.status, desk.told) == ("REFUND_FAILED", ["PaymentRefundFailed"])


@pytest.mark.parametrize("error", [ProviderUnavailable("down"), ProviderTimeout("too late")])
def test_a_refund_that_did_not_get_through_is_looked_for_and_asked_for_again_under_the_same_key(
    error: Exception,
) -> None:
    desk, gateway = Desk(REFUNDING), Gateway(error, Accepted())

    with pytest.raises(type(error)):
        desk.works(gateway, refund_requested())
    assert desk.row.state == REFUNDING
    desk.works(gateway, refund_requested(), delivery=2)

    assert gateway.asked == [REFUND, FIND_REFUND, REFUND]
    assert desk.row.state.status == "REFUNDED"


@pytest.mark.parametrize("delivery, age", [(2, timedelta()), (1, timedelta(days=1, microseconds=1))])
@pytest.mark.parametrize("found, status", [(Accepted(), "REFUNDED"), (Refused("closed"), "REFUND_FAILED")])
def test_a_refund_that_is_known_is_not_asked_for_again(
    delivery: int, age: timedelta, found: Answer, status: str
) -> None:
    desk, gateway = Desk(REFUNDING), Gateway(found=found)

    desk.works(gateway, refund_requested(), delivery=delivery, now=NOW + age)

    assert gateway.asked == [FIND_REFUND]
    assert desk.row.state.status == status


# --- dying in between, with the sandbox ------------------------------------------------------------------------------


class WorkerDied(BaseException):
    """Nothing of the worker's own code runs any more."""


def dies_at(point: str) -> Callable[[str, str], None]:
    """A hook of the repository: "commit" is before the write, "committed" after it."""

    def hook(where: str, key: str) -> None:
        if where == point:
            raise WorkerDied

    return hook


def lives_on(where: str, key: str) -> None:
    """A hook that does nothing."""


@pytest.fixture
def sandbox(till: Till) -> Sandbox:
    return Sandbox("SandboxChargesTable")


@pytest.mark.parametrize("token", ["tok_visa", "tok_timeout", "tok_declined"])
@pytest.mark.parametrize("point", ["commit", "committed"])
def test_a_worker_that_dies_around_its_write_charges_once(till: Till, sandbox: Sandbox, token: str, point: str) -> None:
    desk = Desk(running().model_copy(update={"card_token": token}))
    desk.payments.hook = dies_at(point)
    with pytest.raises(WorkerDied):
        desk.works(sandbox, submitted())
    desk.payments.hook = lives_on
    with till.unchanged("SandboxChargesTable"):
        desk.works(sandbox, submitted(), delivery=2)

    assert list(till.charges()) == [f"{ID}:1"]
    assert desk.row.state.status == ("OPEN" if token == "tok_declined" else "SUCCEEDED")


def test_a_duplicate_that_is_a_first_delivery_too_charges_once(till: Till, sandbox: Sandbox) -> None:
    """The relay published the event twice: two messages, each delivered for the first time."""
    desk = Desk(running())
    desk.payments.hook = dies_at("commit")
    with pytest.raises(WorkerDied):
        desk.works(sandbox, submitted())
    desk.payments.hook = lives_on

    with till.unchanged("SandboxChargesTable"):
        desk.works(sandbox, submitted(), delivery=1)

    assert desk.row.state.status == "SUCCEEDED"


def test_a_flaky_card_succeeds_at_the_third_delivery(till: Till, sandbox: Sandbox) -> None:
    desk = Desk(running().model_copy(update={"card_token": "tok_flaky"}))

    for delivery in (1, 2):
        with pytest.raises(ProviderUnavailable):
            desk.works(sandbox, submitted(), delivery=delivery)
    desk.works(sandbox, submitted(), delivery=3)

    assert desk.row.state.status == "SUCCEEDED"
    assert till.charges() == {f"{ID}:1": "ACCEPTED"}


def test_a_worker_that_dies_around_its_write_gives_back_once(till: Till, sandbox: Sandbox) -> None:
    sandbox.charge(f"{ID}:1", sgd(15430), "tok_visa")
    for point in ("commit", "committed"):
        desk = Desk(REFUNDING)
        desk.payments.hook = dies_at(point)
        with pytest.raises(WorkerDied):
            desk.works(sandbox, refund_requested())
        desk.payments.hook = lives_on
        with till.unchanged("SandboxChargesTable"):
            desk.works(sandbox, refund_requested(), delivery=2)
        assert desk.row.state.status == PaymentStatus.REFUNDED

    assert till.charges() == {f"{ID}:1": "ACCEPTED", f"{ID}:refund": "ACCEPTED"}


def test_the_worker_subscribes_to_exactly_the_events_that_ask_for_the_provider() -> None:
    assert set(CONSUMER.subscribes_to) == {PaymentSubmitted, RefundRequested}
