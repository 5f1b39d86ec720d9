"""Updates changed functions in the running shop within seconds: only their code, without a deployment.

The imports of each function are read from its source. So a change in one service restarts the functions that import it,
and a change in the kernel restarts all of them.
"""

import ast
import io
import py_compile
import time
import traceback
import zipfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache, partial
from importlib.util import cache_from_source
from pathlib import Path
from tempfile import TemporaryDirectory

from retail_ops.errors import ColdFunction
from retail_ops.local.warmup import warm_up
from retail_ops.stack.shop import FUNCTION, PROJECT, Shop

FUNCTIONS = PROJECT / "functions"
DEPLOYED = (PROJECT / "template.yaml", PROJECT / "layer" / "requirements.txt")
"""Files whose changes need a deployment."""

POLL = 0.4
"""Seconds between two polls."""

type Snapshot = Mapping[Path, int]
"""The modification time of each file, in ns."""


def snapshot() -> Snapshot:
    """The sources as they are now."""
    files = [path for path in FUNCTIONS.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path: path.stat().st_mtime_ns for path in [*files, *DEPLOYED] if path.exists()}


def changes(before: Snapshot, now: Snapshot) -> set[Path]:
    """Files that are new, changed or gone."""
    return {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}


def affected(changed: set[Path], handlers: Mapping[str, str], root: Path = FUNCTIONS) -> list[str]:
    """The functions whose code has changed.

    Args:
        changed: files.
        handlers: by logical id, such as `orders.api.handler`.
        root: folder of the functions.

    Returns:
        Logical ids.
    """
    files = cache(partial(_files, root=root))
    imports = cache(lambda path: [file for module in _imports(path) for file in files(module)])
    modules = {name: _reached(files(handler.rpartition(".")[0]), imports) for name, handler in handlers.items()}
    return sorted(name for name, reached in modules.items() if any(_concerns(path, reached) for path in changed))


def _concerns(path: Path, modules: set[Path]) -> bool:
    # A file that is not a module, such as a mail's template, belongs to the packages around it.
    return path in modules or (path.suffix != ".py" and any(path.is_relative_to(each.parent) for each in modules))


def _reached(start: Iterable[Path], imports: Callable[[Path], Iterable[Path]]) -> set[Path]:
    """Files, and all that they import, directly or not."""
    found: set[Path] = set()
    unread = list(start)
    while unread:
        if (path := unread.pop()) not in found:
            found.add(path)
            unread += imports(path)
    return found


def _files(module: str, root: Path) -> list[Path]:
    """The file of a module, and those of the packages around it."""
    parts = module.split(".")
    places = [root.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
    return [path for place in places for path in (place.with_suffix(".py"), place / "__init__.py") if path.exists()]


def _imports(path: Path) -> list[str]:
    """The modules that a file may import. A name that is imported from a package may be a module of it."""
    try:
        tree = ast.parse(path.read_text())
    except SyntaxError:  # The file is being edited; the next save is read again.
        return []
    modules: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                modules += [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names):
                modules += [module, *(f"{module}.{alias.name}" for alias in names)]
    return modules


def package(root: Path = FUNCTIONS) -> bytes:
    """The functions' folder as Lambda takes it, compiled: each function would compile the same modules at its start.

    Args:
        root: folder of the functions.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, TemporaryDirectory() as folder:
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(root)
                archive.write(path, name)
                if path.suffix == ".py":
                    # Taken as it is, whatever time unpacking gives to the source; None of one with an error.
                    compiled = py_compile.compile(
                        str(path),
                        cfile=str(Path(folder, "compiled")),
                        quiet=2,
                        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                    )
                    if compiled:
                        archive.write(compiled, cache_from_source(str(name)))
    return packed.getvalue()


def update(shop: Shop, functions: list[str]) -> None:
    """Update the code of functions to the present state of the functions' folder.

    Args:
        shop: a local one.
        functions: logical ids.
    """
    code = package()
    update_code = shop.lambda_.update_function_code  # Clients are thread-safe, but making one is not.
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda name: update_code(FunctionName=shop.functions[name], ZipFile=code), functions))


def syntax_errors(files: Iterable[Path]) -> list[str]:
    """Python's syntax errors in these files: the place, the line and the reason."""
    found = []
    for path in sorted(files):
        if path.suffix == ".py" and path.exists():
            try:
                compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                found.append("".join(traceback.format_exception_only(error)).rstrip())
    return found


def watch(
    shop: Shop, report: Callable[[str], None], until: Callable[[], bool] = lambda: False, poll: float = POLL
) -> None:
    """Bring every change into the shop until `until` returns True, including changes before the start.

    A function with a syntax error stays as it was in the shop. An updated function is called once, so that an error at
    its start is reported here.

    Args:
        shop: a local one.
        report: called with what was done, a sentence.
        until: called between two polls.
        poll: seconds between two polls.
    """
    configurations = {
        logical_id: shop.lambda_.get_function_configuration(FunctionName=shop.resource(FUNCTION, logical_id))
        for logical_id in shop.functions
    }
    handlers = {logical_id: configuration["Handler"] for logical_id, configuration in configurations.items()}
    deployed = min(datetime.fromisoformat(each["LastModified"]).timestamp() for each in configurations.values())
    now = snapshot()
    before: Snapshot = {path: changed if changed < deployed * 1e9 else 0 for path, changed in now.items()}
    waiting: set[Path] = set()
    while not until():
        changed = changes(before, now)
        for path in changed.intersection(DEPLOYED):
            report(f"{path.relative_to(PROJECT)} has changed: deploy it with cloudretail up")
        if changed:
            waiting = _bring(shop, changed | waiting, handlers, report)
        time.sleep(poll)
        before, now = now, snapshot()


def _bring(shop: Shop, changed: set[Path], handlers: Mapping[str, str], report: Callable[[str], None]) -> set[Path]:
    """Bring changes into the shop; returns those that failed, to be tried again with the next ones."""
    functions = affected(changed, handlers)
    if not functions:
        return set()
    if errors := syntax_errors(changed):
        report("\n".join([*errors, f"Not updated: {', '.join(functions)}"]))
        return changed
    began = time.monotonic()
    update(shop, functions)
    try:
        warm_up(shop, lambda _: None, functions)
    except ColdFunction as error:
        report(f"Updated, but {error.message[0].lower()}{error.message[1:]}\n{error.detail}")
    else:
        report(f"Updated in {time.monotonic() - began:.1f} s: {', '.join(functions)}")
    return set()
