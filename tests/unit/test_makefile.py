"""The fast loop stays fast: a target for one kind of test prepares nothing that this kind does not need."""

import os
import subprocess

import pytest

from retail_ops.stack.shop import PROJECT

FAST = ("quick", "unit", "contract", "simulate")


def commands(*words: str) -> str:
    """What make would do."""
    environment = {name: value for name, value in os.environ.items() if name not in ("ARGS", "MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["/usr/bin/env", "make", "--dry-run", *words],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("target", [*FAST, "test ARGS=tests/unit/cart"])
def test_nothing_is_built_or_validated_first(target: str) -> None:
    told = commands(*target.split())
    slow = {word for word in ("npm", "sam ", "lint-storefront", "browser.sh", "schemas") if word in told}
    assert slow == set()


def test_some_tests_cost_what_pytest_costs() -> None:
    assert commands("test", "ARGS=tests/unit/cart").splitlines() == ["ops/bootstrap.sh", "pytest tests/unit/cart"]


def test_everything_is_checked_before_a_change_goes_in() -> None:
    told = commands("test")
    for word in ("ruff check", "mypy", "cloudretail schemas --check", "sam validate", "npm", "--cov"):
        assert word in told
    for kind in ("unit", "contract", "simulation", "integration", "e2e"):
        assert f"tests/{kind}" in told
