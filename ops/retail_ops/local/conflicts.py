"""DynamoDB's transaction conflicts. The emulator itself raises none, as it handles one request after the other.

DynamoDB refuses a write of an item that an ongoing transaction writes: a transaction is cancelled with the reason
TransactionConflict, and a single write fails with TransactionConflictException. Source: Amazon DynamoDB developer
guide, "Transaction conflict handling in DynamoDB". Here a transaction is made to take a while, so that it conflicts
with others:

    transaction A of items 1, 2    ├── takes its time ──┤ carried out
    transaction B of items 2, 3          refused: [TransactionConflict, None]
    transaction C of item 3                 ├── takes its time ──┤ carried out
"""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_ops.local.guard import Application, AsgiMessage, Receive, Send, headers_of
from retail_ops.local.requests import again, whole

type Item = tuple[str, str]
"""Table, and key as JSON."""

type KeyNames = Callable[[str], Sequence[str]]
"""The key attributes' names of a table; none where there is no such table."""

_TARGET = "DynamoDB_20120810."
_SINGLE = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_TRANSACTION = "TransactWriteItems"


@dataclass(frozen=True)
class Conflicts:
    """An emulator whose transactions take time, so that concurrent ones on the same item conflict.

    Args:
        application: the emulator.
        key_names: returns the key names of a table.
        seconds: how long a transaction lasts.
    """

    application: Application
    key_names: KeyNames
    seconds: float
    _ongoing: set[Item] = field(default_factory=set)

    async def __call__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        operation = _operation(scope)
        if operation != _TRANSACTION and operation not in _SINGLE:
            await self.application(scope, receive, send)
            return
        body = await whole(receive)
        items = written(operation, json.loads(body), self.key_names)
        conflicting = [item in self._ongoing for item in items]
        if any(conflicting):
            tables = sorted({table for (table, _), each in zip(items, conflicting, strict=True) if each})
            sys.stderr.write(f"{operation}: TransactionConflict in {', '.join(tables)}\n")
            await _answer(send, refusal(operation, conflicting))
            return
        if operation in _SINGLE:
            await self.application(scope, again(body), send)
            return
        self._ongoing.update(items)
        try:
            await asyncio.sleep(self.seconds)
            await self.application(scope, again(body), send)
        finally:
            self._ongoing.difference_update(items)


def written(operation: str, request: Mapping[str, Any], key_names: KeyNames) -> list[Item]:
    """The items that a request writes or checks, in the order of the request.

    Args:
        operation: of DynamoDB.
        request: its body.
        key_names: returns the key names of a table.
    """
    if operation in _SINGLE:
        return [_item(request, key_names)]
    actions = [action for each in request.get("TransactItems", ()) for action in each.values()]
    return [_item(action, key_names) for action in actions]


def _item(action: Mapping[str, Any], key_names: KeyNames) -> Item:
    table = action["TableName"].rpartition("/")[2]
    attributes = action.get("Key") or {name: action["Item"].get(name) for name in key_names(table)}
    return table, json.dumps(attributes, sort_keys=True)


def refusal(operation: str, conflicting: Sequence[bool]) -> Mapping[str, Any]:
    """DynamoDB's answer, with status 400, to a write that conflicts with an ongoing transaction.

    Args:
        operation: of DynamoDB.
        conflicting: for each item, whether it is in another transaction.
    """
    ongoing = "Transaction is ongoing for the item"
    if operation in _SINGLE:
        return {"__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException", "message": ongoing}
    reasons = [
        {"Code": "TransactionConflict", "Message": ongoing} if each else {"Code": "None"} for each in conflicting
    ]
    codes = ", ".join(reason["Code"] for reason in reasons)
    return {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        "CancellationReasons": reasons,
    }


def _operation(scope: AsgiMessage) -> str:
    if scope["type"] != "http" or scope.get("method") != "POST":
        return ""
    target = "".join(headers_of(scope).get("x-amz-target", ()))
    return target.removeprefix(_TARGET) if target.startswith(_TARGET) else ""


async def _answer(send: Send, problem: Mapping[str, Any]) -> None:
    body = json.dumps(problem).encode()
    headers = [(b"content-type", b"application/x-amz-json-1.0"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
