"""A table is set back to an earlier state, and the shop goes on with it: the runbook's steps, on a shop of its own."""

import json
from collections.abc import Iterator

import pytest

from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.shop import Shop
from tests.conftest import NewShop
from tests.support.shoppers import Shopper, eventually, new_product, new_shopper, row

pytestmark = pytest.mark.proof

RESTORED = "orders-restored"


@pytest.fixture(scope="module")
def running(new_shop: NewShop) -> Iterator[LocalShop]:
    with new_shop("drill") as local:
        yield local


def restored(shop: Shop) -> dict[str, str]:
    """Restore the table of orders, with a stream; returns the parameters by which the stack takes it."""
    db = shop.dynamodb
    db.restore_table_to_point_in_time(
        SourceTableName=shop.tables["OrdersTable"], TargetTableName=RESTORED, UseLatestRestorableTime=True
    )
    eventually(lambda: db.describe_table(TableName=RESTORED)["Table"]["TableStatus"], lambda state: state == "ACTIVE")
    db.update_table(TableName=RESTORED, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    stream = eventually(lambda: db.describe_table(TableName=RESTORED)["Table"].get("LatestStreamArn", ""))
    return {"OrdersTableName": RESTORED, "OrdersTableStreamArn": stream, "Epoch": "1"}


def versions(shop: Shop, order_id: str) -> set[str]:
    """Epoch and version in the ids of the last events of an order."""
    events = row(shop, "OrdersTable", orderId=order_id)["outbox"]["events"]
    return {json.loads(event)["id"].split(":")[2] for event in events}


def confirmed(shopper: Shopper, product: str) -> str:
    order_id = shopper.order(product, method="COD")
    shopper.sees(order_id, "CONFIRMED")
    return order_id


def test_the_shop_goes_on_with_a_restored_table_by_events_that_nobody_had_before(running: LocalShop) -> None:
    shop = running.read()
    shopper, product = new_shopper(shop), new_product(new_shopper(shop, "operators"), stock=5)
    old, touched = confirmed(shopper, product), confirmed(shopper, product)
    assert versions(shop, old) == {"3"}
    own = shop.tables["OrdersTable"]

    shop = running.redeploy(restored(shop))

    assert shop.tables["OrdersTable"] == RESTORED != own
    assert shopper.ok("GET", f"/orders/{old}")["status"] == "CONFIRMED"
    new = confirmed(shopper, product)
    assert versions(shop, new) == {"1.3"}
    shopper.ok("POST", f"/orders/{touched}/cancel")
    shopper.sees(touched, "CANCELLED")
    assert versions(shop, touched) == {"1.5"}
    # Of what was restored nobody was told again: its one mail of each kind is the one from before.
    assert versions(shop, old) == {"3"}
    shopper.mailed_about(old, "OrderPlaced", "OrderConfirmed")
    shopper.mailed_about(new, "OrderPlaced", "OrderConfirmed")
