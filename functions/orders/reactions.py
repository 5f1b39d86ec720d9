"""How orders react to what inventory, payments and fulfilment publish."""

from datetime import datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from cloudretail import aws
from cloudretail.consumer import Consumer, Delivery, row_by_row
from cloudretail.decider import Change, Context, Decision, Nothing, Result
from cloudretail.envelope import Cause
from cloudretail.errors import Permanent
from cloudretail.repository import BatchRepository, DynamoDBRepository, ReadOnly, Repository, transact
from cloudretail.settings import load
from cloudretail.telemetry import count
from contract.auth import AccountDeletionRequested, Eraser
from contract.erasure import erase_rows, erasing, orders_of
from contract.fulfilment import (
    ReturnReceived,
    ReturnRefused,
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentReturned,
)
from contract.inventory import InventoryReservationFailed, InventoryReserved
from contract.notifications import MailFeedbackReceived
from contract.payments import (
    PaymentCollected,
    PaymentDeclined,
    PaymentDisputeClosed,
    PaymentDisputed,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentSucceeded,
)
from contract.values import OrderStatus
from orders.domain import Order, decide, erased
from orders.store import ORDERS, AccountSettings, AddressSettings, DynamoDBOrders, OrderSettings


class ErasureSettings(AccountSettings, AddressSettings):
    """What erasing a person needs."""


@cache
def _orders() -> DynamoDBOrders:
    return DynamoDBOrders(load(AccountSettings))


def react(orders: Repository[Order], delivery: Delivery, now: datetime) -> Result[Order]:
    """React to one event.

    Raises:
        Permanent: there is no such order. Checkout writes the order before any event about it, so a retry cannot help.
    """
    event = delivery.event
    order_id = event.data.subject

    def answer(order: Order | None) -> Decision[Order]:
        if order is None:
            raise Permanent(f"there is no order {order_id}")
        return decide(order, event.data, Context(order_id, event.id, now))

    return transact(orders, order_id, answer, event.cause, now).decision


def erase(user_id: str, cause: Cause, now: datetime) -> None:
    """Erase a person: on their orders, in the addresses that they kept, and what their account may hold."""
    settings = load(ErasureSettings)

    def decide_erased(order_id: str, order: Order | None) -> Decision[Order]:
        return erased(order) if order else Nothing(f"there is no order {order_id}")

    erase_rows(_orders(), orders_of(settings.orders_table, user_id), decide_erased, cause, now)
    for table in (settings.addresses_table, settings.limits_table):
        aws.dynamodb().delete_item(TableName=table, Key={"userId": {"S": user_id}})


def _time_confirmation(delivery: Delivery, result: Result[Any], now: datetime) -> None:
    del delivery
    if isinstance(result, Change) and result.events and result.state.status is OrderStatus.CONFIRMED:
        milliseconds = (now - result.state.created_at).total_seconds() * 1000
        count("PlacedToConfirmed", milliseconds, MetricUnit.Milliseconds)


CONSUMER: Consumer[BatchRepository[Order]] = Consumer(
    name="orders",
    subscribes_to=(
        InventoryReserved,
        InventoryReservationFailed,
        PaymentSucceeded,
        PaymentDeclined,
        PaymentFailed,
        PaymentRefunded,
        PaymentRefundFailed,
        PaymentCollected,
        PaymentDisputed,
        PaymentDisputeClosed,
        ShipmentCancelled,
        ShipmentDispatched,
        ShipmentDelivered,
        ShipmentReturned,
        ReturnReceived,
        ReturnRefused,
        MailFeedbackReceived,
        AccountDeletionRequested,
    ),
    react=row_by_row(str, react),
    ports=_orders,
    read_only=lambda: ReadOnly(DynamoDBRepository(load(OrderSettings).orders_table, ORDERS)),
    effects={AccountDeletionRequested: erasing(Eraser.ORDERS, erase)},
    observe=_time_confirmation,
)
handler = CONSUMER.handler
