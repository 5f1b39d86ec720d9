"""`events`: replays archived events to one consumer."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from retail_ops.commands.dlq import Reason, Yes, moment
from retail_ops.commands.events_record import record
from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out
from retail_ops.errors import OpsError
from retail_ops.progress import Steps
from retail_ops.stack.archive import replay_state, start_replay
from retail_ops.stack.operations import Operations

POLL = 1.0
"""Seconds between two polls of a replay."""


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Events: replay them from the archive; record samples.")
    group.command()(replay)
    group.command()(record)
    app.add_typer(group, name="events")


def replay(
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="2026-01-31T12:00, or 2h, 30m, 1d ago.")],
    consumer: Annotated[str, typer.Option(metavar="NAME", help="orders, inventory, payments, payment-worker ...")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Likewise.", show_default="now")] = "0s",
    reason: Reason = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")] = True,
    yes: Yes = False,
    stack: Stack = None,
) -> None:
    """Replay the archived events of a period to one consumer, and to no other.

    This is safe: a consumer reacts once, however often and however late it receives an event. The archive keeps events
    for 90 days, and may lack those of the last minutes.
    """
    shop = find_shop(stack)
    operations = Operations(shop)
    from operations.consumers import CONSUMERS
    from operations.queues import ConsumerQueue
    from operations.replays.domain import Action, ReplayState

    known = {each.name: ConsumerQueue.of(each.name).rule for each in CONSUMERS if each.subscribes_to}
    if consumer not in known:
        raise OpsError(f"No consumer is called {consumer}; there are: {', '.join(known)}.")
    first, last = moment(begin), moment(end)
    if first >= last:
        raise OpsError("--from is not before --to.")
    target = f"events {_local(first)} to {_local(last)} for {consumer}"
    if not yes:
        typer.confirm(f"Replay {target}?", abort=True, err=True)
    reason = reason or typer.prompt("Why? It is recorded with your name", err=True)
    record = operations.replays.begin(Action.ARCHIVE, target, by=operations.caller, reason=reason)
    start_replay(shop, record.replay_id, known[consumer], first, last, f"{record.by}: {reason}")
    if not wait:
        out.print(f"Started: {record.replay_id}. EventBridge carries it out.")
        return
    with Steps(err).step(f"Replay {target}") as note:
        state = "STARTING"
        while state in ("STARTING", "RUNNING"):
            state, at = replay_state(shop, record.replay_id)
            note(f"{state.lower()}{f', at {_local(at)}' if at else ''}")
            time.sleep(POLL if state in ("STARTING", "RUNNING") else 0)
    ended = ReplayState.DONE if state == "COMPLETED" else ReplayState.INTERRUPTED
    operations.replays.log.save(record.model_copy(update={"state": ended, "ended_at": datetime.now(UTC)}))
    out.print(f"{target}: {state.lower()} [dim]({record.replay_id})[/dim]")
    if ended is ReplayState.INTERRUPTED:
        raise typer.Exit(1)


def _local(when: datetime) -> str:
    return f"{when.astimezone():%Y-%m-%d %H:%M:%S}"
