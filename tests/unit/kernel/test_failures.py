"""Why a message failed stays where an operator finds it, also long after the message itself is gone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from pydantic import TypeAdapter, ValidationError

from cloudretail import dynamodb
from cloudretail.errors import InvalidEvent
from cloudretail.failures import KEPT_FOR, DynamoDBFailureLog, Failure, code_of, fingerprint, where
from cloudretail.retries import History, Kind
from contract import parse
from tests.support.tables import items_of
from tests.support.wire import refused

FAILURE = Failure(
    consumer="inventory",
    event_id="orders:ord_1:1:0",
    kind=Kind.MAY_PASS,
    code="Transient in reserve (inventory/store.py)",
    exception="Transient",
    message="throttled",
    where="inventory/store.py:12 in reserve",
    function="InventoryReactions",
    version="7",
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
            "code": "Transient in reserve (inventory/store.py)",
            "fingerprint": fingerprint("inventory", "Transient in reserve (inventory/store.py)"),
            "exception": "Transient",
            "message": "throttled",
            "where": "inventory/store.py:12 in reserve",
            "function": "InventoryReactions",
            "version": "7",
            "generation": 0,
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
    if end == "give_up":
        log.give_up("inventory", FAILURE.event_id, 0, "{}")
    else:
        log.resolve("inventory", FAILURE.event_id, 0)
    at(monkeypatch, 5000)
    assert log.keep(FAILURE) == History(datetime.fromtimestamp(5000, UTC), 1, 0)
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert (item["firstFailedAt"], item["state"]) == (1000, "FAILING")


def test_the_whole_message_is_kept_once_it_is_given_up(log: DynamoDBFailureLog) -> None:
    log.keep(replace(FAILURE, event_id="message-1", keys={}, event_name=None))
    log.give_up("inventory", "message-1", 0, "poison")
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert (item["state"], item["body"], item["exception"]) == ("DEAD", "poison", "Transient")
    assert not item.keys() & {"orderId", "eventName"}


def test_what_never_failed_leaves_no_row_when_it_succeeds(log: DynamoDBFailureLog) -> None:
    log.resolve("inventory", "never-failed", 0)
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


# ------------------------------------------------------------------------------------------------------- generations


def state_of(event_id: str = FAILURE.event_id) -> tuple[str, int]:
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert item["eventId"] == event_id
    return item["state"], item["generation"]


def test_an_old_copy_that_succeeds_late_does_not_resolve_what_a_later_copy_fails_at(log: DynamoDBFailureLog) -> None:
    log.keep(replace(FAILURE, generation=1))
    log.give_up("inventory", FAILURE.event_id, 1, "{}")
    log.resolve("inventory", FAILURE.event_id, 0)
    assert state_of() == ("DEAD", 1)


def test_an_old_copy_that_dies_late_is_not_what_its_replay_has_come_to(log: DynamoDBFailureLog) -> None:
    log.keep(FAILURE)
    log.resolve("inventory", FAILURE.event_id, 1)
    log.keep(FAILURE)
    log.give_up("inventory", FAILURE.event_id, 0, "{}")
    assert state_of() == ("RESOLVED", 1)


def test_the_failures_of_an_old_copy_still_count_for_its_own_patience(log: DynamoDBFailureLog) -> None:
    log.keep(FAILURE)
    log.resolve("inventory", FAILURE.event_id, 1)
    assert [log.keep(replace(FAILURE, kind=Kind.UNEXPECTED)).unexpected for _ in range(5)] == [1, 2, 3, 4, 5]


def test_a_later_copy_that_succeeds_resolves_and_one_that_fails_is_failing(log: DynamoDBFailureLog) -> None:
    log.keep(FAILURE)
    log.give_up("inventory", FAILURE.event_id, 0, "{}")
    log.keep(replace(FAILURE, generation=1))
    assert state_of() == ("FAILING", 1)
    log.resolve("inventory", FAILURE.event_id, 1)
    assert state_of() == ("RESOLVED", 1)


# ------------------------------------------------------------------------------------------------------------- codes


def test_a_call_that_aws_refuses_is_named_by_its_code_and_operation() -> None:
    assert code_of(refused("ThrottlingException", "Query")) == "Throttling on Query"


def test_a_denied_permission_is_named_by_the_action_that_lacks() -> None:
    said = "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: dynamodb:PutItem on resource: y"
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": said}}, "PutItem")
    assert code_of(denied) == "AccessDenied on dynamodb:PutItem"


def test_a_cause_has_the_same_code_whichever_line_it_was_raised_in() -> None:
    with pytest.raises(InvalidEvent) as raised:
        parse("{")
    assert code_of(raised.value) == "InvalidEvent in parse (cloudretail/envelope.py)"
    assert code_of(ValueError()) == "ValueError"


def test_a_cause_at_another_consumer_has_another_fingerprint() -> None:
    assert fingerprint("orders", "KeyError") != fingerprint("inventory", "KeyError")
    assert len(fingerprint("orders", "KeyError")) == 8
