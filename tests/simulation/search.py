"""Looking for a schedule that breaks a rule, and cutting it down to what is needed for that."""

import multiprocessing
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from types import SimpleNamespace
from unittest.mock import patch

from cloudretail import repository
from contract import EVENTS
from contract.values import OrderStatus
from fulfilment.domain import ShipmentStatus
from inventory import reactions as inventory
from inventory.domain import ReservationStatus
from inventory.store import packed
from notifications import reactions as notifications
from payments.domain import PaymentStatus
from relay import stream
from tests.simulation.invariants import check, check_replay
from tests.simulation.schedule import Kind, Schedule, Step, Violation
from tests.simulation.workload import Workload
from tests.simulation.world import World

STATES_AND_EVENTS = frozenset(
    [event.event_type.name for event in EVENTS if event.event_type.service not in ("auth", "notifications")]
    + [f"orders {status}" for status in OrderStatus]
    + [f"inventory {status}" for status in ReservationStatus]
    + [f"payments {status}" for status in PaymentStatus]
    + [f"fulfilment {status}" for status in ShipmentStatus]
)
"""What some hundred schedules of a sound shop come across. They send no mails, so none comes back. Nobody closes an
account: tests/contract/test_leaving.py is about that."""

CHUNK = 250
"""Schedules that a process tries at a time: a second or two."""


@dataclass(frozen=True)
class Failure:
    """A schedule, and the rule that it breaks."""

    seed: int
    schedule: Schedule
    violation: Violation


def _nothing(*_: object, **__: object) -> None:
    """Takes the place of logs and metrics."""


@contextmanager
def simulated() -> Iterator[None]:
    """The shop's code as it is simulated.

    It does not wait between tries and logs nothing; and a transaction holds 4 items, so that batches are split here as
    those of a hundred items are.
    """
    quiet = SimpleNamespace(error=_nothing, exception=_nothing)
    with (
        patch.object(repository, "time", SimpleNamespace(sleep=lambda seconds: None)),
        patch.object(inventory, "packed", partial(packed, limit=4)),
        patch.object(stream, "count", _nothing),
        patch.object(stream, "logger", quiet),
        patch.object(notifications, "logger", quiet),
    ):
        yield


def play(schedule: Schedule, trace: list[str] | None = None) -> World:
    """Play the steps of a schedule, end the faults, and look at what came of it.

    Args:
        schedule: what happens.
        trace: gets a line for everything that does.

    Returns:
        The world at its end.

    Raises:
        Violation: something happened that must not.
    """
    world = World(schedule, trace)
    for step in schedule.steps:
        world.do(step)
    _finish(world)
    return world


def wander(seed: int) -> tuple[Schedule, World]:
    """Make a schedule up while it runs.

    Args:
        seed: decides everything.

    Returns:
        The schedule, which `play` repeats, and the world at its end.

    Raises:
        FailedSchedule: something happened that must not.
    """
    workload = Workload.of(random.Random(seed))
    shop = workload.shop()
    world = World(shop)
    steps: list[Step] = []
    try:
        for step in workload.steps(world):
            steps.append(step)
            world.do(step)
        _finish(world)
    except Violation as violation:
        raise FailedSchedule(Failure(seed, replace(shop, steps=tuple(steps)), violation)) from violation
    return replace(shop, steps=tuple(steps)), world


class FailedSchedule(Exception):
    """A schedule broke a rule."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"seed {failure.seed}: {failure.violation}")
        self.failure = failure


def _finish(world: World) -> None:
    world.note("--- the faults end, everything arrives")
    world.drain()
    check(world)
    world.note("--- every event is delivered again")
    check_replay(world)


# --- many -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What came of many schedules.

    Attributes:
        failure: the first that was found; None where every schedule ended well.
        happened: everything that the others came across.
    """

    failure: Failure | None
    happened: frozenset[str]


def explore(seeds: range) -> Outcome:
    """Try seeds one after the other, until one fails."""
    happened: set[str] = set()
    with simulated():
        for seed in seeds:
            try:
                _, world = wander(seed)
            except FailedSchedule as failed:
                return Outcome(failed.failure, frozenset(happened))
            happened |= world.happened
    return Outcome(None, frozenset(happened))


def chunks(seeds: range) -> Iterator[range]:
    """Seeds in the portions in which they are tried."""
    return (seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK))


def until(deadline: float, first: int = 0) -> Iterator[range]:
    """Portions of seeds without end, until a time is reached.

    Args:
        deadline: by `time.monotonic()`.
        first: the first seed.
    """
    for start in count(first, CHUNK):
        if time.monotonic() >= deadline:
            return
        yield range(start, start + CHUNK)


def search(
    portions: Iterable[range], jobs: int | None = None, progress: Callable[[int], None] = lambda done: None
) -> Outcome:
    """Try seeds on several cores, until one fails.

    Args:
        portions: to try, in this order.
        jobs: processes; None for one a core.
        progress: called now and then with the number of schedules from the first on that have all been tried.
    """
    jobs = jobs or os.process_cpu_count() or 1
    to_come = iter(portions)
    happened = frozenset[str]()
    done = 0
    # Not forked: a test's process may have threads.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        running = deque[tuple[int, Future[tuple[int | None, frozenset[str]]]]]()
        while True:
            while len(running) < 2 * jobs and (portion := next(to_come, None)):
                running.append((len(portion), pool.submit(_explored, portion)))
            if not running:
                return Outcome(None, happened)
            tried, future = running.popleft()
            failing, seen = future.result()
            if failing is not None:
                pool.shutdown(cancel_futures=True)
                outcome = explore(range(failing, failing + 1))
                assert outcome.failure, f"seed {failing} fails in one process and not in another"
                return outcome
            happened |= seen
            done += tried
            progress(done)


def _explored(seeds: range) -> tuple[int | None, frozenset[str]]:
    """As `explore`, but what a process can hand to another."""
    outcome = explore(seeds)
    return outcome.failure.seed if outcome.failure else None, outcome.happened


# --- cutting down ---------------------------------------------------------------------------------------------------


def shortest(failure: Failure) -> Failure:
    """The failure without everything that it does not need: steps, breaks, messages of a batch, orders, lines."""
    best = failure
    with simulated():
        while smaller := next(filter(None, (_breaks(best, each) for each in _cuts(best.schedule))), None):
            best = smaller
    return best


def _breaks(failure: Failure, schedule: Schedule) -> Failure | None:
    """The failure on another schedule, if that one breaks the same rule."""
    try:
        play(schedule)
    except Violation as violation:
        return Failure(failure.seed, schedule, violation) if violation.rule == failure.violation.rule else None
    return None


def _cuts(schedule: Schedule) -> Iterator[Schedule]:
    """Schedules with a little less, the greatest cuts first."""
    steps, baskets = schedule.steps, schedule.baskets
    size = len(steps)
    while size:
        for start in range(0, len(steps), size):
            yield replace(schedule, steps=(*steps[:start], *steps[start + size :]))
        size //= 2
    for index, step in enumerate(steps):
        for simpler in _simpler(step):
            yield replace(schedule, steps=(*steps[:index], simpler, *steps[index + 1 :]))
    if schedule.down:
        yield replace(schedule, down=None)
    for order_id, basket in baskets.items():
        if len(baskets) > 1:
            fewer = {key: each for key, each in baskets.items() if key != order_id}
            # Fewer messages arrive in another order, which may be what mattered.
            yield from (replace(schedule, baskets=fewer, order=order) for order in (schedule.order, *range(5)))
        if len(basket.lines) > 1:
            yield replace(schedule, baskets={**baskets, order_id: replace(basket, lines=basket.lines[:1])})
        if basket.cod:
            yield replace(schedule, baskets={**baskets, order_id: replace(basket, cod=False)})


def _simpler(step: Step) -> Iterator[Step]:
    if step.interruption:
        yield replace(step, interruption=None)
    if step.kind is Kind.DELIVER and len(step.on) > 1:
        for name in step.on:
            yield replace(step, on=(name,))


def report(failure: Failure) -> str:
    """What a developer needs: the rule, everything that happens until it breaks, and the command for another look."""
    trace: list[str] = []
    with simulated():
        try:
            play(failure.schedule, trace)
        except Violation as violation:
            trace.append(f"==> {violation}")
    shop = failure.schedule
    return "\n".join(
        [
            f"Seed {failure.seed} breaks a rule. The shortest way there:",
            "",
            f"in stock {shop.received}",
            *([f"{shop.down} is emptied last"] if shop.down else []),
            *(f"{order_id}: {basket}" for order_id, basket in shop.baskets.items()),
            "",
            *trace,
            "",
            f"Again: .venv/bin/python -m tests.simulation --seed {failure.seed}",
        ]
    )
