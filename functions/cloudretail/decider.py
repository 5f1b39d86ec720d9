"""The shape of every business rule: `decide(state, message, context)` returns a Change or Nothing, and does no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudretail.event import EventData


@dataclass(frozen=True)
class Context:
    """What a decision depends on besides the state and the message.

    Attributes:
        subject: id of what the message is about, such as an order's.
        cause: id of the event or request that brought the message.
        now: aware.
    """

    subject: str
    cause: str
    now: datetime


@dataclass(frozen=True)
class Change[S]:
    """The row becomes `state`, and `events` are published; both are one write.

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


@dataclass(frozen=True)
class Done:
    """An effect outside of any row of ours, such as a mail that was sent.

    Attributes:
        what: in the infinitive, for a dry run to say that it would do this: `send the mail "Your order"`.
        log: further keys for the log line, such as somebody else's id of it.
    """

    what: str
    log: Mapping[str, str] = field(default_factory=dict)


type Decision[S] = Change[S] | Nothing

type Result[S] = Change[S] | Nothing | Done
"""The outcome of a message."""


class WouldAct(Exception):
    """A read-only port was called for an effect whose answer cannot be known beforehand: a dry run ends there.

    Args:
        what: as in `Done`.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
