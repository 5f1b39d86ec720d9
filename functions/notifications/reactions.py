"""Reacts to what became of an order by writing to its shopper."""

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
from notifications.domain import TEXTS
from notifications.mailer import DryRunMailer, Mailer, SesMailer, compose
from notifications.store import Claim, DynamoDBSentMails, ReadOnlySentMails, SentMails


class NotificationsSettings(Settings):
    """What this function needs besides its queue."""

    sent_mails_table: str
    sender_address: str
    storefront_url: str


@dataclass(frozen=True)
class Ports:
    """What the reaction works on.

    Attributes:
        sent: which mails were sent.
        mailer: sends them.
        storefront_url: where the storefront is.
        clock: tells the time, aware.
    """

    sent: SentMails
    mailer: Mailer
    storefront_url: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def notify(ports: Ports, delivery: Delivery, now: datetime) -> Done | Nothing:
    """Write to the shopper, once for each order and kind of mail.

    Raises:
        Transient: another delivery is sending this mail just now, or the mailer cannot for the moment.
        Permanent: the mail was refused for good.
    """
    del now  # A batch takes a while, and a claim is a lease.
    sent, mail = ports.sent, compose(_about_an_order(delivery), ports.storefront_url)
    claimed_at = ports.clock()
    match sent.claim(mail.id, claimed_at):
        case Claim.SENT:
            return Nothing("mail was sent")
        case Claim.HELD:
            raise Transient("another delivery is sending this mail")
    try:
        message_id = ports.mailer.send(mail)
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


def _ports() -> Ports:
    settings = _settings()
    return Ports(
        DynamoDBSentMails(settings.sent_mails_table), SesMailer(settings.sender_address), settings.storefront_url
    )


def _read_only() -> Ports:
    return Ports(ReadOnlySentMails(_settings().sent_mails_table), DryRunMailer(), _settings().storefront_url)


CONSUMER = Consumer(
    name="notifications",
    subscribes_to=tuple(TEXTS),
    react=one_by_one(notify),
    ports=_ports,
    read_only=_read_only,
)
handler = CONSUMER.handler
