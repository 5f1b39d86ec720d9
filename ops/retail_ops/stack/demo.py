"""Orders in many states for a local shop, so that no page of the back office is empty.

Everything goes through the HTTP API: customers order, pay and return goods, staff ship parcels and receive returns.
Nothing is written into a table. A second run goes on where the first one stopped, and does nothing twice.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from orders.domain import order_id_of
from retail_ops.errors import OpsError
from retail_ops.progress import Note
from retail_ops.stack.api import Api
from retail_ops.stack.seed import STAFF, Account, create_accounts
from retail_ops.stack.shop import Shop

PATIENCE = 60.0
"""Seconds to wait for the effect of an event."""

CUSTOMERS = tuple(Account(f"customer-{n}@cloudretail.example", f"Customer {n}", "Customer-2026") for n in (1, 2, 3))

SINGAPORE = {
    "line1": "1 Market Street",
    "city": "Singapore",
    "postalCode": "048941",
    "country": "SG",
    "phone": "+6581234567",
}
SYDNEY = {"line1": "1 Harbour Street", "city": "Sydney", "state": "NSW", "postalCode": "2000", "country": "AU"}

type Step = Callable[["Deeds", str], None]
"""Something that is done with an order."""


@dataclass(frozen=True)
class Story:
    """An order, and what happens to it.

    Attributes:
        customer: index into CUSTOMERS.
        lines: product and pieces.
        steps: what is done with it, in this order.
        cash: whether it is paid in cash on delivery.
        address: where it goes. If the shop does not ship there, it goes to Singapore.
    """

    customer: int
    lines: Mapping[str, int]
    steps: tuple[Step, ...] = ()
    cash: bool = False
    address: Mapping[str, str] = field(default_factory=lambda: SINGAPORE)


@dataclass(frozen=True)
class Deeds:
    """The actions of a customer and of staff on an order.

    Attributes:
        customer: a client that is signed in as the customer.
        staff: a client that is signed in as a member of staff.
    """

    customer: Api
    staff: Api

    def pay(self, order: str) -> None:
        self._sees(order, lambda seen: seen["status"] != "PENDING")
        self._submit(order, "tok_visa", lambda seen: seen["status"] == "RESERVED")
        self._sees(order, lambda seen: seen["status"] != "RESERVED")

    def be_declined(self, order: str) -> None:
        def declined(seen: dict[str, Any]) -> bool:
            return any(step["event"] == "PaymentDeclined" for step in seen["story"])

        self._sees(order, lambda seen: seen["status"] != "PENDING")
        self._submit(order, "tok_declined", lambda seen: seen["status"] == "RESERVED" and not declined(seen))
        self._sees(order, lambda seen: declined(seen) or seen["status"] != "RESERVED")

    def _submit(self, order: str, token: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
        if wanted(self._order(order)):
            body = {"method": "CARD", "cardToken": token}
            self.customer.call("POST", f"/orders/{order}/payment", body, accept=(409,))

    def cancel(self, order: str) -> None:
        self.customer.call("POST", f"/orders/{order}/cancel", accept=(409,))

    def call_off(self, order: str) -> None:
        self._does(order, "cancel", {"note": "Sorry, it broke while we packed it."})

    def ship(self, order: str) -> None:
        self._does(order, "ship", {"carrier": "SingPost", "trackingNumber": f"SP{order[4:13].upper()}SG"})

    def deliver(self, order: str) -> None:
        due = self._shipment(order)["cashDue"]
        self._does(order, "deliver", {"cash": due} if due else {})
        self._sees(order, lambda seen: seen["status"] == "DELIVERED")

    def come_back_broken(self, order: str) -> None:
        lines = [{"productId": item["productId"], "writeOff": item["quantity"]} for item in self._order(order)["items"]]
        self._does(order, "came-back", {"reason": "REFUSED", "lines": lines})

    def lose(self, order: str) -> None:
        self._does(order, "lost", {})

    def send_back(self, order: str) -> None:
        """Return one piece of the first line."""
        product = self._order(order)["items"][0]["productId"]
        body = {"lines": [{"productId": product, "quantity": 1}], "reason": "CHANGED_MIND"}
        self.customer.call("POST", f"/orders/{order}/returns", body, idempotency_key="demo-return")

    def receive_return(self, order: str) -> None:
        announced = _until(lambda: self._shipment(order)["returns"], bool, f"the return of {order}")[0]
        lines = [{"productId": line["productId"], "restock": line["quantity"]} for line in announced["lines"]]
        self._does(order, f"returns/{announced['returnId']}/receive", {"lines": lines})

    def _order(self, order: str) -> dict[str, Any]:
        found: dict[str, Any] = self.customer.call("GET", f"/orders/{order}").json()
        return found

    def _shipment(self, order: str) -> dict[str, Any]:
        def shipment() -> dict[str, Any] | None:
            answer = self.staff.call("GET", f"/admin/shipments/{order}", accept=(404,))
            return answer.json() if answer.is_success else None

        found = _until(shipment, bool, f"the parcel of {order}")
        assert found
        return found

    def _does(self, order: str, action: str, body: dict[str, Any]) -> None:
        """Do an action of staff, once the back office has received the order."""
        if action != "cancel":
            self._shipment(order)
        self.staff.call("POST", f"/admin/orders/{order}/{action}", body)

    def _sees(self, order: str, is_so: Callable[[dict[str, Any]], bool]) -> None:
        _until(lambda: self._order(order), is_so, f"the order {order}")


_SHIPPED = (Deeds.pay, Deeds.ship)
_DELIVERED = (*_SHIPPED, Deeds.deliver)
_RETURNED = (Deeds.send_back, Deeds.receive_return)

STORIES = (
    Story(0, {"canvas-backpack": 1, "morning-mug": 2}, (Deeds.pay,)),
    Story(0, {"stoneware-teapot": 1}, (Deeds.pay,)),
    Story(0, {"beeswax-candle": 4, "twin-bell-alarm": 1}, cash=True),
    Story(0, {"brass-compass": 1}),
    Story(0, {"sun-hat": 1}, (Deeds.be_declined,)),
    Story(1, {"lambswool-scarf": 2}, _SHIPPED),
    Story(1, {"cast-iron-pan": 1}, (Deeds.ship,), cash=True),
    Story(1, {"teddy-bear": 2, "fountain-pen": 1}, (*_DELIVERED, Deeds.send_back)),
    Story(
        1, {"lacquered-chopsticks": 3}, (Deeds.ship, Deeds.deliver, Deeds.send_back, Deeds.receive_return), cash=True
    ),
    Story(1, {"watercolour-palette": 1}, (Deeds.cancel,)),
    Story(2, {"polarised-sunglasses": 1}, (Deeds.pay,), address=SYDNEY),
    Story(2, {"maple-skateboard": 1, "travel-pouch": 3}, (Deeds.pay,), address=SYDNEY),
    Story(2, {"chefs-knife": 1}, (*_SHIPPED, Deeds.come_back_broken)),
    Story(2, {"picnic-basket": 1}, (Deeds.pay, Deeds.call_off)),
    Story(2, {"kitchen-radio": 1}, (*_DELIVERED, *_RETURNED)),
    Story(2, {"potted-rubber-fig": 1}, (*_SHIPPED, Deeds.lose)),
)
"""To ship: five. Waiting for the shopper, with one card declined; under way; delivered, with a return that is to come,
one that was taken, and cash to be paid back by hand; cancelled by either side; come back, and lost."""

THRESHOLDS = {"antique-violin": 5, "hand-bound-journal": 10, "featherlight-laptop": 10, "city-bicycle": 10}
ADJUSTMENTS = {
    "morning-mug": {"delta": -3, "reason": "DAMAGE", "note": "The handles broke off."},
    "travel-pouch": {"delta": 2, "reason": "COUNT", "note": "Counted."},
}


def demonstrate(shop: Shop, note: Note) -> None:
    """Bring orders into many states, and some products into the list of low stock.

    Args:
        shop: a local one, with the catalogue and rates.
        note: called with how many customers are done.

    Raises:
        ValueError: the shop is on AWS, where accounts with known passwords must not exist.
        Refused: the shop has refused a call.
        OpsError: an event has not had its effect in time.
    """
    create_accounts(shop, (*CUSTOMERS, STAFF))
    with _signed_in(shop, STAFF) as staff:
        for product, low_at in THRESHOLDS.items():
            staff.call("PUT", f"/admin/stock/{product}/threshold", {"lowAt": low_at})
        for product, adjustment in ADJUSTMENTS.items():
            path = f"/admin/stock/{product}/adjustments"
            staff.call("POST", path, adjustment, idempotency_key=f"demo-{product}")
        # A customer has one cart, so the orders of one customer are placed one after the other.
        with ThreadPoolExecutor(len(CUSTOMERS)) as pool:
            for done, _ in enumerate(pool.map(partial(_tell, shop), range(len(CUSTOMERS))), start=1):
                note(f"{done} of {len(CUSTOMERS)} customers")


def _tell(shop: Shop, customer: int) -> None:
    account = CUSTOMERS[customer]
    with _signed_in(shop, account) as api, _signed_in(shop, STAFF) as staff:
        user_id = api.call("GET", "/auth/me").json()["userId"]
        deeds = Deeds(api, staff)
        for number, story in enumerate(STORIES):
            if story.customer == customer:
                order = _placed(api, user_id, account, f"demo-{number}", story)
                for step in story.steps:
                    step(deeds, order)


@contextmanager
def _signed_in(shop: Shop, account: Account) -> Iterator[Api]:
    with Api(shop.api_url) as api:
        api.login(account.email, account.password)
        yield api


def _placed(api: Api, user_id: str, account: Account, key: str, story: Story) -> str:
    """Place the order of a story, unless it exists; returns its id."""
    order = order_id_of(user_id, key)
    if api.call("GET", f"/orders/{order}", accept=(404,)).is_success:
        return order
    for product, pieces in story.lines.items():
        api.call("PUT", f"/cart/items/{product}", {"quantity": pieces})
    cart = api.call("GET", "/cart").json()
    address, delivery = _delivery(api, cart["total"]["amount"], (story.address, SINGAPORE))
    checkout = {
        "shippingAddress": {"name": account.name, **address},
        "shippingMethod": delivery["methodId"],
        "total": delivery["total"],
        "cartVersion": cart["version"],
        "paymentMethod": "COD" if story.cash else None,
    }
    api.call("POST", "/orders", checkout, idempotency_key=key)
    return order


def _delivery(
    api: Api, subtotal: int, addresses: tuple[Mapping[str, str], ...]
) -> tuple[Mapping[str, str], dict[str, Any]]:
    """The first of these addresses that the shop ships to, and a method."""
    for address in addresses:
        destination = api.call("GET", f"/shipping?country={address['country']}&subtotal={subtotal}").json()[
            "destination"
        ]
        if destination:
            return address, destination["options"][0]
    raise OpsError("The shop does not ship to Singapore. Put rates in with: cloudretail rates put FILE")


def _until[T](look: Callable[[], T], is_so: Callable[[T], bool], what: str) -> T:
    deadline = time.monotonic() + PATIENCE
    while not is_so(seen := look()):
        if time.monotonic() > deadline:
            raise OpsError(f"Nothing happens to {what}. Look for what is wrong with: cloudretail orders stuck")
        time.sleep(0.2)
    return seen
