"""The synchronous design: five functions that call each other over HTTP, and a shopper who waits for the last of them.

    shopper ──> cart ──> inventory: is there enough?
    shopper ──> order ──> cart: what is in it    ──> inventory: take it    order PENDING    ──> cart: empty it
    shopper ──> payment   the provider   ──> order: CONFIRMED    ──> notification: the mail
                          refused, away  ──> inventory: give it back    ──> order: CANCELLED

It is written as such a shop would be: conditions where stock is taken, a compensation where the payment fails. What it
has no answer for is a function that ends, or a call that fails, between two steps.
"""

import json
import os
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import wraps
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# One try: a shopper waits.
_config = Config(retries={"total_max_attempts": 1}, read_timeout=25, connect_timeout=2)
_tables: Any = boto3.resource("dynamodb", config=_config)
_ses: Any = boto3.client("sesv2", config=_config)


def _table(name: str) -> Any:
    return _tables.Table(os.environ[f"{name}_TABLE"])


def _call(method: str, path: str, body: object = None) -> Any:
    """Another function's answer, through the API; raises where it is not one of success."""
    request = urllib.request.Request(  # noqa: S310
        f"{os.environ['API_URL']}{path}",
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=28) as answer:  # noqa: S310
        return json.loads(answer.read() or b"null")


def _answer(status: int, body: object = None) -> dict[str, Any]:
    print(json.dumps({"level": "INFO", "message": "answered", "status": status, "time": time.time()}))  # noqa: T201
    return {"statusCode": status, "body": json.dumps(body, default=lambda it: int(it))}


def _request(event: dict[str, Any]) -> tuple[str, list[str], Any]:
    method = event["requestContext"]["http"]["method"]
    return method, event["pathParameters"]["proxy"].split("/"), json.loads(event.get("body") or "null")


def _guarded(handler: Callable[[dict[str, Any], object], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Answers 502 where something that it calls fails."""

    @wraps(handler)
    def guarded(event: dict[str, Any], context: object) -> dict[str, Any]:
        try:
            return handler(event, context)
        except (ClientError, BotoCoreError, OSError) as error:
            print(json.dumps({"level": "ERROR", "message": repr(error)}))  # noqa: T201
            return _answer(502)

    return guarded


@_guarded
def cart(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """PUT /Cart/{user}/{product}, GET and DELETE /Cart/{user}."""
    method, (user, *rest), body = _request(event)
    if method == "PUT":
        if _call("GET", f"/Inventory/{rest[0]}")["available"] < body["quantity"]:
            return _answer(409)
        _table("CART").put_item(Item={"id": user, "items": [{"productId": rest[0], **body}]})
        return _answer(200)
    if method == "DELETE":
        _table("CART").delete_item(Key={"id": user})
        return _answer(204)
    return _answer(200, _table("CART").get_item(Key={"id": user}, ConsistentRead=True).get("Item", {"items": []}))


@_guarded
def inventory(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """GET /Inventory/{product}, POST /Inventory/{product}/reserve and /release."""
    _, (product, *action), body = _request(event)
    if not action:
        found = _table("STOCK").get_item(Key={"id": product}, ConsistentRead=True)["Item"]
        return _answer(200, {"available": found["available"]})
    sign = -1 if action == ["reserve"] else 1
    try:
        _table("STOCK").update_item(
            Key={"id": product},
            UpdateExpression="ADD available :change, reserved :back",
            ConditionExpression="available >= :least",
            ExpressionAttributeValues={
                ":change": sign * body["quantity"],
                ":back": -sign * body["quantity"],
                ":least": body["quantity"] if sign < 0 else 0,
            },
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return _answer(409)
    return _answer(200)


@_guarded
def order(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """POST /Order/{user}, GET and PUT /Order/{user}/{order}."""
    method, (user, *rest), body = _request(event)
    if method == "PUT":
        _table("ORDERS").update_item(
            Key={"id": rest[0]},
            UpdateExpression="SET #status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": body["status"]},
        )
        return _answer(200)
    if method == "GET":
        return _answer(200, _table("ORDERS").get_item(Key={"id": rest[0]}, ConsistentRead=True)["Item"])
    items = _call("GET", f"/Cart/{user}")["items"]
    for item in items:
        try:
            _call("POST", f"/Inventory/{item['productId']}/reserve", {"quantity": item["quantity"]})
        except urllib.error.HTTPError as error:
            return _answer(409 if error.code == 409 else 502)
    row = {
        "id": f"ord_{uuid.uuid4().hex[:20]}",
        "userId": user,
        "createdAt": datetime.now(UTC).isoformat(),
        "status": "PENDING",
        "items": json.loads(json.dumps(items), parse_float=Decimal),
        **body,
    }
    _table("ORDERS").put_item(Item=row)
    _call("DELETE", f"/Cart/{user}")
    return _answer(201, {"orderId": row["id"]})


@_guarded
def payment(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """POST /Payment/{user}/{order}."""
    _, (user, order_id), _ = _request(event)
    bought = _call("GET", f"/Order/{user}/{order_id}")
    _table("PAYMENTS").put_item(Item={"id": order_id, "status": "SUBMITTED", "amount": bought["total"]})
    try:
        _table("PROVIDER").put_item(Item={"id": order_id})
    except (ClientError, BotoCoreError):
        for item in bought["items"]:
            _call("POST", f"/Inventory/{item['productId']}/release", {"quantity": item["quantity"]})
        _ended(user, order_id, "FAILED", "CANCELLED")
        return _answer(402)
    _ended(user, order_id, "SUCCEEDED", "CONFIRMED")
    _call("POST", f"/Notification/{order_id}", {"to": bought["userEmail"]})
    return _answer(200)


def _ended(user: str, order_id: str, payment_status: str, order_status: str) -> None:
    _table("PAYMENTS").update_item(
        Key={"id": order_id},
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": payment_status},
    )
    _call("PUT", f"/Order/{user}/{order_id}", {"status": order_status})


@_guarded
def notification(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """POST /Notification/{order}."""
    _, (order_id,), body = _request(event)
    text = {"Data": f"Your order {order_id} is confirmed."}
    _ses.send_email(
        FromEmailAddress="shop@cloudretail.example",
        Destination={"ToAddresses": [body["to"]]},
        Content={"Simple": {"Subject": text, "Body": {"Text": text}}},
    )
    return _answer(200)
