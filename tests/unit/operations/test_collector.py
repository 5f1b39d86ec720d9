"""Every dead letter is kept before SQS may delete it, whatever it is, and lists are queries."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import aws, dynamodb
from cloudretail.breaker import OPENS_AT, Breaker
from cloudretail.errors import Transient
from cloudretail.failure_log import FailureLog
from cloudretail.failures import Failure, FailureState, Kind, fingerprint
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
    with shop_tables(monkeypatch, "FailuresTable", "OrdersTable"):
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


def an_order(order_id: str = ORDER["order_id"], user_id: str = "user-1", amount: int = 1990) -> None:
    item = {"orderId": order_id, "userId": user_id, "totalAmount": amount, "currency": "SGD"}
    aws.dynamodb().put_item(TableName="OrdersTable", Item=dynamodb.to_item(item))


def test_a_dead_letter_says_whose_order_it_is_about_and_what_that_comes_to(dead_letters: DeadLetters) -> None:
    an_order()
    collect(PLACED.to_json(), "no event", failure=given_up())
    about = {letter.order_id: letter for letter in dead_letters.find(Selection(queue="OrdersDlq")).items}
    found = about[ORDER["order_id"]]
    assert (found.user_id, str(found.at_stake)) == ("user-1", "SGD 19.90")
    seen = dead_letters.summary("OrdersDlq")
    assert (seen.orders, seen.customers, [str(each) for each in seen.at_stake]) == (1, 1, ["SGD 19.90"])


@pytest.mark.parametrize("subject", ["", "x" * 65, "ord_of_nobody"])
def test_a_message_about_an_order_that_there_is_not_is_kept_all_the_same(
    dead_letters: DeadLetters, subject: str
) -> None:
    assert collect(json.dumps({"type": "cloudretail.orders.Odd.v1", "id": "odd", "subject": subject})) == []
    (found,) = dead_letters.find(Selection(queue="OrdersDlq")).items
    assert (found.user_id, found.at_stake) == (None, None)


def test_orders_that_cannot_be_read_hold_no_dead_letter_up(
    dead_letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_order()
    Wire(monkeypatch).refuses("BatchGetItem", refused("AccessDeniedException"))
    assert collect(PLACED.to_json()) == []
    (found,) = dead_letters.find(Selection(queue="OrdersDlq")).items
    assert (found.order_id, found.at_stake) == (ORDER["order_id"], None)


CODE = "KeyError in b"
FILTERS: list[tuple[dict[str, str], str]] = [
    ({"order_id": ORDER["order_id"]}, "orderId-lastFailedAt"),
    ({"user_id": "user-1"}, "userId-lastFailedAt"),
    ({"event_name": "orderplaced"}, "openEvent-since"),
    ({"cause": CODE}, "openCause-since"),
    ({"cause": fingerprint("orders", CODE).upper()}, "openCause-since"),
]


@pytest.mark.parametrize(("filters", "index"), FILTERS, ids=str)
def test_a_filter_is_a_query_of_an_index_which_reads_what_is_meant_and_nothing_else(
    dead_letters: DeadLetters, monkeypatch: pytest.MonkeyPatch, filters: dict[str, str], index: str
) -> None:
    an_order()
    collect(PLACED.to_json(), failure=given_up())
    # Of another cause, event, order and account; the same at another consumer.
    collect('{"id": "none"}', "rubbish")
    collect(PLACED.to_json(), queue="InventoryDlq", failure=given_up())
    wire = Wire(monkeypatch)
    (found,) = dead_letters.find(Selection(queue="OrdersDlq", **filters)).items
    assert found.event_id == PLACED.id
    asked = [request for operation, request in wire.calls if operation == "Query"]
    assert {request["IndexName"] for request in asked} == {index}
    monkeypatch.undo()
    read = [aws.dynamodb().query(**request)["Items"] for request in asked]
    assert {item["eventId"]["S"] for items in read for item in items} == {PLACED.id}


def test_a_part_of_a_cause_finds_what_no_exact_one_does(dead_letters: DeadLetters) -> None:
    collect(PLACED.to_json(), failure=given_up())
    assert dead_letters.find(Selection(queue="OrdersDlq", cause="keyerr")).count == 1
    assert dead_letters.find(Selection(queue="OrdersDlq", cause="deadbeef")).count == 0


def test_what_was_resolved_is_in_no_index_of_what_waits(dead_letters: DeadLetters) -> None:
    an_order()
    collect(PLACED.to_json(), failure=given_up())
    FailureLog(dead_letters.failures).resolve("orders", PLACED.id, 1)
    for filters, _ in FILTERS:
        assert dead_letters.find(Selection(queue="OrdersDlq", **filters)).count == 0


def test_a_provider_that_is_away_is_seen_at_the_queue_of_the_consumer_that_calls_it(dead_letters: DeadLetters) -> None:
    def unavailable() -> None:
        raise Transient("no answer")

    breaker = Breaker(dead_letters.failures, "payment-worker", "bank", clock=lambda: DIED.timestamp())
    for _ in range(OPENS_AT):
        assert dead_letters.away() == {}
        with pytest.raises(Transient):
            breaker.call(unavailable)
    (away,) = dead_letters.away()["payment-worker"]
    assert (away.name, away.since, away.asked_at, away.reason) == ("bank", DIED, DIED, "Transient: no answer")
