"""Dead-letter queues, a journal and a clock in memory, with the promises of the real ones; and a way to be killed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from operations.clock import Clock
from operations.consumers import CONSUMERS
from operations.dead_letters.domain import DeadMessage, QueueMessage, Selection
from operations.dead_letters.service import DeadLetters
from operations.dead_letters.sqs import Counts, NotAccepted
from operations.queues import ConsumerQueue, QueueNames
from operations.replays.domain import Action, Replay, ReplayedMessage
from operations.replays.replayer import Replayer

NAMES = QueueNames(tuple(ConsumerQueue.of(each.name) for each in CONSUMERS))
SUBSCRIBERS = {"cloudretail.orders.OrderPlaced.v1": ("inventory", "payments", "notifications")}
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, its `finally` neither."""


class Killer:
    """Kills at the n-th step, and everything after it too.

    Args:
        at: which step; None for never.
    """

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.steps = 0

    def __call__(self) -> None:
        self.steps += 1
        if self.at is not None and self.steps > self.at:
            raise Killed


class Time:
    """Goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, self.sleep, lambda: NOW + timedelta(seconds=self.seconds))


class InMemoryQueue:
    """A Queue with SQS' promises: a message is received by one at a time, and comes back unless it is deleted.

    Args:
        time: when messages come back.
        step: called at each call.
    """

    def __init__(self, time: Time, step: Callable[[], None] = lambda: None) -> None:
        self._time = time
        self.step = step
        self.messages: dict[str, QueueMessage] = {}
        self.visible_at: dict[str, float] = {}
        self.refuses: Callable[[str], bool] = lambda body: False
        self.delays: dict[str, int] = {}
        self._receipts = 0

    def counts(self) -> Counts:
        self.step()
        hidden = sum(at > self._time.seconds for at in self.visible_at.values())
        return Counts(len(self.messages) - hidden, hidden, 0, timedelta(days=14))

    def receive(self, hidden_for: int) -> list[QueueMessage]:
        self.step()
        visible = [each for each, at in self.visible_at.items() if at <= self._time.seconds][:10]
        received = []
        for message_id in visible:
            self._receipts += 1
            seen = self.messages[message_id]
            self.messages[message_id] = replace(seen, receives=seen.receives + 1, receipt=str(self._receipts))
            self.visible_at[message_id] = self._time.seconds + hidden_for
            received.append(self.messages[message_id])
        return received

    def show_again(self, messages: Iterable[QueueMessage]) -> None:
        self.step()
        for message in messages:
            if self._holds(message):
                self.visible_at[message.id] = self._time.seconds

    def delete(self, messages: Iterable[QueueMessage]) -> None:
        for message in messages:
            self.step()
            if self._holds(message):
                del self.messages[message.id], self.visible_at[message.id]

    def _holds(self, message: QueueMessage) -> bool:
        return message.id in self.messages and self.messages[message.id].receipt == message.receipt

    def send(self, body: str, attributes: Mapping[str, str], delay: int) -> str:
        self.step()
        if self.refuses(body):
            raise NotAccepted("the queue is gone")
        message_id = self.put(body, attributes)
        self.delays[message_id] = delay
        return message_id

    def put(
        self, body: str, attributes: Mapping[str, str] | None = None, *, message_id: str = "", sent_at: datetime = NOW
    ) -> str:
        """Send without a step."""
        message_id = message_id or f"message-{id(self)}-{len(self.delays)}-{len(self.messages)}"
        self.messages[message_id] = QueueMessage(message_id, "", body, sent_at, 0, dict(attributes or {}))
        self.visible_at[message_id] = self._time.seconds
        return message_id

    @property
    def bodies(self) -> list[str]:
        return [message.body for message in self.messages.values()]


@dataclass
class InMemoryReplayLog:
    """A ReplayLog that can be killed at each write."""

    step: Callable[[], None] = lambda: None
    replays: dict[str, Replay] = field(default_factory=dict)
    saved: dict[tuple[str, str], ReplayedMessage] = field(default_factory=dict)

    def save(self, replay: Replay) -> None:
        self.step()
        self.replays[replay.replay_id] = replay

    def save_messages(self, messages: Sequence[ReplayedMessage]) -> None:
        for message in messages:
            self.step()
            self.saved[message.replay_id, message.message_id] = message

    def find(self, replay_id: str) -> Replay | None:
        return self.replays.get(replay_id)

    def messages(self, replay_id: str) -> list[ReplayedMessage]:
        return [message for (of, _), message in self.saved.items() if of == replay_id]

    def recent(self, limit: int) -> list[Replay]:
        return list(reversed(self.replays.values()))[:limit]

    def of_order(self, order_id: str) -> list[ReplayedMessage]:
        return [message for message in self.saved.values() if message.order_id == order_id]


@dataclass
class InMemoryFailures:
    """Kept failures, by the key under which a consumer keeps them."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, messages: Sequence[DeadMessage]) -> dict[str, dict[str, Any]]:
        return {each.message.id: self.rows[key] for each in messages for key in each.failure_keys if key in self.rows}

    def of_order(self, order_id: str) -> list[dict[str, Any]]:
        return [row for row in self.rows.values() if row.get("orderId") == order_id]


@dataclass
class InMemoryBus:
    """A Bus, and the worker's invoker."""

    entries: list[Mapping[str, str]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    def put(self, entry: Mapping[str, str]) -> str:
        self.entries.append(entry)
        return f"entry-{len(self.entries)}"

    def publish(self, document: str) -> str:
        return self.put({"Detail": document})

    def start(self, payload: str) -> None:
        self.started.append(payload)


class InMemoryShop:
    """All queues, the bus and the records, in memory.

    Args:
        killer: called at each step.
    """

    def __init__(self, killer: Callable[[], None] = lambda: None) -> None:
        self.time = Time()
        self.queues = {name: InMemoryQueue(self.time, killer) for name in NAMES.all}
        self.failures = InMemoryFailures()
        self.log = InMemoryReplayLog(killer)
        self.bus = InMemoryBus()

    @property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(NAMES, self.queues, self.failures, self.time.clock)

    @property
    def replayer(self) -> Replayer:
        return Replayer(self.dead_letters, self.bus, self.bus, self.log, SUBSCRIBERS, self.time.clock)

    def asked(self, action: Action = Action.REPLAY, rate: float = 1000, **selection: Any) -> Replay:
        """The record of a replay that was asked for and has not started."""
        selected = Selection(**{"queue": "OrdersDlq", **selection})
        return Replay(
            replay_id=f"rpl_{len(self.log.replays)}",
            action=action,
            by="operator@cloudretail.example",
            reason="a bug is mended",
            target=str(selected),
            selection=selected,
            rate=rate,
            at=NOW,
        )
