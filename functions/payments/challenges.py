"""The sandbox's stand-in for a shopper's bank. With a real gateway, the browser asks the bank itself, and the gateway
reports the answer.
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
    """The sandbox's challenges."""

    def answer_challenge(self, reference: str, challenge: str, *, agreed: bool) -> bool:
        """Store the bank's answer; returns whether the attempt still waited for it."""
        ...

    def is_late(self, reference: str) -> bool:
        """Whether the sandbox reports answers to this attempt late."""
        ...


class Reports(Protocol):
    """Takes the sandbox's reports about attempts."""

    def publish(self, event: Event, after: timedelta) -> None:
        """Publish a report after some time; raises Transient if it was not accepted."""
        ...


class EventBridgeReports:
    """Reports on the shop's bus. A later report waits in the queue that a rule of the bus would have put it into.

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
            raise Transient("the bus did not accept the report")


def report_of(reference: str, cause: Cause) -> Event:
    """The sandbox's report about an attempt, caused by a request."""
    event_id = f"{SANDBOX}:{reference}:{cause.id}"
    data = AttemptReported(provider=SANDBOX, reference=reference)
    return Event(event_id, datetime.now(UTC), cause.id, child(cause.traceparent, event_id), data)


def answer(
    order_of: OrderOf, bank: Bank, reports: Reports, order_id: str, challenge: str, cause: Cause, *, agreed: bool
) -> None:
    """Answer a challenge in the place of a shopper's bank, from any browser tab in which it is open.

    Args:
        order_of: finds the shopper's orders.
        bank: the challenges.
        reports: takes the report.
        order_id: of the order that is paid.
        challenge: the text that the browser received.
        cause: the request.
        agreed: the bank's answer.

    Raises:
        NotFound: the shopper has no such order, or it never had such a challenge.
        Conflict: the attempt has ended, or was answered before.
        Transient: the bus did not accept the report; the same request may succeed later.
    """
    reference, _, _ = challenge.rpartition("/")
    if order_of(order_id) is None or not reference.startswith(f"{payment_id_of(order_id)}:"):
        raise NotFound("challenge")
    used = bank.answer_challenge(reference, challenge, agreed=agreed)
    # Published even if the attempt did not wait any more: the report of the first answer may have been lost.
    reports.publish(report_of(reference, cause), LATER if bank.is_late(reference) else timedelta(0))
    if not used:
        raise Conflict("challenge-over", "This payment does not wait for your bank any more.")
