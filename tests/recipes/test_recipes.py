"""Each recipe of docs/development.md ends green, and touches no more files by hand than its table says."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.recipes.copy import PROJECT, Copy

RECIPES = {
    "event": ("Adding an event", 3),
    "consumer": ("Adding a consumer", 4),
    "route": ("Adding a route", 3),
    "provider": ("Adding a payment provider", 3),
}
"""By the name of its module, the heading in docs/development.md, and how many existing files it may touch."""


def table(heading: str) -> set[str]:
    """The files in the first column of the table below a heading."""
    page = (PROJECT / "docs" / "development.md").read_text()
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))


@pytest.mark.proof
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_ends_green(recipe: str, tmp_path: Path) -> None:
    heading, most = RECIPES[recipe]
    module = import_module(f"tests.recipes.{recipe}")
    copy = Copy(tmp_path / "copy")

    module.carry_out(copy)

    assert len(copy.edited) <= most, sorted(copy.edited)
    assert {name for name in table(heading) if (PROJECT / name).exists()} == copy.edited
    copy.make(*module.TESTS)
