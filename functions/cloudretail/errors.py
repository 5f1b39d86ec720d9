"""The roots of what the shop raises on purpose. A service derives its own exceptions from them, beside its rules.

ShopError
├── InvalidEvent      a message that is no event this consumer knows: permanent, it goes to the dead-letter queue
├── Permanent         a reaction that will fail again however often it is tried
├── Transient         a throttle, a conflict, a time-out: the same message may succeed later
│   └── Contention    a race that was lost more often than is worth repeating at once
├── LostRace          the row changed between the read and the write; the shell reads again
├── Refusal           a rule of the business says no; it knows nothing of HTTP, `cloudretail.http` maps it
│   ├── NotFound      the thing is not there, or belongs to somebody else
│   ├── Conflict      the state does not allow it
│   └── InvalidInput  the request breaks a rule, whatever the state
└── Problem           what an HTTP client gets, as RFC 9457 problem details: only for the edge
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


class Refusal(ShopError):
    """A rule of the business says no.

    Args:
        type: stable name of the kind of refusal (`price-changed`).
        detail: one sentence for the person who has to do something about it.
        errors: for invalid input one entry per field: {"field": "items.0.quantity", "message": "..."}.
        extra: further facts that help to decide what to do, JSON types only.
    """

    def __init__(
        self,
        type: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{type}: {detail}")
        self.type = type
        self.detail = detail
        self.errors = errors
        self.extra = extra or {}


class NotFound(Refusal):
    """The thing does not exist for this caller."""

    def __init__(self, what: str) -> None:
        super().__init__("not-found", f"We could not find this {what}.")


class Conflict(Refusal):
    """The state of the thing does not allow what was asked."""

    def __init__(self, type: str, detail: str, **extra: Any) -> None:
        super().__init__(type, detail, extra=extra)


class InvalidInput(Refusal):
    """The request breaks a rule, and one field is the cause.

    Args:
        field: which one, as the client calls it.
        message: what is wrong with it.
        type: as in Refusal.
        detail: as in Refusal; made of field and message where it is None.
        extra: as in Refusal.
    """

    def __init__(
        self, field: str, message: str, *, type: str = "invalid-input", detail: str | None = None, **extra: Any
    ) -> None:
        errors = [{"field": field, "message": message}]
        super().__init__(type, detail or f"{field}: {message}", errors=errors, extra=extra)


class Problem(ShopError):
    """What an HTTP client gets.

    Args:
        status: HTTP status code.
        type: stable name of the kind of problem, the last part of its URI (`price-changed`).
        detail: one sentence for the person who has to do something about it.
        errors: for invalid input one entry per field: {"field": "items.0.quantity", "message": "..."}.
        extra: further members of the problem object.

    Attributes:
        retry_after: seconds, where the status says that the same request may succeed later.
    """

    retry_after = 1

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


def invalid(field: str, message: str) -> Problem:
    """A 422 that names one field."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-input",
        f"{field}: {message}",
        errors=[{"field": field, "message": message}],
    )
