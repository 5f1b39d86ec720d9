"""The job that carries out a reconciliation. It records each part when it is done, so that it can continue later.

    part      keys of a page      check 25 orders      something is wrong: check once more, a second later
                                                       what both checks find is a violation

Of each part, only the sums of its reservations by product are kept, so that memory does not grow with the tables.

Very large tables are exported, and the export says which orders to check in the tables (`exports.py`).
"""

import itertools
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime

from cloudretail.errors import Conflict, NotFound
from operations.clock import REAL_TIME, Clock
from operations.diagnosis.stuck import stuck_order
from operations.diagnosis.tables import AccountRow, OrderRow, ReservationRow, StockRow, TableSnapshot
from operations.reconciliation.domain import (
    EXPORT_AGE,
    EXPORT_BEYOND,
    SETTLES_WITHIN,
    Cost,
    JobState,
    Part,
    PartResult,
    Reconciliation,
    Subject,
    TableExport,
    cost_of,
    parts_of,
    parts_of_export,
)
from operations.reconciliation.exports import Chunk, DataFile, Exporter, ExportFailed, Exports, chunks_of
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

POLL_EVERY = 15.0
"""Seconds between two looks at an export, which takes minutes."""

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
        exporter: exports tables; None for a stage that exports none.
    """

    tables: WholeTables
    log: ReconciliationLog
    replays: ReplayLog
    clock: Clock = REAL_TIME
    exporter: Exporter | None = None

    def cost(self, *, whole: bool = True, from_export: bool | None = None) -> Cost:
        """What a reconciliation would read, estimated by the tables' sizes.

        Args:
            whole: whether it reads all rows.
            from_export: whether it exports the tables; None if their sizes say so.

        Raises:
            Conflict: this stage exports no tables.
        """
        if from_export and self.exporter is None:
            raise Conflict("no-exports", "This stage exports no tables: it has no bucket for that.")
        sizes = self.tables.sizes()
        if from_export is None:
            from_export = whole and self.exporter is not None and sum(size.rows for size in sizes) > EXPORT_BEYOND
        return cost_of(sizes, whole=whole, exported=from_export)

    def start(
        self,
        *,
        by: str,
        reason: str,
        changed_since: datetime | None = None,
        replay_id: str | None = None,
        from_export: bool | None = None,
    ) -> Reconciliation:
        """Record a new reconciliation, for the worker to carry out.

        Args:
            by: who starts it.
            reason: why.
            changed_since: only orders that have changed since then.
            replay_id: only the orders of this replay.
            from_export: whether it reads an export of the tables; None if their sizes say so.

        Raises:
            NotFound: there is no such replay.
            Conflict: this stage exports no tables.
        """
        if replay_id and self.replays.find(replay_id) is None:
            raise NotFound("replay")
        whole = changed_since is None and replay_id is None
        cost = None if replay_id else self.cost(whole=whole, from_export=from_export)
        reconciliation = Reconciliation(
            reconciliation_id=f"rec_{secrets.token_hex(6)}",
            by=by,
            reason=reason,
            changed_since=changed_since,
            replay_id=replay_id,
            from_export=cost is not None and cost.exported,
            at=self.clock.now(),
            cost=cost,
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

        Raises:
            ExportFailed: a table could not be exported. The record is INTERRUPTED; when it is resumed, all tables are
                exported again.
        """
        if reconciliation.state is JobState.DONE:
            return reconciliation
        if reconciliation.from_export:
            return _ExportRun(self, reconciliation, until, self.exporter).carried_out()
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
        done = {result.name: result for result in self._log.parts(self._reconciliation.reconciliation_id)}
        self._save(done.values(), state=JobState.RUNNING)
        parts = self._parts()
        if parts is None:
            return self._reconciliation
        self._save(parts=len(parts))
        for part in parts:
            if part.name in done:
                continue
            if self._stops():
                return self._reconciliation
            reading = self._read(part, done.values())
            done[part.name] = reading.result(part)
            self._log.save_part(self._reconciliation.reconciliation_id, done[part.name], reading.found)
            self._save(done.values())
        return self._save(done.values(), state=JobState.DONE, ended_at=self._clock.now())

    def _parts(self) -> list[Part] | None:
        """The parts; None if it stops before they are known."""
        return parts_of(self._reconciliation, len(self._orders))

    def _stops(self) -> bool:
        """Whether its time is over, or somebody has cancelled it, which is recorded."""
        if self._until is not None and self._clock.monotonic() > self._until:
            return True
        if self._replays.cancelled(self._reconciliation.reconciliation_id):
            self._save(state=JobState.CANCELLED, ended_at=self._clock.now())
            return True
        return False

    def _read(self, part: Part, done: Iterable[PartResult]) -> "_Reading":
        """Read a part, and check it."""
        reading = _Reading()
        match part.subject:
            case Subject.STOCK:
                self._stock(reading, self._tables.stock(), _sum(done), self._reconciliation.at)
            case Subject.ACCOUNTS:
                for accounts in self._tables.accounts(part):
                    reading.found += self._accounts(accounts)
                    reading.rows += len(accounts)
                    self._live()
            case Subject.RESERVATIONS:
                for reservations in self._tables.reservations(part):
                    reading.add(reservations)
                    reading.found += self._orphans(part.subject, [each.order_id for each in reservations])
                    reading.rows += len(reservations)
            case Subject.PAYMENTS | Subject.SHIPMENTS | Subject.CHARGES:
                for keys in self._tables.keys(part):
                    reading.found += self._orphans(part.subject, keys)
                    reading.rows += len(keys)
            case Subject.ORDERS:
                for page in self._order_ids(part):
                    for order_ids in itertools.batched(page, AT_ONCE, strict=False):
                        reading.found += self._twice(order_ids)
                    reading.rows += len(page)
        return reading

    def _accounts(self, accounts: Sequence[AccountRow]) -> list[Violation]:
        """Violations of accounts that hold an order which does not exist."""
        held = {order_id for account in accounts for order_id in account.held}
        # An order exists from the moment that an account holds it, and is never deleted.
        return of_accounts(accounts, self._tables.existing(Subject.ORDERS, held))

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

    def _stock(
        self,
        reading: "_Reading",
        stock: Iterable[Sequence[tuple[StockRow, datetime | None]]],
        expected: dict[str, Pieces],
        at: datetime,
    ) -> None:
        """Compare the counters with the reservations.

        Args:
            reading: takes what is found.
            stock: all counters with the time of their latest change, in pages.
            expected: the sums of the reservations.
            at: when these began to be read.
        """
        unseen = set(expected)
        for page in stock:
            for row, changed_at in page:
                settled = changed_at is None or changed_at < at - SETTLES_WITHIN
                reading.found += of_stock([row], expected, settled=settled)
                reading.unsettled += not settled
                unseen.discard(row.product_id)
            reading.rows += len(page)
            self._live()
        reading.found += of_stock([StockRow(product_id=product) for product in sorted(unseen)], expected)

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


class _ExportRun(_Run):
    """One invocation of a reconciliation that reads an export.

    The rows in the export say which orders look wrong. Those are then checked in the tables, twice, as all others are.

    Args:
        exporter: exports the tables; None for a stage that exports none.
    """

    def __init__(
        self, owner: Reconciliations, reconciliation: Reconciliation, until: float | None, exporter: Exporter | None
    ) -> None:
        super().__init__(owner, reconciliation, until)
        if exporter is None:
            raise ExportFailed("This stage exports no tables any more.")
        self._exports = Exports(owner.tables.names(), exporter, reconciliation.reconciliation_id)
        self._files: dict[Subject, list[DataFile]] = {}
        self._chunks: dict[Subject, list[Chunk]] = {}
        self._shares = 1

    def carried_out(self) -> Reconciliation:
        try:
            return super().carried_out()
        except ExportFailed:
            self._save(state=JobState.INTERRUPTED)
            raise

    def _parts(self) -> list[Part] | None:
        files = self._exported()
        if files is None:
            return None
        self._files, self._chunks = files, {subject: chunks_of(each) for subject, each in files.items()}
        orders = sum(file.item_count for file in files[Subject.ORDERS])
        parts = parts_of_export({subject: len(chunks) for subject, chunks in self._chunks.items()}, orders)
        self._shares = sum(part.subject is Subject.SHARES for part in parts)
        return parts

    def _exported(self) -> dict[Subject, list[DataFile]] | None:
        """Wait for the data files; None if it stops before they are there."""
        export = self._reconciliation.export
        if export is None:
            # Recorded before anything is exported: a worker that is killed here begins no second export.
            export = TableExport(at=(self._clock.now() - EXPORT_AGE).replace(microsecond=0), arns={})
            self._save(export=export)
        try:
            if not export.arns:
                export = self._exports.begin(export.at)
                self._save(export=export)
            while (files := self._exports.files(export)) is None and not self._stops():
                self._clock.sleep(POLL_EVERY)
                self._save()
        except ExportFailed:
            # Nothing was read of it yet, so that another one can take its place.
            self._save(export=None)
            raise
        return files

    def _read(self, part: Part, done: Iterable[PartResult]) -> "_Reading":
        reading = _Reading()
        match part.subject:
            case Subject.STOCK:
                assert self._reconciliation.export is not None
                stock = self._exports.stock(self._files[Subject.STOCK])
                self._stock(reading, stock, _sum(done), self._reconciliation.export.at)
            case Subject.SHARES:
                for order_ids, page in self._exports.share(part.segment, AT_ONCE):
                    reading.add(page.all(ReservationRow))
                    reading.found += self._suspected(order_ids, page)
                    self._live()
            case subject:
                reading.rows = self._exports.divide(part, self._chunks[subject][part.segment], self._shares)
        return reading

    def _suspected(self, order_ids: Sequence[str], page: TableSnapshot) -> list[Violation]:
        """Violations of orders and accounts that look wrong in the export, as the tables say now."""
        assert self._reconciliation.export is not None
        found: list[Violation] = []
        if of_orders(page, self._reconciliation.export.at):
            found += self._twice(order_ids)
        accounts = page.all(AccountRow)
        if of_accounts(accounts, {order.order_id for order in page.all(OrderRow)}):
            found += self._accounts(accounts)
        return found


@dataclass
class _Reading:
    """What was read in a part.

    Attributes:
        rows: how many rows.
        found: the violations.
        unsettled: products that could not be compared with their reservations.
        pieces: the sums of the reservations, by product.
    """

    rows: int = 0
    found: list[Violation] = field(default_factory=list)
    unsettled: int = 0
    pieces: dict[str, Pieces] = field(default_factory=dict)

    def add(self, reservations: Iterable[ReservationRow]) -> None:
        """Add these reservations to the sums."""
        for product, said in expected_stock(reservations).items():
            self.pieces[product] = self.pieces.get(product, Pieces()) + said

    def result(self, part: Part) -> PartResult:
        return PartResult(
            name=part.name,
            rows=self.rows,
            violations=len(self.found),
            unsettled=self.unsettled,
            pieces={product: _tuple(said) for product, said in self.pieces.items()},
        )


def _tuple(pieces: Pieces) -> tuple[int, int, int, int]:
    held, committed, returned, written_off = astuple(pieces)
    return held, committed, returned, written_off


def _sum(results: Iterable[PartResult]) -> dict[str, Pieces]:
    found: dict[str, Pieces] = {}
    for result in results:
        for product, said in result.pieces.items():
            found[product] = found.get(product, Pieces()) + Pieces(*said)
    return found
