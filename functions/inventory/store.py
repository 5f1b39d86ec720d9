"""Stock and reservations in DynamoDB. One transaction writes several reservations and the stock that they change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.envelope import Cause
from cloudretail.errors import LostRace, Permanent, ShopError, Transient
from cloudretail.outbox import Aggregate, Row
from cloudretail.repository import MAX_TRIES, batch_get, conditional_put, pause_before_retry
from cloudretail.settings import Settings
from contract.values import Shortage
from inventory.domain import Delta, Reservation, StockChange, summed

RESERVATIONS = Aggregate("inventory", "orderId", Reservation)

MAX_TRANSACTION_ITEMS = 100
"""Items of one TransactWriteItems. Source: Amazon DynamoDB quotas."""


class InventorySettings(Settings):
    """What the inventory consumer needs."""

    inventory_table: str
    reservations_table: str
    payment_window_seconds: int


@dataclass(frozen=True)
class Write:
    """A change of one reservation that is to be written.

    Attributes:
        order_id: key of the reservation.
        read: the row that the decision was made on.
        change: the decision.
        cause: the event that led to it.
    """

    order_id: str
    read: Row[Reservation] | None
    change: StockChange
    cause: Cause

    @property
    def products(self) -> frozenset[str]:
        return frozenset(product for product, delta in self.change.stock.items() if delta != Delta())


class OutOfStock(ShopError):
    """A transaction would have taken more than is available. Nothing was written.

    Attributes:
        available: units left of each product that is short, by product id.
    """

    def __init__(self, available: Mapping[str, int]) -> None:
        super().__init__(f"out of stock: {', '.join(available)}")
        self.available = available


class StockRepository(Protocol):
    """Reservations and stock counters, changed together."""

    def load(self, order_ids: Sequence[str]) -> dict[str, Row[Reservation]]:
        """The reservations of these orders that exist, as they are now, by order id."""
        ...

    def commit(self, writes: Sequence[Write], now: datetime) -> dict[str, Row[Reservation]]:
        """Write all changes and their sum on stock, or nothing.

        Returns:
            The rows as written, by order id.

        Raises:
            OutOfStock: the stock does not cover the sum.
            LostRace: a reservation has changed since it was read.
            Transient: a conflict or a throttle in every one of MAX_TRIES tries.
        """
        ...


def packed(writes: Sequence[Write], limit: int = MAX_TRANSACTION_ITEMS) -> list[list[Write]]:
    """Split `writes`, in order, into groups of one transaction each. A reservation is one item, and a product is one
    item, however many orders of the group contain it."""
    groups: list[list[Write]] = []
    products: frozenset[str] = frozenset()
    for write in writes:
        union = products | write.products
        if groups and len(groups[-1]) + 1 + len(union) <= limit:
            groups[-1].append(write)
            products = union
        else:
            groups.append([write])
            products = write.products
    return groups


class DynamoDBStockRepository:
    """A StockRepository on two DynamoDB tables.

    Args:
        settings: the tables.
    """

    def __init__(self, settings: InventorySettings) -> None:
        self._inventory = settings.inventory_table
        self._reservations = settings.reservations_table

    def load(self, order_ids: Sequence[str]) -> dict[str, Row[Reservation]]:
        keys = [{"orderId": {"S": order_id}} for order_id in dict.fromkeys(order_ids)]
        found = batch_get({self._reservations: {"Keys": keys, "ConsistentRead": True}})[self._reservations]
        return {item["orderId"]: RESERVATIONS.from_item(item) for item in found}

    def commit(self, writes: Sequence[Write], now: datetime) -> dict[str, Row[Reservation]]:
        rows = {w.order_id: RESERVATIONS.after(w.order_id, w.read, w.change, w.cause, now) for w in writes}
        stock = {
            product: delta for product, delta in summed([write.change for write in writes]).items() if delta != Delta()
        }
        items: list[Any] = [{"Put": conditional_put(self._reservations, RESERVATIONS, row)} for row in rows.values()]
        items += [{"Update": self._counted(product, delta, now)} for product, delta in stock.items()]
        for attempt in range(MAX_TRIES):
            try:
                aws.dynamodb().transact_write_items(TransactItems=items)
            except ClientError as error:
                _refused(error, len(rows), stock)
                pause_before_retry(attempt)
            else:
                return rows
        raise Transient("other transactions keep colliding with this one on the stock")

    def _counted(self, product_id: str, delta: Delta, now: datetime) -> dict[str, object]:
        """An update that adds to counters. It needs no read before it, and no counter can go below zero."""
        changes = {
            "availableQty": delta.available,
            "reservedQty": delta.reserved,
            "soldQty": delta.sold,
            "writtenOffQty": delta.written_off,
        }
        changes = {name: change for name, change in changes.items() if change}
        values = {f":{name}": change for name, change in changes.items()}
        conditions = ["attribute_exists(productId)"]
        for name, change in changes.items():
            if change < 0:
                conditions.append(f"{name} >= :{name}Taken")
                values[f":{name}Taken"] = -change
        adds = ", ".join(f"{name} :{name}" for name in changes)
        return {
            "TableName": self._inventory,
            "Key": {"productId": {"S": product_id}},
            "UpdateExpression": f"SET updatedAt = :now ADD {adds}",
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeValues": dynamodb.to_item({**values, ":now": now.isoformat()}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def _refused(error: ClientError, reservations: int, stock: Mapping[str, Delta]) -> None:
    """Raise what a refused transaction means; return if the same transaction may succeed later.

    Only a failed condition on a product's counters means "sold out". A conflict does not.
    """
    reasons = dynamodb.cancellation_reasons(error)
    if reasons is None:
        if dynamodb.is_transient(error):
            return
        raise error
    codes = [reason.get("Code", "None") for reason in reasons]
    if any(code in dynamodb.CONFLICTS | dynamodb.THROTTLES for code in codes):
        return
    if dynamodb.CONDITION_FAILED in codes[:reservations]:
        raise LostRace("a reservation") from error
    short: dict[str, int] = {}
    for reason, (product, delta) in zip(reasons[reservations:], stock.items(), strict=True):
        if reason.get("Code") != dynamodb.CONDITION_FAILED:
            continue
        short[product] = _left(product, delta, dynamodb.from_item(reason.get("Item", {})))
    if not short:
        raise error
    raise OutOfStock(short) from error


def _left(product: str, delta: Delta, counters: Mapping[str, Any]) -> int:
    """The units left of a product that is too short for `delta`; raises Permanent if another counter is too low."""
    available: int = counters.get("availableQty", 0)
    if available >= -delta.available:
        raise Permanent(f"the counters of {product} do not cover {delta}: run reconcile")
    return available


class ReadOnlyStockRepository:
    """A StockRepository for dry runs. It refuses what a transaction would refuse, and writes nothing."""

    def __init__(self, settings: InventorySettings) -> None:
        self._stock = DynamoDBStockRepository(settings)
        self._inventory = settings.inventory_table

    def load(self, order_ids: Sequence[str]) -> dict[str, Row[Reservation]]:
        return self._stock.load(order_ids)

    def commit(self, writes: Sequence[Write], now: datetime) -> dict[str, Row[Reservation]]:
        del now
        found = self._stock.load([write.order_id for write in writes])
        if any(found.get(write.order_id) != write.read for write in writes):
            raise LostRace("another reaction was faster")
        stock = summed([write.change for write in writes])
        keys = [{"productId": {"S": product}} for product, delta in stock.items() if delta != Delta()]
        rows = batch_get({self._inventory: {"Keys": keys, "ConsistentRead": True}})[self._inventory] if keys else []
        counters = {row["productId"]: row for row in rows}
        short = {
            product: _left(product, delta, counters.get(product, {}))
            for product, delta in stock.items()
            if not _covers(counters.get(product, {}), delta)
        }
        if short:
            raise OutOfStock(short)
        return {}


def _covers(counters: Mapping[str, Any], delta: Delta) -> bool:
    """Whether the transaction's condition would hold."""
    changes = {"availableQty": delta.available, "reservedQty": delta.reserved, "soldQty": delta.sold}
    return delta == Delta() or (
        bool(counters) and all(counters.get(name, 0) >= -change for name, change in changes.items() if change < 0)
    )


def shortages(change: StockChange, available: Mapping[str, int]) -> tuple[Shortage, ...]:
    """The shortages of `change`, for the products of which only `available` are left."""
    return tuple(
        Shortage(product_id=product, requested=-change.stock[product].available, available=max(left, 0))
        for product, left in available.items()
    )
