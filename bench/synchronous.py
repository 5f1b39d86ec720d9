"""Our design beside the synchronous one, in one run, on one emulator: orders by card that come at a fixed rate.

An open loop: the next order comes whether or not the one before has ended, as shoppers do. Both have the same provider,
which is made slow or taken away at the emulator's door, and so is the mail.
"""

import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Protocol

import boto3
import httpx

from bench.counts import Count, Ledger
from retail_ops.local import sam
from retail_ops.local.faults import Fault
from retail_ops.local.local_shop import LocalShop
from retail_ops.local.mails import read_mails
from retail_ops.stack.shop import PROJECT, Shop, read_stack
from tests.support.shoppers import ADDRESS, Shopper, eventually, new_product, new_shopper, row

TWIN = PROJECT / "bench" / "twin" / "template.yaml"

SHOPPERS = 24
"""Who order; each has one order under way at a time, if there are enough of them."""

PATIENCE = 90.0
"""Seconds after the last order until one that has not ended is taken for lost."""

MAIL = "/v2/email/outbound-emails"


@dataclass(frozen=True)
class Scenario:
    """How orders come, and what is wrong meanwhile.

    Attributes:
        name: of it.
        rate: orders a second.
        orders: how many.
        faults: while they come; afterwards everybody is there again.
        pieces: of the product; None for enough.
    """

    name: str
    rate: float
    orders: int
    faults: tuple[Fault, ...] = ()
    pieces: int | None = None


def provider(seconds: float = 0.2, status: int | None = None) -> tuple[Fault, ...]:
    """The payment provider of both designs: how long it takes, or that it is away."""
    return tuple(Fault(table, seconds, status) for table in ("SandboxChargesTable", "TwinProviderTable"))


SCENARIOS = (
    Scenario("provider 200 ms", 1, 10, provider()),
    Scenario("provider 200 ms", 3, 30, provider()),
    Scenario("provider 5 s", 3, 24, provider(5)),
    Scenario("provider away", 3, 24, provider(0, 503)),
    Scenario("mail away", 3, 24, (*provider(), Fault(MAIL, 0, 503))),
    Scenario("one piece left", 10, 10, provider(), pieces=1),
    Scenario("provider 200 ms", 10, 60, provider()),
)


@dataclass(frozen=True)
class Placed:
    """An order as its shopper saw it.

    Attributes:
        order_id: None where none was placed.
        milliseconds: that the shopper waited for the answers of checkout and payment.
        answered: whether both were of success.
    """

    order_id: str | None
    milliseconds: float
    answered: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a scenario's orders, in one design.

    Attributes:
        p50, p95: milliseconds that shoppers waited for checkout and payment.
        errors: shoppers who got an error.
        right: share of the orders that could be sold and were: confirmed, paid, and told so by mail.
        half: what was left half done, in words; empty where nothing was.
    """

    p50: float
    p95: float
    errors: int
    right: float
    half: str

    def to_json(self) -> dict[str, Any]:
        """As it is recorded."""
        return vars(self)


class Design(Protocol):
    """One of the two."""

    name: str

    def ready(self) -> None:
        """See to it that nobody has to log in while orders come."""
        ...

    def stock(self, pieces: int) -> str:
        """A new product; returns its id."""
        ...

    def order(self, shopper: Any, product: str) -> Placed:
        """Fill the cart, check out, and pay by card."""
        ...

    def ended(self, order_id: str) -> bool:
        """Whether an order was confirmed, paid, and told so by mail; or refused for want of goods."""
        ...

    def sold(self, order_id: str) -> bool:
        """Whether it was confirmed, paid, and told so by mail."""
        ...

    def half_done(self, placed: Sequence[Placed], product: str) -> Mapping[str, int]:
        """What was left half done, with how often."""
        ...

    @property
    def shoppers(self) -> Sequence[Any]: ...


class Ours:
    """The shop as it is."""

    name = "this shop"

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        with ThreadPoolExecutor(2) as pool:
            self.shoppers: Sequence[Shopper] = list(pool.map(lambda _: new_shopper(shop), range(SHOPPERS)))

    def ready(self) -> None:
        for shopper in self.shoppers:
            shopper.ok("GET", "/cart")

    def stock(self, pieces: int) -> str:
        return new_product(self.shoppers[0], stock=pieces)

    def order(self, shopper: Shopper, product: str) -> Placed:
        try:
            cart = shopper.put(product)
        except AssertionError:
            return Placed(None, 0, answered=False)
        total = shopper.ok("GET", "/cart")["total"]
        body = {
            "shippingAddress": ADDRESS,
            "shippingMethod": "standard",
            "total": total,
            "cartVersion": cart["version"],
        }
        began = time.perf_counter()
        answer = shopper.call("POST", "/orders", body, Idempotency_Key=uuid.uuid4().hex)
        waited = time.perf_counter() - began
        if not answer.is_success:
            return Placed(None, waited * 1000, answered=False)
        order_id: str = answer.json()["orderId"]
        status = eventually(lambda: self._status("OrdersTable", orderId=order_id), lambda it: it != "PENDING")
        paid = True
        if status == "RESERVED":
            began = time.perf_counter()
            paid = shopper.pay(order_id, "tok_visa").is_success
            waited += time.perf_counter() - began
        return Placed(order_id, waited * 1000, answered=paid)

    def ended(self, order_id: str) -> bool:
        return self.sold(order_id) or self._status("OrdersTable", orderId=order_id) == "REJECTED"

    def sold(self, order_id: str) -> bool:
        return (
            self._status("OrdersTable", orderId=order_id) == "CONFIRMED"
            and self._status("PaymentsTable", paymentId=order_id.replace("ord_", "pay_")) == "SUCCEEDED"
            and self._status("SentMailsTable", orderId=order_id, mail="OrderConfirmed") == "SENT"
        )

    def half_done(self, placed: Sequence[Placed], product: str) -> Mapping[str, int]:
        ids = [it.order_id for it in placed if it.order_id]
        states = [self._status("OrdersTable", orderId=order_id) for order_id in ids]
        mails = [self._status("SentMailsTable", orderId=order_id, mail="OrderConfirmed") for order_id in ids]
        stock = row(self._shop, "InventoryTable", productId=product)
        return {
            "orders neither confirmed nor refused": sum(
                it not in ("CONFIRMED", "REJECTED", "CANCELLED") for it in states
            ),
            "pieces held for nobody": int(stock.get("reservedQty", 0)),
            "confirmed without a mail": sum(
                state == "CONFIRMED" and mail != "SENT" for state, mail in zip(states, mails, strict=True)
            ),
        }

    def _status(self, table: str, **key: str) -> str:
        return str(row(self._shop, table, **key).get("status"))


class Twin:
    """The synchronous design.

    Args:
        shop: its stack.
    """

    name = "the synchronous design"

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.shoppers = [f"user-{number}" for number in range(SHOPPERS)]
        self._http = httpx.Client(base_url=shop.output("ApiUrl"), timeout=60, trust_env=False)

    def resources(self, kind: str) -> Mapping[str, str]:
        """Its own, by logical id."""
        return self._shop.resources.get(kind, {})

    def ready(self) -> None:
        """Its shoppers do not log in."""

    def stock(self, pieces: int) -> str:
        product = f"product-{uuid.uuid4().hex[:12]}"
        counters = {"id": {"S": product}, "available": {"N": str(pieces)}, "reserved": {"N": "0"}}
        self._shop.dynamodb.put_item(TableName=self._shop.tables["TwinStockTable"], Item=counters)
        return product

    def order(self, shopper: str, product: str) -> Placed:
        item = {"quantity": 1, "name": "Thing", "unitPrice": {"amount": 1990, "currency": "SGD"}}
        if not self._http.put(f"/Cart/{shopper}/{product}", json=item).is_success:
            return Placed(None, 0, answered=False)
        email = f"{shopper}-{uuid.uuid4().hex[:8]}@cloudretail.example"
        body = {"total": 1990, "currency": "SGD", "userEmail": email, "shippingAddress": ADDRESS}
        began = time.perf_counter()
        answer = self._http.post(f"/Order/{shopper}", json=body)
        if not answer.is_success:
            return Placed(None, (time.perf_counter() - began) * 1000, answered=False)
        order_id: str = answer.json()["orderId"]
        paid = self._http.post(f"/Payment/{shopper}/{order_id}").is_success
        return Placed(order_id, (time.perf_counter() - began) * 1000, answered=paid)

    def ended(self, order_id: str) -> bool:
        del order_id
        return True  # Nothing comes of it after its answer.

    def sold(self, order_id: str) -> bool:
        order = self._row("TwinOrdersTable", order_id)
        return (
            order["status"] == "CONFIRMED"
            and self._row("TwinPaymentsTable", order_id).get("status") == "SUCCEEDED"
            and bool(read_mails(self._shop, order["userEmail"]))
        )

    def half_done(self, placed: Sequence[Placed], product: str) -> Mapping[str, int]:
        ids = [it.order_id for it in placed if it.order_id]
        orders = {order_id: self._row("TwinOrdersTable", order_id) for order_id in ids}
        confirmed = [it for it in orders.values() if it["status"] == "CONFIRMED"]
        reserved = int(self._row("TwinStockTable", product)["reserved"])
        return {
            "orders neither confirmed nor refused": sum(it["status"] == "PENDING" for it in orders.values()),
            "pieces held for nobody": reserved - len(confirmed),
            "confirmed without a mail": sum(not read_mails(self._shop, it["userEmail"]) for it in confirmed),
            "orders given up since the provider was away": sum(it["status"] == "CANCELLED" for it in orders.values()),
        }

    def _row(self, table: str, key: str) -> dict[str, Any]:
        return row(self._shop, table, id=key)


def deployed(local: LocalShop, session: boto3.Session) -> Shop:
    """The synchronous design, deployed beside a running shop."""
    environment = sam.local_environment(local.endpoint, session)
    build_dir = PROJECT / ".aws-sam" / "twin"
    sam.build(TWIN, build_dir, PROJECT / ".aws-sam" / "cache", local.logs / "twin-build.log", environment)
    parameters = {"Apis": f"{local.endpoint}/_aws/execute-api", "Architecture": sam.ARCHITECTURE}
    log = local.logs / "twin-deploy.log"
    sam.deploy(TWIN, build_dir, "twin", parameters, log, environment, session, local.endpoint)
    return read_stack("twin", session, endpoint=local.endpoint, local_storefront=local.storefront_url)


def run(local: LocalShop, note: Callable[[str], None]) -> Iterator[tuple[Scenario, str, Outcome]]:
    """Each scenario in both designs, one after the other.

    Args:
        local: a counted shop.
        note: is told how far it is.
    """
    shop = local.read()
    designs: tuple[Design, ...] = (Ours(shop), Twin(deployed(local, shop.session)))
    for design in designs:
        note(f"{design.name}: until every worker runs")
        _orders(design, Scenario("", 4, 16))
    for scenario in SCENARIOS:
        for design in designs:
            design.ready()
            note(f"{design.name}: {scenario.name}, {scenario.rate:g} orders/s")
            local.faulty(*scenario.faults)
            try:
                product, placed = _orders(design, scenario)
            finally:
                local.faulty()
            yield scenario, design.name, _outcome(design, scenario, product, placed)


def _orders(design: Design, scenario: Scenario) -> tuple[str, list[Placed]]:
    product = design.stock(scenario.pieces or 1000)
    shoppers = cycle(design.shoppers)
    began = time.monotonic()

    def at(number: int, shopper: Any) -> Placed:
        time.sleep(max(0.0, began + number / scenario.rate - time.monotonic()))
        try:
            return design.order(shopper, product)
        except (AssertionError, httpx.HTTPError):  # What a shopper sees of it is an error.
            return Placed(None, 0, answered=False)

    with ThreadPoolExecutor(SHOPPERS) as pool:
        orders = [pool.submit(at, number, next(shoppers)) for number in range(scenario.orders)]
        return product, [each.result() for each in orders]


def _outcome(design: Design, scenario: Scenario, product: str, placed: Sequence[Placed]) -> Outcome:
    ids = [it.order_id for it in placed if it.order_id]
    deadline = time.monotonic() + PATIENCE
    for order_id in ids:
        with suppress(AssertionError):
            eventually(lambda: design.ended(order_id), patience=max(0.0, deadline - time.monotonic()))  # noqa: B023
    waited = [it.milliseconds for it in placed if it.milliseconds]
    half = {name: many for name, many in design.half_done(placed, product).items() if many}
    return Outcome(
        p50=statistics.median(waited),
        p95=statistics.quantiles(waited, n=20, method="inclusive")[-1],
        errors=sum(not it.answered for it in placed),
        right=sum(map(design.sold, ids)) / min(scenario.orders, scenario.pieces or scenario.orders),
        half=", ".join(f"{many} {name}" for name, many in half.items()),
    )


def counted(local: LocalShop, orders: int = 3) -> Count:
    """What an order of the synchronous design takes, where nothing is wrong."""
    shop = local.read()
    twin = Twin(deployed(local, shop.session))
    names = Shop(
        shop.stack,
        shop.region,
        shop.endpoint,
        shop.outputs,
        {kind: {**shop.resources[kind], **twin.resources(kind)} for kind in shop.resources},
        shop.session,
    )
    ledger = Ledger(names, local.calls.read_text)
    product = twin.stock(1000)
    local.faulty(*provider())
    counts = []
    for _ in range(orders + 1):
        ledger.skip()
        assert twin.order(twin.shoppers[0], product).answered
        lines = ledger.take()
        counts.append(Count.of([line for line in lines if "TwinProviderTable" not in line.get("writes", {})]))
    local.faulty()
    return Count.median(counts[1:])
