"""One event of each type, as a shop with two products would tell them of its first order."""

from datetime import UTC, datetime
from typing import Any

from cloudretail.envelope import Cause, Event
from cloudretail.event import EventData
from cloudretail.money import Money
from contract.inventory import InventoryCommitted, InventoryReleased, InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected
from contract.payments import (
    PaymentDeclined,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSubmitted,
    PaymentSucceeded,
    RefundRequested,
)
from contract.values import (
    CancelReason,
    OrderEvent,
    OrderItem,
    PaymentFailure,
    PaymentMethod,
    RefusalReason,
    Shortage,
    StockLine,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CAUSE = Cause("request-1", TRACEPARENT)


def sgd(amount: int) -> Money:
    return Money(amount=amount, currency="SGD")


ORDER: dict[str, Any] = {
    "order_id": "ord_3f5xk2m7qa2b4c6d",
    "user_id": "user-1",
    "user_email": "shopper@cloudretail.example",
    "items": (
        OrderItem(product_id="canvas-backpack", name="Canvas backpack", quantity=2, unit_price=sgd(5990)),
        OrderItem(product_id="desk-lamp", name="Desk lamp", quantity=1, unit_price=sgd(3450)),
    ),
    "total": sgd(15430),
}
PAYMENT: dict[str, Any] = {"order_id": ORDER["order_id"], "payment_id": "pay_3f5xk2m7qa2b4c6d"}
_STOCK: dict[str, Any] = {
    "order_id": ORDER["order_id"],
    "lines": tuple(StockLine(product_id=item.product_id, quantity=item.quantity) for item in ORDER["items"]),
}
_SOLD_OUT: dict[str, Any] = {
    "reason": RefusalReason.SOLD_OUT,
    "shortages": (Shortage(product_id="canvas-backpack", requested=2, available=1),),
}
_CARD: dict[str, Any] = {"amount": ORDER["total"], "method": PaymentMethod.CARD}

EXAMPLES: tuple[OrderEvent, ...] = (
    OrderPlaced(**ORDER, placed_at=NOW, place_by=NOW.replace(day=3)),
    OrderConfirmed(**ORDER, payment_method=PaymentMethod.CARD),
    OrderRejected(**ORDER, **_SOLD_OUT),
    OrderCancelled(**ORDER, reason=CancelReason.BY_SHOPPER),
    InventoryReserved(**_STOCK, until=NOW.replace(minute=19)),
    InventoryReservationFailed(order_id=ORDER["order_id"], **_SOLD_OUT),
    InventoryReleased(**_STOCK),
    InventoryCommitted(**_STOCK),
    PaymentSubmitted(**PAYMENT, **_CARD, attempt=1),
    PaymentSucceeded(**PAYMENT, **_CARD, attempt=1),
    PaymentDeclined(**PAYMENT, attempt=1, max_attempts=3, reason="card_declined"),
    PaymentFailed(**PAYMENT, reason=PaymentFailure.DECLINED),
    RefundRequested(**PAYMENT, **_CARD, attempt=1),
    PaymentRefunded(**PAYMENT, **_CARD, user_email=ORDER["user_email"]),
    PaymentRefundFailed(**PAYMENT, **_CARD, user_email=ORDER["user_email"], reason="account closed"),
)


def event_of(data: EventData, id: str = "orders:ord_3f5xk2m7qa2b4c6d:1:0") -> Event:
    """An event around `data`, as its producer sends it."""
    return Event(id, NOW, CAUSE.id, TRACEPARENT, data)


def name_of(data: EventData) -> str:
    """For the names of parametrized tests."""
    return data.event_type.name
