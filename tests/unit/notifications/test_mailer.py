"""How a mail leaves the shop, and what a refusal by SES means for the message that asked for it."""

from traceback import format_exception

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from cloudretail import aws
from cloudretail.errors import Permanent, Transient
from notifications.domain import MailId
from notifications.mailer import Mail, SesMailer
from tests.support.wire import Wire

SENDER = "shop@cloudretail.example"
MAIL = Mail(
    id=MailId("ord_1", "OrderConfirmed"),
    kind="OrderConfirmed",
    to="shopper@cloudretail.example",
    reply_to="help@cloudretail.example",
    subject="Order 1 confirmed ✓",
    text="Grüße",
    html="<p>Grüße</p>",
)


@pytest.fixture
def wire(tables: None, monkeypatch: pytest.MonkeyPatch) -> Wire:
    aws.ses().create_email_identity(EmailIdentity=SENDER)
    return Wire(monkeypatch)


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def answer(code: str, status: int, message: str = "") -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
                "HostId": "",
            },
        },
        "SendEmail",
    )


def test_a_mail_goes_out_in_both_forms_in_utf8_with_tags_to_find_it_by(wire: Wire) -> None:
    message_id = SesMailer(SENDER, "mails").send(MAIL, TRACE)
    assert message_id
    assert wire.made("SendEmail") == [
        {
            "FromEmailAddress": SENDER,
            "ReplyToAddresses": ["help@cloudretail.example"],
            "ConfigurationSetName": "mails",
            "Destination": {"ToAddresses": ["shopper@cloudretail.example"]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": "Order 1 confirmed ✓", "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": "Grüße", "Charset": "UTF-8"},
                        "Html": {"Data": "<p>Grüße</p>", "Charset": "UTF-8"},
                    },
                }
            },
            "EmailTags": [
                {"Name": "kind", "Value": "OrderConfirmed"},
                {"Name": "order", "Value": "ord_1"},
                {"Name": "traceparent", "Value": TRACE},
            ],
        }
    ]


@pytest.mark.parametrize(
    "error",
    [
        answer("TooManyRequestsException", 429),
        answer("LimitExceededException", 400),
        answer("ThrottlingException", 400),
        answer("InternalFailure", 500),
        answer("ServiceUnavailable", 503),
        ReadTimeoutError(endpoint_url="https://ses"),
        ConnectTimeoutError(endpoint_url="https://ses"),
        EndpointConnectionError(endpoint_url="https://ses"),
    ],
    ids=str,
)
def test_what_ses_may_do_later_is_transient(wire: Wire, error: Exception) -> None:
    wire.refuses("SendEmail", error)
    with pytest.raises(Transient, match="SES"):
        SesMailer(SENDER, "mails").send(MAIL, TRACE)


@pytest.mark.parametrize(
    "code",
    [
        "MessageRejected",
        "MailFromDomainNotVerifiedException",
        "BadRequestException",
        "NotFoundException",
        "AccountSuspendedException",
        "SendingPausedException",
        "AccessDeniedException",
    ],
)
def test_what_ses_refuses_for_good_is_permanent_and_says_why(wire: Wire, code: str) -> None:
    wire.refuses("SendEmail", answer(code, 400, "the reason"))
    with pytest.raises(Permanent, match=f"^SES: {code}: the reason$"):
        SesMailer(SENDER, "mails").send(MAIL, TRACE)


@pytest.mark.parametrize(
    "message",
    [
        "Email address is not verified. The following identities failed the check: shopper@cloudretail.example, "
        "Shopper <shopper@cloudretail.example>",
        "Domain contains illegal character: 'shopper@cloudretail.example'",
    ],
)
def test_a_refusal_names_no_email_address(wire: Wire, message: str) -> None:
    wire.refuses("SendEmail", answer("MessageRejected", 400, message))
    with pytest.raises(Permanent) as refusal:
        SesMailer(SENDER, "mails").send(MAIL, TRACE)
    assert "cloudretail.example" not in str(refusal.value)
    assert "<e-mail>" in str(refusal.value)
    assert "shopper@" not in "".join(format_exception(refusal.value)), "what a log prints with it"
