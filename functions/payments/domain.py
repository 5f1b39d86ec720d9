"""What may happen to a payment. Pure.

A payment is complete once three facts are there, in whichever order they come: the amount (OrderPlaced), the goods
(InventoryReserved) and the method (the shopper). In cash it has succeeded then. By card the worker takes the attempt to
a provider; while it runs nothing else decides: what comes in meanwhile is remembered, and its consequence drawn when it
is known what became of the attempt.

                     ┌───── declined, attempts left ─────┐
                     v                                   │
    (none) ───────> OPEN ──complete, by card──────> SUBMITTED ──accepted──> SUCCEEDED ──cancelled──> REFUNDING
                     │ │ └──complete, in cash──> SUCCEEDED  │  │               │                        │   │
      window closed  │ │ cancelled, not reserved            │  │       cash, cancelled         REFUNDED   REFUND_FAILED
                     v v                                    │  │               v
                FAILED VOIDED <──declined or ended, cancelled─┘  └──> FAILED  VOIDED
                                                     declined: the last time, or window closed;
                                                     ended: window closed

Whether an attempt may have reached its provider is a fact in the row: `reference`, which is written before money can
move. Only an attempt without one ends by this side's word alone. What became of any other, its provider says.

An acceptance that the payment does not wait for, of another attempt or after the end, is a refund of that attempt,
beside whatever became of the payment.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from cloudretail.decider import Change, Context, Decision, Nothing
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
from contract.values import CodRefusal, OrderStatus, PaymentFailure, PaymentMethod

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


class RefundStatus(StrEnum):
    """Where the refund of one attempt stands."""

    REQUESTED = "REQUESTED"
    DONE = "DONE"
    REFUSED = "REFUSED"


class Refund(Model):
    """The way back of money that was taken by an attempt that the payment did not wait for.

    Attributes:
        attempt: whose money it is.
        provider: which one took it.
        reference: of the attempt, there.
    """

    attempt: int
    provider: str
    reference: str
    status: RefundStatus = RefundStatus.REQUESTED

    @property
    def id(self) -> str:
        """Of this refund among those of the payment."""
        return f"attempt:{self.attempt}"


class Payment(Model):
    """A payment as it is stored.

    Attributes:
        amount: minor units of `currency`; None until OrderPlaced has arrived.
        reserved: whether InventoryReserved has arrived.
        method: the shopper's choice for the next or the running attempt.
        card_token: only until the attempt that needs it is at its provider.
        attempts: how many were submitted.
        provider: which one has the running or latest attempt; None until it may know of it.
        reference: of that attempt, there; written before it is asked to move money.
        decline_reason: of the latest declined attempt.
        window_closed: remembered while an attempt runs.
        cancelled: likewise.
        refunds: of attempts whose acceptance nothing waited for.
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
    attempts: int = 0
    provider: str | None = None
    reference: str | None = None
    decline_reason: str | None = None
    window_closed: bool = False
    cancelled: bool = False
    refunds: tuple[Refund, ...] = ()
    created_at: datetime

    @property
    def money(self) -> Money:
        """The amount to pay; raises ValueError before OrderPlaced has arrived."""
        if self.amount is None or self.currency is None:
            raise ValueError(f"payment {self.payment_id} does not know its amount yet")
        return Money(amount=self.amount, currency=self.currency)

    @property
    def attempt_key(self) -> str:
        """The provider's idempotency key of the running or latest attempt."""
        return f"{self.payment_id}:{self.attempts}"

    @property
    def wanted(self) -> bool:
        """Whether nothing is remembered that speaks against making the attempt."""
        return not (self.cancelled or self.window_closed)

    @property
    def sent(self) -> bool:
        """Whether the running or latest attempt may have moved money."""
        return self.reference is not None

    def runs(self, attempt: int) -> bool:
        """Whether this attempt is the one that is being made."""
        return self.status is PaymentStatus.SUBMITTED and self.attempts == attempt

    def refund_of(self, attempt: int) -> Refund | None:
        """The way back of an attempt that the payment did not wait for."""
        return next((refund for refund in self.refunds if refund.attempt == attempt), None)

    def refund_key(self, refund: Refund | None = None) -> str:
        """The provider's idempotency key of a refund; of the payment's own where none is given."""
        return f"{self.payment_id}:{refund.id if refund else 'refund'}"


@dataclass(frozen=True)
class ChooseMethod:
    """The shopper says how to pay; `card_token` stands for a card."""

    method: PaymentMethod
    card_token: str | None = None


@dataclass(frozen=True)
class WindowClosed:
    """The reservation was promised until now."""


@dataclass(frozen=True)
class AttemptSent:
    """The provider has taken this attempt in, and has not been asked to move money yet."""

    attempt: int
    provider: str
    reference: str


@dataclass(frozen=True)
class AttemptUnsent:
    """No provider has been asked to make this attempt, and none will be: that counts where the row says so too."""

    attempt: int
    reason: str


@dataclass(frozen=True)
class ChargeAccepted:
    """The provider accepted this attempt, which is known there by `reference`."""

    attempt: int
    provider: str
    reference: str


@dataclass(frozen=True)
class ChargeDeclined:
    """The provider declined this attempt."""

    attempt: int
    reason: str


@dataclass(frozen=True)
class ChargeEnded:
    """The provider has ended this attempt without taking money.

    Attributes:
        attempt: which one.
        order_over: whether the order, read for it, is no longer to be paid.
    """

    attempt: int
    order_over: bool


@dataclass(frozen=True)
class RefundDone:
    """The provider gave the money of this attempt back."""

    attempt: int


@dataclass(frozen=True)
class RefundRefused:
    """The provider will not give the money of this attempt back."""

    attempt: int
    reason: str


type Message = (
    EventData
    | ChooseMethod
    | WindowClosed
    | AttemptSent
    | AttemptUnsent
    | ChargeAccepted
    | ChargeDeclined
    | ChargeEnded
    | RefundDone
    | RefundRefused
)

PAID = (PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDING, PaymentStatus.REFUNDED, PaymentStatus.REFUND_FAILED)
"""Where the acceptance of the latest attempt is known."""


def payment_id_of(order_id: str) -> str:
    """Every order has one payment, whose id follows from the order's."""
    return "pay_" + order_id.removeprefix("ord_")


class PayableOrder(Model):
    """What payments needs to know of an order.

    Attributes:
        status: an OrderStatus; another text where orders has a status that this code does not know yet.
        total_amount: minor units of `currency`.
        cod_refusal: why it cannot be paid in cash; None where it can.
    """

    order_id: str
    status: str
    total_amount: int
    currency: str
    cod_refusal: CodRefusal | None = None

    @property
    def payable(self) -> bool:
        """Whether the order still waits for its payment: the one rule of the API, of the worker and of the dry run."""
        return self.status in (OrderStatus.PENDING, OrderStatus.RESERVED)


def decide(payment: Payment | None, message: Message, context: Context) -> Decision[Payment]:
    """What `message` means for the payment of the order.

    Args:
        payment: as it is now; None where payments has received nothing about the order.
        message: an event that a consumer subscribes to, or a command.
        context: its subject is the order.
    """
    order_id = context.subject
    known = payment or Payment(payment_id=payment_id_of(order_id), order_id=order_id, created_at=context.now)
    match message:
        case ChargeAccepted(attempt=attempt) if not known.runs(attempt):
            return _give_back_unexpected(known, message)
        case RefundDone(attempt=attempt) | RefundRefused(attempt=attempt) if refund := known.refund_of(attempt):
            return _after_refund(known, refund, message)
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
            return _pay_if_complete(learned)
        case InventoryReserved() if payment.reserved:
            return Nothing("the reservation is known")
        case InventoryReserved():
            return _pay_if_complete(_with(payment, reserved=True))
        case ChooseMethod(method=method, card_token=token):
            return _pay_if_complete(_with(payment, method=method, card_token=token))
        case InventoryReservationFailed() | OrderCancelled():
            return Change(_ended(payment, PaymentStatus.VOIDED))
        case WindowClosed() if payment.amount is None or not payment.reserved:
            # What it waits for may have been chosen to be paid long ago: an outage must not cancel it.
            return Nothing("payments does not know the order and its reservation yet")
        case WindowClosed():
            return _failed(payment, PaymentFailure.WINDOW_CLOSED)
        case _:
            return Nothing("no attempt runs")


def _pay_if_complete(payment: Payment) -> Decision[Payment]:
    if payment.amount is None or not payment.reserved or payment.method is None:
        return Change(payment)
    attempt = _with(
        payment, status=PaymentStatus.SUBMITTED, attempts=payment.attempts + 1, provider=None, reference=None
    )
    if payment.method is PaymentMethod.COD:
        return _accepted(attempt)
    event = PaymentSubmitted(
        order_id=attempt.order_id,
        payment_id=attempt.payment_id,
        attempt=attempt.attempts,
        amount=attempt.money,
        method=payment.method,
    )
    return Change(attempt, [event])


def _while_submitted(payment: Payment, message: Message) -> Decision[Payment]:
    match message:
        case AttemptSent(attempt=attempt) if attempt == payment.attempts and not payment.sent:
            sent = _with(payment, provider=message.provider, reference=message.reference, card_token=None)
            return Change(sent)
        case AttemptUnsent(attempt=attempt) if attempt == payment.attempts and not payment.sent:
            return _not_made(payment, message.reason)
        case ChargeAccepted(attempt=attempt) if attempt == payment.attempts:
            return _accepted(payment)
        case ChargeDeclined(attempt=attempt, reason=reason) if attempt == payment.attempts:
            return _declined(payment, reason)
        case ChargeEnded(attempt=attempt, order_over=over) if attempt == payment.attempts:
            return _not_made(_with(payment, cancelled=payment.cancelled or over), "the payment was called off")
        case OrderCancelled() if not payment.cancelled:
            return Change(_with(payment, cancelled=True))
        case WindowClosed() if not payment.window_closed:
            return Change(_with(payment, window_closed=True))
        case _:
            return Nothing("an attempt is running")


def _not_made(payment: Payment, reason: str) -> Decision[Payment]:
    """The attempt is over and took no money, but nobody declined it."""
    if payment.window_closed and not payment.cancelled:
        return _failed(payment, PaymentFailure.WINDOW_CLOSED)
    return _declined(payment, reason)


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
    payment = _with(payment, decline_reason=reason)
    if payment.cancelled:
        return Change(_ended(payment, PaymentStatus.VOIDED))
    if payment.attempts >= MAX_ATTEMPTS:
        return _failed(payment, PaymentFailure.DECLINED)
    if payment.window_closed:
        return _failed(payment, PaymentFailure.WINDOW_CLOSED)
    reopened = _with(payment, status=PaymentStatus.OPEN, method=None, card_token=None, provider=None, reference=None)
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
    match message:
        case RefundDone(attempt=payment.attempts):
            return Change(_with(payment, status=PaymentStatus.REFUNDED), [_refund_event(payment, message)])
        case RefundRefused(attempt=payment.attempts):
            return Change(_with(payment, status=PaymentStatus.REFUND_FAILED), [_refund_event(payment, message)])
        case _:
            return Nothing("a refund is running")


def _give_back_unexpected(payment: Payment, accepted: ChargeAccepted) -> Decision[Payment]:
    """Undo what was taken by an attempt that this payment does not wait for; the payment itself stays as it is."""
    if payment.attempts == 0:
        return Nothing("no attempt was made")
    if payment.status in PAID and accepted.attempt == payment.attempts:
        return Nothing("the acceptance is known")
    if payment.refund_of(accepted.attempt):
        return Nothing("its refund was requested")
    refund = Refund(attempt=accepted.attempt, provider=accepted.provider, reference=accepted.reference)
    event = RefundRequested(
        order_id=payment.order_id,
        payment_id=payment.payment_id,
        attempt=accepted.attempt,
        amount=payment.money,
        method=PaymentMethod.CARD,  # Cash is at no provider.
    )
    return Change(_with(payment, refunds=(*payment.refunds, refund)), [event])


def _after_refund(payment: Payment, refund: Refund, message: RefundDone | RefundRefused) -> Decision[Payment]:
    """What became of the refund of an attempt that the payment did not wait for."""
    if refund.status is not RefundStatus.REQUESTED:
        return Nothing(f"the refund is {refund.status}")
    status = RefundStatus.DONE if isinstance(message, RefundDone) else RefundStatus.REFUSED
    settled = refund.model_copy(update={"status": status})
    refunds = tuple(settled if each is refund else each for each in payment.refunds)
    return Change(_with(payment, refunds=refunds), [_refund_event(payment, message)])


def _refund_event(payment: Payment, message: RefundDone | RefundRefused) -> EventData:
    common: dict[str, Any] = {
        "order_id": payment.order_id,
        "payment_id": payment.payment_id,
        "user_email": payment.user_email,
        "amount": payment.money,
        "method": PaymentMethod.CARD,  # Cash is at no provider.
    }
    if isinstance(message, RefundDone):
        return PaymentRefunded(**common)
    return PaymentRefundFailed(**common, reason=message.reason)


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
