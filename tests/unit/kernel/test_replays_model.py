"""Collector, consumer and replays in every order, with crashes, duplicates and late arrivals: a model on real rules.

The state is one row, the messages in the consumer's queue and in its dead-letter queue, and how far each replay is. A
step is one write, one send or one deletion; after it anybody may be next, or the process may be gone. All states that
can be reached are visited. In none of them is a message lost or a replay under way for ever, and each of them leads to
an end.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from cloudretail import failures
from cloudretail.failures import LEASE, Cause, Death, Failure, FailureRow, FailureState, Kind

MOST_REPLAYS = 2
MOST_FAULTS = 1
"""With two there are 230,000 worlds, and nothing else is found."""
FAILURE = Failure("orders", "event", Kind.MAY_PASS, "KeyError", "KeyError", "", "", "", "", "", 1, "first")
CAUSE = Cause(code="KeyError", fingerprint="x", exception="KeyError")


@dataclass(frozen=True, order=True)
class Message:
    """In a queue: the first message or a copy, or another message of the same event.

    Attributes:
        first: id of the first message that it is, or is a copy of.
        generation: how often that was replayed.
        failed: it has failed once, and is being retried.
        handled: its consumer has done what it asks for, and has not noted that yet.
    """

    first: str
    generation: int = 0
    failed: bool = False
    handled: bool = False


@dataclass(frozen=True)
class Replaying:
    """A replay in the middle: of which generation its copy is, and what it has done so far."""

    id: str
    generation: int
    step: str
    first: str = ""


@dataclass(frozen=True)
class World:
    """Everything that decides what can happen next.

    Attributes:
        row: of the failures table; None before the first failure.
        now: counted in leases.
        queue: the consumer's, unordered.
        dead: its dead-letter queue, unordered.
        replays: those that are under way.
        begun: how many were begun.
        faults: how often a process died, SQS delivered again, or an event was published again.
        wanted: somebody has to do what the event asks for: a message was given up, and no success was noted since.
        succeeded: the messages that have, by first message and generation.
    """

    row: FailureRow | None
    now: int
    queue: tuple[Message, ...]
    dead: tuple[Message, ...]
    replays: tuple[Replaying, ...] = ()
    begun: int = 0
    faults: int = 0
    wanted: bool = True
    succeeded: frozenset[tuple[str, int]] = frozenset()

    @property
    def key(self) -> Any:
        """What tells worlds apart: a row's times, causes and counts decide nothing but the lease."""
        row = self.row
        left = self.now - row.since > LEASE if row else False
        told = row and (row.state, row.generation, row.replay_id, frozenset(row.deaths), row.message_id, left)
        return told, self.queue, self.dead, self.replays, self.begun, self.faults, self.wanted, self.succeeded


@dataclass(frozen=True)
class Rules:
    """The rules, of which a test may replace some."""

    failed: Callable[..., FailureRow] = failures.failed
    resolved: Callable[..., FailureRow | None] = failures.resolved
    died: Callable[..., FailureRow | None] = failures.died
    claimed: Callable[..., FailureRow | None] = failures.claimed
    sent: Callable[..., FailureRow | None] = failures.sent


def without(messages: tuple[Message, ...], gone: Message) -> tuple[Message, ...]:
    rest = list(messages)
    rest.remove(gone)
    return tuple(rest)


def with_(messages: tuple[Message, ...], *more: Message) -> tuple[Message, ...]:
    return tuple(sorted((*messages, *more)))


def steps(world: World, rules: Rules) -> Iterator[World]:
    """Everything that can happen next."""
    row = world.row
    if row and row.state is FailureState.REPLAYING and world.now - row.since <= LEASE:
        yield replace(world, now=world.now + LEASE + 1)
    for message in dict.fromkeys(world.queue):
        yield from consumed(world, message, rules)
    for message in dict.fromkeys(world.dead):
        yield from collected(world, message, rules)
    yield from replayed(world, rules)
    if world.faults < MOST_FAULTS:
        # SQS delivers a message again, or the event is published again by a nudge or from the archive.
        for message in dict.fromkeys((*world.queue, Message("nudged"))):
            yield faulty(world, queue=with_(world.queue, message))


def faulty(world: World, **changes: Any) -> World:
    return replace(world, faults=world.faults + 1, **changes)


def consumed(world: World, message: Message, rules: Rules) -> Iterator[World]:
    rest = without(world.queue, message)
    if message.handled:
        row = rules.resolved(world.row, message.generation, world.now) or world.row
        done = world.succeeded | {(message.first, message.generation)}
        yield replace(world, row=row, queue=rest, wanted=False, succeeded=done)
        if world.faults < MOST_FAULTS:  # It dies between the note and the deletion.
            yield faulty(world, row=row, wanted=False, succeeded=done)
        return
    if message.failed or message.generation:
        yield replace(world, queue=with_(rest, replace(message, handled=True)))
    elif message.first != "first":  # The first message fails at its first delivery, or there were nothing to see.
        yield replace(world, queue=rest, wanted=False)
    failure = replace(FAILURE, message_id=message.first, generation=message.generation)
    row = rules.failed(world.row, failure, world.now)
    if not message.failed:
        yield replace(world, row=row, queue=with_(rest, replace(message, failed=True)))
    given_up = with_(world.dead, Message(message.first, message.generation))
    wanted = world.wanted or not _is_superseded(message, world)
    yield replace(world, row=row, dead=given_up, queue=rest, wanted=wanted)
    if world.faults < MOST_FAULTS:  # It dies between the send and the deletion.
        yield faulty(world, row=row, dead=given_up, wanted=wanted)


def _is_superseded(message: Message, world: World) -> bool:
    """What becomes of it is of no interest: its own twin has succeeded, or a copy of it or of a later one has."""
    told = world.row is not None and f"{message.first}/{message.generation}" in world.row.deaths
    return any(
        (first == message.first and generation >= message.generation)
        or (generation > message.generation and (told or message.generation > 0))
        for first, generation in world.succeeded
    )


def collected(world: World, message: Message, rules: Rules) -> Iterator[World]:
    death = Death("orders", "event", message.generation, message.first, "m", world.now, "OrdersDlq", CAUSE)
    row = rules.died(world.row, death) or world.row
    yield replace(world, row=row, dead=without(world.dead, message))
    if world.faults < MOST_FAULTS:  # It dies between the write and the deletion.
        yield faulty(world, row=row)


def replayed(world: World, rules: Rules) -> Iterator[World]:
    row = world.row
    if row and world.begun < MOST_REPLAYS and (generation := failures.next_generation(row, world.now)) is not None:
        begun = Replaying(f"rpl_{world.begun}", generation, "planned")
        yield replace(world, replays=(*world.replays, begun), begun=world.begun + 1)
    for each in world.replays:
        others = tuple(other for other in world.replays if other != each)
        if world.faults < MOST_FAULTS:
            yield faulty(world, replays=others)  # It is gone for good.
        match each.step:
            case "planned":
                after = rules.claimed(row, each.generation, each.id, world.now)
                going = (replace(each, step="claimed", first=after.message_id or ""),) if after else ()
                yield replace(world, row=after or row, replays=(*others, *going))
            case "claimed":
                queue = with_(world.queue, Message(each.first, each.generation))
                yield replace(world, queue=queue, replays=(*others, replace(each, step="sent")))
                if world.faults < MOST_FAULTS:  # It dies before it notes that, and goes on from its record.
                    yield faulty(world, queue=queue, replays=(*others, replace(each, step="planned")))
            case "sent":
                yield replace(world, row=rules.sent(row, each.generation, world.now) or row, replays=others)


def explore(rules: Rules) -> tuple[dict[Any, World], dict[Any, set[Any]]]:
    """All worlds that can be reached, and which leads to which."""
    first = World(None, 0, (Message("first"),), ())
    seen, leads_to, frontier = {first.key: first}, {}, [first]
    while frontier:
        world = frontier.pop()
        nexts = list(steps(world, rules))
        leads_to[world.key] = {each.key for each in nexts}
        for each in nexts:
            if each.key not in seen:
                seen[each.key] = each
                frontier.append(each)
    return seen, leads_to


def at_rest(world: World) -> bool:
    """Nothing is under way: what is to happen next is up to an operator."""
    return not (world.queue or world.dead or world.replays)


def lost(world: World) -> bool:
    """Somebody has to do something, and nobody is told."""
    told = world.row is not None and world.row.state in (FailureState.DEAD, FailureState.REPLAYING)
    return at_rest(world) and world.wanted and not told


def under_way_for_ever(world: World) -> bool:
    """The row says that something is under way, and nothing is."""
    states = (FailureState.FAILING, FailureState.REPLAYED)
    return at_rest(world) and world.row is not None and world.row.state in states


def wrong(worlds: Iterable[World]) -> set[str]:
    """What is wrong in any of them."""
    return {check.__name__ for world in worlds for check in (lost, under_way_for_ever) if check(world)}


def test_in_no_order_of_steps_is_a_message_lost_or_a_replay_under_way_for_ever() -> None:
    worlds, leads_to = explore(Rules())
    assert len(worlds) > 10_000
    assert wrong(worlds.values()) == set()
    reaches = {key for key, world in worlds.items() if _ended(world)}
    before, todo = _reversed(leads_to), list(reaches)
    while todo:
        more = before.get(todo.pop(), set()) - reaches
        reaches |= more
        todo += more
    assert reaches == worlds.keys(), "from every world the message can come to its end"


def note_first(*claim: Any) -> FailureRow | None:
    row = failures.claimed(*claim)
    return row and row.now(FailureState.REPLAYED, row.since)


def note_whatever_has_come_of_it(row: FailureRow, generation: int, now: int) -> FailureRow:
    return row.now(FailureState.REPLAYED, now, generation=generation)


def count_generations_alone(row: FailureRow | None, death: Death) -> FailureRow | None:
    return None if row and death.generation < row.generation else failures.died(row, death)


def count_each_death_once(row: FailureRow | None, death: Death) -> FailureRow | None:
    return None if row and death.id in row.deaths else failures.died(row, death)


DEFECTS = {
    "a replay that is noted before its copy is sent": (Rules(claimed=note_first), "lost"),
    "a note that writes over what the copy has come to": (Rules(sent=note_whatever_has_come_of_it), "lost"),
    "a later message of the event whose death is taken for an old copy's": (
        Rules(died=count_generations_alone),
        "lost",
    ),
    "a copy that was sent twice and fails after its death": (Rules(died=count_each_death_once), "under_way_for_ever"),
    "a failing copy that is not shown as dead": (Rules(died=lambda row, death: row), "lost"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_model_finds_a_rule_that_lacks(defect: str) -> None:
    rules, consequence = DEFECTS[defect]
    worlds, _ = explore(rules)
    assert consequence in wrong(worlds.values())


def _ended(world: World) -> bool:
    """Also a dead letter that was replayed as often as the model does."""
    state = world.row.state if world.row else FailureState.RESOLVED
    return at_rest(world) and (state is FailureState.RESOLVED or world.begun == MOST_REPLAYS)


def _reversed(leads_to: dict[Any, set[Any]]) -> dict[Any, set[Any]]:
    before: dict[Any, set[Any]] = {}
    for key, nexts in leads_to.items():
        for each in nexts:
            before.setdefault(each, set()).add(key)
    return before
