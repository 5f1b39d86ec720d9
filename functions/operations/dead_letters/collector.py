"""The collector: the only consumer of the dead-letter queues. It stores each message in the failures table.

A message is deleted from its queue only once the table, or the bucket, has it. So listing dead letters is a query: it
holds up no consumer, and has no limit. Messages that stay in a dead-letter queue raise an alarm: the collector is down.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from cloudretail import dynamodb
from cloudretail.batch import BatchResponse, Received
from cloudretail.failure_log import change
from cloudretail.failures import FailureRow, died
from cloudretail.settings import load
from cloudretail.telemetry import count, flush, logger
from operations.dead_letters.domain import DeadMessage, QueueMessage, Stake, death_of, read
from operations.dead_letters.failures import MAX_BODY, DynamoDBFailures, Failures, packed
from operations.dead_letters.stakes import DynamoDBStakes, Stakes
from operations.queues import QueueNames
from operations.wiring import FailureSettings

NEVER_STORED = "ValidationException"
"""The error by which DynamoDB refuses an item for good, such as one whose key is too long."""


class CollectorSettings(FailureSettings):
    """What the collector needs to store dead letters with the value of their orders."""

    orders_table: str


@cache
def _settings() -> CollectorSettings:
    return load(CollectorSettings)


def handler(event: dict[str, Any], context: LambdaContext) -> BatchResponse:  # noqa: ARG001
    """Invoked by SQS with a batch of any dead-letter queue; returns the ids of messages that are not stored yet."""
    settings = _settings()
    failures = DynamoDBFailures(settings.failures_table, settings.failures_bucket)
    names = QueueNames.of(settings.consumers)
    try:
        letters = [_message(record) for record in event["Records"]]
        stakes = _stakes(DynamoDBStakes(settings.orders_table), letters)
        again = [
            dead.message.id
            for dead in letters
            if not _collected(dead, failures, names, stakes.get(dead.order_id or ""))
        ]
        count("NotCollected", len(again))
    finally:
        flush()
    return {"batchItemFailures": [{"itemIdentifier": each} for each in again]}


def _stakes(orders: Stakes, letters: Sequence[DeadMessage]) -> Mapping[str, Stake]:
    """The stakes of a batch's orders. If they cannot be read, the dead letters are stored without them."""
    try:
        return orders.of({dead.order_id for dead in letters if dead.order_id})
    except Exception:
        logger.exception("What the orders of dead letters come to could not be read")
        return {}


def _collected(dead: DeadMessage, failures: DynamoDBFailures, names: QueueNames, stake: Stake | None) -> bool:
    """Whether the message is stored now, or was before."""
    about = {"queue": dead.queue, "message_id": dead.message.id, "order_id": dead.order_id}
    try:
        try:
            row = collect(dead, failures, names, stake)
        except ClientError as error:
            if dynamodb.code(error) != NEVER_STORED:
                raise
            failures.set_aside(dead, str(error))
            count("SetAside")
            logger.error("The table refuses a dead letter; the bucket has it", exc_info=error, extra=about)
            return True
    except Exception:
        logger.exception("A dead letter could not be kept; it comes again", extra=about)
        return False
    count("Collected")
    logger.info("Collected", consumer=row.consumer, event_id=row.event_id, state=row.state, extra=about)
    return True


def collect(dead: DeadMessage, failures: Failures, names: QueueNames, stake: Stake | None = None) -> FailureRow:
    """Store a dead letter; returns its row. If the death is known, or a later copy is on its way, the row stays."""
    body, place = packed(dead.message.body), None
    if len(body) > MAX_BODY:
        place = f"bodies/{dead.queue}/{dead.message.id}"
        failures.keep_long(place, dead.message.body)
    death = death_of(dead, names, place, stake)
    key = (death.consumer, death.event_id)
    row = change(failures, key, lambda row: died(row, death), body=b"" if place else body)
    assert row, "there is one now"
    return row


def _message(record: Mapping[str, Any]) -> DeadMessage:
    """The message of a record. Its queue's name is made of stack and logical id."""
    received = Received(record)
    sent_at = datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1000, UTC)
    queue = str(record["eventSourceARN"]).rpartition(":")[2].rpartition("-")[2]
    return read(queue, QueueMessage(received.id, received.body, sent_at, received.attributes))
