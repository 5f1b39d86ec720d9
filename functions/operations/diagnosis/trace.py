"""An order's time-line across all services. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from cloudretail.event import EventType
from cloudretail.failures import FailureRow
from cloudretail.model import Model
from operations.diagnosis.keys import refund_id_of
from operations.diagnosis.stuck import StuckOrder
from operations.diagnosis.tables import ChargeRow, MailRow, OrderRow, OrderRows, ShipmentRow
from operations.replays.domain import DRY_RUN_OUTCOMES, ReplayedMessage


class EntryKind(StrEnum):
    """The kind of an entry of a time-line."""

    STATE = "STATE"
    EVENT = "EVENT"
    FAILURE = "FAILURE"
    MAIL = "MAIL"
    PAYMENT = "PAYMENT"
    REPLAY = "REPLAY"


class TraceEntry(Model):
    """One entry of a time-line.

    Attributes:
        at: when it happened; None if that was not recorded, and then the entry comes last.
        service: where it happened.
        what: what happened, in a few words.
        detail: why, where, and with which figures.
        event_id: id of the event that it is, or is about.
        caused_by: id of the event or request that led to it.
        waited: seconds since that event was published; for a failure, since the event that could not be consumed. None
            if that time was not recorded.
    """

    at: datetime | None
    service: str
    kind: EntryKind
    what: str
    detail: str | None = None
    event_id: str | None = None
    caused_by: str | None = None
    waited: float | None = None


class Trace(Model):
    """An order's time-line.

    Attributes:
        statuses: of the order, its reservation, payment and shipment, and its returns and refunds, if they exist.
        stuck: what the order waits for; None if it is not stuck.
        entries: oldest first.
    """

    order_id: str
    statuses: dict[str, str]
    stuck: StuckOrder | None
    entries: tuple[TraceEntry, ...]


class _Document(Model):
    """The attributes of an event that a time-line shows."""

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
    """Make the time-line of an order from everything that is stored about it.

    Args:
        order_id: of the order. It need not exist: there may be only failures.
        rows: about the order.
        failures: rows of the failures table about it.
        replays: of messages about it. Dry runs are left out, as they changed nothing.
        stuck: what it waits for.
    """
    entries = [
        *_history(rows.order),
        *_parcel(rows.one(ShipmentRow)),
        *_events(rows),
        *map(_mail, rows.all(MailRow)),
        *map(_charge, rows.all(ChargeRow)),
        *map(_failure, failures),
        *(_replay(message) for message in replays if message.outcome not in DRY_RUN_OUTCOMES),
    ]
    published = _published(rows)
    entries = [_timed(entry, published) for entry in entries]
    last = datetime.max.replace(tzinfo=UTC)
    return Trace(
        order_id=order_id,
        statuses=rows.statuses,
        stuck=stuck,
        entries=tuple(sorted(entries, key=lambda entry: entry.at or last)),
    )


def _published(rows: OrderRows) -> dict[str, datetime]:
    """When events about the order were published, by id: those of the latest outboxes, and the order's own.

    Each write of an order adds one step to its history, so the event's version says which step published it.
    """
    known = {event.id: event.time for _, event in _documents(rows)}
    if order := rows.order:
        for version, step in enumerate(order.history, start=1):
            known |= {f"orders:{order.order_id}:{version}:{index}": step.at for index in range(EVENTS_OF_A_STEP)}
    return known


EVENTS_OF_A_STEP = 2
"""The most events that one step of an order publishes."""


def _timed(entry: TraceEntry, published: Mapping[str, datetime]) -> TraceEntry:
    """The entry with the time since its cause."""
    cause = entry.event_id if entry.kind is EntryKind.FAILURE else entry.caused_by
    began = published.get(cause or "")
    if began is None or entry.at is None or entry.at < began:
        return entry
    return entry.model_copy(update={"waited": round((entry.at - began).total_seconds(), 3)})


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
    """The steps of the shipment: actions of staff, and events about the order."""
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
    for service, event in _documents(rows):
        yield TraceEntry(
            at=event.time,
            service=service,
            kind=EntryKind.EVENT,
            what=f"publishes {EventType.parse(event.type).name}",
            event_id=event.id,
            caused_by=event.causationid,
        )


def _documents(rows: OrderRows) -> Iterator[tuple[str, _Document]]:
    for service, outbox in rows.outboxes.items():
        for document in outbox.events:
            yield service, _Document.model_validate_json(document)


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
        at=None,  # The sandbox does not store times.
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
