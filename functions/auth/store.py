"""Deletions in DynamoDB, and what auth reads of the tables of others: all that the shop keeps of a person."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import batched
from typing import Any

from auth.deletion import AwaitedOrder, Deletion, OrderNow, waits
from cloudretail import aws, dynamodb
from cloudretail.outbox import Aggregate
from cloudretail.repository import DynamoDBRepository, batch_get
from cloudretail.settings import Settings

DELETIONS = Aggregate("auth", "userId", Deletion)

PAGE = 20
"""Orders of a page of an export. Their mails are a query each."""

INTERNAL = frozenset(
    {
        *("version", "outbox", "kind", "openAs", "openSince", "openRefunds", "openRefundsSince", "expiresAt"),
        *("fingerprint", "mergeIds", "cardToken", "challenge", "reference", "by", "causedBy", "paidBy", "leaseUntil"),
    }
)
"""What rows hold for the machinery, of staff, or for a payment provider: nothing about the person."""


class DeletionSettings(Settings):
    """What deleting accounts needs."""

    deletions_table: str
    user_pool_id: str


class WaitSettings(DeletionSettings):
    """What it takes to know what a deletion waits for."""

    orders_table: str
    payments_table: str


class HeldSettings(WaitSettings):
    """What it takes to say what the shop keeps of a person."""

    addresses_table: str
    cart_table: str
    shipments_table: str
    sent_mails_table: str


def open_deletions(settings: DeletionSettings) -> DynamoDBRepository[Deletion]:
    return DynamoDBRepository(settings.deletions_table, DELETIONS)


def waits_of(settings: WaitSettings, user_id: str, now: datetime) -> list[AwaitedOrder]:
    """What the deletion of an account waits for now."""
    found: list[AwaitedOrder] = []
    for ids in batched(_order_ids(settings.orders_table, user_id), PAGE, strict=False):
        rows = _rows(settings, ids)
        orders = [OrderNow.model_validate(row) for row in rows[settings.orders_table]]
        payments = {row["orderId"]: row for row in rows[settings.payments_table]}
        found += waits(orders, payments, now)
    return found


def _order_ids(table: str, user_id: str) -> Iterator[str]:
    after: dict[str, Any] | None = None
    while True:
        ids, after = _page_of_orders(table, user_id, after)
        yield from ids
        if after is None:
            return


def _page_of_orders(
    table: str, user_id: str, after: Mapping[str, Any] | None
) -> tuple[list[str], dict[str, Any] | None]:
    start = {"ExclusiveStartKey": dynamodb.to_item({**after, "userId": user_id})} if after else {}
    found = aws.dynamodb().query(
        TableName=table,
        IndexName="userId-createdAt",
        KeyConditionExpression="userId = :user",
        ExpressionAttributeValues={":user": {"S": user_id}},
        Limit=PAGE,
        **start,  # type: ignore[arg-type]
    )
    last = dynamodb.from_item(found["LastEvaluatedKey"]) if "LastEvaluatedKey" in found else None
    position = {"orderId": last["orderId"], "createdAt": last["createdAt"]} if last else None
    return [dynamodb.from_item(item)["orderId"] for item in found["Items"]], position


def _rows(settings: WaitSettings, order_ids: tuple[str, ...], *others: str) -> dict[str, list[dict[str, Any]]]:
    """Of these orders, their payments, and by order id in other tables."""
    by_order = {"Keys": [{"orderId": {"S": each}} for each in order_ids], "ConsistentRead": True}
    # A payment has the id of its order but for the prefix.
    by_payment = [{"paymentId": {"S": each.replace("ord_", "pay_", 1)}} for each in order_ids]
    request: dict[str, Any] = dict.fromkeys((settings.orders_table, *others), by_order)
    request[settings.payments_table] = {"Keys": by_payment, "ConsistentRead": True}
    return batch_get(request) if order_ids else {table: [] for table in request}


def held(
    settings: HeldSettings, user_id: str, after: Mapping[str, Any] | None
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any] | None]:
    """A page of what the shop keeps of a person, beside the account itself.

    Args:
        settings: the tables.
        user_id: whose.
        after: the position that the page before has returned.

    Returns:
        Rows by what they are, as JSON types; and the position to go on from, None at the end.
    """
    ids, position = _page_of_orders(settings.orders_table, user_id, after)
    rows = _rows(settings, tuple(ids), settings.shipments_table)
    own = {"addresses": settings.addresses_table, "cart": settings.cart_table} if after is None else {}
    found = {
        **{name: _own(table, user_id) for name, table in own.items()},
        "orders": rows[settings.orders_table],
        "payments": rows[settings.payments_table],
        "shipments": rows[settings.shipments_table],
        "mails": [mail for each in ids for mail in _mails(settings.sent_mails_table, each)],
    }
    return {name: [_without_machinery(row) for row in each] for name, each in found.items()}, position


def _own(table: str, user_id: str) -> list[dict[str, Any]]:
    found = aws.dynamodb().get_item(TableName=table, Key={"userId": {"S": user_id}})
    return [dynamodb.from_item(found["Item"])] if "Item" in found else []


def _mails(table: str, order_id: str) -> list[dict[str, Any]]:
    found = aws.dynamodb().query(
        TableName=table,
        KeyConditionExpression="orderId = :order",
        ExpressionAttributeValues={":order": {"S": order_id}},
    )
    return [dynamodb.from_item(item) for item in found["Items"]]


def _without_machinery(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_machinery(each) for name, each in value.items() if name not in INTERNAL}
    if isinstance(value, list):
        return [_without_machinery(each) for each in value]
    return value
