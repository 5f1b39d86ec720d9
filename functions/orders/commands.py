"""The use cases of orders, over ports and without HTTP. The API and the simulation call the same functions."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from cloudretail.decider import Change, Context, Decision, Nothing
from cloudretail.envelope import Cause
from cloudretail.errors import Conflict, Contention, InvalidInput, LostRace, NotFound
from cloudretail.repository import MAX_RACES, Repository, Settled, pause_before_retry, transact
from contract.values import Address, OrderStatus
from orders import address_book
from orders.address_book import AddressBook
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
    """What a checkout reads and writes, for one shopper."""

    def look(self, order_id: str) -> Look:
        """Read the state that a checkout begins with. Each read is consistent, but together they are not a snapshot."""
        ...

    def order(self, order_id: str) -> Order | None:
        """The shopper's order with this id, by a consistent read; None if there is none."""
        ...

    def basket(self, cart: Cart) -> Basket:
        """Today's prices and stock of what is in `cart`."""
        ...

    def place(self, change: Change[Order], cart_version: int, account: Account, cause: Cause, now: datetime) -> None:
        """Put the order, empty the cart and add the order to the account's open orders, all or nothing.

        Raises:
            LostRace: an order with this id exists already, or the account's open orders have changed since the read.
            Conflict: the cart is no longer at `cart_version`.
            Transient: other transactions kept colliding with this one.
        """
        ...


def check_out(
    checkouts: Checkouts, order_id: str, command: PlaceOrder, shopper: Shopper, cause: Cause, now: datetime
) -> Settled[Order]:
    """Place an order. A repeated command with the same id returns the same order, however late it comes.

        request A    no such order               placed
        request B    no such order                        LostRace, or a cart that A has emptied: the order of A

    The write is conditional on the version of the account's open orders. So two checkouts of one account never use the
    same room under its limits.

    Args:
        checkouts: the shopper's.
        order_id: derived by `order_id_of`.
        command: what the shopper orders, and the prices that they saw.
        shopper: who orders.
        cause: the request.
        now: aware.

    Returns:
        The order, whether this call or an earlier one placed it.

    Raises:
        Conflict, InvalidInput: as `place`; or the id belongs to an order with another content.
        Transient: other transactions kept colliding with this one.
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
            # The reads are not a snapshot: a request with the same key may have placed the order in between, and
            # emptied the cart. So the order is read once more, last of all, before a refusal is answered.
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
    """Cancel an order. A confirmed order becomes CANCELLING first, since its parcel may have left already.

    Args:
        orders: those that the caller may cancel.
        order_id: of the order.
        command: who cancels, and why.
        cause: the request.
        now: aware.

    Returns:
        The order, which is CANCELLED or CANCELLING. It may have been so before.

    Raises:
        NotFound: the caller has no such order.
        Conflict: the order can no longer be cancelled.
        Contention: too many lost races in a row.
    """

    def answer(order: Order | None) -> Decision[Order]:
        return decide(_found(order), command, Context(order_id, cause.id, now))

    settled = transact(orders, order_id, answer, cause, now)
    status = _found(settled.state).status
    # An order that is cancelled already is a success: that is what the caller wants.
    if status not in (OrderStatus.CANCELLED, OrderStatus.CANCELLING):
        raise Conflict("not-cancellable", _TOO_LATE[status], orderStatus=status)
    return settled


def send_back(
    orders: Repository[Order], order_id: str, command: RequestReturn, cause: Cause, now: datetime
) -> Settled[Order]:
    """Request a return.

    Args:
        orders: the shopper's.
        order_id: of the order.
        command: what the shopper sends back.
        cause: the request.
        now: aware.

    Raises:
        NotFound: the shopper has no such order.
        Conflict, InvalidInput: as `request_return`.
        Contention: too many lost races in a row.
    """

    def answer(order: Order | None) -> Decision[Order]:
        return request_return(_found(order), command, Context(order_id, cause.id, now))

    return transact(orders, order_id, answer, cause, now)


def withdraw(orders: Repository[Order], order_id: str, return_id: str, cause: Cause, now: datetime) -> Settled[Order]:
    """Withdraw a return.

    Raises:
        NotFound: the shopper has no such order, or the order has no such return.
        Conflict: the return was accepted or refused.
        Contention: too many lost races in a row.
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
    """Change the rates, if they are still those that the member of staff has seen.

    Args:
        rates: the repository with the only row of rates.
        changes: new values, by the field names of Rates.
        seen: version that the member of staff has seen; 0 where there were no rates yet.
        by: user id of the member of staff.
        currency: of the shop.
        is_country: whether a text is a country's code.
        cause: the request.
        now: aware.

    Raises:
        InvalidInput: as `require_sound`.
        Conflict: the rates have changed since.
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


def addresses(books: Repository[AddressBook], user_id: str) -> AddressBook:
    """What an account keeps; an empty book where it has never kept anything."""
    row = books.load(user_id)
    return row.state if row else AddressBook(user_id=user_id)


def save_address(
    books: Repository[AddressBook],
    user_id: str,
    address_id: str,
    address: Address,
    *,
    is_default: bool,
    cause: Cause,
    now: datetime,
) -> AddressBook:
    """Keep an address; raises as `address_book.save`, or Contention."""

    def decide_save(book: AddressBook | None) -> Decision[AddressBook]:
        return address_book.save(book or AddressBook(user_id=user_id), address_id, address, is_default=is_default)

    return transact(books, user_id, decide_save, cause, now).state or AddressBook(user_id=user_id)


def remove_address(
    books: Repository[AddressBook], user_id: str, address_id: str, cause: Cause, now: datetime
) -> AddressBook:
    """Keep an address no longer; raises as `address_book.remove`, or Contention."""

    def decide_remove(book: AddressBook | None) -> Decision[AddressBook]:
        return address_book.remove(book or AddressBook(user_id=user_id), address_id)

    return transact(books, user_id, decide_remove, cause, now).state or AddressBook(user_id=user_id)
