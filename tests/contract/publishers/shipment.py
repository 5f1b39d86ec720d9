"""Fulfilment: what staff do with a parcel, and with what comes back of it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from cloudretail.decider import Decision
from cloudretail.errors import Refusal
from cloudretail.event import EventData
from cloudretail.money import Money
from contract.values import InspectedLine, OrderStatus, ParcelReturn, ReturnRefusal
from fulfilment import domain
from fulfilment.reactions import CONSUMER
from fulfilment.store import SHIPMENTS
from tests.contract.publishers import CONTEXT, ORDER_ID, Publisher, known
from tests.contract.publishers.order import PRICE, PRODUCT_ID, SENT_BACK

ALL_GOOD = (InspectedLine(product_id=PRODUCT_ID, restock=2),)
HALF_BROKEN = (InspectedLine(product_id=PRODUCT_ID, restock=1, write_off=1),)

COMMANDS: tuple[domain.Command, ...] = (
    domain.Ship("SingPost", "RR123456785SG"),
    domain.Ship("A bicycle", "1"),
    domain.Deliver(),
    *(domain.Deliver(Money(amount=amount, currency=PRICE.currency)) for amount in (0, 2 * PRICE.amount)),
    domain.CameBack(ParcelReturn.REFUSED, ALL_GOOD),
    domain.CameBack(ParcelReturn.UNDELIVERABLE, HALF_BROKEN),
    domain.Lose(),
    domain.ReceiveReturn(SENT_BACK.return_id, (InspectedLine(product_id=PRODUCT_ID, restock=1),)),
    domain.ReceiveReturn(SENT_BACK.return_id, (InspectedLine(product_id=PRODUCT_ID, write_off=1),)),
    domain.RefuseReturn(SENT_BACK.return_id, ReturnRefusal.NEVER_ARRIVED),
    domain.RefuseReturn(SENT_BACK.return_id, ReturnRefusal.USED, "It has been worn."),
)


def decide(shipment: domain.Shipment | None, events: Sequence[EventData]) -> Iterator[Decision[domain.Shipment]]:
    for message in known(events, *CONSUMER.subscribes_to):
        yield domain.decide(shipment, message, CONTEXT)
    for command in COMMANDS:
        with suppress(Refusal):
            yield domain.act(shipment, command, "staff-1", CONTEXT, lambda: OrderStatus.CONFIRMED)


def without_story(shipment: domain.Shipment) -> domain.Shipment:
    """No rule looks into the story, which would make every shipment of the same facts a new state."""
    return shipment.model_copy(update={"story": ()})


PUBLISHER = Publisher(SHIPMENTS, lambda shipment: ORDER_ID, decide, compared=without_story)
