"""The command's output: results and messages."""

import unicodedata
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.text import Text

out = Console(highlight=False)
"""Results."""

err = Console(stderr=True, highlight=False, soft_wrap=True)
"""Progress, questions and errors, so that results can be piped. No line is broken: a command in it can be copied."""


def rows(headings: Sequence[str], cells: Sequence[Sequence[str]], *, console: Console = out) -> None:
    """Print a table without cutting any text. In a terminal that is too narrow, each row takes several lines.

    Args:
        headings: of the columns; the first column identifies the row.
        cells: of each row, in rich's markup.
        console: where it is printed. In a pipe, a row is always one line.
    """
    lines = [[Text.from_markup(cell) for cell in row] for row in (headings, *cells)]
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)]
    if not console.is_terminal or sum(widths) + 2 * len(widths) <= console.width:
        for number, line in enumerate(lines):
            for each, wide in zip(line, widths, strict=True):
                each.pad_right(wide - each.cell_len + 2)
            text = Text().join(line)
            text.rstrip()
            console.print(text, style="" if number else "bold", soft_wrap=True)
        return
    for first, *others in cells:
        console.print(f"[bold]{first}[/bold]", soft_wrap=True)
        for heading, cell in zip(headings[1:], others, strict=True):
            if cell:
                console.print(f"  [dim]{heading}[/dim] {cell}" if heading else f"  {cell}", soft_wrap=True)


def visible(text: str) -> str:
    """A text from outside, made harmless for a terminal. Control characters, and those that change the direction of
    writing, are shown as escapes such as `\\x1b`. Line breaks and tabs stay."""
    return "".join(
        each if each in "\n\t" or unicodedata.category(each) not in HIDDEN else ascii(each)[1:-1] for each in text
    )


def plain(text: str) -> str:
    """As `visible`, for rich's markup."""
    return escape(visible(text))


HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that control a terminal, or are invisible."""
