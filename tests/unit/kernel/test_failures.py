"""Why a message failed stays where an operator finds it, also long after the message itself is gone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from cloudretail import dynamodb
from cloudretail.errors import InvalidEvent
from cloudretail.failures import KEPT_FOR, DynamoDBFailureLog, Failure, where
from cloudretail.retries import History, Kind
from contract import parse
from tests.support.tables import items_of

FAILURE = Failure(
    consumer="inventory",
    event_id="orders:ord_1:1:0",
    kind=Kind.MAY_PASS,
    exception="Transient",
    message="throttled",
    where="inventory/store.py:12 in reserve",
    function="InventoryReactions",
    request_id="request-1",
    attempt=1,
    message_id="message-1",
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
            "orderId": "ord_1",
            "eventName": "OrderPlaced",
            "state": "FAILING",
            "firstFailedAt": 1000,
            "failingSince": 1000,
            "lastFailedAt": 1000,
            "failures": 1,
            "unexpected": 0,
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


def test_how_often_a_message_failed_and_since_when_is_counted(
    log: DynamoDBFailureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = datetime.fromtimestamp(1000, UTC)
    at(monkeypatch, 1000)
    assert log.keep(FAILURE) == History(since, 1, 0)
    at(monkeypatch, 1002)
    assert log.keep(replace(FAILURE, kind=Kind.UNEXPECTED)) == History(since, 2, 1)
    assert log.keep(FAILURE) == History(since, 3, 1)


@pytest.mark.parametrize("end", ["give_up", "resolve"])
def test_after_its_end_a_message_that_fails_again_has_the_patience_of_a_new_one(
    log: DynamoDBFailureLog, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    at(monkeypatch, 1000)
    log.keep(replace(FAILURE, kind=Kind.UNEXPECTED))
    log.give_up("inventory", FAILURE.event_id, "{}") if end == "give_up" else log.resolve("inventory", FAILURE.event_id)
    at(monkeypatch, 5000)
    assert log.keep(FAILURE) == History(datetime.fromtimestamp(5000, UTC), 1, 0)
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert (item["firstFailedAt"], item["state"]) == (1000, "FAILING")


def test_the_whole_message_is_kept_once_it_is_given_up(log: DynamoDBFailureLog) -> None:
    log.keep(replace(FAILURE, event_id="message-1", keys={}, event_name=None))
    log.give_up("inventory", "message-1", "poison")
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert (item["state"], item["body"], item["exception"]) == ("DEAD", "poison", "Transient")
    assert not item.keys() & {"orderId", "eventName"}


def test_what_never_failed_leaves_no_row_when_it_succeeds(log: DynamoDBFailureLog) -> None:
    log.resolve("inventory", "never-failed")
    assert items_of("FailuresTable") == []


def test_which_events_have_left_a_cause_is_known(log: DynamoDBFailureLog) -> None:
    log.keep(FAILURE)
    assert log.known("inventory", [FAILURE.event_id, "another", FAILURE.event_id]) == {FAILURE.event_id}
    assert log.known("orders", [FAILURE.event_id]) == set()
    assert log.known("orders", []) == set()


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
