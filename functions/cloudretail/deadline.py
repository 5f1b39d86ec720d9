"""When this invocation has to end. Code that is about to begin something that can wait looks at it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from aws_lambda_powertools.utilities.typing import LambdaContext

RESERVE = 2.0
"""Seconds before the function's time-out at which nothing new is begun: for the answer, and for noting failures."""

_end: ContextVar[float | None] = ContextVar("end", default=None)


@contextmanager
def of(context: LambdaContext) -> Iterator[None]:
    """Until the end of this block, the deadline is that of the invocation."""
    token = _end.set(time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE)
    try:
        yield
    finally:
        _end.reset(token)


def passed() -> bool:
    """Whether it is too late to begin something; never outside an invocation."""
    end = _end.get()
    return end is not None and time.monotonic() > end
