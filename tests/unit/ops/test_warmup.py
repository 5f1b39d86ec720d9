import io
import json
from typing import Any, cast

import boto3
import pytest

from retail_ops.errors import ColdFunction
from retail_ops.local.warmup import warm_up
from retail_ops.stack.shop import FUNCTION, Shop

# As the emulator says it.
MISSING_MODULE = {
    "errorType": "RuntimeError",
    "errorMessage": """Worker init failed: \n\
Traceback (most recent call last):
  File "/usr/lib/python3.13/importlib/__init__.py", line 88, in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
  File "/tmp/emulator/orders-1/code/orders/api.py", line 3, in <module>
    import jinja2
ModuleNotFoundError: No module named 'jinja2'
""",
}
ENDED = {"errorType": "RuntimeError", "errorMessage": "Worker process exited immediately. stderr: Killed"}
REFUSED = {"errorType": "KeyError", "errorMessage": "'routeKey'"}


class Functions:
    """Functions that answer, each with an error or without one; also stands in for the session of its client."""

    def __init__(self, **errors: dict[str, str] | None) -> None:
        self._errors = errors
        self.invoked: set[str] = set()

    def client(self, _service: str, **_options: object) -> "Functions":
        return self

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert json.loads(Payload)["Records"] == []
        self.invoked.add(FunctionName)
        error = self._errors[FunctionName]
        body = io.BytesIO(json.dumps(error).encode())
        return {"Payload": body, "FunctionError": "Unhandled"} if error else {"Payload": body}


def warm(functions: Functions, *names: str) -> list[str]:
    notes: list[str] = []
    resources = {FUNCTION: {name.title(): name for name in names}}
    warm_up(Shop("shop", "r", "http://e", {}, resources, cast(boto3.Session, functions)), notes.append)
    return notes


def test_every_function_is_called_once() -> None:
    functions = Functions(orders=None, cart=None, relay=None)
    notes = warm(functions, "orders", "cart", "relay")
    assert functions.invoked == {"orders", "cart", "relay"}
    assert notes == ["1 of 3", "2 of 3", "3 of 3"]


def test_a_function_that_cannot_be_imported_is_named_with_the_place_and_the_reason() -> None:
    with pytest.raises(ColdFunction) as failure:
        warm(Functions(orders=MISSING_MODULE, cart=None), "orders", "cart")
    assert failure.value.detail.splitlines() == [
        "Orders: Worker init failed:",
        "  orders/api.py:3",
        "      import jinja2",
        "ModuleNotFoundError: No module named 'jinja2'",
    ]


def test_a_function_that_ends_its_process_while_it_is_imported_does_not_start() -> None:
    with pytest.raises(ColdFunction, match="do not start") as failure:
        warm(Functions(orders=ENDED), "orders")
    assert "exited immediately" in failure.value.detail


def test_a_function_that_refuses_the_made_up_event_is_warm_all_the_same() -> None:
    assert warm(Functions(orders=REFUSED), "orders") == ["1 of 1"]
