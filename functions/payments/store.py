"""Payments in DynamoDB, and what the API reads of an order."""

from functools import cache

from cloudretail import aws, dynamodb
from cloudretail.model import Model
from cloudretail.outbox import Aggregate
from cloudretail.repository import DynamoDBRepository
from cloudretail.settings import Settings, load
from payments.domain import Payment

PAYMENTS = Aggregate("payments", "paymentId", Payment)


class PaymentSettings(Settings):
    """What every payment function needs."""

    payments_table: str


class PaymentsApiSettings(PaymentSettings):
    """What the API reads besides."""

    orders_table: str


class WorkerSettings(PaymentSettings):
    """What the worker needs besides."""

    sandbox_charges_table: str


class PayableOrder(Model):
    """What the payments API needs to know of an order: payments itself may not have heard of it yet."""

    order_id: str
    status: str
    total_amount: int
    currency: str

    @property
    def payable(self) -> bool:
        return self.status in ("PENDING", "RESERVED")


@cache
def open_payments() -> DynamoDBRepository[Payment]:
    """The payments of this function's environment, by payment id."""
    return DynamoDBRepository(load(PaymentSettings).payments_table, PAYMENTS)


def order_of(table: str, user_id: str, order_id: str) -> PayableOrder | None:
    """The order, if this user owns it; read consistently, with the owner in the condition."""
    found = aws.dynamodb().query(
        TableName=table,
        KeyConditionExpression="orderId = :order",
        FilterExpression="userId = :user",
        ExpressionAttributeValues={":order": {"S": order_id}, ":user": {"S": user_id}},
        ConsistentRead=True,
    )["Items"]
    return PayableOrder.model_validate(dynamodb.from_item(found[0])) if found else None
