"""What EventBridge says of a replay of the archive."""

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from retail_ops.stack.archive import replay_state, start_replay
from retail_ops.stack.shop import Shop

LAST = datetime(2026, 1, 2, tzinfo=UTC)


def shop(answer: dict[str, Any] | str) -> Shop:
    """One whose EventBridge answers this of every replay, or refuses with this code."""

    class Events:
        def describe_replay(self, ReplayName: str) -> dict[str, Any]:  # noqa: N803
            if isinstance(answer, str):
                raise ClientError({"Error": {"Code": answer, "Message": ReplayName}}, "DescribeReplay")
            return answer

    found = Shop("shop", "eu-central-1", None, {}, {}, boto3.Session())
    found.__dict__["events"] = Events()
    return found


def test_a_replay_is_as_far_as_eventbridge_says() -> None:
    assert replay_state(shop({"State": "RUNNING", "EventLastReplayedTime": LAST}), "rpl_1") == ("RUNNING", LAST)


def test_a_replay_that_was_noted_and_never_began_has_failed_and_hides_no_other() -> None:
    assert replay_state(shop("ResourceNotFoundException"), "rpl_1") == ("FAILED", None)


def test_what_is_refused_is_no_end_of_a_replay() -> None:
    with pytest.raises(ClientError):
        replay_state(shop("AccessDeniedException"), "rpl_1")


def test_events_of_the_second_in_which_a_replay_is_started_belong_to_it() -> None:
    started: dict[str, Any] = {}

    class Events:
        def describe_event_bus(self, **_: Any) -> dict[str, Any]:
            return {"Arn": "the-bus"}

        def list_archives(self, **_: Any) -> dict[str, Any]:
            return {"Archives": [{"ArchiveName": "all"}]}

        def describe_archive(self, **_: Any) -> dict[str, Any]:
            return {"ArchiveArn": "the-archive"}

        def describe_rule(self, **_: Any) -> dict[str, Any]:
            return {"Arn": "the-rule"}

        def start_replay(self, **words: Any) -> None:
            started.update(words)

    found = Shop("shop", "eu-central-1", None, {"EventBusName": "bus"}, {}, boto3.Session())
    found.__dict__.update(events=Events(), resource=lambda *_: "bus|rule")

    start_replay(found, "rpl_1", "InventoryRule", LAST, LAST.replace(microsecond=1), "why")

    assert (started["EventStartTime"], started["EventEndTime"]) == (LAST, LAST.replace(second=1))
