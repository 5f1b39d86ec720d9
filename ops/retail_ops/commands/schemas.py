"""`schemas`: the documents that are generated from the code."""

from typing import Annotated

import typer

from retail_ops.console import out
from retail_ops.errors import OpsError
from retail_ops.shop import PROJECT


def register(app: typer.Typer) -> None:
    app.command()(schemas)


def schemas(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail where a document is not up to date.")
    ] = False,
) -> None:
    """Generate the documents in schemas/ and the pictures in docs/ from the code and the template."""
    from retail_ops.schemas import drifted, write  # It imports the functions, which no other command needs.

    changed = [str(path.relative_to(PROJECT)) for path in (drifted() if check else write())]
    if check and changed:
        raise OpsError(
            "These documents are not what the code says. Generate them with: make schemas", "\n".join(changed)
        )
    for path in changed:
        out.print(f"Written: {path}")
    if not changed:
        out.print("The generated documents are up to date.")
