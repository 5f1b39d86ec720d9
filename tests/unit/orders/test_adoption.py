"""A guest's orders become an account's: those with its own verified address, and only if its person says so."""

from collections.abc import Callable
from typing import Any

import pytest

from contract.values import PaymentMethod
from orders import api
from tests.support.guests import GUEST, OTHER_GUEST, call_as, session_cookie, visit_cookie
from tests.support.http import Answer, call
from tests.support.invocations import SHOPPER_CLAIMS
from tests.unit.orders.conftest import ADDRESS, Shop
from tests.unit.orders.test_api import happened
from tests.unit.orders.test_guests import checks_out

EMAIL = SHOPPER_CLAIMS["email"]
USER = SHOPPER_CLAIMS["sub"]
OTHER_CLAIMS = {**SHOPPER_CLAIMS, "sub": "user-2", "email": "other@cloudretail.example"}


def adoptable(claims: Any = SHOPPER_CLAIMS) -> list[str]:
    return [each["orderId"] for each in call(api.handler, "GET", "/api/account/adoptable", claims=claims).body["items"]]


def adopts(*order_ids: str, claims: Any = SHOPPER_CLAIMS) -> Answer:
    return call(api.handler, "POST", "/api/account/adoptions", {"orderIds": list(order_ids)}, claims=claims)


def guest_orders(shop: Shop, email: str = EMAIL, guest: Any = GUEST, key: str = "key-1") -> str:
    shop.sells("bag", price=1990, available=10)
    shop.fills_a_cart(("bag", 2), user=guest.guest_id)
    answer = checks_out(session_cookie(guest), key, email=email)
    assert answer.status == 202
    return str(answer.body["orderId"])


def held_by(shop: Shop, user_id: str) -> set[str]:
    rows = [row for row in shop.rows("LimitsTable") if row["userId"] == user_id]
    return {name for row in rows for name in row if name.startswith("ord_")}


def test_an_account_is_offered_the_guests_orders_with_its_own_address_and_no_others(shop: Shop) -> None:
    mine = guest_orders(shop)
    theirs = guest_orders(shop, "third@cloudretail.example", OTHER_GUEST)
    shop.has_an_order("key-9")

    assert adoptable() == [mine]
    assert adoptable(OTHER_CLAIMS) == []
    assert theirs


def test_the_offer_does_not_say_where_anybody_lives(shop: Shop) -> None:
    guest_orders(shop)
    offered = str(call(api.handler, "GET", "/api/account/adoptable", claims=SHOPPER_CLAIMS).body)

    assert not [value for value in ADDRESS.values() if value in offered and len(value) > 2]


def test_nothing_becomes_an_accounts_by_itself(shop: Shop) -> None:
    order_id = guest_orders(shop)

    assert call(api.handler, "GET", "/api/orders", claims=SHOPPER_CLAIMS).body["items"] == []
    assert call(api.handler, "GET", f"/api/orders/{order_id}", claims=SHOPPER_CLAIMS).status == 404


def test_an_accepted_order_is_the_accounts_and_no_longer_the_guests(shop: Shop) -> None:
    order_id = guest_orders(shop)

    answer = adopts(order_id)

    assert (answer.status, [each["orderId"] for each in answer.body["items"]]) == (200, [order_id])
    seen = call(api.handler, "GET", f"/api/orders/{order_id}", claims=SHOPPER_CLAIMS)
    assert [step["event"] for step in seen.body["story"]] == ["OrderPlaced", "OrderAdopted"]
    assert adoptable() == []
    for cookie in (session_cookie(), visit_cookie(GUEST, order_id)):
        assert call_as(cookie, api.handler, "GET", f"/api/guest/orders/{order_id}").status == 404


def test_who_adopts_a_strangers_order_does_not_learn_where_they_live(shop: Shop) -> None:
    order_id = guest_orders(shop)
    adopts(order_id)

    seen = call(api.handler, "GET", f"/api/orders/{order_id}", claims=SHOPPER_CLAIMS)
    assert seen.body["shippingAddress"] is None
    assert ADDRESS["line1"] not in str(seen.body)


@pytest.mark.parametrize("order", ["another address", "an account's", "none", "adopted by another"])
def test_what_is_not_offered_is_not_to_be_had(shop: Shop, order: str) -> None:
    made: dict[str, Callable[[], str]] = {
        "another address": lambda: guest_orders(shop, "third@cloudretail.example"),
        "an account's": lambda: shop.has_an_order(claims=OTHER_CLAIMS),
        "none": lambda: "ord_none",
        "adopted by another": lambda: guest_orders(shop, OTHER_CLAIMS["email"]),
    }
    order_id = made[order]()
    if order == "adopted by another":
        adopts(order_id, claims=OTHER_CLAIMS)

    with shop.unchanged():
        answer = adopts(order_id)

    assert (answer.status, answer.problem) == (404, "not-found")


def test_accepting_again_is_answered_the_same_and_changes_nothing(shop: Shop) -> None:
    order_id = guest_orders(shop)
    first = adopts(order_id)

    with shop.unchanged():
        assert adopts(order_id) == first


def test_an_open_order_counts_for_the_account_from_then_on_and_until_it_has_ended(shop: Shop) -> None:
    order_id = guest_orders(shop)
    assert (held_by(shop, GUEST.guest_id), held_by(shop, USER)) == ({order_id}, set())

    adopts(order_id)
    assert (held_by(shop, GUEST.guest_id), held_by(shop, USER)) == (set(), {order_id})

    call(api.handler, "POST", f"/api/orders/{order_id}/cancel", claims=SHOPPER_CLAIMS)
    assert held_by(shop, USER) == set()


def test_a_paid_order_does_not_count_for_the_account(shop: Shop) -> None:
    order_id = guest_orders(shop)
    happened(order_id, "InventoryReserved", "PaymentSucceeded", method=PaymentMethod.CARD)
    adopts(order_id)

    assert held_by(shop, USER) == set()


def test_a_guest_adopts_nothing(shop: Shop) -> None:
    order_id = guest_orders(shop)
    for path in ("/api/account/adoptions", "/api/guest/account/adoptions"):
        assert call_as(session_cookie(), api.handler, "POST", path, {"orderIds": [order_id]}).status in (401, 404)
