"""Whatever happens on the way, every order ends well."""

import subprocess
import sys
from pathlib import Path

import pytest

from inventory.movements import MovementKind
from tests.simulation.mutants import DEFECTS
from tests.simulation.schedule import Break, Cash, Shape
from tests.simulation.search import (
    STATES_AND_EVENTS,
    Outcome,
    chunks,
    explore,
    play,
    report,
    search,
    shortest,
    simulated,
    wander,
)

SCHEDULES = 4000
"""`make prove PART=schedules` tries as many as fit into half an hour."""

BREAKS = frozenset(
    f"{kind} at {point}"
    for kind in (Break.PAUSE, Break.CRASH, Break.FAIL)
    for point in (
        *("load", "commit", "committed", "publish", "published"),
        *("create", "created", "confirm", "confirmed", "cancel", "cancelled", "refund", "refunded"),
    )
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return search(chunks(range(SCHEDULES)))


def test_every_order_ends_and_neither_goods_nor_money_are_lost(outcome: Outcome) -> None:
    if outcome.failure:
        pytest.fail(report(shortest(outcome.failure)), pytrace=False)


def test_the_schedules_come_across_every_state_every_event_and_every_break(outcome: Outcome) -> None:
    late = {f"{Break.LATE} at {point}" for point in ("create", "confirm", "cancel", "refund")}
    bus = {f"{kind} at publish" for kind in (Break.PART, Break.REFUSE)}
    seen = {"dead letter", "unreadable record", "the gateway turns", "the cart changes", "the cart is emptied"}
    refused = {f"checkout is refused: {type}" for type in ("cart-changed", "cart-empty", "insufficient-stock")}
    cash = {f"{share} is collected" for share in Cash}
    parcels = {f"a parcel comes back {shape}" for shape in (Shape.WHOLE, Shape.HALF, Shape.BROKEN)}
    returns = {"two returns of one order are on their way"}
    stock = {f"stock: {kind}" for kind in MovementKind if kind is not MovementKind.THRESHOLD}
    expected = STATES_AND_EVENTS | BREAKS | late | bus | seen | refused | cash | parcels | returns | stock
    assert expected <= outcome.happened


def test_a_seed_is_the_same_schedule_each_time_and_its_steps_are_enough_to_repeat_it() -> None:
    with simulated():
        for seed in range(20):
            schedule, world = wander(seed)
            again, _ = wander(seed)
            repeated = play(schedule)
            assert again == schedule
            assert repeated.archive == world.archive
            assert repeated.stock.counters == world.stock.counters


def test_a_failure_is_cut_down_to_what_it_needs_and_shown_with_the_command_that_repeats_it() -> None:
    keeps_the_money = DEFECTS["a cancelled order keeps the money"]
    with keeps_the_money.alive():
        # The seed of 0 pays six times, and the later messages' ids tell how often: it cannot be cut down to one.
        failure = explore(range(1, 1000)).failure
        assert failure
        printed = report(shortest(failure))
        short = shortest(failure).schedule

    # Placed, reserved, paid, cancelled or sent back: what arrives of itself when the faults have ended needs no step.
    kinds = [step.kind.name for step in short.steps]
    assert sum(kinds.count(name) for name in ("CANCEL", "CALL_OFF", "COME_BACK", "LOSE")) == 1 >= kinds.count("PAY")
    assert 1 <= kinds.count("CHECK_OUT") <= 2
    assert len(short.baskets) == 1
    assert len(kinds) <= 12
    assert not any(step.interruption for step in short.steps)
    assert "money and goods do not fit" in printed
    assert f"python -m tests.simulation --seed {failure.seed}" in printed


def test_the_command_tries_schedules_and_says_that_they_ended_well() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--schedules", "20", "--jobs", "1"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "Every schedule ended well.\n"), done.stderr
