"""The orders of one shopper: nobody else's exist."""

from datetime import timedelta

import pytest

from cloudretail.decider import Change, Context, Decision
from cloudretail.errors import LostRace
from cloudretail.repository import DynamoDBRepository, transact
from cloudretail.settings import load
from contract.values import OrderStatus
from orders.domain import Cancel, Order, decide
from orders.store import ORDERS, AccountSettings, OwnedOrders
from tests.support.examples import CAUSE, NOW
from tests.support.wire import Wire
from tests.unit.orders.conftest import Shop
from tests.unit.orders.test_rules import order

CONTEXT = Context("ord_1", "request-2", NOW)
ORDERS_TABLE: DynamoDBRepository[Order] = DynamoDBRepository("OrdersTable", ORDERS)


def stored(order_id: str, user: str = "user-1", minutes: int = 0) -> Order:
    placed = order("PENDING", order_id=order_id, user_id=user, created_at=NOW + timedelta(minutes=minutes))
    ORDERS_TABLE.commit(order_id, None, Change(placed), CAUSE, NOW)
    return placed


def owned(user: str = "user-1") -> OwnedOrders:
    return OwnedOrders(load(AccountSettings), user)


def pages(user: str, limit: int) -> list[list[str]]:
    """The order ids of each page, from the newest order to the oldest."""
    result = []
    position = None
    while True:
        items, position = owned(user).history(limit, position)
        result.append([item["orderId"] for item in items])
        if position is None:
            return result


def test_an_order_is_found_by_its_owner_only(shop: Shop) -> None:
    mine = stored("ord_1")

    found = owned().load("ord_1")

    assert found
    assert found.state == mine
    assert owned("user-2").load("ord_1") is None
    assert owned().load("ord_2") is None


def test_an_order_is_read_consistently_and_with_its_owner_in_the_condition(shop: Shop, wire: Wire) -> None:
    owned().load("ord_1")

    (query,) = wire.made("Query")
    assert query["ConsistentRead"] is True
    assert query["ExpressionAttributeValues"] == {":order": {"S": "ord_1"}, ":user": {"S": "user-1"}}


def test_a_change_is_conditional_on_the_version_that_was_read(shop: Shop) -> None:
    stored("ord_1")
    read = owned().load("ord_1")
    assert read
    cancelled = decide(read.state, Cancel(), CONTEXT)
    assert isinstance(cancelled, Change)

    owned().commit("ord_1", read, cancelled, CAUSE, NOW)

    with shop.unchanged(), pytest.raises(LostRace):
        owned().commit("ord_1", read, cancelled, CAUSE, NOW)


def test_a_cancellation_that_lost_the_race_against_a_payment_is_decided_again(shop: Shop) -> None:
    stored("ord_1")
    states: list[OrderStatus] = []

    def cancel(read: Order | None) -> Decision[Order]:
        assert read
        states.append(read.status)
        if len(states) == 1:
            row = ORDERS_TABLE.load("ord_1")
            ORDERS_TABLE.commit("ord_1", row, Change(order("CONFIRMED", order_id="ord_1")), CAUSE, NOW)
        return decide(read, Cancel(), CONTEXT)

    settled = transact(owned(), "ord_1", cancel, CAUSE, NOW)

    assert states == [OrderStatus.PENDING, OrderStatus.CONFIRMED]
    assert settled.state
    assert settled.state.status == OrderStatus.CANCELLING
    row = ORDERS_TABLE.load("ord_1")
    assert row
    assert (row.version, row.state) == (3, settled.state)


def test_the_history_is_newest_first_and_of_the_owner_only(shop: Shop) -> None:
    for minutes in (2, 0, 3, 1):
        stored(f"ord_{minutes}", minutes=minutes)
        stored(f"other_{minutes}", "user-2", minutes)

    assert pages("user-1", 10) == [["ord_3", "ord_2", "ord_1", "ord_0"]]
    assert pages("user-3", 10) == [[]]


def test_the_history_has_what_a_list_shows_and_not_the_story(shop: Shop) -> None:
    stored("ord_1")

    ((item,), _) = owned().history(1, None)

    assert set(item) >= {"orderId", "userId", "createdAt", "status", "items", "totalAmount", "currency"}


@pytest.fixture
def many(shop: Shop) -> list[str]:
    """The ids of forty orders among as many of somebody else; five were placed at each moment."""
    for n in range(40):
        stored(f"ord_{n:03}", minutes=n // 5)
        stored(f"other_{n:03}", "user-2", n // 5)
    return [f"ord_{n:03}" for n in range(40)]


@pytest.mark.parametrize("limit", [1, 7, 20, 39, 40])
def test_paging_shows_every_order_once_however_long_the_pages_are(many: list[str], limit: int) -> None:
    found = pages("user-1", limit)

    assert all(len(page) <= limit for page in found)
    ids = [order_id for page in found for order_id in page]
    assert sorted(ids) == many
    moments = [int(order_id.removeprefix("ord_")) // 5 for order_id in ids]
    assert moments == sorted(moments, reverse=True)


def test_an_order_placed_while_somebody_pages_neither_repeats_nor_hides_another(many: list[str]) -> None:
    first, position = owned().history(10, None)
    stored("ord_new", minutes=1000)

    second, _ = owned().history(10, position)

    seen = [item["orderId"] for item in first + second]
    assert len(set(seen)) == 20
    assert "ord_new" not in seen
