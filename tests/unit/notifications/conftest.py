from collections.abc import Iterator

import pytest

from tests.support.tables import empty, shop_tables


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, "SentMailsTable", "FailuresTable"):
        yield


@pytest.fixture
def tables(account: None) -> None:
    """The tables of sent mails and of failures, on moto, empty."""
    empty("SentMailsTable", "FailuresTable")
