"""Measure the shop on this machine.

A shop of its own is started on free ports, loaded and ended. Figures of one run are comparable with each other, and
with another run only on the same quiet machine.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench import history, imports, load, synchronous
from bench.window import held_back, seconds_of
from retail_ops.local.local_shop import LocalShop, State
from retail_ops.local.processes import free_port
from retail_ops.stack.shop import PROJECT

IMPORT_LIMIT = 1.3
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
    parser.add_argument("--provider-ms", type=int, default=200, help="a provider's answer, for the synchronous design")
    parser.add_argument("--import-runs", type=int, default=5, help="fresh processes for each import (default: 5)")
    parser.add_argument("--history", type=int, help="instead: so many stored orders, and what operators ask of them")
    arguments = parser.parse_args()
    if arguments.history:
        _history(arguments.history)
        return 0
    lost = _loads(arguments)
    _imports(arguments.import_runs)
    return 1 if lost else 0


def _loads(arguments: argparse.Namespace) -> int:
    with (
        tempfile.TemporaryDirectory() as folder,
        console.status("Starting a shop ...") as status,
        LocalShop(
            Path(folder),
            port=free_port(),
            storefront_port=free_port(),
            stack="bench",
            build_dir=PROJECT / ".aws-sam" / "bench",
        ) as local,
    ):
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
        status.update("the synchronous design")
        sync = synchronous.run(
            shop,
            clients=arguments.clients,
            orders=arguments.orders // 4,
            provider_seconds=arguments.provider_ms / 1000,
        )
        memory = worker_memory(local)
    table = Table("", "orders/s", "p50 ms", "p95 ms", "p99 ms", "lost", title=f"{arguments.clients} clients")
    for name, run in ((f"{arguments.products} products", spread), ("1 hot product", hot)):
        table.add_row(f"{name}: checkout", f"{run.orders_per_second:.0f}", *percentiles(run.checkout), str(run.lost))
        table.add_row(f"{name}: placed to confirmed", "", *percentiles(run.to_confirmed), "")
    for name, run in (("1 client", alone), (f"1 client, inventory waits {window} s", waiting)):
        table.add_row(f"{name}: placed to confirmed", "", *percentiles(run.to_confirmed), str(run.lost))
    table.add_row(f"synchronous, provider {arguments.provider_ms} ms: checkout", "", *percentiles(sync), "")
    console.print(table)
    added = statistics.median(waiting.to_confirmed) / statistics.median(alone.to_confirmed)
    console.print(f"Inventory's batching window: a lone order is confirmed after {added:.1f} times as long")
    console.print(
        f"{len(memory)} workers: {statistics.median(memory):.0f} MB each (median), {max(memory):.0f} MB at the most"
    )
    return sum(run.lost for run in (spread, hot, alone, waiting))


def _history(orders: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        console.status("Starting a shop ...") as status,
        LocalShop(
            Path(folder),
            port=free_port(),
            storefront_port=free_port(),
            stack="bench",
            build_dir=PROJECT / ".aws-sam" / "bench",
        ) as local,
    ):
        rows = history.fill(local.read(), orders, status.update)
        status.update("what operators ask")
        asked = history.ask(local, orders)
    table = Table("", "s", "calls", "MB", "", title=f"{orders} orders, {rows} rows")
    for each in asked:
        memory = f"{each.megabytes:.0f}" if each.megabytes else ""
        table.add_row(each.name, f"{each.seconds:.2f}", str(each.calls or ""), memory, each.found)
    console.print(table)


def _imports(runs: int) -> None:
    table = Table("function", "ms", "its libraries, ms", "ratio", title="Import, with one client")
    with console.status("") as status:
        for function, handler in sorted(imports.handlers().items()):
            status.update(f"importing {function} in fresh processes")
            own, libraries = imports.compare(handler, runs)
            ratio = own / libraries
            mark = " !" if ratio > IMPORT_LIMIT else ""
            table.add_row(function, f"{own:.0f}", f"{libraries:.0f}", f"{ratio:.2f}{mark}")
    console.print(table)


raise SystemExit(main())
