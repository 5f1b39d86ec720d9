"""`privacy`: a copy of somebody's data, and its erasure, for requests that come by letter."""

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_ops.commands.dlq import print_json
from retail_ops.commands.target import find_shop
from retail_ops.console import out
from retail_ops.errors import NoShop, OpsError
from retail_ops.stack.shop import Shop

if TYPE_CHECKING:
    from auth.store import HeldSettings

privacy = typer.Typer(help="Answer requests that come by letter: a copy of somebody's data, or its erasure.")

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="E-mail address of the account.")]
Stack = Annotated[str | None, typer.Option("--stack", metavar="NAME", help="A stack on AWS; else the local shop.")]


def register(app: typer.Typer) -> None:
    app.add_typer(privacy, name="privacy")


@privacy.command("export")
def export(email: Email, stack: Stack = None) -> None:
    """Print all that the shop keeps of a person, as JSON: what they get by themselves on their account's pages."""
    shop = find_shop(stack)
    (user_id, _), settings = _user_id(shop, email), _settings(shop)
    from auth.store import held

    everything: dict[str, list[dict[str, Any]]] = {}
    position: dict[str, Any] | None = None
    while True:
        rows, position = held(settings, user_id, position)
        for name, found in rows.items():
            everything.setdefault(name, []).extend(found)
        if position is None:
            break
    print_json({"account": {"userId": user_id, "email": email.strip().lower()}, **everything})


@privacy.command("erase")
def erase(
    email: Email,
    stack: Stack = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an account and what the shop keeps of its person, as they can by themselves.

    Nobody can log in to it from now on. All else comes by itself within minutes, once no order waits for anything.
    """
    shop = find_shop(stack)
    (user_id, username), settings = _user_id(shop, email), _settings(shop)
    if not yes:
        typer.confirm(f"Delete the account of {email} for good?", abort=True, err=True)
    from auth.commands import DeletionPorts, request_deletion
    from auth.identity_provider import CognitoUsers
    from auth.store import open_deletions, waits_of
    from cloudretail.envelope import Cause
    from cloudretail.tracing import root

    now, request = datetime.now(UTC), f"privacy-{uuid.uuid4()}"
    ports = DeletionPorts(
        open_deletions(settings), CognitoUsers(settings.user_pool_id), lambda user: waits_of(settings, user, now)
    )
    cause = Cause(request, root(request, None))
    request_deletion(ports, user_id, cause, now, username=None if username == user_id else username)
    waits = ports.waits(user_id)
    out.print(f"The account is closed, and its data is being erased (user {user_id}).")
    for wait in waits:
        until = f" until {wait.until:%Y-%m-%d}" if wait.until else ""
        out.print(f"  It waits for order {wait.number}: {wait.reason.lower().replace('_', ' ')}{until}.")


def _user_id(shop: Shop, email: str) -> tuple[str, str]:
    """Whose account it is, and Cognito's name of it; the functions' own code then works on this shop."""
    from cloudretail import aws
    from cloudretail.identity import USER_ID

    aws.connect(shop.session, shop.endpoint)
    try:
        user = shop.cognito.admin_get_user(UserPoolId=shop.output("UserPoolId"), Username=email.strip().lower())
    except shop.cognito.exceptions.UserNotFoundException:
        raise OpsError(f"There is no account of {email}.") from None
    attributes = {each["Name"]: each["Value"] for each in user["UserAttributes"] if "Value" in each}
    return attributes.get(USER_ID) or attributes["sub"], user["Username"]


def _settings(shop: Shop) -> "HeldSettings":
    """Of the deployed function of accounts: the command works on the same tables."""
    from auth.store import HeldSettings

    name = shop.resource("AWS::Lambda::Function", "AuthApi")
    found = shop.lambda_.get_function_configuration(FunctionName=name)
    try:
        return HeldSettings.model_validate(found.get("Environment", {}).get("Variables", {}))
    except ValueError as error:
        raise NoShop(f"Stack {shop.stack} lacks what this needs: deploy this version first.", str(error)) from None
