"""The names of the shop's queues. A queue is named after its consumer, or other owner, as in the template. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

RELAY_DLQ = "RelayDlq"
"""Events that the bus refused."""

RULE_TARGETS_DLQ = "RuleTargetsDlq"
"""Events that a rule could not deliver to its queue."""

REPLAY_WORKER_DLQ = "ReplayWorkerDlq"
"""Replays that the replay worker failed to carry out."""

WITHOUT_CONSUMER = (RELAY_DLQ, RULE_TARGETS_DLQ, REPLAY_WORKER_DLQ)


@dataclass(frozen=True)
class ConsumerQueue:
    """A consumer's queue, and what belongs to it.

    Attributes:
        template_name: of the consumer, such as `PaymentWindow`.
    """

    template_name: str

    @classmethod
    def of(cls, name: str) -> Self:
        """The queue of a consumer, by the consumer's own name, such as `payment-window`."""
        return cls("".join(word.capitalize() for word in name.split("-")))

    @classmethod
    def by_dead_letter_queue(cls, name: str) -> Self:
        """The owner of a dead-letter queue, by the queue's name in the template. It may be none, as the relay is."""
        return cls(name.removesuffix("Dlq"))

    @property
    def consumer(self) -> str:
        """The name in Python, in the API and in the failures table, such as `payment-window`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", self.template_name).lower()

    @property
    def queue(self) -> str:
        return f"{self.template_name}Queue"

    @property
    def dead_letter_queue(self) -> str:
        return f"{self.template_name}Dlq"

    @property
    def rule(self) -> str:
        """The rule of the bus that fills the queue. A queue without events has no such rule."""
        return f"{self.template_name}Rule"


@dataclass(frozen=True)
class QueueNames:
    """All queues of a shop, by their names in the template.

    Attributes:
        consumers: in the template's order.
    """

    consumers: tuple[ConsumerQueue, ...]

    @classmethod
    def of(cls, template_names: Iterable[str]) -> Self:
        return cls(tuple(map(ConsumerQueue, template_names)))

    @cached_property
    def dead_letter_queues(self) -> tuple[str, ...]:
        return (*(each.dead_letter_queue for each in self.consumers), *WITHOUT_CONSUMER)

    @property
    def owners(self) -> tuple[ConsumerQueue, ...]:
        """All owners of dead-letter queues: the consumers and the others."""
        return tuple(map(ConsumerQueue.by_dead_letter_queue, self.dead_letter_queues))

    def find(self, name: str) -> str | None:
        """The dead-letter queue that an operator means by `OrdersDlq`, `orders`, `payment-worker` ...; None if there is
        none."""
        wanted = name.casefold().replace("-", "").removesuffix("dlq").removesuffix("queue")
        return next((each for each in self.dead_letter_queues if each.casefold().removesuffix("dlq") == wanted), None)
