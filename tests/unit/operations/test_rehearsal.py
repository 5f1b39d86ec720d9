"""A dry run says what the current code would do, by that very code, and writes nothing."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from cloudretail import aws, dynamodb
from cloudretail.decider import Change
from cloudretail.events import (
    EventData,
    InventoryReserved,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    PaymentSubmitted,
    PaymentSucceeded,
    RefundRequested,
)
from cloudretail.repository import DynamoDBRepository
from inventory.domain import Reservation, ReservationStatus
from inventory.store import RESERVATIONS
from operations.domain import CONSUMERS, BoxName, Outcome, ToBus, ToQueue, ToReplayWorker, Verdict
from operations.rehearsal import Rehearsal, RehearsalSettings, rehearse, takers
from payments.domain import Payment, PaymentStatus
from payments.store import PAYMENTS
from retail_ops.template import Template
from tests.support.examples import CAUSE, EXAMPLES, NOW, ORDER, PAYMENT, event_of
from tests.support.tables import empty, shop_tables
from tests.support.wire import Wire

TABLES = (
    "OrdersTable", "ReservationsTable", "PaymentsTable", "InventoryTable", "ProductsTable", "SentMailsTable",
    "SandboxChargesTable",
)  # fmt: skip
ORDER_ID = ORDER["order_id"]


@pytest.fixture(scope="module", autouse=True)
def tables() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment, *TABLES):
        yield


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Nothing but reads goes out while a message is rehearsed."""
    watched = Wire(monkeypatch)
    yield watched
    empty(*TABLES)


def settings() -> RehearsalSettings:
    names: dict[str, Any] = {
        "orders_table": "OrdersTable",
        "reservations_table": "ReservationsTable",
        "payments_table": "PaymentsTable",
        "inventory_table": "InventoryTable",
        "products_table": "ProductsTable",
        "sent_mails_table": "SentMailsTable",
        "stage": "local",
        "card_gateway": "sandbox",
        "sandbox_charges_table": "SandboxChargesTable",
        "payment_window_seconds": 900,
        "storefront_url": "http://localhost",
    }
    return RehearsalSettings(**names)


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


SENT = {"provider": "sandbox", "reference": f"{PAYMENT['payment_id']}:1"}
"""An attempt that the provider may have heard of."""


def tried(consumer: str, event: type[EventData], wire: Wire) -> Verdict:
    """What a consumer would do with the example of this event."""
    data = next(each for each in EXAMPLES if type(each) is event)
    (to,) = [ToQueue(each) for each in CONSUMERS if each.name == consumer]
    wire.calls.clear()
    verdict = Rehearsal(settings(), NOW + timedelta(minutes=1)).verdict(event_of(data).to_json(), to)
    assert {operation for operation, _ in wire.calls} <= {"GetItem", "BatchGetItem"}
    return verdict


def test_what_would_be_reserved_is_said(wire: Wire) -> None:
    stock(canvas_backpack=5, desk_lamp=5)
    verdict = tried("inventory", OrderPlaced, wire)
    assert verdict == Verdict(outcome=Outcome.WOULD_ACT, text="would reserve 2 x canvas-backpack, 1 x desk-lamp")


def test_that_an_order_would_be_refused_is_said(wire: Wire) -> None:
    stock(canvas_backpack=1, desk_lamp=5)
    verdict = tried("inventory", OrderPlaced, wire)
    assert verdict.text == "would refuse to reserve 2 x canvas-backpack, 1 x desk-lamp: SOLD_OUT"


def test_what_is_done_already_would_do_nothing(wire: Wire) -> None:
    held(ReservationStatus.HELD)
    verdict = tried("inventory", OrderPlaced, wire)
    assert verdict == Verdict(outcome=Outcome.NOTHING_TO_DO, text="already done: nothing, the reservation is HELD")


def test_goods_would_come_back_or_be_counted_as_sold(wire: Wire) -> None:
    for name in ("canvas-backpack", "desk-lamp"):
        put("InventoryTable", productId=name, availableQty=0, reservedQty=2, soldQty=0, receivedQty=2)
    assert tried("inventory", OrderCancelled, wire).text == "would remember that the order was called off"
    held(ReservationStatus.HELD)
    assert tried("inventory", OrderCancelled, wire).text == "would give back 2 x canvas-backpack, 1 x desk-lamp"
    assert tried("inventory", OrderConfirmed, wire).text == "would count 2 x canvas-backpack, 1 x desk-lamp as sold"


def test_counters_that_cannot_be_right_would_fail_again(wire: Wire) -> None:
    stock(canvas_backpack=0, desk_lamp=0)
    held(ReservationStatus.HELD)
    verdict = tried("inventory", OrderConfirmed, wire)
    assert verdict.outcome is Outcome.WOULD_FAIL
    assert "run reconcile" in verdict.text


def test_an_order_that_is_not_there_would_fail_again(wire: Wire) -> None:
    verdict = tried("orders", PaymentSucceeded, wire)
    assert verdict.text == f"would fail again: Permanent: there is no order {ORDER_ID}"


def test_a_charge_that_the_provider_has_not_heard_of_would_be_made_and_is_not(wire: Wire) -> None:
    paying(PaymentStatus.SUBMITTED, card_token="tok_visa")
    verdict = tried("payment-worker", PaymentSubmitted, wire)
    assert verdict.text == f"would charge SGD 154.30 as {PAYMENT['payment_id']}:1"


@pytest.mark.parametrize(
    "order, outcome, text",
    [
        ("RESERVED", "ACCEPTED", "would become SUCCEEDED and tell PaymentSucceeded"),
        ("RESERVED", None, f"would charge {PAYMENT['payment_id']}:1"),
        ("CANCELLED", None, f"would call off {PAYMENT['payment_id']}:1"),
        ("CANCELLED", "ENDED", "would become VOIDED"),
    ],
)
def test_what_the_provider_has_answered_would_be_told_and_of_what_it_has_not_it_would_be_asked(
    wire: Wire, order: str, outcome: str | None, text: str
) -> None:
    paying(PaymentStatus.SUBMITTED, **SENT)
    put("OrdersTable", orderId=ORDER_ID, status=order, totalAmount=15430, currency="SGD")
    put("SandboxChargesTable", chargeKey=SENT["reference"], **({"outcome": outcome} if outcome else {}))
    assert tried("payment-worker", PaymentSubmitted, wire).text == text


def test_a_refund_would_be_made_and_is_not(wire: Wire) -> None:
    paying(PaymentStatus.REFUNDING, **SENT)
    verdict = tried("payment-worker", RefundRequested, wire)
    assert verdict.text == f"would refund SGD 154.30 of {PAYMENT['payment_id']}:1"


def test_a_payment_window_would_close(wire: Wire) -> None:
    paying(PaymentStatus.OPEN)
    verdict = tried("payment-window", InventoryReserved, wire)
    assert verdict.text == "would become FAILED and tell PaymentFailed"


def test_a_mail_would_go_out_unless_it_has(wire: Wire) -> None:
    assert tried("notifications", OrderPlaced, wire).text.startswith('would send the mail "Order ')
    put("SentMailsTable", mailId=f"{ORDER_ID}#OrderPlaced", status="SENT")
    assert tried("notifications", OrderPlaced, wire).outcome is Outcome.NOTHING_TO_DO


def test_an_event_that_a_consumer_does_not_take_would_fail_again(wire: Wire) -> None:
    verdict = tried("notifications", PaymentSubmitted, wire)
    assert verdict.text.startswith("would fail again: InvalidEvent: this consumer does not take")


def test_what_is_no_notification_of_a_picture_would_fail_again() -> None:
    (images,) = [ToQueue(each) for each in CONSUMERS if each.box is BoxName.CATALOG_IMAGES]
    assert rehearse(settings(), "{}", [images]).outcome is Outcome.WOULD_FAIL


def test_an_entry_that_the_bus_would_not_take_would_fail_again() -> None:
    document = event_of(EXAMPLES[0]).to_json()
    entry = {"Source": "cloudretail.orders", "DetailType": "OrderPlaced", "Detail": document}
    verdict = rehearse(settings(), document, [ToBus(entry)])
    assert verdict.text == "would put OrderPlaced on the bus, for inventory, payments, notifications"
    verdict = rehearse(settings(), document, [ToBus({**entry, "Detail": " " * 300_000})])
    assert verdict.outcome is Outcome.WOULD_FAIL


def test_of_several_targets_what_would_happen_at_any_is_said(wire: Wire) -> None:
    paying(PaymentStatus.VOIDED)
    stock(canvas_backpack=5, desk_lamp=5)
    document = event_of(EXAMPLES[0]).to_json()
    targets = [ToQueue(each) for each in CONSUMERS if each.name in ("inventory", "payments")]
    told = rehearse(settings(), document, targets).text
    assert told == "would refuse to reserve 2 x canvas-backpack, 1 x desk-lamp: EXPIRED", "the example is long past"
    assert rehearse(settings(), document, []).outcome is Outcome.NOTHING_TO_DO
    assert rehearse(settings(), "{}", [ToReplayWorker()]).text == "would start the replay worker again"


def test_the_consumers_take_here_what_their_rules_send_them() -> None:
    template = Template.load()
    by_queue = {each.queue: each.name for each in CONSUMERS}
    sent = {(event, by_queue[rule.queue]) for rule in template.rules for event in rule.types}
    assert {(event, name) for event, names in takers().items() for name in names} == sent
    assert {each.rule for each in CONSUMERS if each.rule} == {rule.name for rule in template.rules}
