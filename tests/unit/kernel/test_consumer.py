"""A batch by SQS: what is done is acknowledged, and every failure comes again or is found by an operator."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import aws, dynamodb, telemetry
from cloudretail.consumer import MAX_RECEIVES, Consumer, Delivery, Outcome, Reaction, backoff, one_by_one
from cloudretail.decider import Done, Result
from cloudretail.envelope import Event
from cloudretail.errors import Contention, Permanent, Transient
from cloudretail.settings import MissingSetting
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced
from tests.support.examples import EXAMPLES, event_of
from tests.support.invocations import Context, sqs_event
from tests.support.tables import items_of
from tests.support.wire import Wire, everything_printed, refused

PLACED, CONFIRMED, CANCELLED = (
    event_of(data, f"orders:ord_1:{version}:0")
    for version, data in enumerate(EXAMPLES, 1)
    if isinstance(data, OrderPlaced | OrderConfirmed | OrderCancelled)
)


def nothing() -> None:
    """The reactions here work on nothing."""


def consumer_of(react: Reaction[None]) -> Consumer[None]:
    return Consumer("warehouse", (OrderPlaced, OrderConfirmed), react, ports=nothing, read_only=nothing)


class Queue:
    """A consumer on a queue and a table of failures, both on moto."""

    def __init__(self, wire: Wire) -> None:
        self.reacted: list[Delivery] = []
        self.wire = wire

    def _react(self, ports: None, delivery: Delivery, now: datetime) -> Done:
        self.reacted.append(delivery)
        return Done("pack it")

    def deliver(self, *bodies: Event | str, react: Reaction[None] | None = None, attempt: int = 1) -> list[str]:
        """The ids of the messages that are not acknowledged; the body's place in the batch is in its id."""
        batch = sqs_event([body.to_json() if isinstance(body, Event) else body for body in bodies], attempt=attempt)
        answer = consumer_of(react or one_by_one(self._react)).handler(batch, cast(LambdaContext, Context()))
        return [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [dynamodb.from_item(item) for item in items_of("FailuresTable")]

    @property
    def delays(self) -> dict[str, int]:
        """Seconds until each failed message comes again, by receipt handle."""
        calls = self.wire.made("ChangeMessageVisibility")
        return {call["ReceiptHandle"]: call["VisibilityTimeout"] for call in calls}


@pytest.fixture
def queue(tables: None, monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setenv("QUEUE_URL", aws.sqs().create_queue(QueueName="warehouse")["QueueUrl"])
    return Queue(Wire(monkeypatch))


def failing(error: Exception, when: Callable[[Event], bool] = lambda event: True) -> Reaction[None]:
    def react(ports: None, delivery: Delivery, now: datetime) -> Result[Any]:
        if when(delivery.event):
            raise error
        return Done("pack it")

    return one_by_one(react)


def test_a_batch_that_succeeds_is_acknowledged_and_leaves_no_trace(queue: Queue) -> None:
    assert queue.deliver(PLACED, CONFIRMED, attempt=3) == []
    assert queue.reacted == [Delivery(PLACED, 3), Delivery(CONFIRMED, 3)]
    assert (queue.failures, queue.delays) == ([], {})


def test_what_one_message_raises_fails_that_one_only(queue: Queue) -> None:
    react = failing(Transient("busy"), when=lambda event: event == CONFIRMED)
    assert queue.deliver(PLACED, CONFIRMED, PLACED, react=react) == ["message-1"]


def test_a_poisonous_message_does_not_keep_the_good_ones_from_their_reaction(queue: Queue) -> None:
    assert queue.deliver("poison", PLACED, "{}", CONFIRMED, "") == ["message-0", "message-2", "message-4"]
    assert [delivery.event for delivery in queue.reacted] == [PLACED, CONFIRMED]


def test_an_event_that_this_consumer_does_not_take_fails_and_is_never_acknowledged_away(queue: Queue) -> None:
    assert queue.deliver(CANCELLED) == ["message-0"]
    assert queue.reacted == []
    assert queue.failures[0]["message"] == "event type 'cloudretail.orders.OrderCancelled.v1' is not expected here"


def test_an_event_of_an_unknown_version_fails(queue: Queue) -> None:
    later = json.loads(PLACED.to_json()) | {"type": "cloudretail.orders.OrderPlaced.v2"}
    assert queue.deliver(json.dumps(later)) == ["message-0"]
    assert queue.failures[0]["exception"] == "InvalidEvent"


@pytest.mark.parametrize("error", [Transient("busy"), Permanent("broken"), ValueError("a bug"), InterruptedError()])
def test_a_batch_in_which_all_fail_answers_and_does_not_raise(queue: Queue, error: Exception) -> None:
    assert queue.deliver(PLACED, CONFIRMED, react=failing(error)) == ["message-0", "message-1"]


def test_a_reaction_that_raises_fails_its_batch_and_not_the_worker(queue: Queue) -> None:
    def react(ports: None, deliveries: Sequence[Delivery], now: datetime) -> Sequence[Outcome]:
        raise Contention("hot")

    assert sorted(queue.deliver(PLACED, "poison", CONFIRMED, react=react)) == ["message-0", "message-1", "message-2"]
    assert {failure["exception"] for failure in queue.failures} == {"Contention", "InvalidEvent"}


def test_a_reaction_that_forgets_a_delivery_fails_its_batch(queue: Queue) -> None:
    assert queue.deliver(PLACED, CONFIRMED, react=lambda ports, deliveries, now: [Done("pack it")]) == [
        "message-0",
        "message-1",
    ]


def test_a_reaction_is_not_bothered_with_a_batch_of_poison(queue: Queue) -> None:
    batches: list[Sequence[Delivery]] = []

    def react(ports: None, deliveries: Sequence[Delivery], now: datetime) -> Sequence[Outcome]:
        batches.append(deliveries)
        return [Done("pack it") for _ in deliveries]

    queue.deliver("poison", react=react)
    queue.deliver("poison", PLACED, react=react)
    assert batches == [[Delivery(PLACED, 1)]]


def test_a_cause_is_kept_with_the_whole_body_and_where_it_was_raised(queue: Queue) -> None:
    queue.deliver(PLACED, react=failing(Transient("busy")), attempt=2)
    (failure,) = queue.failures
    assert failure.pop("where").startswith("cloudretail/consumer.py:")
    assert failure.pop("firstFailedAt") == failure.pop("lastFailedAt") < failure.pop("expiresAt")
    assert failure == {
        "consumer": "warehouse",
        "eventId": PLACED.id,
        "exception": "Transient",
        "message": "busy",
        "function": "test-function",
        "requestId": "00000000-0000-0000-0000-000000000001",
        "attempt": 2,
        "messageId": "message-0",
        "body": PLACED.to_json(),
        "orderId": PLACED.data.subject,
        "eventName": "OrderPlaced",
    }


def test_the_cause_of_what_is_no_event_is_kept_under_the_messages_own_id(queue: Queue) -> None:
    queue.deliver("poison")
    (failure,) = queue.failures
    assert (failure["eventId"], failure["body"]) == ("message-0", "poison")
    assert failure["where"].startswith("cloudretail/envelope.py:")
    assert not failure.keys() & {"orderId", "eventName"}


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 2), (2, 4), (3, 8), (4, 16), (MAX_RECEIVES, 0), (9, 0)])
def test_a_failure_that_may_pass_comes_again_after_twice_as_long_each_time(
    queue: Queue, attempt: int, seconds: int
) -> None:
    queue.deliver(PLACED, react=failing(Transient("busy")), attempt=attempt)
    assert queue.delays == {"receipt-0": seconds}


@pytest.mark.parametrize("attempt", range(1, MAX_RECEIVES + 1))
def test_what_waiting_cannot_help_is_in_the_dead_letter_queue_at_once(queue: Queue, attempt: int) -> None:
    queue.deliver(PLACED, "poison", react=failing(Permanent("broken")), attempt=attempt)
    assert queue.delays == {"receipt-0": 0, "receipt-1": 0}


def test_a_bug_is_tried_again_as_it_may_be_a_deployment(queue: Queue) -> None:
    queue.deliver(PLACED, react=failing(KeyError("x")))
    assert queue.delays == {"receipt-0": backoff(1, permanent=False)}


def test_only_what_failed_comes_again_later(queue: Queue) -> None:
    queue.deliver(PLACED, CONFIRMED, react=failing(Transient("busy"), when=lambda event: event == CONFIRMED))
    assert queue.delays == {"receipt-1": 2}


def test_sqs_itself_brings_a_failed_message_back_after_that_time(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    url = aws.sqs().create_queue(QueueName="real", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    monkeypatch.setenv("QUEUE_URL", url)
    aws.sqs().send_message(QueueUrl=url, MessageBody="poison")
    (message,) = aws.sqs().receive_message(QueueUrl=url)["Messages"]
    batch = sqs_event([message["Body"]])
    batch["Records"][0] |= {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"]}
    assert "Messages" not in aws.sqs().receive_message(QueueUrl=url)

    consumer_of(failing(KeyError("x"))).handler(batch, cast(LambdaContext, Context()))

    assert aws.sqs().receive_message(QueueUrl=url)["Messages"][0]["MessageId"] == message["MessageId"]


def test_a_cause_that_cannot_be_kept_does_not_hide_the_failure(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILURES_TABLE", "there-is-no-such-table")
    assert queue.deliver(PLACED, CONFIRMED, react=failing(Transient("busy"))) == ["message-0", "message-1"]
    assert queue.delays == {"receipt-0": 2, "receipt-1": 2}


def test_a_return_that_cannot_be_set_does_not_keep_the_others_from_theirs(queue: Queue) -> None:
    queue.wire.refuses("ChangeMessageVisibility", refused("InternalError"))
    assert queue.deliver(PLACED, CONFIRMED, react=failing(Transient("busy"))) == ["message-0", "message-1"]
    assert queue.delays == {"receipt-0": 2, "receipt-1": 2}


def test_a_return_that_cannot_be_set_does_not_hide_the_failure(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_URL", "https://sqs.ap-southeast-1.amazonaws.com/123456789012/there-is-no-such-queue")
    assert queue.deliver(PLACED, react=failing(Transient("busy"))) == ["message-0"]
    assert len(queue.failures) == 1


@pytest.mark.parametrize("setting", ["QUEUE_URL", "FAILURES_TABLE"])
def test_a_missing_setting_shows_at_the_first_call_and_not_only_when_something_fails(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.delenv(setting)
    with pytest.raises(MissingSetting, match=setting):
        queue.deliver(PLACED)


def test_a_log_line_tells_a_failure_without_the_shoppers_address(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = everything_printed(monkeypatch)
    queue.deliver(PLACED, "poison", react=failing(Transient("busy")), attempt=2)
    lines = map(json.loads, printed.getvalue().splitlines())
    first, second = (line for line in lines if line.get("message") == "Reaction failed")
    assert (first["exception_name"], first["attempt"]) == ("Transient", 2)
    assert (first["order_id"], first["event_id"]) == (PLACED.data.subject, PLACED.id)
    assert (second["event_id"], second["exception_name"]) == ("message-1", "InvalidEvent")
    assert "shopper@" not in printed.getvalue()


def test_failures_are_counted(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(telemetry.metrics.provider, "namespace", "CloudRetail")
    queue.deliver(PLACED, "poison", PLACED, react=failing(Transient("busy")))
    assert json.loads(capsys.readouterr().out)["Failed"] == [1.0, 1.0, 1.0]


def test_counts_that_cannot_be_told_do_not_hide_the_failure(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry.metrics.provider, "namespace", None)
    assert queue.deliver(PLACED, react=failing(Transient("busy"))) == ["message-0"]
