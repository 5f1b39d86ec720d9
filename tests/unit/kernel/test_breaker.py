"""While somebody is away, one message asks whether they are back, and the others wait without having failed."""

from collections.abc import Callable, Iterator

import pytest

from cloudretail.breaker import (
    ASK_EVERY,
    AWAY,
    LONGEST_HOLD,
    OPENS_AT,
    TRUSTED_FOR,
    WINDOW,
    Breaker,
    hold,
    is_open,
)
from cloudretail.errors import Held, Permanent, Transient
from cloudretail.failure_log import DynamoDBFailureRows
from cloudretail.failures import FailureRow
from tests.support.tables import shop_tables
from tests.support.wire import Wire, refused

KEY = (AWAY, "payment-worker/bank")


class Bank:
    """Answers, or does not; counts its calls."""

    def __init__(self) -> None:
        self.error: Exception | None = Transient("no answer")
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.error:
            raise self.error
        return "accepted"


class Scene:
    """Workers with one bank, and a clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.bank = Bank()
        self.rows = DynamoDBFailureRows("FailuresTable")

    def worker(self) -> Breaker:
        return Breaker(self.rows, "payment-worker", "bank", "Worker", lambda: self.now, lambda: 1.0)

    @property
    def row(self) -> FailureRow | None:
        return self.rows.read([KEY]).get(KEY)

    def fails(self, worker: Breaker, times: int = 1, apart: float = 1) -> None:
        for _ in range(times):
            with pytest.raises(Transient, match="no answer"):
                worker.call(self.bank)
            self.now += apart


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with shop_tables(monkeypatch, "FailuresTable"):
        yield Scene()


def test_a_bank_that_answers_costs_a_look_every_few_seconds(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.bank.error = None
    worker, wire = scene.worker(), Wire(monkeypatch)
    for _ in range(50):
        assert worker.call(scene.bank) == "accepted"
    assert [operation for operation, _ in wire.calls] == ["BatchGetItem"]
    scene.now += TRUSTED_FOR
    worker.call(scene.bank)
    assert [operation for operation, _ in wire.calls] == ["BatchGetItem"] * 2
    assert scene.row is None


def test_after_some_failures_in_a_row_messages_wait_and_nobody_calls(scene: Scene) -> None:
    worker = scene.worker()
    scene.fails(worker, OPENS_AT)
    assert is_open(scene.row)
    for each in (worker, scene.worker()):
        with pytest.raises(Held, match="bank is away: Transient: no answer"):
            each.call(scene.bank)
    assert scene.bank.calls == OPENS_AT
    assert scene.row
    assert (scene.row.failures, scene.row.cause.function) == (OPENS_AT, "Worker")


def test_one_message_asks_once_in_a_while_and_the_answer_lets_all_go_on(scene: Scene) -> None:
    first, second = scene.worker(), scene.worker()
    scene.fails(first, OPENS_AT)
    scene.now += ASK_EVERY
    scene.fails(second)
    with pytest.raises(Held):
        first.call(scene.bank)
    scene.bank.error = None
    with pytest.raises(Held):
        second.call(scene.bank)
    scene.now += ASK_EVERY
    assert first.call(scene.bank) == "accepted"
    assert second.call(scene.bank) == "accepted"
    assert scene.row
    assert (scene.row.state, scene.row.failures) == ("RESOLVED", 0)


def test_of_two_messages_that_come_together_one_asks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = scene.worker(), scene.worker()
    scene.fails(first, OPENS_AT)
    scene.now += ASK_EVERY
    asked: list[str] = []

    def other_asks() -> None:
        asked.append(second.call(lambda: "second"))

    Wire(monkeypatch).before("UpdateItem", other_asks)
    with pytest.raises(Held):
        first.call(scene.bank)
    assert asked == ["second"]


def test_the_message_that_asks_may_take_several_calls_and_being_looked_up_proves_nothing(scene: Scene) -> None:
    worker = scene.worker()
    scene.fails(worker, OPENS_AT)
    scene.now += ASK_EVERY
    assert worker.call(lambda: "unknown", proves=False) == "unknown"
    assert is_open(scene.row)
    scene.bank.error = None
    assert worker.call(scene.bank) == "accepted"
    assert not is_open(scene.row)


def test_failures_that_lie_apart_and_those_between_answers_open_nothing(scene: Scene) -> None:
    worker = scene.worker()
    scene.fails(worker, 2 * OPENS_AT, apart=WINDOW + 1)
    assert not is_open(scene.row)
    for _ in range(3):
        scene.fails(worker, OPENS_AT - 1)
        scene.bank.error = None
        worker.call(scene.bank)
        scene.bank.error = Transient("no answer")
    assert not is_open(scene.row)


def test_what_a_bank_refuses_says_nothing_about_whether_it_is_there(scene: Scene) -> None:
    scene.bank.error = Permanent("no such charge")
    worker = scene.worker()
    for _ in range(OPENS_AT):
        with pytest.raises(Permanent):
            worker.call(scene.bank)
    assert scene.row is None


@pytest.mark.parametrize("operation", ["BatchGetItem", "UpdateItem"])
def test_a_breaker_that_cannot_be_read_or_written_changes_nothing_of_a_call(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    Wire(monkeypatch).refuses(operation, refused("AccessDeniedException"), times=20)
    scene.fails(scene.worker(), 3)
    scene.bank.error = None
    assert scene.worker().call(scene.bank) == "accepted"


def test_a_message_is_held_the_longer_the_longer_the_outage_lasts_and_not_for_ever(scene: Scene) -> None:
    scene.fails(scene.worker(), OPENS_AT, apart=0)
    assert scene.row
    held: Callable[[float, float], int] = lambda age, chance: hold(scene.row, int(scene.now + age), chance)  # type: ignore[arg-type] # noqa: E731
    assert [held(age, 1.0) for age in (0, 60, 600, 6 * 3600)] == [ASK_EVERY, ASK_EVERY, 300, LONGEST_HOLD]
    assert held(600, 0.0) == 150
