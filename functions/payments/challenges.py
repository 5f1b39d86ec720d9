"""The sandbox's stand-in for a shopper's bank. With a real gateway the browser asks the bank itself, and the gateway
reports what it said.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from cloudretail import aws
from cloudretail.envelope import Cause, Event
from cloudretail.errors import Conflict, NotFound, Transient
from cloudretail.tracing import child
from contract.payments import AttemptReported
from payments.commands import OrderOf
from payments.domain import payment_id_of
from payments.providers import LATER, SANDBOX, put_report


class Bank(Protocol):
    """Who keeps the sandbox's challenges."""

    def answer_challenge(self, reference: str, challenge: str, *, agreed: bool) -> bool:
        """Whether the answer was still of any use."""
        ...

    def is_late(self, reference: str) -> bool:
        """Whether its answers are reported late."""
        ...


class Reports(Protocol):
    """Where the sandbox reports what became of attempts."""

    def publish(self, event: Event, after: timedelta) -> None:
        """Raises Transient where it was not taken."""
        ...


class EventBridgeReports:
    """Reports on the shop's bus. What comes later waits in the queue that the bus would have put it into.

    Args:
        bus: its name.
        queue: address of the queue.
    """

    def __init__(self, bus: str, queue: str) -> None:
        self._bus = bus
        self._queue = queue

    def publish(self, event: Event, after: timedelta) -> None:
        if after:
            put_report(self._queue, event, after)
            return
        kind = event.data.event_type
        entry = {"EventBusName": self._bus, "Source": kind.source, "DetailType": kind.name, "Detail": event.to_json()}
        answer = aws.eventbridge().put_events(Entries=[entry])  # type: ignore[list-item]
        if answer["FailedEntryCount"]:
            raise Transient("the bus does not take the report")


def report_of(reference: str, cause: Cause) -> Event:
    """What the sandbox reports of an attempt, because of a request."""
    event_id = f"{SANDBOX}:{reference}:{cause.id}"
    data = AttemptReported(provider=SANDBOX, reference=reference)
    return Event(event_id, datetime.now(UTC), cause.id, child(cause.traceparent, event_id), data)


def answer(
    order_of: OrderOf, bank: Bank, reports: Reports, order_id: str, challenge: str, cause: Cause, *, agreed: bool
) -> None:
    """Answer in the place of a shopper's bank, from whatever tab the challenge is open in.

    Args:
        order_of: finds the shopper's orders.
        bank: keeps the challenges.
        reports: takes the report.
        order_id: of the order that is paid.
        challenge: as the browser was given it.
        cause: the request.
        agreed: what the bank says.

    Raises:
        NotFound: the shopper has no such order, or it never had such a challenge.
        Conflict: the attempt has ended meanwhile, or was answered.
        Transient: the bus does not take the report; the same request may succeed later.
    """
    reference, _, _ = challenge.rpartition("/")
    if order_of(order_id) is None or not reference.startswith(f"{payment_id_of(order_id)}:"):
        raise NotFound("challenge")
    used = bank.answer_challenge(reference, challenge, agreed=agreed)
    # Also where it was of no use: the report of the first answer may have been lost.
    reports.publish(report_of(reference, cause), LATER if bank.is_late(reference) else timedelta(0))
    if not used:
        raise Conflict("challenge-over", "This payment does not wait for your bank any more.")
