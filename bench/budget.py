"""What an order may take, by its kind: budget.toml. Pure."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench import report
from bench.counts import INDEXES, LIMITS, Count

BUDGET = Path(__file__).with_name("budget.toml")

FIGURES: Mapping[str, tuple[str, Callable[[Count], float], Callable[[Count], Mapping[str, float]]]] = {
    "calls": ("calls behind the API", lambda it: sum(it.behind.values()), lambda it: it.behind),
    "writes": ("write units", lambda it: it.write_units(), lambda it: it.writes),
    "more-writes": (
        "write units of limits, shipments and indexes",
        lambda it: it.write_units(LIMITS) + it.write_units(INDEXES),
        lambda it: it.writes,
    ),
    "reads": ("read units", lambda it: sum(it.reads.values()), lambda it: it.reads),
    "events": ("events on the bus", lambda it: it.events, lambda it: it.calls),
    "messages": ("messages", lambda it: it.messages, lambda it: it.calls),
    "log-bytes": ("log bytes", lambda it: it.log_bytes, lambda it: it.calls),
}
"""What is in the budget: in words, how much it is, and of what it is made."""


def allowed() -> dict[str, dict[str, float]]:
    """The budget, by kind of order."""
    return tomllib.loads(BUDGET.read_text())


def exceeded(kind: str, count: Count) -> Iterator[str]:
    """A sentence for each figure that is over the budget, which names what is more than was recorded.

    Args:
        kind: of the order.
        count: what it took.
    """
    recorded = report.counts()[kind]
    for name, most in allowed()[kind].items():
        words, amount, parts = FIGURES[name]
        if amount(count) <= most:
            continue
        before, now = parts(recorded), parts(count)
        more = [
            f"{each} takes {report.number(many)}, was {report.number(before.get(each, 0))}"
            for each, many in sorted(now.items())
            if many > before.get(each, 0)
        ]
        took = f"An order ({report.WORDS[kind]}) takes {report.number(amount(count))} {words}"
        yield f"{took}, its budget is {report.number(most)}: {'; '.join(more) or 'no call is new'}."
