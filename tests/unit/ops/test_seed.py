import json
import re
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from retail_ops.errors import Refused
from retail_ops.stack.api import Api
from retail_ops.stack.catalogue import Product, load
from retail_ops.stack.seed import create_accounts, seed, seed_stock
from retail_ops.stack.shop import Shop, local_session

PRODUCTS = load()
SOLD_OUT = next(product for product in PRODUCTS if product.stock == 0)


class FakeShop(httpx.BaseTransport):
    """The part of the API that seeding uses, and the bucket of the images, in memory."""

    def __init__(self) -> None:
        self.products: dict[str, dict[str, object]] = {}
        self.images: dict[str, bytes] = {}
        self.receipts: dict[str, tuple[str, int]] = {}
        self.broken: set[str] = set()
        self.busy = 0
        self.token = "t"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path, body = request.url.path, request.read()
        if request.url.host == "bucket":
            key = re.search(rb'name="key"\r\n\r\n([^\r]+)', body)
            assert key
            assert body.index(b'name="file"') > key.start()
            self.images[key[1].decode()] = body
            return httpx.Response(204)
        if self.busy:
            self.busy -= 1
            return httpx.Response(503, json={"message": "Service Unavailable"})
        if path == "/api/auth/login":
            good = json.loads(body)["password"] == "right"
            cookie = {"Set-Cookie": "__Secure-refresh=first; Path=/api/auth; Secure; HttpOnly"}
            answer = httpx.Response(200, json={"idToken": self.token}, headers=cookie)
            return answer if good else problem(401, "Wrong e-mail or password.")
        if path == "/api/auth/refresh":
            assert request.headers["Cookie"] == "__Secure-refresh=first"
            return httpx.Response(200, json={"idToken": self.token})
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return httpx.Response(401, json={"message": "Unauthorized"})
        if request.method == "GET" and path == "/api/admin/products":
            return httpx.Response(200, json={"items": [self.shown(i) for i in self.products], "nextCursor": None})
        if request.method == "GET":
            return httpx.Response(200, json=self.shown(path.removeprefix("/api/admin/products/")))
        return self.change(path, json.loads(body), request.headers.get("Idempotency-Key", ""))

    def shown(self, product_id: str) -> dict[str, object]:
        states = ["READY"] if product_id in self.images else []
        return {**self.products[product_id], "images": [{"state": state} for state in states]}

    def change(self, path: str, body: dict[str, object], key: str) -> httpx.Response:
        if path == "/api/admin/products":
            product_id = str(body["productId"])
            if product_id in self.broken:
                return problem(422, "Invalid.", {"field": "name", "message": "is too long"})
            if product_id in self.products:
                return problem(409, "This product exists.")
            self.products[product_id] = body
            return httpx.Response(201, json=body)
        if image := re.fullmatch("/api/admin/products/([^/]+)/images", path):
            return httpx.Response(201, json={"url": "http://bucket/", "fields": {"key": image[1], "policy": "p"}})
        if receipt := re.fullmatch("/api/admin/stock/([^/]+)/receipts", path):
            assert key
            self.receipts.setdefault(key, (receipt[1], int(str(body["quantity"]))))
            return httpx.Response(201, json={})
        return problem(404, "There is no such route.")


def problem(status: int, detail: str, *errors: dict[str, str]) -> httpx.Response:
    return httpx.Response(
        status, json={"type": "t", "title": "T", "status": status, "detail": detail, "errors": errors}
    )


@pytest.fixture
def shop() -> FakeShop:
    return FakeShop()


@pytest.fixture
def api(shop: FakeShop) -> Iterator[Api]:
    with Api("http://shop.example/api", transport=shop) as api:
        api.login("staff@cloudretail.example", "right")
        yield api


def fill(api: Api, shop: FakeShop, products: list[Product] = PRODUCTS) -> Counter[str]:
    with httpx.Client(transport=shop) as uploads:
        counts = seed(api, products, lambda _text: None, uploads=uploads)
    seed_stock(api, products)
    return counts


def test_a_new_shop_has_the_whole_catalogue_with_images_and_stock(shop: FakeShop, api: Api) -> None:
    assert fill(api, shop) == {"created": len(PRODUCTS)}
    assert set(shop.products) == set(shop.images) == {product.id for product in PRODUCTS}
    assert dict(shop.receipts.values()) == {product.id: product.stock for product in PRODUCTS if product.stock}
    assert all(product.image.read_bytes() in shop.images[product.id] for product in PRODUCTS)


def test_nothing_is_received_of_what_is_sold_out(shop: FakeShop, api: Api) -> None:
    fill(api, shop, [SOLD_OUT])
    assert shop.receipts == {}


def test_seeding_again_changes_nothing(shop: FakeShop, api: Api) -> None:
    fill(api, shop)
    shop.products["canvas-backpack"]["name"] = "Renamed by staff"
    before = (dict(shop.images), dict(shop.receipts))
    assert fill(api, shop) == {"there already": len(PRODUCTS)}
    assert (shop.images, shop.receipts) == before
    assert shop.products["canvas-backpack"]["name"] == "Renamed by staff"


def test_an_image_that_is_missing_is_added(shop: FakeShop, api: Api) -> None:
    fill(api, shop)
    del shop.images["canvas-backpack"]
    fill(api, shop)
    assert "canvas-backpack" in shop.images


def test_one_product_that_is_refused_keeps_no_other_out(shop: FakeShop, api: Api) -> None:
    shop.broken = {"canvas-backpack"}
    with pytest.raises(Refused, match=r"POST /admin/products: 422 Invalid\. \(name: is too long\)"):
        fill(api, shop)
    assert len(shop.products) == len(PRODUCTS) - 1


def test_a_busy_shop_is_asked_again(shop: FakeShop, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retail_ops.stack.api.PAUSE", 0)
    shop.busy = 3
    assert fill(api, shop, PRODUCTS[:1]) == {"created": 1}


def test_a_token_that_runs_out_on_the_way_is_replaced_by_the_session(shop: FakeShop, api: Api) -> None:
    assert fill(api, shop, PRODUCTS[:1]) == {"created": 1}
    shop.token = "another"
    assert fill(api, shop, PRODUCTS[1:2]) == {"created": 1}


def test_a_wrong_password_is_told_in_the_shops_own_words(shop: FakeShop) -> None:
    with Api("http://shop.example/api", transport=shop) as api, pytest.raises(Refused, match="401 Wrong e-mail"):
        api.login("staff@cloudretail.example", "wrong")


def test_a_deployed_shop_gets_no_account_with_a_known_password() -> None:
    deployed = Shop("shop", "r", None, {"UserPoolId": "p"}, {}, local_session("k"))
    with pytest.raises(ValueError, match="local shops only"):
        create_accounts(deployed)
