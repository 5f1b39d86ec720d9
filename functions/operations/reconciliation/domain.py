"""A reconciliation: its record, its cost, and its parts. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from pydantic import Field

from cloudretail.model import Model
from operations.diagnosis.tables import TABLES
from operations.replays.domain import STALE_AFTER

ROWS_PER_PART = 2500
"""Approximate number of rows of one part. If its worker ends early, the whole part is read again."""

UNIT = 4096
"""Bytes of one read unit, for consistent reads. Source: DynamoDB developer guide, "Read and write operations"."""

PRICE = 0.125 / 1e6
"""US dollars of a read unit on demand in us-east-1. Source: DynamoDB's price list of November 2024."""

EXPORT_PRICE = 0.10 / 1e9
"""US dollars of an exported byte in us-east-1. Source: the same list."""

EXPORT_BEYOND = 1_000_000
"""The number of rows beyond which tables are exported instead of scanned. Reading a million takes half an hour."""

ORDERS_PER_SHARE = 10_000
"""Approximate number of orders of one share. The rows about them take some 20 MB."""

EXPORT_AGE = timedelta(minutes=10)
"""The age of the state that is exported. The latest restorable time is typically five minutes ago. Source: DynamoDB
developer guide, "Point-in-time recovery"."""

MOST_KEPT = 1000
"""The most violations that a record stores. Further ones are only counted."""


class JobState(StrEnum):
    """The state of a reconciliation.

    INTERRUPTED: its worker has ended early. The finished parts are kept, and it can be resumed.
    """

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    INTERRUPTED = "INTERRUPTED"


ENDED = frozenset({JobState.DONE, JobState.CANCELLED})


class Subject(StrEnum):
    """What a part reads: orders with their rows, or another table, for rows without an order.

    Of exported tables, a part reads some rows, or a share: all rows about some orders.
    """

    ORDERS = "Orders"
    RESERVATIONS = "Reservations"
    PAYMENTS = "Payments"
    SHIPMENTS = "Shipments"
    CHARGES = "SandboxCharges"
    ACCOUNTS = "Limits"
    SHARES = "Shares"
    STOCK = "Inventory"


class Part(Model):
    """A segment of a table, some rows of its export, or a share of the orders.

    Attributes:
        subject: the table.
        segment: its number, from 0.
        of: how many there are.
    """

    subject: Subject
    segment: int = 0
    of: int = 1

    @property
    def name(self) -> str:
        """The name of its record."""
        return f"{self.subject}/{self.segment:04d}"


class TableSize(Model):
    """The size of a table. DynamoDB counts it every six hours.

    Attributes:
        table: its name in the template, without `Table`.
        rows: how many.
        bytes: of all of them.
    """

    table: str
    rows: int
    bytes: int


class Cost(Model):
    """What a reconciliation will read, estimated by the tables' sizes.

    Attributes:
        rows: of all tables.
        bytes: of all tables.
        units: read units on demand.
        dollars: for those, or for the export, in us-east-1.
        tables: one by one.
        exported: whether the tables are exported. Then only the rows of orders that look wrong take read units.
    """

    rows: int
    bytes: int
    units: int
    exported: bool = False
    dollars: float
    tables: tuple[TableSize, ...]


class TableExport(Model):
    """The exports of all tables, as of one second.

    Attributes:
        at: that second.
        arns: of the exports, by table.
    """

    at: datetime
    arns: Mapping[Subject, str]


class Reconciliation(Model):
    """The record of a reconciliation.

    Attributes:
        by: who started it.
        reason: why, in that person's words.
        changed_since: only orders that have changed since then; None for all rows.
        replay_id: only the orders of this replay; None for all rows.
        from_export: whether it reads an export of the tables.
        export: that export, once it has begun.
        at: when it was started.
        cost: the estimate beforehand.
        parts: how many there are; None until that is known.
        done: how many of them are done.
        rows: how many were read and checked.
        violations: how many were found.
        unsettled: products whose counters changed while the reservations were read. Only their own sum was checked.
        beat_at: the latest heartbeat of its worker.
        ended_at: when it was done or cancelled.
    """

    reconciliation_id: str
    by: str
    reason: str
    changed_since: datetime | None = None
    replay_id: str | None = None
    from_export: bool = False
    export: TableExport | None = None
    at: datetime
    state: JobState = JobState.QUEUED
    cost: Cost | None = None
    parts: int | None = None
    done: int = 0
    rows: int = 0
    violations: int = 0
    unsettled: int = 0
    beat_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def whole(self) -> bool:
        """Whether it reads all rows."""
        return self.changed_since is None and self.replay_id is None

    def seen_at(self, now: datetime) -> "Reconciliation":
        """The record as of now. Without a recent heartbeat it is INTERRUPTED, whatever state is stored."""
        silent = self.state in (JobState.QUEUED, JobState.RUNNING) and now - (self.beat_at or self.at) > STALE_AFTER
        return self.model_copy(update={"state": JobState.INTERRUPTED}) if silent else self


class PartResult(Model):
    """The result of a part.

    Attributes:
        name: of the part.
        rows: how many were read and checked.
        violations: how many were found.
        unsettled: products that could not be compared with their reservations.
        pieces: the sums of this part's reservations by product id: held, committed, returned, written off.
    """

    name: str
    rows: int = 0
    violations: int = 0
    unsettled: int = 0
    pieces: Mapping[str, tuple[int, int, int, int]] = Field(default_factory=dict)


def parts_of(reconciliation: Reconciliation, orders: int) -> list[Part]:
    """The parts of a reconciliation. Those of the stock are last, as they compare with the results of the others.

    They follow from the sizes that the tables had when it was started: those change while it runs.

    Args:
        reconciliation: the record.
        orders: how many orders it is about, if not all.
    """
    sizes = reconciliation.cost.tables if reconciliation.cost else ()
    if reconciliation.replay_id:
        return _segments(Subject.ORDERS, orders)
    if reconciliation.changed_since:
        return _segments(Subject.ORDERS, _rows(sizes, Subject.ORDERS))
    known = {size.table for size in sizes}
    return [part for each in Subject if each in known for part in _segments(each, _rows(sizes, each))]


def parts_of_export(chunks: Mapping[Subject, int], orders: int) -> list[Part]:
    """The parts of a reconciliation of exported tables: all rows are divided into shares, then each share is checked.

    Args:
        chunks: into how many parts each table's data files are divided.
        orders: how many orders the export has.
    """
    subjects = [each for each in Subject if each in chunks and each is not Subject.STOCK]
    divided = [
        Part(subject=each, segment=number, of=chunks[each]) for each in subjects for number in range(chunks[each])
    ]
    shares = max(1, ceil(orders / ORDERS_PER_SHARE))
    checked = [Part(subject=Subject.SHARES, segment=number, of=shares) for number in range(shares)]
    return [*divided, *checked, Part(subject=Subject.STOCK)]


def _segments(subject: Subject, rows: int) -> list[Part]:
    # The counters of all products are compared at once.
    of = 1 if subject is Subject.STOCK else max(1, ceil(rows / ROWS_PER_PART))
    return [Part(subject=subject, segment=segment, of=of) for segment in range(of)]


def _rows(sizes: Iterable[TableSize], subject: Subject) -> int:
    return sum(size.rows for size in sizes if size.table == subject)


def cost_of(sizes: Sequence[TableSize], *, whole: bool, exported: bool = False) -> Cost:
    """Estimate what a reconciliation reads.

    Every table is scanned. Each order is read once more with all that belongs to it, and for each row of another table
    its order: an item takes a unit at the least.

    Args:
        sizes: of the tables.
        whole: whether all rows are read; else the orders' keys only, as far as that can be told.
        exported: whether the tables are exported.
    """
    if exported:
        total = sum(size.bytes for size in sizes)
        rows, dollars = sum(size.rows for size in sizes), total * EXPORT_PRICE
        return Cost(rows=rows, bytes=total, units=0, dollars=dollars, tables=tuple(sizes), exported=True)
    wanted = [size for size in sizes if whole or size.table == Subject.ORDERS]
    scanned = sum(ceil(size.bytes / UNIT) for size in wanted)
    looked_up = sum(size.rows * max(1, ceil(size.bytes / max(1, size.rows) / UNIT)) for size in wanted) if whole else 0
    orphans = sum(size.rows for size in wanted if size.table not in (Subject.ORDERS, Subject.STOCK)) if whole else 0
    units = scanned + looked_up + orphans
    return Cost(
        rows=sum(size.rows for size in wanted),
        bytes=sum(size.bytes for size in wanted),
        units=units,
        dollars=units * PRICE,
        tables=tuple(wanted),
    )


TABLES_READ = tuple(table for table in TABLES if table.name in {str(each) for each in Subject})
"""The tables that are read as a whole."""

SETTLES_WITHIN = timedelta(minutes=1)
"""The largest difference between the clocks of two functions."""
