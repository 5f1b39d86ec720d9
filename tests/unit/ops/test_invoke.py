import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from typer.testing import CliRunner, Result

from retail_ops.cli import app
from retail_ops.errors import NoShop, OpsError
from retail_ops.shop import FUNCTION, Shop

type Invoke = Callable[..., Result]


class Lambda:
    """Answers every call with what it was called with, or fails where the event says so; also its client's session."""

    def client(self, _service: str, **_options: object) -> "Lambda":
        return self

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        event = json.loads(Payload)
        if "fail" in event:
            error = {"errorType": "KeyError", "errorMessage": "'detail'", "stackTrace": ["  at store.py\n"]}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(error).encode())}
        return {"Payload": io.BytesIO(json.dumps({"called": FunctionName, "with": event}).encode())}


def shop(endpoint: str | None) -> Shop:
    functions = {FUNCTION: {"OrdersApi": "shop-OrdersApi-1"}}
    return Shop("shop", "ap-southeast-1", endpoint, {}, functions, cast(boto3.Session, Lambda()))


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setattr("retail_ops.commands.invoke.find_shop", lambda stack: shop(None if stack else "http://e"))
    return lambda *words, **options: CliRunner().invoke(app, ["invoke", *words], **options)


def test_a_function_is_called_with_the_event_in_a_file(invoke: Invoke, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"a": 1}')
    answer = invoke("OrdersApi", str(event))
    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == {"called": "shop-OrdersApi-1", "with": {"a": 1}}


def test_the_event_can_come_from_another_program(invoke: Invoke) -> None:
    assert json.loads(invoke("OrdersApi", "-", input='{"a": 2}').stdout)["with"] == {"a": 2}


def test_a_function_that_fails_is_a_failure_with_its_reason(invoke: Invoke) -> None:
    error = invoke("OrdersApi", "-", input='{"fail": true}').exception
    assert isinstance(error, OpsError)
    assert error.message == "OrdersApi failed: KeyError: 'detail'"
    assert error.detail == "  at store.py\n"


def test_an_unknown_function_is_answered_with_those_that_are_there(invoke: Invoke) -> None:
    error = invoke("OrderApi", "-", input="{}").exception
    assert isinstance(error, NoShop)
    assert "it has: OrdersApi" in error.message


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), ("{", "is not JSON")])
def test_an_event_that_cannot_be_read_is_a_sentence(
    invoke: Invoke, tmp_path: Path, content: str | None, reason: str
) -> None:
    event = tmp_path / "event.json"
    if content is not None:
        event.write_text(content)
    error = invoke("OrdersApi", str(event)).exception
    assert isinstance(error, OpsError)
    assert reason in error.message


def test_nothing_is_called_on_aws_unless_somebody_says_yes(invoke: Invoke) -> None:
    answer = invoke("OrdersApi", "-", "--stack", "prod", input="{}")
    assert answer.exit_code == 1
    assert "called" not in answer.stdout
    assert invoke("OrdersApi", "-", "--stack", "prod", "--yes", input="{}").exit_code == 0
