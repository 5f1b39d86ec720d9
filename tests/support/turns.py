"""Real threads over moto, which checks and writes in two steps where AWS has one."""

from threading import Lock
from typing import Any

import pytest
from botocore.client import BaseClient


def calls_take_turns(patch: pytest.MonkeyPatch) -> None:
    """From here on one call to AWS is made after the other, so that each is a step as it is at AWS."""
    turn = Lock()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def in_turn(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        with turn:
            return call(client, operation, parameters)

    patch.setattr(BaseClient, "_make_api_call", in_turn)
