from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart.domain import (
    MAX_LINES,
    REMEMBERED_MERGES,
    Cart,
    Offer,
    Skip,
    Wanted,
    clear,
    left_out,
    merge,
    put,
    remove,
)
from cloudretail.decider import Change, Decision, Nothing
from cloudretail.errors import Conflict, InvalidInput
from cloudretail.money import Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY = Cart(user_id="user-1")


def offer(product_id: str, *, price: int = 1000, available: int = 99) -> Offer:
    return Offer(product_id=product_id, name=product_id, price=dollars(price), available=available)


def changed(decision: Decision[Cart]) -> Cart:
    assert isinstance(decision, Change)
    return decision.state


def cart_of(**quantities: int) -> Cart:
    cart = EMPTY
    for product_id, quantity in quantities.items():
        cart = put(cart, offer(product_id), quantity, NOW).state
    return cart


def wants(**quantities: int) -> dict[str, Wanted]:
    return {product_id: Wanted(quantity=quantity) for product_id, quantity in quantities.items()}


def dollars(amount: int) -> Money:
    return Money(amount=amount, currency="SGD")


def quantities(cart: Cart) -> dict[str, int]:
    return {line.product_id: line.quantity for line in cart.items}


def test_putting_a_product_stamps_its_price_and_raises_the_version() -> None:
    cart = put(EMPTY, offer("bag", price=1990), 2, NOW).state

    (line,) = cart.items
    assert (line.product_id, line.quantity, line.unit_price.amount, cart.version) == ("bag", 2, 1990, 1)


def test_putting_a_product_again_replaces_its_quantity_and_accepts_its_price_of_now_in_the_same_place() -> None:
    cart = put(cart_of(bag=2, mug=1), offer("bag", price=2100), 5, NOW).state

    assert quantities(cart) == {"bag": 5, "mug": 1}
    assert [line.product_id for line in cart.items] == ["bag", "mug"]
    assert cart.items[0].unit_price.amount == 2100


def test_a_change_keeps_the_cart_for_ninety_more_days() -> None:
    cart = put(EMPTY, offer("bag"), 1, NOW).state

    assert cart.updated_at == NOW
    assert cart.expires_at == (NOW + timedelta(days=90)).timestamp()


def test_more_than_there_are_is_refused_and_says_how_many_there_are() -> None:
    with pytest.raises(Conflict) as refused:
        put(EMPTY, offer("bag", available=3), 4, NOW)

    assert (refused.value.type, refused.value.extra) == ("insufficient-stock", {"available": 3})


def test_a_smaller_quantity_is_a_step_towards_what_there_is_and_never_refused() -> None:
    five, three_left = cart_of(bag=5), offer("bag", available=3)

    assert quantities(put(five, three_left, 4, NOW).state) == {"bag": 4}
    with pytest.raises(Conflict, match="insufficient-stock"):
        put(five, three_left, 6, NOW)


def test_a_new_price_is_accepted_also_of_a_line_that_there_are_too_few_of() -> None:
    cart = put(cart_of(bag=5), offer("bag", price=4900, available=3), 5, NOW, seen=dollars(4900)).state

    assert (quantities(cart), cart.items[0].unit_price) == ({"bag": 5}, dollars(4900))


def test_a_change_of_the_quantity_keeps_the_price_that_the_shopper_saw() -> None:
    cart = put(cart_of(bag=5), offer("bag", price=4900), 4, NOW, seen=dollars(1000)).state

    assert cart.items[0].unit_price == dollars(1000)


def test_a_price_in_another_currency_was_never_seen_here() -> None:
    with pytest.raises(InvalidInput, match="SGD"):
        put(EMPTY, offer("bag"), 1, NOW, seen=Money(amount=1000, currency="USD"))


def test_the_fifty_first_product_is_refused_but_the_fifty_can_still_be_changed() -> None:
    full = cart_of(**{f"p{n}": 1 for n in range(MAX_LINES)})

    with pytest.raises(Conflict, match="cart-full"):
        put(full, offer("one-more"), 1, NOW)
    assert quantities(put(full, offer("p7"), 9, NOW).state)["p7"] == 9


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert isinstance(remove(cart_of(bag=1), "mug", NOW), Nothing)
    assert quantities(changed(remove(cart_of(bag=1, mug=2), "bag", NOW))) == {"mug": 2}


def test_clearing_keeps_the_version_growing() -> None:
    cart = cart_of(bag=1, mug=2)

    cleared = changed(clear(cart, NOW))

    assert (cleared.items, cleared.version) == ((), cart.version + 1)
    assert isinstance(clear(cleared, NOW), Nothing)


def test_of_two_quantities_the_larger_wins() -> None:
    offers = {id: offer(id, price=1500) for id in ("bag", "mug", "lamp")}

    cart = changed(merge(cart_of(bag=5, mug=1), "m1", wants(bag=2, mug=4, lamp=1), offers, NOW))

    assert quantities(cart) == {"bag": 5, "mug": 4, "lamp": 1}
    # Nobody says what the visitor saw: a line that is there keeps the price that was accepted for it.
    assert [line.unit_price.amount for line in cart.items] == [1000, 1000, 1500]


def test_a_merge_takes_the_price_that_the_visitor_saw_and_never_accepts_a_new_one() -> None:
    offers = {"bag": offer("bag", price=4900), "mug": offer("mug", price=4900)}
    wanted = {"bag": Wanted(quantity=1, seen=dollars(3900)), "mug": Wanted(quantity=2, seen=dollars(4900))}

    cart = changed(merge(cart_of(mug=1), "m1", wanted, offers, NOW))

    assert {line.product_id: line.unit_price.amount for line in cart.items} == {"bag": 3900, "mug": 4900}


def test_a_merge_happens_once() -> None:
    offers = {"bag": offer("bag")}
    once = changed(merge(EMPTY, "m1", wants(bag=2), offers, NOW))

    assert isinstance(merge(once, "m1", wants(bag=2), offers, NOW), Nothing)
    less = changed(remove(once, "bag", NOW))
    assert isinstance(merge(less, "m1", wants(bag=2), offers, NOW), Nothing)


def test_a_merge_of_nothing_leaves_no_trace() -> None:
    assert isinstance(merge(EMPTY, "m1", {}, {}, NOW), Nothing)


def test_only_the_latest_merges_are_remembered() -> None:
    cart = EMPTY
    for n in range(REMEMBERED_MERGES + 5):
        cart = changed(merge(cart, f"m{n}", wants(bag=1), {"bag": offer("bag")}, NOW))

    assert cart.merge_ids == tuple(f"m{n}" for n in range(5, REMEMBERED_MERGES + 5))


def test_a_merge_tells_what_it_left_out_and_why() -> None:
    offers = {"bag": offer("bag", available=3), "gone": offer("gone", available=0)}
    wanted = {**wants(bag=8, gone=1), "never-heard-of": Wanted(quantity=2)}

    cart = changed(merge(EMPTY, "m1", wanted, offers, NOW))
    skipped, capped = left_out(cart, wanted, offers)

    assert quantities(cart) == {"bag": 3}
    assert [(each.product_id, each.reason) for each in skipped] == [
        ("gone", Skip.SOLD_OUT),
        ("never-heard-of", Skip.UNKNOWN_PRODUCT),
    ]
    assert [(each.product_id, each.requested, each.quantity) for each in capped] == [("bag", 8, 3)]


def test_a_merge_never_takes_from_what_the_shopper_has() -> None:
    cart = cart_of(bag=5)

    merged = changed(merge(cart, "m1", wants(bag=8), {"bag": offer("bag", available=2)}, NOW))

    assert quantities(merged) == {"bag": 5}


def test_a_merge_into_a_full_cart_skips_what_does_not_fit() -> None:
    full = cart_of(**{f"p{n}": 1 for n in range(MAX_LINES)})
    offers = {"one-more": offer("one-more"), "p3": offer("p3")}
    wanted = {"one-more": Wanted(quantity=1), "p3": Wanted(quantity=2)}

    merged = changed(merge(full, "m1", wanted, offers, NOW))
    skipped, _ = left_out(merged, wanted, offers)

    assert len(merged.items) == MAX_LINES
    assert quantities(merged)["p3"] == 2
    assert [(each.product_id, each.reason) for each in skipped] == [("one-more", Skip.CART_FULL)]


products = st.sampled_from(["a", "b", "c", "d"])


@given(
    have=st.dictionaries(products, st.integers(1, 99)),
    wanted=st.dictionaries(products, st.integers(1, 99), min_size=1),
    stock=st.dictionaries(products, st.integers(0, 120)),
)
def test_whatever_is_merged_nobody_loses_a_piece_and_nobody_gets_more_than_there_are(
    have: dict[str, int], wanted: dict[str, int], stock: dict[str, int]
) -> None:
    offers = {id: offer(id, available=available) for id, available in stock.items()}
    cart = cart_of(**have)

    merged = quantities(changed(merge(cart, "m1", wants(**wanted), offers, NOW)))

    for product_id in {*have, *wanted}:
        mine, theirs, there_are = have.get(product_id, 0), wanted.get(product_id, 0), stock.get(product_id, 0)
        assert merged.get(product_id, 0) == max(mine, min(theirs, there_are))
