"""The back office's API for parcels and returns: staff see what is to be done, and say what they did."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AfterValidator, Field, HttpUrl

from cloudretail.errors import NotFound
from cloudretail.http import Api, Cursor, IdInPath, Limit, Page, answers, decode_place, encode_cursor
from cloudretail.model import Model, RequestModel, asks
from cloudretail.money import Currency, MinorUnits, Money
from cloudretail.settings import load
from cloudretail.text import Line
from contract.values import (
    Address,
    CancelReason,
    InspectedLine,
    OrderItem,
    Parcel,
    ParcelReturn,
    PaymentMethod,
    ProductId,
    ReturnReason,
    ReturnRefusal,
    ShippingCharge,
    StockLine,
    each_product_once,
)
from fulfilment import domain
from fulfilment.commands import Ports, handle
from fulfilment.domain import ParcelAction, ReturnAction, Shipment, ShipmentStatus, Step, actions_on, actions_on_return
from fulfilment.store import ShipmentSettings, disputed_among, open_shipments, order_status

api = Api()

MAX_PIECES = 100_000
"""The most pieces of one product in one parcel: it catches typing errors."""


class FulfilmentApiSettings(ShipmentSettings):
    """What the API needs besides the shipments."""

    orders_table: str


class NewParcel(RequestModel):
    """The parcel as it was given to the carrier.

    Attributes:
        tracking_url: the carrier's page about the parcel; may be left out for carriers that the shop knows.
    """

    carrier: Annotated[str, Line(max_length=60), asks("Enter the carrier.")]
    tracking_number: Annotated[str, Line(max_length=60), asks("Enter the tracking number.")]
    tracking_url: HttpUrl | None = None


class Cash(RequestModel):
    """What the courier collected, in minor units; 0 where nothing was."""

    amount: MinorUnits
    currency: Currency


class Delivery(RequestModel):
    """A parcel was handed over.

    Attributes:
        cash: needed for an order that is paid in cash on delivery, and only for such.
    """

    cash: Cash | None = None


class Inspection(RequestModel):
    """What was found of one product at its inspection, in pieces.

    Attributes:
        restock: good enough to be sold again.
        write_off: broken, or not there at all.
    """

    product_id: ProductId
    restock: Annotated[int, Field(strict=True, ge=0, le=MAX_PIECES)] = 0
    write_off: Annotated[int, Field(strict=True, ge=0, le=MAX_PIECES)] = 0


Inspections = Annotated[
    tuple[Inspection, ...],
    Field(min_length=1, max_length=50),
    asks("Say what was found."),
    AfterValidator(each_product_once),
]


class Arrival(RequestModel):
    """What arrived of a return."""

    lines: Inspections


class ComebackReason(StrEnum):
    """The reasons for a parcel's coming back that staff can choose from."""

    REFUSED = "REFUSED"
    UNDELIVERABLE = "UNDELIVERABLE"
    OTHER = "OTHER"


class Comeback(RequestModel):
    """A parcel came back: every piece of it is accounted for."""

    reason: ComebackReason
    lines: Inspections


class RefusalChoice(StrEnum):
    """The reasons for refusing a return that staff can choose from."""

    NEVER_ARRIVED = "NEVER_ARRIVED"
    NOT_OURS = "NOT_OURS"
    USED = "USED"
    OTHER = "OTHER"


class ReturnRefused(RequestModel):
    """The shop refuses a return as a whole.

    Attributes:
        note: for the shopper.
    """

    reason: RefusalChoice
    note: Annotated[str, Line(max_length=500, min_length=0)] | None = None


class ReturnProgress(StrEnum):
    """Where a return is, as staff see it."""

    EXPECTED = "EXPECTED"
    WITHDRAWN = "WITHDRAWN"
    RECEIVED = "RECEIVED"
    REFUSED = "REFUSED"


class ExpectedReturn(Model):
    """What a shopper sends back, as staff see it; `actions` is what can be done with it now."""

    return_id: str
    lines: tuple[StockLine, ...]
    reason: ReturnReason
    status: ReturnProgress
    requested_at: datetime
    received: tuple[InspectedLine, ...]
    refusal: ReturnRefusal | None
    note: str | None
    actions: tuple[ReturnAction, ...]


class ShipmentView(Model):
    """The parcel of an order, as staff see it.

    Attributes:
        open_as: what is to be done with it; null for nothing.
        open_since: since when that is to be done.
        total: of the order; null if it was cancelled before its confirmation arrived.
        cash_due: what the courier has to collect; null if the order was paid before.
        cash: what was collected.
        came_back: why it came back, or will not arrive.
        inspected: what was found of it then.
        disputed: whether the shopper's bank disputes the payment: better not shipped before it has decided.
        story: what happened and who did it, oldest first.
        actions: what can be done with it now.
    """

    order_id: str
    status: ShipmentStatus
    open_as: str | None
    open_since: datetime | None
    user_email: str | None
    items: tuple[OrderItem, ...]
    total: Money | None
    payment_method: PaymentMethod | None
    shipping_address: Address | None
    shipping: ShippingCharge | None
    cash_due: Money | None
    parcel: Parcel | None
    delivered_at: datetime | None
    cash: Money | None
    came_back: ParcelReturn | None
    inspected: tuple[InspectedLine, ...]
    returns: tuple[ExpectedReturn, ...]
    cancel_reason: CancelReason | None
    cancel_note: str | None
    disputed: bool
    story: tuple[Step, ...]
    actions: tuple[ParcelAction, ...]


@cache
def _settings() -> FulfilmentApiSettings:
    return load(FulfilmentApiSettings)


def _order_status(order_id: str) -> str:
    return order_status(_settings().orders_table, order_id)


def _done(order_id: str, command: domain.Command) -> ShipmentView:
    """Carry out the command, and show the shipment afterwards."""
    ports = Ports(open_shipments(), _order_status)
    settled = handle(ports, order_id, command, api.staff.user_id, api.cause, datetime.now(UTC))
    return _views([api.recorded(settled, command=type(command).__name__, order_id=order_id)])[0]


@api.get(
    "/api/admin/shipments",
    summary="Parcels that wait for something, the oldest first (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_shipments(
    open_as: Annotated[
        Literal["TO_SHIP", "SHIPPED", "RETURN"],
        Query(alias="open", description="TO_SHIP: to be sent. SHIPPED: on their way. RETURN: something comes back."),
    ],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ShipmentView]:
    after = decode_place(cursor, "orderId", "openSince")
    rows, position = open_shipments().page("openAs-openSince", ("openAs", open_as), "openSince", limit, after)
    # The index may be behind: a shipment that has changed since is not in this list any more.
    views = tuple(view for view in _views([row.state for row in rows]) if view.open_as == open_as)
    return Page(items=views, next_cursor=encode_cursor(position))


@api.get(
    "/api/admin/shipments/<order_id>",
    summary="The parcel of an order, and what comes back of it (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def get_shipment(order_id: IdInPath) -> ShipmentView:
    row = open_shipments().load(order_id)
    if row is None:
        raise NotFound("shipment")
    return _views([row.state])[0]


ACTION = answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


@api.post(
    "/api/admin/orders/<order_id>/ship",
    status_code=HTTPStatus.ACCEPTED,
    summary="The parcel was given to a carrier (staff)",
    tags=["Back office"],
    responses=ACTION,
)
def ship(order_id: IdInPath, new: NewParcel) -> ShipmentView:
    url = str(new.tracking_url) if new.tracking_url else None
    return _done(order_id, domain.Ship(new.carrier, new.tracking_number, url))


@api.post(
    "/api/admin/orders/<order_id>/deliver",
    status_code=HTTPStatus.ACCEPTED,
    summary="The parcel was handed over, and its cash collected (staff)",
    tags=["Back office"],
    responses=ACTION,
)
def deliver(order_id: IdInPath, delivery: Delivery) -> ShipmentView:
    cash = delivery.cash
    return _done(order_id, domain.Deliver(Money(amount=cash.amount, currency=cash.currency) if cash else None))


@api.post(
    "/api/admin/orders/<order_id>/came-back",
    status_code=HTTPStatus.ACCEPTED,
    summary="The parcel came back (staff)",
    tags=["Back office"],
    responses=ACTION,
)
def came_back(order_id: IdInPath, comeback: Comeback) -> ShipmentView:
    return _done(order_id, domain.CameBack(ParcelReturn(comeback.reason), _inspected(comeback.lines)))


@api.post(
    "/api/admin/orders/<order_id>/lost",
    status_code=HTTPStatus.ACCEPTED,
    summary="The parcel is lost (staff)",
    tags=["Back office"],
    responses=ACTION,
)
def lose(order_id: IdInPath) -> ShipmentView:
    return _done(order_id, domain.Lose())


@api.post(
    "/api/admin/orders/<order_id>/returns/<return_id>/receive",
    status_code=HTTPStatus.ACCEPTED,
    summary="What a shopper sent back has arrived (staff)",
    tags=["Back office"],
    responses=ACTION,
)
def receive_return(order_id: IdInPath, return_id: IdInPath, arrival: Arrival) -> ShipmentView:
    return _done(order_id, domain.ReceiveReturn(return_id, _inspected(arrival.lines)))


@api.post(
    "/api/admin/orders/<order_id>/returns/<return_id>/refuse",
    status_code=HTTPStatus.ACCEPTED,
    summary="Nothing of a return is taken, or it never arrived (staff)",
    tags=["Back office"],
    responses=ACTION,
)
def refuse_return(order_id: IdInPath, return_id: IdInPath, refusal: ReturnRefused) -> ShipmentView:
    return _done(order_id, domain.RefuseReturn(return_id, ReturnRefusal(refusal.reason), refusal.note or None))


def _inspected(lines: tuple[Inspection, ...]) -> tuple[InspectedLine, ...]:
    return tuple(InspectedLine.model_validate(line.model_dump()) for line in lines)


def _views(shipments: Sequence[Shipment]) -> tuple[ShipmentView, ...]:
    disputed = disputed_among(_settings().orders_table, [shipment.order_id for shipment in shipments])
    return tuple(_view(shipment, disputed=shipment.order_id in disputed) for shipment in shipments)


def _view(shipment: Shipment, *, disputed: bool) -> ShipmentView:
    now = datetime.now(UTC)
    same = shipment.model_dump(include=set(ShipmentView.model_fields) - {"cash_due", "returns", "actions", "disputed"})
    return ShipmentView(
        **same,
        disputed=disputed,
        cash_due=shipment.cash_due,
        returns=tuple(
            ExpectedReturn.model_validate({**each.model_dump(), "actions": actions_on_return(shipment, each, now)})
            for each in shipment.returns
        ),
        actions=actions_on(shipment, now),
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
