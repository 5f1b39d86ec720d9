"""Which functions a change of a file concerns."""

from collections import Counter
from pathlib import Path

import pytest

from retail_ops.local.watch import affected, changes, syntax_errors

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
