"""The rules that must hold across the tables: for stock, and for every order that waits for nothing. Pure.

Each rule needs some rows only, such as those of 25 orders, so tables of any size can be read part by part.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from cloudretail.model import Model
from operations.diagnosis.keys import refund_id_of
from operations.diagnosis.stuck import StuckOrder, waits_of
from operations.diagnosis.tables import (
    ABSENT,
    TABLES,
    AccountRow,
    ChargeRow,
    MailRow,
    OrderPart,
    OrderRow,
    OrderRows,
    PaymentRow,
    ReservationRow,
    StockRow,
    Table,
    TableSnapshot,
)

SETTLED_AFTER = timedelta(minutes=5)
"""The rows of an order that changed more recently need not agree yet."""

SHOULD_HAVE_ENDED = timedelta(minutes=15)
"""The time within which a placed order is reserved or rejected, and an order whose window has closed is ended."""

SANDBOX = "sandbox"
"""The payment provider whose charges are in a table of the shop."""


class Violation(Model):
    """An invariant that does not hold.

    Attributes:
        rule: name of the invariant.
        table: table of the row that breaks it.
        key: key of that row.
        text: what is in the row, what should be, and what to do next.
    """

    rule: str
    table: str
    key: str
    text: str


def of_orders(snapshot: TableSnapshot, now: datetime) -> list[Violation]:
    """Every invariant of orders that does not hold, by rule.

    Args:
        snapshot: the orders with all their rows, charges and accounts.
        now: aware.
    """
    return in_order(violation for rule in OF_ORDERS for violation in rule(snapshot, now))


def in_order(found: Iterable[Violation]) -> list[Violation]:
    """By rule and key."""
    return sorted(found, key=lambda each: (each.rule, each.key))


@dataclass(frozen=True)
class Pieces:
    """The sums of reservations of a product, in units."""

    held: int = 0
    committed: int = 0
    returned: int = 0
    written_off: int = 0

    def __add__(self, other: "Pieces") -> "Pieces":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Pieces(*(one + another for one, another in pairs))


def of_stock(counters: Iterable[StockRow], expected: Mapping[str, Pieces], *, settled: bool = True) -> list[Violation]:
    """Violations of counters that do not add up, or differ from the sums of the reservations.

    Args:
        counters: rows of some products.
        expected: the sums of the reservations of these products, by product id.
        settled: whether the rows did not change while the reservations were read. If not, only the rows themselves are
            checked.
    """
    found = []
    for row in counters:
        product, should = row.product_id, expected.get(row.product_id, Pieces())
        available, reserved, sold, written_off = row.available_qty, row.reserved_qty, row.sold_qty, row.written_off_qty
        sum_, came_in = available + reserved + sold + written_off, row.received_qty + row.adjusted_qty

        def wrong(rule: str, text: str, product: str = product) -> Violation:
            return Violation(rule=rule, table="Inventory", key=product, text=text)

        if sum_ != came_in or min(available, reserved, sold, written_off) < 0:
            equation = f"{available} available + {reserved} reserved + {sold} sold + {written_off} written off"
            found.append(wrong("stock-equation", f"{equation} = {sum_}, received and adjusted {came_in}"))
        if not settled:
            continue
        if reserved != should.held:
            found.append(wrong("stock-reserved", f"{reserved} reserved, but reservations hold {should.held}"))
        if sold != should.committed - should.returned:
            said = f"reservations committed {should.committed}, and {should.returned} of them came back"
            found.append(wrong("stock-sold", f"{sold} sold, but {said}"))
        if written_off < should.written_off:
            said = f"{should.written_off} of what came back cannot be sold again"
            found.append(wrong("stock-written-off", f"{written_off} written off, but {said}"))
    return in_order(found)


def expected_stock(reservations: Iterable[ReservationRow]) -> dict[str, Pieces]:
    """The sums of reservations, by product id."""
    found: defaultdict[str, Pieces] = defaultdict(Pieces)
    for reservation in reservations:
        for line in reservation.lines:
            held = line.quantity if reservation.status == "HELD" else 0
            committed = line.quantity if reservation.status == "COMMITTED" else 0
            found[line.product_id] += Pieces(held=held, committed=committed)
        for lost in reservation.written_off:
            found[lost.product_id] += Pieces(written_off=lost.quantity)
        for back in (line for booked in reservation.returns for line in booked.lines):
            found[back.product_id] += Pieces(returned=back.quantity, written_off=back.write_off)
    return dict(found)


def _parts(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """Every row about an order belongs to an existing order, and has a status that fits the order's status."""
    tables = [table for table in TABLES if table.at_rest]
    for order_id in snapshot.order_ids:
        rows = snapshot.of_order(order_id)
        order, parts = rows.order, rows.parts
        for table in tables:
            part = parts.get(table.row_name)
            if order is None:
                if part:
                    yield _part(table, part, f"{part.status}, but there is no order {order_id}", _trace(order_id))
                continue
            expected = table.at_rest.get(order.status)
            if expected is None or now - order.since <= SETTLED_AFTER:
                continue
            if part is None and ABSENT in expected:
                continue
            if part is None:
                text = f"{order.status}, but there is no {table.row_name}"
                yield _order(f"{table.row_name}-of-order", order, text, _next(rows, order, now))
            elif part.status not in expected:
                yield _part(table, part, f"{part.status}, but the order is {order.status}", _next(rows, order, now))


def _part(table: Table, part: OrderPart, text: str, next_: str) -> Violation:
    key = part.payment_id if isinstance(part, PaymentRow) else part.order_id
    return Violation(rule=f"{table.row_name}-of-order", table=table.name, key=key, text=f"{text}. {next_}")


def _next(rows: OrderRows, order: OrderRow, now: datetime) -> str:
    """The next command for an order whose rows do not agree: the one that helps, else its trace."""
    waits = waits_of(rows, now)
    return f"Next: {waits[0].blocker.command}" if waits else _trace(order.order_id)


def _trace(order_id: str) -> str:
    return f"Next: cloudretail orders trace {order_id}"


def _payments(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """A payment has the order's total; refunds are at most what was paid; of a cancelled order, nothing is kept."""
    for payment in snapshot.all(PaymentRow):
        order = snapshot.of_order(payment.order_id).order
        if order and payment.amount is not None:
            total, paid = (order.total_amount, order.currency), (payment.amount, payment.currency)
            if paid != total:
                text = f"{_money(paid[0], payment)}, but the order's total is {total[1]} {total[0]}"
                yield _payment("payment-of-order", payment, text)
        if payment.left < 0:
            text = f"{_money(-payment.left, payment)} more goes back than was charged or collected"
            yield _payment("refunded", payment, text)
        if order and order.status == "CANCELLED" and payment.left > 0 and now - order.since > SETTLED_AFTER:
            text = f"the order is CANCELLED, but {_money(payment.left, payment)} of its payment is kept"
            yield _payment("payment-of-order", payment, text)


def _money(amount: int, payment: PaymentRow) -> str:
    return f"{payment.currency} {amount}"


def _payment(rule: str, payment: PaymentRow, text: str) -> Violation:
    return Violation(rule=rule, table="Payments", key=payment.payment_id, text=f"{text}. {_trace(payment.order_id)}")


def _charges(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """For each payment, what the provider took is what was charged, and what it gave back is what is DONE.

    So its charges less its refunds are `charged - DONE`, and no refund is taken for a charge.
    """
    del now
    # Of other providers this shop keeps no books.
    payments = {row.payment_id: row for row in snapshot.all(PaymentRow) if row.provider in (None, SANDBOX)}
    taken: defaultdict[str, dict[str, int]] = defaultdict(dict)
    given: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for charge in snapshot.all(ChargeRow):
        payment_id, _, attempt = charge.charge_key.partition(":")
        if charge.outcome == "ACCEPTED":
            refund_id = refund_id_of(charge.charge_key)
            if refund_id and charge.effect == _FAILS_LATER and refund_id in _by_hand(payments.get(payment_id)):
                continue
            (taken if refund_id is None else given)[payment_id][refund_id or attempt] = charge.amount or 0
    for payment_id in sorted((taken.keys() | given.keys()) - {row.payment_id for row in snapshot.all(PaymentRow)}):
        moved = f"the provider took {_named(taken[payment_id])} and gave {_named(given[payment_id])} back"
        text = f"{moved}, but there is no such payment"
        yield Violation(rule="charged-once", table="Payments", key=payment_id, text=text)
    for payment_id, payment in payments.items():
        charged, done = _charged(payment, taken[payment_id]), _done(payment, given[payment_id])
        if taken[payment_id] != charged:
            how = "paid in cash" if payment.method == "COD" else payment.status
            text = f"the provider took {_named(taken[payment_id])}, but the payment, {how}, says {_named(charged)}"
            yield _payment("charged-once", payment, text)
        if given[payment_id] != done:
            text = f"the provider gave {_named(given[payment_id])} back, but the payment says {_named(done)}"
            yield _payment("refunded", payment, text)


_FAILS_LATER = "REFUND_FAILS_LATER"
"""The effect of a card whose refund the sandbox has accepted, and which fails later."""


def _by_hand(payment: PaymentRow | None) -> set[str]:
    """The refunds that are, or were, to be paid by hand."""
    return {each.refund_id for each in payment.refunds if each.status.endswith("BY_HAND")} if payment else set()


def _charged(payment: PaymentRow, taken: Mapping[str, int]) -> dict[str, int]:
    """Minor units that the provider must have charged, by attempt. A running attempt counts only if it was answered."""
    amount, latest = payment.amount or 0, str(payment.attempts)
    charged = {str(refund.attempt): amount for refund in payment.refunds if refund.unexpected}
    runs = payment.status in ("SUBMITTED", "CHALLENGED") and latest in taken
    if payment.method != "COD" and (payment.status == "SUCCEEDED" or runs):
        charged[latest] = amount
    return charged


def _done(payment: PaymentRow, given: Mapping[str, int]) -> dict[str, int]:
    """Minor units that the provider must have refunded, by refund. A REQUESTED one counts only if it was answered.

    A refund that is paid by hand, or of nothing, is not made by a provider.
    """
    return {
        refund.refund_id: refund.amount
        for refund in payment.refunds
        if refund.provider == SANDBOX
        and refund.amount
        and (refund.status == "DONE" or (refund.status == "REQUESTED" and refund.refund_id in given))
    }


def _named(amounts: Mapping[str, int]) -> str:
    """Amounts in minor units, with their attempts or refunds."""
    return ", ".join(f"{amount} ({what})" for what, amount in sorted(amounts.items())) or "nothing"


def _unended(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """Every order is reserved or rejected in time, and ended after its window has closed."""
    for order in snapshot.all(OrderRow):
        if order.status == "PENDING" and now - order.created_at > SHOULD_HAVE_ENDED:
            yield _order(
                "should-have-ended", order, f"PENDING since {order.since.isoformat()}", "Next: cloudretail orders stuck"
            )
        until = order.reserved_until
        if order.status == "RESERVED" and until and now - until > SHOULD_HAVE_ENDED:
            yield _order(
                "should-have-ended",
                order,
                f"RESERVED, but only until {until.isoformat()}",
                "Next: cloudretail orders stuck",
            )


def _overdue(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """No parcel, return, refund or cash waits for longer than its limit."""
    for order in snapshot.all(OrderRow):
        for wait in waits_of(snapshot.of_order(order.order_id), now):
            if wait.rule and wait.overdue(now, SHOULD_HAVE_ENDED):
                text = f"{order.status}, waits since {wait.since.isoformat()} for {wait.blocker.waits_for}"
                yield _order(wait.rule, order, text, f"Next: {wait.blocker.command}")


def _accounts(snapshot: TableSnapshot, now: datetime) -> Iterator[Violation]:
    """An account holds its open orders, and no others."""
    del now
    held = {row.user_id: row.held for row in snapshot.all(AccountRow)}
    for order in snapshot.all(OrderRow):
        holds = order.order_id in held.get(order.user_id, ())
        if holds != order.open:
            words = "holds {}, which is not open" if holds else "does not hold {}, which is open"
            yield _account(order.user_id, words.format(order.order_id))


def of_accounts(accounts: Iterable[AccountRow], orders: Collection[str]) -> list[Violation]:
    """Violations of accounts that hold an order which does not exist.

    Args:
        accounts: some accounts.
        orders: ids of the existing orders among those that these accounts hold.
    """
    gone = ((row.user_id, order_id) for row in accounts for order_id in sorted(row.held) if order_id not in orders)
    return in_order(_account(user_id, f"holds {order_id}, which is not open") for user_id, order_id in gone)


def _account(user_id: str, text: str) -> Violation:
    return Violation(rule="account-holds", table="Limits", key=user_id, text=text)


def unharmed(order_id: str, rows: OrderRows, stuck: StuckOrder | None) -> list[Violation]:
    """Further rules for the orders of a replay: the order goes on, and its shopper was mailed.

    No mail is sent twice: its row, which has a key derived from the event, is claimed first.

    Args:
        order_id: of the order.
        rows: all rows about it, including mails.
        stuck: what it waits for, without waits for people that are within their limit.
    """
    order = rows.order
    if order is None:
        text = f"there is no such order. {_trace(order_id)}"
        return [Violation(rule="gone", table="Orders", key=order_id, text=text)]
    if stuck:
        blocker = stuck.blocker
        next_ = f"Next: {blocker.command}" if blocker.command else _trace(order_id)
        return [_order("goes-on", order, f"{order.status}, waits for {blocker.waits_for}", next_)]
    kind = MAIL_ABOUT.get(order.status)
    if kind and not any(mail.kind == kind and mail.status == "SENT" for mail in rows.all(MailRow)):
        return [_order("mailed-once", order, f"{order.status}, but no mail about {kind} was sent", _trace(order_id))]
    return []


MAIL_ABOUT = {
    "CONFIRMED": "OrderConfirmed",
    "SHIPPED": "ShipmentDispatched",
    "DELIVERED": "ShipmentDelivered",
    "CANCELLED": "OrderCancelled",
    "REJECTED": "OrderRejected",
}
"""The event that the shopper must have a mail about, by the order's status."""


def _order(rule: str, order: OrderRow, text: str, next_: str) -> Violation:
    return Violation(rule=rule, table="Orders", key=order.order_id, text=f"{text}. {next_}")


OF_ORDERS: tuple[Callable[[TableSnapshot, datetime], Iterator[Violation]], ...] = (
    _parts,
    _payments,
    _charges,
    _unended,
    _overdue,
    _accounts,
)
