"""Where the command writes."""

import unicodedata

from rich.console import Console
from rich.markup import escape

out = Console(highlight=False)
"""Results."""

err = Console(stderr=True, highlight=False)
"""Progress, questions and errors, so that results can be piped."""


def visible(text: str) -> str:
    """A text that anybody may have written, harmless for a terminal: control characters and those that change the
    direction of writing are shown as escapes such as `\\x1b`; line breaks and tabs stay."""
    return "".join(
        each if each in "\n\t" or unicodedata.category(each) not in HIDDEN else ascii(each)[1:-1] for each in text
    )


def plain(text: str) -> str:
    """As `visible`, for rich's markup."""
    return escape(visible(text))


HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that a terminal obeys or does not show."""
