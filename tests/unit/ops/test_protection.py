import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from retail_ops.stack.protection import DATA, protect, stack_policy
from retail_ops.stack.shop import Shop

ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-PagingAlarm-1"


class CloudFormation:
    """What is asked of CloudFormation, in its own words."""

    def __init__(self, *, triggers: list[dict[str, str]] | None = None, refusal: str = "") -> None:
        self.asked: dict[str, dict[str, Any]] = {}
        self._stack = {
            "Parameters": [{"ParameterKey": "Stage", "ParameterValue": "prod"}],
            "RollbackConfiguration": {"RollbackTriggers": triggers or []},
        }
        self._refusal = refusal

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        return {"Stacks": [self._stack]}

    def update_stack(self, **asked: Any) -> None:
        if self._refusal:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": self._refusal}}, "UpdateStack")
        self.asked["update_stack"] = asked

    def __getattr__(self, name: str) -> Any:
        return lambda **asked: self.asked.update({name: asked})


def shop(client: CloudFormation, monkeypatch: pytest.MonkeyPatch) -> Shop:
    session = boto3.Session(aws_access_key_id="k", aws_secret_access_key="s", region_name="eu-central-1")
    resources = {"AWS::CloudWatch::CompositeAlarm": {"PagingAlarm": "shop-PagingAlarm-1"}}
    found = Shop("shop", "eu-central-1", None, {}, resources, session)
    found.__dict__["cloudformation"] = client
    monkeypatch.setattr("retail_ops.stack.protection._account", lambda _: "123456789012")
    return found


def test_a_protected_stack_refuses_to_be_deleted_and_keeps_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    client = CloudFormation()
    protect(shop(client, monkeypatch))
    assert client.asked["update_termination_protection"]["EnableTerminationProtection"] is True
    _, data = json.loads(client.asked["set_stack_policy"]["StackPolicyBody"])["Statement"]
    assert (data["Effect"], data["Action"]) == ("Deny", ["Update:Replace", "Update:Delete"])
    assert set(data["Condition"]["StringEquals"]["ResourceType"]) == set(DATA) >= {"AWS::DynamoDB::Table"}


def test_a_deployment_that_wakes_somebody_up_is_rolled_back_and_nothing_else_of_the_stack_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = CloudFormation()
    said = protect(shop(client, monkeypatch))
    asked = client.asked["update_stack"]
    assert asked["RollbackConfiguration"]["RollbackTriggers"] == [
        {"Arn": ARN, "Type": "AWS::CloudWatch::CompositeAlarm"}
    ]
    assert asked["UsePreviousTemplate"] is True
    assert asked["Parameters"] == [{"ParameterKey": "Stage", "UsePreviousValue": True}]
    assert "rolled back" in said[-1]


def test_what_is_protected_already_is_not_deployed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = CloudFormation(triggers=[{"Arn": ARN, "Type": "AWS::CloudWatch::CompositeAlarm"}])
    protect(shop(client, monkeypatch))
    assert "update_stack" not in client.asked


def test_it_is_said_where_cloudformation_takes_no_update_without_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    said = protect(shop(CloudFormation(refusal="No updates are to be performed."), monkeypatch))
    assert "yet" in said[-1]


def test_any_other_refusal_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClientError, match="in progress"):
        protect(shop(CloudFormation(refusal="an update is in progress"), monkeypatch))


def test_it_can_be_lifted_for_a_restore(monkeypatch: pytest.MonkeyPatch) -> None:
    client = CloudFormation()
    protect(shop(client, monkeypatch), protected=False)
    assert client.asked["update_termination_protection"]["EnableTerminationProtection"] is False
    assert json.loads(client.asked["set_stack_policy"]["StackPolicyBody"]) == stack_policy(protected=False)
    assert "Deny" not in client.asked["set_stack_policy"]["StackPolicyBody"]
