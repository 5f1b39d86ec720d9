"""What DynamoDB counts a call as, in request units: by the sizes of the items, not by what an emulator says. Pure.

A write takes one unit for each KB of the item, as it is before or after, whichever is larger; a write whose condition
does not hold takes them too. In a transaction it takes twice as many. An index takes its own for each entry that is
made, changed or removed, and two where the key of one changes. A read takes one unit for each 4 KB, half of it where it
need not be consistent.

Sources: Amazon DynamoDB developer guide, "DynamoDB item sizes and formats", "Read and write operations", "Using global
secondary indexes: write capacity", "Capacity management for transactions".
"""

import math
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

type Item = Mapping[str, Any]
"""In DynamoDB's JSON: `{"orderId": {"S": "ord_1"}}`."""

_WRITE_BYTES = 1024
_READ_BYTES = 4096


@dataclass(frozen=True)
class Index:
    """A global secondary index.

    Attributes:
        name: of it.
        keys: its key attributes; an item without one of them is not in it.
        projected: the attributes that it holds, the table's keys among them; None for all.
    """

    name: str
    keys: Sequence[str]
    projected: frozenset[str] | None

    def entry(self, item: Item | None) -> dict[str, Any] | None:
        """What the index holds of an item; None where that is nothing."""
        if item is None or any(key not in item for key in self.keys):
            return None
        return {name: value for name, value in item.items() if self.projected is None or name in self.projected}

    def writes(self, before: Item | None, after: Item | None) -> int:
        """Units that a change of an item takes here."""
        old, new = self.entry(before), self.entry(after)
        if old == new:
            return 0
        if old and new and any(old[key] != new[key] for key in self.keys):
            return written(old) + written(new)
        return max(written(entry) for entry in (old, new) if entry)


@dataclass(frozen=True)
class Table:
    """What of a table its units depend on.

    Attributes:
        name: of it.
        keys: its key attributes.
        indexes: of it.
    """

    name: str
    keys: Sequence[str]
    indexes: Sequence[Index] = ()

    def units(
        self, before: Item | None, after: Item | None, *, attempted: Item | None = None, in_transaction: bool = False
    ) -> Iterator[tuple[str, int]]:
        """Name of the table, or `table/index`, and its write units.

        Args:
            before: the item as it was; None where there was none.
            after: as it is now; None where there is none.
            attempted: the item that was to be put.
            in_transaction: whether the write was part of one. An index follows once, after it.
        """
        largest = max(written(item) for item in (before, after, attempted, {}) if item is not None)
        yield self.name, largest * (2 if in_transaction else 1)
        for index in self.indexes:
            if count := index.writes(before, after):
                yield f"{self.name}/{index.name}", count


def written(item: Item) -> int:
    """Write units of an item."""
    return max(1, math.ceil(size(item) / _WRITE_BYTES))


def read(item: Item, *, consistent: bool) -> float:
    """Read units of an item, found or not."""
    units = max(1, math.ceil(size(item) / _READ_BYTES))
    return units if consistent else units / 2


def size(item: Item) -> int:
    """Bytes of an item: its attributes' names and values.

    >>> size({"orderId": {"S": "ord_1"}, "version": {"N": "12"}})
    21
    """
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _digits(content)
        case "B":
            return len(b64decode(content))
        case "SS":
            return sum(len(each.encode()) for each in content)
        case "NS":
            return sum(_digits(each) for each in content)
        case "BS":
            return sum(len(b64decode(each)) for each in content)
        case "L":
            return 3 + sum(1 + _size(each) for each in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size(each) for name, each in content.items())
        case _:
            return 1


def _digits(number: str) -> int:
    """Two digits a byte, and one more; and one for a sign."""
    digits = number.lstrip("-").replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + number.startswith("-")
