"""`rates`: shows and sets where the shop ships to, what that costs, and the tax that prices include."""

from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.table import Table

from retail_ops.commands.dlq import AsJson, print_json
from retail_ops.commands.staff import Email, Password, money, signed_in
from retail_ops.commands.target import Stack
from retail_ops.console import err, out, plain
from retail_ops.errors import OpsError
from retail_ops.stack import catalogue

FILE = catalogue.FOLDER / "rates.yaml"

RatesFile = Annotated[
    Path,
    typer.Argument(metavar="[FILE]", help="Zones and tax rates, in the form of ops/catalogue/rates.yaml.", exists=True),
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        no_args_is_help=True, help="Shipping and tax: where the shop ships to, and for how much (staff)."
    )
    group.command()(show)
    group.command()(put)
    app.add_typer(group, name="rates")


def show(stack: Stack = None, email: Email = None, password: Password = None, as_json: AsJson = False) -> None:
    """Show zones, methods and tax rates."""
    with signed_in(stack, email, password, "rates show") as api:
        shipping = api.call("GET", "/admin/shipping-rates").json()
        tax = api.call("GET", "/admin/tax-rates").json()
    if as_json:
        print_json({"zones": shipping["zones"], "taxRates": tax["rates"], "version": shipping["version"]})
        return
    if not shipping["zones"]:
        out.print("The shop ships nowhere.")
        err.print("\nPut rates in: cloudretail rates put FILE", style="dim")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Zone", "Delivery", "Days"):
        table.add_column(heading, overflow="fold")
    for zone in shipping["zones"]:
        cash = f"\n[dim]cash up to {money(zone['cashUpTo'])}[/dim]" if zone["cashUpTo"] else ""
        where = f"{plain(zone['name'])}\n[dim]{' '.join(zone['countries'])}[/dim]{cash}"
        for nth, method in enumerate(zone["methods"]):
            free = f", free from {money(method['freeFrom'])}" if method["freeFrom"] else ""
            days = f"{method['earliestDays']}-{method['latestDays']}"
            table.add_row("" if nth else where, f"{plain(method['name'])} {money(method['price'])}{free}", days)
    out.print(table)
    for rate in tax["rates"]:
        out.print(f"{rate['country']}: prices include {rate['basisPoints'] / 100:g} % {plain(rate['name'])}")


def put(
    file: RatesFile = FILE, stack: Stack = None, email: Email = None, password: Password = None, as_json: AsJson = False
) -> None:
    """Replace the shop's rates by those of a file. Placed orders keep what they cost."""
    try:
        zones, tax_rates = catalogue.load_rates(file)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise OpsError(f"{file} is not of the form of ops/catalogue/rates.yaml.", str(error)) from None
    with signed_in(stack, email, password, "rates show") as api:
        version = api.call("GET", "/admin/shipping-rates").json()["version"]
        changed = api.call("PUT", "/admin/shipping-rates", {"version": version, "zones": zones}).json()
        tax = api.call("PUT", "/admin/tax-rates", {"version": changed["version"], "rates": tax_rates}).json()
    if as_json:
        print_json({"zones": changed["zones"], "taxRates": tax["rates"], "version": tax["version"]})
        return
    countries = sum(len(zone["countries"]) for zone in changed["zones"])
    out.print(f"The shop ships to {countries} countries.")
