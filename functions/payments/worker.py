"""The worker that calls the providers, so that a slow one blocks no other consumer.

It acts only while the event's attempt is the row's running one, and reads the row and the order before money can move.
The provider's reference is written to the row before that:

    create ──> reference in the row ──> the order? ──> confirm ──> answer in the row
      │               │                                   │
    dies here:      dies here: the next delivery        dies here, or no answer: the next delivery confirms the same
    nothing moved   confirms what is in the row         reference, and gets the answer that was given

"Not found" proves nothing: a request may reach the provider after its time-out. If an attempt that may have been made
is no longer wanted, the worker has the provider end it, and takes the provider's answer:

    confirm ──(no answer)──> cancelled ──> cancel ──> ended: nothing will be taken ──────> VOIDED
            └── lands before ────────────────────────> accepted: taken, and given back ──> SUCCEEDED, refund
            └── lands afterwards: the tombstone refuses it

The shopper's bank answers a challenge, and the provider reports that later, as an event, or never. It also reports
failed refunds and disputes. The worker reads the reported facts from the provider.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from cloudretail.batch import ConsumerSettings
from cloudretail.breaker import Breaker
from cloudretail.consumer import Consumer, Delivery, one_by_one
from cloudretail.decider import Change, Nothing, Result
from cloudretail.envelope import Event
from cloudretail.errors import Permanent
from cloudretail.failure_log import DynamoDBFailureRows
from cloudretail.money import Money
from cloudretail.repository import ReadOnce, ReadOnly, Repository
from cloudretail.settings import load
from cloudretail.telemetry import count
from contract.payments import (
    AttemptReported,
    ChargeCancellationRequested,
    PaymentDisputed,
    PaymentRefundFailed,
    PaymentSubmitted,
    RefundRequested,
)
from payments.domain import (
    AttemptSent,
    AttemptUnsent,
    ChargeAccepted,
    ChargeChallenged,
    ChargeDeclined,
    ChargeEnded,
    Dispute,
    DisputeReported,
    DisputeStatus,
    Message,
    Payment,
    Refund,
    RefundDone,
    RefundRefused,
    RefundStatus,
    payment_id_of,
)
from payments.gateways import GATEWAYS
from payments.providers import (
    Accepted,
    Answer,
    Challenged,
    Ended,
    GivenBack,
    GuardedProvider,
    Pending,
    Provider,
    ProviderTimeout,
    ReadOnlyProvider,
    Refused,
    ReportedDispute,
)
from payments.reactions import apply, apply_all
from payments.store import WorkerSettings, is_payable, open_payments


@dataclass(frozen=True)
class Gateways:
    """The providers of this stage.

    Attributes:
        cards: name of the provider for new attempts by card; None if there is none.
        by_name: all configured providers. Each makes the refunds of its own charges, whichever gets new attempts.
    """

    cards: str | None
    by_name: Mapping[str, Provider]

    @classmethod
    def of(cls, settings: WorkerSettings) -> "Gateways":
        """The providers that the environment names."""
        opened = {name: open_gateway() for name, open_gateway in GATEWAYS.items()}
        return cls(settings.card_gateway, {name: provider for name, provider in opened.items() if provider})

    def named(self, name: str | None) -> Provider:
        """The provider with this name; raises Permanent if this stage has none, which needs an operator."""
        if name is None or name not in self.by_name:
            raise Permanent(f"this stage has no payment provider {name}")
        return self.by_name[name]


type Said = ChargeAccepted | ChargeDeclined | ChargeEnded | ChargeChallenged
"""The message that a provider's answer leads to."""

type IsPayable = Callable[[str], bool]
"""Whether the order with this id still waits for its payment, by a consistent read."""


@dataclass(frozen=True)
class Ports:
    """The ports of the worker.

    Attributes:
        payments: the repository of payments.
        is_payable: reads whether an order still waits for its payment.
        gateways: the providers.
    """

    payments: Repository[Payment]
    is_payable: IsPayable
    gateways: Gateways


def work(ports: Ports, delivery: Delivery, now: datetime) -> Result[Payment]:
    """Carry out what the event requests, if the payment still waits for it.

    Raises:
        Transient: the provider cannot be reached or did not answer in time.
        Permanent: this stage does not have the provider that took the money, or there is no such order.
    """
    event = delivery.event
    # Rows are read for each message anew, and not for the batch, so that little time passes between read and charge.
    ports = replace(ports, payments=ReadOnce(ports.payments))
    if isinstance(event.data, AttemptReported):
        return _take_report(ports, event, event.data, now)
    row = ports.payments.load(payment_id_of(event.data.subject))
    payment = row.state if row else None
    match event.data, payment:
        case PaymentSubmitted(attempt=attempt), Payment() if payment.is_submitted(attempt):
            return _attempt(ports, event, payment, now)
        case ChargeCancellationRequested(attempt=attempt), Payment() if payment.runs(attempt):
            return apply(ports.payments, event, _call_off(ports, payment), now).decision
        case RefundRequested(refund_id=refund_id), Payment() if refund := _waiting(payment, refund_id):
            became = _refund(payment, refund, ports.gateways)
            if became is None:
                return Nothing("the provider, or the shopper's bank, has not decided yet")
            return apply(ports.payments, event, became, now).decision
        case _:
            return Nothing("the payment does not wait for this")


def _attempt(ports: Ports, event: Event, payment: Payment, now: datetime) -> Result[Payment]:
    attempt = payment.attempts
    if not payment.sent:
        settled = apply(ports.payments, event, _send(payment, ports.gateways), now)
        # Another worker may have been faster: then its reference, or the end of the attempt, counts.
        if settled.state is None or not settled.state.runs(attempt) or not settled.state.sent:
            return settled.decision
        payment = settled.state
    return apply(ports.payments, event, _charge(payment, ports.is_payable, ports.gateways), now).decision


def _send(payment: Payment, gateways: Gateways) -> AttemptSent | AttemptUnsent:
    """Create the attempt at the provider, without moving money."""
    if not payment.wanted:
        return AttemptUnsent(payment.attempts, "it was cancelled")
    if gateways.cards is None or payment.card_token is None:
        return AttemptUnsent(payment.attempts, "cards are not taken here")
    provider = gateways.named(gateways.cards)
    reference = provider.create(payment.attempt_key, payment.money, payment.card_token)
    return AttemptSent(payment.attempts, gateways.cards, reference)


def _charge(payment: Payment, is_payable: IsPayable, gateways: Gateways) -> Said:
    """Confirm the attempt with the row's reference, or have it ended if it is not wanted any more."""
    provider, reference = gateways.named(payment.provider), payment.reference
    assert payment.provider, "a provider has taken the attempt in"
    assert reference, "the provider has named it"
    # The order itself is read last: its cancellation may still be on its way to payments.
    if payment.wanted and is_payable(payment.order_id):
        answer = _final(provider, reference, _confirm(provider, reference))
    else:
        answer = provider.cancel(reference)
    return _said(payment, answer, is_payable)


def _said(payment: Payment, answer: Answer, is_payable: IsPayable) -> Said:
    """The message to the payment that an answer to the running attempt leads to."""
    attempt = payment.attempts
    assert payment.provider, "a provider has taken the attempt in"
    assert payment.reference, "the provider has named it"
    match answer:
        case Accepted():
            return _accepted(payment, answer, attempt, payment.provider, payment.reference)
        case Refused(reason=reason):
            return ChargeDeclined(attempt, reason)
        case Ended():
            return ChargeEnded(attempt, order_over=not is_payable(payment.order_id))
        case Challenged(challenge=challenge):
            return ChargeChallenged(attempt, challenge)


def _accepted(payment: Payment, answer: Accepted, attempt: int, provider: str, reference: str) -> ChargeAccepted:
    """The message that an attempt was accepted; raises Permanent if another amount was charged than requested."""
    if answer.amount is not None and answer.amount != payment.money:
        raise Permanent(f"{provider} took {answer.amount} by {reference}, in place of {payment.money}")
    return ChargeAccepted(attempt, provider, reference)


def _call_off(ports: Ports, payment: Payment) -> Said:
    """Have the provider end the running attempt. If it was answered in the meantime, the answer counts."""
    provider = ports.gateways.named(payment.provider)
    assert payment.reference, "the provider has named it"
    return _said(payment, provider.cancel(payment.reference), ports.is_payable)


def _take_report(ports: Ports, event: Event, report: AttemptReported, now: datetime) -> Result[Payment]:
    """Read the outcomes of an attempt, its refunds and its disputes from the provider.

    Reports may come twice, late, and in any order.
    """
    provider, reference = ports.gateways.named(report.provider), report.reference
    key = provider.key_of(reference)
    if key is None:
        return Nothing("it is none of the shop's attempts")
    payment_id, _, number = key.rpartition(":")
    attempt = int(number)
    row = ports.payments.load(payment_id)
    if row is None:
        raise Permanent(f"the provider knows an attempt of {payment_id}, and payments does not")
    payment, answer = row.state, provider.find(reference)
    said: list[Message] = []
    if isinstance(answer, Accepted):
        # An acceptance always counts: it is the money of the running attempt, or has to be refunded.
        said.append(_accepted(payment, answer, attempt, report.provider, reference))
        refunds = [refund for refund in payment.refunds if refund.reference == reference]
        said += [became for refund in refunds if (became := _became(provider, payment, refund))]
        said += [_dispute(attempt, each) for each in provider.disputes(reference)]
    elif answer and not isinstance(answer, Challenged) and payment.runs(attempt) and payment.reference == reference:
        said.append(_said(payment, _final(provider, reference, answer), ports.is_payable))
    if not said:
        return Nothing("the payment does not wait for this")
    return apply_all(ports.payments, event, said, now, order_id=payment.order_id).decision


def _became(provider: Provider, payment: Payment, refund: Refund) -> RefundDone | RefundRefused | None:
    """The outcome of a requested refund at the provider; None if there is none yet."""
    assert refund.reference, "what was accepted has a reference"
    match provider.find_refund(payment.refund_key(refund), refund.reference):
        case GivenBack(amount=amount):
            return RefundDone(refund.refund_id, amount)
        case Refused(reason=reason):
            return RefundRefused(refund.refund_id, reason)
        case _:
            return None


def _dispute(attempt: int, reported: ReportedDispute) -> DisputeReported:
    status = {None: DisputeStatus.OPEN, True: DisputeStatus.WON, False: DisputeStatus.LOST}[reported.won]
    return DisputeReported(
        Dispute(
            dispute_id=reported.dispute_id,
            attempt=attempt,
            amount=reported.amount.amount,
            status=status,
            reason=reported.reason,
        )
    )


def _final(provider: Provider, reference: str, answer: Answer) -> Answer:
    """The final answer to an attempt. A refused attempt is ended first: otherwise a browser with its challenge could
    ask the bank again, and the attempt could be accepted beside the next one.
    """
    if not isinstance(answer, Refused):
        return answer
    ended = provider.cancel(reference)
    return answer if isinstance(ended, Ended) else ended


def _confirm(provider: Provider, reference: str) -> Answer:
    try:
        return provider.confirm(reference)
    except ProviderTimeout:
        answer = provider.find(reference)
        if answer is None:
            raise
        return answer


def _waiting(payment: Payment, refund_id: str) -> Refund | None:
    """The refund with this id, if the provider still has to make it."""
    refund = payment.refund(refund_id)
    return refund if refund and refund.status is RefundStatus.REQUESTED else None


def _refund(payment: Payment, refund: Refund, gateways: Gateways) -> RefundDone | RefundRefused | None:
    """Make a refund at the provider that charged the money; None if it has to wait, and a report follows.

    The provider is first asked for this refund: once it has forgotten the key, it would refuse to make it again. While
    a charge is disputed, nothing is refunded, as the shopper's bank has the money.
    """
    provider, key = gateways.named(refund.provider), payment.refund_key(refund)
    assert refund.reference, "what was accepted has a reference"
    answer = provider.find_refund(key, refund.reference)
    if answer is None:
        owed = payment.owed_of(refund)
        if payment.is_disputed(refund.attempt):
            return None
        if not owed:
            return RefundDone(refund.refund_id, 0)
        answer = provider.refund(key, refund.reference, Money(amount=owed, currency=payment.money.currency))
    match answer:
        case GivenBack(amount=amount):
            return RefundDone(refund.refund_id, amount)
        case Refused(reason=reason):
            return RefundRefused(refund.refund_id, reason)
        case Pending():
            return None


@cache
def _settings() -> WorkerSettings:
    return load(WorkerSettings)


@cache
def _gateways() -> Gateways:
    return Gateways.of(_settings())


def _is_payable(order_id: str) -> bool:
    return is_payable(_settings().orders_table, order_id)


@cache
def _guarded() -> Gateways:
    """The providers, each behind a breaker of its own: while one is unavailable, the others and cash go on."""
    gateways, rows = _gateways(), DynamoDBFailureRows(load(ConsumerSettings).failures_table)
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    behind = {
        name: GuardedProvider(provider, Breaker(rows, CONSUMER.name, name, function))
        for name, provider in gateways.by_name.items()
    }
    return Gateways(gateways.cards, behind)


def _ports() -> Ports:
    return Ports(open_payments(), _is_payable, _guarded())


def _read_only() -> Ports:
    gateways = _gateways()
    asked = {name: ReadOnlyProvider(provider) for name, provider in gateways.by_name.items()}
    return Ports(ReadOnly(open_payments()), _is_payable, Gateways(gateways.cards, asked))


def _count_surprises(delivery: Delivery, result: Result[Any], now: datetime) -> None:
    """Count what staff have to know: a charge that no payment waited for, a refund that a provider refused, and a
    disputed charge. Refunds of cash, which are always paid by hand, are not counted.

    Their alarms are in the template.
    """
    del delivery, now
    if not isinstance(result, Change):
        return
    for event in result.events:
        if isinstance(event, RefundRequested) and result.state.refund(event.refund_id).unexpected:
            count("UnexpectedCharge")
        if isinstance(event, PaymentRefundFailed):
            count("RefundRefused")
        if isinstance(event, PaymentDisputed):
            count("ChargeDisputed")


CONSUMER = Consumer(
    name="payment-worker",
    subscribes_to=(PaymentSubmitted, ChargeCancellationRequested, AttemptReported, RefundRequested),
    react=one_by_one(work),
    ports=_ports,
    read_only=_read_only,
    observe=_count_surprises,
)
handler = CONSUMER.handler
