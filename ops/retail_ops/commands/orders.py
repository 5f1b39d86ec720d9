"""`orders`: an order's time-line, stuck orders, and nudging one."""

from typing import Annotated

import typer
from rich.table import Table

from retail_ops.commands.dlq import AsJson, Reason, Yes, ago, duration, print_json
from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out, plain
from retail_ops.errors import OpsError
from retail_ops.stack.operations import Operations

OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="Id of the order, as ord_...")]

COLOURS = {"FAILURE": "red", "REPLAY": "yellow", "EVENT": "cyan", "MAIL": "magenta", "PAYMENT": "green"}


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        no_args_is_help=True, help="Orders: the time-line of one, those that are stuck, and nudging one."
    )
    group.command()(trace)
    group.command()(stuck)
    group.command()(nudge)
    app.add_typer(group, name="orders")


def trace(order: OrderId, stack: Stack = None, as_json: AsJson = False) -> None:
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
            words += f"\n  [dim]because of {plain(entry.caused_by)}[/dim]"
        table.add_row(f"[dim]{clock}[/dim]", entry.service, words)
    out.print(table)
    statuses = ", ".join(f"{name} [bold]{plain(status)}[/bold]" for name, status in found.statuses.items())
    out.print(f"\nNow: {statuses or 'no such order'}")
    if found.stuck:
        blocker = found.stuck.blocker
        out.print(f"[yellow]Waits for {plain(blocker.waits_for)}[/yellow]")
        if blocker.command:
            out.print(f"  {plain(blocker.command)}", soft_wrap=True)
    err.print(f"Its log lines: cloudretail logs --order {order}", style="dim")


def stuck(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="SPAN", help="Leave out what has waited for less: 90s, 15m, 2h, 1d.")
    ] = "15m",
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """List the stuck orders, with what each waits for and the command that lets it go on.

    Reads all orders. What a person does has a patience of its own: an order whose shopper still has time to pay is not
    stuck, nor is a parcel that left yesterday.
    """
    span = duration(older_than)
    found = Operations(find_shop(stack)).diagnosis.stuck(span)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    for each in found:
        blocker = each.blocker
        out.print(f"[bold]{plain(each.order_id)}[/bold] {each.status}, {ago(each.since)}: {plain(blocker.waits_for)}")
        if blocker.command:
            out.print(f"    {plain(blocker.command)}", soft_wrap=True)
    if not found:
        out.print(f"No order has been stuck for longer than {older_than}.")


def nudge(
    order: OrderId, reason: Reason = None, yes: Yes = False, stack: Stack = None, as_json: AsJson = False
) -> None:
    """Publish again the events of an order, its reservation, payment and shipment that somebody may still wait for.

    For an event that was lost. This is safe: a consumer reacts once, however often it gets an event.
    """
    operations = Operations(find_shop(stack))
    from cloudretail.errors import NotFound

    if not yes:
        typer.confirm(f"Publish the awaited events of {order} again?", abort=True, err=True)
    reason = reason or typer.prompt("Why? It is recorded with your name", err=True)
    try:
        replay = operations.nudge.run(order, by=operations.caller, reason=reason)
    except NotFound:
        raise OpsError(f"There is no order {order}.") from None
    messages = operations.replays.messages(replay.replay_id)
    if as_json:
        print_json({**replay.model_dump(mode="json"), "messages": [each.model_dump(mode="json") for each in messages]})
        return
    for message in messages:
        out.print(f"{message.event_name} [dim]{message.event_id}[/dim]: {plain(message.text or message.outcome)}")
    err.print(f"What happens: cloudretail orders trace {order}", style="dim")
