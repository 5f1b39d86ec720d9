"""Under which key an order is found as long as somebody is awaited, and that it is not found any more after that."""

from datetime import timedelta
from typing import Any

import pytest

from cloudretail.decider import Change
from cloudretail.money import Money
from contract.values import OrderStatus, PaymentMethod
from orders.domain import Order, RecordedEntry
from orders.returns import ReturnStatus
from orders.store import ORDERS
from orders.waiting import SHARDS, Waiting, wait_of
from tests.support.examples import CAUSE, NOW, VALUES
from tests.unit.orders.test_rules import STATES, a_return, order

DAY = timedelta(days=1)


def told(state: Order, event: str, about: str | None = None, amount: int = 0, reason: str | None = None) -> Order:
    """The order, after it has learned something a day later."""
    money = Money(amount=amount, currency="SGD")
    step = {"event": event, "at": NOW + DAY, "caused_by": "event-9", "status": state.status}
    entry = RecordedEntry(**step, about=about, amount=money, reason=reason)
    return state.model_copy(update={"history": (*state.history, entry)})


def delivered(*returns: ReturnStatus, **others: Any) -> Order:
    return order("DELIVERED", returns=tuple(map(a_return, returns)), **others)


CARD = {"payment_method": PaymentMethod.CARD}
CASH = {"payment_method": PaymentMethod.COD}
BACK = VALUES["return_id"]


@pytest.mark.parametrize(
    ("state", "waits"),
    [
        (order("PENDING"), Waiting.STEP),
        (order("RESERVED"), Waiting.STEP),
        (order("CANCELLING"), Waiting.STEP),
        (order("CONFIRMED"), Waiting.TO_SHIP),
        (order("SHIPPED"), Waiting.SHIPPED),
        (order("REJECTED"), None),
        (order("CANCELLED"), None),
        (order("CANCELLED", **CASH), None),
        (order("CANCELLED", **CARD), Waiting.REFUND),
        (
            told(order("CANCELLED", **CARD), "PaymentRefundFailed", "cancellation"),
            Waiting.REFUND,
        ),
        (told(order("CANCELLED", **CARD), "PaymentRefunded", "cancellation"), None),
        # A card's refund that has failed after all.
        (
            told(
                told(order("CANCELLED", **CARD), "PaymentRefunded", "cancellation"),
                "PaymentRefundFailed",
                "cancellation",
            ),
            Waiting.REFUND,
        ),
        (told(order("CANCELLED", **CARD), "PaymentDisputeClosed", "du_1", 15430, "LOST"), None),
        (told(order("CANCELLED", **CARD), "PaymentDisputeClosed", "du_1", 15430, "WON"), Waiting.REFUND),
        (delivered(), None),
        (delivered(**CASH), Waiting.STEP),
        (delivered(**CASH, collected=15430), None),
        (delivered(ReturnStatus.REQUESTED), Waiting.RETURN),
        (delivered(ReturnStatus.REFUSED), None),
        (delivered(ReturnStatus.WITHDRAWN), None),
        (delivered(ReturnStatus.ACCEPTED), Waiting.REFUND),
        (told(delivered(ReturnStatus.ACCEPTED), "PaymentRefunded", BACK, 11980), None),
        # Where no cash was collected, nothing is given back.
        (delivered(ReturnStatus.ACCEPTED, **CASH, collected=0), None),
        (delivered(ReturnStatus.ACCEPTED, ReturnStatus.REQUESTED), Waiting.REFUND),
    ],
)
def test_an_order_is_found_by_whom_it_waits_for_and_by_nothing_once_it_waits_for_nobody(
    state: Order, waits: Waiting | None
) -> None:
    found = wait_of(state)
    assert (found[0] if found else None) == waits
    item = ORDERS.to_item(ORDERS.after(state.order_id, None, Change(state), CAUSE, NOW))
    assert item.get("openAs") in (waits.partitions if waits else (None,))
    assert ("openSince" in item) == (waits is not None)


@pytest.mark.parametrize("state", STATES)
def test_an_order_that_has_not_ended_is_always_found(state: str) -> None:
    ended = (OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.DELIVERED)
    assert wait_of(order(state)) is not None or order(state).status in ended


def test_a_wait_begins_when_the_order_came_to_its_state_and_not_with_a_note_in_its_story() -> None:
    shipped = RecordedEntry(event="ShipmentDispatched", at=NOW, caused_by="e", status=OrderStatus.SHIPPED)
    state = told(order("SHIPPED", history=(shipped,)), "PaymentDeclined")
    assert wait_of(state) == (Waiting.SHIPPED, NOW)
    received = told(delivered(ReturnStatus.ACCEPTED), "ReturnReceived", BACK)
    assert wait_of(received) == (Waiting.REFUND, NOW + DAY)


def test_the_orders_that_wait_alike_are_spread_over_the_partitions() -> None:
    used = {Waiting.STEP.partition_of(f"ord_{number}") for number in range(50)}
    assert used == set(Waiting.STEP.partitions)
    assert len(used) == SHARDS
