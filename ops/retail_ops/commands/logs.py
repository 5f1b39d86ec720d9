"""`logs`: shows the functions' logs."""

import time
from typing import Annotated

import typer

from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out
from retail_ops.errors import OpsError
from retail_ops.stack.logs import Reader, render
from retail_ops.stack.shop import Shop

POLL = 0.7
"""Seconds between two polls while following."""


def register(app: typer.Typer) -> None:
    app.command()(logs)


def logs(
    function: Annotated[
        str | None, typer.Argument(help="Part of a function's name, such as orders or PaymentWorker. Default: all.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more lines until Ctrl-C.")] = False,
    order: Annotated[str | None, typer.Option("--order", metavar="ID", help="Only lines about this order.")] = None,
    request: Annotated[
        str | None,
        typer.Option("--request", metavar="ID", help="Only lines of this invocation."),
    ] = None,
    since: Annotated[int, typer.Option(metavar="MINUTES", min=0, help="How far back to look.")] = 15,
    everything: Annotated[
        bool, typer.Option("--all", help="The runtime's lines, metrics and whole tracebacks as well.")
    ] = False,
    stack: Stack = None,
) -> None:
    """Show the functions' logs, in the order of time."""
    shop = find_shop(stack)
    reader = Reader(shop, _functions(shop, function), int((time.time() - since * 60) * 1000))
    shown = 0
    try:
        while True:
            for line in reader.read():
                wanted = all(line.names(each) for each in (order, request) if each)
                if (everything or line.of_interest) and wanted:
                    out.print(render(line, whole=everything), soft_wrap=True)
                    shown += 1
            if not follow:
                break
            time.sleep(POLL)
    except KeyboardInterrupt:
        return
    found = f"{shown} lines" if shown else "Nothing"
    err.print(f"{found} in the last {since} minutes (--since looks further back).", style="dim")


def _functions(shop: Shop, part: str | None) -> list[str]:
    known = sorted(shop.functions)
    chosen = [name for name in known if part is None or part.casefold() in name.casefold()]
    if not chosen:
        raise OpsError(f"No function is called {part}; there are: {', '.join(known)}.")
    return chosen
