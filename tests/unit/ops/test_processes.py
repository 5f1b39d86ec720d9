import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from retail_ops.errors import PortTaken
from retail_ops.local.processes import (
    Owned,
    end,
    free_port,
    minimal_environment,
    require_free,
    spawn,
    tail,
    taken_message,
)

WAITS = "import time; print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Owned]:
    owned = spawn([sys.executable, "-c", WAITS], log=tmp_path / "log", env=minimal_environment(), cwd=tmp_path)
    yield owned
    end(owned)


def test_a_process_is_recognised_as_long_as_it_runs(waiting: Owned) -> None:
    assert waiting.running
    assert end(waiting)
    assert not waiting.running
    assert not end(waiting)


def test_it_does_not_end_with_the_terminal_it_was_started_from(waiting: Owned) -> None:
    assert os.getsid(waiting.pid) != os.getsid(0)


def test_a_stranger_with_the_same_pid_is_left_alone(waiting: Owned) -> None:
    earlier = replace(waiting, started=waiting.started - 60)
    assert not earlier.running
    assert not end(earlier)
    assert waiting.running


def test_a_process_that_takes_no_hint_is_ended_all_the_same(tmp_path: Path) -> None:
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"
    log = tmp_path / "log"
    owned = spawn([sys.executable, "-c", stubborn], log=log, env=minimal_environment(), cwd=tmp_path)
    while "ready" not in log.read_text():
        assert owned.running
    assert end(owned, grace=0.1)
    assert not owned.running


def test_children_end_with_their_parent(tmp_path: Path) -> None:
    parent = (
        f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {WAITS!r}]).pid, flush=True); {WAITS}"
    )
    log = tmp_path / "log"
    owned = spawn([sys.executable, "-c", parent], log=log, env=minimal_environment(), cwd=tmp_path)
    while log.read_text().count("ready") < 2:
        assert owned.running
    child = psutil.Process(int(log.read_text().split()[0]))
    end(owned)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_program_that_fails_at_once_is_not_running_and_its_log_says_why(tmp_path: Path) -> None:
    log = tmp_path / "log"
    owned = spawn([sys.executable, "-c", "raise SystemExit('no such luck')"], log=log, env={}, cwd=tmp_path)
    while owned.running:
        pass
    assert tail(log) == "no such luck"
    end(owned)


def test_a_free_port_is_free() -> None:
    require_free(free_port(), "--port")


def test_a_taken_port_is_reported_with_who_has_it_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken) as refusal:
            require_free(port, "--storefront-port")
    assert f"Port {port} is taken by process {os.getpid()} (" in refusal.value.message
    assert "choose another port with --storefront-port" in refusal.value.message


def test_where_the_system_does_not_tell_who_has_a_port_the_rest_is_said() -> None:
    message = taken_message(8080, None, "--port")
    assert message == "Port 8080 is taken by another process. End it, or choose another port with --port."


def test_functions_see_nothing_of_this_machines_aws_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example")
    environment = minimal_environment(STAGE="local")
    assert environment["STAGE"] == "local"
    assert "AWS_PROFILE" not in environment
    assert "HTTP_PROXY" not in environment


def test_the_end_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_text("\n".join(str(n) for n in range(100)))
    assert tail(log, 3) == "97\n98\n99"
