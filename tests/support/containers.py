"""A container engine for a test session, started here where this machine has one that does not run."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from retail_ops.errors import OpsError
from retail_ops.local import containers


class NoEngine(Exception):
    """There is none, and none can be had; the text says why."""


@contextmanager
def container_engine(folder: Path) -> Iterator[None]:
    """The engine that runs here; else Docker's, installed by root on Debian, for as long as the context lasts.

    Args:
        folder: takes the data of an engine that is started here.

    Raises:
        NoEngine: there is none.
    """
    with suppress(OpsError):
        containers.engine()
        yield
        return
    daemon = _daemon()
    address = f"unix://{folder}/docker.sock"
    command = [daemon, "--host", address, "--pidfile", str(folder / "docker.pid")]
    command += ["--data-root", str(folder / "data"), "--exec-root", str(folder / "run")]
    with (folder / "dockerd.log").open("wb") as log:
        process = psutil.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = address
    try:
        _wait_until_it_answers(process, folder / "dockerd.log")
        yield
    finally:
        if before is None:
            del os.environ["DOCKER_HOST"]
        else:
            os.environ["DOCKER_HOST"] = before
        process.terminate()
        process.wait(30)


def _daemon() -> str:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if found := shutil.which("dockerd", path=path):
        if os.geteuid() == 0:
            return found
        raise NoEngine("Docker does not run here, and only root can start it")
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        raise NoEngine("there is no container engine here, and only root on Debian can install one unasked")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "docker.io"]):
        done = subprocess.run(
            ["/usr/bin/apt-get", "-qq", *command], env=environment, capture_output=True, text=True, check=False
        )
    if found := shutil.which("dockerd", path=path):
        return found
    raise NoEngine(f"Docker could not be installed: {done.stderr.strip()[-300:]}")


def _wait_until_it_answers(process: psutil.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OpsError):
            containers.engine()
            return
        time.sleep(0.2)
    raise NoEngine(f"Docker does not start here: {log.read_text().strip()[-300:]}")


@contextmanager
def reachable(port: int) -> Iterator[None]:
    """Let containers reach a port of this machine that listens for this machine only.

    Args:
        port: also on the engine's bridge, from now on.
    """
    gateway = containers.gateway(containers.engine())
    with socket.socket() as probe:
        if probe.connect_ex((gateway, port)) == 0:
            yield  # The shop was started after the engine, and listens there by itself.
            return
    with socket.create_server((gateway, port)) as server:
        threading.Thread(target=_accept, args=(server, port), daemon=True).start()
        yield


def _accept(server: socket.socket, port: int) -> None:
    with suppress(OSError):  # The server was closed.
        while True:
            caller, _ = server.accept()
            callee = socket.create_connection(("127.0.0.1", port))
            for source, target in ((caller, callee), (callee, caller)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
