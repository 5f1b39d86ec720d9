"""The mails about accounts: what they say, and how one of them leaves the shop. Cognito sends those with a code.

They contain nothing that a user entered, not even a name. Somebody else may have typed the address, and could use the
mail to send a text of their own to it.
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
        subject: in one line.
        heading: the same for somebody who has opened the mail.
        preview: the sentence that a list of mails shows behind the subject.
        story: a paragraph each; the code, where there is one, stands below.
        warning: to who did not ask for this mail.
        action: what the button says that leads to the storefront; empty for none.
    """

    subject: str
    heading: str
    preview: str
    story: tuple[str, ...]
    warning: str
    action: str = ""

    def render(self, kind: str, *, code: str = "", link: str = "") -> str:
        """The text.

        Args:
            kind: `html` or `txt`.
            code: that the person enters, or what Cognito puts it in place of.
            link: of the button.
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
        configuration_set: by which SES holds back what goes to an address that bounced or complained.
        storefront_url: where its owner can sign in.
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
            # Just what a new address gets when its code cannot be mailed.
            raise Transient("The mail to an address that has an account could not be sent") from error
