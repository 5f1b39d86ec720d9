"""Many workers at one product: real threads, all of which have read before the first writes."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier, BrokenBarrierError

import pytest

from cloudretail.consumer import Outcome
from cloudretail.envelope import Event
from cloudretail.outbox import Row
from cloudretail.settings import load
from inventory.domain import Reservation
from inventory.reactions import Batch
from inventory.store import DynamoDBStockRepository, InventorySettings
from tests.support.examples import NOW
from tests.support.stock import Counters
from tests.support.turns import calls_take_turns
from tests.unit.inventory.conftest import WINDOW, Warehouse
from tests.unit.inventory.orders import called_off, confirmed, delivered, placed

WORKERS = 20


class SameMoment(DynamoDBStockRepository):
    """Lets the first reads of all its workers happen before the first write."""

    def __init__(self, workers: int) -> None:
        super().__init__(load(InventorySettings))
        self._start = Barrier(workers)

    def load(self, order_ids: Sequence[str]) -> dict[str, Row[Reservation]]:
        rows = super().load(order_ids)
        try:
            if not self._start.broken:
                self._start.wait(timeout=20)
                self._start.abort()
        except BrokenBarrierError:
            pass
        return rows


def at_once(batches: Sequence[Sequence[Event]]) -> None:
    """Each worker settles a batch of its own."""
    stock = SameMoment(len(batches))

    def work(batch: Sequence[Event]) -> list[Outcome]:
        return Batch(stock, WINDOW, NOW).settle(delivered(*batch))

    with ThreadPoolExecutor(len(batches)) as workers:
        for batch, outcomes in zip(batches, workers.map(work, batches), strict=True):
            assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            assert len(outcomes) == len(batch)


@pytest.fixture(autouse=True)
def one_call_after_the_other(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    calls_take_turns(monkeypatch)


def test_many_workers_over_little_stock_sell_every_piece_and_none_twice(warehouse: Warehouse) -> None:
    warehouse.receives(bag=23)

    at_once([[placed(f"ord_{worker}_{n}", bag=1) for n in range(3)] for worker in range(WORKERS)])

    assert Counter(warehouse.statuses().values()) == {"HELD": 23, "REFUSED": 37}
    assert warehouse.counters()["bag"] == Counters(0, 23, 0, 23)


def test_a_message_that_many_workers_get_at_once_is_done_once(warehouse: Warehouse) -> None:
    warehouse.receives(bag=WORKERS)

    at_once([[placed("ord_1", bag=1)]] * WORKERS)

    assert warehouse.counters()["bag"] == Counters(WORKERS - 1, 1, 0, WORKERS)
    assert warehouse.reservations()["ord_1"].version == 1


@pytest.mark.parametrize("seed", range(2))
def test_whole_stories_delivered_to_many_workers_in_any_order_leave_the_counters_right(
    warehouse: Warehouse, seed: int
) -> None:
    random = Random(seed)
    warehouse.receives(bag=8, lamp=5)
    quantities = [{"bag": 1, "lamp": n % 2} if n % 2 else {"bag": 2} for n in range(10)]
    messages = [
        tell(f"ord_{n}", **lines)
        for n, lines in enumerate(quantities)
        for tell in (placed, placed, confirmed, confirmed, called_off if n % 3 else placed)
    ]
    random.shuffle(messages)

    at_once([messages[worker::10] for worker in range(10)])

    rows = [row.state for row in warehouse.reservations().values()]
    for product, counters in warehouse.counters().items():
        assert counters.conserved
        assert not counters.negative
        for status, counted in (("HELD", counters.reserved), ("COMMITTED", counters.sold)):
            lines = [line for row in rows if row.status == status for line in row.lines]
            assert counted == sum(line.quantity for line in lines if line.product_id == product)
    assert {order_id for order_id, status in warehouse.statuses().items() if status == "RELEASED"} == {
        f"ord_{n}" for n in range(10) if n % 3
    } - {order_id for order_id, status in warehouse.statuses().items() if status == "REFUSED"}
