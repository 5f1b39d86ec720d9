"""What a schedule is made of: plain values, so that a run can be repeated, cut down and printed."""

from dataclasses import dataclass
from enum import StrEnum


class Violation(BaseException):
    """Something happened that must never happen.

    No Exception: the reactions under test must not be able to catch it.

    Args:
        rule: which rule was broken, a short fixed phrase.
        detail: by what.
    """

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule
        self.detail = detail


class Break(StrEnum):
    """What may happen to a function at a point where it talks to somebody else."""

    PAUSE = "pauses"
    CRASH = "dies"
    FAIL = "fails"
    """Before a request: it is not accepted. After it: it was accepted, but its answer is lost."""
    LATE = "is accepted late"
    """Of a request to the gateway: after the worker has given it up. Anywhere else it fails."""
    PART = "is accepted in part"
    """Of a call to the bus: the rest of its entries is throttled. Anywhere else it fails."""
    REFUSE = "is refused for good"
    """Of a call to the bus: its last entry is. Anywhere else it fails."""


@dataclass(frozen=True)
class Interruption:
    """A break at the `point`-th such point from here on, from 1."""

    point: int
    kind: Break


class Shape(StrEnum):
    """What a parcel is like that comes back."""

    WHOLE = "whole"
    HALF = "half broken"
    BROKEN = "broken"
    SHORT = "one piece short"
    """Of a return only: of a parcel every piece is accounted for."""


class Cash(StrEnum):
    """How much of what is due a courier collects."""

    ALL = "all of it"
    SOME = "some of it"
    NONE = "nothing"


class Kind(StrEnum):
    """The kinds of steps; how many words of `on` each takes, and which."""

    FILL = "fill the cart"  # order
    CHANGE = "change the cart"  # order, product, units
    CLEAR = "empty the cart"  # order
    CHECK_OUT = "check out"  # order
    PAY = "pay"  # order, COD or a card token
    CANCEL = "cancel"  # order
    CALL_OFF = "cancel for the shop"  # order
    SHIP = "ship"  # order, tracking number
    HAND_OVER = "hand over"  # order, how much of the cash is collected
    COME_BACK = "come back"  # order, in what shape
    LOSE = "lose"  # order
    SEND_BACK = "send back"  # order, return, product, units, ...
    WITHDRAW = "withdraw"  # order, return
    RECEIVE = "receive"  # order, return, in what shape
    REFUSE = "refuse"  # order, return
    PAY_BACK = "pay back by hand"  # order, refund
    STOCK = "change stock"  # product, RECEIPT, COUNT or DAMAGE, units, key
    DELIVER = "deliver"  # message, ...
    RELAY = "relay"  # shard
    RESUME = "resume"  # paused function
    WAIT = "wait"  # seconds
    REPLAY = "replay"  # event id, queue
    REDRIVE = "redrive"  # message
    LAND = "land"  # request to the gateway
    ANSWER = "answer the bank"  # reference at the gateway, yes or no
    TURN = "turn"  # reference at the gateway
    DISPUTE = "dispute"  # reference at the gateway
    DECIDE = "decide the dispute"  # reference at the gateway, WON or LOST
    BOUNCE = "fail a refund that was done"  # key of the refund at the gateway
    NOTIFY = "notify"  # reference at the gateway
    GARBLE = "garble"  # shard
    REPUBLISH = "republish"  # event id


@dataclass(frozen=True)
class Step:
    """One thing that happens. A step that cannot happen where it stands is left out."""

    kind: Kind
    on: tuple[str, ...]
    interruption: Interruption | None = None

    def __str__(self) -> str:
        where = f" ({self.interruption.kind} at point {self.interruption.point})" if self.interruption else ""
        return f"{self.kind} {' '.join(self.on)}{where}"


@dataclass(frozen=True)
class Basket:
    """An order that somebody will place.

    Attributes:
        lines: product and units.
        cod: whether cash on delivery is chosen at checkout already.
        shopper: user id; who places two orders, does it with one cart.
    """

    lines: tuple[tuple[str, int], ...]
    cod: bool
    shopper: str = "user-1"


@dataclass(frozen=True)
class Schedule:
    """Everything that decides a run.

    Attributes:
        received: units of each product in stock at the beginning.
        baskets: by order id.
        down: a queue that is emptied only when everything else has come to rest: its consumer is out of order. None
            where all work.
        order: seed of the order in which everything arrives when the faults have ended.
        steps: until the faults end.
    """

    received: dict[str, int]
    baskets: dict[str, Basket]
    down: str | None
    order: int
    steps: tuple[Step, ...] = ()
