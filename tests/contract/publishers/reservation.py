"""Inventory: in time and too late, and where not enough is left."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from cloudretail.decider import Decision
from cloudretail.event import EventData
from contract.orders import OrderPlaced
from contract.values import Shortage
from inventory import domain
from inventory.reactions import CONSUMER
from inventory.store import RESERVATIONS
from orders.domain import PLACE_WITHIN
from tests.contract.publishers import CONTEXT, ORDER_ID, Publisher, known

WINDOW = timedelta(minutes=15)
TOO_LATE = replace(CONTEXT, now=CONTEXT.now + PLACE_WITHIN + timedelta(seconds=1))
SOLD_OUT = [Shortage(product_id="canvas-backpack", requested=2, available=1)]


def decide(
    reservation: domain.Reservation | None, events: Sequence[EventData]
) -> Iterator[Decision[domain.Reservation]]:
    for message in known(events, *CONSUMER.subscribes_to):
        asked = domain.message_of(message, WINDOW)
        yield domain.decide(reservation, asked, CONTEXT)
        yield domain.decide(reservation, asked, TOO_LATE)
        if isinstance(message, OrderPlaced):
            yield domain.decide(reservation, domain.Reserve(message, WINDOW, SOLD_OUT), CONTEXT)


PUBLISHER = Publisher(RESERVATIONS, lambda reservation: ORDER_ID, decide)
