"""What the functions of a shop call, counted at the emulator's door: nothing in the functions knows of it.

One line of JSON is written for each call and for each invocation of a function, with whoever made it:

    {"caller": "shop-OrdersApi-1A", "call": "dynamodb PutItem", "writes": {"shop-OrdersTable-2B": 2}}
    {"caller": "shop-OrdersReactions-3C", "invoked": "aws:sqs", "records": 1, "seconds": 0.012, "lines": [310]}

Not seen here are the calls of AWS itself: its polls of queues and streams, and what a rule sends to a queue.
"""

import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from retail_ops.local import capacity
from retail_ops.local.capacity import Item, Table
from retail_ops.local.guard import SIGNED, Application, AsgiMessage, Receive, Send, headers_of
from retail_ops.local.requests import again, whole

_TARGETS = {"DynamoDB_20120810": "dynamodb", "AWSEvents": "events", "AmazonSQS": "sqs"}
"""Names of services, by what the header X-Amz-Target begins with."""

_SERVICE = 3
"""Its place in a credential's scope: key, date, region, service."""

_CHARGED = ("ConditionalCheckFailedException", "TransactionCanceledException")
"""Refusals that take units all the same."""


@dataclass(frozen=True)
class Tables:
    """The emulator's tables.

    Attributes:
        table: one of them, by name; None where there is none.
        item: an item as it is now, by table and key in DynamoDB's JSON.
    """

    table: Callable[[str], Table | None]
    item: Callable[[str, Item], Item | None]


@dataclass(frozen=True)
class Meter:
    """An emulator whose calls are counted.

    Args:
        application: the emulator.
        caller: the name of the function to which a key's id belongs; empty for anybody else.
        tables: the emulator's.
        out: takes the lines.
    """

    application: Application
    caller: Callable[[str], str]
    tables: Tables
    out: TextIO

    async def __call__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        caller, call = self._called(scope)
        if not caller:
            await self.application(scope, receive, send)
            return
        body = await whole(receive)
        request = json.loads(body) if call.startswith(("dynamodb ", "events ")) else {}
        reads, writes = (call.startswith("dynamodb ") and operands(call, request)) or ([], [])
        before = [copy.deepcopy(self._item(*write)) for write in writes]
        answer = Answer(send)
        await self.application(scope, again(body), answer)
        line: dict[str, Any] = {"caller": caller, "call": call}
        if answer.status >= 400:
            line["refused"] = answer.error
        if answer.status < 400 or answer.error in _CHARGED:
            line["writes"] = self._written(call, writes, before)
            line["reads"] = self._read(request, reads, answer)
        if call == "events PutEvents":
            line["events"] = [entry["DetailType"] for entry in request["Entries"]]
        self.note(line)

    def note(self, line: Mapping[str, Any]) -> None:
        """Write a line, without what is empty in it."""
        self.out.write(json.dumps({name: value for name, value in line.items() if value}) + "\n")
        self.out.flush()

    def invoking[**P](self, invoke: Callable[P, dict[str, Any]]) -> Callable[P, dict[str, Any]]:
        """The emulator's way of invoking a function, counted."""

        def invoke_and_note(*arguments: P.args, **named: P.kwargs) -> dict[str, Any]:
            function, event, *_ = arguments
            began = time.perf_counter()
            result = invoke(*arguments, **named)
            configuration: Any = function.get("config") or function  # type: ignore[attr-defined]
            self.note(
                {
                    "caller": configuration["FunctionName"],
                    "memory": configuration["MemorySize"],
                    "seconds": time.perf_counter() - began,
                    "lines": [len(line.encode()) for line in result.get("log", "").splitlines()],
                    **source_of(event),
                }
            )
            return result

        return invoke_and_note

    def _called(self, scope: AsgiMessage) -> tuple[str, str]:
        """Name of the calling function and of the call; empty where it is none of a function."""
        if scope["type"] != "http":
            return "", ""
        headers = headers_of(scope)
        signed = SIGNED.search(" ".join(headers.get("authorization", ())))
        caller = self.caller(signed[1]) if signed else ""
        if not caller or signed is None:
            return "", ""
        target, _, operation = "".join(headers.get("x-amz-target", ())).partition(".")
        service = signed.string[signed.start(1) :].split("/")[_SERVICE]
        if operation:
            return caller, f"{_TARGETS.get(target, service)} {operation}"
        return caller, f"{service} {scope['method']} {scope['path']}"

    def _item(self, _kind: str, name: str, key: Item) -> Item | None:
        table = self.tables.table(name)
        return self.tables.item(name, {each: key[each] for each in table.keys}) if table else None

    def _written(self, call: str, writes: list[tuple[str, str, Item]], before: list[Item | None]) -> dict[str, int]:
        found: dict[str, int] = {}
        for write, old in zip(writes, before, strict=True):
            kind, name, given = write
            if table := self.tables.table(name):
                attempted = given if kind == "Put" else None
                in_transaction = call == "dynamodb TransactWriteItems"
                for each, count in table.units(
                    old, self._item(*write), attempted=attempted, in_transaction=in_transaction
                ):
                    found[each] = found.get(each, 0) + count
        return found

    def _read(
        self, request: Mapping[str, Any], reads: list[tuple[str, Item, bool]], answer: "Answer"
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, key, consistent in reads:
            units = capacity.read(self._item("", name, key) or {}, consistent=consistent)
            found[name] = found.get(name, 0) + units
        if "KeyConditionExpression" in request:
            # What was looked at together is rounded up together.
            items = {str(number): {"M": each} for number, each in enumerate(answer.json().get("Items", ()))}
            consistent = request.get("ConsistentRead", False)
            found[request["TableName"]] = capacity.read(items, consistent=consistent)
        return found


class Answer:
    """Passes an answer on, and keeps what it said.

    Args:
        send: of the caller.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._body = b""
        self.status = 0

    async def __call__(self, message: AsgiMessage) -> None:
        self.status = message.get("status", self.status)
        self._body += message.get("body", b"")
        await self._send(message)

    def json(self) -> Any:
        """Its body."""
        return json.loads(self._body or b"{}")

    @property
    def error(self) -> str:
        """The code of a refusal."""
        try:
            return str(self.json().get("__type", self.status)).rpartition("#")[2]
        except ValueError:
            return str(self.status)


def operands(call: str, request: Mapping[str, Any]) -> tuple[list[tuple[str, Item, bool]], list[tuple[str, str, Item]]]:
    """What a call of DynamoDB reads by key, and what it writes.

    Args:
        call: such as `dynamodb PutItem`.
        request: its body.

    Returns:
        Of each read its table, its key, and whether it is consistent. Of each write what it is, its table, and its
        key, which may stand in the item.
    """
    consistent = request.get("ConsistentRead", False)
    match call.removeprefix("dynamodb "):
        case "GetItem":
            return [(request["TableName"], request["Key"], consistent)], []
        case "BatchGetItem":
            asked = request["RequestItems"].items()
            return [(table, key, it.get("ConsistentRead", False)) for table, it in asked for key in it["Keys"]], []
        case "PutItem":
            return [], [("Put", request["TableName"], request["Item"])]
        case "UpdateItem" | "DeleteItem":
            return [], [("Update", request["TableName"], request["Key"])]
        case "TransactWriteItems":
            actions = [each for action in request["TransactItems"] for each in action.items()]
            return [], [(kind, it["TableName"], it["Item"] if kind == "Put" else it["Key"]) for kind, it in actions]
        case _:
            return [], []


def source_of(event: Any) -> dict[str, Any]:
    """Who invokes a function with an event, and with how many records."""
    if not isinstance(event, dict):
        return {"invoked": "other"}
    if route := event.get("routeKey"):
        return {"invoked": "api", "route": route}
    records = event.get("Records")
    if isinstance(records, list) and records:
        first = [record for record in records if _deliveries(record) == 1]
        return {"invoked": records[0].get("eventSource", "other"), "records": len(records), "first": len(first)}
    return {"invoked": "other"}


def _deliveries(record: Mapping[str, Any]) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
