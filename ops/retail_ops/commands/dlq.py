"""`dlq`: what failed, why, and replaying it."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out, plain
from retail_ops.errors import OpsError
from retail_ops.stack.operations import Operations

if TYPE_CHECKING:
    from operations.dead_letters.domain import CauseGroup, DeadLetter, Selection
    from operations.replays.domain import Action, Replay, ReplayedMessage
    from operations.replays.replayer import Progress as OnProgress

RATE = 20
"""Messages a second by default: as many as a small shop's consumers handle without falling behind."""

UNKNOWN = (
    """A dry run cannot know whether the function has every permission, ends in time, and what a provider answers."""
)

SHOWN = 20
"""Messages that a list shows; the causes are always those of all."""

Queue = Annotated[
    str, typer.Argument(metavar="QUEUE", help="OrdersDlq, RelayDlq ..., or orders, payment-worker, rule-targets ...")
]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[MESSAGE]...", help="Ids of messages. Default: all.")]
Order = Annotated[str | None, typer.Option("--order", metavar="ID", help="Only those about this order.")]
Event = Annotated[str | None, typer.Option("--event", metavar="NAME", help="Only this event, such as OrderPlaced.")]
CausePart = Annotated[
    str | None,
    typer.Option("--cause", metavar="TEXT", help="Only those whose cause contains this, or has this fingerprint."),
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
    app.add_typer(group, name="dlq")


def list_queues(
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """List how many dead letters every consumer has, the oldest, and their most frequent causes."""
    summaries = Operations(find_shop(stack)).dead_letters.summaries()
    if as_json:
        print_json([each.model_dump(mode="json") for each in summaries])
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Queue", "Dead", "Oldest", "Causes"):
        table.add_column(heading, justify="right" if heading == "Dead" else "left")
    for each in summaries:
        causes = "\n".join(f"{cause.count} x {plain(cause.cause)}" for cause in each.causes)
        oldest = ago(each.oldest.since) if each.oldest else ""
        count = f"[red]{each.count}[/red]" if each.count else "[dim]0[/dim]"
        table.add_row(each.queue, count, oldest, causes)
    out.print(table)
    if any(each.count for each in summaries):
        err.print("\nWhy: cloudretail dlq show QUEUE. What to do: docs/operations.md#dead-letters", style="dim")


def show(
    queue: Queue,
    message: Annotated[str | None, typer.Argument(metavar="[MESSAGE]", help="One message in full, by its id.")] = None,
    order: Order = None,
    event: Event = None,
    cause: CausePart = None,
    since: Since = None,
    until: Until = None,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Show a consumer's dead letters grouped by cause, or one of them in full, also once it was replayed or dropped."""
    operations = Operations(find_shop(stack))
    name = _queue(operations, queue)
    if message:
        _show_one(operations, name, message, as_json=as_json)
        return
    found = operations.dead_letters.find(_selection(name, (), order, event, cause, since, until))
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
        out.print(_table(found.items[:SHOWN]))
    if len(found.items) > SHOWN:
        err.print(f"... and {len(found.items) - SHOWN} more (--json lists all).", style="dim")
    if found.items:
        err.print(f"\nOne in full: cloudretail dlq show {name} {found.items[0].message_id}", style="dim")
        err.print(f"What a replay would do: cloudretail dlq replay {name} --dry-run", style="dim")


def _extent(group: "CauseGroup") -> str:
    """How much of what has failed, and since when."""
    events = ", ".join(f"{count} {name}" for name, count in group.events.items())
    orders = f"of {group.orders} orders" if group.orders > 1 else ""
    when = f"since {ago(group.oldest)}, the latest {ago(group.latest)}, {group.last_hour} within the hour"
    versions = f"version {', '.join(group.versions)}" if group.versions else ""
    return "; ".join(filter(None, (f"{events} {orders}".strip(), when, versions)))


def _show_one(operations: Operations, queue: str, message: str, *, as_json: bool) -> None:
    from cloudretail.errors import NotFound

    try:
        found = operations.dead_letters.get(queue, message)
    except NotFound:
        raise OpsError(
            f"There is no message {message} of {queue}: `cloudretail dlq show {queue}` lists them."
        ) from None
    replays = operations.replays.history(found)
    if as_json:
        print_json({**found.model_dump(mode="json"), "history": [each.model_dump(mode="json") for each in replays]})
        return
    cause = found.cause
    grid = Table.grid(padding=(0, 2, 0, 0))
    rows = {
        "Event": plain(f"{found.event_name or 'no event'}  {found.event_id or ''}"),
        "Order": plain(found.order_id or ""),
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
    event: Event = None,
    cause: CausePart = None,
    since: Since = None,
    until: Until = None,
    reason: Reason = None,
    rate: Annotated[float, typer.Option(min=0.5, max=1000, help="Messages a second at the most.")] = RATE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; say what the deployed code would do with each message.")
    ] = False,
    yes: Yes = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again to the consumer that failed, and to no other.

    An interrupted replay loses nothing: run it again; what it was just sending is a dead letter again after a minute.
    Consumers react once, however often they get a message.
    """
    operations = Operations(find_shop(stack))
    from operations.replays.domain import Action

    selection = _selection(_queue(operations, queue), messages or (), order, event, cause, since, until)
    action = Action.DRY_RUN if dry_run else Action.REPLAY
    _carry_out(operations, action, selection, reason=reason, rate=rate, yes=yes, as_json=as_json)


def drop(
    queue: Queue,
    messages: Ids = None,
    order: Order = None,
    event: Event = None,
    cause: CausePart = None,
    since: Since = None,
    until: Until = None,
    reason: Reason = None,
    yes: Yes = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Drop dead letters: nobody handles them. Each is kept with its body for 90 days, and who dropped it and why."""
    operations = Operations(find_shop(stack))
    from operations.replays.domain import Action

    selection = _selection(_queue(operations, queue), messages or (), order, event, cause, since, until)
    _carry_out(operations, Action.DROP, selection, reason=reason, rate=1000, yes=yes, as_json=as_json)


def history(
    replay_id: Annotated[str | None, typer.Argument(metavar="[REPLAY]", help="One replay with its messages.")] = None,
    last: Annotated[int, typer.Option(metavar="N", min=1, max=100, help="How many, the newest.")] = 20,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Show who replayed, dropped or nudged what, when and why."""
    operations = Operations(find_shop(stack))
    if replay_id:
        found = operations.replays.log.find(replay_id)
        if found is None:
            raise OpsError(f"There is no record of a replay {replay_id}.")
        _report(operations, found, as_json=as_json)
        return
    replays = operations.replays.log.recent(last)
    if as_json:
        print_json([each.model_dump(mode="json") for each in replays])
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Id", "When", "What", "Of", "By", "Why", "State"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "Id")
    for each in replays:
        cells = (each.replay_id, ago(each.at), each.action, each.target, each.by, each.reason, each.state)
        table.add_row(*map(plain, cells))
    out.print(table if replays else "Nothing was replayed yet.")


def _carry_out(
    operations: Operations,
    action: "Action",
    selection: "Selection",
    *,
    reason: str | None,
    rate: float,
    yes: bool,
    as_json: bool,
) -> None:
    from operations.replays.domain import Action, Outcome

    if action is not Action.DRY_RUN:
        found = operations.dead_letters.find(selection)
        if not found.count:
            out.print(f"No dead letter in {selection.queue} matches: nothing to do.")
            return
        for group in found.causes:
            err.print(f"  {group.count} x {plain(group.cause)}")
        verb = "Drop" if action is Action.DROP else "Replay"
        if not yes:
            typer.confirm(f"{verb} {found.count} of {selection.queue}?", abort=True, err=True)
        reason = reason or typer.prompt("Why? It is recorded with your name", err=True)
    record = operations.replays.start(
        action, selection, by=operations.caller, reason=reason or "to see what it would do", rate=rate
    )
    run = operations.dry_run if action is Action.DRY_RUN else operations.replayer.run
    with _progress(record.replay_id) as progress:
        ended = run(record, progress)
    _report(operations, ended, as_json=as_json)
    if action is Action.DRY_RUN and ended.planned:
        err.print(UNKNOWN, style="dim")
    if ended.outcomes.get(Outcome.FAILED):
        raise typer.Exit(1)


@contextmanager
def _progress(title: str) -> Iterator["OnProgress"]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=not err.is_terminal, disable=not err.is_terminal) as bar:
        task = bar.add_task(title, total=None)

        def progress(replay: "Replay") -> None:
            bar.update(task, total=replay.planned, completed=replay.done)

        yield progress


COLOURS = {"REPLAYED": "green", "WOULD_ACT": "green", "FAILED": "red", "WOULD_FAIL": "red", "GONE": "yellow"}


def _report(operations: Operations, replay: "Replay", *, as_json: bool) -> None:
    messages = operations.replays.followed(operations.replays.messages(replay.replay_id))
    if as_json:
        print_json({**replay.model_dump(mode="json"), "messages": [each.model_dump(mode="json") for each in messages]})
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Outcome", "Now", "Event", "Order", "Message", ""):
        table.add_column(heading, overflow="fold", no_wrap=heading == "Message")
    for each in messages[:SHOWN]:
        table.add_row(*_row(each))
    if messages:
        out.print(table)
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


def _row(message: "ReplayedMessage") -> tuple[str, ...]:
    colour = COLOURS.get(message.outcome, "default")
    outcome = f"[{colour}]{message.outcome.lower().replace('_', ' ')}[/{colour}]"
    event, order = message.event_name or "no event", message.order_id or ""
    return (
        outcome,
        (message.state or "").lower(),
        plain(event),
        plain(order),
        plain(message.message_id),
        plain(message.text or ""),
    )


def _table(messages: "Sequence[DeadLetter]") -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Message", "Event", "Order", "Died", "Cause"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "Message")
    for each in messages:
        event, order = each.event_name or "no event", each.order_id or ""
        table.add_row(plain(each.message_id), plain(event), plain(order), ago(each.since), plain(each.cause.exception))
    return table


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
            event_name=event,
            cause=cause,
            since=moment(since) if since is not None else None,
            until=moment(until) if until is not None else None,
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        raise OpsError(f"--{OPTIONS.get(str(wrong['loc'][0]), 'message')}: {wrong['msg']}.") from None


OPTIONS = {"order_id": "order", "event_name": "event", "cause": "cause"}


UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """`15m`, `2h`, `1d`, `90s`; raises OpsError for anything else."""
    found = re.fullmatch(r"(\d+)([smhd])", text.strip())
    if not found:
        raise OpsError(f"{text!r} is no time span: write 90s, 15m, 2h or 1d.")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def moment(text: str) -> datetime:
    """A date and time, of this machine's zone unless it says another; or a time span ago. Raises OpsError."""
    if re.fullmatch(r"\d+[smhd]", text.strip()):
        return datetime.now(UTC) - duration(text)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
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
    """For programs; in colours where a person reads it."""
    if out.is_terminal:
        out.print_json(json.dumps(content), ensure_ascii=True)
    else:
        typer.echo(json.dumps(content, indent=2))
