"""Products in DynamoDB, their pictures in S3, and their available units."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import batched
from typing import Any, Protocol

from botocore.exceptions import ClientError

from catalog.domain import (
    MAX_IMAGE_BYTES,
    Facts,
    ImageState,
    Picture,
    Product,
    ProductChange,
    Size,
    Upload,
    by_kind,
    upload_key,
)
from catalog.pages import ROOT
from catalog.search import Index
from cloudretail import aws, dynamodb
from cloudretail.errors import Conflict, LostRace, NotFound, Permanent
from cloudretail.money import Currency
from cloudretail.repository import batch_get
from cloudretail.settings import Settings

LIST_KEPT_FOR = 5.0
"""Seconds for which a process caches a list of products. Stock is always read anew."""

INDEX_KEPT_FOR = 30.0
"""Seconds for which a process makes pages of the index.html that it has read."""

UNPUBLISHED = f'<!doctype html><html lang="en"><head><title></title></head><body>{ROOT}</body></html>'

TICKET_VALID_FOR = 300
"""Seconds within which an upload has to begin."""

MAX_KEYS = 100
"""Keys of one BatchGetItem."""

CACHED_FOR_EVER = "public, max-age=31536000, immutable"
"""Cache-Control of files whose name is a hash of their content."""


class CatalogSettings(Settings):
    """What the catalogue's API needs."""

    products_table: str
    changes_table: str
    inventory_table: str
    images_bucket: str
    storefront_bucket: str
    storefront_url: str
    currency: Currency


class Shelf:
    """Products with their search index.

    Args:
        products: in any order.
    """

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = products

    @cached_property
    def index(self) -> Index:
        """The search index. It is made at the first search."""
        return Index(self.products)

    @cached_property
    def kinds(self) -> Mapping[str, Sequence[Product]]:
        """The variants of each group, and single products alone, by their `kind`."""
        return by_kind(self.products)


class Catalogue:
    """Products and their available units.

    Lists are made and searched in memory from the whole table (a scan), which each process reads at most every five
    seconds. docs/architecture.md, "How many products it holds", has measurements of its limits.

    Lists for staff are not cached.

    Args:
        products: name of the table of products.
        changes: name of the table of changes by staff.
        inventory: name of the table of stock.
        clock: wall-clock seconds; a Lambda's monotonic clock may stand still while it is frozen.
    """

    def __init__(self, products: str, changes: str, inventory: str, clock: Callable[[], float] = time.time) -> None:
        self._products = products
        self._changes = changes
        self._inventory = inventory
        self._clock = clock
        self._read_at: float | None = None
        self._shelf = Shelf(())

    def all(self) -> Shelf:
        """All products, listed or not, as they are now."""
        pages = aws.dynamodb().get_paginator("scan").paginate(TableName=self._products)
        return Shelf([Product.model_validate(dynamodb.from_item(item)) for page in pages for item in page["Items"]])

    def listed(self) -> Shelf:
        """The listed products, as they were at most LIST_KEPT_FOR seconds ago."""
        now = self._clock()
        if self._read_at is None or not self._read_at <= now < self._read_at + LIST_KEPT_FOR:
            products = [product for product in self.all().products if product.listed]
            # The shelf, and so its index, is made anew only if a product has changed.
            if products != self._shelf.products:
                self._shelf = Shelf(products)
            self._read_at = now
        return self._shelf

    def available(self, product_ids: Iterable[str]) -> dict[str, int]:
        """The available units of each product now; 0 for a product that was never received."""
        found = dict.fromkeys(product_ids, 0)
        for ids in batched(found, MAX_KEYS, strict=False):
            keys = [{"productId": {"S": id}} for id in ids]
            rows = batch_get({self._inventory: {"Keys": keys}})[self._inventory]
            found |= {row["productId"]: row["availableQty"] for row in rows}
        return found

    def get(self, product_id: str) -> tuple[Product, int]:
        """A product as it is now, with its available units; raises NotFound."""
        keys = {"Keys": [{"productId": {"S": product_id}}], "ConsistentRead": True}
        found = batch_get({self._products: keys, self._inventory: keys})
        if not found[self._products]:
            raise NotFound("product")
        available = sum(row["availableQty"] for row in found[self._inventory])
        return Product.model_validate(found[self._products][0]), available

    def find(self, product_id: str) -> Product:
        """A product as it is now; raises NotFound."""
        return self.get(product_id)[0]

    def add(self, product: Product, change: ProductChange) -> None:
        """Write a new product; raises Conflict `product-exists` if there is a product with this id."""
        put = {
            "TableName": self._products,
            "Item": dynamodb.to_item(product.model_dump(mode="json", exclude_none=True)),
            "ConditionExpression": "attribute_not_exists(productId)",
        }
        try:
            self._write({"Put": put}, change)
        except ClientError as error:
            if _condition_failed(error):
                raise Conflict("product-exists", f"There is a product {product.product_id} already.") from None
            raise

    def save(self, before: Product, after: Product, change: ProductChange) -> None:
        """Write a change by staff, without overwriting the states of its pictures."""
        try:
            self._write({"Update": self._update(before, after)}, change)
        except ClientError as error:
            if _condition_failed(error) or dynamodb.is_transient(error):
                raise LostRace(f"product {after.product_id}") from error
            raise

    def _write(self, write: Mapping[str, Any], change: ProductChange) -> None:
        record = {
            "TableName": self._changes,
            "Item": dynamodb.to_item(change.model_dump(mode="json", exclude_none=True)),
        }
        transaction: list[Any] = [write, {"Put": record}]
        aws.dynamodb().transact_write_items(TransactItems=transaction)
        self._read_at = None

    def _update(self, before: Product, after: Product) -> dict[str, object]:
        stored = after.model_dump(mode="json", exclude_none=True)
        written = (*Facts.model_fields, "released", "version", "updated_at")
        alias = {name: str(Product.model_fields[name].alias) for name in written}
        names = {f"#{name}": alias[name] for name in written}
        # Attributes without a value are not stored.
        kept = [name for name in written if alias[name] in stored]
        values = {f":{name}": stored[alias[name]] for name in kept} | {":read": before.version}
        sets = [f"#{name} = :{name}" for name in kept]
        removed = [f"#{name}" for name in written if name not in kept]
        new, gone = after.pictures.keys() - before.pictures.keys(), before.pictures.keys() - after.pictures.keys()
        for n, image_id in enumerate(sorted(new)):
            names[f"#new{n}"], values[f":new{n}"] = image_id, stored["pictures"][image_id]
            sets.append(f"pictures.#new{n} = :new{n}")
        names |= {f"#gone{n}": image_id for n, image_id in enumerate(sorted(gone))}
        removes = ", ".join([*removed, *(f"pictures.#gone{n}" for n in range(len(gone)))])
        return {
            "TableName": self._products,
            "Key": {"productId": {"S": after.product_id}},
            "UpdateExpression": f"SET {', '.join(sets)}{f' REMOVE {removes}' if removes else ''}",
            "ConditionExpression": "#version = :read",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": dynamodb.to_item(values),
        }

    def changes(self, product_id: str, limit: int, before: int | None) -> list[ProductChange]:
        """The changes of a product by staff, the newest first.

        Args:
            product_id: of the product.
            limit: how many at most.
            before: the last version of the previous page.
        """
        key = {"productId": product_id, "version": before}
        start = {"ExclusiveStartKey": dynamodb.to_item(key)} if before is not None else {}
        found = aws.dynamodb().query(
            TableName=self._changes,
            KeyConditionExpression="productId = :product",
            ExpressionAttributeValues={":product": {"S": product_id}},
            ScanIndexForward=False,
            Limit=limit,
            **start,  # type: ignore[arg-type]
        )
        return [ProductChange.model_validate(dynamodb.from_item(item)) for item in found["Items"]]


def _condition_failed(error: ClientError) -> bool:
    return any(reason.get("Code") == dynamodb.CONDITION_FAILED for reason in dynamodb.cancellation_reasons(error) or ())


class ProductImages(Protocol):
    """The states of the products' pictures."""

    def is_wanted(self, upload: Upload) -> bool:
        """Whether this upload is still to be processed: its product has the picture, and does not show it yet.

        Raises:
            Permanent: there is no such product.
        """
        ...

    def note(self, upload: Upload, picture: Picture) -> bool:
        """Store a picture's new state, unless it is READY already, or staff have removed it.

            staff     ticket: WAITING              remove                       remove
            uploads              note: READY            note again: nothing             late note: nothing

        Returns:
            Whether the state was stored.
        """
        ...


class DynamoDBProductImages:
    """ProductImages on the table of products.

    Args:
        table: its name.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def is_wanted(self, upload: Upload) -> bool:
        key = {"productId": {"S": upload.product_id}}
        found = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in found:
            raise Permanent(f"there is no product {upload.product_id} to show {upload.key}")
        picture = dynamodb.from_item(found["Item"]).get("pictures", {}).get(upload.image_id)
        return picture is not None and Picture.model_validate(picture).state is not ImageState.READY

    def note(self, upload: Upload, picture: Picture) -> bool:
        values = {":picture": picture.model_dump(mode="json", exclude_none=True), ":ready": ImageState.READY}
        try:
            aws.dynamodb().update_item(
                TableName=self._table,
                Key={"productId": {"S": upload.product_id}},
                UpdateExpression="SET pictures.#id = :picture",
                ConditionExpression="attribute_exists(pictures.#id) AND pictures.#id.#state <> :ready",
                ExpressionAttributeNames={"#id": upload.image_id, "#state": "state"},
                ExpressionAttributeValues=dynamodb.to_item(values),
            )
        except ClientError as error:
            if dynamodb.is_condition_failed(error):
                return False
            raise
        return True


class ReadOnlyProductImages:
    """ProductImages for dry runs: it changes nothing."""

    def __init__(self, images: ProductImages) -> None:
        self._images = images

    def is_wanted(self, upload: Upload) -> bool:
        return self._images.is_wanted(upload)

    def note(self, upload: Upload, picture: Picture) -> bool:
        del upload, picture
        return True


class Storefront:
    """The index.html of the published build, read at most every INDEX_KEPT_FOR seconds.

    Args:
        bucket: the storefront's.
        clock: as of `Catalogue`.
    """

    def __init__(self, bucket: str, clock: Callable[[], float] = time.time) -> None:
        self._bucket = bucket
        self._clock = clock
        self._index: tuple[float, str] | None = None

    @property
    def index(self) -> str:
        """Where nothing has been published, as on a laptop, one without scripts."""
        now = self._clock()
        if self._index is None or not self._index[0] <= now < self._index[0] + INDEX_KEPT_FOR:
            try:
                found = aws.s3().get_object(Bucket=self._bucket, Key="index.html")["Body"].read().decode()
            except ClientError as error:
                # Who may not list a bucket is not told that something is missing.
                if error.response["Error"]["Code"] not in ("NoSuchKey", "AccessDenied"):
                    raise
                found = UNPUBLISHED
            self._index = (now, found)
        return self._index[1]


class Pictures:
    """The bucket of pictures: private uploads, and the published pictures.

    Args:
        bucket: its name.
    """

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def uploaded(self, key: str) -> bytes:
        """An upload. It has at most MAX_IMAGE_BYTES, as its ticket demands."""
        return aws.s3().get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def publish(self, width: int, content: bytes) -> Size:
        """Publish a picture under a name made of its content, so that the same picture is one object.

        Args:
            width: in pixels.
            content: a WebP file.
        """
        key = f"pictures/{hashlib.sha256(content).hexdigest()[:32]}.webp"
        aws.s3().put_object(
            Bucket=self._bucket, Key=key, Body=content, ContentType="image/webp", CacheControl=CACHED_FOR_EVER
        )
        return Size(width=width, key=key)

    def ticket(self, product_id: str, image_id: str, content_type: str) -> dict[str, Any]:
        """A presigned POST for one picture of a product, of this type and of at most MAX_IMAGE_BYTES. It is signed
        here, without a round trip.

        Returns:
            `url`, and the `fields` of the form that have to be sent there before its `file`.
        """
        return aws.s3().generate_presigned_post(
            self._bucket,
            upload_key(product_id, image_id, content_type),
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, MAX_IMAGE_BYTES]],
            ExpiresIn=TICKET_VALID_FOR,
        )
