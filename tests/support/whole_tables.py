"""Tables that are read part by part, and the record of it, in memory."""

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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

    def _of(self, subject: Subject) -> dict[str, Any]:
        row, key = ROWS[subject]
        return {getattr(each, key): each for each in self.rows() if type(each) is row}

    def _in(self, part: Part) -> list[str]:
        keys = sorted(self._of(part.subject))
        return [key for key in keys if zlib.crc32(key.encode()) % part.of == part.segment]

    def sizes(self) -> list[TableSize]:
        return [TableSize(table=each, rows=self.size, bytes=self.size * 1000) for each in Subject]

    def keys(self, part: Part) -> Iterator[list[str]]:
        # Pages of two rows.
        keys = self._in(part)
        for begin in range(0, len(keys), 2):
            yield keys[begin : begin + 2]

    def changed(self, part: Part, since: datetime) -> Iterator[list[str]]:
        orders = self._of(Subject.ORDERS)
        yield [key for key in self._in(part) if orders[key].since >= since]

    def reservations(self, part: Part) -> Iterator[list[ReservationRow]]:
        rows = self._of(part.subject)
        return ([rows[key] for key in keys] for keys in self.keys(part))

    def accounts(self, part: Part) -> Iterator[list[AccountRow]]:
        rows = self._of(part.subject)
        return ([rows[key] for key in keys] for keys in self.keys(part))

    def stock(self) -> Iterator[list[tuple[StockRow, datetime | None]]]:
        yield [(row, self.changed_at.get(product)) for product, row in self._of(Subject.STOCK).items()]

    def of_orders(self, order_ids: Collection[str]) -> TableSnapshot:
        self.most_at_once = max(self.most_at_once, len(order_ids))
        users = {self._of(Subject.ORDERS)[each].user_id for each in order_ids if each in self._of(Subject.ORDERS)}
        found = [row for key, row in self._of(Subject.ACCOUNTS).items() if key in users]
        for subject in (Subject.ORDERS, Subject.RESERVATIONS, Subject.PAYMENTS, Subject.SHIPMENTS, Subject.CHARGES):
            found += [row for key, row in self._of(subject).items() if order_of(subject, key) in order_ids]
        return TableSnapshot(found)

    def existing(self, subject: Subject, keys: Iterable[str]) -> set[str]:
        return set(keys) & self._of(subject).keys()

    def with_mails(self, order_id: str) -> OrderRows:
        return OrderRows(row for row in self.rows() if getattr(row, "order_id", order_id) == order_id)


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
