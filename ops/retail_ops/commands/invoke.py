"""`invoke`: one function, with a sample event."""

import json
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out
from retail_ops.errors import OpsError
from retail_ops.local import inprocess
from retail_ops.local.local_shop import LocalShop
from retail_ops.progress import Steps
from retail_ops.recording.samples import put_rows
from retail_ops.stack.shop import FUNCTION, Shop

DEBUG_PORT = 5678
"""Where debuggers look for debugpy unless told otherwise."""


def register(app: typer.Typer) -> None:
    app.command()(invoke)
    app.command()(lambda_image)


def invoke(
    function: Annotated[str, typer.Argument(help="Name in template.yaml, such as OrdersApi.")],
    event: Annotated[str, typer.Argument(help="File with the event, such as those in events/; - for standard input.")],
    container: Annotated[
        bool, typer.Option("--container", help="In a container like Lambda's own, by `sam local invoke`.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Wait for a debugger that speaks to debugpy, such as VS Code's or PyCharm's."),
    ] = False,
    debug_port: Annotated[int, typer.Option(min=1, max=65535, help="Where it attaches.")] = DEBUG_PORT,
    stack: Stack = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, on AWS.")] = False,
) -> None:
    """Run a function with an event, on the data of the shop on this machine; exit with 1 where it fails.

    It runs in this process, so that breakpoints hold. An order that a sample is about is put into the shop first. With
    --stack the deployed function is called where it is.
    """
    content = sys.stdin.read() if event == "-" else _read(Path(event))
    shop = find_shop(stack)
    name = shop.resource(FUNCTION, function)
    if shop.endpoint is None:
        if not yes:
            typer.confirm(f"Call {name} in {shop.region}?", abort=True, err=True)
        answer = _deployed(shop, function, name, content)
    else:
        for key in put_rows(shop, content):
            err.print(f"Put into the shop, as recorded: {key}", style="dim")
        answer = (
            _in_container(function, content)
            if container
            else _here(shop, function, content, debug_port if debug else None)
        )
    out.print_json(inprocess.shown(answer))
    if failure := inprocess.failure_of(answer):
        raise OpsError(f"{function} failed: {failure}.")


def lambda_image() -> None:
    """Make an image of this machine's Python for `sam local`, where AWS's own cannot be pulled."""
    from retail_ops.local import containers
    from retail_ops.local import lambda_image as image

    client = containers.engine()
    with Steps(err).step("Make an image of this machine's Python"):
        name = image.build(client)
    out.print(f"Made: {name}")


def _here(shop: Shop, function: str, content: str, debug_port: int | None) -> Any:
    if debug_port is not None:
        err.print(f"Waiting for a debugger on port {debug_port} ...")
        inprocess.wait_for_debugger(debug_port)
    try:
        return inprocess.invoke(shop, function, json.loads(content))
    except Exception as error:
        raise OpsError(
            f"{function} failed: {type(error).__name__}: {error}", "".join(traceback.format_exception(error))
        ) from error


def _in_container(function: str, content: str) -> Any:
    from retail_ops.local import containers  # It takes the container engine's client with it.

    return containers.invoke(LocalShop.found(), function, content, Steps(err))


def _deployed(shop: Shop, function: str, name: str, content: str) -> Any:
    answer = shop.lambda_.invoke(FunctionName=name, Payload=content.encode())
    payload = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        kind, message = payload.get("errorType", answer["FunctionError"]), payload.get("errorMessage", "")
        raise OpsError(f"{function} failed: {kind}: {message}", "".join(payload.get("stackTrace", [])))
    err.print(f"What it wrote: cloudretail logs {function} --stack {shop.stack}", style="dim")
    return payload


def _read(file: Path) -> str:
    try:
        content = file.read_text()
        json.loads(content)
    except OSError as error:
        raise OpsError(f"{file}: {error.strerror}.") from None
    except ValueError as error:
        raise OpsError(f"{file} is not JSON: {error}.") from None
    return content
