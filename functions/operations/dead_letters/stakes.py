"""The customers and values of dead letters' orders. They are read once, when a dead letter is collected."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from cloudretail.money import Money
from cloudretail.repository import batch_get
from operations.dead_letters.domain import Stake

MAX_ORDER_ID = 64
"""Characters of an order id that is looked up; an invalid message may have any text there."""


class Stakes(Protocol):
    """Reads the stakes of orders."""

    def of(self, order_ids: Collection[str]) -> Mapping[str, Stake]:
        """The stakes of at most 100 orders, by id. Orders that do not exist are left out."""
        ...


class DynamoDBStakes:
    """Stakes from the orders' table.

    Args:
        table: its name.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def of(self, order_ids: Collection[str]) -> Mapping[str, Stake]:
        wanted = [{"orderId": {"S": each}} for each in sorted(order_ids) if len(each) <= MAX_ORDER_ID]
        if not wanted:
            return {}
        asked: dict[str, Any] = {"Keys": wanted, "ProjectionExpression": "orderId, userId, totalAmount, currency"}
        found = batch_get({self._table: asked})[self._table]
        return {
            item["orderId"]: Stake(
                user_id=item["userId"], total=Money(amount=item["totalAmount"], currency=item["currency"])
            )
            for item in found
        }
