"""The queues of SQS, as operators use them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cloudretail import aws
from cloudretail.errors import ShopError
from operations.dead_letters.domain import QueueMessage

PER_BATCH = 10
"""Messages of one call. Source: Amazon SQS quotas."""


@dataclass(frozen=True)
class Counts:
    """About how many messages a queue holds; SQS counts no better.

    Attributes:
        visible: waiting.
        hidden: received, and neither deleted nor visible again.
        delayed: not visible yet.
        retention: how long it keeps a message.
    """

    visible: int
    hidden: int
    delayed: int
    retention: timedelta

    @property
    def total(self) -> int:
        return self.visible + self.hidden + self.delayed


class Queue(Protocol):
    """A queue, for operators: they look into it and send to it, and are not its consumer."""

    def counts(self) -> Counts: ...

    def receive(self, hidden_for: int) -> list[QueueMessage]:
        """Some of the visible messages, hidden from others for so many seconds; a queue with messages may give none."""
        ...

    def show_again(self, messages: Iterable[QueueMessage]) -> None:
        """Make received messages visible at once."""
        ...

    def delete(self, messages: Iterable[QueueMessage]) -> None: ...

    def send(self, body: str, attributes: Mapping[str, str], delay: int) -> str:
        """Returns the id of the message, once the queue has it whole; raises NotAccepted otherwise."""
        ...


class NotAccepted(ShopError):
    """A copy was refused, or may not have arrived whole."""


class SqsQueue:
    """A Queue of SQS.

    Args:
        url: its address.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def counts(self) -> Counts:
        names = ("", "NotVisible", "Delayed")
        found = aws.sqs().get_queue_attributes(
            QueueUrl=self._url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
                "MessageRetentionPeriod",
            ],
        )["Attributes"]
        visible, hidden, delayed = (int(found.get(f"ApproximateNumberOfMessages{name}", 0)) for name in names)  # type: ignore[call-overload]
        return Counts(visible, hidden, delayed, timedelta(seconds=int(found["MessageRetentionPeriod"])))

    def receive(self, hidden_for: int) -> list[QueueMessage]:
        found = aws.sqs().receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=PER_BATCH,
            VisibilityTimeout=hidden_for,
            MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            MessageAttributeNames=["All"],
        )
        return [
            QueueMessage(
                id=each["MessageId"],
                receipt=each["ReceiptHandle"],
                body=each["Body"],
                sent_at=datetime.fromtimestamp(int(each["Attributes"]["SentTimestamp"]) / 1000, UTC),
                receives=int(each["Attributes"]["ApproximateReceiveCount"]),
                attributes={
                    name: value["StringValue"]
                    for name, value in each.get("MessageAttributes", {}).items()
                    if "StringValue" in value
                },
            )
            for each in found.get("Messages", [])
        ]

    def show_again(self, messages: Iterable[QueueMessage]) -> None:
        held = list(messages)
        for begin in range(0, len(held), PER_BATCH):
            # One that fails was deleted, or its visibility timeout has run out: either way it is not hidden any more.
            aws.sqs().change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": each.receipt, "VisibilityTimeout": 0}
                    for index, each in enumerate(held[begin : begin + PER_BATCH])
                ],
            )

    def delete(self, messages: Iterable[QueueMessage]) -> None:
        gone = list(messages)
        for begin in range(0, len(gone), PER_BATCH):
            answer = aws.sqs().delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": each.receipt}
                    for index, each in enumerate(gone[begin : begin + PER_BATCH])
                ],
            )
            if failed := answer.get("Failed"):
                raise NotAccepted(f"{len(failed)} messages were not deleted: {failed[0].get('Message')}")

    def send(self, body: str, attributes: Mapping[str, str], delay: int) -> str:
        answer = aws.sqs().send_message(
            QueueUrl=self._url,
            MessageBody=body,
            # Given also where it is 0: a queue may have a delay of its own.
            DelaySeconds=delay,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )
        if answer["MD5OfMessageBody"] != hashlib.md5(body.encode(), usedforsecurity=False).hexdigest():
            raise NotAccepted(f"SQS has another body under {answer['MessageId']}")
        return answer["MessageId"]
