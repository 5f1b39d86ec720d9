from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain import Product
from catalog.search import Index, stem, typos_in, words_of
from cloudretail.money import Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def product(product_id: str, name: str, text: str = "", category: str = "Things") -> Product:
    return Product(
        product_id=product_id,
        name=name,
        description=text,
        category=category,
        price=Money(amount=100, currency="SGD"),
        created_at=NOW,
        updated_at=NOW,
    )


SHELF = [
    product("backpack", "Canvas Backpack", "Opens without taking it off.", "Bags"),
    product("boots", "Leather Hiking Boots", "For years of trails.", "Outdoors"),
    product("books", "Hand-bound Books", "Leather covers.", "Stationery"),
    product("torch", "Crème brûlée torch", "For the Straße, too.", "Kitchen"),
    product("headphones", "Studio Headphones", "Cushions that shut out the train.", "Electronics"),
    product("knife", "Chef\u2019s Knife", "One for all.", "Kitchen"),
    product("watch", "Everyday Watch", "Tells the time.", "Electronics"),
    product("pen", "Fountain Pen", "Writes.", "Stationery"),
]
INDEX = Index(SHELF)


def found(text: str) -> list[str]:
    """In the order of relevance."""
    ranks = INDEX.find(text).ranks
    return sorted(ranks, key=lambda each: (ranks[each], each))


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("CANVAS", ["backpack"]),
        ("canvas bag", ["backpack"]),
        ("bags canvas", ["backpack"]),
        ("canvas pen", []),
        ("creme brulee", ["torch"]),
        ("CRÈME", ["torch"]),
        ("strasse", ["torch"]),
        ("STRASSE", ["torch"]),
        ("chefs", ["knife"]),
        ("chef's", ["knife"]),
        ("boot", ["boots"]),
        ("backpacks", ["backpack"]),
        ("watches", ["watch"]),
        ("knives", ["knife"]),
        ("head", ["headphones"]),
        ("hik", ["boots"]),
        ("leather", ["boots", "books"]),
        ("pen", ["pen"]),
        ("hand bound", ["books"]),
        ("hand-bound", ["books"]),
        ("!?", []),
    ],
)
def test_words_are_found_whatever_their_accents_number_and_end(typed: str, ids: list[str]) -> None:
    assert (found(typed), INDEX.find(typed).exact) == (ids, True)


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("bakpack", ["backpack"]),
        ("backpakc", ["backpack"]),
        ("backpackk", ["backpack"]),
        ("hedphones", ["headphones"]),
        ("headfones", ["headphones"]),
        ("hedph", ["headphones"]),
        ("lether boots", ["boots"]),
        ("phones", ["headphones"]),
        ("pack canvas", ["backpack"]),
        ("pzn", []),
        ("zzzzzzzzzz", []),
    ],
)
def test_where_nothing_has_a_word_what_resembles_them_is_found(typed: str, ids: list[str]) -> None:
    assert (found(typed), INDEX.find(typed).exact) == (ids, False)


def test_what_has_a_word_keeps_out_what_only_resembles_it() -> None:
    assert (found("boots"), found("books")) == (["boots"], ["books"])
    assert found("boots canvas") == []


def test_the_name_counts_more_than_the_category_and_that_more_than_the_text() -> None:
    index = Index([product("text", "A", "Sofa."), product("category", "B", category="Sofa"), product("name", "Sofa")])

    ranks = index.find("sofa").ranks

    assert sorted(ranks, key=ranks.__getitem__) == ["name", "category", "text"]


def test_the_word_itself_counts_more_than_one_that_begins_so() -> None:
    index = Index([product("longer", "Penholder"), product("plural", "Pens"), product("itself", "A box", "For a pen.")])

    ranks = index.find("pen").ranks

    assert sorted(ranks, key=ranks.__getitem__) == ["itself", "plural", "longer"]


texts = st.text(st.sampled_from("aeèst \u2019-ßﬁ"), min_size=1, max_size=12)


@given(names=st.lists(texts, min_size=1, max_size=6), data=st.data())
def test_a_product_is_always_found_by_its_own_words(names: list[str], data: st.DataObject) -> None:
    products = [product(str(n), name) for n, name in enumerate(names)]
    n = data.draw(st.integers(0, len(names) - 1))
    typed = data.draw(st.permutations(words_of(names[n])))

    assert not typed or str(n) in Index(products).find(" ".join(typed)).ranks


@given(word=st.from_regex(r"[a-z]{4,12}", fullmatch=True), data=st.data())
def test_one_wrong_letter_loses_nothing(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcxyz"))
    replaced, swapped = (
        word[:place] + letter + word[place + 1 :],
        word[:place] + word[place : place + 2][::-1] + word[place + 2 :],
    )
    index = Index([product("a", word)])

    for typed in (replaced, swapped):
        assert "a" in index.find(typed).ranks


@pytest.mark.parametrize(
    "pair",
    ["boot boots", "glass glasses", "battery batteries", "shoe shoes", "glove gloves", "box boxes", "leaf leaves",
     "knife knives", "tomato tomatoes", "bus buses", "case cases"],
)  # fmt: skip
def test_singular_and_plural_are_one(pair: str) -> None:
    one, many = pair.split()
    assert stem(one) == stem(many)


def test_short_words_have_to_be_right() -> None:
    assert [typos_in("x" * length) for length in (1, 3, 4, 7, 8, 20)] == [0, 0, 1, 1, 2, 2]
