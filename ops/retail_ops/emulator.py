"""The AWS emulator's process: `python -m retail_ops.emulator`, configured by the environment as ministack itself is.

It is ministack's own start, but for where it listens: on this machine, and where Docker is, on Docker's bridge as well,
which is how the container of `sam local invoke` reaches it.
"""

import asyncio
import os
import resource
import socket

import psutil
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app  # type: ignore[import-untyped]

BRIDGE = "docker0"


def addresses(port: int) -> list[str]:
    """Where to listen: nowhere that another machine could reach."""
    hosts = ["127.0.0.1"]
    hosts += [found.address for found in psutil.net_if_addrs().get(BRIDGE, ()) if found.family == socket.AF_INET]
    return [f"{host}:{port}" for host in hosts]


def main() -> None:
    # A burst of orders needs more connections than the 1024 files that a process may open unless it asks for more.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    config = Config()
    config.bind = addresses(int(os.environ["GATEWAY_PORT"]))
    config.keep_alive_timeout = 75
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    main()
