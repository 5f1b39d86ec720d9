"""A copy of the project in which a recipe is carried out, and which files it touched by hand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]


class Copy:
    """The project's files as they are, in another folder.

    Args:
        folder: takes them.

    Attributes:
        root: the folder.
        edited: the existing files that were edited by hand.
        created: the files that were added by hand.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.edited: set[str] = set()
        self.created: set[str] = set()
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
            cwd=PROJECT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            source, target = PROJECT / name, folder / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        modules = PROJECT / "frontend" / "node_modules"
        if modules.is_dir():
            (folder / "frontend" / "node_modules").symlink_to(modules)
        # What is compared with the last commit, to say what a generator has changed.
        self.run("git", "init", "--quiet")

    def edit(self, path: str, pattern: str, replacement: str) -> None:
        """Change a file that is there.

        Args:
            path: of the file.
            pattern: a regular expression that fits just one place; a `.` fits line breaks too.
            replacement: what stands there afterwards; `\\g<0>` is what stood there.
        """
        assert path not in self.created, f"{path} was added by this recipe"
        text = (self.root / path).read_text()
        changed, places = re.subn(pattern, replacement, text, flags=re.MULTILINE | re.DOTALL)
        assert places == 1, f"{path}: {pattern!r} fits {places} places, and the recipe means one"
        (self.root / path).write_text(changed)
        self.edited.add(path)

    def import_(self, path: str, *lines: str) -> None:
        """Import something into a module that is there; `make` sorts the lines in."""
        self.edit(path, r"\A.*?^(?=from |import )", "\\n".join(("\\g<0>" + lines[0], *lines[1:], "")))

    def add(self, path: str, text: str) -> None:
        """Add a file."""
        file = self.root / path
        assert not file.exists(), f"{path} is there"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.created.add(path)

    def run(self, *command: str) -> None:
        """Run a command in the copy.

        Raises:
            AssertionError: it fails; with the end of what it wrote.
        """
        paths = os.pathsep.join(str(self.root / folder) for folder in ("functions", "ops"))
        environment = {**os.environ, "PYTHONPATH": paths, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        environment.pop("PYTEST_CURRENT_TEST", None)
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-6000:]}"

    def make(self, *tests: str, records: bool = True) -> None:
        """What a recipe ends with: `make schemas events`, then the checks and tests, all green.

        Args:
            tests: besides those of contract, template and operations.
            records: whether samples are recorded anew.
        """
        self.run("ruff", "check", "--fix", "--quiet")
        self.run("ruff", "format", "--quiet")
        self.run("cloudretail", "schemas")
        if (self.root / "frontend" / "node_modules").exists():
            self.run(str(PROJECT / ".venv/bin/npm"), "--prefix", "frontend", "run", "--silent", "gen:api")
        if records:
            self.run("cloudretail", "events", "record")
        # What is drawn of the samples.
        self.run("cloudretail", "schemas")
        self.run("ruff", "check")
        self.run("mypy")
        self.run("cloudretail", "schemas", "--check")
        self.run("sam", "validate", "--lint")
        wanted = ("tests/contract", "tests/unit/test_template.py", "tests/unit/test_architecture.py", *tests)
        self.run("pytest", "-q", "-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider", *wanted)
