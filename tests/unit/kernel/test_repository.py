"""Rows are written conditionally on what was read: one suite for the real repository and the one in memory."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb, repository
from cloudretail.decider import Change, Decision, Nothing
from cloudretail.errors import Contention, LostRace, Transient
from cloudretail.model import Model
from cloudretail.outbox import Aggregate, Row, due
from cloudretail.repository import (
    MAX_RACES,
    MAX_TRIES,
    DynamoDBRepository,
    ReadOnce,
    ReadOnly,
    Repository,
    batch_get,
    transact,
)
from tests.support.examples import CAUSE, EXAMPLES, NOW
from tests.support.repositories import InMemoryRepository
from tests.support.tables import items_of
from tests.support.turns import calls_take_turns
from tests.support.wire import Wire, refused


class Count(Model):
    order_id: str
    count: int
    note: str | None = None


COUNTS = Aggregate("counts", "orderId", Count)
KEY = "ord_1"


def changed(count: int) -> Change[Count]:
    return Change(Count(order_id=KEY, count=count), EXAMPLES[:1])


def one_more(state: Count | None) -> Decision[Count]:
    return changed(state.count + 1 if state else 1)


@pytest.fixture(params=["on DynamoDB", "in memory"])
def rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Repository[Count]:
    monkeypatch.setattr(repository, "pause_before_retry", lambda attempt: None)
    if request.param == "in memory":
        return InMemoryRepository(COUNTS)
    request.getfixturevalue("tables")
    calls_take_turns(monkeypatch)
    return DynamoDBRepository("OrdersTable", COUNTS)


class Meanwhile:
    """A repository where somebody else is faster, the first `times` times.

    Args:
        rows: where the rows are.
        times: how many commits come too late.
    """

    def __init__(self, rows: Repository[Count], times: int) -> None:
        self._rows = rows
        self._times = times
        self.reads = 0

    def load(self, key: str) -> Row[Count] | None:
        self.reads += 1
        return self._rows.load(key)

    def commit(self, key: str, read: Row[Count] | None, change: Change[Count], *at: Any) -> Row[Count]:
        if self._times:
            self._times -= 1
            self._rows.commit(key, read, changed(read.state.count + 100 if read else 100), CAUSE, NOW)
        return self._rows.commit(key, read, change, *at)


def test_there_is_nothing_before_the_first_write(rows: Repository[Count]) -> None:
    assert rows.load(KEY) is None


def test_a_row_is_read_as_it_was_written(rows: Repository[Count]) -> None:
    first = rows.commit(KEY, None, Change(Count(order_id=KEY, count=1, note="é€")), CAUSE, NOW)
    assert rows.load(KEY) == first == Row(Count(order_id=KEY, count=1, note="é€"), 1)
    second = rows.commit(KEY, first, changed(2), CAUSE, NOW)
    assert rows.load(KEY) == second
    assert (second.state.count, second.version) == (2, 2)


def test_keys_do_not_touch_each_other(rows: Repository[Count]) -> None:
    rows.commit(KEY, None, changed(1), CAUSE, NOW)
    other = rows.commit("ord_2", None, Change(Count(order_id="ord_2", count=5)), CAUSE, NOW)
    assert rows.load("ord_2") == other


def test_a_row_is_created_once(rows: Repository[Count]) -> None:
    first = rows.commit(KEY, None, changed(1), CAUSE, NOW)
    with pytest.raises(LostRace):
        rows.commit(KEY, None, changed(2), CAUSE, NOW)
    assert rows.load(KEY) == first


def test_a_write_on_an_old_version_is_refused(rows: Repository[Count]) -> None:
    first = rows.commit(KEY, None, changed(1), CAUSE, NOW)
    second = rows.commit(KEY, first, changed(2), CAUSE, NOW)
    with pytest.raises(LostRace):
        rows.commit(KEY, first, changed(3), CAUSE, NOW)
    assert rows.load(KEY) == second


def test_a_write_on_a_row_that_is_not_there_is_refused(rows: Repository[Count]) -> None:
    with pytest.raises(LostRace):
        rows.commit(KEY, Row(Count(order_id=KEY, count=1), 1), changed(2), CAUSE, NOW)
    assert rows.load(KEY) is None


@pytest.mark.parametrize("writes", [0, 1], ids=["a new row", "a row that is there"])
def test_of_threads_that_write_at_once_one_wins(rows: Repository[Count], writes: int) -> None:
    for count in range(writes):
        rows.commit(KEY, None, changed(count), CAUSE, NOW)
    start = Barrier(8)

    def write(count: int) -> Row[Count] | None:
        read = rows.load(KEY)
        start.wait(timeout=10)
        try:
            return rows.commit(KEY, read, changed(count), CAUSE, NOW)
        except LostRace:
            return None

    with ThreadPoolExecutor(8) as threads:
        written = [row for row in threads.map(write, range(8)) if row]
    assert written == [rows.load(KEY)]


def test_threads_that_count_at_once_lose_no_count(rows: Repository[Count]) -> None:
    start = Barrier(4)

    def count(_: int) -> None:
        start.wait(timeout=10)
        transact(rows, KEY, one_more, CAUSE, NOW)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(4)))
    row = rows.load(KEY)
    assert row
    assert (row.state.count, row.version) == (4, 4)


def test_a_decision_is_committed_with_its_events(rows: Repository[Count]) -> None:
    settled = transact(rows, KEY, one_more, CAUSE, NOW)
    row = rows.load(KEY)
    assert row
    assert (settled.decision, settled.state) == (changed(1), row.state)
    assert len(due(COUNTS.to_item(row))) == 1


def test_a_decision_for_nothing_writes_nothing_and_tells_the_state(rows: Repository[Count]) -> None:
    assert transact(rows, KEY, lambda state: Nothing("no"), CAUSE, NOW).state is None
    assert rows.load(KEY) is None
    row = rows.commit(KEY, None, changed(1), CAUSE, NOW)
    settled = transact(rows, KEY, lambda state: Nothing("no"), CAUSE, NOW)
    assert (settled.decision, settled.state) == (Nothing("no"), row.state)
    assert rows.load(KEY) == row


def test_a_lost_race_is_decided_again_on_what_the_winner_left(rows: Repository[Count]) -> None:
    settled = transact(Meanwhile(rows, times=2), KEY, one_more, CAUSE, NOW)
    row = rows.load(KEY)
    assert row
    assert (row.state.count, row.version) == (201, 3)
    assert settled.state == row.state


def test_a_loser_for_whom_nothing_is_left_to_do_writes_nothing(rows: Repository[Count]) -> None:
    settled = transact(
        Meanwhile(rows, times=1), KEY, lambda state: Nothing("there") if state else changed(1), CAUSE, NOW
    )
    assert settled.decision == Nothing("there")
    row = rows.load(KEY)
    assert row
    assert row.state.count == 100


def test_a_race_lost_again_and_again_is_given_back(rows: Repository[Count]) -> None:
    meanwhile = Meanwhile(rows, times=99)
    with pytest.raises(Contention, match="ord_1: lost 8 races"):
        transact(meanwhile, KEY, one_more, CAUSE, NOW)
    assert meanwhile.reads == MAX_RACES


def test_contention_may_pass() -> None:
    assert issubclass(Contention, Transient)


# What only one of the two has to do with.


def test_a_transaction_at_the_same_row_is_a_lost_race(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Wire(monkeypatch).refuses("PutItem", refused("TransactionConflictException"))
    with pytest.raises(LostRace):
        DynamoDBRepository("OrdersTable", COUNTS).commit(KEY, None, changed(1), CAUSE, NOW)


@pytest.mark.parametrize("code", ["ThrottlingException", "ResourceNotFoundException"])
def test_a_failure_of_dynamodb_is_no_lost_race(tables: None, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    Wire(monkeypatch).refuses("PutItem", refused(code))
    with pytest.raises(ClientError, match=code):
        transact(DynamoDBRepository("OrdersTable", COUNTS), KEY, one_more, CAUSE, NOW)


def test_a_write_whose_answer_is_lost_is_found_done_and_not_done_again(rows: Repository[Count]) -> None:
    class AnswerLost:
        """botocore repeats a put whose answer it did not get; the second one finds the version of the first."""

        load = rows.load

        def commit(self, key: str, read: Row[Count] | None, change: Change[Count], *at: Any) -> Row[Count]:
            rows.commit(key, read, change, *at)
            return rows.commit(key, read, change, *at)

    settled = transact(AnswerLost(), KEY, lambda state: Nothing("done") if state else changed(1), CAUSE, NOW)
    assert settled.decision == Nothing("done")
    assert settled.state == Count(order_id=KEY, count=1)


def test_what_begins_a_row_is_written_without_a_read(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(monkeypatch)

    settled = transact(DynamoDBRepository("OrdersTable", COUNTS), KEY, one_more, CAUSE, NOW, begins=True)

    assert settled.state == Count(order_id=KEY, count=1)
    assert [name for name, _ in wire.calls] == ["PutItem"]


def test_a_beginning_that_is_repeated_is_decided_on_the_row_as_it_is(rows: Repository[Count]) -> None:
    def begin(state: Count | None) -> Decision[Count]:
        return Nothing(f"it is {state.count}") if state else changed(1)

    transact(rows, KEY, begin, CAUSE, NOW, begins=True)
    transact(rows, KEY, one_more, CAUSE, NOW)

    settled = transact(rows, KEY, begin, CAUSE, NOW, begins=True)

    assert settled.decision == Nothing("it is 2")
    row = rows.load(KEY)
    assert row and row.version == 2


def test_that_a_beginning_means_nothing_is_decided_on_a_read_only(rows: Repository[Count]) -> None:
    transact(rows, KEY, one_more, CAUSE, NOW)

    settled = transact(rows, KEY, lambda state: Nothing("known" if state else "new"), CAUSE, NOW, begins=True)

    assert settled.decision == Nothing("known")


def test_a_dry_run_of_a_repeated_beginning_sees_the_row_too(tables: None) -> None:
    rows = DynamoDBRepository("OrdersTable", COUNTS)
    transact(rows, KEY, one_more, CAUSE, NOW)

    settled = transact(ReadOnly(rows), KEY, one_more, CAUSE, NOW, begins=True)

    assert settled.state == Count(order_id=KEY, count=2)
    row = rows.load(KEY)
    assert row and row.version == 1, "it writes nothing"


def test_every_read_is_consistent(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # On an old copy of a row a decision for nothing would be final.
    wire = Wire(monkeypatch)
    transact(DynamoDBRepository("OrdersTable", COUNTS), KEY, lambda state: Nothing("no"), CAUSE, NOW)
    assert [call["ConsistentRead"] for call in wire.made("GetItem")] == [True]


def test_the_rows_of_a_batch_are_read_in_one_consistent_round_trip(
    tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = DynamoDBRepository("OrdersTable", COUNTS)
    table.commit(KEY, None, changed(1), CAUSE, NOW)
    wire = Wire(monkeypatch)

    rows = ReadOnce(table, table.load_all([KEY, "ord_2", KEY]))
    found = [rows.load(KEY), rows.load("ord_2"), rows.load(KEY)]

    assert [row and row.state.count for row in found] == [1, None, 1]
    ((operation, request),) = wire.calls
    keys = [{"orderId": {"S": KEY}}, {"orderId": {"S": "ord_2"}}]
    assert operation == "BatchGetItem"
    assert request["RequestItems"] == {"OrdersTable": {"Keys": keys, "ConsistentRead": True}}


def test_two_messages_of_a_batch_at_one_row_build_on_each_other(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    table = DynamoDBRepository("OrdersTable", COUNTS)
    rows = ReadOnce(table, table.load_all([KEY]))
    wire = Wire(monkeypatch)
    transact(rows, KEY, one_more, CAUSE, NOW)
    settled = transact(rows, KEY, one_more, CAUSE, NOW)
    assert settled.state == Count(order_id=KEY, count=2)
    assert [operation for operation, _ in wire.calls] == ["PutItem", "PutItem"]


def test_what_was_read_before_somebody_else_wrote_is_forgotten_and_read_again(
    tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "pause_before_retry", lambda attempt: None)
    table = DynamoDBRepository("OrdersTable", COUNTS)
    rows = ReadOnce(table, table.load_all([KEY]))
    transact(table, KEY, one_more, CAUSE, NOW)

    settled = transact(rows, KEY, one_more, CAUSE, NOW)

    assert settled.state == Count(order_id=KEY, count=2)
    assert (row := table.load(KEY)) and row.version == 2


def test_nobody_reads_ahead_where_there_is_nothing_to_read(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(monkeypatch)
    ReadOnce(DynamoDBRepository("OrdersTable", COUNTS))
    assert wire.calls == []


def test_a_row_is_stored_as_plain_attributes_with_version_and_outbox(tables: None) -> None:
    DynamoDBRepository("OrdersTable", COUNTS).commit(KEY, None, changed(1), CAUSE, NOW)
    (item,) = items_of("OrdersTable")
    assert item.keys() == {"orderId", "count", "version", "outbox"}
    assert (item["orderId"], item["count"], item["version"]) == ({"S": KEY}, {"N": "1"}, {"N": "1"})
    assert len(due(dynamodb.from_item(item))) == 1


def test_the_repository_in_memory_keeps_the_image_of_each_write_for_a_relay() -> None:
    rows = InMemoryRepository(COUNTS)
    first = rows.commit(KEY, None, changed(1), CAUSE, NOW)
    rows.commit(KEY, first, Change(Count(order_id=KEY, count=2)), CAUSE, NOW)
    assert [len(due(image)) for image in rows.images] == [1, 0]
    assert rows.items == {KEY: rows.images[1]}
    rows.images[1]["count"] = 99
    assert rows.items[KEY]["count"] == 2


def test_the_repository_in_memory_can_fail_at_each_point() -> None:
    points: list[str] = []

    def hook(point: str, key: str) -> None:
        points.append(point)
        if point == "committed":
            raise ConnectionError

    rows = InMemoryRepository(COUNTS, hook)
    with pytest.raises(ConnectionError):
        transact(rows, KEY, one_more, CAUSE, NOW)
    assert points == ["load", "commit", "committed"]
    assert rows.items[KEY]["count"] == 1


class Leaving:
    """A DynamoDB that answers one key a call and leaves the others."""

    def __init__(self) -> None:
        self.calls = 0

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        (table, wanted) = next(iter(RequestItems.items()))
        key, *rest = wanted["Keys"]
        unprocessed = {table: {**wanted, "Keys": rest}} if rest else {}
        return {"Responses": {table: [key]}, "UnprocessedKeys": unprocessed}


def keys(count: int) -> Sequence[dict[str, Any]]:
    return [{"orderId": {"S": f"ord_{n}"}} for n in range(count)]


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> Leaving:
    client = Leaving()
    monkeypatch.setattr(aws, "dynamodb", lambda: client)
    monkeypatch.setattr(repository, "pause_before_retry", lambda attempt: None)
    return client


def test_keys_that_dynamodb_leaves_are_asked_for_again(leaving: Leaving) -> None:
    found = batch_get({"Orders": {"Keys": keys(MAX_TRIES)}})
    assert found == {"Orders": [{"orderId": f"ord_{n}"} for n in range(MAX_TRIES)]}


def test_keys_that_dynamodb_leaves_again_and_again_may_be_read_later(leaving: Leaving) -> None:
    with pytest.raises(Transient):
        batch_get({"Orders": {"Keys": keys(MAX_TRIES + 1)}})
    assert leaving.calls == MAX_TRIES


def test_a_batch_is_found_by_table_and_what_is_missing_is_missing(tables: None) -> None:
    aws.dynamodb().put_item(TableName="OrdersTable", Item=keys(1)[0])
    found = batch_get({"OrdersTable": {"Keys": keys(2), "ConsistentRead": True}})
    assert found == {"OrdersTable": [{"orderId": "ord_0"}]}
