"""Stock as staff see and change it, on the tables of counters and movements."""

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.errors import LostRace, NotFound
from cloudretail.repository import batch_get
from cloudretail.settings import Settings
from inventory.movements import Levels, Movement

COUNTERS = {
    "available": "availableQty",
    "reserved": "reservedQty",
    "sold": "soldQty",
    "received": "receivedQty",
    "written_off": "writtenOffQty",
    "adjusted": "adjustedQty",
}
"""The attribute of each counter, by the counter's name."""

ALL, WATCHED = ("kind", "STOCK"), ("watched", "LOW")
"""Partition keys of the indexes of all stock, and of stock with a threshold. They do not change with the counters, so
an order writes to neither index."""

LOOKED_AT = 500
"""The most products with a threshold that one request reads. The next page goes on from there."""


class WarehouseSettings(Settings):
    """What the inventory API needs."""

    inventory_table: str
    products_table: str
    movements_table: str


class DynamoDBWarehouse:
    """`Warehouse` on DynamoDB, and its lists.

    Args:
        settings: the tables.
    """

    def __init__(self, settings: WarehouseSettings) -> None:
        self._inventory = settings.inventory_table
        self._products = settings.products_table
        self._movements = settings.movements_table

    def levels(self, product_id: str) -> Levels | None:
        """The counters as they are now; None for a product that was never received."""
        found = aws.dynamodb().get_item(
            TableName=self._inventory, Key={"productId": {"S": product_id}}, ConsistentRead=True
        )
        return _levels(dynamodb.from_item(found["Item"])) if "Item" in found else None

    def look(self, product_id: str, movement_id: str | None = None) -> tuple[Levels, Movement | None]:
        product = {"Keys": [{"productId": {"S": product_id}}], "ConsistentRead": True}
        request: dict[str, Any] = {self._inventory: product, self._products: {**product, **_NAME}}
        if movement_id:
            request[self._movements] = {"Keys": [{"movementId": {"S": movement_id}}], "ConsistentRead": True}
        found = batch_get(request)
        if not found[self._products]:
            raise NotFound("product")
        levels, booked = found[self._inventory], found.get(self._movements)
        return (
            _levels(levels[0]) if levels else Levels(),
            Movement.model_validate(booked[0]) if booked else None,
        )

    def book(self, movement: Movement) -> None:
        transaction: list[Any] = [{"Put": self._recorded(movement)}, {"Update": self._counted(movement)}]
        try:
            aws.dynamodb().transact_write_items(TransactItems=transaction)
        except ClientError as error:
            codes = {reason.get("Code", "None") for reason in dynamodb.cancellation_reasons(error) or ()}
            if dynamodb.CONDITION_FAILED in codes or dynamodb.is_transient(error):
                raise LostRace(f"the stock of {movement.product_id}") from error
            raise

    def _recorded(self, movement: Movement) -> dict[str, object]:
        return {
            "TableName": self._movements,
            "Item": dynamodb.to_item(movement.model_dump(mode="json", exclude_none=True)),
            "ConditionExpression": "attribute_not_exists(movementId)",
        }

    def _counted(self, movement: Movement) -> dict[str, object]:
        before, after = movement.before, movement.after
        values: dict[str, object] = {f":{name}": getattr(after, name) for name in COUNTERS}
        sets = [f"{attribute} = :{name}" for name, attribute in COUNTERS.items()]
        values |= {":at": movement.at.isoformat(), ":stock": ALL[1]}
        sets += ["updatedAt = :at", "#kind = :stock"]
        if after.low_at is None:
            rest = " REMOVE lowAt, watched"
        else:
            values |= {":lowAt": after.low_at, ":watched": WATCHED[1]}
            rest = ""
            sets += ["lowAt = :lowAt", "watched = :watched"]
        values |= {f":{name}Before": getattr(before, name) for name in COUNTERS}
        unchanged = [_holds(attribute, f":{name}Before", getattr(before, name)) for name, attribute in COUNTERS.items()]
        if before.low_at is None:
            unchanged.append("attribute_not_exists(lowAt)")
        else:
            values[":lowAtBefore"] = before.low_at
            unchanged.append("lowAt = :lowAtBefore")
        return {
            "TableName": self._inventory,
            "Key": {"productId": {"S": movement.product_id}},
            "UpdateExpression": f"SET {', '.join(sets)}{rest}",
            "ConditionExpression": " AND ".join(unchanged),
            "ExpressionAttributeNames": {"#kind": ALL[0]},
            "ExpressionAttributeValues": dynamodb.to_item(values),
        }

    def page(self, limit: int, after: Mapping[str, Any] | None) -> tuple[dict[str, Levels], dict[str, Any] | None]:
        """A page of all stock, by product id, and the position of the next page; None at the end."""
        ids, position = self._ids(ALL, limit, after)
        return self._all_levels(ids), position

    def low(self, limit: int, after: Mapping[str, Any] | None) -> tuple[dict[str, Levels], dict[str, Any] | None]:
        """As `page`, of low stock. A page may be short of `limit`, as at most LOOKED_AT products are read for it."""
        found: dict[str, Levels] = {}
        position = dict(after) if after else None
        for _ in range(LOOKED_AT // MAX_PAGE):
            ids, position = self._ids(WATCHED, MAX_PAGE, position)
            for product_id, levels in self._all_levels(ids).items():
                if levels.low:
                    found[product_id] = levels
                if len(found) == limit:
                    return found, {"productId": product_id}
            if position is None:
                break
        return found, position

    def _ids(
        self, key: tuple[str, str], limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[str], dict[str, Any] | None]:
        (name, value) = key
        start = {"ExclusiveStartKey": dynamodb.to_item({**after, name: value})} if after else {}
        found = aws.dynamodb().query(
            TableName=self._inventory,
            IndexName=f"{name}-productId",
            KeyConditionExpression="#key = :key",
            ExpressionAttributeNames={"#key": name},
            ExpressionAttributeValues={":key": {"S": value}},
            Limit=limit,
            **start,  # type: ignore[arg-type]
        )
        last = found.get("LastEvaluatedKey")
        return (
            [item["productId"]["S"] for item in found["Items"]],
            {"productId": last["productId"]["S"]} if last else None,
        )

    def _all_levels(self, product_ids: Iterable[str]) -> dict[str, Levels]:
        keys = [{"productId": {"S": product_id}} for product_id in product_ids]
        if not keys:
            return {}
        rows = batch_get({self._inventory: {"Keys": keys, "ConsistentRead": True}})[self._inventory]
        found = {row["productId"]: _levels(row) for row in rows}
        return {product_id: found[product_id] for product_id in product_ids if product_id in found}

    def names(self, product_ids: Iterable[str]) -> dict[str, str]:
        """The catalogue's names of these products, at most 100; the id for a product that it does not have."""
        names = {product_id: product_id for product_id in product_ids}
        keys = [{"productId": {"S": product_id}} for product_id in names]
        rows = batch_get({self._products: {"Keys": keys, **_NAME}})[self._products] if keys else []
        return names | {row["productId"]: row["name"] for row in rows if "name" in row}

    def movements(
        self, product_id: str, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Movement], dict[str, Any] | None]:
        """The movements of a product's stock, the newest first.

        Returns:
            The movements, and the position of the next page; None at the end.
        """
        start = {"ExclusiveStartKey": dynamodb.to_item({**after, "productId": product_id})} if after else {}
        page = aws.dynamodb().query(
            TableName=self._movements,
            IndexName="productId-at",
            KeyConditionExpression="productId = :product",
            ExpressionAttributeValues={":product": {"S": product_id}},
            ScanIndexForward=False,
            Limit=limit,
            **start,  # type: ignore[arg-type]
        )
        last = dynamodb.from_item(page["LastEvaluatedKey"]) if "LastEvaluatedKey" in page else None
        position = {"movementId": last["movementId"], "at": last["at"]} if last else None
        return [Movement.model_validate(dynamodb.from_item(item)) for item in page["Items"]], position


MAX_PAGE = 100
"""Keys of one BatchGetItem. Source: DynamoDB developer guide, "Service quotas"."""

_NAME = {"ProjectionExpression": "productId, #name", "ExpressionAttributeNames": {"#name": "name"}}


def _holds(attribute: str, value: str, seen: int) -> str:
    """The condition that a counter has not changed since it was read. A missing counter is 0."""
    same = f"{attribute} = {value}"
    return same if seen else f"({same} OR attribute_not_exists({attribute}))"


def _levels(row: Mapping[str, Any]) -> Levels:
    counters = {name: row.get(attribute, 0) for name, attribute in COUNTERS.items()}
    return Levels(**counters, low_at=row.get("lowAt"))
