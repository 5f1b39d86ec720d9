"""Goods received: each delivery is counted once, however often it is reported."""

from typing import Any

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.errors import Contention, NotFound
from cloudretail.model import Model
from cloudretail.repository import MAX_TRIES, pause_before_retry
from cloudretail.settings import Settings
from inventory.domain import Receipt


class ReceiptSettings(Settings):
    """What the inventory's API needs."""

    inventory_table: str
    products_table: str
    receipts_table: str


class Stock(Model):
    """The counters of a product: available + reserved + sold = received, always."""

    product_id: str
    available: int
    reserved: int
    sold: int
    received: int


class Warehouse:
    """Stock, and what was received into it.

    Args:
        settings: the tables.
    """

    def __init__(self, settings: ReceiptSettings) -> None:
        self._settings = settings

    def stock(self, product_id: str) -> Stock | None:
        """The counters as they are now; None for what was never received."""
        found = aws.dynamodb().get_item(
            TableName=self._settings.inventory_table, Key={"productId": {"S": product_id}}, ConsistentRead=True
        )
        if "Item" not in found:
            return None
        row = dynamodb.from_item(found["Item"])
        return Stock(
            product_id=product_id,
            available=row["availableQty"],
            reserved=row["reservedQty"],
            sold=row["soldQty"],
            received=row["receivedQty"],
        )

    def receive(self, receipt: Receipt) -> Receipt:
        """Record a receipt and count it, both or neither.

        Returns:
            The receipt of this id: `receipt` itself, or the one that was recorded before and is counted already.

        Raises:
            NotFound: the catalogue has no such product.
            Contention: reservations of the same product were in the way again and again.
        """
        transaction: list[Any] = [
            {"Put": self._recorded(receipt)},
            {"ConditionCheck": self._known(receipt)},
            {"Update": self._counted(receipt)},
        ]
        for attempt in range(MAX_TRIES):
            try:
                aws.dynamodb().transact_write_items(TransactItems=transaction)
            except ClientError as error:
                recorded, known = _conditions(error)
                if recorded:
                    return Receipt.model_validate(dynamodb.from_item(recorded))
                if not known:
                    raise NotFound("product") from None
                if not dynamodb.is_transient(error):
                    raise
                pause_before_retry(attempt)
            else:
                return receipt
        raise Contention(f"{receipt.product_id}: other writes were in the way")

    def _recorded(self, receipt: Receipt) -> dict[str, object]:
        return {
            "TableName": self._settings.receipts_table,
            "Item": dynamodb.to_item(receipt.model_dump(mode="json")),
            "ConditionExpression": "attribute_not_exists(receiptId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _known(self, receipt: Receipt) -> dict[str, object]:
        return {
            "TableName": self._settings.products_table,
            "Key": {"productId": {"S": receipt.product_id}},
            "ConditionExpression": "attribute_exists(productId)",
        }

    def _counted(self, receipt: Receipt) -> dict[str, object]:
        return {
            "TableName": self._settings.inventory_table,
            "Key": {"productId": {"S": receipt.product_id}},
            "UpdateExpression": "SET availableQty = if_not_exists(availableQty, :none) + :quantity"
            ", receivedQty = if_not_exists(receivedQty, :none) + :quantity"
            ", reservedQty = if_not_exists(reservedQty, :none)"
            ", soldQty = if_not_exists(soldQty, :none)"
            ", updatedAt = :at",
            "ExpressionAttributeValues": dynamodb.to_item(
                {":none": 0, ":quantity": receipt.quantity, ":at": receipt.at.isoformat()}
            ),
        }


def _conditions(error: ClientError) -> tuple[dict[str, Any] | None, bool]:
    """The item of a receipt of this id that was there already, and whether the product is known.

    Both as far as the transaction was cancelled for one of these conditions: None and True for any other failure.
    """
    recorded, known, *_ = dynamodb.cancellation_reasons(error) or ({}, {})
    failed = dynamodb.CONDITION_FAILED
    return recorded["Item"] if recorded.get("Code") == failed else None, known.get("Code") != failed
