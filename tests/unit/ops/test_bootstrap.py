import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from retail_ops.stack.shop import PROJECT

BROKEN_SHIM = "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2; exit 127\n"
WORKING = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
OLDER = "#!/bin/sh\nexit 1\n"  # A Python that is not 3.13 answers the question for it with 1.


class Machine:
    """A machine with a PATH of its own, on which programs are put."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.home.mkdir()
        self.bin.mkdir()
        for tool in ("dirname", "ls"):
            self.bin.joinpath(tool).symlink_to(str(shutil.which(tool)))

    def has(self, program: str | Path, script: str) -> Path:
        file = self.bin / program
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script)
        file.chmod(0o755)
        return file

    def find(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(shutil.which("bash")), str(PROJECT / "ops" / "bootstrap.sh"), "--find"],
            env={"PATH": str(self.bin), "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_python_on_the_path_is_taken(machine: Machine) -> None:
    python = machine.has("python3.13", WORKING)
    assert machine.find().stdout.strip() == str(python)


def test_a_python3_of_the_right_version_is_as_good(machine: Machine) -> None:
    python = machine.has("python3", WORKING)
    assert machine.find().stdout.strip() == str(python)


def test_a_version_managers_failing_shim_is_passed_over_for_the_version_behind_it(machine: Machine) -> None:
    machine.has("python3.13", BROKEN_SHIM)
    machine.has("python3", OLDER)
    python = machine.has(machine.home / ".pyenv/versions/3.13.1/bin/python3.13", WORKING)
    machine.has(machine.home / ".pyenv/versions/3.12.4/bin/python3.12", OLDER)
    assert machine.find().stdout.strip() == str(python)


def test_uv_is_asked_to_fetch_it_where_it_is_nowhere(machine: Machine) -> None:
    python = machine.home / "uv" / "python3.13"
    machine.has(
        "uv",
        f"""#!/bin/sh
        case "$1 $2" in
            "python install") touch "{machine.home}/installed" ;;
            "python find") test -e "{machine.home}/installed" && echo "{python}" ;;
        esac
        """,
    )
    machine.bin.joinpath("touch").symlink_to(str(shutil.which("touch")))
    machine.has(python, WORKING)
    found = machine.find()
    assert found.stdout.strip() == str(python), found.stderr


def test_where_there_is_none_it_says_what_to_install(machine: Machine) -> None:
    machine.has("python3", OLDER)
    found = machine.find()
    assert found.returncode == 1
    assert found.stdout == ""
    assert "needs Python 3.13" in found.stderr
    assert "pyenv install 3.13" in found.stderr


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_made(machine: Machine, tmp_path: Path) -> None:
    machine.has("python3.13", WORKING)
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "ops", project / "ops", ignore=shutil.ignore_patterns("retail_ops", "catalogue"))
    project.chmod(0o555)
    told = subprocess.run(
        [str(shutil.which("bash")), "ops/bootstrap.sh"],
        cwd=project,
        env={"PATH": str(machine.bin), "HOME": str(machine.home)},
        # To root every folder can be written to.
        user=65534 if os.geteuid() == 0 else None,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 1
    assert "This folder cannot be written to" in told.stderr
    assert "cp -R" in told.stderr
    assert not (project / ".venv").exists()


class TestQuietly:
    """`ops/quietly.sh`, through which long steps are run."""

    SCRIPT = PROJECT / "ops" / "quietly.sh"

    def test_what_a_command_says_is_shown_only_where_it_fails(self) -> None:
        well = subprocess.run([self.SCRIPT, "Doing it", "echo", "a table"], capture_output=True, text=True)
        assert (well.returncode, well.stdout, well.stderr) == (0, "", "Doing it ...\n")
        badly = subprocess.run(
            [self.SCRIPT, "Doing it", "sh", "-c", "echo a reason; exit 7"], capture_output=True, text=True
        )
        assert (badly.returncode, badly.stderr) == (7, "Doing it ...\na reason\n")

    def test_on_a_terminal_it_says_for_how_many_seconds(self, tmp_path: Path) -> None:
        terminal, its_side = os.openpty()
        # The command ends once the first second was shown.
        go_on = tmp_path / "go on"
        os.mkfifo(go_on)
        running = subprocess.Popen([self.SCRIPT, "Doing it", "cat", go_on], stderr=its_side)
        os.close(its_side)
        shown = b""
        while b"1 s" not in shown:
            shown += os.read(terminal, 1024)
        go_on.write_text("")
        assert running.wait() == 0
        assert b"\rDoing it ... 0 s\rDoing it ... 1 s" in shown
        os.close(terminal)


def test_the_script_can_be_run() -> None:
    assert os.access(PROJECT / "ops" / "bootstrap.sh", os.X_OK)
