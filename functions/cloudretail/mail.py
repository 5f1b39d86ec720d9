"""The layout of the shop's mails: one for all services, in HTML and in plain text."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template


def render(template: Path, *, subject: str, preview: str, reason: str, **values: Any) -> str:
    """The text of a mail.

    Args:
        template: extends `layout.html` or `layout.txt`, whose block is `content`. Values are escaped in a `.html` file.
        subject: one line.
        preview: the sentence that a mail program shows after the subject in its list.
        reason: why the recipient gets this mail; it stands below the text.
        values: the other variables of the template.

    Raises:
        jinja2.UndefinedError: the template uses a variable that is not given.
    """
    return _templates(template.parent)(template.name).render(subject=subject, preview=preview, reason=reason, **values)


@cache
def _templates(folder: Path) -> "Callable[[str], Template]":
    # Imported with the first mail: a cold start that sends none does not pay for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent / "templates"]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template
