"""Guests' tokens: what they are good for, and what they are not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cloudretail.errors import Transient
from cloudretail.guests import (
    FRESH_FOR,
    LINK_LASTS,
    READ_AGAIN_AFTER,
    SESSION_LASTS,
    Guest,
    Keys,
    Visit,
    guest_of,
    link_of,
    linked,
    new_guest,
    session_of,
    visit_of,
    visit_token,
)
from cloudretail.user_ids import is_guest
from tests.support.guests import GUEST, KEYS, OTHER_KEYS

NOW = datetime.now(UTC)
VISIT = Visit(GUEST.guest_id, "ord_1", "OrderPlaced")


def test_a_session_is_of_the_guest_whom_it_was_made_for() -> None:
    proved = Guest("guest_proved", "guest@cloudretail.example")

    assert guest_of(session_of(GUEST, KEYS, NOW), KEYS) == GUEST
    assert guest_of(session_of(proved, KEYS, NOW), KEYS) == proved


def test_nobody_is_the_same_guest_by_chance() -> None:
    found = {new_guest().guest_id for _ in range(100)}

    assert len(found) == 100
    assert all(is_guest(each) for each in found)
    assert not is_guest("0b0e3d0a-0000-4000-8000-000000000001")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJndWVzdF9vbmUifQ."])
def test_what_the_shop_has_not_signed_is_no_session(token: str) -> None:
    assert guest_of(token, KEYS) is None


def test_another_shops_session_is_none_here() -> None:
    assert guest_of(session_of(GUEST, OTHER_KEYS, NOW), KEYS) is None


@pytest.mark.parametrize("opened", [guest_of, visit_of, linked])
def test_a_token_is_good_for_its_own_purpose_alone(opened: Callable[[str, Keys], object]) -> None:
    tokens = {
        guest_of: session_of(GUEST, KEYS, NOW),
        visit_of: visit_token(VISIT, KEYS, NOW),
        linked: link_of(VISIT, KEYS, NOW),
    }

    assert [each for each, token in tokens.items() if opened(token, KEYS)] == [opened]


def test_a_token_runs_out() -> None:
    assert guest_of(session_of(GUEST, KEYS, NOW - SESSION_LASTS + timedelta(hours=1)), KEYS)
    assert guest_of(session_of(GUEST, KEYS, NOW - SESSION_LASTS - timedelta(minutes=1)), KEYS) is None
    assert linked(link_of(VISIT, KEYS, NOW - LINK_LASTS - timedelta(minutes=1)), KEYS) is None


class TestKeys:
    def test_while_a_new_key_is_rolled_out_the_one_before_counts_too(self) -> None:
        before = session_of(GUEST, Keys(lambda: ("an-old-key-with-enough-characters-to-sign",)), NOW)
        both = Keys(lambda: ("a-new-key-with-enough-characters-to-sign", "an-old-key-with-enough-characters-to-sign"))

        assert guest_of(before, both) == GUEST
        assert both.current.startswith("a-new-key")

    def test_a_token_by_a_newer_key_causes_a_read_and_forged_ones_cause_few(self) -> None:
        time, values, reads = [0.0], [KEYS.current], [0]

        def read() -> tuple[str, ...]:
            reads[0] += 1
            return tuple(values)

        rolling = Keys(read, lambda: time[0])
        assert guest_of("forged", rolling) is None
        values.insert(0, OTHER_KEYS.current)
        token = session_of(GUEST, OTHER_KEYS, NOW)
        for _ in range(50):
            assert guest_of(token, rolling) is None
        assert reads == [1]
        time[0] += READ_AGAIN_AFTER
        assert guest_of(token, rolling) == GUEST
        assert reads == [2]

    def test_an_outage_sends_nobody_away_who_is_here_already(self) -> None:
        time, answers = [0.0], [(KEYS.current,)]

        def read() -> tuple[str, ...]:
            if not answers:
                raise Transient("Secrets Manager does not answer")
            return answers.pop()

        shaky = Keys(read, lambda: time[0])
        token = session_of(GUEST, shaky, NOW)
        time[0] += FRESH_FOR

        assert guest_of(token, shaky) == GUEST
        with pytest.raises(Transient):
            guest_of(token, Keys(read))
