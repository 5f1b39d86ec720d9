"""The AWS emulator's process: `python -m retail_ops.emulator`, configured by the environment as ministack itself is.

It is ministack's application on a server of its own, for two reasons: where it listens (on this machine, and where
Docker is, on Docker's bridge as well, which is how the container of `sam local invoke` reaches it), and since uvicorn
with its parser and event loop in C needs two fifths less of the processor for a call than ministack's own server does,
which is what limits a local shop.
"""

import os
import resource
import socket
from collections.abc import Iterator

import psutil
import uvicorn
from ministack.app import app  # type: ignore[import-untyped]

BRIDGE = "docker0"


def addresses() -> Iterator[str]:
    """Where to listen: nowhere that another machine could reach."""
    yield "127.0.0.1"
    for found in psutil.net_if_addrs().get(BRIDGE, ()):
        if found.family == socket.AF_INET:
            yield found.address


def listening(address: str, port: int) -> socket.socket:
    server = socket.create_server((address, port), backlog=2048)
    server.setblocking(False)
    return server


def main() -> None:
    # A burst of orders needs more connections than the 1024 files that a process may open unless it asks for more.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        # As AWS's own endpoints: the application sets these headers.
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    port = int(os.environ["GATEWAY_PORT"])
    uvicorn.Server(config).run(sockets=[listening(address, port) for address in addresses()])


if __name__ == "__main__":
    main()
