"""Reads point-in-time exports of the tables in S3, for a reconciliation of tables that are too large to be scanned.

    tables --export--> data files --divide--> shares: all rows about some 10,000 orders, from every table

All tables are exported as of the same second, so that counters and reservations are comparable however much is sold
meanwhile. A data file has the rows of one table by the hash of its own key, so the rows about one order are in several
files. Each file is read once, and its rows are written into the shares that their orders belong to.
"""

import gzip
import itertools
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import IO, Any, Protocol, cast

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.errors import ShopError
from cloudretail.model import Model
from operations.diagnosis.tables import AccountRow, OrderPart, StockRow, TableSnapshot
from operations.reconciliation.domain import TABLES_READ, Part, Subject, TableExport
from operations.reconciliation.store import order_of

ROWS_PER_CHUNK = 50_000
"""Rows of a data file that are divided together. If the worker ends, it goes on with the next ones."""

ROWS = {Subject(table.name): table.row for table in TABLES_READ}


class ExportFailed(ShopError):
    """DynamoDB could not export a table, or a data file is not whole."""


class ExportStatus(StrEnum):
    """The states of an export. Source: DynamoDB API reference, "ExportDescription"."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Exporter(Protocol):
    """DynamoDB's exports, and the bucket that has them."""

    def begin(self, table: str, at: datetime, place: str, token: str) -> str:
        """Begin to export a table; returns the export's ARN.

        Args:
            table: name of the table.
            at: the time whose state is exported.
            place: prefix of its objects.
            token: begins one export, however often it is sent.

        Raises:
            ExportFailed: DynamoDB refuses it.
        """
        ...

    def status(self, arn: str) -> tuple[ExportStatus, str]:
        """The state of an export, and why it failed."""
        ...

    def open(self, key: str) -> IO[bytes]:
        """An object's content, as a stream."""
        ...

    def write(self, key: str, content: bytes) -> None: ...

    def keys(self, prefix: str) -> list[str]:
        """The keys of the objects whose keys begin so."""
        ...


class DataFile(Model):
    """A line of an export's list of data files.

    Attributes:
        item_count: the number of its rows.
        data_file_s3_key: its key.
    """

    item_count: int
    data_file_s3_key: str


@dataclass(frozen=True)
class Chunk:
    """Some rows of a data file.

    Attributes:
        file: the data file.
        first: number of the first row, from 0.
    """

    file: DataFile
    first: int

    @property
    def rows(self) -> int:
        """How many there are."""
        return min(ROWS_PER_CHUNK, self.file.item_count - self.first)


def chunks_of(files: Iterable[DataFile]) -> list[Chunk]:
    """All rows of some data files."""
    return [Chunk(file, first) for file in files for first in range(0, file.item_count, ROWS_PER_CHUNK)]


class Exports:
    """The exports for one reconciliation.

    Args:
        tables: names of the tables.
        exporter: makes and stores the exports.
        reconciliation_id: of the reconciliation.
    """

    def __init__(self, tables: Mapping[Subject, str], exporter: Exporter, reconciliation_id: str) -> None:
        self._tables = tables
        self._exporter = exporter
        self._id = reconciliation_id
        self._place = f"exports/{reconciliation_id}"
        self._lines: Iterator[bytes] = iter(())
        self._read: tuple[DataFile, int] | None = None

    def begin(self, at: datetime) -> TableExport:
        """Begin to export every table.

        Args:
            at: the time whose state is exported.
        """
        tokens = {each: f"{self._id}-{each}-{at:%Y%m%dT%H%M%S}" for each in self._tables}
        begun = {each: self._exporter.begin(self._tables[each], at, self._place, tokens[each]) for each in self._tables}
        return TableExport(at=at, arns=begun)

    def files(self, export: TableExport) -> dict[Subject, list[DataFile]] | None:
        """The data files of each table; None as long as a table is being exported.

        Raises:
            ExportFailed: a table could not be exported.
        """
        for subject, arn in export.arns.items():
            status, why = self._exporter.status(arn)
            if status is ExportStatus.FAILED:
                raise ExportFailed(f"DynamoDB could not export {self._tables[subject]}: {why}")
            if status is ExportStatus.IN_PROGRESS:
                return None
        return {subject: self._listed(arn) for subject, arn in export.arns.items()}

    def _listed(self, arn: str) -> list[DataFile]:
        """Source: DynamoDB developer guide, "DynamoDB table export output format"."""
        folder = f"{self._place}/AWSDynamoDB/{arn.rpartition('/')[2]}"
        with self._exporter.open(f"{folder}/manifest-files.json") as lines:
            listed = [DataFile.model_validate_json(line) for line in lines if line.strip()]
        # The guide's example of a key lacks the export's prefix; its picture of the folders has it.
        return [
            each.model_copy(update={"data_file_s3_key": f"{folder}/data/{each.data_file_s3_key.rpartition('/')[2]}"})
            for each in listed
        ]

    def divide(self, part: Part, chunk: Chunk, shares: int) -> int:
        """Write some rows of a data file into their shares; returns how many. A repetition writes the same.

        Args:
            part: of the reconciliation.
            chunk: the rows.
            shares: how many there are.

        Raises:
            ExportFailed: the file does not have as many rows as its list says.
        """
        held, rows = defaultdict[int, list[str]](list), 0
        for item in self._items(chunk):
            rows += 1
            for order_id, row in _about(part.subject, ROWS[part.subject].model_validate(item)):
                content = row.model_dump_json(exclude={"outbox"}, exclude_none=True)
                held[zlib.crc32(order_id.encode()) % shares].append(json.dumps([order_id, part.subject, content]))
        if rows != chunk.rows:
            raise ExportFailed(f"{chunk.file.data_file_s3_key} has not the {chunk.file.item_count} rows of its list")
        for share, lines in held.items():
            key = f"{self._share(share)}{part.subject}-{part.segment:05d}.gz"
            self._exporter.write(key, gzip.compress("\n".join(lines).encode(), mtime=0))
        return rows

    def _share(self, number: int) -> str:
        return f"{self._place}/shares/{number:05d}/"

    def share(self, number: int, at_once: int) -> Iterator[tuple[Sequence[str], TableSnapshot]]:
        """The orders of one share with the rows about them, in pages. An account has only orders of the page.

        Args:
            number: of the share.
            at_once: orders of a page.
        """
        found = defaultdict[str, list[tuple[Subject, str]]](list)
        for key in self._exporter.keys(self._share(number)):
            with self._exporter.open(key) as content, gzip.open(content) as lines:
                for line in lines:
                    order_id, subject, row = json.loads(line)
                    found[order_id].append((Subject(subject), row))
        for order_ids in itertools.batched(sorted(found), at_once, strict=False):
            rows = [ROWS[subject].model_validate_json(row) for each in order_ids for subject, row in found[each]]
            held = [row for row in rows if isinstance(row, AccountRow)]
            others = [row for row in rows if not isinstance(row, AccountRow)]
            yield order_ids, TableSnapshot([*others, *_merged(held)])

    def stock(self, files: Iterable[DataFile]) -> Iterator[list[tuple[StockRow, datetime | None]]]:
        """All counters with the time of their latest change, in pages."""
        for chunk in chunks_of(files):
            items = list(self._items(chunk))
            changed = [datetime.fromisoformat(each["updatedAt"]) if "updatedAt" in each else None for each in items]
            yield list(zip(map(StockRow.model_validate, items), changed, strict=True))

    def _items(self, chunk: Chunk) -> Iterator[dict[str, Any]]:
        """The rows of a chunk. Several chunks of a file, one after the other, read it once."""
        if self._read != (chunk.file, chunk.first):
            self._lines = self._all_lines(chunk.file)
            for _ in itertools.islice(self._lines, chunk.first):
                pass
        self._read = chunk.file, chunk.first + chunk.rows
        for line in itertools.islice(self._lines, chunk.rows):
            yield dynamodb.from_item(json.loads(line)["Item"])

    def _all_lines(self, file: DataFile) -> Iterator[bytes]:
        with self._exporter.open(file.data_file_s3_key) as content, gzip.open(content) as lines:
            yield from lines


def _about(subject: Subject, row: Model) -> list[tuple[str, Model]]:
    """The orders that a row is about, each with the row: an account with all of its open orders."""
    if isinstance(row, AccountRow):
        # An order's account: who holds it, and nothing about that person's other orders.
        held = {order_id: {"userId": row.user_id, order_id: {}} for order_id in sorted(row.held)}
        return [(order_id, AccountRow.model_validate(item)) for order_id, item in held.items()]
    if isinstance(row, OrderPart):
        return [(row.order_id, row)]
    table = next(table for table in TABLES_READ if table.name == subject)
    return [(order_of(subject, str(row.model_dump(by_alias=True)[table.key])), row)]


def _merged(accounts: Iterable[AccountRow]) -> list[AccountRow]:
    """One row for each account, with everything that these say it holds."""
    held = defaultdict[str, dict[str, Any]](dict)
    for each in accounts:
        held[each.user_id] |= {order_id: {} for order_id in each.held}
    return [AccountRow.model_validate({"userId": user_id, **orders}) for user_id, orders in held.items()]


class S3Exporter:
    """DynamoDB's exports in a bucket of the stack.

    Args:
        bucket: its name.
    """

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def begin(self, table: str, at: datetime, place: str, token: str) -> str:
        arn = aws.dynamodb().describe_table(TableName=table)["Table"]["TableArn"]
        try:
            begun = aws.dynamodb().export_table_to_point_in_time(
                TableArn=arn,
                ExportTime=at,
                ClientToken=token,
                S3Bucket=self._bucket,
                S3Prefix=place,
                S3SseAlgorithm="AES256",
                ExportFormat="DYNAMODB_JSON",
            )
        except ClientError as error:
            raise ExportFailed(f"DynamoDB does not export {table}: {error}") from error
        return begun["ExportDescription"]["ExportArn"]

    def status(self, arn: str) -> tuple[ExportStatus, str]:
        found = aws.dynamodb().describe_export(ExportArn=arn)["ExportDescription"]
        return ExportStatus(found["ExportStatus"]), found.get("FailureMessage", found.get("FailureCode", ""))

    def open(self, key: str) -> IO[bytes]:
        return cast(IO[bytes], aws.s3().get_object(Bucket=self._bucket, Key=key)["Body"])

    def write(self, key: str, content: bytes) -> None:
        aws.s3().put_object(Bucket=self._bucket, Key=key, Body=content)

    def keys(self, prefix: str) -> list[str]:
        pages = aws.s3().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]
