"""A guest at a running shop, with IAM enforced: order, card, mail, link, adoption."""

import re

import httpx

from retail_ops.local.mails import read_mails
from retail_ops.stack.shop import Shop
from tests.support.shoppers import ADDRESS, Person, Shopper, eventually, new_product, unique


class GuestPerson:
    """Somebody without an account, whose client keeps what the shop gives it."""

    def __init__(self, shop: Shop) -> None:
        self._url = f"{shop.api_url}/guest"
        self.cookies: dict[str, str] = {}

    def call(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """One request below /guest; header names are written with underscores."""
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        named = {name.replace("_", "-"): value for name, value in headers.items()} | ({"cookie": kept} if kept else {})
        answer = (
            httpx.request(method, self._url + path, json=body, headers=named, timeout=60, trust_env=False)
            if body is not None
            else httpx.request(method, self._url + path, headers=named, timeout=60, trust_env=False)
        )
        for header in answer.headers.get_list("set-cookie"):
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def orders(self, product_id: str, email: str) -> str:
        """Order one of a product; returns the order's id."""
        assert self.call("POST", "").status_code == 200
        cart = self.call("PUT", f"/cart/items/{product_id}", {"quantity": 1}).json()
        body = {
            "email": email,
            "shippingAddress": ADDRESS,
            "shippingMethod": "standard",
            "total": cart["total"],
            "cartVersion": cart["version"],
        }
        answer = self.call("POST", "/orders", body, Idempotency_Key=unique("key"))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["orderId"])

    def sees(self, order_id: str, status: str) -> None:
        """Wait until the order is so."""
        eventually(lambda: self.call("GET", f"/orders/{order_id}").json()["status"], lambda seen: seen == status)


def test_an_order_without_an_account_is_paid_written_about_seen_by_its_link_and_adopted(
    shop: Shop, shopper: Shopper, operator: Person
) -> None:
    product, guest = new_product(operator, stock=5, price=1250), GuestPerson(shop)
    order_id = guest.orders(product, shopper.email)
    guest.sees(order_id, "RESERVED")
    paid = guest.call("POST", f"/orders/{order_id}/payment", {"method": "CARD", "cardToken": "tok_visa"})
    assert paid.status_code == 202, paid.text
    guest.sees(order_id, "CONFIRMED")
    assert guest.call("GET", f"/orders/{order_id}/payment").json()["status"] == "SUCCEEDED"

    def texts() -> list[str]:
        return [mail.text for mail in read_mails(shop, shopper.email) if "/order-link#" in mail.text]

    mails = eventually(texts, lambda seen: len(seen) == 2)
    assert not [mail for mail in mails if ADDRESS["line1"] in mail or ADDRESS["name"] in mail]
    links = [re.findall(r"/order-link#(\S+)", mail)[0] for mail in mails]
    assert len(set(links)) == 2

    reader, stranger = GuestPerson(shop), GuestPerson(shop)
    assert reader.call("POST", "/links/exchange", {"link": links[0]}).json() == {"orderId": order_id}
    assert reader.call("GET", f"/orders/{order_id}").json()["shippingAddress"] is None
    assert reader.call("GET", f"/orders/{order_id}/payment").status_code == 200
    assert stranger.call("POST", "/links/exchange", {"link": links[0]}).status_code == 403
    assert stranger.call("GET", f"/orders/{order_id}").status_code == 401
    stranger.call("POST", "")
    for method, path in [("GET", ""), ("POST", "/cancel"), ("GET", "/payment")]:
        assert stranger.call(method, f"/orders/{order_id}{path}").status_code == 404
    card = {"method": "CARD", "cardToken": "tok_visa"}
    assert reader.call("POST", f"/orders/{order_id}/payment", card).status_code == 401

    assert [each["orderId"] for each in shopper.ok("GET", "/account/adoptable")["items"]] == [order_id]
    assert shopper.ok("GET", "/orders")["items"] == []
    shopper.ok("POST", "/account/adoptions", {"orderIds": [order_id]})
    eventually(lambda: [each["orderId"] for each in shopper.ok("GET", "/orders")["items"]] == [order_id])
    assert shopper.ok("GET", f"/orders/{order_id}")["shippingAddress"] is None
    assert guest.call("GET", f"/orders/{order_id}").status_code == 404
    assert stranger.call("POST", "/links/exchange", {"link": links[1]}).json()["detail"].startswith("This order is in")
