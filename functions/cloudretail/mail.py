"""How the shop's mails look: one layout for all services, in HTML and in plain text."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template


def render(template: Path, *, subject: str, preview: str, reason: str, **values: Any) -> str:
    """A mail's text.

    Args:
        template: extends `layout.html` or `layout.txt`, whose block is `content`; HTML is escaped by its extension.
        subject: in one line.
        preview: the sentence that a list of mails shows behind the subject.
        reason: why somebody gets this mail, which stands below it.
        values: what the template names besides.

    Raises:
        jinja2.UndefinedError: the template names something else.
    """
    return _templates(template.parent)(template.name).render(subject=subject, preview=preview, reason=reason, **values)


@cache
def _templates(folder: Path) -> "Callable[[str], Template]":
    # Loaded with the first mail, not with the module.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent / "templates"]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template
