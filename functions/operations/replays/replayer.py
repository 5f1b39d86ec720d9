"""Replaying and dropping dead letters without losing one, by the rules of `cloudretail/failures.py`.

                       the row         its consumer's queue    record
    selected           DEAD n                                  PLANNED n+1
    claimed            REPLAYING n+1                           PLANNED     again: claimed again by this replay,
    a copy is accepted REPLAYING n+1            x              PLANNED            or by another once the lease is over
    that is noted      REPLAYED n+1             x              PLANNED     again: only recorded
    it is recorded     REPLAYED n+1             x              REPLAYED

Wherever this is interrupted, the row says what to do next. If a copy is sent twice, its consumer reacts once.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from cloudretail.failure_log import Key, change
from cloudretail.failures import (
    FAILURE,
    FailureRow,
    FailureState,
    claimed,
    dropped,
    handed_over,
    next_generation,
    refused,
    sent,
)
from operations.clock import REAL_TIME, Clock
from operations.dead_letters.domain import DeadMessage, dead_letter, message_of
from operations.dead_letters.service import DeadLetters
from operations.dead_letters.sqs import PER_BATCH, Copy, NotAccepted
from operations.queues import ConsumerQueue
from operations.replays.domain import (
    BEAT_EVERY,
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

type Progress = Callable[[Replay], None]
"""Is called with each new state of the replay."""


def _no_progress(replay: Replay) -> None:
    """For a replay that nobody follows."""


@dataclass(frozen=True)
class Replayer:
    """Carries out replays and drops.

    Attributes:
        dead_letters: of all consumers.
        bus: for entries that the relay parked.
        worker: for the replay worker's own dead letters.
        log: the record of replays.
        subscribers: names of the consumers that subscribe to each type of event, by type.
        clock: for the rate and the records.
    """

    dead_letters: DeadLetters
    bus: Bus
    worker: Invoker
    log: ReplayLog
    subscribers: Subscribers
    clock: Clock = REAL_TIME

    def run(self, replay: Replay, progress: Progress = _no_progress, until: float | None = None) -> Replay:
        """Carry out a replay, from where its record says.

        Args:
            replay: as the log has it; one that is DONE stays so.
            progress: is called with each new state.
            until: the clock's time at which to stop; None for never.

        Returns:
            The replay afterwards: DONE, CANCELLED, or RUNNING if time ran out.
        """
        if replay.state is ReplayState.DONE:
            return replay
        with interruption_recorded(self.log, replay.replay_id, self.clock):
            begun = self.plan(replay) if replay.planned is None else self._resumed(replay)
            progress(begun)
            return _Run(self, begun, progress, until).carried_out()

    def _resumed(self, replay: Replay) -> Replay:
        going_on = {"state": ReplayState.RUNNING, "ended_at": None, "beat_at": self.clock.now()}
        begun = replay.model_copy(update=going_on)
        self.log.save(begun)
        return begun

    def plan(self, replay: Replay) -> Replay:
        """Select the messages, and record them."""
        assert replay.selection is not None, "only dead letters are planned"
        now = self.clock.now()
        messages = [
            planned(replay, dead_letter(row), generation, now)
            for row in self.dead_letters.rows(replay.selection)
            if (generation := next_generation(row, int(now.timestamp()))) is not None
        ]
        self.log.save_messages(messages)
        counts = {"planned": len(messages), "outcomes": counted(messages)}
        changes = {**counts, "state": ReplayState.RUNNING, "beat_at": self.clock.now()}
        begun = replay.model_copy(update=changes)
        self.log.save(begun)
        return begun

    def forward(self, letters: Sequence[tuple[FailureRow, DeadMessage]]) -> list["Forwarded | Refused"]:
        """Send copies to their destinations; those of one queue in one call.

        Args:
            letters: claimed rows with their messages, at most PER_BATCH.

        Returns:
            For each letter the accepted copies, or why one was refused.
        """
        results: list[Forwarded | Refused] = [Forwarded() for _ in letters]
        for_queues: dict[str, list[tuple[int, Copy]]] = {}
        for index, (row, dead) in enumerate(letters):
            try:
                for target in destinations(dead, self.dead_letters.names, self.subscribers, self.clock.now()):
                    match target:
                        case ToQueue(consumer=consumer, delay=delay):
                            copy = Copy(dead.document, _mark(row, consumer), delay)
                            for_queues.setdefault(consumer.queue, []).append((index, copy))
                        case ToBus(entry=entry):
                            results[index] = results[index].and_to("the bus", self.bus.put(entry))
                        case _:
                            self.worker.start(dead.document)
                            results[index] = results[index].and_to("the replay worker")
            except (NoDestination, *_NOT_SENT) as error:
                results[index] = Refused(str(error))
        for queue, copies in for_queues.items():
            for (index, _), answer in zip(copies, self._send(queue, [copy for _, copy in copies]), strict=True):
                failed = isinstance(answer, Exception)
                results[index] = Refused(str(answer)) if failed else results[index].and_to(queue, str(answer))
        return results

    def _send(self, queue: str, copies: Sequence[Copy]) -> Sequence[str | Exception]:
        try:
            return self.dead_letters.queues[queue].send(copies)
        except _NOT_SENT as error:
            return [error] * len(copies)


_NOT_SENT = (NotAccepted, ClientError, BotoCoreError)


@dataclass(frozen=True)
class Forwarded:
    """Copies that were accepted.

    Attributes:
        copies: their ids.
        places: where they are.
    """

    copies: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def and_to(self, place: str, *copies: str) -> "Forwarded":
        """These copies and one more destination."""
        return Forwarded((*self.copies, *copies), (*self.places, place))

    @property
    def text(self) -> str:
        """The destinations in words."""
        return f"to {', '.join(self.places)}" if self.places else "nowhere: no consumer subscribes to this event"


@dataclass(frozen=True)
class Refused:
    """A copy that was not accepted, or may not have arrived."""

    text: str

    def and_to(self, place: str, *copies: str) -> "Refused":  # noqa: ARG002
        """The same refusal: if one destination refuses, all are tried again."""
        return self


def _mark(row: FailureRow, consumer: ConsumerQueue) -> dict[str, str]:
    """The attribute FAILURE of a copy. By it the consumer keeps the copy's outcome in the original row, if that is its
    own."""
    if row.consumer != consumer.consumer:
        return {}
    said = {"key": row.event_id, "generation": row.generation, "messageId": row.message_id}
    return {FAILURE: json.dumps(said)}


class _Run:
    """One invocation of a replay."""

    def __init__(self, replayer: Replayer, replay: Replay, progress: Progress, until: float | None) -> None:
        assert replay.selection is not None
        self._replayer = replayer
        self._failures = replayer.dead_letters.failures
        self._clock = replayer.clock
        self._replay = replay
        self._progress = progress
        self._until = until
        self._owner = ConsumerQueue.by_dead_letter_queue(replay.selection.queue)
        self._rate = max(replay.rate, SLOWEST)
        self._entries = {entry.message_id: entry for entry in replayer.log.messages(replay.replay_id)}
        self._next = self._saved = self._clock.monotonic()
        self._asked: float | None = None

    def carried_out(self) -> Replay:
        planned = [entry for entry in self._entries.values() if entry.outcome is Outcome.PLANNED]
        # Ten at once, which is SQS's limit; at a slower rate, the messages of one second.
        for batch in itertools.batched(planned, min(PER_BATCH, max(1, int(self._rate))), strict=False):
            if self._until is not None and self._clock.monotonic() > self._until:
                return self._save()
            if self._is_cancelled():
                return self._save(state=ReplayState.CANCELLED, ended_at=self._clock.now())
            self._pace(len(batch))
            self._record(self._dropped(batch) if self._replay.action is Action.DROP else self._replayed(batch))
            self._progress(self._replay)
        outcomes = counted(self._entries.values())
        return self._save(state=ReplayState.DONE, outcomes=outcomes, ended_at=self._clock.now())

    def _is_cancelled(self) -> bool:
        now = self._clock.monotonic()
        if self._asked is not None and now - self._asked < BEAT_EVERY:
            return False
        self._asked = now
        return self._replayer.log.cancelled(self._replay.replay_id)

    def _dropped(self, entries: Sequence[ReplayedMessage]) -> list[ReplayedMessage]:
        rows = self._failures.read(map(self._key, entries))
        ended = []
        for entry in entries:
            key = self._key(entry)
            row = self._change(rows.get(key), key, dropped, entry.generation, self._replay.replay_id)
            done = row is not None and row.state is FailureState.DROPPED and row.replay_id == self._replay.replay_id
            ended.append(self._ended(entry, Outcome.DROPPED if done else Outcome.GONE))
        return ended

    def _replayed(self, entries: Sequence[ReplayedMessage]) -> list[ReplayedMessage]:
        """Claim, send, note. In this order nothing is lost, and the outcome of a copy is not overwritten."""
        rows = self._failures.read(map(self._key, entries))
        ours: list[tuple[ReplayedMessage, FailureRow]] = []
        ended = []
        for entry in entries:
            key = self._key(entry)
            row = self._change(rows.get(key), key, claimed, entry.generation, self._replay.replay_id)
            mine = row is not None and (row.replay_id, row.generation) == (self._replay.replay_id, entry.generation)
            if row and mine and row.state is FailureState.REPLAYING:
                ours.append((entry, row))
            else:
                # If this replay has the claim, the copy was sent before an interruption, and may have an outcome since.
                ended.append(self._ended(entry, Outcome.REPLAYED if mine else Outcome.GONE))
        bodies = self._failures.bodies(row.key for _, row in ours)
        results = self._replayer.forward([(row, message_of(row, bodies.get(row.key, ""))) for _, row in ours])
        return [*ended, *(self._noted(*each, result) for each, result in zip(ours, results, strict=True))]

    def _noted(self, entry: ReplayedMessage, row: FailureRow, result: "Forwarded | Refused") -> ReplayedMessage:
        if isinstance(result, Refused):
            self._change(row, row.key, refused, row.generation)
            return self._ended(entry, Outcome.FAILED, text=result.text)
        # Only consumers note the outcome of a copy.
        known = self._owner in self._replayer.dead_letters.names.consumers
        self._change(row, row.key, sent if known else handed_over, row.generation)
        return self._ended(entry, Outcome.REPLAYED, text=result.text, copies=result.copies)

    def _key(self, entry: ReplayedMessage) -> Key:
        return self._owner.consumer, entry.message_id

    def _change(
        self, known: FailureRow | None, key: Key, rule: Callable[..., FailureRow | None], *how: object
    ) -> FailureRow | None:
        now = int(self._clock.now().timestamp())
        return change(self._failures, key, lambda row: rule(row, *how, now), known=known)

    def _ended(self, entry: ReplayedMessage, outcome: Outcome, **changes: object) -> ReplayedMessage:
        return entry.model_copy(update={"outcome": outcome, "at": self._clock.now(), **changes})

    def _pace(self, messages: int) -> None:
        """Sleep so that the rate is not exceeded. After a pause, it does not catch up."""
        now = self._clock.monotonic()
        if self._next > now:
            self._clock.sleep(self._next - now)
        self._next = max(self._next, now) + messages / self._rate

    def _record(self, entries: Sequence[ReplayedMessage]) -> None:
        self._replayer.log.save_messages(entries)
        self._entries |= {entry.message_id: entry for entry in entries}
        self._replay = self._replay.model_copy(update={"outcomes": counted(self._entries.values())})
        if self._clock.monotonic() - self._saved > BEAT_EVERY:
            self._save()

    def _save(self, **changes: object) -> Replay:
        self._saved = self._clock.monotonic()
        self._replay = self._replay.model_copy(update={**changes, "beat_at": self._clock.now()})
        self._replayer.log.save(self._replay)
        self._progress(self._replay)
        return self._replay
