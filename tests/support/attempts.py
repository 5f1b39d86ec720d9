"""Attempts and known devices kept in memory, by the same rule as on DynamoDB."""

import time
from collections import Counter
from datetime import UTC, datetime

from cloudretail.limits import Limited, RateLimit, Tries, attempt


class InMemoryAttempts:
    """Attempts on a dictionary; the clock is set by hand, in milliseconds since 1970."""

    def __init__(self) -> None:
        self.now = int(time.time() * 1000)
        self.tries: dict[tuple[str, str, str], Tries] = {}
        self.by_all: Counter[tuple[str, str]] = Counter()

    def count(self, limit: RateLimit, account: str, client: str, *, known: bool = False) -> None:
        key = (limit.name, account, client)
        crowded = not known and self.by_all[limit.name, account] >= limit.rate.by_all
        verdict = attempt(limit.rate, self.tries.get(key, Tries()), crowded=crowded, now=self.now)
        self.tries[key] = verdict.tries
        if verdict.until is not None:
            raise Limited(limit, datetime.fromtimestamp(verdict.until / 1000, UTC))
        self.by_all[limit.name, account] += 1

    def forget(self, limit: RateLimit, account: str, client: str) -> None:
        self.tries.pop((limit.name, account, client), None)
        self.by_all[limit.name, account] -= 1


class InMemoryDevices:
    """Devices in a set."""

    def __init__(self) -> None:
        self.known: set[tuple[str, str]] = set()

    def knows(self, email: str, device: str) -> bool:
        return (email, device) in self.known

    def remember(self, email: str, device: str) -> None:
        self.known.add((email, device))
