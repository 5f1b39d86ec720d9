"""What staff type to find an order: its number as in a mail, its id, or the e-mail address of its shopper. Pure."""

import re

from cloudretail.errors import InvalidInput
from orders.domain import EVERY_ORDER

type Key = tuple[str, str]
"""Name and value of an attribute of an order."""

EVERYTHING: Key = ("kind", EVERY_ORDER)
"""What all orders have."""

_ID = re.compile(r"ord_[a-z0-9]{1,60}")
_NUMBER = re.compile(r"[A-Z0-9]{10}")


def sought(text: str) -> Key:
    """Which orders somebody looks for.

    >>> sought(" 3f5xk 2m7qa ")
    ('number', '3F5XK2M7QA')

    Args:
        text: as it was typed; case and blanks do not matter.

    Raises:
        InvalidInput: it is neither a number nor an id nor an address.
    """
    if "@" in text:
        return by_email(text)
    plain = "".join(text.split()).lower()
    if _ID.fullmatch(plain):
        return "orderId", plain
    if _NUMBER.fullmatch(plain.upper()):
        return "number", plain.upper()
    raise InvalidInput("q", "Enter an order's number of ten characters, its id, or an e-mail address.")


def by_email(address: str) -> Key:
    """The orders of whoever has this address; an account's is in small letters."""
    return "userEmail", address.strip().lower()
