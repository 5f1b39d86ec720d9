"""Payments: what shoppers choose, what the provider answers, the end of the window, and what staff pay back."""

from collections.abc import Iterator, Sequence

from cloudretail.decider import Decision
from cloudretail.event import EventData
from contract.values import CANCELLATION, PaymentMethod
from payments import domain
from payments.reactions import CONSUMER
from payments.store import PAYMENTS
from tests.contract.publishers import CONTEXT, Publisher, known
from tests.contract.publishers.order import SENT_BACK

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
            domain.ChargeChallenged(attempt, "the browser's secret"),
            domain.ChargeDeclined(attempt, "declined"),
            domain.ChargeEnded(attempt, order_over=False),
            domain.ChargeEnded(attempt, order_over=True),
        )
    ),
    *(
        message
        for refund_id in (CANCELLATION, SENT_BACK.return_id)
        for message in (
            domain.RefundRefused(refund_id, "this card takes no refunds"),
            domain.RefundPaid(refund_id, "transfer-1", "staff-1"),
        )
    ),
)


def banked(payment: domain.Payment | None) -> list[domain.Message]:
    """What a provider says later: refunds are done, and a charge that nothing was given back of yet is disputed."""
    if payment is None:
        return []
    done: list[domain.Message] = [domain.RefundDone(each.refund_id, each.amount) for each in payment.refunds]
    if payment.method is not PaymentMethod.CARD or payment.status is not domain.PaymentStatus.SUCCEEDED or done:
        return done
    return [
        domain.DisputeReported(
            domain.Dispute(
                dispute_id="du_1", attempt=payment.attempts, amount=payment.left, status=status, reason="fraudulent"
            )
        )
        for status in domain.DisputeStatus
    ]


def accepted(payment: domain.Payment | None) -> list[domain.Message]:
    """By the attempt that runs. By any other it is a refund beside the payment, which is told as the payment's own is;
    with all of their combinations there were too many states."""
    if payment is None or not payment.runs(payment.attempts):
        return []
    return [domain.ChargeAccepted(payment.attempts, "sandbox", f"reference of {payment.attempts}")]


def decide(payment: domain.Payment | None, events: Sequence[EventData]) -> Iterator[Decision[domain.Payment]]:
    for message in (*known(events, *CONSUMER.subscribes_to), *COMMANDS, *accepted(payment), *banked(payment)):
        yield domain.decide(payment, message, CONTEXT)


PUBLISHER = Publisher(PAYMENTS, lambda payment: payment.payment_id, decide)
