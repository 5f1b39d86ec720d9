"""What a shopper can ask of orders: over ports, without HTTP. The API and the simulation call the same functions."""

from datetime import datetime
from typing import Protocol

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.envelope import Cause
from cloudretail.errors import Conflict, InvalidInput, LostRace, NotFound, Transient
from cloudretail.repository import Repository, Settled, transact
from contract.values import OrderStatus
from orders.domain import Basket, CancelByShopper, Cart, Order, PlaceOrder, Shopper, decide, place


class Checkouts(Protocol):
    """What the checkouts of one shopper read and write."""

    def order_and_cart(self, order_id: str) -> tuple[Order | None, Cart]:
        """The shopper's order of this id, None where there is none, and the cart; both read consistently."""
        ...

    def basket(self, cart: Cart) -> Basket:
        """Today's prices and stock of what is in `cart`."""
        ...

    def place(self, change: Change[Order], cart_version: int, cause: Cause, now: datetime) -> None:
        """Put the order and empty the cart, both or neither.

        Raises:
            LostRace: there is an order of this id already.
            Conflict: the cart is no longer at `cart_version`.
            Transient: other writes were in the way for too long.
        """
        ...


def check_out(
    checkouts: Checkouts, order_id: str, command: PlaceOrder, shopper: Shopper, cause: Cause, now: datetime
) -> Settled[Order]:
    """Place an order. The same command with the same id is the same order, whenever it comes.

        request A    no such order                             placed
        request B    no such order    LostRace: A was faster            the order of A, which is the answer to both

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
        Conflict: as `place`.
        InvalidInput: the id belongs to an order that another command has placed.
        Transient: other writes were in the way for too long.
    """
    context = Context(order_id, cause.id, now)
    # The second time round finds the order that a request with the same id has placed at the same moment.
    for _ in range(2):
        existing, cart = checkouts.order_and_cart(order_id)
        if existing:
            return _repeated(existing, command)
        change = place(command, checkouts.basket(cart), shopper, context)
        try:
            checkouts.place(change, command.cart_version, cause, now)
        except LostRace:
            continue
        return Settled(change, change.state)
    raise Transient("the order was placed, but cannot be read yet")


def _repeated(order: Order, command: PlaceOrder) -> Settled[Order]:
    if order.fingerprint != command.fingerprint:
        raise InvalidInput(
            "Idempotency-Key",
            "You have already placed an order from this page.",
            type="idempotency-key-reused",
            detail="You have already placed an order from this page. You can find it in your orders.",
        )
    return Settled(Nothing("the order was placed"), order)


def cancel(orders: Repository[Order], order_id: str, cause: Cause, now: datetime) -> Settled[Order]:
    """Call an order off.

    Args:
        orders: of the shopper who asks.
        order_id: of the order.
        cause: the request.
        now: aware.

    Returns:
        The order, which is cancelled: now, or before.

    Raises:
        NotFound: the shopper has no such order.
        Conflict: it can no longer be cancelled.
        Contention: the race was lost again and again.
    """

    def answer(order: Order | None) -> Decision[Order]:
        if order is None:
            raise NotFound("order")
        return decide(order, CancelByShopper(), Context(order_id, cause.id, now))

    settled = transact(orders, order_id, answer, cause, now)
    assert settled.state, "an order that was found is there"
    # An order that is cancelled already is what was asked for.
    if settled.state.status is not OrderStatus.CANCELLED:
        status = settled.state.status
        raise Conflict("not-cancellable", "This order can no longer be cancelled.", orderStatus=status)
    return settled
