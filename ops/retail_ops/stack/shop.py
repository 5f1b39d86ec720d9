"""A deployed shop, local or on AWS. Its resources are looked up in its stack, and their names are never guessed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from retail_ops.errors import NoShop

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

PROJECT = Path(__file__).resolve().parents[3]
"""The repository: the template and the functions are read from it."""

LOCAL_REGION = "ap-southeast-1"

FUNCTION = "AWS::Lambda::Function"
LOG_GROUP = "AWS::Logs::LogGroup"
QUEUE = "AWS::SQS::Queue"
TABLE = "AWS::DynamoDB::Table"


@dataclass(frozen=True)
class Shop:
    """A stack and what is in it.

    Args:
        stack: name of the stack.
        region: AWS region.
        endpoint: address of the emulator; None on AWS.
        outputs: outputs of the stack, by name.
        resources: by resource type: physical ids by logical id.
        session: credentials and region of every call.
        local_storefront: address of the local storefront server; None on AWS.
    """

    stack: str
    region: str
    endpoint: str | None
    outputs: Mapping[str, str]
    resources: Mapping[str, Mapping[str, str]]
    session: boto3.Session = field(repr=False, compare=False)
    local_storefront: str | None = None

    @property
    def functions(self) -> Mapping[str, str]:
        """Names of the functions by logical id."""
        return self.resources.get(FUNCTION, {})

    @property
    def queues(self) -> Mapping[str, str]:
        """Addresses of the queues by logical id."""
        return self.resources.get(QUEUE, {})

    @property
    def tables(self) -> Mapping[str, str]:
        """Names of the tables by logical id."""
        return self.resources.get(TABLE, {})

    @property
    def api_url(self) -> str:
        """Address of the HTTP API itself, ending in /api; a storefront has the same API at its own /api."""
        return self.output("ApiUrl")

    @property
    def storefront_url(self) -> str:
        return self.local_storefront or self.output("StorefrontUrl")

    def output(self, name: str) -> str:
        """An output of the stack.

        Raises:
            NoShop: the stack has no such output: it is not a CloudRetail shop, or an older one.
        """
        try:
            return self.outputs[name]
        except KeyError:
            raise NoShop(
                f"Stack {self.stack} has no output {name}: is it a CloudRetail shop of this version?"
            ) from None

    def resource(self, kind: str, logical_id: str) -> str:
        """Physical id of a resource.

        Args:
            kind: resource type, such as `AWS::DynamoDB::Table`.
            logical_id: its name in template.yaml.

        Raises:
            NoShop: the stack has none with that name. The text lists those that it has.
        """
        found = self.resources.get(kind, {})
        try:
            return found[logical_id]
        except KeyError:
            known = ", ".join(sorted(found)) or "none"
            raise NoShop(f"Stack {self.stack} has no {kind} {logical_id}; it has: {known}.") from None

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        return self.session.client("cloudformation", endpoint_url=self.endpoint, config=_CONFIG)

    @cached_property
    def cloudfront(self) -> "CloudFrontClient":
        return self.session.client("cloudfront", endpoint_url=self.endpoint, config=_CONFIG)

    @cached_property
    def cognito(self) -> "CognitoIdentityProviderClient":
        return self.session.client("cognito-idp", endpoint_url=self.endpoint, config=_CONFIG)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self.session.client("dynamodb", endpoint_url=self.endpoint, config=_CONFIG)

    @cached_property
    def events(self) -> "EventBridgeClient":
        return self.session.client("events", endpoint_url=self.endpoint, config=_CONFIG)

    @cached_property
    def lambda_(self) -> "LambdaClient":
        return self.session.client("lambda", endpoint_url=self.endpoint, config=_CONFIG)

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self.session.client("logs", endpoint_url=self.endpoint, config=_CONFIG)

    @cached_property
    def s3(self) -> "S3Client":
        return self.session.client("s3", endpoint_url=self.endpoint, config=_CONFIG)

    @cached_property
    def sqs(self) -> "SQSClient":
        return self.session.client("sqs", endpoint_url=self.endpoint, config=_CONFIG)


_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 4}, max_pool_connections=32)


def local_session(key: str, secret: str = "", token: str | None = None) -> boto3.Session:
    """A session for the emulator, independent of this machine's AWS profile.

    Args:
        key: id of the access key. For the root's key, the emulator checks nothing else.
        secret: secret of a role's session; the emulator verifies its signatures.
        token: token of a role's session.
    """
    # Nothing is read from ~/.aws: a profile there may be for AWS, or may not exist.
    nobody = {"profile": (None, None, None, None)}
    nothing = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    core = botocore.session.Session(session_vars={**nobody, **nothing})
    core.set_default_client_config(Config(proxies={}))  # A proxy would resolve 127.0.0.1 as its own machine.
    return boto3.Session(
        botocore_session=core,
        aws_access_key_id=key,
        aws_secret_access_key=secret or "unused",
        aws_session_token=token,
        region_name=LOCAL_REGION,
    )


def developer_session(shop: Shop) -> boto3.Session:
    """A session with all permissions in a local shop, for twelve hours. The emulator verifies its signatures, so its
    presigned URLs can be passed on. Those of the root's key must not be, as its signatures are not verified."""
    given = shop.session.client("sts", endpoint_url=shop.endpoint, config=_CONFIG).get_session_token()["Credentials"]
    return local_session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def role_session(shop: Shop, function: str) -> boto3.Session:
    """A session with a function's own permissions.

    Args:
        shop: a local one.
        function: logical id.
    """
    configuration = shop.lambda_.get_function_configuration(FunctionName=shop.resource(FUNCTION, function))
    sts = shop.session.client("sts", endpoint_url=shop.endpoint, config=_CONFIG)
    given = sts.assume_role(RoleArn=configuration["Role"], RoleSessionName=function)["Credentials"]
    return local_session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def read_stack(
    stack: str, session: boto3.Session, *, endpoint: str | None = None, local_storefront: str | None = None
) -> Shop:
    """Find a shop's resources.

    Args:
        stack: name of the stack.
        session: credentials and region.
        endpoint: address of the emulator; None on AWS.
        local_storefront: address of the local storefront server; None on AWS.

    Returns:
        The shop.

    Raises:
        NoShop: there is no such stack.
    """
    region = session.region_name
    if not region:
        raise NoShop("No AWS region is chosen. Set AWS_REGION, or choose a profile that has one with AWS_PROFILE.")
    client = session.client("cloudformation", endpoint_url=endpoint, config=_CONFIG)
    try:
        found = client.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            raise NoShop(f"There is no stack {stack} in {region}.") from None
        raise
    resources: dict[str, dict[str, str]] = {}
    for summary in (
        client.get_paginator("list_stack_resources").paginate(StackName=stack).search("StackResourceSummaries[]")
    ):
        if physical := summary.get("PhysicalResourceId"):
            resources.setdefault(summary["ResourceType"], {})[summary["LogicalResourceId"]] = physical
    # A restored table is not among the stack's resources. Its name is a parameter.
    for parameter in found.get("Parameters", []):
        if parameter["ParameterKey"].endswith("TableName") and parameter["ParameterValue"]:
            table = parameter["ParameterKey"].removesuffix("Name")
            resources.setdefault(TABLE, {})[table] = parameter["ParameterValue"]
    return Shop(
        stack=stack,
        region=region,
        endpoint=endpoint,
        outputs={o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])},
        resources=resources,
        session=session,
        local_storefront=local_storefront,
    )


def aws_session(region: str | None = None) -> boto3.Session:
    """A session with the profile and credentials that AWS's own tools choose.

    Args:
        region: None for the profile's.
    """
    return boto3.Session(region_name=region)
