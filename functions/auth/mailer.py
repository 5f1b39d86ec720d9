"""The texts of mails about accounts. Cognito sends those with a code; this module sends the other one.

They contain nothing that a user entered, not even a name. Otherwise a stranger could enter somebody's address, and use
the mail to send them a text.
"""

from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from cloudretail import aws
from cloudretail.errors import Transient
from cloudretail.mail import render

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class AccountMail:
    """One kind of mail, in whole sentences.

    Attributes:
        subject: one line.
        heading: the same, as the heading of the mail.
        preview: the sentence that a mail program shows after the subject in its list.
        story: paragraphs. The code, if there is one, is below them.
        warning: for recipients who did not ask for this mail.
        action: the text of the button that leads to the storefront; empty for no button.
    """

    subject: str
    heading: str
    preview: str
    story: tuple[str, ...]
    warning: str
    action: str = ""

    def render(self, kind: str, *, code: str = "", link: str = "") -> str:
        """The text of the mail.

        Args:
            kind: `html` or `txt`.
            code: the code, or the placeholder that Cognito replaces by it.
            link: address that the button leads to.
        """
        return render(
            TEMPLATES / f"account.{kind}",
            subject=self.subject,
            preview=self.preview,
            reason="You are receiving this e-mail because someone entered this address at CloudRetail.",
            heading=self.heading,
            story=self.story,
            warning=self.warning,
            action=self.action,
            code=code,
            link=link,
        )


CONFIRM = AccountMail(
    subject="Confirm your e-mail address for CloudRetail",
    heading="Confirm your e-mail address",
    preview="Enter this code to create your account.",
    story=("Enter this code on the page where you are creating your CloudRetail account. It is valid for 24 hours.",),
    warning=(
        "You did not want to create an account? Then someone else entered your address. Do not pass the code on, and "
        "ignore this e-mail: without the code there is no account."
    ),
)

RESET = AccountMail(
    subject="Choose a new password for CloudRetail",
    heading="Choose a new password",
    preview="Enter this code to choose a new password.",
    story=(
        "Enter this code on the page where you are choosing a new password for your CloudRetail account. It is valid "
        "for one hour.",
    ),
    warning=(
        "You did not ask for a new password? Then do not pass the code on: whoever has it can take over your account. "
        "If you ignore this e-mail, nothing changes."
    ),
)

EXISTS = AccountMail(
    subject="You already have a CloudRetail account",
    heading="You already have an account",
    preview="Nothing has changed. You can log in, or choose a new password.",
    story=(
        "Someone, perhaps you, just tried to create a CloudRetail account with this e-mail address. It already has an "
        "account, so nothing has changed.",
        "You can log in as usual. If you forgot your password, choose “Forgot your password?” there.",
    ),
    warning="It was not you? Then you can ignore this e-mail. Nobody has got into your account.",
    action="Go to CloudRetail",
)


class SesMailer:
    """A Mailer on SES.

    Args:
        sender: address of a verified identity.
        configuration_set: makes SES suppress mails to addresses that bounced or complained.
        storefront_url: where the account's owner can log in.
    """

    def __init__(self, sender: str, configuration_set: str, storefront_url: str) -> None:
        self._sender = sender
        self._configuration_set = configuration_set
        self._storefront = storefront_url

    def tell_account_exists(self, email: str) -> None:
        link = f"{self._storefront.rstrip('/')}/login"
        try:
            aws.ses().send_email(
                FromEmailAddress=self._sender,
                ConfigurationSetName=self._configuration_set,
                Destination={"ToAddresses": [email]},
                Content={
                    "Simple": {
                        "Subject": {"Data": EXISTS.subject, "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": EXISTS.render("txt", link=link), "Charset": "UTF-8"},
                            "Html": {"Data": EXISTS.render("html", link=link), "Charset": "UTF-8"},
                        },
                    }
                },
            )
        except (ClientError, BotoCoreError) as error:
            # The same error as for a new address whose code cannot be mailed.
            raise Transient("The mail to an address that has an account could not be sent") from error
