"""How a mail is laid out, as HTML and as plain text, and how it leaves the shop."""

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
"""Codes with which SES says "later"; source: SES v2 API reference, SendEmail and common errors."""

_EMAIL = re.compile(r"[^\s<>\"',;:()]+@[^\s<>\"',;:()]+")


@dataclass(frozen=True)
class Mail:
    """A mail as it is sent.

    Attributes:
        id: unique to this mail.
        kind: name of the event that it is about.
        to: e-mail address of the shopper.
        reply_to: e-mail address at which a person answers.
        subject: in one line.
        text: for those who read plain text.
        html: for everybody else, with the same words.
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
        """Of the order that it is about."""
        return self.id.order_id


class OrderMailer(Protocol):
    """Sends mails about orders."""

    def send(self, mail: Mail, traceparent: str) -> str:
        """The id under which the mail was accepted; raises Transient or Permanent where it was not.

        Args:
            mail: the mail.
            traceparent: of the event that it is about, so that what SES says of the mail later joins that trace.
        """
        ...


def compose(data: OrderEvent, shop: Shop) -> Mail:
    """The mail that an event leads to, ready to be sent.

    Args:
        data: of one of the events in `domain.TEXTS`.
        shop: whose mail it is.

    Raises:
        jinja2.UndefinedError: a template names something that the content does not have.
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
        configuration_set: by which SES holds back what goes to an address that bounced or complained.
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
                # MailFeedbackRule in the template reads these.
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
    """An OrderMailer that says what it would send."""

    def send(self, mail: Mail, traceparent: str) -> str:
        del traceparent
        raise WouldAct(f'send the mail "{mail.subject}"')


def _refusal(error: ClientError) -> Transient | Permanent:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"SES: {code}: {_without_emails(error.response['Error'].get('Message', ''))}"
    return Transient(text) if code in TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR else Permanent(text)


def _without_emails(text: str) -> str:
    """SES names the e-mail address that it refuses, which does not belong into logs."""
    return _EMAIL.sub("<e-mail>", text)
