"""What a queue's batching window costs.

On AWS Lambda waits for more messages, for so many seconds after the first. The emulator does not, so that here the
queue holds back each message for as long. For a message that stays alone that is the same; one that comes later than
its batch's first would wait less.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from retail_ops.stack.shop import Shop
from retail_ops.stack.template import Template


def seconds_of(queue: str) -> int:
    """The batching window of a queue's event source on AWS.

    Args:
        queue: logical id.
    """
    seconds: int = Template.load(Stage="prod").sources[queue][1]["MaximumBatchingWindowInSeconds"]
    return seconds


@contextmanager
def held_back(shop: Shop, queue: str, seconds: int) -> Iterator[None]:
    """Let a queue deliver nothing before so many seconds.

    Args:
        shop: a local one.
        queue: logical id; it has no delay of its own.
        seconds: how long.
    """
    url = shop.queues[queue]
    shop.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": str(seconds)})
    try:
        yield
    finally:
        shop.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})
