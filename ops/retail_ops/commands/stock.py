"""`stock`: shows the stock of products, and books goods that arrived, were counted or are broken."""

import uuid
from typing import Annotated, Any

import typer
from rich.table import Table

from retail_ops.commands.dlq import AsJson, print_json
from retail_ops.commands.staff import Email, Password, everything, show, signed_in, since
from retail_ops.commands.target import Stack
from retail_ops.console import err, out, plain

ProductId = Annotated[str, typer.Argument(metavar="PRODUCT", help="Id of the product, as `stock list` prints it.")]
Units = Annotated[int, typer.Argument(metavar="UNITS", min=1, help="How many.")]
Note = Annotated[str | None, typer.Option(help="For readers of the history.")]
Key = Annotated[str | None, typer.Option(help="Such as the number of the delivery note: a repeated key counts once.")]
LOOK = "stock list"


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Stock: what there is; receive, count, write off, watch (staff).")
    group.command("list")(list_stock)
    group.command()(receive)
    group.command()(count)
    group.command()(damaged)
    group.command()(watch)
    group.command()(history)
    app.add_typer(group, name="stock")


def list_stock(
    low: Annotated[bool, typer.Option("--low", help="Only products at their threshold or below it.")] = False,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """List the stock of all products, by id."""
    with signed_in(stack, email, password, LOOK) as api:
        found = everything(api, f"/admin/stock?low={str(low).lower()}")
    if as_json:
        print_json(found)
        return
    if not found:
        out.print("Nothing runs low." if low else "Nothing was received yet.")
        return
    table = Table("product", "available", "reserved", "sold", "low at", box=None, padding=(0, 2, 0, 0))
    for each in found:
        low_at = "" if each["lowAt"] is None else str(each["lowAt"])
        counters = (str(each[name]) for name in ("available", "reserved", "sold"))
        table.add_row(plain(each["productId"]), *counters, low_at)
    out.print(table)
    err.print("\nGoods arrived: cloudretail stock receive PRODUCT UNITS", style="dim")


def receive(
    product: ProductId,
    units: Units,
    key: Key = None,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Book goods that have arrived."""
    with signed_in(stack, email, password, LOOK) as api:
        path = f"/admin/stock/{product}/receipts"
        found = api.call("POST", path, {"quantity": units}, idempotency_key=key or uuid.uuid4().hex).json()
    show(found, as_json, _available(found))


def count(
    product: ProductId,
    delta: Annotated[int, typer.Option(help="How many more there are than the counters say; -2: two fewer.")],
    note: Note = None,
    key: Key = None,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Correct the counters, as there are more or fewer on the shelf."""
    body = {"delta": delta, "reason": "COUNT", "note": note}
    _adjust(product, body, key, stack, email, password, as_json)


def damaged(
    product: ProductId,
    units: Units,
    note: Note = None,
    key: Key = None,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Write off pieces that cannot be sold."""
    body = {"delta": -units, "reason": "DAMAGE", "note": note}
    _adjust(product, body, key, stack, email, password, as_json)


def _adjust(
    product: str,
    body: dict[str, Any],
    key: str | None,
    stack: str | None,
    email: str | None,
    password: str | None,
    as_json: bool,
) -> None:
    with signed_in(stack, email, password, LOOK) as api:
        path = f"/admin/stock/{product}/adjustments"
        found = api.call("POST", path, body, idempotency_key=key or uuid.uuid4().hex).json()
    show(found, as_json, _available(found))


def watch(
    product: ProductId,
    low_at: Annotated[
        int | None, typer.Option("--low-at", min=0, help="Low at so many available, or fewer. Left out: no threshold.")
    ] = None,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Set the threshold at which a product's stock is low."""
    with signed_in(stack, email, password, LOOK) as api:
        found = api.call("PUT", f"/admin/stock/{product}/threshold", {"lowAt": low_at}).json()
    when = "It never runs low" if low_at is None else f"It runs low at {low_at}"
    show(found, as_json, f"{when}; {found['available']} of {product} are available.")


def history(
    product: ProductId,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Show the changes of a product's stock by staff, the newest first, and by orders in between."""
    with signed_in(stack, email, password, LOOK) as api:
        found = everything(api, f"/admin/stock/{product}/movements")
    if as_json:
        print_json(found)
        return
    if not found:
        out.print("Nothing was done to it yet.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for each in found:
        low_at = each["after"]["lowAt"]
        what = f"{each['delta']:+}" if each["delta"] else f"low at {low_at}" if low_at is not None else "never low"
        words = f"{each['kind'].lower()} [bold]{what}[/bold], {each['after']['available']} available afterwards"
        table.add_row(since(each["at"]), words + (f"\n{plain(each['note'])}" if each["note"] else ""))
        if orders := each["ordersBefore"]:
            table.add_row("", f"[dim]before that, orders: {orders['available']:+} available[/dim]")
    out.print(table)


def _available(movement: dict[str, Any]) -> str:
    return f"{movement['after']['available']} of {movement['productId']} are available now."
