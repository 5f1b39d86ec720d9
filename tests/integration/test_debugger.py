"""A debugger attaches to a function that runs in the command's own process, as an editor's does."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retail_ops.local.local_shop import LocalShop
from retail_ops.local.processes import free_port
from retail_ops.stack.shop import PROJECT
from tests.support.shoppers import PATIENCE, eventually

COMMAND = Path(sys.executable).with_name("cloudretail")
SAMPLE = "events/orders/inventory-reserved.json"
CODE = PROJECT / "functions" / "orders" / "reactions.py"
LINE = next(at for at, line in enumerate(CODE.read_text().splitlines(), 1) if "return decide(" in line)


class Debugger:
    """Speaks the Debug Adapter Protocol.

    Args:
        port: where debugpy waits.
    """

    def __init__(self, port: int) -> None:
        self._socket: socket.socket = eventually(lambda: _connected(port))
        self._socket.settimeout(PATIENCE)
        self._messages = self._socket.makefile("rb")
        self._sent = 0

    def send(self, command: str, **arguments: Any) -> None:
        self._sent += 1
        request = {"seq": self._sent, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(request).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def receives(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The body of the next message that is the one."""
        while True:
            length = 0
            while header := self._messages.readline().strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            message = json.loads(self._messages.read(length))
            if is_it(message):
                body: dict[str, Any] = message.get("body", {})
                return body

    def asks(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request; returns the body of its answer."""
        self.send(command, **arguments)
        return self.receives(lambda message: message.get("command") == command)

    def close(self) -> None:
        self._messages.close()
        self._socket.close()


def _connected(port: int) -> Any:
    try:
        return socket.create_connection(("127.0.0.1", port))
    except OSError:
        return None


def test_a_breakpoint_in_a_function_holds(local_shop: LocalShop) -> None:
    port = free_port()
    process = subprocess.Popen(
        [COMMAND, "invoke", "OrdersReactions", SAMPLE, "--debug", "--debug-port", str(port)],
        cwd=PROJECT,
        env={**os.environ, "CLOUDRETAIL_STATE_DIR": str(local_shop.state_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        debugger = Debugger(port)
        debugger.asks("initialize", adapterID="test", pathFormat="path", linesStartAt1=True, columnsStartAt1=True)
        debugger.send("attach", justMyCode=True)
        debugger.receives(lambda message: message.get("event") == "initialized")
        debugger.asks("setBreakpoints", source={"path": str(CODE)}, breakpoints=[{"line": LINE}])
        debugger.send("configurationDone")
        stopped = debugger.receives(lambda message: message.get("event") == "stopped")
        (frame, *_) = debugger.asks("stackTrace", threadId=stopped["threadId"], levels=1)["stackFrames"]
        debugger.asks("disconnect", terminateDebuggee=False)
        output, _ = process.communicate(timeout=PATIENCE)
        debugger.close()
    assert (stopped["reason"], frame["line"]) == ("breakpoint", LINE)
    assert (process.returncode, json.loads(output)) == (0, {"batchItemFailures": []})
