"""How notifications react to an order's events: with a mail to its shopper.

A mail that is no longer true is not sent. For instance, once an order is cancelled, no mail says that it can be paid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cloudretail import guests
from cloudretail.consumer import Consumer, Delivery, one_by_one
from cloudretail.decider import Done, Nothing
from cloudretail.envelope import Cause
from cloudretail.errors import Transient
from cloudretail.guests import Visit
from cloudretail.settings import Settings, load
from cloudretail.telemetry import logger
from cloudretail.user_ids import GUEST_PREFIX, is_guest
from contract.auth import AccountDeletionRequested, Eraser
from contract.erasure import erasing
from contract.values import OrderEvent
from notifications.domain import DEPENDS_ON_ORDER, LATE, TEXTS, OrderNow, Shop, ToGuest, mail_id_of, why_untrue
from notifications.mailer import DryRunMailer, OrderMailer, SesMailer, compose
from notifications.store import Claim, DynamoDBSentMails, ReadOnlySentMails, SentMails, order_now


class NotificationsSettings(Settings):
    """What this function needs besides its queue.

    Attributes:
        return_address: its lines, separated by commas.
    """

    sent_mails_table: str
    orders_table: str
    sender_address: str
    contact_address: str
    return_address: str
    mail_configuration: str
    storefront_url: str

    @property
    def shop(self) -> Shop:
        """What mails say of the shop."""
        lines = (line.strip() for line in self.return_address.split(","))
        return Shop(self.storefront_url, self.contact_address, tuple(filter(None, lines)))


def _link_of(visit: Visit, now: datetime) -> str:
    return guests.link_of(visit, guests.keys(), now)


@dataclass(frozen=True)
class Ports:
    """The ports of the reaction.

    Attributes:
        sent: which mails were sent.
        mailer: sends them.
        order_now: reads the present state of an order, consistently.
        shop: what mails say of the shop.
        clock: returns the present time, aware.
        link_of: makes the token in the link to a guest's order; by default, none that leads anywhere.
    """

    sent: SentMails
    mailer: OrderMailer
    order_now: Callable[[str], OrderNow]
    shop: Shop
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    link_of: Callable[[Visit, datetime], str] = lambda visit, now: ""  # noqa: ARG005


def notify(ports: Ports, delivery: Delivery, now: datetime) -> Done | Nothing:
    """Send the mail about an event to its order's shopper, once for each MailId.

    Raises:
        Transient: another delivery is sending this mail, or SES does not accept it at present.
        Permanent: SES refused the mail for good, or there is no such order.
    """
    del now  # A claim is a lease from the present moment, and the batch may have begun long before.
    data = _about_an_order(delivery)
    checked = isinstance(data, DEPENDS_ON_ORDER) or ports.clock() - delivery.event.time > LATE
    # Not every event says whose its order is, and a guest's may be in an account by now.
    order = ports.order_now(data.order_id) if checked or is_guest(getattr(data, "user_id", GUEST_PREFIX)) else None
    if order and checked and (reason := why_untrue(data, order, ports.clock())):
        return Nothing(f"no longer true: {reason}")
    sent, mail = ports.sent, compose(data, ports.shop, _to_guest(ports, data, order))
    claimed_at = ports.clock()
    match sent.claim(mail.id, claimed_at):
        case Claim.SENT:
            return Nothing("mail was sent")
        case Claim.HELD:
            raise Transient("another delivery is sending this mail")
    try:
        message_id = ports.mailer.send(mail, delivery.event.traceparent)
    except Exception:
        try:
            sent.give_up(mail.id, claimed_at)
        except Exception:
            logger.exception(
                "Could not end the claim on a mail; its lease will run out", order_id=mail.order_id, kind=mail.kind
            )
        raise
    try:
        sent.mark_sent(mail.id, message_id, ports.clock())
    except Exception:
        # The mail is sent. If the message failed now, a retry would send the mail again.
        logger.exception("A mail was sent but could not be marked as sent", order_id=mail.order_id, kind=mail.kind)
    return Done(f'send the mail "{mail.subject}"', {"kind": mail.kind, "ses_message_id": message_id})


def _to_guest(ports: Ports, data: OrderEvent, order: OrderNow | None) -> ToGuest | None:
    if order is None or not is_guest(order.user_id):
        return None
    visit = Visit(order.user_id, data.order_id, mail_id_of(data).name)
    return ToGuest(ports.link_of(visit, ports.clock()), order.email_proved)


def _about_an_order(delivery: Delivery) -> OrderEvent:
    data = delivery.event.data
    assert isinstance(data, OrderEvent), "every event with a text is about an order"
    return data


@cache
def _settings() -> NotificationsSettings:
    return load(NotificationsSettings)


def _order_now(order_id: str) -> OrderNow:
    return order_now(_settings().orders_table, order_id)


def _ports() -> Ports:
    settings = _settings()
    return Ports(
        DynamoDBSentMails(settings.sent_mails_table),
        SesMailer(settings.sender_address, settings.mail_configuration),
        _order_now,
        settings.shop,
        link_of=_link_of,
    )


def _read_only() -> Ports:
    settings = _settings()
    return Ports(
        ReadOnlySentMails(settings.sent_mails_table),
        DryRunMailer(),
        _order_now,
        settings.shop,
    )


def erase(user_id: str, cause: Cause, now: datetime) -> None:
    """Nothing is to be erased: a sent mail is known by its order and its kind.

    What comes late is not sent, as the order says that its shopper has left.
    """
    del user_id, cause, now


CONSUMER = Consumer(
    name="notifications",
    subscribes_to=(*TEXTS, AccountDeletionRequested),
    react=one_by_one(notify),
    ports=_ports,
    read_only=_read_only,
    effects={AccountDeletionRequested: erasing(Eraser.NOTIFICATIONS, erase)},
)
handler = CONSUMER.handler
