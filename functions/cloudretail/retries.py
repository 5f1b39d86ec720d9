"""What becomes of a message whose reaction failed: another delivery after a pause, or the dead-letter queue. Pure.

    a failure that may pass      2 s, 4 s, 8 s ... 15 min, 15 min ...      given up after 6 hours and 20 deliveries
    an unexpected one, a bug     2 s, 4 s, 8 s, 16 s                       given up at the 5th
    one that cannot pass                                                   given up at once

An outage of something that we call heals by itself, however many messages wait meanwhile; a bug is seen in half a
minute. The queues' own maxReceiveCount is only the net below: throttled polls, time-outs and pauses count as receives.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from cloudretail import dynamodb
from cloudretail.errors import InvalidEvent, Permanent, Transient
from cloudretail.failures import History, Kind

PATIENCE = timedelta(hours=6)
"""How long a message fails at the least before it is given up for a failure that may pass."""

LEAST_DELIVERIES = 20
"""How many deliveries of it failed at the least then."""

MOST_BUGS = 5
"""Deliveries that fail unexpectedly before a message is given up."""

LONGEST_PAUSE = 15 * 60
"""Seconds between two deliveries at the most."""

SUSPECT = 6
"""From this delivery on, a message without a kept cause is taken for one that kills its worker: it is handled alone."""

CONDEMNED = 10
"""At this delivery, such a message is given up unhandled."""


def kind_of(error: Exception) -> Kind:
    """The kind of a failure, by what was raised."""
    if isinstance(error, InvalidEvent | Permanent):
        return Kind.CANNOT_PASS
    return Kind.MAY_PASS if may_pass(error) else Kind.UNEXPECTED


def may_pass(error: Exception) -> bool:
    """True where the same call may succeed later: a throttle, a conflict, a time-out, an outage of somebody else."""
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
"""Codes of any service that say: later. Source: botocore, retries/standard.py."""


@dataclass(frozen=True)
class Retry:
    """It is delivered again, after so many seconds."""

    after: int


@dataclass(frozen=True)
class GiveUp:
    """It goes to the dead-letter queue."""


def next_step(
    kind: Kind, history: History, now: datetime, chance: Callable[[], float] = random.random
) -> Retry | GiveUp:
    """What becomes of a message that has failed.

    Args:
        kind: of the failure.
        history: of the message.
        now: aware.
        chance: a number from 0 to 1, which spreads those that failed together.
    """
    match kind:
        case Kind.CANNOT_PASS:
            return GiveUp()
        case Kind.UNEXPECTED if history.unexpected >= MOST_BUGS:
            return GiveUp()
        case Kind.MAY_PASS if now - history.since >= PATIENCE and history.failures >= LEAST_DELIVERIES:
            return GiveUp()
    # Half of it at the least, so that the pauses still grow.
    return Retry(max(1, round(longest_pause(history.failures) * (0.5 + chance() / 2))))


def longest_pause(failures: int) -> int:
    """Seconds after so many failures, within which the next delivery comes."""
    return min(1 << min(failures, 20), LONGEST_PAUSE)
