"""Accounts and sessions on the emulator: the provider keeps its contract, and the routes what they promise."""

import base64
import hmac
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from botocore.exceptions import ClientError

from auth.identity_provider import CognitoIdentityProvider, Visit
from cloudretail import aws
from retail_ops.local.mails import read_mails
from retail_ops.recording.totp import totp
from retail_ops.stack import users
from retail_ops.stack.shop import Shop
from tests.support.identity import OTHER_PASSWORD, PASSWORD, IdentityProviderContract
from tests.support.shoppers import Person, Shopper, new_product, unique


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
    def app(self) -> Callable[[str], str]:
        return totp

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
            LambdaConfig=declared["LambdaConfig"],
            MfaConfiguration=declared["MfaConfiguration"],
        )["UserPool"]["Id"]
        client_id = shop.cognito.create_user_pool_client(
            UserPoolId=pool_id,
            ClientName="contract",
            GenerateSecret="ClientSecret" in client,
            ExplicitAuthFlows=client["ExplicitAuthFlows"],
            PreventUserExistenceErrors=client["PreventUserExistenceErrors"],
            AccessTokenValidity=client["AccessTokenValidity"],
            IdTokenValidity=client["IdTokenValidity"],
            TokenValidityUnits=client["TokenValidityUnits"],
        )["UserPoolClient"]["ClientId"]
        monkeypatch.setattr(aws, "cognito", lambda: shop.cognito)
        yield CognitoIdentityProvider(pool_id, client_id, lambda: Visit("203.0.113.7", "", "localhost", "/"))
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
            # The other one says that somebody has logged in here before, and stays.
            if cookie_set.key.endswith("refresh"):
                self.cookie = None if cookie_set["max-age"] == "0" else cookie_set
        return answer

    def code(self) -> str:
        return Inbox(self.shop).code_mailed_to(self.email)

    def register(self) -> httpx.Response:
        return self.auth("register", {"email": self.email}, 201)

    def confirm(self, code: str, password: str = PASSWORD, status: int = 204) -> httpx.Response:
        body = {"email": self.email, "code": code, "password": password, "name": "Visitor"}
        return self.auth("confirm", body, status)

    def log_in(self, password: str = PASSWORD, status: int = 200) -> httpx.Response:
        return self.auth("login", {"email": self.email, "password": password}, status)


@pytest.fixture
def visitor(shop: Shop) -> Visitor:
    return Visitor(shop)


@pytest.fixture
def member(visitor: Visitor) -> Visitor:
    """A visitor with a confirmed account."""
    visitor.register()
    visitor.confirm(visitor.code())
    return visitor


def test_a_visitor_registers_confirms_signs_in_and_is_known(visitor: Visitor) -> None:
    assert visitor.register().json() == {"email": visitor.email}
    assert visitor.log_in(status=403).json()["type"].endswith(":email-not-confirmed")
    visitor.confirm("000000", status=422)
    visitor.auth("resend-code", {"email": visitor.email})
    visitor.confirm(visitor.code())
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
    member.auth("logout")
    assert member.cookie is None


def test_a_forgotten_password_is_replaced_and_every_session_with_it(member: Visitor) -> None:
    member.log_in()
    member.auth("forgot-password", {"email": member.email})
    member.auth("reset-password", {"email": member.email, "code": member.code(), "password": OTHER_PASSWORD})
    member.auth("refresh", status=401)
    member.log_in(status=401)
    member.log_in(OTHER_PASSWORD)


@pytest.mark.parametrize("who", ["stranger first", "owner first", "both at once"])
def test_a_stranger_who_registers_the_address_too_has_nothing_in_the_account(visitor: Visitor, who: str) -> None:
    stranger = Visitor(visitor.shop)
    stranger.email = visitor.email
    people = [stranger, visitor] if who == "stranger first" else [visitor, stranger]
    with ThreadPoolExecutor(2 if who == "both at once" else 1) as threads:
        assert [answer.status_code for answer in threads.map(Visitor.register, people)] == [201, 201]
    stranger.confirm("000000", OTHER_PASSWORD, 422)
    visitor.confirm(visitor.code())
    stranger.register()
    stranger.confirm("000000", OTHER_PASSWORD, 422)
    stranger.log_in(OTHER_PASSWORD, 401)
    visitor.log_in()


def test_registering_a_confirmed_account_many_times_at_once_deletes_nothing(member: Visitor) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: Visitor.register(member), range(16)))
    assert {answer.status_code for answer in answers} == {201}
    member.log_in()


def test_a_wrong_code_leaves_the_password_of_an_account_and_mails_the_one_that_leads_in(member: Visitor) -> None:
    before = len(read_mails(member.shop, member.email))
    member.confirm("000000", OTHER_PASSWORD, 422)
    member.log_in()
    member.log_in(OTHER_PASSWORD, 401)
    (mail,) = read_mails(member.shop, member.email)[before:]
    assert mail.subject == "Choose a new password for CloudRetail"


def test_an_address_that_was_never_confirmed_gets_its_own_code_again(visitor: Visitor) -> None:
    visitor.register()
    visitor.auth("forgot-password", {"email": visitor.email})
    first, second = read_mails(visitor.shop, visitor.email)
    assert first.subject == second.subject == "Confirm your e-mail address for CloudRetail"
    visitor.auth("reset-password", {"email": visitor.email, "code": visitor.code(), "password": OTHER_PASSWORD})
    visitor.log_in(OTHER_PASSWORD)


def test_whose_pool_was_lost_comes_back_with_a_new_password_and_sees_their_orders(
    shop: Shop, member: Visitor, operator: Person, tmp_path: Path
) -> None:
    session = member.log_in().json()
    shopper = Shopper(shop, session["idToken"], member.email, PASSWORD)
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    file = tmp_path / "users.jsonl"
    users.write(users.users(shop), file)
    (kept,) = [user for user in users.read(file) if user.email == member.email]
    pool = shop.output("UserPoolId")
    shop.cognito.admin_delete_user(UserPoolId=pool, Username=member.email)

    (made,) = users.bring_back(shop, [kept], lambda _: None)[users.Outcome.MADE]

    assert made == kept
    member.log_in(status=401)
    member.auth("forgot-password", {"email": member.email})
    member.auth("reset-password", {"email": member.email, "code": member.code(), "password": OTHER_PASSWORD})
    again = member.log_in(OTHER_PASSWORD).json()
    assert again["user"] == session["user"]
    there = shop.cognito.admin_get_user(UserPoolId=pool, Username=member.email)
    assert there["Username"] != kept.user_id, "Cognito gives everybody a new id"
    back = Shopper(shop, again["idToken"], member.email, OTHER_PASSWORD)
    assert back.ok("GET", f"/orders/{order_id}")["status"] == "CONFIRMED"
    assert [each["orderId"] for each in back.ok("GET", "/orders")["items"]] == [order_id]


def test_cognito_itself_takes_no_call_that_does_not_know_the_clients_secret(shop: Shop, member: Visitor) -> None:
    client_id = shop.output("UserPoolClientId")
    anybody: dict[str, Callable[[], object]] = {
        "SignUp": lambda: shop.cognito.sign_up(
            ClientId=client_id, Username=unique("x") + "@b.example", Password=PASSWORD
        ),
        "ForgotPassword": lambda: shop.cognito.forgot_password(ClientId=client_id, Username=member.email),
        "ResendConfirmationCode": lambda: shop.cognito.resend_confirmation_code(
            ClientId=client_id, Username=member.email
        ),
        "ConfirmSignUp": lambda: shop.cognito.confirm_sign_up(
            ClientId=client_id, Username=member.email, ConfirmationCode="123456"
        ),
    }
    for operation, call in anybody.items():
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "NotAuthorizedException", operation


def test_the_mails_say_what_they_are_about_and_warn_who_did_not_ask(member: Visitor) -> None:
    member.auth("forgot-password", {"email": member.email})
    confirm, reset = read_mails(member.shop, member.email)
    assert "Enter this code on the page where you are creating your CloudRetail account" in confirm.text
    assert "You did not want to create an account?" in confirm.text
    assert "Enter this code on the page where you are choosing a new password" in reset.text
    assert "You did not ask for a new password?" in reset.text


def test_an_address_with_an_account_is_told_by_mail_and_nobody_else_is(member: Visitor) -> None:
    stranger = Visitor(member.shop)
    assert stranger.register().status_code == 201
    member.register()
    assert read_mails(member.shop, member.email)[-1].subject == "You already have a CloudRetail account"
    member.log_in(PASSWORD)


def test_an_access_token_opens_nothing(shop: Shop, member: Visitor) -> None:
    client_id, pool_id = shop.output("UserPoolClientId"), shop.output("UserPoolId")
    client = shop.cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)["UserPoolClient"]
    digest = hmac.digest(client["ClientSecret"].encode(), f"{member.email}{client_id}".encode(), "sha256")
    tokens = shop.cognito.admin_initiate_auth(
        UserPoolId=pool_id,
        ClientId=client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={
            "USERNAME": member.email,
            "PASSWORD": PASSWORD,
            "SECRET_HASH": base64.b64encode(digest).decode(),
        },
    )["AuthenticationResult"]
    answer = member.call("GET", "/auth/me", Authorization=f"Bearer {tokens['AccessToken']}")
    assert answer.status_code == 401
    assert member.call("GET", "/auth/me", Authorization=f"Bearer {tokens['IdToken']}").is_success
