"""The shop in one process: its functions run as greenlets that stop wherever they talk to somebody else."""

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache, partial
from importlib import import_module
from typing import Any

from greenlet import greenlet

from cart import commands as shopping
from cart.domain import Cart, Offer, Offers
from cart.store import CARTS
from cloudretail.consumer import Consumer, Delivery, Outcome
from cloudretail.decider import Change
from cloudretail.dynamodb import to_item
from cloudretail.envelope import Cause, Event
from cloudretail.errors import LostRace, Refusal, Transient
from cloudretail.failures import History
from cloudretail.money import Money, total
from cloudretail.outbox import due
from cloudretail.retries import GiveUp, Retry, kind_of, next_step
from contract import parse
from contract.orders import CancellationRequested
from contract.payments import AttemptReported
from contract.values import (
    Address,
    CancelReason,
    InspectedLine,
    OrderStatus,
    ParcelReturn,
    PaymentMethod,
    ReturnReason,
    ReturnRefusal,
    StockLine,
)
from fulfilment import commands as fulfilling
from fulfilment import domain as parcels
from fulfilment.store import SHIPMENTS
from inventory import movements
from inventory import reactions as inventory
from inventory.commands import change_stock
from inventory.movements import MovementKind
from notifications import reactions as notifications
from notifications.domain import OrderNow
from orders import commands as ordering
from orders.domain import Cancel, Listed, PlaceOrder, RequestReturn, Shopper
from orders.returns import ReturnStatus
from payments import commands as paying
from payments import worker
from payments.domain import ChooseMethod, PayableOrder, Payment, RefundPaid
from payments.providers import SANDBOX, ProviderTimeout, ProviderUnavailable
from payments.store import PAYMENTS
from payments.worker import Gateways
from relay import stream
from tests.simulation.bus import Bus, PartlyAccepted, Refused
from tests.simulation.gateway import Gateway, Late
from tests.simulation.schedule import Break, Cash, Interruption, Kind, Schedule, Shape, Step, Violation
from tests.simulation.wiring import Queue, wiring
from tests.support.checkouts import InMemoryCheckouts, InMemoryOrders
from tests.support.mails import SHOP, InMemorySentMails, Mailbox
from tests.support.rates import PHONE
from tests.support.repositories import InMemoryRepository
from tests.support.stock import InMemoryStockRepository

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

TIMEOUT = timedelta(seconds=10)
"""Of a function: it does not outlive it."""

UNDERWAY = timedelta(minutes=1)
"""How long a request to the gateway may be on its way."""

GIVEN_UP = 5
"""Deliveries after which a message is a dead letter: far sooner than a consumer gives up, so that some are."""

BATCH = 10
"""Messages that a function gets at a time, at the most."""

QUEUES = {queue.name: queue for queue in wiring().queues}
"""All queues that rules send to."""

CONSUMERS = {name: queue for name, queue in QUEUES.items() if queue.handler != "notifications.reactions.handler"}
"""The queues of random schedules: mails move neither money nor goods."""


def queue_of(handler: str) -> Queue:
    """The queue that a function empties."""
    return next(queue for queue in CONSUMERS.values() if queue.handler == handler)


WINDOW = queue_of("payments.window.handler").delay
"""How long stock is held for a payment."""

PRICES = {
    product: Money(amount=amount, currency="SGD")
    for product, amount in {"backpack": 2300, "lamp": 1000, "mug": 701}.items()
}
"""By product; one of them no round number, so that a share of the cash is none either."""

PRODUCTS = tuple(PRICES)

STAFF = "staff-1"
"""Who acts for the shop."""

read = lru_cache(maxsize=20_000)(parse)
"""The event of a document; the same one arrives many times."""


@dataclass(eq=False)
class Message:
    """A message in a queue.

    Attributes:
        name: queue, event id, and a number that counts the copies of it.
        queue: where it is, or was before it became a dead letter.
        document: the event.
        ready: when it may be delivered first.
        receives: how often it was delivered.
        history: how it has failed so far, where the queues are patient.
    """

    name: str
    queue: str
    document: str
    ready: datetime
    receives: int = 0
    history: History | None = None


AFTERWARDS = frozenset({"committed", "created", "confirmed", "cancelled", "refunded", "published", "sent", "marked"})
"""The points at which a request was carried out, and its answer is on its way."""


class Crash(BaseException):
    """A function's process is gone."""


class Invocation:
    """A running function.

    Args:
        name: under which a step resumes it.
        body: what it does.
        deadline: when its process is ended.
        unwanted: payments and parcels that nobody wanted any more when it began, and why: it can have known.
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
        happened: states, events and breaks that the run came across, which show whether schedules are worth their time.
        consumers: the queues of this world.
        patient: whether failures are retried as the shop retries them; else a message is given up after GIVEN_UP
            deliveries.
        away: what nobody can reach at present: `gateway`, `ses`, `bus`, or a table.
        clicks: of each order, the command that the shopper sends again until it is answered.
        commands: every command that was sent, by order id and fingerprint.
        shown: references of attempts whose challenge a browser was ever given.
    """

    schedule: Schedule
    trace: list[str] | None = None
    now: datetime = BEGINNING
    archive: dict[str, str] = field(default_factory=dict)
    streams: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    queues: dict[str, list[Message]] = field(default_factory=dict)
    dead: list[Message] = field(default_factory=list)
    paused: dict[str, Invocation] = field(default_factory=dict)
    happened: set[str] = field(default_factory=set)
    consumers: Mapping[str, Queue] = field(default_factory=lambda: CONSUMERS)
    patient: bool = False
    away: set[str] = field(default_factory=set)
    clicks: dict[str, PlaceOrder] = field(default_factory=dict)
    commands: dict[tuple[str, str], PlaceOrder] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.queues = {queue: [] for queue in self.consumers}
        self.carts: InMemoryRepository[Cart] = InMemoryRepository(CARTS, partial(self._pass, "carts"))
        self.orders = InMemoryOrders(partial(self._pass, "orders"))
        self.stock = InMemoryStockRepository(self.schedule.received, partial(self._pass, "inventory"))
        self.payments: InMemoryRepository[Payment] = InMemoryRepository(PAYMENTS, partial(self._pass, "payments"))
        self.shipments: InMemoryRepository[parcels.Shipment] = InMemoryRepository(
            SHIPMENTS, partial(self._pass, "shipments")
        )
        self.gateway = Gateway(partial(self._pass, "gateway"), lambda: self.now)
        self.bus = Bus(partial(self._pass, "bus"), self._publish)
        self.mails = InMemorySentMails(partial(self._pass, "mails"))
        self.mailbox = Mailbox(partial(self._pass, "ses"))
        self._gateways = Gateways(SANDBOX, {SANDBOX: self.gateway})
        self.order = random.Random(self.schedule.order)
        self._copies: dict[str, int] = {}
        self._shipped: set[str] = set()
        self._asked_off: set[str] = set()
        self._requests = 0
        self._running: Invocation | None = None

    # --- steps ------------------------------------------------------------------------------------------------------

    def do(self, step: Step) -> None:
        """Take a step; one that cannot be taken does nothing."""
        if self.trace is not None:
            self.trace.append(str(step))
        match step.kind, step.on:
            case Kind.FILL, (order_id,) if order_id in self.schedule.baskets:
                self._request(partial(self._fill, order_id), step)
            case Kind.CHANGE, (order_id, product, units) if order_id in self.schedule.baskets:
                self._request(partial(self._change, order_id, product, int(units)), step)
            case Kind.CLEAR, (order_id,) if order_id in self.schedule.baskets:
                self._request(partial(self._clear, order_id), step)
            case Kind.CHECK_OUT, (order_id,) if order_id in self.schedule.baskets:
                self._request(partial(self._check_out, order_id), step)
            case Kind.PAY, (order_id, means):
                self._request(partial(self._pay, order_id, means), step)
            case Kind.CANCEL, (order_id,):
                self._request(partial(self._cancel, order_id), step)
            case kind, (order_id, *rest) if kind in self._after_the_order and order_id in self.orders.items:
                self._request(partial(self._after_the_order[kind], order_id, *rest), step)
            case Kind.STOCK, (product, kind, units, key):
                self._request(partial(self._change_stock, product, kind, int(units), key), step)
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
            case Kind.ANSWER, (reference, answer) if reference in self.shown:
                if self.gateway.ask_bank(reference, agreed=answer == "yes"):
                    self.happened.add(f"the bank says {answer}")
            case Kind.TURN, (reference,) if reference in {attempt.reference for attempt in self.gateway.attempts}:
                if self.gateway.turn(reference):
                    self.happened.add("the gateway turns")
            case Kind.DISPUTE, (reference,) if reference in {attempt.reference for attempt in self.gateway.attempts}:
                if self.gateway.open_dispute(reference):
                    self.happened.add("a dispute is opened")
            case Kind.DECIDE, (reference, outcome) if reference in {
                attempt.reference for attempt in self.gateway.attempts
            }:
                if self.gateway.decide_dispute(reference, won=outcome == "WON"):
                    self.happened.add(f"a dispute is {outcome}")
            case Kind.BOUNCE, (key,):
                if self.gateway.bounce(key):
                    self.happened.add("a refund fails later")
            case Kind.NOTIFY, (reference,) if reference in self.gateway.news:
                self._request(partial(self._notify, reference), step)
            case Kind.GARBLE, (row,) if self.streams.get(row):
                self.streams[row].insert(0, _GARBLED)
                self.happened.add("unreadable record")
            case Kind.REPUBLISH, (event_id,):
                self._republish(event_id)

    def ready(self, queue: str) -> list[str]:
        """The names of the messages of a queue that can be delivered now."""
        return [message.name for message in self.queues[queue] if message.ready <= self.now]

    def targets(self, event_id: str) -> tuple[str, ...]:
        """The queues of this world that get an event."""
        document = self.archive[event_id]
        targets = _targets(read(document).data.event_type.type, document)
        return tuple(queue for queue in targets if queue in self.consumers)

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
        for attempt in self.gateway.attempts:
            if attempt.disputed and attempt.won is None:
                self.do(Step(Kind.DECIDE, (attempt.reference, self.order.choice(("WON", "LOST")))))
        for reference in list(self.gateway.news):
            self.do(Step(Kind.NOTIFY, (reference,)))
        self._republish_all()
        self._empty([queue for queue in self.queues if queue != self.schedule.down])
        self._empty(list(self.queues))
        for _ in range(2):
            for message in list(self.dead):
                self.do(Step(Kind.REDRIVE, (message.name,)))
            self._empty(list(self.queues))
        if self.dead:
            raise Violation("a message stays in a dead-letter queue", self.dead[0].name)

    def _republish_all(self) -> None:
        """The relay comes to rest, and operators publish what it has parked."""
        for event_id in list(self.bus.parked):
            self.do(Step(Kind.REPUBLISH, (event_id,)))

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
            except (Refusal, LostRace, Transient, Crash) as error:
                self.note(f"    {error!r}")
            except Exception as error:
                raise Violation("a request breaks down", f"{step}: {error!r}") from error

        self._start(f"{step.kind} {' '.join(step.on)}", answer, step.interruption)

    def cart_of(self, order_id: str) -> dict[str, Any]:
        """The cart from which an order is placed, as it is now."""
        return self.carts.items.get(self.schedule.baskets[order_id].shopper, {"items": [], "version": 0})

    def _shopping(self) -> shopping.Ports:
        return shopping.Ports(self.carts, self._offers_of)

    def _offers_of(self, product_ids: Iterable[str]) -> Offers:
        self._pass("inventory", "load", "counters")
        return {
            product: Offer(
                product_id=product,
                name=_LISTED[product].name,
                price=PRICES[product],
                available=self.stock.counters[product].available,
            )
            for product in product_ids
        }

    def _fill(self, order_id: str, cause: Cause, now: datetime) -> None:
        basket = self.schedule.baskets[order_id]
        for product, units in basket.lines:
            shopping.put(self._shopping(), basket.shopper, product, units, PRICES[product], cause, now)

    def _change(self, order_id: str, product: str, units: int, cause: Cause, now: datetime) -> None:
        shopping.put(
            self._shopping(), self.schedule.baskets[order_id].shopper, product, units, PRICES[product], cause, now
        )
        self.happened.add("the cart changes")

    def _clear(self, order_id: str, cause: Cause, now: datetime) -> None:
        shopping.clear(self._shopping(), self.schedule.baskets[order_id].shopper, cause, now)
        self.happened.add("the cart is emptied")

    def _check_out(self, order_id: str, cause: Cause, now: datetime) -> None:
        """The shopper looks at the cart and orders it; what is not answered is sent again as it was."""
        basket = self.schedule.baskets[order_id]
        command = self.clicks.get(order_id)
        if command is None:
            cart = shopping.load(self.carts, basket.shopper)
            method = PaymentMethod.COD if basket.cod else None
            sum_ = total((line.unit_price * line.quantity for line in cart.items), "SGD")
            command = PlaceOrder(
                shipping_address=_ADDRESS,
                shipping_method="standard",
                total=sum_,
                cart_version=cart.version,
                payment_method=method,
            )
            self.clicks[order_id] = command
            self.commands[order_id, command.fingerprint] = command
        try:
            ordering.check_out(
                self._checkouts(basket.shopper),
                order_id,
                command,
                Shopper(basket.shopper, "shopper@cloudretail.example"),
                cause,
                now,
            )
        except Refusal as refusal:
            placed = self.orders.items.get(order_id)
            if placed and placed["fingerprint"] == command.fingerprint:
                raise Violation("a placed order is answered as refused", f"{order_id}: {refusal!r}") from refusal
            # An answer: the shopper looks at the cart anew.
            if self.clicks.get(order_id) is command:
                del self.clicks[order_id]
            self.happened.add(f"checkout is refused: {refusal.type}")
            raise

    def _checkouts(self, user_id: str) -> InMemoryCheckouts:
        return InMemoryCheckouts(
            self.orders,
            self.carts,
            _LISTED,
            lambda: {product: counters.available for product, counters in self.stock.counters.items()},
            user_id,
            partial(self._pass, "orders"),
        )

    def _pay(self, order_id: str, means: str, cause: Cause, now: datetime) -> None:
        method = PaymentMethod.COD if means == PaymentMethod.COD else PaymentMethod.CARD
        choice = ChooseMethod(method, means if method is PaymentMethod.CARD else None)
        paying.choose_method(
            paying.Ports(self._order_of, self.payments, tuple(PaymentMethod)), order_id, choice, cause, now
        )

    def _cancel(self, order_id: str, cause: Cause, now: datetime) -> None:
        ordering.cancel(self.orders, order_id, Cancel(), cause, now)

    # --- after the order: shoppers and staff ------------------------------------------------------------------------

    @cached_property
    def _after_the_order(self) -> Mapping[Kind, Callable[..., None]]:
        """What does a step: called with the words of the step, the cause and the time."""
        return {
            Kind.CALL_OFF: self._call_off,
            Kind.SHIP: self._ship,
            Kind.HAND_OVER: self._hand_over,
            Kind.COME_BACK: self._come_back,
            Kind.LOSE: self._lose,
            Kind.SEND_BACK: self._send_back,
            Kind.WITHDRAW: self._withdraw,
            Kind.RECEIVE: self._receive,
            Kind.REFUSE: self._refuse,
            Kind.PAY_BACK: self._pay_back,
        }

    def shipment_of(self, order_id: str) -> parcels.Shipment | None:
        """The shipment of an order as it is now."""
        item = self.shipments.items.get(order_id)
        return SHIPMENTS.from_item(item).state if item else None

    def _call_off(self, order_id: str, cause: Cause, now: datetime) -> None:
        ordering.cancel(self.orders, order_id, Cancel(CancelReason.BY_SHOP, "We are sorry."), cause, now)

    def _act(self, order_id: str, command: parcels.Command, cause: Cause, now: datetime) -> None:
        ports = fulfilling.Ports(self.shipments, self._order_status)
        fulfilling.handle(ports, order_id, command, STAFF, cause, now)

    def _order_status(self, order_id: str) -> str:
        self._pass("orders", "load", order_id)
        return str(self.orders.items[order_id]["status"])

    def _ship(self, order_id: str, number: str, cause: Cause, now: datetime) -> None:
        self._act(order_id, parcels.Ship("SingPost", number), cause, now)

    def _hand_over(self, order_id: str, collected: str, cause: Cause, now: datetime) -> None:
        shipment = self.shipment_of(order_id)
        due = shipment.cash_due if shipment else None
        share = {Cash.ALL: 23, Cash.SOME: 15, Cash.NONE: 0}[Cash(collected)]
        cash = Money(amount=due.amount * share // 23, currency=due.currency) if due else None
        self._act(order_id, parcels.Deliver(cash), cause, now)
        if due:
            self.happened.add(f"{collected} is collected")

    def _come_back(self, order_id: str, shape: str, cause: Cause, now: datetime) -> None:
        shipment = self.shipment_of(order_id)
        pieces = shipment.pieces if shipment else {}
        lines = _inspected(pieces, Shape(shape))
        self._act(order_id, parcels.CameBack(ParcelReturn.REFUSED, lines), cause, now)
        self.happened.add(f"a parcel comes back {shape}")

    def _lose(self, order_id: str, cause: Cause, now: datetime) -> None:
        self._act(order_id, parcels.Lose(), cause, now)

    def _send_back(self, order_id: str, return_id: str, *words: Any) -> None:
        *what, cause, now = words
        lines = tuple(
            StockLine(product_id=product, quantity=int(units))
            for product, units in zip(what[::2], what[1::2], strict=True)
        )
        command = RequestReturn(return_id=return_id, lines=lines, reason=ReturnReason.OTHER)
        settled = ordering.send_back(self.orders, order_id, command, cause, now)
        # Later it may be so: what arrives although its return was withdrawn is taken, and may be announced once more.
        if isinstance(settled.decision, Change) and any(
            settled.decision.state.returnable[line.product_id] < 0 for line in lines
        ):
            raise Violation("more is sent back than was bought", f"{order_id}: {lines}")
        if settled.state and sum(each.status is ReturnStatus.REQUESTED for each in settled.state.returns) > 1:
            self.happened.add("two returns of one order are on their way")

    def _withdraw(self, order_id: str, return_id: str, cause: Cause, now: datetime) -> None:
        ordering.withdraw(self.orders, order_id, return_id, cause, now)

    def _receive(self, order_id: str, return_id: str, shape: str, cause: Cause, now: datetime) -> None:
        shipment = self.shipment_of(order_id)
        announced = shipment.find_return(return_id) if shipment else None
        pieces = {line.product_id: line.quantity for line in announced.lines} if announced else {}
        self._act(order_id, parcels.ReceiveReturn(return_id, _inspected(pieces, Shape(shape))), cause, now)

    def _refuse(self, order_id: str, return_id: str, cause: Cause, now: datetime) -> None:
        self._act(order_id, parcels.RefuseReturn(return_id, ReturnRefusal.OTHER), cause, now)

    def _pay_back(self, order_id: str, refund_id: str, cause: Cause, now: datetime) -> None:
        paid = RefundPaid(refund_id, "transfer-1", STAFF)
        settled = paying.pay_back(self.payments, order_id, paid, cause, now)
        if isinstance(settled.decision, Change) and any(each.open for each in settled.decision.state.disputes):
            raise Violation("a person pays what a bank is deciding about", order_id)

    def _change_stock(self, product: str, kind: str, units: int, key: str, cause: Cause, now: datetime) -> None:
        commands: Mapping[str, Callable[[int], movements.Command]] = {
            MovementKind.RECEIPT: movements.Receive,
            MovementKind.COUNT: movements.Count,
            MovementKind.DAMAGE: movements.Damage,
        }
        request = movements.Request(f"{product}#{kind} {units} {key}", product, STAFF, now)
        change_stock(self.stock, commands[kind](units), request)
        self.happened.add(f"stock: {kind}")

    def _notify(self, reference: str, cause: Cause, now: datetime) -> None:
        """The gateway reports what it has an answer to, until it is acknowledged."""
        report = AttemptReported(provider=SANDBOX, reference=reference)
        self._publish(Event(f"gateway:{cause.id}", now, cause.id, cause.traceparent, report).to_json())
        self.gateway.news.remove(reference)

    # --- the relay, the bus, the queues -----------------------------------------------------------------------------

    def _stream(self) -> None:
        """What was written since goes to the streams."""
        tables = (
            ("orders", "orderId", self.orders.images),
            ("inventory", "orderId", self.stock.images),
            ("payments", "paymentId", self.payments.images),
            ("fulfilment", "orderId", self.shipments.images),
        )
        for table, key, images in tables:
            for image in images:
                self.happened.add(f"{table} {image['status']}")
                if image.get("challenge"):
                    self.shown.add(image["reference"])
                if due(image):  # Of any other the relay makes nothing.
                    self.streams.setdefault(f"{table} {image[key]}", []).append(image)
            images.clear()

    def _relay(self, step: Step) -> None:
        """The relay receives what the streams of these rows hold; the streams keep what it fails at."""
        self._stream()
        batch = [(row, image) for row in step.on for image in self.streams.get(row, ())]
        records = [
            {"dynamodb": {"NewImage": to_item(dict(image)), "SequenceNumber": str(number)}}
            for number, (_, image) in enumerate(batch)
        ]

        def relay() -> None:
            done = len(batch)
            try:
                stream.relay(records, self.bus)
            except stream.Unpublished as error:
                # As Lambda takes the relay's answer: the stream goes on from this record.
                self.note(f"    {error!r}")
                done = int(error.sequence_number)
            except (Transient, Crash) as error:
                self.note(f"    {error!r}")
                return
            except Exception as error:
                raise Violation("the relay stands still", repr(error)) from error
            for row, done_image in batch[:done]:
                self.streams[row] = [image for image in self.streams[row] if image is not done_image]

        if batch:
            self._start(f"relay {step.on[0]}", relay, step.interruption)

    def _republish(self, event_id: str) -> None:
        """An operator publishes what the relay has parked."""
        if event_id in self.bus.parked:
            self._publish(self.bus.parked.pop(event_id))

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
        ready = self.now + self.consumers[queue].delay
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
            if message.receives == GIVEN_UP and not self.patient:
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
                    raise Violation(
                        "a queue gets what its consumer does not subscribe to", f"{queue}: {delivery.event.id}"
                    )
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
                    self._settled(consumer.name, message)
                    # Another delivery of it may have been faster.
                    self.queues[queue] = [one for one in self.queues[queue] if one is not message]
                elif isinstance(outcome, Transient):
                    self.note(f"    {message.name}: {outcome!r}")
                    if self.patient:
                        self._retry(message, outcome)
                else:
                    raise Violation("a message is poisoned", f"{message.name}: {outcome!r}")

        if batch:
            self._start(f"deliver {step.on[0]}", consume, step.interruption)

    def _settled(self, consumer: str, message: Message) -> None:
        """A consumer is done with a message."""
        data = read(message.document).data
        if consumer == "fulfilment" and isinstance(data, CancellationRequested):
            self._asked_off.add(data.order_id)

    def _retry(self, message: Message, error: Exception) -> None:
        """As a consumer decides what becomes of a message that has failed."""
        before = message.history or History(self.now, 0, 0)
        message.history = History(before.since, before.failures + 1, before.unexpected)
        match next_step(kind_of(error), message.history, self.now, self.order.random):
            case Retry(after=seconds):
                message.ready = self.now + timedelta(seconds=seconds)
            case GiveUp():
                self.queues[message.queue].remove(message)
                self.dead.append(message)

    def _consumer(self, queue: str) -> Consumer[Any]:
        """The declaration of the consumer behind a queue."""
        consumer: Consumer[Any] = import_module(self.consumers[queue].handler.rpartition(".")[0]).CONSUMER
        return consumer

    def _ports(self, consumer: str) -> Any:
        """This world's stores, as the ports of a consumer."""
        ports: dict[str, Any] = {
            "orders": self.orders,
            "inventory": inventory.Ports(self.stock, WINDOW),
            "payments": self.payments,
            "fulfilment": self.shipments,
            "payment-window": self.payments,
            "payment-worker": worker.Ports(self.payments, self._is_payable, self._gateways),
            "notifications": notifications.Ports(self.mails, self.mailbox, self._order_now, SHOP, lambda: self.now),
        }
        assert consumer in ports, f"the simulation does not know the consumer {consumer} yet"
        return ports[consumer]

    def _order_of(self, order_id: str) -> PayableOrder | None:
        self._pass("orders", "load", order_id)
        item = self.orders.items.get(order_id)
        return PayableOrder.model_validate(item) if item else None

    def _is_payable(self, order_id: str) -> bool:
        order = self._order_of(order_id)
        assert order, "an order is never deleted"
        return order.payable

    def _order_now(self, order_id: str) -> OrderNow:
        self._pass("orders", "load", order_id)
        return OrderNow.model_validate(self.orders.items[order_id])

    # --- functions and time -----------------------------------------------------------------------------------------

    def _start(self, name: str, body: Callable[[], None], interruption: Interruption | None) -> None:
        while name in self.paused:
            name += "'"
        self._run(Invocation(name, body, self.now + TIMEOUT, self._unwanted()), interruption)

    def _unwanted(self) -> dict[str, str]:
        """The payments and parcels that nobody wants any more, by the id of the payment or of the order, and why."""
        orders = {order["orderId"] for order in self.orders.items.values() if order["status"] == "CANCELLED"}
        unwanted = {
            order["orderId"]: "the cancellation was known"
            for order in self.orders.items.values()
            if order["status"] in ("CANCELLING", "CANCELLED")
        }
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
        if whom in self.away and point not in AFTERWARDS:
            self.happened.add(f"{whom} is away")
            raise Transient(f"{whom} is away")
        if whom == "inventory" and point == "committed":
            self._require_sound_stock()
        if whom == "shipments" and point == "committed":
            self._require_wanted_parcel(key, invocation)
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
            case Break.PART, "publish":
                raise PartlyAccepted
            case Break.REFUSE, "publish":
                raise Refused
            case Break.LATE, ("create" | "confirm" | "cancel" | "refund"):
                raise Late
            case _, "committed":
                # The SDK tries again what got no answer, and finds its own write.
                raise LostRace(whom)
            case _, ("created" | "confirmed" | "cancelled" | "refunded"):
                raise ProviderTimeout("no answer in time")
            case _, ("create" | "confirm" | "cancel" | "find" | "refund"):
                raise ProviderUnavailable("unavailable")
            case _:
                raise Transient(f"{whom} is busy")

    def _became(self, whom: str, key: str) -> str:
        if whom == "carts":
            return f": {self.carts.items[key]['items']}"
        if movement := self.stock.movements.get(key):
            return f": {self.stock.counters[movement.product_id]}"
        rows = {
            "orders": self.orders.items,
            "payments": self.payments.items,
            "inventory": self.stock.items,
            "shipments": self.shipments.items,
        }[whom]
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

    def _require_wanted_parcel(self, order_id: str, invocation: Invocation) -> None:
        """A parcel that leaves now is one that somebody wants."""
        if self.shipments.items[order_id]["status"] != parcels.ShipmentStatus.SHIPPED or order_id in self._shipped:
            return
        self._shipped.add(order_id)
        if self.orders.items[order_id]["status"] == OrderStatus.CANCELLED:
            raise Violation("goods leave for a cancelled order", order_id)
        if order_id in self._asked_off:
            raise Violation("a cancellation that came in time is not honoured", order_id)
        if why := invocation.unwanted.get(order_id):
            raise Violation(f"shipped after {why}", order_id)

    def _require_sound_stock(self) -> None:
        for product, counters in self.stock.counters.items():
            if counters.negative:
                raise Violation("a stock counter is negative", f"{product}: {counters}")
            if not counters.conserved:
                raise Violation("stock is not conserved", f"{product}: {counters}")


def _inspected(pieces: Mapping[str, int], shape: Shape) -> tuple[InspectedLine, ...]:
    """What is found of these pieces."""
    found = dict(pieces)
    if shape is Shape.SHORT and found:
        found[next(iter(found))] -= 1
    broken = {Shape.WHOLE: 0.0, Shape.SHORT: 0.0, Shape.HALF: 0.5, Shape.BROKEN: 1.0}[shape]
    lines = []
    for product, units in found.items():
        written_off = math.ceil(units * broken)
        lines.append(InspectedLine(product_id=product, restock=units - written_off, write_off=written_off))
    return tuple(lines)


_targets_by_type: dict[str, tuple[str, ...]] = {}


def _targets(type_: str, document: str) -> tuple[str, ...]:
    """The wiring's answer, asked once for each type: rules see nothing else of an event."""
    if type_ not in _targets_by_type:
        _targets_by_type[type_] = wiring().targets(document)
    return _targets_by_type[type_]


_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_LISTED = {
    product: Listed(product_id=product, name=product.capitalize(), price=price) for product, price in PRICES.items()
}
_ADDRESS = Address(
    name="A Shopper", line1="1 Some Street", city="Singapore", postal_code="018956", country="SG", phone=PHONE
)
_GARBLED: dict[str, Any] = {"version": 1, "outbox": "no outbox"}
"""An image of a row that no code of the shop has written."""
