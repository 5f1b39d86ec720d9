"""Guests at the door: their sessions, and the links in mails to them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from http.cookies import Morsel, SimpleCookie
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from auth import api
from auth.links import DynamoDBUsedLinks
from cloudretail import aws, dynamodb, guests
from cloudretail.guests import SESSION_LASTS, VISIT_LASTS, Visit, guest_of, link_of, session_of, visit_of
from tests.support.attempts import InMemoryAttempts
from tests.support.guests import GUEST, KEYS, OTHER_KEYS
from tests.support.invocations import Context, http_event
from tests.support.tables import shop_tables
from tests.unit.auth.conftest import ORIGIN

NOW = datetime.now(UTC)


class GuestBrowser:
    """A browser on a page of the shop. It keeps its cookies."""

    def __init__(self) -> None:
        self.cookies: dict[str, Morsel[str]] = {}

    def send(self, method: str, path: str, body: object = None, *, origin: str = ORIGIN, **headers: str) -> Any:
        kept = [f"{name}={each.value}" for name, each in self.cookies.items() if each["max-age"] != "0"]
        event = http_event(method, path, body=body, headers={"origin": origin, **headers}, cookies=kept)
        answer = api.handler(event, cast(LambdaContext, Context()))
        for header in answer.get("cookies", []):
            self.cookies |= dict(SimpleCookie(header).items())
        return answer

    def exchange(self, link: str) -> Any:
        return self.send("POST", "/api/guest/links/exchange", {"link": link})


@pytest.fixture
def browser(attempts: InMemoryAttempts, monkeypatch: pytest.MonkeyPatch) -> Iterator[GuestBrowser]:
    monkeypatch.setattr(guests, "keys", lambda: KEYS)
    monkeypatch.setattr(api, "used_links", lambda: DynamoDBUsedLinks("AttemptsTable"))
    monkeypatch.setattr(api, "_owner_of", lambda order_id: GUEST.guest_id if order_id == "ord_1" else None)
    with shop_tables(monkeypatch, "AttemptsTable"):
        yield GuestBrowser()


def a_link(order_id: str = "ord_1", mail: str = "OrderPlaced") -> str:
    return link_of(Visit(GUEST.guest_id, order_id, mail), KEYS, NOW)


def test_a_guest_gets_a_cookie_that_no_script_and_no_other_site_can_use(browser: GuestBrowser) -> None:
    answer = browser.send("POST", "/api/guest")

    assert answer["statusCode"] == 200
    cookie = browser.cookies["__Secure-guest"]
    assert {name: value for name, value in cookie.items() if value} == {
        "path": "/api/guest",
        "max-age": str(int(SESSION_LASTS.total_seconds())),
        "httponly": True,
        "secure": True,
        "samesite": "Strict",
    }
    guest = guest_of(cookie.value, KEYS)
    assert guest
    assert guest.guest_id in answer["body"]


def test_a_browser_stays_the_same_guest_and_cannot_choose_which(browser: GuestBrowser) -> None:
    first = browser.send("POST", "/api/guest")["body"]
    assert browser.send("POST", "/api/guest")["body"] == first

    browser.cookies["__Secure-guest"].set("__Secure-guest", *[session_of(GUEST, OTHER_KEYS, NOW)] * 2)
    third = browser.send("POST", "/api/guest")["body"]
    assert GUEST.guest_id not in third
    assert third != first


def test_pages_of_other_sites_make_no_guests_and_use_none(browser: GuestBrowser) -> None:
    for method, path in [("POST", "/api/guest"), ("DELETE", "/api/guest"), ("POST", "/api/guest/links/exchange")]:
        for origin in ("https://evil.example", "null"):
            answer = browser.send(method, path, {} if "links" in path else None, origin=origin)
            assert (answer["statusCode"], "foreign-origin" in answer["body"]) == (403, True)
    assert browser.cookies == {}


def test_one_address_makes_only_so_many_guests(browser: GuestBrowser) -> None:
    for _ in range(3):
        browser.cookies.clear()
        assert browser.send("POST", "/api/guest", **{"x-client-address": "203.0.113.9"})["statusCode"] == 200
    again = browser.send("POST", "/api/guest", **{"x-client-address": "203.0.113.9"})
    browser.cookies.clear()
    one_more = browser.send("POST", "/api/guest", **{"x-client-address": "203.0.113.9"})
    elsewhere = browser.send("POST", "/api/guest", **{"x-client-address": "198.51.100.1"})

    assert (again["statusCode"], one_more["statusCode"], elsewhere["statusCode"]) == (200, 429, 200)


def test_who_leaves_has_no_cookie_of_guests_any_more(browser: GuestBrowser) -> None:
    browser.send("POST", "/api/guest")
    browser.exchange(a_link())

    assert browser.send("DELETE", "/api/guest")["statusCode"] == 204
    assert {name: each["max-age"] for name, each in browser.cookies.items()} == {
        "__Secure-guest": "0",
        "__Secure-guest-order": "0",
    }


class TestALink:
    def test_is_exchanged_for_a_cookie_about_its_order_alone(self, browser: GuestBrowser) -> None:
        answer = browser.exchange(a_link())

        assert (answer["statusCode"], answer["body"]) == (200, '{"orderId":"ord_1"}')
        cookie = browser.cookies["__Secure-guest-order"]
        assert (cookie["path"], cookie["max-age"]) == ("/api/guest", str(int(VISIT_LASTS.total_seconds())))
        assert visit_of(cookie.value, KEYS) == Visit(GUEST.guest_id, "ord_1", "OrderPlaced")
        assert "__Secure-guest" not in browser.cookies

    def test_works_in_one_browser(self, browser: GuestBrowser) -> None:
        link = a_link()
        assert browser.exchange(link)["statusCode"] == 200
        assert browser.exchange(link)["statusCode"] == 200

        other = GuestBrowser()
        answer = other.exchange(link)
        assert (answer["statusCode"], "used before" in answer["body"]) == (403, True)
        assert other.cookies == {}
        # Each mail has a link of its own.
        assert other.exchange(a_link(mail="OrderConfirmed"))["statusCode"] == 200

    def test_that_is_spelt_otherwise_is_used_nevertheless(self, browser: GuestBrowser) -> None:
        link = a_link()
        browser.exchange(link)
        spellings = [link[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]

        assert {GuestBrowser().exchange(each)["statusCode"] for each in spellings} == {403}

    @pytest.mark.parametrize(
        "link",
        [
            pytest.param("nonsense", id="no link"),
            pytest.param(link_of(Visit(GUEST.guest_id, "ord_1"), OTHER_KEYS, NOW), id="a stranger's"),
            pytest.param(session_of(GUEST, KEYS, NOW), id="a session"),
            pytest.param(guests.visit_token(Visit(GUEST.guest_id, "ord_1"), KEYS, NOW), id="of another purpose"),
            pytest.param(link_of(Visit(GUEST.guest_id, "ord_1"), KEYS, NOW - guests.LINK_LASTS), id="of long ago"),
            pytest.param(a_link("ord_none"), id="of no order"),
            pytest.param(link_of(Visit("guest_other", "ord_1"), KEYS, NOW), id="of an order that was adopted"),
        ],
    )
    def test_that_is_not_good_for_this_is_refused_and_gives_nothing(self, browser: GuestBrowser, link: str) -> None:
        answer = browser.exchange(link)

        assert (answer["statusCode"], "link-refused" in answer["body"]) == (403, True)
        assert browser.cookies == {}
        assert aws.dynamodb().scan(TableName="AttemptsTable")["Items"] == []

    def test_is_kept_as_used_as_long_as_it_could_be_used_and_not_as_it_was(self, browser: GuestBrowser) -> None:
        link = a_link()
        browser.exchange(link)

        (row,) = map(dynamodb.from_item, aws.dynamodb().scan(TableName="AttemptsTable")["Items"])
        assert row["expiresAt"] >= (NOW + guests.LINK_LASTS).timestamp()
        assert not set(link.split(".")) & set(row["counter"].split("."))
