"""What an outage of something that we call does to the orders of meanwhile: nothing that patience cannot mend.

Messages are retried as the shop retries them (`cloudretail.retries`), and mails are sent, too.

    0:00          0:10 ────────── away ────────── 1:10          1:20          rest
    an order a minute, in cash and by card, some cancelled ...  ... the last
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloudretail import retries
from contract.values import PaymentMethod
from fulfilment.domain import ReturnStatus as Arrival
from fulfilment.domain import ShipmentStatus
from notifications.domain import MailId
from payments.domain import payment_id_of
from payments.providers import TestToken
from tests.simulation.invariants import check, check_replay
from tests.simulation.mutants import DEFECTS
from tests.simulation.schedule import Basket, Cash, Kind, Schedule, Shape, Step, Violation
from tests.simulation.search import simulated
from tests.simulation.world import BATCH, BEGINNING, PRODUCTS, QUEUES, World

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BEGINS = 10 * MINUTE
"""When something goes away."""

ORDERS = 80
"""One is placed each minute."""

MEANS = (PaymentMethod.COD, TestToken.VISA, TestToken.FLAKY, TestToken.DECLINED)

MAIL = {
    "CONFIRMED": "OrderConfirmed",
    "CANCELLED": "OrderCancelled",
    "REJECTED": "OrderRejected",
    "DELIVERED": "ShipmentDelivered",
}
"""The mail that says how an order has ended."""

PARTS = ("gateway", "ses", "bus", "orders", "payments", "inventory", "shipments", "carts", "mails")
"""What the shop calls: the provider, SES, the bus, and each table."""


@dataclass
class Plan:
    """What one shopper does until it has worked.

    Attributes:
        order_id: of the order.
        at: when they come.
        means: with what they pay; None for what was chosen to be paid in cash at checkout.
        cancels: whether they cancel after paying.
        sends_back: whether staff ship and deliver the order, and everything is sent back.
    """

    order_id: str
    at: datetime
    means: str | None
    cancels: bool
    sends_back: bool

    def step(self, world: World) -> Step | None:
        """What they do next; None where they are done, or wait."""
        order = world.orders.items.get(self.order_id)
        if order is None:
            kind = Kind.CHECK_OUT if world.cart_of(self.order_id)["items"] else Kind.FILL
            return Step(kind, (self.order_id,))
        payment = world.payments.items.get(payment_id_of(self.order_id))
        over = order["status"] in ("CANCELLING", "CANCELLED", "REJECTED")
        if self.means and not over and not (payment and payment.get("method")):
            return Step(Kind.PAY, (self.order_id, self.means))
        if self.cancels and not over:
            return Step(Kind.CANCEL, (self.order_id,))
        return self._after_the_order(order, world) if self.sends_back else None

    def _after_the_order(self, order: Mapping[str, Any], world: World) -> Step | None:
        """What staff and the shopper do with the parcel."""
        shipment = world.shipment_of(self.order_id)
        match shipment.status if shipment else None:
            case ShipmentStatus.TO_SHIP:
                return Step(Kind.SHIP, (self.order_id, "number-1"))
            case ShipmentStatus.SHIPPED:
                return Step(Kind.HAND_OVER, (self.order_id, Cash.ALL))
        if order["status"] == "DELIVERED" and not order.get("returns"):
            lines = [word for item in order["items"] for word in (item["productId"], str(item["quantity"]))]
            return Step(Kind.SEND_BACK, (self.order_id, "ret_1", *lines))
        if shipment and any(each.status is Arrival.EXPECTED for each in shipment.returns):
            return Step(Kind.RECEIVE, (self.order_id, "ret_1", Shape.HALF))
        return None


def live_through(away: frozenset[str], time: timedelta, *, in_cash_only: bool = False, seed: int = 1) -> World:
    """The shop at its rest, after `away` was away for `time`."""
    chance = random.Random(seed)
    plans = []
    for number in range(ORDERS):
        means = None if in_cash_only or number % 3 == 0 else str(chance.choice(MEANS))
        cancels = means is not None and number % 10 == 4
        plans.append(Plan(f"ord_{number}", BEGINNING + number * MINUTE, means, cancels, number % 4 == 1))
    baskets = {
        plan.order_id: Basket(((chance.choice(PRODUCTS), 1),), cod=plan.means is None, shopper=f"user-{plan.order_id}")
        for plan in plans
    }
    world = World(Schedule(dict.fromkeys(PRODUCTS, ORDERS), baskets, None, seed), consumers=QUEUES, patient=True)
    for now in _minutes(world, plans):
        world.away = set(away) if BEGINS <= now - BEGINNING < BEGINS + time else set()
        for plan in plans:
            if plan.at <= now and (step := plan.step(world)):
                world.do(step)
        _deliver(world)
    return world


def _minutes(world: World, plans: list[Plan]) -> Iterator[datetime]:
    """The time, until everybody is done and nothing is on its way."""
    while True:
        yield world.now
        waiting = any(world.queues.values()) or world.pending()
        if not waiting and world.now > plans[-1].at and not any(plan.step(world) for plan in plans):
            return
        if world.now > BEGINNING + 48 * HOUR:
            raise Violation("the shop never comes to rest", str(world.queues))
        world.do(Step(Kind.WAIT, ("60",)))


def _deliver(world: World) -> None:
    """Everything that can be delivered now, and what that leads to."""
    while True:
        before = len(world.archive), sum(map(len, world.queues.values()))
        if pending := world.pending():
            world.do(Step(Kind.RELAY, tuple(pending)))
        for queue in world.queues:
            while names := world.ready(queue):
                world.do(Step(Kind.DELIVER, tuple(world.order.sample(names, min(BATCH, len(names))))))
        if before == (len(world.archive), sum(map(len, world.queues.values()))):
            return


def by_status(world: World, *, cod: bool) -> Counter[str]:
    """How the orders have ended that were (or were not) chosen to be paid in cash at checkout."""
    ends = [
        item["status"] for order_id, item in world.orders.items.items() if world.schedule.baskets[order_id].cod is cod
    ]
    return Counter(ends)


@pytest.fixture(autouse=True)
def _simulated() -> Iterator[None]:
    with simulated():
        yield


@pytest.mark.parametrize(
    "away", [frozenset({part}) for part in PARTS] + [frozenset(PARTS)], ids=lambda away: "+".join(sorted(away))
)
def test_after_an_hour_without_it_every_order_ends_and_nothing_is_dead_or_done_twice(away: frozenset[str]) -> None:
    world = live_through(away, HOUR)

    assert world.dead == []
    assert world.bus.parked == {}
    assert len(world.orders.items) == ORDERS
    check(world)
    assert by_status(world, cod=True).keys() == {"CONFIRMED", "DELIVERED"}
    returns = [each["status"] for item in world.orders.items.values() for each in item.get("returns", ())]
    assert set(returns) == {"ACCEPTED"}
    if len(away) == 1:
        assert {f"{part} is away" for part in away} <= world.happened
    sent = Counter(mail.id for mail in world.mailbox.mails)
    assert set(sent.values()) == {1}
    for order_id, order in world.orders.items.items():
        assert MailId(order_id, MAIL[order["status"]]) in sent
    check_replay(world)
    assert Counter(mail.id for mail in world.mailbox.mails) == sent


def test_with_the_patience_of_half_an_hour_messages_would_be_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PATIENCE", HOUR / 2)
    monkeypatch.setattr(retries, "LEAST_DELIVERIES", 5)

    assert live_through(frozenset({"payments"}), HOUR).dead


def test_payments_that_are_away_for_twenty_minutes_cancel_no_order_that_was_to_be_paid_in_cash() -> None:
    world = live_through(frozenset({"payments"}), 20 * MINUTE, in_cash_only=True)

    ends = by_status(world, cod=True)
    assert ends.keys() == {"CONFIRMED", "DELIVERED"}
    assert ends.total() == ORDERS
    check(world)


def test_a_window_that_closed_what_payments_does_not_know_would_cancel_some_of_them() -> None:
    with DEFECTS["the window closes what payments does not know"].alive():
        world = live_through(frozenset({"payments"}), 20 * MINUTE, in_cash_only=True)

    assert by_status(world, cod=True)["CANCELLED"] > 0
