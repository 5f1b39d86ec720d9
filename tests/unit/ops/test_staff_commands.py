"""What staff's commands make of words on the command line, and of a refusal."""

from collections.abc import Callable

import httpx
import pytest

from retail_ops.commands import staff
from retail_ops.commands.staff import inspected, pieces, signed_in
from retail_ops.errors import OpsError, Refused
from retail_ops.stack.api import Api


def test_what_is_not_broken_can_be_sold_again() -> None:
    broken = pieces(["bag=1", "bag=1"], {"bag": 3, "mug": 1}, "--broken")

    assert inspected({"bag": 3, "mug": 1}, broken) == [
        {"productId": "bag", "restock": 1, "writeOff": 2},
        {"productId": "mug", "restock": 1, "writeOff": 0},
    ]


@pytest.mark.parametrize(
    "said, words",
    [
        ("bag", "say it as --broken bag=1"),
        ("=1", "say it as --broken PRODUCT=1"),
        ("bag=-1", "say it as --broken bag=1"),
        ("hat=1", "there is no hat in it, but bag, mug"),
    ],
)
def test_a_piece_that_cannot_be_is_refused_in_words(said: str, words: str) -> None:
    with pytest.raises(OpsError) as refused:
        pieces([said], {"bag": 3, "mug": 1}, "--broken")

    assert words in str(refused.value)


def test_more_broken_pieces_than_there_are_are_refused() -> None:
    with pytest.raises(OpsError, match="there are only 3 of it"):
        inspected({"bag": 3}, {"bag": 4})


type Answer = Callable[[httpx.Request], httpx.Response]


def acting(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Sign in, and ask for something that is answered so."""

    class LocalShop:
        api_url, endpoint = "http://shop/api", "http://127.0.0.1:4566"

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"idToken": "t"}) if "login" in request.url.path else answer(request)

    monkeypatch.setattr(staff, "find_shop", lambda stack: LocalShop())
    monkeypatch.setattr(staff, "Api", lambda url: Api(url, httpx.MockTransport(respond)))
    with signed_in(None, None, None) as api:
        api.call("POST", "/admin/orders/ord_1/ship")


def problem(status: int, **members: object) -> Answer:
    return lambda request: httpx.Response(status, json={"status": status, **members})


def test_a_refusal_is_told_in_the_shops_words_with_the_next_command(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OpsError) as refused:
        acting(monkeypatch, problem(409, detail="It was shipped with SingPost, SP1."))

    assert (refused.value.message, refused.value.detail) == (
        "It was shipped with SingPost, SP1.",
        "How it is: cloudretail shipments show ORDER",
    )


def test_a_field_that_the_words_name_already_is_not_named_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [{"field": "cash", "message": "is needed."}]

    with pytest.raises(OpsError) as refused:
        acting(monkeypatch, problem(422, detail="cash: is needed.", errors=errors))

    assert refused.value.message == "cash: is needed."


def test_a_shop_that_does_not_answer_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with pytest.raises(Refused, match="does not answer at"):
        acting(monkeypatch, refuse)
