"""Which mails were sent: a mail is claimed before it is sent, and marked after.

    worker A   claim ───────────── SES accepts ───────────── mark SENT
                        (1)                       (2)                    (3)
    worker B   finds it held: comes back later, by its queue's back-off      finds it SENT: nothing to do

    A dies at (1): nothing was sent. Once the lease has run out, B takes the claim over and sends.
    A dies at (2): B does the same, and the shopper gets the mail twice. SES takes no idempotency key, so that this
                   instant, an answer of SES that is lost on its way to A, and a mark that cannot be written may each
                   lead to a second mail.
    A is refused by SES: A ends its lease itself, and the next delivery claims afresh.

A record never expires: an event may be replayed much later, and its mail must not go out again.
"""

from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.errors import Permanent
from notifications.domain import MailId, OrderNow

LEASE = timedelta(seconds=20)
"""How long a claim holds off others: longer than the function's time-out of 10 s, so that its holder is surely dead,
and much shorter than the hours for which a message is retried, so that somebody takes it over."""


class Claim(Enum):
    """What came of a claim.

    OURS: the caller has to send the mail.
    HELD: another delivery is about to send it, or died over it less than a lease ago.
    SENT: it was sent.
    """

    OURS = auto()
    HELD = auto()
    SENT = auto()


class SentMails(Protocol):
    """Remembers for each mail id that it is being sent, then that it was."""

    def claim(self, mail_id: MailId, now: datetime) -> Claim:
        """Take the mail for a LEASE from `now`, unless it was sent or another's lease still runs."""
        ...

    def give_up(self, mail_id: MailId, claimed_at: datetime) -> None:
        """End the lease that was taken at `claimed_at`; nothing if somebody else has taken the mail over."""
        ...

    def mark_sent(self, mail_id: MailId, message_id: str, now: datetime) -> None:
        """Remember that the mail was accepted at `now` under SES's `message_id`."""
        ...


class DynamoDBSentMails:
    """SentMails on one table, in which the mails of an order stand together."""

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
    """SentMails for dry runs: it says which mails were sent, and claims nothing."""

    def __init__(self, table: str) -> None:
        self._table = table

    def claim(self, mail_id: MailId, now: datetime) -> Claim:
        del now
        found = aws.dynamodb().get_item(TableName=self._table, Key=_key(mail_id), ConsistentRead=True)
        return Claim.SENT if found.get("Item", {}).get("status") == {"S": "SENT"} else Claim.OURS

    def give_up(self, mail_id: MailId, claimed_at: datetime) -> None:
        """Nothing was claimed."""

    def mark_sent(self, mail_id: MailId, message_id: str, now: datetime) -> None:
        """Nothing was sent."""


def order_now(table: str, order_id: str) -> OrderNow:
    """An order as it is now, by a consistent read.

    Raises:
        Permanent: there is no such order. Checkout writes the order before any event of it, so waiting cannot help.
    """
    found = aws.dynamodb().get_item(
        TableName=table,
        Key={"orderId": {"S": order_id}},
        ConsistentRead=True,
        ProjectionExpression="#status, #returns",
        ExpressionAttributeNames={"#status": "status", "#returns": "returns"},
    )
    if "Item" not in found:
        raise Permanent(f"there is no order {order_id}")
    return OrderNow.model_validate(dynamodb.from_item(found["Item"]))


def _key(mail_id: MailId) -> dict[str, Any]:
    return dynamodb.to_item({"orderId": mail_id.order_id, "mail": mail_id.name})


def _text(moment: datetime) -> str:
    """Always of the same length and zone, so that texts compare as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
