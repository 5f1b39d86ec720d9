"""How notifications react to an order's events: with a mail to its shopper.

A mail that is no longer true is not sent. For instance, once an order is cancelled, no mail says that it can be paid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cloudretail.consumer import Consumer, Delivery, one_by_one
from cloudretail.decider import Done, Nothing
from cloudretail.envelope import Cause
from cloudretail.errors import Transient
from cloudretail.settings import Settings, load
from cloudretail.telemetry import logger
from contract.auth import AccountDeletionRequested, Eraser
from contract.erasure import erasing
from contract.values import OrderEvent
from notifications.domain import DEPENDS_ON_ORDER, LATE, TEXTS, OrderNow, Shop, why_untrue
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


@dataclass(frozen=True)
class Ports:
    """The ports of the reaction.

    Attributes:
        sent: which mails were sent.
        mailer: sends them.
        order_now: reads the present state of an order, consistently.
        shop: what mails say of the shop.
        clock: returns the present time, aware.
    """

    sent: SentMails
    mailer: OrderMailer
    order_now: Callable[[str], OrderNow]
    shop: Shop
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def notify(ports: Ports, delivery: Delivery, now: datetime) -> Done | Nothing:
    """Send the mail about an event to its order's shopper, once for each MailId.

    Raises:
        Transient: another delivery is sending this mail, or SES does not accept it at present.
        Permanent: SES refused the mail for good, or there is no such order.
    """
    del now  # A claim is a lease from the present moment, and the batch may have begun long before.
    data = _about_an_order(delivery)
    is_late = ports.clock() - delivery.event.time > LATE
    if is_late or isinstance(data, DEPENDS_ON_ORDER):
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
                "Could not end the claim on a mail; its lease will run out", order_id=mail.order_id, kind=mail.kind
            )
        raise
    try:
        sent.mark_sent(mail.id, message_id, ports.clock())
    except Exception:
        # The mail is sent. If the message failed now, a retry would send the mail again.
        logger.exception("A mail was sent but could not be marked as sent", order_id=mail.order_id, kind=mail.kind)
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
