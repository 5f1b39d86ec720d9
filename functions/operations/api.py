"""The operators' HTTP API. Other callers get a 403.

Work that takes longer than a request is recorded and answered with 202. The replay worker then carries it out.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from cloudretail.errors import invalid
from cloudretail.http import Api, Cursor, IdInPath, Limit, Page, answers, decode_cursor, encode_cursor
from cloudretail.model import Model, RequestModel
from cloudretail.settings import load
from operations.dead_letters.domain import (
    CauseFilter,
    CauseGroup,
    DeadLetter,
    DeadLetterDetail,
    EventNameFilter,
    MessageIds,
    Moment,
    OrderIdFilter,
    QueueName,
    Selection,
    UserIdFilter,
)
from operations.dead_letters.leads import Leads, leads_of
from operations.dead_letters.service import DeadLetterQueue, DeadLetters, QueueState
from operations.diagnosis.service import LISTED, StuckOrders
from operations.diagnosis.trace import Trace
from operations.reconciliation.domain import Cost, Reconciliation
from operations.reconciliation.job import Reconciliations
from operations.reconciliation.rules import Violation
from operations.replays.domain import SLOWEST, Action, Replay, ReplayedMessage
from operations.replays.service import Replays
from operations.replays.targets import LambdaInvoker
from operations.wiring import (
    ApiSettings,
    open_dead_letters,
    open_diagnosis,
    open_nudge,
    open_pauses,
    open_reconciliations,
    open_replays,
)

api = Api()

QueueInPath = Annotated[QueueName, Path(description="A dead-letter queue, such as OrdersDlq.")]
OrderInPath = Annotated[
    str,
    Path(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_ -]+$",
        description="Of the order, or its number as in a mail.",
    ),
]
MessageId = Annotated[str, Path(min_length=1, max_length=100)]
ReplayId = Annotated[str, Field(min_length=1, max_length=64)]
Reason = Annotated[str, Field(min_length=3, max_length=500, description="Is recorded with the operator's name.")]


class DropRequest(RequestModel):
    """Which dead letters, and why. Without any filter: all that are there when it starts.

    Attributes:
        message_ids: these and no others.
        order_id: those about this order.
        user_id: those about this account's orders.
        event_name: those of this event.
        cause: those that have this cause or fingerprint; else those whose cause, or its text, contains it.
        since: died then or later.
        until: died then or earlier.
        reason: is recorded with the operator's name.
    """

    queue: QueueName
    message_ids: MessageIds = ()
    order_id: OrderIdFilter | None = None
    user_id: UserIdFilter | None = None
    event_name: EventNameFilter | None = None
    cause: CauseFilter | None = None
    since: Moment | None = None
    until: Moment | None = None
    reason: Reason

    @property
    def selection(self) -> Selection:
        return Selection.model_validate(self.model_dump())


class ReplayRequest(DropRequest):
    """As for a drop, and how fast; or a dry run.

    Attributes:
        dry_run: change nothing; each message's outcome says what the deployed code would do.
        rate: messages a second at the most.
    """

    dry_run: bool = False
    rate: Annotated[float, Field(ge=SLOWEST, le=1000)] = 20


class NudgeRequest(RequestModel):
    """Why the order is nudged."""

    reason: Reason


class Queues(Model):
    """All queues."""

    items: tuple[QueueState, ...]


class DeadLetterQueues(Model):
    """All dead-letter queues."""

    items: tuple[DeadLetterQueue, ...]


class DeadLetterPage(Page[DeadLetter]):
    """Dead letters of one consumer.

    Attributes:
        count: how many match the filters, on all pages.
        causes: of all of them, the most frequent first.
    """

    queue: str
    count: int
    causes: tuple[CauseGroup, ...]


class DeadLetterView(DeadLetterDetail):
    """One dead letter in full, with the replays that sent it, the latest first, and where to read on."""

    history: tuple[Replay, ...]
    leads: Leads


class ReplayStarted(Model):
    """What is carried out from now on."""

    replay_id: str


class ReconciliationRequest(RequestModel):
    """Of all rows, unless one of the two says which.

    Attributes:
        changed_since: only orders that have changed since then.
        replay_id: only the orders that this replay was about, and whether they go on and their shoppers were told.
        reason: is recorded with the operator's name.
    """

    changed_since: Moment | None = None
    replay_id: ReplayId | None = None
    reason: Reason


class Violations(Model):
    """Every invariant that does not hold, by rule and key; as many as are kept."""

    items: tuple[Violation, ...]


@cache
def _settings() -> ApiSettings:
    return load(ApiSettings)


@cache
def _dead_letters() -> DeadLetters:
    return open_dead_letters(_settings())


@cache
def _replays() -> Replays:
    return open_replays(_settings())


@cache
def _reconciliations() -> Reconciliations:
    return open_reconciliations(_settings())


@api.get(
    "/api/ops/queues",
    summary="How many messages every queue holds",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_queues() -> Queues:
    pauses = open_pauses(_settings()).all()
    states = _dead_letters().states()
    return Queues(items=tuple(each.model_copy(update={"paused": pauses.get(each.consumer or "")}) for each in states))


@api.get(
    "/api/ops/dead-letters",
    summary="The dead letters of each consumer, with their most frequent causes",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_dead_letter_queues() -> DeadLetterQueues:
    return DeadLetterQueues(items=tuple(_dead_letters().summaries()))


@api.get(
    "/api/ops/dead-letters/<queue>",
    summary="A consumer's dead letters, oldest first, and their causes",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_dead_letters(
    queue: QueueInPath,
    order_id: Annotated[OrderIdFilter | None, Query(alias="orderId")] = None,
    user_id: Annotated[UserIdFilter | None, Query(alias="userId", description="The account of the orders.")] = None,
    event_name: Annotated[EventNameFilter | None, Query(alias="eventName")] = None,
    cause: Annotated[
        CauseFilter | None,
        Query(description="A cause, its fingerprint, or else a part of a cause or of its text."),
    ] = None,
    since: Annotated[Moment | None, Query(description="Died then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Died then or earlier.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DeadLetterPage:
    selection = Selection(
        queue=_known(queue),
        order_id=order_id,
        user_id=user_id,
        event_name=event_name,
        cause=cause,
        since=since,
        until=until,
    )
    found = _dead_letters().find(selection)
    items, next_cursor = _page(found.items, limit, cursor)
    return DeadLetterPage(
        queue=found.queue,
        count=found.count,
        causes=found.causes,
        items=tuple(items),
        next_cursor=next_cursor,
    )


@api.get(
    "/api/ops/dead-letters/<queue>/<message_id>",
    summary="One dead letter in full, also once it was replayed or dropped",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def get_dead_letter(queue: QueueInPath, message_id: MessageId) -> DeadLetterView:
    letter = _dead_letters().get(_known(queue), message_id)
    settings = _settings()
    leads = leads_of(letter, stack=settings.stack, region=settings.region, runbook=settings.runbook)
    return DeadLetterView.model_validate({**letter.model_dump(), "history": _replays().history(letter), "leads": leads})


@api.post(
    "/api/ops/replays",
    status_code=HTTPStatus.ACCEPTED,
    summary="Replay dead letters to the consumer that failed, or start a dry run of that",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN),
)
def start_replay(request: ReplayRequest) -> ReplayStarted:
    action = Action.DRY_RUN if request.dry_run else Action.REPLAY
    return _start(action, request, request.rate)


@api.post(
    "/api/ops/drops",
    status_code=HTTPStatus.ACCEPTED,
    summary="Drop dead letters: nobody handles them any more",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN),
)
def drop_dead_letters(request: DropRequest) -> ReplayStarted:
    return _start(Action.DROP, request, 1000)


@api.get(
    "/api/ops/replays",
    summary="All replays, drops, dry runs and nudges, the latest first",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_replays(limit: Limit = 20, cursor: Cursor = None) -> Page[Replay]:
    position = decode_cursor(cursor, "before")
    found = _replays().recent(limit, position["before"] if position else None)
    more = {"before": found[-1].model_dump(mode="json")["at"]} if len(found) == limit else None
    return Page(items=tuple(found), next_cursor=encode_cursor(more))


@api.get(
    "/api/ops/replays/<replay_id>",
    summary="How far a replay is",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def get_replay(replay_id: IdInPath) -> Replay:
    return _replays().get(replay_id)


@api.get(
    "/api/ops/replays/<replay_id>/messages",
    summary="What became of each message of a replay",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def list_replayed_messages(replay_id: IdInPath, limit: Limit = 50, cursor: Cursor = None) -> Page[ReplayedMessage]:
    items, next_cursor = _page(_replays().messages(replay_id), limit, cursor)
    return Page(items=tuple(_replays().followed(items)), next_cursor=next_cursor)


@api.post(
    "/api/ops/replays/<replay_id>/cancel",
    status_code=HTTPStatus.ACCEPTED,
    summary="Stop a replay before its next messages",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def cancel_replay(replay_id: IdInPath) -> Replay:
    return _replays().cancel(replay_id, by=api.operator.email)


@api.post(
    "/api/ops/replays/<replay_id>/resume",
    status_code=HTTPStatus.ACCEPTED,
    summary="Let a replay that was stopped go on where it was",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def resume_replay(replay_id: IdInPath) -> Replay:
    replay = _replays().resume(replay_id)
    _start_worker(replayId=replay_id)
    return replay


@api.get(
    "/api/ops/orders/stuck",
    summary="The stuck orders, and what each waits for",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_stuck_orders(
    older_than: Annotated[
        int, Query(alias="olderThan", ge=0, le=100_000, description="Minutes that it waits already.")
    ] = 15,
    limit: Limit = LISTED,
) -> StuckOrders:
    return open_diagnosis(_settings()).stuck(timedelta(minutes=older_than), limit)


@api.get(
    "/api/ops/orders/<order_id>/trace",
    summary="An order's time-line across all services",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def trace_order(order_id: OrderInPath) -> Trace:
    return open_diagnosis(_settings()).trace(order_id)


@api.post(
    "/api/ops/orders/<order_id>/nudge",
    status_code=HTTPStatus.ACCEPTED,
    summary="Publish again the events of an order that somebody may still wait for",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def nudge_order(order_id: IdInPath, request: NudgeRequest) -> Replay:
    return open_nudge(_settings()).run(order_id, by=api.operator.email, reason=request.reason)


@api.get(
    "/api/ops/reconciliations",
    summary="All reconciliations, the latest first",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_reconciliations(limit: Limit = 20) -> Page[Reconciliation]:
    return Page(items=tuple(_reconciliations().recent(limit)))


@api.post(
    "/api/ops/reconciliations",
    status_code=HTTPStatus.ACCEPTED,
    summary="Check what must always be true across the tables",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def start_reconciliation(request: ReconciliationRequest) -> Reconciliation:
    if request.changed_since and request.replay_id:
        raise invalid("replayId", "cannot be given with changedSince")
    wanted = request.model_dump(exclude={"reason"}, by_alias=False)
    started = _reconciliations().start(by=api.operator.email, reason=request.reason, **wanted)
    _start_worker(reconciliationId=started.reconciliation_id)
    return started


@api.get(
    "/api/ops/reconciliations/cost",
    summary="What a reconciliation of all rows would read",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def get_reconciliation_cost() -> Cost:
    return _reconciliations().cost()


@api.get(
    "/api/ops/reconciliations/<reconciliation_id>",
    summary="How far a reconciliation is",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def get_reconciliation(reconciliation_id: IdInPath) -> Reconciliation:
    return _reconciliations().get(reconciliation_id)


@api.get(
    "/api/ops/reconciliations/<reconciliation_id>/violations",
    summary="What a reconciliation has found so far",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def list_violations(reconciliation_id: IdInPath) -> Violations:
    _reconciliations().get(reconciliation_id)
    return Violations(items=tuple(_reconciliations().log.violations(reconciliation_id)))


@api.post(
    "/api/ops/reconciliations/<reconciliation_id>/cancel",
    status_code=HTTPStatus.ACCEPTED,
    summary="Stop a reconciliation after the part that it reads",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def cancel_reconciliation(reconciliation_id: IdInPath) -> Reconciliation:
    return _reconciliations().cancel(reconciliation_id, by=api.operator.email)


@api.post(
    "/api/ops/reconciliations/<reconciliation_id>/resume",
    status_code=HTTPStatus.ACCEPTED,
    summary="Let a reconciliation that was stopped go on where it was",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def resume_reconciliation(reconciliation_id: IdInPath) -> Reconciliation:
    found = _reconciliations().resume(reconciliation_id)
    _start_worker(reconciliationId=reconciliation_id)
    return found


def _start(action: Action, request: DropRequest, rate: float) -> ReplayStarted:
    _known(request.queue)
    replay = _replays().start(action, request.selection, by=api.operator.email, reason=request.reason, rate=rate)
    _start_worker(replayId=replay.replay_id)
    return ReplayStarted(replay_id=replay.replay_id)


def _start_worker(**what: str) -> None:
    LambdaInvoker(_settings().replay_worker).start(json.dumps(what))


def _known(queue: str) -> str:
    known = _dead_letters().names.dead_letter_queues
    if queue not in known:
        raise invalid("queue", f"is none of {', '.join(known)}")
    return queue


def _page[Item: DeadLetter | ReplayedMessage](
    items: Sequence[Item], limit: int, cursor: str | None
) -> tuple[Sequence[Item], str | None]:
    """The items after the one that the cursor names, or all if that one is gone."""
    position = decode_cursor(cursor, "after")
    ids = [item.message_id for item in items]
    begin = ids.index(position["after"]) + 1 if position and position["after"] in ids else 0
    page = items[begin : begin + limit]
    more = begin + limit < len(items)
    return page, encode_cursor({"after": page[-1].message_id}) if more else None


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by API Gateway, for members of the group operators."""
    return api.handle(event, context)
