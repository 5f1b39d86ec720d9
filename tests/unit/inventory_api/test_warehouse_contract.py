"""What every warehouse does: the one on DynamoDB, and the one that the simulation runs on."""

from typing import Any

import pytest

from cloudretail.errors import Conflict, Contention, InvalidInput, LostRace
from inventory import api
from inventory.commands import Warehouse, change_stock
from inventory.movements import Command, Count, Damage, Levels, Movement, Receive, Request, Watch, move
from tests.support.examples import NOW
from tests.support.stock import InMemoryStockRepository
from tests.unit.inventory_api.conftest import Shop


@pytest.fixture(params=["DynamoDB", "memory"])
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    """Ten bags."""
    if request.param == "memory":
        return InMemoryStockRepository({"bag": 10})
    shop: Shop = request.getfixturevalue("shop")
    shop.receive("bag", 10, key="first")
    return api._warehouse()


TEN = Levels(available=10, received=10)


def request_(key: str = "key-1") -> Request:
    return Request(f"bag#{key}", "bag", "staff-1", NOW)


def levels(warehouse: Warehouse) -> Levels:
    return warehouse.look("bag", "bag#nothing")[0]


def test_the_counters_are_there_and_a_movement_that_nobody_made_is_not(warehouse: Warehouse) -> None:
    assert warehouse.look("bag", "bag#nothing") == (TEN, None)


def test_a_movement_that_was_booked_is_found_as_it_was(warehouse: Warehouse) -> None:
    movement = move(TEN, Damage(-2, "Torn."), request_())
    warehouse.book(movement)

    assert warehouse.look("bag", "bag#key-1") == (Levels(available=8, received=10, written_off=2), movement)


def test_a_movement_is_not_booked_twice(warehouse: Warehouse) -> None:
    movement = move(TEN, Receive(5), request_())
    warehouse.book(movement)
    again = move(levels(warehouse), Receive(5), request_())

    for repeated in (movement, again):
        with pytest.raises(LostRace):
            warehouse.book(repeated)
    assert levels(warehouse).received == 15


@pytest.mark.parametrize("meanwhile", [Receive(1), Count(-1), Count(1), Damage(-1)])
def test_a_movement_on_other_counters_than_were_read_is_a_lost_race(warehouse: Warehouse, meanwhile: Command) -> None:
    change_stock(warehouse, meanwhile, request_("other"))
    after = levels(warehouse)

    with pytest.raises(LostRace):
        warehouse.book(move(TEN, Receive(5), request_()))
    assert levels(warehouse) == after


class Restless:
    """A warehouse where an order takes one piece between each look and each booking."""

    def __init__(self, warehouse: Warehouse, times: int) -> None:
        self._warehouse = warehouse
        self.times = times

    def look(self, product_id: str, movement_id: str) -> tuple[Levels, Movement | None]:
        return self._warehouse.look(product_id, movement_id)

    def book(self, movement: Movement) -> None:
        if self.times:
            self.times -= 1
            change_stock(self._warehouse, Count(-1), request_(f"order-{self.times}"))
        self._warehouse.book(movement)


def test_what_happens_in_between_is_taken_into_account(warehouse: Warehouse) -> None:
    movement = change_stock(Restless(warehouse, 3), Damage(-7), request_())

    assert (movement.before.available, movement.after.available) == (7, 0)
    assert levels(warehouse) == Levels(available=0, received=10, adjusted=-3, written_off=7)


def test_what_is_gone_in_between_is_not_taken_off(warehouse: Warehouse) -> None:
    with pytest.raises(Conflict) as refused:
        change_stock(Restless(warehouse, 1), Damage(-10), request_())

    assert refused.value.extra == {"available": 9}
    assert levels(warehouse).written_off == 0


def test_a_warehouse_that_never_rests_is_given_up(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory.commands.pause_before_retry", lambda race: None)
    with pytest.raises(Contention):
        change_stock(Restless(warehouse, 9), Receive(5), request_())

    assert levels(warehouse).received == 10


@pytest.mark.parametrize("command", [Receive(5), Count(-2, "Counted."), Damage(-1)])
def test_the_same_request_again_is_the_same_movement(warehouse: Warehouse, command: Command) -> None:
    first = change_stock(warehouse, command, request_())
    change_stock(warehouse, Count(-1), request_("other"))

    assert change_stock(warehouse, command, request_()) == first


@pytest.mark.parametrize("other", [Receive(6), Count(5), Count(5, "Counted."), Damage(-5), Damage(-99), Count(0)])
def test_the_same_key_for_something_else_is_refused(warehouse: Warehouse, other: Command) -> None:
    change_stock(warehouse, Receive(5), request_())
    before: Any = levels(warehouse)

    with pytest.raises(InvalidInput, match="idempotency-key-reused"):
        change_stock(warehouse, other, request_())
    assert levels(warehouse) == before


def test_a_change_that_changes_nothing_is_not_recorded(warehouse: Warehouse) -> None:
    movement = change_stock(warehouse, Watch(None), request_())

    assert (movement.before, movement.after) == (TEN, TEN)
    assert warehouse.look("bag", "bag#key-1") == (TEN, None)
