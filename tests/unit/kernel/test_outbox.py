"""A row is its own outbox: the write that changes it carries the events of the change, and no others."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudretail.decider import Change
from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.outbox import LONGEST_WRITE, Aggregate, Row, due
from contract import parse
from tests.support.examples import CAUSE, EXAMPLES, NOW


class Count(Model):
    order_id: str
    count: int
    note: str | None = None


COUNTS = Aggregate("counts", "orderId", Count)


def write(read: Row[Count] | None, *events: EventData) -> Row[Count]:
    state = Count(order_id="ord_1", count=read.state.count + 1 if read else 1)
    return COUNTS.after("ord_1", read, Change(state, events), CAUSE, NOW)


def published(row: Row[Count]) -> list[EventData]:
    return [parse(document).data for document in due(COUNTS.to_item(row))]


def test_versions_count_the_writes_from_one() -> None:
    first = write(None)
    assert (first.version, write(first).version) == (1, 2)


def test_a_write_hands_its_events_over_in_order() -> None:
    assert published(write(None, *EXAMPLES)) == list(EXAMPLES)


def test_a_write_without_events_hands_nothing_over_and_keeps_what_was_told_before() -> None:
    told_something = write(None, EXAMPLES[0])
    silent = write(told_something)
    assert published(silent) == []
    assert silent.outbox == told_something.outbox


def test_a_write_with_events_replaces_those_of_before() -> None:
    assert published(write(write(None, EXAMPLES[0]), EXAMPLES[1])) == [EXAMPLES[1]]


def test_a_row_that_never_told_anything_has_no_outbox() -> None:
    assert "outbox" not in COUNTS.to_item(write(None))
    assert published(write(None)) == []


def test_an_events_id_is_derived_so_that_publishing_again_is_the_same_event() -> None:
    documents = [due(COUNTS.to_item(write(write(None), *EXAMPLES[:2]))) for _ in range(2)]
    assert documents[0] == documents[1]
    assert [json.loads(document)["id"] for document in documents[0]] == ["counts:ord_1:2:0", "counts:ord_1:2:1"]


def test_an_event_names_its_cause_and_stays_in_its_trace() -> None:
    event = parse(due(COUNTS.to_item(write(None, EXAMPLES[0])))[0])
    assert (event.causation_id, event.time) == (CAUSE.id, NOW)
    assert event.traceparent.split("-")[1] == CAUSE.traceparent.split("-")[1]
    assert event.traceparent != CAUSE.traceparent


def test_an_item_comes_back_as_the_row_that_it_was() -> None:
    row = write(write(None, *EXAMPLES[:2]))
    assert COUNTS.from_item(json.loads(json.dumps(COUNTS.to_item(row)))) == row


def test_an_item_holds_json_under_outside_names_and_nothing_that_is_unset() -> None:
    assert COUNTS.to_item(write(None)) == {"orderId": "ord_1", "count": 1, "version": 1}


@given(st.lists(st.lists(st.sampled_from(EXAMPLES), max_size=3), min_size=1, max_size=8))
def test_a_stream_of_images_tells_each_event_once(writes: list[list[EventData]]) -> None:
    row: Row[Count] | None = None
    images: list[dict[str, Any]] = []
    for events in writes:
        row = write(row, *events)
        images.append(COUNTS.to_item(row))
    published = [parse(document) for image in images for document in due(image)]
    assert [event.data for event in published] == [data for events in writes for data in events]
    assert len({event.id for event in published}) == len(published)


def test_after_a_restore_the_same_version_of_a_row_has_other_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    def ids() -> list[str]:
        return [json.loads(document)["id"] for document in due(COUNTS.to_item(write(None, EXAMPLES[0])))]

    before = ids()
    monkeypatch.setenv("EPOCH", "1")
    first = ids()
    monkeypatch.setenv("EPOCH", "2")
    assert (before, first, ids()) == (["counts:ord_1:1:0"], ["counts:ord_1:1.1:0"], ["counts:ord_1:2.1:0"])


@pytest.mark.parametrize("later", [timedelta(), timedelta(seconds=30), LONGEST_WRITE, timedelta(seconds=-1)])
def test_a_write_that_took_as_long_as_a_function_can_is_published(later: timedelta) -> None:
    item = COUNTS.to_item(write(None, *EXAMPLES))
    assert due(item, NOW + later) == due(item)


def test_a_copied_row_hands_nothing_over_and_its_next_write_does() -> None:
    row = write(None, *EXAMPLES)
    much_later = NOW + LONGEST_WRITE + timedelta(seconds=1)
    assert due(COUNTS.to_item(row), much_later) == ()
    assert due(COUNTS.to_item(write(row, EXAMPLES[0])), NOW) != ()
