"""The dead letters of all queues, with their causes: lists, summaries, and one in full."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudretail.errors import NotFound
from cloudretail.model import Model
from operations.clock import REAL_TIME, Clock
from operations.dead_letters.domain import (
    CauseGroup,
    DeadLetter,
    DeadLetterDetail,
    Selection,
    dead_letter,
    grouped,
    read,
)
from operations.dead_letters.failures import Failures
from operations.dead_letters.look import LIMIT, look
from operations.dead_letters.sqs import Queue
from operations.queues import WITHOUT_CONSUMER, QueueNames

TOP = 3
"""Causes that the list of queues shows of each."""


class QueueState(Model):
    """How many messages a consumer's queue and its dead-letter queue hold; some dead-letter queues have no consumer.

    Attributes:
        consumer: such as `payment-window`; None for the queues of the relay, the rules and the replay worker.
        queue: its name in the template.
        waiting: messages to be received.
        in_flight: received, and not deleted yet.
        delayed: not visible yet, as those of the payment window.
        dead_letter_queue: its name in the template.
        dead: dead letters, including those that somebody is looking at.
    """

    consumer: str | None
    queue: str | None
    waiting: int = 0
    in_flight: int = 0
    delayed: int = 0
    dead_letter_queue: str
    dead: int


class DeadLetterQueue(Model):
    """A dead-letter queue at a glance.

    Attributes:
        count: messages in it.
        missed: those of them that could not be received, because somebody else had.
        oldest: the message that was sent first, and expires first.
        causes: the most frequent ones.
    """

    queue: str
    count: int
    missed: int
    oldest: DeadLetter | None
    causes: tuple[CauseGroup, ...]


class Matches(Model):
    """The dead letters that a selection matches.

    Attributes:
        count: how many.
        missed: about how many of the queue could not be received, because somebody else had.
        causes: all of theirs, the most frequent first.
        items: oldest first.
    """

    queue: str
    count: int
    missed: int
    causes: tuple[CauseGroup, ...]
    items: tuple[DeadLetter, ...]


@dataclass(frozen=True)
class DeadLetters:
    """The dead-letter queues, with the causes of their messages.

    Attributes:
        names: of all queues.
        queues: all of them, by name.
        failures: why messages failed.
        clock: for the pauses of a look.
    """

    names: QueueNames
    queues: Mapping[str, Queue]
    failures: Failures
    clock: Clock = REAL_TIME

    def all(self, queue: str, limit: int = LIMIT) -> tuple[list[DeadLetterDetail], int]:
        """The dead letters of a queue, oldest first, and about how many more there are."""
        found = look(self.queues[queue], self.clock, limit)
        messages = [read(queue, message) for message in found.messages]
        failures = self.failures.of(messages)
        letters = [dead_letter(each, failures.get(each.message.id), found.retention) for each in messages]
        return letters, found.missed

    def of_all_queues(self) -> list[DeadLetter]:
        """The dead letters of all queues."""
        return [letter for queue in self.names.dead_letter_queues for letter in self.all(queue)[0]]

    def matching(self, selection: Selection) -> tuple[list[DeadLetterDetail], int]:
        """As `all`, those that a selection matches."""
        letters, missed = self.all(selection.queue)
        return [letter for letter in letters if selection.matches(letter)], missed

    def find(self, selection: Selection) -> Matches:
        """As `matching`, with their causes."""
        letters, missed = self.matching(selection)
        return Matches(
            queue=selection.queue,
            count=len(letters),
            missed=missed,
            causes=tuple(grouped(letters)),
            items=tuple(map(_brief, letters)),
        )

    def get(self, queue: str, message_id: str) -> DeadLetterDetail:
        """One dead letter; raises NotFound."""
        letters, _ = self.all(queue)
        letter = next((each for each in letters if each.message_id == message_id), None)
        if letter is None:
            raise NotFound("message in this dead-letter queue")
        return letter

    def summary(self, queue: str) -> DeadLetterQueue:
        """A queue at a glance."""
        letters, missed = self.all(queue)
        return DeadLetterQueue(
            queue=queue,
            count=len(letters) + missed,
            missed=missed,
            oldest=_brief(letters[0]) if letters else None,
            causes=tuple(grouped(letters)[:TOP]),
        )

    def summaries(self) -> Sequence[DeadLetterQueue]:
        """Every dead-letter queue at a glance."""
        return [self.summary(queue) for queue in self.names.dead_letter_queues]

    def states(self) -> Sequence[QueueState]:
        """How many messages every queue holds, as SQS counts them."""
        states = []
        for each in self.names.consumers:
            counts = self.queues[each.queue].counts()
            states.append(
                QueueState(
                    consumer=each.consumer,
                    queue=each.queue,
                    waiting=counts.visible,
                    in_flight=counts.hidden,
                    delayed=counts.delayed,
                    dead_letter_queue=each.dead_letter_queue,
                    dead=self.queues[each.dead_letter_queue].counts().total,
                )
            )
        without = [
            QueueState(consumer=None, queue=None, dead_letter_queue=name, dead=self.queues[name].counts().total)
            for name in WITHOUT_CONSUMER
        ]
        return [*states, *without]


def _brief(letter: DeadLetterDetail) -> DeadLetter:
    return DeadLetter.model_validate(letter.model_dump())
