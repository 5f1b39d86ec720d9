"""The routes under /api/auth, and those of the account itself under /api/account.

The ID token is the API's bearer token, and is kept in the page's memory only. No script can read the refresh token: it
is in an HttpOnly cookie, which browsers send to these routes only, over TLS and from the shop's own pages.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie, SameSite
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from auth import commands
from auth.deletion import AwaitedOrder
from auth.domain import (
    SESSION_LASTS,
    AccountError,
    AddressRefused,
    AppCode,
    Code,
    EmailAddress,
    EmailNotConfirmed,
    IdentityProvider,
    Mailer,
    Name,
    NewPassword,
    Password,
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
from auth.identity_provider import CognitoIdentityProvider, CognitoUsers, Visit
from auth.limits import KNOWN_FOR, AccountLimits, Devices, Door, DynamoDBDevices
from auth.mailer import SesMailer
from auth.store import HeldSettings, held, open_deletions, waits_of
from cloudretail import emulator, origin
from cloudretail.attempts import Attempts, DynamoDBAttempts
from cloudretail.errors import Problem, invalid
from cloudretail.http import Api, Cursor, answers, decode_place, encode_cursor, no_content, problem_response
from cloudretail.identity import Caller, caller_of
from cloudretail.model import Model, RequestModel
from cloudretail.settings import load

LAPTOP = re.compile(r"http://(localhost|127\.0\.0\.1|[a-z0-9]+\.cloudfront\.localhost)(:\d+)?")


class AuthSettings(AccountLimits, HeldSettings):
    user_pool_client_id: str
    sender_address: str
    mail_configuration: str
    storefront_url: str
    allowed_origins: str
    stage: str

    def is_ours(self, origin: str) -> bool:
        """Whether pages of this origin may use the session cookie."""
        # On a laptop the storefront may have any port. The guard in front of the emulator checks which.
        on_laptop = self.stage == "local" and LAPTOP.fullmatch(origin) is not None
        return on_laptop or origin in filter(None, self.allowed_origins.split(","))

    @property
    def cookie(self) -> str:
        """The session cookie's name. A browser accepts its prefix over TLS only, which a laptop does not have. The
        prefix prevents an attacker's page at another host of the domain from setting a session cookie."""
        return self._named("refresh")

    @property
    def device_cookie(self) -> str:
        """The name of the cookie that marks a browser on which the user has logged in before."""
        return self._named("device")

    def _named(self, name: str) -> str:
        return name if self.stage == "local" else f"__Secure-{name}"


@cache
def settings() -> AuthSettings:
    return load(AuthSettings)


@cache
def identity_provider() -> IdentityProvider:
    return CognitoIdentityProvider(settings().user_pool_id, settings().user_pool_client_id, visit)


def visit() -> Visit:
    """The request that is being answered."""
    event = api.current_event.raw_event
    return Visit(
        address=str(origin.address_of(event) or ""),
        user_agent=event["headers"].get("user-agent", ""),
        server=urlsplit(settings().storefront_url).hostname or "",
        path=event["rawPath"],
    )


def mailer() -> Mailer:
    return SesMailer(settings().sender_address, settings().mail_configuration, settings().storefront_url)


def attempts() -> Attempts:
    return DynamoDBAttempts(settings().attempts_table)


def devices() -> Devices:
    return DynamoDBDevices(settings().attempts_table)


class EmailRequest(RequestModel):
    email: EmailAddress


class Confirmation(EmailRequest):
    code: Annotated[Code, Field(repr=False)]
    password: NewPassword
    name: Name


class Credentials(EmailRequest):
    password: Password
    app_code: Annotated[
        AppCode | None,
        Field(repr=False, description="Of an authenticator app; only accounts with a second factor need it."),
    ] = None


class PasswordReset(EmailRequest):
    code: Annotated[Code, Field(repr=False)]
    password: NewPassword
    name: Annotated[
        Name | None, Field(description="To continue an interrupted confirmation; without it the name stays.")
    ] = None


class Profile(RequestModel):
    name: Name


class PasswordChange(RequestModel):
    password: Password
    new_password: NewPassword


class Farewell(RequestModel):
    """Only who knows the password deletes the account."""

    password: Password


class DeletionView(Model):
    """The deletion of an account.

    Attributes:
        requested_at: null while nobody has asked for it.
        waits_for: the orders that keep their person for now, and why.
    """

    requested_at: datetime | None
    waits_for: tuple[AwaitedOrder, ...]


class SecondFactor(RequestModel):
    password: Password


class SecondFactorProof(SecondFactor):
    app_code: Annotated[AppCode, Field(repr=False)]


class SecondFactorSecret(Model):
    """For an authenticator app: the secret in base32, and the same as an address that such apps open."""

    secret: str
    uri: str


class Registered(Model):
    """Where a mail was sent: the address as the shop writes it."""

    email: str


class User(Model):
    """A signed-in person."""

    user_id: str
    email: str
    name: str
    groups: tuple[str, ...]

    @classmethod
    def of(cls, caller: Caller) -> "User":
        return cls(user_id=caller.user_id, email=caller.email, name=caller.name, groups=tuple(sorted(caller.groups)))


class Export(Model):
    """A page of what the shop keeps of a person, in the form in which it is stored."""

    account: User
    addresses: tuple[dict[str, Any], ...] = ()
    cart: tuple[dict[str, Any], ...] = ()
    orders: tuple[dict[str, Any], ...]
    payments: tuple[dict[str, Any], ...]
    shipments: tuple[dict[str, Any], ...]
    mails: tuple[dict[str, Any], ...]
    next_cursor: str | None = None


class Session(Model):
    """A token for the API's Authorization header (`Bearer <idToken>`), and whose it is."""

    id_token: str
    expires_in: Annotated[int, Field(description="Seconds.")]
    user: User

    @classmethod
    def of(cls, tokens: Tokens) -> "Session":
        return cls(
            id_token=tokens.id_token,
            expires_in=tokens.expires_in,
            user=User.of(caller_of(_claims(tokens.id_token))),
        )


def _claims(id_token: str) -> dict[str, Any]:
    """The token's claims. They are not verified, as Cognito itself has just returned the token."""
    payload = id_token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _cookie(name: str, value: str, lasts: int) -> Cookie:
    return Cookie(
        name=name,
        value=value,
        path="/api/auth",
        max_age=lasts,
        http_only=True,
        secure=True,
        same_site=SameSite.STRICT_MODE,
    )


class AuthApi(Api):
    """The kernel's Api, for routes that read or write a cookie: pages of other sites may not use them."""

    def refusal(self, event: Mapping[str, Any]) -> Problem | None:
        # Allowed: requests without an origin, from no browser, and of the shop's pages. "null" is a sandboxed frame's.
        origin = event["headers"].get("origin")
        if origin is None or event["rawPath"] not in WITH_COOKIE or settings().is_ours(origin):
            return None
        return Problem(HTTPStatus.FORBIDDEN, "foreign-origin", "Only the shop's own pages may do this.")


WITH_COOKIE = frozenset(
    {
        "/api/auth/login",
        "/api/auth/refresh",
        "/api/auth/logout",
        "/api/account/sessions",
        "/api/account/deletion",
    }
)

api = AuthApi()

PROBLEMS: Mapping[type[AccountError], Callable[[Any], Problem]] = {
    AddressRefused: lambda _: invalid("email", "Enter your e-mail address, like name@example.com."),
    PasswordRefused: lambda refused: invalid("password", str(refused)),
    # The same answer for a wrong code, an expired one, one that was tried too often, and an unknown address.
    WrongCode: lambda _: invalid("code", "This code is wrong or has expired. Enter the newest one that we sent you."),
    WrongCredentials: lambda _: Problem(
        HTTPStatus.UNAUTHORIZED,
        "wrong-credentials",
        "That e-mail address and password do not match. Please check them.",
    ),
    EmailNotConfirmed: lambda _: Problem(
        HTTPStatus.FORBIDDEN,
        "email-not-confirmed",
        "Please confirm your e-mail address first, with the code we sent you.",
    ),
    PasswordNotSet: lambda _: Problem(
        HTTPStatus.FORBIDDEN,
        "password-reset-required",
        "Please choose a new password first: use “Forgot your password?”. If no code arrives, contact us.",
    ),
    SecondFactorNeeded: lambda _: Problem(
        HTTPStatus.FORBIDDEN,
        "second-factor-needed",
        "This account is protected by an authenticator app. Enter the code that it shows.",
    ),
    WrongSecondFactor: lambda _: invalid("appCode", "This is not the code that your app shows now. Try the next one."),
    SessionOver: lambda _: Problem(
        HTTPStatus.UNAUTHORIZED, "session-over", "You have been logged out. Please log in again."
    ),
    TooManyRequests: lambda _: Problem(
        HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", "Too many attempts. Please wait a while and try again."
    ),
}


# The cookie of an ended session is not deleted: when this answer arrives, another tab may have set a newer one already.
api.exception_handler(list(PROBLEMS))(lambda error: problem_response(PROBLEMS[type(error)](error)))

_INVALID = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@api.post(
    "/api/auth/register",
    status_code=HTTPStatus.CREATED,
    summary="Register an address",
    description="A code goes to the address. If it has an account, the mail says so; the answer is the same.",
    tags=["Auth"],
    responses=answers(HTTPStatus.CREATED, *_INVALID, *_BUSY),
)
def register_address(body: EmailRequest) -> Registered:
    _door().knock(settings().registration, body.email)
    commands.register(identity_provider(), mailer(), body.email)
    return Registered(email=body.email)


@api.post(
    "/api/auth/confirm",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Create the account with the code that was mailed",
    description=(
        "A code that was used already is answered like a wrong one; the address then gets a code for `reset-password`."
    ),
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, *_INVALID, *_BUSY),
)
def confirm(body: Confirmation) -> Response[None]:
    with _door().attempt(settings().code_entry, body.email):
        commands.confirm(
            identity_provider(),
            email=body.email,
            code=body.code,
            password=body.password.get_secret_value(),
            name=body.name,
        )
    return no_content()


@api.post(
    "/api/auth/resend-code",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Mail another code, if the address waits for one",
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, *_INVALID, *_BUSY),
)
def resend_code(body: EmailRequest) -> Response[None]:
    _door().knock(settings().code, body.email)
    identity_provider().resend_code(body.email)
    return no_content()


@api.post(
    "/api/auth/login",
    summary="Sign in",
    description=(
        "Sets the refresh cookie. 403 `email-not-confirmed`: the address was never confirmed. 403 "
        "`second-factor-needed`: the same again with `appCode`."
    ),
    tags=["Auth"],
    responses=answers(HTTPStatus.OK, *_INVALID, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, *_BUSY),
)
def login(body: Credentials) -> Response[Session]:
    door = _door()
    with door.attempt(settings().log_in, body.email):
        tokens = identity_provider().sign_in(body.email, body.password.get_secret_value(), body.app_code)
    device = _cookie(settings().device_cookie, door.let_in(body.email), KNOWN_FOR)
    return _session(tokens, device)


@api.post(
    "/api/auth/refresh",
    summary="Get another ID token by the refresh cookie",
    description="Sets the cookie anew: each refresh token is replaced by the next one.",
    tags=["Auth"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, *_BUSY),
)
def refresh() -> Response[Session]:
    return _session(commands.refresh(identity_provider(), _refresh_tokens()))


def _session(tokens: Tokens, *others: Cookie) -> Response[Session]:
    return Response(
        status_code=HTTPStatus.OK,
        content_type="application/json",
        body=Session.of(tokens),
        cookies=[_cookie(settings().cookie, tokens.refresh_token, SESSION_LASTS), *others],
    )


@api.post(
    "/api/auth/logout",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Sign out: end the session and forget the cookie",
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, HTTPStatus.FORBIDDEN, *_BUSY),
)
def logout() -> Response[None]:
    commands.sign_out(identity_provider(), _refresh_tokens())
    answer = no_content()
    answer.cookies = [_cookie(settings().cookie, "", 0)]
    return answer


@api.post(
    "/api/auth/forgot-password",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Mail a code for a new password, if the address has an account",
    description="An address that was never confirmed gets the code that confirms it.",
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, *_INVALID, *_BUSY),
)
def forgot_password(body: EmailRequest) -> Response[None]:
    _door().knock(settings().code, body.email)
    commands.forgot_password(identity_provider(), body.email)
    return no_content()


@api.post(
    "/api/auth/reset-password",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Choose a new password by the newest code that was mailed",
    description="Ends every session of the account.",
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, *_INVALID, *_BUSY),
)
def reset_password(body: PasswordReset) -> Response[None]:
    with _door().attempt(settings().code_entry, body.email):
        commands.reset_password(
            identity_provider(),
            email=body.email,
            code=body.code,
            password=body.password.get_secret_value(),
            name=body.name,
        )
    return no_content()


@api.post(
    "/api/auth/second-factor",
    summary="Begin to protect the account by an authenticator app",
    description="Counts once the app's code was sent to `/api/auth/second-factor/proof`.",
    tags=["Auth"],
    responses=answers(HTTPStatus.OK, *_INVALID, HTTPStatus.UNAUTHORIZED, HTTPStatus.CONFLICT, *_BUSY),
)
def begin_second_factor(body: SecondFactor) -> SecondFactorSecret:
    email = api.caller.email
    with _in_own_account(email):
        secret = identity_provider().begin_second_factor(email, body.password.get_secret_value())
    return SecondFactorSecret(
        secret=secret, uri=f"otpauth://totp/CloudRetail:{quote(email)}?secret={secret}&issuer=CloudRetail"
    )


@api.post(
    "/api/auth/second-factor/proof",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Ask for the authenticator app's code at every login from now on",
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, *_INVALID, HTTPStatus.UNAUTHORIZED, HTTPStatus.CONFLICT, *_BUSY),
)
def finish_second_factor(body: SecondFactorProof) -> Response[None]:
    with _in_own_account(api.caller.email):
        identity_provider().finish_second_factor(api.caller.email, body.password.get_secret_value(), body.app_code)
    return no_content()


@contextmanager
def _in_own_account(email: str) -> Iterator[None]:
    """Map errors for a user who is signed in: a wrong password must not look like the end of the session."""
    try:
        with _door().attempt(settings().log_in, email):
            yield
    except WrongCredentials:
        raise invalid("password", "This is not your password.") from None
    except SecondFactorNeeded:
        raise Problem(
            HTTPStatus.CONFLICT,
            "second-factor-exists",
            "This account is protected by an authenticator app already. If you have lost it, please contact us.",
        ) from None


@api.get(
    "/api/auth/me",
    summary="Who is signed in",
    tags=["Auth"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED),
)
def me() -> User:
    return User.of(api.caller)


@api.put(
    "/api/account",
    summary="Change the caller's name",
    description="The next ID token has it.",
    tags=["Account"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, *_INVALID, *_BUSY),
)
def rename(body: Profile) -> User:
    caller = api.caller
    identity_provider().rename(caller.email, body.name)
    return User.of(replace(caller, name=body.name))


@api.post(
    "/api/account/password",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Change the caller's password",
    description="Ends every session of the account, this one as well: log in with the new password.",
    tags=["Account"],
    responses=answers(HTTPStatus.NO_CONTENT, *_INVALID, HTTPStatus.UNAUTHORIZED, *_BUSY),
)
def change_password(body: PasswordChange) -> Response[None]:
    email = api.caller.email
    try:
        with _in_own_account(email):
            commands.change_password(
                identity_provider(),
                email=email,
                password=body.password.get_secret_value(),
                new_password=body.new_password.get_secret_value(),
            )
    except PasswordRefused as refused:
        raise invalid("newPassword", str(refused)) from None
    return no_content()


@api.delete(
    "/api/account/sessions",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Log out everywhere: end every session of the caller",
    description="ID tokens that are out live to their end, five minutes at most.",
    tags=["Account"],
    responses=answers(HTTPStatus.NO_CONTENT, HTTPStatus.UNAUTHORIZED, *_BUSY),
)
def log_out_everywhere() -> Response[None]:
    identity_provider().sign_out_everywhere(api.caller.email)
    answer = no_content()
    answer.cookies = [_cookie(settings().cookie, "", 0)]
    return answer


def deletion_ports() -> commands.DeletionPorts:
    return commands.DeletionPorts(open_deletions(settings()), CognitoUsers(settings().user_pool_id), _waits)


def _waits(user_id: str) -> list[AwaitedOrder]:
    return waits_of(settings(), user_id, datetime.now(UTC))


@api.get(
    "/api/account/deletion",
    summary="What the deletion of the caller's account would wait for",
    tags=["Account"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED),
)
def preview_deletion() -> DeletionView:
    return DeletionView(requested_at=None, waits_for=tuple(deletion_ports().waits(api.caller.user_id)))


@api.post(
    "/api/account/deletion",
    status_code=HTTPStatus.ACCEPTED,
    summary="Delete the caller's account, and what the shop keeps of them",
    description=(
        "Nobody can log in to it from now on. The rest comes by itself, once no order waits for anything: the answer "
        "says what is waited for."
    ),
    tags=["Account"],
    responses=answers(HTTPStatus.ACCEPTED, *_INVALID, HTTPStatus.UNAUTHORIZED, *_BUSY),
)
def delete_account(body: Farewell) -> Response[DeletionView]:
    caller, ports = api.caller, deletion_ports()
    with _in_own_account(caller.email):
        identity_provider().check_password(caller.email, body.password.get_secret_value())
    account = identity_provider().find(caller.email)
    username = account.user_id if account and account.user_id != caller.user_id else None
    requested = commands.request_deletion(ports, caller.user_id, api.cause, datetime.now(UTC), username=username)
    view = DeletionView(requested_at=requested.requested_at, waits_for=tuple(ports.waits(caller.user_id)))
    return Response(
        status_code=HTTPStatus.ACCEPTED,
        content_type="application/json",
        body=view,
        cookies=[_cookie(settings().cookie, "", 0)],
    )


@api.get(
    "/api/account/export",
    summary="All that the shop keeps of the caller, in pages by their orders",
    description="Addresses and cart are on the first page.",
    tags=["Account"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED),
)
def export_data(cursor: Cursor = None) -> Export:
    caller = api.caller
    rows, position = held(settings(), caller.user_id, decode_place(cursor, "orderId", "createdAt"))
    return Export.model_validate({"account": User.of(caller), **rows, "next_cursor": encode_cursor(position)})


def _door() -> Door:
    device = next(iter(_cookies(settings().device_cookie)), None)
    return Door(attempts(), devices(), api.client_address, device)


def _refresh_tokens() -> list[str]:
    """The tokens of all session cookies. A browser sends a cookie for each path and domain, in any order."""
    return _cookies(settings().cookie)


def _cookies(wanted: str) -> list[str]:
    event = api.current_event
    cookies = [each.partition("=") for each in emulator.cookies(event.cookies, event.headers)]
    return list(dict.fromkeys(value for name, _, value in cookies if name == wanted and value))


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request by API Gateway."""
    return api.handle(event, context)
