"""The functions' own operations, on the resources of a stack: what the command and the API do is the same code.

It is imported when an operation is called, so that every other command starts without it.
"""

import getpass
import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from retail_ops.errors import NoShop, OpsError
from retail_ops.stack.shop import Shop

if TYPE_CHECKING:
    from operations.dead_letters.service import DeadLetters
    from operations.diagnosis.service import Diagnosis
    from operations.replays.domain import Replay
    from operations.replays.nudge import Nudge
    from operations.replays.replayer import Progress, Replayer
    from operations.replays.service import Replays
    from operations.wiring import ApiSettings

STARTS_WITHIN = 60.0
"""Seconds in which the replay worker starts a dry run: a cold start, and a look at the longest queue."""

POLL = 0.3
"""Seconds between two looks at its record."""


@dataclass(frozen=True)
class Operations:
    """What an operator can do at a shop.

    Args:
        shop: whose resources.
    """

    shop: Shop

    def __post_init__(self) -> None:
        from cloudretail import aws

        aws.connect(self.shop.session, self.shop.endpoint)

    @cached_property
    def settings(self) -> "ApiSettings":
        """The environment of the deployed API: the command works on the same resources."""
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
    def diagnosis(self) -> "Diagnosis":
        from operations.wiring import open_diagnosis

        return open_diagnosis(self.settings)

    @cached_property
    def nudge(self) -> "Nudge":
        from operations.wiring import open_nudge

        return open_nudge(self.settings)

    @cached_property
    def replayer(self) -> "Replayer":
        from operations.consumers import subscribers
        from operations.wiring import open_replayer

        return open_replayer(self.settings, self.settings.replay_worker, subscribers())

    def dry_run(self, replay: "Replay", progress: "Progress") -> "Replay":
        """Let the replay worker carry a dry run out, and wait for it: only the deployed code can say what it would do.

        Raises:
            OpsError: the worker does not start.
        """
        from operations.replays.domain import ReplayState
        from operations.replays.targets import LambdaInvoker

        LambdaInvoker(self.settings.replay_worker).start(json.dumps({"replayId": replay.replay_id}))
        deadline = time.monotonic() + STARTS_WITHIN
        while not replay.ended:
            if replay.state is ReplayState.QUEUED and time.monotonic() > deadline:
                raise OpsError("The replay worker does not start. Why: cloudretail logs ReplayWorker")
            time.sleep(POLL)
            replay = self.replays.get(replay.replay_id)
            progress(replay)
        return replay

    @cached_property
    def caller(self) -> str:
        """Who gives the command: the AWS identity; on a laptop the name of its user."""
        if self.shop.endpoint is not None:
            return getpass.getuser()
        identity = self.shop.session.client("sts").get_caller_identity()
        return identity["Arn"]
