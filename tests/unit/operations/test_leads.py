"""From a failure, an operator gets to its function's log and to the runbook's section in one step."""

import re
from typing import Any

import pytest

from cloudretail.failures import FailureState
from operations.dead_letters.domain import DeadLetter
from operations.dead_letters.leads import SECTIONS, Leads, leads_of
from retail_ops.stack.shop import PROJECT
from tests.unit.operations.test_dead_letters import dead

RUNBOOK = "https://example.com/operations.md"
HEADINGS = re.findall(r"^## (.+)$", (PROJECT / "docs/operations.md").read_text(), re.MULTILINE)


def leads(letter: DeadLetter, region: str | None = "ap-southeast-1") -> Leads:
    return leads_of(letter, stack="cloudretail-prod", region=region, runbook=RUNBOOK)


def letter(cause: dict[str, Any] | None = None, **changes: Any) -> DeadLetter:
    found = dead()
    said = {"function": "cloudretail-prod-OrdersReactions-1A2B", "request_id": "request-1", **(cause or {})}
    return found.model_copy(update={"cause": found.cause.model_copy(update=said), **changes})


def test_the_log_is_that_of_the_invocation_that_failed_around_that_time() -> None:
    found = leads(letter())
    assert found.command == "cloudretail logs OrdersReactions --request request-1 --stack cloudretail-prod"
    assert found.log
    base, _, detail = found.log.partition("#")
    assert base == "https://ap-southeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-southeast-1"
    read = re.sub(r"[*$]([0-9a-fA-F]{2})", lambda code: chr(int(code[1], 16)), detail)
    assert read.startswith(
        "logsV2:logs-insights?queryDetail=~(end~'2026-01-02T03:19:05.000Z~start~'2026-01-02T02:49:05"
    )
    assert 'filter @message like "request-1"' in read
    assert read.endswith("~source~(~'/aws/lambda/cloudretail-prod/OrdersReactions))")


def test_on_a_laptop_it_is_a_command() -> None:
    found = leads(letter(), region=None)
    assert (found.command, found.log) == ("cloudretail logs OrdersReactions --request request-1", None)


def test_what_crashed_without_a_word_is_looked_for_by_its_consumer_and_order() -> None:
    crashed = letter({"function": None, "request_id": None})
    assert leads(crashed, region=None).command == f"cloudretail logs Orders --order {crashed.order_id}"
    assert leads(crashed.model_copy(update={"order_id": None}), region=None).command == "cloudretail logs Orders"
    assert leads(crashed).log is None


@pytest.mark.parametrize(
    ("changes", "section"),
    [
        ({}, "dead-letters"),
        ({"state": FailureState.FAILING}, "failing"),
        ({"state": FailureState.FAILING, "cause": {"exception": "Held"}}, "a-provider-that-is-away"),
        *(({"found_in": queue}, section) for queue, section in SECTIONS.items()),
    ],
    ids=str,
)
def test_the_runbooks_section_is_the_failures_own_and_there(changes: dict[str, Any], section: str) -> None:
    assert leads(letter(**changes)).runbook == f"{RUNBOOK}#{section}"
    assert section in {heading.lower().replace(" ", "-") for heading in HEADINGS}
