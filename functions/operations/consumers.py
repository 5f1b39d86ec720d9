"""Every consumer of the shop: the one list in Python. All else about a consumer is derived from its declaration.

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
        """What the reaction to a message would come to now; nothing is changed."""
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
    """Names of the consumers that subscribe to a type of event, by the CloudEvents type."""
    found: dict[str, list[str]] = {}
    for consumer in consumers:
        for event in consumer.subscribes_to:
            found.setdefault(event.event_type.type, []).append(consumer.name)
    return found
