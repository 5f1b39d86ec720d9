"""The role of operators can do with the command what the runbook says, and nothing to anything else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from retail_ops.local.local_shop import LocalShop
from retail_ops.local.sam import local_settings
from retail_ops.stack.shop import PROJECT, Shop, local_session
from tests.support.shoppers import Person, Shopper, new_product

ACCOUNT = PROJECT / "ops" / "stacks" / "account.yaml"


@pytest.fixture(scope="module")
def role(shop: Shop) -> Iterator[boto3.Session]:
    """The operator's permissions, as the template gives them. On the emulator nobody has a second factor."""
    template = yaml_parse(ACCOUNT.read_text())
    (statement,) = template["Resources"]["Operator"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement.pop("Condition") == {"Bool": {"aws:MultiFactorAuthPresent": True}}
    stack = f"{shop.stack}-account"
    shop.cloudformation.create_stack(
        StackName=stack,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "StackOfShop", "ParameterValue": shop.stack}],
        Capabilities=["CAPABILITY_IAM"],
    )
    shop.cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    (made,) = shop.cloudformation.describe_stacks(StackName=stack)["Stacks"]
    arn = {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}["OperatorRole"]
    sts = shop.session.client("sts", endpoint_url=shop.endpoint)
    given = sts.assume_role(RoleArn=arn, RoleSessionName="operator")["Credentials"]
    yield local_session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    shop.cloudformation.delete_stack(StackName=stack)


@pytest.fixture(scope="module")
def environment(local_shop: LocalShop, role: boto3.Session) -> Mapping[str, str]:
    """Of an operator's shell: the emulator stands for AWS."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return others | local_settings(local_shop.endpoint, role)


def run(environment: Mapping[str, str], *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", "from retail_ops.cli import main; main()", *words, "--json"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def order_id(operator: Person, shop: Shop) -> str:
    from tests.support.shoppers import new_shopper

    shopper: Shopper = new_shopper(shop)
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    return order_id


@pytest.mark.parametrize(
    "words",
    [
        ("status",), ("dlq", "list"), ("dlq", "history"), ("orders", "stuck"), ("orders", "trace", "ORDER"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_an_operator_sees_what_the_runbook_asks_for(
    environment: Mapping[str, str], shop: Shop, order_id: str, words: tuple[str, ...]
) -> None:
    asked = [order_id if word == "ORDER" else word for word in words]
    assert run(environment, *asked, "--stack", shop.stack) is not None


def test_an_operator_reads_every_table_and_writes_none_of_the_services(role: boto3.Session, shop: Shop) -> None:
    tables = role.client("dynamodb", endpoint_url=shop.endpoint)
    for name, table in shop.tables.items():
        assert "Items" in tables.scan(TableName=table, Limit=1)
        if name not in ("FailuresTable", "ReplaysTable"):
            with pytest.raises(ClientError, match="AccessDenied"):
                tables.put_item(TableName=table, Item={"orderId": {"S": "x"}})


def test_an_operator_deletes_nothing(role: boto3.Session, shop: Shop) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        role.client("dynamodb", endpoint_url=shop.endpoint).delete_table(TableName=shop.tables["OrdersTable"])
    with pytest.raises(ClientError, match="AccessDenied"):
        role.client("cloudformation", endpoint_url=shop.endpoint).delete_stack(StackName=shop.stack)
    with pytest.raises(ClientError, match="AccessDenied"):
        role.client("sqs", endpoint_url=shop.endpoint).purge_queue(QueueUrl=shop.queues["OrdersQueue"])
