"""What a dead letter is, why it failed, and which ones are meant. Pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field

from cloudretail.envelope import Event
from cloudretail.errors import InvalidEvent
from cloudretail.event import EventType
from cloudretail.model import Model
from contract import BY_TYPE, parse
from contract.values import OrderEvent
from operations.queues import RELAY_DLQ, REPLAY_WORKER_DLQ

RETENTION = timedelta(days=14)
"""Of every dead-letter queue; it counts from when the message was first sent to its own queue."""

UNKNOWN_CAUSE = "timeout or crash"
"""Where no cause was kept: the function ended before it could keep one."""

REPLAYED_BY = "replays"
"""Message attribute of a copy: the ids of the replays that sent it, the latest last."""

FAILURE = "failure"
"""Message attribute with which a consumer sends a message to its dead-letter queue: see `cloudretail.batch`."""


# --------------------------------------------------------------------------------------------------------- messages


@dataclass(frozen=True)
class QueueMessage:
    """A message as SQS gives it.

    Attributes:
        id: SQS's; a message keeps it when it moves to its dead-letter queue, and a copy has another.
        receipt: handle of this receive.
        body: as sent.
        sent_at: when it was first sent, aware.
        receives: how often it was received, by consumers and by operators.
        attributes: message attributes that are text.
    """

    id: str
    receipt: str
    body: str
    sent_at: datetime
    receives: int
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class DeadMessage:
    """A message of a dead-letter queue, parsed as far as possible.

    Attributes:
        queue: the dead-letter queue.
        message: the message itself.
        document: what a consumer would get: of a whole EventBridge event or an entry of the relay, the event inside.
        event: the shop's event, if `document` is a valid one.
        invalid: why it is none, else None.
        event_id: also of an event that is not valid, where it has one.
        event_name: likewise.
        order_id: likewise.
        entry: the entry that the bus refused, of the relay's own messages.
        stated_cause: why it failed, where the message itself says so.
    """

    queue: str
    message: QueueMessage
    document: str
    event: Event | None
    invalid: str | None
    event_id: str | None
    event_name: str | None
    order_id: str | None
    entry: Mapping[str, str] | None = None
    stated_cause: str | None = None

    @property
    def failure_keys(self) -> tuple[str, ...]:
        """Under which its consumer may have kept the failure, the likelier first.

        The consumer that gave it up says so. Of any other, it is the event's id, or the message's.
        """
        said = _text(self.failure.get("key"))
        guessed = (self.event.id, self.message.id) if self.event else (self.message.id,)
        return (said, *guessed) if said else guessed

    @property
    def failure(self) -> dict[str, Any]:
        """What the consumer that gave it up says of it: its cause and its failure key; empty for any other message."""
        return _object(self.message.attributes.get(FAILURE, ""))

    @property
    def replays(self) -> tuple[str, ...]:
        """Ids of the replays that sent it."""
        return tuple(filter(None, self.message.attributes.get(REPLAYED_BY, "").split(",")))


def read(queue: str, message: QueueMessage) -> DeadMessage:
    """Parse a message of a dead-letter queue. Any body will do."""
    content = _object(message.body)
    document, entry, cause = message.body, None, None
    match content:
        case {"entry": {"Detail": str(detail), "Source": str(), "DetailType": str()} as parked} if queue == RELAY_DLQ:
            document, entry = detail, {name: str(value) for name, value in parked.items()}
            cause = f"{content.get('errorCode', '')}: {content.get('errorMessage', '')}"
        case {"requestPayload": payload, "requestContext": dict(invocation)} if queue == REPLAY_WORKER_DLQ:
            document = json.dumps(payload)
            response = content.get("responsePayload")
            failure = response if isinstance(response, dict) else {}
            cause = f"{failure.get('errorType') or invocation.get('condition')}: {failure.get('errorMessage', '')}"
        case {"detail-type": str(), "detail": dict(detail)}:
            # A rule delivers `$.detail`; what it could not deliver may be kept whole.
            document = json.dumps(detail)
    if code := message.attributes.get("ERROR_CODE") or message.attributes.get("ErrorCode"):
        reason = message.attributes.get("ERROR_MESSAGE") or message.attributes.get("ErrorMessage", "")
        cause = f"{code}: {reason}"
    try:
        event = parse(document)
    except InvalidEvent as error:
        return _invalid(queue, message, document, str(error), entry, cause)
    name, order_id = event.data.event_type.name, event.data.keys.get("order_id")
    return DeadMessage(queue, message, document, event, None, event.id, name, order_id, entry, cause)


def _invalid(
    queue: str, message: QueueMessage, document: str, why: str, entry: Mapping[str, str] | None, cause: str | None
) -> DeadMessage:
    content = _object(document)
    try:
        name = EventType.parse(str(content.get("type"))).name
    except ValueError:
        name = None
    subject = _text(content.get("subject"))
    about = BY_TYPE.get(str(content.get("type")))
    order_id = subject if about is None or issubclass(about, OrderEvent) else None
    return DeadMessage(queue, message, document, None, why, _text(content.get("id")), name, order_id, entry, cause)


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


# ----------------------------------------------------------------------------------------------------- dead letters


class Cause(Model):
    """Why a message failed.

    Attributes:
        code: what failures of one cause have in common: `AccessDenied on dynamodb:PutItem`, or the exception with the
            function that raised it; None where it was not kept.
        exception: its class; "timeout or crash" where no cause was kept.
        message: the exception's text.
        where: file, line and function in which it was raised.
        function: the function that failed, by its name in the logs.
        request_id: of the invocation, by which its log lines are found.
        attempt: which delivery this was.
        first_failed_at: of this event at this consumer.
        last_failed_at: likewise.
    """

    code: str | None = None
    exception: str
    message: str | None = None
    where: str | None = None
    function: str | None = None
    request_id: str | None = None
    attempt: int | None = None
    first_failed_at: datetime | None = None
    last_failed_at: datetime | None = None

    @property
    def title(self) -> str:
        """What a group of dead letters has in common."""
        return self.code or self.exception


class DeadLetter(Model):
    """A message that failed too often, or could not be delivered.

    Attributes:
        queue: the dead-letter queue.
        message_id: SQS's.
        sent_at: when it was first sent.
        expires_at: when SQS deletes it.
        replays: ids of the replays that sent it.
    """

    queue: str
    message_id: str
    event_id: str | None
    event_name: str | None
    order_id: str | None
    sent_at: datetime
    expires_at: datetime
    cause: Cause
    replays: tuple[str, ...]


class DeadLetterDetail(DeadLetter):
    """One dead letter in full.

    Attributes:
        body: as it was sent.
        invalid: why it is no event of the shop, else None.
        receives: how often it was received.
        attributes: of the message, such as the rule that could not deliver it.
    """

    body: str
    invalid: str | None
    receives: int
    attributes: dict[str, str]

    @property
    def message(self) -> QueueMessage:
        """The message again, without a receipt."""
        return QueueMessage(self.message_id, "", self.body, self.sent_at, self.receives, self.attributes)


class CauseGroup(Model):
    """Dead letters with one cause.

    Attributes:
        cause: code of the cause; filters match any part of it.
        example: the text of the latest exception.
        count: how many.
        events: how many of each event name.
        oldest: when the first of them was sent.
    """

    cause: str
    example: str | None
    count: int
    events: dict[str, int]
    oldest: datetime


type FailureRow = Mapping[str, Any]
"""A row of the failures table."""


def cause_of(dead: DeadMessage, failure: FailureRow | None) -> Cause:
    """Why a message failed.

    Args:
        dead: the message.
        failure: its row of the failures table, None where there is none.
    """
    if dead.stated_cause:
        code, _, message = dead.stated_cause.partition(": ")
        return Cause(exception=code or "refused", message=message or None)
    if failure is None:
        exception, _, message = str(dead.failure.get("cause", UNKNOWN_CAUSE)).partition(": ")
        return Cause(code=dead.failure.get("code"), exception=exception, message=message or None)
    times = {
        name: datetime.fromtimestamp(failure[name], UTC)
        for name in ("firstFailedAt", "lastFailedAt")
        if name in failure
    }
    return Cause.model_validate({**failure, **times})


def dead_letter(dead: DeadMessage, failure: FailureRow | None, retention: timedelta = RETENTION) -> DeadLetterDetail:
    """A message with its cause; arguments as of `cause_of`."""
    message = dead.message
    return DeadLetterDetail(
        queue=dead.queue,
        message_id=message.id,
        event_id=dead.event_id,
        event_name=dead.event_name,
        order_id=dead.order_id,
        sent_at=message.sent_at,
        expires_at=message.sent_at + retention,
        cause=cause_of(dead, failure),
        replays=dead.replays,
        body=message.body,
        invalid=dead.invalid,
        receives=message.receives,
        attributes=dict(message.attributes),
    )


def grouped(letters: Iterable[DeadLetter]) -> list[CauseGroup]:
    """Dead letters by cause, the most frequent first."""
    groups: dict[str, list[DeadLetter]] = {}
    for letter in letters:
        groups.setdefault(letter.cause.title, []).append(letter)
    by_size = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [_group(title, members) for title, members in by_size]


def _group(title: str, members: Sequence[DeadLetter]) -> CauseGroup:
    events: dict[str, int] = {}
    for member in members:
        name = member.event_name or "no event"
        events[name] = events.get(name, 0) + 1
    latest = max(members, key=lambda member: member.sent_at)
    return CauseGroup(
        cause=title,
        example=latest.cause.message,
        count=len(members),
        events=events,
        oldest=min(member.sent_at for member in members),
    )


# ---------------------------------------------------------------------------------------------------------- filters


def _iso(value: object) -> object:
    """Numbers would pass for seconds since 1970, and a date alone for its midnight."""
    if isinstance(value, datetime) or (isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", value)):
        return value
    raise ValueError("must be a date and time with a time zone, such as 2026-01-31T12:00:00Z")


type Moment = Annotated[AwareDatetime, BeforeValidator(_iso)]
"""A date and time that says its zone."""

QueueName = Annotated[str, Field(min_length=1, max_length=64, description="A dead-letter queue, such as OrdersDlq.")]
OrderIdFilter = Annotated[str, Field(min_length=1, max_length=64)]
EventNameFilter = Annotated[str, Field(min_length=1, max_length=64)]
CauseFilter = Annotated[str, Field(min_length=1, max_length=200, description="A part of the cause or of its text.")]
MessageIds = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=1000)]
"""What a filter may be, in queries as in bodies."""


class Selection(Model):
    """Which dead letters are meant: those that match every filter that is given.

    Attributes:
        queue: the dead-letter queue.
        message_ids: these and no others.
        order_id: those about this order.
        event_name: those of this event, such as OrderPlaced.
        cause: those whose cause, or its text, contains this.
        since: first sent then or later.
        until: first sent then or earlier.
    """

    queue: QueueName
    message_ids: MessageIds = ()
    order_id: OrderIdFilter | None = None
    event_name: EventNameFilter | None = None
    cause: CauseFilter | None = None
    since: Moment | None = None
    until: Moment | None = None

    def matches(self, letter: DeadLetter) -> bool:
        """Whether `letter` is meant."""
        cause = f"{letter.cause.title} {letter.cause.message or ''}".casefold()
        return (
            (not self.message_ids or letter.message_id in self.message_ids)
            and self.order_id in (None, letter.order_id)
            and (self.event_name is None or self.event_name.casefold() == (letter.event_name or "").casefold())
            and (self.cause is None or self.cause.casefold() in cause)
            and (self.since is None or letter.sent_at >= self.since)
            and (self.until is None or letter.sent_at <= self.until)
        )

    def __str__(self) -> str:
        filters = self.model_dump(exclude_none=True, exclude={"queue", "message_ids"}, by_alias=False)
        parts = [f"{name.replace('_', ' ')} {value}" for name, value in filters.items()]
        if self.message_ids:
            parts.insert(0, f"{len(self.message_ids)} by id")
        return f"{self.queue}: {', '.join(parts) or 'all'}"
