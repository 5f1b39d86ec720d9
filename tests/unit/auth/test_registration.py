"""Registering an address and confirming it: what a person gets, what a stranger cannot learn, what stays as it was."""

from copy import deepcopy
from itertools import count, permutations
from threading import Barrier, Thread

import pytest

from auth import commands
from auth.domain import Account, EmailNotConfirmed, WrongCode, WrongCredentials
from cloudretail.errors import Transient
from tests.support.identity import (
    EMAIL,
    NOBODY,
    OTHER_PASSWORD,
    PASSWORD,
    InMemoryIdentityProvider,
    InMemoryMailer,
)
from tests.unit.auth.conftest import Browser

REGISTRATION = {"email": EMAIL}
CONFIRMATION = {"email": EMAIL, "code": "123456", "password": PASSWORD, "name": "Shopper"}

BODIES: dict[str, dict[str, str]] = {
    "register": REGISTRATION,
    "confirm": CONFIRMATION,
    "resend-code": {"email": EMAIL},
    "login": {"email": EMAIL, "password": PASSWORD},
    "forgot-password": {"email": EMAIL},
    "reset-password": {"email": EMAIL, "code": "123456", "password": PASSWORD},
}


def confirmation(provider: InMemoryIdentityProvider, **other: str) -> dict[str, str]:
    return CONFIRMATION | {"code": provider.code_mailed_to(EMAIL)} | other


def test_a_new_address_is_registered_and_gets_a_code(browser: Browser, provider: InMemoryIdentityProvider) -> None:
    answer = browser.post("register", REGISTRATION)
    assert (answer.status, answer.body) == (201, {"email": EMAIL})
    assert [address for address, _ in provider.mails] == [EMAIL]
    assert not provider.users[EMAIL].confirmed


def test_the_code_makes_the_account_and_the_password_then_signs_in(
    browser: Browser, provider: InMemoryIdentityProvider
) -> None:
    browser.post("register", REGISTRATION)
    answer = browser.post("confirm", confirmation(provider))
    assert (answer.status, answer.text) == (204, "")
    assert browser.post("login", {"email": EMAIL, "password": PASSWORD}).body["user"]["name"] == "Shopper"


def test_before_the_code_nothing_but_the_address_is_kept(browser: Browser, provider: InMemoryIdentityProvider) -> None:
    for field in ("password", "name"):
        assert browser.post("register", REGISTRATION | {field: CONFIRMATION[field]}).errors == {
            field: "Extra inputs are not permitted."
        }
    browser.post("register", REGISTRATION)
    user = provider.users[EMAIL]
    assert (user.name, user.password) == (None, None)


def test_an_address_is_the_same_in_any_case_and_with_spaces_around(
    browser: Browser, provider: InMemoryIdentityProvider
) -> None:
    written = f"  {EMAIL.upper()}\t"
    assert browser.post("register", {"email": written}).body == {"email": EMAIL}
    assert browser.post("confirm", confirmation(provider, email=written, name=" Shopper ")).status == 204
    assert provider.users[EMAIL].name == "Shopper"
    assert browser.post("login", {"email": written, "password": PASSWORD}).status == 200
    assert browser.post("forgot-password", {"email": written}).status == 204
    reset = {"email": written, "code": provider.code_mailed_to(EMAIL), "password": OTHER_PASSWORD}
    assert browser.post("reset-password", reset).status == 204
    assert list(provider.users) == [EMAIL]


def test_an_address_that_has_an_account_is_answered_as_a_new_one_and_told_by_mail(
    browser: Browser, provider: InMemoryIdentityProvider, mailer: InMemoryMailer, shopper: str
) -> None:
    before = deepcopy(provider.users)
    new = browser.post("register", {"email": NOBODY})
    taken = browser.post("register", {"email": shopper})
    assert (taken.status, taken.headers) == (new.status, new.headers)
    assert taken.text == new.text.replace(NOBODY, shopper)
    assert mailer.mailed == [shopper]
    assert provider.users[shopper] == before[shopper]


def test_a_mail_that_cannot_be_sent_is_no_answer_to_whether_there_is_an_account(
    browser: Browser, mailer: InMemoryMailer, shopper: str
) -> None:
    mailer.out_of_order = True
    answer = browser.post("register", REGISTRATION)
    assert (answer.status, answer.problem, answer.headers["Retry-After"]) == (503, "try-again", "1")


def test_registering_again_sends_another_code_and_replaces_nothing(
    browser: Browser, provider: InMemoryIdentityProvider, mailer: InMemoryMailer
) -> None:
    browser.post("register", REGISTRATION)
    first, first_code = provider.users[EMAIL].user_id, provider.code_mailed_to(EMAIL)
    answer = browser.post("register", REGISTRATION)
    assert (answer.status, answer.body) == (201, {"email": EMAIL})
    assert provider.users[EMAIL].user_id == first
    assert provider.code_mailed_to(EMAIL) != first_code
    assert mailer.mailed == []
    assert browser.post("confirm", confirmation(provider)).status == 204


class TestAStranger:
    """Who knows the address and has not the mailbox."""

    @pytest.mark.parametrize("who", sorted(set(permutations(["stranger", "owner", "stranger"]))))
    def test_who_registers_before_the_owner_or_after_has_nothing_in_the_account(
        self, browser: Browser, provider: InMemoryIdentityProvider, who: tuple[str, ...]
    ) -> None:
        stranger = Browser()
        for person in who:
            (browser if person == "owner" else stranger).post("register", REGISTRATION)
            stranger.post("confirm", CONFIRMATION | {"password": OTHER_PASSWORD, "code": "000000"})
        assert browser.post("confirm", confirmation(provider)).status == 204
        stranger.post("register", REGISTRATION)
        stranger.post("confirm", CONFIRMATION | {"password": OTHER_PASSWORD, "code": "000000"})
        assert browser.post("login", {"email": EMAIL, "password": PASSWORD}).status == 200
        assert stranger.post("login", {"email": EMAIL, "password": OTHER_PASSWORD}).status == 401

    def test_who_guesses_a_code_of_a_confirmed_account_leaves_its_password_and_its_name(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        before = deepcopy(provider.users[shopper])
        answer = browser.post("confirm", CONFIRMATION | {"password": OTHER_PASSWORD, "name": "A stranger"})
        assert (answer.status, set(answer.errors)) == (422, {"code"})
        before.reset_code = provider.users[shopper].reset_code
        assert provider.users[shopper] == before

    def test_who_does_anything_at_the_same_time_deletes_no_account(self, shopper: str) -> None:
        """Both look before either writes."""

        class Together(InMemoryIdentityProvider):
            looks = count()
            barrier = Barrier(2)

            def find(self, email: str) -> Account | None:
                account = super().find(email)
                if next(self.looks) < 2:
                    self.barrier.wait(timeout=5)
                return account

        provider, mailer = Together(), InMemoryMailer()
        threads = [Thread(target=commands.register, args=(provider, mailer, EMAIL)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(provider.mails) == 2
        commands.confirm(provider, email=EMAIL, code=provider.code_mailed_to(EMAIL), password=PASSWORD, name="Shopper")
        assert provider.sign_in(EMAIL, PASSWORD)

    def test_an_account_that_is_confirmed_while_somebody_registers_stays(self) -> None:
        class Meanwhile(InMemoryIdentityProvider):
            """The owner confirms between the look at the address and what is done about it."""

            def find(self, email: str) -> Account | None:
                account = super().find(email)
                if account and not account.confirmed:
                    self.confirm(EMAIL, self.code_mailed_to(EMAIL))
                    self.set_up(EMAIL, PASSWORD, "Shopper")
                return account

        provider, mailer = Meanwhile(), InMemoryMailer()
        provider.sign_up(EMAIL)
        commands.register(provider, mailer, EMAIL)
        assert provider.sign_in(EMAIL, PASSWORD)
        assert len(provider.mails) == 1


class Crashing(InMemoryIdentityProvider):
    """Does not come to the end of a confirmation."""

    def set_up(self, email: str, password: str, name: str | None) -> None:
        raise Transient("The function ended here")


class TestACrashBetweenTheCalls:
    @pytest.fixture
    def provider(self) -> InMemoryIdentityProvider:
        """The code was taken; name and password were not set."""
        crashing = Crashing()
        crashing.sign_up(EMAIL)
        with pytest.raises(Transient):
            commands.confirm(
                crashing, email=EMAIL, code=crashing.code_mailed_to(EMAIL), password=PASSWORD, name="Shopper"
            )
        provider = InMemoryIdentityProvider()
        provider.users, provider.mails = crashing.users, crashing.mails
        return provider

    def test_leaves_an_account_that_nobody_can_sign_in_to(self, provider: InMemoryIdentityProvider) -> None:
        for password in (PASSWORD, OTHER_PASSWORD, ""):
            with pytest.raises(WrongCredentials):
                provider.sign_in(EMAIL, password)

    def test_is_answered_like_a_wrong_code_and_the_code_that_is_mailed_then_leads_on(
        self, provider: InMemoryIdentityProvider
    ) -> None:
        code = provider.code_mailed_to(EMAIL)
        sent = len(provider.mails)
        with pytest.raises(WrongCode):
            commands.confirm(provider, email=EMAIL, code=code, password=PASSWORD, name="Shopper")
        assert len(provider.mails) == sent + 1
        newest = provider.code_mailed_to(EMAIL)
        commands.reset_password(provider, email=EMAIL, code=newest, password=PASSWORD, name="Shopper")
        assert provider.users[EMAIL].name == "Shopper"
        assert provider.sign_in(EMAIL, PASSWORD)

    def test_gives_nothing_to_who_has_not_the_mailbox(self, provider: InMemoryIdentityProvider) -> None:
        with pytest.raises(WrongCode):
            commands.confirm(provider, email=EMAIL, code="000000", password=OTHER_PASSWORD, name="A stranger")
        with pytest.raises(WrongCode):
            commands.reset_password(provider, email=EMAIL, code="000000", password=OTHER_PASSWORD, name="A stranger")
        with pytest.raises(WrongCredentials):
            provider.sign_in(EMAIL, OTHER_PASSWORD)


@pytest.mark.parametrize("route", ["confirm", "reset-password"])
def test_a_weak_password_is_told_what_it_lacks_and_does_not_spend_the_code(
    browser: Browser, provider: InMemoryIdentityProvider, route: str
) -> None:
    browser.post("register", REGISTRATION)
    before = deepcopy((provider.users, provider.mails))
    answer = browser.post(route, BODIES[route] | {"code": provider.code_mailed_to(EMAIL), "password": "weak"})
    assert (answer.status, answer.problem) == (422, "invalid-input")
    assert answer.errors == {"password": "Use at least 8 characters, a capital letter (A-Z), a number (0-9)."}
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
@pytest.mark.parametrize("route", BODIES)
def test_what_is_no_address_is_named_on_every_route(
    browser: Browser, provider: InMemoryIdentityProvider, route: str, email: str
) -> None:
    answer = browser.post(route, BODIES[route] | {"email": email})
    assert (answer.status, answer.errors) == (422, {"email": "Enter your e-mail address, like name@example.com."})
    assert not provider.users
    assert not provider.mails


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
def test_half_a_character_names_the_field(browser: Browser, provider: InMemoryIdentityProvider, route: str) -> None:
    for field in BODIES[route]:
        answer = browser.post(route, BODIES[route] | {field: "\ud800"})
        assert (answer.status, set(answer.errors)) == (422, {field})
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


@pytest.mark.parametrize("name", ["", "   ", "two\nlines", "bell\x07", "over\u202eridden", "\u3164", "x" * 101])
def test_a_name_that_could_not_be_printed_is_named(
    browser: Browser, provider: InMemoryIdentityProvider, name: str
) -> None:
    browser.post("register", REGISTRATION)
    answer = browser.post("confirm", confirmation(provider, name=name))
    assert (answer.status, set(answer.errors)) == (422, {"name"})
    assert not provider.users[EMAIL].confirmed


@pytest.mark.parametrize("name", ["Ada", "Ngũgĩ wa Thiong'o", "علی‌رضا", "O’Neil-李"])
def test_a_name_is_whatever_somebody_is_called(browser: Browser, provider: InMemoryIdentityProvider, name: str) -> None:
    browser.post("register", REGISTRATION)
    assert browser.post("confirm", confirmation(provider, name=name)).status == 204
    assert provider.users[EMAIL].name == name


class TestCodes:
    @pytest.mark.parametrize("code", ["000000", "999999"])
    def test_a_wrong_one_is_named_and_confirms_nothing(
        self, browser: Browser, provider: InMemoryIdentityProvider, code: str
    ) -> None:
        browser.post("register", REGISTRATION)
        answer = browser.post("confirm", confirmation(provider, code=code))
        assert (answer.status, answer.problem) == (422, "invalid-input")
        assert answer.errors == {"code": "This code is wrong or has expired. Enter the newest one that we sent you."}
        assert not provider.users[EMAIL].confirmed

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "½23456", "12 34 5", "1" * 65])
    @pytest.mark.parametrize("route", ["confirm", "reset-password"])
    def test_what_is_none_is_told_so(self, browser: Browser, route: str, code: str) -> None:
        answer = browser.post(route, BODIES[route] | {"code": code})
        assert (answer.status, set(answer.errors)) == (422, {"code"})

    @pytest.mark.parametrize("how", [" {}", "{} \n", "{:.3}\u00a0{:.0}", "{}\u200b", "wide"])
    @pytest.mark.parametrize("route", ["confirm", "reset-password"])
    def test_one_is_taken_however_it_was_pasted(
        self, browser: Browser, provider: InMemoryIdentityProvider, route: str, how: str
    ) -> None:
        browser.post("register", REGISTRATION)
        code = provider.code_mailed_to(EMAIL)
        pasted = {
            "{:.3}\u00a0{:.0}": f"{code[:3]}\u00a0{code[3:]}",
            "wide": "".join(chr(ord(digit) + 0xFEE0) for digit in code),
        }.get(how) or how.format(code)
        assert browser.post(route, BODIES[route] | {"code": pasted}).status == 204

    def test_an_unknown_and_a_confirmed_address_look_like_a_wrong_one(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        browser.post("register", {"email": "waiting@cloudretail.example"})
        for route in ("confirm", "reset-password"):
            answers = {
                browser.post(route, BODIES[route] | {"email": email, "code": "000000"}).text
                for email in (NOBODY, shopper, "waiting@cloudretail.example")
            }
            assert len(answers) == 1

    def test_a_new_one_is_mailed_only_where_one_is_awaited_and_nobody_can_tell(
        self, browser: Browser, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        browser.post("register", {"email": "waiting@cloudretail.example"})
        sent = len(provider.mails)
        answers = [browser.post("resend-code", {"email": email}) for email in (NOBODY, shopper)]
        assert len(provider.mails) == sent
        answers.append(browser.post("resend-code", {"email": "waiting@cloudretail.example"}))
        assert [address for address, _ in provider.mails[sent:]] == ["waiting@cloudretail.example"]
        assert {(answer.status, answer.text) for answer in answers} == {(204, "")}


class TestForgettingThePasswordBeforeTheAddressIsConfirmed:
    def test_gets_the_confirmation_code_again_and_that_code_chooses_a_password(
        self, browser: Browser, provider: InMemoryIdentityProvider
    ) -> None:
        browser.post("register", REGISTRATION)
        assert browser.post("forgot-password", {"email": EMAIL}).status == 204
        assert len(provider.mails) == 2
        assert provider.users[EMAIL].reset_code is None
        reset = {"email": EMAIL, "code": provider.code_mailed_to(EMAIL), "password": OTHER_PASSWORD}
        assert browser.post("reset-password", reset).status == 204
        assert browser.post("login", {"email": EMAIL, "password": OTHER_PASSWORD}).status == 200

    def test_takes_no_other_code(self, browser: Browser, provider: InMemoryIdentityProvider) -> None:
        browser.post("register", REGISTRATION)
        reset = {"email": EMAIL, "code": "000000", "password": OTHER_PASSWORD}
        assert set(browser.post("reset-password", reset).errors) == {"code"}
        with pytest.raises(EmailNotConfirmed):
            provider.sign_in(EMAIL, OTHER_PASSWORD)
