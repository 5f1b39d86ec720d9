"""What an order waits for, as far as the orders service knows: the key of the index that finds stuck orders. Pure.

An order is in the index from its first write until it waits for nothing any more. So stuck orders are found by a query,
however many orders there are. How long a wait may take is not decided here: the query asks for those that have waited
longer than a given time.
"""

import zlib
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from contract.values import CANCELLATION, DisputeOutcome, OrderStatus, PaymentMethod
from orders.returns import ReturnStatus

if TYPE_CHECKING:
    from orders.domain import Order

SHARDS = 2
"""Partitions of each kind of wait. A partition takes 1,000 writes a second, and each order is written a few times."""


class Waiting(StrEnum):
    """What an order waits for.

    STEP: for a consumer, which takes seconds; while it is RESERVED also for its shopper. TO_SHIP: for staff to ship its
    parcel. SHIPPED: for its carrier. RETURN: for what its shopper sends back. REFUND: for payments to give money back.
    """

    STEP = "STEP"
    TO_SHIP = "TO_SHIP"
    SHIPPED = "SHIPPED"
    RETURN = "RETURN"
    REFUND = "REFUND"

    @property
    def partitions(self) -> tuple[str, ...]:
        """All partitions of the index with orders that wait for this."""
        return tuple(f"{self}#{shard}" for shard in range(SHARDS))

    def partition_of(self, order_id: str) -> str:
        """The partition of the index that this order is in."""
        return self.partitions[zlib.crc32(order_id.encode()) % SHARDS]


def wait_of(order: "Order") -> tuple[Waiting, datetime] | None:
    """What an order waits for, and since when. Of several waits it is the most urgent one; None if there is none."""
    match order.status:
        case OrderStatus.PENDING | OrderStatus.RESERVED | OrderStatus.CANCELLING:
            return Waiting.STEP, _entered(order)
        case OrderStatus.CONFIRMED:
            return Waiting.TO_SHIP, _entered(order)
        case OrderStatus.SHIPPED:
            return Waiting.SHIPPED, _entered(order)
        case OrderStatus.DELIVERED:
            return _after_delivery(order)
        case OrderStatus.CANCELLED if order.payment_method is PaymentMethod.CARD and not _given_back(order):
            # Cash is collected on delivery, and a delivered order cannot be cancelled: so only card payments are here.
            return Waiting.REFUND, _entered(order)
        case _:
            return None


def _after_delivery(order: "Order") -> tuple[Waiting, datetime] | None:
    cash = order.payment_method is PaymentMethod.COD
    if cash and order.collected is None:
        return Waiting.STEP, _entered(order)
    refunded = _refunded(order)
    left = (order.collected or 0 if cash else order.total_amount) - sum(refunded.values())
    owed = [
        _last(order, "ReturnReceived", each.return_id)
        for each in order.returns
        if each.status is ReturnStatus.ACCEPTED and each.amount and each.return_id not in refunded
    ]
    if owed and left > 0:
        return Waiting.REFUND, min(owed)
    asked = [each.requested_at for each in order.returns if each.status is ReturnStatus.REQUESTED]
    return (Waiting.RETURN, min(asked)) if asked else None


def _entered(order: "Order") -> datetime:
    """When the order reached its present status."""
    first = order.history[-1]
    for step in reversed(order.history):
        if step.status is not order.status:
            break
        first = step
    return first.at


def _last(order: "Order", event: str, about: str) -> datetime:
    steps = (step.at for step in reversed(order.history) if (step.event, step.about) == (event, about))
    return next(steps, order.history[-1].at)


def _given_back(order: "Order") -> bool:
    """Whether a cancelled order's money is back with its shopper, by a refund or by their bank."""
    refunded = _refunded(order)
    return CANCELLATION in refunded or sum(refunded.values()) >= order.total_amount


def _refunded(order: "Order") -> dict[str, int]:
    """Minor units that the shopper has back, by the id of the refund or of the lost dispute."""
    failed = {step.about for step in order.history if step.event == "PaymentRefundFailed"}
    given = [
        step
        for step in order.history
        if (step.event == "PaymentRefunded" and (step.reference or step.about not in failed))
        or (step.event == "PaymentDisputeClosed" and step.reason == DisputeOutcome.LOST)
    ]
    return {str(step.about): step.amount.amount if step.amount else 0 for step in given}
