"""Which queues the shop has: each is called after its consumer, or other owner, as the template names it. Pure."""

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
        """By the consumer's own name, such as `payment-window`."""
        return cls("".join(word.capitalize() for word in name.split("-")))

    @classmethod
    def by_dead_letter_queue(cls, name: str) -> Self:
        """By a dead-letter queue's name in the template; also of the relay's and others that have no consumer."""
        return cls(name.removesuffix("Dlq"))

    @property
    def consumer(self) -> str:
        """Such as `payment-window`: the name in Python, in the API and in the failures table."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", self.template_name).lower()

    @property
    def queue(self) -> str:
        return f"{self.template_name}Queue"

    @property
    def dead_letter_queue(self) -> str:
        return f"{self.template_name}Dlq"

    @property
    def rule(self) -> str:
        """The rule of the bus that fills the queue; there is none for what is no event."""
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
        """Whose failures there are: the consumers, and the owners of the other dead-letter queues."""
        return tuple(map(ConsumerQueue.by_dead_letter_queue, self.dead_letter_queues))

    def find(self, name: str) -> str | None:
        """The dead-letter queue that a person means by `OrdersDlq`, `orders`, `payment-worker` ...; None for others."""
        wanted = name.casefold().replace("-", "").removesuffix("dlq").removesuffix("queue")
        return next((each for each in self.dead_letter_queues if each.casefold().removesuffix("dlq") == wanted), None)
