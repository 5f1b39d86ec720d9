"""The archive of every event on the bus, and replaying a part of it to one consumer.

In the template, the archive is for AWS only, since the emulator does not support that resource. It supports the API's
call, so a local shop's archive is made by that.
"""

import time
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from retail_ops.errors import OpsError
from retail_ops.stack.shop import Shop

RULE = "AWS::Events::Rule"


def ensure_local_archive(shop: Shop) -> None:
    """Make the archive in the emulator, if it does not have one. It keeps all events from then on."""
    try:
        shop.events.create_archive(
            ArchiveName=shop.stack,
            EventSourceArn=_bus_arn(shop),
            Description="All events that were published, for replays",
            RetentionDays=90,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def start_replay(shop: Shop, name: str, rule: str, begin: datetime, end: datetime, description: str) -> None:
    """Start a replay of a period's events to one rule.

    Args:
        shop: whose archive.
        name: of the replay; it has to be new.
        rule: the template's name of the consumer's rule.
        begin: of the period, aware.
        end: of the period, aware. EventBridge's times are whole seconds: the one that it is in belongs to the period,
            and is waited for where it is not over.
        description: who and why.

    Raises:
        OpsError: there is no archive.
    """
    bus = _bus_arn(shop)
    archives = shop.events.list_archives(EventSourceArn=bus)["Archives"]
    if not archives:
        raise OpsError(f"The bus of {shop.stack} has no archive; a local shop gets one with: make up")
    archive = shop.events.describe_archive(ArchiveName=archives[0]["ArchiveName"])["ArchiveArn"]
    # CloudFormation's id of a rule of a bus is `bus|rule`.
    physical = shop.resource(RULE, rule).rpartition("|")[2]
    described = shop.events.describe_rule(Name=physical, EventBusName=shop.output("EventBusName"))
    whole = end.replace(microsecond=0) + timedelta(seconds=1 if end.microsecond else 0)
    time.sleep(max(0.0, (whole - datetime.now(UTC)).total_seconds()))
    shop.events.start_replay(
        ReplayName=name,
        Description=description[:512],
        EventSourceArn=archive,
        EventStartTime=begin,
        EventEndTime=whole,
        Destination={"Arn": bus, "FilterArns": [described["Arn"]]},
    )


def replay_state(shop: Shop, name: str) -> tuple[str, datetime | None]:
    """STARTING, RUNNING, COMPLETED, CANCELLED or FAILED, and the time of the last event that it sent.

    One that EventBridge does not know was noted and then refused: it has failed.
    """
    try:
        found = shop.events.describe_replay(ReplayName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return "FAILED", None
    last = found.get("EventLastReplayedTime")
    return found["State"], last.astimezone(UTC) if last else None


def _bus_arn(shop: Shop) -> str:
    return shop.events.describe_event_bus(Name=shop.output("EventBusName"))["Arn"]
