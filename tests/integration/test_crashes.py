"""A worker that is killed in the middle leaves nothing half done after redelivery."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from retail_ops.local.local_shop import LocalShop, State
from retail_ops.stack.shop import Shop
from tests.support.shoppers import Person, Shopper, counters, eventually, new_product, new_shopper, row

REACTIONS = (
    "Relay",
    "InventoryReactions",
    "OrdersReactions",
    "PaymentsReactions",
    "PaymentWorkerReactions",
    "NotificationsReactions",
)
CONSUMERS = ("Inventory", "Orders", "Payments", "PaymentWorker", "Notifications")
ORDERS = 12
KILLS_EACH = 2


@contextmanager
def quick_redelivery(shop: Shop) -> Iterator[None]:
    """What a dead worker held comes again soon: the template's minute is long for a test.

    Not sooner than a function may take, or a slow delivery would be counted twice.
    """
    for consumer in CONSUMERS:
        shop.sqs.set_queue_attributes(QueueUrl=shop.queues[f"{consumer}Queue"], Attributes={"VisibilityTimeout": "12"})
    try:
        yield
    finally:
        for consumer in CONSUMERS:
            shop.sqs.set_queue_attributes(
                QueueUrl=shop.queues[f"{consumer}Queue"], Attributes={"VisibilityTimeout": "60"}
            )


def kill_workers(local: LocalShop, function: str) -> int:
    """Kill every process that runs this function, whatever it is doing; returns how many there were."""
    state = State.read(local.state_dir / "shop.json")
    assert state is not None
    killed = 0
    for process in psutil.Process(state.emulator.pid).children(recursive=True):
        try:
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == function:
                process.kill()
                killed += 1
        except psutil.Error:
            continue
    return killed


def test_orders_survive_the_death_of_every_worker_on_their_way(
    local_shop: LocalShop, shop: Shop, operator: Person
) -> None:
    product = new_product(operator, stock=ORDERS)
    shoppers = [new_shopper(shop) for _ in range(ORDERS)]
    placed: list[tuple[Shopper, str]] = []

    def shop_on() -> None:
        for number, shopper in enumerate(shoppers):
            # Only cards need the worker.
            order_id = shopper.order(product, method="COD" if number % 2 else None)
            if number % 2 == 0:
                assert shopper.pay(order_id, "tok_visa").status_code == 202
            placed.append((shopper, order_id))

    killed = dict.fromkeys(REACTIONS, 0)
    with quick_redelivery(shop):
        shopping = threading.Thread(target=shop_on)
        shopping.start()
        # While orders are on their way: as soon as a worker is back, it dies again.
        while shopping.is_alive() and min(killed.values()) < KILLS_EACH:
            for name in REACTIONS:
                if killed[name] < KILLS_EACH:
                    killed[name] += kill_workers(local_shop, shop.functions[name]) > 0
        shopping.join()
        assert len(placed) == ORDERS
        for shopper, order_id in placed:
            shopper.sees(order_id, "CONFIRMED")
        for _, order_id in placed:
            eventually(
                lambda order_id=order_id: row(shop, "ReservationsTable", orderId=order_id),  # type: ignore[misc]
                lambda reservation: reservation["status"] == "COMMITTED",
            )
            assert row(shop, "PaymentsTable", paymentId=order_id.replace("ord_", "pay_"))["attempts"] == 1
        charges = shop.dynamodb.scan(TableName=shop.tables["SandboxChargesTable"])["Items"]
        payments = {order_id.replace("ord_", "pay_") for _, order_id in placed}
        taken = [charge for charge in charges if charge["chargeKey"]["S"].partition(":")[0] in payments]
        assert [charge["outcome"]["S"] for charge in taken] == ["ACCEPTED"] * (ORDERS // 2)
        assert counters(shop, product) == (0, 0, ORDERS)
        for shopper, order_id in placed:
            shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed")
    assert all(killed.values()), f"not every worker was killed: {killed}"
