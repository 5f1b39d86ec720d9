"""The routes under /api/auth.

The ID token is the API's bearer and lives in the page's memory. The refresh token never reaches a script: it is in a
cookie that only these routes are sent, over TLS and from the shop's own pages.
"""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie, SameSite
from aws_lambda_powertools.utilities.typing import LambdaContext

from auth.domain import (
    SESSION_LASTS,
    Code,
    EmailAddress,
    IdentityProvider,
    Mailer,
    Name,
    NewPassword,
    Password,
    SessionOver,
    Tokens,
    register,
)
from auth.identity_provider import CognitoIdentityProvider, SesMailer
from cloudretail import emulator
from cloudretail.http import Api, answers, no_content, problem_response
from cloudretail.identity import Caller, caller_of
from cloudretail.model import Model, RequestModel
from cloudretail.settings import Settings, load

COOKIE = "refresh"


class AuthSettings(Settings):
    user_pool_id: str
    user_pool_client_id: str
    sender_address: str
    storefront_url: str


@cache
def _settings() -> AuthSettings:
    return load(AuthSettings)


def identity_provider() -> IdentityProvider:
    return CognitoIdentityProvider(_settings().user_pool_id, _settings().user_pool_client_id)


def mailer() -> Mailer:
    return SesMailer(_settings().sender_address, _settings().storefront_url)


class Address(RequestModel):
    email: EmailAddress


class Registration(Address):
    password: NewPassword
    name: Name


class Confirmation(Address):
    code: Code


class Credentials(Address):
    password: Password


class PasswordReset(Confirmation):
    password: NewPassword


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


class Session(Model):
    """A token for the API's Authorization header (`Bearer <idToken>`), and whose it is."""

    id_token: str
    expires_in: int
    user: User

    @classmethod
    def of(cls, tokens: Tokens) -> "Session":
        return cls(
            id_token=tokens.id_token,
            expires_in=tokens.expires_in,
            user=User.of(caller_of(_claims(tokens.id_token))),
        )


def _claims(id_token: str) -> dict[str, Any]:
    """The token's claims, unverified: it came from Cognito itself a moment ago."""
    payload = id_token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _cookie(refresh_token: str, lasts: int) -> Cookie:
    return Cookie(
        name=COOKIE,
        value=refresh_token,
        path="/api/auth",
        max_age=lasts,
        http_only=True,
        secure=True,
        same_site=SameSite.STRICT_MODE,
    )


_NO_COOKIE = _cookie("", 0)

api = Api()

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
def register_address(body: Registration) -> Registered:
    register(identity_provider(), mailer(), email=body.email, password=body.password.get_secret_value(), name=body.name)
    return Registered(email=body.email)


@api.post(
    "/api/auth/confirm",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Confirm an address with the code that was mailed to it",
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, *_INVALID, *_BUSY),
)
def confirm(body: Confirmation) -> Response[None]:
    identity_provider().confirm(body.email, body.code)
    return no_content()


@api.post(
    "/api/auth/resend-code",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Mail another code, if the address waits for one",
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, *_INVALID, *_BUSY),
)
def resend_code(body: Address) -> Response[None]:
    identity_provider().resend_code(body.email)
    return no_content()


@api.post(
    "/api/auth/login",
    summary="Sign in",
    description="Sets the refresh cookie. 403 `email-not-confirmed`: the address was never confirmed.",
    tags=["Auth"],
    responses=answers(HTTPStatus.OK, *_INVALID, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, *_BUSY),
)
def login(body: Credentials) -> Response[Session]:
    tokens = identity_provider().sign_in(body.email, body.password.get_secret_value())
    return Response(
        status_code=HTTPStatus.OK,
        content_type="application/json",
        body=Session.of(tokens),
        cookies=[_cookie(tokens.refresh_token, SESSION_LASTS)],
    )


@api.post(
    "/api/auth/refresh",
    summary="Get another ID token by the refresh cookie",
    tags=["Auth"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, *_BUSY),
)
def refresh() -> Session:
    return Session.of(identity_provider().refresh(_refresh_token()))


def _forget_session(over: SessionOver) -> Response[Any]:
    answer = problem_response(over)
    answer.cookies = [_NO_COOKIE]
    return answer


api.exception_handler(SessionOver)(_forget_session)


@api.post(
    "/api/auth/logout",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Sign out: end the session and forget the cookie",
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, *_BUSY),
)
def logout() -> Response[None]:
    with suppress(SessionOver):
        identity_provider().revoke(_refresh_token())
    answer = no_content()
    answer.cookies = [_NO_COOKIE]
    return answer


@api.post(
    "/api/auth/forgot-password",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Mail a code for a new password, if the address has an account",
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, *_INVALID, *_BUSY),
)
def forgot_password(body: Address) -> Response[None]:
    identity_provider().send_reset_code(body.email)
    return no_content()


@api.post(
    "/api/auth/reset-password",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Choose a new password by the code that was mailed",
    description="Ends every session of the account.",
    tags=["Auth"],
    responses=answers(HTTPStatus.NO_CONTENT, *_INVALID, *_BUSY),
)
def reset_password(body: PasswordReset) -> Response[None]:
    identity_provider().reset_password(body.email, body.code, body.password.get_secret_value())
    return no_content()


@api.get(
    "/api/auth/me",
    summary="Who is signed in",
    tags=["Auth"],
    responses=answers(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED),
)
def me() -> User:
    return User.of(api.caller)


def _refresh_token() -> str:
    event = api.current_event
    for cookie in emulator.cookies(event.cookies, event.headers):
        name, _, value = cookie.partition("=")
        if name == COOKIE and value:
            return value
    raise SessionOver


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request by API Gateway."""
    return api.handle(event, context)
