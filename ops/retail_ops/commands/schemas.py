"""`schemas`: the documents that are generated from the code and the template."""

from typing import Annotated

import typer

from retail_ops.console import out
from retail_ops.errors import Drifted
from retail_ops.shop import PROJECT

Check = Annotated[bool, typer.Option("--check", help="Write nothing; fail where a document is not up to date.")]


def register(app: typer.Typer) -> None:
    app.command()(schemas)


def schemas(check: Check = False) -> None:
    """Generate the documents in schemas/ and the choreography's picture from the code and the template."""
    from retail_ops.schemas import drifted, write  # It imports every service.

    changed = [str(path.relative_to(PROJECT)) for path in (drifted() if check else write())]
    if check and changed:
        raise Drifted("Not what the code says: run `make schemas`.", "\n".join(changed))
    for path in changed:
        out.print(path)
