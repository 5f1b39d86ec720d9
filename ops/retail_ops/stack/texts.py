"""What the law and trust want to be said, as pages: Markdown of the project, filled in with who runs the shop.

    frontend/texts/terms.md  ->  /texts/terms.html  what the storefront shows at /terms
                             ->  /pages/terms.html  the same as a page of its own, for who reads it without JavaScript

On AWS `publish` puts them beside the build; on a laptop the storefront's server makes them when they are asked for.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "frontend" / "texts"


@dataclass(frozen=True)
class Facts:
    """Who runs a shop.

    Args:
        name: of whom one buys from.
        address: of the business, a line each.
        registration: number in a register, with the register's name; empty where there is none.
        contact: e-mail address at which a person answers.
        return_address: where things are sent from and back to, a line each.
        return_days: how long after its delivery something can be sent back.
    """

    name: str
    address: tuple[str, ...]
    registration: str
    contact: str
    return_address: tuple[str, ...]
    return_days: int

    @classmethod
    def of(cls, outputs: Mapping[str, str]) -> "Facts":
        """From the outputs of a stack."""
        return cls(
            outputs["ShopName"],
            _lines(outputs["ShopAddress"]),
            outputs.get("ShopRegistration", ""),
            outputs["ContactAddress"],
            _lines(outputs["ReturnAddress"]),
            int(outputs["ReturnDays"]),
        )

    @classmethod
    def read(cls, text: str) -> "Facts":
        """What `written` has written."""
        facts = json.loads(text)
        return cls(**facts | {name: tuple(facts[name]) for name in ("address", "return_address")})

    def written(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    def within(self, index: str) -> str:
        """The build's index.html with who sells and where that is sent from, for each page of the storefront to say."""
        said = {"seller": self.name, "sent-from": self.return_address[-1]}
        metas = "".join(f'<meta name="{name}" content="{escape(value)}">' for name, value in said.items())
        return index.replace("</head>", f"{metas}</head>", 1)


def _lines(address: str) -> tuple[str, ...]:
    return tuple(line for line in map(str.strip, address.split(",")) if line)


@dataclass(frozen=True)
class Text:
    """A text, ready to be shown.

    Args:
        name: of its file; also the path at which the storefront shows it.
        title: as plain text.
        body: HTML.
        seller: of whom it speaks.
    """

    name: str
    title: str
    body: str
    seller: str

    def page(self, index: str, origin: str) -> str:
        """The storefront's index.html with the text in it, until its scripts have come; origin: its address."""
        described = f"{self.title} of {self.seller}"
        from catalog.pages import Page

        return Page(self.title, described, f"/{self.name}", self.body, kind="text").filled(index, origin)


def names() -> list[str]:
    """Of all texts; each is also the path at which the storefront shows it."""
    return sorted(file.stem for file in FOLDER.glob("*.md"))


def render(name: str, facts: Facts) -> Text:
    """A text of a shop.

    Args:
        name: one of `names`.
        facts: who runs it. Its letters stand for themselves, whatever they mean in Markdown.

    Raises:
        jinja2.UndefinedError: the text asks for something that is no fact.
    """
    # Imported by whoever makes pages, so that other commands start faster.
    from jinja2 import Environment, StrictUndefined
    from markdown_it import MarkdownIt

    values = {name: _literal(value) for name, value in asdict(facts).items()}
    # What comes of it is Markdown, whose HTML is escaped below.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    environment.globals["lines"] = "\\\n".join
    source = environment.from_string((FOLDER / f"{name}.md").read_text()).render(values)
    title = re.match(r"# (.*)", source)
    if not title:
        raise ValueError(f"frontend/texts/{name}.md does not begin with a heading")
    return Text(name, title[1], MarkdownIt("js-default").render(source), facts.name)


def _literal(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_literal, value))
    return re.sub(r"([\\`*_{}\[\]()<>#!|])", r"\\\1", value) if isinstance(value, str) else value
