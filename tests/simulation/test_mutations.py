"""The simulation notices defects: without any one rule, guard or route, a schedule breaks."""

import ast
from pathlib import Path

import pytest

from tests.simulation.mutants import DEFECTS
from tests.simulation.search import STATES_AND_EVENTS, FailedSchedule, explore, simulated, wander

NOTICED_BY = {
    "the services end in different ways": "a cancelled order keeps the stock that it holds",
    "an order does not end": "cloudretail.orders.OrderPlaced.v1 never reaches InventoryQueue",
    "the story leaves something out": "an order notes the same fact twice",
    "the story notes one thing twice": "the story notes each transition twice",
    "one thing is published twice": "the last writer of a row wins",
    "two events have one id": "the version is not in an event's id",
    "a refund that failed was not published": "nobody publishes that a refund failed",
    "a replay changes something": "a late payment confirms a cancelled order",
    "money and payment do not fit": "each refund has a new key",
    "money and goods do not fit": "more is given back than was taken",
    "cash is forgotten": "that no cash was collected is taken for unknown",
    "money is kept by a payment that ended": "an attempt is ended without its provider",
    "a dispute is forgotten": "nobody asks for disputes",
    "money is given back twice": "a person pays what a bank has given back",
    "a person pays what a bank is deciding about": "a dispute holds no refund back",
    "a challenge outlives its payment": "a challenge is called off without its provider",
    "charged twice": "an attempt is created anew at each delivery",
    "the gateway never gave this answer": "each attempt has a new key whenever it is sent",
    "a card token outlives its attempt": "a card token is kept when the payment ends",
    "charged after the cancellation was known": "the worker does not look at the order",
    "charged after the window was known to be closed": "the worker does not look at what payments remembers",
    "the window closes before its time": "the window closes with the reservation",
    "an order that was chosen to be paid is cancelled unpaid": "the window closes what payments does not know",
    "a stock counter is negative": "stock is taken whether it is there or not",
    "stock is not conserved": "what was sold and comes back is counted twice",
    "stock and reservations do not fit": "stock and reservation are two writes",
    "stock and movements do not fit": "what staff find is counted at each request",
    "stock and parcels do not fit": "what is broken is sold again",
    "goods leave for a cancelled order": "a confirmed order is cancelled at once, and staff ship without a look at it",
    "a cancellation that came in time is not honoured": "staff ship whatever was asked",
    "shipped after the cancellation was known": "staff ship without a look at the order",
    "more is sent back than was bought": "anything is sent back, and any number of it",
    "stock is reserved for an order that is too old": "an order is reserved however old it is",
    "an order is refused as too old before its time": "an order is too old after a minute",
    "an order is refused for stock that was there": "a conflict is taken for sold out",
    "an order is not the cart that was seen": "the cart is ordered as it is and not as it was seen",
    "a cart is ordered twice": "a cart is ordered as often as somebody wants",
    "an account holds what it should not": "an account holds an order that has ended",
    "an ordered cart is not emptied": "a cart that was ordered is not emptied",
    "a change of a cart is lost": "a change of the cart is not noticed",
    "a placed order is answered as refused": "checkout does not look for its order again before it refuses",
    "a request breaks down": "an empty cart is ordered",
    "the relay stands still": "a record that cannot be read stops the relay",
    "a message is poisoned": "a message that does nothing is a failure",
    "a message stays in a dead-letter queue": "the window never closes",
    "a queue gets what its consumer does not subscribe to": "every event reaches OrdersQueue",
}
"""For each rule a defect that breaks it, soon."""

NEVER_BROKEN = {"the shop never comes to rest"}
"""A guard against endless loops: of a defect that leads to one, a schedule would not end either."""

ENOUGH = 5000
"""Schedules within which it does."""


def rules() -> set[str]:
    """Every rule that the simulation can find broken."""
    folder = Path(__file__).parent
    return {
        str(value.value)
        for name in ("gateway", "invariants", "world")
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Violation"
        for value in node.args[:1]
        if isinstance(value, ast.Constant)
    } | {
        "charged after the cancellation was known",
        "charged after the window was known to be closed",
        "shipped after the cancellation was known",
    }


@pytest.mark.parametrize(("rule", "defect"), NOTICED_BY.items())
def test_a_rule_notices_a_defect(rule: str, defect: str) -> None:
    with DEFECTS[defect].alive(), simulated():
        assert any(broken_by(seed) == rule for seed in range(ENOUGH)), "not noticed"


def broken_by(seed: int) -> str | None:
    """The rule that a schedule breaks."""
    try:
        wander(seed)
    except FailedSchedule as failed:
        return failed.failure.violation.rule
    return None


def test_every_rule_can_be_broken() -> None:
    assert NOTICED_BY.keys() | NEVER_BROKEN == rules()


@pytest.mark.proof
@pytest.mark.parametrize("defect", DEFECTS)
def test_it_is_noticed_that(defect: str) -> None:
    assert DEFECTS[defect].noticed


def test_nothing_is_noticed_where_every_rule_and_every_route_is_there() -> None:
    outcome = explore(range(500))
    assert outcome.failure is None
    assert outcome.happened >= STATES_AND_EVENTS
