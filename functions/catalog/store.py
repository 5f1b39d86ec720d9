"""Products in DynamoDB, their pictures in S3, and how many of them can be had."""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import batched
from typing import Any, Protocol

from botocore.exceptions import ClientError

from catalog.domain import IMAGE_TYPES, MAX_IMAGE_BYTES, Product, ProductText, Upload
from cloudretail import aws, dynamodb
from cloudretail.errors import Conflict, NotFound, Permanent
from cloudretail.money import Currency
from cloudretail.repository import batch_get
from cloudretail.settings import Settings

LIST_KEPT_FOR = 5.0
"""Seconds for which a process shows the list that it has read; stock is always read anew."""

URL_VALID_FOR = 300
"""Seconds for which a picture's URL is valid."""

URL_STABLE_FOR = 60
"""Seconds in which a picture keeps its URL, so that a browser need not load it again on each page."""

TICKET_VALID_FOR = 300
"""Seconds in which an upload must have begun."""

MAX_KEYS = 100
"""Keys of one BatchGetItem."""


class CatalogSettings(Settings):
    """What the catalogue's API needs."""

    products_table: str
    inventory_table: str
    images_bucket: str
    currency: Currency


class Catalogue:
    """The products, and how many of each can be had.

    Lists are made in memory from a whole category (a query of the index) or the whole table (a scan), which is read at
    most every five seconds in each process. That is right for hundreds to a few thousand products: 2,000 of 0.5 kB
    are one scan of 1 MB, 130 read units, and a few ms of sorting. Beyond that, a search index is the answer.

    Args:
        products: table.
        inventory: table.
        clock: seconds; of the wall, because a Lambda's monotonic clock may stand still while it sleeps.
    """

    def __init__(self, products: str, inventory: str, clock: Callable[[], float] = time.time) -> None:
        self._products = products
        self._inventory = inventory
        self._clock = clock
        self._lists: dict[str | None, tuple[float, Sequence[Product]]] = {}

    def listed(self, category: str | None) -> Sequence[Product]:
        """All products, or those of a category, as they were at most LIST_KEPT_FOR seconds ago."""
        now = self._clock()
        read_at, products = self._lists.get(category, (None, ()))
        if read_at is None or not read_at <= now < read_at + LIST_KEPT_FOR:
            products = tuple(Product.model_validate(item) for item in self._read(category))
            # Categories are few, but anybody may ask for any that does not exist.
            self._lists = {key: kept for key, kept in self._lists.items() if kept[0] + LIST_KEPT_FOR > now}
            if products:
                self._lists[category] = (now, products)
        return products

    def _read(self, category: str | None) -> Iterator[dict[str, Any]]:
        if category is None:
            pages: Iterable[Any] = aws.dynamodb().get_paginator("scan").paginate(TableName=self._products)
        else:
            pages = (
                aws.dynamodb()
                .get_paginator("query")
                .paginate(
                    TableName=self._products,
                    IndexName="category-name",
                    KeyConditionExpression="category = :category",
                    ExpressionAttributeValues={":category": {"S": category}},
                )
            )
        return (dynamodb.from_item(item) for page in pages for item in page["Items"])

    def available(self, product_ids: Iterable[str]) -> dict[str, int]:
        """How many of each of these can be had now; 0 for what has never been received."""
        found = dict.fromkeys(product_ids, 0)
        for ids in batched(found, MAX_KEYS, strict=False):
            keys = [{"productId": {"S": id}} for id in ids]
            rows = batch_get({self._inventory: {"Keys": keys}})[self._inventory]
            found |= {row["productId"]: row["availableQty"] for row in rows}
        return found

    def get(self, product_id: str) -> tuple[Product, int]:
        """A product as it is now, and how many of it can be had; raises NotFound."""
        keys = {"Keys": [{"productId": {"S": product_id}}], "ConsistentRead": True}
        found = batch_get({self._products: keys, self._inventory: keys})
        if not found[self._products]:
            raise NotFound("product")
        available = sum(row["availableQty"] for row in found[self._inventory])
        return Product.model_validate(found[self._products][0]), available

    def add(self, product: Product) -> None:
        """Raises Conflict `product-exists` where there is a product of this id."""
        try:
            aws.dynamodb().put_item(
                TableName=self._products,
                Item=dynamodb.to_item(product.model_dump(mode="json", exclude_none=True)),
                ConditionExpression="attribute_not_exists(productId)",
            )
        except ClientError as error:
            if dynamodb.is_condition_failed(error):
                raise Conflict("product-exists", f"There is a product {product.product_id} already.") from None
            raise
        self._lists.clear()

    def replace(self, product_id: str, text: ProductText) -> Product:
        """Replace what an operator writes of a product, and keep the rest; raises NotFound."""
        values = text.model_dump()
        try:
            updated = aws.dynamodb().update_item(
                TableName=self._products,
                Key={"productId": {"S": product_id}},
                UpdateExpression="SET " + ", ".join(f"#{field} = :{field}" for field in values),
                ConditionExpression="attribute_exists(productId)",
                ExpressionAttributeNames={f"#{field}": field for field in values},
                ExpressionAttributeValues=dynamodb.to_item({f":{field}": value for field, value in values.items()}),
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if dynamodb.is_condition_failed(error):
                raise NotFound("product") from None
            raise
        self._lists.clear()
        return Product.model_validate(dynamodb.from_item(updated["Attributes"]))


class ProductImages(Protocol):
    """Which picture each product shows."""

    def show_newest(self, upload: Upload) -> bool:
        """Let a product show an uploaded picture, unless a newer one has arrived already.

            uploaded   A          B
            arrives                     B: shown          A: older than B, nothing          B again: not newer, nothing

        Returns:
            Whether the product shows it now for the first time.

        Raises:
            Permanent: there is no such product.
        """
        ...


class DynamoDBProductImages:
    """ProductImages on the table of products."""

    def __init__(self, table: str) -> None:
        self._table = table

    def show_newest(self, upload: Upload) -> bool:
        try:
            aws.dynamodb().update_item(
                TableName=self._table,
                Key={"productId": {"S": upload.product_id}},
                UpdateExpression="SET imageKey = :key, imageOrder = :order",
                ConditionExpression="attribute_exists(productId)"
                " AND (attribute_not_exists(imageOrder) OR imageOrder < :order)",
                ExpressionAttributeValues={":key": {"S": upload.key}, ":order": {"S": upload.order}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not dynamodb.is_condition_failed(error):
                raise
            if "Item" not in error.response:
                raise _no_product(upload) from None
            return False
        return True


class ReadOnlyProductImages:
    """ProductImages for dry runs: it says whether a product would show a picture, and changes nothing."""

    def __init__(self, table: str) -> None:
        self._table = table

    def show_newest(self, upload: Upload) -> bool:
        key = {"productId": {"S": upload.product_id}}
        found = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in found:
            raise _no_product(upload)
        shown: str = dynamodb.from_item(found["Item"]).get("imageOrder", "")
        return shown < upload.order


def _no_product(upload: Upload) -> Permanent:
    return Permanent(f"there is no product {upload.product_id} to show {upload.key}")


class Pictures:
    """The bucket of pictures. Everything is signed here, without a round trip.

    Args:
        bucket: its name.
        clock: seconds.
    """

    def __init__(self, bucket: str, clock: Callable[[], float] = time.time) -> None:
        self._bucket = bucket
        self._clock = clock
        self._sign = lru_cache(maxsize=4096)(self._signed)

    def url(self, key: str | None) -> str | None:
        """Where a picture can be fetched for the next minutes: at least URL_VALID_FOR - URL_STABLE_FOR seconds."""
        return self._sign(key, int(self._clock() // URL_STABLE_FOR)) if key else None

    def _signed(self, key: str, _minute: int) -> str:
        return aws.s3().generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=URL_VALID_FOR
        )

    def ticket(self, product_id: str, content_type: str) -> dict[str, Any]:
        """A presigned POST for one picture of a product, of this type and of MAX_IMAGE_BYTES at the most.

        Returns:
            `url`, and the `fields` of the form to be sent there before its `file`.
        """
        return aws.s3().generate_presigned_post(
            self._bucket,
            f"products/{product_id}/{uuid.uuid4().hex}.{IMAGE_TYPES[content_type]}",
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, MAX_IMAGE_BYTES]],
            ExpiresIn=TICKET_VALID_FOR,
        )
