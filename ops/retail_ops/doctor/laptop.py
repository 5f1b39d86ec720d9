"""Checks whether a machine can run the shop, its tests and `sam local`, and says where to get what is missing."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from retail_ops.doctor import Answer, Check
from retail_ops.errors import NoShop, OpsError
from retail_ops.local.containers import engine
from retail_ops.local.local_shop import LocalShop
from retail_ops.local.processes import require_free
from retail_ops.stack.shop import PROJECT

PYTHON = (3, 13)
"""The version that the functions run on."""

SPACE = 3
"""GB for packages, pages, builds and the shops of the tests: a checkout has 1.5 after `make test`."""

GB = 10**9


@dataclass(frozen=True)
class Laptop:
    """The checks of this machine.

    Args:
        project: folder of the project.
        shop: the shop that runs here, or would run here.
    """

    project: Path
    shop: LocalShop

    @classmethod
    def this(cls) -> "Laptop":
        """The machine that this runs on."""
        return cls(PROJECT, LocalShop.found())

    @property
    def checks(self) -> Mapping[str, Check]:
        """All checks, by their subject."""
        return {
            "System": self.system,
            "Python": self.python,
            "Disk": self.disk,
            "Ports": self.ports,
            "Containers": self.containers,
            "Browser": self.browser,
        }

    def system(self) -> Answer:
        """Whether the shop runs on this operating system."""
        name = f"{platform.system()} on {platform.machine()}"
        if platform.system() not in ("Linux", "Darwin"):
            return Answer(False, name, "On Windows the shop runs in WSL: wsl --install")
        return Answer(True, name)

    def python(self) -> Answer:
        """Whether the command runs on the functions' Python."""
        version = platform.python_version()
        if sys.version_info[:2] != PYTHON:
            return Answer(False, f"{version}, and the functions run on 3.13", "rm -r .venv && make venv")
        return Answer(True, f"{version} at {sys.prefix}")

    def disk(self) -> Answer:
        """Whether there is enough space for packages and builds, and whether the folder is writable."""
        free = shutil.disk_usage(self.project).free / GB
        text = f"{free:.0f} GB free"
        if free < SPACE:
            return Answer(False, f"{text}, and the shop with its tests takes {SPACE} GB", "Make some room.")
        try:
            probe = self.project / ".doctor"
            probe.touch()
            probe.unlink()
        except OSError as error:
            return Answer(False, f"{text}, but {error}", "Work on a checkout that you can write to.")
        return Answer(True, text)

    def ports(self) -> Answer:
        """Whether the shop's ports are free, or used by the shop itself."""
        ports = {"--port": self.shop.port, "--storefront-port": self.shop.storefront_port}
        with suppress(NoShop):
            return Answer(True, f"the shop runs, at {self.shop.read().storefront_url}")
        for option, port in ports.items():
            try:
                require_free(port, option)
            except OpsError as error:
                return Answer(False, error.message.partition("\n")[0], f'make up ARGS="{option} {port + 1}"')
        return Answer(True, f"{' and '.join(map(str, ports.values()))} are free")

    def containers(self) -> Answer:
        """Whether there is a container engine, which only `make invoke` and `sam local` need."""
        try:
            version = engine().version()["Version"]
        except OpsError:
            text = "no engine answers: everything works but `make invoke` and `sam local`"
            return Answer(True, text, "For those, start Docker or Podman.")
        return Answer(True, f"engine {version}")

    def browser(self) -> Answer:
        """Whether there is a browser for the end-to-end tests."""
        found = subprocess.run(
            [self.project / "ops" / "browser.sh", "--find"], check=False, capture_output=True, text=True, timeout=60
        )
        if found.returncode:
            return Answer(True, "none yet: the first `make e2e` or `make test` installs Chromium")
        return Answer(True, found.stdout.strip())
