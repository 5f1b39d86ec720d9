"""The design that this one replaces, for comparison: one request that does everything, one step after the other.

The same rows, the same emulator and the same provider, called by the same client library; what is missing is everything
that makes it safe: the outbox, the queues, and an answer for what happens when a step in the middle fails.
"""

import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from retail_ops.stack.shop import Shop
from tests.support.shoppers import new_product, new_shopper


def run(shop: Shop, *, clients: int, orders: int, provider_seconds: float) -> Sequence[float]:
    """Milliseconds of each checkout that reserves, charges, confirms and mails before it answers.

    Args:
        shop: a running one; its tables are used, its functions are not.
        clients: at the same time.
        orders: in all.
        provider_seconds: how long the payment provider takes.
    """
    product = new_product(new_shopper(shop, "operators"), stock=orders)

    def check_out(_: int) -> float:
        started = time.perf_counter()
        order = {"S": f"sync_{uuid.uuid4().hex}"}
        database, tables = shop.dynamodb, shop.tables
        database.get_item(TableName=tables["ProductsTable"], Key={"productId": {"S": product}})
        database.put_item(
            TableName=tables["SandboxChargesTable"], Item={"chargeKey": order, "outcome": {"S": "PENDING"}}
        )
        database.update_item(
            TableName=tables["InventoryTable"],
            Key={"productId": {"S": product}},
            UpdateExpression="ADD availableQty :minus, soldQty :one",
            ConditionExpression="availableQty >= :one",
            ExpressionAttributeValues={":one": {"N": "1"}, ":minus": {"N": "-1"}},
        )
        time.sleep(provider_seconds)
        database.update_item(
            TableName=tables["SandboxChargesTable"],
            Key={"chargeKey": order},
            UpdateExpression="SET outcome = :done",
            ExpressionAttributeValues={":done": {"S": "CONFIRMED"}},
        )
        mail = {"Simple": {"Subject": {"Data": "Confirmed"}, "Body": {"Text": {"Data": "Confirmed"}}}}
        sender, receiver = "shop@cloudretail.example", {"ToAddresses": ["bench@cloudretail.example"]}
        ses.send_email(FromEmailAddress=sender, Destination=receiver, Content=mail)  # type: ignore[arg-type]
        return (time.perf_counter() - started) * 1000

    ses = shop.session.client("sesv2", endpoint_url=shop.endpoint)
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(check_out, range(orders)))
