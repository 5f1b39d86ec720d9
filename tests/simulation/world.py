"""The shop in one process: its functions run as greenlets that stop wherever they talk to somebody else."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from importlib import import_module
from typing import Any

from greenlet import greenlet

from cloudretail.consumer import Consumer, Delivery, Outcome
from cloudretail.decider import Decision
from cloudretail.envelope import Cause
from cloudretail.errors import Conflict, LostRace, Transient
from cloudretail.money import Money
from cloudretail.outbox import due
from cloudretail.repository import transact
from contract import parse
from contract.payments import PaymentSubmitted
from contract.values import PaymentMethod
from inventory import reactions as inventory
from orders import domain as ordering
from orders.domain import CancelByShopper, Cart, CartLine, Checkout, Listed, Order, ShippingAddress
from orders.store import ORDERS
from payments import domain as paying
from payments import reactions as payments
from payments import worker
from payments.domain import ChargeAccepted, ChooseMethod, Payment, payment_id_of
from payments.providers import SANDBOX, ProviderTimeout, ProviderUnavailable
from payments.store import PAYMENTS, PayableOrder
from payments.worker import Gateways
from tests.simulation.gateway import Gateway, Late
from tests.simulation.schedule import Basket, Break, Interruption, Kind, Schedule, Step, Violation
from tests.simulation.wiring import Queue, wiring
from tests.support.repositories import InMemoryRepository
from tests.support.stock import InMemoryStock

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

TIMEOUT = timedelta(seconds=10)
"""Of a function: it does not outlive it."""

UNDERWAY = timedelta(minutes=1)
"""How long a request to the gateway may be on its way."""

GIVEN_UP = 5
"""Deliveries after which a message is a dead letter: far sooner than a consumer gives up, so that some are."""

BATCH = 10
"""Messages that a function gets at a time, at the most."""

UNHEARD = frozenset({"notifications.reactions.handler"})
"""The handlers whose messages nobody takes here: they move neither money nor goods."""

CONSUMERS = {queue.name: queue for queue in wiring().queues if queue.handler not in UNHEARD}
"""The queues of this world."""


def queue_of(handler: str) -> Queue:
    """The queue that a function empties."""
    return next(queue for queue in CONSUMERS.values() if queue.handler == handler)


WINDOW = queue_of("payments.window.handler").delay
"""How long stock is held for a payment."""

PRODUCTS = ("backpack", "lamp", "mug")

read = lru_cache(maxsize=20_000)(parse)
"""The event of a document; the same one arrives many times."""


@dataclass(eq=False)
class Message:
    """A message in a queue.

    Attributes:
        name: queue, event id and the how-manieth message of it in the queue this is.
        queue: where it is, or was before it became a dead letter.
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
        unwanted: payments that nobody wanted any more when it began, and why: it can have known.
    """

    def __init__(self, name: str, body: Callable[[], None], deadline: datetime, unwanted: Mapping[str, str]) -> None:
        self.name = name
        self.deadline = deadline
        self.unwanted = unwanted
        self.interruption: Interruption | None = None
        self.passed = 0
        self.greenlet = greenlet(body)


@dataclass
class World:
    """The state of everything, and the steps that change it.

    Attributes:
        schedule: what there is to buy and who wants what; taking its steps is left to whoever calls `do`.
        trace: gets a line for everything that happens; None for silence.
        now: the time.
        archive: every event ever published, by id.
        streams: by row, its images that the relay has not acknowledged, in order.
        queues: messages by queue.
        dead: what was delivered too often.
        paused: functions that have stopped on the way, by name.
        order: of what arrives when the faults have ended.
        happened: states, events and breaks that the run came across, which tell whether schedules are worth their time.
    """

    schedule: Schedule
    trace: list[str] | None = None
    now: datetime = BEGINNING
    archive: dict[str, str] = field(default_factory=dict)
    streams: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    queues: dict[str, list[Message]] = field(default_factory=lambda: {queue: [] for queue in CONSUMERS})
    dead: list[Message] = field(default_factory=list)
    paused: dict[str, Invocation] = field(default_factory=dict)
    happened: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.orders: InMemoryRepository[Order] = InMemoryRepository(ORDERS, partial(self._pass, "orders"))
        self.stock = InMemoryStock(self.schedule.received, partial(self._pass, "inventory"))
        self.payments: InMemoryRepository[Payment] = InMemoryRepository(PAYMENTS, partial(self._pass, "payments"))
        self.gateway = Gateway(partial(self._pass, "gateway"), lambda: self.now)
        self._gateways = Gateways(SANDBOX, {SANDBOX: self.gateway})
        self.order = random.Random(self.schedule.order)
        self._copies: dict[str, int] = {}
        self._requests = 0
        self._running: Invocation | None = None

    # --- steps ------------------------------------------------------------------------------------------------------

    def do(self, step: Step) -> None:
        """Take a step; one that cannot be taken does nothing."""
        if self.trace is not None:
            self.trace.append(str(step))
        match step.kind, step.on:
            case Kind.CHECK_OUT, (order_id,) if order_id in self.schedule.baskets:
                self._request(partial(self._check_out, order_id), step)
            case Kind.PAY, (order_id, means):
                self._request(partial(self._pay, order_id, means), step)
            case Kind.CANCEL, (order_id,):
                self._request(partial(self._cancel, order_id), step)
            case Kind.DELIVER, _:
                self._deliver(step)
            case Kind.RELAY, _:
                self._relay(step)
            case Kind.RESUME, (name,) if name in self.paused:
                self._run(self.paused.pop(name), step.interruption)
            case Kind.WAIT, (seconds,):
                self._wait(timedelta(seconds=int(seconds)))
            case Kind.REPLAY, (event_id, queue) if event_id in self.archive:
                self._send(event_id, queue)
            case Kind.REDRIVE, (name,):
                self._redrive(name)
            case Kind.LAND, (request,) if request in self.gateway.underway:
                self.gateway.land(request)
            case Kind.TURN, (reference,) if reference in {attempt.reference for attempt in self.gateway.attempts}:
                self.gateway.turn(reference)
            case Kind.TELL, (reference,) if reference in self.gateway.news:
                self._request(partial(self._tell, reference), step)

    def ready(self, queue: str) -> list[str]:
        """The names of the messages of a queue that can be delivered now."""
        return [message.name for message in self.queues[queue] if message.ready <= self.now]

    def targets(self, event_id: str) -> tuple[str, ...]:
        """The queues of this world that get an event."""
        document = self.archive[event_id]
        return _targets(read(document).data.event_type.type, document)

    def pending(self) -> list[str]:
        """The rows with images that the relay has not acknowledged."""
        self._stream()
        return [row for row, images in self.streams.items() if images]

    def drain(self) -> None:
        """No more faults: everything that was begun ends, everything that was sent arrives.

        Raises:
            Violation: it never ends, or a message stays.
        """
        for name in list(self.paused):
            self.do(Step(Kind.RESUME, (name,)))
        for request in list(self.gateway.underway):
            self.do(Step(Kind.LAND, (request,)))
        for reference in list(self.gateway.news):
            self.do(Step(Kind.TELL, (reference,)))
        self._empty([queue for queue in self.queues if queue != self.schedule.down])
        self._empty(list(self.queues))
        for _ in range(2):
            for message in list(self.dead):
                self.do(Step(Kind.REDRIVE, (message.name,)))
            self._empty(list(self.queues))
        if self.dead:
            raise Violation("a message stays in a dead-letter queue", self.dead[0].name)

    def note(self, line: str) -> None:
        """Add to the trace."""
        if self.trace is not None:
            self.trace.append(line)

    def _empty(self, queues: Sequence[str]) -> None:
        """Relay, deliver and wait until nothing is left in these queues."""
        for _ in range(1000):
            pending = self.pending()
            if pending:
                self.do(Step(Kind.RELAY, tuple(pending)))
            ready = [names for queue in queues if (names := self.ready(queue))]
            for names in ready:
                self.do(Step(Kind.DELIVER, tuple(self.order.sample(names, min(BATCH, len(names))))))
            if not ready and not self.pending():
                delayed = [message.ready for queue in queues for message in self.queues[queue]]
                if not delayed:
                    return
                self.do(Step(Kind.WAIT, (str((min(delayed) - self.now) // timedelta(seconds=1)),)))
        raise Violation("the shop never comes to rest", f"{[name for name in queues if self.queues[name]]} fill up")

    # --- shoppers ---------------------------------------------------------------------------------------------------

    def _request(self, body: Callable[[Cause, datetime], None], step: Step) -> None:
        self._requests += 1
        cause, now = Cause(f"request-{self._requests}", _TRACEPARENT), self.now

        def answer() -> None:
            try:
                body(cause, now)
            except (Conflict, LostRace, Transient, Crash) as error:
                self.note(f"    {error!r}")
            except Exception as error:
                raise Violation("a request breaks down", f"{step}: {error!r}") from error

        self._start(f"{step.kind} {' '.join(step.on)}", answer, step.interruption)

    def _check_out(self, order_id: str, cause: Cause, now: datetime) -> None:
        """As the orders' API does, without its cart: two requests with the same key are the same order."""
        if self.orders.load(order_id):
            return
        basket = self.schedule.baskets[order_id]
        self._pass("inventory", "load", "counters")
        change = ordering.place(
            _CHECKOUTS[basket.cod],
            _cart(basket),
            _LISTED,
            {product: counters.available for product, counters in self.stock.counters.items()},
            order_id=order_id,
            user_id="user-1",
            user_email="shopper@cloudretail.example",
            cause=cause.id,
            now=now,
        )
        self.orders.commit(order_id, None, change, cause, now)

    def _pay(self, order_id: str, means: str, cause: Cause, now: datetime) -> None:
        """As the payments' API does."""
        if not self.orders.load(order_id) or not PayableOrder.model_validate(self.orders.items[order_id]).payable:
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
            return ordering.decide(order, CancelByShopper(), cause.id, now)

        transact(self.orders, order_id, answer, cause, now)

    def _tell(self, reference: str, cause: Cause, now: datetime) -> None:
        """The gateway tells, until it is heard, that it has taken the money of an attempt after all."""
        key = reference.partition("/")[0]
        events = [read(document) for document in self.archive.values()]
        submitted = next(
            event
            for event in events
            if isinstance(event.data, PaymentSubmitted) and f"{event.data.payment_id}:{event.data.attempt}" == key
        )
        attempt = int(key.rpartition(":")[2])
        payments.apply(self.payments, submitted, ChargeAccepted(attempt, SANDBOX, reference), now)
        self.happened.add("the gateway turns")
        self.gateway.news = [news for news in self.gateway.news if news != reference]

    # --- the relay, the bus, the queues -----------------------------------------------------------------------------

    def _stream(self) -> None:
        """What was written since goes to the streams."""
        tables = (
            ("orders", "orderId", self.orders.images),
            ("inventory", "orderId", self.stock.images),
            ("payments", "paymentId", self.payments.images),
        )
        for table, key, images in tables:
            for image in images:
                self.happened.add(f"{table} {image['status']}")
                if due(image):  # Of any other the relay makes nothing.
                    self.streams.setdefault(f"{table} {image[key]}", []).append(image)
            images.clear()

    def _relay(self, step: Step) -> None:
        """The relay takes what the streams of these rows hold, publishes what is due, and only then acknowledges."""
        self._stream()
        batch = {row: list(self.streams[row]) for row in step.on if self.streams.get(row)}

        def relay() -> None:
            try:
                for row, images in batch.items():
                    for document in (document for image in images for document in due(image)):
                        self._pass("bus", "publish", row)
                        self._publish(document)
                        self._pass("bus", "published", row)
            except (Transient, Crash) as error:
                self.note(f"    {error!r}")
                return
            for row, images in batch.items():
                self.streams[row] = [image for image in self.streams[row] if not any(image is one for one in images)]

        if batch:
            self._start(f"relay {step.on[0]}", relay, step.interruption)

    def _publish(self, document: str) -> None:
        event = read(document)
        if self.archive.setdefault(event.id, document) != document:
            raise Violation("two events have one id", event.id)
        self.happened.add(event.data.event_type.name)
        self.note(f"    publishes {event.data.event_type.name} {event.id}")
        for queue in self.targets(event.id):
            self._send(event.id, queue)

    def _send(self, event_id: str, queue: str) -> None:
        """EventBridge puts an event into a queue, be it the first time, a duplicate or a replay."""
        nth = self._copies[f"{queue}/{event_id}"] = self._copies.get(f"{queue}/{event_id}", 0) + 1
        ready = self.now + CONSUMERS[queue].delay
        self.queues[queue].append(Message(f"{queue}/{event_id}/{nth}", queue, self.archive[event_id], ready))

    def _redrive(self, name: str) -> None:
        """A dead letter goes back to its queue; its deliveries are counted anew."""
        for message in [message for message in self.dead if message.name == name]:
            self.dead.remove(message)
            message.receives = 0
            self.queues[message.queue].append(message)

    def _deliver(self, step: Step) -> None:
        """A function gets those of these messages, all of one queue, that are there; what it settles is deleted."""
        queue = step.on[0].partition("/")[0]
        batch = []
        there = {message.name: message for message in self.queues[queue] if message.ready <= self.now}
        for message in [there[name] for name in step.on if name in there]:
            if message.receives == GIVEN_UP:
                self.queues[queue].remove(message)
                self.dead.append(message)
                self.happened.add("dead letter")
            else:
                message.receives += 1
                batch.append(message)
                self.note(f"    {read(message.document).data.event_type.name}, delivery {message.receives}")
        deliveries = [Delivery(read(message.document), message.receives) for message in batch]
        consumer, now = self._consumer(queue), self.now

        def consume() -> None:
            for delivery in deliveries:
                if type(delivery.event.data) not in consumer.subscribes_to:
                    raise Violation("a queue gets what its consumer does not take", f"{queue}: {delivery.event.id}")
            outcomes: Sequence[Outcome]
            try:
                outcomes = consumer.react(self._ports(consumer.name), deliveries, now)
            except Crash as error:
                self.note(f"    {error!r}")
                return
            except Exception as error:  # As the consumer does: then all of them have failed.
                outcomes = [error] * len(batch)
            for message, outcome in zip(batch, outcomes, strict=True):
                if not isinstance(outcome, Exception):
                    # Another delivery of it may have been faster.
                    self.queues[queue] = [one for one in self.queues[queue] if one is not message]
                elif isinstance(outcome, Transient):
                    self.note(f"    {message.name}: {outcome!r}")
                else:
                    raise Violation("a message is poisoned", f"{message.name}: {outcome!r}")

        if batch:
            self._start(f"deliver {step.on[0]}", consume, step.interruption)

    def _consumer(self, queue: str) -> Consumer[Any]:
        """The declaration of the consumer behind a queue."""
        consumer: Consumer[Any] = import_module(CONSUMERS[queue].handler.rpartition(".")[0]).CONSUMER
        return consumer

    def _ports(self, consumer: str) -> Any:
        """This world's stores, as the ports of a consumer."""
        ports: dict[str, Any] = {
            "orders": self.orders,
            "inventory": inventory.Ports(self.stock, WINDOW),
            "payments": self.payments,
            "payment-window": self.payments,
            "payment-worker": worker.Ports(self.payments, self._is_payable, self._gateways),
        }
        assert consumer in ports, f"the simulation does not know the consumer {consumer} yet"
        return ports[consumer]

    def _is_payable(self, order_id: str) -> bool:
        """As `payments.store.is_payable` does."""
        self._pass("orders", "load", order_id)
        return PayableOrder.model_validate(self.orders.items[order_id]).payable

    # --- functions and time -----------------------------------------------------------------------------------------

    def _start(self, name: str, body: Callable[[], None], interruption: Interruption | None) -> None:
        while name in self.paused:
            name += "'"
        self._run(Invocation(name, body, self.now + TIMEOUT, self._unwanted()), interruption)

    def _unwanted(self) -> dict[str, str]:
        """The payments that nobody wants any more, and why."""
        orders = {order["orderId"] for order in self.orders.items.values() if order["status"] == "CANCELLED"}
        unwanted = {}
        for payment_id, payment in self.payments.items.items():
            if payment["orderId"] in orders or payment.get("cancelled"):
                unwanted[payment_id] = "the cancellation was known"
            elif payment.get("windowClosed"):
                unwanted[payment_id] = "the window was known to be closed"
        return unwanted

    def _run(self, invocation: Invocation, interruption: Interruption | None) -> None:
        """Let a function go on until it ends or pauses."""
        invocation.interruption = interruption
        invocation.passed = 0
        self._running = invocation
        try:
            invocation.greenlet.switch()
        finally:
            self._running = None
        if not invocation.greenlet.dead:
            self.paused[invocation.name] = invocation

    def _pass(self, whom: str, point: str, key: str) -> None:
        """Called wherever a function talks to somebody else: before and after."""
        invocation = self._running
        assert invocation, "only functions talk to somebody"
        if whom == "inventory" and point == "committed":
            self._require_sound_stock()
        if whom == "gateway" and point == "confirm" and (why := invocation.unwanted.get(key.partition(":")[0])):
            raise Violation(f"charged after {why}", key)
        invocation.passed += 1
        if self.trace is not None:
            became = self._became(whom, key) if point == "committed" else ""
            self.note(f"  {invocation.passed} {point} {whom} {key}{became}")
        chosen = invocation.interruption
        if chosen and chosen.point == invocation.passed:
            self.note(f"    {chosen.kind}")
            self.happened.add(f"{chosen.kind} at {point}")
            self._break(chosen.kind, whom, point)

    def _break(self, kind: Break, whom: str, point: str) -> None:
        match kind, point:
            case Break.PAUSE, _:
                timed_out = greenlet.getcurrent().parent.switch()  # type: ignore[union-attr]
                if timed_out:
                    raise Crash("timed out")
            case Break.CRASH, _:
                raise Crash
            case Break.LATE, ("create" | "confirm" | "cancel" | "refund"):
                raise Late
            case ((Break.FAIL | Break.LATE), "committed"):
                # The SDK tries again what got no answer, and finds its own write.
                raise LostRace(whom)
            case ((Break.FAIL | Break.LATE), ("created" | "confirmed" | "cancelled" | "refunded")):
                raise ProviderTimeout("no answer in time")
            case ((Break.FAIL | Break.LATE), ("create" | "confirm" | "cancel" | "find" | "refund")):
                raise ProviderUnavailable("unavailable")
            case ((Break.FAIL | Break.LATE), _):
                raise Transient(f"{whom} is busy")

    def _became(self, whom: str, key: str) -> str:
        rows = {"orders": self.orders.items, "payments": self.payments.items, "inventory": self.stock.items}[whom]
        return f": {', '.join(rows[each]['status'] for each in key.split(','))}"

    def _wait(self, time: timedelta) -> None:
        """Time passes, and ends what may not last as long."""
        if time >= UNDERWAY:
            for request in list(self.gateway.underway):
                self.gateway.land(request)
        self.now += time
        for name, invocation in list(self.paused.items()):
            if invocation.deadline < self.now:
                del self.paused[name]
                invocation.greenlet.switch(True)

    def _require_sound_stock(self) -> None:
        for product, counters in self.stock.counters.items():
            if counters.negative:
                raise Violation("a stock counter is negative", f"{product}: {counters}")
            if not counters.conserved:
                raise Violation("stock is not conserved", f"{product}: {counters}")


_targets_by_type: dict[str, tuple[str, ...]] = {}


def _targets(type_: str, document: str) -> tuple[str, ...]:
    """The wiring's answer, asked once for each type: rules see nothing else of an event."""
    if type_ not in _targets_by_type:
        _targets_by_type[type_] = tuple(queue for queue in wiring().targets(document) if queue in CONSUMERS)
    return _targets_by_type[type_]


_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_PRICE = Money(amount=1000, currency="SGD")
_LISTED = {product: Listed(product_id=product, name=product.capitalize(), price=_PRICE) for product in PRODUCTS}
_CHECKOUTS = {
    cod: Checkout(
        shipping_address=ShippingAddress(
            name="A Shopper", line1="1 Some Street", city="Singapore", postal_code="018956", country="SG"
        ),
        cart_version=1,
        payment_method=ordering.PaymentChoice.COD if cod else None,
    )
    for cod in (False, True)
}


@cache
def _cart(basket: Basket) -> Cart:
    lines = tuple(CartLine(product_id=product, quantity=units, unit_price=_PRICE) for product, units in basket.lines)
    return Cart(items=lines, version=1)
