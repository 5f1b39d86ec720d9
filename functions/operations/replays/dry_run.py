"""Dry runs: what a replay would do with the deployed code. Each consumer's own reaction runs over read-only ports.

A dry run changes nothing. It does not know whether a function has the permission to write, whether it ends in time, and
what a payment provider or SES would answer.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudretail import consumer
from cloudretail.decider import Change, Done, Nothing
from cloudretail.errors import InvalidEvent, Permanent
from cloudretail.event import EventData
from cloudretail.model import Model
from contract import parse
from operations.clock import REAL_TIME, Clock
from operations.consumers import Declaration, subscribers
from operations.dead_letters.domain import DeadMessage, dead_letter, message_of
from operations.dead_letters.service import DeadLetters
from operations.replays.domain import (
    Destination,
    NoDestination,
    Outcome,
    Replay,
    ReplayedMessage,
    ReplayState,
    ToBus,
    ToQueue,
    counted,
    destinations,
    planned,
)
from operations.replays.log import ReplayLog, interruption_recorded
from relay.stream import MAX_BYTES, size


class DryRunResult(Model):
    """What the deployed code would do with a message.

    Attributes:
        outcome: WOULD_ACT, NOTHING_TO_DO or WOULD_FAIL.
        text: such as `would become HELD and publish InventoryReserved`.
    """

    outcome: Outcome
    text: str


@dataclass(frozen=True)
class DryRun:
    """Carries out dry runs.

    Attributes:
        dead_letters: of all consumers.
        log: the record of replays.
        consumers: the consumers whose reactions run.
        clock: for the record.
    """

    dead_letters: DeadLetters
    log: ReplayLog
    consumers: Sequence[Declaration]
    clock: Clock = REAL_TIME

    def run(self, replay: Replay) -> Replay:
        """Record for each selected message what a replay would do; returns the replay, which is DONE."""
        if replay.state is ReplayState.DONE:
            return replay
        with interruption_recorded(self.log, replay.replay_id, self.clock):
            return self._run(replay)

    def _run(self, replay: Replay) -> Replay:
        assert replay.selection is not None, "only dead letters are tried"
        rows = self.dead_letters.rows(replay.selection)
        begun = {"planned": len(rows), "state": ReplayState.RUNNING, "beat_at": self.clock.now(), "ended_at": None}
        replay = replay.model_copy(update=begun)
        self.log.save(replay)
        messages: list[ReplayedMessage] = []
        for batch in itertools.batched(rows, 100, strict=False):
            keys = [row.key for row in batch]
            bodies = self.dead_letters.failures.bodies(keys)
            # The whole rows are read: those of a list lack the attributes.
            for row in self.dead_letters.failures.read(keys).values():
                result = self.result(message_of(row, bodies.get(row.key, "")))
                message = planned(replay, dead_letter(row), row.generation, self.clock.now())
                messages.append(message.model_copy(update={"outcome": result.outcome, "text": result.text}))
        self.log.save_messages(messages)
        done = replay.model_copy(
            update={
                "outcomes": counted(messages),
                "state": ReplayState.DONE,
                "ended_at": self.clock.now(),
            }
        )
        self.log.save(done)
        return done

    def result(self, dead: DeadMessage) -> DryRunResult:
        """What a replay of one message would do. Of several destinations, a failure counts most, then an effect."""
        interested = subscribers(self.consumers)
        try:
            targets = destinations(dead, self.dead_letters.names, interested, self.clock.now())
        except NoDestination as error:
            return DryRunResult(outcome=Outcome.WOULD_FAIL, text=f"cannot be replayed: {error}")
        results = {_name(target): self._at(dead.document, target, interested) for target in targets}
        if not results:
            return DryRunResult(outcome=Outcome.NOTHING_TO_DO, text="no consumer subscribes to this event")
        for outcome in (Outcome.WOULD_FAIL, Outcome.WOULD_ACT, Outcome.NOTHING_TO_DO):
            if found := {name: each.text for name, each in results.items() if each.outcome is outcome}:
                named = [text if len(results) == 1 else f"{name} {text}" for name, text in found.items()]
                return DryRunResult(outcome=outcome, text="; ".join(named))
        raise AssertionError(results)

    def _at(self, document: str, target: Destination, interested: Mapping[str, Sequence[str]]) -> DryRunResult:
        match target:
            case ToQueue(consumer=queue):
                for each in self.consumers:
                    if each.name == queue.consumer:
                        return in_words(each.dry_run(document))
                return in_words(Permanent(f"no consumer is called {queue.consumer}"))
            case ToBus(entry=entry):
                return _on_the_bus(dict(entry), interested)
            case _:
                return _would("invoke the replay worker again")


def _name(target: Destination) -> str:
    return target.consumer.consumer if isinstance(target, ToQueue) else "it"


def in_words(outcome: consumer.Outcome) -> DryRunResult:
    """The outcome of a reaction, in words."""
    match outcome:
        case Exception() as error:
            return DryRunResult(outcome=Outcome.WOULD_FAIL, text=f"would fail again: {type(error).__name__}: {error}")
        case Nothing(reason=reason):
            return DryRunResult(outcome=Outcome.NOTHING_TO_DO, text=f"already done: nothing, {reason}")
        case Done(what=what):
            return _would(what)
        case Change(state=state, events=events):
            status = getattr(state, "status", None)
            published = ", ".join(map(_event, events))
            steps = [f"become {status}" if status else "change", *([f"publish {published}"] if published else [])]
            return _would(" and ".join(steps))


def _event(data: EventData) -> str:
    reason = getattr(data, "reason", None)
    return f"{data.event_type.name} ({reason})" if reason else data.event_type.name


def _would(what: str) -> DryRunResult:
    return DryRunResult(outcome=Outcome.WOULD_ACT, text=f"would {what}")


def _on_the_bus(entry: dict[str, str], interested: Mapping[str, Sequence[str]]) -> DryRunResult:
    if size(entry) > MAX_BYTES:
        return in_words(Permanent(f"the entry has {size(entry)} bytes, the bus takes {MAX_BYTES}"))
    try:
        event = parse(entry["Detail"])
    except InvalidEvent as error:
        return in_words(error)
    names = interested.get(event.data.event_type.type, [])
    return _would(f"publish {entry['DetailType']} on the bus, for {', '.join(names) or 'the archive'}")
