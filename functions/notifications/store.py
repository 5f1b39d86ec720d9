"""Which mails were sent. A mail is claimed before it is sent, and marked as sent afterwards.

    worker A   claim ───────────── SES accepts ───────────── mark SENT
                        (1)                       (2)                    (3)
    worker B   finds it held: is retried later                               finds it SENT: nothing to do

    A dies at (1): nothing was sent. Once the lease has run out, B claims the mail and sends it.
    A dies at (2): B does the same, and the shopper gets the mail twice. SES has no idempotency key, so this cannot be
                   ruled out. The same happens if SES's answer to A is lost, or if the mark cannot be written.
    A is refused by SES: A ends its lease itself, and the next delivery can claim the mail at once.

A record never expires: an event may be replayed much later, and its mail must not be sent again.
"""

from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.errors import Permanent
from notifications.domain import MailId, OrderNow

LEASE = timedelta(seconds=20)
"""How long a claim excludes other deliveries. It is longer than the function's time-out of 10 s, so that its holder has
ended by then, and much shorter than the hours of a message's retries, so that a later delivery can claim the mail."""


class Claim(Enum):
    """The outcome of a claim.

    OURS: the caller has to send the mail.
    HELD: another delivery is sending it, or has died doing so less than a lease ago.
    SENT: it was sent.
    """

    OURS = auto()
    HELD = auto()
    SENT = auto()


class SentMails(Protocol):
    """Stores which mails are being sent, and which were sent."""

    def claim(self, mail_id: MailId, now: datetime) -> Claim:
        """Claim the mail for a LEASE from `now`, unless it was sent or another delivery's lease still runs."""
        ...

    def give_up(self, mail_id: MailId, claimed_at: datetime) -> None:
        """End the lease that was taken at `claimed_at`. If another delivery has claimed the mail since, do nothing."""
        ...

    def mark_sent(self, mail_id: MailId, message_id: str, now: datetime) -> None:
        """Store that SES accepted the mail at `now`, under `message_id`."""
        ...


class DynamoDBSentMails:
    """SentMails on one table. The partition key is the order, so that the mails of an order are together."""

    def __init__(self, table: str) -> None:
        self._table = table

    def claim(self, mail_id: MailId, now: datetime) -> Claim:
        never_claimed = "attribute_not_exists(orderId)"
        lease_ran_out = "(#status = :claimed AND leaseUntil <= :now)"
        try:
            aws.dynamodb().put_item(
                TableName=self._table,
                Item=dynamodb.to_item(
                    {
                        "orderId": mail_id.order_id,
                        "mail": mail_id.name,
                        "status": "CLAIMED",
                        "claimedAt": _text(now),
                        "leaseUntil": _text(now + LEASE),
                    }
                ),
                ConditionExpression=f"{never_claimed} OR {lease_ran_out}",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":claimed": {"S": "CLAIMED"}, ":now": {"S": _text(now)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not dynamodb.is_condition_failed(error):
                raise
            found = dynamodb.from_item(error.response["Item"])  # type: ignore[typeddict-item]
            return Claim.SENT if found["status"] == "SENT" else Claim.HELD
        return Claim.OURS

    def give_up(self, mail_id: MailId, claimed_at: datetime) -> None:
        try:
            aws.dynamodb().update_item(
                TableName=self._table,
                Key=_key(mail_id),
                UpdateExpression="SET leaseUntil = claimedAt",
                ConditionExpression="#status = :claimed AND claimedAt = :ours",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":claimed": {"S": "CLAIMED"}, ":ours": {"S": _text(claimed_at)}},
            )
        except ClientError as error:
            if not dynamodb.is_condition_failed(error):
                raise

    def mark_sent(self, mail_id: MailId, message_id: str, now: datetime) -> None:
        aws.dynamodb().update_item(
            TableName=self._table,
            Key=_key(mail_id),
            UpdateExpression="SET #status = :sent, messageId = :messageId, sentAt = :now REMOVE leaseUntil",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":sent": {"S": "SENT"},
                ":messageId": {"S": message_id},
                ":now": {"S": _text(now)},
            },
        )


class ReadOnlySentMails:
    """SentMails for dry runs: it reads which mails were sent, and claims nothing."""

    def __init__(self, table: str) -> None:
        self._table = table

    def claim(self, mail_id: MailId, now: datetime) -> Claim:
        del now
        found = aws.dynamodb().get_item(TableName=self._table, Key=_key(mail_id), ConsistentRead=True)
        return Claim.SENT if found.get("Item", {}).get("status") == {"S": "SENT"} else Claim.OURS

    def give_up(self, mail_id: MailId, claimed_at: datetime) -> None:
        """Do nothing: nothing was claimed."""

    def mark_sent(self, mail_id: MailId, message_id: str, now: datetime) -> None:
        """Do nothing: nothing was sent."""


def order_now(table: str, order_id: str) -> OrderNow:
    """An order as it is now, by a consistent read.

    Raises:
        Permanent: there is no such order. Checkout writes the order before any event about it, so a retry cannot help.
    """
    found = aws.dynamodb().get_item(
        TableName=table,
        Key={"orderId": {"S": order_id}},
        ConsistentRead=True,
        ProjectionExpression="#status, #returns, userEmail",
        ExpressionAttributeNames={"#status": "status", "#returns": "returns"},
    )
    if "Item" not in found:
        raise Permanent(f"there is no order {order_id}")
    return OrderNow.model_validate(dynamodb.from_item(found["Item"]))


def _key(mail_id: MailId) -> dict[str, Any]:
    return dynamodb.to_item({"orderId": mail_id.order_id, "mail": mail_id.name})


def _text(moment: datetime) -> str:
    """The moment as text of a fixed length, in UTC, so that texts sort as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
