"""The events that payments publish."""

from typing import Annotated

from pydantic import Field

from cloudretail.event import EventData, EventType
from cloudretail.money import Money
from contract.values import (
    CANCELLATION,
    Attempt,
    DisputeId,
    DisputeOutcome,
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
    """Attempt `attempt`, which waits for the shopper's answer to their bank, is to be cancelled."""

    event_type = EventType("payments", "ChargeCancellationRequested")

    attempt: Attempt


class AttemptReported(EventData):
    """A provider reports that an attempt, a refund of it or a dispute about it has an outcome. The outcome itself is
    then read from the provider.

    Reports may come in any order, and more than once. `reference` is the provider's id of the attempt.
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


class PaymentDisputed(PaymentEvent):
    """The shopper's bank takes the money of attempt `attempt` back until it is decided whether it may keep it."""

    event_type = EventType("payments", "PaymentDisputed")

    dispute_id: DisputeId
    attempt: Attempt
    amount: Money
    reason: str


class PaymentDisputeClosed(PaymentEvent):
    """A dispute is decided: `amount` is the shop's again (WON), or the shopper's (LOST), as if it were refunded."""

    event_type = EventType("payments", "PaymentDisputeClosed")

    dispute_id: DisputeId
    attempt: Attempt
    amount: Money
    outcome: DisputeOutcome


class PaymentCollected(PaymentEvent):
    """The courier handed over the parcel and collected `amount` of the `due` cash: all of it, less, or nothing."""

    event_type = EventType("payments", "PaymentCollected")

    amount: Money
    due: Money


class RefundRequested(PaymentEvent):
    """The provider has to refund money of a successful attempt."""

    event_type = EventType("payments", "RefundRequested")

    refund_id: RefundId = CANCELLATION
    attempt: Attempt
    amount: Money
    method: PaymentMethod


class PaymentRefunded(PaymentEvent):
    """The money was refunded, by the provider or by hand under `reference`."""

    event_type = EventType("payments", "PaymentRefunded")

    refund_id: RefundId = CANCELLATION
    user_email: Email
    amount: Money
    method: PaymentMethod
    reference: str | None = None


class PaymentRefundFailed(PaymentEvent):
    """A member of staff has to pay the refund by hand: it was cash, or the provider refused it for good. A provider may
    do so days after it has said that the refund is done.
    """

    event_type = EventType("payments", "PaymentRefundFailed")

    refund_id: RefundId = CANCELLATION
    user_email: Email
    amount: Money
    method: PaymentMethod
    reason: str
