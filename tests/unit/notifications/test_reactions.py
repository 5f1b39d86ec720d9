"""A shopper is written to once, whatever is delivered twice, fails, dies or races."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from cloudretail import aws, dynamodb
from cloudretail.consumer import Delivery
from cloudretail.decider import Done, Nothing
from cloudretail.envelope import Event
from cloudretail.errors import Permanent, Transient
from cloudretail.event import EventData
from contract.auth import AccountDeletionRequested
from contract.fulfilment import ShipmentDispatched
from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced, ReturnRequested
from contract.values import PaymentMethod
from notifications.domain import TEXTS, OrderNow, ReturnNow
from notifications.mailer import Mail
from notifications.reactions import Ports, handler, notify
from notifications.store import LEASE, DynamoDBSentMails, SentMails, order_now
from tests.support.examples import EXAMPLES, NOW, ORDER, event_of, name_of
from tests.support.invocations import Context, sqs_event
from tests.support.mails import SHOP, InMemorySentMails, Mailbox
from tests.support.tables import TEMPLATE, items_of
from tests.support.turns import calls_take_turns
from tests.support.wire import Wire, everything_printed, refused

SENDER = "shop@cloudretail.example"
WRITTEN_ABOUT: Sequence[EventData] = [data for data in EXAMPLES if type(data) in TEXTS]
CONFIRMED = event_of(next(data for data in EXAMPLES if isinstance(data, OrderConfirmed)))
RETURN = next(data for data in EXAMPLES if isinstance(data, ReturnRequested))
CANCELLED = event_of(next(data for data in EXAMPLES if isinstance(data, OrderCancelled)), "orders:ord_1:5:0")


class Killed(BaseException):
    """The worker is gone: no handler of exceptions runs."""


class Shop:
    """Notifications over a store and a mailbox, and a clock that a test sets forward."""

    def __init__(self, sent: SentMails) -> None:
        self.sent = sent
        self.mailbox = Mailbox()
        self.now = NOW
        self.order_status = "PENDING"
        self.return_status = "REQUESTED"

    def deliver(self, event: Event = CONFIRMED) -> Done | Nothing:
        ports = Ports(self.sent, self.mailbox, self._order_now, SHOP, lambda: self.now)
        return notify(ports, Delivery(event, attempt=1), self.now)

    def _order_now(self, order_id: str) -> OrderNow:
        assert order_id == ORDER["order_id"]
        returns = (ReturnNow(return_id=RETURN.return_id, status=self.return_status),)
        return OrderNow(status=self.order_status, returns=returns)

    @property
    def kinds(self) -> list[str]:
        return [mail.kind for mail in self.mailbox.mails]


@pytest.fixture(params=["on DynamoDB", "in memory"])
def shop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Shop:
    if request.param == "in memory":
        return Shop(InMemorySentMails())
    request.getfixturevalue("tables")
    calls_take_turns(monkeypatch)
    return Shop(DynamoDBSentMails("SentMailsTable"))


@pytest.mark.parametrize("data", WRITTEN_ABOUT, ids=name_of)
def test_each_event_is_written_about_once(shop: Shop, data: EventData) -> None:
    for _ in range(3):
        shop.deliver(event_of(data))
    assert shop.kinds == [data.event_type.name]


def test_an_order_gets_a_mail_of_each_kind(shop: Shop) -> None:
    shop.deliver(CONFIRMED)
    shop.deliver(CANCELLED)
    assert shop.kinds == ["OrderConfirmed", "OrderCancelled"]


def test_an_event_that_is_published_again_under_another_id_sends_no_second_mail(shop: Shop) -> None:
    shop.deliver(CONFIRMED)
    shop.deliver(event_of(CONFIRMED.data, "orders:ord_1:9:0"))
    assert shop.kinds == ["OrderConfirmed"]


PLACED = next(data for data in EXAMPLES if isinstance(data, OrderPlaced))
BY_CARD = event_of(PLACED.model_copy(update={"payment_method": None}))
IN_CASH = event_of(PLACED.model_copy(update={"payment_method": PaymentMethod.COD}))


@pytest.mark.parametrize("status", ["REJECTED", "CANCELLED", "CANCELLING", "SHIPPED", "DELIVERED"])
@pytest.mark.parametrize("placed", [BY_CARD, IN_CASH], ids=["by card", "in cash"])
def test_an_order_that_has_ended_or_gone_is_not_written_about_as_received(
    shop: Shop, placed: Event, status: str
) -> None:
    shop.order_status = status
    assert shop.deliver(placed) == Nothing(f"no longer true: the order is {status}")
    assert shop.kinds == []


def test_an_order_that_is_paid_is_not_asked_to_be_paid(shop: Shop) -> None:
    shop.order_status = "CONFIRMED"
    assert shop.deliver(BY_CARD) == Nothing("no longer true: the order is CONFIRMED")
    shop.deliver(IN_CASH)
    assert shop.kinds == ["OrderPlaced"], "cash is still to be paid"


@pytest.mark.parametrize("status", ["PENDING", "RESERVED", "A_STATUS_OF_TOMORROW"])
def test_an_order_that_is_not_over_is_written_about_as_received_until_its_time_is_over(shop: Shop, status: str) -> None:
    shop.order_status = status
    shop.now = PLACED.place_by + timedelta(microseconds=1)
    assert shop.deliver(BY_CARD) == Nothing("no longer true: the order is too old")
    assert shop.kinds == []
    shop.now = PLACED.place_by
    shop.deliver(BY_CARD)
    assert shop.kinds == ["OrderPlaced"]


DISPATCHED = event_of(next(data for data in EXAMPLES if isinstance(data, ShipmentDispatched)))


@pytest.mark.parametrize("status", ["DELIVERED", "CANCELLED"])
def test_a_parcel_that_arrived_or_came_back_is_not_written_about_as_on_its_way(shop: Shop, status: str) -> None:
    shop.order_status = status
    assert shop.deliver(DISPATCHED) == Nothing(f"no longer true: the order is {status}")
    assert shop.kinds == []


@pytest.mark.parametrize("status", ["CONFIRMED", "CANCELLING", "SHIPPED"])
def test_a_parcel_on_its_way_is_written_about_although_orders_may_not_know_of_it_yet(shop: Shop, status: str) -> None:
    shop.order_status = status
    shop.deliver(DISPATCHED)
    assert shop.kinds == ["ShipmentDispatched"]


@pytest.mark.parametrize("status", ["WITHDRAWN", "ACCEPTED", "REFUSED"])
def test_nobody_is_asked_to_send_a_return_that_is_settled_or_withdrawn(shop: Shop, status: str) -> None:
    shop.return_status = status
    assert shop.deliver(event_of(RETURN)) == Nothing(f"no longer true: the return is {status}")
    other = RETURN.model_copy(update={"return_id": "ret_other"})
    assert shop.deliver(event_of(other)) == Nothing("no longer true: the return is unknown")
    assert shop.kinds == []


def test_several_returns_and_refunds_of_an_order_are_each_written_about_once(shop: Shop) -> None:
    about = [data for data in WRITTEN_ABOUT if hasattr(data, "refund_id") or hasattr(data, "return_id")]
    about = [data for data in about if not isinstance(data, ReturnRequested)]
    field = {True: "refund_id", False: "return_id"}
    for data in about * 2:
        for part in ("ret_one", "ret_two"):
            shop.deliver(event_of(data.model_copy(update={field[hasattr(data, "refund_id")]: part})))
    assert sorted(shop.kinds) == sorted(2 * [data.event_type.name for data in about])


def test_what_has_become_of_an_order_is_written_about_whatever_becomes_of_it_later(shop: Shop) -> None:
    shop.order_status = "CANCELLED"
    shop.now = PLACED.place_by + timedelta(days=1)
    shop.deliver(CONFIRMED)
    assert shop.kinds == ["OrderConfirmed"]


def test_an_order_that_does_not_exist_is_a_failure_and_no_mail(tables: None) -> None:
    with pytest.raises(Permanent, match="there is no order ord_none"):
        order_now("OrdersTable", "ord_none")


def test_the_order_is_read_consistently(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sent_back = [{"returnId": "ret_1", "status": "REQUESTED", "lines": []}]
    item = dynamodb.to_item({"orderId": "ord_1", "status": "DELIVERED", "returns": sent_back, "userEmail": "a@b.c"})
    aws.dynamodb().put_item(TableName="OrdersTable", Item=item)
    wire = Wire(monkeypatch)
    order = order_now("OrdersTable", "ord_1")
    assert (order.status, order.status_of_return("ret_1")) == ("DELIVERED", "REQUESTED")
    assert [call["ConsistentRead"] for call in wire.made("GetItem")] == [True]


def test_a_replay_years_later_sends_nothing(shop: Shop) -> None:
    shop.deliver()
    shop.now += timedelta(days=3650)
    shop.deliver()
    assert len(shop.mailbox.mails) == 1


def test_a_mail_that_ses_takes_only_later_is_sent_by_the_next_delivery(shop: Shop) -> None:
    shop.mailbox.refusals = [Transient("SES: throttled"), Transient("SES: throttled")]
    for _ in range(2):
        with pytest.raises(Transient, match="throttled"):
            shop.deliver()
        shop.now += timedelta(seconds=2)
    shop.deliver()
    assert shop.kinds == ["OrderConfirmed"]


def test_a_mail_that_ses_refuses_for_good_is_sent_by_a_replay_once_the_cause_is_mended(shop: Shop) -> None:
    shop.mailbox.refusals = [Permanent("SES: the sender is not verified")]
    with pytest.raises(Permanent, match="not verified"):
        shop.deliver()
    shop.deliver()
    assert shop.kinds == ["OrderConfirmed"]


def test_a_worker_that_dies_before_sending_holds_the_mail_up_for_a_lease_and_loses_nothing(shop: Shop) -> None:
    shop.mailbox.refusals = cast(list[Exception], [Killed()])
    with pytest.raises(Killed):
        shop.deliver()

    shop.now += LEASE - timedelta(milliseconds=1)
    with pytest.raises(Transient, match="another delivery is sending this mail"):
        shop.deliver()
    assert shop.kinds == []

    shop.now += timedelta(milliseconds=1)
    shop.deliver()
    shop.deliver()
    assert shop.kinds == ["OrderConfirmed"]


class Faulty:
    """A store in which one operation fails."""

    def __init__(self, sent: SentMails, operation: str, error: BaseException) -> None:
        self.claim = sent.claim
        self.give_up = sent.give_up
        self.mark_sent = sent.mark_sent
        setattr(self, operation, self._fail)
        self._error = error

    def _fail(self, *_: Any) -> Any:
        raise self._error


def test_only_a_worker_that_dies_between_sending_and_marking_leads_to_a_second_mail(shop: Shop) -> None:
    healthy = shop.sent
    shop.sent = Faulty(healthy, "mark_sent", Killed())
    with pytest.raises(Killed):
        shop.deliver()
    shop.sent = healthy
    shop.now += LEASE
    shop.deliver()
    shop.deliver()
    assert shop.kinds == ["OrderConfirmed", "OrderConfirmed"]


def test_a_mail_that_is_out_is_not_failed_because_it_could_not_be_marked(shop: Shop) -> None:
    shop.sent = Faulty(shop.sent, "mark_sent", refused("ThrottlingException"))
    shop.deliver()
    assert shop.kinds == ["OrderConfirmed"]


def test_a_claim_that_cannot_be_given_up_does_not_hide_why_the_mail_was_refused(shop: Shop) -> None:
    shop.sent = Faulty(shop.sent, "give_up", refused("ThrottlingException"))
    shop.mailbox.refusals = [Permanent("SES: no")]
    with pytest.raises(Permanent, match="SES: no"):
        shop.deliver()


def test_nothing_is_sent_without_a_claim(shop: Shop) -> None:
    shop.sent = Faulty(shop.sent, "claim", refused("ThrottlingException"))
    with pytest.raises(Exception, match="ThrottlingException"):
        shop.deliver()
    assert shop.kinds == []


def test_of_threads_that_race_for_a_mail_one_sends_it(shop: Shop) -> None:
    start = Barrier(8)

    def deliver(_: int) -> str:
        start.wait(timeout=10)
        try:
            shop.deliver()
        except Transient:
            return "comes back"
        return "done"

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(deliver, range(8)))
    assert shop.kinds == ["OrderConfirmed"]
    assert "done" in outcomes


def test_threads_that_race_while_the_mail_is_being_sent_come_back(shop: Shop) -> None:
    sending, checked = Barrier(2), Barrier(2)

    class Slow(Mailbox):
        def send(self, mail: Mail, traceparent: str) -> str:
            sending.wait(timeout=10)
            checked.wait(timeout=10)
            return super().send(mail, traceparent)

    shop.mailbox = Slow()
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(shop.deliver)
        sending.wait(timeout=10)
        with pytest.raises(Transient, match="another delivery"):
            shop.deliver()
        checked.wait(timeout=10)
        first.result(timeout=10)
    shop.deliver()
    assert shop.kinds == ["OrderConfirmed"]


# The function, from its queue to SES.


class Function:
    """The handler on moto."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def deliver(self, *bodies: str, attempt: int = 1) -> list[str]:
        answer = handler(sqs_event(bodies, attempt=attempt), cast(LambdaContext, Context()))
        return [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    @property
    def subjects(self) -> list[str]:
        return [call["Content"]["Simple"]["Subject"]["Data"] for call in self.wire.made("SendEmail")]

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        return {item["mail"]: item for item in map(dynamodb.from_item, items_of("SentMailsTable"))}


@pytest.fixture
def function(tables: None, monkeypatch: pytest.MonkeyPatch) -> Function:
    aws.ses().create_email_identity(EmailIdentity=SENDER)
    monkeypatch.setenv("QUEUE_URL", aws.sqs().create_queue(QueueName="notifications")["QueueUrl"])
    monkeypatch.setenv("DLQ_URL", aws.sqs().create_queue(QueueName="notifications-dlq")["QueueUrl"])
    sent_back = [{"returnId": RETURN.return_id, "status": "REQUESTED"}]
    item = dynamodb.to_item({"orderId": ORDER["order_id"], "status": "PENDING", "returns": sent_back})
    aws.dynamodb().put_item(TableName="OrdersTable", Item=item)
    monkeypatch.setenv("SENDER_ADDRESS", SENDER)
    monkeypatch.setenv("MAIL_CONFIGURATION", "mails")
    monkeypatch.setenv("CONTACT_ADDRESS", SHOP.contact)
    monkeypatch.setenv("RETURN_ADDRESS", ", ".join(SHOP.return_address))
    monkeypatch.setenv("STOREFRONT_URL", SHOP.storefront_url)
    return Function(Wire(monkeypatch))


TOMORROW = {"place_by": datetime.now(UTC) + timedelta(days=1)}
EVERY_BODY = [
    event_of(data.model_copy(update=TOMORROW) if isinstance(data, OrderPlaced) else data).to_json()
    for data in WRITTEN_ABOUT
]


def test_a_batch_of_all_events_is_sent_and_recorded(function: Function) -> None:
    assert function.deliver(*EVERY_BODY) == []
    assert len(function.subjects) == len(set(function.subjects)) == len(TEXTS)
    assert {record["orderId"] for record in function.records.values()} == {ORDER["order_id"]}
    assert {record["status"] for record in function.records.values()} == {"SENT"}
    assert {mail.partition("#")[0] for mail in function.records} == {event.event_type.name for event in TEXTS}
    assert all(record["messageId"] and record["sentAt"] for record in function.records.values())


def test_the_same_batch_again_is_acknowledged_and_sends_nothing(function: Function) -> None:
    function.deliver(*EVERY_BODY)
    assert function.deliver(*EVERY_BODY) == []
    assert len(function.subjects) == len(TEXTS)


def test_a_duplicate_in_the_same_batch_sends_nothing(function: Function) -> None:
    assert function.deliver(EVERY_BODY[0], EVERY_BODY[0]) == []
    assert len(function.subjects) == 1


def test_an_event_that_shoppers_are_not_told_of_fails(function: Function) -> None:
    unknown = next(data for data in EXAMPLES if type(data) not in TEXTS)
    assert function.deliver("poison", event_of(unknown).to_json(), EVERY_BODY[0]) == []
    assert [call["MessageBody"] for call in function.wire.made("SendMessage")] == [
        "poison",
        event_of(unknown).to_json(),
    ]
    assert len(function.subjects) == 1


def test_the_queue_gets_exactly_the_events_that_are_written_about() -> None:
    subscribed = yaml_parse(TEMPLATE.read_text())["Mappings"]["Consumers"]["Notifications"]["SubscribesTo"]
    events: list[type[EventData]] = [*TEXTS, AccountDeletionRequested]
    assert subscribed == [event.event_type.type for event in events]


def test_a_refused_mail_comes_again_and_its_cause_is_kept(function: Function) -> None:
    function.wire.refuses("SendEmail", refused("TooManyRequestsException"))
    assert function.deliver(*EVERY_BODY[:2]) == ["message-0"]
    (failure,) = map(dynamodb.from_item, items_of("FailuresTable"))
    assert (failure["consumer"], failure["cause"]["exception"]) == ("notifications", "Transient")
    assert failure["cause"]["message"] == "SES: TooManyRequestsException: injected"
    assert failure["cause"]["where"].startswith("notifications/mailer.py:")

    assert function.deliver(EVERY_BODY[0], attempt=2) == []
    assert [record["status"] for record in function.records.values()] == ["SENT", "SENT"]


def test_a_mail_refused_for_good_is_a_dead_letter_without_waiting(function: Function) -> None:
    function.wire.refuses("SendEmail", refused("MessageRejected"))
    assert function.deliver(EVERY_BODY[0]) == []
    assert [call["MessageBody"] for call in function.wire.made("SendMessage")] == [EVERY_BODY[0]]


def test_the_log_tells_which_mail_went_out_and_neither_to_whom_nor_what_it_says(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = everything_printed(monkeypatch)
    function.wire.refuses("SendEmail", refused("MessageRejected"))
    confirmed = CONFIRMED.to_json()
    function.deliver(EVERY_BODY[0], confirmed, confirmed, "poison")
    log = printed.getvalue()
    lines = [json.loads(line) for line in log.splitlines() if '"Done"' in line]
    assert [(line["message_name"], line["order_id"]) for line in lines] == [("OrderConfirmed", ORDER["order_id"])]
    assert lines[0]["ses_message_id"]
    for private in ("shopper@", SENDER, "Canvas backpack", "SGD", "What happens next"):
        assert private not in log
