"""Mails that stay in the test: which were sent, and the claims on them."""

from datetime import datetime
from threading import Lock

from notifications.mailer import Mail
from notifications.store import LEASE, Claim


class InMemorySentMails:
    """SentMails on a dictionary."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._leases: dict[str, tuple[datetime, datetime]] = {}
        self.sent: dict[str, tuple[str, datetime]] = {}

    def claim(self, mail_id: str, now: datetime) -> Claim:
        with self._lock:
            if mail_id in self.sent:
                return Claim.SENT
            _, until = self._leases.get(mail_id, (now, now))
            if now < until:
                return Claim.HELD
            self._leases[mail_id] = (now, now + LEASE)
            return Claim.OURS

    def give_up(self, mail_id: str, claimed_at: datetime) -> None:
        with self._lock:
            if self._leases.get(mail_id, (None,))[0] == claimed_at:
                del self._leases[mail_id]

    def mark_sent(self, mail_id: str, message_id: str, now: datetime) -> None:
        with self._lock:
            self.sent[mail_id] = (message_id, now)


class InMemoryMailer:
    """A Mailer that keeps what it is given.

    Attributes:
        mails: what was accepted, in order.
        refusals: what the next calls raise, in order, before anything is accepted again.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.refusals: list[Exception] = []

    def send(self, mail: Mail) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.mails.append(mail)
        return f"ses-{len(self.mails)}"
