"""`events record`: the sample invocations in events/."""

from typing import Annotated

import typer

from retail_ops.console import err, out
from retail_ops.errors import OpsError
from retail_ops.progress import Steps
from retail_ops.stack.shop import PROJECT


def record(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if a sample differs from what the code does.")
    ] = False,
) -> None:
    """Record the samples in events/ in a local shop of their own. It takes a minute, and touches no other shop.

    The same code gives the same samples, so a difference is a change of the contract.
    """
    from retail_ops.recording import (
        record as recording,  # It imports the functions, which no other command of this group needs.
    )

    files = recording.record(Steps(err))
    changed = recording.changed(files) if check else recording.write(files)
    names = [str(path.relative_to(PROJECT)) for path in changed]
    if check and changed:
        raise OpsError("These samples are not what the code does. Record them with: make events", "\n".join(names))
    for name in names:
        out.print(f"Recorded: {name}")
    if not changed:
        out.print("The samples are up to date.")
