import socket
from types import SimpleNamespace

import pytest

from retail_ops.local.emulator import addresses, import_definition


def interfaces(monkeypatch: pytest.MonkeyPatch, **by_name: str) -> None:
    found = {
        name: [SimpleNamespace(family=socket.AF_INET, address=address, netmask="255.255.0.0")]
        for name, address in by_name.items()
    }
    found["lo"] = [SimpleNamespace(family=socket.AF_INET6, address="::1")]
    monkeypatch.setattr("psutil.net_if_addrs", lambda: found)


def test_the_emulator_is_reachable_from_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    interfaces(monkeypatch, eth0="192.0.2.7")
    assert list(addresses()) == ["127.0.0.1"]


def test_where_docker_is_its_containers_reach_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    interfaces(monkeypatch, eth0="192.0.2.7", docker0="172.17.0.1")
    assert list(addresses()) == ["127.0.0.1", "172.17.0.1"]


def operation(function: str, *, signed_in: bool = False) -> dict[str, object]:
    called = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "payloadFormatVersion": "2.0",
        "uri": f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{function}/invocations",
    }
    return {"x-amazon-apigateway-integration": called} | ({"security": [{"token": []}]} if signed_in else {})


def definition(paths: dict[str, dict[str, object]]) -> dict[str, object]:
    authorizer = {
        "type": "jwt",
        "identitySource": "$request.header.Authorization",
        "jwtConfiguration": {"issuer": "https://issuer.example", "audience": ["shop"]},
    }
    return {
        "components": {"securitySchemes": {"token": {"x-amazon-apigateway-authorizer": authorizer}}},
        "paths": paths,
    }


def test_an_api_has_the_routes_of_its_definition_and_no_others() -> None:
    from ministack.services import apigateway  # type: ignore[import-untyped]

    apigateway._apis["one"] = {"apiId": "one", "protocolType": "HTTP"}
    import_definition("one", definition({"/old": {"get": operation("Old")}}))
    import_definition(
        "one", definition({"/": {"get": operation("A")}, "/own": {"put": operation("B", signed_in=True)}})
    )

    routes = {route["routeKey"]: route for route in apigateway._routes["one"].values()}
    assert routes.keys() == {"GET /", "PUT /own"}
    called = apigateway._integrations["one"][routes["PUT /own"]["target"].removeprefix("integrations/")]
    assert called["integrationUri"].endswith("functions/B/invocations")
    authorizer = apigateway._authorizers["one"][routes["PUT /own"]["authorizerId"]]
    assert authorizer["jwtConfiguration"]["audience"] == ["shop"]
    assert routes["GET /"]["authorizationType"] == "NONE"
