"""What operators ask for, as one thing for all three ways in: the command, the API and the replay worker."""

import secrets
from collections.abc import Sequence

from cloudretail.errors import NotFound
from cloudretail.model import Model
from operations.domain import (
    CONSUMERS,
    Action,
    BoxName,
    CauseGroup,
    DeadLetter,
    DeadLetterDetail,
    Replay,
    ReplayedMessage,
    Selection,
    grouped,
)
from operations.replays import LIMIT, Clock, DeadLetters
from operations.store import Counts, DynamoDBCauses, DynamoDBJournal, Journal, QueueSettings, SqsQueue

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
        return self.journal.messages(replay_id)


def new_replay_id() -> str:
    return f"rpl_{secrets.token_hex(6)}"


def _brief(letter: DeadLetterDetail) -> DeadLetter:
    return DeadLetter.model_validate(letter.model_dump())
