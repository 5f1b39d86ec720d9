"""A rule of EventBridge that delivers nothing for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from retail_ops.stack.shop import Shop


@contextmanager
def disabled(shop: Shop, rule: str) -> Iterator[None]:
    """The rule with this logical id is disabled. What is published meanwhile never reaches its target."""
    name, bus = shop.resource("AWS::Events::Rule", rule).rpartition("|")[2], shop.output("EventBusName")
    shop.events.disable_rule(Name=name, EventBusName=bus)
    try:
        yield
    finally:
        shop.events.enable_rule(Name=name, EventBusName=bus)
