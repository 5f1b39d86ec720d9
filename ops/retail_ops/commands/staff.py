"""What staff's commands share: signing in, reading lists, and words for money and pieces."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer

from retail_ops.commands.dlq import ago, print_json
from retail_ops.commands.target import find_shop
from retail_ops.console import out, plain
from retail_ops.errors import OpsError, Refused
from retail_ops.stack.api import Api
from retail_ops.stack.seed import STAFF

OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="Id of the order, as ord_...")]
ReturnId = Annotated[str, typer.Argument(metavar="RETURN", help="Id of the return, as ret_...")]
Email = Annotated[
    str | None, typer.Option("--email", envvar="CLOUDRETAIL_STAFF", help="The member of staff to sign in as; on AWS.")
]
Password = Annotated[
    str | None,
    typer.Option("--password", envvar="CLOUDRETAIL_PASSWORD", help="Asked for unless given by the variable; on AWS."),
]
Damaged = Annotated[
    list[str] | None,
    typer.Option("--broken", metavar="PRODUCT=N", help="So many pieces of this product cannot be sold again."),
]


@contextmanager
def signed_in(
    stack: str | None, email: str | None, password: str | None, look: str = "shipments show ORDER"
) -> Iterator[Api]:
    """The shop's API, signed in as a member of staff. For the local shop that is the seeded account.

    Args:
        stack: as in `find_shop`.
        email: of the member of staff.
        password: of the member of staff.
        look: the command that shows the present state, for the text of a refusal.

    Raises:
        Refused: the shop refuses the credentials.
        OpsError: the shop refuses a call; the text is the shop's own.
    """
    shop = find_shop(stack)
    with Api(shop.api_url) as api:
        if shop.endpoint is None:
            email = email or typer.prompt("Your e-mail address", err=True)
            password = password or typer.prompt("Password", hide_input=True, err=True)
            api.login(email, password, typer.prompt("Code of your authenticator app", err=True))
        else:
            api.login(email or STAFF.email, password or STAFF.password)
        try:
            yield api
        except Refused as refused:
            if not refused.said:
                raise
            raise OpsError(refused.said, f"How it is: cloudretail {look}") from None


def everything(api: Api, path: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = api.call("GET", f"{path}{'&' if '?' in path else '?'}limit=100{cursor}").json()
        items += page["items"]
        if not page.get("nextCursor"):
            return items
        cursor = f"&cursor={page['nextCursor']}"


def show(what: Any, as_json: bool, words: str) -> None:
    """Print the outcome of an action: a sentence, or the API's answer as JSON."""
    if as_json:
        print_json(what)
    else:
        out.print(plain(words), soft_wrap=True)


def since(time: str | None) -> str:
    """How long ago something was; empty if that is not known."""
    return ago(datetime.fromisoformat(time)) if time else ""


def money(amount: Mapping[str, Any] | None) -> str:
    """An amount as the shop writes it."""
    from cloudretail.money import Money

    return str(Money.model_validate(amount)) if amount else ""


def pieces(given: Iterable[str] | None, among: Iterable[str], option: str) -> dict[str, int]:
    """Parse options such as `--broken backpack=1` into pieces by product.

    Args:
        given: the option's values.
        among: the products that are allowed.
        option: its name, for errors.

    Raises:
        OpsError: a value does not have this form, or names another product.
    """
    known = set(among)
    found: dict[str, int] = {}
    for text in given or ():
        product, _, count = text.partition("=")
        if not product or not count.isdecimal():
            raise OpsError(f"{option} {text}: say it as {option} {product or 'PRODUCT'}=1.")
        if product not in known:
            raise OpsError(f"{option} {text}: there is no {product} in it, but {', '.join(sorted(known))}.")
        found[product] = found.get(product, 0) + int(count)
    return found


def inspected(quantities: Mapping[str, int], broken: Mapping[str, int]) -> list[dict[str, Any]]:
    """The lines of an inspection: pieces that are not broken can be sold again."""
    lines = []
    for product, quantity in quantities.items():
        spoilt = broken.get(product, 0)
        if spoilt > quantity:
            raise OpsError(f"--broken {product}={spoilt}: there are only {quantity} of it.")
        lines.append({"productId": product, "restock": quantity - spoilt, "writeOff": spoilt})
    return lines


def quantities(lines: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Pieces by product."""
    return {str(line["productId"]): int(line["quantity"]) for line in lines}


def in_words(lines: Iterable[Mapping[str, Any]]) -> str:
    """`2 x canvas-backpack, 1 x mug`."""
    return ", ".join(f"{count} x {product}" for product, count in quantities(lines).items())
