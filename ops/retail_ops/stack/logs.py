"""The functions' logs from CloudWatch Logs, as lines for people."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from retail_ops.console import visible
from retail_ops.stack.shop import LOG_GROUP, Shop
from retail_ops.stack.tracebacks import brief

# Lines of the runtime around each invocation. The functions' own lines say more about failures.
RUNTIME = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START", "XRAY TraceId")

LEVELS = {"DEBUG": "dim", "INFO": "cyan", "WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}

# Fields that Powertools adds to every line, and fields that are shown elsewhere in the line.
USUAL = {
    "level", "message", "timestamp", "service", "location", "cold_start", "function_name", "function_memory_size",
    "function_arn", "function_request_id", "request_id", "xray_trace_id", "sampling_rate", "exception",
    "exception_name", "stack_trace", "order_id", "traceparent", "correlation_id",
}  # fmt: skip

OVERLAP = 10_000
"""Milliseconds by which each read overlaps the previous one: CloudWatch shows some lines later than newer ones."""


@dataclass(frozen=True)
class Line:
    """A line of a function's log.

    Args:
        at: milliseconds since the epoch.
        function: logical id.
        message: the line as it was written.
    """

    at: int
    function: str
    message: str

    @property
    def fields(self) -> Mapping[str, Any]:
        """The fields of a structured line; empty for any other line."""
        if self.message.startswith("{"):
            try:
                content = json.loads(self.message)
            except ValueError:
                return {}
            if isinstance(content, dict):
                return content
        return {}

    @property
    def of_interest(self) -> bool:
        """Whether the function itself wrote the line, and it is not a metric."""
        return bool(self.message.strip()) and not self.message.startswith(RUNTIME) and "_aws" not in self.fields

    def names(self, id_: str) -> bool:
        """Whether the line has this id of an order or a request, even in a message that is not an event."""
        return id_ in self.message


def render(line: Line, *, whole: bool = False) -> Text:
    """A line in colours: time, level, function, message, order, and its other fields.

    Args:
        line: to be shown.
        whole: with all of a traceback, libraries included.
    """
    fields = line.fields
    level = str(fields.get("level") or fields.get("log_level") or ("ERROR" if _is_platforms(fields) else ""))
    text = Text(no_wrap=False)
    clock = datetime.fromtimestamp(line.at / 1000, UTC).astimezone()
    text.append(f"{clock:%H:%M:%S}.{line.at % 1000:03d} ", "dim")
    text.append(f"{level:<7} ", LEVELS.get(level, "dim"))
    text.append(f"{line.function:<22} ", "magenta")
    if not fields:
        text.append(visible(line.message.rstrip()))
        return text
    message = fields.get("message") or _by_lambda(fields)
    text.append(_value(message), "bold" if level in ("ERROR",) else "")
    if order := fields.get("order_id") or fields.get("correlation_id"):
        text.append(f" {_value(order)}", "green")
    for name, value in () if _is_lambdas(fields) else fields.items():
        if name not in USUAL:
            text.append(f" {visible(name)}=", "dim")
            text.append(_value(value))
    if trace := fields.get("exception"):
        text.append(f"\n{visible(str(trace) if whole else brief(str(trace)))}", "red")
    return text


def _is_platforms(fields: Mapping[str, Any]) -> bool:
    """Whether Lambda itself wrote the line. It does so only for failed invocations (LoggingConfig in the template)."""
    return str(fields.get("type", "")).startswith("platform.")


def _is_lambdas(fields: Mapping[str, Any]) -> bool:
    return _is_platforms(fields) or "errorType" in fields


def _by_lambda(fields: Mapping[str, Any]) -> str:
    """Lambda's text for an uncaught error or a time-out.

    Source: Lambda developer guide, "Working with Lambda function logs", JSON system logs.
    """
    if not _is_platforms(fields):
        said = [str(fields[name]) for name in ("errorType", "errorMessage") if name in fields]
        return ": ".join(said)
    record = fields.get("record", {})
    seconds = record.get("metrics", {}).get("durationMs", 0) / 1000
    return f"{record.get('status', fields['type'])} after {seconds:.1f} s"


def _value(value: Any) -> str:
    return visible(value if isinstance(value, str) else json.dumps(value))


class Reader:
    """Reads the logs of some functions, each line once.

    Args:
        shop: whose functions.
        functions: logical ids.
        since: milliseconds since the epoch; older lines are left out.
    """

    def __init__(self, shop: Shop, functions: list[str], since: int) -> None:
        self._shop = shop
        self._groups = {function: _group(shop, function) for function in functions}
        self._from = dict.fromkeys(functions, since)
        self._seen: dict[tuple[str, str, int, str, int], int] = {}

    def read(self) -> list[Line]:
        """The lines that were not read before, oldest first. Lines of the same moment keep their order."""
        lines = [line for function in self._groups for line in self._read(function)]
        return sorted(lines, key=lambda line: line.at)

    def _read(self, function: str) -> Iterator[Line]:
        client = self._shop.logs
        start = self._from[function]
        newest = start + OVERLAP
        # The same words can be written twice within a millisecond: they are counted.
        times: dict[tuple[str, int, str], int] = {}
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=self._groups[function], startTime=start)
        try:
            for page in pages:
                for event in page["events"]:
                    at, message, stream = event["timestamp"], event["message"], event.get("logStreamName", "")
                    count = times[(stream, at, message)] = times.get((stream, at, message), 0) + 1
                    key = (function, stream, at, message, count)
                    newest = max(newest, at)
                    if key not in self._seen:
                        self._seen[key] = at
                        yield Line(at, function, message)
        except client.exceptions.ResourceNotFoundException:
            return  # It has not run yet.
        self._from[function] = newest - OVERLAP
        self._seen = {key: at for key, at in self._seen.items() if key[0] != function or at >= newest - OVERLAP}


def _group(shop: Shop, function: str) -> str:
    declared = shop.resources.get(LOG_GROUP, {}).get(f"{function}Logs")
    return declared or f"/aws/lambda/{shop.functions[function]}"
