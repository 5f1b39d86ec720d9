"""Which event goes to which queue and on to which function, as the template says it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Self

from cloudretail.dynamodb import to_item
from relay.stream import Entry, entries
from retail_ops.stack.template import Template, referred


@dataclass(frozen=True)
class Queue:
    """A queue of the template, the rules that fill it and the function that empties it.

    Attributes:
        name: logical id.
        delay: of every message.
        handler: of the function, as the template names it.
        patterns: of the rules' events.
    """

    name: str
    delay: timedelta
    handler: str
    patterns: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Wiring:
    """All queues that rules send to, in the template's order."""

    queues: tuple[Queue, ...]

    @classmethod
    def load(cls) -> Self:
        """The wiring of template.yaml, with the defaults of its parameters."""
        template = Template.load()
        declared = template.properties("AWS::SQS::Queue")
        patterns: dict[str, list[Mapping[str, Any]]] = {}
        for name, rule in template.properties("AWS::Events::Rule").items():
            if "EventBusName" not in rule:
                continue  # On the account's bus: what others than the shop publish.
            for target in rule["Targets"]:
                # The bus of this simulation hands on what EventBridge would; another form of it is none it knows.
                assert target["InputPath"] == "$.detail", f"{name}: a message's body is the event itself"
                patterns.setdefault(referred(target["Arn"]), []).append(rule["EventPattern"])
        return cls(
            tuple(
                cls._queue(template, name, declared[name], tuple(patterns[name]))
                for name in declared
                if name in patterns
            )
        )

    @staticmethod
    def _queue(
        template: Template, name: str, properties: Mapping[str, Any], patterns: tuple[Mapping[str, Any], ...]
    ) -> Queue:
        seconds = properties.get("DelaySeconds", 0)
        handler = template.functions[template.consumers[name]]["Handler"]
        return Queue(name, timedelta(seconds=seconds), handler, patterns)

    def targets(self, document: str) -> tuple[str, ...]:
        """The names of the queues that get this event."""
        entry = entry_of(document)
        envelope = {
            "source": entry["Source"],
            "detail-type": entry["DetailType"],
            "detail": json.loads(entry["Detail"]),
        }
        return tuple(
            queue.name for queue in self.queues if any(_matches(pattern, envelope) for pattern in queue.patterns)
        )


@cache
def wiring() -> Wiring:
    """The shop's, read once."""
    return Wiring.load()


def entry_of(document: str) -> Entry:
    """The bus entry that the relay makes of an event."""
    image = to_item({"version": 1, "outbox": {"version": 1, "events": [document]}})
    (entry,) = entries({"dynamodb": {"NewImage": image}}, "bus")
    return entry


def _matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """EventBridge's matching, as far as the template uses it: lists of exact values."""
    for field, wanted in pattern.items():
        if isinstance(wanted, Mapping):
            if not _matches(wanted, event.get(field, {})):
                return False
            continue
        assert all(isinstance(value, str) for value in wanted), f"{wanted}: the simulation matches exact values only"
        if event.get(field) not in wanted:
            return False
    return True
