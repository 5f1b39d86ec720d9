"""Cards by Stripe in a browser: the shop's adapter, rules and pages against `localstripe`, with Stripe's own addresses.

The pages load Stripe.js from js.stripe.com and send to api.stripe.com under the shop's own content policy;
the test leads both to localstripe. The worker asks it with the key from its secret. What localstripe says in webhooks
is put on the partner's bus, in Stripe's form.
"""

import io
import json
import re
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from retail_ops.recording import stripe
from retail_ops.stack.shop import PROJECT, Shop, developer_session
from tests import support
from tests.conftest import NewShop
from tests.e2e.conftest import AT_HOME
from tests.e2e.test_every_page import violations
from tests.e2e.visitor import Visitor
from tests.support.command import environment
from tests.support.local_stripe import API, KEY, STRIPE_JS, local_stripe, stripe_js
from tests.support.shoppers import Person, Shopper, counters, eventually, new_product, new_shopper

WINDOW_SECONDS = 45
"""Time enough for two cards, and little enough to be waited for."""

VISA, DECLINED, ASKED_FIRST = "4242424242424242", "4000000000000341", "4000002760003184"


class Account:
    """The account at Stripe: what it holds, and what it reports.

    Args:
        address: of localstripe.
        shop: the one that takes cards by it.

    Attributes:
        reports: whether the shop hears of what happens.
    """

    reports = True

    def __init__(self, address: str, shop: Shop) -> None:
        self.address = address
        self.shop = shop
        self._http = httpx.Client(base_url=address, auth=(KEY, ""), trust_env=False, timeout=30)

    def report(self, said: dict[str, Any]) -> None:
        """Put an event of Stripe's on the partner's bus."""
        if not self.reports:
            return
        entry = {
            "EventBusName": stripe.SOURCE,
            "Source": stripe.LOCAL_SOURCE,
            "DetailType": said["type"],
            "Detail": json.dumps(said),
        }
        assert self.shop.events.put_events(Entries=[entry])["FailedEntryCount"] == 0  # type: ignore[list-item]

    def intents(self, order_id: str) -> list[dict[str, Any]]:
        """The attempts of an order, one after the other."""
        found = self._http.get("/v1/payment_intents", params={"limit": 100}).json()["data"]
        payment_id = order_id.replace("ord_", "pay_")
        own = [each for each in found if each["metadata"]["attempt"].startswith(f"{payment_id}:")]
        return sorted(own, key=lambda intent: str(intent["metadata"]["attempt"]))

    def refunds(self, order_id: str) -> list[dict[str, Any]]:
        """The refunds of an order's latest attempt."""
        intent = self.intents(order_id)[-1]["id"]
        found: list[dict[str, Any]] = self._http.get("/v1/refunds", params={"payment_intent": intent}).json()["data"]
        return found

    def serve(self, route: Route) -> None:
        """Answer a request of a page to Stripe's API."""
        request = route.request
        headers = {name: value for name, value in request.headers.items() if name in ("content-type", "origin")}
        # Of payment methods, localstripe lets only the shop's own key make some.
        auth = (KEY, "") if "/payment_methods" in request.url else None
        answer = httpx.request(
            request.method,
            request.url.replace(API, self.address),
            headers=headers,
            content=request.post_data_buffer,
            auth=auth,
            trust_env=False,
        )
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)
        url = urlparse(request.url)
        if url.path.endswith("/_authenticate") and parse_qs(url.query).get("success") == ["false"]:
            # Stripe reports that a bank did not agree, and localstripe does not.
            self.report(stripe.event("payment_intent.payment_failed", url.path.split("/")[3])["detail"])


@contextmanager
def webhooks(account: Account) -> Iterator[None]:
    """Take what localstripe reports to the partner's bus, as Stripe does by itself."""

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            account.report(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """It is no web server."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hook = {"url": f"http://127.0.0.1:{server.server_port}/", "secret": "whsec_local"}  # pragma: allowlist secret
        httpx.post(f"{account.address}/_config/webhooks/shop", json=hook, trust_env=False).raise_for_status()
        yield
        server.shutdown()


def _let_the_worker_ask(shop: Shop, address: str) -> None:
    """Give the worker the key in a secret, and localstripe's address."""
    client = shop.session.client
    secrets = client("secretsmanager", endpoint_url=shop.endpoint)
    key_arn = secrets.create_secret(Name="stripe", SecretString=f"{KEY}\n")["ARN"]
    name = shop.functions["PaymentWorkerReactions"]
    configuration = shop.lambda_.get_function_configuration(FunctionName=name)
    # The template's own policy is about the ARN that the parameter had, before there was a secret.
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": key_arn}
    client("iam", endpoint_url=shop.endpoint).put_role_policy(
        RoleName=configuration["Role"].rpartition("/")[2],
        PolicyName="ThisSecret",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in ("local_stripe.py", "local_stripe_handler.py"):
            archive.write(Path(support.__file__).with_name(file), f"python/{file}")
    layer = shop.lambda_.publish_layer_version(LayerName="local-stripe", Content={"ZipFile": packed.getvalue()})
    shop.lambda_.update_function_configuration(
        FunctionName=name,
        Handler="local_stripe_handler.handler",
        Layers=[*(each["Arn"] for each in configuration.get("Layers", [])), layer["LayerVersionArn"]],
        Environment={
            "Variables": {
                **configuration["Environment"]["Variables"],
                "STRIPE_KEY_ARN": key_arn,
                "LOCAL_STRIPE": address,
            }
        },
    )


@pytest.fixture(scope="module")
def account(new_shop: NewShop) -> Iterator[Account]:
    """The account of a shop that takes cards by Stripe."""
    parameters = stripe.PARAMETERS | {"PaymentWindowSeconds": str(WINDOW_SECONDS)}
    with local_stripe() as address, new_shop("stripe", parameters=parameters) as local:
        account = Account(address, local.read())
        _let_the_worker_ask(account.shop, address)
        with webhooks(account):
            yield account


@pytest.fixture(scope="module")
def stripe_operator(account: Account) -> Person:
    return new_shopper(account.shop, "operators")


@pytest.fixture
def shopper(account: Account) -> Shopper:
    """Somebody new in the shop with Stripe."""
    return new_shopper(account.shop)


@pytest.fixture
def visitor(browser: Browser, account: Account, shopper: Shopper) -> Iterator[Visitor]:
    """The shopper, logged in with a browser that finds localstripe at Stripe's addresses."""
    shop = account.shop
    script = stripe_js(account.address)
    with browser.new_context(**AT_HOME, base_url=shop.storefront_url) as context:
        context.route(STRIPE_JS, lambda route: route.fulfill(body=script, content_type="application/javascript"))
        context.route(f"{API}/**", account.serve)
        visitor = Visitor(context.new_page(), shop)
        visitor.log_in(shopper)
        yield visitor
        context.unroute_all(behavior="wait")
        assert visitor.complaints == []
        assert visitor.secrets() == []


@pytest.fixture
def product(stripe_operator: Person) -> str:
    """The id of a product of which there is one piece."""
    return new_product(stripe_operator, stock=1)


@pytest.fixture
def order_id(visitor: Visitor, shopper: Shopper, product: str) -> str:
    """The id of an order of it, whose shopper sees Stripe's card form."""
    order_id = shopper.reserved(product)
    visitor.open(f"/orders/{order_id}/pay", "Payment")
    expect(_card(visitor, "number")).to_be_visible()
    return order_id


def _card(visitor: Visitor, field: str) -> Locator:
    return visitor.page.get_by_role("group", name="Card").get_by_placeholder(field)


def _pay(visitor: Visitor, number: str) -> None:
    for field, value in (("number", number), ("exp_month", "12"), ("exp_year", "35"), ("cvc", "123")):
        _card(visitor, field).fill(value)
    visitor.button("Pay SGD").click()


def _asks(visitor: Visitor) -> None:
    """Pay with a card whose bank wants to be asked, up to where it is."""
    _pay(visitor, ASKED_FIRST)
    expect(visitor.page.get_by_role("region", name="Confirm with your bank")).to_be_focused()


def _is_free(shop: Shop, product: str) -> None:
    eventually(lambda: counters(shop, product), lambda seen: seen == (1, 0, 0))


def test_stripe_charges_a_card_and_gives_it_back_when_the_order_is_cancelled(
    visitor: Visitor, shopper: Shopper, account: Account, order_id: str
) -> None:
    visitor.button("Pay SGD").click()
    visitor.reads("Your card number is incomplete.")
    assert violations(visitor.page) == []
    _pay(visitor, VISA)

    visitor.sees("Thank you, your order is confirmed")
    (intent,) = account.intents(order_id)
    assert (intent["status"], intent["amount"], intent["currency"]) == ("succeeded", 1990, "sgd")

    shopper.ok("POST", f"/orders/{order_id}/cancel")
    shopper.sees_event(order_id, "PaymentRefunded")
    assert [each["amount"] for each in account.refunds(order_id)] == [1990]


def test_a_card_that_stripe_declines_leaves_room_for_another(
    visitor: Visitor, shopper: Shopper, account: Account, order_id: str
) -> None:
    _pay(visitor, DECLINED)
    alert = visitor.page.get_by_role("alert").filter(has_text="2 attempts left")
    expect(alert).to_contain_text("Your card was declined.")

    _pay(visitor, VISA)

    visitor.sees("Thank you, your order is confirmed")
    assert [each["status"] for each in account.intents(order_id)] == ["canceled", "succeeded"]


def test_a_challenge_is_agreed_to_by_keyboard(visitor: Visitor, account: Account, order_id: str) -> None:
    _asks(visitor)
    assert account.intents(order_id)[0]["status"] == "requires_action"
    assert violations(visitor.page) == []
    visitor.page.keyboard.press("Tab")
    expect(visitor.button("Confirm the payment")).to_be_focused()
    visitor.page.keyboard.press("Enter")
    expect(visitor.button("Complete authentication")).to_be_focused()
    visitor.page.keyboard.press("Enter")

    visitor.sees("Thank you, your order is confirmed")
    assert [each["status"] for each in account.intents(order_id)] == ["succeeded"]


def test_a_challenge_that_is_refused_ends_at_stripe_before_another_card_is_asked_for(
    visitor: Visitor, account: Account, order_id: str
) -> None:
    _asks(visitor)
    visitor.button("Confirm the payment").click()
    visitor.button("Fail authentication").click()

    expect(visitor.page.get_by_role("alert").filter(has_text="2 attempts left")).to_be_visible()
    assert [each["status"] for each in account.intents(order_id)] == ["canceled"]
    _pay(visitor, VISA)
    visitor.sees("Thank you, your order is confirmed")


def test_a_challenge_is_there_again_in_a_new_tab(visitor: Visitor, account: Account, order_id: str) -> None:
    _asks(visitor)
    visitor.open("/", "Well-made things")
    visitor.open(f"/orders/{order_id}/pay", "Payment")
    visitor.button("Confirm the payment").click()
    visitor.button("Complete authentication").click()

    visitor.sees("Thank you, your order is confirmed")
    assert [each["status"] for each in account.intents(order_id)] == ["succeeded"]


def test_what_stripe_could_not_report_is_asked_for_as_the_runbook_says(
    visitor: Visitor, shopper: Shopper, account: Account, order_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (words,) = re.findall(r"```sh\n(sed .+?)```", (PROJECT / "docs/operations.md").read_text(), re.DOTALL)
    monkeypatch.setattr(account, "reports", False)
    _asks(visitor)
    visitor.button("Confirm the payment").click()
    visitor.button("Complete authentication").click()
    (intent,) = eventually(
        lambda: account.intents(order_id), lambda intents: [each["status"] for each in intents] == ["succeeded"]
    )
    assert shopper.ok("GET", f"/orders/{order_id}/payment")["status"] == "CHALLENGED"

    shop = account.shop
    words = words.replace("pi_...", intent["id"]).replace("cloudretail-prod", shop.stack)
    (tmp_path / "events").symlink_to(PROJECT / "events")
    ended = subprocess.run(
        [str(shutil.which("bash")), "-ec", words],
        cwd=tmp_path,
        env=environment(shop, developer_session(shop)),
        input="y\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    visitor.sees("Thank you, your order is confirmed")


def test_an_order_that_is_cancelled_while_its_bank_is_asked_can_be_agreed_to_no_more(
    visitor: Visitor, shopper: Shopper, account: Account, product: str, order_id: str
) -> None:
    _asks(visitor)
    visitor.button("Confirm the payment").click()
    expect(visitor.button("Complete authentication")).to_be_visible()

    shopper.ok("POST", f"/orders/{order_id}/cancel")
    shopper.sees_payment(order_id, "VOIDED")

    assert [each["status"] for each in account.intents(order_id)] == ["canceled"]
    with visitor.page.expect_console_message(lambda said: said.location["url"].startswith(API)):
        visitor.button("Complete authentication").click()
    # The browser notes that Stripe refuses it, and nothing else.
    (refused,) = visitor.complaints
    assert "status of 400" in refused
    visitor.complaints.clear()
    visitor.reads("You cancelled this order.")
    assert account.intents(order_id)[0]["status"] == "canceled"
    _is_free(account.shop, product)


def test_a_challenge_that_nobody_answers_ends_at_stripe_with_the_window(
    visitor: Visitor, shopper: Shopper, account: Account, product: str, order_id: str
) -> None:
    _asks(visitor)

    expect(visitor.page.get_by_role("alert").filter(has_text="Not paid in time")).to_contain_text(
        "You were not charged."
    )

    assert shopper.sees_payment(order_id, "FAILED")["challenge"] is None
    assert [each["status"] for each in account.intents(order_id)] == ["canceled"]
    _is_free(account.shop, product)


def test_a_bank_that_agrees_in_the_last_second_charges_and_confirms_or_neither(
    visitor: Visitor, shopper: Shopper, account: Account, product: str, order_id: str
) -> None:
    _asks(visitor)
    expect(visitor.page.get_by_role("timer")).to_have_text(re.compile("^0:0[2-4]$"))
    visitor.button("Confirm the payment").click()
    expect(visitor.page.get_by_role("timer")).to_have_text(re.compile("^0:0[01]$"))
    visitor.button("Complete authentication").click()

    kept = shopper.sees(order_id, "CONFIRMED", "CANCELLED")["status"] == "CONFIRMED"

    payment = shopper.sees_payment(order_id, "SUCCEEDED" if kept else "FAILED")
    eventually(lambda: counters(account.shop, product), lambda seen: seen == ((0, 0, 1) if kept else (1, 0, 0)))
    charged = account.intents(order_id)[0]["status"] == "succeeded"
    given_back = [each["refundId"] for each in payment["refunds"]]
    assert charged == kept or given_back == ["attempt:1"]
