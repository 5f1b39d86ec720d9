import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock, patch

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from typer.testing import CliRunner, Result

from retail_ops.cli import app
from retail_ops.errors import NoShop, OpsError
from retail_ops.local.inprocess import Context
from retail_ops.recording import samples
from retail_ops.stack.shop import FUNCTION, Shop

type Invoke = Callable[..., Result]


HANDLER = """
import os


def handler(event, context):
    print("a line of its log")
    if "fail" in event:
        raise KeyError("detail")
    if "answer" in event:
        return event["answer"]
    environment = {"table": os.environ["ORDERS_TABLE"], "key": os.environ["AWS_ACCESS_KEY_ID"]}
    environment |= {"profile": os.environ.get("AWS_PROFILE"), "past the proxy": os.environ["NO_PROXY"]}
    return {"with": event, "milliseconds": context.get_remaining_time_in_millis(), **environment}
"""


class Lambda:
    """Answers every call with what it was called with, or fails where the event says so; also its client's session."""

    def client(self, _service: str, **_options: object) -> "Lambda":
        return self

    def assume_role(self, RoleArn: str, RoleSessionName: str) -> dict[str, Any]:  # noqa: N803
        given = {"AccessKeyId": f"key of {RoleSessionName}", "SecretAccessKey": f"for {RoleArn}", "SessionToken": "t"}
        return {"Credentials": given}

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        return {
            "FunctionName": FunctionName,
            "FunctionArn": f"arn:{FunctionName}",
            "Role": "arn:role",
            "Handler": "a_function.api.handler",
            "MemorySize": 512,
            "Timeout": 10,
            "Environment": {"Variables": {"ORDERS_TABLE": "the-table"}},
        }

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
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Invoke]:
    monkeypatch.setattr("retail_ops.commands.invoke.find_shop", lambda stack: shop(None if stack else "http://e"))
    module = tmp_path / "a_function" / "api.py"
    module.parent.mkdir(parents=True)
    module.write_text(HANDLER)
    monkeypatch.syspath_prepend(tmp_path)
    with patch.dict(os.environ):
        yield lambda *words, **options: CliRunner().invoke(app, ["invoke", *words], **options)
    # Only what is the function's own: a library that is forgotten and imported again is there twice.
    for name in [name for name in sys.modules if name.partition(".")[0] == "a_function"]:
        del sys.modules[name]


def test_a_function_runs_in_this_process_with_the_variables_that_it_has_in_the_shop(
    invoke: Invoke, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"a": 1}')
    answer = invoke("OrdersApi", str(event))
    assert answer.exit_code == 0
    said = json.loads(answer.stdout)
    assert said["with"] == {"a": 1}
    assert said["key"] == "key of OrdersApi"  # Its own role's, and not that of who calls it.
    assert said["table"] == "the-table"
    assert 0 < said["milliseconds"] <= 10_000


def test_a_function_knows_nothing_of_its_callers_aws_account(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example")
    said = json.loads(invoke("OrdersApi", "-", input="{}").stdout)
    assert said["profile"] is None
    assert "127.0.0.1" in said["past the proxy"]


def test_what_a_function_logs_is_not_its_answer(invoke: Invoke) -> None:
    answer = invoke("OrdersApi", "-", input="{}")
    assert "a line of its log" in answer.stderr
    assert "a line of its log" not in answer.stdout


def test_a_functions_log_can_be_left_out(invoke: Invoke) -> None:
    answer = invoke("OrdersApi", "-", "--quiet", input="{}")
    assert json.loads(answer.stdout)["with"] == {}
    assert answer.stderr == ""


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was put into the shop."""
    put: list[str] = []

    def put_rows(_shop: Shop, content: str) -> list[str]:
        put.append(content)
        return []

    monkeypatch.setattr("retail_ops.recording.samples.put_rows", put_rows)
    return put


def test_where_there_is_no_container_engine_nothing_is_put_into_the_shop(
    invoke: Invoke, put: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    error = invoke("OrdersApi", "--container", "-", input="{}").exception
    assert isinstance(error, OpsError)
    assert "No container engine answers here" in error.message
    assert put == []


def test_a_sample_of_another_kind_is_named_as_that(invoke: Invoke, put: list[str]) -> None:
    sample = next(sample for sample in samples.load() if sample.function == "OrdersReactions")
    error = invoke("OrdersApi", str(sample.path)).exception
    assert isinstance(error, OpsError)
    assert error.message == (
        "This is a batch of a queue, and OrdersApi takes an HTTP request. Samples of it are in events/orders-api/."
    )
    assert put == []


def test_every_function_takes_its_own_samples_and_none_of_another_kind() -> None:
    kinds = set()
    for sample in samples.load():
        samples.require_kind(sample.function, sample.event)
        kinds.add(samples.kind_of(sample.event))
    assert kinds >= {"an HTTP request", "a batch of a queue", "a batch of a table's stream"}


def test_a_sample_that_comes_to_something_else_than_in_the_shop_that_it_was_recorded_from_says_so(
    invoke: Invoke, put: list[str]
) -> None:
    accepted, refused = (
        next(sample for sample in samples.load() if sample.function == "OrdersApi" and sample.is_bad is bad)
        for bad in (False, True)
    )
    # The function here answers nothing that has a status.
    told = invoke("OrdersApi", str(accepted.path)).stderr
    assert f"it came to {accepted.answer}. Codes, sessions and dead letters are" in told
    assert f"it came to {refused.answer}." in invoke("OrdersApi", str(refused.path)).stderr
    assert "it came to" not in invoke("OrdersApi", "-", input="{}").stderr


def test_a_sample_that_comes_to_the_same_says_nothing(
    invoke: Invoke, put: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = next(sample for sample in samples.load() if sample.function == "OrdersApi")
    monkeypatch.setattr("retail_ops.local.inprocess.invoke", lambda *_: {"statusCode": sample.answer})
    assert "it came to" not in invoke("OrdersApi", str(sample.path)).stderr


def test_a_function_that_breaks_down_with_a_sample_is_not_excused_by_the_shop_that_it_was_recorded_in(
    invoke: Invoke, put: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = next(sample for sample in samples.load() if sample.function == "OrdersApi")
    monkeypatch.setattr("retail_ops.local.inprocess.invoke", Mock(side_effect=KeyError("detail")))
    answer = invoke("OrdersApi", str(sample.path))
    assert isinstance(answer.exception, OpsError)
    assert "it came to" not in answer.stderr


def test_a_function_is_told_everything_that_lambda_tells_it() -> None:
    # Of mobile clients, and of functions for several tenants.
    elsewhere = {"client_context", "identity", "tenant_id"}
    told = {name for name in dir(LambdaContext) if not name.startswith("_")} - elsewhere
    context = Context("shop-OrdersApi-1", "arn", 512, 10)
    assert {name for name in told if not hasattr(context, name)} == set()


def test_the_event_can_come_from_another_program(invoke: Invoke) -> None:
    assert json.loads(invoke("OrdersApi", "-", input='{"a": 2}').stdout)["with"] == {"a": 2}


def test_a_function_that_raises_is_a_failure_with_its_traceback(invoke: Invoke) -> None:
    answer = invoke("OrdersApi", "-", input='{"fail": true}')
    assert answer.exit_code == 1
    assert isinstance(answer.exception, OpsError)
    assert answer.exception.message == "OrdersApi failed: KeyError: 'detail'"
    assert 'raise KeyError("detail")' in answer.exception.detail


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"statusCode": 200, "body": "{}"}, None),
        ({"statusCode": 404, "body": "{}"}, None),
        ({"statusCode": 500, "body": "{}"}, "it answered 500"),
        ({"batchItemFailures": []}, None),
        ({"batchItemFailures": [{"itemIdentifier": "m-1"}]}, "it refused m-1"),
        (None, None),
    ],
)
def test_an_answer_that_says_that_the_function_failed_is_a_failure(
    invoke: Invoke, answer: object, failure: str | None
) -> None:
    found = invoke("OrdersApi", "-", input=json.dumps({"answer": answer}))
    assert found.exit_code == (1 if failure else 0)
    if failure:
        assert failure in str(found.exception)
        assert found.stdout, "its answer is shown all the same"


def test_the_body_of_an_http_answer_is_shown_as_what_it_is(invoke: Invoke) -> None:
    answer = invoke("OrdersApi", "-", input='{"answer": {"statusCode": 200, "body": "{\\"a\\": 1}"}}')
    assert json.loads(answer.stdout)["body"] == {"a": 1}


def test_a_deployed_function_is_called_where_it_is(invoke: Invoke) -> None:
    answer = invoke("OrdersApi", "-", "--stack", "prod", "--yes", input='{"a": 1}')
    assert json.loads(answer.stdout) == {"called": "shop-OrdersApi-1", "with": {"a": 1}}


def test_a_deployed_function_that_fails_is_a_failure_with_its_reason(invoke: Invoke) -> None:
    error = invoke("OrdersApi", "-", "--stack", "prod", "--yes", input='{"fail": true}').exception
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


def test_standard_input_that_is_no_json_is_a_sentence_too(invoke: Invoke) -> None:
    error = invoke("OrdersApi", "-", input="").exception
    assert isinstance(error, OpsError)
    assert error.message.startswith("Standard input is not JSON")


def test_nothing_is_called_on_aws_unless_somebody_says_yes(invoke: Invoke) -> None:
    answer = invoke("OrdersApi", "-", "--stack", "prod", input="{}")
    assert answer.exit_code == 1
    assert "called" not in answer.stdout
    assert invoke("OrdersApi", "-", "--stack", "prod", "--yes", input="{}").exit_code == 0
