"""Every dead letter is kept before SQS may delete it, whatever it is, and lists are queries."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import aws
from cloudretail.failure_log import FailureLog
from cloudretail.failures import Failure, FailureState, Kind
from contract.orders import OrderPlaced
from operations.dead_letters import collector
from operations.dead_letters.domain import Selection
from operations.dead_letters.failures import MAX_BODY, DynamoDBFailures
from operations.dead_letters.service import DeadLetters
from tests.support.dead_letters import NAMES
from tests.support.examples import EXAMPLES, ORDER, event_of
from tests.support.invocations import Context, sqs_event
from tests.support.tables import shop_tables
from tests.support.wire import Wire, refused

PLACED = event_of(next(data for data in EXAMPLES if isinstance(data, OrderPlaced)))
BUCKET = "failures"
DIED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBFailures]:
    with shop_tables(monkeypatch, "FailuresTable"):
        aws.s3().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
        monkeypatch.setenv("FAILURES_BUCKET", BUCKET)
        monkeypatch.setenv("CONSUMERS", ",".join(each.template_name for each in NAMES.consumers))
        collector._settings.cache_clear()
        yield DynamoDBFailures("FailuresTable", BUCKET)
    collector._settings.cache_clear()


@pytest.fixture
def dead_letters(failures: DynamoDBFailures) -> DeadLetters:
    return DeadLetters(NAMES, {}, failures)


def collect(*bodies: str, queue: str = "OrdersDlq", number: int | None = None, **attributes: str) -> list[str]:
    """Invoke the collector with a batch; returns the ids of those that come again."""
    event = sqs_event(bodies, queue=f"shop-{queue}", attributes=attributes)
    if number is not None:
        event["Records"][0]["messageId"] = f"message-{number}"
    answer: Any = collector.handler(event, cast(LambdaContext, Context()))
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def given_up(event_id: str = PLACED.id, **said: Any) -> str:
    """The attribute with which a consumer gives a message up."""
    content = {"cause": "KeyError: x at a.py:1 in b", "code": "KeyError in b", "requestId": "request-1"}
    return json.dumps({**content, "key": event_id, "generation": 0, "messageId": "message-0", **said})


def test_a_dead_letter_is_kept_with_its_body_and_its_cause(dead_letters: DeadLetters) -> None:
    failure = Failure(
        "orders", PLACED.id, Kind.UNEXPECTED, "KeyError in b", "KeyError", "x", "a.py:1 in b", "OrdersReactions", "7",
        "request-1", 5, "message-0", keys={"order_id": ORDER["order_id"]}, event_name="OrderPlaced",
    )  # fmt: skip
    FailureLog(dead_letters.failures).keep(failure)
    assert dead_letters.find(Selection(queue="OrdersDlq")).count == 0, "it is being retried"
    assert collect(PLACED.to_json(), failure=given_up()) == []
    (found,) = dead_letters.find(Selection(queue="OrdersDlq")).items
    assert (found.state, found.since, found.order_id) == (FailureState.DEAD, DIED, ORDER["order_id"])
    assert (found.cause.where, found.cause.version, found.cause.attempt) == ("a.py:1 in b", "7", 5)
    assert dead_letters.get("OrdersDlq", PLACED.id).body == PLACED.to_json()


@pytest.mark.parametrize(
    "body", ["rubbish", '{"a": 1}', "\ud83d\udca5".encode("utf-16", "surrogatepass").decode("utf-16")]
)
def test_what_is_no_event_is_kept_under_its_messages_id(dead_letters: DeadLetters, body: str) -> None:
    for queue in ("OrdersDlq", "RelayDlq", "RuleTargetsDlq", "ReplayWorkerDlq", "CatalogImagesDlq"):
        assert collect(body, queue=queue) == []
        found = dead_letters.get(queue, "message-0")
        assert (found.body, bool(found.invalid), found.event_id) == (body, True, None)


def test_one_event_whose_three_targets_failed_is_three_dead_letters(dead_letters: DeadLetters) -> None:
    for number, name in enumerate(("Inventory", "Payments", "Notifications")):
        arn = f"arn:aws:sqs:ap-southeast-1:1:shop-{name}Queue"
        collect(PLACED.to_json(), queue="RuleTargetsDlq", number=number, TARGET_ARN=arn, ERROR_CODE="NO_PERMISSIONS")
    counts = {each.queue: each.count for each in dead_letters.summaries() if each.count}
    assert counts == {"InventoryDlq": 1, "PaymentsDlq": 1, "NotificationsDlq": 1}
    assert {letter.queue for letter in dead_letters.of_order(ORDER["order_id"])} == counts.keys()


def test_a_body_that_is_too_long_for_its_row_is_in_the_bucket(dead_letters: DeadLetters) -> None:
    body = random.Random(1).randbytes(300_000).hex()
    assert collect(body) == []
    row = dead_letters.rows(Selection(queue="OrdersDlq"))[0]
    (stored,) = aws.s3().list_objects_v2(Bucket=BUCKET)["Contents"]
    assert len(body) > MAX_BODY
    assert stored["Key"] == "bodies/OrdersDlq/message-0"
    assert dead_letters.get("OrdersDlq", row.event_id).body == body


def test_what_the_table_refuses_is_set_aside_whole_and_said(
    failures: DynamoDBFailures, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A sort key has 1024 bytes at the most.
    Wire(monkeypatch).refuses("UpdateItem", refused("ValidationException"))
    assert collect("{}", failure=given_up("x" * 2000)) == []
    (stored,) = aws.s3().list_objects_v2(Bucket=BUCKET)["Contents"]
    assert stored["Key"] == "unstored/OrdersDlq/message-0.json"
    kept = json.loads(aws.s3().get_object(Bucket=BUCKET, Key=stored["Key"])["Body"].read())
    assert (kept["body"], kept["attributes"].keys()) == ("{}", {"failure"})
    assert '"SetAside":[1.0]' in capsys.readouterr().out


def test_a_message_that_could_not_be_kept_comes_again_and_its_neighbours_do_not(
    dead_letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    Wire(monkeypatch).refuses("UpdateItem", refused("ThrottlingException"))
    assert collect("a", "b") == ["message-0"]
    assert [letter.message_id for letter in dead_letters.find(Selection(queue="OrdersDlq")).items] == ["message-1"]
    assert collect("a") == []
    assert dead_letters.summary("OrdersDlq").count == 2


def test_a_bucket_that_is_away_keeps_the_message_in_its_queue(
    failures: DynamoDBFailures, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(monkeypatch)
    wire.refuses("UpdateItem", refused("ValidationException"))
    wire.refuses("PutObject", refused("InternalError"))
    assert collect("{}") == ["message-0"]


def test_the_queues_of_a_consumer_are_counted_with_what_fails_and_what_is_dead(dead_letters: DeadLetters) -> None:
    collect("a", "b", queue="RelayDlq")
    states = {
        owner.dead_letter_queue: dead_letters._state(owner) for owner in NAMES.owners if owner not in NAMES.consumers
    }
    assert {name: state.dead for name, state in states.items()} == {
        "RelayDlq": 2,
        "RuleTargetsDlq": 0,
        "ReplayWorkerDlq": 0,
    }


def test_a_long_list_is_a_few_queries_and_a_span_of_time_reads_only_itself(
    dead_letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        event = sqs_event([f"{number}"], queue="shop-OrdersDlq")
        event["Records"][0] |= {"messageId": f"message-{number}"}
        event["Records"][0]["attributes"]["SentTimestamp"] = str(
            int((DIED + timedelta(minutes=number)).timestamp()) * 1000
        )
        collector.handler(event, cast(LambdaContext, Context()))
    wire = Wire(monkeypatch)
    assert dead_letters.find(Selection(queue="OrdersDlq")).count == 40
    assert [operation for operation, _ in wire.calls] == ["Query", "Query"], "DEAD, and REPLAYING"
    span = {"since": DIED + timedelta(minutes=10), "until": DIED + timedelta(minutes=19)}
    found = dead_letters.find(Selection(queue="OrdersDlq", **span))
    assert [letter.message_id for letter in found.items] == [f"message-{number}" for number in range(10, 20)]
