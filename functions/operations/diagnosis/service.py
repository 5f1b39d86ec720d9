"""What operators ask about orders and tables: one order's time-line, the stuck orders, and whether the tables agree."""

from dataclasses import dataclass
from datetime import timedelta

from cloudretail.errors import NotFound
from operations.clock import REAL_TIME, Clock
from operations.dead_letters.service import DeadLetters
from operations.diagnosis.reconciliation import Violation, violations
from operations.diagnosis.store import Tables
from operations.diagnosis.stuck import StuckOrder, stuck_order, stuck_orders
from operations.diagnosis.trace import Trace, trace
from operations.replays.log import ReplayLog


@dataclass(frozen=True)
class Diagnosis:
    """Reads everything, and changes nothing.

    Attributes:
        dead_letters: of all queues.
        tables: of the shop.
        log: of the replays.
        clock: for how long an order has not changed.
    """

    dead_letters: DeadLetters
    tables: Tables
    log: ReplayLog
    clock: Clock = REAL_TIME

    def trace(self, order_id: str) -> Trace:
        """All that is known of an order; raises NotFound where that is nothing."""
        rows = self.tables.of_order(order_id)
        failures = self.dead_letters.failures.of_order(order_id)
        if rows.order is None and not failures:
            raise NotFound("order")
        return trace(
            order_id,
            rows,
            failures=failures,
            replays=self.log.of_order(order_id),
            stuck=stuck_order(rows, self.dead_letters.of_order(order_id), self.clock.now()),
        )

    def stuck(self, older_than: timedelta) -> list[StuckOrder]:
        """The orders that are stuck, the longest first; the rows of each are read once more before it is named."""
        now = self.clock.now()
        dead = self.dead_letters.of_all_queues()
        suspects = stuck_orders(self.tables.snapshot(), dead, now, older_than)
        found = []
        for suspect in suspects:
            letters = [letter for letter in dead if letter.order_id == suspect.order_id]
            if stuck := stuck_order(self.tables.of_order(suspect.order_id), letters, now, older_than):
                found.append(stuck)
        return found

    def reconcile(self) -> list[Violation]:
        """Every invariant that does not hold in two snapshots: a change between two reads is gone in the second."""
        first = violations(self.tables.snapshot(), self.clock.now())
        if not first:
            return []
        self.clock.sleep(1)
        second = violations(self.tables.snapshot(), self.clock.now())
        return [each for each in second if each in first]
