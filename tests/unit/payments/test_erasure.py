"""A person of very many orders leaves: more than one delivery can erase."""

from collections.abc import Iterable

import pytest

from cloudretail import deadline
from cloudretail.decider import Context, Decision
from cloudretail.errors import Transient
from cloudretail.outbox import Row
from contract.erasure import erase_rows
from contract.values import ERASED
from payments.domain import Payment, erased, payment_id_of
from payments.store import PAYMENTS
from tests.support.examples import CAUSE, NOW
from tests.support.repositories import InMemoryRepository

ORDERS = [f"ord_{number:016}" for number in range(1600)]
CALLS = 500
"""Calls that one delivery has time for: fewer than there are orders."""


class Payments(InMemoryRepository[Payment]):
    """Counts the calls as DynamoDB takes them: a hundred rows are read by one."""

    def __init__(self) -> None:
        self.calls = 0
        super().__init__(PAYMENTS, self._count)

    def load_all(self, keys: Iterable[str]) -> dict[str, Row[Payment] | None]:
        wanted, before = list(keys), self.calls
        assert len(wanted) <= 100, "DynamoDB takes no more"
        found = super().load_all(wanted)
        self.calls = before + 1
        return found

    def _count(self, point: str, key: str) -> None:
        self.calls += point in ("load", "commit")


def decide(order_id: str, payment: Payment | None) -> Decision[Payment]:
    return erased(payment, Context(order_id, CAUSE.id, NOW))


def test_each_delivery_gets_further_until_the_last_order_is_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    payments, reached = Payments(), [0]
    monkeypatch.setattr(deadline, "passed", lambda: payments.calls >= CALLS)
    finished = False
    while not finished:
        payments.calls = 0
        try:
            erase_rows(payments, iter(ORDERS), decide, CAUSE, NOW, payment_id_of)
            finished = True
        except Transient:
            assert len(payments.items) > reached[-1], f"no delivery gets any further: {reached}"
        reached.append(len(payments.items))
    assert len(payments.items) == len(ORDERS)
    assert {item["userEmail"] for item in payments.items.values()} == {ERASED}


def test_a_second_erasure_writes_nothing_and_reads_a_hundred_rows_by_one_call() -> None:
    payments = Payments()
    erase_rows(payments, iter(ORDERS), decide, CAUSE, NOW, payment_id_of)
    payments.calls, before = 0, dict(payments.items)
    erase_rows(payments, iter(ORDERS), decide, CAUSE, NOW, payment_id_of)
    assert (payments.calls, payments.items) == (16, before)
