"""A replay loses nothing wherever it is cut off, looks consume nothing, and the rate is kept."""

import itertools
import json

import pytest

from operations.dead_letters.look import look
from operations.replays.domain import Action, Outcome, ReplayState
from operations.replays.replayer import WORK_HOLD
from tests.support.dead_letters import InMemoryShop, Killed, Killer

MESSAGES = 25
DEAD, LIVE = "OrdersDlq", "OrdersQueue"


def filled(shop: InMemoryShop, number: int = MESSAGES, queue: str = DEAD) -> list[str]:
    """Put so many letters into a dead-letter queue; returns their bodies."""
    bodies = [f'{{"letter": {index}}}' for index in range(number)]
    for index, body in enumerate(bodies):
        shop.queues[queue].put(body, message_id=f"{index:04d}")
    return bodies


def test_a_replay_sends_every_message_to_its_one_consumer_and_then_deletes_it() -> None:
    shop = InMemoryShop()
    bodies = filled(shop)
    replay = shop.replayer.run(shop.asked())
    assert sorted(shop.queues[LIVE].bodies) == sorted(bodies)
    assert shop.queues[DEAD].bodies == []
    assert all(not queue.bodies for name, queue in shop.queues.items() if name != LIVE)
    assert (replay.state, replay.planned, replay.outcomes) == (ReplayState.DONE, MESSAGES, {Outcome.REPLAYED: MESSAGES})


def test_a_copy_says_which_replays_it_has_been_through() -> None:
    shop = InMemoryShop()
    shop.queues[DEAD].put("{}", {"replays": "rpl_a"})
    shop.replayer.run(shop.asked())
    (copy,) = shop.queues[LIVE].messages.values()
    assert copy.attributes == {"replays": "rpl_a,rpl_0"}


def test_a_copy_of_what_its_consumer_gave_up_carries_the_failures_key_and_the_next_generation() -> None:
    shop = InMemoryShop()
    failure: dict[str, object] = {"cause": "KeyError: x at y", "code": "KeyError", "requestId": "request-1"}
    failure |= {"key": "event-1", "generation": 1, "messageId": "message-1"}
    shop.queues[DEAD].put("{}", {"failure": json.dumps(failure)})
    shop.replayer.run(shop.asked())
    (copy,) = shop.queues[LIVE].messages.values()
    assert json.loads(copy.attributes["failure"]) == {"key": "event-1", "generation": 2, "messageId": "message-1"}


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
        dead, queue = shop.queues[DEAD], shop.queues[LIVE]
        started = shop.asked(action)
        with pytest.raises(Killed):
            shop.replayer.run(started)
        kept = {entry.body for entry in shop.log.saved.values() if entry.outcome is Outcome.DROPPED}
        assert {*dead.bodies, *queue.bodies, *kept} >= bodies, f"killed at step {at}: something is lost"

        killer.at = None
        shop.time.sleep(WORK_HOLD + 1)  # What the dead process held comes back by itself.
        replay = shop.replayer.run(shop.log.find(started.replay_id) or started)
        kept = {entry.body for entry in shop.log.saved.values() if entry.outcome is Outcome.DROPPED}
        assert dead.bodies == [], f"killed at step {at}: something stays behind"
        assert {*queue.bodies, *kept} == bodies
        assert replay.state is ReplayState.DONE
        # At the most what was under way at the kill is there twice: one batch.
        assert len(queue.bodies) <= MESSAGES + 10


def test_an_interrupted_replay_shows_at_once_what_it_held_and_says_that_it_was_interrupted() -> None:
    shop = InMemoryShop()
    filled(shop)
    started = shop.asked()

    def ctrl_c(body: str) -> bool:
        if len(shop.queues[LIVE].bodies) == 3:
            raise KeyboardInterrupt
        return False

    shop.queues[LIVE].refuses = ctrl_c
    with pytest.raises(KeyboardInterrupt):
        shop.replayer.run(started)
    assert shop.queues[DEAD].counts().visible == MESSAGES
    found = shop.log.find(started.replay_id)
    assert found is not None
    assert found.state is ReplayState.INTERRUPTED


def test_running_a_finished_replay_again_does_nothing() -> None:
    shop = InMemoryShop()
    filled(shop, 3)
    done = shop.replayer.run(shop.asked())
    filled(shop, 3)
    assert shop.replayer.run(done) == done
    assert len(shop.queues[DEAD].bodies) == 3


def test_what_is_given_up_on_while_a_replay_runs_waits_for_the_next_one() -> None:
    shop = InMemoryShop()
    filled(shop, 12)
    late: list[str] = []

    def fails_again(body: str) -> bool:
        if len(late) < 12:
            late.append(shop.queues[DEAD].put(body))
        return False

    shop.queues[LIVE].refuses = fails_again
    replay = shop.replayer.run(shop.asked())
    assert replay.outcomes == {Outcome.REPLAYED: 12}
    assert set(shop.queues[DEAD].messages) == set(late)


def test_a_message_whose_copy_is_refused_stays_where_it_was() -> None:
    shop = InMemoryShop()
    bodies = filled(shop)
    shop.queues[LIVE].refuses = lambda body: body == bodies[7]
    replay = shop.replayer.run(shop.asked())
    assert replay.outcomes == {Outcome.REPLAYED: MESSAGES - 1, Outcome.FAILED: 1}
    assert shop.queues[DEAD].bodies == [bodies[7]]
    assert shop.queues[DEAD].counts().visible == 1
    (failed,) = [entry for entry in shop.log.saved.values() if entry.outcome is Outcome.FAILED]
    assert failed.text == "the queue is gone"


def test_only_what_is_selected_is_replayed_and_the_rest_is_visible_at_once() -> None:
    shop = InMemoryShop()
    filled(shop)
    replay = shop.replayer.run(shop.asked(message_ids=("0003", "0021")))
    assert replay.outcomes == {Outcome.REPLAYED: 2}
    assert len(shop.queues[LIVE].bodies) == 2
    assert shop.queues[DEAD].counts().visible == MESSAGES - 2


def test_a_message_that_somebody_else_replays_meanwhile_is_gone_and_no_failure() -> None:
    shop = InMemoryShop()
    filled(shop, 3)
    dead = shop.queues[DEAD]
    started = shop.asked()
    planned = shop.replayer.plan(started)
    del dead.messages["0001"], dead.visible_at["0001"]
    replay = shop.replayer.run(planned)
    assert replay.outcomes == {Outcome.REPLAYED: 2, Outcome.GONE: 1}


def test_a_message_that_somebody_else_is_looking_at_is_waited_for() -> None:
    shop = InMemoryShop()
    filled(shop, 3)
    planned = shop.replayer.plan(shop.asked())
    shop.queues[DEAD].visible_at["0001"] = 20
    replay = shop.replayer.run(planned)
    assert replay.outcomes == {Outcome.REPLAYED: 3}
    assert shop.time.seconds >= 20


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


def test_a_dropped_message_is_kept_whole_in_the_record() -> None:
    shop = InMemoryShop()
    shop.queues[DEAD].put('{"whole": true}', {"a": "b"})
    shop.replayer.run(shop.asked(Action.DROP))
    (entry,) = shop.log.saved.values()
    assert (entry.body, entry.attributes, entry.outcome) == ('{"whole": true}', {"a": "b"}, Outcome.DROPPED)
    assert shop.queues[DEAD].bodies == []


def test_a_look_sees_every_message_once_and_gives_all_back() -> None:
    shop = InMemoryShop()
    bodies = filled(shop, 137)
    seen = look(shop.queues[DEAD], shop.time.clock)
    assert sorted(message.body for message in seen.messages) == sorted(bodies)
    assert seen.missed == 0
    assert shop.queues[DEAD].counts().visible == 137


def test_a_look_that_is_cut_off_gives_back_what_it_held() -> None:
    shop = InMemoryShop()
    filled(shop, 30)
    dead = shop.queues[DEAD]
    calls = itertools.count()

    def ctrl_c_once() -> None:
        if next(calls) == 2:
            raise KeyboardInterrupt

    dead.step = ctrl_c_once
    with pytest.raises(KeyboardInterrupt):
        look(dead, shop.time.clock)
    assert dead.counts().visible == 30


def test_two_who_look_at_once_both_see_everything() -> None:
    shop = InMemoryShop()
    filled(shop, 40)
    dead = shop.queues[DEAD]
    other = dead.receive(2) + dead.receive(2)
    assert len(other) == 20
    seen = look(dead, shop.time.clock)
    assert len(seen.messages) == 40


def test_what_somebody_holds_all_the_while_is_said_to_be_missed() -> None:
    shop = InMemoryShop()
    filled(shop, 15)
    dead = shop.queues[DEAD]
    dead.receive(3600)
    seen = look(dead, shop.time.clock)
    assert (len(seen.messages), seen.missed) == (5, 10)
