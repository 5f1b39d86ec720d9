"""Every case of the runbook, produced at a running shop and dealt with by the runbook's commands alone.

The runbook's table says how many commands each case takes. The tests count what they type.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cloudretail.failures import FailureState
from operations.queues import ConsumerQueue
from retail_ops.cli import app
from retail_ops.local.local_shop import LocalShop
from retail_ops.local.watch import FUNCTIONS, package
from retail_ops.stack.operations import Operations
from retail_ops.stack.shop import PROJECT, Shop
from tests.conftest import NewShop
from tests.integration.test_failures import without_permission
from tests.support.rules import disabled
from tests.support.shoppers import Person, Shopper, eventually, new_product, new_shopper, row, unique

pytestmark = [pytest.mark.proof, pytest.mark.usefixtures("clients")]

TABLE = (PROJECT / "docs/operations.md").read_text().partition("### What each case takes")[2].partition("\n## ")[0]
COUNTS = {case: int(count) for case, count in re.findall(r"^\| ([^|]+) \|.*\| (\d+) \|$", TABLE, re.MULTILINE)}
"""How many commands each case takes, by the runbook."""

MANY = 5204
"""Dead letters of one consumer, as there once were."""

OUTAGE = 600
"""Seconds for which the payment provider is away."""

LONG = 1800.0
"""Seconds until what takes minutes is given up."""


@pytest.fixture(scope="module")
def running(new_shop: NewShop) -> Iterator[LocalShop]:
    with new_shop("cases") as local:
        yield local


@pytest.fixture(scope="module")
def broken(running: LocalShop) -> Shop:
    """A shop in which things break."""
    return running.read()


@pytest.fixture(scope="module")
def seller(broken: Shop) -> Person:
    return new_shopper(broken, "operators")


class Typed:
    """The operator's terminal.

    Args:
        local: the shop.
    """

    def __init__(self, local: LocalShop) -> None:
        self.environment = {"CLOUDRETAIL_STATE_DIR": str(local.state_dir)}
        self.count = 0

    def __call__(self, *words: str) -> Any:
        """One command; returns its JSON."""
        self.count += 1
        ended = CliRunner().invoke(app, [*words, "--json"], env=self.environment)
        assert ended.exit_code == 0, (words, ended.stderr, ended.stdout, ended.exception)
        return json.loads(ended.stdout)


@pytest.fixture
def typed(running: LocalShop) -> Typed:
    return Typed(running)


def test_the_runbook_says_of_each_case_what_it_takes_and_nothing_takes_more_than_five_commands() -> None:
    tested = {case for case in COUNTS if f'"{case}"' in Path(__file__).read_text()}
    assert tested == COUNTS.keys()
    assert len(COUNTS) == 9
    assert max(COUNTS.values()) <= 5


def dead(shop: Shop, consumer: str) -> int:
    return Operations(shop).dead_letters.failures.count(consumer, FailureState.DEAD)


def dealt_with(
    typed: Typed, queue: str, cause: str, would: str, mended: Callable[[], None], *filters: str
) -> dict[str, Any]:
    """Find, understand, repair, try, replay and prove: five commands.

    Args:
        typed: the terminal.
        queue: the dead-letter queue.
        cause: what the lists say of why.
        would: what a dry run says of some message.
        mended: repairs the shop.
        filters: of the replay.

    Returns:
        The replay.
    """
    (listed,) = [each for each in typed("dlq", "list") if each["count"]]
    assert listed["queue"] == queue
    shown = typed("dlq", "show", queue)
    assert cause in json.dumps(shown["causes"]), shown["causes"]
    mended()
    tried = typed("dlq", "replay", queue, *filters, "--dry-run")
    assert any(would in message["text"] for message in tried["messages"]), tried["messages"]
    words = ("--yes", "--reason", "it is mended", "--rate", "1000")
    replayed: dict[str, Any] = typed("dlq", "replay", queue, *filters, "--wait", *words)
    assert {each["state"] for each in replayed["messages"]} == {"RESOLVED"}
    return replayed


def harmless(typed: Typed, replayed: dict[str, Any]) -> None:
    """Prove it, by the one command."""
    assert typed("verify", replayed["replayId"])["violations"] == 0


def confirmed(shop: Shop, shopper: Shopper, order_id: str) -> None:
    """The order has come to its end, and its shopper has a mail of each kind, once."""
    shopper.sees(order_id, "CONFIRMED")
    eventually(lambda: row(shop, "ReservationsTable", orderId=order_id).get("status") == "COMMITTED")
    shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed")


# ----------------------------------------------------------------------------------------------------------- breaking


@contextmanager
def deployed(shop: Shop, function: str, file: str, old: str, new: str, timeout: int | None = None) -> Iterator[None]:
    """Another version of a function is deployed.

    Args:
        shop: of whose functions.
        function: logical id.
        file: of the functions' folder.
        old: what is in it.
        new: what is there instead.
        timeout: of the function in seconds, where it is another one.
    """
    name = shop.functions[function]
    before = shop.lambda_.get_function_configuration(FunctionName=name)["Timeout"]
    changed = PROJECT / ".aws-sam" / unique("changed")
    shutil.copytree(FUNCTIONS, changed, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        text = (changed / file).read_text()
        assert old in text
        (changed / file).write_text(text.replace(old, new, 1))
        shop.lambda_.update_function_code(FunctionName=name, ZipFile=package(changed))
    finally:
        shutil.rmtree(changed)
    shop.lambda_.update_function_configuration(FunctionName=name, Timeout=timeout or before)
    try:
        yield
    finally:
        shop.lambda_.update_function_code(FunctionName=name, ZipFile=package())
        shop.lambda_.update_function_configuration(FunctionName=name, Timeout=before)


@contextmanager
def visible_after(shop: Shop, queue: str, seconds: int) -> Iterator[None]:
    """A message that ended its worker is delivered again after some seconds."""
    url, names = shop.queues[queue], ["VisibilityTimeout"]
    before = shop.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]  # type: ignore[arg-type]
    shop.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
    try:
        yield
    finally:
        shop.sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


REACTION = "    order_id = event.data.subject\n"


@contextmanager
def hanging(shop: Shop) -> Iterator[None]:
    """Orders react to nothing in time."""
    hang = f"{REACTION}    __import__('time').sleep(60)\n"
    with (
        visible_after(shop, "OrdersQueue", 2),
        deployed(shop, "OrdersReactions", "orders/reactions.py", REACTION, hang, timeout=2),
    ):
        yield


BROKEN: dict[str, tuple[str, Callable[[Shop], AbstractContextManager[None]], int, str, str, tuple[str, ...]]] = {
    "a bug was deployed": (
        "orders",
        lambda shop: deployed(
            shop, "OrdersReactions", "orders/reactions.py", REACTION, f"{REACTION}    {{}}['items']\n"
        ),
        2,
        "KeyError",
        "would become",
        ("--cause", "KeyError"),
    ),
    "a permission was removed": (
        "orders",
        lambda shop: without_permission(shop, "OrdersReactions", "dynamodb:BatchGetItem"),
        2,
        "AccessDenied on dynamodb:BatchGetItem",
        "would become",
        (),
    ),
    "a time-out": ("orders", hanging, 2, "KilledWorker", "would become", ()),
    "SES refuses": (
        "notifications",
        lambda shop: without_permission(shop, "NotificationsReactions", "ses:SendEmail"),
        2,
        "ses:SendEmail",
        "would send the mail",
        (),
    ),
}
"""By case: the consumer, what breaks it, its dead letters of one order, their cause, and what a dry run says then."""


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_consumer(broken: Shop, seller: Person, typed: Typed, case: str) -> None:
    consumer, breaking, count, cause, would, filters = BROKEN[case]
    shopper = new_shopper(broken)
    with ExitStack() as stopped:
        stopped.enter_context(breaking(broken))
        order_id = shopper.order(new_product(seller, stock=1), method="COD")
        eventually(lambda: dead(broken, consumer), lambda letters: letters == count, patience=LONG)
        queue = ConsumerQueue.of(consumer).dead_letter_queue
        replayed = dealt_with(typed, queue, cause, would, stopped.close, *filters)
    confirmed(broken, shopper, order_id)
    harmless(typed, replayed)
    assert typed.count == COUNTS[case]


def test_a_message_that_is_no_event(broken: Shop, running: LocalShop) -> None:
    for owner in Operations(broken).dead_letters.names.consumers:
        typed, poison = Typed(running), unique("poison")
        broken.sqs.send_message(QueueUrl=broken.queues[owner.queue], MessageBody=poison, DelaySeconds=0)
        eventually(lambda consumer=owner.consumer: dead(broken, consumer) == 1)  # type: ignore[misc]
        (listed,) = [each for each in typed("dlq", "list") if each["count"]]
        assert listed["queue"] == owner.dead_letter_queue
        (letter,) = typed("dlq", "show", listed["queue"])["items"]
        typed("dlq", "drop", listed["queue"], letter["messageId"], "--yes", "--reason", "no event of ours")
        assert typed.count == COUNTS["a message that is no event, at each consumer"]
        assert dead(broken, owner.consumer) == 0


def test_a_rules_target_that_is_gone(broken: Shop, seller: Person, typed: Typed) -> None:
    """The message is the one that EventBridge leaves then, as its developer guide has it: the emulator leaves none."""
    shopper = new_shopper(broken)
    with disabled(broken, "InventoryRule"):
        order_id = shopper.order(new_product(seller, stock=1), method="COD")
        shopper.mailed_about(order_id, "OrderPlaced")
    (document,) = row(broken, "OrdersTable", orderId=order_id)["outbox"]["events"]
    asked = broken.sqs.get_queue_attributes(QueueUrl=broken.queues["InventoryQueue"], AttributeNames=["QueueArn"])
    said = {
        "TARGET_ARN": asked["Attributes"]["QueueArn"],
        "RULE_ARN": "arn:aws:events:eu-west-1:123456789012:rule/shop/Inventory",
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "The queue's policy does not allow the rule to send to it.",
    }
    event = {"source": "cloudretail.orders", "detail-type": "OrderPlaced", "detail": json.loads(document)}
    broken.sqs.send_message(
        QueueUrl=broken.queues["RuleTargetsDlq"],
        MessageBody=json.dumps(event),
        MessageAttributes={name: {"DataType": "String", "StringValue": text} for name, text in said.items()},
    )
    eventually(lambda: dead(broken, "inventory") == 1)
    replayed = dealt_with(typed, "InventoryDlq", "NO_PERMISSIONS", "would become HELD", lambda: None)
    confirmed(broken, shopper, order_id)
    harmless(typed, replayed)
    assert typed.count == COUNTS["a rule's target is gone"]


def letters(shop: Shop, order_id: str, count: int) -> None:
    """Dead letters of notifications: an event that they have consumed, under other ids."""
    (document,) = row(shop, "OrdersTable", orderId=order_id)["outbox"]["events"]
    mark = unique("again")
    bodies = [json.dumps({**json.loads(document), "id": f"{mark}:{number}"}) for number in range(count)]
    for begin in range(0, count, 10):
        entries: list[Any] = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[begin : begin + 10])]
        shop.sqs.send_message_batch(QueueUrl=shop.queues["NotificationsDlq"], Entries=entries)
    eventually(lambda: dead(shop, "notifications"), lambda found: found == count, patience=LONG)


def test_thousands_of_dead_letters(broken: Shop, seller: Person, typed: Typed) -> None:
    shopper = new_shopper(broken)
    order_id = shopper.order(new_product(seller, stock=1), method="COD")
    confirmed(broken, shopper, order_id)
    letters(broken, order_id, MANY)
    replayed = dealt_with(typed, "NotificationsDlq", f'"count": {MANY}', "already done", lambda: None)
    assert replayed["outcomes"] == {"REPLAYED": MANY}
    harmless(typed, replayed)
    confirmed(broken, shopper, order_id)
    assert typed.count == COUNTS["5,204 dead letters of one consumer"]


def test_a_command_that_was_killed(broken: Shop, seller: Person, typed: Typed) -> None:
    shopper = new_shopper(broken)
    order_id = shopper.order(new_product(seller, stock=1), method="COD")
    confirmed(broken, shopper, order_id)
    letters(broken, order_id, 40)
    program = Path(sys.executable).parent / "cloudretail"
    words = ("dlq", "replay", "notifications", "--rate", "5", "--yes", "--reason", "to be killed")
    command = subprocess.Popen([program, *words], env={**os.environ, **typed.environment}, stderr=subprocess.DEVNULL)
    replays = Operations(broken).replays
    (begun,) = eventually(
        lambda: [each for each in replays.recent(5) if each.reason == "to be killed"],
        lambda found: bool(found) and 0 < found[0].outcomes.get("REPLAYED", 0) < 40,  # type: ignore[call-overload]
    )
    command.send_signal(signal.SIGKILL)
    assert command.wait() == -signal.SIGKILL
    (listed,) = [each for each in typed("dlq", "history") if each["replayId"] == begun.replay_id]
    assert (listed["state"], listed["reason"]) == ("RUNNING", "to be killed"), "the shop goes on with it"
    eventually(lambda: replays.get(begun.replay_id).state == "DONE")
    eventually(lambda: {each.state for each in replays.followed(replays.messages(begun.replay_id))} == {"RESOLVED"})
    ended = typed("dlq", "history", begun.replay_id)
    assert {each["state"] for each in ended["messages"]} == {"RESOLVED"}
    harmless(typed, ended)
    assert typed.count == COUNTS["the command that replays was killed"]


def test_a_provider_that_is_away(broken: Shop, seller: Person, typed: Typed) -> None:
    product, shoppers = new_product(seller, stock=9), [new_shopper(broken) for _ in range(4)]
    create = "    def create(self, key: str, amount: Money, token: str) -> str:\n        values = {"
    away = create.replace("        values", '        raise ProviderUnavailable("it answers nothing")\n        values')
    with deployed(broken, "PaymentWorkerReactions", "payments/providers.py", create, away):
        began = time.monotonic()
        orders = {shopper: shopper.reserved(product) for shopper in shoppers}
        for shopper, order_id in orders.items():
            assert shopper.pay(order_id, "tok_visa").is_success
        operations = Operations(broken)
        eventually(lambda: operations.dead_letters.away().get("payment-worker"), patience=LONG)
        cash = new_shopper(broken)
        confirmed(broken, cash, cash.order(product, method="COD"))
        (worker,) = [each for each in typed("queues") if each["consumer"] == "payment-worker"]
        assert [each["name"] for each in worker["away"]] == ["sandbox"]
        assert "it answers nothing" in worker["away"][0]["reason"]
        eventually(lambda: time.monotonic() - began > OUTAGE, patience=2 * OUTAGE)
        assert dead(broken, "payment-worker") == 0, "the messages wait, and have not failed"

    def ended(order_id: str) -> tuple[str, int]:
        charge = row(broken, "SandboxChargesTable", chargeKey=f"{order_id.replace('ord_', 'pay_')}:1")
        status = row(broken, "OrdersTable", orderId=order_id)["status"]
        return str(status), int(charge.get("outcome") == "ACCEPTED")

    # One whose window has closed meanwhile is cancelled, and nothing is taken for it.
    either = {("CONFIRMED", 1), ("CANCELLED", 0)}
    seen = eventually(lambda: {ended(each) for each in orders.values()}, lambda seen: seen <= either, patience=LONG)
    assert ("CONFIRMED", 1) in seen
    assert typed.count == COUNTS["a payment provider is away for ten minutes"]


def test_nothing_is_left_to_do(typed: Typed) -> None:
    """After all these cases: no dead letter, no stuck order, and the tables agree."""
    assert [each["queue"] for each in typed("dlq", "list") if each["count"]] == []
    assert typed("orders", "stuck", "--older-than", "5m") == []
    assert typed("reconcile")["violations"] == 0
