"""What an operator can ask of inventory: over a port, without HTTP."""

from datetime import datetime
from typing import Protocol

from cloudretail.errors import InvalidInput
from inventory.domain import Receipt


class Receipts(Protocol):
    """Goods received, and the counters that they raise."""

    def receive(self, receipt: Receipt) -> Receipt:
        """Record a receipt and count it, both or neither.

        Returns:
            The receipt of this id: `receipt` itself, or the one that was recorded before and is counted already.

        Raises:
            NotFound: the catalogue has no such product.
            Contention: reservations of the same product were in the way again and again.
        """
        ...


def receive_goods(receipts: Receipts, product_id: str, key: str, quantity: int, by: str, now: datetime) -> Receipt:
    """Count goods that have arrived, once for each key.

    Args:
        receipts: where they are recorded.
        product_id: of the goods.
        key: chosen by the client, one for each delivery.
        quantity: units.
        by: user id of the operator.
        now: aware.

    Returns:
        The receipt: recorded now, or before.

    Raises:
        InvalidInput: the key was used for another quantity.
        NotFound: the catalogue has no such product.
        Contention: as the port.
    """
    receipt = receipts.receive(
        Receipt(receipt_id=f"{product_id}#{key}", product_id=product_id, quantity=quantity, by=by, at=now)
    )
    if receipt.quantity != quantity:
        raise InvalidInput(
            "Idempotency-Key",
            "was used for another receipt",
            type="idempotency-key-reused",
            detail=f"This Idempotency-Key was used for {receipt.quantity} units.",
        )
    return receipt
