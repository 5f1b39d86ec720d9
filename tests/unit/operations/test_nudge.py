"""A nudge publishes what somebody may still wait for: the outboxes as they are, and of each row's state the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from cloudretail.decider import Change
from cloudretail.envelope import Event
from cloudretail.errors import NotFound
from cloudretail.outbox import Aggregate, Row
from contract import parse
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.values import (
    Address,
    InspectedLine,
    OrderStatus,
    Parcel,
    PaymentMethod,
    RefusalReason,
    ReturnReason,
    ShippingCharge,
    StockLine,
)
from fulfilment import domain as fulfilment
from inventory.domain import Reservation, ReservationStatus
from operations.clock import Clock
from operations.replays.awaited import PUBLISHERS, Publisher
from operations.replays.domain import Outcome
from operations.replays.nudge import Nudge
from orders.domain import Order, RecordedEntry
from orders.returns import Return, ReturnStatus
from payments.domain import Payment, PaymentStatus, Refund, RefundStatus
from tests.support.dead_letters import InMemoryShop
from tests.support.examples import CAUSE, NOW, ORDER, PAYMENT, TRACEPARENT, example_of

ORDER_ID = ORDER["order_id"]
LATER = NOW + timedelta(hours=1)
BACK = (InspectedLine(product_id="canvas-backpack", restock=1),)
ASKED = (StockLine(product_id="canvas-backpack", quantity=1),)


def order(status: OrderStatus, **values: Any) -> Order:
    step = RecordedEntry(event="OrderPlaced", at=NOW, caused_by="request-1", status=status)
    return Order(
        order_id=ORDER_ID, user_id=ORDER["user_id"], user_email=ORDER["user_email"], items=ORDER["items"],
        status=status, total_amount=15430, currency="SGD", created_at=NOW, place_by=LATER,
        shipping_address=example_of(Address, {}), shipping=example_of(ShippingCharge, {}),
        payment_method=PaymentMethod.CARD, fingerprint="f", history=(step,), **values,
    )  # fmt: skip


def payment(status: PaymentStatus, *refunds: Refund) -> Payment:
    return Payment(
        **PAYMENT, status=status, user_email=ORDER["user_email"], amount=15430, currency="SGD", reserved=True,
        method=PaymentMethod.CARD, attempts=1, provider="sandbox", reference="pay:1", refunds=refunds, created_at=NOW,
    )  # fmt: skip


RETURN = Return(
    return_id="ret_1", lines=ASKED, reason=ReturnReason.DAMAGED, status=ReturnStatus.ACCEPTED, requested_at=NOW,
    taken=BACK, amount=5990,
)  # fmt: skip


@dataclass
class InMemoryRows:
    """PublishingRows of one order: states, each of the version that its row has."""

    states: Sequence[tuple[Any, Row[Any]]]

    def of_order(self, order_id: str) -> Sequence[tuple[Publisher, Row[Any]]]:
        del order_id
        return [(publisher_of(type(state)), row) for state, row in self.states]


def publisher_of(state: type[Any]) -> Publisher:
    return next(each for each in PUBLISHERS if each.aggregate.state is state)


def row_of(state: Any, version: int = 7) -> tuple[Any, Row[Any]]:
    """A row whose outbox is empty, as after a copy, or that of a transition long ago."""
    return state, Row(state, version)


def changed(aggregate: Aggregate[Any], state: Any, *events: Any) -> Row[Any]:
    return aggregate.after(ORDER_ID, None, Change(state, events), CAUSE, NOW)


def nudged(*states: tuple[Any, Row[Any]]) -> list[Event]:
    """What a nudge of an order with these rows publishes."""
    shop = InMemoryShop()
    clock = Clock(lambda: 0, lambda seconds: None, lambda: LATER)
    replay = Nudge(InMemoryRows(states), shop.bus, shop.log, clock).run(
        ORDER_ID, by="o@cloudretail.example", reason="lost"
    )
    assert replay.outcomes == {Outcome.REPLAYED: len(shop.bus.entries)}
    return [parse(entry["Detail"]) for entry in shop.bus.entries]


def names(events: Sequence[Event]) -> list[str]:
    return [event.data.event_type.name for event in events]


def test_events_that_no_outbox_holds_any_more_are_made_again_of_the_rows() -> None:
    refund = Refund(refund_id="ret_1", amount=5990, attempt=1, provider="sandbox", reference="pay:1")
    received = fulfilment.Return(
        return_id="ret_1", lines=ASKED, reason=ReturnReason.DAMAGED, status=fulfilment.ReturnStatus.RECEIVED,
        requested_at=NOW, received=BACK,
    )  # fmt: skip
    shipment = fulfilment.Shipment(
        order_id=ORDER_ID, status=fulfilment.ShipmentStatus.DELIVERED, user_id=ORDER["user_id"],
        user_email=ORDER["user_email"], items=ORDER["items"], total=ORDER["total"], delivered_at=NOW,
        parcel=Parcel(carrier="DHL", tracking_number="1"), returns=(received,),
    )  # fmt: skip
    reservation = Reservation(order_id=ORDER_ID, status=ReservationStatus.COMMITTED, lines=ASKED, until=LATER)
    events = nudged(
        row_of(order(OrderStatus.DELIVERED, delivered_at=NOW, returns=(RETURN,))),
        row_of(reservation),
        row_of(payment(PaymentStatus.SUCCEEDED, refund)),
        row_of(shipment),
    )
    assert names(events) == [
        "OrderConfirmed",
        "ReturnAccepted",
        "InventoryReserved",
        "PaymentSucceeded",
        "RefundRequested",
        "ShipmentDispatched",
        "ShipmentDelivered",
        "ReturnReceived",
    ]
    assert len({event.id for event in events}) == len(events)
    assert {event.time for event in events} == {LATER}


def test_what_the_outbox_holds_is_published_as_it_is_and_once() -> None:
    state = Reservation(order_id=ORDER_ID, status=ReservationStatus.HELD, lines=ASKED, until=LATER)
    reserved = InventoryReserved(order_id=ORDER_ID, lines=ASKED, until=LATER)
    row = changed(PUBLISHERS[1].aggregate, state, reserved)
    (event,) = nudged((state, row))
    assert row.outbox is not None
    assert event.to_json() == row.outbox.events[0]


def test_an_outbox_that_nothing_replaces_is_published_although_its_state_awaits_nothing() -> None:
    state = Reservation(order_id=ORDER_ID, status=ReservationStatus.REFUSED, lines=ASKED)
    failed = InventoryReservationFailed(order_id=ORDER_ID, reason=RefusalReason.EXPIRED)
    assert names(nudged((state, changed(PUBLISHERS[1].aggregate, state, failed)))) == ["InventoryReservationFailed"]


def test_two_nudges_publish_two_events_with_the_same_content() -> None:
    row = row_of(order(OrderStatus.RESERVED))
    first, second = nudged(row) + nudged(row)
    assert first.data == second.data
    assert first.id != second.id
    assert first.id.startswith(f"orders:{ORDER_ID}:7:rpl_")
    assert first.causation_id in first.id
    assert first.traceparent != TRACEPARENT


def test_an_order_of_which_no_row_has_published_anything_is_not_found() -> None:
    with pytest.raises(NotFound):
        nudged()


def test_a_refund_to_be_paid_by_hand_is_told_again() -> None:
    refund = Refund(refund_id="cancellation", amount=1, attempt=1, status=RefundStatus.TO_PAY_BY_HAND, reason="no")
    assert names(nudged(row_of(payment(PaymentStatus.SUCCEEDED, refund)))) == [
        "PaymentSucceeded",
        "PaymentRefundFailed",
    ]
