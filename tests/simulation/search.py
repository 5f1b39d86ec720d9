"""Looking for a schedule that breaks a rule, and cutting it down to what is needed for that."""

import multiprocessing
import os
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from unittest.mock import patch

from cloudretail import repository
from inventory import reactions as inventory
from payments.providers import TestToken
from tests.simulation.invariants import check, check_replay
from tests.simulation.schedule import Basket, Break, Interruption, Kind, Schedule, Step, Violation
from tests.simulation.world import PRODUCTS, WINDOW, World

MEANS = ("COD", *TestToken, "tok_unknown")
LIKELY_MEANS = (3, 4, 4, 1, 1, 2, 1)
"""How often each of MEANS is chosen."""

WAITS = (1, 30, 120, int(WINDOW.total_seconds()), 3600, 90_000, 3 * 86_400)
"""Seconds that pass at once: within a function's time-out, beyond it, the window, and what makes keys and orders old."""
LIKELY_WAITS = (4, 2, 2, 4, 1, 2, 1)


@dataclass(frozen=True)
class Failure:
    """A schedule, and the rule that it breaks."""

    seed: int
    schedule: Schedule
    violation: Violation


@contextmanager
def simulated() -> Iterator[None]:
    """Neither waits between tries nor logs: the kernel's pause lets nobody else in that a break would not."""
    with (
        patch.object(repository, "time", SimpleNamespace(sleep=lambda seconds: None)),
        patch.object(inventory, "record", lambda *args, **kwargs: None),
    ):
        yield


def play(schedule: Schedule, trace: list[str] | None = None) -> World:
    """Take the steps of a schedule, end its faults, and look at what came of it.

    Raises:
        Violation: something that must not be.
    """
    world = World(schedule, trace)
    for step in schedule.steps:
        world.do(step)
    _finish(world)
    return world


def wander(seed: int) -> World:
    """A random schedule, made up while it runs; the world knows its steps afterwards.

    Raises:
        Violation: with the schedule so far in `schedule`.
    """
    chance = random.Random(seed)
    world = World(_shop(chance))
    steps: list[Step] = []
    try:
        for _ in range(chance.choice((10, 25, 50, 80, 120))):
            step = _step(chance, world)
            if step:
                steps.append(step)
                world.do(step)
        _finish(world)
    except Violation as violation:
        violation.schedule = replace(world.schedule, steps=tuple(steps))
        raise
    world.schedule = replace(world.schedule, steps=tuple(steps))
    return world


def _finish(world: World) -> None:
    if world.trace is not None:
        world.trace.append("the faults end, everything arrives")
    world.drain()
    check(world)
    if world.trace is not None:
        world.trace.append("every event is replayed")
    check_replay(world)


def _shop(chance: random.Random) -> Schedule:
    """Few of everything: that is where orders meet."""
    baskets = {
        f"ord_{number}": Basket(
            tuple((chance.choice(PRODUCTS), chance.choice((1, 1, 2))) for _ in range(chance.choice((1, 1, 1, 2, 3)))),
            cod=chance.random() < 0.25,
        )
        for number in range(1, chance.choice((1, 1, 2, 2, 3)) + 1)
    }
    received = {product: chance.choice((1, 2, 2, 3, 4, 9)) for product in PRODUCTS}
    return Schedule(received, baskets, (), chance.randrange(2**16))


def _step(chance: random.Random, world: World) -> Step | None:
    """One of the things that could happen now, or None where the first guess could not."""
    interruption = None
    if chance.random() < 0.22:
        kind = chance.choices((Break.PAUSE, Break.CRASH, Break.FAIL, Break.LATE), (5, 3, 3, 1))[0]
        interruption = Interruption(chance.choice((1, 2, 2, 3, 3, 4, 5, 6)), kind)
    guess = chance.random()
    if guess < 0.42:
        queues = [queue for queue in world.queues if world.ready(queue)]
        if not queues:
            return None
        queue = chance.choice(queues)
        ready = world.ready(queue)
        size = chance.choice((1, 1, 2, 3)) if queue == "InventoryQueue" else 1
        names = tuple(message.name for message in chance.sample(ready, min(size, len(ready))))
        return Step(Kind.DELIVER, names, interruption)
    if guess < 0.66:
        pending = world.pending()
        return Step(Kind.RELAY, (chance.choice(pending),), interruption) if pending else None
    if guess < 0.80:
        order_id = chance.choice(list(world.schedule.baskets))
        if order_id not in world.orders.items or chance.random() < 0.1:
            return Step(Kind.CHECK_OUT, (order_id,), interruption)
        if chance.random() < 0.25:
            return Step(Kind.CANCEL, (order_id,), interruption)
        return Step(Kind.PAY, (order_id, chance.choices(MEANS, LIKELY_MEANS)[0]), interruption)
    if guess < 0.88:
        return Step(Kind.RESUME, (chance.choice(list(world.paused)),), interruption) if world.paused else None
    if guess < 0.93:
        return Step(Kind.WAIT, (str(chance.choices(WAITS, LIKELY_WAITS)[0]),))
    if guess < 0.97:
        if not world.archive:
            return None
        event_id = chance.choice(list(world.archive))
        targets = [queue for queue in world.targets(event_id) if queue in world.queues]
        return Step(Kind.REPLAY, (event_id, chance.choice(targets))) if targets else None
    if guess < 0.99:
        return Step(Kind.REDRIVE, (chance.choice(world.dead).name,)) if world.dead else None
    return Step(Kind.LAND, (chance.choice(list(world.gateway.underway)),)) if world.gateway.underway else None


# --- many -----------------------------------------------------------------------------------------------------------


def first_failure(seeds: range) -> Failure | None:
    """Try seeds one after the other."""
    with simulated():
        for seed in seeds:
            try:
                wander(seed)
            except Violation as violation:
                return Failure(seed, violation.schedule, violation)
    return None


def search(seeds: range, jobs: int | None = None, told: Callable[[int], None] = lambda done: None) -> Failure | None:
    """Try seeds on all cores.

    Args:
        seeds: to try.
        jobs: processes; None for one a core.
        told: called with the number of schedules that were done, now and then.

    Returns:
        A failure, of the lowest seed of those that were found; None where there is none.
    """
    chunk = 250
    chunks = [seeds[start : start + chunk] for start in range(0, len(seeds), chunk)]
    # Not forked: a test process may have threads.
    context = multiprocessing.get_context("spawn")
    failures: list[Failure] = []
    with ProcessPoolExecutor(jobs or os.process_cpu_count(), context) as pool:
        running = {pool.submit(_first_failure, part): len(part) for part in chunks}
        done = 0
        for future in as_completed(running):
            done += running[future]
            told(done)
            found = future.result()
            if found is not None:
                failures.append(first_failure(range(found, found + 1)) or _vanished(found))
                pool.shutdown(cancel_futures=True)
                break
    return min(failures, key=lambda failure: failure.seed) if failures else None


def _first_failure(seeds: range) -> int | None:
    failure = first_failure(seeds)
    return failure.seed if failure else None


def _vanished(seed: int) -> Failure:
    raise AssertionError(f"seed {seed} fails in one process and not in another: the simulation is not deterministic")


# --- cutting down ---------------------------------------------------------------------------------------------------


def shortest(failure: Failure) -> Failure:
    """The failure with everything left out that it does not need: steps, breaks, orders, lines, units."""
    best = failure.schedule

    def still(schedule: Schedule) -> bool:
        try:
            play(schedule)
        except Violation as violation:
            return violation.rule == failure.violation.rule
        return False

    with simulated():
        while True:
            smaller = next((each for each in _smaller(best) if still(each)), None)
            if smaller is None:
                break
            best = smaller
        try:
            play(best)
        except Violation as violation:
            return Failure(failure.seed, best, violation)
    raise AssertionError(f"seed {failure.seed} does not fail when its steps are taken again")


def _smaller(schedule: Schedule) -> Iterator[Schedule]:
    """Schedules with a little less, the greatest cuts first."""
    steps = schedule.steps
    size = len(steps)
    while size:
        for start in range(0, len(steps), size):
            yield replace(schedule, steps=(*steps[:start], *steps[start + size :]))
        size //= 2
    for order_id in schedule.baskets if len(schedule.baskets) > 1 else ():
        yield replace(schedule, baskets={key: each for key, each in schedule.baskets.items() if key != order_id})
    for index, step in enumerate(steps):
        if step.interruption:
            yield replace(schedule, steps=(*steps[:index], replace(step, interruption=None), *steps[index + 1 :]))
        if len(step.on) > 1 and step.kind is Kind.DELIVER:
            for name in step.on:
                yield replace(schedule, steps=(*steps[:index], replace(step, on=(name,)), *steps[index + 1 :]))
    for order_id, basket in schedule.baskets.items():
        if len(basket.lines) > 1:
            fewer = replace(basket, lines=basket.lines[:1])
            yield replace(schedule, baskets={**schedule.baskets, order_id: fewer})
        if basket.cod:
            yield replace(schedule, baskets={**schedule.baskets, order_id: replace(basket, cod=False)})


def report(failure: Failure) -> str:
    """What a developer needs: the rule, the shortest trace, and the command that shows it again."""
    trace: list[str] = []
    with simulated():
        try:
            play(failure.schedule, trace)
        except Violation as violation:
            trace.append(str(violation))
    return "\n".join(
        [
            f"{failure.violation}",
            f"baskets {failure.schedule.baskets}, stock {failure.schedule.received}",
            *(f"{line}" for line in trace),
            f"again: .venv/bin/python -m tests.simulation --seed {failure.seed}",
        ]
    )


def steps_of(schedule: Schedule) -> Sequence[str]:
    """For printing."""
    return [str(step) for step in schedule.steps]
