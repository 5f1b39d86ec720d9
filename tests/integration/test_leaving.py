"""Somebody leaves the running shop."""

import json
import zlib
from typing import Any

import pytest

from contract.auth import Eraser
from contract.values import ERASED
from retail_ops.stack.shop import Shop
from tests.support.shoppers import ADDRESS, PASSWORD, Person, Shopper, eventually, new_product, row


def let_deletions_go_on(shop: Shop) -> None:
    """As the schedule does every minute."""
    answer = shop.lambda_.invoke(FunctionName=shop.functions["AccountDeletions"], Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()


def tables_with(shop: Shop, text: str) -> set[str]:
    """The tables in which this stands anywhere, in outboxes and bodies too."""
    found = set()
    for name, physical in shop.tables.items():
        pages = shop.dynamodb.get_paginator("scan").paginate(TableName=physical, ConsistentRead=True)
        if any(text in json.dumps(item, default=_unpacked) for page in pages for item in page["Items"]):
            found.add(name)
    return found


def _unpacked(body: bytes) -> str:
    """The body of a dead letter."""
    return zlib.decompress(body).decode()


def waiting_in_queues(shop: Shop) -> int:
    wanted = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    queues = [url for name, url in shop.queues.items() if name != "PaymentWindowQueue"]
    found = [shop.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted) for url in queues]  # type: ignore[arg-type]
    return sum(int(value) for each in found for value in each["Attributes"].values())


def deletion(shop: Shop, user_id: str) -> dict[str, Any]:
    return row(shop, "DeletionsTable", userId=user_id)


def leaves(shopper: Shopper) -> Any:
    answer = shopper.call("POST", "/account/deletion", {"password": PASSWORD})
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_somebody_leaves_and_no_table_holds_their_address_any_more(
    shop: Shop, shopper: Shopper, operator: Person
) -> None:
    product = new_product(operator, stock=5)
    shopper.ok("PUT", "/account/addresses/home", {"shippingAddress": ADDRESS})
    cancelled = shopper.order(product, method="COD")
    shopper.sees(cancelled, "CONFIRMED")
    shopper.put(product)
    (wait,) = shopper.ok("GET", "/account/deletion")["waitsFor"]
    assert (wait["orderId"], wait["reason"]) == (cancelled, "ORDER")
    user_id = shopper.ok("GET", "/auth/me")["userId"]
    copy = shopper.ok("GET", "/account/export")
    assert [order["orderId"] for order in copy["orders"]] == [cancelled]
    assert copy["shipments"][0]["shippingAddress"]["line1"] == ADDRESS["line1"]
    assert {"OrderPlaced", "OrderConfirmed"} <= {mail["mail"] for mail in eventually(lambda: copy_of(shopper, 2))}

    # With an open order: it is said, and nothing is erased.
    assert [each["orderId"] for each in leaves(shopper)["waitsFor"]] == [cancelled]
    strangers = Person(shop)
    login = {"email": shopper.email, "password": PASSWORD}
    assert strangers.call("POST", "/auth/login", login).json()["type"].endswith("wrong-credentials")
    let_deletions_go_on(shop)
    assert "publishedAt" not in deletion(shop, user_id)
    assert "OrdersTable" in tables_with(shop, shopper.email)

    # The order ends (a token of before still lives, for some minutes), and all else comes by itself.
    assert shopper.call("POST", f"/orders/{cancelled}/cancel").status_code == 202
    eventually(lambda: row(shop, "OrdersTable", orderId=cancelled)["status"], lambda status: status == "CANCELLED")

    def is_published() -> bool:
        let_deletions_go_on(shop)
        return "publishedAt" in deletion(shop, user_id)

    eventually(is_published)
    eventually(lambda: deletion(shop, user_id), lambda found: len(found.get("erased", ())) == len(Eraser))
    assert tables_with(shop, shopper.email) == set()
    assert tables_with(shop, user_id) >= {"OrdersTable"}, "the order itself is kept"
    assert row(shop, "OrdersTable", orderId=cancelled)["userEmail"] == ERASED
    eventually(lambda: waiting_in_queues(shop), lambda count: count == 0)
    with pytest.raises(shop.cognito.exceptions.UserNotFoundException):
        shop.cognito.admin_get_user(UserPoolId=shop.output("UserPoolId"), Username=shopper.email)


def copy_of(shopper: Shopper, mails: int) -> list[Any]:
    found: list[Any] = shopper.ok("GET", "/account/export")["mails"]
    return found if len(found) >= mails else []
