import base64
import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from catalog import commands
from catalog.domain import MAX_IMAGES, ChangeKind, Editor, Product, ProductChange, ProductImage, create
from catalog.domain import ProductText as Text
from cloudretail.errors import Contention, LostRace
from cloudretail.money import Money
from cloudretail.repository import MAX_RACES
from tests.support.http import Answer
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS, STAFF_CLAIMS
from tests.support.wire import Wire, cancelled
from tests.unit.catalog.conftest import Shop

TEXT: dict[str, Any] = {
    "name": "Canvas backpack",
    "description": "Sturdy.",
    "category": "Bags",
    "price": {"amount": 4900, "currency": "SGD"},
}
READY = {
    "state": "READY",
    "sizes": [{"width": 320, "key": "pictures/0a.webp"}, {"width": 640, "key": "pictures/0b.webp"}],
}
BAG = "/admin/products/bag"


def with_pictures(shop: Shop, *image_ids: str) -> None:
    """A product with these pictures, all of them ready."""
    images = [{"imageId": image_id, "alt": f"Picture {image_id}"} for image_id in image_ids]
    shop.has("bag", images=images, pictures=dict.fromkeys(image_ids, READY))


def order_of(answer: Answer) -> list[str]:
    return [image["imageId"] for image in answer.body["images"]]


# --- adding and writing -----------------------------------------------------------------------------------------------


def test_staff_add_a_product(shop: Shop) -> None:
    answer = shop.send("POST", "/admin/products", {**TEXT, "productId": "bag-1"})

    assert answer.status == 201
    created_at, updated_at = answer.body.pop("createdAt"), answer.body.pop("updatedAt")
    assert created_at == updated_at
    assert answer.body == {
        **TEXT,
        "variant": None,
        "productId": "bag-1",
        "images": [],
        "available": 0,
        "listed": True,
        "version": 1,
    }
    assert shop.ids() == ["bag-1"]


def test_without_an_id_a_product_is_called_by_its_name_so_that_adding_it_twice_is_a_conflict(shop: Shop) -> None:
    assert shop.send("POST", "/admin/products", TEXT).body["productId"] == "canvas-backpack"

    answer = shop.send("POST", "/admin/products", {**TEXT, "description": "Another one."})

    assert (answer.status, answer.problem) == (409, "product-exists")
    assert [row["description"] for row in shop.products] == ["Sturdy."]
    assert [each["kind"] for each in shop.changes("canvas-backpack")] == ["CREATED"]


def test_texts_are_stored_without_the_space_around_them(shop: Shop) -> None:
    answer = shop.send("POST", "/admin/products", {**TEXT, "name": "  Canvas backpack\n"})

    assert (answer.status, answer.body["name"]) == (201, "Canvas backpack")


def test_what_is_added_unlisted_is_nobodys_business_but_the_staffs_until_it_is_listed(shop: Shop) -> None:
    shop.send("POST", "/admin/products", {**TEXT, "productId": "bag", "listed": False})

    assert (shop.get("/products/bag").status, shop.ids()) == (404, [])
    assert shop.send("GET", BAG).body["listed"] is False

    assert shop.send("POST", f"{BAG}/list", {"version": 1}).body["listed"] is True
    assert (shop.get("/products/bag").status, shop.ids()) == (200, ["bag"])


def test_staff_replace_what_is_written_and_pictures_and_date_stay(shop: Shop) -> None:
    with_pictures(shop, "a")
    shop.has_in_stock("bag", 4)

    answer = shop.send("PUT", BAG, {**TEXT, "version": 1})

    assert answer.status == 200
    expected = {**TEXT, "available": 4, "version": 2, "createdAt": "2026-01-01T00:00:00Z"}
    assert expected.items() <= answer.body.items()
    (image,) = answer.body["images"]
    assert image == {
        "imageId": "a",
        "alt": "Picture a",
        "state": "READY",
        "why": None,
        "sizes": [{"width": 320, "url": "/pictures/0a.webp"}, {"width": 640, "url": "/pictures/0b.webp"}],
    }
    (row,) = shop.products
    assert TEXT.items() <= row.items()
    assert row["pictures"] == {"a": READY}


def test_staff_make_a_product_a_variant_and_the_only_one_of_its_kind_again(shop: Shop) -> None:
    shop.has("boots")
    variant = {"group": "Boots", "attribute": "Size", "value": "42"}

    made = shop.send("PUT", "/admin/products/boots", {**TEXT, "variant": variant, "version": 1}).body
    assert made["variant"] == shop.products[0]["variant"] == variant
    alone = shop.send("PUT", "/admin/products/boots", {**TEXT, "version": 2}).body

    assert (alone["variant"], "variant" in shop.products[0], alone["version"]) == (None, False, 3)
    assert [change["after"]["variant"] for change in shop.changes("boots")] == [None, variant]


@pytest.mark.parametrize("missing", ["group", "attribute", "value"])
def test_a_variant_says_of_what_in_what_and_which(shop: Shop, missing: str) -> None:
    variant = {"group": "Boots", "attribute": "Size", "value": "42"} | {missing: " "}

    answer = shop.send("POST", "/admin/products", {**TEXT, "variant": variant})

    assert (answer.status, answer.fields, shop.products) == (422, [f"variant.{missing}"], [])


def test_replacing_an_unknown_product_makes_none(shop: Shop) -> None:
    answer = shop.send("PUT", BAG, {**TEXT, "version": 1})

    assert (answer.status, answer.problem) == (404, "not-found")
    assert shop.products == []
    assert shop.changes("bag") == []


# --- two people -------------------------------------------------------------------------------------------------------


def test_the_second_of_two_editors_is_told_and_sees_what_the_first_has_saved(shop: Shop) -> None:
    shop.has("bag")
    shop.send("PUT", BAG, {**TEXT, "version": 1})

    answer = shop.send("PUT", BAG, {**TEXT, "name": "Other bag", "version": 1})

    assert (answer.status, answer.problem) == (409, "product-changed")
    assert answer.body["product"] == shop.send("GET", BAG).body
    assert answer.body["product"]["name"] == "Canvas backpack"
    assert [row["name"] for row in shop.products] == ["Canvas backpack"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {**TEXT, "version": 1}),
        ("POST", "/unlist", {"version": 1}),
        ("PUT", "/images", {"version": 1, "images": [{"imageId": "b", "alt": ""}]}),
    ],
    ids=["text", "unlist", "images"],
)
def test_the_same_request_again_is_the_same_answer_and_no_second_change(
    shop: Shop, method: str, path: str, body: object
) -> None:
    with_pictures(shop, "a", "b")
    first = shop.send(method, BAG + path, body)
    rows = shop.products

    again = shop.send(method, BAG + path, body)

    assert (again.status, again.body) == (first.status, first.body) == (200, again.body)
    assert shop.products == rows
    assert len(shop.changes("bag")) == 1


def test_a_change_that_is_none_is_not_recorded(shop: Shop) -> None:
    shop.has("bag")

    assert shop.send("POST", f"{BAG}/list", {"version": 1}).body["version"] == 1
    assert shop.changes("bag") == []


def test_who_orders_pictures_removes_none_that_somebody_has_added_meanwhile(shop: Shop) -> None:
    with_pictures(shop, "a", "b")
    shop.send("POST", f"{BAG}/images", {"contentType": "image/png"})

    images = [{"imageId": "b"}, {"imageId": "a"}]
    answer = shop.send("PUT", f"{BAG}/images", {"version": 1, "images": images})

    assert (answer.status, answer.problem) == (409, "product-changed")
    assert len(answer.body["product"]["images"]) == 3


def test_a_picture_that_somebody_has_removed_meanwhile_is_a_changed_product_and_no_wrong_input(shop: Shop) -> None:
    with_pictures(shop, "a", "b")
    shop.send("PUT", f"{BAG}/images", {"version": 1, "images": [{"imageId": "b"}]})

    answer = shop.send("PUT", f"{BAG}/images", {"version": 1, "images": [{"imageId": "a"}]})

    assert (answer.status, answer.problem) == (409, "product-changed")


# --- selling no longer ------------------------------------------------------------------------------------------------


def test_what_is_unlisted_is_in_no_list_and_no_search_and_its_page_says_so(shop: Shop) -> None:
    shop.has("bag")
    shop.has("mug", category="Kitchen")

    assert shop.send("POST", f"{BAG}/unlist", {"version": 1}).body["listed"] is False

    assert (shop.ids(), shop.ids(category="Bags"), shop.ids(q="bag")) == (["mug"], [], [])
    assert shop.get("/categories").body["items"] == [{"category": "Kitchen", "count": 1, "picture": None}]
    assert (shop.get("/products/bag").status, shop.get("/products/bag").body["listed"]) == (200, False)


def test_staff_see_all_products_and_narrow_them_down(shop: Shop) -> None:
    shop.has("bag")
    shop.has("old-bag", listed=False)
    shop.has("mug", category="Kitchen")

    def ids(**query: str) -> list[str]:
        answer = shop.staff_page(**query)
        return [item["productId"] for item in answer.body["items"]]

    assert ids() == ["bag", "mug", "old-bag"]
    assert ids(listed="false") == ["old-bag"]
    assert ids(listed="true", category="Bags") == ["bag"]
    assert ids(q="OLD") == ["old-bag"]
    assert ids(sort="newest") == ["old-bag", "mug", "bag"]
    first = shop.staff_page(limit="2")
    assert [item["productId"] for item in first.body["items"]] == ["bag", "mug"]
    assert ids(limit="2", cursor=first.body["nextCursor"]) == ["old-bag"]


def test_staff_see_at_once_what_another_process_has_changed(shop: Shop) -> None:
    shop.has("bag")
    assert shop.ids() == ["bag"]
    shop.has("mug")

    assert (shop.ids(), len(shop.staff_page().body["items"])) == (["bag"], 2)


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_staff_get_a_ticket_for_one_picture_of_one_type_and_size_which_the_product_then_waits_for(shop: Shop) -> None:
    shop.has("bag")

    answer = shop.send("POST", f"{BAG}/images", {"contentType": "image/jpeg", "alt": "From the side"})

    assert (answer.status, answer.body["version"], answer.body["maxBytes"]) == (201, 2, 5 * 1024 * 1024)
    assert answer.body["url"].startswith("https://images.s3.ap-southeast-1.amazonaws.com")
    fields, image_id = answer.body["fields"], answer.body["imageId"]
    assert fields["Content-Type"] == "image/jpeg"
    assert fields["key"] == f"products/bag/{image_id}.jpg"
    conditions = json.loads(base64.b64decode(fields["policy"]))["conditions"]
    assert {"Content-Type": "image/jpeg"} in conditions
    assert {"key": fields["key"]} in conditions
    assert ["content-length-range", 1, 5 * 1024 * 1024] in conditions
    waiting = {"imageId": image_id, "alt": "From the side", "state": "WAITING", "sizes": [], "why": None}
    assert shop.send("GET", BAG).body["images"] == [waiting]
    assert shop.get("/products/bag").body["images"] == []


def test_every_ticket_is_for_a_picture_of_its_own_behind_the_others(shop: Shop) -> None:
    shop.has("bag")
    tickets = [shop.send("POST", f"{BAG}/images", {"contentType": "image/webp"}).body for _ in range(2)]

    assert order_of(shop.send("GET", BAG)) == [ticket["imageId"] for ticket in tickets]
    assert len({ticket["fields"]["key"] for ticket in tickets}) == 2


def test_there_is_no_ticket_for_an_unknown_product(shop: Shop) -> None:
    answer = shop.send("POST", f"{BAG}/images", {"contentType": "image/webp"})

    assert (answer.status, answer.problem) == (404, "not-found")


def test_a_product_has_only_so_many_pictures(shop: Shop) -> None:
    with_pictures(shop, *(f"p{n}" for n in range(MAX_IMAGES)))

    answer = shop.send("POST", f"{BAG}/images", {"contentType": "image/webp"})

    assert (answer.status, answer.problem) == (409, "too-many-images")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"contentType": "image/svg+xml"}, ["contentType"]),
        ({"contentType": "text/html"}, ["contentType"]),
        ({}, ["contentType"]),
        ({"contentType": "image/png", "key": "products/mug/1.png"}, ["key"]),
        ({"contentType": "image/png", "alt": "x" * 201}, ["alt"]),
    ],
)
def test_there_is_no_ticket_for_anything_but_a_picture(shop: Shop, body: object, fields: list[str]) -> None:
    shop.has("bag")

    answer = shop.send("POST", f"{BAG}/images", body)

    assert (answer.status, answer.fields) == (422, fields)
    assert shop.send("GET", BAG).body["images"] == []


def test_staff_order_pictures_say_what_is_on_them_and_remove_some(shop: Shop) -> None:
    with_pictures(shop, "a", "b", "c")

    images = [{"imageId": "c", "alt": "On a shoulder"}, {"imageId": "a"}]
    answer = shop.send("PUT", f"{BAG}/images", {"version": 1, "images": images})

    assert (answer.status, order_of(answer)) == (200, ["c", "a"])
    assert [image["alt"] for image in shop.get("/products/bag").body["images"]] == ["On a shoulder", ""]
    (row,) = shop.products
    assert row["pictures"] == {"a": READY, "c": READY}
    assert row["images"] == [{"imageId": "c", "alt": "On a shoulder"}, {"imageId": "a", "alt": ""}]


@pytest.mark.parametrize(
    ("images", "fields"),
    [
        ([{"imageId": "a"}, {"imageId": "z"}], ["images.1.imageId"]),
        ([{"imageId": "a"}, {"imageId": "a"}], ["images.1.imageId"]),
        ([{"imageId": "a", "url": "http://elsewhere.example/x.webp"}], ["images.0.url"]),
        ([{"alt": "Nothing"}], ["images.0.imageId"]),
        ([{"imageId": "a", "alt": "two\nlines"}], ["images.0.alt"]),
        ([{"imageId": f"p{n}"} for n in range(MAX_IMAGES + 1)], ["images"]),
    ],
)
def test_pictures_that_the_product_does_not_have_change_nothing(shop: Shop, images: object, fields: list[str]) -> None:
    with_pictures(shop, "a")
    before = shop.products

    answer = shop.send("PUT", f"{BAG}/images", {"version": 1, "images": images})

    assert (answer.status, answer.fields) == (422, fields)
    assert shop.products == before


# --- records ----------------------------------------------------------------------------------------------------------


def test_every_change_says_who_when_what_before_and_after(shop: Shop) -> None:
    shop.send("POST", "/admin/products", {**TEXT, "productId": "bag"})
    shop.send("PUT", BAG, {**TEXT, "price": {"amount": 5900, "currency": "SGD"}, "version": 1})
    image_id = shop.send("POST", f"{BAG}/images", {"contentType": "image/png"}).body["imageId"]
    shop.send("PUT", f"{BAG}/images", {"version": 3, "images": []})
    shop.send("POST", f"{BAG}/unlist", {"version": 4})
    shop.send("POST", f"{BAG}/list", {"version": 5})

    changes = shop.changes("bag")

    assert [(each["version"], each["kind"]) for each in changes] == [
        (6, "LISTED"),
        (5, "UNLISTED"),
        (4, "IMAGES"),
        (3, "IMAGE_ADDED"),
        (2, "TEXT"),
        (1, "CREATED"),
    ]
    assert {each["by"] for each in changes} == {STAFF_CLAIMS["sub"]}
    created, priced, added, removed, unlisted, _ = reversed(changes)
    assert created["before"] is None
    assert (priced["before"]["price"]["amount"], priced["after"]["price"]["amount"]) == (4900, 5900)
    assert (added["before"]["images"], added["after"]["images"]) == ([], [{"imageId": image_id, "alt": ""}])
    assert removed["after"]["images"] == []
    assert (unlisted["before"]["listed"], unlisted["after"]["listed"]) == (True, False)
    assert all(later["before"] == earlier["after"] for later, earlier in pairwise(changes))
    assert changes[0]["at"] == shop.send("GET", BAG).body["updatedAt"]


def test_the_record_of_changes_is_read_page_by_page(shop: Shop) -> None:
    shop.has("bag", version=1)
    for n in range(1, 6):
        shop.send("PUT", BAG, {**TEXT, "name": f"Bag {n}", "version": n})

    pages, cursor = [], ""
    while cursor is not None:
        answer = shop.send("GET", f"{BAG}/changes", query={"limit": "2"} | ({"cursor": cursor} if cursor else {}))
        pages.append([each["version"] for each in answer.body["items"]])
        cursor = answer.body["nextCursor"]

    assert pages == [[6, 5], [4, 3], [2]]


@pytest.mark.parametrize("place", [{"version": "2"}, {"version": True}, {"version": 0}, {"version": 2**60}, {"at": 1}])
def test_a_cursor_of_another_list_is_refused(shop: Shop, place: dict[str, Any]) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")

    answer = shop.send("GET", f"{BAG}/changes", query={"cursor": cursor})

    assert (answer.status, answer.fields) == (422, ["cursor"])


def test_a_change_and_its_record_are_one_write(shop: Shop, wire: Wire) -> None:
    shop.has("bag")
    before = shop.products
    wire.refuses("TransactWriteItems", cancelled("ThrottlingError", "None"), times=MAX_RACES)

    answer = shop.send("PUT", BAG, {**TEXT, "version": 1})

    assert (answer.status, answer.problem) == (503, "try-again")
    assert (shop.products, shop.changes("bag")) == (before, [])


def test_who_loses_the_race_decides_again_and_a_change_that_holds_whatever_the_version_is_made(shop: Shop) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    text = Text(name="Bag", description="", category="Bags", price=Money(amount=1, currency="SGD"))
    products = Contested(create("bag", text, listed=True, editor=Editor("a", now))[0], lost=MAX_RACES - 1)

    product = commands.add_image(commands.Ports(products, "SGD"), "bag", ProductImage(image_id="a"), Editor("b", now))

    assert (product.version, products.saved) == (2, [ChangeKind.IMAGE_ADDED])
    products.lost = MAX_RACES
    with pytest.raises(Contention):
        commands.add_image(commands.Ports(products, "SGD"), "bag", ProductImage(image_id="b"), Editor("b", now))


class Contested:
    """Products of which somebody else writes one first, so many times."""

    def __init__(self, product: Product, lost: int) -> None:
        self.product = product
        self.lost = lost
        self.saved: list[ChangeKind] = []

    def find(self, product_id: str) -> Product:
        assert product_id == self.product.product_id
        return self.product

    def add(self, product: Product, change: ProductChange) -> None:
        raise AssertionError("nothing is added")

    def save(self, before: Product, after: Product, change: ProductChange) -> None:
        if self.lost:
            self.lost -= 1
            raise LostRace("product")
        self.product = after
        self.saved.append(change.kind)


# --- what makes no sense ----------------------------------------------------------------------------------------------

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

    for method, path, version in (("POST", "/admin/products", {}), ("PUT", BAG, {"version": 1})):
        answer = shop.send(method, path, {**TEXT, **version, **change})
        assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", fields)
    assert shop.products == before


@pytest.mark.parametrize("version", [None, 0, -1, "1", 1.5, True])
def test_who_changes_a_product_says_which_version_they_have_seen(shop: Shop, version: object) -> None:
    shop.has("bag")
    said = {} if version is None else {"version": version}

    for method, path, body in (
        ("PUT", BAG, TEXT),
        ("POST", f"{BAG}/unlist", {}),
        ("POST", f"{BAG}/list", {}),
        ("PUT", f"{BAG}/images", {"images": []}),
    ):
        answer = shop.send(method, path, {**body, **said})
        assert (answer.status, answer.fields) == (422, ["version"])


@pytest.mark.parametrize("product_id", ["", "Upper-Case", "with space", "-a", "a--b", "a/b", "x" * 65, 7])
def test_an_id_that_could_not_stand_in_an_address_is_refused(shop: Shop, product_id: object) -> None:
    answer = shop.send("POST", "/admin/products", {**TEXT, "productId": product_id})

    assert (answer.status, answer.fields) == (422, ["productId"])
    assert shop.products == []


@pytest.mark.parametrize("field", TEXT)
def test_a_product_needs_all_its_texts(shop: Shop, field: str) -> None:
    answer = shop.send("POST", "/admin/products", {name: value for name, value in TEXT.items() if name != field})

    assert (answer.status, answer.fields) == (422, [field])
    assert shop.products == []


def test_a_body_that_is_no_json_is_refused(shop: Shop) -> None:
    answer = shop.send("POST", "/admin/products", raw_body="{'name': 'bag'}")

    assert (answer.status, answer.problem) == (400, "malformed-json")


@pytest.mark.parametrize(
    ("claims", "status", "problem"),
    [
        (None, 401, "unauthorized"),
        ({**STAFF_CLAIMS, "token_use": "access"}, 401, "unauthorized"),
        (SHOPPER_CLAIMS, 403, "staff-only"),
        (OPERATOR_CLAIMS, 403, "staff-only"),
        ({**SHOPPER_CLAIMS, "cognito:groups": "[staff-of-something-else]"}, 403, "staff-only"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/admin/products", TEXT),
        ("PUT", BAG, {**TEXT, "version": 1}),
        ("POST", f"{BAG}/images", {"contentType": "image/png"}),
        ("POST", f"{BAG}/unlist", {"version": 1}),
    ],
)
def test_only_staff_change_the_catalogue(
    shop: Shop, method: str, path: str, body: object, claims: dict[str, str] | None, status: int, problem: str
) -> None:
    shop.has("bag")
    before = shop.products

    answer = shop.send(method, path, body, claims=claims)

    assert (answer.status, answer.problem) == (status, problem)
    assert "fields" not in answer.body
    assert shop.products == before
