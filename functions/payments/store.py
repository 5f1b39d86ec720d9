"""Payments in DynamoDB, and the part of an order that payments reads."""

from functools import cache

from pydantic import ValidationInfo, field_validator

from cloudretail import aws, dynamodb
from cloudretail.attempts import AttemptSettings
from cloudretail.errors import Permanent
from cloudretail.limits import RateSetting
from cloudretail.outbox import Aggregate
from cloudretail.repository import DynamoDBRepository
from cloudretail.settings import Absent, Settings, load
from contract.values import PaymentMethod
from payments.domain import PayableOrder, Payment
from payments.gateways import GATEWAYS
from payments.providers import SANDBOX

PAYMENTS = Aggregate("payments", "paymentId", Payment)


class PaymentSettings(Settings):
    """What every payment function needs."""

    payments_table: str


class GatewaySettings(PaymentSettings):
    """The card gateway of the stage. The API, the worker and, by the API, the storefront use this setting."""

    stage: str
    card_gateway: Absent[str] = None

    @field_validator("card_gateway")
    @classmethod
    def _can_take_money(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and value not in GATEWAYS:
            raise ValueError(f"no payment provider is called {value}; there are: {', '.join(GATEWAYS)}")
        if value == SANDBOX and info.data.get("stage") != "local":
            raise ValueError("the sandbox takes no money: no stage but local can have it")
        return value

    @property
    def methods(self) -> tuple[PaymentMethod, ...]:
        """The payment methods of this stage."""
        return (PaymentMethod.CARD, PaymentMethod.COD) if self.card_gateway else (PaymentMethod.COD,)


class PaymentsApiSettings(GatewaySettings, AttemptSettings):
    """What the API needs besides.

    Attributes:
        stripe_publishable_key: the account's key for browsers; None where Stripe takes no cards.
        event_bus_name: the bus that the sandbox reports on; None on a stage without the sandbox.
        sandbox_reports_queue: the queue for its later reports; likewise.
    """

    orders_table: str
    card_limit: RateSetting
    stripe_publishable_key: Absent[str] = None
    event_bus_name: Absent[str] = None
    sandbox_reports_queue: Absent[str] = None


class WorkerSettings(GatewaySettings):
    """What the worker needs besides."""

    orders_table: str


@cache
def open_payments() -> DynamoDBRepository[Payment]:
    """The repository of payments, keyed by payment id, by this function's environment."""
    return DynamoDBRepository(load(PaymentSettings).payments_table, PAYMENTS)


def order_of(table: str, user_id: str, order_id: str) -> PayableOrder | None:
    """The order, if this user owns it; None if not. It is read consistently, with the owner in the condition."""
    found = aws.dynamodb().query(
        TableName=table,
        KeyConditionExpression="orderId = :order",
        FilterExpression="userId = :user",
        ExpressionAttributeValues={":order": {"S": order_id}, ":user": {"S": user_id}},
        ConsistentRead=True,
    )["Items"]
    return PayableOrder.model_validate(dynamodb.from_item(found[0])) if found else None


def is_payable(table: str, order_id: str) -> bool:
    """Whether the order still waits for its payment, by a consistent read without regard to its owner.

    Raises:
        Permanent: there is no such order.
    """
    found = aws.dynamodb().get_item(TableName=table, Key={"orderId": {"S": order_id}}, ConsistentRead=True)
    if "Item" not in found:
        raise Permanent(f"there is no order {order_id}")
    return PayableOrder.model_validate(dynamodb.from_item(found["Item"])).payable
