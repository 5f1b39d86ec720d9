"""What fails ends where an operator finds it with its cause, and holds up nobody."""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudretail.envelope import Event
from cloudretail.event import EventType
from cloudretail.money import Money
from contract.payments import PaymentSucceeded
from contract.values import PaymentMethod
from operations.queues import ConsumerQueue
from retail_ops.stack.shop import Shop
from tests.support.shoppers import Person, Shopper, counters, eventually, new_product, row, unique


def dead_letter(shop: Shop, consumer: str, key: str) -> dict[str, Any]:
    """Wait until the collector has this message, and return its row with its body."""
    found = eventually(
        lambda: row(shop, "FailuresTable", consumer=consumer, eventId=key), lambda found: found.get("state") == "DEAD"
    )
    return {**found, "body": zlib.decompress(bytes(found["body"])).decode()}


def an_event(order_id: str) -> Event:
    """A payment's success, about this order."""
    data = PaymentSucceeded(
        order_id=order_id,
        payment_id="pay_x",
        attempt=1,
        amount=Money(amount=1, currency="SGD"),
        method=PaymentMethod.COD,
    )
    return Event(unique("event"), datetime.now(UTC), "test", f"00-{'1' * 32}-{'2' * 16}-01", data)


def put_on_the_bus(shop: Shop, document: str) -> None:
    """Publish as anybody on the bus could."""
    event = json.loads(document)
    entry = {
        "EventBusName": shop.output("EventBusName"),
        "Source": event["source"],
        "DetailType": EventType.parse(event["type"]).name,
        "Detail": document,
    }
    assert shop.events.put_events(Entries=[entry])["FailedEntryCount"] == 0  # type: ignore[list-item]


@pytest.mark.parametrize(
    "consumer", ["Orders", "Inventory", "Payments", "PaymentWindow", "PaymentWorker", "Notifications"]
)
def test_a_message_that_is_no_event_is_a_dead_letter_with_its_cause(shop: Shop, consumer: str) -> None:
    poison = unique("poison")
    queue = shop.queues[f"{consumer}Queue"]
    sent = shop.sqs.send_message(QueueUrl=queue, MessageBody=f'{{"{poison}": 1}}', DelaySeconds=0)
    kept = dead_letter(shop, ConsumerQueue(consumer).consumer, sent["MessageId"])
    assert kept["cause"]["exception"] == "InvalidEvent"
    assert kept["cause"]["attempt"] == 1, "what cannot be parsed is not tried again"
    assert kept["body"] == f'{{"{poison}": 1}}'
    assert kept["cause"]["requestId"]
    assert kept["cause"]["function"].startswith(f"{shop.stack}-")


def test_an_event_of_an_unknown_type_is_never_acknowledged_away(shop: Shop) -> None:
    document = an_event(unique("ord")).to_json().replace("PaymentSucceeded.v1", "PaymentSucceeded.v9")
    sent = shop.sqs.send_message(QueueUrl=shop.queues["OrdersQueue"], MessageBody=document)
    assert dead_letter(shop, "orders", sent["MessageId"])["body"] == document


def test_an_event_of_an_order_that_does_not_exist_is_a_dead_letter(shop: Shop) -> None:
    event = an_event(unique("ord"))
    put_on_the_bus(shop, event.to_json())
    kept = dead_letter(shop, "orders", event.id)
    assert json.loads(kept["body"]) == json.loads(event.to_json())
    assert (kept["cause"]["exception"], kept["orderId"]) == ("Permanent", event.data.subject)
    assert "there is no order" in kept["cause"]["message"]
    assert row(shop, "OrdersTable", orderId=event.data.subject) == {}


@contextmanager
def without_permission(shop: Shop, function: str, action: str) -> Iterator[None]:
    """The function's role lacks `action` meanwhile."""
    iam = shop.session.client("iam", endpoint_url=shop.endpoint)
    role = shop.lambda_.get_function_configuration(FunctionName=shop.functions[function])["Role"].split("/")[-1]
    policy: Any = iam.get_role_policy(RoleName=role, PolicyName=function)["PolicyDocument"]
    whole: dict[str, Any] = json.loads(policy) if isinstance(policy, str) else policy
    narrowed = json.loads(json.dumps(whole))
    for statement in narrowed["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each != action]
    narrowed["Statement"] = [statement for statement in narrowed["Statement"] if statement["Action"]]
    assert narrowed != whole, f"{function} never had {action}"
    iam.put_role_policy(RoleName=role, PolicyName=function, PolicyDocument=json.dumps(narrowed))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=function, PolicyDocument=json.dumps(whole))


@pytest.mark.parametrize(
    ("function", "action", "method", "path"),
    [
        ("OrdersApi", "dynamodb:Query", "GET", "/orders"),
        ("PaymentsApi", "dynamodb:Query", "GET", "/orders/ord_x/payment"),
        ("CartApi", "dynamodb:GetItem", "GET", "/cart"),
        ("CatalogApi", "dynamodb:Scan", "GET", "/products?q=without-permission"),
        ("InventoryApi", "dynamodb:GetItem", "GET", "/inventory/x"),
    ],
)
def test_a_function_can_do_nothing_that_its_role_does_not_say(
    shop: Shop, shopper: Shopper, function: str, action: str, method: str, path: str
) -> None:
    before = shopper.call(method, path).status_code
    with without_permission(shop, function, action):
        answer = eventually(lambda: shopper.call(method, path), lambda seen: seen.status_code == 500)
    assert answer.json()["type"] == "urn:cloudretail:problem:internal-error"
    assert "dynamodb" not in answer.text.lower(), "nothing of the inside is told"
    assert shopper.call(method, path).status_code == before


@pytest.mark.parametrize(
    ("function", "action", "consumer"),
    [("InventoryReactions", "dynamodb:UpdateItem", "inventory"), ("OrdersReactions", "dynamodb:PutItem", "orders")],
)
def test_a_reaction_that_is_forbidden_goes_on_once_it_is_allowed(
    shop: Shop, operator: Person, shopper: Shopper, function: str, action: str, consumer: str
) -> None:
    product = new_product(operator, stock=1)
    with without_permission(shop, function, action):
        order_id = shopper.order(product)

        def failures() -> list[dict[str, Any]]:
            found = shop.dynamodb.query(
                TableName=shop.tables["FailuresTable"],
                KeyConditionExpression="consumer = :consumer",
                FilterExpression="orderId = :order",
                ExpressionAttributeValues={":consumer": {"S": consumer}, ":order": {"S": order_id}},
            )
            return list(found["Items"])

        # Nothing may be kept where the forbidden action is the one that keeps it, so the order itself is looked at too.
        if action != "dynamodb:UpdateItem":
            assert "AccessDenied" in str(eventually(failures))
        assert shopper.ok("GET", f"/orders/{order_id}")["status"] == "PENDING"
    shopper.sees(order_id, "RESERVED")
    assert counters(shop, product) == (0, 1, 0)


def test_a_bus_that_cannot_be_reached_delays_an_order_and_loses_none(
    shop: Shop, operator: Person, shopper: Shopper
) -> None:
    product = new_product(operator, stock=1)
    with without_permission(shop, "Relay", "events:PutEvents"):
        order_id = shopper.order(product)
        logs = shop.resource("AWS::Logs::LogGroup", "RelayLogs")
        eventually(lambda: shop.logs.filter_log_events(logGroupName=logs, filterPattern="AccessDenied")["events"])
        assert shopper.ok("GET", f"/orders/{order_id}")["status"] == "PENDING"
    shopper.sees(order_id, "RESERVED")
    assert counters(shop, product) == (0, 1, 0)
