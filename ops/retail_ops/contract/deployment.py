"""May this code be deployed over what is deployed: is there a rule for each event that it publishes?

A rule that a deployment makes gets nothing of what was published before. In one deployment the functions that publish a
new event can be there before its rules; so its consumers go first, and its producers with the next deployment.
"""

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract import EVENTS
from retail_ops.contract import subscriptions
from retail_ops.stack.shop import PROJECT, Shop

FUNCTIONS = PROJECT / "functions"


@dataclass(frozen=True)
class Unheard:
    """An event that this code publishes, and that nobody would get at first.

    Attributes:
        type: of the event.
        consumers: who subscribes to it in this code, by their names in the template.
    """

    type: str
    consumers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type}, for {', '.join(self.consumers)}"


def published(functions: Path = FUNCTIONS) -> list[str]:
    """Types of the events that some service makes, in the order of the contract."""
    types = {event.__name__: event.event_type.type for event in EVENTS}
    made = {name for file in functions.rglob("*.py") if file.parent.name != "contract" for name in _called(file)}
    return [type_ for name, type_ in types.items() if name in made]


def _called(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr


def matched(shop: Shop) -> set[str]:
    """Types of the events that a deployed rule of the shop's bus sends to a consumer."""
    pages = shop.events.get_paginator("list_rules").paginate(EventBusName=shop.output("EventBusName"))
    patterns = [json.loads(rule.get("EventPattern", "{}")) for page in pages for rule in page["Rules"]]
    types = [type_ for pattern in patterns for type_ in pattern.get("detail", {}).get("type", [])]
    # The rule for events that nobody knows names them by what they are not.
    return {type_ for type_ in types if isinstance(type_, str)}


def unheard(types: Sequence[str], consumers: Mapping[str, Sequence[str]], deployed: set[str]) -> list[Unheard]:
    """The events that are published by this code, have a consumer in it, and no rule yet.

    Args:
        types: of the events that this code publishes.
        consumers: the types that each subscribes to, by the consumer's name in the template.
        deployed: types that deployed rules match.
    """
    subscribers = {type_: tuple(name for name, its in consumers.items() if type_ in its) for type_ in types}
    return [Unheard(type_, names) for type_, names in subscribers.items() if names and type_ not in deployed]


def unheard_by(shop: Shop) -> list[Unheard]:
    """What of this code's events a deployed shop would not hear at first."""
    return unheard(published(), subscriptions.declared(), matched(shop))
