"""What the operators' API refuses, and what it answers about dead letters, on queues and tables in this process."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import aws
from operations import api
from operations.dead_letters import collector
from operations.dead_letters.domain import Selection
from operations.replays.domain import Action
from operations.wiring import ApiSettings
from tests.support.dead_letters import NAMES
from tests.support.invocations import OPERATOR_CLAIMS, Context, http_event, sqs_event
from tests.support.tables import shop_tables

DEAD_LETTERS = "/api/ops/dead-letters/OrdersDlq"


@pytest.fixture(scope="module", autouse=True)
def shop() -> Iterator[None]:
    tables = [f"{name}Table" for name in ("Failures", "Replays")]
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *tables):
        for name in (each.queue for each in NAMES.consumers):
            address = aws.sqs().create_queue(QueueName=f"shop-{name}")["QueueUrl"]
        environment.setenv("QUEUE_URL_PREFIX", address.removesuffix(name))
        aws.s3().create_bucket(Bucket="failures", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
        environment.setenv("FAILURES_BUCKET", "failures")
        environment.setenv("CONSUMERS", ",".join(each.template_name for each in NAMES.consumers))
        for name in ApiSettings.model_fields:
            if name.endswith("_table") and name not in ("failures_table", "replays_table"):
                environment.setenv(name.upper(), name)
        environment.setenv("EVENT_BUS_NAME", "bus")
        environment.setenv("REPLAY_WORKER", "worker")
        environment.setenv("RUNBOOK", "https://example.com/operations.md")
        forget()
        yield
    forget()


def forget() -> None:
    for each in (api._settings, api._dead_letters, api._replays):
        each.cache_clear()


def ask(method: str, path: str, **request: Any) -> tuple[int, Any]:
    event = http_event(method, path, claims=OPERATOR_CLAIMS, **request)
    answer = api.handler(event, cast(LambdaContext, Context()))
    return answer["statusCode"], json.loads(answer["body"])


BAD_FILTERS = [
    ("orderId", ""),
    ("orderId", "x" * 65),
    ("eventName", ""),
    ("cause", ""),
    ("cause", "x" * 201),
    ("since", ""),
    ("since", "2026-01-02T03:04:05"),
    ("since", "2026-01-02"),
    ("until", "1767323045"),
    ("until", "yesterday"),
]


@pytest.mark.parametrize(("name", "value"), BAD_FILTERS)
def test_a_filter_in_the_address_that_is_none_is_refused_by_its_name(name: str, value: str) -> None:
    status, problem = ask("GET", DEAD_LETTERS, query={name: value})
    assert status == 422
    assert [each["field"] for each in problem["errors"]] == [name]


@pytest.mark.parametrize(("name", "value"), [*BAD_FILTERS, ("since", 1767323045), ("messageIds", [""])])
def test_a_filter_in_a_body_that_is_none_is_refused_by_its_name(name: str, value: object) -> None:
    body = {"queue": "OrdersDlq", "reason": "to see", name: value}
    for path in ("/api/ops/replays", "/api/ops/drops"):
        status, problem = ask("POST", path, body=body)
        assert status == 422
        assert [each["field"].split(".")[0] for each in problem["errors"]] == [name]


def test_a_queue_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    for status, problem in (
        ask("GET", "/api/ops/dead-letters/NoSuchDlq"),
        ask("POST", "/api/ops/replays", body={"queue": "NoSuchDlq", "reason": "to see"}),
    ):
        assert status == 422
        assert problem["errors"][0]["field"] == "queue"
        assert "PaymentWindowDlq" in problem["detail"]


def test_every_queue_is_listed_by_its_consumers_name() -> None:
    status, found = ask("GET", "/api/ops/queues")
    assert status == 200
    assert [each["consumer"] for each in found["items"]][3:5] == ["payment-window", "payment-worker"]
    assert [each["deadLetterQueue"] for each in found["items"]] == list(NAMES.dead_letter_queues)


def test_a_dead_letter_is_found_by_filters_that_match_it() -> None:
    record = sqs_event(["{}"], queue="shop-OrdersDlq")["Records"][0]
    assert collector.handler({"Records": [record]}, cast(LambdaContext, Context())) == {"batchItemFailures": []}
    sent = {"MessageId": record["messageId"]}
    for query, count in (({}, 1), ({"since": "2026-01-01T00:00:00Z"}, 1), ({"until": "2026-01-01T07:59:59+08:00"}, 0)):
        status, found = ask("GET", DEAD_LETTERS, query=query)
        assert (status, found["count"]) == (200, count)
    status, letter = ask("GET", f"{DEAD_LETTERS}/{sent['MessageId']}")
    assert (status, letter["queue"], letter["body"]) == (200, "OrdersDlq", "{}")


def test_the_record_comes_in_parts_the_latest_first_each_entry_once() -> None:
    replays = api._replays()
    selection = Selection(queue="OrdersDlq")
    made = [replays.start(Action.DROP, selection, by="o@example.com", reason=f"no. {n}", rate=1) for n in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        status, page = ask("GET", "/api/ops/replays", query=query)
        assert status == 200
        seen += [each["replayId"] for each in page["items"]]
        cursor = page["nextCursor"]
    assert seen[: len(made)] == [each.replay_id for each in reversed(made)]
    assert len(seen) == len(set(seen))
