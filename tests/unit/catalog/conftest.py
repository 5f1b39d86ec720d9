from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from catalog import api, images
from cloudretail import aws, dynamodb
from tests.support.http import Answer, call
from tests.support.invocations import STAFF_CLAIMS, Context, http_event
from tests.support.tables import empty, items_of, shop_tables
from tests.support.wire import Wire

BUCKET = "images"
QUEUE = "catalog-images"
TABLES = ("ProductsTable", "ProductChangesTable", "InventoryTable", "FailuresTable")


class Clock:
    """Wall time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_767_225_600.0

    def __call__(self) -> float:
        return self.now


class Shop:
    """The catalogue's API and its picture consumer over real tables, bucket and queue."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def has(self, product_id: str, *, available: int | None = 1, **attributes: Any) -> None:
        product = {
            "productId": product_id,
            "name": product_id.title(),
            "description": "",
            "category": "Bags",
            "price": {"amount": 1990, "currency": "SGD"},
            "images": [],
            "pictures": {},
            "listed": True,
            "released": True,
            "version": 1,
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z",
            **attributes,
        }
        aws.dynamodb().put_item(TableName="ProductsTable", Item=dynamodb.to_item(product))
        if available is not None:
            self.has_in_stock(product_id, available)

    def has_in_stock(self, product_id: str, available: int) -> None:
        item = dynamodb.to_item({"productId": product_id, "availableQty": available})
        aws.dynamodb().put_item(TableName="InventoryTable", Item=item)

    def page(self, **query: str) -> Answer:
        return call(api.handler, "GET", "/api/products", query=query)

    def ids(self, **query: str) -> list[str]:
        answer = self.page(**query)
        assert answer.status == 200, answer.body
        return [item["productId"] for item in answer.body["items"]]

    def pages(self, **query: str) -> Iterator[list[str]]:
        cursor: dict[str, str] = {}
        while True:
            answer = self.page(**query, **cursor)
            assert answer.status == 200, answer.body
            yield [item["productId"] for item in answer.body["items"]]
            if answer.body["nextCursor"] is None:
                return
            cursor = {"cursor": answer.body["nextCursor"]}

    def get(self, path: str) -> Answer:
        return call(api.handler, "GET", f"/api{path}")

    def page_at(self, path: str, method: str = "GET", **query: str) -> dict[str, Any]:
        """A page for browsers, as the gateway gets it."""
        event = http_event(method, path, body=None, claims=None, query=query)
        return api.handler(event, cast(LambdaContext, Context()))

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw_body: str | None = None,
        claims: Mapping[str, str] | None = STAFF_CLAIMS,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        return call(api.handler, method, f"/api{path}", body, raw_body=raw_body, claims=claims, query=query)

    def staff_page(self, **query: str) -> Answer:
        answer = self.send("GET", "/admin/products", query=query)
        assert answer.status == 200, answer.body
        return answer

    def consumes(self, event: dict[str, Any]) -> list[str]:
        """Deliver a batch; returns the ids of the messages that failed."""
        answer = images.handler(event, cast(LambdaContext, Context()))
        return [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    def changes(self, product_id: str) -> list[dict[str, Any]]:
        """What staff did to a product, the newest first."""
        answer = self.send("GET", f"/admin/products/{product_id}/changes")
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.body["items"]
        return found

    @property
    def products(self) -> list[dict[str, Any]]:
        return [dynamodb.from_item(item) for item in items_of("ProductsTable")]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [dynamodb.from_item(item) for item in items_of("FailuresTable")]


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        environment.setenv("CURRENCY", "SGD")
        environment.setenv("IMAGES_BUCKET", BUCKET)
        environment.setenv("STOREFRONT_BUCKET", "storefront")
        environment.setenv("STOREFRONT_URL", "https://shop.example")
        environment.setenv("CHANGES_TABLE", "ProductChangesTable")
        yield


@pytest.fixture
def shop(account: None, monkeypatch: pytest.MonkeyPatch) -> Shop:
    empty(*TABLES)
    clock = Clock()
    for cached in (api._settings, api._catalogue, api._pictures, api._storefront, images._settings):
        cached.cache_clear()
    monkeypatch.setattr(api._catalogue(), "_clock", clock)
    return Shop(clock)


@pytest.fixture
def wire(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)
