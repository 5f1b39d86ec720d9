"""The use cases of payments: over ports, without HTTP. The API and the simulation call the same functions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cloudretail.decider import Context, Decision, Nothing
from cloudretail.envelope import Cause
from cloudretail.errors import Conflict, InvalidInput, NotFound
from cloudretail.repository import Repository, Settled, transact
from contract.values import OrderStatus, PaymentMethod
from payments.domain import (
    ChooseMethod,
    PayableOrder,
    Payment,
    PaymentStatus,
    RefundPaid,
    RefundStatus,
    decide,
    payment_id_of,
)

_TOO_LATE = "This order can no longer be paid."

_UNPAYABLE = {
    OrderStatus.CONFIRMED: "This order is already confirmed. There is nothing left to pay.",
    OrderStatus.REJECTED: "This order was closed because an item sold out. You were not charged.",
    OrderStatus.CANCELLED: "This order was cancelled, so it can no longer be paid.",
}
"""Why an order that does not wait for its payment cannot be paid, by its status."""

type OrderOf = Callable[[str], PayableOrder | None]
"""Finds the shopper's order with this id, by a consistent read; None if there is none."""


@dataclass(frozen=True)
class Ports:
    """The ports of the command.

    Attributes:
        order_of: finds the shopper's orders.
        payments: the repository of payments.
        methods: the payment methods of this shop.
        count_card: counts an attempt to pay by card before it is made; raises Limited.
    """

    order_of: OrderOf
    payments: Repository[Payment]
    methods: Sequence[PaymentMethod]
    count_card: Callable[[], None] = lambda: None


def choose_method(
    ports: Ports, order_id: str, choice: ChooseMethod, cause: Cause, now: datetime
) -> tuple[PayableOrder, Settled[Payment]]:
    """Choose how to pay for an order. The payment begins once amount and reservation are known too.

    Args:
        ports: of the shopper.
        order_id: of the order.
        choice: the method, and a token for a card.
        cause: the request.
        now: aware.

    Returns:
        The order, and its payment.

    Raises:
        NotFound: the shopper has no such order.
        InvalidInput: the shop does not offer this method.
        Conflict: the order does not wait for its payment, cannot be paid in cash, or an attempt is running.
        Limited: too many attempts to pay by card.
        Contention: too many lost races in a row.
    """
    order = ports.order_of(order_id)
    if order is None:
        raise NotFound("order")
    _require_offered(choice.method, ports.methods)
    if not order.payable:
        reason = next((text for status, text in _UNPAYABLE.items() if status == order.status), _TOO_LATE)
        raise Conflict("not-payable", reason, orderStatus=order.status)
    if choice.method is PaymentMethod.COD and order.cod_refusal:
        raise Conflict("cod-refused", order.cod_refusal.detail, codRefusal=order.cod_refusal)
    if choice.method is PaymentMethod.CARD:
        ports.count_card()

    def answer(payment: Payment | None) -> Decision[Payment]:
        return decide(payment, choice, Context(order_id, cause.id, now))

    settled = transact(ports.payments, payment_id_of(order_id), answer, cause, now)
    if isinstance(settled.decision, Nothing):
        match settled.state:
            case Payment(status=PaymentStatus.SUBMITTED):
                raise Conflict("payment-in-progress", "Your payment is already being processed.")
            case Payment(status=PaymentStatus.CHALLENGED):
                raise Conflict("payment-in-progress", "Your bank is asking you to confirm this payment.")
        raise Conflict("not-payable", _TOO_LATE)
    return order, settled


def pay_back(
    payments: Repository[Payment], order_id: str, paid: RefundPaid, cause: Cause, now: datetime
) -> Settled[Payment]:
    """Note that staff have paid a refund by hand, by a transfer or in cash.

    Args:
        payments: the repository of payments.
        order_id: of the order.
        paid: the refund, and how it was paid.
        cause: the request.
        now: aware.

    Returns:
        The payment. If this was noted before, the decision is Nothing.

    Raises:
        NotFound: the order has no such refund.
        Conflict: the provider makes the refund, or it was paid with another reference.
        Contention: too many lost races in a row.
    """

    def answer(payment: Payment | None) -> Decision[Payment]:
        refund = payment.refund(paid.refund_id) if payment else None
        if refund is None:
            raise NotFound("refund")
        match refund.status:
            case RefundStatus.TO_PAY_BY_HAND if payment and payment.is_disputed(refund.attempt):
                raise Conflict(
                    "charge-disputed",
                    "The shopper's bank disputes this charge. Wait for its decision: it may give the money back.",
                    refundStatus=refund.status,
                )
            case RefundStatus.REQUESTED:
                raise Conflict(
                    "refund-in-progress", "The payment provider is giving this money back.", refundStatus=refund.status
                )
            case RefundStatus.DONE:
                raise Conflict("refund-done", "This money was given back already.", refundStatus=refund.status)
            case RefundStatus.PAID_BY_HAND if refund.paid_reference != paid.reference:
                raise Conflict(
                    "refund-paid-otherwise",
                    f"This money was given back already, with the reference {refund.paid_reference}.",
                    refundStatus=refund.status,
                )
        return decide(payment, paid, Context(order_id, cause.id, now))

    return transact(payments, payment_id_of(order_id), answer, cause, now)


def _require_offered(method: PaymentMethod, methods: Sequence[PaymentMethod]) -> None:
    if method not in methods:
        raise InvalidInput(
            "method",
            f"has to be {' or '.join(methods)} in this shop",
            type="payment-method-not-offered",
            detail=f"{method} is not taken in this shop. You can pay by {' or '.join(methods)}.",
            methods=methods,
        )
