"""Long proofs: what `make test` does a little of, done at length, in parts that go on where they were left.

    make prove                                   the parts, and how far each has come
    make prove PART=schedules                    one of them, for 30 minutes at most
    make prove PART=schedules ARGS="--minutes 120"
    make prove PART=mutants ARGS=--again         from the start

What was proved is kept in `.prove/`, with a hash of the code that it was proved for. Once that code has changed, a part
begins anew.
"""

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[1]
KEPT = PROJECT / ".prove"
RULES = ("functions", "layer/requirements.txt", "template.yaml", "tests/simulation", "tests/support")
SHOP = (*RULES, "constraints.txt", "events", "ops", "samconfig.toml", "tests/conftest.py", "tests/e2e")


def fingerprint(sources: Iterable[str], root: Path = PROJECT) -> str:
    """Hash of the names and contents of files and of all files in folders, without what Python makes of them.

    Raises:
        FileNotFoundError: there is no file or folder of that name.
    """
    digest = hashlib.sha256()
    for source in sources:
        path = root / source
        if not path.exists():
            raise FileNotFoundError(path)
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.suffix != ".pyc":
                content = file.read_bytes()
                digest.update(f"{file.relative_to(root)} {len(content)}\n".encode())
                digest.update(content)
    return digest.hexdigest()


@dataclass
class Progress:
    """How far a part has come for the code as it is.

    Attributes:
        file: keeps it.
        code: hash of the code that it holds for.
        schedules: seeds from 0 on below which every schedule ended well.
        passed: ids of tests.
        requests: how many were answered well, by role.
    """

    file: Path
    code: str
    schedules: int = 0
    passed: set[str] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, file: Path, code: str) -> "Progress":
        """What is kept, if it was proved for this code; else nothing."""
        progress = cls(file, code)
        with suppress(FileNotFoundError, ValueError):
            kept: dict[str, Any] = json.loads(file.read_text())
            if kept["code"] == code:
                progress.schedules, progress.passed = kept["schedules"], set(kept["passed"])
                progress.requests = Counter(kept["requests"])
        return progress

    def keep(self) -> None:
        """Write it down whole: a run that is killed leaves either the old or the new."""
        self.file.parent.mkdir(exist_ok=True)
        new = self.file.with_suffix(".new")
        kept = {"schedules": self.schedules, "passed": sorted(self.passed), "requests": self.requests}
        new.write_text(json.dumps({"code": self.code, **kept}))
        new.replace(self.file)


# --- parts ------------------------------------------------------------------------------------------------------------


def try_schedules(progress: Progress, deadline: float) -> int:
    """Try seeds after the last one that was tried, until the time is over or one fails."""
    from tests.simulation.search import report, search, shortest, until

    first, began = progress.schedules, time.monotonic()

    def progressed(done: int) -> None:
        progress.schedules = first + done
        progress.keep()
        _show(f"{progress.schedules} schedules ended well, {done / (time.monotonic() - began):.0f}/s ")

    failure = search(until(deadline, first), progress=progressed).failure
    sys.stderr.write("\n")
    if failure:
        sys.stdout.write(f"{report(shortest(failure))}\n")
        return 1
    return 0


def try_requests(progress: Progress, deadline: float) -> int:
    """Send generated requests in every role until there were enough of each or the time is over.

    A round of them takes a minute or two, and ends by itself also where the time is over.
    """
    from tests.generated_requests import ground, rounds

    failed = False
    with ground() as where:
        for role, sent in rounds(where, progress.requests, until=deadline):
            if sent.report:
                sys.stdout.write(f"{role}:\n{sent.report}\n")
                failed = True
                continue
            progress.requests[role] += sent.in_role
            progress.keep()
            _show(f"{role}: {progress.requests[role]} answered well, of this round {sent.by_status}")
    return int(failed)


def run_tests(*paths: str) -> Callable[[Progress, float], int]:
    """Returns what runs the proofs among these tests that have not passed yet."""

    def run(progress: Progress, deadline: float) -> int:
        remember = _Remember(progress, deadline)
        return remember.verdict(pytest.main(["-m", "proof", "-v", "--tb=short", *paths], plugins=[remember]))

    return run


class _Remember:
    """Leaves out what has passed, notes what passes, and ends the run when its time is over."""

    def __init__(self, progress: Progress, deadline: float) -> None:
        self._progress = progress
        self._deadline = deadline
        self._failed = self._over = False

    def verdict(self, code: int) -> int:
        """The exit code: that nothing was left to try, or no time to go on, is no failure."""
        finished = code == pytest.ExitCode.NO_TESTS_COLLECTED and self._progress.passed
        cut_short = code == pytest.ExitCode.INTERRUPTED and self._over and not self._failed
        return 0 if finished or cut_short else int(code)

    # After pytest's own, which leaves out what is no proof.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        passed = [item for item in items if item.nodeid in self._progress.passed]
        if passed:
            config.hook.pytest_deselected(items=passed)
            items[:] = [item for item in items if item not in passed]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed |= report.failed
        if report.when == "call" and report.passed:
            self._progress.passed.add(report.nodeid)
            self._progress.keep()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if time.monotonic() > self._deadline:
            self._over = True
            item.session.shouldstop = "its time is over; the same command goes on"
        return (yield)


@dataclass(frozen=True)
class Part:
    """A long proof.

    Attributes:
        about: what it shows.
        sources: files and folders that it depends on.
        run: does it until a time of `time.monotonic()`; returns an exit code.
        reached: how far it has come, in words.
    """

    about: str
    sources: tuple[str, ...]
    run: Callable[[Progress, float], int]
    reached: Callable[[Progress], str]


def _tests_reached(progress: Progress) -> str:
    return f"{len(progress.passed)} passed"


PARTS = {
    "schedules": Part(
        "random schedules of events and faults, as many as fit into the time",
        RULES,
        try_schedules,
        lambda progress: f"{progress.schedules} ended well",
    ),
    "requests": Part(
        "requests generated from schemas/openapi.json, 5,000 in each role: no 5xx, and each answer as it is described",
        (*SHOP, "schemas/openapi.json", "tests/generated_requests.py"),
        try_requests,
        lambda progress: (
            f"{', '.join(f'{count} as {role}' for role, count in progress.requests.items()) or 0} answered"
        ),
    ),
    "mutants": Part(
        "every rule, guard and route taken away: the simulation notices each",
        RULES,
        run_tests("tests/simulation/test_mutations.py"),
        _tests_reached,
    ),
    "recipes": Part(
        "every recipe of docs/development.md, carried out on a copy of the project",
        (*SHOP, "docs/development.md", "pyproject.toml", "tests"),
        run_tests("tests/recipes"),
        _tests_reached,
    ),
    "restore": Part(
        "a restored table in the place of the stack's own, on a shop of its own",
        (*SHOP, "tests/integration/test_restore.py"),
        run_tests("tests/integration/test_restore.py"),
        _tests_reached,
    ),
    "cases": Part(
        "every case of docs/operations.md, produced on a shop of its own and dealt with by the runbook's commands",
        (*SHOP, "docs/operations.md", "tests/integration/test_cases.py", "tests/integration/test_failures.py"),
        run_tests("tests/integration/test_cases.py"),
        _tests_reached,
    ),
    "journeys": Part(
        "what the pipeline sends through a deployed stage, through a second shop here",
        (*SHOP, "tests/journeys"),
        run_tests("tests/journeys"),
        _tests_reached,
    ),
    "template": Part(
        "what cfn-lint (at every level), checkov and a second CloudFormation say of the template",
        ("template.yaml", "tests/contract/explained.toml", "tests/contract/test_template_tools.py"),
        run_tests("tests/contract/test_template_tools.py"),
        _tests_reached,
    ),
    "containers": Part(
        "every function, and the API, in containers like Lambda's own",
        SHOP,
        run_tests("tests/e2e/test_sam_local.py"),
        _tests_reached,
    ),
}


# --- the command ------------------------------------------------------------------------------------------------------


def main() -> int:
    """Returns 0 where everything that was tried held; 1, or pytest's own code, where something did not."""
    parser = argparse.ArgumentParser(
        prog="make prove", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", choices=PARTS)
    parser.add_argument("--minutes", type=float, default=30, help="how long at most (default: %(default)s)")
    parser.add_argument("--again", action="store_true", help="from the start")
    options = parser.parse_args()
    if options.part is None:
        for name, part in PARTS.items():
            reached = part.reached(_progress(name))
            sys.stdout.write(f"  make prove PART={name:<11} {part.about}; so far, for this code: {reached}\n")
        return 0
    progress = _progress(options.part)
    if options.again:
        progress = Progress(progress.file, progress.code)
    with _reported(options.part, progress):
        return PARTS[options.part].run(progress, time.monotonic() + options.minutes * 60)


def _progress(name: str) -> Progress:
    return Progress.read(KEPT / f"{name}.json", fingerprint(PARTS[name].sources))


@contextmanager
def _reported(name: str, progress: Progress) -> Iterator[None]:
    """Say how far it was and how far it has come, also where it is interrupted."""
    reached = PARTS[name].reached
    sys.stderr.write(f"{name}: {reached(progress)} before\n")
    try:
        yield
    finally:
        sys.stderr.write(f"{name}: {reached(progress)} now\n")


def _show(line: str) -> None:
    """Over the last one, on a terminal."""
    sys.stderr.write(f"\r{line}" if sys.stderr.isatty() else f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
