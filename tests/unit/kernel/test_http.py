"""What every service's API does with what it is sent, and what its client gets when something is wrong."""

import base64
import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, cast

import pytest
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as some
from pydantic import Field

from cloudretail.errors import Conflict, Contention, NotFound, Problem, Transient, invalid
from cloudretail.http import (
    MAX_BODY,
    Api,
    Cursor,
    IdempotencyKey,
    IdInPath,
    Limit,
    Page,
    answers,
    decode_cursor,
    encode_cursor,
    no_content,
)
from cloudretail.limits import Limited, Rate, RateLimit
from cloudretail.model import Model, RequestModel
from cloudretail.telemetry import count
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS, STAFF_CLAIMS, Context, http_event
from tests.support.wire import everything_printed

KEY = {"Idempotency-Key": "key-1"}


class Line(RequestModel):
    product_id: Annotated[str, Field(min_length=1)]
    quantity: Annotated[int, Field(ge=1)]


class Basket(RequestModel):
    lines: tuple[Line, ...]
    note: str = ""


class Accepted(Model):
    basket_id: str
    line_count: int


class Shelf:
    """An API as a service has one, and the baskets that it let through."""

    def __init__(self) -> None:
        self.baskets: list[Basket] = []
        self.api = api = Api()
        self.raises: Exception | None = None

        @api.post("/api/baskets/<basket_id>", status_code=202, responses=answers(HTTPStatus.ACCEPTED))
        def put(basket_id: IdInPath, body: Basket, key: IdempotencyKey) -> Accepted:
            if self.raises:
                raise self.raises
            self.baskets.append(body)
            return Accepted(basket_id=f"{basket_id}:{key}", line_count=len(body.lines))

        @api.get("/api/baskets")
        def page(limit: Limit = 20, cursor: Cursor = None) -> Page[Accepted]:
            return Page(items=(Accepted(basket_id=cursor or "first", line_count=limit),))

        @api.get("/api/broken")
        def broken() -> Accepted:
            return cast(Accepted, {"lineCount": "secret of the inside"})

        @api.delete("/api/baskets")
        def empty() -> Response[None]:
            count("Emptied")
            return no_content()

        @api.get("/api/caller")
        def caller() -> dict[str, str]:
            return {"id": api.caller.user_id}

        @api.get("/api/operator")
        def operator() -> dict[str, str]:
            return {"id": api.operator.user_id}

        @api.get("/api/anybody")
        def anybody() -> dict[str, str | None]:
            return {"id": api.optional_caller.user_id if api.optional_caller else None}

        @api.get("/api/cause")
        def cause() -> dict[str, str]:
            return {"id": api.cause.id, "traceparent": api.cause.traceparent}

    def send(self, event: dict[str, Any]) -> "Answer":
        return Answer(self.api.handle(event, cast(LambdaContext, Context())))

    def get(self, path: str, **options: Any) -> "Answer":
        return self.send(http_event("GET", f"/api/{path}", **options))

    def put(self, body: object = None, *, basket: str = "b-1", **options: Any) -> "Answer":
        return self.send(http_event("POST", f"/api/baskets/{basket}", body=body, headers=KEY, **options))


class Answer:
    def __init__(self, answer: dict[str, Any]) -> None:
        self.status = int(answer["statusCode"])
        self.headers: dict[str, str] = answer["headers"]
        self.text: str = answer["body"]
        json.dumps(answer)  # as the runtime will

    @property
    def body(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.text)
        return parsed

    @property
    def problem(self) -> tuple[int, str]:
        """Status and type of a problem, whose form is checked."""
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.body["status"] == self.status
        assert self.body["title"]
        assert self.body["detail"]
        return self.status, self.body["type"].removeprefix("urn:cloudretail:problem:")

    @property
    def errors(self) -> dict[str, str]:
        return {error["field"]: error["message"] for error in self.body["errors"]}


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


GOOD = {"lines": [{"productId": "p-1", "quantity": 2}]}


class TestGoodRequests:
    def test_are_answered_in_camel_case_with_the_status_of_the_route(self, shelf: Shelf) -> None:
        answer = shelf.put(GOOD)
        assert (answer.status, answer.body) == (202, {"basketId": "b-1:key-1", "lineCount": 1})
        assert answer.headers["Content-Type"] == "application/json"

    @pytest.mark.parametrize(
        "content_type",
        ["application/json", "application/json; charset=utf-8", "Application/JSON", " APPLICATION/JSON ;Charset=UTF-8"],
    )
    def test_may_name_a_charset_and_write_the_type_in_any_case(self, shelf: Shelf, content_type: str) -> None:
        event = http_event("POST", "/api/baskets/b", body=GOOD, headers=KEY | {"content-type": content_type})
        assert shelf.send(event).status == 202

    def test_may_write_a_character_in_two_halves(self, shelf: Shelf) -> None:
        assert shelf.put(raw_body=r'{"lines": [], "note": "\ud83d\ude00"}').status == 202
        assert shelf.baskets[0].note == "\U0001f600"

    def test_may_come_in_base64(self, shelf: Shelf) -> None:
        event = http_event("POST", "/api/baskets/b", body=GOOD, headers=KEY)
        encoded = base64.b64encode(event["body"].encode()).decode()
        assert shelf.send(event | {"body": encoded, "isBase64Encoded": True}).status == 202

    def test_may_be_as_long_as_the_limit(self, shelf: Shelf) -> None:
        body = json.dumps(GOOD | {"note": ""})
        longest = body.replace('""', f'"{"x" * (MAX_BODY - len(body))}"')
        assert len(longest) == MAX_BODY
        assert shelf.put(raw_body=longest).status == 202

    def test_without_an_answer_have_an_empty_body(self, shelf: Shelf) -> None:
        answer = shelf.send(http_event("DELETE", "/api/baskets"))
        assert (answer.status, answer.text) == (204, "")

    def test_get_the_defaults_of_a_page(self, shelf: Shelf) -> None:
        assert shelf.get("baskets").body == {"items": [{"basketId": "first", "lineCount": 20}], "nextCursor": None}


class TestBadRequests:
    """Each is told what is wrong, and none reaches the service."""

    @pytest.fixture(autouse=True)
    def nothing_got_through(self, shelf: Shelf) -> Any:
        yield
        assert shelf.baskets == []

    def test_name_every_field_at_once(self, shelf: Shelf) -> None:
        body = {"lines": [{"productId": "p", "quantity": 0}, {"quantity": "two"}], "nots": "misspelt"}
        answer = shelf.send(http_event("POST", "/api/baskets/b", body=body))
        assert answer.problem == (422, "invalid-input")
        assert answer.errors == {
            "idempotency-key": "This field is required.",
            "lines.0.quantity": "Input should be greater than or equal to 1.",
            "lines.1.productId": "This field is required.",
            "lines.1.quantity": "Input should be a valid integer, unable to parse string as an integer.",
            "nots": "Extra inputs are not permitted.",
        }
        assert answer.body["detail"].count("; ") == 4

    def test_with_a_field_left_blank_are_told_so(self, shelf: Shelf) -> None:
        answer = shelf.send(http_event("POST", "/api/baskets/b", body={"lines": [{"productId": "", "quantity": 1}]}))
        assert answer.errors["lines.0.productId"] == "This field is required."

    @pytest.mark.parametrize("body", [None, "null"])
    def test_without_a_body_are_told_so(self, shelf: Shelf, body: str | None) -> None:
        answer = shelf.put(raw_body=body)
        assert (answer.problem, answer.errors) == ((422, "invalid-input"), {"body": "This field is required."})

    @pytest.mark.parametrize("body", ["[]", '"text"', "7", "[1]"])
    def test_of_another_shape_are_told_so(self, shelf: Shelf, body: str) -> None:
        answer = shelf.put(raw_body=body)
        assert answer.problem == (422, "invalid-input")

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("{", "is not JSON (at character 1)"),
            ("lines=1", "is not JSON (at character 0)"),
            ('{"lines": [}', "is not JSON (at character 11)"),
            ("[" * 60_000, "is not JSON that can be read"),
            ('{"lines": ' + "9" * 5_000 + "}", "is not JSON that can be read"),
            ('{"note": "\ud800"}', "is not JSON that can be read"),
        ],
        ids=["cut off", "a form", "misplaced", "nested without end", "an endless number", "half a character"],
    )
    def test_that_are_no_json_are_told_where(self, shelf: Shelf, body: str, message: str) -> None:
        answer = shelf.put(raw_body=body)
        assert (answer.problem, answer.errors) == ((400, "malformed-json"), {"body": message})

    @pytest.mark.parametrize("body", [base64.b64encode(b'{"note": "\xff"}').decode(), "%%%"])
    def test_of_bytes_that_are_no_text_are_malformed(self, shelf: Shelf, body: str) -> None:
        event = http_event("POST", "/api/baskets/b", raw_body=body, headers=KEY)
        assert shelf.send(event | {"isBase64Encoded": True}).problem == (400, "malformed-json")

    @pytest.mark.parametrize("body", ["x" * (MAX_BODY + 1), '"' + "€" * (MAX_BODY // 3) + '"'])
    def test_over_the_limit_are_refused_before_they_are_parsed(self, shelf: Shelf, body: str) -> None:
        answer = shelf.put(raw_body=body)
        assert answer.problem == (413, "body-too-large")
        assert str(MAX_BODY) in answer.body["detail"]

    @pytest.mark.parametrize(
        "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]
    )
    def test_of_another_type_are_told_which_to_send(self, shelf: Shelf, content_type: str) -> None:
        event = http_event("POST", "/api/baskets/b", body=GOOD, headers=KEY | {"content-type": content_type})
        answer = shelf.send(event)
        assert (answer.problem, answer.body["detail"]) == ((415, "unsupported-media-type"), "Send application/json.")

    @pytest.mark.parametrize(
        ("raw_body", "field"),
        [
            (r'{"lines": [], "note": "\ud800"}', "note"),
            (r'{"lines": [], "note": "\uDFFF and more"}', "note"),
            (r'{"lines": [], "note": "\udc00\ud800 the wrong way round"}', "note"),
            (r'{"lines": [{"productId": "p"}, {"productId": "\ud83d"}]}', "lines.1.productId"),
            (r'{"lines": [], "\ud800": 1}', "body"),
            (r'{"lines": [{"\ud800": 1}]}', "lines.0"),
            (r'"\ud800"', "body"),
        ],
    )
    def test_with_half_a_character_name_the_field(self, shelf: Shelf, raw_body: str, field: str) -> None:
        answer = shelf.put(raw_body=raw_body)
        assert (answer.problem, set(answer.errors)) == ((422, "invalid-input"), {field})
        assert not shelf.baskets

    @pytest.mark.parametrize("key", ["", "two words", "x" * 129, "tab\t"])
    def test_with_what_is_no_idempotency_key_name_the_header(self, shelf: Shelf, key: str) -> None:
        answer = shelf.send(http_event("POST", "/api/baskets/b", body=GOOD, headers={"Idempotency-Key": key}))
        assert (answer.status, set(answer.errors)) == (422, {"idempotency-key"})

    def test_with_what_is_no_id_name_it(self, shelf: Shelf) -> None:
        answer = shelf.put(GOOD, basket="b%20c")
        assert (answer.status, set(answer.errors)) == (422, {"basket_id"})

    @pytest.mark.parametrize("limit", ["0", "101", "-1", "many", "1.5", ""])
    def test_with_what_is_no_limit_name_it(self, shelf: Shelf, limit: str) -> None:
        answer = shelf.get("baskets", query={"limit": limit})
        assert (answer.status, set(answer.errors)) == (422, {"limit"})

    def test_to_nowhere_are_told_so(self, shelf: Shelf) -> None:
        assert shelf.get("nowhere").problem == (404, "not-found")
        assert shelf.send(http_event("DELETE", "/api/caller")).problem == (404, "not-found")


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "of the inside"}}, "GetItem")


class TestFailures:
    @pytest.mark.parametrize(
        ("raised", "status", "type"),
        [
            (NotFound("order"), 404, "not-found"),
            (Conflict("price-changed", "The price has changed."), 409, "price-changed"),
            (invalid("quantity", "is too much"), 422, "invalid-input"),
            (Problem(HTTPStatus.FORBIDDEN, "operators-only", "No."), 403, "operators-only"),
        ],
    )
    def test_that_a_service_means_are_answered_as_it_says(
        self, shelf: Shelf, raised: Exception, status: int, type: str
    ) -> None:
        shelf.raises = raised
        assert shelf.put(GOOD).problem == (status, type)

    def test_carry_what_a_service_adds(self, shelf: Shelf) -> None:
        shelf.raises = Conflict("price-changed", "The price has changed.", lines=["p-1"])
        answer = shelf.put(GOOD)
        assert (answer.body["lines"], answer.body["detail"]) == (["p-1"], "The price has changed.")
        assert "errors" not in answer.body

    @pytest.mark.parametrize(
        "raised",
        [
            Transient("of the inside"),
            Contention("of the inside"),
            _refusal("ThrottlingException"),
            _refusal("TransactionConflictException"),
            EndpointConnectionError(endpoint_url="of the inside"),
        ],
    )
    def test_that_may_pass_ask_for_another_try(self, shelf: Shelf, raised: Exception) -> None:
        shelf.raises = raised
        answer = shelf.put(GOOD)
        assert (answer.problem, answer.headers["Retry-After"]) == ((503, "try-again"), "1")
        assert "of the inside" not in answer.text

    @pytest.mark.parametrize(
        "raised", [KeyError("of the inside"), _refusal("AccessDeniedException"), RecursionError("of the inside")]
    )
    def test_that_nobody_expected_say_nothing_of_the_inside_and_are_logged(
        self, shelf: Shelf, raised: Exception, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shelf.raises = raised
        printed = everything_printed(monkeypatch)
        answer = shelf.put(GOOD)
        assert answer.problem == (500, "internal-error")
        assert "inside" not in answer.text
        assert "of the inside" in printed.getvalue()
        assert '"request_id":"request-1"' in printed.getvalue()

    def test_of_an_answer_against_its_own_model_are_ours(self, shelf: Shelf) -> None:
        answer = shelf.get("broken")
        assert answer.problem == (500, "internal-error")
        assert "inside" not in answer.text

    def test_ask_for_patience_when_there_were_too_many_requests(self, shelf: Shelf) -> None:
        shelf.raises = Problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", "Later.")
        assert shelf.put(GOOD).headers["Retry-After"] == "1"


class TestHeaders:
    def test_may_be_written_in_any_case(self, shelf: Shelf) -> None:
        event = http_event("POST", "/api/baskets/b-1", body=GOOD)
        event["headers"] = {"Content-Type": "application/json", "IDEMPOTENCY-KEY": "key-1"}
        assert shelf.send(event).status == 202


class TestWhoIsCalling:
    def test_is_read_from_the_authorizer(self, shelf: Shelf) -> None:
        assert shelf.get("caller", claims=SHOPPER_CLAIMS).body == {"id": "user-1"}

    @pytest.mark.parametrize("claims", [None, {}])
    def test_must_be_somebody(self, shelf: Shelf, claims: dict[str, str] | None) -> None:
        assert shelf.get("caller", claims=claims).problem == (401, "unauthorized")

    def test_must_have_an_id_token(self, shelf: Shelf) -> None:
        access = {"sub": "user-1", "token_use": "access", "cognito:groups": "[operators]"}
        for path in ("caller", "operator"):
            assert shelf.get(path, claims=access).problem == (401, "unauthorized")

    def test_must_be_an_operator_where_only_they_may(self, shelf: Shelf) -> None:
        assert shelf.get("operator", claims=OPERATOR_CLAIMS).body == {"id": "operator-1"}
        assert shelf.get("operator", claims=SHOPPER_CLAIMS).problem == (403, "operators-only")
        assert shelf.get("operator").problem == (401, "unauthorized")

    def test_may_be_nobody_where_strangers_are_answered_too(self, shelf: Shelf) -> None:
        assert shelf.get("anybody").body == {"id": None}


class TestCauses:
    def test_are_the_request_and_its_trace(self, shelf: Shelf) -> None:
        traced = shelf.get("cause", headers={"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678;Sampled=1"})
        assert traced.body["id"] == "request-1"
        assert traced.body["traceparent"].startswith("00-67891233abcdef012345678912345678-")

    def test_have_a_trace_without_x_ray_too(self, shelf: Shelf) -> None:
        first, second = shelf.get("cause").body, shelf.get("cause").body
        assert first["traceparent"].startswith("00-")
        assert first == second


def test_what_an_invocation_counts_is_printed_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = everything_printed(monkeypatch)
    shelf.send(http_event("DELETE", "/api/baskets"))
    shelf.get("baskets")
    (line,) = [line for line in printed.getvalue().splitlines() if "Emptied" in line]
    assert json.loads(line)["Emptied"] == [1.0]


class TestCursors:
    @given(some.dictionaries(some.sampled_from(["productId", "name"]), some.text(), min_size=2))
    def test_come_back_as_the_position_that_they_were_made_of(self, position: dict[str, str]) -> None:
        cursor = encode_cursor(position)
        assert cursor
        assert cursor.replace("-", "").replace("_", "").isalnum()
        assert decode_cursor(cursor, "productId", "name") == position

    def test_are_missing_at_either_end_of_a_list(self) -> None:
        assert encode_cursor(None) is None
        assert decode_cursor(None, "productId") is None

    @given(some.text(max_size=60))
    def test_of_other_making_are_refused_and_named(self, cursor: str) -> None:
        with pytest.raises(Problem) as refused:
            decode_cursor(cursor, "productId")
        assert refused.value.status == 422
        assert refused.value.errors == [{"field": "cursor", "message": "is not a cursor of this list"}]

    @pytest.mark.parametrize(
        "position", [{}, {"orderId": "1"}, {"productId": "1", "userId": "somebody-else"}, {"productId": "\ud800"}]
    )
    def test_of_another_list_are_refused(self, position: dict[str, str]) -> None:
        with pytest.raises(Problem, match="cursor"):
            decode_cursor(encode_cursor(position), "productId")


def test_a_problem_is_described_where_a_route_says_that_it_may_occur() -> None:
    documented = answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND)
    assert set(documented) == {200, 404}
    assert "application/problem+json" in documented[404]["content"]


def test_who_tries_too_often_is_told_what_is_limited_and_until_when(shelf: Shelf) -> None:
    until = datetime.now(UTC) + timedelta(seconds=90)
    shelf.raises = Limited(RateLimit("log-in", "Too many attempts to log in.", Rate(5, 50, 900)), until)
    answer = shelf.put({"lines": []})
    assert answer.status == 429
    assert answer.body == {
        "type": "urn:cloudretail:problem:too-many-requests",
        "title": "Too many requests",
        "status": 429,
        "detail": "Too many attempts to log in.",
        "limit": "log-in",
        "until": until.isoformat(),
    }
    assert 88 <= int(answer.headers["Retry-After"]) <= 90


class TestWhatNobodyOnTheWayMayKeep:
    """A proxy or a browser's cache would show it to the next person."""

    @pytest.mark.parametrize(
        "event",
        [
            http_event("POST", "/api/baskets/b", body=GOOD, headers=KEY),
            http_event("POST", "/api/baskets/b", raw_body="{", headers=KEY),
            http_event("DELETE", "/api/baskets"),
            http_event("GET", "/api/baskets", headers={"authorization": "Bearer token"}),
            http_event("GET", "/api/baskets", cookies=["session=1"]),
            http_event("GET", "/api/baskets", headers={"cookie": "session=1"}),
            http_event("GET", "/api/nowhere", headers={"authorization": "Bearer token"}),
        ],
        ids=["a change", "a refused change", "no content", "a token", "a cookie", "a cookie of the emulator", "a 404"],
    )
    def test_is_the_answer_to_who_says_who_they_are_and_to_every_change(
        self, shelf: Shelf, event: dict[str, Any]
    ) -> None:
        assert shelf.send(event).headers["Cache-Control"] == "no-store"

    def test_is_not_what_everybody_is_shown(self, shelf: Shelf) -> None:
        assert "Cache-Control" not in shelf.get("baskets").headers


@pytest.fixture
def long_page(shelf: Shelf) -> dict[str, Any]:
    """A request whose answer is long."""
    shelf.api.get("/api/long")(lambda: {"text": "lamp " * 1000})
    return http_event("GET", "/api/long")


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip", "deflate, gzip;q=0.5", "*", "GZIP"])
def test_a_long_answer_is_compressed_for_who_takes_it(shelf: Shelf, long_page: dict[str, Any], accepted: str) -> None:
    long_page["headers"]["accept-encoding"] = accepted
    answer = shelf.api.handle(long_page, cast(LambdaContext, Context()))
    assert (answer["isBase64Encoded"], answer["headers"]["Content-Encoding"]) == (True, "gzip")
    assert answer["headers"]["Vary"] == "Accept-Encoding"
    assert json.loads(gzip.decompress(base64.b64decode(answer["body"]))) == {"text": "lamp " * 1000}
    assert len(answer["body"]) < 1000


@pytest.mark.parametrize("accepted", ["", "br", "identity", "gzip;q=0", "gzip; q=0.0, br"])
def test_a_long_answer_is_plain_for_everybody_else(shelf: Shelf, long_page: dict[str, Any], accepted: str) -> None:
    long_page["headers"]["accept-encoding"] = accepted
    answer = shelf.api.handle(long_page, cast(LambdaContext, Context()))
    assert json.loads(answer["body"]) == {"text": "lamp " * 1000}
    assert answer["headers"]["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in answer["headers"]


def test_a_short_answer_is_not_worth_compressing(shelf: Shelf) -> None:
    event = http_event("GET", "/api/baskets", headers={"accept-encoding": "gzip"})
    answer = shelf.api.handle(event, cast(LambdaContext, Context()))
    assert json.loads(answer["body"])["items"]
    assert not answer.get("isBase64Encoded")


@pytest.mark.parametrize("stage", ["$default", "prod"])
def test_a_path_of_the_back_office_is_staffs_whatever_the_gateways_stage_puts_before_it(
    shelf: Shelf, stage: str
) -> None:
    shelf.api.get("/api/admin/shelves")(lambda: {"shelf": "top"})

    def look(claims: Mapping[str, str]) -> int:
        event = http_event("GET", "/api/admin/shelves", claims=claims)
        event["requestContext"]["stage"] = stage
        event["rawPath"] = event["rawPath"] if stage == "$default" else f"/{stage}{event['rawPath']}"
        return int(shelf.api.handle(event, cast(LambdaContext, Context()))["statusCode"])

    assert (look(SHOPPER_CLAIMS), look(OPERATOR_CLAIMS), look(STAFF_CLAIMS)) == (403, 403, 200)
