"""What a shopper can ask of orders: over ports, without HTTP. The API and the simulation call the same functions."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.envelope import Cause
from cloudretail.errors import Conflict, Contention, InvalidInput, LostRace, NotFound
from cloudretail.repository import MAX_RACES, Repository, Settled, pause_before_retry, transact
from contract.values import OrderStatus
from orders.domain import (
    Account,
    Basket,
    Cancel,
    Cart,
    Look,
    Order,
    PlaceOrder,
    RequestReturn,
    Shopper,
    decide,
    place,
    request_return,
    withdraw_return,
)
from orders.rates import CURRENT, Rates, require_sound


class Checkouts(Protocol):
    """What the checkouts of one shopper read and write."""

    def look(self, order_id: str) -> Look:
        """What a checkout begins with; each read is consistent, and they are no snapshot."""
        ...

    def order(self, order_id: str) -> Order | None:
        """The shopper's order of this id, by a consistent read; None where there is none."""
        ...

    def basket(self, cart: Cart) -> Basket:
        """Today's prices and stock of what is in `cart`."""
        ...

    def place(self, change: Change[Order], cart_version: int, account: Account, cause: Cause, now: datetime) -> None:
        """Put the order, empty the cart, and have the account hold the order, all or nothing.

        Raises:
            LostRace: there is an order of this id already, or the account holds something else than it did.
            Conflict: the cart is no longer at `cart_version`.
            Transient: other writes were in the way for too long.
        """
        ...


def check_out(
    checkouts: Checkouts, order_id: str, command: PlaceOrder, shopper: Shopper, cause: Cause, now: datetime
) -> Settled[Order]:
    """Place an order. The same command with the same id is the same order, whenever it comes.

        request A    no such order               placed
        request B    no such order                        LostRace, or a cart that A has emptied: the order of A

    An account's checkouts and the ends of its orders are one after the other: what it holds is as it was read.

    Args:
        checkouts: of this shopper.
        order_id: derived by `order_id_of`.
        command: what is wanted.
        shopper: who wants it.
        cause: the request.
        now: aware.

    Returns:
        The order: placed now, or before.

    Raises:
        Conflict, InvalidInput: as `place`; or the id belongs to an order that another command has placed.
        Transient: other writes were in the way for too long.
    """
    context = Context(order_id, cause.id, now)
    for race in range(MAX_RACES):
        look = checkouts.look(order_id)
        if look.order:
            return _repeated(look.order, command)
        try:
            change = place(command, checkouts.basket(look.cart), look.account, look.rates, shopper, context)
            checkouts.place(change, command.cart_version, look.account, cause, now)
        except LostRace:
            pause_before_retry(race)
        except Conflict:
            # The reads are no snapshot: what stands in the way may be the very order that was not there yet. Nothing
            # is read after it, so that the answer is as true as its last look.
            existing = checkouts.order(order_id)
            if existing is None:
                raise
            return _repeated(existing, command)
        else:
            return Settled(change, change.state)
    raise Contention(f"{order_id}: lost {MAX_RACES} races in a row")


def _repeated(order: Order, command: PlaceOrder) -> Settled[Order]:
    if order.fingerprint != command.fingerprint:
        raise InvalidInput(
            "Idempotency-Key",
            "You have already placed an order from this page.",
            type="idempotency-key-reused",
            detail="You have already placed an order from this page. You can find it in your orders.",
        )
    return Settled(Nothing("the order was placed"), order)


_TOO_LATE = {
    OrderStatus.SHIPPED: "Your order is already on its way, so it can no longer be cancelled. "
    "Once it has arrived, you can send it back.",
    OrderStatus.DELIVERED: "Your order has been delivered, so it can no longer be cancelled. You can send it back.",
    OrderStatus.REJECTED: "This order was closed because an item sold out. There is nothing to cancel.",
}
"""Why an order cannot be cancelled, by its status."""


def cancel(orders: Repository[Order], order_id: str, command: Cancel, cause: Cause, now: datetime) -> Settled[Order]:
    """Call an order off. One that is confirmed is CANCELLING first: its parcel may have gone.

    Args:
        orders: of whoever asks.
        order_id: of the order.
        command: who asks, and why.
        cause: the request.
        now: aware.

    Returns:
        The order, which is CANCELLED or CANCELLING: now, or before.

    Raises:
        NotFound: they have no such order.
        Conflict: it can no longer be cancelled.
        Contention: the race was lost again and again.
    """

    def answer(order: Order | None) -> Decision[Order]:
        return decide(_found(order), command, Context(order_id, cause.id, now))

    settled = transact(orders, order_id, answer, cause, now)
    status = _found(settled.state).status
    # An order that is cancelled already is what was asked for.
    if status not in (OrderStatus.CANCELLED, OrderStatus.CANCELLING):
        raise Conflict("not-cancellable", _TOO_LATE[status], orderStatus=status)
    return settled


def send_back(
    orders: Repository[Order], order_id: str, command: RequestReturn, cause: Cause, now: datetime
) -> Settled[Order]:
    """Announce a return.

    Args:
        orders: of the shopper who asks.
        order_id: of the order.
        command: what is sent back.
        cause: the request.
        now: aware.

    Raises:
        NotFound: the shopper has no such order.
        Conflict, InvalidInput: as `request_return`.
        Contention: the race was lost again and again.
    """

    def answer(order: Order | None) -> Decision[Order]:
        return request_return(_found(order), command, Context(order_id, cause.id, now))

    return transact(orders, order_id, answer, cause, now)


def withdraw(orders: Repository[Order], order_id: str, return_id: str, cause: Cause, now: datetime) -> Settled[Order]:
    """Call a return off.

    Raises:
        NotFound: the shopper has no such order, or it has no such return.
        Conflict: the return was accepted or refused.
        Contention: the race was lost again and again.
    """

    def answer(order: Order | None) -> Decision[Order]:
        return withdraw_return(_found(order), return_id, Context(order_id, cause.id, now))

    return transact(orders, order_id, answer, cause, now)


def change_rates(
    rates: Repository[Rates],
    changes: Mapping[str, Any],
    seen: int,
    by: str,
    currency: str,
    is_country: Callable[[str], bool],
    cause: Cause,
    now: datetime,
) -> Settled[Rates]:
    """Put rates in place of those that a member of staff has read.

    Args:
        rates: their only row.
        changes: what is another, by the names of Rates.
        seen: version that they have read; 0 where there was none.
        by: their user id.
        currency: of the shop.
        is_country: knows the codes of all countries.
        cause: the request.
        now: aware.

    Raises:
        InvalidInput: as `require_sound`.
        Conflict: somebody else has changed them meanwhile.
    """
    row = rates.load(CURRENT)
    before = row.state if row else Rates()
    after = before.model_copy(update={**changes, "changed_by": by, "changed_at": now})
    require_sound(after, currency, is_country)
    changed = Conflict("rates-changed", "Somebody else has changed the rates meanwhile. Please look at theirs first.")
    if (row.version if row else 0) != seen:
        raise changed
    change = Change(after)
    try:
        rates.commit(CURRENT, row, change, cause, now)
    except LostRace:
        raise changed from None
    return Settled(change, after)


def _found(order: Order | None) -> Order:
    if order is None:
        raise NotFound("order")
    return order
