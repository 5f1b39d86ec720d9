"""What template.yaml declares, with its loops expanded: the functions, routes, rules and queues of the shop."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from samcli.lib.cfn_language_extensions.api import process_template  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from retail_ops.stack.shop import PROJECT

TEMPLATE = PROJECT / "template.yaml"

LIVE = "live"
"""Alias of the function version that is called."""

UNMATCHED = "UnmatchedRule"
"""Logical id of the rule for events that are not in the contract."""


@dataclass(frozen=True, order=True)
class Route:
    """A route of the HTTP API.

    Attributes:
        path: as a client writes it, with {parameters}.
        method: GET, POST, ...
        function: logical id of the function that answers.
        signed_in: whether API Gateway requires a token.
    """

    path: str
    method: str
    function: str
    signed_in: bool


@dataclass(frozen=True)
class Rule:
    """A rule of the bus: the events that it sends to one consumer's queue.

    Attributes:
        name: logical id.
        description: what it is for.
        types: CloudEvents types of the events.
        queue: logical id of the target.
    """

    name: str
    description: str
    types: tuple[str, ...]
    queue: str


@dataclass(frozen=True)
class Template:
    """A template with its `Fn::ForEach` loops expanded, as `sam deploy` expands them.

    Args:
        body: the whole template.
    """

    body: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path = TEMPLATE, **parameters: str) -> Self:
        """The template as it is deployed with these parameters, and defaults for the others."""
        return cls.of(path.read_text(), **parameters)

    @classmethod
    def of(cls, text: str, **parameters: str) -> Self:
        """As `load`, from the template's text."""
        return cls(process_template(yaml_parse(text), parameters))

    def properties(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of one type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.body["Resources"].items()
            if resource["Type"] == resource_type
        }

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        return self.properties("AWS::Serverless::Function")

    @cached_property
    def routes(self) -> list[Route]:
        """All routes of the API, sorted by path; the pages that the catalogue makes are not among them."""
        (api,) = self.properties("AWS::ApiGatewayV2::Api").values()
        functions = {function.get("FunctionName"): name for name, function in self.functions.items()}
        routes = []
        of_the_api = {path: each for path, each in api["Body"]["paths"].items() if path.startswith("/api/")}
        for path, operations in of_the_api.items():
            for method, operation in operations.items():
                uri = operation["x-amazon-apigateway-integration"]["uri"]
                called = uri.removesuffix("/invocations").partition(":function:")[2].removesuffix(f":{LIVE}")
                routes.append(Route(path, method.upper(), functions[called], "security" in operation))
        return sorted(routes)

    @cached_property
    def rules(self) -> list[Rule]:
        """The rules on the shop's own bus, by which consumers subscribe."""
        rules = []
        for name, rule in self.properties("AWS::Events::Rule").items():
            if "EventBusName" not in rule or name == UNMATCHED:
                continue
            pattern = rule["EventPattern"]
            (target,) = rule["Targets"]
            rules.append(
                Rule(
                    name,
                    rule.get("Description", ""),
                    tuple(pattern["detail"]["type"]),
                    referred(target["Arn"]),
                )
            )
        return rules

    @cached_property
    def consumers(self) -> dict[str, str]:
        """Logical id of the function that consumes a queue, by the queue's logical id. The collector's are left out."""
        return {queue: function for queue, (function, _) in self.sources.items() if queue.endswith("Queue")}

    @cached_property
    def sources(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """By a queue's logical id: logical id of the function that it invokes, and the event source's properties."""
        written = [
            (referred(source["Properties"]["Queue"]), function, source["Properties"])
            for function, declared in self.functions.items()
            for source in declared.get("Events", {}).values()
            if source["Type"] == "SQS"
        ]
        looped = [
            (queue, function, source) for queue, attribute, function, source in self._mappings if attribute == "Arn"
        ]
        return {queue: (function, properties) for queue, function, properties in written + looped}

    @cached_property
    def streams(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """By a table's logical id: logical id of the function that its stream invokes, and the source's properties."""
        return {
            table: (function, source)
            for table, attribute, function, source in self._mappings
            if attribute == "StreamArn"
        }

    @cached_property
    def _mappings(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Event sources outside of functions: the resource that each reads, its attribute, the function, properties."""
        return [
            (*source["EventSourceArn"]["Fn::GetAtt"], referred(source["FunctionName"]), source)
            for source in self.properties("AWS::Lambda::EventSourceMapping").values()
        ]

    @cached_property
    def published(self) -> dict[str, str]:
        """Logical id of the function that a table's stream invokes, by the table's logical id."""
        return {table: function for table, (function, _) in self.streams.items()}

    @cached_property
    def common_environment(self) -> dict[str, Any]:
        """The variables that every function has."""
        variables: dict[str, Any] = self.body["Globals"]["Function"]["Environment"]["Variables"]
        return variables

    def environment(self, function: str) -> dict[str, Any]:
        """The variables of one function, without those of all functions."""
        variables: dict[str, Any] = self.functions[function].get("Environment", {}).get("Variables", {})
        return variables


def referred(value: Any) -> str:
    """The logical id that a `Ref` or `Fn::GetAtt` names; for a function's alias, the function's."""
    name: str = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
    return name.removesuffix(".Alias")
