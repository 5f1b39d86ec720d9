"""A queue's function in the test's own process: batches go in as SQS sends them, and failures come out."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail.envelope import Event
from tests.support.invocations import Context, sqs_event
from tests.support.wire import Wire

type Handler = Callable[[dict[str, Any], LambdaContext], Mapping[str, Any]]


class Queue:
    """What SQS and one function have to do with each other; there is no queue behind it.

    Args:
        handler: of the function.
        wire: on which is noted when a failed message comes again.
    """

    def __init__(self, handler: Handler, wire: Wire) -> None:
        self._handler = handler
        self._wire = wire
        wire.stubs("ChangeMessageVisibility")

    def deliver(self, *messages: Event | str, attempt: int = 1) -> list[str]:
        """Invoke the function with one batch.

        Args:
            messages: events, or bodies as they are.
            attempt: which delivery this is, of all of them.

        Returns:
            `message-<place in the batch>` of each that failed.
        """
        bodies = [message.to_json() if isinstance(message, Event) else message for message in messages]
        answer = self._handler(sqs_event(bodies, attempt=attempt), cast(LambdaContext, Context()))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    @property
    def delays(self) -> dict[str, int]:
        """Seconds until each failed message comes again, by receipt handle."""
        calls = self._wire.made("ChangeMessageVisibility")
        return {call["ReceiptHandle"]: call["VisibilityTimeout"] for call in calls}
