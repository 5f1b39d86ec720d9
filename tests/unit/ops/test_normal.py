"""A recording made the same each time: what is replaced, and what must not be."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import boto3
import pytest

from retail_ops.recording.normal import OUTPUTS, Normal
from retail_ops.stack.shop import QUEUE, TABLE, Shop

ORDER = "3f0c1d52-8a4b-4c1e-9a57-0d8a1c2b3e4f"


@pytest.fixture
def normal() -> Normal:
    outputs = {output: f"chosen-by-chance-{output}" for output in OUTPUTS}
    resources = {
        QUEUE: {"OrdersQueue": "http://127.0.0.1:4999/000000000000/recording-OrdersQueue-A1B2"},
        TABLE: {"OrdersTable": "recording-OrdersTable-C3D4"},
    }
    session = cast(boto3.Session, None)
    return Normal(Shop("recording", "ap-southeast-1", "http://127.0.0.1:4999", outputs, resources, session))


def said(normal: Normal, value: Any, sample: str = "orders/order-placed") -> Any:
    return normal.event(sample, {"value": value})["value"]


def test_now_is_always_the_same_moment_in_whichever_form(normal: Normal) -> None:
    now = datetime.now(UTC)
    assert said(normal, now.isoformat()) == "2100-01-01T00:00:00+00:00"
    assert said(normal, f"{now:%Y-%m-%dT%H:%M:%S.123Z}") == "2100-01-01T00:00:00Z"
    assert said(normal, f"{now:%d/%b/%Y:%H:%M:%S} +0000") == "01/Jan/2100:00:00:00 +0000"
    assert said(normal, int(now.timestamp())) == 4102444800
    assert said(normal, str(int(now.timestamp() * 1000))) == "4102444800000"


def test_times_that_are_planned_stay_as_far_apart_as_they_are(normal: Normal) -> None:
    now = datetime.now(UTC)
    assert said(normal, (now + timedelta(minutes=15)).isoformat()) == "2100-01-01T00:15:00+00:00"
    assert said(normal, (now + timedelta(days=1, seconds=20)).isoformat()) == "2100-01-02T00:00:00+00:00"


@pytest.mark.parametrize("value", [8900, "8900", 2, True, None, "canvas-backpack", 12345678901])
def test_what_is_no_time_and_no_id_stays(normal: Normal, value: object) -> None:
    assert said(normal, value) == value


def test_an_id_is_the_same_wherever_it_stands(normal: Normal) -> None:
    first = said(normal, f'{{"id": "{ORDER}"}}')
    again = said(normal, ORDER, "payments/order-placed")
    assert again in first
    assert ORDER not in first


def test_ids_are_the_same_in_the_next_recording_although_they_were_others(normal: Normal) -> None:
    here, there = said(normal, [ORDER, ORDER]), said(normal, ORDER.replace("3f", "aa"), "another")
    assert here[0] == here[1] != there


def test_resources_go_by_their_names_in_the_template(normal: Normal) -> None:
    assert said(normal, "arn:aws:sqs:ap-southeast-1:0:recording-OrdersQueue-A1B2").endswith(":OrdersQueue")
    assert said(normal, "table/recording-OrdersTable-C3D4/stream") == "table/OrdersTable/stream"
    assert said(normal, "127.0.0.1:4999") == "127.0.0.1:4566"


def test_no_token_is_left(normal: Normal) -> None:
    assert said(normal, "Bearer eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl") == "Bearer recorded.id.token"


def test_a_message_is_signed_with_what_it_holds_now(normal: Normal) -> None:
    record = {"body": json.dumps({"id": ORDER}), "md5OfBody": "0" * 32}
    changed = normal.event("orders/order-placed", {"Records": [record]})["Records"][0]
    assert changed["md5OfBody"] != "0" * 32


def test_a_recording_that_takes_too_long_to_be_one_moment_is_given_up(
    normal: Normal, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.time() + 1000
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Exception, match="took longer"):
        normal.event("orders/order-placed", {})
