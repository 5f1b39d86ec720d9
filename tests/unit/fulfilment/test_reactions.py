"""How fulfilment takes in events and the actions of staff, over ports in memory."""

import pytest

from cloudretail.consumer import Delivery
from cloudretail.decider import Change, Nothing, Result
from cloudretail.errors import Conflict, NotFound, Permanent
from contract import parse
from contract.values import OrderStatus
from fulfilment import commands
from fulfilment.domain import Command, Deliver, Ship, Shipment
from fulfilment.reactions import react
from fulfilment.store import SHIPMENTS
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, event_of, name_of
from tests.support.repositories import InMemoryRepository

ID = ORDER["order_id"]
BY_NAME = {name_of(data): data for data in EXAMPLES}
SHIP = Ship("SingPost", "RR123456785SG")


class PackingRoom:
    """Fulfilment in memory.

    Attributes:
        order_status: what a look at the order says.
    """

    def __init__(self) -> None:
        self.shipments = InMemoryRepository(SHIPMENTS)
        self.order_status = OrderStatus.CONFIRMED

    def hears(self, name: str) -> Result[Shipment]:
        return react(self.shipments, Delivery(event_of(BY_NAME[name]), 1), NOW)

    def does(self, command: Command) -> Result[Shipment]:
        ports = commands.Ports(self.shipments, lambda order_id: self.order_status)
        return commands.handle(ports, ID, command, "staff-1", CAUSE, NOW).decision

    @property
    def status(self) -> str:
        row = self.shipments.load(ID)
        assert row
        return row.state.status

    @property
    def published(self) -> list[str]:
        """All events, in the order of the writes."""
        images = map(SHIPMENTS.from_item, self.shipments.images)
        return [
            name_of(parse(event).data)
            for row in images
            if row.outbox and row.outbox.version == row.version
            for event in row.outbox.events
        ]


@pytest.fixture
def room() -> PackingRoom:
    return PackingRoom()


def test_a_confirmed_order_is_shipped_and_delivered_and_each_is_told_once(room: PackingRoom) -> None:
    for _ in range(2):
        room.hears("OrderConfirmed")
        room.does(SHIP)
    for _ in range(2):
        room.does(Deliver())

    assert (room.status, room.published) == ("DELIVERED", ["ShipmentDispatched", "ShipmentDelivered"])


@pytest.mark.parametrize("name", ["ReturnRequested", "ReturnWithdrawn"])
@pytest.mark.parametrize("before", [[], ["CancellationRequested"], ["OrderConfirmed", "CancellationRequested"]])
def test_a_return_of_what_was_never_shipped_cannot_pass(room: PackingRoom, before: list[str], name: str) -> None:
    for each in before:
        room.hears(each)
    images = list(room.shipments.images)

    with pytest.raises(Permanent, match=f"nothing was shipped of {ID}"):
        room.hears(name)

    assert room.shipments.images == images


def test_what_does_not_exist_is_not_shipped(room: PackingRoom) -> None:
    with pytest.raises(NotFound):
        room.does(SHIP)


def test_a_cancellation_before_the_confirmation_ships_nothing(room: PackingRoom) -> None:
    room.hears("CancellationRequested")

    assert isinstance(room.hears("OrderConfirmed"), Nothing)
    assert (room.status, room.published) == ("CANCELLED", ["ShipmentCancelled"])


def test_a_request_that_is_still_on_its_way_keeps_the_parcel_here(room: PackingRoom) -> None:
    room.hears("OrderConfirmed")
    room.order_status = OrderStatus.CANCELLING

    with pytest.raises(Conflict) as refused:
        room.does(SHIP)

    assert refused.value.type == "cancellation-requested"
    assert isinstance(room.hears("CancellationRequested"), Change)
    assert (room.status, room.published) == ("CANCELLED", ["ShipmentCancelled"])


def test_a_cancellation_that_is_written_while_staff_ship_is_seen_before_the_parcel_leaves(room: PackingRoom) -> None:
    room.hears("OrderConfirmed")
    happened: list[str] = []

    def overtakes(point: str, key: str) -> None:
        if point == "commit" and not happened:
            happened.append(key)
            room.hears("CancellationRequested")

    room.shipments.hook = overtakes
    with pytest.raises(Conflict) as refused:
        room.does(SHIP)

    assert refused.value.type == "order-cancelled"
    assert (room.status, room.published) == ("CANCELLED", ["ShipmentCancelled"])


def test_two_members_of_staff_who_ship_the_same_parcel_at_once_are_told_who_was_first(room: PackingRoom) -> None:
    room.hears("OrderConfirmed")
    happened: list[str] = []

    def overtakes(point: str, key: str) -> None:
        if point == "commit" and not happened:
            happened.append(key)
            room.does(Ship("DHL", "JD014600006251234567"))

    room.shipments.hook = overtakes
    with pytest.raises(Conflict, match="DHL, JD014600006251234567") as refused:
        room.does(SHIP)

    assert refused.value.type == "shipped-otherwise"
    assert room.published == ["ShipmentDispatched"]
