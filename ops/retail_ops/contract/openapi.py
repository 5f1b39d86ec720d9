"""The OpenAPI description of the whole HTTP API, merged from each service's description of its own routes."""

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from importlib import import_module
from typing import Any

from retail_ops.contract.json_schema import Json, camel, component, tidied, tidy
from retail_ops.stack.template import Template

INFO: Json = {
    "title": "CloudRetail",
    "version": "1.0.0",
    "description": (
        "The storefront's API. Errors are problem details (RFC 9457) with a stable `type`; what the gateway itself "
        "answers (401, 404, 429, 503) is plain. Money is an integer of minor units."
    ),
}
BEARER: Json = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The `idToken` that login and refresh answer.",
}
PROBLEM: Json = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
PROBLEM_MODELS = ("ProblemDetails", "FieldError")

# The statuses of every operation; of one with a body; of one with any input; of one with an id in its path, where
# invalid characters give a path without a route.
ALWAYS = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
WITH_BODY = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
WITH_INPUT = (HTTPStatus.UNPROCESSABLE_ENTITY,)
WITH_ID = (HTTPStatus.NOT_FOUND,)

BEHIND_AUTHORIZER = "UnauthorizedBehindAuthorizer"
GATEWAY_REFUSAL: Json = {
    "description": (
        "Unauthorized. The gateway itself refuses a token that is missing, expired or not the shop's, in its own plain "
        "form; the service refuses one that is no ID token, as a problem."
    ),
    "headers": {"WWW-Authenticate": {"description": "By the gateway alone.", "schema": {"type": "string"}}},
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"message": {"type": "string", "examples": ["Unauthorized"]}},
                "required": ["message"],
            }
        },
        **PROBLEM,
    },
}


def openapi(template: Template) -> Json:
    """The OpenAPI 3.1 description of every route that the template declares.

    Args:
        template: its functions with routes, and the routes that require a token.

    Raises:
        ValueError: two services have different components with the same name, or two operations have the same id.
    """
    signed_in = {(route.method, route.path): route.signed_in for route in template.routes}
    paths: dict[str, Json] = {}
    schemas: Json = {}
    for function in sorted({route.function for route in template.routes}):
        description = described(template.functions[function]["Handler"])
        for name, schema in description["components"]["schemas"].items():
            if schemas.setdefault(name, schema) != schema:
                raise ValueError(f"Two services mean something else by the component {name}: rename one")
        for path, item in description["paths"].items():
            for method, operation in item.items():
                behind_authorizer = signed_in.get((method.upper(), path), False)
                paths.setdefault(path, {})[method] = _complete(operation, behind_authorizer)
    problems = _problems(paths)
    used = set(_reachable([paths, problems], schemas))
    schemas = {name: schema for name, schema in schemas.items() if name in used}
    ids = [operation["operationId"] for item in paths.values() for operation in item.values()]
    if twice := {each for each in ids if ids.count(each) > 1}:
        raise ValueError(f"Two operations are called {', '.join(twice)}")
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/", "description": "Wherever the storefront is: one origin."}],
        "paths": paths,
        "components": {
            "responses": problems,
            "schemas": _answered_in_full(paths, schemas),
            "securitySchemes": {"bearer": BEARER},
        },
    }


def described(handler: str) -> Json:
    """One service's own description of its routes, with names as clients see them.

    Args:
        handler: of the function, such as `orders.api.handler`; `api` beside it has the routes.

    Returns:
        `paths` and `components`.
    """
    api = import_module(handler.rpartition(".")[0]).api
    schema = json.loads(api.get_openapi_schema(title="", version="").model_dump_json(by_alias=True, exclude_none=True))
    components = {component(name): tidy(each) for name, each in schema["components"]["schemas"].items()}
    # Names of scalars (`Quantity`) are for readers of the code only: two services may use one for different types.
    scalars = {name: each for name, each in components.items() if each.get("type") != "object" and "enum" not in each}
    paths = {
        re.sub(r"\{(\w+)\}", lambda parameter: "{" + camel(parameter[1]) + "}", path): {
            method: _operation(path, method, operation) for method, operation in item.items()
        }
        for path, item in schema["paths"].items()
    }
    named = {name: each for name, each in components.items() if name not in scalars}
    inlined: Json = _inlined({"paths": paths, "components": {"schemas": named}}, scalars)
    return inlined


def _operation(path: str, method: str, operation: Json) -> Json:
    """Powertools' description of an operation, tidied for clients."""
    # Powertools makes an id of function, path and method. The function's name alone is better as a client's method.
    suffix = re.sub(r"\W", "_", path) + "_" + method
    operation["operationId"] = camel(operation["operationId"].removesuffix(suffix))
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            parameter["name"] = camel(parameter["name"])
        if parameter["in"] == "header":
            parameter["name"] = parameter["name"].title()
        parameter["schema"] = _without_null(tidy(parameter["schema"]))
        parameter["schema"].pop("description", None)
    operation["responses"] = {
        status: {"description": response["description"]} if status == "204" else response
        for status, response in operation["responses"].items()
        # Powertools describes its own validation errors, but the shop answers problems instead.
        if "ValidationError" not in json.dumps(response)
    }
    return tidied(operation)


def _complete(operation: Json, signed_in: bool) -> Json:
    """The operation with its security, and with the problems that follow from its input."""
    body, parameters = "requestBody" in operation, operation.get("parameters", [])
    problems = [*ALWAYS]
    problems += WITH_BODY if body else ()
    problems += WITH_INPUT if body or parameters else ()
    problems += WITH_ID if any(parameter["in"] == "path" for parameter in parameters) else ()
    responses = operation["responses"] | {str(status.value): _problem(status) for status in problems}
    for status, response in operation["responses"].items():
        if response.get("content") == PROBLEM:
            responses[status] = _problem(HTTPStatus(int(status)))
    if signed_in:
        responses["401"] = {"$ref": f"#/components/responses/{BEHIND_AUTHORIZER}"}
    return operation | {"responses": responses} | ({"security": [{"bearer": []}]} if signed_in else {})


def _problem(status: HTTPStatus) -> Json:
    return {"$ref": f"#/components/responses/{_name(status)}"}


def _name(status: HTTPStatus) -> str:
    return status.phrase.title().replace(" ", "")


def _problems(paths: Mapping[str, Json]) -> Json:
    """The responses that `paths` refer to, by name."""
    answered = {status for item in paths.values() for operation in item.values() for status in operation["responses"]}
    statuses = [HTTPStatus(int(status)) for status in answered if int(status) >= HTTPStatus.BAD_REQUEST]
    problems: Json = {_name(status): {"description": status.phrase, "content": PROBLEM} for status in statuses}
    return problems | {BEHIND_AUTHORIZER: GATEWAY_REFUSAL}


def _answered_in_full(paths: Mapping[str, Json], schemas: Json) -> Json:
    """Components that occur in answers only, with all members required: they are always present, though maybe null."""
    sent = set(_reachable([op.get("requestBody") for item in paths.values() for op in item.values()], schemas))
    full = {}
    for name, schema in schemas.items():
        if "properties" in schema and name not in sent and name not in PROBLEM_MODELS:
            schema = schema | {"required": list(schema["properties"])}
        full[name] = schema
    return full


def _reachable(node: Any, schemas: Json) -> Iterator[str]:
    """Names of the components that `node` refers to, directly or indirectly."""
    todo, found = list(_references(node)), set[str]()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += _references(schemas[name])
    yield from found


def _references(node: Any) -> Iterator[str]:
    for part in _nodes(node):
        if "$ref" in part and "/schemas/" in part["$ref"]:
            yield part["$ref"].rpartition("/")[2]


def _nodes(node: Any) -> Iterator[Json]:
    match node:
        case dict():
            yield node
            for value in node.values():
                yield from _nodes(value)
        case list():
            for value in node:
                yield from _nodes(value)


def _inlined(node: Any, scalars: Mapping[str, Json]) -> Any:
    """`node` with each reference to one of `scalars` replaced by what it refers to."""
    match node:
        case {"$ref": str(reference), **others} if reference.rpartition("/")[2] in scalars:
            return scalars[reference.rpartition("/")[2]] | others
        case dict():
            return {key: _inlined(value, scalars) for key, value in node.items()}
        case list():
            return [_inlined(value, scalars) for value in node]
        case _:
            return node


def _without_null(schema: Json) -> Json:
    """The schema of an optional parameter, which can be left out but not be null."""
    match schema:
        case {"anyOf": [dict(value), {"type": "null"}], **rest}:
            return value | rest
        case _:
            return schema
