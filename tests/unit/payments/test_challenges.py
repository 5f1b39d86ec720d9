"""The sandbox's bank: whose challenge it answers, and what it reports."""

from datetime import timedelta

import pytest

from cloudretail.envelope import Event
from cloudretail.errors import Conflict, NotFound, Transient
from contract.payments import AttemptReported
from payments import challenges
from payments.domain import PayableOrder
from payments.providers import LATER, SANDBOX
from tests.support.examples import CAUSE

ORDER_ID, REFERENCE = "ord_1", "pay_1:1"
CHALLENGE = f"{REFERENCE}/secret"


class Bank:
    """It takes one answer; `late` is whether that is reported late."""

    def __init__(self, *, late: bool = False) -> None:
        self.late = late
        self.answers: list[tuple[str, str, bool]] = []

    def answer_challenge(self, reference: str, challenge: str, *, agreed: bool) -> bool:
        self.answers.append((reference, challenge, agreed))
        return len(self.answers) == 1

    def is_late(self, reference: str) -> bool:
        return self.late


class Reports:
    """What was reported; `failing` is how often the bus does not take it."""

    def __init__(self, failing: int = 0) -> None:
        self.events: list[Event] = []
        self.delays: list[timedelta] = []
        self.failing = failing

    def publish(self, event: Event, after: timedelta) -> None:
        if self.failing:
            self.failing -= 1
            raise Transient("the bus does not take the report")
        self.events.append(event)
        self.delays.append(after)


def own_orders(order_id: str) -> PayableOrder | None:
    """The shopper has one order."""
    known = PayableOrder(order_id=ORDER_ID, status="RESERVED", total_amount=1990, currency="SGD")
    return known if order_id == ORDER_ID else None


def answer(bank: Bank, reports: Reports, order_id: str = ORDER_ID, challenge: str = CHALLENGE) -> None:
    challenges.answer(own_orders, bank, reports, order_id, challenge, CAUSE, agreed=True)


def test_an_answer_is_kept_and_reported_about_the_attempt() -> None:
    bank, reports = Bank(), Reports()

    answer(bank, reports)

    assert bank.answers == [(REFERENCE, CHALLENGE, True)]
    assert [each.data for each in reports.events] == [AttemptReported(provider=SANDBOX, reference=REFERENCE)]
    assert "secret" not in reports.events[0].to_json()


@pytest.mark.parametrize(("late", "delay"), [(False, timedelta(0)), (True, LATER)])
def test_a_bank_that_is_late_is_reported_late(late: bool, delay: timedelta) -> None:
    bank, reports = Bank(late=late), Reports()

    answer(bank, reports)

    assert reports.delays == [delay]


@pytest.mark.parametrize(
    ("order_id", "challenge"), [("ord_2", CHALLENGE), (ORDER_ID, "pay_2:1/secret"), (ORDER_ID, "pay_12:1/secret")]
)
def test_a_challenge_of_another_order_is_answered_by_nobody(order_id: str, challenge: str) -> None:
    bank, reports = Bank(), Reports()

    with pytest.raises(NotFound):
        answer(bank, reports, order_id, challenge)

    assert (bank.answers, reports.events) == ([], [])


def test_a_report_that_was_lost_is_made_by_the_repeated_click() -> None:
    bank, reports = Bank(), Reports(failing=1)
    with pytest.raises(Transient):
        answer(bank, reports)

    with pytest.raises(Conflict):
        answer(bank, reports)

    assert len(reports.events) == 1
