import base64
import json
from typing import Any

import pytest

from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS
from tests.unit.catalog.conftest import Shop

TEXT: dict[str, Any] = {
    "name": "Canvas backpack",
    "description": "Sturdy.",
    "category": "Bags",
    "price": {"amount": 4900, "currency": "SGD"},
}


def test_an_operator_adds_a_product(shop: Shop) -> None:
    answer = shop.send("POST", "/products", {**TEXT, "productId": "bag-1"})

    assert answer.status == 201
    created_at = answer.body.pop("createdAt")
    assert answer.body == {**TEXT, "productId": "bag-1", "imageUrl": None, "available": 0}
    assert shop.products == [{**TEXT, "productId": "bag-1", "createdAt": created_at}]


def test_without_an_id_a_product_is_called_by_its_name_so_that_adding_it_twice_is_a_conflict(shop: Shop) -> None:
    assert shop.send("POST", "/products", TEXT).body["productId"] == "canvas-backpack"

    answer = shop.send("POST", "/products", {**TEXT, "description": "Another one."})

    assert (answer.status, answer.problem) == (409, "product-exists")
    assert [row["description"] for row in shop.products] == ["Sturdy."]


def test_texts_are_stored_without_the_space_around_them(shop: Shop) -> None:
    answer = shop.send("POST", "/products", {**TEXT, "name": "  Canvas backpack\n"})

    assert (answer.status, answer.body["name"]) == (201, "Canvas backpack")


def test_an_operator_replaces_what_is_written_and_the_picture_and_the_date_stay(shop: Shop) -> None:
    shop.has("bag", imageKey="products/bag/1.webp", imageOrder="1", available=4)

    answer = shop.send("PUT", "/products/bag", TEXT)

    assert answer.status == 200
    assert {**TEXT, "productId": "bag", "available": 4, "createdAt": "2026-01-01T00:00:00Z"}.items() <= (
        answer.body.items()
    )
    assert "products/bag/1.webp" in answer.body["imageUrl"]
    assert shop.products == [
        {
            **TEXT,
            "productId": "bag",
            "imageKey": "products/bag/1.webp",
            "imageOrder": "1",
            "createdAt": "2026-01-01T00:00:00Z",
        }
    ]


def test_replacing_an_unknown_product_makes_none(shop: Shop) -> None:
    answer = shop.send("PUT", "/products/bag", TEXT)

    assert (answer.status, answer.problem) == (404, "not-found")
    assert shop.products == []


def test_an_operator_gets_a_ticket_for_one_picture_of_one_type_and_size(shop: Shop) -> None:
    shop.has("bag")

    answer = shop.send("POST", "/products/bag/image", {"contentType": "image/jpeg"})

    assert answer.status == 201
    assert answer.body["url"].startswith("https://images.s3.ap-southeast-1.amazonaws.com")
    assert answer.body["maxBytes"] == 5 * 1024 * 1024
    fields = answer.body["fields"]
    assert fields["Content-Type"] == "image/jpeg"
    assert fields["key"].startswith("products/bag/")
    assert fields["key"].endswith(".jpg")
    conditions = json.loads(base64.b64decode(fields["policy"]))["conditions"]
    assert {"Content-Type": "image/jpeg"} in conditions
    assert {"key": fields["key"]} in conditions
    assert ["content-length-range", 1, 5 * 1024 * 1024] in conditions


def test_every_ticket_is_for_a_picture_of_its_own(shop: Shop) -> None:
    shop.has("bag")
    tickets = [shop.send("POST", "/products/bag/image", {"contentType": "image/webp"}) for _ in range(2)]

    assert len({ticket.body["fields"]["key"] for ticket in tickets}) == 2


def test_there_is_no_ticket_for_an_unknown_product(shop: Shop) -> None:
    answer = shop.send("POST", "/products/bag/image", {"contentType": "image/webp"})

    assert (answer.status, answer.problem) == (404, "not-found")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"contentType": "image/svg+xml"}, ["contentType"]),
        ({"contentType": "text/html"}, ["contentType"]),
        ({}, ["contentType"]),
        ({"contentType": "image/png", "key": "products/mug/1.png"}, ["key"]),
    ],
)
def test_there_is_no_ticket_for_anything_but_a_picture(shop: Shop, body: object, fields: list[str]) -> None:
    shop.has("bag")

    answer = shop.send("POST", "/products/bag/image", body)

    assert (answer.status, answer.fields) == (422, fields)


BAD_TEXTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": ""}, ["name"]),
    ({"name": "   "}, ["name"]),
    ({"name": "x" * 121}, ["name"]),
    ({"name": "two\nlines"}, ["name"]),
    ({"name": "half of a character: \ud83d"}, ["name"]),
    ({"name": 7}, ["name"]),
    ({"category": ""}, ["category"]),
    ({"description": None}, ["description"]),
    ({"description": "x" * 4001}, ["description"]),
    ({"price": {"amount": 0, "currency": "SGD"}}, ["price.amount"]),
    ({"price": {"amount": -1, "currency": "SGD"}}, ["price.amount"]),
    ({"price": {"amount": 19.9, "currency": "SGD"}}, ["price.amount"]),
    ({"price": {"amount": "1990", "currency": "SGD"}}, ["price.amount"]),
    ({"price": {"amount": 10**12 + 1, "currency": "SGD"}}, ["price.amount"]),
    ({"price": {"amount": True, "currency": "SGD"}}, ["price.amount"]),
    ({"price": {"amount": 1990, "currency": "EUR"}}, ["price.currency"]),
    ({"price": {"amount": 1990, "currency": "sgd"}}, ["price.currency"]),
    ({"price": {"amount": 1990}}, ["price.currency"]),
    ({"price": {"amount": 1990, "currency": "SGD", "discount": 1}}, ["price.discount"]),
    ({"price": 1990}, ["price"]),
    ({"imageKey": "products/mug/1.png"}, ["imageKey"]),
    ({"colour": "red"}, ["colour"]),
]


@pytest.mark.parametrize(("change", "fields"), BAD_TEXTS, ids=lambda value: str(value)[:40])
def test_a_product_that_makes_no_sense_is_neither_added_nor_changed(
    shop: Shop, change: dict[str, Any], fields: list[str]
) -> None:
    shop.has("bag")
    before = shop.products

    for method, path in (("POST", "/products"), ("PUT", "/products/bag")):
        answer = shop.send(method, path, {**TEXT, **change})
        assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", fields)
    assert shop.products == before


@pytest.mark.parametrize("product_id", ["", "Upper-Case", "with space", "-a", "a--b", "a/b", "x" * 65, 7])
def test_an_id_that_could_not_stand_in_an_address_is_refused(shop: Shop, product_id: object) -> None:
    answer = shop.send("POST", "/products", {**TEXT, "productId": product_id})

    assert (answer.status, answer.fields) == (422, ["productId"])
    assert shop.products == []


@pytest.mark.parametrize("field", TEXT)
def test_a_product_needs_all_its_texts(shop: Shop, field: str) -> None:
    answer = shop.send("POST", "/products", {name: value for name, value in TEXT.items() if name != field})

    assert (answer.status, answer.fields) == (422, [field])
    assert shop.products == []


def test_a_body_that_is_no_json_is_refused(shop: Shop) -> None:
    answer = shop.send("POST", "/products", raw_body="{'name': 'bag'}")

    assert (answer.status, answer.problem) == (400, "malformed-json")


@pytest.mark.parametrize(
    ("claims", "status", "problem"),
    [
        (None, 401, "unauthorized"),
        ({**OPERATOR_CLAIMS, "token_use": "access"}, 401, "unauthorized"),
        (SHOPPER_CLAIMS, 403, "operators-only"),
        ({**SHOPPER_CLAIMS, "cognito:groups": "[operators-of-something-else]"}, 403, "operators-only"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/products", TEXT),
        ("PUT", "/products/bag", TEXT),
        ("POST", "/products/bag/image", {"contentType": "image/png"}),
    ],
)
def test_only_operators_change_the_catalogue(
    shop: Shop, method: str, path: str, body: object, claims: dict[str, str] | None, status: int, problem: str
) -> None:
    shop.has("bag")
    before = shop.products

    answer = shop.send(method, path, body, claims=claims)

    assert (answer.status, answer.problem) == (status, problem)
    assert "fields" not in answer.body
    assert shop.products == before
