"""The roles of ops/stacks/account.yaml: operators do what the runbook says, the pipeline its steps, neither more."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from retail_ops.local.local_shop import LocalShop
from retail_ops.local.sam import SAM
from retail_ops.stack.shop import PROJECT, Shop, local_session
from tests.support.command import environment
from tests.support.shoppers import Person, Shopper, eventually, new_product, new_shopper, row, unique

ACCOUNT = PROJECT / "ops" / "stacks" / "account.yaml"


UNKNOWN = {
    "lambda:UpdateEventSourceMapping", "events:DescribeArchive", "events:DescribeEventBus", "events:DescribeReplay",
    "events:StartReplay",
}  # fmt: skip
"""Of these the emulator does not know what they are about."""


def as_on_the_emulator(template: dict[str, Any]) -> dict[str, Any]:
    """The template, without what only AWS knows: a second factor, GitHub's tokens, and what some calls are about. Unit
    tests look at these."""
    roles = {name: template["Resources"][name]["Properties"] for name in ("Operator", "Deployer")}
    (trust,) = roles["Operator"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust.pop("Condition") == {"Bool": {"aws:MultiFactorAuthPresent": True}}
    (pipeline,) = roles["Deployer"]["AssumeRolePolicyDocument"]["Statement"]
    pipeline.pop("Condition")
    pipeline |= trust
    for statement in roles["Operator"]["Policies"][0]["PolicyDocument"]["Statement"]:
        if UNKNOWN & set(statement["Action"]):
            statement.pop("Condition", None)
            statement["Resource"] = "*"
    return template


@pytest.fixture(scope="module")
def account(shop: Shop) -> Iterator[Mapping[str, str]]:
    """The outputs of the account's stack."""
    stack = f"{shop.stack}-account"
    given = {
        "StackOfShop": shop.stack,
        "GitHubRepository": "example/shop",
        "GitHubProviderArn": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
        "JourneysUserPool": shop.output("UserPoolId"),
    }
    shop.cloudformation.create_stack(
        StackName=stack,
        TemplateBody=json.dumps(as_on_the_emulator(yaml_parse(ACCOUNT.read_text()))),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    shop.cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    (made,) = shop.cloudformation.describe_stacks(StackName=stack)["Stacks"]
    yield {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}
    shop.cloudformation.delete_stack(StackName=stack)


def assumed(shop: Shop, arn: str, name: str) -> boto3.Session:
    sts = shop.session.client("sts", endpoint_url=shop.endpoint)
    given = sts.assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
    return local_session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.fixture(scope="module")
def role(shop: Shop, account: Mapping[str, str]) -> boto3.Session:
    """An operator's permissions."""
    return assumed(shop, account["OperatorRole"], "operator")


@pytest.fixture(scope="module")
def deployer(shop: Shop, account: Mapping[str, str]) -> boto3.Session:
    """The pipeline's. What it uploads goes to SAM's bucket, which wants TLS; the emulator has none."""
    for bucket in shop.s3.list_buckets()["Buckets"]:
        if bucket["Name"].startswith("aws-sam-cli-managed-default-"):
            shop.s3.delete_bucket_policy(Bucket=bucket["Name"])
    return assumed(shop, account["DeployerRole"], "pipeline")


def cloudretail(shop: Shop, session: boto3.Session, *words: str, code: int = 0) -> str:
    """What the command prints, on this stack and with these permissions."""
    done = subprocess.run(
        [sys.executable, "-c", "from retail_ops.cli import main; main()", *words, "--stack", shop.stack],
        env=environment(shop, session), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


def refused(session: boto3.Session, shop: Shop, service: Any, call: str, **arguments: object) -> None:
    """Whether a call is refused for who makes it."""
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(session.client(service, endpoint_url=shop.endpoint), call)(**arguments)


@pytest.fixture(scope="module")
def order_id(operator: Person, shop: Shop) -> str:
    shopper: Shopper = new_shopper(shop)
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    return order_id


def dead_letter(shop: Shop, role: boto3.Session) -> str:
    """Id of a message that orders have given up."""
    subject = unique("ord")
    shop.sqs.send_message(QueueUrl=shop.queues["OrdersQueue"], MessageBody=json.dumps({"subject": subject}))
    words = ("dlq", "show", "orders", "--json")
    found = eventually(
        lambda: [each for each in json.loads(cloudretail(shop, role, *words))["items"] if each["orderId"] == subject]
    )
    return str(found[0]["messageId"])


@pytest.mark.parametrize(
    "words",
    [
        "status", "dlq list", "dlq history", "queues", "orders stuck", "orders trace ORDER", "logs OrdersReactions",
        "reconcile --cost", "reconcile --history", "schemas --check-deploy",
    ],
)  # fmt: skip
def test_an_operator_sees_what_the_runbook_asks_for(role: boto3.Session, shop: Shop, order_id: str, words: str) -> None:
    assert cloudretail(shop, role, *words.replace("ORDER", order_id).split())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("dlq show orders LETTER", 0),
        ("dlq replay orders LETTER --dry-run", 0),
        ("dlq replay orders LETTER --wait --yes --reason mended", 1),
        ("dlq drop orders LETTER --yes --reason none-of-ours", 0),
    ],
    ids=["show", "dry run", "replay", "drop"],
)
def test_an_operator_does_with_a_dead_letter_what_the_runbook_says(
    role: boto3.Session, shop: Shop, words: str, code: int
) -> None:
    """It is none of an event, so that it fails again."""
    letter = dead_letter(shop, role)
    cloudretail(shop, role, *words.replace("LETTER", letter).split(), code=code)


def test_an_operator_corrects_a_dead_letter_and_looks_whether_its_replay_did_harm(
    role: boto3.Session, shop: Shop, order_id: str, tmp_path: Path
) -> None:
    letter, body = dead_letter(shop, role), tmp_path / "corrected.json"
    body.write_text(row(shop, "OrdersTable", orderId=order_id)["outbox"]["events"][0])
    cloudretail(shop, role, "dlq", "edit", "orders", letter, "--body", str(body), "--reason", "another", "--yes")
    words = ("dlq", "replay", "orders", letter, "--yes", "--reason", "corrected", "--json")
    replayed = json.loads(cloudretail(shop, role, *words))
    cloudretail(shop, role, "dlq", "history", replayed["replayId"])
    cloudretail(shop, role, "verify", replayed["replayId"])


def test_an_operator_pauses_a_consumer_and_lets_it_go_on(role: boto3.Session, shop: Shop) -> None:
    cloudretail(shop, role, "queues", "pause", "fulfilment", "--yes", "--reason", "tried")
    assert "tried" in cloudretail(shop, role, "queues")
    cloudretail(shop, role, "queues", "resume", "fulfilment")
    assert "tried" not in cloudretail(shop, role, "queues")


def test_an_operator_lets_orders_go_on_replays_the_archive_and_compares_the_tables(
    role: boto3.Session, shop: Shop, order_id: str
) -> None:
    cloudretail(shop, role, "orders", "nudge", order_id, "--yes", "--reason", "tried")
    words = ("--from", "1h", "--consumer", "notifications", "--yes", "--reason", "tried")
    assert "completed" in cloudretail(shop, role, "events", "replay", *words)
    cloudretail(shop, role, "reconcile", "--changed-since", "1h", code=0)


def test_an_operator_reads_every_table_and_writes_none_of_the_services(role: boto3.Session, shop: Shop) -> None:
    tables = role.client("dynamodb", endpoint_url=shop.endpoint)
    for name, table in shop.tables.items():
        assert "Items" in tables.scan(TableName=table, Limit=1)
        if name not in ("FailuresTable", "ReplaysTable"):
            refused(role, shop, "dynamodb", "put_item", TableName=table, Item={"orderId": {"S": "x"}})


def test_an_operator_deletes_nothing(role: boto3.Session, shop: Shop) -> None:
    refused(role, shop, "dynamodb", "delete_table", TableName=shop.tables["OrdersTable"])
    refused(role, shop, "cloudformation", "delete_stack", StackName=shop.stack)
    refused(role, shop, "sqs", "purge_queue", QueueUrl=shop.queues["OrdersQueue"])


def test_an_operator_sends_to_no_queue_calls_no_function_but_the_worker_and_sees_no_account(
    role: boto3.Session, shop: Shop
) -> None:
    refused(role, shop, "sqs", "send_message", QueueUrl=shop.queues["OrdersQueue"], MessageBody="{}")
    refused(role, shop, "lambda", "invoke", FunctionName=shop.functions["OrdersApi"], Payload=b"{}")
    worker = shop.functions["ReplayWorker"]
    refused(role, shop, "lambda", "update_function_configuration", FunctionName=worker, Timeout=1)
    refused(role, shop, "cognito-idp", "list_users", UserPoolId=shop.output("UserPoolId"))


def test_the_pipeline_publishes_the_pages_and_confirms_the_accounts_of_its_journeys(
    deployer: boto3.Session, operator: Person, shop: Shop
) -> None:
    new_product(operator, stock=5)
    cloudretail(shop, deployer, "schemas", "--check-deploy")
    cloudretail(shop, deployer, "publish", "--yes")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "proof", "-q", "-p", "no:cacheprovider", "tests/journeys"],
        cwd=PROJECT, env=environment(shop, deployer) | {"CLOUDRETAIL_STACK": shop.stack},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_pipeline_deploys_as_a_role_that_cloudformation_takes_on(
    deployer: boto3.Session, account: Mapping[str, str], local_shop: LocalShop, shop: Shop
) -> None:
    done = subprocess.run(
        [
            *SAM, "deploy", "--template-file", str(local_shop.build_dir / "template.yaml"), "--stack-name", shop.stack,
            "--config-file", str(PROJECT / "samconfig.toml"), "--resolve-s3", "--no-confirm-changeset",
            "--capabilities", "CAPABILITY_IAM", "--role-arn", account["ExecutorRole"],
            "--parameter-overrides", "Runbook=https://runbook.example/",
        ],
        cwd=PROJECT, env=environment(shop, deployer), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (stack,) = shop.cloudformation.describe_stacks(StackName=shop.stack)["Stacks"]
    assert {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}["Runbook"] == (
        "https://runbook.example/"
    )


def test_the_pipeline_touches_no_data_no_code_and_no_role(deployer: boto3.Session, shop: Shop) -> None:
    name, pool = shop.functions["OrdersApi"], shop.output("UserPoolId")
    refused(deployer, shop, "dynamodb", "scan", TableName=shop.tables["OrdersTable"])
    refused(deployer, shop, "lambda", "invoke", FunctionName=name, Payload=b"{}")
    refused(deployer, shop, "lambda", "update_function_configuration", FunctionName=name, Timeout=1)
    refused(deployer, shop, "iam", "create_role", RoleName=f"{shop.stack}-mine", AssumeRolePolicyDocument="{}")
    refused(deployer, shop, "cloudformation", "delete_stack", StackName=shop.stack)
    refused(
        deployer, shop, "cognito-idp", "admin_add_user_to_group",
        UserPoolId=pool, Username="x", GroupName="operators",
    )  # fmt: skip
