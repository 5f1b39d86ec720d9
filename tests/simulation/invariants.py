"""What must be true when everything has arrived, whatever happened on the way."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cloudretail.envelope import Event
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.payments import PaymentDeclined, PaymentFailed, PaymentRefunded, PaymentRefundFailed, PaymentSucceeded
from contract.values import OrderStatus, PaymentFailure, PaymentMethod, RefusalReason
from inventory.domain import ReservationStatus
from orders.store import ORDERS
from payments.domain import MAX_ATTEMPTS, PaymentStatus, RefundStatus, payment_id_of
from payments.providers import Accepted
from tests.simulation.schedule import Kind, Step, Violation
from tests.simulation.world import World, read

ENDS: dict[OrderStatus, tuple[frozenset[ReservationStatus], frozenset[PaymentStatus]]] = {
    OrderStatus.CONFIRMED: (
        frozenset({ReservationStatus.COMMITTED}),
        frozenset({PaymentStatus.SUCCEEDED}),
    ),
    OrderStatus.REJECTED: (
        frozenset({ReservationStatus.REFUSED}),
        frozenset({PaymentStatus.VOIDED}),
    ),
    OrderStatus.CANCELLED: (
        frozenset({ReservationStatus.RELEASED, ReservationStatus.REFUSED}),
        frozenset({PaymentStatus.VOIDED, PaymentStatus.FAILED, PaymentStatus.REFUNDED, PaymentStatus.REFUND_FAILED}),
    ),
}
"""The states in which an order may end, and those of its reservation and its payment then."""

ENDED = frozenset({PaymentStatus.VOIDED, PaymentStatus.FAILED, PaymentStatus.REFUNDED})
"""The payments of which nothing may be kept."""

REPEATABLE = {"PaymentSubmitted": MAX_ATTEMPTS, "PaymentDeclined": MAX_ATTEMPTS - 1}
"""How often these may be published about an order; anything else is published once."""

NOTED = (PaymentDeclined, PaymentRefunded, PaymentRefundFailed)
"""What moves no order, but belongs to its story."""


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
        | {f"stock of {key}": counters for key, counters in world.stock.counters.items()}
        | {f"account of {user}": account for user, account in world.orders.accounts.items()}
        | {f"attempt {attempt.reference}": replace(attempt) for attempt in world.gateway.attempts}
        | {f"refund {index}": refund for index, refund in enumerate(world.gateway.refunds)}
        | dict(world.archive)
    )


def _check_accounts(world: World) -> None:
    """When everything has arrived, an account holds what is to be paid in cash on delivery, and nothing else."""
    due = {
        (order["userId"], order_id)
        for order_id, order in world.orders.items.items()
        if (order["status"], order.get("paymentMethod")) == (OrderStatus.CONFIRMED, PaymentMethod.COD)
    }
    held = {(user, order_id) for user, account in world.orders.accounts.items() for order_id in account.held}
    if held != due:
        raise Violation("an account holds what it should not", f"{sorted(held ^ due)}")


def _check_order(world: World, order_id: str, events: list[Event]) -> None:
    order = ORDERS.from_item(world.orders.items[order_id]).state
    reservation = world.stock.items.get(order_id, {}).get("status")
    payment = world.payments.items.get(payment_id_of(order_id), {})
    found = f"{order_id}: {order.status}, reservation {reservation}, payment {payment.get('status')}"
    if order.status not in ENDS:
        raise Violation("an order does not end", found)
    reservations, payments = ENDS[order.status]
    if reservation not in reservations or payment.get("status") not in payments:
        raise Violation("the services end in different ways", found)
    _check_money(world, order_id, found, events)
    if "cardToken" in payment:
        raise Violation("a card token outlives its attempt", found)
    for event in events:
        if isinstance(event.data, NOTED) and not order.has_noted(event.id):
            raise Violation("the story leaves something out", f"{found}: {event.id}")
    causes = Counter(entry.caused_by for entry in order.history)
    if max(causes.values()) > 1:
        raise Violation("the story notes one thing twice", f"{found}: {causes.most_common(1)}")
    unexpected = len(payment.get("refunds", ()))
    _check_published(
        order_id, events, dict.fromkeys(("RefundRequested", "PaymentRefunded", "PaymentRefundFailed"), unexpected)
    )
    chosen = world.schedule.baskets[order_id].cod or payment.get("method")
    if payment.get("status") == PaymentStatus.FAILED and chosen and not payment["attempts"]:
        raise Violation("an order that was chosen to be paid is cancelled unpaid", found)


def _check_money(world: World, order_id: str, found: str, events: list[Event]) -> None:
    payment = world.payments.items[payment_id_of(order_id)]
    names = {event.data.event_type.name for event in events}
    kept = len(world.gateway.kept(payment["paymentId"]))
    paid_by_card = payment["status"] == PaymentStatus.SUCCEEDED and payment["method"] == PaymentMethod.CARD
    # Money that the card cannot be given back is a person's work; it is published, and only then.
    refunds = [refund["status"] for refund in payment.get("refunds", ())]
    stuck = (payment["status"] == PaymentStatus.REFUND_FAILED) + refunds.count(RefundStatus.REFUSED)
    if kept > stuck and payment["status"] in ENDED:
        raise Violation("money is kept by a payment that ended", f"{found}: {kept} charges kept")
    if kept != paid_by_card + stuck or RefundStatus.REQUESTED in refunds:
        raise Violation("money and order do not fit", f"{found}: {kept} charges kept, refunds {refunds}")
    for event in events:
        match event.data:
            case PaymentSucceeded(method=PaymentMethod.CARD, attempt=attempt):
                accepted = True
            case PaymentDeclined(attempt=attempt):
                accepted = False
            case _:
                continue
        answers = [answer == Accepted() for answer in world.gateway.answers(f"{payment['paymentId']}:{attempt}")]
        if accepted not in answers:
            raise Violation("the gateway never gave this answer", event.id)
    if (stuck > 0) != ("PaymentRefundFailed" in names):
        raise Violation("a refund that failed was not published", found)


def _check_published(order_id: str, events: list[Event], more: Mapping[str, int]) -> None:
    published = Counter(event.data.event_type.name for event in events)
    for name, times in published.items():
        if times > REPEATABLE.get(name, 1) + more.get(name, 0):
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


def _check_carts(world: World) -> None:
    """An order is the cart that its shopper saw, which is ordered once, and empty afterwards."""
    carts = {(cart["userId"], cart["version"]): cart for cart in world.carts.images}
    ordered: dict[tuple[str, int], str] = {}
    for order_id, item in world.orders.items.items():
        order = ORDERS.from_item(item).state
        seen = order.user_id, world.commands[order_id, order.fingerprint].cart_version
        lines = [(line["productId"], line["quantity"]) for line in carts[seen]["items"]]
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
    held: Counter[str] = Counter()
    sold: Counter[str] = Counter()
    for reservation in world.stock.items.values():
        kept = {ReservationStatus.HELD: held, ReservationStatus.COMMITTED: sold}.get(reservation["status"])
        for line in reservation["lines"] if kept is not None else ():
            kept[line["productId"]] += line["quantity"]  # type: ignore[index]
    for product, counters in world.stock.counters.items():
        if (counters.reserved, counters.sold) != (held[product], sold[product]):
            raise Violation(
                "stock and reservations do not fit",
                f"{product}: {counters}, held {held[product]}, sold {sold[product]}",
            )
