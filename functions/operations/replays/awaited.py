"""The events that somebody may still wait for, of each row that publishes about orders.

A row's outbox holds the events of its latest transition that had any. What it published before that is made again of
its state, by the rule of its own service: the state says which events are awaited, and what stands in them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cloudretail.envelope import Event
from cloudretail.errors import InvalidEvent
from cloudretail.event import EventData
from cloudretail.outbox import Aggregate, Row
from cloudretail.repository import batch_get
from cloudretail.tracing import root
from contract import parse
from fulfilment import domain as fulfilment
from fulfilment.store import SHIPMENTS
from inventory import domain as inventory
from inventory.store import RESERVATIONS
from operations.diagnosis.tables import TableSettings
from orders import domain as orders
from orders.store import ORDERS
from payments import domain as payments
from payments.store import PAYMENTS


@dataclass(frozen=True)
class Publisher:
    """A table whose rows publish about orders.

    Attributes:
        setting: the field of TableSettings that has its name.
        aggregate: how its rows are read.
        key_of: the key of an order's row.
        awaited: by a row's state, the events that somebody may still wait for.
    """

    setting: str
    aggregate: Aggregate[Any]
    key_of: Callable[[str], str]
    awaited: Callable[[Any], Sequence[EventData]]


PUBLISHERS = (
    Publisher("orders_table", ORDERS, str, orders.awaited),
    Publisher("reservations_table", RESERVATIONS, str, inventory.awaited),
    Publisher("payments_table", PAYMENTS, payments.payment_id_of, payments.awaited),
    Publisher("shipments_table", SHIPMENTS, str, fulfilment.awaited),
)


class PublishingRows(Protocol):
    """The rows that publish about orders, read only."""

    def of_order(self, order_id: str) -> Sequence[tuple[Publisher, Row[Any]]]:
        """Those of one order as they are now, those that exist."""
        ...


class DynamoDBPublishingRows:
    """The services' own tables, read by one call.

    Args:
        settings: their names.
    """

    def __init__(self, settings: TableSettings) -> None:
        self._tables = {publisher: str(getattr(settings, publisher.setting)) for publisher in PUBLISHERS}

    def of_order(self, order_id: str) -> Sequence[tuple[Publisher, Row[Any]]]:
        keys = {
            table: {"Keys": [{publisher.aggregate.key: {"S": publisher.key_of(order_id)}}], "ConsistentRead": True}
            for publisher, table in self._tables.items()
        }
        found = batch_get(keys)
        return [
            (publisher, publisher.aggregate.from_item(item))
            for publisher, table in self._tables.items()
            for item in found[table]
        ]


def awaited_documents(order_id: str, publisher: Publisher, row: Row[Any], nudge_id: str, now: datetime) -> list[str]:
    """What a row publishes when it is nudged: its outbox as it is, then what else of its state is awaited.

    Args:
        order_id: whose row it is.
        publisher: its table.
        row: as it is now.
        nudge_id: the cause of what is made again, and a part of its id: its first id is gone with its outbox.
        now: aware.

    Returns:
        CloudEvents as JSON documents.
    """
    kept = row.outbox.events if row.outbox else ()
    known = list(_data_of(kept))
    rest = [data for data in publisher.awaited(row.state) if data not in known]
    prefix = f"{publisher.aggregate.name}:{publisher.key_of(order_id)}:{row.version}:{nudge_id}"
    again = [Event(f"{prefix}:{index}", now, nudge_id, root(nudge_id), data) for index, data in enumerate(rest)]
    return [*kept, *(event.to_json() for event in again)]


def _data_of(documents: Sequence[str]) -> Iterator[EventData]:
    for document in documents:
        try:
            yield parse(document).data
        except InvalidEvent:
            # An event of a version that is gone: its consumers say so.
            continue
