"""Everything the shop raises on purpose.

ShopError
├── InvalidEvent      a message that is no event this consumer knows: permanent, it goes to the dead-letter queue
├── Permanent         a reaction that will fail again however often it is tried
├── Transient         a throttle, a conflict, a time-out: the same message may succeed later
│   └── Contention    a race that was lost more often than is worth repeating at once
├── LostRace          the row changed between the read and the write; the shell reads again
└── Problem           what an HTTP client gets, as RFC 9457 problem details
    ├── NotFound      404, also for what belongs to somebody else
    └── Conflict      409, the state does not allow it
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any


class ShopError(Exception):
    """The root of the tree above."""


class InvalidEvent(ShopError):
    """A message that cannot be understood; the text names the field and the reason."""


class Permanent(ShopError):
    """A failure that repeating cannot mend."""


class Transient(ShopError):
    """A failure that repeating may mend."""


class Contention(Transient):
    """Too many lost races in a row."""


class LostRace(ShopError):
    """A conditional write found another version than the one that was read."""


class Problem(ShopError):
    """What an HTTP client gets.

    Args:
        status: HTTP status code.
        type: stable name of the kind of problem, the last part of its URI (`price-changed`).
        detail: one sentence for the person who has to do something about it.
        errors: for invalid input one entry per field: {"field": "items.0.quantity", "message": "..."}.
        extra: further members of the problem object.
    """

    def __init__(
        self,
        status: HTTPStatus,
        type: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{type}: {detail}")
        self.status = status
        self.type = type
        self.detail = detail
        self.errors = errors
        self.extra = extra or {}


class NotFound(Problem):
    """The thing does not exist for this caller."""

    def __init__(self, what: str) -> None:
        super().__init__(HTTPStatus.NOT_FOUND, "not-found", f"We could not find this {what}.")


class Conflict(Problem):
    """The state of the thing does not allow what was asked."""

    def __init__(self, type: str, detail: str, **extra: Any) -> None:
        super().__init__(HTTPStatus.CONFLICT, type, detail, extra=extra)


def invalid(field: str, message: str) -> Problem:
    """A 422 that names one field."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-input",
        f"{field}: {message}",
        errors=[{"field": field, "message": message}],
    )
