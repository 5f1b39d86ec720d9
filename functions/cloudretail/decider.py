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
        cause: id of the event or request that the message came with.
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
        events: in the order in which they are published; empty for a change that nobody else needs to know.
        forgets: whether the row drops its outbox, whose events were published long ago: their content is to be erased.
    """

    state: S
    events: "Sequence[EventData]" = ()
    forgets: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Nothing:
    """The message changes nothing here.

    Attributes:
        reason: why, for logs and metrics: a short fixed phrase without ids.
    """

    reason: str


@dataclass(frozen=True)
class Done:
    """An effect outside of the shop's own rows, such as a mail that was sent.

    Attributes:
        what: the effect in the infinitive, which a dry run shows: `send the mail "Your order"`.
        log: further keys for the log line, such as the id that the other system gave it.
    """

    what: str
    log: Mapping[str, str] = field(default_factory=dict)


type Decision[S] = Change[S] | Nothing

type Result[S] = Change[S] | Nothing | Done
"""The outcome of a message."""


class WouldAct(Exception):
    """A read-only port was asked for an effect whose answer is not known beforehand. The dry run ends there.

    Args:
        what: as in `Done`.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
