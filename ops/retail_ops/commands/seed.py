"""`seed`: fills a shop with the catalogue."""

from typing import Annotated

import httpx
import typer

from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err
from retail_ops.errors import OpsError
from retail_ops.progress import Progress, Steps
from retail_ops.stack import catalogue
from retail_ops.stack.api import Api
from retail_ops.stack.seed import STAFF, create_accounts, seed_rates, seed_stock
from retail_ops.stack.seed import seed as fill
from retail_ops.stack.shop import Shop

Demo = Annotated[
    bool, typer.Option("--demo", help="Orders in many states besides, so that no page of the back office is empty.")
]


def register(app: typer.Typer) -> None:
    app.command()(seed)


def seed(
    stack: Stack = None,
    email: Annotated[
        str | None,
        typer.Option(envvar="CLOUDRETAIL_STAFF", help="Who is staff, to sign in as; on AWS."),
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(envvar="CLOUDRETAIL_PASSWORD", help="Asked for unless given by the variable; on AWS."),
    ] = None,
    demo: Demo = False,
) -> None:
    """Put the catalogue with its images and stock into a shop. Products that exist stay as they are.

    Only a local shop gets accounts to try it with. For a deployed shop, sign in as a member of its staff.
    """
    shop = find_shop(stack)
    if demo and shop.endpoint is None:
        raise OpsError("--demo is for a local shop: its customers are accounts whose password everybody knows.")
    if shop.endpoint is None:
        email = email or typer.prompt("Staff's e-mail address", err=True)
        password = password or typer.prompt("Password", hide_input=True, err=True)
        app_code = typer.prompt("Code of your authenticator app", err=True)
        seed_shop(shop, Steps(err), email, password, app_code)
    else:
        seed_shop(shop, Steps(err), demo=demo)


def seed_shop(
    shop: Shop,
    progress: Progress,
    email: str = STAFF.email,
    password: str = STAFF.password,
    app_code: str | None = None,
    *,
    demo: bool = False,
) -> None:
    """Seed a shop, creating the accounts first if it is a local one.

    Args:
        shop: to be filled.
        progress: called with each step, a sentence.
        email: of the member of staff to sign in as.
        password: of that account.
        app_code: the code of its authenticator app; None if it has none.
        demo: whether a local shop gets orders in many states, too.

    Raises:
        Refused: the shop refuses the credentials or a product.
    """
    if shop.endpoint is not None:
        with progress.step("Create accounts to try the shop with"):
            create_accounts(shop)
        with progress.step("Say where the shop ships to"), Api(shop.api_url) as api:
            api.login(STAFF.email, STAFF.password)
            seed_rates(api, *catalogue.load_rates())
    products = catalogue.load()
    with progress.step("Fill the catalogue") as note, Api(shop.api_url) as api:
        # A local shop's images go to this machine, so a proxy must not be used.
        with httpx.Client(timeout=30, trust_env=shop.endpoint is None) as uploads:
            api.login(email, password, app_code)
            counts = fill(api, products, note, uploads=uploads)
        note("receiving the stock")
        seed_stock(api, products)
        note(", ".join(f"{count} {what}" for what, count in counts.items()))
    if demo:
        # Imported here: it loads the orders' rules, which other commands do not need.
        from retail_ops.stack.demo import demonstrate

        with progress.step("Bring orders into many states") as note:
            demonstrate(shop, note)
