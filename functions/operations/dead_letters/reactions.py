"""What operations does when somebody leaves: what failed of their orders is kept without what was in the messages."""

import time
from datetime import datetime

from cloudretail import aws
from cloudretail.consumer import Consumer, nothing_else
from cloudretail.envelope import Cause
from cloudretail.failure_log import change
from cloudretail.failures import FailureRow, erased
from cloudretail.settings import Settings, load
from contract.auth import AccountDeletionRequested, Eraser
from contract.erasure import erasing, orders_of
from operations.dead_letters.failures import DynamoDBFailures, packed


class ErasureSettings(Settings):
    """What erasing a person needs."""

    orders_table: str
    failures_table: str
    failures_bucket: str


def erase(user_id: str, cause: Cause, now: datetime) -> None:
    """Erase the bodies and texts of what failed of a person's orders, and drop what nobody has dealt with."""
    del cause, now
    settings = load(ErasureSettings)
    failures = DynamoDBFailures(settings.failures_table, settings.failures_bucket)
    for order_id in orders_of(settings.orders_table, user_id):
        for found in failures.of_order(order_id):
            _erase(failures, settings.failures_bucket, found)


def _erase(failures: DynamoDBFailures, bucket: str, found: FailureRow) -> None:
    # The index has no body, and no place of one.
    row = failures.read([found.key]).get(found.key)
    if row is None:
        return
    for place in filter(None, (row.body_at, *(edit.was for edit in row.edits))):
        aws.s3().delete_object(Bucket=bucket, Key=place)
    change(failures, row.key, lambda row: erased(row, int(time.time())), body=packed(""))


CONSUMER: Consumer[None] = Consumer(
    name="operations",
    subscribes_to=(AccountDeletionRequested,),
    react=nothing_else,
    ports=lambda: None,
    read_only=lambda: None,
    effects={AccountDeletionRequested: erasing(Eraser.OPERATIONS, erase)},
)
handler = CONSUMER.handler
