"""Why a message failed stays where an operator finds it, also long after the message itself is gone."""

from dataclasses import replace

import pytest
from pydantic import TypeAdapter, ValidationError

from cloudretail import dynamodb
from cloudretail.errors import InvalidEvent
from cloudretail.failures import KEPT_FOR, DynamoDBFailureLog, Failure, where
from contract import parse
from tests.support.tables import items_of

FAILURE = Failure(
    consumer="inventory",
    event_id="orders:ord_1:1:0",
    exception="Transient",
    message="throttled",
    where="inventory/store.py:12 in reserve",
    function="InventoryReactions",
    request_id="request-1",
    attempt=1,
    message_id="message-1",
    body='{"id": "orders:ord_1:1:0"}',
    keys={"order_id": "ord_1"},
    event_name="OrderPlaced",
)


@pytest.fixture
def log(tables: None) -> DynamoDBFailureLog:
    return DynamoDBFailureLog("FailuresTable")


def at(monkeypatch: pytest.MonkeyPatch, second: int) -> None:
    monkeypatch.setattr("cloudretail.failures.time.time", lambda: second + 0.9)


def test_a_failure_is_kept_with_everything_that_an_operator_asks_for(
    log: DynamoDBFailureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 1000)
    log.keep(FAILURE)
    assert [dynamodb.from_item(item) for item in items_of("FailuresTable")] == [
        {
            "consumer": "inventory",
            "eventId": "orders:ord_1:1:0",
            "exception": "Transient",
            "message": "throttled",
            "where": "inventory/store.py:12 in reserve",
            "function": "InventoryReactions",
            "requestId": "request-1",
            "attempt": 1,
            "messageId": "message-1",
            "body": '{"id": "orders:ord_1:1:0"}',
            "orderId": "ord_1",
            "eventName": "OrderPlaced",
            "firstFailedAt": 1000,
            "lastFailedAt": 1000,
            "expiresAt": 1000 + KEPT_FOR,
        }
    ]


def test_the_last_failure_of_an_event_replaces_the_one_before_and_the_first_time_stays(
    log: DynamoDBFailureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 1000)
    log.keep(FAILURE)
    at(monkeypatch, 1002)
    log.keep(replace(FAILURE, attempt=2, exception="Contention"))
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert (item["exception"], item["attempt"]) == ("Contention", 2)
    assert (item["firstFailedAt"], item["lastFailedAt"], item["expiresAt"]) == (1000, 1002, 1002 + KEPT_FOR)


def test_consumers_and_events_are_kept_apart(log: DynamoDBFailureLog) -> None:
    for failure in (FAILURE, replace(FAILURE, consumer="orders"), replace(FAILURE, event_id="orders:ord_1:2:0")):
        log.keep(failure)
    assert len(items_of("FailuresTable")) == 3


def test_a_body_that_is_no_event_is_kept_too(log: DynamoDBFailureLog) -> None:
    log.keep(replace(FAILURE, event_id="message-1", body="", keys={}, event_name=None))
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert (item["eventId"], item["body"]) == ("message-1", "")
    assert not item.keys() & {"orderId", "eventName"}


def test_an_endless_message_is_cut(log: DynamoDBFailureLog) -> None:
    log.keep(replace(FAILURE, message="x" * 500_000))
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert len(item["message"]) == 2000


def test_a_cause_outlives_its_dead_letter() -> None:
    assert KEPT_FOR > 14 * 24 * 3600


def test_a_place_is_the_innermost_line_of_the_shops_own_code() -> None:
    # Two frames below it, in the standard library, json refuses the text.
    with pytest.raises(InvalidEvent) as raised:
        parse("{")
    assert where(raised.value).startswith("cloudretail/envelope.py:")
    assert where(raised.value).endswith(" in parse")


def test_a_place_in_nobodys_code_but_a_librarys_is_better_than_none() -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(int).validate_python("x")
    assert " in validate_python" in where(raised.value)


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert where(ValueError()) == "unknown"
