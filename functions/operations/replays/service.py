"""Starting replays, and reading their record."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cloudretail.errors import NotFound
from operations.clock import REAL_TIME, Clock
from operations.dead_letters.domain import DeadLetter, Selection
from operations.replays.domain import Action, Replay, ReplayedMessage
from operations.replays.log import ReplayLog


@dataclass(frozen=True)
class Replays:
    """The record of all replays.

    Attributes:
        log: where it is.
        clock: for new records.
    """

    log: ReplayLog
    clock: Clock = REAL_TIME

    def start(self, action: Action, selection: Selection, *, by: str, reason: str, rate: float) -> Replay:
        """Record that dead letters are to be replayed, dropped or tried; that is then carried out by somebody else.

        Args:
            action: REPLAY, DROP or DRY_RUN.
            selection: which dead letters.
            by: who asks for it.
            reason: why.
            rate: messages a second at the most.
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

    def get(self, replay_id: str) -> Replay:
        """The record of a replay; raises NotFound."""
        found = self.log.find(replay_id)
        if found is None:
            raise NotFound("replay")
        return found

    def messages(self, replay_id: str) -> Sequence[ReplayedMessage]:
        """What became of each message of a replay, in the order in which it was decided; raises NotFound."""
        self.get(replay_id)
        return sorted(self.log.messages(replay_id), key=lambda message: message.at)

    def history(self, letter: DeadLetter) -> list[Replay]:
        """The replays that sent a message, the latest first."""
        return [replay for each in reversed(letter.replays) if (replay := self.log.find(each))]


def new_replay_id() -> str:
    return f"rpl_{secrets.token_hex(6)}"
