"""What who tries too often is answered, and that an honest shopper does not meet it."""

from collections.abc import Callable, Iterator

import pytest

from auth.limits import KNOWN_FOR, DynamoDBDevices
from tests.support.attempts import InMemoryAttempts
from tests.support.identity import EMAIL, NOBODY, OTHER_PASSWORD, PASSWORD, InMemoryIdentityProvider
from tests.support.tables import items_of, shop_tables
from tests.unit.auth.conftest import Answer, Browser

NEW = "new@cloudretail.example"
CODE = {"code": "000000", "password": PASSWORD, "name": "Shopper"}


def wrong_password(browser: Browser, email: str = EMAIL, address: str = "203.0.113.9") -> Answer:
    return browser.post("login", {"email": email, "password": OTHER_PASSWORD}, headers={"x-client-address": address})


def right_password(browser: Browser, address: str = "198.51.100.1") -> Answer:
    return browser.post("login", {"email": EMAIL, "password": PASSWORD}, headers={"x-client-address": address})


@pytest.mark.parametrize(
    ("route", "body", "most", "limit"),
    [
        ("register", {}, 5, "registration"),
        ("resend-code", {}, 5, "code"),
        ("forgot-password", {}, 5, "code"),
        ("confirm", CODE, 10, "code-entry"),
        ("reset-password", CODE, 10, "code-entry"),
        ("login", {"password": OTHER_PASSWORD}, 10, "log-in"),
    ],
)
@pytest.mark.parametrize("email", [EMAIL, NOBODY], ids=["an account", "no account"])
def test_one_too_many_is_told_what_and_until_when_whether_there_is_an_account_or_not(
    browser: Browser, shopper: str, route: str, body: dict[str, str], most: int, limit: str, email: str
) -> None:
    answers = [browser.post(route, {"email": email, **body}) for _ in range(most + 1)]
    assert 429 not in {answer.status for answer in answers[:-1]}
    refused = answers[-1]
    assert (refused.status, refused.problem, refused.body["limit"]) == (429, "too-many-requests", limit)
    assert set(refused.body) == {"type", "title", "status", "detail", "limit", "until"}
    assert int(refused.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    "sends",
    [
        lambda browser: browser.post("register", {"email": NEW}),
        lambda browser: browser.post("resend-code", {"email": NEW}),
        lambda browser: browser.post("forgot-password", {"email": NEW}),
    ],
    ids=["registering", "another code", "a reset"],
)
def test_fifty_requests_are_five_mails(
    browser: Browser, provider: InMemoryIdentityProvider, sends: Callable[[Browser], Answer]
) -> None:
    provider.sign_up(NEW)
    before = len(provider.mails)
    assert sorted({sends(browser).status for _ in range(50)}) in ([201, 429], [204, 429])
    assert len(provider.mails) - before == 5


def test_the_right_password_is_not_even_looked_at_once_too_many_were_wrong(browser: Browser, shopper: str) -> None:
    for _ in range(10):
        wrong_password(browser)
    assert right_password(browser, address="203.0.113.9").status == 429


def test_a_shopper_who_mistypes_and_comes_back_often_does_not_meet_the_limit(browser: Browser, shopper: str) -> None:
    for _ in range(20):
        assert [wrong_password(browser, address="198.51.100.1").status for _ in range(3)] == [401] * 3
        assert right_password(browser).status == 200


def test_forty_shoppers_behind_one_address_do_not_meet_the_limit(browser: Browser) -> None:
    for number in range(40):
        email = f"person-{number}@cloudretail.example"
        assert browser.post("register", {"email": email}).status == 201
        assert 429 not in {wrong_password(browser, email).status for _ in range(3)}


def test_an_attack_from_everywhere_delays_the_owner_by_a_minute_at_most(
    browser: Browser, shopper: str, attempts: InMemoryAttempts
) -> None:
    for number in range(60):
        wrong_password(Browser(), address=f"192.0.2.{number}")
    refused = right_password(browser)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) <= 60
    attempts.now += 60_000
    assert right_password(browser).status == 200


def test_a_device_that_was_logged_in_on_before_is_not_delayed_by_an_attack(browser: Browser, shopper: str) -> None:
    assert right_password(browser).status == 200
    assert browser.device
    for number in range(60):
        wrong_password(Browser(), address=f"192.0.2.{number}")
    assert right_password(browser, address="198.51.100.77").status == 200


def test_a_known_device_is_limited_by_a_count_of_its_own(browser: Browser, shopper: str) -> None:
    right_password(browser)
    statuses = [wrong_password(browser, address=f"192.0.2.{number}").status for number in range(12)]
    assert statuses == [401] * 10 + [429] * 2


def test_a_device_is_known_to_the_account_that_was_logged_in_to_and_to_no_other(browser: Browser, shopper: str) -> None:
    right_password(browser)
    for number in range(60):
        wrong_password(Browser(), NOBODY, address=f"192.0.2.{number}")
    assert wrong_password(browser, NOBODY).status == 429


def test_an_invented_device_is_unknown(browser: Browser, shopper: str) -> None:
    for _ in range(10):
        wrong_password(browser)
    answer = browser.post(
        "login",
        {"email": EMAIL, "password": PASSWORD},
        headers={"x-client-address": "203.0.113.9", "cookie": "__Secure-device=invented"},
    )
    assert answer.status == 429


def test_the_devices_cookie_is_as_well_kept_as_the_sessions_and_stays_when_that_ends(
    browser: Browser, shopper: str
) -> None:
    right_password(browser)
    assert browser.device
    assert {name: value for name, value in browser.device.items() if value} == {
        "path": "/api/auth",
        "max-age": str(KNOWN_FOR),
        "httponly": True,
        "secure": True,
        "samesite": "Strict",
    }
    token = browser.device.value
    browser.post("logout")
    right_password(browser)
    assert browser.device.value == token


def test_who_is_logged_in_cannot_guess_the_password_either(browser: Browser, shopper: str) -> None:
    statuses = [browser.post_as_shopper("second-factor", {"password": OTHER_PASSWORD}).status for _ in range(11)]
    assert statuses == [422] * 10 + [429]


class TestDevices:
    @pytest.fixture
    def table(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        with shop_tables(monkeypatch, "AttemptsTable"):
            yield "AttemptsTable"

    def test_are_known_for_half_a_year_to_their_account(self, table: str) -> None:
        now = 1_800_000_000.0
        devices = DynamoDBDevices(table, lambda: now)
        devices.remember(EMAIL, "device-1")
        assert devices.knows(EMAIL, "device-1")
        assert not devices.knows(NOBODY, "device-1")
        assert not devices.knows(EMAIL, "device-2")
        now += KNOWN_FOR
        assert not devices.knows(EMAIL, "device-1")

    def test_are_kept_as_hashes_that_expire(self, table: str) -> None:
        DynamoDBDevices(table).remember(EMAIL, "device-1")
        (item,) = items_of(table)
        assert EMAIL not in str(item)
        assert "device-1" not in str(item)
        assert item["expiresAt"]
