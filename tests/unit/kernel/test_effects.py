"""A consumer that does something beside its own rows: the effects of events that are about something else."""

from datetime import datetime
from typing import Any

import pytest

from cloudretail.consumer import Consumer, Delivery, Effect, nothing_else, one_by_one
from cloudretail.decider import Done, Result
from cloudretail.errors import Permanent
from contract.auth import AccountDeletionRequested
from contract.orders import OrderConfirmed
from tests.support.examples import NOW, event_of, example_of
from tests.support.queue import Queue
from tests.support.wire import Wire

CONFIRMED = event_of(example_of(OrderConfirmed), "orders:1")
LEFT = event_of(example_of(AccountDeletionRequested), "auth:1")


class Seen:
    """What reached whom."""

    def __init__(self) -> None:
        self.own: list[str] = []
        self.others: list[str] = []
        self.fails = False

    def react(self, ports: None, delivery: Delivery, now: datetime) -> Result[Any]:
        if self.fails:
            raise Permanent("its own reaction cannot")
        self.own.append(delivery.event.id)
        return Done("note it")

    def affect(self, delivery: Delivery, now: datetime) -> Result[Any]:
        self.others.append(delivery.event.id)
        return Done("erase it")


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def consumer(seen: Seen) -> Consumer[None]:
    return Consumer(
        name="example",
        subscribes_to=(OrderConfirmed, AccountDeletionRequested),
        react=one_by_one(seen.react),
        ports=lambda: None,
        read_only=lambda: None,
        effects={AccountDeletionRequested: Effect(seen.affect, "erase it")},
    )


@pytest.fixture
def wire(tables: None, monkeypatch: pytest.MonkeyPatch) -> Wire:
    for name in ("QUEUE_URL", "DLQ_URL"):
        monkeypatch.setenv(name, f"https://sqs.ap-southeast-1.amazonaws.com/123456789012/{name}")
    return Wire(monkeypatch)


def test_an_effect_takes_its_events_and_the_reaction_the_others(
    consumer: Consumer[None], seen: Seen, wire: Wire
) -> None:
    assert Queue(consumer.handler, wire).deliver(CONFIRMED, LEFT) == []
    assert (seen.own, seen.others) == (["orders:1"], ["auth:1"])


def test_what_the_reaction_cannot_do_holds_up_no_effect(consumer: Consumer[None], seen: Seen, wire: Wire) -> None:
    seen.fails = True
    assert Queue(consumer.handler, wire).deliver(CONFIRMED, LEFT) == ["message-0"]
    assert seen.others == ["auth:1"]


def test_a_dry_run_says_what_an_effect_would_do_and_does_nothing(consumer: Consumer[None], seen: Seen) -> None:
    assert consumer.dry_run(LEFT.to_json()) == Done("erase it")
    assert seen.others == []


def test_a_consumer_of_effects_alone_refuses_everything_else() -> None:
    (refused,) = nothing_else(None, [Delivery(CONFIRMED, 1)], NOW)
    assert isinstance(refused, Exception)
