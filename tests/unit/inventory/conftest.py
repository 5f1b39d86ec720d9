from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import batched
from typing import Any

import pytest

import inventory.reactions
import inventory.store
from cloudretail import aws, dynamodb
from cloudretail.outbox import Row
from cloudretail.settings import load
from inventory.domain import Reservation
from inventory.store import RESERVATIONS, DynamoDBStockRepository, InventorySettings
from tests.support.stock import Counters
from tests.support.tables import empty, everything_in, shop_tables
from tests.support.wire import Wire

TABLES = ("InventoryTable", "ReservationsTable", "FailuresTable")
WINDOW = timedelta(minutes=15)


class Warehouse:
    """Inventory's tables."""

    @property
    def stock(self) -> DynamoDBStockRepository:
        return DynamoDBStockRepository(load(InventorySettings))

    def receives(self, **units: int) -> None:
        """These units of each product are there, all of them available."""
        self.counts(**{product: Counters(received, 0, 0, received) for product, received in units.items()})

    def counts(self, **counters: Counters) -> None:
        """Write the products' rows as somebody by hand would."""
        puts: list[Any] = [
            {
                "PutRequest": {
                    "Item": dynamodb.to_item(
                        {
                            "productId": product,
                            "availableQty": of.available,
                            "reservedQty": of.reserved,
                            "soldQty": of.sold,
                            "receivedQty": of.received,
                        }
                    )
                }
            }
            for product, of in counters.items()
        ]
        for batch in batched(puts, 25, strict=False):
            aws.dynamodb().batch_write_item(RequestItems={"InventoryTable": batch})

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
        """No stock and no reservation is another afterwards."""
        before = everything_in("InventoryTable", "ReservationsTable")
        yield
        assert everything_in("InventoryTable", "ReservationsTable") == before


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        environment.setenv("QUEUE_URL", "https://sqs.ap-southeast-1.amazonaws.com/123456789012/inventory")
        environment.setenv("DLQ_URL", "https://sqs.ap-southeast-1.amazonaws.com/123456789012/inventory-dlq")
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
