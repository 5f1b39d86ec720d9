"""The functions that Cognito calls while it serves a user: they write the text of a mail, and the groups into a token.

Cognito waits five seconds for an answer, and calls three times (Developer guide, "Important considerations").
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from auth.identity_provider import TOTP
from auth.mailer import CONFIRM, RESET, AccountMail
from cloudretail import aws
from cloudretail.telemetry import logger

type Event = dict[str, Any]

WITHOUT_SECOND_FACTOR = "second-factor-needed"
"""The one group in the token of somebody whose groups are left out of it until they have a second factor. An override
with no group at all is not described in Cognito's documentation; one with another group is."""

_MAILS: Mapping[str, AccountMail] = {
    "CustomMessage_SignUp": CONFIRM,
    "CustomMessage_ResendCode": CONFIRM,
    "CustomMessage_ForgotPassword": RESET,
}


def message(event: Event, context: LambdaContext) -> Event:  # noqa: ARG001
    """Write the mail with a code (trigger "custom message"); other mails keep Cognito's own text."""
    if mail := _MAILS.get(event["triggerSource"]):
        event["response"]["emailSubject"] = mail.subject
        event["response"]["emailMessage"] = mail.render("html", code=event["request"]["codeParameter"])
    return event


def token(event: Event, context: LambdaContext) -> Event:  # noqa: ARG001
    """Leave the groups out of an ID token until the user has a second factor (trigger "pre token generation",
    version 1). It fails closed: if Cognito cannot be asked, there is no token."""
    if event["request"]["groupConfiguration"].get("groupsToOverride"):
        # Only users with a group are looked up: a shopper's token costs no call.
        user = aws.cognito().admin_get_user(UserPoolId=event["userPoolId"], Username=event["userName"])
        if TOTP not in user.get("UserMFASettingList", ()):
            logger.info("A token without groups", reason="no second factor")
            event["response"]["claimsOverrideDetails"] = {
                "groupOverrideDetails": {"groupsToOverride": [WITHOUT_SECOND_FACTOR]}
            }
    return event
