"""The job that carries out a reconciliation. It records each part when it is done, so that it can continue later.

    part      keys of a page      check 25 orders      something is wrong: check once more, a second later
                                                       what both checks find is a violation

Of each part, only the sums of its reservations by product are kept, so that memory does not grow with the tables.
"""

import itertools
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from cloudretail.errors import Conflict, NotFound
from operations.clock import REAL_TIME, Clock
from operations.diagnosis.stuck import stuck_order
from operations.diagnosis.tables import StockRow
from operations.reconciliation.domain import (
    SETTLES_WITHIN,
    Cost,
    JobState,
    Part,
    PartResult,
    Reconciliation,
    Subject,
    cost_of,
    parts_of,
)
from operations.reconciliation.rules import (
    Pieces,
    Violation,
    expected_stock,
    in_order,
    of_accounts,
    of_orders,
    of_stock,
    unharmed,
)
from operations.reconciliation.store import ReconciliationLog, WholeTables, order_of
from operations.replays.domain import BEAT_EVERY
from operations.replays.log import ReplayLog

AT_ONCE = 25
"""Orders that are checked together. Reading them with all their rows takes a few calls."""

SECOND_LOOK = 1.0
"""Seconds before the second check. Rows that changed during the first one are consistent with each other by then."""


@dataclass(frozen=True)
class Reconciliations:
    """Starts, carries out and shows reconciliations.

    Attributes:
        tables: of the shop.
        log: of reconciliations.
        replays: the record of replays, for a reconciliation of one replay's orders.
        clock: for limits and for records.
    """

    tables: WholeTables
    log: ReconciliationLog
    replays: ReplayLog
    clock: Clock = REAL_TIME

    def cost(self, *, whole: bool = True) -> Cost:
        """What a reconciliation would read, estimated by the tables' sizes."""
        return cost_of(self.tables.sizes(), whole=whole)

    def start(
        self, *, by: str, reason: str, changed_since: datetime | None = None, replay_id: str | None = None
    ) -> Reconciliation:
        """Record a new reconciliation, for the worker to carry out.

        Args:
            by: who starts it.
            reason: why.
            changed_since: only orders that have changed since then.
            replay_id: only the orders of this replay.

        Raises:
            NotFound: there is no such replay.
        """
        if replay_id and self.replays.find(replay_id) is None:
            raise NotFound("replay")
        whole = changed_since is None and replay_id is None
        reconciliation = Reconciliation(
            reconciliation_id=f"rec_{secrets.token_hex(6)}",
            by=by,
            reason=reason,
            changed_since=changed_since,
            replay_id=replay_id,
            at=self.clock.now(),
            cost=None if replay_id else self.cost(whole=whole),
        )
        self.log.save(reconciliation)
        return reconciliation

    def get(self, reconciliation_id: str) -> Reconciliation:
        """The record of a reconciliation as of now; raises NotFound."""
        found = self.log.find(reconciliation_id)
        if found is None:
            raise NotFound("reconciliation")
        return found.seen_at(self.clock.now())

    def recent(self, limit: int) -> list[Reconciliation]:
        """The latest reconciliations first, as of now."""
        return [each.seen_at(self.clock.now()) for each in self.log.recent(limit)]

    def cancel(self, reconciliation_id: str, by: str) -> Reconciliation:
        """Stop a reconciliation after its present part.

        Raises:
            NotFound: there is no such reconciliation.
            Conflict: it has ended.
        """
        found = self.get(reconciliation_id)
        if found.state not in (JobState.QUEUED, JobState.RUNNING):
            raise Conflict("reconciliation-ended", f"The reconciliation is {found.state}: there is nothing to cancel.")
        self.replays.cancel(reconciliation_id, by)
        return found

    def resume(self, reconciliation_id: str) -> Reconciliation:
        """Record that a reconciliation continues, for the worker to carry out.

        Raises:
            NotFound: there is no such reconciliation.
            Conflict: it is running, or done.
        """
        found = self.get(reconciliation_id)
        if found.state not in (JobState.CANCELLED, JobState.INTERRUPTED):
            raise Conflict("reconciliation-not-stopped", f"The reconciliation is {found.state}: it cannot be resumed.")
        self.replays.uncancel(reconciliation_id)
        again = {"state": JobState.QUEUED, "ended_at": None, "beat_at": self.clock.now()}
        queued = found.model_copy(update=again)
        self.log.save(queued)
        return queued

    def run(self, reconciliation: Reconciliation, until: float | None = None) -> Reconciliation:
        """Carry out a reconciliation, from where its record says.

        Args:
            reconciliation: as the log has it.
            until: the clock's time at which to stop; None for never.

        Returns:
            The record afterwards: DONE, CANCELLED, or RUNNING if time ran out.
        """
        if reconciliation.state is JobState.DONE:
            return reconciliation
        return _Run(self, reconciliation, until).carried_out()


class _Run:
    """One invocation of a reconciliation."""

    def __init__(self, owner: Reconciliations, reconciliation: Reconciliation, until: float | None) -> None:
        self._tables = owner.tables
        self._log = owner.log
        self._replays = owner.replays
        self._clock = owner.clock
        self._until = until
        self._reconciliation = reconciliation
        self._orders = self._of_replay(owner.replays) if reconciliation.replay_id else []
        self._beat = self._clock.monotonic()

    def _of_replay(self, replays: ReplayLog) -> list[str]:
        messages = replays.messages(self._reconciliation.replay_id or "")
        return sorted({message.order_id for message in messages if message.order_id})

    def carried_out(self) -> Reconciliation:
        parts = parts_of(self._reconciliation, self._tables.sizes(), len(self._orders))
        done = {result.name: result for result in self._log.parts(self._reconciliation.reconciliation_id)}
        self._save(done.values(), parts=len(parts), state=JobState.RUNNING)
        for part in parts:
            if part.name in done:
                continue
            if self._until is not None and self._clock.monotonic() > self._until:
                return self._reconciliation
            if self._replays.cancelled(self._reconciliation.reconciliation_id):
                return self._save(done.values(), state=JobState.CANCELLED, ended_at=self._clock.now())
            done[part.name] = self._judged(part, done.values())
            self._save(done.values())
        return self._save(done.values(), state=JobState.DONE, ended_at=self._clock.now())

    def _judged(self, part: Part, done: Iterable[PartResult]) -> PartResult:
        """Read a part, check it, and record the result."""
        rows, found, unsettled = 0, list[Violation](), 0
        pieces: dict[str, Pieces] = {}
        match part.subject:
            case Subject.STOCK:
                rows, found, unsettled = self._stock(_sum(done))
            case Subject.ACCOUNTS:
                for accounts in self._tables.accounts(part):
                    held = {order_id for account in accounts for order_id in account.held}
                    gone = held - self._tables.existing(Subject.ORDERS, held)
                    if gone:
                        # An order exists from the moment that an account holds it, and is never deleted.
                        found += of_accounts(accounts, held - gone)
                    rows += len(accounts)
                    self._live()
            case Subject.RESERVATIONS:
                for reservations in self._tables.reservations(part):
                    for product, said in expected_stock(reservations).items():
                        pieces[product] = pieces.get(product, Pieces()) + said
                    found += self._orphans(part.subject, [each.order_id for each in reservations])
                    rows += len(reservations)
            case Subject.PAYMENTS | Subject.SHIPMENTS | Subject.CHARGES:
                for keys in self._tables.keys(part):
                    found += self._orphans(part.subject, keys)
                    rows += len(keys)
            case Subject.ORDERS:
                for page in self._order_ids(part):
                    for order_ids in itertools.batched(page, AT_ONCE, strict=False):
                        found += self._twice(order_ids)
                    rows += len(page)
        result = PartResult(
            name=part.name,
            rows=rows,
            violations=len(found),
            unsettled=unsettled,
            pieces={product: _tuple(said) for product, said in pieces.items()},
        )
        self._log.save_part(self._reconciliation.reconciliation_id, result, found)
        return result

    def _order_ids(self, part: Part) -> Iterator[Sequence[str]]:
        if self._reconciliation.replay_id:
            return iter([self._orders[part.segment :: part.of]])
        if since := self._reconciliation.changed_since:
            return self._tables.changed(part, since)
        return self._tables.keys(part)

    def _orphans(self, subject: Subject, keys: Sequence[str]) -> list[Violation]:
        """Violations of rows without an order."""
        orders = {order_of(subject, key) for key in keys}
        gone = sorted(orders - self._tables.existing(Subject.ORDERS, orders))
        return [each for some in itertools.batched(gone, AT_ONCE, strict=False) for each in self._twice(some)]

    def _twice(self, order_ids: Sequence[str]) -> list[Violation]:
        """Violations of orders that two checks find. Differences by concurrent changes are gone in the second one."""
        found = self._look(order_ids)
        self._live()
        if not found:
            return []
        self._clock.sleep(SECOND_LOOK)
        again = self._look(order_ids)
        return [violation for violation in again if violation in found]

    def _look(self, order_ids: Sequence[str]) -> list[Violation]:
        now = self._clock.now()
        found = of_orders(self._tables.of_orders(order_ids), now)
        if self._reconciliation.replay_id:
            for order_id in order_ids:
                rows = self._tables.with_mails(order_id)
                found += unharmed(order_id, rows, stuck_order(rows, (), now))
        return in_order(found)

    def _stock(self, expected: dict[str, Pieces]) -> tuple[int, list[Violation], int]:
        """Compare the counters with the reservations; returns the number of rows, the violations, and the number of
        products that could not be compared."""
        began = self._reconciliation.at - SETTLES_WITHIN
        rows, found, unsettled = 0, list[Violation](), 0
        unseen = set(expected)
        for page in self._tables.stock():
            for row, changed_at in page:
                settled = changed_at is None or changed_at < began
                found += of_stock([row], expected, settled=settled)
                unsettled += not settled
                unseen.discard(row.product_id)
            rows += len(page)
            self._live()
        found += of_stock([StockRow(product_id=product) for product in sorted(unseen)], expected)
        return rows, found, unsettled

    def _live(self) -> None:
        """Record a heartbeat from time to time."""
        if self._clock.monotonic() - self._beat > BEAT_EVERY:
            self._save()

    def _save(self, done: Iterable[PartResult] | None = None, **changes: object) -> Reconciliation:
        if done is not None:
            results = list(done)
            changes |= {
                "done": len(results),
                "rows": sum(result.rows for result in results),
                "violations": sum(result.violations for result in results),
                "unsettled": sum(result.unsettled for result in results),
            }
        self._beat = self._clock.monotonic()
        self._reconciliation = self._reconciliation.model_copy(update={**changes, "beat_at": self._clock.now()})
        self._log.save(self._reconciliation)
        return self._reconciliation


def _tuple(pieces: Pieces) -> tuple[int, int, int, int]:
    held, committed, returned, written_off = astuple(pieces)
    return held, committed, returned, written_off


def _sum(results: Iterable[PartResult]) -> dict[str, Pieces]:
    found: dict[str, Pieces] = {}
    for result in results:
        for product, said in result.pieces.items():
            found[product] = found.get(product, Pieces()) + Pieces(*said)
    return found
