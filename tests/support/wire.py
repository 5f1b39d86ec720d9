"""The calls of the code under test to AWS: counted, refused, answered too late, or overtaken by somebody else."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import StringIO
from typing import Any, cast

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from cloudretail.retries import next_step
from cloudretail.telemetry import logger

type Act = Callable[[], object]


@dataclass
class _Fault:
    operation: str
    times: int
    table: str | None
    before: Act
    after: Act

    def concerns(self, operation: str, parameters: dict[str, Any]) -> bool:
        writes = [write for item in parameters.get("TransactItems", ()) for write in item.values()]
        tables = {None, parameters.get("TableName"), *parameters.get("RequestItems", ())}
        tables |= {write["TableName"] for write in writes}
        return self.operation == operation and self.times > 0 and self.table in tables


def _nothing() -> None:
    """No fault at this side of the call."""


class Wire:
    """Stands between the clients and AWS.

    Attributes:
        calls: the operation and the parameters of each call, in order, the refused ones too.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._faults: list[_Fault] = []
        self._stubs: dict[str, object] = {}
        self._taken: list[tuple[str, dict[str, Any]]] = []
        call = BaseClient._make_api_call  # type: ignore[attr-defined]

        def watched(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            self.calls.append((operation, parameters))
            fault = next((each for each in self._faults if each.concerns(operation, parameters)), None)
            if operation in self._stubs:
                stub = self._stubs[operation]
                return stub(parameters) if callable(stub) else stub
            if fault is None:
                answer = call(client, operation, parameters)
                self._taken.append((operation, parameters))
                return answer
            fault.times -= 1
            fault.before()
            answer = call(client, operation, parameters)
            fault.after()
            return answer

        patch.setattr(BaseClient, "_make_api_call", watched)
        # Without chance: each pause before a retry is the longest.
        patch.setattr("cloudretail.batch.next_step", partial(next_step, chance=lambda: 1.0))

    def made(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of each call of this operation."""
        return [parameters for name, parameters in self.calls if name == operation]

    def made_and_taken(self, operation: str) -> list[dict[str, Any]]:
        """As `made`, without the calls that were refused."""
        return [parameters for name, parameters in self._taken if name == operation]

    def refuses(self, operation: str, error: Exception, *, times: int = 1, table: str | None = None) -> None:
        """The next calls fail, and nothing happens at AWS."""
        self._faults.append(_Fault(operation, times, table, lambda: _throw(error), _nothing))

    def loses_the_answer(self, operation: str, error: Exception, *, times: int = 1, table: str | None = None) -> None:
        """The next calls happen at AWS, but the caller learns only of an error."""
        self._faults.append(_Fault(operation, times, table, _nothing, lambda: _throw(error)))

    def stubs(self, operation: str, answer: object = None) -> None:
        """All calls of it are only noted, and answered so."""
        self._stubs[operation] = answer or {}

    def stubs_sending(self) -> None:
        """Every message that is sent is only noted, and accepted."""

        def accepted(parameters: dict[str, Any]) -> dict[str, str]:
            body = str(parameters["MessageBody"]).encode()
            return {"MessageId": "sent", "MD5OfMessageBody": hashlib.md5(body, usedforsecurity=False).hexdigest()}

        self._stubs["SendMessage"] = accepted

    def before(self, operation: str, act: Act, *, times: int = 1, table: str | None = None) -> None:
        """Somebody else does something just before the next calls."""
        self._faults.append(_Fault(operation, times, table, act, _nothing))


def _throw(error: Exception) -> None:
    raise error


def refused(code: str, operation: str = "PutItem") -> ClientError:
    """What botocore raises where AWS answers with this code."""
    return ClientError({"Error": {"Code": code, "Message": "injected"}}, operation)


def cancelled(*reasons: str | dict[str, Any]) -> ClientError:
    """A transaction that was cancelled for these reasons: one for each of its items in order, "None" for a good one."""
    each = [{"Code": reason} if isinstance(reason, str) else reason for reason in reasons]
    response = {
        "Error": {"Code": "TransactionCanceledException", "Message": "injected"},
        "CancellationReasons": each,
    }
    return ClientError(cast(Any, response), "TransactWriteItems")


def everything_printed(patch: pytest.MonkeyPatch) -> StringIO:
    """All log lines and metrics from here on, as CloudWatch would get them."""
    printed = StringIO()
    patch.setattr("sys.stdout", printed)
    for handler in logger.handlers:
        patch.setattr(handler, "stream", printed)
    return printed
