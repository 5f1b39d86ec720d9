"""Dead letters and replays: what a message is, why it failed, which ones are meant, where each belongs. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from cloudretail.envelope import Event
from cloudretail.errors import InvalidEvent
from cloudretail.model import Model
from contract import parse
from contract.inventory import InventoryReserved

RETENTION = timedelta(days=14)
"""Of every dead-letter queue; a dead letter's clock started when the message was first sent to its own queue."""

UNKNOWN_CAUSE = "timeout or crash"
"""Where no cause was kept: the function did not live to keep one."""

MAX_DELAY = 900
"""Seconds, the longest that SQS delays a message."""

REPLAYED_BY = "replays"
"""Message attribute of a copy: the ids of the replays that it has been through, the latest last."""


class BoxName(StrEnum):
    """The dead-letter queues, by their names in the template."""

    ORDERS = "OrdersDlq"
    INVENTORY = "InventoryDlq"
    PAYMENTS = "PaymentsDlq"
    PAYMENT_WINDOW = "PaymentWindowDlq"
    PAYMENT_WORKER = "PaymentWorkerDlq"
    NOTIFICATIONS = "NotificationsDlq"
    CATALOG_IMAGES = "CatalogImagesDlq"
    RELAY = "RelayDlq"
    RULE_TARGETS = "RuleTargetsDlq"
    REPLAY_WORKER = "ReplayWorkerDlq"


@dataclass(frozen=True)
class Consumer:
    """A queue and whoever reads it.

    Attributes:
        name: under which it keeps the causes of its failures.
        queue: its queue's name in the template.
        box: where its messages go that failed too often.
        rule: name in the template of the rule that fills the queue; None where it is not the bus.
    """

    name: str
    queue: str
    box: BoxName
    rule: str | None


CONSUMERS = (
    Consumer("orders", "OrdersQueue", BoxName.ORDERS, "OrdersRule"),
    Consumer("inventory", "InventoryQueue", BoxName.INVENTORY, "InventoryRule"),
    Consumer("payments", "PaymentsQueue", BoxName.PAYMENTS, "PaymentsRule"),
    Consumer("payment-window", "PaymentWindowQueue", BoxName.PAYMENT_WINDOW, "PaymentWindowRule"),
    Consumer("payment-worker", "PaymentWorkerQueue", BoxName.PAYMENT_WORKER, "PaymentWorkerRule"),
    Consumer("notifications", "NotificationsQueue", BoxName.NOTIFICATIONS, "NotificationsRule"),
    Consumer("catalog-images", "CatalogImagesQueue", BoxName.CATALOG_IMAGES, None),
)


def consumer_of(box: BoxName) -> Consumer | None:
    """Whose messages a dead-letter queue holds; None for those of the relay, the rules and the replay worker."""
    return next((each for each in CONSUMERS if each.box is box), None)


def box_named(name: str) -> BoxName | None:
    """The dead-letter queue that a person means by `OrdersDlq`, `orders`, `payment-worker` ...; None for any other."""
    wanted = name.casefold().replace("-", "").removesuffix("dlq").removesuffix("queue")
    return next((box for box in BoxName if box.casefold().removesuffix("dlq") == wanted), None)


# --------------------------------------------------------------------------------------------------------- messages


@dataclass(frozen=True)
class Message:
    """A message as a queue gives it.

    Attributes:
        id: SQS's; a message keeps it when it moves to its dead-letter queue, and a copy has another.
        receipt: with which this receipt of it is answered.
        body: as sent.
        sent_at: when it was first sent, aware.
        receives: how often it was received, by consumers and by people who looked.
        attributes: message attributes that are text.
    """

    id: str
    receipt: str
    body: str
    sent_at: datetime
    receives: int
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Letter:
    """A message of a dead-letter queue, read as well as it can be.

    Attributes:
        box: where it lies.
        message: itself.
        document: what a consumer would get; of a whole EventBridge event or a relay's parked entry, the event in it.
        event: the shop's event, if `document` is a valid one.
        invalid: why it is none, else None.
        event_id: also of an event that is not valid, where it says one.
        event_name: likewise.
        order_id: likewise.
        entry: of the relay's own, the entry that the bus refused.
        told_cause: what the message itself says of why it is here.
    """

    box: BoxName
    message: Message
    document: str
    event: Event | None
    invalid: str | None
    event_id: str | None
    event_name: str | None
    order_id: str | None
    entry: Mapping[str, str] | None = None
    told_cause: str | None = None

    @property
    def failure_key(self) -> str:
        """Under which its consumer keeps why it failed: the event's id, or the message's where it is no event."""
        return self.event.id if self.event else self.message.id

    @property
    def replays(self) -> tuple[str, ...]:
        """Ids of the replays that it has been through."""
        return tuple(filter(None, self.message.attributes.get(REPLAYED_BY, "").split(",")))


def read(box: BoxName, message: Message) -> Letter:
    """Make out what a dead letter is; nothing in it is taken for granted."""
    content = _object(message.body)
    document, entry, told = message.body, None, None
    match content:
        case {"entry": {"Detail": str(detail), "Source": str(), "DetailType": str()} as parked} if box is BoxName.RELAY:
            document, entry = detail, {name: str(value) for name, value in parked.items()}
            told = f"{content.get('errorCode', '')}: {content.get('errorMessage', '')}"
        case {"requestPayload": payload, "requestContext": dict(invocation)} if box is BoxName.REPLAY_WORKER:
            document = json.dumps(payload)
            response = content.get("responsePayload") or {}
            told = f"{response.get('errorType') or invocation.get('condition')}: {response.get('errorMessage', '')}"
        case {"detail-type": str(), "detail": dict(detail)}:
            # Rules hand over `$.detail`; what they could not hand over may be kept whole.
            document = json.dumps(detail)
    if code := message.attributes.get("ERROR_CODE") or message.attributes.get("ErrorCode"):
        reason = message.attributes.get("ERROR_MESSAGE") or message.attributes.get("ErrorMessage", "")
        told = f"{code}: {reason}"
    event, invalid = None, None
    try:
        event = parse(document)
    except InvalidEvent as error:
        invalid = str(error)
    if event:
        return Letter(
            box, message, document, event, None, event.id, event.data.event_type.name, event.data.order_id, entry, told
        )
    said = _object(document)
    parts = str(said.get("type", "")).split(".")
    name = parts[2] if len(parts) == 4 else None  # cloudretail.<service>.<Name>.v<version>
    return Letter(
        box, message, document, None, invalid, _text(said.get("id")), name, _text(said.get("subject")), entry, told
    )


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
        exception: its class; "timeout or crash" where no cause was kept.
        message: the exception's text.
        where: file, line and function in which it was raised.
        function: that failed, as it is called in the logs.
        request_id: of the invocation, by which its log lines are found.
        attempt: which delivery this was.
        first_failed_at: of this event at this consumer.
        last_failed_at: likewise.
    """

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
        """Exception and place: what a group of dead letters has in common."""
        return f"{self.exception} at {self.where}" if self.where else self.exception


class DeadLetter(Model):
    """A dead letter as an operator sees it.

    Attributes:
        queue: the dead-letter queue.
        message_id: SQS's.
        sent_at: when it was first sent.
        expires_at: when SQS deletes it.
        replays: ids of the replays that it has been through.
    """

    queue: BoxName
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
        body: as it lies in the queue.
        invalid: why it is no event of the shop, else None.
        receives: how often it was received.
        attributes: of the message, such as the rule that could not deliver it.
    """

    body: str
    invalid: str | None
    receives: int
    attributes: dict[str, str]


class CauseGroup(Model):
    """Dead letters with one cause.

    Attributes:
        cause: exception and place; filters take any part of it.
        example: the text of the latest one's exception.
        count: how many.
        events: how many of each event name.
        oldest: when the first of them was sent.
    """

    cause: str
    example: str | None
    count: int
    events: dict[str, int]
    oldest: datetime


def cause_of(letter: Letter, kept: Mapping[str, Any] | None) -> Cause:
    """Why a letter is dead.

    Args:
        letter: to be explained.
        kept: the row of the failures table for it, None where there is none.
    """
    if letter.told_cause:
        code, _, message = letter.told_cause.partition(": ")
        return Cause(exception=code or "refused", message=message or None)
    if kept is None:
        return Cause(exception=UNKNOWN_CAUSE)
    times = {
        name: datetime.fromtimestamp(kept[name], UTC) for name in ("firstFailedAt", "lastFailedAt") if name in kept
    }
    return Cause.model_validate({**kept, **times})


def dead_letter(letter: Letter, kept: Mapping[str, Any] | None, retention: timedelta = RETENTION) -> DeadLetterDetail:
    """A letter with its cause; arguments as of `cause_of`."""
    message = letter.message
    return DeadLetterDetail(
        queue=letter.box,
        message_id=message.id,
        event_id=letter.event_id,
        event_name=letter.event_name,
        order_id=letter.order_id,
        sent_at=message.sent_at,
        expires_at=message.sent_at + retention,
        cause=cause_of(letter, kept),
        replays=letter.replays,
        body=message.body,
        invalid=letter.invalid,
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


class Selection(Model):
    """Which dead letters are meant; every condition that is given has to hold.

    Attributes:
        queue: the dead-letter queue.
        message_ids: these and no others.
        order_id: those about this order.
        event_name: those of this event, such as OrderPlaced.
        cause: those whose cause, or its text, contains this.
        since: first sent then or later.
        until: first sent then or earlier.
    """

    queue: BoxName
    message_ids: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    order_id: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    event_name: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    cause: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Whether `letter` is meant."""
        cause = f"{letter.cause.title} {letter.cause.message or ''}".casefold()
        return (
            (not self.message_ids or letter.message_id in self.message_ids)
            and self.order_id in (None, letter.order_id)
            and (self.event_name is None or self.event_name.casefold() == (letter.event_name or "").casefold())
            and (self.cause is None or self.cause.casefold() in cause)
            and (self.since is None or letter.sent_at >= _aware(self.since))
            and (self.until is None or letter.sent_at <= _aware(self.until))
        )

    def __str__(self) -> str:
        said = self.model_dump(exclude_none=True, exclude={"queue", "message_ids"}, by_alias=False)
        parts = [f"{name.replace('_', ' ')} {value}" for name, value in said.items()]
        if self.message_ids:
            parts.insert(0, f"{len(self.message_ids)} by id")
        return f"{self.queue}: {', '.join(parts) or 'all'}"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# ----------------------------------------------------------------------------------------------------------- replays


class Action(StrEnum):
    """What was done to dead letters, to an order, or with the archive."""

    REPLAY = "REPLAY"
    DROP = "DROP"
    DRY_RUN = "DRY_RUN"
    NUDGE = "NUDGE"
    ARCHIVE = "ARCHIVE"


class ReplayState(StrEnum):
    """How far a replay is. INTERRUPTED: it was ended before its end; what it did not come to lies where it lay."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    INTERRUPTED = "INTERRUPTED"


class Outcome(StrEnum):
    """What became of one message.

    PLANNED: it was not its turn yet. REPLAYED: a copy was accepted where it belongs. DROPPED: kept in the record, gone
    from the queue. FAILED: refused, it stays where it was. GONE: somebody else had it replayed or dropped.
    Of a dry run: WOULD_ACT, NOTHING_TO_DO, WOULD_FAIL.
    """

    PLANNED = "PLANNED"
    REPLAYED = "REPLAYED"
    DROPPED = "DROPPED"
    FAILED = "FAILED"
    GONE = "GONE"
    WOULD_ACT = "WOULD_ACT"
    NOTHING_TO_DO = "NOTHING_TO_DO"
    WOULD_FAIL = "WOULD_FAIL"


class Replay(Model):
    """The record of a replay, a drop, a dry run, a nudge, or a replay of the archive.

    Attributes:
        by: who asked for it.
        reason: why, in that person's words.
        target: in words: the selection of dead letters, the order, or the part of the archive.
        selection: which dead letters; None where it is about something else.
        rate: messages a second at the most.
        at: when it was asked for.
        planned: how many messages it is about; None until that is known.
        missed: about how many messages of the queue could not be looked at, because somebody else held them.
        outcomes: how many messages came to each outcome.
        ended_at: when it came to its end, or was interrupted.
    """

    replay_id: str
    action: Action
    by: str
    reason: str
    target: str
    selection: Selection | None = None
    rate: float = 20
    at: datetime
    state: ReplayState = ReplayState.QUEUED
    planned: int | None = None
    missed: int = 0
    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    ended_at: datetime | None = None

    @property
    def done(self) -> int:
        """How many messages came to an outcome."""
        return sum(count for outcome, count in self.outcomes.items() if outcome is not Outcome.PLANNED)


class ReplayedMessage(Model):
    """What a replay did to one message.

    Attributes:
        queue: where it lay.
        text: what a dry run says of it, where it was sent, or why it was refused.
        copies: SQS's ids of the copies that were accepted.
        at: of the outcome.
        body: of a dropped message: all that is left of it.
        attributes: likewise.
    """

    replay_id: str
    message_id: str
    queue: str
    event_id: str | None = None
    event_name: str | None = None
    order_id: str | None = None
    outcome: Outcome = Outcome.PLANNED
    text: str | None = None
    copies: tuple[str, ...] = ()
    at: datetime
    body: str | None = None
    attributes: dict[str, str] | None = None


class Verdict(Model):
    """What the current code would make of a message.

    Attributes:
        outcome: WOULD_ACT, NOTHING_TO_DO or WOULD_FAIL.
        text: such as `would reserve 2 x canvas-backpack`.
    """

    outcome: Outcome
    text: str


@dataclass(frozen=True)
class ToQueue:
    """A copy belongs into this consumer's queue, and is held back there for `delay` seconds."""

    consumer: Consumer
    delay: int = 0


@dataclass(frozen=True)
class ToBus:
    """The entry belongs on the bus."""

    entry: Mapping[str, str]


@dataclass(frozen=True)
class ToReplayWorker:
    """The invocation is to be made again."""


type Destination = ToQueue | ToBus | ToReplayWorker


class NowhereToGo(Exception):
    """A letter says nothing of where it belongs."""


def destinations(letter: Letter, takers: Mapping[str, Sequence[str]], now: datetime) -> list[Destination]:
    """Where a replay sends a letter: to those that did not get it, and to nobody else.

    Args:
        letter: to be replayed.
        takers: names of the consumers that a type of event is for, by the CloudEvents type.
        now: aware.

    Raises:
        NowhereToGo: a rule's letter that names no target and is no event.
    """
    if consumer := consumer_of(letter.box):
        # It waited its time already, before it failed.
        return [ToQueue(consumer)]
    match letter.box:
        case BoxName.RELAY:
            if letter.entry is None:
                raise NowhereToGo("not an entry that the relay parked")
            return [ToBus(letter.entry)]
        case BoxName.REPLAY_WORKER:
            return [ToReplayWorker()]
        case _:
            return [ToQueue(each, _delay(each, letter, now)) for each in _targets(letter, takers)]


def _targets(letter: Letter, takers: Mapping[str, Sequence[str]]) -> list[Consumer]:
    """The consumers whose rule failed; where the message does not say, all that the event is for."""
    target = letter.message.attributes.get("TARGET_ARN", "").rpartition(":")[2]
    rule = letter.message.attributes.get("RULE_ARN", "").rpartition("/")[2]
    # CloudFormation's names hold the template's.
    named = [
        each for each in CONSUMERS if _holds(target, each.queue) or (each.rule is not None and _holds(rule, each.rule))
    ]
    if named:
        return named
    if letter.event is None:
        raise NowhereToGo("it names no target and is no event of the shop")
    return [each for each in CONSUMERS if each.name in takers.get(letter.event.data.event_type.type, ())]


def _holds(physical: str, logical: str) -> bool:
    return logical in physical.split("-")


def _delay(consumer: Consumer, letter: Letter, now: datetime) -> int:
    """Seconds until the payment window closes, for a message that never waited in its queue."""
    if consumer.name != "payment-window" or letter.event is None:
        return 0
    data = letter.event.data
    left = (data.until - now).total_seconds() if isinstance(data, InventoryReserved) else 0
    return max(0, min(MAX_DELAY, round(left)))
