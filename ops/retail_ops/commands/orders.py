"""`orders`: shows an order's time-line, lists stuck orders, and nudges them."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from retail_ops.commands.dlq import AsJson, Reason, Yes, ago, duration, print_json
from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out, plain
from retail_ops.errors import OpsError
from retail_ops.stack.operations import Operations

OrderName = Annotated[str, typer.Argument(metavar="ORDER", help="Id of the order, or its number as in a mail.")]

COLOURS = {"FAILURE": "red", "REPLAY": "yellow", "EVENT": "cyan", "MAIL": "magenta", "PAYMENT": "green"}


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        no_args_is_help=True, help="Orders: the time-line of one, those that are stuck, and nudging one."
    )
    group.command()(trace)
    group.command()(stuck)
    group.command()(nudge)
    app.add_typer(group, name="orders")


def trace(order: OrderName, stack: Stack = None, as_json: AsJson = False) -> None:
    """Show an order's time-line across all services: states, parcel, events, failures, mails, payments, replays."""
    operations = Operations(find_shop(stack))
    from cloudretail.errors import NotFound

    try:
        found = operations.diagnosis.trace(order)
    except NotFound:
        raise OpsError(f"Nothing is known of an order {order}.") from None
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for entry in found.entries:
        clock = f"{entry.at.astimezone():%d %b %H:%M:%S}.{entry.at.microsecond // 1000:03d}" if entry.at else ""
        colour = COLOURS.get(entry.kind, "default")
        words = f"[{colour}]{plain(entry.what)}[/{colour}]"
        if entry.detail:
            words += f"\n  {plain(entry.detail)}"
        if entry.caused_by:
            waited = f", {entry.waited:.1f} s after it" if entry.waited is not None else ""
            words += f"\n  [dim]because of {plain(entry.caused_by)}{waited}[/dim]"
        table.add_row(f"[dim]{clock}[/dim]", entry.service, words)
    out.print(table)
    statuses = ", ".join(f"{name} [bold]{plain(status)}[/bold]" for name, status in found.statuses.items())
    out.print(f"\nNow: {statuses or 'no such order'}")
    if found.stuck:
        blocker = found.stuck.blocker
        out.print(f"[yellow]Waits for {plain(blocker.waits_for)}[/yellow]")
        if blocker.command:
            out.print(f"  {plain(blocker.command)}", soft_wrap=True)
    err.print(f"Its log lines: cloudretail logs --order {found.order_id}", style="dim")


def stuck(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="SPAN", help="Leave out what has waited for less: 90s, 15m, 2h, 1d.")
    ] = "15m",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100, help="How many at the most.")] = 50,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """List the stuck orders, the longest first, with what each waits for and the command that helps.

    Waiting for a person has limits of its own: an order whose shopper still has time to pay is not stuck, nor is a
    parcel that left yesterday.
    """
    span = duration(older_than)
    found = Operations(find_shop(stack)).diagnosis.stuck(span, limit)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found.items])
        return
    for each in found.items:
        blocker = each.blocker
        text = f"[bold]{plain(each.order_id)}[/bold] {each.status}, {ago(each.since)}: {plain(blocker.waits_for)}"
        out.print(text, soft_wrap=True)
        if blocker.command:
            out.print(f"    {plain(blocker.command)}", soft_wrap=True)
    if not found.items:
        out.print(f"No order has been stuck for longer than {older_than}.")
    if found.unread:
        err.print(f"{found.unread} more may be stuck: they are listed once these go on.", style="dim")


def nudge(
    orders: Annotated[list[str] | None, typer.Argument(metavar="[ORDER]...", help="Ids of orders, as ord_...")] = None,
    every: Annotated[bool, typer.Option("--stuck", help="All stuck orders for which stuck says so.")] = False,
    older_than: Annotated[str, typer.Option("--older-than", metavar="SPAN", help="With --stuck, as there.")] = "15m",
    reason: Reason = None,
    yes: Yes = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Publish again the events of orders, reservations, payments and shipments that a consumer may still wait for.

    Use it for events that were lost. It is safe: a consumer reacts once, however often it receives an event. Each order
    is recorded by itself, so nothing is left half done if the command ends.
    """
    operations = Operations(find_shop(stack))
    from cloudretail.errors import NotFound

    named = list(dict.fromkeys(orders or ()))
    if bool(named) == every:
        raise OpsError("Which orders? Name them, or give --stuck.")
    chosen = _nudged_when_stuck(operations, duration(older_than)) if every else named
    if not chosen:
        if as_json:
            print_json([])
        else:
            out.print("No stuck order waits for a nudge.")
        return
    if not yes:
        what = chosen[0] if len(chosen) == 1 else f"{len(chosen)} orders"
        typer.confirm(f"Publish the awaited events of {what} again?", abort=True, err=True)
    reason = reason or typer.prompt("Why? It is recorded with your name", err=True)
    done = []
    for order in chosen:
        try:
            replay = operations.nudge.run(order, by=operations.caller, reason=reason)
        except NotFound:
            raise OpsError(f"There is no order {order}.") from None
        messages = operations.replays.messages(replay.replay_id)
        done.append({**replay.model_dump(mode="json"), "messages": [each.model_dump(mode="json") for each in messages]})
        if not as_json:
            for message in messages:
                text = f"{message.event_name} [dim]{message.event_id}[/dim]: {plain(message.text or message.outcome)}"
                out.print(text, soft_wrap=True)
    if as_json:
        print_json(done if every or len(done) > 1 else done[0])
    else:
        err.print(f"What happens: cloudretail orders trace {chosen[-1]}", style="dim")


def _nudged_when_stuck(operations: Operations, span: timedelta) -> list[str]:
    """The stuck orders that a nudge helps. An order whose message is a dead letter is not among them."""
    from operations.diagnosis.stuck import Remedy

    found = operations.diagnosis.stuck(span, 100)
    if found.unread:
        err.print(f"{found.unread} more may be stuck: run it again after this.", style="dim")
    return [each.order_id for each in found.items if each.blocker.remedy is Remedy.NUDGE]
