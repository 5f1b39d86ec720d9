"""Looking at the messages of a dead-letter queue without consuming them.

A receive from a dead-letter queue has no consequence but to hide the message for a while: such a queue has no
dead-letter queue of its own. So whatever is received here is made visible again at once.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from operations.clock import Clock
from operations.dead_letters.domain import QueueMessage
from operations.dead_letters.sqs import Queue

LOOK_HOLD = 30
"""Seconds that a look hides messages at the most: if it is cut off, they become visible by themselves."""

LOOK_PATIENCE = 5.0
"""Seconds that a look waits for messages that somebody else has received."""

LIMIT = 5000
"""Messages of one look at the most."""


@dataclass(frozen=True)
class Look:
    """The messages of a queue at one time.

    Attributes:
        messages: oldest first.
        missed: about how many more there are: hidden by somebody else's receive all the while, or beyond the limit.
        retention: how long the queue keeps a message.
    """

    messages: Sequence[QueueMessage]
    missed: int
    retention: timedelta


def look(queue: Queue, clock: Clock, limit: int = LIMIT) -> Look:
    """Receive all messages of a queue and make them visible again.

    Of two operators who look at once, each gets only what the other has not received just then. So one look is made of
    several rounds, until it has as many different messages as the queue, or LOOK_PATIENCE is over.

        A   receives 1 3 5 │ shows them │ pauses at random │ receives 2 4 1 ...   1 2 3 4 5
        B      receives 2 4 │ shows them │  pauses      │ receives 1 3 5 2 ...    1 2 3 4 5

    Args:
        queue: any dead-letter queue.
        clock: for the pauses.
        limit: messages at the most.
    """
    seen: dict[str, QueueMessage] = {}
    begin = clock.monotonic()
    counts = queue.counts()
    rounds = 0
    while len(seen) < min(counts.total, limit):
        held: list[QueueMessage] = []
        try:
            while len(seen) < limit and (batch := queue.receive(LOOK_HOLD)):
                held += batch
                seen |= {message.id: message for message in batch}
        finally:
            queue.show_again(held)
        counts = queue.counts()
        rounds += 1
        if len(seen) < min(counts.total, limit):
            if clock.monotonic() - begin > LOOK_PATIENCE:
                break
            clock.sleep(random.uniform(0, min(0.1 * 2**rounds, 1)))  # noqa: S311
    messages = sorted(seen.values(), key=lambda message: message.sent_at)[:limit]
    return Look(messages, max(0, counts.total - len(messages)), counts.retention)
