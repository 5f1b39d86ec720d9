"""Which pages' requests may come with a cookie of the shop, and what its cookies are like."""

import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from cloudretail import emulator
from cloudretail.errors import Problem
from cloudretail.settings import Settings

LAPTOP = re.compile(r"http://(localhost|127\.0\.0\.1|[a-z0-9]+\.cloudfront\.localhost)(:\d+)?")


class BrowserSettings(Settings):
    """What a function needs that reads or sets cookies.

    Attributes:
        allowed_origins: of the pages that may use them, separated by commas.
    """

    allowed_origins: str
    stage: str

    def is_ours(self, origin: str) -> bool:
        """Whether pages of this origin may use the shop's cookies."""
        # On a laptop the storefront may have any port. The guard in front of the emulator checks which.
        on_laptop = self.stage == "local" and LAPTOP.fullmatch(origin) is not None
        return on_laptop or origin in filter(None, self.allowed_origins.split(","))

    def refusal(self, event: Mapping[str, Any]) -> Problem | None:
        """Why a request may not use a cookie; None if it may."""
        # Allowed: requests without an origin, from no browser, and of the shop's pages. "null" is a sandboxed frame's.
        origin = event["headers"].get("origin")
        if origin is None or self.is_ours(origin):
            return None
        return Problem(HTTPStatus.FORBIDDEN, "foreign-origin", "Only the shop's own pages may do this.")

    def named(self, name: str) -> str:
        """A cookie's name.

        A browser accepts its prefix over TLS only, which a laptop does not have. The prefix prevents an attacker's page
        at another host of the domain from setting the cookie.
        """
        return name if self.stage == "local" else f"__Secure-{name}"


def cookie(name: str, value: str, lasts: timedelta, path: str) -> Cookie:
    """A cookie that no script can read, and that browsers send from the shop's own pages only, to `path`."""
    return Cookie(
        name=name,
        value=value,
        path=path,
        max_age=int(lasts.total_seconds()),
        http_only=True,
        secure=True,
        same_site=SameSite.STRICT_MODE,
    )


def cookies(event: Mapping[str, Any], wanted: str) -> list[str]:
    """The values of all cookies of this name. A browser sends a cookie for each path and domain, in any order."""
    sent = [each.partition("=") for each in emulator.cookies(event.get("cookies") or [], event["headers"])]
    return list(dict.fromkeys(value for name, _, value in sent if name == wanted and value))
