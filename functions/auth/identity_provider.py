"""The identity provider on Amazon Cognito.

The app client has PreventUserExistenceErrors, so Cognito mostly gives the same answer for unknown users. Where it does
not (a limit counted by user, a code for a user who needs none), this module removes the difference.
The client has a secret, so that nobody else can make the calls of Cognito's API that need no signature.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from auth.domain import (
    Account,
    AddressRefused,
    AddressTaken,
    EmailNotConfirmed,
    PasswordNotSet,
    PasswordRefused,
    SecondFactorNeeded,
    SessionOver,
    Tokens,
    TooManyRequests,
    WrongCode,
    WrongCredentials,
    WrongSecondFactor,
)
from cloudretail import aws, dynamodb
from cloudretail.errors import ShopError, Transient
from cloudretail.telemetry import count, logger

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.type_defs import (
        AuthenticationResultTypeTypeDef,
        ContextDataTypeTypeDef,
        UserContextDataTypeTypeDef,
    )

type Meaning = Callable[[ClientError], Exception]

TOTP = "SOFTWARE_TOKEN_MFA"
"""Cognito's name of an authenticator app as the second factor."""

_TRIGGER_FAILED = frozenset(
    {"InvalidLambdaResponseException", "UnexpectedLambdaException", "UserLambdaValidationException"}
)
"""Errors of the pool's own functions (texts of mails, groups of a token). They never mean that a user is refused."""

_ALWAYS: Mapping[str, Meaning] = {
    "TooManyRequestsException": lambda _: TooManyRequests(),
    "InternalErrorException": lambda _: Transient("Cognito failed to answer"),
    **dict.fromkeys(_TRIGGER_FAILED, lambda error: Transient(f"A trigger of the user pool failed: {error}")),
}

_CODE_REFUSED: Mapping[str, Meaning] = dict.fromkeys(
    (
        "CodeMismatchException",
        "ExpiredCodeException",
        # The user is unknown, confirmed already, disabled, or has no verified address.
        "InvalidParameterException",
        "NotAuthorizedException",
        "UserNotConfirmedException",
        "UserNotFoundException",
        # These limits are counted by user, so only existing users can reach them.
        "LimitExceededException",
        "TooManyFailedAttemptsException",
    ),
    lambda _: WrongCode(),
)

_NOBODY_TO_MAIL = frozenset(
    {
        "InvalidParameterException",
        "LimitExceededException",
        "NotAuthorizedException",
        "UserNotFoundException",
    }
)
"""Errors after which no code is mailed, besides `_CODE_REFUSED`. The caller does not learn the reason."""


def _refused_password(error: ClientError) -> Exception:
    # "Password did not conform with policy: Password must have uppercase characters"
    return PasswordRefused(f"{error.response['Error']['Message'].rpartition(': ')[2].rstrip('.')}.")


@contextmanager
def _meaning(meanings: Mapping[str, Meaning]) -> Iterator[None]:
    """Raise what an error code means here. An error without a meaning is raised as it is."""
    try:
        yield
    except ClientError as error:
        meaning = {**_ALWAYS, **meanings}.get(dynamodb.code(error))
        if meaning is None:
            raise
        raise meaning(error) from error


@dataclass(frozen=True)
class Visit:
    """The origin of a request. Without it, Cognito would see the function's address for every user.

    Attributes:
        address: IP address of the user's device; empty if it is not known.
        user_agent: of the browser.
        server: host name of the shop.
        path: of the route.
    """

    address: str
    user_agent: str
    server: str
    path: str


class CognitoIdentityProvider:
    """An IdentityProvider on one user pool and one of its app clients.

    Args:
        user_pool_id: such as ap-southeast-1_aBcDeFgHi; e-mail addresses are its user names.
        client_id: of the app client, which has a secret.
        visit: the request that is being answered. If the pool has threat protection, Cognito judges its risk, and
            stores it in the user's history. Source: Cognito developer guide, "Collecting data for threat protection in
            applications".
    """

    def __init__(self, user_pool_id: str, client_id: str, visit: Callable[[], Visit]) -> None:
        self._pool = user_pool_id
        self._client = client_id
        self._visit = visit

    @property
    def _context(self) -> "ContextDataTypeTypeDef":
        """The context data of a signed call."""
        visit = self._visit()
        return {
            "IpAddress": visit.address,
            "ServerName": visit.server,
            "ServerPath": visit.path,
            "HttpHeaders": [{"headerName": "User-Agent", "headerValue": visit.user_agent}],
        }

    @property
    def _user_context(self) -> "UserContextDataTypeTypeDef":
        """The context data of a call that has only the client's secret."""
        return {"IpAddress": self._visit().address}

    @cached_property
    def _secret(self) -> str:
        # Read once per process, so that no function's environment contains it.
        with _meaning({}):
            client = aws.cognito().describe_user_pool_client(UserPoolId=self._pool, ClientId=self._client)
        return client["UserPoolClient"]["ClientSecret"]

    def _hash(self, username: str) -> str:
        """The hash that proves to Cognito that a call about a user comes from this service. Source: Cognito developer
        guide, "Computing secret hash values"."""
        digest = hmac.digest(self._secret.encode(), f"{username}{self._client}".encode(), hashlib.sha256)
        return base64.b64encode(digest).decode()

    def find(self, email: str) -> Account | None:
        try:
            with _meaning({}):
                user = aws.cognito().admin_get_user(UserPoolId=self._pool, Username=email)
        except aws.cognito().exceptions.UserNotFoundException:
            return None
        # With e-mail addresses as user names, Cognito's own user name is a UUID.
        return Account(user["Username"], confirmed=user["UserStatus"] != "UNCONFIRMED")

    def sign_up(self, email: str) -> None:
        with _meaning(
            {
                "UsernameExistsException": lambda _: AddressTaken(),
                "InvalidParameterException": lambda _: AddressRefused(),
                "LimitExceededException": lambda _: TooManyRequests(),
                "CodeDeliveryFailureException": lambda _: Transient("The code could not be mailed"),
            }
        ):
            aws.cognito().sign_up(
                ClientId=self._client,
                SecretHash=self._hash(email),
                Username=email,
                UserContextData=self._user_context,
                # A random password, which nobody learns.
                Password=secrets.token_urlsafe(48),
                UserAttributes=[{"Name": "email", "Value": email}],
            )

    def confirm(self, email: str, code: str) -> None:
        with _meaning(_CODE_REFUSED):
            aws.cognito().confirm_sign_up(
                ClientId=self._client,
                SecretHash=self._hash(email),
                Username=email,
                UserContextData=self._user_context,
                ConfirmationCode=code,
            )

    def set_up(self, email: str, password: str, name: str | None) -> None:
        # The name is set first, so that an account with a password has a name, even if this stops in between.
        with _meaning({"InvalidPasswordException": _refused_password}):
            if name is not None:
                self.rename(email, name)
            aws.cognito().admin_set_user_password(
                UserPoolId=self._pool, Username=email, Password=password, Permanent=True
            )

    def rename(self, email: str, name: str) -> None:
        with _meaning({}):
            aws.cognito().admin_update_user_attributes(
                UserPoolId=self._pool, Username=email, UserAttributes=[{"Name": "name", "Value": name}]
            )

    def resend_code(self, email: str) -> None:
        with _in_silence("confirmation"):
            aws.cognito().resend_confirmation_code(
                ClientId=self._client,
                SecretHash=self._hash(email),
                Username=email,
                UserContextData=self._user_context,
            )

    def send_reset_code(self, email: str) -> None:
        with _in_silence("reset"):
            aws.cognito().forgot_password(
                ClientId=self._client,
                SecretHash=self._hash(email),
                Username=email,
                UserContextData=self._user_context,
            )

    def reset_password(self, email: str, code: str, password: str) -> None:
        with _meaning({**_CODE_REFUSED, "InvalidPasswordException": _refused_password}):
            aws.cognito().confirm_forgot_password(
                ClientId=self._client,
                SecretHash=self._hash(email),
                Username=email,
                UserContextData=self._user_context,
                ConfirmationCode=code,
                Password=password,
            )

    def sign_out_everywhere(self, email: str) -> None:
        with _meaning({}):
            aws.cognito().admin_user_global_sign_out(UserPoolId=self._pool, Username=email)

    def check_password(self, email: str, password: str) -> None:
        with suppress(SecondFactorNeeded):
            # The session that comes of it reaches nobody.
            self._authenticate(email, password, None)

    def sign_in(self, email: str, password: str, app_code: str | None = None) -> Tokens:
        return _tokens(self._authenticate(email, password, app_code))

    def _authenticate(self, email: str, password: str, app_code: str | None) -> "AuthenticationResultTypeTypeDef":
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
                AuthParameters={"USERNAME": email, "PASSWORD": password, "SECRET_HASH": self._hash(email)},
                ContextData=self._context,
            )
        if "AuthenticationResult" in answer:
            return answer["AuthenticationResult"]
        if answer["ChallengeName"] != TOTP:  # NEW_PASSWORD_REQUIRED, as the pool has no other
            raise PasswordNotSet
        if app_code is None:
            raise SecondFactorNeeded
        username = answer["ChallengeParameters"].get("USER_ID_FOR_SRP", email)
        with _meaning(
            dict.fromkeys(
                # A code is valid once. Cognito's session lasts three minutes, and has just begun here.
                ("CodeMismatchException", "ExpiredCodeException", "NotAuthorizedException"),
                lambda _: WrongSecondFactor(),
            )
        ):
            return aws.cognito().admin_respond_to_auth_challenge(
                UserPoolId=self._pool,
                ClientId=self._client,
                ChallengeName=TOTP,
                Session=answer["Session"],
                ChallengeResponses={
                    "USERNAME": username,
                    "SOFTWARE_TOKEN_MFA_CODE": app_code,
                    "SECRET_HASH": self._hash(username),
                },
                ContextData=self._context,
            )["AuthenticationResult"]

    def refresh(self, refresh_token: str) -> Tokens:
        with _meaning(
            dict.fromkeys(
                ("NotAuthorizedException", "RefreshTokenReuseException", "UserNotFoundException"),
                lambda _: SessionOver(),
            )
        ):
            result = aws.cognito().get_tokens_from_refresh_token(
                ClientId=self._client, ClientSecret=self._secret, RefreshToken=refresh_token
            )["AuthenticationResult"]
        return _tokens(result, refresh_token)

    def revoke(self, refresh_token: str) -> None:
        errors = aws.cognito().exceptions
        try:
            with _meaning({}):
                aws.cognito().revoke_token(ClientId=self._client, ClientSecret=self._secret, Token=refresh_token)
        except (errors.UnauthorizedException, errors.InvalidParameterException):
            logger.info("There was no session to end")

    def begin_second_factor(self, email: str, password: str) -> str:
        access_token = self._authenticate(email, password, None)["AccessToken"]
        with _meaning({}):
            return aws.cognito().associate_software_token(AccessToken=access_token)["SecretCode"]

    def finish_second_factor(self, email: str, password: str, app_code: str) -> None:
        access_token = self._authenticate(email, password, None)["AccessToken"]
        with _meaning(
            dict.fromkeys(("CodeMismatchException", "EnableSoftwareTokenMFAException"), lambda _: WrongSecondFactor())
        ):
            aws.cognito().verify_software_token(AccessToken=access_token, UserCode=app_code)
            aws.cognito().admin_set_user_mfa_preference(
                UserPoolId=self._pool,
                Username=email,
                SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True},
            )


class CognitoUsers:
    """Users of a pool, by its own names of them: UUIDs, where people log in with e-mail addresses."""

    def __init__(self, user_pool_id: str) -> None:
        self._pool = user_pool_id

    def disable(self, username: str) -> None:
        with suppress(aws.cognito().exceptions.UserNotFoundException), _meaning({}):
            aws.cognito().admin_disable_user(UserPoolId=self._pool, Username=username)
            aws.cognito().admin_user_global_sign_out(UserPoolId=self._pool, Username=username)

    def delete(self, username: str) -> None:
        with suppress(aws.cognito().exceptions.UserNotFoundException), _meaning({}):
            aws.cognito().admin_delete_user(UserPoolId=self._pool, Username=username)


def _tokens(result: "AuthenticationResultTypeTypeDef", refresh_token: str = "") -> Tokens:
    # A pool without rotation returns no refresh token: the one that was sent stays valid.
    return Tokens(result["IdToken"], result["ExpiresIn"], result.get("RefreshToken") or refresh_token)


class _NotMailedError(ShopError):
    """A code was not sent, though its user waits for it."""


@contextmanager
def _in_silence(purpose: str) -> Iterator[None]:
    """Log why an address gets no code, and do not raise it: the caller must not learn it."""
    try:
        with _meaning(dict.fromkeys({"CodeDeliveryFailureException", *_TRIGGER_FAILED}, lambda _: _NotMailedError())):
            yield
    except _NotMailedError:
        logger.exception("A code could not be mailed", purpose=purpose)
        count("MailFailed")
    except ClientError as error:
        if dynamodb.code(error) in _NOBODY_TO_MAIL:
            logger.info("No code was mailed", purpose=purpose, reason=dynamodb.code(error))
        else:
            raise
