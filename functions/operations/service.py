"""What operators ask for, as one thing for all three ways in: the command, the API and the replay worker."""

import json
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from cloudretail.errors import NotFound
from cloudretail.model import Model
from operations.domain import (
    CONSUMERS,
    Action,
    BoxName,
    CauseGroup,
    DeadLetter,
    DeadLetterDetail,
    Outcome,
    Replay,
    ReplayedMessage,
    ReplayState,
    Selection,
    grouped,
)
from operations.reconciliation import Broken, broken
from operations.replays import LIMIT, Clock, DeadLetters, counted
from operations.store import (
    Counts,
    DynamoDBCauses,
    DynamoDBJournal,
    EventBridgeBus,
    Journal,
    NotAccepted,
    QueueSettings,
    Shelves,
    SqsQueue,
)
from operations.story import Trace, Wait, stuck, trace, wait_of

TOP = 3
"""Causes that a list of queues shows of each."""


class QueueState(Model):
    """How a queue and its dead-letter queue fare. The relay, the rules and the replay worker have only the latter.

    Attributes:
        consumer: who reads the queue.
        queue: its name in the template.
        waiting: messages that nobody has received.
        in_flight: received, and not done with.
        delayed: held back, as those of the payment window are.
        dead_letter_queue: its name in the template.
        dead: messages that were given up, those among them that somebody looks at just now.
    """

    consumer: str | None
    queue: str | None
    waiting: int = 0
    in_flight: int = 0
    delayed: int = 0
    dead_letter_queue: BoxName
    dead: int


class BoxSummary(Model):
    """A dead-letter queue at a glance.

    Attributes:
        count: messages in it.
        missed: those of them that could not be looked at.
        oldest: the message that was sent first, and expires first.
        causes: the most frequent ones.
    """

    queue: BoxName
    count: int
    missed: int
    oldest: DeadLetter | None
    causes: tuple[CauseGroup, ...]


class Found(Model):
    """Dead letters that a selection takes.

    Attributes:
        count: how many.
        missed: about how many of the queue could not be looked at.
        causes: all of theirs, the most frequent first.
        items: oldest first.
    """

    queue: BoxName
    count: int
    missed: int
    causes: tuple[CauseGroup, ...]
    items: tuple[DeadLetter, ...]


class Desk:
    """Dead letters to look at, and replays to be begun.

    Args:
        queues: addresses of all queues.
        failures_table: where the causes are kept.
        replays_table: where replays are recorded.
        clock: of the looks and records.
    """

    def __init__(
        self, queues: QueueSettings, failures_table: str, replays_table: str, clock: Clock | None = None
    ) -> None:
        self._queues = queues
        self._clock = clock or Clock()
        boxes = {box: SqsQueue(queues.url(box)) for box in BoxName}
        self.letters = DeadLetters(boxes, DynamoDBCauses(failures_table), self._clock)
        self.journal: Journal = DynamoDBJournal(replays_table)

    def queues(self) -> list[QueueState]:
        """How all queues fare, as SQS counts them."""
        states = []
        for consumer in CONSUMERS:
            counts = SqsQueue(self._queues.url(consumer.queue)).counts()
            states.append(
                QueueState(
                    consumer=consumer.name,
                    queue=consumer.queue,
                    waiting=counts.visible,
                    in_flight=counts.hidden,
                    delayed=counts.delayed,
                    dead_letter_queue=consumer.box,
                    dead=self._dead(consumer.box).total,
                )
            )
        owned = {consumer.box for consumer in CONSUMERS}
        states += [
            QueueState(consumer=None, queue=None, dead_letter_queue=box, dead=self._dead(box).total)
            for box in BoxName
            if box not in owned
        ]
        return states

    def _dead(self, box: BoxName) -> Counts:
        return self.letters.boxes[box].counts()

    def summary(self, box: BoxName) -> BoxSummary:
        """A queue at a glance."""
        letters, missed = self.letters.seen(box)
        return BoxSummary(
            queue=box,
            count=len(letters) + missed,
            missed=missed,
            oldest=_brief(letters[0]) if letters else None,
            causes=tuple(grouped(letters)[:TOP]),
        )

    def find(self, selection: Selection, limit: int = LIMIT) -> Found:
        """The dead letters that are meant; at most `limit` of them as items, all of them in the counts."""
        letters, missed = self.letters.seen(selection.queue)
        chosen = [letter for letter in letters if selection.takes(letter)]
        return Found(
            queue=selection.queue,
            count=len(chosen),
            missed=missed,
            causes=tuple(grouped(chosen)),
            items=tuple(_brief(letter) for letter in chosen[:limit]),
        )

    def one(self, box: BoxName, message_id: str) -> tuple[DeadLetterDetail, list[Replay]]:
        """A dead letter in full, and the replays that it has been through, the latest first; raises NotFound."""
        letters, _ = self.letters.seen(box)
        letter = next((each for each in letters if each.message_id == message_id), None)
        if letter is None:
            raise NotFound("message in this dead-letter queue")
        replays = [replay for each in reversed(letter.replays) if (replay := self.journal.find(each))]
        return letter, replays

    def begin(self, action: Action, selection: Selection, *, by: str, reason: str, rate: float) -> Replay:
        """Record that dead letters are to be replayed or dropped, or are to be tried; nothing happens yet."""
        replay = Replay(
            replay_id=new_replay_id(),
            action=action,
            by=by,
            reason=reason,
            target=str(selection),
            selection=selection,
            rate=rate,
            at=self._clock.now(),
        )
        self.journal.save(replay)
        return replay

    def replay(self, replay_id: str) -> Replay:
        """The record of a replay; raises NotFound."""
        found = self.journal.find(replay_id)
        if found is None:
            raise NotFound("replay")
        return found

    def messages(self, replay_id: str) -> Sequence[ReplayedMessage]:
        """What became of each message of a replay."""
        return sorted(self.journal.messages(replay_id), key=lambda message: message.at)


class Casebook:
    """The stories of orders, and whether the tables agree.

    Args:
        desk: whose dead letters and records they are.
        shelves: the tables.
        bus: on which an outbox is published again.
        clock: of the looks and records.
    """

    def __init__(self, desk: Desk, shelves: Shelves, bus: EventBridgeBus, clock: Clock | None = None) -> None:
        self._desk = desk
        self._shelves = shelves
        self._bus = bus
        self._clock = clock or Clock()

    def trace(self, order_id: str) -> Trace:
        """All that is known of an order; raises NotFound where that is nothing."""
        dossier = self._shelves.dossier(order_id)
        failures = self._desk.letters.causes.of_order(order_id)
        if dossier.order is None and not failures:
            raise NotFound("order")
        dead = [letter for letter in self._dead() if letter.order_id == order_id]
        return trace(
            order_id,
            dossier,
            mails=self._shelves.mails(order_id),
            charges=self._shelves.charges(order_id),
            failures=failures,
            replays=self._desk.journal.of_order(order_id),
            waits_for=wait_of(dossier, dead, self._clock.now()),
        )

    def _dead(self) -> list[DeadLetter]:
        return [letter for box in BoxName for letter in self._desk.letters.seen(box)[0]]

    def stuck(self, older_than: timedelta) -> list[Wait]:
        """The orders that stand still, the longest first; each looked at once more by itself before it is named."""
        now = self._clock.now()
        dead = self._dead()
        suspects = stuck(self._shelves.books(), dead, now, older_than)
        found = []
        for suspect in suspects:
            letters = [letter for letter in dead if letter.order_id == suspect.order_id]
            if wait := wait_of(self._shelves.dossier(suspect.order_id), letters, now):
                found.append(wait)
        return found

    def nudge(self, order_id: str, *, by: str, reason: str) -> Replay:
        """Put the last events of the order, its reservation and its payment on the bus again; raises NotFound.

        Safe: their consumers have them once more, and do once what they say.
        """
        now = self._clock.now()
        dossier = self._shelves.dossier(order_id)
        documents = [document for outbox in dossier.outboxes.values() for document in outbox.events]
        if not documents:
            raise NotFound("order")
        replay = Replay(
            replay_id=new_replay_id(),
            action=Action.NUDGE,
            by=by,
            reason=reason,
            target=order_id,
            at=now,
            state=ReplayState.RUNNING,
            planned=len(documents),
        )
        self._desk.journal.save(replay)
        entries = [self._published(replay, document, now) for document in documents]
        self._desk.journal.note(entries)
        ended = {"state": ReplayState.DONE, "outcomes": counted(entries), "ended_at": self._clock.now()}
        replay = replay.model_copy(update=ended)
        self._desk.journal.save(replay)
        return replay

    def _published(self, replay: Replay, document: str, now: datetime) -> ReplayedMessage:
        event = json.loads(document)
        entry = ReplayedMessage(
            replay_id=replay.replay_id,
            message_id=event["id"],
            queue="the outbox",
            event_id=event["id"],
            event_name=event["type"].split(".")[2],
            order_id=replay.target,
            at=now,
        )
        try:
            copy = self._bus.publish(document)
        except NotAccepted as error:
            return entry.model_copy(update={"outcome": Outcome.FAILED, "text": str(error)})
        return entry.model_copy(update={"outcome": Outcome.REPLAYED, "copies": (copy,), "text": "to the bus"})

    def reconcile(self) -> list[Broken]:
        """Every invariant that does not hold, seen twice: what the shop changed between two tables holds a moment
        later."""
        first = broken(self._shelves.books(), self._clock.now())
        if not first:
            return []
        self._clock.sleep(1)
        second = broken(self._shelves.books(), self._clock.now())
        return [each for each in second if each in first]


def new_replay_id() -> str:
    return f"rpl_{secrets.token_hex(6)}"


def _brief(letter: DeadLetterDetail) -> DeadLetter:
    return DeadLetter.model_validate(letter.model_dump())
