"""Stock and reservations kept in memory, by the same port and under the same conditions as on DynamoDB."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from cloudretail.errors import LostRace, Permanent
from cloudretail.outbox import Row
from inventory.domain import Delta, Reservation, summed
from inventory.movements import Levels, Movement
from inventory.store import RESERVATIONS, OutOfStock, Write


@dataclass(frozen=True)
class Counters:
    """A product's stock, in units."""

    available: int
    reserved: int
    sold: int
    received: int
    written_off: int = 0
    adjusted: int = 0

    def __add__(self, delta: Delta) -> "Counters":
        return Counters(
            self.available + delta.available,
            self.reserved + delta.reserved,
            self.sold + delta.sold,
            self.received,
            self.written_off + delta.written_off,
            self.adjusted,
        )

    @property
    def negative(self) -> bool:
        return min(self.available, self.reserved, self.sold, self.written_off) < 0

    @property
    def conserved(self) -> bool:
        """Whether nothing was lost and nothing came from nowhere."""
        return self.available + self.reserved + self.sold + self.written_off == self.received + self.adjusted

    @property
    def levels(self) -> Levels:
        """As staff see them."""
        return Levels(**asdict(self))


class InMemoryStockRepository:
    """Stock on three dictionaries, for what orders do to it and for what staff do.

    Args:
        received: units of each product, all of them available.
        hook: called with "load", "commit" or "committed" and the order ids, joined by a comma, before each load, before
            each commit and after each write; what it raises is what the caller gets.

    Attributes:
        counters: by product id.
        items: the reservations as they are stored, by order id.
        movements: what staff did, by id.
        images: a copy of each reservation as it was written, in the order of the writes: the table's stream.
    """

    def __init__(self, received: Mapping[str, int], hook: Callable[[str, str], None] = lambda point, key: None) -> None:
        self._lock = Lock()
        self.hook = hook
        self.counters = {product: Counters(units, 0, 0, units) for product, units in received.items()}
        self.items: dict[str, dict[str, Any]] = {}
        self.movements: dict[str, Movement] = {}
        self.images: list[dict[str, Any]] = []

    def load(self, order_ids: Sequence[str]) -> dict[str, Row[Reservation]]:
        self.hook("load", ",".join(order_ids))
        with self._lock:
            found = {order_id: self.items[order_id] for order_id in order_ids if order_id in self.items}
        return {order_id: RESERVATIONS.from_item(item) for order_id, item in found.items()}

    def commit(self, writes: Sequence[Write], now: datetime) -> dict[str, Row[Reservation]]:
        order_ids = [write.order_id for write in writes]
        self.hook("commit", ",".join(order_ids))
        if len(set(order_ids)) < len(order_ids):
            raise Permanent("a transaction cannot include two operations on one item")
        rows = {w.order_id: RESERVATIONS.after(w.order_id, w.read, w.change, w.cause, now) for w in writes}
        images = [RESERVATIONS.to_item(row) for row in rows.values()]
        with self._lock:
            for write in writes:
                self._require_unchanged(write)
            self._count(summed([write.change for write in writes]))
            self.items |= zip(order_ids, images, strict=True)
            self.images += map(dict, images)
        self.hook("committed", ",".join(order_ids))
        return rows

    def look(self, product_id: str, movement_id: str) -> tuple[Levels, Movement | None]:
        self.hook("load", movement_id)
        with self._lock:
            counters = self.counters.get(product_id)
            return counters.levels if counters else Levels(), self.movements.get(movement_id)

    def book(self, movement: Movement) -> None:
        self.hook("commit", movement.movement_id)
        with self._lock:
            self._require_as_read(movement)
            self.counters[movement.product_id] = Counters(
                **movement.after.model_dump(by_alias=False, exclude={"low_at"})
            )
            self.movements[movement.movement_id] = movement
        self.hook("committed", movement.movement_id)

    def _require_as_read(self, movement: Movement) -> None:
        counters = self.counters.get(movement.product_id, Counters(0, 0, 0, 0))
        if movement.movement_id in self.movements or counters.levels != movement.before:
            raise LostRace(f"the stock of {movement.product_id}")

    def _require_unchanged(self, write: Write) -> None:
        stored = self.items.get(write.order_id)
        if (stored["version"] if stored else None) != (write.read.version if write.read else None):
            raise LostRace(f"inventory {write.order_id}")

    def _count(self, deltas: Mapping[str, Delta]) -> None:
        """Move the counters, or none of them: no counter goes below zero, and every product has been received."""
        after = dict(self.counters)
        short: dict[str, int] = {}
        for product, delta in deltas.items():
            if delta == Delta():
                continue
            before = self.counters.get(product, Counters(0, 0, 0, 0))
            after[product] = before + delta
            if after[product].negative or product not in self.counters:
                if before.available >= -delta.available:
                    raise Permanent(f"the counters of {product} do not cover {delta}")
                short[product] = before.available
        if short:
            raise OutOfStock(short)
        self.counters = after
