"""The simulation notices defects: with any one rule, guard or route taken away, a schedule breaks."""

from unittest.mock import patch

import pytest

from cloudretail.events import BY_TYPE
from tests.simulation import world
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.search import explore
from tests.simulation.test_schedules import STATES_AND_EVENTS
from tests.simulation.wiring import wiring

ENOUGH = 10_000
"""Schedules within which a defect has to show. The rarest takes some hundreds; these very seeds pass without it."""

ENOUGH_FOR_A_ROUTE = 400

ROUTES = tuple(
    (queue.name, type_)
    for queue in wiring().queues
    if queue.name in world.CONSUMERS
    for pattern in queue.patterns
    for type_ in pattern["detail"]["type"]
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_is_noticed_that(mutant: Mutant) -> None:
    with mutant.alive():
        assert explore(range(ENOUGH)).failure


@pytest.mark.parametrize(("queue", "type_"), ROUTES, ids=lambda value: value)
def test_it_is_noticed_that_an_event_does_not_reach(queue: str, type_: str) -> None:
    assert type_ in BY_TYPE
    targets = world._targets

    def without(asked: str, document: str) -> tuple[str, ...]:
        return tuple(one for one in targets(asked, document) if (one, asked) != (queue, type_))

    with patch.object(world, "_targets", without):
        outcome = explore(range(ENOUGH_FOR_A_ROUTE))
    assert outcome.failure or STATES_AND_EVENTS - outcome.happened


def test_nothing_is_noticed_where_every_rule_and_every_route_is_there() -> None:
    outcome = explore(range(ENOUGH_FOR_A_ROUTE))
    assert outcome.failure is None
    assert outcome.happened >= STATES_AND_EVENTS
