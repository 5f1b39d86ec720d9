"""The deadline of this invocation. Code asks it before it begins something that can wait for the next one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from aws_lambda_powertools.utilities.typing import LambdaContext

RESERVE = 2.0
"""Seconds before the function's time-out from which nothing new is begun: time to note failures and to answer."""

_end: ContextVar[float | None] = ContextVar("end", default=None)


@contextmanager
def of(context: LambdaContext) -> Iterator[None]:
    """Set the deadline of this invocation, until the end of the block."""
    token = _end.set(time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE)
    try:
        yield
    finally:
        _end.reset(token)


def passed() -> bool:
    """Whether it is too late to begin something. It never is outside of an invocation."""
    end = _end.get()
    return end is not None and time.monotonic() > end
