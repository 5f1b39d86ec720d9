from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import cloudretail.repository
from cloudretail import aws, dynamodb
from cloudretail.decider import Change, Context
from cloudretail.event import EventData
from cloudretail.outbox import Row
from cloudretail.repository import DynamoDBRepository
from contract.orders import CancellationRequested, OrderConfirmed, ReturnRequested, ReturnWithdrawn
from contract.values import PaymentMethod, StockLine
from fulfilment import api
from fulfilment.domain import Shipment, decide
from fulfilment.store import SHIPMENTS, open_shipments
from tests.support.examples import CAUSE, NOW, ORDER, VALUES, example_of
from tests.support.http import Answer, call
from tests.support.invocations import STAFF_CLAIMS
from tests.support.tables import empty, everything_in, shop_tables
from tests.support.wire import Wire

ORDER_ID, RETURN_ID = str(ORDER["order_id"]), str(VALUES["return_id"])

TABLES = ("ShipmentsTable", "OrdersTable")

SETTINGS = (api._settings, open_shipments)
"""What the function keeps of its environment."""


class Depot:
    """The fulfilment service's table, what the other services have written, and its API."""

    def __init__(self) -> None:
        self.shipments: DynamoDBRepository[Shipment] = DynamoDBRepository("ShipmentsTable", SHIPMENTS)

    def hears(self, *events: EventData, order_id: str = ORDER_ID, hour: int = 3) -> None:
        """These events reach the shipment of their order, at this hour."""
        for event in events:
            read, now = self.shipments.load(order_id), NOW.replace(hour=hour)
            change = decide(read.state if read else None, event, Context(order_id, "event-1", now))
            assert isinstance(change, Change)
            self.shipments.commit(order_id, read, change, CAUSE, now)

    def confirms(self, order_id: str = ORDER_ID, *, cash: bool = False, hour: int = 3) -> None:
        """An order is confirmed: two backpacks and a lamp, 154.30 in all."""
        method = PaymentMethod.COD if cash else PaymentMethod.CARD
        self.orders_has(order_id, "CONFIRMED")
        self.hears(
            example_of(OrderConfirmed, {**VALUES, "order_id": order_id, "payment_method": method}),
            order_id=order_id,
            hour=hour,
        )

    def orders_has(self, order_id: str, status: str) -> None:
        """Write what fulfilment reads of an order, as the orders service does."""
        aws.dynamodb().put_item(
            TableName="OrdersTable", Item=dynamodb.to_item({"orderId": order_id, "status": status, "userId": "user-1"})
        )

    def is_asked_to_cancel(self) -> None:
        """The request to cancel has arrived."""
        self.orders_has(ORDER_ID, "CANCELLING")
        self.hears(example_of(CancellationRequested))

    def announces_a_return(self, quantity: int = 1, return_id: str = RETURN_ID) -> None:
        """The shopper sends backpacks back."""
        self.hears(example_of(ReturnRequested, self._return(quantity, return_id)))

    def withdraws_the_return(self, quantity: int = 1) -> None:
        self.hears(example_of(ReturnWithdrawn, self._return(quantity, RETURN_ID)))

    def _return(self, quantity: int, return_id: str) -> dict[str, Any]:
        lines = (StockLine(product_id="canvas-backpack", quantity=quantity),)
        return {**VALUES, "return_id": return_id, "lines": lines}

    def row(self, order_id: str = ORDER_ID) -> Row[Shipment]:
        row = self.shipments.load(order_id)
        assert row
        return row

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nothing in any table is another afterwards."""
        before = everything_in(*TABLES)
        yield
        assert everything_in(*TABLES) == before

    def does(self, action: str, body: object = None, *, order_id: str = ORDER_ID, **request: Any) -> Answer:
        """Do something as staff; `action` is the end of the route."""
        return self.call("POST", f"/orders/{order_id}/{action}", body, **request)

    def call(self, method: str, path: str, body: object = None, **request: Any) -> Answer:
        return call(api.handler, method, f"/api/admin{path}", body, **({"claims": STAFF_CLAIMS} | request))


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        for cached in SETTINGS:
            cached.cache_clear()
        yield


@pytest.fixture
def depot(account: None, monkeypatch: pytest.MonkeyPatch) -> Depot:
    empty(*TABLES)
    monkeypatch.setattr(cloudretail.repository, "pause_before_retry", lambda attempt: None)
    return Depot()


@pytest.fixture
def wire(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)
