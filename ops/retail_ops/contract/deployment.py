"""Whether this code can be deployed over the deployed shop: there has to be a rule for each event that it publishes.

A new rule does not receive events that were published before it. Within one deployment, the functions that publish a
new event may be updated before its rules are made. So its consumers are deployed first, and its producers with the next
deployment.
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
    """An event that this code publishes, and that its consumers would miss at first.

    Attributes:
        type: of the event.
        consumers: its subscribers in this code, by their names in the template.
    """

    type: str
    consumers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type}, for {', '.join(self.consumers)}"


def published(functions: Path = FUNCTIONS) -> list[str]:
    """Types of the events that the services' code constructs, in the order of the contract."""
    types = {event.__name__: event.event_type.type for event in EVENTS}
    # Of the contract, only the reaction that all services share makes one.
    made = {
        name
        for file in functions.rglob("*.py")
        if file.parent.name != "contract" or file.name == "erasure.py"
        for name in _called(file)
    }
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
    # The rule for unmatched events has a pattern with `anything-but`, which is not a text.
    return {type_ for type_ in types if isinstance(type_, str)}


def unheard(types: Sequence[str], consumers: Mapping[str, Sequence[str]], deployed: set[str]) -> list[Unheard]:
    """The events that this code publishes, with a consumer in this code and without a deployed rule.

    Args:
        types: of the events that this code publishes.
        consumers: the types that each subscribes to, by the consumer's name in the template.
        deployed: types that deployed rules match.
    """
    subscribers = {type_: tuple(name for name, its in consumers.items() if type_ in its) for type_ in types}
    return [Unheard(type_, names) for type_, names in subscribers.items() if names and type_ not in deployed]


def unheard_by(shop: Shop) -> list[Unheard]:
    """The events of this code that the consumers of a deployed shop would miss at first."""
    return unheard(published(), subscriptions.declared(), matched(shop))
