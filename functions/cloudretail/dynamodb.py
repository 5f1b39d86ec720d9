"""DynamoDB items as JSON types, and what its errors mean."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize

THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingException",
        "ThrottlingError",
        "InternalServerError",
        "ServiceUnavailable",
        "TransactionInProgressException",
    }
)
"""Error codes after which the same call may succeed later. Source: DynamoDB developer guide, "Error handling"."""

CONFLICTS = frozenset({"TransactionConflict", "TransactionConflictException"})
"""Another transaction is writing the same item. It is neither a lost race nor a failed condition."""

CONDITION_FAILED = "ConditionalCheckFailed"


def to_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert JSON types to DynamoDB's attribute values."""
    return {name: _serialize(value) for name, value in item.items()}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert DynamoDB's attribute values to JSON types. Every number that the shop stores is an integer."""
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value)
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | set():
            return [_plain(each) for each in value]
        case _:
            return value


def code(error: ClientError) -> str:
    """The error's code. A call's code mostly ends in "Exception"; a reason in a cancelled transaction does not."""
    return error.response["Error"]["Code"]


def is_condition_failed(error: ClientError) -> bool:
    """True for a single write whose condition did not hold."""
    return code(error) == "ConditionalCheckFailedException"


def cancellation_reasons(error: ClientError) -> list[Mapping[str, Any]] | None:
    """The reasons of a cancelled transaction: one per item in order, each with `Code` and perhaps `Item`. None for any
    other error."""
    if code(error) != "TransactionCanceledException":
        return None
    return list(error.response.get("CancellationReasons", []))


def is_transient(error: Exception) -> bool:
    """True where the same call may succeed later: a throttle, a conflict, a broken connection."""
    if isinstance(error, ConnectionError | HTTPClientError):
        return True
    if not isinstance(error, ClientError):
        return False
    reasons = cancellation_reasons(error)
    if reasons is None:
        return code(error) in THROTTLES | CONFLICTS
    codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
    return bool(codes) and codes <= THROTTLES | CONFLICTS
