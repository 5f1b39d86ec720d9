"""How every service answers that somebody has left: it erases what it keeps of them, then says so.

    AccountDeletionRequested    erase     publish AccountDataErased    acknowledge
                                       ^ a crash here, and the message comes again: nothing is left to erase, and the
                                         event is published once more, with the same id

So the message is the outbox: it is there until the event is on the bus. What is erased are many rows, and no one write
could hold them together with an event.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import batched
from typing import Any

from cloudretail import aws, deadline, dynamodb
from cloudretail.consumer import Delivery, Effect
from cloudretail.decider import Decision, Done, Result
from cloudretail.envelope import Cause, Event
from cloudretail.errors import Transient
from cloudretail.model import Model
from cloudretail.repository import BatchRepository, ReadOnce, transact
from cloudretail.settings import Settings, load
from cloudretail.tracing import child
from contract.auth import AccountDataErased, AccountDeletionRequested, Eraser

type Erase = Callable[[str, Cause, datetime], None]
"""Erases what a service keeps of the person with this user id. It may be called again, and then finds nothing."""


class BusSettings(Settings):
    """Where it is published that everything is erased."""

    event_bus_name: str


def erasing(service: Eraser, erase: Erase) -> Effect:
    """The reaction of a service to `AccountDeletionRequested`."""

    def react(delivery: Delivery, now: datetime) -> Result[Any]:
        event = delivery.event
        assert isinstance(event.data, AccountDeletionRequested)
        erase(event.data.user_id, event.cause, now)
        _publish(erased_event(service, event.data.user_id, event.cause, now))
        return Done(what)

    what = f"erase what {service} keeps of the person"
    return Effect(react, what)


def erased_event(service: Eraser, user_id: str, cause: Cause, now: datetime) -> Event:
    """What a service says once it has erased a person; the same id however often it says so."""
    event_id = f"{service}:erased:{user_id}"
    data = AccountDataErased(user_id=user_id, service=service)
    return Event(event_id, now, cause.id, child(cause.traceparent, event_id), data)


def _publish(event: Event) -> None:
    kind = event.data.event_type
    bus = load(BusSettings).event_bus_name
    entry = {"EventBusName": bus, "Source": kind.source, "DetailType": kind.name, "Detail": event.to_json()}
    answer = aws.eventbridge().put_events(Entries=[entry])  # type: ignore[list-item]
    if answer["FailedEntryCount"]:
        raise Transient("the bus does not take the event that everything is erased")


def orders_of(table: str, user_id: str) -> Iterator[str]:
    """The ids of all orders of a person, of which nobody places another one any more.

    Args:
        table: of orders.
        user_id: whose.

    Raises:
        Transient: no time was left for the next one. What is erased so far stays so.
    """
    pages = (
        aws.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=table,
            IndexName="userId-createdAt",
            KeyConditionExpression="userId = :user",
            ExpressionAttributeValues={":user": {"S": user_id}},
        )
    )
    for page in pages:
        for item in page["Items"]:
            _before_the_next_one()
            yield dynamodb.from_item(item)["orderId"]


READ_AT_ONCE = 100
"""Rows of one BatchGetItem, the most that DynamoDB takes."""


def erase_rows[S: Model](
    rows: BatchRepository[S],
    order_ids: Iterator[str],
    decide: Callable[[str, S | None], Decision[S]],
    cause: Cause,
    now: datetime,
    key_of: Callable[[str], str] = str,
) -> None:
    """Erase a person on the row of each of their orders.

    A delivery may end before the last one. The next delivery passes what is erased a hundred rows at a time, and so
    gets further, whatever the number of orders:

        first    read 100, write 100, read 100, write 100, ... no time left
        next     read 100, read 100, ..., read 100, write 100, ... the last one

    Args:
        rows: what the service keeps, a row for each order.
        order_ids: of the person: `orders_of`.
        decide: the rule, from an order's id and the state of its row, or None where there is no row.
        cause: the event that is answered.
        now: aware.
        key_of: the row's key, from the order's id.

    Raises:
        Transient: no time was left for the next one. What is erased so far stays so.
    """
    for ids in batched(order_ids, READ_AT_ONCE, strict=False):
        read = ReadOnce(rows, rows.load_all(map(key_of, ids)))
        for order_id in ids:
            _before_the_next_one()
            transact(read, key_of(order_id), partial(decide, order_id), cause, now)


def _before_the_next_one() -> None:
    if deadline.passed():
        raise Transient("some orders are left for the next delivery")
