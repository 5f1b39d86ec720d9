"""The random part: who wants what, and what happens next."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from contract.values import OrderStatus, PaymentMethod
from inventory.movements import MovementKind
from payments.domain import payment_id_of
from payments.providers import TestToken
from tests.simulation.schedule import Basket, Break, Cash, Interruption, Kind, Schedule, Shape, Step
from tests.simulation.world import BATCH, CONSUMERS, PRODUCTS, WINDOW, World, queue_of

WORKER = queue_of("payments.worker.handler").name

MEANS: dict[str, float] = {
    PaymentMethod.COD: 3,
    TestToken.VISA: 4,
    TestToken.DECLINED: 5,
    TestToken.TIMEOUT: 1,
    TestToken.FLAKY: 1,
    TestToken.NOREFUND: 2,
    "tok_unknown": 1,
}
"""What is paid with, and how often."""

PAYING = (PaymentMethod.COD, TestToken.VISA, TestToken.NOREFUND)
"""Means that pay at once."""

WAITS = (
    {timedelta(seconds=1): 4, timedelta(seconds=30): 1},
    {timedelta(seconds=1): 2, timedelta(minutes=2): 1, WINDOW: 2},
    {timedelta(seconds=1): 2, timedelta(hours=25): 2, timedelta(days=3): 1},
)
"""How long is waited, and how often: within a function's time-out, until the window closes, until keys and orders are
old. One of these a schedule, or every order would end by its window."""

LIKELY = {
    Kind.DELIVER: 42,
    Kind.RELAY: 16,
    Kind.PAY: 12,
    Kind.CHECK_OUT: 16,
    Kind.CHANGE: 1,
    Kind.CLEAR: 0.5,
    Kind.CANCEL: 3,
    Kind.RESUME: 8,
    Kind.WAIT: 5,
    Kind.REPLAY: 4,
    Kind.REDRIVE: 2,
    Kind.LAND: 1,
    Kind.TURN: 1,
    Kind.NOTIFY: 1,
    Kind.GARBLE: 0.3,
    Kind.REPUBLISH: 1,
    Kind.STOCK: 2,
}
"""How often each kind of step is tried."""

AFTER_THE_ORDER = {
    Kind.CALL_OFF: 1,
    Kind.SHIP: 6,
    Kind.HAND_OVER: 4,
    Kind.COME_BACK: 1.5,
    Kind.LOSE: 0.7,
    Kind.SEND_BACK: 6,
    Kind.WITHDRAW: 1,
    Kind.RECEIVE: 5,
    Kind.REFUSE: 1,
    Kind.PAY_BACK: 2,
    Kind.DISPUTE: 1.5,
    Kind.DECIDE: 3,
    Kind.BOUNCE: 3,
}
"""In a third of all schedules, these as well: with everything in one, what is rare in a new order never happens."""

ASKED_FIRST = {TestToken.CHALLENGE: 8}
"""What is paid with as well in a third of all schedules, where banks are asked first."""

ANSWERS = {Kind.ANSWER: 6, Kind.NOTIFY: 4}
"""Likewise what happens then."""

PROLOGUES = (
    (),
    (),
    (Kind.CHECK_OUT,),
    (Kind.CHECK_OUT, Kind.PAY),
    (Kind.CHECK_OUT, Kind.PAY, Kind.CANCEL),
    (Kind.CHECK_OUT, Kind.PAY, Kind.DELIVER, Kind.CANCEL),
    (Kind.CHECK_OUT, Kind.PAY, Kind.DELIVER, Kind.CANCEL, Kind.DELIVER),
)

_PAID = (Kind.CHECK_OUT, Kind.PAY, Kind.WAIT)

PAID_PROLOGUES = (
    (),
    (*_PAID, Kind.CANCEL, Kind.SHIP),
    (*_PAID, Kind.SHIP),
    (*_PAID, Kind.SHIP, Kind.COME_BACK),
    (*_PAID, Kind.SHIP, Kind.HAND_OVER),
    (*_PAID, Kind.SHIP, Kind.HAND_OVER, Kind.WAIT, Kind.SEND_BACK, Kind.SEND_BACK),
    (*_PAID, Kind.SHIP, Kind.HAND_OVER, Kind.SEND_BACK, Kind.RECEIVE),
    (*_PAID, Kind.SHIP, Kind.HAND_OVER, Kind.WAIT, Kind.SEND_BACK, Kind.RECEIVE, Kind.WAIT, Kind.PAY_BACK),
    (Kind.CHECK_OUT, Kind.WAIT, Kind.PAY, Kind.SHIP, Kind.HAND_OVER, Kind.SEND_BACK, Kind.RECEIVE),
)
"""Some faults matter only late in an order's life, to which few orders come through all the others. A delivery is one
to the sick consumer, who alone is interrupted in a prologue; by a wait, it gets everything."""

OF_THE_BANK = frozenset({Kind.DISPUTE, Kind.DECIDE, Kind.BOUNCE})
"""What a bank does after the order, to what it has charged or given back."""

OF_AN_ORDER = frozenset({Kind.PAY, Kind.CANCEL, *AFTER_THE_ORDER}) - OF_THE_BANK
"""The kinds of steps about an order that was placed."""

POINTS = (1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 6, 7, 7, 8, 9)
"""Where a function is interrupted; only the worker passes more than six points."""

RELAY_POINTS = (1, 1, 2, 2, 3)
"""Likewise for the relay, which passes two for each call to the bus."""

RELAY_BREAKS = (2, 2, 3, 0, 3, 3)
"""Weights of the kinds of its interruptions."""


@dataclass(frozen=True)
class Workload:
    """What tends to happen in one schedule. It differs from schedule to schedule: where everything happens equally
    often, what needs three rare things in a row hardly ever happens.

    Attributes:
        chance: the source of everything random.
        length: how many steps are tried.
        prologue: what everybody does before anything random happens; but for the sick consumer, without faults.
        kinds: weights of the kinds of steps.
        waits: one of WAITS.
        means: weights of the means of payment.
        trouble: how often a function is interrupted.
        breaks: weights of the kinds of interruption.
        sick: a queue whose consumer is interrupted most of the time.
        down: as in Schedule; now and then it works after all.
    """

    chance: random.Random
    length: int
    prologue: tuple[Kind, ...]
    kinds: dict[Kind, float]
    waits: dict[timedelta, int]
    means: dict[str, float]
    trouble: float
    breaks: tuple[int, ...]
    sick: str | None
    down: str | None

    @classmethod
    def of(cls, chance: random.Random) -> "Workload":
        new, paid = (LIKELY, PROLOGUES), (LIKELY | AFTER_THE_ORDER, PAID_PROLOGUES)
        likely, prologues = chance.choice((new, new, paid))
        means = dict(MEANS)
        if chance.random() < 1 / 3:
            likely, means = likely | ANSWERS, means | ASKED_FIRST
        return cls(
            chance,
            chance.choice((20, 50, 80, 120)),
            chance.choice(prologues),
            {kind: weight * chance.choice((0.3, 1, 1, 2)) for kind, weight in likely.items()},
            chance.choice(WAITS),
            {name: weight * chance.choice((0.2, 1, 1, 3)) for name, weight in means.items()},
            chance.choice((0, 0.1, 0.25, 0.4)),
            chance.choice(
                ((6, 3, 3, 1, 1, 1), (20, 2, 2, 1, 1, 1), (2, 6, 2, 1, 0, 0), (2, 2, 6, 3, 2, 2), (1, 1, 1, 9, 0, 0))
            ),
            # Where money moves, most can go wrong.
            chance.choice((None, WORKER, WORKER, *CONSUMERS)),
            chance.choice((None, None, None, None, *CONSUMERS)),
        )

    def shop(self) -> Schedule:
        """What there is and who wants it. Few of everything: that is where orders meet."""
        chance = self.chance
        baskets = {
            f"ord_{number}": Basket(
                tuple(
                    (product, chance.choice((1, 1, 2)))
                    for product in chance.sample(PRODUCTS, chance.choice((1, 1, 1, 2)))
                ),
                cod=chance.random() < 0.25,
                # Now and then two orders are placed from one cart.
                shopper=f"user-{chance.choice((1, number, number))}",
            )
            for number in range(1, chance.choice((1, 1, 1, 2, 2, 3)) + 1)
        }
        received = {product: chance.choice((1, 2, 2, 3, 4, 9)) for product in PRODUCTS}
        return Schedule(received, baskets, self.down, chance.randrange(2**16))

    def steps(self, world: World) -> Iterator[Step]:
        """One thing after the other, each thought of when the one before has happened."""
        for prologue in self.prologue:
            if prologue is Kind.DELIVER:
                names = world.ready(self.sick)[:BATCH] if self.sick else ()
                yield from [Step(prologue, (name,), self._interruption(1)) for name in names]
                continue
            if prologue is Kind.WAIT:
                yield from self._smoothly(world, but_for=None)
                continue
            for order_id in world.schedule.baskets:
                if prologue is Kind.CHECK_OUT:
                    yield Step(Kind.FILL, (order_id,))
                # What is to be shipped has to be paid for first.
                means = self.chance.choice(PAYING) if Kind.SHIP in self.prologue else None
                if words := self._words(prologue, order_id, world, means):
                    yield Step(prologue, words)
            yield from self._smoothly(world, but_for=self.sick)
        yield from filter(None, (self._step(world) for _ in range(self.length)))

    def _smoothly(self, world: World, but_for: str | None) -> Iterator[Step]:
        """Everything arrives that can, but for what one consumer gets."""
        while True:
            yield from [Step(Kind.RELAY, tuple(rows)) for rows in [world.pending()] if rows]
            deliveries = [tuple(world.ready(queue)[:BATCH]) for queue in world.queues if queue != but_for]
            if not any(deliveries):
                return
            yield from (Step(Kind.DELIVER, names) for names in deliveries if names)

    def _step(self, world: World) -> Step | None:
        """Something that could happen now; None where what came to mind cannot."""
        chance = self.chance
        kind = chance.choices(tuple(self.kinds), tuple(self.kinds.values()))[0]
        match kind:
            case Kind.DELIVER:
                return self._delivery(world)
            case Kind.RELAY:
                pending = world.pending()
                rows = tuple(chance.sample(pending, chance.choice((1, len(pending))))) if pending else ()
                return Step(kind, rows, self._interruption(self.trouble, RELAY_POINTS, RELAY_BREAKS)) if rows else None
            case Kind.CHECK_OUT:
                placed = world.orders.items
                # And now and then one that is there already: the same click twice.
                on = [key for key in world.schedule.baskets if key not in placed or chance.random() < 0.1]
                if on:
                    return self._checkout(world, chance.choice(on))
            case Kind.CHANGE:
                order_id, product = chance.choice(list(world.schedule.baskets)), chance.choice(PRODUCTS)
                units = str(chance.choice((1, 2, 3)))
                return Step(kind, (order_id, product, units), self._interruption(self.trouble))
            case Kind.STOCK:
                return Step(kind, self._what_staff_find(), self._interruption(self.trouble))
            case Kind.CLEAR:
                on = list(world.schedule.baskets)
            case Kind.RESUME:
                on = list(world.paused)
            case _ if kind in OF_AN_ORDER:
                orders = list(world.orders.items)
                words = self._words(kind, chance.choice(orders), world) if orders else None
                return Step(kind, words, self._interruption(self.trouble)) if words else None
            case Kind.WAIT:
                time = chance.choices(tuple(self.waits), tuple(self.waits.values()))[0]
                return Step(kind, (str(int(time.total_seconds())),))
            case Kind.REPLAY:
                return self._replay(world)
            case Kind.REDRIVE:
                on = [message.name for message in world.dead]
            case Kind.LAND:
                on = list(world.gateway.underway)
            case Kind.ANSWER:
                if world.shown:
                    answer = chance.choice(("yes", "yes", "no"))
                    return Step(kind, (chance.choice(sorted(world.shown)), answer))
                return None
            case Kind.DISPUTE:
                on = [attempt.reference for attempt in world.gateway.attempts if attempt.kept]
            case Kind.DECIDE:
                disputed = [attempt.reference for attempt in world.gateway.attempts if attempt.disputed]
                return Step(kind, (chance.choice(disputed), chance.choice(("WON", "LOST")))) if disputed else None
            case Kind.BOUNCE:
                on = [refund.key for refund in world.gateway.refunds]
            case Kind.TURN:
                on = [attempt.reference for attempt in world.gateway.attempts]
            case Kind.NOTIFY:
                on = world.gateway.news
            case Kind.GARBLE:
                on = world.pending()
            case Kind.REPUBLISH:
                on = list(world.bus.parked)
        return Step(kind, (chance.choice(on),), self._interruption(self.trouble)) if on else None

    def _checkout(self, world: World, order_id: str) -> Step:
        """Who has nothing in the cart fills it first; and once in a while orders an empty one."""
        empty = not world.cart_of(order_id)["items"] and order_id not in world.orders.items
        kind = Kind.FILL if empty and self.chance.random() < 0.95 else Kind.CHECK_OUT
        return Step(kind, (order_id,), self._interruption(self.trouble))

    def _words(self, kind: Kind, order_id: str, world: World, means: str | None = None) -> tuple[str, ...] | None:
        """What a step says that is about an order; None where there is nothing to say."""
        chance = self.chance
        match kind:
            case Kind.PAY:
                return order_id, means or self._means()
            case Kind.SHIP:
                return order_id, chance.choice(("number-1", "number-1", "number-2"))
            case Kind.HAND_OVER:
                return order_id, chance.choice(tuple(Cash))
            case Kind.COME_BACK:
                return order_id, chance.choice((Shape.WHOLE, Shape.HALF, Shape.BROKEN))
            case Kind.SEND_BACK:
                return self._what_is_sent_back(order_id, world)
            case Kind.WITHDRAW | Kind.RECEIVE | Kind.REFUSE:
                shipment = world.shipment_of(order_id)
                known = [each.return_id for each in shipment.returns] if shipment else []
                known += [each["returnId"] for each in world.orders.items.get(order_id, {}).get("returns", ())]
                if not known:
                    return None
                return_id = chance.choice(known)
                return (
                    (order_id, return_id, chance.choice(tuple(Shape)))
                    if kind is Kind.RECEIVE
                    else (order_id, return_id)
                )
            case Kind.PAY_BACK:
                payment = world.payments.items.get(payment_id_of(order_id), {})
                refunds = [refund["refundId"] for refund in payment.get("refunds", ())]
                return (order_id, chance.choice(refunds)) if refunds else None
            case _:
                return (order_id,)

    def _what_is_sent_back(self, order_id: str, world: World) -> tuple[str, ...] | None:
        """One piece, or all of a line, or all lines; now and then the same return again."""
        order = world.orders.items.get(order_id)
        if order is None or (order["status"] != OrderStatus.DELIVERED and self.chance.random() < 0.9):
            return None
        items = [(item["productId"], int(item["quantity"])) for item in order["items"]]
        lines = items if self.chance.random() < 0.3 else [self.chance.choice(items)]
        words = [word for product, units in lines for word in (product, str(self.chance.choice((1, units))))]
        return order_id, f"ret_{order_id}_{self.chance.choice('abc')}", *words

    def _what_staff_find(self) -> tuple[str, ...]:
        """More or fewer of a product than there were; now and then the same request again."""
        product, units = self.chance.choice(PRODUCTS), self.chance.choice((1, 1, 2))
        kind = self.chance.choice((MovementKind.RECEIPT, MovementKind.COUNT, MovementKind.COUNT, MovementKind.DAMAGE))
        less = kind is MovementKind.DAMAGE or (kind is MovementKind.COUNT and self.chance.random() < 0.5)
        # The key says what is done: another request has another one.
        return product, kind, str(-units if less else units), self.chance.choice("abc")

    def _means(self) -> str:
        return self.chance.choices(tuple(self.means), tuple(self.means.values()))[0]

    def _delivery(self, world: World) -> Step | None:
        queues = [queue for queue in world.queues if world.ready(queue)]
        if not queues:
            return None
        queue = self.chance.choice(queues)
        if queue == self.down and self.chance.random() < 0.9:
            return None
        ready = world.ready(queue)
        size = min(self.chance.choice((1, 1, 2, BATCH)), len(ready))
        names = tuple(self.chance.sample(ready, size))
        return Step(Kind.DELIVER, names, self._interruption(0.7 if queue == self.sick else self.trouble))

    def _replay(self, world: World) -> Step | None:
        """To the sick consumer above all."""
        only = self.sick if self.chance.random() < 0.5 else None
        again = [
            (event_id, queue)
            for event_id in world.archive
            for queue in world.targets(event_id)
            if only in (None, queue)
        ]
        return Step(Kind.REPLAY, self.chance.choice(again)) if again else None

    def _interruption(
        self, trouble: float, points: Sequence[int] = POINTS, breaks: Sequence[int] | None = None
    ) -> Interruption | None:
        if self.chance.random() >= trouble:
            return None
        kind = self.chance.choices(tuple(Break), breaks or self.breaks)[0]
        return Interruption(self.chance.choice(points), kind)
