"""The contract on the bus: every event that the shop publishes, with its explicit name and version.

A name is a constant and is never derived from a class, so that renaming a class does not change the contract. Version 2
of an event is published beside version 1 until no consumer subscribes to the old one.
"""

from cloudretail.envelope import Event, by_type
from cloudretail.envelope import parse as _parse
from cloudretail.event import EventData
from contract import auth, fulfilment, inventory, notifications, orders, payments

EVENTS: tuple[type[EventData], ...] = tuple(
    event
    for service in (orders, inventory, payments, fulfilment, notifications, auth)
    for event in vars(service).values()
    if isinstance(event, type) and issubclass(event, EventData) and "event_type" in vars(event)
)
"""All events, service by service, in the order of their declaration."""

BY_TYPE = by_type(EVENTS)
"""All events by their CloudEvents type."""


def parse(document: str) -> Event:
    """Parse any event of the shop; raises as `cloudretail.envelope.parse`."""
    return _parse(document, BY_TYPE)
