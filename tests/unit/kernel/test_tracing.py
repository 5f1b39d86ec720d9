"""W3C trace context, derived: the same request leads to the same trace, whenever it is recorded."""

import re

import pytest

from cloudretail.tracing import child, root

TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01")
XRAY = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1"


def parts(traceparent: str) -> tuple[str, ...]:
    found = TRACEPARENT.fullmatch(traceparent)
    assert found
    return found.groups()


def test_a_request_has_one_trace() -> None:
    assert root("request-1") == root("request-1") != root("request-2")
    assert parts(root("request-1"))


def test_a_request_that_xray_traces_keeps_xrays_trace() -> None:
    assert parts(root("request-1", XRAY))[0] == "67891233abcdef012345678912345678"


@pytest.mark.parametrize("header", [None, "", "Self=1-1-1", "Root=1-xyz-abc"], ids=repr)
def test_an_unreadable_xray_header_is_as_none(header: str | None) -> None:
    assert root("request-1", header) == root("request-1")


def test_what_is_caused_stays_in_the_trace_with_a_span_of_its_own() -> None:
    parent = root("request-1")
    spans = [parts(child(parent, f"orders:ord_1:1:{index}")) for index in range(2)]
    assert {trace for trace, _ in spans} == {parts(parent)[0]}
    assert len({span for _, span in spans} | {parts(parent)[1]}) == 3


@pytest.mark.parametrize("parent", ["", "nonsense", "00-" + "A" * 32 + "-" + "b" * 16 + "-01", root("r") + "-more"])
def test_where_the_parent_is_unreadable_a_new_trace_begins(parent: str) -> None:
    assert parts(child(parent, "orders:ord_1:1:0"))
