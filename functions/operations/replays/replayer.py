"""Replaying and dropping dead letters without losing one.

                       dead-letter queue    its consumer's queue    record
    selected                  x                                     PLANNED
    a copy is accepted        x                      x              PLANNED     again: one more copy, which does nothing
    it is recorded            x                      x              REPLAYED    again: only deleted
    the original is deleted                          x              REPLAYED

Wherever this is cut off, the message is in one queue at least. Where it is in two, its consumer gets it twice and
reacts once.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from operations.clock import REAL_TIME, Clock
from operations.dead_letters.domain import FAILURE, REPLAYED_BY, DeadMessage, QueueMessage, read
from operations.dead_letters.service import DeadLetters
from operations.dead_letters.sqs import NotAccepted
from operations.replays.domain import (
    SLOWEST,
    Action,
    NoDestination,
    Outcome,
    Replay,
    ReplayedMessage,
    ReplayState,
    Subscribers,
    ToBus,
    ToQueue,
    counted,
    destinations,
    planned,
)
from operations.replays.log import ReplayLog, interruption_recorded
from operations.replays.targets import Bus, Invoker

WORK_HOLD = 60
"""Seconds that a replay hides what it received: ten messages at the slowest rate take 20."""

WORK_PATIENCE = 70.0
"""Seconds that a replay waits for a planned message that somebody else has received: longer than any hold of ours."""

SAVED_EVERY = 1.0
"""Seconds between two writes of the progress."""

type Progress = Callable[[Replay], None]
"""Is called with the replay as it goes on."""


def _no_progress(replay: Replay) -> None:
    """Nobody follows it."""


@dataclass(frozen=True)
class Replayer:
    """Carries replays and drops out.

    Attributes:
        dead_letters: the dead-letter queues.
        bus: for what the relay parked.
        worker: for the replay worker's own dead letters.
        log: where it is recorded.
        subscribers: names of the consumers that subscribe to a type of event, by type.
        clock: for the rate and the records.
    """

    dead_letters: DeadLetters
    bus: Bus
    worker: Invoker
    log: ReplayLog
    subscribers: Subscribers
    clock: Clock = REAL_TIME

    def run(self, replay: Replay, progress: Progress = _no_progress, until: float | None = None) -> Replay:
        """Carry a replay out, from where its record says.

        Args:
            replay: as the log has it; one that is DONE stays so.
            progress: is called as it goes on.
            until: the clock's time at which to stop; None for never.

        Returns:
            The replay as it is then: DONE, or RUNNING where time ran out.
        """
        if replay.state is ReplayState.DONE:
            return replay
        with interruption_recorded(self.log, replay.replay_id, self.clock):
            begun = self.plan(replay) if replay.planned is None else replay
            progress(begun)
            return _Run(self, begun, progress, until).carried_out()

    def plan(self, replay: Replay) -> Replay:
        """Select the messages, and record them."""
        assert replay.selection is not None, "only dead letters are planned"
        letters, missed = self.dead_letters.matching(replay.selection)
        messages = [planned(replay, letter, self.clock.now()) for letter in letters]
        self.log.save_messages(messages)
        changes = {
            "planned": len(messages),
            "missed": missed,
            "outcomes": counted(messages),
            "state": ReplayState.RUNNING,
        }
        begun = replay.model_copy(update=changes)
        self.log.save(begun)
        return begun

    def forward(self, dead: DeadMessage, replay_id: str) -> tuple[tuple[str, ...], str]:
        """Send a copy to where a message belongs.

        Returns:
            The ids of the copies that were accepted, and in words where to.

        Raises:
            NoDestination: the message does not say where it belongs.
            NotAccepted, ClientError, BotoCoreError: a copy was not accepted.
        """
        copies, places = [], []
        attributes = {REPLAYED_BY: ",".join([*dead.replays[-9:], replay_id]), **_next_generation(dead)}
        for destination in destinations(dead, self.dead_letters.names, self.subscribers, self.clock.now()):
            match destination:
                case ToQueue(consumer=consumer, delay=delay):
                    copies.append(self.dead_letters.queues[consumer.queue].send(dead.document, attributes, delay))
                    places.append(consumer.queue)
                case ToBus(entry=entry):
                    copies.append(self.bus.put(entry))
                    places.append("the bus")
                case _:
                    self.worker.start(dead.document)
                    places.append("the replay worker")
        return tuple(copies), f"to {', '.join(places)}" if places else "nowhere: no consumer subscribes to this event"


def _next_generation(dead: DeadMessage) -> dict[str, str]:
    """The consumer keeps what becomes of the copy where it kept why the message failed."""
    failure = {name: dead.failure[name] for name in ("key", "generation", "messageId") if name in dead.failure}
    if "key" not in failure:
        return {}
    generation = failure.get("generation")
    return {FAILURE: json.dumps({**failure, "generation": (generation if isinstance(generation, int) else 0) + 1})}


class _Run:
    """One invocation of a replay."""

    def __init__(self, replayer: Replayer, replay: Replay, progress: Progress, until: float | None) -> None:
        assert replay.selection is not None
        self._replayer = replayer
        self._clock = replayer.clock
        self._replay = replay
        self._progress = progress
        self._until = until
        self._queue = replay.selection.queue
        self._source = replayer.dead_letters.queues[self._queue]
        self._entries = {entry.message_id: entry for entry in replayer.log.messages(replay.replay_id)}
        self._held: dict[str, QueueMessage] = {}
        self._next = self._saved = self._clock.monotonic()

    @property
    def _todo(self) -> set[str]:
        return {each.message_id for each in self._entries.values() if each.outcome is Outcome.PLANNED}

    def carried_out(self) -> Replay:
        # Of those that are recorded already, only the deletion may be missing.
        undeleted = {each for each, entry in self._entries.items() if entry.outcome in _TO_DELETE}
        waiting_since: float | None = None
        try:
            while todo := self._todo | undeleted:
                if self._until is not None and self._clock.monotonic() > self._until:
                    return self._save()
                batch = self._source.receive(WORK_HOLD)
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
            self._source.show_again(self._held.values())
        gone = [self._entries[each].model_copy(update={"outcome": Outcome.GONE}) for each in self._todo]
        self._record(gone)
        return self._save(state=ReplayState.DONE, ended_at=self._clock.now())

    def _worth_waiting(self, since: float) -> bool:
        """Whether somebody else has received messages that we want: an empty answer is not an empty queue."""
        others = self._source.counts().total - len(self._held)
        return others > 0 and self._clock.monotonic() - since < WORK_PATIENCE

    def _do(self, messages: Sequence[QueueMessage]) -> None:
        """Send copies, then record that, then delete: in this order nothing can be lost."""
        done: list[QueueMessage] = []
        entries: list[ReplayedMessage] = []
        for message in messages:
            entry = self._entries[message.id]
            if entry.outcome is Outcome.PLANNED:
                self._pace()
                entry = self._outcome(entry, read(self._queue, message))
                entries.append(entry)
            if entry.outcome in _TO_DELETE:
                done.append(message)
        self._record(entries)
        self._source.delete(done)
        for message in done:
            del self._held[message.id]
        self._progress(self._replay)

    def _outcome(self, entry: ReplayedMessage, dead: DeadMessage) -> ReplayedMessage:
        now = self._clock.now()
        if self._replay.action is Action.DROP:
            kept = {"body": dead.message.body, "attributes": dict(dead.message.attributes)}
            return entry.model_copy(update={"outcome": Outcome.DROPPED, "at": now, **kept})
        try:
            copies, where = self._replayer.forward(dead, self._replay.replay_id)
        except (NoDestination, NotAccepted, ClientError, BotoCoreError) as error:
            return entry.model_copy(update={"outcome": Outcome.FAILED, "at": now, "text": str(error)})
        return entry.model_copy(update={"outcome": Outcome.REPLAYED, "at": now, "copies": copies, "text": where})

    def _pace(self) -> None:
        """Not faster than the rate, and no catching up after a pause."""
        now = self._clock.monotonic()
        if self._next > now:
            self._clock.sleep(self._next - now)
        self._next = max(self._next, now) + 1 / max(self._replay.rate, SLOWEST)

    def _record(self, entries: Sequence[ReplayedMessage]) -> None:
        self._replayer.log.save_messages(entries)
        self._entries |= {entry.message_id: entry for entry in entries}
        self._replay = self._replay.model_copy(update={"outcomes": counted(self._entries.values())})
        if self._clock.monotonic() - self._saved > SAVED_EVERY:
            self._save()

    def _save(self, **changes: object) -> Replay:
        self._saved = self._clock.monotonic()
        self._replay = self._replay.model_copy(update=changes)
        self._replayer.log.save(self._replay)
        self._progress(self._replay)
        return self._replay


_TO_DELETE = (Outcome.REPLAYED, Outcome.DROPPED)
"""Outcomes after which the original is deleted."""
