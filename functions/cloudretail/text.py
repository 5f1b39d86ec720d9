"""Text that people type: names, addresses and product names, which other people read, and codes that they paste."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line separators, overrides of the text's direction, and lone surrogates."""

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Invisible characters that Unicode counts as letters or symbols: Hangul fillers, the blank Braille pattern."""


def is_visible(text: str) -> bool:
    """Whether a text has at least one visible character."""
    # Categories C: controls and formats; Z: separators; M: combining marks, which need a letter.
    return any(unicodedata.category(each)[0] not in "CZM" and each not in _BLANK for each in text)


def _checked(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    if _NOT_IN_A_LINE.search(text):
        raise PydanticCustomError("line", "Use one line, without control characters.")
    if text and not is_visible(text):
        raise PydanticCustomError("line", "Use at least one character that can be seen.")
    return text


@dataclass(frozen=True)
class Line:
    """One line of text, for a model's field: `name: Annotated[str, Line(max_length=100)]`.

    Blanks around it are removed, and it is normalised to NFC, so that texts that look the same are equal.

    Attributes:
        max_length: characters.
        min_length: characters; 1 also requires a visible one.
    """

    max_length: int
    min_length: int = 1

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(strip_whitespace=True, min_length=self.min_length, max_length=self.max_length)
        return core_schema.no_info_after_validator_function(_checked, text)


def cleaned_digits(text: str) -> str:
    """A code or number without the blanks, hyphens and invisible characters that were pasted with it, and with ASCII
    digits for those of another script. Any other character stays, so that the text is refused."""
    return "".join(
        each if (value := unicodedata.decimal(each, None)) is None else str(value)
        for each in text
        if unicodedata.category(each)[0] not in "CZ" and unicodedata.category(each) != "Pd"
    )
