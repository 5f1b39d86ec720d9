"""The contract on the bus: every event that the shop publishes, by its explicit name and version.

A name is a constant, never derived from a class: renaming a class must not rename a contract. Version 2 of an event
stands beside version 1 until nobody consumes the old one.
"""

from cloudretail.envelope import Event, by_type
from cloudretail.envelope import parse as _parse
from cloudretail.event import EventData
from contract import fulfilment, inventory, notifications, orders, payments

EVENTS: tuple[type[EventData], ...] = tuple(
    event
    for service in (orders, inventory, payments, fulfilment, notifications)
    for event in vars(service).values()
    if isinstance(event, type) and issubclass(event, EventData) and "event_type" in vars(event)
)
"""All events, in the order in which their services declare them."""

BY_TYPE = by_type(EVENTS)
"""All events by their CloudEvents type."""


def parse(document: str) -> Event:
    """Read any event of the shop; raises as `cloudretail.envelope.parse`."""
    return _parse(document, BY_TYPE)
