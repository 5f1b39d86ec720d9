"""A dry run says what the deployed code would do, by that very code, and writes nothing."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalog.domain import uploads_of
from cloudretail import aws, dynamodb
from cloudretail.decider import Change, Done, Nothing
from cloudretail.event import EventData
from cloudretail.repository import DynamoDBRepository
from contract.fulfilment import ShipmentDelivered
from contract.inventory import InventoryReserved
from contract.orders import (
    CancellationRequested,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    ReturnAccepted,
    ReturnRequested,
)
from contract.payments import PaymentSubmitted, PaymentSucceeded, RefundRequested
from inventory.domain import Reservation, ReservationStatus
from inventory.store import RESERVATIONS
from operations.consumers import CONSUMERS, Declaration, subscribers
from operations.dead_letters.domain import QueueMessage, read
from operations.queues import RELAY_DLQ, REPLAY_WORKER_DLQ, RULE_TARGETS_DLQ, ConsumerQueue
from operations.replays.domain import Action, Outcome, ReplayState
from operations.replays.dry_run import DryRun, DryRunResult, in_words
from payments.domain import Payment, PaymentStatus
from payments.store import PAYMENTS
from retail_ops.recording.samples import EVENTS
from retail_ops.stack.template import Template
from tests.support.dead_letters import InMemoryShop
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, PAYMENT, event_of
from tests.support.tables import empty, shop_tables
from tests.support.wire import Wire

TABLES = (
    "OrdersTable", "ReservationsTable", "PaymentsTable", "InventoryTable", "ProductsTable", "SentMailsTable",
    "SandboxChargesTable", "ShipmentsTable",
)  # fmt: skip
ORDER_ID = ORDER["order_id"]
CHARGE = f"{PAYMENT['payment_id']}:1"
SENT: dict[str, Any] = {"provider": "sandbox", "reference": CHARGE, "card_token": None}
"""Of a payment whose attempt the provider has taken in."""
REFUND = next(data for data in EXAMPLES if isinstance(data, RefundRequested)).refund_id
UPLOAD = str(json.loads((EVENTS / "catalog-images" / "image-uploaded.json").read_text())["Records"][0]["body"])


@pytest.fixture(scope="module", autouse=True)
def tables() -> Iterator[None]:
    """The environment that the template gives the replay worker, and no other variable."""
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        for name in TABLES:
            environment.delenv(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper())
        template = Template.load()
        variables = {"STAGE": template.common_environment["STAGE"], **template.environment("ReplayWorker")}
        for name, value in variables.items():
            environment.setenv(name, value_of(template, value))
        forget_settings()
        yield
    forget_settings()


def value_of(template: Template, value: Any) -> str:
    """A variable's value, where every resource is called by its logical id."""
    match value:
        case {"Ref": str(name)}:
            return str(template.body["Parameters"].get(name, {}).get("Default", name))
        case str() | int():
            return str(value)
        case {"Fn::If": [_, local, _]}:
            # Every condition of these variables holds on a laptop, but for IsAws.
            return value_of(template, local)
        case _:
            return "http://localhost"


def forget_settings() -> None:
    """What the consumers' modules remember of their environment."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in {"orders", "inventory", "payments", "fulfilment", "notifications", "catalog"}:
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Nothing but reads goes out during a dry run."""
    watched = Wire(monkeypatch)
    yield watched
    empty(*TABLES)


def put(table: str, **item: Any) -> None:
    aws.dynamodb().put_item(TableName=table, Item=dynamodb.to_item(item))


def stock(**available: int) -> None:
    for product, left in available.items():
        name = product.replace("_", "-")
        put("InventoryTable", productId=name, availableQty=left, reservedQty=0, soldQty=0, receivedQty=left)


def held(status: ReservationStatus) -> None:
    lines = next(data for data in EXAMPLES if isinstance(data, InventoryReserved)).lines
    reservation = Reservation(order_id=ORDER_ID, status=status, lines=lines)
    DynamoDBRepository("ReservationsTable", RESERVATIONS).commit(ORDER_ID, None, Change(reservation), CAUSE, NOW)


def paying(status: PaymentStatus, **others: Any) -> None:
    facts = {"amount": 15430, "currency": "SGD", "reserved": True, "method": "CARD", "attempts": 1, **others}
    payment = Payment(payment_id=PAYMENT["payment_id"], order_id=ORDER_ID, status=status, created_at=NOW, **facts)
    DynamoDBRepository("PaymentsTable", PAYMENTS).commit(payment.payment_id, None, Change(payment), CAUSE, NOW)


def document_of(event: type[EventData]) -> str:
    """The example of an event, which inventory does not take for too old."""
    data = next(each for each in EXAMPLES if type(each) is event)
    if isinstance(data, OrderPlaced):
        data = data.model_copy(update={"place_by": datetime.now(UTC) + timedelta(hours=1)})
    if isinstance(data, ShipmentDelivered):
        data = data.model_copy(update={"cash": data.total})
    return event_of(data).to_json()


def tried(body: str, queue: str, wire: Wire, **attributes: str) -> DryRunResult:
    """What a dry run says of a dead letter."""
    wire.calls.clear()
    message = QueueMessage("message-1", body, NOW, attributes)
    shop = InMemoryShop()
    result = DryRun(shop.dead_letters, shop.log, CONSUMERS, shop.time.clock).result(read(queue, message))
    assert {operation for operation, _ in wire.calls} <= {"GetItem", "BatchGetItem"}
    return result


def at(consumer: str, event: type[EventData], wire: Wire) -> DryRunResult:
    """What a consumer would do with the example of an event."""
    return tried(document_of(event), ConsumerQueue.of(consumer).dead_letter_queue, wire)


# ------------------------------------------------------------------------------------------------------ every consumer


def by_name(consumer: Declaration) -> str:
    return consumer.name


@pytest.mark.parametrize("consumer", CONSUMERS, ids=by_name)
def test_the_replay_worker_has_every_variable_and_grant_that_a_consumer_needs_for_a_dry_run(
    consumer: Declaration, wire: Wire
) -> None:
    stock(canvas_backpack=5, desk_lamp=5)
    paying(PaymentStatus.SUBMITTED, **SENT)
    put("OrdersTable", orderId=ORDER_ID, status="RESERVED", totalAmount=15430, currency="SGD")
    wire.calls.clear()
    for document in [document_of(event) for event in consumer.subscribes_to] or [UPLOAD]:
        assert "MissingSetting" not in in_words(consumer.dry_run(document)).text
    needed = {(f"dynamodb:{call}", table) for call, parameters in wire.calls for table in tables_in(parameters)}
    # An effect is told and not tried: it reads nothing.
    only_effects = set(consumer.subscribes_to) == set(getattr(consumer, "effects", {}))
    assert needed or (only_effects and consumer.subscribes_to)
    assert needed <= granted()


def tables_in(parameters: Mapping[str, Any]) -> list[str]:
    return [parameters["TableName"]] if "TableName" in parameters else list(parameters["RequestItems"])


def granted() -> set[tuple[str, str]]:
    """What the replay worker may do with which table."""
    statements = Template.load().properties("AWS::IAM::Policy")["ReplayWorkerPolicy"]["PolicyDocument"]["Statement"]
    return {
        (action, resource["Fn::GetAtt"][0])
        for statement in statements
        for action in statement["Action"]
        for resource in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
        if isinstance(resource, dict) and "Fn::GetAtt" in resource
        if isinstance(action, str)
    }


def test_every_consumer_of_the_template_is_declared_and_every_declared_one_is_in_the_template() -> None:
    template = Template.load()
    queues = {name for name in template.properties("AWS::SQS::Queue") if name.endswith("Queue")}
    declared = [ConsumerQueue.of(each.name) for each in CONSUMERS]
    assert {each.queue for each in declared} == queues
    assert [each.consumer for each in declared] == [each.name for each in CONSUMERS], "one name leads to the other"


def test_a_consumer_subscribes_to_the_events_that_its_rule_sends_it_and_to_no_others() -> None:
    rules = {(rule.name, event) for rule in Template.load().rules for event in rule.types}
    declared = {(ConsumerQueue.of(name).rule, event) for event, names in subscribers().items() for name in names}
    assert declared == rules


@pytest.mark.parametrize("function", ["OpsApi", "ReplayWorker"])
def test_the_functions_of_operations_know_every_consumers_name(function: str) -> None:
    template = Template.load()
    names = value_of(template, template.environment(function)["CONSUMERS"])
    assert sorted(names.split(",")) == sorted(ConsumerQueue.of(each.name).template_name for each in CONSUMERS)


# ------------------------------------------------------------------------------------------------------------- results


def test_what_would_be_reserved_is_said(wire: Wire) -> None:
    stock(canvas_backpack=5, desk_lamp=5)
    expected = DryRunResult(outcome=Outcome.WOULD_ACT, text="would become HELD and publish InventoryReserved")
    assert at("inventory", OrderPlaced, wire) == expected


def test_that_an_order_would_be_refused_is_said_with_its_reason(wire: Wire) -> None:
    stock(canvas_backpack=1, desk_lamp=5)
    text = at("inventory", OrderPlaced, wire).text
    assert text == "would become REFUSED and publish InventoryReservationFailed (SOLD_OUT)"


def test_what_is_done_already_would_do_nothing(wire: Wire) -> None:
    held(ReservationStatus.HELD)
    text = "already done: nothing, the reservation is HELD"
    assert at("inventory", OrderPlaced, wire) == DryRunResult(outcome=Outcome.NOTHING_TO_DO, text=text)


def test_goods_would_come_back_or_be_sold(wire: Wire) -> None:
    for name in ("canvas-backpack", "desk-lamp"):
        put("InventoryTable", productId=name, availableQty=0, reservedQty=2, soldQty=0, receivedQty=2)
    assert at("inventory", OrderCancelled, wire).text == "would become RELEASED"
    held(ReservationStatus.HELD)
    assert at("inventory", OrderCancelled, wire).text == "would become RELEASED and publish InventoryReleased"
    assert at("inventory", OrderConfirmed, wire).text == "would become COMMITTED and publish InventoryCommitted"


def test_counters_that_cannot_be_right_would_fail_again(wire: Wire) -> None:
    stock(canvas_backpack=0, desk_lamp=0)
    held(ReservationStatus.HELD)
    result = at("inventory", OrderConfirmed, wire)
    assert result.outcome is Outcome.WOULD_FAIL
    assert "run reconcile" in result.text


def test_an_order_that_is_not_there_would_fail_again(wire: Wire) -> None:
    text = at("orders", PaymentSucceeded, wire).text
    assert text == f"would fail again: Permanent: there is no order {ORDER_ID}"


def test_a_charge_that_the_provider_does_not_know_would_be_made_and_is_not(wire: Wire) -> None:
    paying(PaymentStatus.SUBMITTED, card_token="tok_visa")
    text = at("payment-worker", PaymentSubmitted, wire).text
    assert text == f"would charge SGD 154.30 as {PAYMENT['payment_id']}:1"


@pytest.mark.parametrize(
    "order, outcome, text",
    [
        ("RESERVED", "ACCEPTED", "would become SUCCEEDED and publish PaymentSucceeded"),
        ("RESERVED", None, f"would charge {PAYMENT['payment_id']}:1"),
        ("CANCELLED", None, f"would call off {PAYMENT['payment_id']}:1"),
        ("CANCELLED", "ENDED", "would become VOIDED"),
    ],
)
def test_what_the_provider_has_answered_would_be_published_and_else_it_would_be_asked(
    wire: Wire, order: str, outcome: str | None, text: str
) -> None:
    paying(PaymentStatus.SUBMITTED, **SENT)
    put("OrdersTable", orderId=ORDER_ID, status=order, totalAmount=15430, currency="SGD")
    put("SandboxChargesTable", chargeKey=SENT["reference"], **({"outcome": outcome} if outcome else {}))
    assert at("payment-worker", PaymentSubmitted, wire).text == text


def test_a_refund_would_be_made_and_is_not(wire: Wire) -> None:
    refund = {"refund_id": REFUND, "amount": 15430, "attempt": 1, "provider": "sandbox", "reference": CHARGE}
    paying(PaymentStatus.SUCCEEDED, **SENT, refunds=(refund,))
    text = at("payment-worker", RefundRequested, wire).text
    assert text == f"would refund SGD 154.30 of {PAYMENT['payment_id']}:1"


def test_a_parcel_would_be_prepared_or_called_off(wire: Wire) -> None:
    assert at("fulfilment", OrderConfirmed, wire).text == "would become TO_SHIP"
    assert at("fulfilment", CancellationRequested, wire).text.startswith(
        "would become CANCELLED and publish ShipmentCancelled"
    )
    put("ShipmentsTable", orderId=ORDER_ID, status="SHIPPED", version=2)
    text = "already done: nothing, the shipment is SHIPPED"
    assert at("fulfilment", CancellationRequested, wire) == DryRunResult(outcome=Outcome.NOTHING_TO_DO, text=text)


def test_a_return_of_what_was_never_shipped_would_fail_again(wire: Wire) -> None:
    text = at("fulfilment", ReturnRequested, wire).text
    assert text == f"would fail again: Permanent: nothing was shipped of {ORDER_ID}"


def test_cash_would_be_noted_and_a_refund_asked_for(wire: Wire) -> None:
    paying(PaymentStatus.SUCCEEDED, method="COD")
    assert at("payments", ShipmentDelivered, wire).text == "would become SUCCEEDED and publish PaymentCollected"
    empty("PaymentsTable")
    paying(PaymentStatus.SUCCEEDED, **SENT)
    assert at("payments", ReturnAccepted, wire).text == "would become SUCCEEDED and publish RefundRequested"


def test_a_payment_window_would_close(wire: Wire) -> None:
    paying(PaymentStatus.OPEN, reserved=True)
    text = at("payment-window", InventoryReserved, wire).text
    assert text == "would become FAILED and publish PaymentFailed (WINDOW_CLOSED)"


def test_a_mail_would_be_sent_unless_it_was(wire: Wire) -> None:
    assert at("notifications", OrderPlaced, wire).outcome is Outcome.WOULD_FAIL, "there is no such order"
    put("OrdersTable", orderId=ORDER_ID, status="CANCELLED")
    assert (
        at("notifications", OrderPlaced, wire).text == "already done: nothing, no longer true: the order is CANCELLED"
    )
    put("OrdersTable", orderId=ORDER_ID, status="PENDING")
    assert at("notifications", OrderPlaced, wire).text.startswith('would send the mail "Order ')
    put("SentMailsTable", orderId=ORDER_ID, mail="OrderPlaced", status="SENT")
    assert at("notifications", OrderPlaced, wire).outcome is Outcome.NOTHING_TO_DO


def test_a_picture_would_be_shown_of_a_product_that_there_is(wire: Wire) -> None:
    (upload,) = uploads_of(UPLOAD)
    assert tried(UPLOAD, "CatalogImagesDlq", wire).outcome is Outcome.WOULD_FAIL
    put("ProductsTable", productId=upload.product_id, pictures={})
    assert tried(UPLOAD, "CatalogImagesDlq", wire).text == "already done: nothing, no picture that is waited for"
    put("ProductsTable", productId=upload.product_id, pictures={upload.image_id: {"state": "WAITING"}})
    assert tried(UPLOAD, "CatalogImagesDlq", wire).text == f"would make the sizes of {upload.key}"
    assert tried("{}", "CatalogImagesDlq", wire).text.startswith("would fail again: InvalidEvent")


def test_an_event_that_a_consumer_does_not_subscribe_to_would_fail_again(wire: Wire) -> None:
    text = at("notifications", PaymentSubmitted, wire).text
    assert text.startswith("would fail again: InvalidEvent: event type 'cloudretail.payments.PaymentSubmitted.v1'")


def test_an_outcome_is_said_as_what_a_replay_would_do() -> None:
    assert in_words(Done("send the mail")).text == "would send the mail"
    assert in_words(Nothing("the mail was sent")).text == "already done: nothing, the mail was sent"
    assert in_words(KeyError("x")) == DryRunResult(outcome=Outcome.WOULD_FAIL, text="would fail again: KeyError: 'x'")


# -------------------------------------------------------------------------------------------- relay, rules, the worker


def test_an_entry_that_the_bus_would_refuse_would_fail_again(wire: Wire) -> None:
    entry = {"Source": "cloudretail.orders", "DetailType": "OrderPlaced", "Detail": document_of(OrderPlaced)}
    result = tried(json.dumps({"entry": entry}), RELAY_DLQ, wire)
    assert result.text == "would publish OrderPlaced on the bus, for inventory, payments, notifications"
    result = tried(json.dumps({"entry": entry | {"Detail": " " * 300_000}}), RELAY_DLQ, wire)
    assert result.text.startswith("would fail again: Permanent: the entry has 300029 bytes")


def test_of_several_consumers_those_that_would_act_are_named(wire: Wire) -> None:
    paying(PaymentStatus.VOIDED)
    stock(canvas_backpack=5, desk_lamp=5)
    put("OrdersTable", orderId=ORDER_ID, status="PENDING")
    result = tried(document_of(OrderPlaced), RULE_TARGETS_DLQ, wire)
    assert result.outcome is Outcome.WOULD_ACT
    reserve, mail = result.text.split("; ")
    assert reserve == "inventory would become HELD and publish InventoryReserved"
    assert mail.startswith("notifications would send the mail")


def test_what_nobody_can_deliver_is_said(wire: Wire) -> None:
    assert tried("{}", RULE_TARGETS_DLQ, wire).text.startswith("cannot be replayed: it names no target")
    worker = json.dumps({"requestPayload": {"replayId": "rpl_1"}, "requestContext": {}})
    assert tried(worker, REPLAY_WORKER_DLQ, wire).text == "would invoke the replay worker again"


def test_a_dry_run_of_what_a_rule_could_not_deliver_asks_its_one_target() -> None:
    shop = InMemoryShop()
    shop.failures.put(RULE_TARGETS_DLQ, "{}", TARGET_ARN="arn:aws:sqs:ap-southeast-1:1:shop-InventoryQueue")
    asked = shop.asked(Action.DRY_RUN, queue="InventoryDlq")
    DryRun(shop.dead_letters, shop.log, CONSUMERS, shop.time.clock).run(asked)
    (message,) = shop.log.saved.values()
    assert message.text
    assert message.text.startswith("would fail again: InvalidEvent")


def test_a_dry_run_records_what_each_message_would_do_and_changes_nothing() -> None:
    shop = InMemoryShop()
    bodies = [json.dumps({"letter": number}) for number in range(25)]
    for number, body in enumerate(bodies):
        shop.failures.put("OrdersDlq", body, message_id=f"{number:04d}")
    before = dict(shop.failures.rows)
    replay = DryRun(shop.dead_letters, shop.log, CONSUMERS, shop.time.clock).run(shop.asked(Action.DRY_RUN))
    assert replay.outcomes == {Outcome.WOULD_FAIL: 25}
    assert (replay.state, replay.planned) == (ReplayState.DONE, 25)
    assert shop.log.replays == {replay.replay_id: replay}
    assert shop.failures.rows == before
    assert not shop.queues["OrdersQueue"].bodies
