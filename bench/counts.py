"""What one order takes, from the lines of `retail_ops.local.meter`."""

import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from retail_ops.stack.shop import Shop
from retail_ops.stack.template import Template

LOG_EVENT = 26
"""Bytes that CloudWatch Logs adds to each event. Source: CloudWatch Logs API reference, PutLogEvents."""

type Line = Mapping[str, Any]

INDEXES, LIMITS = "indexes", "limits and shipments"
"""Write units that have a line of their own, besides those of an order as the first design had it."""


@dataclass(frozen=True)
class Count:
    """What one order takes.

    Attributes:
        calls: of AWS, by function and operation, such as `OrdersApi dynamodb PutItem`.
        writes: write units of DynamoDB, by table, or table and index.
        reads: read units, by table.
        events: on the bus.
        mails: sent.
        requests: to the API.
        messages: consumed from queues.
        records: of streams.
        invocations: of functions.
        gigabyte_seconds: memory that a function has, times the wall time of its invocations on this machine.
        log_bytes: as CloudWatch Logs would take them in, without the platform's own lines, which the template has off.
    """

    calls: Mapping[str, float] = field(default_factory=dict)
    writes: Mapping[str, float] = field(default_factory=dict)
    reads: Mapping[str, float] = field(default_factory=dict)
    events: float = 0
    mails: float = 0
    requests: float = 0
    messages: float = 0
    records: float = 0
    invocations: float = 0
    gigabyte_seconds: float = 0
    log_bytes: float = 0

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Self:
        """The sum of lines, whose names are those of the template."""
        calls, writes, reads, sums = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
        for line in lines:
            if call := line.get("call"):
                calls[f"{line['caller']} {call}"] += 1
                writes.update(line.get("writes", {}))
                reads.update(line.get("reads", {}))
                sums["events"] += len(line.get("events", ()))
                sums["mails"] += call.startswith("ses ") and "refused" not in line
                continue
            sums["invocations"] += 1
            sums["requests"] += line["invoked"] == "api"
            sums["messages"] += line.get("first", 0) if line["invoked"] == "aws:sqs" else 0
            sums["records"] += line.get("records", 0) if line["invoked"] == "aws:dynamodb" else 0
            sums["gigabyte_seconds"] += line["seconds"] * line["memory"] / 1024
            sums["log_bytes"] += sum(length + LOG_EVENT for length in line.get("lines", ()))
        return cls(dict(calls), dict(writes), dict(reads), **sums)

    @classmethod
    def median(cls, counts: Sequence["Count"]) -> "Count":
        """Of several orders of a kind, figure by figure."""
        several = [count.to_json() for count in counts]
        return cls.from_json({name: _median([each[name] for each in several]) for name in several[0]})

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Count":
        return cls(**kept)

    @property
    def behind(self) -> Mapping[str, float]:
        """The calls behind the API, for which nobody waits."""
        return {name: count for name, count in self.calls.items() if not name.split()[0].endswith("Api")}

    def write_units(self, part: str = "") -> float:
        """Write units of today's scope, or those of INDEXES or LIMITS."""
        return sum(count for name, count in self.writes.items() if _part(name) == part)


def _part(table: str) -> str:
    if "/" in table:
        return INDEXES
    return LIMITS if table in ("LimitsTable", "ShipmentsTable") else ""


def _median(values: Sequence[Any]) -> Any:
    if not isinstance(values[0], Mapping):
        return statistics.median(values)
    names = sorted({name for value in values for name in value})
    medians = {name: statistics.median([value.get(name, 0) for value in values]) for name in names}
    return {name: median for name, median in medians.items() if median}


class Ledger:
    """The lines of a counted shop, with the template's names.

    Args:
        shop: it.
        read: what was written so far.
    """

    def __init__(self, shop: Shop, read: Callable[[], str]) -> None:
        self._read = read
        self._names = {physical: logical for logical, physical in [*shop.functions.items(), *shop.tables.items()]}
        functions = Template.load().functions.items()
        self._watching = {name for name, it in functions if it["Handler"].startswith("operations.")}
        self._at = 0

    def skip(self) -> None:
        """Forget what was written until now."""
        self.take()

    def take(self) -> list[Line]:
        """What was written since; of the functions on the way of an order, and not of those that watch over it."""
        lines = self._read().splitlines()
        new = [self._named(json.loads(line)) for line in lines[self._at :]]
        self._at = len(lines)
        return [line for line in new if line["caller"] not in self._watching]

    def _named(self, line: dict[str, Any]) -> Line:
        for kind in ("writes", "reads"):
            if found := line.get(kind):
                line[kind] = {self._table(name): units for name, units in found.items()}
        return {**line, "caller": self._names.get(line["caller"], line["caller"])}

    def _table(self, name: str) -> str:
        table, slash, index = name.partition("/")
        return f"{self._names.get(table, table)}{slash}{index}"
