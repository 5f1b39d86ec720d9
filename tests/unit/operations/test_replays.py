"""A replay loses nothing wherever it is cut off, claims what it sends, and keeps its rate."""

import json

import pytest

from cloudretail.failures import LEASE, FailureState, resolved
from operations.replays.domain import Action, Outcome, ReplayState
from operations.replays.service import Replays
from tests.support.dead_letters import NOW, InMemoryShop, Killed, Killer

MESSAGES = 13
DEAD, LIVE = "OrdersDlq", "OrdersQueue"


def filled(shop: InMemoryShop, number: int = MESSAGES, queue: str = DEAD) -> list[str]:
    """Let so many messages be dead letters; returns their bodies."""
    bodies = [f'{{"letter": {index}}}' for index in range(number)]
    for index, body in enumerate(bodies):
        shop.failures.put(queue, body, message_id=f"{index:04d}")
    return bodies


def states(shop: InMemoryShop) -> list[FailureState]:
    return [row.state for row in shop.failures.rows.values()]


def test_a_replay_sends_every_message_to_its_one_consumer_ten_at_once() -> None:
    shop = InMemoryShop()
    bodies = filled(shop)
    sends: list[int] = []
    queue = shop.queues[LIVE]
    queue.step = lambda: sends.append(len(queue.copies))
    replay = shop.replayer.run(shop.asked())
    assert queue.bodies == bodies
    assert sends == [0, 10]
    assert set(states(shop)) == {FailureState.REPLAYED}
    assert all(not queue.bodies for name, queue in shop.queues.items() if name != LIVE)
    assert (replay.state, replay.planned, replay.outcomes) == (ReplayState.DONE, MESSAGES, {Outcome.REPLAYED: MESSAGES})


def test_a_copy_carries_the_failures_key_and_the_next_generation() -> None:
    shop = InMemoryShop()
    failure: dict[str, object] = {"cause": "KeyError: x at y", "code": "KeyError", "requestId": "request-1"}
    failure |= {"key": "event-1", "generation": 1, "messageId": "message-1"}
    shop.failures.put(DEAD, "{}", message_id="in-the-dlq", failure=json.dumps(failure))
    shop.replayer.run(shop.asked())
    (copy,) = shop.queues[LIVE].copies
    assert copy.attributes.keys() == {"failure"}
    assert json.loads(copy.attributes["failure"]) == {"key": "event-1", "generation": 2, "messageId": "message-1"}
    assert shop.failures.rows["orders", "event-1"].replays == ("rpl_0",)


def test_what_a_rule_could_not_deliver_is_marked_as_its_targets_own() -> None:
    shop = InMemoryShop()
    arn = "arn:aws:sqs:ap-southeast-1:1:shop-InventoryQueue"
    shop.failures.put("RuleTargetsDlq", "{}", TARGET_ARN=arn)
    shop.replayer.run(shop.asked(queue="InventoryDlq"))
    (copy,) = shop.queues["InventoryQueue"].copies
    assert json.loads(copy.attributes["failure"])["generation"] == 1
    assert states(shop) == [FailureState.REPLAYED]


def test_what_goes_on_the_bus_is_resolved_as_nobody_will_tell_what_becomes_of_it() -> None:
    shop = InMemoryShop()
    entry = {"Source": "cloudretail.orders", "DetailType": "OrderPlaced", "Detail": "{}"}
    shop.failures.put("RelayDlq", json.dumps({"entry": entry, "errorCode": "TooBig"}))
    replay = shop.replayer.run(shop.asked(queue="RelayDlq"))
    assert (shop.bus.entries, replay.outcomes) == ([entry], {Outcome.REPLAYED: 1})
    assert states(shop) == [FailureState.RESOLVED]


def steps_of_a_replay(action: Action) -> int:
    killer = Killer()
    shop = InMemoryShop(killer)
    filled(shop)
    shop.replayer.run(shop.asked(action))
    return killer.steps


@pytest.mark.parametrize("action", [Action.REPLAY, Action.DROP])
def test_a_replay_that_is_killed_at_any_step_loses_nothing_and_goes_on_where_it_stood(action: Action) -> None:
    for at in range(steps_of_a_replay(action)):
        killer = Killer(at)
        shop = InMemoryShop(killer)
        bodies = set(filled(shop))
        started = shop.asked(action)
        with pytest.raises(Killed):
            shop.replayer.run(started)
        sent = {json.loads(body)["letter"] for body in shop.queues[LIVE].bodies}
        for number, state in enumerate(states(shop)):
            under_way = state in (FailureState.DEAD, FailureState.REPLAYING, FailureState.DROPPED)
            assert under_way or number in sent, f"killed at step {at}: number {number} is lost"

        killer.at = None
        replay = shop.replayer.run(shop.log.find(started.replay_id) or started)
        ended = FailureState.REPLAYED if action is Action.REPLAY else FailureState.DROPPED
        assert set(states(shop)) == {ended}, f"killed at step {at}: something stays behind"
        assert set(shop.queues[LIVE].bodies) == (bodies if action is Action.REPLAY else set())
        said = Outcome.REPLAYED if action is Action.REPLAY else Outcome.DROPPED
        assert (replay.state, replay.outcomes) == (ReplayState.DONE, {said: MESSAGES})
        # At the most what was under way at the kill is there twice: one batch.
        assert len(shop.queues[LIVE].bodies) <= MESSAGES + 10


def test_what_a_killed_replay_left_behind_is_a_dead_letter_again_once_its_lease_is_over() -> None:
    killer = Killer()
    shop = InMemoryShop(killer)
    bodies = filled(shop, 3)
    planned = shop.replayer.plan(shop.asked())
    killer.at = killer.steps + 4  # It says that it goes on, and all are claimed.
    with pytest.raises(Killed):
        shop.replayer.run(planned)
    killer.at = None
    assert set(states(shop)) == {FailureState.REPLAYING}
    assert shop.replayer.plan(shop.asked()).planned == 0
    shop.time.sleep(LEASE + 1)
    replay = shop.replayer.run(shop.asked())
    assert (replay.outcomes, shop.queues[LIVE].bodies) == ({Outcome.REPLAYED: 3}, bodies)


def test_a_copy_that_succeeds_before_it_is_noted_stays_resolved() -> None:
    shop = InMemoryShop()
    filled(shop, 1)
    key = ("orders", "0000")

    def consumed() -> None:
        if row := resolved(shop.failures.rows[key], 1, int(NOW.timestamp())):
            shop.failures.rows[key] = row.model_copy(update={"revision": row.revision + 1})

    queue = shop.queues[LIVE]
    queue.step = lambda: None
    send = queue.send
    queue.send = lambda copies: (send(copies), consumed())[0]  # type: ignore[method-assign, func-returns-value]
    replay = shop.replayer.run(shop.asked())
    assert replay.outcomes == {Outcome.REPLAYED: 1}
    assert states(shop) == [FailureState.RESOLVED]


def test_an_interrupted_replay_says_that_it_was_interrupted_and_goes_on() -> None:
    shop = InMemoryShop()
    filled(shop)
    started = shop.asked()

    def ctrl_c(body: str) -> bool:
        if len(shop.queues[LIVE].bodies) == 10:
            raise KeyboardInterrupt
        return False

    shop.queues[LIVE].refuses = ctrl_c
    with pytest.raises(KeyboardInterrupt):
        shop.replayer.run(started)
    found = shop.log.find(started.replay_id)
    assert found is not None
    assert found.state is ReplayState.INTERRUPTED
    shop.queues[LIVE].refuses = lambda body: False
    assert shop.replayer.run(found).outcomes == {Outcome.REPLAYED: MESSAGES}


def test_running_a_finished_replay_again_does_nothing() -> None:
    shop = InMemoryShop()
    filled(shop, 3)
    done = shop.replayer.run(shop.asked())
    assert shop.replayer.run(done) == done
    assert len(shop.queues[LIVE].bodies) == 3


def test_a_message_whose_copy_is_refused_is_a_dead_letter_still() -> None:
    shop = InMemoryShop()
    bodies = filled(shop)
    shop.queues[LIVE].refuses = lambda body: body == bodies[7]
    replay = shop.replayer.run(shop.asked())
    assert replay.outcomes == {Outcome.REPLAYED: MESSAGES - 1, Outcome.FAILED: 1}
    (failed,) = [entry for entry in shop.log.saved.values() if entry.outcome is Outcome.FAILED]
    assert (failed.message_id, failed.text) == ("0007", "the queue is gone")
    shop.queues[LIVE].refuses = lambda body: False
    assert shop.replayer.run(shop.asked()).outcomes == {Outcome.REPLAYED: 1}


def test_only_what_is_selected_is_replayed() -> None:
    shop = InMemoryShop()
    filled(shop)
    replay = shop.replayer.run(shop.asked(message_ids=("0003", "0011", "gone")))
    assert replay.outcomes == {Outcome.REPLAYED: 2}
    assert states(shop).count(FailureState.DEAD) == MESSAGES - 2


@pytest.mark.parametrize("action", [Action.REPLAY, Action.DROP])
def test_of_two_at_once_one_replays_or_drops_a_message_and_for_the_other_it_is_gone(action: Action) -> None:
    shop = InMemoryShop()
    filled(shop, 3)
    first, second = shop.replayer.plan(shop.asked(message_ids=("0001",))), shop.replayer.plan(shop.asked(action))
    shop.replayer.run(first)
    replay = shop.replayer.run(second)
    assert replay.outcomes == {Outcome.REPLAYED if action is Action.REPLAY else Outcome.DROPPED: 2, Outcome.GONE: 1}


def test_a_replay_keeps_its_rate() -> None:
    shop = InMemoryShop()
    filled(shop, 101)
    shop.replayer.run(shop.asked(rate=20))
    assert shop.time.seconds == pytest.approx(100 / 20)


def test_a_replay_stops_in_time_and_another_invocation_goes_on() -> None:
    shop = InMemoryShop()
    filled(shop, 60)
    replay = shop.asked(rate=10)
    runs = 0
    while replay.state is not ReplayState.DONE:
        replay = shop.replayer.run(replay, until=shop.time.seconds + 2)
        runs += 1
    assert runs > 1
    assert len(shop.queues[LIVE].bodies) == 60


def test_a_dropped_message_keeps_its_body() -> None:
    shop = InMemoryShop()
    row = shop.failures.put(DEAD, '{"whole": true}')
    replay = shop.replayer.run(shop.asked(Action.DROP))
    assert (replay.outcomes, states(shop)) == ({Outcome.DROPPED: 1}, [FailureState.DROPPED])
    assert shop.failures.bodies([row.key]) == {row.key: '{"whole": true}'}


def test_the_record_says_what_has_become_of_the_copies() -> None:
    shop = InMemoryShop()
    filled(shop, 3)
    replay = shop.replayer.run(shop.asked(message_ids=("0000", "0001")))
    key = ("orders", "0000")
    done = resolved(shop.failures.rows[key], 1, int(NOW.timestamp()))
    assert done
    shop.failures.rows[key] = done
    replays = Replays(shop.log, shop.failures)
    states = {each.message_id: each.state for each in replays.followed(replays.messages(replay.replay_id))}
    assert states == {"0000": FailureState.RESOLVED, "0001": FailureState.REPLAYED}
    dropped = shop.replayer.run(shop.asked(Action.DROP))
    assert [each.state for each in replays.followed(replays.messages(dropped.replay_id))] == [None]
