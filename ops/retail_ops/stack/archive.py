"""The archive of every event on the bus, and replaying a part of it to one consumer.

The template has the archive on AWS only, since the emulator does not take that resource. It does take the API's call: a
local shop's archive is made by it.
"""

from datetime import UTC, datetime

from botocore.exceptions import ClientError

from retail_ops.errors import OpsError
from retail_ops.stack.shop import Shop

RULE = "AWS::Events::Rule"


def ensure_local_archive(shop: Shop) -> None:
    """Let the emulator keep everything that is said from here on, if it does not yet."""
    try:
        shop.events.create_archive(
            ArchiveName=shop.stack,
            EventSourceArn=_bus_arn(shop),
            Description="Everything that was said, for replays",
            RetentionDays=90,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def start_replay(shop: Shop, name: str, rule: str, begin: datetime, end: datetime, description: str) -> None:
    """Let the archive send one rule again what was published in a time.

    Args:
        shop: whose archive.
        name: of the replay, new.
        rule: the template's name of the consumer's rule.
        begin: of the events, aware.
        end: likewise.
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
    shop.events.start_replay(
        ReplayName=name,
        Description=description[:512],
        EventSourceArn=archive,
        EventStartTime=begin,
        EventEndTime=end,
        Destination={"Arn": bus, "FilterArns": [described["Arn"]]},
    )


def replay_state(shop: Shop, name: str) -> tuple[str, datetime | None]:
    """STARTING, RUNNING, COMPLETED, CANCELLED or FAILED, and the time of the last event that it sent."""
    found = shop.events.describe_replay(ReplayName=name)
    last = found.get("EventLastReplayedTime")
    return found["State"], last.astimezone(UTC) if last else None


def _bus_arn(shop: Shop) -> str:
    return shop.events.describe_event_bus(Name=shop.output("EventBusName"))["Arn"]
