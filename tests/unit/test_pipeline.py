"""The pipeline, and whom the account lets deploy and operate, as checks of their files."""

import json
import re
import subprocess
from importlib.resources import files
from typing import Any

import pytest
import yaml
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from retail_ops.stack.shop import PROJECT
from retail_ops.stack.stages import stages
from retail_ops.stack.template import Template

FILE = PROJECT / ".github" / "workflows" / "deploy.yml"
PIPELINE: dict[Any, Any] = yaml.safe_load(FILE.read_text())
JOBS: dict[str, dict[str, Any]] = PIPELINE["jobs"]
COMMANDS = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]

ACCOUNT = Template({"Resources": yaml_parse((PROJECT / "ops" / "stacks" / "account.yaml").read_text())["Resources"]})
roles = ACCOUNT.properties("AWS::IAM::Role")


def statements(role: str) -> list[dict[str, Any]]:
    """What a role may do at the most: also what stands behind a condition."""
    found = [each for policy in roles[role]["Policies"] for each in policy["PolicyDocument"]["Statement"]]
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in found]


def actions(role: str) -> set[str]:
    return {action for statement in statements(role) for action in statement["Action"]}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_step_is_a_make_target_that_a_person_can_run_as_well(command: str) -> None:
    assert command.startswith("make ")
    done = subprocess.run([*command.split(), "--dry-run"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_deployment_asks_first_who_would_hear_its_events_and_tags_what_it_makes() -> None:
    words = ["make", "--dry-run", "deploy", "STAGE=staging", "YES=1"]
    told = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    check, build, deploy, publish = re.findall(r"^(?:cloudretail (?:schemas|publish)|sam) .+--.+$", told, re.MULTILINE)
    assert check == "cloudretail schemas --check-deploy --stack cloudretail-staging"
    assert build == "sam build --config-env staging"
    assert re.search(r"--tags project=cloudretail stage=staging commit=\S+ version=", deploy)
    assert "--no-confirm-changeset" in deploy, "nobody is there to be asked"
    assert publish == "cloudretail publish --stack cloudretail-staging --yes"


def test_production_comes_after_the_journeys_and_an_approval() -> None:
    assert JOBS["staging"]["needs"] == "check"
    assert JOBS["production"]["needs"] == "staging"
    assert [JOBS[job]["environment"] for job in ("staging", "production")] == ["staging", "production"]
    assert JOBS["staging"]["steps"][-1]["run"] == "make journeys STACK=cloudretail-staging"
    assert JOBS["production"]["steps"][-1]["run"] == "make deploy STAGE=prod YES=1"
    assert {"staging", "prod"} <= stages().keys()


def test_no_key_is_stored_and_only_who_deploys_gets_a_token() -> None:
    assert "secrets." not in FILE.read_text()
    assert PIPELINE["permissions"] == {"contents": "read"}
    for name, job in JOBS.items():
        assert (job.get("permissions", {}).get("id-token") == "write") == (name != "check")
        given = [step["with"] for step in job["steps"] if "configure-aws-credentials" in step.get("uses", "")]
        assert [each["role-to-assume"] for each in given] == ([] if name == "check" else ["${{ vars.DEPLOYER_ROLE }}"])


def test_the_deployers_role_is_for_one_environment_of_one_repository() -> None:
    (trust,) = roles["Deployer"]["AssumeRolePolicyDocument"]["Statement"]
    conditions = trust["Condition"]["StringEquals"]
    assert conditions["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    subject = conditions["token.actions.githubusercontent.com:sub"]["Fn::Sub"]
    assert subject == "repo:${GitHubRepository}:environment:${GitHubEnvironment}"


def test_the_deployer_makes_nothing_by_itself() -> None:
    """It could give itself more rights, if it could write roles or functions."""
    assert not {each for each in actions("Deployer") if re.match(r"(lambda|dynamodb|iam:(?!PassRole))", each)}
    passes = [each for each in statements("Deployer") if "iam:PassRole" in each["Action"]]
    assert [(s["Resource"], s["Condition"]) for s in passes] == [
        ({"Fn::GetAtt": ["Executor", "Arn"]}, {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}})
    ]


def test_the_pipeline_may_do_to_accounts_what_its_journeys_do_and_only_where_a_pool_is_named() -> None:
    source = (PROJECT / "tests" / "journeys" / "test_deployed.py").read_text()
    calls = {"".join(map(str.capitalize, call.split("_"))) for call in re.findall(r"shop\.cognito\.(\w+)", source)}
    assert calls
    assert {each.partition(":")[2] for each in actions("Deployer") if each.startswith("cognito-idp:")} == calls
    (allowed,) = [each for each in roles["Deployer"]["Policies"][0]["PolicyDocument"]["Statement"] if "Fn::If" in each]
    assert allowed["Fn::If"][0] == "HasJourneys"
    assert text_of(allowed["Fn::If"][1]["Resource"]).endswith(":userpool/${JourneysUserPool}")


def test_cloudformation_touches_roles_by_the_stacks_name_only() -> None:
    (statement,) = statements("Executor")
    assert statement["Resource"]["Fn::Sub"].endswith(":role/${StackOfShop}-*")
    assert all(action.startswith("iam:") for action in statement["Action"])


def text_of(resource: Any) -> str:
    """A resource of a statement as its ARN is written."""
    if resource == {"Fn::GetAtt": ["Executor", "Arn"]}:
        return "arn:aws:iam::123456789012:role/executor"
    return str(resource["Fn::Sub"] if isinstance(resource, dict) else resource)


AWS: dict[str, dict[str, Any]] = json.loads(files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json").read_text())
"""Actions of each service and what each can be limited to, as the Service Authorization Reference has them."""


def limits(action: str) -> list[str]:
    """Patterns of the resources that an action can be limited to; none where AWS takes `*` only.

    Raises:
        KeyError: there is no such action.
    """
    service, _, name = action.partition(":")
    kinds = AWS[service]["Actions"][name.lower()].get("Resources", [])
    # The reference leaves ARNs out that it takes from another page.
    known = AWS[service]["Resources"] | {
        "eventSourceMapping": {"ARNFormats": ["arn:${Partition}:lambda:${Region}:${Account}:event-source-mapping:.*"]}
    }
    formats = [each for kind in kinds for each in known[kind]["ARNFormats"]]
    return [r"[^:]*".join(map(re.escape, re.split(r"\$\{\w+\}", each.removesuffix(".*")))) for each in formats]


@pytest.mark.parametrize("role", ["Deployer", "Executor", "Operator"])
def test_a_role_may_do_named_things_to_what_aws_limits_them_to(role: str) -> None:
    """An action that AWS limits to nothing is refused where a resource stands beside it."""
    for statement in statements(role):
        named = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        resources = [re.sub(r"\$\{[^}]+\}", "x", text_of(each)) for each in named]
        for action in statement["Action"]:
            patterns = limits(action)
            if not patterns:
                assert resources == ["*"], action
            else:
                found = [each for each in resources if any(re.match(pattern, each) for pattern in patterns)]
                assert found, f"AWS limits {action} to none of {resources}"
                assert "*" not in resources, action


def test_an_operator_needs_a_second_factor() -> None:
    (trust,) = roles["Operator"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": True}}


def test_somebody_hears_of_costs_before_the_month_is_over() -> None:
    (budget,) = ACCOUNT.properties("AWS::Budgets::Budget").values()
    kinds = [each["Notification"]["NotificationType"] for each in budget["NotificationsWithSubscribers"]]
    assert kinds == ["ACTUAL", "FORECASTED"]
