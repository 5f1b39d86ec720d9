"""What operators ask about orders: one order's time-line, and the stuck orders."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloudretail.errors import NotFound
from cloudretail.failure_log import Key
from cloudretail.failures import FailureRow
from cloudretail.model import Model
from operations.clock import REAL_TIME, Clock
from operations.dead_letters.service import DeadLetters
from operations.diagnosis.keys import Waiting
from operations.diagnosis.store import Tables
from operations.diagnosis.stuck import (
    DELIVERED_WITHIN,
    REFUNDED_WITHIN,
    RETURNED_WITHIN,
    TO_SHIP_WITHIN,
    WAITED_FOR,
    StuckOrder,
    stuck_order,
)
from operations.diagnosis.trace import Trace, trace
from operations.replays.log import ReplayLog

LISTED = 50
"""Stuck orders in a list by default."""

PER_READ = 25
"""Orders whose four rows one BatchGetItem reads."""

MOST_READ = 100
"""Suspects that are read for one list. It limits the number of calls, however many orders there are."""

PATIENCE = {
    Waiting.TO_SHIP: TO_SHIP_WITHIN,
    Waiting.SHIPPED: DELIVERED_WITHIN,
    Waiting.RETURN: RETURNED_WITHIN,
    Waiting.REFUND: REFUNDED_WITHIN,
}
"""How long an order may wait for people. Each of these waits has an index of the service that acts; an order that is
missing there is unknown to the service."""


@dataclass(frozen=True)
class Suspects:
    """Orders that may be stuck.

    Attributes:
        since: since when they wait, by order id.
        failed: the keys of their failures, by order id.
    """

    since: Mapping[str, datetime]
    failed: Mapping[str, Sequence[Key]]


class StuckOrders(Model):
    """The stuck orders, the longest first.

    Attributes:
        unread: how many more may be stuck, and were not read.
    """

    items: tuple[StuckOrder, ...]
    unread: int = 0


@dataclass(frozen=True)
class Diagnosis:
    """Reads everything, and changes nothing.

    Attributes:
        dead_letters: of all queues.
        tables: of the shop.
        log: of the replays.
        clock: to compute how long an order has waited.
    """

    dead_letters: DeadLetters
    tables: Tables
    log: ReplayLog
    clock: Clock = REAL_TIME

    def trace(self, order: str) -> Trace:
        """The time-line of an order, from whatever rows and failures there are.

        Args:
            order: its id, or its number in any case and with any blanks.

        Raises:
            NotFound: there is nothing about such an order.
        """
        order_id = order if order.startswith("ord_") else self.tables.numbered(order) or order
        rows = self.tables.of_order(order_id)
        # The whole rows are read: the index does not have the number of tries.
        keys = [failure.key for failure in self.dead_letters.failures.of_order(order_id)]
        failures = list(self.dead_letters.failures.read(keys).values())
        replays = self.log.of_order(order_id)
        if not (rows.parts or failures or replays):
            raise NotFound("order")
        stuck = stuck_order(rows, failures, self.clock.now())
        return trace(order_id, rows, failures=failures, replays=replays, stuck=stuck)

    def stuck(self, older_than: timedelta, limit: int = LISTED) -> StuckOrders:
        """The orders that are stuck, the longest first.

        Args:
            older_than: an order that has waited for less is not stuck.
            limit: how many at most.
        """
        now = self.clock.now()
        suspects = self._suspects(now, older_than)
        chosen = sorted(suspects.since, key=lambda order_id: suspects.since[order_id])[:MOST_READ]
        failures = self._failures_of([key for order_id in chosen for key in suspects.failed.get(order_id, ())])
        found: list[StuckOrder] = []
        read = 0
        for batch in itertools.batched(chosen, PER_READ, strict=False):
            if len(found) >= limit:
                break
            read += len(batch)
            for order_id, rows in self.tables.own_rows(batch).items():
                if stuck := stuck_order(rows, failures.get(order_id, ()), now, older_than):
                    found.append(stuck)
        found.sort(key=lambda each: each.since)
        left = len(suspects.since) - read
        return StuckOrders(items=tuple(found[:limit]), unread=left + max(0, len(found) - limit))

    def _suspects(self, now: datetime, older_than: timedelta) -> Suspects:
        """The orders that may be stuck: they wait too long, have a failure, or are unknown to the service that acts.

        Orders            waits TO_SHIP since 20 min    ord_1, ord_2
        Shipments         TO_SHIP                       ord_1            ord_2: fulfilment does not know it
        """
        before = now - older_than
        since = dict(self.tables.waiting(Waiting.STEP, before))
        for what, patience in PATIENCE.items():
            known = self.tables.refunds() if what is Waiting.REFUND else self.tables.parcels(what)
            for order_id, at in self.tables.waiting(what, before).items():
                asked = known.get(order_id)
                if asked is None or now - min(at, asked) >= patience:
                    since[order_id] = at
            if what is Waiting.REFUND:
                # A payment may have a refund that its order does not expect, for an attempt that it did not wait for.
                since |= {each: at for each, at in known.items() if now - at >= patience and at <= before}
        failed: dict[str, list[Key]] = {}
        for row in self.dead_letters.failures.of_orders():
            if row.consumer in WAITED_FOR:
                failed.setdefault(row.order_id, []).append((row.consumer, row.event_id))
                since.setdefault(row.order_id, row.since)
        return Suspects(since, failed)

    def _failures_of(self, keys: Sequence[Key]) -> dict[str, list[FailureRow]]:
        """The failures with these keys, by order id; those of one call."""
        found: dict[str, list[FailureRow]] = {}
        for row in self.dead_letters.failures.read(keys[:MOST_READ]).values():
            found.setdefault(row.order_id or "", []).append(row)
        return found
