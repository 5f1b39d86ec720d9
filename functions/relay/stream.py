"""The relay reads the tables' streams and publishes the events of the rows' outboxes on the bus.

After a transient failure, the stream delivers again from the first record whose events were not all accepted. It does
so for 24 hours, as long as it keeps its records. Consumers ignore an event that they receive twice. If the bus refuses
an event for good, or a record cannot be read, the relay puts it into its own dead-letter queue with the cause, and goes
on.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from cloudretail import aws
from cloudretail.dynamodb import from_item
from cloudretail.errors import Transient
from cloudretail.event import EventType
from cloudretail.outbox import due
from cloudretail.settings import Settings, load
from cloudretail.telemetry import count, flush, logger

MAX_ENTRIES = 10
"""Entries of one PutEvents call. Source: Amazon EventBridge quotas."""

MAX_BYTES = 256 * 1024
"""All entries of one call, and so each entry. Source: Amazon EventBridge user guide, "PutEvents entry size"."""

PASSING = frozenset({"ThrottlingException", "InternalFailure", "InternalException", "ServiceUnavailable"})
"""Error codes of an entry that may be accepted later. Source: EventBridge API reference, PutEventsResultEntry."""


class RelaySettings(Settings):
    """What the relay needs."""

    stage: str
    event_bus_name: str
    dlq_url: str


type Entry = dict[str, Any]


class Bus(Protocol):
    """The bus, and the dead-letter queue for what cannot be published."""

    @property
    def name(self) -> str:
        """Name of the event bus."""
        ...

    def put(self, entries: Sequence[Entry]) -> Sequence[Mapping[str, Any]]:
        """Put at most MAX_ENTRIES entries, of at most MAX_BYTES together, on the bus.

        Returns:
            A receipt for each entry. It has an `ErrorCode` if the entry was not accepted.
        """
        ...

    def park(self, parked: Mapping[str, Any]) -> None:
        """Put a refused event or an unreadable record into the relay's dead-letter queue."""
        ...


@dataclass(frozen=True)
class EventBridgeBus:
    """A Bus on EventBridge and SQS."""

    settings: RelaySettings

    @property
    def name(self) -> str:
        return self.settings.event_bus_name

    def put(self, entries: Sequence[Entry]) -> Sequence[Mapping[str, Any]]:
        return aws.eventbridge().put_events(Entries=entries)["Entries"]  # type: ignore[arg-type]

    def park(self, parked: Mapping[str, Any]) -> None:
        aws.sqs().send_message(QueueUrl=self.settings.dlq_url, MessageBody=json.dumps(parked))


def entries(record: Mapping[str, Any], bus: str) -> list[Entry]:
    """The bus entries of a stream record's events, in order.

    Args:
        record: of a DynamoDB stream with NEW_IMAGE.
        bus: name of the event bus.

    Raises:
        Exception: of any kind, if the row's outbox is malformed.
    """
    image = record["dynamodb"].get("NewImage")
    if not image:
        return []
    row, at = from_item(image), record["dynamodb"].get("ApproximateCreationDateTime")
    documents = due(row, datetime.fromtimestamp(at, UTC) if at else None)
    if not documents and due(row):
        logger.warning("A copy of a row publishes nothing again", keys=record["dynamodb"].get("Keys"))
        count("Copied")
    return [entry(document, bus) for document in documents]


def entry(document: str, bus: str) -> Entry:
    """The bus entry of an event.

    Args:
        document: the CloudEvent.
        bus: name of the event bus.
    """
    event = json.loads(document)
    name = EventType.parse(event["type"]).name
    return {"EventBusName": bus, "Source": event["source"], "DetailType": name, "Detail": document}


def size(entry: Entry) -> int:
    """Bytes of an entry, as the bus counts them."""
    return sum(len(entry[part].encode()) for part in ("Source", "DetailType", "Detail"))


def batches(all_entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Split into batches that the bus accepts in one call. An entry that is too large is a batch of its own."""
    batch: list[Entry] = []
    total = 0
    for entry in all_entries:
        if batch and (len(batch) == MAX_ENTRIES or total + size(entry) > MAX_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(entry)
        total += size(entry)
    if batch:
        yield batch


def publish(batch: Sequence[Entry], bus: Bus) -> None:
    """Put one batch on the bus, and park the entries that it refuses for good.

    Raises:
        Transient: the bus did not accept an entry, but may later.
    """
    if size(batch[0]) > MAX_BYTES:
        _park(batch[0], "EntryTooLarge", f"{size(batch[0])} bytes", bus)
        return
    # PutEvents answers 200 even if it refused entries: each entry has a receipt of its own.
    receipts = bus.put(batch)
    passing = 0
    for entry, receipt in zip(batch, receipts, strict=True):
        code = receipt.get("ErrorCode")
        if code is None:
            continue
        if code in PASSING:
            passing += 1
        else:
            _park(entry, code, receipt.get("ErrorMessage", ""), bus)
    if passing:
        raise Transient(f"the bus did not accept {passing} of {len(batch)} entries")


def _park(entry: Entry, code: str, message: str, bus: Bus) -> None:
    logger.error("The bus refused an event for good", detail_type=entry["DetailType"], code=code, reason=message)
    bus.park({"entry": entry, "errorCode": code, "errorMessage": message})
    count("Parked")


class Unpublished(Transient):
    """Some entries were not accepted, but may be later.

    Args:
        message: what went wrong.
        sequence_number: of the first record that the stream has to deliver again.
    """

    def __init__(self, message: str, sequence_number: str) -> None:
        super().__init__(message)
        self.sequence_number = sequence_number


def _readable(records: Iterable[Mapping[str, Any]], bus: Bus) -> Iterator[tuple[str, Entry]]:
    """The entries of all records, each with its record's sequence number. A record that cannot be read is parked;
    otherwise it would block its shard for a day."""
    for record in records:
        try:
            found = entries(record, bus.name)
        except Exception as error:
            logger.exception("A stream record cannot be read", keys=record.get("dynamodb", {}).get("Keys"))
            bus.park({"record": record, "errorCode": "Unreadable", "errorMessage": repr(error)})
            count("Parked")
        else:
            yield from ((record["dynamodb"]["SequenceNumber"], entry) for entry in found)


def relay(records: Iterable[Mapping[str, Any]], bus: Bus) -> None:
    """Publish the events of a batch of stream records, in order.

    Args:
        records: of DynamoDB streams with NEW_IMAGE.
        bus: where the events are published.

    Raises:
        Unpublished: the bus did not accept an entry that it may accept later, or could not be reached.
    """
    readable = list(_readable(records, bus))
    published = 0
    for batch in batches(entry for _, entry in readable):
        try:
            publish(batch, bus)
        except (Transient, ClientError, BotoCoreError) as error:
            raise Unpublished(str(error), readable[published][0]) from error
        published += len(batch)


@cache
def _settings() -> RelaySettings:
    return load(RelaySettings)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:  # noqa: ARG001
    """Invoked by the tables' streams. Answers the record from which the stream has to deliver again.

    No answer means complete success. Source: Lambda developer guide, "Configuring partial batch response with DynamoDB
    and Lambda".
    """
    try:
        relay(event["Records"], EventBridgeBus(_settings()))
    except Unpublished as error:
        if _settings().stage == "local":
            raise  # The emulator ignores the answer: it would not deliver the record again.
        logger.exception("Events wait in the stream")
        return {"batchItemFailures": [{"itemIdentifier": error.sequence_number}]}
    finally:
        flush()
    return None
