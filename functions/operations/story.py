"""An order's story across all services, and what an order waits for that stands still. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from cloudretail.model import Model
from operations.domain import DeadLetter, ReplayedMessage
from operations.keys import is_refund
from operations.rows import Books, ChargeRow, Dossier, MailRow, OrderRow, PaymentRow, ReservationRow


class Kind(StrEnum):
    """What an entry of a story is."""

    STATE = "STATE"
    EVENT = "EVENT"
    FAILURE = "FAILURE"
    MAIL = "MAIL"
    PAYMENT = "PAYMENT"
    REPLAY = "REPLAY"


class Entry(Model):
    """One thing that happened.

    Attributes:
        at: when; None where nobody kept it, and then it stands at the end.
        service: that says so.
        what: in a few words.
        detail: why, where, with which figures.
        event_id: of the event that it is, or is about.
        caused_by: id of the event or request that led to it.
    """

    at: datetime | None
    service: str
    kind: Kind
    what: str
    detail: str | None = None
    event_id: str | None = None
    caused_by: str | None = None


class Wait(Model):
    """What an order waits for.

    Attributes:
        since: when the order last heard of something.
        waits_for: in words.
        command: what would move it; None where no command can.
    """

    order_id: str
    status: str
    since: datetime
    waits_for: str
    command: str | None


class Trace(Model):
    """An order's time-line.

    Attributes:
        order: its status; None where there is no such order.
        reservation: likewise of its reservation.
        payment: likewise of its payment.
        waits_for: None where nothing is missing.
        entries: oldest first.
    """

    order_id: str
    order: str | None
    reservation: str | None
    payment: str | None
    waits_for: Wait | None
    entries: tuple[Entry, ...]


def trace(
    order_id: str,
    dossier: Dossier,
    *,
    mails: Iterable[MailRow],
    charges: Iterable[ChargeRow],
    failures: Iterable[Mapping[str, Any]],
    replays: Iterable[ReplayedMessage],
    waits_for: Wait | None,
) -> Trace:
    """One time-line of everything that is known of an order.

    Args:
        order_id: of the order, which need not exist: failures may be all there is.
        dossier: its rows.
        mails: those sent for it.
        charges: what the provider remembers of its payment.
        failures: rows of the failures table.
        replays: of its messages.
        waits_for: as `wait_of` says.
    """
    entries = [
        *_steps(dossier.order),
        *_told(dossier),
        *map(_mailed, mails),
        *map(_charged, charges),
        *map(_failed, failures),
        *map(_replayed, replays),
    ]
    last = datetime.max.replace(tzinfo=UTC)
    return Trace(
        order_id=order_id,
        order=dossier.order.status if dossier.order else None,
        reservation=dossier.reservation.status if dossier.reservation else None,
        payment=dossier.payment.status if dossier.payment else None,
        waits_for=waits_for,
        entries=tuple(sorted(entries, key=lambda entry: entry.at or last)),
    )


def _steps(order: OrderRow | None) -> Iterator[Entry]:
    before = None
    for step in order.history if order else ():
        moved = f"{step.event}: {before or 'new'} -> {step.status}" if step.status != before else step.event
        told = [step.reason, f"attempt {step.attempt}" if step.attempt else None]
        detail = ", ".join(filter(None, told)) or None
        yield Entry(at=step.at, service="orders", kind=Kind.STATE, what=moved, detail=detail, caused_by=step.caused_by)
        before = step.status


def _told(dossier: Dossier) -> Iterator[Entry]:
    """The events of each row's latest transition that had any; what was told before stands in the order's steps."""
    for service, outbox in dossier.outboxes.items():
        for document in outbox.events:
            event = json.loads(document)
            yield Entry(
                at=datetime.fromisoformat(event["time"]),
                service=service,
                kind=Kind.EVENT,
                what=f"tells {event['type'].split('.')[2]}",
                event_id=event["id"],
                caused_by=event["causationid"],
            )


def _mailed(mail: MailRow) -> Entry:
    sent = mail.status == "SENT"
    return Entry(
        at=mail.sent_at or mail.claimed_at,
        service="notifications",
        kind=Kind.MAIL,
        what=f"mail about {mail.kind} {'sent' if sent else 'begun'}",
    )


def _charged(charge: ChargeRow) -> Entry:
    refund = is_refund(charge.charge_key)
    amount = f"{charge.currency} {charge.amount}" if charge.amount is not None else None
    return Entry(
        at=None,  # The provider keeps no times.
        service="payments",
        kind=Kind.PAYMENT,
        what=f"{'refund' if refund else 'charge'} {charge.charge_key}: {(charge.outcome or 'no answer yet').lower()}",
        detail=", ".join(filter(None, (amount, charge.reason))) or None,
    )


def _failed(failure: Mapping[str, Any]) -> Entry:
    place = f" at {failure['where']}" if failure.get("where") else ""
    return Entry(
        at=datetime.fromtimestamp(failure["lastFailedAt"], UTC),
        service=failure["consumer"],
        kind=Kind.FAILURE,
        what=f"failed over {failure.get('eventName', 'a message')}, attempt {failure.get('attempt', '?')}",
        detail=f"{failure.get('exception')}: {failure.get('message')}{place}, request {failure.get('requestId')}",
        event_id=failure["eventId"],
    )


def _replayed(message: ReplayedMessage) -> Entry:
    name = message.event_name or "message"
    return Entry(
        at=message.at,
        service="operations",
        kind=Kind.REPLAY,
        what=f"{message.outcome.lower().replace('_', ' ')}: {name} of {message.queue}",
        detail=" ".join(filter(None, (message.text, f"({message.replay_id})"))),
        event_id=message.event_id,
    )


def stuck(books: Books, dead: Sequence[DeadLetter], now: datetime, older_than: timedelta) -> list[Wait]:
    """The orders that stand still, the longest first.

    Args:
        books: all rows.
        dead: all dead letters.
        now: aware.
        older_than: orders that heard of something since are only on their way.
    """
    by_order: dict[str, list[DeadLetter]] = {}
    for letter in dead:
        by_order.setdefault(letter.order_id or "", []).append(letter)
    waits = []
    for order_id, order in books.orders.items():
        if now - order.since < older_than:
            continue
        if wait := wait_of(books.dossier(order_id), by_order.get(order_id, ()), now):
            waits.append(wait)
    return sorted(waits, key=lambda wait: wait.since)


def wait_of(dossier: Dossier, dead: Sequence[DeadLetter], now: datetime) -> Wait | None:
    """What an order waits for, and the command that would move it; None where nothing is missing."""
    order = dossier.order
    if order is None:
        return None
    missing = _missing(order, dossier.reservation, dossier.payment, now)
    command: str | None = f"cloudretail orders nudge {order.order_id}"
    if dead:
        letter = dead[0]
        missing = f"{letter.event_name or 'a message'} in {letter.queue}: {letter.cause.title}"
        command = f"cloudretail dlq replay {letter.queue} --order {order.order_id}"
    elif dossier.payment and dossier.payment.refund_refused:
        missing = "a person: the provider refused the refund for good. docs/operations.md#refunds"
        command = None
    if missing is None:
        return None
    return Wait(order_id=order.order_id, status=order.status, since=order.since, waits_for=missing, command=command)


def _missing(
    order: OrderRow, reservation: ReservationRow | None, payment: PaymentRow | None, now: datetime
) -> str | None:
    held = reservation.status if reservation else None
    paid = payment.status if payment else None
    match order.status:
        case "PENDING":
            return _while_pending(held)
        case "RESERVED":
            return _while_reserved(order, payment, now)
        case "CONFIRMED":
            return "inventory to hear OrderConfirmed" if held == "HELD" else None
        case "REJECTED":
            return "payments to hear InventoryReservationFailed" if paid in (None, "OPEN") else None
        case "CANCELLED" if held in (None, "HELD", "COMMITTED"):
            return "inventory to hear OrderCancelled"
        case "CANCELLED":
            return _while_cancelled(payment)
        case _:
            return None


def _while_pending(held: str | None) -> str:
    match held:
        case None:
            return "inventory to hear OrderPlaced"
        case "REFUSED":
            return "orders to hear InventoryReservationFailed"
        case _:
            return "orders to hear InventoryReserved"


def _while_reserved(order: OrderRow, payment: PaymentRow | None, now: datetime) -> str | None:
    over = order.reserved_until is not None and now > order.reserved_until
    match payment:
        case None:
            return "payments to hear OrderPlaced and InventoryReserved"
        case PaymentRow(status="OPEN", amount=None):
            return "payments to hear OrderPlaced"
        case PaymentRow(status="OPEN", reserved=False):
            return "payments to hear InventoryReserved"
        case PaymentRow(status="OPEN"):
            return "payments to hear that the payment window has closed" if over else None
        case PaymentRow(status="SUBMITTED", attempts=attempt):
            return f"the provider's answer to attempt {attempt}"
        case PaymentRow(status="SUCCEEDED"):
            return "orders to hear PaymentSucceeded"
        case PaymentRow(status="FAILED"):
            return "orders to hear PaymentFailed"
        case _:
            return "what its payment was voided for"


def _while_cancelled(payment: PaymentRow | None) -> str | None:
    match payment:
        case PaymentRow(status="SUBMITTED", cancelled=True):
            return "the provider's answer, to know whether there is anything to pay back"
        case None | PaymentRow(status="OPEN" | "SUBMITTED" | "SUCCEEDED"):
            return "payments to hear OrderCancelled"
        case PaymentRow(status="REFUNDING"):
            return "the provider to pay back"
        case _:
            return None
