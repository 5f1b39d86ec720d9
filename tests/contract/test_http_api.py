"""The HTTP API: what the template routes, what the code answers and what the description says are the same."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from jsonschema import Draft202012Validator

from cart.domain import MAX_LINES, MAX_QUANTITY
from cloudretail.money import MAX_MINOR_UNITS, MAX_PRICE
from retail_ops.contract.openapi import described
from retail_ops.recording.samples import load
from retail_ops.stack import catalogue
from retail_ops.stack.template import Route
from tests.contract.deployed import Shop, shop, template
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS, STAFF_CLAIMS, Context, http_event

OPENAPI = json.loads((Path(__file__).parents[2] / "schemas" / "openapi.json").read_text())

EMAIL, CODE = "shopper@cloudretail.example", "123456"
PRODUCT = {
    "name": "Canvas backpack",
    "description": "Holds a laptop.",
    "category": "Bags",
    "price": {"amount": 5990, "currency": "SGD"},
}
BACKPACK = "canvas-backpack"


def _recorded_bodies() -> dict[str, Any]:
    """What a client sends, by the route: the body of the first recorded request that was accepted."""
    found: dict[str, Any] = {}
    for sample in load():
        if sample.answer in (200, 201, 202, 204) and sample.event.get("body"):
            found.setdefault(sample.event["routeKey"], json.loads(sample.event["body"]))
    return found


BODIES: Mapping[str, Any] = _recorded_bodies()


@dataclass(frozen=True)
class Operation:
    """An operation as the description has it."""

    route: Route
    described: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.described["operationId"])

    @property
    def group(self) -> str | None:
        """Whom it is for; None for every shopper."""
        if self.route.path.startswith("/api/admin/"):
            return "staff"
        # An account refuses its own owner too, such as who has not confirmed the address.
        refuses = "403" in self.described["responses"] and self.route.signed_in and self.described["tags"] != ["Auth"]
        return "operators" if refuses else None


def operations() -> list[Operation]:
    return [Operation(route, OPENAPI["paths"].get(route.path, {})[route.method.lower()]) for route in template().routes]


def ids(operation: Operation) -> str:
    return operation.id


with_id = pytest.mark.parametrize("operation", [each for each in operations() if "{" in each.route.path], ids=ids)
signed_in = pytest.mark.parametrize("operation", [each for each in operations() if each.route.signed_in], ids=ids)

CALLERS = {"shopper": SHOPPER_CLAIMS, "operators": OPERATOR_CLAIMS, "staff": STAFF_CLAIMS}
"""Claims by the group that somebody is in."""


@pytest.fixture(scope="module")
def a_shop() -> Iterator[Shop]:
    with pytest.MonkeyPatch.context() as environment, shop(environment) as running:
        yield running


def ask(
    a_shop: Shop,
    operation_id: str,
    *,
    claims: Mapping[str, str] | None = SHOPPER_CLAIMS,
    body: object = None,
    query: Mapping[str, str] | None = None,
    at: str = "nothing",
    key: str = "a-key",
) -> tuple[int, Any]:
    """Call an operation, as the gateway does, and hold its answer against the description.

    Args:
        a_shop: where.
        operation_id: which.
        claims: of the caller.
        body: in place of the recorded one.
        query: parameters.
        at: id of the product or order that stands in the path.
        key: of the request, where it is done once.

    Returns:
        Status and body.
    """
    (operation,) = [each for each in operations() if each.id == operation_id]
    path = re.sub(r"\{\w+\}", at, operation.route.path)
    event = http_event(
        operation.route.method,
        path,
        body=BODIES.get(f"{operation.route.method} {operation.route.path}") if body is None else body,
        claims=claims,
        headers={"Idempotency-Key": key},
        query=query,
    )
    answer = a_shop.invoke(operation.route.function, event, cast(LambdaContext, Context()))
    response = resolved(operation.described["responses"][str(answer["statusCode"])])
    if "content" not in response:
        assert not answer["body"]
        return answer["statusCode"], None
    # What the gateway itself answers is described beside it.
    content = response["content"][answer["headers"]["Content-Type"]]
    said = json.loads(answer["body"])
    Draft202012Validator(OPENAPI | content["schema"]).validate(said)
    return answer["statusCode"], said


def resolved(node: Any) -> Any:
    for step in node["$ref"].split("/")[1:] if "$ref" in node else ():
        node = OPENAPI[step] if step == "components" else node[step]
    return node


def test_the_template_routes_just_what_the_code_answers() -> None:
    answered = {
        (method.upper(), path, function)
        for function in {route.function for route in template().routes}
        for path, item in described(template().functions[function]["Handler"])["paths"].items()
        for method in item
    }
    assert answered == {(route.method, route.path, route.function) for route in template().routes}


def test_the_description_has_just_the_routes_of_the_template() -> None:
    documented = {
        (method.upper(), path, operation.get("security") == [{"bearer": []}])
        for path, item in OPENAPI["paths"].items()
        for method, operation in item.items()
    }
    assert documented == {(route.method, route.path, route.signed_in) for route in template().routes}


@pytest.mark.parametrize("operation", operations(), ids=ids)
def test_an_operation_is_described_for_people_and_for_generated_clients(operation: Operation) -> None:
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", operation.id)
    assert operation.described["summary"]
    assert len(operation.described["tags"]) == 1
    assert [each["name"] for each in operation.described.get("parameters", []) if each["in"] == "path"] == re.findall(
        r"\{(\w+)\}", operation.route.path
    )


@with_id
def test_an_id_with_characters_that_no_id_has_is_answered_as_described(a_shop: Shop, operation: Operation) -> None:
    claims = CALLERS[operation.group or "operators"]
    assert ask(a_shop, operation.id, claims=claims, at="\u00d7\u00f8\u009b")[0] == 404
    assert ask(a_shop, operation.id, claims=claims, at="\u0088\u0019")[0] == 404


@signed_in
def test_a_route_behind_the_authorizer_asks_who_is_calling_itself(a_shop: Shop, operation: Operation) -> None:
    status, problem = ask(a_shop, operation.id, claims=None)
    assert (status, problem["type"]) == (401, "urn:cloudretail:problem:unauthorized")


@signed_in
def test_the_gateways_own_refusal_is_described_as_it_is(operation: Operation) -> None:
    described = resolved(operation.described["responses"]["401"])
    Draft202012Validator(described["content"]["application/json"]["schema"]).validate({"message": "Unauthorized"})
    assert "application/problem+json" in described["content"]


@signed_in
def test_an_access_token_is_no_id_token(a_shop: Shop, operation: Operation) -> None:
    status, problem = ask(a_shop, operation.id, claims={**SHOPPER_CLAIMS, "token_use": "access"})
    assert (status, problem["type"]) == (401, "urn:cloudretail:problem:unauthorized")


@pytest.mark.parametrize(
    ("operation", "caller"),
    [(each, caller) for each in operations() if each.group for caller in CALLERS if caller != each.group],
    ids=lambda value: value if isinstance(value, str) else value.id,
)
def test_what_is_for_a_group_is_for_nobody_else(a_shop: Shop, operation: Operation, caller: str) -> None:
    status, problem = ask(a_shop, operation.id, claims=CALLERS[caller])
    assert (status, problem["type"]) == (403, f"urn:cloudretail:problem:{operation.group}-only")


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for path, item in OPENAPI["paths"].items() if path.startswith("/api/admin") for method in item],
    ids=lambda value: value,
)
def test_the_back_office_is_for_staff_alone(a_shop: Shop, method: str, path: str) -> None:
    operation_id = OPENAPI["paths"][path][method]["operationId"]

    answers = [ask(a_shop, operation_id, claims=claims) for claims in (None, SHOPPER_CLAIMS, OPERATOR_CLAIMS)]

    assert [(status, problem["type"].rpartition(":")[2]) for status, problem in answers] == [
        (401, "unauthorized"),
        (403, "staff-only"),
        (403, "staff-only"),
    ]


def test_every_answer_is_as_it_is_described(a_shop: Shop) -> None:
    assert ask(a_shop, "addProduct", claims=STAFF_CLAIMS, body=PRODUCT | {"productId": BACKPACK})[0] == 201
    assert ask(a_shop, "addProduct", claims=STAFF_CLAIMS, body=PRODUCT | {"productId": BACKPACK})[0] == 409
    assert ask(a_shop, "receiveGoods", claims=STAFF_CLAIMS, body={"quantity": 10}, at=BACKPACK)[0] == 201
    changed = PRODUCT | {"name": "Backpack", "version": 1}
    assert ask(a_shop, "replaceProduct", claims=STAFF_CLAIMS, body=changed, at=BACKPACK)[1]["version"] == 2
    changed = PRODUCT | {"name": "Bag", "version": 1}
    status, problem = ask(a_shop, "replaceProduct", claims=STAFF_CLAIMS, body=changed, at=BACKPACK)
    assert (status, problem["product"]["name"]) == (409, "Backpack")
    status, ticket = ask(a_shop, "uploadImage", claims=STAFF_CLAIMS, at=BACKPACK)
    assert (status, ticket["version"]) == (201, 3)
    images = {"version": 3, "images": [{"imageId": ticket["imageId"], "alt": "On a shoulder"}]}
    (image,) = ask(a_shop, "putImages", claims=STAFF_CLAIMS, body=images, at=BACKPACK)[1]["images"]
    assert (image["alt"], image["state"], image["why"]) == ("On a shoulder", "WAITING", None)
    assert ask(a_shop, "putImages", claims=STAFF_CLAIMS, body=images | {"images": [{}]}, at=BACKPACK)[0] == 422
    unlisted = ask(a_shop, "unlistProduct", claims=STAFF_CLAIMS, body={"version": 4}, at=BACKPACK)[1]
    assert ask(a_shop, "getStaffProduct", claims=STAFF_CLAIMS, at=BACKPACK) == (200, unlisted)
    assert ask(a_shop, "listStaffProducts", claims=STAFF_CLAIMS, query={"listed": "false"})[1]["items"] == [unlisted]
    assert ask(a_shop, "getProduct", claims=None, at=BACKPACK)[1]["listed"] is False
    assert ask(a_shop, "listProduct", claims=STAFF_CLAIMS, body={"version": 5}, at=BACKPACK)[1]["listed"] is True
    changes = ask(a_shop, "listProductChanges", claims=STAFF_CLAIMS, at=BACKPACK)[1]["items"]
    assert [each["kind"] for each in changes] == ["LISTED", "UNLISTED", "IMAGES", "IMAGE_ADDED", "TEXT", "CREATED"]

    assert ask(a_shop, "receiveGoods", claims=STAFF_CLAIMS, body={"quantity": 11}, at=BACKPACK)[0] == 422
    assert ask(a_shop, "adjustStock", claims=STAFF_CLAIMS, at="nothing")[0] == 404
    too_many = {"delta": -11, "reason": "COUNT"}
    assert ask(a_shop, "adjustStock", claims=STAFF_CLAIMS, body=too_many, at=BACKPACK, key="b-key")[0] == 409
    damaged = {"delta": -1, "reason": "DAMAGE"}
    assert ask(a_shop, "adjustStock", claims=STAFF_CLAIMS, body=damaged, at=BACKPACK, key="b-key")[1]["delta"] == -1
    found = {"delta": 1, "reason": "COUNT"}
    assert ask(a_shop, "adjustStock", claims=STAFF_CLAIMS, body=found, at=BACKPACK, key="c-key")[0] == 201
    assert ask(a_shop, "putThreshold", claims=STAFF_CLAIMS, body={"lowAt": 10}, at=BACKPACK)[1]["lowAt"] == 10
    assert ask(a_shop, "getStaffStock", claims=STAFF_CLAIMS, at=BACKPACK)[1]["writtenOff"] == 1
    (low,) = ask(a_shop, "listStock", claims=STAFF_CLAIMS, query={"low": "true"})[1]["items"]
    assert low["productId"] == BACKPACK
    movements = ask(a_shop, "listMovements", claims=STAFF_CLAIMS, at=BACKPACK)[1]["items"]
    assert [each["kind"] for each in movements] == ["THRESHOLD", "COUNT", "DAMAGE", "RECEIPT"]

    assert ask(a_shop, "listProducts", claims=None)[1]["items"][0]["images"] == []
    assert ask(a_shop, "listProducts", claims=None, query={"limit": "0"})[0] == 422
    assert ask(a_shop, "listCategories", claims=None)[1]["nextCursor"] is None
    assert ask(a_shop, "getProduct", claims=None, at=BACKPACK)[0] == 200
    assert ask(a_shop, "getProduct", claims=None)[0] == 404
    assert ask(a_shop, "getStock", claims=None, at=BACKPACK)[1] == {"productId": BACKPACK, "available": 10}

    assert ask(a_shop, "me")[1]["groups"] == []
    assert ask(a_shop, "getCart")[1]["items"] == []
    assert ask(a_shop, "putItem")[0] == 404
    assert ask(a_shop, "putItem", body={"quantity": "two"}, at=BACKPACK)[0] == 422
    assert ask(a_shop, "putItem", body={"quantity": 11}, at=BACKPACK)[0] == 409
    assert ask(a_shop, "putItem", body={"quantity": 2}, at=BACKPACK)[1]["version"] == 1
    assert ask(a_shop, "getShipping", claims=None)[1] == {"countries": [], "destination": None}
    zones, tax_rates = catalogue.load_rates()
    assert ask(a_shop, "putShippingRates", claims=STAFF_CLAIMS, body={"version": 0, "zones": zones})[0] == 200
    assert ask(a_shop, "putShippingRates", claims=STAFF_CLAIMS, body={"version": 0, "zones": zones})[0] == 409
    assert ask(a_shop, "putShippingRates", claims=STAFF_CLAIMS, body={"version": 1, "zones": zones * 2})[0] == 422
    assert ask(a_shop, "putTaxRates", claims=STAFF_CLAIMS, body={"version": 1, "rates": tax_rates})[0] == 200
    assert ask(a_shop, "getShippingRates", claims=STAFF_CLAIMS)[1]["version"] == 2
    assert ask(a_shop, "getTaxRates", claims=STAFF_CLAIMS)[1]["rates"] == tax_rates
    subtotal = str(ask(a_shop, "getCart")[1]["total"]["amount"])
    query = {"country": "SG", "subtotal": subtotal}
    (standard, *_) = ask(a_shop, "getShipping", claims=None, query=query)[1]["destination"]["options"]
    assert (
        ask(a_shop, "getShipping", claims=None, query={"country": "US"})[1]["destination"]["state"]["label"] == "State"
    )
    assert ask(a_shop, "getShipping", claims=None, query={"country": "Singapore"})[0] == 422

    checkout = {**BODIES["POST /api/orders"], "paymentMethod": "COD", "total": standard["total"]}
    assert ask(a_shop, "checkOut", body={**checkout, "cartVersion": 7})[0] == 409
    status, order = ask(a_shop, "checkOut", body={**checkout, "cartVersion": 1})
    assert (status, order["status"]) == (202, "PENDING")
    assert ask(a_shop, "mergeCart")[1]["skipped"] == []
    assert ask(a_shop, "removeItem", at=BACKPACK)[1]["items"] == []
    assert ask(a_shop, "clearCart")[0] == 200

    assert [each["orderId"] for each in ask(a_shop, "listOrders")[1]["items"]] == [order["orderId"]]
    assert [each["orderId"] for each in ask(a_shop, "findOrders", claims=STAFF_CLAIMS)[1]["items"]] == [
        order["orderId"]
    ]
    assert ask(a_shop, "findOrders", claims=STAFF_CLAIMS, query={"q": "backpack"})[0] == 422
    assert ask(a_shop, "getStaffOrder", claims=STAFF_CLAIMS, at=order["orderId"])[1]["actions"] == ["cancel"]
    assert ask(a_shop, "getStaffOrder", claims=STAFF_CLAIMS)[0] == 404
    customer = ask(a_shop, "findCustomer", claims=STAFF_CLAIMS, query={"email": SHOPPER_CLAIMS["email"]})[1]
    assert [each["orderId"] for each in customer["orders"]] == [order["orderId"]]
    assert ask(a_shop, "findCustomer", claims=STAFF_CLAIMS)[0] == 422
    assert ask(a_shop, "getStaffPayment", claims=STAFF_CLAIMS, at=order["orderId"])[0] == 404
    assert ask(a_shop, "getOrder", at=order["orderId"])[1]["reservedUntil"] is None
    assert ask(a_shop, "getOrder")[0] == 404
    assert ask(a_shop, "getPayment", at=order["orderId"])[1]["status"] == "WAITING"
    assert ask(a_shop, "pay", at=order["orderId"])[1]["status"] == "OPEN"
    assert ask(a_shop, "getStaffPayment", claims=STAFF_CLAIMS, at=order["orderId"])[1]["total"] is None
    assert ask(a_shop, "cancelOrder", at=order["orderId"])[1]["status"] == "CANCELLED"
    assert ask(a_shop, "pay", at=order["orderId"])[0] == 409


def test_the_dearest_cart_can_still_be_looked_at(a_shop: Shop) -> None:
    dearest = {"productId": "crown", "price": {"amount": MAX_PRICE, "currency": "SGD"}}
    assert ask(a_shop, "addProduct", claims=STAFF_CLAIMS, body=PRODUCT | dearest)[0] == 201
    assert ask(a_shop, "receiveGoods", claims=STAFF_CLAIMS, body={"quantity": MAX_QUANTITY}, at="crown")[0] == 201
    collector = {**SHOPPER_CLAIMS, "sub": "collector"}
    status, cart = ask(a_shop, "putItem", claims=collector, body={"quantity": MAX_QUANTITY}, at="crown")
    assert (status, cart["total"]["amount"]) == (200, MAX_PRICE * MAX_QUANTITY)
    assert MAX_PRICE * MAX_QUANTITY * MAX_LINES <= MAX_MINOR_UNITS
