"""The invariants across tables: what is true of every order that has come to rest, and of stock always. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cloudretail.model import Model
from operations.keys import is_refund
from operations.rows import Books, OrderRow, PaymentRow, ReservationRow, StockRow

SANDBOX = "sandbox"
"""The payment provider whose charges are in a table of the shop."""

SETTLED_AFTER = timedelta(minutes=5)
"""Orders that heard of something since are on their way: their rows need not agree yet."""

SHOULD_HAVE_ENDED = timedelta(minutes=15)
"""After it was placed an order is reserved or rejected; after its window has closed it has ended."""


class Broken(Model):
    """An invariant that does not hold.

    Attributes:
        rule: which one.
        table: of the row that breaks it.
        key: of that row.
        text: what is so, and what should be.
    """

    rule: str
    table: str
    key: str
    text: str


RESERVATIONS_OF = {
    "RESERVED": {"HELD"},
    "CONFIRMED": {"COMMITTED"},
    "REJECTED": {"REFUSED"},
    # Called off before inventory refused it, the refusal stays.
    "CANCELLED": {"RELEASED", "REFUSED"},
}
"""Where the goods of an order are that has come to rest."""

PAYMENTS_OF = {
    "RESERVED": {"OPEN", "SUBMITTED"},
    "CONFIRMED": {"SUCCEEDED"},
    "REJECTED": {"VOIDED"},
    "CANCELLED": {"VOIDED", "FAILED", "REFUNDED", "REFUNDING"},
}
"""How the payment of an order stands that has come to rest."""

CHARGED = {"SUCCEEDED": {1}, "REFUNDING": {1}, "REFUND_FAILED": {1}, "SUBMITTED": {0, 1}}
"""How many of a card payment's charges are taken and not given back; of any other status none is."""


def broken(books: Books, now: datetime) -> list[Broken]:
    """Every invariant that does not hold, by rule.

    Args:
        books: as they were read.
        now: aware.
    """
    found = [
        *_stock(books),
        *_reservations(books, now),
        *_payments(books, now),
        *_charges(books),
        *_unended(books, now),
    ]
    return sorted(found, key=lambda each: (each.rule, each.key))


def _stock(books: Books) -> Iterator[Broken]:
    held = _units(books, "HELD")
    sold = _units(books, "COMMITTED")
    for product in sorted(books.stock.keys() | held.keys() | sold.keys()):
        row = books.stock.get(product, StockRow(product_id=product))
        available, reserved, gone = row.available_qty, row.reserved_qty, row.sold_qty

        def wrong(rule: str, text: str, product: str = product) -> Broken:
            return Broken(rule=rule, table="Inventory", key=product, text=text)

        if available + reserved + gone != row.received_qty or min(available, reserved, gone) < 0:
            equation = f"{available} available + {reserved} reserved + {gone} sold"
            yield wrong("stock-equation", f"{equation} = {available + reserved + gone}, received {row.received_qty}")
        if reserved != held.get(product, 0):
            yield wrong("stock-reserved", f"{reserved} reserved, but reservations hold {held.get(product, 0)}")
        if gone != sold.get(product, 0):
            yield wrong("stock-sold", f"{gone} sold, but reservations committed {sold.get(product, 0)}")


def _units(books: Books, status: str) -> dict[str, int]:
    units: dict[str, int] = {}
    for reservation in books.reservations.values():
        if reservation.status == status:
            for line in reservation.lines:
                units[line.product_id] = units.get(line.product_id, 0) + line.quantity
    return units


def _settled(order: OrderRow, now: datetime) -> bool:
    return now - order.since > SETTLED_AFTER


def _reservations(books: Books, now: datetime) -> Iterator[Broken]:
    for order_id, reservation in books.reservations.items():
        if order_id not in books.orders:
            yield _reservation(reservation, f"{reservation.status}, but there is no such order")
    for order_id, order in books.orders.items():
        expected = RESERVATIONS_OF.get(order.status)
        if not _settled(order, now) or expected is None:
            continue
        found = books.reservations.get(order_id)
        if found is None:
            yield _order("reservation-of-order", order, f"{order.status}, but there is no reservation")
        elif found.status not in expected:
            yield _reservation(found, f"{found.status}, but the order is {order.status}")


def _reservation(row: ReservationRow, text: str) -> Broken:
    return Broken(rule="reservation-of-order", table="Reservations", key=row.order_id, text=text)


def _payments(books: Books, now: datetime) -> Iterator[Broken]:
    for order_id, payment in books.payments.items():
        order = books.orders.get(order_id)
        if order is None:
            yield _payment(payment, f"{payment.status}, but there is no order {order_id}")
        elif payment.amount is not None and (payment.amount, payment.currency) != (order.total_amount, order.currency):
            sums = (
                f"{payment.currency} {payment.amount}, but the order's total is {order.currency} {order.total_amount}"
            )
            yield _payment(payment, sums)
        elif payment.refund_refused:
            yield Broken(
                rule="refund", table="Payments", key=payment.payment_id, text="the provider refused the refund for good"
            )
    for order_id, order in books.orders.items():
        expected = PAYMENTS_OF.get(order.status)
        if not _settled(order, now) or expected is None:
            continue
        found = books.payments.get(order_id)
        if found is None:
            yield _order("payment-of-order", order, f"{order.status}, but there is no payment")
        elif found.status not in expected and found.status != "REFUND_FAILED":
            yield _payment(found, f"{found.status}, but the order is {order.status}")


def _payment(row: PaymentRow, text: str) -> Broken:
    return Broken(rule="payment-of-order", table="Payments", key=row.payment_id, text=text)


def _charges(books: Books) -> Iterator[Broken]:
    payments = {payment.payment_id: payment for payment in books.payments.values()}
    # Of other providers this shop keeps no books.
    taken = dict.fromkeys((key for key, payment in payments.items() if payment.provider in (None, SANDBOX)), 0)
    for key, charge in books.charges.items():
        payment_id = key.partition(":")[0]
        if charge.outcome == "ACCEPTED":
            taken[payment_id] = taken.get(payment_id, 0) + (-1 if is_refund(key) else 1)
    for payment_id, number in taken.items():
        payment = payments.get(payment_id)
        if payment is None:
            yield _charge(payment_id, f"{number} charges taken, but there is no such payment")
        elif number not in _expected(payment):
            how = "paid in cash" if payment.method == "COD" else payment.status
            yield _charge(payment_id, f"{how}, but {number} charges are taken and not given back")


def _expected(payment: PaymentRow) -> set[int]:
    """How many charges may be taken and not given back."""
    own = {0} if payment.method == "COD" else CHARGED.get(payment.status, {0})
    refused = sum(refund.status == "REFUSED" for refund in payment.refunds)
    requested = sum(refund.status == "REQUESTED" for refund in payment.refunds)
    return {number + refused + going for number in own for going in range(requested + 1)}


def _charge(payment_id: str, text: str) -> Broken:
    return Broken(rule="charged-once", table="Payments", key=payment_id, text=text)


def _unended(books: Books, now: datetime) -> Iterator[Broken]:
    for order in books.orders.values():
        if order.status == "PENDING" and now - order.created_at > SHOULD_HAVE_ENDED:
            yield _order("should-have-ended", order, f"PENDING since {order.since.isoformat()}")
        until = order.reserved_until
        if order.status == "RESERVED" and until and now - until > SHOULD_HAVE_ENDED:
            yield _order("should-have-ended", order, f"RESERVED, but only until {until.isoformat()}")


def _order(rule: str, order: OrderRow, text: str) -> Broken:
    return Broken(rule=rule, table="Orders", key=order.order_id, text=text)
