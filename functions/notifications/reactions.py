"""Reacts to what became of an order by writing to its shopper."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail.consumer import consume, one_by_one
from cloudretail.decider import Nothing
from cloudretail.envelope import Event
from cloudretail.errors import Transient
from cloudretail.settings import Settings, load
from cloudretail.telemetry import count, logger, record
from notifications.domain import LETTERS
from notifications.mailer import Mailer, SesMailer, compose
from notifications.store import Claim, DynamoDBSentMails, SentMails


class NotificationsSettings(Settings):
    """What this function needs besides its queue."""

    sent_mails_table: str
    sender_address: str
    storefront_url: str


def handler(event: Mapping[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    settings = load(NotificationsSettings)
    sent = DynamoDBSentMails(settings.sent_mails_table)
    mailer = SesMailer(settings.sender_address)
    return consume(
        event,
        context,
        consumer="notifications",
        takes=LETTERS,
        react=one_by_one(lambda delivery: notify(delivery.event, sent, mailer, settings.storefront_url, _now)),
    )


def _now() -> datetime:
    return datetime.now(UTC)


def notify(event: Event, sent: SentMails, mailer: Mailer, storefront_url: str, clock: Callable[[], datetime]) -> None:
    """Write to the shopper, once for each order and kind of mail.

    Args:
        event: one of those in LETTERS.
        sent: which mails were sent.
        mailer: sends them.
        storefront_url: where the storefront is.
        clock: tells the time, aware.

    Raises:
        Transient: another delivery is sending this mail just now, or the mailer cannot for the moment.
        Permanent: the mail was refused for good.
    """
    mail = compose(event.data, storefront_url)
    claimed_at = clock()
    match sent.claim(mail.id, claimed_at):
        case Claim.SENT:
            record(Nothing("mail was sent"), message=mail.kind, order_id=mail.order_id, event_id=event.id)
            return
        case Claim.HELD:
            raise Transient("another delivery is sending this mail")
    try:
        message_id = mailer.send(mail)
    except Exception:
        try:
            sent.give_up(mail.id, claimed_at)
        except Exception:
            logger.exception(
                "A claim could not be given up; its lease runs out", order_id=mail.order_id, kind=mail.kind
            )
        raise
    try:
        sent.mark_sent(mail.id, message_id, clock())
    except Exception:
        # The mail is out: to fail the message now could only send it again.
        logger.exception("A mail was sent but could not be marked as sent", order_id=mail.order_id, kind=mail.kind)
    count("MailSent")
    logger.info(
        "Mail sent", message_name=mail.kind, order_id=mail.order_id, event_id=event.id, ses_message_id=message_id
    )
