"""The doctor names what would make a first deployment fail or a shop fall silent, and the cure for each."""

import errno
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from retail_ops.cli import app
from retail_ops.doctor import Finding, examine
from retail_ops.doctor.account import Account, covered, executions
from retail_ops.doctor.laptop import GB, Laptop
from retail_ops.errors import OpsError
from retail_ops.local.local_shop import LocalShop
from retail_ops.local.processes import free_port
from retail_ops.stack.shop import PROJECT
from retail_ops.stack.stages import Stage, region_of, stage_named, stages
from retail_ops.stack.template import TEMPLATE, Template

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"
STAGE = Stage(
    "prod",
    "cloudretail-prod",
    "ap-southeast-1",
    {
        "Stage": "prod",
        "SenderIdentity": "shop.example",
        "SenderAddress": "orders@shop.example",
        "DomainName": "shop.example",
        "CertificateArn": CERTIFICATE,
    },
)


class Aws:
    """An account that is ready; a test takes something away from it."""

    region_name = "ap-southeast-1"

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "get_caller_identity": {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/me"},
            "get_email_identity": {"VerifiedForSendingStatus": True},
            "get_account": {
                "ProductionAccessEnabled": True,
                "SendingEnabled": True,
                "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0},
            },
            "get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
            "describe_certificate": {
                "Certificate": {
                    "DomainName": "shop.example",
                    "SubjectAlternativeNames": ["*.shop.example"],
                    "Status": "ISSUED",
                }
            },
            "describe_stacks": refusal("ValidationError"),
        }
        self.regions: set[str | None] = set()

    def client(self, _service: str, region_name: str | None = None) -> "Aws":
        self.regions.add(region_name)
        return self

    def __getattr__(self, call: str) -> Callable[..., Any]:
        def answer(**_arguments: object) -> Any:
            found = self.answers[call]
            if isinstance(found, Exception):
                raise found
            return found

        return answer


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Call")


def stack(status: str = "CREATE_COMPLETE", **parameters: str) -> dict[str, Any]:
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    return {"Stacks": [{"StackStatus": status, "Parameters": given}]}


def wrong(aws: Aws, **parameters: str) -> list[Finding]:
    """What is to be done, with these parameters in place of the good ones."""
    stage = replace(STAGE, parameters={**STAGE.parameters, **parameters})
    return [finding for finding in examine(Account(stage, cast(boto3.Session, aws)).checks) if not finding.ok]


def test_of_an_account_that_is_ready_nothing_is_to_be_done() -> None:
    aws = Aws()
    assert wrong(aws) == []
    # CloudFront's certificates.
    assert "us-east-1" in aws.regions


@pytest.mark.parametrize(
    ("call", "answer", "text", "cure"),
    [
        ("get_email_identity", refusal("NotFoundException"), "does not know", "create-email-identity"),
        ("get_email_identity", {"VerifiedForSendingStatus": False}, "not verified", "DNS records"),
        ("get_account", {"ProductionAccessEnabled": False}, "sandbox", "production access"),
        ("get_account", {"ProductionAccessEnabled": True, "SendingEnabled": False}, "stopped", "Support"),
        ("get_account_settings", {"AccountLimit": {"ConcurrentExecutions": 10}}, "10 executions", "L-B99A9384"),
        (
            "describe_certificate",
            {"Certificate": {"DomainName": "shop.example", "Status": "PENDING_VALIDATION"}},
            "not for www.shop.example",
            "request-certificate",
        ),
        (
            "describe_certificate",
            {
                "Certificate": {
                    "DomainName": "shop.example",
                    "SubjectAlternativeNames": ["www.shop.example"],
                    "Status": "PENDING_VALIDATION",
                }
            },
            "PENDING_VALIDATION",
            "DNS records",
        ),
        ("describe_stacks", stack("ROLLBACK_COMPLETE"), "first deployment", "delete-stack"),
        ("describe_stacks", stack(Stage="prod", DeletionProtection="false"), "by mistake", "DeletionProtection=true"),
        ("get_caller_identity", refusal("ExpiredToken"), "ExpiredToken", ""),
    ],
)
def test_what_is_wrong_is_named_with_its_cure_and_nothing_else_is(
    call: str, answer: object, text: str, cure: str
) -> None:
    aws = Aws()
    aws.answers[call] = answer
    (finding,) = wrong(aws)
    assert text in finding.text
    assert cure in finding.cure


def test_a_stack_that_is_protected_is_well() -> None:
    aws = Aws()
    aws.answers["describe_stacks"] = stack(Stage="prod", DeletionProtection="true")
    assert wrong(aws) == []


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"SenderIdentity": "cloudretail.example"}, "placeholder"),
        ({"SenderAddress": "shop@cloudretail.example"}, "placeholder"),
        ({"SenderAddress": "shop@other.example"}, "no address of shop.example"),
        ({"CertificateArn": CERTIFICATE.replace("us-east-1", "ap-southeast-1")}, "ap-southeast-1"),
        ({"CertificateArn": ""}, "go together"),
        ({"DomainName": ""}, "go together"),
        ({"CertificateArn": "nonsense"}, "no region"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(parameters: dict[str, str], text: str) -> None:
    (finding,) = wrong(Aws(), **parameters)
    assert text in finding.text


@pytest.mark.parametrize("identity", ["orders@shop.example", "shop.example", "example"])
def test_a_sender_may_be_of_an_address_a_domain_or_a_domain_above(identity: str) -> None:
    assert wrong(Aws(), SenderIdentity=identity) == []


@pytest.mark.parametrize(
    ("name", "is_covered"),
    [("shop.example", True), ("www.shop.example", True), ("a.www.shop.example", False), ("example", False)],
)
def test_a_certificates_star_is_for_one_place(name: str, is_covered: bool) -> None:
    assert covered(name, {"shop.example", "*.shop.example"}) is is_covered


def test_what_the_shop_wants_at_once_is_counted_in_the_template() -> None:
    shop = Template.load(TEMPLATE, Stage="prod")
    assert executions(shop) > len(shop.sources)
    assert executions(shop) > executions(Template.load(TEMPLATE, Stage="local"))


def test_the_region_is_the_one_that_sam_deploys_to() -> None:
    assert region_of("cloudretail-prod") == stage_named("prod").region == "ap-southeast-1"
    assert region_of("somebody-elses") is None


def test_the_laptops_stage_is_no_stage_of_aws(tmp_path: Path) -> None:
    assert "default" not in stages()
    with pytest.raises(OpsError, match="it has: prod"):
        stage_named("default")


def test_overrides_are_read_as_a_list_and_as_one_text(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text(
        'version = 0.1\n[a.deploy.parameters]\nstack_name = "x"\nregion = "eu-west-1"\n'
        "parameter_overrides = \"Stage=a DomainName=''\"\n"
    )
    assert stages(file)["a"] == Stage("a", "x", "eu-west-1", {"Stage": "a", "DomainName": ""})


def test_the_command_exits_with_1_and_prints_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws()
    monkeypatch.setattr("retail_ops.commands.doctor.aws_session", lambda _region: aws)
    done = CliRunner().invoke(app, ["doctor", "--stage", "prod"])
    assert done.exit_code == 1
    assert "still the placeholder" in done.output
    assert "Your account must be verified" in done.output


# --- this machine -------------------------------------------------------------------------------------------------


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    shop = LocalShop(tmp_path / "state", port=free_port(), storefront_port=free_port())
    return Laptop(PROJECT, shop)


def test_a_machine_that_runs_these_tests_is_ready(laptop: Laptop) -> None:
    assert [finding for finding in examine(laptop.checks) if not finding.ok] == []


def test_a_port_that_somebody_has_is_named_with_another_one(laptop: Laptop) -> None:
    with socket.create_server(("127.0.0.1", laptop.shop.storefront_port)):
        found = laptop.ports()
    assert not found.ok
    assert str(laptop.shop.storefront_port) in found.text
    assert found.cure == f'make up ARGS="--storefront-port {laptop.shop.storefront_port + 1}"'


def test_another_python_is_no_python_for_the_functions(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 14, 0, "final", 0))
    assert laptop.python().cure == "rm -r .venv && make venv"


def test_a_full_disk_and_a_checkout_that_cannot_be_written_are_named(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(self: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "touch", read_only)
    assert laptop.disk().cure == "Work on a checkout that you can write to."
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2 * GB))
    assert laptop.disk().text == "2 GB free, and the shop with its tests takes 3 GB"


def test_a_system_that_is_none_of_the_shops_is_led_to_wsl(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")
    assert "wsl --install" in laptop.system().cure


def test_without_an_engine_or_a_browser_the_shop_still_runs(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_engine() -> None:
        raise OpsError("none")

    monkeypatch.setattr("retail_ops.doctor.laptop.engine", no_engine)
    assert (laptop.containers().ok, laptop.containers().cure) == (True, "For those, start Docker or Podman.")
    monkeypatch.setenv("PATH", "/nowhere")
    assert laptop.browser().ok


def test_the_command_without_a_stage_is_about_this_machine(monkeypatch: pytest.MonkeyPatch, laptop: Laptop) -> None:
    monkeypatch.setattr("retail_ops.commands.doctor.Laptop.this", lambda: laptop)
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    assert "Python" in done.output
    assert "CloudFront" not in done.output
