"""The shop's tables as operations reads them, declared once: how a row is found, traced, and compared with its order.

A service that keeps something about orders adds a class for its row and a line to TABLES. Its rows are then traced,
nudged and compared with their orders. A rule of its own stands in `stuck.py` or `reconciliation.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ConfigDict

from cloudretail.model import Model
from cloudretail.outbox import Outbox
from cloudretail.settings import Settings
from contract.values import InspectedLine, StockLine
from operations.diagnosis.keys import charge_keys, payment_id


class Step(Model):
    """One step of an order's history."""

    event: str
    at: datetime
    caused_by: str
    status: str
    reason: str | None = None
    attempt: int | None = None
    about: str | None = None


class OrderPart(Model):
    """A row of which there is one for each order; only what operations needs of it.

    Attributes:
        order_id: of the order.
        status: of the row.
        outbox: the row's latest events.
    """

    order_id: str
    status: str
    outbox: Outbox | None = None


class ReturnRow(Model):
    """What is sent back of an order, as orders or as fulfilment keep it."""

    return_id: str
    status: str
    requested_at: datetime


class OrderRow(OrderPart):
    """An order; `history` is never empty."""

    user_id: str = ""
    total_amount: int
    currency: str
    payment_method: str | None = None
    created_at: datetime
    reserved_until: datetime | None = None
    delivered_at: datetime | None = None
    collected: int | None = None
    returns: tuple[ReturnRow, ...] = ()
    history: tuple[Step, ...]

    @property
    def since(self) -> datetime:
        """When it changed last, or learned something."""
        return self.history[-1].at


class BookedRow(Model):
    """A return whose pieces are counted."""

    return_id: str
    lines: tuple[InspectedLine, ...]


class ReservationRow(OrderPart):
    """What inventory holds for an order, and what came back of it."""

    lines: tuple[StockLine, ...]
    written_off: tuple[StockLine, ...] = ()
    returns: tuple[BookedRow, ...] = ()


class ShipmentRow(OrderPart):
    """The parcel of an order."""

    returns: tuple[ReturnRow, ...] = ()


class RefundRow(Model):
    """The way back of money."""

    refund_id: str
    amount: int
    status: str
    provider: str | None = None


class PaymentRow(OrderPart):
    """An order's payment."""

    payment_id: str
    amount: int | None = None
    currency: str | None = None
    reserved: bool = False
    method: str | None = None
    attempts: int = 0
    provider: str | None = None
    cancelled: bool = False
    collected: int | None = None
    refunds: tuple[RefundRow, ...] = ()
    created_at: datetime

    def refunds_that_are(self, status: str) -> list[RefundRow]:
        """The refunds with this status."""
        return [refund for refund in self.refunds if refund.status == status]


class MailRow(Model):
    """A mail that was sent, or is being sent."""

    mail: str
    status: str
    claimed_at: datetime | None = None
    sent_at: datetime | None = None

    @property
    def kind(self) -> str:
        return self.mail.partition("#")[0]

    @property
    def about(self) -> str | None:
        """Id of the return or refund that it is about."""
        return self.mail.partition("#")[2] or None


class ChargeRow(Model):
    """A charge or refund in the sandbox provider's memory; without an outcome, the provider has not answered."""

    charge_key: str
    outcome: str | None = None
    amount: int | None = None
    currency: str | None = None
    reason: str | None = None


class StockRow(Model):
    """The counters of a product, in units."""

    product_id: str
    available_qty: int = 0
    reserved_qty: int = 0
    sold_qty: int = 0
    written_off_qty: int = 0
    received_qty: int = 0
    adjusted_qty: int = 0


class AccountRow(Model):
    """What an account holds: an attribute for each of its open orders."""

    model_config = ConfigDict(extra="allow")

    user_id: str

    @property
    def held(self) -> frozenset[str]:
        """The ids of its open orders."""
        return frozenset(name for name, value in (self.model_extra or {}).items() if isinstance(value, dict))


type Statuses = Mapping[str, frozenset[str]]


@dataclass(frozen=True, eq=False)
class Table:
    """A table, as operations reads it.

    Attributes:
        name: in the template, without `Table`.
        row: what is read of a row.
        row_name: what one row is called, such as `reservation`.
        service: whose table it is.
        key: its partition key.
        keys_of: the partition keys that rows about an order can have; None where no row is about an order.
        several: whether one such key can have several rows.
        in_snapshot: whether reconciling and finding stuck orders read it as a whole.
        at_rest: by the status of an order that waits for nothing, the statuses that its row may have.
    """

    name: str
    row: type[Model]
    row_name: str
    service: str
    key: str
    keys_of: Callable[[str], Sequence[str]] | None = None
    several: bool = False
    in_snapshot: bool = True
    at_rest: Statuses = field(default_factory=dict)


_COMMITTED = frozenset({"COMMITTED"})
_SUCCEEDED = frozenset({"SUCCEEDED"})

RESERVATION_AT_REST: Statuses = {
    "RESERVED": frozenset({"HELD"}),
    "CONFIRMED": _COMMITTED,
    "SHIPPED": _COMMITTED,
    "DELIVERED": _COMMITTED,
    "REJECTED": frozenset({"REFUSED"}),
    # An order may be cancelled before it learns that inventory has refused it.
    "CANCELLED": frozenset({"RELEASED", "REFUSED"}),
}

PAYMENT_AT_REST: Statuses = {
    "RESERVED": frozenset({"OPEN", "SUBMITTED"}),
    "CONFIRMED": _SUCCEEDED,
    "SHIPPED": _SUCCEEDED,
    "DELIVERED": _SUCCEEDED,
    "REJECTED": frozenset({"VOIDED"}),
    "CANCELLED": frozenset({"VOIDED", "FAILED", "SUCCEEDED"}),
}

SHIPMENT_AT_REST: Statuses = {
    "CONFIRMED": frozenset({"TO_SHIP"}),
    "SHIPPED": frozenset({"SHIPPED"}),
    "DELIVERED": frozenset({"DELIVERED"}),
}


def _order_id(order_id: str) -> list[str]:
    return [order_id]


def _payment_id(order_id: str) -> list[str]:
    return [payment_id(order_id)]


TABLES: tuple[Table, ...] = (
    Table("Orders", OrderRow, "order", "orders", "orderId", _order_id),
    Table(
        "Reservations", ReservationRow, "reservation", "inventory", "orderId", _order_id, at_rest=RESERVATION_AT_REST
    ),
    Table("Payments", PaymentRow, "payment", "payments", "paymentId", _payment_id, at_rest=PAYMENT_AT_REST),
    Table("Shipments", ShipmentRow, "shipment", "fulfilment", "orderId", _order_id, at_rest=SHIPMENT_AT_REST),
    Table("SentMails", MailRow, "mail", "notifications", "orderId", _order_id, several=True, in_snapshot=False),
    Table("SandboxCharges", ChargeRow, "charge", "payments", "chargeKey", charge_keys),
    Table("Limits", AccountRow, "account", "orders", "userId"),
    Table("Inventory", StockRow, "stock", "inventory", "productId"),
)


class TableSettings(Settings):
    """The tables' physical names: a field for each of TABLES; None for one that this stage does not have."""

    orders_table: str
    reservations_table: str
    payments_table: str
    shipments_table: str
    sent_mails_table: str
    sandbox_charges_table: str | None = None
    inventory_table: str
    limits_table: str


def table_of(row: type[Model]) -> Table:
    """The table of this kind of row."""
    return next(table for table in TABLES if table.row is row)


class Rows:
    """Rows of any tables.

    Args:
        rows: in any order.
    """

    def __init__(self, rows: Iterable[Model]) -> None:
        self._by_class: dict[type[Model], list[Any]] = {}
        for row in rows:
            self._by_class.setdefault(type(row), []).append(row)

    def all[R: Model](self, row: type[R]) -> Sequence[R]:
        """The rows of one table."""
        return self._by_class.get(row, [])


class OrderRows(Rows):
    """All rows about one order."""

    def one[R: OrderPart](self, row: type[R]) -> R | None:
        """The order's row in one table."""
        return next(iter(self.all(row)), None)

    @property
    def order(self) -> OrderRow | None:
        return self.one(OrderRow)

    @property
    def parts(self) -> dict[str, OrderPart]:
        """The order's own rows by what they are called, those that exist."""
        found = {table.row_name: row for table in TABLES for row in self.all(table.row)}
        return {name: row for name, row in found.items() if isinstance(row, OrderPart)}

    @property
    def outboxes(self) -> dict[str, Outbox]:
        """The latest events of each row, by the service."""
        parts = {table_of(type(row)).service: row for row in self.parts.values()}
        return {service: row.outbox for service, row in parts.items() if row.outbox}


class TableSnapshot(Rows):
    """The tables, read one after the other: not at one moment."""

    @cached_property
    def _parts(self) -> dict[str, list[OrderPart]]:
        parts: dict[str, list[OrderPart]] = {}
        for rows in self._by_class.values():
            for row in rows:
                if isinstance(row, OrderPart):
                    parts.setdefault(row.order_id, []).append(row)
        return parts

    @property
    def order_ids(self) -> Iterable[str]:
        """Every order that any row is about."""
        return self._parts

    def of_order(self, order_id: str) -> OrderRows:
        """The order's own rows."""
        return OrderRows(self._parts.get(order_id, ()))
