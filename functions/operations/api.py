"""What operators see and do over HTTP; nobody else learns anything here.

What outlasts a request is recorded, answered with 202, and carried out by the replay worker.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from cloudretail.errors import invalid
from cloudretail.http import Cursor, IdInPath, Limit, OperatorsApi, Page, answers, decode_cursor, encode_cursor
from cloudretail.model import Model, RequestModel
from cloudretail.settings import load
from operations.domain import (
    Action,
    BoxName,
    CauseGroup,
    DeadLetter,
    DeadLetterDetail,
    Replay,
    ReplayedMessage,
    Selection,
)
from operations.reconciliation import Broken
from operations.replays import SLOWEST
from operations.service import BoxSummary, Casebook, Desk, QueueState
from operations.store import BookSettings, DynamoDBShelves, EventBridgeBus, LambdaInvoker, QueueSettings
from operations.story import Trace, Wait

api = OperatorsApi()

Box = Annotated[str, Path(min_length=1, max_length=64, description="A dead-letter queue, such as OrdersDlq.")]
MessageId = Annotated[str, Path(min_length=1, max_length=100)]


class OperationsSettings(QueueSettings, BookSettings):
    """What this function needs."""

    event_bus_name: str
    replay_worker: str


class DropRequest(RequestModel):
    """Which dead letters, and why. Without any condition: all that are there when it begins.

    Attributes:
        cause: a part of the cause as the lists show it.
        since: first sent then or later.
        until: first sent then or earlier.
        reason: is recorded with the operator's name.
    """

    queue: BoxName
    message_ids: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    order_id: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    event_name: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    cause: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    since: datetime | None = None
    until: datetime | None = None
    reason: Annotated[str, Field(min_length=3, max_length=500)]

    @property
    def selection(self) -> Selection:
        return Selection.model_validate(self.model_dump())


class ReplayRequest(DropRequest):
    """As for a drop, and how fast; or only what the current code would do.

    Attributes:
        dry_run: nothing changes; each message's outcome says what it would do.
        rate: messages a second at the most.
    """

    dry_run: bool = False
    rate: Annotated[float, Field(ge=SLOWEST, le=1000)] = 20


class NudgeRequest(RequestModel):
    """Why; it is recorded with the operator's name."""

    reason: Annotated[str, Field(min_length=3, max_length=500)]


class Queues(Model):
    """All queues."""

    items: tuple[QueueState, ...]


class DeadLetterQueues(Model):
    """All dead-letter queues."""

    items: tuple[BoxSummary, ...]


class DeadLetterPage(Page[DeadLetter]):
    """Dead letters of one queue.

    Attributes:
        count: how many the conditions take, on all pages.
        missed: about how many could not be looked at, because somebody else held them.
        causes: of all of them, the most frequent first.
    """

    queue: BoxName
    count: int
    missed: int
    causes: tuple[CauseGroup, ...]


class DeadLetterView(DeadLetterDetail):
    """One dead letter in full, with the replays that it has been through, the latest first."""

    history: tuple[Replay, ...]


class Begun(Model):
    """What was recorded, and is carried out from now on."""

    replay_id: str


class StuckOrders(Model):
    """The orders that stand still, the longest first."""

    items: tuple[Wait, ...]


class Reconciliation(Model):
    """Every invariant that does not hold."""

    items: tuple[Broken, ...]


@cache
def _settings() -> OperationsSettings:
    return load(OperationsSettings)


@cache
def _desk() -> Desk:
    return Desk(_settings(), _settings().failures_table, _settings().replays_table)


@cache
def _casebook() -> Casebook:
    return Casebook(_desk(), DynamoDBShelves(_settings()), EventBridgeBus(_settings().event_bus_name))


@api.get(
    "/api/ops/queues",
    summary="How all queues fare",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_queues() -> Queues:
    return Queues(items=tuple(_desk().queues()))


@api.get(
    "/api/ops/dead-letters",
    summary="All dead-letter queues, with their most frequent causes",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_dead_letter_queues() -> DeadLetterQueues:
    return DeadLetterQueues(items=tuple(_desk().summary(box) for box in BoxName))


@api.get(
    "/api/ops/dead-letters/<queue>",
    summary="A queue's dead letters, oldest first, and their causes",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_dead_letters(
    queue: Box,
    order_id: Annotated[str | None, Query(alias="orderId", max_length=64)] = None,
    event_name: Annotated[str | None, Query(alias="eventName", max_length=64)] = None,
    cause: Annotated[str | None, Query(max_length=200, description="A part of the cause or of its text.")] = None,
    since: Annotated[datetime | None, Query(description="First sent then or later.")] = None,
    until: Annotated[datetime | None, Query(description="First sent then or earlier.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DeadLetterPage:
    selection = Selection(
        queue=_box(queue), order_id=order_id, event_name=event_name, cause=cause, since=since, until=until
    )
    found = _desk().find(selection)
    items, next_cursor = _page(found.items, limit, cursor)
    return DeadLetterPage(
        queue=found.queue,
        count=found.count,
        missed=found.missed,
        causes=found.causes,
        items=tuple(items),
        next_cursor=next_cursor,
    )


@api.get(
    "/api/ops/dead-letters/<queue>/<message_id>",
    summary="One dead letter in full",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def get_dead_letter(queue: Box, message_id: MessageId) -> DeadLetterView:
    letter, history = _desk().one(_box(queue), message_id)
    return DeadLetterView.model_validate({**letter.model_dump(), "history": history})


@api.post(
    "/api/ops/replays",
    status_code=HTTPStatus.ACCEPTED,
    summary="Replay dead letters to the consumer that failed, or try what that would do",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN),
)
def start_replay(request: ReplayRequest) -> Begun:
    action = Action.DRY_RUN if request.dry_run else Action.REPLAY
    return _begun(action, request, request.rate)


@api.post(
    "/api/ops/drops",
    status_code=HTTPStatus.ACCEPTED,
    summary="Take dead letters out of their queue for good; the record keeps them",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN),
)
def drop_dead_letters(request: DropRequest) -> Begun:
    return _begun(Action.DROP, request, 1000)


@api.get(
    "/api/ops/replays",
    summary="What was replayed, dropped, tried and nudged, the latest first",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_replays(limit: Limit = 20) -> Page[Replay]:
    return Page(items=tuple(_desk().journal.recent(limit)))


@api.get(
    "/api/ops/replays/<replay_id>",
    summary="How far a replay is",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def get_replay(replay_id: IdInPath) -> Replay:
    return _desk().replay(replay_id)


@api.get(
    "/api/ops/replays/<replay_id>/messages",
    summary="What became of each message of a replay",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def list_replayed_messages(replay_id: IdInPath, limit: Limit = 50, cursor: Cursor = None) -> Page[ReplayedMessage]:
    _desk().replay(replay_id)
    items, next_cursor = _page(_desk().messages(replay_id), limit, cursor)
    return Page(items=tuple(items), next_cursor=next_cursor)


@api.get(
    "/api/ops/orders/stuck",
    summary="The orders that stand still, and what would move each",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def list_stuck_orders(
    older_than: Annotated[int, Query(alias="olderThan", ge=0, le=100_000, description="Minutes.")] = 15,
) -> StuckOrders:
    return StuckOrders(items=tuple(_casebook().stuck(timedelta(minutes=older_than))))


@api.get(
    "/api/ops/orders/<order_id>/trace",
    summary="An order's time-line across all services",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def trace_order(order_id: IdInPath) -> Trace:
    return _casebook().trace(order_id)


@api.post(
    "/api/ops/orders/<order_id>/nudge",
    status_code=HTTPStatus.ACCEPTED,
    summary="Put an order's last events on the bus again",
    tags=["Operations"],
    responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
def nudge_order(order_id: IdInPath, request: NudgeRequest) -> Replay:
    return _casebook().nudge(order_id, by=api.operator.email, reason=request.reason)


@api.get(
    "/api/ops/reconciliation",
    summary="Check what must always be true across the tables",
    tags=["Operations"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def reconcile() -> Reconciliation:
    return Reconciliation(items=tuple(_casebook().reconcile()))


def _begun(action: Action, request: DropRequest, rate: float) -> Begun:
    replay = _desk().begin(action, request.selection, by=api.operator.email, reason=request.reason, rate=rate)
    LambdaInvoker(_settings().replay_worker).start(json.dumps({"replayId": replay.replay_id}))
    return Begun(replay_id=replay.replay_id)


def _box(name: str) -> BoxName:
    try:
        return BoxName(name)
    except ValueError:
        raise invalid("queue", f"is none of {', '.join(BoxName)}") from None


def _page[Item: DeadLetter | ReplayedMessage](
    items: Sequence[Item], limit: int, cursor: str | None
) -> tuple[Sequence[Item], str | None]:
    """The items after the one that the cursor names; from the beginning where that one is gone."""
    position = decode_cursor(cursor, "after")
    ids = [item.message_id for item in items]
    begin = ids.index(position["after"]) + 1 if position and position["after"] in ids else 0
    page = items[begin : begin + limit]
    more = begin + limit < len(items)
    return page, encode_cursor({"after": page[-1].message_id}) if more else None


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by API Gateway, for members of the group operators."""
    return api.handle(event, context)
