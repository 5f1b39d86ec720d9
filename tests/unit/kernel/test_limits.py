"""How often somebody may try something: the rule, and its counters in DynamoDB."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cloudretail.attempts import DynamoDBAttempts
from cloudretail.limits import WAIT, WAITED_FOR, Limited, Rate, RateLimit, RateSetting, Tries, attempt
from cloudretail.settings import MissingSetting, Settings, load
from tests.support.tables import items_of
from tests.support.turns import calls_take_turns

RATE = Rate(by_client=5, by_all=8, window=900)
LIMIT = RateLimit("log-in", "Too many attempts to log in.", RATE)
OWNER, STRANGER = "198.51.100.1", "203.0.113.9"


class Clock:
    """Seconds since 1970, set by hand."""

    def __init__(self) -> None:
        # Within one window for the first quarter of an hour.
        self.now = 900.0 * 2_000_000

    def __call__(self) -> float:
        return self.now


class Gate:
    """Attempts on moto's DynamoDB."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.attempts = DynamoDBAttempts("AttemptsTable", self.clock)

    def lets(self, client: str, account: str = "a@shop.example", *, known: bool = False) -> bool:
        return self.refused(client, account, known=known) is None

    def refused(self, client: str, account: str = "a@shop.example", *, known: bool = False) -> Limited | None:
        try:
            self.attempts.count(LIMIT, account, client, known=known)
        except Limited as limited:
            return limited
        return None


@pytest.fixture
def gate(tables: None) -> Gate:
    return Gate()


def test_one_client_has_so_many_attempts_and_then_another_each_few_minutes(gate: Gate) -> None:
    assert [gate.lets(STRANGER) for _ in range(8)] == [True] * 5 + [False] * 3
    refused = gate.refused(STRANGER)
    assert refused
    assert refused.until == datetime.fromtimestamp(gate.clock.now, UTC) + timedelta(seconds=180)
    gate.clock.now += 180
    assert [gate.lets(STRANGER) for _ in range(2)] == [True, False]


def test_what_was_refused_does_not_count(gate: Gate) -> None:
    for _ in range(100):
        gate.lets(STRANGER)
    gate.clock.now += 180
    assert gate.lets(STRANGER)


def test_of_many_at_once_no_more_slip_through_than_there_may_be(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    calls_take_turns(monkeypatch)
    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(lambda _: gate.lets(STRANGER), range(40))) <= 5


def test_other_accounts_and_other_things_are_counted_by_themselves(gate: Gate) -> None:
    for _ in range(6):
        gate.lets(STRANGER)
    assert gate.lets(STRANGER, "b@shop.example")
    gate.attempts.count(RateLimit("reset", "", RATE), "a@shop.example", STRANGER)


def test_forty_people_behind_one_address_do_not_meet_the_limit(gate: Gate) -> None:
    assert all(gate.lets(OWNER, f"person-{number}@shop.example") for number in range(40))


def test_who_was_let_in_starts_afresh(gate: Gate) -> None:
    for _ in range(50):
        assert gate.lets(OWNER)
        gate.attempts.forget(LIMIT, "a@shop.example", OWNER)


def test_an_attack_from_everywhere_delays_the_owner_by_a_minute_at_most_and_locks_nobody_out(gate: Gate) -> None:
    for number in range(100):
        gate.lets(f"2001:db8:{number:x}::/64")
    refused = gate.refused(OWNER)
    assert refused
    assert refused.until <= datetime.fromtimestamp(gate.clock.now, UTC) + timedelta(seconds=60)
    # The attack goes on for more than a minute; the owner's turn is nobody else's.
    for number in range(100):
        gate.clock.now += 0.7
        gate.lets(f"2001:db8:{number:x}::/64")
    assert gate.lets(OWNER)


def test_each_further_attempt_at_a_crowded_account_waits_again(gate: Gate) -> None:
    for number in range(10):
        gate.lets(f"client-{number}")
    assert not gate.lets(OWNER)
    gate.clock.now += 60
    assert [gate.lets(OWNER) for _ in range(2)] == [True, False]


def test_a_device_that_was_let_in_before_does_not_meet_the_attack(gate: Gate) -> None:
    for number in range(100):
        gate.lets(f"client-{number}")
    assert all(gate.lets("device-1", known=True) for _ in range(5))
    assert not gate.lets("device-1", known=True)


def test_the_table_holds_no_address_of_anybody_and_forgets(gate: Gate) -> None:
    gate.lets(OWNER)
    items = items_of("AttemptsTable")
    assert len(items) == 2
    assert OWNER not in str(items)
    assert "shop.example" not in str(items)
    assert all(gate.clock.now + 900 <= int(item["expiresAt"]["N"]) <= gate.clock.now + 86400 for item in items)


@given(
    some.lists(some.tuples(some.integers(0, 400), some.booleans()), max_size=60),
    some.integers(1, 20),
    some.integers(1, 3600),
)
def test_no_window_ever_holds_double_and_every_refusal_ends(
    steps: list[tuple[int, bool]], by_client: int, window: int
) -> None:
    rate, now, tries, let_in = Rate(by_client, 1, window), 1_800_000_000_000, Tries(), list[int]()
    for seconds, crowded in steps:
        now += seconds * 1000
        verdict = attempt(rate, tries, crowded=crowded, now=now)
        if verdict.until is None:
            let_in.append(now)
        else:
            assert now < verdict.until <= now + max(window * 1000, WAIT)
            again = attempt(rate, verdict.tries, crowded=crowded, now=verdict.until)
            # At worst both reasons, one after the other.
            assert again.until is None or again.until <= verdict.until + WAIT
        tries = verdict.tries
    for at in let_in:
        assert sum(at - window * 1000 < each <= at for each in let_in) <= 2 * by_client


def test_a_wait_that_nobody_came_back_after_begins_anew() -> None:
    waited = attempt(RATE, Tries(), crowded=True, now=1_800_000_000_000)
    assert waited.until
    late = attempt(RATE, waited.tries, crowded=True, now=waited.until + WAITED_FOR + 1)
    assert late.until


class Chosen(Settings):
    login_limit: RateSetting


def test_a_rate_is_read_from_the_environment_and_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIN_LIMIT", "10/50/900")
    assert load(Chosen).login_limit == Rate(10, 50, 900)
    for wrong in ("10", "0/5/900", "a/b/c", "10/50/900/1"):
        monkeypatch.setenv("LOGIN_LIMIT", wrong)
        with pytest.raises(MissingSetting, match="LOGIN_LIMIT"):
            load(Chosen)
