"""What staff change of a product's stock, and what that does to its counters. Pure.

    receive 10       available +10, received +10       goods have arrived
    count -2         available  -2, adjusted  -2       there are fewer on the shelf than the counters said; or more
    damage -1        available  -1, written off +1     broken: it cannot be sold
    threshold 5      no counter                        from so few on, the product is in the list of what runs low

Each leaves available + reserved + sold + written off = received + adjusted as it is, and is a record of who did it,
when, and what the counters were before and after.
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
    """The counters of a product, in units; all 0 for one that was never received.

    Attributes:
        low_at: from how many available ones on it runs low; None where nobody wants to know.
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
        """Whether it runs low."""
        return self.low_at is not None and self.available <= self.low_at


class Movement(Model):
    """What a member of staff did to the stock of a product, as it is stored.

    Attributes:
        movement_id: product id and idempotency key.
        delta: how many more are available.
        note: why, in the words of whoever did it.
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
    """There are so many more on the shelf than the counters say, or fewer."""

    delta: int
    note: str | None = None


@dataclass(frozen=True)
class Damage:
    """So many, as a negative number, cannot be sold."""

    delta: int
    note: str | None = None


@dataclass(frozen=True)
class Watch:
    """From `low_at` available ones on, the product runs low; None: it never does."""

    low_at: int | None


type Command = Receive | Count | Damage | Watch


@dataclass(frozen=True)
class Request:
    """Who asks for a movement.

    Attributes:
        movement_id: the same one for the same request.
        by: user id of the member of staff.
        now: aware.
    """

    movement_id: str
    product_id: str
    by: str
    now: datetime


def content_of(command: Command) -> tuple[MovementKind, int, str | None]:
    """What a command is about: its kind, how many more it makes available, and its note."""
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
        InvalidInput: nothing would change by an adjustment, or damage would add something.
        Conflict: there are not so many available.
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
    """What orders have changed of the counters, in units."""

    available: int
    reserved: int
    sold: int
    written_off: int


def effect_of_orders(older: Levels, newer: Levels) -> OrdersEffect | None:
    """What orders did between a movement and the next one, as the counters say; None for nothing.

    Args:
        older: after the one.
        newer: before the other.
    """
    changes = {name: getattr(newer, name) - getattr(older, name) for name in OrdersEffect.model_fields}
    return OrdersEffect(**changes) if any(changes.values()) else None


def effects_before(movements: Sequence[Movement]) -> list[OrdersEffect | None]:
    """For each movement, the newest first, what orders did since the one before it; of the first one ever, nothing."""
    afters = [each.after for each in movements[1:]]
    known = [effect_of_orders(older, each.before) for each, older in zip(movements, afters, strict=False)]
    return [*known, *([None] if movements else [])]
