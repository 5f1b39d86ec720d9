"""What a replay is, what becomes of each message, and where each belongs. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from cloudretail.errors import ShopError
from cloudretail.failures import FailureState
from cloudretail.model import Model
from contract.inventory import InventoryReserved
from operations.dead_letters.domain import DeadLetter, DeadMessage, Selection, owner_of
from operations.queues import RELAY_DLQ, REPLAY_WORKER_DLQ, RULE_TARGETS_DLQ, ConsumerQueue, QueueNames

MAX_DELAY = 900
"""Seconds, the longest that SQS delays a message."""

BEAT_EVERY = 1.0
"""Seconds between two signs of life of the worker, each with how far it is."""

STALE_AFTER = timedelta(minutes=5)
"""Without a sign of life, a worker has ended: Lambda tries it again after one minute, and after two more."""

SLOWEST = 0.5
"""Messages a second."""


class Action(StrEnum):
    """What was done to dead letters, to an order, or with the archive. COPY: to another stage, for debugging."""

    REPLAY = "REPLAY"
    COPY = "COPY"
    DROP = "DROP"
    DRY_RUN = "DRY_RUN"
    NUDGE = "NUDGE"
    ARCHIVE = "ARCHIVE"


class ReplayState(StrEnum):
    """How far a replay is.

    CANCELLED: an operator has stopped it. INTERRUPTED: its worker has ended before its time. Of both the remaining
    messages are dead letters still, and it can be resumed.
    """

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    INTERRUPTED = "INTERRUPTED"


class Outcome(StrEnum):
    """What became of one message.

    PLANNED: its turn has not come. REPLAYED: its destination has accepted a copy. COPIED: another stage has one, and it
    is a dead letter still. DROPPED: nobody will handle it. FAILED: its destination refused the copy, and it is a dead
    letter still. GONE: somebody else replayed or dropped it.
    Of a dry run: WOULD_ACT, NOTHING_TO_DO, WOULD_FAIL.
    """

    PLANNED = "PLANNED"
    REPLAYED = "REPLAYED"
    COPIED = "COPIED"
    DROPPED = "DROPPED"
    FAILED = "FAILED"
    GONE = "GONE"
    WOULD_ACT = "WOULD_ACT"
    NOTHING_TO_DO = "NOTHING_TO_DO"
    WOULD_FAIL = "WOULD_FAIL"


DRY_RUN_OUTCOMES = frozenset({Outcome.WOULD_ACT, Outcome.NOTHING_TO_DO, Outcome.WOULD_FAIL})
"""Nothing has happened to such a message."""


class Replay(Model):
    """The record of a replay, a drop, a dry run, a nudge, or a replay of the archive.

    Attributes:
        by: who asked for it.
        reason: why, in that person's words.
        target: in words: the selection of dead letters, the order, or the part of the archive.
        selection: which dead letters the worker has to handle; None where it has none.
        rate: messages a second at the most.
        at: when it was asked for.
        planned: how many messages it is about; None until that is known.
        outcomes: how many messages have each outcome.
        beat_at: when its worker last said that it lives.
        version: of the function that carries it out.
        ended_at: when it was done, cancelled or interrupted.
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
    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    beat_at: datetime | None = None
    version: str | None = None
    ended_at: datetime | None = None

    @property
    def done(self) -> int:
        """How many messages have an outcome."""
        return sum(count for outcome, count in self.outcomes.items() if outcome is not Outcome.PLANNED)

    @property
    def ended(self) -> bool:
        return self.state in (ReplayState.DONE, ReplayState.CANCELLED, ReplayState.INTERRUPTED)

    def seen_at(self, now: datetime) -> "Replay":
        """As it is now: one whose worker is silent is INTERRUPTED, whatever was written last.

        What EventBridge replays from its archive has no worker of ours.
        """
        silent = not self.ended and self.action is not Action.ARCHIVE and now - (self.beat_at or self.at) > STALE_AFTER
        return self.model_copy(update={"state": ReplayState.INTERRUPTED}) if silent else self


class ReplayedMessage(Model):
    """What a replay did to one message.

    Attributes:
        queue: the dead-letter queue of the consumer that it is for.
        generation: that its copy has.
        text: what a dry run expects, where a copy was sent, or why it was refused.
        copies: SQS's ids of the copies that were accepted.
        at: of the outcome.
        state: of what was replayed, what has become of it since; not recorded, but looked up.
    """

    replay_id: str
    message_id: str
    queue: str
    generation: int = 0
    event_id: str | None = None
    event_name: str | None = None
    order_id: str | None = None
    outcome: Outcome = Outcome.PLANNED
    text: str | None = None
    copies: tuple[str, ...] = ()
    at: datetime
    state: FailureState | None = None


def planned(replay: Replay, letter: DeadLetter, generation: int, now: datetime) -> ReplayedMessage:
    """The record of a message that is not replayed yet."""
    return ReplayedMessage(
        replay_id=replay.replay_id,
        message_id=letter.message_id,
        queue=letter.queue,
        generation=generation,
        event_id=letter.event_id,
        event_name=letter.event_name,
        order_id=letter.order_id,
        at=now,
    )


def counted(messages: Iterable[ReplayedMessage]) -> dict[Outcome, int]:
    """How many messages have each outcome."""
    counts: dict[Outcome, int] = {}
    for message in messages:
        counts[message.outcome] = counts.get(message.outcome, 0) + 1
    return counts


# ----------------------------------------------------------------------------------------------------- destinations


@dataclass(frozen=True)
class ToQueue:
    """A copy goes to this consumer's queue, with a delay in seconds."""

    consumer: ConsumerQueue
    delay: int = 0


@dataclass(frozen=True)
class ToBus:
    """The entry is published on the bus."""

    entry: Mapping[str, str]


@dataclass(frozen=True)
class ToReplayWorker:
    """The replay worker is invoked again."""


type Destination = ToQueue | ToBus | ToReplayWorker

type Subscribers = Mapping[str, Sequence[str]]
"""Names of the consumers that subscribe to a type of event, by the CloudEvents type."""


class NoDestination(ShopError):
    """A message has no destination."""


def destinations(dead: DeadMessage, names: QueueNames, subscribers: Subscribers, now: datetime) -> list[Destination]:
    """The destinations of a replayed message: the consumers that did not receive it, and no other.

    Args:
        dead: the message to replay.
        names: of all queues.
        subscribers: names of consumers by type of event.
        now: aware.

    Raises:
        NoDestination: a rule's message names no target and is not an event.
    """
    owner = owner_of(dead, names)
    if owner in names.consumers:
        # The message had its queue's delay before it failed, unless a rule could not deliver it to that queue.
        return [ToQueue(owner, _delay(owner, dead, now) if dead.queue == RULE_TARGETS_DLQ else 0)]
    if dead.queue == RELAY_DLQ:
        if dead.entry is None:
            raise NoDestination("it is no entry that the relay parked")
        return [ToBus(dead.entry)]
    if dead.queue == REPLAY_WORKER_DLQ:
        return [ToReplayWorker()]
    if dead.event is None:
        raise NoDestination("it names no target and is no event of the shop")
    wanted = subscribers.get(dead.event.data.event_type.type, ())
    return [ToQueue(each, _delay(each, dead, now)) for each in names.consumers if each.consumer in wanted]


def _delay(consumer: ConsumerQueue, dead: DeadMessage, now: datetime) -> int:
    """Seconds until the payment window closes, for a message that its queue has not delayed yet."""
    if consumer.consumer != "payment-window" or dead.event is None:
        return 0
    data = dead.event.data
    left = (data.until - now).total_seconds() if isinstance(data, InventoryReserved) else 0
    return max(0, min(MAX_DELAY, round(left)))
