"""What becomes of a message that failed is kept until somebody has dealt with it, and whatever order things come in."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import TypeAdapter, ValidationError

from cloudretail import dynamodb
from cloudretail.causes import code_of, where
from cloudretail.errors import Contention, InvalidEvent
from cloudretail.failure_log import DynamoDBFailureRows, FailureLog, change
from cloudretail.failures import (
    KEPT_FOR,
    LEASE,
    UNKNOWN_CAUSE,
    Cause,
    Death,
    Edit,
    Failure,
    FailureRow,
    FailureState,
    History,
    Kind,
    claimed,
    died,
    dropped,
    edited,
    failed,
    fingerprint,
    handed_over,
    next_generation,
    refused,
    resolved,
    sent,
)
from cloudretail.repository import MAX_RACES
from contract import parse
from tests.support.tables import items_of
from tests.support.wire import Wire
from tests.support.wire import refused as refused_by_aws

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
SAID = Cause(
    code="Transient in reserve (inventory/store.py)", fingerprint="x", exception="Transient", request_id="request-1"
)
DEATH = Death(
    consumer="inventory",
    event_id="orders:ord_1:1:0",
    generation=0,
    message_id="message-1",
    sqs_id="message-2",
    sent_at=1010,
    found_in="InventoryDlq",
    cause=SAID,
    event_name="OrderPlaced",
    order_id="ord_1",
)
KEY = ("inventory", FAILURE.event_id)


# ------------------------------------------------------------------------------------------------------------- a row


@pytest.fixture
def rows(tables: None) -> DynamoDBFailureRows:
    return DynamoDBFailureRows("FailuresTable")


@pytest.fixture
def log(rows: DynamoDBFailureRows) -> FailureLog:
    return FailureLog(rows)


def at(monkeypatch: pytest.MonkeyPatch, second: int) -> None:
    monkeypatch.setattr("cloudretail.failure_log.time.time", lambda: second + 0.9)


def test_a_failure_is_kept_with_everything_that_an_operator_asks_for(
    log: FailureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 1000)
    log.keep(FAILURE)
    assert [dynamodb.from_item(item) for item in items_of("FailuresTable")] == [
        {
            "consumer": "inventory",
            "eventId": "orders:ord_1:1:0",
            "revision": 1,
            "state": "FAILING",
            "openState": "FAILING#inventory",
            "openCause": f"FAILING#inventory#{fingerprint('inventory', FAILURE.code)}",
            "openEvent": "FAILING#inventory#OrderPlaced",
            "openOrders": "OPEN",
            "since": 1000,
            "cause": {
                "code": "Transient in reserve (inventory/store.py)",
                "fingerprint": fingerprint("inventory", "Transient in reserve (inventory/store.py)"),
                "exception": "Transient",
                "message": "throttled",
                "where": "inventory/store.py:12 in reserve",
                "function": "InventoryReactions",
                "version": "7",
                "requestId": "request-1",
                "attempt": 1,
            },
            "messageId": "message-1",
            "orderId": "ord_1",
            "eventName": "OrderPlaced",
            "firstFailedAt": 1000,
            "failingSince": 1000,
            "lastFailedAt": 1000,
            "failures": 1,
        }
    ]


def test_what_is_read_is_what_was_written(rows: DynamoDBFailureRows) -> None:
    row = died(failed(None, FAILURE, 1000), replace(DEATH, attributes={"TARGET_ARN": "x"}))
    assert row
    written = rows.write(None, row, b"body")
    assert rows.read([KEY, ("orders", "another")]) == {KEY: written}


def test_what_has_ended_is_in_no_index_of_the_open_ones_and_expires(
    log: FailureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 1000)
    log.keep(FAILURE)
    at(monkeypatch, 1004)
    log.resolve(*KEY, 0)
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert (item["state"], item["expiresAt"]) == ("RESOLVED", 1004 + KEPT_FOR)
    assert not item.keys() & {"openState", "failingSince", "failures"}
    at(monkeypatch, 1006)
    log.keep(FAILURE)
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert (item["openState"], item["firstFailedAt"], item["failingSince"]) == ("FAILING#inventory", 1000, 1006)
    assert "expiresAt" not in item


def test_a_row_that_somebody_else_has_changed_meanwhile_is_decided_anew(
    log: FailureLog, rows: DynamoDBFailureRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(monkeypatch)
    wire.before("UpdateItem", lambda: change(rows, KEY, lambda row: died(row, DEATH), body=b"body"))
    assert log.keep(FAILURE).failures == 1
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert (item["state"], item["revision"], bytes(item["body"])) == ("DEAD", 2, b"body")


def test_who_loses_every_race_gives_up(log: FailureLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudretail.failure_log.pause_before_retry", lambda attempt: None)
    Wire(monkeypatch).refuses("UpdateItem", refused_by_aws("ConditionalCheckFailedException"), times=MAX_RACES)
    with pytest.raises(Contention):
        log.keep(FAILURE)


def test_consumers_and_events_are_kept_apart(log: FailureLog) -> None:
    for failure in (FAILURE, replace(FAILURE, consumer="orders"), replace(FAILURE, event_id="orders:ord_1:2:0")):
        log.keep(failure)
    assert len(items_of("FailuresTable")) == 3


def test_how_often_a_message_failed_and_since_when_is_counted(log: FailureLog, monkeypatch: pytest.MonkeyPatch) -> None:
    since = datetime.fromtimestamp(1000, UTC)
    at(monkeypatch, 1000)
    assert log.keep(FAILURE) == History(since, 1, 0)
    at(monkeypatch, 1002)
    assert log.keep(replace(FAILURE, kind=Kind.UNEXPECTED)) == History(since, 2, 1)
    assert log.keep(FAILURE) == History(since, 3, 1)


def test_what_never_failed_leaves_no_row_when_it_succeeds(log: FailureLog) -> None:
    log.resolve("inventory", "never-failed", 0)
    assert items_of("FailuresTable") == []


def test_which_events_have_left_a_cause_is_known(log: FailureLog) -> None:
    log.keep(FAILURE)
    assert log.known("inventory", [FAILURE.event_id, "another", FAILURE.event_id]) == {FAILURE.event_id}
    assert log.known("orders", [FAILURE.event_id]) == set()
    assert log.known("orders", []) == set()


def test_an_endless_message_is_cut(log: FailureLog) -> None:
    log.keep(replace(FAILURE, message="x" * 500_000))
    (item,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert len(item["cause"]["message"]) == 2000


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


# ------------------------------------------------------------------------------------------------------------- rules


def row_in(state: FailureState, generation: int = 0, **changes: Any) -> FailureRow:
    """A row that has died before it came into this state at 1100."""
    dead = died(failed(None, FAILURE, 1000), DEATH)
    assert dead
    return dead.now(state, 1100, generation=generation, **changes)


@pytest.mark.parametrize("state", FailureState)
def test_a_row_that_is_dead_or_has_gone_on_stays_so_when_a_duplicate_fails(state: FailureState) -> None:
    def after(generation: int) -> FailureRow:
        return failed(row_in(state, 1), replace(FAILURE, generation=generation), 1200)

    assert (after(0).state, after(0).since) == (state, 1100)
    stays = state is FailureState.DEAD
    assert after(1).state is (FailureState.DEAD if stays else FailureState.FAILING)


def test_the_failures_of_an_old_copy_still_count_for_its_own_patience() -> None:
    row = row_in(FailureState.RESOLVED, 1)
    for count in range(1, 6):
        row = failed(row, replace(FAILURE, kind=Kind.UNEXPECTED), 1200 + count)
        assert row.history == History(datetime.fromtimestamp(1201, UTC), count, count)


def test_a_copy_has_the_patience_of_a_new_message() -> None:
    tired = failed(failed(row_in(FailureState.DEAD), FAILURE, 1200), FAILURE, 1201)
    copied = claimed(tired, 1, "rpl_1", 1202)
    assert failed(copied, replace(FAILURE, generation=1), 5000).history.failures == 1


@pytest.mark.parametrize("state", [*FailureState])
def test_a_success_resolves_unless_a_later_copy_is_under_way(state: FailureState) -> None:
    assert resolved(row_in(state, 1), 0, 1200) is None, "an old copy's"
    row = resolved(row_in(state, 1), 1, 1200)
    if state is FailureState.RESOLVED:
        assert row is None, "it is already"
    else:
        assert row
        assert (row.state, row.since, row.expires_at) == (FailureState.RESOLVED, 1200, 1200 + KEPT_FOR)


def test_a_death_is_told_twice_and_counts_once_also_after_a_replay() -> None:
    for row in (died(None, DEATH), row_in(FailureState.RESOLVED, 1), row_in(FailureState.DROPPED, 1)):
        assert died(row, DEATH) is None


def test_another_message_of_the_same_event_that_dies_counts_whatever_has_been_replayed() -> None:
    row = died(row_in(FailureState.RESOLVED, 1), replace(DEATH, message_id="of-a-nudge"))
    assert row
    assert (row.state, row.generation) == (FailureState.DEAD, 1)


def test_a_copy_that_dies_counts_unless_a_later_one_is_under_way() -> None:
    second = replace(DEATH, generation=1)
    assert died(row_in(FailureState.REPLAYED, 2), second) is None
    row = died(row_in(FailureState.REPLAYED, 1), second)
    assert row
    assert (row.state, row.generation, row.deaths) == (FailureState.DEAD, 1, ("message-1/0", "message-1/1"))


def test_the_row_knows_more_of_the_same_failure_than_the_message_says() -> None:
    kept = died(failed(None, FAILURE, 1000), DEATH)
    assert kept
    assert kept.cause == FAILURE.kept
    another = died(failed(None, FAILURE, 1000), replace(DEATH, cause=SAID.model_copy(update={"request_id": "2"})))
    assert another
    assert another.cause.request_id == "2"


def test_what_sqs_has_moved_keeps_its_last_cause_and_has_none_where_none_was_kept() -> None:
    moved = replace(DEATH, cause=None)
    kept, unknown = died(failed(None, FAILURE, 1000), moved), died(None, moved)
    later = died(row_in(FailureState.REPLAYED, 1), replace(moved, generation=1))
    assert kept
    assert unknown
    assert later
    assert kept.cause == FAILURE.kept
    assert unknown.cause.code == UNKNOWN_CAUSE
    assert later.cause.code == UNKNOWN_CAUSE, "the cause of the first death is not this one's"


def test_a_dead_letter_is_claimed_by_one_replay() -> None:
    dead = row_in(FailureState.DEAD)
    first = claimed(dead, 1, "rpl_1", 1200)
    assert first
    assert (first.state, first.generation, first.replays) == (FailureState.REPLAYING, 1, ("rpl_1",))
    assert claimed(first, 1, "rpl_2", 1200) is None
    assert claimed(None, 1, "rpl_1", 1200) is None


@pytest.mark.parametrize("state", [FailureState.FAILING, FailureState.REPLAYED, FailureState.RESOLVED])
def test_what_is_under_way_or_done_is_neither_replayed_nor_dropped(state: FailureState) -> None:
    assert next_generation(row_in(state, 1), 10**6) is None
    for generation in (1, 2):
        assert claimed(row_in(state, 1), generation, "rpl_1", 10**6) is None
        assert dropped(row_in(state, 1), generation, "rpl_1", 10**6) is None


def test_a_replay_that_was_cut_off_claims_its_own_again_and_another_one_waits_for_the_lease() -> None:
    left = claimed(row_in(FailureState.DEAD), 1, "rpl_1", 1200)
    assert left
    assert claimed(left, 1, "rpl_1", 1201)
    assert claimed(left, 1, "rpl_2", 1200 + LEASE) is None
    again = claimed(left, 1, "rpl_2", 1201 + LEASE)
    assert again
    assert (again.generation, again.replays) == (1, ("rpl_1", "rpl_2"))


@pytest.mark.parametrize(
    ("rule", "state"),
    [(sent, FailureState.REPLAYED), (handed_over, FailureState.RESOLVED), (refused, FailureState.DEAD)],
)
def test_what_became_of_a_send_is_noted_only_if_the_copy_was_not_faster(rule: Any, state: FailureState) -> None:
    left = claimed(row_in(FailureState.DEAD), 1, "rpl_1", 1200)
    assert left
    assert rule(left, 1, 1201).state is state
    for faster in (resolved(left, 1, 1201), failed(left, replace(FAILURE, generation=1), 1201), None):
        assert rule(faster, 1, 1202) is None
    assert rule(left, 2, 1201) is None, "another copy's"


def test_only_a_dead_letter_is_corrected_and_each_correction_is_kept() -> None:
    edit = Edit(by="operator", reason="a wrong amount", at=1010, was="bodies/edited/1")
    once = edited(row_in(FailureState.DEAD, body_at="bodies/1", invalid="no event"), edit, "OrderPlaced", "ord_2")
    assert once is not None
    assert (once.event_name, once.order_id, once.invalid, once.body_at) == ("OrderPlaced", "ord_2", None, None)
    twice = edited(once, edit, "OrderPlaced", None)
    assert twice is not None
    assert (twice.edits, twice.order_id) == ((edit, edit), "ord_2")
    for state in set(FailureState) - {FailureState.DEAD}:
        assert edited(row_in(state), edit, "OrderPlaced", None) is None


def test_of_what_was_dropped_nothing_counts_that_was_under_way() -> None:
    row = dropped(row_in(FailureState.DEAD), 1, "rpl_1", 1200)
    assert row
    assert (row.state, row.expires_at) == (FailureState.DROPPED, 1200 + KEPT_FOR)
    assert resolved(row, 0, 1201) is None
    assert failed(row, FAILURE, 1201).state is FailureState.DROPPED
    assert died(row, DEATH) is None


# ------------------------------------------------------------------------------------------------------------- codes


def test_a_call_that_aws_refuses_is_named_by_its_code_and_operation() -> None:
    assert code_of(refused_by_aws("ThrottlingException", "Query")) == "Throttling on Query"


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
