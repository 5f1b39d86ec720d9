"""Many dead letters of one consumer, and how fast an operator lists and replays them.

They are events of a confirmed order, under ids that nobody has heard: each of their copies is consumed and comes to
nothing, as after an outage that has healed. One of them goes through the dead-letter queue and the collector; the
others are copies of its row, past the collector.
"""

import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from itertools import batched
from pathlib import Path
from typing import Any

from bench.history import PER_WRITE, Measured
from cloudretail import aws
from operations.dead_letters.domain import Selection
from operations.replays.domain import Action
from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.operations import Operations
from retail_ops.stack.shop import Shop
from tests.support.shoppers import eventually, new_product, new_shopper, row

CONSUMER, QUEUE = "notifications", "NotificationsDlq"

FASTEST = 1000
"""Messages a second, the most that a replay may be asked for."""


def ask(local: LocalShop, letters: int, note: Callable[[str], None]) -> list[Measured]:
    """Make the dead letters, list and replay them; returns how long each step took."""
    shop = local.read()
    operations = Operations(shop)
    calls: list[str] = []
    events = aws.dynamodb().meta.events
    events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))

    def measured(name: str, question: Callable[[], str]) -> Measured:
        note(name)
        calls.clear()
        began = time.perf_counter()
        found = question()
        return Measured(name, time.perf_counter() - began, len(calls), found)

    note("one dead letter, and copies of it")
    _fill(shop, letters)

    def listed() -> str:
        (found,) = [each for each in operations.dead_letters.summaries() if each.queue == QUEUE]
        return f"{found.count} in {QUEUE}, of {len(found.causes)} cause"

    def shown() -> str:
        found = operations.dead_letters.find(Selection(queue=QUEUE))
        return f"{found.count}, of {len(found.causes)} cause"

    def replayed() -> str:
        asked = operations.replays.start(
            Action.REPLAY, Selection(queue=QUEUE), by="benchmark", reason="to measure it", rate=FASTEST
        )
        operations.start_worker(replayId=asked.replay_id)
        ended = operations.carried_out(asked, lambda replay: note(f"replay: {replay.done} of {replay.planned}"))
        states = {each.state for each in operations.followed(ended, lambda done, of: note(f"{done} of {of} ended"))}
        outcomes = ", ".join(f"{count} {outcome.lower()}" for outcome, count in ended.outcomes.items())
        return f"{ended.state.lower()}, {outcomes}, all {', '.join(sorted(filter(None, states))).lower()}"

    return [
        measured("dlq list", listed),
        measured("dlq show", shown),
        measured("the command dlq list", lambda: _command(local, "dlq", "list")),
        measured(f"the command dlq show {CONSUMER}", lambda: _command(local, "dlq", "show", CONSUMER)),
        measured("replayed, each to its end", replayed),
    ]


def _fill(shop: Shop, letters: int) -> None:
    """Make the dead letters."""
    shopper = new_shopper(shop)
    order_id = shopper.order(new_product(new_shopper(shop, "operators"), stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed")
    (document,) = row(shop, "OrdersTable", orderId=order_id)["outbox"]["events"]
    first = f"{order_id}:00000"
    shop.sqs.send_message(QueueUrl=shop.queues[QUEUE], MessageBody=json.dumps({**json.loads(document), "id": first}))
    table = shop.tables["FailuresTable"]
    key = {"consumer": {"S": CONSUMER}, "eventId": {"S": first}}
    item: dict[str, Any] = eventually(lambda: shop.dynamodb.get_item(TableName=table, Key=key).get("Item", {}))
    body = zlib.decompress(item["body"]["B"]).decode()

    def copied(number: int) -> dict[str, Any]:
        event_id = f"{order_id}:{number:05d}"
        packed = zlib.compress(body.replace(first, event_id).encode())
        return {"PutRequest": {"Item": {**item, "eventId": {"S": event_id}, "body": {"B": packed}}}}

    for some in batched(map(copied, range(1, letters)), PER_WRITE, strict=False):
        puts: list[Any] = list(some)
        written = shop.dynamodb.batch_write_item(RequestItems={table: puts})
        assert not written["UnprocessedItems"], "the emulator takes all"


def _command(local: LocalShop, *words: str) -> str:
    """Run the command as a program; returns how many lines it printed."""
    program = Path(sys.executable).parent / "cloudretail"
    environment = {**os.environ, "CLOUDRETAIL_STATE_DIR": str(local.state_dir)}
    ended = subprocess.run([program, *words], env=environment, capture_output=True, text=True, check=True)
    return f"{len(ended.stdout.splitlines())} lines"
