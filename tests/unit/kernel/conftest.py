from collections.abc import Iterator

import pytest

from tests.support.tables import empty, shop_tables

TABLES = ("OrdersTable", "FailuresTable", "AttemptsTable")


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        yield


@pytest.fixture
def tables(account: None) -> None:
    """The tables that the kernel's tests use, on moto, empty."""
    empty(*TABLES)
