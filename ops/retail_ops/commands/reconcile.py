"""`reconcile`: whether the tables agree."""

import typer
from rich.markup import escape

from retail_ops.commands.dlq import AsJson, print_json
from retail_ops.console import err, out
from retail_ops.operations import Operations
from retail_ops.target import Stack, find_shop


def register(app: typer.Typer) -> None:
    app.command()(reconcile)


def reconcile(stack: Stack = None, as_json: AsJson = False) -> None:
    """Check what must always be true across the tables; exit code 1 where something is not.

    Stock: available + reserved + sold = received, and as much reserved and sold as the reservations say. Orders,
    reservations and payments agree once an order has come to rest; nobody is charged twice or left charged; every
    order ends. Reads all rows, names each one that breaks a rule, and repairs nothing.
    """
    found = Operations(find_shop(stack)).casebook.reconcile()
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
    else:
        for each in found:
            out.print(f"[red]{each.rule}[/red] {each.table} [bold]{escape(each.key)}[/bold]: {escape(each.text)}")
        if not found:
            out.print("Everything agrees.")
    if found:
        err.print("What to do about each rule: docs/operations.md#reconcile", style="dim")
        raise typer.Exit(1)
