"""`invoke`: call one function with a sample event."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from retail_ops.console import err, out
from retail_ops.errors import OpsError
from retail_ops.shop import FUNCTION
from retail_ops.target import Stack, find_shop


def register(app: typer.Typer) -> None:
    app.command()(invoke)


def invoke(
    function: Annotated[str, typer.Argument(help="Name in template.yaml, such as OrdersApi.")],
    event: Annotated[str, typer.Argument(help="File with the event, such as those in events/; - for standard input.")],
    stack: Stack = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, on AWS.")] = False,
) -> None:
    """Call a function of the running shop and show its answer; exit with 1 where it fails.

    It has the shop's data and permissions. Without a running shop, `sam local invoke` calls it in a container.
    """
    shop = find_shop(stack)
    name = shop.resource(FUNCTION, function)
    content = sys.stdin.read() if event == "-" else _read(Path(event))
    if shop.endpoint is None and not yes:
        typer.confirm(f"Call {name} in {shop.region}?", abort=True, err=True)
    answer = shop.lambda_.invoke(FunctionName=name, Payload=content.encode())
    payload = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        kind, message = payload.get("errorType", answer["FunctionError"]), payload.get("errorMessage", "")
        raise OpsError(f"{function} failed: {kind}: {message}", "".join(payload.get("stackTrace", [])))
    out.print_json(json.dumps(payload))
    err.print(f"What it wrote: cloudretail logs {function}", style="dim")


def _read(file: Path) -> str:
    try:
        content = file.read_text()
        json.loads(content)
    except OSError as error:
        raise OpsError(f"{file}: {error.strerror}.") from None
    except ValueError as error:
        raise OpsError(f"{file} is not JSON: {error}.") from None
    return content
