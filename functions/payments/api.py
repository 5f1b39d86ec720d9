"""The payments API. Shoppers choose how to pay and follow their payment; staff see payments and pay refunds by hand."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Self

from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field, model_validator

from cloudretail.attempts import DynamoDBAttempts
from cloudretail.errors import NotFound
from cloudretail.http import Api, Cursor, IdInPath, Limit, Page, answers, decode_place, encode_cursor
from cloudretail.limits import RateLimit
from cloudretail.model import Model, RequestModel, asks
from cloudretail.money import Money
from cloudretail.settings import load
from cloudretail.text import Line
from contract.values import PaymentMethod, RefundId
from payments import challenges
from payments.commands import Ports, choose_method, pay_back
from payments.domain import (
    MAX_ATTEMPTS,
    OPEN_REFUNDS,
    ChooseMethod,
    Dispute,
    DisputeStatus,
    PayableOrder,
    Payment,
    PaymentStatus,
    Refund,
    RefundPaid,
    RefundStatus,
    can_be_paid_by_hand,
    payment_id_of,
)
from payments.providers import Sandbox, open_sandbox
from payments.store import PaymentsApiSettings, open_payments, order_of

api = Api()

RefundInPath = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_:-]+$")]


class PaymentRequest(RequestModel):
    """How to pay.

    Attributes:
        card_token: what the card form made of the card; needed for CARD. The shop never sees a card number.
    """

    method: PaymentMethod
    card_token: Annotated[
        str | None, Field(pattern=r"^(tok|pm)_[A-Za-z0-9_]{1,60}$", examples=["tok_visa"], repr=False)
    ] = None

    @model_validator(mode="after")
    def _token_belongs_to_card(self) -> Self:
        if self.method is PaymentMethod.CARD and self.card_token is None:
            raise ValueError("cardToken is needed to pay by CARD")
        if self.method is not PaymentMethod.CARD and self.card_token is not None:
            raise ValueError(f"cardToken does not belong to {self.method}")
        return self


class PaymentMethods(Model):
    """How an order can be paid in this shop.

    Attributes:
        methods: in the order in which they are offered.
        card_gateway: whose form takes the card; null where no card is taken.
        publishable_key: what that form names the shop's account by; null where it needs none.
    """

    methods: tuple[PaymentMethod, ...]
    card_gateway: str | None
    publishable_key: str | None


class PaymentProgress(StrEnum):
    """A payment's status as its owner sees it; WAITING until payments knows the order."""

    WAITING = "WAITING"
    OPEN = "OPEN"
    SUBMITTED = "SUBMITTED"
    CHALLENGED = "CHALLENGED"
    SUCCEEDED = "SUCCEEDED"
    VOIDED = "VOIDED"
    FAILED = "FAILED"


class RefundView(Model):
    """Money on its way back, or given back.

    Attributes:
        refund_id: what it gives back: a return (its id), `cancellation`, or an attempt that nothing waited for.
        amount: 0 where nothing was left to give back, as no cash was collected.
    """

    refund_id: RefundId
    amount: Money
    status: RefundStatus


class PaymentView(Model):
    """What became of the payment.

    Attributes:
        refunds: in the order in which they were asked for.
        attempts: how many were made, of `max_attempts`.
        challenge: what the browser needs to ask the shopper's bank; null where it is not asked, or no longer.
        decline_reason: of the latest declined attempt.
    """

    order_id: str
    status: PaymentProgress
    challenge: Annotated[str | None, Field(repr=False)]
    method: PaymentMethod | None
    amount: Money
    attempts: int
    max_attempts: int
    decline_reason: str | None
    refunds: tuple[RefundView, ...]


class OpenRefund(RefundView):
    """Money that is still to be given back.

    Attributes:
        user_email: whose it is.
        reason: why a person has to pay it; null while the provider is at it.
    """

    order_id: str
    user_email: str | None
    method: PaymentMethod
    requested_at: datetime | None
    reason: str | None


class RefundAction(StrEnum):
    """What staff can do with a refund; the last part of the route's path."""

    PAID = "paid"


class StaffRefund(OpenRefund):
    """Money that is to be given back, or was, as staff see it.

    Attributes:
        paid_reference: of the transfer by which a person has given it back.
        paid_by: user id of that person.
        actions: what can be done with it now.
    """

    paid_reference: str | None
    paid_by: str | None
    actions: tuple[RefundAction, ...]


class DisputeView(Model):
    """A dispute about a charge, as staff see it.

    Attributes:
        amount: what the shopper's bank has taken back, for good where it is LOST.
        reason: in the provider's words.
    """

    dispute_id: str
    amount: Money
    status: DisputeStatus
    reason: str
    reported_at: datetime | None


class StaffPayment(Model):
    """The payment of an order, as staff see it.

    Attributes:
        total: of the order; null where payments has not received it yet.
        attempts: how many were made.
        decline_reason: of the latest declined attempt.
        collected: what the courier has taken in cash; null until that is known.
        left: what the shop has of it, less what is given back or will be; null without an amount.
        refunds: in the order in which they were asked for.
        disputes: in the order in which they were reported.
    """

    order_id: str
    status: PaymentStatus
    method: PaymentMethod | None
    total: Money | None
    attempts: int
    decline_reason: str | None
    collected: Money | None
    left: Money | None
    refunds: tuple[StaffRefund, ...]
    disputes: tuple[DisputeView, ...]


class RefundPayment(RequestModel):
    """How a person has given the money back.

    Attributes:
        reference: of the transfer, or who has handed it over.
    """

    reference: Annotated[str, Line(max_length=100), asks("Enter the reference of the payment.")]


class BankAnswer(RequestModel):
    """What the shopper's bank says to a challenge.

    Attributes:
        challenge: as the payment has it.
    """

    challenge: Annotated[str, Field(max_length=300, pattern=r"^[A-Za-z0-9_:/-]+$", repr=False)]
    agreed: Annotated[bool, Field(strict=True)]


@cache
def _sandbox() -> Sandbox | None:
    return open_sandbox()


@cache
def _settings() -> PaymentsApiSettings:
    return load(PaymentsApiSettings)


def _count_card() -> None:
    limit = RateLimit("card", "You have tried to pay by card too often.", _settings().card_limit)
    DynamoDBAttempts(_settings().attempts_table).count(limit, api.caller.user_id, api.client_address)


def _order_of(order_id: str) -> PayableOrder | None:
    return order_of(_settings().orders_table, api.caller.user_id, order_id)


@api.get(
    "/api/payment-methods",
    summary="How an order can be paid in this shop",
    tags=["Payments"],
    responses=answers(HTTPStatus.OK),
)
def get_payment_methods() -> PaymentMethods:
    settings = _settings()
    return PaymentMethods(
        methods=settings.methods,
        card_gateway=settings.card_gateway,
        publishable_key=settings.stripe_publishable_key,
    )


@api.post(
    "/api/orders/<order_id>/payment",
    status_code=HTTPStatus.ACCEPTED,
    summary="Choose how to pay; the result arrives with the order's story",
    tags=["Payments"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS),
)
def pay(order_id: IdInPath, request: PaymentRequest) -> PaymentView:
    order, settled = choose_method(
        Ports(_order_of, open_payments(), _settings().methods, _count_card),
        order_id,
        ChooseMethod(request.method, request.card_token),
        api.cause,
        datetime.now(UTC),
    )
    return _view(order, api.recorded(settled, command="ChooseMethod", order_id=order_id))


@api.get(
    "/api/orders/<order_id>/payment",
    summary="What became of the payment",
    tags=["Payments"],
    responses=answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
)
def get_payment(order_id: IdInPath) -> PaymentView:
    order = _order_of(order_id)
    if order is None:
        raise NotFound("order")
    row = open_payments().load(payment_id_of(order_id))
    return _view(order, row.state if row else None)


@api.post(
    "/api/orders/<order_id>/payment/challenge",
    status_code=HTTPStatus.ACCEPTED,
    summary="Answer in the place of the shopper's bank; only where the sandbox takes cards",
    tags=["Payments"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def answer_challenge(order_id: IdInPath, said: BankAnswer) -> PaymentView:
    sandbox, bus, queue = _sandbox(), _settings().event_bus_name, _settings().sandbox_reports_queue
    if sandbox is None or bus is None or queue is None:
        raise NotFound("challenge")
    reports = challenges.EventBridgeReports(bus, queue)
    challenges.answer(_order_of, sandbox, reports, order_id, said.challenge, api.cause, agreed=said.agreed)
    return get_payment(order_id)


@api.get(
    "/api/admin/orders/<order_id>/payment",
    summary="The payment of anybody's order, with its refunds (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def get_staff_payment(order_id: IdInPath) -> StaffPayment:
    row = open_payments().load(payment_id_of(order_id))
    if row is None:
        raise NotFound("payment")
    return _staff_view(row.state)


@api.get(
    "/api/admin/refunds",
    summary="What is still to be given back, the oldest first (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_refunds(limit: Limit = 20, cursor: Cursor = None) -> Page[OpenRefund]:
    after = decode_place(cursor, "paymentId", "openRefundsSince")
    rows, position = open_payments().page(
        "openRefunds-openRefundsSince", ("openRefunds", OPEN_REFUNDS), "openRefundsSince", limit, after
    )
    refunds = tuple(_open_refund(row.state, each) for row in rows for each in row.state.refunds if each.open)
    return Page(items=refunds, next_cursor=encode_cursor(position))


@api.post(
    "/api/admin/orders/<order_id>/refunds/<refund_id>/paid",
    status_code=HTTPStatus.ACCEPTED,
    summary="Note that a person has given money back (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def pay_refund(order_id: IdInPath, refund_id: RefundInPath, payment: RefundPayment) -> RefundView:
    paid = RefundPaid(refund_id, payment.reference, api.staff.user_id)
    settled = pay_back(open_payments(), order_id, paid, api.cause, datetime.now(UTC))
    state = api.recorded(settled, command="RefundPaid", order_id=order_id)
    return next(each for each in _refunds(state) if each.refund_id == refund_id)


def _open_refund(payment: Payment, refund: Refund) -> OpenRefund:
    return OpenRefund(
        refund_id=refund.refund_id,
        amount=payment.money_of(refund),
        status=refund.status,
        order_id=payment.order_id,
        user_email=payment.user_email,
        method=PaymentMethod.CARD if refund.provider else PaymentMethod.COD,
        requested_at=refund.requested_at,
        reason=refund.reason,
    )


def _staff_refund(payment: Payment, refund: Refund) -> StaffRefund:
    payable = can_be_paid_by_hand(payment, refund, datetime.now(UTC))
    return StaffRefund(
        **_open_refund(payment, refund).model_dump(),
        paid_reference=refund.paid_reference,
        paid_by=refund.paid_by,
        actions=(RefundAction.PAID,) if payable else (),
    )


def _staff_view(payment: Payment) -> StaffPayment:
    def money(amount: int | None) -> Money | None:
        return None if amount is None or payment.currency is None else Money(amount=amount, currency=payment.currency)

    return StaffPayment(
        order_id=payment.order_id,
        status=payment.status,
        method=payment.method,
        total=money(payment.amount),
        attempts=payment.attempts,
        decline_reason=payment.decline_reason,
        collected=money(payment.collected),
        left=money(payment.left),
        refunds=tuple(_staff_refund(payment, each) for each in payment.refunds),
        disputes=tuple(_dispute_view(payment, each) for each in payment.disputes),
    )


def _dispute_view(payment: Payment, dispute: Dispute) -> DisputeView:
    amount = Money(amount=dispute.amount, currency=payment.money.currency)
    return DisputeView(**dispute.model_dump(exclude={"amount", "attempt"}), amount=amount)


def _view(order: PayableOrder, payment: Payment | None) -> PaymentView:
    return PaymentView(
        order_id=order.order_id,
        status=PaymentProgress(payment.status) if payment else PaymentProgress.WAITING,
        method=payment.method if payment else None,
        amount=Money(amount=order.total_amount, currency=order.currency),
        attempts=payment.attempts if payment else 0,
        max_attempts=MAX_ATTEMPTS,
        challenge=payment.challenge if payment else None,
        decline_reason=payment.decline_reason if payment else None,
        refunds=_refunds(payment) if payment else (),
    )


def _refunds(payment: Payment) -> tuple[RefundView, ...]:
    return tuple(
        RefundView(refund_id=refund.refund_id, amount=payment.money_of(refund), status=refund.status)
        for refund in payment.refunds
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
