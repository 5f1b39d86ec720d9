"""The shop's tables in the test's own process (moto), with the keys and indexes that the template declares."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from cloudretail import aws

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
REGION = "ap-southeast-1"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as their plain values, which no key of a table depends on."""


def _plain(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    match node:
        case yaml.ScalarNode():
            return loader.construct_scalar(node)
        case yaml.SequenceNode():
            return loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _plain)


@cache
def _declared() -> dict[str, dict[str, Any]]:
    resources = yaml.load(TEMPLATE.read_text(), Loader=_Loader)["Resources"]  # noqa: S506 a safe loader
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if isinstance(resource, dict) and resource.get("Type") == "AWS::DynamoDB::Table"
    }


@contextmanager
def shop_tables(environment: pytest.MonkeyPatch, *names: str) -> Iterator[None]:
    """Tables in a new account, and the environment by which functions find them.

    Args:
        environment: of the test; SENT_MAILS_TABLE is set for SentMailsTable, and credentials that reach nothing.
        names: logical ids in the template.
    """
    environment.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment.setenv(name, "test")
    environment.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        forget_clients()
        for name in names:
            declared = _declared()[name]
            aws.dynamodb().create_table(
                TableName=name,
                **{
                    key: declared[key]
                    for key in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
                    if key in declared
                },
                BillingMode="PAY_PER_REQUEST",
            )
            environment.setenv(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper(), name)
        yield
    forget_clients()


def forget_clients() -> None:
    """The next call makes new clients, in the account and environment of then."""
    for client in (aws.dynamodb, aws.sqs, aws.eventbridge, aws.cognito, aws.ses, aws.s3, aws.secrets):
        client.cache_clear()


def items_of(table: str) -> list[dict[str, Any]]:
    """Everything in a table, in DynamoDB's own form."""
    return aws.dynamodb().scan(TableName=table)["Items"]


def empty(*names: str) -> None:
    """Forget every row: for tests that share their tables, which are slow to make."""
    for name in names:
        _moto(name).items.clear()


def everything_in(*names: str) -> dict[str, list[dict[str, Any]]]:
    """The items of tables by the tables' names, without a call: for tests that look often, and while calls fail."""
    return {name: [deepcopy(item.to_json()["Attributes"]) for item in _moto(name).all_items()] for name in names}


def _moto(name: str) -> Table:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[name]
