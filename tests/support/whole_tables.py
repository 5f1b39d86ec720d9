"""Tables that are read part by part, and the record of it, in memory."""

import gzip
import json
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import IO, Any

from cloudretail import dynamodb
from cloudretail.model import Model
from operations.diagnosis.tables import (
    AccountRow,
    ChargeRow,
    OrderRow,
    OrderRows,
    PaymentRow,
    ReservationRow,
    ShipmentRow,
    StockRow,
    TableSnapshot,
)
from operations.reconciliation.domain import Part, PartResult, Reconciliation, Subject, TableSize
from operations.reconciliation.exports import ExportStatus
from operations.reconciliation.rules import Violation
from operations.reconciliation.store import order_of

ROWS: Mapping[Subject, tuple[type[Model], str]] = {
    Subject.ORDERS: (OrderRow, "order_id"),
    Subject.RESERVATIONS: (ReservationRow, "order_id"),
    Subject.PAYMENTS: (PaymentRow, "payment_id"),
    Subject.SHIPMENTS: (ShipmentRow, "order_id"),
    Subject.CHARGES: (ChargeRow, "charge_key"),
    Subject.ACCOUNTS: (AccountRow, "user_id"),
    Subject.STOCK: (StockRow, "product_id"),
}


@dataclass
class InMemoryWholeTables:
    """WholeTables over rows that are given as they are at each read.

    Attributes:
        rows: those of all tables.
        size: rows that each table claims to have, which decides in how many parts it is read.
        changed_at: of the counters, by product.
        most_at_once: orders that were looked at together.
    """

    rows: Callable[[], Iterable[Model]]
    size: int = 1
    changed_at: Mapping[str, datetime] = field(default_factory=dict)
    most_at_once: int = 0

    def of(self, subject: Subject) -> dict[str, Any]:
        """The rows of a table by key."""
        row, key = ROWS[subject]
        return {getattr(each, key): each for each in self.rows() if type(each) is row}

    def _in(self, part: Part) -> list[str]:
        keys = sorted(self.of(part.subject))
        return [key for key in keys if zlib.crc32(key.encode()) % part.of == part.segment]

    def names(self) -> Mapping[Subject, str]:
        return {each: f"{each}Table" for each in ROWS}

    def sizes(self) -> list[TableSize]:
        return [TableSize(table=each, rows=self.size, bytes=self.size * 1000) for each in ROWS]

    def keys(self, part: Part) -> Iterator[list[str]]:
        # Pages of two rows.
        keys = self._in(part)
        for begin in range(0, len(keys), 2):
            yield keys[begin : begin + 2]

    def changed(self, part: Part, since: datetime) -> Iterator[list[str]]:
        orders = self.of(Subject.ORDERS)
        yield [key for key in self._in(part) if orders[key].since >= since]

    def reservations(self, part: Part) -> Iterator[list[ReservationRow]]:
        rows = self.of(part.subject)
        return ([rows[key] for key in keys] for keys in self.keys(part))

    def accounts(self, part: Part) -> Iterator[list[AccountRow]]:
        rows = self.of(part.subject)
        return ([rows[key] for key in keys] for keys in self.keys(part))

    def stock(self) -> Iterator[list[tuple[StockRow, datetime | None]]]:
        yield [(row, self.changed_at.get(product)) for product, row in self.of(Subject.STOCK).items()]

    def of_orders(self, order_ids: Collection[str]) -> TableSnapshot:
        self.most_at_once = max(self.most_at_once, len(order_ids))
        users = {self.of(Subject.ORDERS)[each].user_id for each in order_ids if each in self.of(Subject.ORDERS)}
        found = [row for key, row in self.of(Subject.ACCOUNTS).items() if key in users]
        for subject in (Subject.ORDERS, Subject.RESERVATIONS, Subject.PAYMENTS, Subject.SHIPMENTS, Subject.CHARGES):
            found += [row for key, row in self.of(subject).items() if order_of(subject, key) in order_ids]
        return TableSnapshot(found)

    def existing(self, subject: Subject, keys: Iterable[str]) -> set[str]:
        return set(keys) & self.of(subject).keys()

    def with_mails(self, order_id: str) -> OrderRows:
        return OrderRows(row for row in self.rows() if getattr(row, "order_id", order_id) == order_id)


@dataclass
class InMemoryExporter:
    """An Exporter of such tables: each has two data files and an empty one.

    Attributes:
        tables: that it exports.
        looks: how often an export is looked at until it is there.
        fails: whether exports fail.
        objects: the bucket's content by key.
        begun: the tokens by ARN.
    """

    tables: InMemoryWholeTables
    looks: int = 0
    fails: bool = False
    objects: dict[str, bytes] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=dict)

    def begin(self, table: str, at: datetime, place: str, token: str) -> str:
        del at  # It has no past.
        arn = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{table}/export/{zlib.crc32(token.encode()):08x}"
        if arn not in self.begun:
            self.begun[arn] = token
            subject = next(each for each, name in self.tables.names().items() if name == table)
            self.objects |= exported(f"{place}/AWSDynamoDB/{arn.rpartition('/')[2]}", self._items(subject))
        return arn

    def _items(self, subject: Subject) -> list[dict[str, Any]]:
        rows = [each.model_dump(mode="json", exclude_none=True) for each in self.tables.of(subject).values()]
        for row in rows:
            if row.get("productId") in self.tables.changed_at:
                row["updatedAt"] = self.tables.changed_at[row["productId"]].isoformat()
        return [dynamodb.to_item(row) for row in rows]

    def status(self, arn: str) -> tuple[ExportStatus, str]:
        assert arn in self.begun
        self.looks -= 1
        if self.fails:
            return ExportStatus.FAILED, "The bucket is gone."
        return (ExportStatus.IN_PROGRESS if self.looks >= 0 else ExportStatus.COMPLETED), ""

    def open(self, key: str) -> IO[bytes]:
        return BytesIO(self.objects[key])

    def write(self, key: str, content: bytes) -> None:
        self.objects[key] = content

    def keys(self, prefix: str) -> list[str]:
        return [key for key in self.objects if key.startswith(prefix)]


def exported(folder: str, items: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """The objects of an export by key. Source: DynamoDB developer guide, "DynamoDB table export output format".

    Args:
        folder: where DynamoDB puts it, down to the export's id.
        items: rows in DynamoDB's JSON, of which there are two data files, and an empty one of an empty partition.
    """
    files = {"aaaa.json.gz": items[::2], "bbbb.json.gz": items[1::2], "cccc.json.gz": []}
    objects, listed = {}, []
    for name, some in files.items():
        lines = "".join(f"{json.dumps({'Item': item})}\n" for item in some)
        objects[f"{folder}/data/{name}"] = gzip.compress(lines.encode())
        # As in the guide's example, the key lacks the export's prefix.
        key = f"AWSDynamoDB/{folder.rpartition('/')[2]}/data/{name}"
        sums = {"md5Checksum": "sQMSpEILNgoQmarvDFonGQ==", "etag": "af83d6f217c19b8b0fff8023d8ca4716-1"}
        listed.append(json.dumps({"itemCount": len(some), **sums, "dataFileS3Key": key}))
    return {**objects, f"{folder}/manifest-files.json": "\n".join(listed).encode(), f"{folder}/_started": b""}


@dataclass
class InMemoryReconciliationLog:
    """A ReconciliationLog that can be killed at each write."""

    step: Callable[[], None] = lambda: None
    saved: dict[str, Reconciliation] = field(default_factory=dict)
    results: dict[tuple[str, str], PartResult] = field(default_factory=dict)
    found: dict[tuple[str, str, str], Violation] = field(default_factory=dict)

    def save(self, reconciliation: Reconciliation) -> None:
        self.step()
        self.saved[reconciliation.reconciliation_id] = reconciliation

    def find(self, reconciliation_id: str) -> Reconciliation | None:
        return self.saved.get(reconciliation_id)

    def recent(self, limit: int) -> list[Reconciliation]:
        return list(reversed(self.saved.values()))[:limit]

    def save_part(self, reconciliation_id: str, result: PartResult, violations: Sequence[Violation]) -> None:
        for violation in violations:
            self.step()
            self.found[reconciliation_id, violation.rule, violation.key] = violation
        self.step()
        self.results[reconciliation_id, result.name] = result

    def parts(self, reconciliation_id: str) -> list[PartResult]:
        return [result for (of, _), result in self.results.items() if of == reconciliation_id]

    def violations(self, reconciliation_id: str) -> list[Violation]:
        return [each for (of, *_), each in sorted(self.found.items()) if of == reconciliation_id]
