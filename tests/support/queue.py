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
        wire.stubs_sending()

    def deliver(self, *messages: Event | str, attempt: int = 1) -> list[str]:
        """Invoke the function with one batch.

        Args:
            messages: events, or bodies as they are.
            attempt: which delivery this is, of all of them.

        Returns:
            `message-<place in the batch>` of each that failed: of those that come again, and of those given up.
        """
        bodies = [message.to_json() if isinstance(message, Event) else message for message in messages]
        before = len(self.given_up)
        answer = self._handler(sqs_event(bodies, attempt=attempt), cast(LambdaContext, Context()))
        again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        given_up = self.given_up[before:]
        for number, body in enumerate(bodies):
            if f"message-{number}" not in again and body in given_up:
                given_up.remove(body)
                again.add(f"message-{number}")
        return sorted(again)

    @property
    def given_up(self) -> list[str]:
        """The bodies that went to the dead-letter queue."""
        return [str(call["MessageBody"]) for call in self._wire.made("SendMessage")]

    @property
    def delays(self) -> dict[str, int]:
        """Seconds until each failed message comes again, by receipt handle."""
        calls = self._wire.made("ChangeMessageVisibility")
        return {call["ReceiptHandle"]: call["VisibilityTimeout"] for call in calls}
