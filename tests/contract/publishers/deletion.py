"""The deletion of an account: every step of it."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from auth.deletion import Deletion, note, publish, request, sign_out
from auth.store import DELETIONS
from cloudretail.decider import Decision
from cloudretail.event import EventData
from contract.auth import Eraser
from tests.contract.publishers import NOW, USER_ID, Publisher

LIFE = timedelta(minutes=5)


def decide(deletion: Deletion | None, events: Sequence[EventData]) -> Iterator[Decision[Deletion]]:
    del events
    yield request(deletion, USER_ID, NOW)
    if deletion:
        yield sign_out(deletion, NOW)
        yield publish(deletion, LIFE, NOW + LIFE)
        # In one order: that any will do, tests/unit/auth/test_deletion.py says.
        yield from (note(deletion, each) for each in list(Eraser)[len(deletion.erased) :][:1])


PUBLISHER = Publisher(DELETIONS, lambda deletion: deletion.user_id, decide)
