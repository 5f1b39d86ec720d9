"""How staff find an order: by its number as in a mail, its id, or the e-mail address of its shopper. Pure."""

import re

from cloudretail.errors import InvalidInput
from orders.domain import EVERY_ORDER

type Key = tuple[str, str]
"""Name and value of an attribute of an order that has an index."""

EVERYTHING: Key = ("kind", EVERY_ORDER)
"""The attribute that all orders share."""

_ID = re.compile(r"ord_[a-z0-9]{1,60}")
_NUMBER = re.compile(r"[A-Z0-9]{10}")


def sought(text: str) -> Key:
    """The attribute to search orders by, from a text that staff typed.

    >>> sought(" 3f5xk 2m7qa ")
    ('number', '3F5XK2M7QA')

    Args:
        text: case and blanks do not matter.

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
    """The attribute of the orders of this e-mail address. Accounts have theirs in lower case."""
    return "userEmail", address.strip().lower()
