"""Which functions a change of a file concerns."""

import io
import subprocess
import sys
import zipfile
from collections import Counter
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from retail_ops.local.watch import affected, changes, package, syntax_errors

SOURCES = {
    "kernel/__init__.py": "",
    "kernel/http.py": "",
    "orders/__init__.py": "",
    "orders/domain.py": "",
    "orders/api.py": "from kernel.http import Api\nfrom orders import domain\n",
    "orders/reactions.py": "import orders.domain\n",
    "mails/__init__.py": "",
    "mails/reactions.py": "def later():\n    from orders.domain import Order\n",
    "mails/mail.html": "<p>",
}
HANDLERS = {
    "OrdersApi": "orders.api.handler",
    "OrdersReactions": "orders.reactions.handler",
    "Mails": "mails.reactions.handler",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, content in SOURCES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "functions"),
    [
        ("orders/api.py", ["OrdersApi"]),
        ("orders/reactions.py", ["OrdersReactions"]),
        ("orders/domain.py", ["Mails", "OrdersApi", "OrdersReactions"]),
        ("kernel/http.py", ["OrdersApi"]),
        ("kernel/__init__.py", ["OrdersApi"]),
        ("mails/mail.html", ["Mails"]),
        ("elsewhere.py", []),
    ],
)
def test_a_change_concerns_the_functions_that_import_the_file(root: Path, file: str, functions: list[str]) -> None:
    assert affected({root / file}, HANDLERS, root) == functions


def test_a_file_that_is_being_written_concerns_whom_it_did(root: Path) -> None:
    (root / "orders/api.py").write_text("def half(")
    assert affected({root / "orders/api.py"}, HANDLERS, root) == ["OrdersApi"]


def test_a_file_that_many_functions_import_is_read_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Counter[Path]()
    text_of = Path.read_text

    def counted(path: Path) -> str:
        reads[path] += 1
        return text_of(path)

    monkeypatch.setattr(Path, "read_text", counted)
    affected({root / "kernel/http.py", root / "orders/api.py"}, HANDLERS, root)
    assert reads[root / "orders/domain.py"] == 1


def test_new_changed_and_removed_files_are_changes() -> None:
    kept, changed, removed, new = (Path(name) for name in ("kept", "changed", "removed", "new"))
    assert changes({kept: 1, changed: 1, removed: 1}, {kept: 1, changed: 2, new: 1}) == {changed, removed, new}


def test_a_file_that_python_cannot_read_is_shown_with_its_line(root: Path) -> None:
    (root / "orders/api.py").write_text("import json\ndef half(\n")
    (error,) = syntax_errors(
        {root / "orders/api.py", root / "orders/domain.py", root / "gone.py", root / "mails/mail.html"}
    )
    assert 'orders/api.py", line 2' in error
    assert "def half(" in error
    assert "SyntaxError: '(' was never closed" in error


def test_what_is_brought_into_the_shop_is_compiled_already(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    unpacked = tmp_path_factory.mktemp("function")
    zipfile.ZipFile(io.BytesIO(package(root))).extractall(unpacked)
    # Only what was compiled before is taken of a source that says something else since.
    unpacked.joinpath("orders/domain.py").write_text("raise AssertionError('compiled anew')")
    subprocess.run([sys.executable, "-c", "import orders.reactions"], cwd=unpacked, check=True)


def test_a_file_with_an_error_is_brought_as_it_is(root: Path) -> None:
    root.joinpath("broken.py").write_text("def (")
    names = zipfile.ZipFile(io.BytesIO(package(root))).namelist()
    assert "broken.py" in names
    assert cache_from_source("broken.py") not in names
