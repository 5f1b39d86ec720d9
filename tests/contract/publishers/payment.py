"""Payments: what shoppers choose, what the provider answers, and the end of the window."""

from collections.abc import Iterator, Sequence

from cloudretail.decider import Decision
from cloudretail.event import EventData
from contract.values import PaymentMethod
from payments import domain
from payments.reactions import CONSUMER
from payments.store import PAYMENTS
from tests.contract.publishers import CONTEXT, Publisher, known

COMMANDS: tuple[domain.Message, ...] = (
    domain.ChooseMethod(PaymentMethod.COD),
    domain.ChooseMethod(PaymentMethod.CARD, "tok_visa"),
    domain.WindowClosed(),
    *(
        message
        for attempt in range(1, domain.MAX_ATTEMPTS + 1)
        for message in (
            domain.AttemptSent(attempt, "sandbox", f"reference of {attempt}"),
            domain.AttemptUnsent(attempt, "declined"),
            domain.ChargeDeclined(attempt, "declined"),
            domain.ChargeEnded(attempt, order_over=False),
            domain.ChargeEnded(attempt, order_over=True),
            domain.RefundDone(attempt),
            domain.RefundRefused(attempt, "this card takes no refunds"),
        )
    ),
)


def accepted(payment: domain.Payment | None) -> list[domain.Message]:
    """By the attempt that runs. By any other it is a refund beside the payment, which is told as the payment's own is;
    with all of their combinations there were too many states."""
    if payment is None or payment.status is not domain.PaymentStatus.SUBMITTED:
        return []
    return [domain.ChargeAccepted(payment.attempts, "sandbox", f"reference of {payment.attempts}")]


def decide(payment: domain.Payment | None, events: Sequence[EventData]) -> Iterator[Decision[domain.Payment]]:
    for message in (*known(events, *CONSUMER.subscribes_to), *COMMANDS, *accepted(payment)):
        yield domain.decide(payment, message, CONTEXT)


PUBLISHER = Publisher(PAYMENTS, lambda payment: payment.payment_id, decide)
