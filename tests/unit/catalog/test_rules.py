import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain import (
    IMAGE_TYPES,
    MAX_ID,
    Position,
    PriceRange,
    Product,
    Sort,
    Wanted,
    choices,
    is_position,
    position,
    select,
    slug_of,
    upload_key,
    uploads_of,
)
from cloudretail.errors import InvalidEvent
from cloudretail.money import Money

START = datetime(2026, 1, 1, tzinfo=UTC)


EVERYTHING = Wanted()


def product(
    product_id: str, *, name: str = "", amount: int = 1000, age: int = 0, text: str = "", category: str = "Bags"
) -> Product:
    return Product(
        product_id=product_id,
        name=name or product_id,
        description=text,
        category=category,
        price=Money(amount=amount, currency="SGD"),
        created_at=START - timedelta(days=age),
        updated_at=START,
    )


def ids(products: list[Product]) -> list[str]:
    return [each.product_id for each in products]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (Sort.NAME, ["b", "a", "c"]),
        (Sort.PRICE, ["a", "c", "b"]),
        (Sort.PRICE_DESCENDING, ["b", "c", "a"]),
        (Sort.NEWEST, ["c", "a", "b"]),
        (Sort.RELEVANCE, ["b", "a", "c"]),
    ],
)
def test_a_list_is_sorted_as_asked(sort: Sort, expected: list[str]) -> None:
    products = [
        product("a", name="Mug", amount=100, age=1),
        product("b", name="apron", amount=300, age=2),
        product("c", name="Vase", amount=200, age=0),
    ]

    assert ids(select(products, EVERYTHING, sort=sort, after=None)) == expected


def test_what_was_meant_comes_first_and_the_rest_by_name() -> None:
    products = [product("a", name="Mug"), product("b", name="apron"), product("c", name="Vase"), product("d")]
    wanted = Wanted(ranks={"a": 10, "b": 10, "c": 2})

    assert ids(select(products, wanted, sort=Sort.RELEVANCE, after=None)) == ["c", "b", "a"]
    assert ids(
        select(products, wanted, sort=Sort.RELEVANCE, after=position(products[1], Sort.RELEVANCE, wanted.ranks))
    ) == ["a"]


@pytest.mark.parametrize(
    ("prices", "left"),
    [
        (PriceRange(), ["a", "b", "c"]),
        (PriceRange(200), ["b", "c"]),
        (PriceRange(None, 200), ["a", "b"]),
        (PriceRange(150, 250), ["b"]),
        (PriceRange(301), []),
    ],
)
def test_a_price_range_includes_its_ends(prices: PriceRange, left: list[str]) -> None:
    products = [product(each, amount=amount) for each, amount in (("a", 100), ("b", 200), ("c", 300))]

    assert ids(select(products, Wanted(prices=prices), sort=Sort.NAME, after=None)) == left


def test_a_filter_counts_what_choosing_it_would_leave_the_others_being_as_they_are() -> None:
    products = [
        product("a", amount=100, category="Bags"),
        product("b", amount=200, category="Bags"),
        product("c", amount=200, category="Home"),
        product("d", amount=900, category="Home"),
        product("e", amount=150, category="Outdoors"),
    ]
    wanted = Wanted("Home", PriceRange(150, 500), ranks=dict.fromkeys("abcd", 0))

    found = choices(products, wanted)

    assert found.categories == {"Bags": 1, "Home": 1}
    assert found.prices == (200, 900)
    assert found.total == len(select(products, wanted, sort=Sort.NAME, after=None)) == 1
    assert choices([], wanted).prices is None


shelves = st.lists(
    st.builds(
        product,
        st.text("abcdef", min_size=1, max_size=4),
        name=st.text(min_size=1, max_size=80),
        amount=st.integers(1, 3),
        age=st.integers(0, 2),
    ),
    unique_by=lambda each: each.product_id,
)


@given(products=shelves, sort=st.sampled_from(Sort), size=st.integers(1, 4))
def test_pages_show_everything_once_and_in_order(products: list[Product], sort: Sort, size: int) -> None:
    seen: list[Product] = []
    after: Position | None = None
    while page := select(products, EVERYTHING, sort=sort, after=after)[:size]:
        seen += page
        after = position(page[-1], sort)

    assert seen == select(products, EVERYTHING, sort=sort, after=None)


@given(products=shelves.filter(lambda products: len(products) > 1), sort=st.sampled_from(Sort), data=st.data())
def test_a_page_goes_on_where_the_last_one_ended_even_if_that_product_is_gone(
    products: list[Product], sort: Sort, data: st.DataObject
) -> None:
    ordered = select(products, EVERYTHING, sort=sort, after=None)
    last = data.draw(st.integers(0, len(ordered) - 1))

    rest = select([*ordered[:last], *ordered[last + 1 :]], EVERYTHING, sort=sort, after=position(ordered[last], sort))

    assert rest == ordered[last + 1 :]


@given(each=st.builds(product, st.just("a"), name=st.text(min_size=1)), sort=st.sampled_from(Sort))
def test_every_position_is_one_that_may_come_back(each: Product, sort: Sort) -> None:
    assert is_position(*position(each, sort), sort)


@pytest.mark.parametrize(
    ("value", "product_id", "sort"),
    [
        (1, "a", Sort.NAME),
        ("x", "a", Sort.PRICE),
        (True, "a", Sort.PRICE),
        (1.5, "a", Sort.NEWEST),
        (None, "a", Sort.NEWEST),
        ("x", 7, Sort.NAME),
    ],
)
def test_what_no_list_has_made_is_no_position(value: object, product_id: object, sort: Sort) -> None:
    assert not is_position(value, product_id, sort)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Canvas Backpack", "canvas-backpack"),
        ("Crème brûlée torch!", "creme-brulee-torch"),
        ("  --A--  ", "a"),
        ("x" * 80, "x" * MAX_ID),
        ("x" * 63 + " y", "x" * 63),
    ],
)
def test_a_product_without_an_id_is_called_by_its_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_a_name_without_latin_letters_gives_the_same_id_each_time_and_another_name_another() -> None:
    assert slug_of("茶杯") == slug_of("茶杯")
    assert slug_of("茶杯") != slug_of("茶壶")
    assert slug_of("茶杯").startswith("product-")


def notification(**changes: object) -> str:
    """As S3 writes it; the fields that nobody reads are left out. Source: S3 user guide, "Event message structure"."""
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "ap-southeast-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Post",
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": "images"},
            "object": {"key": "products/bag/1.webp", "size": 1024, "sequencer": "0055AED6DCD90281E5"},
        },
        **changes,
    }
    return json.dumps({"Records": [record]})


def keyed(key: str) -> dict[str, object]:
    return {"s3": {"object": {"key": key}}}


def test_an_upload_is_a_picture_of_a_product_whose_key_s3_encodes_for_a_url() -> None:
    (upload,) = uploads_of(notification(**keyed("products%2Fbag%2Fa1.webp")))

    assert (upload.product_id, upload.image_id, upload.key) == ("bag", "a1", "products/bag/a1.webp")


def test_what_a_ticket_is_for_is_known_again_when_it_arrives() -> None:
    for content_type in IMAGE_TYPES:
        (upload,) = uploads_of(notification(**keyed(upload_key("bag", "a1", content_type))))
        assert (upload.product_id, upload.image_id) == ("bag", "a1")


def test_the_test_event_of_s3_tells_of_no_upload() -> None:
    message = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-01T00:00:00.000Z", "Bucket": "images"}

    assert uploads_of(json.dumps(message)) == []


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"Records": []}',
        '{"Event": "s3:AnotherEvent"}',
        notification(eventName="ObjectRemoved:Delete"),
        notification(s3={}),
        notification(**keyed("products/bag/")),
        notification(**keyed("products/bag/a%20b.webp")),
        notification(**keyed("products/bag/a1")),
        notification(**keyed("products/1.webp")),
        notification(**keyed("products/a%20b/1.webp")),
        notification(**keyed("products/bag/folder/1.webp")),
        notification(**keyed("elsewhere/bag/1.webp")),
    ],
)
def test_anything_else_is_refused(message: str) -> None:
    with pytest.raises(InvalidEvent):
        uploads_of(message)
