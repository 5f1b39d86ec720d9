"""A shop with a long history, and how fast its operators find something in it.

Some orders are really placed, paid, shipped and cancelled. Their rows are then copied as often as is wanted, under
other ids and earlier dates, into the emulator's tables: past the services, but each as a service has written it.
Counters and accounts say the same as the copies, so that the shop reconciles but for the orders that are stuck.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

import httpx
import psutil

from cloudretail import aws
from retail_ops.local.local_shop import LocalShop, State
from retail_ops.stack.operations import Operations
from retail_ops.stack.shop import Shop
from tests.support.rules import disabled
from tests.support.shoppers import Shopper, eventually, new_product, new_shopper, row
from tests.support.staff import Staff

PER_WRITE = 25
"""Rows of one BatchWriteItem. Source: DynamoDB quotas."""

KEYS = {
    "OrdersTable": "orderId",
    "ReservationsTable": "orderId",
    "PaymentsTable": "paymentId",
    "ShipmentsTable": "orderId",
}
"""By table, the key that an order's rows have; the mails, which nobody reads as a whole, are left out."""


@dataclass(frozen=True)
class Kind:
    """Orders that have come to the same.

    Attributes:
        share: of all.
        days: how long ago they were placed.
        sold: whether their pieces are sold.
    """

    share: float
    days: int
    sold: bool


KINDS = {
    "delivered": Kind(0.87, 30, sold=True),
    "cancelled": Kind(0.08, 30, sold=False),
    "shipped": Kind(0.03, 1, sold=True),
    "confirmed": Kind(0.02, 1, sold=True),
}
"""Most orders have arrived, a few are under way."""

STUCK = 20
"""Orders of which inventory has never heard."""


@dataclass(frozen=True)
class Pattern:
    """The rows of a real order.

    Attributes:
        order_id: its own.
        user_id: its shopper's.
        product: of which it has a piece.
        rows: the table of each, and the row in DynamoDB's JSON.
    """

    order_id: str
    user_id: str
    product: str
    rows: Sequence[tuple[str, str]]

    def copy(self, number: int, days: int) -> Iterator[tuple[str, str]]:
        """The rows of another order like it, so many days ago, with the table of each."""
        suffix, other = self.order_id.removeprefix("ord_"), _suffix(number)
        for table, text in self.rows:
            copied = text.replace(suffix, other).replace(suffix[:10].upper(), other[:10])
            yield table, _earlier(copied.replace(self.user_id, f"user-{number}"), days)


def _suffix(number: int) -> str:
    """Of an order's id: ten characters for people, which tell it from all others, and ten more."""
    return f"{number:010d}{0:010d}"


def _earlier(text: str, days: int) -> str:
    return re.sub(
        r"20\d\d-\d\d-\d\d(?=T)",
        lambda date: f"{datetime.fromisoformat(date[0]) - timedelta(days=days):%Y-%m-%d}",
        text,
    )


def fill(shop: Shop, orders: int, note: Callable[[str], None]) -> int:
    """Give a shop so many orders more; returns how many rows were written."""
    note("some orders are really placed")
    patterns = _patterns(shop)
    _silence(shop)
    plan = [(patterns[name], kind, round(orders * kind.share)) for name, kind in KINDS.items()]
    plan.append((patterns["placed"], Kind(0, 1, sold=False), STUCK))
    written, first = 0, 1
    with ThreadPoolExecutor(2) as pool:
        for pattern, kind, count in plan:
            numbers = range(first, first + count)
            first += count
            rows = (row for number in numbers for row in pattern.copy(number, kind.days))
            for done in pool.map(lambda batch: _write(shop, batch), batched(rows, PER_WRITE, strict=False)):
                written += done
                if written % 1000 < PER_WRITE:
                    note(f"{written} rows written")
            if kind.sold:
                _sell(shop, pattern.product, count)
            elif pattern is patterns["placed"]:
                _hold(shop, pattern, numbers)
    return written


def _patterns(shop: Shop) -> dict[str, Pattern]:
    """One real order of each kind, and one of which inventory has not heard."""
    shopper, staff = new_shopper(shop), Staff(shop)
    product = new_product(new_shopper(shop, "operators"), stock=20)
    orders = {name: _paid(shopper, product) for name in KINDS}
    for name in ("delivered", "shipped"):
        staff.does(orders[name], "ship", carrier="DHL", trackingNumber="00340434161094042557")
        shopper.sees(orders[name], "SHIPPED")
    staff.does(orders["delivered"], "deliver")
    shopper.sees(orders["delivered"], "DELIVERED")
    assert shopper.call("POST", f"/orders/{orders['cancelled']}/cancel").status_code == httpx.codes.ACCEPTED
    shopper.sees_event(orders["cancelled"], "PaymentRefunded")
    with disabled(shop, "InventoryRule"):
        orders["placed"] = shopper.order(product, method="COD")
        eventually(lambda: row(shop, "PaymentsTable", paymentId=orders["placed"].replace("ord_", "pay_")))
    return {name: _pattern(shop, order_id, product) for name, order_id in orders.items()}


def _paid(shopper: Shopper, product: str) -> str:
    order_id = shopper.reserved(product)
    shopper.pay(order_id, "tok_visa")
    shopper.sees(order_id, "CONFIRMED")
    eventually(lambda: row(shopper.shop, "ShipmentsTable", orderId=order_id))
    eventually(lambda: row(shopper.shop, "ReservationsTable", orderId=order_id).get("status") == "COMMITTED")
    return order_id


def _pattern(shop: Shop, order_id: str, product: str) -> Pattern:
    found: list[tuple[str, str]] = []
    for table, key in KEYS.items():
        value = order_id.replace("ord_", "pay_") if key == "paymentId" else order_id
        items = shop.dynamodb.query(
            TableName=shop.tables[table],
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues={":value": {"S": value}},
        )["Items"]
        found += [(table, json.dumps(_published(item))) for item in items]
    charges = shop.dynamodb.scan(TableName=shop.tables["SandboxChargesTable"])["Items"]
    payment_id = order_id.replace("ord_", "pay_")
    found += [("SandboxChargesTable", json.dumps(each)) for each in charges if payment_id in each["chargeKey"]["S"]]
    user_id = row(shop, "OrdersTable", orderId=order_id)["userId"]
    return Pattern(order_id, user_id, product, found)


def _published(item: dict[str, Any]) -> dict[str, Any]:
    """A row whose events were published long ago: the relay has nothing to do with the copy."""
    if "outbox" not in item:
        return item
    return item | {"version": {"N": str(int(item["version"]["N"]) + 1)}}


def _silence(shop: Shop) -> None:
    """Nobody reads the streams meanwhile: there is nothing in them to be published."""
    for mapping in shop.lambda_.list_event_source_mappings()["EventSourceMappings"]:
        if ":dynamodb:" in mapping["EventSourceArn"]:
            shop.lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    for table in KEYS:
        shop.dynamodb.update_table(TableName=shop.tables[table], StreamSpecification={"StreamEnabled": False})


def _write(shop: Shop, rows: Sequence[tuple[str, str]]) -> int:
    """One BatchWriteItem, as text: to parse and sign it would take longer than to write it."""
    puts: dict[str, list[str]] = {}
    for table, text in rows:
        puts.setdefault(shop.tables[table], []).append(f'{{"PutRequest": {{"Item": {text}}}}}')
    items = ", ".join(f"{json.dumps(table)}: [{', '.join(each)}]" for table, each in puts.items())
    credentials = shop.session.get_credentials()
    assert shop.endpoint and credentials
    scope = f"{credentials.access_key}/20260101/{shop.session.region_name}/dynamodb/aws4_request"
    answer = httpx.post(
        shop.endpoint,
        content=f'{{"RequestItems": {{{items}}}}}',
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        },
        timeout=120,
    )
    answer.raise_for_status()
    assert not answer.json().get("UnprocessedItems"), answer.text
    return len(rows)


def _sell(shop: Shop, product: str, pieces: int) -> None:
    """The counters say what the copies' reservations say, and have for a day."""
    shop.dynamodb.update_item(
        TableName=shop.tables["InventoryTable"],
        Key={"productId": {"S": product}},
        UpdateExpression="SET updatedAt = :at ADD receivedQty :pieces, soldQty :pieces",
        ExpressionAttributeValues={
            ":pieces": {"N": str(pieces)},
            ":at": {"S": (datetime.now(UTC) - timedelta(days=1)).isoformat()},
        },
    )


def _hold(shop: Shop, pattern: Pattern, numbers: Sequence[int]) -> None:
    """The copies' accounts hold them."""
    held = shop.dynamodb.get_item(TableName=shop.tables["LimitsTable"], Key={"userId": {"S": pattern.user_id}})
    for number in numbers:
        item: dict[str, Any] = {"userId": {"S": f"user-{number}"}, "version": {"N": "1"}}
        item[f"ord_{_suffix(number)}"] = held["Item"][pattern.order_id]
        shop.dynamodb.put_item(TableName=shop.tables["LimitsTable"], Item=item)


# --- questions ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """One question.

    Attributes:
        name: of it.
        seconds: until its answer.
        calls: to DynamoDB; of a job, those of whoever follows it.
        found: in words.
        megabytes: of the worker, at the most; None where nobody worked.
    """

    name: str
    seconds: float
    calls: int
    found: str
    megabytes: float | None = None


def ask(local: LocalShop, orders: int) -> list[Measured]:
    """What operators ask, and how long it takes."""
    operations = Operations(local.read())
    calls: list[str] = []
    aws.dynamodb().meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))

    def measured(name: str, question: Callable[[], str]) -> Measured:
        calls.clear()
        began = time.perf_counter()
        found = question()
        return Measured(name, time.perf_counter() - began, len(calls), found)

    def stuck() -> str:
        found = operations.diagnosis.stuck(timedelta(minutes=15))
        return f"{len(found.items)} stuck, {found.unread} not looked at"

    some = _suffix(orders // 2)
    # Clients and settings are there once something was asked.
    _traced(operations, f"ord_{some}")
    asked = [
        measured("orders stuck", stuck),
        measured("orders trace, by id", lambda: _traced(operations, f"ord_{some}")),
        measured("orders trace, by number", lambda: _traced(operations, some[:10])),
    ]
    return [*asked, _reconciled(local, operations)]


def _traced(operations: Operations, order: str) -> str:
    return f"{len(operations.diagnosis.trace(order).entries)} entries"


def _reconciled(local: LocalShop, operations: Operations) -> Measured:
    most = 0.0
    began = time.perf_counter()
    job = operations.reconciliations.start(by="benchmark", reason="to measure it")
    operations.start_worker(reconciliationId=job.reconciliation_id)

    def watch(_: object) -> None:
        nonlocal most
        most = max(most, _worker_megabytes(local))

    done = operations.reconciled(job, watch)
    found = f"{done.state.lower()}: {done.rows} rows, {done.violations} violations"
    return Measured("reconcile", time.perf_counter() - began, 0, found, most)


def _worker_megabytes(local: LocalShop) -> float:
    """Resident, of the replay worker's process."""
    state = State.read(local.state_dir / "shop.json")
    assert state is not None
    workers = [
        process.memory_info().rss / 2**20
        for process in psutil.Process(state.emulator.pid).children(recursive=True)
        if "ReplayWorker" in process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
    ]
    return max(workers, default=0.0)
