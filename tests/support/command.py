"""What the tests ask of the command."""

import os
import sys
from pathlib import Path
from typing import Any, Protocol

import boto3

from retail_ops.local.sam import local_settings
from retail_ops.stack.shop import Shop


class Command(Protocol):
    """Runs `cloudretail` with --json."""

    def __call__(self, *words: str, code: int = 0) -> Any:
        """One command; fails unless it exits with `code`.

        Returns:
            What it prints, or where it prints nothing the words of its error.
        """
        ...


def environment(shop: Shop, session: boto3.Session) -> dict[str, str]:
    """Of a shell with these permissions: the emulator stands for AWS, and `cloudretail` is found."""
    assert shop.endpoint
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return others | path | local_settings(shop.endpoint, session)
