"""`users`: who has an account, as a file, and back into a user pool."""

from pathlib import Path
from typing import Annotated

import typer

from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out, plain
from retail_ops.progress import Steps


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Users: into a file, and out of it into a new user pool.")
    group.command("export")(export)
    group.command("import")(import_)
    app.add_typer(group, name="users")


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New; it has names and addresses.", dir_okay=False)],
    stack: Stack = None,
) -> None:
    """Write everybody with a confirmed address into a file. Cognito gives no passwords away."""
    from retail_ops.stack import users

    count = users.write(users.users(find_shop(stack)), file)
    out.print(f"{count} users are in {plain(str(file))}. Keep it as you keep the backups.", soft_wrap=True)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As export has written it.", exists=True)],
    stack: Stack = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make the users of a file in the shop's pool. They see their orders, and choose a new password by a code."""
    from retail_ops.stack import users

    shop, found = find_shop(stack), users.read(file)
    if not yes:
        typer.confirm(f"Make {len(found)} users in {shop.output('UserPoolId')}?", abort=True, err=True)
    with Steps(err).step("Make the users") as note:
        outcomes = users.bring_back(shop, found, note)
    out.print(", ".join(f"{len(each)} {outcome}" for outcome, each in outcomes.items()))
    for user in outcomes[users.Outcome.ELSEWHERE]:
        out.print(f"{plain(user.email)} has another account by now: {user.user_id} stays without one", soft_wrap=True)
    for user in found:
        if user.groups:
            out.print(f"{plain(user.email)} was in {', '.join(user.groups)}: put them in again by hand", soft_wrap=True)
