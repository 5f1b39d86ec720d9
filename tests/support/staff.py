"""Staff at a running shop. They act by the use cases themselves, on the shop's own tables."""

import uuid
from datetime import UTC, datetime
from typing import Any

from cloudretail.decider import Context, Decision
from cloudretail.envelope import Cause
from cloudretail.errors import NotFound
from cloudretail.outbox import Aggregate
from cloudretail.repository import DynamoDBRepository, transact
from fulfilment import commands
from fulfilment.domain import Command
from fulfilment.store import SHIPMENTS, order_status
from payments.domain import Payment, RefundPaid, decide, payment_id_of
from payments.store import PAYMENTS
from retail_ops.stack.shop import Shop
from tests.support.examples import TRACEPARENT
from tests.support.shoppers import eventually

BY = "a-member-of-staff"


class Staff:
    """Who packs, ships, takes back and pays by hand.

    Args:
        shop: a running one, whose emulator this process' AWS clients reach.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def does(self, order_id: str, command: Command) -> None:
        """Do something with the parcel or a return of an order, once fulfilment has received that there is one."""
        ports = commands.Ports(self._rows("ShipmentsTable", SHIPMENTS), self._order_status)

        def done() -> bool:
            try:
                commands.handle(ports, order_id, command, BY, _cause(), datetime.now(UTC))
            except NotFound:
                return False
            return True

        eventually(done)

    def pays_back(self, order_id: str, refund_id: str, reference: str) -> None:
        """Pay a refund by hand."""
        now = datetime.now(UTC)

        def paid(payment: Payment | None) -> Decision[Payment]:
            return decide(payment, RefundPaid(refund_id, reference, BY), Context(order_id, "by-hand", now))

        transact(self._rows("PaymentsTable", PAYMENTS), payment_id_of(order_id), paid, _cause(), now)

    def _rows(self, table: str, aggregate: Aggregate[Any]) -> DynamoDBRepository[Any]:
        return DynamoDBRepository(self._shop.tables[table], aggregate)

    def _order_status(self, order_id: str) -> str:
        return order_status(self._shop.tables["OrdersTable"], order_id)


def _cause() -> Cause:
    return Cause(f"request-{uuid.uuid4().hex}", TRACEPARENT)
