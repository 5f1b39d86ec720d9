"""Each recipe of docs/development.md ends green."""

from importlib import import_module
from pathlib import Path

import pytest

from tests.recipes import RECIPES
from tests.recipes.copy import Copy


@pytest.mark.proof
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_ends_green(recipe: str, tmp_path: Path) -> None:
    module = import_module(f"tests.recipes.{recipe}")
    copy = Copy(tmp_path / "copy")

    module.carry_out(copy)

    copy.make(*module.TESTS)
