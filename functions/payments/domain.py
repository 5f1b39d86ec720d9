"""What may happen to a payment. Pure.

A payment is complete once three facts are known, in any order: the amount (OrderPlaced), the goods (InventoryReserved)
and the method (the shopper). A cash payment has then succeeded. For a card, the worker makes an attempt at a provider.
While an attempt runs, cancellation and the end of the window are only noted. They take effect once it has an outcome.

                     ┌───── declined, attempts left ─────┐
                     v                                   │
    (none) ───────> OPEN ──complete, by card──────> SUBMITTED ──accepted──> SUCCEEDED
                     │ │ └──complete, in cash──> SUCCEEDED  │  │               │
      window closed  │ │ cancelled, not reserved            │  │   cancelled: cash that was not collected
                     v v                                    │  │               v
                FAILED VOIDED <──declined or ended, cancelled─┘  └──> FAILED  VOIDED
                                                     declined: the last time, or window closed;
                                                     ended: window closed

The shopper's bank may have to be asked first: SUBMITTED ──challenge──> CHALLENGED, which ends in the same ways as
SUBMITTED. A challenge may never be answered: once the payment is not wanted any more, the provider has to end it.

A successful payment stays SUCCEEDED. Its refunds are for each return, and for what is left when the order is cancelled.

    refund: REQUESTED ──done by the provider──> DONE ──it failed there after all──┐
                │                                                                 v
                └───────────────refused for good──────────────────────────> TO_PAY_BY_HAND ──paid──> PAID_BY_HAND
            (cash: there is no provider) ─────────────────────────────────────────^

A charge that the shopper's bank disputes is taken from the shop until the bank has decided. Until then its refunds
wait; what is lost counts as given back, and of a refund only what is more than that is still owed.

    dispute: OPEN ──────> WON, LOST

The row says whether an attempt may have reached its provider: `reference` is written before money can move. Only an
attempt without a reference can be ended by payments alone. For any other, the provider's answer decides.

If a provider accepts an attempt that the payment does not wait for (another one, or after the payment's end), the money
of that attempt is refunded, and the payment stays as it is. Refunds never exceed what was charged or collected.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, computed_field

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.money import Money
from contract.fulfilment import ShipmentDelivered
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.orders import OrderCancelled, OrderPlaced, ReturnAccepted
from contract.payments import (
    ChargeCancellationRequested,
    PaymentCollected,
    PaymentDeclined,
    PaymentDisputeClosed,
    PaymentDisputed,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSubmitted,
    PaymentSucceeded,
    RefundRequested,
)
from contract.values import (
    CANCELLATION,
    ERASED,
    CodRefusal,
    DisputeOutcome,
    OrderStatus,
    PaymentFailure,
    PaymentMethod,
)

MAX_ATTEMPTS = 3


class PaymentStatus(StrEnum):
    """The status of a payment."""

    OPEN = "OPEN"
    SUBMITTED = "SUBMITTED"
    CHALLENGED = "CHALLENGED"
    SUCCEEDED = "SUCCEEDED"
    VOIDED = "VOIDED"
    FAILED = "FAILED"


class RefundStatus(StrEnum):
    """The status of a refund. PAID_BY_HAND is final, and so is DONE, unless the provider reports a failure later."""

    REQUESTED = "REQUESTED"
    DONE = "DONE"
    TO_PAY_BY_HAND = "TO_PAY_BY_HAND"
    PAID_BY_HAND = "PAID_BY_HAND"


class DisputeStatus(StrEnum):
    """The status of a dispute, from the shop's point of view."""

    OPEN = "OPEN"
    WON = "WON"
    LOST = "LOST"


CASH = "it was paid in cash"
"""The reason why no provider can make a refund."""


class Refund(Model):
    """A refund.

    Attributes:
        refund_id: what it is for: a return (its id), `cancellation`, or `attempt:2` that the payment did not wait for.
        amount: minor units of the payment's currency.
        attempt: the attempt whose money it is.
        provider: the provider that took the money; None for cash.
        reference: the provider's id of the attempt.
        requested_at: since when it is owed.
        reason: why it has to be paid by hand.
        paid_reference: reference of the transfer by which it was paid by hand.
        paid_by: user id of the member of staff who paid it.
    """

    refund_id: str
    amount: int
    attempt: int
    status: RefundStatus = RefundStatus.REQUESTED
    provider: str | None = None
    reference: str | None = None
    requested_at: datetime | None = None
    reason: str | None = None
    paid_reference: str | None = None
    paid_by: str | None = None

    @property
    def open(self) -> bool:
        """Whether it is still to be made or paid."""
        return self.status in (RefundStatus.REQUESTED, RefundStatus.TO_PAY_BY_HAND)

    @property
    def unexpected(self) -> bool:
        """Whether it refunds an attempt that the payment did not wait for."""
        return self.refund_id.startswith(_ATTEMPT)


_ATTEMPT = "attempt:"


class Dispute(Model):
    """A dispute: the shopper's bank takes back money of an attempt.

    Attributes:
        dispute_id: the provider's id of it.
        attempt: the attempt whose money it is.
        amount: minor units of the payment's currency.
        status: from the shop's point of view.
        reason: in the provider's words.
        reported_at: when payments received the report.
    """

    dispute_id: str
    attempt: int
    amount: int
    status: DisputeStatus
    reason: str
    reported_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it is not decided yet."""
        return self.status is DisputeStatus.OPEN


OPEN_REFUNDS = "OPEN"
"""Partition key of the index of payments with an open refund."""


class Owed(Model):
    """What is owed for a return, while it is not known yet how much cash was collected."""

    return_id: str
    amount: int


class Payment(Model):
    """A payment as it is stored.

    Attributes:
        amount: minor units of `currency`; None until OrderPlaced has arrived.
        reserved: whether InventoryReserved has arrived.
        method: the shopper's choice for the next or the running attempt.
        card_token: only until the attempt that needs it is at its provider.
        attempts: how many were submitted.
        provider: the provider of the running or latest attempt; None until it may have received it.
        reference: the provider's id of that attempt; written before the provider is asked to move money.
        challenge: what the browser needs to ask the shopper's bank; None if the bank need not be asked any more.
        decline_reason: of the latest declined attempt.
        window_closed: whether the window has closed, noted while an attempt runs.
        cancelled: whether the order was cancelled, likewise.
        collected: minor units of cash that the courier took, 0 included; None until that is known.
        refunds: in the order in which they were asked for.
        owed: returns that wait for the cash.
        disputes: in the order in which they were reported.
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
    challenge: Annotated[str | None, Field(repr=False)] = None
    decline_reason: str | None = None
    window_closed: bool = False
    cancelled: bool = False
    collected: int | None = None
    refunds: tuple[Refund, ...] = ()
    owed: tuple[Owed, ...] = ()
    disputes: tuple[Dispute, ...] = ()
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
        """Whether the attempt may still be made: neither a cancellation nor the window's end is noted."""
        return not (self.cancelled or self.window_closed)

    @property
    def sent(self) -> bool:
        """Whether the running or latest attempt may have moved money."""
        return self.reference is not None

    def is_submitted(self, attempt: int) -> bool:
        """Whether this attempt is SUBMITTED."""
        return self.status is PaymentStatus.SUBMITTED and self.attempts == attempt

    def runs(self, attempt: int) -> bool:
        """Whether this attempt is the running one."""
        return self.status in (PaymentStatus.SUBMITTED, PaymentStatus.CHALLENGED) and self.attempts == attempt

    @property
    def left(self) -> int:
        """Minor units that were charged or collected, less refunds and what was lost in disputes."""
        if self.status is not PaymentStatus.SUCCEEDED:
            return 0
        taken = self.collected if self.method is PaymentMethod.COD else self.amount
        given = sum(refund.amount for refund in self.refunds if not refund.unexpected)
        # A refund that waited for the dispute is still in the list with its original amount.
        return max(0, (taken or 0) - given - self.lost(self.attempts))

    def is_disputed(self, attempt: int) -> bool:
        """Whether a dispute about this attempt is not decided yet."""
        return any(dispute.open and dispute.attempt == attempt for dispute in self.disputes)

    def lost(self, attempt: int) -> int:
        """Minor units of this attempt that were lost in disputes, and so went back to the shopper."""
        return sum(
            dispute.amount
            for dispute in self.disputes
            if dispute.attempt == attempt and dispute.status is DisputeStatus.LOST
        )

    def owed_of(self, refund: Refund) -> int:
        """Minor units of a refund that a lost dispute has not paid already. The dispute pays earlier refunds first."""
        lost = self.lost(refund.attempt)
        if not lost:
            return refund.amount
        place = self.refunds.index(refund)
        others = sum(
            other.amount
            for index, other in enumerate(self.refunds)
            if other.attempt == refund.attempt
            and other is not refund
            and (index < place or other.status is not RefundStatus.REQUESTED)
        )
        return max(0, min(refund.amount, self.money.amount - lost - others))

    def dispute(self, dispute_id: str) -> Dispute | None:
        """The dispute with this id."""
        return next((dispute for dispute in self.disputes if dispute.dispute_id == dispute_id), None)

    @computed_field
    def open_refunds(self) -> str | None:
        """OPEN while a refund is open, which is the key of the index; None otherwise."""
        return OPEN_REFUNDS if any(refund.open for refund in self.refunds) else None

    @computed_field
    def open_refunds_since(self) -> datetime | None:
        """Since when a refund is open, as the sort key of that index."""
        return min(
            (refund.requested_at for refund in self.refunds if refund.open and refund.requested_at), default=None
        )

    def refund(self, refund_id: str) -> Refund | None:
        """The refund with this id."""
        return next((refund for refund in self.refunds if refund.refund_id == refund_id), None)

    def refund_key(self, refund: Refund) -> str:
        """The provider's idempotency key of a refund."""
        return f"{self.payment_id}:refund:{refund.refund_id}"

    def money_of(self, refund: Refund) -> Money:
        """The amount of a refund."""
        return Money(amount=refund.amount, currency=self.money.currency)


@dataclass(frozen=True)
class ChooseMethod:
    """The shopper chooses how to pay. `card_token` stands for a card."""

    method: PaymentMethod
    card_token: str | None = None


@dataclass(frozen=True)
class WindowClosed:
    """The payment window of the reservation has closed."""


@dataclass(frozen=True)
class AttemptSent:
    """The provider has created this attempt, and has not been asked to move money yet."""

    attempt: int
    provider: str
    reference: str


@dataclass(frozen=True)
class AttemptUnsent:
    """No provider was, or will be, asked to make this attempt. It is valid only if the row has no reference."""

    attempt: int
    reason: str


@dataclass(frozen=True)
class ChargeChallenged:
    """The shopper's bank has to be asked before this attempt takes money.

    Attributes:
        attempt: its number.
        challenge: what the browser needs for that.
    """

    attempt: int
    challenge: str = field(repr=False)


@dataclass(frozen=True)
class ChargeAccepted:
    """The provider accepted this attempt. `reference` is the provider's id of it."""

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
        attempt: its number.
        order_over: whether the order, which was read for this, can no longer be paid.
    """

    attempt: int
    order_over: bool


@dataclass(frozen=True)
class RefundDone:
    """The provider made the refund.

    Attributes:
        amount: refunded minor units: less than requested if a dispute had given back the rest.
    """

    refund_id: str
    amount: int


@dataclass(frozen=True)
class RefundRefused:
    """The provider refuses the refund, or reports that it has failed after all."""

    refund_id: str
    reason: str


@dataclass(frozen=True)
class RefundPaid:
    """Staff have paid the refund by hand.

    Attributes:
        reference: of the transfer, or of the receipt.
        by: user id of the member of staff.
    """

    refund_id: str
    reference: str
    by: str


@dataclass(frozen=True)
class DisputeReported:
    """The present state of a dispute at the provider.

    Attributes:
        dispute: as the provider reports it.
    """

    dispute: Dispute


type Message = (
    EventData
    | ChooseMethod
    | WindowClosed
    | AttemptSent
    | AttemptUnsent
    | ChargeChallenged
    | ChargeAccepted
    | ChargeDeclined
    | ChargeEnded
    | RefundDone
    | RefundRefused
    | RefundPaid
    | DisputeReported
)


def payment_id_of(order_id: str) -> str:
    """The id of an order's payment. It is derived from the order's id, as each order has one payment."""
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
    """Decide what `message` changes in the payment of the order.

    Args:
        payment: as it is now; None if payments has received nothing about the order.
        message: an event that a consumer subscribes to, or a command.
        context: its subject is the order.
    """
    order_id = context.subject
    known = payment or Payment(payment_id=payment_id_of(order_id), order_id=order_id, created_at=context.now)
    decision = _decided(known, message)
    if isinstance(decision, Nothing):
        return decision
    # A new refund is owed from now on, and a new dispute known.
    refunds = tuple(
        refund if refund.requested_at else refund.model_copy(update={"requested_at": context.now})
        for refund in decision.state.refunds
    )
    disputes = tuple(
        dispute if dispute.reported_at else dispute.model_copy(update={"reported_at": context.now})
        for dispute in decision.state.disputes
    )
    return Change(_with(decision.state, refunds=refunds, disputes=disputes), decision.events)


def _decided(known: Payment, message: Message) -> Decision[Payment]:
    match message:
        case ChargeAccepted(attempt=attempt) if not known.runs(attempt):
            return _give_back_unexpected(known, message)
        case RefundDone() | RefundRefused() | RefundPaid():
            return _refunded(known, message)
        case DisputeReported(dispute=dispute):
            return _disputed(known, dispute)
    match known.status:
        case PaymentStatus.OPEN:
            return _while_open(known, message)
        case PaymentStatus.SUBMITTED:
            return _while_submitted(known, message)
        case PaymentStatus.CHALLENGED:
            return _while_challenged(known, message)
        case PaymentStatus.SUCCEEDED:
            return _once_succeeded(known, message)
        case _:
            return Nothing(f"the payment is {known.status}")


def _while_open(payment: Payment, message: Message) -> Decision[Payment]:
    match message:
        case OrderPlaced() if payment.amount is not None:
            return Nothing("the amount is known")
        case OrderPlaced(total=total):
            # A method that the shopper has chosen since is newer than the one chosen at checkout.
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
            # After an outage, the payment may be complete once these events arrive: the window must not cancel it.
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
    return Change(attempt, [_submitted_event(attempt)])


def _while_submitted(payment: Payment, message: Message) -> Decision[Payment]:
    match message:
        case AttemptSent(attempt=attempt) if attempt == payment.attempts and not payment.sent:
            sent = _with(payment, provider=message.provider, reference=message.reference, card_token=None)
            return Change(sent)
        case AttemptUnsent(attempt=attempt) if attempt == payment.attempts and not payment.sent:
            return _not_made(payment, message.reason)
        case ChargeChallenged(attempt=attempt, challenge=challenge) if attempt == payment.attempts:
            challenged = _with(payment, status=PaymentStatus.CHALLENGED)
            if payment.wanted:
                return Change(_with(challenged, challenge=challenge))
            return Change(challenged, [_cancellation_event(challenged)])
        case OrderCancelled() if not payment.cancelled:
            return Change(_with(payment, cancelled=True))
        case WindowClosed() if not payment.window_closed:
            return Change(_with(payment, window_closed=True))
        case _:
            return _once_answered(payment, message)


def _while_challenged(payment: Payment, message: Message) -> Decision[Payment]:
    match message:
        case OrderCancelled() if not payment.cancelled:
            return _no_longer_wanted(payment, cancelled=True)
        case WindowClosed() if not payment.window_closed:
            return _no_longer_wanted(payment, window_closed=True)
        case _:
            return _once_answered(payment, message)


def _no_longer_wanted(payment: Payment, **remembered: bool) -> Change[Payment]:
    """Request that the provider ends the challenge. It is requested once, even if a second reason follows."""
    called_off = _with(payment, challenge=None, **remembered)
    return Change(called_off, [_cancellation_event(called_off)] if payment.wanted else [])


def _once_answered(payment: Payment, message: Message) -> Decision[Payment]:
    """Decide on the provider's answer to the running attempt."""
    match message:
        case ChargeAccepted(attempt=attempt) if attempt == payment.attempts:
            # The provider that reports the charge is the one to refund it.
            return _accepted(_with(payment, provider=message.provider, reference=message.reference))
        case ChargeDeclined(attempt=attempt, reason=reason) if attempt == payment.attempts:
            return _declined(payment, reason)
        case ChargeEnded(attempt=attempt, order_over=over) if attempt == payment.attempts:
            return _not_made(_with(payment, cancelled=payment.cancelled or over), "the payment was called off")
        case _:
            return Nothing("an attempt is running")


def _not_made(payment: Payment, reason: str) -> Decision[Payment]:
    """The attempt has ended without taking money and without being declined."""
    if payment.window_closed and not payment.cancelled:
        return _failed(payment, PaymentFailure.WINDOW_CLOSED)
    return _declined(payment, reason)


def _accepted(payment: Payment) -> Decision[Payment]:
    succeeded = _with(payment, status=PaymentStatus.SUCCEEDED, card_token=None, challenge=None)
    if payment.cancelled:
        return _give_all_back(succeeded)
    return Change(succeeded, [_succeeded_event(succeeded)])


def _declined(payment: Payment, reason: str) -> Decision[Payment]:
    payment = _with(payment, decline_reason=reason)
    if payment.cancelled:
        return Change(_ended(payment, PaymentStatus.VOIDED))
    if payment.attempts >= MAX_ATTEMPTS:
        return _failed(payment, PaymentFailure.DECLINED)
    if payment.window_closed:
        return _failed(payment, PaymentFailure.WINDOW_CLOSED)
    forgotten = dict.fromkeys(("method", "card_token", "challenge", "provider", "reference"))
    reopened = _with(payment, status=PaymentStatus.OPEN, **forgotten)
    event = PaymentDeclined(
        order_id=payment.order_id,
        payment_id=payment.payment_id,
        attempt=payment.attempts,
        max_attempts=MAX_ATTEMPTS,
        reason=reason,
    )
    return Change(reopened, [event])


def _once_succeeded(payment: Payment, message: Message) -> Decision[Payment]:
    match message:
        case OrderCancelled():
            return _give_all_back(payment)
        case ShipmentDelivered(cash=Money() as cash) if payment.method is PaymentMethod.COD:
            return _collected(payment, cash)
        case ReturnAccepted() if payment.refund(message.return_id) or _is_owed(payment, message.return_id):
            return Nothing("the refund was requested")
        case ReturnAccepted(amount=amount):
            owed = Owed(return_id=message.return_id, amount=amount.amount)
            if payment.method is PaymentMethod.COD and payment.collected is None:
                # The refund depends on how much cash was collected.
                return Change(_with(payment, owed=(*payment.owed, owed)))
            return _given_back(payment, [owed])
        case _:
            return Nothing(f"the payment is {payment.status}")


def _is_owed(payment: Payment, return_id: str) -> bool:
    return any(owed.return_id == return_id for owed in payment.owed)


def _collected(payment: Payment, cash: Money) -> Decision[Payment]:
    """The courier's cash. It is noted once: 0 is as final as any other amount."""
    if payment.collected is not None:
        return Nothing("the cash is known")
    collected = _with(payment, collected=cash.amount, owed=())
    given_back = _given_back(collected, payment.owed)
    return Change(given_back.state, [_collected_event(collected), *given_back.events])


def _give_all_back(payment: Payment) -> Decision[Payment]:
    """Refund all that is left of a successful payment. Cash that is not collected yet needs no refund."""
    if payment.method is PaymentMethod.COD and payment.collected is None:
        return Change(_ended(payment, PaymentStatus.VOIDED))
    if payment.refund(CANCELLATION) or payment.left == 0:
        return Nothing("there is nothing left to give back")
    return _given_back(payment, [Owed(return_id=CANCELLATION, amount=payment.left)])


def _given_back(payment: Payment, owed: Sequence[Owed]) -> Change[Payment]:
    """Request a refund for each, together never more than is left."""
    events: list[EventData] = []
    for each in owed:
        cash = payment.method is PaymentMethod.COD
        amount = min(each.amount, payment.left)
        refund = Refund(
            refund_id=each.return_id,
            amount=amount,
            attempt=payment.attempts,
            provider=None if cash else payment.provider,
            reference=None if cash else payment.reference,
        )
        if amount == 0:
            refund = refund.model_copy(update={"status": RefundStatus.DONE})
        elif cash:
            refund = refund.model_copy(update={"status": RefundStatus.TO_PAY_BY_HAND, "reason": CASH})
            events.append(_by_hand_event(payment, refund))
        else:
            events.append(_refund_event(payment, refund))
        payment = _with(payment, refunds=(*payment.refunds, refund))
    return Change(payment, events)


def _give_back_unexpected(payment: Payment, accepted: ChargeAccepted) -> Decision[Payment]:
    """Refund an attempt that this payment does not wait for. The payment itself stays as it is."""
    if payment.attempts == 0:
        return Nothing("no attempt was made")
    if payment.status is PaymentStatus.SUCCEEDED and accepted.attempt == payment.attempts:
        return Nothing("the acceptance is known")
    refund_id = f"{_ATTEMPT}{accepted.attempt}"
    if payment.refund(refund_id):
        return Nothing("its refund was requested")
    refund = Refund(
        refund_id=refund_id,
        amount=payment.money.amount,
        attempt=accepted.attempt,
        provider=accepted.provider,
        reference=accepted.reference,
    )
    return Change(_with(payment, refunds=(*payment.refunds, refund)), [_refund_event(payment, refund)])


def _refunded(payment: Payment, message: RefundDone | RefundRefused | RefundPaid) -> Decision[Payment]:
    """Decide on the outcome of a refund."""
    refund = payment.refund(message.refund_id)
    if refund is None:
        return Nothing("there is no such refund")
    match message, refund.status:
        case RefundDone(amount=amount), RefundStatus.REQUESTED:
            return _settled(payment, refund, status=RefundStatus.DONE, amount=amount)
        case RefundRefused(reason=reason), (RefundStatus.REQUESTED | RefundStatus.DONE) if refund.amount:
            # A provider may report a refund as done, and days later that the card did not accept it.
            owed = payment.owed_of(refund)
            status = RefundStatus.TO_PAY_BY_HAND if owed else RefundStatus.DONE
            return _settled(payment, refund, status=status, amount=owed, reason=reason)
        case RefundPaid(), RefundStatus.TO_PAY_BY_HAND if payment.is_disputed(refund.attempt):
            return Nothing("the charge is disputed")
        case RefundPaid(reference=reference, by=by), RefundStatus.TO_PAY_BY_HAND:
            return _settled(payment, refund, status=RefundStatus.PAID_BY_HAND, paid_reference=reference, paid_by=by)
        case _:
            return Nothing(f"the refund is {refund.status}")


def can_be_paid_by_hand(payment: Payment, refund: Refund, now: datetime) -> bool:
    """Whether staff may note now that they have paid a refund: the rule itself is asked."""
    context = Context(payment.order_id, "", now)
    return isinstance(decide(payment, RefundPaid(refund.refund_id, "", ""), context), Change)


def _settled(payment: Payment, refund: Refund, **changes: Any) -> Change[Payment]:
    after = refund.model_copy(update=changes)
    refunds = tuple(after if each is refund else each for each in payment.refunds)
    events: list[EventData] = []
    if after.status is RefundStatus.TO_PAY_BY_HAND:
        events.append(_by_hand_event(payment, after))
    elif after.amount:
        events.append(_refunded_event(payment, after))
    return Change(_with(payment, refunds=refunds), events)


def _disputed(payment: Payment, dispute: Dispute) -> Decision[Payment]:
    """A dispute is opened or decided. If its decision is the first report about it, both events are published."""
    known = payment.dispute(dispute.dispute_id)
    if known and (dispute.open or not known.open):
        return Nothing(f"the dispute is {known.status}")
    others = tuple(each for each in payment.disputes if each is not known)
    payment = _with(payment, disputes=(*others, dispute))
    events: list[EventData] = [] if known else [_disputed_event(payment, dispute)]
    if dispute.open:
        return Change(payment, events)
    payment = _with(payment, refunds=tuple(_less_what_was_lost(payment, refund) for refund in payment.refunds))
    events.append(_dispute_closed_event(payment, dispute))
    # These refunds have waited for the decision. What is still owed of each is computed when it is made.
    waiting = [each for each in payment.refunds if each.status is RefundStatus.REQUESTED]
    events += [_refund_event(payment, refund) for refund in waiting if not payment.is_disputed(refund.attempt)]
    return Change(payment, events)


def _less_what_was_lost(payment: Payment, refund: Refund) -> Refund:
    """The refund, reduced by what the shopper's bank has given back."""
    owed = payment.owed_of(refund)
    if refund.status is not RefundStatus.TO_PAY_BY_HAND or owed == refund.amount:
        return refund
    return refund.model_copy(update={"amount": owed, **({} if owed else {"status": RefundStatus.DONE})})


# --- events -------------------------------------------------------------------------------------------------------


def _about(payment: Payment) -> dict[str, Any]:
    return {"order_id": payment.order_id, "payment_id": payment.payment_id}


def _about_refund(payment: Payment, refund: Refund) -> dict[str, Any]:
    return {
        **_about(payment),
        "refund_id": refund.refund_id,
        "amount": payment.money_of(refund),
        # A refund without a provider is of cash.
        "method": PaymentMethod.CARD if refund.provider else PaymentMethod.COD,
    }


def _submitted_event(payment: Payment) -> PaymentSubmitted:
    return PaymentSubmitted(**_about(payment), attempt=payment.attempts, amount=payment.money, method=_method(payment))


def _cancellation_event(payment: Payment) -> ChargeCancellationRequested:
    return ChargeCancellationRequested(**_about(payment), attempt=payment.attempts)


def _succeeded_event(payment: Payment) -> PaymentSucceeded:
    return PaymentSucceeded(**_about(payment), attempt=payment.attempts, amount=payment.money, method=_method(payment))


def _collected_event(payment: Payment) -> PaymentCollected:
    amount = Money(amount=payment.collected or 0, currency=payment.money.currency)
    return PaymentCollected(**_about(payment), amount=amount, due=payment.money)


def _refund_event(payment: Payment, refund: Refund) -> RefundRequested:
    return RefundRequested(**_about_refund(payment, refund), attempt=refund.attempt)


def _refunded_event(payment: Payment, refund: Refund) -> PaymentRefunded:
    return PaymentRefunded(
        **_about_refund(payment, refund), user_email=payment.user_email or "", reference=refund.paid_reference
    )


def _about_dispute(payment: Payment, dispute: Dispute) -> dict[str, Any]:
    money = Money(amount=dispute.amount, currency=payment.money.currency)
    return {**_about(payment), "dispute_id": dispute.dispute_id, "attempt": dispute.attempt, "amount": money}


def _disputed_event(payment: Payment, dispute: Dispute) -> PaymentDisputed:
    return PaymentDisputed(**_about_dispute(payment, dispute), reason=dispute.reason)


def _dispute_closed_event(payment: Payment, dispute: Dispute) -> PaymentDisputeClosed:
    return PaymentDisputeClosed(**_about_dispute(payment, dispute), outcome=DisputeOutcome(dispute.status))


def _by_hand_event(payment: Payment, refund: Refund) -> PaymentRefundFailed:
    return PaymentRefundFailed(
        **_about_refund(payment, refund), user_email=payment.user_email or "", reason=refund.reason or ""
    )


def awaited(payment: Payment) -> tuple[EventData, ...]:
    """The events that a consumer may still wait for while the payment is in this state."""
    events: list[EventData] = []
    match payment.status:
        case PaymentStatus.SUBMITTED:
            events.append(_submitted_event(payment))
        case PaymentStatus.CHALLENGED if not payment.wanted:
            events.append(_cancellation_event(payment))
        case PaymentStatus.SUCCEEDED:
            events.append(_succeeded_event(payment))
            if payment.collected is not None:
                events.append(_collected_event(payment))
        case _:
            pass
    for refund in payment.refunds:
        match refund.status:
            case RefundStatus.REQUESTED:
                events.append(_refund_event(payment, refund))
            case RefundStatus.TO_PAY_BY_HAND:
                events.append(_by_hand_event(payment, refund))
            case _ if refund.amount:
                events.append(_refunded_event(payment, refund))
            case _:
                pass
    for dispute in payment.disputes:
        events.append(_disputed_event(payment, dispute))
        if not dispute.open:
            events.append(_dispute_closed_event(payment, dispute))
    return tuple(events)


def _failed(payment: Payment, reason: PaymentFailure) -> Decision[Payment]:
    event = PaymentFailed(order_id=payment.order_id, payment_id=payment.payment_id, reason=reason)
    return Change(_ended(payment, PaymentStatus.FAILED), [event])


def _ended(payment: Payment, status: PaymentStatus) -> Payment:
    return _with(payment, status=status, card_token=None, challenge=None)


def _method(payment: Payment) -> PaymentMethod:
    if payment.method is None:
        raise ValueError(f"payment {payment.payment_id} has no method")
    return payment.method


def _with(payment: Payment, **changes: Any) -> Payment:
    return payment.model_copy(update=changes)


# --- somebody leaves ----------------------------------------------------------------------------------------------


def erased(payment: Payment | None, context: Context) -> Decision[Payment]:
    """The payment without its person; its amounts, refunds and references are what the law wants kept.

    Nothing is awaited of the order any more. So what is open here, or not there at all, only waits for an event that is
    late, or lies among the dead letters: a tombstone does not learn from it whose order it was.

    Args:
        payment: None where payments has heard nothing of the order.
        context: its subject is the order.
    """
    if payment is None:
        payment = Payment(payment_id=payment_id_of(context.subject), order_id=context.subject, created_at=context.now)
    elif payment.user_email == ERASED:
        return Nothing("the person is erased")
    status = PaymentStatus.VOIDED if payment.status is PaymentStatus.OPEN else payment.status
    changes = {"user_email": ERASED, "status": status, "card_token": None, "challenge": None}
    return Change(payment.model_copy(update=changes), forgets=True)
