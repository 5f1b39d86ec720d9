"""Mails to guests, whose address may be a stranger's."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from cloudretail.consumer import Delivery
from cloudretail.event import EventData
from cloudretail.guests import Visit, linked
from contract.orders import OrderPlaced, WholeOrderEvent
from contract.values import Address
from notifications.domain import TEXTS, OrderNow, ReturnNow
from notifications.mailer import Mail
from notifications.reactions import Ports, _link_of, notify
from tests.support.examples import EXAMPLES, NOW, ORDER, event_of
from tests.support.guests import KEYS
from tests.support.mails import SHOP, InMemorySentMails, Mailbox

ABOUT_ORDERS: Sequence[EventData] = [data for data in EXAMPLES if type(data) in TEXTS]


def sent_about(data: EventData, *, owner: str = "guest_one", email_proved: bool = False) -> Mail:
    """The mail about an event, to the owner that the order has now."""

    def order_now(order_id: str) -> OrderNow:
        returns = [ReturnNow(return_id=getattr(data, "return_id", ""), status="REQUESTED")]
        return OrderNow(status="PENDING", user_id=owner, email_proved=email_proved, returns=tuple(returns))

    def link_of(visit: Visit, now: datetime) -> str:
        assert now == NOW
        return f"link.to.{visit.guest_id}.{visit.order_id}.{visit.mail}"

    mailbox = Mailbox()
    if isinstance(data, WholeOrderEvent):
        data = data.model_copy(update={"user_id": "guest_one"})
    ports = Ports(InMemorySentMails(), mailbox, order_now, SHOP, lambda: NOW, link_of)
    notify(ports, Delivery(event_of(data), attempt=1), NOW)
    (mail,) = mailbox.mails
    return mail


@pytest.mark.parametrize("data", ABOUT_ORDERS, ids=lambda data: type(data).__name__)
class TestEachMail:
    def test_leads_to_the_order_by_a_link_of_its_own(self, data: EventData) -> None:
        mail = sent_about(data)

        assert f"/order-link#link.to.guest_one.{ORDER['order_id']}.{mail.id.name}" in mail.text
        assert f"/orders/{ORDER['order_id']}" not in mail.text + mail.html

    def test_to_an_address_that_may_be_a_strangers_tells_nothing_of_the_guest(self, data: EventData) -> None:
        address = getattr(data, "shipping_address", None)
        mail = sent_about(data)

        assert "someone entered this address" in " ".join(mail.text.split())
        if isinstance(address, Address):
            for value in filter(None, (address.name, address.line1, address.line2, address.phone)):
                assert value not in mail.text + mail.html

    def test_of_an_order_that_was_adopted_is_like_any_other(self, data: EventData) -> None:
        mail = sent_about(data, owner="user-1")

        assert f"/orders/{ORDER['order_id']}" in mail.text
        assert "order-link" not in mail.text + mail.html


def test_an_address_that_is_known_to_be_the_guests_reads_where_the_order_goes() -> None:
    placed = next(each for each in ABOUT_ORDERS if isinstance(each, OrderPlaced))
    home = Address(name="A Shopper", line1="1 Main Street", city="Singapore", country="SG")
    data = placed.model_copy(update={"shipping_address": home})

    assert home.line1 in sent_about(data, email_proved=True).text
    assert home.line1 not in sent_about(data).text


def test_the_links_of_mails_are_those_that_are_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudretail.guests.keys", lambda: KEYS)
    visit = Visit("guest_one", "ord_1", "OrderPlaced")

    assert linked(_link_of(visit, datetime.now(NOW.tzinfo)), KEYS) == visit
