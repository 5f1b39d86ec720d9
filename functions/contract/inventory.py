"""The events that inventory publishes."""

from datetime import datetime

from cloudretail.event import EventType
from contract.values import InspectedLine, OrderEvent, RefusalReason, ReturnId, Shortage, StockLine


class InventoryReserved(OrderEvent):
    """All lines of the order are reserved."""

    event_type = EventType("inventory", "InventoryReserved")

    lines: tuple[StockLine, ...]
    until: datetime


class InventoryReservationFailed(OrderEvent):
    """No line of the order is reserved."""

    event_type = EventType("inventory", "InventoryReservationFailed")

    reason: RefusalReason
    shortages: tuple[Shortage, ...] = ()


class InventoryReleased(OrderEvent):
    """What was reserved or sold for the order is available again, except what is written off."""

    event_type = EventType("inventory", "InventoryReleased")

    lines: tuple[StockLine, ...]
    written_off: tuple[StockLine, ...] = ()


class InventoryCommitted(OrderEvent):
    """What was reserved for the order is sold."""

    event_type = EventType("inventory", "InventoryCommitted")

    lines: tuple[StockLine, ...]


class InventoryRestocked(OrderEvent):
    """The pieces of a return are available again, or written off."""

    event_type = EventType("inventory", "InventoryRestocked")

    return_id: ReturnId
    lines: tuple[InspectedLine, ...]
