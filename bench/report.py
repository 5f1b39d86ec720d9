"""The tables of docs/cost.md, from counts that were recorded. Pure: the same records give the same text."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.counts import INDEXES, LIMITS, Count
from bench.pricing import BATCHES, bill, bought, dollars, listed, prices, regions
from retail_ops.stack.shop import PROJECT
from retail_ops.stack.template import Template

RECORDED = Path(__file__).with_name("counted.json")
DOCUMENT = PROJECT / "docs" / "cost.md"
README = PROJECT / "README.md"
HOME = "us-east-1"
"""The region of which every price could be read that an order's way is paid with."""

IDLE_POLLERS = 5
"""Of each queue at the least. Source: Lambda developer guide, "Scaling and processing for SQS"."""

POLL_SECONDS = 20
"""How long a poll waits for a message. Source: as above."""

MONTH = 30 * 24 * 3600

WORDS = {
    "cash": "cash, chosen at checkout",
    "card": "card",
    "declined": "card, declined three times",
    "expired": "not paid in time",
    "cancelled": "card, then cancelled",
    "returned": "card, then returned",
    "visit": "ten requests, cash",
}


def kept() -> dict[str, Any]:
    """What was recorded."""
    found: dict[str, Any] = json.loads(RECORDED.read_text())
    return found


def keep(**recorded: Any) -> None:
    """Record something anew, and write the document."""
    everything = (kept() if RECORDED.exists() else {}) | recorded
    RECORDED.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n")
    write()


def write() -> None:
    """Write the documents' tables anew."""
    for path, text in documents().items():
        path.write_text(text)


def documents() -> dict[Path, str]:
    """The documents as they have to be, by path."""
    generated = recorded_parts()
    brief = {"brief": briefly(counts()), "beside": generated["beside"]}
    return {
        path: written(path.read_text(), parts_of_it) for path, parts_of_it in ((DOCUMENT, generated), (README, brief))
    }


def polled_queues() -> int:
    """Queues from which Lambda polls."""
    return len(Template.load(Stage="prod").sources)


def counts() -> dict[str, Count]:
    """The recorded counts, by kind of order."""
    return {kind: Count.from_json(each) for kind, each in kept()["kinds"].items()}


type Rows = Iterable[Sequence[object]]


def table(head: Sequence[str], rows: Rows) -> str:
    """A table of Markdown, its first column to the left."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    """Without digits that say nothing."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def kinds(found: Mapping[str, Count]) -> str:
    """What an order of each kind takes."""
    lines: dict[str, Callable[[Count], float]] = {
        "calls behind the API": lambda it: sum(it.behind.values()),
        "calls in the API": lambda it: sum(it.calls.values()) - sum(it.behind.values()),
        "write units, today's scope": lambda it: it.write_units(),
        "write units, limits and shipments": lambda it: it.write_units(LIMITS),
        "write units, indexes": lambda it: it.write_units(INDEXES),
        "read units": lambda it: sum(it.reads.values()),
        "events on the bus": lambda it: it.events,
        "messages consumed": lambda it: it.messages,
        "API requests": lambda it: it.requests,
        "mails": lambda it: it.mails,
        "log bytes": lambda it: it.log_bytes,
    }
    for name in ("queue-requests", "invocations"):
        for size in BATCHES:
            lines[f"{name.replace('-', ' ')}, batches of {size}"] = partial(_bought, name, size)
    for size in BATCHES:
        lines[f"**dollars for a million, batches of {size}**"] = partial(dollars, region=HOME, batch=size)
    shown = [kind for kind in WORDS if kind in found and kind != "visit"]
    rows = [[name, *(number(of(found[kind])) for kind in shown)] for name, of in lines.items()]
    return table(["", *(WORDS[kind] for kind in shown)], rows)


def briefly(found: Mapping[str, Count]) -> str:
    """What orders take, in one line each."""
    rows = [
        (
            WORDS[kind],
            *(number(sum(found[kind].calls.values())), number(sum(found[kind].writes.values()))),
            *(number(found[kind].events), number(found[kind].messages)),
            *(number(dollars(found[kind], HOME, size)) for size in BATCHES),
        )
        for kind in WORDS
        if kind in found and kind != "visit"
    ]
    head = ["an order", "calls", "write units", "events", "messages"]
    return table([*head, *(f"dollars for a million, batches of {size}" for size in BATCHES)], rows)


def _bought(name: str, batch: int, count: Count) -> float:
    return bought(count, batch)[name]


def bills(count: Count) -> str:
    """What a million orders of a kind cost, by what is bought, in each region."""
    names = list(prices(HOME))
    heads = [f"{listed()[region]['name']}, batches of {size}" for region in regions() for size in BATCHES]
    columns = [dict(bill(count, region, size)) for region in regions() for size in BATCHES]
    rows = [[name.replace("-", " "), *(_dollars(column.get(name)) for column in columns)] for name in names]
    rows.append(["**all that could be priced**", *(_dollars(sum(column.values())) for column in columns)])
    return table(["dollars for a million", *heads], rows)


def _dollars(amount: float | None) -> str:
    return "not read" if amount is None else f"{amount:.2f}"


def months(count: Count, queues: int) -> str:
    """What a month costs, with so many requests, of which ten are an order."""
    polls = queues * IDLE_POLLERS * MONTH / POLL_SECONDS
    idle = prices(HOME)["queue-requests"].of(polls)
    rows = []
    for requests in (10_000, 100_000, 1_000_000):
        share = requests / 10 / 1_000_000
        rows.append(
            [f"{requests:,}", *(f"{dollars(count, HOME, size) * share:.2f}" for size in BATCHES), f"{idle:.2f}"]
        )
    heads = [f"batches of {size}" for size in BATCHES]
    return table(["requests a month, dollars", *heads, "and polling of empty queues"], rows)


def calls(count: Count) -> str:
    """The calls of an order, by function."""
    functions = sorted({name.split()[0] for name in count.calls})
    rows = []
    for function in functions:
        made = {name.partition(" ")[2]: many for name, many in count.calls.items() if name.split()[0] == function}
        text = ", ".join(f"{number(many)} {name}" for name, many in sorted(made.items()))
        rows.append([function, number(sum(made.values())), text])
    return table(["function", "calls", ""], rows).replace("---: |\n", "--- |\n", 1)


def writes(count: Count) -> str:
    """The write units of an order, by table."""
    tables = sorted({name.partition("/")[0] for name in count.writes})
    rows = []
    for name in tables:
        indexes = {each.partition("/")[2]: units for each, units in count.writes.items() if each.startswith(f"{name}/")}
        text = ", ".join(f"{number(units)} {each}" for each, units in sorted(indexes.items()))
        rows.append([name, number(count.writes.get(name, 0)), text])
    return table(["table", "units", "its indexes"], rows).replace("---: |\n", "--- |\n", 1)


def sources() -> str:
    """Where each price is from, and which could not be read."""
    rows = []
    for region in regions():
        for name, price in prices(region).items():
            source = listed()["sources"][price.source]
            asked = f"{price.dollars:.10f}".rstrip("0").rstrip(".")
            what = f"{name.replace('-', ' ')}, {region}"
            rows.append([what, asked, f"{price.per:,}", f"{source['url']}, {source['date']}"])
    priced = table(["", "dollars", "for", "source, and its date"], rows).replace("---: |\n", "--- |\n", 1)
    unread = [f"- {region}: {', '.join(names)}." for region, names in listed()["unread"].items()]
    return "\n".join([priced, "", "Not read, and so left out:", "", *unread])


def beside(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """What became of the orders of both designs."""
    head = ["", "orders/s", "orders", "design", "p50 ms", "p95 ms", "errors seen", "sold", "left half done"]
    rows = [
        (
            *(it["scenario"], f"{it['rate']:g}", it["orders"], it["design"]),
            *(f"{it['p50']:.0f}", f"{it['p95']:.0f}", it["errors"], f"{it['right']:.0%}", it["half"]),
        )
        for it in outcomes
    ]
    return table(head, rows)


def twin(synchronous: Count, ours: Count) -> str:
    """What an order by card takes in both designs."""
    lines: dict[str, Callable[[Count], float]] = {
        "calls of AWS": lambda it: sum(it.calls.values()),
        "write units": lambda it: sum(it.writes.values()),
        "read units": lambda it: sum(it.reads.values()),
        "API requests": lambda it: it.requests,
        "invocations, one at a time": lambda it: it.invocations,
        "gigabyte seconds": lambda it: it.gigabyte_seconds,
        "log bytes": lambda it: it.log_bytes,
    }
    for size in BATCHES:
        lines[f"**dollars for a million, batches of {size}**"] = partial(dollars, region=HOME, batch=size)
    rows = [[name, number(of(ours)), number(of(synchronous))] for name, of in lines.items()]
    return table(["an order by card", "this shop", "the synchronous design"], rows)


def sale(recorded: Mapping[str, Any]) -> str:
    """What a flash sale came to."""
    hot = recorded["hot_writes"] / (recorded["confirmed"] + recorded["rejected"])
    rows = [
        ("orders tried, for so many pieces", f"{recorded['orders']:,} for {recorded['pieces']:,}"),
        ("confirmed", recorded["confirmed"]),
        ("rejected, with a mail that says so", recorded["rejected"]),
        ("refused by cart or checkout at once", recorded["refused"]),
        ("without an answer", recorded["unanswered"]),
        ("sold more than there were", recorded["oversold"]),
        ("writes of the product's row for each order placed", f"{hot:.2f}"),
        ("transactions refused for a conflict", recorded["conflicts"]),
        ("seconds until the last order was placed", f"{recorded['placing']:.0f}"),
        ("seconds until the last order had its answer", f"{recorded['seconds']:.0f}"),
    ]
    return table(["a flash sale", ""], rows)


def imports(recorded: Mapping[str, Any]) -> str:
    """How long each function's import takes, beside that of its libraries."""
    rows = [
        [name, each["own"], each["libraries"], f"{each['own'] / each['libraries']:.2f}"]
        for name, each in sorted(recorded["functions"].items())
    ]
    return table(["function", "ms", "its libraries, ms", "ratio"], rows)


def aims(found: Mapping[str, Count], synchronous: Count) -> str:
    """What was aimed at, and what was counted."""
    cash, card = found["cash"], found["card"]
    more = cash.write_units(LIMITS) + cash.write_units(INDEXES)
    counted: list[tuple[str, float, float]] = [
        ("calls behind the API, the order in cash", 20, sum(cash.behind.values())),
        ("write units of today's scope, the same", 20, cash.write_units()),
        ("write units of limits, shipments and indexes, the same", 10, more),
        ("log bytes, the same", 3000, cash.log_bytes),
    ]
    aim = {1: 0.8, 10: 0.5}
    for size in BATCHES:
        ratio = dollars(card, HOME, size) / dollars(synchronous, HOME, size)
        counted.append(
            (f"dollars of an order by card, times the synchronous one's, batches of {size}", aim[size], ratio)
        )
    rows = [
        (name, number(most), number(amount), "met" if amount <= most else f"missed by {number(amount - most)}")
        for name, most, amount in counted
    ]
    return table(["", "aim, at the most", "counted", ""], rows)


NOT_RECORDED = "Not recorded; `make bench` measures it."

MEASURED: Mapping[str, Callable[[Any], str]] = {
    "beside": beside,
    "twin": lambda count: twin(Count.from_json(count), counts()["card"]),
    "sale": sale,
    "imports": imports,
}
"""What `make bench` records: how each is shown."""


def recorded_parts() -> dict[str, str]:
    """What is generated in the document, by the name of its place."""
    recorded, found = kept(), counts()
    generated = parts(found, recorded["queues"])
    if "twin" in recorded:
        generated["aims"] = aims(found, Count.from_json(recorded["twin"]))
    for name, render in MEASURED.items():
        generated[name] = render(recorded[name]) if name in recorded else NOT_RECORDED
    return generated


def parts(found: Mapping[str, Count], queues: int) -> dict[str, str]:
    """The tables of counts, by the name of their place in the document."""
    return {
        "kinds": kinds(found),
        "bill": bills(found["cash"]),
        "months": months(found["visit"], queues),
        "calls": calls(found["cash"]),
        "writes": writes(found["cash"]),
        "prices": sources(),
    }


def written(text: str, generated: Mapping[str, str]) -> str:
    """A document with the generated parts in their places.

    Args:
        text: the document. A place is `<!-- name -->` and `<!-- /name -->`, each on a line of its own.
        generated: the parts, by name.

    Raises:
        ValueError: a part has no place.
    """
    for name, part in generated.items():
        before, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, after = rest.partition(f"<!-- /{name} -->")
        if not opening or not closing:
            raise ValueError(f"there is no place for {name}: <!-- {name} --> and <!-- /{name} -->")
        text = f"{before}{opening}\n{part}\n\n{closing}{after}"
    return text
