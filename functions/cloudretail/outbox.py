"""A row is its own outbox: a state change and its events are one DynamoDB write.

    write of the row, version 7      stream record (NEW_IMAGE)         relay
    {state, version: 7,          ->  the same image, in order     ->   outbox.version == version: publish
     outbox: {version: 7, ...}}      for this row
    a later write without events
    {state, version: 8,          ->  the same image               ->   7 != 8: published already, nothing
     outbox: {version: 7, ...}}

No second write can fail between the two, and nothing has to poll. An event's id is derived from the aggregate, the
version and the index, fixed at commit: an event that is published twice has the same id both times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cloudretail.decider import Change
from cloudretail.model import Model
from cloudretail.tracing import child

if TYPE_CHECKING:
    from cloudretail.envelope import Cause


class Outbox(Model):
    """The events of a row's latest transition that had any.

    Attributes:
        version: of the row, when they were written.
        events: CloudEvents as JSON documents.
    """

    version: int
    events: tuple[str, ...]


@dataclass(frozen=True)
class Row[S: Model]:
    """A stored aggregate.

    Attributes:
        state: what the deciders see.
        version: counts the writes, from 1; every write is conditional on it.
        outbox: None as long as no transition had events.
    """

    state: S
    version: int
    outbox: Outbox | None = None


@dataclass(frozen=True)
class Aggregate[S: Model]:
    """How one kind of row is written and read.

    Attributes:
        name: the service, as it stands in the ids of its events.
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
            read: the row that the decision was made on; None where there was none.
            change: the decision.
            cause: the event or request that it answers.
            now: time of the change, aware.
        """
        # Here, since the relay reads outboxes and writes none: it has no use for the events' models.
        from cloudretail.envelope import Event

        version = (read.version if read else 0) + 1
        outbox = read.outbox if read else None
        if change.events:
            ids = [f"{self.name}:{key}:{version}:{index}" for index in range(len(change.events))]
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


def due(item: Mapping[str, Any]) -> tuple[str, ...]:
    """The events of this image of a row: those of the write that made the image."""
    outbox = item.get("outbox")
    if not outbox or outbox["version"] != item["version"]:
        return ()
    return tuple(outbox["events"])
