"""Accounts and sessions on the emulator: the provider keeps its contract, and the routes what they promise."""

import re
from collections.abc import Iterator
from http.cookies import Morsel, SimpleCookie
from uuid import uuid4

import httpx
import pytest

from auth.identity_provider import CognitoIdentityProvider
from cloudretail import aws
from retail_ops.local.mails import read_mails
from retail_ops.stack.shop import Shop
from tests.support.identity import OTHER_PASSWORD, PASSWORD, IdentityProviderContract
from tests.support.shoppers import Person, unique


class Inbox:
    """Where the emulator's mails are read."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def code_mailed_to(self, email: str) -> str:
        codes = [re.search(r"\b\d{6}\b", mail.text) for mail in read_mails(self._shop, email)]
        return next(code.group() for code in reversed(codes) if code)


class TestCognito(IdentityProviderContract):
    @pytest.fixture
    def post(self, shop: Shop) -> Inbox:
        return Inbox(shop)

    @pytest.fixture
    def provider(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[CognitoIdentityProvider]:
        """On a pool of its own, made as the template's is."""
        declared = shop.cognito.describe_user_pool(UserPoolId=shop.output("UserPoolId"))["UserPool"]
        client = shop.cognito.describe_user_pool_client(
            UserPoolId=shop.output("UserPoolId"), ClientId=shop.output("UserPoolClientId")
        )["UserPoolClient"]
        pool_id = shop.cognito.create_user_pool(
            PoolName=uuid4().hex,
            Policies={"PasswordPolicy": declared["Policies"]["PasswordPolicy"]},
            UsernameAttributes=declared["UsernameAttributes"],
            AutoVerifiedAttributes=declared["AutoVerifiedAttributes"],
        )["UserPool"]["Id"]
        client_id = shop.cognito.create_user_pool_client(
            UserPoolId=pool_id,
            ClientName="contract",
            ExplicitAuthFlows=client["ExplicitAuthFlows"],
            PreventUserExistenceErrors=client["PreventUserExistenceErrors"],
            AccessTokenValidity=client["AccessTokenValidity"],
            IdTokenValidity=client["IdTokenValidity"],
            TokenValidityUnits=client["TokenValidityUnits"],
        )["UserPoolClient"]["ClientId"]
        monkeypatch.setattr(aws, "cognito", lambda: shop.cognito)
        yield CognitoIdentityProvider(pool_id, client_id)
        shop.cognito.delete_user_pool(UserPoolId=pool_id)


class Visitor(Person):
    """Somebody with a browser, which sends the refresh cookie; httpx would not send it over http."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop, email=f"{unique('visitor')}@cloudretail.example")
        self.cookie: Morsel[str] | None = None

    def auth(self, route: str, body: object = None, status: int = 204) -> httpx.Response:
        cookie = {"Cookie": f"theme=dark; {self.cookie.key}={self.cookie.value}"} if self.cookie else {}
        answer = self.call("POST", f"/auth/{route}", body, **cookie)
        assert answer.status_code == status, answer.text
        for header in answer.headers.get_list("set-cookie"):
            (cookie_set,) = SimpleCookie(header).values()
            self.cookie = None if cookie_set["max-age"] == "0" else cookie_set
        return answer

    def code(self) -> str:
        return Inbox(self.shop).code_mailed_to(self.email)

    def register(self, password: str = PASSWORD) -> httpx.Response:
        return self.auth("register", {"email": self.email, "password": password, "name": "Visitor"}, 201)

    def log_in(self, password: str = PASSWORD, status: int = 200) -> httpx.Response:
        return self.auth("login", {"email": self.email, "password": password}, status)


@pytest.fixture
def visitor(shop: Shop) -> Visitor:
    return Visitor(shop)


@pytest.fixture
def member(visitor: Visitor) -> Visitor:
    """A visitor with a confirmed account."""
    visitor.register()
    visitor.auth("confirm", {"email": visitor.email, "code": visitor.code()})
    return visitor


def test_a_visitor_registers_confirms_signs_in_and_is_known(visitor: Visitor) -> None:
    assert visitor.register().json() == {"email": visitor.email}
    assert visitor.log_in(status=403).json()["type"].endswith(":email-not-confirmed")
    visitor.auth("confirm", {"email": visitor.email, "code": "000000"}, 422)
    visitor.auth("resend-code", {"email": visitor.email})
    visitor.auth("confirm", {"email": visitor.email, "code": visitor.code()})
    session = visitor.log_in().json()
    assert session["user"] == {
        "userId": session["user"]["userId"],
        "email": visitor.email,
        "name": "Visitor",
        "groups": [],
    }
    me = visitor.call("GET", "/auth/me", Authorization=f"Bearer {session['idToken']}")
    assert me.json() == session["user"]


def test_the_refresh_cookie_keeps_a_session_until_it_is_ended(member: Visitor) -> None:
    first = member.log_in().json()
    cookie = member.cookie
    assert cookie
    assert (cookie["path"], cookie["max-age"], cookie["samesite"]) == ("/api/auth", str(30 * 24 * 3600), "Strict")
    assert cookie["httponly"]
    assert cookie["secure"]
    second = member.auth("refresh", status=200).json()
    assert second["user"] == first["user"]
    assert member.call("GET", "/auth/me", Authorization=f"Bearer {second['idToken']}").is_success
    member.auth("logout")
    assert member.cookie is None
    member.cookie = cookie
    assert member.auth("refresh", status=401).json()["type"].endswith(":session-over")
    assert member.cookie is None
    member.auth("logout")


def test_a_forgotten_password_is_replaced_and_every_session_with_it(member: Visitor) -> None:
    member.log_in()
    member.auth("forgot-password", {"email": member.email})
    member.auth("reset-password", {"email": member.email, "code": member.code(), "password": OTHER_PASSWORD})
    member.auth("refresh", status=401)
    member.log_in(status=401)
    member.log_in(OTHER_PASSWORD)


def test_an_unconfirmed_address_registered_again_keeps_nothing_of_the_first_time(visitor: Visitor) -> None:
    visitor.register(PASSWORD)
    visitor.register(OTHER_PASSWORD)
    visitor.auth("confirm", {"email": visitor.email, "code": visitor.code()})
    visitor.log_in(PASSWORD, status=401)
    visitor.log_in(OTHER_PASSWORD)


def test_an_address_with_an_account_is_told_by_mail_and_nobody_else_is(member: Visitor) -> None:
    stranger = Visitor(member.shop)
    assert stranger.register().status_code == 201
    member.register(OTHER_PASSWORD)
    assert read_mails(member.shop, member.email)[-1].subject == "You already have a CloudRetail account"
    member.log_in(PASSWORD)


def test_an_access_token_opens_nothing(shop: Shop, member: Visitor) -> None:
    tokens = shop.cognito.admin_initiate_auth(
        UserPoolId=shop.output("UserPoolId"),
        ClientId=shop.output("UserPoolClientId"),
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": member.email, "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    answer = member.call("GET", "/auth/me", Authorization=f"Bearer {tokens['AccessToken']}")
    assert answer.status_code == 401
    assert member.call("GET", "/auth/me", Authorization=f"Bearer {tokens['IdToken']}").is_success
