"""Those whom the functions call are slow or away, as a benchmark wants it."""

import asyncio

import pytest

from retail_ops.local import faults
from retail_ops.local.faults import Fault, Faults
from retail_ops.local.guard import AsgiMessage, Receive, Send
from retail_ops.local.requests import whole

AWAY = Fault("ChargesTable", status=503)


async def emulator(scope: AsgiMessage, receive: Receive, send: Send) -> None:
    """Answers with what it was sent."""
    body = await whole(receive) if scope["type"] == "http" else b""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def answer(body: bytes, *present: Fault, path: str = "/") -> tuple[int, bytes]:
    sent: list[AsgiMessage] = []

    async def receive() -> AsgiMessage:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: AsgiMessage) -> None:
        sent.append(message)

    asyncio.run(Faults(emulator, lambda: list(present))({"type": "http", "path": path}, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_a_call_of_somebody_who_is_away_fails_and_is_not_carried_out() -> None:
    status, body = answer(b'{"TableName": "ChargesTable"}', AWAY)

    assert status == 503
    assert b"ServiceUnavailable" in body


@pytest.mark.parametrize("present", [(), (AWAY,)])
def test_every_other_call_is_carried_out_as_it_is(present: tuple[Fault, ...]) -> None:
    assert answer(b'{"TableName": "Orders"}', *present) == (200, b'{"TableName": "Orders"}')


def test_a_fault_can_be_of_a_path() -> None:
    assert answer(b"", Fault("/email", status=500), path="/v2/email/outbound")[0] == 500


def test_a_slow_one_carries_the_call_out_all_the_same() -> None:
    assert answer(b"ChargesTable", Fault("ChargesTable", seconds=0.001)) == (200, b"ChargesTable")


def test_the_faults_are_read_from_a_file() -> None:
    assert faults.read('[{"contains": "ChargesTable", "seconds": 5}]') == [Fault("ChargesTable", 5)]
    assert faults.read("") == []
