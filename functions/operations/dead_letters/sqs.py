"""SQS queues for operators, who count their messages and send copies."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cloudretail import aws
from cloudretail.errors import ShopError

PER_BATCH = 10
"""Messages of one call. Source: Amazon SQS quotas."""

MAX_BATCH = 262_144
"""Bytes of all messages of one call. AWS accepts 1 MiB since August 2025; others still have the former limit."""


@dataclass(frozen=True)
class Counts:
    """Approximate counts of a queue's messages; SQS has no exact ones.

    Attributes:
        visible: waiting.
        hidden: received, and neither deleted nor visible again.
        delayed: not visible yet.
    """

    visible: int
    hidden: int
    delayed: int


@dataclass(frozen=True)
class Copy:
    """A message to be sent.

    Attributes:
        body: the original body.
        attributes: message attributes, text.
        delay: seconds.
    """

    body: str
    attributes: Mapping[str, str]
    delay: int = 0

    @property
    def size(self) -> int:
        """The size in bytes, as SQS counts it."""
        return len(self.body.encode()) + sum(len(n) + len(v) + len("String") for n, v in self.attributes.items())


class Queue(Protocol):
    """A queue for operators, who count its messages and send to it, but do not consume it."""

    def counts(self) -> Counts: ...

    def send(self, copies: Sequence[Copy]) -> "Sequence[str | NotAccepted]":
        """Send at most PER_BATCH copies; returns for each SQS's id, or why the queue did not accept it intact."""
        ...


class NotAccepted(ShopError):
    """A copy was refused, or may not have arrived intact."""


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
            ],
        )["Attributes"]
        visible, hidden, delayed = (int(found.get(f"ApproximateNumberOfMessages{name}", 0)) for name in names)  # type: ignore[call-overload]
        return Counts(visible, hidden, delayed)

    def send(self, copies: Sequence[Copy]) -> list[str | NotAccepted]:
        if len(copies) > 1 and sum(copy.size for copy in copies) > MAX_BATCH:
            half = len(copies) // 2
            return [*self.send(copies[:half]), *self.send(copies[half:])]
        answer = aws.sqs().send_message_batch(
            QueueUrl=self._url,
            Entries=[
                {
                    "Id": str(index),
                    "MessageBody": copy.body,
                    # Also for a delay of 0, as the queue may have a delay of its own.
                    "DelaySeconds": copy.delay,
                    "MessageAttributes": {
                        name: {"DataType": "String", "StringValue": value} for name, value in copy.attributes.items()
                    },
                }
                for index, copy in enumerate(copies)
            ],
        )
        results: list[str | NotAccepted] = [NotAccepted("SQS does not say what became of it")] * len(copies)
        for failed in answer.get("Failed", []):
            results[int(failed["Id"])] = NotAccepted(f"{failed['Code']}: {failed.get('Message', '')}")
        for each in answer.get("Successful", []):
            body = copies[int(each["Id"])].body.encode()
            whole = each["MD5OfMessageBody"] == hashlib.md5(body, usedforsecurity=False).hexdigest()
            refusal = NotAccepted(f"SQS has another body under {each['MessageId']}")
            results[int(each["Id"])] = each["MessageId"] if whole else refusal
        return results
