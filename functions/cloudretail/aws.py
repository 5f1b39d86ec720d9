"""One boto3 client per service and process, made at its first use: a cold start makes only those that it needs."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient

_session: "boto3.Session | None" = None
_endpoint: str | None = None


def connect(session: "boto3.Session", endpoint: str | None) -> None:
    """Use another session than the environment's, for a command that calls a function's code.

    Args:
        session: credentials and region.
        endpoint: address of the emulator; None on AWS.
    """
    global _session, _endpoint
    _session, _endpoint = session, endpoint
    for client in (dynamodb, sqs, eventbridge, lambda_, cognito, ses, s3, secrets):
        client.cache_clear()


def _config() -> "Config":
    from botocore.config import Config

    return Config(
        # The functions' time-outs are 10 s. A call that hangs must leave time to retry it and to report it. The worst
        # case is two tries of 1 + 2 s, and a pause between them.
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 2},
        # Without this, the SDK builds its user agent anew for each call, which is a fifth of the call's processor time.
        user_agent="cloudretail",
    )


@cache
def dynamodb() -> "DynamoDBClient":
    import boto3

    return (_session or boto3).client("dynamodb", endpoint_url=_endpoint, config=_config())


@cache
def sqs() -> "SQSClient":
    import boto3

    return (_session or boto3).client("sqs", endpoint_url=_endpoint, config=_config())


@cache
def eventbridge() -> "EventBridgeClient":
    import boto3

    return (_session or boto3).client("events", endpoint_url=_endpoint, config=_config())


@cache
def lambda_() -> "LambdaClient":
    import boto3

    return (_session or boto3).client("lambda", endpoint_url=_endpoint, config=_config())


@cache
def cognito() -> "CognitoIdentityProviderClient":
    import boto3

    return (_session or boto3).client("cognito-idp", endpoint_url=_endpoint, config=_config())


@cache
def ses() -> "SESV2Client":
    import boto3

    return (_session or boto3).client("sesv2", endpoint_url=_endpoint, config=_config())


@cache
def s3() -> "S3Client":
    import boto3
    from botocore.config import Config

    # Presigned URLs work in every region only with signature version 4 and the bucket in the host name. The host names
    # the region in us-east-1 too, as the content policy does (`RegionalDomainName`).
    s3 = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    config = _config().merge(Config(signature_version="s3v4", s3=s3))  # type: ignore[arg-type]
    return (_session or boto3).client("s3", endpoint_url=_endpoint, config=config)


@cache
def secrets() -> "SecretsManagerClient":
    import boto3

    return (_session or boto3).client("secretsmanager", endpoint_url=_endpoint, config=_config())
