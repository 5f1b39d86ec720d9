from collections.abc import Iterator

import pytest

from tests.support.tables import empty, shop_tables


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, "OrdersTable", "FailuresTable"):
        yield


@pytest.fixture
def tables(account: None) -> None:
    """The tables of orders and of failures, on moto, empty."""
    empty("OrdersTable", "FailuresTable")
