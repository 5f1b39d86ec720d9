"""A row is its own outbox: a state change and its events are one DynamoDB write.

    write of the row, version 7      stream record (NEW_IMAGE)         relay
    {state, version: 7,          ->  the same image, in order     ->   outbox.version == version: publish
     outbox: {version: 7, ...}}      for this row
    a later write without events
    {state, version: 8,          ->  the same image               ->   7 != 8: published already, nothing
     outbox: {version: 7, ...}}

No second write can fail between the two, and nothing has to poll. An event's id is derived from the aggregate, the
version and the index, fixed at commit: an event that is published twice has the same id both times.

A row of a restored table reaches versions again for which it has published other events. So each restore raises the
epoch, which is part of the ids from the first restore on: `orders:ord_1:7:0`, then `orders:ord_1:1.7:0`.

A copy of a table writes its rows anew, so its stream shows them as new. But their events are too old: a transition is
written within 15 minutes of its events' time.

    10:00:00  a request makes version 7, its events have this time    10:00:01  its record: publish
    next day  somebody copies the row, with the same outbox           its record: a copy, nothing
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloudretail.decider import Change
from cloudretail.model import Model
from cloudretail.settings import Settings, load
from cloudretail.tracing import child

if TYPE_CHECKING:
    from cloudretail.envelope import Cause


LONGEST_WRITE = timedelta(minutes=15)
"""The longest time from an event's time to its commit. Source: Lambda quotas, longest run of a function."""


class EpochSettings(Settings):
    """The epoch: how often a table of this shop was restored to an earlier state."""

    epoch: int = 0


class Outbox(Model):
    """The events of the row's latest transition that had events.

    Attributes:
        version: the row's version when they were written.
        events: CloudEvents as JSON documents.
    """

    version: int
    events: tuple[str, ...]


@dataclass(frozen=True)
class Row[S: Model]:
    """A stored aggregate.

    Attributes:
        state: what the deciders see.
        version: counts the writes, from 1. Every write is conditional on it.
        outbox: None as long as no transition had events.
    """

    state: S
    version: int
    outbox: Outbox | None = None


@dataclass(frozen=True)
class Aggregate[S: Model]:
    """How one kind of row is written and read.

    Attributes:
        name: the service's name in the ids of its events.
        key: name of the partition key attribute, which is a field of the state.
        state: the model of the state.
    """

    name: str
    key: str
    state: type[S]

    def after(self, key: str, read: Row[S] | None, change: Change[S], cause: "Cause", now: datetime) -> Row[S]:
        """The row that commits `change`.

        Args:
            key: value of the partition key.
            read: the row that the decision was made on; None if there was none.
            change: the decision.
            cause: the event or request that led to it.
            now: time of the change, aware.
        """
        # Imported here: the relay imports this module too, but writes no outbox and does not need the events' models.
        from cloudretail.envelope import Event

        version = (read.version if read else 0) + 1
        epoch = load(EpochSettings).epoch
        outbox = read.outbox if read and not change.forgets else None
        if change.events:
            written = f"{epoch}.{version}" if epoch else f"{version}"
            ids = [f"{self.name}:{key}:{written}:{index}" for index in range(len(change.events))]
            outbox = Outbox(
                version=version,
                events=tuple(
                    Event(id, now, cause.id, child(cause.traceparent, id), data).to_json()
                    for id, data in zip(ids, change.events, strict=True)
                ),
            )
        return Row(change.state, version, outbox)

    def to_item(self, row: Row[S]) -> dict[str, Any]:
        """The row as it is stored, JSON types only."""
        item = row.state.model_dump(mode="json", exclude_none=True)
        item["version"] = row.version
        if row.outbox:
            item["outbox"] = row.outbox.model_dump(mode="json")
        return item

    def from_item(self, item: Mapping[str, Any]) -> Row[S]:
        """The row of a stored item."""
        outbox = Outbox.model_validate(item["outbox"]) if "outbox" in item else None
        return Row(self.state.model_validate(item), item["version"], outbox)


def due(item: Mapping[str, Any], written: datetime | None = None) -> tuple[str, ...]:
    """The events to publish for an image of a row: those of the write that made the image.

    Args:
        item: the row, JSON types.
        written: when the image was written, aware, to the second as in the stream. None if it is known to be no copy.
    """
    outbox = item.get("outbox")
    if not outbox or outbox["version"] != item["version"]:
        return ()
    events = tuple(outbox["events"])
    return () if written and _copied(events, written) else events


def _copied(events: Sequence[str], written: datetime) -> bool:
    """Whether the row was written by a restore, an import or a script, and not by the transition of these events."""
    return all(written - datetime.fromisoformat(json.loads(event)["time"]) > LONGEST_WRITE for event in events)
