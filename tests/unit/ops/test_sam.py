import os
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from retail_ops.errors import BuildFailed
from retail_ops.local.guard import LOCAL_NAMES
from retail_ops.local.sam import build, build_environment, failure_reasons, local_environment
from retail_ops.stack.shop import LOCAL_REGION, local_session


class Session:
    """Answers with the events of one stack, newest first, as CloudFormation does."""

    def __init__(self, *events: tuple[str, str, str]) -> None:
        self._events = [
            {"LogicalResourceId": name, "ResourceStatus": status, "ResourceStatusReason": reason, "ResourceType": "T"}
            for name, status, reason in events
        ]

    def client(self, _service: str, **_options: object) -> "Session":
        return self

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"StackEvents": self._events}


def reasons(*events: tuple[str, str, str]) -> list[str]:
    return failure_reasons("shop", cast(boto3.Session, Session(*events)), None).splitlines()


def test_a_failed_deployment_names_the_resource_and_its_reason() -> None:
    assert reasons(
        ("shop", "ROLLBACK_COMPLETE", ""),
        ("Queue", "DELETE_COMPLETE", ""),
        ("Mapping", "CREATE_FAILED", "no such queue"),
        ("Queue", "CREATE_COMPLETE", ""),
        ("shop", "CREATE_IN_PROGRESS", "User Initiated"),
    ) == ["Mapping (T): no such queue"]


def test_what_was_only_cancelled_and_what_failed_last_time_is_left_out() -> None:
    assert reasons(
        ("Table", "UPDATE_FAILED", "Resource update cancelled"),
        ("Rule", "UPDATE_FAILED", "bad pattern"),
        ("Role", "UPDATE_FAILED", "bad policy"),
        ("shop", "UPDATE_IN_PROGRESS", "User Initiated"),
        ("Mapping", "CREATE_FAILED", "no such queue"),
    ) == ["Role (T): bad policy", "Rule (T): bad pattern"]


def test_sam_can_reach_nothing_but_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    environment = local_environment("http://127.0.0.1:4566", local_session("SHOPKEY"))
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_REGION"]) == ("SHOPKEY", LOCAL_REGION)
    assert environment["AWS_CONFIG_FILE"] == os.devnull
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & set(environment)


def test_no_proxy_is_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    environment = local_environment("http://127.0.0.1:4566", local_session("SHOPKEY"))
    assert environment["NO_PROXY"].split(",") == ["intranet.example", *sorted(LOCAL_NAMES)]
    assert environment["no_proxy"] == environment["NO_PROXY"]
    assert environment["HTTP_PROXY"] == "http://proxy.example:3128"  # For the packages that a build fetches.


def test_a_session_is_handed_to_sam_whole() -> None:
    session = local_session("ASIA1", "the-secret", "the-token")
    environment = local_environment("http://127.0.0.1:4566", session)
    assert environment["AWS_SECRET_ACCESS_KEY"] == "the-secret"
    assert environment["AWS_SESSION_TOKEN"] == "the-token"


def test_the_first_python_on_sams_path_is_a_python_3_13_with_pip() -> None:
    first = Path(build_environment({"PATH": "/usr/bin"})["PATH"].split(os.pathsep)[0])
    assert (first / "python3.13").exists()
    assert list(first.glob("pip*"))


def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    function = "{Type: AWS::Serverless::Function, Properties: {Handler: a.b, Runtime: python9.9, CodeUri: .}}"
    template.write_text(f"Transform: AWS::Serverless-2016-10-31\nResources: {{Orders: {function}}}")
    environment = build_environment(os.environ)
    with pytest.raises(BuildFailed, match="sam build failed") as failure:
        build(template, tmp_path / "build", tmp_path / "cache", tmp_path / "log", environment)
    assert "python9.9" in failure.value.detail
