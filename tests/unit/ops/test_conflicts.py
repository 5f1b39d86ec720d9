"""Two transactions on one item at the same time conflict, as DynamoDB documents it."""

import asyncio
import json
from typing import Any

import pytest

from retail_ops.local.conflicts import Conflicts, written
from retail_ops.local.guard import AsgiMessage, Receive, Send

KEYS = {"Stock": ["productId"], "Orders": ["orderId"]}


def transaction(*actions: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "TransactWriteItems", {"TransactItems": list(actions)}


def put(order_id: str) -> dict[str, Any]:
    return {"Put": {"TableName": "Orders", "Item": {"orderId": {"S": order_id}, "total": {"N": "1"}}}}


def take(product_id: str) -> dict[str, Any]:
    return {"Update": {"TableName": "Stock", "Key": {"productId": {"S": product_id}}}}


class Emulator:
    """Carries out what it gets, and remembers it."""

    def __init__(self) -> None:
        self.carried_out: list[Any] = []

    async def __call__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.carried_out.append(json.loads(body))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def call(conflicts: Conflicts, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Returns status and answer of a request whose body comes in two parts."""
    text = json.dumps(body).encode()
    parts = [(text[:10], True), (text[10:], False)]
    sent: list[AsgiMessage] = []

    async def receive() -> AsgiMessage:
        part, more = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": more}

    async def send(message: AsgiMessage) -> None:
        sent.append(message)

    headers = [(b"x-amz-target", f"DynamoDB_20120810.{operation}".encode())]
    await conflicts({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


def at_once(*requests: tuple[str, dict[str, Any]]) -> tuple[list[tuple[int, dict[str, Any]]], Emulator]:
    emulator = Emulator()

    async def run() -> list[tuple[int, dict[str, Any]]]:
        conflicts = Conflicts(emulator, lambda table: KEYS.get(table, []), 0.01)
        answers = await asyncio.gather(*(call(conflicts, *request) for request in requests))
        # Afterwards nothing is in the way of anything.
        assert [await call(conflicts, *request) for request in requests] == [(200, {})] * len(requests)
        return answers

    answers = asyncio.run(run())
    del emulator.carried_out[-len(requests) :]
    return answers, emulator


def test_the_second_of_two_transactions_on_one_item_is_cancelled_and_its_reasons_name_the_item() -> None:
    first = transaction(put("ord_1"), take("lamp"))
    answers, emulator = at_once(first, transaction(put("ord_2"), take("lamp")))
    assert [status for status, _ in answers] == [200, 400]
    assert answers[1][1]["__type"].endswith("#TransactionCanceledException")
    assert [each["Code"] for each in answers[1][1]["CancellationReasons"]] == ["None", "TransactionConflict"]
    assert emulator.carried_out == [first[1]]


def test_a_single_write_of_an_item_in_a_transaction_conflicts_too() -> None:
    first = transaction(put("ord_1"))
    answers, emulator = at_once(first, ("PutItem", put("ord_1")["Put"]))
    assert [status for status, _ in answers] == [200, 400]
    assert answers[1][1]["__type"].endswith("#TransactionConflictException")
    assert emulator.carried_out == [first[1]]


@pytest.mark.parametrize(
    "requests",
    [
        [
            ("TransactWriteItems", {"TransactItems": [take("lamp")]}),
            ("TransactWriteItems", {"TransactItems": [take("mug")]}),
        ],
        [("PutItem", put("ord_1")["Put"]), ("PutItem", put("ord_1")["Put"])],
        [transaction(put("ord_1")), ("GetItem", {"TableName": "Orders"})],
    ],
    ids=["of different items", "without a transaction", "a read"],
)
def test_nothing_else_conflicts(requests: list[tuple[str, dict[str, Any]]]) -> None:
    answers, emulator = at_once(*requests)
    assert [status for status, _ in answers] == [200, 200]
    assert len(emulator.carried_out) == 2


def test_an_item_is_the_same_however_it_is_written() -> None:
    by_key = {"TableName": "arn:aws:dynamodb:eu-west-1:1:table/Orders", "Key": {"orderId": {"S": "ord_1"}}}
    assert written("DeleteItem", by_key, KEYS.__getitem__) == written("PutItem", put("ord_1")["Put"], KEYS.__getitem__)
