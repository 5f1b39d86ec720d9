"""The HTTP application of a service: Powertools routes and validates; every error is problem+json (RFC 9457)."""

import base64
import binascii
import gzip
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import origin
from cloudretail.emulator import with_lower_case_headers
from cloudretail.envelope import Cause
from cloudretail.errors import Conflict, InvalidInput, NotFound, Problem, Refusal, invalid
from cloudretail.identity import OPERATORS, STAFF, Caller, caller_of, unauthorized, verify
from cloudretail.limits import Limited
from cloudretail.model import Model
from cloudretail.repository import Settled
from cloudretail.retries import may_pass
from cloudretail.telemetry import flush, logger, record
from cloudretail.tracing import root

MAX_BODY = 64 * 1024
"""Bytes of a request body; the largest honest one, a merge of 50 lines, has 5 kB."""

WORTH_COMPRESSING = 1400
"""Bytes of an answer; a smaller one goes in one packet as it is."""

_GZIP = re.compile(r"(?:^|[\s,])(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?(?:[\s,]|$))|,|$)")
"""In an Accept-Encoding that does not refuse it (RFC 9110, 12.5.3)."""

PROBLEM_JSON = "application/problem+json"

_LATER = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}

STATUS_OF: Mapping[type[Refusal], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    Limited: HTTPStatus.TOO_MANY_REQUESTS,
    Refusal: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""With which status a client is answered when a rule says no; the most special kinds first."""

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the client, one for each thing to be done once. Repeat a request with the same key.",
    ),
]
IdInPath = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many items at the most.")]
Cursor = Annotated[str | None, Query(max_length=1024, description="`nextCursor` of the page before.")]


ONLY_FOR = {"/api/admin/": STAFF, "/api/ops/": OPERATORS}
"""By the beginning of a path the group that it is for."""

NOT_YOURS = {STAFF: "Only the shop's staff may do this.", OPERATORS: "Only operators may do this."}


class FieldError(Model):
    """What is wrong with one field of the input."""

    field: str
    message: str


class ProblemDetails(Model):
    """The body of every error (RFC 9457). `type` is stable; `detail` is for people and may change."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...] = ()


class Page[Item](Model):
    """A page of a list."""

    items: tuple[Item, ...]
    next_cursor: str | None = None


class Api(APIGatewayHttpResolver):
    """A service's routes.

    What a route raises becomes an answer: a `Problem` its own, the refusal of a rule the one in `STATUS_OF`, invalid
    input a 422 with an entry for each field, a failure that may pass a 503, anything else a 500 that says nothing of
    the inside.
    """

    def __init__(self) -> None:
        super().__init__(enable_validation=True, response_validation_error_http_code=HTTPStatus.INTERNAL_SERVER_ERROR)
        self.exception_handler(Problem)(problem_response)
        self.exception_handler(Refusal)(lambda refusal: problem_response(_problem_of(refusal)))
        self.exception_handler(RequestValidationError)(_invalid_input)
        self.exception_handler(RequestUnsupportedContentType)(lambda _: problem_response(_unsupported()))
        self.exception_handler(NotFoundError)(
            lambda _: problem_response(Problem(HTTPStatus.NOT_FOUND, "not-found", "We could not find that."))
        )
        self.exception_handler(ServiceError)(
            lambda error: problem_response(Problem(HTTPStatus(error.status_code), "refused", str(error.msg)))
        )
        self.exception_handler(Exception)(_unexpected)

    def handle(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one invocation by API Gateway (payload format 2.0)."""
        try:
            logger.append_keys(request_id=event.get("requestContext", {}).get("requestId"))
            event = with_lower_case_headers(event)
            _with_plain_media_type(event["headers"])
            # Before Powertools parses it: its own middlewares would run too late for that.
            if refused := _refused(self, event):
                answer: dict[str, Any] = {
                    "statusCode": int(refused.status_code),
                    "headers": refused.headers,
                    "body": refused.body,
                }
            else:
                answer = self.resolve(event, context)
            if _is_private(event):
                answer["headers"] = {"Cache-Control": "no-store", **answer["headers"]}
            # A 204 has no body; the gateway takes a string, and not everything that stands for it takes a null.
            return _compressed(answer | {"body": answer["body"] or ""}, event["headers"].get("accept-encoding", ""))
        finally:
            flush()

    def refusal(self, event: Mapping[str, Any]) -> Problem | None:
        """Why a request is refused whatever it asks for: whom a path is not for learns nothing of it, not even whether
        their input would be valid; a service may have a further reason."""
        # The path by which its route is found, whatever stands before it.
        path = APIGatewayProxyEventV2(dict(event)).path
        for beginning, group in ONLY_FOR.items():
            if path.startswith(beginning):
                try:
                    _member(event, group)
                except Problem as problem:
                    return problem
        return None

    @property
    def caller(self) -> Caller:
        """Who is calling; raises a 401 Problem for anything but an ID token."""
        return _caller(self.current_event.raw_event)

    @property
    def operator(self) -> Caller:
        """As `caller`, and in the group of operators; raises a 403 Problem for anybody else."""
        return _member(self.current_event.raw_event, OPERATORS)

    @property
    def staff(self) -> Caller:
        """As `caller`, and in the group of staff; raises a 403 Problem for anybody else."""
        return _member(self.current_event.raw_event, STAFF)

    @property
    def optional_caller(self) -> Caller | None:
        """Who is calling a route that also answers strangers; None for them, a 401 Problem for a bad token."""
        return self.caller if self.current_event.headers.get("authorization") else None

    def recorded[S: Model](self, settled: Settled[S], *, command: str, **keys: str) -> S:
        """Log and count the outcome of a command.

        Args:
            settled: what was decided, and the state that it led to.
            command: its name.
            keys: what it is about, such as `order_id`.

        Returns:
            The state.
        """
        record(settled.decision, message=command, event_id=self.cause.id, keys=keys)
        assert settled.state is not None, "a command leaves a row"
        return settled.state

    @property
    def client_address(self) -> str:
        """Where the request comes from; all addresses of one client are one."""
        return origin.client_address(self.current_event.raw_event)

    @property
    def cause(self) -> Cause:
        """This request, as the cause of the events that it leads to."""
        request_id = self.current_event.raw_event["requestContext"]["requestId"]
        return Cause(request_id, root(request_id, self.current_event.headers.get("x-amzn-trace-id")))


def _caller(event: Mapping[str, Any]) -> Caller:
    """By the claims that the gateway's authorizer has verified; by the token itself where there is none in front: on
    routes that also answer strangers, and under `sam local start-api`."""
    authorizer = event["requestContext"].get("authorizer") or {}
    if claims := authorizer.get("jwt", {}).get("claims"):
        return caller_of(claims)
    if authorization := event["headers"].get("authorization"):
        return verify(authorization)
    raise unauthorized("Please log in first.")


def _member(event: Mapping[str, Any], group: str) -> Caller:
    caller = _caller(event)
    if group not in caller.groups:
        raise Problem(HTTPStatus.FORBIDDEN, f"{group}-only", NOT_YOURS[group])
    return caller


def _compressed(answer: dict[str, Any], accepted: str) -> dict[str, Any]:
    """An answer in gzip, where the client takes it and it pays.

    CloudFront compresses only what it may keep, and it keeps nothing of the API. Source: CloudFront developer guide,
    "Serve compressed files".

    Args:
        answer: with a text as its body.
        accepted: the client's Accept-Encoding.
    """
    body = answer["body"].encode()
    if len(body) < WORTH_COMPRESSING or answer.get("isBase64Encoded"):
        return answer
    headers = {**answer["headers"], "Vary": "Accept-Encoding"}
    if not _GZIP.search(accepted.lower()):
        return {**answer, "headers": headers}
    # No time in it: the same answer has the same bytes.
    packed = base64.b64encode(gzip.compress(body, compresslevel=6, mtime=0)).decode()
    return {**answer, "headers": {**headers, "Content-Encoding": "gzip"}, "body": packed, "isBase64Encoded": True}


def answers(success: HTTPStatus, *problems: HTTPStatus) -> dict[int, OpenAPIResponse]:
    """The answers of a route for its OpenAPI description: what it returns, and the problems a client must expect."""
    documented: dict[int, OpenAPIResponse] = {success.value: {"description": success.phrase}}
    for status in problems:
        documented[status.value] = {
            "description": status.phrase,
            "content": {PROBLEM_JSON: {"model": ProblemDetails}},
        }
    return documented


def no_content() -> Response[None]:
    """A 204."""
    return Response(status_code=HTTPStatus.NO_CONTENT, content_type=None, body=None)


def _refused(api: Api, event: Mapping[str, Any]) -> Response[Any] | None:
    """The answer to a request that no route gets to see."""
    try:
        problem = _past_cloudfront(event) or api.refusal(event) or _body_problem(event)
    except Exception as error:
        return _unexpected(error)
    return problem_response(problem) if problem else None


def _past_cloudfront(event: Mapping[str, Any]) -> Problem | None:
    # The caller learns nothing, not even what is missing.
    return None if origin.came_through_cloudfront(event) else Problem(HTTPStatus.FORBIDDEN, "forbidden", "Forbidden.")


def _with_plain_media_type(headers: dict[str, str]) -> None:
    """Media types are the same in any case (RFC 9110, 8.3.1); Powertools knows them in lower case."""
    if content_type := headers.get("content-type"):
        media_type, semicolon, parameters = content_type.partition(";")
        headers["content-type"] = media_type.strip().lower() + semicolon + parameters


def _is_private(event: Mapping[str, Any]) -> bool:
    """Whether an answer may be one person's, so that nobody on the way may keep it: all but a stranger's GET."""
    headers = event["headers"]
    is_get = event["requestContext"]["http"]["method"] in ("GET", "HEAD")
    return not is_get or "authorization" in headers or "cookie" in headers or bool(event.get("cookies"))


def _body_problem(event: Mapping[str, Any]) -> Problem | None:
    """What is wrong with a request's body before anybody looks into it: its size, its type, that it is no JSON."""
    body: str | None = event.get("body")
    if not body:
        return None
    try:
        raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
        if len(raw) > MAX_BODY:
            return Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", f"The body has more than {MAX_BODY} bytes."
            )
        if event["headers"].get("content-type", "").partition(";")[0] != "application/json":
            return _unsupported()
        text = raw.decode()
        parsed = json.loads(text)
        # Only an escape can write half a character, as a body that is not UTF-8 is refused.
        if re.search(r"\\u[dD][89a-fA-F]", text) and (field := half_a_character(parsed)) is not None:
            return invalid(field or "body", "Use characters that can be written.")
    except json.JSONDecodeError as error:
        return _malformed(f"is not JSON (at character {error.pos})")
    except (ValueError, RecursionError):
        # Not UTF-8, a number of thousands of digits, or thousands of nested lists: the client's mistake, not ours.
        return _malformed("is not JSON that can be read")
    return None


def half_a_character(value: object, at: str = "") -> str | None:
    """Where there is a lone surrogate in parsed JSON, as a field's path; None where there is none.

    JSON's escapes can write one, Python reads it, and nothing can store, publish or answer it.
    """
    if isinstance(value, str):
        return at if any("\ud800" <= each <= "\udfff" for each in value) else None
    if isinstance(value, dict):
        if any(half_a_character(name) is not None for name in value):
            return at
        inside = [(name, each) for name, each in value.items()]
    elif isinstance(value, list):
        inside = [(str(index), each) for index, each in enumerate(value)]
    else:
        return None
    paths = (half_a_character(each, f"{at}.{name}" if at else name) for name, each in inside)
    return next((path for path in paths if path is not None), None)


def _malformed(message: str) -> Problem:
    return Problem(
        HTTPStatus.BAD_REQUEST, "malformed-json", f"body: {message}", errors=[{"field": "body", "message": message}]
    )


def _unsupported() -> Problem:
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Send application/json.")


def problem_response(problem: Problem) -> Response[Any]:
    """The answer that `problem` is; for a route that adds something to it, such as a cookie to be forgotten."""
    logger.info("Refused", problem=problem.type, status=problem.status)
    body = {
        **problem.extra,
        "type": f"urn:cloudretail:problem:{problem.type}",
        "title": problem.type.replace("-", " ").capitalize(),
        "status": int(problem.status),
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = list(problem.errors)
    headers: dict[str, str | list[str]] = {}
    if problem.status in _LATER:
        headers["Retry-After"] = str(problem.retry_after)
    return Response(status_code=problem.status, content_type=PROBLEM_JSON, body=json.dumps(body), headers=headers)


def _invalid_input(error: RequestValidationError) -> Response[Any]:
    # A list with a bad item is too short for pydantic as well: the item says more.
    found = error.errors()
    innermost = [each for each in found if not any(_is_within(other["loc"], each["loc"]) for other in found)]
    errors = [_field_error(each) for each in innermost]
    detail = "; ".join(f"{each['field']}: {each['message']}" for each in errors)
    return problem_response(Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-input", detail, errors=errors))


def _is_within(inner: Sequence[str | int], outer: Sequence[str | int]) -> bool:
    return len(inner) > len(outer) and tuple(inner[: len(outer)]) == tuple(outer)


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    _, *path = error["loc"]
    return {"field": ".".join(map(str, path)) or str(error["loc"][0]), "message": _sentence(error)}


def _sentence(error: Mapping[str, Any]) -> str:
    """What is wrong with a field, as a whole sentence: it stands beside the field in a form."""
    match error["type"], error.get("ctx", {}):
        case ("missing", _) | ("string_too_short", {"min_length": 1}):
            return "This field is required."
        case "string_too_long", {"max_length": most}:
            return f"Use at most {most} characters."
    message = str(error["msg"])
    return message if message.endswith(".") else f"{message}."


def _problem_of(refusal: Refusal) -> Problem:
    status = next(status for kind, status in STATUS_OF.items() if isinstance(refusal, kind))
    problem = Problem(status, refusal.type, refusal.detail, errors=refusal.errors, extra=refusal.extra)
    if isinstance(refusal, Limited):
        problem.retry_after = max(1, math.ceil((refusal.until - datetime.now(UTC)).total_seconds()))
    return problem


def _unexpected(error: Exception) -> Response[Any]:
    if may_pass(error):
        logger.warning("Temporarily unable to answer", exc_info=error)
        return problem_response(
            Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "try-again", "We are very busy right now. Please try again in a moment."
            )
        )
    logger.error("Failed to answer", exc_info=error)
    return problem_response(
        Problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "Something went wrong on our side. Please try again."
        )
    )


def encode_cursor(position: Mapping[str, Any] | None) -> str | None:
    """An opaque cursor for `position`, or None at the end of a list."""
    if position is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *fields: str) -> dict[str, Any] | None:
    """The position that `encode_cursor` made a cursor of.

    Args:
        cursor: as the client sent it.
        fields: the names that the position must have, no others.

    Raises:
        Problem: 422 naming `cursor`, it is none of ours.
    """
    if cursor is None:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise invalid("cursor", "is not a cursor of this list") from None
    if not isinstance(position, dict) or set(position) != set(fields) or half_a_character(position) is not None:
        raise invalid("cursor", "is not a cursor of this list")
    return position


def decode_place(cursor: str | None, *fields: str) -> dict[str, Any] | None:
    """As `decode_cursor`, for a place in a table or index whose keys are all texts."""
    position = decode_cursor(cursor, *fields)
    if position and not all(isinstance(value, str) and value for value in position.values()):
        raise invalid("cursor", "is not a cursor of this list")
    return position
