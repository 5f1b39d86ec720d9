"""`inbox`: shows the mails that the local shop sent."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.panel import Panel

from retail_ops.commands.target import find_shop
from retail_ops.console import err, out, plain
from retail_ops.local.mails import read_mails


def register(app: typer.Typer) -> None:
    app.command()(inbox)


def inbox(
    to: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Only mails to this address.")] = None,
    last: Annotated[int, typer.Option(metavar="N", min=1, help="How many, the newest.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list of all of them, for programs.")] = False,
) -> None:
    """Read the mails that the local shop sent: confirmation codes, orders, refunds."""
    mails = read_mails(find_shop(None), to)
    if as_json:
        out.print_json(json.dumps([asdict(mail) for mail in mails]), ensure_ascii=True)
        return
    for mail in mails[-last:]:
        out.print(
            Panel(
                plain(mail.text.strip()),
                title=f"[bold]{plain(mail.subject)}[/bold]",
                subtitle=plain(
                    f"{datetime.fromisoformat(mail.sent).astimezone():%d %b %H:%M:%S}  to {', '.join(mail.to)}"
                ),
                title_align="left",
                subtitle_align="left",
            )
        )
    if not mails:
        err.print("No mails yet." if to is None else f"No mails to {to} yet.", style="dim")
