"""Bodies of ASGI requests, for the applications in front of the emulator."""

from retail_ops.local.guard import AsgiMessage, Receive


async def whole(receive: Receive) -> bytes:
    """The body of a request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def again(body: bytes) -> Receive:
    """A body that was read already, as a `receive` for the next application."""

    async def receive() -> AsgiMessage:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
