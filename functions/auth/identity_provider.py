"""The identity provider on Amazon Cognito, and the mails on SES.

The app client has PreventUserExistenceErrors: Cognito itself answers alike for unknown users, mostly. Where it does
not (a limit counted by user, a code for a user who needs none) the differences end here.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from auth.domain import (
    Account,
    AddressTaken,
    EmailNotConfirmed,
    PasswordNotSet,
    RegistrationRefused,
    SessionOver,
    Tokens,
    TooManyRequests,
    WrongCredentials,
    wrong_code,
)
from cloudretail import aws, dynamodb
from cloudretail.errors import Transient, invalid
from cloudretail.telemetry import count, logger

type Meaning = Callable[[ClientError], Exception]

_ALWAYS: Mapping[str, Meaning] = {
    "TooManyRequestsException": lambda _: TooManyRequests(),
    "InternalErrorException": lambda _: Transient("Cognito failed to answer"),
}

_CODE_REFUSED: Mapping[str, Meaning] = dict.fromkeys(
    (
        "CodeMismatchException",
        "ExpiredCodeException",
        # A user who is unknown, confirmed already, disabled, or has no verified address.
        "InvalidParameterException",
        "NotAuthorizedException",
        "UserNotConfirmedException",
        "UserNotFoundException",
        # Counted by user, so that only users who exist ever reach them.
        "LimitExceededException",
        "TooManyFailedAttemptsException",
    ),
    lambda _: wrong_code(),
)

_NOBODY_TO_MAIL = frozenset(
    {
        "InvalidParameterException",
        "LimitExceededException",
        "NotAuthorizedException",
        "UserNotFoundException",
    }
)
"""Why no code is mailed: as for `_CODE_REFUSED`. Who asked for it learns of none of them."""


def _refused_password(error: ClientError) -> Exception:
    # "Password did not conform with policy: Password must have uppercase characters"
    return invalid("password", f"{error.response['Error']['Message'].rpartition(': ')[2].rstrip('.')}.")


@contextmanager
def _meaning(meanings: Mapping[str, Meaning]) -> Iterator[None]:
    """Raise what an error code means here; an error without a meaning passes."""
    try:
        yield
    except ClientError as error:
        meaning = {**_ALWAYS, **meanings}.get(dynamodb.code(error))
        if meaning is None:
            raise
        raise meaning(error) from error


class CognitoIdentityProvider:
    """An IdentityProvider on one user pool and one of its app clients, which has no secret.

    Args:
        user_pool_id: such as ap-southeast-1_aBcDeFgHi; e-mail addresses are its user names.
        client_id: of the app client.
    """

    def __init__(self, user_pool_id: str, client_id: str) -> None:
        self._pool = user_pool_id
        self._client = client_id

    def find(self, email: str) -> Account | None:
        try:
            with _meaning({}):
                user = aws.cognito().admin_get_user(UserPoolId=self._pool, Username=email)
        except aws.cognito().exceptions.UserNotFoundException:
            return None
        # Where e-mail addresses are the user names, the name that Cognito gives is a UUID of its own.
        return Account(user["Username"], confirmed=user["UserStatus"] != "UNCONFIRMED")

    def sign_up(self, email: str, password: str, name: str) -> None:
        with _meaning(
            {
                "UsernameExistsException": lambda _: AddressTaken(),
                "InvalidPasswordException": _refused_password,
                "InvalidParameterException": lambda _: invalid(
                    "email", "Enter your e-mail address, like name@example.com."
                ),
                "UserLambdaValidationException": lambda _: RegistrationRefused(),
                "LimitExceededException": lambda _: TooManyRequests(),
                "CodeDeliveryFailureException": lambda _: Transient("The code could not be mailed"),
            }
        ):
            aws.cognito().sign_up(
                ClientId=self._client,
                Username=email,
                Password=password,
                UserAttributes=[{"Name": "email", "Value": email}, {"Name": "name", "Value": name}],
            )

    def delete(self, user_id: str) -> None:
        try:
            with _meaning({}):
                aws.cognito().admin_delete_user(UserPoolId=self._pool, Username=user_id)
        except aws.cognito().exceptions.UserNotFoundException:
            logger.info("Another registration was quicker to replace this one")

    def confirm(self, email: str, code: str) -> None:
        with _meaning(_CODE_REFUSED):
            aws.cognito().confirm_sign_up(ClientId=self._client, Username=email, ConfirmationCode=code)

    def resend_code(self, email: str) -> None:
        with _in_silence("confirmation"):
            aws.cognito().resend_confirmation_code(ClientId=self._client, Username=email)

    def sign_in(self, email: str, password: str) -> Tokens:
        with _meaning(
            {
                "NotAuthorizedException": lambda _: WrongCredentials(),
                "UserNotFoundException": lambda _: WrongCredentials(),
                "UserNotConfirmedException": lambda _: EmailNotConfirmed(),
                "PasswordResetRequiredException": lambda _: PasswordNotSet(),
            }
        ):
            answer = aws.cognito().admin_initiate_auth(
                UserPoolId=self._pool,
                ClientId=self._client,
                AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": email, "PASSWORD": password},
            )
        if "AuthenticationResult" not in answer:  # a challenge: NEW_PASSWORD_REQUIRED, as the pool has no other
            raise PasswordNotSet
        result = answer["AuthenticationResult"]
        return Tokens(result["IdToken"], result["ExpiresIn"], result["RefreshToken"])

    def refresh(self, refresh_token: str) -> Tokens:
        with _meaning(
            {
                "NotAuthorizedException": lambda _: SessionOver(),
                "UserNotFoundException": lambda _: SessionOver(),
            }
        ):
            result = aws.cognito().admin_initiate_auth(
                UserPoolId=self._pool,
                ClientId=self._client,
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": refresh_token},
            )["AuthenticationResult"]
        return Tokens(result["IdToken"], result["ExpiresIn"], refresh_token)

    def revoke(self, refresh_token: str) -> None:
        errors = aws.cognito().exceptions
        try:
            with _meaning({}):
                aws.cognito().revoke_token(ClientId=self._client, Token=refresh_token)
        except (errors.UnauthorizedException, errors.InvalidParameterException):
            logger.info("There was no session to end")

    def send_reset_code(self, email: str) -> None:
        with _in_silence("reset"):
            aws.cognito().forgot_password(ClientId=self._client, Username=email)

    def reset_password(self, email: str, code: str, password: str) -> None:
        with _meaning({**_CODE_REFUSED, "InvalidPasswordException": _refused_password}):
            aws.cognito().confirm_forgot_password(
                ClientId=self._client, Username=email, ConfirmationCode=code, Password=password
            )
        try:
            aws.cognito().admin_user_global_sign_out(UserPoolId=self._pool, Username=email)
        except (ClientError, BotoCoreError):
            # The code is spent and the password changed: an error here would send its owner round for nothing.
            logger.exception("Older sessions outlive the password that was reset")
            count("SessionsNotEnded")


@contextmanager
def _in_silence(purpose: str) -> Iterator[None]:
    """Log, and do not raise, why an address gets no code: who asked must not learn it."""
    try:
        with _meaning({}):
            yield
    except ClientError as error:
        if dynamodb.code(error) == "CodeDeliveryFailureException":
            logger.exception("A code could not be mailed", purpose=purpose)
            count("MailFailed")
        elif dynamodb.code(error) in _NOBODY_TO_MAIL:
            logger.info("No code was mailed", purpose=purpose, reason=dynamodb.code(error))
        else:
            raise


class SesMailer:
    """A Mailer on SES.

    Args:
        sender: address of a verified identity.
        storefront_url: where its owner can sign in.
    """

    def __init__(self, sender: str, storefront_url: str) -> None:
        self._sender = sender
        self._storefront = storefront_url

    def tell_account_exists(self, email: str) -> None:
        # Nothing that the stranger entered stands in this mail, not even the name: it would carry anybody's text.
        text = (
            "Someone, perhaps you, just tried to create a CloudRetail account with this e-mail address. "
            "It already has an account, so nothing has changed.\n\n"
            f"To log in or choose a new password, go to {self._storefront}\n\n"
            "If it was not you, you can ignore this e-mail.\n"
        )
        try:
            aws.ses().send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [email]},
                Content={
                    "Simple": {
                        "Subject": {"Data": "You already have a CloudRetail account", "Charset": "UTF-8"},
                        "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                    }
                },
            )
        except (ClientError, BotoCoreError) as error:
            # Just what a new address gets when its code cannot be mailed.
            raise Transient("The mail to an address that has an account could not be sent") from error
