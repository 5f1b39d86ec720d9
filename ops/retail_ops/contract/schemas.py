"""The contract as documents: JSON Schemas of the events, AsyncAPI of the bus, OpenAPI of the HTTP API.

They are generated from the models and routes in the code and the rules in the template, and committed: a client or
another team needs no Python to read them, and a change of the contract shows in a diff.
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
"""The events' schemas as they were released last: kept, and not generated."""


def documents() -> dict[Path, str]:
    """Every generated document, by the file that it belongs into."""
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
    """The files that are not what the code and the template say, those included that nothing generates any more."""
    return generated.outdated(documents(), _there())


def write() -> list[Path]:
    """Bring the generated documents up to date; returns those that were not."""
    return generated.write(documents(), _there())


def _there() -> list[Path]:
    return [path for path in SCHEMAS.rglob("*.*") if RELEASED not in path.parents]


def broken() -> list[compatibility.Break]:
    """Everything in which the events in the code break what was released."""
    current = {_key(event): event_schema(event) for event in EVENTS}
    return compatibility.breaks(compatibility.read(RELEASED), current)


def subscribers(event: str) -> list[str]:
    """The functions that subscribe to an event, which is named as in `OrderPlaced.v1`."""
    template = Template.load()
    return sorted(
        template.consumers[rule.queue]
        for rule in template.rules
        if event in [type_.split(".", 2)[2] for type_ in rule.types]
    )


def release() -> list[Path]:
    """Make the events' schemas the released ones; returns the files that are new or were changed."""
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
    # A value that stands twice is written twice: YAML's anchors are for machines.
    return yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False, width=120)


def event_schema(event: type[EventData]) -> Json:
    """The JSON Schema (2020-12) of an event as it travels: its data in a CloudEvents envelope.

    Open for further members everywhere, as the readers are: a producer may add some within a version.
    """
    kind = event.event_type
    data = tidied(event.model_json_schema(mode="serialization"))
    definitions = data.pop("$defs", {})
    description = data.pop("description")
    # An event about an order has its data's order id; another one the id of what it is about.
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
    """The AsyncAPI 3.0 description of the bus: who publishes what, and who reacts to it from which queue.

    Args:
        template: whose rules say what is sent to which consumer.
        events: all that may be published.
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
