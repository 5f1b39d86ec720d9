"""Who may know whom. The core of a service is rules and nothing else; services know each other by events only."""

import ast
import builtins
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
FUNCTIONS = PROJECT / "functions"

KNOW_OTHER_SERVICES = {
    "operations.consumers": "the one list of all consumers",
    "operations.diagnosis.keys": "under which keys a service keeps what it knows of an order is its own rule",
    "operations.replays.awaited": "which events a row still awaits, and what stands in them, is its own rule",
    "operations.replays.dry_run": "how many bytes the bus takes is the relay's rule",
}
"""The modules that import another service than their own, and why."""

OUTSIDE_A_DOMAIN = {"boto3", "botocore", "aws_lambda_powertools", "jinja2"}
"""Libraries for talking to AWS, to Lambda or to people, which no rule of the business may reach."""

BROUGHT_ALONG = {"boto3": "Lambda's runtime", "botocore": "Lambda's runtime", "pydantic_core": "pydantic"}
"""What the functions import that is not named in the layer's requirements, and what brings it."""

LAYERS = ("layer", "picture-layer", "stripe-layer")

OUTSIDE_THE_TREE = {"WouldAct"}
"""What is raised and is no failure: it ends a dry run."""

SHELL = {"api", "reactions", "store", "worker", "stream", "mailer", "images", "warehouse", "identity_provider"}
"""Parts of a service that talk to the world."""


def source_of(module: str) -> Path | None:
    """The file of a module or package of ours, None for anybody else's."""
    path = FUNCTIONS.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists():
            return candidate
    return None


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(FUNCTIONS).with_suffix("").parts).removesuffix(".__init__")


MODULES = sorted(name_of(file) for file in FUNCTIONS.rglob("*.py"))
SERVICES = sorted({module.split(".")[0] for module in MODULES} - {"cloudretail", "contract"})
DOMAINS = [module for module in MODULES if module.endswith(".domain")]
USE_CASES = [module for module in MODULES if module.endswith((".domain", ".commands", ".reactions", ".store"))]


@cache
def imports(module: str) -> frozenset[str]:
    """Every module that `module` imports when it runs, also inside a function; not what only a type checker sees."""
    file = source_of(module)
    assert file
    return frozenset(_imports(ast.parse(file.read_text())))


def _imports(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return
        case ast.Import():
            yield from (each.name for each in node.names)
        case ast.ImportFrom():
            assert node.module and not node.level, "imports are absolute, so that this test can follow them"
            for each in node.names:
                inner = f"{node.module}.{each.name}"
                yield inner if source_of(inner) or node.module == "retail_ops" else node.module
    for child in ast.iter_child_nodes(node):
        yield from _imports(child)


def ways_to_the_outside(module: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Each chain of imports from `module` to something that no rule of the business may reach."""
    for imported in sorted(imports(module) - seen):
        if imported.split(".")[0] in OUTSIDE_A_DOMAIN or imported.split(".")[-1] in SHELL:
            yield f"{module} imports {imported}"
        elif source_of(imported):
            yield from (f"{module} imports {way}" for way in ways_to_the_outside(imported, seen | {module}))


def test_every_failure_of_the_shop_has_its_place_in_the_tree() -> None:
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for module in MODULES
        for node in ast.walk(ast.parse((source_of(module) or FUNCTIONS).read_text()))
        if isinstance(node, ast.ClassDef)
    }
    roots = {
        name
        for name, parents in bases.items()
        if any(
            isinstance(found := getattr(builtins, each, None), type) and issubclass(found, BaseException)
            for each in parents
        )
    }
    assert {name for name in roots - OUTSIDE_THE_TREE if not name.startswith("_")} == {"ShopError"}


def test_these_checks_see_what_they_look_for() -> None:
    assert "cloudretail.http" in imports("orders.api")
    assert {"orders.domain", "inventory.domain", "payments.domain"} <= set(DOMAINS)
    assert list(ways_to_the_outside("cloudretail.aws")), "an import inside a function"
    assert "cloudretail.batch imports cloudretail.failure_log imports cloudretail.aws imports boto3" in set(
        ways_to_the_outside("cloudretail.batch")
    )


@pytest.mark.parametrize("domain", [*DOMAINS, "cloudretail.failures"])
def test_rules_reach_no_input_or_output_however_many_imports_away(domain: str) -> None:
    assert list(ways_to_the_outside(domain)) == []


@pytest.mark.parametrize("module", [module for module in USE_CASES if not module.startswith("auth.")])
def test_rules_and_use_cases_know_no_http(module: str) -> None:
    file = source_of(module)
    assert file
    names = {node.id for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Name)}
    assert not {"Problem", "HTTPStatus", "RequestModel"} & names
    assert not {"cloudretail.http", "http"} & imports(module)


@pytest.mark.parametrize("module", [module for module in MODULES if module.split(".")[0] == "cloudretail"])
def test_the_kernel_knows_no_service(module: str) -> None:
    assert {imported for imported in imports(module) if imported.split(".")[0] in {*SERVICES, "contract"}} == set()


@pytest.mark.parametrize("module", [module for module in MODULES if module.split(".")[0] == "contract"])
def test_the_contract_knows_the_kernel_and_no_service(module: str) -> None:
    assert {imported for imported in imports(module) if imported.split(".")[0] in SERVICES} == set()


@pytest.mark.parametrize("module", [module for module in MODULES if module.split(".")[0] in SERVICES])
def test_a_service_knows_no_other_but_for_the_modules_in_the_table_above(module: str) -> None:
    others = set(SERVICES) - {module.split(".")[0]}
    known = {imported for imported in imports(module) if imported.split(".")[0] in others}
    assert bool(known) == (module in KNOW_OTHER_SERVICES), known


def test_what_the_functions_import_is_in_their_layer_or_brought_along() -> None:
    # On a laptop they see every package of the environment: what is missing in the layer would fail on AWS only.
    lines = [line for name in LAYERS for line in (PROJECT / name / "requirements.in").read_text().splitlines()]
    layer = {canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")}
    own = {module.split(".")[0] for module in MODULES}
    imported = {name.split(".")[0] for module in MODULES for name in imports(module)}
    foreign = imported - own - sys.stdlib_module_names - BROUGHT_ALONG.keys()
    distributions = packages_distributions()
    missing = {name for name in foreign if not layer & set(map(canonicalize_name, distributions[name]))}
    assert missing == set()


def test_nothing_but_the_function_that_makes_pictures_needs_their_layer() -> None:
    # The dry run imports every consumer, and its function has no such layer: the import waits until there is a picture.
    users = {module for module in MODULES if any(name.split(".")[0] == "PIL" for name in imports(module))}
    assert users == {"catalog.resizing"}
    assert {module for module in MODULES if "catalog.resizing" in imports(module)} == {"catalog.images"}


# ------------------------------------------------------------------------------------------------ the command's rooms

ROOMS: dict[str, set[str]] = {
    "stack": set(),
    "local": {"stack"},
    "recording": {"local", "stack"},
    "contract": {"recording", "stack"},
    "doctor": {"local", "stack"},
    "commands": {"contract", "doctor", "local", "recording", "stack"},
}
"""Which rooms of the command each of its rooms may import."""

OPS = PROJECT / "ops" / "retail_ops"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_the_command_knows_only_the_rooms_below_it(room: str) -> None:
    known = set()
    for file in (OPS / room).rglob("*.py"):
        for imported in _imports(ast.parse(file.read_text())):
            package, _, rest = imported.partition(".")
            if package == "retail_ops" and rest.split(".")[0] in ROOMS:
                known.add(rest.split(".")[0])
    assert known <= ROOMS[room] | {room}


def test_every_room_of_the_command_is_in_the_table_above() -> None:
    assert {folder.name for folder in OPS.iterdir() if (folder / "__init__.py").exists()} == set(ROOMS)
