"""Two tabs at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier, local

import pytest

from cart.commands import change, load
from cart.domain import Cart, Offer, Wanted, merge, put
from cart.store import CARTS, CartSettings
from cloudretail import repository
from cloudretail.decider import Change, Decision
from cloudretail.envelope import Cause
from cloudretail.errors import Contention, LostRace
from cloudretail.money import Money
from cloudretail.outbox import Row
from cloudretail.repository import MAX_RACES, DynamoDBRepository
from cloudretail.settings import load as load_settings
from tests.support.turns import calls_take_turns
from tests.unit.cart.conftest import Shop

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CAUSE = Cause("request-1", "00-" + "a" * 32 + "-" + "b" * 16 + "-01")


@pytest.fixture(autouse=True)
def faithful(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    calls_take_turns(monkeypatch)


class SameMoment(DynamoDBRepository[Cart]):
    """Lets the first reads of all its users happen before the first write.

    Attributes:
        lost: how many races were.
    """

    def __init__(self, table: str, users: int) -> None:
        super().__init__(table, CARTS)
        self._all_have_read = Barrier(users)
        self._first_read = local()
        self.lost = 0

    def load(self, key: str) -> Row[Cart] | None:
        row = super().load(key)
        if not getattr(self._first_read, "done", False):
            self._first_read.done = True
            self._all_have_read.wait(timeout=10)
        return row

    def commit(self, key: str, read: Row[Cart] | None, change: Change[Cart], cause: Cause, now: datetime) -> Row[Cart]:
        try:
            return super().commit(key, read, change, cause, now)
        except LostRace:
            self.lost += 1
            raise


def offer(product_id: str) -> Offer:
    return Offer(product_id=product_id, name=product_id, price=Money(amount=1000, currency="SGD"), available=99)


def at_once(carts: SameMoment, decisions: list[Callable[[Cart], Decision[Cart]]]) -> None:
    with ThreadPoolExecutor(len(decisions)) as tabs:
        list(tabs.map(lambda decide: change(carts, "user-1", decide, CAUSE, NOW), decisions))


def putting(product_id: str) -> Callable[[Cart], Decision[Cart]]:
    return lambda cart: put(cart, offer(product_id), 1, NOW)


@pytest.mark.parametrize("started_with", [0, 1], ids=["a new cart", "a cart that is there"])
@pytest.mark.parametrize("tabs", [2, MAX_RACES])
def test_tabs_that_add_different_products_at_once_lose_none(shop: Shop, tabs: int, started_with: int) -> None:
    settings = load_settings(CartSettings)
    for n in range(started_with):
        change(DynamoDBRepository(settings.cart_table, CARTS), "user-1", putting(f"first-{n}"), CAUSE, NOW)
    carts = SameMoment(settings.cart_table, tabs)

    at_once(carts, [putting(f"p{n}") for n in range(tabs)])

    cart = load(DynamoDBRepository(settings.cart_table, CARTS), "user-1")
    assert {line.product_id for line in cart.items} >= {f"p{n}" for n in range(tabs)}
    assert cart.version == tabs + started_with
    # All had read the same version, so that all but one had to begin again.
    assert carts.lost >= tabs - 1


def test_the_same_merge_from_two_tabs_at_once_happens_once(shop: Shop) -> None:
    settings = load_settings(CartSettings)
    carts = SameMoment(settings.cart_table, 2)

    def merging(cart: Cart) -> Decision[Cart]:
        return merge(cart, "visit-1", {"bag": Wanted(quantity=2)}, {"bag": offer("bag")}, NOW)

    at_once(carts, [merging, merging])

    cart = load(DynamoDBRepository(settings.cart_table, CARTS), "user-1")
    assert ([line.quantity for line in cart.items], cart.version, cart.merge_ids) == ([2], 1, ("visit-1",))


class AlwaysTooLate(DynamoDBRepository[Cart]):
    """Somebody else writes between each read and its write."""

    def load(self, key: str) -> Row[Cart] | None:
        row = super().load(key)
        decision = put(row.state if row else Cart(user_id=key), offer("somebody-else"), 1, NOW)
        super().commit(key, row, decision, CAUSE, NOW)
        return row


def test_a_race_that_is_lost_again_and_again_is_given_up_and_changes_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "pause_before_retry", lambda attempt: None)
    carts = AlwaysTooLate("CartTable", CARTS)

    with pytest.raises(Contention):
        change(carts, "user-1", putting("bag"), CAUSE, NOW)

    assert {line["productId"] for row in shop.rows for line in row["items"]} == {"somebody-else"}
