"""People at a running shop: what they do over HTTP, and what the shop's tables say of it."""

import time
import uuid
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

import httpx
from boto3.dynamodb.types import TypeDeserializer

from cloudretail.dynamodb import to_item
from cloudretail.outbox import Row
from orders.store import RATES
from retail_ops.local.mails import Mail, read_mails
from retail_ops.stack.seed import STAFF, Account, create_accounts
from retail_ops.stack.shop import Shop
from tests.support.rates import FREE, PHONE

PASSWORD = "Passw0rd-2026"
ADDRESS = {
    "name": "A. Shopper",
    "line1": "1 Market Street",
    "city": "Singapore",
    "postalCode": "048941",
    "country": "SG",
    "phone": PHONE,
}

PATIENCE = 60.0
"""Seconds until a condition that the shop should come to is given up."""


def eventually[T](look: Callable[[], T], is_true: Callable[[T], bool] = bool, patience: float = PATIENCE) -> T:
    """Look again and again until what is seen `is_true`; raises AssertionError with the last look otherwise."""
    deadline = time.monotonic() + patience
    while True:
        seen = look()
        if is_true(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {patience:.0f} s: {seen!r}")
        time.sleep(0.05)


def unique(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


class SignedIn(httpx.Auth):
    """Sends the token along; gets another one when it has run out, as the storefront does."""

    requires_response_body = True

    def __init__(self, shop: Shop, token: str, email: str, password: str | None) -> None:
        self._shop = shop
        self._token = token
        self._credentials = {"email": email, "password": password} if password else None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED and self._credentials:
            login = httpx.Request("POST", f"{self._shop.api_url}/auth/login", json=self._credentials)
            session = yield login
            self._token = session.json()["idToken"]
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request


class Person:
    """Somebody who talks to the shop's API.

    Args:
        shop: a running one.
        token: ID token; None for a stranger.
        email: of the account.
        password: of the account, to sign in again when the token has run out; None where the test is about that.
    """

    def __init__(self, shop: Shop, token: str | None = None, email: str = "", password: str | None = None) -> None:
        self.shop = shop
        self.token = token
        self.email = email
        auth = SignedIn(shop, token, email, password) if token else None
        self.http = httpx.Client(base_url=shop.api_url, auth=auth, timeout=60, trust_env=False)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """One request; header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is None:
            return self.http.request(method, path, headers=named)
        return self.http.request(method, path, json=body, headers=named)

    def ok(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """One request that has to succeed; returns its JSON."""
        answer = self.call(method, path, body, **headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


class Shopper(Person):
    """A person with an account and a cart."""

    def put(self, product_id: str, quantity: int = 1) -> dict[str, Any]:
        """Put a product into the cart; returns the cart."""
        cart: dict[str, Any] = self.ok("PUT", f"/cart/items/{product_id}", {"quantity": quantity})
        return cart

    def check_out(
        self, key: str | None = None, *, method: str | None = None, version: int | None = None
    ) -> httpx.Response:
        """Check out the cart as it is now."""
        seen = version if version is not None else self.ok("GET", "/cart")["version"]
        body: dict[str, Any] = {
            "shippingAddress": ADDRESS,
            "shippingMethod": "standard",
            "total": self.ok("GET", "/cart")["total"],
            "cartVersion": seen,
        }
        if method:
            body["paymentMethod"] = method
        return self.call("POST", "/orders", body, Idempotency_Key=key or unique("key"))

    def order(self, product_id: str, quantity: int = 1, *, method: str | None = None) -> str:
        """Order a product; returns the order id."""
        self.put(product_id, quantity)
        answer = self.check_out(method=method)
        assert answer.status_code == 202, answer.text
        order_id: str = answer.json()["orderId"]
        return order_id

    def reserved(self, product_id: str, quantity: int = 1) -> str:
        """Order a product, and wait until it is held; returns the order id."""
        order_id = self.order(product_id, quantity)
        self.sees(order_id, "RESERVED")
        return order_id

    def pay(self, order_id: str, token: str | None = None) -> httpx.Response:
        """Pay by card with `token`, else in cash."""
        body = {"method": "CARD", "cardToken": token} if token else {"method": "COD"}
        return self.call("POST", f"/orders/{order_id}/payment", body)

    def sees(self, order_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until the order has one of these statuses; returns the order."""
        order: dict[str, Any] = eventually(
            lambda: self.ok("GET", f"/orders/{order_id}"), lambda seen: seen["status"] in statuses
        )
        return order

    def sees_payment(self, order_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until the payment has one of these statuses; returns it."""
        payment: dict[str, Any] = eventually(
            lambda: self.ok("GET", f"/orders/{order_id}/payment"), lambda seen: seen["status"] in statuses
        )
        return payment

    def sees_event(self, order_id: str, event: str, times: int = 1) -> list[dict[str, Any]]:
        """Wait until the order's history has `event` so many times; returns those entries."""

        def entries() -> list[dict[str, Any]]:
            story = self.ok("GET", f"/orders/{order_id}")["story"]
            return [entry for entry in story if entry["event"] == event]

        return eventually(entries, lambda found: len(found) >= times)

    def mailed_about(self, order_id: str, *kinds: str) -> list[Mail]:
        """Wait until this shopper was sent these mails about an order; returns all mails, of which none came twice.

        Args:
            order_id: of the order.
            kinds: names of the events that the mails are about, with the return's or refund's id as in
                `ReturnReceived#ret_...`.
        """

        def sent(kind: str) -> bool:
            return bool(row(self.shop, "SentMailsTable", orderId=order_id, mail=kind).get("status") == "SENT")

        eventually(lambda: all(map(sent, kinds)))
        mails = self.mails()
        assert len({(mail.subject, mail.text) for mail in mails}) == len(mails), "a mail came twice"
        return mails

    def mails(self) -> list[Mail]:
        """What came to this shopper's address."""
        return read_mails(self.shop, self.email)


def sign_in(shop: Shop, account: Account) -> Shopper:
    """Somebody with an account that exists."""
    answer = Person(shop).ok("POST", "/auth/login", {"email": account.email, "password": account.password})
    return Shopper(shop, answer["idToken"], account.email, account.password)


def ships_for_nothing(shop: Shop) -> None:
    """Have a shop without rates ship to Singapore for nothing, so that totals are those of the items."""
    with suppress(shop.dynamodb.exceptions.ConditionalCheckFailedException):
        shop.dynamodb.put_item(
            TableName=shop.tables["RatesTable"],
            Item=to_item(RATES.to_item(Row(FREE, 1))),
            ConditionExpression="attribute_not_exists(ratesId)",
        )


def new_shopper(shop: Shop, *groups: str) -> Shopper:
    """Somebody with a new confirmed account."""
    ships_for_nothing(shop)
    account = Account(f"{unique('shopper')}@cloudretail.example", "Shopper", PASSWORD, groups)
    create_accounts(shop, [account])
    return sign_in(shop, account)


def new_product(anybody: Person, stock: int, price: int = 1990) -> str:
    """A product of its own for a test; returns its id."""
    product_id = unique("product")
    body = {
        "productId": product_id,
        "name": f"Thing {product_id[-4:]}",
        "description": "Made for a test",
        "category": "Tests",
        "price": {"amount": price, "currency": "SGD"},
    }
    staff = staff_of(anybody.shop)
    staff.ok("POST", "/admin/products", body)
    if stock:
        path = f"/admin/stock/{product_id}/receipts"
        staff.ok("POST", path, {"quantity": stock}, Idempotency_Key=unique("key"))
    return product_id


def add_picture(shop: Shop, product_id: str, content: bytes, alt: str = "") -> dict[str, Any]:
    """Have staff upload a picture of a product; returns what has become of it, as staff see it."""
    staff, path = staff_of(shop), f"/admin/products/{product_id}"
    ticket = staff.ok("POST", f"{path}/images", {"contentType": "image/png", "alt": alt})
    upload = {"file": ("picture.png", content, "image/png")}
    httpx.post(ticket["url"], data=ticket["fields"], files=upload, trust_env=False, timeout=30).raise_for_status()

    def become() -> dict[str, Any]:
        images = staff.ok("GET", path)["images"]
        found: dict[str, Any] = next(each for each in images if each["imageId"] == ticket["imageId"])
        return found

    return eventually(become, lambda image: image["state"] != "WAITING")


def unlist_product(shop: Shop, product_id: str) -> None:
    """Have staff sell a product no longer."""
    staff, path = staff_of(shop), f"/admin/products/{product_id}"
    staff.ok("POST", f"{path}/unlist", {"version": staff.ok("GET", path)["version"]})


def change_product(shop: Shop, product_id: str, **changes: Any) -> None:
    """Have staff write something else of a product: its `name`, `description`, `category` or `price`."""
    staff, path = staff_of(shop), f"/admin/products/{product_id}"
    known = staff.ok("GET", path)
    kept = {name: known[name] for name in ("name", "description", "category", "price", "version")}
    staff.ok("PUT", path, kept | changes)


_staff: dict[str, Shopper] = {}
"""Who sells, by the address of the shop."""


def staff_of(shop: Shop) -> Shopper:
    """A member of the staff of a running shop."""
    if shop.api_url not in _staff:
        create_accounts(shop, [STAFF])
        _staff[shop.api_url] = sign_in(shop, STAFF)
    return _staff[shop.api_url]


def row(shop: Shop, table: str, **key: str) -> dict[str, Any]:
    """A row as it is now, empty where there is none; `table` is a logical id of the template."""
    found = shop.dynamodb.get_item(
        TableName=shop.tables[table], Key={name: {"S": value} for name, value in key.items()}, ConsistentRead=True
    )
    deserialize = TypeDeserializer().deserialize
    return {name: deserialize(value) for name, value in found.get("Item", {}).items()}


def counters(shop: Shop, product_id: str) -> tuple[int, int, int]:
    """Units available, reserved and sold, as `stock`."""
    available, reserved, sold, _ = stock(shop, product_id)
    return available, reserved, sold


def stock(shop: Shop, product_id: str) -> tuple[int, int, int, int]:
    """Units available, reserved, sold and written off; raises AssertionError when they are not what came in."""
    found = row(shop, "InventoryTable", productId=product_id)
    names = ("availableQty", "reservedQty", "soldQty", "writtenOffQty")
    available, reserved, sold, written_off = (int(found.get(name, 0)) for name in names)
    assert available + reserved + sold + written_off == found["receivedQty"] + found["adjustedQty"], found
    assert min(available, reserved, sold, written_off) >= 0, found
    return available, reserved, sold, written_off
