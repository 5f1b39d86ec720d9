"""`reconcile`: whether the tables agree."""

import typer

from retail_ops.commands.dlq import AsJson, print_json
from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out, plain
from retail_ops.stack.operations import Operations


def register(app: typer.Typer) -> None:
    app.command()(reconcile)


def reconcile(stack: Stack = None, as_json: AsJson = False) -> None:
    """Check what must always be true across the tables. The exit code is 1 where a rule is broken.

    Stock: available + reserved + sold + written off = received + adjusted, and the reservations say the same. Money:
    for each payment, what the provider took is what was charged, and what it gave back is what is refunded. Orders,
    reservations, payments and shipments agree once an order waits for nothing. No order, parcel, return, refund or
    cash waits for too long. The command reads all rows, names each that breaks a rule with what to do next, and
    repairs nothing.
    """
    found = Operations(find_shop(stack)).diagnosis.reconcile()
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
    else:
        for each in found:
            out.print(f"[red]{each.rule}[/red] {each.table} [bold]{plain(each.key)}[/bold]: {plain(each.text)}")
        if not found:
            out.print("The tables agree.")
    if found:
        err.print("What to do about each rule: docs/operations.md#reconcile", style="dim")
        raise typer.Exit(1)
