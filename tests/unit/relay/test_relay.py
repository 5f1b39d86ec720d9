"""The relay: what a table's stream shows, handed to the bus once, and nothing lost where the bus says no."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import count, pairwise
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from hypothesis import example, given
from hypothesis import strategies as st

from cloudretail import aws, dynamodb
from cloudretail.decider import Change
from cloudretail.errors import Transient
from cloudretail.event import EventData
from cloudretail.outbox import Row
from contract import parse
from contract.inventory import InventoryReserved
from contract.values import StockLine
from inventory.domain import Reservation, ReservationStatus
from inventory.store import RESERVATIONS
from relay import stream
from relay.stream import MAX_BYTES, MAX_ENTRIES, Entry, batches, handler, size
from tests.support.examples import CAUSE, EXAMPLES, NOW
from tests.support.invocations import Context
from tests.support.tables import shop_tables
from tests.support.wire import Wire, everything_printed, refused

BUS = "shop-bus"
SEQUENCE = count(111)
RESERVED = next(data for data in EXAMPLES if isinstance(data, InventoryReserved))
STATE = Reservation(order_id=RESERVED.order_id, status=ReservationStatus.HELD, lines=RESERVED.lines)


def row(*events: EventData, read: Row[Reservation] | None = None) -> Row[Reservation]:
    """A reservation's row after a transition that had these events."""
    return RESERVATIONS.after(STATE.order_id, read, Change(STATE, events), CAUSE, NOW)


def record(image: Row[Reservation] | None, name: str = "MODIFY") -> dict[str, Any]:
    """What the table's stream shows of a write."""
    change: dict[str, Any] = {"Keys": {"orderId": {"S": STATE.order_id}}, "StreamViewType": "NEW_IMAGE"}
    change["SequenceNumber"] = str(next(SEQUENCE))
    if image:
        change["NewImage"] = dynamodb.to_item(RESERVATIONS.to_item(image))
    return {"eventName": name, "eventSource": "aws:dynamodb", "dynamodb": change}


class Bus:
    """EventBridge, as far as the relay sees it.

    Attributes:
        calls: the entries of each PutEvents.
        receipts: the error code of the entries to come, in order; None or nothing more for one that is taken.
    """

    def __init__(self) -> None:
        self.calls: list[list[Entry]] = []
        self.receipts: list[str | None] = []
        self.error: Exception | None = None

    def put_events(self, Entries: Sequence[Entry]) -> dict[str, Any]:  # noqa: N803 the client's own name
        self.calls.append(list(Entries))
        if self.error:
            raise self.error
        answers = []
        for number, _ in enumerate(Entries):
            code = self.receipts.pop(0) if self.receipts else None
            answers.append({"ErrorCode": code, "ErrorMessage": "injected"} if code else {"EventId": str(number)})
        return {"Entries": answers, "FailedEntryCount": sum("ErrorCode" in answer for answer in answers)}

    @property
    def taken(self) -> list[str]:
        """The documents that were offered, in order."""
        return [entry["Detail"] for call in self.calls for entry in call]


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, shop_tables(environment):
        environment.setenv("STAGE", "local")
        environment.setenv("EVENT_BUS_NAME", BUS)
        environment.setenv("DLQ_URL", aws.sqs().create_queue(QueueName="relay-dlq")["QueueUrl"])
        stream._settings.cache_clear()
        yield


@pytest.fixture
def bus(account: None, monkeypatch: pytest.MonkeyPatch) -> Bus:
    bus = Bus()
    monkeypatch.setattr(aws, "eventbridge", lambda: bus)
    parked()
    return bus


def parked() -> list[dict[str, Any]]:
    """Takes everything out of the relay's dead-letter queue."""
    url = stream._settings().dlq_url
    messages: list[dict[str, Any]] = []
    while found := aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            messages.append(json.loads(message["Body"]))
            aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return messages


def relay(*records: dict[str, Any]) -> None:
    handler({"Records": list(records)}, cast(LambdaContext, Context()))


def many(number: int, padding: int = 0) -> list[dict[str, Any]]:
    """Records of as many rows, each with an event that is longer by `padding` bytes."""
    records = []
    for n in range(number):
        line = StockLine.model_construct(product_id=f"p{n}{'x' * padding}", quantity=1)
        records.append(record(row(RESERVED.model_copy(update={"lines": (line,)}))))
    return records


# --- what is published ----------------------------------------------------------------------------------------------


def test_an_event_goes_to_the_bus_as_the_row_has_it(bus: Bus) -> None:
    image = row(RESERVED)

    relay(record(image, "INSERT"))

    assert image.outbox
    assert bus.calls == [
        [
            {
                "EventBusName": BUS,
                "Source": "cloudretail.inventory",
                "DetailType": "InventoryReserved",
                "Detail": image.outbox.events[0],
            }
        ]
    ]
    assert parse(bus.taken[0]).data == RESERVED
    assert parked() == []


@pytest.mark.parametrize("data", EXAMPLES, ids=lambda data: data.event_type.name)
def test_every_event_is_addressed_as_its_contract_says(bus: Bus, data: EventData) -> None:
    relay(record(row(data)))

    ((entry,),) = bus.calls
    assert (entry["Source"], entry["DetailType"]) == (data.event_type.source, data.event_type.name)
    assert json.loads(entry["Detail"])["type"] == data.event_type.type


def test_several_events_of_one_transition_go_in_their_order(bus: Bus) -> None:
    relay(record(row(*EXAMPLES)))

    assert [parse(document).data for document in bus.taken] == list(EXAMPLES)


def test_a_row_that_changed_without_events_does_not_publish_its_last_ones_again(bus: Bus) -> None:
    first = row(RESERVED)
    second = row(read=first)
    third = row(RESERVED, read=second)

    relay(record(first), record(second), record(third))

    assert [parse(document).id for document in bus.taken] == [
        f"inventory:{STATE.order_id}:1:0",
        f"inventory:{STATE.order_id}:3:0",
    ]


@pytest.mark.parametrize(
    "records",
    [
        [],
        [record(None, "REMOVE")],
        [record(row())],
        [record(row(read=row(RESERVED)))],
    ],
    ids=["no record", "a removed row", "a row without an outbox", "a row with an old outbox"],
)
def test_where_nothing_is_due_nobody_is_called(bus: Bus, records: list[dict[str, Any]]) -> None:
    relay(*records)

    assert bus.calls == []
    assert parked() == []


def test_the_same_record_again_is_the_same_event_again(bus: Bus) -> None:
    relay(record(row(RESERVED)))
    relay(record(row(RESERVED)))

    assert bus.taken[0] == bus.taken[1]


# --- in which calls -------------------------------------------------------------------------------------------------


def test_events_go_in_calls_of_ten(bus: Bus) -> None:
    records = many(23)

    relay(*records)

    assert [len(call) for call in bus.calls] == [10, 10, 3]
    assert len(set(bus.taken)) == 23


def test_a_call_is_never_larger_than_the_bus_takes(bus: Bus) -> None:
    relay(*many(7, padding=100_000))

    assert [len(call) for call in bus.calls] == [2, 2, 2, 1]


ENTRIES = st.lists(st.integers(0, MAX_BYTES + 1000), max_size=40)


@given(ENTRIES)
@example([MAX_BYTES // 2, MAX_BYTES // 2])
def test_whatever_the_sizes_no_call_is_too_large_and_no_entry_is_lost_or_overtaken(sizes: list[int]) -> None:
    entries = [{"Source": "", "DetailType": "", "Detail": "x" * each} for each in sizes]

    calls = list(batches(entries))

    assert [entry for call in calls for entry in call] == entries
    for call in calls:
        assert 0 < len(call) <= MAX_ENTRIES
        assert sum(map(size, call)) <= MAX_BYTES or len(call) == 1
    for call, following in pairwise(calls):
        assert len(call) == MAX_ENTRIES or sum(map(size, [*call, following[0]])) > MAX_BYTES


def test_a_size_is_counted_in_bytes() -> None:
    assert size({"Source": "é", "DetailType": "→", "Detail": "x", "EventBusName": "not counted"}) == 6


# --- where the bus says no ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure", "InternalException", "ServiceUnavailable"])
def test_what_the_bus_may_take_later_fails_the_invocation(bus: Bus, code: str) -> None:
    bus.receipts = [None, code, None]

    with pytest.raises(Transient, match="1 of 3 entries"):
        relay(*many(3))

    assert parked() == []


def test_after_such_a_failure_the_rest_waits_for_the_next_try(bus: Bus) -> None:
    """The stream gives the whole batch again: what was published then is published twice, in the same order."""
    bus.receipts = ["ThrottlingException"]
    records = many(12)

    with pytest.raises(Transient):
        relay(*records)
    assert [len(call) for call in bus.calls] == [10]
    relay(*records)

    assert bus.taken[10:] == [document for r in records for document in documents(r)]


@pytest.fixture
def on_aws(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STAGE", "prod")
    stream._settings.cache_clear()
    yield
    stream._settings.cache_clear()


@pytest.mark.usefixtures("on_aws")
def test_on_aws_the_stream_goes_on_from_the_first_record_that_is_not_published_whole(bus: Bus) -> None:
    records = many(12)
    bus.receipts = [*([None] * 10), "ThrottlingException", None]

    answer = handler({"Records": records}, cast(LambdaContext, Context()))

    assert answer == {"batchItemFailures": [{"itemIdentifier": records[10]["dynamodb"]["SequenceNumber"]}]}
    assert handler({"Records": records[10:]}, cast(LambdaContext, Context())) is None
    assert {d for r in records for d in documents(r)} == set(bus.taken)


@pytest.mark.usefixtures("on_aws")
def test_on_aws_nothing_is_named_where_the_bus_took_everything(bus: Bus) -> None:
    assert handler({"Records": many(2)}, cast(LambdaContext, Context())) is None
    assert len(bus.taken) == 2


def documents(shown: dict[str, Any]) -> list[str]:
    image = dynamodb.from_item(shown["dynamodb"]["NewImage"])
    return list(image["outbox"]["events"])


@pytest.mark.parametrize(
    "error", [refused("ThrottlingException", "PutEvents"), refused("AccessDeniedException", "PutEvents")]
)
def test_a_call_that_fails_as_a_whole_fails_the_invocation(bus: Bus, error: Exception) -> None:
    bus.error = error

    with pytest.raises(Transient):
        relay(*many(1))

    assert parked() == []


@pytest.mark.parametrize("code", ["MalformedDetail", "NotAuthorizedForSourceException", "InvalidArgument"])
def test_what_the_bus_refuses_for_good_is_parked_whole_and_the_rest_goes_on(bus: Bus, code: str) -> None:
    bus.receipts = [None, code]
    records = many(12)

    relay(*records)

    assert [len(call) for call in bus.calls] == [10, 2]
    (letter,) = parked()
    assert letter == {"entry": bus.calls[0][1], "errorCode": code, "errorMessage": "injected"}
    assert parse(letter["entry"]["Detail"]).data.subject == STATE.order_id


def test_of_one_call_some_may_be_parked_and_some_tried_again(bus: Bus) -> None:
    bus.receipts = ["MalformedDetail", "ThrottlingException", None]

    with pytest.raises(Transient, match="1 of 3 entries"):
        relay(*many(3))

    assert [letter["errorCode"] for letter in parked()] == ["MalformedDetail"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda image: image.pop("version"),
        lambda image: image["outbox"]["M"].pop("version"),
        lambda image: image["outbox"]["M"]["events"].update(L=[{"S": "no JSON"}]),
        lambda image: image["outbox"]["M"]["events"].update(L=[{"S": '{"type": "something.else", "source": "x"}'}]),
        lambda image: image["outbox"]["M"]["events"].update(L=[{"S": "{}"}]),
        lambda image: image.update(outbox={"S": "none"}),
    ],
)
def test_a_record_that_cannot_be_read_is_parked_whole_and_the_rest_is_published(
    bus: Bus, spoil: Callable[[dict[str, Any]], object]
) -> None:
    good, bad = record(row(RESERVED)), record(row(RESERVED))
    spoil(bad["dynamodb"]["NewImage"])

    relay(good, bad, good)

    assert [len(call) for call in bus.calls] == [2]
    (kept,) = parked()
    assert (kept["record"], kept["errorCode"]) == (bad, "Unreadable")


def test_an_event_that_is_too_large_for_any_call_is_parked_without_asking_and_the_rest_goes_on(bus: Bus) -> None:
    small, large, last = (*many(1), *many(1, padding=MAX_BYTES), *many(1))

    relay(small, large, last)

    assert bus.taken == [*documents(small), *documents(last)]
    (letter,) = parked()
    assert letter["errorCode"] == "EntryTooLarge"
    assert [letter["entry"]["Detail"]] == documents(large)


def test_an_event_as_large_as_the_bus_takes_is_published(bus: Bus) -> None:
    (shown,) = many(1)
    relay(shown)
    room = MAX_BYTES - size(bus.calls.pop()[0])

    relay(*many(1, padding=room))
    relay(*many(1, padding=room + 1))

    assert [len(call) for call in bus.calls] == [1]
    assert [letter["errorCode"] for letter in parked()] == ["EntryTooLarge"]


def test_an_entry_without_a_receipt_is_not_taken_for_published(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "put_events", lambda Entries: {"Entries": [{"EventId": "1"}]})  # noqa: N803

    with pytest.raises(ValueError, match="shorter"):
        relay(*many(2))


def test_what_cannot_even_be_parked_fails_the_invocation(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused("InternalError", "SendMessage")
    Wire(monkeypatch).refuses("SendMessage", error)
    bus.receipts = ["MalformedDetail"]

    with pytest.raises(Transient):
        relay(*many(1))


def test_what_was_parked_is_counted_and_named(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = everything_printed(monkeypatch)
    bus.receipts = [None, "MalformedDetail", None]

    relay(*many(3))

    lines = printed.getvalue().replace(" ", "")
    assert '"Parked":[1.0]' in lines
    assert '"detail_type":"InventoryReserved"' in lines
    assert '"code":"MalformedDetail"' in lines


def test_a_copy_of_a_row_publishes_nothing_again_and_its_next_write_does(bus: Bus) -> None:
    """As an import, or a script that moves the rows of a restored table, writes it."""
    copied, changed = record(row(RESERVED), "INSERT"), record(row(RESERVED, read=row(RESERVED)))
    copied["dynamodb"]["ApproximateCreationDateTime"] = (NOW + timedelta(days=1)).timestamp()
    changed["dynamodb"]["ApproximateCreationDateTime"] = NOW.timestamp()

    relay(copied, changed)

    assert [json.loads(each)["id"].split(":")[2] for each in bus.taken] == ["2"]
    assert parked() == []
