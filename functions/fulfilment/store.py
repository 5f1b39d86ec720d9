"""Shipments in DynamoDB, and the status of an order, which fulfilment reads."""

from collections.abc import Sequence
from functools import cache

from cloudretail import aws
from cloudretail.errors import Permanent
from cloudretail.outbox import Aggregate
from cloudretail.repository import DynamoDBRepository, batch_get
from cloudretail.settings import Settings, load
from fulfilment.domain import Shipment

SHIPMENTS = Aggregate("fulfilment", "orderId", Shipment)


class ShipmentSettings(Settings):
    """What every fulfilment function needs."""

    shipments_table: str


@cache
def open_shipments() -> DynamoDBRepository[Shipment]:
    """The repository of shipments, keyed by order id, by this function's environment."""
    return DynamoDBRepository(load(ShipmentSettings).shipments_table, SHIPMENTS)


def order_status(table: str, order_id: str) -> str:
    """The status of an order as it is now, by a consistent read.

    Raises:
        Permanent: there is no such order.
    """
    found = aws.dynamodb().get_item(
        TableName=table,
        Key={"orderId": {"S": order_id}},
        ProjectionExpression="#status",
        ExpressionAttributeNames={"#status": "status"},
        ConsistentRead=True,
    )
    if "Item" not in found:
        raise Permanent(f"there is no order {order_id}")
    return found["Item"]["status"]["S"]


def disputed_among(table: str, order_ids: Sequence[str]) -> frozenset[str]:
    """Those of these orders whose payment the shopper's bank disputes, at most 100."""
    if not order_ids:
        return frozenset()
    keys = [{"orderId": {"S": order_id}} for order_id in order_ids]
    found = batch_get({table: {"Keys": keys, "ProjectionExpression": "orderId, disputed"}})[table]
    return frozenset(item["orderId"] for item in found if item.get("disputed"))
