"""Items as JSON types, and what an error of DynamoDB means for the call that got it."""

from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from hypothesis import given
from hypothesis import strategies as st

from cloudretail import dynamodb
from tests.support.wire import cancelled, refused

items = st.dictionaries(
    st.text(min_size=1),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=1), inner),
        max_leaves=10,
    ),
)


@given(items)
def test_an_item_comes_back_with_the_types_that_it_had(item: dict[str, Any]) -> None:
    back = dynamodb.from_item(dynamodb.to_item(item))
    assert back == item
    assert repr(back) == repr(item)  # 1 == True == Decimal(1), but they are not written alike


def test_a_float_is_no_value_of_this_shop() -> None:
    with pytest.raises(TypeError):
        dynamodb.to_item({"price": 19.9})


@pytest.mark.parametrize(
    "error",
    [
        refused("ProvisionedThroughputExceededException"),
        refused("ThrottlingException"),
        refused("RequestLimitExceeded"),
        refused("InternalServerError"),
        refused("TransactionConflictException"),
        refused("TransactionInProgressException"),
        cancelled("None", "TransactionConflict"),
        cancelled("ThrottlingError", "TransactionConflict", "None"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
        ConnectTimeoutError(endpoint_url="https://dynamodb"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ConnectionClosedError(endpoint_url="https://dynamodb"),
    ],
    ids=str,
)
def test_what_may_pass_is_transient(error: Exception) -> None:
    assert dynamodb.is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        refused("ConditionalCheckFailedException"),
        refused("ValidationException"),
        refused("AccessDeniedException"),
        refused("ResourceNotFoundException"),
        cancelled("None", "ConditionalCheckFailed"),
        cancelled("TransactionConflict", "ConditionalCheckFailed"),
        cancelled("None", "None"),
        cancelled("ValidationError"),
        NoCredentialsError(),
        ValueError(),
    ],
    ids=repr,
)
def test_what_would_fail_again_is_not_transient(error: Exception) -> None:
    assert not dynamodb.is_transient(error)


def test_a_conflict_is_no_failed_condition() -> None:
    assert dynamodb.is_condition_failed(refused("ConditionalCheckFailedException"))
    assert not dynamodb.is_condition_failed(refused("TransactionConflictException"))
    assert not dynamodb.is_condition_failed(cancelled("ConditionalCheckFailed"))


def test_a_cancelled_transaction_gives_a_reason_for_each_item() -> None:
    reasons = dynamodb.cancellation_reasons(cancelled("None", "ConditionalCheckFailed"))
    assert reasons is not None
    assert [reason["Code"] for reason in reasons] == ["None", dynamodb.CONDITION_FAILED]
    assert dynamodb.cancellation_reasons(refused("ThrottlingException")) is None
