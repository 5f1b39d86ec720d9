"""Faults of those whom the functions call, for as long as a test or a benchmark wants them: slow, or away.

They stand in a file, which is read at each call: `[{"contains": "SandboxCharges", "seconds": 5}]`.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from retail_ops.local.guard import Application, AsgiMessage, Receive, Send
from retail_ops.local.requests import again, whole


@dataclass(frozen=True)
class Fault:
    """What happens to some calls.

    Attributes:
        contains: a text in the path or the body of the calls that it concerns.
        seconds: by how much they take longer.
        status: what they are answered instead; None where they are carried out.
    """

    contains: str
    seconds: float = 0
    status: int | None = None


@dataclass(frozen=True)
class Faults:
    """An emulator of which some calls are slow, or fail.

    Args:
        application: the emulator.
        present: the faults as they are now.
    """

    application: Application
    present: Callable[[], list[Fault]]

    async def __call__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        faults = self.present() if scope["type"] == "http" else []
        if not faults:
            await self.application(scope, receive, send)
            return
        body = await whole(receive)
        for fault in faults:
            if fault.contains.encode() not in scope["path"].encode() + body:
                continue
            await asyncio.sleep(fault.seconds)
            if fault.status is not None:
                headers = [(b"content-type", b"application/json")]
                await send({"type": "http.response.start", "status": fault.status, "headers": headers})
                await send({"type": "http.response.body", "body": b'{"__type": "ServiceUnavailable"}'})
                return
        await self.application(scope, again(body), send)


def read(text: str) -> list[Fault]:
    """The faults of a file."""
    found: list[dict[str, Any]] = json.loads(text or "[]")
    return [Fault(**each) for each in found]
