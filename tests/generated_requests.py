"""Requests that schemathesis generates from the shop's OpenAPI description, valid and invalid, to a running shop.

Nothing may answer 5xx, and no answer may differ from the description: its status is documented, its type and its body
are as described, input that the description forbids is refused, and a route that asks for a token refuses strangers.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from retail_ops.local.local_shop import temporary_shop
from retail_ops.stack.seed import Account
from retail_ops.stack.shop import PROJECT, Shop
from tests.support.shoppers import PASSWORD, Shopper, new_product, new_shopper, sign_in

ROLES = ("anonymous", "shopper", "staff", "operator")
ENOUGH = 5000
"""Requests in each role."""

# Order and product ids that exist are among the generated ones: a made-up id is a 404 and gets no further.
# Nobody registers by itself, or a stranger would be none.
# Methods that no route has are the gateway's, and a valid request may be refused for what it asks (an empty cart).
SETTINGS = """
continue-on-failure = true
request-timeout = 60
warnings = false

[generation]
max-examples = 40
database = "none"
with-security-parameters = false

[checks]
unsupported_method.enabled = false
allow_header_conformance.enabled = false
positive_data_acceptance.enabled = false

[auth]
auto-signup = false

[phases.coverage]
unexpected-methods = []

[dictionaries]
orders = {{ values = {orders} }}
products = {{ values = {products} }}
queues = {{ values = {queues} }}

[parameters]
"path.orderId" = {{ dictionary = "orders", probability = 0.6 }}
"path.productId" = {{ dictionary = "products", probability = 0.6 }}
"path.queue" = {{ dictionary = "queues", probability = 0.6 }}
"""
SIGNED_IN = """
[auth.openapi.bearer]
bearer = "{token}"
"""


@dataclass(frozen=True)
class Ground:
    """A running shop with something in it to ask for.

    Attributes:
        shop: a local one.
        description: the OpenAPI document as it was when the shop started: the code goes on meanwhile.
        people: who asks, by role; whoever is in none is a stranger.
        orders: ids, of the shopper.
        products: ids.
    """

    shop: Shop
    description: str
    people: Mapping[str, Shopper]
    orders: Sequence[str]
    products: Sequence[str]


@dataclass(frozen=True)
class Round:
    """What became of one run of schemathesis.

    Attributes:
        answers: how many there were, by status; None stands for no answer.
        in_role: how many of them were this role's: a 401 answers somebody whose token was left out or is over.
        report: the failures in words, each with a command that repeats the request; empty where there are none.
    """

    answers: Counter[int | None]
    in_role: int
    report: str

    @property
    def by_status(self) -> str:
        return ", ".join(f"{status}: {count}" for status, count in sorted(self.answers.items(), key=str))


@contextmanager
def ground() -> Iterator[Ground]:
    """A shop of its own, on free ports, with orders in several states and a dead letter that nobody can read."""
    description = (PROJECT / "schemas" / "openapi.json").read_text()
    with temporary_shop("requests", "tests-requests") as local:
        yield furnished(local.read(), description)


def furnished(shop: Shop, description: str) -> Ground:
    """Put accounts, products, orders, a cart and a dead letter into a shop."""
    groups = {"shopper": (), "staff": ("staff",), "operator": ("operators",)}
    people = {role: new_shopper(shop, *groups[role]) for role in groups}
    shopper = people["shopper"]
    products = [new_product(people["operator"], stock=100_000) for _ in range(3)]
    orders = [shopper.reserved(product) for product in products]
    shopper.pay(orders[0], "tok_visa")
    shopper.sees(orders[0], "CONFIRMED")
    shopper.call("POST", f"/orders/{orders[1]}/cancel")
    shopper.put(products[0])
    dead = next(url for name, url in sorted(shop.queues.items()) if name.endswith("Dlq"))
    shop.sqs.send_message(QueueUrl=dead, MessageBody='{"not": "an event"}')
    return Ground(shop, description, people, orders, products)


def rounds(ground: Ground, answered: Counter[str], until: float) -> Iterator[tuple[str, Round]]:
    """Send requests in one role after the other; a role's first round with a failure is its last.

    Args:
        ground: where.
        answered: how many there were before, by role; the caller adds to it what each round has brought.
        until: a time of `time.monotonic()`; no round begins after it.
    """
    for role in ROLES:
        while answered[role] < ENOUGH and time.monotonic() < until:
            before = answered[role]
            # What does not depend on the seed is sent once.
            sent = send(ground, role, before + 1, *(() if before == 0 else ("fuzzing", "stateful")))
            yield role, sent
            if sent.report:
                break


def send(ground: Ground, role: str, seed: int, *phases: str) -> Round:
    """Run schemathesis once, for a minute or two.

    Args:
        ground: where.
        role: one of `ROLES`.
        seed: another one sends other requests.
        phases: of schemathesis; all where none is named.
    """
    shop = ground.shop
    queues = [name for name in sorted(shop.queues) if name.endswith("Dlq")]
    settings = SETTINGS.format(
        orders=json.dumps(ground.orders), products=json.dumps(ground.products), queues=json.dumps(queues)
    )
    if person := ground.people.get(role):
        # A token lasts a few minutes, and so does a run.
        account = Account(person.email, "Shopper", PASSWORD)
        settings += SIGNED_IN.format(token=sign_in(shop, account).token)
    with TemporaryDirectory(prefix="cloudretail-schemathesis-") as name:
        folder = Path(name)
        (folder / "settings.toml").write_text(settings)
        (folder / "openapi.json").write_text(ground.description)
        command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", "settings.toml", "run"]
        command += ["openapi.json", "--url", shop.api_url.removesuffix("/api")]
        command += ["--seed", str(seed), "--report", "ndjson", "--report-ndjson-path", "events.ndjson", "--no-color"]
        command += ["--phases", ",".join(phases)] if phases else []
        environment = {"PATH": os.environ["PATH"], "HOME": name}
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        answers, me = answers_in(folder / "events.ndjson")
    report = "" if ended.returncode == 0 else failures_in(ended.stdout + ended.stderr)
    if person and not me:
        report += f"The {role} was never signed in: GET /api/auth/me answered no 200."
    return Round(answers, answers.total() - (answers[401] if person else 0), report)


def answers_in(events: Path) -> tuple[Counter[int | None], bool]:
    """Read schemathesis's report.

    Returns:
        How many answers there were by status, and whether the caller was somebody.
    """
    answers: Counter[int | None] = Counter()
    me = False
    for line in events.read_text().splitlines():
        recorded: dict[str, Any] = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for interaction in recorded.get("interactions", {}).values():
            status = (interaction.get("response") or {}).get("status_code")
            answers[status] += 1
            me |= status == 200 and interaction["request"]["uri"].endswith("/api/auth/me")
    return answers, me


def failures_in(output: str) -> str:
    """What schemathesis says of its failures, without its progress before them."""
    found = re.search(r"^=+ (FAILURES|ERRORS) =+$", output, re.MULTILINE)
    return output[found.start() :] if found else output
