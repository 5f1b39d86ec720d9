"""Bodies of ASGI requests, for what stands in front of the emulator."""

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
    """A request's body that was read already, for its next reader."""

    async def receive() -> AsgiMessage:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
