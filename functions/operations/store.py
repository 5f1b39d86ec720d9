"""What operations reads and changes in AWS, behind small ports."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from cloudretail import aws, dynamodb
from cloudretail.repository import MAX_TRIES, batch_get, pause_before_retry
from cloudretail.settings import Settings
from operations.domain import CONSUMERS, Letter, Message, Replay, ReplayedMessage
from operations.keys import charge_keys, mail_ids, payment_id
from operations.rows import Books, ChargeRow, Dossier, MailRow, OrderRow, PaymentRow, ReservationRow, StockRow

PER_BATCH = 10
"""Messages of one call. Source: Amazon SQS quotas."""

HEADER = "-"
"""Sort key of a replay's own row, beside those of its messages."""

ALL_REPLAYS = "replays"
"""Topic of every replay's own row; no order id is like it."""

KEPT_FOR = timedelta(days=400)
"""How long a record of operations is kept: a year and a month, to be compared with the year before."""


class QueueSettings(Settings):
    """Addresses of all queues."""

    orders_queue: str
    orders_dlq: str
    inventory_queue: str
    inventory_dlq: str
    payments_queue: str
    payments_dlq: str
    payment_window_queue: str
    payment_window_dlq: str
    payment_worker_queue: str
    payment_worker_dlq: str
    notifications_queue: str
    notifications_dlq: str
    catalog_images_queue: str
    catalog_images_dlq: str
    relay_dlq: str
    rule_targets_dlq: str
    replay_worker_dlq: str

    def url(self, logical_id: str) -> str:
        """The address of a queue by its name in the template."""
        words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in logical_id)
        url: str = getattr(self, words.removeprefix("_"))
        return url


class BookSettings(Settings):
    """The tables that tell what became of orders, failures and replays."""

    orders_table: str
    reservations_table: str
    payments_table: str
    inventory_table: str
    sent_mails_table: str
    sandbox_charges_table: str | None = None
    failures_table: str
    replays_table: str


# ------------------------------------------------------------------------------------------------------------ queues


@dataclass(frozen=True)
class Counts:
    """About how many messages a queue holds; SQS counts no better.

    Attributes:
        visible: waiting.
        hidden: received by somebody just now.
        delayed: held back.
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
    """A queue, as somebody sees it who is not its consumer."""

    def counts(self) -> Counts: ...

    def receive(self, hidden_for: int) -> list[Message]:
        """Some of the messages that nobody else holds, hidden from others for so many seconds; none is not empty."""
        ...

    def show_again(self, messages: Iterable[Message]) -> None:
        """Give back what was received."""
        ...

    def delete(self, messages: Iterable[Message]) -> None: ...

    def send(self, body: str, attributes: Mapping[str, str], delay: int) -> str:
        """Returns the id of the message, once the queue has it whole; raises NotAccepted otherwise."""
        ...


class NotAccepted(Exception):
    """Nobody can say that a copy arrived whole."""


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

    def receive(self, hidden_for: int) -> list[Message]:
        found = aws.sqs().receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=PER_BATCH,
            VisibilityTimeout=hidden_for,
            MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            MessageAttributeNames=["All"],
        )
        return [
            Message(
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

    def show_again(self, messages: Iterable[Message]) -> None:
        held = list(messages)
        for begin in range(0, len(held), PER_BATCH):
            # One that fails was deleted, or its time had run out: either way it is not held any more.
            aws.sqs().change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": each.receipt, "VisibilityTimeout": 0}
                    for index, each in enumerate(held[begin : begin + PER_BATCH])
                ],
            )

    def delete(self, messages: Iterable[Message]) -> None:
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
            # Said also where it is none: a queue may have a delay of its own.
            DelaySeconds=delay,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )
        if answer["MD5OfMessageBody"] != hashlib.md5(body.encode(), usedforsecurity=False).hexdigest():
            raise NotAccepted(f"SQS has another body under {answer['MessageId']}")
        return answer["MessageId"]


class Bus(Protocol):
    """The event bus."""

    def put(self, entry: Mapping[str, str]) -> str:
        """Returns the bus' id of the entry; raises NotAccepted with its reason where it refuses it."""
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
        """Put an event of an outbox on the bus, as the relay does; returns and raises as `put`."""
        event = json.loads(document)
        return self.put({"Source": event["source"], "DetailType": event["type"].split(".")[2], "Detail": document})


class Invoker(Protocol):
    """Starts the replay worker."""

    def start(self, payload: str) -> None: ...


class LambdaInvoker:
    """An Invoker of one function, which is not waited for.

    Args:
        function: its name.
    """

    def __init__(self, function: str) -> None:
        self._function = function

    def start(self, payload: str) -> None:
        answer = aws.lambda_().invoke(FunctionName=self._function, InvocationType="Event", Payload=payload.encode())
        if answer["StatusCode"] != 202:
            raise NotAccepted(f"Lambda answers {answer['StatusCode']}")


# ------------------------------------------------------------------------------------------------- causes of failures


class Causes(Protocol):
    """Why messages failed, as their consumers kept it."""

    def of(self, letters: Sequence[Letter]) -> dict[str, dict[str, Any]]:
        """The kept rows of those letters that have one, by message id."""
        ...

    def of_order(self, order_id: str) -> list[dict[str, Any]]:
        """What failed of an order, oldest first."""
        ...


class DynamoDBCauses:
    """Causes on the failures table."""

    def __init__(self, table: str) -> None:
        self._table = table

    def of(self, letters: Sequence[Letter]) -> dict[str, dict[str, Any]]:
        consumers = {consumer.box: consumer.name for consumer in CONSUMERS}
        keys = {
            letter.message.id: (consumers[letter.box], letter.failure_key)
            for letter in letters
            if letter.box in consumers
        }
        distinct = list(dict.fromkeys(keys.values()))
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for begin in range(0, len(distinct), 100):
            wanted = [{"consumer": {"S": c}, "eventId": {"S": e}} for c, e in distinct[begin : begin + 100]]
            for row in batch_get({self._table: {"Keys": wanted}})[self._table]:
                rows[row["consumer"], row["eventId"]] = row
        return {message_id: rows[key] for message_id, key in keys.items() if key in rows}

    def of_order(self, order_id: str) -> list[dict[str, Any]]:
        pages = (
            aws.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=self._table,
                IndexName="orderId-lastFailedAt",
                KeyConditionExpression="orderId = :order",
                ExpressionAttributeValues={":order": {"S": order_id}},
            )
        )
        return [dynamodb.from_item(item) for page in pages for item in page["Items"]]


# --------------------------------------------------------------------------------------------------- record of replays


class Journal(Protocol):
    """Who replayed what, when and why, and what became of each message."""

    def save(self, replay: Replay) -> None: ...

    def note(self, messages: Sequence[ReplayedMessage]) -> None: ...

    def find(self, replay_id: str) -> Replay | None: ...

    def messages(self, replay_id: str) -> list[ReplayedMessage]: ...

    def recent(self, limit: int) -> list[Replay]: ...

    def of_order(self, order_id: str) -> list[ReplayedMessage]: ...


class DynamoDBJournal:
    """A Journal on the replays table."""

    def __init__(self, table: str) -> None:
        self._table = table

    def save(self, replay: Replay) -> None:
        item = replay.model_dump(mode="json", exclude_none=True)
        # As text: DynamoDB has no floating point numbers.
        item |= {"rate": str(replay.rate), "messageId": HEADER, "topic": ALL_REPLAYS}
        aws.dynamodb().put_item(TableName=self._table, Item=dynamodb.to_item(_expiring(item)))

    def note(self, messages: Sequence[ReplayedMessage]) -> None:
        puts: list[Any] = [{"PutRequest": {"Item": dynamodb.to_item(self._item(each))}} for each in messages]
        for begin in range(0, len(puts), 25):
            self._write({self._table: puts[begin : begin + 25]})

    def _item(self, message: ReplayedMessage) -> dict[str, Any]:
        item = message.model_dump(mode="json", exclude_none=True)
        if message.order_id:
            item["topic"] = message.order_id
        return _expiring(item)

    def _write(self, rest: Mapping[str, Any]) -> None:
        for attempt in range(MAX_TRIES):
            rest = aws.dynamodb().batch_write_item(RequestItems=rest).get("UnprocessedItems", {})
            if not rest:
                return
            pause_before_retry(attempt)
        raise NotAccepted("DynamoDB leaves writes unprocessed")

    def find(self, replay_id: str) -> Replay | None:
        key = {"replayId": {"S": replay_id}, "messageId": {"S": HEADER}}
        found = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return Replay.model_validate(dynamodb.from_item(found["Item"])) if "Item" in found else None

    def messages(self, replay_id: str) -> list[ReplayedMessage]:
        pages = (
            aws.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=self._table,
                KeyConditionExpression="replayId = :replay AND messageId > :header",
                ExpressionAttributeValues={":replay": {"S": replay_id}, ":header": {"S": HEADER}},
                ConsistentRead=True,
            )
        )
        return [ReplayedMessage.model_validate(dynamodb.from_item(item)) for page in pages for item in page["Items"]]

    def recent(self, limit: int) -> list[Replay]:
        return [Replay.model_validate(item) for item in self._about(ALL_REPLAYS, limit)]

    def of_order(self, order_id: str) -> list[ReplayedMessage]:
        return [ReplayedMessage.model_validate(item) for item in self._about(order_id, 1000)]

    def _about(self, topic: str, limit: int) -> list[dict[str, Any]]:
        page = aws.dynamodb().query(
            TableName=self._table,
            IndexName="topic-at",
            KeyConditionExpression="topic = :topic",
            ExpressionAttributeValues={":topic": {"S": topic}},
            ScanIndexForward=False,
            Limit=limit,
        )
        return [dynamodb.from_item(item) for item in page["Items"]]


def _expiring(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"expiresAt": int(time.time() + KEPT_FOR.total_seconds())}


# ------------------------------------------------------------------------------------------------- the shop's own rows


class Shelves(Protocol):
    """The tables of the shop, to be read."""

    def dossier(self, order_id: str) -> Dossier:
        """The rows about an order as they are now."""
        ...

    def mails(self, order_id: str) -> list[MailRow]: ...

    def charges(self, order_id: str) -> list[ChargeRow]: ...

    def books(self) -> Books:
        """All rows, table by table."""
        ...


class DynamoDBShelves:
    """Shelves on the services' own tables.

    Args:
        settings: their names.
    """

    def __init__(self, settings: BookSettings) -> None:
        self._tables = settings

    def dossier(self, order_id: str) -> Dossier:
        names = self._tables
        order = {"orderId": {"S": order_id}}
        keys = {
            names.orders_table: order,
            names.reservations_table: order,
            names.payments_table: {"paymentId": {"S": payment_id(order_id)}},
        }
        found = batch_get({table: {"Keys": [key], "ConsistentRead": True} for table, key in keys.items()})
        orders, reservations, payments = (found[table] for table in keys)
        return Dossier(
            OrderRow.model_validate(orders[0]) if orders else None,
            ReservationRow.model_validate(reservations[0]) if reservations else None,
            PaymentRow.model_validate(payments[0]) if payments else None,
        )

    def mails(self, order_id: str) -> list[MailRow]:
        keys = [{"mailId": {"S": mail_id}} for mail_id in mail_ids(order_id)]
        table = self._tables.sent_mails_table
        return [MailRow.model_validate(row) for row in batch_get({table: {"Keys": keys}})[table]]

    def charges(self, order_id: str) -> list[ChargeRow]:
        table = self._tables.sandbox_charges_table
        if table is None:
            return []
        keys = [{"chargeKey": {"S": key}} for key in charge_keys(order_id)]
        return [ChargeRow.model_validate(row) for row in batch_get({table: {"Keys": keys}})[table]]

    def books(self) -> Books:
        names = self._tables
        payments = [PaymentRow.model_validate(row) for row in _all(names.payments_table)]
        charges = _all(names.sandbox_charges_table) if names.sandbox_charges_table else ()
        return Books(
            orders={row["orderId"]: OrderRow.model_validate(row) for row in _all(names.orders_table)},
            reservations={row["orderId"]: ReservationRow.model_validate(row) for row in _all(names.reservations_table)},
            payments={payment.order_id: payment for payment in payments},
            stock={row["productId"]: StockRow.model_validate(row) for row in _all(names.inventory_table)},
            charges={row["chargeKey"]: ChargeRow.model_validate(row) for row in charges},
        )


def _all(table: str) -> Iterator[dict[str, Any]]:
    for page in aws.dynamodb().get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from map(dynamodb.from_item, page["Items"])
