"""Starts replays, and reads their record."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cloudretail.errors import Conflict, NotFound
from operations.clock import REAL_TIME, Clock
from operations.dead_letters.domain import DeadLetter, Selection
from operations.dead_letters.failures import Failures
from operations.queues import ConsumerQueue
from operations.replays.domain import Action, Outcome, Replay, ReplayedMessage, ReplayState
from operations.replays.log import ReplayLog


@dataclass(frozen=True)
class Replays:
    """The record of all replays.

    Attributes:
        log: the record.
        failures: the table of failures, for the outcomes of copies.
        clock: for new records.
    """

    log: ReplayLog
    failures: Failures
    clock: Clock = REAL_TIME

    def start(self, action: Action, selection: Selection, *, by: str, reason: str, rate: float) -> Replay:
        """Record a new replay, drop or dry run, for the worker to carry out.

        Args:
            action: REPLAY, DROP or DRY_RUN.
            selection: the dead letters.
            by: who starts it.
            reason: why.
            rate: messages a second at most.
        """
        replay = Replay(
            replay_id=new_replay_id(),
            action=action,
            by=by,
            reason=reason,
            target=str(selection),
            selection=selection,
            rate=rate,
            at=self.clock.now(),
        )
        self.log.save(replay)
        return replay

    def begin(self, action: Action, target: str, *, by: str, reason: str, planned: int | None = None) -> Replay:
        """Record what its caller carries out at once, without the worker: a copy, or a replay of the archive.

        Args:
            action: COPY or ARCHIVE.
            target: what it is about, in words.
            by: who carries it out.
            reason: why.
            planned: how many messages, where that is known.
        """
        replay = Replay(
            replay_id=new_replay_id(),
            action=action,
            by=by,
            reason=reason,
            target=target,
            at=self.clock.now(),
            state=ReplayState.RUNNING,
            planned=planned,
        )
        self.log.save(replay)
        return replay

    def get(self, replay_id: str) -> Replay:
        """The record of a replay as of now; raises NotFound."""
        found = self.log.find(replay_id)
        if found is None:
            raise NotFound("replay")
        return found.seen_at(self.clock.now())

    def recent(self, limit: int, before: str | None = None) -> list[Replay]:
        """The latest replays, as they are now, the latest first; of those before a time, where one is given."""
        return [replay.seen_at(self.clock.now()) for replay in self.log.recent(limit, before)]

    def cancel(self, replay_id: str, by: str) -> Replay:
        """Stop a replay before its next messages. Messages that it has sent stay sent.

        Raises:
            NotFound: there is no such replay.
            Conflict: it has ended.
        """
        replay = self.get(replay_id)
        if replay.ended:
            raise Conflict("replay-ended", f"The replay is {replay.state}: there is nothing to cancel.")
        self.log.cancel(replay_id, by)
        return replay

    def resume(self, replay_id: str) -> Replay:
        """Record that a replay continues, for the worker to carry out.

        Raises:
            NotFound: there is no such replay.
            Conflict: it is running or done, or is not a kind that can be resumed.
        """
        replay = self.get(replay_id)
        if replay.state not in (ReplayState.CANCELLED, ReplayState.INTERRUPTED) or replay.selection is None:
            raise Conflict("replay-not-stopped", f"The replay is {replay.state}: it cannot be resumed.")
        self.log.uncancel(replay_id)
        again = {"state": ReplayState.QUEUED, "ended_at": None, "beat_at": self.clock.now()}
        queued = replay.model_copy(update=again)
        self.log.save(queued)
        return queued

    def messages(self, replay_id: str) -> Sequence[ReplayedMessage]:
        """The outcomes of a replay's messages, in the order of time; raises NotFound."""
        self.get(replay_id)
        return sorted(self.log.messages(replay_id), key=lambda message: message.at)

    def followed(self, messages: Sequence[ReplayedMessage]) -> list[ReplayedMessage]:
        """The messages with the present state of their copies: resolved, dead again, or without an outcome yet."""
        keys = {
            message.message_id: (ConsumerQueue.by_dead_letter_queue(message.queue).consumer, message.message_id)
            for message in messages
            if message.outcome is Outcome.REPLAYED
        }
        rows = self.failures.read(keys.values())
        states = {message_id: rows[key].state for message_id, key in keys.items() if key in rows}
        return [message.model_copy(update={"state": states.get(message.message_id)}) for message in messages]

    def history(self, letter: DeadLetter) -> list[Replay]:
        """The replays that sent a message, the latest first."""
        return [replay for each in reversed(letter.replays) if (replay := self.log.find(each))]


def new_replay_id() -> str:
    return f"rpl_{secrets.token_hex(6)}"
