"""What every keeper of stock does: the one on DynamoDB, and the one that the simulation runs on."""

from collections.abc import Callable, Mapping

import pytest

from cloudretail.errors import LostRace, Permanent
from cloudretail.outbox import Row
from contract import parse
from contract.inventory import InventoryReserved
from contract.values import Shortage, StockLine
from inventory.domain import Reservation
from inventory.store import OutOfStock, StockRepository, Write, shortages
from tests.support.examples import NOW
from tests.support.stock import Counters, InMemoryStockRepository
from tests.unit.inventory.conftest import Warehouse
from tests.unit.inventory.orders import called_off, confirmed, decided, placed


class Kept:
    """A keeper of stock, and a look at what it keeps."""

    def __init__(self, stock: StockRepository, counters: Callable[[], Mapping[str, Counters]]) -> None:
        self.stock, self.counters = stock, counters

    def commit(self, *writes: Write) -> dict[str, Row[Reservation]]:
        return self.stock.commit(writes, NOW)

    def row(self, order_id: str) -> Row[Reservation]:
        return self.stock.load([order_id])[order_id]


@pytest.fixture(params=["DynamoDB", "memory"])
def kept(request: pytest.FixtureRequest) -> Kept:
    """Ten bags, one lamp."""
    if request.param == "memory":
        memory = InMemoryStockRepository({"bag": 10, "lamp": 1})
        return Kept(memory, lambda: memory.counters)
    warehouse: Warehouse = request.getfixturevalue("warehouse")
    warehouse.receives(bag=10, lamp=1)
    return Kept(warehouse.stock, warehouse.counters)


FULL = {"bag": Counters(10, 0, 0, 10), "lamp": Counters(1, 0, 0, 1)}


def test_what_nobody_ordered_has_no_reservation(kept: Kept) -> None:
    assert kept.stock.load(["ord_1", "ord_2"]) == {}


def test_reserving_moves_stock_and_keeps_the_reservation_with_its_event(kept: Kept) -> None:
    rows = kept.commit(decided(placed("ord_1", bag=2, lamp=1)))

    assert kept.counters() == {"bag": Counters(8, 2, 0, 10), "lamp": Counters(0, 1, 0, 1)}
    row = kept.row("ord_1")
    assert rows == {"ord_1": row}
    assert (row.version, row.state.status) == (1, "HELD")
    assert row.outbox
    event = parse(row.outbox.events[0])
    assert event.id == "inventory:ord_1:1:0"
    assert isinstance(event.data, InventoryReserved)
    assert event.data.lines == (
        StockLine(product_id="bag", quantity=2),
        StockLine(product_id="lamp", quantity=1),
    )


def test_several_orders_are_one_write(kept: Kept) -> None:
    rows = kept.commit(*(decided(placed(f"ord_{n}", bag=1)) for n in range(5)))

    assert kept.counters()["bag"] == Counters(5, 5, 0, 10)
    assert kept.stock.load(list(rows)) == rows
    assert list(rows) == [f"ord_{n}" for n in range(5)]


def test_selling_and_giving_back_move_what_was_held(kept: Kept) -> None:
    kept.commit(decided(placed("ord_1", bag=2)), decided(placed("ord_2", bag=3)))

    kept.commit(decided(confirmed("ord_1", bag=2), kept.row("ord_1")))
    assert kept.counters()["bag"] == Counters(5, 3, 2, 10)
    kept.commit(decided(called_off("ord_2", bag=3), kept.row("ord_2")))
    assert kept.counters()["bag"] == Counters(8, 0, 2, 10)
    kept.commit(decided(called_off("ord_1", bag=2), kept.row("ord_1")))
    assert kept.counters() == FULL

    assert [kept.row(order_id).version for order_id in ("ord_1", "ord_2")] == [3, 2]


def test_what_one_order_gives_back_another_gets_in_the_same_write(kept: Kept) -> None:
    kept.commit(decided(placed("ord_1", lamp=1)))

    kept.commit(decided(called_off("ord_1", lamp=1), kept.row("ord_1")), decided(placed("ord_2", lamp=1)))

    assert kept.counters()["lamp"] == Counters(0, 1, 0, 1)
    assert (kept.row("ord_1").state.status, kept.row("ord_2").state.status) == ("RELEASED", "HELD")


def test_the_last_one_can_be_had_and_not_one_more(kept: Kept) -> None:
    kept.commit(decided(placed("ord_1", lamp=1)))

    with pytest.raises(OutOfStock) as refused:
        kept.commit(decided(placed("ord_2", lamp=1)))

    assert refused.value.available == {"lamp": 0}
    assert kept.stock.load(["ord_2"]) == {}


def test_an_order_gets_all_its_lines_or_none(kept: Kept) -> None:
    with pytest.raises(OutOfStock) as refused:
        kept.commit(decided(placed("ord_1", bag=10, lamp=2)))

    assert refused.value.available == {"lamp": 1}
    assert kept.counters() == FULL
    assert kept.stock.load(["ord_1"]) == {}


def test_every_product_that_is_short_is_named_with_what_is_left(kept: Kept) -> None:
    write = decided(placed("ord_1", bag=11, lamp=2))

    with pytest.raises(OutOfStock) as refused:
        kept.commit(write)

    assert refused.value.available == {"bag": 10, "lamp": 1}
    assert shortages(write.change, refused.value.available) == (
        Shortage(product_id="bag", requested=11, available=10),
        Shortage(product_id="lamp", requested=2, available=1),
    )


def test_a_product_that_was_never_received_is_sold_out(kept: Kept) -> None:
    with pytest.raises(OutOfStock) as refused:
        kept.commit(decided(placed("ord_1", bag=1, unheard=3)))

    assert refused.value.available == {"unheard": 0}
    assert kept.counters() == FULL


def test_orders_that_are_too_many_together_get_nothing_together(kept: Kept) -> None:
    with pytest.raises(OutOfStock):
        kept.commit(decided(placed("ord_1", bag=6)), decided(placed("ord_2", bag=6)))

    assert kept.counters() == FULL
    assert kept.stock.load(["ord_1", "ord_2"]) == {}


def test_a_reservation_that_somebody_else_made_meanwhile_is_a_lost_race(kept: Kept) -> None:
    write = decided(placed("ord_1", bag=1))
    kept.commit(write)

    with pytest.raises(LostRace):
        kept.commit(write)

    assert kept.counters()["bag"] == Counters(9, 1, 0, 10)


def test_a_reservation_that_changed_since_it_was_read_is_a_lost_race(kept: Kept) -> None:
    kept.commit(decided(placed("ord_1", bag=1)))
    read = kept.row("ord_1")
    kept.commit(decided(confirmed("ord_1", bag=1), read))

    with pytest.raises(LostRace):
        kept.commit(decided(called_off("ord_1", bag=1), read))

    assert kept.counters()["bag"] == Counters(9, 0, 1, 10)


def test_a_lost_race_is_told_before_a_shortage(kept: Kept) -> None:
    """Who lost the race does not yet know what it would take."""
    write = decided(placed("ord_1", lamp=1))
    kept.commit(write)

    with pytest.raises(LostRace):
        kept.commit(write)


def test_one_lost_race_undoes_the_whole_write(kept: Kept) -> None:
    kept.commit(decided(placed("ord_1", bag=1)))

    with pytest.raises(LostRace):
        kept.commit(decided(placed("ord_2", bag=1)), decided(placed("ord_1", bag=1)))

    assert kept.counters()["bag"] == Counters(9, 1, 0, 10)
    assert kept.stock.load(["ord_2"]) == {}


def test_a_tombstone_moves_nothing(kept: Kept) -> None:
    kept.commit(decided(called_off("ord_1", bag=2, unheard=1)))

    assert kept.counters() == FULL
    assert kept.row("ord_1").state.status == "RELEASED"


def test_a_row_that_was_read_and_written_back_is_the_same_however_it_was_kept(kept: Kept) -> None:
    rows = kept.commit(decided(placed("ord_1", bag=1)))

    assert kept.stock.load(["ord_1"]) == rows


def test_counters_that_do_not_cover_what_was_held_are_a_failure_and_not_sold_out(kept: Kept) -> None:
    """Somebody has been at the counters by hand: no decision of the shop can be right here."""
    held = kept.commit(decided(placed("ord_1", bag=1)))["ord_1"]
    believed = held.state.model_copy(update={"lines": (StockLine(product_id="bag", quantity=5),)})

    with pytest.raises(Permanent):
        kept.commit(decided(confirmed("ord_1", bag=5), Row(believed, held.version, held.outbox)))

    assert kept.counters()["bag"] == Counters(9, 1, 0, 10)
