"""Invocations as the services of AWS make them, for handlers that are called in the test's own process."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Context:
    """What the Lambda runtime says of an invocation."""

    function_name: str = "test-function"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:ap-southeast-1:000000000000:function:test-function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


SHOPPER_CLAIMS: Mapping[str, str] = {
    "sub": "user-1",
    "email": "shopper@cloudretail.example",
    "email_verified": "true",
    "name": "Shopper",
    "token_use": "id",
}
OPERATOR_CLAIMS: Mapping[str, str] = {**SHOPPER_CLAIMS, "sub": "operator-1", "cognito:groups": "[operators]"}
STAFF_CLAIMS: Mapping[str, str] = {**SHOPPER_CLAIMS, "sub": "staff-1", "cognito:groups": "[staff]"}


def http_event(
    method: str,
    path: str,
    *,
    body: object = None,
    claims: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    raw_body: str | None = None,
    cookies: Sequence[str] = (),
) -> dict[str, Any]:
    """An HTTP API request, payload format 2.0.

    Args:
        method: GET, POST, ...
        path: with `/api`.
        body: sent as JSON; None for no body.
        claims: of the verified token; None where the route has no authorizer.
        headers: in addition to the content type.
        query: parameters.
        raw_body: sent as it is, in place of `body`.
        cookies: as `name=value`.
    """
    text = raw_body if raw_body is not None else json.dumps(body) if body is not None else None
    all_headers = {"host": "localhost"}
    if text is not None:
        all_headers["content-type"] = "application/json"
    all_headers |= {name.lower(): value for name, value in (headers or {}).items()}
    context: dict[str, Any] = {
        "accountId": "000000000000",
        "apiId": "api",
        "domainName": "localhost",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "test",
        },
        "requestId": "request-1",
        "routeKey": f"{method} {path}",
        "stage": "$default",
        "time": "01/Jan/2026:00:00:00 +0000",
        "timeEpoch": 1767225600000,
    }
    if claims is not None:
        context["authorizer"] = {"jwt": {"claims": dict(claims), "scopes": None}}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "&".join(f"{key}={value}" for key, value in (query or {}).items()),
        "headers": all_headers,
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = dict(query)
    if text is not None:
        event["body"] = text
    if cookies:
        event["cookies"] = list(cookies)
    return event


def sqs_event(
    bodies: Sequence[str], *, attempt: int = 1, queue: str = "queue", attributes: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A batch by SQS, one record for each body, with these message attributes."""
    text = {name: {"stringValue": value, "dataType": "String"} for name, value in (attributes or {}).items()}
    return {
        "Records": [
            {
                "messageId": f"message-{index}",
                "receiptHandle": f"receipt-{index}",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": str(attempt),
                    "SentTimestamp": "1767225600000",
                    "SenderId": "events",
                    "ApproximateFirstReceiveTimestamp": "1767225600000",
                },
                "messageAttributes": text,
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:ap-southeast-1:000000000000:{queue}",
                "awsRegion": "ap-southeast-1",
            }
            for index, body in enumerate(bodies)
        ]
    }
