import json
import time
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from retail_ops.stack.logs import Line, Reader, render
from retail_ops.stack.shop import FUNCTION, LOG_GROUP, Shop
from retail_ops.stack.tracebacks import brief

# CloudWatch takes no events from long ago.
NOW = int(time.time() * 1000) - 3_600_000

TRACEBACK = """\
Traceback (most recent call last):
  File "/var/lang/site-packages/powertools/api_gateway.py", line 2975, in _call_route
    route(router_middlewares)
    ~~~~~^^^^^^^^^^^^^^^^^^^^
  File "/var/task/catalog/store.py", line 103, in get
    found = batch_get(keys)
            ~~~~~~~~~^^^^^^
  File "/var/runtime/botocore/client.py", line 1094, in _make_api_call
    raise error_class(parsed_response, operation_name)
botocore.exceptions.ClientError: not allowed"""


def line(message: str, at: int = NOW) -> Line:
    return Line(at, "OrdersReactions", message)


def structured(**fields: object) -> Line:
    return line(json.dumps({"level": "INFO", "message": "Reacted", "service": "orders", "timestamp": "x", **fields}))


def test_a_line_says_when_who_what_and_about_which_order() -> None:
    text = render(structured(order_id="o-1", event_id="e-1", emitted=["OrderConfirmed"])).plain
    assert text.split(" ", 1)[1] == (
        'INFO    OrdersReactions        Reacted o-1 event_id=e-1 emitted=["OrderConfirmed"]'
    )


def test_a_line_that_is_not_structured_is_shown_as_it_is() -> None:
    assert render(line("[ERROR] Runtime.ImportModuleError: no module\n")).plain.endswith("no module")
    assert render(line("{not json")).plain.endswith("{not json")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {
                "time": "x",
                "type": "platform.report",
                "record": {"status": "timeout", "metrics": {"durationMs": 10000.0}},
            },
            "timeout after 10.0 s",
        ),
        ({"timestamp": "x", "log_level": "ERROR", "errorType": "KeyError", "errorMessage": "'id'"}, "KeyError: 'id'"),
    ],
)
def test_what_lambda_says_of_an_invocation_that_failed_is_an_error(fields: dict[str, object], said: str) -> None:
    shown = render(line(json.dumps(fields))).plain
    assert "ERROR" in shown
    assert shown.endswith(said)


def test_a_traceback_is_shown_where_it_passes_through_the_shops_own_code() -> None:
    assert brief(TRACEBACK) == (
        "  catalog/store.py:103\n      found = batch_get(keys)\nbotocore.exceptions.ClientError: not allowed"
    )
    assert "api_gateway" not in render(structured(exception=TRACEBACK)).plain
    assert TRACEBACK in render(structured(exception=TRACEBACK), whole=True).plain


@pytest.mark.parametrize(
    "message", ["START RequestId: 1", "REPORT RequestId: 1", "\n", json.dumps({"_aws": {}, "Failed": 1})]
)
def test_what_the_runtime_and_the_metrics_say_is_of_no_interest(message: str) -> None:
    assert not line(message).of_interest


def test_what_a_function_says_is_of_interest() -> None:
    assert structured().of_interest
    assert line("Task timed out after 10.00 seconds").of_interest


def test_a_line_is_about_an_order_wherever_it_names_it() -> None:
    assert structured(order_id="o-1").names("o-1")
    assert not structured(order_id="o-1").names("o-2")


class Written:
    """CloudWatch Logs with the groups of two functions, one of which has never run."""

    def __init__(self) -> None:
        session = boto3.Session(aws_access_key_id="k", aws_secret_access_key="s", region_name="ap-southeast-1")
        self._client = session.client("logs")
        self._client.create_log_group(logGroupName="/shop/orders")
        self._client.create_log_stream(logGroupName="/shop/orders", logStreamName="s")
        functions = {"OrdersApi": "shop-OrdersApi-1", "CartApi": "shop-CartApi-1"}
        resources = {FUNCTION: functions, LOG_GROUP: {"OrdersApiLogs": "/shop/orders"}}
        shop = Shop("shop", "ap-southeast-1", None, {}, resources, session)
        self.reader = Reader(shop, list(functions), NOW)

    def write(self, *messages: tuple[int, str]) -> None:
        events = [{"timestamp": NOW + at, "message": message} for at, message in messages]
        self._client.put_log_events(logGroupName="/shop/orders", logStreamName="s", logEvents=events)  # type: ignore[arg-type]

    def read(self) -> list[str]:
        return [line.message for line in self.reader.read()]


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield Written()


def test_each_line_is_read_once_in_the_order_it_happened(logs: Written) -> None:
    logs.write((1, "first"), (2, "second"))
    assert logs.read() == ["first", "second"]
    assert logs.read() == []
    logs.write((30_000, "third"))
    assert logs.read() == ["third"]


def test_the_same_words_twice_within_a_millisecond_are_two_lines(logs: Written) -> None:
    logs.write((1, "again"), (1, "again"))
    assert logs.read() == ["again", "again"]
    logs.write((1, "again"))
    assert logs.read() == ["again"]


def test_lines_of_one_moment_stay_as_they_were_written(logs: Written) -> None:
    logs.write((1, "orders/api.py:3"), (1, "  def half("), (1, "SyntaxError: never closed"))
    assert logs.read() == ["orders/api.py:3", "  def half(", "SyntaxError: never closed"]


def test_a_line_that_arrives_after_a_newer_one_is_not_lost(logs: Written) -> None:
    logs.write((9_000, "newer"))
    assert logs.read() == ["newer"]
    logs.write((4_000, "late"))
    assert logs.read() == ["late"]
