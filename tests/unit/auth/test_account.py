"""What somebody who is logged in does with their account."""

from typing import Any

import pytest

from cloudretail.errors import Transient
from tests.support.identity import APP_CODE, EMAIL, OTHER_PASSWORD, PASSWORD, InMemoryIdentityProvider
from tests.support.invocations import SHOPPER_CLAIMS, http_event
from tests.support.wire import everything_printed
from tests.unit.auth.conftest import Answer, Browser

CREDENTIALS = {"email": EMAIL, "password": PASSWORD}
CHANGE = {"password": PASSWORD, "newPassword": OTHER_PASSWORD}


def ask(browser: Browser, method: str, path: str, body: object = None) -> Answer:
    """As EMAIL's owner."""
    return browser.send(http_event(method, f"/api/account{path}", body=body, claims=SHOPPER_CLAIMS))


def out_of_order(*_: Any) -> None:
    raise Transient("Cognito failed to answer")


class TestTheName:
    def test_is_in_the_next_token(self, browser: Browser, shopper: str) -> None:
        browser.post("login", CREDENTIALS)
        answer = ask(browser, "PUT", "", {"name": " Ngũgĩ "})
        assert (answer.status, answer.body["name"]) == (200, "Ngũgĩ")
        assert browser.post("refresh").body["user"]["name"] == "Ngũgĩ"

    def test_has_to_be_there(self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str) -> None:
        answer = ask(browser, "PUT", "", {"name": " "})
        assert (answer.status, answer.errors) == (422, {"name": "Enter your name."})
        assert provider.users[shopper].name == "Shopper"


class TestThePassword:
    def test_is_another_one_and_every_session_is_over(self, browser: Browser, shopper: str) -> None:
        browser.post("login", CREDENTIALS)
        other = browser.refresh_token
        browser.post("login", CREDENTIALS)
        assert ask(browser, "POST", "/password", CHANGE).status == 204
        assert browser.post("refresh").problem == "session-over"
        browser.refresh_token = other
        assert browser.post("refresh").problem == "session-over"
        assert browser.post("login", CREDENTIALS).problem == "wrong-credentials"
        assert browser.post("login", {**CREDENTIALS, "password": OTHER_PASSWORD}).status == 200

    def test_stays_where_the_old_one_is_not_known(self, browser: Browser, shopper: str) -> None:
        browser.post("login", CREDENTIALS)
        answer = ask(browser, "POST", "/password", {**CHANGE, "password": "Wrong-4-shopping"})
        assert (answer.status, answer.errors) == (422, {"password": "This is not your password."})
        assert browser.post("refresh").status == 200

    def test_is_guessed_no_faster_here_than_at_the_login(self, browser: Browser, shopper: str) -> None:
        wrong = {**CHANGE, "password": "Wrong-4-shopping"}
        for _ in range(10):
            assert ask(browser, "POST", "/password", wrong).status == 422
        assert ask(browser, "POST", "/password", CHANGE).status == 429

    def test_has_to_be_strong_and_the_field_is_named(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        answer = ask(browser, "POST", "/password", {**CHANGE, "newPassword": "short"})
        assert answer.status == 422
        assert set(answer.errors) == {"newPassword"}
        assert provider.users[shopper].password == PASSWORD

    def test_of_an_account_with_a_second_factor_changes_as_well(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        provider.users[shopper].second_factor = True
        assert ask(browser, "POST", "/password", CHANGE).status == 204
        login = {"email": EMAIL, "password": OTHER_PASSWORD, "appCode": APP_CODE}
        assert browser.post("login", login).status == 200

    def test_is_never_printed(self, browser: Browser, shopper: str, monkeypatch: pytest.MonkeyPatch) -> None:
        printed = everything_printed(monkeypatch)
        ask(browser, "POST", "/password", CHANGE)
        ask(browser, "POST", "/password", {**CHANGE, "password": "Wrong-4-shopping"})
        assert "Refused" in printed.getvalue()
        assert not [each for each in (PASSWORD, OTHER_PASSWORD, "Wrong-4-shopping") if each in printed.getvalue()]

    def test_is_changed_although_older_sessions_could_not_be_ended(
        self,
        browser: Browser,
        provider: InMemoryIdentityProvider,
        shopper: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        printed = everything_printed(monkeypatch)
        monkeypatch.setattr(provider, "sign_out_everywhere", out_of_order)
        assert ask(browser, "POST", "/password", CHANGE).status == 204
        assert provider.users[shopper].password == OTHER_PASSWORD
        assert "SessionsNotEnded" in printed.getvalue()


class TestLoggingOutEverywhere:
    def test_ends_every_session_and_forgets_this_ones_cookie(self, browser: Browser, shopper: str) -> None:
        browser.post("login", CREDENTIALS)
        phone = browser.refresh_token
        browser.post("login", CREDENTIALS)
        answer = ask(browser, "DELETE", "/sessions")
        assert answer.status == 204
        assert answer.cookie is not None
        assert browser.refresh_token is None
        browser.refresh_token = phone
        assert browser.post("refresh").problem == "session-over"

    def test_says_so_where_it_did_not_happen(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(provider, "sign_out_everywhere", out_of_order)
        assert ask(browser, "DELETE", "/sessions").status == 503
