from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

import inventory.reactions
import inventory.store
from cloudretail import aws, dynamodb
from cloudretail.outbox import Row
from cloudretail.settings import load
from inventory.domain import Reservation
from inventory.store import RESERVATIONS, DynamoDBStock, InventorySettings
from tests.support.stock import Counters
from tests.support.tables import empty, everything_in, shop_tables
from tests.support.wire import Wire

TABLES = ("InventoryTable", "ReservationsTable", "FailuresTable")
WINDOW = timedelta(minutes=15)


class Warehouse:
    """Inventory's tables."""

    @property
    def stock(self) -> DynamoDBStock:
        return DynamoDBStock(load(InventorySettings))

    def receives(self, **units: int) -> None:
        """These units of each product are there, all of them available."""
        for product, received in units.items():
            self.counts(product, Counters(received, 0, 0, received))

    def counts(self, product: str, counters: Counters) -> None:
        """Write a product's row as somebody by hand would."""
        row = {
            "productId": product,
            "availableQty": counters.available,
            "reservedQty": counters.reserved,
            "soldQty": counters.sold,
            "receivedQty": counters.received,
        }
        aws.dynamodb().put_item(TableName="InventoryTable", Item=dynamodb.to_item(row))

    def counters(self) -> Mapping[str, Counters]:
        """Of each product."""
        return {
            row["productId"]: Counters(row["availableQty"], row["reservedQty"], row["soldQty"], row["receivedQty"])
            for row in self.rows("InventoryTable")
        }

    def reservations(self) -> Mapping[str, Row[Reservation]]:
        """By order id."""
        return {row["orderId"]: RESERVATIONS.from_item(row) for row in self.rows("ReservationsTable")}

    def statuses(self) -> Mapping[str, str]:
        """Of each reservation, by order id."""
        return {order_id: row.state.status.value for order_id, row in self.reservations().items()}

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [dynamodb.from_item(item) for item in everything_in(table)[table]]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nothing in any table is another afterwards."""
        before = everything_in(*TABLES)
        yield
        assert everything_in(*TABLES) == before


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        environment.setenv("QUEUE_URL", "https://sqs.ap-southeast-1.amazonaws.com/123456789012/inventory")
        environment.setenv("PAYMENT_WINDOW_SECONDS", "900")
        inventory.reactions._settings.cache_clear()
        yield


@pytest.fixture
def warehouse(account: None, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    empty(*TABLES)
    for module in (inventory.store, inventory.reactions):
        monkeypatch.setattr(module, "pause_before_retry", lambda attempt: None)
    return Warehouse()


@pytest.fixture
def wire(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)
