"""What other tools find in the template: cfn-lint at every level, checkov, and moto as a second CloudFormation.

    make prove PART=template

checkov wants other versions of what is installed here, so that uv runs it in an environment of its own, and fetches it
where it was not fetched yet.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import boto3
import pytest
from cfnlint.api import lint_file  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]
from moto import mock_aws
from moto.cloudformation.parsing import resource_class_from_type
from samcli.lib.cfn_language_extensions.api import process_template  # type: ignore[import-untyped]
from samcli.lib.cfn_language_extensions.models import PseudoParameterValues  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

from retail_ops.stack.template import TEMPLATE

pytestmark = pytest.mark.proof

CHECKOV = "checkov==3.3.30"
EXPLAINED = tomllib.loads((Path(__file__).parent / "explained.toml").read_text())
REGION: Final = "ap-southeast-1"
ACCOUNT, STACK = "123456789012", "cloudretail-prod"
BUCKET, CODE = "artifacts-of-sam", "code.zip"

PARAMETERS = {
    "Stage": "prod",
    "DomainName": "shop.example",
    "CertificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1",
    "WebAclArn": f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/shop/1",
    "SenderIdentity": "shop.example",
    "AlarmEmail": "operator@shop.example",
    "DeletionProtection": "true",
}
"""Of a stage that uses everything that there is."""

NOT_THERE = {"IsLocal", "HasSandbox"}
"""The conditions that no such stage fulfils."""

type Finding = tuple[str, str]
"""The name of a check, and the resource as type.logical id."""


@pytest.fixture(scope="module")
def deployed() -> dict[str, Any]:
    """The template as CloudFormation carries it out: loops and SAM's own types written out, `Fn::Sub` around what has
    still to be filled in."""
    template = process_template(
        yaml_parse(TEMPLATE.read_text()), PARAMETERS, PseudoParameterValues(REGION, ACCOUNT, partition="aws")
    )
    # As `sam package` leaves it.
    template["Globals"]["Function"]["CodeUri"] = f"s3://{BUCKET}/{CODE}"
    for layer in ("DependencyLayer", "PictureLayer", "StripeLayer"):
        template["Resources"][layer]["Properties"]["ContentUri"] = f"s3://{BUCKET}/{CODE}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        written: dict[str, Any] = transform(template, {}, None)
    # SAM CLI leaves out the `Fn::Sub` of a text of which it has filled in nothing or a part.
    there = {name: each for name, each in written["Resources"].items() if each.get("Condition") not in NOT_THERE}
    return {**written, "Resources": _with_subs(there)}


def _with_subs(value: Any) -> Any:
    if isinstance(value, dict):
        return value if "Fn::Sub" in value else {name: _with_subs(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_subs(each) for each in value]
    # It writes what it cannot fill in of a `Fn::Join` as Python's own text.
    text = re.sub(r"{'Fn::GetAtt': \['(\w+)', '(\w+)'\]}", r"${\1.\2}", value) if isinstance(value, str) else ""
    return {"Fn::Sub": text} if "${" in text else value


def assert_explained(tool: str, found: Iterable[Finding]) -> None:
    """Fails for what is found and not explained, and for what is explained and not found."""
    found = set(found)
    explained = {
        (check, resource)
        for check, resource in found
        if any(fnmatchcase(resource, each) for each in EXPLAINED[tool].get(check, {"resources": ()})["resources"])
    }
    assert sorted(found - explained) == [], "mend it, or say why it stays in tests/contract/explained.toml"
    assert sorted(EXPLAINED[tool].keys() - {check for check, _ in explained}) == [], "explained, but not found any more"


def test_cfn_lint_finds_nothing_at_any_level_that_is_not_explained() -> None:
    regions = ["ap-southeast-1", "eu-central-1", "us-east-1"]
    matches = lint_file(TEMPLATE, config=ManualArgs(include_checks=["I"], regions=regions))
    written = process_template(yaml_parse(TEMPLATE.read_text()), {"Stage": "prod"})["Resources"]
    assert_explained("cfn-lint", ((match.rule.id, _resource(match.path, written)) for match in matches))


def _resource(path: list[Any], resources: dict[str, Any]) -> str:
    name = path[1] if path[:1] == ["Resources"] and path[1:] else "-"
    return f"{resources[name]['Type']}.{name}" if name in resources else "/".join(map(str, path))


def test_checkov_finds_nothing_that_is_not_explained(deployed: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "template.json"
    file.write_text(json.dumps(deployed))
    command = ["uv", "tool", "run", "--from", CHECKOV, "checkov", "--file", str(file), "--framework", "cloudformation"]
    # Without `--skip-download` it asks its maker's servers about each check.
    answer = subprocess.run(
        [*command, "--output", "json", "--quiet", "--soft-fail", "--skip-download"], capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] == len(deployed["Resources"])
    assert_explained("checkov", ((each["check_id"], each["resource"]) for each in report["results"]["failed_checks"]))


NOT_BY_MOTO = {
    "AWS::Events::Rule", "AWS::Events::Archive",
    "AWS::Lambda::Alias", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission", "AWS::Lambda::Version",
}  # fmt: skip
"""Types that moto (5) knows, but not with a reference to a bus of the same template, or to a function's alias."""


def test_another_cloudformation_makes_what_it_knows_as_it_is_declared(
    deployed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    types = {resource["Type"] for resource in deployed["Resources"].values()}
    known = {each for each in types - NOT_BY_MOTO if resource_class_from_type(each)}
    assert {"AWS::DynamoDB::Table", "AWS::IAM::Policy", "AWS::Lambda::Function", "AWS::SQS::Queue"} <= known
    resources = {name: each for name, each in deployed["Resources"].items() if each["Type"] in known}
    template = {**deployed, "Resources": _with_stand_ins(resources, {*resources, *deployed["Parameters"]})}
    for part in ("Outputs", "Rules", "Transform"):
        template.pop(part, None)
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "of nobody")
    with mock_aws():
        s3 = boto3.client("s3", REGION)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=BUCKET, Key=CODE, Body=_empty_zip())
        s3.put_object(Bucket=BUCKET, Key="template", Body=json.dumps(template))
        cloudformation = boto3.client("cloudformation", REGION)
        cloudformation.create_stack(
            StackName=STACK,
            TemplateURL=f"https://{BUCKET}.s3.{REGION}.amazonaws.com/template",
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()],
        )
        made = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        assert {each["ResourceStatus"] for each in made} == {"CREATE_COMPLETE"}
        assert len(made) == len(resources)
        tables, queues = (
            sum(each["Type"] == wanted for each in resources.values())
            for wanted in ("AWS::DynamoDB::Table", "AWS::SQS::Queue")
        )
        assert len(boto3.client("dynamodb", REGION).list_tables()["TableNames"]) == tables
        assert len(boto3.client("sqs", REGION).list_queues()["QueueUrls"]) == queues


def _with_stand_ins(value: Any, there: set[str]) -> Any:
    """Names of an ARN's form in the place of resources that are not there."""
    if isinstance(value, list):
        return [_with_stand_ins(each, there) for each in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return value if value["Ref"] in there or value["Ref"].startswith("AWS::") else _arn(value["Ref"])
    if "Fn::GetAtt" in value:
        return value if value["Fn::GetAtt"][0] in there else _arn(value["Fn::GetAtt"][0])
    if isinstance(text := value.get("Fn::Sub"), str):
        named = re.compile(r"\$\{(\w+)[^}:]*\}")
        return {"Fn::Sub": named.sub(lambda name: name[0] if name[1] in there else _arn(name[1]), text)}
    if isinstance(value.get("DependsOn"), list):
        value = {**value, "DependsOn": [each for each in value["DependsOn"] if each in there]}
    return {name: _with_stand_ins(each, there) for name, each in value.items()}


def _arn(name: str) -> str:
    return f"arn:aws:unknown:{REGION}:{ACCOUNT}:{name}"


def _empty_zip() -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("function.py", "")
    return file.getvalue()
