"""An order's time-line across all services. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum

from cloudretail.event import EventType
from cloudretail.failures import FailureRow
from cloudretail.model import Model
from operations.diagnosis.keys import refund_id_of
from operations.diagnosis.stuck import StuckOrder
from operations.diagnosis.tables import ChargeRow, MailRow, OrderRow, OrderRows, ShipmentRow
from operations.replays.domain import ReplayedMessage


class EntryKind(StrEnum):
    """What an entry of a time-line is."""

    STATE = "STATE"
    EVENT = "EVENT"
    FAILURE = "FAILURE"
    MAIL = "MAIL"
    PAYMENT = "PAYMENT"
    REPLAY = "REPLAY"


class TraceEntry(Model):
    """One thing that happened.

    Attributes:
        at: when; None where nobody kept it, and then the entry comes last.
        service: in which it happened.
        what: in a few words.
        detail: why, where, with which figures.
        event_id: of the event that it is, or is about.
        caused_by: id of the event or request that led to it.
    """

    at: datetime | None
    service: str
    kind: EntryKind
    what: str
    detail: str | None = None
    event_id: str | None = None
    caused_by: str | None = None


class Trace(Model):
    """An order's time-line.

    Attributes:
        statuses: of the order, its reservation, payment and shipment, its returns and refunds, those that exist.
        stuck: what the order waits for; None where that is nothing.
        entries: oldest first.
    """

    order_id: str
    statuses: dict[str, str]
    stuck: StuckOrder | None
    entries: tuple[TraceEntry, ...]


class _Document(Model):
    """What of an event stands in a time-line."""

    id: str
    type: str
    time: datetime
    causationid: str


def trace(
    order_id: str,
    rows: OrderRows,
    *,
    failures: Iterable[FailureRow],
    replays: Iterable[ReplayedMessage],
    stuck: StuckOrder | None,
) -> Trace:
    """One time-line of everything that is known of an order.

    Args:
        order_id: of the order, which need not exist: there may be nothing but failures.
        rows: about the order.
        failures: rows of the failures table about it.
        replays: of messages about it.
        stuck: what it waits for.
    """
    entries = [
        *_history(rows.order),
        *_parcel(rows.one(ShipmentRow)),
        *_events(rows),
        *map(_mail, rows.all(MailRow)),
        *map(_charge, rows.all(ChargeRow)),
        *map(_failure, failures),
        *map(_replay, replays),
    ]
    last = datetime.max.replace(tzinfo=UTC)
    return Trace(
        order_id=order_id,
        statuses=rows.statuses,
        stuck=stuck,
        entries=tuple(sorted(entries, key=lambda entry: entry.at or last)),
    )


def _history(order: OrderRow | None) -> Iterator[TraceEntry]:
    before = None
    for step in order.history if order else ():
        moved = f"{step.event}: {before or 'new'} -> {step.status}" if step.status != before else step.event
        amount = str(step.amount) if step.amount else None
        details = [step.about, amount, step.reason, f"attempt {step.attempt}" if step.attempt else None]
        detail = ", ".join(filter(None, details)) or None
        yield TraceEntry(
            at=step.at, service="orders", kind=EntryKind.STATE, what=moved, detail=detail, caused_by=step.caused_by
        )
        before = step.status


def _parcel(shipment: ShipmentRow | None) -> Iterator[TraceEntry]:
    """What staff did with the parcel and its returns, and what fulfilment learned of the order."""
    for step in shipment.story if shipment else ():
        details = [step.about, f"by {step.by}" if step.by else None]
        yield TraceEntry(
            at=step.at,
            service="fulfilment",
            kind=EntryKind.STATE,
            what=f"staff: {step.what}" if step.by else step.what,
            detail=", ".join(filter(None, details)) or None,
        )


def _events(rows: OrderRows) -> Iterator[TraceEntry]:
    """The latest events of each row; the effect of earlier ones is in the order's history."""
    for service, outbox in rows.outboxes.items():
        for document in outbox.events:
            event = _Document.model_validate_json(document)
            yield TraceEntry(
                at=event.time,
                service=service,
                kind=EntryKind.EVENT,
                what=f"publishes {EventType.parse(event.type).name}",
                event_id=event.id,
                caused_by=event.causationid,
            )


def _mail(mail: MailRow) -> TraceEntry:
    sent = mail.status == "SENT"
    return TraceEntry(
        at=mail.sent_at or mail.claimed_at,
        service="notifications",
        kind=EntryKind.MAIL,
        what=f"mail about {mail.kind} {'sent' if sent else 'being sent'}",
        detail=mail.about,
    )


def _charge(charge: ChargeRow) -> TraceEntry:
    kind = "charge" if refund_id_of(charge.charge_key) is None else "refund"
    amount = f"{charge.currency} {charge.amount}" if charge.amount is not None else None
    return TraceEntry(
        at=None,  # The provider keeps no times.
        service="payments",
        kind=EntryKind.PAYMENT,
        what=f"{kind} {charge.charge_key}: {(charge.outcome or 'no answer yet').lower()}",
        detail=", ".join(filter(None, (amount, charge.reason))) or None,
    )


def _failure(failure: FailureRow) -> TraceEntry:
    cause = failure.cause
    attempt = f", attempt {cause.attempt}" if cause.attempt else ""
    details = (
        f"{cause.exception}: {cause.message}" if cause.message else cause.exception,
        f" at {cause.where}" if cause.where else "",
        f", request {cause.request_id}" if cause.request_id else "",
        f" ({failure.state.lower()})",
    )
    return TraceEntry(
        at=datetime.fromtimestamp(failure.last_failed_at, UTC),
        service=failure.consumer,
        kind=EntryKind.FAILURE,
        what=f"failed on {failure.event_name or 'a message'}{attempt}",
        detail="".join(details),
        event_id=failure.event_id,
    )


def _replay(message: ReplayedMessage) -> TraceEntry:
    name = message.event_name or "message"
    return TraceEntry(
        at=message.at,
        service="operations",
        kind=EntryKind.REPLAY,
        what=f"{message.outcome.lower().replace('_', ' ')}: {name} from {message.queue}",
        detail=" ".join(filter(None, (message.text, f"({message.replay_id})"))),
        event_id=message.event_id,
    )
