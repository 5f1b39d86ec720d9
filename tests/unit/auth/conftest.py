import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from auth import api
from tests.support.attempts import InMemoryAttempts, InMemoryDevices
from tests.support.identity import EMAIL, PASSWORD, InMemoryIdentityProvider, InMemoryMailer
from tests.support.invocations import SHOPPER_CLAIMS, Context, http_event

COOKIE = "__Secure-refresh"
DEVICE = "__Secure-device"
ORIGIN = "https://shop.cloudretail.example"


@dataclass(frozen=True)
class Answer:
    """What a browser gets.

    Attributes:
        cookie: the refresh cookie, where the answer sets it.
        text: the body as it was sent.
    """

    status: int
    headers: Mapping[str, str]
    cookie: "Morsel[str] | None"
    text: str

    @property
    def body(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.text)
        return parsed

    @property
    def problem(self) -> str:
        """The last part of the problem's type."""
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.body["status"] == self.status
        return str(self.body["type"]).removeprefix("urn:cloudretail:problem:")

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong with which field."""
        return {error["field"]: error["message"] for error in self.body["errors"]}


class Browser:
    """Calls the routes in the test's own process, from a page of the shop, and keeps its cookie."""

    def __init__(self) -> None:
        self.refresh_token: str | None = None
        self.device: Morsel[str] | None = None

    def post(
        self,
        route: str,
        body: object = None,
        *,
        raw_body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        cookies = [f"{COOKIE}={self.refresh_token}"] if self.refresh_token else []
        cookies += [f"{DEVICE}={self.device.value}"] if self.device else []
        event = http_event(
            "POST",
            f"/api/auth/{route}",
            body=body,
            raw_body=raw_body,
            headers={"origin": ORIGIN, **(headers or {})},
            cookies=["theme=dark", *cookies],
        )
        return self.send(event)

    def post_as_shopper(self, route: str, body: object) -> Answer:
        """With the token of EMAIL's owner."""
        return self.send(http_event("POST", f"/api/auth/{route}", body=body, claims=SHOPPER_CLAIMS))

    def me(self, claims: Mapping[str, str] | None) -> Answer:
        return self.send(http_event("GET", "/api/auth/me", claims=claims))

    def send(self, event: dict[str, Any]) -> Answer:
        answer = api.handler(event, cast(LambdaContext, Context()))
        cookie = None
        for header in answer.get("cookies", []):
            for name, morsel in SimpleCookie(header).items():
                if name == DEVICE:
                    self.device = morsel
                else:
                    assert name == COOKIE
                    cookie = morsel
                    self.refresh_token = None if morsel["max-age"] == "0" else morsel.value
        return Answer(int(answer["statusCode"]), answer["headers"], cookie, answer["body"])


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> api.AuthSettings:
    """As on AWS."""
    settings = api.AuthSettings(
        user_pool_id="ap-southeast-1_pool",
        user_pool_client_id="client",
        sender_address="shop@cloudretail.example",
        mail_configuration="mails",
        storefront_url=ORIGIN,
        allowed_origins=f"{ORIGIN},https://d111111abcdef8.cloudfront.net,",
        stage="prod",
        attempts_table="Attempts",
        deletions_table="Deletions",
        orders_table="Orders",
        payments_table="Payments",
        shipments_table="Shipments",
        addresses_table="Addresses",
        cart_table="Cart",
        sent_mails_table="SentMails",
        registration_limit="5/20/3600",
        code_limit="5/20/3600",
        code_entry_limit="10/50/900",
        log_in_limit="10/50/900",
    )
    monkeypatch.setattr(api, "settings", lambda: settings)
    return settings


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> InMemoryAttempts:
    attempts, devices = InMemoryAttempts(), InMemoryDevices()
    monkeypatch.setattr(api, "attempts", lambda: attempts)
    monkeypatch.setattr(api, "devices", lambda: devices)
    return attempts


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> InMemoryIdentityProvider:
    provider = InMemoryIdentityProvider()
    monkeypatch.setattr(api, "identity_provider", lambda: provider)
    return provider


@pytest.fixture
def mailer(monkeypatch: pytest.MonkeyPatch) -> InMemoryMailer:
    mailer = InMemoryMailer()
    monkeypatch.setattr(api, "mailer", lambda: mailer)
    return mailer


@pytest.fixture
def browser(provider: InMemoryIdentityProvider, mailer: InMemoryMailer, attempts: InMemoryAttempts) -> Browser:
    return Browser()


@pytest.fixture
def shopper(provider: InMemoryIdentityProvider) -> str:
    """The address of a confirmed account."""
    provider.sign_up(EMAIL)
    provider.confirm(EMAIL, provider.code_mailed_to(EMAIL))
    provider.set_up(EMAIL, PASSWORD, "Shopper")
    return EMAIL
