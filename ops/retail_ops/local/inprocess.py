"""Runs a function in this process, with its environment of a running shop, so that a debugger works."""

import contextlib
import json
import os
import time
import uuid
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TextIO

from retail_ops.errors import OpsError
from retail_ops.local.sam import local_settings
from retail_ops.stack.shop import FUNCTION, Shop, role_session


@dataclass(frozen=True)
class Context:
    """Lambda's context of an invocation."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    seconds: float
    function_version: str = "$LATEST"
    log_group_name: str = ""
    log_stream_name: str = ""
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    began: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.seconds - (time.monotonic() - self.began)) * 1000))


def invoke(shop: Shop, function: str, event: Any, log: TextIO) -> Any:
    """Call a function's handler. Afterwards, this process cannot run another function.

    Args:
        shop: its data and settings are used.
        function: logical id.
        event: the payload.
        log: takes the function's output.

    Returns:
        The handler's answer. Exceptions of the handler are raised as they are.
    """
    configuration = shop.lambda_.get_function_configuration(FunctionName=shop.resource(FUNCTION, function))
    assert shop.endpoint
    settings = configuration["Environment"]["Variables"] | local_settings(shop.endpoint, role_session(shop, function))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # Such as the caller's AWS profile.
    os.environ.update(settings)
    os.environ["AWS_LAMBDA_FUNCTION_NAME"] = configuration["FunctionName"]
    module, _, name = configuration["Handler"].rpartition(".")
    # The function's log goes to `log`, so that stdout has only the answer.
    with contextlib.redirect_stdout(log):
        handler = getattr(import_module(module), name)
        context = Context(
            configuration["FunctionName"],
            configuration["FunctionArn"],
            configuration["MemorySize"],
            configuration["Timeout"],
        )
        return handler(event, context)


def wait_for_debugger(port: int) -> None:
    """Hold this process until a debugger is attached.

    Raises:
        OpsError: the debugger's side is not installed.
    """
    # debugpy would warn about frozen modules of the standard library. The shop's own modules are plain files.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    try:
        import debugpy
    except ImportError:
        raise OpsError("debugpy is not installed here. Install it with: make venv") from None
    debugpy.listen(("127.0.0.1", port))
    debugpy.wait_for_client()


def failure_of(answer: Any) -> str | None:
    """Why an answer is a failure of the function; None if it is not."""
    match answer:
        case {"statusCode": int(status)} if status >= 500:
            return f"it answered {status}"
        case {"batchItemFailures": [_, *_] as failures}:
            failed = ", ".join(str(failure["itemIdentifier"]) for failure in failures)
            return f"it refused {failed}"
        case _:
            return None


def shown(answer: Any) -> str:
    """An answer as JSON, with the body of an HTTP answer parsed."""
    if isinstance(answer, dict) and isinstance(answer.get("body"), str):
        with contextlib.suppress(ValueError):
            answer = {**answer, "body": json.loads(answer["body"])}
    return json.dumps(answer)
