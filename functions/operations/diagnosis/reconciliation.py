"""What must always be true across the tables: of stock, and of every order that has come to rest. Pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from cloudretail.model import Model
from operations.diagnosis.keys import is_refund
from operations.diagnosis.tables import (
    TABLES,
    AccountRow,
    ChargeRow,
    OrderPart,
    OrderRow,
    PaymentRow,
    ReservationRow,
    StockRow,
    Table,
    TableSnapshot,
)

SETTLED_AFTER = timedelta(minutes=5)
"""An order that changed since is still on its way: its rows need not agree yet."""

SHOULD_HAVE_ENDED = timedelta(minutes=15)
"""Within this time after it was placed an order is reserved or rejected; after its window has closed it has ended."""

SANDBOX = "sandbox"
"""The payment provider whose charges are in a table of the shop."""

CHARGED = {"SUCCEEDED": {1}, "REFUNDING": {1}, "REFUND_FAILED": {1}, "SUBMITTED": {0, 1}}
"""By a card payment's status, how many charges are taken and not refunded; none for any other status."""


class Violation(Model):
    """An invariant that does not hold.

    Attributes:
        rule: which one.
        table: of the row that breaks it.
        key: of that row.
        text: what the row says, and what it should.
    """

    rule: str
    table: str
    key: str
    text: str


def violations(snapshot: TableSnapshot, now: datetime) -> list[Violation]:
    """Every invariant that does not hold, by rule.

    Args:
        snapshot: all rows.
        now: aware.
    """
    found = [violation for rule in RULES for violation in rule(snapshot, now)]
    return sorted(found, key=lambda each: (each.rule, each.key))


def _stock(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """The counters of a product add up, and are what its reservations say."""
    del now
    counters = {row.product_id: row for row in snapshot.all(StockRow)}
    held = _units(snapshot.all(ReservationRow), "HELD")
    committed = _units(snapshot.all(ReservationRow), "COMMITTED")
    for product in sorted(counters.keys() | held.keys() | committed.keys()):
        row = counters.get(product, StockRow(product_id=product))
        available, reserved, sold = row.available_qty, row.reserved_qty, row.sold_qty

        def wrong(rule: str, text: str, product: str = product) -> Violation:
            return Violation(rule=rule, table="Inventory", key=product, text=text)

        if available + reserved + sold != row.received_qty or min(available, reserved, sold) < 0:
            equation = f"{available} available + {reserved} reserved + {sold} sold"
            yield wrong("stock-equation", f"{equation} = {available + reserved + sold}, received {row.received_qty}")
        if reserved != held.get(product, 0):
            yield wrong("stock-reserved", f"{reserved} reserved, but reservations hold {held.get(product, 0)}")
        if sold != committed.get(product, 0):
            yield wrong("stock-sold", f"{sold} sold, but reservations committed {committed.get(product, 0)}")


def _units(reservations: Sequence[ReservationRow], status: str) -> dict[str, int]:
    units: dict[str, int] = {}
    for reservation in reservations:
        if reservation.status == status:
            for line in reservation.lines:
                units[line.product_id] = units.get(line.product_id, 0) + line.quantity
    return units


def _parts(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """A row about an order agrees with the order: there is one, and it is where the order's status says."""
    tables = [table for table in TABLES if table.at_rest]
    for order_id in snapshot.order_ids:
        rows = snapshot.of_order(order_id)
        order, parts = rows.order, rows.parts
        for table in tables:
            part = parts.get(table.row_name)
            if order is None:
                if part:
                    yield _part(table, part, f"{part.status}, but there is no order {order_id}")
                continue
            expected = table.at_rest.get(order.status)
            if expected is None or now - order.since <= SETTLED_AFTER:
                continue
            if part is None:
                text = f"{order.status}, but there is no {table.row_name}"
                yield _order(f"{table.row_name}-of-order", order, text)
            elif part.status not in expected:
                yield _part(table, part, f"{part.status}, but the order is {order.status}")


def _part(table: Table, part: OrderPart, text: str) -> Violation:
    key = part.payment_id if isinstance(part, PaymentRow) else part.order_id
    return Violation(rule=f"{table.row_name}-of-order", table=table.name, key=key, text=text)


def _payments(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """A payment is about the order's total, and no refund is refused."""
    del now
    for payment in snapshot.all(PaymentRow):
        order = snapshot.of_order(payment.order_id).order
        if order and payment.amount is not None:
            total, paid = (order.total_amount, order.currency), (payment.amount, payment.currency)
            if paid != total:
                text = f"{paid[1]} {paid[0]}, but the order's total is {total[1]} {total[0]}"
                yield _payment("payment-of-order", payment.payment_id, text)
        if payment.refund_refused:
            yield _payment("refund", payment.payment_id, "the provider refused the refund for good")


def _payment(rule: str, payment_id: str, text: str) -> Violation:
    return Violation(rule=rule, table="Payments", key=payment_id, text=text)


def _charges(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """As many charges are taken and not refunded as a payment's status says."""
    del now
    payments = {payment.payment_id: payment for payment in snapshot.all(PaymentRow)}
    # Of other providers this shop keeps no books.
    taken = dict.fromkeys((key for key, payment in payments.items() if payment.provider in (None, SANDBOX)), 0)
    for charge in snapshot.all(ChargeRow):
        payment_id = charge.charge_key.partition(":")[0]
        if charge.outcome == "ACCEPTED":
            taken[payment_id] = taken.get(payment_id, 0) + (-1 if is_refund(charge.charge_key) else 1)
    for payment_id, number in taken.items():
        payment = payments.get(payment_id)
        if payment is None:
            yield _payment("charged-once", payment_id, f"{number} charges taken, but there is no such payment")
        elif number not in _expected(payment):
            how = "paid in cash" if payment.method == "COD" else payment.status
            yield _payment("charged-once", payment_id, f"{how}, but {number} charges are taken and not refunded")


def _expected(payment: PaymentRow) -> set[int]:
    """How many charges may be taken and not refunded."""
    own = {0} if payment.method == "COD" else CHARGED.get(payment.status, {0})
    refused = sum(refund.status == "REFUSED" for refund in payment.refunds)
    requested = sum(refund.status == "REQUESTED" for refund in payment.refunds)
    return {number + refused + going for number in own for going in range(requested + 1)}


def _unended(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """Every order ends."""
    for order in snapshot.all(OrderRow):
        if order.status == "PENDING" and now - order.created_at > SHOULD_HAVE_ENDED:
            yield _order("should-have-ended", order, f"PENDING since {order.since.isoformat()}")
        until = order.reserved_until
        if order.status == "RESERVED" and until and now - until > SHOULD_HAVE_ENDED:
            yield _order("should-have-ended", order, f"RESERVED, but only until {until.isoformat()}")


def _accounts(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """An account holds its open orders, which nobody has paid by card, and no others."""
    del now
    held = {(row.user_id, order_id) for row in snapshot.all(AccountRow) for order_id in row.held}
    open_ = {
        (order.user_id, order.order_id)
        for order in snapshot.all(OrderRow)
        if order.status in ("PENDING", "RESERVED") or (order.status, order.payment_method) == ("CONFIRMED", "COD")
    }
    for user_id, order_id in sorted(held ^ open_):
        text = f"does not hold {order_id}, which is open"
        if (user_id, order_id) in held:
            text = f"holds {order_id}, which is not open"
        yield Violation(rule="account-holds", table="Limits", key=user_id, text=text)


def _order(rule: str, order: OrderRow, text: str) -> Violation:
    return Violation(rule=rule, table="Orders", key=order.order_id, text=text)


RULES: tuple[Callable[[TableSnapshot, datetime], Iterator[Violation]], ...] = (
    _stock,
    _parts,
    _payments,
    _charges,
    _unended,
    _accounts,
)
