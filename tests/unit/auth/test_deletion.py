"""How an account is deleted, step by step."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from auth import api, commands
from auth.commands import DeletionPorts
from auth.deletion import AwaitedOrder, Deletion, OrderNow, WaitReason, note, publish, request, sign_out, waits
from auth.store import DELETIONS
from cloudretail.decider import Change, Nothing
from contract import parse
from contract.auth import AccountDeletionRequested, Eraser
from tests.support.examples import CAUSE, NOW
from tests.support.identity import EMAIL, PASSWORD, InMemoryIdentityProvider
from tests.support.invocations import SHOPPER_CLAIMS, http_event
from tests.support.repositories import InMemoryRepository
from tests.unit.auth.conftest import Answer, Browser

LIFE = timedelta(minutes=5)
USER = "user-1"
WAIT = AwaitedOrder(order_id="ord_1", number="1", reason=WaitReason.ORDER)


class Users:
    """Remembers what was done to whom."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.out_of_order = False

    def disable(self, user_id: str) -> None:
        if self.out_of_order:
            raise ConnectionError("no Cognito today")
        self.done.append(f"disabled {user_id}")

    def delete(self, user_id: str) -> None:
        self.done.append(f"deleted {user_id}")


class Office:
    """Deletions in memory."""

    def __init__(self) -> None:
        self.deletions = InMemoryRepository(DELETIONS)
        self.users = Users()
        self.waits: list[AwaitedOrder] = []
        self.ports = DeletionPorts(self.deletions, self.users, lambda _: self.waits)

    def request(self) -> Deletion:
        return commands.request_deletion(self.ports, USER, CAUSE, NOW)

    def go_on(self, now: datetime) -> Any:
        return commands.go_on(self.ports, self.now, LIFE, CAUSE, now)

    @property
    def now(self) -> Deletion:
        row = self.deletions.load(USER)
        assert row
        return row.state

    @property
    def published(self) -> list[Any]:
        row = self.deletions.load(USER)
        assert row
        return [parse(event).data for event in row.outbox.events] if row.outbox else []


@pytest.fixture
def office() -> Office:
    return Office()


def test_nobody_can_log_in_from_the_request_on(office: Office) -> None:
    assert office.request().signed_out_at == NOW
    assert office.users.done == ["disabled user-1"]
    assert office.published == []


def test_asking_twice_is_one_deletion(office: Office) -> None:
    office.request()
    later = commands.request_deletion(office.ports, USER, CAUSE, NOW + LIFE)
    assert later.requested_at == NOW


def test_a_request_that_died_halfway_is_made_up_for(office: Office) -> None:
    office.users.out_of_order = True
    with pytest.raises(ConnectionError):
        office.request()
    assert office.now.signed_out_at is None
    office.users.out_of_order = False
    office.go_on(NOW + LIFE)
    assert office.users.done == ["disabled user-1"]
    assert office.published == [], "a token of before may still be used"
    office.go_on(NOW + 2 * LIFE)
    assert office.published == [AccountDeletionRequested(user_id=USER, requested_at=NOW)]


def test_the_services_are_told_once_tokens_have_run_out(office: Office) -> None:
    office.request()
    office.go_on(NOW + LIFE - timedelta(seconds=1))
    assert office.published == []
    office.go_on(NOW + LIFE)
    assert len(office.published) == 1
    before = office.deletions.load(USER)
    office.go_on(NOW + 2 * LIFE)
    assert office.deletions.load(USER) == before


def test_an_order_that_waits_for_something_holds_it_up(office: Office) -> None:
    office.request()
    office.waits = [WAIT]
    assert office.go_on(NOW + LIFE) == [WAIT]
    assert office.published == []
    office.waits = []
    office.go_on(NOW + 100 * LIFE)
    assert len(office.published) == 1


def test_each_service_counts_once_and_all_are_needed() -> None:
    deletion = Deletion(user_id=USER, requested_at=NOW)
    for service in Eraser:
        assert not deletion.complete
        change = note(deletion, service)
        assert isinstance(change, Change)
        deletion = change.state
        assert note(deletion, service) == Nothing("this was noted")
    assert deletion.complete


def test_the_row_never_says_whose_account_it_was() -> None:
    change = request(None, USER, NOW)
    assert isinstance(change, Change)
    assert set(change.state.model_dump(exclude_none=True)) == {"userId", "requestedAt", "erased", "openAs"}


def test_what_is_not_signed_out_is_not_published() -> None:
    assert isinstance(publish(Deletion(user_id=USER, requested_at=NOW), LIFE, NOW + 2 * LIFE), Nothing)
    assert isinstance(sign_out(Deletion(user_id=USER, requested_at=NOW, signed_out_at=NOW), NOW), Nothing)


DELIVERED = {"status": "DELIVERED", "deliveredAt": NOW.isoformat(), "returnDays": 30}


@pytest.mark.parametrize(
    "order, payment, now, reason",
    [
        ({"status": "SHIPPED", "openAs": "SHIPPED#0"}, {}, NOW, WaitReason.ORDER),
        ({"status": "CANCELLED", "openAs": "REFUND#1"}, {}, NOW, WaitReason.REFUND),
        ({"status": "CANCELLED"}, {"openRefunds": "OPEN"}, NOW, WaitReason.REFUND),
        (DELIVERED, {}, NOW + timedelta(days=30), WaitReason.RETURN_PERIOD),
        (DELIVERED, {}, NOW + timedelta(days=30, seconds=1), None),
        ({"status": "CANCELLED"}, {}, NOW, None),
        ({"status": "REJECTED"}, {}, NOW, None),
    ],
)
def test_what_an_order_keeps_its_person_for(
    order: dict[str, Any], payment: dict[str, Any], now: datetime, reason: WaitReason | None
) -> None:
    row = OrderNow.model_validate({"orderId": "ord_1", "number": "1", **order})
    assert [each.reason for each in waits([row], {"ord_1": payment}, now)] == ([reason] if reason else [])


class TestOverHttp:
    @pytest.fixture
    def office(self, monkeypatch: pytest.MonkeyPatch) -> Office:
        office = Office()
        monkeypatch.setattr(api, "deletion_ports", lambda: office.ports)
        return office

    def ask(self, browser: Browser, method: str, body: object = None) -> Answer:
        return browser.send(http_event(method, "/api/account/deletion", body=body, claims=SHOPPER_CLAIMS))

    def test_it_is_said_beforehand_what_is_waited_for(self, browser: Browser, office: Office, shopper: str) -> None:
        office.waits = [WAIT]
        answer = self.ask(browser, "GET")
        waiting = [{"orderId": "ord_1", "number": "1", "reason": "ORDER", "until": None}]
        assert answer.body == {"requestedAt": None, "waitsFor": waiting}
        assert office.deletions.load(USER) is None

    def test_the_password_is_asked_for_again(self, browser: Browser, office: Office, shopper: str) -> None:
        answer = self.ask(browser, "POST", {"password": "Wrong-4-shopping"})
        assert (answer.status, answer.errors) == (422, {"password": "This is not your password."})
        assert office.deletions.load(USER) is None

    def test_it_is_said_afterwards_and_the_cookie_goes(
        self, browser: Browser, office: Office, provider: InMemoryIdentityProvider, shopper: str
    ) -> None:
        browser.post("login", {"email": EMAIL, "password": PASSWORD})
        office.waits = [WAIT]
        answer = self.ask(browser, "POST", {"password": PASSWORD})
        assert answer.status == 202
        assert [each["orderId"] for each in answer.body["waitsFor"]] == ["ord_1"]
        assert answer.body["requestedAt"]
        assert browser.refresh_token is None
        # The identity provider's own name of the account, which is another one in a restored pool.
        assert office.users.done == [f"disabled {provider.users[shopper].user_id}"]
        assert EMAIL not in json.dumps(office.deletions.images, default=str)
