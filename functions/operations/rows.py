"""The shop's rows, as far as operations reads them: what a service may change in its own without asking is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cloudretail.events import StockLine
from cloudretail.model import Model
from cloudretail.outbox import Outbox


class Step(Model):
    """One step of an order's story."""

    event: str
    at: datetime
    caused_by: str
    status: str
    reason: str | None = None
    attempt: int | None = None


class OrderRow(Model):
    """An order; `history` is never empty."""

    order_id: str
    status: str
    total_amount: int
    currency: str
    created_at: datetime
    reserved_until: datetime | None = None
    history: tuple[Step, ...]
    outbox: Outbox | None = None

    @property
    def since(self) -> datetime:
        """When it last heard of something."""
        return self.history[-1].at


class ReservationRow(Model):
    """What inventory holds for an order."""

    order_id: str
    status: str
    lines: tuple[StockLine, ...]
    outbox: Outbox | None = None


class RefundRow(Model):
    """The way back of money that an attempt took for which its payment did not wait."""

    status: str


class PaymentRow(Model):
    """An order's payment."""

    payment_id: str
    order_id: str
    status: str
    amount: int | None = None
    currency: str | None = None
    reserved: bool = False
    method: str | None = None
    attempts: int = 0
    provider: str | None = None
    cancelled: bool = False
    refunds: tuple[RefundRow, ...] = ()
    created_at: datetime
    outbox: Outbox | None = None

    @property
    def refund_refused(self) -> bool:
        """Whether a provider will not give back what it took, so that a person has to."""
        return self.status == "REFUND_FAILED" or any(refund.status == "REFUSED" for refund in self.refunds)


class StockRow(Model):
    """The counters of a product, in units."""

    product_id: str
    available_qty: int = 0
    reserved_qty: int = 0
    sold_qty: int = 0
    received_qty: int = 0


class ChargeRow(Model):
    """What the sandbox provider remembers of an attempt or refund; no outcome: it was asked and has not answered."""

    charge_key: str
    outcome: str | None = None
    amount: int | None = None
    currency: str | None = None
    reason: str | None = None


class MailRow(Model):
    """A mail that was sent, or is about to be."""

    mail_id: str
    status: str
    claimed_at: datetime | None = None
    sent_at: datetime | None = None

    @property
    def kind(self) -> str:
        return self.mail_id.rpartition("#")[2]


@dataclass(frozen=True)
class Dossier:
    """All rows about one order; None or empty where there is none."""

    order: OrderRow | None
    reservation: ReservationRow | None
    payment: PaymentRow | None

    @property
    def outboxes(self) -> dict[str, Outbox]:
        """The last outbox of each row that has one, by the service."""
        rows = {"orders": self.order, "inventory": self.reservation, "payments": self.payment}
        return {service: row.outbox for service, row in rows.items() if row and row.outbox}


@dataclass(frozen=True)
class Books:
    """The tables, as they were read one after the other: not at one moment.

    Attributes:
        orders: by order id.
        reservations: likewise.
        payments: likewise.
        stock: by product id.
        charges: by key.
    """

    orders: Mapping[str, OrderRow] = field(default_factory=dict)
    reservations: Mapping[str, ReservationRow] = field(default_factory=dict)
    payments: Mapping[str, PaymentRow] = field(default_factory=dict)
    stock: Mapping[str, StockRow] = field(default_factory=dict)
    charges: Mapping[str, ChargeRow] = field(default_factory=dict)

    def dossier(self, order_id: str) -> Dossier:
        return Dossier(self.orders.get(order_id), self.reservations.get(order_id), self.payments.get(order_id))
