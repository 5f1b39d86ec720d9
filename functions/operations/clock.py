"""The clock by which operations wait and record times."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """A clock. Tests use one of their own.

    Attributes:
        monotonic: returns monotonic seconds.
        sleep: waits so many seconds.
        now: returns date and time, aware.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


REAL_TIME = Clock()
