"""Failures, queues, a record and a clock in memory, with the promises of the real ones; and a way to be killed."""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cloudretail.errors import LostRace
from cloudretail.failure_log import Key
from cloudretail.failures import FailureRow, FailureState, open_state
from operations.clock import Clock
from operations.consumers import CONSUMERS
from operations.dead_letters.collector import collect
from operations.dead_letters.domain import QueueMessage, Selection, read
from operations.dead_letters.failures import OpenFailure
from operations.dead_letters.service import DeadLetters
from operations.dead_letters.sqs import Copy, Counts, NotAccepted
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
    """A consumer's queue, as operators use it.

    Args:
        step: called at each call.
    """

    def __init__(self, step: Callable[[], None] = lambda: None) -> None:
        self.step = step
        self.copies: list[Copy] = []
        self.refuses: Callable[[str], bool] = lambda body: False

    def counts(self) -> Counts:
        self.step()
        return Counts(len(self.copies), 0, 0)

    def send(self, copies: Sequence[Copy]) -> list[str | NotAccepted]:
        self.step()
        results: list[str | NotAccepted] = []
        for copy in copies:
            if self.refuses(copy.body):
                results.append(NotAccepted("the queue is gone"))
            else:
                self.copies.append(copy)
                results.append(f"copy-{len(self.copies)}")
        return results

    @property
    def bodies(self) -> list[str]:
        return [copy.body for copy in self.copies]


@dataclass
class InMemoryReplayLog:
    """A ReplayLog that can be killed at each write."""

    step: Callable[[], None] = lambda: None
    replays: dict[str, Replay] = field(default_factory=dict)
    saved: dict[tuple[str, str], ReplayedMessage] = field(default_factory=dict)
    cancels: dict[str, str] = field(default_factory=dict)

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

    def recent(self, limit: int, before: str | None = None) -> list[Replay]:
        latest = list(reversed(self.replays.values()))
        return [each for each in latest if before is None or each.model_dump(mode="json")["at"] < before][:limit]

    def cancel(self, replay_id: str, by: str) -> None:
        self.cancels[replay_id] = by

    def uncancel(self, replay_id: str) -> None:
        self.cancels.pop(replay_id, None)

    def cancelled(self, replay_id: str) -> bool:
        return replay_id in self.cancels

    def of_order(self, order_id: str) -> list[ReplayedMessage]:
        return [message for message in self.saved.values() if message.order_id == order_id]


@dataclass
class InMemoryFailures:
    """Failures that can be killed at each write."""

    step: Callable[[], None] = lambda: None
    rows: dict[Key, FailureRow] = field(default_factory=dict)
    packed: dict[Key, bytes] = field(default_factory=dict)
    long: dict[str, str] = field(default_factory=dict)

    def read(self, keys: Iterable[Key]) -> dict[Key, FailureRow]:
        return {key: self.rows[key] for key in keys if key in self.rows}

    def write(self, read: FailureRow | None, row: FailureRow, body: bytes | None = None) -> FailureRow:
        self.step()
        kept = self.rows.get(row.key)
        if (kept.revision if kept else 0) != (read.revision if read else 0):
            raise LostRace(row.event_id)
        self.rows[row.key] = row.model_copy(update={"revision": row.revision + 1})
        if body is not None:
            self.packed[row.key] = body
        return self.rows[row.key]

    def open(
        self, consumer: str, state: FailureState, since: datetime | None = None, until: datetime | None = None
    ) -> list[FailureRow]:
        begin, end = since.timestamp() if since else 0, until.timestamp() if until else 2**40
        found = [row for row in self.rows.values() if row.open_state == open_state(state, consumer)]
        inside = [_in_index(row) for row in found if begin <= row.since <= end]
        return sorted(inside, key=lambda row: row.since)

    def with_cause(self, consumer: str, state: FailureState, cause: str) -> list[FailureRow]:
        return [row for row in self.open(consumer, state) if row.cause.fingerprint == cause]

    def of_event(self, consumer: str, state: FailureState, event_name: str) -> list[FailureRow]:
        return [row for row in self.open(consumer, state) if row.event_name == event_name]

    def of_account(self, user_id: str) -> list[FailureRow]:
        return [_in_index(row) for row in self.rows.values() if row.user_id == user_id]

    def count(self, consumer: str, state: FailureState, until: datetime | None = None) -> int:
        return len(self.open(consumer, state, None, until))

    def of_order(self, order_id: str) -> list[FailureRow]:
        found = [_in_index(row) for row in self.rows.values() if row.order_id == order_id]
        return sorted(found, key=lambda row: row.last_failed_at)

    def beginning(self, consumer: str, prefix: str) -> list[str]:
        return sorted(key for owner, key in self.rows if owner == consumer and key.startswith(prefix))[:3]

    def of_orders(self) -> list[OpenFailure]:
        rows = [row for row in self.rows.values() if row.open_orders]
        return [OpenFailure.model_validate(row.model_dump()) for row in sorted(rows, key=lambda row: row.since)]

    def bodies(self, keys: Iterable[Key]) -> dict[Key, str]:
        return {
            key: self.long[place] if (place := self.rows[key].body_at) else zlib.decompress(self.packed[key]).decode()
            for key in keys
            if key in self.packed
        }

    def keep_long(self, place: str, body: str) -> None:
        self.step()
        self.long[place] = body

    def put(
        self, queue: str, body: str, *, message_id: str = "message-1", sent_at: datetime = NOW, **attributes: str
    ) -> FailureRow:
        """Let the collector find a message in a dead-letter queue, without a step."""
        step, self.step = self.step, lambda: None
        row = collect(read(queue, QueueMessage(message_id, body, sent_at, attributes)), self, NAMES)
        self.step = step
        return row


def _in_index(row: FailureRow) -> FailureRow:
    """What an index has of it."""
    lacks = {"revision": 0, "attributes": {}, "deaths": (), "invalid": None, "sqs_id": None, "replay_id": None}
    return row.model_copy(update={**lacks, "body_at": None, "expires_at": None, "failures": 0, "unexpected": 0})


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
        self.queues = {each.queue: InMemoryQueue(killer) for each in NAMES.consumers}
        self.failures = InMemoryFailures(killer)
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
