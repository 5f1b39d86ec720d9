"""The dead letters of all consumers, with their causes: lists, summaries, and one in full."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cloudretail.breaker import AWAY, is_open
from cloudretail.errors import NotFound
from cloudretail.failures import FailureRow, FailureState, fingerprint, next_generation
from cloudretail.model import Model
from cloudretail.money import Money
from operations.clock import REAL_TIME, Clock
from operations.dead_letters.domain import (
    CauseGroup,
    DeadLetter,
    DeadLetterDetail,
    Selection,
    at_stake,
    dead_letter,
    event_named,
    grouped,
    in_full,
)
from operations.dead_letters.failures import Failures
from operations.dead_letters.sqs import Queue
from operations.pauses import Pause
from operations.queues import ConsumerQueue, QueueNames

WAITING = (FailureState.DEAD, FailureState.REPLAYING)
"""States of rows that may be dead letters: a replay that died leaves rows REPLAYING."""

TOP = 3
"""Causes of each queue in the list of queues."""


class Away(Model):
    """Somebody whom a consumer calls, and who is away: messages for them wait, and one asks once in a while.

    Attributes:
        name: such as the payment provider's.
        since: since when calls fail.
        reason: as the latest call failed.
        asked_at: when a message asked last.
    """

    name: str
    since: datetime
    reason: str
    asked_at: datetime


class QueueState(Model):
    """How many messages a consumer's queue holds, and how many it has given up; some owners of failures have no queue.

    Attributes:
        consumer: such as `payment-window`; None for the relay, the rules and the replay worker.
        queue: its name in the template.
        waiting: messages to be received.
        in_flight: received, and not deleted yet.
        delayed: not visible yet, as those of the payment window and those that are being retried.
        failing: messages that are being retried.
        dead_letter_queue: its name in the template.
        dead: dead letters.
        paused: by whom and why it gets no messages; None where it gets them.
        away: whom it cannot call just now, while it goes on with all else.
    """

    consumer: str | None
    queue: str | None
    waiting: int = 0
    in_flight: int = 0
    delayed: int = 0
    failing: int = 0
    dead_letter_queue: str
    dead: int
    paused: Pause | None = None
    away: tuple[Away, ...] = ()


class DeadLetterQueue(Model):
    """The dead letters of a consumer at a glance.

    Attributes:
        queue: its dead-letter queue.
        count: how many there are.
        orders: how many different orders they are about.
        customers: how many different accounts those orders are of.
        at_stake: what those orders come to, in each of their currencies.
        oldest: the one that died first.
        causes: the most frequent ones.
    """

    queue: str
    count: int
    orders: int
    customers: int
    at_stake: tuple[Money, ...]
    oldest: DeadLetter | None
    causes: tuple[CauseGroup, ...]


class Matches(Model):
    """The dead letters that a selection matches.

    Attributes:
        count: how many.
        causes: all of theirs, the most frequent first.
        items: oldest first.
    """

    queue: str
    count: int
    causes: tuple[CauseGroup, ...]
    items: tuple[DeadLetter, ...]


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters of all consumers: what the table of failures knows. Looking at them changes nothing.

    Attributes:
        names: of all queues.
        queues: those of the consumers, by name.
        failures: the table.
        clock: for what is recent.
    """

    names: QueueNames
    queues: Mapping[str, Queue]
    failures: Failures
    clock: Clock = REAL_TIME

    def rows(self, selection: Selection) -> list[FailureRow]:
        """The rows that a selection matches, oldest first, including those that a died replay has left."""
        consumer = ConsumerQueue.by_dead_letter_queue(selection.queue).consumer
        found = self._found(consumer, selection)
        waiting = [
            row
            for row in found
            if row.consumer == consumer and self._waits(row) and selection.matches(dead_letter(row))
        ]
        return sorted(waiting, key=lambda row: row.since)

    def _found(self, consumer: str, selection: Selection) -> Sequence[FailureRow]:
        """Candidates from the index that gives the fewest. All selected rows are among them."""
        failures = self.failures
        if selection.message_ids:
            return list(failures.read((consumer, each) for each in selection.message_ids).values())
        if selection.order_id:
            return failures.of_order(selection.order_id)
        if selection.cause:
            said = selection.cause
            exact = said.casefold() if re.fullmatch("[0-9a-fA-F]{8}", said) else fingerprint(consumer, said)
            if rows := [row for state in WAITING for row in failures.with_cause(consumer, state, exact)]:
                return rows
        if selection.user_id:
            return failures.of_account(selection.user_id)
        if selection.event_name:
            named = event_named(selection.event_name)
            return [row for state in WAITING for row in failures.of_event(consumer, state, named)]
        span = (selection.since, selection.until)
        return [row for state in WAITING for row in failures.open(consumer, state, *span)]

    def _waits(self, row: FailureRow) -> bool:
        return next_generation(row, int(self.clock.now().timestamp())) is not None

    def find(self, selection: Selection) -> Matches:
        """The dead letters that a selection matches, with their causes."""
        letters = [dead_letter(row) for row in self.rows(selection)]
        return Matches(
            queue=selection.queue,
            count=len(letters),
            causes=tuple(grouped(letters, self.clock.now())),
            items=tuple(letters),
        )

    def of_order(self, order_id: str) -> list[DeadLetter]:
        """The dead letters about an order, of all consumers."""
        return [dead_letter(row) for row in self.failures.of_order(order_id) if self._waits(row)]

    def of_all_queues(self) -> list[DeadLetter]:
        """The dead letters of all consumers."""
        queues = self.names.dead_letter_queues
        return [dead_letter(row) for queue in queues for row in self.rows(Selection(queue=queue))]

    def get(self, queue: str, message_id: str) -> DeadLetterDetail:
        """One failure in full, in any state; raises NotFound."""
        key = (ConsumerQueue.by_dead_letter_queue(queue).consumer, message_id)
        row = self.failures.read([key]).get(key)
        if row is None:
            raise NotFound("message in this dead-letter queue")
        return in_full(row, self.failures.bodies([key]).get(key, ""))

    def summary(self, queue: str) -> DeadLetterQueue:
        """A consumer at a glance."""
        found = self.find(Selection(queue=queue))
        return DeadLetterQueue(
            queue=queue,
            count=found.count,
            orders=len({each.order_id for each in found.items if each.order_id}),
            customers=len({each.user_id for each in found.items if each.user_id}),
            at_stake=at_stake(found.items),
            oldest=found.items[0] if found.items else None,
            causes=found.causes[:TOP],
        )

    def summaries(self) -> Sequence[DeadLetterQueue]:
        """Every consumer at a glance."""
        return [self.summary(queue) for queue in self.names.dead_letter_queues]

    def states(self) -> Sequence[QueueState]:
        """The messages of every queue by SQS's counts, and the failures."""
        away = self.away()
        return [self._state(owner, away.get(owner.consumer, ())) for owner in self.names.owners]

    def away(self) -> Mapping[str, Sequence[Away]]:
        """Who is away, by the consumer that calls them."""
        failing = self.failures.open(AWAY, FailureState.FAILING)
        # Whole: the index has no counts.
        rows = self.failures.read(row.key for row in failing).values() if failing else ()
        found: dict[str, list[Away]] = {}
        for row in filter(is_open, rows):
            consumer, _, name = row.event_id.partition("/")
            found.setdefault(consumer, []).append(_away(name, row))
        return found

    def _state(self, owner: ConsumerQueue, away: Sequence[Away] = ()) -> QueueState:
        dead = self.failures.count(owner.consumer, FailureState.DEAD)
        if owner not in self.names.consumers:
            return QueueState(consumer=None, queue=None, dead_letter_queue=owner.dead_letter_queue, dead=dead)
        counts = self.queues[owner.queue].counts()
        return QueueState(
            consumer=owner.consumer,
            queue=owner.queue,
            waiting=counts.visible,
            in_flight=counts.hidden,
            delayed=counts.delayed,
            failing=self.failures.count(owner.consumer, FailureState.FAILING),
            dead_letter_queue=owner.dead_letter_queue,
            dead=dead,
            away=tuple(away),
        )


def _away(name: str, row: FailureRow) -> Away:
    asked = max(row.last_failed_at, row.asked_at or 0)
    return Away(
        name=name,
        since=datetime.fromtimestamp(row.failing_since or row.since, UTC),
        reason=": ".join(filter(None, (row.cause.exception, row.cause.message))),
        asked_at=datetime.fromtimestamp(asked, UTC),
    )
