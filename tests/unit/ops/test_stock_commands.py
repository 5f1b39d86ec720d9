"""What `cloudretail stock` asks of the shop, and what it makes of the answer."""

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from retail_ops.cli import app
from retail_ops.commands import staff
from retail_ops.errors import OpsError
from retail_ops.stack.api import Api

LEVELS: dict[str, Any] = {
    "available": 8,
    "reserved": 1,
    "sold": 1,
    "received": 10,
    "writtenOff": 0,
    "adjusted": 0,
    "lowAt": None,
}
MUG = {"productId": "mug", "name": "Mug", **LEVELS}
MOVEMENT: dict[str, Any] = {
    "movementId": "mug#1",
    "productId": "mug",
    "kind": "COUNT",
    "delta": -2,
    "note": "Counted.",
    "by": "staff-1",
}
MOVEMENT |= {"at": "2026-01-02T03:04:05Z", "before": LEVELS, "after": LEVELS}


class Shop:
    """Answers what it is asked, and remembers it."""

    api_url, endpoint = "http://shop/api", "http://127.0.0.1:4566"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.keys: list[str | None] = []
        self.answer: dict[str, Any] = MOVEMENT

    def respond(self, request: httpx.Request) -> httpx.Response:
        if "login" in request.url.path:
            return httpx.Response(200, json={"idToken": "t"})
        body = json.loads(request.read() or "null")
        self.asked.append((request.method, str(request.url).removeprefix("http://shop/api/admin"), body))
        self.keys.append(request.headers.get("Idempotency-Key"))
        return httpx.Response(self.answer.get("status", 200), json=self.answer)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = Shop()
    monkeypatch.setattr(staff, "find_shop", lambda stack: shop)
    monkeypatch.setattr(staff, "Api", lambda url: Api(url, httpx.MockTransport(shop.respond)))
    return shop


def run(*words: str) -> str:
    ended = CliRunner().invoke(app, ["stock", *words])
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.stdout


@pytest.mark.parametrize(
    "words, method, path, body",
    [
        (("receive", "mug", "40"), "POST", "/stock/mug/receipts", {"quantity": 40}),
        (
            ("count", "mug", "--delta", "-2", "--note", "Counted."),
            "POST",
            "/stock/mug/adjustments",
            {"delta": -2, "reason": "COUNT", "note": "Counted."},
        ),
        (
            ("damaged", "mug", "3"),
            "POST",
            "/stock/mug/adjustments",
            {"delta": -3, "reason": "DAMAGE", "note": None},
        ),
    ],
)
def test_a_change_is_asked_for_with_a_key_and_answered_with_what_is_left(
    shop: Shop, words: tuple[str, ...], method: str, path: str, body: Any
) -> None:
    assert run(*words) == "8 of mug are available now.\n"
    assert run(*words, "--key", "note-17") == "8 of mug are available now.\n"

    assert shop.asked == [(method, path, body)] * 2
    assert shop.keys[0] not in (None, "note-17")
    assert shop.keys[1] == "note-17"


def test_two_deliveries_without_a_key_are_two(shop: Shop) -> None:
    run("receive", "mug", "40")
    run("receive", "mug", "40")

    assert shop.keys[0] != shop.keys[1]


@pytest.mark.parametrize("words, low_at", [(("watch", "mug", "--low-at", "5"), 5), (("watch", "mug"), None)])
def test_a_threshold_is_set_or_taken_away(shop: Shop, words: tuple[str, ...], low_at: int | None) -> None:
    shop.answer = MUG

    said = run(*words)

    assert shop.asked == [("PUT", "/stock/mug/threshold", {"lowAt": low_at})]
    assert said.startswith("It runs low at 5;" if low_at else "It never runs low;")


def test_the_list_shows_the_counters(shop: Shop) -> None:
    shop.answer = {"items": [{**MUG, "lowAt": 9}], "nextCursor": None}

    assert run("list", "--low").split()[-5:] == ["mug", "8", "1", "1", "9"]
    assert shop.asked[0][1] == "/stock?low=true&limit=100"


def test_the_history_says_what_was_done_why_and_what_orders_did_before(shop: Shop) -> None:
    orders = {"available": -3, "reserved": 2, "sold": 1, "writtenOff": 0}
    shop.answer = {"items": [{**MOVEMENT, "ordersBefore": orders}], "nextCursor": None}

    said = run("history", "mug")

    for words in ("count -2", "8 available afterwards", "Counted.", "orders: -3 available"):
        assert words in said


def test_a_refusal_is_told_in_the_shops_words(shop: Shop) -> None:
    shop.answer = {"status": 409, "detail": "There are only 8 available, so 9 cannot be taken off."}

    with pytest.raises(OpsError, match="only 8 available"):
        run("damaged", "mug", "9")
