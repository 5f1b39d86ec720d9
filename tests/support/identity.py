"""An identity provider in memory, and the contract that it shares with the one on Cognito."""

import base64
import json
from collections.abc import Mapping
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
    SessionOver,
    Tokens,
    WrongCredentials,
    password_flaws,
    wrong_code,
)
from cloudretail.errors import Problem, Transient, invalid

EMAIL = "shopper@cloudretail.example"
NOBODY = "nobody@cloudretail.example"
PASSWORD = "Right-4-shopping"
OTHER_PASSWORD = "Another-5-password"


@dataclass
class _User:
    user_id: str
    email: str
    name: str
    password: str = field(repr=False)
    confirmed: bool = False
    groups: tuple[str, ...] = ()
    code: str | None = None
    reset_code: str | None = None


class InMemoryIdentityProvider:
    """Cognito's rules without Cognito.

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

    def sign_up(self, email: str, password: str, name: str) -> None:
        _check(password)
        with self._lock:
            if email in self.users:
                raise AddressTaken
            self.users[email] = _User(str(uuid4()), email, name, password)
            self.resend_code(email)

    def delete(self, user_id: str) -> None:
        with self._lock:
            self.users = {email: user for email, user in self.users.items() if user.user_id != user_id}

    def confirm(self, email: str, code: str) -> None:
        user = self.users.get(email)
        if user is None or user.code != code:
            raise wrong_code()
        user.confirmed, user.code = True, None

    def resend_code(self, email: str) -> None:
        user = self.users.get(email)
        if user and not user.confirmed:
            user.code = self._mail(email)

    def sign_in(self, email: str, password: str) -> Tokens:
        user = self.users.get(email)
        if user and not user.confirmed:
            raise EmailNotConfirmed
        if user is None or user.password != password:
            raise WrongCredentials
        refresh_token = f"refresh-{uuid4()}"
        self._sessions[refresh_token] = user.user_id
        return _tokens(user, refresh_token)

    def refresh(self, refresh_token: str) -> Tokens:
        user_id = self._sessions.get(refresh_token)
        user = next((user for user in self.users.values() if user.user_id == user_id), None)
        if user is None:
            raise SessionOver
        return _tokens(user, refresh_token)

    def revoke(self, refresh_token: str) -> None:
        self._sessions.pop(refresh_token, None)

    def send_reset_code(self, email: str) -> None:
        user = self.users.get(email)
        if user and user.confirmed:
            user.reset_code = self._mail(email)

    def reset_password(self, email: str, code: str, password: str) -> None:
        user = self.users.get(email)
        if user is None or user.reset_code != code:
            raise wrong_code()
        _check(password)
        user.password, user.reset_code = password, None
        self._sessions = {token: owner for token, owner in self._sessions.items() if owner != user.user_id}

    def code_mailed_to(self, email: str) -> str:
        return [code for address, code in self.mails if address == email][-1]

    def _mail(self, email: str) -> str:
        code = f"{len(self.mails) + 100_001}"
        self.mails.append((email, code))
        return code


class InMemoryMailer:
    """Remembers to whom it wrote that they have an account."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.out_of_order = False

    def tell_account_exists(self, email: str) -> None:
        if self.out_of_order:
            raise Transient("No mail today")
        self.told.append(email)


def _check(password: str) -> None:
    if flaws := list(password_flaws(password)):
        raise invalid("password", ", ".join(flaws))


def _tokens(user: _User, refresh_token: str) -> Tokens:
    claims = {
        "sub": user.user_id,
        "email": user.email,
        "email_verified": True,
        "name": user.name,
        "token_use": "id",
        "jti": str(uuid4()),
    }
    if user.groups:
        claims["cognito:groups"] = list(user.groups)
    return Tokens(f"{_base64({'alg': 'RS256'})}.{_base64(claims)}.signature", 3600, refresh_token)


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
        provider.sign_up(EMAIL, PASSWORD, "Shopper")
        provider.confirm(EMAIL, post.code_mailed_to(EMAIL))
        return EMAIL

    def test_an_address_is_unknown_until_it_is_registered(self, provider: IdentityProvider) -> None:
        assert provider.find(EMAIL) is None
        provider.sign_up(EMAIL, PASSWORD, "Shopper")
        account = provider.find(EMAIL)
        assert account
        assert not account.confirmed
        assert provider.find(NOBODY) is None

    def test_an_address_is_registered_once(self, provider: IdentityProvider) -> None:
        provider.sign_up(EMAIL, PASSWORD, "Shopper")
        before = provider.find(EMAIL)
        with pytest.raises(AddressTaken):
            provider.sign_up(EMAIL, OTHER_PASSWORD, "Somebody else")
        assert provider.find(EMAIL) == before

    @pytest.mark.parametrize("password", ["Short-1", "no-upper-case-1", "NO-LOWER-CASE-1", "No-digit-at-all"])
    def test_a_password_against_the_policy_is_refused_and_nothing_is_registered(
        self, provider: IdentityProvider, password: str
    ) -> None:
        with pytest.raises(Problem) as refused:
            provider.sign_up(EMAIL, password, "Shopper")
        assert refused.value.errors[0]["field"] == "password"
        assert provider.find(EMAIL) is None

    def test_the_policy_asks_for_no_more_than_this(self, provider: IdentityProvider) -> None:
        provider.sign_up(EMAIL, "Abcdefg1", "Shopper")
        assert provider.find(EMAIL)

    def test_the_mailed_code_confirms_the_address(self, provider: IdentityProvider, post: Post) -> None:
        provider.sign_up(EMAIL, PASSWORD, "Shopper")
        provider.confirm(EMAIL, post.code_mailed_to(EMAIL))
        account = provider.find(EMAIL)
        assert account
        assert account.confirmed

    def test_another_code_does_not(self, provider: IdentityProvider) -> None:
        provider.sign_up(EMAIL, PASSWORD, "Shopper")
        with pytest.raises(Problem) as refused:
            provider.confirm(EMAIL, "000000")
        assert refused.value.errors == wrong_code().errors
        account = provider.find(EMAIL)
        assert account
        assert not account.confirmed

    def test_a_code_for_an_unknown_address_is_as_wrong_as_any(self, provider: IdentityProvider) -> None:
        with pytest.raises(Problem) as refused:
            provider.confirm(NOBODY, "000000")
        assert refused.value.errors == wrong_code().errors

    def test_a_code_for_a_confirmed_address_is_as_wrong_as_any(self, provider: IdentityProvider, shopper: str) -> None:
        with pytest.raises(Problem) as refused:
            provider.confirm(shopper, "000000")
        assert refused.value.errors == wrong_code().errors

    def test_a_code_that_is_sent_again_confirms_too(self, provider: IdentityProvider, post: Post) -> None:
        provider.sign_up(EMAIL, PASSWORD, "Shopper")
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
        assert tokens.expires_in == 3600
        assert tokens.refresh_token

    def test_a_wrong_password_looks_like_an_unknown_address(self, provider: IdentityProvider, shopper: str) -> None:
        with pytest.raises(WrongCredentials):
            provider.sign_in(shopper, OTHER_PASSWORD)
        with pytest.raises(WrongCredentials):
            provider.sign_in(NOBODY, OTHER_PASSWORD)

    def test_an_unconfirmed_address_cannot_sign_in(self, provider: IdentityProvider) -> None:
        provider.sign_up(EMAIL, PASSWORD, "Shopper")
        with pytest.raises(EmailNotConfirmed):
            provider.sign_in(EMAIL, PASSWORD)

    def test_a_session_goes_on_with_its_refresh_token(self, provider: IdentityProvider, shopper: str) -> None:
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

    def test_a_deleted_registration_is_gone_with_its_password_and_sessions(
        self, provider: IdentityProvider, shopper: str
    ) -> None:
        account = provider.find(shopper)
        tokens = provider.sign_in(shopper, PASSWORD)
        assert account
        provider.delete(account.user_id)
        provider.delete(account.user_id)
        assert provider.find(shopper) is None
        with pytest.raises(WrongCredentials):
            provider.sign_in(shopper, PASSWORD)
        with pytest.raises(SessionOver):
            provider.refresh(tokens.refresh_token)

    def test_deleting_one_registration_spares_the_next_of_the_same_address(self, provider: IdentityProvider) -> None:
        provider.sign_up(EMAIL, PASSWORD, "Shopper")
        first = provider.find(EMAIL)
        assert first
        provider.delete(first.user_id)
        provider.sign_up(EMAIL, OTHER_PASSWORD, "Shopper")
        second = provider.find(EMAIL)
        provider.delete(first.user_id)
        assert second
        assert second != first
        assert provider.find(EMAIL) == second

    def test_the_mailed_code_sets_another_password_and_ends_the_sessions(
        self, provider: IdentityProvider, post: Post, shopper: str
    ) -> None:
        before = provider.sign_in(shopper, PASSWORD)
        provider.send_reset_code(shopper)
        provider.reset_password(shopper, post.code_mailed_to(shopper), OTHER_PASSWORD)
        with pytest.raises(WrongCredentials):
            provider.sign_in(shopper, PASSWORD)
        with pytest.raises(SessionOver):
            provider.refresh(before.refresh_token)
        assert provider.sign_in(shopper, OTHER_PASSWORD)

    def test_another_code_does_not_change_the_password(self, provider: IdentityProvider, shopper: str) -> None:
        provider.send_reset_code(shopper)
        for address in (shopper, NOBODY):
            with pytest.raises(Problem) as refused:
                provider.reset_password(address, "000000", OTHER_PASSWORD)
            assert refused.value.errors == wrong_code().errors
        assert provider.sign_in(shopper, PASSWORD)
