"""An identity provider in memory, and the contract that it shares with the one on Cognito."""

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol
from uuid import uuid4

import pytest

from auth.domain import (
    Account,
    AddressTaken,
    EmailNotConfirmed,
    IdentityProvider,
    PasswordRefused,
    SecondFactorNeeded,
    SessionOver,
    Tokens,
    WrongCode,
    WrongCredentials,
    WrongSecondFactor,
)
from auth.passwords import MIN_PASSWORD
from cloudretail.errors import Transient

EMAIL = "shopper@cloudretail.example"
NOBODY = "nobody@cloudretail.example"
PASSWORD = "Right-4-shopping"
OTHER_PASSWORD = "Another-5-password"
APP_CODE = "246810"
"""What every authenticator app shows that the provider in memory believes."""


@dataclass
class _User:
    user_id: str
    email: str
    name: str | None = None
    password: str | None = field(default=None, repr=False)
    confirmed: bool = False
    groups: tuple[str, ...] = ()
    code: str | None = None
    reset_code: str | None = None
    second_factor: bool = False


class InMemoryIdentityProvider:
    """Cognito's rules without Cognito. It rotates refresh tokens, as AWS does.

    Attributes:
        users: by address.
        mails: (address, code), in the order in which they were sent.
    """

    def __init__(self) -> None:
        self.users: dict[str, _User] = {}
        self.mails: list[tuple[str, str]] = []
        self._sessions: dict[str, str] = {}
        self._lock = Lock()

    def find(self, email: str) -> Account | None:
        user = self.users.get(email)
        return Account(user.user_id, user.confirmed) if user else None

    def sign_up(self, email: str) -> None:
        with self._lock:
            if email in self.users:
                raise AddressTaken
            self.users[email] = _User(str(uuid4()), email)
            self.resend_code(email)

    def confirm(self, email: str, code: str) -> None:
        with self._lock:
            user = self.users.get(email)
            if user is None or user.confirmed or user.code != code:
                raise WrongCode
            user.confirmed, user.code = True, None

    def set_up(self, email: str, password: str, name: str | None) -> None:
        _check(password)
        user = self.users[email]
        # As AdminSetUserPassword does, whoever calls it.
        user.password, user.confirmed = password, True
        if name is not None:
            user.name = name

    def rename(self, email: str, name: str) -> None:
        self.users[email].name = name

    def check_password(self, email: str, password: str) -> None:
        with suppress(SecondFactorNeeded):
            self.sign_in(email, password)

    def resend_code(self, email: str) -> None:
        user = self.users.get(email)
        if user and not user.confirmed:
            user.code = self._mail(email)

    def send_reset_code(self, email: str) -> None:
        user = self.users.get(email)
        if user and user.confirmed:
            user.reset_code = self._mail(email)

    def reset_password(self, email: str, code: str, password: str) -> None:
        user = self.users.get(email)
        if user is None or user.reset_code != code:
            raise WrongCode
        _check(password)
        user.password, user.reset_code = password, None

    def sign_out_everywhere(self, email: str) -> None:
        user_id = self.users[email].user_id
        self._sessions = {token: owner for token, owner in self._sessions.items() if owner != user_id}

    def sign_in(self, email: str, password: str, app_code: str | None = None) -> Tokens:
        user = self.users.get(email)
        if user and not user.confirmed:
            raise EmailNotConfirmed
        if user is None or user.password != password:
            raise WrongCredentials
        if user.second_factor and app_code is None:
            raise SecondFactorNeeded
        if user.second_factor and app_code != APP_CODE:
            raise WrongSecondFactor
        return self._session(user)

    def refresh(self, refresh_token: str) -> Tokens:
        user_id = self._sessions.pop(refresh_token, None)
        user = next((user for user in self.users.values() if user.user_id == user_id), None)
        if user is None:
            raise SessionOver
        return self._session(user)

    def revoke(self, refresh_token: str) -> None:
        self._sessions.pop(refresh_token, None)

    def begin_second_factor(self, email: str, password: str) -> str:
        self.sign_in(email, password)
        return "JBSWY3DPEHPK3PXP"

    def finish_second_factor(self, email: str, password: str, app_code: str) -> None:
        self.sign_in(email, password)
        if app_code != APP_CODE:
            raise WrongSecondFactor
        self.users[email].second_factor = True

    def code_mailed_to(self, email: str) -> str:
        return [code for address, code in self.mails if address == email][-1]

    def _session(self, user: _User) -> Tokens:
        refresh_token = f"refresh-{uuid4()}"
        self._sessions[refresh_token] = user.user_id
        return _tokens(user, refresh_token)

    def _mail(self, email: str) -> str:
        code = f"{len(self.mails) + 100_001}"
        self.mails.append((email, code))
        return code


class InMemoryMailer:
    """Remembers to whom it wrote that they have an account."""

    def __init__(self) -> None:
        self.mailed: list[str] = []
        self.out_of_order = False

    def tell_account_exists(self, email: str) -> None:
        if self.out_of_order:
            raise Transient("No mail today")
        self.mailed.append(email)


def _check(password: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise PasswordRefused("Password not long enough.")


def _tokens(user: _User, refresh_token: str) -> Tokens:
    claims = {
        "sub": user.user_id,
        "email": user.email,
        "email_verified": True,
        "token_use": "id",
        "jti": str(uuid4()),
    }
    if user.name is not None:
        claims["name"] = user.name
    if user.groups:
        claims["cognito:groups"] = list(user.groups)
    return Tokens(f"{_base64({'alg': 'RS256'})}.{_base64(claims)}.signature", 300, refresh_token)


def _base64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def claims_of(id_token: str) -> Mapping[str, Any]:
    """What an ID token says, whoever signed it."""
    payload = id_token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


class Post(Protocol):
    """Where a test finds the mail."""

    def code_mailed_to(self, email: str) -> str: ...


class IdentityProviderContract:
    """What every identity provider does. A test class derives from it and has the fixtures `provider` and `post`."""

    @pytest.fixture
    def shopper(self, provider: IdentityProvider, post: Post) -> str:
        """The address of a confirmed account."""
        provider.sign_up(EMAIL)
        provider.confirm(EMAIL, post.code_mailed_to(EMAIL))
        provider.set_up(EMAIL, PASSWORD, "Shopper")
        return EMAIL

    def test_an_address_is_unknown_until_it_is_registered(self, provider: IdentityProvider) -> None:
        assert provider.find(EMAIL) is None
        provider.sign_up(EMAIL)
        account = provider.find(EMAIL)
        assert account
        assert not account.confirmed
        assert provider.find(NOBODY) is None

    def test_an_address_is_registered_once(self, provider: IdentityProvider) -> None:
        provider.sign_up(EMAIL)
        before = provider.find(EMAIL)
        with pytest.raises(AddressTaken):
            provider.sign_up(EMAIL)
        assert provider.find(EMAIL) == before

    def test_the_mailed_code_confirms_the_address(self, provider: IdentityProvider, post: Post) -> None:
        provider.sign_up(EMAIL)
        provider.confirm(EMAIL, post.code_mailed_to(EMAIL))
        account = provider.find(EMAIL)
        assert account
        assert account.confirmed

    def test_another_code_does_not(self, provider: IdentityProvider) -> None:
        provider.sign_up(EMAIL)
        with pytest.raises(WrongCode):
            provider.confirm(EMAIL, "000000")
        account = provider.find(EMAIL)
        assert account
        assert not account.confirmed

    def test_a_code_for_an_unknown_address_is_as_wrong_as_any(self, provider: IdentityProvider) -> None:
        with pytest.raises(WrongCode):
            provider.confirm(NOBODY, "000000")

    def test_a_code_confirms_once(self, provider: IdentityProvider, post: Post) -> None:
        provider.sign_up(EMAIL)
        code = post.code_mailed_to(EMAIL)
        provider.confirm(EMAIL, code)
        with pytest.raises(WrongCode):
            provider.confirm(EMAIL, code)

    def test_a_code_that_is_sent_again_confirms_too(self, provider: IdentityProvider, post: Post) -> None:
        provider.sign_up(EMAIL)
        provider.resend_code(EMAIL)
        provider.confirm(EMAIL, post.code_mailed_to(EMAIL))
        account = provider.find(EMAIL)
        assert account
        assert account.confirmed

    def test_asking_for_codes_is_answered_alike_for_every_address(
        self, provider: IdentityProvider, shopper: str
    ) -> None:
        for address in (NOBODY, shopper):
            provider.resend_code(address)
            provider.send_reset_code(address)

    def test_a_password_that_is_too_short_is_refused(self, provider: IdentityProvider, shopper: str) -> None:
        with pytest.raises(PasswordRefused):
            provider.set_up(shopper, "Short-1", None)
        assert provider.sign_in(shopper, PASSWORD)

    @pytest.mark.parametrize("password", ["correct horse battery staple", "Bakedfg1", "Ünïcödé-1 日本語"])
    def test_the_policy_of_the_provider_asks_for_the_length_alone(
        self, provider: IdentityProvider, shopper: str, password: str
    ) -> None:
        provider.set_up(shopper, password, None)
        assert provider.sign_in(shopper, password)

    def test_a_name_stays_unless_there_is_another(self, provider: IdentityProvider, shopper: str) -> None:
        provider.set_up(shopper, OTHER_PASSWORD, None)
        assert claims_of(provider.sign_in(shopper, OTHER_PASSWORD).id_token)["name"] == "Shopper"
        provider.set_up(shopper, OTHER_PASSWORD, "Ngũgĩ")
        assert claims_of(provider.sign_in(shopper, OTHER_PASSWORD).id_token)["name"] == "Ngũgĩ"

    def test_signing_in_gives_a_token_that_says_who_it_is(self, provider: IdentityProvider, shopper: str) -> None:
        tokens = provider.sign_in(shopper, PASSWORD)
        account = provider.find(shopper)
        assert account
        claims = claims_of(tokens.id_token)
        assert (claims["sub"], claims["email"], claims["name"], claims["token_use"]) == (
            account.user_id,
            shopper,
            "Shopper",
            "id",
        )
        assert tokens.expires_in == 300
        assert tokens.refresh_token

    def test_a_wrong_password_looks_like_an_unknown_address(self, provider: IdentityProvider, shopper: str) -> None:
        with pytest.raises(WrongCredentials):
            provider.sign_in(shopper, OTHER_PASSWORD)
        with pytest.raises(WrongCredentials):
            provider.sign_in(NOBODY, OTHER_PASSWORD)

    def test_an_unconfirmed_address_cannot_sign_in(self, provider: IdentityProvider) -> None:
        provider.sign_up(EMAIL)
        with pytest.raises(EmailNotConfirmed):
            provider.sign_in(EMAIL, PASSWORD)

    def test_a_session_goes_on_with_its_newest_refresh_token(self, provider: IdentityProvider, shopper: str) -> None:
        first = provider.sign_in(shopper, PASSWORD)
        second = provider.refresh(first.refresh_token)
        assert second.id_token != first.id_token
        assert claims_of(second.id_token)["sub"] == claims_of(first.id_token)["sub"]
        assert provider.refresh(second.refresh_token)

    def test_a_token_that_was_never_given_refreshes_nothing(self, provider: IdentityProvider) -> None:
        with pytest.raises(SessionOver):
            provider.refresh("nonsense")

    def test_a_revoked_session_is_over_and_others_go_on(self, provider: IdentityProvider, shopper: str) -> None:
        phone, laptop = provider.sign_in(shopper, PASSWORD), provider.sign_in(shopper, PASSWORD)
        provider.revoke(phone.refresh_token)
        provider.revoke(phone.refresh_token)
        with pytest.raises(SessionOver):
            provider.refresh(phone.refresh_token)
        assert provider.refresh(laptop.refresh_token)

    def test_revoking_nonsense_is_no_error(self, provider: IdentityProvider) -> None:
        provider.revoke("nonsense")

    def test_the_mailed_code_sets_another_password(self, provider: IdentityProvider, post: Post, shopper: str) -> None:
        provider.send_reset_code(shopper)
        provider.reset_password(shopper, post.code_mailed_to(shopper), OTHER_PASSWORD)
        with pytest.raises(WrongCredentials):
            provider.sign_in(shopper, PASSWORD)
        assert provider.sign_in(shopper, OTHER_PASSWORD)

    def test_signing_out_everywhere_ends_every_session(self, provider: IdentityProvider, shopper: str) -> None:
        sessions = [provider.sign_in(shopper, PASSWORD) for _ in range(2)]
        provider.sign_out_everywhere(shopper)
        for session in sessions:
            with pytest.raises(SessionOver):
                provider.refresh(session.refresh_token)

    def test_another_name_is_in_the_next_token(self, provider: IdentityProvider, shopper: str) -> None:
        session = provider.sign_in(shopper, PASSWORD)
        provider.rename(shopper, "Ngũgĩ")
        assert claims_of(provider.refresh(session.refresh_token).id_token)["name"] == "Ngũgĩ"

    def test_a_password_is_checked_without_the_second_factor(
        self, provider: IdentityProvider, shopper: str, app: Callable[[str], str]
    ) -> None:
        secret = provider.begin_second_factor(shopper, PASSWORD)
        provider.finish_second_factor(shopper, PASSWORD, app(secret))
        provider.check_password(shopper, PASSWORD)
        with pytest.raises(WrongCredentials):
            provider.check_password(shopper, OTHER_PASSWORD)

    def test_another_code_does_not_change_the_password(self, provider: IdentityProvider, shopper: str) -> None:
        provider.send_reset_code(shopper)
        for address in (shopper, NOBODY):
            with pytest.raises(WrongCode):
                provider.reset_password(address, "000000", OTHER_PASSWORD)
        assert provider.sign_in(shopper, PASSWORD)

    def test_a_second_factor_counts_once_its_code_was_shown(
        self, provider: IdentityProvider, shopper: str, app: Callable[[str], str]
    ) -> None:
        secret = provider.begin_second_factor(shopper, PASSWORD)
        assert provider.sign_in(shopper, PASSWORD)
        with pytest.raises(WrongSecondFactor):
            provider.finish_second_factor(shopper, PASSWORD, "000000")
        provider.finish_second_factor(shopper, PASSWORD, app(secret))
        with pytest.raises(SecondFactorNeeded):
            provider.sign_in(shopper, PASSWORD)
        with pytest.raises(SecondFactorNeeded):
            provider.begin_second_factor(shopper, PASSWORD)
        with pytest.raises(WrongSecondFactor):
            provider.sign_in(shopper, PASSWORD, "000000")
        assert provider.sign_in(shopper, PASSWORD, app(secret))
        with pytest.raises(WrongCredentials):
            provider.sign_in(shopper, OTHER_PASSWORD, app(secret))
