"""An operator finds what failed, understands it, replays it, and nothing happens twice."""

import getpass
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from operations.consumers import subscribers
from operations.dead_letters.domain import Selection
from operations.replays.domain import Action
from operations.wiring import open_replayer
from retail_ops.local.local_shop import LocalShop
from retail_ops.local.sam import local_settings
from retail_ops.stack.operations import Operations
from retail_ops.stack.shop import Shop, developer_session, read_stack
from retail_ops.stack.template import Template
from tests.integration.test_failures import without_permission
from tests.support.command import Command
from tests.support.rules import disabled
from tests.support.shoppers import Person, Shopper, counters, eventually, new_product, new_shopper, row, unique
from tests.support.wire import Wire

MANY = 1000
FAST = 200
"""Messages a second, as asked for."""

pytestmark = pytest.mark.usefixtures("clients")


@contextmanager
def given_up_at_once(shop: Shop, queue: str) -> Iterator[None]:
    """A message's first failure is its last: five attempts take half a minute."""
    url = shop.queues[queue]
    before = shop.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    hasty = json.dumps({**json.loads(before["RedrivePolicy"]), "maxReceiveCount": 1})
    shop.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": hasty})
    try:
        yield
    finally:
        shop.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": before["RedrivePolicy"]})


def dead_letters_of(command: Command, queue: str, order_id: str) -> list[dict[str, Any]]:
    """The dead letters of an order in a queue, once there are some."""
    found = eventually(lambda: command("dlq", "show", queue, "--order", order_id), lambda seen: seen["count"] > 0)
    assert "body" not in found["items"][0], "a list holds no bodies"
    return list(found["items"])


def charges(shop: Shop, order_id: str) -> int:
    """How often the provider took the money of an order."""
    payment = order_id.replace("ord_", "pay_")
    keys = [f"{payment}:{attempt}" for attempt in (1, 2, 3)]
    return sum(row(shop, "SandboxChargesTable", chargeKey=key).get("outcome") == "ACCEPTED" for key in keys)


def ended_well(shop: Shop, shopper: Shopper, order_id: str) -> None:
    """The order is confirmed, charged once, and its shopper has one mail of each kind."""
    shopper.sees(order_id, "CONFIRMED")
    eventually(lambda: row(shop, "ReservationsTable", orderId=order_id).get("status") == "COMMITTED")
    assert charges(shop, order_id) == 1
    mails = shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed")
    assert all(mail.subject.startswith("Order ") for mail in mails)


def rows_of(shop: Shop, order_id: str) -> list[dict[str, Any]]:
    """Everything that is kept about an order."""
    payment = order_id.replace("ord_", "pay_")
    kinds = ("OrderPlaced", "OrderConfirmed", "OrderCancelled", "OrderRejected")
    return [
        row(shop, "OrdersTable", orderId=order_id),
        row(shop, "ReservationsTable", orderId=order_id),
        row(shop, "PaymentsTable", paymentId=payment),
        *(row(shop, "SentMailsTable", orderId=order_id, mail=kind) for kind in kinds),
        *(row(shop, "SandboxChargesTable", chargeKey=f"{payment}:{attempt}") for attempt in (1, 2)),
    ]


OUTAGES = {
    "Inventory": ("dynamodb:PutItem", "would become HELD and publish InventoryReserved"),
    "Orders": ("dynamodb:PutItem", "would become RESERVED"),
    "Payments": ("dynamodb:PutItem", "would become OPEN"),
    "PaymentWorker": ("dynamodb:PutItem", "would charge SGD "),
    "Notifications": ("ses:SendEmail", "would send the mail"),
}
"""For each consumer a permission that it needs, and what a dry run says of a message that failed without it."""


@pytest.mark.parametrize("name", OUTAGES)
def test_what_a_broken_consumer_gave_up_on_is_found_understood_replayed_and_done_once(
    shop: Shop, operator: Person, command: Command, name: str
) -> None:
    action, would = OUTAGES[name]
    shopper = new_shopper(shop)
    product = new_product(operator, stock=2)
    queue, dead = f"{name}Queue", f"{name}Dlq"
    with given_up_at_once(shop, queue):
        with without_permission(shop, f"{name}Reactions", action):
            order_id = shopper.order(product, 2)
            if name in ("PaymentWorker", "Payments"):
                shopper.sees(order_id, "RESERVED")
            if name == "PaymentWorker":
                assert shopper.pay(order_id, "tok_visa").status_code == 202
            found = dead_letters_of(command, dead, order_id)[0]
        # Found and understood ...
        assert "AccessDenied" in found["cause"]["message"]
        assert found["cause"]["where"]
        (summary,) = [each for each in command("dlq", "list") if each["queue"] == dead]
        assert summary["count"] >= 1
        detail = command("dlq", "show", dead, found["messageId"])
        assert order_id in detail["body"]
        assert detail["cause"]["requestId"]
        story = command("orders", "trace", order_id)
        assert "FAILURE" in {entry["kind"] for entry in story["entries"]}
        if name == "Notifications":
            assert story["stuck"] is None, "no order waits for a mail"
        else:
            assert story["stuck"]["blocker"]["command"] == f"cloudretail dlq replay {dead} --order {order_id}"
        # ... tried, which changes nothing ...
        before = rows_of(shop, order_id)
        tried = command("dlq", "replay", dead, "--order", order_id, "--dry-run")
        assert any(would in message["text"] for message in tried["messages"]), tried["messages"]
        assert rows_of(shop, order_id) == before
        # ... and replayed, now that it is mended.
        words = ("--order", order_id, "--yes", "--reason", "the permission is back")
        replayed = command("dlq", "replay", dead, "--wait", *words)
        assert set(replayed["outcomes"]) == {"REPLAYED"}
        assert {each["state"] for each in replayed["messages"]} == {"RESOLVED"}
    if name != "PaymentWorker":
        shopper.sees(order_id, "RESERVED")
        assert shopper.pay(order_id, "tok_visa").status_code == 202
    ended_well(shop, shopper, order_id)
    assert counters(shop, product) == (0, 0, 2)
    found = command("orders", "trace", order_id)
    replays = [entry["what"] for entry in found["entries"] if entry["kind"] == "REPLAY"]
    assert replays
    assert all(what.startswith("replayed") for what in replays), "a dry run is no part of the story"
    # ... and proved harmless.
    assert command("verify", replayed["replayId"])["violations"] == 0
    # The same messages once more do nothing.
    before = rows_of(shop, order_id)
    shop.sqs.send_message(QueueUrl=shop.queues[dead], MessageBody=detail["body"])
    (again,) = dead_letters_of(command, dead, order_id)
    (result,) = command("dlq", "replay", dead, again["messageId"], "--dry-run")["messages"]
    assert result["outcome"] == "NOTHING_TO_DO", result
    command("dlq", "replay", dead, again["messageId"], "--yes", "--reason", "a second time")
    eventually(lambda: _is_empty(shop, queue))
    assert rows_of(shop, order_id) == before
    # Its consumer has noted that it has done what the copies ask for.
    eventually(lambda: command("dlq", "show", dead, again["messageId"]), lambda letter: letter["state"] == "RESOLVED")
    assert command("dlq", "show", dead, "--order", order_id)["count"] == 0


def _is_empty(shop: Shop, queue: str) -> bool:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = shop.sqs.get_queue_attributes(QueueUrl=shop.queues[queue], AttributeNames=names)["Attributes"]
    return all(count == "0" for count in counts.values())


def test_a_bad_event_is_seen_with_its_cause_and_dropped(shop: Shop, operator: Person, command: Command) -> None:
    poison = {"type": "cloudretail.orders.Poison.v1", "subject": unique("ord")}
    shop.sqs.send_message(QueueUrl=shop.queues["OrdersQueue"], MessageBody=json.dumps(poison))
    (found,) = dead_letters_of(command, "orders", poison["subject"])
    message = found["messageId"]
    path = f"/ops/dead-letters/OrdersDlq/{message}"
    here, there = command("dlq", "show", "orders", message), operator.ok("GET", path)
    for seen in (here, there):
        assert seen["cause"]["exception"] == "InvalidEvent"
        assert "without" in seen["invalid"]
        assert seen["cause"]["attempt"] == 1
    assert here["messageId"] == there["messageId"] == message
    (tried,) = command("dlq", "replay", "orders", message, "--dry-run")["messages"]
    assert tried["text"].startswith("would fail again: InvalidEvent: not a CloudEvent")
    started = operator.ok("POST", "/ops/drops", {"queue": "OrdersDlq", "messageIds": [message], "reason": "not ours"})
    done = _done(operator, started["replayId"])
    assert (done["outcomes"], done["by"], done["reason"]) == ({"DROPPED": 1}, operator.email, "not ours")
    (dropped,) = operator.ok("GET", f"/ops/replays/{started['replayId']}/messages")["items"]
    assert dropped["outcome"] == "DROPPED"
    kept = operator.ok("GET", path)
    assert (kept["state"], json.loads(kept["body"])) == ("DROPPED", poison)
    assert command("dlq", "show", "orders", "--order", poison["subject"])["count"] == 0
    assert started["replayId"] in [each["replayId"] for each in command("dlq", "history")]


def _done(operator: Person, replay_id: str) -> dict[str, Any]:
    done: dict[str, Any] = eventually(
        lambda: operator.ok("GET", f"/ops/replays/{replay_id}"), lambda replay: replay["state"] == "DONE"
    )
    return done


def test_many_messages_are_replayed_at_their_rate_by_the_worker_and_change_nothing(
    shop: Shop, operator: Person, shopper: Shopper
) -> None:
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    mails = shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed")
    (document,) = json.loads(json.dumps(row(shop, "OrdersTable", orderId=order_id)["outbox"]["events"]))
    # A thousand events of that order, which nobody knows by their ids; what they ask for was done long ago.
    bodies = [json.dumps({**json.loads(document), "id": f"{order_id}:{number}"}) for number in range(MANY)]
    for begin in range(0, MANY, 10):
        entries: list[Any] = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[begin : begin + 10])]
        shop.sqs.send_message_batch(QueueUrl=shop.queues["NotificationsDlq"], Entries=entries)
    listed = {"orderId": order_id, "limit": "1"}
    collected = eventually(
        lambda: operator.ok("GET", f"/ops/dead-letters/NotificationsDlq?{urlencode(listed)}"),
        lambda page: page["count"] == MANY,
        patience=120,
    )
    assert [cause["count"] for cause in collected["causes"]] == [MANY]
    before = rows_of(shop, order_id)
    request = {"queue": "NotificationsDlq", "orderId": order_id, "reason": "as many as there are", "rate": FAST}
    replay_id = operator.ok("POST", "/ops/replays", request)["replayId"]
    progress = set()

    def look() -> dict[str, Any]:
        seen: dict[str, Any] = operator.ok("GET", f"/ops/replays/{replay_id}")
        progress.add(seen["outcomes"].get("REPLAYED", 0))
        return seen

    done = eventually(look, lambda replay: replay["state"] == "DONE", patience=180)
    assert done["outcomes"] == {"REPLAYED": MANY}
    started, ended = (datetime.fromisoformat(done[name]) for name in ("at", "endedAt"))
    assert (ended - started).total_seconds() >= (MANY - 10) / FAST
    assert len(progress) > 2, "it tells how far it is"
    eventually(lambda: _is_empty(shop, "NotificationsQueue"), patience=120)
    assert rows_of(shop, order_id) == before
    assert shopper.mails() == mails
    (last,) = operator.ok("GET", f"/ops/replays/{replay_id}/messages?limit=1")["items"]
    found = eventually(
        lambda: operator.ok("GET", f"/ops/dead-letters/NotificationsDlq/{quote(last['messageId'])}"),
        lambda letter: letter["state"] == "RESOLVED",
    )
    assert [replay["replayId"] for replay in found["history"]] == [replay_id]


class Killed(BaseException):
    """The process ends here."""


CALLS = ("UpdateItem", "SendMessageBatch", "BatchWriteItem")
STEPS = [(call, when) for call in CALLS for when in ("before", "after")]


@pytest.mark.parametrize(("call", "when"), STEPS)
def test_a_replay_that_is_killed_at_a_call_goes_on_and_each_of_its_copies_is_done(
    shop: Shop, call: str, when: str
) -> None:
    operations = Operations(shop)

    # CatalogImagesQueue: its test notification from S3 is taken and leads to nothing.
    def body_with(mark: str) -> str:
        return json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": mark})

    queue = shop.queues["CatalogImagesDlq"]
    ids = tuple(
        shop.sqs.send_message(QueueUrl=queue, MessageBody=body_with(unique("mark")))["MessageId"] for _ in range(5)
    )
    selection = Selection(queue="CatalogImagesDlq", message_ids=ids)
    replayer = open_replayer(operations.settings, operations.settings.replay_worker, subscribers())
    eventually(lambda: operations.dead_letters.find(selection).count == len(ids))
    asked = operations.replays.start(Action.REPLAY, selection, by="test", reason="to be killed", rate=1000)
    planned = replayer.plan(asked)
    with pytest.MonkeyPatch.context() as patch:
        wire = Wire(patch)
        # In the middle of its claims, or where it is one call for all: that.
        skipped = 2 if call == "UpdateItem" else 0
        if when == "before":
            if skipped:
                wire.before(call, _nothing, times=skipped)
            wire.before(call, _kill)
        else:
            wire.loses_the_answer(call, Killed(), times=1)  # type: ignore[arg-type]
        with pytest.raises(Killed):
            replayer.run(planned)
    found = operations.replays.get(asked.replay_id)
    assert found.state == "INTERRUPTED"
    ended = replayer.run(found)
    assert ended.outcomes == {"REPLAYED": 5}

    def states() -> set[str]:
        return {operations.dead_letters.get("CatalogImagesDlq", each).state for each in ids}

    eventually(states, lambda found: found == {"RESOLVED"})


def _nothing() -> None:
    """This call goes through."""


def _kill() -> None:
    raise Killed


def test_an_event_that_the_relay_parked_and_one_that_a_rule_could_not_deliver_reach_whom_they_were_for(
    shop: Shop, operator: Person, command: Command
) -> None:
    shopper = new_shopper(shop)
    product = new_product(operator, stock=2)
    with disabled(shop, "InventoryRule"):
        parked, undelivered = shopper.order(product), new_shopper(shop).order(product)
        for order_id in (parked, undelivered):
            eventually(lambda order_id=order_id: _mailed(shop, order_id, "OrderPlaced"))  # type: ignore[misc]
    (document,) = row(shop, "OrdersTable", orderId=parked)["outbox"]["events"]
    bus = shop.output("EventBusName")
    entry = {"EventBusName": bus, "Source": "cloudretail.orders", "DetailType": "OrderPlaced", "Detail": document}
    body = {"entry": entry, "errorCode": "NotAuthorized", "errorMessage": "the bus was gone"}
    shop.sqs.send_message(QueueUrl=shop.queues["RelayDlq"], MessageBody=json.dumps(body))
    (document,) = row(shop, "OrdersTable", orderId=undelivered)["outbox"]["events"]
    event = {"source": "cloudretail.orders", "detail-type": "OrderPlaced", "detail": json.loads(document)}
    target = shop.sqs.get_queue_attributes(QueueUrl=shop.queues["InventoryQueue"], AttributeNames=["QueueArn"])
    attributes = {
        "TARGET_ARN": target["Attributes"]["QueueArn"], "ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "no",
    }  # fmt: skip
    shop.sqs.send_message(
        QueueUrl=shop.queues["RuleTargetsDlq"],
        MessageBody=json.dumps(event),
        MessageAttributes={name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
    )
    for dead, found_in, order_id, cause, would in (
        ("RelayDlq", "RelayDlq", parked, "NotAuthorized", "would publish OrderPlaced on the bus"),
        ("InventoryDlq", "RuleTargetsDlq", undelivered, "NO_PERMISSIONS", "would become HELD"),
    ):
        (found,) = dead_letters_of(command, dead, order_id)
        assert found["cause"]["exception"] == cause
        assert found["foundIn"] == found_in
        (tried,) = command("dlq", "replay", dead, "--order", order_id, "--dry-run")["messages"]
        assert tried["text"].startswith(would)
        command("dlq", "replay", dead, "--order", order_id, "--yes", "--reason", "mended")
        eventually(lambda order_id=order_id: row(shop, "OrdersTable", orderId=order_id)["status"] == "RESERVED")  # type: ignore[misc]
    shopper.mailed_about(parked, "OrderPlaced")


def _mailed(shop: Shop, order_id: str, kind: str) -> bool:
    return bool(row(shop, "SentMailsTable", orderId=order_id, mail=kind).get("status") == "SENT")


def test_an_order_that_waits_for_a_lost_event_is_found_and_moved_by_a_nudge(
    shop: Shop, operator: Person, shopper: Shopper, command: Command
) -> None:
    product = new_product(operator, stock=1)
    with disabled(shop, "InventoryRule"):
        order_id = shopper.order(product, method="COD")
        eventually(lambda: _mailed(shop, order_id, "OrderPlaced"))
    assert order_id not in [stuck["orderId"] for stuck in command("orders", "stuck", "--older-than", "1h")]
    (stuck,) = [stuck for stuck in command("orders", "stuck", "--older-than", "0s") if stuck["orderId"] == order_id]
    assert stuck["blocker"]["waitsFor"] == "inventory to consume OrderPlaced"
    assert stuck["blocker"]["command"] == f"cloudretail orders nudge {order_id}"
    _, *words = stuck["blocker"]["command"].split()
    assert words == ["orders", "nudge", order_id]
    all_nudged = command("orders", "nudge", "--stuck", "--older-than", "0s", "--yes", "--reason", "events were lost")
    (nudged,) = [each for each in all_nudged if each["target"] == order_id]
    assert "REPLAYED" in nudged["outcomes"]
    shopper.sees(order_id, "CONFIRMED")
    shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed")
    before = eventually(lambda: rows_of(shop, order_id), lambda rows: rows[1]["status"] == "COMMITTED")
    # Once more, over HTTP, when nothing is missing.
    operator.ok("POST", f"/ops/orders/{order_id}/nudge", {"reason": "again"})
    eventually(lambda: all(_is_empty(shop, f"{name}Queue") for name in ("Orders", "Inventory", "Notifications")))
    assert rows_of(shop, order_id) == before


def test_an_event_that_no_outbox_holds_any_more_is_made_again_by_a_nudge(
    shop: Shop, operator: Person, shopper: Shopper, command: Command
) -> None:
    product = new_product(operator, stock=2)
    with disabled(shop, "FulfilmentRule"):
        order_id = shopper.order(product, method="COD")
        shopper.sees(order_id, "CONFIRMED")
        eventually(lambda: _mailed(shop, order_id, "OrderConfirmed"))
        # What it publishes now takes the place of the confirmation, which fulfilment has not received.
        assert shopper.call("POST", f"/orders/{order_id}/cancel").status_code == 202
        shopper.sees(order_id, "CANCELLING")
        # The relay takes the table's changes one after the other: what came before this is on the bus.
        later = shopper.order(product)
        eventually(lambda: _mailed(shop, later, "OrderPlaced"))
    (stuck,) = [stuck for stuck in command("orders", "stuck", "--older-than", "0s") if stuck["orderId"] == order_id]
    assert stuck["blocker"]["waitsFor"] == "fulfilment to consume CancellationRequested"
    nudged = command("orders", "nudge", order_id, "--yes", "--reason", "its events were lost")
    assert {"OrderConfirmed", "CancellationRequested"} <= {each["eventName"] for each in nudged["messages"]}
    shopper.sees(order_id, "CANCELLED")
    eventually(lambda: rows_of(shop, order_id), lambda rows: rows[1]["status"] == "RELEASED")
    assert command("orders", "trace", order_id)["statuses"]["shipment"] == "CANCELLED"
    shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed", "OrderCancelled")


def test_everything_that_was_ever_said_is_said_again_and_nothing_changes(
    shop: Shop, operator: Person, command: Command, local_shop: LocalShop
) -> None:
    begin = datetime.now(UTC).isoformat()
    paid, cancelled = new_shopper(shop), new_shopper(shop)
    product = new_product(operator, stock=5)
    first = paid.reserved(product, 2)
    paid.pay(first, "tok_visa")
    second = cancelled.order(product, method="COD")
    cancelled.sees(second, "CONFIRMED")
    assert cancelled.call("POST", f"/orders/{second}/cancel").status_code == 202
    paid.sees(first, "CONFIRMED")
    eventually(lambda: _mailed(shop, second, "OrderCancelled") and _mailed(shop, first, "OrderConfirmed"))
    eventually(lambda: counters(shop, product) == (3, 0, 2))
    eventually(lambda: row(shop, "PaymentsTable", paymentId=second.replace("ord_", "pay_"))["status"] == "VOIDED")
    before = [rows_of(shop, order_id) for order_id in (first, second)]
    environment = {**os.environ, "CLOUDRETAIL_STATE_DIR": str(local_shop.state_dir)}
    program = Path(sys.executable).parent / "cloudretail"
    for consumer in ("orders", "inventory", "payments", "payment-worker", "fulfilment", "notifications"):
        words = ("--from", begin, "--consumer", consumer, "--yes", "--reason", "to see that nothing changes")
        said = subprocess.run(
            [program, "events", "replay", *words], env=environment, capture_output=True, text=True, check=False
        )
        assert said.returncode == 0, said.stderr
        assert "completed" in said.stdout
    queues = ("Orders", "Inventory", "Payments", "PaymentWorker", "Fulfilment", "Notifications")
    eventually(lambda: all(_is_empty(shop, f"{name}Queue") for name in queues))
    assert [rows_of(shop, order_id) for order_id in (first, second)] == before
    assert counters(shop, product) == (3, 0, 2)
    assert charges(shop, first) == 1
    paid.mailed_about(first, "OrderPlaced", "OrderConfirmed")
    cancelled.mailed_about(second, "OrderPlaced", "OrderConfirmed", "OrderCancelled")


def test_a_consumer_that_has_nothing_of_the_past_gets_it_from_the_archive(
    shop: Shop, operator: Person, shopper: Shopper, local_shop: LocalShop
) -> None:
    """As one that was deployed after the order: it has no row of it, and no message is on the way."""
    begin = datetime.now(UTC).isoformat()
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    eventually(lambda: row(shop, "ShipmentsTable", orderId=order_id))
    shop.dynamodb.delete_item(TableName=shop.tables["ShipmentsTable"], Key={"orderId": {"S": order_id}})
    words = ("--from", begin, "--consumer", "fulfilment", "--yes", "--reason", "fulfilment is new")
    subprocess.run(
        [Path(sys.executable).parent / "cloudretail", "events", "replay", *words],
        env={**os.environ, "CLOUDRETAIL_STATE_DIR": str(local_shop.state_dir)},
        check=True,
    )
    filled = eventually(lambda: row(shop, "ShipmentsTable", orderId=order_id))
    assert filled["status"] == "TO_SHIP"
    assert shopper.ok("GET", f"/orders/{order_id}")["status"] == "CONFIRMED"
    shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed")


def test_reconcile_names_the_row_that_breaks_a_rule_and_repairs_nothing(
    shop: Shop, operator: Person, command: Command
) -> None:
    product = new_product(operator, stock=3)

    def change(units: int) -> None:
        shop.dynamodb.update_item(
            TableName=shop.tables["InventoryTable"],
            Key={"productId": {"S": product}},
            UpdateExpression="ADD availableQty :units",
            ExpressionAttributeValues={":units": {"N": str(units)}},
        )

    change(2)
    found = command("reconcile", code=1)
    assert (found["state"], found["done"]) == ("DONE", found["parts"])
    violated = {(each["rule"], each["key"]): each["text"] for each in found["items"]}
    assert violated["stock-equation", product] == (
        "5 available + 0 reserved + 0 sold + 0 written off = 5, received and adjusted 3"
    )
    assert row(shop, "InventoryTable", productId=product)["availableQty"] == 5
    change(-2)
    started = operator.ok("POST", "/ops/reconciliations", {"reason": "mended"})
    path = f"/ops/reconciliations/{started['reconciliationId']}"
    eventually(lambda: operator.ok("GET", path)["state"] == "DONE")
    assert product not in [each["key"] for each in operator.ok("GET", f"{path}/violations")["items"]]
    assert command("reconcile", found["reconciliationId"][:9], code=1)["items"] == found["items"], "results are kept"
    assert "no record of a reconciliation" in command("reconcile", "rec_none", code=1)


def test_a_copy_that_comes_back_is_said_so_and_makes_the_command_fail(
    shop: Shop, operator: Person, shopper: Shopper, command: Command
) -> None:
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    message = json.loads(json.dumps({"id": unique("none"), "subject": order_id, "type": "nothing"}))
    shop.sqs.send_message(QueueUrl=shop.queues["OrdersDlq"], MessageBody=json.dumps(message))
    (letter,) = dead_letters_of(command, "OrdersDlq", order_id)
    words = ("--wait", "--yes", "--reason", "to see that it fails")
    came_back = command("dlq", "replay", "orders", letter["messageId"][:30], *words, code=1)
    assert [each["state"] for each in came_back["messages"]] == ["DEAD"]
    listed = command("dlq", "history", came_back["replayId"][:9])
    assert listed["replayId"] == came_back["replayId"]
    command("dlq", "drop", "orders", letter["messageId"], "--yes", "--reason", "no event")


def test_a_corrected_message_is_done_and_what_it_was_is_kept(
    shop: Shop, operator: Person, shopper: Shopper, command: Command, tmp_path: Path
) -> None:
    product = new_product(operator, stock=1)
    with given_up_at_once(shop, "OrdersQueue"), without_permission(shop, "OrdersReactions", "dynamodb:PutItem"):
        order_id = shopper.order(product)
        (letter,) = dead_letters_of(command, "OrdersDlq", order_id)
    body = json.loads(command("dlq", "show", "orders", letter["messageId"])["body"])
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    corrected = tmp_path / "corrected.json"
    corrected.write_text(json.dumps({**body, "data": {**body["data"], "until": until}}))
    words = ("--yes", "--reason", "the window was too short")
    edited = command("dlq", "edit", "orders", letter["messageId"], "--body", str(corrected), *words)
    assert [each["reason"] for each in edited["edits"]] == ["the window was too short"]
    replayed = command("dlq", "replay", "orders", letter["messageId"], "--wait", *words)
    assert [each["state"] for each in replayed["messages"]] == ["RESOLVED"]
    held = shopper.sees(order_id, "RESERVED")["reservedUntil"]
    assert datetime.fromisoformat(held) == datetime.fromisoformat(until)
    corrected.write_text("{}")
    command("dlq", "edit", "orders", letter["messageId"], "--body", str(corrected), *words, code=1)


@contextmanager
def another_stage(shop: Shop, stage: str) -> Iterator[Shop]:
    """A stack that has what a copy needs of a shop: a consumer's queue, and a function that knows its stage."""
    code = {"ZipFile": "def handler(event, context): pass"}
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": code,
        "Role": "arn:aws:iam::000000000000:role/nobody",
        "Environment": {"Variables": {"STAGE": stage}},
    }
    resources = {
        "OrdersQueue": {"Type": "AWS::SQS::Queue"},
        "OpsApi": {"Type": "AWS::Lambda::Function", "Properties": function},
    }
    name = unique(f"cloudretail-{stage}")
    shop.cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    shop.cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    try:
        yield read_stack(name, shop.session, endpoint=shop.endpoint)
    finally:
        shop.cloudformation.delete_stack(StackName=name)


def test_a_dead_letter_is_copied_to_the_same_consumer_of_another_stage_and_of_production_never(
    shop: Shop, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = json.dumps({"type": "cloudretail.orders.Poison.v1", "subject": unique("ord")})
    shop.sqs.send_message(QueueUrl=shop.queues["OrdersDlq"], MessageBody=poison)
    (letter,) = dead_letters_of(command, "orders", json.loads(poison)["subject"])
    assert shop.endpoint
    # A stack by its name is looked for at AWS, for which the emulator stands.
    for name, value in local_settings(shop.endpoint, developer_session(shop)).items():
        monkeypatch.setenv(name, value)
    words = ("dlq", "replay", "orders", letter["messageId"], "--yes", "--reason", "to debug it", "--to-stack")
    with another_stage(shop, "staging") as staging:
        record = command(*words, staging.stack)
        (copied,) = record["copies"]
        (there,) = staging.sqs.receive_message(QueueUrl=staging.queues["OrdersQueue"], WaitTimeSeconds=5)["Messages"]
        assert (there["Body"], there["MessageId"]) == (poison, copied["copy"])
    assert command("dlq", "show", "orders", letter["messageId"])["state"] == "DEAD", "here nothing has changed"
    (noted,) = [each for each in command("dlq", "history") if each["replayId"] == record["replayId"]]
    assert (noted["action"], noted["state"], noted["reason"]) == ("COPY", "DONE", "to debug it")
    assert noted["by"] == getpass.getuser()
    assert noted["target"].endswith(f"to {staging.stack}")
    (message,) = command("dlq", "history", record["replayId"])["messages"]
    assert (message["outcome"], message["text"]) == ("COPIED", f"to OrdersQueue of {staging.stack}")
    with another_stage(shop, "prod") as prod:
        assert "Nothing is copied to production" in command(*words, prod.stack, code=1)
        assert _is_empty(prod, "OrdersQueue")
    assert "same stack" in command(*words, shop.stack, code=1)
    assert "same stack" in command(*words, "local", code=1)
    command("dlq", "drop", "orders", letter["messageId"], "--yes", "--reason", "made up")


def test_a_paused_consumer_gets_nothing_until_it_is_resumed_and_everybody_sees_who_paused_it(
    shop: Shop, operator: Person, shopper: Shopper, command: Command
) -> None:
    command("queues", "pause", "fulfilment", "--yes", "--reason", "the table is being mended")
    try:
        order_id = shopper.order(new_product(operator, stock=1), method="COD")
        shopper.sees(order_id, "CONFIRMED")
        eventually(lambda: _mailed(shop, order_id, "OrderConfirmed"))
        (seen,) = [each for each in operator.ok("GET", "/ops/queues")["items"] if each["consumer"] == "fulfilment"]
        assert seen["paused"]["reason"] == "the table is being mended"
        (said,) = [each for each in command("queues") if each["consumer"] == "fulfilment"]
        assert said["paused"] == seen["paused"]
        assert row(shop, "ShipmentsTable", orderId=order_id) == {}
    finally:
        command("queues", "resume", "fulfilment")
    eventually(lambda: row(shop, "ShipmentsTable", orderId=order_id))
    assert [each["paused"] for each in command("queues") if each["consumer"] == "fulfilment"] == [None]


def test_a_replay_is_cancelled_and_goes_on(shop: Shop, operator: Person, shopper: Shopper, command: Command) -> None:
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    for number in range(6):
        body = json.dumps({"id": f"{order_id}:{number}", "subject": order_id, "type": "nothing"})
        shop.sqs.send_message(QueueUrl=shop.queues["NotificationsDlq"], MessageBody=body)
    eventually(lambda: len(command("dlq", "show", "notifications", "--order", order_id)["items"]) == 6)
    asked = {"queue": "NotificationsDlq", "orderId": order_id, "reason": "slowly", "rate": 0.5}
    replay_id = operator.ok("POST", "/ops/replays", asked)["replayId"]
    eventually(lambda: operator.ok("GET", f"/ops/replays/{replay_id}")["state"] == "RUNNING")
    stopped = command("dlq", "cancel", replay_id)
    assert stopped["state"] == "CANCELLED"
    assert stopped["outcomes"]["PLANNED"] > 0
    resumed = operator.ok("POST", f"/ops/replays/{replay_id}/resume")
    assert resumed["state"] == "QUEUED"
    _done(operator, replay_id)


@pytest.mark.parametrize(
    "route",
    [route for route in Template.load().routes if route.path.startswith("/api/ops")],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_a_shoppers_token_gets_a_403_and_nothing_else_and_a_stranger_a_401(
    shop: Shop, shopper: Shopper, route: Any
) -> None:
    path = re.sub(r"\{\w+\}", "OrdersDlq", route.path).removeprefix("/api")
    for body in (None, {"queue": "OrdersDlq", "reason": "let me in"}, {"nonsense": 1}):
        answer = shopper.call(route.method, path, body if route.method == "POST" else None)
        assert answer.status_code == 403
        assert answer.json() == {
            "type": "urn:cloudretail:problem:operators-only",
            "title": "Operators only",
            "status": 403,
            "detail": "Only operators may do this.",
        }
    assert Person(shop).call(route.method, path).status_code == 401
