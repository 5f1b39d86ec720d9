"""Inventory: in time and too late, and where not enough is left."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from cloudretail.decider import Decision
from cloudretail.event import EventData
from contract.orders import OrderPlaced
from contract.values import Shortage
from inventory import domain
from inventory.reactions import CONSUMER
from inventory.store import RESERVATIONS
from orders.domain import PLACE_WITHIN
from tests.contract.publishers import NOW, ORDER_ID, Publisher, known

WINDOW = timedelta(minutes=15)
TOO_LATE = NOW + PLACE_WITHIN + timedelta(seconds=1)
SOLD_OUT = [Shortage(product_id="canvas-backpack", requested=2, available=1)]


def decide(
    reservation: domain.Reservation | None, events: Sequence[EventData]
) -> Iterator[Decision[domain.Reservation]]:
    for message in known(events, *CONSUMER.subscribes_to):
        yield domain.decide(reservation, message, NOW, WINDOW)
        yield domain.decide(reservation, message, TOO_LATE, WINDOW)
        if isinstance(message, OrderPlaced):
            yield domain.decide(reservation, message, NOW, WINDOW, SOLD_OUT)


PUBLISHER = Publisher(RESERVATIONS, lambda reservation: ORDER_ID, decide)
