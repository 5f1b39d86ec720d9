"""The worker that talks to the providers, so that a slow one holds up nobody.

It acts only while the row is in the attempt that the event tells of, and asks `find` before it charges or refunds
wherever an earlier delivery may have done so already: the provider's answer is then lost, but never the money.

    delivery 1   charge ──(time-out)──> find: not known ──> failure, comes again
    delivery 2   find: accepted ──> PaymentSucceeded                          (charged once)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from cloudretail.consumer import Consumer, Delivery, one_by_one
from cloudretail.decider import Nothing, Result
from cloudretail.errors import Permanent
from cloudretail.repository import ReadOnce, ReadOnly, Repository
from cloudretail.settings import load
from contract.payments import PaymentSubmitted, RefundRequested
from contract.values import PaymentMethod
from payments.domain import (
    ChargeAccepted,
    ChargeDeclined,
    Payment,
    PaymentStatus,
    RefundDone,
    RefundRefused,
    payment_id_of,
)
from payments.providers import Accepted, CashOnDelivery, Provider, ProviderTimeout, ReadOnlyProvider, Sandbox
from payments.reactions import apply
from payments.store import WorkerSettings, open_payments

OLD = timedelta(days=1)
"""Of an older message (a replay, say) nobody knows what has happened since, and providers forget idempotency keys after
about as long (Stripe: 24 hours)."""

type Providers = Mapping[PaymentMethod, Provider]


@cache
def _providers() -> Providers:
    sandbox = Sandbox(load(WorkerSettings).sandbox_charges_table)
    return {PaymentMethod.COD: CashOnDelivery(), PaymentMethod.CARD: sandbox}


@dataclass(frozen=True)
class Ports:
    """What the worker works on."""

    payments: Repository[Payment]
    providers: Providers


def work(ports: Ports, delivery: Delivery, now: datetime) -> Result[Payment]:
    """Do what the event asks for, if the payment still waits for it.

    Raises:
        Transient: the provider cannot be reached or did not answer in time.
    """
    event = delivery.event
    # Read for each message by itself: between a look and the charge that it leads to must be as little as possible.
    payments, providers = ReadOnce(ports.payments), ports.providers
    row = payments.load(payment_id_of(event.data.subject))
    payment = row.state if row else None
    known_before = delivery.attempt > 1 or now - event.time > OLD
    match event.data, payment:
        case PaymentSubmitted(attempt=attempt), Payment(status=PaymentStatus.SUBMITTED, attempts=running) if (
            attempt == running
        ):
            return apply(payments, event, _charge(payment, providers, known_before), now)
        case RefundRequested(), Payment(status=PaymentStatus.REFUNDING):
            return apply(payments, event, _refund(payment, providers, known_before), now)
        case _:
            return Nothing("the payment does not wait for this")


def _charge(payment: Payment, providers: Providers, known_before: bool) -> ChargeAccepted | ChargeDeclined:
    """Make the attempt; `known_before` says that the provider may have heard of it."""
    provider = _provider(payment, providers)
    answer = provider.find(payment.attempt_key) if known_before else None
    if answer is None:
        try:
            answer = provider.charge(payment.attempt_key, payment.money, payment.card_token)
        except ProviderTimeout:
            answer = provider.find(payment.attempt_key)
            if answer is None:
                raise
    if isinstance(answer, Accepted):
        return ChargeAccepted(payment.attempts)
    return ChargeDeclined(payment.attempts, answer.reason)


def _refund(payment: Payment, providers: Providers, known_before: bool) -> RefundDone | RefundRefused:
    """Give the money back; a provider that has forgotten the key would refuse what it has done already."""
    provider = _provider(payment, providers)
    answer = provider.find(payment.refund_key) if known_before else None
    if answer is None:
        answer = provider.refund(payment.refund_key, payment.attempt_key, payment.money)
    return RefundDone() if isinstance(answer, Accepted) else RefundRefused(answer.reason)


def _provider(payment: Payment, providers: Providers) -> Provider:
    if payment.method is None:
        raise Permanent(f"payment {payment.payment_id} has no method")
    return providers[payment.method]


def _ports() -> Ports:
    return Ports(open_payments(), _providers())


def _read_only() -> Ports:
    providers = {name: ReadOnlyProvider(provider) for name, provider in _providers().items()}
    return Ports(ReadOnly(open_payments()), providers)


CONSUMER = Consumer(
    name="payment-worker",
    subscribes_to=(PaymentSubmitted, RefundRequested),
    react=one_by_one(work),
    ports=_ports,
    read_only=_read_only,
)
handler = CONSUMER.handler
