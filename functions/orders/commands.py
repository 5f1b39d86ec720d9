"""What a shopper can ask of orders: over ports, without HTTP. The API and the simulation call the same functions."""

from datetime import datetime
from typing import Protocol

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.envelope import Cause
from cloudretail.errors import Conflict, Contention, InvalidInput, LostRace, NotFound
from cloudretail.repository import MAX_RACES, Repository, Settled, pause_before_retry, transact
from contract.values import OrderStatus
from orders.domain import Account, Basket, CancelByShopper, Cart, Order, PlaceOrder, Shopper, decide, place


class Checkouts(Protocol):
    """What the checkouts of one shopper read and write."""

    def order_cart_and_account(self, order_id: str) -> tuple[Order | None, Cart, Account]:
        """The shopper's order of this id, None where there is none, the cart and what is held.

        Each read is consistent, and they are no snapshot.
        """
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
        Conflict: as `place`.
        InvalidInput: the id belongs to an order that another command has placed.
        Transient: other writes were in the way for too long.
    """
    context = Context(order_id, cause.id, now)
    for race in range(MAX_RACES):
        existing, cart, account = checkouts.order_cart_and_account(order_id)
        if existing:
            return _repeated(existing, command)
        try:
            change = place(command, checkouts.basket(cart), account, shopper, context)
            checkouts.place(change, command.cart_version, account, cause, now)
        except LostRace:
            pause_before_retry(race)
        except Conflict:
            # The reads are no snapshot: what stands in the way may be the very order that was not there yet.
            existing, *_ = checkouts.order_cart_and_account(order_id)
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
