"""The destinations of a replay besides queues: the bus and the replay worker."""

import json
from collections.abc import Mapping
from typing import Protocol

from cloudretail import aws
from cloudretail.event import EventType
from operations.dead_letters.sqs import NotAccepted


class Bus(Protocol):
    """The event bus."""

    def put(self, entry: Mapping[str, str]) -> str:
        """Put an entry; returns the bus's id of it, and raises NotAccepted with the reason if the bus refuses it."""
        ...

    def publish(self, document: str) -> str:
        """Publish an event of an outbox as the relay does; returns and raises as `put`."""
        ...


class EventBridgeBus:
    """A Bus of EventBridge.

    Args:
        name: of the event bus.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def put(self, entry: Mapping[str, str]) -> str:
        answer = aws.eventbridge().put_events(
            Entries=[
                {
                    "EventBusName": self._name,
                    "Source": entry["Source"],
                    "DetailType": entry["DetailType"],
                    "Detail": entry["Detail"],
                }
            ]
        )
        (receipt,) = answer["Entries"]
        if "EventId" not in receipt:
            raise NotAccepted(f"{receipt.get('ErrorCode')}: {receipt.get('ErrorMessage')}")
        return receipt["EventId"]

    def publish(self, document: str) -> str:
        """Publish an event of an outbox as the relay does; returns and raises as `put`."""
        event = json.loads(document)
        return self.put(
            {"Source": event["source"], "DetailType": EventType.parse(event["type"]).name, "Detail": document}
        )


class Invoker(Protocol):
    """Starts the replay worker."""

    def start(self, payload: str) -> None: ...


class LambdaInvoker:
    """An Invoker that invokes one function asynchronously.

    Args:
        function: its name.
    """

    def __init__(self, function: str) -> None:
        self._function = function

    def start(self, payload: str) -> None:
        answer = aws.lambda_().invoke(FunctionName=self._function, InvocationType="Event", Payload=payload.encode())
        if answer["StatusCode"] != 202:
            raise NotAccepted(f"Lambda answers {answer['StatusCode']}")
