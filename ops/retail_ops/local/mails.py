"""The mails that a local shop has sent, including Cognito's codes. None of them leaves this machine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape

import httpx

from retail_ops.errors import NoShop
from retail_ops.stack.shop import Shop


@dataclass(frozen=True)
class Mail:
    """A sent mail.

    Args:
        id: the emulator's message id.
        sent: ISO 8601 time, UTC.
        sender: address.
        to: addresses.
        subject: of the mail.
        text: its plain text part, or the text of the HTML part.
        html: its HTML part; None if it has none.
    """

    id: str
    sent: str
    sender: str
    to: Sequence[str]
    subject: str
    text: str
    html: str | None


def read_mails(shop: Shop, to: str | None = None) -> list[Mail]:
    """The mails of a local shop, oldest first.

    Args:
        shop: a local one.
        to: only those to this address.

    Raises:
        NoShop: the shop is on AWS, where mails go to their recipients' own mailboxes.
    """
    if shop.endpoint is None:
        raise NoShop("A shop on AWS sends its mails to their receivers; only a local shop has an inbox.")
    credentials = shop.session.get_credentials()
    assert credentials
    answer = httpx.get(
        f"{shop.endpoint}/_ministack/ses/messages",
        headers={"Authorization": f"Bearer {credentials.access_key}"},
        trust_env=False,
        timeout=10,
    )
    answer.raise_for_status()
    mails = [
        Mail(
            id=message["MessageId"],
            sent=datetime.fromtimestamp(message["Timestamp"], UTC).isoformat(timespec="milliseconds"),
            sender=message["Source"],
            to=tuple(message["To"]),
            subject=message["Subject"],
            # Cognito's mails are HTML alone.
            text=message["BodyText"] or _words(message["BodyHtml"] or ""),
            html=message["BodyHtml"],
        )
        for messages in answer.json()["messages"].values()
        for message in messages
    ]
    return [mail for mail in mails if to is None or to.casefold() in {address.casefold() for address in mail.to}]


def _words(html: str) -> str:
    """The text of an HTML mail."""
    body = re.sub(r"<div style=\"display:none.*?</div>|<(style|title)\b.*?</\1>|<!--.*?-->", "", html, flags=re.DOTALL)
    lines = (unescape(line).strip() for line in re.sub(r"<[^>]*>", "\n", body).splitlines())
    return "\n\n".join(filter(None, lines)) + "\n"
