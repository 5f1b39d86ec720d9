"""The contract as documents: JSON Schemas of the events, AsyncAPI of the bus, OpenAPI of the HTTP API.

They are generated from the models and routes in the code and the rules in the template, and committed. So a client or
another team can read them without Python, and a change of the contract shows in a diff.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from cloudretail.event import EventData
from contract import EVENTS
from retail_ops import generated
from retail_ops.contract import choreography, compatibility, diagram, subscriptions
from retail_ops.contract.json_schema import Json, tidied
from retail_ops.contract.openapi import openapi
from retail_ops.stack.shop import PROJECT
from retail_ops.stack.template import TEMPLATE, Template

SCHEMAS = PROJECT / "schemas"
SAMCONFIG = PROJECT / "samconfig.toml"
RELEASED = SCHEMAS / "released"
"""The events' schemas of the latest release. They are kept, and not generated."""


def documents() -> dict[Path, str]:
    """The content of every generated document, by its file."""
    consumers = subscriptions.declared()
    written = {
        TEMPLATE: subscriptions.template_with(TEMPLATE.read_text(), consumers),
        SAMCONFIG: subscriptions.samconfig_with(SAMCONFIG.read_text(), consumers),
    }
    events, template = EVENTS, Template.of(written[TEMPLATE])
    written |= {SCHEMAS / "events" / f"{_key(event)}.json": _json(event_schema(event)) for event in events}
    written[SCHEMAS / "openapi.json"] = _json(openapi(template))
    written[SCHEMAS / "asyncapi.yaml"] = _yaml(asyncapi(template, events))
    written[diagram.CHOREOGRAPHY] = diagram.choreography(template, events)
    written[choreography.PAGE] = choreography.page(template, events)
    return written


def drifted() -> list[Path]:
    """The files that differ from code and template, including files that nothing generates any more."""
    return generated.outdated(documents(), _there())


def write() -> list[Path]:
    """Bring the generated documents up to date; returns those that were out of date."""
    return generated.write(documents(), _there())


def _there() -> list[Path]:
    return [path for path in SCHEMAS.rglob("*.*") if RELEASED not in path.parents]


def broken() -> list[compatibility.Break]:
    """All incompatible changes of the events in the code against the release."""
    current = {_key(event): event_schema(event) for event in EVENTS}
    return compatibility.breaks(compatibility.read(RELEASED), current)


def subscribers(event: str) -> list[str]:
    """The functions that subscribe to an event such as `OrderPlaced.v1`."""
    template = Template.load()
    return sorted(
        template.consumers[rule.queue]
        for rule in template.rules
        if event in [type_.split(".", 2)[2] for type_ in rule.types]
    )


def release() -> list[Path]:
    """Make the present schemas the released ones; returns the files that are new or have changed."""
    changed = []
    for path in sorted((SCHEMAS / "events").glob("*.json")):
        kept = RELEASED / path.name
        if not kept.exists() or kept.read_text() != path.read_text():
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(path.read_text())
            changed.append(kept)
    return changed


def _json(content: Json) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _yaml(content: Json) -> str:
    # A copy without shared values, so that YAML writes no anchors, which are hard to read.
    return yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False, width=120)


def event_schema(event: type[EventData]) -> Json:
    """The JSON Schema (2020-12) of an event as it is published: its data in a CloudEvents envelope.

    It allows additional members everywhere, as a producer may add some within a version.
    """
    kind = event.event_type
    data = tidied(event.model_json_schema(mode="serialization"))
    definitions = data.pop("$defs", {})
    description = data.pop("description")
    # The subject of an event about an order is the order id. Other events have the id of what they are about.
    subject: Json = {"$ref": "#/$defs/OrderId"} if "OrderId" in definitions else {"type": "string", "minLength": 1}
    text = {"type": "string", "minLength": 1}
    envelope: Json = {
        "specversion": {"const": "1.0"},
        "id": text | {"description": "Unique for each event, the same for each of its deliveries."},
        "source": {"const": kind.source},
        "type": {"const": kind.type},
        "subject": subject | {"description": "What the event is about: the order."},
        "time": {"type": "string", "format": "date-time", "description": "When the change was committed."},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"const": kind.dataschema},
        "correlationid": subject | {"description": "The same as subject: what all its events have in common."},
        "causationid": text | {"description": "The event or HTTP request that caused this one."},
        "traceparent": {
            "type": "string",
            "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$",
            "description": "W3C trace context.",
        },
        "data": data,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": kind.dataschema,
        "title": kind.name,
        "description": description,
        "type": "object",
        "required": list(envelope),
        "properties": envelope,
        "$defs": definitions,
    }


def asyncapi(template: Template, events: Sequence[type[EventData]]) -> Json:
    """The AsyncAPI 3.0 description of the bus: the publishers of each event, and the queues of its subscribers.

    Args:
        template: its rules are the subscriptions.
        events: all events of the contract.
    """
    bus = {"$ref": "#/channels/bus"}
    by_type = {event.event_type.type: event for event in events}
    operations: Json = {}
    for service in dict.fromkeys(event.event_type.service for event in events):
        published = [event for event in events if event.event_type.service == service]
        operations[f"{service}Publishes"] = {"action": "send", "channel": bus, "messages": _messages(published)}
    for rule in template.rules:
        operations[f"{template.consumers[rule.queue]}"] = {
            "action": "receive",
            "channel": bus,
            "summary": rule.description,
            "description": f"Sent by {rule.name} to {rule.queue}.",
            "messages": _messages([by_type[type_] for type_ in rule.types]),
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "CloudRetail events",
            "version": "1.0.0",
            "description": "Delivered at least once, in any order. A message is a CloudEvent 1.0 in structured mode.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "bus": {
                "title": "The shop's event bus",
                "description": "Amazon EventBridge: source and detail-type as in the event, detail is the CloudEvent.",
                "messages": {_key(event): {"$ref": f"#/components/messages/{_key(event)}"} for event in events},
            }
        },
        "operations": operations,
        "components": {
            "messages": {
                _key(event): {
                    "name": event.event_type.type,
                    "title": event.event_type.name,
                    "summary": event_schema(event)["description"],
                    "payload": {"$ref": f"./events/{_key(event)}.json"},
                }
                for event in events
            }
        },
    }


def _messages(events: Iterable[type[EventData]]) -> list[Json]:
    return [{"$ref": f"#/channels/bus/messages/{_key(event)}"} for event in events]


def _key(event: type[EventData]) -> str:
    return f"{event.event_type.name}.v{event.event_type.version}"
