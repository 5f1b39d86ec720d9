"""`reconcile` and `verify`: check whether the tables agree, and whether a replay has done harm."""

from typing import TYPE_CHECKING, Annotated

import typer

from retail_ops.commands.dlq import (
    AsJson,
    ago,
    moment,
    print_json,
    progress_bar,
    replay_named,
    said_by_the_shop,
)
from retail_ops.commands.target import Stack, find_shop
from retail_ops.console import err, out, plain, rows
from retail_ops.errors import OpsError
from retail_ops.stack.operations import Operations

if TYPE_CHECKING:
    from operations.reconciliation.domain import Cost, Reconciliation
    from operations.reconciliation.job import Reconciliations


def register(app: typer.Typer) -> None:
    app.command()(reconcile)
    app.command()(verify)


def reconcile(
    reconciliation_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One that was started before: how far it is, and its result.")
    ] = None,
    changed_since: Annotated[
        str | None,
        typer.Option("--changed-since", metavar="TIME", help="Only orders that changed since: 2026-01-31T12:00, 2h."),
    ] = None,
    from_export: Annotated[
        bool | None,
        typer.Option(
            "--from-export/--from-tables",
            help="Read an export of the tables in S3, which is for very large ones; else by their sizes.",
            show_default=False,
        ),
    ] = None,
    cost: Annotated[bool, typer.Option("--cost", help="Only say what it would read.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end.")] = True,
    history: Annotated[bool, typer.Option("--history", help="List those that there were.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop the one of this ID.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Let the one of this ID go on.")] = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Check the rules that must always hold across the tables. The exit code is 1 if a rule is broken.

    Stock: available + reserved + sold + written off = received + adjusted, and the reservations add up to that. Money:
    for each payment, the provider's charges and refunds are those of the shop. Orders, reservations, payments and
    shipments agree once an order waits for nothing. No order, parcel, return, refund or cash waits for too long. The
    shop reads all rows, and names each row that breaks a rule, with what to do next. It repairs nothing. It goes on if
    this command ends.
    """
    operations = Operations(find_shop(stack))
    jobs = operations.reconciliations
    if reconciliation_id is not None:
        reconciliation_id = _named(jobs, reconciliation_id)
    if (cancel or resume) and reconciliation_id is None:
        raise OpsError("Which one? cloudretail reconcile --history lists them.")
    if from_export and changed_since is not None:
        raise OpsError("An export has all rows: leave --changed-since or --from-export out.")
    if history:
        _list(jobs.recent(20), as_json=as_json)
        return
    if cost:
        with said_by_the_shop():
            estimate = jobs.cost(whole=changed_since is None, from_export=from_export)
        if as_json:
            print_json(estimate.model_dump(mode="json"))
        else:
            out.print(_words(estimate))
        return
    with said_by_the_shop():
        if reconciliation_id is None:
            since = moment(changed_since) if changed_since is not None else None
            found = jobs.start(by=operations.caller, reason="by command", changed_since=since, from_export=from_export)
        elif cancel:
            found = jobs.cancel(reconciliation_id, operations.caller)
        else:
            found = jobs.resume(reconciliation_id) if resume else jobs.get(reconciliation_id)
    if reconciliation_id is None or resume:
        operations.start_worker(reconciliationId=found.reconciliation_id)
    if found.cost and reconciliation_id is None:
        err.print(_words(found.cost), style="dim")
    _end(operations, found, wait=wait, as_json=as_json)


def _named(jobs: "Reconciliations", name: str) -> str:
    """The id of a reconciliation, from the id or its beginning; raises OpsError if there is not one such."""
    if jobs.log.find(name):
        return name
    begin = [each.reconciliation_id for each in jobs.recent(100) if name and each.reconciliation_id.startswith(name)]
    if len(begin) == 1:
        return begin[0]
    if begin:
        raise OpsError(f"Several reconciliations begin with {name}: {', '.join(begin)}.")
    raise OpsError(f"There is no record of a reconciliation {name}: `cloudretail reconcile --history` lists them.")


def verify(
    replay_id: Annotated[str, typer.Argument(metavar="REPLAY", help="A replay, as dlq history lists them.")],
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Check that a replay did no harm: each of its orders goes on, was charged once, and its shopper was mailed once.

    It checks reconcile's rules for these orders. It also checks that none waits for a consumer, and that the shopper
    was sent the mail about the order's outcome. The exit code is 1 if a check fails.
    """
    operations = Operations(find_shop(stack))
    replay = replay_named(operations, replay_id)
    with said_by_the_shop():
        found = operations.reconciliations.start(
            by=operations.caller, reason=f"after {replay.replay_id}", replay_id=replay.replay_id
        )
    operations.start_worker(reconciliationId=found.reconciliation_id)
    _end(operations, found, wait=True, as_json=as_json)


def _end(operations: Operations, found: "Reconciliation", *, wait: bool, as_json: bool) -> None:
    """Follow a reconciliation, and print its result."""
    from operations.reconciliation.domain import JobState

    if wait:
        with progress_bar(found.reconciliation_id) as advance:
            found = operations.reconciled(found, lambda each: advance(each.done, each.parts))
    violations = operations.reconciliations.log.violations(found.reconciliation_id)
    if as_json:
        print_json({**found.model_dump(mode="json"), "items": [each.model_dump(mode="json") for each in violations]})
    else:
        for each in violations:
            text = f"[red]{each.rule}[/red] {each.table} [bold]{plain(each.key)}[/bold]: {plain(each.text)}"
            out.print(text, soft_wrap=True)
        out.print(_summary(found), soft_wrap=True)
    if found.state is JobState.INTERRUPTED:
        err.print(f"Its worker has ended. Let it go on: cloudretail reconcile {found.reconciliation_id} --resume")
    if violations:
        err.print("What to do about each rule: docs/operations.md#reconcile", style="dim")
    if violations or (wait and found.state is not JobState.DONE):
        raise typer.Exit(1)


def _summary(found: "Reconciliation") -> str:
    from operations.reconciliation.domain import JobState

    what = f"{found.rows} {'orders' if not found.whole else 'rows'}"
    unsettled = f"; {found.unsettled} products changed meanwhile, and only their own sum was checked"
    left = unsettled if found.unsettled else ""
    tail = f"[dim]({found.reconciliation_id})[/dim]"
    if found.state is not JobState.DONE:
        return f"{found.state.lower()}: {found.done} of {found.parts or '?'} parts, {what}{left}. {tail}"
    if found.violations:
        return f"{found.violations} violations in {what}{left}. {tail}"
    good = "The tables agree" if not found.replay_id else "No harm: they go on, and were charged and mailed once"
    return f"{good}: {what}{left}. {tail}"


def _words(cost: "Cost") -> str:
    if cost.exported:
        price = f"about {cost.dollars:.2f} US dollars in us-east-1"
        return f"It exports {cost.rows:,} rows of {cost.bytes / 1e6:,.1f} MB to S3 and reads them there: {price}."
    units = f"about {cost.units:,} read units, {cost.dollars:.2f} US dollars in us-east-1"
    return f"It reads {cost.rows:,} rows of {cost.bytes / 1e6:,.1f} MB: {units}."


def _list(found: "list[Reconciliation]", *, as_json: bool) -> None:
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    cells = [
        (
            each.reconciliation_id,
            ago(each.at),
            str(each.state),
            plain(each.by),
            plain(each.reason),
            f"{each.violations} violations",
        )
        for each in found
    ]
    if cells:
        rows(("Id", "When", "State", "By", "Why", "Found"), cells)
    else:
        out.print("Nothing was reconciled yet.")
