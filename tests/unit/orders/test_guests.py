"""A guest orders, sees and cancels; and nobody else does so in their place."""

from typing import Any

import pytest

from cloudretail.guests import Guest
from orders import api
from orders.domain import order_id_of
from tests.support.guests import GUEST, OTHER_GUEST, OTHER_KEYS, call_as, session_cookie, visit_cookie
from tests.support.http import Answer, call
from tests.support.invocations import SHOPPER_CLAIMS
from tests.unit.orders.conftest import ADDRESS, Shop
from tests.unit.orders.test_api import TABLE, happened

EMAIL = "guest@cloudretail.example"
PROVED = Guest(GUEST.guest_id, EMAIL)
PATHS = [("GET", ""), ("POST", "/cancel")]


BODY = {
    "email": EMAIL,
    "shippingAddress": ADDRESS,
    "shippingMethod": "standard",
    "cartVersion": 3,
    "total": {"amount": 3980, "currency": "SGD"},
}


def checks_out(cookie: str | None, key: str = "key-1", **fields: Any) -> Answer:
    body = {**BODY, **fields}
    return call(
        api.handler,
        "POST",
        "/api/guest/orders",
        body,
        headers={"Idempotency-Key": key},
        cookies=[cookie] if cookie else [],
    )


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """Two bags are in the guest's cart."""
    shop.sells("bag", price=1990, available=10)
    shop.fills_a_cart(("bag", 2), user=GUEST.guest_id)
    return shop


@pytest.fixture
def order_id(filled: Shop) -> str:
    answer = checks_out(session_cookie())
    assert answer.status == 202
    return str(answer.body["orderId"])


def test_a_guest_orders_with_an_address_that_nobody_knows_to_be_theirs(filled: Shop) -> None:
    answer = checks_out(session_cookie(), email=" Guest@CloudRetail.example ")

    order_id = order_id_of(GUEST.guest_id, "key-1")
    assert (answer.status, answer.body) == (202, {"orderId": order_id, "status": "PENDING"})
    (row,) = filled.orders()
    assert (row.state.user_id, row.state.user_email, row.state.email_proved) == (GUEST.guest_id, EMAIL, False)
    assert filled.cart(GUEST.guest_id)["items"] == []


@pytest.mark.parametrize("email", [None, "", "nobody", "a@b"])
def test_there_is_no_order_without_an_address(filled: Shop, email: str | None) -> None:
    with filled.unchanged():
        answer = checks_out(session_cookie(), email=email)

    assert (answer.status, answer.fields) == (422, ["email"])


@pytest.mark.parametrize(
    "cookie", [None, "guest=forged", session_cookie(keys=OTHER_KEYS), visit_cookie(GUEST, "ord_1")]
)
def test_nobody_orders_without_a_session(filled: Shop, cookie: str | None) -> None:
    with filled.unchanged():
        answer = checks_out(cookie)

    assert (answer.status, answer.problem) == (401, "guest-session-over")


def test_the_same_request_with_another_address_is_another_request(filled: Shop, order_id: str) -> None:
    assert checks_out(session_cookie()).body["orderId"] == order_id

    answer = checks_out(session_cookie(), email="other@cloudretail.example")

    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")


def test_cash_takes_a_proof_of_the_address(filled: Shop) -> None:
    with filled.nothing_ordered():
        answer = checks_out(session_cookie(), paymentMethod="COD")
    assert (answer.status, answer.problem, answer.body["codRefusal"]) == (409, "cod-refused", "EMAIL_NOT_PROVED")
    with filled.nothing_ordered():
        another = checks_out(session_cookie(PROVED), paymentMethod="COD", email="other@cloudretail.example")
    assert another.body["codRefusal"] == "EMAIL_NOT_PROVED"

    assert checks_out(session_cookie(PROVED), paymentMethod="COD").status == 202
    (row,) = filled.orders()
    assert (row.state.email_proved, row.state.cod_refusal) == (True, None)


def test_an_order_that_is_not_paid_yet_cannot_be_paid_in_cash_later(filled: Shop, order_id: str) -> None:
    (row,) = filled.orders()
    assert row.state.cod_refusal == "EMAIL_NOT_PROVED"


def test_one_client_orders_only_so_often_for_an_address_that_is_not_known_to_be_theirs(filled: Shop) -> None:
    def again(client: str, cookie: str = session_cookie(), email: str = EMAIL) -> int:
        headers = {"Idempotency-Key": "key-1", "x-client-address": client}
        return call_as(
            cookie, api.handler, "POST", "/api/guest/orders", BODY | {"email": email}, headers=headers
        ).status

    assert [again("203.0.113.9") for _ in range(6)] == [*[202] * 5, 429]
    assert again("198.51.100.1") == 202
    # Who has proved the address is told of the order that there is, under the same key.
    assert again("203.0.113.9", session_cookie(PROVED)) == 202


class TestWhoseItIs:
    """Who may see and cancel a guest's order."""

    def test_its_guest_sees_all_of_it_and_cancels_it(self, order_id: str) -> None:
        seen = call_as(session_cookie(), api.handler, "GET", f"/api/guest/orders/{order_id}")
        assert (seen.status, seen.body["shippingAddress"]["name"]) == (200, ADDRESS["name"])

        cancelled = call_as(session_cookie(), api.handler, "POST", f"/api/guest/orders/{order_id}/cancel")
        assert (cancelled.status, cancelled.body["status"]) == (202, "CANCELLED")

    def test_whoever_got_the_mail_sees_and_cancels_it_and_no_postal_address(self, order_id: str) -> None:
        cookie = visit_cookie(GUEST, order_id)
        seen = call_as(cookie, api.handler, "GET", f"/api/guest/orders/{order_id}")
        cancelled = call_as(cookie, api.handler, "POST", f"/api/guest/orders/{order_id}/cancel")

        assert (seen.status, seen.body["shippingAddress"]) == (200, None)
        assert (cancelled.status, cancelled.body["shippingAddress"]) == (202, None)
        for value in (ADDRESS["name"], ADDRESS["line1"], ADDRESS["phone"]):
            assert value not in str(seen.body) + str(cancelled.body)

    def test_the_guest_who_follows_the_link_still_sees_all_of_it(self, order_id: str) -> None:
        both = [session_cookie(), visit_cookie(GUEST, order_id)]
        seen = call(api.handler, "GET", f"/api/guest/orders/{order_id}", cookies=both)

        assert seen.body["shippingAddress"]["name"] == ADDRESS["name"]

    def test_a_guest_who_follows_the_link_to_anothers_order_sees_no_postal_address(self, order_id: str) -> None:
        both = [session_cookie(OTHER_GUEST), visit_cookie(GUEST, order_id)]
        seen = call(api.handler, "GET", f"/api/guest/orders/{order_id}", cookies=both)

        assert (seen.status, seen.body["shippingAddress"]) == (200, None)

    def test_where_the_address_is_known_to_be_theirs_the_link_shows_all_of_it(self, filled: Shop) -> None:
        order_id = checks_out(session_cookie(PROVED)).body["orderId"]
        seen = call_as(visit_cookie(GUEST, order_id), api.handler, "GET", f"/api/guest/orders/{order_id}")

        assert seen.body["shippingAddress"]["name"] == ADDRESS["name"]

    @pytest.mark.parametrize(("method", "path"), PATHS)
    @pytest.mark.parametrize(
        ("cookie", "status"),
        [
            pytest.param("", 401, id="no cookie"),
            pytest.param(session_cookie(OTHER_GUEST), 404, id="another guest's session"),
            pytest.param(session_cookie(keys=OTHER_KEYS), 401, id="a forged session"),
            pytest.param(visit_cookie(GUEST, "ord_other"), 401, id="a link to another order"),
            pytest.param("VISIT OF ANOTHER", 404, id="a link of another guest"),
            pytest.param("FORGED VISIT", 401, id="a forged link"),
            pytest.param("SESSION AS VISIT", 401, id="a session in the place of a link"),
            pytest.param("VISIT AS SESSION", 401, id="a link in the place of a session"),
        ],
    )
    def test_nobody_else(self, filled: Shop, order_id: str, method: str, path: str, cookie: str, status: int) -> None:
        cookies = {
            "VISIT OF ANOTHER": visit_cookie(OTHER_GUEST, order_id),
            "FORGED VISIT": visit_cookie(GUEST, order_id, OTHER_KEYS),
            "SESSION AS VISIT": session_cookie().replace("guest=", "guest-order="),
            "VISIT AS SESSION": visit_cookie(GUEST, order_id).replace("guest-order=", "guest="),
        }
        with filled.unchanged():
            answer = call_as(cookies.get(cookie, cookie), api.handler, method, f"/api/guest/orders/{order_id}{path}")

        assert answer.status == status
        assert "status" not in answer.body or answer.body["status"] == status

    @pytest.mark.parametrize(("method", "path"), PATHS)
    def test_an_account_does_not_even_with_the_guests_cookie(
        self, filled: Shop, order_id: str, method: str, path: str
    ) -> None:
        request: dict[str, Any] = {
            "claims": SHOPPER_CLAIMS,
            "cookies": [session_cookie(), visit_cookie(GUEST, order_id)],
        }
        with filled.unchanged():
            assert call(api.handler, method, f"/api/orders/{order_id}{path}", **request).status == 404
            assert call(api.handler, method, f"/api/guest/orders/{order_id}{path}", claims=SHOPPER_CLAIMS).status == 401

    @pytest.mark.parametrize(("method", "path"), PATHS)
    def test_a_guest_does_not_with_an_accounts_order(self, shop: Shop, method: str, path: str) -> None:
        order_id = shop.has_an_order()
        with shop.unchanged():
            assert call_as(session_cookie(), api.handler, method, f"/api/guest/orders/{order_id}{path}").status == 404
            assert call_as(session_cookie(), api.handler, method, f"/api/orders/{order_id}{path}").status == 401

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/api/orders"),
            ("GET", "/api/account/addresses"),
            ("GET", "/api/admin/orders"),
            ("POST", "/api/orders/ord_1/returns/ret_1/withdraw"),
        ],
    )
    def test_what_is_for_accounts_is_not_for_guests(self, shop: Shop, method: str, path: str) -> None:
        assert call_as(session_cookie(), api.handler, method, path).status == 401
        assert call_as(session_cookie(), api.handler, method, path.replace("/api", "/api/guest")).status in (404, 405)

    def test_pages_of_other_sites_do_not_with_the_guests_cookie(self, filled: Shop, order_id: str) -> None:
        with filled.unchanged():
            answer = call_as(
                session_cookie(),
                api.handler,
                "POST",
                f"/api/guest/orders/{order_id}/cancel",
                headers={"origin": "https://evil.example"},
            )

        assert (answer.status, answer.problem) == (403, "foreign-origin")


def test_a_later_change_of_the_order_keeps_what_is_known_of_the_address(filled: Shop, order_id: str) -> None:
    happened(order_id, "InventoryReserved", "PaymentSucceeded")

    row = TABLE.load(order_id)
    assert row
    assert (row.state.status, row.state.email_proved) == ("CONFIRMED", False)
