"""The simulation notices defects: without any one rule, guard or route, a schedule breaks."""

import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from tests.simulation.mutants import DEFECTS, noticed
from tests.simulation.search import STATES_AND_EVENTS, explore


@pytest.fixture(scope="module")
def verdicts() -> Iterator[Mapping[str, Future[bool]]]:
    """Every defect, each alone, on all cores."""
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        yield {name: pool.submit(noticed, name) for name in DEFECTS}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("defect", DEFECTS)
def test_it_is_noticed_that(defect: str, verdicts: Mapping[str, Future[bool]]) -> None:
    assert verdicts[defect].result()


def test_nothing_is_noticed_where_every_rule_and_every_route_is_there() -> None:
    outcome = explore(range(500))
    assert outcome.failure is None
    assert outcome.happened >= STATES_AND_EVENTS
