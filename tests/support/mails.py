"""Mails that stay in the test: which were sent, and the claims on them."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from notifications.domain import MailId, Shop
from notifications.mailer import Mail
from notifications.store import LEASE, Claim

SHOP = Shop(
    "https://shop.cloudretail.example",
    "help@cloudretail.example",
    ("CloudRetail Returns", "1 Example Road", "Singapore 018956"),
)
"""Whose mails tests read."""


class InMemorySentMails:
    """SentMails on a dictionary.

    Args:
        hook: called with "claim", "give up" or "mark" and the mail's id before each call; what it raises is what the
            caller gets.
    """

    def __init__(self, hook: Callable[[str, str], None] = lambda point, key: None) -> None:
        self.hook = hook
        self._lock = Lock()
        self._leases: dict[MailId, tuple[datetime, datetime]] = {}
        self.sent: dict[MailId, tuple[str, datetime]] = {}

    def claim(self, mail_id: MailId, now: datetime) -> Claim:
        self.hook("claim", str(mail_id))
        with self._lock:
            if mail_id in self.sent:
                return Claim.SENT
            _, until = self._leases.get(mail_id, (now, now))
            if now < until:
                return Claim.HELD
            self._leases[mail_id] = (now, now + LEASE)
            return Claim.OURS

    def give_up(self, mail_id: MailId, claimed_at: datetime) -> None:
        self.hook("give up", str(mail_id))
        with self._lock:
            if self._leases.get(mail_id, (None,))[0] == claimed_at:
                del self._leases[mail_id]

    def mark_sent(self, mail_id: MailId, message_id: str, now: datetime) -> None:
        self.hook("mark", str(mail_id))
        with self._lock:
            self.sent[mail_id] = (message_id, now)


class Mailbox:
    """An OrderMailer that keeps what it is given.

    Args:
        hook: called with "send" and the mail's id before each call; what it raises is what the caller gets.

    Attributes:
        mails: what was accepted, in order.
        refusals: what the next calls raise, in order, before anything is accepted again.
    """

    def __init__(self, hook: Callable[[str, str], None] = lambda point, key: None) -> None:
        self.hook = hook
        self.mails: list[Mail] = []
        self.refusals: list[Exception] = []

    def send(self, mail: Mail, traceparent: str) -> str:
        del traceparent
        self.hook("send", str(mail.id))
        if self.refusals:
            raise self.refusals.pop(0)
        self.mails.append(mail)
        return f"ses-{len(self.mails)}"
