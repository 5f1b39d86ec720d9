"""The shop that a command is about: the local one, or a deployed stack by name."""

from typing import Annotated

import typer

from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.shop import Shop, aws_session, read_stack
from retail_ops.stack.stages import region_of

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="NAME",
        help="A deployed stack, with the usual AWS profile, in samconfig.toml's region; else the shop on this machine.",
    ),
]


def find_shop(stack: str | None) -> Shop:
    """The shop that a command is about.

    Args:
        stack: name of a deployed stack; None for the local shop.

    Raises:
        NoShop: there is none.
    """
    if stack is None:
        return LocalShop.found().read()
    return read_stack(stack, aws_session(region_of(stack)))
