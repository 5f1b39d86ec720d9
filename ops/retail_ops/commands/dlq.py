"""`dlq`: shows what failed and why, and replays it."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out, plain, rows
from retail_ops.errors import OpsError
from retail_ops.stack.operations import Operations

if TYPE_CHECKING:
    from operations.dead_letters.domain import CauseGroup, DeadLetter, Selection
    from operations.dead_letters.service import DeadLetterQueue
    from operations.replays.domain import Action, Replay, ReplayedMessage
    from retail_ops.stack.shop import Shop

RATE = 20
"""Messages a second by default: as many as a small shop's consumers handle without falling behind."""

UNKNOWN = (
    """A dry run does not know whether the function has all permissions, ends in time, and what a provider answers."""
)

SHOWN = 20
"""Messages that a list shows. Its causes are always those of all messages."""

Queue = Annotated[
    str, typer.Argument(metavar="QUEUE", help="OrdersDlq, RelayDlq ..., or orders, payment-worker, rule-targets ...")
]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[MESSAGE]...", help="Ids of messages. Default: all.")]
Order = Annotated[str | None, typer.Option("--order", metavar="ID", help="Only those about this order.")]
Account = Annotated[
    str | None, typer.Option("--account", metavar="ID", help="Only those about this account's orders, by its user id.")
]
Event = Annotated[str | None, typer.Option("--event", metavar="NAME", help="Only this event, such as OrderPlaced.")]
CausePart = Annotated[
    str | None,
    typer.Option(
        "--cause", metavar="TEXT", help="Only those of this cause or fingerprint; else those whose cause contains it."
    ),
]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Died then or later: 2026-01-31T12:00, or 2h, 30m, 1d ago.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Died then or earlier.")]
Reason = Annotated[
    str | None, typer.Option("--reason", help="Why; it is recorded with your name. Asked for unless given.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Dead letters: see what failed and why, replay it, or drop it.")
    group.command("list")(list_queues)
    group.command()(show)
    group.command()(replay)
    group.command()(drop)
    group.command()(history)
    group.command()(edit)
    group.command()(cancel)
    group.command()(resume)
    app.add_typer(group, name="dlq")


def list_queues(
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """List the dead letters of every consumer: how many, the oldest, and the most frequent causes."""
    summaries = Operations(find_shop(stack)).dead_letters.summaries()
    if as_json:
        print_json([each.model_dump(mode="json") for each in summaries])
        return
    cells = []
    for each in summaries:
        causes = "; ".join(f"{cause.count} x {plain(cause.cause)}" for cause in each.causes)
        oldest = ago(each.oldest.since) if each.oldest else ""
        count = f"[red]{each.count}[/red]" if each.count else "[dim]0[/dim]"
        cells.append((each.queue, count, oldest, _affected(each), causes))
    rows(("Queue", "Dead", "Oldest", "Affected", "Causes"), cells)
    if any(each.count for each in summaries):
        err.print("\nWhy: cloudretail dlq show QUEUE. What to do: docs/operations.md#dead-letters", style="dim")


def show(
    queue: Queue,
    message: Annotated[str | None, typer.Argument(metavar="[MESSAGE]", help="One message in full, by its id.")] = None,
    order: Order = None,
    account: Account = None,
    event: Event = None,
    cause: CausePart = None,
    since: Since = None,
    until: Until = None,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Show a consumer's dead letters grouped by cause, or one of them in full, even if it was replayed or dropped."""
    operations = Operations(find_shop(stack))
    name = _queue(operations, queue)
    if message:
        _show_one(operations, name, message, as_json=as_json)
        return
    found = operations.dead_letters.find(_selection(name, (), order, account, event, cause, since, until))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    if not found.count:
        out.print(f"No dead letter in {name} matches.")
    for group in found.causes:
        out.print(f"[red]{group.count} x {plain(group.cause)}[/red]  [dim]{group.fingerprint}[/dim]")
        out.print(f"    [dim]{_extent(group)}[/dim]", soft_wrap=True)
        if group.example:
            out.print(f"    {plain(group.example)}", soft_wrap=True)
    if found.items:
        out.print()
        _list(found.items[:SHOWN])
    if len(found.items) > SHOWN:
        err.print(f"... and {len(found.items) - SHOWN} more (--json lists all).", style="dim")
    if found.items:
        err.print(f"\nOne in full: cloudretail dlq show {name} {found.items[0].message_id}", style="dim")
        err.print(f"What a replay would do: cloudretail dlq replay {name} --dry-run", style="dim")


def _extent(group: "CauseGroup") -> str:
    """How many dead letters of which events, and since when."""
    events = ", ".join(f"{count} {name}" for name, count in group.events.items())
    when = f"since {ago(group.oldest)}, the latest {ago(group.latest)}, {group.trend[-1]} within the hour"
    versions = f"version {', '.join(group.versions)}" if group.versions else ""
    return "; ".join(filter(None, (events, _affected(group), f"{when} {_bars(group.trend)}", versions)))


def _affected(letters: "CauseGroup | DeadLetterQueue") -> str:
    """The orders and customers concerned, and the orders' value: `3 orders of 2 customers, SGD 119.70`."""
    if not letters.orders:
        return ""
    whose = f" of {_counted(letters.customers, 'customer')}" if letters.customers else ""
    return ", ".join([f"{_counted(letters.orders, 'order')}{whose}", *map(str, letters.at_stake)])


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _bars(counts: Sequence[int]) -> str:
    """A bar for each hour, relative to the highest: `▁▁▂█`."""
    most = max(counts)
    return "".join(BARS[-(-count * (len(BARS) - 1) // most)] if most else BARS[0] for count in counts)


BARS = "▁▂▃▄▅▆▇█"


def _show_one(operations: Operations, queue: str, message: str, *, as_json: bool) -> None:
    found = operations.dead_letters.get(queue, _message(operations, queue, message))
    replays = operations.replays.history(found)
    if as_json:
        print_json({**found.model_dump(mode="json"), "history": [each.model_dump(mode="json") for each in replays]})
        return
    cause = found.cause
    grid = Table.grid(padding=(0, 2, 0, 0))
    rows = {
        "Event": plain(f"{found.event_name or 'no event'}  {found.event_id or ''}"),
        "Order": plain(found.order_id or "") + (f", {found.at_stake}" if found.at_stake else ""),
        "Account": plain(found.user_id or ""),
        "State": f"{found.state.lower()} since {ago(found.since).removesuffix(' ago')}",
        "Cause": f"[red]{plain(cause.code)}[/red]  [dim]{cause.fingerprint}[/dim]",
        "": plain(cause.message or ""),
        "Log": plain(", ".join(filter(None, (cause.function, f"request {cause.request_id}"))))
        if cause.request_id
        else "",
        "Where": plain(cause.where or ""),
        "Failed": f"{found.first_failed_at.astimezone():%d %b %H:%M:%S}, the last time {ago(found.last_failed_at)}"
        + (f" (attempt {cause.attempt})" if cause.attempt else ""),
        "Found in": found.found_in if found.found_in != found.queue else "",
        "Invalid": plain(found.invalid or ""),
        "Attributes": plain(", ".join(f"{name}={value}" for name, value in found.attributes.items())),
    }
    for name, value in rows.items():
        if value:
            grid.add_row(f"[bold]{name}[/bold]", value)
    out.print(grid)
    out.print(Panel(plain(_pretty(found.body)), title="Body", title_align="left"))
    for each in replays:
        out.print(f"Replayed {ago(each.at)} by {plain(each.by)}: {plain(each.reason)} [dim]({each.replay_id})[/dim]")


def replay(
    queue: Queue,
    messages: Ids = None,
    order: Order = None,
    account: Account = None,
    event: Event = None,
    cause: CausePart = None,
    since: Since = None,
    until: Until = None,
    reason: Reason = None,
    rate: Annotated[float, typer.Option(min=0.5, max=1000, help="Messages a second at the most.")] = RATE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; say what the deployed code would do with each message.")
    ] = False,
    to_stack: Annotated[
        str | None,
        typer.Option("--to-stack", metavar="NAME", help="Copy them to another stage, to debug there; or local."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Follow each copy until its consumer has done it, or given it up again.")
    ] = False,
    yes: Yes = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again to the consumer that failed, and to no other.

    The deployed replay worker does it, and this command follows it: if the command ends, the replay goes on. Consumers
    react once, however often they receive a message. The exit code is 1 if a copy was refused or, with --wait, failed.
    """
    operations = Operations(find_shop(stack))
    from operations.replays.domain import Action

    name = _queue(operations, queue)
    selection = _selection(name, _messages(operations, name, messages), order, account, event, cause, since, until)
    if to_stack:
        _copy(operations, selection, to_stack, reason=reason, yes=yes, as_json=as_json)
        return
    action = Action.DRY_RUN if dry_run else Action.REPLAY
    _carry_out(operations, action, selection, reason=reason, rate=rate, wait=wait, yes=yes, as_json=as_json)


def drop(
    queue: Queue,
    messages: Ids = None,
    order: Order = None,
    account: Account = None,
    event: Event = None,
    cause: CausePart = None,
    since: Since = None,
    until: Until = None,
    reason: Reason = None,
    yes: Yes = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Drop dead letters, so that nobody handles them. Each is kept for 90 days, with who dropped it and why."""
    operations = Operations(find_shop(stack))
    from operations.replays.domain import Action

    name = _queue(operations, queue)
    selection = _selection(name, _messages(operations, name, messages), order, account, event, cause, since, until)
    _carry_out(operations, Action.DROP, selection, reason=reason, rate=1000, yes=yes, as_json=as_json)


def history(
    replay_id: Annotated[str | None, typer.Argument(metavar="[REPLAY]", help="One replay with its messages.")] = None,
    last: Annotated[int, typer.Option(metavar="N", min=1, max=100, help="How many, the newest.")] = 20,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Show who replayed, dropped, copied or nudged what, when and why."""
    operations = Operations(find_shop(stack))
    if replay_id:
        _report(operations, replay_named(operations, replay_id), as_json=as_json)
        return
    replays = [_archived(operations, each) for each in operations.replays.recent(last)]
    if as_json:
        print_json([each.model_dump(mode="json") for each in replays])
        return
    cells = [
        tuple(map(plain, (each.replay_id, ago(each.at), each.action, each.state, each.by, each.target, each.reason)))
        for each in replays
    ]
    if replays:
        rows(("Id", "When", "What", "State", "By", "Of", "Why"), cells)
    else:
        out.print("Nothing was replayed yet.")


def _archived(operations: Operations, replay: "Replay") -> "Replay":
    """A replay of the archive in EventBridge's present state: its record may be older, if its command ended early."""
    from operations.replays.domain import Action, ReplayState
    from retail_ops.stack.archive import replay_state

    if replay.action is not Action.ARCHIVE or replay.ended:
        return replay
    state, _ = replay_state(operations.shop, replay.replay_id)
    if state in ("STARTING", "RUNNING"):
        return replay
    ended = ReplayState.DONE if state == "COMPLETED" else ReplayState.INTERRUPTED
    known = replay.model_copy(update={"state": ended, "ended_at": datetime.now(UTC)})
    operations.replays.log.save(known)
    return known


def edit(
    queue: Queue,
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id, or the beginning of it.")],
    body: Annotated[
        Path, typer.Option("--body", metavar="FILE", exists=True, dir_okay=False, help="The corrected event, JSON.")
    ],
    reason: Reason = None,
    yes: Yes = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Correct the body of a dead letter, to replay it then. The old body is kept, with who changed it and why."""
    operations = Operations(find_shop(stack))
    from cloudretail.failure_log import change
    from cloudretail.failures import Edit, FailureState, edited
    from operations.dead_letters.failures import MAX_BODY, packed
    from operations.queues import ConsumerQueue

    name = _queue(operations, queue)
    key = (ConsumerQueue.by_dead_letter_queue(name).consumer, _message(operations, name, message))
    failures = operations.dead_letters.failures
    text = body.read_text()
    event_name, order_id = _event_in(text)
    if len(packed(text)) > MAX_BODY:
        raise OpsError(f"{body} is longer than a dead letter that can be edited.")
    row = failures.read([key])[key]
    if row.state is not FailureState.DEAD:
        raise OpsError(f"It is {row.state}: only a dead letter can be edited.")
    if not yes:
        typer.confirm(f"Change the body of {key[1]}?", abort=True, err=True)
    reason = reason or typer.prompt("Why? It is recorded with your name", err=True)
    place = f"bodies/edited/{name}/{key[1]}/{row.revision}"
    failures.keep_long(place, failures.bodies([key]).get(key, ""))
    made = Edit(by=operations.caller, reason=reason, at=int(datetime.now(UTC).timestamp()), was=place)
    after = change(failures, key, lambda row: edited(row, made, event_name, order_id), known=row, body=packed(text))
    if after is None or made not in after.edits:
        raise OpsError("It is no dead letter any more: somebody else has replayed or dropped it.")
    if as_json:
        print_json(after.model_dump(mode="json"))
    else:
        out.print(f"Changed. Now: cloudretail dlq replay {name} {plain(key[1])} --wait", soft_wrap=True)


def _event_in(text: str) -> tuple[str, str | None]:
    """Name and order of the event in a body; raises OpsError if the body is not an event."""
    from cloudretail.errors import InvalidEvent
    from contract import parse

    try:
        event = parse(text)
    except InvalidEvent as error:
        raise OpsError(f"That is no event of the shop: {error}") from None
    return event.data.event_type.name, event.data.keys.get("order_id")


def cancel(
    replay_id: Annotated[str, typer.Argument(metavar="REPLAY")], stack: Stack = None, as_json: AsJson = False
) -> None:
    """Stop a replay before its next messages. Messages that it has sent stay sent; the others stay dead letters."""
    operations = Operations(find_shop(stack))
    found = replay_named(operations, replay_id)
    with said_by_the_shop():
        operations.replays.cancel(found.replay_id, operations.caller)
    ended = _followed(operations, found)
    _report(operations, ended, as_json=as_json)


def resume(
    replay_id: Annotated[str, typer.Argument(metavar="REPLAY")], stack: Stack = None, as_json: AsJson = False
) -> None:
    """Continue a replay that was cancelled or interrupted, where it stopped."""
    operations = Operations(find_shop(stack))
    found = replay_named(operations, replay_id)
    with said_by_the_shop():
        queued = operations.replays.resume(found.replay_id)
    operations.start_worker(replayId=queued.replay_id)
    _report(operations, _followed(operations, queued), as_json=as_json)


@contextmanager
def said_by_the_shop() -> Iterator[None]:
    """Turn a refusal of the shop into a sentence for the user."""
    from cloudretail.errors import Refusal, ShopError

    try:
        yield
    except Refusal as error:
        raise OpsError(error.detail) from None
    except ShopError as error:
        raise OpsError(str(error)) from None


def replay_named(operations: Operations, name: str) -> "Replay":
    """The replay with this id, or with the only id that begins like it; raises OpsError if there is not one."""
    if found := operations.replays.log.find(name):
        return found.seen_at(datetime.now(UTC))
    begin = [each for each in operations.replays.recent(100) if each.replay_id.startswith(name)] if name else []
    if len(begin) == 1:
        return begin[0]
    if begin:
        raise OpsError(f"Several replays begin with {name}: {', '.join(each.replay_id for each in begin)}.")
    raise OpsError(f"There is no record of a replay {name}: `cloudretail dlq history` lists them.")


def _messages(operations: Operations, queue: str, names: Sequence[str] | None) -> list[str]:
    if names and len(names) > MOST_NAMED:
        raise OpsError(f"{len(names)} messages by id are too many: name up to {MOST_NAMED}, or choose by filters.")
    return [_message(operations, queue, name) for name in names or ()]


MOST_NAMED = 1000


def _message(operations: Operations, queue: str, name: str) -> str:
    """The id of a message, from the id or its beginning; raises OpsError if there is not one such message."""
    from operations.queues import ConsumerQueue

    consumer = ConsumerQueue.by_dead_letter_queue(queue).consumer
    begin = operations.dead_letters.failures.beginning(consumer, name) if 0 < len(name) <= MOST_OF_AN_ID else []
    if name in begin or len(begin) == 1:
        return name if name in begin else begin[0]
    if begin:
        raise OpsError(f"Several messages of {queue} begin with {name}, such as {' and '.join(begin[:2])}.")
    raise OpsError(f"There is no message {name[:100]} of {queue}: `cloudretail dlq show {queue}` lists them.")


MOST_OF_AN_ID = 1024
"""Bytes of a sort key. Source: DynamoDB quotas."""


def _carry_out(
    operations: Operations,
    action: "Action",
    selection: "Selection",
    *,
    reason: str | None,
    rate: float,
    wait: bool = False,
    yes: bool,
    as_json: bool,
) -> None:
    from operations.replays.domain import Action, Outcome

    if action is not Action.DRY_RUN:
        found = operations.dead_letters.find(selection)
        if not found.count:
            _nothing(selection, {"replayId": None, "planned": 0, "outcomes": {}, "messages": []}, as_json=as_json)
            return
        for group in found.causes:
            err.print(f"  {group.count} x {plain(group.cause)}  [dim]{_affected(group)}[/dim]")
        verb = "Drop" if action is Action.DROP else "Replay"
        if not yes:
            typer.confirm(f"{verb} {found.count} of {selection.queue}?", abort=True, err=True)
        reason = reason or typer.prompt("Why? It is recorded with your name", err=True)
    record = operations.replays.start(
        action, selection, by=operations.caller, reason=reason or "to see what it would do", rate=rate
    )
    operations.start_worker(replayId=record.replay_id)
    ended = _followed(operations, record, wait=wait)
    back = _report(operations, ended, as_json=as_json)
    if action is Action.DRY_RUN and ended.planned:
        version = f"Said by version {ended.version} of the replay worker. " if ended.version else ""
        err.print(f"{version}{UNKNOWN}", style="dim")
    if action is Action.REPLAY and ended.planned:
        err.print(f"Did it do harm? cloudretail verify {ended.replay_id}", style="dim")
    if ended.outcomes.get(Outcome.FAILED) or (wait and back):
        raise typer.Exit(1)


def _nothing(selection: "Selection", as_content: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(as_content)
    else:
        out.print(f"No dead letter in {selection.queue} matches: nothing to do.")


def _copy(
    operations: Operations, selection: "Selection", stack: str, *, reason: str | None, yes: bool, as_json: bool
) -> None:
    """Send the bodies to the same consumer of another stage, on record. In this stage they stay dead letters."""
    from operations.clock import REAL_TIME
    from operations.dead_letters.domain import dead_letter, message_of
    from operations.queues import ConsumerQueue
    from operations.replays.domain import Action, Outcome, ReplayState, counted, planned
    from operations.replays.log import interruption_recorded

    queue = ConsumerQueue.by_dead_letter_queue(selection.queue)
    if queue not in operations.dead_letters.names.consumers:
        raise OpsError(f"{selection.queue} belongs to no consumer: there is no queue to copy to.")
    other = find_shop(None if stack == "local" else stack)
    address = other.queues.get(queue.queue)
    if address is None:
        raise OpsError(f"{other.stack} has no {queue.queue}: deploy a version there that has this consumer.")
    if address == operations.shop.queues[queue.queue]:
        raise OpsError("That is the same stack: leave --to-stack out.")
    if _stage_of(other) == "prod":
        raise OpsError("Nothing is copied to production: its shoppers would get what others ordered.")
    failures, log = operations.dead_letters.failures, operations.replays.log
    found = operations.dead_letters.rows(selection)[:MOST_COPIED]
    if not found:
        _nothing(selection, {"replayId": None, "copies": []}, as_json=as_json)
        return
    if not yes:
        typer.confirm(f"Copy {len(found)} messages with their shoppers' data to {other.stack}?", abort=True, err=True)
    reason = reason or typer.prompt("Why? It is recorded with your name", err=True)
    # Recorded first: shoppers' data never leaves this stage without a trace of who took it where.
    record = operations.replays.begin(
        Action.COPY, f"{selection}, to {other.stack}", by=operations.caller, reason=reason, planned=len(found)
    )
    keys = [row.key for row in found]
    bodies, whole = failures.bodies(keys), failures.read(keys)
    copies = []
    with interruption_recorded(log, record.replay_id, REAL_TIME):
        for row in found:
            document = message_of(whole[row.key], bodies.get(row.key, "")).document
            sent = other.sqs.send_message(QueueUrl=address, MessageBody=document)["MessageId"]
            taken = {"outcome": Outcome.COPIED, "text": f"to {queue.queue} of {other.stack}", "copies": (sent,)}
            message = planned(record, dead_letter(row), row.generation, datetime.now(UTC))
            copies.append(message.model_copy(update=taken))
            log.save_messages(copies[-1:])
    ended = {"state": ReplayState.DONE, "outcomes": counted(copies), "ended_at": datetime.now(UTC)}
    log.save(record.model_copy(update=ended))
    if as_json:
        copied = [{"messageId": each.message_id, "copy": each.copies[0]} for each in copies]
        print_json({"replayId": record.replay_id, "copies": copied})
    else:
        out.print(f"{len(copies)} messages are in {queue.queue} of {other.stack}. [dim]({record.replay_id})[/dim]")


MOST_COPIED = 100


def _stage_of(shop: "Shop") -> str:
    name = shop.resource("AWS::Lambda::Function", "OpsApi")
    found = shop.lambda_.get_function_configuration(FunctionName=name)
    return found.get("Environment", {}).get("Variables", {}).get("STAGE", "")


def _followed(operations: Operations, record: "Replay", *, wait: bool = False) -> "Replay":
    """Follow a replay until it ends, and with `wait` until all its copies have an outcome. Ctrl-C does not stop it."""
    from operations.replays.domain import ReplayState

    try:
        with progress_bar(record.replay_id) as advance:
            ended = operations.carried_out(record, lambda replay: advance(replay.done, replay.planned))
        if wait and ended.state is ReplayState.DONE:
            with progress_bar("copies that have ended") as advance:
                operations.followed(ended, advance)
    except KeyboardInterrupt:
        err.print(f"\nThe shop goes on with it. How far: cloudretail dlq history {record.replay_id}")
        err.print(f"Stop it: cloudretail dlq cancel {record.replay_id}")
        raise
    if ended.state is ReplayState.INTERRUPTED:
        err.print("Its worker has ended (why: cloudretail logs ReplayWorker).", style="yellow")
        err.print(f"Let it go on: cloudretail dlq resume {ended.replay_id}", style="yellow")
    return ended


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on a terminal; the function takes how many are done, and of how many."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=not err.is_terminal, disable=not err.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, total=total, completed=done)


COLOURS = {
    "REPLAYED": "green",
    "COPIED": "green",
    "WOULD_ACT": "green",
    "FAILED": "red",
    "WOULD_FAIL": "red",
    "GONE": "yellow",
}


def _report(operations: Operations, replay: "Replay", *, as_json: bool) -> int:
    """Print the outcome of each message of a replay; returns how many failed again."""
    from cloudretail.failures import FailureState

    messages = operations.replays.followed(operations.replays.messages(replay.replay_id))
    if as_json:
        print_json({**replay.model_dump(mode="json"), "messages": [each.model_dump(mode="json") for each in messages]})
        return sum(each.state is FailureState.DEAD for each in messages)
    if messages:
        rows(("Message", "Outcome", "Now", "Event", "Order", ""), [_row(each) for each in messages[:SHOWN]])
    if len(messages) > SHOWN:
        err.print(f"... and {len(messages) - SHOWN} more (--json lists all).", style="dim")
    counts = ", ".join(f"{count} {outcome.lower().replace('_', ' ')}" for outcome, count in replay.outcomes.items())
    states = Counter(each.state.lower() for each in messages if each.state)
    out.print(
        f"{plain(replay.target)}: {counts or 'no message'} [dim]({replay.replay_id}, {replay.state.lower()})[/dim]"
    )
    if states:
        now = ", ".join(f"{count} {state}" for state, count in states.items())
        out.print(f"Now: {now}. [dim]Again: cloudretail dlq history {replay.replay_id}[/dim]")
    back = [each for each in messages if each.state is FailureState.DEAD]
    for letter in back[:3]:
        failed = operations.dead_letters.get(letter.queue, letter.message_id)
        text = f"Came back: {plain(letter.message_id)}: {plain(failed.cause.code)}"
        out.print(f"[red]{text}[/red]", soft_wrap=True)
    return len(back)


def _row(message: "ReplayedMessage") -> tuple[str, ...]:
    colour = COLOURS.get(message.outcome, "default")
    outcome = f"[{colour}]{message.outcome.lower().replace('_', ' ')}[/{colour}]"
    event, order = message.event_name or "no event", message.order_id or ""
    return (
        plain(message.message_id),
        outcome,
        (message.state or "").lower(),
        plain(event),
        plain(order),
        plain(message.text or ""),
    )


def _list(messages: "Sequence[DeadLetter]") -> None:
    cells = [
        (
            plain(each.message_id),
            plain(each.event_name or "no event"),
            plain(each.order_id or ""),
            ago(each.since),
            plain(each.cause.exception),
        )
        for each in messages
    ]
    rows(("Message", "Event", "Order", "Died", "Cause"), cells)


def _queue(operations: Operations, name: str) -> str:
    names = operations.dead_letters.names
    queue = names.find(name)
    if queue is None:
        raise OpsError(f"There is no dead-letter queue {name}; there are: {', '.join(names.dead_letter_queues)}.")
    return queue


def _selection(
    queue: str,
    messages: Sequence[str],
    order: str | None,
    account: str | None,
    event: str | None,
    cause: str | None,
    since: str | None,
    until: str | None,
) -> "Selection":
    from pydantic import ValidationError

    from operations.dead_letters.domain import Selection

    try:
        return Selection(
            queue=queue,
            message_ids=tuple(messages),
            order_id=order,
            user_id=account,
            event_name=event,
            cause=cause,
            since=moment(since) if since is not None else None,
            until=moment(until) if until is not None else None,
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        option = OPTIONS.get(str(wrong["loc"][0]), "MESSAGE")
        raise OpsError(f"{option}: {wrong['msg'].removeprefix('String ')}.") from None


OPTIONS = {"order_id": "--order", "user_id": "--account", "event_name": "--event", "cause": "--cause"}


UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """`15m`, `2h`, `1d`, `90s`; raises OpsError for anything else."""
    found = re.fullmatch(r"(\d+)([smhd])", text.strip())
    if not found:
        raise OpsError(f"{text!r} is no time span: write 90s, 15m, 2h or 1d.")
    try:
        return timedelta(**{UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise OpsError(f"{text!r} is no time span: it is too long.") from None


def moment(text: str) -> datetime:
    """A date and time, by default in this machine's zone, or a time span ago; raises OpsError for anything else."""
    if re.fullmatch(r"\d+[smhd]", text.strip()):
        try:
            return datetime.now(UTC) - duration(text)
        except OverflowError:
            raise OpsError(f"{text!r} is no time: there was none so long ago.") from None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise OpsError(f"{text!r} is no time: write 2026-01-31T12:00 or 2h.") from None


def ago(then: datetime) -> str:
    """How long ago something was."""
    return f"{_span(datetime.now(UTC) - then)} ago"


def _span(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def print_json(content: Any) -> None:
    """Print JSON, in colours on a terminal."""
    if out.is_terminal:
        out.print_json(json.dumps(content), ensure_ascii=True)
    else:
        typer.echo(json.dumps(content, indent=2))
