"""Signing in, staying signed in, signing out, and the way back to a forgotten password."""

import base64
import json
from copy import deepcopy

import pytest

from auth import api
from auth.commands import MOST_COOKIES
from auth.domain import SessionOver, Tokens, TooManyRequests
from auth.identity_provider import Visit
from cloudretail.errors import Transient
from cloudretail.settings import MissingSetting, load
from tests.support.identity import (
    APP_CODE,
    EMAIL,
    NOBODY,
    OTHER_PASSWORD,
    PASSWORD,
    InMemoryIdentityProvider,
    InMemoryMailer,
    claims_of,
)
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS, http_event
from tests.support.wire import everything_printed
from tests.unit.auth.conftest import COOKIE, ORIGIN, Browser

CREDENTIALS = {"email": EMAIL, "password": PASSWORD}
DAY = 24 * 3600


class TestSigningIn:
    def test_gives_a_token_and_says_whose_it_is(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        answer = browser.post("login", CREDENTIALS)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json"
        user_id = provider.users[shopper].user_id
        assert answer.body == {
            "idToken": answer.body["idToken"],
            "expiresIn": 300,
            "user": {"userId": user_id, "email": EMAIL, "name": "Shopper", "groups": []},
        }
        assert claims_of(answer.body["idToken"])["sub"] == user_id

    def test_tells_the_provider_from_where_somebody_asks_and_nothing_secret(
        self, browser: Browser, shopper: str, provider: InMemoryIdentityProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visits: list[Visit] = []
        sign_in = provider.sign_in

        def noted(email: str, password: str, app_code: str | None) -> Tokens:
            visits.append(api.visit())
            return sign_in(email, password, app_code)

        monkeypatch.setattr(provider, "sign_in", noted)
        headers = {"X-Client-Address": "2001:db8::7", "User-Agent": "Firefox"}
        assert browser.post("login", CREDENTIALS, headers=headers).status == 200
        assert visits == [Visit("2001:db8::7", "Firefox", "shop.cloudretail.example", "/api/auth/login")]

    def test_tells_an_operator_by_their_group(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        provider.users[shopper].groups = ("operators", "auditors", "packers", "buyers", "drivers")
        assert browser.post("login", CREDENTIALS).body["user"]["groups"] == [
            "auditors",
            "buyers",
            "drivers",
            "operators",
            "packers",
        ]

    def test_keeps_the_refresh_token_in_a_cookie_that_no_script_and_no_other_site_can_use(
        self, browser: Browser, shopper: str
    ) -> None:
        answer = browser.post("login", CREDENTIALS)
        cookie = answer.cookie
        assert cookie
        assert cookie.value
        assert cookie.value not in answer.text
        assert {name: value for name, value in cookie.items() if value} == {
            "path": "/api/auth",
            "max-age": str(30 * DAY),
            "httponly": True,
            "secure": True,
            "samesite": "Strict",
        }

    def test_with_a_wrong_password_looks_like_an_unknown_address(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        wrong = browser.post("login", CREDENTIALS | {"password": OTHER_PASSWORD})
        unknown = browser.post("login", CREDENTIALS | {"email": NOBODY})
        assert (wrong.status, wrong.problem, wrong.cookie) == (401, "wrong-credentials", None)
        assert (unknown.status, unknown.text, unknown.headers) == (wrong.status, wrong.text, wrong.headers)

    def test_to_an_unconfirmed_account_is_a_403_of_its_own_and_no_session(
        self, browser: Browser, provider: InMemoryIdentityProvider
    ) -> None:
        provider.sign_up(EMAIL)
        answer = browser.post("login", CREDENTIALS)
        assert (answer.status, answer.problem, answer.cookie) == (403, "email-not-confirmed", None)

    @pytest.mark.parametrize("password", ["", "x" * 257])
    def test_with_what_cannot_be_a_password_names_the_field(
        self, browser: Browser, shopper: str, password: str
    ) -> None:
        answer = browser.post("login", CREDENTIALS | {"password": password})
        assert (answer.status, set(answer.errors), answer.cookie) == (422, {"password"}, None)

    def test_with_a_password_from_before_the_policy_is_tried_as_it_is(self, browser: Browser, shopper: str) -> None:
        assert browser.post("login", CREDENTIALS | {"password": "old"}).problem == "wrong-credentials"


class TestStayingSignedIn:
    def test_the_cookie_gets_another_token_for_the_same_person(self, browser: Browser, shopper: str) -> None:
        first = browser.post("login", CREDENTIALS)
        second = browser.post("refresh")
        assert second.status == 200
        assert second.body["user"] == first.body["user"]
        assert second.body["expiresIn"] == 300
        assert second.body["idToken"] != first.body["idToken"]
        assert browser.post("refresh").status == 200

    def test_the_cookie_is_found_where_the_gateway_and_where_the_emulator_puts_it(
        self, browser: Browser, shopper: str
    ) -> None:
        browser.post("login", CREDENTIALS)
        for where in ("cookies", "header"):
            cookies = ["theme=dark", f"{COOKIE}={browser.refresh_token}"]
            event = (
                http_event("POST", "/api/auth/refresh", cookies=cookies)
                if where == "cookies"
                else http_event("POST", "/api/auth/refresh", headers={"cookie": "; ".join(cookies)})
            )
            assert browser.send(event).status == 200

    def test_each_refresh_brings_the_next_token_and_the_one_before_is_spent(
        self, browser: Browser, shopper: str
    ) -> None:
        browser.post("login", CREDENTIALS)
        first = browser.refresh_token
        assert browser.post("refresh").status == 200
        assert browser.refresh_token != first
        thief = Browser()
        thief.refresh_token = first
        assert thief.post("refresh").status == 401
        assert browser.post("refresh").status == 200

    @pytest.mark.parametrize("order", [1, -1])
    def test_of_several_cookies_each_is_tried(self, browser: Browser, shopper: str, order: int) -> None:
        browser.post("login", CREDENTIALS)
        cookies = [f"{COOKIE}=an-older-one", f"{COOKIE}={browser.refresh_token}", f"{COOKIE}="][::order]
        assert browser.send(http_event("POST", "/api/auth/refresh", cookies=cookies)).status == 200

    def test_a_thousand_cookies_are_not_a_thousand_calls(
        self, browser: Browser, provider: InMemoryIdentityProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried: list[str] = []

        def refuse(token: str) -> Tokens:
            tried.append(token)
            raise SessionOver

        monkeypatch.setattr(provider, "refresh", refuse)
        cookies = [f"{COOKIE}=token-{number}" for number in range(1000)]
        assert browser.send(http_event("POST", "/api/auth/refresh", cookies=cookies)).status == 401
        assert len(tried) == MOST_COOKIES

    def test_without_a_cookie_there_is_no_session(self, browser: Browser) -> None:
        answer = browser.post("refresh")
        assert (answer.status, answer.problem) == (401, "session-over")

    @pytest.mark.parametrize("token", ["nonsense", '"quoted"', "a.b.c"])
    def test_a_cookie_that_is_none_of_ours_is_refused_and_left_as_another_tab_may_have_replaced_it(
        self, browser: Browser, token: str
    ) -> None:
        browser.refresh_token = token
        answer = browser.post("refresh")
        assert (answer.status, answer.problem, answer.cookie) == (401, "session-over", None)

    def test_a_deleted_account_has_no_session(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        browser.post("login", CREDENTIALS)
        del provider.users[shopper]
        assert browser.post("refresh").status == 401

    def test_a_busy_provider_does_not_end_the_session(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        browser.post("login", CREDENTIALS)
        with monkeypatch.context() as busy:
            busy.setattr(api, "identity_provider", Busy)
            answer = browser.post("refresh")
            assert (answer.status, answer.problem, answer.cookie) == (429, "too-many-requests", None)
            assert answer.headers["Retry-After"]
        assert browser.post("refresh").status == 200


class TestSigningOut:
    def test_revokes_the_session_and_forgets_the_cookie(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        browser.post("login", CREDENTIALS)
        stolen = Browser()
        stolen.refresh_token = browser.refresh_token
        answer = browser.post("logout")
        assert (answer.status, answer.text) == (204, "")
        assert browser.refresh_token is None
        assert stolen.post("refresh").status == 401

    def test_leaves_other_sessions_alone(self, browser: Browser, shopper: str) -> None:
        phone = Browser()
        phone.post("login", CREDENTIALS)
        browser.post("login", CREDENTIALS)
        browser.post("logout")
        assert phone.post("refresh").status == 200

    def test_twice_or_without_a_session_is_the_same(self, browser: Browser, shopper: str) -> None:
        token = browser.post("login", CREDENTIALS).cookie
        assert token
        for cookie in (token.value, token.value, "nonsense", None):
            browser.refresh_token = cookie
            answer = browser.post("logout")
            assert (answer.status, answer.text) == (204, "")
            assert answer.cookie
            assert {name: value for name, value in answer.cookie.items() if value} == {
                "path": "/api/auth",
                "max-age": "0",
                "httponly": True,
                "secure": True,
                "samesite": "Strict",
            }

    def test_ends_the_sessions_of_all_cookies(self, browser: Browser, shopper: str) -> None:
        browser.post("login", CREDENTIALS)
        other = Browser()
        other.post("login", CREDENTIALS)
        cookies = [f"{COOKIE}={token}" for token in (browser.refresh_token, other.refresh_token)]
        assert Browser().send(http_event("POST", "/api/auth/logout", cookies=cookies)).status == 204
        assert browser.post("refresh").status == 401
        assert other.post("refresh").status == 401

    def test_that_did_not_reach_the_provider_keeps_the_cookie_to_be_tried_again(
        self, browser: Browser, shopper: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        browser.post("login", CREDENTIALS)
        monkeypatch.setattr(api, "identity_provider", Busy)
        answer = browser.post("logout")
        assert (answer.status, answer.problem, answer.cookie) == (503, "try-again", None)


class TestPagesOfOthers:
    """A page of another site, of a neighbour on the same domain, or of a frame that is nobody's."""

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "https://old.cloudretail.example", f"{ORIGIN}.evil.example", ""]
    )
    @pytest.mark.parametrize("route", ["login", "refresh", "logout"])
    def test_use_no_session_and_begin_none(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str, route: str, origin: str
    ) -> None:
        browser.post("login", CREDENTIALS)
        answer = browser.post(route, CREDENTIALS if route == "login" else None, headers={"origin": origin})
        assert (answer.status, answer.problem, answer.cookie) == (403, "foreign-origin", None)
        assert browser.post("refresh").status == 200

    @pytest.mark.parametrize("origin", [ORIGIN, "https://d111111abcdef8.cloudfront.net"])
    def test_are_not_the_shops_own(self, browser: Browser, shopper: str, origin: str) -> None:
        assert browser.post("login", CREDENTIALS, headers={"origin": origin}).status == 200

    def test_are_no_programs_which_send_no_origin(self, browser: Browser, shopper: str) -> None:
        assert browser.send(http_event("POST", "/api/auth/login", body=CREDENTIALS)).status == 200

    @pytest.mark.parametrize(
        ("origin", "is_ours"),
        [
            ("http://localhost:8080", True),
            ("http://127.0.0.1:9000", True),
            ("http://d123abc.cloudfront.localhost:4566", True),
            ("http://localhost.evil.example:8080", False),
            ("https://evil.example", False),
            ("null", False),
        ],
    )
    def test_on_a_laptop_are_those_of_no_name_of_this_machine(
        self, settings: api.AuthSettings, origin: str, is_ours: bool
    ) -> None:
        laptop = settings.model_copy(update={"stage": "local"})
        assert laptop.is_ours(origin) == is_ours
        assert laptop.cookie == "refresh"


class TestSecondFactor:
    def test_is_asked_for_once_it_was_proved(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        began = browser.post_as_shopper("second-factor", {"password": PASSWORD})
        assert began.status == 200
        assert began.body["uri"] == (
            f"otpauth://totp/CloudRetail:shopper%40cloudretail.example?secret={began.body['secret']}&issuer=CloudRetail"
        )
        assert browser.post("login", CREDENTIALS).status == 200
        wrong = browser.post_as_shopper("second-factor/proof", {"password": PASSWORD, "appCode": "000000"})
        assert (wrong.status, set(wrong.errors)) == (422, {"appCode"})
        assert browser.post("login", CREDENTIALS).status == 200
        proof = {"password": PASSWORD, "appCode": f" {APP_CODE[:3]} {APP_CODE[3:]}"}
        assert browser.post_as_shopper("second-factor/proof", proof).status == 204
        needed = browser.post("login", CREDENTIALS)
        assert (needed.status, needed.problem, needed.cookie) == (403, "second-factor-needed", None)
        wrong = browser.post("login", CREDENTIALS | {"appCode": "000000"})
        assert (wrong.status, set(wrong.errors), wrong.cookie) == (422, {"appCode"}, None)
        assert browser.post("login", CREDENTIALS | {"appCode": APP_CODE}).status == 200

    @pytest.mark.parametrize("route", ["second-factor", "second-factor/proof"])
    def test_takes_the_password_of_who_is_signed_in(self, browser: Browser, shopper: str, route: str) -> None:
        body = {"password": OTHER_PASSWORD} | ({"appCode": APP_CODE} if "proof" in route else {})
        answer = browser.post_as_shopper(route, body)
        assert (answer.status, answer.errors) == (422, {"password": "This is not your password."})
        assert browser.post(route, body).status == 401

    def test_is_not_replaced_by_whoever_has_the_password(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        provider.users[shopper].second_factor = True
        for route, body in (("second-factor", {}), ("second-factor/proof", {"appCode": APP_CODE})):
            answer = browser.post_as_shopper(route, {"password": PASSWORD, **body})
            assert (answer.status, answer.problem) == (409, "second-factor-exists")

    def test_says_nothing_before_the_password_is_right(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        provider.users[shopper].second_factor = True
        assert browser.post("login", CREDENTIALS | {"password": OTHER_PASSWORD}).problem == "wrong-credentials"


class Busy(InMemoryIdentityProvider):
    """A provider that is throttling."""

    def refresh(self, refresh_token: str) -> Tokens:
        raise TooManyRequests

    def revoke(self, refresh_token: str) -> None:
        raise Transient("No answer")


class TestForgottenPasswords:
    def test_the_mailed_code_sets_another_password(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        answer = browser.post("forgot-password", {"email": shopper})
        assert (answer.status, answer.text) == (204, "")
        reset = {"email": shopper, "code": provider.code_mailed_to(shopper), "password": OTHER_PASSWORD}
        answer = browser.post("reset-password", reset)
        assert (answer.status, answer.text) == (204, "")
        assert browser.post("login", CREDENTIALS).status == 401
        assert browser.post("login", CREDENTIALS | {"password": OTHER_PASSWORD}).status == 200

    def test_whoever_was_signed_in_with_the_old_password_is_not_any_more(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        browser.post("login", CREDENTIALS)
        owner = Browser()
        owner.post("forgot-password", {"email": shopper})
        owner.post(
            "reset-password",
            {"email": shopper, "code": provider.code_mailed_to(shopper), "password": OTHER_PASSWORD},
        )
        assert browser.post("refresh").status == 401

    def test_an_unknown_address_is_answered_like_any_other_and_nothing_is_mailed(
        self, browser: Browser, provider: InMemoryIdentityProvider, mailer: InMemoryMailer, shopper: str
    ) -> None:
        known = browser.post("forgot-password", {"email": shopper})
        sent = len(provider.mails)
        unknown = browser.post("forgot-password", {"email": NOBODY})
        assert (unknown.status, unknown.text, unknown.headers) == (known.status, known.text, known.headers)
        assert len(provider.mails) == sent
        assert not mailer.mailed

    def test_a_wrong_code_names_the_code_for_any_address_and_changes_nothing(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        browser.post("forgot-password", {"email": shopper})
        before = deepcopy(provider.users)
        answers = [
            browser.post("reset-password", {"email": email, "code": "000000", "password": OTHER_PASSWORD})
            for email in (shopper, NOBODY)
        ]
        assert {(answer.status, answer.text) for answer in answers} == {(422, answers[0].text)}
        assert set(answers[0].errors) == {"code"}
        assert provider.users == before

    def test_a_weak_password_is_told_what_it_lacks_and_does_not_spend_the_code(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        browser.post("forgot-password", {"email": shopper})
        reset = {"email": shopper, "code": provider.code_mailed_to(shopper), "password": "weak"}
        answer = browser.post("reset-password", reset)
        assert (answer.status, answer.errors) == (
            422,
            {"password": "Use at least 8 characters, a capital letter (A-Z), a number (0-9)."},
        )
        assert browser.post("reset-password", reset | {"password": OTHER_PASSWORD}).status == 204


class TestWhoAmI:
    def test_says_who_the_token_is_for(self, browser: Browser) -> None:
        answer = browser.me(SHOPPER_CLAIMS)
        assert (answer.status, answer.body) == (
            200,
            {"userId": "user-1", "email": "shopper@cloudretail.example", "name": "Shopper", "groups": []},
        )

    @pytest.mark.parametrize("groups", ["[operators buyers]", '["operators", "buyers"]'])
    def test_lists_the_groups_in_either_form_that_they_come_in(self, browser: Browser, groups: str) -> None:
        answer = browser.me({**OPERATOR_CLAIMS, "cognito:groups": groups})
        assert answer.body["groups"] == ["buyers", "operators"]

    def test_takes_no_access_token(self, browser: Browser) -> None:
        answer = browser.me({"sub": "user-1", "token_use": "access", "username": "user-1", "client_id": "client"})
        assert (answer.status, answer.problem) == (401, "unauthorized")

    def test_takes_no_unverified_address(self, browser: Browser) -> None:
        assert browser.me({**SHOPPER_CLAIMS, "email_verified": "false"}).status == 401

    def test_takes_nobody(self, browser: Browser) -> None:
        assert browser.me(None).status == 401


def test_no_password_token_or_code_is_logged_on_any_route(
    browser: Browser,
    provider: InMemoryIdentityProvider,
    mailer: InMemoryMailer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    printed = everything_printed(monkeypatch)
    weak = "weak-secret"
    register = {"email": EMAIL}
    secrets = {PASSWORD, OTHER_PASSWORD, weak}
    secrets |= {f"{credential}-{place}" for credential in ("nonsense",) for place in ("cookie", "bearer")}

    def code() -> str:
        secrets.add(provider.code_mailed_to(EMAIL))
        return provider.code_mailed_to(EMAIL)

    confirm = register | {"code": "999999", "password": PASSWORD, "name": "Shopper"}
    browser.post("register", register)
    browser.post("confirm", confirm | {"password": weak})
    browser.post("confirm", raw_body=json.dumps(confirm)[:-5])
    browser.post("confirm", raw_body=json.dumps(confirm), headers={"content-type": "text/plain"})
    browser.post("resend-code", {"email": EMAIL})
    browser.post("confirm", confirm)
    browser.post("confirm", confirm | {"code": code()})
    browser.post("confirm", confirm | {"code": code()})
    secrets.add(browser.post_as_shopper("second-factor", {"password": PASSWORD}).body["secret"])
    browser.post_as_shopper("second-factor/proof", {"password": PASSWORD, "appCode": "999998"})
    browser.post("register", register)
    mailer.out_of_order = True
    browser.post("register", register)
    browser.post("login", CREDENTIALS | {"password": OTHER_PASSWORD})
    browser.post("login", CREDENTIALS | {"passwort": OTHER_PASSWORD})
    signed_in = browser.post("login", CREDENTIALS)
    secrets |= {signed_in.body["idToken"], str(browser.refresh_token)}
    secrets.add(browser.post("refresh").body["idToken"])
    browser.me(SHOPPER_CLAIMS)
    browser.post("forgot-password", {"email": EMAIL})
    browser.post("reset-password", {"email": EMAIL, "code": "999999", "password": OTHER_PASSWORD})
    browser.post("reset-password", {"email": EMAIL, "code": code(), "password": weak})
    browser.post("reset-password", {"email": EMAIL, "code": code(), "password": OTHER_PASSWORD})
    browser.post("refresh")
    browser.refresh_token = "nonsense-cookie"
    browser.post("logout")

    written = printed.getvalue() + caplog.text
    assert written.count('"message":"Refused"') >= 8
    assert {secret for secret in secrets | {"999999"} if secret in written} == set()


def test_tokens_do_not_show_themselves() -> None:
    shown = repr(Tokens("id-token", 300, "refresh-token"))
    assert "token" not in shown.replace("Tokens", "")


def test_a_missing_variable_is_named_by_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("USER_POOL_CLIENT_ID", raising=False)
    with pytest.raises(MissingSetting, match="USER_POOL_CLIENT_ID"):
        load(api.AuthSettings)


def test_padding_that_a_token_leaves_out_is_no_obstacle() -> None:
    for name in ("a", "ab", "abc", "abcd", "ä?>"):
        payload = base64.urlsafe_b64encode(json.dumps({"name": name}).encode()).decode().rstrip("=")
        assert api._claims(f"header.{payload}.signature") == {"name": name}
