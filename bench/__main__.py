"""Measure the shop on this machine.

A shop of its own is started on free ports, loaded and ended. Figures of one run are comparable with each other, and
with another run only on the same quiet machine.
"""

import argparse
import statistics
from collections.abc import Sequence

import psutil
import typer
from rich.console import Console
from rich.table import Table

from bench import flash, history, imports, letters, load, report, synchronous
from bench.window import held_back, seconds_of
from retail_ops.local.local_shop import LocalShop, State, temporary_shop

IMPORT_LIMIT = 1.15
"""How much longer a function's import may take than that of the libraries that it uses."""

INVENTORY = "InventoryQueue"

console = Console()


def percentiles(values: Sequence[float]) -> list[str]:
    """p50, p95 and p99, in whole milliseconds."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return [f"{cuts[at - 1]:.0f}" for at in (50, 95, 99)]


def worker_memory(local: LocalShop) -> list[float]:
    """Resident megabytes of each process that runs a function."""
    state = State.read(local.state_dir / "shop.json")
    assert state is not None
    return [
        process.memory_info().rss / 2**20
        for process in psutil.Process(state.emulator.pid).children(recursive=True)
        if "AWS_LAMBDA_FUNCTION_NAME" in process.environ()
    ]


def main() -> int:
    """Run the benchmark; the exit code is 1 when an order was lost."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--clients", type=int, default=8, help="shoppers at the same time (default: 8)")
    parser.add_argument("--orders", type=int, default=1000, help="orders in all (default: 1000)")
    parser.add_argument("--products", type=int, default=20, help="over how many products (default: 20)")
    parser.add_argument("--import-runs", type=int, default=7, help="fresh processes for each import (default: 7)")
    parser.add_argument("--part", choices=("beside", "loads", "sale", "imports"), help="only this")
    parser.add_argument("--sale", type=int, default=1000, help="orders of the flash sale, for a tenth as many pieces")
    parser.add_argument("--record", action="store_true", help="keep what was measured, and write docs/cost.md anew")
    parser.add_argument("--history", type=int, help="instead: so many stored orders, and what operators ask of them")
    parser.add_argument("--dead-letters", type=int, help="instead: so many of one consumer, listed and replayed")
    arguments = parser.parse_args()
    if arguments.history:
        _history(arguments.history)
        return 0
    if arguments.dead_letters:
        _dead_letters(arguments.dead_letters)
        return 0
    lost = 0
    wanted = [arguments.part] if arguments.part else ["beside", "loads", "sale", "imports"]
    if "beside" in wanted:
        _beside(arguments.record)
    if "loads" in wanted:
        lost = _loads(arguments)
    if "sale" in wanted:
        _sale(arguments.sale, record=arguments.record)
    if "imports" in wanted:
        _imports(arguments.import_runs, record=arguments.record)
    return 1 if lost else 0


def _beside(record: bool) -> None:
    with console.status("Starting a shop ...") as status, temporary_shop("bench", "bench", counted=True) as local:
        status.update("what an order of the synchronous design takes")
        twin = synchronous.counted(local)
        outcomes = []
        for scenario, design, outcome in synchronous.run(local, status.update):
            asked = {"scenario": scenario.name, "rate": scenario.rate, "orders": scenario.orders, "design": design}
            outcomes.append(asked | outcome.to_json())
            if record:
                report.keep(beside=outcomes, twin=twin.to_json())
    typer.echo(report.beside(outcomes))
    typer.echo(report.twin(twin, report.counts()["card"]))


def _sale(orders: int, *, record: bool) -> None:
    with (
        console.status("Starting a shop ...") as status,
        temporary_shop("bench", "bench", transaction_seconds=flash.TRANSACTION_SECONDS, counted=True) as local,
    ):
        sale = flash.run(local, orders, orders // 10, status.update).to_json()
    typer.echo(report.sale(sale))
    if record:
        report.keep(sale=sale)


def _loads(arguments: argparse.Namespace) -> int:
    with console.status("Starting a shop ...") as status, temporary_shop("bench", "bench") as local:
        shop = local.read()
        spread = load.run(
            shop,
            clients=arguments.clients,
            orders=arguments.orders,
            products=arguments.products,
            note=status.update,
        )
        hot = load.run(shop, clients=arguments.clients, orders=arguments.orders // 4, products=1, note=status.update)
        alone = load.run(shop, clients=1, orders=arguments.orders // 20, products=1, note=status.update)
        window = seconds_of(INVENTORY)
        with held_back(shop, INVENTORY, window):
            waiting = load.run(shop, clients=1, orders=arguments.orders // 20, products=1, note=status.update)
        memory = worker_memory(local)
    table = Table("", "orders/s", "p50 ms", "p95 ms", "p99 ms", "lost", title=f"{arguments.clients} clients")
    for name, run in ((f"{arguments.products} products", spread), ("1 hot product", hot)):
        table.add_row(f"{name}: checkout", f"{run.orders_per_second:.0f}", *percentiles(run.checkout), str(run.lost))
        table.add_row(f"{name}: placed to confirmed", "", *percentiles(run.to_confirmed), "")
    for name, run in (("1 client", alone), (f"1 client, inventory waits {window} s", waiting)):
        table.add_row(f"{name}: placed to confirmed", "", *percentiles(run.to_confirmed), str(run.lost))
    console.print(table)
    added = statistics.median(waiting.to_confirmed) / statistics.median(alone.to_confirmed)
    console.print(f"Inventory's batching window: a lone order is confirmed after {added:.1f} times as long")
    console.print(
        f"{len(memory)} workers: {statistics.median(memory):.0f} MB each (median), {max(memory):.0f} MB at the most"
    )
    return sum(run.lost for run in (spread, hot, alone, waiting))


def _history(orders: int) -> None:
    with console.status("Starting a shop ...") as status, temporary_shop("bench", "bench") as local:
        rows = history.fill(local.read(), orders, status.update)
        status.update("what operators ask")
        asked = history.ask(local, orders)
    _print(f"{orders} orders, {rows} rows", asked)


def _dead_letters(count: int) -> None:
    with console.status("Starting a shop ...") as status, temporary_shop("bench", "bench") as local:
        asked = letters.ask(local, count, status.update)
    _print(f"{count} dead letters of one consumer", asked)


def _print(title: str, asked: Sequence[history.Measured]) -> None:
    table = Table("", "s", "calls", "MB", "", title=title)
    for each in asked:
        memory = f"{each.megabytes:.0f}" if each.megabytes else ""
        table.add_row(each.name, f"{each.seconds:.2f}", str(each.calls or ""), memory, each.found)
    console.print(table)


def _imports(runs: int, *, record: bool) -> None:
    kept = {}
    table = Table("function", "ms", "its libraries, ms", "ratio", title="Import, with one client")
    with console.status("") as status:
        for function, handler in sorted(imports.handlers().items()):
            status.update(f"importing {function} in fresh processes")
            own, libraries = imports.compare(handler, runs)
            ratio = own / libraries
            kept[function] = {"own": round(own), "libraries": round(libraries)}
            mark = " !" if ratio > IMPORT_LIMIT else ""
            table.add_row(function, f"{own:.0f}", f"{libraries:.0f}", f"{ratio:.2f}{mark}")
    console.print(table)
    if record:
        report.keep(imports={"runs": runs, "functions": kept})


raise SystemExit(main())
