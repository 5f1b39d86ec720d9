"""The `cloudretail` command: registers the groups of commands, and prints errors as sentences."""

import errno
import json
import sys
from typing import NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from retail_ops.commands import (
    dlq,
    doctor,
    events,
    inbox,
    invoke,
    local,
    logs,
    orders,
    privacy,
    protect,
    publish,
    queues,
    rates,
    reconcile,
    refunds,
    returns,
    schemas,
    seed,
    shipments,
    stock,
    users,
    watch,
)
from retail_ops.console import err
from retail_ops.errors import OpsError

app = typer.Typer(
    name="cloudretail",
    help="Run CloudRetail on this machine, and operate a shop, here or on AWS.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # Locals can hold passwords and tokens.
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Each module has a function `register` that adds its commands.
for group in (
    *(local, watch, logs, inbox, seed, invoke),
    *(shipments, returns, refunds, rates, stock),
    *(queues, dlq, orders, events, reconcile, privacy, schemas, publish, protect, users, doctor),
):
    group.register(app)


def main() -> None:
    """Run the command. An expected failure is a sentence on stderr and exit code 1."""
    try:
        # Help shows the name that people type, however the process was started.
        app(prog_name="cloudretail")
    except OpsError as error:
        _end("Error:", error.message, error.detail)
    except (ClientError, BotoCoreError) as error:
        on_aws = {"--stack", "--stage"} & {word.partition("=")[0] for word in sys.argv}
        _end("AWS says:" if on_aws else "The local emulator says:", str(error))
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EROFS}:
            raise
        advice = "A shop keeps what it needs in the project's folder. Work on a copy that is yours."
        _end("Error:", f"{error.filename}: {error.strerror}", advice)


def _end(speaker: str, message: str, detail: str | None = None) -> NoReturn:
    """End with what went wrong, in words, and where JSON was asked for as JSON too."""
    err.print(f"[bold red]{speaker}[/bold red] {escape(message)}")
    if detail:
        err.print(detail, style="dim", markup=False, soft_wrap=True)
    if "--json" in sys.argv:
        sys.stdout.write(f"{json.dumps({'error': message})}\n")
    sys.exit(1)
