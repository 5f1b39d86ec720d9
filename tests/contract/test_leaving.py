"""Somebody leaves, over what a running shop really kept of them: afterwards no table holds their address, and no event
that is late brings it back."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from auth.deletion import Deletion
from auth.store import DELETIONS, INTERNAL
from cloudretail import aws, dynamodb
from cloudretail.failures import Cause, FailureRow, FailureState
from cloudretail.outbox import Row
from contract.auth import AccountDataErased, AccountDeletionRequested, Eraser
from contract.values import ERASED
from operations.dead_letters.failures import DynamoDBFailures, packed
from retail_ops.recording.samples import ROWS, load
from retail_ops.stack.seed import SHOPPER
from tests.contract.deployed import Shop, shop, template
from tests.support.examples import NOW, event_of
from tests.support.invocations import SHOPPER_CLAIMS, Context, http_event, sqs_event
from tests.support.tables import empty, everything_in
from tests.support.wire import Wire

TABLES = tuple(template().properties("AWS::DynamoDB::Table"))
ADDRESS = ("1 Market Street", "+6581234567", "SP123456789SG")
"""Street, phone and tracking number of the recorded orders."""

ERASERS = {
    Eraser(name.removesuffix("Queue").lower()): function
    for name, function in template().consumers.items()
    if name.removesuffix("Queue").lower() in set(Eraser)
}
"""Functions, by what they erase."""


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Shop, Wire]]:
    with pytest.MonkeyPatch.context() as environment, shop(environment) as found:
        wire = Wire(environment)
        environment.setenv("AWS_REGION", "ap-southeast-1")
        wire.stubs("PutEvents", {"FailedEntryCount": 0, "Entries": [{}]})
        for call in ("AdminDeleteUser", "AdminDisableUser", "AdminUserGlobalSignOut"):
            wire.stubs(call)
        yield found, wire


class Leaving:
    """The recorded shopper, all of whose orders have come to their end, and the functions that erase them."""

    def __init__(self, shop: Shop, wire: Wire) -> None:
        self.shop = shop
        self.wire = wire
        empty(*TABLES)
        rows: Mapping[str, list[dict[str, Any]]] = json.loads(ROWS.read_text())
        for table in ("OrdersTable", "PaymentsTable", "ShipmentsTable"):
            for row in rows[table]:
                # With an outbox, as every row of a running shop has one.
                outbox = {"version": 1, "events": [json.dumps(row)]}
                self.put(table, {**row, **dynamodb.to_item({"outbox": outbox})})
        self.user_id = str(rows["OrdersTable"][0]["userId"]["S"])
        assert {row["userId"]["S"] for row in rows["OrdersTable"]} == {self.user_id}
        address = {"name": "Shopper", "line1": ADDRESS[0], "city": "Singapore", "country": "SG"}
        kept = {"userId": self.user_id, "addresses": [{"addressId": "home", "address": address}], "version": 1}
        self.put("AddressesTable", dynamodb.to_item(kept))
        self.put("CartTable", dynamodb.to_item({"userId": self.user_id, "items": [], "version": 1}))

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        aws.dynamodb().put_item(TableName=table, Item=item)

    def deliver(self, function: str, *documents: str) -> None:
        """One batch; nothing of it may fail."""
        answer = self.shop.invoke(function, sqs_event(documents), cast(LambdaContext, Context()))
        assert answer["batchItemFailures"] == []

    def ask(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """As the person themselves."""
        event = http_event("GET", path, claims={**SHOPPER_CLAIMS, "sub": self.user_id}, query=query)
        answer = self.shop.invoke("AuthApi", event, cast(LambdaContext, Context()))
        assert answer["statusCode"] == 200, answer["body"]
        return json.loads(answer["body"])

    def erase(self, *services: Eraser) -> None:
        requested = AccountDeletionRequested(user_id=self.user_id, requested_at=NOW)
        for service in services:
            self.deliver(ERASERS[service], event_of(requested, f"auth:{self.user_id}:3:0").to_json())

    def said(self) -> list[Any]:
        """What was published, as it was sent."""
        return [json.loads(entry["Detail"]) for call in self.wire.made("PutEvents") for entry in call["Entries"]]

    def found(self) -> set[tuple[str, str]]:
        """Where something of the person stands: the table, and what."""
        return {
            (table, secret)
            for table, rows in everything_in(*TABLES).items()
            for secret in (SHOPPER.email, *ADDRESS)
            if secret in json.dumps(rows, default=str)
        }


@pytest.fixture
def leaving(running: tuple[Shop, Wire]) -> Leaving:
    shop, wire = running
    wire.calls.clear()
    return Leaving(shop, wire)


def test_what_was_kept_of_a_person_is_found_before(leaving: Leaving) -> None:
    assert {table for table, _ in leaving.found()} == {
        "OrdersTable",
        "PaymentsTable",
        "ShipmentsTable",
        "AddressesTable",
    }


def test_after_a_person_has_left_no_table_holds_their_address(leaving: Leaving) -> None:
    leaving.erase(*Eraser)
    assert leaving.found() == set()
    assert [event["data"]["service"] for event in leaving.said()] == list(Eraser)
    orders = everything_in("OrdersTable")["OrdersTable"]
    assert {order["userEmail"]["S"] for order in orders} == {ERASED}
    assert all(order["items"]["L"] and order["totalAmount"]["N"] for order in orders), "the law wants these kept"
    assert everything_in("CartTable")["CartTable"] == []


def test_erasing_again_changes_nothing_and_is_said_again_with_the_same_id(leaving: Leaving) -> None:
    leaving.erase(*Eraser)
    before, said = everything_in(*TABLES), [event["id"] for event in leaving.said()]
    leaving.erase(*reversed(Eraser))
    assert everything_in(*TABLES) == before
    assert sorted(event["id"] for event in leaving.said()) == sorted([*said, *said])


@pytest.mark.parametrize("service", [Eraser.ORDERS, Eraser.PAYMENTS, Eraser.FULFILMENT, Eraser.NOTIFICATIONS])
def test_no_recorded_event_that_comes_after_all_brings_the_person_back(leaving: Leaving, service: Eraser) -> None:
    """Also of orders that a service has never heard of: what it would have heard lay among the dead letters."""
    if service is not Eraser.ORDERS:
        empty("PaymentsTable", "ShipmentsTable", "SentMailsTable")
    leaving.erase(*Eraser)
    for sample in load():
        if sample.function == ERASERS[service] and not sample.is_bad:
            late = json.loads(json.dumps(sample.event).replace("2100-01-01", "2020-01-01"))
            leaving.shop.invoke(sample.function, late, cast(LambdaContext, Context()))
    assert leaving.found() == set()
    assert leaving.wire.made("SendEmail") == []


def test_a_person_gets_all_that_is_kept_of_them_and_nothing_of_the_machinery(leaving: Leaving) -> None:
    pages = [leaving.ask("/api/account/export")]
    while cursor := pages[-1]["nextCursor"]:
        pages.append(leaving.ask("/api/account/export", {"cursor": cursor}))

    kept = everything_in(*TABLES)
    for name, table in {"orders": "OrdersTable", "payments": "PaymentsTable", "shipments": "ShipmentsTable"}.items():
        assert sum(len(page[name]) for page in pages) == len(kept[table])
    assert [len(page["addresses"]) for page in pages] == [1, *[0] * (len(pages) - 1)]
    text = json.dumps(pages)
    assert all(secret in text for secret in (SHOPPER.email, ADDRESS[0], ADDRESS[1]))
    assert not [name for name in INTERNAL if f'"{name}"' in text]


def test_what_a_deletion_would_wait_for_is_read_of_all_orders(leaving: Leaving) -> None:
    waits = leaving.ask("/api/account/deletion")["waitsFor"]
    open_orders = [row for row in everything_in("OrdersTable")["OrdersTable"] if "openAs" in row]
    assert {row["orderId"]["S"] for row in open_orders} <= {wait["orderId"] for wait in waits}
    assert {wait["reason"] for wait in waits} >= {"ORDER", "RETURN_PERIOD"}


@pytest.mark.parametrize("state", [FailureState.DEAD, FailureState.RESOLVED])
def test_what_failed_of_a_persons_orders_is_kept_without_what_was_in_the_message(
    leaving: Leaving, state: FailureState
) -> None:
    order_id = everything_in("OrdersTable")["OrdersTable"][0]["orderId"]["S"]
    cause = Cause(code="KeyError", fingerprint="12345678", exception="KeyError", message=f"no {SHOPPER.email}")
    key, place = ("payments", "orders:1:0"), "bodies/PaymentsDlq/1"
    row = FailureRow(
        consumer=key[0],
        event_id=key[1],
        state=state,
        since=1,
        cause=cause,
        order_id=order_id,
        first_failed_at=1,
        last_failed_at=1,
        body_at=place,
    )
    failures = DynamoDBFailures("FailuresTable", "failuresbucket")
    failures.write(None, row, packed(SHOPPER.email))
    failures.keep_long(place, SHOPPER.email)

    leaving.erase(Eraser.OPERATIONS)

    (after,) = failures.read([key]).values()
    assert after.state is (FailureState.DROPPED if state is FailureState.DEAD else state)
    assert (after.cause.fingerprint, after.cause.message, after.body_at) == ("12345678", None, None)
    assert failures.bodies([key]) == {key: ""}
    assert aws.s3().list_objects_v2(Bucket="failuresbucket").get("KeyCount") == 0


class TestTheEnd:
    def start(self, leaving: Leaving, **changes: Any) -> None:
        deletion = Deletion(user_id=leaving.user_id, requested_at=NOW, signed_out_at=NOW, published_at=NOW)
        row = Row(deletion.model_copy(update=changes), 3)
        leaving.put("DeletionsTable", dynamodb.to_item(DELETIONS.to_item(row)))

    def erased(self, leaving: Leaving, service: Eraser) -> str:
        return event_of(AccountDataErased(user_id=leaving.user_id, service=service), f"{service}:erased").to_json()

    def test_the_user_goes_once_every_service_has_erased(self, leaving: Leaving) -> None:
        self.start(leaving)
        for service in Eraser:
            assert leaving.wire.made("AdminDeleteUser") == []
            leaving.deliver("AuthReactions", self.erased(leaving, service), self.erased(leaving, service))
        assert {call["Username"] for call in leaving.wire.made("AdminDeleteUser")} == {leaving.user_id}

    def test_a_crash_before_the_user_was_deleted_is_made_up_for_by_the_same_event(self, leaving: Leaving) -> None:
        self.start(leaving, erased=tuple(Eraser))
        leaving.deliver("AuthReactions", self.erased(leaving, Eraser.CART))
        assert len(leaving.wire.made("AdminDeleteUser")) == 1
