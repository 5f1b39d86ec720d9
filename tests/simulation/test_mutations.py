"""The simulation notices defects: without any one rule, guard or route, a schedule breaks."""

import pytest

from tests.simulation.mutants import DEFECTS
from tests.simulation.search import STATES_AND_EVENTS, explore

NOTICED_BY = {
    "the services end in different ways": "a cancelled order keeps the stock that it holds",
    "an order does not end": "cloudretail.orders.OrderPlaced.v1 never reaches InventoryQueue",
    "the story leaves something out": "an order notes the same fact twice",
    "one thing is published twice": "the last writer of a row wins",
    "a replay changes something": "a late payment confirms a cancelled order",
    "money and order do not fit": "each refund has a new key",
    "money is kept by a payment that ended": "the worker takes a time-out for a no",
    "charged after the cancellation was known": "the worker does not look at the order",
    "charged after the window was known to be closed": "the worker does not look at what payments remembers",
    "an order that was chosen to be paid is cancelled unpaid": "the window closes what payments has not heard of",
    "a stock counter is negative": "stock is taken whether it is there or not",
    "stock is reserved for an order that is too old": "an order is reserved however old it is",
    "an order is refused for stock that was there": "a conflict is taken for sold out",
    "a message is poisoned": "a batch settles all messages of an order at once",
}
"""For each rule that defects break, the one that breaks it soonest."""


@pytest.mark.parametrize(("rule", "defect"), NOTICED_BY.items())
def test_a_rule_notices_a_defect(rule: str, defect: str) -> None:
    with DEFECTS[defect].alive():
        failure = explore(range(300)).failure
    assert failure, "not noticed"
    assert failure.violation.rule == rule


@pytest.mark.proof
@pytest.mark.parametrize("defect", DEFECTS)
def test_it_is_noticed_that(defect: str) -> None:
    assert DEFECTS[defect].noticed


@pytest.mark.proof
def test_every_rule_that_a_defect_breaks_is_tried_in_short() -> None:
    broken = set()
    for defect in DEFECTS.values():
        with defect.alive():
            if failure := explore(range(defect.enough)).failure:
                broken.add(failure.violation.rule)
    assert broken == NOTICED_BY.keys()


def test_nothing_is_noticed_where_every_rule_and_every_route_is_there() -> None:
    outcome = explore(range(500))
    assert outcome.failure is None
    assert outcome.happened >= STATES_AND_EVENTS
