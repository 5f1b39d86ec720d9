"""Calls every function once, so that no user waits for its cold start.

On the emulator, concurrent cold starts take seconds each. On AWS this is not needed.
"""

import json
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor, as_completed

from botocore.exceptions import BotoCoreError, ClientError

from retail_ops.errors import ColdFunction
from retail_ops.progress import Note
from retail_ops.stack.shop import Shop
from retail_ops.stack.tracebacks import brief

# For a queue's consumer it has no records, and for HTTP functions no existing route, so nothing happens.
HARMLESS = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/api/warm-up",
    "rawQueryString": "",
    "headers": {"accept": "application/json"},
    "requestContext": {
        "accountId": "000000000000",
        "apiId": "warm-up",
        "domainName": "localhost",
        "domainPrefix": "localhost",
        "http": {
            "method": "GET",
            "path": "/api/warm-up",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "warm-up",
        },
        "requestId": "warm-up",
        "routeKey": "$default",
        "stage": "$default",
        "time": "01/Jan/2026:00:00:00 +0000",
        "timeEpoch": 1767225600000,
    },
    "isBase64Encoded": False,
    "Records": [],
}

# The emulator's texts for a function whose module cannot be imported or lacks the handler, and for one whose process
# ends during the import.
NOT_STARTED = ("Worker init failed: ", "Worker process exited immediately")


def warm_up(shop: Shop, note: Note, functions: Collection[str] | None = None) -> None:
    """Invoke functions with an event that does nothing.

    Args:
        shop: a local one.
        note: called with how many are done.
        functions: logical ids; all unless they are named.

    Raises:
        ColdFunction: one cannot even be imported; the text says why.
    """
    payload = json.dumps(HARMLESS).encode()
    invoke = shop.lambda_.invoke  # Making a client is not safe in threads; using one is.
    cold: list[str] = []

    def call(logical_id: str, name: str) -> None:
        try:
            answer = invoke(FunctionName=name, Payload=payload)
            if "FunctionError" not in answer:
                return
            error = json.loads(answer["Payload"].read() or b"{}")
        except (ClientError, BotoCoreError, ValueError) as problem:
            cold.append(f"{logical_id}: {problem}")
            return
        message = str(error.get("errorMessage", ""))
        if message.startswith(NOT_STARTED) or error.get("errorType") == "MissingSetting":
            cold.append(f"{logical_id}: {brief(message)}")

    with ThreadPoolExecutor(max_workers=4) as pool:
        calls = [
            pool.submit(call, logical_id, name)
            for logical_id, name in shop.functions.items()
            if functions is None or logical_id in functions
        ]
        for done, finished in enumerate(as_completed(calls), start=1):
            finished.result()
            note(f"{done} of {len(calls)}")
    if cold:
        raise ColdFunction("These functions do not start:", "\n".join(sorted(cold)))
