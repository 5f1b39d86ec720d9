"""What travels: every event comes back as it was sent, and what is no event is refused with its reason."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloudretail.errors import InvalidEvent
from cloudretail.event import EventData
from contract import parse
from contract.auth import AccountEvent
from contract.orders import OrderCancelled
from contract.payments import AttemptReported
from tests.support.examples import EXAMPLES, NOW, ORDER, event_of, name_of

CANCELLED = next(data for data in EXAMPLES if isinstance(data, OrderCancelled))
ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time", "causationid", "traceparent")

every_event = pytest.mark.parametrize("data", EXAMPLES, ids=name_of)


def document(data: EventData = CANCELLED, /, **changes: Any) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(event_of(data).to_json())
    return sent | changes


def refusal(text: str) -> str:
    with pytest.raises(InvalidEvent) as refused:
        parse(text)
    return str(refused.value)


@every_event
def test_an_event_comes_back_as_it_was_sent(data: EventData) -> None:
    event = event_of(data)
    assert parse(event.to_json()) == event


@every_event
def test_an_event_travels_as_a_cloudevent_about_its_order_an_attempt_or_an_account(data: EventData) -> None:
    name, service = data.event_type.name, data.event_type.service
    match data:
        case AttemptReported(reference=about) | AccountEvent(user_id=about):
            pass
        case _:
            about = ORDER["order_id"]
    sent = document(data)
    assert sent.pop("data") == data.model_dump(mode="json")
    assert sent == {
        "specversion": "1.0",
        "id": "orders:ord_3f5xk2m7qa2b4c6d:1:0",
        "source": f"cloudretail.{service}",
        "type": f"cloudretail.{service}.{name}.v1",
        "dataschema": f"urn:cloudretail:schema:{service}:{name}:v1",
        "datacontenttype": "application/json",
        "subject": about,
        "time": "2026-01-02T03:04:05Z",
        "correlationid": about,
        "causationid": "request-1",
        "traceparent": event_of(data).traceparent,
    }


@every_event
def test_no_event_carries_a_card_token(data: EventData) -> None:
    assert not [name for name in type(data).model_fields if "token" in name]


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_a_missing_attribute_is_named_and_never_made_up(attribute: str) -> None:
    sent = document()
    del sent[attribute]
    assert attribute in refusal(json.dumps(sent))


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize("value", [None, 5, [], {}], ids=repr)
def test_an_attribute_that_is_no_text_is_refused(attribute: str, value: object) -> None:
    assert refusal(json.dumps(document(**{attribute: value})))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"specversion": "0.3"}, "specversion"),
        (
            {"type": "cloudretail.orders.OrderCancelled.v2"},
            "'cloudretail.orders.OrderCancelled.v2' is not expected",
        ),
        ({"subject": "ord_another"}, "subject is not the id"),
        ({"time": "yesterday"}, "not a CloudEvent"),
        ({"time": "2026-01-02T03:04:05"}, "timezone aware"),
        ({"time": "9999-12-31T24:00:00Z"}, "out of range"),
        ({"data": None}, "OrderCancelled.v1: data: Input should be a valid dictionary"),
        ({"data": []}, "OrderCancelled.v1: data: Input should be a valid dictionary"),
        ({"data": "text"}, "OrderCancelled.v1: data: Input should be a valid dictionary"),
        ({"camelCase": "x"}, "camelCase"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_a_document_is_said(changes: dict[str, Any], reason: str) -> None:
    assert reason in refusal(json.dumps(document(**changes)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[1]",
        '["time"]',
        '"text"',
        '"time"',
        "5",
        "null",
        "true",
        "NaN",
        "{}",
        "[" * 100_000,
        "1" * 5_000,
    ],
    ids=lambda text: text[:8] or "nothing",
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    assert refusal(text).startswith("not a CloudEvent: ")


@every_event
def test_each_field_that_is_missing_is_named(data: EventData) -> None:
    for name, field in type(data).model_fields.items():
        if field.is_required():
            sent = document(data)
            del sent["data"][field.alias]
            assert refusal(json.dumps(sent)) == f"{data.event_type.type}: data.{field.alias}: Field required", name


def test_a_field_deep_inside_is_named_by_its_path() -> None:
    sent = document()
    sent["data"]["items"][1]["unitPrice"]["amount"] = 34.5
    assert "data.items.1.unitPrice.amount: Input should be a valid integer" in refusal(json.dumps(sent))


@pytest.mark.parametrize("field", ["userEmail", "userId", "items", "total", "reason", "orderId"])
def test_a_refusal_does_not_repeat_what_was_sent(field: str) -> None:
    sent = document()
    sent["data"][field] = {"secret": "4111-1111"}
    assert "4111" not in refusal(json.dumps(sent))


def test_a_field_or_attribute_that_a_producer_adds_is_no_harm() -> None:
    sent = document(tenant="a")
    sent["data"]["giftWrap"] = True
    sent["data"]["items"][0]["weight"] = 12
    assert parse(json.dumps(sent)) == event_of(CANCELLED)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(text=st.text() | json_values.map(json.dumps))
def test_whatever_arrives_is_an_event_or_refused(text: str) -> None:
    assert refusal(text)


@given(attribute=st.sampled_from([*document(), "data_base64", "tenant"]), value=json_values)
@example(attribute="time", value="2026-01-02T03:04:05+24:00")
@example(attribute="data_base64", value="%")
def test_whatever_stands_in_an_attribute_is_read_or_refused(attribute: str, value: object) -> None:
    read_or_refused(document(**{attribute: value}))


@given(data=st.sampled_from(EXAMPLES), chosen=st.data(), value=json_values)
def test_whatever_stands_in_a_field_is_read_or_refused(data: EventData, chosen: st.DataObject, value: object) -> None:
    sent = document(data)
    sent["data"][chosen.draw(st.sampled_from(sorted(sent["data"])))] = value
    read_or_refused(sent)


def read_or_refused(sent: dict[str, Any]) -> None:
    try:
        event = parse(json.dumps(sent))
    except InvalidEvent as refused:
        assert str(refused)
    else:
        assert parse(event.to_json()) == event


@given(time=st.datetimes(timezones=st.just(UTC)))
def test_a_time_means_the_same_moment_after_the_journey(time: datetime) -> None:
    event = event_of(CANCELLED)
    sent = type(event)(event.id, time, event.causation_id, event.traceparent, event.data)
    assert parse(sent.to_json()).time == time


def test_an_event_is_the_cause_of_what_it_leads_to() -> None:
    event = event_of(CANCELLED)
    assert (event.cause.id, event.cause.traceparent, event.time) == (event.id, event.traceparent, NOW)
