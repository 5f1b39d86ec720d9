"""`invoke`: runs one function with a sample event."""

import io
import json
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out
from retail_ops.errors import OpsError
from retail_ops.local import inprocess
from retail_ops.local.local_shop import LocalShop
from retail_ops.progress import Steps
from retail_ops.recording import samples
from retail_ops.stack.shop import FUNCTION, PROJECT, Shop

DEBUG_PORT = 5678
"""The port at which debuggers expect debugpy by default."""


OTHERWISE = (
    "When this sample was recorded it came to {}. Codes, sessions and dead letters are of the shop that they were made "
    "in, and a row that yours has already stays as it is."
)


def register(app: typer.Typer) -> None:
    app.command()(invoke)
    app.command()(lambda_image)


def functions() -> list[str]:
    """The names of functions, for the shell's completion."""
    return sorted({sample.function for sample in samples.load()})


def events_of(context: typer.Context) -> list[str]:
    """The samples of the function in the command line, for the shell's completion."""
    wanted = context.params.get("function")
    found = [sample for sample in samples.load() if sample.function == wanted]
    return [str(sample.path.relative_to(PROJECT)) for sample in found]


def invoke(
    function: Annotated[
        str, typer.Argument(help="Name in template.yaml, such as OrdersApi.", autocompletion=functions)
    ],
    event: Annotated[
        str,
        typer.Argument(
            help="File with the event, such as those in events/; - for standard input.", autocompletion=events_of
        ),
    ],
    container: Annotated[
        bool, typer.Option("--container", help="In a container like Lambda's own, by `sam local invoke`.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Wait for a debugger that speaks to debugpy, such as VS Code's or PyCharm's."),
    ] = False,
    debug_port: Annotated[int, typer.Option(min=1, max=65535, help="Where it attaches.")] = DEBUG_PORT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the function's log.")] = False,
    stack: Stack = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, on AWS.")] = False,
) -> None:
    """Run a function with an event, on the data of the shop on this machine. The exit code is 1 if it fails.

    It runs in this process, so breakpoints work. The order that a sample is about is put into the shop first. With
    --stack, the deployed function is invoked instead.
    """
    shop = find_shop(stack)
    content = _read(event)
    name = shop.resource(FUNCTION, function)
    if shop.endpoint is None:
        if not yes:
            typer.confirm(f"Call {name} in {shop.region}?", abort=True, err=True)
        answer = _deployed(shop, function, name, content)
    else:
        samples.require_kind(function, json.loads(content))
        if container:
            _containers().require_all(LocalShop.found())
        elif debug:
            err.print(f"Waiting for a debugger on port {debug_port} ...")
            inprocess.wait_for_debugger(debug_port)
        content = samples.in_own_pool(shop, content)
        for key in samples.put_rows(shop, content):
            err.print(f"Put into the shop, as recorded: {key}", style="dim")
        run = _in_container if container else _here
        sample = samples.of_file(function, event)
        answer = run(shop, function, content, quiet)
        if sample and samples.outcome(sample.event, answer) != sample.answer:
            err.print(OTHERWISE.format(sample.answer), style="dim", soft_wrap=True)
    out.print_json(inprocess.shown(answer))
    if failure := inprocess.failure_of(answer):
        raise OpsError(f"{function} failed: {failure}.")


def lambda_image() -> None:
    """Make an image of this machine's Python for `sam local`, if AWS's own image cannot be pulled."""
    from retail_ops.local import containers
    from retail_ops.local import lambda_image as image

    client = containers.engine()
    with Steps(err).step("Make an image of this machine's Python"):
        name = image.build(client)
    out.print(f"Made: {name}")


def _here(shop: Shop, function: str, content: str, quiet: bool) -> Any:
    log = io.StringIO() if quiet else sys.stderr
    try:
        return inprocess.invoke(shop, function, json.loads(content), log)
    except Exception as error:
        raise OpsError(
            f"{function} failed: {type(error).__name__}: {error}", "".join(traceback.format_exception(error))
        ) from error


def _in_container(_: Shop, function: str, content: str, quiet: bool) -> Any:
    done = _containers().invoke(LocalShop.found(), function, content, Steps(err))
    if done.log and not quiet:
        err.print(done.log, markup=False, soft_wrap=True)
    return done.answer


def _containers() -> ModuleType:
    from retail_ops.local import containers  # It takes the container engine's client with it.

    return containers


def _deployed(shop: Shop, function: str, name: str, content: str) -> Any:
    answer = shop.lambda_.invoke(FunctionName=name, Payload=content.encode())
    payload = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        kind, message = payload.get("errorType", answer["FunctionError"]), payload.get("errorMessage", "")
        raise OpsError(f"{function} failed: {kind}: {message}", "".join(payload.get("stackTrace", [])))
    err.print(f"What it wrote: cloudretail logs {function} --stack {shop.stack}", style="dim")
    return payload


def _read(event: str) -> str:
    """The text of a file or of standard input; raises OpsError if it is not JSON."""
    name = "Standard input" if event == "-" else event
    try:
        content = sys.stdin.read() if event == "-" else Path(event).read_text()
        json.loads(content)
    except OSError as error:
        raise OpsError(f"{name}: {error.strerror}.") from None
    except ValueError as error:
        raise OpsError(f"{name} is not JSON: {error}.") from None
    return content
