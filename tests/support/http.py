"""An API's handler called in the test's own process, and its answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.support.invocations import Context, http_event

type Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """What a client gets."""

    status: int
    body: dict[str, Any]

    @property
    def problem(self) -> str:
        """The last part of the problem's type."""
        return str(self.body["type"]).removeprefix("urn:cloudretail:problem:")

    @property
    def fields(self) -> list[str]:
        """The fields that were refused."""
        return [error["field"] for error in self.body["errors"]]


def call(
    handler: Handler,
    method: str,
    path: str,
    body: object = None,
    *,
    raw_body: str | None = None,
    claims: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> Answer:
    """Send a request; the arguments are those of `http_event`."""
    event = http_event(method, path, body=body, raw_body=raw_body, claims=claims, headers=headers, query=query)
    answer = handler(event, cast(LambdaContext, Context()))
    return Answer(answer["statusCode"], json.loads(answer["body"]) if answer.get("body") else {})
