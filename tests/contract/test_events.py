"""The events: what producers publish is what the committed schemas describe, and what consumers read."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from cloudretail.envelope import Event
from cloudretail.errors import InvalidEvent
from cloudretail.event import EventData
from contract import EVENTS, parse
from tests.contract.publishers import CAUSE, NOW, Published, published
from tests.contract.values import values_of

SCHEMAS = Path(__file__).parents[2] / "schemas" / "events"

each_event = pytest.mark.parametrize("sent", published(), ids=lambda sent: sent.name)
one_of_each = pytest.mark.parametrize(
    "sent", {sent.name: sent for sent in published()}.values(), ids=lambda sent: sent.name
)
each_type = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event_type.name)


def schema_of(event: type[EventData]) -> Any:
    kind = event.event_type
    return json.loads((SCHEMAS / f"{kind.name}.v{kind.version}.json").read_text())


def validator(event: type[EventData]) -> Draft202012Validator:
    return Draft202012Validator(schema_of(event), format_checker=FormatChecker(["date-time"]))


def test_every_event_has_a_producer_and_it_is_the_one_in_its_name() -> None:
    assert {(type(sent.data), sent.producer) for sent in published()} == {
        (event, event.event_type.service) for event in EVENTS
    }


def test_every_event_has_a_schema_and_every_schema_an_event() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == {
        f"{event.event_type.name}.v{event.event_type.version}.json" for event in EVENTS
    }


@each_type
def test_a_schema_is_valid_and_goes_by_the_name_that_events_refer_to(event: type[EventData]) -> None:
    Draft202012Validator.check_schema(schema_of(event))
    assert schema_of(event)["$id"] == event.event_type.dataschema


@each_event
def test_what_a_producer_publishes_is_what_its_schema_describes(sent: Published) -> None:
    validator(type(sent.data)).validate(json.loads(sent.document))


@each_event
def test_what_a_producer_publishes_is_what_a_consumer_reads(sent: Published) -> None:
    event = parse(sent.document)
    assert (event.data, event.time, event.causation_id) == (sent.data, NOW, CAUSE.id)


@given(st.one_of(*(values_of(event) for event in EVENTS)))
def test_whatever_the_models_allow_can_be_published_and_read(data: EventData) -> None:
    event = Event("orders:ord_1:1:0", NOW, CAUSE.id, CAUSE.traceparent, data)
    validator(type(data)).validate(json.loads(event.to_json()))
    assert parse(event.to_json()) == event


@one_of_each
def test_a_reader_of_today_takes_an_event_that_has_grown(sent: Published) -> None:
    grown = json.loads(sent.document)
    grown["sequence"] = "7"
    grown["data"]["giftNote"] = "For you"
    validator(type(sent.data)).validate(grown)
    assert parse(json.dumps(grown)).data == sent.data


@one_of_each
def test_a_reader_names_the_field_that_an_event_has_lost(sent: Published) -> None:
    required = schema_of(type(sent.data))["properties"]["data"]["required"]
    for field in json.loads(sent.document)["data"]:
        lost = json.loads(sent.document)
        del lost["data"][field]
        if field in required:
            with pytest.raises(ValidationError, match=f"'{field}' is a required property"):
                validator(type(sent.data)).validate(lost)
            with pytest.raises(InvalidEvent, match=rf"data\.{field}: Field required"):
                parse(json.dumps(lost))
        else:
            validator(type(sent.data)).validate(lost)
            parse(json.dumps(lost))


@one_of_each
@pytest.mark.parametrize(
    "attribute", ["specversion", "id", "source", "type", "subject", "time", "causationid", "traceparent"]
)
def test_a_reader_names_the_attribute_that_an_envelope_has_lost(sent: Published, attribute: str) -> None:
    lost = json.loads(sent.document)
    del lost[attribute]
    with pytest.raises(ValidationError, match=f"'{attribute}' is a required property"):
        validator(type(sent.data)).validate(lost)
    with pytest.raises(InvalidEvent, match=attribute):
        parse(json.dumps(lost))


@each_event
def test_no_event_carries_a_card(sent: Published) -> None:
    assert "tok_" not in sent.document
