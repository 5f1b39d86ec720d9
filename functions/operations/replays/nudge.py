"""Nudging an order: the events that a consumer may still wait for are published again."""

from dataclasses import dataclass
from datetime import datetime

from cloudretail.errors import NotFound
from cloudretail.event import EventType
from cloudretail.model import Model
from operations.clock import REAL_TIME, Clock
from operations.dead_letters.sqs import NotAccepted
from operations.replays.awaited import PublishingRows, awaited_documents
from operations.replays.domain import Action, Outcome, Replay, ReplayedMessage, ReplayState, counted
from operations.replays.log import ReplayLog
from operations.replays.service import new_replay_id
from operations.replays.targets import Bus


class _Document(Model):
    """The attributes of an event that are recorded."""

    id: str
    type: str


@dataclass(frozen=True)
class Nudge:
    """Publishes events of an order that may have been lost.

    Attributes:
        rows: reads the rows that publish about orders.
        bus: the event bus.
        log: the record of replays.
        clock: for the record.
    """

    rows: PublishingRows
    bus: Bus
    log: ReplayLog
    clock: Clock = REAL_TIME

    def run(self, order_id: str, *, by: str, reason: str) -> Replay:
        """Publish the awaited events of all rows about an order again; raises NotFound if there are no rows.

        It is safe at any time: a consumer reacts to an event once, however often it receives it.
        """
        now, replay_id = self.clock.now(), new_replay_id()
        documents = [
            document
            for publisher, row in self.rows.of_order(order_id)
            for document in awaited_documents(order_id, publisher, row, replay_id, now)
        ]
        if not documents:
            raise NotFound("order")
        replay = Replay(
            replay_id=replay_id,
            action=Action.NUDGE,
            by=by,
            reason=reason,
            target=order_id,
            at=now,
            state=ReplayState.RUNNING,
            planned=len(documents),
        )
        self.log.save(replay)
        messages = [self._published(replay, document, now) for document in documents]
        self.log.save_messages(messages)
        ended = {"state": ReplayState.DONE, "outcomes": counted(messages), "ended_at": self.clock.now()}
        replay = replay.model_copy(update=ended)
        self.log.save(replay)
        return replay

    def _published(self, replay: Replay, document: str, now: datetime) -> ReplayedMessage:
        event = _Document.model_validate_json(document)
        message = ReplayedMessage(
            replay_id=replay.replay_id,
            message_id=event.id,
            queue="the outbox",
            event_id=event.id,
            event_name=EventType.parse(event.type).name,
            order_id=replay.target,
            at=now,
        )
        try:
            copy = self.bus.publish(document)
        except NotAccepted as error:
            return message.model_copy(update={"outcome": Outcome.FAILED, "text": str(error)})
        return message.model_copy(update={"outcome": Outcome.REPLAYED, "copies": (copy,), "text": "to the bus"})
