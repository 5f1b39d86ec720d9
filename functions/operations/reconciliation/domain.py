"""What a reconciliation is, what it costs, and in which parts it is done. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from pydantic import Field

from cloudretail.model import Model
from operations.diagnosis.tables import TABLES
from operations.replays.domain import STALE_AFTER

ROWS_PER_PART = 2500
"""Rows that one part reads, about: a part is done again as a whole where its worker ends."""

UNIT = 4096
"""Bytes that a consistent read reads by one unit. Source: DynamoDB developer guide, "Read and write operations"."""

PRICE = 0.125 / 1e6
"""US dollars of a read unit on demand in us-east-1. Source: DynamoDB's price list of November 2024."""

MOST_KEPT = 1000
"""Violations that a record has; beyond that they are only counted."""


class JobState(StrEnum):
    """How far it is.

    INTERRUPTED: its worker has ended before its time. What was read is kept, and it can be resumed.
    """

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    INTERRUPTED = "INTERRUPTED"


ENDED = frozenset({JobState.DONE, JobState.CANCELLED})


class Subject(StrEnum):
    """What a part reads: the orders with all that belongs to them, or what belongs to no order that there is."""

    ORDERS = "Orders"
    RESERVATIONS = "Reservations"
    PAYMENTS = "Payments"
    SHIPMENTS = "Shipments"
    CHARGES = "SandboxCharges"
    ACCOUNTS = "Limits"
    STOCK = "Inventory"


class Part(Model):
    """A segment of a table.

    Attributes:
        subject: the table.
        segment: which, from 0.
        of: how many there are.
    """

    subject: Subject
    segment: int = 0
    of: int = 1

    @property
    def name(self) -> str:
        """Of its record."""
        return f"{self.subject}/{self.segment:04d}"


class TableSize(Model):
    """How large a table is; DynamoDB counts every six hours.

    Attributes:
        table: its name in the template, without `Table`.
        rows: how many.
        bytes: of all of them.
    """

    table: str
    rows: int
    bytes: int


class Cost(Model):
    """What a reconciliation will read, as far as the tables' sizes tell.

    Attributes:
        rows: of all tables.
        bytes: of all tables.
        units: read units on demand.
        dollars: for those, in us-east-1.
        tables: one by one.
    """

    rows: int
    bytes: int
    units: int
    dollars: float
    tables: tuple[TableSize, ...]


class Reconciliation(Model):
    """The record of a reconciliation.

    Attributes:
        by: who asked for it.
        reason: why, in that person's words.
        changed_since: only orders that have changed since then; None for all rows.
        replay_id: only the orders that this replay was about; None for all rows.
        at: when it was asked for.
        cost: as it was told beforehand.
        parts: how many there are; None until that is known.
        done: how many of them are done.
        rows: how many were read and judged.
        violations: how many were found.
        unsettled: products whose counters changed while the reservations were read: only their own sum was checked.
        beat_at: when its worker last said that it lives.
        ended_at: when it was done or cancelled.
    """

    reconciliation_id: str
    by: str
    reason: str
    changed_since: datetime | None = None
    replay_id: str | None = None
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
        """Whether it is about all rows."""
        return self.changed_since is None and self.replay_id is None

    def seen_at(self, now: datetime) -> "Reconciliation":
        """As it is now: one whose worker is silent is INTERRUPTED, whatever was written last."""
        silent = self.state in (JobState.QUEUED, JobState.RUNNING) and now - (self.beat_at or self.at) > STALE_AFTER
        return self.model_copy(update={"state": JobState.INTERRUPTED}) if silent else self


class PartResult(Model):
    """What came of a part.

    Attributes:
        name: of the part.
        rows: how many were read and judged.
        violations: how many were found.
        unsettled: products that could not be compared with their reservations.
        pieces: by product id, what the reservations of this part say: held, committed, returned, written off.
    """

    name: str
    rows: int = 0
    violations: int = 0
    unsettled: int = 0
    pieces: Mapping[str, tuple[int, int, int, int]] = Field(default_factory=dict)


def parts_of(reconciliation: Reconciliation, sizes: Sequence[TableSize], orders: int) -> list[Part]:
    """In which parts it is done, those of the stock last: they compare with what the others have found.

    Args:
        reconciliation: which.
        sizes: of the tables; of one that this stage does not have there is none.
        orders: how many it is about, where it is not about all.
    """
    if reconciliation.replay_id:
        return _segments(Subject.ORDERS, orders)
    if reconciliation.changed_since:
        return _segments(Subject.ORDERS, _rows(sizes, Subject.ORDERS))
    known = {size.table for size in sizes}
    return [part for each in Subject if each in known for part in _segments(each, _rows(sizes, each))]


def _segments(subject: Subject, rows: int) -> list[Part]:
    # The counters of all products are compared at once.
    of = 1 if subject is Subject.STOCK else max(1, ceil(rows / ROWS_PER_PART))
    return [Part(subject=subject, segment=segment, of=of) for segment in range(of)]


def _rows(sizes: Iterable[TableSize], subject: Subject) -> int:
    return sum(size.rows for size in sizes if size.table == subject)


def cost_of(sizes: Sequence[TableSize], *, whole: bool) -> Cost:
    """What reading costs.

    Every table is scanned. Each order is read once more with all that belongs to it, and for each row of another table
    its order: an item takes a unit at the least.

    Args:
        sizes: of the tables.
        whole: whether all rows are read; else the orders' keys only, as far as that can be told.
    """
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
"""Between the clocks of two functions."""
