from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

import cloudretail.repository
import orders.store
from cloudretail import aws, dynamodb
from cloudretail.outbox import Row
from orders import api, reactions
from orders.domain import Order, PlaceOrder
from orders.store import ORDERS, RATES
from tests.support.http import Answer, call
from tests.support.invocations import SHOPPER_CLAIMS
from tests.support.rates import FREE, PHONE
from tests.support.tables import empty, everything_in, shop_tables
from tests.support.wire import Wire

TABLES = (
    "RatesTable",
    "OrdersTable",
    "LimitsTable",
    "AddressesTable",
    "CartTable",
    "ProductsTable",
    "InventoryTable",
    "FailuresTable",
)
ADDRESS = {"name": "A Shopper", "line1": "1 Main Street", "city": "Singapore", "postalCode": "049315"}
ADDRESS |= {"country": "SG", "phone": PHONE}


def command(cart_version: int, total: int) -> PlaceOrder:
    """A checkout with so many minor units for everything."""
    return PlaceOrder.model_validate(
        {
            "shippingAddress": ADDRESS,
            "shippingMethod": "standard",
            "total": {"amount": total, "currency": "SGD"},
            "cartVersion": cart_version,
        }
    )


class Shop:
    """The orders service over real tables, and what the other services have written."""

    def __init__(self) -> None:
        self._total = 0

    def sells(
        self, product_id: str, *, price: int = 1990, available: int = 10, currency: str = "SGD", listed: bool = True
    ) -> None:
        money = {"amount": price, "currency": currency}
        product = {"productId": product_id, "name": product_id.title(), "price": money, "listed": listed}
        stock = {"productId": product_id, "availableQty": available, "reservedQty": 0, "soldQty": 0}
        self.put("ProductsTable", product)
        self.put("InventoryTable", stock | {"receivedQty": available})

    def fills_a_cart(self, *lines: tuple[str, int], version: int = 3, price: int = 1990, user: str = "user-1") -> None:
        """Write the cart's row as the cart service does; each product at `price`."""
        items = [
            {
                "productId": product_id,
                "name": product_id.title(),
                "quantity": quantity,
                "unitPrice": {"amount": price, "currency": "SGD"},
            }
            for product_id, quantity in lines
        ]
        self.put("CartTable", {"userId": user, "items": items, "version": version, "mergeIds": []})

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        aws.dynamodb().put_item(TableName=table, Item=dynamodb.to_item(item))

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [dynamodb.from_item(item) for item in everything_in(table)[table]]

    def orders(self) -> list[Row[Order]]:
        return [ORDERS.from_item(item) for item in self.rows("OrdersTable")]

    def cart(self, user: str = "user-1") -> dict[str, Any]:
        return next(row for row in self.rows("CartTable") if row["userId"] == user)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nothing in any table is another afterwards."""
        before = everything_in(*TABLES)
        yield
        assert everything_in(*TABLES) == before

    def call(
        self,
        method: str,
        path: str = "",
        body: object = None,
        *,
        claims: Mapping[str, str] | None = SHOPPER_CLAIMS,
        **request: Any,
    ) -> Answer:
        return call(api.handler, method, f"/api/orders{path}", body, claims=claims, **request)

    def checks_out(
        self, key: str = "key-1", *, version: int = 3, claims: Mapping[str, str] | None = SHOPPER_CLAIMS, **fields: Any
    ) -> Answer:
        carts = [row for row in self.rows("CartTable") if claims and row["userId"] == claims["sub"]]
        sum_ = sum(line["quantity"] * line["unitPrice"]["amount"] for cart in carts for line in cart["items"])
        # A repetition is of the same page, whatever has become of the cart.
        self._total = sum_ or self._total
        known = {"shippingAddress": ADDRESS, "shippingMethod": "standard", "cartVersion": version}
        body = {**known, "total": {"amount": self._total, "currency": "SGD"}, **fields}
        return self.call("POST", body=body, headers={"Idempotency-Key": key}, claims=claims)

    def has_an_order(self, key: str = "key-1", *, claims: Mapping[str, str] = SHOPPER_CLAIMS) -> str:
        """Have an order placed, of two bags, and say its id."""
        self.sells("bag")
        self.fills_a_cart(("bag", 2), user=claims["sub"])
        answer = self.checks_out(key, claims=claims)
        assert answer.status == 202
        return str(answer.body["orderId"])


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        environment.setenv("CURRENCY", "SGD")
        environment.setenv("EVENT_BUS_NAME", "default")
        environment.setenv("RETURN_DAYS", "30")
        environment.setenv("RETURN_SHIPPING", "true")
        environment.setenv("QUEUE_URL", "https://sqs.ap-southeast-1.amazonaws.com/123456789012/orders")
        environment.setenv("DLQ_URL", "https://sqs.ap-southeast-1.amazonaws.com/123456789012/orders-dlq")
        for name, value in {"ORDERS": "10", "PIECES": "200", "CASH": "100000"}.items():
            environment.setenv(f"OPEN_{name}_LIMIT", value)
        for cached in (api._settings, api._address_books, reactions._orders):
            cached.cache_clear()
        yield


@pytest.fixture
def shop(account: None, monkeypatch: pytest.MonkeyPatch) -> Shop:
    empty(*TABLES)
    item = RATES.to_item(Row(FREE, 1))
    aws.dynamodb().put_item(TableName="RatesTable", Item=dynamodb.to_item(item))
    for module in (orders.store, cloudretail.repository):
        monkeypatch.setattr(module, "pause_before_retry", lambda attempt: None)
    return Shop()


@pytest.fixture
def wire(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)
