"""The rules and the consumers: each is sent just what it subscribes to, and consumes all that it is sent."""

from collections.abc import Iterator
from importlib import import_module
from typing import cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from auth.deletion import Deletion
from auth.store import DELETIONS
from cloudretail import aws, dynamodb
from cloudretail.decider import Change
from cloudretail.event import EventType
from cloudretail.repository import DynamoDBRepository
from contract import EVENTS
from contract.values import OrderEvent
from operations.replays.awaited import PUBLISHERS
from orders.store import ORDERS
from retail_ops.stack.template import Rule
from tests.contract.deployed import Shop, shop, template
from tests.contract.publishers import CAUSE, NOW, ORDER_ID, USER_ID, explored, published
from tests.contract.publishers.order import PRODUCT_ID, placed
from tests.support.invocations import Context, sqs_event
from tests.support.tables import items_of
from tests.support.wire import Wire

each_rule = pytest.mark.parametrize("rule", template().rules, ids=lambda rule: rule.name)


@pytest.fixture(scope="module")
def a_shop() -> Iterator[Shop]:
    """A shop with one order in it, and stock for it."""
    with pytest.MonkeyPatch.context() as environment, shop(environment) as running:
        DynamoDBRepository("OrdersTable", ORDERS).commit(ORDER_ID, None, placed()[0], CAUSE, NOW)
        counters = {"availableQty": 5, "reservedQty": 0, "soldQty": 0, "receivedQty": 5}
        aws.dynamodb().put_item(
            TableName="InventoryTable", Item=dynamodb.to_item({"productId": PRODUCT_ID, **counters})
        )
        # Somebody leaves, too.
        deletion = Change(Deletion(user_id=USER_ID, requested_at=NOW))
        DynamoDBRepository("DeletionsTable", DELETIONS).commit(USER_ID, None, deletion, CAUSE, NOW)
        environment.setenv("AWS_REGION", "ap-southeast-1")
        aws.eventbridge().create_event_bus(Name="EventBus")
        Wire(environment).stubs("AdminDeleteUser")
        yield running


@each_rule
def test_a_consumer_consumes_what_it_is_sent_and_nothing_else(a_shop: Shop, rule: Rule) -> None:
    batch = sqs_event([sent.document for sent in published()])
    a_shop.invoke(template().consumers[rule.queue], batch, cast(LambdaContext, Context()))
    consumer = import_module(
        template().functions[template().consumers[rule.queue]]["Handler"].rpartition(".")[0]
    ).CONSUMER
    failures = [failure for failure in items_of("FailuresTable") if failure["consumer"]["S"] == consumer.name]
    unexpected = [each for each in failures if each["cause"]["M"]["message"]["S"].endswith("is not expected here")]
    refused = {failure["messageId"]["S"] for failure in unexpected}
    consumed = {
        (sent.data.event_type.type, record["messageId"] not in refused)
        for sent, record in zip(published(), batch["Records"], strict=True)
    }
    assert consumed == {(event.event_type.type, event.event_type.type in rule.types) for event in EVENTS}
    # And none failed for another reason, such as a variable that the function lacks; one may have come too early, or be
    # about a parcel that another event of the batch has called off.
    causes = [each["cause"]["M"] for each in failures if each not in unexpected]
    assert {
        cause["exception"]["S"] for cause in causes if not cause["message"]["S"].startswith("nothing was shipped")
    } <= {"Transient"}


@each_rule
def test_a_rule_only_waits_for_events_that_are_published(rule: Rule) -> None:
    assert set(rule.types) <= {sent.data.event_type.type for sent in published()}


def test_what_a_nudge_publishes_again_was_published_before() -> None:
    awaited = {publisher.aggregate.name: publisher.awaited for publisher in PUBLISHERS}
    events = explored().events
    # Nobody waits for an event that nobody subscribes to, and a nudge is of an order.
    of_orders = {event.event_type.type for event in EVENTS if issubclass(event, OrderEvent)}
    types = {type_ for rule in template().rules for type_ in rule.types} & of_orders
    subscribed = {EventType.parse(type_).service for type_ in types}
    states = [(name, state) for name, state in explored().states if name in subscribed]

    unheard = {
        (name, data.event_type.name) for name, state in states for data in awaited[name](state) if data not in events
    }

    assert unheard == set()
    assert {name for name, _ in states} == set(awaited), "each publisher can be nudged"
