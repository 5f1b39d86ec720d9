"""`refunds`: lists unfinished refunds, and notes those that were paid by hand."""

from typing import Annotated

import typer
from rich.table import Table

from retail_ops.commands.dlq import AsJson, print_json
from retail_ops.commands.staff import Email, OrderId, Password, everything, money, show, signed_in, since
from retail_ops.commands.target import Stack
from retail_ops.console import err, out, plain

RefundId = Annotated[str, typer.Argument(metavar="REFUND", help="Id of the refund, as `refunds list` prints it.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Refunds: what is still to be given back (staff).")
    group.command("list")(list_refunds)
    group.command()(paid)
    app.add_typer(group, name="refunds")


def list_refunds(stack: Stack = None, email: Email = None, password: Password = None, as_json: AsJson = False) -> None:
    """List the unfinished refunds, the oldest first: those of a provider, and those to pay by hand."""
    with signed_in(stack, email, password) as api:
        found = everything(api, "/admin/refunds")
    if as_json:
        print_json(found)
        return
    if not found:
        out.print("Nothing is to be given back.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for each in found:
        by_hand = each["status"] == "TO_PAY_BY_HAND"
        words = f"to be paid by hand: {each['reason']}" if by_hand else "the provider is at it"
        whose = ", ".join(filter(None, (each["userEmail"], since(each["requestedAt"]))))
        head = f"{each['orderId']} {each['refundId']}\n  [bold]{money(each['amount'])}[/bold]"
        table.add_row(f"{head} {plain(words)}\n  {plain(whose)}")
    out.print(table)
    err.print("\nIt is paid: cloudretail refunds paid ORDER REFUND --reference TEXT", style="dim")


def paid(
    order: OrderId,
    refund: RefundId,
    reference: Annotated[str, typer.Option(help="Reference of the transfer, or who handed the money over.")],
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Note that a refund was paid by hand. The shopper gets a mail."""
    with signed_in(stack, email, password) as api:
        found = api.call("POST", f"/admin/orders/{order}/refunds/{refund}/paid", {"reference": reference}).json()
    show(found, as_json, f"{money(found['amount'])} of {order} is paid back ({reference}).")
