"""The addresses that an account keeps for its next checkouts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudretail.envelope import Cause
from cloudretail.errors import Conflict
from contract.values import Address
from orders import api, commands
from orders.address_book import MAX_ADDRESSES
from tests.support.http import Answer, call
from tests.support.invocations import SHOPPER_CLAIMS
from tests.support.turns import calls_take_turns
from tests.unit.orders.conftest import ADDRESS, Shop

STRANGER = {**SHOPPER_CLAIMS, "sub": "user-2"}


def ask(method: str, address_id: str = "", body: object = None, *, claims: Any = SHOPPER_CLAIMS) -> Answer:
    path = f"/api/account/addresses{f'/{address_id}' if address_id else ''}"
    return call(api.handler, method, path, body, claims=claims)


def save(address_id: str, *, is_default: bool = False, **changes: Any) -> Answer:
    return ask("PUT", address_id, {"shippingAddress": {**ADDRESS, **changes}, "isDefault": is_default})


def kept(answer: Answer) -> list[tuple[str, bool]]:
    """Ids, and which one is the default."""
    assert answer.status == 200
    return [(each["addressId"], each["isDefault"]) for each in answer.body["items"]]


def test_an_account_that_has_kept_nothing_has_an_empty_list(shop: Shop) -> None:
    assert kept(ask("GET")) == []


def test_the_first_address_is_the_default_until_another_one_is(shop: Shop) -> None:
    assert kept(save("home")) == [("home", True)]
    assert kept(save("work")) == [("home", True), ("work", False)]
    assert kept(save("work", is_default=True)) == [("home", False), ("work", True)]
    assert kept(save("work")) == [("home", False), ("work", True)], "a default stays it until another one is"
    assert kept(ask("GET")) == [("home", False), ("work", True)]


def test_an_address_is_kept_as_checkout_would_write_it(shop: Shop) -> None:
    answer = save("home", phone="8123 4567", line2=" ")
    (home,) = answer.body["items"]
    assert home["shippingAddress"]["phone"] == "+6581234567"


def test_what_checkout_refuses_is_not_kept_and_the_field_is_named(shop: Shop) -> None:
    with shop.unchanged():
        answer = save("home", postalCode="ABC")
        assert (answer.status, answer.fields) == (422, ["shippingAddress.postalCode"])
        answer = save("home", name="  ")
        assert (answer.status, answer.fields) == (422, ["shippingAddress.name"])


def test_an_address_takes_the_place_of_the_one_with_its_id(shop: Shop) -> None:
    save("home")
    save("work")
    answer = save("home", line1="2 Main Street")
    assert [each["shippingAddress"]["line1"] for each in answer.body["items"]] == ["2 Main Street", "1 Main Street"]


def test_the_same_again_writes_nothing(shop: Shop) -> None:
    save("home")
    with shop.unchanged():
        assert kept(save("home")) == [("home", True)]


def test_without_its_default_an_account_begins_with_its_oldest_address(shop: Shop) -> None:
    for each in ("home", "work", "parents"):
        save(each, is_default=each == "parents")
    assert kept(ask("DELETE", "parents")) == [("home", True), ("work", False)]
    assert kept(ask("DELETE", "work")) == [("home", True)]
    assert kept(ask("DELETE", "home")) == []


def test_an_account_keeps_so_many_addresses_and_no_more_whatever_is_sent_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls_take_turns(monkeypatch)
    for number in range(MAX_ADDRESSES - 2):
        save(f"address-{number}")

    def save_at_once(address_id: str) -> bool:
        try:
            commands.save_address(
                api._address_books(),
                "user-1",
                address_id,
                Address.model_validate(ADDRESS),
                is_default=False,
                cause=Cause("request-1", ""),
                now=datetime.now(UTC),
            )
        except Conflict as refusal:
            assert refusal.type == "address-book-full"
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(save_at_once, [f"new-{number}" for number in range(4)]))

    assert sum(saved) == 2
    assert len(kept(ask("GET"))) == MAX_ADDRESSES
    assert save("one-more").problem == "address-book-full"
    assert save("address-0", line1="2 Main Street").status == 200, "one that is there can still be changed"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_strangers_address_does_not_exist(shop: Shop, method: str) -> None:
    save("home")
    with shop.unchanged():
        if method == "GET":
            assert kept(ask("GET", claims=STRANGER)) == []
        else:
            assert ask("DELETE", "home", claims=STRANGER).status == 404
