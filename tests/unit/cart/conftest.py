from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from cart import api
from cloudretail import aws, dynamodb
from tests.support.http import Answer, call
from tests.support.invocations import SHOPPER_CLAIMS
from tests.support.tables import empty, items_of, shop_tables

TABLES = ("CartTable", "ProductsTable", "InventoryTable")


class Shop:
    """The cart's API over real tables, and what is for sale."""

    def sells(
        self, product_id: str, *, price: int = 1990, available: int = 10, name: str = "", currency: str = "SGD"
    ) -> None:
        item = {
            "productId": product_id,
            "name": name or product_id.title(),
            "description": "",
            "category": "Bags",
            "price": {"amount": price, "currency": currency},
            "listed": True,
            "createdAt": "2026-01-01T00:00:00Z",
        }
        aws.dynamodb().put_item(TableName="ProductsTable", Item=dynamodb.to_item(item))
        self.has_in_stock(product_id, available)

    def has_in_stock(self, product_id: str, available: int) -> None:
        counters = {"availableQty": available, "reservedQty": 0, "soldQty": 0, "receivedQty": available}
        aws.dynamodb().put_item(
            TableName="InventoryTable", Item=dynamodb.to_item({"productId": product_id, **counters})
        )

    def no_longer_sells(self, product_id: str) -> None:
        """Staff have unlisted it."""
        aws.dynamodb().update_item(
            TableName="ProductsTable",
            Key={"productId": {"S": product_id}},
            UpdateExpression="SET listed = :no",
            ExpressionAttributeValues={":no": {"BOOL": False}},
        )

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw_body: str | None = None,
        claims: Mapping[str, str] | None = SHOPPER_CLAIMS,
    ) -> Answer:
        return call(api.handler, method, f"/api/cart{path}", body, raw_body=raw_body, claims=claims)

    def put(self, product_id: str, quantity: int) -> Answer:
        return self.call("PUT", f"/items/{product_id}", {"quantity": quantity})

    @contextmanager
    def selling_in(self, currency: str) -> Iterator[None]:
        """Deployed with another currency."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("CURRENCY", currency)
            api._settings.cache_clear()
            yield
        api._settings.cache_clear()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [dynamodb.from_item(item) for item in items_of("CartTable")]


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        environment.setenv("CURRENCY", "SGD")
        api._settings.cache_clear()
        api._carts.cache_clear()
        yield


@pytest.fixture
def shop(account: None) -> Shop:
    empty(*TABLES)
    return Shop()
