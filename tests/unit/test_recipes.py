"""The recipes of docs/development.md fit the code of today; `make prove PART=recipes` says whether they end green."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.recipes import RECIPES
from tests.recipes.copy import PROJECT, Copy


def table(heading: str) -> set[str]:
    """The files in the first column of the table below a heading."""
    page = (PROJECT / "docs" / "development.md").read_text()
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_finds_its_places_and_touches_no_more_files_than_its_table_says(recipe: str, tmp_path: Path) -> None:
    heading, most = RECIPES[recipe]
    copy = Copy(tmp_path / "copy")

    import_module(f"tests.recipes.{recipe}").carry_out(copy)

    assert len(copy.edited) <= most, sorted(copy.edited)
    assert {name for name in table(heading) if (PROJECT / name).exists()} == copy.edited
