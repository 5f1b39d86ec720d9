import json
import time

import pytest

from cloudretail import aws
from tests.support.invocations import SHOPPER_CLAIMS
from tests.unit.cart.conftest import Shop


def test_a_shopper_who_never_put_anything_has_an_empty_cart_and_reading_it_writes_nothing(shop: Shop) -> None:
    answer = shop.call("GET", "")

    assert answer.status == 200
    assert answer.body == {"items": [], "total": {"amount": 0, "currency": "SGD"}, "version": 0}
    assert shop.rows == []


def test_putting_a_product_answers_the_whole_cart(shop: Shop) -> None:
    shop.sells("bag", name="Canvas bag", price=1990, available=7)
    shop.sells("mug", name="Mug", price=500)
    shop.put("mug", 1)

    answer = shop.put("bag", 2)

    assert answer.status == 200
    assert answer.body["total"] == {"amount": 4480, "currency": "SGD"}
    assert answer.body["version"] == 2
    assert answer.body["items"][1] == {
        "productId": "bag",
        "name": "Canvas bag",
        "quantity": 2,
        "unitPrice": {"amount": 1990, "currency": "SGD"},
        "currentPrice": {"amount": 1990, "currency": "SGD"},
        "priceChanged": False,
        "available": 7,
        "discontinued": False,
        "lineTotal": {"amount": 3980, "currency": "SGD"},
    }
    assert shop.call("GET", "").body == answer.body


def test_the_row_is_stored_as_checkout_reads_it(shop: Shop) -> None:
    shop.sells("bag", name="Canvas bag", price=1990)

    shop.put("bag", 2)

    (row,) = shop.rows
    assert row["expiresAt"] == pytest.approx(time.time() + 90 * 24 * 3600, abs=60)
    assert set(row) == {"userId", "items", "version", "mergeIds", "updatedAt", "expiresAt"}
    assert (row["userId"], row["version"], row["mergeIds"]) == ("user-1", 1, [])
    assert row["items"] == [
        {
            "productId": "bag",
            "name": "Canvas bag",
            "quantity": 2,
            "unitPrice": {"amount": 1990, "currency": "SGD"},
        }
    ]


def test_a_price_that_changed_shows_beside_the_accepted_one_until_the_item_is_put_again(shop: Shop) -> None:
    shop.sells("bag", price=1990)
    shop.put("bag", 2)
    shop.sells("bag", price=2490)

    (line,) = shop.call("GET", "").body["items"]
    assert (line["priceChanged"], line["unitPrice"]["amount"], line["currentPrice"]["amount"]) == (True, 1990, 2490)
    assert line["lineTotal"]["amount"] == 3980

    (line,) = shop.put("bag", 2).body["items"]
    assert (line["priceChanged"], line["unitPrice"]["amount"]) == (False, 2490)


def test_stock_in_the_cart_is_live(shop: Shop) -> None:
    shop.sells("bag", available=5)
    shop.put("bag", 5)
    shop.has_in_stock("bag", 1)

    (line,) = shop.call("GET", "").body["items"]

    assert (line["quantity"], line["available"]) == (5, 1)


def test_a_product_that_is_no_longer_sold_is_flagged_and_can_be_taken_out(shop: Shop) -> None:
    shop.sells("bag", name="Canvas bag")
    shop.put("bag", 1)
    shop.no_longer_sells("bag")

    (line,) = shop.call("GET", "").body["items"]
    assert (line["name"], line["discontinued"], line["available"]) == ("Canvas bag", True, 0)
    assert (line["currentPrice"], line["priceChanged"]) == (None, False)
    assert shop.put("bag", 1).status == 404
    assert shop.call("DELETE", "/items/bag").body["items"] == []


def test_a_product_without_a_stock_row_is_sold_out(shop: Shop) -> None:
    shop.sells("bag")
    aws.dynamodb().delete_item(TableName="InventoryTable", Key={"productId": {"S": "bag"}})

    answer = shop.put("bag", 1)

    assert (answer.status, answer.problem, answer.body["available"]) == (409, "insufficient-stock", 0)


def test_more_than_there_are_is_a_conflict_that_tells_how_many_there_are(shop: Shop) -> None:
    shop.sells("bag", available=3)
    shop.put("bag", 1)

    answer = shop.put("bag", 4)

    assert (answer.status, answer.problem, answer.body["available"]) == (409, "insufficient-stock", 3)
    assert [row["version"] for row in shop.rows] == [1]


def test_taking_a_product_out_twice_is_as_good_as_once(shop: Shop) -> None:
    shop.sells("bag")
    shop.put("bag", 1)

    first, second = shop.call("DELETE", "/items/bag"), shop.call("DELETE", "/items/bag")

    assert first == second
    assert (second.status, second.body["items"], second.body["version"]) == (200, [], 2)


def test_an_emptied_cart_goes_on_counting_its_versions(shop: Shop) -> None:
    shop.sells("bag")
    shop.put("bag", 1)

    assert shop.call("DELETE", "").body["version"] == 2
    assert shop.call("DELETE", "").body == {"items": [], "total": {"amount": 0, "currency": "SGD"}, "version": 2}
    assert shop.put("bag", 1).body["version"] == 3


def test_everybody_has_a_cart_of_their_own(shop: Shop) -> None:
    shop.sells("bag")
    shop.put("bag", 1)

    assert shop.call("GET", "", claims={**SHOPPER_CLAIMS, "sub": "user-2"}).body["items"] == []


def test_a_merge_tells_what_it_could_not_take_over_and_happens_once(shop: Shop) -> None:
    shop.sells("bag", available=3)
    shop.sells("mug")
    shop.put("mug", 5)
    merge = {
        "mergeId": "visit-1",
        "items": [
            {"productId": "bag", "quantity": 2},
            {"productId": "bag", "quantity": 8},
            {"productId": "mug", "quantity": 2},
            {"productId": "never-heard-of", "quantity": 1},
        ],
    }

    answer = shop.call("POST", "/merge", merge)

    assert answer.status == 200
    assert [(line["productId"], line["quantity"]) for line in answer.body["items"]] == [("mug", 5), ("bag", 3)]
    assert answer.body["skipped"] == [{"productId": "never-heard-of", "reason": "unknown-product"}]
    assert answer.body["capped"] == [{"productId": "bag", "requested": 8, "quantity": 3}]
    assert answer.body["version"] == 2

    assert shop.call("POST", "/merge", merge) == answer
    shop.call("DELETE", "/items/bag")
    again = shop.call("POST", "/merge", merge)
    assert [line["productId"] for line in again.body["items"]] == ["mug"]
    assert (again.body["version"], again.body["capped"]) == (3, [])


def test_a_price_that_was_seen_before_a_rise_is_shown_as_changed_until_it_is_put_again(shop: Shop) -> None:
    shop.sells("bag", price=4900)
    seen, now = ({"amount": amount, "currency": "SGD"} for amount in (3900, 4900))
    items = [{"productId": "bag", "quantity": 1, "unitPrice": seen}]

    (line,) = shop.call("POST", "/merge", {"mergeId": "visit-1", "items": items}).body["items"]
    assert (line["unitPrice"], line["currentPrice"], line["priceChanged"]) == (seen, now, True)
    (line,) = shop.call("PUT", "/items/bag", {"quantity": 2, "unitPrice": seen}).body["items"]
    assert (line["quantity"], line["priceChanged"]) == (2, True)
    (line,) = shop.call("PUT", "/items/bag", {"quantity": 2, "unitPrice": now}).body["items"]
    assert (line["unitPrice"], line["priceChanged"]) == (now, False)


def test_a_cart_that_was_filled_before_the_currency_changed_is_shown_and_its_new_prices_wait_to_be_accepted(
    shop: Shop,
) -> None:
    shop.sells("bag", price=4900, currency="USD")
    shop.sells("hat", price=900, currency="USD")
    with shop.selling_in("USD"):
        shop.put("bag", 2)
        shop.put("hat", 1)
    shop.sells("bag", price=6500)

    answer = shop.call("GET", "")

    bag, hat = answer.body["items"]
    assert (answer.status, answer.body["total"]) == (200, {"amount": 0, "currency": "SGD"})
    assert (bag["priceChanged"], bag["unitPrice"]["currency"], bag["currentPrice"]["currency"]) == (True, "USD", "SGD")
    assert hat["discontinued"]
    assert shop.put("hat", 2).status == 404
    accepted = shop.call("PUT", "/items/bag", {"quantity": 2, "unitPrice": bag["currentPrice"]})
    assert accepted.body["total"] == {"amount": 13000, "currency": "SGD"}
    assert shop.call("DELETE", "/items/hat").status == 200


def test_what_a_visitor_saw_in_another_currency_comes_along_as_seen(shop: Shop) -> None:
    shop.sells("bag", price=6500)
    item = {"productId": "bag", "quantity": 1, "unitPrice": {"amount": 4900, "currency": "USD"}}

    merged = shop.call("POST", "/merge", {"mergeId": "visit-1", "items": [item]})

    assert (merged.status, merged.body["items"][0]["priceChanged"]) == (200, True)
    again = shop.call("POST", "/merge", {"mergeId": "visit-2", "items": [{"productId": "bag", "quantity": 3}]})
    assert (again.status, again.body["items"][0]["quantity"]) == (200, 3)


@pytest.mark.parametrize(
    ("price", "field"),
    [
        ({"amount": 10**8 + 1, "currency": "SGD"}, "unitPrice.amount"),
        ({"amount": -1, "currency": "SGD"}, "unitPrice.amount"),
        ({"amount": 1990, "currency": "USD"}, "unitPrice.currency"),
    ],
)
def test_a_price_that_nobody_can_have_seen_is_refused(shop: Shop, price: object, field: str) -> None:
    shop.sells("bag")

    answer = shop.call("PUT", "/items/bag", {"quantity": 1, "unitPrice": price})

    assert (answer.status, [each["field"] for each in answer.body["errors"]]) == (422, [field])
    assert shop.rows == []


def test_a_merge_of_nothing_writes_nothing(shop: Shop) -> None:
    assert shop.call("POST", "/merge", {"mergeId": "visit-1", "items": []}).body["version"] == 0
    assert shop.rows == []


@pytest.mark.parametrize(
    "quantity",
    ["0", "-1", "100", "1.5", "1.0", '"2"', "true", "null", "1e400", "9" * 5000, "[]"],
    ids=lambda text: text[:8],
)
def test_a_quantity_that_is_not_a_whole_number_of_1_to_99_is_refused_by_name(shop: Shop, quantity: str) -> None:
    shop.sells("bag", available=1000)

    answer = shop.call("PUT", "/items/bag", raw_body=f'{{"quantity": {quantity}}}')

    if len(quantity) > 4000:  # Longer than Python reads a number, so that it is not even JSON.
        assert (answer.status, answer.problem) == (400, "malformed-json")
    else:
        assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", ["quantity"])
    assert shop.rows == []


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ('{"quantity": 1, "colour": "red"}', 422, ["colour"]),
        ("{}", 422, ["quantity"]),
        ("[]", 422, ["body"]),
        ("", 422, ["body"]),
        ('{"quantity": 1', 400, ["body"]),
        ("[" * 60_000, 400, ["body"]),
    ],
)
def test_a_body_that_is_not_what_is_asked_for_is_refused(shop: Shop, body: str, status: int, fields: list[str]) -> None:
    shop.sells("bag")

    answer = shop.call("PUT", "/items/bag", raw_body=body)

    assert (answer.status, answer.fields) == (status, fields)
    assert shop.rows == []


@pytest.mark.parametrize(
    ("merge", "fields"),
    [
        ({"items": []}, ["mergeId"]),
        ({"mergeId": "", "items": []}, ["mergeId"]),
        ({"mergeId": "m" * 65, "items": []}, ["mergeId"]),
        ({"mergeId": "with space", "items": []}, ["mergeId"]),
        ({"mergeId": "m"}, ["items"]),
        ({"mergeId": "m", "items": [{"productId": "bag", "quantity": 0}]}, ["items.0.quantity"]),
        ({"mergeId": "m", "items": [{"productId": "", "quantity": 1}]}, ["items.0.productId"]),
        ({"mergeId": "m", "items": [{"productId": "bag"}]}, ["items.0.quantity"]),
        ({"mergeId": "m", "items": [{"productId": f"p{n}", "quantity": 1} for n in range(51)]}, ["items"]),
        ({"mergeId": "m", "items": [], "unitPrice": 1}, ["unitPrice"]),
    ],
)
def test_a_merge_that_is_not_what_is_asked_for_is_refused(shop: Shop, merge: object, fields: list[str]) -> None:
    shop.sells("bag")

    answer = shop.call("POST", "/merge", merge)

    assert (answer.status, answer.fields) == (422, fields)
    assert shop.rows == []


def test_an_unknown_product_is_not_found(shop: Shop) -> None:
    answer = shop.put("never-heard-of", 1)

    assert (answer.status, answer.problem) == (404, "not-found")
    assert shop.rows == []


@pytest.mark.parametrize("product_id", ["a%20b", "a" * 65, "ä", "a;b"])
def test_what_cannot_be_a_product_id_is_refused(shop: Shop, product_id: str) -> None:
    answer = shop.put(product_id, 1)

    assert (answer.status, answer.fields) == (422, ["product_id"])
    assert shop.rows == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("PUT", "/items/bag", {"quantity": 1}),
        ("DELETE", "/items/bag", None),
        ("POST", "/merge", {"mergeId": "m", "items": [{"productId": "bag", "quantity": 1}]}),
    ],
)
def test_strangers_have_no_cart(shop: Shop, method: str, path: str, body: object) -> None:
    shop.sells("bag")

    for claims in (None, {**SHOPPER_CLAIMS, "token_use": "access"}, {**SHOPPER_CLAIMS, "email_verified": "false"}):
        answer = shop.call(method, path, body, claims=claims)
        assert (answer.status, answer.problem) == (401, "unauthorized")
    assert shop.rows == []


def test_what_is_said_of_the_cart_says_nothing_of_its_owner(shop: Shop) -> None:
    shop.sells("bag")

    assert "user-1" not in json.dumps(shop.put("bag", 1).body)
