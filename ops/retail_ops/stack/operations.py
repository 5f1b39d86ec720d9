"""The functions' own operations on the resources of a stack: the command and the API run the same code.

That code is imported when an operation is called, so that other commands start faster.
"""

import getpass
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from retail_ops.errors import NoShop
from retail_ops.stack.shop import Shop

if TYPE_CHECKING:
    from operations.dead_letters.service import DeadLetters
    from operations.diagnosis.service import Diagnosis
    from operations.pauses import DynamoDBPauses
    from operations.reconciliation.domain import Reconciliation
    from operations.reconciliation.job import Reconciliations
    from operations.replays.domain import Replay, ReplayedMessage
    from operations.replays.nudge import Nudge
    from operations.replays.service import Replays
    from operations.wiring import ApiSettings

POLL = 0.3
"""Seconds between two polls of a record."""


@dataclass(frozen=True)
class Operations:
    """What an operator can do with a shop.

    Args:
        shop: whose resources.
    """

    shop: Shop

    def __post_init__(self) -> None:
        from cloudretail import aws

        aws.connect(self.shop.session, self.shop.endpoint)

    @cached_property
    def settings(self) -> "ApiSettings":
        """The environment of the deployed operations API, so that the command works on the same resources."""
        from operations.wiring import ApiSettings

        name = self.shop.resource("AWS::Lambda::Function", "OpsApi")
        found = self.shop.lambda_.get_function_configuration(FunctionName=name)
        try:
            return ApiSettings.model_validate(found.get("Environment", {}).get("Variables", {}))
        except ValueError as error:
            raise NoShop(
                f"Stack {self.shop.stack} lacks what operations need: deploy this version first.", str(error)
            ) from None

    @cached_property
    def dead_letters(self) -> "DeadLetters":
        from operations.wiring import open_dead_letters

        return open_dead_letters(self.settings)

    @cached_property
    def replays(self) -> "Replays":
        from operations.wiring import open_replays

        return open_replays(self.settings)

    @cached_property
    def pauses(self) -> "DynamoDBPauses":
        from operations.wiring import open_pauses

        return open_pauses(self.settings)

    @cached_property
    def diagnosis(self) -> "Diagnosis":
        from operations.wiring import open_diagnosis

        return open_diagnosis(self.settings)

    @cached_property
    def nudge(self) -> "Nudge":
        from operations.wiring import open_nudge

        return open_nudge(self.settings)

    @cached_property
    def reconciliations(self) -> "Reconciliations":
        from operations.wiring import open_reconciliations

        return open_reconciliations(self.settings)

    def start_worker(self, **what: str) -> None:
        """Invoke the replay worker for a record: the deployed code carries it out, not this machine's."""
        from operations.replays.targets import LambdaInvoker

        LambdaInvoker(self.settings.replay_worker).start(json.dumps(what))

    def carried_out(self, replay: "Replay", progress: "Callable[[Replay], None]") -> "Replay":
        """Follow a replay until its worker has finished it, or has stopped.

        Args:
            replay: a replay that was started.
            progress: called with each new state of it.
        """
        while not replay.ended:
            time.sleep(POLL)
            replay = self.replays.get(replay.replay_id)
            progress(replay)
        return replay

    def reconciled(
        self, reconciliation: "Reconciliation", progress: "Callable[[Reconciliation], None]"
    ) -> "Reconciliation":
        """Follow a reconciliation in the same way."""
        from operations.reconciliation.domain import JobState

        while reconciliation.state in (JobState.QUEUED, JobState.RUNNING):
            time.sleep(POLL)
            reconciliation = self.reconciliations.get(reconciliation.reconciliation_id)
            progress(reconciliation)
        return reconciliation

    def followed(self, replay: "Replay", progress: "Callable[[int, int], None]") -> "list[ReplayedMessage]":
        """The messages of a replay, once each copy has an outcome: resolved, or dead again.

        Args:
            replay: a replay that its worker has finished.
            progress: called with how many copies have an outcome, and how many there are.
        """
        messages = self.replays.followed(self.replays.messages(replay.replay_id))
        ended = {each.message_id: each for each in messages if not under_way(each)}
        copies = [each for each in messages if under_way(each)]
        total = len(copies)
        while copies:
            progress(total - len(copies), total)
            time.sleep(POLL)
            copies = self.replays.followed(copies)
            ended |= {each.message_id: each for each in copies if not under_way(each)}
            copies = [each for each in copies if under_way(each)]
        return [ended[each.message_id] for each in messages]

    @cached_property
    def caller(self) -> str:
        """Who runs the command: the AWS identity; on a laptop the name of its user."""
        if self.shop.endpoint is not None:
            return getpass.getuser()
        identity = self.shop.session.client("sts").get_caller_identity()
        return identity["Arn"]


def under_way(message: "ReplayedMessage") -> bool:
    """Whether a copy was sent and has no outcome yet."""
    from cloudretail.failures import FailureState

    return message.state in (FailureState.REPLAYING, FailureState.REPLAYED, FailureState.FAILING)
