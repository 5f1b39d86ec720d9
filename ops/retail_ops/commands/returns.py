"""`returns`: lists, receives and refuses what shoppers send back."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from retail_ops.commands.dlq import AsJson, print_json
from retail_ops.commands.staff import (
    Damaged,
    Email,
    OrderId,
    Password,
    ReturnId,
    everything,
    in_words,
    inspected,
    pieces,
    quantities,
    show,
    signed_in,
    since,
)
from retail_ops.commands.target import Stack
from retail_ops.console import err, out, plain
from retail_ops.errors import OpsError


class Refusal(StrEnum):
    """Why a return is refused."""

    NEVER_ARRIVED = "never-arrived"
    NOT_OURS = "not-ours"
    USED = "used"
    OTHER = "other"


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Returns: what is to come, and what became of it (staff).")
    group.command("list")(list_returns)
    group.command()(receive)
    group.command()(refuse)
    app.add_typer(group, name="returns")


def list_returns(stack: Stack = None, email: Email = None, password: Password = None, as_json: AsJson = False) -> None:
    """List the returns that are expected, the oldest first."""
    with signed_in(stack, email, password) as api:
        shipments = everything(api, "/admin/shipments?open=RETURN")
    found = [
        {"orderId": shipment["orderId"], **each}
        for shipment in shipments
        for each in shipment["returns"]
        if each["status"] == "EXPECTED"
    ]
    if as_json:
        print_json(found)
        return
    if not found:
        out.print("No return is to come.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for each in found:
        detail = f"{plain(in_words(each['lines']))}, {each['reason']}, {since(each['requestedAt'])}"
        table.add_row(f"{each['orderId']} {each['returnId']}\n  {detail}")
    out.print(table)
    err.print("\nIt is there: cloudretail returns receive ORDER RETURN", style="dim")


def receive(
    order: OrderId,
    return_id: ReturnId,
    arrived: Annotated[
        list[str] | None,
        typer.Option("--arrived", metavar="PRODUCT=N", help="Only this has arrived. Default: all of the return."),
    ] = None,
    broken: Damaged = None,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Receive a return. The shopper gets the refund.

    Pieces that are not --broken go back on the shelf.
    """
    with signed_in(stack, email, password) as api:
        returns = api.call("GET", f"/admin/shipments/{order}").json()["returns"]
        announced = next((quantities(each["lines"]) for each in returns if each["returnId"] == return_id), None)
        if announced is None:
            ids = ", ".join(each["returnId"] for each in returns)
            raise OpsError(f"{order} has no return {return_id}{f', but {ids}' if ids else ''}.")
        there = pieces(arrived, announced, "--arrived") or announced
        body = {"lines": inspected(there, pieces(broken, there, "--broken"))}
        found = api.call("POST", f"/admin/orders/{order}/returns/{return_id}/receive", body).json()
    show(found, as_json, f"{return_id} is received.")


def refuse(
    order: OrderId,
    return_id: ReturnId,
    reason: Annotated[Refusal, typer.Option(help="Why.")],
    note: Annotated[str | None, typer.Option(help="For the shopper, who reads it in a mail.")] = None,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Refuse a return as a whole, or close one that never arrived."""
    body = {"reason": reason.name, "note": note}
    with signed_in(stack, email, password) as api:
        found = api.call("POST", f"/admin/orders/{order}/returns/{return_id}/refuse", body).json()
    show(found, as_json, f"{return_id} is refused.")
