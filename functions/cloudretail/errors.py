"""The base classes of what the shop raises on purpose. A service derives its own exceptions, beside its rules.

ShopError
├── InvalidEvent      the message is not an event that this consumer expects; it goes to the dead-letter queue at once
├── Permanent         the reaction fails at every retry
├── Transient         a throttle, a conflict, a time-out: a retry may succeed
│   ├── Contention    too many lost races in a row; a later delivery may succeed
│   └── Held          whom the reaction calls is known to be away; the message waits, and has not failed
├── LostRace          the row changed between the read and the write; the caller reads again
├── Refusal           a business rule says no; it knows no HTTP, `cloudretail.http` maps it to a status
│   ├── NotFound      the thing does not exist, or belongs to another user
│   ├── Conflict      the state does not allow it
│   └── InvalidInput  the request breaks a rule, whatever the state
└── Problem           an error answer to an HTTP client, as RFC 9457 problem details; only the HTTP layer raises it
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any


class ShopError(Exception):
    """The root of the tree in this module's docstring."""


class InvalidEvent(ShopError):
    """A message that is not a valid event. The text names the field and the reason."""


class Permanent(ShopError):
    """A failure that no retry can mend."""


class Transient(ShopError):
    """A failure that a retry may mend."""


class Contention(Transient):
    """Too many lost races in a row."""


class Held(Transient):
    """Whom the reaction calls is known to be away: the message waits, and has not failed.

    Args:
        why: who is away, and how that shows.
        after: seconds until the message is delivered again.
    """

    def __init__(self, why: str, after: int) -> None:
        super().__init__(why)
        self.after = after


class LostRace(ShopError):
    """A conditional write has failed: the row's version is not the one that was read."""


class Refusal(ShopError):
    """A business rule says no.

    Args:
        type: stable name of the kind of refusal (`price-changed`).
        detail: one sentence for the user, who has to do something about it.
        errors: for invalid input, one entry per field: {"field": "items.0.quantity", "message": "..."}.
        extra: further facts that help the client to decide what to do, JSON types only.
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
        field: the field, by the client's name.
        message: what is wrong with it.
        type: as in Refusal.
        detail: as in Refusal; None makes it of field and message.
        extra: as in Refusal.
    """

    def __init__(
        self, field: str, message: str, *, type: str = "invalid-input", detail: str | None = None, **extra: Any
    ) -> None:
        errors = [{"field": field, "message": message}]
        super().__init__(type, detail or f"{field}: {message}", errors=errors, extra=extra)


class Problem(ShopError):
    """An error answer to an HTTP client.

    Args:
        status: HTTP status code.
        type: stable name of the kind of problem, the last part of its URI (`price-changed`).
        detail: one sentence for the user, who has to do something about it.
        errors: for invalid input, one entry per field: {"field": "items.0.quantity", "message": "..."}.
        extra: further members of the problem object.

    Attributes:
        retry_after: seconds after which the same request may succeed; None for a status that does not say so.
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
    """A problem with status 422 that names one field."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-input",
        f"{field}: {message}",
        errors=[{"field": field, "message": message}],
    )
