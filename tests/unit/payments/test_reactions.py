"""The handlers of the three payment queues in process: batches of events as their producers send them."""

import pytest

from cloudretail import aws
from cloudretail.breaker import AWAY
from cloudretail.envelope import Event
from cloudretail.event import EventData
from cloudretail.outbox import Row
from contract import parse
from contract.payments import AttemptReported, PaymentSubmitted, PaymentSucceeded
from contract.values import PaymentMethod
from payments.domain import Payment
from payments.providers import SANDBOX, Sandbox
from payments.reactions import handler
from payments.window import handler as window_handler
from payments.worker import handler as worker_handler
from tests.support.examples import EXAMPLES, ORDER, PAYMENT, event_of, name_of, sgd
from tests.support.queue import Queue
from tests.support.wire import Wire, everything_printed, refused
from tests.unit.payments.conftest import Till
from tests.unit.payments.test_rules import payment

ID = str(PAYMENT["payment_id"])
BY_NAME = {name_of(data): data for data in EXAMPLES}
COD = BY_NAME["OrderPlaced"].model_copy(update={"payment_method": PaymentMethod.COD})


def an_event(name: str) -> Event:
    return event_of(BY_NAME[name], f"event:{name}")


@pytest.fixture
def queue(wire: Wire) -> Queue:
    return Queue(handler, wire)


@pytest.fixture
def window(wire: Wire) -> Queue:
    return Queue(window_handler, wire)


@pytest.fixture
def worker(wire: Wire) -> Queue:
    return Queue(worker_handler, wire)


def refunds(till: Till) -> list[str]:
    """Where those of the payment stand."""
    return [str(refund.status) for refund in till.row.state.refunds]


def outbox(row: Row[Payment]) -> list[Event]:
    return [parse(document) for document in row.outbox.events] if row.outbox else []


# --- learning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first, second", [("OrderPlaced", "InventoryReserved"), ("InventoryReserved", "OrderPlaced")])
def test_an_order_with_cash_is_paid_once_it_is_known_and_reserved(
    till: Till, queue: Queue, first: str, second: str
) -> None:
    events = {"OrderPlaced": event_of(COD, "event:OrderPlaced"), "InventoryReserved": an_event("InventoryReserved")}

    assert queue.deliver(events[first]) == []
    assert (till.row.state.status, outbox(till.row)) == ("OPEN", [])
    assert queue.deliver(events[second]) == []

    assert till.row.state.status == "SUCCEEDED"
    (event,) = outbox(till.row)
    assert (event.id, event.causation_id) == (f"payments:{ID}:2:0", f"event:{second}")
    assert isinstance(event.data, PaymentSucceeded)


@pytest.mark.parametrize("name", ["OrderPlaced", "InventoryReserved", "InventoryReservationFailed", "OrderCancelled"])
def test_a_second_delivery_of_the_same_event_changes_nothing(till: Till, queue: Queue, name: str) -> None:
    queue.deliver(an_event(name))

    with till.unchanged():
        assert queue.deliver(an_event(name), an_event(name)) == []
        assert queue.deliver(an_event(name), attempt=3) == []


def test_what_comes_after_the_end_is_taken_and_changes_nothing(till: Till, queue: Queue) -> None:
    queue.deliver(an_event("InventoryReservationFailed"))

    with till.unchanged():
        assert queue.deliver(an_event("OrderPlaced"), an_event("InventoryReserved"), an_event("OrderCancelled")) == []


@pytest.mark.parametrize("data", EXAMPLES, ids=name_of)
def test_each_queue_takes_what_the_choreography_sends_it_and_nothing_else(
    till: Till, queue: Queue, window: Queue, worker: Queue, data: EventData
) -> None:
    till.has(payment("AR."))  # The window closes what is known, only.
    took = {
        name
        for name, each in (("payment-window", window), ("payments", queue), ("payment-worker", worker))
        if each.deliver(event_of(data)) == []
    }

    assert took == {
        "OrderPlaced": {"payments"},
        "InventoryReserved": {"payments", "payment-window"},
        "InventoryReservationFailed": {"payments"},
        "OrderCancelled": {"payments"},
        "ShipmentDelivered": {"payments"},
        "ReturnAccepted": {"payments"},
        "PaymentSubmitted": {"payment-worker"},
        "ChargeCancellationRequested": {"payment-worker"},
        "RefundRequested": {"payment-worker"},
    }.get(name_of(data), set())


def test_a_failing_message_is_named_its_cause_is_kept_and_the_rest_goes_on(
    till: Till, queue: Queue, wire: Wire
) -> None:
    wire.refuses("PutItem", refused("ThrottlingException"), table="PaymentsTable")

    assert queue.deliver(an_event("OrderPlaced"), an_event("InventoryReserved"), "hello") == ["message-0", "message-2"]

    assert (queue.delays, queue.given_up) == ({"receipt-0": 2}, ["hello"])
    assert (till.row.state.amount, till.row.state.reserved) == (None, True)
    assert {(row["consumer"], row["eventId"], row["cause"]["exception"]) for row in till.rows("FailuresTable")} == {
        ("payments", "event:OrderPlaced", "ClientError"),
        ("payments", "message-2", "InvalidEvent"),
    }
    assert queue.deliver(an_event("OrderPlaced"), attempt=2) == []
    assert till.row.state.amount == 15430


def test_a_choice_of_the_shopper_in_between_is_not_overwritten(till: Till, queue: Queue, wire: Wire) -> None:
    queue.deliver(an_event("OrderPlaced"))
    wire.before("PutItem", lambda: till.has(payment("A.K")), table="PaymentsTable")

    assert queue.deliver(an_event("InventoryReserved")) == []

    assert (till.row.state.status, till.row.state.card_token) == ("SUBMITTED", "tok_visa")


# --- the window -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state, status, tells",
    [
        (payment("AR."), "FAILED", ["PaymentFailed"]),
        (payment("ARK", "SUBMITTED", attempts=1), "SUBMITTED", []),
        (payment("ARK", "SUCCEEDED", attempts=1), "SUCCEEDED", []),
        (payment("AR.", "VOIDED"), "VOIDED", []),
        (payment("...", "VOIDED"), "VOIDED", []),
    ],
    ids=["open", "an attempt runs", "paid", "voided", "voided before anything was heard"],
)
def test_when_the_window_closes_only_what_is_not_paid_fails(
    till: Till, window: Queue, state: Payment | None, status: str, tells: list[str]
) -> None:
    if state:
        till.has(state)

    assert window.deliver(an_event("InventoryReserved")) == []

    assert till.row.state.status == status
    assert [name_of(event.data) for event in outbox(till.row)] == tells


@pytest.mark.parametrize(
    "facts, then, finally_",
    [
        ("A.C", "SUCCEEDED", "SUCCEEDED"),
        ("A.K", "SUBMITTED", "SUBMITTED"),
        ("A..", "OPEN", "FAILED"),
    ],
    ids=["cash was chosen", "a card was chosen", "nothing was chosen"],
)
def test_a_window_that_is_the_first_to_tell_of_the_reservation_notes_it_and_closes_later(
    till: Till, window: Queue, facts: str, then: str, finally_: str
) -> None:
    till.has(payment(facts))

    assert window.deliver(an_event("InventoryReserved")) == ["message-0"]
    assert (till.row.state.status, till.row.state.reserved, till.row.state.window_closed) == (then, True, False)

    assert window.deliver(an_event("InventoryReserved"), attempt=2) == []
    assert (till.row.state.status, till.row.state.window_closed) == (finally_, then == "SUBMITTED")


def test_an_outage_of_payments_cancels_no_order_that_was_chosen_to_be_paid(
    till: Till, queue: Queue, window: Queue
) -> None:
    """Payments was away for longer than the window: its message overtakes OrderPlaced."""
    for attempt in (1, 2, 3):
        assert window.deliver(an_event("InventoryReserved"), attempt=attempt) == ["message-0"]
    assert (till.row.state.status, till.row.outbox) == ("OPEN", None)

    queue.deliver(event_of(COD, "event:OrderPlaced"))
    window.deliver(an_event("InventoryReserved"), attempt=4)

    assert till.row.state.status == "SUCCEEDED"


def test_a_window_whose_order_payments_does_not_know_waits_for_it(till: Till, window: Queue, wire: Wire) -> None:
    till.has(payment(".RC"))

    with till.unchanged("PaymentsTable"):
        assert window.deliver(an_event("InventoryReserved")) == ["message-0"]

    (cause,) = till.rows("FailuresTable")
    assert (cause["cause"]["exception"], "does not know the order" in cause["cause"]["message"]) == ("Transient", True)


def test_a_window_closes_once(till: Till, window: Queue) -> None:
    till.has(payment("ARK", "SUBMITTED", attempts=1))
    window.deliver(an_event("InventoryReserved"))
    assert till.row.state.window_closed

    with till.unchanged():
        assert window.deliver(an_event("InventoryReserved"), an_event("InventoryReserved")) == []


def test_the_log_tells_the_window_that_closes_from_the_reservation_itself(
    till: Till, window: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = everything_printed(monkeypatch)
    till.has(payment("AR."))

    window.deliver(an_event("InventoryReserved"))

    assert '"consumer":"payment-window"' in printed.getvalue()


def test_the_two_queues_of_one_event_keep_their_causes_apart(
    till: Till, queue: Queue, window: Queue, wire: Wire
) -> None:
    wire.refuses("PutItem", refused("ThrottlingException"), times=2, table="PaymentsTable")

    queue.deliver(an_event("InventoryReserved"))
    window.deliver(an_event("InventoryReserved"))

    assert {(row["consumer"], row["eventId"]) for row in till.rows("FailuresTable")} == {
        ("payments", "event:InventoryReserved"),
        ("payment-window", "event:InventoryReserved"),
    }


# --- the worker -----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def placed(till: Till) -> None:
    """The order that the worker looks at."""
    till.has_order(ORDER["order_id"], "RESERVED")


def submitted(attempt: int = 1) -> Event:
    data = PaymentSubmitted(**PAYMENT, attempt=attempt, amount=ORDER["total"], method=PaymentMethod.CARD)
    return event_of(data, f"payments:{ID}:{attempt}:0")


def paying_with(token: str) -> Payment:
    return payment("ARK", "SUBMITTED", attempts=1).model_copy(update={"card_token": token})


@pytest.mark.parametrize(
    "token, status",
    [("tok_visa", "SUCCEEDED"), ("tok_timeout", "SUCCEEDED"), ("tok_norefund", "SUCCEEDED"), ("tok_declined", "OPEN")],
)
def test_the_worker_takes_the_attempt_to_the_sandbox(till: Till, worker: Queue, token: str, status: str) -> None:
    till.has(paying_with(token))

    assert worker.deliver(submitted()) == []

    assert (till.row.state.status, till.row.state.card_token) == (status, None)
    assert list(till.charges()) == [f"{ID}:1"]


def test_an_order_that_was_cancelled_a_moment_ago_is_read_consistently_and_not_charged(
    till: Till, worker: Queue, wire: Wire
) -> None:
    till.has(paying_with("tok_visa"))
    till.has_order(ORDER["order_id"], "CANCELLED")

    assert worker.deliver(submitted()) == []

    assert (till.row.state.status, till.charges()) == ("VOIDED", {f"{ID}:1": "ENDED"})
    reads = [call for call in wire.made("GetItem") if call["TableName"] == "OrdersTable"]
    assert reads
    assert all(call["ConsistentRead"] for call in reads)


def test_money_that_was_taken_after_the_end_is_counted_for_its_alarm(
    till: Till, worker: Queue, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = everything_printed(monkeypatch)
    till.has(paying_with("tok_visa"))
    # Before the answer is written, and after the reference is: the second write of the row.
    wire.before(
        "UpdateItem",
        lambda: wire.before(
            "PutItem",
            lambda: wire.before(
                "PutItem", lambda: till.has(payment("AR.", "VOIDED", attempts=1)), table="PaymentsTable"
            ),
            table="PaymentsTable",
        ),
        table="SandboxChargesTable",
    )

    assert worker.deliver(submitted()) == []

    assert [name_of(event.data) for event in outbox(till.row)] == ["RefundRequested"]
    assert '"UnexpectedCharge"' in printed.getvalue()


def test_a_flaky_card_comes_again_twice_and_succeeds(till: Till, worker: Queue) -> None:
    till.has(paying_with("tok_flaky"))

    assert worker.deliver(submitted(), attempt=1) == ["message-0"]
    assert worker.deliver(submitted(), attempt=2) == ["message-0"]
    assert worker.delays == {"receipt-0": 4}
    assert worker.deliver(submitted(), attempt=3) == []

    assert till.row.state.status == "SUCCEEDED"
    failures = {row["consumer"]: row for row in till.rows("FailuresTable")}
    assert failures.keys() == {"payment-worker", AWAY}
    assert {row["state"] for row in failures.values()} == {"RESOLVED"}
    cause = failures["payment-worker"]["cause"]
    assert (cause["exception"], cause["attempt"]) == ("ProviderUnavailable", 2)


def test_a_charge_whose_answer_could_not_be_written_is_found_at_the_next_delivery(
    till: Till, worker: Queue, wire: Wire
) -> None:
    till.has(paying_with("tok_visa"))
    once = refused("InternalServerError")
    wire.before("PutItem", lambda: wire.refuses("PutItem", once, table="PaymentsTable"), table="PaymentsTable")

    assert worker.deliver(submitted()) == ["message-0"]
    assert till.charges() == {f"{ID}:1": "ACCEPTED"}
    wire.calls.clear()
    with till.unchanged("SandboxChargesTable"):
        assert worker.deliver(submitted(), attempt=2) == []

    assert till.row.state.status == "SUCCEEDED"
    assert [call for call in wire.made("UpdateItem") if call["TableName"] != "FailuresTable"] == []


def test_a_cancellation_while_the_provider_thinks_is_given_back_whole(till: Till, worker: Queue, wire: Wire) -> None:
    till.has(paying_with("tok_visa"))
    cancelled = payment("ARK", "SUBMITTED", attempts=1, remembers=".c", sent=True)
    till.has(payment("ARK", "SUBMITTED", attempts=1, sent=True))
    Sandbox("SandboxChargesTable").create(f"{ID}:1", sgd(15430), "tok_visa")
    wire.before("UpdateItem", lambda: till.has(cancelled), table="SandboxChargesTable")

    assert worker.deliver(submitted()) == []
    assert refunds(till) == ["REQUESTED"]
    (event,) = outbox(till.row)
    assert worker.deliver(event) == []

    assert refunds(till) == ["DONE"]
    assert till.charges() == {f"{ID}:1": "ACCEPTED", f"{ID}:refund:cancellation": "ACCEPTED"}


def test_a_refund_that_is_refused_is_told_and_counted_for_its_alarm(
    till: Till, queue: Queue, worker: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = everything_printed(monkeypatch)
    till.has(paying_with("tok_norefund"))
    worker.deliver(submitted())
    queue.deliver(an_event("OrderCancelled"))
    (event,) = outbox(till.row)

    assert worker.deliver(event) == []

    assert refunds(till) == ["TO_PAY_BY_HAND"]
    assert [name_of(event.data) for event in outbox(till.row)] == ["PaymentRefundFailed"]
    assert '"RefundRefused"' in printed.getvalue()


def test_a_dispute_is_told_and_counted_for_its_alarm(
    till: Till, worker: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = everything_printed(monkeypatch)
    till.has(paying_with("tok_dispute"))
    worker.deliver(submitted())
    report = AttemptReported(provider=SANDBOX, reference=f"{ID}:1")

    assert worker.deliver(event_of(report, "sandbox:report-1")) == []

    assert [name_of(event.data) for event in outbox(till.row)] == ["PaymentDisputed"]
    assert '"ChargeDisputed"' in printed.getvalue()


def test_a_replay_of_everything_charges_nobody_again(till: Till, queue: Queue, window: Queue, worker: Queue) -> None:
    placed, reserved = event_of(COD, "event:OrderPlaced"), an_event("InventoryReserved")
    queue.deliver(event_of(BY_NAME["OrderPlaced"], "event:OrderPlaced"), reserved)
    till.has(paying_with("tok_visa"))
    worker.deliver(submitted())
    window.deliver(reserved)
    queue.deliver(an_event("OrderCancelled"))

    with till.unchanged():
        queue.deliver(placed, reserved, an_event("OrderCancelled"))
        worker.deliver(submitted())
        window.deliver(reserved)


@pytest.mark.parametrize("token", ["tok_visa", "tok_timeout", "tok_flaky", "tok_declined"])
def test_no_token_is_logged_told_or_kept_as_a_cause(
    till: Till, worker: Queue, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    printed = everything_printed(monkeypatch)
    till.has(paying_with(token))

    for attempt in (1, 2, 3):
        worker.deliver(submitted(), attempt=attempt)

    assert "tok_" not in printed.getvalue()
    assert "tok_" not in str([event.to_json() for event in outbox(till.row)])
    assert "tok_" not in str(till.rows("FailuresTable"))


def test_a_row_that_cannot_be_read_fails_without_showing_its_token(
    till: Till, worker: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has been at the row by hand."""
    printed = everything_printed(monkeypatch)
    till.has(paying_with("tok_visa"))
    aws.dynamodb().update_item(
        TableName="PaymentsTable", Key={"paymentId": {"S": ID}}, UpdateExpression="REMOVE orderId, createdAt"
    )

    assert worker.deliver(submitted()) == ["message-0"]

    (cause,) = till.rows("FailuresTable")
    assert (cause["cause"]["exception"], "orderId" in cause["cause"]["message"]) == ("ValidationError", True)
    assert "input_value" not in str(cause)
    assert "input_value" not in printed.getvalue()
