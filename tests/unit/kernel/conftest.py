from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.tables import shop_tables

# How long one example takes says more about the machine than about the code.
settings.register_profile("shop", deadline=None)
settings.load_profile("shop")


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tables of orders and of failures, on moto."""
    with shop_tables(monkeypatch, "OrdersTable", "FailuresTable"):
        yield
