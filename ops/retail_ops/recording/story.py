"""The story of a recording: actions in a shop that invoke every function in every way that matters.

After each step the story waits until the shop is at rest: every event is consumed by all of its subscribers, and the
relay has seen every row as it is. So nothing overtakes anything, and the same code gives the same recording.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx

from cloudretail.dynamodb import from_item, to_item
from cloudretail.event import EventType
from cloudretail.outbox import due
from contract.auth import Eraser
from contract.values import order_number
from orders.domain import order_id_of
from orders.rates import CURRENT
from orders.returns import return_id_of
from retail_ops.errors import OpsError
from retail_ops.local.mails import read_mails
from retail_ops.progress import Note, Progress
from retail_ops.recording import ses
from retail_ops.recording.invocations import Invocation, Recorder, wait_for
from retail_ops.recording.normal import Normal
from retail_ops.recording.samples import Item, kebab
from retail_ops.recording.totp import totp
from retail_ops.stack import catalogue, seed
from retail_ops.stack.api import Api
from retail_ops.stack.catalogue import Product
from retail_ops.stack.seed import ACCOUNTS, OPERATOR, SHOPPER, STAFF, Account
from retail_ops.stack.shop import Shop
from retail_ops.stack.template import Template

VISITOR = Account("visitor@cloudretail.example", "Val Visitor", "Visitor-2026")
LEAVER = Account("leaver@cloudretail.example", "Lea Leaver", "Leaver-2026")
NEW_PASSWORD = "Visitor-2027"  # noqa: S105 of an account in a shop that is thrown away
GOODS, LAST_ITEMS = "canvas-backpack", "antique-violin"
"""What is ordered; and what there are three of."""

PRODUCTS = (GOODS, LAST_ITEMS)
ADDRESS = {"name": "Shopper", "line1": "1 Market Street", "city": "Singapore", "postalCode": "048941"}
ADDRESS |= {"country": "SG", "phone": "+6581234567"}
PARCEL = {"carrier": "SingPost", "trackingNumber": "SP123456789SG"}
RETURN = "return-1"
"""Key of the request that announces it."""

POISON = '{"orderId": "this is no event"}'

# Chosen here and not by the client: another version of it must not change a recording.
HEADERS = {"user-agent": "recording", "accept": "application/json", "accept-encoding": "gzip", "connection": "close"}


@dataclass(frozen=True)
class Recorded:
    """A sample as it was recorded.

    Attributes:
        function: logical id.
        case: the name of the file.
        event: the payload, as it was.
        answer: of the function.
    """

    function: str
    case: str
    event: dict[str, Any]
    answer: Any


@dataclass(frozen=True)
class Published:
    """An event that the relay published.

    Attributes:
        document: as it was sent.
        depth: how many events led to it.
    """

    document: str
    depth: int

    @property
    def event(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.document)
        return parsed

    @property
    def name(self) -> str:
        return EventType.parse(self.event["type"]).name


@dataclass
class Story:
    """One recording.

    Attributes:
        samples: what was recorded, in the order in which it happened.
        rows: by logical id of the table, the rows that the samples are about.
    """

    shop: Shop
    recorder: Recorder
    normal: Normal
    template: Template
    samples: list[Recorded] = field(default_factory=list)
    rows: dict[str, list[Item]] = field(default_factory=dict)
    _published: dict[str, Published] = field(default_factory=dict)
    _invocations: list[Invocation] = field(default_factory=list)
    _unsorted: list[Invocation] = field(default_factory=list)
    _tokens: dict[Account, str] = field(default_factory=dict)
    _users: dict[Account, str] = field(default_factory=dict)
    _orders: list[str] = field(default_factory=list)
    _stable: dict[str, str] = field(default_factory=dict)
    _price: int = 0
    _held_back: list[Published] = field(default_factory=list)
    _awaited: str = ""
    _details: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def play(self, products: Sequence[Product], progress: Progress) -> None:
        """All of it.

        Args:
            products: of the catalogue; those of PRODUCTS are put into the shop.
            progress: called with each part, a sentence.

        Raises:
            OpsError: the shop does something that the story does not expect.
        """
        # What the schedule would do at a time of its own, the story does.
        rule = self.shop.resources["AWS::Events::Rule"]["AccountDeletionsEveryMinute"]
        self.shop.events.disable_rule(Name=rule)
        with progress.step("Record the accounts"):
            self._accounts()
        with progress.step("Record the catalogue") as note:
            self._catalogue([product for product in products if product.id in PRODUCTS], note)
        with progress.step("Record what shipping costs"):
            self._rates()
        with progress.step("Record the addresses of an account"):
            self._addresses()
        with progress.step("Record an order that is paid, and cancelled"):
            self._paid_and_cancelled()
        with progress.step("Record an order that is sold out, and one in cash"):
            self._sold_out()
        with progress.step("Record cards that are declined, and one that takes no refund"):
            self._declined()
            self._no_refund()
        with progress.step("Record parcels: delivered, come back, lost, cancelled"):
            self._parcels()
        with progress.step("Record returns, and what is paid back by hand"):
            self._returns()
        with progress.step("Record a mail that comes back"):
            self._mail_feedback()
        with progress.step("Record a card whose bank wants to be asked"):
            self._challenged()
        with progress.step("Record a refund that fails later, and a dispute"):
            self._banked()
        with progress.step("Record an order that nobody pays"):
            self._unpaid()
        with progress.step("Record who leaves"):
            self._leave()
        with progress.step("Record batches, and messages that are refused") as note:
            self._batches(note)
        with progress.step("Record what operators do"):
            self._operations()

    # ------------------------------------------------------------------------------------------------------ accounts

    def _accounts(self) -> None:
        seed.create_accounts(self.shop)
        self.http("register", "POST", "/auth/register", {"email": VISITOR.email})
        self._keep_message("confirm-address", "CustomMessage_SignUp")
        self.http("bad-field", "POST", "/auth/register", {"email": VISITOR.email, "admin": True})
        self.http("resend-code", "POST", "/auth/resend-code", {"email": VISITOR.email})
        confirmation = {**_credentials(VISITOR), "name": VISITOR.name}
        self.http("bad-code", "POST", "/auth/confirm", {**confirmation, "code": "000000"})
        self.http("bad-password", "POST", "/auth/confirm", {**confirmation, "code": "000000", "password": "short"})
        self.http("bad-unconfirmed", "POST", "/auth/login", _credentials(VISITOR))
        self.http("confirm", "POST", "/auth/confirm", {**confirmation, "code": self._code()})
        self.http("login", "POST", "/auth/login", _credentials(SHOPPER))
        self.http("bad-credentials", "POST", "/auth/login", {**_credentials(SHOPPER), "password": "Wrong-2026"})
        for account in ACCOUNTS:
            self._sign_in(account)
        cookie = self._sign_in(VISITOR)
        self.http("me", "GET", "/auth/me", who=SHOPPER)
        self.http("refresh", "POST", "/auth/refresh", cookie=cookie)
        self.http("bad-no-cookie", "POST", "/auth/refresh")
        password = {"password": VISITOR.password}
        secret = self.http("second-factor", "POST", "/auth/second-factor", password, who=VISITOR).json()["secret"]
        proof = {**password, "appCode": "000000"}
        self.http("bad-second-factor", "POST", "/auth/second-factor/proof", proof, who=VISITOR)
        proof["appCode"] = totp(secret)
        self.normal.name(json.dumps(proof), json.dumps({**proof, "appCode": "246810"}))
        self.http("second-factor-proof", "POST", "/auth/second-factor/proof", proof, who=VISITOR)
        self.http("logout", "POST", "/auth/logout", cookie=cookie)
        self.http("forgot-password", "POST", "/auth/forgot-password", {"email": VISITOR.email})
        self._keep_message("reset-password", "CustomMessage_ForgotPassword")
        reset = {"email": VISITOR.email, "password": NEW_PASSWORD}
        self.http("bad-reset-code", "POST", "/auth/reset-password", {**reset, "code": "000000"})
        self.http("reset-password", "POST", "/auth/reset-password", {**reset, "code": self._code()})
        self._ask_for_groups()
        self.http("rename", "PUT", "/account", {"name": "Valerie Visitor"}, who=VISITOR)
        self.http("bad-name", "PUT", "/account", {"name": " "}, who=VISITOR)
        change = {"password": NEW_PASSWORD, "newPassword": VISITOR.password}
        self.http("bad-new-password", "POST", "/account/password", {**change, "newPassword": "short"}, who=VISITOR)
        self.http("change-password", "POST", "/account/password", change, who=VISITOR)
        self.http("bad-old-password", "POST", "/account/password", change, who=VISITOR)
        self.http("log-out-everywhere", "DELETE", "/account/sessions", who=VISITOR)

    def _code(self) -> str:
        """The code in the newest mail to the visitor."""
        text = wait_for(lambda: [mail.text for mail in read_mails(self.shop, VISITOR.email)], "a mail with a code")[-1]
        found = re.search(r"\b\d{6}\b", text)
        if found is None:
            raise OpsError(f"There is no code in this mail: {text}")
        self.normal.name(f'"code": "{found[0]}"', '"code": "123456"')
        return found[0]

    def _keep_message(self, case: str, source: str) -> None:
        """The pool's request for the text of a mail."""
        call = self._wait_for_call(lambda call: call.event.get("triggerSource") == source, f"{source} of the user pool")
        self._users[VISITOR] = self.normal.id(call.event["userName"], VISITOR.email)
        self._keep(call, case)

    def _ask_for_groups(self) -> None:
        """Ask for the groups of the operator's token as Cognito does on AWS; the pool of a laptop never asks."""
        event = {
            "version": "1",
            "triggerSource": "TokenGeneration_Authentication",
            "region": self.shop.region,
            "userPoolId": self.shop.output("UserPoolId"),
            "userName": self._user_id(OPERATOR),
            "callerContext": {
                "awsSdkVersion": "aws-sdk-unknown-unknown",
                "clientId": self.shop.output("UserPoolClientId"),
            },
            "request": {
                "userAttributes": {"sub": self._user_id(OPERATOR), "email_verified": "true", "email": OPERATOR.email},
                "groupConfiguration": {
                    "groupsToOverride": list(OPERATOR.groups),
                    "iamRolesToOverride": [],
                    "preferredRole": None,
                },
            },
            "response": {"claimsOverrideDetails": None},
        }
        self.shop.lambda_.invoke(FunctionName=self.shop.functions["AuthToken"], Payload=json.dumps(event))
        call = self._wait_for_call(lambda call: call.function == "AuthToken", "the operator's groups")
        self._keep(call, "operator")

    def _sign_in(self, account: Account) -> str:
        """Get a token, and return the refresh cookie."""
        answer = self.http("", "POST", "/auth/login", _credentials(account))
        session = answer.json()
        self._tokens[account] = session["idToken"]
        user_id = session["user"]["userId"]
        self._users[account] = self.normal.id(user_id, account.email)
        cookie = answer.headers["set-cookie"].partition(";")[0]
        self.normal.name(cookie.partition("=")[2], "recorded-refresh-token")
        return str(cookie)

    # ----------------------------------------------------------------------------------------------------- catalogue

    def _catalogue(self, products: Sequence[Product], note: Note) -> None:
        self._price = products[0].price
        with Api(self.shop.api_url) as api, httpx.Client(trust_env=False) as uploads:
            api.login(STAFF.email, STAFF.password)
            for product in products:
                seed.seed(api, [product], note, uploads=uploads)
            seed.seed_stock(api, products)
        for product in products:

            def shows_it(call: Invocation, product_id: str = product.id) -> bool:
                return call.function == "CatalogImages" and product_id in str(call.event)

            self._keep(self._wait_for_call(shows_it, f"the image of {product.id}"), "image-uploaded")
        self._unsorted.clear()
        lamp_id, price = "recorded-desk-lamp", {"amount": 3450, "currency": "SGD"}
        lamp: dict[str, Any] = {"name": "Desk Lamp", "description": "Bends where it is needed.", "category": "Home"}
        lamp["price"] = price
        catalog = "/admin/products"
        self.http("create-product", "POST", catalog, {"productId": lamp_id, **lamp}, who=STAFF)
        self.http("bad-not-staff", "POST", catalog, {"productId": "x", **lamp}, who=OPERATOR)
        self.http("bad-price", "POST", catalog, {**lamp, "price": {"amount": -1}}, who=STAFF)
        self.http("bad-json", "POST", catalog, raw='{"name": ', who=STAFF)
        self.http("list-staff-products", "GET", f"{catalog}?listed=true&limit=2", who=STAFF)
        self.http("upload-image", "POST", f"{catalog}/{GOODS}/images", {"contentType": "image/webp"}, who=STAFF)
        self.http("bad-image", "POST", f"{catalog}/{GOODS}/images", {"contentType": "image/svg+xml"}, who=STAFF)
        self._changes_of_a_product({**lamp, "name": "Floor Lamp"})
        self.http("list-products", "GET", "/products?category=Bags&sort=price&limit=2")
        self.http("bad-limit", "GET", "/products?limit=1000")
        self.http("get-product", "GET", f"/products/{GOODS}")
        self.http("bad-product-id", "GET", "/products/no-such-product")
        self.http("list-categories", "GET", "/categories")
        stock, quantity = f"/admin/stock/{GOODS}", {"quantity": 10}
        self.http("receive-goods", "POST", f"{stock}/receipts", quantity, who=STAFF, key="receipt-1")
        self.http("bad-quantity", "POST", f"{stock}/receipts", {"quantity": 0}, who=STAFF, key="receipt-2")
        self.http("bad-no-key", "POST", f"{stock}/receipts", quantity, who=STAFF)
        self.http("bad-not-staff", "POST", f"{stock}/receipts", quantity, who=OPERATOR, key="receipt-3")
        damaged = {"delta": -1, "reason": "DAMAGE", "note": "A strap is torn."}
        self.http("adjust-stock", "POST", f"{stock}/adjustments", damaged, who=STAFF, key="adjustment-1")
        missing = {"delta": -100_000, "reason": "COUNT"}
        self.http("bad-below-zero", "POST", f"{stock}/adjustments", missing, who=STAFF, key="adjustment-2")
        self.http("put-threshold", "PUT", f"{stock}/threshold", {"lowAt": 1000}, who=STAFF)
        self.http("list-low-stock", "GET", "/admin/stock?low=true", who=STAFF)
        self.http("list-stock", "GET", "/admin/stock?limit=2", who=STAFF)
        self.http("get-staff-stock", "GET", stock, who=STAFF)
        self.http("list-movements", "GET", f"{stock}/movements", who=STAFF)
        self.http("get-stock", "GET", f"/inventory/{GOODS}")
        self.http("bad-product-id", "GET", "/inventory/no-such-product")

    def _changes_of_a_product(self, lamp: dict[str, Any]) -> None:
        """Each sample is about the product as it was before all of them."""
        lamp_id, catalog = "recorded-floor-lamp", "/admin/products"
        with Api(self.shop.api_url) as api:
            api.login(STAFF.email, STAFF.password)
            api.call("POST", catalog, {"productId": lamp_id, **lamp})
            ticket = api.call("POST", f"{catalog}/{lamp_id}/images", {"contentType": "image/png"}).json()
        image_id, version = ticket["imageId"], ticket["version"]
        self.normal.name(image_id, uuid.uuid5(uuid.NAMESPACE_URL, "urn:cloudretail:sample:image").hex)
        self._look()
        self._unsorted.clear()
        self._keep_row("ProductsTable", "productId", lamp_id)
        as_it_is = self._row("ProductsTable", "productId", lamp_id)

        def change(case: str, method: str, path: str, body: dict[str, Any]) -> None:
            self.http(case, method, f"{catalog}/{lamp_id}{path}", body, who=STAFF)
            self.shop.dynamodb.put_item(TableName=self.shop.tables["ProductsTable"], Item=as_it_is)

        change("change-product", "PUT", "", {**lamp, "name": "Reading Lamp", "version": version})
        change("bad-version", "PUT", "", {**lamp, "name": "Reading Lamp", "version": version - 1})
        change("unlist-product", "POST", "/unlist", {"version": version})
        change("list-product", "POST", "/list", {"version": version})
        images = [{"imageId": image_id, "alt": "A lamp beside a chair"}]
        change("put-images", "PUT", "/images", {"version": version, "images": images})
        change("bad-image-twice", "PUT", "/images", {"version": version, "images": images * 2})
        self.http("get-staff-product", "GET", f"{catalog}/{lamp_id}", who=STAFF)
        self.http("list-product-changes", "GET", f"{catalog}/{lamp_id}/changes", who=STAFF)

    # --------------------------------------------------------------------------------------------------------- rates

    def _rates(self) -> None:
        """With the rates that every new shop has: they are as they were after each sample."""
        zones, tax_rates = catalogue.load_rates()
        with Api(self.shop.api_url) as api:
            api.login(STAFF.email, STAFF.password)
            seed.seed_rates(api, zones, tax_rates)
        self._look()
        self._unsorted.clear()
        shipping, tax = "/admin/shipping-rates", "/admin/tax-rates"
        version = self.http("get-shipping-rates", "GET", shipping, who=STAFF).json()["version"]
        self.http("get-tax-rates", "GET", tax, who=STAFF)
        new: dict[str, Any] = {"version": version, "zones": zones}
        self.http("bad-not-staff", "PUT", shipping, new, who=OPERATOR)
        self.http("bad-zones", "PUT", shipping, {**new, "zones": [*zones, zones[0]]}, who=STAFF)
        self.http("bad-version", "PUT", shipping, {**new, "version": 0}, who=STAFF)
        as_it_is = self._row("RatesTable", "ratesId", CURRENT)
        self.http("change-shipping-rates", "PUT", shipping, new, who=STAFF)
        # Each sample is about the rates of a new shop, and so of the version that this one had.
        self.shop.dynamodb.put_item(TableName=self.shop.tables["RatesTable"], Item=as_it_is)
        self.http("change-tax-rates", "PUT", tax, {"version": version, "rates": tax_rates}, who=STAFF)
        self.http("get-shipping", "GET", "/shipping?country=SG&subtotal=17800")
        self.http("bad-country", "GET", "/shipping?country=Singapore")

    # -------------------------------------------------------------------------------------------------------- orders

    def _addresses(self) -> None:
        home = "/account/addresses/home"
        self.http("save-address", "PUT", home, {"shippingAddress": ADDRESS, "isDefault": True}, who=SHOPPER)
        self._keep_row("AddressesTable", "userId", self._user_id(SHOPPER))
        unknown = {"shippingAddress": {**ADDRESS, "postalCode": "?"}}
        self.http("bad-postal-code", "PUT", home, unknown, who=SHOPPER)
        self.http("list-addresses", "GET", "/account/addresses", who=SHOPPER)
        self.http("bad-address-id", "DELETE", "/account/addresses/nobodys", who=SHOPPER)
        self.http("remove-address", "DELETE", home, who=SHOPPER)

    def _paid_and_cancelled(self) -> None:
        self.http("put-item", "PUT", f"/cart/items/{GOODS}", {"quantity": 2}, who=SHOPPER)
        self.http("bad-quantity", "PUT", f"/cart/items/{GOODS}", {"quantity": 0}, who=SHOPPER)
        self.http("bad-product-id", "PUT", "/cart/items/no-such-product", {"quantity": 1}, who=SHOPPER)
        self.http("get-cart", "GET", "/cart", who=SHOPPER)
        self._keep_row("CartTable", "userId", self._user_id(SHOPPER))
        self.http("bad-address", "POST", "/orders", {"shippingAddress": {}, "cartVersion": 1}, who=SHOPPER, key="a")
        total = {"amount": 2 * self._price, "currency": "SGD"}
        self.http("bad-no-key", "POST", "/orders", self._checkout(1, total), who=SHOPPER)
        self.http("bad-cart-version", "POST", "/orders", self._checkout(99, total), who=SHOPPER, key="b")
        less = {**total, "amount": 1}
        self.http("bad-total", "POST", "/orders", self._checkout(1, less), who=SHOPPER, key="c")
        order = self._place("recorded-1", "check-out", put=None)
        self.http("list-orders", "GET", "/orders?limit=2", who=SHOPPER)
        self.http("bad-cursor", "GET", "/orders?cursor=no-cursor", who=SHOPPER)
        self.http("get-order", "GET", f"/orders/{order}", who=SHOPPER)
        self.http("bad-order-id", "GET", "/orders/ord_nobodys", who=SHOPPER)
        self.http("get-payment-methods", "GET", "/payment-methods")
        payment = f"/orders/{order}/payment"
        self.http("bad-no-card", "POST", payment, {"method": "CARD"}, who=SHOPPER)
        self.http("bad-order-id", "POST", "/orders/ord_nobodys/payment", {"method": "COD"}, who=SHOPPER)
        self.http("pay-by-card", "POST", payment, _card("tok_visa"), who=SHOPPER)
        self._settle(order, "CONFIRMED")
        self.http("get-payment", "GET", payment, who=SHOPPER)
        self.http("cancel-order", "POST", f"/orders/{order}/cancel", who=SHOPPER)
        self._settle(order, "CANCELLED")
        self.http("bad-order-id-to-cancel", "POST", "/orders/ord_nobodys/cancel", who=SHOPPER)
        merge = {"mergeId": "merge-1", "items": [{"productId": GOODS, "quantity": 1}]}
        self.http("merge-carts", "POST", "/cart/merge", merge, who=SHOPPER)
        self.http("remove-item", "DELETE", f"/cart/items/{GOODS}", who=SHOPPER)
        self.http("empty-cart", "DELETE", "/cart", who=SHOPPER)

    def _sold_out(self) -> None:
        with self.recorder.held_up("InventoryReactions", batch=1):
            with self.recorder.held_up("Relay"):
                in_cash = self._check_out("recorded-2", "", put=(LAST_ITEMS, 2), method="COD")
                sold_out = self._check_out("recorded-3", "", put=(LAST_ITEMS, 2))

            def publishes_both(call: Invocation) -> bool:
                # A consumer of theirs may have been quicker than the relay's end.
                return call.function == "Relay" and len(_published(call)) == 2

            self._keep(self._wait_for_call(publishes_both, "two orders"), "several")
            self.recorder.one_at_a_time("Relay")
            self._settle(sold_out, "PENDING", held_up="InventoryReactions")
            self._keep_row("OrdersTable", "orderId", in_cash)
        self._settle(in_cash, "CONFIRMED")
        self._keep_payment(in_cash)
        self._keep_row("OrdersTable", "orderId", sold_out)
        self.http("bad-rejected-order", "POST", f"/orders/{sold_out}/payment", {"method": "COD"}, who=SHOPPER)

    def _declined(self) -> None:
        order = self._place("recorded-4", "", put=(GOODS, 1))
        for _ in range(2):
            self.http("", "POST", f"/orders/{order}/payment", _card("tok_declined"), who=SHOPPER)
            self._settle(order, "RESERVED")
        self.http("", "POST", f"/orders/{order}/payment", _card("tok_declined"), who=SHOPPER)
        self._settle(order, "CANCELLED")

    def _no_refund(self) -> None:
        order = self._place("recorded-5", "", put=(GOODS, 1))
        self.http("", "POST", f"/orders/{order}/payment", _card("tok_norefund"), who=SHOPPER)
        self._settle(order, "CONFIRMED")
        self.http("", "POST", f"/orders/{order}/cancel", who=SHOPPER)
        self._settle(order, "CANCELLED")

    def _challenged(self) -> None:
        """Cards whose bank has to be asked: one is cancelled meanwhile, and one is agreed to."""
        order = self._asked_by_the_bank("recorded-17")
        self._keep_payment(order)
        self.http("", "POST", f"/orders/{order}/cancel", who=SHOPPER)
        self._settle(order, "CANCELLED")
        order = self._asked_by_the_bank("recorded-18")
        self._keep_payment(order)
        answer = self.http("get-challenged-payment", "GET", f"/orders/{order}/payment", who=SHOPPER).json()
        reference, _, secret = answer["challenge"].rpartition("/")
        self.normal.name(secret, "the-challenge-recorded")
        self._keep_row("SandboxChargesTable", "chargeKey", reference)
        body = {"challenge": answer["challenge"], "agreed": True}
        path = f"/orders/{order}/payment/challenge"
        self.http("bad-challenge", "POST", path, {**body, "challenge": "pay_nobodys:1/x"}, who=SHOPPER)
        self.http("answer-challenge", "POST", path, body, who=SHOPPER)
        self._reported(order.replace("ord_", "pay_"))
        self._settle(order, "CONFIRMED")

    def _asked_by_the_bank(self, key: str) -> str:
        order = self._place(key, "", put=(GOODS, 1))
        self.http("", "POST", f"/orders/{order}/payment", _card("tok_3ds"), who=SHOPPER)
        self._settle(order, "RESERVED")
        return order

    def _reported(self, payment: str) -> None:
        """What the sandbox reports is published by no relay: its consumer's invocation is waited for."""

        def is_it(call: Invocation) -> bool:
            return call.function == "PaymentWorkerReactions" and "AttemptReported" in str(call.event)

        self._keep(self._wait_for_call(is_it, f"the report about {payment}"), "attempt-reported")

    def _banked(self) -> None:
        """What a bank does to a payment long after it: it disputes the charge, or takes no refund in after all."""
        disputed = self._place("recorded-19", "", put=(GOODS, 1))
        failing = self._place("recorded-20", "", put=(GOODS, 1))
        self.http("", "POST", f"/orders/{disputed}/payment", _card("tok_dispute_lost"), who=SHOPPER)
        self.http("", "POST", f"/orders/{failing}/payment", _card("tok_refund_fails_later"), who=SHOPPER)
        self._settle(disputed, "CONFIRMED")
        self._settle(failing, "CONFIRMED")
        self.http("", "POST", f"/orders/{failing}/cancel", who=SHOPPER)
        self._settle(failing, "CANCELLED")
        wait_for(lambda: self._has_step(disputed, "PaymentDisputeClosed"), "the bank's decision")
        wait_for(lambda: self._has_step(failing, "PaymentRefundFailed"), "the refund's failure")
        self._settle(disputed, "CONFIRMED")

    def _has_step(self, order: str, step: str) -> bool:
        """Whether an order's story has a step."""
        return any(
            each["M"]["event"]["S"] == step for each in self._row("OrdersTable", "orderId", order)["history"]["L"]
        )

    def _unpaid(self) -> None:
        # What its queue has taken so far waits for the end of a window that is longer than the recording.
        queue = self.shop.queues["PaymentWindowQueue"]
        with self.recorder.held_up("PaymentWindowReactions", batch=1):
            self.shop.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "0"})
            order = self._place("recorded-6", "", put=(GOODS, 1))
        self._settle(order, "CANCELLED", windows=1)

    # ------------------------------------------------------------------------------------------------------- parcels

    def _parcels(self) -> None:
        """Each sample is about an order of its own, whose rows are kept as they are before it."""
        order = self._confirmed("recorded-7")
        self._keep_rows(order)
        self.http("list-shipments", "GET", "/admin/shipments?open=TO_SHIP", who=STAFF)
        self.http("get-shipment", "GET", f"/admin/shipments/{order}", who=STAFF)
        self.http("bad-order-id", "GET", "/admin/shipments/ord_nobodys", who=STAFF)
        self.http("bad-not-staff", "GET", "/admin/shipments?open=TO_SHIP", who=OPERATOR)
        self.http("find-orders", "GET", f"/admin/orders?q={order_number(order)}&status=CONFIRMED", who=STAFF)
        self.http("bad-search", "GET", "/admin/orders?q=backpack", who=STAFF)
        self.http("get-staff-order", "GET", f"/admin/orders/{order}", who=STAFF)
        self.http("find-customer", "GET", f"/admin/customers?email={quote(SHOPPER.email)}&limit=2", who=STAFF)
        self.http("bad-carrier", "POST", f"/admin/orders/{order}/ship", {"trackingNumber": "1"}, who=STAFF)
        self._act(order, "ship", PARCEL, "SHIPPED", case="ship")
        shipped = self._shipped("recorded-8")
        self._keep_rows(shipped)
        self.http("bad-shipped-order", "POST", f"/orders/{shipped}/cancel", who=SHOPPER)
        self.http("bad-no-cash", "POST", f"/admin/orders/{shipped}/deliver", {}, who=STAFF)
        self._act(shipped, "deliver", self._cash(), "DELIVERED", case="deliver")
        come_back = self._shipped("recorded-9")
        self._keep_rows(come_back)
        broken = {"productId": GOODS, "writeOff": 1}
        comeback = {"reason": "REFUSED", "lines": [broken]}
        self._act(come_back, "came-back", comeback, "CANCELLED", case="came-back")
        lost = self._shipped("recorded-10")
        self._keep_rows(lost)
        self._act(lost, "lost", None, "CANCELLED", case="lost")
        called_off = self._confirmed("recorded-11")
        self._keep_rows(called_off)
        self.http("bad-note", "POST", f"/admin/orders/{called_off}/cancel", {"note": ""}, who=STAFF)
        note = {"note": "Sorry, it broke while we packed it."}
        self._act(called_off, "cancel", note, "CANCELLED", case="cancel-for-shop")

    def _mail_feedback(self) -> None:
        """A mail about an order comes back: SES says so, and a rule tells the orders."""
        order = self._confirmed("recorded-16")
        self._keep_rows(order)
        message_id, traceparent = "0100-message-000000", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        mail = {"email": SHOPPER.email, "message_id": message_id, "traceparent": traceparent}
        event_id = ses.say(self.shop, "Bounce", order_id=order, at="2100-01-01T00:00:00Z", **mail)

        def is_it(call: Invocation) -> bool:
            return call.function == "OrdersReactions" and event_id in str(call.event)

        self._keep(self._wait_for_call(is_it, "the orders' answer to a mail that came back"), "mail-feedback-received")
        self._unsorted.clear()

    def _returns(self) -> None:
        """Likewise."""
        order = self._delivered("recorded-12")
        self._keep_rows(order)
        self.http("bad-quantity", "POST", f"/orders/{order}/returns", _return(9), who=SHOPPER, key="return-1")
        self._send_back(order, "request-return")
        announced = self._announced("recorded-13")
        received = self._return_id(announced)
        self._keep_rows(announced)
        arrival = {"lines": [{"productId": GOODS, "writeOff": 1}]}
        too_much = {"lines": [{"productId": GOODS, "restock": 9}]}
        path = f"/admin/orders/{announced}/returns/{received}/receive"
        self.http("bad-quantity", "POST", path, too_much, who=STAFF)
        self._act(announced, f"returns/{received}/receive", arrival, "DELIVERED", case="receive-return")
        self._keep_row("PaymentsTable", "paymentId", announced.replace("ord_", "pay_"))
        self.http("list-refunds", "GET", "/admin/refunds", who=STAFF)
        self.http("get-staff-payment", "GET", f"/admin/orders/{announced}/payment", who=STAFF)
        self.http("bad-not-staff", "GET", "/admin/refunds", who=SHOPPER)
        paid = f"refunds/{received}/paid"
        self.http("bad-reference", "POST", f"/admin/orders/{announced}/{paid}", {"reference": ""}, who=STAFF)
        self._act(announced, paid, {"reference": "FT-42"}, "DELIVERED", case="pay-refund")
        refused = self._announced("recorded-14")
        self._keep_rows(refused)
        refusal = {"reason": "NEVER_ARRIVED", "note": "It was not handed in within a month."}
        path = f"returns/{self._return_id(refused)}/refuse"
        self._act(refused, path, refusal, "DELIVERED", case="refuse-return")
        withdrawn = self._announced("recorded-15")
        self._keep_rows(withdrawn)
        path = f"/orders/{withdrawn}/returns/{self._return_id(withdrawn)}/withdraw"
        self.http("withdraw-return", "POST", path, who=SHOPPER)
        self._settle(withdrawn, "DELIVERED")

    def _act(self, order: str, action: str, body: dict[str, Any] | None, status: str, *, case: str = "") -> None:
        self.http(case, "POST", f"/admin/orders/{order}/{action}", body, who=STAFF)
        self._settle(order, status)

    def _confirmed(self, key: str) -> str:
        """An order that is to be paid in cash, and whose parcel is to be sent; returns its id here."""
        order = self._check_out(key, "", put=(GOODS, 1), method="COD")
        self._settle(order, "CONFIRMED")
        return order

    def _shipped(self, key: str) -> str:
        order = self._confirmed(key)
        self._act(order, "ship", PARCEL, "SHIPPED")
        return order

    def _delivered(self, key: str) -> str:
        order = self._shipped(key)
        self._act(order, "deliver", self._cash(), "DELIVERED")
        return order

    def _announced(self, key: str) -> str:
        """A delivered order of which something is sent back."""
        order = self._delivered(key)
        self._send_back(order, "")
        return order

    def _send_back(self, order: str, case: str) -> None:
        self.normal.name(return_id_of(order, RETURN), return_id_of(self._stable[order], RETURN))
        self.http(case, "POST", f"/orders/{order}/returns", _return(1), who=SHOPPER, key=RETURN)
        self._settle(order, "DELIVERED")

    def _return_id(self, order: str) -> str:
        return return_id_of(order, RETURN)

    def _cash(self) -> dict[str, Any]:
        return {"cash": {"amount": self._price, "currency": "SGD"}}

    def _keep_rows(self, order: str) -> None:
        """As they are now, of orders and of fulfilment."""
        self._keep_row("OrdersTable", "orderId", order)
        self._keep_row("ShipmentsTable", "orderId", order)

    def _place(self, key: str, case: str, *, put: tuple[str, int] | None) -> str:
        """An order that is reserved and not paid yet; returns its id as it is here."""
        with self.recorder.held_up("InventoryReactions", batch=1):
            order = self._check_out(key, case, put=put)
            self._settle(order, "PENDING", held_up="InventoryReactions")
            self._keep_row("OrdersTable", "orderId", order)
        self._settle(order, "RESERVED")
        self._keep_payment(order)
        return order

    def _keep_payment(self, order: str) -> None:
        """As it is now: the window closes only what payments knows of."""
        self._keep_row("PaymentsTable", "paymentId", order.replace("ord_", "pay_"))

    def _check_out(self, key: str, case: str, *, put: tuple[str, int] | None, method: str | None = None) -> str:
        if put:
            self.http("", "PUT", f"/cart/items/{put[0]}", {"quantity": put[1]}, who=SHOPPER)
        cart = self.http("", "GET", "/cart", who=SHOPPER).json()
        checkout = self._checkout(cart["version"], cart["total"], method)
        answer = self.http(case, "POST", "/orders", checkout, who=SHOPPER, key=key)
        order: str = answer.json()["orderId"]
        self._orders.append(order)
        # As it would be of the user whom the samples are about; the payment's id has the same end.
        stable = self._stable[order] = order_id_of(self._users[SHOPPER], key)
        self.normal.name(order.removeprefix("ord_"), stable.removeprefix("ord_"))
        self.normal.name(order_number(order), order_number(stable))
        return order

    def _checkout(self, version: int, total: dict[str, Any], method: str | None = None) -> dict[str, Any]:
        chosen = {"paymentMethod": method} if method else {}
        delivery = {"shippingAddress": ADDRESS, "shippingMethod": "standard", "total": total}
        return {**delivery, "cartVersion": version, **chosen}

    # ------------------------------------------------------------------------------------------------------- leaving

    def _leave(self) -> None:
        """Two accounts are deleted, so that each queue has two messages."""
        self.http("export", "GET", "/account/export", who=SHOPPER)
        self.http("bad-cursor", "GET", "/account/export?cursor=no-cursor", who=SHOPPER)
        self.http("preview-deletion", "GET", "/account/deletion", who=SHOPPER)
        seed.create_accounts(self.shop, [LEAVER])
        self._sign_in(LEAVER)
        path = "/account/deletion"
        self.http("bad-password", "POST", path, {"password": "Wrong-2026"}, who=LEAVER)
        for account in (LEAVER, VISITOR):
            user_id = self._user_id(account)
            self.http("delete-account", "POST", path, {"password": account.password}, who=account)
            wait_for(partial(self._is_published, user_id), "the end of the account's tokens")
            wait_for(partial(self._is_erased, user_id), "every service to erase the account")
            self._keep_row("DeletionsTable", "userId", user_id)
            # In which order the services were done is chance.
            self.rows["DeletionsTable"][-1].pop("erased")
            self._keep_leaving(user_id)

    def _is_published(self, user_id: str) -> bool:
        """Let the deletions go on as the schedule does."""
        self._invoke_by_schedule("AccountDeletions")
        call = self._wait_for_call(lambda call: call.function == "AccountDeletions", "the deletions")
        self._keep(call, "every-minute")
        return "publishedAt" in self._row("DeletionsTable", "userId", user_id)

    def _is_erased(self, user_id: str) -> bool:
        row = self._row("DeletionsTable", "userId", user_id)
        return len(row.get("erased", {}).get("L", ())) == len(Eraser)

    def _keep_leaving(self, user_id: str) -> None:
        """What was consumed of it, in an order that is always the same: the services erase at the same time."""

        def consumed() -> list[tuple[str, Invocation]]:
            calls = [
                call for call in self._look() if call.function != "Relay" and len(call.event.get("Records", ())) == 1
            ]
            return [(document, call) for call in calls for document in _consumed(call) if user_id in document]

        both = wait_for(lambda: found if len(found := consumed()) == 2 * len(Eraser) else [], "all who consume it")
        for call in self._look():
            if call.function == "Relay" and any(user_id in document for document in _published(call)):
                self._keep(call, "account-deletion-requested")
        for document, call in sorted(both, key=lambda each: (_of_service(each[0]), each[1].function)):
            sent = Published(document, 0)
            self._published[sent.event["id"]] = sent
            self._keep(call, kebab(sent.name))
        self._unsorted.clear()

    # ------------------------------------------------------------------------------------------------------- batches

    def _batches(self, note: Note) -> None:
        """What a queue hands over at once, made of messages that were recorded one by one."""
        messages = self._messages()
        cases: dict[str, Callable[[list[str]], list[str]]] = {
            "several": lambda all_: all_[:3],
            "duplicate": lambda all_: [all_[0], all_[0]],
            "bad-one-among-good": lambda all_: [all_[0], POISON, all_[1]],
            "bad-version": lambda all_: [all_[0].replace('.v1"', '.v9"')],
        }
        for case, make in cases.items():
            note(case)
            batches = {queue: make(all_) for queue, all_ in messages.items()}
            batches = {queue: batch for queue, batch in batches.items() if batch != messages[queue][:1]}
            # Auth by itself: what the others erase, they say again, and that must not come into its batch.
            self._deliver(case, {"AuthQueue": batches.pop("AuthQueue")})
            self._deliver(case, batches)

    def _messages(self) -> dict[str, list[str]]:
        """By queue: everything that its consumer reacts to, the first of each event before the second of any."""
        messages: dict[str, list[str]] = {}
        for rule in self.template.rules:
            nth: dict[str, int] = {}
            order = []
            for sent in self._published.values():
                if sent.event["type"] in rule.types:
                    nth[sent.name] = nth.get(sent.name, 0) + 1
                    order.append((nth[sent.name], sent.document))
            messages[rule.queue] = [document for _, document in sorted(order, key=lambda each: each[0])]
        images = [call for call in self._invocations if call.function == "CatalogImages"]
        # Not S3's greeting, which may have come before anybody recorded.
        bodies = [body for call in images for body in _bodies(call)]
        messages["CatalogImagesQueue"] = [body for body in bodies if "ObjectCreated" in body]
        return messages

    def _deliver(self, case: str, batches: dict[str, list[str]]) -> None:
        consumers = {queue: self.template.consumers[queue] for queue in batches}
        self._await_empty(consumers)
        with ExitStack() as held_up:
            held_up.enter_context(self.recorder.held_up(*consumers.values()))
            for queue, bodies in batches.items():
                for body in bodies:
                    self.shop.sqs.send_message(QueueUrl=self.shop.queues[queue], MessageBody=body)
        for queue, bodies in batches.items():

            def is_it(call: Invocation, function: str = consumers[queue], wanted: list[str] = bodies) -> bool:
                return call.function == function and _bodies(call) == wanted

            self._keep(self._wait_for_call(is_it, f"{queue}: {case}"), case)
        self._await_empty(consumers)
        self._unsorted.clear()

    def _await_empty(self, queues: dict[str, str]) -> None:
        """What was refused has gone to its dead-letter queue, and does not come with the next batch."""

        def waiting() -> int:
            counts = [
                self.shop.sqs.get_queue_attributes(QueueUrl=self.shop.queues[queue], AttributeNames=["All"])
                for queue in queues
            ]
            names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
            return sum(int(value) for each in counts for name, value in each["Attributes"].items() if name in names)

        wait_for(lambda: waiting() == 0, "the end of the queues")

    # ----------------------------------------------------------------------------------------------------- operations

    def _operations(self) -> None:
        """With the messages that were refused before as dead letters."""
        dead_letters = "/ops/dead-letters/OrdersDlq"
        # A message that is no event for each consumer, and for those of events one of a version that nobody knows.
        refused = len(self.template.consumers) + len(self.template.rules)
        wait_for(lambda: self._count_of_dead_letters() == refused, "the dead letters of all consumers")
        self._keep(self._collected("OrdersDlq", POISON), "dead-letter")
        self._count_failures()
        self.http("list-queues", "GET", "/ops/queues", who=OPERATOR)
        self.http("bad-not-an-operator", "GET", "/ops/queues", who=SHOPPER)
        self.http("list-dead-letter-queues", "GET", "/ops/dead-letters", who=OPERATOR)
        found = self.http("list-dead-letters", "GET", f"{dead_letters}?cause=InvalidEvent", who=OPERATOR).json()[
            "items"
        ]
        self.http("bad-queue", "GET", "/ops/dead-letters/NoSuchDlq", who=OPERATOR)
        self.http("get-dead-letter", "GET", f"{dead_letters}/{found[0]['messageId']}", who=OPERATOR)
        self.http("bad-message-id", "GET", f"{dead_letters}/no-such-message", who=OPERATOR)
        wanted = {"queue": "OrdersDlq", "reason": "To see what it would do"}
        self.http("bad-reason", "POST", "/ops/replays", {**wanted, "reason": ""}, who=OPERATOR)
        replay = self._replay("dry-run", "/ops/replays", {**wanted, "dryRun": True})
        self.http("list-replays", "GET", "/ops/replays?limit=2", who=OPERATOR)
        self.http("get-replay", "GET", f"/ops/replays/{replay}", who=OPERATOR)
        self.http("list-replayed-messages", "GET", f"/ops/replays/{replay}/messages", who=OPERATOR)
        self.http("bad-replay-id", "GET", "/ops/replays/no-such-replay", who=OPERATOR)
        self._replay("replay", "/ops/replays", {"queue": "PaymentsDlq", "reason": "The consumer was mended"})
        self.http("bad-cancel-replay", "POST", f"/ops/replays/{replay}/cancel", who=OPERATOR)
        self.http("bad-resume-replay", "POST", f"/ops/replays/{replay}/resume", who=OPERATOR)
        self._replay("drop", "/ops/drops", {**wanted, "reason": "Nobody can read them"})
        order = self._orders[0]
        self.http("list-stuck-orders", "GET", "/ops/orders/stuck?olderThan=30", who=OPERATOR)
        self.http("trace-order", "GET", f"/ops/orders/{order}/trace", who=OPERATOR)
        self.http("bad-order-id", "GET", "/ops/orders/ord_nobodys/trace", who=OPERATOR)
        nudge = {"reason": "It stands still"}
        self.http("nudge-order", "POST", f"/ops/orders/{order}/nudge", nudge, who=OPERATOR)
        self._reconciliations()
        self._stop_and_go_on()

    def _stop_and_go_on(self) -> None:
        """Of records that no worker has taken up, so that it is no matter of time where each stands."""
        about = {"action": "REPLAY", "selection": {"queue": "OrdersDlq"}, "target": "OrdersDlq: all", "rate": "20"}
        for state, case in (("QUEUED", "cancel"), ("CANCELLED", "resume")):
            replay = {"replayId": f"rpl_to_{case}", "state": state, "planned": 0, "outcomes": {}, **about}
            reconciliation = {"replayId": f"rec_to_{case}", "reconciliationId": f"rec_to_{case}", "state": state}
            for kind, record in (("replay", replay), ("reconciliation", reconciliation)):
                # Of a time that is never long ago.
                asked = {"messageId": "-", "by": OPERATOR.email, "reason": "To see", "at": "2100-12-31T00:00:00Z"}
                self.shop.dynamodb.put_item(TableName=self.shop.tables["ReplaysTable"], Item=to_item(asked | record))
                id_ = record["replayId"]
                self._keep_row("ReplaysTable", "replayId", str(id_))
                self.http(f"{case}-{kind}", "POST", f"/ops/{kind}s/{id_}/{case}", who=OPERATOR)

    def _reconciliations(self) -> None:
        path = "/ops/reconciliations"
        self.http("get-reconciliation-cost", "GET", f"{path}/cost", who=OPERATOR)
        self.http("bad-reconciliation", "POST", path, {"reason": "To see", "replayId": "no-such-replay"}, who=OPERATOR)
        started = self.http("start-reconciliation", "POST", path, {"reason": "To see"}, who=OPERATOR)
        id_ = started.json()["reconciliationId"]
        self.normal.name(id_, "rec_reconcile")
        self._keep(self._wait_for_call(lambda call: call.event.get("reconciliationId") == id_, "it"), "reconcile")
        wait_for(lambda: self.http("", "GET", f"{path}/{id_}", who=OPERATOR).json()["state"] == "DONE", "its end")
        self._keep_row("ReplaysTable", "replayId", id_)
        self.http("list-reconciliations", "GET", path, who=OPERATOR)
        self.http("get-reconciliation", "GET", f"{path}/{id_}", who=OPERATOR)
        self.http("list-violations", "GET", f"{path}/{id_}/violations", who=OPERATOR)
        self.http("bad-cancel-reconciliation", "POST", f"{path}/{id_}/cancel", who=OPERATOR)
        self.http("bad-resume-reconciliation", "POST", f"{path}/{id_}/resume", who=OPERATOR)

    def _count_of_dead_letters(self) -> int:
        queues = self.http("", "GET", "/ops/queues", who=OPERATOR).json()["items"]
        return sum(queue["dead"] for queue in queues)

    def _collected(self, queue: str, body: str) -> Invocation:
        """The collector's invocation with this message."""
        calls = [call for call in self._invocations if call.function == "Collector" and _bodies(call) == [body]]
        return next(call for call in calls if call.event["Records"][0]["eventSourceARN"].endswith(queue))

    def _count_failures(self) -> None:
        """Let them be counted as the schedule does on AWS; this is not scheduled on a laptop."""
        self._invoke_by_schedule("FailureCounter")
        self._keep(self._wait_for_call(lambda call: call.function == "FailureCounter", "the count"), "every-minute")

    def _invoke_by_schedule(self, function: str) -> None:
        event = {
            "version": "0",
            "id": "00000000-0000-0000-0000-000000000000",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "000000000000",
            "time": "2100-01-01T00:00:00Z",
            "region": self.shop.region,
            "resources": [],
            "detail": {},
        }
        self.shop.lambda_.invoke(FunctionName=self.shop.functions[function], Payload=json.dumps(event))

    def _replay(self, case: str, path: str, body: dict[str, Any]) -> str:
        """Begin something that the worker carries out, and wait for that; returns its id."""
        replay: str = self.http(case, "POST", path, body, who=OPERATOR).json()["replayId"]
        self.normal.name(replay, f"rpl_{case}")
        call = self._wait_for_call(lambda call: call.event.get("replayId") == replay, f"the worker's {case}")
        self._keep(call, case)
        self._keep_row("ReplaysTable", "replayId", replay)
        return replay

    # ------------------------------------------------------------------------------------------------------ recording

    def http(
        self,
        case: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: str | None = None,
        who: Account | None = None,
        key: str | None = None,
        cookie: str | None = None,
    ) -> httpx.Response:
        """One request.

        Args:
            case: name of the sample; empty for a request that is only needed for what follows.
            method: GET, POST, ...
            path: below /api.
            body: sent as JSON.
            raw: sent as it is, in place of `body`.
            who: is signed in.
            key: the request's Idempotency-Key.
            cookie: `name=value`.

        Raises:
            OpsError: a sample that is not called bad was refused, or the other way round.
        """
        headers = {"idempotency-key": key} if key else {}
        if who:
            headers["authorization"] = f"Bearer {self._tokens[who]}"
        if cookie:
            headers["cookie"] = cookie
        if body is not None:
            raw = json.dumps(body)
        if raw is not None:
            headers["content-type"] = "application/json"
        answer = httpx.request(
            method,
            f"{self.shop.api_url}{path}",
            content=raw,
            headers={**HEADERS, **headers},
            timeout=60,
            trust_env=False,
        )
        if answer.is_success == case.startswith("bad-"):
            raise OpsError(f"{method} {path} ({case}) was answered with {answer.status_code}.", answer.text)
        self._look()
        (call,) = [call for call in self._unsorted if "requestContext" in call.event]
        self._unsorted.remove(call)
        if case:
            self._keep(call, case)
        return answer

    def _look(self) -> list[Invocation]:
        """Everything that has not been sorted yet."""
        new = self.recorder.new()
        self._invocations += new
        self._unsorted += new
        return self._unsorted

    def _wait_for_call(self, is_it: Callable[[Invocation], bool], what: str) -> Invocation:
        """The first invocation since the last sorting that is the one."""
        (found, *_) = wait_for(lambda: list(filter(is_it, self._look())), what)
        return found

    def _settle(self, order: str, status: str, *, held_up: str = "", windows: int = 0) -> None:
        """Wait until the shop is at rest; sort what led there.

        Args:
            order: id of the order that this is about.
            status: what it must be then.
            held_up: a function that gets its events only when it is no longer held up.
            windows: how many payment windows close meanwhile.

        Raises:
            OpsError: the shop does not come to rest, or the order is something else then.
        """
        sent = wait_for(lambda: self._at_rest(held_up, windows), lambda: f"the shop's rest ({self._awaited})")
        found = self.shop.dynamodb.get_item(
            TableName=self.shop.tables["OrdersTable"], Key={"orderId": {"S": order}}, ConsistentRead=True
        )
        if (reached := found["Item"]["status"]["S"]) != status:
            names = ", ".join(each.name for each in sent)
            raise OpsError(f"The story expects {order} to be {status}; it is {reached}. Published was {names}.")
        self._held_back = sent if held_up else []
        singles = [call for call in self._look() if len(call.event["Records"]) == 1]
        for event in sent:
            for call in sorted(singles, key=lambda call: (call.function != "Relay", call.function)):
                if event.document in (_published(call) if call.function == "Relay" else _consumed(call)):
                    self._keep(call, self._case(call.function, event))
        for call in singles:
            if call.function == "Relay" and not _published(call) and "OrdersTable" in str(call.event):
                self._keep(call, "nothing-to-publish")
        for call in singles:
            if call.function == "PaymentWindowReactions" and _consumed(call):
                self._keep(call, "window-closed")
        self._unsorted.clear()

    def _at_rest(self, held_up: str, windows: int) -> list[Published]:
        """The events since the last rest, and those that somebody who was held up could not consume before it; none
        while the shop is not at rest."""
        calls = self._look()
        # In this order: what a consumer wrote, it wrote before its call ended, and so before the rows are read.
        documents = {document for call in calls if call.function == "Relay" for document in _published(call)}
        new = [Published(document, self._depth(document, documents)) for document in documents]
        new = sorted(new, key=lambda sent: (sent.depth, sent.name, self._place_of(sent.event["subject"])))
        consumed = {(call.function, body) for call in calls if call.function != "Relay" for body in _consumed(call)}
        # One that came before payments knew of its order comes again.
        windows_closed = len([each for each in consumed if each[0] == "PaymentWindowReactions"])
        awaited = [
            *(
                f"{function} has not consumed {sent.name} of {sent.event['subject']}"
                for sent in new
                for function in self._subscribers(sent) - {held_up}
                if (function, sent.document) not in consumed
            ),
            *(
                f"nobody has consumed {sent.name} of {sent.event['subject']}"
                for sent in self._held_back
                if not any(sent.document == body for _, body in consumed)
            ),
            *(["a payment window has not closed"] if windows_closed < windows else []),
            *self._unseen_by_the_relay(),
        ]
        self._awaited = "; ".join(awaited) or "nothing was published"
        if awaited:
            return []
        for sent in new:
            self._published[sent.event["id"]] = sent
        return [*self._held_back, *new]

    def _subscribers(self, sent: Published) -> set[str]:
        """The functions that an event is sent to at once: what is delayed by a payment window is not waited for."""
        rules = [rule for rule in self.template.rules if sent.event["type"] in rule.types]
        return {self.template.consumers[rule.queue] for rule in rules} - {"PaymentWindowReactions"}

    def _place_of(self, subject: str) -> int:
        """The place of an order among the orders; of anything else, behind them."""
        return self._orders.index(subject) if subject in self._orders else len(self._orders)

    def _unseen_by_the_relay(self) -> Iterator[str]:
        """The rows that have a stream and that the relay has not seen as they are now; some of them publish nothing."""
        seen = set()
        for call in self._invocations:
            for record in call.event["Records"] if call.function == "Relay" else ():
                image, (key,) = record["dynamodb"]["NewImage"], record["dynamodb"]["Keys"].values()
                seen.add((record["eventSourceARN"].split("/")[1], key["S"], image["version"]["N"]))
        for table in self.template.published:
            (key_name,) = [each["AttributeName"] for each in self._key_of(table)]
            physical = self.shop.tables[table]
            for row in self.shop.dynamodb.scan(TableName=physical, ConsistentRead=True)["Items"]:
                if (physical, row[key_name]["S"], row["version"]["N"]) not in seen:
                    yield f"the relay has not seen {row[key_name]['S']} of {table}"

    def _key_of(self, table: str) -> list[dict[str, str]]:
        key: list[dict[str, str]] = self.template.properties("AWS::DynamoDB::Table")[table]["KeySchema"]
        return key

    def _depth(self, document: str, documents: set[str]) -> int:
        cause = json.loads(document)["causationid"]
        before = next((each for each in documents if json.loads(each)["id"] == cause), None)
        return 1 + self._depth(before, documents) if before else 0

    def _case(self, function: str, sent: Published) -> str:
        """The event's name; where a function has that already for another reason, with the reason."""
        data, plain = sent.event["data"], kebab(sent.name)
        detail: str | None = data.get("reason") or data.get("paymentMethod")
        first = self._details.setdefault((function, plain), detail)
        return plain if detail in (first, None) else f"{plain}-{kebab(detail).replace(' ', '-')}"

    def _keep(self, call: Invocation, case: str) -> None:
        """Make it a sample, unless there is one of this name."""
        if not any((sample.function, sample.case) == (call.function, case) for sample in self.samples):
            self.samples.append(Recorded(call.function, case, call.event, call.answer))

    def _row(self, table: str, key: str, value: str) -> Item:
        found = self.shop.dynamodb.get_item(
            TableName=self.shop.tables[table], Key={key: {"S": value}}, ConsistentRead=True
        )
        return dict(found["Item"])

    def _keep_row(self, table: str, key: str, value: str) -> None:
        found = self.shop.dynamodb.query(
            TableName=self.shop.tables[table],
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues={":value": {"S": value}},
            ConsistentRead=True,
        )["Items"]
        # Of a replay, the record itself: what became of each of its messages has no state.
        (row,) = [item for item in found if table != "ReplaysTable" or "state" in item]
        item: Item = {key: row.pop(key), **row}
        item.pop("outbox", None)
        self.rows.setdefault(table, []).append(item)

    def _user_id(self, account: Account) -> str:
        """As it is in this shop."""
        found = self.shop.cognito.admin_get_user(UserPoolId=self.shop.output("UserPoolId"), Username=account.email)
        return next(each["Value"] for each in found["UserAttributes"] if each["Name"] == "sub")


def _credentials(account: Account) -> dict[str, Any]:
    return {"email": account.email, "password": account.password}


def _card(token: str) -> dict[str, Any]:
    return {"method": "CARD", "cardToken": token}


def _return(quantity: int) -> dict[str, Any]:
    return {"lines": [{"productId": GOODS, "quantity": quantity}], "reason": "DAMAGED"}


def _of_service(document: str) -> str:
    """Of an event about an account: who has erased it; empty for the request."""
    return str(json.loads(document)["data"].get("service", ""))


def _bodies(call: Invocation) -> list[str]:
    return [record["body"] for record in call.event.get("Records", []) if "body" in record]


def _consumed(call: Invocation) -> list[str]:
    """The messages of a batch that do not come again."""
    again = {failure["itemIdentifier"] for failure in (call.answer or {}).get("batchItemFailures", [])}
    return [record["body"] for record in call.event.get("Records", []) if record.get("messageId") not in again]


def _published(call: Invocation) -> list[str]:
    """The events that the relay was handed in this invocation."""
    images = [record["dynamodb"].get("NewImage") for record in call.event["Records"]]
    return [document for image in images if image for document in due(from_item(image))]
