"""Functions in the test's own process, found and configured as the template declares them, on tables of moto."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail import aws
from retail_ops.stack.template import Template
from tests.support.tables import REGION, shop_tables

FUNCTIONS = Path(__file__).parents[2] / "functions"

type Handler = Callable[[Mapping[str, Any], LambdaContext], dict[str, Any]]


@cache
def template() -> Template:
    return Template.load()


def module_of(function: str) -> ModuleType:
    """The module that a function's handler stands in."""
    return import_module(template().functions[function]["Handler"].rpartition(".")[0])


def handler_of(function: str) -> Handler:
    handler: Handler = getattr(module_of(function), template().functions[function]["Handler"].rpartition(".")[2])
    return handler


@contextmanager
def shop(environment: pytest.MonkeyPatch) -> Iterator["Shop"]:
    """Every table, queue and bucket of the template, empty, under its logical id."""
    with shop_tables(environment, *template().properties("AWS::DynamoDB::Table")):
        for queue in template().properties("AWS::SQS::Queue"):
            aws.sqs().create_queue(QueueName=queue)
        for bucket in template().properties("AWS::S3::Bucket"):
            aws.s3().create_bucket(
                Bucket=bucket.lower(),
                CreateBucketConfiguration={"LocationConstraint": REGION},  # type: ignore[typeddict-item]
            )
        for identity in template().properties("AWS::SES::EmailIdentity").values():
            aws.ses().create_email_identity(EmailIdentity=identity["EmailIdentity"])
        yield Shop(environment)


class Shop:
    """Calls functions, each in the environment that the template gives to it and to no other."""

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        self._environment = environment

    def invoke(self, function: str, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """What a new process of the function answers."""
        others = {name for each in template().functions for name in template().environment(each)}
        for name in others | {name for name in os.environ if name.endswith("_TABLE")}:
            self._environment.delenv(name, raising=False)
        self._environment.setenv("STAGE", _physical(template().common_environment["STAGE"]))
        for name, value in template().environment(function).items():
            self._environment.setenv(name, _physical(value))
        _forget_settings()
        return handler_of(function)(event, context)


def _physical(value: Any) -> str:
    """A variable's value: what the template refers to is called by its logical id here."""
    match value:
        case {"Fn::If": [str(condition), then, otherwise]}:
            return _physical(then if _holds(template().body["Conditions"][condition]) else otherwise)
        case {"Ref": str(name)} if name in template().properties("AWS::SQS::Queue"):
            return aws.sqs().get_queue_url(QueueName=name)["QueueUrl"]
        case {"Ref": str(name)} if name in template().properties("AWS::S3::Bucket"):
            return name.lower()
        case {"Ref": str(name)} if name in template().body["Parameters"]:
            return str(template().body["Parameters"][name]["Default"])
        case {"Ref": str(name)}:
            return name
        case str(text) if text.endswith("${AWS::StackName}-"):
            # What queues' addresses begin with.
            return aws.sqs().get_queue_url(QueueName="RelayDlq")["QueueUrl"].removesuffix("RelayDlq")
        case _:
            return str(value)


def _holds(condition: Mapping[str, Any]) -> bool:
    """Whether a condition of the template is true, with the parameters' defaults in it."""
    match condition:
        case {"Fn::Equals": [one, other]}:
            return _physical(one) == _physical(other)
        case {"Fn::Not": [negated]}:
            return not _holds(negated)
        case _:
            raise AssertionError(f"{condition}: the tests do not know this function yet")


def _forget_settings() -> None:
    """What a process remembers of its environment, in the functions' own modules."""
    for module in list(sys.modules.values()):
        if str(FUNCTIONS) in str(getattr(module, "__file__", "")):
            for value in vars(module).values():
                if hasattr(value, "cache_clear") and getattr(value, "__module__", "") != aws.__name__:
                    value.cache_clear()
