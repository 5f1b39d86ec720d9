"""The shop in one process: its functions run as greenlets that stop wherever they talk to somebody else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from typing import Any

from greenlet import greenlet

from cloudretail.consumer import MAX_RECEIVES, Delivery, Reaction, one_by_one
from cloudretail.decider import Decision
from cloudretail.envelope import Cause, parse
from cloudretail.errors import Conflict, LostRace, Transient
from cloudretail.events import EventData, InventoryReserved, PaymentMethod
from cloudretail.money import Money
from cloudretail.outbox import due
from cloudretail.repository import transact
from inventory import reactions as inventory
from inventory.domain import TAKEN
from orders import domain as ordering
from orders import reactions as orders
from orders.domain import ANSWERED, Cart, CartLine, Checkout, Listed, Order, ShippingAddress
from orders.store import ORDERS
from payments import domain as paying
from payments import reactions as payments
from payments import worker
from payments.domain import LEARNED, ChooseMethod, Payment, payment_id_of
from payments.providers import CashOnDelivery, ProviderTimeout, ProviderUnavailable
from payments.store import PAYMENTS, PayableOrder
from payments.worker import WORKED
from tests.simulation.gateway import Gateway, Late
from tests.simulation.schedule import Basket, Break, Interruption, Kind, Schedule, Step, Violation
from tests.simulation.wiring import wiring
from tests.support.repositories import InMemoryRepository
from tests.support.stock import InMemoryStock

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
TIMEOUT = timedelta(seconds=10)
"""Of a function: it does not outlive it."""
UNDERWAY = timedelta(minutes=1)
"""How long a request to the gateway may be on its way."""
WINDOW = next(queue.delay for queue in wiring().queues if queue.handler == "payments.reactions.window_handler")
PRICE = Money(amount=1000, currency="SGD")

UNHEARD = frozenset({"notifications.reactions.handler"})
"""The handlers whose messages nobody takes here: they move neither money nor goods."""

_parse = lru_cache(maxsize=20_000)(parse)


@dataclass(eq=False)
class Message:
    """A message in a queue.

    Attributes:
        name: queue, event id and the how-manieth message of it in the queue this is.
        document: the event.
        ready: when it may be delivered first.
        receives: how often it was delivered.
    """

    name: str
    queue: str
    document: str
    ready: datetime
    receives: int = 0


class Crash(BaseException):
    """A function's process is gone."""


class Invocation:
    """A running function.

    Args:
        name: under which a step resumes it.
        body: what it does.
        deadline: when its process is ended.
    """

    def __init__(self, name: str, body: Callable[[], None], deadline: datetime) -> None:
        self.name = name
        self.deadline = deadline
        self.interruption: Interruption | None = None
        self.passed = 0
        self.greenlet = greenlet(body)


@dataclass
class World:
    """The state of everything, and the steps that change it.

    Args:
        schedule: what there is to buy and who wants what; its steps are for whoever calls `do`.
        trace: gets a line for everything that happens; None for silence.
    """

    schedule: Schedule
    trace: list[str] | None = None
    now: datetime = BEGINNING
    archive: dict[str, str] = field(default_factory=dict)
    """Every event ever published, by id."""
    happened: set[str] = field(default_factory=set)
    """What the run has come across: states, events and breaks; tells whether schedules are worth their time."""

    def __post_init__(self) -> None:
        self.stock = InMemoryStock(self.schedule.received, partial(self._pass, "inventory"))
        self.orders: InMemoryRepository[Order] = InMemoryRepository(ORDERS, partial(self._pass, "orders"))
        self.payments: InMemoryRepository[Payment] = InMemoryRepository(PAYMENTS, partial(self._pass, "payments"))
        self.gateway = Gateway(partial(self._pass, "gateway"), lambda: self.now)
        self.queues: dict[str, list[Message]] = {
            queue.name: [] for queue in wiring().queues if queue.handler not in UNHEARD
        }
        self.dead: list[Message] = []
        self.shards: dict[str, list[dict[str, Any]]] = {}
        self.paused: dict[str, Invocation] = {}
        self._relayed: list[int] = [0, 0, 0]
        self._copies: dict[str, int] = {}
        self._requests = 0
        self._running: Invocation | None = None

    # --- steps ------------------------------------------------------------------------------------------------------

    def do(self, step: Step) -> bool:
        """Take a step; False where it cannot be taken."""
        if self.trace is not None:
            self.trace.append(str(step))
        match step.kind, step.on:
            case Kind.CHECK_OUT, (order_id,):
                return self._request(partial(self._check_out, order_id), step)
            case Kind.PAY, (order_id, means):
                return self._request(partial(self._pay, order_id, means), step)
            case Kind.CANCEL, (order_id,):
                return self._request(partial(self._cancel, order_id), step)
            case Kind.DELIVER, names:
                return self._deliver(names, step.interruption)
            case Kind.RELAY, (shard,):
                return self._relay(shard, step.interruption)
            case Kind.RESUME, (name,):
                return self._resume(name, step.interruption)
            case Kind.WAIT, (seconds,):
                return self._wait(timedelta(seconds=int(seconds)))
            case Kind.REPLAY, (event_id, queue):
                return self.replay(event_id, queue)
            case Kind.REDRIVE, (name,):
                return self._redrive(name)
            case Kind.LAND, (key,) if key in self.gateway.underway:
                self.gateway.land(key)
                return True
            case _:
                return False

    def ready(self, queue: str) -> list[Message]:
        """The messages of a queue that can be delivered now."""
        return [message for message in self.queues[queue] if message.ready <= self.now]

    def targets(self, event_id: str) -> tuple[str, ...]:
        """The queues that get an event."""
        return _targets(_parse(self.archive[event_id]).data.event_type.type, self.archive[event_id])

    def pending(self) -> list[str]:
        """The shards with images that the relay has not acknowledged."""
        self._stream()
        return [shard for shard, images in self.shards.items() if images]

    def drain(self) -> None:
        """No more faults: everything that was begun ends, everything that was sent arrives.

        Raises:
            Violation: it never ends, or a message stays.
        """
        for name in list(self.paused):
            self._resume(name, None)
        for key in list(self.gateway.underway):
            self.gateway.land(key)
        deliveries, redrives = 0, 0
        while True:
            for shard in self.pending():
                self._relay(shard, None)
            waiting = [message for queue in self.queues for message in self.ready(queue)]
            for message in waiting:
                self._deliver((message.name,), None)
            deliveries += len(waiting)
            if deliveries > 5000:
                raise Violation("the shop never comes to rest", f"{len(waiting)} messages wait")
            if waiting or self.pending():
                continue
            delayed = [message.ready for queue in self.queues.values() for message in queue]
            if delayed:
                self._wait(min(delayed) - self.now)
            elif self.dead:
                redrives += 1
                if redrives > 2:
                    raise Violation("a message stays in a dead-letter queue", self.dead[0].name)
                for message in list(self.dead):
                    self._redrive(message.name)
            else:
                return

    # --- shoppers ---------------------------------------------------------------------------------------------------

    def _request(self, body: Callable[[Cause, datetime], None], step: Step) -> bool:
        self._requests += 1
        cause = Cause(f"request-{self._requests}", _TRACEPARENT)
        now = self.now

        def answer() -> None:
            try:
                body(cause, now)
            except (Transient, Crash) as error:
                self._note(f"  {step.kind}: {error!r}")

        self._run(self._invocation(f"{step.kind} {' '.join(step.on)}", answer), step.interruption)
        return True

    def _check_out(self, order_id: str, cause: Cause, now: datetime) -> None:
        """As the orders' API does, without its cart: two requests with the same key are the same order."""
        if self.orders.load(order_id):
            return
        basket = self.schedule.baskets[order_id]
        self._pass("inventory", "load", "counters")
        available = {product: counters.available for product, counters in self.stock.counters.items()}
        try:
            change = ordering.place(
                _CHECKOUTS[basket.cod],
                _cart(basket),
                _LISTED,
                available,
                order_id=order_id,
                user_id="user-1",
                user_email="shopper@cloudretail.example",
                cause=cause.id,
                now=now,
            )
            self.orders.commit(order_id, None, change, cause, now)
        except (Conflict, LostRace) as error:
            self._note(f"  not placed: {error}")

    def _pay(self, order_id: str, means: str, cause: Cause, now: datetime) -> None:
        """As the payments' API does."""
        found = self.orders.load(order_id)
        if not found or not PayableOrder.model_validate(self.orders.items[order_id]).payable:
            return
        method = PaymentMethod.COD if means == PaymentMethod.COD else PaymentMethod.CARD
        choice = ChooseMethod(method, means if method is PaymentMethod.CARD else None)

        def answer(payment: Payment | None) -> Decision[Payment]:
            return paying.decide(payment, choice, order_id, now)

        transact(self.payments, payment_id_of(order_id), answer, cause, now)

    def _cancel(self, order_id: str, cause: Cause, now: datetime) -> None:
        """As the orders' API does."""
        if order_id not in self.orders.items:
            return

        def answer(order: Order | None) -> Decision[Order]:
            assert order, "an order is never deleted"
            return ordering.decide(order, ordering.CancelByShopper(), cause.id, now)

        transact(self.orders, order_id, answer, cause, now)

    # --- the relay, the bus, the queues -----------------------------------------------------------------------------

    def _stream(self) -> None:
        """What was written since goes to the streams, in order for each row."""
        tables = (self.orders, self.stock, self.payments)
        for index, (table, key) in enumerate(zip(tables, ("orderId", "orderId", "paymentId"), strict=True)):
            for image in table.images[self._relayed[index] :]:
                shard = f"{_TABLES[index]} {image[key]}"
                self.shards.setdefault(shard, []).append(image)
                self.happened.add(f"{_TABLES[index]} {image['status']}")
            self._relayed[index] = len(table.images)

    def _relay(self, shard: str, interruption: Interruption | None) -> bool:
        """The relay takes what a shard holds, publishes what is due and only then acknowledges it."""
        self._stream()
        name = f"relay {shard}"
        images = self.shards.get(shard)
        if not images or name in self.paused:
            return False
        batch = list(images)

        def relay() -> None:
            try:
                for image in batch:
                    for document in due(image):
                        self._pass("bus", "publish", shard)
                        self._publish(document)
                        self._pass("bus", "published", shard)
                del images[: len(batch)]
            except (Transient, Crash) as error:
                self._note(f"  relay: {error!r}")

        self._run(self._invocation(name, relay), interruption)
        return True

    def _publish(self, document: str) -> None:
        event = _parse(document)
        if self.archive.setdefault(event.id, document) != document:
            raise Violation("two events have one id", event.id)
        name = event.data.event_type.name
        self.happened.add(name)
        self._note(f"  {event.id} {name} {event.data.model_dump(mode='json', exclude_defaults=True)}")
        for queue in _targets(event.data.event_type.type, document):
            if queue in self.queues:
                self._send(event.id, queue)

    def _send(self, event_id: str, queue: str) -> None:
        nth = self._copies[f"{queue} {event_id}"] = self._copies.get(f"{queue} {event_id}", 0) + 1
        message = Message(f"{queue}/{event_id}/{nth}", queue, self.archive[event_id], self.now + _delays()[queue])
        self.queues[queue].append(message)

    def replay(self, event_id: str, queue: str) -> bool:
        """EventBridge delivers once more: a replay from the archive, or a duplicate."""
        if event_id not in self.archive:
            return False
        if queue not in self.queues:
            return False
        self._send(event_id, queue)
        return True

    def _redrive(self, name: str) -> bool:
        """A dead letter goes back to its queue; its deliveries are counted anew."""
        for message in self.dead:
            if message.name == name:
                self.dead.remove(message)
                message.receives = 0
                self.queues[message.queue].append(message)
                return True
        return False

    def _deliver(self, names: Sequence[str], interruption: Interruption | None) -> bool:
        """A function gets those of these messages, all of one queue, that are there; what it settles is deleted."""
        batch = []
        queue = names[0].partition("/")[0]
        for message in [message for message in self.ready(queue) if message.name in names]:
            if message.receives == MAX_RECEIVES:
                self.queues[queue].remove(message)
                self.dead.append(message)
                self.happened.add("dead letter")
            else:
                message.receives += 1
                batch.append(message)
        if not batch:
            return False
        now = self.now

        def consume() -> None:
            takes, react = self._consumer(queue, now)
            deliveries = [Delivery(_parse(message.document), message.receives) for message in batch]
            for delivery in deliveries:
                if type(delivery.event.data) not in takes:
                    raise Violation("a queue gets an event that its consumer does not take", delivery.event.id)
            try:
                outcomes = react(deliveries)
            except Crash as error:
                self._note(f"  {queue}: {error!r}")
                return
            for message, outcome in zip(batch, outcomes, strict=True):
                if outcome is None:
                    if message in self.queues[queue]:
                        self.queues[queue].remove(message)
                elif isinstance(outcome, Transient):
                    self._note(f"  {message.name}: {outcome!r}")
                else:
                    raise Violation("a message is poisoned", f"{message.name}: {outcome!r}")

        self._run(self._invocation(f"deliver {names[0]}", consume), interruption)
        return True

    def _consumer(self, queue: str, now: datetime) -> tuple[Sequence[type[EventData]], Reaction]:
        """What the function behind a queue takes, and its reaction on this world's stores."""
        match _handlers()[queue]:
            case "orders.reactions.handler":
                return ANSWERED, one_by_one(lambda delivery: orders.react(self.orders, delivery, now))
            case "inventory.reactions.handler":
                return TAKEN, lambda deliveries: inventory.Batch(self.stock, WINDOW, now).settle(deliveries)
            case "payments.reactions.handler":
                return LEARNED, one_by_one(lambda delivery: payments.learn(self.payments, delivery.event, now))
            case "payments.reactions.window_handler":
                return (InventoryReserved,), one_by_one(
                    lambda delivery: payments.close_window(self.payments, delivery.event, now)
                )
            case "payments.worker.handler":
                providers: worker.Providers = {
                    PaymentMethod.COD: CashOnDelivery(),
                    PaymentMethod.CARD: self.gateway,
                }
                return WORKED, one_by_one(lambda delivery: worker.work(self.payments, providers, delivery, now))
            case handler:
                raise AssertionError(f"{handler} consumes {queue}: the simulation does not know it yet")

    # --- functions and time -----------------------------------------------------------------------------------------

    def _invocation(self, name: str, body: Callable[[], None]) -> Invocation:
        """A function that may run beside others that do the same."""
        while name in self.paused:
            name += "'"
        return Invocation(name, body, self.now + TIMEOUT)

    def _run(self, invocation: Invocation, interruption: Interruption | None) -> None:
        """Let a function go on until it ends or pauses."""
        invocation.interruption = interruption
        invocation.passed = 0
        self.paused.pop(invocation.name, None)
        self._running = invocation
        try:
            invocation.greenlet.switch()
        finally:
            self._running = None
        if not invocation.greenlet.dead:
            self.paused[invocation.name] = invocation

    def _resume(self, name: str, interruption: Interruption | None) -> bool:
        if name not in self.paused:
            return False
        self._run(self.paused[name], interruption)
        return True

    def _pass(self, whom: str, point: str, key: str) -> None:
        """Called wherever a function talks to somebody else: before and after."""
        invocation = self._running
        if invocation is None:
            return
        if whom == "inventory" and point == "committed":
            self._require_sound_stock()
        invocation.passed += 1
        self._note(f"  {invocation.name}: {point} {whom} {key}")
        chosen = invocation.interruption
        if chosen is None or chosen.point != invocation.passed:
            return
        self.happened.add(f"{chosen.kind} at {point}")
        match chosen.kind, point:
            case Break.PAUSE, _:
                crash = greenlet.getcurrent().parent.switch()  # type: ignore[union-attr]
                if crash:
                    raise Crash("timed out")
            case Break.CRASH, _:
                raise Crash
            case Break.LATE, "charge":
                raise Late
            case (Break.FAIL | Break.LATE), "committed":
                # The SDK tries again what got no answer, and finds its own write.
                raise LostRace(f"{whom} {key}")
            case (Break.FAIL | Break.LATE), ("charged" | "refunded"):
                raise ProviderTimeout("no answer in time")
            case (Break.FAIL | Break.LATE), ("charge" | "find" | "refund"):
                raise ProviderUnavailable("unavailable")
            case (Break.FAIL | Break.LATE), _:
                raise Transient(f"{whom} is busy")

    def _wait(self, time: timedelta) -> bool:
        """Time passes, and ends what may not last as long."""
        self.now += time
        for name, invocation in list(self.paused.items()):
            if invocation.deadline < self.now:
                del self.paused[name]
                invocation.greenlet.switch(True)
        if time >= UNDERWAY:
            for key in list(self.gateway.underway):
                self.gateway.land(key)
        return True

    def _require_sound_stock(self) -> None:
        for product, counters in self.stock.counters.items():
            if counters.negative:
                raise Violation("a stock counter is negative", f"{product}: {counters}")
            if not counters.conserved:
                raise Violation("stock is not conserved", f"{product}: {counters}")

    def _note(self, line: str) -> None:
        if self.trace is not None:
            self.trace.append(line)


_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_TABLES = ("orders", "inventory", "payments")
_ADDRESS = ShippingAddress(name="A Shopper", line1="1 Some Street", city="Singapore", postal_code="018956", country="SG")
_CHECKOUTS = {
    cod: Checkout(
        shipping_address=_ADDRESS, cart_version=1, payment_method=ordering.PaymentChoice.COD if cod else None
    )
    for cod in (False, True)
}
PRODUCTS = ("backpack", "lamp", "mug")
_LISTED = {product: Listed(product_id=product, name=product.capitalize(), price=PRICE) for product in PRODUCTS}


@cache
def _cart(basket: Basket) -> Cart:
    lines = tuple(CartLine(product_id=product, quantity=units, unit_price=PRICE) for product, units in basket.lines)
    return Cart(items=lines, version=1)


@cache
def _handlers() -> dict[str, str]:
    return {queue.name: queue.handler for queue in wiring().queues}


@cache
def _delays() -> dict[str, timedelta]:
    return {queue.name: queue.delay for queue in wiring().queues}


_targets_by_type: dict[str, tuple[str, ...]] = {}


def _targets(type_: str, document: str) -> tuple[str, ...]:
    """The wiring's answer, asked once for each type: rules see nothing else of an event."""
    if type_ not in _targets_by_type:
        _targets_by_type[type_] = wiring().targets(document)
    return _targets_by_type[type_]
