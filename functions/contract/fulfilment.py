"""The events that fulfilment publishes."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from cloudretail.event import EventType
from cloudretail.money import Money
from contract.orders import WholeOrderEvent
from contract.values import (
    Address,
    CancelReason,
    InspectedLine,
    OrderEvent,
    ParcelReturn,
    ReturnId,
    ReturnRefusal,
)


class ShipmentCancelled(OrderEvent):
    """Nothing of the order was sent, and nothing will be. `reason` and `note` are those of the cancellation."""

    event_type = EventType("fulfilment", "ShipmentCancelled")

    reason: CancelReason
    note: str | None = None


class ShipmentDispatched(WholeOrderEvent):
    """The parcel is with the carrier. `cash_due` is what the courier has to collect."""

    event_type = EventType("fulfilment", "ShipmentDispatched")

    carrier: str
    tracking_number: str
    tracking_url: str | None = None
    shipping_address: Address | None = None
    cash_due: Money | None = None


class ShipmentDelivered(WholeOrderEvent):
    """The parcel was handed over. `cash` is what was collected for it, which may be 0; None if it was paid before."""

    event_type = EventType("fulfilment", "ShipmentDelivered")

    delivered_at: datetime
    cash: Money | None = None


class ShipmentReturned(OrderEvent):
    """The parcel came back, or is lost. `lines` say how many pieces of each product can be sold again."""

    event_type = EventType("fulfilment", "ShipmentReturned")

    reason: ParcelReturn
    lines: Annotated[tuple[InspectedLine, ...], Field(min_length=1)]


class ReturnReceived(WholeOrderEvent):
    """All or some of what the shopper sent back has arrived."""

    event_type = EventType("fulfilment", "ReturnReceived")

    return_id: ReturnId
    lines: Annotated[tuple[InspectedLine, ...], Field(min_length=1)]


class ReturnRefused(WholeOrderEvent):
    """The shop has refused a return as a whole. `note` is for the shopper."""

    event_type = EventType("fulfilment", "ReturnRefused")

    return_id: ReturnId
    reason: ReturnRefusal
    note: str | None = None
