"""The shop with one rule, guard or route taken away: what the simulation must notice."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

from cloudretail import envelope
from cloudretail.consumer import Delivery, row_by_row
from cloudretail.decider import Change, Context, Nothing, Result
from cloudretail.envelope import Cause, Event
from cloudretail.errors import Permanent, Transient
from cloudretail.money import Money, total
from cloudretail.outbox import Row
from cloudretail.repository import Repository, Settled, transact
from contract.fulfilment import ReturnReceived, ShipmentDelivered, ShipmentDispatched, ShipmentReturned
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.orders import CancellationRequested, OrderCancelled, OrderConfirmed, ReturnAccepted, ReturnWithdrawn
from contract.payments import PaymentFailed, PaymentRefundFailed, PaymentSucceeded, RefundRequested
from contract.values import OrderStatus
from fulfilment import commands as fulfilling
from fulfilment import domain as parcels
from fulfilment import reactions as shipping
from fulfilment.domain import ShipmentStatus
from inventory import domain as stock
from inventory import reactions as inventory
from inventory.domain import Delta, ReservationStatus, StockChange
from inventory.store import OutOfStock, Write
from orders import commands as buying
from orders import domain as ordering
from orders import reactions as orders
from orders.domain import Basket, Order, PlaceOrder, Shopper
from orders.returns import ReturnStatus
from payments import commands as choosing
from payments import domain as paying
from payments import reactions as payments
from payments import window, worker
from payments.domain import (
    AttemptSent,
    ChargeAccepted,
    ChargeChallenged,
    ChargeDeclined,
    ChargeEnded,
    DisputeReported,
    Payment,
    PaymentStatus,
    Refund,
    RefundPaid,
    RefundRefused,
    RefundStatus,
    WindowClosed,
    payment_id_of,
)
from payments.providers import Answer, Provider, ProviderTimeout, Refused, TestToken
from relay import stream
from tests.simulation import world
from tests.simulation.gateway import Gateway
from tests.simulation.search import STATES_AND_EVENTS, explore
from tests.support.checkouts import InMemoryCheckouts
from tests.support.repositories import InMemoryRepository
from tests.support.stock import InMemoryStockRepository

type Patch = tuple[object, str, object]
"""Owner, attribute, replacement."""


def _nothing(*_: Any, **__: Any) -> None:
    """Takes the place of what the mutant lacks."""


type Rule = Callable[..., Any]
"""A decider: its first two arguments are the state and the message."""


@dataclass(frozen=True)
class Mutant:
    """A shop with a defect.

    Attributes:
        name: what it does wrong.
        patches: what is replaced.
        enough: schedules within which it has to be noticed. The rarest take a thousand or two.
    """

    name: str
    patches: Sequence[Patch]
    enough: int = 10_000

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The shop has the defect for as long as this lasts."""
        made = [patch.object(*each) for each in self.patches]
        for each in made:
            each.start()
        try:
            yield
        finally:
            for each in made:
                each.stop()

    @property
    def noticed(self) -> bool:
        """Whether a schedule breaks, or some state or event is never reached."""
        with self.alive():
            outcome = explore(range(self.enough))
        return outcome.failure is not None or not outcome.happened >= STATES_AND_EVENTS


# --- deciders ---------------------------------------------------------------------------------------------------------


def _orders(rule: Rule) -> Sequence[Patch]:
    return [(ordering, "decide", rule), (orders, "decide", rule), (buying, "decide", rule)]


def _inventory(rule: Rule) -> Sequence[Patch]:
    return [(inventory, "decide", rule)]


def _payments(rule: Rule) -> Sequence[Patch]:
    return [(paying, "decide", rule), (payments, "decide", rule), (choosing, "decide", rule)]


def _fulfilment(rule: Rule) -> Sequence[Patch]:
    return [(parcels, "decide", rule), (shipping, "decide", rule)]


def _ignoring(rule: Rule, to: Callable[[Any, Any], bool]) -> Rule:
    """`rule` without what it does about what `to` is true for."""

    def decide(state: Any, message: Any, *rest: Any) -> Any:
        return Nothing("this mutant ignores it") if to(state, message) else rule(state, message, *rest)

    return decide


def _mistaken(rule: Rule, sees: Callable[[Any, Any], tuple[Any, Any]]) -> Rule:
    """`rule` on what `sees` makes of the state and the message."""

    def decide(state: Any, message: Any, *rest: Any) -> Any:
        return rule(*sees(state, message), *rest)

    return decide


def _revives_a_cancelled_order(order: Order, message: Any) -> tuple[Any, Any]:
    revived = order.status is OrderStatus.CANCELLED and isinstance(message, PaymentSucceeded)
    return order.model_copy(update={"status": OrderStatus.RESERVED}) if revived else order, message


def _takes_the_released_for_new(reservation: Any, message: Any) -> tuple[Any, Any]:
    released = reservation and reservation.status is ReservationStatus.RELEASED
    return None if released and isinstance(message, stock.Reserve) else reservation, message


def _has_all_year(reservation: Any, message: Any) -> tuple[Any, Any]:
    if isinstance(message, stock.Reserve):
        placed = message.placed
        placed = placed.model_copy(update={"place_by": placed.place_by + timedelta(days=365)})
        message = replace(message, placed=placed)
    return reservation, message


def _takes_any_answer_for_the_running_attempt(payment: Any, message: Any) -> tuple[Any, Any]:
    if payment and isinstance(message, ChargeAccepted | ChargeDeclined):
        message = replace(message, attempt=payment.attempts)
    return payment, message


def _is(*statuses: object) -> Callable[[Any], bool]:
    return lambda state: (state.status if state else None) in statuses


_running = _is(PaymentStatus.SUBMITTED)
_challenged = _is(PaymentStatus.CHALLENGED)
_before_parcel = _is(OrderStatus.CONFIRMED, OrderStatus.CANCELLING)


def _is_withdrawn(order: Order, message: ReturnReceived) -> bool:
    known = order.find_return(message.return_id)
    return known is not None and known.status is ReturnStatus.WITHDRAWN


def _closes_what_it_does_not_know(payment: Any, message: Any) -> tuple[Any, Any]:
    if isinstance(message, WindowClosed) and payment and payment.status is PaymentStatus.OPEN:
        return payment.model_copy(update={"amount": payment.amount or 0, "reserved": True}), message
    return payment, message


# --- the window -------------------------------------------------------------------------------------------------------


def _take_the_window_for_closed(rows: Repository[Payment], delivery: Delivery, now: datetime) -> Result[Payment]:
    return payments.apply(rows, delivery.event, WindowClosed(), now).decision


def _never_close(rows: Repository[Payment], delivery: Delivery, now: datetime) -> Result[Payment]:
    if isinstance(payments.react(rows, delivery, now), Nothing):
        raise Transient("this mutant waits for ever")
    return Nothing("noted")


_decide_payment = paying.decide


def _forget_to_call_off(state: Any, message: Any, context: Any) -> Any:
    decision = _decide_payment(state, message, context)
    if _challenged(state) and isinstance(message, WindowClosed) and isinstance(decision, Change):
        return Change(decision.state)
    return decision


def _forget_to_call_off_what_comes_late(state: Any, message: Any, context: Any) -> Any:
    decision = _decide_payment(state, message, context)
    if isinstance(message, ChargeChallenged) and isinstance(decision, Change):
        return Change(decision.state)
    return decision


def _call_off_without_the_provider(ports: worker.Ports, payment: Payment) -> Any:
    return ChargeEnded(payment.attempts, order_over=not ports.is_payable(payment.order_id))


def _takes_what_was_paid_by_hand_for_done(payment: Any, message: Any) -> tuple[Any, Any]:
    if payment and isinstance(message, RefundRefused):
        refunds = tuple(
            refund.model_copy(update={"status": RefundStatus.DONE})
            if refund.status is RefundStatus.PAID_BY_HAND
            else refund
            for refund in payment.refunds
        )
        payment = payment.model_copy(update={"refunds": refunds})
    return payment, message


def _is_done(payment: Payment, refund_id: str) -> bool:
    refund = payment.refund(refund_id)
    return refund is not None and refund.status is RefundStatus.DONE


def _decide_a_dispute_and_wait(state: Any, message: Any, context: Any) -> Any:
    decision = _decide_payment(state, message, context)
    if isinstance(message, DisputeReported) and isinstance(decision, Change):
        return Change(decision.state, [event for event in decision.events if not isinstance(event, RefundRequested)])
    return decision


# --- the worker -------------------------------------------------------------------------------------------------------

_charge, _refund, _send = worker._charge, worker._refund, worker._send


def _attempt_whatever_became_of_it(
    ports: worker.Ports, event: Event, payment: Payment, now: datetime
) -> Result[Payment]:
    rows = ports.payments
    if not payment.sent:
        payment = payments.apply(rows, event, _send(payment, ports.gateways), now).state or payment
    return payments.apply(rows, event, _charge(payment, ports.is_payable, ports.gateways), now).decision


def _leave_it_alive(provider: Any, reference: str, answer: Any) -> Any:
    return answer


_take_report = worker._take_report


def _believe_the_row(ports: worker.Ports, event: Event, report: Any, now: datetime) -> Result[Payment]:
    row = ports.payments.load(report.reference.partition(":")[0])
    if row and row.state.reference == report.reference:
        return _take_report(ports, event, report, now)
    return Nothing("this mutant knows no other attempt")


def _charge_without_a_look_at_the_order(payment: Payment, is_payable: worker.IsPayable, *rest: Any) -> Any:
    return _charge(payment, lambda order_id: True, *rest)


def _end_without_the_provider(payment: Payment, is_payable: worker.IsPayable, gateways: worker.Gateways) -> Any:
    if payment.wanted and is_payable(payment.order_id):
        return _charge(payment, is_payable, gateways)
    return ChargeEnded(payment.attempts, order_over=not is_payable(payment.order_id))


def _conclude_from_not_finding(payment: Payment, is_payable: worker.IsPayable, gateways: worker.Gateways) -> Any:
    provider, reference = gateways.named(payment.provider), payment.reference
    assert reference
    if payment.wanted or provider.find(reference):
        return _charge(payment, is_payable, gateways)
    return ChargeEnded(payment.attempts, order_over=not is_payable(payment.order_id))


def _send_and_confirm(payment: Payment, gateways: worker.Gateways) -> Any:
    step = _send(payment, gateways)
    if isinstance(step, AttemptSent):
        gateways.named(step.provider).confirm(step.reference)
    return step


def _refund_without_asking(payment: Payment, refund: Refund, gateways: worker.Gateways) -> Any:
    with patch.object(type(gateways.named("sandbox")), "find_refund", lambda provider, key, reference: None):
        return _refund(payment, refund, gateways)


def _take_a_timeout_for_a_no(provider: Provider, reference: str) -> Answer:
    try:
        return provider.confirm(reference)
    except ProviderTimeout:
        return Refused("no answer")


_calls = count(100)


def _new_attempt_key(payment: Payment) -> str:
    return f"{payment.payment_id}:{next(_calls)}"


def _charge_anew(ports: worker.Ports, event: Event, payment: Payment, now: datetime) -> Result[Payment]:
    provider = ports.gateways.named("sandbox")
    reference = provider.create(_new_attempt_key(payment), payment.money, TestToken.VISA)
    provider.confirm(reference)
    accepted = ChargeAccepted(payment.attempts, "sandbox", reference)
    return payments.apply(ports.payments, event, accepted, now).decision


def _new_key(payment: Payment, refund: Refund | None = None) -> str:
    return f"{payment.payment_id}:{next(_calls)}"


# --- stores -----------------------------------------------------------------------------------------------------------

_commit, _stock_commit = InMemoryRepository.commit, InMemoryStockRepository.commit


def _last_one_wins(rows: InMemoryRepository[Any], key: str, read: Row[Any] | None, *rest: Any) -> Row[Any]:
    rows.hook("commit", key)
    stored = rows.items.get(key)
    with patch.object(rows, "hook", lambda point, key: None):
        row = _commit(rows, key, rows._aggregate.from_item(stored) if stored else None, *rest)
    rows.hook("committed", key)
    return row


def _last_reservation_wins(rows: InMemoryStockRepository, write: Write) -> None:
    """The version is not compared."""


def _count_below_zero(rows: InMemoryStockRepository, deltas: Mapping[str, Delta]) -> None:
    for product, delta in deltas.items():
        rows.counters[product] = rows.counters[product] + delta


def _forget_movements(rows: InMemoryStockRepository, product_id: str, movement_id: str) -> Any:
    return rows.counters[product_id].levels, None


def _write_twice(rows: InMemoryStockRepository, writes: Sequence[Write], now: datetime) -> Any:
    rows.hook("commit", "counters")
    rows._count(stock.summed([write.change for write in writes]))
    unmoved = [replace(w, change=StockChange(w.change.state, w.change.events)) for w in writes]
    return _stock_commit(rows, unmoved, now)


def _call_a_conflict_sold_out(rows: InMemoryStockRepository, writes: Sequence[Write], now: datetime) -> Any:
    try:
        return _stock_commit(rows, writes, now)
    except Transient:
        wanted = [product for write in writes for product, delta in write.change.stock.items() if delta.available < 0]
        raise OutOfStock({product: rows.counters[product].available for product in wanted}) from None


# --- checkout ---------------------------------------------------------------------------------------------------------

_place = ordering.place


def _place_whatever_is_in_the_cart(command: PlaceOrder, basket: Basket, *rest: Any) -> Any:
    cart = basket.cart.model_copy(update={"version": command.cart_version})
    # And at whatever it costs: another cart has another total, mostly.
    costs = total((line.unit_price * line.quantity for line in cart.items), "SGD")
    change = _place(command.model_copy(update={"total": costs}), replace(basket, cart=cart), *rest)
    return Change(change.state.model_copy(update={"fingerprint": command.fingerprint}), change.events)


def _check_out_once(
    checkouts: buying.Checkouts, order_id: str, command: PlaceOrder, shopper: Shopper, cause: Cause, now: datetime
) -> Any:
    look = checkouts.look(order_id)
    if existing := look.order:
        return Settled(Nothing("the order was placed"), existing)
    context = Context(order_id, cause.id, now)
    change = _place(command, checkouts.basket(look.cart), look.account, look.rates, shopper, context)
    checkouts.place(change, command.cart_version, look.account, cause, now)
    return Settled(change, change.state)


_held = vars(Order)["held"].fget


def _held_for_ever(order: Order) -> Any:
    return _held(order.model_copy(update={"status": OrderStatus.PENDING}))


def _place_an_empty_cart(command: PlaceOrder, basket: Basket, *rest: Any) -> Any:
    if not basket.cart.items:
        raise IndexError("of an empty cart no total can be made")
    return _place(command, basket, *rest)


# --- the relay --------------------------------------------------------------------------------------------------------


def _publish_without_receipts(batch: Sequence[stream.Entry], bus: stream.Bus) -> None:
    bus.put(batch)


type _Numbered = Iterator[tuple[str, stream.Entry]]
"""Entries, each with its record's sequence number."""


def _read_or_stop(records: Iterable[Mapping[str, Any]], bus: stream.Bus) -> _Numbered:
    for record in records:
        yield from ((record["dynamodb"]["SequenceNumber"], entry) for entry in stream.entries(record, bus.name))


def _read_until_unreadable(records: Iterable[Mapping[str, Any]], bus: stream.Bus) -> _Numbered:
    with suppress(TypeError):
        yield from _read_or_stop(records, bus)


_relay = stream.relay


def _relay_behind_the_failure(records: Iterable[Mapping[str, Any]], bus: stream.Bus) -> None:
    try:
        _relay(records, bus)
    except stream.Unpublished as error:
        raise stream.Unpublished(str(error), str(int(error.sequence_number) + 1)) from error


# --- what payments keeps and publishes --------------------------------------------------------------------------------

_payments_with, _decide_payment = paying._with, paying.decide


def _keep_the_token(payment: Payment, status: PaymentStatus) -> Payment:
    return _payments_with(payment, status=status)


def _keep_a_token_that_was_sent(payment: Payment, **changes: Any) -> Payment:
    return _payments_with(
        payment, **({**changes, "card_token": payment.card_token} if "reference" in changes else changes)
    )


def _as_if(field: str, value: object, to: Callable[[Any, Any], bool]) -> Rule:
    """Payments' decider, which for what `to` is true for takes a field for something else than it is."""

    def decide(payment: Any, message: Any, *rest: Any) -> Any:
        if not payment or not to(payment, message):
            return _decide_payment(payment, message, *rest)
        decision = _decide_payment(payment.model_copy(update={field: value}), message, *rest)
        if not isinstance(decision, Change):
            return decision
        return Change(decision.state.model_copy(update={field: getattr(payment, field)}), decision.events)

    return decide


_forget_the_acceptance = _as_if(
    "status",
    PaymentStatus.FAILED,
    lambda payment, message: isinstance(message, ChargeAccepted) and payment.status is PaymentStatus.SUCCEEDED,
)

_give_back_what_is_not_collected = _as_if(
    "collected",
    0,
    lambda payment, message: isinstance(message, ReturnAccepted) and payment.collected is None,
)


_NOTHING = Money(amount=0, currency="SGD")


def _takes_each_delivery_for_another_return(payment: Any, message: Any) -> tuple[Any, Any]:
    if isinstance(message, ReturnAccepted):
        message = message.model_copy(update={"return_id": f"{message.return_id}{next(_calls)}"})
    return payment, message


def _takes_what_was_paid_for_unpaid(payment: Any, message: Any) -> tuple[Any, Any]:
    if payment and isinstance(message, RefundPaid):
        refunds = tuple(
            refund.model_copy(update={"status": RefundStatus.TO_PAY_BY_HAND})
            if refund.status is RefundStatus.PAID_BY_HAND
            else refund
            for refund in payment.refunds
        )
        payment = payment.model_copy(update={"refunds": refunds})
    return payment, message


def _fail_in_silence(payment: Any, message: Any, *rest: Any) -> Any:
    decision = _decide_payment(payment, message, *rest)
    if isinstance(decision, Change):
        kept = [event for event in decision.events if not isinstance(event, PaymentRefundFailed)]
        return Change(decision.state, kept)
    return decision


def _close_at_once(payment: Any, message: Any, *rest: Any) -> Any:
    """A reservation that completes nothing closes the window, too."""
    decision = _decide_payment(payment, message, *rest)
    if isinstance(message, InventoryReserved) and isinstance(decision, Change) and not decision.events:
        closed = _decide_payment(decision.state, WindowClosed(), *rest)
        return closed if isinstance(closed, Change) else decision
    return decision


# --- inventory --------------------------------------------------------------------------------------------------------


def _always_in_a_hurry(reservation: Any, message: Any) -> tuple[Any, Any]:
    if isinstance(message, stock.Reserve):
        early = message.placed.place_by - timedelta(hours=23, minutes=59)
        message = replace(message, placed=message.placed.model_copy(update={"place_by": early}))
    return reservation, message


def _sells_what_is_broken(reservation: Any, message: Any) -> tuple[Any, Any]:
    match message:
        case OrderCancelled():
            message = message.model_copy(update={"written_off": ()})
        case ReturnAccepted():
            lines = tuple(line.model_copy(update={"restock": line.quantity, "write_off": 0}) for line in message.lines)
            message = message.model_copy(update={"lines": lines})
    return reservation, message


def _lose_a_unit(rows: InMemoryStockRepository, deltas: Mapping[str, Delta]) -> None:
    _count(
        rows, {product: Delta(delta.available, delta.reserved, max(delta.sold, 0)) for product, delta in deltas.items()}
    )


_count = InMemoryStockRepository._count


# --- the reactions ----------------------------------------------------------------------------------------------------

_transact = transact


def _fail_at_nothing(*arguments: Any) -> Any:
    settled = _transact(*arguments)
    if isinstance(settled.decision, Nothing):
        raise Permanent(settled.decision.reason)
    return settled


def _write_the_story_twice(order: Order, message: Any, context: Context) -> Any:
    decision = _decide_order(order, message, context)
    if isinstance(decision, Change) and decision.events:
        twice = (*decision.state.history, decision.state.history[-1])
        return Change(decision.state.model_copy(update={"history": twice}), decision.events)
    return decision


_decide_order = ordering.decide


# --- after the order --------------------------------------------------------------------------------------------------


def _cancel_at_once(order: Order, message: Any, context: Context) -> Any:
    """As before anything was shipped."""
    if isinstance(message, ordering.Cancel) and order.status is OrderStatus.CONFIRMED:
        order = order.model_copy(update={"status": OrderStatus.RESERVED})
    return _decide_order(order, message, context)


def _takes_the_cancelled_for_new(shipment: Any, message: Any) -> tuple[Any, Any]:
    cancelled = shipment and shipment.status is ShipmentStatus.CANCELLED
    return None if cancelled and isinstance(message, OrderConfirmed) else shipment, message


_act = parcels.act


def _ship_without_a_look_at_the_order(shipment: Any, command: Any, by: str, context: Context, status: Any) -> Any:
    return _act(shipment, command, by, context, lambda: OrderStatus.CONFIRMED)


def _ship_whatever_was_asked(shipment: Any, command: Any, by: str, context: Context, status: Any) -> Any:
    if shipment and shipment.items and isinstance(command, parcels.Ship):
        shipment = shipment.model_copy(update={"status": ShipmentStatus.TO_SHIP})
    return _act(shipment, command, by, context, lambda: OrderStatus.CONFIRMED)


def _held_although_collected(order: Order) -> Any:
    return _held(order.model_copy(update={"collected": None}))


# --- events -----------------------------------------------------------------------------------------------------------

_Event = envelope.Event


def _event_without_its_version(id: str, *rest: Any) -> Event:
    """As `orders:ord_1:0` in place of `orders:ord_1:3:0`."""
    return _Event(re.sub(r"^(\w+:\w+):\d+:(\d+)$", r"\1:\2", id), *rest)


MUTANTS = (
    Mutant(
        "an order ignores that it is paid before it is reserved",
        _orders(
            _ignoring(ordering.decide, lambda o, m: o.status is OrderStatus.PENDING and isinstance(m, PaymentSucceeded))
        ),
    ),
    Mutant(
        "an order ignores that its payment failed before it is reserved",
        _orders(
            _ignoring(ordering.decide, lambda o, m: o.status is OrderStatus.PENDING and isinstance(m, PaymentFailed))
        ),
    ),
    Mutant(
        "a late payment confirms a cancelled order", _orders(_mistaken(ordering.decide, _revives_a_cancelled_order))
    ),
    Mutant(
        "an order ignores that its parcel arrived before it was dispatched",
        _orders(_ignoring(ordering.decide, lambda o, m: _before_parcel(o) and isinstance(m, ShipmentDelivered))),
    ),
    Mutant(
        "an order ignores that its parcel came back before it was dispatched",
        _orders(_ignoring(ordering.decide, lambda o, m: _before_parcel(o) and isinstance(m, ShipmentReturned))),
    ),
    Mutant(
        "an order that is being cancelled ignores that its parcel was faster",
        _orders(
            _ignoring(
                ordering.decide,
                lambda o, m: o.status is OrderStatus.CANCELLING and isinstance(m, ShipmentDispatched),
            )
        ),
    ),
    Mutant("a confirmed order is cancelled at once", _orders(_cancel_at_once)),
    Mutant(
        "what arrives although its return was withdrawn is not paid for",
        _orders(_ignoring(ordering.decide, lambda o, m: isinstance(m, ReturnReceived) and _is_withdrawn(o, m))),
    ),
    Mutant("anything is sent back, and any number of it", [(ordering, "_require_returnable", _nothing)]),
    Mutant("an account holds what was collected", [(Order, "held", property(_held_although_collected))]),
    Mutant(
        "a request to cancel that comes before its order leaves no tombstone",
        _fulfilment(_ignoring(parcels.decide, lambda s, m: s is None and isinstance(m, CancellationRequested))),
    ),
    Mutant(
        "a parcel waits on although its order was called off",
        _fulfilment(
            _ignoring(
                parcels.decide,
                lambda s, m: _is(ShipmentStatus.TO_SHIP)(s) and isinstance(m, CancellationRequested),
            )
        ),
    ),
    Mutant(
        "a late confirmation ships what was called off",
        _fulfilment(_mistaken(parcels.decide, _takes_the_cancelled_for_new)),
    ),
    Mutant(
        "a withdrawal that comes before its return is ignored",
        _fulfilment(
            _ignoring(
                parcels.decide, lambda s, m: isinstance(m, ReturnWithdrawn) and not (s and s.find_return(m.return_id))
            )
        ),
    ),
    Mutant("staff ship without a look at the order", [(fulfilling, "act", _ship_without_a_look_at_the_order)]),
    Mutant(
        "a confirmed order is cancelled at once, and staff ship without a look at it",
        [*_orders(_cancel_at_once), (fulfilling, "act", _ship_without_a_look_at_the_order)],
    ),
    Mutant("staff ship whatever was asked", [(fulfilling, "act", _ship_whatever_was_asked)]),
    Mutant("staff deliver what was not shipped", [(parcels, "_require_shipped", _nothing)]),
    Mutant("staff receive whatever arrives", [(parcels, "_require_at_most", _nothing)]),
    Mutant(
        "a return that comes before its order was confirmed is ignored",
        _inventory(
            _ignoring(stock.decide, lambda r, m: _is(ReservationStatus.HELD)(r) and isinstance(m, ReturnAccepted))
        ),
    ),
    Mutant("a return is booked twice", [(stock.Reservation, "has_booked", lambda reservation, return_id: False)]),
    Mutant("what is broken is sold again", _inventory(_mistaken(stock.decide, _sells_what_is_broken))),
    Mutant("a return is given back before the cash is known", _payments(_give_back_what_is_not_collected)),
    Mutant(
        "that no cash was collected is taken for unknown",
        _payments(_ignoring(paying.decide, lambda p, m: isinstance(m, ShipmentDelivered) and m.cash == _NOTHING)),
    ),
    Mutant("more is given back than was taken", [(Payment, "left", property(lambda payment: 1_000_000))]),
    Mutant(
        "each delivery of a return is given back",
        _payments(_mistaken(paying.decide, _takes_each_delivery_for_another_return)),
    ),
    Mutant("a refund is paid by hand twice", _payments(_mistaken(paying.decide, _takes_what_was_paid_for_unpaid))),
    Mutant("an order notes the same fact twice", [(Order, "has_noted", lambda order, cause: False)]),
    Mutant(
        "a cancellation that comes before its order leaves no tombstone",
        _inventory(_ignoring(stock.decide, lambda r, m: r is None and isinstance(m, OrderCancelled))),
    ),
    Mutant(
        "a cancelled order keeps the stock that it holds",
        _inventory(
            _ignoring(stock.decide, lambda r, m: _is(ReservationStatus.HELD)(r) and isinstance(m, OrderCancelled))
        ),
    ),
    Mutant(
        "a cancelled order keeps the stock that was sold to it",
        _inventory(
            _ignoring(stock.decide, lambda r, m: _is(ReservationStatus.COMMITTED)(r) and isinstance(m, OrderCancelled))
        ),
    ),
    Mutant(
        "a second OrderPlaced reserves again what was released",
        _inventory(_mistaken(stock.decide, _takes_the_released_for_new)),
    ),
    Mutant("an order is reserved however old it is", _inventory(_mistaken(stock.decide, _has_all_year))),
    Mutant(
        "a cancellation is forgotten while an attempt runs",
        _payments(_ignoring(paying.decide, lambda p, m: _running(p) and isinstance(m, OrderCancelled))),
    ),
    Mutant(
        "a cancellation is forgotten where payments does not know the order",
        _payments(_ignoring(paying.decide, lambda p, m: p is None and isinstance(m, OrderCancelled))),
    ),
    Mutant(
        "the end of the window is forgotten while an attempt runs",
        _payments(_ignoring(paying.decide, lambda p, m: _running(p) and isinstance(m, WindowClosed))),
    ),
    Mutant(
        "the window closes what payments does not know",
        _payments(_mistaken(paying.decide, _closes_what_it_does_not_know)),
    ),
    Mutant(
        "a window that cannot close yet never does",
        [(window, "CONSUMER", replace(window.CONSUMER, react=row_by_row(payment_id_of, _take_the_window_for_closed)))],
    ),
    Mutant(
        "the window never closes",
        [(window, "CONSUMER", replace(window.CONSUMER, react=row_by_row(payment_id_of, _never_close)))],
    ),
    Mutant(
        "a cancelled order keeps the money",
        _payments(
            _ignoring(paying.decide, lambda p, m: _is(PaymentStatus.SUCCEEDED)(p) and isinstance(m, OrderCancelled))
        ),
    ),
    Mutant(
        "the payment of a rejected order stays open",
        _payments(_ignoring(paying.decide, lambda p, m: isinstance(m, InventoryReservationFailed))),
    ),
    Mutant(
        "an answer counts for whichever attempt is running",
        _payments(_mistaken(paying.decide, _takes_any_answer_for_the_running_attempt)),
    ),
    Mutant(
        "money that nothing waited for is kept",
        _payments(_ignoring(paying.decide, lambda p, m: isinstance(m, ChargeAccepted) and not p.runs(m.attempt))),
    ),
    Mutant("an acceptance that is known is given back", _payments(_forget_the_acceptance)),
    Mutant("whether an attempt was sent is not looked at", [(Payment, "sent", property(lambda payment: False))]),
    Mutant(
        "the worker goes on with an attempt whatever became of it meanwhile",
        [(worker, "_attempt", _attempt_whatever_became_of_it)],
    ),
    Mutant(
        "the worker does not look at what payments remembers", [(Payment, "wanted", property(lambda payment: True))]
    ),
    Mutant("the worker does not look at the order", [(worker, "_charge", _charge_without_a_look_at_the_order)]),
    Mutant("an attempt is ended without its provider", [(worker, "_charge", _end_without_the_provider)]),
    Mutant("what is not found is taken for never made", [(worker, "_charge", _conclude_from_not_finding)]),
    Mutant("the reference is written after money has moved", [(worker, "_send", _send_and_confirm)]),
    Mutant("the worker never asks before it refunds", [(worker, "_refund", _refund_without_asking)], 30_000),
    Mutant(
        "the worker takes a time-out for a no, and leaves the attempt as it is",
        [(worker, "_confirm", _take_a_timeout_for_a_no), (worker, "_final", _leave_it_alive)],
    ),
    Mutant("each attempt has a new key whenever it is sent", [(Payment, "attempt_key", property(_new_attempt_key))]),
    Mutant(
        "an attempt is created anew at each delivery",
        [(worker, "_attempt", _charge_anew)],
    ),
    Mutant("each refund has a new key", [(Payment, "refund_key", _new_key)]),
    Mutant("the last writer of a row wins", [(InMemoryRepository, "commit", _last_one_wins)]),
    Mutant(
        "the last writer of a reservation wins",
        [(InMemoryStockRepository, "_require_unchanged", _last_reservation_wins)],
    ),
    Mutant("stock is taken whether it is there or not", [(InMemoryStockRepository, "_count", _count_below_zero)]),
    Mutant("stock and reservation are two writes", [(InMemoryStockRepository, "commit", _write_twice)]),
    Mutant(
        "what staff find overwrites what orders did meanwhile",
        [(InMemoryStockRepository, "_require_as_read", _nothing)],
    ),
    Mutant(
        "what staff find is counted at each request",
        [(InMemoryStockRepository, "look", _forget_movements), (InMemoryStockRepository, "_require_as_read", _nothing)],
    ),
    Mutant("a conflict is taken for sold out", [(InMemoryStockRepository, "commit", _call_a_conflict_sold_out)]),
    Mutant(
        "an answer to a challenge is ignored",
        _payments(_ignoring(paying.decide, lambda p, m: _challenged(p) and isinstance(m, ChargeAccepted))),
    ),
    Mutant(
        "a challenge of an order that was cancelled is not called off",
        _payments(_ignoring(paying.decide, lambda p, m: _challenged(p) and isinstance(m, OrderCancelled))),
    ),
    Mutant("a challenge stays open when its window closes", _payments(_forget_to_call_off)),
    Mutant("a challenge that comes too late stays open", _payments(_forget_to_call_off_what_comes_late)),
    Mutant(
        "a challenge is taken for no answer",
        _payments(_ignoring(paying.decide, lambda p, m: isinstance(m, ChargeChallenged))),
    ),
    Mutant("a challenge is called off without its provider", [(worker, "_call_off", _call_off_without_the_provider)]),
    Mutant(
        "that a challenge has ended is ignored",
        _payments(_ignoring(paying.decide, lambda p, m: _challenged(p) and isinstance(m, ChargeEnded))),
    ),
    Mutant("an attempt that was refused stays alive at the provider", [(worker, "_final", _leave_it_alive)]),
    Mutant("a report is taken for the running attempt alone", [(worker, "_take_report", _believe_the_row)]),
    Mutant(
        "a refund that fails after it was done stays done",
        _payments(_ignoring(paying.decide, lambda p, m: isinstance(m, RefundRefused) and _is_done(p, m.refund_id))),
    ),
    Mutant(
        "a refund that was paid by hand and fails later is owed again",
        _payments(_mistaken(paying.decide, _takes_what_was_paid_by_hand_for_done)),
    ),
    Mutant("a dispute holds no refund back", [(Payment, "is_disputed", lambda payment, attempt: False)]),
    Mutant("what was lost is given back beside that", [(Payment, "lost", lambda payment, attempt: 0)]),
    Mutant("a person pays what a bank has given back", [(paying, "_less_what_was_lost", lambda payment, each: each)]),
    Mutant("a refund that waited for a bank never goes on", _payments(_decide_a_dispute_and_wait)),
    Mutant("a dispute is told at each report", [(Payment, "dispute", lambda payment, dispute_id: None)]),
    Mutant("nobody asks for disputes", [(Gateway, "disputes", lambda gateway, reference: ())]),
    Mutant("a change of the cart is not noticed", [(InMemoryCheckouts, "_require_cart", _nothing)]),
    Mutant(
        "the cart is ordered as it is and not as it was seen",
        [(buying, "place", _place_whatever_is_in_the_cart), (InMemoryCheckouts, "_require_cart", _nothing)],
    ),
    Mutant("a cart that was ordered is not emptied", [(InMemoryCheckouts, "_empty_cart", _nothing)]),
    Mutant("an account holds an order that has ended", [(Order, "held", property(_held_for_ever))]),
    Mutant("checkout does not look for its order again before it refuses", [(buying, "check_out", _check_out_once)]),
    Mutant(
        "a cart is ordered as often as somebody wants",
        [(InMemoryCheckouts, "_require_cart", _nothing), (InMemoryCheckouts, "_empty_cart", _nothing)],
    ),
    Mutant("an empty cart is ordered", [(buying, "place", _place_an_empty_cart)]),
    Mutant("the version is not in an event's id", [(envelope, "Event", _event_without_its_version)]),
    Mutant("the relay looks at no receipt", [(stream, "publish", _publish_without_receipts)]),
    Mutant("what the bus refuses for good is dropped", [(stream, "_park", _nothing)]),
    Mutant("a record that cannot be read stops the relay", [(stream, "_readable", _read_or_stop)]),
    Mutant("a record that cannot be read takes the rest along", [(stream, "_readable", _read_until_unreadable)]),
    Mutant("the relay goes on behind what it could not publish", [(stream, "relay", _relay_behind_the_failure)]),
    Mutant("a card token is kept when the payment ends", [(paying, "_ended", _keep_the_token)]),
    Mutant("nobody publishes that a refund failed", _payments(_fail_in_silence)),
    Mutant("the window closes with the reservation", _payments(_close_at_once)),
    Mutant("an order is too old after a minute", _inventory(_mistaken(stock.decide, _always_in_a_hurry))),
    Mutant("what was sold and comes back is counted twice", [(InMemoryStockRepository, "_count", _lose_a_unit)]),
    Mutant("the story notes each transition twice", _orders(_write_the_story_twice)),
    Mutant("a message that does nothing is a failure", [(orders, "transact", _fail_at_nothing)]),
    Mutant(
        "a batch settles all messages of an order at once",
        [(inventory, "_rounds", lambda deliveries: [list(deliveries)])],
    ),
)
"""Each of them has to be noticed. Not among them, as nothing comes of it: to publish an outbox again (one more
duplicate), to create an attempt twice (money moves by the one reference that is in the row, only), to ignore that a
bank did not agree (the provider has ended that attempt, and says so again when the window closes), to ask for a refund
that is done (the provider is asked first), and to believe that an attempt was not sent which another worker has sent
meanwhile (that one reads the same row, and does not confirm it)."""


# --- routes -----------------------------------------------------------------------------------------------------------

_targets = world._targets


def _never_arrives(type_: str, queue: str) -> Callable[[str, str], tuple[str, ...]]:
    def targets(asked: str, document: str) -> tuple[str, ...]:
        return tuple(one for one in _targets(asked, document) if (asked, one) != (type_, queue))

    return targets


MISSING_ROUTES = tuple(
    Mutant(f"{type_} never reaches {queue.name}", [(world, "_targets", _never_arrives(type_, queue.name))], enough=500)
    for queue in world.CONSUMERS.values()
    for pattern in queue.patterns
    for type_ in pattern["detail"]["type"]
)

SURPLUS_ROUTE = Mutant(
    "every event reaches OrdersQueue",
    [(world, "_targets", lambda asked, document: (*_targets(asked, document), "OrdersQueue"))],
)

DEFECTS = {mutant.name: mutant for mutant in (*MUTANTS, *MISSING_ROUTES, SURPLUS_ROUTE)}
"""All of them by name."""
