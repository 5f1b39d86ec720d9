"""Orders of several kinds, each brought to its end by those who take part in it, and what each of them takes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from bench.counts import Count, Ledger
from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.shop import Shop
from tests.support.shoppers import PASSWORD, Shopper, eventually, new_product, new_shopper, row, unique
from tests.support.staff import Staff

WINDOW = 4
"""Seconds for which a counted shop holds an order that is not paid: its end is a message that every order takes."""

STILL = 1.0
"""Seconds without a call, after which nothing more comes of an order that has come to its end."""


@dataclass(frozen=True)
class People:
    """Who takes part in an order.

    Attributes:
        shop: a running one, whose calls are counted.
        shopper: who orders.
        staff: who ship and take back.
        product: of which there is enough.
    """

    shop: Shop
    shopper: Shopper
    staff: Staff
    product: str

    def placed(self, method: str | None = None) -> str:
        """An order of one piece, as a storefront places it; returns its id."""
        cart = self.shopper.put(self.product)
        answer = self.shopper.check_out(method=method, version=cart["version"])
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        order_id: str = answer.json()["orderId"]
        return order_id

    def comes_to(self, order_id: str, **wanted: str) -> None:
        """Wait until the rows of an order have these statuses; no function is asked.

        Args:
            order_id: of the order.
            wanted: the status in the table of orders, payments, reservations or shipments, or of a mail, by its kind.
        """
        for name, status in wanted.items():
            table, key = (
                ROWS[name](order_id) if name in ROWS else ("SentMailsTable", {"orderId": order_id, "mail": name})
            )
            eventually(partial(self._status, table, key), status.__eq__)

    def refunds(self, order_id: str) -> list[dict[str, Any]]:
        """The refunds of an order's payment, once there are some."""
        table, key = ROWS["payment"](order_id)
        found: list[dict[str, Any]] = eventually(lambda: row(self.shop, table, **key)["refunds"])
        return found

    def _status(self, table: str, key: Mapping[str, str]) -> str:
        return str(row(self.shop, table, **key).get("status"))


ROWS: Mapping[str, Callable[[str], tuple[str, dict[str, str]]]] = {
    "order": lambda order_id: ("OrdersTable", {"orderId": order_id}),
    "payment": lambda order_id: ("PaymentsTable", {"paymentId": order_id.replace("ord_", "pay_")}),
    "reservation": lambda order_id: ("ReservationsTable", {"orderId": order_id}),
    "shipment": lambda order_id: ("ShipmentsTable", {"orderId": order_id}),
}
"""Table and key of an order's rows."""

BOUGHT = {"order": "CONFIRMED", "payment": "SUCCEEDED", "reservation": "COMMITTED", "shipment": "TO_SHIP"}
"""What an order has come to once it is paid, besides its mails."""


def cash(people: People) -> str:
    """Cash on delivery, chosen at checkout."""
    order_id = people.placed("COD")
    people.comes_to(order_id, **BOUGHT, OrderPlaced="SENT", OrderConfirmed="SENT")
    return order_id


def card(people: People) -> str:
    """By card, once the goods are held."""
    order_id = people.placed()
    people.comes_to(order_id, order="RESERVED")
    assert people.shopper.pay(order_id, "tok_visa").is_success
    people.comes_to(order_id, **BOUGHT, OrderPlaced="SENT", OrderConfirmed="SENT")
    return order_id


def declined(people: People) -> str:
    """The card is declined three times."""
    order_id = people.placed()
    people.comes_to(order_id, order="RESERVED")
    for attempt in range(1, 4):
        assert people.shopper.pay(order_id, "tok_declined").is_success
        people.comes_to(order_id, payment="FAILED" if attempt == 3 else "OPEN")
    people.comes_to(order_id, order="CANCELLED", reservation="RELEASED", OrderCancelled="SENT")
    return order_id


def expired(people: People) -> str:
    """Nobody pays in time."""
    order_id = people.placed()
    people.comes_to(
        order_id, payment="FAILED", order="CANCELLED", reservation="RELEASED", OrderPlaced="SENT", OrderCancelled="SENT"
    )
    return order_id


def cancelled(people: People) -> str:
    """Paid by card, and cancelled before the parcel has gone: the money goes back."""
    order_id = card(people)
    assert people.shopper.call("POST", f"/orders/{order_id}/cancel").is_success
    people.comes_to(order_id, shipment="CANCELLED", order="CANCELLED", reservation="RELEASED", OrderCancelled="SENT")
    (refund,) = people.refunds(order_id)
    people.comes_to(order_id, **{f"PaymentRefunded#{refund['refundId']}": "SENT"})
    return order_id


def returned(people: People) -> str:
    """By card, shipped, delivered, sent back and taken in: the money goes back."""
    order_id = card(people)
    people.staff.does(order_id, "ship", carrier="DHL", trackingNumber="00340434161094042557")
    people.comes_to(order_id, order="SHIPPED", ShipmentDispatched="SENT")
    people.staff.does(order_id, "deliver")
    people.comes_to(order_id, order="DELIVERED", ShipmentDelivered="SENT")
    body = {"lines": [{"productId": people.product, "quantity": 1}], "reason": "CHANGED_MIND"}
    answer = people.shopper.ok("POST", f"/orders/{order_id}/returns", body, Idempotency_Key=unique("return"))
    return_id = answer["returns"][-1]["returnId"]
    people.comes_to(order_id, **{f"ReturnRequested#{return_id}": "SENT"})
    lines = [{"productId": people.product, "restock": 1, "writeOff": 0}]
    assert people.staff.does(order_id, f"returns/{return_id}/receive", lines=lines).is_success
    people.comes_to(order_id, **{f"{about}#{return_id}": "SENT" for about in ("ReturnReceived", "PaymentRefunded")})
    return order_id


def visit(people: People) -> str:
    """Ten requests: log in, look at the catalogue four times, fill and see the cart, check out, pay, see the order."""
    shopper = people.shopper
    login = {"email": shopper.email, "password": PASSWORD}
    assert shopper.call("POST", "/auth/login", login).is_success
    for path in ("/products", "/products?category=Tests", f"/products/{people.product}", "/products?sort=price"):
        assert shopper.call("GET", path).is_success
    order_id = people.placed()
    people.comes_to(order_id, order="RESERVED")
    assert shopper.pay(order_id).is_success
    people.comes_to(order_id, **BOUGHT, OrderPlaced="SENT", OrderConfirmed="SENT")
    assert shopper.call("GET", f"/orders/{order_id}").is_success
    return order_id


KINDS: Mapping[str, Callable[[People], str]] = {
    "cash": cash,
    "card": card,
    "declined": declined,
    "expired": expired,
    "cancelled": cancelled,
    "returned": returned,
    "visit": visit,
}


class Counting:
    """Counts orders in a shop that was started for it.

    Args:
        local: a counted one, with a payment window of WINDOW.
    """

    def __init__(self, local: LocalShop) -> None:
        self._local = local
        self._ledger = Ledger(local.read(), local.calls.read_text)
        shop = local.read()
        shopper = new_shopper(shop)
        self._people = People(shop, shopper, Staff(shop), new_product(shopper, stock=1000))
        for kind in (cash, cancelled):  # Until every worker runs, and the product's row is as long as it gets.
            self.lines(kind)

    def count(self, kind: str) -> Count:
        """What one order of this kind takes, once nothing more comes of it."""
        return Count.of(self.lines(KINDS[kind]))

    def lines(self, kind: Callable[[People], str]) -> list[Any]:
        """The calls and invocations of one order."""
        self._ledger.skip()
        kind(self._people)
        self._wait_until_still()
        return list(self._ledger.take())

    def _wait_until_still(self) -> None:
        """Until every queue is empty and nobody has called anybody for a moment."""
        eventually(lambda: not any(map(self._waiting, self._people.shop.queues.values())))
        size = -1
        while size != (size := self._local.calls.stat().st_size):
            time.sleep(STILL)

    def _waiting(self, queue: str) -> int:
        names = ["", "NotVisible", "Delayed"]
        found = self._people.shop.sqs.get_queue_attributes(
            QueueUrl=queue,
            AttributeNames=[f"ApproximateNumberOfMessages{name}" for name in names],  # type: ignore[misc]
        )
        return sum(int(count) for count in found["Attributes"].values())
