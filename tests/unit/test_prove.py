"""A long proof goes on where it was left, and begins anew once the code has changed."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from tests import generated_requests
from tests.generated_requests import ENOUGH, Ground, Round, answers_in, rounds
from tests.prove import PARTS, Progress, _Remember, fingerprint
from tests.simulation.search import CHUNK, until

pytest_plugins = ["pytester"]

# A run within a run: this plugin can be there once only.
BARE = ("-p", "no:cacheprovider", "-p", "no:playwright")
THREE = """
def test_one(): pass
def test_two(): assert False
def test_three(): pass
"""


def test_what_was_proved_holds_for_this_code_only(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "part.json"
    progress = Progress.read(file, "this code")
    assert (progress.schedules, progress.passed) == (0, set())
    progress.schedules, progress.passed = 500, {"a test"}
    progress.requests["shopper"] = 1200
    progress.keep()
    assert Progress.read(file, "this code") == progress
    assert Progress.read(file, "other code") == Progress(file, "other code")


def test_a_file_that_is_torn_is_as_none(tmp_path: Path) -> None:
    file = tmp_path / "part.json"
    file.write_text('{"code": "this')
    assert Progress.read(file, "this code") == Progress(file, "this code")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "folder" / "a.py").write_text("2"),
        lambda root: (root / "folder" / "a.py").rename(root / "folder" / "b.py"),
        lambda root: (root / "folder" / "deeper" / "c.py").unlink(),
        lambda root: (root / "file").write_text("other"),
    ],
)
def test_code_is_the_same_only_if_every_file_is(tmp_path: Path, change: object) -> None:
    (tmp_path / "folder" / "deeper").mkdir(parents=True)
    (tmp_path / "folder" / "a.py").write_text("1")
    (tmp_path / "folder" / "deeper" / "c.py").write_text("1")
    (tmp_path / "file").write_text("one")
    before = fingerprint(["folder", "file"], tmp_path)
    (tmp_path / "folder" / "a.pyc").write_text("made by Python")
    (tmp_path / "elsewhere").write_text("not a source")
    assert fingerprint(["folder", "file"], tmp_path) == before
    assert callable(change)
    change(tmp_path)
    assert fingerprint(["folder", "file"], tmp_path) != before


@pytest.mark.parametrize("part", PARTS)
def test_a_part_depends_on_files_that_are_there(part: str) -> None:
    assert fingerprint(PARTS[part].sources)


def test_seeds_go_on_from_the_first_that_was_not_tried_until_the_time_is_over() -> None:
    portions = until(time.monotonic() + 60, first=1000)
    assert [next(portions), next(portions)] == [range(1000, 1000 + CHUNK), range(1000 + CHUNK, 1000 + 2 * CHUNK)]
    assert list(until(time.monotonic())) == []


def test_tests_that_passed_are_left_out_and_the_others_are_tried_again(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    pytester.makepyfile(test_it=THREE)
    file = tmp_path / "part.json"
    first = pytester.inline_run(*BARE, plugins=[_remember(file)])
    first.assertoutcome(passed=2, failed=1)
    second = pytester.inline_run(*BARE, plugins=[_remember(file)])
    second.assertoutcome(passed=0, failed=1)
    assert _remember(file).verdict(int(second.ret or 0)) == 1


def test_a_run_ends_when_its_time_is_over_and_the_next_goes_on(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(test_it=THREE)
    file = tmp_path / "part.json"
    remember = _remember(file, seconds=-1)
    over = pytester.inline_run(*BARE, plugins=[remember])
    tried = len(over.listoutcomes()[0])
    assert tried < 2
    assert over.ret == pytest.ExitCode.INTERRUPTED
    assert remember.verdict(int(over.ret or 0)) == 0
    pytester.inline_run(*BARE, plugins=[_remember(file)]).assertoutcome(passed=2 - tried, failed=1)


SENT = [
    {"Initialize": {"seed": 1}},
    {"ScenarioFinished": {"recorder": {"label": "skipped"}}},
    {
        "ScenarioFinished": {
            "recorder": {
                "interactions": {
                    "a": {"request": {"uri": "http://shop/api/auth/me"}, "response": {"status_code": 200}},
                    "b": {"request": {"uri": "http://shop/api/cart"}, "response": {"status_code": 401}},
                    "c": {"request": {"uri": "http://shop/api/cart"}, "response": None},
                }
            }
        }
    },
]
"""Lines as schemathesis 4.32 writes them."""


def test_generated_requests_are_counted_by_the_status_of_their_answers(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_text("".join(f"{json.dumps(line)}\n" for line in SENT))
    assert answers_in(events) == (Counter({200: 1, 401: 1, None: 1}), True)
    events.write_text("".join(f"{json.dumps(line)}\n" for line in SENT[:2]))
    assert answers_in(events) == (Counter(), False)


def test_generated_requests_go_on_where_they_were_left_and_a_role_ends_at_its_first_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, int, int]] = []

    def send(_: object, role: str, seed: int, *phases: str) -> Round:
        asked.append((role, seed, len(phases)))
        return Round(Counter({200: 3000, 401: 20}), 3000, "a 500" if role == "operator" else "")

    monkeypatch.setattr(generated_requests, "send", send)
    answered = Counter({"anonymous": ENOUGH, "shopper": 2500})
    for role, sent in rounds(cast(Ground, None), answered, until=time.monotonic() + 60):
        answered[role] += 0 if sent.report else sent.in_role
    assert asked == [("shopper", 2501, 2), ("staff", 1, 0), ("staff", 3001, 2), ("operator", 1, 0)]
    assert answered["shopper"] == 5500
    assert list(rounds(cast(Ground, None), Counter(), until=time.monotonic() - 1)) == []


def _remember(file: Path, seconds: float = 60) -> _Remember:
    return _Remember(Progress.read(file, "this code"), time.monotonic() + seconds)
