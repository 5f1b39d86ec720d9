"""The same shopper at checkout from several places at once: real threads, meeting between the read and the write."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest

from cloudretail.decider import Context
from cloudretail.errors import Conflict, LostRace
from cloudretail.settings import load
from orders.domain import Shopper, order_id_of, place
from orders.store import CheckoutSettings, CheckoutStore
from tests.support.examples import CAUSE
from tests.support.turns import calls_take_turns
from tests.unit.orders.conftest import Shop, command

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CLICKS = 8


def checked_out_at_once(keys: list[str]) -> list[str]:
    """What becomes of as many checkouts of one cart, which all have read before the first writes."""
    everybody_has_read = Barrier(len(keys))

    def checks_out(key: str) -> str:
        store = CheckoutStore(load(CheckoutSettings), "user-1")
        order_id = order_id_of("user-1", key)
        look = store.look(order_id)
        cart, account = look.cart, look.account
        change = place(
            command(cart.version, 3980),
            store.basket(cart),
            account,
            look.rates,
            Shopper("user-1", "shopper@cloudretail.example"),
            Context(order_id, CAUSE.id, NOW),
        )
        everybody_has_read.wait(timeout=10)
        try:
            store.place(change, cart.version, account, CAUSE, NOW)
        except (LostRace, Conflict) as refusal:
            return type(refusal).__name__
        return "placed"

    with ThreadPoolExecutor(len(keys)) as tabs:
        return sorted(tabs.map(checks_out, keys))


@pytest.fixture(autouse=True)
def a_filled_cart(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.sells("bag")
    shop.fills_a_cart(("bag", 2))
    calls_take_turns(monkeypatch)


def test_many_clicks_with_one_key_are_one_order(shop: Shop) -> None:
    outcomes = checked_out_at_once(["key-1"] * CLICKS)

    assert outcomes == ["LostRace"] * (CLICKS - 1) + ["placed"]
    (row,) = shop.orders()
    assert (row.version, row.state.order_id) == (1, order_id_of("user-1", "key-1"))
    assert (shop.cart()["items"], shop.cart()["version"]) == ([], 4)


def test_one_cart_under_many_keys_is_ordered_once(shop: Shop) -> None:
    outcomes = checked_out_at_once([f"key-{n}" for n in range(CLICKS)])

    assert outcomes == ["Conflict"] * (CLICKS - 1) + ["placed"]
    assert len(shop.orders()) == 1
    assert (shop.cart()["items"], shop.cart()["version"]) == ([], 4)
