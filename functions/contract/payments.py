"""The events that payments publish."""

from typing import Annotated

from pydantic import Field

from cloudretail.event import EventData, EventType
from cloudretail.money import Money
from contract.values import (
    CANCELLATION,
    Attempt,
    Email,
    OrderEvent,
    PaymentFailure,
    PaymentId,
    PaymentMethod,
    RefundId,
)


class PaymentEvent(OrderEvent):
    """What every event of the payments service carries."""

    payment_id: PaymentId


class PaymentSubmitted(PaymentEvent):
    """Attempt `attempt` is to be made at the provider."""

    event_type = EventType("payments", "PaymentSubmitted")

    attempt: Attempt
    amount: Money
    method: PaymentMethod


class ChargeCancellationRequested(PaymentEvent):
    """Attempt `attempt`, which the shopper's bank is asking about, is no longer wanted."""

    event_type = EventType("payments", "ChargeCancellationRequested")

    attempt: Attempt


class AttemptReported(EventData):
    """A provider reports, unasked, that something became of an attempt; what, is asked of the provider.

    A provider is not relied on to report in the order of the facts, nor once. `reference` is its name for the attempt.
    """

    event_type = EventType("payments", "AttemptReported")

    provider: str
    reference: Annotated[str, Field(min_length=1, max_length=255)]

    @property
    def subject(self) -> str:
        return self.reference


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


class PaymentCollected(PaymentEvent):
    """The courier handed over the parcel and took `amount` of the `due` cash: all of it, less, or nothing."""

    event_type = EventType("payments", "PaymentCollected")

    amount: Money
    due: Money


class RefundRequested(PaymentEvent):
    """Money of a successful attempt is to be given back by the provider."""

    event_type = EventType("payments", "RefundRequested")

    refund_id: RefundId = CANCELLATION
    attempt: Attempt
    amount: Money
    method: PaymentMethod


class PaymentRefunded(PaymentEvent):
    """The money was given back: by the provider, or by hand under `reference`."""

    event_type = EventType("payments", "PaymentRefunded")

    refund_id: RefundId = CANCELLATION
    user_email: Email
    amount: Money
    method: PaymentMethod
    reference: str | None = None


class PaymentRefundFailed(PaymentEvent):
    """The refund was cash, or the provider refused it for good: a person must pay it by hand."""

    event_type = EventType("payments", "PaymentRefundFailed")

    refund_id: RefundId = CANCELLATION
    user_email: Email
    amount: Money
    method: PaymentMethod
    reason: str
