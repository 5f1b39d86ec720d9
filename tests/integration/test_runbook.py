"""Every command of the runbook runs at a running shop: word for word, with real ids in place of those that it names."""

import json
import re
import shlex
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from operations.queues import ConsumerQueue
from operations.reconciliation.domain import JobState
from retail_ops.cli import app
from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.operations import Operations
from retail_ops.stack.shop import PROJECT, Shop
from tests.support.shoppers import Person, Shopper, eventually, new_shopper, row, staff_of, unique
from tests.support.staff import Staff

RUNBOOK = (PROJECT / "docs/operations.md").read_text()
BLOCKS = [line for block in re.findall(r"```sh\n(.+?)```", RUNBOOK, re.DOTALL) for line in block.splitlines()]
IN_TEXT = re.findall(r"`([^`]+)`", re.sub(r"```sh\n.+?```", "", RUNBOOK, flags=re.DOTALL))

ONLY_ON_AWS = {
    "cloudretail protect": "it protects a stack that CloudFormation of AWS keeps",
    "cloudretail doctor --stage": "it asks AWS for the account's quotas",
    "aws ": "the AWS command line is no part of the project; `make prove PART=restore` does what those of Restore say",
    "make deploy": "it deploys to AWS",
    "cloudretail reconcile --from-export": "the emulator exports no table, so that a local stage has no bucket for it",
    "cloudretail invoke PaymentWorkerReactions": "it asks Stripe: `tests/e2e/test_stripe.py` runs it",
}
"""By how it begins, why a command is not run here."""


def _commands() -> list[str]:
    """The runbook's commands, each once, in its order."""
    written = [each.partition("  #")[0].strip() for each in BLOCKS] + [" ".join(each.split()) for each in IN_TEXT]
    # In the text, a command may stand without the word that they all begin with.
    whole = [f"cloudretail {each}" if re.match(GROUPS, each) else each for each in written if each not in FRAGMENTS]
    return list(dict.fromkeys(each for each in whole if re.match(r"cloudretail \w|aws \w+ \w|make deploy", each)))


GROUPS = r"(dlq|orders|queues|reconcile|events) [a-zA-Z-]"
FRAGMENTS = {"orders nudge", "dlq show --json", "events replay"}
"""Names of commands, which are no commands by themselves."""

RUN = [each for each in _commands() if not each.startswith(tuple(ONLY_ON_AWS))]

PRICE = 15430
"""What the runbook's courier collects."""


def test_what_is_not_run_is_in_the_runbook_and_has_a_reason() -> None:
    for beginning in ONLY_ON_AWS:
        assert any(each.startswith(beginning) for each in _commands()), beginning


@dataclass
class Scene:
    """Makes what a command of the runbook is about."""

    shop: Shop
    operator: Person
    shopper: Shopper
    staff: Staff
    run: Callable[..., Result]
    order_id: str = ""
    known: dict[str, str] = field(default_factory=dict)

    def letters(self, consumer: str, count: int) -> list[str]:
        """Dead letters of a consumer, of a KeyError, which a replay resolves: it has done what they ask for."""
        owner = ConsumerQueue.of(consumer)
        document = json.loads(self.document())
        ids = [unique("orders:again") for _ in range(count)]
        for event_id in ids:
            said = {
                "key": event_id,
                "cause": "KeyError: 'items' at orders/domain.py:1 in decide",
                "code": "KeyError in decide (orders/domain.py)",
                "generation": 0,
                "messageId": event_id,
            }
            self.shop.sqs.send_message(
                QueueUrl=self.shop.queues[owner.dead_letter_queue],
                MessageBody=self._body(consumer, {**document, "id": event_id}),
                MessageAttributes={"failure": {"DataType": "String", "StringValue": json.dumps(said)}},
            )
        for event_id in ids:
            path = f"/ops/dead-letters/{owner.dead_letter_queue}/{event_id}"
            eventually(lambda path=path: self.operator.call("GET", path).status_code == 200)  # type: ignore[misc]
        return ids

    def document(self) -> str:
        """An event that orders have reacted to."""
        payment_id = self.order_id.replace("ord_", "pay_")
        return str(row(self.shop, "PaymentsTable", paymentId=payment_id)["outbox"]["events"][0])

    def _body(self, consumer: str, document: dict[str, str]) -> str:
        """As it is in this dead-letter queue."""
        detail = json.dumps(document)
        if consumer == "relay":
            bus = self.shop.output("EventBusName")
            entry = {"EventBusName": bus, "Source": "cloudretail.payments", "DetailType": "Any", "Detail": detail}
            return json.dumps({"entry": entry, "errorCode": "KeyError", "errorMessage": "made up"})
        if consumer == "replay-worker":
            payload = {"replayId": self.replayed()}
            return json.dumps({"requestPayload": payload, "requestContext": {"condition": "RetriesExhausted"}})
        return detail

    def replayed(self) -> str:
        """A replay that is done."""
        (letter,) = self.letters("orders", 1)
        asked = {"queue": "OrdersDlq", "messageIds": [letter], "reason": "for the runbook"}
        replay_id: str = self.operator.ok("POST", "/ops/replays", asked)["replayId"]
        eventually(lambda: self.operator.ok("GET", f"/ops/replays/{replay_id}")["state"] == "DONE")
        return replay_id

    def under_way(self) -> str:
        """A replay that takes its time."""
        asked = {"queue": "OrdersDlq", "messageIds": self.letters("orders", 4), "reason": "slowly", "rate": 0.5}
        replay_id: str = self.operator.ok("POST", "/ops/replays", asked)["replayId"]
        eventually(lambda: self.operator.ok("GET", f"/ops/replays/{replay_id}")["state"] == "RUNNING")
        return replay_id

    def cancelled(self) -> str:
        """A replay that was stopped."""
        replay_id = self.under_way()
        self.operator.ok("POST", f"/ops/replays/{replay_id}/cancel")
        eventually(lambda: self.operator.ok("GET", f"/ops/replays/{replay_id}")["state"] == "CANCELLED")
        return replay_id

    def reconciled(self) -> str:
        """A reconciliation that is done."""
        started = self.operator.ok("POST", "/ops/reconciliations", {"reason": "for the runbook"})
        path = f"/ops/reconciliations/{started['reconciliationId']}"
        eventually(lambda: self.operator.ok("GET", path)["state"] == "DONE")
        return str(started["reconciliationId"])

    def stopped(self) -> str:
        """A reconciliation that was stopped."""
        jobs = Operations(self.shop).reconciliations
        started = jobs.start(by="test", reason="for the runbook")
        jobs.cancel(started.reconciliation_id, by="test")
        assert jobs.run(started).state is JobState.CANCELLED
        return started.reconciliation_id

    def beginning(self) -> str:
        """A reconciliation whose worker begins as soon as somebody wants it stopped."""
        operations = Operations(self.shop)
        started = operations.reconciliations.start(by="test", reason="for the runbook")

        def begin() -> None:
            eventually(lambda: operations.replays.log.cancelled(started.reconciliation_id))
            operations.start_worker(reconciliationId=started.reconciliation_id)

        threading.Thread(target=begin, daemon=True).start()
        return started.reconciliation_id

    def confirmed(self) -> str:
        order_id = self.shopper.order("desk-lamp", method="COD")
        self.shopper.sees(order_id, "CONFIRMED")
        eventually(lambda: row(self.shop, "ShipmentsTable", orderId=order_id))
        return order_id

    def shipped(self) -> str:
        order_id = self.confirmed()
        assert self.staff.does(order_id, "ship", carrier="DHL", trackingNumber="00340434161094042557").is_success
        self.shopper.sees(order_id, "SHIPPED")
        return order_id

    def sent_back(self) -> tuple[str, str]:
        """An order and its return, which staff expect."""
        order_id = self.shipped()
        assert self.staff.does(order_id, "deliver", cash={"amount": PRICE, "currency": "SGD"}).is_success
        self.shopper.sees(order_id, "DELIVERED")
        body = {"lines": [{"productId": "desk-lamp", "quantity": 1}], "reason": "DAMAGED"}
        answer = self.shopper.ok("POST", f"/orders/{order_id}/returns", body, Idempotency_Key=unique("return"))
        return_id = answer["returns"][-1]["returnId"]
        eventually(lambda: return_id in json.dumps(self.staff.shipment(order_id)))
        return order_id, return_id

    def owed(self) -> tuple[str, str]:
        """An order and its refund, which a person has to pay."""
        order_id, return_id = self.sent_back()
        inspected = [{"productId": "desk-lamp", "writeOff": 1}]
        assert self.staff.does(order_id, f"returns/{return_id}/receive", lines=inspected).is_success
        path = f"/orders/{order_id}/payment"
        eventually(lambda: "TO_PAY_BY_HAND" in json.dumps(self.shopper.ok("GET", path)["refunds"]))
        return order_id, return_id

    def real(self, command: str) -> str:
        """The command with ids that there are in place of the runbook's, made so that it has something to do."""
        name = " ".join(command.split()[1:3])
        command = command.replace("QUEUE", "orders")
        if name == "dlq replay" and "MESSAGE" not in command:
            self.letters(command.split()[3], 2)
        while "MESSAGE" in command:
            command = command.replace("MESSAGE", self.letters("orders", 1)[0], 1)
        replays = {"dlq cancel": self.under_way, "dlq resume": self.cancelled}
        if "REPLAY" in command:
            command = command.replace("REPLAY", replays.get(name, self.replayed)())
        if " ID" in command:
            jobs = {"--resume": self.stopped, "--cancel": self.beginning}
            command = command.replace("ID", jobs.get(command.split()[-1], self.reconciled)())
        command = re.sub(r"\b(FUNCTION|NAME)\b", "OrdersReactions", command)
        states = {
            "shipments ship": self.confirmed,
            "shipments deliver": self.shipped,
            "shipments came-back": self.shipped,
            "shipments lost": self.shipped,
        }
        if name in states:
            command = command.replace("ord_...", states[name]()).replace("00340434...", "00340434161094042557")
        if name.startswith("returns re"):
            order_id, return_id = self.sent_back()
            command = command.replace("ord_...", order_id).replace("ret_...", return_id)
        if name == "refunds paid":
            order_id, return_id = self.owed()
            command = command.replace("ord_...", order_id).replace("REFUND", return_id)
        command = command.replace("ord_...", self.order_id)
        now = datetime.now(UTC)
        for written, at in (("2026-11-20T08:00", now - timedelta(hours=4)), ("2026-11-20T12:00", now)):
            command = command.replace(written, at.isoformat())
        # The shop of the tests is the one that is meant without it.
        return re.sub(r" --stack \S+", "", command)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runbook")


@pytest.fixture(scope="module")
def scene(local_shop: LocalShop, shop: Shop, operator: Person) -> Iterator[Scene]:
    body = {
        "productId": "desk-lamp",
        "name": "Desk lamp",
        "description": "As in the runbook",
        "category": "Tests",
        "price": {"amount": PRICE, "currency": "SGD"},
    }
    shopper = new_shopper(shop)
    staff_of(shop).ok("POST", "/admin/products", body)
    staff_of(shop).ok("POST", "/admin/stock/desk-lamp/receipts", {"quantity": 50}, Idempotency_Key=unique("key"))

    def run(line: str) -> Result:
        environment = {"CLOUDRETAIL_STATE_DIR": str(local_shop.state_dir)}
        return CliRunner().invoke(app, shlex.split(line)[1:], input="y\ny\n", env=environment)

    made = Scene(shop, operator, shopper, Staff(shop), run)
    made.order_id = made.confirmed()
    yield made
    run("cloudretail queues resume payment-worker")


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("command", RUN)
def test_a_command_of_the_runbook_does_what_it_says(
    scene: Scene, home: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(home)
    (home / "corrected.json").write_text(scene.document())
    line = scene.real(command)
    ended = scene.run(line)
    # Other tests of this shop break rules on purpose, which a reconciliation of all rows says by its exit code.
    allowed = {0, 1} if line.startswith("cloudretail reconcile") else {0}
    assert ended.exit_code in allowed, (line, ended.stdout, ended.stderr, ended.exception)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), (line, ended.exception)
    assert (ended.stdout + ended.stderr).strip(), f"{line} says nothing"
