"""What becomes of a failed message: how long it waits, and when it is given up."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from cloudretail.errors import Contention, InvalidEvent, Permanent, Transient
from cloudretail.failures import History, Kind
from cloudretail.retries import (
    LEAST_DELIVERIES,
    LONGEST_PAUSE,
    MOST_BUGS,
    PATIENCE,
    GiveUp,
    Retry,
    kind_of,
    may_pass,
    next_step,
)
from tests.support.wire import cancelled, refused

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def failed(times: int, *, unexpected: int = 0, for_: timedelta = timedelta()) -> History:
    return History(NOW - for_, times, unexpected)


def step(kind: Kind, history: History, chance: float = 1.0) -> Retry | GiveUp:
    return next_step(kind, history, NOW, lambda: chance)


def answered(status: int, code: str = "Whatever") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "SendEmail",
    )


@pytest.mark.parametrize(
    ("times", "seconds"), [(1, 2), (2, 4), (3, 8), (4, 16), (9, 512), (10, LONGEST_PAUSE), (10_000, LONGEST_PAUSE)]
)
def test_pauses_double_up_to_a_quarter_of_an_hour(times: int, seconds: int) -> None:
    assert step(Kind.MAY_PASS, failed(times)) == Retry(seconds)


@pytest.mark.parametrize("times", range(1, 15))
def test_those_that_failed_together_come_again_apart_but_never_at_once(times: int) -> None:
    longest = min(2**times, LONGEST_PAUSE)
    shortest = step(Kind.MAY_PASS, failed(times), chance=0)
    assert shortest == Retry(max(1, round(longest / 2)))


def test_an_outage_of_six_hours_gives_nothing_up_before_it_has_lasted_so_long() -> None:
    almost = PATIENCE - timedelta(seconds=1)
    assert step(Kind.MAY_PASS, failed(1000, for_=almost)) == Retry(LONGEST_PAUSE)
    assert step(Kind.MAY_PASS, failed(LEAST_DELIVERIES - 1, for_=timedelta(days=3))) == Retry(LONGEST_PAUSE)
    assert step(Kind.MAY_PASS, failed(LEAST_DELIVERIES, for_=PATIENCE)) == GiveUp()


def test_a_bug_is_given_up_at_the_fifth_delivery_within_half_a_minute() -> None:
    pauses = [step(Kind.UNEXPECTED, failed(n, unexpected=n)) for n in range(1, MOST_BUGS)]
    assert sum(pause.after for pause in pauses if isinstance(pause, Retry)) <= 30
    assert step(Kind.UNEXPECTED, failed(MOST_BUGS, unexpected=MOST_BUGS)) == GiveUp()


def test_a_bug_that_shows_after_a_long_outage_is_still_tried_five_times() -> None:
    assert isinstance(step(Kind.UNEXPECTED, failed(40, unexpected=1, for_=PATIENCE)), Retry)


def test_what_cannot_pass_is_given_up_at_once() -> None:
    assert step(Kind.CANNOT_PASS, failed(1)) == GiveUp()


@pytest.mark.parametrize(
    "error",
    [
        Transient("busy"),
        Contention("hot"),
        refused("ThrottlingException"),
        refused("TooManyRequestsException"),
        cancelled("TransactionConflict", "None"),
        answered(503),
        answered(500, "InternalError"),
        answered(429),
        EndpointConnectionError(endpoint_url="https://x"),
        ConnectTimeoutError(endpoint_url="https://x"),
        ReadTimeoutError(endpoint_url="https://x"),
    ],
    ids=repr,
)
def test_an_outage_of_somebody_else_may_pass(error: Exception) -> None:
    assert may_pass(error)
    assert kind_of(error) is Kind.MAY_PASS


@pytest.mark.parametrize("error", [InvalidEvent("x"), Permanent("x")])
def test_a_refusal_for_good_cannot_pass(error: Exception) -> None:
    assert kind_of(error) is Kind.CANNOT_PASS


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), AssertionError(), refused("AccessDeniedException"), answered(400, "ValidationException")],
    ids=repr,
)
def test_a_bug_and_a_missing_permission_are_unexpected(error: Exception) -> None:
    assert kind_of(error) is Kind.UNEXPECTED
