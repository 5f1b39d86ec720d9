"""`protect`: protects a deployed shop from harm by a deployment."""

from typing import Annotated

import typer

from retail_ops.console import out
from retail_ops.stack.protection import protect as protect_stack
from retail_ops.stack.shop import aws_session, read_stack
from retail_ops.stack.stages import region_of


def register(app: typer.Typer) -> None:
    app.command()(protect)


def protect(
    stack: Annotated[str, typer.Option("--stack", metavar="NAME", help="The deployed stack.")],
    lift: Annotated[bool, typer.Option("--lift", help="Take it back, for a restore or a removal.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Protect a stack from deletion and loss of data, and roll back deployments that set off the paging alarm."""
    shop = read_stack(stack, aws_session(region_of(stack)))
    if not yes:
        typer.confirm(f"{'Lift the protection of' if lift else 'Protect'} {stack}?", abort=True, err=True)
    for sentence in protect_stack(shop, protected=not lift):
        out.print(sentence)
