from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import cloudretail.repository
from cloudretail import aws, dynamodb
from cloudretail.decider import Change
from cloudretail.outbox import Row
from cloudretail.repository import DynamoDBRepository
from payments import api, worker
from payments.domain import Payment
from payments.store import PAYMENTS, open_payments
from tests.support.examples import CAUSE, NOW, PAYMENT
from tests.support.tables import empty, everything_in, shop_tables
from tests.support.wire import Wire

TABLES = ("PaymentsTable", "OrdersTable", "SandboxChargesTable", "FailuresTable", "AttemptsTable")

ROWS = tuple(table for table in TABLES if table != "AttemptsTable")
"""What only a success changes."""

SETTINGS = (api._settings, open_payments, worker._settings, worker._gateways, worker._guarded)
"""What the functions keep of their environment."""


class Till:
    """The payments service's tables, and the orders that its API looks at."""

    def __init__(self) -> None:
        self.payments: DynamoDBRepository[Payment] = DynamoDBRepository("PaymentsTable", PAYMENTS)

    def has(self, payment: Payment) -> Row[Payment]:
        """A payment has come to this state somehow."""
        read = self.payments.load(payment.payment_id)
        return self.payments.commit(payment.payment_id, read, Change(payment), CAUSE, NOW)

    @property
    def row(self) -> Row[Payment]:
        """The payment of the examples' order."""
        row = self.payments.load(PAYMENT["payment_id"])
        assert row
        return row

    def has_order(self, order_id: str, status: str, user: str = "user-1", **more: Any) -> None:
        """Write what payments reads of an order, as the orders service does."""
        order = {"orderId": order_id, "userId": user, "status": status, "totalAmount": 15430, "currency": "SGD"}
        order |= more
        aws.dynamodb().put_item(TableName="OrdersTable", Item=dynamodb.to_item(order))

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [dynamodb.from_item(item) for item in everything_in(table)[table]]

    def charges(self) -> dict[str, str]:
        """What the sandbox remembers: the outcome by key; "" where it was only called."""
        return {row["chargeKey"]: row.get("outcome", "") for row in self.rows("SandboxChargesTable")}

    @contextmanager
    def unchanged(self, *tables: str) -> Iterator[None]:
        """Nothing in these tables (if none is named, in any) is another afterwards."""
        before = everything_in(*(tables or ROWS))
        yield
        assert everything_in(*(tables or ROWS)) == before


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        environment.setenv("QUEUE_URL", "https://sqs.ap-southeast-1.amazonaws.com/123456789012/payments")
        environment.setenv("DLQ_URL", "https://sqs.ap-southeast-1.amazonaws.com/123456789012/payments-dlq")
        environment.setenv("STAGE", "local")
        environment.setenv("CARD_LIMIT", "10/20/3600")
        environment.setenv("CARD_GATEWAY", "sandbox")
        for cached in SETTINGS:
            cached.cache_clear()
        yield


@pytest.fixture
def till(account: None, monkeypatch: pytest.MonkeyPatch) -> Till:
    empty(*TABLES)
    monkeypatch.setattr(cloudretail.repository, "pause_before_retry", lambda attempt: None)
    return Till()


@pytest.fixture
def wire(till: Till, monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)
