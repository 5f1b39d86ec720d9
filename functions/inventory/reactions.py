"""How inventory reacts to orders: batch by batch, so that a hot product is written once for each batch.

round 1: the first message of each order      round 2: the second of each (duplicates, placed + cancelled) ...
read the reservations once ── decide each ── sum the effect on each product ── one transaction (at most 100 items)
                                                 │
      refused for the stock or for good ─────────┴──> order by order, so that each gets its own answer
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from cloudretail import deadline
from cloudretail.batch import GivenBack
from cloudretail.consumer import Consumer, Delivery, Outcome
from cloudretail.decider import Context, Nothing
from cloudretail.errors import Contention, LostRace, Permanent
from cloudretail.outbox import Row
from cloudretail.repository import MAX_RACES, pause_before_retry
from cloudretail.settings import load
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced, ReturnAccepted
from contract.values import Shortage
from inventory.domain import Reservation, StockChange, decide, message_of
from inventory.store import (
    DynamoDBStockRepository,
    InventorySettings,
    OutOfStock,
    ReadOnlyStockRepository,
    StockRepository,
    Write,
    packed,
    shortages,
)

type Rows = dict[str, Row[Reservation]]
"""Reservations by order id."""


class Batch:
    """One batch of messages, settled as a whole.

    Args:
        stock: where stock and reservations are kept.
        window: how long stock is held for a payment.
        now: time of the batch, aware.
    """

    def __init__(self, stock: StockRepository, window: timedelta, now: datetime) -> None:
        self._stock = stock
        self._window = window
        self._now = now
        self._outcomes: dict[int, Outcome] = {}

    def settle(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """React to all of them.

        Returns:
            The outcome of each delivery, in order.
        """
        for round_ in _rounds(deliveries):
            if deadline.passed():
                self._fail(round_, GivenBack("no time was left to handle it"))
            else:
                self._settle(round_)
        return [self._outcomes[id(delivery)] for delivery in deliveries]

    def _settle(self, deliveries: Sequence[Delivery]) -> None:
        """Settle deliveries that are all about different orders. After a lost race it reads again.

        The first time it does not read what `OrderPlaced` begins: the write holds only where there is no reservation.
        """
        for attempt in range(MAX_RACES):
            known = [it for it in deliveries if attempt or not isinstance(it.event.data, OrderPlaced)]
            try:
                rows = self._stock.load([delivery.event.data.subject for delivery in known]) if known else {}
                writes = self._decided(deliveries, rows)
            except Exception as error:
                self._fail(deliveries, error)
                return
            deliveries = [delivery for group in packed(writes) for delivery in self._written(group, deliveries)]
            if not deliveries:
                return
            pause_before_retry(attempt)
        self._fail(deliveries, Contention(f"lost {MAX_RACES} races in a row"))

    def _decided(self, deliveries: Sequence[Delivery], rows: Rows) -> list[Write]:
        writes = []
        for delivery in deliveries:
            event = delivery.event
            read = rows.get(event.data.subject)
            decision = self._decide(delivery, read)
            if isinstance(decision, Nothing):
                self._outcomes[id(delivery)] = decision
            else:
                writes.append(Write(event.data.subject, read, decision, event.cause))
        return writes

    def _decide(
        self, delivery: Delivery, read: Row[Reservation] | None, missing: Sequence[Shortage] = ()
    ) -> StockChange | Nothing:
        event = delivery.event
        context = Context(event.data.subject, event.id, self._now)
        return decide(read.state if read else None, message_of(event.data, self._window, missing), context)

    def _written(self, group: Sequence[Write], deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Commit a group; returns the deliveries that have to be decided again."""
        by_order = {delivery.event.data.subject: delivery for delivery in deliveries}
        mine = [by_order[write.order_id] for write in group]
        try:
            self._stock.commit(group, self._now)
        except (OutOfStock, Permanent) as error:
            if len(group) > 1:
                return [delivery for write in group for delivery in self._written([write], deliveries)]
            if isinstance(error, OutOfStock):
                return self._refuse(group[0], mine[0], error)
            self._fail(mine, error)
            return []
        except LostRace:
            return mine
        except Exception as error:
            self._fail(mine, error)
            return []
        for write, delivery in zip(group, mine, strict=True):
            self._outcomes[id(delivery)] = write.change
        return []

    def _refuse(self, write: Write, delivery: Delivery, error: OutOfStock) -> list[Delivery]:
        refusal = self._decide(delivery, write.read, shortages(write.change, error.available))
        assert not isinstance(refusal, Nothing), "the same row and message were decided before"
        return self._written([Write(write.order_id, write.read, refusal, write.cause)], [delivery])

    def _fail(self, deliveries: Sequence[Delivery], error: Exception) -> None:
        for delivery in deliveries:
            self._outcomes[id(delivery)] = error


def _rounds(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """The k-th list holds the k-th message of each order."""
    rounds: list[list[Delivery]] = []
    seen: dict[str, int] = {}
    for delivery in deliveries:
        nth = seen.get(delivery.event.data.subject, 0)
        seen[delivery.event.data.subject] = nth + 1
        if nth == len(rounds):
            rounds.append([])
        rounds[nth].append(delivery)
    return rounds


@dataclass(frozen=True)
class Ports:
    """What the reaction works on.

    Attributes:
        stock: where stock and reservations are kept.
        window: how long stock is held for a payment.
    """

    stock: StockRepository
    window: timedelta


def react(ports: Ports, deliveries: Sequence[Delivery], now: datetime) -> list[Outcome]:
    """Settle a batch."""
    return Batch(ports.stock, ports.window, now).settle(deliveries)


@cache
def _settings() -> InventorySettings:
    return load(InventorySettings)


def _window() -> timedelta:
    return timedelta(seconds=_settings().payment_window_seconds)


CONSUMER = Consumer(
    name="inventory",
    subscribes_to=(OrderPlaced, OrderConfirmed, OrderCancelled, ReturnAccepted),
    react=react,
    ports=lambda: Ports(DynamoDBStockRepository(_settings()), _window()),
    read_only=lambda: Ports(ReadOnlyStockRepository(_settings()), _window()),
)
handler = CONSUMER.handler
