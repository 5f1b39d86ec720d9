"""The command, on the shop of the tests."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from cloudretail import aws
from retail_ops.cli import app
from retail_ops.local.local_shop import LocalShop
from tests.support.command import Command
from tests.support.tables import forget_clients


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command works in this process on the shop's own account; nothing of that stays."""
    monkeypatch.setattr(aws, "_session", None)
    monkeypatch.setattr(aws, "_endpoint", None)
    yield
    monkeypatch.undo()
    forget_clients()


@pytest.fixture
def command(local_shop: LocalShop, clients: None) -> Command:
    """Runs `cloudretail` with --json."""

    def run(*words: str, code: int = 0) -> Any:
        environment = {"CLOUDRETAIL_STATE_DIR": str(local_shop.state_dir)}
        ended = CliRunner().invoke(app, [*words, "--json"], env=environment)
        assert ended.exit_code == code, (ended.stderr, ended.stdout, ended.exception)
        return json.loads(ended.stdout) if ended.stdout else str(ended.exception)

    return run
