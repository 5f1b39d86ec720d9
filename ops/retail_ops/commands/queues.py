"""`queues`: shows what waits, fails and is dead for every consumer, and pauses a consumer."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from retail_ops.commands.dlq import AsJson, Reason, Yes, ago, print_json
from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out, plain, rows
from retail_ops.errors import OpsError
from retail_ops.stack.operations import Operations

if TYPE_CHECKING:
    from operations.queues import ConsumerQueue

Consumer = Annotated[str, typer.Argument(metavar="CONSUMER", help="orders, inventory, payments, payment-worker ...")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(invoke_without_command=True, help="Queues: what waits in each, and pausing a consumer.")
    group.callback()(queues)
    group.command()(pause)
    group.command()(resume)
    app.add_typer(group, name="queues")


def queues(context: typer.Context, stack: Stack = None, as_json: AsJson = False) -> None:
    """List how many messages each consumer has: waiting, in flight, delayed, retried, dead; who is paused or away.

    SQS's counts are approximate. Delayed messages are those of the payment window, and those that wait for a retry.
    """
    if context.invoked_subcommand:
        return
    operations = Operations(find_shop(stack))
    pauses = operations.pauses.all()
    found = [
        state.model_copy(update={"paused": pauses.get(state.consumer or "")})
        for state in operations.dead_letters.states()
    ]
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    cells = []
    for each in found:
        counts = (each.waiting, each.in_flight, each.delayed, each.failing) if each.queue else ("", "", "", "")
        dead = f"[red]{each.dead}[/red]" if each.dead else "0"
        paused = each.paused
        words = f"[yellow]{ago(paused.at)} by {plain(paused.by)}: {plain(paused.reason)}[/yellow]" if paused else ""
        cells.append((each.queue or each.dead_letter_queue, *map(str, counts), dead, words))
    rows(("Queue", "Waiting", "In flight", "Delayed", "Failing", "Dead", "Paused"), cells)
    for each in found:
        for away in each.away:
            out.print(
                f"[yellow]{plain(away.name)} is away since {away.since.astimezone():%H:%M:%S}, {ago(away.since)}: "
                f"{plain(away.reason)}[/yellow]",
                soft_wrap=True,
            )
            err.print(f"    Messages for it wait in {each.queue}; one asked {ago(away.asked_at)}. It heals by itself.")
    if any(each.dead for each in found):
        err.print("\nWhy: cloudretail dlq list", style="dim")


def pause(
    consumer: Consumer, reason: Reason = None, yes: Yes = False, stack: Stack = None, as_json: AsJson = False
) -> None:
    """Pause a consumer until it is resumed. Its messages wait in the queue, for at most 14 days."""
    operations = Operations(find_shop(stack))
    from operations.pauses import Pause

    queue = _named(operations, consumer)
    if not yes:
        typer.confirm(f"Pause {queue.consumer}?", abort=True, err=True)
    reason = reason or typer.prompt("Why? It is shown with your name", err=True)
    # The note is written first: a pause that nobody knows of is worse than a note of a pause that has not begun.
    noted = Pause(consumer=queue.consumer, by=operations.caller, reason=reason, at=datetime.now(UTC))
    operations.pauses.add(noted)
    _switch(operations, queue, on=False)
    if as_json:
        print_json(noted.model_dump(mode="json"))
        return
    out.print(f"{queue.consumer} is paused. Its messages wait: cloudretail queues")
    err.print(f"Let it go on: cloudretail queues resume {queue.consumer}", style="dim")


def resume(consumer: Consumer, stack: Stack = None, as_json: AsJson = False) -> None:
    """Resume a paused consumer."""
    operations = Operations(find_shop(stack))
    queue = _named(operations, consumer)
    _switch(operations, queue, on=True)
    operations.pauses.remove(queue.consumer)
    if as_json:
        print_json({"consumer": queue.consumer, "paused": None})
        return
    out.print(f"{queue.consumer} gets its messages again.")


def _named(operations: Operations, name: str) -> "ConsumerQueue":
    known = {each.consumer: each for each in operations.dead_letters.names.consumers}
    if name not in known:
        raise OpsError(f"No consumer is called {name}; there are: {', '.join(known)}.")
    return known[name]


def _switch(operations: Operations, queue: "ConsumerQueue", *, on: bool) -> None:
    """Switch a queue's event source."""
    shop = operations.shop
    address = shop.queues[queue.queue]
    arn = shop.sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    found = shop.lambda_.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    if not found:
        raise OpsError(f"{queue.queue} has no event source: deploy the stack again.")
    for mapping in found:
        shop.lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)
