"""What counts cost, by a committed list of prices. Pure."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.counts import Count

PRICES = Path(__file__).with_name("prices.toml")

BATCHES = (1, 10)
"""Messages of a batch: of a shop with nothing to do, and of a busy one."""


@dataclass(frozen=True)
class Price:
    """Of one thing in one region.

    Attributes:
        dollars: for so many.
        per: how many.
        source: its name in the list.
    """

    dollars: float
    per: int
    source: str

    def of(self, amount: float) -> float:
        """Dollars for so many."""
        return amount * self.dollars / self.per


@cache
def listed() -> Mapping[str, Any]:
    """The list of prices."""
    return tomllib.loads(PRICES.read_text())


def regions() -> list[str]:
    """Those of which any price could be read."""
    return [name for name in listed() if name not in ("sources", "unread")]


def prices(region: str) -> dict[str, Price]:
    """The prices of a region that could be read, by what is bought."""
    return {name: Price(**each) for name, each in listed()[region].items() if name != "name"}


def bought(count: Count, batch: int) -> dict[str, float]:
    """What is bought for an order, with batches of so many messages.

    A message is sent by itself, and received and deleted with its batch: that is modelled, since the calls of AWS's own
    pollers are not seen. So are the invocations, which a batch shares; their gigabyte-seconds are taken as they are.
    """
    queued = count.messages + count.records
    return {
        "write-units": sum(count.writes.values()),
        "read-units": sum(count.reads.values()),
        "queue-requests": count.messages * (1 + 2 / batch),
        "events": count.events,
        "invocations": count.invocations - queued + queued / batch,
        "gigabyte-seconds": count.gigabyte_seconds,
        "api-requests": count.requests,
        "log-bytes": count.log_bytes,
    }


def bill(count: Count, region: str, batch: int) -> Iterator[tuple[str, float]]:
    """Dollars for a million orders, by what is bought, as far as the region's prices could be read."""
    known = prices(region)
    for name, amount in bought(count, batch).items():
        if name in known:
            yield name, known[name].of(amount * 1_000_000)


def dollars(count: Count, region: str, batch: int) -> float:
    """Dollars for a million orders, of what could be priced."""
    return sum(each for _, each in bill(count, region, batch))
