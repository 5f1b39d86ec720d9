"""`schemas`: generates documents from the code."""

from typing import Annotated

import typer

from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import out
from retail_ops.errors import NoShop, OpsError
from retail_ops.stack.shop import PROJECT


def register(app: typer.Typer) -> None:
    app.command()(schemas)


def schemas(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail if a document is out of date.")] = False,
    release: Annotated[
        bool, typer.Option("--release", help="Make today's events the released ones, which must stay compatible.")
    ] = False,
    check_deploy: Annotated[
        bool,
        typer.Option(
            "--check-deploy",
            help="Change nothing; fail if this code publishes an event for which the deployed shop has no rule yet.",
        ),
    ] = False,
    stack: Stack = None,
) -> None:
    """Generate the documents in schemas/ and the diagrams in docs/ from the code and the template.

    If an event is not compatible with its released version, nothing is written. The failure names the field, the reason
    and the event's consumers.
    """
    if check_deploy:
        _check_deploy(stack)
        return
    from retail_ops.contract import schemas as documents  # It imports the functions, which no other command needs.

    # This check is first: the documents are made of samples, which a broken event may not be able to parse.
    if broken := documents.broken():
        raise OpsError(
            "Events break what was released. Take it back, or publish a new version beside the old one "
            "(docs/development.md):",
            "\n".join(
                [
                    *map(str, broken),
                    *(
                        f"{event} is consumed by {', '.join(documents.subscribers(event)) or 'nobody here'}"
                        for event in sorted({each.event for each in broken})
                    ),
                ]
            ),
        )
    found = documents.drifted() if check else documents.write()
    if release:
        found += documents.release()
    changed = [str(path.relative_to(PROJECT)) for path in found]
    if check and changed:
        raise OpsError(
            "These documents are not what the code says. Generate them with: make schemas", "\n".join(changed)
        )
    for path in changed:
        out.print(f"Written: {path}")
    if not changed:
        out.print("The generated documents are up to date.")


def _check_deploy(stack: str | None) -> None:
    from retail_ops.contract.deployment import unheard_by  # As above.

    try:
        shop = find_shop(stack)
    except NoShop:
        out.print(f"{stack or 'The shop'} is not deployed yet: nothing is published that anybody could miss.")
        return
    if missing := unheard_by(shop):
        raise OpsError(
            f"This code publishes events for which {shop.stack} has no rule. What is published before there is one "
            "reaches nobody. Deploy what consumes them first, without what publishes them (docs/deploy.md):",
            "\n".join(map(str, missing)),
        )
    out.print(f"Each event that this code publishes for somebody has a rule in {shop.stack}.")
