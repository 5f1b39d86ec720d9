"""How notifications react to an order's events: by a mail to its shopper.

A mail that is no longer true is not sent: the shopper of a cancelled order gets no mail that it can be paid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cloudretail.consumer import Consumer, Delivery, one_by_one
from cloudretail.decider import Done, Nothing
from cloudretail.errors import Transient
from cloudretail.settings import Settings, load
from cloudretail.telemetry import count, logger
from contract.values import OrderEvent
from notifications.domain import DEPENDS_ON_ORDER, TEXTS, OrderNow, Shop, why_untrue
from notifications.mailer import DryRunMailer, OrderMailer, SesMailer, compose
from notifications.store import Claim, DynamoDBSentMails, ReadOnlySentMails, SentMails, order_now


class NotificationsSettings(Settings):
    """What this function needs besides its queue.

    Attributes:
        return_address: its lines, between commas.
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


@dataclass(frozen=True)
class Ports:
    """What the reaction works on.

    Attributes:
        sent: which mails were sent.
        mailer: sends them.
        order_now: an order as it is now, by a consistent read.
        shop: what mails say of it.
        clock: returns the present time, aware of its zone.
    """

    sent: SentMails
    mailer: OrderMailer
    order_now: Callable[[str], OrderNow]
    shop: Shop
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def notify(ports: Ports, delivery: Delivery, now: datetime) -> Done | Nothing:
    """Write to the shopper, once for each order, kind of mail, and return or refund that it is about.

    Raises:
        Transient: another delivery is sending this mail just now, or the mailer cannot for the moment.
        Permanent: the mail was refused for good, or there is no such order.
    """
    del now  # A batch takes a while, and a claim is a lease.
    data = _about_an_order(delivery)
    if isinstance(data, DEPENDS_ON_ORDER):
        reason = why_untrue(data, ports.order_now(data.order_id), ports.clock())
        if reason:
            return Nothing(f"no longer true: {reason}")
    sent, mail = ports.sent, compose(data, ports.shop)
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
                "A claim could not be given up; its lease runs out", order_id=mail.order_id, kind=mail.kind
            )
        raise
    try:
        sent.mark_sent(mail.id, message_id, ports.clock())
    except Exception:
        # The mail is out: to fail the message now could only send it again.
        logger.exception("A mail was sent but could not be marked as sent", order_id=mail.order_id, kind=mail.kind)
    count("MailSent")
    return Done(f'send the mail "{mail.subject}"', {"kind": mail.kind, "ses_message_id": message_id})


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
    )


def _read_only() -> Ports:
    settings = _settings()
    return Ports(ReadOnlySentMails(settings.sent_mails_table), DryRunMailer(), _order_now, settings.shop)


CONSUMER = Consumer(
    name="notifications",
    subscribes_to=tuple(TEXTS),
    react=one_by_one(notify),
    ports=_ports,
    read_only=_read_only,
)
handler = CONSUMER.handler
