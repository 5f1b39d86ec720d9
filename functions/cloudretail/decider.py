"""The shape of every business rule: `decide(state, message, now)` returns a Change or Nothing, and does no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudretail.events import EventData


@dataclass(frozen=True)
class Change[S]:
    """The row becomes `state`, and `events` tell the others; both are one write.

    Attributes:
        state: the new state of the row.
        events: in the order in which they are published; empty for a fact that is only noted.
    """

    state: S
    events: "Sequence[EventData]" = ()


@dataclass(frozen=True)
class Nothing:
    """The message changes nothing here.

    Attributes:
        reason: why, for the logs and metrics: a short fixed phrase, not a text with ids in it.
    """

    reason: str


type Decision[S] = Change[S] | Nothing
