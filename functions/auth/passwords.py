"""The rules of new passwords.

A password has eight characters with a capital letter, a small letter and a digit, or is a long passphrase of any
characters. Common passwords are refused in both cases. The user pool itself requires only the length, but only this
service can set a password.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

MIN_PASSWORD, LONG_PASSWORD, MAX_PASSWORD = 8, 16, 256
"""Characters. The upper limit is Cognito's. From LONG_PASSWORD on the length is enough (NIST SP 800-63B-4: 15)."""

FEWEST_DIFFERENT = 5
"""The least number of different characters in a password."""


def normalised(password: str) -> str:
    """The password in one Unicode form: keyboards send an "é" as one character or as two (NIST SP 800-63B-4)."""
    return unicodedata.normalize("NFC", password)


def password_flaws(password: str) -> Iterator[str]:
    """What a new password lacks, each as the end of a sentence that begins with "Use"; nothing if it is acceptable.

    Args:
        password: normalised.
    """
    if len(password) < MIN_PASSWORD:
        yield f"at least {MIN_PASSWORD} characters"
    if len(password) > MAX_PASSWORD:
        yield f"at most {MAX_PASSWORD} characters"
    if len(password) < LONG_PASSWORD:
        yield from _missing_kinds(password)
    if len(password) >= MIN_PASSWORD and len(set(password)) < FEWEST_DIFFERENT:
        yield f"at least {FEWEST_DIFFERENT} different characters"
    # Cognito accepts neither.
    if password != password.strip():
        yield "no spaces at the beginning or end"
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", password):
        yield "no line breaks or other control characters"
    if is_common(password):
        yield "a password that others do not use: this one is among the first that are tried"


def _missing_kinds(password: str) -> Iterator[str]:
    if not re.search("[A-Z]", password):
        yield "a capital letter (A-Z)"
    if not re.search("[a-z]", password):
        yield "a small letter (a-z)"
    if not re.search("[0-9]", password):
        yield "a number (0-9)"


def is_common(password: str) -> bool:
    """Whether a password is a common one, in any case and with any punctuation at its end."""
    lower = password.lower()
    return lower in _common() or re.sub(r"[^a-z0-9]+$", "", lower) in _common()


@cache
def _common() -> frozenset[str]:
    # Of the 30,000 most frequent of zxcvbn 4.5 (MIT licence) those that the rules above would let through.
    return frozenset((Path(__file__).parent / "common_passwords.txt").read_text().split())
