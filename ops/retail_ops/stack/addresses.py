"""Which addresses the storefront has; whatever else somebody asks for is a 404.

The routes of frontend/src/app/app.routes.ts and the distribution's function say the same, which a test compares.
"""

import re

from retail_ops.stack.texts import names

BY_THE_CATALOGUE = "products"
"""How the addresses of pages begin that the catalogue fills in."""

PAGES = (
    "account",
    "admin",
    "cart",
    "checkout",
    "confirm-email",
    "error",
    "forgot-password",
    "login",
    "ops",
    "orders",
    BY_THE_CATALOGUE,
    "register",
    "reset-password",
    "second-factor",
)
"""How the address of a page begins, but for the first one's."""


def pattern(words: list[str] | tuple[str, ...]) -> str:
    """One of these words, as a regular expression in Python and JavaScript."""
    return "|".join(words)


KNOWN = re.compile(rf"/(|({pattern(PAGES)})(/.*)?)")
TEXTS = re.compile(rf"/({pattern(names())})")


def text_at(path: str) -> str | None:
    """The name of the text whose page is at a path."""
    found = TEXTS.fullmatch(path)
    return found[1] if found else None


def is_known(path: str) -> bool:
    """Whether the storefront has a page there, which may still find that there is no such order."""
    return KNOWN.fullmatch(path) is not None
