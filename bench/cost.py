"""Count what an order takes: `make cost`.

Orders of several kinds are placed one after the other in a shop of its own, whose calls are counted at the emulator's
door. The tables are those of docs/cost.md.
"""

import argparse

import typer
from rich.console import Console

from bench import budget, report
from bench.counts import Count
from bench.kinds import KINDS, WINDOW, Counting
from retail_ops.local.local_shop import temporary_shop

console = Console()


def main() -> int:
    """The exit code is 1 where the document is not what the records say, or an order takes more than its budget."""
    parser = argparse.ArgumentParser(prog="make cost", description=__doc__)
    parser.add_argument("--orders", type=int, default=3, help="of each kind; their median counts (default: 3)")
    parser.add_argument("--record", action="store_true", help="keep the counts, and write docs/cost.md anew")
    parser.add_argument("--document", action="store_true", help="instead: write docs/cost.md anew from the records")
    parser.add_argument("--check", action="store_true", help="instead: is docs/cost.md what the records say?")
    arguments = parser.parse_args()
    if arguments.check:
        return _check()
    if arguments.document:
        report.write()
        return 0
    found = _count(arguments.orders)
    # Before they are recorded: beside what was.
    exceeded = [sentence for kind, count in found.items() for sentence in budget.exceeded(kind, count)]
    if arguments.record:
        report.keep(kinds={kind: count.to_json() for kind, count in found.items()}, queues=report.polled_queues())
    for part in report.parts(found, report.polled_queues()).values():
        typer.echo(f"{part}\n")
    for sentence in exceeded:
        typer.echo(sentence, err=True)
    return 1 if exceeded else 0


def _check() -> int:
    stale = [path.name for path, text in report.documents().items() if path.read_text() != text]
    for name in stale:
        typer.echo(f'{name} is not what was recorded. Write it anew with: make cost ARGS="--document"', err=True)
    return 1 if stale else 0


def _count(orders: int) -> dict[str, Count]:
    with (
        console.status("Starting a shop ...") as status,
        temporary_shop("cost", "bench", parameters={"PaymentWindowSeconds": str(WINDOW)}, counted=True) as local,
    ):
        counting = Counting(local)
        found = {}
        for kind in KINDS:
            status.update(f"orders: {report.WORDS[kind]}")
            found[kind] = Count.median([counting.count(kind) for _ in range(orders)])
    return found


if __name__ == "__main__":
    raise SystemExit(main())
