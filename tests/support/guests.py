"""Guests in tests: the key that signs for them, and their cookies."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from cloudretail import aws, guests
from cloudretail.guests import Guest, Keys, Visit
from tests.support.http import Answer, Handler, call

KEYS = Keys(lambda: ("a-key-of-the-tests-with-enough-characters",))
OTHER_KEYS = Keys(lambda: ("the-key-of-another-shop-with-enough-chars",))
ORIGIN = "https://shop.cloudretail.example"
GUEST = Guest("guest_one")
OTHER_GUEST = Guest("guest_other")


@contextmanager
def guest_key(environment: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment of a function whose routes guests use; within an account of moto."""
    aws.secrets().create_secret(Name="GuestKey", SecretString=KEYS.current)
    environment.setenv("GUEST_KEY", "GuestKey")
    environment.setenv("ALLOWED_ORIGINS", ORIGIN)
    environment.setenv("STAGE", "local")
    guests.keys.cache_clear()
    yield
    guests.keys.cache_clear()


def session_cookie(guest: Guest = GUEST, keys: Keys = KEYS) -> str:
    """The cookie of a guest, as a laptop names it."""
    return f"guest={guests.session_of(guest, keys, datetime.now(UTC))}"


def visit_cookie(guest: Guest, order_id: str, keys: Keys = KEYS) -> str:
    """The cookie of somebody who has followed the link in a mail to this guest."""
    return f"guest-order={guests.visit_token(Visit(guest.guest_id, order_id), keys, datetime.now(UTC))}"


def call_as(cookie: str, handler: Handler, method: str, path: str, body: object = None, **request: object) -> Answer:
    """Send a request with this cookie; the arguments are those of `call`."""
    return call(handler, method, path, body, cookies=[cookie], **request)  # type: ignore[arg-type]
