"""The relay: hands the events of the rows' outboxes, as the tables' streams show them, to the bus.

A transient failure raises, and the stream tries the batch again for as long as it keeps it (24 hours): what was
published before is then published twice, which every consumer takes. What the bus refuses for good, and what the relay
cannot read, is parked whole in the relay's own dead-letter queue, with its cause, so that the rest goes on.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

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
"""Of all entries of one call, and so of one entry. Source: Amazon EventBridge user guide, "PutEvents entry size"."""

PASSING = frozenset({"ThrottlingException", "InternalFailure", "InternalException", "ServiceUnavailable"})
"""Error codes of an entry that may be taken later. Source: EventBridge API reference, PutEventsResultEntry."""


class RelaySettings(Settings):
    """What the relay needs."""

    event_bus_name: str
    dlq_url: str


@cache
def _settings() -> RelaySettings:
    return load(RelaySettings)


type Entry = dict[str, Any]


def entries(record: Mapping[str, Any], bus: str) -> list[Entry]:
    """The bus entries of the events that a stream record hands over, in order.

    Args:
        record: of a DynamoDB stream with NEW_IMAGE.
        bus: name of the event bus.

    Raises:
        Exception: of any kind, where the row's outbox is none.
    """
    image = record["dynamodb"].get("NewImage")
    return [entry(document, bus) for document in due(from_item(image))] if image else []


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
    """Split into calls that the bus takes; an entry too large for any is a batch of its own."""
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


def publish(batch: Sequence[Entry], settings: RelaySettings) -> None:
    """Put one batch on the bus; park what is refused for good.

    Raises:
        Transient: the bus did not take an entry, but may later.
    """
    if size(batch[0]) > MAX_BYTES:
        _park(batch[0], "EntryTooLarge", f"{size(batch[0])} bytes", settings)
        return
    # 200 OK says nothing about the entries: each has a receipt of its own.
    receipts = aws.eventbridge().put_events(Entries=batch)["Entries"]  # type: ignore[arg-type]
    taken = passing = 0
    for entry, receipt in zip(batch, receipts, strict=True):
        code = receipt.get("ErrorCode")
        if code is None:
            taken += 1
        elif code in PASSING:
            passing += 1
        else:
            _park(entry, code, receipt.get("ErrorMessage", ""), settings)
    count("Relayed", taken)
    if passing:
        raise Transient(f"the bus did not take {passing} of {len(batch)} entries")


def _park(entry: Entry, code: str, message: str, settings: RelaySettings) -> None:
    logger.error("The bus refused an event for good", detail_type=entry["DetailType"], code=code, reason=message)
    _send({"entry": entry, "errorCode": code, "errorMessage": message}, settings)


def _send(parked: Mapping[str, Any], settings: RelaySettings) -> None:
    count("Parked")
    aws.sqs().send_message(QueueUrl=settings.dlq_url, MessageBody=json.dumps(parked))


def _readable(records: Iterable[Mapping[str, Any]], settings: RelaySettings) -> Iterator[Entry]:
    """The entries of all records; one that cannot be read is parked, or it would hold up its shard for a day."""
    for record in records:
        try:
            found = entries(record, settings.event_bus_name)
        except Exception as error:
            logger.exception("A stream record cannot be read", keys=record.get("dynamodb", {}).get("Keys"))
            _send({"record": record, "errorCode": "Unreadable", "errorMessage": repr(error)}, settings)
        else:
            yield from found


def handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Invoked by the streams of orders, reservations and payments."""
    settings = _settings()
    try:
        for batch in batches(_readable(event["Records"], settings)):
            publish(batch, settings)
    finally:
        flush()
