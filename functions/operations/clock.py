"""Time, as operations wait and record it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """The time. Tests use one of their own.

    Attributes:
        monotonic: seconds.
        sleep: waits so many seconds.
        now: the date, aware.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


REAL_TIME = Clock()
