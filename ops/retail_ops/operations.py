"""The functions' own operations, on the resources of a stack: what the command and the API do is the same code."""

import getpass
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retail_ops.errors import NoShop
from retail_ops.shop import PROJECT, Shop

if TYPE_CHECKING:
    from operations.replays import Replayer
    from operations.service import Casebook, Desk

FUNCTIONS = PROJECT / "functions"


def import_functions() -> None:
    """Make the functions' modules importable; nothing but operators' commands needs them."""
    if str(FUNCTIONS) not in sys.path:
        sys.path.insert(0, str(FUNCTIONS))


@dataclass(frozen=True)
class Operations:
    """What an operator can do at a shop.

    Args:
        shop: whose resources.
    """

    shop: Shop

    def __post_init__(self) -> None:
        import_functions()
        from cloudretail import aws

        aws.connect(self.shop.session, self.shop.endpoint)

    @cached_property
    def variables(self) -> dict[str, Any]:
        """What the functions find in their environment, from the stack."""
        named = {_variable(name): value for name, value in {**self.shop.queues, **self.shop.tables}.items()}
        delay = self.shop.sqs.get_queue_attributes(
            QueueUrl=self.shop.resource("AWS::SQS::Queue", "PaymentWindowQueue"), AttributeNames=["DelaySeconds"]
        )
        return {
            **named,
            "EVENT_BUS_NAME": self.shop.output("EventBusName"),
            "STOREFRONT_URL": self.shop.storefront_url,
            "PAYMENT_WINDOW_SECONDS": delay["Attributes"]["DelaySeconds"],
        }

    @cached_property
    def desk(self) -> "Desk":
        from operations.service import Desk
        from operations.store import QueueSettings

        try:
            settings = QueueSettings.model_validate(self.variables)
        except ValueError as error:
            raise NoShop(
                f"Stack {self.shop.stack} lacks what operations need: deploy this version first.", str(error)
            ) from None
        return Desk(settings, self.variables["FAILURES_TABLE"], self.variables["REPLAYS_TABLE"])

    @cached_property
    def casebook(self) -> "Casebook":
        from operations.service import Casebook
        from operations.store import BookSettings, DynamoDBShelves, EventBridgeBus

        shelves = DynamoDBShelves(BookSettings.model_validate(self.variables))
        return Casebook(self.desk, shelves, EventBridgeBus(self.variables["EVENT_BUS_NAME"]))

    @cached_property
    def replayer(self) -> "Replayer":
        from operations.worker import ReplaySettings, replayer

        worker = self.shop.resource("AWS::Lambda::Function", "ReplayWorker")
        return replayer(ReplaySettings.model_validate(self.variables), self.desk, worker)

    @cached_property
    def caller(self) -> str:
        """Who gives the command: the AWS identity; on a laptop the name of its user."""
        if self.shop.endpoint is not None:
            return getpass.getuser()
        identity = self.shop.session.client("sts").get_caller_identity()
        return identity["Arn"]


def _variable(logical_id: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", logical_id).upper()
