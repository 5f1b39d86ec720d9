"""What an order takes: counted from lines, priced, held against its budget, and shown."""

import dataclasses
from typing import Any

import pytest

from bench import budget, report
from bench.counts import INDEXES, LIMITS, LOG_EVENT, Count
from bench.kinds import KINDS
from bench.pricing import BATCHES, bought, dollars, listed, prices, regions

LINES: list[dict[str, Any]] = [
    {
        "caller": "OrdersApi",
        "call": "dynamodb TransactWriteItems",
        "writes": {"OrdersTable": 4, "OrdersTable/status": 1, "LimitsTable": 2},
        "reads": {"CartTable": 0.5},
    },
    {"caller": "OrdersApi", "invoked": "api", "seconds": 0.1, "memory": 512, "lines": [100, 200]},
    {"caller": "Relay", "call": "events PutEvents", "events": ["OrderPlaced", "OrderConfirmed"]},
    {"caller": "Relay", "invoked": "aws:dynamodb", "seconds": 0.1, "memory": 512, "records": 3},
    {"caller": "MailReactions", "call": "ses POST /v2/email/outbound-emails"},
    {"caller": "MailReactions", "call": "ses POST /v2/email/outbound-emails", "refused": "500"},
    {"caller": "MailReactions", "invoked": "aws:sqs", "seconds": 0.2, "memory": 1024, "records": 2, "first": 1},
]


@pytest.fixture
def count() -> Count:
    return Count.of(LINES)


def test_lines_add_up_to_what_an_order_takes(count: Count) -> None:
    assert count.calls["OrdersApi dynamodb TransactWriteItems"] == 1
    assert count.behind == {"Relay events PutEvents": 1, "MailReactions ses POST /v2/email/outbound-emails": 2}
    assert (count.write_units(), count.write_units(LIMITS), count.write_units(INDEXES)) == (4, 2, 1)
    assert (count.events, count.mails, count.requests, count.records) == (2, 1, 1, 3)
    assert (count.messages, count.invocations) == (1, 3)
    assert count.gigabyte_seconds == pytest.approx(0.3)
    assert count.log_bytes == 300 + 2 * LOG_EVENT


def test_the_median_is_taken_figure_by_figure() -> None:
    counts = [Count(calls={"a": 1}, events=1), Count(calls={"a": 3, "b": 1}, events=5), Count(calls={"a": 2}, events=2)]

    assert Count.median(counts) == Count(calls={"a": 2}, events=2)


def test_a_batch_shares_its_receive_its_deletion_and_its_invocation(count: Count) -> None:
    alone, together = (bought(count, size) for size in BATCHES)

    assert alone["queue-requests"] == 3
    assert together["queue-requests"] == pytest.approx(1.2)
    assert alone["invocations"] == 3
    assert together["invocations"] == pytest.approx(3 - 4 + 0.4)


def test_every_price_has_a_source_with_its_date() -> None:
    for region in regions():
        for name, price in prices(region).items():
            source = listed()["sources"][price.source]
            assert source["url"], name
            assert source["date"], name
            assert price.dollars > 0


def test_the_region_of_the_tables_has_a_price_for_all_that_is_counted(count: Count) -> None:
    assert set(prices(report.HOME)) == set(bought(count, 1))
    assert dollars(count, report.HOME, 1) > dollars(count, report.HOME, 10) > 0


def test_every_kind_of_order_is_recorded_and_has_a_budget_that_it_keeps() -> None:
    recorded = report.counts()

    assert set(recorded) == set(KINDS) == set(budget.allowed())
    for kind, each in recorded.items():
        assert list(budget.exceeded(kind, each)) == []
        assert set(budget.allowed()[kind]) == set(budget.FIGURES), "each figure has a budget"


def test_an_order_over_its_budget_names_the_call_that_was_not_there() -> None:
    recorded = report.counts()["cash"]
    more = {**recorded.calls, "PaymentsReactions dynamodb GetItem": 10}

    (sentence,) = budget.exceeded("cash", dataclasses.replace(recorded, calls=more))

    assert "calls behind the API, its budget is" in sentence
    assert "PaymentsReactions dynamodb GetItem takes 10, was 0" in sentence


def test_the_documents_are_what_was_recorded() -> None:
    for path, text in report.documents().items():
        assert path.read_text() == text, f'write {path.name} anew with: make cost ARGS="--document"'


def test_a_document_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for bill"):
        report.written("<!-- kinds -->\n<!-- /kinds -->\n", {"kinds": "| |", "bill": "| |"})
