"""The events that payments publish."""

from cloudretail.event import EventType
from cloudretail.money import Money
from contract.values import Attempt, Email, OrderEvent, PaymentFailure, PaymentId, PaymentMethod


class PaymentEvent(OrderEvent):
    """What every event of the payments service carries."""

    payment_id: PaymentId


class PaymentSubmitted(PaymentEvent):
    """Attempt `attempt` is to be made at the provider."""

    event_type = EventType("payments", "PaymentSubmitted")

    attempt: Attempt
    amount: Money
    method: PaymentMethod


class PaymentSucceeded(PaymentEvent):
    """The provider accepted attempt `attempt`."""

    event_type = EventType("payments", "PaymentSucceeded")

    attempt: Attempt
    amount: Money
    method: PaymentMethod


class PaymentDeclined(PaymentEvent):
    """The provider declined attempt `attempt` of `max_attempts`; the shopper may try again."""

    event_type = EventType("payments", "PaymentDeclined")

    attempt: Attempt
    max_attempts: Attempt
    reason: str


class PaymentFailed(PaymentEvent):
    """The order will not be paid."""

    event_type = EventType("payments", "PaymentFailed")

    reason: PaymentFailure


class RefundRequested(PaymentEvent):
    """The money of a successful attempt is to be given back by the provider."""

    event_type = EventType("payments", "RefundRequested")

    attempt: Attempt
    amount: Money
    method: PaymentMethod


class PaymentRefunded(PaymentEvent):
    """The provider gave the money back."""

    event_type = EventType("payments", "PaymentRefunded")

    user_email: Email
    amount: Money
    method: PaymentMethod


class PaymentRefundFailed(PaymentEvent):
    """The provider refused the refund for good: a person must act."""

    event_type = EventType("payments", "PaymentRefundFailed")

    user_email: Email
    amount: Money
    method: PaymentMethod
    reason: str
