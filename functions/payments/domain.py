"""What may happen to a payment. Pure.

A payment is submitted once three facts are there, in whichever order they come: the amount (OrderPlaced), the goods
(InventoryReserved) and the method (the shopper). While an attempt runs at the provider nothing else decides: what
comes in meanwhile is remembered, and its consequence drawn when the provider has answered.

                     ┌───── declined, attempts left ─────┐
                     v                                   │
    (none) ───────> OPEN ──all three facts──────> SUBMITTED ──accepted──> SUCCEEDED ──cancelled──> REFUNDING
                     │ │                             │  │                                            │   │
      window closed  │ │ cancelled, not reserved     │  └─ declined: the last time,           REFUNDED   REFUND_FAILED
                     v v                             v     or window closed ──> FAILED
                FAILED VOIDED <──declined, cancelled─┘
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from cloudretail.decider import Change, Decision, Nothing
from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.money import Money
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderPlaced
from contract.payments import (
    PaymentDeclined,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSubmitted,
    PaymentSucceeded,
    RefundRequested,
)
from contract.values import PaymentFailure, PaymentMethod

MAX_ATTEMPTS = 3


class PaymentStatus(StrEnum):
    """Where a payment stands."""

    OPEN = "OPEN"
    SUBMITTED = "SUBMITTED"
    SUCCEEDED = "SUCCEEDED"
    REFUNDING = "REFUNDING"
    REFUNDED = "REFUNDED"
    REFUND_FAILED = "REFUND_FAILED"
    VOIDED = "VOIDED"
    FAILED = "FAILED"


class Payment(Model):
    """A payment as it is stored.

    Attributes:
        amount: minor units of `currency`; None until OrderPlaced was heard.
        reserved: whether InventoryReserved was heard.
        method: the shopper's choice for the next or the running attempt.
        card_token: only while an attempt needs it.
        provider: which one takes the attempts.
        attempts: how many were submitted.
        decline_reason: of the latest declined attempt.
        window_closed: remembered while an attempt runs.
        cancelled: likewise.
    """

    payment_id: str
    order_id: str
    status: PaymentStatus = PaymentStatus.OPEN
    user_id: str | None = None
    user_email: str | None = None
    amount: int | None = None
    currency: str | None = None
    reserved: bool = False
    method: PaymentMethod | None = None
    card_token: Annotated[str | None, Field(repr=False)] = None
    provider: str | None = None
    attempts: int = 0
    decline_reason: str | None = None
    window_closed: bool = False
    cancelled: bool = False
    created_at: datetime

    @property
    def money(self) -> Money:
        """The amount to pay; raises ValueError before OrderPlaced was heard."""
        if self.amount is None or self.currency is None:
            raise ValueError(f"payment {self.payment_id} has not heard of its amount")
        return Money(amount=self.amount, currency=self.currency)

    @property
    def attempt_key(self) -> str:
        """The provider's idempotency key of the running or latest attempt."""
        return f"{self.payment_id}:{self.attempts}"

    @property
    def refund_key(self) -> str:
        """The provider's idempotency key of the refund."""
        return f"{self.payment_id}:refund"


@dataclass(frozen=True)
class ChooseMethod:
    """The shopper says how to pay; `card_token` stands for a card."""

    method: PaymentMethod
    card_token: str | None = None


@dataclass(frozen=True)
class WindowClosed:
    """The reservation was promised until now."""


@dataclass(frozen=True)
class ChargeAccepted:
    """The provider accepted this attempt."""

    attempt: int


@dataclass(frozen=True)
class ChargeDeclined:
    """The provider declined this attempt."""

    attempt: int
    reason: str


@dataclass(frozen=True)
class RefundDone:
    """The provider gave the money back."""


@dataclass(frozen=True)
class RefundRefused:
    """The provider will not give the money back."""

    reason: str


type Message = EventData | ChooseMethod | WindowClosed | ChargeAccepted | ChargeDeclined | RefundDone | RefundRefused

PROVIDERS = {PaymentMethod.COD: "cash-on-delivery", PaymentMethod.CARD: "sandbox"}
"""Which provider takes a method."""


def payment_id_of(order_id: str) -> str:
    """Every order has one payment, whose id follows from the order's."""
    return "pay_" + order_id.removeprefix("ord_")


def decide(payment: Payment | None, message: Message, order_id: str, now: datetime) -> Decision[Payment]:
    """What `message` means for the payment of the order.

    Args:
        payment: as it is now; None where payments has not heard of the order.
        message: an event that a consumer subscribes to, or a command.
        order_id: of the order.
        now: aware.
    """
    known = payment or Payment(payment_id=payment_id_of(order_id), order_id=order_id, created_at=now)
    match known.status:
        case PaymentStatus.OPEN:
            return _while_open(known, message)
        case PaymentStatus.SUBMITTED:
            return _while_submitted(known, message)
        case PaymentStatus.SUCCEEDED if isinstance(message, OrderCancelled):
            return _give_back(known)
        case PaymentStatus.REFUNDING:
            return _while_refunding(known, message)
        case _:
            return Nothing(f"the payment is {known.status}")


def _while_open(payment: Payment, message: Message) -> Decision[Payment]:
    match message:
        case OrderPlaced() if payment.amount is not None:
            return Nothing("the amount is known")
        case OrderPlaced(total=total):
            # What was chosen since is newer than what was chosen at checkout.
            chosen = payment.method or message.payment_method
            learned = _with(
                payment,
                user_id=message.user_id,
                user_email=message.user_email,
                amount=total.amount,
                currency=total.currency,
                method=chosen,
            )
            return _submit_if_complete(learned)
        case InventoryReserved() if payment.reserved:
            return Nothing("the reservation is known")
        case InventoryReserved():
            return _submit_if_complete(_with(payment, reserved=True))
        case ChooseMethod(method=method, card_token=token):
            return _submit_if_complete(_with(payment, method=method, card_token=token))
        case InventoryReservationFailed() | OrderCancelled():
            return Change(_ended(payment, PaymentStatus.VOIDED))
        case WindowClosed():
            return _failed(payment, PaymentFailure.WINDOW_CLOSED)
        case _:
            return Nothing("no attempt runs")


def _submit_if_complete(payment: Payment) -> Decision[Payment]:
    if payment.amount is None or not payment.reserved or payment.method is None:
        return Change(payment)
    submitted = _with(
        payment,
        status=PaymentStatus.SUBMITTED,
        attempts=payment.attempts + 1,
        provider=PROVIDERS[payment.method],
    )
    event = PaymentSubmitted(
        order_id=submitted.order_id,
        payment_id=submitted.payment_id,
        attempt=submitted.attempts,
        amount=submitted.money,
        method=payment.method,
    )
    return Change(submitted, [event])


def _while_submitted(payment: Payment, message: Message) -> Decision[Payment]:
    match message:
        case ChargeAccepted(attempt=attempt) if attempt == payment.attempts:
            return _accepted(payment)
        case ChargeDeclined(attempt=attempt, reason=reason) if attempt == payment.attempts:
            return _declined(_with(payment, decline_reason=reason), reason)
        case OrderCancelled() if not payment.cancelled:
            return Change(_with(payment, cancelled=True))
        case WindowClosed() if not payment.window_closed:
            return Change(_with(payment, window_closed=True))
        case _:
            return Nothing("an attempt is running")


def _accepted(payment: Payment) -> Decision[Payment]:
    succeeded = _with(payment, status=PaymentStatus.SUCCEEDED, card_token=None)
    if payment.cancelled:
        return _give_back(succeeded)
    event = PaymentSucceeded(
        order_id=payment.order_id,
        payment_id=payment.payment_id,
        attempt=payment.attempts,
        amount=payment.money,
        method=_method(payment),
    )
    return Change(succeeded, [event])


def _declined(payment: Payment, reason: str) -> Decision[Payment]:
    if payment.cancelled:
        return Change(_ended(payment, PaymentStatus.VOIDED))
    if payment.attempts >= MAX_ATTEMPTS:
        return _failed(payment, PaymentFailure.DECLINED)
    if payment.window_closed:
        return _failed(payment, PaymentFailure.WINDOW_CLOSED)
    reopened = _with(payment, status=PaymentStatus.OPEN, method=None, card_token=None)
    event = PaymentDeclined(
        order_id=payment.order_id,
        payment_id=payment.payment_id,
        attempt=payment.attempts,
        max_attempts=MAX_ATTEMPTS,
        reason=reason,
    )
    return Change(reopened, [event])


def _give_back(payment: Payment) -> Decision[Payment]:
    """Undo a successful payment: cash that was not collected yet is simply not collected."""
    if payment.method is PaymentMethod.COD:
        return Change(_ended(payment, PaymentStatus.VOIDED))
    event = RefundRequested(
        order_id=payment.order_id,
        payment_id=payment.payment_id,
        attempt=payment.attempts,
        amount=payment.money,
        method=_method(payment),
    )
    return Change(_with(payment, status=PaymentStatus.REFUNDING), [event])


def _while_refunding(payment: Payment, message: Message) -> Decision[Payment]:
    common: dict[str, Any] = {
        "order_id": payment.order_id,
        "payment_id": payment.payment_id,
        "user_email": payment.user_email,
        "amount": payment.money,
        "method": payment.method,
    }
    match message:
        case RefundDone():
            return Change(_with(payment, status=PaymentStatus.REFUNDED), [PaymentRefunded(**common)])
        case RefundRefused(reason=reason):
            refused = _with(payment, status=PaymentStatus.REFUND_FAILED)
            return Change(refused, [PaymentRefundFailed(**common, reason=reason)])
        case _:
            return Nothing("a refund is running")


def _failed(payment: Payment, reason: PaymentFailure) -> Decision[Payment]:
    event = PaymentFailed(order_id=payment.order_id, payment_id=payment.payment_id, reason=reason)
    return Change(_ended(payment, PaymentStatus.FAILED), [event])


def _ended(payment: Payment, status: PaymentStatus) -> Payment:
    return _with(payment, status=status, card_token=None)


def _method(payment: Payment) -> PaymentMethod:
    if payment.method is None:
        raise ValueError(f"payment {payment.payment_id} has no method")
    return payment.method


def _with(payment: Payment, **changes: Any) -> Payment:
    return payment.model_copy(update=changes)
