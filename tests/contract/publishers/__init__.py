"""Every event that the shop can publish: the real deciders, driven through all states that each other's events and
every command of a shopper, a card gateway or the clock can bring them into.

Each module of this package is about one service and has a PUBLISHER; a new one is found by itself. `ses` is what a
rule makes of events of SES; the sandbox's reports come from no row either.
"""

import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Any, Self

from cloudretail.decider import Change, Context, Decision
from cloudretail.envelope import Cause
from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.outbox import Aggregate
from contract import parse
from contract.auth import Eraser
from contract.erasure import erased_event
from orders.domain import order_id_of
from payments.challenges import report_of

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CAUSE = Cause("request-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
USER_ID, EMAIL = "user-1", "shopper@cloudretail.example"
ORDER_ID = order_id_of(USER_ID, "a-key")
CONTEXT = Context(ORDER_ID, CAUSE.id, NOW)


@dataclass(frozen=True)
class Publisher[S: Model]:
    """A service that publishes events.

    Attributes:
        aggregate: how its rows are written.
        key_of: the key of a state's row.
        begins: what it does unasked, such as a checkout.
        decide: its answer to each of the known events, and to each of its own commands, in one state; None is no row.
        compared: what of a state makes it another one; the whole state unless said otherwise.
    """

    aggregate: Aggregate[S]
    key_of: Callable[[S], str]
    decide: Callable[[S | None, Sequence[EventData]], Iterator[Decision[S]]]
    begins: Sequence[Change[S]] = ()
    compared: Callable[[S], S] = lambda state: state


@dataclass(frozen=True)
class Published:
    """An event as its producer wrote it.

    Attributes:
        producer: name of the aggregate whose row it was written with.
        data: what happened.
        document: as it travels.
    """

    producer: str
    data: EventData
    document: str

    @property
    def name(self) -> str:
        return self.data.event_type.name

    @classmethod
    def of(cls, producer: str, document: str) -> Self:
        """An event that no row was written with."""
        return cls(producer, parse(document).data, document)


def publishers() -> list[Publisher[Any]]:
    """All there are."""
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return [module.PUBLISHER for module in modules if hasattr(module, "PUBLISHER")]


class Exploration:
    """All states that the aggregates of one order can be in, and all events that lead there."""

    def __init__(self, publishers: Sequence[Publisher[Any]]) -> None:
        self.events: dict[EventData, Published] = {}
        self._states: list[tuple[Publisher[Any], dict[Model | None, None]]] = []
        for publisher in publishers:
            states: dict[Model | None, None] = {} if publisher.begins else {None: None}
            self._states.append((publisher, states))
            for change in publisher.begins:
                self._take(publisher, states, change)
        while self._grown():
            pass

    @property
    def states(self) -> Iterator[tuple[str, Model]]:
        """Every state, with the name of its aggregate."""
        for publisher, states in self._states:
            yield from ((publisher.aggregate.name, state) for state in states if state is not None)

    def _grown(self) -> bool:
        """Let every state meet every message that is known; False where that led to nothing new."""
        before = self._size()
        for publisher, states in self._states:
            for state in list(states):
                for decision in publisher.decide(state, list(self.events)):
                    if isinstance(decision, Change):
                        self._take(publisher, states, decision)
        return self._size() > before

    def _take(self, publisher: Publisher[Any], states: dict[Model | None, None], change: Change[Any]) -> None:
        states[publisher.compared(change.state)] = None
        new = [data for data in change.events if data not in self.events]
        if new:
            row = publisher.aggregate.after(publisher.key_of(change.state), None, Change(change.state, new), CAUSE, NOW)
            assert row.outbox
            for data, document in zip(new, row.outbox.events, strict=True):
                self.events[data] = Published(publisher.aggregate.name, data, document)

    def _size(self) -> int:
        return len(self.events) + sum(len(states) for _, states in self._states)


@cache
def explored() -> Exploration:
    """All that the shop's publishers can do."""
    return Exploration(publishers())


def published() -> tuple[Published, ...]:
    """One of each event with another content."""
    from tests.contract.publishers import ses

    reported = report_of("pay_1:1", CAUSE)
    reports = [Published.of("payments", replace(reported, time=NOW).to_json())]
    # A service publishes that it has erased somebody, and no row of it does.
    erased = [Published.of("auth", erased_event(service, USER_ID, CAUSE, NOW).to_json()) for service in Eraser]
    return (*explored().events.values(), *ses.published(), *reports, *erased)


def known[E: EventData](events: Sequence[EventData], *types: type[E]) -> list[E]:
    """Those of these types: what a consumer subscribes to."""
    return [data for data in events if isinstance(data, types)]
