"""What the functions call is written down at the emulator's door."""

import asyncio
import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from retail_ops.local.capacity import Table
from retail_ops.local.guard import AsgiMessage, Receive, Send
from retail_ops.local.meter import Meter, Tables
from retail_ops.local.requests import whole

KEY = "ASIAORDERS"
ORDER = {"orderId": {"S": "ord_1"}, "text": {"S": "." * 1500}}


class Emulator:
    """Stores what is put, and answers as it is told."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}
        self.answer: tuple[int, Any] = (200, {})

    async def __call__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        request = json.loads(await whole(receive))
        status, body = self.answer
        if status == 200 and "Item" in request:
            self.items[request["Item"]["orderId"]["S"]] = request["Item"]
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


class Door:
    """A metered emulator."""

    def __init__(self) -> None:
        self.emulator = Emulator()
        self.out = io.StringIO()
        tables = Tables(
            lambda name: Table(name, ["orderId"]), lambda _, key: self.emulator.items.get(key["orderId"]["S"])
        )
        self.meter = Meter(self.emulator, {KEY: "shop-OrdersApi"}.get, tables, self.out)  # type: ignore[arg-type]

    def call(
        self, target: str, request: Mapping[str, Any], key: str = KEY, path: str = "/", service: str = "dynamodb"
    ) -> Any:
        """The answer of a call, as its caller sees it."""
        sent: list[AsgiMessage] = []

        async def receive() -> AsgiMessage:
            return {"type": "http.request", "body": json.dumps(request).encode(), "more_body": False}

        async def send(message: AsgiMessage) -> None:
            sent.append(message)

        signed = f"AWS4-HMAC-SHA256 Credential={key}/20261127/ap-southeast-1/{service}/aws4_request, SignedHeaders=host"
        headers = [(b"authorization", signed.encode())]
        if target:
            headers.append((b"x-amz-target", target.encode()))
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        asyncio.run(self.meter(scope, receive, send))
        return sent[0]["status"], json.loads(sent[1]["body"])

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


@pytest.fixture
def door() -> Door:
    return Door()


def test_a_write_is_noted_with_its_function_and_its_units(door: Door) -> None:
    assert door.call("DynamoDB_20120810.PutItem", {"TableName": "Orders", "Item": ORDER}) == (200, {})

    assert door.lines == [{"caller": "shop-OrdersApi", "call": "dynamodb PutItem", "writes": {"Orders": 2}}]


def test_a_transaction_is_noted_with_twice_the_units_of_each_of_its_items(door: Door) -> None:
    check = {"ConditionCheck": {"TableName": "Carts", "Key": {"orderId": {"S": "user_1"}}}}
    door.emulator.items["ord_1"] = ORDER
    update = {"Update": {"TableName": "Orders", "Key": {"orderId": {"S": "ord_1"}}}}
    door.call("DynamoDB_20120810.TransactWriteItems", {"TransactItems": [check, update]})

    assert door.lines[0]["writes"] == {"Carts": 2, "Orders": 4}


def test_a_write_whose_condition_does_not_hold_takes_its_units_all_the_same(door: Door) -> None:
    code = "ConditionalCheckFailedException"
    door.emulator.answer = (400, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}"})
    assert door.call("DynamoDB_20120810.PutItem", {"TableName": "Orders", "Item": ORDER})[0] == 400

    assert (door.lines[0]["refused"], door.lines[0]["writes"]) == (code, {"Orders": 2})


def test_a_call_that_is_refused_for_another_reason_takes_no_units(door: Door) -> None:
    door.emulator.answer = (400, {"__type": "AccessDeniedException"})
    door.call("DynamoDB_20120810.PutItem", {"TableName": "Orders", "Item": ORDER})

    assert door.lines == [{"caller": "shop-OrdersApi", "call": "dynamodb PutItem", "refused": "AccessDeniedException"}]


def test_reads_are_noted_item_by_item_and_a_query_as_a_whole(door: Door) -> None:
    key = {"orderId": {"S": "ord_1"}}
    door.call("DynamoDB_20120810.GetItem", {"TableName": "Orders", "Key": key})
    asked = {"Orders": {"Keys": [key, {"orderId": {"S": "ord_2"}}], "ConsistentRead": True}}
    door.call("DynamoDB_20120810.BatchGetItem", {"RequestItems": asked})
    door.emulator.answer = (200, {"Items": [ORDER, ORDER, ORDER]})
    door.call("DynamoDB_20120810.Query", {"TableName": "Orders", "KeyConditionExpression": "a = :b"})

    assert [line["reads"] for line in door.lines] == [{"Orders": 0.5}, {"Orders": 2}, {"Orders": 1.0}]


def test_events_are_noted_by_name_and_other_calls_by_their_path(door: Door) -> None:
    door.call("AWSEvents.PutEvents", {"Entries": [{"DetailType": "OrderPlaced"}]}, service="events")
    door.call("", {}, path="/v2/email/outbound-emails", service="ses")

    assert door.lines == [
        {"caller": "shop-OrdersApi", "call": "events PutEvents", "events": ["OrderPlaced"]},
        {"caller": "shop-OrdersApi", "call": "ses POST /v2/email/outbound-emails"},
    ]


def test_whoever_is_no_function_is_not_noted(door: Door) -> None:
    door.call("DynamoDB_20120810.PutItem", {"TableName": "Orders", "Item": ORDER}, key="SHOPROOT")

    assert door.lines == []


def test_an_invocation_is_noted_with_its_records_and_the_lines_of_its_log(door: Door) -> None:
    def invoke(function: Any, event: Any, request_id: str) -> dict[str, Any]:
        assert (function["config"]["MemorySize"], request_id) == (512, "1")
        return {"body": event, "log": "é\nab\n"}

    records = [
        {"eventSource": "aws:sqs", "attributes": {"ApproximateReceiveCount": count}, "body": "{}"} for count in "12"
    ]
    event = {"Records": records}
    function = {"config": {"FunctionName": "shop-Relay", "MemorySize": 512}}

    assert door.meter.invoking(invoke)(function, event, "1")["body"] == event

    line = door.lines[0]
    assert line.pop("seconds") >= 0
    expected = {"caller": "shop-Relay", "memory": 512, "lines": [2, 2], "invoked": "aws:sqs", "records": 2, "first": 1}
    assert line == expected
