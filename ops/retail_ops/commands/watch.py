"""`watch`: brings a changed function into the running shop as soon as it is saved."""

import typer

from retail_ops.console import err, out
from retail_ops.local.local_shop import LocalShop
from retail_ops.local.watch import watch as keep_up
from retail_ops.stack.shop import Shop


def register(app: typer.Typer) -> None:
    app.command()(watch)


def watch() -> None:
    """Bring each change of a function's code into the running shop, until Ctrl-C."""
    follow(LocalShop.found().read())


def follow(shop: Shop) -> None:
    """Watch the sources until Ctrl-C.

    Args:
        shop: a local one.
    """
    err.print("Watching functions/. Stop with Ctrl-C; the shop goes on.", style="dim")
    try:
        keep_up(shop, lambda sentence: out.print(sentence))
    except KeyboardInterrupt:
        return
