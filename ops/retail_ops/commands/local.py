"""`up`, `down`, `status` and `env`: the shop on this machine."""

import json
import shlex
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.table import Table

from retail_ops.commands.seed import Demo, seed_shop
from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out
from retail_ops.errors import OpsError, Refused
from retail_ops.local.local_shop import PORT, STOREFRONT_PORT, LocalShop, Options
from retail_ops.local.sam import local_settings
from retail_ops.progress import Steps
from retail_ops.stack.seed import ACCOUNTS
from retail_ops.stack.shop import Shop, developer_session

PAYMENT_WINDOW = "PaymentWindowSeconds"
"""Template parameter."""

Port = Annotated[int | None, typer.Option(help="Port of the AWS emulator.", show_default="4566")]
StorefrontPort = Annotated[int | None, typer.Option(help="Port of the storefront.", show_default="8080")]
Window = Annotated[
    int | None,
    typer.Option(
        "--payment-window",
        metavar="SECONDS",
        min=1,
        max=900,
        help="How long stock stays reserved for an order that is not paid.",
        show_default="900",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command("env")(environment)


def up(
    port: Port = None,
    storefront_port: StorefrontPort = None,
    payment_window: Window = None,
    no_seed: Annotated[bool, typer.Option("--no-seed", help="Leave the catalogue empty, without accounts.")] = False,
    demo: Demo = False,
    defaults: Annotated[bool, typer.Option("--defaults", help="Forget the options of the last `up`.")] = False,
) -> None:
    """Start the shop on this machine, or deploy changed code to the running one.

    Options that are not given are those of the last `up`, even after a `down`.
    """
    if demo and no_seed:
        raise OpsError("--demo needs the catalogue and the accounts that --no-seed leaves out.")
    local = LocalShop.found()
    if defaults:
        local.port, local.storefront_port, local.parameters = PORT, STOREFRONT_PORT, {}
    last = replace(local.options, parameters=dict(local.parameters))
    local.port = port or local.port
    local.storefront_port = storefront_port or local.storefront_port
    if payment_window is not None:
        local.parameters[PAYMENT_WINDOW] = str(payment_window)
    if last != Options() and local.options == last:
        err.print(f"As the last time: {words_of(last)}. --defaults forgets that.", style="dim")
    steps = Steps(err)
    try:
        shop = local.start(steps)
        if not no_seed:
            seed_shop(shop, steps, demo=demo)
    except KeyboardInterrupt:
        err.print("Interrupted: the shop is there in part. Go on with: make up. End it with: make down")
        raise typer.Exit(130) from None
    except Refused as failure:
        raise OpsError(
            f"The shop runs at {local.storefront_url}, but its catalogue is not complete: {failure.message} "
            "Fill in what is missing with: make up"
        ) from None
    out.print(f"\nThe shop is open: [bold link={shop.storefront_url}]{shop.storefront_url}[/]")
    if not no_seed:
        for account in ACCOUNTS:
            out.print(f"  {account.email:<32} password {account.password}")
    for words, what in {
        "inbox": "the mails it sends",
        "logs -f": "what happens in it",
        "--help": "all commands",
    }.items():
        out.print(f"  .venv/bin/cloudretail {words:<10} [dim]{what}[/dim]")
    out.print(f"  {'make down':<32} [dim]the end of it[/dim]")


def words_of(options: Options) -> str:
    """Options of `up`, as a user types them."""
    words = []
    if options.port != PORT:
        words.append(f"--port {options.port}")
    if options.storefront_port != STOREFRONT_PORT:
        words.append(f"--storefront-port {options.storefront_port}")
    if window := options.parameters.get(PAYMENT_WINDOW):
        words.append(f"--payment-window {window}")
    return " ".join(words)


def down() -> None:
    """Stop the shop on this machine, and delete its data."""
    if LocalShop.found().stop():
        out.print("The shop is closed.")
    else:
        out.print("No shop runs here.")


def status(stack: Stack = None, as_json: AsJson = False) -> None:
    """Show the shop's addresses and resources."""
    shop = find_shop(stack)
    if as_json:
        out.print_json(json.dumps(description(shop)))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in description(shop).items():
        if isinstance(value, dict):
            table.add_row(f"[bold]{name}[/bold]", f"{len(value)}: {', '.join(sorted(value))}")
        else:
            table.add_row(f"[bold]{name}[/bold]", value or "[dim]none: this shop is on AWS[/dim]")
    out.print(table)


def environment() -> None:
    """Print the variables with which `aws` and `sam` use the shop on this machine, for twelve hours.

    In a shell of its own: eval "$(cloudretail env)"
    """
    shop = find_shop(None)
    assert shop.endpoint
    typer.echo("unset AWS_PROFILE AWS_SESSION_TOKEN")
    for name, value in local_settings(shop.endpoint, developer_session(shop)).items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def description(shop: Shop) -> dict[str, Any]:
    """A shop as `status --json` prints it."""
    return {
        "storefrontUrl": shop.storefront_url,
        "apiUrl": shop.api_url,
        "awsEndpointUrl": shop.endpoint,
        "stackName": shop.stack,
        "region": shop.region,
        "eventBus": shop.output("EventBusName"),
        "functions": dict(shop.functions),
        "queues": dict(shop.queues),
        "tables": dict(shop.tables),
        "outputs": dict(shop.outputs),
    }
