"""A replay loses nothing wherever it is cut off, looks consume nothing, and the rate is kept."""

import itertools

import pytest

from operations.domain import Action, BoxName, Outcome, ReplayState
from operations.replays import WORK_HOLD, look
from tests.support.dead_letters import Backstage, Killed, Killer

LETTERS = 25


def filled(backstage: Backstage, number: int = LETTERS, box: BoxName = BoxName.ORDERS) -> list[str]:
    """Put so many letters into a dead-letter queue; returns their bodies."""
    bodies = [f'{{"letter": {index}}}' for index in range(number)]
    for index, body in enumerate(bodies):
        backstage.boxes[box].put(body, message_id=f"{index:04d}")
    return bodies


def test_a_replay_sends_every_letter_to_its_one_consumer_and_then_deletes_it() -> None:
    backstage = Backstage()
    bodies = filled(backstage)
    replay = backstage.replayer.run(backstage.asks_for())
    assert sorted(backstage.queues["OrdersQueue"].bodies) == sorted(bodies)
    assert backstage.boxes[BoxName.ORDERS].bodies == []
    assert all(not queue.bodies for name, queue in backstage.queues.items() if name != "OrdersQueue")
    assert (replay.state, replay.planned, replay.outcomes) == (ReplayState.DONE, LETTERS, {Outcome.REPLAYED: LETTERS})


def test_a_copy_says_which_replays_it_has_been_through() -> None:
    backstage = Backstage()
    backstage.boxes[BoxName.ORDERS].put("{}", {"replays": "rpl_a"})
    backstage.replayer.run(backstage.asks_for())
    (copy,) = backstage.queues["OrdersQueue"].messages.values()
    assert copy.attributes == {"replays": "rpl_a,rpl_0"}


def steps_of_a_replay(action: Action) -> int:
    killer = Killer()
    backstage = Backstage(killer)
    filled(backstage)
    backstage.replayer.run(backstage.asks_for(action))
    return killer.steps


@pytest.mark.parametrize("action", [Action.REPLAY, Action.DROP])
def test_a_replay_that_is_killed_at_any_step_loses_nothing_and_goes_on_where_it_stood(action: Action) -> None:
    for at in range(steps_of_a_replay(action)):
        killer = Killer(at)
        backstage = Backstage(killer)
        bodies = set(filled(backstage))
        box, queue = backstage.boxes[BoxName.ORDERS], backstage.queues["OrdersQueue"]
        asked = backstage.asks_for(action)
        with pytest.raises(Killed):
            backstage.replayer.run(asked)
        kept = {entry.body for entry in backstage.journal.noted.values() if entry.outcome is Outcome.DROPPED}
        assert {*box.bodies, *queue.bodies, *kept} >= bodies, f"killed at step {at}: something is lost"

        killer.at = None
        backstage.time.sleep(WORK_HOLD + 1)  # What the dead process held comes back by itself.
        replay = backstage.replayer.run(backstage.journal.find(asked.replay_id) or asked)
        kept = {entry.body for entry in backstage.journal.noted.values() if entry.outcome is Outcome.DROPPED}
        assert box.bodies == [], f"killed at step {at}: something stays behind"
        assert {*queue.bodies, *kept} == bodies
        assert replay.state is ReplayState.DONE
        # At the most what was under way at the kill is there twice: one batch.
        assert len(queue.bodies) <= LETTERS + 10


def test_an_interrupted_replay_shows_at_once_what_it_held_and_says_that_it_was_interrupted() -> None:
    backstage = Backstage()
    filled(backstage)
    asked = backstage.asks_for()

    def ctrl_c(body: str) -> bool:
        if len(backstage.queues["OrdersQueue"].bodies) == 3:
            raise KeyboardInterrupt
        return False

    backstage.queues["OrdersQueue"].refuses = ctrl_c
    with pytest.raises(KeyboardInterrupt):
        backstage.replayer.run(asked)
    assert backstage.boxes[BoxName.ORDERS].counts().visible == LETTERS
    found = backstage.journal.find(asked.replay_id)
    assert found is not None
    assert found.state is ReplayState.INTERRUPTED


def test_running_a_finished_replay_again_does_nothing() -> None:
    backstage = Backstage()
    filled(backstage, 3)
    done = backstage.replayer.run(backstage.asks_for())
    filled(backstage, 3)
    assert backstage.replayer.run(done) == done
    assert len(backstage.boxes[BoxName.ORDERS].bodies) == 3


def test_what_is_given_up_on_while_a_replay_runs_waits_for_the_next_one() -> None:
    backstage = Backstage()
    filled(backstage, 12)
    late: list[str] = []

    def fails_again(body: str) -> bool:
        if len(late) < 12:
            late.append(backstage.boxes[BoxName.ORDERS].put(body))
        return False

    backstage.queues["OrdersQueue"].refuses = fails_again
    replay = backstage.replayer.run(backstage.asks_for())
    assert replay.outcomes == {Outcome.REPLAYED: 12}
    assert set(backstage.boxes[BoxName.ORDERS].messages) == set(late)


def test_a_letter_whose_copy_is_refused_stays_where_it_was() -> None:
    backstage = Backstage()
    bodies = filled(backstage)
    backstage.queues["OrdersQueue"].refuses = lambda body: body == bodies[7]
    replay = backstage.replayer.run(backstage.asks_for())
    assert replay.outcomes == {Outcome.REPLAYED: LETTERS - 1, Outcome.FAILED: 1}
    assert backstage.boxes[BoxName.ORDERS].bodies == [bodies[7]]
    assert backstage.boxes[BoxName.ORDERS].counts().visible == 1
    (failed,) = [entry for entry in backstage.journal.noted.values() if entry.outcome is Outcome.FAILED]
    assert failed.text == "the queue is gone"


def test_only_what_is_selected_is_replayed_and_the_rest_is_visible_at_once() -> None:
    backstage = Backstage()
    filled(backstage)
    replay = backstage.replayer.run(backstage.asks_for(message_ids=("0003", "0021")))
    assert replay.outcomes == {Outcome.REPLAYED: 2}
    assert len(backstage.queues["OrdersQueue"].bodies) == 2
    assert backstage.boxes[BoxName.ORDERS].counts().visible == LETTERS - 2


def test_a_letter_that_somebody_else_replays_meanwhile_is_gone_and_no_failure() -> None:
    backstage = Backstage()
    filled(backstage, 3)
    box = backstage.boxes[BoxName.ORDERS]
    asked = backstage.asks_for()
    planned = backstage.replayer._planned(asked)
    del box.messages["0001"], box.visible_at["0001"]
    replay = backstage.replayer.run(planned)
    assert replay.outcomes == {Outcome.REPLAYED: 2, Outcome.GONE: 1}


def test_a_letter_that_somebody_else_is_looking_at_is_waited_for() -> None:
    backstage = Backstage()
    filled(backstage, 3)
    planned = backstage.replayer._planned(backstage.asks_for())
    backstage.boxes[BoxName.ORDERS].visible_at["0001"] = 20
    replay = backstage.replayer.run(planned)
    assert replay.outcomes == {Outcome.REPLAYED: 3}
    assert backstage.time.seconds >= 20


def test_a_replay_keeps_its_rate() -> None:
    backstage = Backstage()
    filled(backstage, 101)
    backstage.replayer.run(backstage.asks_for(rate=20))
    assert backstage.time.seconds == pytest.approx(100 / 20)


def test_a_replay_stops_in_time_and_another_invocation_goes_on() -> None:
    backstage = Backstage()
    filled(backstage, 60)
    replay = backstage.asks_for(rate=10)
    runs = 0
    while replay.state is not ReplayState.DONE:
        replay = backstage.replayer.run(replay, until=backstage.time.seconds + 2)
        runs += 1
    assert runs > 1
    assert len(backstage.queues["OrdersQueue"].bodies) == 60


def test_a_dry_run_tells_what_each_letter_would_do_and_changes_nothing() -> None:
    backstage = Backstage()
    bodies = filled(backstage)
    replay = backstage.replayer.run(backstage.asks_for(Action.DRY_RUN))
    assert replay.outcomes == {Outcome.WOULD_ACT: LETTERS}
    assert replay.state is ReplayState.DONE
    assert {entry.text for entry in backstage.journal.noted.values()} == {"would reserve 2 x canvas-backpack"}
    assert sorted(backstage.boxes[BoxName.ORDERS].bodies) == sorted(bodies)
    assert backstage.boxes[BoxName.ORDERS].counts().visible == LETTERS
    assert not any(queue.bodies for queue in backstage.queues.values())


def test_a_dropped_letter_is_kept_whole_in_the_record() -> None:
    backstage = Backstage()
    backstage.boxes[BoxName.ORDERS].put('{"whole": true}', {"a": "b"})
    backstage.replayer.run(backstage.asks_for(Action.DROP))
    (entry,) = backstage.journal.noted.values()
    assert (entry.body, entry.attributes, entry.outcome) == ('{"whole": true}', {"a": "b"}, Outcome.DROPPED)
    assert backstage.boxes[BoxName.ORDERS].bodies == []


def test_a_look_sees_every_letter_once_and_gives_all_back() -> None:
    backstage = Backstage()
    bodies = filled(backstage, 137)
    seen = look(backstage.boxes[BoxName.ORDERS], backstage.time.clock)
    assert sorted(message.body for message in seen.messages) == sorted(bodies)
    assert seen.missed == 0
    assert backstage.boxes[BoxName.ORDERS].counts().visible == 137


def test_a_look_that_is_cut_off_gives_back_what_it_held() -> None:
    backstage = Backstage()
    filled(backstage, 30)
    box = backstage.boxes[BoxName.ORDERS]
    calls = itertools.count()

    def ctrl_c_once() -> None:
        if next(calls) == 2:
            raise KeyboardInterrupt

    box.step = ctrl_c_once
    with pytest.raises(KeyboardInterrupt):
        look(box, backstage.time.clock)
    assert box.counts().visible == 30


def test_two_who_look_at_once_both_see_everything() -> None:
    backstage = Backstage()
    filled(backstage, 40)
    box = backstage.boxes[BoxName.ORDERS]
    other = box.receive(2) + box.receive(2)
    assert len(other) == 20
    seen = look(box, backstage.time.clock)
    assert len(seen.messages) == 40


def test_what_somebody_holds_all_the_while_is_said_to_be_missed() -> None:
    backstage = Backstage()
    filled(backstage, 15)
    box = backstage.boxes[BoxName.ORDERS]
    box.receive(3600)
    seen = look(box, backstage.time.clock)
    assert (len(seen.messages), seen.missed) == (5, 10)
