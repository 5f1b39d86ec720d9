"""`orders`: an order's story, orders that stand still, and a push for one."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from retail_ops.commands.dlq import AsJson, Reason, Yes, ago, duration, print_json
from retail_ops.console import err, out
from retail_ops.errors import OpsError
from retail_ops.operations import Operations
from retail_ops.target import Stack, find_shop

OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="Id of the order, as ord_...")]

COLOURS = {"FAILURE": "red", "REPLAY": "yellow", "EVENT": "cyan", "MAIL": "magenta", "PAYMENT": "green"}


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Orders: their story, those that stand still, and a push for one.")
    group.command()(trace)
    group.command()(stuck)
    group.command()(nudge)
    app.add_typer(group, name="orders")


def trace(order: OrderId, stack: Stack = None, as_json: AsJson = False) -> None:
    """Tell an order's story across all services: states, events, failures, mails, payments, replays."""
    operations = Operations(find_shop(stack))
    from cloudretail.errors import NotFound

    try:
        found = operations.casebook.trace(order)
    except NotFound:
        raise OpsError(f"Nothing is known of an order {order}.") from None
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for entry in found.entries:
        clock = f"{entry.at.astimezone():%d %b %H:%M:%S}.{entry.at.microsecond // 1000:03d}" if entry.at else ""
        colour = COLOURS.get(entry.kind, "default")
        words = f"[{colour}]{escape(entry.what)}[/{colour}]"
        if entry.detail:
            words += f"\n  {escape(entry.detail)}"
        if entry.caused_by:
            words += f"\n  [dim]because of {escape(entry.caused_by)}[/dim]"
        table.add_row(f"[dim]{clock}[/dim]", entry.service, words)
    out.print(table)
    parts = {"order": found.order, "reservation": found.reservation, "payment": found.payment}
    out.print("\nNow: " + ", ".join(f"{name} [bold]{status or 'none'}[/bold]" for name, status in parts.items()))
    if found.waits_for:
        out.print(f"[yellow]Waits for {escape(found.waits_for.waits_for)}[/yellow]")
        if found.waits_for.command:
            out.print(f"  {escape(found.waits_for.command)}", soft_wrap=True)
    err.print(f"What the functions wrote of it: cloudretail logs --order {order}", style="dim")


def stuck(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="SPAN", help="Leave out what moved since: 90s, 15m, 2h, 1d.")
    ] = "15m",
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """List the orders that stand still, with what each waits for and the command that would move it.

    Reads all orders. An order that waits for its shopper, whose time is not up, does not stand still.
    """
    span = duration(older_than)
    found = Operations(find_shop(stack)).casebook.stuck(span)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    for wait in found:
        out.print(f"[bold]{wait.order_id}[/bold] {wait.status}, {ago(wait.since)}: {escape(wait.waits_for)}")
        if wait.command:
            out.print(f"    {escape(wait.command)}", soft_wrap=True)
    if not found:
        out.print(f"No order stands still for longer than {older_than}.")


def nudge(
    order: OrderId, reason: Reason = None, yes: Yes = False, stack: Stack = None, as_json: AsJson = False
) -> None:
    """Put the last events of an order, its reservation and its payment on the bus again.

    For an event that was lost on its way. Safe: every consumer does once what an event says, however often it comes.
    """
    operations = Operations(find_shop(stack))
    from cloudretail.errors import NotFound

    if not yes:
        typer.confirm(f"Publish the last events of {order} again?", abort=True, err=True)
    reason = reason or typer.prompt("Why? It is recorded with your name", err=True)
    try:
        replay = operations.casebook.nudge(order, by=operations.caller, reason=reason)
    except NotFound:
        raise OpsError(f"There is no order {order}.") from None
    messages = operations.desk.messages(replay.replay_id)
    if as_json:
        print_json({**replay.model_dump(mode="json"), "messages": [each.model_dump(mode="json") for each in messages]})
        return
    for message in messages:
        out.print(f"{message.event_name} [dim]{message.event_id}[/dim]: {escape(message.text or message.outcome)}")
    err.print(f"What comes of it: cloudretail orders trace {order}", style="dim")
