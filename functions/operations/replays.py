"""Looking at dead letters without consuming them, and replaying or dropping them without losing one.

                       dead-letter queue    its consumer's queue    record
    looked at, planned        x                                     PLANNED
    a copy is accepted        x                      x              PLANNED     again: one more copy, which does nothing
    it is noted               x                      x              REPLAYED    again: only deleted
    the original is deleted                          x              REPLAYED

Wherever this is cut off, the message is in one place at least; where it is in two, its consumer takes it twice and does
it once. A receive from a dead-letter queue counts for nothing: such a queue gives up on nobody. It only hides the
message for a while, so whatever was received here and not deleted is shown again at once.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from operations.domain import (
    REPLAYED_BY,
    Action,
    BoxName,
    DeadLetterDetail,
    Destination,
    Letter,
    Message,
    NowhereToGo,
    Outcome,
    Replay,
    ReplayedMessage,
    ReplayState,
    ToBus,
    ToQueue,
    Verdict,
    dead_letter,
    destinations,
    read,
)
from operations.store import Bus, Causes, Invoker, Journal, NotAccepted, Queue

LOOK_HOLD = 30
"""Seconds that a look hides messages at the most: should the looker die over it, they come back by themselves."""

LOOK_PATIENCE = 5.0
"""Seconds that a look waits for messages that somebody else is looking at."""

WORK_HOLD = 60
"""Seconds that a replay hides what it received: ten messages at the slowest rate take 20."""

WORK_PATIENCE = 70.0
"""Seconds that a replay waits for a planned message that somebody else holds: longer than any hold of ours."""

LIMIT = 5000
"""Messages that a look takes in."""

SLOWEST = 0.5
"""Messages a second."""

SAVED_EVERY = 1.0
"""Seconds between two notes of the progress."""


@dataclass(frozen=True)
class Clock:
    """Time, for tests to stand still.

    Attributes:
        monotonic: seconds.
        sleep: waits so many seconds.
        now: the date, aware.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class Look:
    """What was seen of a queue.

    Attributes:
        messages: oldest first.
        missed: about how many more there are: held by somebody else all the while, or beyond the limit.
        retention: how long the queue keeps a message.
    """

    messages: Sequence[Message]
    missed: int
    retention: timedelta


def look(queue: Queue, clock: Clock, limit: int = LIMIT) -> Look:
    """See all messages of a queue and give them back.

    Two who look at once each get what the other has not just received, so that one look is made of several: until as
    many different messages were seen as the queue has, or patience runs out.

        A   receives 1 3 5 │ shows them │ pauses at random │ receives 2 4 1 ...   1 2 3 4 5
        B      receives 2 4 │ shows them │  pauses      │ receives 1 3 5 2 ...    1 2 3 4 5

    Args:
        queue: any dead-letter queue.
        clock: of the look.
        limit: messages at the most.
    """
    seen: dict[str, Message] = {}
    begin = clock.monotonic()
    counts = queue.counts()
    rounds = 0
    while len(seen) < min(counts.total, limit):
        held: list[Message] = []
        try:
            while len(seen) < limit and (batch := queue.receive(LOOK_HOLD)):
                held += batch
                seen |= {message.id: message for message in batch}
        finally:
            queue.show_again(held)
        counts = queue.counts()
        rounds += 1
        if len(seen) < min(counts.total, limit):
            if clock.monotonic() - begin > LOOK_PATIENCE:
                break
            clock.sleep(random.uniform(0, min(0.1 * 2**rounds, 1)))  # noqa: S311
    messages = sorted(seen.values(), key=lambda message: message.sent_at)[:limit]
    return Look(messages, max(0, counts.total - len(messages)), counts.retention)


type Told = Callable[[Replay], None]
"""Is told of a replay's progress after each message."""


def _nobody(replay: Replay) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class DeadLetters:
    """The dead-letter queues with the causes of their messages.

    Attributes:
        boxes: the queues.
        causes: why messages failed.
        clock: of the looks.
    """

    boxes: Mapping[BoxName, Queue]
    causes: Causes
    clock: Clock = Clock()

    def seen(self, box: BoxName, limit: int = LIMIT) -> tuple[list[DeadLetterDetail], int]:
        """The dead letters of a queue, oldest first, and about how many more there are."""
        found = look(self.boxes[box], self.clock, limit)
        letters = [read(box, message) for message in found.messages]
        kept = self.causes.of(letters)
        return [dead_letter(each, kept.get(each.message.id), found.retention) for each in letters], found.missed


@dataclass(frozen=True)
class Replayer:
    """Carries replays out.

    Attributes:
        letters: the dead-letter queues.
        queues: the consumers' queues, by their names in the template.
        bus: for what the relay parked.
        worker: for its own dead letters.
        journal: where it is recorded.
        takers: names of the consumers that a type of event is for, by type.
        rehearse: what a document would do at its destinations.
        clock: for the rate and the records.
    """

    letters: DeadLetters
    queues: Mapping[str, Queue]
    bus: Bus
    worker: Invoker
    journal: Journal
    takers: Mapping[str, Sequence[str]]
    rehearse: Callable[[str, Sequence[Destination]], Verdict]
    clock: Clock = Clock()

    def run(self, replay: Replay, told: Told = _nobody, until: float | None = None) -> Replay:
        """Carry a replay out, from where it stands.

        Args:
            replay: as the journal has it; one that is DONE stays so.
            told: of the progress.
            until: the clock's time at which to stop; None for never.

        Returns:
            The replay as it is then: DONE, or RUNNING where time ran out.
        """
        if replay.state is ReplayState.DONE:
            return replay
        try:
            planned = self._planned(replay) if replay.planned is None else replay
            told(planned)
            if replay.action is Action.DRY_RUN:
                return planned
            return _Run(self, planned, told, until).carried_out()
        except BaseException:
            # Ctrl-C and the like: what was not come to lies where it lay, and the record says so.
            self._interrupted(replay.replay_id)
            raise

    def _interrupted(self, replay_id: str) -> None:
        try:
            if last := self.journal.find(replay_id):
                changes = {
                    "state": ReplayState.INTERRUPTED,
                    "ended_at": self.clock.now(),
                    "outcomes": counted(self.journal.messages(replay_id)),
                }
                self.journal.save(last.model_copy(update=changes))
        except (ClientError, BotoCoreError):
            return  # The failure itself says more.

    def _planned(self, replay: Replay) -> Replay:
        """Choose the messages; a dry run says of each what it would do, and is done with that."""
        selection = replay.selection
        assert selection is not None, "only dead letters are planned"
        letters, missed = self.letters.seen(selection.queue)
        chosen = [letter for letter in letters if selection.takes(letter)]
        dry = replay.action is Action.DRY_RUN
        entries = [self._rehearsed(replay, letter) if dry else self._entry(replay, letter) for letter in chosen]
        self.journal.note(entries)
        done = {"state": ReplayState.DONE, "ended_at": self.clock.now()} if dry else {"state": ReplayState.RUNNING}
        changes = {"planned": len(chosen), "missed": missed, "outcomes": counted(entries), **done}
        planned = replay.model_copy(update=changes)
        self.journal.save(planned)
        return planned

    def _entry(self, replay: Replay, letter: DeadLetterDetail) -> ReplayedMessage:
        return ReplayedMessage(
            replay_id=replay.replay_id,
            message_id=letter.message_id,
            queue=letter.queue,
            event_id=letter.event_id,
            event_name=letter.event_name,
            order_id=letter.order_id,
            at=self.clock.now(),
        )

    def _rehearsed(self, replay: Replay, letter: DeadLetterDetail) -> ReplayedMessage:
        message = Message(letter.message_id, "", letter.body, letter.sent_at, letter.receives, letter.attributes)
        verdict = self.verdict(read(letter.queue, message))
        return self._entry(replay, letter).model_copy(update={"outcome": verdict.outcome, "text": verdict.text})

    def verdict(self, letter: Letter) -> Verdict:
        """What a replay of a letter would do."""
        try:
            targets = destinations(letter, self.takers, self.clock.now())
        except NowhereToGo as error:
            return Verdict(outcome=Outcome.WOULD_FAIL, text=f"cannot be replayed: {error}")
        return self.rehearse(letter.document, targets)

    def forward(self, letter: Letter, replay_id: str) -> tuple[tuple[str, ...], str]:
        """Send a copy to where a letter belongs.

        Returns:
            The ids of the copies that were accepted, and in words where to.

        Raises:
            NowhereToGo: nobody can say where it belongs.
            NotAccepted, ClientError, BotoCoreError: a copy was not accepted.
        """
        copies, places = [], []
        attributes = {REPLAYED_BY: ",".join([*letter.replays[-9:], replay_id])}
        for destination in destinations(letter, self.takers, self.clock.now()):
            match destination:
                case ToQueue(consumer=consumer, delay=delay):
                    copies.append(self.queues[consumer.queue].send(letter.document, attributes, delay))
                    places.append(consumer.queue)
                case ToBus(entry=entry):
                    copies.append(self.bus.put(entry))
                    places.append("the bus")
                case _:
                    self.worker.start(letter.document)
                    places.append("the replay worker")
        return tuple(copies), f"to {', '.join(places)}" if places else "to nobody: no consumer takes this event"


class _Run:
    """One go at a replay."""

    def __init__(self, replayer: Replayer, replay: Replay, told: Told, until: float | None) -> None:
        assert replay.selection is not None
        self._replayer = replayer
        self._clock = replayer.clock
        self._replay = replay
        self._told = told
        self._until = until
        self._name = replay.selection.queue
        self._box = replayer.letters.boxes[self._name]
        self._entries = {entry.message_id: entry for entry in replayer.journal.messages(replay.replay_id)}
        self._held: dict[str, Message] = {}
        self._begin = self._clock.monotonic()
        self._next = self._begin
        self._saved = self._begin

    @property
    def _todo(self) -> set[str]:
        return {each.message_id for each in self._entries.values() if each.outcome is Outcome.PLANNED}

    def carried_out(self) -> Replay:
        # Of those the record knows already, only the deletion may be missing.
        undeleted = {each for each, entry in self._entries.items() if entry.outcome in _TAKEN}
        waiting_since: float | None = None
        try:
            while todo := self._todo | undeleted:
                if self._until is not None and self._clock.monotonic() > self._until:
                    return self._save()
                batch = self._box.receive(WORK_HOLD)
                self._held |= {message.id: message for message in batch}
                if wanted := [message for message in batch if message.id in todo]:
                    self._do(wanted)
                    undeleted -= {message.id for message in wanted}
                    waiting_since = None
                elif not batch:
                    waiting_since = waiting_since if waiting_since is not None else self._clock.monotonic()
                    if not self._worth_waiting(waiting_since):
                        break
                    self._clock.sleep(0.5)
        finally:
            self._box.show_again(self._held.values())
        gone = [self._entries[each].model_copy(update={"outcome": Outcome.GONE}) for each in self._todo]
        self._note(gone)
        return self._save(state=ReplayState.DONE, ended_at=self._clock.now())

    def _worth_waiting(self, since: float) -> bool:
        """Whether somebody else holds messages that we want: an empty answer is not an empty queue."""
        others = self._box.counts().total - len(self._held)
        return others > 0 and self._clock.monotonic() - since < WORK_PATIENCE

    def _do(self, messages: Sequence[Message]) -> None:
        """Send copies, then note that, then delete: in this order nothing can be lost."""
        done: list[Message] = []
        entries: list[ReplayedMessage] = []
        for message in messages:
            entry = self._entries[message.id]
            if entry.outcome is Outcome.PLANNED:
                self._pace()
                entry = self._outcome(entry, read(self._name, message))
                entries.append(entry)
            if entry.outcome in _TAKEN:
                done.append(message)
        self._note(entries)
        self._box.delete(done)
        for message in done:
            del self._held[message.id]
        self._told(self._replay)

    def _outcome(self, entry: ReplayedMessage, letter: Letter) -> ReplayedMessage:
        now = self._clock.now()
        if self._replay.action is Action.DROP:
            kept = {"body": letter.message.body, "attributes": dict(letter.message.attributes)}
            return entry.model_copy(update={"outcome": Outcome.DROPPED, "at": now, **kept})
        try:
            copies, where = self._replayer.forward(letter, self._replay.replay_id)
        except (NowhereToGo, NotAccepted, ClientError, BotoCoreError) as error:
            return entry.model_copy(update={"outcome": Outcome.FAILED, "at": now, "text": str(error)})
        return entry.model_copy(update={"outcome": Outcome.REPLAYED, "at": now, "copies": copies, "text": where})

    def _pace(self) -> None:
        """Not faster than the rate, and no catching up after a pause."""
        now = self._clock.monotonic()
        if self._next > now:
            self._clock.sleep(self._next - now)
        self._next = max(self._next, now) + 1 / max(self._replay.rate, SLOWEST)

    def _note(self, entries: Sequence[ReplayedMessage]) -> None:
        self._replayer.journal.note(entries)
        self._entries |= {entry.message_id: entry for entry in entries}
        self._replay = self._replay.model_copy(update={"outcomes": counted(self._entries.values())})
        if self._clock.monotonic() - self._saved > SAVED_EVERY:
            self._save()

    def _save(self, **changes: object) -> Replay:
        self._saved = self._clock.monotonic()
        self._replay = self._replay.model_copy(update=changes)
        self._replayer.journal.save(self._replay)
        self._told(self._replay)
        return self._replay


_TAKEN = (Outcome.REPLAYED, Outcome.DROPPED)
"""Where the original is to be deleted."""


def counted(entries: Iterable[ReplayedMessage]) -> dict[Outcome, int]:
    """How many messages came to each outcome."""
    counts: dict[Outcome, int] = {}
    for entry in entries:
        counts[entry.outcome] = counts.get(entry.outcome, 0) + 1
    return counts
