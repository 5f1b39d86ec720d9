"""How orders react to what the others tell."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail.consumer import Delivery, consume, reading_ahead
from cloudretail.decider import Change, Decision
from cloudretail.errors import Permanent
from cloudretail.repository import DynamoDBRepository, Repository, Settled, transact
from cloudretail.settings import load
from cloudretail.telemetry import count, record
from orders.domain import ANSWERED, Order, OrderStatus, decide
from orders.store import ORDERS, OrderSettings


@cache
def _repository() -> DynamoDBRepository[Order]:
    return DynamoDBRepository(load(OrderSettings).orders_table, ORDERS)


def react(orders: Repository[Order], delivery: Delivery, now: datetime) -> Settled[Order]:
    """Answer one event.

    Raises:
        Permanent: there is no such order. Checkout writes the order before any event of it, so waiting cannot help.
    """
    event = delivery.event
    order_id = event.data.order_id

    def answer(order: Order | None) -> Decision[Order]:
        if order is None:
            raise Permanent(f"there is no order {order_id}")
        return decide(order, event.data, event.id, now)

    return transact(orders, order_id, answer, event.cause, now)


def _react(orders: Repository[Order], delivery: Delivery) -> None:
    now = datetime.now(UTC)
    decision = react(orders, delivery, now).decision
    data = delivery.event.data
    record(decision, message=data.event_type.name, order_id=data.order_id, event_id=delivery.event.id)
    if isinstance(decision, Change) and decision.events and decision.state.status is OrderStatus.CONFIRMED:
        taken = (now - decision.state.created_at).total_seconds() * 1000
        count("PlacedToConfirmed", taken, MetricUnit.Milliseconds)


def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Invoked by the orders queue."""
    reaction = reading_ahead(_repository(), str, _react)
    return consume(event, context, consumer="orders", takes=ANSWERED, react=reaction)
