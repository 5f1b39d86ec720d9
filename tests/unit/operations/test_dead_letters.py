"""What a dead letter is, why it is one, which ones are meant, and where each belongs."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from cloudretail.failures import UNKNOWN_CAUSE, FailureState, died
from cloudretail.money import Money
from contract.inventory import InventoryReserved
from contract.orders import OrderPlaced
from operations.dead_letters.domain import (
    TREND,
    DeadLetter,
    DeadMessage,
    QueueMessage,
    Selection,
    dead_letter,
    death_of,
    grouped,
    owner_of,
    read,
)
from operations.queues import RELAY_DLQ, REPLAY_WORKER_DLQ, RULE_TARGETS_DLQ, ConsumerQueue
from operations.replays.domain import NoDestination, ToBus, ToQueue, ToReplayWorker, destinations
from tests.support.dead_letters import NAMES, SUBSCRIBERS
from tests.support.examples import EXAMPLES, NOW, ORDER, event_of

PLACED = event_of(next(data for data in EXAMPLES if isinstance(data, OrderPlaced)))
RESERVED = event_of(next(data for data in EXAMPLES if isinstance(data, InventoryReserved)))


def letter(body: str, queue: str = "OrdersDlq", **attributes: str) -> DeadMessage:
    return read(queue, QueueMessage("message-1", body, NOW, attributes))


def collected(dead: DeadMessage) -> DeadLetter:
    """As the list shows a message that nothing was known of before."""
    row = died(None, death_of(dead, NAMES))
    assert row
    return dead_letter(row)


def dead(body: str = "", *, exception: str = "Permanent", line: int = 39, version: str = "7") -> DeadLetter:
    said = {
        "key": PLACED.id,
        "cause": f"{exception}: there is no order at orders/reactions.py:{line} in answer",
        "code": f"{exception} in answer (orders/reactions.py)",
    }
    found = collected(letter(body or PLACED.to_json(), failure=json.dumps(said)))
    cause = found.cause.model_copy(update={"version": version})
    return found.model_copy(update={"cause": cause, "user_id": "user-1"})


# ---------------------------------------------------------------------------------------------------------- reading


def test_an_event_is_read_whole() -> None:
    seen = letter(PLACED.to_json())
    assert (seen.event, seen.invalid) == (PLACED, None)
    assert (seen.event_name, seen.order_id, seen.key) == ("OrderPlaced", ORDER["order_id"], PLACED.id)


def test_of_an_event_that_is_not_valid_any_more_name_and_order_are_known_all_the_same() -> None:
    broken = json.loads(PLACED.to_json())
    del broken["data"]["total"]
    seen = letter(json.dumps(broken))
    assert seen.event is None
    assert seen.invalid is not None
    assert "data.total" in seen.invalid
    assert (seen.event_name, seen.order_id) == ("OrderPlaced", ORDER["order_id"])
    assert seen.key == "message-1", "its consumer could not read an id either"


def test_of_an_event_of_an_unknown_type_its_subject_is_taken_for_the_order() -> None:
    unknown = {"type": "cloudretail.orders.OrderPoisoned.v1", "id": "event-1", "subject": "order-1"}
    seen = letter(json.dumps(unknown))
    assert (seen.event_name, seen.event_id, seen.order_id) == ("OrderPoisoned", "event-1", "order-1")


def test_a_message_that_its_consumer_gave_up_says_itself_under_which_key_and_why() -> None:
    stated = {"cause": "InvalidEvent: not a CloudEvent at cloudretail/envelope.py:98", "key": "of-old"}
    stated |= {"code": "InvalidEvent in parse", "requestId": "request-1", "messageId": "of-old", "generation": 2}  # type: ignore[dict-item]
    death = death_of(letter("no json", failure=json.dumps(stated), other="kept"), NAMES)
    assert (death.event_id, death.message_id, death.generation, death.id) == ("of-old", "of-old", 2, "of-old/2")
    assert death.cause
    assert (death.cause.exception, death.cause.code, death.cause.request_id) == (
        "InvalidEvent", "InvalidEvent in parse", "request-1",
    )  # fmt: skip
    assert death.cause.message == "not a CloudEvent at cloudretail/envelope.py:98"
    assert death.attributes == {"other": "kept"}


@pytest.mark.parametrize("body", ["", "no json", "[]", "null", '{"id": 1, "subject": [], "type": {}}', "[" * 100_000])
def test_rubbish_is_a_letter_too(body: str) -> None:
    seen = letter(body)
    assert seen.invalid
    assert (seen.event, seen.event_id, seen.event_name, seen.order_id) == (None, None, None, None)


def test_a_whole_event_of_the_bus_is_as_good_as_what_its_rule_would_have_handed_over() -> None:
    whole = {"version": "0", "detail-type": "OrderPlaced", "detail": json.loads(PLACED.to_json())}
    assert letter(json.dumps(whole), RULE_TARGETS_DLQ).event == PLACED


def test_what_the_relay_parked_says_itself_why() -> None:
    entry = {"EventBusName": "bus", "Source": "cloudretail.orders", "DetailType": "OrderPlaced"}
    parked = {"entry": {**entry, "Detail": PLACED.to_json()}, "errorCode": "TooBig", "errorMessage": "300 kB"}
    seen = letter(json.dumps(parked), RELAY_DLQ)
    assert seen.event == PLACED
    cause = collected(seen).cause
    assert (cause.exception, cause.message) == ("TooBig", "300 kB")
    assert destinations(seen, NAMES, SUBSCRIBERS, NOW) == [ToBus({**entry, "Detail": PLACED.to_json()})]


def test_what_lambda_gave_up_on_is_unpacked() -> None:
    body = {
        "requestContext": {"condition": "RetriesExhausted"},
        "requestPayload": {"replayId": "rpl_1"},
        "responsePayload": {"errorType": "KeyError", "errorMessage": "x"},
    }
    seen = letter(json.dumps(body), REPLAY_WORKER_DLQ)
    assert json.loads(seen.document) == {"replayId": "rpl_1"}
    assert collected(seen).cause.exception == "KeyError"
    assert destinations(seen, NAMES, SUBSCRIBERS, NOW) == [ToReplayWorker()]


# ----------------------------------------------------------------------------------------------------------- causes


def test_a_letter_without_a_kept_cause_timed_out_or_crashed() -> None:
    assert collected(letter("{}")).cause.code == UNKNOWN_CAUSE


def test_a_letter_is_found_by_its_events_id_and_what_is_none_by_the_messages() -> None:
    event, none = collected(letter(PLACED.to_json())), collected(letter("{}"))
    assert (event.message_id, event.event_id, event.state) == (PLACED.id, PLACED.id, FailureState.DEAD)
    assert (none.message_id, none.event_id, none.since) == ("message-1", None, NOW)


def test_one_event_whose_three_targets_failed_is_three_failures() -> None:
    arns = {
        each: f"arn:aws:sqs:ap-southeast-1:1:shop-{each}Queue" for each in ("Inventory", "Payments", "Notifications")
    }
    found = [collected(letter(PLACED.to_json(), RULE_TARGETS_DLQ, TARGET_ARN=arn)) for arn in arns.values()]
    assert [each.queue for each in found] == ["InventoryDlq", "PaymentsDlq", "NotificationsDlq"]
    assert {(each.message_id, each.found_in) for each in found} == {(PLACED.id, RULE_TARGETS_DLQ)}


def test_what_names_no_target_is_the_rules_own_failure_and_explained_as_what_it_is() -> None:
    rubbish = letter("rubbish", RULE_TARGETS_DLQ, ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="no")
    assert owner_of(rubbish, NAMES).consumer == "rule-targets"
    found = collected(rubbish)
    assert (found.queue, found.cause.exception, found.cause.message) == (RULE_TARGETS_DLQ, "NO_PERMISSIONS", "no")
    assert rubbish.invalid


@pytest.mark.parametrize("queue", [RELAY_DLQ, RULE_TARGETS_DLQ, REPLAY_WORKER_DLQ])
def test_rubbish_in_a_queue_without_a_consumer_is_called_that_and_no_crash(queue: str) -> None:
    found = collected(letter("rubbish", queue))
    assert found.queue == queue
    assert found.cause.exception.startswith("Not")
    assert "put it here" in str(found.cause.message)


def test_letters_are_grouped_by_what_their_causes_have_in_common_and_not_by_line_the_most_frequent_first() -> None:
    letters = [dead(), dead(exception="Transient"), dead("{}", version="8"), dead(line=41)]
    first, second = grouped(letters, NOW + timedelta(minutes=59))
    assert (first.cause, first.count) == ("Permanent in answer (orders/reactions.py)", 3)
    assert first.events == {"OrderPlaced": 2, "no event": 1}
    assert (first.orders, first.trend[-3:], first.versions) == (1, (0, 0, 3), ("7", "8"))
    assert (second.cause, second.count) == ("Transient in answer (orders/reactions.py)", 1)
    assert [group.trend[-3:] for group in grouped(letters, NOW + timedelta(hours=2))] == [(3, 0, 0), (1, 0, 0)]
    assert {len(group.trend) for group in grouped(letters, NOW + timedelta(days=3))} == {TREND}


def test_a_cause_says_how_many_customers_it_concerns_and_what_their_orders_come_to_each_counted_once() -> None:
    def of(order: str, user: str | None, amount: int, currency: str = "SGD") -> DeadLetter:
        stake = Money(amount=amount, currency=currency) if user else None
        return dead().model_copy(update={"order_id": order, "user_id": user, "at_stake": stake})

    letters = [of("a", "u1", 100), of("a", "u1", 100), of("b", "u1", 50), of("c", "u2", 7, "JPY"), of("d", None, 0)]
    (group,) = grouped(letters, NOW)
    assert (group.orders, group.customers) == (4, 2)
    assert [str(each) for each in group.at_stake] == ["JPY 7", "SGD 1.50"]


# -------------------------------------------------------------------------------------------------------- selections


@pytest.mark.parametrize(
    ("filters", "matched"),
    [
        ({}, True),
        ({"message_ids": [PLACED.id]}, True),
        ({"message_ids": ["message-2"]}, False),
        ({"order_id": ORDER["order_id"]}, True),
        ({"order_id": "ord_other"}, False),
        ({"user_id": "user-1"}, True),
        ({"user_id": "user-2"}, False),
        ({"event_name": "orderplaced"}, True),
        ({"event_name": "OrderConfirmed"}, False),
        ({"cause": "permanent"}, True),
        ({"cause": "in answer"}, True),
        ({"cause": "there is no order"}, True),
        ({"cause": dead().cause.fingerprint}, True),
        ({"cause": "Transient"}, False),
        ({"since": NOW}, True),
        ({"since": NOW + timedelta(seconds=1)}, False),
        ({"until": NOW}, True),
        ({"until": NOW - timedelta(seconds=1)}, False),
        ({"order_id": ORDER["order_id"], "event_name": "OrderConfirmed"}, False),
    ],
)
def test_a_selection_matches_what_passes_all_its_filters(filters: dict[str, object], matched: bool) -> None:
    assert Selection.model_validate({"queue": "OrdersDlq", **filters}).matches(dead()) is matched


@pytest.mark.parametrize(
    "filters",
    [
        {"order_id": ""},
        {"event_name": ""},
        {"cause": ""},
        {"message_ids": [""]},
        {"since": "2026-01-02T03:04:05"},
        {"since": "2026-01-02"},
        {"until": 1767323045},
        {"until": "1767323045"},
    ],
    ids=str,
)
def test_a_filter_that_means_nothing_or_no_one_moment_is_refused(filters: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Selection.model_validate({"queue": "OrdersDlq", **filters})
    assert next(iter(filters)) in str(refused.value)


def test_a_filter_says_its_zone_in_any_way_of_iso_8601() -> None:
    for text in ("2026-01-02T03:04:05Z", "2026-01-02T11:04:05+08:00", "2026-01-02 03:04:05.000Z"):
        assert Selection.model_validate({"queue": "OrdersDlq", "since": text}).since == NOW


@pytest.mark.parametrize("name", ["OrdersDlq", "orders", "ordersqueue", "ORDERS"])
def test_a_queue_is_found_by_what_people_call_it(name: str) -> None:
    assert NAMES.find(name) == "OrdersDlq"


def test_a_queue_of_two_words_is_found_too_and_no_other() -> None:
    assert NAMES.find("payment-worker") == "PaymentWorkerDlq"
    assert NAMES.find("replay") is None


# ------------------------------------------------------------------------------------------------------- destinations


@pytest.mark.parametrize("consumer", NAMES.consumers, ids=lambda consumer: consumer.consumer)
def test_a_message_goes_back_to_the_one_consumer_that_failed_without_delay(consumer: ConsumerQueue) -> None:
    assert ConsumerQueue.by_dead_letter_queue(consumer.dead_letter_queue) == consumer
    dead = letter(RESERVED.to_json(), consumer.dead_letter_queue)
    assert destinations(dead, NAMES, SUBSCRIBERS, NOW) == [ToQueue(consumer, 0)]


def queues_of(undelivered: DeadMessage) -> list[str]:
    targets = destinations(undelivered, NAMES, SUBSCRIBERS, NOW)
    return [target.consumer.queue for target in targets if isinstance(target, ToQueue)]


def test_what_a_rule_could_not_deliver_goes_to_its_target_alone() -> None:
    arn = "arn:aws:sqs:ap-southeast-1:1:shop-InventoryQueue-ABC"
    assert queues_of(letter(PLACED.to_json(), RULE_TARGETS_DLQ, TARGET_ARN=arn)) == ["InventoryQueue"]
    rule = "arn:aws:events:ap-southeast-1:1:rule/shop/shop-PaymentsRule-ABC"
    assert queues_of(letter(PLACED.to_json(), RULE_TARGETS_DLQ, RULE_ARN=rule)) == ["PaymentsQueue"]


def test_what_names_no_target_goes_to_all_that_it_is_for() -> None:
    undelivered = letter(PLACED.to_json(), RULE_TARGETS_DLQ)
    assert queues_of(undelivered) == ["InventoryQueue", "PaymentsQueue", "NotificationsQueue"]


def test_what_names_no_target_and_is_no_event_goes_nowhere() -> None:
    with pytest.raises(NoDestination):
        destinations(letter("{}", RULE_TARGETS_DLQ), NAMES, SUBSCRIBERS, NOW)
    with pytest.raises(NoDestination):
        destinations(letter("{}", RELAY_DLQ), NAMES, SUBSCRIBERS, NOW)


def test_a_reservation_that_never_came_to_the_window_queue_waits_there_until_the_window_closes() -> None:
    arn = "arn:aws:sqs:ap-southeast-1:1:shop-PaymentWindowQueue-ABC"
    data = RESERVED.data
    assert isinstance(data, InventoryReserved)
    for left, delay in ((timedelta(seconds=90), 90), (timedelta(seconds=-5), 0), (timedelta(days=1), 900)):
        event = replace(RESERVED, data=data.model_copy(update={"until": NOW + left}))
        (target,) = destinations(letter(event.to_json(), RULE_TARGETS_DLQ, TARGET_ARN=arn), NAMES, SUBSCRIBERS, NOW)
        assert isinstance(target, ToQueue)
        assert (target.consumer.queue, target.delay) == ("PaymentWindowQueue", delay)
