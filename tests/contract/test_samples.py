"""The samples in events/: recorded from a running shop, and still what the functions answer so today."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from jsonschema import Draft202012Validator, FormatChecker

from auth import api as auth_api
from catalog.domain import Product
from cloudretail import aws, dynamodb
from cloudretail.dynamodb import from_item
from cloudretail.money import Money
from cloudretail.outbox import due
from cloudretail.tracing import child
from orders.rates import CURRENT
from retail_ops.contract.schemas import SCHEMAS
from retail_ops.recording.normal import MOMENT
from retail_ops.recording.samples import EVENTS, INDEX, ROWS, STRIPE, STRIPE_CASE, Sample, folder_of, load, rows_of
from retail_ops.recording.story import LEAVER, NEW_PASSWORD, POISON, VISITOR
from retail_ops.stack import catalogue
from retail_ops.stack.seed import SHOPPER
from tests.contract.deployed import Shop, shop, template
from tests.support.identity import InMemoryIdentityProvider, InMemoryMailer
from tests.support.invocations import Context
from tests.support.tables import empty
from tests.support.wire import Wire

SAMPLES = load()
SCHEMA = {json.loads(path.read_text())["$id"]: path for path in (SCHEMAS / "events").glob("*.json")}

AFTER_CONFIRMING = {
    *("forgot-password", "reset-password", "second-factor", "second-factor-proof", "bad-second-factor"),
    *("rename", "change-password", "bad-old-password", "log-out-everywhere"),
}
"""The samples of the visitor's account, who registers in the recording."""

NOT_HERE = {"ops-api/get-dead-letter": 404}
"""SQS gives messages their ids, so that no queue can be made that holds the recorded one."""

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
each_function = pytest.mark.parametrize("function", sorted(template().functions))
each_consumer = pytest.mark.parametrize("queue", sorted(template().consumers))


@pytest.fixture(scope="module")
def running() -> Iterator[Shop]:
    """Every function, with tables and a bus; what a function starts besides is not started."""
    with pytest.MonkeyPatch.context() as environment, shop(environment) as found:
        wire = Wire(environment)
        wire.stubs("Invoke", {"StatusCode": 202})
        wire.stubs("AdminGetUser", {"Username": "operator"})
        for call in ("AdminDisableUser", "AdminUserGlobalSignOut", "AdminDeleteUser"):
            wire.stubs(call)
        environment.setenv("AWS_REGION", "ap-southeast-1")
        aws.eventbridge().create_event_bus(Name="EventBus")
        yield found


@pytest.fixture
def stocked(running: Shop) -> Shop:
    """The shop with the catalogue, and nothing that an earlier test has done."""
    empty(*template().properties("AWS::DynamoDB::Table"))
    zones, tax_rates = catalogue.load_rates()
    rates = {"ratesId": CURRENT, "zones": zones, "taxRates": tax_rates, "version": 2}
    _put("RatesTable", rates)
    for product in catalogue.load():
        price = Money(amount=product.price, currency=product.currency)
        listed = Product(
            product_id=product.id,
            name=product.name,
            description=product.description,
            category=product.category,
            price=price,
            created_at=MOMENT,
            updated_at=MOMENT,
        )
        counters = {"availableQty": product.stock, "reservedQty": 0, "soldQty": 0, "receivedQty": product.stock}
        _put("ProductsTable", listed.model_dump(mode="json", exclude_none=True))
        _put("InventoryTable", {"productId": product.id, **counters})
    return running


def _put(table: str, row: dict[str, Any]) -> None:
    aws.dynamodb().put_item(TableName=table, Item=dynamodb.to_item(row))


@pytest.fixture(autouse=True)
def accounts(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Those that the samples of accounts are about, as they were when each was recorded."""
    provider = InMemoryIdentityProvider()
    monkeypatch.setattr(auth_api, "identity_provider", lambda: provider)
    monkeypatch.setattr(auth_api, "mailer", InMemoryMailer)
    case = request.node.callspec.params["sample"].case if "sample" in request.fixturenames else ""
    if case == "register":
        return
    for account in (SHOPPER, VISITOR, LEAVER):
        provider.sign_up(account.email)
        user = provider.users[account.email]
        user.password, user.name = account.password, account.name
        if account is VISITOR and case == "change-password":
            user.password = NEW_PASSWORD
        user.code = user.reset_code = "123456"
        user.confirmed = account is not VISITOR or case in AFTER_CONFIRMING
    provider._sessions["recorded-refresh-token"] = provider.users[SHOPPER.email].user_id


@each_sample
def test_a_function_answers_a_sample_as_it_did_when_it_was_recorded(stocked: Shop, sample: Sample) -> None:
    event = sample.event
    for table, item in rows_of(json.dumps(event)):
        aws.dynamodb().put_item(TableName=table, Item=item)
    answer = stocked.invoke(sample.function, event, cast(LambdaContext, Context()))
    match answer:
        case {"statusCode": status}:
            assert status == NOT_HERE.get(sample.name, sample.answer), answer["body"]
        case {"batchItemFailures": failures}:
            failed = {failure["itemIdentifier"] for failure in failures}
            assert [n for n, each in enumerate(event["Records"]) if each["messageId"] in failed] == sample.answer
            assert bool(failed or given_up(stocked, sample)) == sample.is_bad
        case _:
            assert sample.answer is None


@each_sample
def test_the_name_of_a_sample_says_whether_it_is_refused(sample: Sample) -> None:
    match sample.answer:
        case int(status):
            assert (status >= 400) == sample.is_bad
        case None:
            assert not sample.is_bad
        case failures:
            # What cannot pass is acknowledged, once the dead-letter queue has it: the test above looks there.
            assert not failures or sample.is_bad


def given_up(shop: Shop, sample: Sample) -> list[str]:
    """The messages that the function has sent to its dead-letter queue, which is left empty."""
    queue = next((queue for queue, function in template().consumers.items() if function == sample.function), None)
    if queue is None:
        return []
    url = aws.sqs().get_queue_url(QueueName=queue.removesuffix("Queue") + "Dlq")["QueueUrl"]
    bodies = []
    for message in aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        bodies.append(message["Body"])
        aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


@each_sample
def test_every_event_in_a_sample_is_what_its_schema_describes(sample: Sample) -> None:
    for document in documents_in(sample.event):
        if document == POISON or sample.case == "bad-version":
            continue
        event = json.loads(document)
        if sample.path.stem.startswith(STRIPE_CASE.format("")):
            # A rule can derive no trace: the consumer does, from the event's id.
            event["traceparent"] = child(event["traceparent"], event["id"])
        schema = json.loads(SCHEMA[event["dataschema"]].read_text())
        Draft202012Validator(schema, format_checker=FormatChecker(["date-time"])).validate(event)


@each_sample
def test_a_sample_was_recorded_and_not_edited(sample: Sample) -> None:
    for record in sample.event.get("Records", ()):
        if "body" in record:
            assert record["md5OfBody"] == hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
    length = sample.event.get("headers", {}).get("content-length")
    assert length is None or int(length) == len(sample.event.get("body", ""))


def documents_in(event: dict[str, Any]) -> list[str]:
    """The events of the shop in an invocation."""
    found: list[str] = []
    for record in event.get("Records", ()):
        if record["eventSource"] == "aws:dynamodb":
            found += due(from_item(record["dynamodb"]["NewImage"]))
        elif "CatalogImagesQueue" not in record["eventSourceARN"]:
            found.append(record["body"])
    return found


def test_every_sample_is_in_the_index_and_nothing_else_is_there() -> None:
    assert {sample.path for sample in SAMPLES} | {INDEX, ROWS} == set(EVENTS.rglob("*.json")) - set(STRIPE.iterdir())
    assert len({folder_of(function) for function in template().functions}) == len(template().functions)


@each_function
def test_every_function_has_samples(function: str) -> None:
    assert [sample for sample in SAMPLES if sample.function == function], "record some: docs/development.md"


@pytest.mark.parametrize("route", template().routes, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_has_a_sample_that_is_accepted(route: Any) -> None:
    key = f"{route.method} {route.path}"
    accepted = [sample for sample in SAMPLES if isinstance(sample.answer, int) and not sample.is_bad]
    assert key in {sample.event["routeKey"] for sample in accepted}, "record one: docs/development.md"


@each_consumer
def test_every_consumer_has_the_batches_that_a_queue_may_hand_over(queue: str) -> None:
    function = template().consumers[queue]
    batches = {sample.case: len(sample.event["Records"]) for sample in SAMPLES if sample.function == function}
    assert batches["several"] > 1
    assert batches["duplicate"] == 2
    assert batches["bad-one-among-good"] == 3
    assert 1 in batches.values()


@pytest.mark.parametrize("rule", template().rules, ids=lambda rule: rule.name)
def test_every_event_that_a_rule_sends_was_recorded_and_is_matched_by_the_rule(rule: Any) -> None:
    function = template().consumers[rule.queue]
    samples = [sample for sample in SAMPLES if sample.function == function and not sample.is_bad]
    events = [json.loads(document) for sample in samples for document in documents_in(sample.event)]
    assert {event["type"] for event in events} == set(rule.types), "record what is missing: docs/development.md"


def test_no_token_and_no_name_of_a_machine_is_in_a_sample() -> None:
    for path in EVENTS.rglob("*.json"):
        content = path.read_text()
        assert not re.search(r"eyJ[\w-]{10,}|AKIA|ASIA|/tmp/|/home/|recording-", content), path
