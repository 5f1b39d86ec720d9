"""Aggregates kept in memory, by the same port and with the same promises as on DynamoDB."""

from collections.abc import Callable, Iterable
from datetime import datetime
from threading import Lock
from typing import Any

from cloudretail.decider import Change
from cloudretail.envelope import Cause
from cloudretail.errors import LostRace
from cloudretail.model import Model
from cloudretail.outbox import Aggregate, Row


class InMemoryRepository[S: Model]:
    """A Repository on a dictionary.

    Args:
        aggregate: how its rows are written and read.
        hook: called with "load", "commit" or "committed" and the key before each load, before each commit and after
            each write; what it raises is what the caller gets, as where a worker dies or a call fails there.

    Attributes:
        items: the rows as they are stored, by key.
        images: a copy of each row as it was written, in the order of the writes: the table's stream.
    """

    def __init__(self, aggregate: Aggregate[S], hook: Callable[[str, str], None] = lambda point, key: None) -> None:
        self._aggregate = aggregate
        self._lock = Lock()
        self.hook = hook
        self.items: dict[str, dict[str, Any]] = {}
        self.images: list[dict[str, Any]] = []

    def load(self, key: str) -> Row[S] | None:
        self.hook("load", key)
        with self._lock:
            item = self.items.get(key)
        return self._aggregate.from_item(item) if item else None

    def load_all(self, keys: Iterable[str]) -> dict[str, Row[S] | None]:
        return {key: self.load(key) for key in dict.fromkeys(keys)}

    def commit(self, key: str, read: Row[S] | None, change: Change[S], cause: Cause, now: datetime) -> Row[S]:
        self.hook("commit", key)
        row = self._aggregate.after(key, read, change, cause, now)
        # Made anew at each write, and no row shares anything with the item that it was read from.
        item = self._aggregate.to_item(row)
        with self._lock:
            stored = self.items.get(key)
            if (stored["version"] if stored else None) != (read.version if read else None):
                raise LostRace(f"{self._aggregate.name} {key}")
            self.items[key] = item
            self.images.append(dict(item))
            self._in_the_same_transaction(read, change)
        self.hook("committed", key)
        return row

    def _in_the_same_transaction(self, read: Row[S] | None, change: Change[S]) -> None:
        """What else a table's own repository writes."""
