from typing import Any

import pytest

from catalog.store import LIST_KEPT_FOR, MAX_KEYS, Pictures
from tests.support.wire import Wire
from tests.unit.catalog.conftest import Shop


def test_a_product_in_a_list_is_what_its_own_page_shows(shop: Shop) -> None:
    shop.has("bag", name="Canvas bag", description="Sturdy.", available=7)

    (item,) = shop.page().body["items"]

    assert item == {
        "productId": "bag",
        "name": "Canvas bag",
        "description": "Sturdy.",
        "category": "Bags",
        "price": {"amount": 1990, "currency": "SGD"},
        "images": [],
        "available": 7,
        "listed": True,
        "group": None,
        "createdAt": "2026-01-01T00:00:00Z",
    }
    assert shop.get("/products/bag").body == item


def test_an_empty_shop_has_an_empty_list(shop: Shop) -> None:
    assert shop.page().body == {
        "items": [],
        "nextCursor": None,
        "total": 0,
        "exact": True,
        "categories": [],
        "prices": None,
    }


def test_a_list_is_by_name_unless_another_order_is_asked_for(shop: Shop) -> None:
    shop.has("b", name="apron", price={"amount": 1, "currency": "SGD"})
    shop.has("a", name="Mug", price={"amount": 2, "currency": "SGD"}, createdAt="2026-01-02T00:00:00Z")

    assert shop.ids() == ["b", "a"]
    assert shop.ids(sort="price") == ["b", "a"]
    assert shop.ids(sort="-price") == ["a", "b"]
    assert shop.ids(sort="newest") == ["a", "b"]


def test_a_category_is_exactly_that_one(shop: Shop) -> None:
    shop.has("bag")
    shop.has("mug", category="Kitchen")

    assert shop.ids(category="Kitchen") == ["mug"]
    assert shop.ids(category="kitchen") == []
    assert shop.ids(category="") == ["bag", "mug"]
    assert shop.ids(category="Kitchen", q="bag") == []


def test_what_is_sold_out_or_was_never_received_is_left_out_on_demand(shop: Shop) -> None:
    shop.has("bag", available=1)
    shop.has("gone", available=0)
    shop.has("never", available=None)

    assert shop.ids() == ["bag", "gone", "never"]
    assert [item["available"] for item in shop.page().body["items"]] == [1, 0, 0]
    assert shop.ids(inStock="true") == ["bag"]


def test_pages_follow_one_another_until_there_is_no_more(shop: Shop) -> None:
    for n in range(5):
        shop.has(f"p{n}", name="The same name")

    assert list(shop.pages(limit="2")) == [["p0", "p1"], ["p2", "p3"], ["p4"]]
    assert list(shop.pages(limit="5")) == [["p0", "p1", "p2", "p3", "p4"]]
    assert list(shop.pages(limit="2", sort="newest")) == [["p4", "p3"], ["p2", "p1"], ["p0"]]


def test_pages_of_what_is_in_stock_are_full_and_end_where_it_ends(shop: Shop) -> None:
    for n in range(MAX_KEYS + 20):
        shop.has(f"p{n:03}", name=f"{n:03}", available=1 if n % 30 == 0 else 0)

    assert list(shop.pages(limit="2", inStock="true")) == [["p000", "p030"], ["p060", "p090"]]


def test_a_whole_page_of_a_hundred_has_its_stock(shop: Shop) -> None:
    for n in range(MAX_KEYS + 1):
        shop.has(f"p{n:03}", name=f"{n:03}", available=n)

    answer = shop.page(limit="100")

    assert [item["available"] for item in answer.body["items"]] == list(range(100))
    assert answer.body["nextCursor"]


def test_a_name_of_any_length_and_script_gives_a_cursor_that_may_come_back(shop: Shop) -> None:
    for n in range(3):
        shop.has(f"p{n}", name="ΐ" * 120)

    assert list(shop.pages(limit="1")) == [["p0"], ["p1"], ["p2"]]


def test_stock_is_live_while_the_list_is_a_few_seconds_old(shop: Shop) -> None:
    shop.has("bag", available=3)
    assert shop.ids() == ["bag"]
    shop.has_in_stock("bag", 2)
    shop.has("mug")

    assert [item["available"] for item in shop.page().body["items"]] == [2]
    shop.clock.now += LIST_KEPT_FOR
    assert shop.ids() == ["bag", "mug"]


def test_what_this_process_changed_it_shows_at_once(shop: Shop) -> None:
    shop.has("bag")
    assert shop.ids(category="Bags") == ["bag"]

    text = {"name": "Bag", "description": "", "category": "Luggage", "price": {"amount": 1, "currency": "SGD"}}
    shop.send("PUT", "/admin/products/bag", {**text, "version": 1})

    assert (shop.ids(category="Bags"), shop.ids(category="Luggage")) == ([], ["bag"])


def test_a_list_says_what_can_be_chosen_from_it(shop: Shop) -> None:
    for product_id, category, amount in (("bag", "Bags", 300), ("pouch", "Bags", 100), ("mug", "Kitchen", 200)):
        shop.has(product_id, category=category, price={"amount": amount, "currency": "SGD"}, available=0)

    page = shop.page(category="Bags", minPrice="150", maxPrice="300", inStock="true").body

    assert (page["items"], page["total"]) == ([], 1)
    assert page["categories"] == [{"category": "Bags", "count": 1}, {"category": "Kitchen", "count": 1}]
    assert (page["prices"]["lowest"]["amount"], page["prices"]["highest"]["amount"]) == (100, 300)


def test_a_search_shows_what_was_meant_first_unless_another_order_is_asked_for(shop: Shop) -> None:
    shop.has("a", name="A lamp", description="Stands beside the sofa.", price={"amount": 1, "currency": "SGD"})
    shop.has("b", name="Sofa", price={"amount": 2, "currency": "SGD"})

    assert (shop.ids(q="sofa"), shop.ids(q="sofa", sort="price")) == (["b", "a"], ["a", "b"])
    assert list(shop.pages(q="sofa", limit="1")) == [["b"], ["a"]]
    assert shop.ids(q=" ") == ["a", "b"]


def test_a_search_says_whether_it_has_found_the_words_or_what_resembles_them(shop: Shop) -> None:
    shop.has("bag", name="Canvas backpack")

    assert (shop.ids(q="bakpack"), shop.page(q="bakpack").body["exact"]) == (["bag"], False)
    assert (shop.ids(q="backpacks"), shop.page(q="backpacks").body["exact"]) == (["bag"], True)


def test_a_search_finds_what_a_product_is_called_now(shop: Shop) -> None:
    shop.has("bag", name="Satchel")
    assert shop.ids(q="satchel") == ["bag"]
    shop.has("bag", name="Rucksack", version=2)
    shop.clock.now += LIST_KEPT_FOR

    assert (shop.ids(q="satchel"), shop.ids(q="rucksack")) == ([], ["bag"])


def boots(shop: Shop, *sizes: str, **attributes: Any) -> None:
    for size in sizes:
        variant = {"group": "Hiking Boots", "attribute": "Size", "value": size}
        shop.has(f"boots-{size}", name=f"Hiking Boots, size {size}", variant=variant, **attributes)


def values(item: dict[str, Any]) -> list[str]:
    return [each["value"] for each in item["group"]["variants"]]


def test_variants_are_one_thing_in_a_list_and_each_has_its_own_price_and_stock(shop: Shop) -> None:
    boots(shop, "42", "9")
    boots(shop, "100", available=0, price={"amount": 2500, "currency": "SGD"})
    shop.has("mug", name="Mug")

    page = shop.page().body

    assert [item["productId"] for item in page["items"]] == ["boots-100", "mug"]
    group = page["items"][0]["group"]
    assert (group["name"], group["attribute"], values(page["items"][0])) == ("Hiking Boots", "Size", ["9", "42", "100"])
    assert [(each["available"], each["price"]["amount"]) for each in group["variants"]] == [
        (1, 1990),
        (1, 1990),
        (0, 2500),
    ]
    assert (page["total"], page["categories"]) == (2, [{"category": "Bags", "count": 2}])
    assert shop.get("/categories").body["items"] == [{"category": "Bags", "count": 2, "picture": None}]
    assert list(shop.pages(limit="1")) == [["boots-100"], ["mug"]]


def test_the_page_of_a_variant_leads_to_the_others_as_one_looks_for_them(shop: Shop) -> None:
    boots(shop, "XL", "S", "M")
    boots(shop, "L", listed=False)

    product = shop.get("/products/boots-M").body

    assert (product["productId"], values(product)) == ("boots-M", ["S", "M", "XL"])
    assert values(shop.get("/products/boots-L").body) == ["S", "M", "L", "XL"]


def test_a_group_is_in_stock_while_one_of_its_variants_is(shop: Shop) -> None:
    boots(shop, "41", available=0)
    boots(shop, "42", available=2)
    shop.has("gone", available=0)

    assert shop.ids(inStock="true") == ["boots-41"]


def test_a_search_for_a_size_finds_that_one(shop: Shop) -> None:
    boots(shop, "41", "42")

    assert (shop.ids(q="boots 42"), shop.ids(q="boots")) == (["boots-42"], ["boots-41"])


def test_categories_are_counted(shop: Shop) -> None:
    for product_id, category in (("bag", "Bags"), ("pouch", "Bags"), ("mug", "Kitchen")):
        shop.has(product_id, category=category)

    assert shop.get("/categories").body == {
        "items": [
            {"category": "Bags", "count": 2, "picture": None},
            {"category": "Kitchen", "count": 1, "picture": None},
        ],
        "nextCursor": None,
    }


def test_a_category_has_the_picture_of_its_newest_product_that_has_one(shop: Shop) -> None:
    def pictured(key: str) -> dict[str, Any]:
        sizes = [{"width": 320, "key": f"pictures/{key}.webp"}]
        return {"images": [{"imageId": key, "alt": key}], "pictures": {key: {"state": "READY", "sizes": sizes}}}

    shop.has("old", createdAt="2026-01-01T00:00:00Z", **pictured("old"))
    shop.has("new", createdAt="2026-01-02T00:00:00Z", **pictured("new"))
    shop.has("newest", createdAt="2026-01-03T00:00:00Z")

    (category,) = shop.get("/categories").body["items"]

    assert category["picture"] == {"alt": "new", "sizes": [{"width": 320, "url": "/pictures/new.webp"}]}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"sort": "colour"}, "sort"),
        ({"inStock": "perhaps"}, "inStock"),
        ({"q": "q" * 101}, "q"),
        ({"category": "c" * 121}, "category"),
        ({"minPrice": "-1"}, "minPrice"),
        ({"maxPrice": "cheap"}, "maxPrice"),
        ({"minPrice": "2", "maxPrice": "1"}, "maxPrice"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"cursor": "bm90IGpzb24"}, "cursor"),
        ({"cursor": "e30"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
        ({"cursor": "x" * 1025}, "cursor"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_name(shop: Shop, query: dict[str, str], field: str) -> None:
    answer = shop.page(**query)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", [field])


def test_the_cursor_of_another_order_is_refused(shop: Shop) -> None:
    shop.has("bag")
    shop.has("mug")
    cursor = shop.page(limit="1").body["nextCursor"]

    for sort in ("price", "-price", "newest"):
        answer = shop.page(limit="1", sort=sort, cursor=cursor)
        assert (answer.status, answer.fields) == (422, ["cursor"])


def test_an_unknown_product_is_not_found(shop: Shop) -> None:
    answer = shop.get("/products/never-heard-of")

    assert (answer.status, answer.problem) == (404, "not-found")


def test_a_product_shows_the_pictures_that_have_arrived_in_the_order_of_the_staff(shop: Shop) -> None:
    def ready(key: str) -> dict[str, object]:
        return {"state": "READY", "sizes": [{"width": 320, "key": f"pictures/{key}.webp"}]}

    shop.has(
        "bag",
        images=[{"imageId": each, "alt": each.upper()} for each in ("b", "lost", "coming", "a")],
        pictures={
            "a": ready("1"),
            "b": ready("2"),
            "coming": {"state": "WAITING"},
            "lost": {"state": "FAILED", "why": "It is no picture."},
        },
    )

    images = shop.page().body["items"][0]["images"]

    assert images == [
        {"alt": "B", "sizes": [{"width": 320, "url": "/pictures/2.webp"}]},
        {"alt": "A", "sizes": [{"width": 320, "url": "/pictures/1.webp"}]},
    ]
    assert shop.get("/products/bag").body["images"] == images


def test_a_ticket_is_signed_without_asking_anybody(shop: Shop, wire: Wire) -> None:
    assert Pictures("images").ticket("bag", "a", "image/png")["url"]
    assert wire.calls == []


def test_a_page_costs_one_read_of_the_list_and_one_of_its_stock(shop: Shop, wire: Wire) -> None:
    for n in range(30):
        shop.has(f"p{n}")
    wire.calls.clear()

    for query in ({}, {"sort": "price"}, {"inStock": "true"}):
        shop.page(**query)

    assert [operation for operation, _ in wire.calls] == ["Scan", "BatchGetItem", "BatchGetItem", "BatchGetItem"]
