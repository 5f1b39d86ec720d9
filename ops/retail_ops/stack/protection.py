"""The protection of a deployed shop.

Its stack cannot be deleted, its data cannot be replaced, and deployments that set off the paging alarm are rolled back.

These three are settings of the stack, which a template cannot contain.
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from retail_ops.stack.shop import Shop

ALARM = "AWS::CloudWatch::CompositeAlarm"
WATCHED_MINUTES = 15
"""Minutes that a deployment is watched after its last change: longer than a canary and the alarm's three minutes."""

DATA = ("AWS::DynamoDB::Table", "AWS::Cognito::UserPool", "AWS::S3::Bucket", "AWS::Backup::BackupVault")
"""Resource types whose data cannot be made again."""


def stack_policy(*, protected: bool) -> dict[str, Any]:
    """The stack policy: allows everything, but if `protected`, not the replacement and removal of data."""
    anything = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    data = {
        "Effect": "Deny",
        "Action": ["Update:Replace", "Update:Delete"],
        "Principal": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"ResourceType": list(DATA)}},
    }
    return {"Statement": [anything, data] if protected else [anything]}


def protect(shop: Shop, *, protected: bool = True) -> list[str]:
    """Protect a deployed shop. Without `protected` it lifts that, such as to put a restored table in place.

    Returns:
        Sentences that say what holds from now on.
    """
    client = shop.cloudformation
    client.update_termination_protection(StackName=shop.stack, EnableTerminationProtection=protected)
    client.set_stack_policy(StackName=shop.stack, StackPolicyBody=json.dumps(stack_policy(protected=protected)))
    if not protected:
        return ["The stack can be deleted.", "A deployment may replace and remove tables, users and pictures."]
    said = [
        "The stack refuses to be deleted.",
        "A deployment may neither replace nor remove tables, users and pictures.",
    ]
    return [*said, _roll_back_on_alarm(shop)]


def _roll_back_on_alarm(shop: Shop) -> str:
    """Set the alarm that rolls back. Later deployments keep it. Source: CloudFormation API reference,
    RollbackConfiguration."""
    alarm = shop.resource(ALARM, "PagingAlarm")
    arn = f"arn:aws:cloudwatch:{shop.region}:{_account(shop)}:alarm:{alarm}"
    stack = shop.cloudformation.describe_stacks(StackName=shop.stack)["Stacks"][0]
    triggers = stack.get("RollbackConfiguration", {}).get("RollbackTriggers", [])
    done = f"A deployment that sets off {alarm} within {WATCHED_MINUTES} minutes is rolled back."
    if arn in [trigger["Arn"] for trigger in triggers]:
        return done
    try:
        shop.cloudformation.update_stack(
            StackName=shop.stack,
            UsePreviousTemplate=True,
            Parameters=[
                {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True} for each in stack.get("Parameters", [])
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            RollbackConfiguration={
                "MonitoringTimeInMinutes": WATCHED_MINUTES,
                "RollbackTriggers": [{"Arn": arn, "Type": ALARM}],
            },
        )
    except ClientError as error:
        if "No updates" not in str(error):
            raise
        return f"{alarm} rolls nothing back yet: CloudFormation takes it with the next change of the template only."
    return done


def _account(shop: Shop) -> str:
    return shop.session.client("sts", endpoint_url=shop.endpoint).get_caller_identity()["Account"]
