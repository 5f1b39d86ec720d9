"""Every package is pinned with its hashes; what the functions take along is among them, whole."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from retail_ops.stack.shop import PROJECT

LOCKED = PROJECT / "constraints.txt"
LAYERS = [PROJECT / "layer", PROJECT / "picture-layer", PROJECT / "stripe-layer"]
TAKEN = [folder / "requirements.txt" for folder in LAYERS]

each_layer = pytest.mark.parametrize("folder", LAYERS, ids=lambda folder: folder.name)


def pins(file: Path) -> dict[str, tuple[str, int]]:
    """Version and number of hashes of each package."""
    found: dict[str, tuple[str, int]] = {}
    for entry in file.read_text().replace("\\\n", " ").splitlines():
        requirement, *hashes = entry.partition("#")[0].split(" --hash=sha256:")
        if requirement.strip():
            one = Requirement(requirement.strip())
            found[canonicalize_name(one.name)] = (str(one.specifier).removeprefix("=="), len(hashes))
    return found


def wanted() -> Iterator[Requirement]:
    """What this project names itself."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    yield from map(Requirement, project["build-system"]["requires"])
    yield from map(Requirement, project["project"]["dependencies"])
    yield from map(Requirement, project["project"]["optional-dependencies"]["dev"])
    for folder in LAYERS:
        yield from named(folder)


def named(layer: Path) -> list[Requirement]:
    lines = (layer / "requirements.in").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("requirement", list(wanted()), ids=str)
def test_what_is_wanted_is_pinned(requirement: Requirement) -> None:
    version, _ = pins(LOCKED)[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version), "`make update` has not been run since"


@pytest.mark.parametrize("file", [LOCKED, *TAKEN], ids=lambda file: str(file.relative_to(PROJECT)))
def test_a_package_has_one_version_and_hashes_to_verify_it_by(file: Path) -> None:
    unverified = {name for name, (version, hashes) in pins(file).items() if not hashes or not version[0].isdigit()}
    assert unverified == set()


@each_layer
def test_a_layer_has_the_versions_that_are_tested(folder: Path) -> None:
    tested = pins(LOCKED)
    assert {name: pin for name, pin in pins(folder / "requirements.txt").items() if tested.get(name) != pin} == {}


@each_layer
def test_a_layer_has_all_that_its_packages_need_and_nothing_else(folder: Path) -> None:
    to_see = {(canonicalize_name(requirement.name), *requirement.extras) for requirement in named(folder)}
    seen: set[tuple[str, ...]] = set()
    while to_see:
        one = to_see.pop()
        seen.add(one)
        for requirement in map(Requirement, requires(one[0]) or ()):
            if not requirement.marker or any(
                requirement.marker.evaluate({"extra": extra}) for extra in one[1:] or [""]
            ):
                to_see |= {(canonicalize_name(requirement.name), *sorted(requirement.extras))} - seen
    assert pins(folder / "requirements.txt").keys() == {name for name, *_ in seen}
