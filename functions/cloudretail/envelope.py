"""The envelope of an event: CloudEvents 1.0 in structured mode, built and parsed by the package cloudevents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import ValidationError

from cloudretail.errors import InvalidEvent
from cloudretail.event import EventData

_FORMAT = JSONFormat()
_REQUIRED = ("specversion", "id", "source", "type", "subject", "time", "causationid", "traceparent")


@dataclass(frozen=True)
class Cause:
    """What made something happen: an event or an HTTP request.

    Attributes:
        id: the event's id or the request's id.
        traceparent: its W3C trace context.
    """

    id: str
    traceparent: str


@dataclass(frozen=True)
class Event:
    """An event as it is published: the CloudEvents attributes that the shop uses, and the typed data.

    Attributes:
        id: unique for each event, and the same in all its deliveries.
        time: when the change that it describes was committed.
        causation_id: id of the event or request that caused it.
        traceparent: W3C trace context.
        data: what happened.
    """

    id: str
    time: datetime
    causation_id: str
    traceparent: str
    data: EventData

    @property
    def cause(self) -> Cause:
        return Cause(id=self.id, traceparent=self.traceparent)

    def to_json(self) -> str:
        """The structured-mode JSON document, which is EventBridge's `detail` and a queue message's body."""
        event_type = self.data.event_type
        event = CloudEvent(
            {
                "specversion": "1.0",
                "id": self.id,
                "source": event_type.source,
                "type": event_type.type,
                "subject": self.data.subject,
                "time": self.time,
                "datacontenttype": "application/json",
                "dataschema": event_type.dataschema,
                "correlationid": self.data.subject,
                "causationid": self.causation_id,
                "traceparent": self.traceparent,
            },
            self.data.model_dump(mode="json"),
        )
        return _FORMAT.write(event).decode()


type EventTypes = Mapping[str, type[EventData]]
"""Classes of events by their CloudEvents type."""


def by_type(events: Iterable[type[EventData]]) -> EventTypes:
    """These events by their CloudEvents type."""
    return {event.event_type.type: event for event in events}


def parse(document: str, known: EventTypes) -> Event:
    """Parse an event.

    Args:
        document: structured-mode CloudEvents JSON.
        known: the events that are expected; any other event is invalid.

    Returns:
        The event. Its data is validated against the model of its type and version.

    Raises:
        InvalidEvent: the document is not a CloudEvent, its type is not in `known`, or a field is missing or invalid.
            The text names the field.
    """
    try:
        parsed = _FORMAT.read(_as_sent, document)
    except (TypeError, AttributeError):
        raise InvalidEvent("not a CloudEvent: no JSON object with a time in it as text") from None
    except (BaseCloudEventException, ValueError, OverflowError, RecursionError) as error:
        raise InvalidEvent(f"not a CloudEvent: {error}") from error
    model = known.get(parsed.get_type())
    if model is None:
        raise InvalidEvent(f"event type {parsed.get_type()!r} is not expected here")
    time, causation_id, traceparent = (
        parsed.get_time(),
        parsed.get_extension("causationid"),
        parsed.get_extension("traceparent"),
    )
    if time is None or not isinstance(causation_id, str) or not isinstance(traceparent, str):
        raise InvalidEvent("the attributes causationid and traceparent are text")
    try:
        data = model.model_validate(parsed.get_data())
    except ValidationError as error:
        # Only fields and reasons: the values are a shopper's personal data.
        fields = ", ".join(f"{'.'.join(map(str, ('data', *e['loc'])))}: {e['msg']}" for e in error.errors())
        raise InvalidEvent(f"{parsed.get_type()}: {fields}") from None
    if parsed.get_subject() != data.subject:
        raise InvalidEvent("subject is not the id that the data is about")
    return Event(parsed.get_id(), time, causation_id, traceparent, data)


def _as_sent(attributes: dict[str, Any], data: dict[str, Any] | str | bytes | None) -> CloudEvent:
    """The CloudEvent of these attributes. All have to be there: the library would invent a missing id, time or version,
    and each delivery would look like another event."""
    missing = [name for name in _REQUIRED if name not in attributes]
    if missing:
        raise InvalidEvent(f"not a CloudEvent: without {', '.join(missing)}")
    return CloudEvent(attributes, data)
