"""The life of a failed message, kept for operators: a queue keeps the message, but not why it failed. Pure.

    FAILING    it is being retried; the number of failures, and the time since the first, decide when it is given up
    DEAD       it was given up; the collector has taken it from its dead-letter queue
    REPLAYING  a replay has claimed it, and is about to send a copy
    REPLAYED   its consumer's queue has accepted the copy
    RESOLVED   a later delivery, or a copy, has succeeded
    DROPPED    an operator decided that it is not handled any more

A row's generation counts its replays, and each copy carries the generation that it was sent with. A copy's outcome
changes the row only if no later copy was sent: an older copy that succeeds or fails late says nothing about a later.

    replay       DEAD 0 -> REPLAYING 1     send the copy, marked 1     REPLAYED 1, if it is still REPLAYING 1
    consumer                                          the copy succeeds: RESOLVED 1, before or after
    crash here                         ^ sent again once the lease is over     ^ likewise: one more copy, ignored

If the row became REPLAYED before the send, a crash in between would lose the message. If the copy were sent first, a
late note would overwrite the copy's outcome. `tests/unit/kernel/test_replays_model.py` explores every order of these
steps.

A death is counted once, by the first message's id and the generation: the collector may receive a message twice, even
after a replay. The death of a message that is not a copy counts whatever the row's generation is: it is another message
of the same event, which a nudge or a replay of the archive has sent.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, StrEnum, auto
from typing import Any

from pydantic import Field

from cloudretail.model import Model
from cloudretail.money import Money

FAILURE = "failure"
"""Message attribute of a dead letter: a JSON object with the cause and its code, the id of the failed request, the
failure key, the generation and the first message's id. A copy carries the last three."""

KEPT_FOR = 90 * 24 * 3600
"""Seconds that a RESOLVED or DROPPED row is kept. Any other row stays until an operator deals with it."""

LEASE = 60
"""Seconds after which a REPLAYING row counts as abandoned: its replay has died, and the message is sent again."""

UNKNOWN_CAUSE = "timeout or crash"
"""The cause where none was kept, because the function ended before it could keep one."""


class FailureState(StrEnum):
    """The states of the table in this module's docstring."""

    FAILING = "FAILING"
    DEAD = "DEAD"
    REPLAYING = "REPLAYING"
    REPLAYED = "REPLAYED"
    RESOLVED = "RESOLVED"
    DROPPED = "DROPPED"


OPEN_ORDERS = "OPEN"
"""Partition key of the index of failures that block an order."""

ENDED = frozenset({FailureState.RESOLVED, FailureState.DROPPED})
"""States that need no operator any more."""


class Kind(Enum):
    """What kind of failure it is."""

    MAY_PASS = auto()
    CANNOT_PASS = auto()
    UNEXPECTED = auto()
    WAITS = auto()
    """It is no failure: whom its reaction calls is away, and was not called."""


@dataclass(frozen=True)
class History:
    """A message's failures so far, including the present one.

    Attributes:
        since: when it failed first, aware.
        failures: number of deliveries that failed.
        unexpected: number of them that failed unexpectedly.
    """

    since: datetime
    failures: int
    unexpected: int


class Cause(Model):
    """Why a message failed.

    Attributes:
        code: the name that failures of one cause share, by `code_of`.
        fingerprint: a short hash of consumer and code.
        exception: class of the exception; "timeout or crash" where no cause was kept.
        message: its text.
        where: file, line and function in which it was raised.
        function: name of the Lambda function.
        version: of that function.
        request_id: of the invocation, with which its log lines are found.
        attempt: which delivery of the message this was, from 1.
    """

    code: str
    fingerprint: str
    exception: str
    message: str | None = None
    where: str | None = None
    function: str | None = None
    version: str | None = None
    request_id: str | None = None
    attempt: int | None = None


class Edit(Model):
    """A correction of a dead letter's body.

    Attributes:
        by: user id of the operator.
        reason: why, in the operator's words.
        at: seconds since 1970.
        was: key in the bucket of the previous body.
    """

    by: str
    reason: str
    at: int
    was: str


class FailureRow(Model):
    """A message that failed at a consumer, as the table keeps it, without its body. Times are seconds since 1970.

    Attributes:
        consumer: name of the consumer.
        event_id: id of the event; id of the message if the body is not an event.
        revision: how often the row was written.
        state: see the module.
        since: when it reached this state; for FAILING, when it failed first.
        generation: how often it was replayed.
        cause: of its latest failure.
        event_name: name of the event; None if the body is not an event.
        order_id: the order that it is about.
        user_id: the account of that order; known once it has died.
        at_stake: the total of that order; likewise.
        first_failed_at: its first failure ever, also before an earlier RESOLVED or DROPPED.
        last_failed_at: its latest failure.
        failures: deliveries that failed in the present round of retries.
        unexpected: number of them that failed unexpectedly.
        failing_since: the first of them.
        found_in: the dead-letter queue that it came from.
        message_id: SQS's id of the message that died; for a copy, that of the first message.
        sqs_id: SQS's id of the message that the collector has taken.
        invalid: why the body is not an event of the shop.
        attributes: the message attributes that are text.
        deaths: ids of the deaths that were counted.
        body_at: key in the bucket of a body that is too long for the row.
        replay_id: id of the replay that claimed it last.
        replays: ids of all replays that claimed it, the latest last.
        edits: corrections of its body, the latest last.
        asked_at: for a breaker: when a message last asked whether the other system is available again.
        expires_at: when the table deletes the row.
    """

    consumer: str
    event_id: str
    revision: int = 0
    state: FailureState
    since: int
    generation: int = 0
    cause: Cause
    event_name: str | None = None
    order_id: str | None = None
    user_id: str | None = None
    at_stake: Money | None = None
    first_failed_at: int
    last_failed_at: int
    failures: int = 0
    unexpected: int = 0
    failing_since: int | None = None
    found_in: str | None = None
    message_id: str | None = None
    sqs_id: str | None = None
    invalid: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    deaths: tuple[str, ...] = ()
    body_at: str | None = None
    replay_id: str | None = None
    replays: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    asked_at: int | None = None
    expires_at: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The row's key: consumer and event id."""
        return self.consumer, self.event_id

    @property
    def open_state(self) -> str | None:
        """Its partition in the index by state. None once it has ended, so that the index does not contain it."""
        return None if self.state in ENDED else open_state(self.state, self.consumer)

    @property
    def open_cause(self) -> str | None:
        """Likewise in the index by state and cause."""
        return None if self.open_state is None else f"{self.open_state}#{self.cause.fingerprint}"

    @property
    def open_event(self) -> str | None:
        """Likewise in the index by state and event; None of what is no event."""
        return None if self.open_state is None or not self.event_name else f"{self.open_state}#{self.event_name}"

    @property
    def open_orders(self) -> str | None:
        """Its partition in the index of failures that block an order; None if it blocks none."""
        return None if self.state in ENDED or self.order_id is None else OPEN_ORDERS

    @property
    def history(self) -> History:
        """The message's failures in the present round of retries."""
        since = self.last_failed_at if self.failing_since is None else self.failing_since
        return History(datetime.fromtimestamp(since, UTC), self.failures, self.unexpected)

    def now(self, state: FailureState, now: int, **changes: Any) -> "FailureRow":
        """The row in this state from now on. Its counts begin at 0: a copy is retried as long as a new message."""
        expires = now + KEPT_FOR if state in ENDED else None
        anew = {"failures": 0, "unexpected": 0, "failing_since": None}
        return self.model_copy(update={**anew, "state": state, "since": now, "expires_at": expires, **changes})


def open_state(state: FailureState, consumer: str) -> str:
    """The partition of the index by state that has a consumer's rows in this state."""
    return f"{state}#{consumer}"


@dataclass(frozen=True)
class Failure:
    """One failed delivery.

    Attributes:
        consumer: which reaction failed.
        event_id: id of the event; id of the message if the body is not an event.
        kind: whether a retry can help.
        code: the name that failures of one cause share, by `code_of`.
        exception: class of the exception.
        message: its text.
        where: file, line and function in which it was raised.
        function: name of the Lambda function.
        version: of that function.
        request_id: of the invocation, with which its log lines are found.
        attempt: which delivery of the message this was, from 1.
        message_id: SQS's id of the message; for a copy, that of the first message.
        generation: how often it was replayed.
        keys: what the event is about, such as `{"order_id": ...}`.
        event_name: name of the event; None if the body is not an event.
    """

    consumer: str
    event_id: str
    kind: Kind
    code: str
    exception: str
    message: str
    where: str
    function: str
    version: str
    request_id: str
    attempt: int
    message_id: str
    generation: int = 0
    keys: Mapping[str, str] = field(default_factory=dict)
    event_name: str | None = None

    @property
    def cause(self) -> str:
        """Exception, message and place in one line."""
        return f"{self.exception}: {self.message} at {self.where}"

    @property
    def kept(self) -> Cause:
        """The cause in the form that the row keeps."""
        return Cause(
            code=self.code,
            fingerprint=fingerprint(self.consumer, self.code),
            exception=self.exception,
            message=self.message[:2000],
            where=self.where,
            function=self.function,
            version=self.version,
            request_id=self.request_id,
            attempt=self.attempt,
        )


@dataclass(frozen=True)
class Death:
    """A message that the collector has taken from a dead-letter queue.

    Attributes:
        consumer: the consumer whose message it was.
        event_id: id of the event; id of the message if the body is not an event.
        generation: how often it was replayed.
        message_id: SQS's id of the message; for a copy, that of the first message.
        sqs_id: SQS's id of the message that was taken.
        sent_at: when it was sent to that queue, in seconds since 1970.
        found_in: name of that queue.
        cause: from the attribute FAILURE of the message; None if it has none.
        event_name: name of the event, if the body is one or looks like one.
        order_id: the order that it is about, likewise.
        user_id: the account of that order, where there is such an order.
        at_stake: the total of that order; likewise.
        invalid: why the body is not an event of the shop; None if it is one.
        attributes: the message attributes that are text.
        body_at: key in the bucket of a body that is too long for the row.
    """

    consumer: str
    event_id: str
    generation: int
    message_id: str
    sqs_id: str
    sent_at: int
    found_in: str
    cause: Cause | None = None
    event_name: str | None = None
    order_id: str | None = None
    user_id: str | None = None
    at_stake: Money | None = None
    invalid: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    body_at: str | None = None

    @property
    def id(self) -> str:
        """Identifies the death: the same id however often the collector receives the message."""
        return f"{self.message_id}/{self.generation}"


# ------------------------------------------------------------------------------------------------------------- rules
# Each returns the new row, or None where nothing changes.


def failed(row: FailureRow | None, failure: Failure, now: int) -> FailureRow:
    """A delivery has failed.

    A DEAD row stays DEAD: a duplicate that is being retried must not hide it. A row with a later copy keeps its state
    too. In every state, the row takes this failure's cause and counts this delivery.
    """
    counted = row or FailureRow(
        consumer=failure.consumer,
        event_id=failure.event_id,
        state=FailureState.FAILING,
        since=now,
        cause=failure.kept,
        first_failed_at=now,
        last_failed_at=now,
    )
    since = now if counted.failing_since is None else counted.failing_since
    changes: dict[str, Any] = {
        "cause": failure.kept,
        "event_name": failure.event_name or counted.event_name,
        "order_id": failure.keys.get("order_id", counted.order_id),
        "last_failed_at": now,
        "failures": counted.failures + (failure.kind is not Kind.WAITS),
        "unexpected": counted.unexpected + (failure.kind is Kind.UNEXPECTED),
        "failing_since": since,
    }
    if counted.state is not FailureState.DEAD and failure.generation >= counted.generation:
        changes |= {"generation": failure.generation, "message_id": failure.message_id, "since": since}
        return counted.now(FailureState.FAILING, now, **changes)
    return counted.model_copy(update=changes)


def resolved(row: FailureRow | None, generation: int, now: int) -> FailureRow | None:
    """A message that had failed, or a copy of it, has succeeded; None for a message that never failed."""
    if row is None or generation < row.generation or row.state is FailureState.RESOLVED:
        return None
    return row.now(FailureState.RESOLVED, now, generation=generation)


def died(row: FailureRow | None, death: Death) -> FailureRow | None:
    """A message was found in a dead-letter queue; None if that is known already, or a later copy is on its way.

    A FAILING row becomes DEAD even if this death was counted: a copy that was sent twice dies twice, and fails in
    between.
    """
    if row and (_is_known(row, death) or 0 < death.generation < row.generation):
        return None
    known = row or FailureRow(
        consumer=death.consumer,
        event_id=death.event_id,
        state=FailureState.DEAD,
        since=death.sent_at,
        cause=_cause(None, death),
        first_failed_at=death.sent_at,
        last_failed_at=death.sent_at,
    )
    return known.now(
        FailureState.DEAD,
        death.sent_at,
        generation=max(known.generation, death.generation),
        cause=_cause(row, death),
        event_name=death.event_name or known.event_name,
        order_id=death.order_id or known.order_id,
        user_id=death.user_id or known.user_id,
        at_stake=death.at_stake or known.at_stake,
        found_in=death.found_in,
        message_id=death.message_id,
        sqs_id=death.sqs_id,
        invalid=death.invalid,
        attributes=dict(death.attributes),
        deaths=known.deaths if death.id in known.deaths else (*known.deaths, death.id),
        body_at=death.body_at,
    )


def _is_known(row: FailureRow, death: Death) -> bool:
    fails = row.state is FailureState.FAILING and row.generation == death.generation
    return death.id in row.deaths and not fails


def _cause(row: FailureRow | None, death: Death) -> Cause:
    """The cause of a death. The row's is more complete than the message's, if it is about the same failure."""
    if row and death.cause and death.cause.request_id and death.cause.request_id == row.cause.request_id:
        return row.cause
    if row and death.cause is None and row.state is FailureState.FAILING:
        return row.cause  # SQS has moved the message by its maxReceiveCount, so it carries no cause.
    unknown = Cause(code=UNKNOWN_CAUSE, fingerprint=fingerprint(death.consumer, UNKNOWN_CAUSE), exception=UNKNOWN_CAUSE)
    return death.cause or unknown


def edited(row: FailureRow | None, edit: Edit, event_name: str | None, order_id: str | None) -> FailureRow | None:
    """A dead letter gets a corrected body; None in any other state, in which a copy may be on its way."""
    if row is None or row.state is not FailureState.DEAD:
        return None
    about: dict[str, Any] = {"event_name": event_name, "invalid": None, "body_at": None}
    if order_id and order_id != row.order_id:
        about |= {"order_id": order_id, "user_id": None, "at_stake": None}
    return row.model_copy(update={**about, "edits": (*row.edits, edit)})


def next_generation(row: FailureRow, now: int) -> int | None:
    """The generation of the next copy; None if the row's state allows neither a replay nor a drop."""
    if row.state is FailureState.DEAD:
        return row.generation + 1
    if row.state is FailureState.REPLAYING and now - row.since > LEASE:
        return row.generation
    return None


def claimed(row: FailureRow | None, generation: int, replay_id: str, now: int) -> FailureRow | None:
    """A replay is about to send the copy of this generation; None if another replay has dealt with the row.

    A replay that ended before it could note the sent copy claims the row again, and sends one more copy.
    """
    if row is None:
        return None
    mine = row.state is FailureState.REPLAYING and (row.replay_id, row.generation) == (replay_id, generation)
    if not mine and next_generation(row, now) != generation:
        return None
    replays = row.replays if replay_id in row.replays else (*row.replays, replay_id)
    return row.now(FailureState.REPLAYING, now, generation=generation, replay_id=replay_id, replays=replays)


def sent(row: FailureRow | None, generation: int, now: int) -> FailureRow | None:
    """The queue has accepted the copy of this generation; None if its consumer was faster than this note."""
    return _after_claim(row, generation, FailureState.REPLAYED, now)


def handed_over(row: FailureRow | None, generation: int, now: int) -> FailureRow | None:
    """As `sent`, for a copy whose outcome this row never learns: it is on the bus, or has another row."""
    return _after_claim(row, generation, FailureState.RESOLVED, now)


def refused(row: FailureRow | None, generation: int, now: int) -> FailureRow | None:
    """The copy of this generation was not accepted. If it was sent all the same, its success still counts."""
    return _after_claim(row, generation, FailureState.DEAD, now, replay_id=None)


def _after_claim(
    row: FailureRow | None, generation: int, state: FailureState, now: int, **changes: Any
) -> FailureRow | None:
    if row is None or (row.state, row.generation) != (FailureState.REPLAYING, generation):
        return None
    return row.now(state, now, **changes)


def dropped(row: FailureRow | None, generation: int, replay_id: str, now: int) -> FailureRow | None:
    """An operator drops the row. It takes the generation of the next copy, so that older copies change it no more."""
    if row is None or next_generation(row, now) != generation:
        return None
    return row.now(FailureState.DROPPED, now, generation=row.generation + 1, replay_id=replay_id)


def erased(row: FailureRow | None, now: int) -> FailureRow | None:
    """The person whom it is about has left: the row without what may say who that was. Its body is to be emptied, too.

    Nobody wants any more what has not been handled yet: it is dropped.
    """
    if row is None:
        return None
    cause = row.cause.model_copy(update={"message": None})
    bare = row.model_copy(update={"cause": cause, "attributes": {}, "invalid": None, "body_at": None})
    if row.state in ENDED:
        return bare
    return bare.now(FailureState.DROPPED, now, generation=row.generation + 1)


def fingerprint(consumer: str, code: str) -> str:
    """A short hash of a cause, for filters: eight hexadecimal digits of consumer and code."""
    return hashlib.sha256(f"{consumer}|{code}".encode()).hexdigest()[:8]
