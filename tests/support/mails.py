"""Mails that stay in the test: which were sent, and the claims on them."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from notifications.mailer import Mail
from notifications.store import LEASE, Claim


class InMemorySentMails:
    """SentMails on a dictionary.

    Args:
        hook: called with "claim", "give up" or "mark" and the mail's id before each call; what it raises is what the
            caller gets.
    """

    def __init__(self, hook: Callable[[str, str], None] = lambda point, key: None) -> None:
        self.hook = hook
        self._lock = Lock()
        self._leases: dict[str, tuple[datetime, datetime]] = {}
        self.sent: dict[str, tuple[str, datetime]] = {}

    def claim(self, mail_id: str, now: datetime) -> Claim:
        self.hook("claim", mail_id)
        with self._lock:
            if mail_id in self.sent:
                return Claim.SENT
            _, until = self._leases.get(mail_id, (now, now))
            if now < until:
                return Claim.HELD
            self._leases[mail_id] = (now, now + LEASE)
            return Claim.OURS

    def give_up(self, mail_id: str, claimed_at: datetime) -> None:
        self.hook("give up", mail_id)
        with self._lock:
            if self._leases.get(mail_id, (None,))[0] == claimed_at:
                del self._leases[mail_id]

    def mark_sent(self, mail_id: str, message_id: str, now: datetime) -> None:
        self.hook("mark", mail_id)
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

    def send(self, mail: Mail) -> str:
        self.hook("send", mail.id)
        if self.refusals:
            raise self.refusals.pop(0)
        self.mails.append(mail)
        return f"ses-{len(self.mails)}"
