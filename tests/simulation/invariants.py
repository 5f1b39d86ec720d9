"""What must be true when everything has arrived, whatever happened on the way.

What staff and couriers have done by then is as it is: a parcel may still be under way. But all services agree on it,
and money is kept if and only if the goods are.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cloudretail.envelope import Event
from contract.fulfilment import ShipmentDispatched
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.payments import (
    PaymentCollected,
    PaymentDeclined,
    PaymentDisputeClosed,
    PaymentDisputed,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSucceeded,
    RefundRequested,
)
from contract.values import OrderStatus, PaymentFailure, PaymentMethod, RefusalReason
from fulfilment.domain import ReturnStatus as Arrival
from fulfilment.domain import Shipment, ShipmentStatus
from inventory.domain import Reservation, ReservationStatus
from inventory.movements import MovementKind
from inventory.store import RESERVATIONS
from orders.domain import Order
from orders.returns import ReturnStatus
from orders.store import ORDERS
from payments.domain import DisputeStatus, Payment, PaymentStatus, RefundStatus, payment_id_of
from payments.providers import Accepted
from payments.store import PAYMENTS
from tests.simulation.schedule import Kind, Step, Violation
from tests.simulation.world import PRICES, World, read


@dataclass(frozen=True)
class End:
    """What may have become of an order's goods, payment and parcel; None: there never was a parcel."""

    reservations: frozenset[ReservationStatus]
    payments: frozenset[PaymentStatus]
    shipments: frozenset[ShipmentStatus | None]


_SOLD = frozenset({ReservationStatus.COMMITTED})
_PAID = frozenset({PaymentStatus.SUCCEEDED})

ENDS: dict[OrderStatus, End] = {
    OrderStatus.CONFIRMED: End(_SOLD, _PAID, frozenset({ShipmentStatus.TO_SHIP})),
    OrderStatus.SHIPPED: End(_SOLD, _PAID, frozenset({ShipmentStatus.SHIPPED})),
    OrderStatus.DELIVERED: End(_SOLD, _PAID, frozenset({ShipmentStatus.DELIVERED})),
    OrderStatus.REJECTED: End(
        frozenset({ReservationStatus.REFUSED}), frozenset({PaymentStatus.VOIDED}), frozenset({None})
    ),
    OrderStatus.CANCELLED: End(
        frozenset({ReservationStatus.RELEASED, ReservationStatus.REFUSED}),
        frozenset({PaymentStatus.VOIDED, PaymentStatus.FAILED, PaymentStatus.SUCCEEDED}),
        frozenset({None, ShipmentStatus.CANCELLED, ShipmentStatus.RETURNED}),
    ),
}
"""The states in which an order may come to rest, and those of everything that belongs to it then."""

ARRIVALS: dict[ReturnStatus, frozenset[Arrival]] = {
    ReturnStatus.REQUESTED: frozenset({Arrival.EXPECTED}),
    ReturnStatus.ACCEPTED: frozenset({Arrival.RECEIVED}),
    ReturnStatus.REFUSED: frozenset({Arrival.REFUSED}),
    ReturnStatus.WITHDRAWN: frozenset({Arrival.WITHDRAWN, Arrival.REFUSED}),
}
"""Where a return stands, and where fulfilment has it then."""

BY_HAND = frozenset({RefundStatus.TO_PAY_BY_HAND, RefundStatus.PAID_BY_HAND})

NOTED = (
    PaymentDeclined,
    PaymentCollected,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentDisputed,
    PaymentDisputeClosed,
    ShipmentDispatched,
)
"""What moves no order, or need not, but belongs to its story."""


def check(world: World) -> None:
    """Look at a world that has come to rest.

    Raises:
        Violation: the first rule that does not hold.
    """
    events = [read(document) for document in world.archive.values()]
    for order_id in world.orders.items:
        _check_order(world, order_id, [event for event in events if event.data.subject == order_id])
    _check_carts(world)
    _check_accounts(world)
    _check_stock(world)


def check_replay(world: World) -> None:
    """Deliver every event again, some time later and in any order: nothing may come of it.

    Raises:
        Violation: something did.
    """
    before = _everything(world)
    world.now += world.order.choice((timedelta(0), timedelta(hours=1), timedelta(days=2), timedelta(days=9)))
    again = [(event_id, queue) for event_id in world.archive for queue in world.targets(event_id)]
    world.order.shuffle(again)
    for on in again:
        world.do(Step(Kind.REPLAY, on))
    world.drain()
    after = _everything(world)
    changed = [f"{what} was {before.get(what)}, is {now}" for what, now in after.items() if before.get(what) != now]
    if changed:
        raise Violation("a replay changes something", "; ".join(changed))


def _everything(world: World) -> dict[str, Any]:
    """Each row, counter, movement of money and event. No values that the world changes in place."""
    return (
        {f"order {key}": item for key, item in world.orders.items.items()}
        | {f"cart {key}": item for key, item in world.carts.items.items()}
        | {f"reservation {key}": item for key, item in world.stock.items.items()}
        | {f"payment {key}": item for key, item in world.payments.items.items()}
        | {f"shipment {key}": item for key, item in world.shipments.items.items()}
        | {f"stock of {key}": counters for key, counters in world.stock.counters.items()}
        | {f"movement {key}": movement for key, movement in world.stock.movements.items()}
        | {f"account of {user}": account for user, account in world.orders.accounts.items()}
        | {f"attempt {attempt.reference}": replace(attempt) for attempt in world.gateway.attempts}
        | {f"refund {index}": replace(refund) for index, refund in enumerate(world.gateway.refunds)}
        | dict(world.archive)
    )


def _check_accounts(world: World) -> None:
    """When everything has arrived, an account holds what is to be paid in cash on delivery, and nothing else."""
    due = {
        (order["userId"], order_id)
        for order_id, order in world.orders.items.items()
        if order["status"] in (OrderStatus.CONFIRMED, OrderStatus.SHIPPED)
        and order.get("paymentMethod") == PaymentMethod.COD
    }
    held = {(user, order_id) for user, account in world.orders.accounts.items() for order_id in account.held}
    if held != due:
        raise Violation("an account holds what it should not", f"{sorted(held ^ due)}")


def _check_order(world: World, order_id: str, events: list[Event]) -> None:
    order = ORDERS.from_item(world.orders.items[order_id]).state
    shipment = world.shipment_of(order_id)
    reservation = world.stock.items.get(order_id, {}).get("status")
    item = world.payments.items.get(payment_id_of(order_id))
    payment = PAYMENTS.from_item(item).state if item else None
    found = (
        f"{order_id}: {order.status}, reservation {reservation}, payment {payment and payment.status}, "
        f"shipment {shipment and shipment.status}"
    )
    if order.status not in ENDS:
        raise Violation("an order does not end", found)
    end = ENDS[order.status]
    if (
        reservation not in end.reservations
        or payment is None
        or payment.status not in end.payments
        or (shipment.status if shipment else None) not in end.shipments
    ):
        raise Violation("the services end in different ways", found)
    _check_returns(order, shipment, found)
    _check_money(world, payment, found, events)
    _check_goods(order, RESERVATIONS.from_item(world.stock.items[order_id]).state, shipment, found)
    _check_price_of_goods(order, payment, shipment, found)
    if payment.card_token:
        raise Violation("a card token outlives its attempt", found)
    for event in events:
        if isinstance(event.data, NOTED) and not order.has_noted(event.id):
            raise Violation("the story leaves something out", f"{found}: {event.id}")
    causes = Counter(entry.caused_by for entry in order.history)
    if max(causes.values()) > 1:
        raise Violation("the story notes one thing twice", f"{found}: {causes.most_common(1)}")
    _check_published(order_id, events)
    chosen = world.schedule.baskets[order_id].cod or payment.method
    if payment.status is PaymentStatus.FAILED and chosen and not payment.attempts:
        raise Violation("an order that was chosen to be paid is cancelled unpaid", found)


def _check_returns(order: Order, shipment: Shipment | None, found: str) -> None:
    """Orders and fulfilment have the same returns, as far as each."""
    arrivals = {each.return_id: each.status for each in shipment.returns} if shipment else {}
    for each in order.returns:
        if arrivals.pop(each.return_id, None) not in ARRIVALS[each.status]:
            raise Violation("the services end in different ways", f"{found}: {each}")
    if arrivals:
        raise Violation("the services end in different ways", f"{found}: {arrivals}")


def _check_money(world: World, payment: Payment, found: str, events: list[Event]) -> None:
    """What is in the row is what has moved: charges - refunds of the provider = charged - DONE - lost disputes."""
    names = {event.data.event_type.name for event in events}
    kept = sum(attempt.kept for attempt in world.gateway.kept(payment.payment_id))
    charged = payment.money.amount if _is_paid_by_card(payment) else 0
    by_provider = [refund for refund in payment.refunds if refund.provider]
    charged += sum(payment.money.amount for refund in by_provider if refund.unexpected)
    done = sum(refund.amount for refund in by_provider if refund.status is RefundStatus.DONE)
    by_hand = sum(refund.amount for refund in by_provider if refund.status in BY_HAND)
    lost = sum(dispute.amount for dispute in payment.disputes if dispute.status is DisputeStatus.LOST)
    disputed = {
        (f"dispute of {attempt.reference}", attempt.disputed, attempt.won)
        for attempt in world.gateway.attempts
        if attempt.disputed and attempt.key.startswith(f"{payment.payment_id}:")
    }
    known = {(each.dispute_id, each.amount, each.status is DisputeStatus.WON) for each in payment.disputes}
    if known != disputed or any(each.open for each in payment.disputes):
        raise Violation("a dispute is forgotten", f"{found}: {payment.disputes} of {disputed}")
    if kept > by_hand and payment.status in (PaymentStatus.VOIDED, PaymentStatus.FAILED):
        raise Violation("money is kept by a payment that ended", f"{found}: {kept} kept")
    if kept != charged - done - lost or any(refund.status is RefundStatus.REQUESTED for refund in payment.refunds):
        raise Violation("money and payment do not fit", f"{found}: {kept} kept, refunds {payment.refunds}")
    for dispute in payment.disputes:
        # What a person paid before the bank took the money back, nobody can take back.
        refunds = [
            refund
            for refund in by_provider
            if refund.attempt == dispute.attempt and refund.status is not RefundStatus.PAID_BY_HAND
        ]
        if sum(refund.amount for refund in refunds) + payment.lost(dispute.attempt) > payment.money.amount:
            raise Violation("money is given back twice", f"{found}: {payment.disputes}, refunds {refunds}")
    for event in events:
        match event.data:
            case PaymentSucceeded(method=PaymentMethod.CARD, attempt=attempt):
                accepted = True
            case PaymentDeclined(attempt=attempt):
                accepted = False
            case _:
                continue
        answers = [answer == Accepted() for answer in world.gateway.answers(f"{payment.payment_id}:{attempt}")]
        if accepted not in answers:
            raise Violation("the gateway never gave this answer", event.id)
    asked = [attempt for attempt in world.gateway.attempts if attempt.key.startswith(f"{payment.payment_id}:")]
    if payment.challenge or any(attempt.challenged and attempt.answer is None for attempt in asked):
        raise Violation("a challenge outlives its payment", f"{found}: {asked}")
    failed = any(refund.status in BY_HAND for refund in payment.refunds)
    # What was to be paid by hand may have been lost in a dispute since.
    if failed != ("PaymentRefundFailed" in names) and not lost:
        raise Violation("a refund that failed was not published", found)


def _is_paid_by_card(payment: Payment) -> bool:
    return (payment.status, payment.method) == (PaymentStatus.SUCCEEDED, PaymentMethod.CARD)


def _check_price_of_goods(order: Order, payment: Payment, shipment: Shipment | None, found: str) -> None:
    """Money is kept, or owed, if and only if the goods are."""
    total = order.total_amount
    came_back = sum(
        PRICES[line.product_id].amount * line.quantity
        for each in (shipment.returns if shipment else ())
        for line in each.received
    )
    cash = shipment.cash.amount if shipment and shipment.cash else None
    taken = cash or 0 if payment.method is PaymentMethod.COD else total - payment.lost(payment.attempts)
    match order.status:
        case OrderStatus.CONFIRMED | OrderStatus.SHIPPED:
            expected = max(0, taken)
        case OrderStatus.DELIVERED:
            # Of cash that was never collected, nothing is given back.
            expected = max(0, taken - came_back)
        case _:
            expected = 0
    if payment.left != expected or payment.owed:
        raise Violation("money and goods do not fit", f"{found}: {payment.left} kept in place of {expected}")
    if (order.collected, payment.collected) != (cash, cash):
        raise Violation("cash is forgotten", f"{found}: {cash}, {payment.collected}, {order.collected}")


def _check_goods(order: Order, reservation: Reservation, shipment: Shipment | None, found: str) -> None:
    """What inventory has counted is what staff have found."""
    parcels: Counter[str] = Counter()
    returned: Counter[str] = Counter()
    if shipment and shipment.status is ShipmentStatus.RETURNED:
        parcels.update({line.product_id: line.write_off for line in shipment.inspected})
    for each in shipment.returns if shipment else ():
        for line in each.received:
            returned.update({f"{line.product_id} restocked": line.restock, line.product_id: line.write_off})
    counted: Counter[str] = Counter()
    for booked in reservation.returns:
        for line in booked.lines:
            counted.update({f"{line.product_id} restocked": line.restock, line.product_id: line.write_off})
    written_off = Counter({line.product_id: line.quantity for line in reservation.written_off})
    if (+counted, +written_off) != (+returned, +parcels):
        raise Violation("stock and parcels do not fit", f"{found}: {counted} {written_off} for {returned} {parcels}")


def _check_published(order_id: str, events: list[Event]) -> None:
    decided = any(isinstance(event.data, PaymentDisputeClosed) for event in events)
    # What waited for a dispute is asked for once more.
    published = Counter(_said(event) for event in events if not (decided and isinstance(event.data, RefundRequested)))
    for name, times in published.items():
        if times > 1:
            raise Violation("one thing is published twice", f"{order_id}: {name} {times} times")
    place_by = next((event.data.place_by for event in events if hasattr(event.data, "place_by")), None)
    until = next((event.data.until for event in events if isinstance(event.data, InventoryReserved)), None)
    for event in events:
        match event.data:
            case InventoryReserved() if place_by is None or event.time > place_by:
                raise Violation("stock is reserved for an order that is too old", event.id)
            case InventoryReservationFailed(reason=RefusalReason.EXPIRED) if place_by and event.time <= place_by:
                raise Violation("an order is refused as too old before its time", event.id)
            case InventoryReservationFailed(reason=RefusalReason.SOLD_OUT, shortages=shortages) if not shortages or any(
                each.available >= each.requested for each in shortages
            ):
                raise Violation("an order is refused for stock that was there", event.id)
            case PaymentFailed(reason=PaymentFailure.WINDOW_CLOSED) if until is None or event.time < until:
                raise Violation("the window closes before its time", event.id)


def _said(event: Event) -> str:
    """What an event says happened: of returns, refunds and attempts an order may have several."""
    about = [
        str(getattr(event.data, name))
        for name in ("return_id", "refund_id", "dispute_id", "attempt")
        if hasattr(event.data, name)
    ]
    by_hand = ["by hand"] if isinstance(event.data, PaymentRefunded) and event.data.reference else []
    return " ".join((event.data.event_type.name, *about[:1], *by_hand))


def _check_carts(world: World) -> None:
    """An order is the cart that its shopper saw, which is ordered once, and empty afterwards."""
    carts = {(cart["userId"], cart["version"]): cart for cart in world.carts.images}
    ordered: dict[tuple[str, int], str] = {}
    for order_id, item in world.orders.items.items():
        order = ORDERS.from_item(item).state
        seen = order.user_id, world.commands[order_id, order.fingerprint].cart_version
        lines = [(line["productId"], line["quantity"]) for line in carts.get(seen, {"items": ()})["items"]]
        if lines != [(line.product_id, line.quantity) for line in order.items]:
            raise Violation("an order is not the cart that was seen", f"{order_id}: {order.items}, cart {lines}")
        if seen in ordered:
            raise Violation("a cart is ordered twice", f"{seen}, by {ordered[seen]} and {order_id}")
        ordered[seen] = order_id
    if len(carts) < len(world.carts.images):
        raise Violation("a change of a cart is lost", f"{len(world.carts.images)} writes, {len(carts)} versions")
    for (user_id, version), order_id in ordered.items():
        after = carts.get((user_id, version + 1))
        if after is None or after["items"]:
            raise Violation("an ordered cart is not emptied", f"{order_id}: {after}")


def _check_stock(world: World) -> None:
    """For each product: reserved, and sold less what came back, and what was written off, as reservations have it; and
    what came in, as staff said."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in ("reserved", "sold", "written off")}
    for item in world.stock.items.values():
        reservation = RESERVATIONS.from_item(item).state
        kept = {ReservationStatus.HELD: "reserved", ReservationStatus.COMMITTED: "sold"}.get(reservation.status)
        if kept:
            counted[kept].update({line.product_id: line.quantity for line in reservation.lines})
        counted["written off"].update({line.product_id: line.quantity for line in reservation.written_off})
        for line in (line for each in reservation.returns for line in each.lines):
            counted["sold"].subtract({line.product_id: line.quantity})
            counted["written off"].update({line.product_id: line.write_off})
    moved: dict[MovementKind, Counter[str]] = {kind: Counter() for kind in MovementKind}
    for movement in world.stock.movements.values():
        moved[movement.kind][movement.product_id] += movement.delta
    counted["written off"].subtract(moved[MovementKind.DAMAGE])
    for product, counters in world.stock.counters.items():
        received = world.schedule.received[product] + moved[MovementKind.RECEIPT][product]
        if (counters.received, counters.adjusted) != (received, moved[MovementKind.COUNT][product]):
            raise Violation("stock and movements do not fit", f"{product}: {counters}, {moved}")
        found = {name: counts[product] for name, counts in counted.items()}
        if found != {"reserved": counters.reserved, "sold": counters.sold, "written off": counters.written_off}:
            raise Violation("stock and reservations do not fit", f"{product}: {counters}, {found}")
