"""Background processes of a local shop: starts them, recognises them later, and ends them, and never others."""

import fcntl
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from retail_ops.errors import PortTaken
from retail_ops.progress import Progress

SHOP_STATE_FILE = "SHOP_STATE_FILE"
"""Environment variable of a shop's processes: the shop's state file. By it they are found if that file is damaged."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""The processes that this process has started: the system keeps a child's pid until its parent has waited for it."""


@dataclass(frozen=True)
class Owned:
    """A process that this command started.

    A pid alone proves nothing, since the system reuses it after the process has ended. Together with the start time it
    identifies the process.

    Args:
        pid: process id.
        started: when the process was created, in seconds since the epoch.
    """

    pid: int
    started: float

    def process(self) -> psutil.Process | None:
        """The process, if it still runs and is the one that was started."""
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            # The creation time is reckoned from the boot time, which moves a little when the clock is set.
            if abs(process.create_time() - self.started) < 2 and _lives(process):
                return process
        return None

    @property
    def running(self) -> bool:
        return self.process() is not None


def spawn(command: Sequence[str], *, log: Path, env: Mapping[str, str], cwd: Path) -> Owned:
    """Start a process that outlives this one.

    Args:
        command: program and arguments.
        log: file that takes its output. Its earlier content is deleted.
        env: its complete environment.
        cwd: its working directory.

    Returns:
        The process, to be recognised later.
    """
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,  # Ctrl-C in the terminal that ran `up` must not end the shop.
        )
    _children[child.pid] = child
    try:
        started = psutil.Process(child.pid).create_time()
    except psutil.NoSuchProcess:  # It ended at once; its log says why.
        started = 0.0
    return Owned(child.pid, started)


def belonging_to(state_file: Path) -> list[Owned]:
    """This user's processes that were started for a shop.

    Args:
        state_file: of the shop, resolved.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(SHOP_STATE_FILE) == str(state_file):
                found.append(Owned(process.pid, process.create_time()))
    return found


def end(owned: Owned, *, grace: float = 10) -> bool:
    """End a process and its children, first with SIGTERM.

    Args:
        owned: the process.
        grace: seconds it is given to end by itself.

    Returns:
        Whether there was anything to end: a process that is not ours any more is left alone.
    """
    process = owned.process()
    if process is None:
        if (child := _children.get(owned.pid)) and child.poll() is not None:
            del _children[owned.pid]
        return False
    # A worker of the emulator could outlive it, so they are counted before it goes.
    family = [process]
    with suppress(psutil.Error):
        family += process.children(recursive=True)
    with suppress(psutil.Error):
        process.terminate()
    alive = _outlast(family[:1], grace) + _outlast(family[1:], 1)
    for survivor in alive:
        with suppress(psutil.Error):
            survivor.kill()
    _outlast(alive, grace)
    if child := _children.pop(owned.pid, None):
        child.wait()
    return True


def _outlast(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait for processes to end; returns those that did not."""
    deadline = time.monotonic() + seconds
    while alive := [process for process in processes if _lives(process)]:
        if time.monotonic() > deadline:
            return alive
        time.sleep(0.02)
    return []


def _lives(process: psutil.Process) -> bool:
    # A zombie holds no port and no file: psutil would wait for it too.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def free_port() -> int:
    """A TCP port of this machine on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int, option: str) -> None:
    """Make sure that a port can be listened on.

    Args:
        port: TCP port.
        option: the command's option that chooses another one.

    Raises:
        PortTaken: the port is taken. The text names the process, if the system reveals it.
    """
    with socket.socket() as caller, socket.socket() as listener:
        # A connection that lingers in TIME_WAIT after `down` must not look like a listener. But where this option is
        # set, macOS lets a second one listen on the same port: hence the call as well.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if caller.connect_ex(("127.0.0.1", port)) != 0:
                listener.bind(("127.0.0.1", port))
                return
        except OSError:
            pass
    raise PortTaken(taken_message(port, occupant(port), option))


def occupant(port: int) -> psutil.Process | None:
    """The process that listens on a port; None if there is none, or the system does not reveal it."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens and connection.pid is not None:
                return psutil.Process(connection.pid)
    return None


def taken_message(port: int, holder: psutil.Process | None, option: str) -> str:
    """The text of PortTaken: the process that has the port, and what to do."""
    who = "by another process"
    if holder is not None:
        with suppress(psutil.Error):
            command = " ".join(holder.cmdline()) or holder.name()
            who = f"by process {holder.pid} ({command[:100]})"
    return f"Port {port} is taken {who}. End it, or choose another port with {option}."


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log; empty if there is no log."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def minimal_environment(**extra: str) -> dict[str, str]:
    """The environment of a process of the shop: without this machine's AWS profile, proxy and PYTHONPATH.

    The emulator passes its own environment to the functions, which would otherwise see variables that they do not have
    on AWS.

    Args:
        **extra: variables to add.

    Returns:
        The complete environment of the process.
    """
    kept = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ} | extra


@contextmanager
def wait_for_lock(file: Path, holding: str, progress: Progress) -> Iterator[None]:
    """Hold a file's lock, after waiting for the process that holds it. The system releases it when the process ends.

    Args:
        file: is created if it does not exist. It contains the process id of the lock's holder.
        holding: what another holder is doing, for the progress.
        progress: shows that this waits, and for which process.
    """
    with file.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step(f"Wait for {holding} (process {_written(file)})"):
                fcntl.flock(handle, fcntl.LOCK_EX)
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def lock_holder(file: Path) -> str | None:
    """Process id of a lock's holder; None if there is none."""
    try:
        with file.open("r") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _written(file)
    return None


def _written(file: Path) -> str:
    return file.read_text() or "unknown"
