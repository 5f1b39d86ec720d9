"""An order takes no more than its budget: bench/budget.toml."""

from collections.abc import Iterator

import pytest

from bench import budget
from bench.kinds import KINDS, WINDOW, Counting
from tests.conftest import NewShop

TRIES = 3
"""A race that is lost by chance costs a read and a write; a call that is new is there each time."""


@pytest.fixture(scope="module")
def counting(new_shop: NewShop) -> Iterator[Counting]:
    with new_shop("counted", parameters={"PaymentWindowSeconds": str(WINDOW)}, counted=True) as local:
        yield Counting(local)


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_takes_no_more_than_its_budget(counting: Counting, kind: str) -> None:
    over: list[str] = []
    for _ in range(TRIES):
        over = list(budget.exceeded(kind, counting.count(kind)))
        if not over:
            return
    pytest.fail("\n".join(over))
