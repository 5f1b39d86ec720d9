"""Orders as inventory hears of them."""

from datetime import timedelta
from typing import Any

from cloudretail.consumer import Delivery
from cloudretail.decider import Context
from cloudretail.envelope import Event
from cloudretail.event import EventData
from cloudretail.outbox import Row
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced
from contract.values import CancelReason, PaymentMethod
from inventory.domain import Reservation, StockChange, decide, message_of
from inventory.store import Write
from tests.support.examples import CAUSE, NOW, event_of, sgd
from tests.unit.inventory.conftest import WINDOW


def _order(order_id: str, quantities: dict[str, int]) -> dict[str, Any]:
    items = [
        {"product_id": product, "name": product, "quantity": quantity, "unit_price": sgd(100)}
        for product, quantity in quantities.items()
    ]
    return {
        "order_id": order_id,
        "user_id": "user-1",
        "user_email": "shopper@cloudretail.example",
        "items": items,
        "total": sgd(100 * sum(quantities.values())),
    }


def placed(order_id: str, **quantities: int) -> Event:
    """Someone ordered these quantities, by product."""
    data = OrderPlaced(**_order(order_id, quantities), placed_at=NOW, place_by=NOW + timedelta(days=365_000))
    return event_of(data, f"orders:{order_id}:1:0")


def expired(order_id: str, **quantities: int) -> Event:
    data = OrderPlaced(**_order(order_id, quantities), placed_at=NOW, place_by=NOW - timedelta(days=1))
    return event_of(data, f"orders:{order_id}:1:0")


def confirmed(order_id: str, **quantities: int) -> Event:
    data = OrderConfirmed(**_order(order_id, quantities), payment_method=PaymentMethod.CARD)
    return event_of(data, f"orders:{order_id}:2:0")


def called_off(order_id: str, **quantities: int) -> Event:
    data = OrderCancelled(**_order(order_id, quantities), reason=CancelReason.BY_SHOPPER)
    return event_of(data, f"orders:{order_id}:3:0")


def delivered(*events: Event) -> list[Delivery]:
    return [Delivery(event, 1) for event in events]


def decided(event: Event, read: Row[Reservation] | None = None) -> Write:
    """The write that inventory's rule makes of an event."""
    data: EventData = event.data
    change = decide(read.state if read else None, message_of(data, WINDOW), Context(data.subject, event.id, NOW))
    assert isinstance(change, StockChange)
    return Write(data.subject, read, change, CAUSE)
