"""Registering an address and confirming it: what a person gets, what a stranger cannot learn, what stays as it was."""

from collections.abc import Callable
from copy import deepcopy
from itertools import count
from threading import Barrier, Thread

import pytest

from auth.domain import Account, EmailNotConfirmed, WrongCredentials, register
from cloudretail.errors import Contention, Transient
from tests.support.identity import (
    EMAIL,
    NOBODY,
    OTHER_PASSWORD,
    PASSWORD,
    InMemoryIdentityProvider,
    InMemoryMailer,
)
from tests.unit.auth.conftest import Browser

REGISTRATION = {"email": EMAIL, "password": PASSWORD, "name": "Shopper"}


def test_a_new_address_is_registered_and_gets_a_code(browser: Browser, provider: InMemoryIdentityProvider) -> None:
    answer = browser.post("register", REGISTRATION)
    assert (answer.status, answer.body) == (201, {"email": EMAIL})
    assert [address for address, _ in provider.mails] == [EMAIL]
    assert not provider.users[EMAIL].confirmed


def test_the_code_confirms_the_address_and_the_password_then_signs_in(
    browser: Browser, provider: InMemoryIdentityProvider
) -> None:
    browser.post("register", REGISTRATION)
    answer = browser.post("confirm", {"email": EMAIL, "code": provider.code_mailed_to(EMAIL)})
    assert (answer.status, answer.text) == (204, "")
    assert browser.post("login", {"email": EMAIL, "password": PASSWORD}).status == 200


def test_an_address_is_the_same_in_any_case_and_with_spaces_around(
    browser: Browser, provider: InMemoryIdentityProvider
) -> None:
    written = f"  {EMAIL.upper()}\t"
    assert browser.post("register", REGISTRATION | {"email": written, "name": " Shopper "}).body == {"email": EMAIL}
    assert provider.users[EMAIL].name == "Shopper"
    code = provider.code_mailed_to(EMAIL)
    assert browser.post("confirm", {"email": written, "code": f" {code} "}).status == 204
    assert browser.post("login", {"email": written, "password": PASSWORD}).status == 200
    assert browser.post("forgot-password", {"email": written}).status == 204
    reset = {"email": written, "code": provider.code_mailed_to(EMAIL), "password": OTHER_PASSWORD}
    assert browser.post("reset-password", reset).status == 204
    assert list(provider.users) == [EMAIL]


def test_an_address_that_has_an_account_is_answered_as_a_new_one_and_told_by_mail(
    browser: Browser, provider: InMemoryIdentityProvider, mailer: InMemoryMailer, shopper: str
) -> None:
    before = deepcopy(provider.users)
    new = browser.post("register", REGISTRATION | {"email": NOBODY})
    taken = browser.post("register", REGISTRATION | {"email": shopper, "password": OTHER_PASSWORD})
    assert (taken.status, taken.headers) == (new.status, new.headers)
    assert taken.text == new.text.replace(NOBODY, shopper)
    assert mailer.told == [shopper]
    assert provider.users[shopper] == before[shopper]


def test_a_mail_that_cannot_be_sent_is_no_answer_to_whether_there_is_an_account(
    browser: Browser, provider: InMemoryIdentityProvider, mailer: InMemoryMailer, shopper: str
) -> None:
    mailer.out_of_order = True
    answer = browser.post("register", REGISTRATION)
    assert (answer.status, answer.problem, answer.headers["Retry-After"]) == (503, "try-again", "1")


def test_an_unconfirmed_address_is_registered_anew_and_the_first_password_does_not_survive(
    browser: Browser, provider: InMemoryIdentityProvider, mailer: InMemoryMailer
) -> None:
    browser.post("register", REGISTRATION | {"name": "A stranger"})
    first = provider.users[EMAIL]
    first_code = provider.code_mailed_to(EMAIL)
    answer = browser.post("register", REGISTRATION | {"password": OTHER_PASSWORD})
    assert (answer.status, answer.body) == (201, {"email": EMAIL})
    assert provider.users[EMAIL].user_id != first.user_id
    assert provider.users[EMAIL].name == "Shopper"
    assert mailer.told == []
    assert browser.post("confirm", {"email": EMAIL, "code": first_code}).status == 422
    assert browser.post("confirm", {"email": EMAIL, "code": provider.code_mailed_to(EMAIL)}).status == 204
    assert browser.post("login", {"email": EMAIL, "password": PASSWORD}).problem == "wrong-credentials"
    assert browser.post("login", {"email": EMAIL, "password": OTHER_PASSWORD}).status == 200


@pytest.mark.parametrize(
    ("password", "needs"),
    [
        ("Sh0rt", "Use at least 8 characters."),
        ("no-upper-case-1", "Use a capital letter (A-Z)."),
        ("NO-LOWER-CASE-1", "Use a small letter (a-z)."),
        ("No-digit-at-all", "Use a number (0-9)."),
        (" Spaced-1-out", "Use no spaces at the beginning or end."),
        ("Long-1" * 43, "Use at most 256 characters."),
        ("ÄÖÜäöü٣٣", "Use a capital letter (A-Z), a small letter (a-z), a number (0-9)."),
        ("", "Use at least 8 characters, a capital letter (A-Z), a small letter (a-z), a number (0-9)."),
    ],
)
def test_a_weak_password_is_told_every_rule_that_it_breaks_and_replaces_nothing(
    browser: Browser, provider: InMemoryIdentityProvider, password: str, needs: str
) -> None:
    browser.post("register", REGISTRATION)
    before = deepcopy((provider.users, provider.mails))
    answer = browser.post("register", REGISTRATION | {"password": password})
    assert (answer.status, answer.problem, answer.errors) == (422, "invalid-input", {"password": needs})
    assert (provider.users, provider.mails) == before


@pytest.mark.parametrize(
    "email",
    [
        "",
        "shopper",
        "@cloudretail.example",
        "shopper@",
        "shopper@localhost",
        "two words@cloudretail.example",
        "shopper@cloudretail..example",
        "shopper@-cloudretail.example",
        "one@cloudretail.example,two@cloudretail.example",
        "shopper@cloudretail.example\nBcc: victim@cloudretail.example",
        "shöpper@cloudretail.example",
    ],
)
@pytest.mark.parametrize("route", ["register", "confirm", "resend-code", "login", "forgot-password", "reset-password"])
def test_what_is_no_address_is_named_on_every_route(
    browser: Browser, provider: InMemoryIdentityProvider, route: str, email: str
) -> None:
    answer = browser.post(route, BODIES[route] | {"email": email})
    assert (answer.status, answer.errors) == (422, {"email": "Enter your e-mail address, like name@example.com."})
    assert not provider.users
    assert not provider.mails


BODIES: dict[str, dict[str, str]] = {
    "register": REGISTRATION,
    "confirm": {"email": EMAIL, "code": "123456"},
    "resend-code": {"email": EMAIL},
    "login": {"email": EMAIL, "password": PASSWORD},
    "forgot-password": {"email": EMAIL},
    "reset-password": {"email": EMAIL, "code": "123456", "password": PASSWORD},
}


@pytest.mark.parametrize("route", BODIES)
def test_every_field_that_is_missing_is_named(browser: Browser, provider: InMemoryIdentityProvider, route: str) -> None:
    answer = browser.post(route, {})
    assert (answer.status, answer.errors) == (422, dict.fromkeys(BODIES[route], "This field is required."))
    assert not provider.users


@pytest.mark.parametrize("route", BODIES)
def test_a_field_that_nobody_asked_for_is_named(
    browser: Browser, provider: InMemoryIdentityProvider, route: str
) -> None:
    answer = browser.post(route, BODIES[route] | {"isOperator": True})
    assert (answer.status, answer.errors) == (422, {"isOperator": "Extra inputs are not permitted."})
    assert not provider.users


@pytest.mark.parametrize("route", BODIES)
def test_a_field_of_another_type_is_named(browser: Browser, provider: InMemoryIdentityProvider, route: str) -> None:
    answer = browser.post(route, dict.fromkeys(BODIES[route], 12345678))
    assert (answer.status, set(answer.errors)) == (422, set(BODIES[route]))
    assert not provider.users


@pytest.mark.parametrize("route", BODIES)
def test_no_body_at_all_is_told_so(browser: Browser, route: str) -> None:
    answer = browser.post(route)
    assert (answer.status, answer.errors) == (422, {"body": "This field is required."})


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize(
    ("raw_body", "headers", "status", "problem"),
    [
        ('{"email": ', {}, 400, "malformed-json"),
        ("email=shopper%40cloudretail.example", {"content-type": "application/x-www-form-urlencoded"}, 415, None),
        ('{"email": "' + "x" * 64 * 1024 + '"}', {}, 413, "body-too-large"),
    ],
    ids=["malformed JSON", "a form", "too large"],
)
def test_a_body_that_cannot_be_read_is_refused(
    browser: Browser,
    provider: InMemoryIdentityProvider,
    route: str,
    raw_body: str,
    headers: dict[str, str],
    status: int,
    problem: str | None,
) -> None:
    answer = browser.post(route, raw_body=raw_body, headers=headers)
    assert (answer.status, answer.problem) == (status, problem or "unsupported-media-type")
    assert not provider.users


@pytest.mark.parametrize("name", ["", "   ", "two\nlines", "bell\x07", "x" * 101])
def test_a_name_that_could_not_be_printed_is_named(
    browser: Browser, provider: InMemoryIdentityProvider, name: str
) -> None:
    answer = browser.post("register", REGISTRATION | {"name": name})
    assert (answer.status, set(answer.errors)) == (422, {"name"})
    assert not provider.users


@pytest.mark.parametrize("name", ["Ada", "Ngũgĩ wa Thiong'o", "علی‌رضا", "O’Neil-李"])
def test_a_name_is_whatever_somebody_is_called(browser: Browser, provider: InMemoryIdentityProvider, name: str) -> None:
    assert browser.post("register", REGISTRATION | {"name": name}).status == 201
    assert provider.users[EMAIL].name == name


class TestConfirming:
    @pytest.mark.parametrize("code", ["000000", "999999"])
    def test_a_wrong_code_names_the_code_and_confirms_nothing(
        self, browser: Browser, provider: InMemoryIdentityProvider, code: str
    ) -> None:
        browser.post("register", REGISTRATION)
        answer = browser.post("confirm", {"email": EMAIL, "code": code})
        assert (answer.status, answer.problem) == (422, "invalid-input")
        assert answer.errors == {"code": "This code is wrong or has expired. Check it, or ask for a new one."}
        assert not provider.users[EMAIL].confirmed

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６"])
    @pytest.mark.parametrize("route", ["confirm", "reset-password"])
    def test_what_is_no_code_is_told_so(self, browser: Browser, route: str, code: str) -> None:
        answer = browser.post(route, BODIES[route] | {"code": code})
        assert (answer.status, answer.errors) == (422, {"code": "Enter the 6-digit code from the e-mail."})

    def test_an_unknown_and_a_confirmed_address_look_like_a_wrong_code(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        browser.post("register", REGISTRATION | {"email": "waiting@cloudretail.example"})
        answers = {
            browser.post("confirm", {"email": email, "code": "000000"}).text
            for email in (NOBODY, shopper, "waiting@cloudretail.example")
        }
        assert len(answers) == 1

    def test_a_new_code_is_mailed_only_where_one_is_awaited_and_nobody_can_tell(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        browser.post("register", REGISTRATION | {"email": "waiting@cloudretail.example"})
        sent = len(provider.mails)
        answers = [browser.post("resend-code", {"email": email}) for email in (NOBODY, shopper)]
        assert len(provider.mails) == sent
        answers.append(browser.post("resend-code", {"email": "waiting@cloudretail.example"}))
        assert [address for address, _ in provider.mails[sent:]] == ["waiting@cloudretail.example"]
        assert {(answer.status, answer.text) for answer in answers} == {(204, "")}


class Meanwhile(InMemoryIdentityProvider):
    """Something happens between the look at an address and what is done about it."""

    def __init__(self, happens: Callable[[InMemoryIdentityProvider], None], times: int = 1) -> None:
        super().__init__()
        self._happens = happens
        self._times = times

    def find(self, email: str) -> Account | None:
        account = super().find(email)
        if self._times:
            self._times -= 1
            self._happens(self)
        return account


def _somebody_else_registers(provider: InMemoryIdentityProvider) -> None:
    if account := InMemoryIdentityProvider.find(provider, EMAIL):
        provider.delete(account.user_id)
    provider.sign_up(EMAIL, OTHER_PASSWORD, "Somebody else")


class TestRaces:
    def test_a_registration_that_came_in_between_is_replaced_as_an_earlier_one_is(self) -> None:
        provider = Meanwhile(_somebody_else_registers)
        register(provider, InMemoryMailer(), email=EMAIL, password=PASSWORD, name="Shopper")
        assert (provider.users[EMAIL].name, provider.users[EMAIL].password) == ("Shopper", PASSWORD)

    def test_an_account_that_was_made_in_between_is_left_alone_and_told(self) -> None:
        def somebody_registers_and_confirms(provider: InMemoryIdentityProvider) -> None:
            _somebody_else_registers(provider)
            provider.confirm(EMAIL, provider.code_mailed_to(EMAIL))

        provider, mailer = Meanwhile(somebody_registers_and_confirms), InMemoryMailer()
        provider.sign_up(EMAIL, "Oldest-0-password", "Shopper")
        register(provider, mailer, email=EMAIL, password=PASSWORD, name="Shopper")
        assert provider.users[EMAIL].password == OTHER_PASSWORD
        assert mailer.told == [EMAIL]

    def test_who_loses_every_race_is_told_to_try_again(self) -> None:
        provider = Meanwhile(_somebody_else_registers, times=100)
        with pytest.raises(Contention):
            register(provider, InMemoryMailer(), email=EMAIL, password=PASSWORD, name="Shopper")
        assert provider.users[EMAIL].name == "Somebody else"

    def test_two_people_registering_at_once_leave_one_registration_with_its_own_password(self) -> None:
        class Together(InMemoryIdentityProvider):
            """Both look before either writes."""

            looks = count()
            barrier = Barrier(2)

            def find(self, email: str) -> Account | None:
                account = super().find(email)
                if next(self.looks) < 2:
                    self.barrier.wait(timeout=5)
                return account

        provider = Together()
        passwords = {"One": PASSWORD, "Two": OTHER_PASSWORD}
        outcomes: dict[str, str] = {}

        def run(name: str) -> None:
            try:
                register(provider, InMemoryMailer(), email=EMAIL, password=passwords[name], name=name)
                outcomes[name] = "registered"
            except Transient:
                outcomes[name] = "try again"

        threads = [Thread(target=run, args=(name,)) for name in passwords]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        user = provider.users[EMAIL]
        assert outcomes[user.name] == "registered"
        assert user.password == passwords[user.name]
        with pytest.raises(EmailNotConfirmed):
            provider.sign_in(EMAIL, user.password)
        provider.confirm(EMAIL, provider.code_mailed_to(EMAIL))
        (loser,) = passwords.keys() - {user.name}
        with pytest.raises(WrongCredentials):
            provider.sign_in(EMAIL, passwords[loser])
