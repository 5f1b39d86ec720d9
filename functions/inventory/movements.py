"""How staff change a product's stock, and what that does to its counters. Pure.

    receive 10       available +10, received +10       goods have arrived
    count -2         available  -2, adjusted  -2       there are fewer on the shelf than the counters say; or more
    damage -1        available  -1, written off +1     broken: it cannot be sold
    threshold 5      no counter                        at 5 available or fewer, the product is in the list of low stock

Each keeps available + reserved + sold + written off = received + adjusted. Each is a record of who did it, when, and
what the counters were before and after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cloudretail.errors import Conflict, InvalidInput
from cloudretail.model import Model


class MovementKind(StrEnum):
    """What staff did."""

    RECEIPT = "RECEIPT"
    COUNT = "COUNT"
    DAMAGE = "DAMAGE"
    THRESHOLD = "THRESHOLD"


class Levels(Model):
    """The counters of a product, in units; all 0 for a product that was never received.

    Attributes:
        low_at: the threshold: stock is low at so many available, or fewer; None for no threshold.
    """

    available: int = 0
    reserved: int = 0
    sold: int = 0
    received: int = 0
    written_off: int = 0
    adjusted: int = 0
    low_at: int | None = None

    @property
    def low(self) -> bool:
        """Whether stock is at the threshold or below it."""
        return self.low_at is not None and self.available <= self.low_at


class Movement(Model):
    """What a member of staff did to the stock of a product, as it is stored.

    Attributes:
        movement_id: product id and idempotency key.
        delta: how many more are available.
        note: why, in the words of the member of staff.
        by: their user id.
    """

    movement_id: str
    product_id: str
    kind: MovementKind
    delta: int
    note: str | None = None
    by: str
    at: datetime
    before: Levels
    after: Levels


@dataclass(frozen=True)
class Receive:
    """Goods have arrived."""

    quantity: int


@dataclass(frozen=True)
class Count:
    """There are `delta` more on the shelf than the counters say; fewer if it is negative."""

    delta: int
    note: str | None = None


@dataclass(frozen=True)
class Damage:
    """Some cannot be sold: `delta` is their number, negative."""

    delta: int
    note: str | None = None


@dataclass(frozen=True)
class Watch:
    """The product's stock is low at `low_at` available, or fewer; None for no threshold."""

    low_at: int | None


type Command = Receive | Count | Damage | Watch


@dataclass(frozen=True)
class Request:
    """The request for a movement.

    Attributes:
        movement_id: the same for a repeated request.
        by: user id of the member of staff.
        now: aware.
    """

    movement_id: str
    product_id: str
    by: str
    now: datetime


def content_of(command: Command) -> tuple[MovementKind, int, str | None]:
    """The content of a command: its kind, how many more it makes available, and its note."""
    match command:
        case Receive(quantity=quantity):
            return MovementKind.RECEIPT, quantity, None
        case Count(delta=delta, note=note):
            return MovementKind.COUNT, delta, note
        case Damage(delta=delta, note=note):
            return MovementKind.DAMAGE, delta, note
        case Watch():
            return MovementKind.THRESHOLD, 0, None


def move(before: Levels, command: Command, request: Request) -> Movement:
    """The movement that `command` makes.

    Raises:
        InvalidInput: an adjustment is 0, or damage is positive.
        Conflict: fewer are available than would be taken off.
    """
    kind, delta, note = content_of(command)
    changes: dict[str, int | None]
    match command:
        case Receive():
            changes = {"received": before.received + delta}
        case Count():
            _require_some(delta)
            changes = {"adjusted": before.adjusted + delta}
        case Damage():
            _require_some(delta)
            if delta > 0:
                raise InvalidInput("delta", "Enter what is damaged as a negative number.")
            changes = {"written_off": before.written_off - delta}
        case Watch(low_at=low_at):
            changes = {"low_at": low_at}
    available = before.available + delta
    if available < 0:
        raise Conflict(
            "not-enough-stock",
            f"There are only {before.available} available, so {-delta} cannot be taken off.",
            available=before.available,
        )
    return Movement(
        movement_id=request.movement_id,
        product_id=request.product_id,
        kind=kind,
        delta=delta,
        note=note,
        by=request.by,
        at=request.now,
        before=before,
        after=before.model_copy(update={**changes, "available": available}),
    )


def _require_some(delta: int) -> None:
    if not delta:
        raise InvalidInput("delta", "Enter how many there are more, or fewer.")


class OrdersEffect(Model):
    """The changes of the counters by orders, in units."""

    available: int
    reserved: int
    sold: int
    written_off: int


def effect_of_orders(older: Levels, newer: Levels) -> OrdersEffect | None:
    """What orders changed between two movements, as the counters show; None for nothing.

    Args:
        older: the counters after the first movement.
        newer: the counters before the second movement.
    """
    changes = {name: getattr(newer, name) - getattr(older, name) for name in OrdersEffect.model_fields}
    return OrdersEffect(**changes) if any(changes.values()) else None


def effects_before(movements: Sequence[Movement]) -> list[OrdersEffect | None]:
    """For each movement, the newest first, what orders changed since the previous one; None for the first one ever."""
    afters = [each.after for each in movements[1:]]
    known = [effect_of_orders(older, each.before) for each, older in zip(movements, afters, strict=False)]
    return [*known, *([None] if movements else [])]
