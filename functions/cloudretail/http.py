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
"""Bytes of a request body. The largest that the storefront sends, a merge of 50 lines, has 5 kB."""

WORTH_COMPRESSING = 1400
"""Bytes of an answer from which it is compressed. A smaller one fits into one packet anyway."""

_GZIP = re.compile(r"(?:^|[\s,])(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?(?:[\s,]|$))|,|$)")
"""Matches an Accept-Encoding that allows gzip (RFC 9110, 12.5.3)."""

PROBLEM_JSON = "application/problem+json"

_LATER = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}

STATUS_OF: Mapping[type[Refusal], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    Limited: HTTPStatus.TOO_MANY_REQUESTS,
    Refusal: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""The HTTP status of a refusal by its class; subclasses first."""

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
"""The group that may use paths with this prefix."""

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
    """The routes of a service.

    An exception of a route becomes an answer. A `Problem` has its own status, and a refusal the status in `STATUS_OF`.
    Invalid input is a 422 with an entry for each field, and a failure that may pass is a 503. Anything else is a 500
    without details.
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
            is_head, event = _is_head(event), _as_get(with_lower_case_headers(event))
            _with_plain_media_type(event["headers"])
            # Before Powertools parses the body: a middleware of it would run too late.
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
            # A 204 has no body. API Gateway takes an empty string, while a stand-in for it may not take a null.
            answer = _compressed(answer | {"body": answer["body"] or ""}, event["headers"].get("accept-encoding", ""))
            return {**answer, "body": "", "isBase64Encoded": False} if is_head else answer
        finally:
            flush()

    def refusal(self, event: Mapping[str, Any]) -> Problem | None:
        """Why a request is refused before its route sees it; None if it is not. A caller outside of the path's group
        learns nothing, not even whether the input is valid. A service may add reasons of its own."""
        # The path by which Powertools finds the route, without a stage in front of it.
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
        """The caller; raises a Problem with status 401 if the request has no valid ID token."""
        return _caller(self.current_event.raw_event)

    @property
    def operator(self) -> Caller:
        """As `caller`, for operators; raises a Problem with status 403 for other callers."""
        return _member(self.current_event.raw_event, OPERATORS)

    @property
    def staff(self) -> Caller:
        """As `caller`, for staff; raises a Problem with status 403 for other callers."""
        return _member(self.current_event.raw_event, STAFF)

    @property
    def optional_caller(self) -> Caller | None:
        """The caller of a public route; None without a token. Raises a Problem with status 401 for a bad token."""
        return self.caller if self.current_event.headers.get("authorization") else None

    def recorded[S: Model](self, settled: Settled[S], *, command: str, **keys: str) -> S:
        """Log and count the outcome of a command.

        Args:
            settled: the decision, and the state after it.
            command: name of the command.
            keys: what it is about, such as `order_id`.

        Returns:
            The state.
        """
        record(settled.decision, message=command, event_id=self.cause.id, keys=keys)
        assert settled.state is not None, "a command leaves a row"
        return settled.state

    @property
    def client_address(self) -> str:
        """The client's address. All IPv6 addresses of one client count as one."""
        return origin.client_address(self.current_event.raw_event)

    @property
    def cause(self) -> Cause:
        """This request, as the cause of the events that it publishes."""
        request_id = self.current_event.raw_event["requestContext"]["requestId"]
        return Cause(request_id, root(request_id, self.current_event.headers.get("x-amzn-trace-id")))


def _caller(event: Mapping[str, Any]) -> Caller:
    """The caller by the claims that API Gateway's authorizer has verified. Public routes, and `sam local start-api`,
    have no authorizer: there the token itself is verified."""
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


def _is_head(event: Mapping[str, Any]) -> bool:
    return bool(event["requestContext"]["http"]["method"] == "HEAD")


def _as_get(event: dict[str, Any]) -> dict[str, Any]:
    """The GET that a HEAD stands for. The answer has the same headers, and no body (RFC 9110, 9.3.2)."""
    if not _is_head(event):
        return event
    context = event["requestContext"]
    return {**event, "requestContext": {**context, "http": {**context["http"], "method": "GET"}}}


def _compressed(answer: dict[str, Any], accepted: str) -> dict[str, Any]:
    """The answer in gzip, if the client accepts that and the body is large enough.

    CloudFront compresses only what it may cache, and it caches nothing of the API. Source: CloudFront developer guide,
    "Serve compressed files".

    Args:
        answer: its body is text.
        accepted: the client's Accept-Encoding.
    """
    body = answer["body"].encode()
    if len(body) < WORTH_COMPRESSING or answer.get("isBase64Encoded"):
        return answer
    headers = {**answer["headers"], "Vary": "Accept-Encoding"}
    if not _GZIP.search(accepted.lower()):
        return {**answer, "headers": headers}
    # The gzip header has no time in it, so that the same answer has the same bytes.
    packed = base64.b64encode(gzip.compress(body, compresslevel=6, mtime=0)).decode()
    return {**answer, "headers": {**headers, "Content-Encoding": "gzip"}, "body": packed, "isBase64Encoded": True}


def answers(success: HTTPStatus, *problems: HTTPStatus) -> dict[int, OpenAPIResponse]:
    """A route's answers for its OpenAPI description: its success, and the problems that a client has to expect."""
    documented: dict[int, OpenAPIResponse] = {success.value: {"description": success.phrase}}
    for status in problems:
        documented[status.value] = {
            "description": status.phrase,
            "content": {PROBLEM_JSON: {"model": ProblemDetails}},
        }
    return documented


def no_content() -> Response[None]:
    """An answer with status 204."""
    return Response(status_code=HTTPStatus.NO_CONTENT, content_type=None, body=None)


def _refused(api: Api, event: Mapping[str, Any]) -> Response[Any] | None:
    """The answer to a request that is refused before any route; None if it is not refused."""
    try:
        problem = _past_cloudfront(event) or api.refusal(event) or _body_problem(event)
    except Exception as error:
        return _unexpected(error)
    return problem_response(problem) if problem else None


def _past_cloudfront(event: Mapping[str, Any]) -> Problem | None:
    # The answer does not say what is missing, so that a client past CloudFront learns nothing.
    return None if origin.came_through_cloudfront(event) else Problem(HTTPStatus.FORBIDDEN, "forbidden", "Forbidden.")


def _with_plain_media_type(headers: dict[str, str]) -> None:
    """Write the media type in lower case: case does not matter (RFC 9110, 8.3.1), but Powertools expects that."""
    if content_type := headers.get("content-type"):
        media_type, semicolon, parameters = content_type.partition(";")
        headers["content-type"] = media_type.strip().lower() + semicolon + parameters


def _is_private(event: Mapping[str, Any]) -> bool:
    """Whether an answer may hold personal data, so that no cache may keep it: every one but that to a GET without a
    token."""
    headers = event["headers"]
    is_get = event["requestContext"]["http"]["method"] == "GET"
    return not is_get or "authorization" in headers or "cookie" in headers or bool(event.get("cookies"))


def _body_problem(event: Mapping[str, Any]) -> Problem | None:
    """What is wrong with a request's body before it is validated: its size, its type, or its JSON."""
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
        # Only a JSON escape can hold a lone surrogate, since a body that is not UTF-8 is refused.
        if re.search(r"\\u[dD][89a-fA-F]", text) and (field := half_a_character(parsed)) is not None:
            return invalid(field or "body", "Use characters that can be written.")
    except json.JSONDecodeError as error:
        return _malformed(f"is not JSON (at character {error.pos})")
    except (ValueError, RecursionError):
        # It is not UTF-8, or has a number of thousands of digits, or thousands of nested lists: a 4xx and not a 500.
        return _malformed("is not JSON that can be read")
    return None


def half_a_character(value: object, at: str = "") -> str | None:
    """The path of a field with a lone surrogate in parsed JSON; None if there is none.

    A JSON escape can hold one, and Python reads it. But it cannot be stored, published or answered.
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
    """The answer for `problem`, for a route that adds something to it, such as a cookie to delete."""
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
    # For a list with a bad item, pydantic also reports that the list is too short. The item's error says more.
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
    """What is wrong with a field, as a whole sentence. A form shows it beside the field."""
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
    """The position in a cursor of `encode_cursor`.

    Args:
        cursor: as the client sent it.
        fields: the exact names that the position must have.

    Raises:
        Problem: status 422 naming `cursor`; it is not a cursor of this list.
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
    """As `decode_cursor`, for a position in a table or index whose keys are all text."""
    position = decode_cursor(cursor, *fields)
    if position and not all(isinstance(value, str) and value for value in position.values()):
        raise invalid("cursor", "is not a cursor of this list")
    return position
