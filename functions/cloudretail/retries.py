"""Whether a failed message is delivered again after a pause, or given up to the dead-letter queue. Pure.

    transient        2 s, 4 s, 8 s ... 15 min, 15 min ...      given up after 6 hours and 20 deliveries
    unexpected       2 s, 4 s, 8 s, 16 s                       given up at the 5th delivery; most likely a bug
    permanent                                                  given up at once

So an outage of another system needs no operator, however many messages wait, and a bug shows within half a minute. The
queues' own maxReceiveCount is only a safety net, since throttled polls, time-outs and pauses count as receives too.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from cloudretail import dynamodb
from cloudretail.errors import Held, InvalidEvent, Permanent, Transient
from cloudretail.failures import History, Kind

PATIENCE = timedelta(hours=6)
"""How long a message has to fail before it is given up for a transient failure."""

LEAST_DELIVERIES = 20
"""How many of its deliveries have to fail before that, too."""

MOST_BUGS = 5
"""Unexpected failures at which a message is given up."""

LONGEST_PAUSE = 15 * 60
"""The longest pause between two deliveries, in seconds."""

SUSPECT = 6
"""From this delivery on, a message without a kept cause is handled alone, since it may kill its worker."""

CONDEMNED = 10
"""At this delivery, such a message is given up without being handled."""


def kind_of(error: Exception) -> Kind:
    """The kind of a failure, by its exception."""
    if isinstance(error, InvalidEvent | Permanent):
        return Kind.CANNOT_PASS
    if isinstance(error, Held):
        return Kind.WAITS
    return Kind.MAY_PASS if may_pass(error) else Kind.UNEXPECTED


def may_pass(error: Exception) -> bool:
    """True where the same call may succeed later: a throttle, a conflict, a time-out, an outage of another system."""
    if isinstance(error, Transient | ConnectionError | HTTPClientError) or dynamodb.is_transient(error):
        return True
    if not isinstance(error, ClientError):
        return False
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or status == 429 or dynamodb.code(error) in THROTTLES


THROTTLES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "SlowDown",
        "RequestTimeout",
        "RequestTimeoutException",
    }
)
"""Error codes of any AWS service after which a retry may succeed. Source: botocore, retries/standard.py."""


@dataclass(frozen=True)
class Retry:
    """The message is delivered again, after so many seconds."""

    after: int


@dataclass(frozen=True)
class GiveUp:
    """The message goes to the dead-letter queue."""


def next_step(
    kind: Kind, history: History, now: datetime, chance: Callable[[], float] = random.random
) -> Retry | GiveUp:
    """Decide whether a failed message is retried or given up.

    Args:
        kind: of the failure.
        history: of the message.
        now: aware.
        chance: returns a random number from 0 to 1, which spreads messages that failed together.
    """
    match kind:
        case Kind.CANNOT_PASS:
            return GiveUp()
        case Kind.UNEXPECTED if history.unexpected >= MOST_BUGS:
            return GiveUp()
        case Kind.MAY_PASS if now - history.since >= PATIENCE and history.failures >= LEAST_DELIVERIES:
            return GiveUp()
    # At least half of the pause, so that pauses still grow.
    return Retry(max(1, round(longest_pause(history.failures) * (0.5 + chance() / 2))))


def longest_pause(failures: int) -> int:
    """The longest pause after so many failures, in seconds."""
    return min(1 << min(failures, 20), LONGEST_PAUSE)
