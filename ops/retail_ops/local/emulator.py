"""The AWS emulator's process: `python -m retail_ops.local.emulator`, configured by the environment as ministack is.

It is ministack's application on a server of its own, for two reasons: where it listens (on this machine, and where
Docker is, on Docker's bridge as well, which is how the container of `sam local invoke` reaches it), and since uvicorn
with its parser and event loop in C needs two fifths less of the processor for a call than ministack's own server does,
which is what limits a local shop. In front of it stands `retail_ops.local.guard`.
"""

import json
import os
import re
import resource
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hmac import compare_digest
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import psutil
import uvicorn

from retail_ops.local import faults
from retail_ops.local.capacity import Index, Table
from retail_ops.local.conflicts import Conflicts
from retail_ops.local.faults import Fault, Faults
from retail_ops.local.guard import Application, Guard, storefront_origins
from retail_ops.local.meter import Meter, Tables
from retail_ops.stack.tracebacks import brief

BRIDGE = "docker0"


def bridges() -> Iterator[IPv4Interface]:
    """This machine's addresses on the network of Docker's containers."""
    for found in psutil.net_if_addrs().get(BRIDGE, ()):
        if found.family == socket.AF_INET:
            yield IPv4Interface(f"{found.address}/{found.netmask}")


def addresses() -> Iterator[str]:
    """Where to listen: nowhere that another machine could reach."""
    yield "127.0.0.1"
    yield from (str(bridge.ip) for bridge in bridges())


def _kept(table: str) -> Any:
    """What the emulator keeps of a table; None where there is none."""
    from ministack.services import dynamodb  # type: ignore[import-untyped]

    return next((each for (_, _, name), each in dynamodb._tables._data.items() if name == table), None)


def key_names(table: str) -> list[str]:
    """The names of a table's key attributes; none where there is no such table."""
    kept = _kept(table)
    return _keys(kept) if kept else []


def _keys(described: Mapping[str, Any]) -> list[str]:
    return [key["AttributeName"] for key in described["KeySchema"]]


def table_named(name: str) -> Table | None:
    """A table with its indexes; None where there is none."""
    kept = _kept(name)
    if kept is None:
        return None
    keys, indexes = _keys(kept), []
    for each in kept.get("GlobalSecondaryIndexes") or ():
        projection = each["Projection"]
        held = {*keys, *_keys(each), *projection.get("NonKeyAttributes", ())}
        projected = None if projection["ProjectionType"] == "ALL" else frozenset(held)
        indexes.append(Index(each["IndexName"], _keys(each), projected))
    return Table(name, keys, indexes)


def stored_item(table: str, key: Mapping[str, Any]) -> Any:
    """An item as it is now; None where there is none.

    Args:
        table: its name.
        key: in DynamoDB's JSON, in the order of the table's keys.
    """
    kept = _kept(table)
    partition, *sort = [str(next(iter(value.values()))) for value in key.values()]
    return kept["items"].get(partition, {}).get(*(sort or ["__no_sort__"])) if kept else None


def metered(application: Application, calls: Path) -> Meter:
    """The emulator, whose calls by functions are written down.

    Args:
        application: the emulator.
        calls: the file that takes them.
    """
    from ministack.services import lambda_svc, sts

    def caller(key: str) -> str:
        arn: str = sts._sessions.get(key, {}).get("Arn", "")
        return arn.rpartition("/")[2] if ":assumed-role/" in arn else ""

    meter = Meter(application, caller, Tables(table_named, stored_item), calls.open("a"))
    lambda_svc._execute_function_warm = meter.invoking(lambda_svc._execute_function_warm)
    return meter


def _faults(file: Path) -> list[Fault]:
    try:
        return faults.read(file.read_text())
    except FileNotFoundError:
        return []


def guarded(root: str, port: int, state_file: Path, transaction_seconds: float, calls: str = "") -> Guard:
    """The emulator behind its guard.

    Args:
        root: the one key's id that is the account's root.
        port: of the emulator.
        state_file: of the shop; it says where its storefront is, which may move while the emulator runs.
        transaction_seconds: how long a transaction of DynamoDB lasts, and is in the way of others; 0 for not at all.
        calls: the file that takes what functions call; none where empty.
    """
    from ministack.core import iam_evaluator  # type: ignore[import-untyped]

    # The emulator takes "test" and every number of twelve digits for the root too, wherever an id can stand: in a
    # header, an address, a form. Its other modules take this function over when they are imported: not before.
    iam_evaluator.is_root_access_key = lambda key: not key or compare_digest(key.encode(), root.encode())
    from ministack.app import app  # type: ignore[import-untyped]
    from ministack.services import sts

    def is_known(key: str) -> bool:
        return key in sts._sessions or iam_evaluator.find_iam_access_key_account(key) is not None

    def storefronts() -> frozenset[str]:
        return storefront_origins(json.loads(state_file.read_text())["storefront_port"])

    emulator: Application = Conflicts(app, key_names, transaction_seconds) if transaction_seconds else app
    if calls:
        emulator = metered(Faults(emulator, partial(_faults, Path(calls).with_name("faults.json"))), Path(calls))
    return Guard(emulator, root, is_known, port, storefronts, tuple(bridges()))


def listening(address: str, port: int) -> socket.socket:
    server = socket.create_server((address, port), backlog=2048)
    server.setblocking(False)
    return server


def use_own_packages(layers: Sequence[str]) -> None:
    """Let functions take third-party packages from this very environment instead of the shop's layers.

    The functions run on this machine's Python, for which the layers' compiled packages need not be made: they are
    Linux's, of Lambda's own processor. The environment has the same versions (ops/bootstrap.sh installs the layers').

    Args:
        layers: names of those that are left out.
    """
    from ministack.services import lambda_svc

    resolve = lambda_svc._resolve_layer_zip

    def resolve_others(attachment: str | Mapping[str, Any]) -> bytes | None:
        arn: str = attachment if isinstance(attachment, str) else attachment.get("Arn", "")
        content: bytes | None = None if any(f":layer:{layer}:" in arn for layer in layers) else resolve(attachment)
        return content

    lambda_svc._resolve_layer_zip = resolve_others


def write_mails_with_codes() -> None:
    """Let the pool's own function write the mails with a code, as Cognito does: the emulator lets it write invitations
    only."""
    from ministack.services import cognito

    send = cognito._send_verification_email

    def write_and_send(
        pool: Mapping[str, Any], username: str, user: Mapping[str, Any], code: str, attribute_name: str = "email"
    ) -> Any:
        source = "CustomMessage_ForgotPassword" if attribute_name == "password" else "CustomMessage_SignUp"
        # The name that Cognito gives to a user, however the call names them.
        written = cognito._apply_custom_message_trigger(pool, source, user.get("sub", username), user)
        if not written.get("emailMessage"):
            return send(pool, username, user, code, attribute_name)
        text = written["emailMessage"].replace("{####}", code)
        kind = "CognitoVerificationMessage"
        return cognito._deliver_cognito_email(pool, user.get("email"), written["emailSubject"], text, type_name=kind)

    cognito._send_verification_email = write_and_send


def value_at(event: Any, path: str) -> Any:
    """What EventBridge finds in an event.

    >>> value_at({"detail": {"tags": {"order": ["ord_1"]}}}, "$.detail.tags.order[0]")
    'ord_1'

    Args:
        event: as JSON.
        path: in dots, with an array's indices in brackets. Source: EventBridge user guide, "Input transformation".
    """
    value = event
    for step in re.findall(r"[^.$[\]]+", path):
        value = value[int(step) if isinstance(value, list) else step]
    return value


def find_array_elements() -> None:
    """Let an input transformer take an element of an array, as EventBridge does: the emulator knows fields only."""
    from ministack.services import eventbridge

    apply = eventbridge._apply_input_transformer

    def apply_with_elements(transformer: Mapping[str, Any], rule: Any, view: Any) -> Any:
        paths = transformer.get("InputPathsMap", {})
        event = view.event_with_detail()
        found = {name: value_at(event, path) for name, path in paths.items() if "[" in path}
        rest = {name: path for name, path in paths.items() if name not in found}
        template = eventbridge._render_input_template(transformer["InputTemplate"], found)
        return apply({"InputPathsMap": rest, "InputTemplate": template}, rule, view)

    eventbridge._apply_input_transformer = apply_with_elements


def import_definition(api_id: str, definition: Mapping[str, Any]) -> None:
    """Make an HTTP API of its OpenAPI definition, in place of the routes that it has.

    Args:
        api_id: of an API that is there.
        definition: with API Gateway's extensions. Source: API Gateway developer guide, "Working with OpenAPI
            definitions for HTTP APIs".
    """
    from ministack.services import apigateway

    authorizers: dict[str, Any] = {}
    for name, scheme in definition.get("components", {}).get("securitySchemes", {}).items():
        written = scheme["x-amazon-apigateway-authorizer"]
        authorizers[name] = {
            "authorizerId": f"{api_id}-{name}",
            "authorizerType": written["type"].upper(),
            "name": name,
            "identitySource": [written["identitySource"]],
            "jwtConfiguration": written["jwtConfiguration"],
        }
    apigateway._authorizers[api_id] = {each["authorizerId"]: each for each in authorizers.values()}
    apigateway._integrations[api_id] = {}
    apigateway._routes[api_id] = {}
    for path, operations in definition["paths"].items():
        for method, operation in operations.items():
            written = operation["x-amazon-apigateway-integration"]
            integration = {
                "integrationType": written["type"].upper(),
                "integrationUri": written["uri"],
                "integrationMethod": written["httpMethod"],
                "payloadFormatVersion": written["payloadFormatVersion"],
            }
            _, _, made = apigateway._create_integration(api_id, integration)
            route = {
                "routeKey": f"{method.upper()} {path}",
                "target": f"integrations/{json.loads(made)['integrationId']}",
            }
            for scheme in operation.get("security", []):
                (name,) = scheme
                route |= {
                    "authorizationType": authorizers[name]["authorizerType"],
                    "authorizerId": authorizers[name]["authorizerId"],
                }
            apigateway._create_route(api_id, route)


def import_definitions() -> None:
    """Let a template's `Body` make the routes of an HTTP API, as CloudFormation does: the emulator ignores it."""
    from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]

    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]

    def importing(provision: Callable[..., tuple[str, Any]]) -> Callable[..., tuple[str, Any]]:
        def provision_and_import(*arguments: Any, **named: Any) -> tuple[str, Any]:
            # Of what the handlers get, the last mapping holds the properties as they are to be.
            *_, properties = (each for each in arguments if isinstance(each, Mapping))
            api_id, attributes = provision(*arguments, **named)
            if "Body" in properties:
                import_definition(api_id, properties["Body"])
            return api_id, attributes

        return provision_and_import

    handlers["create"], handlers["update"] = importing(handlers["create"]), importing(handlers["update"])


def log_failed_starts() -> None:
    """Have a function's log say why and where it does not start, as Lambda does.

    The emulator gives the error's text without its traceback, and to its own log only.
    """
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    text, traceback = '"error": str(e)}) + ', '"error": "\\n" + traceback.format_exc()}) + '
    script: str = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(text) != 1:
        raise RuntimeError("This version of the emulator starts functions in another way.")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(text, traceback)
    execute = lambda_svc._execute_function_warm

    def execute_and_log(function: Any, event: Any, request_id: str) -> dict[str, Any]:
        result: dict[str, Any] = execute(function, event, request_id)
        if result.get("error") and not result.get("log"):
            return {**result, "log": f"[ERROR] {brief(result['body'].get('errorMessage', ''))}"}
        return result

    lambda_svc._execute_function_warm = execute_and_log


def main() -> None:
    # A burst of orders needs more connections than the 1024 files that a process may open unless it asks for more.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    port = int(os.environ["GATEWAY_PORT"])
    state_file = Path(os.environ.pop("SHOP_STATE_FILE"))
    layers = os.environ.pop("PACKAGE_LAYERS").split(",")
    seconds = float(os.environ.pop("TRANSACTION_SECONDS"))
    calls = os.environ.pop("CALLS_FILE")
    application = guarded(os.environ["AWS_ACCESS_KEY_ID"], port, state_file, seconds, calls)
    use_own_packages(layers)
    write_mails_with_codes()
    find_array_elements()
    import_definitions()
    log_failed_starts()
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        # As AWS's own endpoints: the application sets these headers.
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listening(address, port) for address in addresses()])


if __name__ == "__main__":
    main()
