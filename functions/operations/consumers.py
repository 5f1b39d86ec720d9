"""Every consumer of the shop: the only list in Python. Everything else about a consumer is derived from it.

The template's list is the parameter `Consumers`; a test compares the two.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from auth import reactions as auth
from cart import reactions as cart
from catalog import images
from cloudretail.consumer import Outcome
from cloudretail.event import EventData
from fulfilment import reactions as fulfilment
from inventory import reactions as inventory
from notifications import reactions as notifications
from operations.dead_letters import reactions as operations
from orders import reactions as orders
from payments import reactions as payments
from payments import window, worker


class Declaration(Protocol):
    """What operations needs to know of a consumer."""

    @property
    def name(self) -> str: ...

    @property
    def subscribes_to(self) -> tuple[type[EventData], ...]: ...

    def dry_run(self, document: str) -> Outcome:
        """The outcome that the reaction to a message would have now. It changes nothing."""
        ...


CONSUMERS: tuple[Declaration, ...] = (
    orders.CONSUMER,
    inventory.CONSUMER,
    payments.CONSUMER,
    window.CONSUMER,
    worker.CONSUMER,
    fulfilment.CONSUMER,
    notifications.CONSUMER,
    auth.CONSUMER,
    cart.CONSUMER,
    operations.CONSUMER,
    images.CONSUMER,
)


def subscribers(consumers: Sequence[Declaration] = CONSUMERS) -> Mapping[str, Sequence[str]]:
    """The names of the consumers that subscribe to each type of event, by CloudEvents type."""
    found: dict[str, list[str]] = {}
    for consumer in consumers:
        for event in consumer.subscribes_to:
            found.setdefault(event.event_type.type, []).append(consumer.name)
    return found
