"""`doctor`: finds what is wrong with a machine or an account, and names the cure."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from retail_ops.console import out
from retail_ops.doctor import examine
from retail_ops.doctor.laptop import Laptop
from retail_ops.stack.shop import aws_session
from retail_ops.stack.stages import stage_named

NOT_ASKED = (
    'Whether CloudFront takes this account cannot be asked: a new one it refuses with "Your account must be verified" '
    "until AWS Support has done so."
)


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    stage: Annotated[
        str | None,
        typer.Option("--stage", metavar="NAME", help="Look at the AWS account of this stage of samconfig.toml."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Check whether this machine, or an AWS account, is ready for the shop. Exit code 1 if something is to be done.

    It changes nothing.
    """
    checks = Laptop.this().checks
    if stage:
        chosen = stage_named(stage)
        # It reads the template with SAM's own code, which takes long to import.
        from retail_ops.doctor.account import Account

        checks = Account(chosen, aws_session(chosen.region)).checks
    findings = list(examine(checks))
    if as_json:
        out.print_json(json.dumps({"findings": [asdict(finding) for finding in findings]}))
    else:
        for finding in findings:
            mark = "[green]ok[/green]  " if finding.ok else "[bold red]no[/bold red]  "
            out.print(f"{mark}[bold]{finding.about}[/bold]: {escape(finding.text)}", soft_wrap=True)
            if finding.cure:
                out.print(f"      {escape(finding.cure)}", soft_wrap=True)
        if stage:
            out.print(f"[dim]{NOT_ASKED}[/dim]", soft_wrap=True)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
