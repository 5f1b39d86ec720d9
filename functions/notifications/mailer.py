"""The layout of a mail, as HTML and as plain text, and its sending by SES."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cloudretail import aws
from cloudretail.decider import WouldAct
from cloudretail.errors import Permanent, Transient
from cloudretail.mail import render
from contract.values import OrderEvent
from notifications.domain import MailContent, MailId, Shop, content_of

TEMPLATES = Path(__file__).parent / "templates"

TEMPORARY = frozenset({"TooManyRequestsException", "LimitExceededException", "Throttling", "ThrottlingException"})
"""Error codes of SES after which a retry may succeed. Source: SES v2 API reference, SendEmail and common errors."""

_EMAIL = re.compile(r"[^\s<>\"',;:()]+@[^\s<>\"',;:()]+")


@dataclass(frozen=True)
class Mail:
    """A mail as it is sent.

    Attributes:
        id: unique to this mail.
        kind: name of the event that it is about.
        to: e-mail address of the shopper.
        reply_to: e-mail address at which a person answers.
        subject: one line.
        text: the mail as plain text.
        html: the mail as HTML, with the same words.
    """

    id: MailId
    kind: str
    to: str
    reply_to: str
    subject: str
    text: str
    html: str

    @property
    def order_id(self) -> str:
        """Id of the order that it is about."""
        return self.id.order_id


class OrderMailer(Protocol):
    """Sends mails about orders."""

    def send(self, mail: Mail, traceparent: str) -> str:
        """Send a mail; returns SES's id of it.

        Args:
            mail: the mail.
            traceparent: of the event that it is about, so that a later bounce or complaint joins its trace.

        Raises:
            Transient: the mail was not accepted, but may be later.
            Permanent: the mail was refused for good.
        """
        ...


def compose(data: OrderEvent, shop: Shop) -> Mail:
    """The mail about an event, ready to be sent.

    Args:
        data: of one of the events in `domain.TEXTS`.
        shop: what mails say of the shop.

    Raises:
        jinja2.UndefinedError: a template uses a variable that the content does not have.
    """
    content = content_of(data, shop)
    return Mail(
        id=content.id,
        kind=content.kind,
        to=content.to,
        reply_to=content.contact,
        subject=content.subject,
        text=_render("mail.txt", content),
        html=_render("mail.html", content),
    )


def _render(name: str, content: MailContent) -> str:
    return render(
        TEMPLATES / name,
        subject=content.subject,
        preview=content.words.preview,
        reason="You are receiving this e-mail because you placed an order with CloudRetail.",
        content=content,
    )


class SesMailer:
    """An OrderMailer on SES.

    Args:
        sender: a verified e-mail address.
        configuration_set: makes SES suppress mails to addresses that bounced or complained.
    """

    def __init__(self, sender: str, configuration_set: str) -> None:
        self._sender = sender
        self._configuration_set = configuration_set

    def send(self, mail: Mail, traceparent: str) -> str:
        try:
            answer = aws.ses().send_email(
                FromEmailAddress=self._sender,
                ReplyToAddresses=[mail.reply_to],
                ConfigurationSetName=self._configuration_set,
                Destination={"ToAddresses": [mail.to]},
                Content={
                    "Simple": {
                        "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": mail.text, "Charset": "UTF-8"},
                            "Html": {"Data": mail.html, "Charset": "UTF-8"},
                        },
                    }
                },
                # MailFeedbackRule in the template reads these tags.
                EmailTags=[
                    {"Name": "kind", "Value": mail.kind},
                    {"Name": "order", "Value": mail.order_id},
                    {"Name": "traceparent", "Value": traceparent},
                ],
            )
        except ClientError as error:
            raise _refusal(error) from None
        except BotoCoreError as error:
            raise Transient(f"SES could not be reached: {_without_emails(str(error))}") from None
        return answer["MessageId"]


class DryRunMailer:
    """An OrderMailer for dry runs: it raises what it would send."""

    def send(self, mail: Mail, traceparent: str) -> str:
        del traceparent
        raise WouldAct(f'send the mail "{mail.subject}"')


def _refusal(error: ClientError) -> Transient | Permanent:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"SES: {code}: {_without_emails(error.response['Error'].get('Message', ''))}"
    return Transient(text) if code in TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR else Permanent(text)


def _without_emails(text: str) -> str:
    """The text without e-mail addresses. SES names the address that it refuses, which must not be logged."""
    return _EMAIL.sub("<e-mail>", text)
