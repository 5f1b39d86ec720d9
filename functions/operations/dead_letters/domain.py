"""Dead letters: parsing them, their owners, their causes, and selecting them. Pure."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field

from cloudretail.envelope import Event
from cloudretail.errors import InvalidEvent
from cloudretail.event import EventType
from cloudretail.failures import FAILURE, Cause, Death, FailureRow, FailureState, fingerprint
from cloudretail.model import Model
from cloudretail.money import MAX_MINOR_UNITS, Money
from contract import BY_TYPE, parse
from contract.values import OrderEvent
from operations.queues import RELAY_DLQ, REPLAY_WORKER_DLQ, RULE_TARGETS_DLQ, ConsumerQueue, QueueNames

# --------------------------------------------------------------------------------------------------------- messages


@dataclass(frozen=True)
class QueueMessage:
    """A message as SQS delivers it.

    Attributes:
        id: SQS's id.
        body: as sent.
        sent_at: when it was sent to this queue, aware.
        attributes: message attributes that are text.
    """

    id: str
    body: str
    sent_at: datetime
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class DeadMessage:
    """A message of a dead-letter queue, parsed as far as possible.

    Attributes:
        queue: the dead-letter queue.
        message: the message itself.
        document: the body that a consumer would receive. For a whole EventBridge event or an entry of the relay, it is
            the event inside.
        event: the shop's event, if `document` is a valid one.
        invalid: why `document` is not a valid event; None if it is.
        event_id: id of the event, even of an invalid one that has one.
        event_name: name of the event, likewise.
        order_id: order of the event, likewise.
        entry: the entry that the bus refused, for messages of the relay.
        stated_cause: why it failed, if the message itself says so.
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
    def key(self) -> str:
        """The key under which its failure is kept: from its attribute FAILURE, else the event's or the message's id."""
        return _text(self.failure.get("key")) or (self.event.id if self.event else self.message.id)

    @property
    def failure(self) -> dict[str, Any]:
        """The attribute FAILURE of the consumer that gave it up; empty for any other message."""
        return _object(self.message.attributes.get(FAILURE, ""))

    @property
    def first_id(self) -> str:
        """SQS's id of this message; of a copy, that of the first message."""
        return _text(self.failure.get("messageId")) or self.message.id

    @property
    def generation(self) -> int:
        """How often it was replayed."""
        generation = self.failure.get("generation")
        return generation if isinstance(generation, int) else 0


def read(queue: str, message: QueueMessage) -> DeadMessage:
    """Parse a message of a dead-letter queue, whatever its body is."""
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
            # A rule delivers `$.detail`, but its dead letter may be the whole event.
            document = json.dumps(detail)
    if code := message.attributes.get("ERROR_CODE") or message.attributes.get("ErrorCode"):
        reason = message.attributes.get("ERROR_MESSAGE") or message.attributes.get("ErrorMessage", "")
        cause = f"{code}: {reason}"
    if cause is None and not message.attributes.keys() & {"TARGET_ARN", "RULE_ARN", FAILURE}:
        cause = STRANGE.get(queue)
    try:
        event = parse(document)
    except InvalidEvent as error:
        return _invalid(queue, message, document, str(error), entry, cause)
    name, order_id = event.data.event_type.name, event.data.keys.get("order_id")
    return DeadMessage(queue, message, document, event, None, event.id, name, order_id, entry, cause)


STRANGE = {
    RELAY_DLQ: "NotParked: the relay has not put it here: it is no entry for the bus",
    RULE_TARGETS_DLQ: "NotUndelivered: no rule has put it here: it names neither a rule nor a target",
    REPLAY_WORKER_DLQ: "NotInvoked: Lambda has not put it here: it is no invocation of the replay worker",
}
"""The cause of a message that somebody else has put into a dead-letter queue without a consumer, by the queue."""


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


# -------------------------------------------------------------------------------------------------- whose and why


def owner_of(dead: DeadMessage, names: QueueNames) -> ConsumerQueue:
    """The owner of a dead letter: the consumer that gave it up, or that a rule could not deliver it to.

    Other owners are the relay, the replay worker, and for a message that names no target, the rules.
    """
    if dead.queue == RULE_TARGETS_DLQ and (target := _target(dead, names)):
        return target
    return ConsumerQueue.by_dead_letter_queue(dead.queue)


def _target(dead: DeadMessage, names: QueueNames) -> ConsumerQueue | None:
    """The consumer whose rule failed. Source: EventBridge user guide, "Using dead-letter queues": its attributes."""
    target = dead.message.attributes.get("TARGET_ARN", "").rpartition(":")[2]
    rule = dead.message.attributes.get("RULE_ARN", "").rpartition("/")[2]
    # CloudFormation's physical names contain the template's.
    named = (each for each in names.consumers if _contains(target, each.queue) or _contains(rule, each.rule))
    return next(named, None)


def _contains(physical: str, logical: str) -> bool:
    return logical in physical.split("-")


class Stake(Model):
    """The customer and the value of an order, which show how bad its failure is.

    Attributes:
        user_id: of the customer.
        total: of the order.
    """

    user_id: str
    total: Money


def death_of(dead: DeadMessage, names: QueueNames, body_at: str | None = None, stake: Stake | None = None) -> Death:
    """The death to record for a dead letter.

    Args:
        dead: the message.
        names: of all queues.
        body_at: key in the bucket of a body that is too long for the table.
        stake: of its order, if there is one.
    """
    consumer = owner_of(dead, names).consumer
    return Death(
        consumer=consumer,
        event_id=dead.key,
        generation=dead.generation,
        message_id=dead.first_id,
        sqs_id=dead.message.id,
        sent_at=int(dead.message.sent_at.timestamp()),
        found_in=dead.queue,
        cause=_stated(dead, consumer),
        event_name=dead.event_name,
        order_id=dead.order_id,
        user_id=stake.user_id if stake else None,
        at_stake=stake.total if stake else None,
        invalid=dead.invalid,
        attributes={name: text for name, text in dead.message.attributes.items() if name != FAILURE},
        body_at=body_at,
    )


def _stated(dead: DeadMessage, consumer: str) -> Cause | None:
    """The cause in the message itself; None for a copy that SQS has moved by its maxReceiveCount."""
    said = dead.failure
    text = dead.stated_cause or _text(said.get("cause"))
    if text is None:
        return None
    exception, _, message = text.partition(": ")
    code = _text(said.get("code")) or exception or "refused"
    return Cause(
        code=code,
        fingerprint=fingerprint(consumer, code),
        exception=exception or "refused",
        message=message or None,
        request_id=_text(said.get("requestId")),
    )


# ----------------------------------------------------------------------------------------------------- dead letters


class DeadLetter(Model):
    """A message that a consumer gave up, or that could not be delivered.

    Attributes:
        queue: the dead-letter queue of the consumer that it was for.
        found_in: the dead-letter queue that it came from: another one where a rule could not deliver it.
        message_id: by which it is found: the event's id; SQS's of what is no event.
        user_id: the account whose order it is about.
        at_stake: what that order comes to.
        state: DEAD; or what became of it since.
        since: when it came into this state.
        generation: how often it was replayed.
        cause: of its latest failure.
        first_failed_at: of this event at this consumer.
        last_failed_at: likewise.
        replays: ids of the replays that sent it, the latest last.
    """

    queue: str
    found_in: str
    message_id: str
    event_id: str | None
    event_name: str | None
    order_id: str | None
    user_id: str | None
    at_stake: Money | None
    state: FailureState
    since: datetime
    generation: int
    cause: Cause
    first_failed_at: datetime
    last_failed_at: datetime
    replays: tuple[str, ...]


class DeadLetterDetail(DeadLetter):
    """One dead letter in full.

    Attributes:
        body: as it was sent.
        invalid: why it is no event of the shop, else None.
        sqs_id: SQS's id of the message that was given up.
        attributes: of the message, such as the rule that could not deliver it.
    """

    body: str
    invalid: str | None
    sqs_id: str
    attributes: dict[str, str]


TREND = 24
"""Hours that a cause's trend goes back."""


class CauseGroup(Model):
    """Dead letters with one cause.

    Attributes:
        cause: its code; filters match any part of it.
        fingerprint: of consumer and code; a filter matches it, too.
        example: the text of the latest exception.
        count: how many.
        orders: how many different orders they are about.
        customers: how many different accounts those orders are of.
        at_stake: what those orders come to, in each of their currencies.
        trend: how many of them died in each of the last 24 hours, the last hour at the end.
        events: how many of each event name.
        versions: of the functions that failed.
        oldest: when the first of them died.
        latest: when the last of them did.
    """

    cause: str
    fingerprint: str
    example: str | None
    count: int
    orders: int
    customers: int
    at_stake: tuple[Money, ...]
    trend: tuple[int, ...]
    events: dict[str, int]
    versions: tuple[str, ...]
    oldest: datetime
    latest: datetime


def dead_letter(row: FailureRow) -> DeadLetter:
    """A row of the failures table."""
    own = ConsumerQueue.of(row.consumer).dead_letter_queue
    return DeadLetter(
        queue=own,
        found_in=row.found_in or own,
        message_id=row.event_id,
        event_id=None if row.event_id == row.message_id else row.event_id,
        event_name=row.event_name,
        order_id=row.order_id,
        user_id=row.user_id,
        at_stake=row.at_stake,
        state=row.state,
        since=_at(row.since),
        generation=row.generation,
        cause=row.cause,
        first_failed_at=_at(row.first_failed_at),
        last_failed_at=_at(row.last_failed_at),
        replays=row.replays,
    )


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def in_full(row: FailureRow, body: str) -> DeadLetterDetail:
    """A row with its body. A message that is only being retried has no body in the table, so it is empty."""
    return DeadLetterDetail(
        **dead_letter(row).model_dump(by_alias=False),
        body=body,
        invalid=row.invalid,
        sqs_id=row.sqs_id or row.message_id or row.event_id,
        attributes=row.attributes,
    )


def message_of(row: FailureRow, body: str) -> DeadMessage:
    """The message as it was in its dead-letter queue."""
    own = ConsumerQueue.of(row.consumer).dead_letter_queue
    message = QueueMessage(row.sqs_id or row.event_id, body, _at(row.since), row.attributes)
    return read(row.found_in or own, message)


def grouped(letters: Iterable[DeadLetter], now: datetime) -> list[CauseGroup]:
    """Dead letters by cause, the most frequent first."""
    groups: dict[str, list[DeadLetter]] = {}
    for letter in letters:
        groups.setdefault(letter.cause.code, []).append(letter)
    by_size = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [_group(code, members, now) for code, members in by_size]


def _group(code: str, members: Sequence[DeadLetter], now: datetime) -> CauseGroup:
    events: dict[str, int] = {}
    for member in members:
        name = member.event_name or "no event"
        events[name] = events.get(name, 0) + 1
    latest = max(members, key=lambda member: member.since)
    return CauseGroup(
        cause=code,
        fingerprint=latest.cause.fingerprint,
        example=latest.cause.message,
        count=len(members),
        orders=len({member.order_id for member in members if member.order_id}),
        customers=len({member.user_id for member in members if member.user_id}),
        at_stake=at_stake(members),
        trend=_trend((member.since for member in members), now),
        events=events,
        versions=tuple(sorted({member.cause.version for member in members if member.cause.version})),
        oldest=min(member.since for member in members),
        latest=latest.since,
    )


def at_stake(letters: Iterable[DeadLetter]) -> tuple[Money, ...]:
    """The sum of the orders of some dead letters, one for each currency. Each order counts once."""
    orders = {letter.order_id: letter.at_stake for letter in letters if letter.at_stake}
    sums: dict[str, int] = {}
    for total in orders.values():
        sums[total.currency] = sums.get(total.currency, 0) + total.amount
    # A sum above the limit of an amount is shown as that limit.
    return tuple(Money(amount=min(sums[each], MAX_MINOR_UNITS), currency=each) for each in sorted(sums))


def _trend(moments: Iterable[datetime], now: datetime) -> tuple[int, ...]:
    hours = Counter(int((now - moment) / timedelta(hours=1)) for moment in moments)
    return tuple(hours[ago] for ago in reversed(range(TREND)))


# ---------------------------------------------------------------------------------------------------------- filters


def _iso(value: object) -> object:
    """Accept text with date and time only: pydantic would read a number as seconds since 1970, a date as midnight."""
    if isinstance(value, datetime) or (isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", value)):
        return value
    raise ValueError("must be a date and time with a time zone, such as 2026-01-31T12:00:00Z")


type Moment = Annotated[AwareDatetime, BeforeValidator(_iso)]
"""A date and time with a time zone."""

QueueName = Annotated[str, Field(min_length=1, max_length=64, description="A dead-letter queue, such as OrdersDlq.")]
OrderIdFilter = Annotated[str, Field(min_length=1, max_length=64)]
EventNameFilter = Annotated[str, Field(min_length=1, max_length=64)]
CauseFilter = Annotated[
    str,
    Field(
        min_length=1, max_length=200, description="A cause, its fingerprint, or else a part of a cause or of its text."
    ),
]
UserIdFilter = Annotated[str, Field(min_length=1, max_length=128)]
MessageIds = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=1000)]
"""The types of filters, in queries and in bodies."""


def event_named(name: str) -> str:
    """The name of an event from its name in any case; a text that is not the name of an event is returned as it is."""
    names = {each.event_type.name.casefold(): each.event_type.name for each in BY_TYPE.values()}
    return names.get(name.casefold(), name)


class Selection(Model):
    """A selection of dead letters: those that match every given filter.

    Attributes:
        queue: the dead-letter queue.
        message_ids: these and no others.
        order_id: those about this order.
        event_name: those of this event, such as OrderPlaced.
        user_id: those about this account's orders.
        cause: those that have this cause or fingerprint; where there are none, those whose cause, or its text,
            contains it.
        since: died then or later.
        until: died then or earlier.
    """

    queue: QueueName
    message_ids: MessageIds = ()
    order_id: OrderIdFilter | None = None
    user_id: UserIdFilter | None = None
    event_name: EventNameFilter | None = None
    cause: CauseFilter | None = None
    since: Moment | None = None
    until: Moment | None = None

    def matches(self, letter: DeadLetter) -> bool:
        """Whether `letter` is selected."""
        said = letter.cause
        cause = f"{said.code} {said.message or ''} {said.where or ''} {said.fingerprint}".casefold()
        return (
            (not self.message_ids or letter.message_id in self.message_ids)
            and self.order_id in (None, letter.order_id)
            and self.user_id in (None, letter.user_id)
            and (self.event_name is None or self.event_name.casefold() == (letter.event_name or "").casefold())
            and (self.cause is None or self.cause.casefold() in cause)
            and (self.since is None or letter.since >= self.since)
            and (self.until is None or letter.since <= self.until)
        )

    def __str__(self) -> str:
        filters = self.model_dump(exclude_none=True, exclude={"queue", "message_ids"}, by_alias=False)
        parts = [f"{name.replace('_', ' ')} {value}" for name, value in filters.items()]
        if self.message_ids:
            parts.insert(0, f"{len(self.message_ids)} by id")
        return f"{self.queue}: {', '.join(parts) or 'all'}"
