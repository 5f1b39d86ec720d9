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
    """Nothing of the order was sent, and nothing will be. `reason` and `note` are those of the request."""

    event_type = EventType("fulfilment", "ShipmentCancelled")

    reason: CancelReason
    note: str | None = None


class ShipmentDispatched(WholeOrderEvent):
    """The parcel is with the carrier. `cash_due` is what the courier is to collect."""

    event_type = EventType("fulfilment", "ShipmentDispatched")

    carrier: str
    tracking_number: str
    tracking_url: str | None = None
    shipping_address: Address | None = None
    cash_due: Money | None = None


class ShipmentDelivered(WholeOrderEvent):
    """The parcel was handed over. `cash` is what was collected for it, 0 included; None where it was paid before."""

    event_type = EventType("fulfilment", "ShipmentDelivered")

    delivered_at: datetime
    cash: Money | None = None


class ShipmentReturned(OrderEvent):
    """The parcel came back, or is lost: `lines` say for each product what can be sold again."""

    event_type = EventType("fulfilment", "ShipmentReturned")

    reason: ParcelReturn
    lines: Annotated[tuple[InspectedLine, ...], Field(min_length=1)]


class ReturnReceived(WholeOrderEvent):
    """What the shopper sent back has arrived, all or some of it."""

    event_type = EventType("fulfilment", "ReturnReceived")

    return_id: ReturnId
    lines: Annotated[tuple[InspectedLine, ...], Field(min_length=1)]


class ReturnRefused(WholeOrderEvent):
    """Nothing of a return was taken. `note` is for the shopper."""

    event_type = EventType("fulfilment", "ReturnRefused")

    return_id: ReturnId
    reason: ReturnRefusal
    note: str | None = None
