"""`shipments`: lists parcels to send and on their way, and notes what happens to them."""

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
    everything,
    in_words,
    inspected,
    money,
    pieces,
    quantities,
    show,
    signed_in,
    since,
)
from retail_ops.commands.target import Stack
from retail_ops.console import err, out, plain
from retail_ops.errors import OpsError


class Open(StrEnum):
    """What is to be done with a parcel."""

    TO_SHIP = "to-ship"
    SHIPPED = "shipped"
    RETURN = "return"


class Comeback(StrEnum):
    """Why a parcel came back."""

    REFUSED = "refused"
    UNDELIVERABLE = "undeliverable"
    OTHER = "other"


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        no_args_is_help=True, help="Parcels: what is to be sent or on its way, and what became of it (staff)."
    )
    group.command("list")(list_shipments)
    group.command("show")(show_shipment)
    group.command()(ship)
    group.command()(deliver)
    group.command("came-back")(came_back)
    group.command()(lost)
    app.add_typer(group, name="shipments")


def list_shipments(
    open_as: Annotated[
        Open,
        typer.Option(
            "--open", case_sensitive=False, help="To be sent, on their way, or with a return that is to come."
        ),
    ] = Open.TO_SHIP,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """List the parcels that staff or a carrier have to deal with, the oldest first."""
    with signed_in(stack, email, password) as api:
        found = everything(api, f"/admin/shipments?open={open_as.name}")
    if as_json:
        print_json(found)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Order", "Waits", "Items", "Cash"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "Order")
    for each in found:
        table.add_row(each["orderId"], since(each["openSince"]), plain(in_words(each["items"])), money(each["cashDue"]))
    if found:
        out.print(table)
        err.print(f"\nOne in full: cloudretail shipments show {found[0]['orderId']}", style="dim")
    else:
        out.print(
            {Open.TO_SHIP: "Nothing is to be sent.", Open.SHIPPED: "Nothing is on its way."}.get(
                open_as, "No return is to come."
            )
        )


def show_shipment(
    order: OrderId, stack: Stack = None, email: Email = None, password: Password = None, as_json: AsJson = False
) -> None:
    """Show the parcel of an order, its returns, and who did what."""
    with signed_in(stack, email, password) as api:
        found = api.call("GET", f"/admin/shipments/{order}").json()
    if as_json:
        print_json(found)
        return
    out.print(f"[bold]{plain(order)}[/bold] {found['status']}: {plain(in_words(found['items']))}")
    if address := found["shippingAddress"]:
        parts = ("name", "line1", "line2", "postalCode", "city", "country")
        out.print(plain(", ".join(address[part] for part in parts if address.get(part))))
    if parcel := found["parcel"]:
        out.print(plain(" ".join(filter(None, (parcel["carrier"], parcel["trackingNumber"], parcel["trackingUrl"])))))
    if found["cashDue"]:
        collected = f", {money(found['cash'])} collected" if found["cash"] else ""
        out.print(f"Cash due {money(found['cashDue'])}{collected}")
    for each in found["returns"]:
        out.print(f"{each['returnId']} {each['status']}: {plain(in_words(each['lines']))}")
    for step in found["story"]:
        about = f" {step['about']}" if step["about"] else ""
        by = f" by {step['by']}" if step["by"] else ""
        out.print(f"[dim]{plain(step['at'])}[/dim] {plain(step['what'])}{plain(about)}[dim]{plain(by)}[/dim]")


def ship(
    order: OrderId,
    carrier: Annotated[str, typer.Option(help="Who has the parcel: SingPost, Ninja Van, DHL ...")],
    tracking: Annotated[str, typer.Option(metavar="NUMBER", help="The carrier's tracking number.")],
    tracking_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The carrier's page of the parcel, if the shop does not know it.")
    ] = None,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Note that a parcel was given to a carrier. The shopper gets a mail with the tracking number.

    It is refused for an order that is cancelled, or is being cancelled.
    """
    body = {"carrier": carrier, "trackingNumber": tracking, "trackingUrl": tracking_url}
    with signed_in(stack, email, password) as api:
        found = api.call("POST", f"/admin/orders/{order}/ship", body).json()
    show(found, as_json, f"{order} is on its way with {carrier}, {tracking}.")


def deliver(
    order: OrderId,
    cash: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="What the courier collected, such as 23.00; 0 if nothing. For cash only."),
    ] = None,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Note that a parcel was handed over, and its cash collected."""
    from cloudretail.money import Money

    with signed_in(stack, email, password) as api:
        body = {}
        if cash is not None:
            total = api.call("GET", f"/admin/shipments/{order}").json()["total"]
            if total is None:
                raise OpsError(f"{order} was cancelled before there was a parcel.")
            try:
                body = {"cash": Money.parse(cash, total["currency"]).model_dump(mode="json")}
            except ValueError as error:
                raise OpsError(f"--cash {cash}: {error}") from None
        found = api.call("POST", f"/admin/orders/{order}/deliver", body).json()
    collected = f", with {money(found['cash'])} collected" if found["cash"] else ""
    show(found, as_json, f"{order} is delivered{collected}.")


def came_back(
    order: OrderId,
    reason: Annotated[Comeback, typer.Option(help="Why.")] = Comeback.OTHER,
    broken: Damaged = None,
    stack: Stack = None,
    email: Email = None,
    password: Password = None,
    as_json: AsJson = False,
) -> None:
    """Note that a parcel came back. The order is cancelled, and its payment is refunded.

    Pieces that are not --broken go back on the shelf.
    """
    with signed_in(stack, email, password) as api:
        items = quantities(api.call("GET", f"/admin/shipments/{order}").json()["items"])
        lines = inspected(items, pieces(broken, items, "--broken"))
        body = {"reason": reason.name, "lines": lines}
        found = api.call("POST", f"/admin/orders/{order}/came-back", body).json()
    show(found, as_json, f"{order} came back.")


def lost(
    order: OrderId, stack: Stack = None, email: Email = None, password: Password = None, as_json: AsJson = False
) -> None:
    """Note that a parcel is lost. The order is cancelled, its payment refunded, and the goods are written off."""
    with signed_in(stack, email, password) as api:
        found = api.call("POST", f"/admin/orders/{order}/lost").json()
    show(found, as_json, f"{order} is lost.")
