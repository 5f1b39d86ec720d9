from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.tables import empty, shop_tables

# How long one example takes says more about the machine than about the code.
settings.register_profile("shop", deadline=None)
settings.load_profile("shop")


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, "OrdersTable", "FailuresTable"):
        yield


@pytest.fixture
def tables(account: None) -> None:
    """The tables of orders and of failures, on moto, empty."""
    empty("OrdersTable", "FailuresTable")
