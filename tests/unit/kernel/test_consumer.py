"""A batch by SQS: what is done is acknowledged, and every failure comes again or is found by an operator."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import aws, dynamodb, telemetry
from cloudretail.batch import MAX_FAILURE, GivenBack
from cloudretail.consumer import Consumer, Delivery, Outcome, Reaction, one_by_one
from cloudretail.decider import Done, Result
from cloudretail.envelope import Event
from cloudretail.errors import Contention, Held, Permanent, Transient
from cloudretail.retries import CONDEMNED, SUSPECT
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


class WorkerKilled(BaseException):
    """The process is gone: no handler of exceptions runs."""


class Queue:
    """A consumer on a queue and a table of failures, both on moto."""

    def __init__(self, wire: Wire) -> None:
        self.reacted: list[Delivery] = []
        self.wire = wire

    def _react(self, ports: None, delivery: Delivery, now: datetime) -> Done:
        self.reacted.append(delivery)
        return Done("pack it")

    def deliver(
        self,
        *bodies: Event | str,
        react: Reaction[None] | None = None,
        attempt: int = 1,
        attempts: Sequence[int] = (),
        attributes: Mapping[str, str] | None = None,
    ) -> list[str]:
        """The ids of the messages that are not acknowledged; the body's place in the batch is in its id."""
        batch = sqs_event([body.to_json() if isinstance(body, Event) else body for body in bodies], attempt=attempt)
        for record, each in zip(batch["Records"], attempts or [attempt] * len(bodies), strict=True):
            record["attributes"]["ApproximateReceiveCount"] = str(each)
            record["messageAttributes"] = {
                name: {"stringValue": value, "dataType": "String"} for name, value in (attributes or {}).items()
            }
        answer = consumer_of(react or one_by_one(self._react)).handler(batch, cast(LambdaContext, Context()))
        return [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [dynamodb.from_item(item) for item in items_of("FailuresTable")]

    @property
    def dead(self) -> list[dict[str, Any]]:
        """What is in the dead-letter queue, in the order in which it was sent."""
        return self.wire.made_and_taken("SendMessage")

    @property
    def delays(self) -> dict[str, int]:
        """Seconds until each failed message comes again, by receipt handle."""
        calls = self.wire.made("ChangeMessageVisibility")
        return {call["ReceiptHandle"]: call["VisibilityTimeout"] for call in calls}


@pytest.fixture
def queue(tables: None, monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setenv("QUEUE_URL", aws.sqs().create_queue(QueueName="warehouse")["QueueUrl"])
    monkeypatch.setenv("DLQ_URL", aws.sqs().create_queue(QueueName="warehouse-dlq")["QueueUrl"])
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
    assert queue.deliver("poison", PLACED, "{}", CONFIRMED, "") == []
    assert [message["MessageBody"] for message in queue.dead] == ["poison", "{}", ""]
    assert [delivery.event for delivery in queue.reacted] == [PLACED, CONFIRMED]


def test_an_event_that_this_consumer_does_not_take_fails_and_is_never_acknowledged_away(queue: Queue) -> None:
    queue.deliver(CANCELLED)
    assert queue.reacted == []
    assert [message["MessageBody"] for message in queue.dead] == [CANCELLED.to_json()]
    (failure,) = queue.failures
    assert failure["cause"]["message"] == "event type 'cloudretail.orders.OrderCancelled.v1' is not expected here"


def test_an_event_of_an_unknown_version_fails(queue: Queue) -> None:
    later = json.loads(PLACED.to_json()) | {"type": "cloudretail.orders.OrderPlaced.v2"}
    queue.deliver(json.dumps(later))
    assert len(queue.dead) == 1
    assert queue.failures[0]["cause"]["exception"] == "InvalidEvent"


@pytest.mark.parametrize("error", [Transient("busy"), ValueError("a bug"), InterruptedError()])
def test_a_batch_in_which_all_fail_answers_and_does_not_raise(queue: Queue, error: Exception) -> None:
    assert queue.deliver(PLACED, CONFIRMED, react=failing(error)) == ["message-0", "message-1"]


def test_a_reaction_that_raises_fails_its_batch_and_not_the_worker(queue: Queue) -> None:
    def react(ports: None, deliveries: Sequence[Delivery], now: datetime) -> Sequence[Outcome]:
        raise Contention("hot")

    assert sorted(queue.deliver(PLACED, "poison", CONFIRMED, react=react)) == ["message-0", "message-2"]
    assert {failure["cause"]["exception"] for failure in queue.failures} == {"Contention", "InvalidEvent"}


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


def test_a_cause_is_kept_with_where_it_was_raised(queue: Queue) -> None:
    queue.deliver(PLACED, react=failing(Transient("busy")), attempt=2)
    (failure,) = queue.failures
    cause = failure.pop("cause")
    assert cause.pop("where").startswith("cloudretail/consumer.py:")
    fingerprint = cause.pop("fingerprint")
    assert len(fingerprint) == 8
    assert cause == {
        "code": "Transient in reaction (cloudretail/consumer.py)",
        "exception": "Transient",
        "message": "busy",
        "function": "test-function",
        "version": "$LATEST",
        "requestId": "00000000-0000-0000-0000-000000000001",
        "attempt": 2,
    }
    assert len({failure.pop(name) for name in ("firstFailedAt", "lastFailedAt", "failingSince", "since")}) == 1
    assert failure == {
        "consumer": "warehouse",
        "eventId": PLACED.id,
        "revision": 1,
        "state": "FAILING",
        "openState": "FAILING#warehouse",
        "openCause": f"FAILING#warehouse#{fingerprint}",
        "openEvent": "FAILING#warehouse#OrderPlaced",
        "openOrders": "OPEN",
        "failures": 1,
        "messageId": "message-0",
        "orderId": PLACED.data.subject,
        "eventName": "OrderPlaced",
    }


def test_the_cause_of_what_is_no_event_is_kept_under_the_messages_own_id(queue: Queue) -> None:
    queue.deliver("poison")
    (failure,) = queue.failures
    assert failure["eventId"] == "message-0"
    assert failure["cause"]["where"].startswith("cloudretail/envelope.py:")
    assert not failure.keys() & {"orderId", "eventName"}


def test_a_failure_that_may_pass_comes_again_after_twice_as_long_each_time(queue: Queue) -> None:
    pauses = []
    for attempt in range(1, 13):
        assert queue.deliver(PLACED, react=failing(Transient("busy")), attempt=attempt) == ["message-0"]
        pauses.append(queue.delays["receipt-0"])
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert queue.dead == []


def test_how_often_it_failed_counts_and_not_how_often_it_was_received(queue: Queue) -> None:
    # Throttled polls and time-outs count as receives too.
    queue.deliver(PLACED, react=failing(KeyError("x")), attempt=1)
    queue.deliver(PLACED, react=failing(KeyError("x")), attempt=40)
    assert queue.delays["receipt-0"] == 4
    assert queue.dead == []


def test_what_waiting_cannot_help_is_in_the_dead_letter_queue_at_its_first_delivery(queue: Queue) -> None:
    assert queue.deliver(PLACED, "poison", CONFIRMED, react=failing(Permanent("broken"), when=PLACED.__eq__)) == []
    first, second = queue.dead
    assert (first["MessageBody"], second["MessageBody"]) == (PLACED.to_json(), "poison")
    assert queue.delays == {}


def test_a_bug_is_in_the_dead_letter_queue_after_five_deliveries(queue: Queue) -> None:
    for attempt in range(1, 5):
        assert queue.deliver(PLACED, react=failing(KeyError("x")), attempt=attempt) == ["message-0"]
        assert queue.dead == []
    assert queue.deliver(PLACED, react=failing(KeyError("x")), attempt=5) == []
    assert [message["MessageBody"] for message in queue.dead] == [PLACED.to_json()]


def test_an_outage_is_given_up_after_six_hours_and_not_before(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_767_000_000.0]
    monkeypatch.setattr("cloudretail.failure_log.time.time", lambda: clock[0])
    monkeypatch.setattr("cloudretail.batch.now", lambda: datetime.fromtimestamp(clock[0], UTC))
    deliveries = 0
    while not queue.dead:
        deliveries += 1
        queue.deliver(PLACED, react=failing(Transient("away")), attempt=deliveries)
        clock[0] += queue.delays.get("receipt-0", 0)
    assert 6 * 3600 <= clock[0] - 1_767_000_000 <= 6 * 3600 + 1800
    assert deliveries >= 20


def test_a_dead_letter_says_why_and_whose_it_is_in_one_attribute(queue: Queue) -> None:
    queue.deliver(PLACED, "poison", react=failing(Permanent("the café's counters 💥 do not cover it")))
    event, poison = (json.loads(message["MessageAttributes"]["failure"]["StringValue"]) for message in queue.dead)
    assert event.pop("cause").startswith("Permanent: the caf?'s counters ? do not cover it at cloudretail/consumer.py")
    assert event.pop("code") == "Permanent in reaction (cloudretail/consumer.py)"
    request = "00000000-0000-0000-0000-000000000001"
    assert event == {"key": PLACED.id, "generation": 0, "messageId": "message-0", "requestId": request}
    assert (poison["key"], poison["messageId"]) == ("message-1", "message-1")


def test_an_endless_cause_is_cut_to_what_an_attribute_may_hold(queue: Queue) -> None:
    queue.deliver(PLACED, react=failing(Permanent('"' * 10_000)))
    ((message),) = queue.dead
    text = message["MessageAttributes"]["failure"]["StringValue"]
    assert len(text) <= MAX_FAILURE
    assert text.isascii()
    assert json.loads(text)["key"] == PLACED.id


def test_a_copy_of_a_dead_letter_keeps_its_key_its_generation_and_its_other_attributes(queue: Queue) -> None:
    marked = {"failure": json.dumps({"key": "first", "generation": 3, "messageId": "first"}), "replays": "rpl_1"}
    queue.deliver("poison", attributes=marked)
    (message,) = queue.dead
    said = json.loads(message["MessageAttributes"]["failure"]["StringValue"])
    assert (said["key"], said["generation"], said["messageId"]) == ("first", 3, "first")
    assert message["MessageAttributes"]["replays"]["StringValue"] == "rpl_1"
    assert [failure["eventId"] for failure in queue.failures] == ["first"]


def test_a_message_that_is_given_up_is_failing_until_the_collector_has_it(queue: Queue) -> None:
    queue.deliver(PLACED, react=failing(Permanent("broken")))
    assert [failure["state"] for failure in queue.failures] == ["FAILING"]


def test_a_copy_that_succeeds_is_done_only_when_that_is_noted(queue: Queue) -> None:
    marked = {"failure": json.dumps({"key": PLACED.id, "generation": 1, "messageId": "first"})}
    queue.deliver(PLACED, react=failing(Permanent("broken")))
    queue.wire.refuses("UpdateItem", refused("InternalServerError"))
    assert queue.deliver(PLACED, attributes=marked) == ["message-0"]
    assert queue.deliver(PLACED, attributes=marked, attempt=2) == []
    assert [(failure["state"], failure["generation"]) for failure in queue.failures] == [("RESOLVED", 1)]


def test_a_message_stays_in_its_queue_until_the_dead_letter_queue_has_it(queue: Queue) -> None:
    queue.wire.refuses("SendMessage", refused("InternalError"))
    assert queue.deliver("poison") == ["message-0"]
    assert queue.delays == {"receipt-0": 60}
    assert queue.deliver("poison", attempt=2) == []
    assert len(queue.dead) == 1


def test_a_dead_letter_queue_that_kept_another_body_has_not_accepted_the_message(queue: Queue) -> None:
    queue.wire.stubs("SendMessage", {"MessageId": "m", "MD5OfMessageBody": "another"})
    assert queue.deliver("poison") == ["message-0"]


def test_a_success_after_failures_is_noted_and_the_next_failure_counts_anew(queue: Queue) -> None:
    for attempt in range(1, 5):
        queue.deliver(PLACED, react=failing(KeyError("x")), attempt=attempt)
    queue.deliver(PLACED, attempt=5)
    assert [failure["state"] for failure in queue.failures] == ["RESOLVED"]

    queue.deliver(PLACED, react=failing(KeyError("x")), attempt=1)
    assert queue.dead == []
    assert [(failure["state"], failure["failures"]) for failure in queue.failures] == [("FAILING", 1)]


def test_a_success_after_failures_comes_again_until_that_is_noted_or_it_would_be_failing_for_ever(queue: Queue) -> None:
    queue.deliver(PLACED, react=failing(KeyError("x")))
    queue.wire.refuses("UpdateItem", refused("InternalServerError"))
    assert queue.deliver(PLACED, attempt=2) == ["message-0"]
    assert [failure["state"] for failure in queue.failures] == ["FAILING"]
    assert queue.deliver(PLACED, attempt=3) == []
    assert [failure["state"] for failure in queue.failures] == ["RESOLVED"]


def test_a_success_at_the_first_delivery_writes_nothing(queue: Queue) -> None:
    queue.deliver(PLACED, CONFIRMED)
    assert queue.wire.calls == []


def test_a_message_that_never_leaves_a_cause_is_handled_alone_after_the_others_are_deleted(queue: Queue) -> None:
    batches: list[list[str]] = []

    def react(ports: None, deliveries: Sequence[Delivery], now: datetime) -> Sequence[Outcome]:
        batches.append([delivery.event.id for delivery in deliveries])
        if CONFIRMED in [delivery.event for delivery in deliveries]:
            raise WorkerKilled
        return [Done("pack it") for _ in deliveries]

    with pytest.raises(WorkerKilled):
        queue.deliver(PLACED, CONFIRMED, react=react, attempts=[1, SUSPECT])

    assert batches == [[PLACED.id], [CONFIRMED.id]]
    assert [call["ReceiptHandle"] for call in queue.wire.made("DeleteMessage")] == ["receipt-0"]


def test_a_message_that_left_a_cause_is_no_suspect_however_often_it_comes(queue: Queue) -> None:
    queue.deliver(PLACED, react=failing(Transient("busy")), attempt=1)
    queue.deliver(PLACED, CONFIRMED, attempts=[50, 1])
    assert queue.wire.made("DeleteMessage") == []
    assert queue.reacted == [Delivery(PLACED, 50), Delivery(CONFIRMED, 1)]


def test_a_message_that_kills_its_worker_is_given_up_unhandled(queue: Queue) -> None:
    assert queue.deliver(PLACED, CONFIRMED, attempts=[CONDEMNED, 1]) == []
    assert queue.reacted == [Delivery(CONFIRMED, 1)]
    (message,) = queue.dead
    assert message["MessageBody"] == PLACED.to_json()
    assert "without an outcome" in message["MessageAttributes"]["failure"]["StringValue"]
    assert [failure["cause"]["exception"] for failure in queue.failures] == ["KilledWorker"]


def test_a_batch_stops_before_its_deadline_and_gives_the_rest_back(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("cloudretail.deadline.time.monotonic", lambda: clock[0])

    def slow(ports: None, delivery: Delivery, now: datetime) -> Done:
        clock[0] += 3
        return Done("pack it")

    left = queue.deliver(*[PLACED] * 5, react=one_by_one(slow))

    # Ten seconds, less the two that are kept for the answer: the third begins at 6 s, and none after 8 s.
    assert left == ["message-3", "message-4"]
    assert queue.delays == {"receipt-3": 0, "receipt-4": 0}
    assert queue.failures == []


def test_only_what_failed_comes_again_later(queue: Queue) -> None:
    queue.deliver(PLACED, CONFIRMED, react=failing(Transient("busy"), when=lambda event: event == CONFIRMED))
    assert queue.delays == {"receipt-1": 2}


def test_sqs_itself_brings_a_message_back_that_was_given_back(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    url = aws.sqs().create_queue(QueueName="real", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    monkeypatch.setenv("QUEUE_URL", url)
    aws.sqs().send_message(QueueUrl=url, MessageBody=PLACED.to_json())
    (message,) = aws.sqs().receive_message(QueueUrl=url)["Messages"]
    batch = sqs_event([message["Body"]])
    batch["Records"][0] |= {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"]}
    assert "Messages" not in aws.sqs().receive_message(QueueUrl=url)

    consumer_of(failing(GivenBack("no time"))).handler(batch, cast(LambdaContext, Context()))

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


@pytest.mark.parametrize("setting", ["QUEUE_URL", "DLQ_URL", "FAILURES_TABLE"])
def test_a_missing_setting_shows_at_the_first_call_and_not_only_when_something_fails(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.delenv(setting)
    with pytest.raises(MissingSetting, match=setting):
        queue.deliver(PLACED)


def test_a_log_line_tells_a_failure_without_the_shoppers_address(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = everything_printed(monkeypatch)
    unknown = json.dumps({"type": "unknown", "subject": "ord_1", "data": {"email": "shopper@example.com"}})
    queue.deliver(PLACED, "poison", unknown, react=failing(Transient("busy")), attempt=2)
    lines = map(json.loads, printed.getvalue().splitlines())
    first, second, third = (line for line in lines if line.get("message") == "Reaction failed")
    assert (first["exception_name"], first["attempt"]) == ("Transient", 2)
    assert (first["order_id"], first["event_id"]) == (PLACED.data.subject, PLACED.id)
    assert (second["event_id"], second["exception_name"]) == ("message-1", "InvalidEvent")
    assert (third["subject"], third["exception_name"]) == ("ord_1", "InvalidEvent"), "found by the order all the same"
    assert {line["request_id"] for line in (first, second, third)} == {Context.aws_request_id}
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


def test_a_message_that_is_held_waits_for_as_long_as_it_is_told_and_has_not_failed(queue: Queue) -> None:
    held = Held("bank is away: ProviderTimeout: no answer", 45)
    for attempt in range(1, CONDEMNED + 3):
        assert queue.deliver(PLACED, react=failing(held), attempt=attempt) == ["message-0"]
        assert queue.delays["receipt-0"] == 45
    (failure,) = queue.failures
    assert (failure["state"], failure.get("failures", 0)) == ("FAILING", 0)
    assert failure["cause"]["message"] == str(held), "it is seen what it waits for"
    assert queue.dead == []
    assert queue.deliver(PLACED, attempt=CONDEMNED + 3) == []
    assert [failure["state"] for failure in queue.failures] == ["RESOLVED"]
