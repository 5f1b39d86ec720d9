"""The shop's tables for operations, declared once: how a row is found, traced, and compared with its order.

A service that stores something about orders adds a class for its row and a line to TABLES. Its rows are then traced,
nudged and compared with their orders. Further rules are in `stuck.py` or `reconciliation/rules.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import takewhile
from typing import Any

from pydantic import ConfigDict

from cloudretail.model import Model
from cloudretail.money import Money
from cloudretail.outbox import Outbox
from cloudretail.settings import Settings
from contract.values import InspectedLine, StockLine
from operations.diagnosis.keys import UNEXPECTED, charge_keys, payment_id, refund_keys


class Step(Model):
    """One step of an order's history."""

    event: str
    at: datetime
    caused_by: str
    status: str
    reason: str | None = None
    attempt: int | None = None
    about: str | None = None
    amount: Money | None = None


class OrderPart(Model):
    """A row of which each order has one, with the fields that operations needs.

    Attributes:
        order_id: of the order.
        status: of the row.
        outbox: the row's latest events.
    """

    order_id: str
    status: str
    outbox: Outbox | None = None


class ReturnRow(Model):
    """A return, as orders or as fulfilment store it."""

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
        """The time of its latest step."""
        return self.history[-1].at

    @property
    def entered(self) -> datetime:
        """When it reached its present status."""
        steps = takewhile(lambda step: step.status == self.status, reversed(self.history))
        return min((step.at for step in steps), default=self.since)

    def last(self, event: str, about: str) -> datetime | None:
        """The time of the latest such step about a return or a refund; None if there is none."""
        return next((step.at for step in reversed(self.history) if (step.event, step.about) == (event, about)), None)

    @property
    def open(self) -> bool:
        """Whether it counts towards its account's limits: it is not paid by card, and its cash is not collected."""
        if self.status in ("REJECTED", "CANCELLED"):
            return False
        unpaid = self.payment_method == "COD" and self.collected is None
        return unpaid or self.status in ("PENDING", "RESERVED")


class BookedRow(Model):
    """A return whose pieces are in the counters again."""

    return_id: str
    lines: tuple[InspectedLine, ...]


class ReservationRow(OrderPart):
    """The reservation of an order, and its returns."""

    lines: tuple[StockLine, ...]
    written_off: tuple[StockLine, ...] = ()
    returns: tuple[BookedRow, ...] = ()

    def has_booked(self, return_id: str) -> bool:
        """Whether the pieces of this return are in the counters again."""
        return any(each.return_id == return_id for each in self.returns)


class ShipmentStep(Model):
    """Something that happened to a shipment; `by` is the user id of the member of staff who did it, if anybody did."""

    what: str
    at: datetime
    by: str | None = None
    about: str | None = None


class ShipmentRow(OrderPart):
    """The parcel of an order."""

    returns: tuple[ReturnRow, ...] = ()
    story: tuple[ShipmentStep, ...] = ()

    def find_return(self, return_id: str) -> ReturnRow | None:
        """The return of this id."""
        return next((each for each in self.returns if each.return_id == return_id), None)


class RefundRow(Model):
    """The way back of money."""

    refund_id: str
    amount: int
    attempt: int
    status: str
    provider: str | None = None

    @property
    def unexpected(self) -> bool:
        """Whether it gives back an attempt that the payment did not wait for."""
        return self.refund_id.startswith(UNEXPECTED)


class OwedRow(Model):
    """What is owed for a return, while it is not known how much cash was collected."""

    return_id: str
    amount: int


class DisputeRow(Model):
    """A dispute about a charge."""

    attempt: int
    amount: int
    status: str


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
    owed: tuple[OwedRow, ...] = ()
    disputes: tuple[DisputeRow, ...] = ()
    created_at: datetime

    @property
    def left(self) -> int:
        """Minor units that were charged or collected, are not on their way back, and were lost in no dispute."""
        if self.status != "SUCCEEDED":
            return 0
        taken = self.collected if self.method == "COD" else self.amount
        left = (taken or 0) - sum(refund.amount for refund in self.refunds if not refund.unexpected)
        lost = sum(each.amount for each in self.disputes if each.attempt == self.attempts and each.status == "LOST")
        # A refund that waited for the dispute is reduced only when it is made.
        return max(0, left - lost) if lost else left

    def is_disputed(self, attempt: int) -> bool:
        """Whether a dispute about this attempt is not decided yet."""
        return any(each.attempt == attempt and each.status == "OPEN" for each in self.disputes)

    def gives_back(self, return_id: str) -> bool:
        """Whether it has received the ReturnAccepted of this return."""
        known = {refund.refund_id for refund in self.refunds} | {owed.return_id for owed in self.owed}
        return return_id in known


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
        return self.mail.partition("#")[2].removesuffix(":by-hand") or None


class ChargeRow(Model):
    """A charge or refund in the sandbox's table. Without an outcome, the sandbox has not answered yet.

    Attributes:
        effect: what the card does.
    """

    charge_key: str
    effect: str | None = None
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
    """The open orders of an account: an attribute for each."""

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
        row: the model of a row.
        row_name: the word for one row, such as `reservation`.
        service: the service that owns the table.
        key: name of its partition key.
        keys_of: the partition keys of rows about an order; None if no row is about an order.
        further_keys: further keys, which follow from the order's other rows.
        several: whether one such key can have several rows.
        at_rest: the statuses that a row may have, by the status of an order that waits for nothing.
    """

    name: str
    row: type[Model]
    row_name: str
    service: str
    key: str
    keys_of: Callable[[str], Sequence[str]] | None = None
    further_keys: Callable[["OrderRows"], Sequence[str]] | None = None
    several: bool = False
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
    "RESERVED": frozenset({"OPEN", "SUBMITTED", "CHALLENGED"}),
    "CONFIRMED": _SUCCEEDED,
    "SHIPPED": _SUCCEEDED,
    "DELIVERED": _SUCCEEDED,
    "REJECTED": frozenset({"VOIDED"}),
    "CANCELLED": frozenset({"VOIDED", "FAILED", "SUCCEEDED"}),
}

ABSENT = "absent"
"""The status that stands for a row that does not exist."""

SHIPMENT_AT_REST: Statuses = {
    "RESERVED": frozenset({ABSENT}),
    "CONFIRMED": frozenset({"TO_SHIP"}),
    "SHIPPED": frozenset({"SHIPPED"}),
    "DELIVERED": frozenset({"DELIVERED"}),
    "REJECTED": frozenset({ABSENT}),
    "CANCELLED": frozenset({ABSENT, "CANCELLED", "RETURNED"}),
}


def _order_id(order_id: str) -> list[str]:
    return [order_id]


def _payment_id(order_id: str) -> list[str]:
    return [payment_id(order_id)]


def refund_keys_of(rows: "OrderRows") -> list[str]:
    """The sandbox's keys of the refunds for returns."""
    payment = rows.one(PaymentRow)
    if payment is None:
        return []
    keys = refund_keys(payment.order_id, [refund.refund_id for refund in payment.refunds])
    known = charge_keys(payment.order_id)
    return [key for key in keys if key not in known]


TABLES: tuple[Table, ...] = (
    Table("Orders", OrderRow, "order", "orders", "orderId", _order_id),
    Table(
        "Reservations", ReservationRow, "reservation", "inventory", "orderId", _order_id, at_rest=RESERVATION_AT_REST
    ),
    Table("Payments", PaymentRow, "payment", "payments", "paymentId", _payment_id, at_rest=PAYMENT_AT_REST),
    Table("Shipments", ShipmentRow, "shipment", "fulfilment", "orderId", _order_id, at_rest=SHIPMENT_AT_REST),
    Table("SentMails", MailRow, "mail", "notifications", "orderId", _order_id, several=True),
    Table("SandboxCharges", ChargeRow, "charge", "payments", "chargeKey", charge_keys, refund_keys_of),
    Table("Limits", AccountRow, "account", "orders", "userId"),
    Table("Inventory", StockRow, "stock", "inventory", "productId"),
)


class TableSettings(Settings):
    """The tables' physical names: a field for each of TABLES. It is None for a table that this stage does not have."""

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
        """The order's own rows that exist, by their words, such as `reservation`."""
        found = {table.row_name: row for table in TABLES for row in self.all(table.row)}
        return {name: row for name, row in found.items() if isinstance(row, OrderPart)}

    @property
    def statuses(self) -> dict[str, str]:
        """The statuses of the order's own rows, by their words, and of its returns and refunds."""
        found = {name: row.status for name, row in self.parts.items()}
        order, shipment, payment = self.order, self.one(ShipmentRow), self.one(PaymentRow)
        for each in order.returns if order else ():
            there = shipment.find_return(each.return_id) if shipment else None
            found[f"return {each.return_id}"] = f"{each.status}, {there.status} at fulfilment" if there else each.status
        for refund in payment.refunds if payment else ():
            found[f"refund {refund.refund_id}"] = refund.status
        return found

    @property
    def outboxes(self) -> dict[str, Outbox]:
        """The latest events of each row, by the service."""
        parts = {table_of(type(row)).service: row for row in self.parts.values()}
        return {service: row.outbox for service, row in parts.items() if row.outbox}


class TableSnapshot(Rows):
    """Rows about some orders. They were read one after the other, so they are not of one moment."""

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
